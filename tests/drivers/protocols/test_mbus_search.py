"""Finding every meter on a line where several answer at once."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import SECOND_NS, ManualClock, SystemClock
from drivers.bus import Bus
from drivers.links.serial import SerialLink
from drivers.protocols.mbus_frame import long_frame, parse_long
from drivers.protocols.mbus_search import FoundMeter, Progress, search
from drivers.simulator import SimulatedBus
from drivers.simulator.mbus import SimulatedMbusMeter, SimulatedMbusSegment, overlay

BYTE_S = 11 / 2400


def meter(
    digits: str,
    *,
    address: int = 0,
    maker: str = "8310",
    version: int = 1,
    medium: int = 4,
    bits: int | None = None,
) -> SimulatedMbusMeter:
    header = bytes.fromhex(digits)[::-1] + bytes.fromhex(maker) + bytes((version, medium, 5, 0, 0, 0))
    frame = long_frame(0x08, address, 0x72, header + bytes.fromhex("0C 06 13 82 04 00"))
    return SimulatedMbusMeter([frame], reaction_bits=bits)


class Wires:
    """A line in virtual time: what is written is answered by the meters, or spoilt."""

    name = "wires"

    def __init__(self, meters: Sequence[SimulatedMbusMeter], *, echo: bool = False) -> None:
        self.clock = ManualClock()
        self.segment = SimulatedMbusSegment(meters) if meters else None
        self.echo = echo
        self.written: list[bytes] = []
        self._coming = b""

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.written.append(data)
        answer = self.segment.answer(data) if self.segment is not None else None
        self._coming += (data if self.echo else b"") + (answer or b"")

    def read(self, timeout_s: float) -> bytes:
        data, self._coming = self._coming, b""
        self.clock.advance(0.01 if data else timeout_s)
        return data


def found(wires: Wires, **words: object) -> list[FoundMeter]:
    return search(Bus(wires, wires.clock, byte_s=BYTE_S), **words)  # type: ignore[arg-type]


def test_meters_that_answer_at_once_are_all_found() -> None:
    wires = Wires([meter("12345678"), meter("12345679"), meter("12999999"), meter("87654321", medium=7)])
    meters = found(wires, primary=())
    assert {m.secondary for m in meters} == {
        "1234567810830104", "1234567910830104", "1299999910830104", "8765432110830107",
    }  # fmt: skip
    assert not any(m.problem for m in meters)
    assert all(m.address == m.secondary for m in meters)


def test_meters_with_the_same_digits_are_told_apart_by_medium_version_and_manufacturer() -> None:
    alike = [
        meter("12345678"),
        meter("12345678", medium=7),
        meter("12345678", version=2),
        meter("12345678", maker="2423"),
        meter("12345678", maker="0223"),
    ]
    meters = found(Wires(alike), primary=())
    assert {m.secondary for m in meters} == {
        "1234567810830104", "1234567810830107", "1234567810830204", "1234567823240104", "1234567823020104",
    }  # fmt: skip
    assert not any(m.problem for m in meters)


def test_two_meters_with_one_address_are_told_as_such_and_not_as_one() -> None:
    twins = [meter("12345678", bits=20), meter("12345678", bits=90), meter("11111111")]
    meters = found(Wires(twins), primary=())
    assert [m.secondary for m in meters if not m.problem] == ["1111111110830104"]
    (bad,) = [m for m in meters if m.problem]
    assert bad.secondary == "1234567810830104"
    assert "same secondary address" in bad.problem
    assert bad.address is None


def test_a_meter_found_by_both_addresses_is_one() -> None:
    wires = Wires([meter("12345678", address=3), meter("12345679", address=7)], echo=True)
    meters = found(wires, primary=range(10))
    assert [(m.primary, m.secondary) for m in meters] == [(3, "1234567810830104"), (7, "1234567910830104")]
    assert [m.address for m in meters] == [3, 7]
    assert meters[0].header is not None
    assert meters[0].header.manufacturer == "DDC"


def test_several_meters_at_one_primary_address_are_found_by_their_digits() -> None:
    meters = found(Wires([meter("12345678"), meter("99345679")]), primary=[0])
    assert [(m.primary, m.address) for m in meters] == [
        (0, None), (None, "1234567810830104"), (None, "9934567910830104"),
    ]  # fmt: skip
    assert "several meters" in meters[0].problem


def test_a_second_meter_that_answers_after_the_first_has_ended_is_not_overheard() -> None:
    """Both acknowledge at once (heard as one), one frame is over 100 ms before the other begins."""

    class OneAfterAnother(Wires):
        def write(self, data: bytes) -> None:
            self.written.append(data)
            assert self.segment is not None
            answers = [answer for m in self.segment.meters if (answer := m.answer(data)) is not None]
            self.later = list(dict.fromkeys(answers))

        def read(self, timeout_s: float) -> bytes:
            if self.later and timeout_s >= 0.1:
                self.clock.advance(0.1)
                return self.later.pop(0)
            self.clock.advance(timeout_s)
            return b""

        later: list[bytes] = []  # noqa: RUF012  (a test's own)

    meters = found(OneAfterAnother([meter("12345678"), meter("12345679")]), primary=())
    assert [m.secondary for m in meters] == ["1234567810830104", "1234567910830104"]


def test_digits_that_are_not_decimal_are_found_too() -> None:
    assert {m.secondary for m in found(Wires([meter("1234A678"), meter("1234B678")]), primary=())} == {
        "1234A67810830104", "1234B67810830104",
    }  # fmt: skip


def test_a_search_sends_only_what_reads_and_leaves_no_meter_selected() -> None:
    wires = Wires([meter("12345678"), meter("12345679")])
    told: list[Progress] = []
    found(wires, primary=range(3), progress=told.append)
    for request in wires.written:
        short = request[0] == 0x10 and request[1] in (0x40, 0x7B)
        assert short or (parse_long(request).control, parse_long(request).ci) == (0x53, 0x52)
    assert wires.written[-1] == bytes.fromhex("10 40 FD 3D 16")
    assert len(told) == len(wires.written)
    assert (told[0].where, len(told[-1].found)) == ("address 0", 3)


def test_one_lost_acknowledgement_does_not_hide_all_meters() -> None:
    class LosesTheFirst(Wires):
        def write(self, data: bytes) -> None:
            first = data[0] == 0x68 and not any(one[0] == 0x68 for one in self.written)
            super().write(data)
            if first:
                self._coming = b""

    wires = LosesTheFirst([meter("12345678", address=3), meter("87654321")])
    assert {m.address for m in found(wires, primary=[3])} == {3, "8765432110830104"}


def test_an_empty_line_is_empty_after_one_selection() -> None:
    wires = Wires([])
    assert found(wires, primary=range(251)) == []
    assert len(wires.written) == 253
    assert wires.clock.monotonic_ns() < 90 * SECOND_NS


def test_noise_on_every_request_is_a_problem_and_no_meter() -> None:
    class Noise(Wires):
        def write(self, data: bytes) -> None:
            self.written.append(data)
            self._coming += b"\x00\xff\x13"

    wires = Noise([])
    meters = found(wires, primary=[1])
    assert [(m.primary, m.address) for m in meters] == [(1, None), (None, None)]
    assert "noise" in meters[1].problem
    assert len(wires.written) < 1000


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 99_999_999), min_size=1, max_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_whatever_the_digits_no_meter_is_missed(numbers: list[int], chance: random.Random) -> None:
    meters = [meter(f"{n:08d}", bits=chance.randint(11, 330)) for n in numbers]
    got = found(Wires(meters), primary=())
    assert sorted(m.secondary or "" for m in got) == sorted(f"{n:08d}10830104" for n in numbers)
    assert not any(m.problem for m in got)


def test_a_real_line_is_searched_at_its_own_speed() -> None:
    segment = SimulatedMbusSegment([meter("12345678", address=1), meter("92345678", address=2)])
    with SimulatedBus({1: segment}, baud=38400, bits=11, latency_s=0.002) as line:
        link = SerialLink(line.path, 38400, "8E1")
        link.open()
        bus = Bus(link, SystemClock(), quiet_s=0.02, byte_s=11 / 38400)
        meters = search(bus, primary=range(1, 3), patience_s=0.03)
        link.close()
    assert [m.address for m in meters] == [1, 2]


def test_equal_bytes_at_the_same_time_are_heard_as_one_and_others_as_garbage() -> None:
    assert overlay([(11, b"\xe5"), (11, b"\xe5")]) == b"\xe5"
    assert overlay([(11, b"\xe5"), (40, b"\xe5")]) == b"\xe5\xe5"
    assert overlay([(11, b"\x0f"), (11, b"\xf1")]) == b"\x01"
    assert overlay([(11, b"\xe5"), (14, b"\xe5")]) not in (b"\xe5", b"\xe5\xe5")


@pytest.mark.parametrize("problem", ["", "twins"])
def test_an_address_to_write_down_leads_to_one_meter_only(problem: str) -> None:
    assert (FoundMeter(5, None, None, problem).address is None) == bool(problem)
