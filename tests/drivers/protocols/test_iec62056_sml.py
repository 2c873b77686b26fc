"""SML telegrams: whole and checked, or refused; a number that may be another is none."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_profile
from drivers.profile import Iec62056Profile
from drivers.protocols import iec62056_sml as sml
from drivers.protocols.iec62056_receive import Iec62056Receiver, readings
from drivers.protocols.received import Refused

WH, W, V = 30, 27, 35
IMPORT, EXPORT, POWER = bytes((1, 0, 1, 8, 0, 255)), bytes((1, 0, 2, 8, 0, 255)), bytes((1, 0, 16, 7, 0, 255))


def octets(data: bytes) -> bytes:
    return bytes((len(data) + 1,)) + data


def integer(number: int, size: int) -> bytes:
    return bytes((0x51 + size,)) + number.to_bytes(size, "big", signed=True)


def pushed(*values: tuple[bytes, int, int, int, int], server: bytes = b"\x0a\x01DDC\x00") -> bytes:
    """A telegram with values: OBIS code, unit, scaler, number, bytes of the number."""
    entries = b"".join(
        b"\x77"
        + octets(code)
        + b"\x01\x01\x62"
        + bytes((unit,))
        + integer(scaler, 1)
        + integer(number, size)
        + b"\x01"
        for code, unit, scaler, number, size in values
    )
    count = (
        bytes((0x70 | len(values),))
        if len(values) < 16
        else bytes((0xF0 | len(values) >> 4, len(values) & 0xF))
    )
    body = b"\x77\x01" + octets(server) + b"\x01\x01" + count + entries + b"\x01\x01"
    message = b"\x76" + octets(b"1") + b"\x62\x00\x62\x00\x72\x63\x07\x01" + body + b"\x63\x00\x00\x00"
    message = message.replace(b"\x1b" * 4, b"\x1b" * 8)
    fill = -len(message) % 4
    whole = sml.START + message + bytes(fill) + b"\x1b\x1b\x1b\x1b\x1a" + bytes((fill,))
    return whole + sml.crc_x25(whole).to_bytes(2, "little")


def profile() -> Iec62056Profile:
    found = load_profile("generic.sml-push")
    assert isinstance(found, Iec62056Profile)
    return found


TELEGRAM = pushed((IMPORT, WH, -1, 123_456_789, 8), (EXPORT, WH, -1, 5, 5), (POWER, W, 0, -1250, 4))
READ = {"energy_import_kwh": 12345.6789, "energy_export_kwh": 0.0005, "power_w": -1250.0}


def test_values_are_read_with_scaler_and_unit() -> None:
    received = readings(profile(), TELEGRAM)
    assert received.values == pytest.approx(READ)
    assert not received.flags


def test_the_check_sum_is_the_one_of_x25() -> None:
    assert sml.crc_x25(b"123456789") == 0x906E


def test_stored_values_are_never_current_ones() -> None:
    only = pushed((bytes((1, 0, 1, 8, 0, 1)), WH, 0, 1000, 4), (EXPORT, WH, 0, 7000, 4))
    assert readings(profile(), only).values == {"energy_export_kwh": 7.0}


@pytest.mark.parametrize(("size", "taken"), [(2, False), (3, False), (4, True)])
def test_a_large_power_sent_as_a_small_negative_one_is_no_reading(size: int, taken: bool) -> None:
    """356 W of a DZG meter came as -299 W; the same maker's other meters mean it."""
    data = pushed((POWER, W, -2, -29_912, size), (IMPORT, WH, 0, 1, 4), server=b"\x0a\x01DZG\x00\x02")
    received = readings(profile(), data)
    assert received.values.get("power_w") == (-299.12 if taken else None)
    assert [f.reason.value for f in received.flags] == ([] if taken else ["decode"])
    other = pushed((POWER, W, -2, -29_912, size))
    assert readings(profile(), other).values == {"power_w": -299.12}


def test_more_than_fifteen_values_and_escaped_bytes_are_read() -> None:
    many = [(bytes((1, 0, n, 7, 0, 255)), V, 0, n, 2) for n in range(100, 120)]
    data = pushed(*many, (IMPORT, WH, 0, 0x1B1B1B1B, 4), (POWER, W, 0, 7, 4))
    received = readings(profile(), data)
    assert received.values == {"energy_import_kwh": 0x1B1B1B1B / 1000, "power_w": 7.0}
    ((message, after),), rest = sml.cut(b"\x00" + data + b"\x1b")
    assert (message, after, rest) == (data, 1, b"\x1b")


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, len(TELEGRAM) - 1), st.integers(0, 7))
def test_one_wrong_bit_is_never_another_value(place: int, bit: int) -> None:
    wrong = TELEGRAM[:place] + bytes((TELEGRAM[place] ^ 1 << bit,)) + TELEGRAM[place + 1 :]
    with pytest.raises(Refused):
        readings(profile(), wrong)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.booleans())
def test_random_content_raises_only_the_refusal(data: bytes, checked: bool) -> None:
    fill = -len(data) % 4
    whole = sml.START + data + bytes(fill) + b"\x1b\x1b\x1b\x1b\x1a" + bytes((fill,))
    whole += sml.crc_x25(whole).to_bytes(2, "little") if checked else b"\x00\x00"
    with contextlib.suppress(Refused):
        readings(profile(), whole)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 200), max_size=20))
def test_telegrams_are_cut_out_however_the_bytes_come(sizes: list[int]) -> None:
    stream = TELEGRAM[-30:] + TELEGRAM + b"\x00\xff" + TELEGRAM[:50] + TELEGRAM + b"\x1b\x1b"
    receiver = Iec62056Receiver("m", profile())
    found: list[bytes] = []
    for size in [*sizes, len(stream)]:
        found += [message for message, _ in receiver.take(stream[:size])]
        stream = stream[size:]
    assert found == [TELEGRAM, TELEGRAM]


@pytest.mark.parametrize("pattern", [b"\x1b", sml.START, sml.START + b"\x76" * 40, b"\x00"])
def test_a_megabyte_of_what_looks_like_a_telegram_costs_neither_time_nor_memory(pattern: bytes) -> None:
    receiver = Iec62056Receiver("m", profile())
    data = pattern * (1_000_000 // len(pattern))
    begin = time.process_time()
    for start in range(0, len(data), 1000):
        for message, _ in receiver.take(data[start : start + 1000]):
            with contextlib.suppress(Refused):
                receiver.decode(message)
    assert time.process_time() - begin < 5
    assert len(receiver._buffer) < 70_000
    receiver.idle()
    assert [m for m, _ in receiver.take(TELEGRAM)] == [TELEGRAM]
