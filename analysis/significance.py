"""How sure a model is of its drivers: F of the whole, p and t of each, signs of slopes."""

from __future__ import annotations

import math
from typing import Any, Final, cast

import numpy as np

from analysis._student import _beta_regularised, t_upper_tail
from analysis.results import Model

_SLOPE: Final = frozenset({"temperature", "heating", "cooling", "hdd", "cdd", "hdh", "cdh", "slope"})


def f_upper_tail(f: float, between: float, within: float) -> float:
    """P(F > f) for f ≥ 0 with `between` and `within` degrees of freedom (Abramowitz and Stegun 26.6.2)."""
    return _beta_regularised(within / 2.0, between / 2.0, within / (within + between * f))


def f_test(model: Model) -> tuple[float, float]:
    """F and p of the whole model against its mean: (R²/(p − 1))/((1 − R²)/(n − p)).

    The level is one of the p terms (every kind of dodac has one). p is NaN for a model of one term.
    """
    s = model.statistics
    if s.p < 2 or s.n <= s.p:
        return math.nan, math.nan
    if s.r2 >= 1.0:
        return math.inf, 0.0
    f = max(s.r2, 0.0) / (s.p - 1) / ((1.0 - s.r2) / (s.n - s.p))
    return f, f_upper_tail(f, s.p - 1, s.n - s.p)


def p_values(model: Model) -> dict[str, float]:
    """The p of each driver (temperature, production, …): Wald's F of all its terms together.

    For a driver with one term this is the two-sided t test. Levels (weekdays, hours, day types,
    operating modes) are no drivers and are left out, as SEP leaves out the intercept.
    """
    dof = model.statistics.n - model.statistics.p
    found = {}
    for name, places in driver_places(model).items():
        f = _wald(model, places)
        if math.isinf(f) or dof <= 0:
            found[name] = 0.0
        elif len(places) == 1:
            found[name] = 2.0 * t_upper_tail(math.sqrt(f), dof)
        else:
            found[name] = f_upper_tail(f, len(places), dof)
    return found


def _wald(model: Model, places: list[int]) -> float:
    """b' V⁻¹ b over the number of terms; infinity where the fit leaves no error."""
    b, covariance = model.coefficients[places], model.covariance[np.ix_(places, places)]
    if not np.any(covariance):
        return math.inf
    return max(float(b @ np.linalg.lstsq(covariance, b, rcond=None)[0]) / len(places), 0.0)


def driver_places(model: Model) -> dict[str, list[int]]:
    """Places of the terms of each driver: those that name it; other terms are levels.

    What a searched balance point adds to the covariance ("balance.…") is no slope.
    """
    settings = cast("dict[str, Any]", model.settings)
    temperature = settings.get("temperature")
    found: dict[str, list[int]] = {}
    for place, term in enumerate(model.terms):
        if term.startswith("balance."):
            continue
        parts = term.replace("*", ".").replace("_", ".").split(".")
        owner = next((name for name in settings.get("drivers", []) if str(name) in term), None)
        if owner is None and temperature and not _SLOPE.isdisjoint(parts):
            owner = str(temperature)
        if owner is not None:
            found.setdefault(str(owner), []).append(place)
    return found


def smallest_t(model: Model) -> float:
    """The least |t| of the drivers with one term; √F of the others (1 degree of freedom's worth).

    NaN for a model without drivers, infinity where the fit leaves no error.
    """
    found = [math.sqrt(_wald(model, places)) for places in driver_places(model).values()]
    return min(found, default=math.nan)


def negative_slopes(model: Model) -> int:
    """Drivers (not the temperature) whose only term has a negative slope."""
    temperature = str(model.settings.get("temperature"))
    return sum(
        1
        for name, places in driver_places(model).items()
        if name != temperature and len(places) == 1 and model.coefficients[places[0]] < 0.0
    )
