"""What any baseline may have beside temperature: drivers, categories as levels, lags, interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats, numbers
from analysis.baselines import _words as words
from analysis.data import Interval, MeterData
from analysis.results import Finding
from dodac.errors import ConfigError, DataError

Words = NDArray[np.object_]

# a category of the model's own, from the index
WEEKDAY: Final = "weekday"
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FEW: Final = 3


@dataclass(frozen=True)
class Extras:
    """names (k), columns (n × k, NaN where not measured), unknown (n: a word the baseline never had)."""

    names: tuple[str, ...]
    columns: Floats
    unknown: Bools


def extra_settings(
    data: MeterData,
    used: Bools,
    *,
    drivers: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    weekday: bool = False,
    lags: Mapping[str, Sequence[int]] | None = None,
    interactions: Sequence[tuple[str, str]] = (),
    few: int = _FEW,
) -> tuple[dict[str, object], list[Finding]]:
    """The settings from which `extras` builds the same columns for any period, and findings.

    used: rows of the fit. drivers, categories: of the data, None for all. weekday: the day of the
    week as one more category, taken from the index. lags: {column: [1, 2]}: values of earlier
    intervals. interactions: (category, driver): a slope of that driver for each level but the base.
    The base of a category is "normal" if there is one, else its commonest word; a word with fewer
    than `few` used rows is merged ("tet" into "holiday" if there is one, all else into the base).
    Keys: energy, temperature, drivers, categories, weekday, lags, interactions, levels, merged,
    ranges. Raises ConfigError for a name that the data do not have.
    """
    chosen = _chosen(drivers, data.drivers, "driver")
    kinds = _chosen(categories, data.categories, "category")
    lagged = {name: sorted({int(k) for k in steps}) for name, steps in (lags or {}).items()}
    _check_options(data, chosen, kinds, lagged, interactions, weekday)
    found: list[Finding] = []
    levels: dict[str, list[str]] = {}
    merged: dict[str, dict[str, str]] = {}
    for name in kinds:
        levels[name], merged[name] = _levels(name, as_words(data.frame, name)[used], few, found)
    if weekday:
        days = set(data.index.day_of_week.to_numpy()[used].tolist())
        levels[WEEKDAY] = [word for day, word in enumerate(_WEEKDAYS) if day in days]
    ranged = [*([data.temperature] if data.temperature else []), *chosen]
    settings: dict[str, object] = {
        "energy": data.energy,
        "temperature": data.temperature,
        "drivers": list(chosen),
        "categories": list(kinds),
        "weekday": weekday,
        "lags": lagged,
        "interactions": [list(pair) for pair in interactions],
        "levels": levels,
        "merged": merged,
        "ranges": {name: range_of(numbers(data.frame, name)[used]) for name in ranged},
    }
    return settings, found


def extras(settings: Mapping[str, object], frame: pd.DataFrame, interval: str) -> Extras:
    """The columns of a frame for settings of `extra_settings`.

    Names: driver.NAME, lag.NAME.K, CATEGORY.WORD, CATEGORY.WORD*DRIVER. The base level of each category
    has no column: the model has a constant. Raises DataError for a missing column or words that are none.
    """
    known = cast("dict[str, Any]", settings)
    index = pd.DatetimeIndex(frame.index)
    names: list[str] = []
    columns: list[Floats] = []
    unknown: Bools = np.zeros(len(frame), dtype=np.bool_)
    values = {name: numbers(frame, name) for name in known["drivers"]}
    for name, column in values.items():
        names.append(f"driver.{name}")
        columns.append(column)
    for name, steps in known["lags"].items():
        for step in steps:
            names.append(f"lag.{name}.{step}")
            columns.append(earlier(numbers(frame, name), index, step, interval))
    masks: dict[str, dict[str, Bools]] = {}
    for name, levels in known["levels"].items():
        if name == WEEKDAY and known["weekday"]:
            shown: Words = np.array(_WEEKDAYS, dtype=object)[index.day_of_week.to_numpy()]
        else:
            into = known["merged"].get(name, {})
            shown = np.array([into.get(word, word) for word in as_words(frame, name)], dtype=object)
        masks[name] = {level: shown == level for level in levels}
        unknown |= ~np.any(list(masks[name].values()), axis=0) if levels else True
        for level in levels[1:]:
            names.append(f"{name}.{level}")
            columns.append(masks[name][level].astype(np.float64))
    for category, driver in known["interactions"]:
        for level in known["levels"][category][1:]:
            names.append(f"{category}.{level}*{driver}")
            columns.append(np.where(masks[category][level], values[driver], 0.0))
    table = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    return Extras(tuple(names), table, unknown)


def as_words(frame: pd.DataFrame, column: str) -> Words:
    """A category as words, "" where there is none."""
    if column not in frame.columns:
        have = ", ".join(str(name) for name in frame.columns)
        raise ConfigError(f'there is no column "{column}".', todo=f"The table has: {have}.")
    series = frame[column]
    if series.ndim != 1:
        raise DataError(f'the column "{column}" is there more than once.', todo="Keep one of them.")
    plain = series.to_numpy(dtype=object)
    if set(map(type, plain.tolist())) <= {str}:
        return plain.copy()
    empty = series.isna().to_numpy()
    return np.array(["" if e else _word(v) for v, e in zip(plain, empty, strict=True)], dtype=object)


def earlier(values: Floats, index: pd.DatetimeIndex, step: int, interval: str) -> Floats:
    """The value of the interval `step` before each row's own, NaN where the frame has none.

    Bills and months follow one another by row; other intervals by time (a day of 23 or 25 hours too).
    """
    found = np.full(len(values), np.nan)
    seconds = Interval(interval).seconds
    if seconds is None:
        found[step:] = values[:-step]
        return found
    if seconds >= 86_400 and index.tz is not None:
        index = index.tz_localize(None)
    at = np.round(index.as_unit("s").asi8 / seconds).astype(np.int64)
    place = np.searchsorted(at, at - step)
    hit = at[np.minimum(place, len(at) - 1)] == at - step
    found[hit] = values[place[hit]]
    return found


def range_of(values: Floats) -> list[float]:
    """[lowest, highest, standard deviation] of what a baseline saw; zeros when it saw nothing."""
    values = values[~np.isnan(values)]
    if not len(values):
        return [0.0, 0.0, 0.0]
    return [float(np.min(values)), float(np.max(values)), float(np.std(values))]


def _word(value: object) -> str:
    # 1.0 and 1 are one shift
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _chosen(names: Sequence[str] | None, have: Sequence[str], what: str) -> tuple[str, ...]:
    if names is None:
        return tuple(have)
    for name in names:
        if name not in have:
            known = ", ".join(have) or "none"
            raise ConfigError(f'the data have no {what} "{name}".', todo=f"They have: {known}.")
    return tuple(names)


def _check_options(
    data: MeterData,
    drivers: Sequence[str],
    categories: Sequence[str],
    lags: Mapping[str, Sequence[int]],
    interactions: Sequence[tuple[str, str]],
    weekday: bool,
) -> None:
    if weekday and (data.interval.seconds is None or data.interval is Interval.WEEK):
        raise ConfigError(f"there is no day of the week in {data.interval} data.")
    if weekday and WEEKDAY in categories:
        raise ConfigError(f'"{WEEKDAY}" is a category of the data already.', todo="Leave weekday=True out.")
    for name, steps in lags.items():
        if name not in (*drivers, data.temperature):
            raise ConfigError(f'a lag of "{name}", which is no driver of the model.')
        if not steps or min(steps) < 1:
            raise ConfigError(f'lags of "{name}": {list(steps)}.', todo="Give whole numbers from 1.")
    for category, driver in interactions:
        known = (*categories, *((WEEKDAY,) if weekday else ()))
        if category not in known or driver not in drivers:
            raise ConfigError(
                f'an interaction "{category}" × "{driver}" needs both in the model.',
                todo="Give (category, driver).",
            )


def _levels(name: str, column: Words, few: int, found: list[Finding]) -> tuple[list[str], dict[str, str]]:
    counts = {word: int(np.sum(column == word)) for word in sorted(set(column.tolist())) if word}
    if not counts:
        return [], {}
    base = "normal" if counts.get("normal", 0) >= few else max(counts, key=lambda word: counts[word])
    common = [word for word, count in counts.items() if count >= few and word != base]
    merged: dict[str, str] = {}
    for word, count in counts.items():
        if word not in common and word != base:
            merged[word] = "holiday" if word == "tet" and "holiday" in common else base
            found.append(words.few_of_level(name, word, count, merged[word]))
    return [base, *common], merged
