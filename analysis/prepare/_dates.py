"""Text stamps as moments: one order of day, month and year for the whole column, never guessed in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

_STAMP: Final = re.compile(
    r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"(?:[T ,]+(\d{1,2})[:hH](\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(AM|PM|SA|CH)?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?$",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(
    r"^(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$"
)
_NAMED: Final = re.compile(
    r"^(\d{1,2})[-/. ]+(th(?:g|áng)? ?\d{1,2}|[^\W\d_]{3,9})[-/., ]+(\d{4}|\d{2})(?=$|[T ,])(.*)$",
    re.IGNORECASE,
)
_TIME_FIRST: Final = re.compile(
    r"^(\d{1,2}:\d{2}(?::\d{2})?(?: ?[APSC][MAH])?)[ ,]+(\d{1,4}[-/.]\S+)$", re.IGNORECASE
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
            "sep sept september", "oct october", "nov november", "dec december",
        ), 1,
    )
    for name in names.split()
}  # fmt: skip
EMPTY: Final = frozenset(("", "na", "n/a", "nan", "nat", "none", "null", "-", "--"))
ORDERS: Final = ("ymd", "dmy", "mdy")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (wall clock)


@dataclass
class Parsed:
    """One stamp taken apart: three numbers of the date, the time, the offset in minutes (None: none written)."""

    a: int
    b: int
    c: int
    year_first: bool
    short_year: bool
    second: float
    offset: int | None
    midnight_24: bool = False

    def moment(self, order: str) -> datetime | None:
        """The local moment under an order of the date; None when there is no such day."""
        year, month, day = self.a, self.b, self.c
        if not self.year_first:
            day, month, year = (self.a, self.b, self.c) if order == "dmy" else (self.b, self.a, self.c)
        if self.short_year:
            year += 2000 if year < 70 else 1900
        try:
            return datetime(year, month, day) + timedelta(seconds=self.second)  # noqa: DTZ001 (wall clock)
        except (ValueError, OverflowError):
            return None


def take_apart(text: str) -> Parsed | None:
    """The parts of a stamp, or None when it is none."""
    text = text.strip().lstrip("\ufeff").strip().strip('"').strip()
    match = _STAMP.match(text)
    if match is None and (turned := _TIME_FIRST.match(text)):
        match = _STAMP.match(f"{turned[2]} {turned[1]}")
    if match is None and (named := _NAMED.match(text)):
        match = _STAMP.match(_numbered(named))
    if match is None:
        compact = _COMPACT.match(text)
        if compact is None:
            return None
        year, month, day, hour, minute, second, zone = compact.groups()
        seconds = _seconds(hour, minute, second, None, None)
        return None if seconds is None else Parsed(
            int(year), int(month), int(day), True, False, seconds, _offset(zone), seconds >= 86_400
        )  # fmt: skip
    first, _, second_, third, hour, minute, second, part, half, zone = match.groups()
    seconds = _seconds(hour, minute, second, part, half)
    if seconds is None or (len(first) == 3) or len(third) == 3 or (len(first) == 4 and len(third) > 2):
        return None
    year_first = len(first) == 4
    short = not year_first and len(third) <= 2
    return Parsed(
        int(first), int(second_), int(third), year_first, short, seconds, _offset(zone), seconds >= 86_400
    )


def _numbered(named: re.Match[str]) -> str:
    """A date with its month as a word, year first."""
    day, word, year, rest = named.groups()
    digits = re.sub(r"\D", "", word)
    month = int(digits) if digits else _MONTHS.get(word.casefold(), 0)
    whole = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 70 else 1900)
    return f"{whole:04d}-{month:02d}-{int(day):02d}{rest}"


def _seconds(
    hour: str | None, minute: str | None, second: str | None, part: str | None, half: str | None
) -> float | None:
    if hour is None:
        return 0.0
    h, m, s = int(hour), int(minute or 0), int(second or 0)
    if half is not None:
        if not 1 <= h <= 12:
            return None
        h = h % 12 + (12 if half.upper() in ("PM", "CH") else 0)
    if m > 59 or s > 59 or h > 24 or (h == 24 and (m or s)):
        return None
    return h * 3600 + m * 60 + s + (float(f"0.{part}") if part else 0.0)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone.upper() in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


@dataclass
class Order:
    """Which order the dates have, how it is known, and the first example; order "" when it can't be told."""

    order: str
    how: str
    example: str


def find_order(parts: Sequence[Parsed | None], texts: Sequence[str]) -> Order:
    """The one order that fits all dates.

    A day above 12 settles it. Without one, the order under which the rows are evenly spaced, when the
    other's are not. order is "" where both fit, "!" where the file contradicts itself.
    """
    seen = [
        (one, text)
        for one, text in zip(parts, texts, strict=True)
        # a day that no order knows says nothing of the others
        if one is not None and not one.year_first and (one.moment("dmy") or one.moment("mdy"))
    ]
    if not seen:
        return Order("ymd", "year first", texts[0] if len(texts) else "")
    example = seen[0][1]
    day_first = next((text for one, text in seen if one.a > 12), None)
    month_first = next((text for one, text in seen if one.b > 12), None)
    if day_first and month_first:
        return Order("!", f"{day_first} | {month_first}", example)
    if any(one is not None and one.year_first for one in parts):
        return Order(
            "!",
            f"{example} | {next(t for p, t in zip(parts, texts, strict=True) if p and p.year_first)}",
            example,
        )
    if day_first:
        return Order("dmy", day_first, example)
    if month_first:
        return Order("mdy", month_first, example)
    if all(one.a == one.b for one, _ in seen):
        return Order("dmy", "same", example)
    spread = {order: _spread([one for one, _ in seen], order) for order in ("dmy", "mdy")}
    best, other = sorted(spread, key=lambda order: spread[order])
    # one day's rows, or one of each month, are evenly spaced either way
    if spread[best] <= 1.5 and spread[other] >= 3.0:
        return Order(best, "evenly spaced", example)
    return Order("", "", example)


def _spread(parts: Sequence[Parsed], order: str) -> float:
    """How many times longer the rows' time is than their number of usual steps; infinite where it can't be."""
    moments = [one.moment(order) for one in parts]
    if any(one is None for one in moments) or len(moments) < 3:
        return float("inf")
    seconds = np.array([(one - _EPOCH).total_seconds() for one in moments if one is not None])
    steps = np.diff(seconds)
    usual = float(np.median(steps))
    if usual <= 0 or np.mean(steps > 0) < 0.9:
        return float("inf")
    return float(np.ptp(seconds)) / (usual * len(steps))
