"""What a path holds: text, a workbook, a folder of a Kyoritsu logger; as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_grid import DELIMITERS, Grid, Row, Rows, csv_grid
from drivers.protocols.files_head import is_date, trimmed
from drivers.protocols.files_kew import is_kew, kew_grid
from drivers.protocols.files_print import print_grid
from drivers.protocols.files_text import OFFICE, open_text
from drivers.protocols.files_words import plain

_NUMBER: Final = re.compile(r"\s*[+-]?\d+([.,]\d+)?\s*")
_MICROCEM: Final = ("Date/Time", "O2", "O2 Limit", "O2 Status", "CO", "CO Limit", "CO Status", "NOx", "NOx Limit", "NOx Status")  # fmt: skip


def open_grids(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None, sheet: str | None = None
) -> list[Grid]:
    """A file as rows; one grid for each delimiter that a text may have.

    Raises ConfigError when it is not there, DataError when it can't be read.
    """
    if is_kew(path):
        return [kew_grid(path)]
    if _is_office(path):
        from drivers.protocols.files_xlsx import xlsx_grid

        return [xlsx_grid(path, sheet)]
    if sheet is not None:
        raise ConfigError("only workbooks have sheets.", Where(file=str(path)), "Leave --sheet out.")
    text = open_text(path, encoding)
    if delimiter is not None and len(delimiter) != 1:
        raise ConfigError(f'"{delimiter}" is not a delimiter.', todo='Write one sign, or "tab".')
    grids = [csv_grid(text, sign) for sign in ((delimiter,) if delimiter else DELIMITERS)]
    if not any(True for _ in islice(iter(grids[0].rows()), 1)):
        raise DataError("the file is empty.", Where(file=str(path)))
    first = next(text.lines(), "").lstrip()[:100].casefold()
    if first.startswith(("<!doctype html", "<html", "<table", "<?xml", "<meta", "<head")):
        raise DataError(
            "this is a web page or XML, whatever its name says.",
            Where(file=str(path)),
            "Open it in a table program and save it as XLSX or CSV.",
        )
    printed = print_grid(text) if delimiter is None else None
    if printed is not None:
        return [printed]
    for grid in grids:
        known = _microcem(grid)
        if known is not None:
            return [known]
    return grids


def _is_office(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError:
        return False  # for open_text to tell
    return head == OFFICE or head == b"\xd0\xcf\x11\xe0"


class _WithHeader:
    """Rows of a file that has no header, with the one its format gives it on line 0."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        self._rows = rows
        self._names = list(names)

    @property
    def width(self) -> int:
        return self._rows.width

    @width.setter
    def width(self, width: int) -> None:
        self._rows.width = width

    def __iter__(self) -> Iterator[Row]:
        yield 0, list(self._names)
        yield from self._rows


def _microcem(grid: Grid) -> Grid | None:
    """The log of an Emerson MicroCEM (dates are month first), with its header or without it.

    Source: Emerson MicroCEM manual, page 73, by way of ../shared/knowledge/fluegas.md §2.
    """
    rows = [trimmed(cells or ()) for _, cells in islice(iter(grid.rows()), 20)]
    if any({"o2 limit", "o2 status"} <= {plain(cell) for cell in row} for row in rows):
        note = "an Emerson MicroCEM log: month-day-year, status V is valid"
        return Grid(grid.path, grid.rows, grid.sign, (*grid.notes, note), {}, "MicroCEM", (), "mdy")
    if len(rows) < 1 or not all(_is_microcem_row(row) for row in rows[:5]):
        return None
    note = "an Emerson MicroCEM log without a header: its fields in their order, month-day-year, status V is valid"
    names = _MICROCEM[: len(rows[0])]
    return Grid(
        grid.path, lambda: _WithHeader(grid.rows(), names), grid.sign, (*grid.notes, note), {}, "MicroCEM",
        ("Date/Time",), "mdy",
    )  # fmt: skip


def _is_microcem_row(row: Sequence[str]) -> bool:
    gases = [row[n : n + 3] for n in range(1, len(row), 3)]
    return (
        len(row) in (4, 7, 10)
        and is_date(row[0])
        and all(
            _NUMBER.fullmatch(value)
            and limit.strip() in ("0", "1")
            and status.strip() in ("V", "M", "C", "I")
            for value, limit, status in gases
        )
    )
