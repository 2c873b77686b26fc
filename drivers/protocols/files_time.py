"""The time side of interval files: stamps in every spelling become wall time and UTC, exactly."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_dates import EPOCH_ORDINAL, day_number, split_stamp
from drivers.protocols.files_spec import RowList

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TIME: Final = re.compile(
    r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(am|pm|sa|ch)?\s*(z|utc|[+-]\d{2}(?::?\d{2})?)?$"
    r"|^(\d{2})(\d{2})(\d{2})?()()(z|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
# a column of dates that a program wrote as moments, before the column of times
_MIDNIGHT: Final = re.compile(r"^00?:00(:00([.,]0+)?)?\s+(?=\d)")
_NO_TIME: Final = frozenset(("", "-", "--", "na", "n/a", "#n/a", "nan", "nat", "null", "none"))
# what lies beyond, or before 1970, is a clock that was never set, or another date order
_LAST_NS: Final = (date(2100, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY_NS
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
        year = date(2026, 1, 1).toordinal() - EPOCH_ORDINAL
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


NO_TIME_NS: Final = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times of the rows: wall and UTC nanoseconds; wall is NO_TIME_NS where the row is refused."""

    wall: npt.NDArray[np.int64]
    utc: npt.NDArray[np.int64]
    backward: int

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Which rows have a time."""
        found: npt.NDArray[np.bool_] = self.wall != NO_TIME_NS
        return found


class StampReader:
    """Reads time stamps, row by row, with one date order for the whole file.

    base_ns: UTC of the moment that relative stamps count from.
    """

    def __init__(self, order: str, walls: Walls, base_ns: int | None = None) -> None:
        self.order = order
        self.walls = walls
        self.base_ns = base_ns
        self.refused = RowList()
        self._dates: dict[str, int | str] = {}
        self._times: dict[str, tuple[int, int | None] | str] = {"": (0, None)}
        self._wall, self._utc = array("q"), array("q")
        self._fixed = bytearray()
        self._last: int | None = None
        self._backward = 0

    def take(self, line: int, text: str) -> None:
        """Reads the next row's stamp; what can't be read is refused by line."""
        if len(self._dates) > 100_000 or len(self._times) > 100_000:
            self._dates.clear()
            self._times = {"": (0, None)}
        try:
            wall, utc, fixed = self._one(text, self._last)
        except (ValueError, OverflowError) as error:
            self.refused.add(line, str(error))
            self._wall.append(NO_TIME_NS)
            self._utc.append(0)
            self._fixed.append(1)
            return
        if self._last is not None and utc < self._last:
            self._backward += 1
        self._last = utc
        self._wall.append(wall)
        self._utc.append(utc)
        self._fixed.append(fixed)

    @property
    def has_24(self) -> bool:
        """True when a stamp is written 24:00: it ends an interval, none begins there."""
        return any(text.startswith("24:00") for text in self._times)

    def stamps(self, guesses: list[str]) -> Stamps:
        """All times; which of two equal hours a row is depends on whether the newest stands first."""
        import numpy as np

        wall, utc = (np.frombuffer(each, dtype=np.int64) for each in (self._wall, self._utc))
        backward = self._backward
        if backward * 2 <= len(wall):
            return Stamps(wall, utc, backward)
        guesses.append("the newest row stands first")
        last: int | None = None
        backward = 0
        for place in range(len(wall) - 1, -1, -1):
            at = int(wall[place])
            if at == NO_TIME_NS:
                continue
            if not self._fixed[place]:
                utc[place] = self.walls.utc(at, last)
            now = int(utc[place])
            backward += last is not None and now < last
            last = now
        steps = len(wall) - len(self.refused) - 1
        return Stamps(wall, utc, max(0, steps - backward))

    def _one(self, text: str, last: int | None) -> tuple[int, int, bool]:
        if text.lower() in _NO_TIME:
            raise ValueError("the time stamp is empty")
        if self.order in _EPOCH_SCALE:
            utc = _epoch(text, _EPOCH_SCALE[self.order])
            return self.walls.wall(utc), utc, True
        if self.base_ns is not None:
            utc = self.base_ns + _elapsed(text)
            if not 0 <= utc < _LAST_NS:
                raise ValueError(f'"{text[:40]}" is beyond all times')
            return self.walls.wall(utc), utc, True
        if "%" in self.order:
            return self._by_pattern(text, last)
        day_text, time_text = split_stamp(text)
        day = self._dates.get(day_text)
        if day is None:
            day = self._dates[day_text] = day_number(day_text, self.order)
        clock = self._times.get(time_text)
        if clock is None:
            clock = self._times[time_text] = _time_of_day(time_text)
        if isinstance(day, str) or isinstance(clock, str):
            raise ValueError(f'"{text[:40]}": {day if isinstance(day, str) else clock}')
        return self._place(day * DAY_NS + clock[0], clock[1], last)

    def _by_pattern(self, text: str, last: int | None) -> tuple[int, int, bool]:
        try:
            moment = datetime.strptime(text, self.order)  # noqa: DTZ007  (wall time, placed below)
        except ValueError:
            raise ValueError(f'"{text[:40]}" does not follow {self.order}') from None
        day = moment.toordinal() - EPOCH_ORDINAL
        wall = day * DAY_NS + moment.hour * HOUR_NS + moment.minute * MINUTE_NS
        wall += moment.second * SECOND_NS + moment.microsecond * 1000
        offset = moment.utcoffset()
        return self._place(wall, None if offset is None else _timedelta_ns(offset), last)

    def _place(self, wall: int, offset: int | None, last: int | None) -> tuple[int, int, bool]:
        if not 0 <= wall < _LAST_NS:
            year = date.fromordinal(wall // DAY_NS + EPOCH_ORDINAL).year
            raise ValueError(f"no meter reading is from the year {year}")
        if offset is not None:
            utc = wall - offset
            return self.walls.wall(utc), utc, True
        # midnights that summer time leaves out still name a day
        if wall % DAY_NS and not self.walls.exists(wall):
            raise ValueError(
                f"this local time does not exist in {self.walls.zone.key} (change to summer time); a logger "
                f"that keeps winter time needs a fixed zone such as {self.walls.winter}"
            )
        return wall, self.walls.utc(wall, last), False


def check_clock(stamps: Stamps, path: Path) -> None:
    """Raises DataError for a clock of twelve hours that does not say which half of the day it is."""
    wall = stamps.wall[stamps.good]
    if stamps.backward * 2 > len(wall):
        wall = wall[::-1]
    hours = wall % DAY_NS // HOUR_NS
    if not len(wall) or not 1 <= int(hours.min()) <= int(hours.max()) <= 12:
        return
    same_day = wall[1:] // DAY_NS == wall[:-1] // DAY_NS
    if bool((same_day & (hours[:-1] == 12) & (hours[1:] == 1)).any()):
        raise DataError(
            "after 12 o'clock comes 1 o'clock of the same day: a clock of twelve hours without AM and PM.",
            Where(file=str(path)),
            "Export the file with 24 hours, or with AM and PM (SA and CH).",
        )


def check_format(order: str, path: Path) -> None:
    """Raises ConfigError for a date format that is none."""
    if order not in ("ymd", "dmy", "mdy", "relative", *_EPOCH_SCALE) and "%" not in order:
        raise ConfigError(
            f'"{order}" is not a date format.',
            Where(file=str(path)),
            'Write "ymd", "dmy", "mdy", "unix_s", "unix_ms", "relative" or a pattern such as "%d.%m.%Y %H:%M".',
        )


def _elapsed(text: str) -> int:
    """Nanoseconds from a number of seconds, or from h:mm:ss."""
    parts = text.strip().strip('"').split(":")
    try:
        numbers = [Decimal(part.strip().replace(",", ".")) for part in parts]
    except InvalidOperation:
        raise ValueError(f'"{text[:40]}" is not a number of seconds') from None
    if len(parts) > 3 or not all(number.is_finite() for number in numbers):
        raise ValueError(f'"{text[:40]}" is not a number of seconds')
    seconds = Decimal(0)
    for number in numbers:
        seconds = seconds * 60 + number
    if abs(seconds) > 10**10:
        raise ValueError(f'"{text[:40]}" is beyond all times')
    return int(seconds * SECOND_NS)


def _time_of_day(text: str) -> tuple[int, int | None] | str:
    match = _TIME.match(_MIDNIGHT.sub("", text))
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
