"""From a fuel's elements to its air, its flue gas, its water and its dew points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from analysis.combustion import _words as words
from analysis.combustion._given import above, within
from analysis.combustion.composition import ATOMS, NORMAL_VOLUME, WATER, GasMixture, Ultimate
from analysis.results import Refusal
from dodac.errors import ConfigError

# dry air, vol% O₂ (the rest counts as nitrogen of 28.16 g/mol, argon in it) and its molar mass
O2_OF_AIR_PCT: Final = 20.95
AIR_MOLAR_MASS: Final = 28.965
INERT_MOLAR_MASS: Final = (AIR_MOLAR_MASS - 0.2095 * 31.998) / 0.7905
# an analyser shows a little below zero; so much less air than is needed is let pass
_DRIFT_PCT: Final = 5.0


@dataclass(frozen=True)
class Stoichiometry:
    """Air and flue gas of 1 kg of fuel as received, complete combustion without excess air.

    Volumes in Nm³/kg (0 °C, 101.325 kPa, ideal gas); air is dry. co2_max_pct: CO₂ of the dry gas,
    vol%. Method: mass balance of the elements, as EN 12952-15:2003 annex A sets it up. Its methods raise
    ConfigError for O₂ of 20.95 vol% and above, CO₂ not above zero, less air than is needed, or no number.
    """

    air_m3_kg: float
    dry_gas_m3_kg: float
    co2_m3_kg: float
    so2_m3_kg: float
    fuel_n2_m3_kg: float
    water_m3_kg: float

    @property
    def co2_max_pct(self) -> float:
        """CO₂ of dry flue gas without excess air, vol%."""
        return 100.0 * self.co2_m3_kg / self.dry_gas_m3_kg

    @property
    def ro2_max_pct(self) -> float:
        """CO₂ and SO₂ together, vol%: what an Orsat apparatus absorbs and many tables print as CO₂max."""
        return 100.0 * (self.co2_m3_kg + self.so2_m3_kg) / self.dry_gas_m3_kg

    @property
    def air_kg_kg(self) -> float:
        """Dry air, kg per kg of fuel."""
        return self.air_m3_kg / NORMAL_VOLUME * AIR_MOLAR_MASS

    @property
    def gas_factor(self) -> float:
        """Dry flue gas per dry air without excess, Nm³/Nm³: 0.895 for methane, near 1 for coal."""
        return self.dry_gas_m3_kg / self.air_m3_kg

    def excess_air_pct(self, o2_dry_pct: float) -> float:
        """Excess air that an O₂ of the dry gas means: (Vdry/Lmin) O₂/(20.95 − O₂), %."""
        within(-_DRIFT_PCT, 20.9499, o2_dry_pct=o2_dry_pct)
        return 100.0 * self.gas_factor * o2_dry_pct / (O2_OF_AIR_PCT - o2_dry_pct)

    def o2_dry_pct(self, excess_air_pct: float) -> float:
        """O₂ of the dry gas that an excess air gives, vol%."""
        within(-_DRIFT_PCT, math.inf, excess_air_pct=excess_air_pct)
        excess = excess_air_pct / 100.0 * self.air_m3_kg
        return O2_OF_AIR_PCT * excess / (self.dry_gas_m3_kg + excess)

    def co2_pct(self, excess_air_pct: float) -> float:
        """CO₂ of the dry gas, vol%."""
        within(-_DRIFT_PCT, math.inf, excess_air_pct=excess_air_pct)
        return 100.0 * self.co2_m3_kg / (self.dry_gas_m3_kg + excess_air_pct / 100.0 * self.air_m3_kg)

    def excess_air_from_co2_pct(self, co2_pct: float) -> float:
        """Excess air that a measured CO₂ of the dry gas means, % (below zero: too little air, or another fuel)."""
        above(0.0, co2_pct=co2_pct)
        return 100.0 * self.gas_factor * (self.co2_max_pct / co2_pct - 1.0)

    def water_vapour_m3_kg(self, excess_air_pct: float, humidity_kg_kg: float = 0.0) -> float:
        """Water vapour of fuel and air, Nm³ per kg of fuel; humidity in kg per kg of dry air."""
        within(-_DRIFT_PCT, math.inf, excess_air_pct=excess_air_pct)
        within(0.0, 2.0, humidity_kg_kg=humidity_kg_kg)
        air = self.air_m3_kg * (1.0 + excess_air_pct / 100.0)
        return self.water_m3_kg + air * humidity_kg_kg * AIR_MOLAR_MASS / WATER

    def water_vapour_pct(self, excess_air_pct: float, humidity_kg_kg: float = 0.0) -> float:
        """Water vapour of the wet gas, vol%."""
        water = self.water_vapour_m3_kg(excess_air_pct, humidity_kg_kg)
        dry = self.dry_gas_m3_kg + excess_air_pct / 100.0 * self.air_m3_kg
        return 100.0 * water / (water + dry)

    def dry_o2_from_wet_pct(self, o2_wet_pct: float, humidity_kg_kg: float = 0.0) -> float | Refusal:
        """O₂ of the dry gas from a probe that measures in the wet gas (zirconia), vol%.

        Refused where so much O₂ can't be in this fuel's wet flue gas.
        """
        within(0.0, 2.0, humidity_kg_kg=humidity_kg_kg)
        vapour = humidity_kg_kg * AIR_MOLAR_MASS / WATER
        fixed = self.dry_gas_m3_kg + self.water_m3_kg + self.air_m3_kg * vapour
        room = O2_OF_AIR_PCT - o2_wet_pct * (1.0 + vapour)
        if not (math.isfinite(o2_wet_pct) and o2_wet_pct >= 0.0) or room <= 0.0:
            return words.no_flue_gas(o2_wet_pct)
        return self.o2_dry_pct(100.0 * o2_wet_pct * fixed / (room * self.air_m3_kg))

    def dew_point_c(
        self, excess_air_pct: float, humidity_kg_kg: float = 0.0, pressure_hpa: float = 1013.25
    ) -> float | None:
        """Dew point of the water vapour, °C (Magnus); None where there is none (carbon in dry air)."""
        above(0.0, pressure_hpa=pressure_hpa)
        share = self.water_vapour_pct(excess_air_pct, humidity_kg_kg) / 100.0
        return water_dew_point_c(share * pressure_hpa) if share > 0.0 else None


def stoichiometry(parts: Ultimate) -> Stoichiometry:
    """Air, flue gas and water of a fuel from its elements as received (kmol of each per kg of fuel)."""
    carbon, sulphur = parts.c / 100.0 / ATOMS["c"], parts.s / 100.0 / ATOMS["s"]
    hydrogen = parts.h / 100.0 / (2.0 * ATOMS["h"])
    oxygen = parts.o / 100.0 / (2.0 * ATOMS["o"])
    nitrogen = parts.n / 100.0 / (2.0 * ATOMS["n"])
    # a fuel that brings all its oxygen needs no air; nothing of the kind is burnt, but it must not go below
    need = max(carbon + sulphur + hydrogen / 2.0 - oxygen, 1e-9)
    air = need / (O2_OF_AIR_PCT / 100.0)
    dry = carbon + sulphur + nitrogen + air * (1.0 - O2_OF_AIR_PCT / 100.0)
    water = hydrogen + parts.moisture / 100.0 / WATER
    kmol = (air, dry, carbon, sulphur, nitrogen, water)
    return Stoichiometry(*(NORMAL_VOLUME * amount for amount in kmol))


@dataclass(frozen=True)
class GasVolumes:
    """Air and flue gas of 1 Nm³ of a gaseous fuel without excess air, Nm³/Nm³ (0 °C, ideal gas); air is dry.

    dry_gas: with the CO₂ in it; water: of hydrogen and of the vapour the fuel brings.
    """

    air_m3_m3: float
    dry_gas_m3_m3: float
    co2_m3_m3: float
    water_m3_m3: float


def gas_volumes(gas: GasMixture) -> GasVolumes:
    """Air and flue gas per Nm³ of a gaseous fuel (`Fuel.gas`), by the same balance as `stoichiometry`."""
    found, density = stoichiometry(gas.ultimate()), gas.density_kg_m3
    volumes = (found.air_m3_kg, found.dry_gas_m3_kg, found.co2_m3_kg, found.water_m3_kg)
    return GasVolumes(*(density * volume for volume in volumes))


def saturation_hpa(t_c: float) -> float:
    """Saturation pressure over water, hPa: 6.112 exp(17.62 t/(243.12 + t)) (Magnus; WMO-No. 8, annex 4.B)."""
    return 6.112 * math.exp(17.62 * t_c / (243.12 + t_c))


def water_dew_point_c(vapour_hpa: float) -> float:
    """Temperature at which a vapour pressure (hPa, above 0, else ConfigError) is saturated, °C: Magnus turned round."""
    above(0.0, vapour_hpa=vapour_hpa)
    logarithm = math.log(vapour_hpa / 6.112)
    return 243.12 * logarithm / (17.62 - logarithm)


def humidity_kg_kg(t_c: float, relative_pct: float, pressure_hpa: float = 1013.25) -> float:
    """Water in the air, kg per kg of dry air, from its temperature and relative humidity.

    Raises ConfigError for what no air at that pressure can hold.
    """
    within(-90.0, 400.0, t_c=t_c)
    above(0.0, pressure_hpa=pressure_hpa)
    vapour = relative_pct / 100.0 * saturation_hpa(t_c)
    if not 0.0 <= vapour < 0.9 * pressure_hpa or relative_pct > 100.0:
        raise ConfigError(
            f"air of {t_c:g} °C can't have a relative humidity of {relative_pct:g} %.",
            todo="Give temperature and humidity where the air is drawn in, before any preheater.",
        )
    return WATER / AIR_MOLAR_MASS * vapour / (pressure_hpa - vapour)


def acid_dew_point_c(water_pct: float, so3_ppm: float, pressure_hpa: float = 1013.25) -> float | Refusal:
    """Dew point of sulphuric acid, °C, from water vapour (vol% wet) and SO₃ (ppm wet).

    1000/T = 2.276 − 0.0294 ln p(H₂O) − 0.0858 ln p(SO₃) + 0.0062 ln p(H₂O) ln p(SO₃), pressures in mmHg
    (Verhoff and Banchero, Chem. Eng. Progress 70 (1974) 71). How much SO₂ became SO₃ (1 … 5 %) is the
    caller's to state. Refused without water or SO₃.
    """
    above(0.0, pressure_hpa=pressure_hpa)
    if not (0.0 < water_pct < 100.0 and 0.0 < so3_ppm < 1e6):
        return words.needs("water vapour and SO3 above zero", "hơi nước và SO3 lớn hơn không")
    millimetres = pressure_hpa * 760.0 / 1013.25
    water, acid = math.log(water_pct / 100.0 * millimetres), math.log(so3_ppm * 1e-6 * millimetres)
    return 1000.0 / (2.276 - 0.0294 * water - 0.0858 * acid + 0.0062 * water * acid) - 273.15


def simple_excess_air_pct(o2_pct: float, base_pct: float = 20.9) -> float:
    """Excess air without the fuel: 100 O₂/(base − O₂); for natural gas about a tenth too high."""
    above(0.0, base_less_o2=base_pct - o2_pct)
    return 100.0 * o2_pct / (base_pct - o2_pct)


def natural_gas_excess_air_pct(o2_pct: float) -> float:
    """Excess air of natural gas: 100 · 8.52381 O₂/(2 − 9.52381 O₂), O₂ as a fraction (ORNL process heating)."""
    within(-_DRIFT_PCT, 20.95, o2_pct=o2_pct)
    share = o2_pct / 100.0
    return 100.0 * 8.52381 * share / (2.0 - 9.52381 * share)
