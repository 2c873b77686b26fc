"""Flue-gas arithmetic: Siegert loss and efficiency, excess air, air-free CO, reference oxygen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.fuels import Fuel, fuel
from analysis.results import Finding, Refusal, Uncertainty

# testo's Siegert constants belong to an air of 21 vol% O₂; Bacharach, Kane and QCVN 19 use 20.9
SIEGERT_O2_BASE_PCT = 21.0
AIR_O2_PCT = 20.9
# above this the divisor is so small that the analyser's own error decides the result
_MAX_O2_FOR_REFERENCE_PCT = 18.0
_DILUTED_O2_PCT = 16.0


@dataclass(frozen=True)
class FlueGas:
    """One steady reading: O₂ (vol%, dry), flue and combustion-air temperature (°C), CO (ppm, dry) if any."""

    o2_pct: float
    t_flue_c: float
    t_air_c: float
    co_ppm: float | None = None


@dataclass(frozen=True)
class InstrumentLimits:
    """Limits of error (± absolute, rectangular) of the analyser's channels: vol% O₂, and K for each probe."""

    o2_pct: float = 0.2
    t_flue_c: float = 2.0
    t_air_c: float = 0.5


@dataclass(frozen=True)
class Combustion:
    """What a flue-gas reading says, on the net calorific value (net basis).

    q_a_pct: dry flue-gas loss; co_loss_pct: loss by unburnt CO (None: no CO, or no constant);
    efficiency_pct = 100 − q_a − co_loss; co_air_free_ppm: CO at 0 % O₂. Losses by radiation, ash,
    unburnt carbon and blow-down are not in it; condensation gain is not added.
    """

    fuel: str
    basis: str
    q_a_pct: float
    co_loss_pct: float | None
    efficiency_pct: float
    co2_pct: float
    air_ratio: float
    excess_air_pct: float
    co_air_free_ppm: float | None
    uncertainty: Uncertainty | None
    findings: tuple[Finding, ...]
    source: str


def co2_from_o2(o2_pct: float, co2_max_pct: float) -> float:
    """CO₂ of dry flue gas, vol%: CO₂max (21 − O₂)/21 (testo)."""
    return co2_max_pct * (SIEGERT_O2_BASE_PCT - o2_pct) / SIEGERT_O2_BASE_PCT


def air_ratio(o2_pct: float) -> float:
    """λ = 21/(21 − O₂) (testo); for natural gas about a tenth of the excess too high."""
    return SIEGERT_O2_BASE_PCT / (SIEGERT_O2_BASE_PCT - o2_pct)


def siegert_loss_pct(o2_pct: float, t_flue_c: float, t_air_c: float, constants: Fuel) -> float:
    """Dry flue-gas loss qA = (T_flue − T_air)(A2/(21 − O₂) + B), % of the net heat input (Siegert)."""
    return (t_flue_c - t_air_c) * (constants.a2 / (SIEGERT_O2_BASE_PCT - o2_pct) + constants.b)


def at_reference_o2(value: float, o2_pct: float, reference_pct: float) -> float | Refusal:
    """A concentration stated at reference oxygen: C (20.9 − O₂ref)/(20.9 − O₂) (QCVN 19, Kane).

    Any unit, dry gas. Refused above 18 vol% O₂, where the correction multiplies the error.
    """
    refusal = _impossible(o2_pct)
    if refusal is not None:
        return refusal
    if o2_pct > _MAX_O2_FOR_REFERENCE_PCT:
        return Refusal(
            "too_much_oxygen",
            f"O₂ is {o2_pct:.1f} vol%: above {_MAX_O2_FOR_REFERENCE_PCT:.0f} vol% nothing is stated at "
            "reference oxygen. Look for false air, or measure at load.",
            f"O₂ là {o2_pct:.1f} vol%: trên {_MAX_O2_FOR_REFERENCE_PCT:.0f} vol% không quy đổi về oxy chuẩn. "
            "Hãy tìm chỗ lọt khí, hoặc đo khi lò có tải.",
            {"o2_pct": o2_pct, "limit_pct": _MAX_O2_FOR_REFERENCE_PCT},
        )
    return value * (AIR_O2_PCT - reference_pct) / (AIR_O2_PCT - o2_pct)


