"""A simulated instrument that publishes: its profile's golden messages, to a real broker, with times of now."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from dodac.errors import ConfigError, InstrumentError
from drivers.profile import LorawanProfile, LorawanTest, MqttJsonProfile, MqttProfile, SparkplugProfile

PUBLISHER_FAULTS: Final[dict[str, str]] = {
    "dead": "nothing is published",
    "torn": "the payload breaks off",
    "twice": "a message is sent twice",
    "noise": "the payload is no message of this instrument",
}
"""Every kind of fault and what it means."""

_ADDRESS: Final = "simulated"
_EUI: Final = "0004a30b00000001"


class SimulatedPublisher:
    """Publishes a profile's messages every `every_s`, quality of service 1.

    broker: its URL. site_line: what an instrument of the site file needs to be found (address or topic).
    Messages whose profile says where the time stands carry the time of sending. Sparkplug B messages are
    the golden ones, with their own times. Raises InstrumentError when the broker can't be reached.
    """

    def __init__(self, profile: MqttProfile, broker: str, *, every_s: float = 2.0) -> None:
        parts = urlsplit(broker)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ConfigError(f'"{broker}" is no broker.', None, "Write mqtt://127.0.0.1:1883")
        self.profile = profile
        self.every_s = every_s
        self.published = 0
        self._host, self._port = parts.hostname, parts.port or 1883
        self._messages = _messages(profile)
        self._faults: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self.site_line = _site_line(profile)

    def start(self) -> None:
        """Connects and begins to publish."""
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        try:
            self._client.connect(self._host, self._port)
        except OSError as error:
            words = f"the broker {self._host}:{self._port} can't be reached: {error.strerror or error}."
            raise InstrumentError(words, None, "Is it running?") from None
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="simulated publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends publishing."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()

    def fault(self, kind: str, count: int = 1) -> None:
        """Makes the next `count` messages show a fault; ValueError for an unknown kind."""
        if kind not in PUBLISHER_FAULTS:
            raise ValueError(f'"{kind}" is not a fault; known are: {", ".join(PUBLISHER_FAULTS)}.')
        with self._lock:
            self._faults[kind] += count

    def next_messages(self, now_s: float) -> list[tuple[str, bytes]]:
        """Topic and payload of what is published next; none when it is silent."""
        with self._lock:
            struck = {kind for kind, left in self._faults.items() if left > 0}
            self._faults.subtract(struck)
        if "dead" in struck:
            return []
        topic, payload = self._messages[self.published % len(self._messages)]
        self.published += 1
        payload = _timed(self.profile, payload, now_s, self.published)
        if "torn" in struck:
            payload = payload[: len(payload) // 2]
        if "noise" in struck:
            payload = b"\x00\xff not a message"
        return [(topic, payload)] * (2 if "twice" in struck else 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for topic, payload in self.next_messages(time.time()):
                self._client.publish(topic, payload, qos=1)
            self._stopping.wait(self.every_s)


def _messages(profile: MqttProfile) -> list[tuple[str, bytes]]:
    """Golden messages that flag nothing, with their topics."""
    if isinstance(profile, SparkplugProfile):
        return [(m.topic, bytes.fromhex(m.payload)) for m in profile.tests[0].messages]
    if isinstance(profile, LorawanProfile):
        good = [test for test in profile.tests if not test.flags] or list(profile.tests)
        return [(profile.topic.replace("+", "1").replace("{address}", _EUI), _uplink(t)) for t in good]
    wanted = [test for test in profile.tests if not test.flags] or list(profile.tests)
    return [(_topic(_pattern(profile, test.topic), test.topic), test.payload.encode()) for test in wanted]


def _pattern(profile: MqttJsonProfile, golden: str | None) -> str:
    """The topic of the profile that a golden message is for, under our own address."""
    words = (golden or "").split("/")
    for also in profile.also:
        ours = also.topic.split("/")
        if len(ours) == len(words) and all(o in (w, "{address}") for o, w in zip(ours, words, strict=True)):
            return also.topic.replace("{address}", _ADDRESS)
    return profile.topic.replace("{address}", _ADDRESS)


def _uplink(test: LorawanTest) -> bytes:
    """What of an uplink is the device's own: port and bytes, or what the network server made of them."""
    data = base64.b64encode(bytes.fromhex(test.payload)).decode()
    made = {"object": json.loads(test.object)} if test.object else {}
    return json.dumps({"fPort": test.port, "data": data, **made}).encode()


def _topic(pattern: str, golden: str | None) -> str:
    """The topic of a golden message under our own address; a wildcard takes the golden message's words."""
    if golden is None or ("#" not in pattern and "+" not in pattern):
        return pattern.rstrip("#").rstrip("/").replace("+", "1")
    words, ours = golden.split("/"), pattern.split("/")
    if ours[-1] == "#":
        return "/".join([*ours[:-1], *words[len(ours) - 1 :]])
    # an address may be several words in the golden message and is one of ours: count from the end
    words = ["1"] * (len(ours) - len(words)) + words[-len(ours) :]
    return "/".join(given if own == "+" else own for own, given in zip(ours, words, strict=True))


def _site_line(profile: MqttProfile) -> str:
    if isinstance(profile, SparkplugProfile):
        return f'address = "{profile.tests[0].address}"'
    if isinstance(profile, LorawanProfile):
        return f'address = "{_EUI}"'
    return f'address = "{_ADDRESS}"' if "{address}" in profile.topic else f'topic = "{profile.topic}"'


def _timed(profile: MqttProfile, payload: bytes, now_s: float, number: int) -> bytes:
    """The payload with the time of sending where the profile says that it stands."""
    if isinstance(profile, LorawanProfile):
        stamp = datetime.fromtimestamp(now_s, UTC).isoformat()
        uplink = {
            "deduplicationId": f"00000000-0000-4000-8000-{number:012x}", "time": stamp,
            "deviceInfo": {"devEui": _EUI, "deviceName": _ADDRESS}, "fCnt": number,
            **json.loads(payload),
        }  # fmt: skip
        return json.dumps(uplink).encode()
    if not isinstance(profile, MqttJsonProfile) or profile.time is None:
        return payload
    try:
        data = json.loads(payload)
    except ValueError:
        return payload
    *parents, last = profile.time.path.split(".")
    place = data
    for word in parents:
        place = place.get(word) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        return payload
    units = {"unix_s": 1, "unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}
    if profile.time.format in units:
        place[last] = round(now_s * units[profile.time.format])
    elif profile.time.format == "iso":
        place[last] = datetime.fromtimestamp(now_s, UTC).isoformat()
    else:
        place[last] = datetime.fromtimestamp(now_s).isoformat(timespec="seconds")  # noqa: DTZ006  (the machine's zone)
    return json.dumps(data).encode()
