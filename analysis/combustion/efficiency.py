"""An efficiency that says what it counts, and the fuel that a better one saves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from analysis.combustion import _words as words
from analysis.combustion._given import above, within
from analysis.combustion.composition import HeatingValue
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import ConfigError

# names of losses, in the order reports show them
LOSSES: Final = (
    "dry_flue_gas",
    "fuel_hydrogen",
    "fuel_moisture",
    "air_moisture",
    "co",
    "radiation",
    "unburnt_fly_ash",
    "unburnt_bottom_ash",
    "sensible_ash",
    "unaccounted",
    "blowdown",
    "condensation",
)
_HIGHEST_PCT = 115.0


@dataclass(frozen=True)
class InstrumentLimits:
    """Limits of error (± absolute, rectangular) of the analyser's channels: vol% O₂, and K for each probe.

    co2_pct serves where the loss comes from CO₂.
    """

    o2_pct: float = 0.2
    t_flue_c: float = 2.0
    t_air_c: float = 0.5
    co2_pct: float = 0.3

    def __post_init__(self) -> None:
        """ConfigError for a limit that is missing or below zero."""
        within(
            0.0,
            100.0,
            o2_pct=self.o2_pct,
            t_flue_c=self.t_flue_c,
            t_air_c=self.t_air_c,
            co2_pct=self.co2_pct,
        )


@dataclass(frozen=True)
class Efficiency:
    """An efficiency with its basis and the losses it counts: only like is compared with like.

    value_pct: percent of the heat of the fuel on `basis`; losses: names of LOSSES counted; method and
    fuel: how it was had; sensitivities: percent points per unit of each reading (o2_pct, t_flue_c, …),
    by central differences; standard: percent points of each source at its standard uncertainty,
    signed (sensitivity × u), keyed by source so that the same analyser is recognised on both sides.
    """

    value_pct: float
    basis: HeatingValue
    losses: frozenset[str]
    method: str
    fuel: str = ""
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    standard: Mapping[str, float] = field(default_factory=dict)

    @property
    def standard_uncertainty_pct(self) -> float:
        """Root of the squares of all sources, percent points (JCGM 100:2008 §5.1.2)."""
        return math.sqrt(sum(value**2 for value in self.standard.values()))


@dataclass(frozen=True)
class TuningSaving:
    """What a better efficiency saves of the fuel that the same steam or product needs.

    fraction: 1 − η1/η2, with its uncertainty; adjusted_baseline: fuel that the old efficiency would burn
    for output_after; saving ± half_width in `unit`; specific_*: fuel per output, before and after.
    """

    fraction: float
    uncertainty: Uncertainty | None
    unit: str
    adjusted_baseline: float
    saving: float
    half_width: float | None
    specific_before: float
    specific_after: float
    basis: HeatingValue
    losses: frozenset[str]
    findings: tuple[Finding, ...]
    source: str


def slopes(
    function: Callable[[Mapping[str, float]], float | None], at: Mapping[str, float]
) -> dict[str, float]:
    """Sensitivity of a result to each of its inputs by central differences (JCGM 100:2008 §5.1.3, note 2).

    function takes all inputs by name and gives the result, or None where there is none; then one side
    serves, and an input with neither side is left out.
    """
    middle = function(at)
    found = {}
    for name, value in at.items():
        step = 1e-3 * max(abs(value), 1.0)
        high, low = function({**at, name: value + step}), function({**at, name: value - step})
        if high is not None and low is not None:
            found[name] = (high - low) / (2.0 * step)
        elif middle is not None and (high is not None or low is not None):
            found[name] = (high - middle) / step if high is not None else (middle - (low or 0.0)) / step
    return found


def standard_of(sensitivities: Mapping[str, float], limits: InstrumentLimits) -> dict[str, float]:
    """Sensitivity × limit/√3 of each reading the analyser made (rectangular; JCGM 100:2008 §4.3.7)."""
    return {
        name: slope * float(getattr(limits, name)) / math.sqrt(3.0)
        for name, slope in sensitivities.items()
        if hasattr(limits, name)
    }


def expanded(standard_pct: float, confidence: float) -> Uncertainty:
    """A standard uncertainty of an analyser, widened to a confidence (normal), percent points."""
    from statistics import NormalDist

    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"a confidence of {confidence:g} can't be.", todo="Write a fraction such as 0.9.")
    return Uncertainty(
        "gum",
        confidence,
        NormalDist().inv_cdf(0.5 + confidence / 2.0) * standard_pct,
        1.0,
        "JCGM 100:2008, limits of error of the analyser taken as rectangular; instrument only",
        "JCGM 100:2008, giới hạn sai số của máy đo lấy phân bố đều; chỉ phần thiết bị",
    )


def fuel_saving_fraction(before: Efficiency, after: Efficiency) -> float | Refusal:
    """Share of fuel saved at the same useful heat: 1 − η_before/η_after.

    Source: US DOE, Steam Tip Sheet 4. Refused unless both stand on the same heating value, count the same
    losses and come by the same method for the same fuel; and for an efficiency outside (0, 115] %.
    """
    refusal = _incomparable(before, after)
    if refusal is not None:
        return refusal
    return 1.0 - before.value_pct / after.value_pct


def tuning_saving(
    before: Efficiency,
    after: Efficiency,
    *,
    fuel_before: float,
    output_before: float,
    output_after: float | None = None,
    unit: str = "",
    confidence: float = 0.9,
    same_analyser: bool = False,
    fuel_meter_pct: float = 0.0,
) -> TuningSaving | Refusal:
    """Fuel saved by a better efficiency, for the steam or product of the period after.

    fuel_before in `unit` made output_before (t of steam, t of product); output_after: that of the period the
    saving is stated for (None: the same). same_analyser: both sides were measured with one instrument whose
    errors did not change between: equal errors then cancel; otherwise they are independent (wider).
    fuel_meter_pct: standard uncertainty of the fuel quantity, percent. Refused as fuel_saving_fraction is.
    Source: US DOE Steam Tip Sheet 4; JCGM 100:2008 §5.1.2 and §5.2 for the uncertainty.
    """
    within(0.0, 100.0, fuel_meter_pct=fuel_meter_pct)
    fraction = fuel_saving_fraction(before, after)
    if isinstance(fraction, Refusal):
        return fraction
    later = output_before if output_after is None else output_after
    for value in (fuel_before, output_before, later):
        if not (math.isfinite(value) and value > 0.0):
            return words.no_output(value)
    adjusted = fuel_before / output_before * later
    standard = _standard_of_fraction(before, after, same_analyser)
    uncertainty, half = None, None
    findings: tuple[Finding, ...] = ()
    if standard is not None:
        uncertainty = expanded(standard, confidence)
        relative = math.hypot(standard, fraction * fuel_meter_pct / 100.0)
        half = adjusted * expanded(relative, confidence).half_width
        if abs(fraction) < uncertainty.half_width:
            findings = (words.not_told_apart(fraction, uncertainty.half_width),)
    specific = fuel_before / output_before
    return TuningSaving(
        fraction,
        uncertainty,
        unit,
        adjusted,
        adjusted * fraction,
        half,
        specific,
        specific * (1.0 - fraction),
        before.basis,
        before.losses,
        findings,
        "US DOE Steam Tip Sheet 4 (1 − η1/η2); JCGM 100:2008",
    )


def direct_efficiency(
    evaporation_ratio: float, h_steam: float, h_feed: float, gcv: float, *, fuel: str = ""
) -> Efficiency | Refusal:
    """Gross efficiency by the direct method: steam per fuel × (h_steam − h_feed)/GCV.

    evaporation_ratio: kg of steam per kg of fuel; enthalpies and GCV in one unit per kg (kcal or kJ).
    Counts every loss there is. Source: BS 845-1; BEE Book 2 chapter 2.
    """
    if not (gcv > 0.0 and evaporation_ratio > 0.0 and h_steam > h_feed):
        return words.no_output(min(gcv, evaporation_ratio, h_steam - h_feed))
    value = 100.0 * evaporation_ratio * (h_steam - h_feed) / gcv
    if not 0.0 < value <= _HIGHEST_PCT:
        return words.efficiency_range(value)
    return Efficiency(value, "gross", frozenset(LOSSES) - {"condensation"}, "direct", fuel)


def evaporation_ratio(efficiency: Efficiency, h_steam: float, h_feed: float, gcv: float) -> float:
    """kg of steam that a kg of fuel makes: η GCV/(h_steam − h_feed); enthalpies and GCV in one unit per kg.

    Raises ConfigError where the steam does not hold more than the feed water, or a number is missing.
    """
    above(0.0, gcv=gcv, h_steam_less_h_feed=h_steam - h_feed)
    return efficiency.value_pct / 100.0 * gcv / (h_steam - h_feed)


def fuel_for_heat(heat: float, efficiency_pct: float, heating_value: float) -> float:
    """Fuel for a useful heat: heat/(η × heating value), all on one basis and in one unit of heat (else ConfigError)."""
    within(0.0, math.inf, heat=heat)
    above(0.0, efficiency_pct=efficiency_pct, heating_value=heating_value)
    return heat / (efficiency_pct / 100.0 * heating_value)


def _incomparable(before: Efficiency, after: Efficiency) -> Refusal | None:
    for side in (before, after):
        if not (math.isfinite(side.value_pct) and 0.0 < side.value_pct <= _HIGHEST_PCT):
            return words.efficiency_range(side.value_pct)
    if before.basis != after.basis:
        return words.basis_differs(before.basis, after.basis)
    if before.losses != after.losses:
        return words.losses_differ(before.losses, after.losses)
    names = [f"{side.method}, {side.fuel}".rstrip(", ") for side in (before, after)]
    return words.method_differs(*names) if names[0] != names[1] else None


def _standard_of_fraction(before: Efficiency, after: Efficiency, shared: bool) -> float | None:
    """Standard uncertainty of 1 − η1/η2; None where a side has no uncertainty (then there is none to state)."""
    if not before.standard or not after.standard:
        return None
    first, second = before.value_pct, after.value_pct
    old = {key: -value / second for key, value in before.standard.items()}
    new = {key: value * first / second**2 for key, value in after.standard.items()}
    if not shared:
        return math.sqrt(sum(value**2 for value in (*old.values(), *new.values())))
    return math.sqrt(sum((old.get(key, 0.0) + new.get(key, 0.0)) ** 2 for key in old.keys() | new.keys()))
