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
from analysis.prepare._exchange import Exchange, in_order
from analysis.prepare._grid import grid_edges, share_out
from analysis.results import Finding
from dodac.counters import Rises, not_negative, rises
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
    "a change of unit while the count is less than some twenty intervals' worth",
    "a register that stands still to the end of its readings, or up to a gap where it often stands still",
    "in a store, which gives readings in order of time: a clock that was wrong for a while",
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
    found = rises(time[ids], value[ids], pace=told, top=top, swaps=in_order(exchanges, index))
    reasons.update({int(ids[place]): why for place, why in found.left_out.items()})
    if found.equal:
        findings.append(words.duplicates_equal(found.equal))
    if found.conflicts:
        findings.append(words.duplicates_conflict(found.conflicts))
    findings.extend(words.exchange_does_not_fit(*one) for one in found.misfits)
    return _amounts(index, time, value, reasons, findings, found, step, zone, min_coverage, top is not None)


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
    if empty.any():
        findings.append(words.empty_readings(int(empty.sum())))
    good = np.zeros(len(value), dtype=bool)
    good[not_negative(value, ids[~empty], reasons)] = True
    rows = ids[timed]
    wrong, jumps = wrong_clock(time[rows], np.where(good, value, np.nan)[rows])
    if jumps:
        good[rows[wrong]] = False
        reasons.update(dict.fromkeys(rows[wrong].tolist(), "clock"))
        findings.append(words.clock_went_back(jumps, int(wrong.sum())))
    ids = ids[good]
    late = int((np.diff(time[ids]) < 0).sum())
    if late:
        findings.append(words.rows_out_of_order(late))
    return ids[np.argsort(time[ids], kind="stable")]


def _amounts(
    index: pd.DatetimeIndex, time: Ints, value: Floats, reasons: dict[int, str], findings: list[Finding],
    found: Rises, step: Interval, zone: str | None, min_coverage: float, told_top: bool,
) -> CounterAmounts:  # fmt: skip
    begin, end, amount, still = found.begin, found.end, found.amount, found.still
    known = np.isfinite(amount)
    aware = index.tz is not None
    valid = time[time != pd.NaT.value]
    edges, labels = grid_edges(valid, step, zone, aware)
    inside = _same_interval(edges, begin, end)
    gap = (found.long | still) & ~inside | ~known
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
    stretches = pd.DataFrame({"begin": begin, "end": end, "amount": amount, "gap": gap})
    findings.extend(
        words.rollover(moment(end[place]), float(amount[place]), told_top)
        for place in np.flatnonzero(found.through).tolist()
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
    return CounterAmounts(frame, stretches, left_out, gaps, float(np.nansum(amount)), tuple(findings))


def _same_interval(edges: Ints, begin: Ints, end: Ints) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.searchsorted(edges, begin, side="right") == np.searchsorted(
        edges, end, side="left"
    )
    return found
