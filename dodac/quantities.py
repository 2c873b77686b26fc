"""The one list of canonical channels: quantity, unit, kind, valid range, names in vi and en."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a channel's values add up over time.

    gauge: a state; averaged. counter: a total that rises; differences count.
    interval: an amount of the interval the sample speaks for; summed.
    """

    GAUGE = "gauge"
    COUNTER = "counter"
    INTERVAL = "interval"


class Measurement(StrEnum):
    """InfluxDB measurements that instruments belong to (design §4)."""

    ELECTRICITY = "electricity"
    FLUE_GAS = "flue_gas"
    WATER = "water"
    HEAT = "heat"
    GAS = "gas"
    STEAM = "steam"
    AMBIENT = "ambient"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Channel:
    """One canonical channel.

    name carries the unit; low and high bound what can be believed at all (same unit).
    """

    name: str
    quantity: str
    unit: str
    kind: Kind
    low: float
    high: float
    vi: str
    en: str

    def in_range(self, value: float) -> bool:
        """True for a finite value inside the valid range."""
        return math.isfinite(value) and self.low <= value <= self.high


_G, _C, _I = Kind.GAUGE, Kind.COUNTER, Kind.INTERVAL


def _phases(stem: str, unit: str, quantity: str, low: float, high: float, vi: str, en: str) -> list[Channel]:
    # voltage_l1_v … : the phase goes before the unit, which is the last word of the name
    word, suffix = stem.rsplit("_", 1)
    return [
        Channel(f"{word}_l{n}_{suffix}", quantity, unit, _G, low, high, f"{vi} pha {n}", f"{en} phase {n}")
        for n in (1, 2, 3)
    ]


def _counters(stem: str, vi: str, en: str) -> list[Channel]:
    return [
        Channel(f"{stem}_l{n}_kwh", "energy", "kWh", _C, 0, 1e12, f"{vi} pha {n}", f"{en} phase {n}")
        for n in (1, 2, 3)
    ]


