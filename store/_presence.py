"""How often each channel came, good or flagged, in rows that are new: counted by SQLite, row by row for nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dodac.samples import FIRST_REVISION, Layout
from store import _codec as codec
from store._accounts import Read

_COUNT: Final = (
    "SELECT layout, present, flags, count(*) FROM samples "
    "WHERE seq > ? AND seq <= ? AND time_ns >= ? AND time_ns < ? AND part < ? GROUP BY 1, 2, 3"
)


@dataclass(frozen=True, slots=True)
class Presence:
    """How often a channel came."""

    instrument: str
    channel: str
    good: int
    flagged: int


def presence_of(
    read: Read, layouts: Mapping[int, Layout], after: int, last: int, start_ns: int, end_ns: int
) -> list[Presence]:
    """Channels in rows with seq in (after, last] and time in [start, end); corrections and conflicts left out."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, present, flags, count in read(_COUNT, (after, last, start_ns, end_ns, FIRST_REVISION)):
        layout = layouts.get(number)
        if layout is None:
            continue
        carried = (1 << len(layout.channels)) - 1 if present is None else int.from_bytes(present, "little")
        bad = codec.flagged(flags)
        for place, channel in enumerate(layout.channels):
            if carried >> place & 1:
                counts = found.setdefault((layout.instrument, channel), [0, 0])
                counts[bad >> place & 1] += count
    return [Presence(*key, *counts) for key, counts in sorted(found.items())]
