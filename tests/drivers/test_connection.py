"""A line with faults: told once at the start, once at the end, and no unit holds up another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import ManualClock
from dodac.quantities import Measurement
from dodac.samples import Reason
from drivers.bus import Bus
from drivers.catalogue import load_profile, parse_profile
from drivers.connection import PolledConnection
from drivers.profile import ModbusProfile, Profile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import Fault, SimulatedUnit


class Plant:
    """Two meters on a line in memory, served step by step without the thread."""

    def __init__(self, loop_link: Any, inbox: Any, profile: Profile | None = None) -> None:
        profile = profile or load_profile("eastron.sdm630")
        assert isinstance(profile, ModbusProfile)
        self.clock = ManualClock()
        self.inbox = inbox
        self.values = {1: self._values(profile, 100.0), 2: self._values(profile, 200.0)}
        units = {n: SimulatedUnit(profile, lambda n=n: self.values[n]) for n in (1, 2)}  # type: ignore[misc]
        self.faults: dict[int, list[Fault]] = {1: [], 2: []}
        self.link = loop_link(self.clock, units, lambda n: self.faults[n][:1])
        bus = Bus(self.link, self.clock)
        readers = [ModbusReader(f"m{n}", profile, n, self.clock) for n in (1, 2)]
        self.line = PolledConnection("bus", bus, [(r, Measurement.ELECTRICITY) for r in readers], self.clock)
        self.line._inbox = inbox

    @staticmethod
    def _values(profile: ModbusProfile, base: float) -> dict[str, float]:
        values = {name: base + place for place, name in enumerate(profile.channels)}
        factors = [name for name in values if name.startswith("power_factor")]
        return (
            values
            | dict.fromkeys(factors, 0.9)
            | ({"frequency_hz": 50.0} if "frequency_hz" in values else {})
        )

    def tick(self, *instruments: str) -> None:
        self.line._keep_open()
        for instrument in instruments or ("m1", "m2"):
            self.line.poll(instrument, self.clock.now_ns())
        while (turn := self.line._next()) is not None:
            self.line._do(turn)
        self.clock.advance(10)


@pytest.fixture
def plant(loop_link: Any, inbox: Any) -> Plant:
    return Plant(loop_link, inbox)


def test_a_fault_is_told_once_when_it_starts_and_once_when_it_ends(plant: Plant) -> None:
    plant.tick()
    plant.faults[1] = [Fault("dead", count=None)]
    for _ in range(30):
        plant.tick()
    assert plant.inbox.kinds("m1") == ["fault_start"]
    assert len(plant.inbox.of("m1")) == 2  # one good, one flagged
    assert {flag.reason for flag in plant.inbox.of("m1")[-1].flags} == {Reason.NO_ANSWER}
    plant.faults[1] = []
    for _ in range(8):
        plant.tick()
    assert plant.inbox.kinds("m1") == ["fault_start", "fault_end", "gap"]
    gap = plant.inbox.events[-1]
    good = [sample for sample in plant.inbox.of("m1") if not sample.flags]
    assert (gap.time_ns, gap.end_ns) == (good[0].time_ns, good[1].time_ns)


def test_a_dead_meter_does_not_cost_the_others_a_reading(plant: Plant) -> None:
    plant.faults[1] = [Fault("dead", count=None)]
    for _ in range(20):
        plant.tick()
    place = plant.line.layouts()[1].index["voltage_l1_v"]
    assert len([s for s in plant.inbox.of("m2") if not s.flags and s.present >> place & 1]) == 20
    assert plant.inbox.kinds("m2") == []
    # probed after 1, 2, 4 … 60 s and not at every tick
    assert len([r for r in plant.link.requests if r[0] == 1]) < 10


def test_half_a_reading_is_kept_while_the_other_half_is_in_fault(loop_link: Any, inbox: Any) -> None:
    plant = Plant(loop_link, inbox, load_profile("schneider.iem3000"))  # three blocks
    plant.tick()
    plant.faults[1] = [Fault("exception")]
    struck = iter([True, False] * 10)
    plant.link.faults = lambda n: [Fault("exception")] if n == 1 and next(struck) else []
    for _ in range(3):
        plant.tick("m1")
    samples = plant.inbox.of("m1")
    assert plant.inbox.kinds("m1") == ["fault_start"]
    assert samples[1].flags
    assert not samples[2].flags  # absent, not flagged again
    assert any(value == value for value in samples[3].values)


SLOW_AND_FAST = """
id: slow-and-fast
maker: nobody
models: [a fast float and a slow one]
kind: water
evidence: {map: [made up for a test]}
protocol: modbus
channels:
  volume_m3: {table: input, address: 0, type: f32, every: slow}
  flow_m3h:  {table: input, address: 100, type: f32, range: [0, 1000000]}
