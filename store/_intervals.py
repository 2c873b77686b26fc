"""Amounts and means per step from readings: pure functions on arrays of UTC nanoseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS
from dodac.quantities import Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

CONTEXT: Final = 12
"""Readings before and after a window that stores hand over besides those inside."""

_LONG_GAP: Final = 3  # median steps; a longer gap is not interpolated over a step's edge
_SHORT_DIP: Final = 3  # readings; so short a dip is one whatever it comes back to
_SPIKE: Final = 3  # readings above the line that are taken for a spike
_LOOK_AHEAD: Final = 2000  # readings in which a dip may come back
_FROM_ZERO: Final = 20.0  # a rise from exactly 0 that is so many times faster than any other is a start-up


def per_step(
    kind: Kind, time_ns: Ints, span_ns: Ints, values: Floats, edges: Ints, start_ns: int, end_ns: int
) -> tuple[Floats, Floats]:
    """Value and coverage of each step [edges[i], edges[i+1]), counting only time in [start_ns, end_ns).

    Readings: sorted by time, finite. Counters: differences between neighbours, shared out evenly
    over the time between them; a gap of more than three median steps counts only where both ends
    lie in one step, for then the amount is known all the same. Intervals: amounts shared out by
    overlap; where statements overlap each other they are averaged. Gauges: mean weighted by the
    time each reading speaks for (its span, or half-way to its neighbours, three median steps at
    most). Value is NaN where coverage is 0; amounts are what was seen, not scaled up.
    """
    import numpy as np

    steps = len(edges) - 1
    if len(time_ns) == 0:
        return np.full(steps, np.nan), np.zeros(steps)
    if kind is Kind.COUNTER:
        begin, end, amount = _pairs(time_ns, values, edges)
    elif kind is Kind.INTERVAL:
        begin, end = _extents(time_ns, span_ns)
        amount = values
    else:
        begin, end = _extents(time_ns, span_ns)
        amount = values * (end - begin)
    total, covered = _share_out(begin, end, amount, edges, start_ns, end_ns)
    length = np.diff(edges).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = total / (covered if kind is Kind.GAUGE else np.maximum(covered / length, 1.0))
    value[covered <= 0] = np.nan
    return value, np.minimum(covered / length, 1.0)


def _share_out(
    begin: Ints, end: Ints, amount: Floats, edges: Ints, start_ns: int, end_ns: int
) -> tuple[Floats, Floats]:
    """Sums of amounts and of covered nanoseconds per step, by overlap."""
    import numpy as np

    steps = len(edges) - 1
    inside_a, inside_b = np.maximum(begin, start_ns), np.minimum(end, end_ns)
    keep = inside_b > inside_a
    whole = (end - begin)[keep].astype(np.float64)
    inside_a, inside_b, amount = inside_a[keep], inside_b[keep], amount[keep]
    first = np.searchsorted(edges, inside_a, side="right") - 1
    last = np.searchsorted(edges, inside_b, side="left") - 1
    counts = last - first + 1
    row = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = first[row] + offset
    overlap = (np.minimum(inside_b[row], edges[step + 1]) - np.maximum(inside_a[row], edges[step])).astype(
        np.float64
    )
    total = np.bincount(step, weights=amount[row] * (overlap / whole[row]), minlength=steps)
    covered = np.bincount(step, weights=overlap, minlength=steps)
    return total.astype(np.float64), covered.astype(np.float64)


def _extents(time_ns: Ints, span_ns: Ints) -> tuple[Ints, Ints]:
    """What time each reading speaks for: its own span, or up to half-way to its neighbours."""
    import numpy as np

    begin: Ints = time_ns - span_ns // 2
    end: Ints = begin + span_ns
    moment = span_ns < SECOND_NS
    if moment.any():
        reach = _LONG_GAP * _median_gap(time_ns) // 2
        half = np.minimum(np.diff(time_ns) // 2, reach)
        # the outermost readings have one neighbour: the same reach on both sides
        left = np.concatenate((half[:1], half))
        right = np.concatenate((half, half[-1:]))
        if len(time_ns) == 1:
            left = right = np.zeros(1, dtype=np.int64)
        begin[moment] = (time_ns - left)[moment]
        # a lone reading speaks for its moment only: a mean, and next to no coverage
        end[moment] = (time_ns + np.maximum(right, 1))[moment]
    return begin, end


def _median_gap(time_ns: Ints) -> int:
    import numpy as np

    gaps = np.diff(time_ns)
    gaps = gaps[gaps > 0]
    return int(np.median(gaps)) if len(gaps) else 0


def _pairs(time_ns: Ints, values: Floats, edges: Ints) -> tuple[Ints, Ints, Floats]:
    """Stretches between counter readings whose difference can be believed: begin, end, amount."""
    import numpy as np

    keep, broken = clean_counter(values)
    time_ns, values, broken = time_ns[keep], values[keep], broken[keep]
    begin, end = time_ns[:-1], time_ns[1:]
    rise, gap = np.diff(values), np.diff(time_ns)
    good = ~broken[1:] & (gap > 0)
    same_step = np.searchsorted(edges, begin, side="right") == np.searchsorted(edges, end, side="left")
    good &= (gap <= _LONG_GAP * _median_gap(time_ns)) | same_step
    good &= ~_start_up(values[:-1], rise, gap, good)
    return begin[good], end[good], rise[good]


def _start_up(before: Floats, rise: Floats, gap: Ints, good: Bools) -> Bools:
    """Rises from exactly zero that no other stretch comes near: a meter that had not yet loaded its total."""
    import numpy as np

    found = np.zeros(len(rise), dtype=bool)
    zero = good & (before == 0.0) & (rise > 0)
    others = good & ~zero
    if zero.any() and others.sum() >= 2:
        fastest = float(np.max(rise[others] / gap[others]))
        found[zero] = rise[zero] / gap[zero] > _FROM_ZERO * fastest
        if fastest == 0.0:
            found[zero] = True
    return found


def clean_counter(values: Floats) -> tuple[Bools, Bools]:
    """Which counter readings to keep, and which kept ones follow a break (a reset or rollover).

    At each fall: a dip is a stretch that comes back to the old level, within three readings or by
    one jump of at least half the fall (a transient zero, however long): its readings are left
    out. A spike is up to three readings above what comes before and after: left out too. Of both
    the shorter wins. Anything else is a reset or rollover: the difference across it is not known.
    """
    import numpy as np

    keep = np.ones(len(values), dtype=bool)
    broken = np.zeros(len(values), dtype=bool)
    floor = done = 0
    for place in np.flatnonzero(values[1:] < values[:-1]).tolist():
        if place < done:
            continue
        low = place + 1
        back = _return(values, place)
        spike = _spike(values, keep, place, floor)
        if back is not None and (not spike or back - low <= len(spike)):
            keep[low:back] = False
            done = back
        elif spike:
            keep[spike] = False
            done = low
        else:
            broken[low] = True
            floor = done = low
    return keep, broken


def _return(values: Floats, place: int) -> int | None:
    """Where a dip after `place` is back at the old level, or None when it is no dip."""
    import numpy as np

    level, low = values[place], place + 1
    ahead = values[low + 1 : low + 1 + _LOOK_AHEAD] >= level
    if not ahead.any():
        return None
    back = low + 1 + int(np.argmax(ahead))
    jump = values[back] - values[back - 1]
    if back - low <= _SHORT_DIP or jump >= 0.5 * (level - values[low]):
        return back
    return None


def _spike(values: Floats, keep: Bools, place: int, floor: int) -> list[int]:
    """The kept readings up to `place` that stand above both sides; empty when it is no spike."""
    above: list[int] = []
    here = place
    while here >= floor and len(above) <= _SPIKE:
        if keep[here]:
            if values[here] <= values[place + 1]:
                return above
            above.append(here)
        here -= 1
    return []
