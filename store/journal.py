"""The journal: every sample, event and dead letter in one SQLite file, safe once commit returns."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import DataError, Where
from dodac.samples import Layout, Sample
from store import _codec as codec
from store import _schema as schema
from store._faults import is_damage, storage_error
from store._files import JournalFiles
from store._integrity import Damage, check_tail, salvage, verify_rows
from store._ranges import Range, Ranges, runs
from store._rows import INSERT_SAMPLE, SELECT_SAMPLES, EventRow, event_of, event_row, layouts_of

Item = Sample | Event | DeadLetter

_INSERT_EVENT: Final = (
    "INSERT INTO events (time_ns, end_ns, kind, text, source, instrument, data) VALUES (?,?,?,?,?,?,?)"
)
_INSERT_LETTER: Final = (
    "INSERT INTO dead_letters (time_ns, source, topic, payload, reason, instrument) VALUES (?,?,?,?,?,?)"
)
_ADD_TALLY: Final = (
    "INSERT INTO tallies (instrument, source, outcome, count) VALUES (?,?,?,?) "
    "ON CONFLICT DO UPDATE SET count = count + excluded.count"
)


class Outcome(StrEnum):
    """What a commit did with one item."""

    COMMITTED = "committed"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class SinkState(StrEnum):
    """What became of a sample at a sink."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows that stand in the journal now.

    samples: conflicts included; lost: rows that damage took; size_bytes: file and WAL.
    """

    samples: int
    events: int
    dead_letters: int
    lost: int
    size_bytes: int
    per_instrument: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """Rows of the journal by what became of them at one sink; they add up to Counts.samples."""

    delivered: int
    rejected: int
    expired: int
    waiting: int


@dataclass
class _Batch:
    """What one commit will write; nothing of the journal's own state changes before it is written."""

    rows: list[codec.Row]
    keys: dict[tuple[int, int, int], Sample]
    newest: dict[int, int]
    conflicts: list[tuple[int, int, int, bytes, int]]
    conflict_keys: dict[tuple[int, int, int], dict[bytes, int]]
    events: list[EventRow]
    letters: list[tuple[int, str, str, bytes, str, str | None]]
    tallies: Counter[tuple[str, str, str]]


