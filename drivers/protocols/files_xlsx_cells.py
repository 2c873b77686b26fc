"""Cells of workbooks as texts: numbers exactly, dates as dates, percentages as they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from drivers.protocols.files_grid import Exact, Percent

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_MOST_CELLS: Final = 1_000  # a row this wide is no table of readings
_SERIALS: Final = (20_000, 80_000)  # 1954 to 2119: numbers that are dates in a column of dates
_QUOTED: Final = re.compile(r'"[^"]*"|\\.')


def values_of(book: Workbook, name: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet as openpyxl gives them."""
    sheet: Any = book[name]
    sheet.reset_dimensions()  # what a program wrote of the sheet's size may be wrong
    found: Iterator[tuple[Any, ...]] = sheet.iter_rows(values_only=True, max_col=_MOST_CELLS)
    return found


class _Share(float):
    """A number that the sheet shows as a percentage: 0.034 as 3.4 %."""


def shows_shares(book: Workbook) -> bool:
    """True when some cells of a workbook are shown as percentages."""
    book_: Any = book
    used = {style.numFmtId for style in book_._cell_styles}  # noqa: SLF001  (asking every cell is slow)
    own = dict(enumerate(book_._number_formats, start=164))  # noqa: SLF001
    return any(number in (9, 10) or "%" in _QUOTED.sub("", own.get(number, "")) for number in used)


def with_shares(book: Workbook, name: str) -> Iterator[tuple[Any, ...]]:
    """As values_of, with percentages told apart."""
    sheet: Any = book[name]
    sheet.reset_dimensions()
    for row in sheet.iter_rows(max_col=_MOST_CELLS):
        yield tuple(
            _Share(cell.value)
            if isinstance(cell.value, (int, float)) and "%" in _QUOTED.sub("", str(cell.number_format))
            else cell.value
            for cell in row
        )


def cell_text(value: Any, in_dates: bool, epoch: datetime) -> str:
    """A cell as text; numbers in a column of dates are dates."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, _Share):
        return Percent(f"{value * 100:.12g}")
    if isinstance(value, (int, float)):
        if in_dates and _SERIALS[0] <= value <= _SERIALS[1]:
            return _moment(epoch + timedelta(days=float(value)))
        return Exact(repr(value))
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return " ".join(str(value).split())


def _moment(value: datetime) -> str:
    # a fraction of a day is rarely a whole number of microseconds
    near = (value + timedelta(milliseconds=5)).replace(microsecond=0)
    if abs(value - near) <= timedelta(milliseconds=5):
        value = near
    return value.strftime("%Y-%m-%d") if value.time() == time(0) else value.isoformat(sep=" ")
