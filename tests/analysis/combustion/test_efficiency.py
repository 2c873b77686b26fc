"""Efficiencies fall as they must, carry what they count, and unlike ones are never compared."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import FlueGas, InstrumentLimits, Refusal, fuel, siegert
from analysis.combustion import (
    KCAL_PER_MJ,
    Efficiency,
    bs845,
    direct_efficiency,
    fuel_saving_fraction,
    indirect,
    tuning_saving,
)
from analysis.combustion.furnaces import furnace_improvement, oxygen_enrichment, wall_loss_kw

LIMITS = InstrumentLimits()


def right(result):
    assert not isinstance(result, Refusal), result
    return result


def by_indirect(reading, **options):
    oil = fuel("heavy_oil")
    return indirect(oil.elements, oil.hhv_mj_kg * KCAL_PER_MJ, reading, humidity_kg_kg=0.02, **options)


WAYS = {
    "siegert": lambda reading, limits=None: right(siegert(reading, "light_oil", limits=limits)).efficiency,
    "bs845 net": lambda reading, limits=None: right(bs845(reading, "heavy_oil", limits=limits)).net,
    "bs845 gross": lambda reading, limits=None: right(bs845(reading, "heavy_oil", limits=limits)).gross,
    "bs845 long": lambda reading, limits=None: (
        right(bs845(reading, "heavy_oil", limits=limits, long_form=True)).gross
    ),
    "indirect": lambda reading, limits=None: right(by_indirect(reading, limits=limits)).efficiency,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@settings(deadline=None, max_examples=40)
@given(o2=st.floats(0, 14), flue=st.floats(110, 350), air=st.floats(5, 45), co=st.floats(0, 4000))
def test_more_air_hotter_gas_and_more_co_never_help(way, o2, flue, air, co):
    reading = FlueGas(o2, flue, air, co_ppm=co)
    here = way(reading).value_pct
    assert 0.0 < here < 100.0
    assert way(replace(reading, o2_pct=o2 + 1.0)).value_pct < here
    assert way(replace(reading, t_flue_c=flue + 10.0)).value_pct < here
    assert way(replace(reading, co_ppm=co + 500.0)).value_pct < here
    assert way(replace(reading, t_air_c=air + 5.0)).value_pct > here


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_sensitivities_are_those_of_small_steps(way):
    reading = FlueGas(6.0, 200.0, 30.0)
    found = way(reading, LIMITS)
    of_the_laboratory = {"gcv_kcal_kg", "carbon_pct", "hydrogen_pct", "moisture_pct"}
    assert set(found.sensitivities) - of_the_laboratory == {"o2_pct", "t_flue_c", "t_air_c"}
    for name in set(found.sensitivities) - of_the_laboratory:
        up = way(replace(reading, **{name: getattr(reading, name) + 0.1})).value_pct
        down = way(replace(reading, **{name: getattr(reading, name) - 0.1})).value_pct
        assert found.sensitivities[name] == pytest.approx((up - down) / 0.2, rel=2e-3)
        limit = getattr(LIMITS, name)
        assert found.standard[name] == pytest.approx(found.sensitivities[name] * limit / math.sqrt(3))


def test_the_ways_agree_where_they_must():
    # one boiler on heavy oil, 4 % O2, 200/30 °C: gross by BS 845 and by the indirect method without air moisture
    reading = FlueGas(4.0, 200.0, 30.0)
    oil = fuel("heavy_oil")
    british = right(bs845(reading, oil))
    book = right(indirect(oil.elements, oil.hhv_mj_kg * KCAL_PER_MJ, reading))
    assert british.gross.value_pct == pytest.approx(book.efficiency_pct, abs=0.6)
    # gross and net differ by the latent heat of the water and the little that its vapour carries
    assert british.gross.value_pct * oil.hhv_mj_kg / oil.lhv_mj_kg == pytest.approx(
        british.net.value_pct, abs=1.5
    )


def test_measured_co2_serves_where_o2_is_missing():
    both = right(siegert(FlueGas(5.0, 180.0, 30.0), "light_oil"))
    by_co2 = right(siegert(FlueGas(None, 180.0, 30.0, co2_pct=both.co2_pct), "light_oil"))
    assert by_co2.q_a_pct == pytest.approx(both.q_a_pct)
    assert by_co2.o2_pct == pytest.approx(5.0)
    assert set(by_co2.efficiency.sensitivities) == {"co2_pct", "t_flue_c", "t_air_c"}
    assert isinstance(siegert(FlueGas(None, 180.0, 30.0), "light_oil"), Refusal)
    refused = siegert(FlueGas(None, 180.0, 30.0, co2_pct=18.0), "natural_gas")
    assert isinstance(refused, Refusal)
    assert refused.code == "co2_impossible"
    odd = right(siegert(FlueGas(5.0, 180.0, 30.0, co2_pct=7.0), "light_oil"))
    assert "gases_disagree" in [finding.code for finding in odd.findings]
    british = right(bs845(FlueGas(5.0, 180.0, 30.0), "light_oil"))
    same = right(bs845(FlueGas(None, 180.0, 30.0, co2_pct=british.co2_pct), "light_oil"))
    assert same.gross.value_pct == pytest.approx(british.gross.value_pct)


def test_condensation_is_added_below_the_dew_point_alone():
    dry = right(siegert(FlueGas(4.0, 80.0, 25.0), "natural_gas"))
    wet = right(siegert(FlueGas(4.0, 35.0, 25.0), "natural_gas"))
    assert dry.condensation_gain_pct == 0.0
    assert 0.0 < wet.condensation_gain_pct < 11.2
    assert wet.efficiency_pct > 100.0
    cold = right(siegert(FlueGas(4.0, 26.0, 25.0), "natural_gas"))
    assert cold.condensation_gain_pct > wet.condensation_gain_pct
    without = right(siegert(FlueGas(4.0, 35.0, 25.0), "natural_gas", condensing=False))
    assert without.efficiency_pct < 100.0
    assert without.efficiency.losses == {"dry_flue_gas"}
    # Bacharach: 58 − 1.2·4 = 53.2 °C
    above, below = (
        right(siegert(FlueGas(4.0, t, 25.0), "natural_gas", method="bacharach")) for t in (53.3, 53.1)
    )
    assert (above.condensation_gain_pct, below.condensation_gain_pct) == (0.0, 9.6)


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (FlueGas(6.0, 3000.0, 30.0), "temperature_impossible"),
        (FlueGas(6.0, 453.0, -273.0), "temperature_impossible"),
        (FlueGas(6.0, 180.0, 30.0, co_ppm=-200.0), "negative_co"),
        (FlueGas(20.2, 300.0, 30.0), "losses_above_all"),
        (FlueGas(6.0, 180.0, 30.0, co2_pct=-1.0), "co2_impossible"),
    ],
)
def test_readings_that_no_boiler_gives_are_refused(reading, code):
    for found in (siegert(reading, "natural_gas"), bs845(reading, "natural_gas")):
        assert isinstance(found, Refusal)
        assert found.code == code


def test_unlike_efficiencies_are_never_compared():
    reading, tuned = FlueGas(8.0, 220.0, 30.0, co_ppm=50.0), FlueGas(4.0, 200.0, 30.0, co_ppm=30.0)
    british, net = (
        right(bs845(reading, "heavy_oil")),
        right(siegert(tuned, "light_oil", condensing=False)).efficiency,
    )
    better = right(bs845(tuned, "heavy_oil"))
    assert fuel_saving_fraction(british.gross, better.gross) > 0.0
    codes = {
        "basis_differs": fuel_saving_fraction(british.gross, better.net),
        "method_differs": fuel_saving_fraction(british.net, net),
        "losses_differ": fuel_saving_fraction(
            british.gross, right(bs845(replace(tuned, co_ppm=None), "heavy_oil")).gross
        ),
    }
    radiation = right(by_indirect(tuned, radiation_pct=1.5)).efficiency
    codes["losses_differ "] = fuel_saving_fraction(right(by_indirect(reading)).efficiency, radiation)
    for code, refused in codes.items():
        assert isinstance(refused, Refusal), code
        assert refused.code == code.strip()
        assert refused.vi


def test_a_saving_is_stated_for_the_output_and_with_its_uncertainty():
    before = right(siegert(FlueGas(9.0, 230.0, 30.0), "light_oil", limits=LIMITS)).efficiency
    after = right(siegert(FlueGas(4.0, 190.0, 30.0), "light_oil", limits=LIMITS)).efficiency
    saving = right(
        tuning_saving(
            before, after, fuel_before=1000.0, output_before=14_000.0, output_after=16_000.0, unit="t"
        )
    )
    assert saving.adjusted_baseline == pytest.approx(1000.0 * 16 / 14)
    assert saving.saving == pytest.approx(saving.adjusted_baseline * (1 - before.value_pct / after.value_pct))
    assert saving.specific_after == pytest.approx(saving.specific_before * (1 - saving.fraction))
    assert saving.half_width == pytest.approx(saving.adjusted_baseline * saving.uncertainty.half_width)
    shared = right(
        tuning_saving(before, after, fuel_before=1000.0, output_before=14_000.0, same_analyser=True)
    )
    assert shared.uncertainty.half_width < saving.uncertainty.half_width
    # the same by brute force: errors of both readings drawn apart
    import numpy as np

    rng = np.random.default_rng(6)
    draws = []
    for _ in range(4000):
        moved = []
        for o2, flue in ((9.0, 230.0), (4.0, 190.0)):
            e = rng.uniform(-1, 1, 3)
            loss = (flue + 2 * e[1] - 30 - 0.5 * e[2]) * (0.68 / (21 - o2 - 0.2 * e[0]) + 0.007)
            moved.append(100 - loss)
        draws.append(1 - moved[0] / moved[1])
    assert saving.uncertainty.half_width == pytest.approx(1.645 * np.std(draws), rel=0.05)


def test_a_change_inside_the_analyser_s_error_is_called_that():
    before = right(siegert(FlueGas(4.1, 200.0, 30.0), "light_oil", limits=LIMITS)).efficiency
    after = right(siegert(FlueGas(4.0, 200.0, 30.0), "light_oil", limits=LIMITS)).efficiency
    saving = right(tuning_saving(before, after, fuel_before=1000.0, output_before=1.0))
    assert [finding.code for finding in saving.findings] == ["not_told_apart"]
    bare = Efficiency(80.0, "gross", frozenset({"dry_flue_gas"}), "published")
    none = right(tuning_saving(bare, bare, fuel_before=10.0, output_before=1.0))
    assert (none.uncertainty, none.half_width, none.saving) == (None, None, 0.0)
    for fuel_used, output in ((0.0, 1.0), (1.0, 0.0), (math.nan, 1.0)):
        refused = tuning_saving(bare, bare, fuel_before=fuel_used, output_before=output)
        assert isinstance(refused, Refusal)


def test_the_indirect_method_refuses_what_it_can_t_use():
    assert isinstance(by_indirect(FlueGas(None, 200.0, 30.0)), Refusal)
    assert isinstance(by_indirect(FlueGas(6.0, 200.0, 30.0), excess_from="co2"), Refusal)
    oil = fuel("heavy_oil").elements
    assert isinstance(indirect(oil, 0.0, FlueGas(6.0, 200.0, 30.0)), Refusal)
    assert isinstance(indirect(oil, 41.87, FlueGas(6.0, 200.0, 30.0)), Refusal)
    given_air = right(by_indirect(FlueGas(None, 200.0, 30.0), excess_air_pct=30.0))
    assert given_air.excess_air_pct == 30.0
    assert isinstance(direct_efficiency(20.0, 660.0, 60.0, 9000.0), Refusal)
    assert isinstance(direct_efficiency(10.0, 60.0, 660.0, 9000.0), Refusal)


def test_furnaces_refuse_what_can_t_be():
    assert isinstance(furnace_improvement((20.9, 900.0, 30.0), (2.0, 900.0, 30.0), 1.0), Refusal)
    assert isinstance(furnace_improvement((6.0, 1900.0, 30.0), (2.0, 2400.0, 30.0), 1.0), Refusal)
    assert isinstance(oxygen_enrichment((10.0, 900.0, 5.0, 30.0), (100.0, 900.0, 1.0, 30.0), 1.0), Refusal)
    assert isinstance(wall_loss_kw(10.0, 40.0, 30.0, 0.0), Refusal)
    same = right(furnace_improvement((4.0, 900.0, 30.0), (4.0, 900.0, 30.0), 7.0))
    assert (same.fuel_saving_fraction, same.heat_input_after) == (0.0, 7.0)
