"""Samples by seq or by time, whether they stand in rows or in blocks: the caller holds one read transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from dodac.clock import DAY_NS
from dodac.errors import IntegrityError
from dodac.samples import Layout
from store import _blocks as blocks
from store._accounts import Read
from store._blocks import Block
from store._codec import Row
from store._rows import SELECT_SAMPLES

SEQ_WIDTH: Final = 1 << 20
"""A block's seqs lie within so many, so that those around a seq are found by where blocks begin."""

COLUMNS: Final = (
    "id, instrument, layout, first_ns, last_ns, first_seq, last_seq, count, present, form, body, crc"
)
SELECT_BLOCKS: Final = f"SELECT {COLUMNS} FROM blocks "  # noqa: S608 - our own column names
_PAGE: Final = 32
_LEAST: Final = 256
_KEPT: Final = 128

Layouts = Mapping[int, Layout]


def in_time(read: Read, instrument: int, start_ns: int, end_ns: int) -> Iterator[Block]:
    """Blocks of an instrument that reach into a window, by their first time."""
    for page in in_pages(read, instrument, start_ns, end_ns):
        yield from page


def in_pages(read: Read, instrument: int, start_ns: int, end_ns: int) -> Iterator[list[Block]]:
    """The same, a few at a time."""
    after = (start_ns - DAY_NS, -1)
    while True:
        rows = read(
            SELECT_BLOCKS + "WHERE instrument = ? AND first_ns >= ? AND first_ns < ? AND last_ns >= ? "
            "AND (first_ns, id) > (?, ?) ORDER BY first_ns, id LIMIT ?",
            (instrument, after[0], end_ns, start_ns, *after, _PAGE),
        )
        if rows:
            yield [Block(*row) for row in rows]
        if len(rows) < _PAGE:
            return
        after = (rows[-1][3], rows[-1][0])


def rows_by_seq(
    read: Read, layouts: Layouts, first: int, last: int, limit: int, *, newest_first: bool = False,
    damaged: Callable[[str], None],
) -> list[Row]:  # fmt: skip
    """Up to `limit` rows with seqs in [first, last], in the order of seq or the other way round.

    damaged: told of each damaged block met, which counts as not there.
    """
    found: list[Row] = []
    reach = max(limit, _LEAST)
    while len(found) < limit and first <= last:
        edge = _edge(read, first, last, newest_first=newest_first)
        if edge is None:
            break
        if newest_first:
            low, high = max(first, edge - reach + 1), edge
            last = low - 1
        else:
            low, high = edge, min(last, edge + reach - 1)
            first = high + 1
        rows = _between(read, layouts, low, high, damaged)
        if not rows:
            reach *= 2
        found += reversed(rows) if newest_first else rows
    return found[:limit]


def _edge(read: Read, first: int, last: int, *, newest_first: bool) -> int | None:
    """A seq that no row of [first, last] lies before (or after, newest first); None when there is none."""
    if newest_first:
        fresh = read("SELECT max(seq) FROM samples WHERE seq BETWEEN ? AND ?", (first, last))[0][0]
        begin = read("SELECT max(first_seq) FROM blocks WHERE first_seq <= ?", (last,))[0][0]
        if begin is not None:
            end = read(
                "SELECT max(last_seq) FROM blocks WHERE first_seq > ? AND first_seq <= ?",
                (begin - SEQ_WIDTH, begin),
            )[0][0]
            packed = min(last, end)
            if packed >= first:
                return int(packed if fresh is None else max(packed, fresh))
        return None if fresh is None else int(fresh)
    fresh = read("SELECT min(seq) FROM samples WHERE seq BETWEEN ? AND ?", (first, last))[0][0]
    rows = read(
        "SELECT first_seq FROM blocks WHERE first_seq > ? AND first_seq <= ? AND last_seq >= ? "
        "ORDER BY first_seq LIMIT 1",
        (first - SEQ_WIDTH, last, first),
    )
    if rows:
        packed = max(first, rows[0][0])
        return int(packed if fresh is None else min(packed, fresh))
    return None if fresh is None else int(fresh)


def _between(read: Read, layouts: Layouts, low: int, high: int, damaged: Callable[[str], None]) -> list[Row]:
    found: list[Row] = list(read(SELECT_SAMPLES + "WHERE seq BETWEEN ? AND ? ORDER BY seq", (low, high)))
    packed = [
        row for block in _around(read, low, high) for row in _within(block, layouts, low, high, damaged)
    ]
    return sorted(found + packed, key=lambda row: row[0]) if packed else found


def _around(read: Read, low: int, high: int) -> Iterator[Block]:
    for (number,) in read(
        "SELECT id FROM blocks WHERE first_seq > ? AND first_seq <= ? AND last_seq >= ?",
        (low - SEQ_WIDTH, high, low),
    ):
        for row in read(SELECT_BLOCKS + "WHERE id = ?", (number,)):
            yield Block(*row)


def _within(block: Block, layouts: Layouts, low: int, high: int, damaged: Callable[[str], None]) -> list[Row]:
    try:
        layout = layout_of(block, layouts)
        if not any(low <= seq <= high for seq in blocks.seqs_of(block, layout)):
            return []
        return [row for row in blocks.rows_of(block, layout) if low <= row[0] <= high]
    except IntegrityError as error:
        damaged(error.what)
        return []


