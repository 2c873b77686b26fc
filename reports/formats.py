"""Numbers with their ±, money, dates and units as each language writes them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from audit.records import Money
from dodac.clock import SECOND_NS
from dodac.words import Language, number_text

_UNITS: Final[dict[str, str]] = {
    "degC": "°C", "m3": "m³", "m3/h": "m³/h", "Nm3": "Nm³", "1": "", "vol%": "% tt", "units": "sp",
    "uS/cm": "µS/cm", "kgf/cm2": "kgf/cm²", "pH": "",
}  # fmt: skip
_UNITS_EN: Final[dict[str, str]] = {**_UNITS, "vol%": "vol%", "units": "units"}
_MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# steps at which a unit is written with a larger one: unit → (larger unit, factor)
_LARGER: Final[dict[str, tuple[str, float]]] = {
    "kWh": ("MWh", 1e3), "Wh": ("kWh", 1e3), "MWh": ("GWh", 1e3), "kg": ("t", 1e3), "W": ("kW", 1e3),
}  # fmt: skip
_NO_DECIMALS: Final = {"VND", "JPY", "KRW", "IDR"}


def unit_text(unit: str, language: Language) -> str:
    """How people write a canonical unit: degC → °C, m3 → m³."""
    return (_UNITS if language == "vi" else _UNITS_EN).get(unit, unit)


def larger_unit(unit: str, largest: float) -> tuple[str, float]:
    """The unit for an axis whose largest value is `largest`, and what to divide by."""
    bigger, factor = _LARGER.get(unit, (unit, 1.0))
    return (bigger, factor) if abs(largest) >= 20 * factor and bigger != unit else (unit, 1.0)


def decimals_for(half_width: float) -> int:
    """Decimal places (may be negative) that leave two significant figures of a half width."""
    if not math.isfinite(half_width) or half_width <= 0:
        return 0
    return 1 - math.floor(math.log10(half_width))


def rounded_text(value: float, decimals: int, language: Language) -> str:
    """A number rounded to a number of decimals; negative ones round to tens, hundreds, …"""
    if math.isnan(value):
        return "–"
    return number_text(round(value, decimals), max(0, decimals), language)


def plus_minus(value: float, half_width: float, language: Language) -> tuple[str, str]:
    """Value and half width, both rounded to two significant figures of the half width."""
    decimals = min(decimals_for(half_width), 3)
    return rounded_text(value, decimals, language), rounded_text(half_width, decimals, language)


def percent_text(fraction: float, language: Language, digits: int = 1) -> str:
    """A fraction as a percentage: 8.3 % in English, 8,3 % in Vietnamese."""
    return f"{number_text(100 * fraction, digits, language)} %"


def money_text(money: Money, language: Language, half_width: float | None = None) -> str:
    """An amount with its currency, with ± when the half width is known."""
    if half_width is not None and half_width > 0:
        value, width = plus_minus(money.amount, half_width, language)
        return f"{value} ± {width} {money.currency}"
    # a price of 0.085 USD a kWh is not 0.09
    needed = len(f"{money.amount:.4f}".rstrip("0").partition(".")[2])
    whole = money.currency in _NO_DECIMALS and abs(money.amount) >= 100
    digits = 0 if whole or abs(money.amount) >= 1000 else max(2, needed)
    return f"{number_text(money.amount, digits, language)} {money.currency}"


def day_text(day: str | date, language: Language) -> str:
    """A date: 5 Mar 2026 in English, 05/03/2026 in Vietnamese; what is no date stays as it is."""
    if isinstance(day, str):
        try:
            moment = datetime.fromisoformat(day)
        except ValueError:
            return day
        text = day_text(moment.date(), language)
        clock = moment.strftime("%H:%M")
        return text if clock == "00:00" else f"{text} {clock}"
    if language == "vi":
        return f"{day.day:02d}/{day.month:02d}/{day.year}"
    return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def month_text(year: int, month: int, language: Language) -> str:
    """A month of a year: Mar 2026, 03/2026."""
    return f"{month:02d}/{year}" if language == "vi" else f"{_MONTHS_EN[month - 1]} {year}"


def month_label(month: int, language: Language) -> str:
    """A month on an axis: Mar, T3."""
    return f"T{month}" if language == "vi" else _MONTHS_EN[month - 1]


def moment_text(time_ns: int, zone: str, language: Language) -> str:
    """A moment in local time with its offset from UTC."""
    if time_ns <= 0:
        return "–"
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, UTC).astimezone(ZoneInfo(zone))
    offset = moment.strftime("%z")
    return f"{day_text(moment.date(), language)} {moment:%H:%M:%S} UTC{offset[:3]}:{offset[3:]}".replace(
        "UTC-", "UTC−"
    )
