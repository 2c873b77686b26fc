"""How far a reporting period leaves what its baseline has seen, driver by driver and jointly."""

from __future__ import annotations

from itertools import combinations
from typing import Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import _coverage_words as words
from analysis._frames import Floats, numbers, used_mask
from analysis.data import Interval
from analysis.results import Finding, Model, Refusal

# dodac's own grades; the refusal's second half is the range rule of DOE's Superior Energy Performance
_MODERATE_SHARE: Final = 0.01
_SEVERE_SHARE: Final = 0.10
_SEVERE_REACH: Final = 0.20
_CELLS: Final = 5
_STILL: Final = -9
_LOOKED_AT: Final = 1500


def graded_coverage(
    model: Model, name: str, values: Floats, energy: Floats | None = None
) -> list[Finding] | Refusal:
    """What to say about one driver of a reporting period against its range in the baseline.

    name: a column of the model's ranges; values: of the used reporting rows, without NaN; energy: the
    adjusted baseline of the same rows, for the share of energy outside. No finding: in range.
    moderate: more than 1 % of rows (or of the energy) outside; severe: more than 10 %, or a row outside
    by more than a fifth of the range; refused: most rows outside, or the mean outside the range (DOE
    SEP M&V protocol 2019 asks the mean to lie inside the range or within 3 standard deviations; here
    only the range counts, which is stricter).
    """
    low, high = (float(value) for value in _ranges(model)[name][:2])
    width = high - low
    slack = 1e-9 * max(abs(low), abs(high), 1.0)
    reach = np.maximum(np.maximum(low - values, values - high), 0.0)
    away = reach > slack
    count, total = int(np.sum(away)), len(values)
    if not total or not count:
        return []
    mean = float(np.mean(values))
    facts: dict[str, float | int | str] = {
        "days": count,
        "of": total,
        "interval": model.interval,
        "low": low,
        "high": high,
        "mean": mean,
        "reached_low": float(np.min(values)),
        "reached_high": float(np.max(values)),
    }
    share = count / total
    if energy is not None and float(np.sum(energy)) > 0.0:
        by_energy = float(np.sum(energy[away]) / np.sum(energy))
        facts["energy_share"] = by_energy
        share = max(share, by_energy)
    if count > total / 2 or not low - slack <= mean <= high + slack:
        return words.refuse_outside(name, model.interval, facts, _unseen(values, low, high, slack))
    if share > _SEVERE_SHARE or float(np.max(reach)) > max(_SEVERE_REACH * width, slack):
        return [words.outside(name, "severe", model.interval, facts)]
    if share > _MODERATE_SHARE:
        return [words.outside(name, "moderate", model.interval, facts)]
    return []


def sep_range(model: Model, name: str, values: Floats, baseline_mean: float | None = None) -> bool:
    """Does a driver keep to the range rule of DOE's Superior Energy Performance?

    The mean of `values` lies within the baseline's range, or within three standard deviations of
    the baseline's mean (when that is given). Source: SEP M&V protocol 2019, model validity; LBNL
    EnPI Lite, https://enpilite.lbl.gov/valid-model-requirements (read 2026-11-22).
    """
    low, high, deviation = (float(value) for value in _ranges(model)[name][:3])
    mean = float(np.mean(values))
    inside = low <= mean <= high
    if inside or baseline_mean is None:
        return inside
    return abs(mean - baseline_mean) <= 3.0 * deviation


def leverage(model: Model, rows: Floats) -> Floats:
    """x′(X′X)⁻¹x of each design row x against the baseline X (dimensionless; its rows' mean is p/n).

    A row of the baseline itself is never above 1; n·h is how many times a baseline of average rows
    would have to be repeated. Months and bills count with the weight of their length, as they did in the fit.
    Source: Hoaglin and Welsch 1978, The American Statistician 32(1) 17–22.
    """
    variance = model.statistics.rmse**2
    if variance <= 0.0:
        return np.zeros(len(rows))
    found = np.sum((rows @ model.covariance) * rows, axis=1) / variance
    mean_days = cast("float", model.settings.get("mean_days", 0.0)) if _by_length(model) else 0.0
    if mean_days > 0.0 and len(model.terms) and model.terms[0] == "constant":
        # the constant's column is the length in days
        found = found * mean_days / rows[:, 0]
    return np.asarray(found, dtype=np.float64)


def _by_length(model: Model) -> bool:
    return model.interval in (Interval.MONTH, Interval.BILL) and bool(model.settings.get("per_day"))


