"""M-Bus meters on a serial line: addressing, several telegrams, faults, one sample a read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import ManualClock, SystemClock
from dodac.errors import ConfigError
from dodac.samples import Flag, Reason
from dodac.site import InstrumentConfig, load_site
from drivers import read_once
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.golden import check
from drivers.links.serial import SerialLink
from drivers.profile import MbusProfile, MbusTest
from drivers.protocols.mbus import MbusReader
from drivers.protocols.mbus_frame import long_frame
from drivers.simulator import SimulatedBus
from drivers.simulator.mbus import SimulatedMbusMeter


def heat_profile() -> MbusProfile:
    profile = load_profile("generic.mbus-heat")
    assert isinstance(profile, MbusProfile)
    return profile


def telegram(records: str, *, address: int = 3, status: int = 0, digits: str = "12345678") -> bytes:
    header = bytes.fromhex(digits)[::-1] + bytes.fromhex("8310 01 04 05") + bytes((status, 0, 0))
    return long_frame(0x08, address, 0x72, header + bytes.fromhex(records))


HEAT = "0C 06 13 82 04 00 0C 13 78 56 34 12 02 5B 55 00"  # 48213 kWh, 12345.678 m3, 85 °C


@contextmanager
def on_a_line(
    telegrams: Sequence[bytes],
    address: int | str = 3,
    profile: MbusProfile | None = None,
    meter: SimulatedMbusMeter | None = None,
) -> Iterator[tuple[MbusReader, Bus, SimulatedBus]]:
    units = {1: meter or SimulatedMbusMeter(telegrams)}
    with SimulatedBus(units, baud=38400, bits=11, latency_s=0.005) as line:
        link = SerialLink(line.path, 38400, "8E1")
        link.open()
        bus = Bus(link, SystemClock(), timeout_s=0.3, late_guard_s=0.1, byte_s=11 / 38400)
        profile = profile or heat_profile()
        quick = profile.link.model_copy(
            update={"response_ms": profile.link.response_ms.model_copy(update={"max": 200})}
        )
        reader = MbusReader(
            InstrumentConfig(id="heat", address=address),
            profile.model_copy(update={"link": quick}),
            SystemClock(),
        )
        yield reader, bus, line
        link.close()


def good(reader: MbusReader, bus: Bus) -> dict[str, float]:
    sample = reader.read(bus)
    return {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}


def test_a_meter_at_2400_8e1_is_read_by_the_site_files_words(tmp_path: Path) -> None:
    meter = SimulatedMbusMeter([telegram(HEAT, address=7)])
    with SimulatedBus({7: meter}, baud=2400, bits=11, latency_s=0.03) as line:
        (tmp_path / "site.toml").write_text(
            f"""
