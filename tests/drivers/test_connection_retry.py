"""When a silent unit or a line that is away is tried again, and with what."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.quantities import Measurement
from dodac.samples import Reason
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.connection import PolledConnection
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import Fault, SimulatedUnit


class Bench:
    """One meter on a line in memory, served step by step without the thread."""

    def __init__(self, loop_link: Any, inbox: Any) -> None:
        profile = load_profile("eastron.sdm630")
        assert isinstance(profile, ModbusProfile)
        values = dict.fromkeys(profile.channels, 100.0) | {"frequency_hz": 50.0}
        values |= {name: 0.9 for name in values if name.startswith("power_factor")}
        self.clock = ManualClock()
        self.inbox = inbox
        self.faults: list[Fault] = []
        self.link = loop_link(
            self.clock, {1: SimulatedUnit(profile, lambda: values)}, lambda _: self.faults[:1]
        )
        reader = ModbusReader("m1", profile, 1, self.clock)
        bus = Bus(self.link, self.clock, timeout_s=1.0, late_guard_s=2.0)
        self.line = PolledConnection("bus", bus, [(reader, Measurement.ELECTRICITY)], self.clock)
        self.line._inbox = inbox
        self.station = self.line._stations["m1"]

    def tick(self, after_s: float = 0.0) -> list[bytes]:
        """One read that is wanted after a time; gives what was asked."""
        self.clock.advance(after_s)
        before = len(self.link.requests)
        self.line._keep_open()
        self.line.poll("m1", self.clock.now_ns())
        while (turn := self.line._next()) is not None:
            self.line._do(turn)
        return self.link.requests[before:]  # type: ignore[no-any-return]


@pytest.fixture
def bench(loop_link: Any, inbox: Any) -> Bench:
    return Bench(loop_link, inbox)


def test_a_silent_unit_is_left_alone_for_its_guard_and_then_asked_for_little(bench: Bench) -> None:
    bench.tick()
    bench.faults = [Fault("dead", count=None)]
    assert len(bench.tick(10)) == 1
    assert bench.tick(1.5) == []  # its answer may still come
    probed: list[bool] = []
    real = bench.station.reader.probe
    bench.station.reader.probe = lambda bus: probed.append(real(bus)) or probed[-1]  # type: ignore[func-returns-value,method-assign]
    assert bench.tick(10)
    bench.faults = []
    asked = bench.tick(10)
    assert probed == [False, True]  # what it costs to see that it is still away: one small request
    assert int.from_bytes(asked[0][4:6], "big") == 2  # the smallest request it has
    assert len(asked) > 1  # it is back: read at once
    assert bench.inbox.kinds("m1") == ["fault_start", "fault_end", "gap"]


def test_a_unit_that_answers_in_part_is_no_silent_one(bench: Bench) -> None:
    bench.faults = [Fault("dead", count=None)]
    bench.tick()
    struck = iter([False, True])  # the probe is answered, the first block refused, all others are there
    bench.link.faults = lambda _: [Fault("exception")] if next(struck, False) else []
    bench.tick(3)
    assert any(value == value for value in bench.inbox.of("m1")[-1].values)
    assert bench.station.failures == 0


def test_a_line_that_is_away_is_tried_less_and_less_often_and_anew_after_it_was_back(bench: Bench) -> None:
    opened: list[float] = []
    real = bench.link.open

    def opening() -> None:
        opened.append(bench.clock.monotonic_ns() / SECOND_NS)
        real()

    bench.link.open = opening
    bench.link.absent = True
    for _ in range(1200):
        bench.tick(0.1)
    waits = [b - a for a, b in itertools.pairwise(opened)]
    assert waits[:4] == pytest.approx([0.25, 0.5, 1, 2], abs=0.11)
    assert max(waits) == pytest.approx(30, abs=0.11)
    bench.link.absent = False
    for _ in range(400):
        bench.tick(0.1)
    assert bench.line.status().state == "up"
    bench.link.absent = True
    opened.clear()
    for _ in range(30):
        bench.tick(0.1)
    assert len(opened) >= 3
    assert bench.inbox.kinds(None) == ["fault_start", "fault_end", "fault_start"]


def test_an_adapter_unplugged_among_slow_channels_is_the_instruments_gap_too(bench: Bench) -> None:
    bench.tick()
    assert bench.line.status().state == "up"
    bench.link.absent = True
    bench.line._serve_slow(bench.station)
    assert bench.line.status().state == "down"
    assert {flag.reason for flag in bench.inbox.of("m1")[-1].flags} == {Reason.NO_ANSWER}
    assert bench.inbox.kinds(None) == ["fault_start"]
