"""Heat that furnaces lose through walls, openings and cooling gas (public names in furnaces)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from analysis.combustion import _words as words
from analysis.combustion._given import within
from analysis.results import Refusal

KW_PER_BTU_H: Final = 1055.05585262 / 3.6e6
FT: Final = 0.3048
# no furnace and no air is outside these
COLDEST_C: Final = -60.0
HOTTEST_C: Final = 2500.0
RANKINE: Final = 460.0
_MILE_H: Final = 0.44704
# Stefan–Boltzmann constant as the tools have it, Btu/(h ft² °R⁴), with 460 for 459.67 °F
_STEFAN: Final = 0.1713e-8
# view factor of openings, %, by powers of (smaller side or diameter)/(wall thickness): below 1, and from 1 to 6
_VIEW: Final[Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "round": (
        (1.1, 92.857142857, -57.589285714, 15.625),
        (29.5, 26.8416666667, -4.3541666667, -0.0833333333, 0.1041666667, -0.0083333333),
    ),
    "square": (
        (3.5, 89.5833333332, -49.9999999997, 10.4166666665),
        (24.0, 39.3916666719, -11.6041666698, 1.8541666671, -0.1458333332, 0.0041666666),
    ),
    "double": (
        (2.7, 112.6785714284, -70.9821428567, 15.6249999997),
        (35.5, 29.4583333348, -4.5208333345, -0.6874999996, 0.2708333333, -0.0208333333),
    ),
    "slot": (
        (13.0, 123.7499999998, -99.9999999995, 31.2499999997),
        (27.0, 64.5666666807, -29.9166666745, 7.145833334, -0.8333333329, 0.0374999999),
    ),
}


def fahrenheit(t_c: float) -> float:
    """°C to °F."""
    return 1.8 * t_c + 32.0


def celsius(t_f: float) -> float:
    """°F to °C."""
    return (t_f - 32.0) / 1.8


def wall_loss_kw(
    area_m2: float,
    t_ambient_c: float,
    t_surface_c: float,
    wind_m_s: float,
    emissivity: float = 0.9,
    shape: float = 1.394,
) -> float | Refusal:
    """Convection and radiation of a furnace's outer wall, kW.

    shape: 1.016 horizontal cylinder, 1.394 vertical plate, 1.79 plate facing up, 0.89 facing down. Refused where the
    surface is not hotter than the air. Source: ORNL WallLosses.
    """
    within(0.0, math.inf, area_m2=area_m2, wind_m_s=wind_m_s)
    within(0.0, 3.0, emissivity=emissivity, shape=shape)
    ambient, surface = fahrenheit(t_ambient_c), fahrenheit(t_surface_c)
    if not (surface < HOTTEST_C):
        return words.temperature_impossible(t_surface_c)
    if not surface > ambient or ambient + surface <= 0.0:
        return words.flue_not_hot(t_surface_c, t_ambient_c)
    rise = surface - ambient
    film = shape * math.pow(1.0 / 24.0, 0.2) * math.pow(2.0 / (ambient + surface), 0.181)
    film *= math.pow(rise, 0.266)
    convection = film * math.sqrt(1.0 + 1.277 * wind_m_s / _MILE_H) * rise
    radiation = emissivity * _STEFAN * ((surface + RANKINE) ** 4 - (ambient + RANKINE) ** 4)
    return (convection + radiation) * area_m2 / FT**2 * KW_PER_BTU_H


def opening_loss_kw(
    area_m2: float,
    t_inside_c: float,
    t_ambient_c: float,
    view_factor: float,
    open_pct: float = 100.0,
    emissivity: float = 0.95,
) -> float:
    """Radiation through an opening of a furnace, kW, from area and view factor (ORNL OpeningLosses).

    view_factor: from opening_view_factor (round) or slot_view_factor (rectangular); open_pct: share of the time it is
    open. ConfigError for numbers that can't be.
    """
    within(0.0, math.inf, area_m2=area_m2)
    within(COLDEST_C, HOTTEST_C, t_inside_c=t_inside_c, t_ambient_c=t_ambient_c)
    within(0.0, 1.0, view_factor=view_factor, emissivity=emissivity)
    within(0.0, 100.0, open_pct=open_pct)
    inside, ambient = fahrenheit(t_inside_c) + RANKINE, fahrenheit(t_ambient_c) + RANKINE
    heat = emissivity * _STEFAN * (inside**4 - ambient**4) * area_m2 / FT**2
    return heat * view_factor * open_pct / 100.0 * KW_PER_BTU_H


def opening_view_factor(wall_m: float, diameter_m: float) -> float:
    """View factor of a round opening through a wall, 0 … 0.86 (ORNL OpeningLosses; a fit to Hottel's chart)."""
    within(0.0, math.inf, wall_m=wall_m, diameter_m=diameter_m)
    return _seen("round", diameter_m, wall_m) if diameter_m > 0.0 else 0.0


def slot_view_factor(wall_m: float, width_m: float, height_m: float) -> float:
    """View factor of a rectangular opening through a wall, 0 … 0.89 (ORNL OpeningLosses; a fit to Hottel's chart).

    Between a square, 2 : 1 and 10 : 1 it is interpolated by the ratio of the sides, beyond 10 : 1 taken as 10 : 1. In
    a wall more than ten times as thick as the opening it falls in proportion (the tools: only from 10 : 1 on).
    """
    within(0.0, math.inf, wall_m=wall_m, width_m=width_m, height_m=height_m)
    short, long = sorted((width_m, height_m))
    if short <= 0.0:
        return 0.0
    square, double, slot = (_seen(name, short, wall_m) for name in ("square", "double", "slot"))
    ratio = min(long / short, 10.0)
    if ratio < 2.0:
        return square + (double - square) * (ratio - 1.0)
    return double + (slot - double) * (ratio - 2.0) / 8.0


def _seen(shape: str, size: float, wall: float) -> float:
    """The fitted curve of a shape at size per wall thickness, 0.1 … 6; below 0.1 in proportion."""
    ratio = 6.0 if size >= 6.0 * wall else size / wall
    low, high = _VIEW[shape]
    if ratio >= 1.0:
        return sum(factor * ratio**power for power, factor in enumerate(high)) / 100.0
    at = max(ratio, 0.1)
    return sum(factor * at**power for power, factor in enumerate(low)) / 100.0 * ratio / at


def gas_cooling_loss_kw(flow_m3_h: float, t_in_c: float, t_out_c: float, heat_kj_m3_k: float = 1.2) -> float:
    """Heat a cooling gas carries away, kW: flow (m³/h at standard state) × specific heat (kJ/m³ K) × rise.

    Below zero where it cools; ConfigError for a flow or temperature that can't be.
    Source: ORNL GasCoolingLosses. 1.2 kJ/m³ K is air at 20 °C; the tools' 0.02 Btu/scf °F is 1.34.
    """
    within(0.0, math.inf, flow_m3_h=flow_m3_h, heat_kj_m3_k=heat_kj_m3_k)
    within(COLDEST_C, HOTTEST_C, t_in_c=t_in_c, t_out_c=t_out_c)
    return flow_m3_h * heat_kj_m3_k * (t_out_c - t_in_c) / 3600.0