[site]
id = "p"
company = "c"
[connections.mbus]
kind = "serial"
port = "{line.path}"
baud = 2400
frame = "8E1"
[[instruments]]
id = "heat"
profile = "generic.mbus-heat"
connection = "mbus"
address = 7
"""
        )
        site = load_site(tmp_path)
        for _ in range(2):  # a pty refuses its parity on the second opening
            sample, layout = read_once(site, "heat", SystemClock())
            values = dict(zip(layout.channels, sample.values, strict=True))
            assert values["heat_kwh"] == 48213
            assert values["volume_m3"] == 12345.678
            assert values["t_flow_c"] == 85
            assert not sample.flags
            assert sample.span_ns > 0.1e9  # 32 bytes take 0.15 s
            assert sample.raw == telegram(HEAT, address=7)


def test_what_the_meter_does_not_send_is_absent_and_not_bad() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, _):
        sample = reader.read(bus)
        assert set(good(reader, bus)) == {"heat_kwh", "volume_m3", "t_flow_c"}
        assert sample.present.bit_count() == 3
        assert sample.raw is None


def test_several_telegrams_make_one_sample_and_the_next_read_starts_at_the_first() -> None:
    parts = [telegram("0C 06 13 82 04 00 1F"), telegram("0C 13 78 56 34 12 1F"), telegram("02 5B 55 00")]
    with on_a_line(parts) as (reader, bus, _):
        for _ in range(3):
            assert good(reader, bus) == {"heat_kwh": 48213, "volume_m3": 12345.678, "t_flow_c": 85}
            assert len(reader.telegrams) == 3


class StaysAtItsLast(SimulatedMbusMeter):
    """Sends its last telegram again and again; only a link reset takes it back to the first."""

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        if request[1] & 0xDF == 0x5B and self._place == len(self.telegrams) - 1:
            return self.telegrams[-1]
        return super().answer(request, effects)


def test_a_meter_that_stays_at_its_last_telegram_is_taken_back_to_the_first() -> None:
    meter = StaysAtItsLast([telegram("0C 06 13 82 04 00 1F"), telegram("0C 13 78 56 34 12")])
    with on_a_line([], meter=meter) as (reader, bus, _):
        for _ in range(3):
            assert good(reader, bus) == {"heat_kwh": 48213, "volume_m3": 12345.678}


@pytest.mark.parametrize("other", [
    "84 40 06 01 00 00 00",  # of a second meter behind the same address (subunit 1)
    "44 06 01 00 00 00",  # of the month before
    "84 10 06 01 00 00 00",  # of tariff 1
    "04 86 3B 01 00 00 00",  # forward only
    "04 86 22 01 00 00 00",  # per hour
    "14 06 01 00 00 00",  # a maximum
])  # fmt: skip
def test_another_register_of_the_meter_is_not_its_energy(other: str) -> None:
    with on_a_line([telegram(f"{other} 0C 13 78 56 34 12")]) as (reader, bus, _):
        assert good(reader, bus) == {"volume_m3": 12345.678}
    with on_a_line([telegram(f"{other} 0C 06 13 82 04 00")]) as (reader, bus, _):
        assert good(reader, bus) == {"heat_kwh": 48213}


class DamagedOnce(SimulatedMbusMeter):
    """Sends its second telegram damaged the first time it is asked for it."""

    spoilt = 0

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        whole = super().answer(request, effects)
        if whole == self.telegrams[1] and self.spoilt < 2:  # the line asks twice for one answer
            self.spoilt += 1
            return whole[:-3] + bytes((whole[-3] ^ 0x10,)) + whole[-2:]
        return whole


def test_a_damaged_telegram_is_asked_for_again_and_not_skipped() -> None:
    parts = [telegram("0C 06 13 82 04 00 1F"), telegram("0C 13 78 56 34 12")]
    meter = DamagedOnce(parts)
    with on_a_line(parts, meter=meter) as (reader, bus, _):
        assert good(reader, bus) == {"heat_kwh": 48213, "volume_m3": 12345.678}
        assert meter.spoilt == 2
        assert bus.counters["damaged"] == 1


def test_a_silent_meter_gives_one_flagged_sample_and_no_exception() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, line):
        line.fault(1, "dead")
        sample = reader.read(bus)
        assert {flag.reason for flag in sample.flags} == {Reason.NO_ANSWER}
        assert len(sample.flags) == len(reader.layout.channels)
        assert reader.fault_text
        assert not reader.probe(bus)
        line.clear(1)
        assert reader.probe(bus)
        assert good(reader, bus)["heat_kwh"] == 48213
        assert reader.fault_text == ""


def test_another_meters_answer_is_never_taken() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, line):
        assert good(reader, bus)
        line.fault(1, "wrong_unit", count=4)
        assert not good(reader, bus)


def test_a_late_answer_is_not_taken_for_an_acknowledgement() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, line):
        assert good(reader, bus)
        line.fault(1, "late", count=1, seconds=0.35)
        assert not good(reader, bus)
        assert good(reader, bus) == {"heat_kwh": 48213, "volume_m3": 12345.678, "t_flow_c": 85}


def test_a_meter_is_selected_by_its_digits_among_others() -> None:
    first, second = telegram(HEAT, address=0), telegram("0C 06 01 00 00 00", address=0, digits="87654321")
    units = {1: SimulatedMbusMeter([first]), 2: SimulatedMbusMeter([second])}
    with SimulatedBus(units, baud=38400, bits=11, latency_s=0.005) as line:
        link = SerialLink(line.path, 38400, "8E1")
        link.open()
        bus = Bus(link, SystemClock(), timeout_s=0.3, late_guard_s=0.1, byte_s=11 / 38400)
        for address, energy in (("12345678", 48213), ("87654321", 1), ("876FFFFF", 1)):
            reader = MbusReader(InstrumentConfig(id="m", address=address), heat_profile(), SystemClock())
            assert good(reader, bus)["heat_kwh"] == energy
            assert good(reader, bus)["heat_kwh"] == energy
        link.close()


class SilentOnce(SimulatedMbusMeter):
    """Does not hear the first request for its second telegram."""

    deaf = 1

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        if request[0] == 0x10 and request[1] == 0x5B and self.deaf:
            # the line asks a meter twice for each answer it sends, but once only for silence
            self.deaf -= 1
            return None
        return super().answer(request, effects)


def test_a_telegram_lost_on_the_way_is_asked_for_again_by_the_same_frame_count() -> None:
    """The answers of a meter with two telegrams would else be lost for a whole interval."""
    parts = [telegram("0C 06 13 82 04 00 1F"), telegram("0C 13 78 56 34 12")]
    meter = SilentOnce(parts)
    with on_a_line(parts, meter=meter) as (reader, bus, _):
        assert good(reader, bus) == {"heat_kwh": 48213, "volume_m3": 12345.678}
        assert bus.counters["timeouts"] == 1
        assert bus.counters["requests"] == 4


def test_a_dead_meter_costs_one_timeout() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, line):
        assert good(reader, bus)
        line.fault(1, "dead")
        reader.read(bus)
        reader.read(bus)
        assert bus.counters["timeouts"] == 2


class Stuck(SimulatedMbusMeter):
    """Says that more follows, and never goes on."""

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        self._frame_count = None if request[0] == 0x68 else bool(request[1] & 0x20)
        self._place = 0
        return super().answer(request, effects)


def test_a_meter_that_repeats_its_telegram_is_not_read_for_ever() -> None:
    parts = [telegram("0C 06 13 82 04 00 1F")]
    with on_a_line(parts, meter=Stuck(parts)) as (reader, bus, _):
        assert good(reader, bus) == {"heat_kwh": 48213}
        assert "same one again" in reader.fault_text
        assert bus.counters["requests"] == 3


def test_telegrams_of_two_meters_never_make_one_reading() -> None:
    """Two meters at one primary address answered in turn: the energy of one with the volume of the other."""
    parts = [telegram("0C 06 13 82 04 00 1F"), telegram("0C 13 78 56 34 12", digits="12345679")]
    with on_a_line(parts) as (reader, bus, _):
        assert not good(reader, bus)
        assert "12345678 and 12345679" in reader.fault_text


def test_a_busy_meter_is_told_as_busy_and_read_the_next_time() -> None:
    with on_a_line([telegram(HEAT)]) as (reader, bus, line):
        assert good(reader, bus)
        line.fault(1, "exception", count=2)
        sample = reader.read(bus)
        assert {flag.reason for flag in sample.flags} == {Reason.EXCEPTION}
        assert "application busy" in reader.fault_text
        line.clear(1)
        assert good(reader, bus)["heat_kwh"] == 48213


@pytest.mark.parametrize(("address", "right"), [
    ("12345678", True), ("1234FFFF", True), ("1234567810830104", True), ("12345678FFFF01FF", True),
    ("12345678FFFFFF04", True), ("1234567810830107", False), ("1234567810830204", False), ("1234567824230104", False),
])  # fmt: skip
def test_a_selection_is_held_to_manufacturer_version_and_medium(address: str, right: bool) -> None:
    """A meter that looks at the digits only answers to another one's full address."""

    class DigitsOnly(SimulatedMbusMeter):
        def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
            if request[0] == 0x68:
                request = long_frame(0x53, 0xFD, 0x52, request[7:11] + b"\xff" * 4)
            return super().answer(request, effects)

    parts = [telegram(HEAT)]
    with on_a_line(parts, address, meter=DigitsOnly(parts)) as (reader, bus, _):
        assert bool(good(reader, bus)) == right
        assert right or "was selected" in reader.fault_text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (long_frame(0x08, 3, 0x70, b"\x08"), Reason.EXCEPTION),
        (long_frame(0x08, 3, 0x71, b"\x01"), Reason.EXCEPTION),
        (telegram("04 13 01"), Reason.DECODE),
        (telegram("01 FD 17 00"), Reason.DECODE),
    ],
)
def test_an_answer_that_gives_no_reading_is_flagged_with_why(answer: bytes, reason: Reason) -> None:
    with on_a_line([answer]) as (reader, bus, _):
        sample = reader.read(bus)
        assert {flag.reason for flag in sample.flags} == {reason}
        assert sample.raw is not None


