"""What is handed in wrongly is named or counted, never priced, averaged or called a leak in silence."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Refusal
from analysis._tables import rows_of
from analysis.engineering.electricity import (
    LoadSummary,
    duration_curve,
    load_profile,
    load_summary,
    mean_power_kw,
    monthly_demand,
)
from analysis.engineering.tariffs import EnergyCost, band_minutes, energy_cost
from analysis.engineering.water import NightFlow, Stream, WaterBalance, leaks, night_flow, water_balance
from dodac.errors import ConfigError, DataError

ZONE = "Asia/Ho_Chi_Minh"


def series(values, freq="30min", start="2026-04-23", tz=ZONE):
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq=freq, tz=tz))


DAY = series(np.arange(48.0))

WRONG = {
    "words": DAY.map(lambda value: "broken"),
    "twice": pd.concat([DAY, DAY]).sort_index(),
    "unsorted": DAY.iloc[::-1],
    "shuffled": DAY.sample(frac=1.0, random_state=1),
    "one row": DAY.iloc[:1],
    "empty": DAY.iloc[:0],
    "no times": DAY.reset_index(drop=True),
    "frame": DAY.to_frame(),
    "no time in between": pd.Series([1.0, 2.0, 3.0], index=[DAY.index[0], pd.NaT, DAY.index[2]]),
    "half hours, then quarters": pd.concat([DAY, series([1.0] * 9, "15min", "2026-04-24")]),
}


@pytest.mark.parametrize(
    "function",
    [
        mean_power_kw,
        load_summary,
        duration_curve,
        load_profile,
        monthly_demand,
        leaks,
        lambda values: energy_cost(values, voltage_kv=22.0),
        lambda values: night_flow(values, DAY > 20),
    ],
)
@pytest.mark.parametrize("wrong", list(WRONG))
def test_wrong_intervals_are_named(function, wrong):
    with pytest.raises(DataError):
        function(WRONG[wrong])


@pytest.mark.parametrize("kind", ["float32", "int64", "object", "Float64"])
def test_the_kind_of_number_changes_nothing(kind):
    found, plain = load_summary(DAY.astype(kind)), load_summary(DAY)
    assert found == plain


def test_rows_that_are_absent_count_as_gaps_like_empty_ones():
    absent, empty = DAY.drop(DAY.index[10:20]), DAY.copy()
    empty.iloc[10:20] = np.nan
    for found in (load_summary(absent), load_summary(empty)):
        assert isinstance(found, LoadSummary)
        assert found.findings[0].data == {"left_out": 10, "intervals": 48}
    for found in (energy_cost(absent, voltage_kv=22.0), energy_cost(empty, voltage_kv=22.0)):
        assert isinstance(found, EnergyCost)
        assert found.findings[0].data == {"left_out": 10, "intervals": 48}


def test_utc_times_are_priced_by_the_clock_on_the_plants_wall():
    local, utc = energy_cost(DAY, voltage_kv=22.0), energy_cost(DAY.tz_convert("UTC"), voltage_kv=22.0)
    naive = energy_cost(DAY.tz_localize(None), voltage_kv=22.0)
    assert local == utc == naive
    with pytest.raises(DataError, match="local days"):
        load_profile(DAY.tz_convert("UTC"))


@given(
    st.sampled_from([1, 5, 10, 15, 30]), st.integers(0, 29), st.dates(date(2026, 4, 10), date(2026, 5, 2))
)  # fmt: skip
def test_any_interval_and_start_is_priced_minute_by_minute(minutes, offset, day):
    starts = pd.date_range(
        pd.Timestamp(day) + pd.Timedelta(minutes=offset), periods=3 * 1440 // minutes, freq=f"{minutes}min"
    )
    energy = pd.Series(1.0 + np.arange(len(starts)) % 7, index=starts)
    found = energy_cost(energy, voltage_kv=22.0)
    assert isinstance(found, EnergyCost)
    prices = np.array([1833.0, 3398.0, 1190.0])
    # second implementation: minute by minute
    wall = pd.date_range(starts[0], periods=len(starts) * minutes, freq="min")
    clock, new = wall.hour * 60 + wall.minute, wall >= pd.Timestamp("2026-04-22")
    evening, noon = (clock >= 1050) & (clock < 1350), (clock >= 570) & (clock < 690)
    peak = np.where(new, evening, noon | ((clock >= 1020) & (clock < 1200))) & (wall.day_of_week != 6)
    off = np.where(new, clock < 360, (clock < 240) | (clock >= 1320))
    price = np.where(off, prices[2], np.where(peak, prices[1], prices[0]))
    amount = float(np.repeat(energy.to_numpy() / minutes, minutes) @ price)
    assert found.total.amount == pytest.approx(amount, rel=1e-9)


def test_an_hour_over_midnight_is_shared_with_the_next_day():
    # 23:30–00:30: half an hour normal, half an hour off-peak of the next day
    found = energy_cost(series([2.0] * 24, "h", "2026-04-23 00:30"), voltage_kv=22.0)
    assert isinstance(found, EnergyCost)
    assert {band.band: band.energy_kwh for band in found.bands} == {"normal": 26, "peak": 10, "offpeak": 12}


def test_the_hours_of_a_day_of_25_are_all_priced():
    hours = rows_of(
        '[[rows]]\nid="de"\nzone="Europe/Berlin"\nsource="contract"\nchecked="read"\ntaken=2026-01-01\n'
        'peak=[{days=[0,1,2,3,4,5,6],from="08:00",to="20:00"}]\n',
        "hours.toml",
    )
    prices = rows_of(
        '[[rows]]\nid="de"\ncustomer="plant"\nvoltage_from_kv=0.0\ncurrency="EUR"\nnormal=0.1\npeak=0.2\n'
        'offpeak=0.1\nsource="contract"\nchecked="read"\ntaken=2026-01-01\n',
        "prices.toml",
    )
    energy = series([1.0] * 25, "h", "2025-10-26", "Europe/Berlin")
    found = energy_cost(
        energy.tz_convert("UTC"), customer="plant", voltage_kv=20.0, prices=prices, hours=hours
    )
    assert isinstance(found, EnergyCost)
    assert found.energy_kwh == 25.0
    assert (found.total.currency, found.total.amount) == ("EUR", pytest.approx(13 * 0.1 + 12 * 0.2))


def test_energy_that_is_exported_has_no_price_of_drawn_energy():
    found = energy_cost(DAY - 5.0, voltage_kv=22.0)
    assert isinstance(found, Refusal)
    assert (found.code, found.data["intervals"]) == ("negative_energy", 5)
    summary = load_summary(DAY - 5.0)
    assert isinstance(summary, LoadSummary)
    assert summary.findings[0].code == "negative_intervals"


def test_a_month_of_nothing_costs_nothing_and_has_no_mean_price():
    found = energy_cost(DAY * 0.0, voltage_kv=22.0)
    assert isinstance(found, EnergyCost)
    assert (found.total.amount, found.average_per_kwh) == (0.0, None)


@pytest.mark.parametrize(
    "span",
    ['{from="08:00",to="20:00"}', '{days=[0],from="8h",to="20:00"}', '{days=[0],from="08:00",to="25:00"}'],
)
def test_a_table_of_ones_own_that_is_wrong_is_named(span):
    rows = rows_of(
        f'[[rows]]\nid="own"\nsource="contract"\nchecked="read"\ntaken=2026-01-01\npeak=[{span}]\n',
        "own.toml",
    )
    with pytest.raises(ConfigError, match="own"):
        band_minutes(date(2026, 4, 23), rows)
    prices = rows_of(
        '[[rows]]\nid="own"\ncustomer="plant"\nvoltage_from_kv=0.0\ncurrency="VND"\nnormal=1.0\npeak=2.0\n'
        'source="contract"\nchecked="read"\ntaken=2026-01-01\n',
        "own.toml",
    )
    with pytest.raises(ConfigError, match="offpeak"):
        energy_cost(DAY, customer="plant", voltage_kv=22.0, prices=prices)


def test_a_profile_takes_kinds_of_days_by_date_and_wants_all_of_them():
    energy = series(np.tile(np.arange(48.0), 3))
    dates = pd.date_range("2026-04-23", periods=3, freq="D")
    kinds = pd.Series(["normal", "holiday", "normal"], index=dates)
    profile = load_profile(energy, kinds)
    assert profile.loc[("normal", 30), "days"] == 2
    assert profile.loc[("holiday", 30), "days"] == 1
    assert len(profile) == 96
    with pytest.raises(DataError, match="2026-04-25"):
        load_profile(energy, kinds.iloc[:2])


def test_the_demand_of_a_month_is_that_of_its_highest_whole_block():
    energy = series([1.0] * (10 * 144), "10min", "2026-04-26")
    energy.iloc[60:63] = [5.0, 5.0, 4.0]
    energy.iloc[699:702] = [np.nan, 50.0, 50.0]
    found = monthly_demand(energy)
    assert list(found.index) == ["2026-04", "2026-05"]
    assert found.loc["2026-04", "demand_kw"] == 28.0
    assert str(found.loc["2026-04", "at"]).startswith("2026-04-26 10:00")
    assert found["blocks"].sum() < 480
    assert found["energy_kwh"].sum() == pytest.approx(energy.sum())
    with pytest.raises(DataError, match="do not fill"):
        monthly_demand(series([1.0] * 48, "h"))
    assert monthly_demand(DAY * np.nan).empty


def test_a_meter_on_both_sides_of_a_balance_errs_once():
    # the same meter in and out: what is lost between does not hang on its error
    through = {"main": Stream(1000.0, 0.02)}
    same = water_balance(through, {"main": Stream(990.0, 0.02)})
    apart = water_balance(through, {"out": Stream(990.0, 0.02)})
    named = water_balance(through, {"out": Stream(990.0, 0.02, "main")})
    assert isinstance(same, WaterBalance)
    assert isinstance(apart, WaterBalance)
    assert same == named
    assert same.uncertainty.half_width == pytest.approx(1.645 * 0.2, rel=1e-3)
    assert apart.uncertainty.half_width == pytest.approx(1.645 * np.hypot(20, 19.8), rel=1e-3)
    assert isinstance(water_balance({"m": Stream(float("nan"), 0.01)}, {"m": Stream(5.0, 0.01)}), Refusal)
    with pytest.raises(ConfigError, match="confidence"):
        water_balance(through, {}, confidence=1.0)


def test_a_balance_of_meters_nobody_knows_says_so():
    found = water_balance({"main": Stream(1000.0)}, {"out": Stream(900.0, 0.01)})
    assert isinstance(found, WaterBalance)
    assert found.findings[0].data == {"streams": "main", "count": 1}


def still_nights(days=6, freq="10min", leak=0.0, seed=3):
    index = pd.date_range("2026-02-10", periods=days * 1440 // int(freq[:-3]), freq=freq, tz=ZONE)
    work = (index.hour >= 6) & (index.hour < 22)
    volume = np.where(work, np.random.default_rng(seed).uniform(0.1, 987.654, len(index)), 0.0)
    return pd.Series(volume + leak / 6.0, index=index), pd.Series(work, index=index)


def test_hours_without_flow_are_still_however_much_flowed_before():
    volume, producing = still_nights()
    assert leaks(volume) == ()
    found = night_flow(volume, producing, starting_flow_m3h=0.05)
    assert isinstance(found, NightFlow)
    assert (found.minimum_m3h, found.median_m3h, found.findings) == (0.0, 0.0, ())


def test_a_night_over_midnight_is_one_night_and_its_hour_begins_where_it_says():
    volume, producing = still_nights(days=3, leak=0.6)
    volume[(volume.index.hour == 3) & (volume.index.day == 11)] = 0.02
    found = night_flow(volume, producing)
    assert isinstance(found, NightFlow)
    # 10 Feb before dawn, two whole nights, 12 Feb after 22:00
    assert found.nights == 4
    assert found.at.startswith("2026-02-11 03:00")
    assert found.minimum_m3h == pytest.approx(0.12)
    assert found.median_m3h == pytest.approx(0.6)


def test_a_calendar_by_the_hour_serves_volumes_by_ten_minutes():
    volume, producing = still_nights(leak=0.6)
    by_hour = producing[producing.index.minute == 0]
    assert night_flow(volume, by_hour) == night_flow(volume, producing)
    # where the calendar says nothing, nothing counts as rest
    assert night_flow(volume, by_hour.iloc[:48]) == night_flow(volume.iloc[:288], producing)
    with pytest.raises(DataError, match="time zone"):
        night_flow(volume, producing.tz_localize(None))
    with pytest.raises(DataError, match="words"):
        night_flow(volume, producing.map({True: "yes", False: "no"}))


def test_an_hour_of_few_pulses_is_told():
    volume, producing = still_nights(leak=0.6)
    found = night_flow(volume, producing, pulse_m3=0.1)
    assert isinstance(found, NightFlow)
    assert [finding.code for finding in found.findings] == ["few_pulses"]


def test_daily_volumes_tell_nothing_of_still_hours():
    with pytest.raises(DataError, match="an hour or less"):
        leaks(series([5.0] * 30, "D"))


def test_a_leak_begins_anew_after_a_gap():
    volume = series([0.1] * 288, "15min")
    first, second = leaks(volume.drop(volume.index[130:140]))
    assert first.hours == pytest.approx(32.5)
    assert second.since == str(volume.index[140])
    assert second.hours == pytest.approx(37.0)


def test_a_band_over_midnight_runs_into_the_next_day_only():
    hours = rows_of(
        '[[rows]]\nid="own"\nsource="contract"\nchecked="read"\ntaken=2026-01-01\n'
        'offpeak=[{days=[5],from="22:00",to="04:00"}]\n',
        "own.toml",
    )
    minutes = {day: band_minutes(date(2026, 4, day), hours) for day in (24, 25, 26)}  # Friday to Sunday
    assert [int((found == 2).sum()) for found in minutes.values()] == [0, 120, 240]


def test_blocks_of_demand_begin_with_the_hour_wherever_the_data_begins():
    energy = series([1.0, 1.0, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0], "10min", "2026-04-23 00:10")
    found = monthly_demand(energy)
    assert found.loc["2026-04", "demand_kw"] == 24.0
    assert str(found.loc["2026-04", "at"]).startswith("2026-04-23 00:30")
    assert found.loc["2026-04", "blocks"] == 2


def test_the_base_load_is_exceeded_95_percent_of_the_time():
    found = load_summary(series(np.arange(1.0, 102.0), "h"))
    assert isinstance(found, LoadSummary)
    assert found.base_kw == pytest.approx(6.0)
