"""Before any saving: what this baseline could show, and how long it would take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import pandas as pd

from analysis._combined import check_method
from analysis._frames import Floats
from analysis._saving_rows import rows_of
from analysis.data import Interval, MeterData
from analysis.fixed_conditions import PROJECTING
from analysis.results import Model, Refusal
from analysis.uncertainty import DEFAULT_METHOD, of_sums
from dodac.errors import ConfigError, DataError

_MONTH_DAYS: Final = 30.4375
_LONGEST_MONTHS: Final = 60


@dataclass(frozen=True)
class Detectable:
    """The smallest saving that a baseline can show: amount (`unit`) and fraction of the adjusted baseline.

    half_width: ± of a saving of that period; precision: the share of the saving that ± may be (1: just
    told apart from zero; 0.5: FSU of 50 %).
    """

    unit: str
    months: float
    confidence: float
    precision: float
    half_width: float
    amount: float
    fraction: float


def smallest_saving(
    model: Model,
    conditions: pd.DataFrame | MeterData | None = None,
    *,
    months: float = 12.0,
    confidence: float = 0.9,
    precision: float = 1.0,
    method: str = DEFAULT_METHOD,
) -> Detectable | Refusal:
    """The smallest saving this baseline can show with ± at most `precision` of it.

    conditions: a frame like the reporting period to come (its rows count, not `months`); None: months
    of the baseline's own mean conditions, for a model fitted here (a frozen one needs conditions).
    With precision=0.5 and confidence=0.68 it answers ASHRAE Guideline 14's test (U < 50 % of the
    saving at 68 %) as a fraction. The baseline's ± does not know of meters: see `InstrumentPart`.
    Raises ConfigError for a precision or months not above 0, DataError without conditions for a
    frozen model.
    """
    check_method(method, confidence, PROJECTING)
    if not precision > 0.0 or not months > 0.0:
        raise ConfigError("precision and months have to be above 0.")
    if conditions is None:
        row, energy, per_month = _mean_row(model)
        worth = months * per_month
        g, total = row * worth, energy * worth
    else:
        rows = rows_of(model, conditions, measured=False)
        if isinstance(rows, Refusal):
            return rows
        g, total, worth = np.sum(rows.design[rows.used], axis=0), rows.total(rows.model), rows.worth
        months = float(np.sum(rows.days[rows.used])) / _MONTH_DAYS
    half = of_sums(model, g, ((1.0, worth),), confidence, method).half_width
    amount = half / precision
    fraction = amount / total if total > 0.0 else float("nan")
    return Detectable(model.unit, months, confidence, precision, half, amount, fraction)


def months_needed(
    model: Model,
    fraction: float,
    *,
    confidence: float = 0.9,
    precision: float = 1.0,
    method: str = DEFAULT_METHOD,
) -> int | None:
    """Whole months of reporting until a saving of that fraction shows; None: not within five years.

    The longer the period, the more the baseline's own error decides, which no reporting makes
    smaller. Errors as `smallest_saving`; ConfigError for a fraction not above 0.
    """
    if not fraction > 0.0:
        raise ConfigError(f"a saving of {fraction} shows never.", todo="Give a fraction above 0, e.g. 0.05.")
    for months in range(1, _LONGEST_MONTHS + 1):
        found = smallest_saving(
            model, months=months, confidence=confidence, precision=precision, method=method
        )
        if not isinstance(found, Refusal) and found.fraction <= fraction:
            return months
    return None


def _mean_row(model: Model) -> tuple[Floats, float, float]:
    """The baseline's mean design row, its energy, and how many rows make a month."""
    basis = model.basis() if callable(model.basis) else model.basis
    if basis is None:
        raise DataError(
            "a frozen baseline keeps no conditions of its own.",
            todo="Give a frame of the conditions to come.",
        )
    row: Floats = np.mean(basis, axis=0)
    if len(row) < len(model.coefficients):
        row = np.concatenate([row, np.zeros(len(model.coefficients) - len(row))])
    seconds = Interval(model.interval).seconds
    per_month = 1.0 if seconds is None else _MONTH_DAYS * 86_400.0 / seconds
    mean_days = cast("float", model.settings.get("mean_days") or 0.0)
    if Interval(model.interval) is Interval.BILL and mean_days > 0.0:
        # a bill may be of two months
        per_month = _MONTH_DAYS / mean_days
    return row, float(row @ model.coefficients), per_month
