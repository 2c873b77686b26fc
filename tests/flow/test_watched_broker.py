"""A broker's network thread that hangs under the watch: replaced, and nothing is lost or stored twice."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto

from collector import Collector, ingest
from dodac.clock import SECOND_NS, SystemClock
from dodac.contracts import EventKind
from dodac.site import Site, load_site
from store import JournalStore

pytestmark = pytest.mark.servers
END_NS = 1 << 62

SITE = """
[site]
id = "watched"
company = "test"
[connections.broker]
kind = "mqtt"
url = "{url}"
[[instruments]]
id = "m"
profile = "test.plain"
connection = "broker"
address = "m"
"""
PLAIN = """
id: test.plain
maker: t
models: [t]
kind: electricity
evidence: {map: [own]}
protocol: mqtt_json
topic: "plant/{address}"
link: {silence_s: 600}
channels:
  energy_import_kwh: {path: e}
tests:
  - {payload: '{"e": 1}', expect: {energy_import_kwh: 1}}
"""


class SleptClock(SystemClock):
    """The clock of a machine whose lid can be closed for a while."""

    def __init__(self) -> None:
        self.slept_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.slept_ns


@pytest.fixture
def site(tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("drivers._mqtt_link.RECONNECT_S", (0.05, 0.2))
    monkeypatch.setattr("collector._watch.TURN_S", 0.05)
    monkeypatch.setattr("collector._care._LINE_S", 2.0)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "test.plain.yaml").write_text(PLAIN, encoding="utf-8")
    (tmp_path / "site.toml").write_text(SITE.format(url=mosquitto.url), encoding="utf-8")
    return load_site(tmp_path)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def publish(broker: Mosquitto, numbers: range) -> None:
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.max_inflight_messages_set(1000)
    sender.connect(broker.host, broker.port)
    sender.loop_start()
    for info in [sender.publish("plant/m", json.dumps({"e": n}), qos=1) for n in numbers]:
        info.wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()


def stored(site: Site) -> Counter[int]:
    found: Counter[int] = Counter()
    with JournalStore(site.journal_path) as store:
        for sample in store.samples("m", 0, END_NS):
            found.update(int(value) for value in sample.values if value == value)
            found.update(int(flag.value) for flag in sample.flags if flag.value is not None)
    return found


def restarts(collector: Collector) -> int:
    return sum(state.restarts for state in collector._care.watch.states())


def connection(collector: Collector) -> Any:
    return collector.parts().connections[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # SystemExit ends it
def test_a_network_thread_that_hangs_is_replaced_and_no_message_is_lost_or_stored_twice(
    site: Site, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    slow, hangs, free = threading.Event(), threading.Event(), threading.Event()
    commit_all = ingest.commit_all

    def slowly(*args: Any) -> Any:
        if slow.is_set():
            slow.clear()
            time.sleep(4)  # still under way when the fresh connection begins
        return commit_all(*args)

    monkeypatch.setattr(ingest, "commit_all", slowly)
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        old = connection(collector)
        until(lambda: old.status().state == "up")
        publish(mosquitto, range(1, 101))  # a broker's numbers are trusted after 64 of them
        until(lambda: old.status().counters.get("acknowledged") == 100)
        client = old._client
        take = client._on_messages

        def takes_and_hangs(*args: Any) -> None:
            take(*args)
            hangs.set()
            free.wait(60)

        client._on_messages = takes_and_hangs
        slow.set()
        publish(mosquitto, range(101, 102))
        assert hangs.wait(10)
        publish(mosquitto, range(102, 111))
        until(lambda: restarts(collector) == 1)
        assert connection(collector) is not old
        publish(mosquitto, range(111, 151))
        free.set()
        until(lambda: set(stored(site)) == set(range(1, 151)))
        until(lambda: client.thread is None or not client.thread.is_alive())
        publish(mosquitto, range(151, 161))
        until(lambda: set(stored(site)) == set(range(1, 161)))
        collector.flush()
        assert collector.ledger().balanced()
    finally:
        free.set()
        assert collector.stop()
    assert stored(site) == Counter(range(1, 161))
    with JournalStore(site.journal_path) as store:
        told = [event for event in store.events(0, END_NS) if event.source == "watch connection broker"]
    assert [event.kind for event in told] == [EventKind.ALARM, EventKind.FAULT_END]
    fault_row(
        "the network thread of a broker hangs",
        "seen after 3 minutes without a turn, told, put aside; a fresh connection takes the session over",
        0,
        "alarm, the stack in the log, gap of its instruments",
        chapter="broker",
    )


def test_a_lid_that_was_closed_for_an_hour_makes_no_connection_look_stuck(
    site: Site, mosquitto: Mosquitto
) -> None:
    clock = SleptClock()
    collector = Collector(site, clock)
    collector.start()
    try:
        until(lambda: connection(collector).status().state == "up")
        clock.slept_ns = 3600 * SECOND_NS
        time.sleep(3.5)
        assert [s.name for s in collector._care.watch.states() if s.restarts or s.state != "turns"] == []
        publish(mosquitto, range(1, 3))
        until(lambda: len(stored(site)) == 2)
    finally:
        assert collector.stop()
