"""Limits of a journal: what it lets go of when it is too big or too old, counted and told."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dodac.contracts import Event, EventKind
from dodac.sizes import size_text
from store._files import size_of

HIGH: Final = 0.95
"""Share of max_size from which samples are dropped …"""
LOW: Final = 0.93
"""… down to this one, so that a run of dropping leaves few events and not one a second."""
SMALLEST: Final = 4_000_000
"""Bytes below which a journal can't be held: its WAL and one group of samples need that."""
SHARE: Final = 0.05
"""Share of max_size that events may take, and as much for dead letters."""
EVENT_BYTES: Final = 256_000_000
LETTER_BYTES: Final = 1_000_000_000
"""The same where there is no max_size: they never grow without end."""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a journal: pages that hold something, pages that are free to be filled again, the WAL."""

    used: int
    free: int
    wal: int

    @property
    def total(self) -> int:
        """What the disk may have to hold."""
        return self.used + self.free + self.wal


@dataclass(frozen=True, slots=True)
class Limits:
    """max_bytes: file and WAL together; max_age_ns: by a sample's time. None: nothing is dropped for it.

    Raises ValueError below what a journal needs.
    """

    max_bytes: int | None = None
    max_age_ns: int | None = None

    def __post_init__(self) -> None:
        if self.max_bytes is not None and self.max_bytes < SMALLEST:
            raise ValueError(f"a journal needs {size_text(SMALLEST)} at least.")

    @property
    def wal_bytes(self) -> int:
        """What the WAL may keep on the disk."""
        return min(64 << 20, (self.max_bytes or 1 << 40) // 40)

    def against(self, space: Space) -> int:
        """Bytes that count against max_size: free pages are filled before the file grows.

        Of the WAL only so much as is its own share counts: what a long reader holds of it comes back when that
        ends, and no sample that is dropped makes it smaller.
        """
        return space.used + min(space.wal, 2 * self.wal_bytes)

    def held(self, space: Space) -> bool:
        """True when another program's reading keeps far more WAL on the disk than there should be."""
        return space.wal > max(4 * self.wal_bytes, (self.max_bytes or 1 << 33) // 8)

    @property
    def event_bytes(self) -> int:
        return EVENT_BYTES if self.max_bytes is None else round(self.max_bytes * SHARE)

    @property
    def letter_bytes(self) -> int:
        return LETTER_BYTES if self.max_bytes is None else round(self.max_bytes * SHARE)


def space_of(db: sqlite3.Connection, path: Path) -> Space:
    """The space a journal takes now."""
    size, pages, free = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count", "freelist_count")
    )
    wal = size_of(path) - path.stat().st_size
    return Space((pages - free) * size, free * size, wal)


@dataclass(slots=True)
class Dropped:
    """One run of dropping: (instrument, delivered elsewhere) → count, first and last time; other rows besides."""

    limit: str = ""
    rows: dict[tuple[str, bool], list[int]] = field(default_factory=dict)
    letters: int = 0
    events: int = 0

    @property
    def samples(self) -> int:
        """Samples that were dropped."""
        return sum(count for count, _, _ in self.rows.values())

    @property
    def gone(self) -> int:
        """Those of them that no sink had taken."""
        return sum(row[0] for (_, delivered), row in self.rows.items() if not delivered)

    def add(self, instrument: str, delivered: bool, count: int, first_ns: int, last_ns: int) -> None:
        """Counts samples between two times."""
        row = self.rows.setdefault((instrument, delivered), [0, first_ns, last_ns])
        row[0] += count
        row[1] = min(row[1], first_ns)
        row[2] = max(row[2], last_ns)

    def as_text(self) -> str:
        """For keeping in the journal until it is told."""
        rows = [[name, int(delivered), *row] for (name, delivered), row in self.rows.items()]
        return json.dumps({"limit": self.limit, "rows": rows})

    @classmethod
    def of_text(cls, text: str) -> Dropped:
        """The run that as_text() kept."""
        data = json.loads(text)
        return cls(data["limit"], {(row[0], bool(row[1])): list(row[2:]) for row in data["rows"]})

    def gaps(self) -> list[Event]:
        """One gap an instrument and fate."""
        return [
            Event(
                first,
                EventKind.GAP,
                f"{count} samples were dropped from the journal ({self.limit}): "
                + ("a server has them" if delivered else "nothing else has them, they are gone"),
                "journal",
                name,
                last + 1,
                {"dropped": count, "delivered": int(delivered), "limit": self.limit},
            )
            for (name, delivered), (count, first, last) in sorted(self.rows.items())
        ]
