"""Series of amounts or means as intervals: one row a time, coarser intervals with coverage, outliers flagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats
from analysis._tables import Row, table
from analysis.data import Interval
from analysis.prepare import _series_words as words
from analysis.prepare._grid import grid_edges, share_out
from analysis.results import Finding
from dodac.errors import ConfigError, DataError
from dodac.quantities import nearest

Ints = NDArray[np.int64]

KINDS: Final = ("amount", "gauge")
WHOLE: Final[Mapping[str, float]] = {"amount": 0.999, "gauge": 0.9}


@dataclass(frozen=True)
class Resampled:
    """A series per interval.

    frame: index = local start; value (sum of amounts, mean of gauges; NaN below the coverage asked
    for), coverage (0…1). gaps: (start, end) of stretches without a value, in the source's own interval.
    """

    frame: pd.DataFrame
    gaps: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    findings: tuple[Finding, ...] = field(default=())


def as_numbers(values: pd.Series[float], name: str = "value") -> Floats:
    """The values as float64, NaN where nothing was measured; DataError naming a word among them."""
    try:
        found = values.astype("float64").to_numpy()
    except (TypeError, ValueError):
        there: list[object] = list(values.astype(object))
        word = next((one for one in there if isinstance(one, str)), "")
        raise DataError(
            f'the column "{name}" is not numbers (e.g. "{word}").', todo="Read it as numbers first."
        ) from None
    clean = np.array(found, dtype=np.float64)
    clean[~np.isfinite(clean)] = np.nan
    return clean


def one_row_a_time(series: pd.Series[float], name: str = "value") -> tuple[pd.Series[float], list[Finding]]:
    """The series in order of time with each time once.

    Rows without a time are left out; equal rows count once; a time with different values becomes NaN
    (which is right can't be told, CalTRACK 2.0, 2.3.2.1). Raises DataError for an index that is no time.
    """
    if not isinstance(series.index, pd.DatetimeIndex):
        raise DataError("the series has no times as its index.", todo="Read the stamps with read_stamps().")
    findings: list[Finding] = []
    found = pd.Series(as_numbers(series, name), index=series.index, name=name)
    if found.index.hasnans:
        found = found[found.index.notna()]
    if not found.index.is_monotonic_increasing:
        late = int((np.diff(pd.DatetimeIndex(found.index).asi8) < 0).sum())
        findings.append(words.rows_out_of_order(late))
        found = found.sort_index(kind="stable")
    if found.index.is_unique:
        return found, findings
    groups = found.groupby(level=0)
    low, high, count = groups.min(), groups.max(), groups.size()
    differ = (high > low).to_numpy()
    equal = int((count.to_numpy() - 1)[~differ].sum())
    if equal:
        findings.append(words.duplicates_equal(equal))
    if differ.any():
        findings.append(words.duplicates_conflict(int(differ.sum()), str(low.index[differ][0])))
    return low.mask(differ), findings


def resample(
    series: pd.Series[float],
    interval: Interval | str,
    *,
    step: pd.Timedelta | str,
    kind: str = "amount",
    zone: str | None = None,
    min_coverage: float | None = None,
    fill_from: float | None = None,
) -> Resampled:
    """Sums of amounts or means of gauges per local interval, with coverage.

    series: index = start of each of its own intervals, in order, none twice; step: their length.
    kind: "amount" (summed) or "gauge" (averaged by time). min_coverage: below it an interval has no
    value (default: 0.999 for amounts, 0.9 for gauges; an hour that is missing is missing from the sum).
    fill_from: amounts covered at least so much are scaled up to the whole interval (CalTRACK 2.0,
    2.2.2.1 does so from 0.5); None scales nothing. Raises ConfigError for another kind or a finer interval.
    """
    wanted = Interval(interval)
    if kind not in KINDS:
        raise ConfigError(f'"{kind}" is no kind of series.', todo='Write "amount" or "gauge".')
    if wanted is Interval.BILL:
        raise ConfigError("bills are no regular interval.", todo="Use bills_frame().")
    length = pd.Timedelta(step)
    if wanted.seconds is not None and length.total_seconds() > wanted.seconds:
        raise ConfigError(
            f"values of {length} can't be made finer ({wanted}).", todo="Choose a coarser interval."
        )
    index = pd.DatetimeIndex(series.index)
    aware = index.tz is not None
    zone = zone or (str(index.tz) if aware else None)
    begin = np.asarray(index.as_unit("ns").asi8, dtype=np.int64)
    daily = length % pd.Timedelta(days=1) == pd.Timedelta(0)
    end = np.asarray(
        (index + (pd.DateOffset(days=length.days) if daily else length)).as_unit("ns").asi8, dtype=np.int64
    )
    values = as_numbers(series, str(series.name or "value"))
    both = np.concatenate((begin, end)) if len(begin) else begin
    edges, labels = grid_edges(both, wanted, zone, aware)
    known = np.isfinite(values)
    weight = (end - begin)[known].astype(np.float64)
    amount = values[known] * (weight if kind == "gauge" else 1.0)
    total, coverage = share_out(begin[known], end[known], amount, edges)
    if kind == "gauge":
        covered = np.where(coverage > 0, coverage, np.nan) * np.diff(edges)
        total = total / covered
    least = WHOLE[kind] if min_coverage is None else min_coverage
    findings: list[Finding] = []
    if fill_from is not None and kind == "amount":
        scaled = (coverage >= fill_from) & (coverage < 0.999)
        total = np.where(scaled, total / np.where(coverage > 0, coverage, 1.0), total)
        least = fill_from
        if scaled.any():
            findings.append(words.scaled_up(int(scaled.sum()), fill_from))
    frame = pd.DataFrame(
        {"value": np.where(coverage >= least, total, np.nan), "coverage": coverage}, index=labels
    )
    partial = (coverage > 0) & (coverage < least)
    if partial.any():
        findings.append(words.partial_intervals(int(partial.sum()), len(frame), least))
    return Resampled(frame, _gaps(index, begin, end, known), tuple(findings))


def _gaps(
    index: pd.DatetimeIndex, begin: Ints, end: Ints, known: Bools
) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    here = np.flatnonzero(known)
    if len(here) < 2:
        return ()
    found = []
    for left, right in zip(here[:-1].tolist(), here[1:].tolist(), strict=True):
        if begin[right] > end[left]:
            start = index[left] + pd.Timedelta(int(end[left] - begin[left]), unit="ns")
            found.append((start, index[right]))
    return tuple(found)


def outlier_rules() -> tuple[Row, ...]:
    """The rules for outliers that ship with dodac, each with its source."""
    return table("outliers")


def flag_outliers(
    values: pd.Series[float], rule: str = "caltrack-extreme", *, name: str = "value"
) -> tuple[pd.Series[bool], list[Finding]]:
    """True where a value is an outlier by a rule, and a finding; nothing is dropped.

    rule: id of a row of tables/outliers.toml: "caltrack-extreme" (above the median by 3 interquartile
    ranges), "tukey-far" (3 ranges beyond a quartile), "mad" (modified z-score beyond 3.5).
    """
    rows = {str(row["id"]): row for row in outlier_rules()}
    if rule not in rows:
        near = nearest(rule, rows)
        raise ConfigError(
            f'there is no rule "{rule}" for outliers.',
            todo=f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(rows)}.",
        )
    row = rows[rule]
    v = as_numbers(values, name)
    real = v[np.isfinite(v)]
    out = np.zeros(len(v), dtype=bool)
    low, high = -np.inf, np.inf
    if len(real) >= 4:
        q1, median, q3 = (float(one) for one in np.quantile(real, [0.25, 0.5, 0.75]))
        spread = q3 - q1 if row["spread"] == "iqr" else 1.4826 * float(np.median(np.abs(real - median)))
        if spread > 0:
            limit = float(row["limit"])
            high = (q3 if row["centre"] == "quartile" else median) + limit * spread
            if row["sides"] == "both":
                low = (q1 if row["centre"] == "quartile" else median) - limit * spread
            with np.errstate(invalid="ignore"):
                out = (v > high) | (v < low)
    findings = [words.outliers(name, int(out.sum()), len(real), rule, high)] if out.any() else []
    flags: pd.Series[bool] = pd.Series(out, index=values.index, name=f"{name}_outlier", dtype=bool)
    return flags, findings


def oddities(values: Floats, name: str) -> list[Finding]:
    """What is odd about a whole series: nothing measured, all zero, constant, negative, stood still."""
    real = values[np.isfinite(values)]
    if not len(real):
        return [words.nothing_measured(name, len(values))]
    found = []
    if (real == 0).all():
        return [words.all_zero(name, len(real))]
    if len(real) > 1 and np.ptp(real) == 0:
        return [words.constant(name, float(real[0]), len(real))]
    negative = int((real < 0).sum())
    if negative:
        found.append(words.negative(name, negative, len(real)))
    return found


def interpolate_gauge(
    series: pd.Series[float], *, step: pd.Timedelta | str, max_gap: pd.Timedelta | str
) -> tuple[pd.Series[float], list[Finding]]:
    """A gauge on its regular grid with short gaps bridged by straight lines.

    max_gap: the longest stretch that is bridged (CalTRACK 2.0, 2.2.4.1: temperature, 6 hours); longer
    ones stay NaN. Amounts are never interpolated.
    """
    length, longest = pd.Timedelta(step), pd.Timedelta(max_gap)
    if not len(series):
        return series, []
    index = pd.DatetimeIndex(series.index)
    grid = pd.date_range(index[0], index[-1], freq=length)
    full = series.reindex(grid)
    missing = full.isna().to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8))).reshape(
        -1, 2
    )
    filled = full.interpolate(method="linear", limit_area="inside")
    count = 0
    for first, last in edges.tolist():
        if first == 0 or last == len(full):
            continue
        if (last - first) * length <= longest:
            count += last - first
        else:
            filled.iloc[first:last] = np.nan
    return filled, [words.interpolated(count, longest)] if count else []


def gauge_by_minute(series: pd.Series[float], *, max_gap: pd.Timedelta | str) -> pd.Series[float]:
    """Readings of a gauge at odd moments as one value a minute, by straight lines over gaps up to max_gap.

    So that means over hours weigh each reading by its time (CalTRACK 2.0, 2.3.4).
    """
    real = series.dropna()
    index = pd.DatetimeIndex(real.index)
    grid = pd.date_range(index[0].ceil("min"), index[-1].floor("min"), freq="min")
    at, to = index.as_unit("ns").asi8.astype(np.float64), grid.as_unit("ns").asi8.astype(np.float64)
    found = np.interp(to, at, real.to_numpy())
    after = np.clip(np.searchsorted(at, to, side="left"), 1, len(at) - 1)
    gap = at[after] - at[after - 1]
    on_reading = np.isin(to, at)
    found[(gap > pd.Timedelta(max_gap).value) & ~on_reading] = np.nan
    return pd.Series(found, index=grid, name=series.name)


def wanted_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """DataError naming the first column that a frame lacks or has twice."""
    for name in names:
        if name not in frame.columns:
            have = ", ".join(str(one) for one in frame.columns)
            raise DataError(f'there is no column "{name}".', todo=f"The table has: {have}.")
        if isinstance(frame[name], pd.DataFrame):
            raise DataError(f'the table has more than one column "{name}".', todo="Rename all but one.")
