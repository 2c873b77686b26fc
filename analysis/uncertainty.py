"""The uncertainty of a saving by several methods, for any model with coefficients and a covariance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis._student import t_two_sided
from analysis.results import FitStatistics, Model, Uncertainty

Floats = NDArray[np.float64]

DEFAULT_METHOD: Final = "exact"


def independent_days(statistics: FitStatistics) -> float:
    """n′ = n(1 − ρ)/(1 + ρ): how many independent intervals the baseline is worth.

    ρ is not below 0 (a negative one would pretend to more data than there are); n′ is not below
    p + 1, where one degree of freedom is left and t makes the interval as wide as it has to be.
    Source: ASHRAE Guideline 14, annex on autocorrelation; CalTRACK 2.0 §4.3.
    """
    rho = min(max(statistics.rho, 0.0), 0.999)
    return max(statistics.n * (1.0 - rho) / (1.0 + rho), statistics.p + 1.0)


def _fractional(model: Model, factor: float, adjusted_baseline: float, m: int, confidence: float) -> float:
    """t · factor · CV · sqrt((n/n′)(1 + 2/n′)/m) of the adjusted baseline, in the model's unit."""
    statistics = model.statistics
    n_effective = independent_days(statistics)
    t = t_two_sided(confidence, n_effective - statistics.p)
    share = t * factor * statistics.cv_rmse
    share *= math.sqrt(statistics.n / n_effective * (1.0 + 2.0 / n_effective) / m)
    return share * abs(adjusted_baseline)


def g14(model: Model, rows: Floats, adjusted_baseline: float, months: int, confidence: float) -> Uncertainty:
    """ASHRAE Guideline 14's formula with the factor 1.26 (Reddy and Claridge 2000).

    rows: design of the m reporting intervals. 2/n′ as CalTRACK and OpenDSM write it. Known to be
    too narrow: about 83–86 % of cases at a nominal 90 % with a year of daily data.
    """
    del months
    half = _fractional(model, 1.26, adjusted_baseline, len(rows), confidence)
    return Uncertainty(
        "g14",
        confidence,
        half,
        independent_days(model.statistics),
        "ASHRAE Guideline 14 annex B, factor 1.26 (Reddy & Claridge 2000), n′ for autocorrelation",
        "ASHRAE Guideline 14, phụ lục B, hệ số 1,26 (Reddy & Claridge 2000), n′ kể đến tự tương quan",
    )


def sun_baltazar(
    model: Model, rows: Floats, adjusted_baseline: float, months: int, confidence: float
) -> Uncertainty:
    """Guideline 14's formula with Sun and Baltazar's factor for daily models.

    months: of the reporting period. Factor −0.00024 M² + 0.03535 M + 1.00286
    (Sun and Baltazar 2013, as CalTRACK 2.0 §4.3.2.4 prints it).
    """
    factor = -0.00024 * months**2 + 0.03535 * months + 1.00286
    half = _fractional(model, factor, adjusted_baseline, len(rows), confidence)
    return Uncertainty(
        "sun_baltazar",
        confidence,
        half,
        independent_days(model.statistics),
        "Sun & Baltazar 2013, daily factor for the months of the reporting period (CalTRACK 2.0 §4.3.2.4)",
        "Sun & Baltazar 2013, hệ số cho số liệu ngày theo số tháng của kỳ báo cáo (CalTRACK 2.0 §4.3.2.4)",
    )


def exact(
    model: Model, rows: Floats, adjusted_baseline: float, months: int, confidence: float
) -> Uncertainty:
    """The variance of least squares itself: Var = κ s² (g′(X′X)⁻¹g + m), κ = (1 + ρ)/(1 − ρ).

    g: sum of the m design rows of the reporting period, so that leaving the baseline's range
    widens the interval by itself. Measured coverage 88–92 % at a nominal 90 % (docs/explanation/
    savings.md). Source: Koran et al. 2017 ("algebraic" approach); κ as in n/n′.
    """
    del adjusted_baseline, months
    statistics = model.statistics
    n_effective = independent_days(statistics)
    kappa = statistics.n / n_effective
    g = np.sum(rows, axis=0)
    variance = kappa * (float(g @ model.covariance @ g) + len(rows) * statistics.rmse**2)
    half = t_two_sided(confidence, n_effective - statistics.p) * math.sqrt(variance)
    return Uncertainty(
        "exact",
        confidence,
        half,
        n_effective,
        "ordinary least squares, κ s²(g′(X′X)⁻¹g + m) with κ = (1 + ρ)/(1 − ρ)",
        "bình phương tối thiểu: κ s²(g′(X′X)⁻¹g + m), với κ = (1 + ρ)/(1 − ρ)",
    )


Method = Callable[[Model, Floats, float, int, float], Uncertainty]

METHODS: Final[dict[str, Method]] = {"exact": exact, "g14": g14, "sun_baltazar": sun_baltazar}
