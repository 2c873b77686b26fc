"""What routes need, as annotated dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from api.collector_view import CollectorView
from api.live import Hub
from api.sources import Cases, Journals
from collector.enter import Desk
from dodac.clock import Clock
from dodac.site import Site
from dodac.words import LANGUAGES, Language

LANGUAGE_COOKIE = "dodac_lang"


@dataclass(frozen=True)
class Context:
    """All that the routes of one application share."""

    site: Site
    clock: Clock
    hub: Hub
    journals: Journals
    cases: Cases
    needs_token: bool
    desk: Desk
    collector: CollectorView

    @property
    def has_forms(self) -> bool:
        """True when readings can be typed here."""
        return any(connection.kind == "manual" for connection in self.site.connections.values())


def _context(request: Request) -> Context:
    return cast("Context", request.app.state.context)


ContextDep = Annotated[Context, Depends(_context)]


def _language(request: Request, context: ContextDep, lang: str | None = None) -> Language:
    """?lang=, then the cookie of an earlier choice, then the site's language."""
    for choice in (lang, request.cookies.get(LANGUAGE_COOKIE)):
        if choice in LANGUAGES:
            return choice
    return context.site.site.language


LanguageDep = Annotated[Language, Depends(_language)]
