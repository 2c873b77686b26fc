"""A real Mosquitto: nothing acknowledged too early, nothing stamped with a time nobody knows."""

from __future__ import annotations

import base64
import gc
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto

from dodac.clock import SECOND_NS, SystemClock
from dodac.contracts import DeadLetter, Event
from dodac.errors import ConfigError
from dodac.samples import Layout, Reason, Sample, TimeSource
from dodac.site import load_site
from drivers import load_profile, open_connections
from drivers.mqtt_connection import MqttStream
from drivers.profile import SparkplugProfile

pytestmark = pytest.mark.servers

PLAIN = """
id: test.plain
maker: t
models: [t]
kind: electricity
evidence: {map: [own]}
protocol: mqtt_json
topic: "plant/{address}"
link: {silence_s: SILENCE}
channels:
  power_w: {path: p}
  energy_import_kwh: {path: e}
tests:
  - {payload: '{"p": 1}', expect: {power_w: 1}}
"""


@dataclass
class SlowInbox:
    """An inbox whose commits the test decides: `hold` keeps them back, `full` blocks the caller."""

    items: list[Sample | DeadLetter] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    hold: bool = False
    room: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.room.set()

    def layout(self, layout: Layout) -> None:
        pass

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None:
        self.room.wait(30)
        self._put(sample, done)

    def samples(self, samples: Any, *, source: str, done: Callable[[], None] | None = None) -> None:
        self.room.wait(30)
        self.items += list(samples)
        self._done(done)

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None:
        self._put(letter, done)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def _put(self, item: Sample | DeadLetter, done: Callable[[], None] | None) -> None:
        self.items.append(item)
        self._done(done)

    def _done(self, done: Callable[[], None] | None) -> None:
        if done is not None:
            self.waiting.append(done)
        if not self.hold:
            self.commit()

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done()

    @property
    def good(self) -> list[Sample]:
        return [i for i in self.items if isinstance(i, Sample) and not i.flags]

    def reasons(self) -> list[set[Reason]]:
        return [{flag.reason for flag in item.flags} for item in self.items if isinstance(item, Sample)]

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]


Eventually = Callable[..., None]


