"""The uncertainty of a saving by several methods, for any model with coefficients and a covariance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analysis._frames import Floats
from analysis._memory import inflation, memory_of, mixture_half_width, variance_of_sum
from analysis._student import t_two_sided
from analysis.data import Interval
from analysis.results import FitStatistics, Memory, Model, Uncertainty
from dodac.words import number_text

DEFAULT_METHOD: Final = "exact_memory"

# a M² + b M + c for M months of reporting (Sun and Baltazar 2013, as CalTRACK 2.0 §4.3.2.4 prints them)
_SUN_BALTAZAR: Final = {
    Interval.DAY: (-0.00024, 0.03535, 1.00286),
    Interval.WEEK: (-0.00024, 0.03535, 1.00286),
    Interval.MONTH: (-0.00022, 0.03306, 0.94054),
    Interval.BILL: (-0.00022, 0.03306, 0.94054),
}


_EXACT_SOURCE: Final = (
    "ordinary least squares, κ s²(g′(X′X)⁻¹g + m) with κ = (1 + ρ)/(1 − ρ)",
    "bình phương tối thiểu: κ s²(g′(X′X)⁻¹g + m), với κ = (1 + ρ)/(1 − ρ)",
)
_MEMORY_SOURCE: Final = (
    "ordinary least squares, κ s²(g′(X′X)⁻¹g + m), averaged over the ρ that the residuals allow (REML)",
    "bình phương tối thiểu: κ s²(g′(X′X)⁻¹g + m), trung bình theo các ρ phù hợp với phần dư (REML)",
)


def independent_days(statistics: FitStatistics) -> float:
    """n′ = n(1 − ρ)/(1 + ρ): how many independent intervals the baseline is worth.

    ρ is not below 0 (a negative one would pretend to more data than there are); n′ is not below
    p + 1, where one degree of freedom is left and t makes the interval as wide as it has to be.
    Source: ASHRAE Guideline 14, annex on autocorrelation; CalTRACK 2.0 §4.3.
    """
    rho = min(max(statistics.rho, 0.0), 0.999)
    return max(statistics.n * (1.0 - rho) / (1.0 + rho), statistics.p + 1.0)


def _fractional(model: Model, factor: float, adjusted_baseline: float, m: float, confidence: float) -> float:
    """t · factor · CV · sqrt((n/n′)(1 + 2/n′)/m) of the adjusted baseline, in the model's unit."""
    statistics = model.statistics
    n_effective = independent_days(statistics)
    t = t_two_sided(confidence, n_effective - statistics.p)
    share = t * factor * statistics.cv_rmse
    share *= math.sqrt(statistics.n / n_effective * (1.0 + 2.0 / n_effective) / m)
    return share * abs(adjusted_baseline)


def g14(
    model: Model,
    rows: Floats,
    adjusted_baseline: float,
    months: int,
    confidence: float,
    worth: float | None = None,
) -> Uncertainty:
    """ASHRAE Guideline 14's formula with the factor 1.26 (Reddy and Claridge 2000).

    rows: design of the m reporting intervals; worth: m in intervals of the baseline's length, where
    bills differ (None: as many as rows). 2/n′ as CalTRACK and OpenDSM write it. Known to be
    too narrow: about 83–86 % of cases at a nominal 90 % with a year of daily data.
    """
    del months
    half = _fractional(model, 1.26, adjusted_baseline, worth or len(rows), confidence)
    return Uncertainty(
        "g14",
        confidence,
        half,
        independent_days(model.statistics),
        "ASHRAE Guideline 14 annex B, factor 1.26 (Reddy & Claridge 2000), n′ for autocorrelation",
        "ASHRAE Guideline 14, phụ lục B, hệ số 1,26 (Reddy & Claridge 2000), n′ kể đến tự tương quan",
    )


def sun_baltazar_factor(interval: str, months: int) -> float:
    """Sun and Baltazar's factor in place of 1.26: daily or monthly; hourly data keep 1.26."""
    found = _SUN_BALTAZAR.get(Interval(interval))
    if found is None:
        return 1.26
    a, b, c = found
    return a * months**2 + b * months + c


