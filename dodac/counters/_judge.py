"""Which readings of a counter can be believed, judged from all of them at once: pure functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SAME: Final = 1.2e-7  # relative step of a register held in a 32-bit float: a fall below it is none
EXACT: Final = 1e-12  # the same where readings are told more finely than such a float could hold them
LONG: Final = 1.5  # usual steps: a longer one is a gap
SHORT: Final = 12  # readings: a longer stretch off the line is judged as a count of its own
_STALE: Final = 96  # readings looked back for telegrams that are said again
_ROUNDS: Final = 8
_BACK: Final = 80  # stretches looked back for the one that a stretch goes on from
_PAIRS: Final = 400_000  # looked at in all: what falls more often than that is no counter

# how many times faster than any other a rise must be to be doubted, by how many others there are
_OUTRUNS: Final = ((96, 3.0), (24, 10.0), (4, 20.0))


@dataclass(frozen=True)
class Joined:
    """Readings that are kept (places), and how each follows the one before.

    link: 0 goes on, 1 through a rollover, 2 a new count (nothing is known across it). top: where it
    rolled over, NaN elsewhere.
    """

    kept: Ints
    link: Ints
    top: Floats


@dataclass(frozen=True)
class Limit:
    """The most a counter can rise in a time: pace (per ns) · time + slack; same: relative fall that is none."""

    pace: float
    slack: float
    usual: float
    same: float = SAME

    def most(self, gap: Ints) -> Floats:
        """The largest rise that can be, per gap (ns)."""
        found: Floats = (self.pace * gap.astype(np.float64) + self.slack) * (1 + 1e-9)
        return found

    def most_in(self, gap: int) -> float:
        """The same for one gap."""
        return (self.pace * gap + self.slack) * (1 + 1e-9)


def fastest(value: Floats, time: Ints, told: float | None) -> Limit:
    """What no rise may pass: the rate told (per ns), or in one usual step a multiple of the fastest that others confirm.

    Over a longer time the mean rate may be the fastest one, not its multiple.

    The multiple is 3 when 96 other rises or more are there, 10 from 24, 20 from 4; with fewer there is
    no limit. Rises beside a fall are not taken for the others.
    """
    rise, gap = np.diff(value), np.diff(time)
    usual = float(np.median(gap)) if len(gap) else 0.0
    same = fineness(value)
    if told is not None:
        return Limit(told, 0.0, usual, same)
    fall = rise < 0
    beside = fall.copy()
    beside[1:] |= fall[:-1]
    beside[:-1] |= fall[1:]
    good = (rise > 0) & ~beside & (gap > 0)
    if fall.any():
        # what is short and off the line confirms itself: words swapped, zeros that come and go
        close = _around(fall, SHORT)
        highest = np.maximum.accumulate(value[:-1])
        back = (value[:-1] < highest) & (value[1:] >= highest) & (gap <= LONG * usual)
        far = good & ~close & ~back
        good = far if far.sum() >= _OUTRUNS[0][0] else good
    rates = np.sort(rise[good] / gap[good])[::-1]
    for count, factor in _OUTRUNS:
        if len(rates) < count:
            continue
        # the fastest that three others come near; what few rises outrun all others is doubted
        near = np.flatnonzero(factor * rates[3:] >= rates[:-3])
        pace = float(rates[int(near[0])] if len(near) else rates[-1])
        return Limit(pace, (factor - 1.0) * pace * usual, usual, same)
    return Limit(np.inf, 0.0, usual, same)


def _around(places: Bools, reach: int) -> Bools:
    """True up to `reach` places before and after each that is."""
    number: Ints = np.append(0, np.cumsum(places)).astype(np.int64)
    here = np.arange(len(places))
    before, after = np.maximum(here - reach, 0), np.minimum(here + reach + 1, len(places))
    found: Bools = number[after] != number[before]
    return found


def fineness(value: Floats) -> float:
    """The relative fall that is none: SAME, or EXACT where steps are told that a 32-bit float can't hold."""
    if len(value) < 2:
        return SAME
    steps = np.unique(np.abs(np.diff(value)))
    apart = np.diff(np.concatenate(([0.0], steps)))
    most = float(np.median(np.abs(value)))
    apart = apart[apart > EXACT * most]
    # a lone odd reading is no proof: a tenth of the steps must be so fine
    return EXACT if len(apart) and float(np.quantile(apart, 0.1)) < 0.25 * SAME * most else SAME


