"""Units and their conversion by scale and offset: canonical = value · scale + offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Conversion:
    """canonical = value · scale + offset."""

    scale: float
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        return value * self.scale + self.offset


# unit → (dimension, scale to the dimension's base, offset). Exact by definition, except where noted.
_UNITS: Final[dict[str, tuple[str, float, float]]] = {
    "1": ("number", 1.0, 0.0),
    "%": ("fraction", 1e-2, 0.0),
    "vol%": ("fraction", 1e-2, 0.0),
    "ppm": ("fraction", 1e-6, 0.0),
    "units": ("count", 1.0, 0.0),
    "W": ("power", 1.0, 0.0),
    "kW": ("power", 1e3, 0.0),
    "MW": ("power", 1e6, 0.0),
    "VA": ("apparent power", 1.0, 0.0),
    "kVA": ("apparent power", 1e3, 0.0),
    "var": ("reactive power", 1.0, 0.0),
    "kvar": ("reactive power", 1e3, 0.0),
    "kvarh": ("reactive energy", 1.0, 0.0),
    "kVAh": ("apparent energy", 1.0, 0.0),
    "J": ("energy", 1.0, 0.0),
    "MJ": ("energy", 1e6, 0.0),
    "GJ": ("energy", 1e9, 0.0),
    "Wh": ("energy", 3.6e3, 0.0),
    "kWh": ("energy", 3.6e6, 0.0),
    "MWh": ("energy", 3.6e9, 0.0),
    "kcal": ("energy", 4186.8, 0.0),  # International Table calorie
    "V": ("voltage", 1.0, 0.0),
    "kV": ("voltage", 1e3, 0.0),
    "mV": ("voltage", 1e-3, 0.0),
    "A": ("current", 1.0, 0.0),
    "mA": ("current", 1e-3, 0.0),
    "Hz": ("frequency", 1.0, 0.0),
    "degC": ("temperature", 1.0, 0.0),
    "K": ("temperature", 1.0, -273.15),
    "degF": ("temperature", 5.0 / 9.0, -160.0 / 9.0),
    "Pa": ("pressure", 1.0, 0.0),
    "hPa": ("pressure", 1e2, 0.0),
    "mbar": ("pressure", 1e2, 0.0),
    "kPa": ("pressure", 1e3, 0.0),
    "bar": ("pressure", 1e5, 0.0),
    "MPa": ("pressure", 1e6, 0.0),
    "inH2O": ("pressure", 249.08891, 0.0),  # conventional, water at 4 °C
    "mmH2O": ("pressure", 9.80665, 0.0),  # likewise
    "kgf/cm2": ("pressure", 98_066.5, 0.0),
    "psi": ("pressure", 6_894.757_293_168, 0.0),  # 0.45359237 kg · 9.80665 m/s² / (0.0254 m)²
    "m3": ("volume", 1.0, 0.0),
    "l": ("volume", 1e-3, 0.0),
    "Nm3": ("normal volume", 1.0, 0.0),
    "m3/h": ("flow", 1.0, 0.0),
    "l/h": ("flow", 1e-3, 0.0),
    "l/min": ("flow", 6e-2, 0.0),
    "l/s": ("flow", 3.6, 0.0),
    "m": ("length", 1.0, 0.0),
    "cm": ("length", 1e-2, 0.0),
    "mm": ("length", 1e-3, 0.0),
    "kg": ("mass", 1.0, 0.0),
    "g": ("mass", 1e-3, 0.0),
    "t": ("mass", 1e3, 0.0),
    "kg/h": ("mass flow", 1.0, 0.0),
    "t/h": ("mass flow", 1e3, 0.0),
    "mg/l": ("mass concentration", 1.0, 0.0),
    "g/l": ("mass concentration", 1e3, 0.0),
    "uS/cm": ("conductivity", 1.0, 0.0),
    "mS/cm": ("conductivity", 1e3, 0.0),
    "pH": ("acidity", 1.0, 0.0),
    "s": ("time", 1.0, 0.0),
    "min": ("time", 60.0, 0.0),
    "h": ("time", 3600.0, 0.0),
}

_SPELLINGS: Final[dict[str, str]] = {
    "°C": "degC", "C": "degC", "°F": "degF", "F": "degF", "m³": "m3", "m^3": "m3", "Nm³": "Nm3",
    "m³/h": "m3/h", "L": "l", "L/h": "l/h", "L/min": "l/min", "kwh": "kWh", "KWH": "kWh", "kw": "kW",
    "tonne": "t", "tấn": "t", "vol.%": "vol%", "": "1", "-": "1",
    "kg/cm2": "kgf/cm2", "kg/cm²": "kgf/cm2", "kgf/cm²": "kgf/cm2", "at": "kgf/cm2", "lít": "l", "mg/L": "mg/l",
    "g/L": "g/l", "µS/cm": "uS/cm", "μS/cm": "uS/cm",
}  # fmt: skip


def canonical_unit(text: str) -> str:
    """The known spelling of a unit ("°C" → "degC").

    Raises ValueError when the unit is not known.
    """
    word = text.strip()
    word = _SPELLINGS.get(word, word)
    if word not in _UNITS:
        raise ValueError(f'"{text}" is not a known unit; known are: {", ".join(sorted(_UNITS))}.')
    return word


def conversion(source: str, target: str) -> Conversion:
    """Scale and offset from one unit to another of the same dimension.

    Raises ValueError for unknown units or different dimensions.
    """
    source, target = canonical_unit(source), canonical_unit(target)
    if source == target:
        return Conversion(1.0)
    dimension_a, scale_a, offset_a = _UNITS[source]
    dimension_b, scale_b, offset_b = _UNITS[target]
    if dimension_a != dimension_b:
        raise ValueError(f"{source} is {dimension_a}, {target} is {dimension_b}; they don't convert.")
    # K and degF carry their offset towards degC: base = value · scale + offset.
    return Conversion(scale_a / scale_b, (offset_a - offset_b) / scale_b)
