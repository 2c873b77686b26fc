"""Indicators that keep their definition, and specific consumption before, after and aimed at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from analysis.benefits._words import ratio_inferred, refuse, refuse_missing
from analysis.benefits.figures import EvidenceClass, believable
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError
from dodac.words import number_text


@dataclass(frozen=True)
class IndicatorDefinition:
    """What an indicator is: two values compare only when all of this is the same.

    unit: of the quantity (kWh, kg); per: what it is divided by ("t of beer", "person-month", "useful
    person-month", "trainee-day"; "" for an absolute quantity); boundary: what is counted in it.
    """

    id: str
    unit: str
    per: str
    en: str
    vi: str
    boundary: str = ""

    @property
    def whole_unit(self) -> str:
        """kWh/person-month."""
        return f"{self.unit}/{self.per}" if self.per else self.unit


@dataclass(frozen=True)
class IndicatorValue:
    """A value of an indicator for a period; resolution: one step of its last printed digit (0: exact)."""

    definition: IndicatorDefinition
    value: float
    period: str
    evidence: EvidenceClass
    resolution: float = 0.0
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not (believable(self.value) and believable(self.resolution) and self.resolution >= 0):
            raise DataError(f"{self.definition.id}: {self.value} {self.definition.whole_unit} is no value.")


@dataclass(frozen=True)
class Ratio:
    """How many of `to_per` are in one `from_per` (useful person-months per person-month: 0.65)."""

    from_per: str
    to_per: str
    value: float
    source: str
    inferred: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise ConfigError(f"a ratio of {self.value} {self.to_per} per {self.from_per} is none.")


@dataclass(frozen=True)
class Comparison:
    """A change in percent of the baseline (negative: less), with the range that rounded digits leave."""

    baseline: IndicatorValue
    value: IndicatorValue
    change_pct: float
    low_pct: float
    high_pct: float
    findings: tuple[Finding, ...] = ()

    def explains(self, claimed_pct: float, resolution: float = 0.0) -> bool:
        """Can a claimed change come from the printed values within their rounding?"""
        half = resolution / 2
        return self.low_pct - half <= claimed_pct <= self.high_pct + half


def compare(baseline: IndicatorValue | None, value: IndicatorValue) -> Comparison | Refusal:
    """The change from a baseline: 100·(value/baseline − 1).

    Refused without a baseline (an indicator that is only monitored), for a baseline of zero, and when the
    definitions differ in unit, divisor or boundary: restate the baseline first, when the ratio is known.
    """
    if baseline is None:
        return refuse_missing(
            f"A baseline of {value.definition.en}", f"giá trị gốc của {value.definition.vi}"
        )
    old, new = baseline.definition, value.definition
    if (old.id, old.unit, old.per, old.boundary) != (new.id, new.unit, new.per, new.boundary):
        return refuse(
            "definition_differs",
            f"{new.en}: the baseline is in {old.whole_unit}, the value in {new.whole_unit}"
            + (f" ({old.boundary!r} against {new.boundary!r})" if old.boundary != new.boundary else "")
            + ". They don't compare; restate the baseline with a known ratio.",
            f"{new.vi}: giá trị gốc tính theo {old.whole_unit}, giá trị mới theo {new.whole_unit}; không so sánh được. "
            "Hãy quy đổi giá trị gốc bằng một tỷ lệ đã biết.",
            baseline=old.whole_unit,
            value=new.whole_unit,
        )
    first, second = baseline.resolution / 2, value.resolution / 2
    if not baseline.value - first > 0:
        return refuse(
            "no_baseline_value",
            f"{new.en}: the baseline is {baseline.value:g}, there is nothing to compare with.",
            f"{new.vi}: giá trị gốc là {baseline.value:g}, không có cơ sở so sánh.",
            baseline=baseline.value,
        )
    return Comparison(
        baseline,
        value,
        100 * (value.value / baseline.value - 1),
        100 * ((value.value - second) / (baseline.value + first) - 1),
        100 * ((value.value + second) / (baseline.value - first) - 1),
        (*baseline.findings, *value.findings),
    )


def restate(value: IndicatorValue, definition: IndicatorDefinition, ratio: Ratio) -> IndicatorValue | Refusal:
    """A value on another definition: value / (to_per per from_per); the resolution follows.

    Refused when unit, boundary or indicator differ too, or the ratio is of other divisors: a ratio of
    persons says nothing of kilograms.
    """
    old = value.definition
    same = (old.id, old.unit, old.boundary) == (definition.id, definition.unit, definition.boundary)
    if not same or (ratio.from_per, ratio.to_per) != (old.per, definition.per):
        return refuse(
            "no_ratio",
            f"{old.en}: no way from {old.whole_unit} to {definition.whole_unit} by a ratio of {ratio.to_per} per "
            f"{ratio.from_per}.",
            f"{old.vi}: không quy đổi được từ {old.whole_unit} sang {definition.whole_unit} bằng tỷ lệ "
            f"{ratio.to_per}/{ratio.from_per}.",
        )
    name = f"{ratio.to_per}/{ratio.from_per}"
    findings = (*value.findings, *((ratio_inferred(name, ratio.value),) if ratio.inferred else ()))
    return replace(
        value,
        definition=definition,
        value=value.value / ratio.value,
        resolution=value.resolution / ratio.value,
        findings=findings,
    )


def implied_ratio(baseline: IndicatorValue, value: IndicatorValue, claimed_pct: float) -> float | Refusal:
    """The ratio of divisors that would make a claimed change true: baseline·(1 + claim)/value."""
    if value.value <= 0 or not math.isfinite(claimed_pct):
        return refuse_missing("A value above zero", "giá trị lớn hơn 0")
    return baseline.value * (1 + claimed_pct / 100) / value.value


def per_person(quantity: float, persons: float, periods: float, useful_share: float = 1.0) -> float | Refusal:
    """quantity / (persons · periods · useful share): kWh per (useful) person-month, kg per trainee-day.

    periods: months or days, as the definition says. Refused without persons or time.
    """
    divisor = persons * periods * useful_share
    if not (math.isfinite(divisor) and min(persons, periods, useful_share) > 0 and math.isfinite(quantity)):
        return refuse_missing("Persons and time above zero", "số người và thời gian lớn hơn 0")
    each = quantity / divisor
    return each if believable(each) else refuse_missing("A quantity", "số lượng")


@dataclass(frozen=True)
class SpecificConsumption:
    """Energy, water or material per unit of product: before, after and aimed at (one unit for all)."""

    definition: IndicatorDefinition
    before: float | None
    after: float | None
    target: float | None = None

    def __post_init__(self) -> None:
        for value in (self.before, self.after, self.target):
            if value is not None and not believable(value):
                raise DataError(f"{self.definition.id}: {value} {self.definition.whole_unit} is no value.")

    @property
    def change_pct(self) -> float | None:
        """100·(after/before − 1); None where one is missing or nothing was used before."""
        if self.before is None or self.after is None or self.before <= 0:
            return None
        return 100 * (self.after / self.before - 1)

    @property
    def reached(self) -> bool | None:
        """Is the target (or norm) met? None without target or value."""
        return None if self.target is None or self.after is None else self.after <= self.target


def specific(quantity: float, product: float) -> float | Refusal:
    """quantity / product; refused without product, and for a quantity below zero."""
    if not (math.isfinite(quantity) and math.isfinite(product) and product > 0):
        return refuse(
            "no_product",
            "Specific consumption needs an output above zero.",
            "Suất tiêu hao cần sản lượng lớn hơn 0.",
            product=product if math.isfinite(product) else 0.0,
        )
    each = quantity / product
    if quantity < 0:
        return refuse(
            "negative_consumption",
            f"A consumption of {quantity:g} is below zero: check the meter's direction.",
            f"Mức tiêu thụ {number_text(quantity, 3, 'vi')} là số âm: kiểm tra chiều đấu đồng hồ.",
            quantity=quantity,
        )
    return each if believable(each) else refuse_missing("A quantity", "số lượng")
