"""The interval a row speaks for: fixed lengths, calendar days of 23 to 25 hours, calendar months."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, duration_ns
from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_time import Stamps, Walls

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Interval:
    """count × nanoseconds, calendar days or calendar months."""

    unit: Literal["ns", "day", "month"]
    count: int

    def __str__(self) -> str:
        if self.unit == "day":
            return f"{self.count}d"
        if self.unit == "month":
            return f"{self.count}mo"
        for name, size in (("h", HOUR_NS), ("min", MINUTE_NS), ("s", SECOND_NS)):
            if self.count % size == 0:
                return f"{self.count // size}{name}"
        return f"{self.count / 1e6:g}ms"

    @property
    def about_ns(self) -> int:
        """The usual length."""
        return self.count * {"ns": 1, "day": DAY_NS, "month": 30 * DAY_NS}[self.unit]

    def bounds(self, wall: int, utc: int, stamp: str, walls: Walls) -> tuple[int, int]:
        """UTC start and end of the interval that a stamp names."""
        if self.unit == "ns":
            start = utc - {"start": 0, "end": self.count, "middle": self.count // 2}[stamp]
            return start, start + self.count
        if self.unit == "day":
            length = self.count * DAY_NS
            begin = wall - {"start": 0, "end": length, "middle": length // 2}[stamp]
            return walls.utc(begin), walls.utc(begin + length)
        begin = wall if stamp == "start" else _add_months(wall, -self.count)
        finish = wall if stamp == "end" else _add_months(wall, self.count)
        return walls.utc(begin), walls.utc(finish)


def _add_months(wall: int, months: int) -> int:
    day = date.fromordinal(wall // DAY_NS + _EPOCH_ORDINAL)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    moved = date(year, month + 1, min(day.day, last))
    return (moved.toordinal() - _EPOCH_ORDINAL) * DAY_NS + wall % DAY_NS


def parse_interval(text: str) -> Interval:
    """ "15min", "1h", "1d" (calendar days), "1mo" (calendar months); ValueError otherwise."""
    word = text.strip()
    if word.endswith("mo") and word[:-2].isdecimal() and 0 < int(word[:-2]) <= 1200:
        return Interval("month", int(word[:-2]))
    ns = duration_ns(word)
    if word.endswith("d"):
        if ns % DAY_NS:
            raise ValueError(f'"{text}": write whole days, or hours.')
        return Interval("day", ns // DAY_NS)
    return Interval("ns", ns)


def _steps(stamps: Stamps) -> list[int]:
    times = sorted({wall for wall in stamps.wall if wall is not None})
    return sorted(b - a for a, b in pairwise(times))


def infer_interval(stamps: Stamps, path: Path, guesses: list[str]) -> Interval:
    """The interval from the median step between stamps.

    Raises DataError with fewer than two stamps, or when most steps are not the median one.
    """
    steps = _steps(stamps)
    if not steps:
        raise DataError(
            "one stamp does not show the length of the intervals.",
            Where(file=str(path)),
            "Say it, e.g. --interval 1d.",
        )
    median = steps[(len(steps) - 1) // 2]
    share = Counter(steps)[median] / len(steps)
    if _monthly(steps, stamps.wall):
        guesses.append("interval: calendar months, from the steps between stamps")
        return Interval("month", 1)
    if share < 0.5:
        raise DataError(
            f"the steps between stamps vary (the usual one, {Interval('ns', median)}, is {share:.0%} of them).",
            Where(file=str(path)),
            "Say the interval (--interval), or that the stamps are instants (--stamp instant).",
        )
    whole_days = median % DAY_NS == 0
    found = Interval("day", median // DAY_NS) if whole_days else Interval("ns", median)
    guesses.append(f"interval: {found}, the median step between stamps ({share:.1%} of the steps)")
    return found


def _monthly(steps: list[int], walls: Iterable[int | None]) -> bool:
    if steps[0] < 28 * DAY_NS or steps[(len(steps) - 1) // 2] > 31 * DAY_NS:
        return False
    days = {
        (date.fromordinal(wall // DAY_NS + _EPOCH_ORDINAL).day, wall % DAY_NS)
        for wall in walls
        if wall is not None
    }
    return len(days) == 1


def check_interval(given: Interval, stamps: Stamps, stamp: str, path: Path, guesses: list[str]) -> None:
    """Raises DataError when rows told to be longer than the steps between them would overlap."""
    if given.unit == "month" and stamp == "middle":
        raise ConfigError("calendar months need stamps at their start or end.", Where(file=str(path)))
    steps = _steps(stamps)
    if not steps:
        return
    median = steps[(len(steps) - 1) // 2]
    if median * 1.1 < given.about_ns:
        raise DataError(
            f"the stamps stand {Interval('ns', median)} apart, intervals of {given} would overlap.",
            Where(file=str(path)),
            "Leave the interval out to have it found, or say the right one.",
        )
    if median > given.about_ns * 1.1:
        guesses.append(f"the stamps stand {Interval('ns', median)} apart: gaps between intervals of {given}")


def midnights_of_old_date(stamps: Stamps, interval: Interval) -> tuple[list[int], bool]:
    """Rows at 00:00 that jump back by a day less one interval, and whether no row at 00:00 does otherwise.

    A file whose newest row stands first goes back with every row: none of them is one.
    """
    if interval.unit != "ns" or interval.count >= DAY_NS or stamps.backward * 2 > len(stamps.wall):
        return [], False
    jumps: list[int] = []
    proper = False
    last: int | None = None
    for place, wall in enumerate(stamps.wall):
        if wall is None:
            continue
        if last is not None and wall % DAY_NS == 0:
            if wall < last < wall + DAY_NS:
                jumps.append(place)
            elif wall - last == interval.count:
                proper = True
        last = wall
    return jumps, not proper
