"""Whatever is handed in: data with findings, or a refusal with its reason; never a traceback, never a silent NaN."""

import warnings

import numpy as np
import pandas as pd
import pytest

from analysis.data import MeterData
from analysis.prepare import bills_frame, counter_intervals, prepare, read_stamps, resample, sufficiency
from analysis.results import Refusal
from dodac.errors import ConfigError, DataError

HOURS = pd.date_range("2025-01-01", periods=24 * 60, freq="h")
LOAD = np.random.default_rng(5).random(len(HOURS)) + 10


def of(values, index=HOURS, **options):
    options = {"unit": "kWh", "interval": "day", **options}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return prepare(pd.Series(values, index=index), options.pop("interval"), **options)


def codes(found) -> set[str]:
    return {found.code} if isinstance(found, Refusal) else {one.code for one in found.findings}


def test_good_hours_become_days():
    found = of(LOAD, zone="Asia/Ho_Chi_Minh", side="start")
    assert isinstance(found, MeterData)
    assert len(found.frame) == 60
    assert found.y.sum() == pytest.approx(LOAD.sum())
    assert codes(found) == set()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.full(len(HOURS), 7.0), "constant"),
        (np.zeros(len(HOURS)), "all_zero"),
        (-LOAD, "negative"),
        (np.where(np.arange(len(HOURS)) == 700, 1e12, LOAD), "outliers"),
        (np.full(len(HOURS), np.nan), "no_rows"),
        (np.full(len(HOURS), np.inf), "no_rows"),
    ],
)
def test_what_is_odd_has_its_name(values, code):
    found = of(values)
    assert code in codes(found)
    if isinstance(found, MeterData):
        assert np.isfinite(found.y).all(), "odd values are flagged, not dropped"


def test_one_day_only():
    found = of(LOAD[:24], HOURS[:24])
    assert len(found.frame) == 1
    told = sufficiency(found)
    assert next(one for one in told if one.code == "too_few_intervals").data["missing"] == 59


def test_one_row_only_and_no_row():
    assert isinstance(of(LOAD[:1], HOURS[:1]), (MeterData, Refusal))
    assert codes(of([], pd.DatetimeIndex([]))) == {"no_rows"}
    for interval in ("hour", "day", "week", "month"):
        assert isinstance(of(LOAD[:2], HOURS[:2], interval=interval), MeterData)


def test_two_years_of_nothing_between_two_days():
    far = HOURS[:24] + pd.DateOffset(years=2)
    found = of(np.r_[LOAD[:24], LOAD[:24]], HOURS[:24].append(far))
    assert found.frame["energy"].notna().sum() == 2
    assert len(found.frame) == 731, "what is missing has rows"
    assert "gaps" in codes(found)


def test_words_among_the_numbers_are_told():
    with pytest.raises(DataError, match="is not numbers"):
        of(["off", *LOAD[1:].tolist()])
    with pytest.raises(DataError, match="not numbers"):
        counter_intervals(pd.Series(["off", *LOAD[1:].tolist()], index=HOURS), "day")


def test_unsorted_rows_are_sorted_and_told():
    order = np.random.default_rng(1).permutation(len(HOURS))
    found = of(LOAD[order], HOURS[order], side="start")
    assert "rows_out_of_order" in codes(found)
    assert found.y.sum() == pytest.approx(LOAD.sum())


def test_two_time_zones_in_one_column():
    text = [
        f"{moment:%Y-%m-%dT%H:%M}{'+07:00' if place < 700 else '+00:00'}"
        for place, moment in enumerate(HOURS)
    ]
    moved = [
        f"{moment - pd.Timedelta(hours=7):%Y-%m-%dT%H:%M}+00:00" if place >= 700 else text[place]
        for place, moment in enumerate(HOURS)
    ]
    assert codes(of(LOAD, moved)) == {"zone_needed"}
    found = of(LOAD, moved, zone="Asia/Ho_Chi_Minh", side="start")
    assert "other_zone" in codes(found)
    assert len(found.frame) == 60
    half = [one[:-6] if place % 2 else one for place, one in enumerate(text)]
    assert codes(of(LOAD, half, zone="Asia/Ho_Chi_Minh")) == {"mixed_offsets"}


def test_energy_and_temperature_of_different_zones():
    cold = pd.Series(LOAD, index=HOURS.tz_localize("UTC"))
    assert codes(of(LOAD, temperature=cold)) == {"zones_differ"}
    local = HOURS.tz_localize("Asia/Ho_Chi_Minh")
    found = of(
        LOAD, local, temperature=pd.Series(LOAD, index=local.tz_convert("UTC")), zone="Asia/Ho_Chi_Minh"
    )
    assert found.frame["temperature"].notna().all()


def test_production_missing_on_sundays_stays_missing():
    days = pd.date_range("2025-01-01", periods=60, freq="D")
    made = pd.Series(np.arange(60.0), index=days)[days.day_of_week != 6]
    found = of(LOAD, drivers={"output": made}, side="start")
    sundays = found.index.day_of_week == 6
    assert found.frame["output"].isna().to_numpy()[sundays].all()
    assert found.frame["output"].notna().to_numpy()[~sundays].all()


def test_duplicates_count_once_and_conflicts_not_at_all():
    index = HOURS.append(HOURS[5:8])
    found = of(np.r_[LOAD, LOAD[5:8]], index, interval="hour", side="start")
    assert "duplicates_equal" in codes(found)
    assert found.y.sum() == pytest.approx(LOAD.sum())
    found = of(np.r_[LOAD, LOAD[5:8] + 1], index, interval="hour", side="start")
    assert "duplicates_conflict" in codes(found)
    assert np.isnan(found.y[5:8]).all()
    assert np.isfinite(found.y).sum() == len(HOURS) - 3


