"""The query interface over a journal, and its accounts: read only, beside the process that writes it."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from dodac.clock import MINUTE_NS
from dodac.contracts import DeadLetter, Event
from dodac.errors import IntegrityError, StorageError, Where
from dodac.samples import Layout, Sample
from store import _blocks as blocks
from store import _blocks_read as history
from store import _codec as codec
from store import _schema as schema
from store._accounts import Accounts, Read, accounts_of, facts_of, last_seq_of, tallies_of
from store._columns import readings_of
from store._faults import storage_error
from store._files import real, refuse_a_strangers_file
from store._frames import CONTEXT_NS, ArrayStore, flag_frame
from store._presence import Presence, presence_of
from store._rows import EVENT_COLUMNS, SELECT_COUNTER_EVENTS, SELECT_SAMPLES, event_of, is_sound, layouts_of
from store._sinks import Sinks

if TYPE_CHECKING:
    import pandas as pd

    from store._frames import Floats, Ints, Readings


_NEAR_NS: Final = 10 * MINUTE_NS  # where neighbours of a window are looked for first


class JournalStore(ArrayStore):
    """A journal as dodac.contracts.Store, and its accounts; any thread may call it.

    Raises StorageError when there is no journal at the path (or none yet: a writer is just making
    it), when it can't be read, and once it was replaced (`in_place`).
    """

    def __init__(self, path: Path) -> None:
        self._path = real(Path(path))
        self._lock = threading.RLock()
        self._layouts: dict[int, Layout] = {}
        if not self._path.exists():
            raise _no_journal(self._path)
        with storage_error(self._path):
            refuse_a_strangers_file(self._path)
            self._db = schema.connect(self._path, read_only=True)
            try:
                self._inode = self._path.stat().st_ino
                version = schema.version_of(self._db)
                tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            except BaseException:
                self._db.close()
                raise
        if version != schema.VERSION:
            self._db.close()
            if version == 0:
                if tables:
                    raise StorageError(
                        "this is a database of another program.",
                        Where(file=str(self._path)),
                        "Name a journal.",
                    )
                raise _no_journal(self._path)
            raise StorageError(
                f"the journal has version {version}, this dodac reads {schema.VERSION}.",
                Where(file=str(self._path)),
                "Start dodac run once: it brings an older journal forward.",
            )

        # a reader that is let go of without close() keeps no file open
        self._let_go = weakref.finalize(self, self._db.close)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def in_place(self) -> bool:
        """False once another file stands at the path, e.g. after damage: open the journal again then."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def layouts(self) -> dict[int, Layout]:
        """Every layout of the journal, by id."""
        return {layout.id: layout for layout in self._by_number().values()}

    def facts(self) -> dict[str, dict[str, str]]:
        """Texts about instruments: instrument → name → value."""
        return facts_of(self._read)

    def tallies(self) -> dict[tuple[str, str], dict[str, int]]:
        """Since the journal began, per (instrument, source): committed, duplicate, conflict, dead_letter."""
        return tallies_of(self._read)

    def accounts(self) -> Accounts:
        """Counts, tallies, sinks and newest times, read in one transaction."""
        with self._snapshot() as read:
            return accounts_of(read, Sinks(self._db), self._path)

    def presence(self, after: int, last: int, start_ns: int, end_ns: int) -> list[Presence]:
        """How often each channel came in rows with seq in (after, last] and time in [start_ns, end_ns)."""
        return presence_of(self._read, self._by_number(), after, last, start_ns, end_ns)

    def last_seq(self) -> int:
        """The seq of the newest row, 0 in an empty journal."""
        with self._lock, storage_error(self._path):
            return last_seq_of(self._read, Sinks(self._db))

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        """Up to `limit` samples with a later seq, in the order of seq; damaged rows are passed over."""
        while True:
            with self._snapshot() as read:
                rows = history.rows_by_seq(
                    read,
                    self._by_number(),
                    seq + 1,
                    last_seq_of(read, Sinks(self._db)),
                    limit,
                    damaged=lambda _: None,
                )
            found = [(int(row[0]), sample) for row in rows if (sample := self._sound(row)) is not None]
            if found or len(rows) < limit:
                return found
            seq = rows[-1][0]

    def newest(self, before_ns: int) -> list[Sample]:
        """The last sample before a time of every instrument that has one; damaged rows are passed over."""
        found = []
        with self._snapshot() as read:
            for name, _ in read("SELECT id, name FROM names ORDER BY name", ()):
                sample = self._newest(read, name, before_ns)
                if sample is not None:
                    found.append(sample)
        return found

    def _newest(self, read: Read, name: int, before_ns: int) -> Sample | None:
        fresh = None
        place: tuple[int, int] = (before_ns, 0)
        while rows := read(
            SELECT_SAMPLES + "WHERE instrument = ? AND (time_ns, part) < (?, ?) "
            "ORDER BY time_ns DESC, part DESC LIMIT 1",
            (name, *place),
        ):
            fresh = self._sound(rows[0])
            if fresh is not None:
                break
            place = (rows[0][2], rows[0][3])
        if fresh is not None and (history.newest_time(read, name) or fresh.time_ns) < fresh.time_ns:
            return fresh
        row = history.newest_before(read, self._by_number(), name, (before_ns, 0))
        packed = None if row is None else self._sound(row)
        both = [sample for sample in (fresh, packed) if sample is not None]
        return max(both, key=lambda sample: (sample.time_ns, sample.part), default=None)

    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that have samples, sorted."""
        rows = self._read(
            "SELECT name FROM names WHERE EXISTS (SELECT 1 FROM samples WHERE instrument = names.id) "
            "OR EXISTS (SELECT 1 FROM blocks WHERE instrument = names.id)"
        )
        return tuple(sorted(name for (name,) in rows))

    def channels(self, instrument: str) -> tuple[str, ...]:
        """Channels the instrument has had, good or flagged, sorted."""
        found: set[str] = set()
        name = self._id(instrument)
        for number, layout in self._by_number().items():
            if layout.instrument != instrument:
                continue
            full = "SELECT 1 FROM samples WHERE instrument = ? AND layout = ? AND present IS NULL LIMIT 1"
            if self._read(full, (name, number)):
                found.update(layout.channels)
                continue
            masks = (
                "SELECT DISTINCT present FROM samples WHERE instrument = ? AND layout = ? UNION "
                "SELECT DISTINCT present FROM blocks WHERE instrument = ? AND layout = ?"
            )
            for (mask,) in self._read(masks, (name, number, name, number)):
                carried = -1 if mask is None else int.from_bytes(mask, "little")
                found.update(c for place, c in enumerate(layout.channels) if carried >> place & 1)
        return tuple(sorted(found))

    def samples(self, instrument: str, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Samples in time order, flagged ones too; layouts() tells their channels.

        Raises IntegrityError at a row that does not match its check sum.
        """
        name = self._id(instrument)
        after = (start_ns, -1)
        whole = False
        while not whole:
            with self._snapshot() as read:
                layouts = self._by_number()
                rows, whole = history.page_by_time(read, layouts, name, after, end_ns)
            for row in rows:
                if not is_sound(row):
                    raise IntegrityError(
                        f"the stored row {row[0]} does not match its check sum.",
                        Where(file=str(self._path), instrument=instrument),
                        "Start dodac run again: it saves what can be read.",
                    )
                yield codec.decode(row, layouts[row[4]])
            if rows:
                after = (rows[-1][2], rows[-1][3])

    def flags(self, instrument: str, start_ns: int, end_ns: int) -> pd.DataFrame:
        """Columns time (UTC), channel, reason, value (as read, NaN when none)."""
        name = self._id(instrument)
        with self._snapshot() as read:
            layouts = self._by_number()
            rows = read(
                "SELECT time_ns, part, layout, flags FROM samples "
                "WHERE instrument = ? AND time_ns >= ? AND time_ns < ? AND flags IS NOT NULL",
                (name, start_ns, end_ns),
            )
            rows += [
                (time_ns, part, block.layout, packed)
                for block in history.in_time(read, name, start_ns, end_ns)
                for time_ns, part, packed in blocks.flags_of(block, history.layout_of(block, layouts))
                if start_ns <= time_ns < end_ns
            ]
        return flag_frame(
            [
                (
                    time_ns,
                    part,
                    flag.channel,
                    flag.reason.value,
                    math.nan if flag.value is None else flag.value,
                )
                for time_ns, part, number, packed in rows
                for flag in codec.decode_flags(packed, layouts[number])
            ]
        )

    def events(self, start_ns: int, end_ns: int) -> list[Event]:
        """Events whose time, or gap, touches the window, in time order."""
        rows = self._read(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE time_ns < ? "  # noqa: S608 - our own column names
            "AND (time_ns >= ? OR end_ns > ?) ORDER BY time_ns, seq",
            (end_ns, start_ns, start_ns),
        )
        return [event_of(row) for row in rows]

    def counter_events(self, instrument: str) -> list[Event]:
        return [event_of(row) for row in self._read(SELECT_COUNTER_EVENTS, (instrument,))]

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest payloads that could not become samples, newest first."""
        rows = self._read(
            "SELECT time_ns, source, topic, payload, reason, instrument FROM dead_letters "
            "ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
        return [DeadLetter(*row) for row in rows]

    # inside

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock, storage_error(self._path):
            if not self.in_place:
                raise StorageError(
                    "the journal's file was replaced or removed.",
                    Where(file=str(self._path)),
                    "Open it again.",
                )
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.ProgrammingError as error:
                raise StorageError("the journal was closed.", Where(file=str(self._path))) from error

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[Read]:
        """Reads of one moment: packing never shows a sample twice, nor hides it."""
        with self._lock:
            nested = self._db.in_transaction
            if not nested:
                self._read("BEGIN")
            try:
                with storage_error(self._path):
                    yield self._read
            finally:
                if not nested:
                    with contextlib.suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")

    def _sound(self, row: tuple[Any, ...]) -> Sample | None:
        layout = self._by_number().get(row[4])
        if layout is None or not is_sound(row):
            return None
        try:
            return codec.decode(row, layout)
        except IntegrityError:
            return None

    def _id(self, instrument: str) -> int:
        rows = self._read("SELECT id FROM names WHERE name = ?", (instrument,))
        return int(rows[0][0]) if rows else 0

    def _by_number(self) -> dict[int, Layout]:
        with self._lock, storage_error(self._path):
            count = self._db.execute("SELECT count(*) FROM layouts").fetchone()[0]
            if count != len(self._layouts):
                self._layouts = layouts_of(self._db)
            return self._layouts

    def _readings(self, instrument: str, channels: tuple[str, ...], start_ns: int, end_ns: int) -> Readings:
        name = self._id(instrument)
        with self._snapshot() as read:
            return readings_of(read, self._by_number(), name, channels, start_ns, end_ns)

    def _values(
        self, instrument: str, channels: tuple[str, ...], start_ns: int, end_ns: int
    ) -> tuple[Ints, Floats]:
        name = self._id(instrument)
        with self._snapshot() as read:
            time_ns, _, values = readings_of(
                read, self._by_number(), name, channels, start_ns, end_ns, spans=False
            )
        return time_ns, values

    def _context(
        self, instrument: str, channel: str, before_ns: int, after_ns: int, count: int
    ) -> tuple[Readings, Readings]:
        name = self._id(instrument)
        with self._snapshot() as read:
            before = self._near(read, name, channel, before_ns, -1, count)
            after = self._near(read, name, channel, after_ns, 1, count)
        return before, after

    def _near(self, read: Read, name: int, channel: str, from_ns: int, way: int, count: int) -> Readings:
        """The `count` good readings nearest to a time, before it (way -1) or from it on, in growing windows."""
        import numpy as np

        reach = _NEAR_NS
        while True:
            reach = min(reach, CONTEXT_NS)
            start_ns, end_ns = (from_ns, from_ns + reach) if way > 0 else (from_ns - reach, from_ns)
            time_ns, span_ns, found = readings_of(read, self._by_number(), name, (channel,), start_ns, end_ns)
            good = np.flatnonzero(~np.isnan(found[:, 0]))
            if len(good) >= count or reach == CONTEXT_NS:
                good = good[:count] if way > 0 else good[-count:]
                return time_ns[good], span_ns[good], found[good]
            reach *= 8


def _no_journal(path: Path) -> StorageError:
    return StorageError(
        "there is no journal here.",
        Where(file=str(path)),
        "Collect first (dodac run) or import a file (dodac import).",
    )