tests:
  - frames: [{request: "01 04 00 64 00 02 30 14", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {flow_m3h: 20.379}
"""


@pytest.mark.parametrize("kind", ["exception", "dead"])
def test_slow_channels_in_fault_are_one_fault_and_cost_the_fast_ones_nothing(
    loop_link: Any, inbox: Any, kind: str
) -> None:
    # every read of the fast channels ended the fault and every slow one started it again: two lines a
    # minute; and where the slow block was silent, nothing was read at all
    plant = Plant(loop_link, inbox, parse_profile(SLOW_AND_FAST, Path("slow-and-fast.yaml")))
    broken = False

    def struck(unit: int) -> list[Fault]:
        return [Fault(kind)] if broken and plant.link.requests[-1][2:4] == b"\0\0" else []

    plant.link.faults = struck
    plant.tick("m1")
    broken = True
    for _ in range(60):
        plant.tick("m1")
    assert plant.inbox.kinds("m1") == ["fault_start"]
    place = plant.line.layouts()[0].index["flow_m3h"]
    assert sum(sample.values[place] == sample.values[place] for sample in plant.inbox.of("m1")) == 61
    assert len([sample for sample in plant.inbox.of("m1") if sample.flags]) == 1
    asked = [request for request in plant.link.requests if request[2:4] == b"\0\0"]
    assert len(asked) < 20
    broken = False
    for _ in range(8):
        plant.tick("m1")
    assert plant.inbox.kinds("m1") == ["fault_start", "fault_end", "gap"]


def test_an_unplugged_adapter_is_one_event_and_everyones_gap(plant: Plant) -> None:
    plant.tick()
    plant.link.absent = True
    for _ in range(5):
        plant.tick()
    assert plant.inbox.kinds(None) == ["fault_start"]
    assert plant.inbox.kinds("m1") == plant.inbox.kinds("m2") == []
    assert plant.line.status().state == "down"
    plant.link.absent = False
    for _ in range(4):
        plant.tick()
    assert plant.inbox.kinds(None) == ["fault_start", "fault_end"]
    assert plant.inbox.kinds("m1") == plant.inbox.kinds("m2") == ["gap"]
    assert plant.line.status().state == "up"


def test_a_line_that_is_away_at_the_start_does_not_stop_the_collector(plant: Plant) -> None:
    plant.link.absent = True
    plant.tick()
    assert [e.text for e in plant.inbox.events] == ["loop: there is no such port"]
    plant.link.absent = False
    plant.tick()
    assert [bool(s.flags) for s in plant.inbox.of("m1")] == [True, False]


def test_a_missed_tick_is_said(plant: Plant) -> None:
    assert plant.line.poll("m1", 0)
    assert not plant.line.poll("m1", 1)
    assert plant.line.status().counters["missed_ticks"] == 1


def test_the_lines_thread_reads_and_ends(
    plant: Plant, inbox: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    plant.line.start(inbox)
    assert plant.line.poll("m1", 0)
    assert plant.line.poll("m2", 0)
    eventually(lambda: len(inbox.of("m1")) == 1 and len(inbox.of("m2")) == 1)
    plant.line.stop()
    assert plant.line.status().last_good_ns.keys() == {"m1", "m2"}


def test_a_surprise_in_one_reader_leaves_the_line_working(
    plant: Plant, inbox: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a reader's bug")

    plant.line._stations["m1"].reader.read = broken  # type: ignore[method-assign]
    plant.line.start(inbox)
    plant.line.poll("m1", 0)
    plant.line.poll("m2", 1)
    eventually(lambda: len(inbox.of("m2")) == 1)
    plant.line.stop()
    assert inbox.kinds("m1") == ["fault_start"]
    assert {flag.reason for flag in inbox.of("m1")[0].flags} == {Reason.DECODE}


def test_slow_channels_hold_up_no_other_instrument(plant: Plant) -> None:
    """Once a minute the slow blocks of all meters came in one cycle, and the last meter was seconds late."""
    starts: dict[str, list[int]] = {"m1": [], "m2": []}
    begun = plant.clock.now_ns()
    for _ in range(20):
        plant.tick()
    place = plant.line.layouts()[0].index["voltage_l1_v"]
    for name, times in starts.items():
        samples = [s for s in plant.inbox.of(name) if s.present >> place & 1]
        times += [sample.start_ns - begun for sample in samples]
        slow = [s for s in plant.inbox.of(name) if not s.present >> place & 1]
        assert len(slow) == 3 * 4  # four blocks after 60, 120 and 180 s
        assert not any(sample.flags for sample in slow)
    # m1 first, then m2, then what can wait: m2 never waits for m1's slow channels
    assert all(
        0 < second - first < 100_000_000 for first, second in list(zip(*starts.values(), strict=True))[1:]
    )


def test_slow_channels_wait_for_a_pause_that_is_long_enough(plant: Plant) -> None:
    line = plant.line
    plant.tick()
    plant.tick()
    station = line._stations["m1"]
    station.slow_took_ns += [400_000_000, 20_000_000]  # the next block is perhaps the long one again
    plant.clock.advance(60)
    for name in ("m1", "m2"):  # ten seconds a read, and the next expected in 0.2 s
        line._stations[name].due_ns = plant.clock.now_ns() - 9_800_000_000
        line._stations[name].every_ns = 10_000_000_000
    line._turns.slow("m1", plant.clock.monotonic_ns())
    assert line._next() is None
    plant.clock.advance(0.3)  # it did not come: nothing is known, nothing is waited for
    turn = line._next()
    assert turn is not None
    assert (turn.instrument, turn.kind) == ("m1", "slow")


def test_a_unit_that_only_babbles_is_not_asked_at_every_tick(plant: Plant) -> None:
    """A unit whose answers always break off cost the line two timeouts and two guards a cycle."""
    plant.faults[1] = [Fault("truncated", count=None)]
    for _ in range(30):
        plant.tick()
    asked = len([request for request in plant.link.requests if request[0] == 1])
    assert asked < 25
    assert plant.inbox.kinds("m1") == ["fault_start"]
    assert plant.inbox.kinds("m2") == []


def test_the_status_says_how_fast_each_unit_answers(plant: Plant) -> None:
    plant.tick()
    found = plant.line.status().turnaround
    assert set(found) == {"m1", "m2"}
    assert found["m1"].median_ms == pytest.approx(30, abs=1)
    assert found["m1"].answers == 5


def test_a_late_answer_is_counted_for_its_unit_whoever_hears_it(plant: Plant) -> None:
    """The others are read while a unit is left alone: its late answer comes into their turns."""
    plant.tick()
    plant.faults[1] = [Fault("late", seconds=1.5)]
    plant.line.poll("m1", plant.clock.now_ns())
    line = plant.line
    while (turn := line._next()) is not None:
        line._do(turn)
    plant.faults[1] = []
    for _ in range(4):
        plant.clock.advance(0.2)
        line.poll("m2", plant.clock.now_ns())
        while (turn := line._next()) is not None:
            line._do(turn)
    status = line.status()
    assert status.counters["late_recognised"] == 1
    assert status.turnaround["m1"].late == 1
    assert status.turnaround["m2"].late == 0


def test_slow_channels_that_are_refused_are_left_out_and_cost_nothing(loop_link: Any, inbox: Any) -> None:
    plant = Plant(loop_link, inbox, parse_profile(SLOW_AND_FAST, Path("slow-and-fast.yaml")))
    plant.tick("m1")
    unit = plant.link.units[1]
    whole = unit.answer_pdu
    unit.answer_pdu = lambda pdu, effects=(): bytes((0x84, 2)) if pdu[1:3] == b"\0\0" else whole(pdu, effects)
    for _ in range(30):
        plant.tick("m1")
    assert plant.line._stations["m1"].reader.refused_channels == {"volume_m3"}
    assert plant.inbox.kinds("m1") == ["alarm"]
    assert all(sample.present for sample in plant.inbox.of("m1"))
    assert len([request for request in plant.link.requests if request[2:4] == b"\0\0"]) == 2
    reader = plant.line._stations["m1"].reader
    assert isinstance(reader, ModbusReader)
    assert not reader.read_slow(plant.line._bus).present
