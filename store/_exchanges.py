"""What is known about a counter's breaks: the meter was exchanged, or the counter began again from 0."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dodac.clock import HOUR_NS
from dodac.contracts import Event, EventKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_STEP: Final = 1e-6
KINDS: Final = (EventKind.EXCHANGE, EventKind.ROLLOVER)


@dataclass(frozen=True, slots=True)
class Break:
    """A counter goes from `end` to `start` at one moment, and nothing was consumed in between.

    An exchanged meter: the old one's last reading and the new one's first. A rollover: the value at
    which the counter begins again, and 0. time_ns: readings from then on are of the new count.
    """

    time_ns: int
    end: float
    start: float


def breaks_of(events: Iterable[Event], channel: str) -> list[Break]:
    """The breaks of one counter, in time order; a later record of the same moment replaces an earlier one.

    events: those of its instrument, in the order in which they were recorded; the numbers of a channel stand
    under end.CHANNEL and start.CHANNEL. What says `withdrawn` takes back the breaks of that moment that it names.
    """
    found: dict[int, Break | None] = {}
    for event in events:
        if event.kind not in KINDS:
            continue
        end, start = event.data.get(f"end.{channel}"), event.data.get(f"start.{channel}")
        if not (
            isinstance(end, int | float) and isinstance(start, int | float) and math.isfinite(end + start)
        ):
            continue
        if event.data.get("withdrawn"):
            found[event.time_ns] = None
        else:
            found[event.time_ns] = Break(event.time_ns, float(end), float(start))
    return [known for _, known in sorted(found.items()) if known is not None]


def counts(time_ns: Ints, values: Floats, breaks: Iterable[Break]) -> Iterator[tuple[Ints, Floats]]:
    """The readings of each count, from one break to the next, with the break's own two readings at the ends.

    A break before the first reading or after the last one says nothing about what was consumed between them.
    Where the old count still goes on for a while after a break and leaps then, or the new one began a while before
    it, the break is taken to be there.
    """
    import numpy as np

    inside = [known for known in breaks if len(time_ns) and time_ns[0] < known.time_ns <= time_ns[-1]]
    # a reading of the same moment is one of the new count
    places = np.searchsorted(time_ns, [known.time_ns for known in inside], side="left").tolist()
    for number, (known, place) in enumerate(zip(inside, places, strict=True)):
        until = places[number + 1] if number + 1 < len(places) else len(time_ns)
        since = places[number - 1] if number else 0
        leap = _still_old(time_ns, values, known, place, until)
        if leap == place:
            leap = _already_new(time_ns, values, known, place, since)
        if leap != place:
            middle = int(time_ns[leap - 1]) + int(time_ns[leap] - time_ns[leap - 1] + 1) // 2
            inside[number], places[number] = replace(known, time_ns=middle), leap
        elif time_ns[place] == known.time_ns:  # what the new one counted up to that reading counts too
            half = int(time_ns[place] - time_ns[place - 1] + 1) // 2
            inside[number] = replace(known, time_ns=known.time_ns - half)
    starts: list[Break | None] = [None, *inside]
    ends: list[Break | None] = [*inside, None]
    for opened, closed, first, last in zip(starts, ends, [0, *places], [*places, len(time_ns)], strict=True):
        head = [] if opened is None else [(opened.time_ns, opened.start)]
        tail = [] if closed is None else [(closed.time_ns, closed.end)]
        yield (
            np.concatenate((_column(head, 0), time_ns[first:last], _column(tail, 0))).astype(np.int64),
            np.concatenate((_column(head, 1), values[first:last], _column(tail, 1))).astype(np.float64),
        )


def _still_old(time_ns: Ints, values: Floats, known: Break, place: int, until: int) -> int:
    """The first reading of the new count: a clock on the wall was a few minutes ahead of the work.

    Readings that go on from the old count, nearer to it than to the new one and not beyond its end, are the old
    meter's, if one that can't be follows within an hour.
    """
    last, here = float(values[place - 1]), place
    while here < until and time_ns[here] <= known.time_ns + HOUR_NS:
        value = float(values[here])
        goes_on = last <= value <= known.end + abs(known.end) * _STEP
        if not goes_on or abs(value - last) >= abs(value - known.start):
            return here if abs(value - known.start) < abs(value - last) else place
        last, here = value, here + 1
    return place


def _already_new(time_ns: Ints, values: Floats, known: Break, place: int, since: int) -> int:
    """The same for a clock that was behind, or a time from memory: new readings stand before the break."""
    following, here = float(values[place]), place - 1
    while here > since and time_ns[here] >= known.time_ns - HOUR_NS:
        value = float(values[here])
        goes_on = known.start - abs(known.start) * _STEP <= value <= following
        if not goes_on or abs(following - value) >= abs(known.end - value):
            return here + 1 if abs(known.end - value) < abs(following - value) else place
        following, here = value, here - 1
    return place


def _column(rows: list[tuple[int, float]], place: int) -> Any:
    import numpy as np

    return np.array([row[place] for row in rows], dtype=np.int64 if place == 0 else np.float64)
