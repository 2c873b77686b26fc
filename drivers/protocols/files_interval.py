"""The interval a row speaks for: fixed lengths, calendar days of 23 to 25 hours, calendar months."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, duration_ns
from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_time import Stamps, Walls

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


def _times(stamps: Stamps) -> npt.NDArray[np.int64]:
    import numpy as np

    wall = stamps.wall[stamps.good]
    return wall if bool((wall[1:] > wall[:-1]).all()) else np.unique(wall)


def _steps(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    import numpy as np

    steps = np.diff(times)
    steps.sort()
    return steps


def infer_interval(stamps: Stamps, path: Path, guesses: list[str]) -> Interval:
    """The interval from the median step between stamps.

    Raises DataError with fewer than two stamps, or when most steps are not the median one.
    """
    times = _times(stamps)
    steps = _steps(times)
    if not len(steps):
        raise DataError(
            "one stamp does not show the length of the intervals.",
            Where(file=str(path)),
            "Say it, e.g. --interval 1d.",
        )
    median = int(steps[(len(steps) - 1) // 2])
    alike = int((steps == median).sum())
    share = alike / len(steps)
    if _monthly(steps, times):
        guesses.append("interval: calendar months, from the steps between stamps")
        return Interval("month", 1)
    if share < 0.5 or (alike == 1 and len(steps) > 1):
        raise DataError(
            f"the steps between stamps vary (the usual one, {Interval('ns', median)}, is {share:.0%} of them).",
            Where(file=str(path)),
            "Say the interval (--interval), or that the stamps are instants (--stamp instant).",
        )
    whole_days = median % DAY_NS == 0
    found = Interval("day", median // DAY_NS) if whole_days else Interval("ns", median)
    guesses.append(f"interval: {found}, the median step between stamps ({share:.1%} of the steps)")
    return found


def _monthly(steps: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> bool:
    if int(steps[0]) < 28 * DAY_NS or int(steps[(len(steps) - 1) // 2]) > 31 * DAY_NS:
        return False
    days = {
        (date.fromordinal(wall // DAY_NS + _EPOCH_ORDINAL).day, wall % DAY_NS) for wall in map(int, times)
    }
    return len(days) == 1


def check_interval(given: Interval, stamps: Stamps, stamp: str, path: Path, guesses: list[str]) -> None:
    """Raises DataError when rows told to be longer than the steps between them would overlap."""
    if given.unit == "month" and stamp == "middle":
        raise ConfigError("calendar months need stamps at their start or end.", Where(file=str(path)))
    steps = _steps(_times(stamps))
    if not len(steps):
        return
    median = int(steps[(len(steps) - 1) // 2])
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
    import numpy as np

    places = np.flatnonzero(stamps.good)
    wall = stamps.wall[places]
    before, after = wall[:-1], wall[1:]
    midnight = after % DAY_NS == 0
    jumps = midnight & (after < before) & (before < after + DAY_NS)
    proper = bool((midnight & (after - before == interval.count)).any())
    return [int(place) for place in places[1:][jumps]], not proper
