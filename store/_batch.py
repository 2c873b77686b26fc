"""What one commit will write: new rows, duplicates and conflicts told apart before anything is written."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from dodac.contracts import DeadLetter, Event, Receipt, Repeat
from dodac.errors import DataError, Where
from dodac.samples import Layout, Sample
from store import _blocks_read as history
from store import _codec as codec
from store._blocks import Block
from store._insert import insert_samples
from store._receipts import Receipts
from store._rows import SELECT_SAMPLES, EventRow, event_row, layouts_of
from store._sums import added, insert

Item = Sample | Event | DeadLetter | Receipt | Repeat
Key = tuple[int, int, int]

INSERT_EVENT: Final = insert("events")
_INSERT_LETTER: Final = insert("dead_letters")
_INSERT_CONFLICT: Final = insert("conflicts")
_ADD_TALLY: Final = insert("tallies") + added("tallies", "count")


class Outcome(StrEnum):
    """What a commit did with one item."""

    COMMITTED = "committed"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


_COMMITTED: Final = Outcome.COMMITTED


class Catalog:
    """The journal's small ids of instruments and layouts, and each instrument's newest time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.names: dict[str, int] = dict(db.execute("SELECT name, id FROM names"))
        self.by_number = layouts_of(db)
        self.layouts = {layout.id: layout for layout in self.by_number.values()}
        self.numbers = {layout.id: number for number, layout in self.by_number.items()}
        self.newest: dict[int, int] = {}
        self.packed: dict[int, int] = {}  # instrument → the newest time that stands in a block
        self.receipts = Receipts()
        for name in self.names.values():
            row = db.execute("SELECT max(time_ns) FROM samples WHERE instrument = ?", (name,)).fetchone()
            if row[0] is not None:
                self.newest[name] = row[0]
            packed = history.newest_time(lambda sql, values: db.execute(sql, values).fetchall(), name)
            if packed is not None:
                self.packed[name] = packed
                self.newest[name] = max(packed, self.newest.get(name, packed))

    def note_packed(self, made: Iterable[Block]) -> None:
        """Takes it in that samples stand in blocks now."""
        for block in made:
            self.packed[block.instrument] = max(
                block.last_ns, self.packed.get(block.instrument, block.last_ns)
            )

    def layout_of(self, sample: Sample) -> Layout:
        """The layout a sample names; DataError when it was never told."""
        layout = self.layouts.get(sample.layout)
        if layout is None:
            raise DataError(
                f"a sample names layout {sample.layout}, which the journal was not told.",
                Where(instrument=sample.instrument),
                "Call layout() before the first sample that uses it.",
            )
        return layout

    def write(self, db: sqlite3.Connection, layout: Layout) -> tuple[int, int]:
        """Writes a new layout; gives its number and its instrument's id. add() follows the commit."""
        number = max(self.by_number, default=0) + 1
        name = self.names.get(layout.instrument)
        if name is None:
            name = max(self.names.values(), default=0) + 1
            db.execute(insert("names"), (name, layout.instrument))
        row = (number, layout.id, name, json.dumps(layout.channels))
        db.execute(insert("layouts"), row)
        db.execute(insert("layouts_spare"), (*row, layout.instrument))
        return number, name

    def add(self, layout: Layout, number: int, name: int) -> None:
        """Takes a written layout into memory."""
        self.names[layout.instrument] = name
        self.numbers[layout.id] = number
        self.by_number[number] = layout
        self.layouts[layout.id] = layout


