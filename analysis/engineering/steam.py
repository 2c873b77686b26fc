"""Water and steam for plants: saturation, enthalpies, heat of steam (IAPWS-IF97, up to 165 bar saturated)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from analysis.engineering import _if97 as if97
from analysis.engineering import _words as words
from analysis.results import Refusal
from dodac.errors import ConfigError

STANDARD_ATMOSPHERE_BAR: Final = 1.01325
SOURCE: Final = "IAPWS R7-97(2012), regions 1, 2 and 4"
# at 623.15 K region 1 and 2 end; above lies region 3, which no factory boiler works in
_HIGHEST_SATURATED_BAR: Final = 165.2917
_LOWEST_BAR: Final = 0.0061121
_HIGHEST_BAR: Final = 1000.0
# equations 30 and 31 agree better than this: what `saturation` gives is saturated here too
_SAME_PRESSURE: Final = 1e-8


@dataclass(frozen=True)
class WaterState:
    """One state of water or steam.

    p_bar_abs: absolute; phase: "liquid" | "steam" | "wet"; dryness: mass share of steam (0 … 1, None
    outside saturation); enthalpy_kj_kg and entropy_kj_kgk from the triple point's liquid; cp None in
    the wet region.
    """

    p_bar_abs: float
    t_c: float
    phase: str
    dryness: float | None
    volume_m3_kg: float
    enthalpy_kj_kg: float
    entropy_kj_kgk: float
    cp_kj_kgk: float | None
    source: str = SOURCE


@dataclass(frozen=True)
class Saturation:
    """Saturated liquid and steam of one pressure; evaporation_kj_kg is the difference of the enthalpies."""

    p_bar_abs: float
    t_c: float
    liquid: WaterState
    steam: WaterState

    @property
    def evaporation_kj_kg(self) -> float:
        """Heat of evaporation."""
        return self.steam.enthalpy_kj_kg - self.liquid.enthalpy_kj_kg


def absolute_bar(gauge_bar: float, *, ambient_bar: float = STANDARD_ATMOSPHERE_BAR) -> float:
    """Absolute pressure from a gauge's reading; ambient: at the place (1.01325 at sea level)."""
    return gauge_bar + ambient_bar


def saturation(*, p_bar_abs: float | None = None, t_c: float | None = None) -> Saturation | Refusal:
    """Saturated water and steam of a pressure or of a temperature, whichever is given.

    Refused outside 0.00611 … 165.29 bar absolute (0 … 350 °C). Raises ConfigError unless just one is given.
    """
    if (p_bar_abs is None) == (t_c is None):
        raise ConfigError("saturation wants a pressure or a temperature.", todo="Give just one of them.")
    if t_c is not None:
        if not 0.0 <= t_c <= if97.REGION_1_END_K - if97.ZERO_C_K:
            return _beyond("t_c", t_c, "°C", 0.0, if97.REGION_1_END_K - if97.ZERO_C_K)
        t_k = t_c + if97.ZERO_C_K
        p_bar_abs = 10.0 * if97.saturation_mpa(t_k)
    if p_bar_abs is None or not _LOWEST_BAR <= p_bar_abs <= _HIGHEST_SATURATED_BAR:
        return _beyond("p_bar_abs", p_bar_abs or 0.0, "bar", _LOWEST_BAR, _HIGHEST_SATURATED_BAR)
    if t_c is None:
        t_k = if97.saturation_k(p_bar_abs / 10.0)
    p_mpa = p_bar_abs / 10.0
    return Saturation(
        p_bar_abs,
        t_k - if97.ZERO_C_K,
        _state(p_bar_abs, t_k, "liquid", 0.0, if97.region_1(p_mpa, t_k)),
        _state(p_bar_abs, t_k, "steam", 1.0, if97.region_2(p_mpa, t_k)),
    )


