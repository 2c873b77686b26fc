"""What is known about a counter's breaks: the meter was exchanged, or the counter began again from 0."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dodac.contracts import Event, EventKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

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
    under end.CHANNEL and start.CHANNEL. What says `withdrawn` takes back the break of that moment.
    """
    found: dict[int, Break | None] = {}
    for event in events:
        if event.kind not in KINDS:
            continue
        end, start = event.data.get(f"end.{channel}"), event.data.get(f"start.{channel}")
        if event.data.get("withdrawn"):
            found[event.time_ns] = None
        elif isinstance(end, int | float) and isinstance(start, int | float) and math.isfinite(end + start):
            found[event.time_ns] = Break(event.time_ns, float(end), float(start))
    return [known for _, known in sorted(found.items()) if known is not None]


def counts(time_ns: Ints, values: Floats, breaks: Iterable[Break]) -> Iterator[tuple[Ints, Floats]]:
    """The readings of each count, from one break to the next, with the break's own two readings at the ends.

    A break before the first reading or after the last one says nothing about what was consumed between them.
    """
    import numpy as np

    inside = [known for known in breaks if len(time_ns) and time_ns[0] < known.time_ns <= time_ns[-1]]
    # a reading of the same moment is one of the new count
    places = np.searchsorted(time_ns, [known.time_ns for known in inside], side="left").tolist()
    starts: list[Break | None] = [None, *inside]
    ends: list[Break | None] = [*inside, None]
    for opened, closed, first, last in zip(starts, ends, [0, *places], [*places, len(time_ns)], strict=True):
        head = [] if opened is None else [(opened.time_ns, opened.start)]
        tail = [] if closed is None else [(closed.time_ns, closed.end)]
        yield (
            np.concatenate((_column(head, 0), time_ns[first:last], _column(tail, 0))).astype(np.int64),
            np.concatenate((_column(head, 1), values[first:last], _column(tail, 1))).astype(np.float64),
        )


def _column(rows: list[tuple[int, float]], place: int) -> Any:
    import numpy as np

    return np.array([row[place] for row in rows], dtype=np.int64 if place == 0 else np.float64)
