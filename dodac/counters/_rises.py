"""From a counter's readings to the stretches whose amount is known: one set of rules for files and stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dodac.counters._judge import LONG, SAME, Bools, Floats, Ints, Limit, drop_short_faults, fastest, join
from dodac.counters._still import repeats_at_cuts, stood_still
from dodac.counters._swaps import Swap, new_meter_only, places_of
from dodac.counters._units import other_unit


@dataclass(frozen=True)
class Rises:
    """What lies between the readings that are kept, in order of time.

    begin, end: ns. amount: what the counter rose, NaN where a new count begins. through: the register
    rolled over. long: no reading for more than 1.5 usual steps. still: it stood still and caught up, so the
    spread over time is not known. left_out: place of a reading (of those handed in) and why it is not kept. equal,
    conflicts: readings said again, and moments with two values. misfits: exchanges that were told and do
    not fit the readings, as (old, reading before, new, reading after).
    """

    begin: Ints
    end: Ints
    amount: Floats
    through: Bools
    long: Bools
    still: Bools
    left_out: dict[int, str]
    equal: int = 0
    conflicts: int = 0
    misfits: tuple[tuple[float, float, float, float], ...] = field(default=())


def rises(
    time: Ints,
    value: Floats,
    *,
    pace: float | None = None,
    top: float | None = None,
    swaps: Sequence[Swap] = (),
    limit: Limit | None = None,
) -> Rises:
    """The stretches between readings of one counter that can be believed.

    time: ns, ascending; value: finite. pace: the most it can rise per ns. top: where the register begins
    again from 0; without it powers of 10 and of 2 are tried. swaps: exchanges that were told, by time. limit: the
    most it can rise, where it was found from more readings than these.
    """
    reasons: dict[int, str] = {}
    ids = not_negative(value, np.arange(len(time), dtype=np.int64), reasons)
    ids, equal, conflicts = _one_each(time, value, ids, reasons)
    units = other_unit(value[ids], time[ids])
    reasons.update(dict.fromkeys(ids[units].tolist(), "unit"))
    ids = ids[~units]
    most = limit or fastest(value[ids], time[ids], pace)
    # an exchange that was told is no fault: each side is looked at by itself
    told = list(swaps)
    sides = _sides(time[ids], told)
    parts = []
    for side in np.unique(sides):
        part = ids[sides == side]
        parts.append(part[drop_short_faults(value[part], time[part], most, reasons, part)])
    if sum(map(len, parts)) < len(ids):
        ids = np.concatenate(parts)
        most = limit or fastest(value[ids], time[ids], pace)
        sides = _sides(time[ids], told)
    still = np.zeros(len(ids), dtype=bool)
    for side in np.unique(sides):
        where = sides == side
        still[where] = repeats_at_cuts(value[ids[where]], time[ids[where]], most, top)
    reasons.update(dict.fromkeys(ids[still].tolist(), "stuck"))
    ids = new_meter_only(time, value, ids[~still], told, reasons)
    after, offsets = places_of(time[ids], value[ids], told)
    tops = _tops(top, value[ids])
    joined = join(value[ids], time[ids], ids, most, tops, reasons, after, top is not None)
    kept = ids[joined.kept]
    t, v, link = time[kept], value[kept], joined.link[1:]
    amount = np.diff(v)
    none = np.abs(amount) <= most.same * np.abs(v[:-1])
    amount[none] = np.maximum(amount[none], 0.0)
    amount = np.where(link == 1, amount + np.nan_to_num(joined.top[1:]), amount)
    amount = np.where(link == 2, np.nan, amount)
    misfits, told_still = [], []
    for place, (old, new) in offsets.items():
        where = np.flatnonzero((joined.kept[:-1] <= place) & (joined.kept[1:] > place))
        for one in where.tolist():
            found = (old - v[one]) + (v[one + 1] - new)
            fits = old >= v[one] * (1 - SAME) and v[one + 1] >= new * (1 - SAME)
            first = one  # the old meter may have stood still since
            while first > 0 and v[first - 1] == v[one]:
                first -= 1
            if fits and found <= most.most_in(int(t[one + 1] - t[first])):
                amount[one], link[one] = found, 0
                if found > most.most_in(int(t[one + 1] - t[one])):
                    told_still.append((first, one))
            else:
                misfits.append((old, float(v[one]), new, float(v[one + 1])))
                amount[one], link[one] = np.nan, 2
    gap = np.diff(t)
    stood = np.where(link < 2, stood_still(v, t, amount), 0)
    for number, (first, last) in enumerate(told_still, len(gap) + 1):
        stood[first : last + 1] = number
    long = gap > LONG * (float(np.median(gap)) if len(gap) else 0.0)
    return _merged(
        Rises(t[:-1], t[1:], amount, link == 1, long, stood > 0, reasons, equal, conflicts, tuple(misfits)),
        stood,
    )


def not_negative(value: Floats, ids: Ints, reasons: dict[int, str]) -> Ints:
    """Places whose reading is not below zero, but for a counter that runs below it throughout."""
    negative = value[ids] < 0
    if not negative.any() or negative.mean() > 0.5:
        return ids
    reasons.update(dict.fromkeys(ids[negative].tolist(), "negative"))
    return ids[~negative]


def _sides(time: Ints, swaps: list[Swap]) -> Ints:
    return np.searchsorted(np.array([one[0] for one in swaps], dtype=np.int64), time, side="right")


def _one_each(time: Ints, value: Floats, ids: Ints, reasons: dict[int, str]) -> tuple[Ints, int, int]:
    """One reading a moment: equal ones once; of those that differ none."""
    t, v = time[ids], value[ids]
    same = np.diff(t) == 0
    if not same.any():
        return ids, 0, 0
    group = np.concatenate(([0], np.cumsum(~same)))
    low = np.full(group[-1] + 1, np.inf)
    high = np.full(group[-1] + 1, -np.inf)
    np.minimum.at(low, group, v)
    np.maximum.at(high, group, v)
    differ = (high > low)[group]
    for place in ids[differ].tolist():
        reasons[place] = "conflict"
    first = np.concatenate(([True], ~same))
    return ids[first & ~differ], int((~first & ~differ).sum()), len(np.unique(group[differ]))


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


def _merged(found: Rises, stood: Ints) -> Rises:
    """The steps of a register that stood still and caught up as one."""
    if not stood.any():
        return found
    first = (stood == 0) | np.concatenate(([True], stood[1:] != stood[:-1]))
    starts = np.flatnonzero(first)
    ends = np.concatenate((starts[1:], [len(first)])) - 1
    return Rises(
        found.begin[starts], found.end[ends], np.add.reduceat(found.amount, starts), found.through[starts],
        np.logical_or.reduceat(found.long, starts), found.still[starts],
        found.left_out, found.equal, found.conflicts, found.misfits,
    )  # fmt: skip
