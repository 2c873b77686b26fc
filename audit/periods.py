"""The frame of a plan's period: what was measured, which intervals count, and its digest."""

from __future__ import annotations

import hashlib
from itertools import islice, pairwise
from typing import Final

import numpy as np
import pandas as pd

from analysis import Interval, day_types
from audit.records import Plan
from dodac.clock import DAY_NS, HOUR_NS
from dodac.contracts import EventKind, Store
from dodac.errors import DataError, Where
from dodac.quantities import CHANNELS, Kind, nearest

# A mean of nine tenths of a day speaks for it. An amount with a tenth missing is a tenth too small.
WHOLE_MEAN: Final = 0.9
WHOLE_AMOUNT: Final = 0.999

# steps of store.intervals; bills have lengths of their own and come from a file
STEPS: Final[dict[Interval, str]] = {
    Interval.QUARTER_HOUR: "15min",
    Interval.HALF_HOUR: "30min",
    Interval.HOUR: "1h",
    Interval.DAY: "1D",
    Interval.WEEK: "7D",
    Interval.MONTH: "1MS",
}

# plans of these models use degree-hours where temperature is known by the hour
_DEGREES: Final = ("auto", "hdd", "cdd", "hdd-cdd")
_LONG: Final = (Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.BILL)
_MOST: Final = 0.5

_SHORTEST_DAY_NS: Final = 20 * HOUR_NS
_LONGEST_DAY_NS: Final = 28 * HOUR_NS
_SHORTEST_BILL_NS: Final = 20 * DAY_NS
_LOOK: Final = 20
# three times the longest memory that a smoothed temperature may have, 240 h
_BEFORE_DAYS: Final = 30


def days_of(zone: str, period: tuple[str, str]) -> pd.DatetimeIndex:
    """Local midnights of the days from..to, both included."""
    naive = pd.date_range(period[0], period[1], freq="D", unit="ns")
    # a zone may skip midnight on the day its summer time starts
    return naive.tz_localize(zone, ambiguous=np.ones(len(naive), dtype=bool), nonexistent="shift_forward")


def window_ns(zone: str, period: tuple[str, str]) -> tuple[int, int]:
    """The period as [start, end) in UTC nanoseconds."""
    after = (pd.Timestamp(period[1]) + pd.Timedelta(days=1)).strftime("%Y-%m-%d")
    edges = days_of(zone, (period[0], after)).tz_convert("UTC").asi8
    return int(edges[0]), int(edges[-1])


def period_frame(store: Store, plan: Plan, period: tuple[str, str]) -> pd.DataFrame:
    """One row an interval of the plan, in local time of its zone, from..to both included.

    Columns: energy (the channel's unit an interval), temperature (°C) and the other drivers,
    day_type, coverage (the smallest of the channels', 0…1), used. An interval is used when every
    channel covers it (amounts wholly, means to 90 %) and the plan does not
    exclude it (not a day of it); one in part is left out, never scaled up. Bills are the readings of the
    energy that lie wholly in the period, with a column `days`. Readings that speak for a day each belong to
    the local day that holds their middle, so a meter whose day starts at 01:00 is not smeared over
    two. Raises DataError when an instrument or channel is not there.
    """
    columns: dict[str, object] = {}
    coverages, wholes = [], []
    bills = _bills(store, plan, period) if plan.interval == Interval.BILL else None
    for name, (instrument, channel) in {"energy": plan.energy, **plan.drivers}.items():
        _check_there(store, instrument, channel)
        if bills is None:
            found = _per_interval(store, instrument, channel, plan, period)
        elif name == "energy":
            found = bills
        else:
            found = _per_bill(store, instrument, channel, plan, bills)
        covered = found["coverage"].fillna(0.0).to_numpy(dtype="float64")
        whole = WHOLE_MEAN if CHANNELS[channel].kind is Kind.GAUGE else WHOLE_AMOUNT
        columns[name] = found["value"].to_numpy(dtype="float64")
        coverages.append(covered)
        wholes.append(covered >= whole)
        starts = pd.DatetimeIndex(found.index)
    if bills is not None:
        columns["days"] = bills["days"].to_numpy(dtype="float64")
    used = np.all(wholes, axis=0)
    first = starts.strftime("%Y-%m-%d").to_numpy(dtype=object)
    last = _last_days(starts, plan, columns.get("days")).strftime("%Y-%m-%d").to_numpy(dtype=object)
    for start, end, _ in plan.exclude:
        used &= ~((last >= start) & (first <= end))
    columns["day_type"] = day_types(starts, plan.holidays).to_numpy(dtype=object)
    columns["coverage"] = np.min(coverages, axis=0)
    columns["used"] = used
    return _with_degrees(store, plan, pd.DataFrame(columns, index=starts), period)


