"""Benefits against figures that others printed, and against a second calculation that shares no code."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.benefits import (
    Discount,
    ExchangeRate,
    Factors,
    Money,
    OptionResult,
    against,
    amount,
    appraise,
    benefits,
    carbon_factor,
    discounted_payback_months,
    grid_factor,
    internal_rate_pct,
    key_energy_user,
    net_present_value,
    norm,
    real_rate_pct,
    simple_payback_months,
    summed,
    toe_factor,
    together,
)
from analysis.results import Refusal
from dodac.errors import ConfigError

YEAR = (date(2022, 1, 1), date(2022, 12, 31))
EXCEL_IRR = [-70_000, 12_000, 15_000, 18_000, 21_000, 26_000]


def eur(value, day="2022"):
    return Money(value, "EUR", day)


@pytest.mark.parametrize(
    ("flows", "rate", "worth", "source"),
    [
        ([0, -10_000, 3_000, 4_200, 6_800], 10, 1188.44, "Microsoft, function NPV, example 1 (first flow a year away)"),
        ([-40_000, 8_000, 9_200, 10_000, 12_000, 14_500], 8, 1922.06, "Microsoft, function NPV, example 2"),
        ([-40_000, 8_000, 9_200, 10_000, 12_000, 14_500, -9_000], 8, -3749.47, "the same, a loss in year 6"),
        ([-2_000, 500, 500, 5_000], 10, 2624, "Brealey, Myers, Allen, chapter 5, project A"),
        ([-2_000, 500, 1_800, 0], 10, -58, "the same, project B"),
        ([-2_000, 1_800, 500, 0], 10, 50, "the same, project C"),
        ([-30, *[10] * 9, -65], 10, 2.53, "the same, a strip mine that is cleaned up at its end"),
        ([1_000, -3_000, 2_500], 10, 339, "the same, a project without any internal rate"),
        ([-100, 39, 59, 55, 20], 28.1, -0.0085, "numpy-financial, function npv"),
        ([-5, 10, 20], 0, 25, "rate of zero: the plain sum"),
    ],
)  # fmt: skip
def test_a_present_value_is_the_one_in_print(flows, rate, worth, source):
    digits = 0.5 if abs(worth) > 40 and worth == round(worth) else 0.005
    assert net_present_value(flows, rate) == pytest.approx(worth, abs=digits), source


@pytest.mark.parametrize(
    ("flows", "rate", "source"),
    [
        (EXCEL_IRR[:3], -44.4, "Microsoft, function IRR, after two years"),
        (EXCEL_IRR[:5], -2.1, "the same, after four years"),
        (EXCEL_IRR, 8.7, "the same, after five years"),
        ([-100, 39, 59, 55, 20], 28.095, "numpy-financial, function irr"),
        ([-100, 0, 0, 74], -9.55, "the same"),
        ([-100, 100, 0, 7], 6.21, "the same"),
    ],
)
def test_an_internal_rate_is_the_one_in_print(flows, rate, source):
    assert internal_rate_pct(flows) == pytest.approx(rate, abs=0.051), source


@pytest.mark.parametrize(
    ("flows", "rates", "source"),
    [
        ([-30, *[10] * 9, -65], ("3.50 %", "19.54 %"), "Brealey, Myers, Allen, chapter 5"),
        ([-4_000, 25_000, -25_000], ("25.00 %", "400.00 %"), "the same, earlier editions"),
        # numpy-financial prints one of them, −8.33 % and 8.86 %, and nothing of the others
        ([-100, 100, 0, -7], ("−67.89 %", "−8.33 %"), "numpy-financial, function irr"),
        ([-5, 10.5, 1, -8, 1], ("−87.02 %", "8.86 %", "70.96 %"), "numpy-financial, function irr"),
    ],
)
def test_several_internal_rates_are_all_named(flows, rates, source):
    found = internal_rate_pct(flows)
    assert isinstance(found, Refusal), source
    assert found.code == "several_rates"
    assert all(rate in found.en for rate in rates), found.en
    assert found.data["count"] == len(rates)


def test_no_internal_rate_is_said():
    found = internal_rate_pct([1_000, -3_000, 2_500])
    assert isinstance(found, Refusal)
    assert found.code == "no_rate"


@pytest.mark.parametrize(("flows", "per_year"), [([-1, 1e7], 12), ([-1, 2], 365), ([-1e-9, 1e12], 1)])
def test_a_rate_beyond_any_use_is_said_to_be_that_and_not_to_be_missing(flows, per_year):
    found = internal_rate_pct(flows, per_year)
    assert isinstance(found, Refusal)
    assert found.code == "rate_too_high"
    assert "1,000,000 %" in found.en
    assert "1.000.000 %" in found.vi


def test_paybacks_of_the_textbook():
    # Brealey, Myers, Allen, chapter 5: B is paid back in the second year, A in the third, C in the second
    assert discounted_payback_months([-2_000, 500, 500, 5_000], 0) == pytest.approx(24 + 12 * 1_000 / 5_000)
    assert discounted_payback_months([-2_000, 500, 1_800, 0], 0) == pytest.approx(12 + 12 * 1_500 / 1_800)
    assert discounted_payback_months([-2_000, 1_800, 500, 0], 10) == pytest.approx(
        22.56
    )  # 12 + 12·363.64/413.22
    never = discounted_payback_months([-2_000, 500, 1_800, 0], 10)
    assert isinstance(never, Refusal)
    assert never.en == "Discounted at 10 %, it is not paid back within 3 years."


def test_monthly_flows_have_the_effective_rate_of_a_year():
    # a loan of 10 000 over twelve months at 1 % a month: 888.49 a month; effective 12.6825 % a year
    flows = [-10_000, *[888.4879] * 12]
    assert internal_rate_pct(flows, per_year=12) == pytest.approx(12.6825, abs=1e-3)
    assert net_present_value(flows, 12.682503, per_year=12) == pytest.approx(0.0, abs=0.01)
    assert discounted_payback_months([-1_200, *[100] * 24], 0, per_year=12) == pytest.approx(12.0)
    # the same flows once a year and in a grid of months
    yearly, grid = [-100.0, 60.0, 60.0], [-100.0, *[0.0] * 11, 60.0, *[0.0] * 11, 60.0]
    assert internal_rate_pct(grid, 12) == pytest.approx(internal_rate_pct(yearly), rel=1e-6)
    assert net_present_value(grid, 7, 12) == pytest.approx(net_present_value(yearly, 7), rel=1e-12)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ConfigError, match="flows a year"):
            net_present_value([-1.0, 2.0], 5, wrong)


def test_a_lighting_example_of_electrical_contractors():
    # ECA Today, March 2013: 100 lamps of £450, 0.5 to 0.2 kW, 3 120 h, 10 p: 93 600 kWh, £9 360, 4.8 years
    saved = 100 * (0.5 - 0.2) * 10 * 6 * 52
    option = OptionResult(
        "lamps", *YEAR, amounts=(amount("electricity", saved, "kWh", "estimated"),),
        investment=Money(45_000, "GBP", "2013"), saving_per_year=Money(saved * 0.10, "GBP", "2013"),
    )  # fmt: skip
    made = benefits(option)
    assert made.cells["electricity"].value == pytest.approx(93.6)
    assert made.payback_months == pytest.approx(12 * 4.8, abs=0.12)


def test_a_lighting_example_of_a_lesson():
    # electrical-engineering.app, question 14522: 10 000 over 2 000 a year is five years
    assert simple_payback_months(Money(10_000, "USD", "2024"), Money(2_000, "USD", "2024")) == pytest.approx(
        60.0
    )


def test_fishers_real_rate():
    assert real_rate_pct(8, 3) == pytest.approx(4.854, abs=5e-4)
    nominal = appraise(eur(1000), eur(300 * 1.03), 5, rate_pct=8, escalation_pct=3, terms="nominal")
    real = appraise(eur(1000), eur(300), 5, rate_pct=real_rate_pct(8, 3), escalation_pct=0, terms="real")
    assert nominal.npv == pytest.approx(real.npv)  # Fisher: both terms give one present value


@pytest.mark.parametrize(
    ("fuel", "grade", "t_per_t"),
    [
        ("coal", "anthracite", 26.7 * 98.3),
        ("coal", "lignite", 11.9 * 101.0),
        ("fuel_oil", None, 40.4 * 77.4),
        ("diesel", None, 43.0 * 74.1),
        ("lpg", None, 47.3 * 63.1),
        ("biomass", "wood", 15.6 * 112.0),
    ],
)
def test_tonnes_of_co2_per_tonne_of_fuel_by_equation_2_1_of_the_ipcc(fuel, grade, t_per_t):
    # 2006 IPCC Guidelines, volume 2, equation 2.1 with tables 1.2 and 1.4: fuel · TJ/Gg · kg/TJ
    assert carbon_factor(fuel, grade).value == pytest.approx(t_per_t / 1000, rel=1e-12)


@pytest.mark.parametrize(
    ("fuel", "grade", "kg_per_mwh", "ncv"),
    [
        ("coal", "lignite", 364, 11.9),
        ("fuel_oil", None, 279, 40.4),
        ("natural_gas", None, 202, 48.0 * 0.75 / 1000),
        ("biomass", "wood", 403, 15.6),
    ],
)
def test_co2_per_mwh_of_fuel_is_what_a_journal_prints_after_the_ipcc(fuel, grade, kg_per_mwh, ncv):
    # https://cbmjournal.biomedcentral.com/articles/10.1186/s13021-016-0046-9/tables/1
    assert 1000 * carbon_factor(fuel, grade).value / (ncv / 3.6) == pytest.approx(kg_per_mwh, abs=0.5)


def test_the_threshold_of_key_energy_users_in_electricity():
    # 1 000 TOE at 0.1543 TOE/MWh: 6.48 million kWh
    per_mwh = toe_factor("electricity", None, None, date(2022, 1, 1)).value
    assert 1000 / per_mwh == pytest.approx(6481, abs=1)
    assert key_energy_user(6_481 * per_mwh, "industry", date(2022, 1, 1))
    assert not key_energy_user(6_480 * per_mwh, "industry", date(2022, 1, 1))


def days_mean(start, end, values):
    """The mean of yearly values by days, one day at a time."""
    day, total, days = start, Fraction(0), 0
    while day <= end:
        total += Fraction(str(values[day.year]))
        days += 1
        day += timedelta(days=1)
    return float(total / days)


PRINTED = {2014: 0.6612, 2015: 0.8154, 2016: 0.9185, 2017: 0.8649, 2018: 0.9130, 2019: 0.8458, 2020: 0.8041, 2021: 0.7221, 2022: 0.6766, 2023: 0.6592}  # fmt: skip


@pytest.mark.parametrize("year", PRINTED)
def test_the_grid_factor_is_the_published_one_on_the_first_and_the_last_day_of_its_year(year):
    # https://www.climatechange.vn, Viet Nam's 2023 updated grid emission factor, table 1
    for day in (date(year, 1, 1), date(year, 12, 31)):
        assert grid_factor(day, day).value == PRINTED[year]


@pytest.mark.parametrize("day", [date(2013, 12, 31), date(2003, 6, 1), date(2024, 1, 1), date(2040, 1, 1)])
def test_a_day_before_the_first_or_after_the_last_letter_has_no_grid_factor(day):
    found = grid_factor(day, day)
    assert isinstance(found, Refusal)
    assert "vn-20" in found.en  # what could stand in is named


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.dates(date(2014, 1, 1), date(2023, 12, 31)), st.integers(1, 1200))
def test_a_period_over_several_years_takes_their_mean_by_days(start, days):
    end = min(start + timedelta(days=days - 1), date(2023, 12, 31))
    assert grid_factor(start, end).value == pytest.approx(days_mean(start, end, PRINTED), rel=1e-12)


@pytest.mark.parametrize(
    ("product", "capacity", "day", "value"),
    [
        ("beer", 19.9, date(2016, 10, 31), None),
        ("beer", 19.9, date(2016, 11, 1), 306),
        ("beer", 20, date(2020, 12, 31), 215),
        ("beer", 100, date(2021, 1, 1), 196),
        ("beer", 100.1, date(2025, 12, 31), 129),
        ("beer", 100.1, date(2026, 1, 1), None),
        ("catfish", 300, date(2019, 2, 17), None),
        ("catfish", 300, date(2019, 2, 18), 1050),
        ("pig_iron", None, date(2020, 12, 31), 14_000),
        ("pig_iron", None, date(2021, 1, 1), 12_400),
        ("sugar", None, date(2024, 1, 1), None),
    ],
)
def test_a_norm_counts_from_its_first_to_its_last_day(product, capacity, day, value):
    found = norm(product, day, capacity)
    if value is None:
        assert isinstance(found, Refusal)
        assert found.en
        assert found.vi
    else:
        assert found.value == value
        assert against(value, found.unit, found).met
        assert not against(value * 1.001, found.unit, found).met


def test_a_norm_whose_figure_nobody_saw_is_refused_by_its_document():
    found = norm("sugar", date(2024, 1, 1))
    assert found.code == "norm_figure_not_seen"
    assert "39/2019/TT-BCT" in found.en


@pytest.mark.parametrize(
    ("day", "known"), [(date(2011, 4, 18), False), (date(2011, 4, 19), True), (date(2040, 1, 1), True)]
)
def test_oil_equivalents_count_from_the_day_of_their_letter(day, known):
    assert isinstance(toe_factor("diesel", None, None, day), Refusal) is not known


def own_npv(flows, rate_pct):
    factor = 1 / (1 + Fraction(rate_pct) / 100)
    return float(sum(Fraction(flow) * factor**year for year, flow in enumerate(flows)))


def own_rates(flows):
    """Rates at which the present value changes its sign, by walking over 200 000 rates."""
    factors = np.geomspace(1e-4, 1e4, 200_001)
    values = np.zeros_like(factors)
    for flow in reversed(flows):
        values = values * factors + flow
    turns = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    return sorted(100 * (1 / np.sqrt(factors[turns] * factors[turns + 1]) - 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=15), st.integers(-50, 300))
def test_a_second_calculation_in_exact_fractions_gives_the_same_present_value(flows, rate):
    size = sum(abs(own_npv([abs(flow)], 0)) for flow in flows) + 1
    worst = max(1.0, (1 / (1 + rate / 100)) ** len(flows))
    assert net_present_value([float(flow) for flow in flows], rate) == pytest.approx(
        own_npv(flows, rate), rel=1e-9, abs=1e-11 * size * worst
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=12))
def test_a_walk_over_all_rates_finds_the_same_internal_rates(flows):
    assume(flows[0] != 0)
    assume(flows[-1] != 0)
    walked = own_rates(flows)
    # roots that touch or nearly meet are no fair question to a walk
    assume(all(b - a > 0.5 + 1e-3 * abs(b) for a, b in itertools.pairwise(walked)))
    found = internal_rate_pct([float(flow) for flow in flows])
    if isinstance(found, float):
        assert walked == [pytest.approx(found, abs=0.02 * (1 + abs(found) / 100))] or not walked
    elif found.code == "several_rates":
        assert len(walked) <= int(found.data["count"])
    else:
        assert not walked


def test_a_programme_is_appraised_by_its_summed_flows():
    judged = {"rate_pct": 10.0, "escalation_pct": 0.0, "terms": "real"}
    short = appraise(eur(100), eur(60), 2, **judged)
    long = appraise(eur(1000), eur(200), 10, **judged)
    both = together([short, long])
    assert both.flows == (-1100, 260, 260, *[200] * 8)
    assert both.npv == pytest.approx(short.npv + long.npv)
    assert own_npv([-1100, 260, 260, *[200] * 8], 10) == pytest.approx(both.npv)
    assert internal_rate_pct(list(both.flows)) == both.irr_pct
    assert min(short.irr_pct, long.irr_pct) <= both.irr_pct <= max(short.irr_pct, long.irr_pct)
    with pytest.raises(ConfigError, match="different"):
        together([short, appraise(eur(1), eur(1), 3, rate_pct=8.0, escalation_pct=0.0, terms="real")])
    assert isinstance(together([]), Refusal)
    dong = appraise(Money(25_000, "VND", "2022"), Money(25_000, "VND", "2022"), 2, **judged)
    assert together([short, dong]).code == "no_exchange_rate"
    rate = ExchangeRate("EUR", "VND", 25_000.0, date(2022, 6, 1), "a bank")
    assert together([short, dong], rates=[rate]).flows == pytest.approx((-101, 61, 61))


def test_a_row_and_its_sum_carry_the_appraisal_that_was_asked_for():
    discount = Discount(10, 12.0)
    rows = [
        benefits(
            OptionResult(name, *YEAR, investment=eur(cost), saving_per_year=eur(saves)), discount=discount
        )
        for name, cost, saves in (("a", 1000, 300), ("b", 500, 400))
    ]
    nothing = benefits(OptionResult("c", *YEAR), discount=discount)
    assert nothing.appraisal.code == "missing"
    (whole,) = summed([*rows, nothing])
    # annuity factor of ten years at 12 %: 5.650223 (any table of annuities)
    assert rows[0].appraisal.npv == pytest.approx(300 * 5.650223 - 1000, abs=1e-3)
    assert whole.appraisal.npv == pytest.approx(700 * 5.650223 - 1500, abs=1e-3)
    assert "payback_partial" in {finding.code for finding in whole.findings}
    assert benefits(OptionResult("d", *YEAR)).appraisal is None


def test_two_options_on_one_meter_at_one_time_may_count_twice_and_the_sum_says_so():
    def option(name, start, end, meter="mains", company="x"):
        return benefits(
            OptionResult(
                name, start, end, amounts=(amount("electricity", 100, "MWh", "verified", half_width=5),),
                company=company, meter=meter,
            )
        )  # fmt: skip

    first = option("lamps", *YEAR)
    for other, twice in (
        (option("motors", date(2022, 12, 31), date(2023, 6, 1)), True),
        (option("motors", date(2023, 1, 1), date(2023, 6, 1)), False),
        (option("motors", *YEAR, meter="hall 2"), False),
        (option("motors", *YEAR, company="y"), False),
        (option("motors", *YEAR, meter=""), False),
    ):
        (whole,) = summed([first, other])
        said = [finding for finding in whole.findings if finding.code == "counted_twice"]
        assert bool(said) is twice
        assert all("lamps" in finding.vi and "mains" in finding.vi for finding in said)


def test_the_factor_of_the_period_is_not_that_of_the_day_it_is_computed():
    for year, value in PRINTED.items():
        made = benefits(
            OptionResult("a", date(year, 1, 1), date(year, 12, 31), amounts=(amount("electricity", 1000, "MWh", "measured"),)),
            Factors(),
        )  # fmt: skip
        assert made.cells["co2"].value == pytest.approx(1000 * value)


def test_an_option_in_several_rows_is_invested_in_once():
    # a kiln from coal to gas: two meters, two plans, one investment; four quarters of one option
    cost = Money(900e6, "VND", "2022")
    rows = [
        benefits(
            OptionResult("kiln", *YEAR, amounts=(one,), investment=cost, saving_per_year=Money(saves, "VND", "2022")),
            Factors(grades={"coal": "anthracite"}), discount=Discount(5, 0.0),
        )
        for one, saves in (
            (amount("coal", 120, "t", "measured"), 1000e6),
            (amount("natural_gas", -60_000, "Nm3", "measured", increase=True), -600e6),
        )
    ]  # fmt: skip
    (whole,) = summed(rows)
    assert whole.investment == cost
    assert whole.payback_months == pytest.approx(12 * 900 / 400)
    assert whole.appraisal.npv == pytest.approx(5 * 400e6 - 900e6)
    assert "invested_once" in {finding.code for finding in whole.findings}
    other = benefits(OptionResult("kiln", *YEAR, investment=cost, company="another"))
    assert summed([rows[0], other])[0].investment.amount == 1800e6
