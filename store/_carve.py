"""Rows read straight from the pages of a damaged journal, past what SQLite still reaches.

Every row carries a check sum over its content and its table's name, so a row found anywhere in the file
is known for what it is or is not taken. Page and record layout: sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from store import _sums
from store._blocks import Block
from store._plausible import is_plausible
from store._rows import is_sound

Row = tuple[Any, ...]

_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_INDEX_INNER: Final = 0x02
_INNER: Final = 0x05
_PAGE: Final = 4096
_SAMPLE_COLUMNS: Final = 12
_SMALLEST: Final = 4  # bytes of a record that can hold any of our rows
_LARGEST: Final = 256 << 20
_WAL_HEAD: Final = 32
_FRAME_HEAD: Final = 24

FIRST: Final = "first version: "
"""Before the name of a table: a row without a check sum, that may or may not be one of version 1."""
_OF_FIRST: Final = {len(_sums.SUMMED[table]): table for table in ("names", "layouts")}

# columns of a record → tables; the first column of a table with a row number is that number
_WITH_NUMBER: Final[dict[int, list[str]]] = {}
_WITHOUT: Final[dict[int, list[str]]] = {}
for _table, _columns in _sums.SUMMED.items():
    if _table in _sums.NUMBERED:
        _WITH_NUMBER.setdefault(len(_columns) + 2, []).append(_table)
    elif _table in ("names", "layouts", "layouts_spare"):
        _WITH_NUMBER.setdefault(len(_columns) + 1, []).append(_table)
    else:
        _WITHOUT.setdefault(len(_columns) + 1, []).append(_table)


class _Pages:
    """Pages of a database file, or the newest copy of each page in a WAL with the file behind it."""

    def __init__(self, data: bytes | mmap.mmap, wal: bytes | mmap.mmap = b"") -> None:
        self._data = data
        self.size = _page_size(data, wal)
        self._wal = wal
        self.frames: list[tuple[int, int]] = []  # page number, place in the WAL
        self._newest: dict[int, int] = {}
        for place in range(_WAL_HEAD, len(wal) - _FRAME_HEAD, _FRAME_HEAD + self.size):
            number = int.from_bytes(wal[place : place + 4], "big")
            self.frames.append((number, place + _FRAME_HEAD))
            self._newest[number] = place + _FRAME_HEAD

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for place in range(0, len(self._data), self.size):
            yield place // self.size + 1, self._data[place : place + self.size]
        for number, place in self.frames:
            yield number, self._wal[place : place + self.size]

    def page(self, number: int) -> list[bytes]:
        """What is known of a page: its newest copy in the WAL, its place in the file."""
        found = []
        if number in self._newest:
            place = self._newest[number]
            found.append(self._wal[place : place + self.size])
        begin = (number - 1) * self.size
        if number > 0 and begin < len(self._data):
            found.append(self._data[begin : begin + self.size])
        return found


def _page_size(data: bytes | mmap.mmap, wal: bytes | mmap.mmap) -> int:
    told = [int.from_bytes(data[16:18], "big"), int.from_bytes(wal[8:12], "big")]
    for size in (65536 if size == 1 else size for size in told):
        if 512 <= size <= 65536 and size & (size - 1) == 0:
            return size
    return _PAGE


def carve(path: Path, wal: Path | None = None) -> Iterator[tuple[str, Row]]:
    """(table, row) of every sound row in the file and the WAL, stale ones and repetitions too.

    Row: of samples as SELECT_SAMPLES gives them; of others the columns of SUMMED with the sum last,
    with the seq before them for tables of NUMBERED.
    """
    with ExitStack() as stack:
        pages = _Pages(_mapped(path, stack), b"" if wal is None else _mapped(wal, stack))
        for number, page in pages:
            yield from _rows_of_page(pages, number, page)


def _mapped(path: Path, stack: ExitStack) -> bytes | mmap.mmap:
    if not path.exists() or not path.stat().st_size:
        return b""
    file = stack.enter_context(path.open("rb"))
    return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _rows_of_page(pages: _Pages, number: int, page: bytes) -> Iterator[tuple[str, Row]]:
    head = 100 if number == 1 else 0
    if len(page) < head + 8:
        return
    kind = page[head]
    if kind == _INNER:
        return  # keys only
    known = kind in (_LEAF, _INDEX_LEAF, _INDEX_INNER)
    for guess in (kind,) if known else (_LEAF, _INDEX_LEAF):
        rows = _by_pointers(pages, page, head, guess)
        if rows is not None:
            yield from rows
            return
    if kind == 0:
        return  # the rest of a long row (or nothing)
    # the head or a pointer is wrong: every place may begin a row
    for place in range(head, len(page) - _SMALLEST):
        if page[place] < _SMALLEST:
            continue  # too short for any row of ours, as most bytes are
        for guess in (_LEAF, _INDEX_LEAF):
            found = _cell(pages, page, place, guess)
            if found:
                yield found


def _by_pointers(pages: _Pages, page: bytes, head: int, kind: int) -> list[tuple[str, Row]] | None:
    """The rows that a page's own list of cells names; None when that list can't be right."""
    cells = int.from_bytes(page[head + 3 : head + 5], "big")
    first = head + (12 if kind == _INDEX_INNER else 8)
    if first + 2 * cells > len(page) or (cells == 0 and kind != page[head]):
        return None
    rows = []
    for place in struct.unpack_from(f">{cells}H", page, first):
        found = _cell(pages, page, place, kind)
        if found is None:
            return None
        if found:
            rows.append(found)
    return rows


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """A variable-length whole number and the place behind it; IndexError at the end of the page."""
    value = 0
    for count in range(9):
        byte = page[place + count]
        if count == 8:
            value = value << 8 | byte
            break
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    if value >= 1 << 63:
        value -= 1 << 64
    return value, place + count + 1


def _cell(pages: _Pages, page: bytes, place: int, kind: int) -> tuple[str, Row] | tuple[()] | None:
    """The row at a place; () for a record that is none of ours or damaged; None when no record is there."""
    try:
        if kind == _INDEX_INNER:
            place += 4
        length, place = _varint(page, place)
        if not _SMALLEST <= length <= _LARGEST:
            return None
        number = None
        if kind == _LEAF:
            number, place = _varint(page, place)
        types = _types(page, place, length)
        if types is None:
            return None
        ours = _WITHOUT if number is None else _WITH_NUMBER
        if len(types) in ours or (number is not None and len(types) in (_SAMPLE_COLUMNS, *_OF_FIRST)):
            for payload in _payloads(pages, page, place, length, kind):
                found = _known(number, _values(payload, types))
                if found is not None:
                    return found
    except (IndexError, struct.error):
        return None
    return ()


def _types(page: bytes, place: int, length: int) -> list[int] | None:
    """The serial types of a record, None when its head can't be one."""
    size, here = _varint(page, place)
    if not 2 <= size <= min(length, 64):
        return None
    end, body = place + size, 0
    types = []
    while here < end:
        serial, here = _varint(page, here)
        if serial < 0 or serial in (10, 11):
            return None
        types.append(serial)
        body += _width(serial)
    return types if here == end and size + body == length else None


