"""Enough data or what is missing, by profile; windows of any length; the same season for a part of a year."""

import numpy as np
import pandas as pd
import pytest

from analysis._tables import rows_of
from analysis.data import MeterData, meter_data
from analysis.prepare import (
    baseline_window,
    flag_outliers,
    interpolate_gauge,
    not_enough,
    profiles,
    resample,
    same_season,
    sufficiency,
    window,
)  # fmt: skip
from analysis.results import Refusal
from dodac.errors import ConfigError


def data(start: str, periods: int, freq: str = "D", interval: str = "day", **columns) -> MeterData:
    index = pd.date_range(start, periods=periods, freq=freq, tz="Asia/Ho_Chi_Minh")
    values = 10 + np.random.default_rng(1).random(periods)
    return meter_data(pd.DataFrame({"energy": values, **columns}, index=index), unit="kWh", interval=interval)


def codes(findings) -> set[str]:
    return {one.code for one in findings}


def test_hours_that_are_missing_are_counted():
    found = not_enough(sufficiency(data("2025-01-01", 168, "h", "hour")))
    assert isinstance(found, Refusal)
    assert found.en == "1 440 hours needed, 168 there: 1 272 more."
    assert (found.data["needed"], found.data["there"], found.data["missing"]) == (1440, 168, 1272)


@pytest.mark.parametrize("profile", profiles())
def test_a_whole_year_of_days_is_enough_everywhere_and_a_week_nowhere(profile):
    assert sufficiency(data("2025-01-01", 365), profile) == ()
    week = sufficiency(data("2025-01-01", 7), profile)
    assert not_enough(week) is not None
    for one in week:
        assert {"needed", "there", "severity", "source", "checked"} <= set(one.data)


def test_caltrack_counts_37_missing_days_and_no_more():
    year = data("2025-01-01", 365)
    year.frame.iloc[50:87, 0] = np.nan
    assert sufficiency(year, "caltrack") == ()
    year.frame.iloc[87, 0] = np.nan
    (one,) = sufficiency(year, "caltrack")
    assert (one.code, one.data["missing"]) == ("days_missing", 38)


def test_zeros_of_electricity_count_as_missing_for_caltrack():
    year = data("2025-01-01", 365)
    year.frame.iloc[50:100, 0] = 0.0
    assert {"zeros_count_as_missing", "days_missing"} <= codes(sufficiency(year, "caltrack"))
    assert "zeros_count_as_missing" not in codes(sufficiency(year, "dodac"))


def test_a_thin_month_of_hours_and_a_long_temperature_gap():
    hours = data("2025-01-01", 8760, "h", "hour")
    hours.frame.iloc[31 * 24 : 35 * 24, 0] = np.nan
    (thin,) = [one for one in sufficiency(hours, "caltrack") if one.code == "month_thin"]
    assert thin.data["month"] == "2025-02"
    warm = pd.Series(20.0, index=hours.frame.index)
    warm.iloc[100:107] = np.nan
    with_t = meter_data(
        hours.frame.assign(temperature=warm), unit="kWh", interval="hour", temperature="temperature"
    )
    assert "temperature_gap" in codes(sufficiency(with_t, "caltrack"))
    with_t.frame.iloc[106, 1] = 20.0
    assert "temperature_gap" not in codes(sufficiency(with_t, "caltrack"))


def test_bills_of_odd_length():
    index = pd.date_range("2024-01-01", periods=13, freq="MS")
    days = [31, 20, *[30.0] * 10, 40]
    frame = pd.DataFrame({"energy": np.arange(13.0) + 5, "days": days}, index=index)
    found = sufficiency(meter_data(frame, unit="kWh", interval="bill"), "caltrack")
    assert {"bill_too_short", "bill_too_long"} <= codes(found)


def test_a_plants_own_rules_and_wrong_names():
    own = rows_of(
        '[table]\nsource="plan"\nchecked="agreed"\ntaken=2026-01-01\n[[rows]]\nrule="intervals_min"\nlimit=400\nseverity="fail"\n',
        "own",
    )
    assert not_enough(sufficiency(data("2025-01-01", 365), rules=own)).data["missing"] == 35
    with pytest.raises(ConfigError, match='Did you mean "caltrack"'):
        sufficiency(data("2025-01-01", 3), "caltrak")
    with pytest.raises(ConfigError, match="no rule"):
        sufficiency(data("2025-01-01", 3), rules=[{**own[0], "rule": "moon"}])


def test_a_meter_of_zeros_and_one_of_nothing():
    year = data("2025-01-01", 365)
    year.frame["energy"] = np.nan
    assert not_enough(sufficiency(year)) is not None
    year.frame["energy"] = 0.0
    assert "all_zero" in codes(sufficiency(year))


