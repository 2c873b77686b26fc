"""Tết is one shutdown with its neighbours; other holidays are holidays; unknown countries are said."""

import pandas as pd
import pytest

from analysis import calendar_version, day_types
from dodac.errors import ConfigError


def days(start: str, end: str) -> pd.DatetimeIndex:
    return pd.date_range(start, end, freq="D", tz="Asia/Ho_Chi_Minh")


def test_tet_moves_with_the_moon_and_takes_its_neighbours():
    # first day of the lunar year: 2024-02-10, 2025-01-29 (Decrees of the Prime Minister's office)
    for first in ("2024-02-10", "2025-01-29"):
        year = first[:4]
        types = day_types(days(f"{year}-01-02", f"{year}-03-31"), "VN")
        tet = types.index[types == "tet"]
        around = pd.Timestamp(first, tz="Asia/Ho_Chi_Minh")
        assert tet[0] <= around - pd.Timedelta(days=3)
        assert tet[-1] >= around + pd.Timedelta(days=4)
        assert len(tet) == (tet[-1] - tet[0]).days + 1, "Tết is one block"


def test_the_neighbours_can_be_set():
    january = days("2025-01-20", "2025-02-10")
    wide = day_types(january, "VN", tet_before=4, tet_after=4)
    narrow = day_types(january, "VN", tet_before=0, tet_after=0)
    assert (wide == "tet").sum() == (narrow == "tet").sum() + 8


def test_other_public_holidays_are_holidays():
    types = day_types(days("2025-04-25", "2025-05-05"), "VN")
    assert types["2025-04-30"] == "holiday"
    assert types["2025-05-01"] == "holiday"
    assert types["2025-04-28"] == "normal"


def test_without_a_country_every_day_is_usual():
    assert (day_types(days("2025-01-01", "2025-02-10"), None) == "normal").all()
    assert calendar_version(None) == ""


def test_the_calendar_of_a_result_can_be_named():
    assert calendar_version("VN").startswith("holidays 0.")


def test_a_country_that_is_not_there_is_said():
    with pytest.raises(ConfigError, match='no holiday calendar "VNM1"'):
        day_types(days("2025-01-01", "2025-01-02"), "VNM1")


# first days of the lunar year as Vietnam counts them (UTC+7); remembered, not computed
FIRST_DAYS = [
    "2015-02-19",
    "2016-02-08",
    "2017-01-28",
    "2018-02-16",
    "2019-02-05",
    "2020-01-25",
    "2021-02-12",
    "2022-02-01",
    "2023-01-22",
    "2024-02-10",
    "2025-01-29",
    "2026-02-17",
    "2027-02-06",
    "2028-01-26",
    "2029-02-13",
    "2030-02-03",
]


@pytest.mark.parametrize("first", FIRST_DAYS)
def test_tet_is_where_the_moon_puts_it(first):
    year = first[:4]
    types = day_types(days(f"{year}-01-01", f"{year}-12-31"), "VN", tet_before=0, tet_after=0)
    tet = types[types == "tet"].index.tz_localize(None)
    assert pd.Timestamp(first) in tet
    assert 5 <= len(tet) <= 8
    assert (tet[-1] - tet[0]).days == len(tet) - 1


def test_a_substitute_day_that_touches_tet_is_part_of_its_shutdown():
    """2015: Monday 16 February was given off for Saturday the 14th; the shutdown began with it."""
    types = day_types(days("2015-02-12", "2015-02-26"), "VN", tet_before=0, tet_after=0)
    assert types.tolist() == ["normal"] * 4 + ["tet"] * 8 + ["normal"] * 3


def test_make_up_days_of_china_2015_to_2017_are_those_of_the_state_council():
    """Notices of the State Council's general office for 2015, 2016 and 2017 (remembered)."""
    index = pd.date_range("2015-01-01", "2017-12-31", freq="D")
    types = day_types(index, "CN", make_up=True)
    assert types[types == "make_up"].index.strftime("%Y-%m-%d").tolist() == [
        "2015-01-04",
        "2015-02-15",
        "2015-02-28",
        "2015-09-06",
        "2015-10-10",
        "2016-02-06",
        "2016-02-14",
        "2016-06-12",
        "2016-09-18",
        "2016-10-08",
        "2016-10-09",
        "2017-01-22",
        "2017-02-04",
        "2017-04-01",
        "2017-05-27",
        "2017-09-30",
    ]
