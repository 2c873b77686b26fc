"""The time-of-week-and-temperature baseline for hours and parts of them: fit and design.

After Mathieu, Price, Kiliccote, Piette (2011), IEEE Trans. Smart Grid 2(3) 507–518: a level for each
time of week, and temperature in pieces, apart for occupied and unoccupied times. Beyond it: weekdays
of one profile share it, slopes change over the day, a smoothed temperature stands for the heat that
a building stores, special days are taken for a day of rest and corrected, and slopes are shrunk (ridge).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis._frames import Bools, Floats, day_text, numbers
from analysis.baselines import _words as words
from analysis.baselines._extras import earlier, extra_settings
from analysis.baselines._grouped import Rows, block_error, dense, dependent, gram, solve
from analysis.baselines._hour_layout import Layout, day_kinds, known, layout, rows_of, slots_in_day
from analysis.baselines._hour_options import (
    Options,
    coverage_of,
    folds_of,
    options_of,
    refusal_of,
    weights_of,
)
from analysis.baselines._hours import (
    NORMAL,
    day_groups,
    neighbours,
    occupied_groups,
    pieces_of,
    quantile_knots,
    slots_of,
    words_of,
)
from analysis.baselines._towt_columns import WORKED, tells_day_type
from analysis.baselines.warm_start import start_settings, warmed, with_last
from analysis.data import MeterData
from analysis.results import Finding, Model, Refusal
from dodac.errors import DataError

KIND: Final = "towt-hourly"
MIN_DAYS: Final = 330
_POOR_CV_RMSE: Final = 0.25
_SMOOTHING_H: Final = (0.0, 6.0, 12.0, 24.0, 48.0, 72.0)


def fit(
    data: MeterData,
    kind: str = KIND,
    *,
    pieces: int = 4,
    nodes: tuple[int, int] = (6, 12),
    smoothing_h: float | Sequence[float] = _SMOOTHING_H,
    ridge: float = 1.0,
    special_ridge: float = 4.0,
    weight_days: float | None = None,
    day_type: str | None = "day_type",
    drivers: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    lags: Mapping[str, Sequence[int]] | None = None,
    min_days: int = MIN_DAYS,
    allow_short: bool = False,
) -> Model | Refusal:
    """Fits an hourly (30 min, 15 min) baseline, or says why there is none.

    pieces: of temperature, with equal counts. nodes: places of the day at which slopes are set, on
    unoccupied and occupied days. smoothing_h: time constant of the smoothed temperature, or several
    of which the one with the least error on left-out blocks of 14 days is taken; 0 for none. ridge:
    penalty of slopes in hours' worth of data at one standard deviation of temperature;
    special_ridge: of a special day's own levels (4 hours at each of 6 places: one day against it).
    weight_days: time scale of weights 1/(1 + (age/scale)²) for the end of the baseline (as RMV2.0
    weights around a day), None for equal ones. day_type: the category that names special days
    ("normal", "holiday", "tet", "make_up", …; see `day_types`) when the data have it, any other
    column of words being a plain category; drivers, categories (beside it), lags: linear terms. Data without a temperature give a time-of-week model.
    Refused with fewer than `min_days` days' worth of intervals (allow_short: 60), a meter that never
    moves or does not consume, more terms than intervals. Raises ConfigError for options that make
    no sense.
    """
    options = options_of(pieces, nodes, smoothing_h, ridge, special_ridge, weight_days)
    per_day = 86_400 // _seconds(data)
    used = data.used & _with_lags(data, lags)
    y_all = data.y
    refusal = refusal_of(data, y_all[used], per_day, min_days, allow_short)
    if refusal is not None:
        return refusal
    findings = [*data.findings, *coverage_of(data, used, per_day, min_days)]
    special_column = None
    if day_type is not None and day_type in data.categories and tells_day_type(data.frame, day_type):
        special_column = day_type
    plain = [
        name for name in (data.categories if categories is None else categories) if name != special_column
    ]
    settings, said = extra_settings(data, used, drivers=drivers, categories=plain, lags=lags)
    findings += said
    started = _settings(data, settings, used, special_column, options)
    if isinstance(started, Refusal):
        return started
    settings = started
    rows, unknown, extra_names = rows_of(settings, data.frame)
    used &= ~unknown
    rows = Rows(rows.reduced[used], rows.cell[used])
    if extra_names:
        # centred, so that a large and steady driver does not drown in rounding
        centre = np.mean(rows.reduced[:, -len(extra_names) :], axis=0)
        rows.reduced[:, -len(extra_names) :] -= centre
        settings["centre"] = centre.tolist()
    y, index = y_all[used], data.index[used]
    rows = _with_smoothed(settings, options, data, used, rows, y)
    plan = layout(settings, extra_names)
    return _finish(data, kind, settings, plan, rows, y, index, used, options, findings)


def design(settings: dict[str, object], frame: pd.DataFrame) -> Floats:
    """The design matrix of a frame (intervals × terms of the model).

    A row is NaN where a driver or the temperature is missing, or for a slot, weekday or day type
    that the baseline never had. Where the smoothed temperature starts: `warm_start.warmed`. Raises
    DataError for a frame without times in order.
    """
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the table has no times as its index.", todo="Give a DatetimeIndex of local starts.")
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise DataError(
            "the rows are not in order of time, or a time is there twice or empty.",
            todo="Sort the table and keep one row a time.",
        )
    rows, unknown, extra_names = rows_of(settings, frame)
    plan = layout(settings, extra_names)
    matrix = dense(rows, plan.cells, len(plan.names))
    keep = settings["keep"]
    if len(keep) != len(plan.names):  # type: ignore[arg-type]
        matrix = matrix[:, keep]  # type: ignore[index]
    matrix[unknown] = np.nan
    return matrix


def _settings(
    data: MeterData,
    settings: dict[str, object],
    used: Bools,
    day_type: str | None,
    options: Options,
) -> dict[str, object] | Refusal:
    """Knots, groups of weekdays, occupancy and special days of a baseline, as plain data."""
    slots = slots_in_day(data.interval)
    temperature = _temperature(data)
    index, y = data.index, data.y
    slot, weekday = slots_of(index, slots), index.day_of_week.to_numpy()
    normal = used
    present: list[str] = []
    if day_type is not None:
        codes, present = words_of(data.frame, day_type)
        is_normal = np.array([word == NORMAL for word in present] + [False])
        normal = used & is_normal[codes]
        present = [word for code, word in enumerate(present) if np.any(used & (codes == code))]
    if not normal.any():
        return notes.refuse_no_normal_days(int(np.sum(used)) * _seconds(data) // 86_400)
    groups, levels = day_groups(slot[normal], weekday[normal], temperature[normal], y[normal], slots)
    occupied = occupied_groups(levels)
    work = [number for number, busy in enumerate(occupied) if busy]
    t = temperature[used]
    settings |= {
        "interval": str(data.interval),
        "day_type": day_type,
        "day_types": sorted(set(present) - {NORMAL, *WORKED, ""}),
        "groups": groups,
        "occupied": [int(busy) for busy in occupied],
        "rest_group": int(np.argmin(levels)),
        "work_group": max(work, key=lambda number: len(groups[number])),
        "knots_c": [] if data.temperature is None else quantile_knots(t, options.pieces),
        "smoothing_h": 0.0,
        "smoothed_knots_c": [],
        "mean_c": round(float(np.mean(t)), 3),
        "scale_k": max(round(float(np.std(t)), 3), 0.001),
        "nodes": list(options.nodes),
        "ridge": options.ridge * 3600.0 / _seconds(data),
        "special_ridge": options.special_ridge * 3600.0 / _seconds(data),
        "weight_days": options.weight_days,
        "centre": [],
        "seen": [[True] * slots for _ in groups],
    }
    group, _, _ = day_kinds(settings, data.frame)
    seen = np.zeros((len(groups), slots), dtype=np.bool_)
    there = used & (group >= 0)
    seen[group[there], slot[there]] = True
    settings["seen"] = [[bool(one) for one in row] for row in seen]
    return settings


def _with_smoothed(
    settings: dict[str, object],
    options: Options,
    data: MeterData,
    used: Bools,
    rows: Rows,
    y: Floats,
) -> Rows:
    """Sets the time constant with the least error on left-out blocks; rows with its columns."""
    if data.temperature is None:
        return rows
    temperature = _temperature(data)
    seconds, scale = _seconds(data), known(settings)["scale_k"]
    groups, ridge = len(known(settings)["groups"]), float(known(settings)["ridge"])
    place = groups + len(known(settings)["knots_c"]) + 1
    tables: dict[float, Floats] = {}
    knots: dict[float, list[float]] = {}
    starts: dict[float, dict[str, object]] = {}
    for hours in options.smoothing_h:
        tables[hours], knots[hours] = rows.reduced, []
        if hours > 0.0:
            starts[hours] = start_settings(temperature, data.index, hours, seconds)
            slow = warmed(starts[hours], temperature, data.index, hours, seconds)[used]
            knots[hours] = quantile_knots(slow, options.pieces)
            pieces = pieces_of(slow, knots[hours], scale)
            tables[hours] = np.hstack([rows.reduced[:, :place], pieces, rows.reduced[:, place:]])
    best = options.smoothing_h[0]
    if len(tables) > 1:
        fold = folds_of(data.index[used])
        cells, folds = 2 * slots_in_day(data.interval), int(fold.max()) + 1
        errors = {}
        for hours, table in tables.items():
            # any column may be empty in a cell, so each has a penalty; that of levels is slight
            penalty = np.full(table.shape[1], ridge)
            penalty[:groups] = 1e-3
            errors[hours] = block_error(Rows(table, rows.cell), y, fold, folds, cells, penalty)
        best = min(tables, key=lambda hours: errors[hours])
        settings["smoothing_tried"] = {
            f"{hours:g}": round(math.sqrt(error / len(y)), 6) for hours, error in errors.items()
        }
    settings["smoothing_h"], settings["smoothed_knots_c"] = best, knots[best]
    if best > 0.0:
        settings["smoothing_start"] = with_last(starts[best], temperature, data.index, best, seconds)
    return Rows(tables[best], rows.cell)


def _finish(
    data: MeterData,
    kind: str,
    settings: dict[str, object],
    plan: Layout,
    rows: Rows,
    y: Floats,
    index: pd.DatetimeIndex,
    used: Bools,
    options: Options,
    findings: list[Finding],
) -> Model | Refusal:
    terms = len(plan.names)
    weights = weights_of(index, options.weight_days)
    matrix = gram(rows, y, weights, plan.cells, terms)
    heavy = None if weights is None else gram(rows, y, weights**2, plan.cells, terms)
    present = np.flatnonzero(np.diag(matrix)[:terms] + plan.penalty > 0.0)
    inner = matrix[np.ix_(present, present)] + np.diag(plan.penalty[present])
    extra = np.flatnonzero(np.isin(present, plan.extra))
    gone = {int(present[place]) for place in dependent(inner, extra)}
    gone |= {int(place) for place in plan.extra if place not in set(present.tolist())}
    if gone:
        findings.append(notes.collinear([plan.names[place] for place in sorted(gone)]))
    keep = np.array([place for place in present if place not in gone], dtype=np.int64)
    if len(keep) >= len(y):
        return words.refuse_too_many(len(y), len(keep), str(data.interval))
    follows = neighbours(data.index, used, _seconds(data))
    found = solve(rows, y, plan.cells, plan.penalty, matrix, keep, follows, weights, heavy)
    settings["keep"] = keep.tolist()
    settings["effective_terms"] = round(found.edf, 3)
    if found.statistics.cv_rmse > _POOR_CV_RMSE:
        findings.append(notes.poor_fit(found.statistics.cv_rmse, _POOR_CV_RMSE))
    return Model(
        kind=kind,
        unit=data.unit,
        terms=tuple(plan.names[place] for place in keep),
        coefficients=found.coefficients[keep],
        covariance=found.covariance[np.ix_(keep, keep)],
        statistics=found.statistics,
        settings=settings,
        start=day_text(data.index[0]),
        end=day_text(data.index[-1]),
        findings=tuple(findings),
        interval=str(data.interval),
        residuals=found.residuals,
        follows=follows,
    )


def _temperature(data: MeterData) -> Floats:
    """The temperature, or zeros where the data have none (the model is then one of time of week)."""
    return np.zeros(len(data.frame)) if data.temperature is None else numbers(data.frame, data.temperature)


def _seconds(data: MeterData) -> int:
    return data.interval.seconds or 3600


def _with_lags(data: MeterData, lags: Mapping[str, Sequence[int]] | None) -> Bools:
    whole: Bools = np.ones(len(data.frame), dtype=np.bool_)
    if lags:
        for name, steps in lags.items():
            for step in steps:
                whole &= ~np.isnan(
                    earlier(numbers(data.frame, name), data.index, int(step), str(data.interval))
                )
    return whole
