"""Compressed air: specific power, leakage from load and unload times, free air delivery by pumping up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from analysis.engineering import _words as words
from analysis.results import Finding, Refusal

_TOLERABLE_LEAKAGE: Final = 0.10


@dataclass(frozen=True)
class Leakage:
    """Leakage of a compressed-air net with every user shut.

    share: of the delivery (0 … 1); flow_m3min: free air; power_kw: at the compressor; energy_kwh_year
    and only where hours of pressure were given.
    """

    share: float
    flow_m3min: float
    power_kw: float
    energy_kwh_year: float | None
    findings: tuple[Finding, ...]


def specific_power(power_kw: float, flow_m3min: float) -> float | Refusal:
    """Electrical power over free air delivered, kW/(m³/min), both of the same package and time (ISO 1217 annexes)."""
    return (
        words.checked(power_kw=power_kw)
        or words.checked(above=True, flow_m3min=flow_m3min)
        or power_kw / flow_m3min
    )


def leakage(
    load_s: float,
    unload_s: float,
    delivery_m3min: float,
    load_kw: float,
    *,
    unload_kw: float = 0.0,
    pressure_hours_year: float | None = None,
) -> Leakage | Refusal:
    """Leakage from the load and unload times of a fixed-speed compressor while nothing uses air.

    load_s, unload_s: total times over several full cycles, time switched off counted as unload
    time (the leaks empty the net in both); share = T/(T + t) (BEE Book 3 §3; US DOE
    Compressed Air Tip Sheet 3). delivery: free air at load; load_kw, unload_kw: input power. The power
    that leaks costs is what stops when they do: share · (load_kw − unload_kw).
    """
    refusal = words.checked(load_s=load_s, unload_s=unload_s, unload_kw=unload_kw) or words.checked(
        above=True, delivery_m3min=delivery_m3min, load_kw=load_kw, cycle_s=load_s + unload_s
    )
    if refusal is not None:
        return refusal
    if unload_kw >= load_kw:
        return words.out_of_range("unload_kw", unload_kw, "below load_kw", "nhỏ hơn load_kw")
    share = load_s / (load_s + unload_s)
    power = share * (load_kw - unload_kw)
    if pressure_hours_year is not None and not 0.0 <= pressure_hours_year <= 8784.0:
        return words.out_of_range(
            "pressure_hours_year", pressure_hours_year, "0 … 8 784", "trong khoảng 0 … 8 784"
        )
    findings = []
    if unload_s == 0.0:
        findings.append(
            Finding(
                "never_unloaded",
                "The compressor never unloaded: it leaks at least its whole delivery, or air was used.",
                "Máy nén không hề chạy không tải: rò rỉ ít nhất bằng toàn bộ lưu lượng, hoặc vẫn có nơi dùng khí.",
            )
        )
    if share > _TOLERABLE_LEAKAGE:
        findings.append(
            Finding(
                "leakage_high",
                f"{100 * share:.0f} % of the delivery leaks; a well-kept net stays below 10 %.",
                f"Rò rỉ {100 * share:.0f} % lưu lượng; mạng được bảo trì tốt thường dưới 10 %.",
                {"share": share, "limit": _TOLERABLE_LEAKAGE},
            )
        )
    return Leakage(
        share,
        share * delivery_m3min,
        power,
        None if pressure_hours_year is None else power * pressure_hours_year,
        tuple(findings),
    )


def free_air_delivery(
    volume_m3: float,
    p1_bar_abs: float,
    p2_bar_abs: float,
    minutes: float,
    *,
    ambient_bar_abs: float = 1.01325,
    t_receiver_c: float | None = None,
    t_inlet_c: float | None = None,
) -> float | Refusal:
    """Free air delivered while a receiver is pumped up, m³/min: (p₂ − p₁)/p₀ · V/t (BEE Book 3 §3.5).

    With both temperatures the air is referred to the inlet: times (273.15 + t_inlet)/(273.15 + t_receiver).
    """
    refusal = words.checked(
        above=True,
        volume_m3=volume_m3,
        p1_bar_abs=p1_bar_abs,
        minutes=minutes,
        ambient_bar_abs=ambient_bar_abs,
    )
    if refusal is not None:
        return refusal
    if not p1_bar_abs < p2_bar_abs < math.inf:
        return words.out_of_range("p2_bar_abs", p2_bar_abs, "above p1_bar_abs", "lớn hơn p1_bar_abs")
    flow = (p2_bar_abs - p1_bar_abs) / ambient_bar_abs * volume_m3 / minutes
    if t_receiver_c is not None and t_inlet_c is not None:
        refusal = words.checked(-100.0, t_receiver_c=t_receiver_c, t_inlet_c=t_inlet_c)
        if refusal is not None:
            return refusal
        flow *= (273.15 + t_inlet_c) / (273.15 + t_receiver_c)
    return flow
