"""Rows to look for events in: checked times, hours brought to days, special days apart."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Bools, Floats, numbers, used_mask
from analysis.data import Interval
from dodac.errors import DataError

_WHOLE_DAY: Final = 0.8


def in_order(frame: pd.DataFrame, step: Interval) -> pd.DataFrame:
    """The rows by time; DataError for rows without a time, or days, weeks and months named twice."""
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the table has no times as its index.", todo="Give a DatetimeIndex of local starts.")
    if index.hasnans:
        raise DataError("a row has no time.", todo="Remove it or correct its time.")
    # the hour that the clock is set back by is there twice, in tables without a zone
    if (step.seconds is None or step.seconds >= 86_400) and index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise DataError(
            f"the {step.value} of {twice:%Y-%m-%d} is there more than once.", todo="Keep one row."
        )
    return frame if index.is_monotonic_increasing else frame.sort_index(kind="stable")


def interval_of(index: pd.DatetimeIndex) -> Interval:
    """The interval whose length is nearest to the usual distance of rows; months from 27 days on."""
    if len(index) < 2:
        return Interval.DAY
    usual = float(np.median(np.diff(index.as_unit("s").asi8)))
    if usual > 20 * 86_400:
        return Interval.MONTH
    return min(
        (step for step in Interval if step.seconds is not None),
        key=lambda step: abs(math.log(usual / float(step.seconds or 1))),
    )


def rows_of(frame: pd.DataFrame, step: Interval) -> tuple[Floats, Floats, Floats, pd.DatetimeIndex]:
    """measured − expected, expected, measured and times, with hours brought to whole days."""
    measured, expected = numbers(frame, "measured"), numbers(frame, "expected")
    used = used_mask(frame, [measured, expected])
    index = pd.DatetimeIndex(frame.index)
    if step.seconds is None or step.seconds >= 86_400:
        blank = np.where(used, measured - expected, np.nan)
        return blank, expected, measured, index
    a_day = 86_400 / step.seconds
    table = pd.DataFrame({"m": measured, "e": expected, "n": 1.0}, index=index)[used]
    # days by the calendar, without a zone: where summer time starts at midnight that time does not exist
    wall = index[used] if index.tz is None else index[used].tz_localize(None)
    days = table.groupby(wall.normalize()).sum()
    days = days[days["n"] >= _WHOLE_DAY * a_day]
    scale = (a_day / days["n"]).to_numpy()
    m, e = days["m"].to_numpy() * scale, days["e"].to_numpy() * scale
    return m - e, e, m, pd.DatetimeIndex(days.index)


def usual_days(days: pd.DatetimeIndex, day_types: pd.Series[str]) -> Bools:
    """Which days are no holidays, Tết or other special days."""
    types = pd.Series(day_types.to_numpy(), index=[str(day)[:10] for day in day_types.index])
    word = types[~types.index.duplicated()].reindex([str(day)[:10] for day in days])
    return np.asarray((word.fillna("normal") == "normal").to_numpy(), dtype=np.bool_)


def neighbours(days: pd.DatetimeIndex, step: Interval) -> Bools:
    """Which rows follow the one before without a gap."""
    usual = float(step.seconds or 30.4375 * 86_400)
    return np.asarray(np.diff(days.as_unit("s").asi8) < 1.5 * usual, dtype=np.bool_)
