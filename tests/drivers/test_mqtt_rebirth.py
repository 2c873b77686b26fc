"""Asking a Sparkplug node for its birth: only where the site allows it, and seldom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto

from dodac.clock import SECOND_NS, ManualClock, SystemClock
from dodac.contracts import DeadLetter, Event
from dodac.errors import ConfigError
from dodac.samples import Layout, Sample
from dodac.site import load_site
from drivers import load_profile, open_connections
from drivers._mqtt_rebirth import Rebirths
from drivers.mqtt_connection import MqttStream
from drivers.profile import SparkplugProfile
from drivers.protocols.sparkplug_wire import decode, rebirth_request

Eventually = Callable[..., None]


class Inbox:
    """Takes everything and acknowledges it at once."""

    def __init__(self) -> None:
        self.items: list[Sample | DeadLetter] = []
        self.events: list[Event] = []

    def layout(self, layout: Layout) -> None:
        pass

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None:
        self._put([sample], done)

    def samples(self, samples: Any, *, source: str, done: Callable[[], None] | None = None) -> None:
        self._put(list(samples), done)

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None:
        self._put([letter], done)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def _put(self, items: list[Any], done: Callable[[], None] | None) -> None:
        self.items += items
        if done is not None:
            done()


def stream(folder: Path, url: str, more: str = "", instrument: str = "") -> MqttStream:
    lines = instrument or 'profile = "generic.sparkplug"\naddress = "plant1/edge2/press3"'
    (folder / "site.toml").write_text(
        f"""
[site]
id = "p"
company = "c"
[connections.broker]
kind = "mqtt"
url = "{url}"
{more}
[[instruments]]
id = "m1"
connection = "broker"
{lines}
"""
    )
    (found,) = open_connections(load_site(folder), SystemClock())
    assert isinstance(found, MqttStream)
    return found


class Paper:
    """A client that only notes what is published."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, int, bool]] = []

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        self.sent.append((topic, payload, qos, retain))


def test_requests_become_rarer_while_nobody_follows_them() -> None:
    clock, paper = ManualClock(), Paper()
    rebirths = Rebirths(clock)
    asked_s = []
    for second in range(8000):
        if rebirths.ask(paper, "spBv1.0/g/NCMD/n"):  # type: ignore[arg-type]
            asked_s.append(second)
        clock.advance(1)
    assert asked_s == [0, 60, 180, 420, 900, 1860, 3780, 7380]
    assert {(topic, qos, retain) for topic, _, qos, retain in paper.sent} == {("spBv1.0/g/NCMD/n", 0, False)}
    assert rebirths.ask(paper, "spBv1.0/g/NCMD/other")  # type: ignore[arg-type]
    rebirths.born("spBv1.0/g/NCMD/n")
    assert rebirths.ask(paper, "spBv1.0/g/NCMD/n")  # type: ignore[arg-type]


def test_the_request_says_rebirth_true_and_nothing_else() -> None:
    # read back by pysparkplug 0.6.1 as NCmd: Node Control/Rebirth, BOOLEAN, True, timestamps equal
    data = rebirth_request(1_795_327_210_000)
    assert data.hex() == (
        "0890e4dc8ea03412210a144e6f646520436f6e74726f6c2f526562697274681890e4dc8ea034200b7001"
    )
    (metric,) = decode(data).metrics
    assert (metric.name, metric.datatype, metric.time_ms) == ("Node Control/Rebirth", 11, 1_795_327_210_000)


