"""Answers that come when nobody expects them any more: after a refusal, over a line that was away, twice."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.samples import Reason, Sample
from drivers.bus import Bus
from drivers.catalogue import parse_profile
from drivers.links import LinkDown
from drivers.profile import ModbusProfile
from drivers.protocols import modbus
from drivers.protocols.modbus_late import Outstanding
from drivers.protocols.modbus_reader import ModbusReader

TWINS = """
id: twins
maker: nobody
models: [two floats far apart]
kind: water
evidence: {map: [made up for a test]}
protocol: modbus
channels:
  flow_m3h:  {table: input, address: 0, type: f32, range: [0, 1000000]}
  volume_m3: {table: input, address: 100, type: f32}
tests:
  - frames: [{request: "01 04 00 00 00 02 71 CB", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {flow_m3h: 20.379}
"""
SPARE = TWINS.replace(
    "channels:",
    "link: {readable: [{table: input, first: 0, last: 9}, {table: input, first: 100, last: 109}]}\nchannels:",
    1,
)
FLOW, VOLUME = 11.0, 222.0
Play = list[tuple[float, bytes]]
"""What comes after a request: seconds, bytes; "" where the line goes away then."""


def answer(request: bytes) -> bytes:
    """What the unit says: each number its own, whatever is read around it."""
    address, count = struct.unpack(">HH", request[2:6])
    words = {0: FLOW, 100: VOLUME}
    data = b"".join(struct.pack(">f", words.get(a, 0.0)) for a in range(address, address + count, 2))
    return modbus.rtu(request[0], bytes((request[1], 2 * count)) + data[: 2 * count])


def refusal(request: bytes, code: int) -> bytes:
    return modbus.rtu(request[0], bytes((request[1] | 0x80, code)))


class Line:
    """A link on which a test says what comes; what is under way arrives though the port was closed."""

    name = "line"

    def __init__(self, clock: ManualClock, plays: list[Callable[[bytes], Play]]) -> None:
        self.clock = clock
        self.plays = plays
        self.asked: list[tuple[int, bytes]] = []
        self._due: list[tuple[int, bytes]] = []

    def open(self) -> None: ...
    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        now = self.clock.monotonic_ns()
        self.asked.append((now, data))
        play = self.plays.pop(0) if self.plays else prompt
        self._due += [(now + round(after * SECOND_NS), piece) for after, piece in play(data)]
        self._due.sort(key=lambda item: item[0])

    def read(self, timeout_s: float) -> bytes:
        now = self.clock.monotonic_ns()
        if self._due and self._due[0][0] <= now + round(timeout_s * SECOND_NS):
            due, data = self._due.pop(0)
            self.clock.advance(max(0, due - now) / SECOND_NS)
            if not data:
                raise LinkDown("line: the other side closed the connection")
            return data
        self.clock.advance(timeout_s)
        return b""


def prompt(request: bytes) -> Play:
    return [(0.02, answer(request))]


def dead(_: bytes) -> Play:
    return []


def bench(*plays: Callable[[bytes], Play], text: str = TWINS) -> tuple[ModbusReader, Bus, Line]:
    profile = parse_profile(text, Path("twins.yaml"))
    assert isinstance(profile, ModbusProfile)
    clock = ManualClock()
    line = Line(clock, list(plays))
    return ModbusReader("meter", profile, 1, clock), Bus(line, clock, timeout_s=1.0, late_guard_s=2.0), line


def values(reader: ModbusReader, sample: Sample) -> dict[str, float]:
    return {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}


def waiting(reader: ModbusReader, bus: Bus) -> list[int]:
    return reader._outstanding.sizes(4, bus.clock.monotonic_ns())


@pytest.mark.parametrize("code", [4, 5, 6, 8, 10, 11])
def test_the_answer_behind_a_refusal_is_never_taken_for_the_next_register(code: int) -> None:
    """A gateway gives up on a slow meter (0Bh), or a meter says "still working", and its answer comes after all."""
    reader, bus, _ = bench(lambda r: [(0.02, refusal(r, code)), (0.03, answer(r))])
    sample = reader.read(bus)
    assert values(reader, sample) in ({}, {"volume_m3": VOLUME})
    assert sample.flags[0].channel == "flow_m3h"
    bus.clock.advance(10)  # type: ignore[attr-defined]
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}


def test_a_refusal_is_thought_of_no_longer_than_the_guard() -> None:
    reader, bus, line = bench(lambda r: [(0.02, refusal(r, 6))])
    reader.read(bus)
    bus.clock.advance(3)  # type: ignore[attr-defined]
    before = len(line.asked)
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert len(line.asked) - before == 2


def test_registers_refused_for_good_are_remembered_though_others_were_busy() -> None:
    """Only what came to nothing at all makes a refusal doubtful: busy registers are refused ones' neighbours."""
    reader, bus, _ = bench(lambda r: [(0.02, refusal(r, 6))], lambda r: [(0.02, refusal(r, 2))] * 2)
    sample = reader.read(bus)
    assert {flag.reason for flag in sample.flags} == {Reason.EXCEPTION}
    assert reader.refused_channels == {"volume_m3"}


def test_an_answer_that_outlives_the_line_is_never_taken_for_another_register() -> None:
    """A serial server drops its client in the middle of a request; the meter's answer comes over the next one."""
    reader, bus, line = bench(prompt, lambda r: [(0.02, b""), (0.28, answer(r))])
    with pytest.raises(LinkDown):
        reader.read(bus)
    bus.clock.advance(0.25)  # type: ignore[attr-defined]  # the line is opened again
    sample = reader.read(bus)
    assert values(reader, sample) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert bus.counters["late_recognised"] == 1
    assert line.asked[2][0] > line.asked[1][0] + SECOND_NS * 0.28  # nothing is asked before it came


def test_what_came_before_a_request_is_not_counted_as_its_late_answer() -> None:
    """A good answer came twice: the second one, unasked, was struck out for the one still to come."""
    reader, bus, line = bench(lambda r: [(0.02, answer(r)), (0.021, answer(r))], dead)
    bus.byte_s = 10 / 9600
    sample = reader.read(bus)
    assert values(reader, sample) == {"flow_m3h": FLOW}
    assert len(line.asked) == 2
    assert waiting(reader, bus) == [4]


def test_a_line_that_others_talk_on_does_not_hold_the_thread_after_a_probe() -> None:
    """Another master polls the same line ten times a second: the probe waited for a silence that never came."""
    others = [(0.5 + 0.1 * n, b"\x09\x03\x00\x00\x00\x02\xc5\x43") for n in range(4000)]
    reader, bus, _ = bench(dead, lambda r: [*prompt(r), *others])
    reader.read(bus)
    start = bus.clock.monotonic_ns()
    assert reader.probe(bus)
    assert bus.clock.monotonic_ns() - start < 10 * SECOND_NS
    assert waiting(reader, bus)  # what may still come is not forgotten


def test_answers_are_struck_out_one_for_one_and_forgotten_in_time() -> None:
    late = Outstanding()
    late.add(4, 4, 0)
    late.add(4, 8, 0)
    late.refused.append((4, 8, 3 * SECOND_NS))
    assert late.sizes(4, 0) == [4, 8, 8]
    assert late.sizes(3, 0) == []
    frame = modbus.rtu(1, bytes((4, 8)) + bytes(8))
    assert late.seen_in(1, frame) == 1
    assert late.sizes(4, 0) == [4, 8]
    assert late.seen_in(1, b"\x55" + frame + frame) == 1
    assert late.sizes(4, 0) == [4]
    assert late.fresh(4, 4, 29 * SECOND_NS) == 1
    assert late.fresh(4, 4, 31 * SECOND_NS) == 0
    assert late.sizes(4, 119 * SECOND_NS) == [4]
    assert late.sizes(4, 120 * SECOND_NS) == []


def test_two_answers_long_after_the_guard_are_both_passed_over() -> None:
    """A gateway holds everything back for ten seconds: each answer says to which request it belongs."""
    reader, bus, line = bench()
    clock, free_s = line.clock, 10.0

    def held_back(request: bytes) -> Play:
        nonlocal free_s
        now_s = clock.monotonic_ns() / SECOND_NS
        free_s = max(free_s, now_s) + 0.02
        value = 1000.0 * (request[3] == 100) + len(line.asked)
        return [(free_s - now_s, modbus.rtu(1, b"\x04\x04" + struct.pack(">f", value)))]

    line.plays = [held_back] * 40
    reader.read(bus)
    clock.advance(2.5)
    reader.read(bus)
    clock.advance(9.9 - clock.monotonic_ns() / SECOND_NS)
    before = len(line.asked)
    got = values(reader, reader.read(bus))
    assert set(got) == {"flow_m3h", "volume_m3"}
    assert before < got["flow_m3h"] <= len(line.asked)
    assert before + 1000 < got["volume_m3"] <= len(line.asked) + 1000


def test_three_answers_that_look_alike_and_may_still_come_are_flagged() -> None:
    reader, bus, line = bench(dead, dead, dead)
    for _ in range(3):
        reader.read(bus)
        bus.clock.advance(2.5)  # type: ignore[attr-defined]
    before = len(line.asked)
    sample = reader.read(bus)
    assert {flag.reason for flag in sample.flags} == {Reason.LATE_ANSWER}
    assert len(line.asked) == before  # nobody was asked: no answer could be believed


def test_three_answers_that_come_while_the_line_is_heard_out_cost_no_reading() -> None:
    frame = modbus.rtu(1, b"\x04\x04" + struct.pack(">f", 7.0))
    reader, bus, _ = bench(dead, dead, lambda _: [(4.5, frame * 3)])
    for _ in range(3):
        reader.read(bus)
        bus.clock.advance(2.5)  # type: ignore[attr-defined]
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert bus.counters["late_recognised"] == 3


def test_half_an_answer_keeps_the_line_for_its_other_half() -> None:
    """The other units are not asked into an answer that has begun and may go on."""
    reader, bus, _ = bench(*[lambda r: [(0.99, answer(r)[:4])]] * 2)
    reader.read(bus)
    assert bus.clock.monotonic_ns() >= (0.99 + 2.0) * 2 * SECOND_NS


def test_another_unit_s_late_answer_of_the_same_length_does_not_end_the_waiting() -> None:
    stranger = modbus.rtu(9, b"\x04\x04" + struct.pack(">f", 9.0))
    reader, bus, line = bench(lambda r: [(0.1, stranger), (0.5, answer(r))])
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert len(line.asked) == 2


def damaged(request: bytes) -> Play:
    frame = answer(request)
    return [(0.1, frame[:4] + bytes((frame[4] ^ 1,)) + frame[5:])]


def test_after_a_damaged_answer_another_shape_is_asked_for_at_once() -> None:
    """A whole answer came, if a damaged one: no timeout is waited for where a second one can be told apart."""
    reader, bus, line = bench(damaged, text=SPARE)
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert line.asked[1][0] - line.asked[0][0] < 0.3 * SECOND_NS
    assert line.asked[1][1] != line.asked[0][1]


def test_after_a_damaged_answer_the_guard_begins_when_the_answer_would_be_late() -> None:
    """It was noise perhaps, and the answer is still to come; nothing of another shape can be asked for."""
    reader, bus, line = bench(damaged)
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert line.asked[1][0] - line.asked[0][0] >= 3 * SECOND_NS


def test_a_late_answer_that_was_seen_is_not_waited_for_any_more() -> None:
    reader, bus, line = bench(lambda r: [(1.02, answer(r))])
    reader.read(bus)
    assert bus.counters["late_recognised"] == 1
    reader.read(bus)
    assert len(line.asked) == 3  # each number once


def test_a_late_answer_that_came_between_two_silences_is_struck_out() -> None:
    reader, bus, _ = bench(lambda r: [(1.5, answer(r))], dead)
    reader.read(bus)
    bus.clock.advance(2.5)  # type: ignore[attr-defined]
    reader.probe(bus)
    assert waiting(reader, bus) == [4]


def test_only_an_earlier_answer_came_is_said_so() -> None:
    reader, bus, _ = bench(lambda r: [(3.5, answer(r))], lambda r: [(3.2, answer(r))], dead, text=SPARE)
    reader.read(bus)
    bus.clock.advance(2.3)  # type: ignore[attr-defined]
    sample = reader.read(bus)
    assert {flag.reason for flag in sample.flags if flag.channel == "flow_m3h"} == {Reason.LATE_ANSWER}
    assert "earlier request" in reader.fault_text


def test_another_unit_s_late_answer_is_no_late_answer_of_this_one() -> None:
    reader, bus, _ = bench(lambda r: [(1.3, answer(r))], dead, dead)
    other = ModbusReader("other", reader.map.profile, 2, bus.clock)
    reader.read(bus)
    assert {flag.reason for flag in other.read(bus).flags} <= {Reason.CRC, Reason.NO_ANSWER}
    assert waiting(reader, bus) == []
    assert bus.turnarounds["meter"].late == 1
    reader, bus, _ = bench(lambda r: [(1.3, answer(r))], dead)
    reader.read(bus)
    assert not other.probe(bus)
    assert other.fault_text == "an answer came from unit 1 instead of 2"


def test_a_refusal_that_may_be_an_older_one_leaves_the_answer_to_come() -> None:
    reader, bus, _ = bench(dead, lambda r: [(0.02, refusal(r, 2))])
    reader.read(bus)
    bus.clock.advance(2.5)  # type: ignore[attr-defined]
    reader.read(bus)
    assert not reader.refused_channels
    assert waiting(reader, bus).count(4) == 2


@pytest.mark.parametrize("code", [10, 11])
def test_a_gateway_that_reaches_no_meter_is_not_asked_block_by_block(code: int) -> None:
    reader, bus, line = bench(lambda r: [(0.02, refusal(r, code))])
    assert [flag.reason for flag in reader.read(bus).flags] == [Reason.NO_ANSWER] * 2
    assert len(line.asked) == 1


def test_after_a_probe_the_line_is_heard_out_where_readings_look_like_the_old_ones() -> None:
    """The probe was answered with the old answer; its own came after it, and would have been the next reading."""
    reader, bus, line = bench(lambda r: [(3.6, answer(r))], lambda r: [(1.5, answer(r))])
    reader.read(bus)
    bus.clock.advance(2.3)  # type: ignore[attr-defined]
    assert reader.probe(bus)
    assert bus.clock.monotonic_ns() >= (3.35 + 1.5 + 2.0) * SECOND_NS
    assert waiting(reader, bus) == []
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert len(line.asked) == 4


def test_after_a_probe_the_answer_to_the_probe_itself_may_still_come() -> None:
    reader, bus, line = bench(lambda r: [(3.6, answer(r))], text=SPARE)
    reader.read(bus)
    bus.clock.advance(2.3)  # type: ignore[attr-defined]
    assert reader.probe(bus)
    assert waiting(reader, bus) == [4, 4]
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}
    assert all(request[5] != 2 for _, request in line.asked[2:])


def test_a_model_s_own_guard_is_the_one_that_passes() -> None:
    quick = TWINS.replace("channels:", "link: {late_guard_ms: 500}\nchannels:", 1)
    reader, bus, _ = bench(*[lambda r: [(0.99, answer(r)[:4])]] * 2, text=quick)
    reader.read(bus)
    assert bus.clock.monotonic_ns() < 4 * SECOND_NS


@pytest.mark.parametrize("code", [2, 3])
def test_a_refused_number_is_left_out_from_then_on(code: int) -> None:
    reader, bus, line = bench(lambda r: [(0.02, refusal(r, code))])
    assert values(reader, reader.read(bus)) == {"volume_m3": VOLUME}
    assert reader.refused_channels == {"flow_m3h"}
    reader.read(bus)
    assert len(line.asked) == 3


def test_an_instrument_that_refused_everything_is_asked_again() -> None:
    """It was starting up: what it refuses then is no register it does not have."""
    reader, bus, _ = bench(*[lambda r: [(0.02, refusal(r, 2))]] * 2)
    assert values(reader, reader.read(bus)) == {}
    assert values(reader, reader.read(bus)) == {"flow_m3h": FLOW, "volume_m3": VOLUME}


def slow_twins() -> str:
    return TWINS.replace(
        "{table: input, address: 100, type: f32}", "{table: input, address: 100, type: f32, every: slow}"
    ).replace("tests:", "  t_flow_c: {table: input, address: 200, type: f32, every: slow}\ntests:", 1)


def test_a_silent_block_of_slow_channels_ends_their_round() -> None:
    reader, bus, _ = bench(*[prompt] * 3, dead, text=slow_twins())
    reader.read(bus)
    bus.clock.advance(60)  # type: ignore[attr-defined]
    assert reader.slow_due()
    reader.read_slow(bus)
    assert not reader.slow_due()


def test_slow_channels_refused_meanwhile_are_not_asked_for() -> None:
    reader, bus, line = bench(text=slow_twins())
    reader.read(bus)
    bus.clock.advance(60)  # type: ignore[attr-defined]
    assert values(reader, reader.read_slow(bus)) == {"volume_m3": VOLUME}
    reader.refused_channels.add("t_flow_c")
    before = len(line.asked)
    assert values(reader, reader.read_slow(bus)) == {}
    assert len(line.asked) == before
