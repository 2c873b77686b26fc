"""Times at the edges."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.clock import ManualClock, duration_ns, iso_utc, local_text, parse_time_ns


@given(st.integers(0, 4 * 10**18))
def test_a_printed_time_keeps_its_nanoseconds(time_ns):
    text = iso_utc(time_ns)
    seconds = parse_time_ns(text[:19] + "+00:00", "UTC")
    rest = int(text[20:29]) if "." in text else 0
    assert seconds + rest == time_ns


def test_a_date_is_local_to_the_site():
    assert parse_time_ns("2026-01-01", "Asia/Ho_Chi_Minh") == parse_time_ns(
        "2025-12-31T17:00:00+00:00", "UTC"
    )
    assert (
        local_text(parse_time_ns("2026-01-01", "Asia/Ho_Chi_Minh"), "Asia/Ho_Chi_Minh")
        == "2026-01-01 00:00:00"
    )


@pytest.mark.parametrize(
    ("text", "ns"), [("250ms", 250_000_000), ("10s", 10**10), ("15min", 9 * 10**11), ("1d", 864 * 10**11)]
)
def test_durations_are_read(text, ns):
    assert duration_ns(text) == ns


@pytest.mark.parametrize("text", ["", "10", "0s", "-1s", "1 week", "1e3s"])
def test_a_duration_that_says_nothing_is_refused(text):
    with pytest.raises(ValueError):
        duration_ns(text)


def test_the_manual_clock_waits_without_time_passing_outside():
    clock = ManualClock(5)
    assert clock.wait(threading.Event(), 2.0) is False
    assert (clock.now_ns(), clock.monotonic_ns()) == (2_000_000_005, 2_000_000_000)
    clock.jump(-1)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1_000_000_005, 2_000_000_000)
