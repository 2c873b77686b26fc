"""What electricity costs: bands of the day and prices, both by the date they are in force."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis._tables import Row, in_force, table
from analysis.engineering import _words as words
from analysis.engineering._series import steps
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
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
    def average_per_kwh(self) -> float | None:
        """Mean price of a kWh, without VAT; None when nothing was used."""
        return self.total.amount / self.energy_kwh if self.energy_kwh else None


def tariff(customer: str, voltage_kv: float, day: date, rows: Sequence[Row] | None = None) -> Row | Refusal:
    """The prices in force on a day for a kind of customer ("production", "business") and supply voltage (kV).

    rows: a plant's own table (`analysis._tables.rows_of`), else Viet Nam's. Refused when none covers
    the day. Raises ConfigError for an unknown kind of customer and for a row that lacks a price.
    """
    refusal = words.checked(voltage_kv=voltage_kv)
    if refusal is not None:
        return refusal
    known = table("tariffs_vn") if rows is None else rows
    for row in known:
        _complete(row)
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
    return max(fitting, key=lambda row: (float(row["voltage_from_kv"]), row.get("valid_from", date.min)))


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
            on, start, end = _span(span, str(found[-1].get("id", "")))
            if start < end:
                if weekday in on:
                    minutes[start:end] = code
            else:
                if weekday in on:
                    minutes[start:] = code
                if yesterday in on:
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

    energy_kwh: amounts per interval of an hour or less, index = starts of equal steps. Times with a
    zone, UTC too, are taken to the zone of the table of hours; naive ones are local already. Intervals
    without a reading, as NaN or as no row, are left out and counted. Refused when a day is not covered
    by a table, nothing was measured, or energy is below zero (export has no price here). Raises
    DataError for times that are none, repeat or are unequal, ConfigError for a table that lacks a key.
    """
    found = steps(energy_kwh, "energy_kwh", hourly=True)
    good, values = found.good, found.values
    if not good.any():
        return words.not_a_number("energy_kwh")
    if np.any(values[good] < 0.0):
        return words.refuse_negative(int(np.sum(values[good] < 0.0)))
    hour_rows = table("tariff_hours_vn") if hours is None else hours
    wall = _wall(found.index, hour_rows)
    days = wall.normalize()
    minute = ((wall - days).total_seconds().to_numpy() / 60.0).round(6)
    length = 60.0 * found.step_h
    amounts, energies = dict.fromkeys(BANDS, 0.0), dict.fromkeys(BANDS, 0.0)
    documents: dict[str, None] = {}
    doubts: dict[str, Finding] = {}
    across, currency, last = 0, "", days[0].date()
    for day in days.unique():
        mine = good & np.asarray(days == day)
        if not mine.any():
            continue
        last = day.date()
        starts = minute[mine]
        minutes = _minutes_of(last, hours, over=bool(np.max(starts) + length > _DAY_MIN))
        if isinstance(minutes, Refusal):
            return minutes
        price = tariff(customer, voltage_kv, last, prices)
        if isinstance(price, Refusal):
            return price
        if currency and price["currency"] != currency:
            return words.no_tariff(f"price in {currency}", last.isoformat())
        currency = str(price["currency"])
        documents[str(price.get("document", price["source"]))] = None
        for row in (price, in_force(hour_rows, last)[-1]):
            if row["checked"] == "remembered":
                doubts[str(row["id"])] = words.remembered(str(row["id"]), str(row["source"]))
            if "valid_to" not in row and last > row["taken"]:
                doubts[f"{row['id']} taken"] = words.may_have_changed(
                    str(row["id"]), row["taken"].isoformat()
                )
            if last < row.get("known_from", date.min):
                doubts[str(row["id"])] = words.first_day_unknown(
                    str(row["id"]), row["known_from"].isoformat()
                )
        shares = _shares(minutes, starts, length)
        across += int(np.sum((shares > 0).sum(axis=1) > 1))
        for code, band in enumerate(BANDS):
            energy = float(values[mine] @ shares[:, code])
            energies[band] += energy
            amounts[band] += energy * float(price[band])
    findings = []
    if found.missing:
        findings.append(words.gaps(found.missing, found.expected))
    if across:
        findings.append(words.shared_out(across))
    return EnergyCost(
        Money(sum(amounts.values()), currency, last.isoformat()),
        sum(energies.values()),
        tuple(BandCost(band, energies[band], amounts[band]) for band in BANDS),
        tuple(documents),
        (*findings, *doubts.values()),
    )


def _minutes_of(day: date, rows: Sequence[Row] | None, *, over: bool) -> np.ndarray | Refusal:
    """The bands of a day's minutes, and (over) of the next day's behind them."""
    own = band_minutes(day, rows)
    if isinstance(own, Refusal) or not over:
        return own
    following = band_minutes(day + timedelta(days=1), rows)
    return following if isinstance(following, Refusal) else np.concatenate([own, following])


def _shares(minutes: np.ndarray, starts: np.ndarray, length: float) -> np.ndarray:
    """Share of each interval [start, start + length) (minutes of the day) in each band."""
    edges = np.arange(len(minutes) + 1)
    parts = []
    for code in range(len(BANDS)):
        sums = np.concatenate([[0], np.cumsum(minutes == code)])
        parts.append(np.interp(starts + length, edges, sums) - np.interp(starts, edges, sums))
    # a difference of interpolated sums leaves 1e-13 where there is nothing
    shares = np.where(np.column_stack(parts) < 1e-9, 0.0, np.column_stack(parts))
    total: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return total


def _wall(index: pd.DatetimeIndex, rows: Sequence[Row]) -> pd.DatetimeIndex:
    """Local clock times, naive: in the zone of the table of hours where it names one."""
    if index.tz is None:
        return index
    zone = next((str(row["zone"]) for row in rows if "zone" in row), None)
    if zone is None:
        return index.tz_localize(None)
    try:
        return index.tz_convert(zone).tz_localize(None)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{zone}" of the table of hours is no time zone.') from None


def _complete(row: Row) -> None:
    for key in ("customer", "voltage_from_kv", "currency", *BANDS):
        if key not in row:
            raise ConfigError(f'the price "{row.get("id", "")}" has no "{key}".', todo="Add it to its row.")
    for key in ("voltage_from_kv", *BANDS):
        if not isinstance(row[key], int | float) or not math.isfinite(row[key]):
            raise ConfigError(f'"{key}" of the price "{row.get("id", "")}" is no number.')


def _span(span: Mapping[str, Any], name: str) -> tuple[Sequence[int], int, int]:
    try:
        return span["days"], _minute(span["from"]), _minute(span["to"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError(
            f'the hours "{name}" hold a span that is none: {dict(span)}.',
            todo='Write days = [0, 1, 2, 3, 4, 5], from = "17:30", to = "22:30".',
        ) from None


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    found = 60 * int(hours) + int(minutes)
    if not 0 <= found <= _DAY_MIN:
        raise ValueError(text)
    return found
