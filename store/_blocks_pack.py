"""Which rows are packed next, and the one transaction that moves them into blocks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Final

from dodac.clock import DAY_NS, HOUR_NS
from dodac.samples import Layout
from store import _blocks as blocks
from store._blocks import Block
from store._blocks_read import COLUMNS, SEQ_WIDTH
from store._codec import Row
from store._ranges import Ranges, runs
from store._rows import SELECT_SAMPLES, is_sound
from store._schema import connect

FEW: Final = 64
"""An hour with fewer samples of an instrument waits for its day to be over: small blocks save little."""

FEWEST: Final = 12
"""A day with fewer stays rows: a block of them would be no smaller."""

ENOUGH: Final = 240
"""A block with so many ends with its hour: who reads an hour need not unpack a day."""

_INSERT: Final = f"INSERT INTO blocks ({COLUMNS}) VALUES ({','.join('?' * 12)})"  # noqa: S608 - our own names


LIMIT: Final = 10_000
"""Samples moved in one transaction, so that nobody who commits waits long."""

HEAVY: Final = 4 << 20
"""Bytes of rows moved in one transaction at most, and …"""
HEAVY_BLOCK: Final = 1 << 20
"""… in one block, but for a row that is larger: long raw bytes must not fill the memory."""

Key = tuple[int, int]
Settled = Callable[[Sequence[str]], tuple[Ranges | None, list[int]]]
"""Seqs that these sinks have settled, None for all, and the instruments: asked when a walk begins."""
Packed = tuple[Block, list[int]]


class RowsChangedError(Exception):
    """Rows that were read to be packed are no longer there."""


class Packing:
    """Where packing stands in a journal; one thread at a time, under `lock`."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._walk: Walk | None = None

    def next_rows(
        self, before_ns: int, sinks: tuple[str, ...], settled: Settled, limit: int, *, whole: bool,
    ) -> list[Row]:  # fmt: skip
        """Up to `limit` rows to pack; empty when a walk over everything found none.

        A walk goes on where it stood: what waits for a sink is not looked at anew for every few rows.
        """
        walk = self._walk if self._db is not None and self._inode == self._path.stat().st_ino else None
        if walk is not None and (walk.sinks, walk.whole) == (sinks, whole) and walk.before_ns <= before_ns:
            rows = walk.next_rows(limit)
            if rows:
                return rows
        inode = self._path.stat().st_ino
        if self._db is None or self._inode != inode:  # a damaged file was set aside meanwhile
            self.close()
            self._db = connect(self._path, read_only=True)
            self._inode = inode
        done, names = settled(sinks)
        self._walk = Walk(self._db, names, before_ns, sinks, done, whole=whole)
        rows = self._walk.next_rows(limit)
        if not rows:
            self._walk = None
        return rows

    def begin_anew(self) -> None:
        """Forgets where packing stood."""
        self._walk = None

    def close(self) -> None:
        """Closes the file."""
        self._walk = None
        if self._db is not None:
            self._db.close()
            self._db = None


