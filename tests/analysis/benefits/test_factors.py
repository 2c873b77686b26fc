"""Factors: chosen by the period, refused or named, never a bare constant."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analysis._tables import rows_of, table
from analysis.benefits import (
    COLUMNS,
    Factors,
    PlantFuel,
    air_factor,
    amount,
    carbon_factor,
    explain_reported,
    grid_factor,
    implied_per_unit,
    implied_sulphur_pct,
    toe_factor,
)
from analysis.benefits.choices import POLLUTANTS
from analysis.benefits.resources import FUELS
from analysis.results import Refusal
from dodac.errors import ConfigError, DataError

PUBLISHED = {2014: 0.6612, 2015: 0.8154, 2016: 0.9185, 2017: 0.8649, 2018: 0.9130, 2019: 0.8458, 2020: 0.8041, 2021: 0.7221, 2022: 0.6766, 2023: 0.6592}  # fmt: skip


def year(number):
    return date(number, 1, 1), date(number, 12, 31)


@pytest.mark.parametrize(("number", "value"), PUBLISHED.items())
def test_each_year_takes_its_own_published_grid_factor(number, value):
    found = grid_factor(*year(number))
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.id == f"vn-{number}"
    assert found.findings == ()


def test_a_period_over_new_year_takes_both_factors_by_days_and_says_so():
    found = grid_factor(date(2021, 12, 1), date(2022, 1, 31))
    assert found.value == pytest.approx((0.7221 * 31 + 0.6766 * 31) / 62)
    assert found.id == "vn-2021+vn-2022"
    assert [finding.code for finding in found.findings] == ["grid_years_mixed"]


@pytest.mark.parametrize("number", [1990, 2003, 2013, 2024, 2026])
def test_a_year_without_a_factor_is_refused_or_takes_a_named_proxy_that_shows(number):
    refused = grid_factor(*year(number))
    assert refused.code == "no_factor"
    assert "vn-20" in refused.en
    named = grid_factor(*year(number), Factors(grid_proxy="vn-2023"))
    assert named.value == 0.6592
    assert [finding.code for finding in named.findings] == ["proxy_factor"]
    assert str(number) in named.findings[0].en


def test_a_proxy_never_displaces_the_official_factor():
    assert grid_factor(*year(2022), Factors(grid_proxy="vn-2014")).id == "vn-2022"


def test_inventory_is_not_taken_for_a_combined_margin():
    refused = grid_factor(*year(2022), Factors(grid_kind="inventory"))
    assert refused.code == "no_factor"
    named = grid_factor(*year(2022), Factors(grid_kind="inventory", grid_proxy="vn-2022"))
    assert "not the inventory asked for" in named.findings[0].en
    assert grid_factor(*year(2022), Factors(grid_kind="combined_margin")).id == "vn-2022"
    with pytest.raises(ConfigError, match="no kind of grid factor"):
        Factors(grid_kind="marginal")


def test_a_study_counts_only_where_it_is_named():
    assert grid_factor(*year(2025)).code == "no_factor"
    named = grid_factor(*year(2025), Factors(grid_proxy="vn-2025-inventory"))
    assert "study" in named.findings[0].en


def test_wrong_use_says_what_is_known():
    with pytest.raises(ConfigError, match="before it starts"):
        grid_factor(date(2022, 2, 1), date(2022, 1, 1))
    with pytest.raises(ConfigError, match="Did you mean"):
        grid_factor(*year(2003), Factors(grid_proxy="vn-2041"))
    with pytest.raises(ConfigError, match="no CO2 factor of coal"):
        carbon_factor("coal", "antracite")


def test_a_slip_in_a_resource_is_never_ignored():
    with pytest.raises(ConfigError, match="coal"):
        Factors(grades={"cola": "anthracite"})
    with pytest.raises(ConfigError, match="diesel"):
        Factors(plant={"deisel": PlantFuel("laboratory", sulphur_pct=0.2)})
    with pytest.raises(ConfigError, match="no column"):
        carbon_factor("hydrogen", None)
    assert carbon_factor("water", None).code == "no_factor"


def test_a_programme_can_bring_its_own_dated_table():
    rows = rows_of(
        '[table]\nsource = "letter X"\nchecked = "read"\ntaken = 2026-11-22\n'
        '[[rows]]\nid = "vn-2024"\nvalue = 0.64\nkind = "combined_margin"\nstatus = "official"\n'
        'valid_from = 2024-01-01\nvalid_to = 2024-12-31\ndocument = "letter X"\n',
        "own.toml",
    )
    assert grid_factor(*year(2024), Factors(grid_rows=rows)).value == 0.64


@pytest.mark.parametrize(
    ("resource", "grade", "t"),
    [
        ("coal", "anthracite", 26.7 * 98.3 / 1000),
        ("coal", "lignite", 11.9 * 101 / 1000),
        ("fuel_oil", None, 40.4 * 77.4 / 1000),
        ("diesel", None, 43.0 * 74.1 / 1000),
        ("lpg", None, 47.3 * 63.1 / 1000),
        ("natural_gas", None, 48.0 * 56.1 * 0.75 / 1e6),
        ("biomass", "wood", 15.6 * 112 / 1000),
    ],
)
def test_fuel_carbon_is_ncv_times_emission_factor(resource, grade, t):
    found = carbon_factor(resource, grade)
    assert found.value == pytest.approx(t, rel=1e-12)
    assert found.biogenic == (resource == "biomass")
    assert 0 < found.half_width < 0.8 * found.value


def test_coal_without_a_grade_is_refused_not_guessed():
    assert carbon_factor("coal", None).code == "choose_factor"
    assert carbon_factor("coal", None).vi.startswith("than: có nhiều hệ số CO2")
    assert air_factor("coal", "dust").vi.startswith("than: có nhiều hệ số bụi")
    assert toe_factor("coal", None).code == "choose_factor"
    assert toe_factor("coal", "anthracite").code == "choose_factor"  # not a grade of the TOE letter
    assert toe_factor("coal", "cam_1_2").value == 0.70


def test_the_plants_laboratory_goes_before_the_table():
    plant = {"coal": PlantFuel("laboratory 12/2024", ncv_gj=21.0)}
    found = carbon_factor("coal", "anthracite", Factors(plant=plant))
    assert found.value == pytest.approx(21.0 * 98.3 / 1000)
    assert "laboratory" in found.source
    whole = {"coal": PlantFuel("laboratory", ncv_gj=21.0, co2_kg_gj=95.0)}
    assert carbon_factor("coal", None, Factors(plant=whole)).value == pytest.approx(1.995)
    with pytest.raises(ConfigError, match="above zero"):
        PlantFuel("laboratory", ncv_gj=0.0)
    with pytest.raises(ConfigError, match="percentage"):
        PlantFuel("laboratory", sulphur_pct=120)


def test_half_widths_follow_the_tables_confidence():
    wide, narrow = (
        carbon_factor("coal", "anthracite", Factors(confidence=c)).half_width for c in (0.95, 0.90)
    )
    # 95 %: half the printed limits of NCV (21.6 to 32.2) and of CO2 (94.6 to 101.0)
    assert wide == pytest.approx(26.7 * 0.0983 * ((5.3 / 26.7) ** 2 + (3.2 / 98.3) ** 2) ** 0.5, rel=1e-9)
    assert narrow / wide == pytest.approx(1.6449 / 1.9600, abs=1e-4)


def test_sulphur_and_ash_are_asked_for_and_filters_counted():
    factors = Factors(air={("coal", "so2"): "so2-anthracite", ("coal", "dust"): "dust-anthracite-stoker"})
    assert air_factor("coal", "so2", factors).code == "no_analysis"
    plant = {"coal": PlantFuel("lab", sulphur_pct=0.6, ash_pct=25.0, removed_pct={"dust": 90.0})}
    known = Factors(air=factors.air, plant=plant)
    assert air_factor("coal", "so2", known).value == pytest.approx(19.5 * 0.6 / 1000)
    assert air_factor("coal", "dust", known).value == pytest.approx(0.4 * 25 / 1000 * 0.1)
    assert air_factor("coal", "dust", Factors(plant=plant)).code == "choose_factor"
    assert air_factor("biomass", "nox").code == "no_factor"
    with pytest.raises(ConfigError, match="no pollutant"):
        air_factor("coal", "co")


def test_oil_sulphur_leaves_whole_and_gives_20_kg_a_percent():
    plant = {"fuel_oil": PlantFuel("supplier", sulphur_pct=3.0)}
    assert air_factor("fuel_oil", "so2", Factors(plant=plant)).value == pytest.approx(0.060)


def test_remembered_factors_say_so():
    codes = {row["id"]: row["checked"] for name in ("factors_ipcc", "factors_air") for row in table(name)}
    assert [f.code for f in carbon_factor("coal", "anthracite").findings] == ["remembered"]
    assert codes["lignite"] == "read"
    # the limits behind its ± nobody has read, and that is said too; a plant's own values carry no limits
    assert [f.code for f in carbon_factor("coal", "lignite").findings] == ["remembered_limits"]
    own = Factors(plant={"coal": PlantFuel("lab", ncv_gj=21.0, co2_kg_gj=98.3)})
    assert carbon_factor("coal", None, own).findings == ()


def test_a_gas_density_by_convention_is_said_until_the_supplier_gives_a_calorific_value():
    assert "agreed_density" in [f.code for f in carbon_factor("natural_gas", None).findings]
    own = Factors(plant={"natural_gas": PlantFuel("supplier", ncv_gj=0.0378)})
    assert "agreed_density" not in [f.code for f in carbon_factor("natural_gas", None, own).findings]


def test_a_kind_of_grid_factor_that_no_letter_prints_is_said_when_it_is_asked_for():
    asked = grid_factor(date(2022, 1, 1), date(2022, 12, 31), Factors(grid_kind="combined_margin"))
    (finding,) = asked.findings
    assert (finding.code, finding.data["factors"]) == ("kind_inferred", "vn-2022")
    assert grid_factor(date(2022, 1, 1), date(2022, 12, 31)).findings == ()


def test_every_row_is_of_a_column_and_ids_are_unique():
    for name in ("factors_ipcc", "factors_toe", "factors_air"):
        rows = table(name)
        assert {row["resource"] for row in rows} <= {"electricity", *FUELS}
        assert len({row["id"] for row in rows}) == len(rows)
    assert {row["pollutant"] for row in table("factors_air")} == set(POLLUTANTS)
    for row in table("factors_toe"):
        assert row["unit"] == COLUMNS[row["resource"]].unit
    for row in table("factors_ipcc"):
        assert row["ncv_low"] < row["ncv_gj_t"] < row["ncv_high"]
        assert row["co2_low"] < row["co2_kg_tj"] < row["co2_high"]


def test_toe_factors_agree_with_the_net_calorific_values():
    """41.868 GJ a TOE: the letter's oils and gases lie within 5 % of IPCC's energy."""
    for resource in ("fuel_oil", "diesel", "lpg", "natural_gas"):
        row = next(row for row in table("factors_ipcc") if row["resource"] == resource)
        gj = row["ncv_gj_t"] * (row["density_kg_nm3"] / 1000 if resource == "natural_gas" else 1.0)
        assert toe_factor(resource, None).value * 41.868 == pytest.approx(gj, rel=0.05)


def test_oil_equivalent_before_its_letter_is_refused_or_takes_the_row_that_is_named():
    early = date(2003, 1, 1)
    assert toe_factor("diesel", None, day=date(2020, 1, 1)).findings == ()
    refusal = toe_factor("diesel", None, day=early)
    assert refusal.code == "no_factor"
    assert "diesel" in refusal.data["known"]
    # a grade that comes with an amount says what the coal is, not that the letter may stand in
    assert toe_factor("coal", "cam_3_4", day=early).code == "no_factor"
    (finding,) = toe_factor("diesel", None, Factors(toe_grades={"diesel": "diesel"}), early).findings
    assert finding.code == "proxy_factor"
    assert "3505" in finding.en
    assert "2003" in finding.vi


def test_units_are_brought_to_the_columns():
    assert amount("electricity", 2_500, "kWh", "measured").figure.value == pytest.approx(2.5)
    assert amount("coal", 900, "kg", "measured").figure.value == pytest.approx(0.9)
    assert amount("water", 900, "l", "measured").figure.value == pytest.approx(0.9)
    assert amount("diesel", 1000, "l", "measured", density_kg_l=0.84).figure.value == pytest.approx(0.84)
    assert amount("diesel", 1000, "l", "measured").code == "missing"
    assert amount("natural_gas", 1000, "m3", "measured").code == "gas_not_normal"
    meter = amount("electricity", 2_500, "kWh", "measured", half_width=50, shared={"meter 7": 25}).figure
    assert (meter.random, dict(meter.shared)) == (pytest.approx(0.05), {"meter 7": pytest.approx(0.025)})


def test_a_negative_amount_is_meant_or_refused():
    wrong = amount("natural_gas", -500, "Nm3", "measured")
    assert (wrong.code, wrong.data["resource"]) == ("negative_saving", "natural_gas")
    assert amount("natural_gas", -500, "Nm3", "measured", increase=True).figure.value == -500
    assert amount("natural_gas", 500, "Nm3", "measured", increase=True).code == "increase_above_zero"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value):
    assert isinstance(amount("coal", value, "t", "reported"), Refusal)


def test_unknown_words_name_the_nearest():
    with pytest.raises(ConfigError, match="electricity"):
        amount("electricty", 1, "kWh", "measured")
    with pytest.raises(ConfigError, match="furlong"):
        amount("coal", 1, "furlong", "measured")
    with pytest.raises(ConfigError, match="don't convert"):
        amount("coal", 1, "kWh", "measured")
    with pytest.raises(ConfigError, match="evidence class"):
        amount("coal", 1, "t", "guessed")


@pytest.mark.parametrize("value", ["5", None, True])
def test_text_for_an_amount_is_named(value):
    with pytest.raises(ConfigError, match="no number"):
        amount("coal", value, "t", "measured")
    assert amount("coal", np.float32(5), "t", "measured").figure.value == 5


def test_a_reported_total_is_explained_by_what_has_fossil_carbon_only():
    year = (date(2022, 1, 1), date(2022, 12, 31))
    power, husk = amount("electricity", 100, "MWh", "reported"), amount("biomass", 50, "t", "reported")
    water = amount("water", 9, "m3", "reported")
    assert explain_reported([power, husk, water], *year, 70).nearest.co2_t == pytest.approx(67.66)
    for none in ([], [husk], [water]):
        with pytest.raises(ConfigError, match="fossil CO2"):
            explain_reported(none, *year, 70)
    with pytest.raises(DataError, match="not a saving"):
        explain_reported([power, amount("coal", -5, "t", "reported")], *year, 70)
    assert implied_per_unit(float("nan"), 5.0) is None
    assert implied_sulphur_pct(float("nan"), 5.0, 20.0) is None
