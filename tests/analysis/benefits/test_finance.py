"""Money: paybacks, present values and rates that never lie, currencies and price versions."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.benefits import (
    ExchangeRate,
    Money,
    Price,
    amount,
    appraise,
    at_prices_of,
    converted,
    discounted_payback_months,
    internal_rate_pct,
    money_sum,
    net_present_value,
    priced,
    real_rate_pct,
    simple_payback_months,
)
from analysis.results import Refusal
from dodac.errors import ConfigError

USD_2003 = ExchangeRate("USD", "VND", 15_500.0, date(2003, 12, 20), "a bank")


def usd(value, day="2003"):
    return Money(value, "USD", day)


def test_simple_payback_is_in_months():
    assert simple_payback_months(usd(650_000), usd(2_435_000)) == pytest.approx(3.2033, abs=1e-4)
    assert simple_payback_months(usd(0), usd(1)) == 0.0


@pytest.mark.parametrize("saving", [0.0, -5.0, 1e-320, float("nan"), float("inf")])
def test_an_investment_that_never_comes_back_has_a_reason_instead_of_infinity(saving):
    assert isinstance(simple_payback_months(usd(100), usd(saving)), Refusal)


def test_a_negative_investment_is_refused():
    assert simple_payback_months(usd(-1), usd(10)).code == "negative_investment"


def test_net_present_value_of_textbook_flows():
    # −1000 and 500, 400, 300, 100 at 10 %: 78.82 (textbook annuity factors 0.9091, 0.8264, 0.7513, 0.6830)
    assert net_present_value([-1000, 500, 400, 300, 100], 10) == pytest.approx(78.82, abs=0.01)
    assert internal_rate_pct([-1000, 500, 400, 300, 100]) == pytest.approx(14.4888, abs=1e-3)


def test_several_rates_are_said_and_none_is_said():
    # the pump of Lorie and Savage: 25 % and 400 %
    several = internal_rate_pct([-1600, 10_000, -10_000])
    assert several.code == "several_rates"
    assert "25.00 %" in several.en
    assert "400.00 %" in several.en
    assert "25,00 %" in several.vi
    assert internal_rate_pct([-100, 200, -150]).code == "no_rate"
    assert internal_rate_pct([-100, 0, 0]).code == "no_rate"
    assert internal_rate_pct([100, 100]).code == "no_rate"
    assert internal_rate_pct([-100, 200, -100]) == pytest.approx(0.0, abs=1e-3)  # touches once


def test_a_loss_has_a_rate_below_zero():
    assert internal_rate_pct([-100, 10, 10]) == pytest.approx(-62.98, abs=0.01)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.floats(1, 1e4), st.lists(st.floats(0.1, 1e4), min_size=1, max_size=40), st.floats(-50, 500))
def test_at_the_internal_rate_the_present_value_is_zero(investment, savings, rate):
    flows = [-investment, *savings]
    found = internal_rate_pct(flows)
    if isinstance(found, Refusal):  # beyond a million percent
        assert sum(savings) / investment > 1e3
    else:
        size = sum(abs(flow) / (1 + found / 100) ** year for year, flow in enumerate(flows))
        assert abs(net_present_value(flows, found)) <= 1e-6 * size
        worth = net_present_value(flows, rate)
        if abs(rate - found) > 1e-3:
            assert (worth > 0) == (rate < found)


def test_discounted_payback_is_later_than_simple_and_equal_without_discount():
    flows = [-1000.0, *[400.0] * 5]
    assert discounted_payback_months(flows, 0) == pytest.approx(30.0)
    assert discounted_payback_months(flows, 10) > 30.0
    assert discounted_payback_months(flows, 50).code == "not_paid_back"
    # an overhaul in year 4 takes it below zero again: paid back only after it
    assert discounted_payback_months([-100, 60, 60, -50, 60], 0) == pytest.approx(36 + 12 * 30 / 60)
    assert discounted_payback_months([10, 5], 5) == 0.0


def test_escalation_and_terms_are_said_aloud():
    made = appraise(usd(1000), usd(300), 5, rate_pct=8, escalation_pct=3, terms="nominal", rest_value=50)
    assert made.flows == pytest.approx((-1000, 300, 309, 318.27, 327.8181, 337.652643 + 50))
    assert made.npv == pytest.approx(net_present_value(made.flows, 8))
    assert (made.terms, made.escalation_pct) == ("nominal", 3)
    assert made.payback_months == pytest.approx(40.0)
    with pytest.raises(ConfigError, match="neither nominal nor real"):
        appraise(usd(1000), usd(300), 5, rate_pct=8, escalation_pct=3, terms="both")
    assert real_rate_pct(8, 3) == pytest.approx(100 * (1.08 / 1.03 - 1))


def test_no_saving_still_says_what_it_costs():
    made = appraise(usd(1000), usd(0), 5, rate_pct=8, escalation_pct=0, terms="real")
    assert made.npv == pytest.approx(-1000)
    assert made.payback_months.code == "no_saving"
    assert made.irr_pct.code == "no_rate"
    assert made.discounted_payback_months.code == "not_paid_back"


def test_impossible_rates_are_refused_by_name():
    for rate in (-100.0, -250.0, float("nan"), -99.999999999999):
        with pytest.raises(ConfigError, match="discount rate"):
            net_present_value([-1.0, *[1.0] * 30], rate)


def test_dong_and_dollars_need_the_rate_of_their_day():
    assert simple_payback_months(usd(100), Money(15_500 * 400, "VND", "2003")).code == "no_exchange_rate"
    months = simple_payback_months(usd(100), Money(15_500 * 400, "VND", "2003"), [USD_2003])
    assert months == pytest.approx(3.0)
    assert converted(usd(2), "VND", [USD_2003]) == Money(31_000.0, "VND", "2003")
    late = converted(usd(2, "2004-06-01"), "VND", [USD_2003])
    assert late.code == "no_exchange_rate"  # half a year old
    assert converted(usd(2, "2004-01-10"), "VND", [USD_2003]).amount == 31_000.0
    assert converted(usd(2, "2002"), "VND", [USD_2003]).code == "no_exchange_rate"


def test_the_newest_rate_of_the_days_counts():
    rates = [USD_2003, ExchangeRate("VND", "USD", 1 / 16_000, date(2003, 12, 28), "a bank")]
    assert converted(usd(1), "VND", rates).amount == pytest.approx(16_000)


def test_sums_keep_the_span_of_price_dates():
    assert money_sum([usd(1, "2003"), usd(2, "2005-06")]) == Money(3.0, "USD", "2003/2005-06")
    assert money_sum([usd(1), Money(1, "VND", "2003")]).code == "no_exchange_rate"
    assert money_sum([]).code == "missing"
    assert converted(money_sum([usd(1, "2003"), usd(2, "2003-06")]), "VND", [USD_2003]).amount == 46_500.0


def test_inflation_moves_the_price_date_and_is_given():
    made = at_prices_of(usd(100, "2003"), "2005", 10)
    assert made.amount == pytest.approx(121.0, rel=1e-3)
    assert made.price_date == "2005"
    with pytest.raises(ConfigError, match="no price date"):
        at_prices_of(usd(1, "lately"), "2005", 10)


def test_a_price_that_changes_inside_the_period_is_never_averaged_silently():
    first = Price(
        "electricity", Money(1_800_000, "VND", "2024-10-11"), date(2024, 10, 11), date(2025, 5, 9), "1046"
    )
    second = Price("electricity", Money(1_899_000, "VND", "2025-05-10"), date(2025, 5, 10), None, "1279")
    saved = [amount("electricity", 10_000, "kWh", "measured")]
    inside = priced(saved, [first, second], date(2025, 6, 1), date(2025, 6, 30))
    assert inside == Money(18_990_000.0, "VND", "2025-05-10")
    across = priced(saved, [first, second], date(2025, 4, 1), date(2025, 6, 30))
    assert across.code == "price_versions"
    assert "1046" in across.en
    assert priced(saved, [], date(2025, 4, 1), date(2025, 6, 30)).code == "missing"


def test_results_are_always_finite():
    made = appraise(usd(1e-9), usd(1e12), 30, rate_pct=5, escalation_pct=5, terms="real")
    assert isinstance(made.irr_pct, Refusal) or math.isfinite(made.irr_pct)
    assert math.isfinite(made.npv)


def test_two_rates_of_one_day_that_differ_are_refused():
    day = date(2022, 12, 15)
    rates = [ExchangeRate("USD", "VND", rate, day, "bank") for rate in (23_000.0, 24_000.0)]
    assert converted(Money(1.0, "USD", "2022"), "VND", rates).code == "rates_differ"
    both_ways = [rates[0], ExchangeRate("VND", "USD", 1 / 23_000.0, day, "bank")]
    assert converted(Money(1.0, "USD", "2022"), "VND", both_ways).amount == pytest.approx(23_000.0)


def test_a_life_of_half_years_is_named():
    with pytest.raises(ConfigError, match=r"2\.5 years"):
        appraise(
            Money(1.0, "VND", "2022"),
            Money(1.0, "VND", "2022"),
            2.5,
            rate_pct=10,
            escalation_pct=0,
            terms="real",
        )
