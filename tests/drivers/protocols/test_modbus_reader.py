"""Reading under faults: no wrong value is ever passed as good."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.samples import Reason, Sample
from drivers.bus import Bus
from drivers.catalogue import load_profile, parse_profile
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_map import Ratios
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import Fault, SimulatedUnit

# one float and nothing around it: no request with an answer of another size can be made
LONELY = """
id: lonely
maker: nobody
models: [one float]
kind: water
evidence: {map: [made up for a test]}
protocol: modbus
channels:
  flow_m3h: {table: input, address: 100, type: f32, range: [0, 1000000]}
tests:
  - frames: [{request: "01 04 00 64 00 02 30 14", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {flow_m3h: 20.379}
"""

# three floats far apart, so three requests whose answers have one and the same size
APART = """
id: apart
maker: nobody
models: [three floats]
kind: water
evidence: {map: [made up for a test]}
protocol: modbus
channels:
  flow_m3h:   {table: input, address: 0, type: f32, range: [0, 1000000]}
  volume_m3:  {table: input, address: 100, type: f32}
  t_flow_c:   {table: input, address: 200, type: f32, range: [0, 1000000]}
tests:
  - frames: [{request: "01 04 00 00 00 02 71 CB", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {flow_m3h: 20.379}
"""


def modbus(text_or_id: str) -> ModbusProfile:
    if "\n" in text_or_id:
        name = text_or_id.split("id: ")[1].split("\n", maxsplit=1)[0]
        profile = parse_profile(text_or_id, Path(f"{name}.yaml"))
    else:
        profile = load_profile(text_or_id)
    assert isinstance(profile, ModbusProfile)
    return profile


def fixed(profile: ModbusProfile) -> dict[str, float]:
    values = {name: 100.0 + 3 * place for place, name in enumerate(profile.channels)}
    values.update({n: 0.5 for n in values if n.startswith("power_factor")})
    return values | ({"frequency_hz": 50.0} if "frequency_hz" in values else {})


def good(reader: ModbusReader, sample: Sample) -> dict[str, float]:
    return {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}


def reasons(sample: Sample) -> set[Reason]:
    return {flag.reason for flag in sample.flags}


class Bench:
    """One unit on a line in memory."""

    def __init__(self, loop_link: Any, profile: ModbusProfile, **bus: float) -> None:
        self.clock = ManualClock()
        self.profile = profile
        self.values: dict[str, float] = fixed(profile)
        self.unit = SimulatedUnit(profile, lambda: self.values)
        self.next: list[Fault] = []
        self.link = loop_link(self.clock, {1: self.unit}, self._take)
        self.bus = Bus(self.link, self.clock, **{"timeout_s": 1.0, "late_guard_s": 2.0, **bus})
        self.reader = ModbusReader("meter", profile, 1, self.clock)

    def _take(self, _: int) -> list[Fault]:
        return [self.next.pop(0)] if self.next else []

    def read(self, everything: bool = False) -> Sample:
        return self.reader.read(self.bus, everything=everything)


def test_a_sample_is_whole_and_stands_in_the_middle_of_its_reading(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    start = bench.clock.now_ns()
    sample = bench.read()
    assert good(bench.reader, sample) == pytest.approx(bench.values)
    assert sample.start_ns == start
    assert sample.end_ns == bench.clock.now_ns()
    assert len(bench.link.requests) == 5  # five blocks for 47 values
    bench.clock.advance(10)
    assert len(good(bench.reader, bench.read())) == 27
    assert len(bench.link.requests) == 6  # and one for those that matter every time


@pytest.mark.parametrize("late_s", [1.1, 2.9, 3.5, 10.0])
def test_a_late_answer_is_never_taken_for_another_register(loop_link: Any, late_s: float) -> None:
    """Three equal requests in a row: the answer to the first comes while a later one waits."""
    bench = Bench(loop_link, modbus(APART))
    bench.next = [Fault("late", seconds=late_s)]
    for _ in range(20):
        sample = bench.read()
        bench.clock.advance(2)
        for name, value in good(bench.reader, sample).items():
            assert value == bench.values[name]
        bench.values = {name: value + 1 for name, value in bench.values.items()}
    assert good(bench.reader, bench.read()) == pytest.approx(bench.values)


def test_an_answer_later_than_the_guard_is_recognised_by_its_size(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"), late_guard_s=0.1)
    bench.next = [Fault("late", seconds=1.2)]
    assert reasons(bench.read()) == {Reason.NO_ANSWER}
    before = len(bench.link.requests)
    sample = bench.read()
    assert good(bench.reader, sample) == pytest.approx(bench.values)
    sizes = {request[5] for request in bench.link.requests[before:]}
    assert 18 not in sizes  # the block that went unanswered had 18 registers
    assert bench.bus.counters["late_recognised"] == 1


def test_a_damaged_answer_is_asked_for_again(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    for kind in ("crc", "truncated", "noise", "echo", "wrong_unit"):
        bench.next = [Fault(kind)]
        sample = bench.read(everything=True)
        assert not sample.flags, kind
        assert good(bench.reader, sample) == pytest.approx(bench.values)


def test_a_dead_unit_costs_one_timeout_a_poll(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    bench.next = [Fault("dead")] * 99
    sample = bench.read()
    assert reasons(sample) == {Reason.NO_ANSWER}
    assert len(sample.flags) == len(bench.profile.channels)
    assert len(bench.link.requests) == 1
    assert "no answer" in bench.reader.fault_text


def test_a_unit_that_comes_back_is_heard_out_before_it_is_believed(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus(LONELY))
    bench.next = [Fault("late", seconds=4.0)] * 2
    bench.read()
    bench.values["flow_m3h"] = 777.0
    while not bench.reader.probe(bench.bus):
        bench.clock.advance(0.5)
    assert good(bench.reader, bench.read()) == {"flow_m3h": 777.0}


def test_a_refusal_has_its_name_and_its_flag(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    bench.next = [Fault("exception")]
    sample = bench.read()
    assert reasons(sample) == {Reason.EXCEPTION}
    assert good(bench.reader, sample)  # the other block is kept
    assert "device failure" in bench.reader.fault_text
    assert not bench.reader.refused_channels


def test_one_refused_register_does_not_cost_the_others(loop_link: Any) -> None:
    profile = modbus(APART.replace("address: 100", "address: 2").replace("address: 200", "address: 4"))
    bench = Bench(loop_link, profile)
    whole = bench.unit.answer_pdu

    def answer_pdu(pdu: bytes, effects: Any = ()) -> bytes:
        address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        return bytes((0x84, 2)) if address < 4 and address + count > 2 else whole(pdu, effects)

    bench.unit.answer_pdu = answer_pdu  # type: ignore[method-assign]
    sample = bench.read()
    assert set(good(bench.reader, sample)) == {"flow_m3h", "t_flow_c"}
    assert [(f.channel, f.reason) for f in sample.flags] == [("volume_m3", Reason.EXCEPTION)]
    before = len(bench.link.requests)
    again = bench.read()
    assert not again.flags  # told once, then left out
    assert set(good(bench.reader, again)) == {"flow_m3h", "t_flow_c"}
    assert len(bench.link.requests) - before == 2  # the split is remembered


def test_sentinels_and_impossible_values_are_flagged(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    bench.values |= {"frequency_hz": 12.0, "power_factor": 1.7}
    del bench.values["power_w"]
    sample = bench.read()
    found = {flag.channel: (flag.reason, flag.value) for flag in sample.flags}
    assert found == {
        "frequency_hz": (Reason.OUT_OF_RANGE, 12.0),
        "power_factor": (Reason.OUT_OF_RANGE, pytest.approx(1.7)),
        "power_w": (Reason.SENTINEL, None),
    }
    assert sample.raw  # what was read stays with a doubtful sample


def test_floats_with_their_words_exchanged_are_not_values(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    bench.next = [Fault("word_swap"), Fault("word_swap")]
    sample = bench.read()
    assert not any(1e-30 < abs(value) < 1e-3 for value in good(bench.reader, sample).values())
    assert Reason.DECODE in reasons(sample)


def test_an_analyser_in_calibration_gives_no_good_value(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("fuji.zpa"))
    bench.values = {"co2_pct": 12.3, "co_ppm": 80.0, "o2_pct": 6.2}
    assert good(bench.reader, bench.read()) == pytest.approx(bench.values)
    image = bench.unit.image
    bench.unit.image = lambda effects=(): {**image(effects), ("input", 0x30): 1}  # type: ignore[method-assign]
    assert reasons(bench.read()) == {Reason.DEVICE_STATUS}


def test_a_ct_ratio_counts_only_where_the_meter_shows_secondary_values(loop_link: Any) -> None:
    text = """
id: ct
maker: nobody
models: [ct]
kind: electricity
evidence: {map: [made up for a test]}
protocol: modbus
channels:
  current_l1_a: {table: input, address: 0, type: f32, side: secondary}
  voltage_l1_v: {table: input, address: 2, type: f32, side: secondary}
  power_w:      {table: input, address: 4, type: f32, side: secondary}
  power_l1_w:   {table: input, address: 6, type: f32}
tests:
  - frames: [{request: "01 04 00 00 00 02 71 CB", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {current_l1_a: 20.379}
"""
    bench = Bench(loop_link, modbus(text))
    bench.values = {"current_l1_a": 2.0, "voltage_l1_v": 100.0, "power_w": 150.0, "power_l1_w": 150.0}
    bench.reader = ModbusReader("m", bench.profile, 1, bench.clock, ratios=Ratios(ct=80.0, vt=60.0))
    assert good(bench.reader, bench.read()) == pytest.approx(
        {"current_l1_a": 160.0, "voltage_l1_v": 6000.0, "power_w": 720_000.0, "power_l1_w": 150.0}
    )


def test_another_model_on_the_address_is_doubted(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("eastron.sdm630"))
    bench.values["voltage_l1_v"] = 230.0
    assert bench.reader.identify(bench.bus) == []
    bench.values["frequency_hz"] = 0.0
    (doubt,) = bench.reader.identify(bench.bus)
    assert doubt == "register 70 (input) reads 0, expected 45 to 65"


def test_an_identification_register_is_always_asked_for_alone(loop_link: Any) -> None:
    """Carlo Gavazzi's 000Bh answers with half of a voltage inside a longer block."""
    bench = Bench(loop_link, modbus("carlo-gavazzi.em340"))
    bench.next = [Fault("dead"), Fault("dead")]
    assert bench.reader.identify(bench.bus) == ["register 11 (holding): no answer within 1 s"]
    assert bench.reader.identify(bench.bus)  # again: now answers of this size may still come
    assert bench.reader.identify(bench.bus) == []
    asked = [(request[2:4], request[5]) for request in bench.link.requests]
    assert set(asked) == {(b"\x00\x0b", 1)}


def test_the_sum_of_two_tariffs_comes_out_of_one_request(loop_link: Any) -> None:
    bench = Bench(loop_link, modbus("siemens.pac"))
    bench.values["energy_import_kwh"] = 20345.6785
    assert good(bench.reader, bench.read())["energy_import_kwh"] == pytest.approx(20345.6785)
    holders = [r for r in bench.link.requests if 801 in range(a := int.from_bytes(r[2:4], "big"), a + r[5])]
    assert len(holders) == 1
    assert holders[0][5] >= 8


def test_slow_channels_are_read_once_a_minute(loop_link: Any) -> None:
    profile = modbus(APART.replace("type: f32}\n  t_flow", "type: f32, every: slow}\n  t_flow"))
    bench = Bench(loop_link, profile)
    seen = []
    for _ in range(13):
        seen.append("volume_m3" in good(bench.reader, bench.read()))
        bench.clock.advance(10)
    assert seen[0]
    assert sum(seen) == 3


KINDS = ("late", "late", "late", "crc", "truncated", "noise", "echo", "exception", "wrong_unit", "dead")


SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(6, 1000))]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_passes_a_wrong_value_as_good(loop_link: Any, seed: int) -> None:
    """Hundreds of transactions under faults; every value names its unit, channel and moment."""
    chance = random.Random(seed)
    clock = ManualClock()
    profiles = {
        1: modbus("eastron.sdm630"), 2: modbus("tuf-2000m"), 3: modbus(LONELY), 4: modbus(APART),
    }  # fmt: skip
    low = {"frequency_hz": 46.0, "signal_quality_pct": 61.0}
    low |= {name: 0.1 for name in profiles[1].channels if name.startswith("power_factor")}

    def truth(unit: int, name: str, seconds: float) -> float:
        # rises with time, differs between all channels and units
        place = list(profiles[unit].channels).index(name)
        rise = seconds / 1000
        if name in low:
            return low[name] + rise / 10
        return unit * 200 + place * 10 + rise

    start = clock.monotonic_ns()

    def values(unit: int) -> Callable[[], Mapping[str, float]]:
        def now() -> Mapping[str, float]:
            seconds = (clock.monotonic_ns() - start) / SECOND_NS
            return {name: truth(unit, name, seconds) for name in profiles[unit].channels}

        return now

    def faults(_: int) -> list[Fault]:
        if chance.random() > 0.3:
            return []
        kind = chance.choice(KINDS)
        return [Fault(kind, seconds=chance.choice((0.5, 1.05, 1.5, 2.5, 3.5, 6.0, 15.0)))]

    units = {unit: SimulatedUnit(profile, values(unit)) for unit, profile in profiles.items()}
    link = loop_link(clock, units, faults, seed=seed)
    bus = Bus(link, clock, timeout_s=1.0, late_guard_s=chance.choice((0.0, 0.3, 2.0)))
    readers = {unit: ModbusReader(f"m{unit}", profile, unit, clock) for unit, profile in profiles.items()}
    given = wrong = flagged = 0
    for _ in range(150):
        unit = chance.choice(list(readers))
        began = (clock.monotonic_ns() - start) / SECOND_NS
        sample = readers[unit].read(bus)
        ended = (clock.monotonic_ns() - start) / SECOND_NS
        flagged += len(sample.flags)
        for name, value in good(readers[unit], sample).items():
            given += 1
            slack = max(1e-3, 1e-6 * abs(value)) if name != "signal_quality_pct" else 1.0
            if not truth(unit, name, began) - slack <= value <= truth(unit, name, ended) + slack:
                wrong += 1
        clock.advance(chance.choice((0.0, 0.1, 1.0)))
    assert wrong == 0
    assert given > 200
    assert flagged > 20
    assert {request[1] for request in link.requests} <= {1, 2, 3, 4}  # nothing but reading was sent


def test_an_answer_that_only_clears_the_line_is_never_a_value(loop_link: Any) -> None:
    # the first of two equal requests may get the older answer: when the second fails, nothing is known
    bench = Bench(loop_link, modbus(LONELY))
    bench.next = [Fault("late", seconds=3.5)]
    bench.read()
    bench.values["flow_m3h"] = 777.0
    bench.next = [Fault("dead"), Fault("dead")]
    sample = bench.read()
    assert not good(bench.reader, sample)
    assert reasons(sample) <= {Reason.NO_ANSWER, Reason.LATE_ANSWER}


def test_a_late_refusal_does_not_cost_a_register_for_good(loop_link: Any) -> None:
    # while an older answer may still come, a refusal may be the older request's: nothing is given up for it
    bench = Bench(loop_link, modbus(APART))
    whole = bench.unit.answer_pdu
    bench.next = [Fault("dead")]
    bench.read()
    refusal = bytes((0x84, 2))
    bench.unit.answer_pdu = (  # type: ignore[method-assign]
        lambda pdu, effects=(): refusal if pdu[1:3] == b"\0\0" else whole(pdu, effects)
    )
    bench.read()
    bench.unit.answer_pdu = whole  # type: ignore[method-assign]
    assert not bench.reader.refused_channels
    bench.clock.advance(60)
    assert good(bench.reader, bench.read()) == pytest.approx(bench.values)


def test_the_makers_sign_for_no_value_is_none_even_inside_the_range(loop_link: Any) -> None:
    text = APART.replace(
        "flow_m3h:   {table: input, address: 0, type: f32, range: [0, 1000000]}",
        "flow_m3h:   {table: input, address: 0, type: u16, sentinel: [9999], range: [0, 1000000]}",
    ).replace(
        '"01 04 00 00 00 02 71 CB", answer: "01 04 04 41 A3 08 31 D9 8E"',
        '"01 04 00 00 00 01 31 CA", answer: "01 04 02 00 14 B9 3F"',
    )
    bench = Bench(loop_link, modbus(text.replace("flow_m3h: 20.379", "flow_m3h: 20")))
    bench.values["flow_m3h"] = 9999.0
    sample = bench.read()
    assert [(f.channel, f.reason) for f in sample.flags] == [("flow_m3h", Reason.SENTINEL)]
    bench.values["flow_m3h"] = 9998.0
    assert not bench.read().flags