class Walk:
    """One walk over rows older than a time, hour by hour, all instruments of an hour together.

    done: seqs that may be packed, None for all. whole: only hours (days, where samples are few) that are
    over at that time, so that blocks are not cut small.
    """

    def __init__(
        self, db: sqlite3.Connection, names: Sequence[int], before_ns: int, sinks: tuple[str, ...],
        done: Ranges | None, *, whole: bool,
    ) -> None:  # fmt: skip
        self.before_ns = before_ns
        self.sinks = sinks
        self.whole = whole
        self._db = db
        self._done = done
        self._groups = self._walk(list(names))
        self._left: list[Row] = []

    def next_rows(self, limit: int) -> list[Row]:
        """Up to `limit` sound rows, those of one instrument together and by time; empty at the end."""
        rows = self._left
        size = sum(map(_bytes, rows))
        while len(rows) < limit and size < HEAVY:
            group = next(self._groups, None)
            if group is None:
                break
            rows = rows + group
            size += sum(map(_bytes, group))
        self._left = rows[limit:]
        return rows[:limit]

    def _walk(self, names: list[int]) -> Iterator[list[Row]]:
        heap = [
            (first - first % HOUR_NS, name)
            for name in names
            if (first := self._first(name, None)) is not None
        ]
        heapify(heap)
        walked: dict[int, int] = {}
        while heap:
            begin, name = heappop(heap)
            end = begin + HOUR_NS
            if self._few(name, begin, end):
                end += DAY_NS - HOUR_NS - begin % DAY_NS
                # the hours of this day before it may have been given already: never a row twice
                begin = max(begin - begin % DAY_NS, walked.get(name, begin - begin % DAY_NS))
            if end > self.before_ns:
                if self.whole:
                    continue
                end = self.before_ns
            yield from self._groups_of(name, begin, end)
            walked[name] = end
            later = self._first(name, end)
            if later is not None:
                heappush(heap, (later - later % HOUR_NS, name))

    def _groups_of(self, name: int, begin: int, end: int) -> Iterator[list[Row]]:
        """Rows of a window that may be packed, in pieces; where none may, only the index is read."""
        after: Key = (begin, -1)
        while True:
            sql = (
                "SELECT seq, time_ns, part FROM samples "
                "WHERE instrument = ? AND (time_ns, part) > (?, ?) AND time_ns < ? ORDER BY time_ns, part LIMIT ?"
            )
            keys = self._db.execute(sql, (name, *after, end, LIMIT)).fetchall()
            seqs = {seq for seq, _, _ in keys if self._done is None or seq in self._done}
            if len(seqs) >= (FEWEST if self.whole else 1):
                sql = SELECT_SAMPLES + (
                    "WHERE instrument = ? AND (time_ns, part) > (?, ?) AND (time_ns, part) <= (?, ?) "
                    "ORDER BY time_ns, part"
                )
                found: list[Row] = []
                size = 0
                with closing(self._db.execute(sql, (name, *after, *keys[-1][1:]))) as cursor:
                    for row in cursor:
                        after = row[2:4]
                        if row[0] in seqs and is_sound(row):
                            found.append(row)
                            size += _bytes(row)
                            if size >= HEAVY:
                                break
                yield found
                if size >= HEAVY:
                    continue
            if len(keys) < LIMIT:
                return
            after = keys[-1][1:]

    def _first(self, name: int, after: int | None) -> int | None:
        sql = "SELECT min(time_ns) FROM samples WHERE instrument = ? AND time_ns < ?"
        values = [name, self.before_ns]
        if after is not None:
            sql += " AND time_ns >= ?"
            values.append(after)
        found = self._db.execute(sql, values).fetchone()[0]
        return None if found is None else int(found)

    def _few(self, name: int, begin: int, end: int) -> bool:
        sql = "SELECT 1 FROM samples WHERE instrument = ? AND time_ns >= ? AND time_ns < ? LIMIT ?"
        return len(self._db.execute(sql, (name, begin, end, FEW)).fetchall()) < FEW


def _bytes(row: Row) -> int:
    return len(row[8]) + len(row[10] or b"")


def blocks_of(rows: Sequence[Row], layouts: Mapping[int, Layout]) -> Iterator[Packed]:
    """Blocks of rows and their seqs, one for each instrument, layout and day at most; rows that can't be packed are left out."""
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[1], row[4]), []).append(row)
    for (_, number), mine in groups.items():
        layout = layouts.get(number)
        if layout is None:
            continue
        for piece in _pieces(mine):
            try:
                yield blocks.encode(piece, layout), [row[0] for row in piece]
            except (ValueError, OverflowError):
                continue  # bytes that this version did not write: they stay rows, and the full check tells


def _pieces(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in pieces of about an hour, or a day where they are few, whose seqs lie within SEQ_WIDTH."""
    piece: list[Row] = []
    low = high = size = 0
    for row in rows:
        if piece:
            low, high = min(low, row[0]), max(high, row[0])
            if (
                high - low >= SEQ_WIDTH
                or size + _bytes(row) > HEAVY_BLOCK
                or row[2] - piece[0][2] >= DAY_NS
                or (len(piece) >= ENOUGH and row[2] // HOUR_NS != piece[-1][2] // HOUR_NS)
            ):
                yield piece
                piece = []
        if not piece:
            low = high = row[0]
            size = 0
        size += _bytes(row)
        piece.append(row)
    if piece:
        yield piece


def move(db: sqlite3.Connection, made: Sequence[Packed]) -> int:
    """Puts blocks in the place of their rows and gives how many; the caller holds the transaction.

    Raises RowsChangedError when a row is no longer there.
    """
    seqs = [seq for _, of_block in made for seq in of_block]
    gone = 0
    for first, last in runs(seqs):
        gone += db.execute("DELETE FROM samples WHERE seq BETWEEN ? AND ?", (first, last)).rowcount
    if gone != len(seqs):
        raise RowsChangedError
    db.executemany(_INSERT, [(None, *block[1:]) for block, _ in made])
    return gone
