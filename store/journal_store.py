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
from typing import TYPE_CHECKING, Any, Self

from dodac.contracts import DeadLetter, Event
from dodac.errors import IntegrityError, StorageError, Where
from dodac.samples import Layout, Sample
from store import _codec as codec
from store import _schema as schema
from store._accounts import Accounts, accounts_of, facts_of, last_seq_of, tallies_of
from store._columns import SELECT_PACKED, unpack
from store._faults import storage_error
from store._files import refuse_a_strangers_file
from store._frames import CONTEXT_NS, ArrayStore, flag_frame
from store._rows import EVENT_COLUMNS, SELECT_SAMPLES, event_of, is_sound, layouts_of
from store._sinks import Sinks

if TYPE_CHECKING:
    import pandas as pd

    from store._frames import Readings


class JournalStore(ArrayStore):
    """A journal as dodac.contracts.Store, and its accounts; any thread may call it.

    Raises StorageError when there is no journal at the path (or none yet: a writer is just making
    it), when it can't be read, and once it was replaced (`in_place`).
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(path)
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
        with self._lock:
            self._read("BEGIN")
            try:
                with storage_error(self._path):
                    sinks = Sinks(self._db)
                return accounts_of(self._read, sinks, self._path)
            finally:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")

    def last_seq(self) -> int:
        """The seq of the newest row, 0 in an empty journal."""
        with self._lock, storage_error(self._path):
            return last_seq_of(self._read, Sinks(self._db))

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        """Up to `limit` samples with a later seq, in the order of seq; damaged rows are passed over."""
        while True:
            rows = self._read(SELECT_SAMPLES + "WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
            found = [(int(row[0]), sample) for row in rows if (sample := self._sound(row)) is not None]
            if found or len(rows) < limit:
                return found
            seq = rows[-1][0]

    def newest(self, before_ns: int) -> list[Sample]:
        """The last sample before a time of every instrument that has one; damaged rows are passed over."""
        found = []
        for name, _ in self._read("SELECT id, name FROM names ORDER BY name"):
            place: tuple[int, int] = (before_ns, 0)
            while rows := self._read(
                SELECT_SAMPLES + "WHERE instrument = ? AND (time_ns, part) < (?, ?) "
                "ORDER BY time_ns DESC, part DESC LIMIT 1",
                (name, *place),
            ):
                sample = self._sound(rows[0])
                if sample is not None:
                    found.append(sample)
                    break
                place = (rows[0][2], rows[0][3])
        return found

    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that have samples, sorted."""
        rows = self._read(
            "SELECT name FROM names WHERE EXISTS (SELECT 1 FROM samples WHERE instrument = names.id)"
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
            masks = "SELECT DISTINCT present FROM samples WHERE instrument = ? AND layout = ?"
            for (mask,) in self._read(masks, (name, number)):
                carried = int.from_bytes(mask, "little")
                found.update(c for place, c in enumerate(layout.channels) if carried >> place & 1)
        return tuple(sorted(found))

    def samples(self, instrument: str, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Samples in time order, flagged ones too; layouts() tells their channels.

        Raises IntegrityError at a row that does not match its check sum.
        """
        name = self._id(instrument)
        after = (start_ns, -1)
        layouts = self._by_number()
        while True:
            rows = self._read(
                SELECT_SAMPLES + "WHERE instrument = ? AND (time_ns, part) > (?, ?) AND time_ns < ? "
                "ORDER BY time_ns, part LIMIT 2000",
                (name, *after, end_ns),
            )
            for row in rows:
                if not is_sound(row):
                    raise IntegrityError(
                        f"the stored row {row[0]} does not match its check sum.",
                        Where(file=str(self._path), instrument=instrument),
                        "Start dodac run again: it saves what can be read.",
                    )
                yield codec.decode(row, layouts[row[4]])
            if len(rows) < 2000:
                return
            after = (rows[-1][2], rows[-1][3])
            layouts = self._by_number()

    def flags(self, instrument: str, start_ns: int, end_ns: int) -> pd.DataFrame:
        """Columns time (UTC), channel, reason, value (as read, NaN when none)."""
        layouts = self._by_number()
        rows = self._read(
            "SELECT time_ns, part, layout, flags FROM samples "
            "WHERE instrument = ? AND time_ns >= ? AND time_ns < ? AND flags IS NOT NULL",
            (self._id(instrument), start_ns, end_ns),
        )
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
        rows = self._read(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE instrument = ? "  # noqa: S608 - our own column names
            "AND kind IN ('exchange', 'rollover') ORDER BY seq",
            (instrument,),
        )
        return [event_of(row) for row in rows]

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
        rows = self._read(
            SELECT_PACKED + "time_ns >= ? AND time_ns < ? ORDER BY time_ns, part",
            (self._id(instrument), start_ns, end_ns),
        )
        return unpack(rows, channels, self._by_number())

    def _context(
        self, instrument: str, channel: str, before_ns: int, after_ns: int, count: int
    ) -> tuple[Readings, Readings]:
        name = self._id(instrument)
        before = self._near(
            "time_ns < ? AND time_ns >= ? ORDER BY time_ns DESC, part DESC",
            (name, before_ns, before_ns - CONTEXT_NS),
            channel,
            count,
        )
        after = self._near(
            "time_ns >= ? AND time_ns < ? ORDER BY time_ns, part",
            (name, after_ns, after_ns + CONTEXT_NS),
            channel,
            count,
        )
        time_ns, span_ns, values = before
        return (time_ns[::-1], span_ns[::-1], values[::-1]), after

    def _near(self, clause: str, values: tuple[int, ...], channel: str, count: int) -> Readings:
        """The first `count` good readings in the clause's order, fetched in growing pieces."""
        import numpy as np

        limit = 4 * count
        while True:
            rows = self._read(f"{SELECT_PACKED}{clause} LIMIT {limit}", values)
            time_ns, span_ns, found = unpack(rows, (channel,), self._by_number())
            good = np.flatnonzero(~np.isnan(found[:, 0]))[:count]
            if len(good) == count or len(rows) < limit:
                return time_ns[good], span_ns[good], found[good]
            limit *= 8


def _no_journal(path: Path) -> StorageError:
    return StorageError(
        "there is no journal here.",
        Where(file=str(path)),
        "Collect first (dodac run) or import a file (dodac import).",
    )