def test_another_model_at_the_address_is_not_read_with_the_wrong_profile() -> None:
    profile = load_profile("engelmann.sensostar-2")
    assert isinstance(profile, MbusProfile)
    with on_a_line([telegram(HEAT)], profile=profile) as (reader, bus, _):
        assert not good(reader, bus)
        assert "DDC" in reader.fault_text


def flags_of(records: str, status: int = 0) -> dict[str, Flag]:
    with on_a_line([telegram(records, status=status)]) as (reader, bus, _):
        return {flag.channel: flag for flag in reader.read(bus).flags}


def test_values_the_meter_holds_back_are_flagged_with_what_was_read() -> None:
    found = flags_of("3B 3B 99 99 99 0A 5B AA AA 0C 06 13 82 04 00 0C 13 78 56 34 F2 02 5F FF 7F")
    assert found["flow_m3h"] == Flag("flow_m3h", Reason.SENTINEL, 999.999)
    assert found["t_flow_c"] == Flag("t_flow_c", Reason.SENTINEL, None)
    assert found["volume_m3"].reason == Reason.OUT_OF_RANGE  # a negative total
    assert found["t_return_c"] == Flag("t_return_c", Reason.OUT_OF_RANGE, 32767.0)
    assert "heat_kwh" not in found


def test_a_present_value_is_taken_where_one_of_an_error_stands_before_it() -> None:
    with on_a_line([telegram("34 06 01 00 00 00 04 06 55 BC 00 00")]) as (reader, bus, _):
        sample = reader.read(bus)
    assert not sample.flags
    assert sample.values[reader.layout.index["heat_kwh"]] == 48213