def siegert(
    reading: FlueGas, fuel_id: str, *, limits: InstrumentLimits | None = None, confidence: float = 0.9
) -> Combustion | Refusal:
    """Flue-gas loss and net efficiency of a burner by Siegert's formula, from O₂.

    limits: with them the efficiency gets an uncertainty from the instrument alone (not from sampling
    or unsteady load). Refused where O₂ is no flue gas, where the flue is not hotter than the air, or
    where a number is missing. Raises ConfigError for an unknown fuel.
    Source: testo 330-1 manual; EN 50379 names the same quantity.
    """
    constants = fuel(fuel_id)
    refusal = _impossible(reading.o2_pct) or _no_burner(reading)
    if refusal is not None:
        return refusal
    q_a = siegert_loss_pct(reading.o2_pct, reading.t_flue_c, reading.t_air_c, constants)
    co2 = co2_from_o2(reading.o2_pct, constants.co2_max_pct)
    co_loss: float | None = None
    air_free: float | None = None
    if reading.co_ppm is not None:
        co = max(reading.co_ppm, 0.0)
        air_free = co * AIR_O2_PCT / (AIR_O2_PCT - reading.o2_pct)
        if constants.k4 is not None:
            co_loss = constants.k4 * (co / 1e4) / (co / 1e4 + co2)
    ratio = air_ratio(reading.o2_pct)
    return Combustion(
        fuel=constants.id,
        basis="net",
        q_a_pct=q_a,
        co_loss_pct=co_loss,
        efficiency_pct=100.0 - q_a - (co_loss or 0.0),
        co2_pct=co2,
        air_ratio=ratio,
        excess_air_pct=100.0 * (ratio - 1.0),
        co_air_free_ppm=air_free,
        uncertainty=None if limits is None else _uncertainty(reading, constants, limits, confidence),
        findings=_findings(reading),
        source=constants.source,
    )


def fuel_saving_fraction(before_pct: float, after_pct: float) -> float | Refusal:
    """Share of fuel saved at the same useful heat: 1 − η_before/η_after, both on the same basis.

    Source: US DOE, Steam Tip Sheet 4. Refused for an efficiency outside (0, 110] %.
    """
    for value in (before_pct, after_pct):
        if not 0.0 < value <= 110.0:
            return Refusal(
                "efficiency_range",
                f"An efficiency of {value:.1f} % can't be.",
                f"Hiệu suất {value:.1f} % là không thể.",
                {"efficiency_pct": value},
            )
    return 1.0 - before_pct / after_pct


def _impossible(o2_pct: float) -> Refusal | None:
    if math.isfinite(o2_pct) and 0.0 <= o2_pct < 20.5:
        return None
    return Refusal(
        "no_flue_gas",
        f"O₂ of {o2_pct:.1f} vol% is no flue gas: the probe is in air, leaks, or is not zeroed.",
        f"O₂ {o2_pct:.1f} vol% không phải khói lò: đầu đo ở ngoài không khí, bị hở, hoặc chưa chỉnh không.",
        {"o2_pct": o2_pct},
    )


def _no_burner(reading: FlueGas) -> Refusal | None:
    if not all(math.isfinite(value) for value in (reading.t_flue_c, reading.t_air_c, reading.co_ppm or 0.0)):
        return Refusal(
            "missing_value",
            "A temperature or the CO of this reading is missing.",
            "Thiếu nhiệt độ hoặc CO trong lần đo này.",
        )
    if reading.t_flue_c > reading.t_air_c:
        return None
    return Refusal(
        "flue_not_hot",
        f"The flue gas ({reading.t_flue_c:.1f} °C) is not hotter than the air ({reading.t_air_c:.1f} °C): "
        "the burner is off or the probes are swapped.",
        f"Khói ({reading.t_flue_c:.1f} °C) không nóng hơn không khí ({reading.t_air_c:.1f} °C): "
        "lò không đốt hoặc cắm nhầm đầu đo.",
        {"t_flue_c": reading.t_flue_c, "t_air_c": reading.t_air_c},
    )


def _findings(reading: FlueGas) -> tuple[Finding, ...]:
    if reading.o2_pct <= _DILUTED_O2_PCT:
        return ()
    return (
        Finding(
            "diluted",
            f"O₂ of {reading.o2_pct:.1f} vol% is far above that of a burner at load: look for false air. "
            "The loss is uncertain by 2 points or more here.",
            f"O₂ {reading.o2_pct:.1f} vol% cao hơn nhiều so với lò có tải: hãy tìm chỗ lọt khí. "
            "Tổn thất ở đây có sai số từ 2 điểm phần trăm trở lên.",
            {"o2_pct": reading.o2_pct},
        ),
    )


def _uncertainty(
    reading: FlueGas, constants: Fuel, limits: InstrumentLimits, confidence: float
) -> Uncertainty:
    """Root of the squares of (sensitivity × limit/√3), widened to `confidence` (JCGM 100:2008 §5.1, 4.3.7)."""
    from statistics import NormalDist

    gap = SIEGERT_O2_BASE_PCT - reading.o2_pct
    per_kelvin = constants.a2 / gap + constants.b
    per_o2 = (reading.t_flue_c - reading.t_air_c) * constants.a2 / gap**2
    terms = (per_o2 * limits.o2_pct, per_kelvin * limits.t_flue_c, per_kelvin * limits.t_air_c)
    standard = math.sqrt(sum(term**2 for term in terms) / 3.0)
    return Uncertainty(
        "gum",
        confidence,
        NormalDist().inv_cdf(0.5 + confidence / 2.0) * standard,
        1.0,
        "JCGM 100:2008, limits of error of O₂ and both temperatures taken as rectangular; instrument only",
    )
