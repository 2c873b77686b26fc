"""What an investment is worth: simple and discounted payback, net present value, internal rate of return."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analysis.benefits._words import refuse, refuse_no_saving
from analysis.benefits.exchange import ExchangeRate, converted
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.money import Money
from dodac.words import LANGUAGES, number_text

_HIGHEST_RATE: Final = 1e6


@dataclass(frozen=True)
class Appraisal:
    """An investment over its life; amounts in one currency, rates in percent a year.

    flows: year 0 (the investment, negative) to the last year; irr_pct and the paybacks in months, or why
    there is none. terms: "nominal" (escalation holds inflation) or "real", as rate and escalation were given.
    """

    currency: str
    price_date: str
    flows: tuple[float, ...]
    rate_pct: float
    escalation_pct: float
    terms: str
    npv: float
    irr_pct: float | Refusal
    payback_months: float | Refusal
    discounted_payback_months: float | Refusal
    findings: tuple[Finding, ...] = ()


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
    return cost if isinstance(cost, Refusal) else _months(cost.amount, own.amount, cost.currency)


def _months(investment: float, saving: float, currency: str) -> float | Refusal:
    if investment < 0:
        return refuse(
            "negative_investment",
            f"An investment of {investment:g} {currency} is below zero.",
            f"Vốn đầu tư {investment:g} {currency} là số âm.",
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


def net_present_value(flows: Sequence[float], rate_pct: float) -> float:
    """Σ flow_t / (1 + r)^t, flow 0 today; ConfigError for a rate at or below −100 %."""
    _check(flows)
    return math.fsum(_discounted(flows, rate_pct))


def internal_rate_pct(flows: Sequence[float]) -> float | Refusal:
    """The one rate (%) at which the net present value is zero.

    With one change of sign there is exactly one above −100 % (Descartes), found by bisection. With several
    changes all roots above −100 % are looked for: none and more than one are refused, naming them, because a
    yearly rate then says nothing (Brealey, Myers, Allen: Principles of Corporate Finance, "multiple rates of
    return"). Refused too when money flows one way only.
    """
    _check(flows)
    signs = [flow > 0 for flow in flows if flow != 0]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    if changes == 0:
        return refuse(
            "no_rate",
            "There is no internal rate of return: money flows one way only.",
            "Không có tỷ suất hoàn vốn nội bộ: dòng tiền chỉ đi một chiều.",
        )
    roots = [_bisect(flows)] if changes == 1 else _roots(flows)
    found = [root for root in roots if root is not None and root <= _HIGHEST_RATE]
    if len(found) == 1:
        return found[0]
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


def discounted_payback_months(flows: Sequence[float], rate_pct: float) -> float | Refusal:
    """Months until the discounted flows have paid the investment back for good, evenly within a year.

    For good: a later outlay (an overhaul) that brings the sum below zero again does not count as paid.
    """
    _check(flows)
    worth = _discounted(flows, rate_pct)
    sums = [math.fsum(worth[: year + 1]) for year in range(len(worth))]
    below = [year for year, value in enumerate(sums) if value < 0]
    if not below:
        return 0.0
    last = below[-1]
    if last == len(sums) - 1:
        return refuse(
            "not_paid_back",
            f"Discounted at {rate_pct:g} %, it is not paid back within {len(flows) - 1} years.",
            f"Với suất chiết khấu {rate_pct:g} %, không hoàn vốn trong {len(flows) - 1} năm.",
            years=len(flows) - 1,
            rate_pct=rate_pct,
        )
    return 12 * (last - sums[last] / worth[last + 1])


def appraise(
    investment: Money,
    saving_per_year: Money,
    years: int,
    *,
    rate_pct: float,
    escalation_pct: float,
    terms: str,
    rest_value: float = 0.0,
    rates: Sequence[ExchangeRate] = (),
) -> Appraisal | Refusal:
    """Payback, NPV and IRR of an investment that saves from the first year on.

    years: its life; rate_pct and escalation_pct (how the saving grows a year) in the same `terms`,
    "nominal" or "real"; rest_value: at the end of its life, in the investment's currency. The saving of
    year 1 is at today's prices, escalated from year 2 on; flows fall at the end of each year. Refused:
    currencies without a rate, no saving, a negative investment.
    """
    if terms not in ("nominal", "real"):
        raise ConfigError(f'"{terms}" is neither nominal nor real.')
    if not isinstance(years, int) or years < 1:
        raise ConfigError(f"a life of {years} years is none.", todo="Give whole years, one or more.")
    if not -100 < escalation_pct < math.inf:
        raise ConfigError(f"an escalation of {escalation_pct} % is none.")
    months = simple_payback_months(investment, saving_per_year, rates)
    if isinstance(months, Refusal) and months.code != "no_saving":
        return months
    own = converted(saving_per_year, investment.currency, rates)
    if isinstance(own, Refusal):
        return own
    try:
        savings = [own.amount * (1 + escalation_pct / 100) ** year for year in range(years)]
    except OverflowError:
        raise ConfigError(
            f"an escalation of {escalation_pct} % over {years} years leaves no number."
        ) from None
    flows = [-investment.amount, *savings]
    flows[-1] += rest_value
    return Appraisal(
        investment.currency,
        investment.price_date,
        tuple(flows),
        rate_pct,
        escalation_pct,
        terms,
        net_present_value(flows, rate_pct),
        internal_rate_pct(flows),
        months,
        discounted_payback_months(flows, rate_pct),
    )


def _check(flows: Sequence[float]) -> None:
    if not flows or not all(math.isfinite(flow) for flow in flows):
        raise ConfigError("a cash flow needs finite yearly amounts.")


def _discounted(flows: Sequence[float], rate_pct: float) -> list[float]:
    if not rate_pct > -100:
        raise ConfigError(f"a discount rate of {rate_pct} % is none.")
    try:
        worth = [flow / (1 + rate_pct / 100) ** year for year, flow in enumerate(flows)]
    except (OverflowError, ZeroDivisionError):
        worth = [math.inf]
    if not all(math.isfinite(value) for value in worth):
        raise ConfigError(f"a discount rate of {rate_pct} % over {len(flows) - 1} years leaves no number.")
    return worth


def _value(flows: Sequence[float], factor: float) -> float:
    """Σ flow · factor^t, factor = 1/(1 + r); Horner."""
    value = 0.0
    for flow in reversed(flows):
        value = value * factor + flow
    return value


def _bisect(flows: Sequence[float]) -> float | None:
    """The only root of a flow with one change of sign, in percent."""
    low, high = 1 / (1 + _HIGHEST_RATE / 100), 1.0
    bottom = _value(flows, low)
    while _value(flows, high) * bottom > 0:
        high *= 2
        if high > 1e12:
            return None
    if bottom == 0:
        return _HIGHEST_RATE
    for _ in range(200):
        middle = (low + high) / 2
        if _value(flows, middle) * bottom > 0:
            low = middle
        else:
            high = middle
    return 100 * (2 / (low + high) - 1)


def _roots(flows: Sequence[float]) -> list[float]:
    """All rates above −100 % (in percent) where the polynomial in 1/(1 + r) is zero, a touching one once."""
    import numpy as np

    scaled = np.asarray(flows, dtype=float) / max(abs(flow) for flow in flows)
    roots = np.roots(np.trim_zeros(scaled[::-1], "f"))
    real = sorted(root.real for root in roots if root.real > 0 and abs(root.imag) < 1e-6 * abs(root))
    found: list[float] = []
    for factor in real:
        rate = 100 * (1 / float(factor) - 1)
        if not found or abs(rate - found[-1]) > 1e-4 * (100 + abs(rate)):
            found.append(rate)
    return sorted(found)
