"""The journal: every sample, event and dead letter in one SQLite file, safe once commit returns."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dodac.contracts import Event
from dodac.errors import IntegrityError, StorageError
from dodac.samples import Layout, Sample
from store import _blocks_pack as packing
from store import _blocks_read as history
from store import _codec as codec
from store import _sums
from store._accounts import Counts, Read, counts_of, facts_of, tallies_of
from store._batch import Batch, Item, Outcome
from store._faults import UNREADABLE, is_damage, is_nonsense, storage_error
from store._files import JournalFiles
from store._frames import counting
from store._integrity import Damage, check_tail
from store._ranges import Range, Ranges, runs
from store._recover import Standing
from store._rows import SELECT_COUNTER_EVENTS, event_of, is_sound
from store._salvage import rescue, salvage, tell
from store._schema import empty_wal
from store._sinks import SinkCounts, Sinks, SinkState
from store._sums import insert, replaced
from store._verify import WHOLE, Pause, at_once, verify_rows

log = logging.getLogger("dodac.store")


class Journal(Standing):
    """The one writer of a journal file; any thread may call it.

    Raises StorageError, with what to do, when the file can't be written; nothing is half-written.
    """

    def __init__(self, files: JournalFiles) -> None:
        super().__init__(files)
        self._open = True

    @classmethod
    def open(cls, path: Path, *, tail: int = 1000, wait_s: float = 0.0) -> Self:
        """Opens a journal, creating it where there is none, and checks its last `tail` rows.

        A damaged file is set aside as NAME.damaged-TIME, what can be read is copied over, and a
        DAMAGE event tells what was lost; only a file that can't be opened at all for want of
        rights or space raises StorageError. Another process that writes it is waited for so long: one
        that stores an entry typed by hand is done within a moment.
        """
        files = JournalFiles.lock(Path(path), wait_s)
        try:
            damage = check_tail(files, tail)
            if damage is not None and damage.rebuild:
                damage = salvage(files, damage)
            try:
                journal = cls(files)
            except UNREADABLE as error:
                # what is kept in memory could not be made of what stands there: ValueError, KeyError …
                if not is_nonsense(error):
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
        with self._lock, contextlib.suppress(StorageError), storage_error(self.path):
            if self._open and self._files.moved():
                self._stand()
        with self._packing.lock, self._lock:
            if not self._open:
                return
            self._open = False
            self._packing.close()
            with self._read_lock:
                self._reader.close()
            try:
                with storage_error(self.path):
                    empty_wal(self._db)
            finally:
                self._disconnect()
                self._files.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # writing

    def layout(self, layout: Layout) -> None:
        """Makes a layout known; telling it again is free."""
        with self._lock:
            if layout.id in self._catalog.layouts:
                return
            with self._transaction():
                number, name = self._catalog.write(self._db, layout)
            self._catalog.add(layout, number, name)

    def check(self, sample: Sample) -> None:
        """Raises DataError when the sample does not fit its layout, as commit would."""
        codec.check(sample, self._catalog.layout_of(sample))

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
            with storage_error(self.path):
                self._stand()
            batch = Batch(self._db, self._catalog, self._seq)
            with storage_error(self.path):
                outcomes = [batch.place(source, item) for source, item in items]
            with self._transaction():
                batch.write(self._db)
            batch.settle()
            self._seq = batch.last_seq
            self._files.write_mark(self._seq, _sums.last_numbers(self._db) if batch.numbered else None)
            return outcomes

    def set_facts(self, instrument: str, facts: Mapping[str, str]) -> None:
        """Keeps texts about an instrument (measurement, asset, serial number …) for readers."""
        self._facts_told.setdefault(instrument, {}).update(facts)
        with self._transaction():
            self._db.executemany(
                insert("facts") + replaced("facts", "value"),
                [(instrument, name, value) for name, value in facts.items()],
            )

    def mark(self, sink: str, seqs: Sequence[int], state: SinkState | str, reason: str = "") -> None:
        """Notes what became of samples at a sink: "delivered", "rejected" or "expired"."""
        self.mark_ranges(sink, runs(seqs), state, reason)

    def mark_ranges(
        self, sink: str, ranges: Sequence[Range], state: SinkState | str, reason: str = ""
    ) -> None:
        """The same for whole inclusive ranges of seq; what was marked before keeps its state."""
        with self._lock:
            change = self._sinks.mark(sink, ranges, SinkState(state), reason)
            with self._transaction():
                change.write(self._db)
            self._sinks.apply(change)

    def forget(self, sink: str) -> bool:
        """Drops the account of a sink; False when there is none. Were it named again, it would get everything."""
        with self._lock:
            if not sink or sink not in self._sinks.names():
                return False
            with self._transaction():
                self._db.execute("DELETE FROM marks WHERE sink = ?", (sink,))
                self._db.execute("DELETE FROM cursors WHERE name = ?", (f"{sink}/events",))
            self._sinks.forget(sink)
            return True

    def pack(
        self, before_ns: int, sinks: Sequence[str] = (), *, limit: int = packing.LIMIT, whole: bool = True
    ) -> int:
        """Moves up to `limit` samples older than a time into column blocks, in one transaction; gives how many.

        Call it until it gives 0. Only samples that every sink named has, refused or let expire move (all
        when none is named), and only hours that are over, or days where an hour has few samples, and a few a
        day stay rows; whole=False takes everything at once. Readers find packed samples as before. What does
        not fit a block just as it is, a damaged row among them, stays a row.
        """
        changed = 0
        with self._packing.lock, storage_error(self.path):
            while True:
                rows = self._packing.next_rows(before_ns, tuple(sinks), self._to_pack, limit, whole=whole)
                if not rows:
                    return 0
                made = list(packing.blocks_of(rows, self._catalog.by_number))
                if not made:
                    continue
                try:
                    with self._transaction():
                        moved = packing.move(self._db, made)
                        self._catalog.note_packed([block for block, _ in made])
                except packing.RowsChangedError:
                    self._packing.begin_anew()
                    changed += 1
                    if changed > 9:  # limits take a few from under it, never this often
                        raise
                    continue
                except BaseException:
                    self._packing.begin_anew()
                    raise
                return moved

    def set_cursor(self, name: str, seq: int) -> None:
        """Keeps a place by name, e.g. the last event a sink took."""
        with self._transaction():
            self._db.execute(insert("cursors") + replaced("cursors", "seq"), (name, seq))

    # reading

    def layouts(self) -> dict[int, Layout]:
        """Every layout the journal was told, by id."""
        with self._lock:
            return dict(self._catalog.layouts)

    def facts(self) -> dict[str, dict[str, str]]:
        """Texts about instruments: instrument → name → value."""
        return facts_of(self._read)

    def receipts(self, session: str) -> bytes:
        """What a source's receipts told of one session, oldest first, as far back as they are kept."""
        with self._lock, storage_error(self.path):
            return self._catalog.receipts.read(self._db, session)

    def newest_ns(self, instrument: str) -> int | None:
        """The newest time (UTC) an instrument has a sample of; None without any."""
        with self._lock:
            return self._catalog.newest.get(self._catalog.names.get(instrument, 0))

    def last_seq(self) -> int:
        """The seq of the newest row, 0 in an empty journal."""
        return self._seq

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        """Up to `limit` samples with a later seq, in the order of seq."""
        with self._snapshot() as read:
            rows = history.rows_by_seq(
                read, self._catalog.by_number, seq + 1, self._seq, limit, damaged=self._suspected
            )
        return self._decoded(rows)

    def last_samples(self, instrument: str, count: int) -> list[Sample]:
        """The last samples of an instrument, oldest first, corrected ones left out."""
        number = self._catalog.names.get(instrument, 0)
        with self._snapshot() as read:
            rows = history.last_rows(read, self._catalog.by_number, number, count, self._suspected)
        return list(counting(sample for _, sample in self._decoded(rows)))

    def counter_events(self, instrument: str) -> list[Event]:
        """Exchanges and rollovers of an instrument, in the order in which they were recorded."""
        return [event_of(row) for row in self._read(SELECT_COUNTER_EVENTS, (instrument,))]

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]:
        """Up to `limit` events with a later seq (events count on their own), in the order of seq."""
        rows = self._read(
            "SELECT seq, time_ns, end_ns, kind, text, source, instrument, data, crc FROM events "
            "WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )
        found = []
        for seq, *row in rows:
            try:
                if _sums.is_sound("events", row):
                    found.append((seq, event_of(row[:-1])))
                    continue
            except IntegrityError:
                pass  # of version 1, without a sum
            self._suspected("rows of events are damaged")
        return found

    def event_parts(self, first: int, last: int) -> dict[int, int]:
        """Of the events first … last: seq → how many before it have its time, kind, source and instrument."""
        rows = self._read(
            "SELECT seq, (SELECT count(*) FROM events AS other WHERE other.time_ns = mine.time_ns "
            "AND other.seq < mine.seq AND other.kind = mine.kind AND other.source = mine.source "
            "AND coalesce(other.instrument, '') = coalesce(mine.instrument, '')) "
            "FROM events AS mine WHERE seq BETWEEN ? AND ?",
            (first, last),
        )
        return dict(rows)

    def cursor(self, name: str) -> int:
        """The place kept under a name, 0 when there is none."""
        rows = self._read("SELECT seq FROM cursors WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def waiting(
        self, sink: str, limit: int, newest_first: bool = True, before: int | None = None
    ) -> list[tuple[int, Sample]]:
        """Up to `limit` samples that a sink has not been marked for, newest or oldest first.

        before: only those with a lower seq.
        """
        by_number = self._catalog.by_number
        rows = self.waiting_rows(sink, limit, newest_first, before)
        return [(row[0], codec.decode(row, by_number[row[4]])) for row in rows]

    def waiting_rows(
        self, sink: str, limit: int, newest_first: bool = True, before: int | None = None
    ) -> list[codec.Row]:
        """The same as they are stored: Outgoing makes lines of them."""
        with self._lock:
            top = self._seq if before is None else min(self._seq, before - 1)
            gaps = self._sinks.waiting(sink, top)
        rows: list[codec.Row] = []
        with self._snapshot() as read:
            for first, last in reversed(gaps) if newest_first else gaps:
                rows += history.rows_by_seq(
                    read, self._catalog.by_number, first, last, limit - len(rows),
                    newest_first=newest_first, damaged=self._suspected,
                )  # fmt: skip
                if len(rows) >= limit:
                    break
        return self._sound(rows)

    def rows_between(self, first: int, last: int) -> list[codec.Row]:
        """Rows with seqs in [first, last], as they are stored."""
        with self._snapshot() as read:
            layouts, count = self._catalog.by_number, max(0, last - first + 1)
            rows = history.rows_by_seq(read, layouts, first, last, count, damaged=self._suspected)
        return self._sound(rows)

    def layout_numbers(self) -> Mapping[int, Layout]:
        """Every layout by the journal's own number, by which rows name theirs."""
        return self._catalog.by_number

    def sink_counts(self, sink: str) -> SinkCounts:
        """Rows by what became of them at a sink; together they are all rows of the journal."""
        with self._lock:
            return self._sinks.counts(sink, self._seq)

    def tallies(self) -> dict[tuple[str, str], dict[str, int]]:
        """Since the journal began, per (instrument, source): committed, duplicate, conflict, dead_letter.

        Written in the same transaction as the items they count.
        """
        return tallies_of(self._read)

    def counts(self) -> Counts:
        """Rows and bytes that stand in the journal now."""
        with self._snapshot() as read:
            return counts_of(read, self._sinks, self.path)

    def verify(self, pause: Pause = at_once) -> list[str]:
        """Checks every row and SQLite's own structure; gives what is wrong, in words (empty when sound).

        Reads on a connection of its own, so it may run beside the writer. When something is wrong, the next
        commit sets the file aside and saves the rest.
        """
        found = verify_rows(self.path, pause=pause, whole=WHOLE)
        if found:
            self._suspected(found[0])
        return found

    @contextmanager
    def upkeep(self) -> Iterator[tuple[sqlite3.Connection, Sinks]]:
        """One transaction of the store's own upkeep, on the writer's connection, and the marks."""
        with self._transaction():
            yield self._db, self._sinks

    def tune(self, wal_bytes: int) -> None:
        """Sets how much the WAL may keep on the disk."""
        with self._lock, storage_error(self.path):
            self._wal_bytes = wal_bytes
            self._tune()

    def checkpoint(self) -> bool:
        """Brings the WAL into the file and makes it empty; False when a reader still needs it."""
        with self._lock, storage_error(self.path):
            return empty_wal(self._db)

    # inside

    def _to_pack(self, sinks: Sequence[str]) -> tuple[Ranges | None, list[int]]:
        """Seqs that may be packed, None for all, and the instruments there are."""
        with self._lock:
            done = self._sinks.settled(sinks) if sinks else None
            return done, list(self._catalog.names.values())

    def _tell(self, damage: Damage) -> None:
        """Saves what the WAL still holds, notes what is lost, and the DAMAGE event, in one transaction."""
        with self._lock:
            if not damage.told:
                with self._transaction():
                    damage = rescue(self._db, self._files.kept_wal, damage, self._files.read_others())
                    tell(self._db, damage)
            log.error("%s: %s", self.path, damage.text())
            self._files.drop_wal()
            self._load()
            self._files.write_mark(self._seq, _sums.last_numbers(self._db))

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock, storage_error(self.path), self._watched():
            return self._reader.execute(sql, values).fetchall()

    def _decoded(self, rows: Sequence[Any]) -> list[tuple[int, Sample]]:
        by_number = self._catalog.by_number
        return [(row[0], codec.decode(row, by_number[row[4]])) for row in self._sound(rows)]

    def _sound(self, rows: Sequence[Any]) -> list[codec.Row]:
        """The sound rows; a damaged row goes nowhere, and the next commit rebuilds the file."""
        by_number = self._catalog.by_number
        found = [row for row in rows if is_sound(row) and row[4] in by_number]
        if len(found) < len(rows):
            good = {id(row) for row in found}
            for row in rows:
                if id(row) not in good:
                    self._suspected(f"samples seq {row[0]}: the check sum does not match")
        return found

    @contextmanager
    def _snapshot(self) -> Iterator[Read]:
        """Reads of one moment: packing never shows a sample twice, nor hides it."""
        with self._read_lock, storage_error(self.path), self._watched():
            self._reader.execute("BEGIN")
            try:
                yield lambda sql, values: self._reader.execute(sql, values).fetchall()
            finally:
                self._reader.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, storage_error(self.path):
            if not self._db.in_transaction:
                self._stand()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if is_damage(error):
                    self._suspected(str(error))
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
