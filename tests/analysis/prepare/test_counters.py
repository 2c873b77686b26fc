"""Counters: what is known is counted, what is not known is told, and nothing is made up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.prepare import Exchange, counter_intervals
from dodac.errors import ConfigError
from store._counter import believable_rises

RNG = np.random.default_rng(3)
INDEX = pd.date_range("2025-01-01", periods=961, freq="15min", tz="Asia/Ho_Chi_Minh")
AMOUNT = np.round(10 + 20 * RNG.random(960), 2)
FACE = np.round(50_000 + np.concatenate(([0.0], np.cumsum(AMOUNT))), 2)


def of(values, index=INDEX, interval="15min", **options):
    return counter_intervals(pd.Series(np.asarray(values, dtype=float), index=index), interval, **options)


def right(found, amount=AMOUNT) -> int:
    """How many amounts are there; all of them right."""
    got = found.frame["amount"].to_numpy()[: len(amount)]
    known = np.isfinite(got)
    assert got[known] == pytest.approx(amount[known], abs=1e-6)
    return int(known.sum())


def changed(place, value) -> np.ndarray:
    values = FACE.copy()
    values[place] = value
    return values


def test_a_clean_counter_is_counted_wholly():
    found = of(FACE)
    assert right(found) == 960
    assert found.findings == ()
    assert found.total == pytest.approx(AMOUNT.sum())


def test_days_of_a_counter_are_local_days():
    found = of(FACE, interval="day")
    assert len(found.frame) == 10
    assert found.frame["amount"].to_numpy() == pytest.approx(AMOUNT.reshape(10, 96).sum(axis=1))
    assert str(found.frame.index.tz) == "Asia/Ho_Chi_Minh"
    utc = of(FACE, interval="day", zone="UTC")
    assert np.isnan(utc.frame["amount"].iloc[0]), "seven hours of a day are not a day"
    assert utc.frame["coverage"].iloc[0] == pytest.approx(7 / 24)


def test_one_zero_costs_two_intervals_and_a_dip_within_a_day_costs_the_day_nothing():
    values = changed(100, 0.0)
    found = of(values)
    assert right(found) == 958
    assert found.gaps[0].total == pytest.approx(AMOUNT[99] + AMOUNT[100])
    assert of(values, interval="day").frame["amount"].sum() == pytest.approx(AMOUNT.sum())


def test_a_gap_tells_its_total_and_no_spread():
    values = changed(slice(300, 500), np.nan)
    found = of(values)
    assert right(found) == 960 - 201
    (gap,) = found.gaps
    assert gap.total == pytest.approx(AMOUNT[299:500].sum())
    assert (gap.start, gap.end) == (INDEX[299], INDEX[500])
    assert found.total == pytest.approx(AMOUNT.sum())
    assert found.frame["seen"].sum() + gap.total == pytest.approx(AMOUNT.sum())


def test_a_rollover_is_counted_through_when_told_and_when_found():
    face = FACE - FACE[480] + 99_990
    values = np.where(face >= 100_000, face - 100_000, face)
    assert right(of(values, top=100_000)) == 960
    found = of(values)
    assert right(found) == 960
    assert [one.code for one in found.findings] == ["rollover_found"]


def test_a_reset_is_unknown_and_an_exchange_that_is_told_is_not():
    values = np.where(np.arange(961) >= 480, FACE - FACE[479] - 4.0, FACE)
    found = of(values)
    assert right(found) == 959
    assert np.isnan(found.gaps[0].total)
    assert [one.code for one in found.findings] == ["new_count"]
    told = of(values, exchanges=[Exchange(INDEX[480] - pd.Timedelta(minutes=20), FACE[479] + 4.0, 0.0)])
    assert right(told) == 960
    wrong = of(values, exchanges=[Exchange(INDEX[480], FACE[479] + 9000, 0.0)])
    assert right(wrong) == 959
    assert "exchange_does_not_fit" in {one.code for one in wrong.findings}


def test_an_exchange_needs_a_time_like_those_of_the_readings():
    with pytest.raises(ConfigError, match="one has a zone"):
        of(FACE, exchanges=[Exchange(pd.Timestamp("2025-01-03"), 1.0, 0.0)])


def test_a_register_that_stands_still_and_catches_up_is_one_stretch():
    found = of(changed(slice(200, 240), FACE[199]))
    assert right(found) == 960 - 41
    assert sum(gap.total for gap in found.gaps) == pytest.approx(AMOUNT[199:240].sum())


def test_a_plant_that_stops_for_a_week_is_zero_and_not_a_fault():
    amount = AMOUNT.copy()
    amount[300:700] = 0.0
    assert right(of(50_000 + np.concatenate(([0.0], np.cumsum(amount)))), amount) == 960


def test_late_and_repeated_rows_change_nothing():
    order = np.r_[0:100, 110:130, 100:110, 130:961, 400:420]
    found = of(FACE[order], INDEX[order])
    assert right(found) == 960
    assert {"rows_out_of_order", "duplicates_equal"} <= {one.code for one in found.findings}


def test_a_clock_put_back_makes_no_amounts_of_the_wrong_hour():
    stamps = INDEX.tz_convert("UTC").tz_localize(None).to_numpy().copy()
    stamps[400:430] -= np.timedelta64(2, "h")
    found = of(FACE, pd.DatetimeIndex(stamps).tz_localize("UTC").tz_convert("Asia/Ho_Chi_Minh"))
    assert right(found) == 960 - 31
    assert sum(gap.total for gap in found.gaps) == pytest.approx(AMOUNT[399:430].sum())


def test_a_limit_that_is_told_is_kept():
    values = np.where(np.arange(961) >= 480, FACE + 60, FACE)
    assert right(of(values, max_rate_per_h=4 * 31), np.r_[AMOUNT[:479], np.nan, AMOUNT[480:]]) == 959


def test_readings_off_the_quarter_hour_are_shared_out_by_time():
    index = INDEX + pd.Timedelta(minutes=5)
    found = of(FACE, index)
    assert found.frame["amount"].iloc[1] == pytest.approx(AMOUNT[0] / 3 + AMOUNT[1] * 2 / 3)


def test_summer_time_days_have_23_and_25_hours():
    index = pd.date_range("2025-03-29", "2025-10-27", freq="h", tz="Europe/Berlin")
    found = counter_intervals(pd.Series(np.arange(len(index)) * 1.0, index=index), "day")
    assert found.frame["amount"]["2025-03-30"].item() == 23
    assert found.frame["amount"]["2025-10-26"].item() == 25


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(10, 950), st.sampled_from([0.0, 1e9, 65535.0, np.nan])), min_size=1, max_size=5
    )
)
def test_lone_faults_are_never_consumption_and_the_stores_rules_agree(faults):
    values = FACE.copy()
    places = sorted({place // 10 * 10 for place, _ in faults})
    for place, (_, value) in zip(places, faults, strict=False):
        values[place] = value
    found = of(values)
    assert right(found) >= 960 - 2 * len(places)
    assert found.total == pytest.approx(AMOUNT.sum())
    good = np.isfinite(values)
    (stored,) = believable_rises(INDEX.as_unit("ns").asi8[good], values[good])
    assert stored.amount.sum() == pytest.approx(found.total)


def test_small_steps_of_a_large_register_are_steps():
    """A 32-bit register of watt-hours stands at 3 million kWh: steps of 0.02 kWh are finer than a float32 shows."""
    face = 2_981_557.947 + np.concatenate(([0.0], np.cumsum(np.full(600, 0.018))))
    index = pd.date_range("2025-01-01", periods=601, freq="15min", tz="Asia/Ho_Chi_Minh")
    found = of(face, index)
    assert right(found, np.full(600, 0.018)) == 600
    stuck = face.copy()
    stuck[300:320] = stuck[299]
    got = of(stuck, index)
    assert right(got, np.full(600, 0.018)) == 579
    assert got.total == pytest.approx(face[-1] - face[0])
    dip = face.copy()
    dip[200] -= 0.2
    assert right(of(dip, index), np.full(600, 0.018)) == 598
    assert of(dip, index).total == pytest.approx(face[-1] - face[0])


def test_a_register_held_in_a_float32_may_fall_by_its_last_digit():
    face = 5_000_000.0 + np.concatenate(([0.0], np.cumsum(np.full(400, 3.0))))
    face[300] = face[299] - 0.5
    found = of(face, INDEX[:401])
    assert [one.why for one in found.gaps] in ([], ["stood_still"])
    assert found.total == pytest.approx(1200, abs=0.5)


def test_a_row_said_again_while_the_register_stands_still_is_no_wrong_clock():
    values = FACE.copy()
    values[400:] = FACE[399] + np.concatenate((np.zeros(100), FACE[500:] - FACE[499] + 5))
    rows = pd.Series(values, index=INDEX)
    rows = pd.concat([rows.iloc[:450], rows.iloc[440:441], rows.iloc[450:]])
    found = counter_intervals(rows, "15min")
    assert not (found.left_out["reason"] == "clock").any()
    assert {one.code for one in found.findings} >= {"duplicates_equal"}


def test_an_hourly_clock_put_back_by_one_hour_for_a_while_is_no_doubled_row():
    """The stamp of the hour before is there twice, and one is missing where the clock was put right."""
    index = pd.date_range("2025-01-01", periods=481, freq="h", tz="Asia/Ho_Chi_Minh")
    amount, face = AMOUNT[:480], FACE[:481]
    stamps = index.to_series().reset_index(drop=True)
    stamps[200:212] -= pd.Timedelta(hours=1)
    found = counter_intervals(pd.Series(face, index=pd.DatetimeIndex(stamps)), "hour")
    assert right(found, amount) == 480 - 13
    assert "clock_went_back" in {one.code for one in found.findings}


def test_a_count_restored_a_few_readings_back_is_a_new_count_and_no_spike():
    lost = FACE[500] - FACE[492] + 3
    values = np.concatenate((FACE[:501], FACE[501:] - lost))
    found = of(values)
    assert right(found) == 959
    assert [one.why for one in found.gaps] == ["new_count"]


def test_an_interval_of_which_a_second_was_not_seen_is_not_whole():
    rows = pd.Series(FACE, index=INDEX + pd.Timedelta(seconds=1)).drop(
        index=[INDEX[400] + pd.Timedelta(seconds=1)]
    )
    found = counter_intervals(rows, "15min")
    at = found.frame.index.get_loc(INDEX[401])
    assert np.isnan(found.frame["amount"].iloc[at])
    assert found.frame["coverage"].iloc[at] > 0.998


def test_nights_without_use_before_an_exchanged_meter_are_kept():
    day = np.where((np.arange(960) // 4 % 24 >= 23) | (np.arange(960) // 4 % 24 < 22), AMOUNT, 0.0)
    face = 50_000 + np.concatenate(([0.0], np.cumsum(np.round(day, 2))))
    values = np.concatenate((face[:479], face[479:] - face[478] + 7))
    told = Exchange(INDEX[478] + pd.Timedelta(minutes=7), float(face[478]), 7.0)
    assert right(of(values, exchanges=[told]), day) == 960


def test_a_register_that_stood_still_before_its_meter_was_exchanged_is_one_stretch():
    values = np.concatenate((FACE[:501], FACE[501:] - FACE[500] + 7))
    values[470:501] = FACE[470]
    found = of(values, exchanges=[Exchange(INDEX[500] + pd.Timedelta(minutes=5), float(FACE[500]), 7.0)])
    right(found)
    assert found.total == pytest.approx(FACE[-1] - FACE[0])


def test_water_draws_are_no_register_that_stood_still():
    rng = np.random.default_rng(8)
    draws = np.where(rng.random(960) < 0.1, np.ceil(rng.exponential(30, 960)), 0.0)
    found = of(700 + np.concatenate(([0.0], np.cumsum(draws))))
    assert right(found, draws) > 0.95 * 960