def test_windows_of_any_length_without_the_works():
    days = data("2022-01-01", 1461)
    found = baseline_window(days, "2025-01-01", months=36, without=[("2023-05-01", "2023-05-11")])
    assert len(found.frame) == 1096 - 10
    assert not codes(found.findings)
    assert "window_not_whole_years" in codes(baseline_window(days, "2025-01-01", months=18).findings)
    assert "window_short" in codes(baseline_window(days, "2025-01-01", months=6).findings)
    assert "window_begins_late" in codes(baseline_window(days, "2023-01-01", months=24).findings)
    assert isinstance(baseline_window(days, "2010-01-01"), Refusal)
    with pytest.raises(ConfigError):
        baseline_window(days, "2025-01-01", months=60)
    with pytest.raises(ConfigError, match="before it begins"):
        window(days, "2024-01-01", "2023-01-01")


def test_bills_count_when_they_lie_in_the_window_wholly():
    index = pd.date_range("2024-01-10", periods=12, freq="30D")
    bills = meter_data(pd.DataFrame({"energy": 1.0, "days": 30.0}, index=index), unit="kWh", interval="bill")
    assert len(window(bills, "2024-01-15", "2024-04-09").frame) == 2


def test_four_months_are_compared_with_the_same_months_of_each_year():
    baseline = data("2022-03-01", 730)
    reporting = data("2025-05-01", 123)  # May to August
    found = same_season(baseline, reporting)
    assert set(found.index.month) == {5, 6, 7, 8}
    assert len(found.frame) == 2 * 123
    assert "same_season" in codes(found.findings)
    assert same_season(baseline, data("2025-01-01", 365)) is baseline
    winter = data("2024-12-01", 90)
    assert set(same_season(baseline, winter).index.month) == {12, 1, 2}
    assert len(same_season(baseline, winter, beside_days=10).frame) == 2 * 110
    assert isinstance(same_season(data("2022-05-01", 60), winter), Refusal)


def test_months_of_bills_are_matched_by_their_middle():
    index = pd.date_range("2023-01-01", periods=24, freq="MS")
    bills = meter_data(pd.DataFrame({"energy": 1.0}, index=index), unit="kWh", interval="month")
    reporting = meter_data(
        pd.DataFrame({"energy": 1.0}, index=pd.date_range("2025-06-01", periods=3, freq="MS")),
        unit="kWh",
        interval="month",
    )
    assert sorted(set(same_season(bills, reporting).index.month)) == [6, 7, 8]


def test_resampling_sums_amounts_means_gauges_and_scales_nothing_unasked():
    index = pd.date_range("2025-01-01", periods=48, freq="h")
    values = pd.Series(1.0, index=index)
    values.iloc[30:36] = np.nan
    found = resample(values, "day", step="1h")
    assert found.frame["value"].iloc[0] == 24
    assert np.isnan(found.frame["value"].iloc[1])
    assert found.frame["coverage"].iloc[1] == pytest.approx(0.75)
    assert found.gaps == ((index[30], index[36]),)
    assert resample(values, "day", step="1h", fill_from=0.5).frame["value"].iloc[1] == pytest.approx(24)
    gauge = resample(values * np.arange(48), "day", step="1h", kind="gauge", min_coverage=0.7)
    assert gauge.frame["value"].tolist() == pytest.approx([11.5, np.mean([*range(24, 30), *range(36, 48)])])


def test_outliers_are_flagged_and_kept():
    values = pd.Series([10.0, 11, 9, 10, 12, 10, 11, 9, 60], index=range(9))
    for rule in ("caltrack-extreme", "tukey-far", "mad"):
        flags, (told,) = flag_outliers(values, rule)
        assert flags.tolist() == [False] * 8 + [True]
        assert told.data["outliers"] == 1
    # by hand: median 10, quartiles 10 and 11: limit 10 + 3 · 1
    assert flag_outliers(values)[1][0].data["limit"] == pytest.approx(13.0)
    assert not flag_outliers(pd.Series([5.0] * 20))[0].any()


def test_only_short_gaps_of_a_gauge_are_bridged():
    index = pd.date_range("2025-01-01", periods=40, freq="h")
    values = pd.Series(np.arange(40.0), index=index)
    values.iloc[5:11] = np.nan
    values.iloc[20:27] = np.nan
    found, told = interpolate_gauge(values, step="1h", max_gap="6h")
    assert found.iloc[5:11].tolist() == pytest.approx([5, 6, 7, 8, 9, 10])
    assert found.iloc[20:27].isna().all()
    assert told[0].data["values"] == 6
