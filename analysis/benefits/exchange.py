"""Money across currencies and price dates: dated exchange rates, price versions, inflation said aloud."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from analysis.benefits._words import refuse, refuse_currencies, refuse_missing
from analysis.benefits.figures import believable
from analysis.benefits.resources import RESOURCES, Amount
from analysis.results import Refusal
from dodac.errors import ConfigError
from dodac.money import Money

OLDEST_RATE_DAYS: Final = 31
_SAME_RATE: Final = 1e-6


@dataclass(frozen=True)
class ExchangeRate:
    """1 unit of `base` is `rate` units of `quote` on a day, as the source named there says."""

    base: str
    quote: str
    rate: float
    day: date
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"an exchange rate of {self.rate} {self.quote} for a {self.base} is none.")


@dataclass(frozen=True)
class Price:
    """The price of one unit of a resource's column (VND per MWh, per t, per m3), from its first to its last day."""

    resource: str
    price: Money
    valid_from: date
    valid_to: date | None
    version: str


def price_days(price_date: str) -> tuple[date, date]:
    """First and last day that a price date stands for; ConfigError otherwise.

    2025-05-10, 2025-05, 2025, or the span of a sum: 2003/2005-06.
    """
    if "/" in price_date:
        first, _, last = price_date.partition("/")
        return price_days(first)[0], price_days(last)[1]
    parts = price_date.split("-")
    try:
        numbers = [int(part) for part in parts]
        if len(numbers) == 1:
            return date(numbers[0], 1, 1), date(numbers[0], 12, 31)
        if len(numbers) == 2:
            year, month = numbers
            return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        day = date.fromisoformat(price_date)
    except ValueError:
        raise ConfigError(
            f'"{price_date}" is no price date.', todo="Write 2025-05-10, 2025-05 or 2025."
        ) from None
    return day, day


def converted(
    money: Money, currency: str, rates: Sequence[ExchangeRate] = (), oldest_days: int = OLDEST_RATE_DAYS
) -> Money | Refusal:
    """Money in another currency at the rate of its price date.

    The newest rate of the price date's days, or of the `oldest_days` before them, in either direction;
    without one, or with two of one day that differ, it is refused. The price date stays: this is no inflation.
    """
    if not believable(money.amount):
        return refuse(
            "not_a_number",
            f"{money.amount} {money.currency} is no amount of money.",
            f"{money.amount} {money.currency} không phải là số tiền hợp lệ.",
        )
    if money.currency == currency:
        return money
    first, last = price_days(money.price_date)
    found = [
        (rate.day, rate.rate if (rate.base, rate.quote) == (money.currency, currency) else 1 / rate.rate)
        for rate in rates
        if {rate.base, rate.quote} == {money.currency, currency}
        and first - timedelta(days=oldest_days) <= rate.day <= last
    ]
    if not found:
        return refuse_currencies(money.currency, currency, money.price_date)
    newest = [rate for day, rate in found if day == max(found)[0]]
    if max(newest) > min(newest) * (1 + _SAME_RATE):
        return refuse(
            "rates_differ",
            f"Two exchange rates between {money.currency} and {currency} for {max(found)[0]} differ: keep one.",
            f"Có hai tỷ giá khác nhau giữa {money.currency} và {currency} cho ngày {max(found)[0]}: hãy giữ một.",
            day=str(max(found)[0]),
        )
    return Money(money.amount * newest[0], currency, money.price_date)


def money_sum(
    items: Iterable[Money], currency: str | None = None, rates: Sequence[ExchangeRate] = ()
) -> Money | Refusal:
    """Σ money in one currency (the first one's when none is named); several currencies need their rates.

    The price date of the sum is the one all share, or "first/last".
    """
    moneys = list(items)
    if not moneys:
        return refuse_missing("An amount of money", "số tiền")
    wanted = currency or moneys[0].currency
    amounts = []
    for money in moneys:
        made = converted(money, wanted, rates)
        if isinstance(made, Refusal):
            return made
        amounts.append(made.amount)
    dates = [part for money in moneys for part in money.price_date.split("/")]
    first, last = (
        min(dates, key=lambda part: price_days(part)[0]),
        max(dates, key=lambda part: price_days(part)[1]),
    )
    return Money(math.fsum(amounts), wanted, first if first == last else f"{first}/{last}")


def at_prices_of(money: Money, price_date: str, inflation_pct: float) -> Money:
    """Money brought to another price date by a yearly inflation (%), which is always said: amount·(1 + i)^years.

    Years between the middles of the two price dates. ConfigError for an inflation at or below −100 %.
    """
    if not inflation_pct > -100:
        raise ConfigError(f"an inflation of {inflation_pct} % is none.")
    years = (_middle(price_date) - _middle(money.price_date)) / 365.25
    try:
        amount = money.amount * (1 + inflation_pct / 100) ** years
    except OverflowError:
        amount = math.inf
    if not believable(amount):
        raise ConfigError(f"an inflation of {inflation_pct} % over {years:.0f} years leaves no amount.")
    return Money(amount, money.currency, price_date)


def priced(amounts: Sequence[Amount], prices: Sequence[Price], start: date, end: date) -> Money | Refusal:
    """Σ amount · price of the version in force over the whole period.

    Refused: a resource without a price; a price that changes inside the period (split the period, so that
    each part takes its version); several currencies. The price date is the first day of the version.
    """
    found: list[Money] = []
    for one in amounts:
        own = [price for price in prices if price.resource == one.resource]
        whole = [
            price
            for price in own
            if price.valid_from <= start and (price.valid_to is None or end <= price.valid_to)
        ]
        if len(whole) != 1:
            some = [
                price
                for price in own
                if price.valid_from <= end and (price.valid_to is None or start <= price.valid_to)
            ]
            if not some:
                return refuse_missing(
                    f"The price of {RESOURCES[one.resource].en} for {start} to {end}",
                    f"giá {RESOURCES[one.resource].vi} cho kỳ {start} – {end}",
                )
            versions = ", ".join(price.version for price in some)
            return refuse(
                "price_versions",
                f"No one price of {RESOURCES[one.resource].en} covers {start} to {end} ({versions}): split the period.",
                f"Không có một mức giá {RESOURCES[one.resource].vi} duy nhất cho kỳ {start} – {end} ({versions}): hãy tách kỳ.",
                resource=one.resource,
                versions=versions,
            )
        price = whole[0]
        found.append(
            Money(one.figure.value * price.price.amount, price.price.currency, price.price.price_date)
        )
    return money_sum(found)


def _middle(price_date: str) -> float:
    first, last = price_days(price_date)
    return (first.toordinal() + last.toordinal()) / 2
