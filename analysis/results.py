"""What analysis gives back: numbers with uncertainty, or a refusal with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Finding:
    """A named caveat or warning with the data behind it; `code` is stable, the texts are for people."""

    code: str
    en: str
    vi: str
    data: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """No number, and why: what is missing and how much of it is there."""

    code: str
    en: str
    vi: str
    data: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class FitStatistics:
    """How a model fits its own period.

    n: intervals; p: parameters; rmse: sqrt(SSE/(n − p)), unit of the energy; cv_rmse: rmse / mean;
    nmbe: Σ(y − ŷ)/((n − p)·mean); rho: lag-1 autocorrelation of residuals, not below 0.
    """

    n: int
    p: int
    r2: float
    adjusted_r2: float
    rmse: float
    cv_rmse: float
    nmbe: float
    rho: float


@dataclass(frozen=True)
class MemoryPoint:
    """One memory that the residuals allow: weight; ρ; share of the errors that has it; variance of a block."""

    weight: float
    rho: float
    share: float
    variance: float


@dataclass(frozen=True)
class Memory:
    """How long a baseline's errors last: what its residuals allow, as points of weight 1 in all.

    per_block: used rows summed to a block (a day of hourly data; else 1); dof: degrees of freedom of
    the variances; endless: probability that the errors never fade, which no point knows. Found by
    analysis._memory, frozen with the baseline.
    """

    per_block: int
    dof: float
    points: tuple[MemoryPoint, ...]
    endless: float = 0.0


@dataclass(frozen=True)
class Model:
    """A fitted linear baseline: enough to predict and to give an uncertainty, and nothing of the data.

    kind: one of `analysis.KINDS`; terms: names of the design's columns; covariance: of the
    coefficients, s²(X'X)⁻¹ without autocorrelation; settings: knots, balance points, occupied days,
    drivers, holidays: all that `design` needs to build the same columns for another period, as plain
    data. interval: what a row speaks for ("day", "hour", "month", …). residuals and follows (is row
    i + 1 the neighbour of row i?) are of the used rows of the fit, in order; a frozen baseline that
    was read back has none. basis: the design of the same rows (n × p), or what gives it; memory: of
    the errors, kept with a frozen baseline.
    """

    kind: str
    unit: str
    terms: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    statistics: FitStatistics
    settings: dict[str, object]
    start: str
    end: str
    findings: tuple[Finding, ...] = ()
    interval: str = "day"
    residuals: np.ndarray | None = None
    follows: np.ndarray | None = None
    basis: np.ndarray | Callable[[], np.ndarray] | None = None
    memory: Memory | None = None


@dataclass(frozen=True)
class InstrumentPart:
    """What one source of systematic error (a meter, a CT set, a certificate) does to a saving.

    source: id; the same id in two parts is the same error. baseline, reporting: relative standard
    uncertainty (fraction) that it gives the energy of that period, 0.0 where it has no part in it,
    dof: its degrees of freedom. Parts of one source add with their sign, sources in quadrature:
    u²(saving) = Σ_source (E_baseline·baseline − E_reporting·reporting)² (JCGM 100:2008, 5.2.2), so that the
    same meter on both sides scales the saving by its own relative uncertainty and no more.
    """

    source: str
    baseline: float
    reporting: float
    dof: float = float("inf")


@dataclass(frozen=True)
class Adjustment:
    """A non-routine adjustment: `amount` (unit of the energy) is added to the adjusted baseline.

    half_width: ± of the amount at `confidence`; positive amounts raise the saving. Sign and words
    are those of the ledger of events (analysis.events).
    """

    id: str
    amount: float
    half_width: float
    en: str
    vi: str
    confidence: float = 0.9


@dataclass(frozen=True)
class UncertaintyPart:
    """One part of an uncertainty: half_width at the confidence of the whole; parts add in quadrature.

    kind: "model", "instrument" or "adjustment"; id: the source (a meter, an adjustment, a method).
    """

    kind: str
    id: str
    half_width: float


@dataclass(frozen=True)
class Uncertainty:
    """± half_width (same unit as the saving) at a confidence, by a named method, with its source.

    parts: what it is made of, when more than the model counts (instruments, adjustments).
    """

    method: str
    confidence: float
    half_width: float
    n_effective: float
    source: str
    source_vi: str = ""
    parts: tuple[UncertaintyPart, ...] = ()


@dataclass(frozen=True)
class Savings:
    """A saving that can't be parted from its uncertainty and period.

    method: avoided, normalised, backcast, chained or portfolio. adjusted_baseline holds the
    adjustments; saving = adjusted_baseline − measured. instruments: source id → what one standard
    uncertainty of that source moves the saving by (signed, `unit`). frame: index = local start of
    each interval; columns measured, adjusted_baseline, saving, cumulative (all in `unit`, before
    adjustments), used (bool: False where an interval was excluded).
    """

    method: str
    unit: str
    start: str
    end: str
    adjusted_baseline: float
    measured: float
    saving: float
    uncertainty: Uncertainty
    others: tuple[Uncertainty, ...]
    intervals: int
    excluded: int
    findings: tuple[Finding, ...]
    frame: pd.DataFrame
    adjustments: tuple[Adjustment, ...] = ()
    instruments: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """saving / adjusted baseline."""
        return self.saving / self.adjusted_baseline

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.saving - self.uncertainty.half_width

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.saving + self.uncertainty.half_width
