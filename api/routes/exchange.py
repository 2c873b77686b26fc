"""An exchanged meter: the page on which a technician tells it, and the same for programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.deps import Context, ContextDep, LanguageDep
from api.display import display, ordered
from api.problems import NotFound, problem
from api.render import page
from api.routes.enter import SAME_SITE
from api.routes.forms import MAX_BODY, TooLarge, body_of
from api.words import say
from collector._exchange_doubts import plain
from collector.entered import moment_ns
from collector.exchange import ID, MAX_TEXT, Exchange, ExchangeDesk, Taken
from dodac.clock import iso_utc, local_text
from dodac.contracts import Event
from dodac.errors import ConfigError, DataError, Where
from dodac.words import Language, number_text
from drivers.protocols.manual_numbers import parse_number

router = APIRouter(default_response_class=HTMLResponse)

_STATUS = {"stored": 201, "waiting": 202, "asked": 409}
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class ExchangeIn(BaseModel):
    """An exchange: counters maps a channel to [last reading of the old meter, first of the new one], canonical units.

    at: ISO 8601, local to the site without an offset. sure: record it although readings speak against it.
    """

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=f"^{ID.pattern}$")]
    at: Annotated[str, Field(max_length=64)]
    counters: Annotated[dict[str, tuple[float, float]], Field(min_length=1, max_length=64)]
    serial_number: Text = ""
    operator: Text = ""
    note: Text = ""
    withdrawn: bool = False
    sure: bool = False


class DoubtOut(BaseModel):
    """What speaks against an exchange, in both languages."""

    vi: str
    en: str


class ExchangeOut(BaseModel):
    """state: stored, waiting or asked."""

    id: str
    state: str
    doubts: list[DoubtOut]


class CounterEventOut(BaseModel):
    """An exchange or a rollover as it stands in the journal."""

    time: str
    kind: str
    text: str
    data: dict[str, Any]


def _desk(context: Context) -> ExchangeDesk:
    return ExchangeDesk(context.site, context.clock, context.journals.if_there)


def _known(context: Context, instrument: str) -> None:
    try:
        context.site.instrument(instrument)
    except ConfigError as error:
        raise NotFound(str(error)) from None


def _moment(text: str, context: Context, instrument: str) -> int:
    try:
        return moment_ns(text, context.site.site.timezone)
    except ValueError:
        where = Where(instrument=instrument)
        raise DataError(f'"{text}" is no ISO 8601 time.', where, "Write e.g. 2026-11-22T08:30.") from None


@router.post(
    "/api/exchanges/{instrument}",
    tags=["exchanges"],
    status_code=201,
    response_model=None,
    response_class=JSONResponse,
    responses={code: {"model": ExchangeOut} for code in (201, 202, 409)},
)
def record(context: ContextDep, instrument: str, given: ExchangeIn) -> Response:
    """Records an exchange: 201 stored, 202 kept, 409 when readings speak against it (send it again with sure)."""
    _known(context, instrument)
    told = Exchange(
        given.id, instrument, _moment(given.at, context, instrument), given.counters, given.serial_number.strip(),
        given.operator.strip(), given.note.strip(), given.withdrawn,
    )  # fmt: skip
    taken = _desk(context).take(told, sure=given.sure)
    doubts = [{"vi": doubt.vi, "en": doubt.en} for doubt in taken.doubts]
    return JSONResponse({"id": told.id, "state": taken.state, "doubts": doubts}, _STATUS[taken.state])


@router.get(
    "/api/exchanges/{instrument}",
    tags=["exchanges"],
    response_model=None,
    response_class=JSONResponse,
    responses={200: {"model": list[CounterEventOut]}},
)
def recorded(context: ContextDep, instrument: str) -> Response:
    """Exchanges and rollovers recorded for an instrument, oldest first."""
    _known(context, instrument)
    return JSONResponse([_row(event) for event in _events(context, instrument)])


def _row(event: Event) -> dict[str, Any]:
    return {
        "time": iso_utc(event.time_ns),
        "kind": event.kind.value,
        "text": event.text,
        "data": dict(event.data),
    }


def _events(context: Context, instrument: str) -> list[Event]:
    store = context.journals.if_there()
    return [] if store is None else store.counter_events(instrument)


@router.get("/exchange/{instrument}", response_model=None, include_in_schema=False)
def exchange_page(
    request: Request, context: ContextDep, language: LanguageDep, instrument: str, saved: str = ""
) -> Response:
    """The form of an exchange, with the last readings, and what was recorded before."""
    return _page(request, context, language, instrument, saved=saved)


@router.post("/exchange/{instrument}", response_model=None, include_in_schema=False)
async def exchange_sent(
    request: Request, context: ContextDep, language: LanguageDep, instrument: str
) -> Response:
    """Records what was typed, or shows it again with what is wrong or doubtful."""
    try:
        fields = parse_qs((await body_of(request, MAX_BODY)).decode("utf-8", "replace"))
    except (TooLarge, ValueError):
        return problem(413, "too large", say("wrong_form", language))
    given = {name: values[0].strip() for name, values in fields.items()}
    return await run_in_threadpool(_sent, request, context, language, instrument, given)


def _sent(
    request: Request, context: Context, language: Language, instrument: str, given: Mapping[str, str]
) -> Response:
    _known(context, instrument)
    faults: list[str] = []
    counters: dict[str, tuple[float, float]] = {}
    for name in _desk(context).counters(instrument):
        texts = given.get(f"old.{name}", ""), given.get(f"new.{name}", "")
        if not any(texts):
            continue
        ends = [_number(text) for text in texts]
        if None in ends:
            faults.append(f"{display(name).name(language)}: {say('ex_two_numbers', language)}")
        counters[name] = (ends[0] or 0.0, ends[1] or 0.0)
    if not counters:
        faults.append(say("ex_none_typed", language))
    if faults:
        return _page(request, context, language, instrument, given=given, faults=faults)
    try:
        told = Exchange(
            given.get("id", ""), instrument, _moment(given.get("at", ""), context, instrument), counters,
            given.get("serial", "")[:MAX_TEXT], given.get("operator", "")[:MAX_TEXT], given.get("note", "")[:MAX_TEXT],
        )  # fmt: skip
        taken = _desk(context).take(told, sure=given.get("sure") == "1")
    except (DataError, ValidationError) as error:
        return _page(request, context, language, instrument, given=given, faults=[str(error)])
    if taken.state == "asked":
        return _page(request, context, language, instrument, given=given, taken=taken)
    return RedirectResponse(f"/exchange/{instrument}?saved={taken.state}", 303)


def _number(text: str) -> float | None:
    found = parse_number(text)
    return (
        float(found.meanings[0])
        if found is not None and not found.unit and len(found.meanings) == 1
        else None
    )


def _page(
    request: Request,
    context: Context,
    language: Language,
    instrument: str,
    *,
    given: Mapping[str, str] | None = None,
    faults: list[str] | None = None,
    taken: Taken | None = None,
    saved: str = "",
) -> Response:
    _known(context, instrument)
    item, zone, given = context.site.instrument(instrument), context.site.site.timezone, given or {}
    now = context.clock.now_ns()
    doubts = [] if taken is None else [getattr(doubt, language) for doubt in taken.doubts]
    answer = page(
        request,
        "exchange.html",
        language,
        status=422 if faults else 409 if doubts else 200,
        instrument=instrument,
        title=item.name or instrument,
        fields=[
            _field(context, instrument, name, language)
            for name in ordered(_desk(context).counters(instrument))
        ],
        given=given,
        at=given.get("at") or local_text(now, zone, "%Y-%m-%dT%H:%M"),
        id=given.get("id") or os.urandom(8).hex(),
        faults=faults or [],
        doubts=doubts,
        saved=say(f"saved_{saved}", language) if saved in ("stored", "waiting") else "",
        past=[
            {"when": local_text(event.time_ns, zone, "%d/%m/%Y %H:%M"), **_told(event, language)}
            for event in reversed(_events(context, instrument))
        ],
    )
    answer.headers.update(SAME_SITE)
    return answer


def _field(context: Context, instrument: str, name: str, language: Language) -> dict[str, str]:
    shown, seen = display(name), _desk(context).last_reading(instrument, name)
    found = {"channel": name, "name": shown.name(language), "unit": shown.unit_text(language), "last": ""}
    if seen is not None:
        when = local_text(seen[0], context.site.site.timezone, "%d/%m/%Y %H:%M")
        number = plain(seen[1], language)
        found["last"] = say("ex_last", language, number=number, unit=found["unit"], when=when)
    return found


def _told(event: Event, language: Language) -> dict[str, Any]:
    parts = []
    for key in event.data:
        if key.startswith("end."):
            name = key.removeprefix("end.")
            ends = (float(event.data[key]), float(event.data[f"start.{name}"]))
            old, new = (number_text(value, 3, language) for value in ends)
            parts.append(f"{display(name).name(language)}: {old} → {new} {display(name).unit_text(language)}")
    serial = event.data.get("serial_number")
    return {
        "words": " · ".join(parts),
        "kind": say(f"ex_{event.kind.value}", language),
        "serial": say("serial", language, number=serial) if serial else "",
        "gone": bool(event.data.get("withdrawn")),
    }
