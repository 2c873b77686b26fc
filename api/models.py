"""What the HTTP API answers with; times are ISO 8601 in UTC, values in canonical units."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel

from analysis.results import Finding, Uncertainty
from audit.records import Money, SavingCase, VerifiedSaving
from dodac.clock import iso_utc


def finite(value: float) -> float | None:
    """The value, or None where JSON has no word for it."""
    return float(value) if math.isfinite(value) else None


class Fault(BaseModel):
    """Something wrong with the collector itself."""

    code: str
    name: str
    text: str


class Health(BaseModel):
    """status: of the page. The rest is empty for who may not know it, and where no collector runs."""

    status: str
    version: str
    journal: bool
    seq: int
    pages: int
    collector: str = ""
    faults: list[Fault] = []
    loops: list[dict[str, Any]] = []
    ingest: dict[str, Any] = {}
    disk: dict[str, Any] = {}
    sinks: list[dict[str, Any]] = []


class SiteOut(BaseModel):
    id: str
    company: str
    name: str
    timezone: str
    language: str
    instruments: int


class ReadingOut(BaseModel):
    """value is null when the reading is flagged; reason says why."""

    channel: str
    unit: str
    vi: str
    en: str
    value: float | None
    time: str
    age_s: float
    reason: str


class InstrumentOut(BaseModel):
    id: str
    asset: str
    name: str
    measurement: str
    facts: dict[str, str]
    readings: list[ReadingOut]


class Point(BaseModel):
    time: str
    value: float | None


class SeriesOut(BaseModel):
    """what: values as read, or means / amounts of steps."""

    instrument: str
    channel: str
    unit: str
    what: str
    step: str
    points: list[Point]


class LedgerRow(BaseModel):
    """received = committed + duplicate + conflict + dead_letter + in_flight."""

    instrument: str
    source: str
    received: int
    committed: int
    duplicate: int
    conflict: int
    dead_letter: int
    in_flight: int


class SinkRow(BaseModel):
    """committed = delivered + waiting + rejected + expired + dropped; removed: no longer in the site file."""

    sink: str
    committed: int
    delivered: int
    waiting: int
    rejected: int
    expired: int
    dropped: int
    removed: bool = False


class EntriesOut(BaseModel):
    """Readings by hand on their way: waiting to be stored, and set aside as no entries."""

    waiting: int
    refused: int
    oldest_s: float


class LedgerOut(BaseModel):
    """Where every sample is since the journal began, and what waits before it; running: dodac run works."""

    rows: list[LedgerRow]
    sinks: list[SinkRow]
    balanced: bool
    running: bool
    last_seq: int
    entries: EntriesOut


class MoneyOut(BaseModel):
    amount: float
    currency: str
    price_date: str
    half_width: float | None = None


class FindingOut(BaseModel):
    code: str
    vi: str
    en: str
    data: dict[str, float | int | str]


class UncertaintyOut(BaseModel):
    method: str
    confidence: float
    half_width: float
    n_effective: float | None
    source: str


class SavingLine(BaseModel):
    """One verified saving; energies in `unit`, confidence and fraction as shares of one."""

    id: str
    plan: str
    baseline: str
    verified: str
    start: str
    end: str
    unit: str
    adjusted_baseline: float
    measured: float
    saving: float
    half_width: float
    low: float
    high: float
    fraction: float | None
    confidence: float
    method: str
    intervals: int
    excluded: int
    evidence_class: str
    money: MoneyOut | None


class EvidenceOut(BaseModel):
    instrument: str
    channel: str
    samples: int
    flagged: int
    first: str
    last: str
    digest: str


class StatisticsOut(BaseModel):
    n: int
    p: int
    r2: float
    adjusted_r2: float
    rmse: float
    cv_rmse: float
    nmbe: float
    rho: float


class BaselineOut(BaseModel):
    id: str
    frozen: str
    kind: str
    start: str
    end: str
    statistics: StatisticsOut
    data_digest: str
    findings: list[FindingOut]


class OptionOut(BaseModel):
    id: str
    name_vi: str
    name_en: str
    asset: str
    status: str
    investment: MoneyOut | None


class SavingOut(SavingLine):
    option: OptionOut
    ipmvp_option: str
    boundary_vi: str
    boundary_en: str
    uncertainties: list[UncertaintyOut]
    findings: list[FindingOut]
    baseline_model: BaselineOut
    evidence: list[EvidenceOut]
    data_digest: str


class FrameRow(BaseModel):
    start: str
    measured: float | None
    adjusted_baseline: float | None
    saving: float | None
    cumulative: float | None
    used: bool


class FrameOut(BaseModel):
    id: str
    unit: str
    rows: list[FrameRow]


def _money(money: Money | None, half_width: float | None = None) -> MoneyOut | None:
    if money is None:
        return None
    return MoneyOut(
        amount=money.amount, currency=money.currency, price_date=money.price_date, half_width=half_width
    )


def _findings(items: tuple[Finding, ...]) -> list[FindingOut]:
    return [FindingOut(code=item.code, vi=item.vi, en=item.en, data=dict(item.data)) for item in items]


def _uncertainty(item: Uncertainty) -> UncertaintyOut:
    return UncertaintyOut(
        method=item.method,
        confidence=item.confidence,
        half_width=item.half_width,
        n_effective=finite(item.n_effective),
        source=item.source,
    )


def saving_line(item: VerifiedSaving) -> SavingLine:
    """The figures of a verified saving."""
    return SavingLine(**_line(item))


def _line(item: VerifiedSaving) -> dict[str, Any]:
    return {
        "id": item.id,
        "plan": item.plan,
        "baseline": item.baseline,
        "verified": iso_utc(item.verified_ns),
        "start": item.start,
        "end": item.end,
        "unit": item.unit,
        "adjusted_baseline": item.adjusted_baseline,
        "measured": item.measured,
        "saving": item.saving,
        "half_width": item.half_width,
        "low": item.saving - item.half_width,
        "high": item.saving + item.half_width,
        "fraction": finite(item.saving / item.adjusted_baseline) if item.adjusted_baseline else None,
        "confidence": item.confidence,
        "method": item.method,
        "intervals": item.intervals,
        "excluded": item.excluded,
        "evidence_class": item.evidence_class,
        "money": _money(item.money, item.money_half_width),
    }


def saving_out(case: SavingCase) -> SavingOut:
    """A case as the API tells it: the same figures as page and report."""
    verified, base, option = case.verified, case.baseline, case.option
    statistics = base.statistics
    return SavingOut(
        **_line(verified),
        option=OptionOut(
            id=option.id, name_vi=option.name_vi, name_en=option.name_en, asset=option.asset,
            status=option.status, investment=_money(option.investment),
        ),
        ipmvp_option=case.plan.ipmvp_option,
        boundary_vi=case.plan.boundary_vi,
        boundary_en=case.plan.boundary_en,
        uncertainties=[_uncertainty(item) for item in (case.savings.uncertainty, *case.savings.others)],
        findings=_findings(verified.findings),
        baseline_model=BaselineOut(
            id=base.id, frozen=iso_utc(base.frozen_ns), kind=base.kind, start=base.start, end=base.end,
            statistics=StatisticsOut(
                n=statistics.n, p=statistics.p, r2=statistics.r2, adjusted_r2=statistics.adjusted_r2,
                rmse=statistics.rmse, cv_rmse=statistics.cv_rmse, nmbe=statistics.nmbe, rho=statistics.rho,
            ),
            data_digest=base.data_digest, findings=_findings(base.findings),
        ),
        evidence=[
            EvidenceOut(
                instrument=item.instrument, channel=item.channel, samples=item.samples, flagged=item.flagged,
                first=iso_utc(item.first_ns), last=iso_utc(item.last_ns), digest=item.digest,
            )
            for item in verified.evidence
        ],
        data_digest=verified.data_digest,
    )  # fmt: skip


def frame_out(case: SavingCase) -> FrameOut:
    """The intervals behind a saving."""
    frame = case.savings.frame
    columns = [
        frame[name].tolist() for name in ("measured", "adjusted_baseline", "saving", "cumulative", "used")
    ]
    return FrameOut(
        id=case.verified.id,
        unit=case.savings.unit,
        rows=[
            FrameRow(
                start=stamp.isoformat(), measured=finite(measured), adjusted_baseline=finite(adjusted),
                saving=finite(saving), cumulative=finite(cumulative), used=bool(used),
            )
            for stamp, measured, adjusted, saving, cumulative, used in zip(frame.index, *columns, strict=True)
        ],
    )  # fmt: skip
