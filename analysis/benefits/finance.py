"""What flows of money are worth: simple and discounted payback, net present value, internal rate of return."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from analysis.benefits._words import refuse, refuse_no_saving
from analysis.benefits.exchange import ExchangeRate, converted
from analysis.results import Refusal
from dodac.errors import ConfigError
from dodac.money import Money
from dodac.words import LANGUAGES, Language, number_text, significant_text

_HIGHEST_RATE: Final = 1e6


def simple_payback_months(
    investment: Money, saving_per_year: Money, rates: Sequence[ExchangeRate] = ()
) -> float | Refusal:
    """12 · investment / saving per year; 0 without an investment.

    Refused: no saving above zero, an investment below zero, several currencies without a rate.
    """
    own = converted(saving_per_year, investment.currency, rates)
    if isinstance(own, Refusal):
        return own
    cost = converted(investment, investment.currency)
    return cost if isinstance(cost, Refusal) else months_of(cost.amount, own.amount, cost.currency)


def months_of(investment: float, saving: float, currency: str) -> float | Refusal:
    """12 · investment / saving of amounts in one currency; refused below zero and without a saving."""
    if investment < 0:
        return refuse(
            "negative_investment",
            f"An investment of {significant_text(investment)} {currency} is below zero.",
            f"Vốn đầu tư {significant_text(investment, 3, 'vi')} {currency} là số âm.",
            investment=investment,
        )
    if saving <= 0:
        return refuse_no_saving(saving, currency)
    months = 12 * investment / saving
    return months if math.isfinite(months) else refuse_no_saving(saving, currency)


def real_rate_pct(nominal_pct: float, inflation_pct: float) -> float:
    """Real rate from a nominal one: (1 + n)/(1 + i) − 1 (Fisher); ConfigError at or below −100 %."""
    if nominal_pct <= -100 or inflation_pct <= -100:
        raise ConfigError("a rate of −100 % or less is none.")
    return 100 * ((1 + nominal_pct / 100) / (1 + inflation_pct / 100) - 1)


def net_present_value(flows: Sequence[float], rate_pct: float, per_year: int = 1) -> float:
    """Σ flow_t / (1 + r)^(t/per_year), flow 0 today; ConfigError for a rate at or below −100 %.

    rate_pct: effective, a year; per_year: how many flows a year has (12: monthly).
    """
    _check(flows, per_year)
    return math.fsum(_discounted(flows, rate_pct, per_year))


def internal_rate_pct(flows: Sequence[float], per_year: int = 1) -> float | Refusal:
    """The one effective yearly rate (%) at which the net present value is zero; per_year as `net_present_value`.

    With one change of sign there is exactly one above −100 % (Descartes), found by bisection. With several
    changes all roots above −100 % are looked for: none and more than one are refused, naming them, because a
    yearly rate then says nothing (Brealey, Myers, Allen: Principles of Corporate Finance, "multiple rates of
    return"). Refused too when money flows one way only.
    """
    _check(flows, per_year)
    signs = [flow > 0 for flow in flows if flow != 0]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    if changes == 0:
        return refuse(
            "no_rate",
            "There is no internal rate of return: money flows one way only.",
            "Không có tỷ suất hoàn vốn nội bộ: dòng tiền chỉ đi một chiều.",
        )
    # factors 1/(1 + r) of one step, from the highest rate to the lowest
    factors = [_bisect(flows)] if changes == 1 else _roots(flows)
    rates = sorted(_rate_pct(factor, per_year) for factor in factors if factor is not None)
    found = [rate for rate in rates if rate <= _HIGHEST_RATE]
    if len(found) == 1:
        return found[0]
    if rates and not found:
        highest, highest_vi = (_plain_number(_HIGHEST_RATE, language) for language in LANGUAGES[::-1])
        return refuse(
            "rate_too_high",
            f"The internal rate of return is above {highest} % a year: use the net present value.",
            f"Tỷ suất hoàn vốn nội bộ vượt {highest_vi} % một năm: hãy dùng giá trị hiện tại ròng.",
            limit_pct=_HIGHEST_RATE,
        )
    if not found:
        return refuse(
            "no_rate",
            "There is no internal rate of return: no rate brings the present value to zero.",
            "Không có tỷ suất hoàn vốn nội bộ: không có mức nào làm giá trị hiện tại bằng 0.",
            changes=changes,
        )
    text, vi = (
        ", ".join(f"{number_text(root, 2, language)} %" for root in found) for language in LANGUAGES[::-1]
    )
    return refuse(
        "several_rates",
        f"Several rates bring the present value to zero ({text}); use the net present value.",
        f"Có nhiều tỷ suất làm giá trị hiện tại bằng 0 ({vi}); hãy dùng giá trị hiện tại ròng.",
        rates=text,
        count=len(found),
    )


def discounted_payback_months(flows: Sequence[float], rate_pct: float, per_year: int = 1) -> float | Refusal:
    """Months until the discounted flows have paid the investment back for good, evenly within a step.

    For good: a later outlay (an overhaul) that brings the sum below zero again does not count as paid.
    """
    _check(flows, per_year)
    worth = _discounted(flows, rate_pct, per_year)
    sums = [math.fsum(worth[: year + 1]) for year in range(len(worth))]
    below = [year for year, value in enumerate(sums) if value < 0]
    if not below:
        return 0.0
    last = below[-1]
    if last == len(sums) - 1:
        years = (len(flows) - 1) / per_year
        rate, rate_vi = (_plain_number(rate_pct, language) for language in LANGUAGES[::-1])
        life, life_vi = (_plain_number(years, language) for language in LANGUAGES[::-1])
        return refuse(
            "not_paid_back",
            f"Discounted at {rate} %, it is not paid back within {life} years.",
            f"Với suất chiết khấu {rate_vi} %, không hoàn vốn trong {life_vi} năm.",
            years=years,
            rate_pct=rate_pct,
        )
    return 12 / per_year * (last - sums[last] / worth[last + 1])


def _plain_number(value: float, language: Language) -> str:
    return number_text(value, 0 if value == round(value) else 2, language)


def _check(flows: Sequence[float], per_year: int = 1) -> None:
    if isinstance(per_year, bool) or not isinstance(per_year, int) or per_year < 1:
        raise ConfigError(f"{per_year} flows a year are none.", todo="Write 1, 2, 4, 12 or 52.")
    if not flows or not all(math.isfinite(flow) for flow in flows):
        raise ConfigError("a cash flow needs finite yearly amounts.")


def _discounted(flows: Sequence[float], rate_pct: float, per_year: int = 1) -> list[float]:
    if not rate_pct > -100:
        raise ConfigError(f"a discount rate of {rate_pct} % is none.")
    try:
        worth = [flow / (1 + rate_pct / 100) ** (step / per_year) for step, flow in enumerate(flows)]
    except (OverflowError, ZeroDivisionError):
        worth = [math.inf]
    if not all(math.isfinite(value) for value in worth):
        raise ConfigError(f"a discount rate of {rate_pct} % over {len(flows) - 1} steps leaves no number.")
    return worth


def _value(flows: Sequence[float], factor: float) -> float:
    """Σ flow · factor^t, factor = 1/(1 + r); Horner."""
    value = 0.0
    for flow in reversed(flows):
        value = value * factor + flow
    return value


def _rate_pct(factor: float, per_year: int) -> float:
    """The effective yearly rate of a factor 1/(1 + r) per step; infinity beyond any number."""
    try:
        return 100.0 * (factor**-per_year - 1.0)
    except (OverflowError, ZeroDivisionError):
        return math.inf


def _bisect(flows: Sequence[float]) -> float | None:
    """The factor of the only root of a flow with one change of sign; 0 above every rate, None at −100 %."""
    low, high = 1 / (1 + _HIGHEST_RATE / 100), 1.0
    bottom = _value(flows, low)
    if bottom == 0:
        return low
    if (bottom > 0) != (next(flow for flow in flows if flow) > 0):
        return 0.0  # the root lies above the highest rate
    while _value(flows, high) * bottom > 0:
        high *= 2
        if high > 1e12:
            return None
    for _ in range(200):
        middle = (low + high) / 2
        if _value(flows, middle) * bottom > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _roots(flows: Sequence[float]) -> list[float]:
    """All factors above zero where the polynomial in 1/(1 + r) is zero, a touching one once."""
    import numpy as np

    scaled = np.asarray(flows, dtype=float) / max(abs(flow) for flow in flows)
    roots = np.roots(np.trim_zeros(scaled[::-1], "f"))
    real = sorted(root.real for root in roots if root.real > 0 and abs(root.imag) < 1e-6 * abs(root))
    found: list[float] = []
    for factor in real:
        if not found or abs(factor - found[-1]) > 1e-4 * factor:
            found.append(float(factor))
    return found
