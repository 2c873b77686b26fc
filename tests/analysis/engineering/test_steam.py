"""Steam figures are those of the published formulation, and nothing is invented outside it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Refusal
from analysis.engineering import _if97 as if97
from analysis.engineering.steam import (
    Saturation,
    WaterState,
    _boundary_mpa,
    absolute_bar,
    flash_steam_share,
    saturation,
    steam_heat_kwh,
    water_state,
    wet_steam,
)


def saturated(**given):
    found = saturation(**given)
    assert isinstance(found, Saturation)
    return found


def state(p_bar_abs, t_c):
    found = water_state(p_bar_abs, t_c)
    assert isinstance(found, WaterState)
    return found


# IAPWS R7-97(2012), tables 5 and 15: T K, p MPa, v m³/kg, h kJ/kg, s kJ/(kg K), cp kJ/(kg K)
@pytest.mark.parametrize(
    ("region", "t_k", "p_mpa", "v", "h", "s", "cp"),
    [
        (if97.region_1, 300, 3, 0.100215168e-2, 0.115331273e3, 0.392294792, 0.417301218e1),
        (if97.region_1, 300, 80, 0.971180894e-3, 0.184142828e3, 0.368563852, 0.401008987e1),
        (if97.region_1, 500, 3, 0.120241800e-2, 0.975542239e3, 0.258041912e1, 0.465580682e1),
        (if97.region_2, 300, 0.0035, 0.394913866e2, 0.254991145e4, 0.852238967e1, 0.191300162e1),
        (if97.region_2, 700, 0.0035, 0.923015898e2, 0.333568375e4, 0.101749996e2, 0.208141274e1),
        (if97.region_2, 700, 30, 0.542946619e-2, 0.263149474e4, 0.517540298e1, 0.103505092e2),
    ],
)
def test_the_check_values_of_the_release_come_out(region, t_k, p_mpa, v, h, s, cp):
    assert region(p_mpa, t_k) == pytest.approx((v, h, s, cp), rel=5e-9)


# tables 35 and 36
@pytest.mark.parametrize(
    ("t_k", "p_mpa"), [(300, 0.353658941e-2), (500, 0.263889776e1), (600, 0.123443146e2)]
)
def test_the_saturation_pressure_is_the_published_one(t_k, p_mpa):
    assert if97.saturation_mpa(t_k) == pytest.approx(p_mpa, rel=2e-9)


@pytest.mark.parametrize(("p_mpa", "t_k"), [(0.1, 0.372755919e3), (1, 0.453035632e3), (10, 0.584149488e3)])
def test_the_saturation_temperature_is_the_published_one(p_mpa, t_k):
    assert if97.saturation_k(p_mpa) == pytest.approx(t_k, rel=2e-9)


# IAPWS R7-97(2012), equations 5 and 6: the boundary of regions 2 and 3 at 350 °C, and at 16.5291643 MPa
def test_the_boundary_to_the_critical_region_is_the_published_one():
    assert _boundary_mpa(623.15) == pytest.approx(16.5291643, abs=5e-8)
    assert isinstance(water_state(165.5, 350.5), WaterState)
    assert isinstance(water_state(168.0, 350.5), Refusal)


@given(st.floats(0.01, 165.0))
def test_at_saturation_it_is_steam_whichever_way_it_was_found(p_bar):
    assert state(p_bar, saturated(p_bar_abs=p_bar).t_c).phase == "steam"
    assert state(p_bar * 1.0001, saturated(p_bar_abs=p_bar).t_c).phase == "liquid"


# Wagner and Kretzschmar, International Steam Tables; Moran and Shapiro, tables: p bar, t °C, h kJ/kg
@pytest.mark.parametrize(
    ("p_bar", "t_c", "h"),
    [
        (1, 150, 2776.6), (5, 200, 2855.8), (10, 200, 2828.3), (20, 400, 3248.3), (40, 500, 3446.0),
        (100, 500, 3375.1), (150, 400, 2975.7), (300, 500, 3084.8), (25, 200, 852.8), (100, 100, 426.6),
    ],
)  # fmt: skip
def test_enthalpies_are_those_of_printed_tables(p_bar, t_c, h):
    assert state(p_bar, t_c).enthalpy_kj_kg == pytest.approx(h, abs=0.3)


@given(st.floats(0.01, 165.0))
def test_both_ways_to_saturation_agree(p_bar):
    assert saturated(t_c=saturated(p_bar_abs=p_bar).t_c).p_bar_abs == pytest.approx(p_bar, rel=1e-6)


@given(st.floats(0.05, 160.0), st.floats(0.0, 1.0))
def test_wet_steam_lies_between_its_liquid_and_its_steam(p_bar, dryness):
    found, ends = wet_steam(p_bar, dryness), saturated(p_bar_abs=p_bar)
    assert isinstance(found, WaterState)
    assert ends.liquid.enthalpy_kj_kg <= found.enthalpy_kj_kg <= ends.steam.enthalpy_kj_kg
    # a reversible change of phase at constant pressure: Δh = T Δs (the two Gibbs functions meet)
    change = ends.steam.entropy_kj_kgk - ends.liquid.entropy_kj_kgk
    assert ends.evaporation_kj_kg == pytest.approx((ends.t_c + 273.15) * change, rel=2e-4)


def test_a_boiler_gives_the_heat_that_steam_tables_give():
    # 10 t/h at 10 bar gauge from 80 °C feed water: tables give h = 2 781 and 335 kJ/kg
    steam = saturated(p_bar_abs=absolute_bar(10.0)).steam
    feed = state(absolute_bar(10.0), 80.0)
    assert steam.enthalpy_kj_kg == pytest.approx(2781.0, abs=1.0)
    assert feed.enthalpy_kj_kg == pytest.approx(335.8, abs=0.5)
    assert steam_heat_kwh(10_000.0, steam, feed) == pytest.approx(6792.0, abs=5.0)


def test_flash_steam_of_condensate_let_down_to_the_open():
    # 7 bar gauge to atmosphere: (720.9 − 419.1)/2 256.5 = 13.4 % (steam tables)
    condensate = saturated(p_bar_abs=absolute_bar(7.0)).liquid
    assert flash_steam_share(condensate, 1.01325) == pytest.approx(0.134, abs=0.001)
    assert flash_steam_share(state(1.01325, 60.0), 1.01325) == 0.0


@pytest.mark.parametrize(
    ("p_bar", "t_c"),
    [(10, -5), (10, 900), (0, 100), (-1, 100), (1001, 100), (math.nan, 20), (10, math.nan), (250, 380)],
)
def test_outside_the_formulation_nothing_is_said(p_bar, t_c):
    assert isinstance(water_state(p_bar, t_c), Refusal)


@pytest.mark.parametrize("given_", [{"p_bar_abs": 0.0}, {"p_bar_abs": 200.0}, {"t_c": 374.0}, {"t_c": -1.0}])
def test_no_saturation_beyond_the_regions(given_):
    assert isinstance(saturation(**given_), Refusal)


def test_wet_steam_wants_a_share():
    assert isinstance(wet_steam(10.0, 1.2), Refusal)
    assert isinstance(wet_steam(300.0, 0.5), Refusal)