def test_a_meter_with_a_permanent_error_gives_doubtful_readings_only() -> None:
    found = flags_of(HEAT, status=0x08)
    assert found["heat_kwh"] == Flag("heat_kwh", Reason.DEVICE_STATUS, 48213)
    assert not flags_of(HEAT, status=0x10)  # a temporary one is usual: no flow


def test_units_of_the_wire_become_canonical_ones() -> None:
    with on_a_line([telegram("0C FB 08 34 12 00 00 04 33 10 0E 00 00 02 46 01 00 0C FB 23 00 10 00 00")]) as (
        reader,
        bus,
        _,
    ):
        found = good(reader, bus)
        assert found["heat_kwh"] == pytest.approx(123.4e9 / 3.6e6, rel=1e-12)
        assert found["heat_power_w"] == pytest.approx(1000.0, rel=1e-12)
        assert found["flow_m3h"] == pytest.approx(6.0, rel=1e-12)
        assert found["volume_m3"] == pytest.approx(3.785411784, rel=1e-12)


class Babble:
    """A line on which anything comes, in virtual time."""

    name = "babble"

    def __init__(self, clock: ManualClock, chunks: list[bytes]) -> None:
        self.clock, self.chunks = clock, chunks

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        self.clock.advance(min(timeout_s, 0.02) if self.chunks else timeout_s)
        return self.chunks.pop(0) if self.chunks else b""


PIECES = st.sampled_from(
    [b"\xe5", telegram(HEAT), telegram(HEAT + "1F"), telegram("04 13"), telegram("")[:-2], b""]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=40),
    st.sampled_from([3, "12345678", "FFFFFFFF"]),
)
def test_whatever_a_meter_sends_is_one_sample_and_an_end(chunks: list[bytes], address: int | str) -> None:
    clock = ManualClock()
    bus = Bus(Babble(clock, chunks), clock, byte_s=11 / 2400)
    reader = MbusReader(InstrumentConfig(id="m", address=address), heat_profile(), clock)
    for _ in range(3):
        sample = reader.read(bus)
        assert sample.flags or any(value == value for value in sample.values)
    assert clock.monotonic_ns() < 300e9


@pytest.mark.parametrize("address", [None, 251, -1, 300, "1234567", "123456789", "1234567G"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address: int | str | None) -> None:
    with pytest.raises(ConfigError):
        MbusReader(InstrumentConfig(id="m", address=address), heat_profile(), SystemClock())


def test_a_profiles_wrong_expectation_is_found() -> None:
    profile = heat_profile()
    test = MbusTest(telegrams=(telegram(HEAT).hex(),), expect={"heat_kwh": 1})
    assert check(profile.model_copy(update={"tests": (test,)}))