def weather_before(store: Store, plan: Plan, period: tuple[str, str]) -> pd.Series | None:
    """Mean temperature (°C) of each interval of the days just before a period, NaN where not measured.

    For `analysis.baselines.warm_start.with_weather_before`. None where nothing was measured then, and for bills.
    """
    if "temperature" not in plan.drivers or plan.interval == Interval.BILL:
        return None
    start = pd.Timestamp(period[0])
    days = [start - pd.Timedelta(days=back) for back in (_BEFORE_DAYS, 1)]
    before = (f"{days[0]:%Y-%m-%d}", f"{days[1]:%Y-%m-%d}")
    found = _per_interval(store, *plan.drivers["temperature"], plan, before)
    known = found["value"].where(found["coverage"].fillna(0.0) >= WHOLE_MEAN)
    return known if known.notna().any() else None


def is_degrees(column: object) -> bool:
    """Is a column one of degree-days, which follow from the temperature's own readings?"""
    return str(column).startswith(("hdd_", "cdd_"))


def _with_degrees(store: Store, plan: Plan, frame: pd.DataFrame, period: tuple[str, str]) -> pd.DataFrame:
    """The frame with degree-hours by balance point, for plans that may use them and know temperature by the hour."""
    if (
        plan.model not in _DEGREES
        or "temperature" not in plan.drivers
        or Interval(plan.interval) not in _LONG
    ):
        return frame
    start_ns, end_ns = window_ns(plan.zone, period)
    found = store.intervals(*plan.drivers["temperature"], start_ns, end_ns, "1h", plan.zone)
    hourly = found["value"].where(found["coverage"].fillna(0.0) >= WHOLE_MEAN)
    # of the wall: a zone may skip midnight on the day its summer time starts
    walls = pd.DatetimeIndex(hourly.index).tz_localize(None)
    spread = hourly.groupby(walls.normalize()).std()
    # a mean of the day that is told for each of its hours gives degree-days, not degree-hours
    if not (spread > 0.0).mean() > _MOST:
        return frame
    from analysis.baselines.degrees import degree_columns

    return degree_columns(hourly, frame)


def _last_days(starts: pd.DatetimeIndex, plan: Plan, days: object) -> pd.DatetimeIndex:
    """The last local day that each interval touches."""
    naive = starts.tz_localize(None)
    if days is not None:
        return naive + pd.to_timedelta(np.round(np.asarray(days, dtype="float64")) - 1.0, unit="D")
    if plan.interval == Interval.MONTH:
        return naive + pd.offsets.MonthEnd(0)
    return naive + pd.Timedelta(days=6 if plan.interval == Interval.WEEK else 0)


def last_day(plan: Plan, frame: pd.DataFrame) -> str:
    """The last local day that a frame of `period_frame` speaks for: a month ends with its last day, not with its first."""
    last = _last_days(pd.DatetimeIndex(frame.index), plan, frame.get("days"))
    return f"{last.max():%Y-%m-%d}"


def _bills(store: Store, plan: Plan, period: tuple[str, str]) -> pd.DataFrame:
    """The bills that lie in a period: local start, value, coverage, days.

    Raises DataError when the energy's readings are no bills, or two bills claim the same days.
    """
    instrument, channel = plan.energy
    _check_there(store, instrument, channel)
    window = window_ns(plan.zone, period)
    values = store.series(instrument, [channel], *window)[channel]
    spans = {sample.time_ns: sample for sample in store.samples(instrument, *window)}
    rows = [
        (spans[time].start_ns, spans[time].end_ns, float(value))
        for time, value in zip(
            pd.DatetimeIndex(values.index).as_unit("ns").asi8.tolist(), values, strict=True
        )
        if time in spans and window[0] <= spans[time].start_ns and spans[time].end_ns <= window[1]
    ]
    rows.sort()
    if not rows or any(end - start < _SHORTEST_BILL_NS for start, end, _ in rows):
        raise DataError(
            "the readings are no bills: they speak for less than twenty days each.",
            Where(instrument=instrument, channel=channel),
            "Choose the interval hour, day or month.",
        )
    for (_, end, _), (start, _, _) in pairwise(rows):
        if start < end - HOUR_NS:
            day = pd.Timestamp(start, unit="ns", tz="UTC").tz_convert(plan.zone).date()
            raise DataError(
                f"two bills claim the days from {day} on.", Where(instrument=instrument, channel=channel),
                "Correct the read dates and import the bills again.",
            )  # fmt: skip
    starts = pd.DatetimeIndex([row[0] for row in rows], tz="UTC").as_unit("ns").tz_convert(plan.zone)
    return pd.DataFrame(
        {
            "value": [row[2] for row in rows],
            "coverage": [0.0 if np.isnan(row[2]) else 1.0 for row in rows],
            "days": [(end - start) / DAY_NS for start, end, _ in rows],
        },
        index=starts,
    )


