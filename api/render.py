"""Pages from templates: one environment, the same words and layout for all."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import Request
from starlette.responses import HTMLResponse

from api.deps import LANGUAGE_COOKIE, Context
from api.words import say
from dodac.words import LANGUAGES, Language

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES: Final = Path(__file__).parent / "templates"
_YEAR_S: Final = 365 * 86_400


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def page(
    request: Request, name: str, language: Language, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page from its template; ?lang= is remembered in a cookie."""
    context = cast("Context", request.app.state.context)
    other: Language = "en" if language == "vi" else "vi"

    def words(key: str, **inner: object) -> str:
        return say(key, language, **inner)

    html = (
        _environment()
        .get_template(name)
        .render(
            say=words,
            language=language,
            other=other,
            path=request.url.path,
            site=context.site.site,
            has_forms=context.has_forms,
            **values,
        )
    )
    answer = HTMLResponse(html, status)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax")
    return answer


def error_page(request: Request, status: int, detail: str) -> HTMLResponse:
    """An error for people, in the language they chose before."""
    context = cast("Context", request.app.state.context)
    choice = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    language = choice if choice in LANGUAGES else context.site.site.language
    return page(request, "problem.html", language, status=status, code=status, detail=detail)
