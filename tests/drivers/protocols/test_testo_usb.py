"""A testo 350 on USB: states never become readings, ident and unit both count, and noise changes nothing."""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import ManualClock
from dodac.contracts import EventKind
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.samples import Reason
from drivers.bus import Bus
from drivers.catalogue import load_profile, parse_profile
from drivers.golden import check
from drivers.links import LinkDown
from drivers.links.usb import UsbLink
from drivers.noting_connection import NotingConnection
from drivers.profile import UsbViewProfile
from drivers.protocols.testo_usb import UsbViewReader, has_serial
from drivers.protocols.testo_usb_frame import (
    VIEW,
    ask_ident,
    ask_serial,
    find_frame,
    frame,
    query,
    status_of,
    view_of,
)
from drivers.simulator.testo_usb import Line, SimulatedTesto350

OWN = """
id: my.testo-350
maker: testo
models: [testo 350]
kind: flue_gas
evidence: {map: ["the display of our own analyser"]}
protocol: testo_usb
channels:
  o2_pct: {ident: 0x901, unit_word: 0x82, unit: vol%}
  co_ppm: {ident: 0x902, unit_word: 0x83, unit: ppm}
  draught_pa: {ident: 0x301, units: {0x17: mbar, 0x89: Pa}, connector: 2}
  t_air_c: {}
tests:
  - status: "00 00 00 00 00 00 00 00 02 00 00 00 00 00"
    view: "01 00 00 01 01 01 09 00 00 00 00 C8 40 82 00 FE 00 00 80 3F"
    expect: {o2_pct: 6.25}
"""
GAS = [
    Line(0x901, 6.25),
    Line(0x902, 87.0, unit_word=0x83),
    Line(0x301, -0.125, unit_word=0x17, connector=2),
    Line(0x777, 42.5, unit_word=0x99),
]


class Kit:
    """A simulated analyser on a plug, and the connection that reads it, in virtual time."""

    def __init__(
        self, inbox: Any, lines: Sequence[Line] = GAS, profile: UsbViewProfile | None = None
    ) -> None:
        self.clock = ManualClock()
        self.device = SimulatedTesto350(lines)
        self.plugged = True
        if profile is None:
            loaded = parse_profile(OWN, Path("my.testo-350.yaml"))
            assert isinstance(loaded, UsbViewProfile)
            profile = loaded
        # nothing comes later than at once: reading in vain lets the time pass
        link = UsbLink("USB", lambda: [lambda: Waiting(self.device, self.clock)] if self.plugged else [])
        self.reader = UsbViewReader("stack", profile)
        bus = Bus(link, self.clock, timeout_s=0.5, late_guard_s=0.2)
        self.line = NotingConnection("usb1", bus, [(self.reader, Measurement.FLUE_GAS)], self.clock)
        self.line._inbox = inbox
        self.inbox = inbox

    def tick(self) -> None:
        self.line._keep_open()
        self.line._serve(self.line._stations["stack"])
        self.clock.advance(10)

    def values(self) -> dict[str, float]:
        sample = self.inbox.taken[-1]
        return {n: v for n, v in zip(self.reader.layout.channels, sample.values, strict=True) if v == v}

    def reasons(self) -> dict[str, Reason]:
        return {flag.channel: flag.reason for flag in self.inbox.taken[-1].flags}

    def texts(self, kind: EventKind) -> list[str]:
        return [event.text for event in self.inbox.events if event.kind == kind]


class Waiting:
    """A plug on which waiting in vain takes virtual time."""

    def __init__(self, device: SimulatedTesto350, clock: ManualClock) -> None:
        self._device = device
        self._clock = clock

    def write(self, data: bytes, timeout_ms: int) -> None:
        self._device.write(data, timeout_ms)

    def read(self, size: int, timeout_ms: int) -> bytes:
        data = self._device.read(size, timeout_ms)
        if not data:
            self._clock.advance(timeout_ms / 1000)
        return data

    def close(self) -> None:
        self._device.close()


def test_the_frames_are_those_that_were_captured() -> None:
    assert ask_serial().hex(" ") == "22 01 00 00 00 40"
    assert ask_ident().hex(" ") == "22 01 00 00 00 42"
    asked = query(bytes.fromhex("5e 01"), bytes.fromhex("2c cc aa 03"), VIEW)
    assert asked.hex(" ") == "22 0a 00 00 00 4f 5e 01 2c cc aa 03 1b 25 00"


