"""Boiler efficiency by the indirect method: every loss from the fuel's analysis and the flue gas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion import _words as words
from analysis.combustion._given import above
from analysis.combustion.composition import Ultimate
from analysis.combustion.efficiency import Efficiency, InstrumentLimits, slopes, standard_of
from analysis.combustion.fuels import Fuel
from analysis.combustion.library import fuel as fuel_of
from analysis.combustion.reading import FlueGas, findings_of, unusable
from analysis.results import Finding, Refusal

KCAL_PER_MJ: Final = 1000.0 / 4.1868
# specific heat of dry flue gas and of vapour (kcal/kg K), heat of evaporation at 25 °C (kcal/kg), heat
# lost by a kg of carbon burnt to CO (kcal/kg): the values BEE prints; each can be given otherwise
CP_GAS: Final = 0.24
CP_VAPOUR: Final = 0.45
EVAPORATION: Final = 584.0
HEAT_OF_CO: Final = 5744.0
_BASE_PCT = 21.0
# parts of the analysis whose uncertainty matters, as sensitivities name them
_OF_ANALYSIS: Final = {"carbon": "c", "hydrogen": "h", "moisture": "moisture"}


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


def co2_theoretical_pct(fuel: Ultimate, air_kg_kg: float | None = None) -> float:
    """CO₂ of the gas without excess air: 100 mol C/(mol C + mol N₂), N₂ = 0.77 of the air (BEE Book 4)."""
    air = theoretical_air_kg_kg(fuel) if air_kg_kg is None else air_kg_kg
    carbon = fuel.c / 12.0
    nitrogen = 77.0 * air / 28.0 + fuel.n / 28.0
    return 100.0 * carbon / (carbon + nitrogen)


def excess_air_from_co2_pct(fuel: Ultimate, co2_pct: float, air_kg_kg: float | None = None) -> float:
    """Excess air from measured CO₂: 7900 (CO₂t − CO₂)/(CO₂ (100 − CO₂t)), % (BEE Book 4)."""
    above(0.0, co2_pct=co2_pct)
    most = co2_theoretical_pct(fuel, air_kg_kg)
    return 7900.0 * (most - co2_pct) / (co2_pct * (100.0 - most))


def indirect(
    fuel: Ultimate | Fuel | str,
    gcv_kcal_kg: float | None,
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
    theoretical_air_kg: float | None = None,
    limits: InstrumentLimits | None = None,
    name: str = "",
) -> Indirect | Refusal:
    """Gross efficiency by the indirect method (ASME PTC 4 as BEE and UNEP teach it).

    fuel: its elements as received, or a Fuel or the id of one (then gcv_kcal_kg None takes its own, and what is
    to be known of its figures is in the findings); gcv_kcal_kg: gross, as received (MJ/kg × KCAL_PER_MJ). reading: O₂ and CO₂ in vol%
    dry, CO in ppm; the CO loss needs CO₂ and takes the theoretical one diluted by the excess air where
    none was measured. Excess air: O₂/(21 − O₂), or from CO₂ (excess_from="co2", or where there is no
    O₂), or given. radiation_pct (and convection), unaccounted_pct and blowdown_pct are the caller's: None means not
    counted, and the efficiency says so in its losses. dry_gas_kg_kg: a given mass of dry gas instead of
    C 44/12 + N + S 64/32 + 0.77 AAS + 0.23 (AAS − A_th); theoretical_air_kg: a given A_th, kg per kg, for
    BEE's formula. The sensitivities also hold percent points per kcal/kg of GCV and per percent of carbon,
    hydrogen and moisture, for a laboratory's uncertainty. Refused where the reading is no flue gas, a given
    figure can't be, or no heat is left.
    """
    chosen = None if isinstance(fuel, Ultimate) else fuel_of(fuel)
    parts = fuel if isinstance(fuel, Ultimate) else fuel_of(fuel).elements
    if parts is None:
        return fuel_words.no_analysis(chosen.en, chosen.vi) if chosen else fuel_words.analysis_sum(0.0)
    if gcv_kcal_kg is None and chosen is not None and chosen.hhv_mj_kg is not None:
        gcv_kcal_kg = chosen.hhv_mj_kg * KCAL_PER_MJ
    if gcv_kcal_kg is None or not 0.0 < gcv_kcal_kg < 35_000.0:
        return fuel_words.analysis_impossible("GCV, kcal/kg", gcv_kcal_kg or 0.0)
    given = {"radiation": radiation_pct, "unaccounted": unaccounted_pct, "blowdown": blowdown_pct}
    refusal = _impossible(
        ash,
        {"humidity": (humidity_kg_kg, 1.0), "cp_gas": (cp_gas, 10.0), "cp_vapour": (cp_vapour, 10.0)}
        | {"evaporation": (evaporation, 1e4), "heat_of_co": (heat_of_co, 1e5)}
        | {f"{key}_pct": (value, 100.0) for key, value in given.items()}
        | {"excess_air_pct": (excess_air_pct, 5000.0), "dry_gas_kg_kg": (dry_gas_kg_kg, 2000.0)}
        | {"theoretical_air_kg": (theoretical_air_kg, 40.0)},
    )
    if refusal is not None:
        return refusal
    air = theoretical_air_kg_kg(parts) if theoretical_air_kg is None else theoretical_air_kg
    if air <= 0.0:
        return fuel_words.analysis_impossible("theoretical air", air)
    most = co2_theoretical_pct(parts, air)
    refusal = None if excess_air_pct is not None and _no_gases(reading) else unusable(reading, most)
    if refusal is not None:
        return refusal
    by_co2 = excess_from == "co2" or (excess_from is None and reading.o2_pct is None)
    if excess_air_pct is None and (
        (by_co2 and reading.co2_pct is None) or (not by_co2 and reading.o2_pct is None)
    ):
        return words.neither_o2_nor_co2()

    def air_of(of: Ultimate) -> float:
        return theoretical_air_kg_kg(of) if theoretical_air_kg is None else theoretical_air_kg

    def excess_of(at: Mapping[str, float], of: Ultimate) -> float:
        if excess_air_pct is not None:
            return excess_air_pct
        if by_co2:
            return max(excess_air_from_co2_pct(of, at["co2_pct"], air_of(of)), 0.0)
        return 100.0 * at["o2_pct"] / (_BASE_PCT - at["o2_pct"])

    def losses_of(at: Mapping[str, float]) -> dict[str, float]:
        moved = {name: at[f"{name}_pct"] for name in _OF_ANALYSIS if f"{name}_pct" in at}
        of = replace(parts, **{_OF_ANALYSIS[name]: value for name, value in moved.items()})
        gcv, excess = at.get("gcv_kcal_kg", gcv_kcal_kg), excess_of(at, of)
        actual = air_of(of) * (1.0 + excess / 100.0)
        gas = _dry_gas(of, air_of(of), actual) if dry_gas_kg_kg is None else dry_gas_kg_kg
        rise = at["t_flue_c"] - at["t_air_c"]
        steam = evaporation + cp_vapour * rise
        found = {
            "dry_flue_gas": 100.0 * gas * cp_gas * rise / gcv,
            "fuel_hydrogen": 9.0 * of.h * steam / gcv,
            "fuel_moisture": of.moisture * steam / gcv,
            "air_moisture": 100.0 * actual * humidity_kg_kg * cp_vapour * rise / gcv,
        }
        if reading.co_ppm is not None:
            co = max(reading.co_ppm, 0.0) / 1e4
            co2 = at.get("co2_pct", most / (1.0 + excess / 100.0))
            found["co"] = co / (co + co2) * of.c * heat_of_co / gcv
        found |= {key: value for key, value in given.items() if value is not None}
        if ash is not None:
            found["unburnt_fly_ash"] = of.ash * ash.fly_share * ash.gcv_fly_kcal_kg / gcv
            found["unburnt_bottom_ash"] = of.ash * ash.bottom_share * ash.gcv_bottom_kcal_kg / gcv
        return found

    at = {"t_flue_c": reading.t_flue_c, "t_air_c": reading.t_air_c}
    at |= {} if reading.o2_pct is None else {"o2_pct": reading.o2_pct}
    at |= {} if reading.co2_pct is None else {"co2_pct": reading.co2_pct}
    losses = losses_of(at)
    value = 100.0 - sum(losses.values())
    if not value > 0.0:
        return words.no_efficiency_left(value)
    fixed = {"gcv_kcal_kg": gcv_kcal_kg} | {
        f"{name}_pct": getattr(parts, part) for name, part in _OF_ANALYSIS.items()
    }
    steep = slopes(lambda moved: 100.0 - sum(losses_of(moved).values()), at | fixed)
    standard = {} if limits is None else standard_of(steep, limits)
    excess = excess_of(at, parts)
    actual = air * (1.0 + excess / 100.0)
    settings = (cp_gas, cp_vapour, evaporation, heat_of_co)
    by = (
        "indirect method"
        if settings == (CP_GAS, CP_VAPOUR, EVAPORATION, HEAT_OF_CO)
        else f"indirect {settings}"
    )
    oxygen = _BASE_PCT * excess / (100.0 + excess) if reading.o2_pct is None else reading.o2_pct
    found = findings_of(reading, oxygen, most, _BASE_PCT)
    return Indirect(
        air,
        excess,
        actual,
        _dry_gas(parts, air, actual) if dry_gas_kg_kg is None else dry_gas_kg_kg,
        losses,
        Efficiency(
            value, "gross", frozenset(losses), by, name or (chosen.id if chosen else ""), steep, standard
        ),
        (*found, *(chosen.findings if chosen else ())),
    )


def _impossible(ash: AshLosses | None, given: Mapping[str, tuple[float | None, float]]) -> Refusal | None:
    """The first given figure that is missing, negative, or above the most it can be."""
    shares = {}
    if ash is not None:
        shares = {"share of ash": (ash.fly_share, 1.0), "share of bottom ash": (ash.bottom_share, 1.0)}
        shares |= {"share of all ash": (ash.fly_share + ash.bottom_share, 1.0 + 1e-9)}
        shares |= {"GCV of fly ash": (ash.gcv_fly_kcal_kg, 8500.0)}
        shares |= {"GCV of bottom ash": (ash.gcv_bottom_kcal_kg, 8500.0)}
    for name, (value, most) in (*given.items(), *shares.items()):
        if value is not None and not 0.0 <= value <= most:
            return words.value_impossible(name, value)
    return None


def _dry_gas(fuel: Ultimate, theoretical: float, actual: float) -> float:
    solid = (fuel.c * 44.0 / 12.0 + fuel.n + fuel.s * 64.0 / 32.0) / 100.0
    return solid + 0.77 * actual + 0.23 * (actual - theoretical)


def _no_gases(reading: FlueGas) -> bool:
    return reading.o2_pct is None and reading.co2_pct is None
