"""Many savings as one: sums with what is independent in quadrature and what is shared kept shared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis import _saving_words as words
from analysis._combined import coverage
from analysis.results import Finding, Savings, Uncertainty, UncertaintyPart
from dodac.errors import ConfigError, DataError


@dataclass(frozen=True)
class Portfolio:
    """The sum of savings: figures in `unit`, ± at one confidence, with its parts.

    instruments: source id → what one standard uncertainty of it moves the whole sum by (signed);
    findings: what is taken as independent, and what as shared.
    """

    unit: str
    members: int
    adjusted_baseline: float
    measured: float
    saving: float
    uncertainty: Uncertainty
    instruments: dict[str, float]
    findings: tuple[Finding, ...] = ()

    @property
    def fraction(self) -> float:
        """saving / adjusted baseline."""
        return self.saving / self.adjusted_baseline

    @property
    def relative_uncertainty(self) -> float:
        """± / |saving| (the portfolio's fractional savings uncertainty); inf for a saving of zero."""
        return self.uncertainty.half_width / abs(self.saving) if self.saving else math.inf


def portfolio(savings: Sequence[Savings], *, shared: Sequence[Sequence[int]] = ()) -> Portfolio:
    """The sum of savings of different meters, U = sqrt(Σ U_model² + Σ_source (Σ s)² + Σ_adjustment …).

    What the models say is independent from meter to meter (Σ in quadrature, so that FSU =
    sqrt(Σ ΔU²)/ΣU; CalTRACK 2.0 §4.4); one instrument source in several members is one error and adds
    with its sign (JCGM 100:2008, 5.2.2), as does one adjustment id. shared: groups of members (places in
    `savings`, from 0) whose models err together: on one baseline, or successive periods of one meter.
    Within a group the ± of the models add, the most they can be (JCGM 100:2008, 5.2.2 note 1, correlation 1).
    Raises DataError for no members or different units, ConfigError when confidences differ, or for a
    group with a place that is not there or in two groups.
    """
    if not savings:
        raise DataError("there is no saving to add up.")
    units = sorted({each.unit for each in savings})
    if len(units) > 1:
        raise DataError(f"the savings have different units: {', '.join(units)}.", todo="Convert them first.")
    confidences = {each.uncertainty.confidence for each in savings}
    if len(confidences) > 1:
        shown = ", ".join(f"{value:g}" for value in sorted(confidences))
        raise ConfigError(
            f"the savings are given at different confidences: {shown}.",
            todo="Compute them at one confidence for the whole programme.",
        )
    group_of = _groups(shared, len(savings))
    models: dict[int, float] = {}
    sources: dict[str, float] = {}
    factors: dict[str, float] = {}
    adjustments: dict[str, float] = {}
    for place, each in enumerate(savings):
        parts = each.uncertainty.parts
        own = sum(part.half_width for part in parts if part.kind == "model")
        group = group_of.get(place, place)
        models[group] = models.get(group, 0.0) + (own if parts else each.uncertainty.half_width)
        for source, moved in each.instruments.items():
            sources[source] = sources.get(source, 0.0) + moved
        for part in parts:
            if part.kind == "instrument" and each.instruments.get(part.id):
                factor = part.half_width / abs(each.instruments[part.id])
                factors[part.id] = max(factor, factors.get(part.id, 0.0))
            if part.kind == "adjustment":
                adjustments[part.id] = adjustments.get(part.id, 0.0) + part.half_width
    confidence = confidences.pop()
    found = [UncertaintyPart("model", "models", math.hypot(*models.values()))]
    for source, moved in sources.items():
        factor = factors.get(source, coverage(confidence))
        found.append(UncertaintyPart("instrument", source, factor * abs(moved)))
    found += [UncertaintyPart("adjustment", name, half) for name, half in adjustments.items()]
    uncertainty = Uncertainty(
        "portfolio",
        confidence,
        math.hypot(*(part.half_width for part in found)),
        min(each.uncertainty.n_effective for each in savings),
        "independent models in quadrature, one instrument's error added with its sign (JCGM 100:2008, 5.2.2)",
        "mô hình độc lập cộng theo bình phương, sai số của cùng một thiết bị cộng có dấu (JCGM 100:2008, 5.2.2)",
        tuple(found),
    )
    return Portfolio(
        units[0],
        len(savings),
        sum(each.adjusted_baseline for each in savings),
        sum(each.measured for each in savings),
        sum(each.saving for each in savings),
        uncertainty,
        sources,
        _told(shared, len(savings)),
    )


def _groups(shared: Sequence[Sequence[int]], members: int) -> dict[int, int]:
    """Member → the first of its group."""
    found: dict[int, int] = {}
    for group in shared:
        for place in group:
            if not 0 <= place < members or place in found:
                raise ConfigError(
                    f"shared: there is no member {place}, or it is in two groups.",
                    todo=f"Give each of the places 0 to {members - 1} once at most.",
                )
            found[place] = group[0]
    return found


def _told(shared: Sequence[Sequence[int]], members: int) -> tuple[Finding, ...]:
    found = []
    groups = [group for group in shared if len(group) > 1]
    if groups:
        found.append(words.shared_baselines(len(groups), sum(len(group) for group in groups)))
    if members > max((len(group) for group in groups), default=1):
        found.append(words.independent(members))
    return tuple(found)