_LIST: Final[list[Channel]] = [
    # flue gas
    Channel("o2_pct", "oxygen", "vol%", _G, -0.5, 25.0, "O₂ trong khói", "O₂ in flue gas"),
    Channel("co2_pct", "carbon dioxide", "vol%", _G, -0.5, 25.0, "CO₂ trong khói", "CO₂ in flue gas"),
    Channel("co_ppm", "carbon monoxide", "ppm", _G, -50, 100_000, "CO trong khói", "CO in flue gas"),
    Channel("no_ppm", "nitrogen monoxide", "ppm", _G, -20, 10_000, "NO trong khói", "NO in flue gas"),
    Channel("no2_ppm", "nitrogen dioxide", "ppm", _G, -20, 5_000, "NO₂ trong khói", "NO₂ in flue gas"),
    Channel("nox_ppm", "nitrogen oxides", "ppm", _G, -20, 10_000, "NOx trong khói", "NOx in flue gas"),
    Channel("so2_ppm", "sulphur dioxide", "ppm", _G, -20, 20_000, "SO₂ trong khói", "SO₂ in flue gas"),
    Channel("co2_ppm", "carbon dioxide", "ppm", _G, -50, 1_000_000, "CO₂ trong không khí", "CO₂ in air"),
    Channel("h2s_ppm", "hydrogen sulphide", "ppm", _G, -50, 100_000, "H₂S", "H₂S"),
    Channel("h2_ppm", "hydrogen", "ppm", _G, -200, 1_000_000, "H₂", "H₂"),
    Channel("ch4_pct", "methane", "vol%", _G, -0.5, 100.0, "CH₄", "CH₄"),
    Channel("t_flue_c", "temperature", "degC", _G, -20, 1_400, "Nhiệt độ khói", "Flue gas temperature"),
    Channel(
        "t_air_c", "temperature", "degC", _G, -30, 400, "Nhiệt độ không khí cấp", "Combustion air temperature"
    ),
    Channel("draught_pa", "pressure", "Pa", _G, -10_000, 10_000, "Áp suất hút", "Draught"),
    # electricity
    *_phases("voltage_v", "V", "voltage", 0, 50_000, "Điện áp", "Voltage"),
    *(
        Channel(
            f"voltage_l{n}{m}_v",
            "voltage",
            "V",
            _G,
            0,
            100_000,
            f"Điện áp dây {n}-{m}",
            f"Voltage {n} to {m}",
        )
        for n, m in ((1, 2), (2, 3), (3, 1))
    ),
    *_phases("current_a", "A", "current", 0, 20_000, "Dòng điện", "Current"),
    Channel("current_n_a", "current", "A", _G, 0, 20_000, "Dòng điện trung tính", "Neutral current"),
    *_phases("power_w", "W", "power", -1e9, 1e9, "Công suất", "Power"),
    Channel("power_w", "power", "W", _G, -1e9, 1e9, "Công suất", "Power"),
    Channel(
        "reactive_power_var",
        "reactive power",
        "var",
        _G,
        -1e9,
        1e9,
        "Công suất phản kháng",
        "Reactive power",
    ),
    *_phases(
        "reactive_power_var", "var", "reactive power", -1e9, 1e9, "Công suất phản kháng", "Reactive power"
    ),
    *_phases("apparent_power_va", "VA", "apparent power", 0, 1e9, "Công suất biểu kiến", "Apparent power"),
    Channel("apparent_power_va", "apparent power", "VA", _G, 0, 1e9, "Công suất biểu kiến", "Apparent power"),
    Channel("power_factor", "power factor", "1", _G, -1.0, 1.0, "Hệ số công suất", "Power factor"),
    *(
        Channel(
            f"power_factor_l{n}",
            "power factor",
            "1",
            _G,
            -1.0,
            1.0,
            f"Hệ số công suất pha {n}",
            f"Power factor phase {n}",
        )
        for n in (1, 2, 3)
    ),
    *_phases("voltage_thd_pct", "%", "distortion", 0, 1_000, "THD điện áp", "Voltage THD"),
    *_phases("current_thd_pct", "%", "distortion", 0, 1_000, "THD dòng điện", "Current THD"),
    Channel("power_demand_w", "power", "W", _G, -1e9, 1e9, "Công suất trung bình kỳ", "Power demand"),
    Channel("power_demand_max_w", "power", "W", _G, -1e9, 1e9, "Công suất cực đại", "Highest power demand"),
    Channel("frequency_hz", "frequency", "Hz", _G, 40, 70, "Tần số", "Frequency"),
    Channel("energy_import_kwh", "energy", "kWh", _C, 0, 1e12, "Điện năng nhận", "Energy import"),
    Channel("energy_export_kwh", "energy", "kWh", _C, 0, 1e12, "Điện năng phát", "Energy export"),
    *_counters("energy_import", "Điện năng nhận", "Energy import"),
    *_counters("energy_export", "Điện năng phát", "Energy export"),
    Channel(
        "energy_total_kwh",
        "energy",
        "kWh",
        _C,
        0,
        1e12,
        "Tổng điện năng nhận và phát",
        "Energy import and export together",
    ),
    Channel(
        "apparent_energy_kvah",
        "apparent energy",
        "kVAh",
        _C,
        0,
        1e12,
        "Điện năng biểu kiến",
        "Apparent energy",
    ),
    Channel(
        "reactive_import_kvarh",
        "reactive energy",
        "kvarh",
        _C,
        0,
        1e12,
        "Điện năng phản kháng nhận",
        "Reactive energy import",
    ),
    Channel(
        "reactive_export_kvarh",
        "reactive energy",
        "kvarh",
        _C,
        0,
        1e12,
        "Điện năng phản kháng phát",
        "Reactive energy export",
    ),
    Channel(
        "energy_interval_kwh", "energy", "kWh", _I, -1e9, 1e9, "Điện năng trong kỳ", "Energy in the interval"
    ),
    # an electricity bill by the hours of the tariff
    Channel(
        "energy_normal_interval_kwh",
        "energy",
        "kWh",
        _I,
        -1e9,
        1e9,
        "Điện năng giờ bình thường trong kỳ",
        "Energy at normal hours in the interval",
    ),
    Channel(
        "energy_peak_interval_kwh",
        "energy",
        "kWh",
        _I,
        -1e9,
        1e9,
        "Điện năng giờ cao điểm trong kỳ",
        "Energy at peak hours in the interval",
    ),
    Channel(
        "energy_offpeak_interval_kwh",
        "energy",
        "kWh",
        _I,
        -1e9,
        1e9,
        "Điện năng giờ thấp điểm trong kỳ",
        "Energy at off-peak hours in the interval",
    ),
    # water, heat, gas, steam
    Channel("volume_m3", "volume", "m3", _C, 0, 1e12, "Tổng thể tích", "Volume total"),
    Channel("flow_m3h", "flow", "m3/h", _G, -1e6, 1e6, "Lưu lượng", "Flow"),
    Channel(
        "volume_interval_m3", "volume", "m3", _I, -1e9, 1e9, "Thể tích trong kỳ", "Volume in the interval"
    ),
    Channel("ph", "acidity", "pH", _G, 0, 14, "Độ pH", "pH"),
    Channel(
        "cod_mg_l",
        "chemical oxygen demand",
        "mg/l",
        _G,
        0,
        1e6,
        "Nhu cầu oxy hóa học (COD)",
        "Chemical oxygen demand (COD)",
    ),
    Channel(
        "tss_mg_l",
        "suspended solids",
        "mg/l",
        _G,
        0,
        1e6,
        "Tổng chất rắn lơ lửng (TSS)",
        "Total suspended solids (TSS)",
    ),
    Channel("conductivity_us_cm", "conductivity", "uS/cm", _G, 0, 2e6, "Độ dẫn điện", "Conductivity"),
    Channel("heat_kwh", "energy", "kWh", _C, 0, 1e12, "Nhiệt năng", "Heat"),
    Channel("heat_power_w", "power", "W", _G, -1e10, 1e10, "Công suất nhiệt", "Heat power"),
    Channel(
        "heat_interval_kwh", "energy", "kWh", _I, -1e9, 1e9, "Nhiệt năng trong kỳ", "Heat in the interval"
    ),
    Channel("t_flow_c", "temperature", "degC", _G, -50, 400, "Nhiệt độ cấp", "Flow temperature"),
    Channel("t_return_c", "temperature", "degC", _G, -50, 400, "Nhiệt độ hồi", "Return temperature"),
    Channel("gas_nm3", "normal volume", "Nm3", _C, 0, 1e12, "Khí (Nm³)", "Gas (Nm³)"),
    Channel(
        "gas_interval_nm3", "normal volume", "Nm3", _I, -1e9, 1e9, "Khí trong kỳ (Nm³)", "Gas in the interval"
    ),
    Channel("steam_kg", "mass", "kg", _C, 0, 1e13, "Hơi", "Steam"),
    Channel("steam_flow_kgh", "mass flow", "kg/h", _G, 0, 1e7, "Lưu lượng hơi", "Steam flow"),
    Channel("pressure_bar", "pressure", "bar", _G, -1.1, 1_000, "Áp suất", "Pressure"),
    # ambient
    Channel("temperature_c", "temperature", "degC", _G, -60, 400, "Nhiệt độ", "Temperature"),
    Channel("humidity_pct", "relative humidity", "%", _G, 0, 100, "Độ ẩm tương đối", "Relative humidity"),
    Channel("t_surface_c", "temperature", "degC", _G, -60, 1_400, "Nhiệt độ bề mặt", "Surface temperature"),
    # inputs of loggers that can't know what is wired to them
    Channel("pulses", "pulses", "1", _C, 0, 1e15, "Số xung", "Pulses"),
    Channel("loop_current_ma", "current", "mA", _G, -25, 25, "Dòng tín hiệu", "Signal current"),
    Channel("signal_v", "voltage", "V", _G, -60, 60, "Điện áp tín hiệu", "Signal voltage"),
    Channel("distance_m", "length", "m", _G, 0, 1_000, "Khoảng cách, mức", "Distance, level"),
    # production and fuel
    Channel("mass_kg", "mass", "kg", _I, -1e12, 1e12, "Khối lượng trong kỳ", "Mass in the interval"),
    Channel("fuel_interval_kg", "mass", "kg", _I, -1e12, 1e12, "Nhiên liệu trong kỳ", "Fuel in the interval"),
    Channel(
        "fuel_interval_m3",
        "volume",
        "m3",
        _I,
        -1e9,
        1e9,
        "Nhiên liệu lỏng trong kỳ",
        "Liquid fuel in the interval",
    ),
    Channel(
        "output_units", "output", "units", _I, -1e12, 1e12, "Sản lượng trong kỳ", "Output in the interval"
    ),
    Channel("signal_quality_pct", "quality", "%", _G, 0, 100, "Chất lượng tín hiệu", "Signal quality"),
]

CHANNELS: Final[dict[str, Channel]] = {channel.name: channel for channel in _LIST}


def channel(name: str) -> Channel:
    """The canonical channel of that name.

    Raises ValueError naming the nearest one when there is none.
    """
    found = CHANNELS.get(name)
    if found is None:
        near = nearest(name, CHANNELS)
        hint = f' Did you mean "{near}"?' if near else ""
        raise ValueError(f'"{name}" is not a canonical channel.{hint}')
    return found


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The closest of `words` to `word`, or None."""
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return close[0] if close else None
