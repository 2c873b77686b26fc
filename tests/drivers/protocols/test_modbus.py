"""Frames: what goes out only reads, and only the right answer is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from drivers.protocols import modbus

bytes_ = st.binary(max_size=40)


def slow_crc(data: bytes) -> int:
    """The standard's own bit-by-bit procedure, as an independent reference."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


@given(st.binary(max_size=300))
@settings(derandomize=True, deadline=None)
def test_the_checksum_is_the_standards(data: bytes) -> None:
    assert modbus.crc16(data) == slow_crc(data)


@pytest.mark.parametrize(
    "frame",
    [
        "01 04 00 48 00 02 F1 DD",  # made by pymodbus, read back by mbpoll
        "01 04 04 46 40 E6 B6 24 CE",
        "01 04 00 00 00 09 30 0C",  # a bench capture of a gas analyser
        "01 04 12 FF F5 00 02 00 00 FF F7 00 03 00 00 07 ED 00 02 00 00 C4 80",
    ],
)
def test_real_frames_are_whole(frame: str) -> None:
    assert modbus.rtu_whole(bytes.fromhex(frame))


def test_no_writing_request_can_be_made() -> None:
    for function in (0, 5, 6, 8, 15, 16, 17, 22, 23, 43, 0x42):
        with pytest.raises(ValueError, match="does not read"):
            modbus.read_pdu(function, 0, 1)


def test_no_writing_function_is_named_anywhere_in_the_drivers() -> None:
    folder = Path(drivers.__file__).parent
    words = re.compile(r"write_(single|multiple|coil|register)|preset_(single|multiple)", re.IGNORECASE)
    for path in folder.rglob("*.py"):
        assert not words.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(("address", "count"), [(0, 0), (0, 126), (65535, 2), (-1, 1)])
def test_requests_beyond_the_standard_are_refused(address: int, count: int) -> None:
    with pytest.raises(ValueError, match="can't be asked"):
        modbus.read_pdu(3, address, count)


answers = st.tuples(st.integers(1, 247), st.sampled_from([1, 2, 3, 4]), st.integers(1, 120))


def answer(unit: int, function: int, size: int, fill: int = 7) -> bytes:
    return modbus.rtu(unit, bytes((function, size)) + bytes((fill + i) & 0xFF for i in range(size)))


@given(answers, bytes_, bytes_)
@settings(derandomize=True, deadline=None)
def test_an_answer_is_found_between_noise(shape: tuple[int, int, int], before: bytes, after: bytes) -> None:
    unit, function, size = shape
    whole = answer(unit, function, size)
    place = modbus.find_rtu(before + whole + after, unit, function, size)
    assert place is not None
    found = (before + whole + after)[place[0] : place[1]]
    assert modbus.rtu_whole(found)
    assert found[0] == unit


@given(answers, st.data())
@settings(derandomize=True, deadline=None)
def test_a_flipped_bit_is_never_an_answer(shape: tuple[int, int, int], data: st.DataObject) -> None:
    unit, function, size = shape
    whole = bytearray(answer(unit, function, size))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    found = modbus.find_rtu(bytes(whole), unit, function, size)
    assert found is None


@given(answers, answers)
@settings(derandomize=True, deadline=None)
def test_an_answer_of_another_shape_is_not_taken(
    mine: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    if mine != other:
        assert modbus.find_rtu(answer(*other), *mine) is None


@given(answers)
@settings(derandomize=True, deadline=None)
def test_a_torn_answer_is_waited_for(shape: tuple[int, int, int]) -> None:
    whole = answer(*shape)
    for length in range(len(whole)):
        assert modbus.find_rtu(whole[:length], *shape) is None


def test_an_echo_is_no_answer() -> None:
    request = modbus.rtu(1, modbus.read_pdu(4, 0, 2))
    assert modbus.find_rtu(request, 1, 4, 4) is None
    both = request + answer(1, 4, 4)
    assert modbus.find_rtu(both, 1, 4, 4) == (8, len(both))


def test_a_refusal_is_found_and_named() -> None:
    frame = modbus.rtu(1, bytes((0x84, 2)))
    place = modbus.find_rtu(b"\x00\xff" + frame, 1, 4, 80)
    assert place == (2, 7)
    with pytest.raises(modbus.ModbusException, match="illegal data address"):
        modbus.answer_data(frame)


def test_tcp_answers_are_told_apart_by_their_number() -> None:
    old = modbus.mbap(7, 1, bytes((4, 4, 1, 2, 3, 4)))
    new = modbus.mbap(8, 1, bytes((4, 4, 5, 6, 7, 8)))
    place = modbus.find_mbap(old + new, 8, 1, 4, 4)
    assert place == (len(old), len(old) + len(new))
    assert modbus.answer_data((old + new)[place[0] : place[1]], tcp=True) == bytes((5, 6, 7, 8))
    assert modbus.find_mbap(old, 8, 1, 4, 4) is None
    assert modbus.find_mbap(old + new[:-1], 8, 1, 4, 4) is None


def test_an_answer_that_states_another_byte_count_is_not_taken() -> None:
    # as long as ours would be, with a right check sum, but its count says it is another's
    data = bytes(range(4))
    assert modbus.find_rtu(modbus.rtu(1, bytes((4, 4)) + data), 1, 4, 4) == (0, 9)
    assert modbus.find_rtu(modbus.rtu(1, bytes((4, 6)) + data), 1, 4, 4) is None
