"""Whose time a message gets: never a time that its sender's clock can't be believed for."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.clock import SECOND_NS
from dodac.samples import Layout, Reason, TimeSource
from drivers._mqtt_stamp import Arrival, part_of, stamp_of
from drivers.protocols.message import Decoded
from drivers.protocols.mqtt_json import times_of

NOW = 1_795_327_211 * SECOND_NS
HOUR = 3600 * SECOND_NS
DAY = 24 * HOUR


def stamp(
    at: int | None, sent: int | None, *, history: bool = False, waited: bool = False, retained: bool = False
) -> tuple[int, TimeSource, Reason | None]:
    moment = NOW + at if at is not None else None
    decoded = Decoded(
        {"power_w": 1.0}, (), moment, history=history, sent_ns=NOW + sent if sent is not None else None
    )
    found = stamp_of(decoded, 300.0, Arrival(NOW, waited, retained))
    return found.time_ns - NOW, found.source, found.doubt


@pytest.mark.parametrize(
    ("at", "sent", "more", "expected"),
    [
        (-SECOND_NS, None, {}, (-SECOND_NS, TimeSource.DEVICE, None)),
        (-HOUR, None, {}, (0, TimeSource.HOST, Reason.CLOCK)),
        # the message was sent now by its own clock: its older values were really read then
        (-HOUR, -SECOND_NS, {}, (-HOUR, TimeSource.DEVICE, None)),
        (-DAY, 0, {"history": True}, (-DAY, TimeSource.DEVICE, None)),
        # a clock that is a day off: neither its values of now nor what it stored is believed
        (-DAY, -DAY, {}, (0, TimeSource.HOST, Reason.CLOCK)),
        (-DAY - HOUR, -DAY, {"history": True}, (0, TimeSource.UNKNOWN, Reason.TIME_UNKNOWN)),
        (HOUR, 0, {}, (0, TimeSource.HOST, Reason.CLOCK)),
        # what waited for us was sent long ago
        (-DAY, -DAY, {"waited": True}, (-DAY, TimeSource.DEVICE, None)),
        (None, None, {"waited": True}, (0, TimeSource.UNKNOWN, Reason.TIME_UNKNOWN)),
        (None, None, {}, (0, TimeSource.HOST, None)),
        (-SECOND_NS, None, {"retained": True}, (-SECOND_NS, TimeSource.DEVICE, Reason.STALE)),
    ],
)
def test_a_time_is_believed_only_when_its_clock_can_be(
    at: int | None, sent: int | None, more: dict[str, bool], expected: tuple[int, TimeSource, Reason | None]
) -> None:
    assert stamp(at, sent, **more) == expected


@given(
    st.none() | st.integers(-40 * DAY, 40 * DAY),
    st.none() | st.integers(-40 * DAY, 40 * DAY),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_nothing_good_lies_in_the_future_and_nothing_retained_is_good(
    at: int | None, sent: int | None, history: bool, waited: bool, retained: bool
) -> None:
    time, _, doubt = stamp(at, sent, history=history, waited=waited, retained=retained)
    assert time <= 300 * SECOND_NS
    assert not retained or doubt == Reason.STALE


def test_the_hour_that_comes_twice_is_told_by_our_clock_or_not_at_all() -> None:
    # Tasmota says local time: 02:30 in Berlin of 25 October came twice, and the second was stored an hour early
    berlin, payload = ZoneInfo("Europe/Berlin"), "2026-10-25T02:30:00"
    first_ns, later_ns = times_of(payload, "iso_local", berlin)
    assert first_ns == 1_792_888_200 * SECOND_NS
    assert later_ns == first_ns + HOUR
    assert times_of("2026-10-25T01:59:59", "iso_local", berlin)[1] is None
    assert times_of("2026-10-25T02:30:00+01:00", "iso_local", berlin) == (later_ns, None)
    assert times_of("2026-03-29T02:30:00", "iso_local", berlin)[1] is None
    decoded = Decoded({"power_w": 1.0}, (), first_ns, or_ns=later_ns)
    for right_ns in (first_ns, later_ns):
        found = stamp_of(decoded, 300.0, Arrival(right_ns + SECOND_NS, waited=False, retained=False))
        assert (found.time_ns, found.source, found.doubt) == (right_ns, TimeSource.DEVICE, None)
        assert part_of(Layout("m", ("power_w",)), decoded, found, 3, partial=False) == 0
    # what waited: before the second one only the first can be meant, after it nobody knows
    found = stamp_of(decoded, 300.0, Arrival(first_ns + HOUR // 2, waited=True, retained=False))
    assert (found.time_ns, found.doubt) == (first_ns, None)
    found = stamp_of(decoded, 300.0, Arrival(first_ns + DAY, waited=True, retained=False))
    assert (found.time_ns, found.source, found.doubt) == (
        first_ns + DAY,
        TimeSource.UNKNOWN,
        Reason.TIME_UNKNOWN,
    )
