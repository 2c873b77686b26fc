"""Fractional savings uncertainty before any saving is known: what a baseline could show of a planned saving."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from analysis._student import t_two_sided
from analysis.results import Model
from dodac.errors import ConfigError

# nmecr counts months of 30 days (its mean(30, 31) is R's mean of 30 alone)
_NMECR_MONTH_DAYS: Final = 30.0
_SWITCH_RHO: Final = 0.5


def fsu_nmecr(
    model: Model,
    *,
    savings_fraction: float,
    confidence: float = 0.9,
    m: int | None = None,
    parameters: int | None = None,
) -> float:
    """The fractional uncertainty of a saving as the package nmecr (kW-Labs, 2024) states it, to compare with it.

    FSU = t α sqrt(MSE (1 + 2/n) m) / (m ȳ F). Above ρ = 0.5, ρ being Pearson's correlation of each residual
    with the one before (not clamped, gaps ignored), n, t and MSE are those of n′ = n(1 − ρ)/(1 + ρ):
    MSE = SSE/(n′ − p); else of n. α: 1.26 below daily data, Sun and Baltazar's polynomial for daily and monthly,
    with the BASELINE's months of 30 days (CalTRACK 2.0 §4.3.2.4 takes the reporting period's).
    m: reporting intervals (as many as the baseline's when None); parameters: of the model where another
    count is compared (None: the model's own). Differs from dodac's own methods, which are what reports show.
    Raises ConfigError for a model without residuals or when n′ leaves no degree of freedom.
    """
    if model.residuals is None:
        raise ConfigError("a baseline that was read back has no residuals.", todo="Fit it again.")
    e = np.asarray(model.residuals, dtype=np.float64)
    n, count = len(e), model.statistics.n
    p = model.statistics.p if parameters is None else parameters
    rho = float(np.corrcoef(e[1:], e[:-1])[0, 1])
    rows = count if m is None else m
    mean = model.statistics.rmse / model.statistics.cv_rmse
    if model.interval == "day":
        months = n / _NMECR_MONTH_DAYS
        alpha = -0.00024 * months**2 + 0.03535 * months + 1.00286
    elif model.interval == "month":
        alpha = -0.00022 * n**2 + 0.03306 * n + 0.94054
    else:
        alpha = 1.26
    effective = (
        n * (1.0 - rho) / (1.0 + rho) if rho >= _SWITCH_RHO and model.interval != "month" else float(n)
    )
    if effective - p <= 0.0:
        raise ConfigError(f"n′ = {effective:.0f} intervals leave nothing for {p} parameters.")
    mse = float(e @ e) / (effective - p)
    t = t_two_sided(confidence, effective - p)
    return t * alpha * math.sqrt(mse * (1.0 + 2.0 / effective) * rows) / (rows * mean * savings_fraction)