@pytest.mark.parametrize("command", [0x1C, 0x21, 0x9D, 0xA5])
def test_no_other_command_can_be_built(command: int) -> None:
    with pytest.raises(ValueError, match="may be sent"):
        query(b"\x5e\x01", b"\0\0\0\0", command)


def test_no_other_answer_can_be_taken_for_a_list_of_values() -> None:
    for size in (2, 6, 8, 14):
        assert find_frame(frame(bytes(size)), None) is None
    assert find_frame(frame(bytes(14)) + frame(bytes(20)), None) == (19, 44)


def test_mapped_lines_become_readings_in_canonical_units(inbox: Any) -> None:
    kit = Kit(inbox)
    kit.tick()
    assert kit.values() == {"o2_pct": 6.25, "co_ppm": 87.0, "draught_pa": -12.5}
    assert kit.reasons() == {}


def test_an_unmapped_ident_is_told_once_with_all_that_a_profile_needs(inbox: Any) -> None:
    kit = Kit(inbox)
    for _ in range(3):
        kit.tick()
    told = [text for text in kit.texts(EventKind.NOTE) if "not mapped" in text]
    assert told == ["not mapped: line 4, ident 0x00000777, unit_word 0x0099, connector 1, value 42.5"]


@pytest.mark.parametrize("state", [0, 1, 3, 4, 5, 6, 7, 8, 12, 200])
def test_no_state_but_measuring_gives_readings(inbox: Any, state: int) -> None:
    kit = Kit(inbox)
    kit.device.states = [state]
    kit.tick()
    kit.tick()
    assert kit.values() == {}
    assert set(kit.reasons().values()) == {Reason.DEVICE_STATUS}
    assert len([text for text in kit.texts(EventKind.NOTE) if "no readings" in text]) == 1


@pytest.mark.parametrize("states", [[2, 3], [3, 2], [7, 2], [2, 4, 2]])
def test_a_state_that_flips_in_the_middle_of_a_read_gives_no_readings(inbox: Any, states: list[int]) -> None:
    kit = Kit(inbox)
    kit.device.states = list(states)
    kit.tick()
    assert set(kit.reasons().values()) == {Reason.DEVICE_STATUS}


def test_an_error_code_is_no_tiny_number(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x901, error=0x84), Line(0x902, 87.0, unit_word=0x83)])
    kit.tick()
    assert kit.reasons() == {"o2_pct": Reason.SENTINEL}
    assert kit.values() == {"co_ppm": 87.0}


def test_another_unit_set_on_the_analyser_is_seen(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x901, 6.25), Line(0x902, 109.0, unit_word=0x8B)])
    kit.tick()
    assert kit.reasons() == {"co_ppm": Reason.DECODE}


def test_a_diluted_reading_and_two_different_lines_for_one_channel_are_flagged(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x901, 6.25, dilution=1.5)])
    kit.tick()
    assert kit.reasons() == {"o2_pct": Reason.DECODE}
    kit.device.lines = [Line(0x901, 6.25), Line(0x901, 6.25)]
    kit.tick()
    assert kit.values() == {"o2_pct": 6.25}
    kit.device.lines = [Line(0x901, 6.25), Line(0x901, 7.25)]
    kit.tick()
    assert kit.reasons() == {"o2_pct": Reason.DECODE}


@pytest.mark.parametrize("fault", ["silent", "truncated", "noise", "refused", "count"])
def test_a_fault_gives_flags_once_and_readings_come_back(inbox: Any, fault: str) -> None:
    kit = Kit(inbox)
    kit.tick()
    kit.device.fault = fault
    kit.reader._opened = -1  # the handshake is part of it
    for _ in range(3):
        kit.tick()
    assert kit.values() == {}
    assert len(inbox.taken) == 2
    assert len(kit.texts(EventKind.FAULT_START)) == 1
    kit.device.fault = ""
    for _ in range(3):
        kit.tick()
    assert kit.values()["o2_pct"] == 6.25
    assert len(kit.texts(EventKind.GAP)) == 1


def test_a_pulled_plug_is_told_and_shaken_hands_with_again(inbox: Any) -> None:
    kit = Kit(inbox)
    kit.tick()
    kit.device.fault, kit.plugged = "unplugged", False
    for _ in range(3):
        kit.tick()
    assert kit.line.status().state == "down"
    kit.device.fault, kit.plugged = "", True
    kit.device.bodies.clear()
    kit.clock.advance(60)
    kit.tick()
    assert kit.device.bodies[:2] == [b"\x40", b"\x42"]
    assert kit.values()["o2_pct"] == 6.25


