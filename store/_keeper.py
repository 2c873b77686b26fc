"""The keeper of a journal: lets samples go when it is too big or too old, counted and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from dodac.clock import MINUTE_NS
from dodac.contracts import Event, EventKind
from dodac.errors import IntegrityError
from dodac.sizes import size_text
from store._blocks import Block, seqs_of
from store._blocks_read import COLUMNS
from store._files import size_of
from store._policy import HIGH, LOW, Dropped, Limits, Space, space_of
from store._ranges import Range, Ranges, runs
from store._rows import event_row, layouts_of
from store._sinks import Sinks
from store._sums import added, insert, replaced

PLACE: Final = "#limits"
"""Under this name, which no instrument can have, stands the run of dropping that is not told yet."""
COUNTED: Final = "dropped/"
"""Cursors of this name and "events" or "dead_letters" count the rows of those tables that were dropped."""

_CHUNK: Final = 4000
_TOGETHER: Final = 400  # blocks: a day of so many instruments leaves no fragments
_EVERYTHING: Final[Range] = (1, 1 << 62)
_PUT_FACT: Final = insert("facts") + replaced("facts", "value")
_PUT_EVENT: Final = insert("events")
_ADD_CURSOR: Final = insert("cursors") + added("cursors", "seq")


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
        self._chunk = _CHUNK

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
        if limit is None or self._limits.against(self.space()) <= limit * HIGH:
            return Dropped()
        self.tell_left_over()
        self._run = Dropped(f"max_size {size_text(limit)}")

        def enough(db: sqlite3.Connection) -> bool:
            return self._limits.against(space_of(db, self._journal.path)) <= limit * LOW

        with self._journal.upkeep() as (db, sinks):
            settled = sinks.settled(self._sinks)
            rows = db.execute("SELECT count(*) FROM (SELECT 1 FROM samples LIMIT 100000)").fetchone()[0]
        # a step frees a hundredth of the journal at most, however small that is
        self._chunk = max(10, min(_CHUNK, round(rows * limit / 100 / max(1, self.space().used))))
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
                rows: list[tuple[int, int, int]] = []
                for (name,) in db.execute("SELECT id FROM names").fetchall():
                    rows += db.execute(
                        "SELECT seq, instrument, time_ns FROM samples WHERE instrument = ? AND time_ns < ? "
                        "ORDER BY time_ns LIMIT ?",
                        (name, end_ns, 2 * _CHUNK - len(rows)),
                    ).fetchall()
                db.executemany("DELETE FROM samples WHERE seq = ?", [(row[0],) for row in rows])
                change = self._count(db, sinks, rows)
            change()
            step_ns = max(MINUTE_NS, step_ns // 2) if len(rows) >= 2 * _CHUNK else step_ns * 2
        passed = 0
        while go_on():
            with self._journal.upkeep() as (db, _):
                blocks = _blocks(
                    db,
                    "first_seq > ? AND last_ns < ? ORDER BY first_seq LIMIT ?",
                    (passed, before_ns, _TOGETHER),
                )
            if not blocks:
                break
            passed = blocks[-1].first_seq
            self._drop_blocks(blocks, Ranges([_EVERYTHING]))
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
                blocks: list[Block] = []
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
                        (here, last if block is None else block[0], self._chunk),
                    ).fetchall()
                    if rows:
                        db.execute("DELETE FROM samples WHERE seq BETWEEN ? AND ?", (rows[0][0], rows[-1][0]))
                        here = rows[-1][0] + 1
                        change = self._count(db, sinks, rows)
                    elif block is not None:
                        # those of the same day together: their rows lie between one another
                        blocks = _blocks(
                            db,
                            "first_seq BETWEEN ? AND ? ORDER BY first_seq LIMIT ?",
                            (here, min(block[1], last), _TOGETHER),
                        )
                        here = blocks[-1].first_seq + 1
                    else:
                        break
                if blocks:
                    self._drop_blocks(blocks, allowed)
                else:
                    change()
        with self._journal.upkeep() as (db, _):
            return enough(db)

    def _drop_blocks(self, blocks: Sequence[Block], allowed: Ranges) -> None:
        """Drops those blocks of which every row may go; one that can't be read is left for the checks.

        What is in them is read before the transaction: a day of a hundred instruments must not hold the
        writer up.
        """
        with self._journal.upkeep() as (db, sinks):
            layouts = layouts_of(db)
            delivered = sinks.delivered(self._sinks or sinks.names())
        base = min(block.first_seq for block in blocks)
        mask = bytearray(max(block.last_seq for block in blocks) - base + 1)
        going: list[tuple[Block, int]] = []
        for block in blocks:
            whole = block.first_seq, block.last_seq
            try:
                seqs = seqs_of(block, layouts[block.layout])
            except (IntegrityError, KeyError):
                continue
            if allowed.gaps(*whole) and not all(seq in allowed for seq in seqs):
                continue
            had = len(seqs) if not delivered.gaps(*whole) else sum(seq in delivered for seq in seqs)
            going.append((block, had))
            for seq in seqs:
                mask[seq - base] = 1
        if not going:
            return
        with self._journal.upkeep() as (db, sinks):
            names = dict(db.execute("SELECT id, name FROM names").fetchall())
            for block, had in going:
                name = names.get(block.instrument, "")
                for count, fate in ((had, True), (block.samples - had, False)):
                    if count:
                        self._run.add(name, fate, count, block.first_ns, block.last_ns)
                db.execute("DELETE FROM blocks WHERE id = ?", (block.id,))
                db.execute(
                    "DELETE FROM conflicts WHERE instrument = ? AND time_ns BETWEEN ? AND ?",
                    (block.instrument, block.first_ns, block.last_ns),
                )
            change = self._note(db, sinks, list(_runs_of(mask, base)))
        change()

    def _count(
        self, db: sqlite3.Connection, sinks: Sinks, rows: Sequence[tuple[int, int, int]]
    ) -> Callable[[], None]:
        """Counts dropped rows (seq, instrument, time) in the transaction that drops them; gives what follows it."""
        names = dict(db.execute("SELECT id, name FROM names").fetchall())
        delivered = sinks.delivered(self._sinks or sinks.names())
        for seq, instrument, time_ns in rows:
            self._run.add(names.get(instrument, ""), seq in delivered, 1, time_ns, time_ns)
        if db.execute("SELECT 1 FROM conflicts LIMIT 1").fetchone():
            db.executemany(
                "DELETE FROM conflicts WHERE instrument = ? AND time_ns = ?", {row[1:] for row in rows}
            )
        return self._note(db, sinks, runs(seq for seq, _, _ in rows))

    def _note(self, db: sqlite3.Connection, sinks: Sinks, ranges: Sequence[Range]) -> Callable[[], None]:
        """Marks ranges as dropped and keeps the run until it is told; gives what follows the transaction."""
        change = sinks.drop(ranges, self._run.limit)
        change.write(db)
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
        size, last = self._sizes.get(table, (0, 0))
        while True:  # a table that is not known yet is read in pieces: whoever commits goes between
            with self._journal.upkeep() as (db, _):
                more, count, top = db.execute(
                    "SELECT total(bytes), count(*), max(seq) FROM "  # noqa: S608 - our own names
                    f"(SELECT seq, {length} AS bytes FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?)",
                    (last, _CHUNK),
                ).fetchone()
            size, last = size + int(more), top or last
            if count < _CHUNK:
                break
        self._sizes[table] = size, last
        with self._journal.upkeep() as (db, _):
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


def _runs_of(mask: bytearray, base: int) -> Iterator[Range]:
    """The runs of ones, as numbers from `base` on."""
    begin = mask.find(1)
    while begin >= 0:
        end = mask.find(0, begin)
        if end < 0:
            end = len(mask)
        yield base + begin, base + end - 1
        begin = mask.find(1, end)
