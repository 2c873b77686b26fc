"""Air and flue gas: masses and moles are conserved, dew points are those of steam tables and examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import FUELS, Refusal, fuel
from analysis.combustion import (
    Ultimate,
    acid_dew_point_c,
    humidity_kg_kg,
    natural_gas_excess_air_pct,
    simple_excess_air_pct,
    stoichiometry,
    water_dew_point_c,
)
from analysis.combustion.stoichiometry import INERT_MOLAR_MASS, O2_OF_AIR_PCT, saturation_hpa

WITH_ELEMENTS = [name for name, one in FUELS.items() if one.elements is not None]
fuels = st.builds(
    lambda c, h, o, n, s, m, ash: Ultimate(
        *(100 * part / (c + h + o + n + s + m + ash) for part in (c, h, o, n, s, m, ash))
    ),
    st.floats(20, 90),
    st.floats(0.5, 15),
    st.floats(0, 30),
    st.floats(0, 2),
    st.floats(0, 4),
    st.floats(0, 40),
    st.floats(0, 30),
)


@settings(deadline=None, max_examples=100)
@given(parts=fuels, excess=st.floats(0, 300))
def test_no_mass_is_lost(parts, excess):
    gas = stoichiometry(parts)
    kmol = 22.414
    air = gas.air_m3_kg * (1 + excess / 100)
    oxygen = gas.air_m3_kg * excess / 100 * O2_OF_AIR_PCT / 100
    inert = air * (1 - O2_OF_AIR_PCT / 100)
    flue = gas.co2_m3_kg * 44.009 + gas.so2_m3_kg * 64.058 + gas.fuel_n2_m3_kg * 28.014
    flue += oxygen * 31.998 + inert * INERT_MOLAR_MASS + gas.water_m3_kg * 18.015
    assert 1 - parts.ash / 100 + air / kmol * 28.965 == pytest.approx(flue / kmol, rel=2e-4)


@settings(deadline=None, max_examples=100)
@given(parts=fuels, excess=st.floats(0, 500), humid=st.floats(0, 0.03))
def test_excess_air_and_gases_turn_round(parts, excess, humid):
    gas = stoichiometry(parts)
    o2 = gas.o2_dry_pct(excess)
    assert gas.excess_air_pct(o2) == pytest.approx(excess, abs=1e-6)
    assert gas.excess_air_from_co2_pct(gas.co2_pct(excess)) == pytest.approx(excess, abs=1e-6)
    water = gas.water_vapour_pct(excess, humid)
    dried = gas.dry_o2_from_wet_pct(o2 * (1 - water / 100), humid)
    assert dried == pytest.approx(o2, abs=1e-6)


def test_the_simple_formula_overstates_the_air_of_gas_by_a_tenth():
    exact = stoichiometry(fuel("natural_gas").elements).excess_air_pct(3.0)
    assert simple_excess_air_pct(3.0) / exact == pytest.approx(1.12, abs=0.02)
    assert natural_gas_excess_air_pct(3.0) == pytest.approx(exact, abs=0.3)


def test_a_probe_in_wet_gas_reads_less_than_the_dry_analyser():
    gas = stoichiometry(fuel("natural_gas").elements)
    assert gas.dry_o2_from_wet_pct(4.0) > 4.6
    assert gas.dry_o2_from_wet_pct(0.0) == pytest.approx(0.0)
    assert isinstance(gas.dry_o2_from_wet_pct(21.0), Refusal)
    assert isinstance(gas.dry_o2_from_wet_pct(float("nan")), Refusal)


def test_dew_points():
    # steam tables: 20 °C 23.39 hPa, 60 °C 199.5 hPa
    assert saturation_hpa(20.0) == pytest.approx(23.39, rel=5e-3)
    assert saturation_hpa(60.0) == pytest.approx(199.5, rel=5e-3)
    assert water_dew_point_c(saturation_hpa(37.0)) == pytest.approx(37.0)
    # methane without excess air: 19 % vapour, near 59 °C
    methane = stoichiometry(fuel("natural_gas").elements)
    assert methane.water_vapour_pct(0.0) == pytest.approx(19.0, abs=0.1)
    assert methane.dew_point_c(0.0) == pytest.approx(59.0, abs=0.6)
    assert methane.dew_point_c(50.0) < methane.dew_point_c(50.0, 0.02) < methane.dew_point_c(0.0, 0.02)
    # psychrometric tables: 30 °C and 60 % is 16.0 g/kg
    assert humidity_kg_kg(30.0, 60.0) == pytest.approx(0.0160, abs=0.0002)


def test_the_acid_dew_point_of_two_worked_examples():
    # scribd 255300157: p(H2O) 38.11 mmHg, p(SO3) 0.00097421 mmHg → 383.525 K
    found = acid_dew_point_c(38.1103549 / 760 * 100, 0.00097421 / 760 * 1e6)
    assert found == pytest.approx(383.525 - 273.15, abs=0.02)
    # scribd 724359334: 12 % vapour, 1.02457 atm, p(SO3) 0.0024917 mmHg → 402 K
    found = acid_dew_point_c(12.0, 0.0024917 / (760 * 1.02457) * 1e6, 1013.25 * 1.02457)
    assert found == pytest.approx(402 - 273.15, abs=1.0)
    assert isinstance(acid_dew_point_c(12.0, 0.0), Refusal)