def layout_of(block: Block, layouts: Layouts) -> Layout:
    """The layout of a block; IntegrityError when the journal does not know it."""
    layout = layouts.get(block.layout)
    if layout is None:
        raise blocks.damaged(block, "")
    return layout


def page_by_time(
    read: Read, layouts: Layouts, instrument: int, after: tuple[int, int], end_ns: int, limit: int = 2000
) -> tuple[list[Row], bool]:
    """Rows of an instrument later than (time, part) and before a time, in that order, and whether it is all.

    Rows of the table samples come unchecked; a damaged block raises IntegrityError.
    """
    fresh: list[Row] = list(
        read(
            SELECT_SAMPLES + "WHERE instrument = ? AND (time_ns, part) > (?, ?) AND time_ns < ? "
            "ORDER BY time_ns, part LIMIT ?",
            (instrument, *after, end_ns, limit),
        )
    )
    bound: tuple[int, int] = (end_ns, -1)
    if len(fresh) == limit:
        bound = (fresh[-1][2], fresh[-1][3])
    packed: list[Row] = []
    for block in in_time(read, instrument, after[0], end_ns):
        if block.first_ns > bound[0]:
            break
        if len(packed) >= limit and block.first_ns > min(row[2] for row in packed):
            # blocks that begin later hold nothing of what lies before this one
            bound = min(bound, (block.first_ns, -1))
            break
        packed += [
            row for row in blocks.rows_of(block, layout_of(block, layouts)) if (row[2], row[3]) > after
        ]
    rows = sorted([*fresh, *packed], key=lambda row: (row[2], row[3])) if packed else fresh
    whole = bound == (end_ns, -1)
    return [row for row in rows if (row[2], row[3]) <= bound], whole


def newest_before(read: Read, layouts: Layouts, instrument: int, key: tuple[int, int]) -> Row | None:
    """The last packed row of an instrument before (time, part); damaged blocks count as not there."""
    edge = key[0] + 1
    while True:
        begin = read(
            "SELECT max(first_ns) FROM blocks WHERE instrument = ? AND first_ns < ?", (instrument, edge)
        )[0][0]
        if begin is None:
            return None
        best: Row | None = None
        for block in in_time(read, instrument, begin, key[0] + 1):
            layout = layouts.get(block.layout)
            if layout is None:
                continue
            try:
                rows = blocks.rows_of(block, layout)
            except IntegrityError:
                continue
            near = [row for row in rows if (row[2], row[3]) < key]
            if near and (best is None or (near[-1][2], near[-1][3]) > (best[2], best[3])):
                best = near[-1]
        if best is not None:
            return best
        edge = begin


def last_rows(
    read: Read, layouts: Layouts, instrument: int, count: int, damaged: Callable[[str], None]
) -> list[Row]:
    """The last rows of an instrument by (time, part), ascending; damaged blocks count as not there."""
    found: list[Row] = list(
        read(
            SELECT_SAMPLES + "WHERE instrument = ? ORDER BY time_ns DESC, part DESC LIMIT ?",
            (instrument, count),
        )
    )
    for row in read(
        SELECT_BLOCKS + "WHERE instrument = ? ORDER BY first_ns DESC LIMIT ?", (instrument, _PAGE)
    ):
        block = Block(*row)
        found = sorted(found, key=lambda row: (row[2], row[3]))[-count:]
        if len(found) == count and block.last_ns < found[0][2]:
            break
        try:
            found += blocks.rows_of(block, layout_of(block, layouts))
        except IntegrityError as error:
            damaged(error.what)
    return sorted(found, key=lambda row: (row[2], row[3]))[-count:]


def newest_time(read: Read, instrument: int) -> int | None:
    """The last time of an instrument's packed samples."""
    begin = read("SELECT max(first_ns) FROM blocks WHERE instrument = ?", (instrument,))[0][0]
    if begin is None:
        return None
    last = read(
        "SELECT max(last_ns) FROM blocks WHERE instrument = ? AND first_ns >= ?", (instrument, begin - DAY_NS)
    )
    return int(last[0][0])


class AtTime:
    """Packed rows of one instrument and time; blocks once read are kept, as long as the object lives."""

    def __init__(self, db: sqlite3.Connection, layouts: Layouts) -> None:
        self._db = db
        self._layouts = layouts
        self._kept: dict[int, dict[int, list[Row]]] = {}

    def at(self, instrument: int, time_ns: int) -> list[Row]:
        """The rows; a damaged block counts as not there."""
        numbers = self._db.execute(
            "SELECT id FROM blocks WHERE instrument = ? AND first_ns > ? AND first_ns <= ? AND last_ns >= ?",
            (instrument, time_ns - DAY_NS, time_ns, time_ns),
        ).fetchall()
        return [row for (number,) in numbers for row in self._by_time(number).get(time_ns, ())]

    def _by_time(self, number: int) -> dict[int, list[Row]]:
        found = self._kept.get(number)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            found = self._kept[number] = {}
            block = Block(*self._db.execute(SELECT_BLOCKS + "WHERE id = ?", (number,)).fetchone())
            with contextlib.suppress(IntegrityError):
                for row in blocks.rows_of(block, layout_of(block, self._layouts)):
                    found.setdefault(row[2], []).append(row)
        return found
