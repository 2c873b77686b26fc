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
