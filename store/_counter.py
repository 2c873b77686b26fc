"""Which differences of a counter's readings can be believed: dips, spikes, resets and false totals told apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from store._exchanges import Break, counts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_SHORT_DIP: Final = 3  # readings; so short a dip is one whatever it comes back to
_SPIKE: Final = 3  # readings above the line that are taken for a spike
_OUTRUNS: Final = (
    20.0  # a rise so many times faster than any other is no consumption if it looks like a total
)
_BLOCK: Final = 1024  # readings whose largest value is kept, to look far ahead quickly


def believable_rises(
    time_ns: Ints, values: Floats, breaks: Iterable[Break] = ()
) -> tuple[Ints, Ints, Floats]:
    """Stretches between counter readings whose difference is consumption: begin, end, amount.

    Readings: sorted by time, finite. breaks: exchanges and rollovers that are known: each side counts on
    its own, so nothing is lost there. Left out: what clean_counter leaves out, differences across a
    reset or rollover that nobody told, and false totals (`_false_totals`).
    """
    import numpy as np

    known = tuple(breaks)
    if known:
        found = [believable_rises(*one) for one in counts(time_ns, values, known)]
        begins, ends, rises = zip(*found, strict=True) if found else ((), (), ())
        return np.concatenate(begins), np.concatenate(ends), np.concatenate(rises)
    keep, broken = clean_counter(values, time_ns)
    time_ns, values, broken = time_ns[keep], values[keep], broken[keep]
    begin, end = time_ns[:-1], time_ns[1:]
    rise, gap = np.diff(values), np.diff(time_ns)
    good = ~broken[1:] & (gap > 0)
    good &= ~_false_totals(values[:-1], rise, gap, broken[1:], good)
    return begin[good], end[good], rise[good]


def _false_totals(before: Floats, rise: Floats, gap: Ints, broken: Bools, good: Bools) -> Bools:
    """Rises that are a total being loaded and not consumption.

    Suspect are rises that at least double the counter (from 0: a meter that had not yet loaded its
    total), and after a reset those of at least half the fall (the old total, or an older one from the
    meter's memory, is back). A suspect counts only when some other rise comes near it in speed;
    from a value above 0 that no reset was seen before, other rises must be there to compare with.
    """
    import numpy as np

    last = np.maximum.accumulate(np.where(broken, np.arange(len(rise)), -1))
    fall = np.where(last >= 0, -rise[np.maximum(last, 0)], np.inf)
    after_reset = (last >= 0) & (rise >= 0.5 * fall)
    suspect = good & (rise > 0) & ((rise >= before) | after_reset)
    others = good & ~suspect
    if not suspect.any():
        return suspect
    fastest = float(np.max(rise[others] / gap[others])) if others.any() else 0.0
    compared = (before == 0.0) & (others.sum() >= 2) | after_reset | (fastest > 0.0)
    found: Bools = suspect & compared & (rise / np.maximum(gap, 1) > _OUTRUNS * fastest)
    return found


def clean_counter(values: Floats, time_ns: Ints | None = None) -> tuple[Bools, Bools]:
    """Which counter readings to keep, and which kept ones follow a break (a reset or rollover).

    At each fall: a dip is a stretch that comes back to the old level, within three readings, or,
    however long it lasts, by one jump of at least half the fall that outruns every rise inside it (a
    transient zero): its readings are left out. A spike is up to three readings above what comes
    before and after: left out too. Of both the shorter wins. Anything else is a reset or rollover:
    the difference across it is not known. time_ns: None for readings evenly spaced.
    """
    import numpy as np

    keep = np.ones(len(values), dtype=bool)
    broken = np.zeros(len(values), dtype=bool)
    times = np.arange(len(values), dtype=np.int64) if time_ns is None else time_ns
    ahead = _Ahead(values)
    floor = done = 0
    for place in np.flatnonzero(values[1:] < values[:-1]).tolist():
        if place < done:
            continue
        low = place + 1
        back = _return(values, times, ahead, place)
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


class _Ahead:
    """Finds the next reading of at least a level without looking at each one in between."""

    def __init__(self, values: Floats) -> None:
        import numpy as np

        self._values = values
        starts = np.arange(0, len(values), _BLOCK)
        self._largest: Floats = np.maximum.reduceat(values, starts) if len(values) else values

    def at_least(self, level: float, start: int) -> int | None:
        """The first place from `start` on that holds `level` or more."""
        import numpy as np

        block = start // _BLOCK
        while block < len(self._largest):
            first = max(start, block * _BLOCK)
            high = self._values[first : (block + 1) * _BLOCK] >= level
            if high.any():
                return first + int(np.argmax(high))
            higher = self._largest[block + 1 :] >= level
            if not higher.any():
                return None
            block += 1 + int(np.argmax(higher))
        return None


def _return(values: Floats, times: Ints, ahead: _Ahead, place: int) -> int | None:
    """Where a dip after `place` is back at the old level, or None when it is no dip."""
    import numpy as np

    level, low = values[place], place + 1
    back = ahead.at_least(level, low + 1)
    if back is None:
        return None
    if back - low <= _SHORT_DIP:
        return back
    jump = values[back] - values[back - 1]
    if jump < 0.5 * (level - values[low]):
        return None
    rises, gaps = np.diff(values[low:back]), np.diff(times[low:back])
    fastest = float(np.max(rises / np.maximum(gaps, 1), initial=0.0))
    return back if jump / max(times[back] - times[back - 1], 1) > _OUTRUNS * fastest else None


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
