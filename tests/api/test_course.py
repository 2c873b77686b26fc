"""The small course of a live card shows the last minutes, not a line drawn across yesterday."""

from api._state import LiveState, broken_off
from dodac.clock import MINUTE_NS, SECOND_NS
from dodac.samples import Layout

LAYOUT = Layout("meter", ("power_w",))


def test_old_history_and_live_values_are_not_joined_by_a_line():
    state = LiveState()
    for n in range(20):
        state.learn(LAYOUT.sample(n * 15 * MINUTE_NS, {"power_w": 1.0}), LAYOUT)
    later_ns = 20 * 15 * MINUTE_NS + 14 * 60 * MINUTE_NS
    for n in range(3):
        state.learn(LAYOUT.sample(later_ns + n * 2 * SECOND_NS, {"power_w": 2.0}), LAYOUT)
    _, _, course = state.instruments()["meter"]
    assert [value for _, value in course] == [2.0, 2.0, 2.0]


def test_hourly_values_and_a_short_outage_stay_one_course():
    assert not broken_off([(0, 1.0), (60 * MINUTE_NS, 1.0)], 120 * MINUTE_NS)
    assert not broken_off([(0, 1.0), (2 * SECOND_NS, 1.0)], 20 * MINUTE_NS)
    assert not broken_off([], 0)
