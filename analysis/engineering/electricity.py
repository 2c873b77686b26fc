"""Loads: duration curve, profile, base load, demand, unbalance, motors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.engineering import _words as words
from analysis.results import Finding, Refusal
from dodac.errors import DataError


@dataclass(frozen=True)
class LoadSummary:
    """The load of a period from interval energy.

    mean_kw, highest_kw (of one interval, at highest_at), lowest_kw; load_factor = mean / highest;
    base_kw: the load that 95 % of the time is exceeded (5th percentile); hours: measured;
    utilisation_h: energy / highest.
    """

    energy_kwh: float
    hours: float
    mean_kw: float
    highest_kw: float
    highest_at: str
    lowest_kw: float
    base_kw: float
    load_factor: float
    findings: tuple[Finding, ...]

    @property
    def utilisation_h(self) -> float:
        """Hours at the highest load that would use the same energy."""
        return self.energy_kwh / self.highest_kw


def mean_power_kw(energy_kwh: pd.Series) -> pd.Series:
    """Mean power of each interval from its energy; index = starts with one step (the median of the steps)."""
    return energy_kwh / _hours(energy_kwh)


def load_summary(energy_kwh: pd.Series) -> LoadSummary | Refusal:
    """Mean, highest, base load and load factor of interval energy (index = interval starts, kWh).

    Refused without any reading, or when nothing was used. Raises DataError without times.
    """
    hours = _hours(energy_kwh)
    power = energy_kwh.to_numpy(dtype="float64") / hours
    good = np.isfinite(power)
    if not good.any():
        return words.not_a_number("energy_kwh")
    known = power[good]
    highest = float(np.max(known))
    if highest <= 0.0:
        return words.out_of_range("highest_kw", highest, "above 0", "lớn hơn 0")
    place = int(np.flatnonzero(good)[int(np.argmax(known))])
    findings = () if good.all() else (words.gaps(int(np.sum(~good)), len(good)),)
    return LoadSummary(
        energy_kwh=float(np.sum(known)) * hours,
        hours=len(known) * hours,
        mean_kw=float(np.mean(known)),
        highest_kw=highest,
        highest_at=str(energy_kwh.index[place]),
        lowest_kw=float(np.min(known)),
        base_kw=float(np.percentile(known, 5.0)),
        load_factor=float(np.mean(known)) / highest,
        findings=findings,
    )


def duration_curve(energy_kwh: pd.Series) -> pd.DataFrame:
    """Load duration curve: columns hours (that the load is reached or exceeded) and power_kw, falling.

    Gaps are left out, so the last `hours` is the time measured. Raises DataError without times.
    """
    hours = _hours(energy_kwh)
    power = energy_kwh.to_numpy(dtype="float64") / hours
    ordered = np.sort(power[np.isfinite(power)])[::-1]
    return pd.DataFrame({"hours": hours * np.arange(1, len(ordered) + 1), "power_kw": ordered})


def load_profile(energy_kwh: pd.Series, day_type: pd.Series | None = None) -> pd.DataFrame:
    """Mean load by time of day and kind of day, with its spread.

    day_type: words on the same index (`analysis.day_types`), else "weekday" and "weekend". Rows:
    (kind, minute of the day); columns mean_kw, p10_kw, p90_kw, days.
    """
    power = mean_power_kw(energy_kwh)
    index = pd.DatetimeIndex(power.index)
    if day_type is None:
        weekend = index.day_of_week.to_numpy() >= 5
        kinds = np.where(weekend, "weekend", "weekday")
    else:
        kinds = day_type.reindex(power.index).to_numpy(dtype=object)
    frame = pd.DataFrame(
        {"kind": kinds, "minute": index.hour * 60 + index.minute, "power": power.to_numpy(dtype="float64")}
    ).dropna()
    groups = frame.groupby(["kind", "minute"])["power"]
    return pd.DataFrame(
        {
            "mean_kw": groups.mean(),
            "p10_kw": groups.quantile(0.1),
            "p90_kw": groups.quantile(0.9),
            "days": groups.count(),
        }
    )


def unbalance_pct(values: Sequence[float]) -> float | Refusal:
    """Greatest deviation of three phases from their mean, % (NEMA MG 1 for line voltages; currents alike).

    Refused when a phase is missing or the mean is not above zero.
    """
    for place, value in enumerate(values):
        refusal = words.checked(0.0, above=False, **{f"phase_{place + 1}": value})
        if refusal is not None:
            return refusal
    mean = float(np.mean(values))
    if len(values) != 3 or mean <= 0.0:
        return words.out_of_range("mean", mean, "that of three phases, above 0", "của ba pha, lớn hơn 0")
    return 100.0 * max(abs(value - mean) for value in values) / mean


def voltage_unbalance_pct(u12_v: float, u23_v: float, u31_v: float) -> float | Refusal:
    """Negative over positive sequence from three line voltages, % (IEC 61000-4-30 §5.7.1).

    √((1 − √(3 − 6β))/(1 + √(3 − 6β))) with β = ΣU⁴/(ΣU²)². Refused when they close no triangle.
    """
    refusal = words.checked(above=True, u12_v=u12_v, u23_v=u23_v, u31_v=u31_v)
    if refusal is not None:
        return refusal
    voltages = np.array([u12_v, u23_v, u31_v])
    beta = float(np.sum(voltages**4) / np.sum(voltages**2) ** 2)
    inner = 3.0 - 6.0 * beta
    if inner < -1e-12:
        return words.out_of_range(
            "u12, u23, u31", float(np.max(voltages)), "three sides of a triangle", "ba cạnh của một tam giác"
        )
    root = math.sqrt(max(inner, 0.0))
    return 100.0 * math.sqrt(max((1.0 - root) / (1.0 + root), 0.0))


@dataclass(frozen=True)
class MotorLoad:
    """How loaded a motor is: load (1 = rated shaft power), input and shaft power in kW, by which method."""

    load: float
    input_kw: float
    shaft_kw: float
    method: str
    findings: tuple[Finding, ...]


def motor_load(
    input_kw: float, rated_kw: float, efficiency: float, *, efficiency_at_load: float | None = None
) -> MotorLoad | Refusal:
    """Load of a motor from its input power: P_in η / P_rated (input power method, US DOE Motor Tip Sheet / BEE Book 3).

    efficiency: at full load (0 … 1); efficiency_at_load: where the maker's curve gives it. Below half
    load the full-load efficiency overstates the shaft power: a finding says so.
    """
    refusal = words.checked(input_kw=input_kw) or words.checked(above=True, rated_kw=rated_kw)
    if refusal is not None:
        return refusal
    used = efficiency if efficiency_at_load is None else efficiency_at_load
    if not 0.0 < used <= 1.0:
        return words.out_of_range("efficiency", used, "above 0 and at most 1", "lớn hơn 0 và không quá 1")
    load = input_kw * used / rated_kw
    findings = []
    if load < 0.5 and efficiency_at_load is None:
        findings.append(
            Finding(
                "low_motor_load",
                f"The load is {100 * load:.0f} %: below half load the efficiency is lower than at full load; "
                "take it from the maker's curve.",
                f"Tải {100 * load:.0f} %: dưới nửa tải hiệu suất thấp hơn khi đầy tải; hãy lấy theo đường cong "
                "của nhà sản xuất.",
                {"load": load},
            )
        )
    if load > 1.15:
        findings.append(
            Finding(
                "motor_overloaded",
                f"The load is {100 * load:.0f} %: above the rating; check nameplate, CT ratio and reading.",
                f"Tải {100 * load:.0f} %: vượt định mức; kiểm tra nhãn máy, tỉ số biến dòng và số đọc.",
                {"load": load},
            )
        )
    return MotorLoad(load, input_kw, load * rated_kw, "input power", tuple(findings))


def motor_load_by_slip(
    speed_rpm: float,
    synchronous_rpm: float,
    rated_rpm: float,
    rated_kw: float,
    efficiency: float,
    *,
    voltage_v: float | None = None,
    rated_voltage_v: float | None = None,
) -> MotorLoad | Refusal:
    """Load of an induction motor from its slip: (n_s − n)/((n_s − n_rated) (U_rated/U)²).

    Source: US DOE, Determining Electric Motor Load and Efficiency (slip method). The rated speed of a
    nameplate is rounded, so the result is good to 20 % at best: a finding says so. Refused for speeds
    above synchronous or a rated speed that is not below it.
    """
    refusal = words.checked(
        above=True,
        speed_rpm=speed_rpm,
        synchronous_rpm=synchronous_rpm,
        rated_rpm=rated_rpm,
        rated_kw=rated_kw,
    )
    if refusal is not None:
        return refusal
    if rated_rpm >= synchronous_rpm or speed_rpm > synchronous_rpm:
        return words.out_of_range(
            "speed_rpm", speed_rpm, "at most synchronous, and the rated one below it",
            "không quá tốc độ đồng bộ, và tốc độ định mức nhỏ hơn nó",
        )  # fmt: skip
    if not 0.0 < efficiency <= 1.0:
        return words.out_of_range(
            "efficiency", efficiency, "above 0 and at most 1", "lớn hơn 0 và không quá 1"
        )
    scale = 1.0
    if voltage_v is not None and rated_voltage_v is not None:
        refusal = words.checked(above=True, voltage_v=voltage_v, rated_voltage_v=rated_voltage_v)
        if refusal is not None:
            return refusal
        scale = (rated_voltage_v / voltage_v) ** 2
    load = (synchronous_rpm - speed_rpm) / ((synchronous_rpm - rated_rpm) * scale)
    rough = Finding(
        "slip_method",
        "The slip method is good to 20 % at best: a nameplate's speed is rounded. Measure the input power.",
        "Phương pháp độ trượt chỉ đúng tới khoảng 20 %: tốc độ trên nhãn được làm tròn. Nên đo công suất vào.",
    )
    return MotorLoad(load, load * rated_kw / efficiency, load * rated_kw, "slip", (rough,))


def _hours(energy: pd.Series) -> float:
    index = energy.index
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2:
        raise DataError("the energy has no times as its index.", todo="Give the starts of its intervals.")
    step = float(np.median(np.diff(index.as_unit("s").asi8)))
    if step <= 0.0:
        raise DataError("the times are not in order.", todo="Sort them first.")
    return step / 3600.0
