"""Readings and instruments as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query

from api._state import unit_of
from api.deps import Context, ContextDep
from api.display import display
from api.models import (
    InstrumentOut,
    Point,
    ReadingOut,
    SeriesOut,
    SiteOut,
    finite,
)
from api.problems import NotFound
from dodac.clock import DAY_NS, SECOND_NS, iso_utc, parse_time_ns
from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind, nearest

if TYPE_CHECKING:
    import pandas as pd

    from store import JournalStore

router = APIRouter(prefix="/api", tags=["data"])

MAX_POINTS: Final = 2000
RAW_NS: Final = 2 * DAY_NS
HOURLY_NS: Final = 60 * DAY_NS
LONGEST_NS: Final = 5 * 366 * DAY_NS


@router.get("/site")
def site(context: ContextDep) -> SiteOut:
    """Who and where."""
    info = context.site.site
    return SiteOut(
        id=info.id, company=info.company, name=info.name, timezone=info.timezone, language=info.language,
        instruments=len(context.site.instruments),
    )  # fmt: skip


def instruments_of(context: Context) -> list[InstrumentOut]:
    """The site's instruments in its order, then those only the journal knows."""
    live = context.hub.state.instruments()
    store = context.journals.store_or_none()
    facts = store.facts() if store is not None else {}
    now_ns = context.clock.now_ns()
    configured = {item.id: item for item in context.site.instruments}
    rows = []
    for name in (*configured, *(name for name in live if name not in configured)):
        item = configured.get(name)
        mine = facts.get(name, {})
        measurement = mine.get("measurement", "")
        if item is not None and item.measurement is not None:
            measurement = item.measurement.value
        rows.append(
            InstrumentOut(
                id=name,
                asset=item.asset if item is not None else mine.get("asset", ""),
                name=item.name if item is not None else mine.get("name", ""),
                measurement=measurement,
                facts=mine,
                readings=[
                    ReadingOut(
                        channel=reading.channel,
                        unit=unit_of(reading.channel),
                        vi=display(reading.channel).vi,
                        en=display(reading.channel).en,
                        value=reading.value,
                        time=iso_utc(reading.time_ns),
                        age_s=round((now_ns - reading.time_ns) / SECOND_NS, 3),
                        reason=reading.reason,
                    )
                    for reading in live.get(name, ([], "", []))[0]
                ],
            )
        )
    return rows


@router.get("/instruments")
def instruments(context: ContextDep) -> list[InstrumentOut]:
    """Every instrument with its facts and last readings."""
    return instruments_of(context)


@router.get("/series")
def series(
    context: ContextDep,
    instrument: Annotated[str, Query(max_length=64)],
    channel: Annotated[str, Query(max_length=64)],
    start: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    end: Annotated[str | None, Query(alias="to", max_length=40)] = None,
) -> SeriesOut:
    """Good values of a channel, by default of the last day; long windows as means or amounts of steps."""
    store = context.journals.store()
    _known(store, instrument, channel)
    zone = context.site.site.timezone
    end_ns = _time_ns(end, zone, "to") if end is not None else context.clock.now_ns()
    start_ns = _time_ns(start, zone, "from") if start is not None else end_ns - DAY_NS
    if not start_ns < end_ns <= start_ns + LONGEST_NS:
        raise ConfigError("from must be before to, by five years at most.")
    what, step, points = "values", "", list[Point]()
    if end_ns - start_ns <= RAW_NS:
        frame = store.series(instrument, [channel], start_ns, end_ns)
        if len(frame) <= MAX_POINTS:
            points = _points(frame, channel)
        else:
            step = "5min"
    else:
        step = "1h" if end_ns - start_ns <= HOURLY_NS else "1D"
    if step:
        known = CHANNELS.get(channel)
        what = "means" if known is not None and known.kind is Kind.GAUGE else "amounts"
        frame = store.intervals(instrument, channel, start_ns, end_ns, step, zone)
        points = _points(frame.loc[frame["value"].notna()], "value")
    return SeriesOut(
        instrument=instrument, channel=channel, unit=unit_of(channel), what=what, step=step, points=points
    )


def _points(frame: pd.DataFrame, column: str) -> list[Point]:
    import pandas as pd

    times = pd.DatetimeIndex(frame.index).tz_convert("UTC").as_unit("ns").asi8.tolist()
    return [
        Point(time=iso_utc(time_ns), value=finite(value))
        for time_ns, value in zip(times, frame[column].tolist(), strict=True)
    ]


def _known(store: JournalStore, instrument: str, channel: str) -> None:
    names = store.instruments()
    if instrument not in names:
        near = nearest(instrument, names)
        hint = f' Did you mean "{near}"?' if near else ""
        raise NotFound(f'There is no instrument "{instrument}" in the journal.{hint}')
    channels = store.channels(instrument)
    if channel not in channels:
        near = nearest(channel, channels)
        hint = f' Did you mean "{near}"?' if near else ""
        raise NotFound(f'"{instrument}" has no channel "{channel}".{hint}')


def _time_ns(text: str, zone: str, name: str) -> int:
    try:
        return parse_time_ns(text.replace(" ", "+") if "T" in text else text, zone)
    except (ValueError, OverflowError):
        raise ConfigError(f'{name}: "{text}" is no ISO 8601 time.') from None
