"""The one data class that every baseline is fitted on: energy and its drivers, one row an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Bools, Floats, check_table, numbers, used_mask
from analysis.results import Finding
from dodac.errors import ConfigError, DataError

DAYS_COLUMN: Final = "days"
# the day of reading may count for both bills
_OVERLAP_DAYS: Final = 1.5


class Interval(StrEnum):
    """What a row of a frame speaks for; months and bills differ in length."""

    QUARTER_HOUR = "15min"
    HALF_HOUR = "30min"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    BILL = "bill"

    @classmethod
    def _missing_(cls, value: object) -> Interval:
        raise ConfigError(f'there is no interval "{value}".', todo=f"Choose one of: {', '.join(cls)}.")

    @property
    def seconds(self) -> int | None:
        """The nominal length; None where rows differ in length."""
        return _SECONDS.get(self)

    @property
    def per_year(self) -> float:
        """How many make a year (bills: as months)."""
        seconds = self.seconds
        return 12.0 if seconds is None else 365.25 * 86_400.0 / seconds


_SECONDS: Final = {
    Interval.QUARTER_HOUR: 900,
    Interval.HALF_HOUR: 1800,
    Interval.HOUR: 3600,
    Interval.DAY: 86_400,
    Interval.WEEK: 604_800,
}


@dataclass(frozen=True)
class MeterData:
    """Energy and its drivers over one period, checked once; make it with `meter_data`.

    frame: DatetimeIndex = local start of each interval, in order, none twice; columns: `energy`
    (amount of the interval in `unit`), `temperature` (°C, mean) when there is one, each driver
    (number: production, occupancy, hours, …), each category (words: day type, operating mode,
    shift, …), and optionally `used` (False leaves a row out) and, for months and bills, `days`
    (length in days). NaN is "not measured". findings: what its preparation had to say.
    """

    frame: pd.DataFrame
    unit: str
    interval: Interval
    energy: str = "energy"
    temperature: str | None = None
    drivers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def index(self) -> pd.DatetimeIndex:
        """Local starts of the intervals."""
        return pd.DatetimeIndex(self.frame.index)

    @property
    def y(self) -> Floats:
        """The energy column, NaN where nothing was measured."""
        return numbers(self.frame, self.energy)

    @property
    def days(self) -> Floats:
        """The length of each interval in days (as measured in civil days: summer time is ignored)."""
        seconds = self.interval.seconds
        if DAYS_COLUMN in self.frame.columns:
            return numbers(self.frame, DAYS_COLUMN)
        if seconds is not None:
            return np.full(len(self.frame), seconds / 86_400.0)
        return self.index.days_in_month.to_numpy(dtype="float64")

    @property
    def used(self) -> Bools:
        """Rows that are not excluded and have energy, temperature and every driver and category."""
        columns = [self.y, *(numbers(self.frame, name) for name in self.drivers)]
        if self.temperature is not None:
            columns.append(numbers(self.frame, self.temperature))
        mask = used_mask(self.frame, columns)
        for name in self.categories:
            mask &= self.frame[name].notna().to_numpy()
        return mask


def meter_data(
    frame: pd.DataFrame,
    *,
    unit: str,
    interval: Interval | str,
    energy: str = "energy",
    temperature: str | None = None,
    drivers: Sequence[str] = (),
    categories: Sequence[str] = (),
    findings: Sequence[Finding] = (),
) -> MeterData:
    """A checked `MeterData` over a frame (not copied).

    Raises DataError naming row or column: no DatetimeIndex, an empty stamp, not in order, a time
    twice, two rows in one interval, a column missing, there twice or not numbers, bills without `days` or
    longer than the time to the next.
    """
    step = Interval(interval)
    check_table(frame)
    found = MeterData(
        frame, unit, step, energy, temperature, tuple(drivers), tuple(categories), tuple(findings)
    )
    _check_times(frame.index, step)
    for name in (energy, *((temperature,) if temperature else ()), *drivers):
        numbers(frame, name)
    for name in categories:
        if name not in frame.columns:
            have = ", ".join(str(column) for column in frame.columns)
            raise DataError(f'there is no column "{name}".', todo=f"The table has: {have}.")
        if frame[name].ndim != 1:
            raise DataError(f'the column "{name}" is there more than once.', todo="Keep one of them.")
        if any(isinstance(value, list | dict | set) for value in frame[name].tolist()):
            raise DataError(f'the column "{name}" holds lists, not words.', todo="Write one word a row.")
    if step is Interval.BILL and DAYS_COLUMN not in frame.columns:
        raise DataError(
            'bills need a column "days" with the length of each.', todo="Make it with bills_frame()."
        )
    if step is Interval.BILL:
        _check_lengths(found)
    return found


def _check_lengths(data: MeterData) -> None:
    """Bills that last into the next one count days twice."""
    index = data.index if data.index.tz is None else data.index.tz_localize(None)
    starts = index.as_unit("s").asi8 / 86_400.0
    over = np.flatnonzero(data.days[:-1] > np.diff(starts) + _OVERLAP_DAYS)
    if len(over):
        at = int(over[0])
        raise DataError(
            f"the bill of {index[at]:%Y-%m-%d} has {data.days[at]:g} days, but the next one starts "
            f"{starts[at + 1] - starts[at]:g} days later.",
            todo='Correct its "days" or its date: the index is the START of a bill.',
        )


def _check_times(index: pd.Index, interval: Interval) -> None:
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the table has no times as its index.", todo="Give a DatetimeIndex of local starts.")
    if index.hasnans:
        raise DataError("a row has no time.", todo="Remove it or correct its time.")
    if not index.is_monotonic_increasing:
        raise DataError("the rows are not in order of time.", todo="Sort the table first.")
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise DataError(
            f"the time {twice} is there more than once.",
            todo="Keep one row an interval; at the end of summer time give times with their zone.",
        )
    seconds = interval.seconds
    if seconds is None or len(index) < 2:
        return
    # an hour less: the day on which summer time starts has 23
    least = seconds - 3600 if interval in (Interval.DAY, Interval.WEEK) else seconds
    steps = np.diff(index.as_unit("s").asi8)
    place = int(np.argmin(steps))
    if steps[place] < least:
        raise DataError(
            f"{index[place]} and {index[place + 1]} are less than one {interval} apart.",
            todo=f"Give one row a {interval}.",
        )