def sun_baltazar(
    model: Model,
    rows: Floats,
    adjusted_baseline: float,
    months: int,
    confidence: float,
    worth: float | None = None,
) -> Uncertainty:
    """Guideline 14's formula with Sun and Baltazar's factor for the interval and the months reported.

    months: of the reporting period (Sun and Baltazar 2013, as CalTRACK 2.0 §4.3.2.4 prints it: one
    set of coefficients for daily, one for monthly data, 1.26 for hourly).
    """
    factor = sun_baltazar_factor(model.interval, months)
    half = _fractional(model, factor, adjusted_baseline, worth or len(rows), confidence)
    factor_vi = number_text(factor, 3, "vi")
    return Uncertainty(
        "sun_baltazar",
        confidence,
        half,
        independent_days(model.statistics),
        f"Sun & Baltazar 2013, factor {factor:.3f} for {months} months (CalTRACK 2.0 §4.3.2.4)",
        f"Sun & Baltazar 2013, hệ số {factor_vi} cho {months} tháng (CalTRACK 2.0 §4.3.2.4)",
    )


def exact(
    model: Model,
    rows: Floats,
    adjusted_baseline: float,
    months: int,
    confidence: float,
    worth: float | None = None,
) -> Uncertainty:
    """The variance of least squares itself: Var = κ s² (g′(X′X)⁻¹g + m), κ = (1 + ρ)/(1 − ρ).

    g: sum of the m design rows of the reporting period, so that leaving the baseline's range
    widens the interval by itself. ρ as the residuals show it, which is too low when errors last:
    71–79 % instead of 90 % at ρ = 0.95 (docs/explanation/savings.md). Source: Koran et al. 2017
    ("algebraic" approach); κ as in n/n′.
    """
    del adjusted_baseline, months
    return of_sums(model, np.sum(rows, axis=0), ((1.0, worth or len(rows)),), confidence, "exact")


def exact_memory(
    model: Model,
    rows: Floats,
    adjusted_baseline: float,
    months: int,
    confidence: float,
    worth: float | None = None,
) -> Uncertainty:
    """The variance of least squares, averaged over every memory that the residuals allow.

    For each point (weight w, ρ, share a, block variance σ²) of the model's memory (analysis._memory:
    restricted likelihood, so that ρ and σ² are not biased low by the terms that were fitted):
    Var = S(n/L)/(n/L) · σ²/(L s²) · g′ s²(X′X)⁻¹ g + σ² S(m/L), S(k) the variance of the sum of k unit
    errors (S(k)/k tends to κ = 1 − a + a(1 + ρ)/(1 − ρ)), L rows a block. The half width h solves Σ w P(|t_ν| ≤ h/√Var) = confidence,
    ν = blocks − terms; n_effective: independent blocks of L rows. Without a memory (an older frozen baseline) this is `exact`, and is named so.
    Source: restricted likelihood, Patterson and Thompson 1971, Biometrika 58; averaging over the
    nuisance parameters as Box and Tiao 1973 §2.5; g′(X′X)⁻¹g as Koran et al. 2017.
    """
    del adjusted_baseline, months
    return of_sums(model, np.sum(rows, axis=0), ((1.0, worth or len(rows)),), confidence, "exact_memory")


def of_sums(
    model: Model, g: Floats, noises: Sequence[tuple[float, float]], confidence: float, method: str
) -> Uncertainty:
    """`exact_memory` or `exact` of any sum: parameters with weights g (p), and measured stretches.

    noises: (factor, rows) of each stretch of measured rows that is in the sum; none for a projection,
    where only the parameters err. Stretches count as independent of one another and of the fit.
    `exact_memory` without a memory is `exact`, and is named so.
    """
    statistics = model.statistics
    parameters = float(g @ model.covariance @ g)
    memory = memory_of(model) if method == "exact_memory" else None
    if memory is not None:
        weight, deviation, kappa = spread(model, memory, parameters=parameters, noises=noises)
        half = float(mixture_half_width(weight[:, None], deviation[:, None], memory.dof, confidence)[0])
        independent = statistics.n / (memory.per_block * float(weight @ kappa))
        return Uncertainty("exact_memory", confidence, half, independent, *_MEMORY_SOURCE)
    independent = independent_days(statistics)
    rows = sum(factor**2 * count for factor, count in noises)
    variance = statistics.n / independent * (parameters + rows * statistics.rmse**2)
    half = t_two_sided(confidence, independent - statistics.p) * math.sqrt(variance)
    return Uncertainty("exact", confidence, half, independent, *_EXACT_SOURCE)


