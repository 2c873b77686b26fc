"""SML telegrams that meters push (BSI TR-03109-1, smart message language 1.04): cut, checked, as OBIS lines; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from dodac.samples import Reason
from drivers.protocols.iec62056 import Item, Telegram
from drivers.protocols.received import Refused

_ESCAPE: Final = b"\x1b" * 4
START: Final = _ESCAPE + b"\x01" * 4
_END_CODE: Final = 0x1A
_GET_LIST: Final = 0x0701
_DEEPEST: Final = 12
_CURRENT: Final = 255
# DLMS unit codes (IEC 62056-6-2) of what these meters measure
_UNITS: Final = {
    6: "h", 7: "s", 9: "degC", 13: "m3", 14: "m3", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh",
    33: "A", 35: "V", 44: "Hz",
}  # fmt: skip

_AMBIGUOUS: Final = (
    "445A47"  # meters of DZG: some send powers above 327.67 W as negative numbers of two bytes
)


class _Narrow(int):
    """A negative number of fewer than four bytes."""


Node = int | bool | bytes | list["Node"] | None
"""A value of a message: number, truth, octets, list, or left out."""


def cut(buffer: bytes) -> tuple[list[tuple[bytes, int]], bytes]:
    """Whole telegrams in what has come, each with the number of bytes after it, and what is left."""
    found: list[tuple[bytes, int]] = []
    start = buffer.find(START)
    place = start + len(START)
    while start >= 0:
        escape = buffer.find(_ESCAPE, place)
        if escape < 0 or escape + 8 > len(buffer):
            return found, buffer[start:]
        after = buffer[escape + 4 : escape + 8]
        if after == _ESCAPE:  # these four bytes themselves, said twice
            place = escape + 8
        elif after == START[4:]:  # the one before was torn
            start, place = escape, escape + 8
        elif after[0] == _END_CODE:
            end = escape + 8
            found.append((buffer[start:end], len(buffer) - end))
            start = buffer.find(START, end)
            place = start + len(START)
            if start < 0:
                return found, buffer[end:]
        else:
            place = escape + 1
    return found, buffer[-len(START) :]


def parse(data: bytes) -> Telegram:
    """The values of a telegram as lines with OBIS codes; Refused: crc, or decode for what is no telegram."""
    if len(data) < 16 or not data.startswith(START) or data[-8:-3] != _ESCAPE + bytes((_END_CODE,)):
        raise Refused(Reason.DECODE, "no SML telegram")
    right, given = crc_x25(data[:-2]), int.from_bytes(data[-2:], "little")
    if given != right:
        raise Refused(Reason.CRC, f"the check sum is {given:04X}, not {right:04X}")
    body = data[8:-8].replace(_ESCAPE * 2, _ESCAPE)
    fill = data[-3]
    if fill > 3:
        raise Refused(Reason.DECODE, f"{fill} bytes to fill up a telegram, where 3 are the most")
    body = body[: len(body) - fill]
    items: list[Item] = []
    server = ""
    place = 0
    while place < len(body):
        if body[place] == 0:  # the end of a message
            place += 1
            continue
        message, place = _node(body, place, 0)
        match message:
            case [_, _, _, [int(tag), [_, serial, _, _, list(values), *_]], *_] if tag == _GET_LIST:
                server = serial.hex().upper() if isinstance(serial, bytes) else server
                doubtful = _AMBIGUOUS in server
                items += [item for value in values if (item := _item(value, doubtful)) is not None]
    if not items:
        raise Refused(Reason.DECODE, "the telegram holds no values")
    return Telegram("", server, tuple(items))


def crc_x25(data: bytes) -> int:
    """CRC-16/X-25: polynomial 8408 (reflected 1021), start and final exclusive or FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return crc ^ 0xFFFF


def _item(entry: Node, doubtful: bool) -> Item | None:
    """One entry of a list of values; None for those that are no OBIS line.

    doubtful: the maker's short negative numbers may be large positive ones: they are no values.
    """
    match entry:
        case [bytes(name), _, _, unit, scaler, value, *_] if len(name) == 6:
            pass
        case _:
            return None
    a, b, c, d, e, f = name
    if doubtful and isinstance(value, _Narrow):
        value = None
    history = None if f == _CURRENT else str(f)
    return Item(f"{a}-{b}:{c}.{d}.{e}", history, (_text(value, scaler, unit),))


def _text(value: Node, scaler: Node, unit: Node) -> str:
    """A value as a readout would print it."""
    if isinstance(value, bytes):
        return value.hex().upper()
    if not isinstance(value, int) or isinstance(value, bool):
        return ""
    exponent = scaler if isinstance(scaler, int) and abs(scaler) <= 18 else 0
    number = f"{Decimal(value).scaleb(exponent):f}"
    named = _UNITS.get(unit) if isinstance(unit, int) else None
    return number if named is None else f"{number}*{named}"


def _node(data: bytes, start: int, depth: int) -> tuple[Node, int]:
    """One value and the place after it."""
    if depth > _DEEPEST:
        raise Refused(Reason.DECODE, "lists too deep in one another")
    kind, length, place = _head(data, start)
    if kind == 7:
        found: list[Node] = []
        for _ in range(length):
            element, place = _node(data, place, depth + 1)
            found.append(element)
        return found, place
    end = start + length
    if end < place or end > len(data):
        raise Refused(Reason.DECODE, "a value reaches beyond the telegram")
    octets = data[place:end]
    match kind:
        case 0:
            return (octets or None), max(end, place)
        case 4:
            return any(octets), end
        case 5 | 6 if 1 <= len(octets) <= 8:
            number = int.from_bytes(octets, "big", signed=kind == 5)
            return (_Narrow(number) if number < 0 and len(octets) < 4 else number), end
        case _:
            raise Refused(Reason.DECODE, f"a value of unknown type {kind} with {len(octets)} bytes")


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """Type, length (of a list: elements; else bytes with the head) and the place after the head."""
    if start >= len(data):
        raise Refused(Reason.DECODE, "the telegram ends within a list")
    first = data[start]
    kind, length, place = first >> 4 & 7, first & 0xF, start + 1
    last = first
    while last & 0x80:
        if place >= len(data) or place - start > 3:
            raise Refused(Reason.DECODE, "a length that does not end")
        last = data[place]
        length = length << 4 | (last & 0xF)
        place += 1
    if first == 0:  # the end of a message stands for a value in its list
        length = 1
    return kind, length, place