def test_only_handshakes_and_queries_are_ever_sent(inbox: Any) -> None:
    kit = Kit(inbox)
    for states, fault in (([2], ""), ([3], ""), ([2], "noise"), ([2], "silent"), ([2], "")):
        kit.device.states, kit.device.fault = states, fault
        kit.tick()
    assert {body[7:9] for body in kit.device.bodies if len(body) > 1} == {
        b"\x1d\x25",
        b"\x1a\x25",
        b"\x1b\x25",
    }
    assert {body for body in kit.device.bodies if len(body) == 1} == {b"\x40", b"\x42"}


def test_a_template_gives_no_readings_and_tells_every_line(inbox: Any) -> None:
    unmapped = re.sub(r"\{ident: [^\n]*\}\n", "{}\n", OWN).replace(
        "expect: {o2_pct: 6.25}",
        "flags: {o2_pct: decode, co_ppm: decode, draught_pa: decode, t_air_c: decode}",
    )
    template = parse_profile(unmapped, Path("my.testo-350.yaml"))
    assert isinstance(template, UsbViewProfile)
    assert not template.mapped
    kit = Kit(inbox, profile=template)
    kit.tick()
    assert set(kit.reasons().values()) == {Reason.DECODE}
    assert len(kit.reader.unmapped) == 4
    assert any("write a profile of your own" in text for text in kit.texts(EventKind.NOTE))


def test_what_the_display_shows_in_another_unit_as_well_is_no_conflict(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x902, 109.0, unit_word=0x8B), Line(0x902, 87.0, unit_word=0x83)])
    kit.tick()
    assert kit.values() == {"co_ppm": 87.0}
    kit.device.lines = [Line(0x301, -12.5, unit_word=0x89, connector=2)]
    kit.tick()
    assert kit.values() == {"draught_pa": -12.5}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0x80, Reason.SENTINEL),
        (0x81, Reason.OUT_OF_RANGE),
        (0x82, Reason.OUT_OF_RANGE),
        (0x83, Reason.OUT_OF_RANGE),
        (0x84, Reason.SENTINEL),
        (0x85, Reason.SENTINEL),
        (0x8A, Reason.DEVICE_STATUS),
        (0x77, Reason.SENTINEL),
    ],
)
def test_a_sensor_that_wakes_up_or_is_beyond_its_range_says_so(inbox: Any, code: int, reason: Reason) -> None:
    kit = Kit(inbox, [Line(0x901, error=code)])
    kit.tick()
    assert (kit.values(), kit.reasons()) == ({}, {"o2_pct": reason})


def test_of_one_ident_on_two_sockets_the_wanted_one_is_taken(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x301, -0.5, unit_word=0x17), Line(0x301, -0.125, unit_word=0x17, connector=2)])
    kit.tick()
    assert kit.values() == {"draught_pa": -12.5}


@pytest.mark.parametrize("fault", ["silent", "count"])
def test_after_a_fault_hands_are_shaken_again(inbox: Any, fault: str) -> None:
    kit = Kit(inbox)
    kit.tick()
    kit.device.fault = fault
    kit.tick()
    kit.device.fault = ""
    kit.device.bodies.clear()
    for _ in range(3):
        kit.tick()
    assert kit.device.bodies[:2] == [b"\x40", b"\x42"]
    assert kit.values()["o2_pct"] == 6.25


def test_a_line_of_a_known_name_is_told_with_it(inbox: Any) -> None:
    kit = Kit(inbox, [Line(0x904, 123.0, unit_word=0x83)])
    kit.tick()
    (told,) = [text for text in kit.texts(EventKind.NOTE) if "not mapped" in text]
    assert "ident 0x00000904 (undiluted CO), unit_word 0x0083" in told


def test_the_profile_takes_idents_and_units_that_a_350_was_seen_to_send(inbox: Any) -> None:
    profile = load_profile("testo.350-usb")
    assert isinstance(profile, UsbViewProfile)
    kit = Kit(inbox, [Line(0x901, 6.25), Line(0x20930, 84.0, unit_word=0x8B)], profile)
    kit.tick()
    assert kit.values() == {"o2_pct": 6.25}
    assert kit.reasons() == {}
    kit.device.lines = [Line(0x901, 6.25, unit_word=0x8B), Line(0x902, 87.0, unit_word=0xA7)]
    kit.tick()
    assert kit.reasons() == {"o2_pct": Reason.DECODE, "co_ppm": Reason.DECODE}


