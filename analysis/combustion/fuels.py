"""A fuel: what the flue-gas formulas need of it, and how the plant's own laboratory makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion.composition import (
    CO2_OF_CARBON,
    Basis,
    GasMixture,
    HeatingValue,
    Ultimate,
    gas_mixture,
    gases,
    hhv_as_received,
    hhv_estimate_mj_kg,
    hhv_from_lhv,
    lhv_from_hhv,
)
from analysis.results import Finding, Refusal

TESTO: Final = "testo"
BACHARACH: Final = "bacharach"
# O₂ of air that each maker's constants belong to, vol%: never mixed
AIR_BASE_PCT: Final[Mapping[str, float]] = {TESTO: 21.0, BACHARACH: 20.9}
_UNLIKELY = 0.2
_NET_DIFFERS_MJ_KG = 0.3
# hydrogen's, the highest there is
_HIGHEST_MJ_KG = 142.0


@dataclass(frozen=True)
class Siegert:
    """Siegert constants of a maker: qA = ΔT (a2/(base − O₂) + b), % per K on the net heating value.

    base_pct: the O₂ of air they belong to; co2_max_pct: vol% dry without excess air. t0_c, kf_pct:
    Bacharach's condensation gain kf below t0 − 1.2 O₂ (0: none).
    """

    a2: float
    b: float
    co2_max_pct: float
    base_pct: float
    t0_c: float = 0.0
    kf_pct: float = 0.0

    @property
    def a1(self) -> float:
        """The constant of the form with measured CO₂: qA = ΔT (a1/CO₂ + b)."""
        return self.a2 * self.co2_max_pct / self.base_pct


@dataclass(frozen=True)
class Fuel:
    """A fuel with its constants, elements and heating values (each may be unknown: None).

    siegert: constants by maker ("testo", "bacharach"); elements: as received; gas: composition of a
    gaseous fuel; hhv_mj_kg, lhv_mj_kg: gross and net, as received; k4: constant of the loss by unburnt
    CO (BS 845, on the gross value); o2_reference_pct: reference O₂ its emissions are usually
    stated at; ipcc: id of its emission factors; checked: read | computed | remembered | laboratory.
    """

    id: str
    en: str
    vi: str
    kind: str
    source: str
    checked: str
    taken: str
    siegert: Mapping[str, Siegert] = field(default_factory=dict)
    elements: Ultimate | None = None
    gas: GasMixture | None = None
    hhv_mj_kg: float | None = None
    lhv_mj_kg: float | None = None
    k4: float | None = None
    o2_reference_pct: float | None = None
    ipcc: str = ""
    biogenic: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def a2(self) -> float | None:
        """testo's A2 (None: no source gives one)."""
        found = self.siegert.get(TESTO)
        return None if found is None else found.a2

    @property
    def b(self) -> float | None:
        """testo's B."""
        found = self.siegert.get(TESTO)
        return None if found is None else found.b

    @property
    def co2_max_pct(self) -> float | None:
        """CO₂ of dry flue gas without excess air: testo's, or from the elements (None: neither is known)."""
        found = self.siegert.get(TESTO)
        if found is not None:
            return found.co2_max_pct
        if self.elements is None:
            return None
        from analysis.combustion.stoichiometry import stoichiometry

        return stoichiometry(self.elements).co2_max_pct

    def co2_kg_gj(self, basis: HeatingValue = "net") -> float | None:
        """CO₂ of all its carbon, kg per GJ of its net or gross heating value (None: elements not known).

        From this fuel's own analysis; a programme's dated factors are in analysis.benefits.
        """
        heat = self.lhv_mj_kg if basis == "net" else self.hhv_mj_kg
        if self.elements is None or heat is None:
            return None
        return 1000.0 * self.elements.c / 100.0 * CO2_OF_CARBON / heat

    def with_analysis(
        self,
        elements: Ultimate | None = None,
        *,
        hhv_mj_kg: float | None = None,
        lhv_mj_kg: float | None = None,
        source: str,
        taken: str,
    ) -> Fuel | Refusal:
        """This fuel with the plant's own laboratory values (as received) in place of the table's.

        Give elements, or a heating value, or both; of gross and net value one is enough: the other
        follows from hydrogen and moisture. source: laboratory and report; taken: date of the sample.
        """
        return own_fuel(
            self.id,
            elements or self.elements,
            hhv_mj_kg=hhv_mj_kg,
            lhv_mj_kg=lhv_mj_kg,
            like=self,
            source=source,
            taken=taken,
        )

    def with_moisture(self, moisture_pct: float, *, source: str, taken: str) -> Fuel | Refusal:
        """The same dry matter with the moisture that was measured; the heating values follow."""
        if self.elements is None or self.hhv_mj_kg is None:
            return fuel_words.no_analysis(self.en, self.vi)
        if not 0.0 <= moisture_pct < 95.0:
            return fuel_words.analysis_impossible("moisture", moisture_pct)
        wet = self.elements.with_moisture(moisture_pct)
        gross = self.hhv_mj_kg * (100.0 - moisture_pct) / (100.0 - self.elements.moisture)
        return own_fuel(self.id, wet, hhv_mj_kg=gross, like=self, source=source, taken=taken)


