"""Which rows a baseline is made of: any window, what is left out, the same season for a part of a year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools
from analysis.data import Interval, MeterData
from analysis.prepare import _window_words as words
from analysis.results import Refusal
from dodac.errors import ConfigError

Ints = NDArray[np.int64]
Day = date | str | pd.Timestamp

MONTHS: Final = (1, 48)
"""Lengths of a baseline window that are possible; 12 to 48 are usual, shorter ones give a finding."""


def window(data: MeterData, start: Day, end: Day, *, without: Sequence[tuple[Day, Day]] = ()) -> MeterData:
    """The rows from start up to end (the day after the last), less the stretches of `without` (first day, day after).

    Bills and months count when they lie in the window wholly. Raises ConfigError for an end that is not
    after its start.
    """
    begin, finish = _moment(data, start), _moment(data, end)
    if finish <= begin:
        raise ConfigError(f"the window ends ({finish.date()}) before it begins ({begin.date()}).")
    starts, ends = data.index, _ends(data)
    inside = np.asarray(starts >= begin) & np.asarray(ends <= finish)
    for first, after in without:
        one, other = _moment(data, first), _moment(data, after)
        if other <= one:
            raise ConfigError(f"what is left out ends ({other.date()}) before it begins ({one.date()}).")
        inside &= np.asarray(ends <= one) | np.asarray(starts >= other)
    return _rows(data, inside)


def baseline_window(
    data: MeterData, before: Day, *, months: int = 12, without: Sequence[tuple[Day, Day]] = ()
) -> MeterData | Refusal:
    """The `months` up to the day a measure starts; with a finding where less is there, or parts of a year.

    before: first day that is not baseline any more (start of the works; the blackout begins here).
    months: 12 to 48, whole years see each season equally often. Refused: no row in the window. Raises
    ConfigError for less than 1 or more than 48 months.
    """
    if not MONTHS[0] <= months <= MONTHS[1]:
        raise ConfigError(f"a baseline of {months} months is not possible.", todo="Choose 1 to 48.")
    finish = _moment(data, before)
    begin = finish - pd.DateOffset(months=months)
    found = window(data, begin, finish, without=without)
    if not len(found.frame):
        return words.refuse_no_rows(str(begin.date()), str(finish.date()))
    findings = list(found.findings)
    if months < 12:
        findings.append(words.short_window(months))
    elif months % 12:
        findings.append(words.part_of_a_year(months))
    late = (found.index[0] - begin).total_seconds() / 86_400
    slack = float(np.max(found.days)) + 1
    if late > slack:
        findings.append(words.begins_late(str(begin.date()), str(found.index[0].date()), late))
    return replace(found, findings=tuple(findings))


def same_season(baseline: MeterData, reporting: MeterData, *, beside_days: int = 0) -> MeterData | Refusal:
    """The baseline's rows of the same time of year as a reporting period that is no whole year.

    A period of four months is compared with the same months of each year of the baseline (CalTRACK issue
    93: partial years need matched seasons). beside_days: so many days more on each side. Whole years come
    back as they are. A finding says which rows were taken. Refused: the baseline has none of them.
    """
    if beside_days < 0:
        raise ConfigError("beside_days can't be below 0.")
    if not len(reporting.frame) or not len(baseline.frame):
        return words.refuse_no_season("", "")
    span = (_ends(reporting)[-1] - reporting.index[0]).total_seconds() / 86_400
    if span >= 350 - 2 * beside_days:
        return baseline
    wanted = np.zeros(367, dtype=bool)
    days = np.arange(round(span) + 2 * beside_days)
    first = _plain(reporting.index[:1])[0] - pd.Timedelta(days=beside_days)
    wanted[_of_year(pd.DatetimeIndex(first + pd.to_timedelta(days, unit="D")))] = True
    middles = _plain(baseline.index) + pd.to_timedelta(baseline.days / 2, unit="D")
    inside = wanted[_of_year(pd.DatetimeIndex(middles))]
    names = (first.strftime("%d-%m"), (first + pd.Timedelta(days=len(days) - 1)).strftime("%d-%m"))
    if not inside.any():
        return words.refuse_no_season(*names)
    found = _rows(baseline, inside)
    years = len(set(found.index.year))
    return replace(
        found, findings=(*found.findings, words.season(*names, int(inside.sum()), len(inside), years))
    )


def _of_year(index: pd.DatetimeIndex) -> Ints:
    """Day of a year of 366 days, so that a date is the same in every year."""
    before = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    return np.asarray(before[index.month.to_numpy() - 1] + index.day.to_numpy(), dtype=np.int64)


def _plain(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return index.tz_localize(None) if index.tz is not None else index


def _ends(data: MeterData) -> pd.DatetimeIndex:
    if data.interval in (Interval.MONTH, Interval.BILL, Interval.DAY, Interval.WEEK):
        plain = _plain(data.index) + pd.to_timedelta(data.days, unit="D")
        if data.index.tz is None:
            return pd.DatetimeIndex(plain)
        return pd.DatetimeIndex(plain).tz_localize(
            data.index.tz, ambiguous=np.ones(len(plain), dtype=bool), nonexistent="shift_forward"
        )
    return data.index + pd.to_timedelta(data.days, unit="D")


def _moment(data: MeterData, day: Day) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(day)
    except (ValueError, TypeError):
        raise ConfigError(f'"{day}" is no day.', todo="Write 2025-03-01.") from None
    if pd.isna(moment):
        raise ConfigError("a day is missing.", todo="Write 2025-03-01.")
    tz = data.index.tz
    if tz is None:
        return moment.tz_localize(None) if moment.tzinfo is not None else moment
    return moment.tz_localize(tz) if moment.tzinfo is None else moment.tz_convert(tz)


def _rows(data: MeterData, inside: Bools) -> MeterData:
    return replace(data, frame=data.frame.loc[inside])
