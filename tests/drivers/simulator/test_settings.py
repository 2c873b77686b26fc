"""Wrong speed and parity on the simulated line: what scan and probe are really tested against."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_profile
from drivers.links.serial import SerialLink
from drivers.profile import ModbusProfile
from drivers.protocols import modbus
from drivers.simulator import SimulatedBus, SimulatedUnit
from drivers.simulator.line import PortKind
from drivers.simulator.wire import Setting, heard

# pyserial's RFC 2217 port, as released
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")

FRAMES = ["8N1", "8E1", "8O1", "8N2"]
REQUEST = modbus.rtu(3, modbus.read_pdu(4, 0, 2))


def unit() -> SimulatedUnit:
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    return SimulatedUnit(profile, lambda: {"voltage_l1_v": 230.5})


def came(link: SerialLink, seconds: float = 0.1, least: int = 9) -> bytes:
    data, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and len(data) < least:
        data += link.read(0.02)
    return data


def answer(path: str, baud: int, frame: str) -> bytes:
    link = SerialLink(path, baud, frame)
    link.open()
    link.write(REQUEST)
    data = came(link)
    link.close()
    return data


@pytest.mark.parametrize(("port", "frame"), [*(("pty", frame) for frame in FRAMES), ("rfc2217", "8E1")])
def test_a_meter_answers_only_at_its_own_parity(port: PortKind, frame: str) -> None:
    with SimulatedBus({3: unit()}, 19200, frame=frame, port=port, latency_s=0.001) as line:
        for asked in FRAMES if port == "pty" else FRAMES[:2]:
            understood = asked == frame or {asked, frame} == {"8N1", "8N2"}
            assert len(answer(line.path, 19200, asked)) == 9 * understood, (frame, asked)


def test_a_meter_is_silent_at_another_speed() -> None:
    with SimulatedBus({3: unit()}, 9600) as line:
        assert answer(line.path, 19200, "8N1") == b""
        assert answer(line.path, 4800, "8N1") == b""
        assert len(answer(line.path, 9600, "8E1")) == 9  # without a frame of its own the line takes any


def test_a_line_of_seven_bits_is_understood_over_a_pty_too() -> None:
    from drivers.protocols.modbus_serial import ascii_frame
    from drivers.simulator import SimulatedAsciiUnit

    served = SimulatedAsciiUnit(unit().profile, lambda: {"voltage_l1_v": 230.5})
    with SimulatedBus({3: served}, 19200, frame="7E1", latency_s=0.001) as line:
        for frame, understood in (("7E1", True), ("7O1", False)):
            link = SerialLink(line.path, 19200, frame)
            link.open()
            link.write(ascii_frame(3, modbus.read_pdu(4, 0, 2)))
            assert came(link, 0.2, 19).startswith(b":0304") == understood
            link.close()


def test_an_answer_that_meets_another_speed_is_heard_as_other_bytes() -> None:
    """The client gave up, changed speed, and then the slow meter answered."""
    with SimulatedBus({3: unit()}, 9600, latency_s=0.15) as line:
        link = SerialLink(line.path, 9600)
        link.open()
        link.write(REQUEST)
        time.sleep(0.05)
        link.change_speed(19200)
        data = came(link, 0.5, 30)
        link.close()
    assert data
    assert not modbus.find_rtu(data, 3, 4, 4)


def test_a_meter_of_its_own_speed_shares_the_line() -> None:
    with SimulatedBus({3: unit(), 4: unit()}, 9600, own={4: (19200, "8E1")}, port="rfc2217") as line:
        assert len(answer(line.path, 9600, "8N1")) == 9
        link = SerialLink(line.path, 19200, "8E1")
        link.open()
        for address, length in ((4, 9), (3, 0)):
            link.write(modbus.rtu(address, modbus.read_pdu(4, 0, 2)))
            assert len(came(link)) == length
        link.close()


def test_an_adapter_that_hears_itself_gives_the_request_back() -> None:
    with SimulatedBus({3: unit()}, 19200, echo=True) as line:
        link = SerialLink(line.path, 19200)
        link.open()
        link.write(REQUEST)
        data = came(link, 0.3, 17)
        link.close()
    assert data.startswith(REQUEST)
    assert len(data) == 17


def test_a_line_that_babbles_gives_random_bytes() -> None:
    with SimulatedBus({3: unit()}, 19200) as line:
        line.fault(3, "babble", seconds=0.2)
        link = SerialLink(line.path, 19200)
        link.open()
        assert len(came(link, 0.15, 64)) >= 64
        link.close()


def test_two_instruments_with_one_address_never_give_a_whole_answer() -> None:
    with SimulatedBus({3: unit()}, 38400, latency_s=0.001) as line:
        line.fault(3, "collision", count=5)
        for _ in range(5):
            data = answer(line.path, 38400, "8N1")
            assert data
            assert not modbus.find_rtu(data, 3, 4, 4)


@given(
    st.binary(min_size=1, max_size=20), st.sampled_from(["8N1", "8E1", "8O1", "7E1"]), st.sampled_from(FRAMES)
)
@settings(deadline=None, max_examples=100)
def test_a_receiver_set_like_the_sender_hears_what_was_sent(data: bytes, sent: str, by: str) -> None:
    """And any other makes of it what it can, without end or fault of its own."""
    if sent == by:
        assert heard(data, Setting.of(9600, sent), Setting.of(9600, by)) == (data, 0)
    for baud in (1200, 9600, 115200):
        taken, errors = heard(data, Setting.of(9600, sent), Setting.of(baud, by))
        assert 0 <= errors <= len(taken) <= 13 * len(data) * max(1, baud // 9600) + 1


def test_parity_of_the_wrong_sort_is_an_error_in_every_byte() -> None:
    taken, errors = heard(b"\x01\x03\x55", Setting.of(9600, "8E1"), Setting.of(9600, "8O1"))
    assert (taken, errors) == (b"\0\0\0", 3)
    # sampled without parity, the bit in its place is taken for the stop bit: even bytes fail
    taken, errors = heard(b"\x01\x03", Setting.of(9600, "8E1"), Setting.of(9600, "8N1"))
    assert taken[0] == 1
    assert errors >= 1
