"""Dates of files: one order of day, month and year for the whole file, with the evidence for it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

from dodac.errors import DataError, Where

_DATE: Final = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$|^(\d{4})(\d{2})(\d{2})$")


EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


_ORDER_WORDS: Final = {"ymd": "year-month-day", "dmy": "day-month-year", "mdy": "month-day-year"}


def date_text(text: str) -> str:
    cut = text.find(" ")
    if cut < 0:
        cut = text.find("T")
    return text if cut < 0 else text[:cut]


class DateOrder:
    """The order of day, month and year that fits the whole file, from every date in it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._any = self._year_first = False
        self._first: tuple[int, int, str] | None = None
        self._day_first: tuple[int, str] | None = None
        self._month_first: tuple[int, str] | None = None
        self._ends: tuple[set[int], set[int]] = (set(), set())
        self._equal = self._points = self._short = True

    def take(self, line: int, stamp: str) -> None:
        """Looks at one row's stamp."""
        text = date_text(stamp)
        if text in self._seen:
            return
        if len(self._seen) < 50_000:
            self._seen.add(text)
        match = _DATE.match(text)
        if match is None:
            return
        a, sign, b, c, compact = match.groups()[:5]
        if compact is not None or len(a) == 4:
            self._year_first = True
            return
        first, second = int(a), int(b)
        if self._first is None:
            self._first = (line, first, text)
        if first > 12 and self._day_first is None:
            self._day_first = (line, text)
        if second > 12 and self._month_first is None:
            self._month_first = (line, text)
        self._ends[0].add(first)
        self._ends[1].add(int(c))
        self._equal &= first == second
        self._points &= sign == "."
        self._short &= len(c) <= 2

    def order(self, path: Path) -> tuple[str, str]:
        """The order and the evidence for it, in words.

        Raises DataError when two orders fit and would give other days, or when the file contradicts itself.
        """
        if self._year_first or self._first is None:
            return "ymd", ""
        line, _, example = self._first
        todo = "Say which: --date-format dmy, mdy or ymd."
        if self._day_first and self._month_first:
            both = f"{self._day_first[1]} and {self._month_first[1]}"
            words = f"{both} (lines {self._day_first[0]} and {self._month_first[0]})"
            raise DataError(f"the dates contradict each other: {words}.", Where(file=str(path)), todo)
        if self._short and len(self._ends[1]) > len(self._ends[0]):
            raise DataError(
                f'"{example}": day or year may come first.', Where(file=str(path), line=line), todo
            )
        if self._day_first:
            return "dmy", f" (line {self._day_first[0]}: {self._day_first[1]})"
        if self._month_first:
            return "mdy", f" (line {self._month_first[0]}: {self._month_first[1]})"
        if self._equal:
            return "dmy", ""
        if self._points:
            return "dmy", " (dates with points)"
        raise DataError(
            f'every date, such as "{example}", can be read as day or month first.',
            Where(file=str(path), line=line),
            todo,
        )


def order_words(order: str) -> str:
    """A date order in words."""
    return _ORDER_WORDS.get(order, order)


def day_number(text: str, order: str) -> int | str:
    match = _DATE.match(text)
    if match is None:
        return "this is not a date"
    a, _, b, c, *compact = match.groups()
    if compact[0] is not None:
        year, month, day = compact
    elif order == "ymd" or len(a) == 4:
        year, month, day = a, b, c
    elif order == "dmy":
        day, month, year = a, b, c
    else:
        month, day, year = a, b, c
    number = int(year)
    if len(year) <= 2:
        number += 2000 if number < 69 else 1900
    try:
        return date(number, int(month), int(day)).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return f"there is no such day ({_ORDER_WORDS[order]})"