def _per_bill(store: Store, instrument: str, channel: str, plan: Plan, bills: pd.DataFrame) -> pd.DataFrame:
    """A driver over each bill from its days: amounts summed, gauges averaged."""
    starts = pd.DatetimeIndex(bills.index).as_unit("ns").asi8
    ends = starts + np.round(bills["days"].to_numpy() * DAY_NS).astype(np.int64)
    found = store.intervals(instrument, channel, int(starts[0]), int(ends[-1]), "1D", plan.zone)
    days = pd.DatetimeIndex(found.index).as_unit("ns").asi8
    value, coverage = found["value"].to_numpy(dtype="float64"), found["coverage"].fillna(0.0).to_numpy()
    amounts, covered = [], []
    for start, end in zip(starts, ends, strict=True):
        # a bill's day counts when its middle lies in it: read times of the day don't matter
        mine = (days + DAY_NS // 2 >= start) & (days + DAY_NS // 2 < end)
        known = mine & ~np.isnan(value)
        total = float(np.sum(value[known])) if known.any() else np.nan
        is_mean = CHANNELS[channel].kind is Kind.GAUGE
        amounts.append(total / int(np.sum(known)) if is_mean and known.any() else total)
        covered.append(float(np.mean(coverage[mine])) if mine.any() else 0.0)
    return pd.DataFrame({"value": amounts, "coverage": covered}, index=bills.index)


def _per_interval(
    store: Store, instrument: str, channel: str, plan: Plan, period: tuple[str, str]
) -> pd.DataFrame:
    """Value and coverage of every interval of the window, in local time."""
    interval, window = Interval(plan.interval), window_ns(plan.zone, period)
    if interval is Interval.DAY:
        days = days_of(plan.zone, period)
        found = _whole_days(store, instrument, channel, plan.zone, days, window)
        if found is not None:
            return found
    found = store.intervals(instrument, channel, *window, STEPS[interval], plan.zone)
    found = found.set_axis(pd.DatetimeIndex(found.index).as_unit("ns"))
    return found.reindex(days) if interval is Interval.DAY else found


def _whole_days(
    store: Store, instrument: str, channel: str, zone: str, days: pd.DatetimeIndex, window: tuple[int, int]
) -> pd.DataFrame | None:
    """Value and coverage a day when the readings are of whole days each, else None.

    A day that two readings claim has no value: which of them is right is not for us to choose.
    """
    if CHANNELS[channel].kind is Kind.COUNTER:
        return None
    spans = [sample.span_ns for sample in islice(store.samples(instrument, *window), _LOOK)]
    if not spans or not all(_SHORTEST_DAY_NS <= span <= _LONGEST_DAY_NS for span in spans):
        return None
    readings = store.series(instrument, [channel], *window)[channel].dropna()
    if len(readings) > len(days) + _LOOK:
        return None
    middles = pd.DatetimeIndex(readings.index).tz_convert(zone).tz_localize(None).normalize().as_unit("ns")
    value = pd.Series(readings.to_numpy(), index=middles)
    value = value[~middles.duplicated(keep=False)].reindex(days.tz_localize(None).normalize())
    return pd.DataFrame(
        {"value": value.to_numpy(), "coverage": value.notna().to_numpy(dtype="float64")}, index=days
    )


def _check_there(store: Store, instrument: str, channel: str) -> None:
    known = store.instruments()
    if instrument not in known:
        near = nearest(instrument, known)
        todo = f'Did you mean "{near}"?' if near else f"There are: {', '.join(known) or 'none'}."
        raise DataError(f'there are no readings of instrument "{instrument}".', todo=todo)
    channels = store.channels(instrument)
    if channel not in channels:
        near = nearest(channel, channels)
        todo = f'Did you mean "{near}"?' if near else f"It has: {', '.join(channels) or 'none'}."
        raise DataError(f'the instrument has no readings of "{channel}".', Where(instrument=instrument), todo)


def frame_digest(frame: pd.DataFrame) -> str:
    """Hex SHA-256 of a frame of `period_frame`.

    Over one line an interval: date (with the time when there are several a day), used, day type, and the numbers of used ones to 10 significant figures,
    so that journal and InfluxDB, which may add in another order, give the same digest.
    """
    names = [
        name
        for name in frame.columns
        if name not in ("day_type", "coverage", "used") and not is_degrees(name)
    ]
    hasher = hashlib.sha256("\x1f".join(names).encode())
    index = pd.DatetimeIndex(frame.index)
    dates = index.strftime("%Y-%m-%d")
    if not dates.is_unique:
        dates = index.strftime("%Y-%m-%dT%H:%M%z")
    numbers = frame[names].to_numpy(dtype="float64")
    for date, word, used, row in zip(dates, frame["day_type"], frame["used"], numbers, strict=True):
        values = ",".join(f"{value:.9e}" for value in row) if used else ""
        hasher.update(f"\n{date} {word} {int(used)} {values}".encode())
    return hasher.hexdigest()


def gaps_of(store: Store, plan: Plan, period: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Gap events that touch a period: (from, to, text) in local time, of the plan's instruments."""
    start_ns, end_ns = window_ns(plan.zone, period)
    mine = {plan.energy[0], *(instrument for instrument, _ in plan.drivers.values())}

    def local(time_ns: int) -> str:
        return pd.Timestamp(time_ns, unit="ns", tz="UTC").tz_convert(plan.zone).strftime("%Y-%m-%d %H:%M")

    return tuple(
        (
            local(event.time_ns),
            local(event.end_ns or event.time_ns),
            f"{event.instrument}: {event.text}" if event.instrument else event.text,
        )
        for event in store.events(start_ns, end_ns)
        if event.kind is EventKind.GAP and (event.instrument is None or event.instrument in mine)
    )
