"""The pages on which a technician types readings; with the script, or without."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api._form_words import SCRIPT_KEYS
from api._multipart import FormData, parse_multipart
from api.deps import Context, ContextDep, LanguageDep
from api.forms import RECENT, EntryIn, entry_of, form_out, title_of, typed_again
from api.problems import problem
from api.render import page
from api.routes.forms import TooLarge, body_of, form_named, recent
from api.words import WORDS, say
from collector.enter import Taken
from collector.entered import Past, past_text
from dodac.clock import DAY_NS, MINUTE_NS, SECOND_NS, iso_utc, local_text, parse_time_ns
from dodac.errors import DodacError
from dodac.words import Language
from drivers._photos import MAX_PHOTO
from drivers.manual_forms import SiteForm
from drivers.manual_words import choice_words, finding_text, number_words, of, unit_words

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

MAX_FORM: Final = MAX_PHOTO + 64_000
SAME_SITE: Final = {"referrer-policy": "same-origin"}  # else a browser hides from us where a form comes from
_GUESS_DAYS: Final = {"shift": 0, "day": 1, "month": 30, "free": 30}


@router.get("/enter", response_model=None)
def forms_page(request: Request, context: ContextDep, language: LanguageDep) -> Response:
    """Every form as a big button, by equipment."""
    assets: dict[str, list[dict[str, str]]] = {}
    for name, one in context.desk.forms().items():
        past = [entry for entry in recent(context, name) if entry.counts]
        when = ""
        if past:
            when = _when(past[-1].entry.end_ns, context, language)
        row = {
            "id": name,
            "title": title_of(one, language),
            "kind": of(one.form.profile.form.title, language),
            "last": when,
        }
        assets.setdefault(one.item.asset, []).append(row)
    return page(request, "enter.html", language, assets=assets, words=_script_words(language))


@router.get("/enter/{instrument}", response_model=None)
def form_page(
    request: Request,
    context: ContextDep,
    language: LanguageDep,
    instrument: str,
    corrects: str = "",
    again: str = "",
) -> Response:
    """One form; ?corrects=ID opens it filled in with an earlier entry, ?again=ID so that its time can change."""
    one = form_named(context, instrument)
    past = recent(context, instrument)
    wanted = corrects or again
    old = next((p for p in past if p.entry.id == wanted), None) if wanted else None
    if old is None:
        return _page(request, context, one, past, language, typed={})
    typed, units = typed_again(one, old)
    if corrects:
        return _page(request, context, one, past, language, typed=typed, units=units, old=old)
    given, photo = _given_before(one, old, context.site.site.timezone), old.entry.photo
    return _page(
        request, context, one, past, language, typed=typed, units=units, given=given, photo=photo, again=True
    )


@router.post("/enter/{instrument}", response_model=None)
async def form_sent(
    request: Request, context: ContextDep, language: LanguageDep, instrument: str
) -> Response:
    """A form sent without the script: saved and shown again, or shown with what is asked."""
    try:
        data = parse_multipart(request.headers.get("content-type", ""), await body_of(request, MAX_FORM))
    except TooLarge:
        return problem(413, "too large", say("photo_large", language))
    except ValueError:
        return problem(400, "wrong form", say("wrong_form", language))
    return await run_in_threadpool(_sent, request, context, language, instrument, data)


def _sent(
    request: Request, context: Context, language: Language, instrument: str, data: FormData
) -> Response:
    one = form_named(context, instrument)
    first = {name: values[0] for name, values in data.fields.items()}
    photo, fault = first.get("photo", ""), ""
    if "picture" in data.files:
        try:
            photo = context.desk.photos.keep(data.files["picture"]).sha256
        except ValueError:
            fault = say("photo_large", language)
    past = recent(context, instrument)
    corrects = first.get("corrects", "")
    old = next((p for p in past if p.entry.id == corrects), None) if corrects else None
    typed = {c: first.get(f"choose.{c}") or first.get(f"value.{c}", "") for c in one.form.profile.channels}
    units = {c: first.get(f"unit.{c}", "") for c in one.form.profile.channels}
    state: dict[str, Any] = {"typed": typed, "units": units, "given": first, "old": old, "photo": photo}
    if fault:
        return _page(request, context, one, past, language, faults=[fault], status=422, **state)
    try:
        entry = entry_of(one, _given(one, first, data, photo, typed, units), context.desk)
        taken = context.desk.take(entry)
    except (DodacError, ValidationError, ValueError) as error:
        text = str(error) if isinstance(error, DodacError) else say("wrong_form", language)
        return _page(request, context, one, past, language, faults=[text], status=422, **state)
    if taken.state in ("stored", "waiting"):
        return RedirectResponse(f"/enter/{instrument}?saved={taken.state}", 303)
    return _page(request, context, one, past, language, taken=taken, status=200, **state)


def _given(
    one: SiteForm,
    first: dict[str, str],
    data: FormData,
    photo: str,
    typed: dict[str, str],
    units: dict[str, str],
) -> EntryIn:
    fields: dict[str, Any] = {
        "id": first.get("id", ""),
        "values": {c: {"text": text, "unit": units[c]} for c, text in typed.items() if text.strip()},
        "operator": first.get("operator", ""),
        "note": first.get("note", ""),
        "photo": photo or None,
        "confirmed": data.fields.get("confirm", []),
        "corrects": first.get("corrects", ""),
    }
    if one.form.period:
        fields |= {"from": first.get("from", ""), "to": _day_after(first.get("to", ""))}
    else:
        fields["at"] = first.get("at", "")
    return EntryIn.model_validate(fields)


def _given_before(one: SiteForm, old: Past, zone: str) -> dict[str, str]:
    """The fields besides the values as an earlier entry gives them; its time as the form asks for it."""
    entry, days = old.entry, one.form.profile.form.period not in ("none", "shift")
    pattern = "%Y-%m-%d" if days else "%Y-%m-%dT%H:%M"
    start = local_text(entry.start_ns, zone, pattern)
    # asked is the last day of the period, kept the moment after it
    end = local_text(entry.end_ns - SECOND_NS if days else entry.end_ns, zone, pattern)
    return {"at": start, "from": start, "to": end, "operator": entry.operator, "note": entry.note}


def _day_after(text: str) -> str:
    """The end of a period given by its last day."""
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat() if len(text) == 10 else text
    except (ValueError, OverflowError):
        return text


def _page(
    request: Request,
    context: Context,
    one: SiteForm,
    past: list[Past],
    language: Language,
    *,
    typed: dict[str, str],
    units: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
    old: Past | None = None,
    photo: str = "",
    again: bool = False,
    taken: Taken | None = None,
    faults: list[str] | None = None,
    status: int = 200,
) -> Response:
    zone, given = context.site.site.timezone, given or {}
    out = form_out(one, past)
    findings = [] if taken is None else list(taken.findings)
    fields = []
    for field in out.fields:
        usual = None
        if field.usual is not None:
            usual = [number_words(bound, language) for bound in field.usual]
        fields.append(
            {
                "channel": field.channel,
                "name": field.vi if language == "vi" else field.en,
                "hint": field.hint_vi if language == "vi" else field.hint_en,
                "unit": unit_words(field.unit, language),
                "units": [(unit, unit_words(unit, language)) for unit in field.units],
                "unit_chosen": (units or {}).get(field.channel) or field.unit,
                "low": field.low,
                "high": field.high,
                "usual": usual,
                "usual_raw": field.usual,
                "required": field.required,
                "text": typed.get(field.channel, ""),
                "last": "" if field.last is None else number_words(field.last, language),
                "last_time": ""
                if not field.last_time
                else _when(parse_time_ns(field.last_time, "UTC"), context, language),
                "findings": [
                    (f, finding_text(f, one.form.profile, zone, language))
                    for f in findings
                    if f.channel == field.channel
                ],
            }
        )
    rows = []
    for entry in reversed([entry for entry in past if not entry.entry.withdrawal][-RECENT:]):
        when, words = past_text(entry, one, zone, language)
        rows.append({"past": entry, "when": when, "words": words})
    answer = page(
        request,
        "enter_form.html",
        language,
        status=status,
        one=one,
        title=title_of(one, language),
        kind=of(one.form.profile.form.title, language),
        hint=out.hint_vi if language == "vi" else out.hint_en,
        fields=fields,
        period=out.period,
        photo_mode=out.photo,
        photo=photo,
        given=given,
        times=_times(context, out.period, [entry for entry in past if entry.counts], given, old),
        old=old,
        again=again,
        old_when=past_text(old, one, zone, language)[0] if old is not None else "",
        id=given.get("id") or os.urandom(8).hex(),
        faults=[
            *(faults or []),
            *(finding_text(f, one.form.profile, zone, language) for f in findings if not f.channel),
        ],
        questions=[f.key for f in findings if not f.refused and not f.choices],
        choice_words=choice_words,
        offset_min=_offset_min(context),
        now_ms=context.clock.now_ns() // 1_000_000,
        saved=request.query_params.get("saved", ""),
        rows=rows,
        refused=context.desk.spool.refused(one.item.id),
        words=_script_words(language),
    )
    answer.headers.update(SAME_SITE)
    return answer


def _offset_min(context: Context) -> int:
    """How many minutes the site's clocks are ahead of UTC now."""
    now_ns = context.clock.now_ns()
    local_ns = parse_time_ns(local_text(now_ns, context.site.site.timezone, "%Y-%m-%dT%H:%M:%S"), "UTC")
    return round((local_ns - now_ns) / MINUTE_NS)


