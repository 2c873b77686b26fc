"""Many savings as one: sums with what is independent in quadrature and what is shared kept shared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis._combined import coverage
from analysis.results import Savings, Uncertainty, UncertaintyPart
from dodac.errors import ConfigError, DataError


@dataclass(frozen=True)
class Portfolio:
    """The sum of savings: figures in `unit`, ± at one confidence, with its parts.

    instruments: source id → what one standard uncertainty of it moves the whole sum by (signed).
    """

    unit: str
    members: int
    adjusted_baseline: float
    measured: float
    saving: float
    uncertainty: Uncertainty
    instruments: dict[str, float]

    @property
    def fraction(self) -> float:
        """saving / adjusted baseline."""
        return self.saving / self.adjusted_baseline

    @property
    def relative_uncertainty(self) -> float:
        """± / |saving| (the portfolio's fractional savings uncertainty); inf for a saving of zero."""
        return self.uncertainty.half_width / abs(self.saving) if self.saving else math.inf


def portfolio(savings: Sequence[Savings]) -> Portfolio:
    """The sum of savings of different meters, U = sqrt(Σ U_model² + Σ_source (Σ s)² + Σ_adjustment …).

    What the models say is independent from meter to meter (Σ in quadrature, so that FSU =
    sqrt(Σ ΔU²)/ΣU; CalTRACK 2.0 §4.4); one instrument source in several members is one error and adds
    with its sign (JCGM 100:2008, 5.2.2), as does one adjustment id. Successive periods of one meter
    share a baseline and are not independent: take the whole period as one saving instead.
    Raises DataError for no members or different units, ConfigError when confidences differ.
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
    models: list[float] = []
    sources: dict[str, float] = {}
    factors: dict[str, float] = {}
    adjustments: dict[str, float] = {}
    for each in savings:
        parts = each.uncertainty.parts
        own = [part.half_width for part in parts if part.kind == "model"]
        models += own if parts else [each.uncertainty.half_width]
        for source, moved in each.instruments.items():
            sources[source] = sources.get(source, 0.0) + moved
        for part in parts:
            if part.kind == "instrument" and each.instruments.get(part.id):
                factor = part.half_width / abs(each.instruments[part.id])
                factors[part.id] = max(factor, factors.get(part.id, 0.0))
            if part.kind == "adjustment":
                adjustments[part.id] = adjustments.get(part.id, 0.0) + part.half_width
    confidence = confidences.pop()
    found = [UncertaintyPart("model", "models", math.hypot(*models))]
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
    )
