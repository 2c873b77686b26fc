"""Registers that stand still: repeats that are no readings, and stretches that are caught up later."""

from __future__ import annotations

from typing import Final

import numpy as np

from dodac.counters._judge import EXACT, LONG, Bools, Floats, Ints, Limit, cuts

_NEW: Final = (
    8  # readings: a new count that stands still for longer is not one yet (a dead register shows zeros)
)
_THRICE: Final = 4  # the run in question may be one of the longest
_IDLE: Final = 0.95  # share of steps of zero from which standing still says nothing


def repeats_at_cuts(value: Floats, time: Ints, limit: Limit, top: float | None) -> Bools:
    """Readings repeated just before or after such a step: a register that showed nothing new can't be taken at its word.

    Before it all but the first (that one too after a gap: it may be older than its time), after a fall
    all of them. Where the count goes on through the top that was told, nothing is.
    """
    found = np.zeros(len(value), dtype=bool)
    usual = _usual_repeats(value)
    for place in np.flatnonzero(cuts(value, time, limit)).tolist():
        through = value[place + 1] - value[place] + (top or 0.0)
        if top is not None and 0 <= through <= limit.most_in(int(time[place + 1] - time[place])):
            continue
        first = place
        while first > 0 and value[first - 1] == value[place]:
            first -= 1
        fell = bool(value[place + 1] < value[place])
        # what can't be consumption even over the whole time that it stood still is no catching up
        leapt = not fell and value[place + 1] - value[place] > limit.most_in(
            int(time[place + 1] - time[first])
        )
        if place - first > (usual if fell or leapt else 0):
            after_gap = first > 0 and time[first] - time[first - 1] > LONG * limit.usual
            found[first + (not after_gap) : place + 1] = True
        last = place + 1
        while last + 1 < len(value) and value[last + 1] == value[place + 1]:
            last += 1
        if last - place - 1 > min(usual, _NEW) and value[place + 1] < value[place]:
            found[place + 1 : last + 1] = True
    return found


def _usual_repeats(value: Floats) -> int:
    """How many repeats in a row are nothing unusual: a coarse register shows one count for some readings.

    8 at most (more may be a register that stands still), or as many as it does thrice, but any number where nearly
    nothing is ever used.
    """
    same = np.diff(value) == 0
    if same.mean() < 0.2 if len(same) else True:
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8))).reshape(-1, 2)
    lengths = np.sort(edges[:, 1] - edges[:, 0])
    found = int(np.quantile(lengths, 0.9, method="higher"))
    thrice = int(lengths[-_THRICE]) if len(lengths) >= _THRICE else 0
    return found if same.mean() > _IDLE else max(min(found, _NEW), thrice)


def stood_still(value: Floats, time: Ints, rise: Floats) -> Ints:
    """Steps (one fewer than readings) that belong together: a register that stood still and caught up; 0 for none.

    The steps of zero and the rise after them, where zero steps are seldom seen and the rise holds more
    than one interval's worth or a gap follows, or where the rise is larger than any other, or where it
    stood still for longer than ever up to a gap. Where most use
    comes in draws between zeros (water pulses) only a rise half as large again as any other is doubted.
    rise: the amount of each step, NaN where it is not known (a new count begins).
    """
    gap = np.diff(time).astype(np.float64)
    known = np.isfinite(rise)
    rise = np.where(known, rise, 0.0)
    found = np.zeros(len(rise), dtype=np.int64)
    zero = known & (rise <= EXACT * np.abs(value[:-1]))
    if len(rise) < 8 or not zero.any() or zero.all():
        return found
    edges = np.flatnonzero(np.diff(np.concatenate(([False], zero, [False])).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    after = np.zeros(len(rise), dtype=bool)
    after[runs[:, 1][runs[:, 1] < len(rise)]] = True
    rate = rise / np.maximum(gap, 1)
    others = rate[~zero & ~after & known]
    if not len(others):
        return found
    usual = float(np.median(gap))
    lengths = runs[:, 1] - runs[:, 0]
    seldom = len(runs) <= max(3, 0.005 * len(rise)) and zero.sum() - lengths.max() <= 0.1 * len(rise)
    # a coarse register shows the same count for an interval or two where little is used
    digit = float(rise[~zero & known].min())
    fastest_other, mean = float(np.max(others)), float(rise.sum() / gap.sum())
    draws = int(after.sum()) > max(3, 0.2 * int((~zero).sum()))
    top_two = np.sort(rate)[-2:]
    # a run to the end of the count: nothing says whether it still counts
    ends = np.minimum(runs[:, 1], len(rise) - 1)
    caught = (runs[:, 1] < len(rise)) & known[ends]
    into_gap = gap[ends] > LONG * usual
    most_lengths = np.sort(lengths)[-2:]
    longest_other = np.where(
        lengths == most_lengths[-1], most_lengths[0] if len(lengths) > 1 else 0, most_lengths[-1]
    )
    # it stood still for longer than it ever does, and nobody saw how it went on
    doubted = into_gap & (lengths > longest_other)
    if draws and not seldom:
        others_most = np.where(rate[ends] == top_two[-1], top_two[0], top_two[-1])
        doubted |= rate[ends] > 1.5 * others_most
        first_of = runs[:, 0]
    else:
        more = (rate[ends] > 1.02 * fastest_other) | (into_gap & (rate[ends] > 2 * mean))
        if seldom:
            more |= np.array(
                [_caught_up(rate, gap, usual, digit, fastest_other, *run) for run in runs.tolist()]
            )
        after_gap = (runs[:, 0] > 0) & (gap[np.maximum(runs[:, 0] - 1, 0)] > LONG * usual)
        first_of = np.where(more & ~doubted & after_gap, runs[:, 0] - 1, runs[:, 0])
        doubted |= more
    for one in np.flatnonzero(doubted & caught).tolist():
        found[int(first_of[one]) : int(runs[one, 1]) + 1] = one + 1
    return found


def _caught_up(
    rate: Floats, gap: Floats, usual: float, digit: float, fastest_other: float, first: int, last: int
) -> bool:
    """Does the rise after a run of zeros hold more than one interval's worth?"""
    if last >= len(rate):
        return False
    near = np.concatenate((rate[max(first - 6, 0) : first], rate[last + 1 : last + 7]))
    near = near[near > 0]
    level = float(np.median(near)) if len(near) else fastest_other
    few = last - first <= 3 and level * usual > 3.0 * digit
    return bool(rate[last] > max(1.5 * level, 2.0 * digit / usual) or few or gap[last] > LONG * usual)
