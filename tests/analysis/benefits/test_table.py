"""The benefit table: signs, evidence classes, periods, sums."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.benefits import (
    COLUMNS,
    EvidenceClass,
    ExchangeRate,
    Factors,
    Figure,
    Money,
    OptionResult,
    PlantFuel,
    Total,
    amount,
    benefits,
    in_currency,
    summed,
    total,
)
from analysis.results import Refusal
from dodac.errors import ConfigError, DataError

YEAR = (date(2022, 1, 1), date(2022, 12, 31))
QUARTER = (date(2022, 1, 1), date(2022, 3, 31))
FACTORS = Factors(grades={"coal": "anthracite"}, toe_grades={"coal": "cam_3_4"})


def vnd(value):
    return Money(value, "VND", "2022")


def option(name="a", period=YEAR, amounts=(), **more):
    return OptionResult(name, *period, amounts=tuple(amounts), **more)


def test_a_kiln_from_coal_to_gas_adds_gas_and_still_saves_carbon():
    kiln = option(
        amounts=[
            amount("coal", 120, "t", "measured"),
            amount("natural_gas", -60_000, "Nm3", "measured", increase=True),
        ]
    )
    row = benefits(kiln, FACTORS)
    assert row.cells["natural_gas"].value == -60_000
    expected = 120 * 26.7 * 98.3 / 1000 - 60_000 * 48 * 56.1 * 0.75 / 1e6
    assert row.cells["co2"].value == pytest.approx(expected)
    assert row.cells["toe"].value == pytest.approx(120 * 0.60 - 60 * 0.90)
    assert row.cells["electricity"] is None


def test_biogenic_carbon_is_never_added_to_fossil():
    row = benefits(
        option(
            amounts=[
                amount("coal", 10, "t", "measured"),
                amount("biomass", -20, "t", "measured", grade="wood", increase=True),
            ]
        ),
        FACTORS,
    )
    assert row.cells["co2"].value == pytest.approx(10 * 26.7 * 0.0983)
    assert row.cells["co2_biogenic"].value == pytest.approx(-20 * 15.6 * 0.112)


def test_a_quarter_is_never_multiplied_by_four():
    row = benefits(option(period=QUARTER, investment=vnd(100), saving=vnd(50)), FACTORS)
    assert row.saving == vnd(50)
    assert isinstance(row.saving_per_year, Refusal)
    assert row.saving_per_year.code == "not_a_year"
    assert row.payback_months.code == "not_a_year"
    normal = benefits(
        option(period=QUARTER, investment=vnd(100), saving=vnd(50), saving_per_year=vnd(120)), FACTORS
    )
    assert normal.payback_months == pytest.approx(10.0)
    year = benefits(option(investment=vnd(100), saving=vnd(50)), FACTORS)
    assert year.payback_months == pytest.approx(24.0)


def test_period_and_normal_year_stand_in_columns_of_their_own():
    row = benefits(
        option(
            period=QUARTER,
            amounts=[amount("electricity", 40, "MWh", "verified")],
            normal_year=(amount("electricity", 150, "MWh", "estimated"),),
        ),
        FACTORS,
    )
    assert (row.cells["electricity"].value, row.normal_year["electricity"].value) == (40, 150)
    assert row.normal_year["co2"].value == pytest.approx(150 * 0.6766)
    (whole,) = summed([row, row])
    assert (whole.cells["electricity"].value, whole.normal_year["electricity"].value) == (80, 300)


def test_evidence_classes_are_shown_apart_in_every_sum():
    rows = [
        benefits(option(name, amounts=[amount("electricity", value, "MWh", evidence)]), FACTORS)
        for name, value, evidence in (("a", 10, "verified"), ("b", 5, "reported"), ("c", 1, "reported"))
    ]
    (whole,) = summed(rows)
    cell = whole.cells["electricity"]
    assert [(part.evidence, part.value, part.count) for part in cell.parts] == [
        (EvidenceClass.REPORTED, 6, 2),
        (EvidenceClass.VERIFIED, 10, 1),
    ]
    assert whole.cells["co2"].of(EvidenceClass.REPORTED) == pytest.approx(6 * 0.6766)
    mixed = next(finding for finding in whole.findings if finding.code == "classes_mixed")
    assert "đã kiểm chứng" in mixed.vi
    assert "verified" not in mixed.vi
    assert summed(rows[1:])[0].findings == ()


def test_one_factor_in_many_options_errs_in_all_of_them_together():
    coal = [amount("coal", 100, "t", "measured", half_width=3) for _ in range(2)]
    one = benefits(option(amounts=coal[:1]), FACTORS).cells["co2"]
    two = summed([benefits(option("x", amounts=[item]), FACTORS) for item in coal])[0].cells["co2"]
    factor = 26.7 * 0.0983
    shared = one.parts[0].shared["anthracite"]
    assert one.half_width == pytest.approx(math.hypot(3 * factor, shared))
    assert two.half_width == pytest.approx(math.hypot(3 * factor * math.sqrt(2), 2 * shared))


def test_a_switch_between_fuels_of_one_meter_cancels_its_error():
    meter = {"scale 1": 2.0}
    figures = [
        Figure(100, "t", EvidenceClass.MEASURED, 0.0, meter),
        Figure(-100, "t", EvidenceClass.MEASURED, 0.0, {"scale 1": -2.0}),
    ]
    assert total(figures).half_width == 0


def test_the_error_of_one_meter_goes_with_it_into_emissions():
    power = [
        amount("electricity", 100, "MWh", "measured", half_width=0, shared={"meter 7": 2.0}) for _ in range(2)
    ]
    cell = benefits(option(amounts=power), FACTORS).cells["co2"]
    assert cell.parts[0].shared == {"meter 7": pytest.approx(2 * 2.0 * 0.6766)}
    assert cell.half_width == pytest.approx(2 * 2.0 * 0.6766)


def test_an_unknown_uncertainty_makes_the_sums_unknown_not_zero():
    cells = total([Figure(1, "t", EvidenceClass.MEASURED, 0.1), Figure(1, "t", EvidenceClass.MEASURED, None)])
    assert cells.half_width is None


def test_what_has_no_factor_leaves_the_sum_incomplete_and_says_so():
    fuels = [amount("coal", 10, "t", "measured"), amount("fuel_oil", 10, "t", "measured")]
    row = benefits(option(amounts=fuels))
    cell = row.cells["co2"]
    assert not cell.complete
    assert cell.refused[0].code == "choose_factor"
    assert "partial_emission" in {finding.code for finding in cell.findings}
    (whole,) = summed([row, benefits(option("b", amounts=fuels), FACTORS)])
    assert not whole.cells["co2"].complete
    nothing = benefits(option(amounts=fuels[:1]))
    assert isinstance(nothing.cells["co2"], Refusal)


def test_an_amount_that_was_refused_is_missed_where_it_would_have_counted():
    row = benefits(
        option(amounts=[amount("electricity", 1, "MWh", "measured"), amount("coal", -1, "t", "measured")]),
        FACTORS,
    )
    assert row.cells["coal"].code == "negative_saving"
    assert not row.cells["co2"].complete
    assert row.cells["dust"].code == "negative_saving"
    assert row.cells["electricity"].complete
    assert row.cells["water"] is None


def test_what_was_reported_stays_and_the_computed_figure_stands_beside_it():
    row = benefits(
        option(
            amounts=[amount("electricity", 1000, "MWh", "measured")],
            given={"co2": Figure(900, "t", EvidenceClass.REPORTED)},
        ),
        FACTORS,
    )
    assert row.cells["co2"].value == 900
    (finding,) = row.findings
    assert finding.code == "given_differs"
    assert finding.data["computed"] == pytest.approx(676.6)
    with pytest.raises(ConfigError, match="no column"):
        benefits(option(given={"co3": Figure(1, "t", EvidenceClass.REPORTED)}))
    with pytest.raises(ConfigError, match="is in t"):
        benefits(option(given={"co2": Figure(1, "kg", EvidenceClass.REPORTED)}))


def test_portfolio_payback_is_sum_over_sum_of_those_that_have_both():
    rows = [
        benefits(option("a", investment=vnd(100), saving=vnd(10)), FACTORS),
        benefits(option("b", investment=vnd(100), saving=vnd(90)), FACTORS),
        benefits(option("c", saving=vnd(500)), FACTORS),
    ]
    (whole,) = summed(rows)
    assert whole.payback_months == pytest.approx(12 * 200 / 100)  # not the mean of 120 and 13.3
    assert whole.saving_per_year == vnd(600)
    assert "payback_partial" in {finding.code for finding in whole.findings}
    assert whole.options == 3
    alone = summed(rows[2:])[0]
    assert alone.payback_months.code == "missing"
    with pytest.raises(ConfigError, match="not sums"):
        summed([whole])


def test_sums_by_company_and_province_keep_their_names():
    rows = [
        benefits(option(name, amounts=[amount("water", 1, "m3", "measured")], company=c, province=p), FACTORS)
        for name, c, p in (("1", "A", "X"), ("2", "B", "X"), ("3", "A", "X"))
    ]
    found = summed(rows, "company")
    assert [(row.id, row.options, row.province) for row in found] == [("A", 2, "X"), ("B", 1, "X")]
    assert summed(rows, "province")[0].cells["water"].value == 3
    assert summed(rows, "province")[0].company == ""
    with pytest.raises(ConfigError, match="summed by"):
        summed(rows, "street")


def test_two_currencies_in_one_portfolio_need_a_rate():
    rows = [
        benefits(option("a", investment=vnd(2_400_000), saving=vnd(2_400_000)), FACTORS),
        benefits(option("b", investment=Money(100, "USD", "2022"), saving=Money(50, "USD", "2022")), FACTORS),
    ]
    (without,) = summed(rows)
    assert without.investment.code == without.payback_months.code == "no_exchange_rate"
    rate = ExchangeRate("USD", "VND", 24_000, date(2022, 12, 1), "a bank")
    (whole,) = summed(rows, rates=[rate])
    assert whole.investment == Money(4_800_000, "VND", "2022")
    assert whole.payback_months == pytest.approx(12 * 4.8 / 3.6)
    assert in_currency(rows[1], "VND", [rate]).investment == Money(2_400_000, "VND", "2022")


def test_different_periods_in_a_sum_are_said():
    rows = [benefits(option("a"), FACTORS), benefits(option("b", period=QUARTER), FACTORS)]
    assert "periods_differ" in {finding.code for finding in summed(rows)[0].findings}


def test_dust_and_so2_come_from_the_fuels_own_analysis():
    factors = Factors(
        air={("coal", "so2"): "so2-anthracite", ("coal", "dust"): "dust-anthracite-stoker", ("coal", "nox"): "nox-anthracite-stoker"},
        plant={"coal": PlantFuel("laboratory", sulphur_pct=0.5, ash_pct=20)},
    )  # fmt: skip
    row = benefits(option(amounts=[amount("coal", 1000, "t", "measured")]), factors)
    assert row.cells["so2"].value == pytest.approx(9.75)
    assert row.cells["dust"].value == pytest.approx(8.0)
    assert row.cells["nox"].value == pytest.approx(4.5)
    assert set(row.factors) == {"so2-anthracite", "dust-anthracite-stoker", "nox-anthracite-stoker"}


def test_an_empty_option_is_empty_not_zero():
    row = benefits(option())
    assert set(row.cells) == set(COLUMNS)
    assert all(cell is None for cell in row.cells.values())
    assert row.payback_months.code == "missing"
    with pytest.raises(ConfigError, match="before it starts"):
        benefits(option(period=YEAR[::-1]))


def test_a_figure_can_never_be_nan():
    with pytest.raises(DataError):
        Figure(float("nan"), "t", EvidenceClass.MEASURED)
    with pytest.raises(DataError):
        Figure(1, "t", EvidenceClass.MEASURED, -1.0)
    with pytest.raises(ConfigError, match="don't add up"):
        total([Figure(1, "t", EvidenceClass.MEASURED), Figure(1, "m3", EvidenceClass.MEASURED)])


FIGURES = st.builds(
    Figure,
    st.floats(-1e9, 1e9),
    st.just("t"),
    st.sampled_from(EvidenceClass),
    st.one_of(st.none(), st.floats(0, 1e6)),
    st.dictionaries(st.sampled_from(["meter", "lab"]), st.floats(-1e6, 1e6), max_size=2),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(FIGURES, min_size=2, max_size=12), st.integers(1, 11))
def test_sums_of_sums_are_the_sum(figures, cut):
    whole = total(figures)
    apart = total([total(figures[:cut]), total(figures[cut:])])
    assert isinstance(whole, Total)
    assert apart.value == pytest.approx(whole.value, rel=1e-9, abs=1e-3)
    assert (apart.half_width is None) == (whole.half_width is None)
    if whole.half_width is not None:
        assert apart.half_width == pytest.approx(whole.half_width, rel=1e-9, abs=1e-6)
    assert {p.evidence: p.count for p in apart.parts} == {p.evidence: p.count for p in whole.parts}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.1, 100))
def test_emissions_grow_with_what_is_saved_and_with_nothing_else(power, coal, times):
    def made(factor):
        items = [
            amount("electricity", power * factor, "MWh", "measured"),
            amount("coal", coal * factor, "t", "measured"),
        ]
        return benefits(option(amounts=items), FACTORS).cells

    one, more = made(1.0), made(times)
    for column in ("co2", "toe"):
        assert more[column].value == pytest.approx(times * one[column].value, rel=1e-9, abs=1e-9)


def test_a_factor_met_twice_errs_twice():
    """A source that stands behind a figure already adds to its error by the same source."""
    made = amount("coal", 10, "t", "measured", half_width=0, shared={"anthracite": 1.0}).figure
    again = made.times(2.0, "t", "anthracite", 0.1)
    assert again.shared["anthracite"] == pytest.approx(2.0 * 1.0 + 10 * 0.1)
