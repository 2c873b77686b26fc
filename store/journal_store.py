"""The query interface over a journal: read only, beside the process that writes it."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dodac.clock import DAY_NS
from dodac.contracts import Event
from dodac.errors import IntegrityError, StorageError, Where
from dodac.samples import Layout, Sample
from store import _codec as codec
from store import _schema as schema
from store._faults import storage_error
from store._frames import ArrayStore, empty_readings, flag_frame
from store._rows import EVENT_COLUMNS, SELECT_SAMPLES, event_of, is_sound, layouts_of

if TYPE_CHECKING:
    import pandas as pd

    from store._frames import Readings

CONTEXT_NS: Final = 400 * DAY_NS
"""How far before and after a window neighbours are looked for: more than a year of monthly readings."""

_PACKED: Final = (
    "SELECT time_ns, span_ns, layout, present, flags, body FROM samples WHERE instrument = ? AND "
)


class JournalStore(ArrayStore):
    """A journal as dodac.contracts.Store; any thread may call it.

    Raises StorageError when there is no journal at the path or it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(path)
        if not self._path.exists():
            raise StorageError(
                "there is no journal here.",
                Where(file=str(self._path)),
                "Collect first (dodac run) or import a file (dodac import).",
            )
        self._lock = threading.Lock()
        with storage_error(self._path):
            self._db = schema.connect(self._path, read_only=True)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            self._db.close()
            raise StorageError(
                f"the journal has version {version}, this dodac reads {schema.VERSION}.",
                Where(file=str(self._path)),
                "Start dodac run once: it brings an older journal forward.",
            )
        self._layouts: dict[int, Layout] = {}

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    def layouts(self) -> dict[int, Layout]:
        """Every layout of the journal, by id."""
        with self._lock, storage_error(self._path):
            return {layout.id: layout for layout in layouts_of(self._db).values()}

    def facts(self) -> dict[str, dict[str, str]]:
        """Texts about instruments: instrument → name → value."""
        found: dict[str, dict[str, str]] = {}
        for instrument, name, value in self._read("SELECT instrument, name, value FROM facts"):
            found.setdefault(instrument, {})[name] = value
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

    # inside

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock, storage_error(self._path):
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.ProgrammingError as error:
                raise StorageError("the journal was closed.", Where(file=str(self._path))) from error

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
            _PACKED + "time_ns >= ? AND time_ns < ? ORDER BY time_ns, part",
            (self._id(instrument), start_ns, end_ns),
        )
        return self._unpack(rows, channels)

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
            rows = self._read(f"{_PACKED}{clause} LIMIT {limit}", values)
            time_ns, span_ns, found = self._unpack(rows, (channel,))
            good = np.flatnonzero(~np.isnan(found[:, 0]))[:count]
            if len(good) == count or len(rows) < limit:
                return time_ns[good], span_ns[good], found[good]
            limit *= 8

    def _unpack(self, rows: list[tuple[Any, ...]], channels: tuple[str, ...]) -> Readings:
        """Arrays of rows of _PACKED: whole groups of full rows at once, the others one by one."""
        import numpy as np

        if not rows:
            return empty_readings(len(channels))
        times, spans, numbers, present, flags, bodies = zip(*rows, strict=True)
        values = np.full((len(rows), len(channels)), np.nan)
        number_of = np.array(numbers, dtype=np.int64)
        full = np.array([a is None and b is None for a, b in zip(present, flags, strict=True)])
        layouts = self._by_number()
        for number in np.unique(number_of).tolist():
            layout = layouts[number]
            wanted = [(col, layout.index[c]) for col, c in enumerate(channels) if c in layout.index]
            if not wanted:
                continue
            mine = number_of == number
            whole = np.flatnonzero(mine & full)
            if len(whole):
                packed = b"".join([bodies[row] for row in whole.tolist()])
                block = np.frombuffer(packed, dtype="<f8").reshape(len(whole), len(layout.channels))
                for col, place in wanted:
                    values[whole, col] = block[:, place]
            for row in np.flatnonzero(mine & ~full).tolist():
                got = codec.decode(
                    (0, 0, 0, 0, 0, 0, 0, present[row], bodies[row], flags[row], None, 0), layout
                ).values
                for col, place in wanted:
                    values[row, col] = got[place]
        return np.array(times, dtype=np.int64), np.array(spans, dtype=np.int64), values
