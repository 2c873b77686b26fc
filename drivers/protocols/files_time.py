"""The time side of interval files: stamps in every spelling become wall time and UTC, exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from dodac.errors import ConfigError, DataError, Where

_DATE: Final = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$|^(\d{4})(\d{2})(\d{2})$")
_TIME: Final = re.compile(
    r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(am|pm|sa|ch)?\s*(z|utc|[+-]\d{2}(?::?\d{2})?)?$"
    r"|^(\d{2})(\d{2})(\d{2})?()()(z|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_NO_TIME: Final = frozenset(("", "-", "--", "na", "n/a", "#n/a", "nan", "nat", "null", "none"))
# what lies beyond, or before 1970, is a clock that was never set, or another date order
_LAST_NS: Final = (date(2200, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY_NS
_EPOCH_SCALE: Final = {"unix_s": SECOND_NS, "unix_ms": 1_000_000}


class Walls:
    """Wall time of one zone ↔ UTC; wall time counts nanoseconds since 1970-01-01 00:00 on the wall."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._days: dict[int, int | None] = {}

    def utc(self, wall_ns: int, after_ns: int | None = None) -> int:
        """UTC of a wall time; the second of two equal ones when the first is not after `after_ns`."""
        day = wall_ns // DAY_NS
        if day not in self._days:
            here, there = (self._offset(at * DAY_NS, 0) for at in (day, day + 1))
            self._days[day] = here if here == there else None
        offset = self._days[day]
        if offset is not None:
            return wall_ns - offset
        first, second = (wall_ns - self._offset(wall_ns, fold) for fold in (0, 1))
        return second if second > first and after_ns is not None and first <= after_ns else first

    @property
    def winter(self) -> str:
        """The fixed zone that keeps this zone's winter time of today."""
        year = date(2026, 1, 1).toordinal() - _EPOCH_ORDINAL
        hours = min(self._offset((year + day) * DAY_NS, 0) for day in (0, 180)) / HOUR_NS
        return f"Etc/GMT{-hours:+.0f}" if hours % 1 == 0 else "one of Etc/GMT"

    def exists(self, wall_ns: int) -> bool:
        """False for wall times that the change to summer time leaves out."""
        utc = self.utc(wall_ns)
        return self._days[wall_ns // DAY_NS] is not None or self.wall(utc) == wall_ns

    def wall(self, utc_ns: int) -> int:
        """Wall time of UTC nanoseconds."""
        moment = _moment(utc_ns).replace(tzinfo=UTC)
        offset = moment.astimezone(self.zone).utcoffset() or timedelta(0)
        return utc_ns + _timedelta_ns(offset)

    def _offset(self, wall_ns: int, fold: int) -> int:
        moment = _moment(wall_ns).replace(tzinfo=self.zone, fold=fold)
        return _timedelta_ns(moment.utcoffset() or timedelta(0))


def _moment(ns: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=ns // SECOND_NS)  # noqa: DTZ001  (wall time)


def _timedelta_ns(delta: timedelta) -> int:
    return (delta.days * 86_400 + delta.seconds) * SECOND_NS


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times of the rows: wall and UTC nanoseconds, None where the row is refused."""

    wall: list[int | None]
    utc: list[int]
    refused: list[tuple[int, str]]
    backward: int


class StampReader:
    """Reads time stamps with one date order for the whole file."""

    def __init__(self, order: str, walls: Walls) -> None:
        self.order = order
        self.walls = walls
        self._dates: dict[str, int | str] = {}
        self._times: dict[str, tuple[int, int | None] | str] = {"": (0, None)}

    @classmethod
    def of(
        cls, stamps: Iterable[str], date_format: str | None, zone: ZoneInfo, path: Path, guesses: list[str]
    ) -> StampReader:
        """Finds the date order from all stamps; DataError when 03/04 could be both."""
        if date_format is None:
            order = _date_order(dict.fromkeys(_date_text(text) for text in stamps), path)
            guesses.append(f"date order: {_ORDER_WORDS[order]}")
        else:
            order = date_format
            if order not in ("ymd", "dmy", "mdy", *_EPOCH_SCALE) and "%" not in order:
                raise ConfigError(
                    f'"{order}" is not a date format.',
                    Where(file=str(path)),
                    'Write "ymd", "dmy", "mdy", "unix_s", "unix_ms" or a pattern such as "%d.%m.%Y %H:%M".',
                )
        return cls(order, Walls(zone))

    def read(self, lines: Sequence[int], stamps: Sequence[str]) -> Stamps:
        """Reads every stamp; what can't be read is refused by line."""
        walls: list[int | None] = []
        utcs: list[int] = []
        refused: list[tuple[int, str]] = []
        last: int | None = None
        backward = 0
        for line, text in zip(lines, stamps, strict=True):
            try:
                wall, utc = self._one(text, last)
            except ValueError as error:
                refused.append((line, str(error)))
                walls.append(None)
                utcs.append(0)
                continue
            if last is not None and utc < last:
                backward += 1
            last = utc
            walls.append(wall)
            utcs.append(utc)
        return Stamps(walls, utcs, refused, backward)

    def read_upwards(self, lines: Sequence[int], stamps: Sequence[str]) -> Stamps:
        """As `read`, for a file whose newest row stands first: which of two equal hours depends on it."""
        found = self.read(lines[::-1], stamps[::-1])
        steps = len(found.wall) - len(found.refused) - 1
        backward = max(0, steps - found.backward)
        return Stamps(found.wall[::-1], found.utc[::-1], found.refused[::-1], backward)

    def _one(self, text: str, last: int | None) -> tuple[int, int]:
        if text.lower() in _NO_TIME:
            raise ValueError("the time stamp is empty")
        if self.order in _EPOCH_SCALE:
            utc = _epoch(text, _EPOCH_SCALE[self.order])
            return self.walls.wall(utc), utc
        if "%" in self.order:
            return self._by_pattern(text, last)
        date_text = _date_text(text)
        day = self._dates.get(date_text)
        if day is None:
            day = self._dates[date_text] = _day_number(date_text, self.order)
        time_text = text[len(date_text) :].lstrip(" T\t,;")
        clock = self._times.get(time_text)
        if clock is None:
            clock = self._times[time_text] = _time_of_day(time_text)
        if isinstance(day, str) or isinstance(clock, str):
            raise ValueError(f'"{text[:40]}": {day if isinstance(day, str) else clock}')
        return self._place(day * DAY_NS + clock[0], clock[1], last)

    def _by_pattern(self, text: str, last: int | None) -> tuple[int, int]:
        try:
            moment = datetime.strptime(text, self.order)  # noqa: DTZ007  (wall time, placed below)
        except ValueError:
            raise ValueError(f'"{text[:40]}" does not follow {self.order}') from None
        day = moment.toordinal() - _EPOCH_ORDINAL
        wall = day * DAY_NS + moment.hour * HOUR_NS + moment.minute * MINUTE_NS
        wall += moment.second * SECOND_NS + moment.microsecond * 1000
        offset = moment.utcoffset()
        return self._place(wall, None if offset is None else _timedelta_ns(offset), last)

    def _place(self, wall: int, offset: int | None, last: int | None) -> tuple[int, int]:
        if not 0 <= wall < _LAST_NS:
            year = date.fromordinal(wall // DAY_NS + _EPOCH_ORDINAL).year
            raise ValueError(f"no meter reading is from the year {year}")
        if offset is not None:
            utc = wall - offset
            return self.walls.wall(utc), utc
        # midnights that summer time leaves out still name a day
        if wall % DAY_NS and not self.walls.exists(wall):
            raise ValueError(
                f"this local time does not exist in {self.walls.zone.key} (change to summer time); a logger "
                f"that keeps winter time needs a fixed zone such as {self.walls.winter}"
            )
        return wall, self.walls.utc(wall, last)


_ORDER_WORDS: Final = {"ymd": "year-month-day", "dmy": "day-month-year", "mdy": "month-day-year"}


def _date_text(text: str) -> str:
    cut = text.find(" ")
    if cut < 0:
        cut = text.find("T")
    return text if cut < 0 else text[:cut]


def _date_order(texts: Iterable[str], path: Path) -> str:
    """The order of day, month and year that fits the whole file.

    Raises DataError when two orders fit and would give other days, or when the file contradicts itself.
    """
    fields = [match.groups() for text in texts if (match := _DATE.match(text))]
    if not fields or any(f[4] is not None or len(f[0]) == 4 for f in fields):
        return "ymd"
    numbers = [(int(f[0]), int(f[2]), int(f[3])) for f in fields]
    day_first = [n for n in numbers if n[0] > 12]
    month_first = [n for n in numbers if n[1] > 12]
    example = fields[0][1].join((fields[0][0], fields[0][2], fields[0][3]))
    todo = "Say which: --date-format dmy, mdy or ymd."
    if day_first and month_first:
        both = " and ".join("/".join(str(p) for p in n) for n in (day_first[0], month_first[0]))
        raise DataError(f"the dates contradict each other: {both}.", Where(file=str(path)), todo)
    two_digits = all(len(f[3]) <= 2 for f in fields)
    if two_digits and len({n[2] for n in numbers}) > len({n[0] for n in numbers}):
        raise DataError(f'"{example}": day or year may come first.', Where(file=str(path)), todo)
    if day_first:
        return "dmy"
    if month_first:
        return "mdy"
    if all(n[0] == n[1] for n in numbers) or all(f[1] == "." for f in fields):
        return "dmy"
    raise DataError(
        f'every date, such as "{example}", can be read as day or month first.', Where(file=str(path)), todo
    )


def _day_number(text: str, order: str) -> int | str:
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
        return date(number, int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return f"there is no such day ({_ORDER_WORDS[order]})"


def _time_of_day(text: str) -> tuple[int, int | None] | str:
    match = _TIME.match(text)
    if match is None:
        return "this is not a time of day"
    hours, minutes, seconds, fraction, half, offset = (
        match.groups()[:6] if match.group(1) is not None else match.groups()[6:]
    )
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    if half:
        if not 1 <= hour <= 12:
            return "there is no such time of day"
        hour = hour % 12 + (12 if half.lower() in ("pm", "ch") else 0)
    ns = hour * HOUR_NS + minute * MINUTE_NS + second * SECOND_NS + int((fraction or "0").ljust(9, "0"))
    if minute > 59 or second > 59 or ns > DAY_NS:
        return "there is no such time of day"
    if not offset:
        return ns, None
    if offset.lower() in ("z", "utc"):
        return ns, 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    shift = int(digits[:2]) * HOUR_NS + int(digits[2:]) * MINUTE_NS
    if shift > 24 * HOUR_NS:
        return "there is no such offset from UTC"
    return ns, -shift if offset[0] == "-" else shift


def _epoch(text: str, scale: int) -> int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'"{text[:40]}" is not a number of seconds') from None
    if not value.is_finite() or not 0 <= value * scale < 2**63:
        raise ValueError(f'"{text[:40]}" is not a time')
    return int(value * scale)
