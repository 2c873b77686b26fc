"""Boiler water: blowdown from dissolved solids, its heat, and how much condensate comes back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.engineering import _words as words
from analysis.engineering.steam import WaterState, saturation, water_state
from analysis.results import Refusal


@dataclass(frozen=True)
class Blowdown:
    """Continuous blowdown: kg/h, as a share of steam and of feed water (0 … 1; the two are often mixed up)."""

    mass_kg_h: float
    share_of_steam: float
    share_of_feed: float
    cycles: float


def blowdown(steam_kg_h: float, feed_tds_ppm: float, boiler_tds_ppm: float) -> Blowdown | Refusal:
    """Blowdown that keeps dissolved solids at a level: S · F/(B − F) (solids balance, steam carries none).

    feed_tds, boiler_tds: ppm or mg/l of feed water (make-up and condensate mixed) and boiler water; a
    ratio of conductivities does as well. Refused unless B > F > 0.
    """
    refusal = words.checked(steam_kg_h=steam_kg_h) or words.checked(above=True, feed_tds_ppm=feed_tds_ppm)
    if refusal is not None:
        return refusal
    if not feed_tds_ppm < boiler_tds_ppm < math.inf:
        return words.out_of_range(
            "boiler_tds_ppm", boiler_tds_ppm, "above that of the feed", "lớn hơn nước cấp"
        )
    of_steam = feed_tds_ppm / (boiler_tds_ppm - feed_tds_ppm)
    return Blowdown(
        steam_kg_h * of_steam, of_steam, feed_tds_ppm / boiler_tds_ppm, boiler_tds_ppm / feed_tds_ppm
    )


def blowdown_loss_kw(found: Blowdown, p_bar_abs: float, t_make_up_c: float) -> float | Refusal:
    """Heat that the blowdown carries away, kW: saturated liquid at boiler pressure less make-up water."""
    boiler = saturation(p_bar_abs=p_bar_abs)
    if isinstance(boiler, Refusal):
        return boiler
    cold = water_state(p_bar_abs, t_make_up_c)
    if isinstance(cold, Refusal):
        return cold
    return found.mass_kg_h * (boiler.liquid.enthalpy_kj_kg - cold.enthalpy_kj_kg) / 3600.0


def condensate_return(feed: float, make_up: float, condensate: float) -> float | Refusal:
    """Share of the feed water that is returned condensate (0 … 1), from a property that mixes by mass.

    feed, make_up, condensate: dissolved solids, conductivity at one temperature, or chloride, in one
    unit; r = (make_up − feed)/(make_up − condensate). Refused when make-up and condensate do not differ
    or the feed lies outside them.
    """
    refusal = words.checked(feed=feed, make_up=make_up, condensate=condensate)
    if refusal is not None:
        return refusal
    low, high = sorted((make_up, condensate))
    if high - low <= 1e-9 * max(high, 1.0) or not low <= feed <= high:
        return words.out_of_range(
            "feed",
            feed,
            "between make-up and condensate, which must differ",
            "giữa nước bổ sung và nước ngưng",
        )
    return (make_up - feed) / (make_up - condensate)


def condensate_heat_kw(returned_kg_h: float, condensate: WaterState, make_up: WaterState) -> float | Refusal:
    """Heat that returned condensate brings back, kW: m (h_condensate − h_make_up)/3 600."""
    refusal = words.checked(returned_kg_h=returned_kg_h)
    return refusal or returned_kg_h * (condensate.enthalpy_kj_kg - make_up.enthalpy_kj_kg) / 3600.0
