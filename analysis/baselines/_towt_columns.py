"""The columns of the daily time-of-week-and-temperature model: knots, occupied weekdays, design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats, check_index, numbers
from analysis.baselines._extras import as_words, extras
from dodac.errors import DataError

# a rest day that is worked: in exchange for another (China's and Vietnam's make-up days) or by the company
WORKED = ("make_up", "working")
# words of which a column needs one to be of day types, and no shift or operating mode
DAY_TYPES = ("normal", "holiday", "tet", *WORKED)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# 50 and 65 °F: where heating ends and cooling starts in the preliminary regression (Mathieu et al. 2011)
_HEATING_C = 10.0
_COOLING_C = (65.0 - 32.0) * 5.0 / 9.0


def knots(temperature: Floats, segments: int, min_points: int) -> list[float]:
    """Inner temperatures (°C) that part the days into segments of equal count, at least one.

    An end knot goes while fewer than `min_points` days lie beyond it. As nmecr places them.
    """
    ordered = np.sort(temperature)
    n = len(ordered)
    places = np.floor(np.sort(n - n / segments * np.arange(segments + 1)) + 0.001).astype(int)
    found = [float(ordered[place - 1]) for place in places if place >= 1]
    while len(found) > 1 and int(np.sum(temperature > found[-1])) < min_points:
        found.pop()
    while len(found) > 1 and int(np.sum(temperature < found[0])) < min_points:
        found.pop(0)
    return sorted(set(found))


def occupied_weekdays(temperature: Floats, y: Floats, weekday: NDArray[np.int_], share: float) -> list[int]:
    """Weekdays (0 = Monday) that a plain heating-and-cooling line under-predicts on more than `share` of them."""
    line = np.column_stack(
        [
            np.ones(len(y)),
            np.minimum(temperature - _HEATING_C, 0.0),
            np.maximum(temperature - _COOLING_C, 0.0),
        ]
    )
    above = y - line @ np.linalg.lstsq(line, y, rcond=None)[0] > 0.0
    return [day for day in range(7) if np.sum(above & (weekday == day)) > share * np.sum(weekday == day)]


def segments_of(temperature: Floats, edges: list[float]) -> Floats:
    """Temperature cut into pieces that add up to it: below the first knot, between knots, above the last."""
    pieces = [np.minimum(temperature, edges[0])]
    for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
        pieces.append(np.clip(temperature - low, 0.0, high - low))
    return np.column_stack(pieces)


def slow_temperature(
    settings: dict[str, object], temperature: Floats, index: pd.DatetimeIndex
) -> Floats | None:
    """The smoothed temperature of a model that has one, its mean where nothing was measured."""
    hours = float(settings.get("smoothing_h", 0.0))  # type: ignore[arg-type]
    if hours <= 0.0:
        return None
    from analysis.baselines.warm_start import warmed

    start = cast("dict[str, object] | None", settings.get("smoothing_start"))
    return warmed(start, temperature, index, hours, 86_400)


def category_columns(settings: dict[str, object], frame: pd.DataFrame) -> tuple[dict[str, Floats], Bools]:
    """A column for each level but the base of each further category, and rows with an unknown word."""
    if not settings.get("categories"):
        return {}, np.zeros(len(frame), dtype=np.bool_)
    found = extras(
        {**settings, "drivers": [], "lags": {}, "interactions": [], "weekday": False}, frame, "day"
    )
    return dict(zip(found.names, found.columns.T, strict=True)), found.unknown


def type_words(frame: pd.DataFrame, column: str | None) -> NDArray[np.object_]:
    """Day types as words (numbers and truths too); "normal" everywhere when there is no column.

    Raises ConfigError when the column is missing, DataError when a day has no type.
    """
    if column is None:
        return np.full(len(frame), "normal", dtype=object)
    words = as_words(frame, column)
    if np.any(words == ""):
        raise DataError(f'a day in column "{column}" has no day type.', todo='Write "normal" for usual days.')
    return words


def tells_day_type(frame: pd.DataFrame, column: str) -> bool:
    """Has the column a word that day types have? A shift by number or a truth has none."""
    return not set(DAY_TYPES).isdisjoint(pd.unique(frame[column]))


def among(types: NDArray[np.object_], words: Sequence[str]) -> Bools:
    """Where a word is one of a few (much faster than np.isin, which sorts objects)."""
    found = np.zeros(len(types), dtype=np.bool_)
    for word in words:
        found |= types == word
    return found


def setting(settings: dict[str, object], key: str) -> Any:
    """One entry of a model's settings, whose kinds `fit_towt_daily` wrote."""
    return cast("Any", settings[key])


