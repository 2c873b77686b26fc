"""Fuels: the library says where its figures are from, and a laboratory's values take their place rightly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import FUELS, FlueGas, Refusal, fuel, siegert
from analysis._tables import table
from analysis.combustion import (
    Ultimate,
    gas_mixture,
    hhv_as_received,
    hhv_from_lhv,
    lhv_from_hhv,
    own_fuel,
    own_gas,
    ultimate,
)
from dodac.errors import ConfigError

OWN = {"source": "laboratory report 17", "taken": "2026-11-02"}


def right(result):
    assert not isinstance(result, Refusal), result
    return result


def test_every_fuel_says_where_its_figures_come_from():
    for one in FUELS.values():
        assert all((one.source, one.taken, one.en, one.vi))
        assert one.checked in ("read", "computed", "remembered")
        if one.checked == "remembered":
            assert "remembered" in [finding.code for finding in one.findings]
        for constants in one.siegert.values():
            # Siegert's A1 = A2·CO2max/base lies between 0.25 and 0.95 for every fuel in use
            assert 0.25 < constants.a1 < 0.95
        if one.elements is not None:
            assert one.elements.total_pct == pytest.approx(100.0, abs=1.5)
            assert 0.0 < one.lhv_mj_kg < one.hhv_mj_kg


def test_the_factors_a_fuel_points_at_are_there():
    known = {row["id"] for row in table("factors_ipcc")}
    pointed = {one.ipcc for one in FUELS.values() if one.ipcc}
    # the IPCC row of petroleum coke is not in the tables yet
    assert pointed - known <= {"petroleum_coke"}


def test_testo_and_bacharach_constants_are_never_mixed():
    reading = FlueGas(5.0, 180.0, 30.0)
    testo = right(siegert(reading, "natural_gas"))
    other = right(siegert(reading, "natural_gas", method="bacharach"))
    assert testo.q_a_pct == pytest.approx(150.0 * (0.66 / 16.0 + 0.009))
    assert other.q_a_pct == pytest.approx(150.0 * (0.66 / 15.9 + 0.009))
    assert (testo.air_ratio, other.air_ratio) == (pytest.approx(21 / 16), pytest.approx(20.9 / 15.9))
    refused = siegert(reading, "wood", method="bacharach")
    assert isinstance(refused, Refusal)
    assert refused.code == "no_siegert_constants"
    assert isinstance(siegert(reading, "rice_husk"), Refusal)


def test_a_dry_and_a_daf_analysis_of_one_coal_are_the_same_coal():
    received = right(ultimate(c=40, h=2.5, o=7.5, s=0.5, n=1.2, moisture=13.3, ash=35))
    dry = (100 - 13.3) / 100
    parts = {"c": 40 / dry, "h": 2.5 / dry, "o": 7.5 / dry, "s": 0.5 / dry, "n": 1.2 / dry}
    from_dry = right(ultimate(**parts, ash=35 / dry, moisture=13.3, basis="dry"))
    daf = (100 - 13.3 - 35) / 100
    organic = {"c": 40 / daf, "h": 2.5 / daf, "o": 7.5 / daf, "s": 0.5 / daf, "n": 1.2 / daf}
    from_daf = right(ultimate(**organic, ash=35 / dry, moisture=13.3, basis="daf"))
    for part in ("c", "h", "o", "n", "s", "moisture", "ash"):
        assert getattr(from_dry, part) == pytest.approx(getattr(received, part))
        assert getattr(from_daf, part) == pytest.approx(getattr(received, part))
    assert hhv_as_received(20.0, received, "dry") == pytest.approx(20.0 * dry)
    assert hhv_as_received(30.0, received, "daf") == pytest.approx(30.0 * daf)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"c": 80, "h": 4, "o": 2, "ash": 30}, "analysis_sum"),
        ({"c": 40, "h": 4, "o": 2}, "analysis_sum"),
        ({"c": -1, "h": 4}, "analysis_impossible"),
        ({"c": float("nan"), "h": 4}, "analysis_impossible"),
        ({"c": 0, "h": 0, "o": 0, "moisture": 100}, "analysis_impossible"),
        ({"c": 90, "h": 15}, "analysis_sum"),
    ],
)
def test_parts_that_do_not_add_up_are_refused(parts, code):
    refused = ultimate(**parts)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_oxygen_left_out_is_the_difference():
    assert right(ultimate(c=50, h=6, ash=1, moisture=8)).o == pytest.approx(35.0)


def test_a_laboratory_overrides_the_table_and_says_so():
    own = right(fuel("rice_husk").with_analysis(hhv_mj_kg=14.9, **OWN))
    assert own.hhv_mj_kg == 14.9
    assert own.lhv_mj_kg == pytest.approx(14.9 - 2.442 * (9 * 4.93 + 9.1) / 100, abs=0.01)
    assert own.checked == "laboratory"
    assert "laboratory report 17" in own.source
    assert own.biogenic
    assert own.k4 == fuel("rice_husk").k4
    net = right(fuel("heavy_oil").with_analysis(lhv_mj_kg=39.5, **OWN))
    assert lhv_from_hhv(net.hhv_mj_kg, net.elements) == pytest.approx(39.5)


def test_wet_wood_burns_worse_than_the_library_s_dry_wood():
    wet = right(fuel("wood").with_moisture(45.0, **OWN))
    assert wet.elements.total_pct == pytest.approx(100.0)
    assert wet.hhv_mj_kg == pytest.approx(fuel("wood").hhv_mj_kg * 0.55)
    assert wet.lhv_mj_kg < 0.55 * fuel("wood").lhv_mj_kg
    assert isinstance(fuel("wood").with_moisture(99.0, **OWN), Refusal)
    assert isinstance(fuel("briquette").with_moisture(10.0, **OWN), Refusal)


def test_a_heating_value_that_does_not_fit_is_told():
    coal = Ultimate(c=70, h=4.9, o=7.5, n=1.5, s=2.2, moisture=4.9, ash=9)
    estimated = right(own_fuel("ours", coal, **OWN))
    assert [finding.code for finding in estimated.findings] == ["heating_value_estimated"]
    kcal = own_fuel("ours", coal, hhv_mj_kg=7000.0, **OWN)
    assert isinstance(kcal, Refusal)
    odd = right(own_fuel("ours", coal, hhv_mj_kg=20.0, **OWN))
    assert [finding.code for finding in odd.findings] == ["heating_value_unlikely"]
    both = right(own_fuel("ours", coal, hhv_mj_kg=29.7, lhv_mj_kg=27.0, **OWN))
    assert [finding.code for finding in both.findings] == ["heating_values_disagree"]
    assert isinstance(own_fuel("ours", None, **OWN), Refusal)


def test_a_gas_from_the_chromatograph():
    own = right(own_gas("ours", {"ch4": 90, "c2h6": 6, "co2": 3, "n2": 1}, like=fuel("natural_gas"), **OWN))
    assert own.siegert == fuel("natural_gas").siegert
    # per Nm³: 0.9·39.7 + 0.06·69.6 MJ
    assert own.gas.hhv_mj_m3 == pytest.approx(0.9 * 39.73 + 0.06 * 69.63, abs=0.02)
    assert own.gas.lhv_mj_m3 / own.gas.density_kg_m3 == pytest.approx(own.lhv_mj_kg)
    assert isinstance(own_gas("ours", {"ch4": 50}, **OWN), Refusal)
    assert isinstance(own_gas("ours", {"n2": 100}, **OWN), Refusal)
    with pytest.raises(ConfigError, match="there is no gas"):
        own_gas("ours", {"methane": 100}, **OWN)
    # methane, ISO 6976: 39.73 and 35.8 MJ per Nm³
    methane = right(gas_mixture({"ch4": 100}))
    assert methane.hhv_mj_m3 == pytest.approx(39.73, abs=0.01)
    assert methane.lhv_mj_m3 == pytest.approx(35.81, abs=0.02)


@settings(deadline=None, max_examples=50)
@given(h=st.floats(0.5, 14), m=st.floats(0, 50), hhv=st.floats(5, 45))
def test_gross_and_net_turn_round(h, m, hhv):
    parts = Ultimate(c=100 - h - m, h=h, moisture=m)
    assert hhv_from_lhv(lhv_from_hhv(hhv, parts), parts) == pytest.approx(hhv)