def test_of_several_analysers_the_one_with_the_serial_number_is_taken() -> None:
    clock = ManualClock()
    first, second = SimulatedTesto350(GAS, serial_number=1), SimulatedTesto350(GAS, serial_number=61500002)
    plugs = [lambda: Waiting(first, clock), lambda: Waiting(second, clock)]
    link = UsbLink("USB", lambda: plugs, lambda link: has_serial(link, "61500002", clock))
    link.open()
    assert second.closed == 0
    assert first.closed == 1
    with pytest.raises(LinkDown, match="another serial number"):
        UsbLink("USB", lambda: plugs, lambda link: has_serial(link, "7", clock)).open()
    with pytest.raises(LinkDown, match="write serial_number"):
        UsbLink("USB", lambda: plugs).open()


def test_a_plug_without_permission_says_where_that_is_set() -> None:
    def denied() -> Waiting:
        raise PermissionError(13, "Access denied (insufficient permissions)")

    with pytest.raises(LinkDown, match="no permission for it"):
        UsbLink("USB", lambda: [denied]).open()


def test_an_ident_without_its_unit_is_refused_in_a_profile() -> None:
    text = OWN.replace("ident: 0x901, unit_word: 0x82", "ident: 0x901")
    with pytest.raises(ConfigError, match="unit_word"):
        parse_profile(text, Path("my.testo-350.yaml"))


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("{0x17: bar, 0x89: vol%}", "vol%"),
        ("{0x17: mbar}, unit: Pa", "leave"),
        ("{0x17: furlong}", "furlong"),
    ],
)
def test_a_mistake_in_units_of_a_record_is_told(units: str, words: str) -> None:
    text = OWN.replace("{0x17: mbar, 0x89: Pa}", units)
    with pytest.raises(ConfigError, match=words):
        parse_profile(text, Path("my.testo-350.yaml"))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.binary(max_size=120))
def test_no_bytes_break_the_decoders(data: bytes) -> None:
    for decode in (status_of, view_of):
        with contextlib.suppress(ValueError):
            decode(data)
    place = find_frame(data, None)
    assert place is None or 0 <= place[0] < place[1] <= len(data)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.binary(max_size=80), st.binary(max_size=20))
def test_a_frame_is_found_behind_noise_and_never_half(body: bytes, noise: bytes) -> None:
    whole = frame(body)
    clean = bytes(byte for byte in noise if byte != 0x22)
    assert find_frame(clean + whole, len(body)) == (len(clean), len(clean) + len(whole))
    assert find_frame(whole[:-1], len(body)) is None


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.floats(width=32), st.integers(0, 2**32 - 1))
def test_a_record_is_a_value_or_an_error_and_never_a_denormal(value: float, ident: int) -> None:
    packed = Line(ident, value).packed()
    (record,) = view_of(struct.pack("<HBB", 1, 0, 1) + packed)
    assert (record.value is None) != (record.error is None)
    assert record.value is None or record.value == 0 or abs(record.value) >= 2**-126
    assert record.ident == ident


def test_the_profile_of_the_how_to_page_reads_what_it_says() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "testo-350-usb.md"
    text = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    profile = parse_profile(text, Path("my.testo-350.yaml"))
    assert isinstance(profile, UsbViewProfile)
    assert profile.mapped
    assert check(profile) == []


class Garbling(Waiting):
    """A plug whose transfers come with pieces changed, cut or put in."""

    def __init__(
        self, device: SimulatedTesto350, clock: ManualClock, harm: list[tuple[int, int, bytes]]
    ) -> None:
        super().__init__(device, clock)
        self._harm = {number: (place, put) for number, place, put in harm}
        self._number = 0

    def read(self, size: int, timeout_ms: int) -> bytes:
        data = super().read(size, timeout_ms)
        if data:
            self._number += 1
            if self._number in self._harm:
                place, put = self._harm[self._number]
                data = data[:place] + put + data[place + 1 :]
        return data


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(1, 14), st.integers(0, 40), st.binary(max_size=3)), max_size=5))
def test_garbled_transfers_end_in_a_sample_and_never_hang(harm: list[tuple[int, int, bytes]]) -> None:
    clock = ManualClock()
    device = SimulatedTesto350(GAS)
    profile = parse_profile(OWN, Path("my.testo-350.yaml"))
    assert isinstance(profile, UsbViewProfile)
    link = UsbLink("USB", lambda: [lambda: Garbling(device, clock, harm)])
    link.open()
    reader = UsbViewReader("stack", profile)
    sample = reader.read(Bus(link, clock, timeout_s=0.5, late_guard_s=0.2))
    assert clock.monotonic_ns() < 60 * 10**9
    assert sample.flags or sample.present
