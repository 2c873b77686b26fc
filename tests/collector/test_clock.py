"""A clock that jumps, was never set, or is set later: no reading is lost, none counts at a wrong time or twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clock_bench import LAYOUT, T0, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector._clock_inbox import noted
from collector._clock_keeper import ClockKeeper
from collector._clock_trust import RELEASED_NS, SystemTrust, Trust
from collector.ingest import Ingest
from collector.schedule import Schedule
from dodac.clock import HOUR_NS, SECOND_NS, ManualClock, SystemClock
from dodac.contracts import EventKind
from dodac.samples import FIRST_REVISION, Reason, Sample, TimeSource
from store import Journal

FaultRow = Callable[..., None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    made = Bench(path)
    yield made
    made.close()


def test_readings_before_the_first_ntp_answer_count_at_their_right_times_and_once(
    path: Path, fault_row: FaultRow
) -> None:
    bench = Bench(path, start_ns=30 * SECOND_NS)  # no battery: it is 1970
    bench.true_offset_ns = T0
    bench.polls(720)  # two hours
    assert bench.series() == []
    early = bench.live()
    assert len(early) == 720
    for sample in early:
        assert sample.time_source is TimeSource.UNKNOWN
        assert {flag.reason for flag in sample.flags} == {Reason.TIME_UNKNOWN}
        note = noted(sample.raw)
        assert note is not None
        assert note.boot == "boot1"
        assert sample.raw is not None
        assert sample.raw.endswith(b"answer")
    bench.synced = True
    bench.clock.jump((T0 - 30 * SECOND_NS) / SECOND_NS)
    bench.polls(60)
    series = bench.series()
    assert series == bench.truth
    # nothing was edited: what was stored first is still there, as it was
    assert bench.live()[:720] == early
    jumps = bench.events(EventKind.CLOCK_JUMP)
    assert [event.data["jump_s"] for event in jumps] == [(T0 - 30 * SECOND_NS) / SECOND_NS]
    assert [e.kind for e in bench.events(EventKind.FAULT_END)] == [EventKind.FAULT_END]
    lost = len(bench.truth) - len(series)
    bench.close()
    fault_row(
        "computer without a battery clock starts in 1970, NTP answers two hours later",
        "readings are kept as time_unknown with boot id and monotonic time, then appended at their right times",
        lost,
        "",
        chapter="clock",
    )


def test_a_kill_in_the_middle_of_the_correction_moves_nothing_twice(path: Path, fault_row: FaultRow) -> None:
    bench = Bench(path, start_ns=30 * SECOND_NS)
    bench.true_offset_ns = T0
    bench.polls(1200)
    bench.synced = True
    bench.clock.jump((T0 - 30 * SECOND_NS) / SECOND_NS)
    bench.host.look()
    taken = 0
    whole = bench.ingest.samples

    def killed(samples: list[Sample], *, source: str) -> None:
        nonlocal taken
        taken += 1
        if taken == 2:
            raise KeyboardInterrupt
        whole(samples, source=source)

    bench.ingest.samples = killed  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        bench.fixer.carry_out()
    bench.close()
    again = Bench(path, start_ns=bench.clock.now_ns() + SECOND_NS, boot_ns=bench.clock.monotonic_ns())
    again.fixer.start()
    again.fixer._thread.join(0.2)  # type: ignore[union-attr]
    for _ in range(100):
        if not again.fixer._todo:
            break
        again.fixer._thread.join(0.1)  # type: ignore[union-attr]
    assert again.series() == bench.truth
    done = [e for e in again.events(EventKind.NOTE) if e.data.get("clock") == "done"]
    assert len(done) == 1
    assert 0 < int(done[0].data["count"]) < 1200
    again.fixer.stop()
    again.close()
    # and the next start finds nothing left to do
    third = Bench(path, start_ns=again.clock.now_ns() + SECOND_NS, boot_ns=again.clock.monotonic_ns())
    assert third.fixer._undone() == []
    third.close()
    fault_row(
        "collector killed while it appends right times",
        "the next start goes on with the same decision; what was appended is a duplicate",
        len(bench.truth) - 1200,
        "",
        chapter="clock",
    )


def test_without_ntp_the_readings_stay_flagged_and_the_fault_stands(path: Path) -> None:
    bench = Bench(path, start_ns=30 * SECOND_NS)
    bench.polls(10)
    assert bench.series() == []
    assert [e.source for e in bench.events(EventKind.FAULT_START)] == ["clock"]
    assert not bench.events(EventKind.FAULT_END)
    bench.close()


def test_a_start_behind_what_is_stored_writes_nothing_before_it_as_good(
    bench: Bench, path: Path, fault_row: FaultRow
) -> None:
    bench.polls(30)
    newest = bench.live()[-1].time_ns
    bench.ingest.stop()
    bench.journal.close()
    late = Bench(path, start_ns=T0 - HOUR_NS, boot="boot2")
    late.polls(20)
    rows = [s for s in late.live() if s.time_ns > newest]
    assert len(rows) == 20
    assert all(flag.reason is Reason.TIME_UNKNOWN for s in rows for flag in s.flags)
    assert len(late.series()) == 30
    # NTP puts it right an hour and some later
    late.synced = True
    late.true_offset_ns = T0 + HOUR_NS
    late.clock.jump(2 * HOUR_NS / SECOND_NS)
    late.polls(5)
    series = late.series()
    assert len(series) == 55
    assert [b - a for a, b in itertools.pairwise(t for t, _ in series[30:])] == [10 * SECOND_NS] * 24
    late.close()
    bench.ingest._closed = True
    bench.open("boot3")
    fault_row(
        "computer starts an hour behind what is stored",
        "readings go behind the stored ones as time_unknown, and are appended at their right times when NTP answers",
        55 - len(series),
        "",
        chapter="clock",
    )


def test_the_clock_set_back_by_an_hour_never_takes_live_readings_back(
    bench: Bench, fault_row: FaultRow
) -> None:
    bench.polls(30)
    bench.clock.jump(-3600)
    bench.polls(30)
    times = [s.time_ns for s in bench.live()]
    assert times == sorted(set(times))
    assert len(times) == 60
    held = bench.live()[30:]
    assert all({f.reason for f in s.flags} == {Reason.CLOCK} for s in held)
    assert len(bench.events(EventKind.CLOCK_JUMP)) == 1
    # by and by wall time catches up, and readings are good again
    bench.clock.advance(3600 * 10 / 9)
    bench.polls(5)
    assert [s.flags for s in bench.live()[-5:]] == [()] * 5
    assert bench.live()[-1].time_ns > times[-1]
    fault_row(
        "clock set back by an hour, nobody knows why",
        "one clock_jump event; live times go on forward, readings flagged clock until wall time has caught up",
        60 - len(times),
        "flagged readings with boot id and monotonic time; dodac clock takes what a person knows",
        chapter="clock",
    )


def test_a_clock_set_wrong_and_back_again_costs_nothing(bench: Bench, fault_row: FaultRow) -> None:
    bench.true_offset_ns = T0
    for jump in (3600, -3600, -7200, 7200, 40 * 86400, -40 * 86400):
        bench.polls(20)
        bench.clock.jump(jump)
    bench.polls(20)
    assert bench.series() == bench.truth
    times = [s.time_ns for s in bench.live()]
    assert times == sorted(set(times))
    assert len(times) == 140
    assert len(bench.events(EventKind.CLOCK_JUMP)) == 6
    fault_row(
        "clock set wrong and back again, by hours and by forty days",
        "each jump is an event; readings between are appended at their right times",
        len(bench.truth) - len(bench.series()),
        "",
        chapter="clock",
    )


def test_ntp_sets_a_battery_clock_that_was_seven_hours_ahead(bench: Bench, fault_row: FaultRow) -> None:
    bench.polls(12)
    bench.synced = True
    bench.clock.jump(-7 * 3600)
    bench.true_offset_ns = T0 - 7 * HOUR_NS
    bench.truth = [(bench.true_offset_ns + 20_000_000 + n * 10 * SECOND_NS, n + 1.0) for n in range(12)]
    bench.polls(12)
    assert bench.series() == bench.truth
    fault_row(
        "battery clock seven hours ahead, NTP sets it back",
        "what was stored before is withdrawn and appended at its right times",
        len(bench.truth) - len(bench.series()),
        "",
        chapter="clock",
    )


def test_steps_of_ntp_below_two_seconds_keep_readings_good_and_in_order(bench: Bench) -> None:
    for step in (-0.3, 0.4, -1.5, -0.05, 0.2):
        bench.polls(8, every_s=0.5)
        bench.clock.jump(step)
    bench.polls(8, every_s=0.5)
    live = bench.live()
    times = [s.time_ns for s in live]
    assert len(times) == 48
    assert times == sorted(set(times))
    assert not any(s.flags for s in live)


def test_an_answer_under_way_while_ntp_sets_the_clock_is_no_good_reading_of_1970(path: Path) -> None:
    bench = Bench(path, start_ns=30 * SECOND_NS)
    bench.true_offset_ns = T0
    bench.polls(3)
    stamp_ns = bench.clock.now_ns()
    bench.truth.append((bench.clock.monotonic_ns() + T0, 4.0))
    bench.clock.advance(0.1)
    bench.synced = True
    bench.clock.jump((T0 - 30 * SECOND_NS) / SECOND_NS)
    bench.inbox.sample(LAYOUT.sample(stamp_ns, {"power_w": 4.0, "energy_import_kwh": 4.0}), source="bus")
    assert bench.series() == bench.truth
    bench.close()


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.one_of(
                st.floats(-2 * 86400, 2 * 86400).filter(lambda s: abs(s) > 0.2),
                st.sampled_from([-3600.0, 3600.0, -0.5, 0.5, -60.0, 60.0]),
            ),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_whatever_the_clock_does_live_times_go_forward_and_no_sample_is_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, float, bool]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("jumps") / "journal.db")
    try:
        for polls, jump, synced in steps:
            bench.polls(polls, uneven=True)
            bench.synced = synced
            bench.clock.jump(jump)
            bench.host.look()
        bench.polls(3, uneven=True)
        live = bench.live()
        times = [s.time_ns for s in live]
        assert len(times) == bench.count
        assert all(a < b for a, b in itertools.pairwise(times))
        # every reading once: good somewhere, or flagged with its value as read
        good = [value for _, value in bench.series()]
        assert len(good) == len(set(good))
        moved = {s.time_ns for s in bench.stored() if s.part >= FIRST_REVISION}
        kept = {f.value for s in live if s.time_ns not in moved for f in s.flags if f.channel == "power_w"}
        assert not set(good) & kept
        assert set(good) | kept == {float(n + 1) for n in range(bench.count)}
        told = [event.data["jump_s"] for event in bench.events(EventKind.CLOCK_JUMP)]
        assert told == pytest.approx([jump for _, jump, _ in steps], abs=1e-6)
    finally:
        bench.close()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    jumps=st.dictionaries(st.integers(1, 60), st.floats(-90000, 90000), max_size=6),
    stalls=st.dictionaries(st.integers(1, 60), st.floats(0, 40), max_size=6),
)
def test_due_is_sent_and_missed_whatever_the_clock_does(
    jumps: dict[int, float], stalls: dict[int, float]
) -> None:
    clock = ManualClock(T0)
    intervals = {"a": SECOND_NS, "b": 7 * SECOND_NS, "c": 10 * SECOND_NS}
    calls: list[str] = []

    def poll(name: str, due_ns: int) -> bool:
        calls.append(name)
        clock.advance(stalls.get(len(calls), 0.0))
        clock.jump(jumps.get(len(calls), 0.0))
        if len(calls) >= 80:
            schedule._stop.set()
        return len(calls) % 5 != 0

    schedule = Schedule(intervals, poll, clock, lambda _: None)
    schedule.run()
    ticks = schedule.ticks()
    for name, every in intervals.items():
        assert ticks[name].due == ticks[name].sent + ticks[name].missed
        # as many as fit into the time that passed, whatever wall time said: one more or less a jump
        fits = clock.monotonic_ns() // every
        assert abs(ticks[name].due - fits) <= 2 + len(jumps)


def test_a_sleeping_computer_is_no_jump() -> None:
    # CLOCK_BOOTTIME goes on while it sleeps, and so does wall time
    if not hasattr(__import__("time"), "CLOCK_BOOTTIME"):
        pytest.skip("this system has no CLOCK_BOOTTIME")
    import time

    here = SystemClock().monotonic_ns()
    assert abs(here - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) < SECOND_NS


def test_a_clock_is_believed_when_ntp_leads_it_or_a_battery_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_battery, without = tmp_path / "rtc", tmp_path / "none"
    (with_battery / "rtc0").mkdir(parents=True)
    without.mkdir()
    now = RELEASED_NS + HOUR_NS
    for synced, rtc, mode, expected in (
        (True, without, "auto", Trust.SYNCED),
        (False, with_battery, "auto", Trust.FREE),
        (False, without, "auto", Trust.NONE),
        (False, tmp_path / "container", "auto", Trust.FREE),
        (None, without, "auto", Trust.FREE),
        (None, without, "ntp", Trust.NONE),
        (False, with_battery, "ntp", Trust.NONE),
        (False, without, "trust", Trust.FREE),
    ):
        monkeypatch.setattr("collector._clock_trust.kernel_synced", lambda synced=synced: synced)
        trust = SystemTrust(SystemClock(), mode, rtc=rtc)  # type: ignore[arg-type]
        assert trust(now) is expected, (synced, rtc, mode)
        assert trust(SECOND_NS) is Trust.NONE


def test_a_kill_before_ntp_answers_loses_nothing_of_the_same_boot(path: Path) -> None:
    first = Bench(path, start_ns=30 * SECOND_NS)
    first.true_offset_ns = T0
    first.polls(20)
    first.close()
    # the collector starts again in the same boot, still without a clock, and NTP answers then
    second = Bench(path, start_ns=first.clock.now_ns(), boot_ns=first.clock.monotonic_ns())
    second.true_offset_ns, second.truth, second.count = T0, first.truth, first.count
    second.polls(20)
    second.synced = True
    second.clock.jump((T0 - 30 * SECOND_NS) / SECOND_NS)
    second.polls(5)
    assert second.series() == second.truth
    assert len(second.truth) == 45
    second.close()


def test_a_keeper_notes_what_is_wrong_for_status_and_doctor(path: Path) -> None:
    journal = Journal.open(path)
    clock = ManualClock(SECOND_NS)
    ingest = Ingest(journal, clock)
    ingest.start()
    keeper = ClockKeeper(journal, ingest, clock)
    keeper.start()
    assert journal.facts()["#clock"]["trust"] == "none"
    assert "not good" in journal.facts()["#clock"]["fault"]
    assert set(keeper.start_data()) == {"boot", "boot_ns", "wall_ns", "trust"}
    clock.jump(T0 / SECOND_NS)
    keeper.host.look()
    assert journal.facts()["#clock"] | {"boot": ""} == {"trust": "free", "boot": "", "fault": ""}
    keeper.stop()
    ingest.stop()
    journal.close()
