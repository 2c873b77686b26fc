"""Limits of a journal: what it lets go of when it is too big or too old, counted and told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from dodac.clock import MINUTE_NS
from dodac.contracts import Event, EventKind
from dodac.errors import IntegrityError
from dodac.sizes import size_text
from store._blocks import Block, seqs_of
from store._blocks_read import COLUMNS
from store._files import size_of
from store._ranges import Range, Ranges, runs
from store._rows import event_row, layouts_of
from store._sinks import Sinks
from store._sums import added, insert, replaced

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

PLACE: Final = "#limits"
"""Under this name, which no instrument can have, stands the run of dropping that is not told yet."""
COUNTED: Final = "dropped/"
"""Cursors of this name and "events" or "dead_letters" count the rows of those tables that were dropped."""

_CHUNK: Final = 4000
_EVERYTHING: Final[Range] = (1, 1 << 62)
_PUT_FACT: Final = insert("facts") + replaced("facts", "value")
_PUT_EVENT: Final = insert("events")
_ADD_CURSOR: Final = insert("cursors") + added("cursors", "seq")


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

    @property
    def event_bytes(self) -> int:
        return EVENT_BYTES if self.max_bytes is None else round(self.max_bytes * SHARE)

    @property
    def letter_bytes(self) -> int:
        return LETTER_BYTES if self.max_bytes is None else round(self.max_bytes * SHARE)


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

    @property
    def filled(self) -> int:
        """What counts against max_size: free pages are filled before the file grows."""
        return self.used + self.wal


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

    def add(self, instrument: str, delivered: bool, time_ns: int) -> None:
        """Counts one sample."""
        row = self.rows.setdefault((instrument, delivered), [0, time_ns, time_ns])
        row[0] += 1
        row[1] = min(row[1], time_ns)
        row[2] = max(row[2], time_ns)

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


class Ground(Protocol):
    """The part of a journal that this works on."""

    @property
    def path(self) -> Path: ...

    def upkeep(self) -> AbstractContextManager[tuple[sqlite3.Connection, Sinks]]:
        """One transaction on the writer's connection, and the marks."""
        ...