def spread(
    model: Model, memory: Memory, *, parameters: float, noises: Sequence[tuple[float, float]]
) -> tuple[Floats, Floats, Floats]:
    """Weight, standard deviation and κ of each point of a memory.

    parameters: g′ s²(X′X)⁻¹ g of the sum asked for; noises: as in `of_sums`.
    """
    weight, rho, share, variance = _points(memory)
    kappa = inflation(rho, share)
    per_row = model.statistics.rmse**2
    relative = variance / (memory.per_block * per_row) if per_row > 0.0 else np.zeros_like(variance)
    # κ of the blocks there are: a memory nearly as long as the baseline can't inflate it without end
    blocks = max(model.statistics.n / memory.per_block, 1.0)
    total = variance_of_sum(rho, share, blocks) / blocks * relative * parameters
    for factor, rows in noises:
        total = total + factor**2 * variance * variance_of_sum(rho, share, rows / memory.per_block)
    return weight, np.sqrt(total), kappa


def noise_half_widths(
    model: Model, rows: Sequence[float], confidence: float, method: str = DEFAULT_METHOD
) -> Floats:
    """± that the scatter of measured rows alone makes, for each count of rows: a saving's ± without parameters.

    It grows as the root of the rows (faster while errors last); what the parameters add grows with
    the rows themselves. method: any; only `exact_memory` asks the memory. Unit of the energy.
    Source: as `exact_memory` and `exact`, the m-term.
    """
    counts = np.asarray(rows, dtype=np.float64)
    memory = memory_of(model) if method == "exact_memory" else None
    if memory is None:
        independent = independent_days(model.statistics)
        t = t_two_sided(confidence, independent - model.statistics.p)
        plain: Floats = t * model.statistics.rmse * np.sqrt(model.statistics.n / independent * counts)
        return plain
    weight, rho, share, variance = _points(memory)
    sums = variance_of_sum(rho[:, None], share[:, None], counts[None, :] / memory.per_block)
    deviation = np.sqrt(variance[:, None] * np.maximum(sums, 0.0))
    shares = np.broadcast_to(weight[:, None], deviation.shape)
    return mixture_half_width(shares, deviation, memory.dof, confidence)


def standard_errors(model: Model) -> Floats:
    """Standard error of each coefficient (p) with what the memory of the errors adds (κ), as in the default interval.

    sqrt(κ · covariance), κ averaged over the memories the residuals allow; of a model without a
    memory κ = (1 + ρ)/(1 − ρ). Unit of the coefficient; NaN where the covariance is not above zero.
    """
    variance = np.diagonal(model.covariance)
    memory = memory_of(model)
    if memory is None:
        kappa = model.statistics.n / independent_days(model.statistics)
    else:
        weight, deviation, _ = spread(model, memory, parameters=1.0, noises=())
        kappa = float(weight @ deviation**2)
    found: Floats = np.sqrt(np.where(variance > 0.0, kappa * variance, np.nan))
    return found


def _points(memory: Memory) -> tuple[Floats, Floats, Floats, Floats]:
    """Weight, ρ, share and variance of a memory's points."""
    weight, rho, share, variance = (
        np.array([getattr(point, name) for point in memory.points])
        for name in ("weight", "rho", "share", "variance")
    )
    return weight, rho, share, variance


def bootstrap(
    model: Model,
    rows: Floats,
    adjusted_baseline: float,
    months: int,
    confidence: float,
    worth: float | None = None,
) -> Uncertainty:
    """Moving blocks of residuals drawn again and again (`analysis._bootstrap`), seeded.

    Raises DataError for a model without residuals (a frozen baseline that was read back).
    """
    del adjusted_baseline, months, worth
    from analysis._bootstrap import half_width

    half, length = half_width(model, rows, confidence)
    return Uncertainty(
        "bootstrap",
        confidence,
        half,
        model.statistics.n / length,
        f"moving-block bootstrap of residuals (Künsch 1989), blocks of {length} intervals, seeded",
        f"bootstrap khối phần dư (Künsch 1989), khối {length} khoảng đo, hạt ngẫu nhiên cố định",
    )


Method = Callable[[Model, Floats, float, int, float, float | None], Uncertainty]

METHODS: Final[dict[str, Method]] = {
    "exact_memory": exact_memory,
    "exact": exact,
    "g14": g14,
    "sun_baltazar": sun_baltazar,
    "bootstrap": bootstrap,
}
# what is always shown beside the chosen one; the bootstrap is computed when it is asked for
ALWAYS: Final = ("exact_memory", "exact", "g14", "sun_baltazar")
