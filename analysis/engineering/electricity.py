"""Loads: duration curve, profile, base load, demand, unbalance, motors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.engineering import _words as words
from analysis.engineering._series import local_days, steps
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
    """Mean power of each interval from its energy (index = starts of equal steps, kWh); NaN stays NaN.

    Raises DataError for times that are none, repeat or are unequal, and for values that are no numbers.
    """
    found = steps(energy_kwh, "energy_kwh")
    return pd.Series(found.values / found.step_h, index=found.index)


def load_summary(energy_kwh: pd.Series) -> LoadSummary | Refusal:
    """Mean, highest, base load and load factor of interval energy (index = interval starts, kWh).

    Intervals without a reading, as NaN or as no row, are left out and counted; those below zero
    (export) count as they are and are told. Refused without any reading, or when nothing was drawn.
    Raises DataError as `mean_power_kw` does.
    """
    found = steps(energy_kwh, "energy_kwh")
    good = found.good
    if not good.any():
        return words.not_a_number("energy_kwh")
    power = found.values / found.step_h
    known = power[good]
    highest = float(np.max(known))
    if highest <= 0.0:
        return words.out_of_range("highest_kw", highest, "above 0", "lớn hơn 0")
    place = int(np.flatnonzero(good)[int(np.argmax(known))])
    findings = [words.gaps(found.missing, found.expected)] if found.missing else []
    if np.any(known < 0.0):
        findings.append(words.negative(int(np.sum(known < 0.0))))
    return LoadSummary(
        energy_kwh=float(np.sum(known)) * found.step_h,
        hours=len(known) * found.step_h,
        mean_kw=float(np.mean(known)),
        highest_kw=highest,
        highest_at=str(found.index[place]),
        lowest_kw=float(np.min(known)),
        base_kw=float(np.percentile(known, 5.0)),
        load_factor=float(np.mean(known)) / highest,
        findings=tuple(findings),
    )


def monthly_demand(energy_kwh: pd.Series, *, minutes: int = 30) -> pd.DataFrame:
    """Highest mean power of a block of `minutes` in each month: what a demand or capacity charge goes by.

    Blocks are fixed ones of the local clock (30 minutes in Viet Nam, 15 elsewhere), whole ones only: a
    block with an interval missing has no demand. Rows: months ("2026-04"); columns demand_kw, at (the
    block's start), blocks (how many were whole), energy_kwh; a month without a whole block is absent.
    Raises DataError as `mean_power_kw` does, for UTC times, and when the intervals do not fill the block.
    """
    found = steps(energy_kwh, "energy_kwh")
    local_days(found.index)
    width = minutes / (60.0 * found.step_h)
    if minutes <= 0 or width < 1.0 - 1e-9 or abs(width - round(width)) > 1e-9:
        raise DataError(
            f"intervals of {60.0 * found.step_h:g} minutes do not fill blocks of {minutes} minutes.",
            todo="Choose blocks that are a multiple of the interval.",
        )
    frame = pd.DataFrame({"energy": found.values}, index=found.index)
    blocks = frame["energy"].resample(f"{minutes}min", origin="start_day")
    sums = blocks.sum(min_count=round(width)).dropna()
    if sums.empty:
        return pd.DataFrame(columns=["demand_kw", "at", "blocks", "energy_kwh"])
    months = pd.DatetimeIndex(sums.index).strftime("%Y-%m")
    groups = (sums * 60.0 / minutes).groupby(months)
    energy = frame["energy"].groupby(found.index.strftime("%Y-%m")).sum()
    highest = groups.max()
    return pd.DataFrame(
        {
            "demand_kw": highest,
            "at": groups.idxmax().astype(str),
            "blocks": groups.count(),
            "energy_kwh": energy.reindex(highest.index),
        }
    )


def duration_curve(energy_kwh: pd.Series) -> pd.DataFrame:
    """Load duration curve: columns hours (that the load is reached or exceeded) and power_kw, falling.

    Gaps are left out, so the last `hours` is the time measured. Raises DataError as `mean_power_kw` does.
    """
    found = steps(energy_kwh, "energy_kwh")
    ordered = np.sort(found.values[found.good] / found.step_h)[::-1]
    return pd.DataFrame({"hours": found.step_h * np.arange(1, len(ordered) + 1), "power_kw": ordered})


def load_profile(energy_kwh: pd.Series, day_type: pd.Series | None = None) -> pd.DataFrame:
    """Mean load by time of day and kind of day, with its spread.

    energy_kwh: index = local starts. day_type: words on the same index or one per local date
    (`analysis.day_types`), else "weekday" and "weekend". Rows: (kind, minute of the day); columns
    mean_kw, p10_kw, p90_kw, days. Raises DataError as `mean_power_kw` does, for UTC times (they have
    no local day) and for days without a type.
    """
    power = mean_power_kw(energy_kwh)
    index = pd.DatetimeIndex(power.index)
    local_days(index)
    kinds = np.where(index.day_of_week.to_numpy() >= 5, "weekend", "weekday")
    if day_type is not None:
        kinds = _kinds(index, day_type)
    frame = pd.DataFrame(
        {"kind": kinds, "minute": index.hour * 60 + index.minute, "power": power.to_numpy()}
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


def _kinds(index: pd.DatetimeIndex, day_type: pd.Series) -> np.ndarray:
    """The kind of day of each interval, from words on the same index or one per local date."""
    if day_type.index.equals(index):
        kinds = day_type.to_numpy(dtype=object)
    else:
        dates = [stamp.date() for stamp in pd.DatetimeIndex(day_type.index)]
        by_date = dict(zip(dates, day_type.to_numpy(dtype=object), strict=True))
        kinds = np.array([by_date.get(day) for day in index.date], dtype=object)
    if pd.isna(kinds).any():
        first = index[int(np.flatnonzero(pd.isna(kinds))[0])]
        raise DataError(f"{first.date()} has no kind of day.", todo="Give one for every date of the energy.")
    return kinds


def unbalance_pct(values: Sequence[float]) -> float | Refusal:
    """Greatest deviation of three phases from their mean, % (NEMA MG 1 for line voltages; currents alike).

    Refused when a phase is missing or the mean is not above zero.
    """
    if len(values) != 3:
        return words.out_of_range("phases", len(values), "three", "là ba")
    for place, value in enumerate(values):
        refusal = words.checked(0.0, above=False, **{f"phase_{place + 1}": value})
        if refusal is not None:
            return refusal
    mean = float(np.mean(values))
    if mean <= 0.0:
        return words.out_of_range("mean", mean, "above 0", "lớn hơn 0")
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
        if not 0.5 <= voltage_v / rated_voltage_v <= 1.5:
            return words.out_of_range(
                "voltage_v",
                voltage_v,
                "within 50 % of the rated voltage",
                "lệch không quá 50 % điện áp định mức",
            )
        scale = (rated_voltage_v / voltage_v) ** 2
    load = (synchronous_rpm - speed_rpm) / ((synchronous_rpm - rated_rpm) * scale)
    rough = Finding(
        "slip_method",
        "The slip method is good to 20 % at best: a nameplate's speed is rounded. Measure the input power.",
        "Phương pháp độ trượt chỉ đúng tới khoảng 20 %: tốc độ trên nhãn được làm tròn. Nên đo công suất vào.",
    )
    return MotorLoad(load, load * rated_kw / efficiency, load * rated_kw, "slip", (rough,))
