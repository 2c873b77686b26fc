"""What a fuel is made of: elements and gases, their bases, and heating values from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Final, Literal

from analysis._tables import Row, table
from analysis.combustion import _fuel_words as fuel_words
from analysis.results import Refusal
from dodac.errors import ConfigError

Basis = Literal["as_received", "dry", "daf"]
HeatingValue = Literal["net", "gross"]

# latent heat of water at 25 °C, MJ/kg, and kg of water from a kg of hydrogen as the trade rounds it
LATENT_MJ_KG: Final = 2.442
WATER_OF_HYDROGEN: Final = 9.0
# molar volume of an ideal gas at 0 °C and 101.325 kPa, Nm³/kmol
NORMAL_VOLUME: Final = 22.414
ATOMS: Final = {"c": 12.011, "h": 1.008, "o": 15.999, "n": 14.007, "s": 32.06}
WATER: Final = 18.015
CO2_OF_CARBON: Final = 44.009 / 12.011
_SUM_TOLERANCE_PCT = 1.5


@dataclass(frozen=True)
class Ultimate:
    """An ultimate analysis as received: percent by mass, moisture and ash included, adding up to 100."""

    c: float
    h: float
    o: float = 0.0
    n: float = 0.0
    s: float = 0.0
    moisture: float = 0.0
    ash: float = 0.0

    @property
    def total_pct(self) -> float:
        """The sum of all parts."""
        return sum((self.c, self.h, self.o, self.n, self.s, self.moisture, self.ash))

    def with_moisture(self, moisture_pct: float) -> Ultimate:
        """The same fuel wetter or drier: every other part shrinks or grows with the dry matter."""
        share = (100.0 - moisture_pct) / (100.0 - self.moisture)
        parts = {p.name: getattr(self, p.name) * share for p in fields(self) if p.name != "moisture"}
        return Ultimate(**parts, moisture=moisture_pct)


def ultimate(
    *,
    c: float,
    h: float,
    o: float | None = None,
    n: float = 0.0,
    s: float = 0.0,
    moisture: float = 0.0,
    ash: float = 0.0,
    basis: Basis = "as_received",
) -> Ultimate | Refusal:
    """A laboratory's analysis, brought to as received.

    c … s: percent by mass on `basis`; ash: on the same basis, of a daf analysis on the dry one; moisture:
    always as received. o None: by difference. Refused where a part is negative or missing, or where
    the sum is not 100 ± 1.5 %. Bases: ISO 1170:2020.
    """
    parts = {"c": c, "h": h, "n": n, "s": s, "moisture": moisture, "ash": ash}
    if o is not None:
        parts["o"] = o
    for name, value in parts.items():
        if not (math.isfinite(value) and 0.0 <= value <= 100.0):
            return fuel_words.analysis_impossible(name, value)
    if basis not in ("as_received", "dry", "daf"):
        raise ConfigError(f'there is no basis "{basis}".', todo="Write as_received, dry or daf.")
    inside = {"as_received": ("moisture", "ash"), "dry": ("ash",), "daf": ()}[basis]
    rest = c + h + n + s + sum(parts[name] for name in inside)
    oxygen = 100.0 - rest if o is None else o
    total = rest + oxygen
    if oxygen < 0.0 or abs(total - 100.0) > _SUM_TOLERANCE_PCT:
        return fuel_words.analysis_sum(total if oxygen >= 0.0 else rest)
    dry = (100.0 - moisture) / 100.0
    organic = {"as_received": 1.0, "dry": dry, "daf": dry * (100.0 - ash) / 100.0}[basis]
    ash_received = ash if basis == "as_received" else ash * dry
    if c + h <= 0.0 or moisture >= 100.0:
        return fuel_words.analysis_impossible("c + h", c + h)
    return Ultimate(
        c * organic, h * organic, oxygen * organic, n * organic, s * organic, moisture, ash_received
    )


def dulong_mj_kg(parts: Ultimate) -> float:
    """Gross heating value by Dulong's formula: 0.3383 C + 1.443 (H − O/8) + 0.0942 S, MJ/kg.

    As printed by ASHRAE Fundamentals and most text books; ± 2 % for coal, some 5 % high for oil and 10 % low for wood.
    """
    return 0.3383 * parts.c + 1.443 * (parts.h - parts.o / 8.0) + 0.0942 * parts.s


def hhv_estimate_mj_kg(parts: Ultimate) -> float:
    """Gross heating value estimated from the elements of any solid or liquid fuel, as received, MJ/kg.

    0.3491 C + 1.1783 H + 0.1005 S − 0.1034 O − 0.0151 N − 0.0211 ash: 1.5 % off on the average over coal, oil and
    biomass (Channiwala and Parikh, Fuel 81 (2002) 1051; up to 50 % O and 71 % ash of the dry fuel).
    """
    burns = 0.3491 * parts.c + 1.1783 * parts.h + 0.1005 * parts.s
    return burns - 0.1034 * parts.o - 0.0151 * parts.n - 0.0211 * parts.ash


def lhv_from_hhv(hhv_mj_kg: float, parts: Ultimate) -> float:
    """Net from gross heating value, both as received, MJ/kg: HHV − 2.442 (9 H + M)/100 (25 °C)."""
    return hhv_mj_kg - LATENT_MJ_KG * (WATER_OF_HYDROGEN * parts.h + parts.moisture) / 100.0


def hhv_from_lhv(lhv_mj_kg: float, parts: Ultimate) -> float:
    """Gross from net heating value, both as received, MJ/kg."""
    return lhv_mj_kg + LATENT_MJ_KG * (WATER_OF_HYDROGEN * parts.h + parts.moisture) / 100.0


def hhv_as_received(hhv_mj_kg: float, parts: Ultimate, basis: Basis) -> float:
    """A gross heating value stated dry or dry and ash-free, as received, MJ/kg (ISO 1170:2020)."""
    if basis == "dry":
        return hhv_mj_kg * (100.0 - parts.moisture) / 100.0
    if basis == "daf":
        return hhv_mj_kg * (100.0 - parts.moisture - parts.ash) / 100.0
    return hhv_mj_kg


@cache
def gases() -> Mapping[str, Row]:
    """The rows of tables/gases.toml by id: molar mass, atoms, heating value."""
    return {row["id"]: row for row in table("gases")}


@dataclass(frozen=True)
class GasMixture:
    """A gaseous fuel: percent by volume of ch4, c2h6, c3h8, c4h10, c5h12, c2h4, h2, h2s, co, co2, n2, o2, h2o."""

    volumes: tuple[tuple[str, float], ...]

    @property
    def molar_mass(self) -> float:
        """g/mol."""
        return sum(share * float(gases()[gas]["m"]) for gas, share in self._shares())

    @property
    def hhv_mj_m3(self) -> float:
        """Gross heating value of the ideal gas, combustion at 25 °C, MJ per Nm³ (0 °C) (ISO 6976:2016 §7)."""
        molar = sum(share * float(gases()[gas].get("hhv_kj_mol", 0.0)) for gas, share in self._shares())
        return molar / NORMAL_VOLUME

    @property
    def lhv_mj_m3(self) -> float:
        """Net heating value, MJ per Nm³: gross less 44.0 kJ per mol of water formed."""
        water = sum(
            share * float(gases()[gas].get("h", 0)) / 2.0
            for gas, share in self._shares()
            if "hhv_kj_mol" in gases()[gas]
        )
        return self.hhv_mj_m3 - water * LATENT_MJ_KG * WATER / NORMAL_VOLUME

    @property
    def density_kg_m3(self) -> float:
        """kg per Nm³ of the ideal gas."""
        return self.molar_mass / NORMAL_VOLUME

    def ultimate(self) -> Ultimate:
        """The mixture's elements as percent by mass; water vapour counts as moisture."""
        mass: dict[str, float] = dict.fromkeys("chons", 0.0)
        moisture = 0.0
        for gas, share in self._shares():
            row = gases()[gas]
            if gas == "h2o":
                moisture += share * WATER
                continue
            for atom in mass:
                mass[atom] += share * float(row.get(atom, 0)) * ATOMS[atom]
        whole = sum(mass.values()) + moisture
        parts = {atom: 100.0 * value / whole for atom, value in mass.items()}
        return Ultimate(**parts, moisture=100.0 * moisture / whole)

    def _shares(self) -> tuple[tuple[str, float], ...]:
        total = sum(value for _, value in self.volumes)
        return tuple((gas, value / total) for gas, value in self.volumes)


def gas_mixture(volumes: Mapping[str, float]) -> GasMixture | Refusal:
    """A gaseous fuel from percent by volume; refused where the sum is not 100 ± 1.5 %, or nothing burns."""
    for gas, value in volumes.items():
        if gas not in gases():
            raise ConfigError(f'there is no gas "{gas}".', todo=f"Known gases: {', '.join(gases())}.")
        if not (math.isfinite(value) and 0.0 <= value <= 100.0):
            return fuel_words.analysis_impossible(gas, value)
    total = sum(volumes.values())
    if abs(total - 100.0) > _SUM_TOLERANCE_PCT:
        return fuel_words.analysis_sum(total)
    if not any("hhv_kj_mol" in gases()[gas] and value > 0.0 for gas, value in volumes.items()):
        return fuel_words.analysis_impossible("combustible gas", 0.0)
    return GasMixture(tuple(volumes.items()))
