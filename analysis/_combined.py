"""The model's uncertainty with that of instruments and adjustments, kept apart as parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

from analysis._student import t_two_sided
from analysis.results import Adjustment, InstrumentPart, Uncertainty, UncertaintyPart
from analysis.uncertainty import METHODS
from dodac.errors import ConfigError


def check_method(method: str, confidence: float, known: Sequence[str] = tuple(METHODS)) -> None:
    """Raises ConfigError for an unknown method or a confidence outside (0.5, 1)."""
    if method not in known:
        raise ConfigError(f'there is no method "{method}".', todo=f"Choose one of: {', '.join(known)}.")
    if not 0.5 < confidence < 1.0:
        raise ConfigError(f"a confidence of {confidence} makes no sense.", todo="Give e.g. 0.9.")


def sensitivities(
    instruments: Sequence[InstrumentPart], adjusted_baseline: float, measured: float
) -> dict[str, float]:
    """By how much one standard uncertainty of each source moves the saving (signed, unit of the energy).

    B·u_baseline − M·u_reporting, summed over the parts of one source (JCGM 100:2008, 5.2.2): the same
    meter in both periods gives u·(B − M), no more. Raises ConfigError for a u that is negative or no number.
    """
    found: dict[str, float] = {}
    for part in instruments:
        for value in (part.baseline, part.reporting):
            if not math.isfinite(value):
                raise ConfigError(f'the uncertainty of "{part.source}" is no number.')
        moved = adjusted_baseline * part.baseline - measured * part.reporting
        found[part.source] = found.get(part.source, 0.0) + moved
    return found


def combined(
    model: Uncertainty,
    instruments: Sequence[InstrumentPart],
    moved: Mapping[str, float],
    adjustments: Sequence[Adjustment],
) -> Uncertainty:
    """A model's uncertainty with the others in quadrature, at the model's confidence.

    Sources are expanded with t of their degrees of freedom (normal when infinite), adjustments from
    their own confidence by the normal law (JCGM 100:2008, 5.1.2 and G.6; the sum of expanded
    parts, as ASHRAE Guideline 14 annex B adds measurement and model). Without other parts nothing
    is changed. Raises ConfigError for an adjustment without a finite, non-negative half width.
    """
    confidence = model.confidence
    parts = []
    freedom: dict[str, float] = {}
    for part in instruments:
        freedom[part.source] = min(part.dof, freedom.get(part.source, math.inf))
    for source, amount in moved.items():
        parts.append(
            UncertaintyPart("instrument", source, coverage(confidence, freedom[source]) * abs(amount))
        )
    for each in adjustments:
        if not (math.isfinite(each.amount) and math.isfinite(each.half_width) and each.half_width >= 0.0):
            raise ConfigError(
                f'the adjustment "{each.id}" has no amount with an uncertainty.',
                todo="Give its half width, 0 for a metered amount that counts as exact.",
            )
        scale = coverage(confidence) / coverage(each.confidence)
        parts.append(UncertaintyPart("adjustment", each.id, scale * each.half_width))
    if not parts:
        return model
    parts.insert(0, UncertaintyPart("model", model.method, model.half_width))
    half = math.sqrt(sum(part.half_width**2 for part in parts))
    return replace(model, half_width=half, parts=tuple(parts))


def coverage(confidence: float, dof: float = math.inf) -> float:
    """The coverage factor k of a confidence: Student's t, or the normal quantile for infinite dof."""
    if math.isfinite(dof):
        return t_two_sided(confidence, dof)
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)
