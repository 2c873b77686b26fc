"""Concentrations in flue gas: units, reference oxygen, and what they are against a limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, get_args

from analysis._tables import Row, in_force, table
from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion import _words as words
from analysis.combustion._given import above, within
from analysis.combustion.composition import NORMAL_VOLUME, gases
from analysis.combustion.flue import AIR_O2_PCT
from analysis.combustion.reading import impossible_o2
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError

# above this the divisor is so small that the analyser's own error decides the result
MAX_O2_FOR_REFERENCE_PCT: Final = 18.0
_MOLAR_VOLUME: Final = {0: NORMAL_VOLUME, 25: NORMAL_VOLUME * 298.15 / 273.15}
Unit = Literal["ppm", "mg/m3", "vol%"]


@dataclass(frozen=True)
class Concentration:
    """A concentration with all that it means: gas, unit, reference temperature, dry or wet, O₂ at which it holds.

    gas: co, no, no2, nox (as NO2), so2, dust …; at_c: 0 or 25 for mg/m³ (101.325 kPa), of no matter for
    ppm; o2_pct: the O₂ measured with it (vol%, of the same gas), None: not known.
    """

    gas: str
    value: float
    unit: Unit
    at_c: Literal[0, 25] = 0
    o2_pct: float | None = None
    dry: bool = True

    def __post_init__(self) -> None:
        """ConfigError for a unit or a reference temperature that is not one of the known ones."""
        if self.unit not in get_args(Unit):
            raise ConfigError(
                f'"{self.unit}" is no unit of a concentration.',
                todo=f"Write one of: {', '.join(get_args(Unit))}.",
            )
        if self.at_c not in _MOLAR_VOLUME:
            raise ConfigError(f"there is no reference temperature of {self.at_c} °C.", todo="Write 0 or 25.")


def mg_per_ppm(gas: str, at_c: Literal[0, 25] = 0, *, tabulated: bool = False) -> float:
    """mg/m³ of one ppm at 0 or 25 °C, 101.325 kPa: M/22.414 or M/24.465 (ideal gas); nox counts as NO2.

    tabulated: by the density of the real gas where a table gives it (SO2: 2.93 for 2.858 at 0 °C), scaled
    to 25 °C as an ideal gas.
    """
    row = gases().get("no2" if gas == "nox" else gas)
    if row is None:
        raise ConfigError(f'there is no gas "{gas}".', todo=f"Known gases: {', '.join(gases())}.")
    if at_c not in _MOLAR_VOLUME:
        raise ConfigError(f"there is no reference temperature of {at_c} °C.", todo="Write 0 or 25.")
    if tabulated and "mg_m3_tabulated_0c" in row:
        return float(row["mg_m3_tabulated_0c"]) * _MOLAR_VOLUME[0] / _MOLAR_VOLUME[at_c]
    return float(row["m"]) / _MOLAR_VOLUME[at_c]


def mg_from_ppm(gas: str, ppm: float, at_c: Literal[0, 25] = 0, *, tabulated: bool = False) -> float:
    """ppm by volume to mg/m³ at 0 °C (German Nm³) or 25 °C (QCVN 19:2009's Nm³)."""
    return ppm * mg_per_ppm(gas, at_c, tabulated=tabulated)


def ppm_from_mg(gas: str, mg_m3: float, at_c: Literal[0, 25] = 0, *, tabulated: bool = False) -> float:
    """mg/m³ at 0 or 25 °C to ppm by volume."""
    return mg_m3 / mg_per_ppm(gas, at_c, tabulated=tabulated)


def nox_as_no2(
    no_ppm: float,
    no2_ppm: float | None = None,
    *,
    at_c: Literal[0, 25] = 0,
    o2_pct: float | None = None,
    no2_share: float = 0.05,
) -> Concentration | Refusal:
    """NOx as NO2, mg/m³, from NO and NO2 in ppm dry: (NO + NO2) 46.006/Vm.

    Without measured NO2 it is taken as no2_share of NOx (0.05 is common for burners: an assumption).
    """
    if no2_ppm is None:
        within(0.0, 0.95, no2_share=no2_share)
    nox = no_ppm / (1.0 - no2_share) if no2_ppm is None else no_ppm + no2_ppm
    if not (math.isfinite(nox) and no_ppm >= 0.0 and (no2_ppm or 0.0) >= 0.0):
        return words.needs("NO in ppm, not below zero,", "NO (ppm), không âm")
    return Concentration("nox", mg_from_ppm("no2", nox, at_c), "mg/m3", at_c, o2_pct)


def reference_o2_factor(o2_pct: float, reference_pct: float, base_pct: float = AIR_O2_PCT) -> float:
    """(base − O₂ref)/(base − O₂): plain arithmetic; at_reference_o2 is the one that refuses."""
    above(0.0, base_less_o2=base_pct - o2_pct)
    return (base_pct - reference_pct) / (base_pct - o2_pct)


def at_reference_o2(
    value: float, o2_pct: float, reference_pct: float, base_pct: float = AIR_O2_PCT
) -> float | Refusal:
    """A concentration stated at reference oxygen: C (base − O₂ref)/(base − O₂).

    Any unit, dry gas. base_pct: 20.9 (QCVN 19:2024, Kane, Bacharach) or 21 (German TA Luft, BImSchV).
    Refused above 18 vol% O₂, where the correction multiplies the error.
    """
    refusal = impossible_o2(o2_pct)
    if refusal is not None:
        return refusal
    if base_pct not in (20.9, 20.95, 21.0):
        raise ConfigError(f"air of {base_pct} vol% O₂ is no basis in use.", todo="Write 20.9 or 21.")
    if not 0.0 <= reference_pct < MAX_O2_FOR_REFERENCE_PCT:
        raise ConfigError(f"a reference oxygen of {reference_pct} vol% is not in use.", todo="3 … 15.")
    if not math.isfinite(value):
        return words.needs("a concentration", "một nồng độ")
    if o2_pct > MAX_O2_FOR_REFERENCE_PCT:
        return words.too_much_oxygen(o2_pct, MAX_O2_FOR_REFERENCE_PCT)
    return value * reference_o2_factor(o2_pct, reference_pct, base_pct)


def dry_from_wet(concentration: Concentration, water_pct: float) -> Concentration:
    """The same in dry gas: C/(1 − H₂O), and its O₂ likewise; water_pct in vol% of the wet gas, 0 … 99 (else ConfigError)."""
    if concentration.dry:
        return concentration
    within(0.0, 99.0, water_pct=water_pct)
    share = 1.0 - water_pct / 100.0
    oxygen = None if concentration.o2_pct is None else concentration.o2_pct / share
    return replace(concentration, value=concentration.value / share, o2_pct=oxygen, dry=True)


def in_mg(concentration: Concentration, at_c: Literal[0, 25]) -> float:
    """mg/m³ at 0 or 25 °C of a concentration in any unit (dust has no ppm)."""
    if concentration.unit == "mg/m3":
        return concentration.value * _MOLAR_VOLUME[concentration.at_c] / _MOLAR_VOLUME[at_c]
    if concentration.gas == "dust":
        raise ConfigError(f"dust has no {concentration.unit}.", todo="Give dust in mg/m3.")
    ppm = concentration.value * (1e4 if concentration.unit == "vol%" else 1.0)
    return mg_from_ppm(concentration.gas, ppm, at_c)


@dataclass(frozen=True)
class LimitCheck:
    """A concentration on a limit's own basis, against it.

    value and limit in mg/m³ at at_c °C, dry, at reference_o2_pct (None: as measured); kept: value ≤ limit.
    """

    gas: str
    regulation: str
    column: str
    value_mg_m3: float
    limit_mg_m3: float
    kept: bool
    at_c: int
    reference_o2_pct: float | None
    basis_en: str
    basis_vi: str
    source: str
    findings: tuple[Finding, ...]


def regulation_on(day: date, *, existing: bool) -> str:
    """Which national limit holds for a source on a day: qcvn19-2009, or qcvn19-2024 from 1 July 2025.

    existing: in operation, or with its environmental papers filed, before that day: the old one
    holds until 31 December 2031. Source: Circular 45/2024/TT-BTNMT, article 3.
    """
    if not isinstance(day, date):
        raise ConfigError(f"{day!r} is no date.", todo="Write date(2026, 11, 22).")
    day = day.date() if isinstance(day, datetime) else day
    for row in in_force(table("limits_air_transition"), day):
        if bool(row["existing"]) == existing:
            return str(row["regulation"])
    raise ConfigError(f"no limit of the tables covers {day}.", todo="Name the regulation yourself.")


def against_limit(
    concentration: Concentration,
    *,
    regulation: str,
    column: str,
    source: str = "boiler",
    capacity_t_h: float | None = None,
    flow_m3_h: float | None = None,
    zone: int | None = None,
    rows: Sequence[Row] | None = None,
    factors: Sequence[Row] | None = None,
) -> LimitCheck | Refusal:
    """A measured concentration on the basis of its limit, the limit, and whether it is kept.

    regulation: "qcvn19-2009" (25 °C, no O₂ correction, limit × Kp (flow_m3_h of all stacks) × Kv (zone 1 … 5)) or
    "qcvn19-2024" (O₂ reference, columns A B C; boilers by capacity_t_h for dust). column: "A", "B", "C". rows,
    factors: other tables than the ones shipped. Refused where the gas is wet, its O₂ is not known
    but needed or above 18 %, or there is no such limit. Figures that nobody checked against the official
    text say so in findings.
    """
    found = _limit_row(concentration.gas, regulation, column, source, capacity_t_h, rows)
    if isinstance(found, Refusal):
        return found
    if not concentration.dry:
        return words.wet_basis()
    if not (math.isfinite(concentration.value) and concentration.value >= 0.0):
        return words.value_impossible(concentration.gas, concentration.value)
    at_c: Literal[0, 25] = 25 if int(found["at_c"]) == 25 else 0
    value = in_mg(concentration, at_c)
    reference = found.get("o2_reference_pct")
    if reference is not None:
        if concentration.o2_pct is None:
            return words.needs("The O2 measured with it", "O2 đo cùng lúc")
        corrected = at_reference_o2(value, concentration.o2_pct, float(reference))
        if isinstance(corrected, Refusal):
            return corrected
        value = corrected
    product = _product(flow_m3_h, zone, factors, regulation) if found.get("factors") else ()
    if isinstance(product, Refusal):
        return product
    limit = float(found["mg_m3"]) * math.prod(float(row["value"]) for row in product)
    unchecked = any(row["checked"] == "remembered" for row in (found, *product))
    at = "" if reference is None else f", {reference:g} vol% O2"
    by = "".join(f" x {str(row['factor']).capitalize()} {row['value']:g}" for row in product)
    by = f"; {found['mg_m3']:g}{by}" if by else ""
    return LimitCheck(
        concentration.gas,
        regulation,
        column,
        value,
        limit,
        value <= limit,
        at_c,
        reference,
        f"mg per m3 of dry gas at {at_c} °C and 101.325 kPa{at}{by}",
        f"mg trên m3 khí khô ở {at_c} °C và 101,325 kPa{at}{by}",
        found["source"],
        (fuel_words.remembered(f"{found['document']}, {concentration.gas}"),) if unchecked else (),
    )


def _product(
    flow_m3_h: float | None, zone: int | None, factors: Sequence[Row] | None, regulation: str
) -> tuple[Row, ...] | Refusal:
    """The rows of Kp and Kv that a limit is multiplied by."""
    if flow_m3_h is None or not 0.0 < flow_m3_h < math.inf:
        return words.needs("The flow of all stacks (m3/h)", "tổng lưu lượng khí thải (m3/h)")
    if zone not in (1, 2, 3, 4, 5):
        return words.needs("The zone (1 … 5)", "vùng (1 … 5)")
    rows = []
    for name, given in (("kp", flow_m3_h), ("kv", float(zone))):
        row = _factor_row(name, given, factors)
        if row is None:
            return words.no_limit(f"{name} {given:g}", regulation, "Kp, Kv")
        rows.append(row)
    return tuple(rows)


def _limit_row(
    gas: str,
    regulation: str,
    column: str,
    source: str,
    capacity_t_h: float | None,
    rows: Sequence[Row] | None,
) -> Row | Refusal:
    every = table("limits_air") if rows is None else rows
    mine = [row for row in every if row["regulation"] == regulation]
    if not mine:
        known = sorted({str(row["regulation"]) for row in every})
        raise ConfigError(f'there is no regulation "{regulation}".', todo=f"Known: {', '.join(known)}.")
    fits = [
        row
        for row in mine
        if row["gas"] == gas and row["column"] == column and row.get("source_kind", source) == source
    ]
    by_size = [row for row in fits if "capacity_from_t_h" in row or "capacity_below_t_h" in row]
    if by_size and capacity_t_h is None:
        return words.needs("the boiler's capacity in t/h", "công suất lò hơi, t/h")
    size = capacity_t_h or 0.0
    for row in fits:
        if row.get("capacity_from_t_h", 0.0) <= size < row.get("capacity_below_t_h", math.inf):
            return row
    held = (
        ", ".join(sorted({str(row.get(key, "*")) for row in mine}))
        for key in ("source_kind", "gas", "column")
    )
    return words.no_limit(f"{source}, {gas}, {column}", regulation, " | ".join(held))


def _factor_row(name: str, given: float, factors: Sequence[Row] | None) -> Row | None:
    every = table("limits_air_factors") if factors is None else factors
    return next(
        (
            row
            for row in every
            if row["factor"] == name and row.get("above", -math.inf) < given <= row.get("to", math.inf)
        ),
        None,
    )