class Batch:
    """Items of one commit; the catalog and the database stay as they are until write()."""

    def __init__(self, db: sqlite3.Connection, catalog: Catalog, last_seq: int) -> None:
        self._db = db
        self._catalog = catalog
        self._last_seq = last_seq
        self._history = history.AtTime(db, catalog.by_number)
        self._rows: list[codec.Row] = []
        self._fresh: dict[Key, Sample] = {}
        self._newest: dict[int, int] = {}
        self._conflicts: dict[Key, dict[bytes, int]] = {}
        self._events: list[EventRow] = []
        self._letters: list[tuple[int, str, str, bytes, str, str | None]] = []
        self._committed: dict[tuple[str, str], int] = {}
        self._tallies: Counter[tuple[str, str, str]] = Counter()
        self._receipts: list[Receipt] = []
        self._told: dict[str, tuple[int, bytes]] = {}

    @property
    def last_seq(self) -> int:
        """The seq of the newest row once the batch is written."""
        return self._last_seq + len(self._rows)

    @property
    def numbered(self) -> bool:
        """True when there are events or dead letters in it."""
        return bool(self._events or self._letters)

    def place(self, source: str, item: Item) -> Outcome:
        """Takes an item in and says what it is.

        Raises DataError for a sample that does not fit its layout.
        """
        if not isinstance(item, Sample):
            return self._place_other(source, item)
        catalog = self._catalog
        layout = catalog.layouts.get(item.layout) or catalog.layout_of(item)
        codec.check(item, layout)
        name = catalog.names[item.instrument]
        newest = self._newest.get(name)
        if newest is None:
            newest = catalog.newest.get(name)
        who = (item.instrument, source)
        kept: Sample | None = item
        if newest is None or item.time_ns > newest:
            # later than everything of this instrument: nothing to look up
            self._newest[name] = item.time_ns
            self._fresh[name, item.time_ns, item.part] = item
            outcome = _COMMITTED
            self._committed[who] = self._committed.get(who, 0) + 1
        else:
            outcome, kept = self._resolve(item, layout, name)
            self._tallies[*who, outcome.value] += 1
        if kept is not None:
            rows = self._rows
            number = catalog.numbers[item.layout]
            rows.append(codec.encode(kept, layout, self._last_seq + len(rows) + 1, name, number))
        return outcome

    def _place_other(self, source: str, item: Event | DeadLetter | Receipt | Repeat) -> Outcome:
        match item:
            case Event():
                self._events.append(event_row(item))
            case DeadLetter():
                self._letters.append(
                    (item.time_ns, item.source, item.topic, item.payload, item.reason, item.instrument)
                )
                self._tallies[item.instrument or "", source, "dead_letter"] += 1
            case Receipt():
                self._receipts.append(item)
            case Repeat():
                self._tallies[item.instrument or "", source, Outcome.DUPLICATE.value] += 1
                return Outcome.DUPLICATE
        return Outcome.COMMITTED

    def write(self, db: sqlite3.Connection) -> None:
        """Writes everything; the caller holds the transaction."""
        insert_samples(db, self._rows)
        db.executemany(
            _INSERT_CONFLICT,
            [
                (*key, digest, part)
                for key, known in self._conflicts.items()
                for digest, part in known.items()
            ],
        )
        db.executemany(INSERT_EVENT, self._events)
        db.executemany(_INSERT_LETTER, self._letters)
        for who, count in self._committed.items():
            self._tallies[*who, _COMMITTED.value] += count
        db.executemany(_ADD_TALLY, [(*key, count) for key, count in self._tallies.items()])
        self._told = self._catalog.receipts.write(db, self._receipts)

    def settle(self) -> None:
        """Tells the catalog, after the commit."""
        self._catalog.newest.update(self._newest)
        self._catalog.receipts.settle(self._told)

    def _resolve(self, sample: Sample, layout: Layout, name: int) -> tuple[Outcome, Sample | None]:
        key = (name, sample.time_ns, sample.part)
        stored = self._fresh.get(key) or self._stored(key)
        if stored is None:
            self._fresh[key] = sample
            return Outcome.COMMITTED, sample
        if stored.canonical() == sample.canonical():
            return Outcome.DUPLICATE, None
        known = self._conflicts.setdefault(key, {})
        digest = sample.digest()
        if digest in known or self._has_conflict(key, digest):
            return Outcome.DUPLICATE, None
        part = sample.part + (1 + len(known) + self._conflict_count(key)) * codec.PART_LIMIT
        known[digest] = part
        return Outcome.CONFLICT, codec.conflicted(sample, layout, part)

    def _stored(self, key: Key) -> Sample | None:
        row = self._db.execute(
            SELECT_SAMPLES + "WHERE instrument = ? AND time_ns = ? AND part = ?", key
        ).fetchone()
        if row is None:
            row = next((row for row in self._packed(key) if row[3] == key[2]), None)
        return None if row is None else codec.decode(row, self._catalog.by_number[row[4]])

    def _packed(self, key: Key) -> list[codec.Row]:
        """Rows of the key's instrument and time that stand in a block."""
        if key[1] > self._catalog.packed.get(key[0], key[1] - 1):
            return []
        return self._history.at(key[0], key[1])

    def _has_conflict(self, key: Key, digest: bytes) -> bool:
        sql = "SELECT 1 FROM conflicts WHERE instrument = ? AND time_ns = ? AND base = ? AND digest = ?"
        return self._db.execute(sql, (*key, digest)).fetchone() is not None

    def _conflict_count(self, key: Key) -> int:
        # by the rows themselves: the table of conflicts may be incomplete after damage
        row = self._db.execute(
            "SELECT part FROM samples WHERE instrument = ? AND time_ns = ? AND part % ? = ? "
            "ORDER BY part DESC LIMIT 1",
            (*key[:2], codec.PART_LIMIT, key[2]),
        ).fetchone()
        parts = [row[3] for row in self._packed(key) if row[3] % codec.PART_LIMIT == key[2]]
        return max([*parts, row[0] if row else 0]) // codec.PART_LIMIT
