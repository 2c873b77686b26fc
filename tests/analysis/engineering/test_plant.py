"""Worked examples of plant engineering: loads, motors, compressed air, gas, water, boiler water."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Refusal, engineering
from analysis.engineering.boiler_water import (
    Blowdown,
    blowdown,
    blowdown_loss_kw,
    condensate_heat_kw,
    condensate_return,
)
from analysis.engineering.compressed_air import Leakage, free_air_delivery, leakage, specific_power
from analysis.engineering.electricity import (
    LoadSummary,
    MotorLoad,
    duration_curve,
    load_profile,
    load_summary,
    motor_load,
    motor_load_by_slip,
    unbalance_pct,
    voltage_unbalance_pct,
)
from analysis.engineering.gas import GasVolume, Reference, normal_volume
from analysis.engineering.steam import WaterState, saturation, steam_heat_kwh, water_state
from analysis.engineering.water import (
    NightFlow,
    Stream,
    WaterBalance,
    leaks,
    night_flow,
    water_balance,
)
from dodac.errors import ConfigError, DataError

ZONE = "Asia/Ho_Chi_Minh"


def series(values, freq="30min", start="2026-03-02"):
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq=freq, tz=ZONE))


def test_a_load_is_summed_up_in_its_own_interval():
    energy = series([50.0] * 40 + [100.0] * 7 + [200.0])
    found = load_summary(energy)
    assert isinstance(found, LoadSummary)
    assert (found.energy_kwh, found.hours, found.highest_kw) == (2900.0, 24.0, 400.0)
    assert found.highest_at.startswith("2026-03-02 23:30")
    assert found.load_factor == pytest.approx(2900 / 24 / 400)
    assert found.utilisation_h == pytest.approx(7.25)
    assert found.base_kw == 100.0
    curve = duration_curve(energy)
    assert curve["power_kw"].is_monotonic_decreasing
    assert float((curve["power_kw"] * 0.5).sum()) == pytest.approx(found.energy_kwh)
    assert curve.iloc[-1]["hours"] == 24.0


def test_a_load_with_gaps_says_so_and_an_idle_one_is_refused():
    found = load_summary(series([1.0, np.nan, 2.0, 1.0]))
    assert isinstance(found, LoadSummary)
    assert found.hours == 1.5
    assert found.findings[0].code == "intervals_missing"
    assert isinstance(load_summary(series([0.0] * 4)), Refusal)
    assert isinstance(load_summary(series([np.nan] * 4)), Refusal)
    with pytest.raises(DataError):
        load_summary(pd.Series([1.0, 2.0]))


def test_a_profile_keeps_kinds_of_days_apart():
    energy = series(np.tile(np.arange(48.0), 7))
    profile = load_profile(energy)
    assert profile.loc[("weekday", 30), "mean_kw"] == 2.0
    assert profile.loc[("weekend", 30), "days"] == 2


@pytest.mark.parametrize(
    ("phases", "pct"),
    [
        ((400, 400, 400), 0.0),
        ((410, 400, 390), 2.5),
        ((450, 467, 450), 2.4872),
        # Carrier 30MPA manual: 243, 236, 238 V of 240 V: 1.7 %
        ((243, 236, 238), 1.6736),
    ],
)
def test_unbalance_is_the_greatest_deviation_from_the_mean(phases, pct):
    assert unbalance_pct(phases) == pytest.approx(pct, abs=1e-4)


@given(st.floats(-0.05, 0.05), st.floats(-math.pi, math.pi))
def test_the_voltage_unbalance_is_negative_over_positive_sequence(size, angle):
    # line voltages made from a positive sequence of 400 V and a negative one of `size` of it
    a = np.exp(2j * np.pi / 3)
    negative = 400 * abs(size) * np.exp(1j * angle)
    lines = [abs(400 * a ** (-k) + negative * a**k) for k in range(3)]
    assert voltage_unbalance_pct(*lines) == pytest.approx(100 * abs(size), abs=2e-4)


def test_three_voltages_that_close_no_triangle_are_refused():
    assert isinstance(voltage_unbalance_pct(400.0, 100.0, 100.0), Refusal)
    assert isinstance(voltage_unbalance_pct(400.0, 0.0, 400.0), Refusal)
    assert isinstance(unbalance_pct((400.0, math.nan, 400.0)), Refusal)
    assert isinstance(unbalance_pct((0.0, 0.0, 0.0)), Refusal)


def test_a_motors_load_by_input_and_by_slip():
    found = motor_load(15.0, 22.0, 0.91)
    assert isinstance(found, MotorLoad)
    assert found.load == pytest.approx(15 * 0.91 / 22)
    # US DOE Motor Tip Sheet: 25 hp, synchronous 1 800, rated 1 750, measured 1 770 → 60 %
    slip = motor_load_by_slip(1770, 1800, 1750, 25 * 0.7457, 0.9)
    assert isinstance(slip, MotorLoad)
    assert slip.load == pytest.approx(0.6)
    assert slip.findings[0].code == "slip_method"
    assert isinstance(motor_load_by_slip(1810, 1800, 1750, 18.0, 0.9), Refusal)
    assert isinstance(motor_load(15.0, 0.0, 0.9), Refusal)
    low = motor_load(3.0, 22.0, 0.91)
    assert isinstance(low, MotorLoad)
    assert low.findings[0].code == "low_motor_load"


def test_the_leak_test_of_a_car_plant():
    # BEE-type example (augustcompressor.com 2013): 900 cfm, 8 min on load, 48 unloaded, 144 kW
    cfm = 0.0283168466
    found = leakage(8 * 60, 48 * 60, 900 * cfm, 144.0)
    assert isinstance(found, Leakage)
    assert found.share == pytest.approx(1 / 7)
    assert found.flow_m3min / cfm == pytest.approx(128.57, abs=0.01)
    assert found.power_kw == pytest.approx(20.57, abs=0.01)
    assert found.findings[0].code == "leakage_high"
    assert specific_power(144.0, 900 * cfm) == pytest.approx(5.65, abs=0.01)


def test_what_leaks_costs_only_what_stops_with_it():
    found = leakage(100, 300, 10.0, 75.0, unload_kw=25.0, pressure_hours_year=8000)
    assert isinstance(found, Leakage)
    assert found.power_kw == pytest.approx(12.5)
    assert found.energy_kwh_year == pytest.approx(100_000)
    assert isinstance(leakage(0, 0, 10.0, 75.0), Refusal)
    assert isinstance(leakage(1, 1, 10.0, 75.0, unload_kw=80.0), Refusal)
    never = leakage(600, 0, 10.0, 75.0)
    assert isinstance(never, Leakage)
    assert never.findings[0].code == "never_unloaded"


def test_a_pumped_up_receiver_tells_the_delivery():
    assert free_air_delivery(8.0, 1.026, 8.1, 4.0, ambient_bar_abs=1.026) == pytest.approx(13.79, abs=0.01)
    warm = free_air_delivery(8.0, 1.026, 8.1, 4.0, ambient_bar_abs=1.026, t_receiver_c=60.0, t_inlet_c=30.0)
    assert warm == pytest.approx(13.79 * 303.15 / 333.15, abs=0.01)
    assert isinstance(free_air_delivery(8.0, 5.0, 5.0, 4.0), Refusal)


def test_gas_at_line_conditions_becomes_normal_volume():
    found = normal_volume(100.0, 30.0, p_bar_abs=3.01325)
    assert isinstance(found, GasVolume)
    assert found.volume_m3 == pytest.approx(100 * 3.01325 / 1.01325 * 273.15 / 303.15)
    assert found.at(Reference.STANDARD_15C).volume_m3 == pytest.approx(found.volume_m3 * 288.15 / 273.15)
    back = found.at(Reference.QCVN_25C).at(Reference.NORMAL_0C)
    assert back.volume_m3 == pytest.approx(found.volume_m3)
    assert isinstance(normal_volume(100.0, 30.0, p_bar_abs=0.0), Refusal)
    assert isinstance(normal_volume(math.nan, 30.0, p_bar_abs=1.0), Refusal)
    assert isinstance(normal_volume(1.0, -300.0, p_bar_abs=1.0), Refusal)


def test_a_water_balance_knows_how_wrong_its_meters_may_be():
    found = water_balance(
        {"mains": Stream(1000.0, 0.01)}, {"process": Stream(700.0, 0.01), "boiler": Stream(200.0, 0.02)}
    )
    assert isinstance(found, WaterBalance)
    assert found.unaccounted_m3 == pytest.approx(100.0)
    assert found.uncertainty.half_width == pytest.approx(1.6449 * math.sqrt(100 + 49 + 16), rel=1e-3)
    assert found.findings == ()
    close = water_balance({"mains": Stream(1000.0, 0.01)}, {"process": Stream(990.0, 0.01)})
    assert isinstance(close, WaterBalance)
    assert close.findings[0].code == "not_significant"
    wrong = water_balance({"mains": Stream(1000.0, 0.01)}, {"process": Stream(1200.0, 0.01)})
    assert isinstance(wrong, WaterBalance)
    assert wrong.findings[0].code == "more_out_than_in"
    assert isinstance(water_balance({}, {"process": Stream(1.0)}), Refusal)
    assert isinstance(water_balance({"mains": Stream(math.nan)}, {}), Refusal)


def nights(days=5, leak=0.4):
    volume = series([leak / 4 + (5.0 if 24 <= k % 96 < 88 else 0.0) for k in range(96 * days)], "15min")
    hour = pd.DatetimeIndex(volume.index).hour
    return volume, pd.Series((hour >= 6) & (hour < 22), index=volume.index)


def test_the_night_flow_is_taken_where_nothing_is_produced():
    volume, producing = nights()
    found = night_flow(volume, producing, legitimate_m3h=0.1)
    assert isinstance(found, NightFlow)
    assert found.minimum_m3h == pytest.approx(0.4)
    assert found.leak_m3_day == pytest.approx(24 * 0.3)
    assert found.nights >= 5
    # a plant that works by night: the clock's "night" would call its production a leak
    turned = night_flow(volume, ~producing)
    assert isinstance(turned, NightFlow)
    assert turned.minimum_m3h > 10
    assert isinstance(night_flow(volume, producing | True), Refusal)


def test_a_flow_below_q1_is_said_to_be_no_figure():
    volume, producing = nights(leak=0.01)
    found = night_flow(volume, producing, starting_flow_m3h=0.05)
    assert isinstance(found, NightFlow)
    assert [finding.code for finding in found.findings] == ["below_q1"]


def test_an_hour_across_a_gap_is_no_still_hour():
    volume, producing = nights(days=2)
    gap = (volume.index.hour == 2) & (volume.index.minute >= 15)
    found = night_flow(volume[~gap], producing[~gap])
    assert isinstance(found, NightFlow)
    assert found.minimum_m3h == pytest.approx(0.4)


def test_a_leak_is_a_day_without_a_still_hour():
    volume, _ = nights(days=3)
    (found,) = leaks(volume)
    assert found.hours == pytest.approx(72.0)
    assert found.least_m3h == pytest.approx(0.4)
    still, _ = nights(days=3, leak=0.0)
    assert leaks(still) == ()
    assert leaks(volume, threshold_m3h=0.5) == ()


def test_blowdown_keeps_the_solids_down():
    # 4 000 kg/h of steam, feed 80 ppm, boiler 3 500 ppm → 93.6 kg/h (yamathosupply.com, blowdown flow)
    found = blowdown(4000.0, 80.0, 3500.0)
    assert isinstance(found, Blowdown)
    assert found.mass_kg_h == pytest.approx(93.6, abs=0.05)
    assert found.share_of_feed == pytest.approx(found.mass_kg_h / (4000 + found.mass_kg_h))
    heat = blowdown_loss_kw(found, 11.01325, 25.0)
    assert heat == pytest.approx(93.567 * (781.2 - 105.8) / 3600, rel=1e-3)
    assert isinstance(blowdown(4000.0, 80.0, 80.0), Refusal)
    assert isinstance(blowdown(4000.0, 0.0, 80.0), Refusal)
    assert isinstance(blowdown_loss_kw(found, 300.0, 25.0), Refusal)


def test_the_blowdown_of_an_american_military_manual():
    # UFC 3-240-13FN §3-1.5: 5 kg/s of steam, 250 and 5 000 µmho: 20 cycles, 5 % of the feed, 0.26 kg/s, feed 5.26 kg/s
    found = blowdown(5.0 * 3600, 250.0, 5000.0)
    assert isinstance(found, Blowdown)
    assert (found.cycles, found.share_of_feed) == (20.0, 0.05)
    assert found.mass_kg_h / 3600 == pytest.approx(0.263, abs=0.001)


def test_condensate_return_by_what_the_feed_water_carries():
    assert condensate_return(feed=120.0, make_up=300.0, condensate=0.0) == pytest.approx(0.6)
    assert isinstance(condensate_return(feed=400.0, make_up=300.0, condensate=0.0), Refusal)
    assert isinstance(condensate_return(feed=10.0, make_up=10.0, condensate=10.0), Refusal)
    hot, cold = water_state(1.01325, 95.0), water_state(1.01325, 25.0)
    assert isinstance(hot, WaterState)
    assert isinstance(cold, WaterState)
    assert condensate_heat_kw(1000.0, hot, cold) == pytest.approx(1000 * (398.1 - 104.9) / 3600, rel=2e-3)
    assert not isinstance(saturation(p_bar_abs=1.0), Refusal)


def test_a_gauge_reading_given_as_absolute_is_told():
    # 20 mbar of a gas line, meant as gauge: a fiftieth of the volume
    found = normal_volume(100.0, 25.0, p_bar_abs=0.02)
    assert isinstance(found, GasVolume)
    assert [finding.code for finding in found.findings] == ["looks_like_gauge"]
    assert found.at(Reference.STANDARD_15C).findings == found.findings
    right = normal_volume(100.0, 25.0, p_bar_abs=1.01325 + 0.02)
    assert isinstance(right, GasVolume)
    assert right.findings == ()


@pytest.mark.parametrize(
    "refused",
    [
        lambda: unbalance_pct(()),
        lambda: unbalance_pct((400.0, 400.0)),
        lambda: motor_load_by_slip(1770, 1800, 1750, 18.0, 0.9, voltage_v=1e-200, rated_voltage_v=400.0),
        lambda: free_air_delivery(1.0, 1.0, 8.0, 2.0, t_receiver_c=-273.15, t_inlet_c=20.0),
        lambda: free_air_delivery(1.0, 1.0, 8.0, 2.0, t_receiver_c=math.nan, t_inlet_c=20.0),
        lambda: free_air_delivery(1.0, 1.0, math.inf, 2.0),
        lambda: blowdown(1000.0, 100.0, math.inf),
        lambda: steam_heat_kwh(math.nan, water_state(10.0, 300.0), water_state(10.0, 80.0)),
    ],
)
def test_what_leaves_no_number_is_refused(refused):
    assert isinstance(refused(), Refusal)


def test_saturation_wants_one_of_two():
    with pytest.raises(ConfigError, match="pressure or a temperature"):
        saturation()


def test_what_the_page_names_can_be_imported_from_one_place():
    page = Path(__file__).parents[3] / "docs" / "explanation" / "plant-engineering.md"
    named = {
        name.rpartition(".")[2]
        for row in page.read_text("utf-8").splitlines()
        if row.startswith("| ")
        for name in re.findall(r"`([a-z_.0-9]+)`", row.split("|")[2])
    }
    assert len(named) > 25
    assert named <= set(engineering.__all__)
