"""Milesight EM300 family: blocks of channel, type and value, with the points it stored.

Fields: pulses, water (in the unit set in the device), temperature_c, humidity_pct, battery_pct.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from dodac.clock import SECOND_NS
from dodac.samples import Reason
from drivers.protocols.lorawan_points import Point
from drivers.protocols.message import MqttRefusal

# channel and type → length of the value (TheThingsNetwork/lorawan-devices and the maker's decoders)
_LENGTHS: Final[dict[tuple[int, int], int]] = {
    (0x01, 0x75): 1,  # battery
    (0x03, 0x67): 2,  # temperature
    (0x04, 0x68): 1,  # humidity
    (0x05, 0x00): 1,  # input or leak
    (0x05, 0xC8): 4,  # pulses
    (0x05, 0xE1): 8,  # water with its conversion
    (0x85, 0x00): 2,  # input with alarm
    (0x85, 0xE1): 9,  # water with alarm
    (0x20, 0xCE): 13,  # a stored point
    (0x21, 0xCE): 18,  # a stored point with water
}
_HISTORY: Final = 0xCE
_COUNTING: Final = 2  # a stored point's mode
_CONFIGURATION: Final = (0xFE, 0xFF)


def decode(data: bytes) -> tuple[Point, ...]:
    """Stored points by their time, then what is measured now; a point stored twice is one.

    Raises MqttRefusal for a block that is not known or cut short, unless what stands before it can be
    used; answers to settings (FE and FF) hold no readings and end the payload.
    """
    stored: dict[tuple[int | None, tuple[tuple[str, float], ...]], Point] = {}
    now: dict[str, float] = {}
    faults: dict[str, Reason] = {}
    place = 0
    while place < len(data):
        if data[place] in _CONFIGURATION:
            break
        kind = (data[place], data[place + 1] if place + 1 < len(data) else -1)
        length = _LENGTHS.get(kind)
        value = data[place + 2 : place + 2 + (length or 0)]
        if length is None or len(value) < length:
            if now or stored:
                break
            wrong = "is not known" if length is None else "is cut short"
            raise MqttRefusal(f"the block at byte {place} ({data[place : place + 2].hex()}) {wrong}")
        place += 2 + length
        if kind[1] == _HISTORY:
            point = _stored(value)
            if point is not None:
                stored.setdefault((point.time_ns, tuple(point.values.items())), point)
        else:
            _live(kind, value, now, faults)
    points = sorted(stored.values(), key=lambda point: point.time_ns or 0)
    return (*points, Point(now, faults)) if now or faults else tuple(points)


def _live(kind: tuple[int, int], value: bytes, now: dict[str, float], faults: dict[str, Reason]) -> None:
    match kind:
        case (0x01, _):
            now["battery_pct"] = value[0]
        case (0x03, _):
            now["temperature_c"] = int.from_bytes(value, "little", signed=True) / 10
        case (0x04, _):
            now["humidity_pct"] = value[0] / 2
        case (0x05, 0xC8):
            now["pulses"] = int.from_bytes(value, "little")
        case (_, 0xE1):
            (water,) = struct.unpack_from("<f", value, 4)
            if math.isfinite(water):
                now["water"] = water
            else:
                faults["water"] = Reason.DECODE


def _stored(value: bytes) -> Point | None:
    """A stored point: time, temperature, humidity, mode, count; None when it holds no time."""
    seconds = int.from_bytes(value[:4], "little")
    if seconds == 0:
        return None
    fields: dict[str, float] = {
        "temperature_c": int.from_bytes(value[4:6], "little", signed=True) / 10,
        "humidity_pct": value[6] / 2,
    }
    faults: dict[str, Reason] = {}
    if len(value) == 13 and value[7] == _COUNTING:
        fields["pulses"] = int.from_bytes(value[9:13], "little")
    elif len(value) == 18 and value[8] == _COUNTING:
        (water,) = struct.unpack_from("<f", value, 14)
        if math.isfinite(water):
            fields["water"] = water
        else:
            faults["water"] = Reason.DECODE
    return Point(fields, faults, seconds * SECOND_NS)
