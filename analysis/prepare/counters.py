"""Amounts from a counter's readings: rollover, resets, dips, spikes, a register that stands still, wrong clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Floats
from analysis.data import Interval
from analysis.prepare import _counter_words as words
from analysis.prepare._clock import wrong_clock
from analysis.prepare._exchange import Exchange, in_order, new_meter_only, places_of
from analysis.prepare._grid import grid_edges, share_out
from analysis.prepare._judge import LONG, SAME, drop_short_faults, fastest, join
from analysis.prepare._still import repeats_at_cuts, stood_still
from analysis.results import Finding
from dodac.errors import ConfigError, DataError

Ints = NDArray[np.int64]

HOUR_NS: Final = 3_600_000_000_000
WHOLE: Final = 1 - 1e-9  # a thousandth that was not seen may hold a whole draw

UNDETECTABLE: Final = (
    "a wrong reading that lies between its neighbours (the amounts of two intervals change, their sum does not)",
    "an exchanged meter that happens to go on from the old count within the rate that is possible",
    "a register that stands still where steps of zero are usual and the rise after it is not larger than others",
    "a factor (CT ratio, pulse value) that changes: the counter goes on at another speed",
    "a clock that goes wrong and is put right within gaps, or while the register stands still",
    "a leap that stays where fewer than five rises are there to compare it with",
    "an exchange nobody told within a gap, with a new count that fits the time",
    "a counter set to zero when it stood as little below a power of 10 or 2 as it counts in one interval",
    "readings of another register of the same kind from the first row to the last",
)
"""What no rule can see in the readings of one counter alone."""


@dataclass(frozen=True)
class Gap:
    """A stretch whose spread over time is not known; total is NaN where the amount isn't either."""

    start: pd.Timestamp
    end: pd.Timestamp
    total: float
    why: str


@dataclass(frozen=True)
class CounterAmounts:
    """What a counter's readings say.

    frame: index = local start of each interval; `amount` (unit of the register; NaN unless the
    whole interval is known), `seen` (amount of what was seen of it), `coverage` (0…1).
    rises: begin, end, amount, gap of every stretch between readings that are kept.
    left_out: time, reading, reason of those that are not.
    total: of all stretches with a known amount, gaps included.
    """

    frame: pd.DataFrame
    rises: pd.DataFrame
    left_out: pd.DataFrame
    gaps: tuple[Gap, ...]
    total: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Steps:
    begin: Ints
    end: Ints
    amount: Floats
    link: Ints
    long: NDArray[np.bool_]
    still: Ints  # number of the stretch that stood still, 0 for none


