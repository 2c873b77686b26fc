"""What electricity costs: bands of the day and prices, both by the date they are in force; power factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from analysis._tables import Row, in_force, table
from analysis.engineering import _words as words
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError
from dodac.money import Money
from dodac.quantities import nearest

BANDS: Final = ("normal", "peak", "offpeak")
_DAY_MIN: Final = 1440


@dataclass(frozen=True)
class BandCost:
    """One band: energy (kWh) and its price without VAT."""

    band: str
    energy_kwh: float
    amount: float


@dataclass(frozen=True)
class EnergyCost:
    """What the energy of a period cost, without VAT.

    documents: the prices that were in force, in the order met; total: with the last day as its price
    date; findings: gaps, intervals across bands.
    """

    total: Money
    energy_kwh: float
    bands: tuple[BandCost, ...]
    documents: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def average_per_kwh(self) -> float:
        """Mean price of a kWh, without VAT."""
        return self.total.amount / self.energy_kwh


def tariff(customer: str, voltage_kv: float, day: date, rows: Sequence[Row] | None = None) -> Row | Refusal:
    """The prices in force on a day for a kind of customer ("production", "business") and supply voltage (kV).

    rows: a plant's own table (`analysis._tables.rows_of`), else Viet Nam's. Refused when none covers
    the day. Raises ConfigError for an unknown kind of customer.
    """
    known = table("tariffs_vn") if rows is None else rows
    customers = sorted({str(row["customer"]) for row in known})
    if customer not in customers:
        near = nearest(customer, customers)
        todo = f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(customers)}."
        raise ConfigError(f'there is no kind of customer "{customer}".', todo=todo)
    fitting = [
        row
        for row in in_force(known, day)
        if row["customer"] == customer and voltage_kv >= float(row["voltage_from_kv"])
    ]
    if not fitting:
        return words.no_tariff("price of electricity", day.isoformat())
    return max(fitting, key=lambda row: float(row["voltage_from_kv"]))


def band_minutes(day: date, rows: Sequence[Row] | None = None) -> np.ndarray | Refusal:
    """The band of each of the 1 440 minutes of a local day, as indices of `BANDS`.

    A band that runs over midnight ("22:00" to "04:00") belongs to the day it starts on and to the next.
    Refused when no table of hours covers the day.
    """
    known = table("tariff_hours_vn") if rows is None else rows
    found = in_force(known, day)
    if not found:
        return words.no_tariff("table of hours", day.isoformat())
    minutes = np.zeros(_DAY_MIN, dtype=np.int8)
    weekday, yesterday = day.weekday(), (day - timedelta(days=1)).weekday()
    for code, band in ((2, "offpeak"), (1, "peak")):
        for span in found[-1].get(band, []):
            start, end = _minute(span["from"]), _minute(span["to"])
            if start < end:
                if weekday in span["days"]:
                    minutes[start:end] = code
            else:
                if weekday in span["days"]:
                    minutes[start:] = code
                if yesterday in span["days"]:
                    minutes[:end] = code
    return minutes


def energy_cost(
    energy_kwh: pd.Series,
    *,
    customer: str = "production",
    voltage_kv: float,
    prices: Sequence[Row] | None = None,
    hours: Sequence[Row] | None = None,
) -> EnergyCost | Refusal:
    """The cost of interval energy by time-of-use bands, each day with the bands and prices of its date.

    energy_kwh: amounts per interval, index = local start (at least hourly, equal steps; tz-aware or
    naive local); NaN where nothing was measured (left out and counted). Refused when a day is not
    covered by a table, or nothing was measured. Raises DataError for an index that is no time of day.
    """
    index = energy_kwh.index
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2 or not index.is_monotonic_increasing:
        raise DataError(
            "the energy has no times in order as its index.", todo="Give local starts of intervals."
        )
    seconds = float(np.median(np.diff(index.as_unit("s").asi8)))
    if seconds > 3600.0:
        raise DataError("bands of the day need intervals of an hour or less.", todo="Use 30-minute values.")
    values = energy_kwh.to_numpy(dtype="float64")
    good = np.isfinite(values)
    if not good.any():
        return words.not_a_number("energy_kwh")
    wall = index.tz_localize(None) if index.tz is not None else index
    days = wall.normalize()
    minute = ((wall - days).total_seconds().to_numpy() / 60.0).round(6)
    length = seconds / 60.0
    amounts, energies = dict.fromkeys(BANDS, 0.0), dict.fromkeys(BANDS, 0.0)
    documents: dict[str, None] = {}
    across, currency, last = 0, "", days[0].date()
    for day in days.unique():
        mine = good & np.asarray(days == day)
        if not mine.any():
            continue
        last = day.date()
        minutes, price = band_minutes(last, hours), tariff(customer, voltage_kv, last, prices)
        if isinstance(minutes, Refusal):
            return minutes
        if isinstance(price, Refusal):
            return price
        if currency and price["currency"] != currency:
            return words.no_tariff(f"price in {currency}", last.isoformat())
        currency = str(price["currency"])
        documents[str(price.get("document", price["source"]))] = None
        shares = _shares(minutes, minute[mine], length)
        across += int(np.sum((shares > 0).sum(axis=1) > 1))
        for code, band in enumerate(BANDS):
            energy = float(values[mine] @ shares[:, code])
            energies[band] += energy
            amounts[band] += energy * float(price[band])
    findings = []
    if not good.all():
        findings.append(words.gaps(int(np.sum(~good)), len(values)))
    if across:
        findings.append(words.shared_out(across))
    return EnergyCost(
        Money(sum(amounts.values()), currency, last.isoformat()),
        sum(energies.values()),
        tuple(BandCost(band, energies[band], amounts[band]) for band in BANDS),
        tuple(documents),
        tuple(findings),
    )


@dataclass(frozen=True)
class PowerFactorCharge:
    """What a month's power factor costs: cos φ from the counters, k (% of the active energy's price), money."""

    power_factor: float
    k_pct: float
    amount: Money | None
    document: str
    findings: tuple[Finding, ...] = ()


def power_factor(energy_kwh: float, reactive_kvarh: float) -> float | Refusal:
    """cos φ = A_p / √(A_p² + A_q²) from the active and reactive energy of one billing period.

    Source: Circular 15/2014/TT-BCT. Refused when there is no active energy.
    """
    refusal = words.checked(energy_kwh=energy_kwh, reactive_kvarh=reactive_kvarh)
    if refusal is None:
        refusal = words.checked(above=True, energy_kwh=energy_kwh)
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
    """The charge for reactive power of a billing period from its kWh and kvarh counters: T_q = T_a · k %.

    day: the period's end. The table goes by two digits of cos φ; cos φ is rounded to two digits, as
    bills do. max_power_kw: below the table's limit (40 kW) nothing is charged. Refused when no table
    covers the day.
    """
    found = in_force(table("reactive_vn") if rows is None else rows, day)
    if not found:
        return words.no_tariff("table of the power factor", day.isoformat())
    row = found[-1]
    factor = power_factor(energy_kwh, reactive_kvarh)
    if isinstance(factor, Refusal):
        return factor
    k = _k_pct(row, factor)
    if max_power_kw is not None and max_power_kw < float(row["from_kw"]):
        k = 0.0
    amount = None
    if active_cost is not None:
        amount = Money(active_cost.amount * k / 100.0, active_cost.currency, active_cost.price_date)
    return PowerFactorCharge(factor, k, amount, str(row["document"]))


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
    return next(float(step["k"]) for step in row["k_pct"] if round(100 * step["power_factor"]) == rounded)


def _shares(minutes: np.ndarray, starts: np.ndarray, length: float) -> np.ndarray:
    """Share of each interval [start, start + length) (minutes of the day) in each band."""
    sums = np.zeros((len(BANDS), _DAY_MIN + 1))
    for code in range(len(BANDS)):
        sums[code, 1:] = np.cumsum(minutes == code)
    edges = np.arange(_DAY_MIN + 1)
    ends = np.minimum(starts + length, float(_DAY_MIN))
    parts = [
        np.interp(ends, edges, sums[code]) - np.interp(starts, edges, sums[code])
        for code in range(len(BANDS))
    ]
    shares = np.column_stack(parts)
    total: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return total


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return 60 * int(hours) + int(minutes)
