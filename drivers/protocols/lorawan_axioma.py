"""Axioma Qalcosonic W1, 24-hour payload: one total and 23 hourly steps; field volume_m3."""

from __future__ import annotations

from typing import Final

from dodac.clock import SECOND_NS
from dodac.samples import Reason
from drivers.protocols.lorawan_points import Point
from drivers.protocols.message import MqttRefusal

_LENGTH: Final = 51
_STEPS: Final = 23
_BITS: Final = 14
_HOUR_NS: Final = 3600 * SECOND_NS
_PERMANENT_ERROR: Final = 0x08


def decode(data: bytes) -> tuple[Point, ...]:
    """24 totals, an hour apart; the newest at the payload's own time.

    51 bytes, little endian: 01, seconds since 1970 (u32), status, litres (u32) of the oldest hour, then
    23 steps of 14 bits and a multiplier of 6 bits, which must be 0. A permanent error (status bit 3)
    makes the newest total doubtful. Source: TheThingsNetwork/lorawan-devices, vendor/axioma.
    """
    if len(data) != _LENGTH or data[0] != 1:
        raise MqttRefusal(f"no 24-hour payload: {len(data)} bytes from {data[:1].hex() or 'nothing'}")
    steps = int.from_bytes(data[10:], "little")
    if steps >> (_STEPS * _BITS):
        raise MqttRefusal("the steps carry a multiplier, which is not known")
    newest_ns = int.from_bytes(data[1:5], "little") * SECOND_NS
    litres = int.from_bytes(data[6:10], "little")
    totals = [litres]
    for place in range(_STEPS):
        litres += steps >> (_BITS * place) & ((1 << _BITS) - 1)
        totals.append(litres)
    broken = {"volume_m3": Reason.DEVICE_STATUS} if data[5] & _PERMANENT_ERROR else {}
    return tuple(
        Point(
            {"volume_m3": total / 1000},
            broken if place == _STEPS else {},
            newest_ns - (_STEPS - place) * _HOUR_NS,
            current=place == _STEPS,
        )
        for place, total in enumerate(totals)
    )
