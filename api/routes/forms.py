"""Readings by hand: the forms as JSON, what is handed in, and photos."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from api.deps import Context, ContextDep
from api.forms import (
    RECENT,
    RECENT_NS,
    EntryIn,
    FormOut,
    PastOut,
    PhotoOut,
    TakenOut,
    WithdrawIn,
    entry_of,
    form_out,
    past_out,
    taken_out,
    withdrawal_of,
)
from api.problems import NotFound, problem
from api.security import PAGE_POLICY
from collector.enter import Taken
from collector.entered import Past
from dodac.clock import DAY_NS
from dodac.errors import ConfigError, StorageError
from drivers._photos import MAX_PHOTO, SUFFIX
from drivers.manual_forms import SiteForm

router = APIRouter(prefix="/api", tags=["forms"])

MAX_BODY: Final = 64_000
Given = TypeVar("Given", EntryIn, WithdrawIn)
_STATUS: Final = {"stored": 201, "waiting": 202, "ask": 409, "refused": 422}


class TooLarge(Exception):  # noqa: N818 - an answer rather than a fault
    """A body beyond what is read."""


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request, of at most so many bytes; TooLarge beyond, without reading on."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > most:
        raise TooLarge
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > most:
            raise TooLarge
    return bytes(data)


def form_named(context: Context, instrument: str) -> SiteForm:
    """The form of an instrument; NotFound with the nearest when it has none."""
    try:
        return context.desk.form(instrument)
    except ConfigError as error:
        if error.where.file is not None:
            raise
        raise NotFound(str(error)) from None


def recent(context: Context, instrument: str) -> list[Past]:
    """The entries of the last year, oldest first."""
    now_ns = context.clock.now_ns()
    return context.desk.past(instrument, now_ns - RECENT_NS, now_ns + DAY_NS)


@router.get("/forms")
def forms(context: ContextDep) -> list[FormOut]:
    """Every form of the site, with ranges and last values."""
    return [form_out(one, recent(context, name)) for name, one in context.desk.forms().items()]


@router.get("/forms/{instrument}")
def form(context: ContextDep, instrument: str) -> FormOut:
    """One form."""
    return form_out(form_named(context, instrument), recent(context, instrument))


@router.get("/forms/{instrument}/entries")
def entries(context: ContextDep, instrument: str, limit: int = RECENT) -> list[PastOut]:
    """What was handed in lately and where it is; newest first."""
    form_named(context, instrument)
    past = recent(context, instrument)[-max(1, min(limit, 1000)) :]
    return past_out(past, context.desk.spool.refused(instrument))


@router.post(
    "/forms/{instrument}",
    response_model=None,
    responses={code: {"model": TakenOut} for code in (201, 202, 409, 422)},
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": EntryIn.model_json_schema(by_alias=True)}}}
    },
)
async def hand_in(request: Request, context: ContextDep, instrument: str) -> Response:
    """Hands an entry in: 201 stored, 202 kept, 409 asked about, 422 refused; the same id again counts once."""
    given = await _read(request, EntryIn)
    if isinstance(given, Response):
        return given
    out = await run_in_threadpool(_take, context, instrument, given)
    return JSONResponse(out.model_dump(), _STATUS[out.state])


def _take(context: Context, instrument: str, given: EntryIn) -> TakenOut:
    one = form_named(context, instrument)
    taken: Taken = context.desk.take(entry_of(one, given, context.desk))
    return taken_out(one, taken, context.site.site.timezone)


@router.post(
    "/forms/{instrument}/withdrawals",
    response_model=None,
    responses={code: {"model": TakenOut} for code in (201, 202, 422)},
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": WithdrawIn.model_json_schema()}}}
    },
)
async def withdraw(request: Request, context: ContextDep, instrument: str) -> Response:
    """Takes an earlier entry back with one that is appended: 201 stored, 202 kept, 422 refused."""
    given = await _read(request, WithdrawIn)
    if isinstance(given, Response):
        return given
    out = await run_in_threadpool(_withdraw, context, instrument, given)
    return JSONResponse(out.model_dump(), _STATUS[out.state])


def _withdraw(context: Context, instrument: str, given: WithdrawIn) -> TakenOut:
    one, zone = form_named(context, instrument), context.site.site.timezone
    return taken_out(one, context.desk.withdraw(withdrawal_of(one, given, zone)), zone)


async def _read(request: Request, model: type[Given]) -> Given | Response:
    """The body as such a model, or the answer that says what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return problem(415, "wrong type", "Send the entry as application/json.")
    try:
        return model.model_validate_json(await body_of(request, MAX_BODY))
    except TooLarge:
        return problem(413, "too large", f"An entry has at most {MAX_BODY} bytes.")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(word) for word in first["loc"])
        return problem(400, "wrong entry", f"{place or 'body'}: {first['msg']}")


@router.put("/photos", status_code=201, response_model=None, responses={201: {"model": PhotoOut}})
async def keep_photo(request: Request, context: ContextDep) -> Response:
    """Keeps a picture (the raw bytes as body) and gives the digest that an entry names."""
    try:
        data = await body_of(request, MAX_PHOTO)
        photo = await run_in_threadpool(context.desk.photos.keep, data)
    except TooLarge:
        return problem(413, "too large", "A photo has at most 8 MB.")
    except ValueError:
        return problem(415, "no picture", "Send a JPEG, PNG or WebP.")
    except OSError as error:
        raise StorageError(f"the photo can't be kept: {error.strerror or error}.") from None
    return JSONResponse(PhotoOut(sha256=photo.sha256, kind=photo.kind, size=photo.size).model_dump(), 201)


_PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {kind: {} for kind in SUFFIX}}}


@router.get("/photos/{sha256}", response_model=None, response_class=FileResponse, responses=_PICTURE)
def photo(context: ContextDep, sha256: str) -> Response:
    """A kept picture."""
    found = context.desk.photos.find(sha256)
    if found is None:
        raise NotFound("There is no such photo.")
    headers = {
        "content-security-policy": f"{PAGE_POLICY}; sandbox",
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": "inline",
    }
    return FileResponse(context.desk.photos.path(found), media_type=found.kind, headers=headers)
