"""The adjustment for another week: what the baseline expects when days are worked like other weekdays."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Floats
from analysis.data import Interval
from analysis.events import _ledger_words as words
from analysis.events._entry import WEEKDAYS, Entry
from analysis.models import design
from analysis.results import Adjustment, Model, Refusal, Savings
from analysis.uncertainty import independent_days

CONFIDENCE: Final = 0.9


def by_calendar(savings: Savings, entry: Entry, model: Model, frame: pd.DataFrame) -> Adjustment | Refusal:
    """What the adjusted baseline changes by when the days of an event count as the weekdays of `entry.week`.

    Each interval keeps its weather, production and day type and is expected as on the other weekday of the
    same baseline, so that a plant which rests on other days is held against the same number of rest days
    (IPMVP's routine terms at the changed condition). Nothing is learned from the reporting period: more or less energy
    used since stays in the saving. ± from the baseline's coefficients on the difference of both design
    rows, at 90 %. A difference of weekdays has no common level, hence next to no covariance with the
    saving's own error. Refused for weeks, months and bills, and for a baseline that treats those weekdays alike
    or never had one of them.
    """
    seconds = Interval(model.interval).seconds
    index = pd.DatetimeIndex(frame.index)
    if seconds is None or seconds > 86_400:
        return words.refuse_calendar(entry.id, "interval")
    inside = entry.covers(index) & savings.frame["used"].to_numpy(dtype=np.bool_)
    before = design(model, frame)
    contrast = np.zeros(before.shape[1])
    weekday = index.day_of_week.to_numpy()
    count = 0
    for day, like in entry.week:
        number, shift = WEEKDAYS.index(day), WEEKDAYS.index(like) - WEEKDAYS.index(day)
        rows = inside & (weekday == number)
        if not rows.any() or not shift:
            continue
        # the whole table moves, so that smoothed and lagged columns keep their neighbours
        after = design(model, frame.set_axis(_moved(index, shift, seconds)))
        changed: Floats = after[rows] - before[rows]
        if np.isnan(changed).any():
            return words.refuse_calendar(entry.id, "unknown")
        contrast += np.sum(changed, axis=0)
        count += int(np.sum(np.any(np.abs(changed) > 0.0, axis=1)))
    if not count:
        return words.refuse_calendar(entry.id, "alike")
    amount = float(contrast @ model.coefficients)
    kappa = model.statistics.n / independent_days(model.statistics)
    spread = math.sqrt(max(kappa * float(contrast @ model.covariance @ contrast), 0.0))
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2.0) * spread
    told = words.entry(entry.method, entry.by, entry.at, entry.why, amount, savings.unit)
    return Adjustment(entry.id, amount, half, *told, CONFIDENCE)


def _moved(index: pd.DatetimeIndex, days: int, seconds: float) -> pd.DatetimeIndex:
    """The index some days later; days stay days of the wall clock where summer time starts or ends."""
    shift = pd.Timedelta(days=days)
    if index.tz is None or seconds < 86_400:
        return index + shift
    wall = index.tz_localize(None) + shift
    return wall.tz_localize(index.tz, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
