"""Amounts and means per step from readings: pure functions on arrays of UTC nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS
from dodac.quantities import Kind
from store._counter import believable_rises
from store._exchanges import Break

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

CONTEXT: Final = 12
"""Readings before and after a window that stores hand over besides those inside."""

_LONG_GAP: Final = 3  # median steps; a longer gap is not interpolated over a step's edge
_USUAL_GAP: Final = 1.5  # the same of a counter, but for a gap that is next to nothing of a step:
_SMALL: Final = 0.02


def per_step(
    kind: Kind,
    time_ns: Ints,
    span_ns: Ints,
    values: Floats,
    edges: Ints,
    start_ns: int,
    end_ns: int,
    breaks: Iterable[Break] = (),
) -> tuple[Floats, Floats]:
    """Value and coverage of each step [edges[i], edges[i+1]), counting only time in [start_ns, end_ns).

    Readings: sorted by time, finite. Counters: differences between neighbours, shared out evenly
    over the time between them; across a break (an exchanged meter, a rollover) both counts add up; a gap (more than one and a half median steps,
    or three where that is at most a fiftieth of a step), or a stretch in which the register stood still and caught
    up, counts only where both ends lie in one step, for then the amount is known all the same. Intervals: amounts shared out by
    overlap; where statements overlap each other they are averaged. Gauges: mean weighted by the
    time each reading speaks for (its span, or half-way to its neighbours, three median steps at
    most). Value is NaN where coverage is 0; amounts are what was seen, not scaled up.
    """
    import numpy as np

    steps = len(edges) - 1
    if len(time_ns) == 0:
        return np.full(steps, np.nan), np.zeros(steps)
    if kind is Kind.COUNTER:
        begin, end, amount = _counted(time_ns, values, edges, breaks)
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


def _counted(
    time_ns: Ints, values: Floats, edges: Ints, breaks: Iterable[Break]
) -> tuple[Ints, Ints, Floats]:
    """Begin, end and amount of the stretches of a counter that tell what was used in a step."""
    import numpy as np

    found = believable_rises(time_ns, values, breaks)
    begin = np.concatenate([one.begin for one in found])
    end = np.concatenate([one.end for one in found])
    amount = np.concatenate([one.amount for one in found])
    still = np.concatenate([one.still for one in found])
    usual, length = _median_gap(time_ns), int(np.diff(edges).min())
    gap = end - begin
    spread = (gap <= _USUAL_GAP * usual) | (gap <= min(_LONG_GAP * usual, _SMALL * length))
    same_step = np.searchsorted(edges, begin, side="right") == np.searchsorted(edges, end, side="left")
    known = np.isfinite(amount) & ((spread & ~still) | same_step)
    return begin[known], end[known], amount[known]


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
