"""Sparkplug B payloads from bytes: as much of protobuf as they need; pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drivers.protocols.message import MqttRefusal

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8 … Int64: bits of two's complement
_FLOAT, _DOUBLE = 9, 10
NUMBERS: Final = frozenset(range(1, 11))  # datatypes that are numbers
GOOD: Final = 192  # of the property Quality


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: name and alias as sent ("" and None when they are not).

    value: a number; None for null and for what is no number. datatype: 0 when not sent. time_ms: since
    1970, None when not sent. quality: of the property Quality, GOOD when not sent.
    """

    name: str = ""
    alias: int | None = None
    time_ms: int | None = None
    datatype: int = 0
    historical: bool = False
    null: bool = False
    value: int | float | None = None
    whole: bool = False
    quality: int = GOOD

    def number(self, datatype: int) -> float | None:
        """The value as its datatype says (the birth's, where the message leaves it out)."""
        kind = self.datatype or datatype
        if self.null or self.value is None or kind not in NUMBERS:
            return None
        if self.whole != (kind not in (_FLOAT, _DOUBLE)):
            return None
        value = self.value
        bits = _SIGNED.get(kind)
        if bits is not None and isinstance(value, int):
            value &= (1 << bits) - 1
            value -= (value >> (bits - 1)) << bits
        try:
            return float(value)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload: its time (ms since 1970), sequence number and metrics."""

    time_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(data: bytes) -> Payload:
    """Decodes a payload; raises MqttRefusal, and nothing else, for bytes that are none."""
    time_ms = seq = None
    metrics: list[Metric] = []
    for field, value in _fields(data):
        if field == 1 and isinstance(value, int):
            time_ms = value
        elif field == 2 and isinstance(value, bytes):
            metrics.append(_metric(value))
        elif field == 3 and isinstance(value, int):
            seq = value
    return Payload(time_ms, seq, tuple(metrics))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers with their varint (int) or their bytes: little endian where the length is fixed."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        field, kind = key >> 3, key & 7
        if field == 0:
            raise MqttRefusal("no Sparkplug payload: field 0")
        if kind == _VARINT:
            number, place = _varint(data, place)
            yield field, number
            continue
        if kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise MqttRefusal(f"no Sparkplug payload: wire type {kind}")
        if length > len(data) - place:
            raise MqttRefusal("no Sparkplug payload: cut short")
        yield field, bytes(data[place : place + length])
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise MqttRefusal("no Sparkplug payload: cut short")
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (1 << 64) - 1, place
    raise MqttRefusal("no Sparkplug payload: a number of more than 64 bits")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise MqttRefusal("no Sparkplug payload: a name that is not UTF-8") from None


def _metric(data: bytes) -> Metric:
    name, alias, time_ms, datatype, quality = "", None, None, 0, GOOD
    historical = null = whole = False
    number: int | float | None = None
    for field, value in _fields(data):
        match field, value:
            case 1, bytes():
                name = _text(value)
            case 2, int():
                alias = value
            case 3, int():
                time_ms = value
            case 4, int():
                datatype = value
            case 5, int():
                historical = bool(value)
            case 7, int():
                null = bool(value)
            case 9, bytes():
                quality = _quality(value)
            case ((10 | 11), int()):
                number, whole = value, True
            case 12, bytes() if len(value) == 4:
                (number,), whole = struct.unpack("<f", value), False
            case 13, bytes() if len(value) == 8:
                (number,), whole = struct.unpack("<d", value), False
    return Metric(name, alias, time_ms, datatype, historical, null, number, whole, quality)


def _quality(data: bytes) -> int:
    """The property Quality of a property set: keys (1) and values (2) go in pairs."""
    keys: list[str] = []
    values: list[int | None] = []
    for field, value in _fields(data):
        if field == 1 and isinstance(value, bytes):
            keys.append(_text(value))
        elif field == 2 and isinstance(value, bytes):
            found = [v for f, v in _fields(value) if f in (3, 4) and isinstance(v, int)]
            values.append(found[0] if found else None)
    for key, quality in zip(keys, values, strict=False):
        if key == "Quality" and quality is not None:
            return quality
    return GOOD


def rebirth_request(time_ms: int) -> bytes:
    """The payload of the one command that may be sent: Node Control/Rebirth, true (a Boolean, 11)."""
    name = b"Node Control/Rebirth"
    metric = b"\x0a" + bytes([len(name)]) + name + b"\x18" + _as_varint(time_ms) + b"\x20\x0b\x70\x01"
    return b"\x08" + _as_varint(time_ms) + b"\x12" + bytes([len(metric)]) + metric


def _as_varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