def drop_short_faults(value: Floats, time: Ints, limit: Limit, reasons: dict[int, str], ids: Ints) -> Bools:
    """False for readings of short dips and spikes.

    At each fall the readings before it that are above, and those after it that are below, can't all be
    right. The fewer are left out; where both are few and it can't be told which, all of them are.
    """
    keep = np.ones(len(value), dtype=bool)
    for _ in range(_ROUNDS):
        here = np.flatnonzero(keep)
        v, t = value[here], time[here]
        step = np.diff(v)
        falls = np.flatnonzero(step < -limit.same * np.abs(v[:-1]))
        found = False
        done = -1
        for place in falls.tolist():
            if place <= done:
                continue
            stale = _said_again(v, place)
            left, right = (0, stale) if stale else (_above(v, place), _below(v, t, place, limit))
            few_left, few_right = 0 < left <= SHORT, 0 < right <= SHORT
            if not (few_left or few_right):
                continue
            if few_left and few_right:
                low, high = min(left, right), max(left, right)
                if high > 3 * low + 1:
                    few_left, few_right = left == low, right == low
            gone = []
            if few_left:
                gone += [(here[j], "spike") for j in range(place - left + 1, place + 1)]
            if few_right:
                gone += [(here[j], "dip") for j in range(place + 1, place + 1 + right)]
            both = few_left and few_right
            for one, why in gone:
                keep[one] = False
                reasons[int(ids[one])] = "unclear" if both else why
            found = True
            done = place + right if few_right else place
        if not found:
            break
    return keep


def _above(v: Floats, place: int) -> int:
    """How many readings up to `place` stand above the one after it; SHORT + 1 for more than SHORT or all."""
    first = max(place - SHORT, 0)
    part = v[first : place + 1][::-1]
    below = np.flatnonzero(part <= v[place + 1])
    if not len(below):
        return SHORT + 1
    count = int(below[0])
    before = place - count
    if count > 3 and v[before + 1] - v[before] < 0.5 * (v[place] - v[place + 1]):
        # it rose there by ordinary steps: the count fell back a little (a memory restored), no spike
        return SHORT + 1
    return count


def _said_again(v: Floats, place: int) -> int:
    """How many readings after a fall are telegrams from before it said again; 0 for none.

    The same readings in the same order, and the count goes on above them. As the last of them the one before
    the fall may be there once more.
    """
    part = v[place + 1 : place + 2 + SHORT]
    back = np.flatnonzero(part > v[place])
    if not len(back) or not 0 < int(back[0]) <= SHORT:
        return 0
    count = int(back[0])
    if part[0] == part[count - 1]:
        return 0  # one count: it may as well have been right all along, and the one before the fall a spike
    old = v[max(place + 1 - _STALE, 0) : place + 1]
    for first in np.flatnonzero(old == part[0]).tolist():
        if np.array_equal(old[first : first + count], part[:count]):
            return count
    return 0


def _below(v: Floats, t: Ints, place: int, limit: Limit) -> int:
    """How many readings after `place` stand below it, when they are a dip; SHORT + 1 otherwise."""
    part = v[place + 1 : place + 2 + SHORT]
    back = np.flatnonzero(part >= v[place])
    if not len(back):
        return SHORT + 1
    count = int(back[0])
    fall = v[place] - v[place + 1]
    after = place + 1 + count
    climbed = v[after - 1] - v[place + 1]
    jump = v[after] - v[after - 1]
    if climbed > 0 and jump < 0.5 * fall and jump <= limit.most_in(int(t[after] - t[after - 1])):
        # it climbed back by ordinary steps: a count that began again, not a dip, unless it is very short
        near_zero = 0 <= v[place + 1] <= limit.most_in(int(t[place + 1] - t[place]))
        if count > 3 or near_zero:
            return SHORT + 1
    return count


