"""Bills: what was estimated is settled with its real read; what overlaps or is missing is told; weather fits the bill."""

import numpy as np
import pandas as pd
import pytest

from analysis.data import MeterData
from analysis.prepare import bills_frame


def codes(found) -> set[str]:
    return {one.code for one in found.findings}


def reads(days, values, **columns) -> pd.DataFrame:
    return pd.DataFrame({"read": days, "kwh": values, **columns})


MONTHS = ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30"]


def test_a_bill_lasts_from_the_read_before_to_its_own():
    found = bills_frame(reads(MONTHS, [9, 1, 2, 3, 4, 5]), unit="kWh", value="kwh", read="read")
    assert isinstance(found, MeterData)
    assert found.frame["days"].tolist() == [28, 31, 30, 31, 30]
    assert found.y.tolist() == [1, 2, 3, 4, 5], "the first bill's length is not known"
    assert "first_bill_without_start" in codes(found)


def test_starts_alone_last_to_the_next_start_and_the_empty_last_row_ends_them():
    table = pd.DataFrame({"start": MONTHS, "value": [1, 2, 3, 4, 5, np.nan]})
    found = bills_frame(table, unit="kWh", start="start")
    assert found.y.tolist() == [1, 2, 3, 4, 5]
    assert codes(found) == set()


def test_the_last_day_may_be_counted_in():
    table = pd.DataFrame(
        {"a": ["01/01/2025", "01/02/2025"], "b": ["31/01/2025", "28/02/2025"], "value": [10, 20]}
    )
    found = bills_frame(table, unit="kWh", start="a", end="b", last_day_included=True, order="dmy")
    assert found.frame["days"].tolist() == [31, 28]
    assert "bill_missing" not in codes(found)


def test_estimated_bills_are_settled_with_the_next_real_read():
    table = reads(MONTHS, [9, 1, 2, 3, 4, 5], how=["", "", "E", "", "", ""])
    found = bills_frame(table, unit="kWh", value="kwh", read="read", estimated="how")
    assert found.y.tolist() == [1, 5, 4, 5]
    assert found.frame["joined"].tolist() == [1, 2, 1, 1]
    table = reads(MONTHS, [9, 1, 2, 3, 4, 5], how=["", "E", "E", "E", "", ""])
    found = bills_frame(table, unit="kWh", value="kwh", read="read", estimated="how")
    assert found.y.tolist() == [5], "estimates without a real read in 70 days, and the bill that settles them"
    assert "estimated_left_out" in codes(found)


def test_bills_that_overlap_are_not_used_and_missing_ones_are_told():
    table = pd.DataFrame(
        {
            "a": ["2025-01-01", "2025-02-01", "2025-02-20", "2025-04-01", "2025-05-01", "2025-05-01"],
            "b": ["2025-02-01", "2025-03-01", "2025-03-20", "2025-05-01", "2025-06-01", "2025-06-01"],
            "value": [1, 2, 3, 4, 5, 5],
        }
    )
    found = bills_frame(table, unit="kWh", start="a", end="b")
    assert found.y.tolist() == [1, 4, 5]
    assert {"bills_overlap", "bill_missing", "bill_twice"} <= codes(found)


def test_bills_of_two_months_are_seen():
    table = pd.DataFrame({"start": pd.date_range("2024-01-01", periods=8, freq="2MS"), "value": range(8)})
    assert "bimonthly" in codes(bills_frame(table, unit="kWh", start="start"))


def test_weather_and_production_are_those_of_the_bill():
    hours = pd.date_range("2025-01-01", "2025-04-01", freq="h", inclusive="left", tz="Asia/Ho_Chi_Minh")
    heat = pd.Series(np.where(hours.month == 1, 10.0, 25.0), index=hours)
    made = pd.Series(1.0, index=hours[::12] + pd.Timedelta(hours=3))
    table = pd.DataFrame(
        {
            "a": ["2025-01-01", "2025-02-01", "2025-03-01"],
            "b": ["2025-02-01", "2025-03-01", "2025-04-01"],
            "value": [1.0, 2, 3],
        }
    )
    found = bills_frame(
        table, unit="kWh", start="a", end="b", zone="Asia/Ho_Chi_Minh", temperature=heat, heating_c=[18], cooling_c=[20],
        amounts={"output": made},
    )  # fmt: skip
    assert found.frame["temperature"].tolist() == pytest.approx([10, 25, 25])
    assert found.frame["hdd_18"].tolist() == pytest.approx([8 * 31, 0, 0])
    assert found.frame["cdd_20"].tolist() == pytest.approx([0, 5 * 28, 5 * 31])
    assert found.frame["output"].tolist() == [62, 56, 62], "several readings a bill are summed"
    assert found.drivers == ("output",)


def test_a_bill_without_production_has_none():
    hours = pd.date_range("2025-01-01", "2025-02-01", freq="D", inclusive="left")
    table = pd.DataFrame(
        {"a": ["2025-01-01", "2025-02-01"], "b": ["2025-02-01", "2025-03-01"], "value": [1.0, 2]}
    )
    found = bills_frame(
        table, unit="kWh", start="a", end="b", amounts={"output": pd.Series(1.0, index=hours)}
    )
    assert found.frame["output"].tolist()[0] == 31
    assert np.isnan(found.frame["output"].iloc[1])
    assert "amount_missing" in codes(found)


def test_a_joined_bill_does_not_make_the_others_look_bimonthly():
    table = reads(MONTHS[:3], [100, 90, 110], guess=["", "x", ""])
    found = bills_frame(table, unit="kWh", value="kwh", read="read", estimated="guess")
    assert found.frame["days"].tolist() == [59.0]
    assert "bimonthly" not in codes(found)