def water_state(p_bar_abs: float, t_c: float) -> WaterState | Refusal:
    """Liquid water or superheated steam of a pressure (bar absolute) and a temperature (°C).

    At saturation (to 1e-8 of the pressure) it is steam. Refused outside 0 … 800 °C and 1 000 bar, and in region 3
    (above 350 °C beyond the boundary of equation 5), where no formula is carried here.
    """
    if not (math.isfinite(t_c) and 0.0 <= t_c <= if97.REGION_2_END_K - if97.ZERO_C_K):
        return _beyond("t_c", t_c, "°C", 0.0, if97.REGION_2_END_K - if97.ZERO_C_K)
    if not (math.isfinite(p_bar_abs) and 0.0 < p_bar_abs <= _HIGHEST_BAR):
        return _beyond("p_bar_abs", p_bar_abs, "bar", 0.0, _HIGHEST_BAR)
    t_k, p_mpa = t_c + if97.ZERO_C_K, p_bar_abs / 10.0
    if t_k <= if97.REGION_1_END_K:
        if p_mpa > if97.saturation_mpa(t_k) * (1.0 + _SAME_PRESSURE):
            return _state(p_bar_abs, t_k, "liquid", None, if97.region_1(p_mpa, t_k))
    elif p_mpa > _boundary_mpa(t_k):
        return Refusal(
            "near_critical",
            f"Water at {p_bar_abs:.1f} bar and {t_c:.1f} °C is near the critical point: not covered here.",
            f"Nước ở {words.plain_vi(p_bar_abs)} bar và {words.plain_vi(t_c)} °C gần điểm tới hạn: không có trong công thức này.",
            {"p_bar_abs": p_bar_abs, "t_c": t_c},
        )
    return _state(p_bar_abs, t_k, "steam", None, if97.region_2(p_mpa, t_k))


def wet_steam(p_bar_abs: float, dryness: float) -> WaterState | Refusal:
    """Wet steam of a pressure (bar absolute) and a dryness (mass share of steam, 0 … 1)."""
    if not 0.0 <= dryness <= 1.0:
        return _beyond("dryness", dryness, "kg/kg", 0.0, 1.0)
    found = saturation(p_bar_abs=p_bar_abs)
    if isinstance(found, Refusal):
        return found

    def mixed(liquid: float, steam: float) -> float:
        return liquid + dryness * (steam - liquid)

    low, high = found.liquid, found.steam
    return WaterState(
        p_bar_abs,
        found.t_c,
        "wet",
        dryness,
        mixed(low.volume_m3_kg, high.volume_m3_kg),
        mixed(low.enthalpy_kj_kg, high.enthalpy_kj_kg),
        mixed(low.entropy_kj_kgk, high.entropy_kj_kgk),
        None,
    )


def steam_heat_kwh(mass_kg: float, steam: WaterState, feed: WaterState) -> float | Refusal:
    """Heat given to water on its way from feed to steam: m (h_steam − h_feed) / 3 600, in kWh.

    Refused for a mass that is no number or below zero.
    """
    refusal = words.checked(mass_kg=mass_kg)
    return refusal or mass_kg * (steam.enthalpy_kj_kg - feed.enthalpy_kj_kg) / 3600.0


def flash_steam_share(condensate: WaterState, p_bar_abs: float) -> float | Refusal:
    """Share of a condensate (0 … 1) that turns to steam when it is let down to a pressure (bar absolute).

    (h_condensate − h_liquid(p)) / r(p), an adiabatic throttling; 0 for condensate below saturation.
    """
    found = saturation(p_bar_abs=p_bar_abs)
    if isinstance(found, Refusal):
        return found
    share = (condensate.enthalpy_kj_kg - found.liquid.enthalpy_kj_kg) / found.evaporation_kj_kg
    return min(max(share, 0.0), 1.0)


def _boundary_mpa(t_k: float) -> float:
    """Boundary between regions 2 and 3 (equation 5); above 863.15 K region 2 reaches to 100 MPa."""
    if t_k > 863.15:
        return _HIGHEST_BAR / 10.0
    return 0.34805185628969e3 - 0.11671859879975e1 * t_k + 0.10192970039326e-2 * t_k**2


def _state(p_bar_abs: float, t_k: float, phase: str, dryness: float | None, basic: if97.Basic) -> WaterState:
    return WaterState(p_bar_abs, t_k - if97.ZERO_C_K, phase, dryness, *basic)


def _beyond(name: str, value: float, unit: str, low: float, high: float) -> Refusal:
    data: dict[str, float | int | str] = {"name": name, "low": low, "high": high}
    if math.isfinite(value):
        data["value"] = value
    return Refusal(
        "out_of_range",
        f"{name} = {value:g} {unit} is outside {low:g} … {high:g} {unit}.",
        f"{name} = {words.plain_vi(value)} {unit} nằm ngoài {words.plain_vi(low)} … {words.plain_vi(high)} {unit}.",
        data,
    )
