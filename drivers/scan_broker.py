"""What a broker carries: topics, rates, and which profiles read their messages."""

from __future__ import annotations

import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drivers._mqtt_decoders import decoder_of
from drivers.links import LinkDown
from drivers.profile import LorawanProfile, MqttJsonProfile, MqttProfile, Profile, SparkplugProfile
from drivers.protocols.message import MqttRefusal

_KEPT: Final = 8  # messages of a topic that are looked at
_MOST_TOPICS: Final = 5_000
_LONGEST: Final = 65_536


@dataclass
class Topic:
    """One topic: messages heard, whether the first was an old retained one, and its last payloads."""

    name: str
    messages: int = 0
    retained: bool = False
    size: int = 0
    payloads: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fit:
    """A profile that reads a topic: the address it would have, and what it reads."""

    profile: str
    address: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker is, and how to get in."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class Listening:
    """Listens to a broker with a session that leaves nothing behind; nothing is published."""

    def __init__(self, place: Place, filters: Sequence[str] = ("#",)) -> None:
        self.place = place
        self.filters = list(filters)
        self.topics: dict[str, Topic] = {}
        self.left_out = 0
        self.seconds = 0.0
        self._refusal = ""

    def listen(self, seconds: float, progress: Callable[[float, int], None] = lambda _s, _n: None) -> None:
        """Fills `topics` for so long; raises LinkDown when the broker can't be reached or refuses."""
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"dodac-scan-{secrets.token_hex(4)}", clean_session=True
        )
        client.on_connect = self._connected
        client.on_message = self._message
        client.on_subscribe = self._subscribed
        if self.place.user is not None:
            client.username_pw_set(self.place.user, self.place.password)
        if self.place.tls is not None:
            client.tls_set_context(self.place.tls)
        where = f"{self.place.host}:{self.place.port}"
        start = time.monotonic()
        try:
            client.connect(self.place.host, self.place.port, keepalive=30)
            while self.seconds < seconds and not self._refusal:
                self.seconds = time.monotonic() - start
                fault = client.loop(timeout=0.1)
                if fault != mqtt.MQTT_ERR_SUCCESS and not self._refusal:
                    self._refusal = mqtt.error_string(fault).rstrip(".").lower()
                progress(self.seconds, len(self.topics))
        except (OSError, ValueError) as error:
            raise LinkDown(f"{where}: {getattr(error, 'strerror', None) or error}") from None
        finally:
            client.disconnect()
        if self._refusal:
            raise LinkDown(f"{where}: the broker says: {self._refusal}")

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason).lower()
            return
        for topic in self.filters:
            client.subscribe(topic, qos=0)

    def _subscribed(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        if all(reason.is_failure for reason in reasons):
            self._refusal = "this user may not read these topics"

    def _message(self, _client: Any, _data: Any, message: Any) -> None:
        if message.topic not in self.topics and len(self.topics) >= _MOST_TOPICS:
            self.left_out += 1
            return
        topic = self.topics.setdefault(message.topic, Topic(message.topic, retained=bool(message.retain)))
        topic.messages += 1
        topic.size = len(message.payload)
        if len(topic.payloads) < _KEPT and len(message.payload) <= _LONGEST:
            topic.payloads.append(bytes(message.payload))


def fits(topic: Topic, profiles: Iterable[Profile]) -> list[Fit]:
    """The profiles that read a topic's messages, those that read most first; generic ones last."""
    found = []
    for profile in profiles:
        address = _address(topic.name, profile)
        if address is not None and isinstance(profile, MqttProfile):
            channels = _reads(profile, topic, address)
            if channels:
                found.append(Fit(profile.id, address, channels))
    return sorted(
        found, key=lambda fit: (fit.profile.startswith("generic."), -len(fit.channels), fit.profile)
    )


def shape(topic: Topic) -> str:
    """What the messages look like, for those that no profile reads."""
    words = topic.name.split("/")
    if words[0] == "spBv1.0":
        return f"Sparkplug B, {words[2] if len(words) > 2 else 'no message type'}"
    payload = topic.payloads[-1].strip() if topic.payloads else b""
    if payload[:1] in (b"{", b"["):
        known = {
            b'"deviceInfo"': "ChirpStack",
            b'"end_device_ids"': "The Things Stack",
            b'"ENERGY"': "Tasmota",
        }
        for key, name in known.items():
            if key in payload:
                return f"JSON of {name}"
        return "JSON"
    if re.fullmatch(rb"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", payload):
        return "a number"
    return "text" if payload.isascii() else "bytes"


def _address(topic: str, profile: Profile) -> str | None:
    """The address that makes a profile's topic this one; None when none does."""
    if isinstance(profile, SparkplugProfile):
        words = topic.split("/")
        if len(words) < 4 or words[0] != "spBv1.0" or words[2] == "STATE":
            return None
        return "/".join([words[1], *words[3:5]])
    if isinstance(profile, LorawanProfile):
        for form in (profile.topic, "v3/+/devices/{address}/up", "application/+/device/{address}/event/up"):
            if (match := _pattern(form).fullmatch(topic)) is not None:
                return match.group(1)
        return None
    if isinstance(profile, MqttJsonProfile):
        if profile.topic == "{address}":
            return topic
        match = _pattern(profile.topic).fullmatch(topic)
        return match.group(1) if match is not None and match.groups() else None
    return None


def _pattern(template: str) -> re.Pattern[str]:
    words = [
        "([^/]+)" if word == "{address}" else "[^/]+" if word == "+" else re.escape(word)
        for word in template.split("/")
    ]
    return re.compile("/".join(words))


def _reads(profile: MqttProfile, topic: Topic, address: str) -> tuple[str, ...]:
    """The channels that the messages heard give good values for."""
    try:
        decoder = decoder_of(profile, "UTC", address)
    except ValueError:
        return ()
    channels: dict[str, None] = {}
    for payload in topic.payloads:
        try:
            message = decoder.message(topic.name, payload)
        except MqttRefusal:
            continue
        for sample in message.samples:
            channels.update(dict.fromkeys(sample.values))
    return tuple(channels)
