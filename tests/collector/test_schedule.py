"""When instruments are read: aligned, never bunched, wall-clock jumps told."""

from __future__ import annotations

import itertools
import threading

from hypothesis import given
from hypothesis import strategies as st

from collector.schedule import Schedule, next_tick, ticks_missed
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind

T0 = 1_790_000_000 * SECOND_NS


@given(after=st.integers(0, 2**62), every=st.integers(1, 10**14))
def test_the_next_tick_is_on_the_grid_and_no_more_than_one_interval_away(after: int, every: int) -> None:
    tick = next_tick(after, every)
    assert tick % every == 0
    assert after < tick <= after + every


@given(due=st.integers(0, 2**60), late=st.integers(0, 10**15), every=st.integers(1, 10**12))
def test_missed_ticks_leave_the_last_due_one_to_be_read(due: int, late: int, every: int) -> None:
    missed = ticks_missed(due, due + late, every)
    assert due + missed * every <= due + late < due + (missed + 1) * every


class Plan:
    """Runs a schedule on a clock that is told, until enough polls were made."""

    def __init__(self, intervals: dict[str, float], polls: int, start_ns: int = T0 + 300_000_000) -> None:
        self.clock = ManualClock(start_ns)
        self.calls: list[tuple[str, int, int]] = []
        self.events: list[Event] = []
        self._left = polls
        self.busy: set[str] = set()
        self.late_s: dict[int, float] = {}
        self.jumps: dict[int, float] = {}
        ns = {name: round(seconds * SECOND_NS) for name, seconds in intervals.items()}
        self.schedule = Schedule(ns, self.poll, self.clock, self.events.append)

    def poll(self, instrument: str, due_ns: int) -> bool:
        self.calls.append((instrument, due_ns, self.clock.now_ns()))
        self.clock.advance(self.late_s.get(len(self.calls), 0))
        self.clock.jump(self.jumps.get(len(self.calls), 0))
        if len(self.calls) >= self._left:
            self.schedule._stop.set()
        if instrument == "broken":
            raise OSError("gone")
        return instrument not in self.busy

    def run(self) -> None:
        self.schedule.run()


def test_instruments_are_read_on_whole_intervals() -> None:
    plan = Plan({"a": 10, "b": 2.5}, polls=50)
    plan.run()
    for name, every in (("a", 10 * SECOND_NS), ("b", 5 * SECOND_NS // 2)):
        due = [d for n, d, _ in plan.calls if n == name]
        assert all(time % every == 0 for time in due)
        assert [b - a for a, b in itertools.pairwise(due)] == [every] * (len(due) - 1)
    assert all(now - due < SECOND_NS // 100 for _, due, now in plan.calls)


def test_each_turn_is_told_to_the_watch_also_while_nothing_is_due() -> None:
    plan = Plan({"a": 3600}, polls=2)
    told: list[int] = []
    wait = plan.clock.wait

    def seen(event: threading.Event, seconds: float) -> bool:
        told.append(plan.clock.monotonic_ns() - plan.schedule.turned_ns)
        return wait(event, seconds)

    plan.clock.wait = seen  # type: ignore[method-assign]
    plan.run()
    assert len(told) > 1000
    assert max(told) == 0


def test_after_a_stall_each_instrument_is_read_once_and_missed_ticks_are_counted() -> None:
    plan = Plan({"a": 1}, polls=10)
    plan.late_s = {3: 5.25}
    plan.run()
    due = [(d - T0) // SECOND_NS for _, d, _ in plan.calls]
    assert due == [1, 2, 3, 8, 9, 10, 11, 12, 13, 14]
    ticks = plan.schedule.ticks()["a"]
    assert (ticks.due, ticks.sent, ticks.missed) == (14, 10, 4)


def test_a_read_that_is_still_queued_counts_as_missed() -> None:
    plan = Plan({"a": 1, "b": 1}, polls=20)
    plan.busy = {"b"}
    plan.run()
    ticks = plan.schedule.ticks()
    assert ticks["a"].missed == 0
    assert ticks["b"].missed == ticks["b"].due > 5
    assert ticks["b"].sent == 0


def test_a_run_of_missed_ticks_is_one_gap_with_its_times_and_count() -> None:
    plan = Plan({"a": 1}, polls=20)
    real = plan.poll

    def poll(instrument: str, due_ns: int) -> bool:
        return real(instrument, due_ns) and not 5 <= len(plan.calls) <= 11 and len(plan.calls) != 15

    plan.schedule._poll = poll
    plan.run()
    (gap,) = [event for event in plan.events if event.kind is EventKind.GAP]
    assert (gap.instrument, gap.time_ns, gap.end_ns) == ("a", plan.calls[4][1], plan.calls[11][1])
    assert gap.data == {"missed": 7}


def test_ticks_missed_up_to_the_stop_are_a_gap_too() -> None:
    plan = Plan({"a": 1}, polls=10)
    plan.busy = {"a"}
    plan.run()
    plan.schedule.stop()
    (gap,) = [event for event in plan.events if event.kind is EventKind.GAP]
    assert gap.data == {"missed": 10}


def test_a_connection_that_raises_does_not_stop_the_others() -> None:
    plan = Plan({"broken": 1, "good": 1}, polls=20)
    plan.run()
    assert plan.schedule.ticks()["good"].sent >= 9


def test_a_clock_set_forward_or_back_is_told_once_and_reading_goes_on() -> None:
    for jump_s in (-3600.0, 3600.0, 7.0):
        plan = Plan({"a": 1}, polls=12)
        plan.jumps = {5: jump_s}
        plan.run()
        assert [event.kind for event in plan.events] == [EventKind.CLOCK_JUMP]
        assert plan.events[0].data["jump_s"] == jump_s
        due = [d for _, d, _ in plan.calls]
        after = [b - a for a, b in itertools.pairwise(due[5:])]
        assert after == [SECOND_NS] * len(after)
        # a jump is not a stall: it adds no missed ticks
        assert plan.schedule.ticks()["a"].missed == 0


def test_the_slow_pull_of_ntp_is_no_jump() -> None:
    plan = Plan({"a": 1}, polls=200)
    plan.jumps = dict.fromkeys(range(1, 200), 0.05)
    plan.run()
    assert plan.events == []


def test_a_meter_read_every_quarter_hour_speaks_at_the_start_too() -> None:
    # a technician who had just wired it looked at an empty page for up to fifteen minutes
    plan = Plan({"slow": 900, "quick": 10}, polls=100)
    plan.run()
    slow = [(due, now) for name, due, now in plan.calls if name == "slow"]
    assert slow[0] == (T0 + 300_000_000, T0 + 300_000_000)
    assert all(due % (900 * SECOND_NS) == 0 for due, _ in slow[1:])
    assert plan.calls[0][0] == "slow"
    assert all(due % (10 * SECOND_NS) == 0 for name, due, _ in plan.calls if name == "quick")
