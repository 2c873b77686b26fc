"""Time stamps: told or found, repaired where one reading is possible, refused where two are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.prepare import Stamps, read_stamps
from analysis.results import Refusal

BERLIN = "Europe/Berlin"


def codes(found) -> set[str]:
    return {found.code} if isinstance(found, Refusal) else {one.code for one in found.findings}


def text(index: pd.DatetimeIndex, form: str = "%Y-%m-%d %H:%M") -> list[str]:
    return [moment.strftime(form) for moment in index]


def year(zone: str = BERLIN, step: str = "h") -> pd.DatetimeIndex:
    return pd.date_range("2025-01-01", "2026-01-01", freq=step, tz=zone, inclusive="left")


@pytest.mark.parametrize(
    "zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Ho_Chi_Minh", "Asia/Kolkata"]
)
@pytest.mark.parametrize("step", ["15min", "h"])
def test_local_text_of_a_year_comes_back_with_both_changes_of_the_clock(zone, step):
    index = year(zone, step)
    for stamps in (
        text(index),
        index.tz_localize(None),
        index,
        index.tz_convert("UTC"),
        [one.isoformat() for one in index],
    ):
        found = read_stamps(stamps, zone=zone, side="start")
        assert isinstance(found, Stamps)
        assert (found.start == index).all()
        assert found.start.tz is not None


def test_stamps_of_the_end_are_moved_by_one_interval_of_real_time():
    index = year()
    ends = index.tz_convert("UTC") + pd.Timedelta(hours=1)
    found = read_stamps(text(ends.tz_convert(BERLIN)), zone=BERLIN, side="end")
    assert (found.start == index).all()


def test_whole_days_tell_the_side():
    index = pd.date_range("2025-01-01", periods=96 * 5, freq="15min")
    assert read_stamps(index).side == "start"
    found = read_stamps(index + pd.Timedelta(minutes=15))
    assert found.side == "end"
    assert (found.start == index).all()
    assert codes(found) == {"stamp_side_found"}
    assert codes(read_stamps(index[7:300])) == {"stamp_side_assumed"}


def test_days_stamped_at_their_end_are_the_day_before():
    found = read_stamps(["2012-03-01", "2012-03-02"], side="end")
    assert found.start[0] == pd.Timestamp("2012-02-29")


def test_a_logger_that_knows_no_summer_time():
    winter = year().tz_convert("UTC") + pd.Timedelta(hours=1)  # Central European standard time all year
    found = read_stamps(text(winter), zone=BERLIN, side="start")
    assert "no_summer_time" in codes(found)
    assert (found.start == year()).all()


def test_an_autumn_hour_that_is_there_once_is_not_placed_by_guess():
    index = year()
    plain = index.tz_localize(None)
    once = plain[~plain.duplicated()]
    found = read_stamps(once, zone=BERLIN, side="start")
    assert "autumn_hour_once" in codes(found)
    assert found.start.isna().sum() == 1
    hour = once[(once != pd.Timestamp("2025-10-26 01:00")) & (once != pd.Timestamp("2025-10-26 03:00"))]
    assert read_stamps(hour, zone=BERLIN, side="start").start.isna().sum() == 1


def test_midnight_with_the_old_date_is_the_next_day():
    index = pd.date_range("2018-01-01", periods=96 * 40, freq="15min") + pd.Timedelta(minutes=15)
    written = [
        f"{(one - pd.Timedelta(days=1) if one.hour == one.minute == 0 else one):%d/%m/%y} {one.hour}:{one:%M}"
        for one in index
    ]
    found = read_stamps(["\ufeff" + written[0], *written[1:]])
    assert (found.start == index - pd.Timedelta(minutes=15)).all()
    assert next(one for one in found.findings if one.code == "midnight_old_date").data["rows"] == 40


def test_twenty_four_o_clock_is_the_end_of_the_day():
    written = [f"2025-03-0{day} {hour}:00" for day in (1, 2) for hour in range(1, 25)]
    found = read_stamps(written)
    assert (found.start == pd.date_range("2025-03-01", periods=48, freq="h")).all()


def test_an_empty_stamp_is_filled_only_where_its_place_is_certain():
    index = pd.date_range("2025-01-01", periods=100, freq="h")
    written: list[str | None] = list(text(index))
    written[10] = written[11] = None
    assert (read_stamps(written, side="start").start == index).all()
    gap = [*written[:40], None, *written[43:]]
    found = read_stamps(gap, side="start")
    assert "empty_stamp_left_out" in codes(found)
    assert found.start.isna().sum() == 1
    assert read_stamps([None, *written[1:]], side="start").start.isna().sum() == 1


def test_dates_that_can_be_read_two_ways_are_refused():
    for stamps in (
        ["05/03/2026 00:00", "05/03/2026 01:00"],
        text(pd.date_range("2026-01-01", periods=12, freq="MS"), "%d/%m/%Y"),
    ):
        assert codes(read_stamps(stamps)) == {"dates_ambiguous"}
    assert read_stamps(["05/03/2026 00:00"], order="dmy").start[0] == pd.Timestamp("2026-03-05")
    assert read_stamps(["05/03/2026 00:00"], order="mdy").start[0] == pd.Timestamp("2026-05-03")


def test_one_day_above_twelve_settles_the_order_and_two_orders_are_refused():
    hours = pd.date_range("2026-02-10", periods=100, freq="h")
    assert read_stamps(text(hours, "%d/%m/%Y %H:%M"), side="start").start[0] == hours[0]
    assert read_stamps(text(hours, "%m/%d/%Y %H:%M"), side="start").start[0] == hours[0]
    both = [*text(hours, "%d/%m/%Y %H:%M")[:90], "02/13/2026 19:00"]
    assert codes(read_stamps(both)) == {"dates_contradict"}


def test_even_spacing_settles_the_order_and_says_so():
    hours = pd.date_range("2026-02-01", periods=24 * 11, freq="h")
    for form in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"):
        found = read_stamps(text(hours, form), side="start")
        assert (found.start == hours).all()
        assert "date_order_found" in codes(found)


def test_offsets_without_a_zone():
    one = read_stamps(["2026-01-01T00:00+07:00", "2026-01-01T01:00+07:00"])
    assert one.start[0] == pd.Timestamp("2025-12-31T17:00Z")
    assert codes(read_stamps(["2026-01-01T00:00+07:00", "2026-01-01T01:00Z"])) == {"zone_needed"}
    assert codes(read_stamps(["2026-01-01T00:00+07:00", "2026-01-01T01:00"], zone="Asia/Ho_Chi_Minh")) == {
        "mixed_offsets"
    }


def test_some_unreadable_rows_are_left_out_and_most_refuse_the_file():
    good = text(pd.date_range("2026-01-01", periods=40, freq="h"))
    found = read_stamps([*good[:20], "total", *good[20:]], side="start")
    assert found.start.isna().sum() == 1
    assert codes(read_stamps([*good[:5], *["?"] * 20])) == {"stamps_unreadable"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from([BERLIN, "America/New_York", "Asia/Ho_Chi_Minh"]),
    st.sampled_from(["15min", "30min", "h"]),
    st.integers(0, 8000),
    st.integers(30, 400),
)
def test_any_stretch_of_local_text_comes_back_or_is_left_out(zone, step, first, count):
    index = pd.date_range("2025-01-01", periods=9000, freq=step, tz=zone)[first : first + count]
    found = read_stamps(text(index), zone=zone, side="start")
    known = np.asarray(found.start.notna())
    assert (found.start[known] == index[known]).all()
    assert known.sum() >= len(index) - 8


@pytest.mark.parametrize(
    "form",
    [
        "%d-%b-%Y %H:%M",
        "%d %B %Y %H:%M:%S",
        "%d-%b-%y %I:%M %p",
        "%H:%M %d/%m/%Y",
        "%d thg %m, %Y %H:%M",
        "%Y%m%d %H%M",
        "%Y%m%dT%H:%M:%S",
    ],
)
def test_months_as_words_and_times_first(form):
    index = pd.date_range("2026-03-10 00:15", periods=200, freq="15min")
    assert (read_stamps(text(index, form), side="start").start == index).all()


def test_a_month_that_is_no_word_of_ours_is_refused():
    assert codes(read_stamps(["01-Foo-2026 00:00"] * 5)) & {"stamps_unreadable", "dates_impossible"}


def test_one_impossible_day_does_not_settle_the_order():
    hours = text(pd.date_range("2026-02-10", periods=100, freq="h"), "%d/%m/%Y %H:%M")
    found = read_stamps([*hours[:50], "32/13/2026 00:00", *hours[50:]], side="start")
    assert found.start.isna().sum() == 1
    assert "stamps_unreadable" in codes(found)


def test_an_autumn_hour_that_is_there_once_says_what_a_winter_time_logger_must_do():
    stamps = pd.date_range("2024-10-25", "2024-10-29", freq="h")
    found = read_stamps(text(stamps), zone=BERLIN, side="start")
    (once,) = [one for one in found.findings if one.code == "autumn_hour_once"]
    assert "Etc/GMT-1" in once.en
    assert "Etc/GMT-1" in once.vi
    fixed = read_stamps(text(stamps), zone="Etc/GMT-1", side="start")
    assert fixed.start.tz_localize(None).equals(stamps.as_unit("ns"))


def test_an_index_that_names_its_zone_needs_no_zone_across_summer_time():
    index = pd.date_range("2024-10-20", "2024-11-03", freq="h", tz=BERLIN)
    found = read_stamps(index, side="start")
    assert isinstance(found, Stamps)
    assert found.start.equals(index.as_unit("ns"))