class Journal:
    """The one writer of a journal file; any thread may call it.

    Raises StorageError, with what to do, when the file can't be written; nothing is half-written.
    """

    def __init__(self, files: JournalFiles) -> None:
        self._files = files
        self._lock = threading.RLock()
        self._db = schema.connect(files.path)
        self._open = True
        self._names: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        self._layouts: dict[int, Layout] = {}
        self._by_number: dict[int, Layout] = {}
        self._newest: dict[int, int] = {}
        self._sinks: dict[str, dict[SinkState, Ranges]] = {}
        self._lost = Ranges()
        self._seq = 0
        try:
            schema.prepare(self._db, files.path)
            self._load()
        except BaseException:
            self._db.close()
            raise
        self._reader = schema.connect(files.path, read_only=True)
        self._read_lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, tail: int = 1000) -> Self:
        """Opens a journal, creating it where there is none, and checks its last `tail` rows.

        A damaged file is set aside as NAME.damaged-TIME, what can be read is copied over, and a
        DAMAGE event tells what was lost; only a file that can't be opened at all for want of
        rights or space raises StorageError.
        """
        files = JournalFiles.lock(Path(path))
        try:
            damage = check_tail(files, tail)
            if damage is not None and damage.rebuild:
                damage = salvage(files, damage)
            try:
                journal = cls(files)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                # damage outside the tail, e.g. in an index
                damage = salvage(files, Damage(str(error), rebuild=True, mark=files.read_mark()))
                journal = cls(files)
            if damage is not None:
                journal._tell(damage)
        except BaseException as error:
            files.release()
            with storage_error(files.path):
                raise error
        return journal

    def close(self) -> None:
        """Closes the file; what was committed stays."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            with self._read_lock:
                self._reader.close()
            try:
                with storage_error(self.path):
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._db.close()
                self._files.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._files.path

    # writing

    def layout(self, layout: Layout) -> None:
        """Makes a layout known; telling it again is free."""
        if layout.id in self._layouts:
            return
        with self._transaction():
            number = max(self._by_number, default=0) + 1
            name = self._names.get(layout.instrument)
            if name is None:
                name = max(self._names.values(), default=0) + 1
                self._db.execute("INSERT INTO names (id, name) VALUES (?, ?)", (name, layout.instrument))
            self._db.execute(
                "INSERT INTO layouts (number, layout, instrument, channels) VALUES (?,?,?,?)",
                (number, layout.id, name, json.dumps(layout.channels)),
            )
        self._names[layout.instrument] = name
        self._numbers[layout.id] = number
        self._by_number[number] = layout
        self._layouts[layout.id] = layout

    def check(self, sample: Sample) -> None:
        """Raises DataError when the sample does not fit its layout, as commit would."""
        codec.check(sample, self._layout_of(sample))

    def commit(self, items: Sequence[tuple[str, Item]]) -> list[Outcome]:
        """Writes (source, item) pairs in one transaction and gives each one's outcome, in order.

        On return everything is on the disk (synchronous FULL). The same key (instrument, time_ns,
        part) with the same content is a duplicate; with other content a conflict, kept under a
        part of its own with every channel flagged. Raises DataError for a sample that does not fit
        its layout and StorageError for faults of the disk; then nothing of the batch is written.
        """
        if not items:
            return []
        with self._lock:
            batch = _Batch([], {}, {}, [], {}, [], [], Counter())
            with storage_error(self.path):
                outcomes = [self._place(batch, source, item) for source, item in items]
            with self._transaction():
                db = self._db
                db.executemany(INSERT_SAMPLE, batch.rows)
                if batch.conflicts:
                    db.executemany("INSERT INTO conflicts VALUES (?,?,?,?,?)", batch.conflicts)
                if batch.events:
                    db.executemany(_INSERT_EVENT, batch.events)
                if batch.letters:
                    db.executemany(_INSERT_LETTER, batch.letters)
                db.executemany(_ADD_TALLY, [(*key, count) for key, count in batch.tallies.items()])
            self._newest.update(batch.newest)
            if batch.rows:
                self._seq = batch.rows[-1][0]
                self._files.write_mark(self._seq)
            return outcomes

    def _place(self, batch: _Batch, source: str, item: Item) -> Outcome:
        if isinstance(item, Event):
            batch.events.append(event_row(item))
            return Outcome.COMMITTED
        if isinstance(item, DeadLetter):
            batch.letters.append(
                (item.time_ns, item.source, item.topic, item.payload, item.reason, item.instrument)
            )
            batch.tallies[item.instrument or "", source, "dead_letter"] += 1
            return Outcome.COMMITTED
        layout = self._layout_of(item)
        codec.check(item, layout)
        name = self._names[item.instrument]
        outcome, kept = self._resolve(batch, item, layout, name)
        if kept is not None:
            seq = self._seq + len(batch.rows) + 1
            batch.rows.append(codec.encode(kept, layout, seq, name, self._numbers[layout.id]))
        batch.tallies[item.instrument, source, outcome.value] += 1
        return outcome

    def _resolve(
        self, batch: _Batch, sample: Sample, layout: Layout, name: int
    ) -> tuple[Outcome, Sample | None]:
        """New, duplicate or conflict, and the sample to keep."""
        key = (name, sample.time_ns, sample.part)
        newest = batch.newest.get(name)
        if newest is None:
            newest = self._newest.get(name)
        # later than everything of this instrument: nothing to look up
        if newest is None or sample.time_ns > newest:
            batch.newest[name] = sample.time_ns
            batch.keys[key] = sample
            return Outcome.COMMITTED, sample
        stored = batch.keys.get(key) or self._stored(key)
        if stored is None:
            batch.keys[key] = sample
            return Outcome.COMMITTED, sample
        if stored.canonical() == sample.canonical():
            return Outcome.DUPLICATE, None
        known = batch.conflict_keys.get(key)
        if known is None:
            known = batch.conflict_keys[key] = {}
        digest = sample.digest()
        if (
            digest in known
            or self._db.execute(
                "SELECT 1 FROM conflicts WHERE instrument = ? AND time_ns = ? AND base = ? AND digest = ?",
                (*key, digest),
            ).fetchone()
        ):
            return Outcome.DUPLICATE, None
        rank = 1 + len(known) + int(
            self._db.execute(
                "SELECT count(*) FROM conflicts WHERE instrument = ? AND time_ns = ? AND base = ?", key
            ).fetchone()[0]
        )  # fmt: skip
        part = sample.part + rank * codec.PART_LIMIT
        known[digest] = part
        batch.conflicts.append((*key, digest, part))
        return Outcome.CONFLICT, codec.conflicted(sample, layout, part)

    def _stored(self, key: tuple[int, int, int]) -> Sample | None:
        row = self._db.execute(
            SELECT_SAMPLES + "WHERE instrument = ? AND time_ns = ? AND part = ?", key
        ).fetchone()
        return None if row is None else codec.decode(row, self._by_number[row[4]])

    def _layout_of(self, sample: Sample) -> Layout:
        layout = self._layouts.get(sample.layout)
        if layout is None:
            raise DataError(
                f"a sample names layout {sample.layout}, which the journal was not told.",
                Where(instrument=sample.instrument),
                "Call layout() before the first sample that uses it.",
            )
        return layout

    def set_facts(self, instrument: str, facts: Mapping[str, str]) -> None:
        """Keeps texts about an instrument (measurement, asset, serial number …) for readers."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO facts VALUES (?,?,?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [(instrument, name, value) for name, value in facts.items()],
            )

    def mark(self, sink: str, seqs: Sequence[int], state: SinkState | str, reason: str = "") -> None:
        """Notes what became of samples at a sink: "delivered", "rejected" or "expired"."""
        self.mark_ranges(sink, runs(seqs), state, reason)

    def mark_ranges(
        self, sink: str, ranges: Sequence[Range], state: SinkState | str, reason: str = ""
    ) -> None:
        """The same for whole inclusive ranges of seq; what was marked before keeps its state."""
        state = SinkState(state)
        with self._lock:
            states = self._sink(sink)
            changes: list[tuple[list[Range], Range]] = []
            fresh = Ranges(states[state])
            others = [known for other, known in states.items() if other is not state]
            for whole in ranges:
                free = [whole]
                for known in others:
                    free = [gap for first, last in free for gap in known.gaps(first, last)]
                changes.extend(fresh.add(first, last) for first, last in free)
            with self._transaction():
                for swallowed, (first, last) in changes:
                    # reasons of rejected rows stay apart: only what has the same one is merged
                    self._db.executemany(
                        "DELETE FROM marks WHERE sink = ? AND state = ? AND first = ?",
                        [(sink, state.value, old) for old, _ in swallowed],
                    )
                    self._db.execute(
                        "INSERT OR REPLACE INTO marks VALUES (?,?,?,?,?)",
                        (sink, state.value, first, last, reason),
                    )
            states[state] = fresh

    def set_cursor(self, name: str, seq: int) -> None:
        """Keeps a place by name, e.g. the last event a sink took."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO cursors VALUES (?,?) ON CONFLICT DO UPDATE SET seq = excluded.seq", (name, seq)
            )

    # reading

    def layouts(self) -> dict[int, Layout]:
        """Every layout the journal was told, by id."""
        with self._lock:
            return dict(self._layouts)

    def facts(self) -> dict[str, dict[str, str]]:
        """Texts about instruments: instrument → name → value."""
        found: dict[str, dict[str, str]] = {}
        for instrument, name, value in self._read("SELECT instrument, name, value FROM facts"):
            found.setdefault(instrument, {})[name] = value
        return found

    def last_seq(self) -> int:
        """The seq of the newest row, 0 in an empty journal."""
        return self._seq

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        """Up to `limit` samples with a later seq, in the order of seq."""
        return self._samples("WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]:
        """Up to `limit` events with a later seq (events count on their own), in the order of seq."""
        rows = self._read(
            "SELECT seq, time_ns, end_ns, kind, text, source, instrument, data FROM events "
            "WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )
        return [(row[0], event_of(row[1:])) for row in rows]

    def cursor(self, name: str) -> int:
        """The place kept under a name, 0 when there is none."""
        rows = self._read("SELECT seq FROM cursors WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def waiting(self, sink: str, limit: int, newest_first: bool = True) -> list[tuple[int, Sample]]:
        """Up to `limit` samples that a sink has not been marked for, newest or oldest first."""
        gaps = self._waiting_ranges(sink)
        found: list[tuple[int, Sample]] = []
        order = "DESC" if newest_first else "ASC"
        for first, last in reversed(gaps) if newest_first else gaps:
            found += self._samples(
                f"WHERE seq BETWEEN ? AND ? ORDER BY seq {order} LIMIT ?", (first, last, limit - len(found))
            )
            if len(found) >= limit:
                break
        return found

    def sink_counts(self, sink: str) -> SinkCounts:
        """Rows by what became of them at a sink; together they are all rows of the journal."""
        with self._lock:
            states = self._sink(sink)
            kept = {state: len(known) - known.overlap(self._lost) for state, known in states.items()}
            total = self._seq - len(self._lost)
        return SinkCounts(
            kept[SinkState.DELIVERED],
            kept[SinkState.REJECTED],
            kept[SinkState.EXPIRED],
            total - sum(kept.values()),
        )

    def tallies(self) -> dict[tuple[str, str], dict[str, int]]:
        """Since the journal began, per (instrument, source): committed, duplicate, conflict, dead_letter.

        Written in the same transaction as the items they count.
        """
        found: dict[tuple[str, str], dict[str, int]] = {}
        for instrument, source, outcome, count in self._read("SELECT * FROM tallies"):
            found.setdefault((instrument, source), {})[outcome] = count
        return found

    def counts(self) -> Counts:
        """Rows and bytes that stand in the journal now."""
        per = self._read(
            "SELECT names.name, count(*) FROM samples JOIN names ON names.id = samples.instrument GROUP BY 1"
        )
        events = self._read("SELECT count(*) FROM events")[0][0]
        letters = self._read("SELECT count(*) FROM dead_letters")[0][0]
        return Counts(
            samples=sum(count for _, count in per),
            events=events,
            dead_letters=letters,
            lost=len(self._lost),
            size_bytes=self._files.size(),
            per_instrument=dict(per),
        )

    def verify(self) -> list[str]:
        """Checks every row and SQLite's own structure; gives what is wrong, in words (empty when sound).

        Reads on a connection of its own, so it may run beside the writer.
        """
        return verify_rows(self.path)

    # inside

    def _load(self) -> None:
        self._names = dict(self._db.execute("SELECT name, id FROM names"))
        for number, layout in layouts_of(self._db).items():
            self._by_number[number] = layout
            self._numbers[layout.id] = number
            self._layouts[layout.id] = layout
        for name in self._names.values():
            row = self._db.execute(
                "SELECT max(time_ns) FROM samples WHERE instrument = ?", (name,)
            ).fetchone()
            if row[0] is not None:
                self._newest[name] = row[0]
        self._lost = Ranges(
            self._db.execute("SELECT first, last FROM marks WHERE sink = '' AND state = 'lost'")
        )
        for sink, state, first, last in self._db.execute(
            "SELECT sink, state, first, last FROM marks WHERE sink <> ''"
        ):
            self._sink(sink)[SinkState(state)].add(first, last)
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
        self._seq = max(row[0] if row else 0, max((last for _, last in self._lost), default=0))

    def _tell(self, damage: Damage) -> None:
        """Notes lost rows and the DAMAGE event in one transaction."""
        now = time.time_ns()
        event = Event(now, EventKind.DAMAGE, damage.text(), source="journal", data=damage.data())
        with self._transaction():
            for first, last in damage.lost:
                swallowed, (begin, end) = self._lost.add(first, last)
                self._db.executemany(
                    "DELETE FROM marks WHERE sink = '' AND state = 'lost' AND first = ?",
                    [(old,) for old, _ in swallowed],
                )
                self._db.execute(
                    "INSERT OR REPLACE INTO marks VALUES ('', 'lost', ?, ?, ?)", (begin, end, damage.what)
                )
            self._db.execute(_INSERT_EVENT, event_row(event))
        self._seq = max(self._seq, max((last for _, last in self._lost), default=0))
        self._files.write_mark(self._seq)

    def _sink(self, sink: str) -> dict[SinkState, Ranges]:
        return self._sinks.setdefault(sink, {state: Ranges() for state in SinkState})

    def _waiting_ranges(self, sink: str) -> list[Range]:
        with self._lock:
            done = Ranges(self._lost)
            for known in self._sink(sink).values():
                for first, last in known:
                    done.add(first, last)
            return done.gaps(1, self._seq)

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock, storage_error(self.path):
            return self._reader.execute(sql, values).fetchall()

    def _samples(self, clause: str, values: Sequence[object]) -> list[tuple[int, Sample]]:
        rows = self._read(SELECT_SAMPLES + clause, values)
        return [(row[0], codec.decode(row, self._by_number[row[4]])) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, storage_error(self.path):
            self._files.check_in_place()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if is_damage(error):
                    self._files.note_damage(str(error))
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
