"""Degree-days and degree-hours of rows: by hand, with missing hours, over summer time, from coarse data."""

import numpy as np
import pandas as pd
import pytest

from analysis.baselines.degrees import degree_columns, degree_grid
from dodac.errors import DataError


def hours(days: int, zone: str | None = None, start: str = "2023-01-01") -> pd.Series:
    index = pd.date_range(start, periods=24 * days, freq="h", tz=zone)
    return pd.Series(np.where(index.hour < 12, 10.0, 20.0), index=index)


def rows(days: int, zone: str | None = None, start: str = "2023-01-01") -> pd.DataFrame:
    index = pd.date_range(start, periods=days, freq="D", tz=zone)
    return pd.DataFrame({"energy": np.ones(days)}, index=index)


def test_half_a_day_two_kelvin_below_is_one_degree_day():
    found = degree_columns(hours(3), rows(3), heating=(12.0, 8.0), cooling=(15.5,))
    assert found["hdd_12"].to_numpy() == pytest.approx(1.0)
    assert found["hdd_8"].to_numpy() == pytest.approx(0.0)
    assert found["cdd_15.5"].to_numpy() == pytest.approx(2.25)


def test_a_day_with_three_hours_missing_has_no_degree_days_one_with_two_has():
    temperature = hours(2)
    temperature.iloc[[1, 2, 3, 25, 26]] = np.nan
    found = degree_columns(temperature, rows(2), heating=(12.0,), cooling=())
    assert np.isnan(found["hdd_12"].iloc[0])
    assert found["hdd_12"].iloc[1] == pytest.approx(2.0 * 10 / 22)


def test_a_month_of_days_and_a_bill_of_days_count_alike():
    daily = hours(59).resample("D").mean()
    month = rows(1).assign(days=31.0)
    months = pd.DataFrame({"energy": [1.0, 1.0]}, index=pd.to_datetime(["2023-01-01", "2023-02-01"]))
    by_bill = degree_columns(daily, month, heating=(18.0,), cooling=())
    by_month = degree_columns(daily, months, heating=(18.0,), cooling=())
    assert by_bill["hdd_18"].iloc[0] == pytest.approx(3.0 * 31)
    assert by_month["hdd_18"].to_list() == pytest.approx([93.0, 84.0])


def test_the_day_of_23_hours_is_a_day():
    zone = "Europe/Berlin"
    temperature = pd.Series(10.0, index=pd.date_range("2023-03-25", "2023-03-28", freq="h", tz=zone))
    found = degree_columns(temperature, rows(3, zone, "2023-03-25"), heating=(18.0,), cooling=())
    assert found["hdd_18"].to_list() == pytest.approx([8.0, 8.0 * 23 / 24, 8.0])


def test_rows_before_the_first_temperature_have_none():
    found = degree_columns(hours(2, start="2023-01-02"), rows(3), heating=(12.0,), cooling=())
    assert np.isnan(found["hdd_12"].iloc[0])
    assert np.isfinite(found["hdd_12"].iloc[1:]).all()


def test_temperatures_that_can_not_belong_to_the_rows_are_told():
    with pytest.raises(DataError, match="zone"):
        degree_columns(hours(3, "Asia/Ho_Chi_Minh"), rows(3))
    with pytest.raises(DataError, match="coarser"):
        degree_columns(hours(30).resample("7D").mean(), rows(3))
    with pytest.raises(DataError):
        degree_columns(hours(3).iloc[::-1], rows(3))


def test_the_grid_of_a_frame_is_read_from_its_names():
    places, names = degree_grid(["hdd_18", "hdd_8.5", "hdd_total", "cdd_20", "energy"], "hdd")
    assert places.tolist() == [8.5, 18.0]
    assert names == ("hdd_8.5", "hdd_18")
    assert degree_grid(["hdd_18", "hdd_8.5"], "hdd", 18.0)[1] == ("hdd_18",)


def test_a_bill_without_a_length_has_no_degree_days():
    frame = rows(2).assign(days=[1.0, np.nan])
    found = degree_columns(hours(3), frame, heating=(12.0,), cooling=())
    assert found["hdd_12"].iloc[0] == pytest.approx(1.0)
    assert np.isnan(found["hdd_12"].iloc[1])
