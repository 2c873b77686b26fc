"""Gross and net efficiency by BS 845, with K factors from the fuel's own analysis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion import _words as words
from analysis.combustion._given import above, within
from analysis.combustion.efficiency import Efficiency, InstrumentLimits, slopes, standard_of
from analysis.combustion.fuels import Fuel
from analysis.combustion.library import fuel
from analysis.combustion.reading import FlueGas, findings_of, gases_of, unusable
from analysis.combustion.stoichiometry import stoichiometry
from analysis.results import Finding, Refusal

_BASE_PCT: Final = 20.9
_K1_OF_CARBON: Final = 255.0
_LATENT_KJ_KG: Final = 2425.0


@dataclass(frozen=True)
class KFactors:
    """BS 845 constants of a fuel.

    k1_gross, k1_net: dry-gas loss on each heating value; k2: CO₂ of the dry gas without excess air,
    vol%; k3: loss by the water of hydrogen and moisture, % (gross); k4: CO loss on the gross value (None: no
    source). Those of an instrument's display go in as they are. ConfigError for factors that no fuel has.
    """

    k1_gross: float
    k1_net: float
    k2: float
    k3: float
    k4: float | None = None

    def __post_init__(self) -> None:
        """K factors that no fuel has are refused."""
        above(0.0, k1_gross=self.k1_gross, k2=self.k2)
        within(self.k1_gross, math.inf, k1_net=self.k1_net)
        within(0.0, math.inf, k3=self.k3, k4=0.0 if self.k4 is None else self.k4)

    @property
    def net_over_gross(self) -> float:
        """Net heating value per gross one: what the two K1 differ by."""
        return self.k1_gross / self.k1_net


@dataclass(frozen=True)
class BS845:
    """Losses and efficiencies of a reading by BS 845, on both heating values.

    Losses in percent of the heat input on the named basis; wet_pct is 0 on the net one. Losses by ash,
    radiation and convection are not in it.
    """

    fuel: str
    factors: KFactors
    dry_gross_pct: float
    dry_net_pct: float
    wet_pct: float
    co_gross_pct: float | None
    co_net_pct: float | None
    gross: Efficiency
    net: Efficiency
    o2_pct: float
    co2_pct: float
    excess_air_pct: float
    findings: tuple[Finding, ...]
    source: str = "BS 845 as printed by Kane (KM9106 manual p. 66, KM940 manual p. 33, FAQ 362)"


def k_factors(fuel_id: str | Fuel, k2: float | None = None) -> KFactors | Refusal:
    """K1 = 255 C/Q, K2 = CO₂max, K3 = (9 H + M) 2425/Qgr from the analysis as received (Q in kJ/kg).

    k2: a CO₂max that is known otherwise. Refused where elements or heating value are not known.
    Source: BS 845 as printed by Kane (KM9106 manual p. 66).
    """
    chosen = fuel(fuel_id)
    if chosen.elements is None or chosen.hhv_mj_kg is None or chosen.lhv_mj_kg is None:
        return fuel_words.no_analysis(chosen.en, chosen.vi)
    if chosen.elements.c <= 0.0:
        return fuel_words.no_carbon(chosen.en, chosen.vi)
    gross, net = 1000.0 * chosen.hhv_mj_kg, 1000.0 * chosen.lhv_mj_kg
    # percent (9 H + M) as a number goes into K3, as C does into K1: 2425 % × kJ/kg
    water = 9.0 * chosen.elements.h + chosen.elements.moisture
    return KFactors(
        _K1_OF_CARBON * chosen.elements.c / gross,
        _K1_OF_CARBON * chosen.elements.c / net,
        stoichiometry(chosen.elements).co2_max_pct if k2 is None else k2,
        water / gross * _LATENT_KJ_KG,
        chosen.k4,
    )


def bs845(
    reading: FlueGas,
    fuel_id: str | Fuel,
    *,
    factors: KFactors | None = None,
    limits: InstrumentLimits | None = None,
    long_form: bool = False,
) -> BS845 | Refusal:
    """Dry, wet and unburnt losses, gross and net efficiency, from O₂ (CO₂ where O₂ is None), base 20.9.

    Dry: 20.9 K1 ΔT/(K2 (20.9 − O₂)); wet: K3 (1 + 0.001 ΔT), or with long_form
    (9 H + M)/Qgr (2488 + 2.1 T_flue − 4.2 T_air); CO: K4 CO/(CO + CO₂), × Qgr/Qnet on net.
    factors: an instrument's own K factors instead of the computed ones. Refused as siegert is.
    Source: BS 845 as printed by Kane (KM940 manual p. 33, FAQ 362).
    """
    chosen = fuel(fuel_id)
    known = k_factors(chosen) if factors is None else factors
    if isinstance(known, Refusal):
        return known
    refusal = unusable(reading, known.k2)
    if refusal is not None:
        return refusal
    gross, net = (_efficiency(reading, known, basis, long_form) for basis in ("gross", "net"))
    if not gross > 0.0:
        return words.no_efficiency_left(gross)
    o2, co2 = gases_of(reading, known.k2, _BASE_PCT)
    dry_gross, wet, co_gross = _losses(reading, known, "gross", long_form)
    dry_net, _, co_net = _losses(reading, known, "net", long_form)
    found = [*findings_of(reading, o2, known.k2, _BASE_PCT), *chosen.findings]
    if reading.co_ppm is not None and known.k4 is None:
        found.append(words.co_not_in_it())
    dry = {"dry_flue_gas"} | ({"co"} if co_gross is not None else set())
    sides = {}
    for basis, value, counted in (
        ("gross", gross, dry | {"fuel_hydrogen", "fuel_moisture"}),
        ("net", net, dry),
    ):
        steep = slopes(
            lambda at, basis=basis: _efficiency(replace(reading, **at), known, basis, long_form),  # type: ignore[misc]
            _inputs(reading),
        )
        standard = {} if limits is None else standard_of(steep, limits)
        by = f"BS 845{', long form' if long_form else ''}"
        sides[basis] = Efficiency(value, basis, frozenset(counted), by, chosen.id, steep, standard)  # type: ignore[arg-type]
    return BS845(
        chosen.id,
        known,
        dry_gross,
        dry_net,
        wet,
        co_gross,
        co_net,
        sides["gross"],
        sides["net"],
        o2,
        co2,
        100.0 * (_BASE_PCT / (_BASE_PCT - o2) - 1.0),
        tuple(found),
    )


def _losses(
    reading: FlueGas, known: KFactors, basis: str, long_form: bool
) -> tuple[float, float, float | None]:
    """Dry, wet and CO loss on a heating value, %."""
    o2, co2 = gases_of(reading, known.k2, _BASE_PCT)
    rise = reading.t_flue_c - reading.t_air_c
    gross = basis == "gross"
    # with CO₂ measured alone, K2 (20.9 − O₂)/20.9 is that CO₂
    carbon = co2 if reading.o2_pct is None else known.k2 * (_BASE_PCT - o2) / _BASE_PCT
    dry = (known.k1_gross if gross else known.k1_net) * rise / carbon
    wet = 0.0
    if gross and long_form:
        heat = 2488.0 + 2.1 * reading.t_flue_c - 4.2 * reading.t_air_c
        wet = known.k3 / _LATENT_KJ_KG * heat
    elif gross:
        wet = known.k3 * (1.0 + 0.001 * rise)
    if reading.co_ppm is None or known.k4 is None:
        return dry, wet, None
    co = max(reading.co_ppm, 0.0) / 1e4
    return dry, wet, known.k4 * co / (co + co2) / (1.0 if gross else known.net_over_gross)


def _efficiency(reading: FlueGas, known: KFactors, basis: str, long_form: bool) -> float:
    dry, wet, co = _losses(reading, known, basis, long_form)
    return 100.0 - dry - wet - (co or 0.0)


def _inputs(reading: FlueGas) -> dict[str, float]:
    gas = {"co2_pct": reading.co2_pct or 0.0} if reading.o2_pct is None else {"o2_pct": reading.o2_pct}
    return {**gas, "t_flue_c": reading.t_flue_c, "t_air_c": reading.t_air_c}
