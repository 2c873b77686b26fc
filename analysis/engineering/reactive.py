"""Reactive energy: power factor of a billing period from its counters, what it costs, what lifts it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from analysis._tables import Row, in_force, table
from analysis.engineering import _words as words
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.money import Money


@dataclass(frozen=True)
class PowerFactorCharge:
    """What a month's power factor costs: cos φ from the counters, k (% of the active energy's price), money."""

    power_factor: float
    k_pct: float
    amount: Money | None
    document: str
    findings: tuple[Finding, ...] = ()


def register_energy(
    first: float, last: float, *, multiplier: float = 1.0, digits: int | None = None
) -> float | Refusal:
    """Energy between two readings of a counter, kWh or kvarh: (last − first) · multiplier.

    multiplier: CT ratio times VT ratio as the bill states it, 1 where the counter shows primary values;
    digits: places before the decimal point, with which a counter that ran over (99 998 → 12) counts on.
    Refused for readings that are none, and for one that fell when `digits` is not given.
    """
    refusal = words.checked(first=first, last=last) or words.checked(above=True, multiplier=multiplier)
    if refusal is not None:
        return refusal
    difference = last - first
    if difference < 0.0:
        if digits is None or max(first, last) >= 10.0**digits:
            return words.register_fell(first, last)
        difference += 10.0**digits
    return difference * multiplier


def power_factor(energy_kwh: float, reactive_kvarh: float) -> float | Refusal:
    """cos φ = A_p / √(A_p² + A_q²) from the active and reactive energy drawn in one billing period.

    Source: Circular 15/2014/TT-BCT. Refused when there is no active energy, and for reactive energy
    below zero (what a capacitor feeds back stands in a register of its own and counts for nothing here).
    """
    refusal = words.checked(reactive_kvarh=reactive_kvarh) or words.checked(above=True, energy_kwh=energy_kwh)
    return refusal or energy_kwh / math.hypot(energy_kwh, reactive_kvarh)


def power_factor_charge(
    energy_kwh: float,
    reactive_kvarh: float,
    day: date,
    *,
    active_cost: Money | None = None,
    max_power_kw: float | None = None,
    rows: Sequence[Row] | None = None,
) -> PowerFactorCharge | Refusal:
    """The charge for reactive power of a billing period from its kWh and kvarh: T_q = T_a · k %, without VAT.

    day: the period's end. cos φ is rounded to the two digits the table has (a convention of this
    program: the circular names none), and a finding says so where it saves the charge. max_power_kw:
    as registered in the contract, or the actual one once that was 40 kW or more in three consecutive
    billing cycles (from the next on); below the table's limit (40 kW) nothing is charged. Refused when no
    table covers the day. Raises ConfigError for a table of one's own that lacks a step.
    """
    found = in_force(table("reactive_vn") if rows is None else rows, day)
    if not found:
        return words.no_tariff("table of the power factor", day.isoformat())
    row = found[-1]
    factor = power_factor(energy_kwh, reactive_kvarh)
    if isinstance(factor, Refusal):
        return factor
    if max_power_kw is not None and (refusal := words.checked(max_power_kw=max_power_kw)):
        return refusal
    if active_cost is not None and (refusal := words.checked(active_cost=active_cost.amount)):
        return refusal
    k = _k_pct(row, factor)
    findings: tuple[Finding, ...] = ()
    if k == 0.0 and factor < float(row["limit"]):
        findings = (words.power_factor_rounded(factor, float(row["limit"])),)
    if max_power_kw is not None and max_power_kw < float(row["from_kw"]):
        k, findings = 0.0, ()
    if row["checked"] == "remembered":
        findings = (*findings, words.remembered(str(row["id"]), str(row["source"])))
    amount = None
    if active_cost is not None:
        amount = Money(active_cost.amount * k / 100.0, active_cost.currency, active_cost.price_date)
    return PowerFactorCharge(factor, k, amount, str(row["document"]), findings)


def capacitor_kvar(power_kw: float, factor: float, wanted: float) -> float | Refusal:
    """Reactive power that lifts cos φ of a load to a wanted one: Q = P (tan φ₁ − tan φ₂), kvar (0 when it is there)."""
    refusal = words.checked(power_kw=power_kw)
    if refusal is not None:
        return refusal
    for name, value in (("factor", factor), ("wanted", wanted)):
        if not 0.0 < value <= 1.0:
            return words.out_of_range(name, value, "above 0 and at most 1", "lớn hơn 0 và không quá 1")
    return max(0.0, power_kw * (math.tan(math.acos(factor)) - math.tan(math.acos(wanted))))


def _k_pct(row: Row, factor: float) -> float:
    rounded = math.floor(100.0 * factor + 0.5 + 1e-9)
    if rounded >= round(100 * row["limit"]):
        return 0.0
    if rounded < round(100 * row["floor"]):
        return float(row["below_floor_pct"])
    for step in row["k_pct"]:
        if round(100 * step["power_factor"]) == rounded:
            return float(step["k"])
    raise ConfigError(
        f'the table of the power factor "{row["document"]}" has no step for {rounded / 100:.2f}.',
        todo="Add it to k_pct.",
    )
