"""Modbus on a serial line: RTU and ASCII envelopes behind one small interface.

Source of ASCII: Modbus over serial line V1.02 §2.5.2 and §6.2.1: a colon, the bytes of unit, PDU and
LRC as two hexadecimal digits each, carriage return, line feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from drivers.protocols import modbus

LONGEST_ASCII: Final = 513  # characters of a frame: colon, 2 × 255, CR LF
_DIGITS: Final = frozenset(b"0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True)
class SerialFraming:
    """How requests are wrapped and answers found.

    frame: unit and PDU as bytes of the line. find: where the answer of unit, function and byte count
    stands in what came, or None. length: bytes on the line of an answer with that many data bytes.
    pdu: that of a frame that was found. without_answers: what is left of what came without whole answers
    of whatever unit.
    """

    frame: Callable[[int, bytes], bytes]
    find: Callable[[bytes, int, int, int], tuple[int, int] | None]
    length: Callable[[int], int]
    pdu: Callable[[bytes], bytes]
    without_answers: Callable[[bytes], bytes]


def lrc(data: bytes) -> int:
    """Longitudinal redundancy check: the two's complement of the sum of all bytes, modulo 256."""
    return -sum(data) & 0xFF


def ascii_frame(unit: int, pdu: bytes) -> bytes:
    """An ASCII frame: colon, unit, PDU and LRC in capital hexadecimal digits, CR LF."""
    body = bytes((unit,)) + pdu
    return b":%s\r\n" % (body + bytes((lrc(body),))).hex().upper().encode()


def ascii_body(frame: bytes) -> bytes | None:
    """Unit and PDU of one whole frame (colon … CR LF); None when it isn't one or the LRC does not fit."""
    digits = frame[1:-2]
    whole = frame[:1] == b":" and frame[-2:] == b"\r\n" and len(frame) <= LONGEST_ASCII
    if not whole or len(digits) < 6 or len(digits) % 2 or not _DIGITS.issuperset(digits):
        return None
    data = bytes.fromhex(digits.decode())
    return data[:-1] if lrc(data[:-1]) == data[-1] else None


def ascii_as_rtu(frame: bytes) -> bytes | None:
    """A frame that was heard on a line, as RTU writes it; None when it isn't a whole one."""
    body = ascii_body(frame)
    return None if body is None else modbus.rtu(body[0], body[1:])


def find_ascii(buffer: bytes, unit: int, function: int, data_bytes: int) -> tuple[int, int] | None:
    """Where the answer of that unit, function and byte count stands in a buffer, or None.

    Characters before it (noise, an echo, another answer) are skipped; a colon always begins anew.
    Exception answers of that function are found too.
    """
    for start, end, body in ascii_frames(buffer):
        if body[0] != unit:
            continue
        data = body[1] == function and len(body) == data_bytes + 3 and body[2] == data_bytes
        if data or (body[1] == function | 0x80 and len(body) == 3):
            return start, end
    return None


def ascii_frames(buffer: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where whole frames stand in a buffer ([start, end)), each with its unit and PDU."""
    start = buffer.find(b":")
    while start >= 0:
        following = buffer.find(b":", start + 1)
        end = buffer.find(b"\r\n", start, None if following < 0 else following) + 2
        body = ascii_body(buffer[start:end]) if end > start else None
        if body is not None:
            yield start, end, body
        start = following


def _rtu_length(data_bytes: int) -> int:
    return data_bytes + 5


def _ascii_length(data_bytes: int) -> int:
    return 2 * (data_bytes + 4) + 3


def _rtu_pdu(frame: bytes) -> bytes:
    return frame[1:-2]


def _ascii_pdu(frame: bytes) -> bytes:
    body = ascii_body(frame)
    if body is None:
        raise ValueError("this is no Modbus ASCII frame.")
    return body[1:]


def _rtu_without_answers(came: bytes) -> bytes:
    rest, start = bytearray(), 0
    while start < len(came):
        end = modbus.rtu_answer(came, start)
        if end is None:
            rest.append(came[start])
        start = end or start + 1
    return bytes(rest)


def _ascii_without_answers(came: bytes) -> bytes:
    rest, last = b"", 0
    for start, end, _ in ascii_frames(came):
        rest, last = rest + came[last:start], end
    return rest + came[last:]


RTU: Final = SerialFraming(modbus.rtu, modbus.find_rtu, _rtu_length, _rtu_pdu, _rtu_without_answers)
ASCII: Final = SerialFraming(ascii_frame, find_ascii, _ascii_length, _ascii_pdu, _ascii_without_answers)
