"""The straight models: mean, specific consumption, and linear regression on any drivers and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis._frames import Floats
from analysis._linear import left_out_errors
from analysis.baselines import _words as words
from analysis.baselines._columns import TEMPERATURE, design
from analysis.baselines._fit import Prepared, finish, prepare
from analysis.data import MeterData
from analysis.results import Model, Refusal
from dodac.errors import ConfigError

__all__ = ["design", "fit", "fit_with_errors"]


def fit(data: MeterData, kind: str, **options: Any) -> Model | Refusal:
    """Fits "mean", "ratio", "2p" or "regression", or says why not.

    mean: energy = a (a day, for months and bills); no driver counts. ratio: energy = k · driver
    (specific consumption; ISO 50006:2014, 4.3): options driver (needed when the data have several) and
    fixed=True for energy = a + k · driver. 2p: a + b·T and all that the data have beside it.
    regression: a + Σ b·driver + levels of categories, without temperature unless temperature=True
    (ASHRAE Guideline 14-2014, annex D; Montgomery, "Linear Regression Analysis").
    Further options of all but mean and ratio: drivers, categories (subsets of the data's), weekday,
    lags, interactions, averages; of all: per_day, min_rows, allow_short (see `prepare`).
    Raises ConfigError for a driver that is not there or an unknown option.
    """
    found = _prepare(data, kind, options)
    return found if isinstance(found, Refusal) else _finish(found, kind)


def fit_with_errors(
    data: MeterData, kind: str, blocks: NDArray[np.int_], **options: Any
) -> tuple[Model | Refusal, Floats | Refusal]:
    """The fit, and the errors of the rows when each is predicted without its block.

    blocks: a number for each row of the frame; errors: of each row, NaN where it is not used or where only
    its own block knows one of its levels.
    """
    found = _prepare(data, kind, options)
    if isinstance(found, Refusal):
        return found, found
    matrix = found.base
    if found.settings["line"]:
        matrix = np.column_stack([matrix, found.column(data.temperature or TEMPERATURE) * found.days])
    errors = np.full(len(data.frame), np.nan)
    errors[found.used] = left_out_errors(matrix, found.y, blocks[found.used], found.weights)
    return _finish(found, kind), errors


def _prepare(data: MeterData, kind: str, options: dict[str, Any]) -> Prepared | Refusal:
    if kind == "mean":
        return prepare(data, drivers=(), categories=(), **options)
    if kind == "ratio":
        driver = _driver(data, options.pop("driver", None) if "driver" in options else None)
        fixed = bool(options.pop("fixed", False))
        found = prepare(data, drivers=(driver,), categories=(), constant=fixed, **options)
        if isinstance(found, Refusal):
            return found
        below = int(np.sum(found.column(driver) < 0.0))
        if below:
            return words.refuse_negative_driver_values(driver, below)
        return found if f"driver.{driver}" in found.names else words.refuse_nothing_varies([driver])
    line = kind == "2p" or bool(options.pop("temperature", False))
    if line and data.temperature is None:
        raise ConfigError(f'the model "{kind}" needs a temperature.', todo="Name its column or channel.")
    found = prepare(data, needs=(data.temperature,) if line and data.temperature else (), **options)
    if isinstance(found, Refusal):
        return found
    if line:
        found.settings["line"] = True
        if np.ptp(found.column(data.temperature or TEMPERATURE)) <= 1e-9:
            return words.refuse_nothing_varies([data.temperature or TEMPERATURE])
    return found


def _finish(found: Prepared, kind: str) -> Model | Refusal:
    model = finish(found, kind)
    if kind == "ratio" and isinstance(model, Model):
        name = next(term for term in model.terms if term.startswith("driver."))
        value = float(model.coefficients[model.terms.index(name)])
        if value <= 0.0:
            return words.refuse_not_proportional(name.removeprefix("driver."), value)
    return model


def _driver(data: MeterData, name: str | None) -> str:
    if name is not None:
        if name not in data.drivers:
            raise ConfigError(f'the data have no driver "{name}".')
        return name
    if len(data.drivers) != 1:
        have = ", ".join(data.drivers) or "none"
        raise ConfigError(
            f'"ratio" needs one driver, the data have: {have}.', todo='Give driver="production".'
        )
    return data.drivers[0]
