"""Uplinks of LoRaWAN network servers (ChirpStack v4, The Things Stack v3) as readings."""

from __future__ import annotations

import base64
import binascii
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from dodac.clock import SECOND_NS
from dodac.contracts import EventKind
from dodac.samples import Flag, TimeSource
from drivers.profile import LorawanProfile
from drivers.protocols import lorawan_axioma, lorawan_mbus, lorawan_milesight
from drivers.protocols.lorawan_points import Decode, Point
from drivers.protocols.message import Decoded, Message, MqttRefusal, Notice, Scale
from drivers.protocols.mqtt_json import time_of

CODECS: Final[Mapping[str, Decode]] = {
    "axioma_w1": lorawan_axioma.decode,
    "mbus_records": lorawan_mbus.decode,
    "milesight_em300": lorawan_milesight.decode,
}
_REMEMBERED: Final = 64
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Uplink:
    """One uplink as the network server tells it.

    id: the same for an uplink told twice. count: the device's frame counter. time_ns: when the network
    received it (UTC), None when it does not say so readably.
    """

    id: str
    port: int
    count: int
    data: bytes
    time_ns: int | None


def parse_uplink(payload: bytes) -> Uplink:
    """The envelope of either server, told apart by its keys; raises MqttRefusal.

    The Things Stack leaves out what is zero: an absent counter or port is 0, an absent payload empty.
    """
    try:
        told = json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise MqttRefusal("not JSON") from None
    if not isinstance(told, dict):
        raise MqttRefusal("not an uplink of ChirpStack or The Things Stack")
    if isinstance(told.get("uplink_message"), dict):
        inner = told["uplink_message"]
        words = {"port": "f_port", "count": "f_cnt", "data": "frm_payload"}
        stamp = inner.get("received_at", told.get("received_at"))
        name = f"{inner.get('session_key_id', '')}/{inner.get('f_cnt', 0)}/{stamp}"
    elif "deviceInfo" in told and ("fCnt" in told or "data" in told):
        inner = told
        words = {"port": "fPort", "count": "fCnt", "data": "data"}
        stamp, name = told.get("time"), str(told.get("deduplicationId", ""))
    else:
        raise MqttRefusal("not an uplink of ChirpStack or The Things Stack")
    text = inner.get(words["data"]) or ""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise MqttRefusal("its payload is not base64")
    return Uplink(name, _whole(inner, words["port"]), _whole(inner, words["count"]), data, _time(stamp))


def _whole(inner: Mapping[str, Any], key: str) -> int:
    value = inner.get(key) or 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise MqttRefusal(f'"{key}" is no counting number')
    return value


def _time(stamp: Any) -> int | None:
    try:
        return time_of(stamp, "iso", _UTC)
    except (ValueError, OverflowError):
        return None


class LorawanDecoder:
    """Decodes the uplinks of one device, in the order they come."""

    def __init__(self, profile: LorawanProfile) -> None:
        self.profile = profile
        self._codec = CODECS[profile.codec]
        self._scales = {
            name: (spec.field, Scale.of(name, spec, spec.sentinel)) for name, spec in profile.channels.items()
        }
        self._skew_ns = round(profile.max_skew_s * SECOND_NS)
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._last: tuple[int, int | None] | None = None  # frame counter, network time

    def message(self, topic: str, payload: bytes) -> Message:  # noqa: ARG002  (the contract's signature)
        """The moments of one uplink; uplinks lost on the radio way are told as a gap."""
        uplink = parse_uplink(payload)
        asked = self.profile.port is None or uplink.port == self.profile.port
        # port 0 carries commands of the network only
        points = self._codec(uplink.data) if asked and uplink.port and uplink.data else ()
        return Message(self.readings(points, uplink.time_ns), self._notices(uplink))

    def readings(self, points: tuple[Point, ...], network_ns: int | None) -> tuple[Decoded, ...]:
        """The codec's moments as readings, with the device's time where it agrees with the network's."""
        wrong = network_ns is not None and any(self._disagrees(point, network_ns) for point in points)
        found = []
        for point in points:
            values, flags = self._values(point)
            if not values and not flags:
                continue
            if point.time_ns is None:
                found.append(Decoded(values, flags, network_ns, time_source=TimeSource.NETWORK))
            elif wrong:
                fault = "the device's clock disagrees with the network's"
                found.append(Decoded(values, flags, None, fault, history=True))
            else:
                found.append(Decoded(values, flags, point.time_ns, history=True))
        return tuple(found)

    def _disagrees(self, point: Point, network_ns: int) -> bool:
        """A moment after its own uplink, or one called current that is long before it."""
        if point.time_ns is None:
            return False
        behind_ns = network_ns - point.time_ns
        return behind_ns < -self._skew_ns or (point.current and behind_ns > self._skew_ns)

    def _values(self, point: Point) -> tuple[dict[str, float], tuple[Flag, ...]]:
        values: dict[str, float] = {}
        flags: list[Flag] = []
        for name, (field, scale) in self._scales.items():
            reading = scale.reading(point.values[field]) if field in point.values else None
            if field in point.faults:
                value = reading.value if isinstance(reading, Flag) else reading
                flags.append(Flag(name, point.faults[field], value))
            elif isinstance(reading, Flag):
                flags.append(reading)
            elif reading is not None:
                values[name] = reading
        return values, tuple(flags)

    def _notices(self, uplink: Uplink) -> tuple[Notice, ...]:
        if uplink.id and uplink.id in self._seen:
            return ()  # told again: its counter says nothing new
        self._seen.append(uplink.id)
        last, self._last = self._last, (uplink.count, uplink.time_ns)
        if last is None or uplink.count in (last[0], last[0] + 1):
            return ()
        if uplink.count < last[0]:
            text = f"the frame counter starts again ({last[0]} → {uplink.count}): the device has joined anew"
            return (Notice(EventKind.NOTE, text),)
        lost = uplink.count - last[0] - 1
        text = f"{lost} uplinks lost on the radio way (frame counter {last[0]} → {uplink.count})"
        return (Notice(EventKind.GAP, text, last[1], uplink.time_ns),)
