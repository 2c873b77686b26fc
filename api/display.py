"""How channels look on the live page: order, unit for people, digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dodac.quantities import CHANNELS
from dodac.words import Language, number_text
from reports.formats import unit_text

MAIN_COUNT: Final = 4
# what a technician looks at first, best first
_ORDER: Final = (
    "o2_pct", "co_ppm", "t_flue_c", "co2_pct", "power_w", "energy_import_kwh", "current_l1_a", "voltage_l1_v",
    "power_factor", "flow_m3h", "volume_m3", "heat_power_w", "heat_kwh", "t_flow_c", "t_return_c", "steam_flow_kgh",
    "steam_kg", "gas_nm3", "temperature_c", "humidity_pct", "pressure_bar", "energy_interval_kwh", "output_units",
    "mass_kg", "ph", "cod_mg_l", "tss_mg_l", "conductivity_us_cm",
)  # fmt: skip
_RANK: Final = {name: place for place, name in enumerate(_ORDER)}
_DIGITS: Final[dict[str, int]] = {
    "vol%": 2, "ppm": 0, "degC": 1, "Pa": 0, "V": 1, "A": 2, "kW": 2, "kvar": 2, "kVA": 2, "1": 3, "Hz": 2,
    "kWh": 2, "kvarh": 2, "m3": 3, "m3/h": 3, "Nm3": 2, "kg": 1, "kg/h": 1, "bar": 2, "%": 1, "units": 0,
    "pH": 2, "mg/l": 1, "uS/cm": 0,
}  # fmt: skip
_LARGER: Final[dict[str, tuple[str, float]]] = {
    "W": ("kW", 1e-3), "var": ("kvar", 1e-3), "VA": ("kVA", 1e-3),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Display:
    """One channel for people: shown value = canonical value · scale, in `unit`, with `digits`."""

    channel: str
    vi: str
    en: str
    unit: str
    scale: float
    digits: int

    def name(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en

    def unit_text(self, language: Language) -> str:
        return unit_text(self.unit, language)

    def text(self, value: float, language: Language) -> str:
        """The value as printed, without its unit."""
        return number_text(value * self.scale, self.digits, language)


def display(channel: str) -> Display:
    """How a canonical channel is shown."""
    known = CHANNELS.get(channel)
    if known is None:
        return Display(channel, channel, channel, "", 1.0, 2)
    unit, scale = _LARGER.get(known.unit, (known.unit, 1.0))
    return Display(channel, known.vi, known.en, unit, scale, _DIGITS.get(unit, 2))


def ordered(channels: Iterable[str]) -> list[str]:
    """Channels with the most telling first."""
    return sorted(channels, key=lambda name: (_RANK.get(name, len(_RANK)), name))


def split_main(channels: Iterable[str]) -> tuple[list[str], list[str]]:
    """The few channels shown big, and the others; no "others" for the sake of one channel."""
    names = ordered(channels)
    count = MAIN_COUNT if len(names) > MAIN_COUNT + 1 else len(names)
    return names[:count], names[count:]