def _times(
    context: Context, period: str, past: list[Past], given: dict[str, str], old: Past | None
) -> dict[str, str]:
    """What the time fields hold first: as sent, as corrected, or a good guess."""
    zone, now_ns = context.site.site.timezone, context.clock.now_ns()
    if old is not None:
        start, end = iso_utc(old.entry.start_ns), iso_utc(old.entry.end_ns)
        return {"at": start, "from": start, "to": end}
    if given:
        return {name: given.get(name, "") for name in ("at", "from", "to")}
    minute = "%Y-%m-%dT%H:%M"
    if period in ("none", "shift"):
        start_ns = past[-1].entry.end_ns if past and period == "shift" else now_ns - DAY_NS // 3
        if now_ns - start_ns > 2 * DAY_NS:
            start_ns = now_ns - DAY_NS // 3
        now = local_text(now_ns, zone, minute)
        return {"at": now, "from": local_text(start_ns, zone, minute), "to": now}
    end_ns = now_ns - DAY_NS  # yesterday is the last whole day
    start_ns = past[-1].entry.end_ns if past else end_ns - _GUESS_DAYS[period] * DAY_NS
    day = "%Y-%m-%d"
    return {"at": "", "from": local_text(start_ns, zone, day), "to": local_text(end_ns, zone, day)}


def _when(time_ns: int, context: Context, language: Language) -> str:
    """A local time for people, without the year while that goes without saying."""
    zone, now_ns = context.site.site.timezone, context.clock.now_ns()
    recent = abs(now_ns - time_ns) < 180 * DAY_NS
    if language == "vi":
        return local_text(time_ns, zone, "%d/%m %H:%M" if recent else "%d/%m/%Y %H:%M")
    return local_text(time_ns, zone, "%d %b %H:%M" if recent else "%Y-%m-%d %H:%M")


def _script_words(language: Language) -> dict[str, str]:
    return {key: WORDS[key][language] for key in SCRIPT_KEYS}
