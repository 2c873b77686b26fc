"""The days that bills speak for: two dates, a date of reading, a month, a delivery."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from dodac.clock import DAY_NS
from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_dates import DateOrder, order_words
from drivers.protocols.files_time import NO_TIME_NS, StampReader, Walls, check_format

if TYPE_CHECKING:
    from drivers.protocols.files_bill_spec import BillSpec

Bounds = Literal["inclusive", "shared"]
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MONTH: Final = re.compile(
    r"^\D{0,12}(\d{1,2})\s*[-/.]\s*(\d{4})\D*$|^\D{0,12}(\d{4})\s*[-/.]?\s*(\d{2})\D*$"
)
_LONGEST_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days since 1970: [start, end).

    open_end: the last day is written and it is not decided yet whether it belongs to the period.
    instant: a delivery, which has no neighbours.
    """

    start: int
    end: int
    open_end: bool = False
    instant: bool = False


def period_words(period: Period) -> str:
    """First and last day of a period."""
    return f"{date.fromordinal(period.start + _EPOCH)} – {date.fromordinal(period.end - 1 + _EPOCH)}"


class PeriodReader:
    """Reads the dates of bills: `look` at all rows, `decide`, then `read` each in the file's order."""

    def __init__(self, spec: BillSpec, walls: Walls, path: Path) -> None:
        self._spec, self._walls, self._path = spec, walls, path
        self._order = DateOrder()
        self._format = spec.date_format
        self._reads: dict[int, int] = {}  # line → day of reading
        self._before: dict[int, int] = {}  # line → day of the reading before it
        self._texts: list[tuple[int, str]] = []
        if spec.date_format is not None:
            check_format(spec.date_format, path)

    def look(self, line: int, texts: Sequence[str]) -> None:
        """Sees the dates of a row."""
        if self._spec.month_column:
            return
        for text in texts:
            self._order.take(line, text.strip())
        if self._spec.read_column:
            self._texts.append((line, texts[0]))

    def decide(self, guesses: list[str]) -> None:
        """Settles the order of day and month, and which reading comes before which. Raises DataError."""
        if self._spec.month_column:
            guesses.append("bills of calendar months")
            return
        if self._format is None:
            self._format, evidence = self._order.order(self._path)
            guesses.append(f"date order: {order_words(self._format)}{evidence}")
        for line, text in self._texts:
            try:
                self._reads[line] = self._day(line, text)
            except ValueError:
                continue  # `read` tells
        first = self._first_from()
        days = sorted(set(self._reads.values()))
        earlier = dict(zip(days, [first, *days], strict=False))
        self._before = {
            line: before for line, day in self._reads.items() if (before := earlier[day]) is not None
        }
        if self._spec.read_column:
            guesses.append(
                "each bill speaks for the days since the reading before it, until the day before its own"
            )
        if self._spec.delivered_column:
            guesses.append(
                "a delivery is an amount of the day it came; when it was used is not known from it"
            )

    def _first_from(self) -> int | None:
        if self._spec.first_from is None:
            return None
        try:
            return date.fromisoformat(self._spec.first_from).toordinal() - _EPOCH
        except ValueError:
            raise ConfigError(
                f'--first-from "{self._spec.first_from}" is no date.', todo="Write 2026-01-31."
            ) from None

    def read(self, line: int, texts: Sequence[str]) -> Period | None:
        """The period of a row; None for a first reading without one before. ValueError for no dates."""
        spec = self._spec
        if spec.month_column:
            return _month(texts[0])
        if spec.read_column:
            day = self._day(line, texts[0])
            before = self._before.get(line)
            return None if before is None else _checked(Period(before, day))
        if spec.delivered_column:
            day = self._day(line, texts[0])
            return Period(day, day + 1, instant=True)
        return _checked(Period(self._day(line, texts[0]), self._day(line, texts[1]), open_end=True))

    def _day(self, line: int, text: str) -> int:
        reader = StampReader(self._format or "ymd", self._walls)
        reader.take(line, text.strip().lstrip("'"))
        if len(reader.refused):
            raise ValueError(reader.refused[0].reason)
        wall = int(reader.stamps([]).wall[0])
        assert wall != NO_TIME_NS  # noqa: S101
        return wall // DAY_NS

    @staticmethod
    def bounded(period: Period, bounds: Bounds) -> Period:
        """The period with its last day in it or not."""
        if not period.open_end:
            return period
        end = period.end + (bounds == "inclusive")
        return Period(period.start, max(end, period.start + 1))


def _month(text: str) -> Period:
    match = _MONTH.match(text.strip())
    if match is None:
        whole = re.match(r"^(\d{4})-(\d{2})-01(?:\D|$)", text.strip())
        if whole is None:
            raise ValueError(f'"{text[:40]}" is not a month')
        year, month = int(whole[1]), int(whole[2])
    elif match[1]:
        month, year = int(match[1]), int(match[2])
    else:
        year, month = int(match[3]), int(match[4])
    if not 1 <= month <= 12 or not 1970 <= year < 2200:
        raise ValueError(f'"{text[:40]}" is not a month')
    first = date(year, month, 1).toordinal() - _EPOCH
    return Period(first, first + monthrange(year, month)[1])


def _checked(period: Period) -> Period:
    days = period.end - period.start
    if days < 0:
        raise ValueError("the period ends before it begins")
    if days > _LONGEST_DAYS:
        raise ValueError(f"a period of {days} days is no bill")
    return period


def find_bounds(periods: Sequence[tuple[int, Period]], path: Path, guesses: list[str]) -> Bounds:
    """Whether the last day of a bill belongs to it, from bills that follow one another.

    Raises DataError when nothing shows it, or the file shows both.
    """
    dated = sorted((p.start, p.end, line) for line, p in periods if p.open_end)
    if not dated:
        return "inclusive"
    ends = {end: line for _, end, line in dated}
    shared = [(line, ends[start]) for start, end, line in dated if start in ends and ends[start] != line]
    apart = [
        (line, ends[start - 1]) for start, _, line in dated if start - 1 in ends and ends[start - 1] != line
    ]
    months = [line for start, end, line in dated if _whole_month(start, end)]
    told = f"inclusive ({len(apart)} bills begin the day after another ends)" if apart else ""
    if apart and not shared:
        guesses.append(f"the last day belongs to the period: {told}")
        return "inclusive"
    if shared and not apart:
        guesses.append(
            f"the last day is the first of the next bill: shared ({len(shared)} bills begin when another ends)"
        )
        return "shared"
    if months and not shared and len(months) == len(dated):
        guesses.append("the last day belongs to the period: the bills are whole months")
        return "inclusive"
    what = "the file shows both" if shared and apart else "nothing in the file shows it"
    line = (shared or [(dated[0][2], 0)])[0][0]
    raise DataError(
        f"does the last day of a bill belong to it, or is it the first day of the next? ({what})",
        Where(file=str(path), line=line),
        "Say which: --bounds inclusive or --bounds shared.",
    )


def _whole_month(start: int, end: int) -> bool:
    first, last = (date.fromordinal(day + _EPOCH) for day in (start, end))
    return (
        first.day == 1
        and (first.year, first.month) == (last.year, last.month)
        and (last.day == monthrange(last.year, last.month)[1])
    )
