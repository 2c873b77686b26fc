"""Degree-days and degree-hours of any interval for a row of balance points, from hourly or daily temperature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Floats
from analysis.baselines._columns import hinge
from analysis.data import MeterData
from dodac.errors import DataError

HEATING_GRID: Final = tuple(np.arange(8.0, 22.5, 0.5).tolist())
COOLING_GRID: Final = tuple(np.arange(14.0, 30.5, 0.5).tolist())
# hours of an interval without a temperature that are still filled with the interval's own mean
_MOST_MISSING: Final = 0.1


def degree_columns(
    temperature: pd.Series,
    rows: MeterData | pd.DataFrame,
    *,
    heating: Sequence[float] = HEATING_GRID,
    cooling: Sequence[float] = COOLING_GRID,
    prefixes: tuple[str, str] = ("hdd", "cdd"),
) -> pd.DataFrame:
    """The frame of `rows` with one column of degree-days (K·d) for each balance point ("hdd_18", "cdd_22.5").

    temperature: °C, one value an hour or a day (degree-hours ÷ 24, or degree-days from daily means), a
    DatetimeIndex of interval starts in the rows' zone. rows: each row lasts to the next one's start, or
    its `days`. A row with more than a tenth of its temperatures missing gets NaN; fewer count as the
    row's mean. Raises DataError when the temperatures are coarser than the rows or of another zone.
    Source: degree-hours by hour as CalTRACK issue 120 and ISO 15927-6 (accumulated temperature differences).
    """
    frame = rows.frame if isinstance(rows, MeterData) else rows
    index = pd.DatetimeIndex(frame.index)
    times = temperature.index
    if not isinstance(times, pd.DatetimeIndex) or not times.is_monotonic_increasing or len(times) < 2:
        raise DataError(
            "temperatures need a DatetimeIndex in order.", todo="Give one value an hour or a day."
        )
    if (times.tz is None) != (index.tz is None):
        raise DataError("temperatures and rows: one has a time zone, the other has none.")
    step = int(np.median(np.diff(times.as_unit("s").asi8)))
    starts, ends = _edges(index, frame)
    at = times.as_unit("s").asi8
    if len(index) and float(np.median(ends - starts)) < step - 1:
        raise DataError("temperatures are coarser than the rows.", todo="Give hourly or daily ones.")
    values = np.array(temperature.to_numpy(dtype="float64", na_value=np.nan))  # writable
    values[~np.isfinite(values)] = np.nan
    whole = ends > starts
    ends = np.where(whole, ends, starts)
    low, high = np.searchsorted(at, starts), np.searchsorted(at, ends)
    days = (ends - starts) / 86_400.0
    expected = np.maximum(np.round((ends - starts) / step), 1.0)
    have = ~np.isnan(values)
    count = _between(have.astype(np.float64), low, high)
    good = whole & (count >= (1.0 - _MOST_MISSING) * expected)
    found = {}
    for side, places, prefix in (("heating", heating, prefixes[0]), ("cooling", cooling, prefixes[1])):
        for place in places:
            gap = np.where(have, hinge(side, values, float(place)), 0.0)
            mean = _between(gap, low, high) / np.maximum(count, 1.0)
            found[f"{prefix}_{place:g}"] = np.where(good, mean * days, np.nan)
    return pd.concat([frame, pd.DataFrame(found, index=frame.index)], axis=1)


def degree_grid(
    columns: Iterable[object], prefix: str, only: float | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """The balance points (°C, in order) and names of the columns PREFIX_BALANCE of a frame."""
    found = []
    for column in columns:
        name = str(column)
        if name.startswith(f"{prefix}_"):
            try:
                place = float(name[len(prefix) + 1 :])
            except ValueError:
                continue
            if only is None or abs(place - only) < 1e-9:
                found.append((place, name))
    found.sort()
    return np.array([place for place, _ in found]), tuple(name for _, name in found)


def _between(values: Floats, low: NDArray[np.intp], high: NDArray[np.intp]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    found: Floats = total[high] - total[low]
    return found


def _edges(index: pd.DatetimeIndex, frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Start and end of each row in seconds; of a day or more in local time, so that 23 or 25 hours are a day."""
    starts = index.as_unit("s").asi8.astype(np.float64)
    civil = index.tz_localize(None) if index.tz is not None else index
    local = civil.as_unit("s").asi8.astype(np.float64)
    gaps = np.diff(local)
    usual = float(np.median(gaps)) if len(gaps) else 86_400.0
    if "days" in frame.columns:
        ends = local + 86_400.0 * frame["days"].to_numpy(dtype="float64")
    elif len(index) and np.all(index.day == 1) and (usual > 27 * 86_400.0):
        following = [stamp + pd.DateOffset(months=1) for stamp in civil]
        ends = pd.DatetimeIndex(following).as_unit("s").asi8.astype(np.float64)
    else:
        # after a gap in the rows a row lasts as usual, not to the next one
        ends = np.append(local[1:], local[-1:] + usual)
        ends = np.where(ends - local > 1.5 * usual, local + usual, ends)
        if usual < 86_400.0:
            return starts, starts + (ends - local)
    if index.tz is None:
        return starts, ends
    found = pd.DatetimeIndex(pd.to_datetime(np.round(np.nan_to_num(ends, nan=0.0)), unit="s"))
    found = found.tz_localize(
        index.tz, ambiguous=np.ones(len(found), dtype=bool), nonexistent="shift_forward"
    )
    return starts, np.where(np.isnan(ends), np.nan, found.as_unit("s").asi8.astype(np.float64))
