"""Every kind of baseline behind the same three verbs: fit, design, predict."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from analysis._frames import Floats, check_table
from analysis.baselines._checks import implausible
from analysis.data import Interval, MeterData
from analysis.results import Model, Refusal
from dodac.errors import ConfigError, DataError
from dodac.quantities import nearest

_SUB_DAILY: Final = (Interval.QUARTER_HOUR, Interval.HALF_HOUR, Interval.HOUR)
_DAILY_UP: Final = (Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.BILL)
_ALL: Final = tuple(Interval)


@dataclass(frozen=True)
class Kind:
    """One kind of model: the module with its `fit` and `design`, and what it needs.

    fit(data: MeterData, kind: str, **options) -> Model | Refusal;
    design(settings, frame) -> rows × terms, NaN rows where the model can't speak.
    """

    id: str
    module: str
    en: str
    vi: str
    temperature: bool
    intervals: tuple[Interval, ...]


KINDS: Final[Mapping[str, Kind]] = {
    kind.id: kind
    for kind in (
        Kind("towt-daily", "analysis.baselines.towt", "time of week and temperature, daily",
             "thứ trong tuần và nhiệt độ, theo ngày", True, (Interval.DAY,)),
        Kind("mean", "analysis.baselines.regression", "mean", "trung bình", False, _ALL),
        Kind("ratio", "analysis.baselines.regression", "specific consumption", "suất tiêu hao", False, _ALL),
        Kind("regression", "analysis.baselines.regression", "linear regression",
             "hồi quy tuyến tính", False, _ALL),
        Kind("2p", "analysis.baselines.regression", "line over temperature (2P)",
             "đường thẳng theo nhiệt độ (2P)", True, _ALL),
        Kind("3p-heating", "analysis.baselines.changepoint", "change point, heating (3P)",
             "điểm gãy, sưởi (3P)", True, _DAILY_UP),
        Kind("3p-cooling", "analysis.baselines.changepoint", "change point, cooling (3P)",
             "điểm gãy, làm mát (3P)", True, _DAILY_UP),
        Kind("4p", "analysis.baselines.changepoint", "change point, two lines (4P)",
             "điểm gãy, hai đoạn thẳng (4P)", True, _DAILY_UP),
        Kind("5p", "analysis.baselines.changepoint", "change points, heating and cooling (5P)",
             "hai điểm gãy, sưởi và làm mát (5P)", True, _DAILY_UP),
        Kind("hdd", "analysis.baselines.changepoint", "heating degree-days or -hours",
             "độ-ngày hoặc độ-giờ sưởi", False, _ALL),
        Kind("cdd", "analysis.baselines.changepoint", "cooling degree-days or -hours",
             "độ-ngày hoặc độ-giờ làm mát", False, _ALL),
        Kind("hdd-cdd", "analysis.baselines.changepoint", "heating and cooling degree-days or -hours",
             "độ-ngày hoặc độ-giờ sưởi và làm mát", False, _ALL),
        Kind("towt-daily-smoothed", "analysis.baselines.towt",
             "time of week, temperature and stored heat, daily",
             "thứ trong tuần, nhiệt độ và nhiệt tích trữ, theo ngày", True, (Interval.DAY,)),
        Kind("towt-hourly", "analysis.baselines.towt_hourly", "time of week and temperature, hourly",
             "giờ trong tuần và nhiệt độ, theo giờ", False, _SUB_DAILY),
    )
}  # fmt: skip


def kind_of(id: str) -> Kind:
    """The kind of that id; ConfigError naming the nearest one otherwise."""
    found = KINDS.get(id)
    if found is None:
        near = nearest(id, KINDS)
        todo = f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(KINDS)}."
        raise ConfigError(f'there is no model "{id}".', todo=todo)
    return found


def fit(data: MeterData, kind: str, **options: Any) -> Model | Refusal:
    """Fits a baseline of one kind, or says why there is none.

    options: of the kind's own `fit` (its module documents them). Raises ConfigError for an unknown
    kind or an interval it is not made for.
    """
    chosen = kind_of(kind)
    if data.interval not in chosen.intervals:
        known = ", ".join(chosen.intervals)
        raise ConfigError(f'the model "{kind}" is for {known} data, not {data.interval}.')
    if chosen.temperature and data.temperature is None:
        raise ConfigError(f'the model "{kind}" needs a temperature.', todo="Name its column or channel.")
    refusal = implausible(data)
    if refusal is not None:
        return refusal
    function = cast("Callable[..., Model | Refusal]", importlib.import_module(chosen.module).fit)
    found = function(data, kind, **options)
    if isinstance(found, Refusal) or found.basis is not None:
        return found
    return replace(found, basis=partial(_basis, found, data))


def _basis(model: Model, data: MeterData) -> Floats:
    """The design of the rows that a model was fitted on (those with residuals)."""
    rows = design(model, data.frame)[data.used]
    found: Floats = rows[~np.isnan(rows).any(axis=1)]
    return found


def design(model: Model, frame: pd.DataFrame) -> Floats:
    """The design matrix of a frame with the columns of a model's baseline (rows × terms).

    A row is NaN where a driver is missing or where the model can't speak for the interval. Rows of
    months and bills speak for the whole of them (terms times their days). Raises DataError for a
    frame that does not fit.
    """
    check_table(frame)
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise DataError("the table has no times as its index.", todo="Give a DatetimeIndex of local starts.")
    function = cast("Callable[..., Floats]", importlib.import_module(kind_of(model.kind).module).design)
    return function(model.settings, frame)


def predict(model: Model, frame: pd.DataFrame) -> pd.Series[float]:
    """The baseline's energy for each interval of a frame (model.unit), NaN where it can't speak.

    Negative predictions are set to zero, unless the baseline's meter went below it (solar fed back).
    Raises DataError as `design` does.
    """
    found = design(model, frame) @ model.coefficients
    if not any(said.code == "negative_rows" for said in model.findings):
        found = np.maximum(found, 0.0)
    return pd.Series(found, index=frame.index, name="model")