def own_fuel(
    id: str,
    elements: Ultimate | None,
    *,
    hhv_mj_kg: float | None = None,
    lhv_mj_kg: float | None = None,
    basis: Basis = "as_received",
    like: Fuel | None = None,
    en: str = "",
    vi: str = "",
    source: str,
    taken: str,
) -> Fuel | Refusal:
    """A fuel from the plant's own laboratory.

    elements: as received (made by `ultimate(...)`, which takes dry and daf analyses); hhv_mj_kg: gross
    value on `basis`; lhv_mj_kg: net value as received; both are kept as given, and a finding tells where
    hydrogen and moisture do not explain their difference. With neither the gross value is estimated from
    the elements (hhv_estimate_mj_kg) and says so. like: the fuel whose Siegert constants, CO constant and factors still hold.
    Refused where the parts do not add up or the heating value can't be.
    """
    if elements is None:
        return fuel_words.no_analysis(en or id, vi or en or id)
    if abs(elements.total_pct - 100.0) > 2.0:
        return fuel_words.analysis_sum(elements.total_pct)
    findings: tuple[Finding, ...] = ()
    estimate = hhv_estimate_mj_kg(elements)
    if hhv_mj_kg is not None:
        gross = hhv_as_received(hhv_mj_kg, elements, basis)
    elif lhv_mj_kg is not None:
        gross = hhv_from_lhv(lhv_mj_kg, elements)
    else:
        gross = estimate
        findings = (fuel_words.hhv_estimated(gross),)
    net = lhv_from_hhv(gross, elements)
    if hhv_mj_kg is not None and lhv_mj_kg is not None:
        if abs(lhv_mj_kg - net) > _NET_DIFFERS_MJ_KG:
            findings = (fuel_words.heating_values_disagree(lhv_mj_kg, net),)
        net = lhv_mj_kg
    if 0.0 < gross < net <= _HIGHEST_MJ_KG:
        return fuel_words.net_above_gross(net, gross)
    if not (0.0 < net <= gross <= _HIGHEST_MJ_KG):
        return fuel_words.analysis_impossible("heating value, MJ/kg", gross if net > 0.0 else net)
    findings = findings or unlikely(gross, estimate)
    base = like or Fuel(id, en or id, vi or en or id, "solid", source, "laboratory", taken)
    return replace(
        base,
        id=id,
        en=en or base.en,
        vi=vi or base.vi,
        elements=elements,
        gas=None if like is None or elements is not like.elements else like.gas,
        hhv_mj_kg=gross,
        lhv_mj_kg=net,
        source=source if like is None else f"{source}; constants: {like.source}",
        checked="laboratory",
        taken=taken,
        findings=findings,
    )


def unlikely(gross: float, estimate: float) -> tuple[Finding, ...]:
    """The finding about a gross heating value a fifth and more away from what the elements give."""
    far = abs(gross - estimate) > _UNLIKELY * estimate
    return (fuel_words.hhv_unlikely(gross, estimate),) if far else ()


def own_gas(
    id: str, volumes: Mapping[str, float], *, like: Fuel | None = None, source: str, taken: str
) -> Fuel | Refusal:
    """A gaseous fuel from a chromatograph's composition, percent by volume; heating values follow from it."""
    mixture = gas_mixture(volumes)
    if isinstance(mixture, Refusal):
        return mixture
    base = (
        Fuel(id, id, id, "gas", source, "laboratory", taken) if like is None else replace(like, findings=())
    )
    return replace(with_gas(base, mixture), id=id, source=source, checked="laboratory", taken=taken)


def with_gas(base: Fuel, mixture: GasMixture) -> Fuel:
    """A fuel with the composition of a gas, and the heating values and elements that follow from it."""
    density = mixture.density_kg_m3
    unseen = ", ".join(gas for gas, _ in mixture.volumes if gases()[gas]["checked"] == "remembered")
    return replace(
        base,
        gas=mixture,
        elements=mixture.ultimate(),
        hhv_mj_kg=mixture.hhv_mj_m3 / density,
        lhv_mj_kg=mixture.lhv_mj_m3 / density,
        findings=(
            *base.findings,
            fuel_words.remembered(f"heating values of the gases {unseen}", f"nhiệt trị của các khí {unseen}"),
        )
        if unseen
        else base.findings,
    )