_WIDTHS: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


def _width(serial: int) -> int:
    return _WIDTHS[serial] if serial < 10 else (serial - 12) // 2


def _payloads(pages: _Pages, page: bytes, place: int, length: int, kind: int) -> Iterator[bytes]:
    """The record's bytes, with what stands on overflow pages."""
    size = pages.size
    most = size - 35 if kind == _LEAF else (size - 12) * 64 // 255 - 23
    if length <= most:
        yield page[place : place + length]
        return
    least = (size - 12) * 32 // 255 - 23
    here = least + (length - least) % (size - 4)
    here = here if here <= most else least
    start = page[place : place + here]
    follow = int.from_bytes(page[place + here : place + here + 4], "big")
    for first in pages.page(follow):
        parts, left, step = [start], length - here, first
        while True:
            parts.append(step[4 : 4 + left])
            left -= len(parts[-1])
            following = pages.page(int.from_bytes(step[:4], "big"))
            if left <= 0 or not following or not parts[-1]:
                break
            step = following[0]
        if left == 0:
            yield b"".join(parts)


def _values(payload: bytes, types: list[int]) -> list[Any]:
    place, _ = _varint(payload, 0)
    found: list[Any] = []
    for serial in types:
        width = _width(serial)
        blob = payload[place : place + width]
        place += width
        if serial == 0:
            found.append(None)
        elif serial <= 6:
            found.append(int.from_bytes(blob, "big", signed=True))
        elif serial == 7:
            found.append(struct.unpack(">d", blob)[0])
        elif serial <= 9:
            found.append(serial - 8)
        elif serial % 2 == 0:
            found.append(blob)
        else:
            found.append(blob.decode("utf-8", "replace"))
    return found


def _known(number: int | None, values: list[Any]) -> tuple[str, Row] | None:
    """The table whose check sum fits."""
    if number is None:
        for table in _WITHOUT[len(values)]:
            if _sums.is_sound(table, values):
                return table, tuple(values)
        return None
    if len(values) == _SAMPLE_COLUMNS:  # blocks have as many
        row = (number, *values[1:])
        if is_sound(row):
            return "samples", row
        if Block(*row).is_sound():
            return "blocks", row
    table_of_first = _OF_FIRST.get(len(values))
    if table_of_first and values[0] is None and is_plausible(table_of_first, (number, *values[1:])):
        return FIRST + table_of_first, (number, *values[1:])
    for table in _WITH_NUMBER.get(len(values), ()):
        row = tuple(values[1:]) if table in _sums.NUMBERED else (number, *values[1:])
        if values[-1] is not None and _sums.is_sound(table, row):
            return table, (number, *values[1:])
    return None