def all_columns(
    settings: dict[str, object],
    temperature: Floats,
    weekday: NDArray[np.int_],
    types: NDArray[np.object_],
    drivers: dict[str, Floats],
    slow: Floats | None = None,
) -> tuple[list[str], Floats, Bools]:
    """Names, values (days × names) and the days the model can't speak for.

    Blocks: occupied and unoccupied weekdays have their own temperature slopes; a special day
    (any day type but "normal") has its own level and the slopes of the unoccupied block, or of
    the only block there is. A rest day that is worked ("make_up", "working") counts as the settings'
    work_day. slow: smoothed temperature (°C), cut at smoothed_knots_c, with slopes by block.
    A weekday or day type the baseline never had is unknown.
    """
    edges = setting(settings, "knots_c")
    occupied = setting(settings, "occupied")
    known = setting(settings, "weekdays")
    merged = setting(settings, "merged_day_types")
    specials = setting(settings, "day_types")
    if "work_day" in settings:
        working = among(types, WORKED)
        types = np.where(working, "normal", types)
        weekday = np.where(working, setting(settings, "work_day"), weekday)
    kinds = np.array([merged.get(word, word) for word in types], dtype=object) if merged else types
    normal = kinds == "normal"
    unknown = normal & ~np.isin(weekday, known)
    unknown |= ~normal & ~among(kinds, specials)
    quiet = [day for day in known if day not in occupied]
    active = normal & np.isin(weekday, occupied)
    groups = []
    if occupied:
        groups.append(("occupied", active if quiet else active | ~normal))
    if quiet or not occupied:
        groups.append(("unoccupied", ~active))
    names: list[str] = []
    columns: list[Floats] = []
    for day in known:
        names.append(f"weekday.{WEEKDAYS[day]}")
        columns.append((normal & (weekday == day)).astype(np.float64))
    for special in specials:
        names.append(f"day_type.{special}")
        columns.append((kinds == special).astype(np.float64))
    pieces = segments_of(temperature, edges)
    for group, mask in groups:
        for place in range(pieces.shape[1]):
            names.append(f"{group}.temperature_{place + 1}")
            columns.append(np.where(mask, pieces[:, place], 0.0))
        if slow is None:
            continue
        lagged = segments_of(slow, setting(settings, "smoothed_knots_c"))
        for place in range(lagged.shape[1]):
            names.append(f"{group}.smoothed_{place + 1}")
            columns.append(np.where(mask, lagged[:, place], 0.0))
    for name, values in drivers.items():
        names.append(f"driver.{name}")
        columns.append(values)
    return names, np.column_stack(columns), unknown


def design(settings: dict[str, object], frame: pd.DataFrame) -> Floats:
    """The design matrix of a frame (days × terms of the model), with the columns of the baseline.

    A row is NaN where a driver is missing or where the model can't speak for the day (a weekday
    or day type that the baseline never had). Raises DataError for a frame that is not daily data.
    """
    index = check_index(frame)
    temperature = numbers(frame, setting(settings, "temperature"))
    drivers = {name: numbers(frame, name) for name in setting(settings, "drivers")}
    types = type_words(frame, setting(settings, "day_type"))
    weekday = index.day_of_week.to_numpy()
    levels, strange = category_columns(settings, frame)
    drivers |= levels
    slow = slow_temperature(settings, temperature, index)
    names, matrix, unknown = all_columns(settings, temperature, weekday, types, drivers, slow)
    place = {name: number for number, name in enumerate(names)}
    chosen = matrix[:, [place[name] for name in setting(settings, "columns")]]
    blank = unknown | strange | np.isnan(temperature)
    for values in drivers.values():
        blank |= np.isnan(values)
    chosen[blank] = np.nan
    return chosen
