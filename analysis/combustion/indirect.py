"""Boiler efficiency by the indirect method: every loss from the fuel's analysis and the flue gas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from analysis.combustion import _words as words
from analysis.combustion.composition import Ultimate
from analysis.combustion.efficiency import Efficiency, InstrumentLimits, slopes, standard_of
from analysis.combustion.reading import FlueGas, unusable
from analysis.results import Finding, Refusal

KCAL_PER_MJ: Final = 1000.0 / 4.1868
# specific heat of dry flue gas and of vapour (kcal/kg K), heat of evaporation at 25 °C (kcal/kg), heat
# lost by a kg of carbon burnt to CO (kcal/kg): the values BEE prints; each can be given otherwise
CP_GAS: Final = 0.24
CP_VAPOUR: Final = 0.45
EVAPORATION: Final = 584.0
HEAT_OF_CO: Final = 5744.0
_BASE_PCT = 21.0


@dataclass(frozen=True)
class AshLosses:
    """Unburnt carbon in ash: heating value of each ash (kcal/kg) and the share of all ash it is (0 … 1)."""

    gcv_fly_kcal_kg: float = 0.0
    fly_share: float = 0.0
    gcv_bottom_kcal_kg: float = 0.0
    bottom_share: float = 0.0


@dataclass(frozen=True)
class Indirect:
    """The losses of the indirect method, % of the gross heating value, and what they come from.

    theoretical_air, actual_air, dry_gas: kg per kg of fuel; losses by name in the order of the method
    (L1 dry_flue_gas … L8); efficiency: gross, counting exactly these.
    """

    theoretical_air: float
    excess_air_pct: float
    actual_air: float
    dry_gas: float
    losses: Mapping[str, float]
    efficiency: Efficiency
    findings: tuple[Finding, ...]
    source: str = "ASME PTC 4 by the energy balance method as taught by BEE (Book 4, chapter 1) and UNEP"

    @property
    def efficiency_pct(self) -> float:
        """100 − Σ losses, gross."""
        return self.efficiency.value_pct


def theoretical_air_kg_kg(fuel: Ultimate) -> float:
    """Air without excess, kg per kg of fuel: (11.6 C + 34.8 (H − O/8) + 4.35 S)/100 (BEE Book 4)."""
    return (11.6 * fuel.c + 34.8 * (fuel.h - fuel.o / 8.0) + 4.35 * fuel.s) / 100.0


def co2_theoretical_pct(fuel: Ultimate) -> float:
    """CO₂ of the gas without excess air: 100 mol C/(mol C + mol N₂), N₂ = 0.77 of the air (BEE Book 4)."""
    carbon = fuel.c / 12.0
    nitrogen = 77.0 * theoretical_air_kg_kg(fuel) / 28.0 + fuel.n / 28.0
    return 100.0 * carbon / (carbon + nitrogen)


def excess_air_from_co2_pct(fuel: Ultimate, co2_pct: float) -> float:
    """Excess air from measured CO₂: 7900 (CO₂t − CO₂)/(CO₂ (100 − CO₂t)), % (BEE Book 4)."""
    most = co2_theoretical_pct(fuel)
    return 7900.0 * (most - co2_pct) / (co2_pct * (100.0 - most))


def indirect(
    fuel: Ultimate,
    gcv_kcal_kg: float,
    reading: FlueGas,
    *,
    humidity_kg_kg: float = 0.0,
    cp_gas: float = CP_GAS,
    cp_vapour: float = CP_VAPOUR,
    evaporation: float = EVAPORATION,
    heat_of_co: float = HEAT_OF_CO,
    radiation_pct: float | None = None,
    unaccounted_pct: float | None = None,
    blowdown_pct: float | None = None,
    ash: AshLosses | None = None,
    excess_air_pct: float | None = None,
    excess_from: Literal["o2", "co2"] | None = None,
    dry_gas_kg_kg: float | None = None,
    limits: InstrumentLimits | None = None,
    name: str = "",
) -> Indirect | Refusal:
    """Gross efficiency by the indirect method (ASME PTC 4 as BEE and UNEP teach it).

    fuel: as received; gcv_kcal_kg: gross, as received (MJ/kg × KCAL_PER_MJ). reading: O₂ and CO₂ in vol%
    dry, CO in ppm; the CO loss needs CO₂ and takes the theoretical one diluted by the excess air where
    none was measured. Excess air: O₂/(21 − O₂), or from CO₂ (excess_from="co2", or where there is no
    O₂), or given. radiation_pct (and convection), unaccounted_pct and blowdown_pct are the caller's: None means not
    counted, and the efficiency says so in its losses. dry_gas_kg_kg: a given mass of dry gas instead of
    C 44/12 + N + S 64/32 + 0.77 AAS + 0.23 (AAS − A_th). Refused where the reading is no flue gas or no
    heat is left.
    """
    if not (math.isfinite(gcv_kcal_kg) and 0.0 < gcv_kcal_kg < 35_000.0):
        return words.analysis_impossible("GCV, kcal/kg", gcv_kcal_kg)
    air = theoretical_air_kg_kg(fuel)
    if air <= 0.0:
        return words.analysis_impossible("theoretical air", air)
    most = co2_theoretical_pct(fuel)
    refusal = None if excess_air_pct is not None and _no_gases(reading) else unusable(reading, most)
    if refusal is not None:
        return refusal
    by_co2 = excess_from == "co2" or (excess_from is None and reading.o2_pct is None)
    if excess_air_pct is None and (
        (by_co2 and reading.co2_pct is None) or (not by_co2 and reading.o2_pct is None)
    ):
        return words.neither_o2_nor_co2()

    def excess_of(at: Mapping[str, float]) -> float:
        if excess_air_pct is not None:
            return excess_air_pct
        if by_co2:
            return max(excess_air_from_co2_pct(fuel, at["co2_pct"]), 0.0)
        return 100.0 * at["o2_pct"] / (_BASE_PCT - at["o2_pct"])

    def losses_of(at: Mapping[str, float]) -> dict[str, float]:
        excess = excess_of(at)
        actual = air * (1.0 + excess / 100.0)
        gas = _dry_gas(fuel, air, actual) if dry_gas_kg_kg is None else dry_gas_kg_kg
        rise = at["t_flue_c"] - at["t_air_c"]
        steam = evaporation + cp_vapour * rise
        found = {
            "dry_flue_gas": 100.0 * gas * cp_gas * rise / gcv_kcal_kg,
            "fuel_hydrogen": 9.0 * fuel.h * steam / gcv_kcal_kg,
            "fuel_moisture": fuel.moisture * steam / gcv_kcal_kg,
            "air_moisture": 100.0 * actual * humidity_kg_kg * cp_vapour * rise / gcv_kcal_kg,
        }
        if reading.co_ppm is not None:
            co = max(reading.co_ppm, 0.0) / 1e4
            co2 = at.get("co2_pct", most / (1.0 + excess / 100.0))
            found["co"] = co / (co + co2) * fuel.c * heat_of_co / gcv_kcal_kg
        given = {"radiation": radiation_pct, "unaccounted": unaccounted_pct, "blowdown": blowdown_pct}
        found |= {key: value for key, value in given.items() if value is not None}
        if ash is not None:
            found["unburnt_fly_ash"] = fuel.ash * ash.fly_share * ash.gcv_fly_kcal_kg / gcv_kcal_kg
            found["unburnt_bottom_ash"] = fuel.ash * ash.bottom_share * ash.gcv_bottom_kcal_kg / gcv_kcal_kg
        return found

    at = {"t_flue_c": reading.t_flue_c, "t_air_c": reading.t_air_c}
    at |= {} if reading.o2_pct is None else {"o2_pct": reading.o2_pct}
    at |= {} if reading.co2_pct is None else {"co2_pct": reading.co2_pct}
    losses = losses_of(at)
    value = 100.0 - sum(losses.values())
    if not value > 0.0:
        return words.no_efficiency_left(value)
    steep = slopes(lambda moved: 100.0 - sum(losses_of(moved).values()), at)
    standard = {} if limits is None else standard_of(steep, limits)
    excess = excess_of(at)
    actual = air * (1.0 + excess / 100.0)
    settings = (cp_gas, cp_vapour, evaporation, heat_of_co)
    by = (
        "indirect method"
        if settings == (CP_GAS, CP_VAPOUR, EVAPORATION, HEAT_OF_CO)
        else f"indirect {settings}"
    )
    return Indirect(
        air,
        excess,
        actual,
        _dry_gas(fuel, air, actual) if dry_gas_kg_kg is None else dry_gas_kg_kg,
        losses,
        Efficiency(value, "gross", frozenset(losses), by, name, steep, standard),
        (words.diluted(reading.o2_pct),) if reading.o2_pct is not None and reading.o2_pct > 16.0 else (),
    )


def _dry_gas(fuel: Ultimate, theoretical: float, actual: float) -> float:
    solid = (fuel.c * 44.0 / 12.0 + fuel.n + fuel.s * 64.0 / 32.0) / 100.0
    return solid + 0.77 * actual + 0.23 * (actual - theoretical)


def _no_gases(reading: FlueGas) -> bool:
    return reading.o2_pct is None and reading.co2_pct is None