class Keeper:
    """Holds one journal to its limits; drops what every sink has first, then what waits, oldest first.

    sinks: the ones that are configured; without any, every row is the only one. Every step is a short
    transaction that also counts what it took; a run that a power cut ends is told at the next one.
    """

    def __init__(self, journal: Ground, limits: Limits, sinks: Sequence[str]) -> None:
        self._journal = journal
        self._limits = limits
        self._sinks = tuple(sinks)
        self._sizes: dict[str, tuple[int, int]] = {}  # table → bytes, last seq that is in them
        self._run = Dropped()

    def space(self) -> Space:
        """The space the journal takes now."""
        with self._journal.upkeep() as (db, _):
            return space_of(db, self._journal.path)

    def disk_bytes(self) -> int:
        """Bytes of file and WAL on the disk, without a look inside."""
        return size_of(self._journal.path)

    def at_stake(self) -> float:
        """The share of the samples that not every sink has: all of them where there is none."""
        with self._journal.upkeep() as (db, sinks):
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
            gone = Ranges([*sinks.lost, *sinks.dropped])
            standing = (row[0] if row else 0) - len(gone)
            settled = sinks.settled(self._sinks)
            safe = len(settled) - len(settled.common(gone))
        return 1 - safe / standing if standing else 0.0

    def tell_left_over(self) -> None:
        """Tells a run that was cut off."""
        with self._journal.upkeep() as (db, _):
            row = db.execute("SELECT value FROM facts WHERE instrument = ?", (PLACE,)).fetchone()
        if row is not None:
            self._run = Dropped.of_text(row[0])
            self._end()

    def by_size(self, go_on: Callable[[], bool] = lambda: True) -> Dropped:
        """Brings the journal below max_size; go_on() False ends it early, between two steps."""
        limit = self._limits.max_bytes
        if limit is None or self.space().filled <= limit * HIGH:
            return Dropped()
        self.tell_left_over()
        self._run = Dropped(f"max_size {size_text(limit)}")

        def enough(db: sqlite3.Connection) -> bool:
            return space_of(db, self._journal.path).filled <= limit * LOW

        with self._journal.upkeep() as (_, sinks):
            settled = sinks.settled(self._sinks)
        spans = self._standing(settled)
        if not self._drop_spans(spans, settled, enough, go_on) and go_on():
            everything = Ranges([_EVERYTHING])
            self._drop_spans(self._standing(everything), everything, enough, go_on)
        return self._end()

    def by_age(self, now_ns: int, go_on: Callable[[], bool] = lambda: True) -> Dropped:
        """Drops every sample whose time is further back than max_age."""
        if self._limits.max_age_ns is None:
            return Dropped()
        self.tell_left_over()
        self._run = Dropped(f"max_age {self._limits.max_age_ns / 86_400e9:.3g} d")
        before_ns = now_ns - self._limits.max_age_ns
        step_ns = 10 * MINUTE_NS
        while go_on():
            with self._journal.upkeep() as (db, sinks):
                oldest = [
                    row[0]
                    for row in db.execute(
                        "SELECT (SELECT time_ns FROM samples WHERE instrument = names.id ORDER BY time_ns LIMIT 1) "
                        "FROM names"
                    )
                    if row[0] is not None and row[0] < before_ns
                ]
                if not oldest:
                    break
                end_ns = min(before_ns, min(oldest) + step_ns)
                rows = [
                    row
                    for (name,) in db.execute("SELECT id FROM names").fetchall()
                    for row in db.execute(
                        "SELECT seq, instrument, time_ns FROM samples WHERE instrument = ? AND time_ns < ?",
                        (name, end_ns),
                    )
                ]
                db.executemany("DELETE FROM samples WHERE seq = ?", [(row[0],) for row in rows])
                change = self._count(db, sinks, rows)
            change()
            step_ns = max(MINUTE_NS, step_ns // 2) if len(rows) > 2 * _CHUNK else step_ns * 2
        passed = 0
        while go_on():
            with self._journal.upkeep() as (db, sinks):
                blocks = _blocks(db, "id > ? AND last_ns < ? ORDER BY id LIMIT 200", (passed, before_ns))
                if not blocks:
                    break
                passed = blocks[-1].id
                change = self._drop_blocks(db, sinks, blocks, Ranges([_EVERYTHING]))
            change()
        return self._end()

    def by_share(self) -> Dropped:
        """Holds dead letters and events to their shares: the oldest of them go."""
        self._run = Dropped()
        self._run.letters = self._shrink(
            "dead_letters", "length(payload) + length(topic) + length(reason) + 64", self._limits.letter_bytes
        )
        self._run.events = self._shrink(
            "events", "length(text) + length(data) + length(source) + 96", self._limits.event_bytes
        )
        return self._run

    def give_back(self, pages: int = 500) -> int:
        """Gives free pages at the end of the file back to the disk; gives how many bytes are still free."""
        with self._journal.upkeep() as (db, _):
            db.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
            return space_of(db, self._journal.path).free

    # inside

    def _standing(self, wanted: Ranges) -> list[Range]:
        with self._journal.upkeep() as (db, sinks):
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
            top = row[0] if row else 0
            gone = Ranges([*sinks.lost, *sinks.dropped])
            return [gap for first, last in wanted for gap in gone.gaps(first, min(last, top))]

    def _drop_spans(
        self,
        spans: Iterable[Range],
        allowed: Ranges,
        enough: Callable[[sqlite3.Connection], bool],
        go_on: Callable[[], bool],
    ) -> bool:
        """Drops rows and blocks of these ranges in the order of seq; True once it is enough."""
        for first, last in spans:
            here = first
            while here <= last and go_on():
                with self._journal.upkeep() as (db, sinks):
                    if enough(db):
                        return True
                    block = db.execute(
                        "SELECT first_seq, last_seq FROM blocks WHERE first_seq BETWEEN ? AND ? "
                        "ORDER BY first_seq LIMIT 1",
                        (here, last),
                    ).fetchone()
                    rows = db.execute(
                        "SELECT seq, instrument, time_ns FROM samples WHERE seq BETWEEN ? AND ? "
                        "ORDER BY seq LIMIT ?",
                        (here, last if block is None else block[0], _CHUNK),
                    ).fetchall()
                    if rows:
                        db.execute("DELETE FROM samples WHERE seq BETWEEN ? AND ?", (rows[0][0], rows[-1][0]))
                        here = rows[-1][0] + 1
                        change = self._count(db, sinks, rows)
                    elif block is not None:
                        # those of the same hour together: their rows lie between one another
                        blocks = _blocks(
                            db,
                            "first_seq BETWEEN ? AND ? ORDER BY first_seq LIMIT 200",
                            (here, min(block[1], last)),
                        )
                        here = blocks[-1].first_seq + 1
                        change = self._drop_blocks(db, sinks, blocks, allowed)
                    else:
                        break
                change()
        with self._journal.upkeep() as (db, _):
            return enough(db)

    def _drop_blocks(
        self, db: sqlite3.Connection, sinks: Sinks, blocks: Sequence[Block], allowed: Ranges
    ) -> Callable[[], None]:
        """Drops those blocks of which every row may go; one that can't be read is left for the checks."""
        layouts = layouts_of(db)
        rows: list[tuple[int, int, int]] = []
        for block in blocks:
            try:
                seqs = seqs_of(block, layouts[block.layout])
            except (IntegrityError, KeyError):
                continue
            if len(Ranges(runs(seqs)).common(allowed)) < len(seqs):
                continue
            db.execute("DELETE FROM blocks WHERE id = ?", (block.id,))
            rows += [(seq, block.instrument, block.first_ns) for seq in seqs]
            rows[-1] = (rows[-1][0], block.instrument, block.last_ns)
        return self._count(db, sinks, rows)

    def _count(
        self, db: sqlite3.Connection, sinks: Sinks, rows: Sequence[tuple[int, int, int]]
    ) -> Callable[[], None]:
        """Counts dropped rows (seq, instrument, time) in the transaction that drops them; gives what follows it."""
        names = dict(db.execute("SELECT id, name FROM names").fetchall())
        delivered = sinks.delivered(self._sinks or sinks.names())
        for seq, instrument, time_ns in rows:
            self._run.add(names.get(instrument, ""), seq in delivered, time_ns)
        change = sinks.drop(runs(seq for seq, _, _ in rows), self._run.limit)
        change.write(db)
        if db.execute("SELECT 1 FROM conflicts LIMIT 1").fetchone():
            db.executemany(
                "DELETE FROM conflicts WHERE instrument = ? AND time_ns = ?", {row[1:] for row in rows}
            )
        db.execute(_PUT_FACT, (PLACE, "run", self._run.as_text()))
        return lambda: sinks.apply(change)

    def _end(self) -> Dropped:
        """Tells the run: its gaps are written, and it is no longer kept to be told."""
        run, self._run = self._run, Dropped()
        if run.rows:
            with self._journal.upkeep() as (db, _):
                db.executemany(_PUT_EVENT, [event_row(event) for event in run.gaps()])
                db.execute("DELETE FROM facts WHERE instrument = ?", (PLACE,))
        return run

    def _shrink(self, table: str, length: str, limit: int) -> int:
        """Drops the oldest rows of a table that is over its share, to nine tenths of it; gives how many."""
        known, last = self._sizes.get(table, (0, 0))
        with self._journal.upkeep() as (db, _):
            more, top = db.execute(
                f"SELECT total({length}), max(seq) FROM {table} WHERE seq > ?",  # noqa: S608 - our own names
                (last,),
            ).fetchone()
            size, last = known + int(more), top or last
            self._sizes[table] = size, last
            if size <= limit:
                return 0
            count, first, cut = 0, 0, 0
            for seq, time_ns, bytes_ in db.execute(
                f"SELECT seq, time_ns, {length} FROM {table} ORDER BY seq"  # noqa: S608 - as above
            ):
                if size <= limit * 0.9 or seq == last:
                    break
                size, cut, count, first = size - bytes_, seq, count + 1, first or time_ns
                end = time_ns
            if not count:
                return 0
            db.execute(f"DELETE FROM {table} WHERE seq <= ?", (cut,))  # noqa: S608 - as above
            db.execute(_ADD_CURSOR, (COUNTED + table, count))
            what = "dead letters" if table == "dead_letters" else "events"
            text = f"the {count} oldest {what} were dropped: they may take {size_text(limit)} of the journal"
            data: dict[str, str | int | float] = {"dropped": count, "until_ns": end}
            db.execute(_PUT_EVENT, event_row(Event(first, EventKind.NOTE, text, "journal", None, None, data)))
            self._sizes[table] = size, last
            return count


def _blocks(db: sqlite3.Connection, clause: str, values: Sequence[int]) -> list[Block]:
    rows = db.execute(f"SELECT {COLUMNS} FROM blocks WHERE {clause}", values)  # noqa: S608 - ours
    return [Block(*row) for row in rows]