def leverage_coverage(model: Model, rows: Floats, baseline: Floats | None = None) -> list[Finding]:
    """Reporting rows whose combination of drivers lies outside the baseline's, by leverage.

    rows, baseline: design rows without NaN (baseline: the model's own basis when not given; of a long period
    every few rows are looked at). A row above the largest leverage of the baseline lies
    outside the ellipsoid that holds all of it (Montgomery, Peck and Vining, Introduction to Linear
    Regression Analysis, "hidden extrapolation"); without any baseline rows the limit is 1,
    which none of them can exceed. Grades by the share of rows as in `graded_coverage`, severe also when
    a row has more than four times the largest leverage.
    """
    if not len(rows):
        return []
    if baseline is None and isinstance(model.basis, np.ndarray):
        baseline = model.basis
    if baseline is not None and baseline.shape[1] != rows.shape[1]:
        baseline = None
    seen = 1.0 if baseline is None or not len(baseline) else float(np.max(leverage(model, baseline)))
    found = leverage(model, rows[:: max(1, len(rows) // _LOOKED_AT)])
    most = float(np.max(found))
    share = float(np.mean(found > seen * (1.0 + 1e-6)))
    count = round(share * len(rows))
    if share > _SEVERE_SHARE or most > 4.0 * seen:
        return [words.far_rows("severe", model.interval, count, len(rows), most, seen)]
    if share > _MODERATE_SHARE:
        return [words.far_rows("moderate", model.interval, count, len(rows), most, seen)]
    return []


def joint_coverage(model: Model, baseline: pd.DataFrame, frame: pd.DataFrame) -> list[Finding]:
    """Combinations of drivers that the reporting period has and the baseline never had.

    baseline, frame: with the model's columns. By leverage of the whole row, and in words for each
    pair of drivers: both ranges of the baseline are cut into five parts (a driver's zeros are a part
    of their own), and reporting rows in a cell that neither holds a baseline row nor borders on one
    are counted. Heat that was seen only while the plant stood still shows here although each driver
    keeps to its range. Raises DataError for a frame that does not fit the model.
    """
    from analysis.models import design

    before, after = design(model, baseline), design(model, frame)
    before = before[~np.isnan(before).any(axis=1) & used_mask(baseline, [])]
    kept = ~np.isnan(after).any(axis=1) & used_mask(frame, [])
    found = leverage_coverage(model, after[kept], before)
    for first, second in combinations(_ranges(model), 2):
        found += _pair(model, first, second, baseline, frame)
    return found


def _pair(
    model: Model, first: str, second: str, baseline: pd.DataFrame, frame: pd.DataFrame
) -> list[Finding]:
    names = (first, second)
    before = np.column_stack([numbers(baseline, name) for name in names])
    after = np.column_stack([numbers(frame, name) for name in names])
    before = before[used_mask(baseline, list(before.T))]
    after = after[used_mask(frame, list(after.T))]
    if not len(before) or not len(after):
        return []
    parts = [_parts(before[:, axis], after[:, axis]) for axis in (0, 1)]
    had = np.column_stack([part[0] for part in parts])
    has = np.column_stack([part[1] for part in parts])
    cells = {tuple(cell) for cell in had.tolist()}
    known = {cell for cell in {tuple(row) for row in has.tolist()} if _near(cell, cells)}
    strange = np.array([tuple(row) not in known for row in has.tolist()], dtype=np.bool_)
    count, total = int(np.sum(strange)), len(after)
    if count <= _MODERATE_SHARE * total:
        return []
    lowest, highest = np.min(after[strange], axis=0), np.max(after[strange], axis=0)
    facts: dict[str, float | int | str] = {
        "rows": count,
        "of": total,
        "first_low": float(lowest[0]),
        "first_high": float(highest[0]),
        "second_low": float(lowest[1]),
        "second_high": float(highest[1]),
    }
    return [words.unseen_pair(first, second, model.interval, facts)]


def _near(cell: tuple[int, ...], cells: set[tuple[int, ...]]) -> bool:
    """Is the cell, or one that borders on it, among those seen? Standing still borders on nothing."""
    steps = [(0,) if part == _STILL else (-1, 0, 1) for part in cell]
    return any((cell[0] + first, cell[1] + second) in cells for first in steps[0] for second in steps[1])


def _parts(before: Floats, after: Floats) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The part of the baseline's range that each value lies in: 1 … 5, 0 and 6 beyond it.

    A driver that never is negative and stands still (is 0) now and then has a part for that alone.
    """
    stands = bool(np.min(before) >= 0.0 and np.mean(before == 0.0) > _MODERATE_SHARE)
    moving = before[before != 0.0] if stands and np.any(before) else before
    edges = np.linspace(float(np.min(moving)), float(np.max(moving)), _CELLS + 1)
    found = []
    for values in (before, after):
        part = np.digitize(values, edges)
        part[values == edges[-1]] = _CELLS
        if stands:
            part[values == 0.0] = _STILL
        found.append(part)
    return found[0], found[1]


def _unseen(values: Floats, low: float, high: float, slack: float) -> list[tuple[float, float]]:
    """The levels to be measured: below the baseline's range, above it, or both."""
    lowest, highest = float(np.min(values)), float(np.max(values))
    below = [(lowest, low)] if lowest < low - slack else []
    return below + ([(high, highest)] if highest > high + slack else [])


def _ranges(model: Model) -> dict[str, list[float]]:
    return cast("dict[str, list[float]]", model.settings["ranges"])
