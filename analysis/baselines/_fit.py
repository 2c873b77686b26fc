"""What every line-like baseline does before and after its search: checks, columns, fit, findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis._frames import Bools, Floats, day_text, numbers, used_mask
from analysis._linear import fit_linear, independent_columns, leverages
from analysis._tables import Row, table
from analysis.baselines import _words as words
from analysis.baselines._columns import CONSTANT, extra_columns, heat_columns, row_days, tangents
from analysis.baselines._extras import as_words, extra_settings, range_of
from analysis.data import Interval, MeterData
from analysis.results import Finding, Model, Refusal
from dodac.errors import ConfigError

_POOR_CV_RMSE: Final = 0.25


@dataclass
class Prepared:
    """Rows of the fit, checked: everything but the temperature terms.

    y, days, weights, base (n × k: constant and extras, independent), follows: of the used rows.
    """

    data: MeterData
    settings: dict[str, object]
    limits: Row
    used: Bools
    y: Floats
    days: Floats
    weights: Floats | None
    names: list[str]
    base: Floats
    follows: Bools
    findings: list[Finding] = field(default_factory=list)

    @property
    def root(self) -> Floats:
        """Square roots of the weights, ones where all rows count alike."""
        return np.ones(len(self.y)) if self.weights is None else np.sqrt(self.weights)

    def column(self, name: str) -> Floats:
        """A column of the used rows."""
        return numbers(self.data.frame, name)[self.used]


def limits(interval: str) -> Row:
    """Rows needed and rows beside a balance point for an interval (analysis/tables/baselines.toml)."""
    return next(row for row in table("baselines") if row["interval"] == interval)


def prepare(
    data: MeterData,
    *,
    needs: Sequence[str] = (),
    drivers: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    weekday: bool = False,
    lags: Mapping[str, Sequence[int]] | None = None,
    interactions: Sequence[tuple[str, str]] = (),
    averages: Sequence[str] = (),
    per_day: bool = True,
    constant: bool = True,
    min_rows: int | None = None,
    allow_short: bool = False,
    **unknown: Any,
) -> Prepared | Refusal:
    """The checked rows of a fit, or why there is none.

    needs: further columns without which a row is not used (temperature, degree-days). averages:
    drivers that are means, not amounts, of a month or bill (occupancy, humidity). per_day: months
    and bills are fitted as values a day, weighted with their days; False: as totals. min_rows: instead
    of the table's; allow_short: the table's `shortest` will do. Raises ConfigError for other options.
    """
    if unknown:
        raise ConfigError(f'there is no option "{next(iter(unknown))}" for this model.')
    known = limits(data.interval)
    chosen = data.drivers if drivers is None else tuple(drivers)
    kinds = data.categories if categories is None else tuple(categories)
    for name in averages:
        if name not in chosen:
            raise ConfigError(f'"{name}" is no driver of the model.')
    length: dict[str, object] = {"interval": str(data.interval), "per_day": per_day}
    days = row_days(data.frame, length)
    columns = [data.y, days, *(numbers(data.frame, name) for name in (*chosen, *needs))]
    used = used_mask(data.frame, columns)
    for name in kinds:
        if name in data.categories:
            used &= as_words(data.frame, name) != ""
    settings, found = extra_settings(
        data,
        used,
        drivers=drivers,
        categories=categories,
        weekday=weekday,
        lags=lags,
        interactions=interactions,
        few=known["few"],
    )
    if data.temperature and data.temperature not in (*needs, *(lags or {})):
        # a model without temperature neither asks for it later nor is extrapolated by it
        settings["temperature"] = None
        del cast("dict[str, object]", settings["ranges"])[data.temperature]
    settings |= length | {"averages": list(averages), "line": False, "hinges": []}
    names, extra, strange = extra_columns(settings, data.frame)
    used &= ~strange & ~np.isnan(extra).any(axis=1)
    missing = _missing_weekdays(data, chosen, used)
    wanted = min_rows if min_rows is not None else known["rows"]
    if data.interval is Interval.DAY:
        wanted = math.ceil(wanted * (7 - len({day for _, day, _ in missing})) / 7)
    refusal = meter_refusal(data, used, min(wanted, known["shortest"]) if allow_short else wanted)
    if refusal is not None:
        return refusal
    rows = int(np.sum(used))
    found = [*data.findings, *found, *(words.driver_missing_on(*each) for each in missing)]
    if rows < len(used):
        found.append(words.rows_left_out(len(used) - rows, len(used), data.interval))
    if rows < wanted:
        found.append(words.short_rows(rows, wanted, data.interval))
    found += _seasons(data.index[used])
    y, days = data.y[used], days[used]
    below = int(np.sum(y < 0.0))
    if below:
        found.append(words.negative_rows(below, rows))
    base = np.column_stack([days, extra[used]]) if constant else extra[used]
    names = [CONSTANT, *names] if constant else names
    weights = None if np.ptp(days) == 0.0 else float(np.mean(days)) / days
    keep = independent_columns(base if weights is None else base * np.sqrt(weights)[:, None])
    if len(keep) < len(names):
        found.append(notes.collinear([name for at, name in enumerate(names) if at not in keep]))
    settings["mean_days"] = float(np.mean(days))
    return Prepared(
        data,
        settings,
        known,
        used,
        y,
        days,
        weights,
        [names[at] for at in keep],
        base[:, keep],
        follows(data, used),
        found,
    )


def meter_refusal(data: MeterData, used: Bools, needed: int) -> Refusal | None:
    """Why this meter can have no baseline at all: too few rows, nothing counted."""
    y = data.y[used]
    if len(y) < needed:
        return too_few(data, used, needed)
    if not np.any(y):
        return notes.refuse_all_zero(data.energy, len(y), words.rows_called(data.interval))
    if float(np.ptp(y)) <= 1e-9 * float(np.max(np.abs(y))):
        return notes.refuse_constant(data.energy, float(y[0]), len(y), words.rows_called(data.interval))
    if float(np.mean(y)) <= 0.0:
        return notes.refuse_not_consumed(data.energy, float(np.mean(y)), words.rows_called(data.interval))
    return None


def too_few(data: MeterData, used: Bools, needed: int) -> Refusal:
    """How many rows are missing, and which column lacks most of them."""
    names = [data.energy, *([data.temperature] if data.temperature else []), *data.drivers]
    counts = {name: int(np.sum(~np.isnan(numbers(data.frame, name)))) for name in names}
    counts |= {name: int(np.sum(as_words(data.frame, name) != "")) for name in data.categories}
    if "used" in data.frame.columns:
        counts["used"] = int(np.sum(used_mask(data.frame, [])))
    least = min(counts, key=lambda name: counts[name])
    empty = (least, counts[least]) if counts[least] < needed <= len(data.frame) else None
    return words.refuse_too_few_rows(int(np.sum(used)), needed, data.interval, empty)


def finish(found: Prepared, kind: str, searched: int = 0) -> Model | Refusal:
    """Fits the columns that the settings describe; searched: balance points found in the data."""
    frame = found.data.frame.loc[found.used]
    names, heat = heat_columns(found.settings, frame)
    first = 1 if CONSTANT in found.names else 0
    all_names = [*found.names[:first], *names, *found.names[first:]]
    matrix = np.column_stack([found.base[:, :first], *heat, found.base[:, first:]])
    keep = independent_columns(matrix * found.root[:, None])
    findings = list(found.findings)
    if len(keep) < len(all_names):
        findings.append(notes.collinear([name for at, name in enumerate(all_names) if at not in keep]))
    rows, p = len(found.y), len(keep) + searched
    if rows <= p:
        return words.refuse_too_many(rows, p, found.data.interval)
    matrix, terms = matrix[:, keep], [all_names[at] for at in keep]
    fitted = fit_linear(matrix, found.y, found.follows, weights=found.weights, searched=searched)
    value = dict(zip(terms, map(float, fitted.coefficients), strict=True))
    findings += _judge(found, value, matrix)
    hinges = [
        each | ({} if each.get("column") else {"slope": value.get(each["side"], 0.0)})
        for each in cast("list[dict[str, Any]]", found.settings["hinges"])
    ]
    settings = found.settings | {"hinges": hinges}
    coefficients, covariance = fitted.coefficients, fitted.covariance
    moved = tangents(settings, frame)
    whole = np.column_stack([matrix, *(column for _, column in moved)])
    if moved and len(independent_columns(whole * found.root[:, None])) == whole.shape[1]:
        # the balance points' own uncertainty, to first order: coefficient 0, covariance not
        with_points = fit_linear(whole, found.y, weights=found.weights)
        scale = fitted.statistics.rmse**2 / max(with_points.statistics.rmse**2, 1e-300)
        covariance = with_points.covariance * scale
        matrix = whole
        terms += [name for name, _ in moved]
        coefficients = np.concatenate([coefficients, np.zeros(len(moved))])
    settings["columns"] = terms
    if found.weights is not None:
        settings["ranges_a_day"] = _ranges_a_day(found)
    if fitted.statistics.cv_rmse > _POOR_CV_RMSE:
        findings.append(notes.poor_fit(fitted.statistics.cv_rmse, _POOR_CV_RMSE))
    index = found.data.index
    return Model(
        kind=kind,
        unit=found.data.unit,
        terms=tuple(terms),
        coefficients=coefficients,
        covariance=covariance,
        statistics=fitted.statistics,
        settings=settings,
        start=day_text(index[0]),
        end=day_text(index[-1]),
        findings=tuple(findings),
        interval=str(found.data.interval),
        residuals=fitted.residuals,
        follows=found.follows,
        basis=matrix,
    )


def _ranges_a_day(found: Prepared) -> dict[str, list[float]]:
    """The ranges of amounts divided by the days of their bill: a long bill is no extrapolation."""
    known = cast("dict[str, Any]", found.settings)
    amounts = {name for name in known["drivers"] if name not in known["averages"]}
    amounts |= {each["column"] for each in known["hinges"] if each.get("column")}
    return {f"{name} / days": range_of(found.column(name) / found.days) for name in sorted(amounts)}


def follows(data: MeterData, used: Bools) -> Bools:
    """For each used row but the last: is the next used one its neighbour in time?"""
    index = data.index
    at = np.flatnonzero(used)
    if data.interval.seconds is None:
        step: Bools = np.diff(at) == 1
        if "days" in data.frame.columns:
            starts = (index.tz_localize(None) if index.tz is not None else index).as_unit("s").asi8 / 86_400.0
            ends = starts + data.days
            step &= np.abs(starts[at[1:]] - ends[at[:-1]]) < 1.5
        return step
    if data.interval.seconds >= 86_400 and index.tz is not None:
        index = index.tz_localize(None)
    ordinal = np.round(index.as_unit("s").asi8 / data.interval.seconds, 3)
    near: Bools = np.abs(np.diff(ordinal[used]) - 1.0) < 0.5
    return near


def _judge(found: Prepared, value: Mapping[str, float], matrix: Floats) -> list[Finding]:
    said: list[Finding] = []
    averages = cast("list[str]", found.settings["averages"])
    for name in cast("list[str]", found.settings["drivers"]):
        slope = value.get(f"driver.{name}")
        if slope is not None and slope < 0.0 and name not in averages:
            said.append(words.negative_driver(name, slope))
    constant = value.get(CONSTANT)
    if constant is not None and constant < 0.0 and not found.settings["line"]:
        said.append(words.negative_base(constant, found.data.unit))
    lever = leverages(matrix, found.weights)
    at = int(np.argmax(lever))
    if lever[at] > limits("any")["leverage"]:
        said.append(words.one_row_decides(float(lever[at]), day_text(found.data.index[found.used][at])))
    return said


def _seasons(index: pd.DatetimeIndex) -> list[Finding]:
    seen = set(index.month.to_numpy().tolist())
    gone = [month for month in range(1, 13) if month not in seen]
    return [notes.months_missing(gone)] if gone else []


def _missing_weekdays(data: MeterData, drivers: Sequence[str], used: Bools) -> list[tuple[str, int, int]]:
    """(driver, weekday, rows) where a driver is never there on one weekday that has energy."""
    if data.interval is not Interval.DAY or not used.any():
        return []
    weekday = data.index.day_of_week.to_numpy()
    counted = ~np.isnan(data.y)
    found = []
    for name in drivers:
        gone = np.isnan(numbers(data.frame, name))
        for day in range(7):
            here = counted & (weekday == day)
            if np.sum(here) >= 4 and gone[here].all() and not gone.all():
                found.append((name, day, int(np.sum(here))))
    return found
