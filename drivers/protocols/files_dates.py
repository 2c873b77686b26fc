"""Dates of files: one order of day, month and year for the whole file, with the evidence for it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

from dodac.errors import DataError, Where

_DATE: Final = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$|^(\d{4})(\d{2})(\d{2})$")
_NAMED: Final = re.compile(
    r"^(\d{1,2})[-/.]?([^\W\d_]{3,9}|thg\d{1,2})\.?[-/.]?(\d{4}|\d{2})$", re.IGNORECASE
)
_SPACED: Final = re.compile(
    r"^(\d{1,2})\.? +([^\W\d_]{3,9}\.?|thg ?\d{1,2}),? +(\d{4})(?: +(.*))?$", re.IGNORECASE
)
_TURNED: Final = re.compile(r"^(\d{1,2}:\d{2}\S*(?: ?(?:am|pm|sa|ch))?),? +(\S+)$", re.IGNORECASE)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar", "feb february februar", "mar march märz mrz mär", "apr april", "may mai", "jun june juni",
            "jul july juli", "aug august", "sep sept september", "oct october okt oktober", "nov november",
            "dec december dez dezember",
        ),
        start=1,
    )
    for name in (*names.split(), f"thg{number}", f"thg{number:02d}")
}  # fmt: skip

EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


_ORDER_WORDS: Final = {"ymd": "year-month-day", "dmy": "day-month-year", "mdy": "month-day-year"}


def split_stamp(text: str) -> tuple[str, str]:
    """The date and the time of day of a stamp: "13.03.2026 08:00", "2026-03-13T08:00", "08:00 13/03/2026"."""
    cut = text.find(" ")
    if cut > 2 and text.find(":", 0, cut) < 0:
        return text[:cut], text[cut:].lstrip(" T\t,;")
    if cut < 0:
        cut = text.find("T")
        if cut < 1 or not text[cut - 1].isdigit():
            return text, ""
        return text[:cut], text[cut + 1 :].lstrip(" \t,;")
    turned = _TURNED.match(text)
    if turned:
        return turned[2], turned[1].rstrip(",")
    spaced = _SPACED.match(text)
    if spaced:
        return f"{spaced[1]}-{spaced[2].replace(' ', '').rstrip('.')}-{spaced[3]}", spaced[4] or ""
    return text[:cut], text[cut:].lstrip(" T\t,;")


class DateOrder:
    """The order of day, month and year that fits the whole file, from every date in it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._year_first = False
        self._whole = self._parts = 0  # dates with the year first, and others
        self._first: tuple[int, int, str] | None = None
        self._day_first: tuple[int, str] | None = None
        self._month_first: tuple[int, str] | None = None
        self._ends: tuple[set[int], set[int]] = (set(), set())
        self._equal = self._points = self._short = True

    def take(self, line: int, stamp: str) -> None:
        """Looks at one row's stamp."""
        text = split_stamp(stamp)[0]
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
            self._whole += 1
            return
        self._parts += len(a) <= 2
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
        if self._first is None:
            return "ymd", ""
        line, _, example = self._first
        todo = "Say which: --date-format dmy, mdy or ymd."
        if self._parts * 10 > self._whole > 0:
            raise DataError(
                f'some dates have the year first, others, such as "{example}", are text of another order: a table '
                "program that could read only some of them may have taken days for months in those.",
                Where(file=str(path), line=line),
                "Export the file again with one kind of dates; if the others are right, say --date-format dmy or mdy.",
            )
        if self._year_first:
            return "ymd", ""
        if self._day_first and self._month_first:
            both = f"{self._day_first[1]} and {self._month_first[1]}"
            words = f"{both} (lines {self._day_first[0]} and {self._month_first[0]})"
            raise DataError(f"the dates contradict each other: {words}.", Where(file=str(path)), todo)
        if self._short and len(self._ends[1]) > len(self._ends[0]):
            raise DataError(
                f'"{example}": day or year may come first.', Where(file=str(path), line=line), todo
            )
        if self._one_short_day(first=example):
            raise DataError(
                f'every date is "{example}": day or year may come first.',
                Where(file=str(path), line=line),
                todo,
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

    def _one_short_day(self, first: str) -> bool:
        """True when "25/03/26" is all there is: the 25th of 2026 or the 26th of 2025."""
        if not self._short or self._points or self._month_first:
            return False
        parts = re.split(r"[-/.]", first)
        if len(parts[1]) != 2:  # who leaves the zero of a month out writes no year of two digits first
            return False
        return (
            len(self._ends[0]) == len(self._ends[1]) == 1 and 12 < int(parts[0]) <= 40 and int(parts[2]) <= 31
        )


def order_words(order: str) -> str:
    """A date order in words."""
    return _ORDER_WORDS.get(order, order)


def day_number(text: str, order: str) -> int | str:
    match = _DATE.match(text)
    if match is None:
        return _named_day(text)
    a, _, b, c, *compact = match.groups()
    if compact[0] is not None:
        year, month, day = compact
    elif order == "ymd" or len(a) == 4:
        year, month, day = a, b, c
    elif order == "dmy":
        day, month, year = a, b, c
    else:
        month, day, year = a, b, c
    found = _day(year, int(month), day)
    return f"there is no such day ({_ORDER_WORDS[order]})" if found is None else found


def _named_day(text: str) -> int | str:
    match = _NAMED.match(text)
    month = _MONTHS.get(match[2].casefold()) if match else None
    if match is None or month is None:
        return "this is not a date"
    found = _day(match[3], month, match[1])
    return "there is no such day" if found is None else found


def is_named_date(text: str) -> bool:
    """True for a date with the month as a word, "12-Mar-26" or "12 Mar 2026"."""
    return not isinstance(_named_day(text), str)


def _day(year: str, month: int, day: str) -> int | None:
    number = int(year)
    if len(year) <= 2:
        number += 2000 if number < 69 else 1900
    try:
        return date(number, month, int(day)).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None
