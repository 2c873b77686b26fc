"""Uplinks of LoRaWAN network servers (ChirpStack, The Things Stack) as readings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from dodac.clock import SECOND_NS
from dodac.contracts import EventKind
from dodac.samples import Flag, Reason, TimeSource
from drivers.profile import LorawanProfile
from drivers.protocols import lorawan_axioma, lorawan_mbus
from drivers.protocols.lorawan_data import PayloadDecoder
from drivers.protocols.lorawan_points import Decode, Point
from drivers.protocols.lorawan_uplink import EUI, OtherEvent, Uplink, parse_uplink
from drivers.protocols.message import Decoded, Message, MqttRefusal, Notice, Scale
from drivers.protocols.mqtt_path import ABSENT, follow, number_of, words_of

CODECS: Final[Mapping[str, Decode]] = {
    "axioma_w1": lorawan_axioma.decode,
    "mbus_records": lorawan_mbus.decode,
}
_REMEMBERED: Final = 64


class LorawanDecoder:
    """Decodes the uplinks of one device, in the order they come.

    address: the device's EUI where it is known: what comes of another on a topic too wide is refused.
    """

    def __init__(self, profile: LorawanProfile, address: str = "") -> None:
        self.profile = profile
        self._eui = address.lower() if EUI.match(address) else ""
        self._forms = PayloadDecoder(profile.payload)
        self._paths = {
            path: words_of(path)
            for spec in profile.channels.values()
            for path in spec.names
            if profile.codec == "object"
        }
        self._scales = {
            name: (spec.names, Scale.of(name, spec, spec.sentinel)) for name, spec in profile.channels.items()
        }
        self._skew_ns = round(profile.max_skew_s * SECOND_NS)
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._last: tuple[int, int | None] | None = None  # frame counter, network time
        self._told: set[str] = set()

    def message(self, topic: str, payload: bytes) -> Message:
        """The moments of one uplink; uplinks lost on the radio way are told as a gap.

        Other events of the device (joins, acknowledgements, states) are no readings; a join and the
        server's own complaints are told as notes.
        """
        uplink = parse_uplink(payload, topic)
        if isinstance(uplink, OtherEvent):
            told = uplink.kind in ("join", "log", "error")
            text = f"the network server tells: {uplink.kind} {uplink.text}".rstrip()
            return Message((), (Notice(EventKind.NOTE, text),) if told else ())
        if self._eui and uplink.device and uplink.device != self._eui:
            raise MqttRefusal(f"an uplink of another device ({uplink.device})")
        points, unread = self.points(uplink)
        notices = self._notices(uplink)
        if unread and len(self._told) < _REMEMBERED and unread not in self._told:
            self._told.add(unread)  # once, not with each uplink
            notices = (*notices, Notice(EventKind.NOTE, unread))
        return Message(self.readings(points, uplink.time_ns), notices)

    def points(self, uplink: Uplink) -> tuple[tuple[Point, ...], str]:
        """The moments of one uplink, and what of it could not be read ("": nothing).

        Raises MqttRefusal for a payload that is none of this model.
        """
        asked = self.profile.port is None or uplink.port == self.profile.port
        if self.profile.codec == "object":
            return (self._decoded_elsewhere(uplink.object) if asked and uplink.object else ()), ""
        if not uplink.data and uplink.object:
            raise MqttRefusal("it holds what the server decoded and not the device's bytes (codec: object)")
        if not asked or not uplink.port or not uplink.data:
            return (), ""  # port 0 carries commands of the network only
        if self.profile.codec == "fields":
            return self._forms.decode(uplink.data, uplink.port)
        return CODECS[self.profile.codec](uplink.data), ""

    def _decoded_elsewhere(self, made: Mapping[str, Any]) -> tuple[Point, ...]:
        values: dict[str, float] = {}
        faults: dict[str, Reason] = {}
        for path, words in self._paths.items():
            found = follow(made, words, path)
            if found is ABSENT:
                continue
            number = number_of(found)
            if number is None:
                faults[path] = Reason.DECODE
            else:
                values[path] = number
        if not values and not faults:
            raise MqttRefusal("none of the profile's paths is in what the server decoded")
        return (Point(values, faults),)

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
        for name, (fields, scale) in self._scales.items():
            there = [field for field in fields if field in point.values or field in point.faults]
            if not there:
                continue
            numbers = [point.values[field] for field in there if field in point.values]
            whole = len(numbers) == len(fields)
            reading = scale.reading(math.fsum(numbers)) if whole else None
            fault = next((point.faults[field] for field in there if field in point.faults), None)
            if fault is None and not whole:
                fault = Reason.DECODE  # no sum without all its parts
            if fault is not None:
                value = reading.value if isinstance(reading, Flag) else reading
                flags.append(Flag(name, fault, value))
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
