"""Furnaces and kilns: available heat, oxygen in the air, and the losses of walls, openings and cooling gas.

The formulas are those of the US process-heating tools (ORNL AMO-Tools-Suite, DOE PHAST), which work in °F and
Btu; here everything goes in and comes out in °C, m, kW. They are on the gross heating value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from analysis._tables import Row, table
from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion import _words as words
from analysis.combustion._furnace_walls import (
    COLDEST_C,
    FT,
    HOTTEST_C,
    KW_PER_BTU_H,
    RANKINE,
    celsius,
    fahrenheit,
    gas_cooling_loss_kw,
    opening_loss_kw,
    opening_view_factor,
    slot_view_factor,
    wall_loss_kw,
)
from analysis.combustion._given import within
from analysis.combustion.composition import Ultimate
from analysis.combustion.reading import impossible_o2
from analysis.combustion.stoichiometry import natural_gas_excess_air_pct
from analysis.results import Refusal
from dodac.errors import ConfigError

__all__ = [
    "KW_PER_BTU_H",
    "FurnaceChange",
    "GasValues",
    "available_heat_pct",
    "celsius",
    "exhaust_losses",
    "fahrenheit",
    "furnace_improvement",
    "gas_cooling_loss_kw",
    "gas_values",
    "opening_loss_kw",
    "opening_view_factor",
    "oxygen_enrichment",
    "slot_view_factor",
    "solid_fuel_available_heat",
    "wall_loss_kw",
]

_AIR_DENSITY_LB_FT3: Final = 0.075
# molar volume and air density with which the tools make a specific gravity
_GRAVITY_BASE: Final = 22.4 * 1.205
_OXYGEN_OF_AIR: Final = 0.21


def available_heat_pct(t_flue_c: float, t_air_c: float, excess_air_pct: float) -> float:
    """Heat left in a gas-fired furnace after the flue gas, % of the gross input.

    Raises ConfigError for temperatures outside −60 … 2500 °C or less air than is needed.
    95 − 0.025 T − (−1.07891327 + cp T) EA + (−1.078913827 + cp Ta)(1 + EA), cp = 0.017828518 + 2.556e-6 Ta, T in °F,
    EA as a fraction. t_air_c: the (preheated) combustion air. Source: ORNL EfficiencyImprovement.
    """
    within(COLDEST_C, HOTTEST_C, t_flue_c=t_flue_c, t_air_c=t_air_c)
    within(0.0, math.inf, excess_air_pct=excess_air_pct)
    flue, air, excess = fahrenheit(t_flue_c), fahrenheit(t_air_c), excess_air_pct / 100.0
    heat = 0.017828518 + 2.556e-6 * air
    dry = -(-1.07891327 + heat * flue) * excess
    return 95.0 - 0.025 * flue + dry + (-1.078913827 + heat * air) * (1.0 + excess)


@dataclass(frozen=True)
class FurnaceChange:
    """Available heat before and after (% of gross input), and what that saves at the same heat to the load."""

    available_before_pct: float
    available_after_pct: float
    fuel_saving_fraction: float
    heat_input_after: float
    source: str


def furnace_improvement(
    before: tuple[float, float, float], after: tuple[float, float, float], heat_input: float
) -> FurnaceChange | Refusal:
    """Saving of a furnace on natural gas by less air, cooler flue gas or preheated air.

    before, after: (O₂ vol% dry, flue °C, combustion air °C); heat_input: in any unit of heat rate, before.
    Saving = 1 − AH1/AH2. Refused where O₂ is no flue gas, or no heat is left. Source: ORNL EfficiencyImprovement.
    """
    found = []
    for o2, flue, air in (before, after):
        refusal = impossible_o2(o2) or _impossible_temperature(flue, air)
        if refusal is not None:
            return refusal
        found.append(available_heat_pct(flue, air, natural_gas_excess_air_pct(o2)))
    return _change(found[0], found[1], found[0], heat_input, "ORNL EfficiencyImprovement")


def oxygen_enrichment(
    before: tuple[float, float, float, float], after: tuple[float, float, float, float], fuel: float
) -> FurnaceChange | Refusal:
    """Saving of a furnace by oxygen in the combustion air.

    before, after: (O₂ of the combustion air vol%, flue °C, O₂ of the flue gas vol%, combustion air °C); fuel: rate
    before, any unit. Adds 9.38 (O − 0.21)/O · 2 · (T − 60)/980 points (T in °F). Source: ORNL O2Enrichment.
    """
    plain, rich = [], []
    for oxygen, flue, o2, air in (before, after):
        if not _OXYGEN_OF_AIR * 100.0 - 0.2 <= oxygen <= 100.0:
            return fuel_words.analysis_impossible("O2 of the combustion air", oxygen)
        refusal = impossible_o2(o2) or _impossible_temperature(flue, air)
        if refusal is not None:
            return refusal
        heat = available_heat_pct(flue, air, natural_gas_excess_air_pct(o2))
        share = oxygen / 100.0
        more = 100.0 * (9.38 * (share - _OXYGEN_OF_AIR) / share * 0.02 * ((fahrenheit(flue) - 60.0) / 980.0))
        plain.append(heat)
        rich.append(heat + more)
    return _change(rich[0], rich[1], plain[0], fuel, "ORNL O2Enrichment")


def exhaust_losses(heat_input: float, available_pct: float) -> float:
    """Heat that leaves with the exhaust: input × (1 − available heat), in the unit of the input (ORNL)."""
    within(0.0, math.inf, heat_input=heat_input)
    within(-math.inf, 100.0, available_pct=available_pct)
    return heat_input * (1.0 - available_pct / 100.0)


def solid_fuel_available_heat(
    parts: Ultimate,
    *,
    t_flue_c: float,
    excess_air_pct: float,
    t_air_c: float,
    t_fuel_c: float,
    t_ambient_c: float,
    air_moisture_pct: float = 0.0,
    t_ash_c: float = 25.0,
    unburnt_carbon_in_ash_pct: float = 0.0,
) -> float | Refusal:
    """Available heat of a furnace on solid or liquid fuel, fraction of the gross heating value.

    parts: as received (brought to 100 %). The heating value is 14100 C + 61100 H + 3980 S Btu/lb, which leaves the
    fuel's oxygen out: some 2 % high for bituminous coal, 11 % for lignite, 35 % for wood, so not for
    biomass. air_moisture_pct: % by mass. ConfigError for temperatures or shares that can't be. Source: ORNL SolidLiquidFlueGasMaterial, getHeatLoss.
    """
    c, h, s, o, m, ash = (
        x / parts.total_pct for x in (parts.c, parts.h, parts.s, parts.o, parts.moisture, parts.ash)
    )
    within(COLDEST_C, HOTTEST_C, t_flue_c=t_flue_c, t_air_c=t_air_c, t_fuel_c=t_fuel_c)
    within(COLDEST_C, HOTTEST_C, t_ambient_c=t_ambient_c, t_ash_c=t_ash_c)
    within(0.0, 100.0, air_moisture_pct=air_moisture_pct, unburnt_carbon_in_ash_pct=unburnt_carbon_in_ash_pct)
    within(0.0, math.inf, excess_air_pct=excess_air_pct)
    value = 14100.0 * c + 61100.0 * h + 3980.0 * s
    oxygen = c * 32.0 / 12.0 + 8.0 * h + s - o
    if value <= 0.0 or oxygen <= 0.0:
        return fuel_words.analysis_impossible("c + h", parts.c + parts.h)
    flue, air, ambient = fahrenheit(t_flue_c), fahrenheit(t_air_c), fahrenheit(t_ambient_c)
    rise, absolute, excess = flue - ambient, flue + RANKINE, excess_air_pct / 100.0
    nitrogen = oxygen * 76.85 / 23.15
    all_air = (oxygen + nitrogen) * (1.0 + excess)
    damp = air_moisture_pct / 100.0 * all_air
    cp_air = 0.01788166862315 + 1.6704748e-6 * air
    heat_in = (
        0.24 * (1.0 - m) * (fahrenheit(t_fuel_c) - ambient)
        + all_air * cp_air * (air - ambient) / _AIR_DENSITY_LB_FT3
        + value
        + parts.moisture / 100.0 * rise
    )
    masses = {"co2": c * 44.0 / 12.0, "h2o": 9.0 * h + m + damp, "n2": nitrogen * (1.0 + excess)}
    masses |= {"o2": oxygen * excess, "so2": 2.0 * s}
    volumes = {gas: mass / float(_gases()[gas]["lb_scf"]) for gas, mass in masses.items()}
    saturated = 1096.7 * math.pow(volumes["h2o"] / sum(volumes.values()) * 29.926, 0.013)
    sensible = {
        gas: mass * _heat_capacity(gas, absolute) / float(_gases()[gas]["m"]) * rise
        for gas, mass in masses.items()
    }
    out = sum(sensible.values()) + (9.0 * h + m) * saturated
    out += 14093.0 * unburnt_carbon_in_ash_pct / 100.0 * ash
    out += ash * 0.25 * (fahrenheit(t_ash_c) - ambient)
    return (heat_in - out) / value


@dataclass(frozen=True)
class GasValues:
    """A gas mixture in the tools' terms: gross values, and their specific gravity.

    Their specific gravity takes air as 26.99 g/mol; the true one (28.96) is 7 % lower: mj_* are right
    for burning, specific_gravity only for comparing with those tools.
    """

    btu_lb: float
    btu_scf: float
    mj_kg: float
    mj_m3_15c: float
    specific_gravity: float


def gas_values(volumes: Mapping[str, float]) -> GasValues | Refusal:
    """Gross heating values and specific gravity of a gas from percent by volume (ORNL GasFlueGasMaterial).

    Refused where the sum is not above zero; ConfigError for a gas the tools do not know.
    """
    for gas in volumes:
        if gas not in _gases():
            raise ConfigError(f'there is no gas "{gas}".', todo=f"Known gases: {', '.join(_gases())}.")
    total = sum(volumes.values())
    if not 0.0 < total < math.inf or min(volumes.values()) < 0.0:
        return fuel_words.analysis_sum(total)
    share = {gas: value / total for gas, value in volumes.items()}
    density = sum(part * float(_gases()[gas]["lb_scf"]) for gas, part in share.items())
    mass = sum(
        part * float(_gases()[gas]["lb_scf"]) / density * float(_gases()[gas].get("btu_lb", 0))
        for gas, part in share.items()
    )
    volume = sum(part * float(_gases()[gas].get("btu_scf", 0)) for gas, part in share.items())
    molar = sum(part * float(_gases()[gas]["m"]) for gas, part in share.items())
    joule = 1055.05585262e-6
    return GasValues(mass, volume, mass * joule / 0.45359237, volume * joule / FT**3, molar / _GRAVITY_BASE)


@cache
def _gases() -> Mapping[str, Row]:
    return {row["id"]: row for row in table("gases_process_heat")}


def _heat_capacity(gas: str, rankine: float) -> float:
    """Molar heat capacity, Btu/(lb-mol °R), by the correlations the tools print."""
    if gas == "co2":
        return 16.2 - 6530.0 / rankine + 1.41e6 / rankine**2
    if gas == "h2o":
        return 19.86 - 597.0 / math.sqrt(rankine) + 7500.0 / rankine
    if gas == "o2":
        return 11.515 - 172.0 / math.sqrt(rankine) + 1530.0 / rankine
    return 17.472 if gas == "so2" else 9.47 - 3470.0 / rankine + 1.07e6 / rankine**2


def _impossible_temperature(*temperatures: float) -> Refusal | None:
    """The first temperature that no furnace has."""
    wrong = [t for t in temperatures if not COLDEST_C < t < HOTTEST_C]
    return words.temperature_impossible(wrong[0]) if wrong else None


def _change(before: float, after: float, base: float, heat: float, source: str) -> FurnaceChange | Refusal:
    within(0.0, math.inf, heat=heat)
    for value in (before, after, base):
        if not value > 0.0:
            return words.no_efficiency_left(value)
    fraction = 1.0 - base / after
    return FurnaceChange(before, after, fraction, heat * (1.0 - fraction), source)
