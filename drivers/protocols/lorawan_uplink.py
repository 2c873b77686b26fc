"""The envelopes of LoRaWAN network servers: ChirpStack v4 and v3, The Things Stack v3; pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from drivers.protocols.message import MqttRefusal
from drivers.protocols.mqtt_json import time_of

_UTC: Final = ZoneInfo("UTC")
EUI: Final = re.compile(r"^[0-9a-fA-F]{16}$")
# what a ChirpStack event that is no uplink has and an uplink has not
_EVENTS: Final = {
    "join": "devAddr",
    "ack": "acknowledged",
    "txack": "txInfo",
    "status": "margin",
    "log": "level",
    "location": "location",
    "integration": "integrationName",
}
# the last word of The Things Stack's topics that are no uplinks (and of ChirpStack's)
_NO_UPLINKS: Final = frozenset(
    [*_EVENTS, "queued", "sent", "failed", "nack", "push", "replace", "solved", "data", "error", "command"]
)


@dataclass(frozen=True, slots=True)
class Uplink:
    """One uplink as the network server tells it.

    id: the same for an uplink told twice ("" when the server names none). count: the device's frame
    counter. time_ns: when the network received it (UTC), None when it does not say so readably.
    object: what the server's own codec made of it, None when it has none. device: the device's EUI in
    small letters, "" when the server does not say it so.
    """

    id: str
    port: int
    count: int
    data: bytes
    time_ns: int | None
    object: Mapping[str, Any] | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """Something else that a network server tells of a device: join, ack, status, log …"""

    kind: str
    text: str = ""


def parse_uplink(payload: bytes, topic: str = "") -> Uplink | OtherEvent:
    """The envelope of any of the servers, told apart by its keys; raises MqttRefusal.

    The Things Stack leaves out what is zero: an absent counter or port is 0, an absent payload empty.
    """
    try:
        told = json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise MqttRefusal("not JSON") from None
    if not isinstance(told, dict):
        raise MqttRefusal("not an uplink of ChirpStack or The Things Stack")
    if isinstance(told.get("uplink_message"), dict):
        return _things_stack(told, told["uplink_message"])
    if "deviceInfo" in told and ("fCnt" in told or "data" in told or "object" in told):
        uplink_id, stamp = str(told.get("deduplicationId", "")), told.get("time")
        return _uplink(told, uplink_id, stamp, ("fPort", "fCnt", "data", "object"), told["deviceInfo"])
    if "devEUI" in told and ("fCnt" in told or "data" in told or "object" in told):
        return _chirpstack_3(told)
    other = _other(told, topic)
    if other is None:
        raise MqttRefusal("not an uplink of ChirpStack or The Things Stack")
    return other


def _things_stack(told: Mapping[str, Any], inner: Mapping[str, Any]) -> Uplink:
    stamp = inner.get("received_at", told.get("received_at"))
    uplink_id = f"{inner.get('session_key_id', '')}/{inner.get('f_cnt', 0)}/{stamp}"
    words = ("f_port", "f_cnt", "frm_payload", "decoded_payload")
    return _uplink(inner, uplink_id, stamp, words, told.get("end_device_ids"))


def _chirpstack_3(told: Mapping[str, Any]) -> Uplink:
    stamp = told.get("time", told.get("publishedAt"))
    heard = told.get("rxInfo")
    if isinstance(heard, list):
        times = [row.get("time") for row in heard if isinstance(row, dict)]
        stamp = next((time for time in times if time), stamp)
    uplink_id = f"{told['devEUI']}/{told.get('fCnt', 0)}/{stamp}"
    return _uplink(told, uplink_id, stamp, ("fPort", "fCnt", "data", "object"), told)


def _uplink(
    inner: Mapping[str, Any], uplink_id: str, stamp: Any, words: tuple[str, str, str, str], who: Any
) -> Uplink:
    port, count, bytes_word, object_word = words
    text = inner.get(bytes_word) or ""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise MqttRefusal("its payload is not base64")
    made = inner.get(object_word, inner.get("objectJSON"))
    if isinstance(made, str):  # ChirpStack v3 can send it as text
        try:
            made = json.loads(made)
        except (ValueError, RecursionError):
            made = None
    found = made if isinstance(made, dict) else None
    return Uplink(
        uplink_id, _whole(inner, port), _whole(inner, count), data, _time(stamp), found, _device(who)
    )


def _device(who: Any) -> str:
    """The EUI under any of its names; ChirpStack 3 may write it in base64, which says nothing here."""
    names = ("devEui", "dev_eui", "devEUI")
    told = next((who[name] for name in names if name in who), "") if isinstance(who, dict) else ""
    return told.lower() if isinstance(told, str) and EUI.match(told) else ""


def _other(told: Mapping[str, Any], topic: str) -> OtherEvent | None:
    """What an event is that is no uplink: by the end of its topic, else by what it holds."""
    last = topic.rsplit("/", 1)[-1]
    kind = last if last in _NO_UPLINKS and last != topic else None
    if kind is None and ("deviceInfo" in told or "devEUI" in told):
        kind = next((name for name, key in _EVENTS.items() if key in told), None)
    if kind is None and "end_device_ids" in told:
        known = ("join_accept", "downlink_", "location_solved", "service_data")
        kind = next((key for key in told if str(key).startswith(known)), None)
    if kind is None:
        return None
    words = [str(told[key]) for key in ("level", "code", "description") if key in told]
    return OtherEvent(kind.removesuffix("_accept"), " ".join(words)[:200])


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
