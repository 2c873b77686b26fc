"""Entries of the audit register, and the case that report and page are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.results import Finding, FitStatistics, Memory, Savings
from dodac.money import Money

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evidence", "FrozenBaseline", "Money", "Option", "Plan", "SavingCase", "VerifiedSaving"]


@dataclass(frozen=True)
class Option:
    """A cleaner-production measure. status: idea | planned | implemented | dropped."""

    id: str
    name_en: str
    name_vi: str
    company: str
    site: str
    asset: str
    status: str
    description_en: str = ""
    description_vi: str = ""
    investment: Money | None = None
    registered_ns: int = 0


@dataclass(frozen=True)
class Metering:
    """The plates of an electricity meter and its transformers ("" for none), and the load they work at.

    load: usual current as a fraction of the rated (CT primary, or the meter's reference current).
    """

    meter_class: str
    load: float
    power_factor: float
    ct_class: str = ""
    vt_class: str = ""


@dataclass(frozen=True)
class Plan:
    """The M&V plan of an option, registered before the measure starts.

    energy: (instrument, channel) of the measured energy; drivers: name → (instrument, channel);
    temperature is the driver of that name; model: a kind of analysis.KINDS, or "auto" for the one
    that predicts best in cross-validation; interval: what a row of the fit speaks for; holidays: country code or None; exclude: local dates
    [(from, to, why)] left out of both periods; static_factors: (name, unit, value in the baseline) of
    what is taken as unchanged; metering: the energy meter's own accuracy, which then counts in the
    saving's uncertainty; baseline, blackout, reporting: local dates [from, to].
    """

    id: str
    option: str
    ipmvp_option: str
    boundary_en: str
    boundary_vi: str
    energy: tuple[str, str]
    drivers: dict[str, tuple[str, str]]
    model: str
    holidays: str | None
    zone: str
    baseline: tuple[str, str]
    blackout: tuple[str, str] | None
    reporting: tuple[str, str]
    confidence: float
    price: Money | None
    exclude: tuple[tuple[str, str, str], ...] = ()
    registered_ns: int = 0
    interval: str = "day"
    static_factors: tuple[tuple[str, str, str], ...] = ()
    metering: Metering | None = None


@dataclass(frozen=True)
class Evidence:
    """Where a figure came from: samples of an instrument that were read for it.

    samples: of the instrument in the period, flagged ones too; flagged: those in which this channel
    is not good; first_ns, last_ns: their times (0 when there are none); digest: SHA-256 over the
    samples' digests in time order, then over the exchanges and rollovers of its meter.
    """

    instrument: str
    channel: str
    samples: int
    flagged: int
    first_ns: int
    last_ns: int
    digest: str


@dataclass(frozen=True)
class FrozenBaseline:
    """A fitted baseline with the data it was fitted on, fixed before reporting data are read.

    plan_digest: SHA-256 of the plan it was frozen for; calendar: which holiday calendar gave the
    day types; evidence: the samples of the baseline period; version: of dodac;
    memory: of the model's errors (None in baselines of earlier versions); decisions: SHA-256 of each
    decision about events that was taken into account.
    """

    id: str
    plan: str
    frozen_ns: int
    data_digest: str
    kind: str
    unit: str
    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    statistics: FitStatistics
    settings: dict[str, object]
    start: str
    end: str
    findings: tuple[Finding, ...]
    version: str
    plan_digest: str = ""
    calendar: str = ""
    evidence: tuple[Evidence, ...] = ()
    interval: str = "day"
    memory: Memory | None = None
    decisions: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifiedSaving:
    """A saving that refers to its plan, its frozen baseline and the samples of the reporting period.

    decisions: SHA-256 of each decision about events that counts in it; unadjusted: the saving without
    what they add (None when they add nothing); weather_before: SHA-256 of the weather that a smoothed temperature
    started from ("" for none).
    """

    id: str
    plan: str
    baseline: str
    verified_ns: int
    start: str
    end: str
    unit: str
    adjusted_baseline: float
    measured: float
    saving: float
    half_width: float
    confidence: float
    method: str
    intervals: int
    excluded: int
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
    money: Money | None
    money_half_width: float | None
    data_digest: str
    evidence_class: str = "verified"
    decisions: tuple[str, ...] = ()
    unadjusted: float | None = None
    interval: str = "day"
    weather_before: str = ""


@dataclass(frozen=True)
class SavingCase:
    """All that a report or a page shows about one verified saving.

    baseline_frame: index local start; columns measured, model, driver columns, used.
    savings: the recomputed result with its frame (equal to `verified`, else IntegrityError earlier).
    instruments: id → facts (profile, serial number, calibration, …) as printed words.
    gaps: events of the two periods that left intervals without data.
    """

    option: Option
    plan: Plan
    baseline: FrozenBaseline
    verified: VerifiedSaving
    savings: Savings
    baseline_frame: pd.DataFrame
    instruments: dict[str, dict[str, str]] = field(default_factory=dict)
    gaps: tuple[tuple[str, str, str], ...] = ()
