"""A company's own days go before the country's; neighbours of holidays only where asked for."""

from datetime import date

import pandas as pd
import pytest

from analysis.calendars import DAY_TYPES, calendar_version, company_calendar, day_types
from dodac.errors import ConfigError


def of(start: str, end: str, country: str | None = "VN", **options) -> dict[str, str]:
    found = day_types(pd.date_range(start, end, freq="D"), country, **options)
    assert set(found) <= set(DAY_TYPES)
    return dict(zip(found.index.strftime("%Y-%m-%d"), found, strict=True))


def test_days_before_and_after_tet_can_be_types_of_their_own():
    found = of("2025-01-20", "2025-02-10", tet_before=3, tet_after=2, tet_parts=True)
    # holidays of Tết 2025: 27 January (29th of the last lunar month) to 1 February
    assert [day for day, kind in found.items() if kind == "tet_before"] == [
        "2025-01-24",
        "2025-01-25",
        "2025-01-26",
    ]
    assert [day for day, kind in found.items() if kind == "tet_after"] == ["2025-02-02", "2025-02-03"]
    assert found["2025-01-29"] == "tet"


def test_a_lone_day_between_days_off_is_a_bridge_only_where_asked():
    # 1 January 2026 is a Thursday: the Friday lies between the holiday and the weekend
    assert of("2025-12-30", "2026-01-06", bridge=True)["2026-01-02"] == "bridge"
    assert of("2025-12-30", "2026-01-06")["2026-01-02"] == "normal"


def test_days_beside_other_holidays_can_be_told():
    found = of("2025-04-01", "2025-04-12", before=1, after=2)  # Hùng Kings: Monday 7 April
    assert found["2025-04-06"] == "before_holiday"
    assert found["2025-04-08"] == found["2025-04-09"] == "after_holiday"
    assert found["2025-04-10"] == "normal"


def test_a_saturday_made_a_working_day_is_a_make_up_day():
    assert of("2025-04-26", "2025-05-03", make_up=True)["2025-04-26"] == "make_up"
    assert of("2025-04-26", "2025-05-03")["2025-04-26"] == "normal"


def test_another_countrys_lunar_new_year_is_a_block_when_asked():
    assert of("2016-02-01", "2016-02-20", "CN")["2016-02-08"] == "holiday"
    found = of("2016-02-01", "2016-02-20", "CN", lunar_new_year=True)
    assert found["2016-02-08"] == found["2016-02-06"] == "tet"


def test_the_companys_days_go_before_the_countrys():
    plant = company_calendar(
        {
            "name": "Brick works",
            "shutdowns": ["2026-02-10..2026-02-25"],
            "working": ["2026-04-30", "2026-03-01"],
            "make_up": [date(2026, 3, 8)],
            "holidays": ["2026-06-01"],
        }
    )
    found = of("2026-02-01", "2026-06-30", company=plant)
    assert found["2026-02-10"] == found["2026-02-17"] == found["2026-02-25"] == "shutdown"
    assert found["2026-02-26"] == "normal"
    assert found["2026-04-30"] == "normal", "a public holiday that is worked"
    assert found["2026-03-01"] == "working", "a Sunday that is worked"
    assert found["2026-03-08"] == "make_up"
    assert found["2026-06-01"] == "holiday"
    assert found["2026-05-01"] == "holiday", "the country's stays"
    assert of("2026-06-01", "2026-06-02", None, company=plant)["2026-06-01"] == "holiday"
    assert calendar_version("VN", plant).endswith("VN, company Brick works")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shutdown": []}, 'no "shutdown"'),
        ({"working": ["2026-13-01"]}, "is no day"),
        ({"shutdowns": ["2026-02-10..2026-02-01"]}, "ends before"),
        ({"rest_days": [7]}, "weekdays from 0"),
        ({"shutdowns": ["2026-02-10..2026-02-12"], "working": ["2026-02-11"]}, "in a shutdown"),
    ],
)
def test_a_wrong_calendar_is_told_by_its_key(settings, words):
    with pytest.raises(ConfigError, match=words):
        company_calendar(settings)


def test_hours_have_the_type_of_their_day():
    hours = pd.date_range("2025-09-01", periods=48, freq="h", tz="Asia/Ho_Chi_Minh")
    assert set(day_types(hours, "VN")) == {"holiday"}