def counter_intervals(
    readings: pd.Series[float],
    interval: Interval | str,
    *,
    zone: str | None = None,
    top: float | None = None,
    max_rate_per_h: float | None = None,
    exchanges: Sequence[Exchange] = (),
    min_coverage: float = WHOLE,
) -> CounterAmounts:
    """Amounts per interval from the readings of one counter.

    readings: index = moment of each reading (with zone, or local where summer time is of no matter),
    rows in the order they were recorded: late and repeated rows may be among them. zone: whose
    midnights cut the days (default: the index's own). top: where the register begins again from 0
    (99 999.9 kWh → 100 000); without it powers of 10 and of 2 are tried where the reading before a fall
    came near one. max_rate_per_h: the most it can rise in an hour (fuse, pipe); without it a multiple
    of the fastest rise that others confirm. exchanges: of meters, told.

    Only neighbouring good readings make amounts. A stretch longer than 1.5 usual steps counts where
    it lies in one interval; else it is a gap: its total is told, its spread is not made up. What no
    rule can see is listed in UNDETECTABLE. Raises DataError for an index that is no time or readings that
    are not numbers, ConfigError for options that can't be.
    """
    step = Interval(interval)
    if step is Interval.BILL:
        raise ConfigError("bills are not made from counter readings.", todo="Use bills_frame().")
    if max_rate_per_h is not None and not max_rate_per_h > 0:
        raise ConfigError("max_rate_per_h must be above 0.")
    if top is not None and not top > 0:
        raise ConfigError("top must be above 0: where the register begins again.")
    index, time, value = _readings(readings)
    zone = zone or (str(index.tz) if index.tz is not None else None)
    told = None if max_rate_per_h is None else max_rate_per_h / HOUR_NS
    findings: list[Finding] = []
    reasons: dict[int, str] = {}
    ids = np.arange(len(time), dtype=np.int64)
    ids = _usable(time, value, ids, reasons, findings)
    ids = _one_each(time, value, ids, reasons, findings)
    limit = fastest(value[ids], time[ids], told)
    swaps = in_order(exchanges, index)
    # an exchange that was told is no fault: each side is looked at by itself
    sides = (
        np.searchsorted([one[0] for one in swaps], time[ids], side="right") if swaps else np.zeros(len(ids))
    )
    kept_ids = []
    for side in np.unique(sides):
        part = ids[sides == side]
        kept_ids.append(part[drop_short_faults(value[part], time[part], limit, reasons, part)])
    ids = np.concatenate(kept_ids) if kept_ids else ids
    limit = fastest(value[ids], time[ids], told)
    sides = (
        np.searchsorted([one[0] for one in swaps], time[ids], side="right") if swaps else np.zeros(len(ids))
    )
    still = np.zeros(len(ids), dtype=bool)
    for side in np.unique(sides):
        where = sides == side
        still[where] = repeats_at_cuts(value[ids[where]], time[ids[where]], limit)
    reasons.update(dict.fromkeys(ids[still].tolist(), "stuck"))
    ids = ids[~still]
    ids = new_meter_only(time, value, ids, swaps, reasons)
    tops = _tops(top, value[ids])
    after, offsets = places_of(time[ids], value[ids], swaps)
    joined = join(value[ids], time[ids], ids, limit, tops, reasons, after, top is not None)
    kept = ids[joined.kept]
    t, v = time[kept], value[kept]
    amount = np.diff(v)
    none = np.abs(amount) <= limit.same * np.abs(v[:-1])
    amount[none] = np.maximum(amount[none], 0.0)
    link = joined.link[1:]
    amount = np.where(link == 1, amount + np.nan_to_num(joined.top[1:]), amount)
    amount = np.where(link == 2, np.nan, amount)
    told_still: list[tuple[int, int]] = []
    for place, (old, new) in offsets.items():
        where = np.flatnonzero((joined.kept[:-1] <= place) & (joined.kept[1:] > place))
        for one in where.tolist():
            found = (old - v[one]) + (v[one + 1] - new)
            fits = old >= v[one] * (1 - SAME) and v[one + 1] >= new * (1 - SAME)
            first = one  # the old meter may have stood still since
            while first > 0 and v[first - 1] == v[one]:
                first -= 1
            if fits and found <= limit.most_in(int(t[one + 1] - t[first])):
                amount[one], link[one] = found, 0
                if found > limit.most_in(int(t[one + 1] - t[one])):
                    told_still.append((first, one))
            else:
                findings.append(words.exchange_does_not_fit(old, float(v[one]), new, float(v[one + 1])))
                amount[one], link[one] = np.nan, 2
    gap_ns = np.diff(t)
    stood = np.where(link < 2, stood_still(v, t, amount), 0)
    for number, (first, last) in enumerate(told_still, len(gap_ns) + 1):
        stood[first : last + 1] = number
    usual = float(np.median(gap_ns)) if len(gap_ns) else 0.0
    long = gap_ns > LONG * usual
    return _amounts(
        index, time, value, reasons, findings, _Steps(t[:-1], t[1:], amount, link, long, stood), step, zone, min_coverage,
        top is not None,
    )  # fmt: skip


def _readings(readings: pd.Series[float]) -> tuple[pd.DatetimeIndex, Ints, Floats]:
    index = readings.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            "the readings have no times as their index.", todo="Read the stamps with read_stamps()."
        )
    try:
        value = readings.astype("float64").to_numpy()
    except (TypeError, ValueError):
        words_there: list[object] = list(readings.astype(object))
        word = next((one for one in words_there if isinstance(one, str)), "")
        raise DataError(
            f'the readings are not numbers (e.g. "{word}").', todo="Read them as numbers first."
        ) from None
    time = index.as_unit("ns").asi8
    return index, np.asarray(time, dtype=np.int64), np.array(value, dtype=np.float64)


def _usable(time: Ints, value: Floats, ids: Ints, reasons: dict[int, str], findings: list[Finding]) -> Ints:
    timed = time != pd.NaT.value
    empty = ~timed | ~np.isfinite(value)
    negative = ~empty & (value < 0)
    if len(value) and negative.mean() > 0.5:
        negative[:] = False  # a counter that runs below zero throughout
    for place in ids[negative].tolist():
        reasons[place] = "negative"
    if empty.any():
        findings.append(words.empty_readings(int(empty.sum())))
    rows = ids[timed]
    wrong, jumps = wrong_clock(time[rows], np.where(empty | negative, np.nan, value)[rows])
    bad = empty | negative
    if jumps:
        bad[rows[wrong]] = True
        reasons.update(dict.fromkeys(rows[wrong].tolist(), "clock"))
        findings.append(words.clock_went_back(jumps, int(wrong.sum())))
    ids = ids[~bad]
    late = int((np.diff(time[ids]) < 0).sum())
    if late:
        findings.append(words.rows_out_of_order(late))
    return ids[np.argsort(time[ids], kind="stable")]