class Plant:
    """A site with two meters on one broker, and somebody who publishes."""

    def __init__(self, folder: Path, url: str, more: str = "", silence: float = 60) -> None:
        self.folder = folder
        (folder / "profiles").mkdir(exist_ok=True)
        text = PLAIN.replace("SILENCE", str(silence))
        (folder / "profiles" / "test.plain.yaml").write_text(text)
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
profile = "test.plain"
connection = "broker"
address = "m1"
[[instruments]]
id = "m2"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/m2/data"
"""
        )

    def stream(self) -> MqttStream:
        (stream,) = open_connections(load_site(self.folder), SystemClock())
        assert isinstance(stream, MqttStream)
        return stream

    @contextmanager
    def running(self, inbox: SlowInbox) -> Iterator[MqttStream]:
        stream = self.stream()
        stream.start(inbox)
        try:
            yield stream
        finally:
            inbox.room.set()
            stream.stop(patience_s=0.2)


def publish(broker: Mosquitto, *messages: tuple[str, str | dict[str, Any]], retain: bool = False) -> None:
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.max_inflight_messages_set(1000)
    sender.connect(broker.host, broker.port)
    sender.loop_start()
    sent = [
        sender.publish(topic, body if isinstance(body, str) else json.dumps(body), qos=1, retain=retain)
        for topic, body in messages
    ]
    for info in sent:
        info.wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()


def up(stream: MqttStream) -> Callable[[], bool]:
    return lambda: stream.status().state == "up"


@pytest.fixture
def plant(tmp_path: Path, mosquitto: Mosquitto) -> Plant:
    return Plant(tmp_path, mosquitto.url)


def test_readings_come_with_the_devices_time_to_the_nanosecond_or_with_ours(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        before = time.time_ns()
        now = before // SECOND_NS
        text = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S") + ".123456789Z"
        publish(mosquitto, ("plant/m1", {"p": 5, "e": 7}), ("plant/m2/data", {"time": text, "power_w": 9.5}))
        eventually(lambda: len(inbox.items) == 2)
        ours, device = inbox.good
        assert (ours.instrument, ours.values, ours.time_source) == ("m1", (5.0, 7.0), TimeSource.HOST)
        assert before <= ours.time_ns <= time.time_ns()
        assert device.time_ns == now * SECOND_NS + 123456789
        assert device.time_source == TimeSource.DEVICE
        eventually(lambda: stream.status().counters.get("acknowledged") == 2)
        assert set(stream.status().last_good_ns) == {"m1", "m2"}


def test_nothing_is_acknowledged_before_it_is_on_disk(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    first = SlowInbox(hold=True)
    with plant.running(first) as stream:
        eventually(up(stream))
        for n in range(5):  # one by one: what comes together is acknowledged together
            publish(mosquitto, ("plant/m1", {"p": n}))
            eventually(lambda n=n: len(first.items) == n + 1)
        for done in first.waiting[:2]:
            done()
        kept, first.waiting = first.waiting[2:], []
        eventually(lambda: stream.status().counters["acknowledged"] == 2)
    # the program ended before the other three were committed: the broker sends them again
    second = SlowInbox()
    with plant.running(second) as stream:
        eventually(lambda: len(second.items) == 3)
        for done in kept:
            done()  # too late: another connection, these identifiers mean other messages now
        eventually(lambda: stream.status().counters["acknowledged"] == 3)
        values = [flag.value for item in second.items if isinstance(item, Sample) for flag in item.flags]
        assert values == [2.0, 3.0, 4.0]
    third = SlowInbox()
    with plant.running(third) as stream:
        eventually(up(stream))
        time.sleep(0.3)
        assert not third.items


def test_what_waited_for_us_is_never_stamped_now(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    with plant.running(SlowInbox()) as stream:
        eventually(up(stream))
    then = datetime.fromtimestamp(time.time() - 3600, UTC)
    publish(
        mosquitto,
        *[("plant/m1", {"p": n}) for n in range(50)],
        ("plant/m2/data", {"time": then.isoformat(), "power_w": 9.5}),
    )
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(lambda: len(inbox.items) == 51)
        waited = [item for item in inbox.items if isinstance(item, Sample) and item.instrument == "m1"]
        assert {sample.time_source for sample in waited} == {TimeSource.UNKNOWN}
        assert {flag.reason for sample in waited for flag in sample.flags} == {Reason.TIME_UNKNOWN}
        assert [sample.flags[0].value for sample in waited] == list(range(50))
        # a device that says when it measured is believed, however long its message waited
        (timed,) = inbox.good
        assert timed.time_ns == int(then.timestamp()) * SECOND_NS + then.microsecond * 1000
        while len(inbox.good) < 2:  # once the queue has run dry for 200 ms, what comes is of now
            time.sleep(0.3)
            seen = len(inbox.items)
            publish(mosquitto, ("plant/m1", {"p": 99}))
            eventually(lambda seen=seen: len(inbox.items) > seen)
        assert inbox.good[1].time_source == TimeSource.HOST


def test_a_slow_commit_does_not_make_the_queue_look_empty(
    mosquitto_factory: Callable[..., Mosquitto], tmp_path: Path, eventually: Eventually
) -> None:
    broker = mosquitto_factory("max_inflight_messages 2")
    plant = Plant(tmp_path, broker.url)
    with plant.running(SlowInbox()) as stream:
        eventually(up(stream))
    publish(broker, *[("plant/m1", {"p": n}) for n in range(6)])
    inbox = SlowInbox(hold=True)
    with plant.running(inbox):
        # after a reconnection Mosquitto 2.0.11 may send two messages for one acknowledgement
        while len(inbox.items) < 6:
            eventually(lambda: bool(inbox.waiting))
            time.sleep(0.25)  # longer than the 200 ms that end a burst
            inbox.commit()
        assert inbox.reasons() == [{Reason.TIME_UNKNOWN}] * 6


def test_a_busy_broker_does_not_keep_readings_without_a_time_doubtful_for_ever(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    # 40 messages a second leave no silence of 200 ms: after a restart a plain meter had no good reading
    with plant.running(SlowInbox()) as stream:
        eventually(up(stream))
    publish(mosquitto, *[("plant/m1", {"p": n}) for n in range(100)])
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.connect(mosquitto.host, mosquitto.port)
    sender.loop_start()
    stop = threading.Event()

    def busy() -> None:
        while not stop.wait(0.02):
            sender.publish("plant/m1", '{"p": 1000}', qos=1)

    other = threading.Thread(target=busy)
    other.start()
    inbox = SlowInbox()
    try:
        with plant.running(inbox):
            eventually(lambda: len(inbox.good) >= 20)
    finally:
        stop.set()
        other.join()
        sender.disconnect()
        sender.loop_stop()
    assert {sample.values[0] for sample in inbox.good} == {1000.0}
    doubtful = [item for item in inbox.items if isinstance(item, Sample) and item.flags]
    assert len(doubtful) >= 100


def test_a_retained_message_is_stale_and_does_not_collide(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    publish(mosquitto, ("plant/m1", {"p": 5}), retain=True)
    inbox = SlowInbox()
    with plant.running(inbox):
        eventually(lambda: len(inbox.items) == 1)
        (sample,) = inbox.items
        assert isinstance(sample, Sample)
        assert inbox.reasons() == [{Reason.STALE}]
        assert sample.part == 1
        assert sample.time_source == TimeSource.UNKNOWN


def test_a_bad_payload_is_kept_with_its_reason_and_does_not_stop_the_rest(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    stranger = Client(CallbackAPIVersion.VERSION2, client_id="dodac-p-broker", clean_session=False)
    stranger.connect(mosquitto.host, mosquitto.port)
    taken = threading.Event()
    stranger.on_subscribe = lambda *_: taken.set()
    stranger.subscribe("left/over", 1)  # a subscription of yesterday's site file
    stranger.loop_start()
    assert taken.wait(10)
    stranger.disconnect()
    stranger.loop_stop()
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        publish(
            mosquitto,
            ("plant/m1", "{oops"),
            ("left/over", '{"p": 1}'),
            ("plant/m1", '{"other": 1}'),
            ("plant/m1", '{"p": 2}'),
        )
        eventually(lambda: stream.status().counters.get("acknowledged") == 4)
        letters = [item for item in inbox.items if isinstance(item, DeadLetter)]
        assert [(one.topic, one.payload, one.instrument) for one in letters] == [
            ("plant/m1", b"{oops", "m1"),
            ("left/over", b'{"p": 1}', None),
            ("plant/m1", b'{"other": 1}', "m1"),
        ]
        assert all(letter.reason for letter in letters)
        assert stream.status().counters["dead_letters"] == 3


def test_a_device_with_a_wrong_clock_is_doubtful_and_not_filed_under_another_day(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        publish(
            mosquitto,
            ("plant/m2/data", {"time": "1970-01-01T00:00:10Z", "power_w": 1}),
            ("plant/m2/data", {"time": "2099-01-01T00:00:10Z", "power_w": 1}),
            ("plant/m2/data", {"time": "soon", "power_w": 1}),
        )
        eventually(lambda: len(inbox.items) == 3)
        assert inbox.reasons() == [{Reason.CLOCK}, {Reason.CLOCK}, set()]
        for item in inbox.items:
            assert isinstance(item, Sample)
            assert abs(item.time_ns - time.time_ns()) < 10 * SECOND_NS


def test_a_device_in_the_wrong_time_zone_is_told_once_with_what_to_do(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    def sent(hours: float, watts: float) -> tuple[str, dict[str, Any]]:
        at = datetime.fromtimestamp(time.time() + hours * 3600, UTC)
        return "plant/m2/data", {"time": at.isoformat(), "power_w": watts}

    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        publish(mosquitto, sent(-7, 1), sent(-7, 2))
        eventually(lambda: len(inbox.items) == 2)
        assert inbox.kinds() == ["fault_start"]
        publish(mosquitto, sent(0, 3), sent(0, 4))
        eventually(lambda: len(inbox.items) == 4)
        eventually(lambda: inbox.kinds() == ["fault_start", "fault_end", "gap"])
        told, ended, gap = inbox.events
        assert told.instrument == ended.instrument == gap.instrument == "m2"
        assert "is 7 h 0 min behind ours" in told.text
        assert "time zone" in told.text
        assert [v for sample in inbox.good for v in sample.values if v == v] == [3, 4]
        assert gap.end_ns == inbox.good[0].time_ns
        publish(mosquitto, ("plant/m2/data", {"time": "1970-01-01T00:00:10Z", "power_w": 1}))
        eventually(lambda: inbox.kinds()[3:] == ["fault_start"])
        assert "was never set" in inbox.events[-1].text


def test_a_broker_that_is_away_is_one_event_and_one_when_it_is_back(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers._mqtt_link.RECONNECT_S", (0.05, 0.2))
    mosquitto.stop()
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(lambda: stream.status().counters.get("broker_faults", 0) >= 2)  # tried again meanwhile
        assert inbox.kinds() == ["fault_start"]
        assert inbox.reasons() == [{Reason.NO_ANSWER}] * 2
        mosquitto.start()
        eventually(up(stream))
        eventually(lambda: inbox.kinds() == ["fault_start", "fault_end"])
        publish(mosquitto, ("plant/m1", {"p": 1}))
        eventually(lambda: inbox.kinds() == ["fault_start", "fault_end", "gap"])
        gap = inbox.events[-1]
        assert gap.instrument == "m1"
        assert gap.end_ns == inbox.good[0].time_ns
        mosquitto.kill()
        eventually(lambda: inbox.kinds()[3:] == ["fault_start"])
        assert stream.status().state == "down"
        eventually(lambda: len(inbox.reasons()) == 4)  # m2 is still in its first fault


def test_a_meter_that_falls_silent_is_told_once(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    plant = Plant(tmp_path, mosquitto.url, silence=0.3)
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        eventually(lambda: inbox.kinds() == ["fault_start"])
        time.sleep(0.5)
        assert inbox.kinds() == ["fault_start"]
        assert inbox.events[0].instrument == "m1"
        assert "0.3 s" in inbox.events[0].text
        publish(mosquitto, ("plant/m1", {"p": 1}))
        eventually(lambda: inbox.kinds()[:3] == ["fault_start", "fault_end", "gap"])


def test_a_full_inbox_makes_the_broker_wait_and_loses_nothing(
    plant: Plant, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        inbox.room.clear()
        publish(mosquitto, *[("plant/m1", {"p": n}) for n in range(2000)])
        time.sleep(0.2)
        assert len(inbox.items) == 0
        inbox.room.set()
        eventually(lambda: stream.status().counters.get("acknowledged") == 2000)
        assert [sample.values[0] for sample in inbox.good] == list(range(2000))


def test_two_collectors_share_one_subscription(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    inboxes = [SlowInbox(), SlowInbox()]
    streams = []
    for number, inbox in enumerate(inboxes):
        folder = tmp_path / str(number)
        folder.mkdir()
        more = f'share_group = "g"\nclient_id = "collector-{number}"'
        stream = Plant(folder, mosquitto.url, more).stream()
        stream.start(inbox)
        eventually(up(stream))
        streams.append(stream)
    time.sleep(0.1)
    publish(mosquitto, *[("plant/m1", {"p": n}) for n in range(40)])
    eventually(lambda: sum(len(inbox.items) for inbox in inboxes) == 40)
    assert all(inbox.items for inbox in inboxes)
    for stream in streams:
        stream.stop()


def test_a_wrong_password_is_told_and_the_right_one_works(
    tmp_path: Path,
    mosquitto_factory: Callable[..., Mosquitto],
    require: Callable[[str], Path],
    eventually: Eventually,
) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run([require("mosquitto_passwd"), "-b", "-c", passwords, "kit", "geheim"], check=True)
    passwords.chmod(0o644)
    broker = mosquitto_factory("allow_anonymous false", f"password_file {passwords}")
    plant = Plant(tmp_path, broker.url, 'user = "kit"\npassword_file = "secret"')
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    inbox = SlowInbox()
    with plant.running(inbox):
        eventually(lambda: inbox.kinds() == ["fault_start"])
        assert "refuses" in inbox.events[0].text
        assert "wrong" not in inbox.events[0].text
    secret.write_text("geheim\n")
    with plant.running(SlowInbox()) as stream:
        eventually(up(stream))


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_is_checked_against_the_sites_own_authority(
    tmp_path: Path,
    mosquitto_factory: Callable[..., Mosquitto],
    require: Callable[[str], Path],
    eventually: Eventually,
) -> None:
    openssl = require("openssl")
    for name in ("good", "other"):
        subprocess.run(
            [
                openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / f"{name}.key",
                "-out", tmp_path / f"{name}.crt",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    (tmp_path / "good.key").chmod(0o644)
    broker = mosquitto_factory(f"certfile {tmp_path}/good.crt", f"keyfile {tmp_path}/good.key")
    url = broker.url.replace("mqtt:", "mqtts:")
    with Plant(tmp_path, url, 'ca_file = "good.crt"').running(SlowInbox()) as stream:
        eventually(up(stream))
    inbox = SlowInbox()
    with Plant(tmp_path, url, 'ca_file = "other.crt"').running(inbox) as stream:
        eventually(lambda: inbox.kinds() == ["fault_start"])
        assert stream.status().state == "down"
    gc.collect()
    (tmp_path / "none.crt").write_text("no certificate\n")
    with pytest.raises(ConfigError, match="certificates"):
        Plant(tmp_path, url, 'ca_file = "none.crt"').stream()


def test_topics_that_are_none_are_refused_before_connecting(tmp_path: Path) -> None:
    plant = Plant(tmp_path, "mqtt://127.0.0.1:1")
    site = (tmp_path / "site.toml").read_text()
    for bad in ("plant/m#/data", "plant/#/data", "plant/{address}/x"):
        (tmp_path / "site.toml").write_text(site.replace("plant/m2/data", bad))
        with pytest.raises(ConfigError, match="topic"):
            plant.stream()


def test_one_message_for_two_instruments_is_acknowledged_when_both_have_it(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    plant = Plant(tmp_path, mosquitto.url)
    site = tmp_path / "site.toml"
    text = site.read_text().replace('id = "m2"', 'id = "m2"\nprofile = "test.other"\ntopic = "plant/m1"')
    site.write_text(
        text.replace('profile = "generic.mqtt-json"\n', "").replace('topic = "plant/m2/data"\n', "")
    )
    other = PLAIN.replace("SILENCE", "60").replace("test.plain", "test.other")
    other = other.replace("power_w: {path: p}", "power_w: {path: q}").replace('{"p": 1}', '{"q": 1}')
    (tmp_path / "profiles" / "test.other.yaml").write_text(other)
    inbox = SlowInbox(hold=True)
    with plant.running(inbox) as stream:
        eventually(up(stream))
        publish(mosquitto, ("plant/m1", {"p": 5, "q": 6}), ("plant/m1", {"p": 7}))
        eventually(lambda: len(inbox.items) == 4)
        assert [(i.instrument, i.values[0]) for i in inbox.good] == [("m1", 5.0), ("m2", 6.0), ("m1", 7.0)]
        assert isinstance(inbox.items[-1], DeadLetter)
        assert inbox.items[-1].instrument == "m2"
        assert "acknowledged" not in stream.status().counters
        inbox.commit()
        eventually(lambda: stream.status().counters.get("acknowledged") == 2)


def test_a_days_history_is_acknowledged_when_all_of_it_is_on_disk_and_never_doubled(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    plant = Plant(tmp_path, mosquitto.url)
    site = tmp_path / "site.toml"
    text = site.read_text().replace('profile = "generic.mqtt-json"', 'profile = "axioma.qalcosonic-w1"')
    site.write_text(text.replace('topic = "plant/m2/data"', 'address = "70b3d5"'))
    now = time.time_ns() // SECOND_NS
    frame = b"\x01" + now.to_bytes(4, "little") + b"\0" + (5000).to_bytes(4, "little") + b"\1" + bytes(40)
    uplink = {
        "deduplicationId": "a",
        "time": datetime.fromtimestamp(now, UTC).isoformat(),
        "deviceInfo": {},
        "fCnt": 4,
        "fPort": 100,
        "data": base64.b64encode(frame).decode(),
    }
    inbox = SlowInbox(hold=True)
    with plant.running(inbox) as stream:
        eventually(up(stream))
        publish(mosquitto, ("application/x/device/70b3d5/event/up", uplink))
        eventually(lambda: len(inbox.items) == 24)
        assert len(inbox.waiting) == 1
        assert "acknowledged" not in stream.status().counters
    first = {item.digest() for item in inbox.good}
    again = SlowInbox()
    with plant.running(again) as stream:  # nothing was committed: the broker sends it again
        eventually(lambda: stream.status().counters.get("acknowledged") == 1)
    assert {item.digest() for item in again.good} == first
    assert len(first) == 24


def test_two_devices_of_one_sparkplug_node_each_take_their_own_readings(
    tmp_path: Path, mosquitto: Mosquitto, eventually: Eventually
) -> None:
    plant = Plant(tmp_path, mosquitto.url)
    site = tmp_path / "site.toml"
    text = site.read_text().replace('profile = "test.plain"', 'profile = "generic.sparkplug"')
    text = text.replace('address = "m1"', 'address = "plant1/edge2/press3"')
    text = text.replace('profile = "generic.mqtt-json"', 'profile = "generic.sparkplug"')
    site.write_text(text.replace('topic = "plant/m2/data"', 'address = "plant1/edge2/press4"'))
    profile = load_profile("generic.sparkplug")
    assert isinstance(profile, SparkplugProfile)
    (birth, device, data) = profile.tests[1].messages
    inbox = SlowInbox()
    with plant.running(inbox) as stream:
        eventually(up(stream))
        sender = Client(CallbackAPIVersion.VERSION2)
        sender.connect(mosquitto.host, mosquitto.port)
        sender.loop_start()
        for message in (data, birth, device, data):
            sender.publish(message.topic, bytes.fromhex(message.payload), qos=1).wait_for_publish(10)
        other = device.topic.replace("press3", "press4")
        sender.publish(other, bytes.fromhex(device.payload), qos=1).wait_for_publish(10)
        eventually(lambda: stream.status().counters.get("acknowledged") == 5)
        sender.disconnect()
        sender.loop_stop()
    letter, *samples = inbox.items
    assert isinstance(letter, DeadLetter)
    assert "before the node's birth" in letter.reason
    assert [item.instrument for item in samples] == ["m1", "m1", "m2"]
    # these golden messages are of another time than now
    assert {flag.reason for item in samples for flag in item.flags} <= {Reason.CLOCK, Reason.DECODE}


def test_a_sparkplug_address_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    plant = Plant(tmp_path, "mqtt://127.0.0.1:1")
    site = tmp_path / "site.toml"
    good = site.read_text().replace('profile = "test.plain"', 'profile = "generic.sparkplug"')
    site.write_text(good)
    with pytest.raises(ConfigError, match="GROUP/NODE/DEVICE") as told:
        plant.stream()
    assert told.value.where.line == good.splitlines().index('address = "m1"') + 1
    site.write_text(good.replace('address = "m1"', 'topic = "a/b"'))
    with pytest.raises(ConfigError, match="no topic of its own"):
        plant.stream()
