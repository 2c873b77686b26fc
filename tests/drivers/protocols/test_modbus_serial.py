"""Modbus ASCII: a damaged, torn or foreign frame is never an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.protocols import modbus
from drivers.protocols.modbus_serial import ASCII, RTU, ascii_body, ascii_frame, find_ascii, lrc

shapes = st.tuples(st.integers(1, 247), st.sampled_from([1, 2, 3, 4]), st.integers(1, 120))
noise = st.binary(max_size=40)


def answer(unit: int, function: int, size: int, fill: int = 7) -> bytes:
    return ascii_frame(unit, bytes((function, size)) + bytes((fill + i) & 0xFF for i in range(size)))


def test_the_check_is_the_two_s_complement_of_the_sum() -> None:
    assert lrc(bytes.fromhex("010300000002")) == 0xFA  # 1 + 3 + 2 = 6
    assert lrc(b"") == 0
    assert ascii_frame(1, modbus.read_pdu(3, 0, 2)) == b":010300000002FA\r\n"


@given(st.integers(0, 247), st.binary(min_size=1, max_size=252))
@settings(derandomize=True, deadline=None)
def test_what_is_framed_is_read_back(unit: int, pdu: bytes) -> None:
    frame = ascii_frame(unit, pdu)
    assert ascii_body(frame) == bytes((unit,)) + pdu
    assert ascii_body(frame.lower()) == bytes((unit,)) + pdu
    assert ASCII.pdu(frame) == pdu
    assert RTU.pdu(RTU.frame(unit, pdu)) == pdu


@given(shapes, noise, noise)
@settings(derandomize=True, deadline=None)
def test_an_answer_is_found_between_noise(shape: tuple[int, int, int], before: bytes, after: bytes) -> None:
    whole = answer(*shape)
    place = find_ascii(before + whole + after, *shape)
    assert place == (len(before), len(before) + len(whole))
    assert len(whole) == ASCII.length(shape[2])


@given(shapes, st.data())
@settings(derandomize=True, deadline=None)
def test_a_flipped_bit_never_changes_a_value(shape: tuple[int, int, int], data: st.DataObject) -> None:
    whole = answer(*shape)
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    found = find_ascii(bytes(broken), *shape)
    # a flip between capital and small letters says the same
    assert found is None or ascii_body(bytes(broken)) == ascii_body(whole)


@given(shapes, shapes)
@settings(derandomize=True, deadline=None)
def test_an_answer_of_another_shape_is_not_taken(
    mine: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    if mine != other:
        assert find_ascii(answer(*other), *mine) is None


@given(shapes, shapes)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_torn_answer_is_waited_for_and_spoils_none_after_it(
    shape: tuple[int, int, int], torn: tuple[int, int, int]
) -> None:
    whole, first = answer(*shape), answer(*torn, fill=99)
    for length in range(len(whole)):
        assert find_ascii(whole[:length], *shape) is None
    for length in range(0, len(first) - 2, 7):
        assert find_ascii(first[:length] + whole, *shape) == (length, length + len(whole))


@given(st.binary(max_size=600))
@settings(derandomize=True, deadline=None)
def test_noise_is_no_frame_and_no_fault(data: bytes) -> None:
    ascii_body(data)
    ascii_body(b":" + data + b"\r\n")
    find_ascii(data, 1, 4, 4)


def test_noise_of_a_megabyte_is_looked_through_at_once() -> None:
    assert find_ascii(b":" * 1_000_000, 1, 4, 4) is None


def test_an_exception_is_found_and_named() -> None:
    frame = ascii_frame(1, bytes((0x84, 2)))
    assert find_ascii(b"\x00" + frame, 1, 4, 80) == (1, 1 + len(frame))
    with pytest.raises(modbus.ModbusException, match="illegal data address"):
        modbus.pdu_data(ASCII.pdu(frame), frame)


def test_an_echo_is_no_answer() -> None:
    request = ascii_frame(1, modbus.read_pdu(4, 0, 2))
    whole = answer(1, 4, 4)
    assert find_ascii(request, 1, 4, 4) is None
    assert find_ascii(request + whole, 1, 4, 4) == (len(request), len(request) + len(whole))
