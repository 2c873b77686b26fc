"""Where a smoothed temperature starts: what is known of the days before a frame's first row.

A frame that begins in the middle of a winter says nothing of the weather before it, and the smoothed
temperature of its first days leans on where it starts. The baseline's last state is remembered for
frames that follow it; for others the state is estimated from the season and the frame's first day, or
given by the weather itself (`with_weather_before`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from analysis._frames import Floats, numbers
from analysis.baselines._hours import smoothed
from analysis.data import Interval
from analysis.results import Finding, Model
from dodac.errors import DataError

_YEAR_DAYS = 365.25
_MONTH_DAYS = _YEAR_DAYS / 12.0
_DAY_S = 86_400
# fewer days of a month than these are no season
_FEW_DAYS = 10
# a start that is guessed and weighs more than this share of a period is told
_TOLD = 0.05

__all__ = ["unknown_start", "with_weather_before"]


def with_weather_before(model: Model, temperature: pd.Series[float]) -> Model:
    """The model with the weather before a period: its smoothed temperature then starts from what it was.

    temperature: °C, one value an interval of the model (local starts), some ten days that end where the
    period begins; NaN where not measured. A model without a smoothed temperature comes back as it is.
    Without this a week is off by 2.5 % (RMS, b01), a month by 0.7 %, a year by less than 0.1 %. Raises
    DataError for a series without times, out of order or without a number.
    """
    settings = cast("dict[str, Any]", model.settings)
    hours = float(settings.get("smoothing_h") or 0.0)
    if hours <= 0.0:
        return model
    index = temperature.index
    if not isinstance(index, pd.DatetimeIndex) or not index.is_monotonic_increasing or not index.is_unique:
        raise DataError(
            "the weather has no times in order as its index.", todo="Sort it; keep one row a time."
        )
    values = numbers(temperature.to_frame("temperature"), "temperature")
    if np.isnan(values).all():
        raise DataError("the weather before the period has no number in it.")
    start = dict(settings.get("smoothing_start") or {"months": []})
    start.pop("last", None)
    seconds = Interval(model.interval).seconds or _DAY_S
    start = with_last(start, values, index, hours, seconds)
    return replace(model, settings={**settings, "smoothing_start": start})


def unknown_start(settings: Mapping[str, object], index: pd.DatetimeIndex, seconds: int) -> list[Finding]:
    """Said of a period so short that its guessed start counts."""
    of = cast("dict[str, Any]", settings)
    hours = float(of.get("smoothing_h") or 0.0)
    if hours <= 0.0 or not len(index):
        return []
    guessed = 1.0
    if "last" in (of.get("smoothing_start") or {}):
        apart = float(_wall(index)[0] - of["smoothing_start"]["last"][0]) - seconds
        guessed = 1.0 - math.exp(-max(apart, 0.0) / (3600.0 * hours)) if apart > -seconds else 1.0
    if guessed * hours * 3600.0 <= _TOLD * len(index) * seconds:
        return []
    days = math.ceil(3.0 * hours / 24.0)
    day = f"{index[0]:%Y-%m-%d}"
    return [
        Finding(
            "weather_before_unknown",
            f"The model remembers the weather of some {days} days; what it was before {day} is estimated. For a "
            f"period this short, give it {days} days of earlier weather (with_weather_before).",
            f"Mô hình nhớ thời tiết của khoảng {days} ngày; thời tiết trước {day} chỉ được ước lượng. Với kỳ ngắn "
            f"như vậy, hãy cung cấp {days} ngày thời tiết trước đó (with_weather_before).",
            {"days": days, "smoothing_h": hours, "start": day},
        )
    ]


def start_settings(
    temperature: Floats, index: pd.DatetimeIndex, hours: float, seconds: int
) -> dict[str, object]:
    """What `warmed` needs, as plain data, from a baseline's temperature (°C, NaN where not measured).

    months: those seen; air_c, slow_c: mean of the air and of the smoothed temperature at the start of
    a day in each; follow: by how many K the smoothed temperature at the start of a day is above its
    season's mean for each K that the day is; last: [wall time in seconds, °C] of the last measured row.
    """
    if hours <= 0.0:
        return {}
    days = _wall(index) // _DAY_S
    begins = np.flatnonzero(np.diff(days, prepend=days[:1] - 1))
    there = ~np.isnan(temperature)
    count = np.add.reduceat(there.astype(np.float64), begins)
    air = np.add.reduceat(np.where(there, temperature, 0.0), begins) / np.maximum(count, 1.0)
    slow = smoothed(temperature, index, hours, seconds)
    # the state before a day: of daily rows, that of the row before
    slow = np.concatenate([[np.nan], slow[begins[1:] - 1]]) if seconds >= _DAY_S else slow[begins]
    known = (count > 0.0) & ~np.isnan(slow)
    air, slow, days = air[known], slow[known], days[begins][known]
    month = index[begins[known]].month.to_numpy()
    rows = [(one, month == one) for one in range(1, 13)]
    rows = [(one, mine) for one, mine in rows if np.sum(mine) >= _FEW_DAYS]
    found: dict[str, object] = {
        "months": [one for one, _ in rows],
        "air_c": [round(float(np.mean(air[mine])), 3) for _, mine in rows],
        "slow_c": [round(float(np.mean(slow[mine])), 3) for _, mine in rows],
    }
    place = _day_of_year(days)
    air = air - _season(found, "air_c", place)
    late = slow - _season(found, "slow_c", place)
    power = float(air @ air)
    follow = float(air @ late) / power if power > 0.0 else 1.0
    found["follow"] = round(min(max(follow, 0.0), 1.0), 3)
    return found


def with_last(
    start: Mapping[str, object], temperature: Floats, index: pd.DatetimeIndex, hours: float, seconds: int
) -> dict[str, object]:
    """The same with the state after the last measured row, from which a frame that follows goes on."""
    if not start:
        return {}
    slow = warmed(start, temperature, index, hours, seconds)
    known = np.flatnonzero(~np.isnan(slow))
    if not len(known):
        return dict(start)
    last = int(known[-1])
    return {**start, "last": [int(_wall(index)[last]), round(float(slow[last]), 3)]}


def warmed(
    start: Mapping[str, object] | None,
    temperature: Floats,
    index: pd.DatetimeIndex,
    hours: float,
    seconds: int,
) -> Floats:
    """The smoothed temperature of a frame, started as well as a baseline's settings allow.

    start: of `with_last`; None or empty (an older baseline): the mean of the frame's first day. A frame
    that begins after the baseline's end starts from its last state, which fades with the time between.
    """
    known = np.flatnonzero(~np.isnan(temperature))
    if not start or not len(known):
        return smoothed(temperature, index, hours, seconds)
    of = cast("dict[str, Any]", start)
    first = int(known[0])
    wall = _wall(index)
    # the rows of the first 24 hours with a temperature
    near = known[wall[known] < wall[first] + max(_DAY_S, seconds)]
    mean = float(np.mean(temperature[near]))
    state = mean
    if int(index[first].month) in of.get("months", []):
        place = _day_of_year(wall[first : first + 1] // _DAY_S)
        whole = min(1.0, len(near) * seconds / _DAY_S)
        state = float(_season(of, "slow_c", place)[0])
        state += of["follow"] * whole * (mean - float(_season(of, "air_c", place)[0]))
    if "last" in of:
        at, value = of["last"]
        apart = float(wall[0] - at) - seconds
        # an hour either way: the end of summer time
        if apart > -seconds:
            state += math.exp(-max(apart, 0.0) / (3600.0 * hours)) * (value - state)
    return smoothed(temperature, index, hours, seconds, state)


def _wall(index: pd.DatetimeIndex) -> Any:
    local = index if index.tz is None else index.tz_localize(None)
    return local.as_unit("s").asi8


def _day_of_year(days: Any) -> Floats:
    """Days since the turn of a year, for the season alone (leap days do not matter)."""
    # 1970-01-01 is day 0
    found: Floats = np.asarray(days, dtype=np.float64) % _YEAR_DAYS
    return found


def _season(start: Mapping[str, object], key: str, place: Floats) -> Floats:
    """A monthly mean between the middles of the months that were seen."""
    of = cast("dict[str, Any]", start)
    if not of["months"]:
        return np.zeros(len(place))
    middles = (np.array(of["months"], dtype=np.float64) - 0.5) * _MONTH_DAYS
    found: Floats = np.interp(place, middles, np.array(of[key]), period=_YEAR_DAYS)
    return found
