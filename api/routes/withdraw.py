"""The page on which an entry is taken back: its time, or its form, was the wrong one."""

from __future__ import annotations

import os
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.deps import Context, ContextDep, LanguageDep
from api.forms import WithdrawIn, title_of, withdrawal_of
from api.problems import NotFound, problem
from api.render import page
from api.routes.enter import SAME_SITE
from api.routes.forms import MAX_BODY, TooLarge, body_of, form_named, recent
from api.words import say
from collector.enter import Taken
from collector.entered import past_text
from dodac.words import Language
from drivers.manual_words import finding_text

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/enter/{instrument}/withdraw/{entry}", response_model=None)
def withdraw_page(
    request: Request, context: ContextDep, language: LanguageDep, instrument: str, entry: str
) -> Response:
    """Shows what would be taken back, and asks."""
    return _page(request, context, language, instrument, entry)


@router.post("/enter/{instrument}/withdraw/{entry}", response_model=None)
async def withdraw_sent(
    request: Request, context: ContextDep, language: LanguageDep, instrument: str, entry: str
) -> Response:
    """Takes the entry back and shows the form again, or says why not."""
    try:
        fields = parse_qs((await body_of(request, MAX_BODY)).decode("utf-8", "replace"))
        given = WithdrawIn(
            entry=entry, **{name: fields.get(name, [""])[0] for name in ("id", "operator", "note")}
        )
    except TooLarge:
        return problem(413, "too large", say("wrong_form", language))
    except (ValidationError, ValueError):
        return problem(400, "wrong form", say("wrong_form", language))
    return await run_in_threadpool(_sent, request, context, language, instrument, given)


def _sent(
    request: Request, context: Context, language: Language, instrument: str, given: WithdrawIn
) -> Response:
    one = form_named(context, instrument)
    taken = context.desk.withdraw(withdrawal_of(one, given, context.site.site.timezone))
    if taken.state in ("stored", "waiting"):
        return RedirectResponse(f"/enter/{instrument}?saved=withdrawn", 303)
    return _page(request, context, language, instrument, given.entry, taken)


def _page(
    request: Request,
    context: Context,
    language: Language,
    instrument: str,
    entry: str,
    taken: Taken | None = None,
) -> Response:
    one, zone = form_named(context, instrument), context.site.site.timezone
    old = next((past for past in recent(context, instrument) if past.entry.id == entry), None)
    if old is None or old.entry.withdrawal:
        raise NotFound(say("no_entry", language))
    when, words = past_text(old, one, zone, language)
    faults = [] if taken is None else taken.findings
    answer = page(
        request,
        "enter_withdraw.html",
        language,
        status=200 if taken is None else 422,
        instrument=instrument,
        title=title_of(one, language),
        old=old,
        when=when,
        words=words,
        id=os.urandom(8).hex(),
        faults=[finding_text(finding, one.form.profile, zone, language) for finding in faults],
    )
    answer.headers.update(SAME_SITE)
    return answer