def _one_each(time: Ints, value: Floats, ids: Ints, reasons: dict[int, str], findings: list[Finding]) -> Ints:
    """One reading a moment: equal ones once; of those that differ none."""
    if len(ids) < 2:
        return ids
    t, v = time[ids], value[ids]
    same = np.diff(t) == 0
    if not same.any():
        return ids
    group = np.concatenate(([0], np.cumsum(~same)))
    low = np.full(group[-1] + 1, np.inf)
    high = np.full(group[-1] + 1, -np.inf)
    np.minimum.at(low, group, v)
    np.maximum.at(high, group, v)
    differ = (high > low)[group]
    for place in ids[differ].tolist():
        reasons[place] = "conflict"
    first = np.concatenate(([True], ~same))
    equal = int((~first & ~differ).sum())
    if equal:
        findings.append(words.duplicates_equal(equal))
    if differ.any():
        findings.append(words.duplicates_conflict(len(np.unique(group[differ]))))
    return ids[first & ~differ]


def _tops(top: float | None, value: Floats) -> tuple[float, ...]:
    if top is not None:
        return (top,)
    if not len(value):
        return ()
    most = float(value.max())
    scales = (1.0, 10.0, 100.0, 1000.0)
    found = {10.0**k for k in range(3, 13)} | {
        2.0**bits / scale for bits in (16, 24, 31, 32) for scale in scales
    }
    return tuple(sorted(one for one in found if one >= most))


def _amounts(
    index: pd.DatetimeIndex, time: Ints, value: Floats, reasons: dict[int, str], findings: list[Finding],
    found: _Steps,
    step: Interval, zone: str | None, min_coverage: float, told_top: bool,
) -> CounterAmounts:  # fmt: skip
    steps = _merge(found)
    begin, end, amount, still = steps.begin, steps.end, steps.amount, steps.still > 0
    known = np.isfinite(amount)
    aware = index.tz is not None
    valid = time[time != pd.NaT.value]
    edges, labels = grid_edges(valid, step, zone, aware)
    inside = _same_interval(edges, begin, end)
    gap = (steps.long | still) & ~inside | ~known
    counted = known & ~gap
    seen, coverage = share_out(begin[counted], end[counted], amount[counted], edges)
    whole = coverage >= min_coverage
    frame = pd.DataFrame(
        {"amount": np.where(whole, seen, np.nan), "seen": seen, "coverage": coverage}, index=labels
    )

    def moment(ns: int) -> pd.Timestamp:
        stamp = pd.Timestamp(int(ns), tz="UTC") if aware else pd.Timestamp(int(ns))
        return stamp.tz_convert(zone) if aware and zone else stamp

    why = np.where(~known, "new_count", np.where(still, "stood_still", "no_readings"))
    gaps = tuple(
        Gap(moment(begin[i]), moment(end[i]), float(amount[i]), str(why[i]))
        for i in np.flatnonzero(gap).tolist()
    )
    order = sorted(reasons)
    left_out = pd.DataFrame(
        {"reading": value[order], "reason": [reasons[i] for i in order]}, index=index[order]
    )
    rises = pd.DataFrame({"begin": begin, "end": end, "amount": amount, "gap": gap})
    findings.extend(
        words.rollover(moment(end[place]), float(amount[place]), told_top)
        for place in np.flatnonzero(steps.link == 1).tolist()
    )
    findings.extend(words.new_count(one.start, one.end) for one in gaps if one.why == "new_count")
    open_gaps = [one for one in gaps if one.why != "new_count"]
    if open_gaps:
        findings.append(words.gaps(len(open_gaps), sum(one.total for one in open_gaps)))
    counts = Counter(reasons.values())
    findings.extend(
        words.readings_left_out(reason, counts[reason])
        for reason in sorted(set(counts) - {"clock", "conflict"})
    )
    return CounterAmounts(frame, rises, left_out, gaps, float(np.nansum(amount)), tuple(findings))


def _merge(steps: _Steps) -> _Steps:
    """The steps of a register that stood still and caught up as one."""
    if not steps.still.any():
        return steps
    alone = steps.still == 0
    first = alone | np.concatenate(([True], steps.still[1:] != steps.still[:-1]))
    starts = np.flatnonzero(first)
    ends = np.concatenate((starts[1:], [len(first)])) - 1
    return _Steps(
        steps.begin[starts], steps.end[ends], np.add.reduceat(steps.amount, starts), steps.link[starts],
        np.logical_or.reduceat(steps.long, starts), steps.still[starts],
    )  # fmt: skip


def _same_interval(edges: Ints, begin: Ints, end: Ints) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.searchsorted(edges, begin, side="right") == np.searchsorted(
        edges, end, side="left"
    )
    return found
