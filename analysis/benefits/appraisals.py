"""Investments appraised over their lives, each alone and several together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.benefits._words import refuse_missing, refuse_no_saving
from analysis.benefits.exchange import ExchangeRate, converted, money_sum
from analysis.benefits.finance import (
    discounted_payback_months,
    internal_rate_pct,
    months_of,
    net_present_value,
    simple_payback_months,
)
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.money import Money


@dataclass(frozen=True)
class Discount:
    """How investments are judged: life in years, rate and escalation of savings (%), in the same `terms`."""

    life_years: int
    rate_pct: float
    escalation_pct: float = 0.0
    terms: str = "real"


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
    if isinstance(years, bool) or not isinstance(years, int) or years < 1:
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


def together(
    appraisals: Sequence[Appraisal], currency: str | None = None, rates: Sequence[ExchangeRate] = ()
) -> Appraisal | Refusal:
    """Several investments as one: flows add up year by year (shorter lives end earlier), then NPV, IRR, paybacks.

    Net present values add; internal rates do not, so the rate is that of the summed flows. In `currency`
    (the first one's when none is named) at the rates of the price dates; simple payback is of the
    first year's savings. Refused: none, currencies without a rate. Raises ConfigError for different
    discount rates, escalations or terms.
    """
    if not appraisals:
        return refuse_missing("An appraisal", "kết quả đánh giá đầu tư")
    judged = {(one.rate_pct, one.escalation_pct, one.terms) for one in appraisals}
    if len(judged) > 1:
        raise ConfigError(
            "appraisals at different rates, escalations or terms don't add up.",
            todo="Appraise all options of a programme at one rate, escalation and terms.",
        )
    wanted = currency or appraisals[0].currency
    first = appraisals[0]
    flows = [0.0] * max(len(one.flows) for one in appraisals)
    units = []
    for one in appraisals:
        unit = converted(Money(1.0, one.currency, one.price_date), wanted, rates)
        if isinstance(unit, Refusal):
            return unit
        units.append(unit)
        for year, flow in enumerate(one.flows):
            flows[year] += flow * unit.amount
    whole = money_sum(units)
    if isinstance(whole, Refusal):
        return whole
    return Appraisal(
        wanted,
        whole.price_date,
        tuple(flows),
        first.rate_pct,
        first.escalation_pct,
        first.terms,
        net_present_value(flows, first.rate_pct),
        internal_rate_pct(flows),
        months_of(-flows[0], flows[1], wanted) if len(flows) > 1 else refuse_no_saving(0.0, wanted),
        discounted_payback_months(flows, first.rate_pct),
    )
