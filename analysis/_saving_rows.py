"""Which rows of a period a model can speak for, and what an auditor must know about the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import _notes as notes
from analysis import _saving_words as words
from analysis._frames import Bools, Floats, check_index, check_table, numbers, used_mask
from analysis.baselines._extras import as_words
from analysis.baselines._towt_columns import WEEKDAYS
from analysis.baselines.warm_start import unknown_start
from analysis.data import Interval, MeterData, meter_data
from analysis.extrapolation import graded_coverage, leverage_coverage
from analysis.models import design
from analysis.results import Finding, Model, Refusal

_YEAR_DAYS = 330


@dataclass(frozen=True)
class Rows:
    """A period seen by a model: design rows, the model's energy, what was measured, what is used.

    linear: rows @ coefficients (NaN where the model can't speak); measured: NaN
    where unknown, or all NaN for fixed conditions; whole: every column there and not excluded; used:
    whole and known to the model; days: length of each row; worth: how many baseline rows' errors the used rows
    hold (bills differ in length).
    """

    index: pd.DatetimeIndex
    design: Floats
    linear: Floats
    measured: Floats
    whole: Bools
    used: Bools
    days: Floats
    worth: float
    findings: tuple[Finding, ...]

    @property
    def model(self) -> Floats:
        """The model's energy of each row, below zero where it is: zeros in its place would lift the total."""
        return self.linear

    def total(self, values: Floats) -> float:
        """Sum over the used rows."""
        return float(np.sum(values[self.used]))


def frame_of(data: pd.DataFrame | MeterData) -> pd.DataFrame:
    """The frame of either; raises DataError for neither."""
    frame = data.frame if isinstance(data, MeterData) else data
    check_table(frame)
    return frame


def rows_of(model: Model, data: pd.DataFrame | MeterData, *, measured: bool = True) -> Rows | Refusal:
    """The rows of a period for a model, with findings; refused without a usable row or out of range.

    measured: False for fixed conditions, where no energy column is needed. Raises DataError for a
    frame that is no table of the model's interval.
    """
    frame = frame_of(data)
    settings = cast("dict[str, Any]", model.settings)
    interval = Interval(model.interval)
    index = index_of(frame, model, measured)
    energy = numbers(frame, settings["energy"]) if measured else np.full(len(frame), np.nan)
    matrix = design(model, frame)
    drivers = {name: numbers(frame, name) for name in settings["ranges"]}
    needed = [energy, *drivers.values()] if measured else [*drivers.values()]
    whole = used_mask(frame, needed)
    used = whole & ~np.isnan(matrix).any(axis=1)
    if not used.any():
        return words.refuse_no_rows(len(frame), interval)
    linear = matrix @ model.coefficients
    found: list[Finding] = []
    days = _days(frame, index, interval)
    ruled = _ruled(model)
    for name, values in drivers.items():
        shown, of = _rate(ruled, name, values[used], days[used])
        graded = graded_coverage(ruled, shown, of, np.maximum(linear, 0.0)[used])
        if isinstance(graded, Refusal):
            return graded
        found += graded
    if model.statistics.rmse > 0.0:
        found += leverage_coverage(model, matrix[used])
    if not whole.all():
        causes = _causes(frame, energy if measured else None, drivers)
        found.append(words.left_out(causes, int(np.sum(~whole)), len(frame), interval))
    found += _of_kinds(settings, frame, index, whole & ~used, interval)
    if settings.get("smoothing_h"):
        found += unknown_start(settings, index, interval.seconds or 86_400)
    covered = float(np.sum(days[used]))
    if covered < _YEAR_DAYS:
        found.append(notes.partial_year(round(covered), _YEAR_DAYS))
    below = int(np.sum(linear[used] < 0.0))
    if below:
        found.append(
            words.below_zero(below, float(np.sum(linear[used & (linear < 0.0)])), model.unit, interval)
        )
    mean_days = float(settings.get("mean_days", 0.0) or 0.0)
    worth = float(np.sum(used))
    if interval in (Interval.MONTH, Interval.BILL) and mean_days > 0.0:
        worth = covered / mean_days
    return Rows(index, matrix, linear, energy, whole, used, days, worth, tuple(found))


def _ruled(model: Model) -> Model:
    """The model with the ranges of amounts a day, where its bills differ in length (see `finish`)."""
    rates = cast("dict[str, Any]", model.settings.get("ranges_a_day") or {})
    if not rates:
        return model
    ranges = cast("dict[str, Any]", model.settings["ranges"]) | rates
    return replace(model, settings=model.settings | {"ranges": ranges})


def _rate(model: Model, name: str, values: Floats, days: Floats) -> tuple[str, Floats]:
    """A driver as its range is judged: an amount a day where bills differ in length, else as it is.

    A long bill is not outside for its total, nor a short one for its rate when bills had such totals.
    """
    ranges = cast("dict[str, list[float]]", model.settings["ranges"])
    rate = f"{name} / days"
    if rate not in ranges:
        return name, values
    found = values / days
    inside = (values >= ranges[name][0]) & (values <= ranges[name][1])
    found[inside] = np.clip(found[inside], ranges[rate][0], ranges[rate][1])
    return rate, found


def saving_frame(index: pd.DatetimeIndex, used: Bools, adjusted: Floats, measured: Floats) -> pd.DataFrame:
    """The frame of a `Savings`: each row's two sides, their difference where used, and its running sum."""
    saving = np.where(used, adjusted - measured, np.nan)
    return pd.DataFrame(
        {
            "measured": measured,
            "adjusted_baseline": adjusted,
            "saving": saving,
            "cumulative": np.cumsum(np.nan_to_num(saving)),
            "used": used,
        },
        index=index,
    )


def index_of(frame: pd.DataFrame, model: Model, measured: bool) -> pd.DatetimeIndex:
    """The index of a frame that is a table of the model's interval; DataError for any other."""
    if model.interval == Interval.DAY:
        return check_index(frame)
    column = str(model.settings["energy"])
    if not measured:
        column = next(iter(cast("dict[str, Any]", model.settings["ranges"])), str(frame.columns[0]))
    return meter_data(frame, unit=model.unit, interval=model.interval, energy=column).index


def _days(frame: pd.DataFrame, index: pd.DatetimeIndex, interval: Interval) -> Floats:
    seconds = interval.seconds
    if seconds is not None:
        return np.full(len(frame), seconds / 86_400.0)
    if "days" in frame.columns:
        return np.nan_to_num(numbers(frame, "days"))
    return index.days_in_month.to_numpy(dtype="float64")


def _causes(frame: pd.DataFrame, energy: Floats | None, drivers: dict[str, Floats]) -> dict[str, int]:
    """Each row that is left out, once, under its first cause."""
    left = np.ones(len(frame), dtype=np.bool_)
    found: dict[str, int] = {}
    masks = {"excluded": ~used_mask(frame, [])}
    if energy is not None:
        masks["no_energy"] = np.isnan(energy)
    masks |= {name: np.isnan(values) for name, values in drivers.items()}
    for cause, mask in masks.items():
        count = int(np.sum(mask & left))
        left &= ~mask
        if count:
            found[cause] = count
    return found


def _levels(settings: dict[str, Any]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Category column → the words the baseline knows, and those counted as another."""
    found = {}
    if settings.get("day_type"):
        known = ["normal", *settings["day_types"]]
        found[settings["day_type"]] = (known, dict(settings.get("merged_day_types") or {}))
    levels, merged = settings.get("levels") or {}, settings.get("merged") or {}
    for name in settings.get("categories") or []:
        if name in levels:
            found.setdefault(name, (list(levels[name]), dict(merged.get(name, {}))))
    return found


def _of_kinds(
    settings: dict[str, Any], frame: pd.DataFrame, index: pd.DatetimeIndex, strange: Bools, interval: Interval
) -> list[Finding]:
    """Rows of a kind the baseline never had; kinds that one of the periods lacks; Tết above all."""
    found: list[Finding] = []
    columns: dict[str, NDArray[np.object_]] = {}
    known = {name: level for name, level in _levels(settings).items() if name in frame.columns}
    for name in known:
        columns[name] = as_words(frame, name)
    if strange.any():
        found.append(words.unknown(_named(known, columns, index, strange), int(np.sum(strange)), interval))
    for name, (levels, merged) in known.items():
        present = {word for word in columns[name].tolist() if word}
        seen = {merged.get(word, word) for word in present}
        if "tet" in levels and "tet" not in seen:
            found.append(notes.tet_in_one_period("baseline"))
        if "tet" in seen and "tet" not in levels:
            found.append(notes.tet_in_one_period("reporting"))
        missing = sorted(set(levels) - seen - {"tet", "normal"})
        if missing:
            found.append(words.absent(name, missing))
    return found


def _named(
    known: dict[str, tuple[list[str], dict[str, str]]],
    columns: dict[str, NDArray[np.object_]],
    index: pd.DatetimeIndex,
    strange: Bools,
) -> list[str]:
    """The words of strange rows that the baseline does not know; else their weekdays."""
    found: set[str] = set()
    weekday = index.day_of_week.to_numpy()
    for place in np.flatnonzero(strange):
        new = [
            str(columns[name][place]) or "–"
            for name, (levels, merged) in known.items()
            if merged.get(columns[name][place], columns[name][place]) not in levels
        ]
        found |= set(new) if new else {WEEKDAYS[weekday[place]]}
    return sorted(found)