def cuts(value: Floats, time: Ints, limit: Limit) -> Bools:
    """Steps that no counter makes: falls, and rises beyond the limit."""
    rise = np.diff(value)
    same = limit.same * np.abs(value[:-1])
    found: Bools = (rise < -same) | (rise > limit.most(np.diff(time)) + same)
    return found


def join(
    value: Floats, time: Ints, ids: Ints, limit: Limit, tops: tuple[float, ...], reasons: dict[int, str],
    exchange_after: frozenset[int], told_top: bool,
) -> Joined:  # fmt: skip
    """The chain of stretches that explains most readings with fewest new counts.

    Stretches are cut at falls and at rises faster than the limit. A stretch goes on from an earlier one
    when the rise between them fits the limit (what lies between was of no account), or through a
    rollover; else it must outweigh the price of a new count. exchange_after: places (of `value`) after
    which an exchange was told: a new count there is free.
    """
    n = len(value)
    if n == 0:
        return Joined(ids, np.zeros(0, dtype=np.int64), np.zeros(0))
    cut = cuts(value, time, limit)
    for place in exchange_after:
        cut[place] = True
    # what stands off the line up to a gap is not what stands on it after the gap
    cut |= _around(cut, SHORT) & (np.diff(time) > LONG * limit.usual)
    starts = np.concatenate(([0], np.flatnonzero(cut) + 1))
    ends = np.concatenate((starts[1:], [n])) - 1
    count = ends - starts + 1
    rising = value[ends] > value[starts]
    weight = np.where(rising, count.astype(float), 0.5)
    if len(starts) == 1:
        weight[:] = count
    price = float(np.clip(n / 40, 1.5, 25.0))
    best = weight.copy()
    before = np.full(len(starts), -1)
    kind = np.zeros(len(starts), dtype=np.int64)
    through = np.full(len(starts), np.nan)
    reach = min(_BACK, max(_PAIRS // len(starts), 3))
    for b in range(len(starts)):
        for a in range(b - 1, max(b - 1 - reach, -1), -1):
            told = any(int(ends[a]) <= place < int(starts[b]) for place in exchange_after)
            how, top = _link(value, time, int(ends[a]), int(starts[b]), limit, tops, told_top)
            if told:
                how, top, cost = 2, np.nan, 0.0
            elif how == 0:
                cost = 0.0
            elif how == 1:
                # a rollover is only believed where the new count is seen to go on
                cost = 0.5 if count[b] >= 3 and count[a] >= 3 and rising[b] else np.inf
            else:
                cost = price
            score = best[a] + weight[b] - cost
            if score > best[b]:
                best[b], before[b], kind[b], through[b] = score, a, how, top
    chain = []
    here = int(np.argmax(best))
    while here >= 0:
        chain.append(here)
        here = int(before[here])
    chain.reverse()
    inside = set(chain)
    for b in range(len(starts)):
        if b not in inside:
            for place in range(int(starts[b]), int(ends[b]) + 1):
                reasons[int(ids[place])] = "foreign"
    kept = np.concatenate([np.arange(starts[b], ends[b] + 1) for b in chain])
    link = np.zeros(len(kept), dtype=np.int64)
    top_of = np.full(len(kept), np.nan)
    place = 0
    for b in chain:
        if place:
            link[place], top_of[place] = kind[b], through[b]
        place += int(count[b])
    return Joined(kept, link, top_of)


def _link(
    value: Floats, time: Ints, last: int, first: int, limit: Limit, tops: tuple[float, ...], told_top: bool
) -> tuple[int, float]:
    rise = value[first] - value[last]
    gap = int(time[first] - time[last])
    most = limit.most_in(gap)
    if -limit.same * abs(value[last]) <= rise <= most:
        return 0, np.nan
    # a top that nobody told is only believed without a gap: in one, a meter may have been exchanged
    if rise < 0 and np.isfinite(most) and (told_top or gap <= 3 * limit.usual):
        for top in tops:
            through = top - value[last] + value[first]
            # what nobody told must be as fast as what was seen, not a multiple of it
            most = most if told_top else min(most, limit.pace * gap)
            # going round must be the only way: one turn more would have been too fast
            if 0 <= value[last] < top and value[first] >= 0 and through <= most and most < 0.5 * top:
                return 1, top
    return 2, np.nan