def test_daily_values_are_not_spread_over_hours():
    days = pd.date_range("2025-01-01", periods=60, freq="D")
    assert codes(of(LOAD[:60], days, interval="hour")) == {"too_coarse"}
    assert codes(of(LOAD[:12], pd.date_range("2025-01-01", periods=12, freq="MS"), interval="day")) == {
        "too_coarse"
    }


def test_months_stay_months():
    found = of(LOAD[:12], pd.date_range("2025-01-01", periods=12, freq="MS"), interval="month", side="start")
    assert found.y == pytest.approx(LOAD[:12])


@pytest.mark.parametrize("text", ["never", "2025-13-45", "32/01/2025", "12:00"])
def test_a_column_that_is_no_time_is_refused(text):
    assert isinstance(of(LOAD, [text] * len(HOURS)), Refusal)


def test_wrong_use_is_told_and_not_a_traceback_of_pandas():
    for options in (
        {"kind": "power"},
        {"zone": "Saigon"},
        {"side": "middle"},
        {"order": "dym"},
        {"outliers": "x"},
    ):
        with pytest.raises(ConfigError):
            of(LOAD, **options)
    with pytest.raises(ConfigError):
        counter_intervals(pd.Series(LOAD.cumsum(), index=HOURS), "day", max_rate_per_h=0)
    with pytest.raises(DataError):
        counter_intervals(pd.Series(LOAD), "day")
    with pytest.raises(DataError):
        resample(pd.Series(["a"], index=HOURS[:1]), "day", step="1h")
    with pytest.raises(DataError, match='no column "kWh"'):
        bills_frame(pd.DataFrame({"d": []}), unit="kWh", value="kWh", read="d")


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [np.nan] * 50, [0.0] * 50, [5.0] * 50, np.arange(50)[::-1], [-1.0] * 50, [1e12] * 50],
)
def test_counters_of_nothing(values):
    index = pd.date_range("2025-01-01", periods=len(values), freq="15min", tz="UTC")
    found = counter_intervals(pd.Series(np.asarray(values, dtype=float), index=index), "15min")
    assert not (found.frame["amount"] < 0).any()
    assert np.isfinite(found.total)


def test_stamps_of_nothing():
    assert len(read_stamps([]).start) == 0
    assert read_stamps([None, "", "NA"]).start.isna().all()


def test_days_stamped_at_one_o_clock_in_summer_are_whole_days():
    days = pd.date_range("2025-03-01", periods=90, freq="D")
    stamps = days.where(days < "2025-03-30", days + pd.Timedelta(hours=1))
    found = of(np.arange(90.0), stamps, side="start")
    assert found.y == pytest.approx(np.arange(90.0))
    assert (found.index == days).all()


def test_a_weather_station_that_reports_at_odd_minutes_gives_hours():
    index = pd.date_range("2025-01-01 00:53", periods=24 * 20, freq="h")
    odd = index.append(index[::5] + pd.Timedelta(minutes=17)).sort_values()
    warm = pd.Series((odd - odd[0]) / pd.Timedelta(hours=1), index=odd)  # rises by 1 °C an hour
    found = of(LOAD[: 24 * 19], HOURS[: 24 * 19], temperature=warm, side="start")
    assert found.frame["temperature"].iloc[3] == pytest.approx(3 * 24 + 12 - 53 / 60, abs=0.02)


def test_a_profile_may_scale_short_days_up_and_says_so():
    values = LOAD.copy()
    values[24:30] = np.nan
    assert np.isnan(of(values, side="start").y[1])
    found = of(values, side="start", profile="caltrack")
    assert "scaled_up" in codes(found)
    assert found.y[1] == pytest.approx(LOAD[30:48].mean() * 24)


def test_a_counter_in_one_call():
    face = np.r_[1000.0, 1000 + np.cumsum(LOAD)]
    index = pd.date_range("2025-01-01", periods=len(face), freq="h")
    face[77] = 0.0
    found = of(face, index, kind="counter", zone="Asia/Ho_Chi_Minh")
    assert found.y == pytest.approx(LOAD.reshape(60, 24).sum(axis=1))
    assert "readings_dip" in codes(found)


def test_weather_of_another_zone_is_cut_at_the_days_of_the_energy():
    """Both series say their zone and they differ: joined as they are, no midnight of one is one of the other."""
    utc = pd.date_range("2025-01-01", periods=24 * 20, freq="h", tz="UTC")
    here = utc.tz_convert("Asia/Ho_Chi_Minh")
    values = pd.Series(np.arange(480.0), index=here)
    found = of(np.ones(480), utc, temperature=values)
    assert found.frame["temperature"].tolist() == pytest.approx([11.5 + 24 * day for day in range(20)])


def test_a_summer_time_of_half_an_hour_leaves_no_half_hours_among_the_hours():
    for start, days in (("2025-04-04", 5), ("2025-10-03", 5)):
        half_hours = pd.date_range(
            start,
            pd.Timestamp(start) + pd.Timedelta(days=days),
            freq="30min",
            tz="Australia/Lord_Howe",
            inclusive="left",
        )
        found = of(np.ones(len(half_hours)), half_hours, interval="hour", side="start")
        assert found.frame["energy"].sum() == len(half_hours)
        assert sorted(found.frame["energy"].unique()) == [2.0, 3.0]


def test_a_table_with_a_column_twice_is_named():
    table = pd.DataFrame(
        [[1.0, 2.0, "2025-01-31"], [1.0, 2.0, "2025-02-28"]], columns=["value", "value", "read"]
    )
    with pytest.raises(DataError, match="more than one column"):
        bills_frame(table, unit="kWh", read="read")
