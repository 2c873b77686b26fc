"""Flue-gas figures against readings that real instruments printed, and refusals of what is no flue gas."""

import math

import pytest

from analysis import Combustion, FlueGas, InstrumentLimits, Refusal, at_reference_o2, siegert
from analysis.combustion import Efficiency, co2_from_o2, fuel_saving_fraction
from dodac.errors import ConfigError


def published(value: float) -> Efficiency:
    return Efficiency(value, "gross", frozenset({"dry_flue_gas", "fuel_hydrogen"}), "published")


def burning(result: Combustion | Refusal) -> Combustion:
    assert isinstance(result, Combustion), result
    return result


def test_a_testo_330_reading_on_natural_gas_is_reproduced():
    # testo/tjf, Abgas_2016-12-19: FT 35.1, AT 23.9, O2 19.1 → λ 11.052634, qA+ 4.0, η+ 96.0
    result = burning(siegert(FlueGas(19.1, 35.1, 23.9), "natural_gas"))
    assert result.air_ratio == pytest.approx(11.052634, rel=1e-6)
    assert result.q_a_pct == pytest.approx(4.0, abs=0.05)
    assert result.efficiency_pct == pytest.approx(96.0, abs=0.05)
    # that instrument's CO2max is 11.9
    assert co2_from_o2(19.1, 11.9) == pytest.approx(1.0766667, rel=1e-6)
    assert [finding.code for finding in result.findings] == ["diluted"]


def test_a_testo_330_reading_on_pellets_is_reproduced():
    # testo/tjf, Abgas_2016-12-06: O2 15.4 → CO2 5.413332, λ 3.75
    result = burning(siegert(FlueGas(15.4, 24.4, 23.8), "wood"))
    assert result.co2_pct == pytest.approx(5.413332, rel=1e-6)
    assert result.air_ratio == pytest.approx(3.75)


def test_better_efficiency_saves_fuel_as_the_tip_sheet_says():
    # US DOE Steam Tip Sheet 4: 78.2 → 83.1 % at 500 000 MMBtu a year is about 29 482 MMBtu
    share = fuel_saving_fraction(published(78.2), published(83.1))
    assert not isinstance(share, Refusal)
    assert 500_000 * share == pytest.approx(29_482, abs=1.0)


def test_more_air_and_hotter_gas_lose_more():
    base = burning(siegert(FlueGas(5.0, 180.0, 30.0), "light_oil"))
    assert base.q_a_pct == pytest.approx(150.0 * (0.68 / 16.0 + 0.007))
    assert burning(siegert(FlueGas(8.0, 180.0, 30.0), "light_oil")).q_a_pct > base.q_a_pct
    assert burning(siegert(FlueGas(5.0, 220.0, 30.0), "light_oil")).q_a_pct > base.q_a_pct


def test_carbon_monoxide_costs_fuel_and_is_stated_without_the_air():
    result = burning(siegert(FlueGas(6.0, 200.0, 30.0, co_ppm=1000.0), "natural_gas"))
    co2 = 11.8 * 15.0 / 21.0
    assert result.co_loss_pct == pytest.approx(32.0 * 0.1 / (0.1 + co2))
    assert result.co_air_free_ppm == pytest.approx(1000.0 * 20.9 / 14.9)
    assert result.efficiency_pct == pytest.approx(100.0 - result.q_a_pct - (result.co_loss_pct or 0.0))
    # no constant for this fuel: no number is made up
    assert burning(siegert(FlueGas(6.0, 200.0, 30.0, co_ppm=1000.0), "lpg")).co_loss_pct is None


def test_the_instrument_limits_become_an_uncertainty():
    reading = FlueGas(6.0, 200.0, 30.0)
    result = burning(siegert(reading, "natural_gas", limits=InstrumentLimits(0.2, 2.0, 0.5)))
    assert result.uncertainty is not None

    # by finite differences, one input at a time
    def loss(**change: float) -> float:
        values = {"o2_pct": 6.0, "t_flue_c": 200.0, "t_air_c": 30.0, **change}
        return burning(siegert(FlueGas(**values), "natural_gas")).q_a_pct

    steps = (
        loss(o2_pct=6.2) - loss(o2_pct=5.8),
        loss(t_flue_c=202.0) - loss(t_flue_c=198.0),
        loss(t_air_c=30.5) - loss(t_air_c=29.5),
    )
    expected = 1.6449 * math.sqrt(sum((step / 2.0) ** 2 for step in steps) / 3.0)
    assert result.uncertainty.half_width == pytest.approx(expected, rel=1e-3)
    assert burning(siegert(reading, "natural_gas")).uncertainty is None


def test_a_concentration_at_reference_oxygen():
    # at 18.7 % the factor would be 6.318 (reference 7 %): refused instead
    refused = at_reference_o2(100.0, 18.7, 7.0)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_much_oxygen"
    assert at_reference_o2(100.0, 7.0, 7.0) == pytest.approx(100.0)
    assert at_reference_o2(100.0, 11.0, 7.0) == pytest.approx(100.0 * 13.9 / 9.9)


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (FlueGas(20.9, 180.0, 30.0), "no_flue_gas"),
        (FlueGas(-0.3, 180.0, 30.0), "no_flue_gas"),
        (FlueGas(math.nan, 180.0, 30.0), "no_flue_gas"),
        (FlueGas(6.0, 28.0, 30.0), "flue_not_hot"),
        (FlueGas(6.0, math.nan, 30.0), "missing_value"),
        (FlueGas(6.0, 180.0, 30.0, co_ppm=math.nan), "missing_value"),
    ],
)
def test_what_is_no_flue_gas_gets_no_efficiency(reading, code):
    refused = siegert(reading, "natural_gas")
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_an_impossible_efficiency_saves_nothing():
    assert isinstance(fuel_saving_fraction(published(0.0), published(83.0)), Refusal)
    assert isinstance(fuel_saving_fraction(published(80.0), published(130.0)), Refusal)


def test_an_unknown_fuel_names_the_nearest():
    with pytest.raises(ConfigError, match='Did you mean "natural_gas"'):
        siegert(FlueGas(6.0, 180.0, 30.0), "natural-gas")
