"""Bills with read dates as data for a baseline: estimated reads joined, overlaps and gaps told, weather per bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data import Interval, MeterData, meter_data
from analysis.prepare import _bill_words as words
from analysis.prepare.series import as_numbers, wanted_columns
from analysis.prepare.stamps import read_stamps
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError

JOINED_DAYS: Final = 70
"""Estimated bills are joined with what follows up to so many days (CalTRACK 2.0, 2.2.3.1)."""

_WEATHER_SHARE: Final = 0.9  # CalTRACK 2.0, 2.2.3.2


@dataclass
class _Bill:
    start: pd.Timestamp
    end: pd.Timestamp
    value: float
    estimated: bool


def bills_frame(
    bills: pd.DataFrame,
    *,
    unit: str,
    value: str = "value",
    start: str | None = None,
    end: str | None = None,
    read: str | None = None,
    estimated: str | None = None,
    last_day_included: bool = False,
    order: str | None = None,
    zone: str | None = None,
    temperature: pd.Series[float] | None = None,
    heating_c: Sequence[float] = (),
    cooling_c: Sequence[float] = (),
    amounts: Mapping[str, pd.Series[float]] | None = None,
    joined_days: int = JOINED_DAYS,
) -> MeterData | Refusal:
    """`MeterData` of interval "bill" from a table of bills, or why there is none.

    bills: one row a bill with its `value` (amount, `unit`) and either `start` and `end` (the day after the last,
    or the last with last_day_included), `start` alone (each bill lasts to the next start), or `read`
    (the day the meter was read: a bill lasts from the read before to its own). estimated: a column that is
    true for reads nobody made; such a bill is joined with the following ones up to a real read, at most
    joined_days. zone: of the plant (as the weather's index has it).

    temperature: hourly or daily, °C: its mean per bill becomes the column "temperature", degree-days for the
    balance points heating_c and cooling_c the columns "hdd_18", "cdd_22" (K·d, amounts of the bill); a
    bill with less than 90 % of it gets none. amounts: further series (production, …), several readings
    a bill: summed over the bill; a reading counts for the bill its time lies in.

    The frame's columns: energy, days, what was asked for, joined (bills it was made of). Refused: no bill
    with a known length, stamps that can't be read. Raises DataError for a column that is missing or no
    number, ConfigError when no column of dates is named.
    """
    if read is None and start is None:
        raise ConfigError("name the column of read dates (read=) or of starts (start=).")
    wanted_columns(bills, [name for name in (value, start, end, read, estimated) if name is not None])
    findings: list[Finding] = []
    made = _periods(bills, (value, start, end, read, estimated), last_day_included, (order, zone), findings)
    if isinstance(made, Refusal):
        return made
    kept = _joined(_in_order(made, findings), joined_days, findings)
    if not kept:
        return words.refuse_no_bills(len(bills))
    index = pd.DatetimeIndex([one.start for one, _ in kept])
    frame = pd.DataFrame(
        {
            "energy": [one.value for one, _ in kept],
            "days": [_days(one.start, one.end) for one, _ in kept],
            "joined": [count for _, count in kept],
        },
        index=index,
    )
    _lengths(frame, findings)
    drivers = []
    for name, series in (amounts or {}).items():
        frame[name] = _summed(series, index, frame["days"], name, findings)
        drivers.append(name)
    if temperature is not None:
        frame = _weather(frame, temperature, heating_c, cooling_c)
    elif heating_c or cooling_c:
        raise ConfigError("degree-days need a temperature.", todo="Give temperature=.")
    return meter_data(
        frame, unit=unit, interval=Interval.BILL, temperature="temperature" if temperature is not None else None,
        drivers=drivers, findings=findings,
    )  # fmt: skip


def _stamps(column: pd.Series[Any], order: str | None, zone: str | None) -> pd.DatetimeIndex | Refusal:
    found = read_stamps(column, zone=zone, order=order, side="start")
    if isinstance(found, Refusal):
        return found
    index = found.start
    plain = index.tz_localize(None) if index.tz is not None else index
    # a meter that keeps winter time writes 01:00 in summer: the day is meant
    nearest = (plain + pd.Timedelta(hours=2)).normalize()
    snapped = pd.DatetimeIndex(np.where(np.abs(plain - nearest) <= pd.Timedelta(hours=2), nearest, plain))
    if index.tz is None:
        return snapped
    return snapped.tz_localize(
        index.tz, ambiguous=np.ones(len(snapped), dtype=bool), nonexistent="shift_forward"
    )


def _periods(
    bills: pd.DataFrame, names: tuple[str, str | None, str | None, str | None, str | None], last_included: bool,
    how: tuple[str | None, str | None], findings: list[Finding],
) -> list[_Bill] | Refusal:  # fmt: skip
    value, start, end, read, estimated = names
    amounts = as_numbers(bills[value], value)
    guessed = (
        np.zeros(len(bills), dtype=bool)
        if estimated is None
        else np.array([_true(one) for one in bills[estimated]], dtype=bool)
    )
    dates = _stamps(bills[read if read is not None else str(start)], *how)
    if isinstance(dates, Refusal):
        return dates
    if start is not None and end is not None:
        ends = _stamps(bills[end], *how)
        if isinstance(ends, Refusal):
            return ends
        if last_included:
            ends = pd.DatetimeIndex(ends + pd.DateOffset(days=1))
        return _with_both(dates, ends, amounts, guessed, findings)
    known = np.flatnonzero(dates.notna())
    if len(known) < len(dates):
        findings.append(words.no_date(len(dates) - len(known)))
    ordered = known[np.argsort(dates[known].asi8, kind="stable")]
    twice = [place for place in range(1, len(ordered)) if dates[ordered[place]] == dates[ordered[place - 1]]]
    for place in reversed(twice):
        one, other = ordered[place], ordered[place - 1]
        same = amounts[one] == amounts[other] or np.isnan(amounts[one])
        findings.append(words.same_date(str(dates[one].date()), same=bool(same)))
        if not same:
            amounts[other] = np.nan
        ordered = np.delete(ordered, place)
    found = []
    if read is not None and len(ordered):
        first = ordered[0]
        if np.isfinite(amounts[first]):
            findings.append(words.first_without_start(str(dates[first].date()), float(amounts[first])))
    for before, after in zip(ordered[:-1].tolist(), ordered[1:].tolist(), strict=True):
        own = after if read is not None else before
        found.append(_Bill(dates[before], dates[after], float(amounts[own]), bool(guessed[own])))
    if read is None and len(ordered) and np.isfinite(amounts[ordered[-1]]):
        findings.append(words.last_without_end(str(dates[ordered[-1]].date())))
    return found


def _true(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() in (
            "true",
            "1",
            "yes",
            "y",
            "e",
            "est",
            "estimated",
            "x",
            "có",
            "ước tính",
            "tạm tính",
        )
    return bool(value) and value == value


def _with_both(
    starts: pd.DatetimeIndex, ends: pd.DatetimeIndex, amounts: Any, guessed: Any, findings: list[Finding]
) -> list[_Bill]:
    found, bad = [], 0
    for place in range(len(starts)):
        if pd.isna(starts[place]) or pd.isna(ends[place]) or ends[place] <= starts[place]:
            bad += 1
            continue
        found.append(_Bill(starts[place], ends[place], float(amounts[place]), bool(guessed[place])))
    if bad:
        findings.append(words.no_date(bad))
    return found


def _in_order(bills: list[_Bill], findings: list[Finding]) -> list[_Bill]:
    """In order of time, the same bill once, none of those that overlap, missing ones told."""
    bills = sorted(bills, key=lambda one: (one.start, one.end))
    once: list[_Bill] = []
    again = 0
    for one in bills:
        if once and one == once[-1]:
            again += 1
            continue
        once.append(one)
    if again:
        findings.append(words.same_bill(again))
    clash = set()
    latest = 0
    for place in range(1, len(once)):
        if once[place].start < once[latest].end:
            clash |= {latest, place}
        if once[place].end > once[latest].end:
            latest = place
    if clash:
        days = max(
            _days(once[b].start, once[a].end)
            for a in clash
            for b in clash
            if a < b and once[b].start < once[a].end
        )
        findings.append(words.overlap(len(clash), days))
    kept = [one for place, one in enumerate(once) if place not in clash]
    for before, after in pairwise(kept):
        if after.start > before.end:
            findings.append(
                words.missing_bill(
                    str(before.end.date()), str(after.start.date()), _days(before.end, after.start)
                )
            )
    return kept


def _joined(bills: list[_Bill], most: int, findings: list[Finding]) -> list[tuple[_Bill, int]]:
    """Estimated bills with those that follow, up to a real read."""
    found: list[tuple[_Bill, int]] = []
    pending: list[_Bill] = []
    dropped = joined = 0
    for one in bills:
        if not np.isfinite(one.value) or (pending and pending[-1].end != one.start):
            dropped += len(pending)
            pending = []
            if not np.isfinite(one.value):
                continue
        if one.estimated:
            pending.append(one)
            continue
        whole = _Bill(
            pending[0].start if pending else one.start,
            one.end,
            sum(p.value for p in pending) + one.value,
            False,
        )
        if pending and _days(whole.start, whole.end) > most:
            # what was estimated is settled in this bill: neither part is right by itself
            dropped += len(pending) + 1
        else:
            joined += len(pending)
            found.append((whole, len(pending) + 1))
        pending = []
    dropped += len(pending)
    if joined:
        findings.append(words.estimated_joined(joined))
    if dropped:
        findings.append(words.estimated_dropped(dropped, most))
    return found


def _days(start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Civil days between two local moments."""
    plain = [one.tz_localize(None) if one.tzinfo is not None else one for one in (start, end)]
    return float((plain[1] - plain[0]).total_seconds() / 86_400)


def _lengths(frame: pd.DataFrame, findings: list[Finding]) -> None:
    days = frame["days"].to_numpy()
    alone = days[frame["joined"].to_numpy() == 1]  # joined bills do not say how often the meter is read
    usual = float(np.median(alone if len(alone) else days / frame["joined"].to_numpy()))
    odd = np.flatnonzero((days < 0.75 * usual) | (days > 1.4 * usual))
    if usual > 45:
        findings.append(words.bimonthly(usual))
    if len(odd):
        findings.append(words.odd_lengths(len(odd), usual, float(days[odd].min()), float(days[odd].max())))


def _summed(
    series: pd.Series[float],
    index: pd.DatetimeIndex,
    days: pd.Series[float],
    name: str,
    findings: list[Finding],
) -> np.ndarray:
    if not isinstance(series.index, pd.DatetimeIndex):
        raise DataError(f'"{name}" has no times as its index.', todo="Read the stamps with read_stamps().")
    times = series.index
    if (times.tz is None) != (index.tz is None):
        raise DataError(f'"{name}" and the bills: one has a time zone, the other has none.')
    values = as_numbers(series, name)
    at = times.as_unit("ns").asi8
    starts = index.as_unit("ns").asi8
    ends = starts + (days.to_numpy() * 86_400e9).astype(np.int64)
    found = np.full(len(index), np.nan)
    empty = 0
    for place in range(len(index)):
        inside = (at >= starts[place]) & (at < ends[place])
        if not inside.any() or np.isnan(values[inside]).any():
            empty += 1
            continue
        found[place] = float(values[inside].sum())
    if empty:
        findings.append(words.amount_missing(name, empty, len(index)))
    return found


def _weather(
    frame: pd.DataFrame, temperature: pd.Series[float], heating: Sequence[float], cooling: Sequence[float]
) -> pd.DataFrame:
    from analysis.baselines.degrees import degree_columns

    # the mean is a degree-day count from a place no weather reaches
    low = -100.0
    found = degree_columns(temperature, frame, heating=heating, cooling=[*cooling, low])
    found["temperature"] = found.pop(f"cdd_{low:g}") / found["days"] + low
    return found
