"""A clock that is set while dodac is not running, or in the moment it is killed: no reading stays at a wrong time."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from clock_bench import T0, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector._alive import CURSOR as ALIVE
from collector._alive import Alive
from dodac.clock import HOUR_NS, SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.samples import FIRST_REVISION


def ahead(path: Path, ahead_ns: int = HOUR_NS) -> Bench:
    """A collector whose clock runs on its own and is wrong; nobody knows yet."""
    bench = Bench(path, start_ns=T0 + ahead_ns)
    bench.true_offset_ns = T0
    return bench


def forward(bench: Bench) -> bool:
    times = [s.time_ns for s in bench.live()]
    return all(a < b for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_a_clock_that_ntp_sets_while_dodac_is_away_is_corrected_for_the_run_before(
    tmp_path: Path, ahead_s: int
) -> None:
    # the run before had stored an hour ahead as good; it stayed so, and the next run stored nothing good
    bench = ahead(tmp_path / "journal.db", ahead_s * SECOND_NS)
    bench.polls(20)
    bench.restart(jump_s=-ahead_s, synced=True)
    bench.polls(20)
    assert bench.series() == bench.truth
    assert forward(bench)
    assert [event.data["jump_s"] for event in bench.events(EventKind.CLOCK_JUMP)] == [-ahead_s]
    bench.close()


def test_a_clock_that_is_set_while_dodac_is_away_waits_for_ntp_to_say_which_is_right(tmp_path: Path) -> None:
    bench = ahead(tmp_path / "journal.db")
    bench.polls(10)
    bench.restart(jump_s=-3600)
    bench.polls(10)
    bench.restart()  # and again, before NTP has answered
    bench.polls(10)
    assert len(bench.series()) == 10
    bench.synced = True
    bench.polls(10)
    assert bench.series() == bench.truth
    assert forward(bench)
    bench.close()


@pytest.mark.parametrize(
    "steps",
    [
        (5, -3605, 3600),
        (-25140, -60),
        (3600, 3600, -7000),
        (-7300, 100),
        (5, -3600, 3604, -3604, 3608, -13),
        (1.5, 1.5, -3),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_every_setting_by_hand_before_ntp_is_corrected_not_the_last_one_alone(
    tmp_path: Path, steps: tuple[float, ...], restart: bool
) -> None:
    # five seconds off counted as the right time again; the setting before the last one stayed good
    bench = ahead(tmp_path / "journal.db", round(-sum(steps)) * SECOND_NS)
    bench.polls(5)
    for place, step in enumerate(steps):
        bench.synced = place == len(steps) - 1
        if restart:
            bench.restart(jump_s=step)
        bench.clock.jump(0 if restart else step)
        bench.polls(5)
    assert bench.series() == bench.truth
    assert forward(bench)
    bench.close()


def test_a_kill_before_the_decision_is_stored_leaves_no_reading_at_a_wrong_time(tmp_path: Path) -> None:
    bench = ahead(tmp_path / "journal.db")
    bench.polls(20)
    bench.lose_events()
    bench.clock.jump(-3600)
    bench.synced = True
    bench.host.look()
    bench.polls(3)  # flagged, and at once corrected
    bench.restart()
    bench.polls(20)
    assert bench.series() == bench.truth
    assert forward(bench)
    bench.close()


def test_a_run_after_a_correction_goes_on_forward_and_counts(tmp_path: Path) -> None:
    # what was moved away no longer held the next run back: its live times began an hour before them
    bench = ahead(tmp_path / "journal.db")
    bench.polls(20)
    bench.clock.jump(-3600)
    bench.synced = True
    bench.polls(5)
    bench.settle()
    for _ in range(3):
        bench.restart()
        bench.polls(5)
    assert bench.series() == bench.truth
    assert forward(bench)
    bench.close()


def test_ntp_at_the_start_of_another_boot_is_right_whatever_is_stored(tmp_path: Path) -> None:
    # every reading was flagged until wall time had caught up, days later
    bench = ahead(tmp_path / "journal.db")
    bench.polls(20)
    bench.close()
    after = Bench(tmp_path / "journal.db", start_ns=T0 + HOUR_NS // 2, boot="boot2")
    after.true_offset_ns = T0 + HOUR_NS // 2
    after.close()
    after.synced = True
    after.past = ""
    after.open("boot3")
    after.polls(20)
    assert [row for row in after.series() if row in after.truth] == after.truth
    assert forward(after)
    assert len(after.events(EventKind.CLOCK_JUMP)) == 1  # that run's clock was ahead, and it is told
    after.close()


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.one_of(st.floats(-2e5, 2e5).filter(lambda s: abs(s) > 2.5), st.just(0.0)),
            st.sampled_from(["runs", "restarts", "killed"]),
        ),
        max_size=5,
    )
)
def test_whatever_sets_the_clock_and_whenever_it_is_killed_ntp_puts_it_right(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, float, str]]
) -> None:
    bench = ahead(tmp_path_factory.mktemp("jumps") / "journal.db", 0)
    try:
        bench.synced = True
        bench.polls(3, uneven=True)
        off = 0.0
        for polls, jump, how in steps:
            bench.synced = False  # a hand sets it: the kernel no longer says that NTP leads
            off += jump
            if how == "runs":
                bench.clock.jump(jump)
            else:
                if how == "killed":
                    bench.lose_events()
                    bench.clock.jump(jump)
                    bench.host.look()
                bench.restart(jump_s=jump if how == "restarts" else 0.0)
            bench.host.look()
            bench.polls(polls, uneven=True)
        bench.synced = True
        bench.clock.jump(-off)
        bench.polls(3, uneven=True)
        assert forward(bench)
        assert len({s.time_ns for s in bench.live()}) == bench.count
        good = bench.series()
        right = {value: ns for ns, value in bench.truth}
        assert all(abs(right[value] - ns) <= SECOND_NS for ns, value in good)
        moved = {s.time_ns for s in bench.stored() if s.part >= FIRST_REVISION}
        kept = {
            f.value for s in bench.live() if s.time_ns not in moved for f in s.flags if f.channel == "power_w"
        }
        assert {value for _, value in good} | kept >= set(right)
    finally:
        bench.close()


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_a_gap_that_lies_across_a_jump_is_as_long_as_it_was(tmp_path: Path, jump_s: int) -> None:
    # it ended an hour before it began, or lasted an hour too long
    bench = ahead(tmp_path / "journal.db", 0)
    bench.polls(3)
    began_ns = bench.clock.now_ns()
    bench.clock.advance(40)
    bench.host.look()
    bench.clock.jump(jump_s)
    bench.host.look()
    bench.clock.advance(20)
    bench.inbox.event(
        Event(began_ns, EventKind.GAP, "no readings", "bus", "meter1", end_ns=bench.clock.now_ns())
    )
    bench.restart(away_s=10)
    (gap,) = bench.events(EventKind.GAP)
    assert gap.end_ns is not None
    assert gap.end_ns - gap.time_ns == 60 * SECOND_NS
    assert bench.host.since(began_ns) == bench.clock.now_ns() - 70 * SECOND_NS
    bench.close()


def test_a_gap_from_a_start_in_1970_is_not_half_a_century(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db", start_ns=100 * SECOND_NS)
    bench.polls(3)
    began_ns = bench.clock.now_ns()
    bench.clock.advance(40)
    bench.clock.jump(T0 / SECOND_NS)
    bench.synced = True
    bench.host.look()
    assert bench.host.since(began_ns) == bench.clock.now_ns() - 40 * SECOND_NS
    bench.close()


def test_how_long_nothing_ran_is_known_though_the_clock_was_set_back_meanwhile(tmp_path: Path) -> None:
    bench = ahead(tmp_path / "journal.db")
    bench.polls(3)
    noted_ns = bench.clock.now_ns()
    bench.journal.set_cursor(ALIVE, noted_ns)
    bench.restart(away_s=300, jump_s=-3600)
    gap = Alive(bench.journal, bench.clock).gap(bench.host.since)
    assert gap is not None
    assert gap.end_ns is not None
    assert gap.end_ns - gap.time_ns == 300 * SECOND_NS
    bench.close()