@pytest.mark.servers
@pytest.mark.parametrize("allowed", [True, False])
def test_a_birth_is_asked_for_once_and_only_where_the_site_allows_it(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually, *, allowed: bool
) -> None:
    profile = load_profile("generic.sparkplug")
    assert isinstance(profile, SparkplugProfile)
    birth, device, data = profile.tests[1].messages
    heard: list[MQTTMessage] = []
    node = Client(CallbackAPIVersion.VERSION2)
    node.on_message = lambda _client, _data, message: heard.append(message)
    node.connect(mosquitto.host, mosquitto.port)
    node.subscribe("spBv1.0/+/NCMD/#", 1)
    node.loop_start()
    inbox = Inbox()
    line = stream(tmp_path, mosquitto.url, "rebirth_requests = true" if allowed else "")
    line.start(inbox)
    try:
        eventually(lambda: line.status().state == "up")
        for message in (data, data, birth, device, data):
            node.publish(message.topic, bytes.fromhex(message.payload), qos=1).wait_for_publish(10)
        eventually(lambda: line.status().counters.get("acknowledged") == 5)
        # our own message comes back last: whatever was asked has come before it
        node.publish("spBv1.0/end/NCMD/end", b"end", qos=1).wait_for_publish(10)
        eventually(lambda: any(message.payload == b"end" for message in heard))
        eventually(lambda: len(heard) == (2 if allowed else 1))
    finally:
        line.stop(0.2)
        node.disconnect()
        node.loop_stop()
    told = [event.text for event in inbox.events if "asked for its birth" in event.text]
    counted = line.status().counters.get("rebirth_requests", 0)
    assert len(told) == counted == (1 if allowed else 0)
    assert [m.topic for m in heard if b"Rebirth" in m.payload] == (
        ["spBv1.0/plant1/NCMD/edge2"] if allowed else []
    )


def test_sparkplug_on_a_shared_subscription_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="be divided among"):
        stream(tmp_path, "mqtt://127.0.0.1:1", 'share_group = "g"\nclient_id = "a"')


@contextmanager
def publishing_to(
    line: MqttStream, inbox: Inbox, mosquitto: Mosquitto, eventually: Eventually
) -> Iterator[Client]:
    """A client of the broker that the line listens to, while it does."""
    line.start(inbox)
    sender = Client(CallbackAPIVersion.VERSION2)
    try:
        eventually(lambda: line.status().state == "up")
        sender.connect(mosquitto.host, mosquitto.port)
        sender.loop_start()
        yield sender
    finally:
        line.stop(0.2)
        sender.disconnect()
        sender.loop_stop()


@pytest.mark.servers
def test_ten_megabytes_are_kept_in_part_with_the_reason_and_the_rest_goes_on(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inbox = Inbox()
    line = stream(tmp_path, mosquitto.url, instrument='profile = "generic.mqtt-json"\ntopic = "plant/m1"')
    with publishing_to(line, inbox, mosquitto, eventually) as sender:
        huge = b'{"power_w": 4, "pad": "' + b"x" * 9_999_975 + b'"}'
        for payload in (huge, b'{"power_w": 5}'):
            sender.publish("plant/m1", payload, qos=1).wait_for_publish(20)
        eventually(lambda: len(inbox.items) == 2)
    letter, sample = inbox.items
    assert isinstance(letter, DeadLetter)
    assert len(letter.payload) == 1 << 16
    assert "10000000 bytes" in letter.reason
    assert isinstance(sample, Sample)
    assert sample.span_ns < SECOND_NS
    assert not sample.flags


@pytest.mark.servers
def test_a_meter_that_sends_on_several_topics_is_heard_on_all(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inbox = Inbox()
    line = stream(tmp_path, mosquitto.url, instrument='profile = "tasmota.energy"\naddress = "press-3"')
    with publishing_to(line, inbox, mosquitto, eventually) as sender:
        sender.publish("tele/press-3/SENSOR", b'{"ENERGY": {"Power": 5}}', qos=1).wait_for_publish(10)
        told = b'{"StatusSNS": {"ENERGY": {"Power": 6}}}'
        sender.publish("stat/press-3/STATUS10", told, qos=1).wait_for_publish(10)
        eventually(lambda: len(inbox.items) == 2)
    found = [
        item.values[line.layouts()[0].index["power_w"]] for item in inbox.items if isinstance(item, Sample)
    ]
    assert found == [5, 6]
