"""Indicators: the centre's own performance of 2003, targets on their own basis, reduction classes, thresholds."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.benefits import (
    EvidenceClass,
    IndicatorDefinition,
    IndicatorValue,
    PlantYear,
    Ratio,
    SpecificConsumption,
    Target,
    check_target,
    compare,
    implied_ratio,
    key_energy_user,
    per_person,
    recp,
    reduction_class,
    restate,
    specific,
    target,
)
from analysis.results import Refusal
from dodac.errors import ConfigError

MONTH, USEFUL, DAY = "person-month", "useful person-month", "person-day"
# the centre's table of 2003: id, unit, (divisor, value, digit) before and after, printed change, its digit
ROWS = {
    "office_paper": ("kg", (MONTH, 2.48, 0.01), (USEFUL, 1.48, 0.01), None, 0.0, -61.2),
    "electricity": ("kWh", (MONTH, 95.65, 0.01), (USEFUL, 98.68, 0.01), -33.0, 1.0, -32.94),
    "travel_co2": ("t", (MONTH, 0.26, 0.01), (USEFUL, 0.38, 0.01), -3.8, 0.1, -5.0),
    "waste_paper": ("kg", (MONTH, 0.45, 0.01), (USEFUL, 0.68, 0.01), -2.2, 0.1, -1.78),
    "training_paper": ("kg", (DAY, 0.21, 0.01), (DAY, 0.19, 0.01), -28.0, 1.0, -9.52),
}
RATIO = Ratio(MONTH, USEFUL, 0.65, "inferred from the printed changes of 2003", inferred=True)


def value(name, unit, per, number, digit, period):
    definition = IndicatorDefinition(name, unit, per, name.replace("_", " "), name)
    return IndicatorValue(definition, number, period, EvidenceClass.REPORTED, digit)


def pair(name):
    unit, before, after, *_ = ROWS[name]
    return value(name, unit, *before, "2003"), value(name, unit, *after, "2004")


@pytest.mark.parametrize("name", ["office_paper", "electricity", "travel_co2", "waste_paper"])
def test_person_months_are_never_compared_with_useful_ones_until_they_are_restated(name):
    before, after = pair(name)
    refused = compare(before, after)
    assert isinstance(refused, Refusal)
    assert refused.code == "definition_differs"
    assert "useful person-month" in refused.en
    again = compare(restate(before, after.definition, RATIO), after)
    assert again.change_pct == pytest.approx(ROWS[name][5], abs=0.05)
    assert [finding.code for finding in again.findings] == ["ratio_inferred"]
    # the baseline's last digit, restated too, widens what the change can be
    step = ROWS[name][1][2] / 2
    low = (after.value - step) / ((before.value + step) / RATIO.value) - 1
    assert again.low_pct == pytest.approx(100 * low)
    claimed, digit = ROWS[name][3:5]
    if claimed is not None:  # what was printed can come from the printed digits
        assert again.explains(claimed, digit)


def test_training_paper_was_said_to_fall_28_percent_and_its_own_figures_do_not_say_so():
    before, after = pair("training_paper")
    found = compare(before, after)
    assert found.change_pct == pytest.approx(-9.52, abs=0.01)
    assert not found.explains(-28.0, 1.0)
    assert found.low_pct < -9.52 < found.high_pct


def test_electricity_as_printed_would_have_risen():
    before, after = pair("electricity")
    assert after.value > before.value  # what a comparison across definitions would have shown
    assert implied_ratio(before, after, -33.0) == pytest.approx(0.649, abs=0.001)


def test_what_is_only_monitored_has_no_change():
    alone = value("trainee_travel_co2", "kg", "trainee-day", 6.64, 0.01, "2004")
    assert compare(None, alone).code == "missing"


def test_a_ratio_of_persons_restates_nothing_else():
    before, _ = pair("training_paper")
    useful = IndicatorDefinition("training_paper", "kg", USEFUL, "training paper", "giấy")
    assert restate(before, useful, RATIO).code == "no_ratio"
    other_unit = IndicatorDefinition("electricity", "MJ", USEFUL, "electricity", "điện")
    assert restate(pair("electricity")[0], other_unit, RATIO).code == "no_ratio"


def test_another_boundary_is_another_indicator():
    old = IndicatorDefinition("electricity", "kWh", MONTH, "electricity", "điện", "old office")
    new = IndicatorDefinition("electricity", "kWh", MONTH, "electricity", "điện", "new office")
    one, two = (IndicatorValue(item, 10.0, "2003", EvidenceClass.MEASURED) for item in (old, new))
    assert compare(one, two).code == "definition_differs"
    assert "old office" in compare(one, two).en


def test_a_baseline_of_zero_gives_a_reason_not_infinity():
    zero = value("waste", "kg", "t", 0.0, 0.0, "2003")
    assert compare(zero, value("waste", "kg", "t", 1.0, 0.0, "2004")).code == "no_baseline_value"


def test_per_person_divides_by_useful_time_only():
    assert per_person(1_200.0, 10, 12) == pytest.approx(10.0)
    assert per_person(1_200.0, 10, 12, 0.65) == pytest.approx(10 / 0.65)
    assert per_person(1_200.0, 0, 12).code == "missing"
    assert per_person(float("nan"), 10, 12).code == "missing"


def test_each_target_keeps_its_own_basis():
    inputs, emissions, waste = (target(f"ben-tre-{name}") for name in ("inputs", "emissions", "waste"))
    assert (inputs.change_pct, inputs.basis) == (-10, "absolute")
    assert (emissions.change_pct, emissions.basis) == (-15, "per_unit")
    assert (waste.change_pct, waste.basis) == (-20, "absolute")
    # 10 % more emissions at 40 % more product: −21 % per unit
    assert check_target(emissions, 100, 110, 1000, 1400).reached
    assert not check_target(inputs, 100, 110, 1000, 1400).reached
    assert check_target(emissions, 100, 110).code == "missing"
    assert check_target(emissions, 100, 110, 1000, 0).code == "no_product"
    assert check_target(waste, 0, 10).code == "missing"
    assert check_target(Target("x", "x", "x", "inputs", -10, "absolute"), 3.0, 2.7).reached  # 0.9 in binary


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"energy": -5.1, "water": 3.0}, "over-5"),
        ({"energy": -5.0}, "up-to-5"),
        ({"energy": 100 * (95 / 100 - 1)}, "up-to-5"),
        ({"energy": -0.1, "materials": None}, "up-to-5"),
        ({"energy": 2.0}, None),
        ({}, None),
        ({"energy": float("nan")}, None),
    ],
)
def test_only_more_than_5_percent_counts_in_the_reduction_class(changes, expected):
    assert reduction_class(changes) == expected


def test_thresholds_of_key_energy_users_are_the_decrees_and_dated():
    day = date(2024, 1, 1)
    assert key_energy_user(1000, "industry", day) is True
    assert key_energy_user(999.9, "industry", day) is False
    assert key_energy_user(500, "building", day) is True
    assert key_energy_user(500, "building", date(2003, 1, 1)).code == "rule_not_in_force"
    assert key_energy_user(float("nan"), "industry", day).code == "missing"
    with pytest.raises(ConfigError, match="no kind"):
        key_energy_user(500, "ship", day)


def test_specific_consumption_needs_an_output():
    assert specific(900.0, 300.0) == 3.0
    assert specific(900.0, 0.0).code == "no_product"
    row = SpecificConsumption(
        IndicatorDefinition("energy", "MJ", "hl", "energy", "năng lượng"), 250.0, 200.0, 196.0
    )
    assert row.change_pct == pytest.approx(-20.0)
    assert row.reached is False
    assert SpecificConsumption(row.definition, None, 200.0).change_pct is None


def test_recp_productivity_rises_and_intensity_falls_when_the_plant_does_better():
    before = PlantYear(
        1000, "t", energy_gj=500, materials_t=1200, water_m3=4000, co2_t=60, waste_water_m3=3000
    )
    after = PlantYear(
        1100, "t", energy_gj=440, materials_t=1320, water_m3=4400, co2_t=33, waste_water_m3=3960
    )
    found = recp(before, after)
    assert found["energy_gj"].before == pytest.approx(2.0)
    assert found["energy_gj"].change_pct == pytest.approx(25.0)
    assert found["energy_gj"].absolute_change_pct == pytest.approx(-12.0)
    assert found["energy_gj"].better
    assert found["materials_t"].change_pct == pytest.approx(0.0)
    assert found["co2_t"].change_pct == pytest.approx(-50.0)
    assert found["co2_t"].unit == "t/t"
    assert not found["waste_water_m3"].better
    assert found["waste_t"].code == "missing"
    other = recp(before, PlantYear(10, "hl", energy_gj=1))
    assert {item.code for item in other.values()} == {"definition_differs"}


def test_nothing_below_zero_counts_as_a_saving_per_person_or_product():
    assert per_person(100.0, -5.0, -1.0).code == "missing"
    assert specific(-5.0, 10.0).code == "negative_consumption"
    assert check_target(target("ben-tre-inputs"), 100.0, -5.0).code == "missing"
