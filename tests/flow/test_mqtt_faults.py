"""Brokers on bad days, against a whole collector with its journal: what is lost is lost at the broker, and named."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto

from collector import Collector
from dodac.clock import SystemClock
from dodac.contracts import Event
from dodac.site import load_site
from store import Journal, JournalStore

pytestmark = pytest.mark.servers
END_NS = 1 << 62

SITE = """
[site]
id = "faults"
company = "test"
{more}
[connections.broker]
kind = "mqtt"
url = "{url}"
{connection}
[[instruments]]
id = "m"
profile = "test.plain"
connection = "broker"
address = "m"
{instrument}
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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers._mqtt_link.RECONNECT_S", (0.05, 0.2))


def write_site(folder: Path, url: str, connection: str = "", instrument: str = "", more: str = "") -> Path:
    (folder / "profiles").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "test.plain.yaml").write_text(PLAIN, encoding="utf-8")
    text = SITE.format(url=url, connection=connection, instrument=instrument, more=more)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    return folder


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def collecting(site: Path) -> Iterator[Collector]:
    collector = Collector(load_site(site), SystemClock(), wait_s=5)
    collector.start()
    try:
        yield collector
        collector.flush()
        assert collector.ledger().balanced()
    finally:
        collector.stop()


def broker_of(collector: Collector) -> Any:
    return collector.status().connections[0]


def events(site: Path) -> list[Event]:
    return JournalStore(site / "data" / "journal.db").events(0, END_NS)


def stored(site: Path, instrument: str = "m") -> list[int]:
    found = []
    for sample in JournalStore(site / "data" / "journal.db").samples(instrument, 0, END_NS):
        found += [int(v) for v in sample.values if v == v]
        found += [int(f.value) for f in sample.flags if f.value is not None]
    return found


def publish(broker: Mosquitto, numbers: range, topic: str = "plant/m", pad: int = 0) -> None:
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.max_inflight_messages_set(1000)
    sender.connect(broker.host, broker.port)
    sender.loop_start()
    for info in [sender.publish(topic, json.dumps({"e": n, "pad": "x" * pad}), qos=1) for n in numbers]:
        info.wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()


def _taken(counters: Mapping[str, int]) -> int:
    return counters.get("acknowledged", 0) - counters.get("redelivered", 0)


@pytest.mark.parametrize("kept", [True, False])
def test_a_broker_that_ends_in_the_middle_is_followed_and_what_it_lost_is_a_gap(
    tmp_path: Path, mosquitto_factory: Callable[..., Mosquitto], fault_row: Any, *, kept: bool
) -> None:
    broker = mosquitto_factory()
    if not kept:
        conf = broker.folder / "mosquitto.conf"
        conf.write_text(conf.read_text("utf-8").replace("persistence true", "persistence false"), "utf-8")
        broker.stop()
        broker.start()
    site = write_site(tmp_path / "site", broker.url)
    with collecting(site) as collector:
        until(lambda: broker_of(collector).state == "up")
        publish(broker, range(1, 101))
        until(lambda: broker_of(collector).counters.get("acknowledged") == 100)
        (broker.stop if kept else broker.kill)()
        until(lambda: broker_of(collector).state == "down")
        broker.start()
        until(lambda: broker_of(collector).state == "up")
        publish(broker, range(101, 201))
        # what it had not seen acknowledged when it ended comes again, and is recognised
        until(lambda: _taken(broker_of(collector).counters) == 200)
        counters = broker_of(collector).counters
    assert Counter(stored(site)) == Counter(range(1, 201))
    gaps = [
        event
        for event in events(site)
        if event.kind == "gap" and event.source == "broker" and not event.instrument
    ]
    assert len(gaps) == (0 if kept else 1)
    assert counters.get("sessions_lost", 0) == len(gaps)
    if gaps:
        assert "lost our session" in gaps[0].text
        assert gaps[0].end_ns is not None
        assert gaps[0].time_ns < gaps[0].end_ns
    fault_row(
        f"broker {'stopped' if kept else 'killed (SIGKILL)'} and started again, persistence {'on' if kept else 'off'}",
        "found again with pauses of 1 to 60 s, topics asked for again, goes on",
        len(set(range(1, 201)) - set(stored(site))),
        "fault event; gap per instrument"
        if kept
        else "fault event; a gap names what the broker had not kept",
        chapter="broker",
    )


def test_a_payload_of_ten_megabytes_is_kept_short_with_its_sum_and_the_memory_stays_flat(
    tmp_path: Path, mosquitto: Mosquitto, fault_row: Any
) -> None:
    site = write_site(tmp_path / "site", mosquitto.url)
    large = b"\xff" * 10_000_000
    with collecting(site) as collector:
        until(lambda: broker_of(collector).state == "up")
        sender = Client(CallbackAPIVersion.VERSION2)
        sender.connect(mosquitto.host, mosquitto.port)
        sender.loop_start()
        sender.publish("plant/m", large, qos=1).wait_for_publish(20)
        until(lambda: broker_of(collector).counters.get("acknowledged") == 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(5):
            sender.publish("plant/m", large, qos=1).wait_for_publish(20)
        until(lambda: broker_of(collector).counters.get("acknowledged") == 6)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sender.disconnect()
        sender.loop_stop()
        publish(mosquitto, range(1, 2))
        until(lambda: broker_of(collector).counters.get("acknowledged") == 7)
    assert after - before < 60_000, (before, after)  # kB
    with Journal.open(site / "data" / "journal.db") as journal:
        rows = journal._db.execute("SELECT length(payload), reason FROM dead_letters").fetchall()
    assert len(rows) == 6
    for size, reason in rows:
        assert size == 1 << 16
        assert "10000000 bytes" in reason
        assert hashlib.sha256(large).hexdigest() in reason
    assert stored(site) == [1]
    fault_row(
        "a payload of 10 MB",
        "its head, size and SHA-256 are kept as a dead letter, acknowledged and counted; the next message is read",
        0,
        "dead letter with topic and reason",
        chapter="broker",
    )


def test_a_topic_that_was_silent_before_the_start_is_told_after_it_once_and_ended_once(
    tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    monkeypatch.setattr("drivers._mqtt_watch._GRACE_S", 0.3)
    site = write_site(tmp_path / "site", mosquitto.url, instrument='silence = "6s"')
    with collecting(site) as collector:
        until(lambda: broker_of(collector).state == "up")
        publish(mosquitto, range(1, 2))
        until(lambda: stored(site) == [1])
    time.sleep(6)
    begin = time.monotonic()
    with collecting(site) as collector:

        def told(kind: str) -> list[Event]:
            return [e for e in events(site) if e.kind == kind and e.instrument == "m"]

        until(lambda: bool(told("fault_start")))
        assert time.monotonic() - begin < 5.5, "counted from the start, not from its last message"
        assert "no message for 6 s" in told("fault_start")[0].text
        command = [sys.executable, "-m", "dodac", "status", "--site", str(site)]
        shown = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60).stdout
        assert "no message for 6 s" in shown
        publish(mosquitto, range(2, 3))
        until(lambda: bool(told("fault_end")))
        assert len(told("fault_start")) == len(told("fault_end")) == 1
        gap = told("gap")
        assert len(gap) == 1
    fault_row(
        "a topic falls silent, before the start or after",
        "told once after the time of the site file or profile (silence), shown by dodac status, ended once",
        0,
        "fault event and gap of the instrument",
        chapter="broker",
    )


class Trickle:
    """Between collector and broker: passes bytes on slowly, or stops passing them."""

    def __init__(self, port: int, piece: int, pause_s: float) -> None:
        self._port, self._piece, self._pause_s = port, piece, pause_s
        self.frozen = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            far = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass, args=(near, far, 65536, 0.0), daemon=True).start()
            threading.Thread(
                target=self._pass, args=(far, near, self._piece, self._pause_s), daemon=True
            ).start()

    def _pass(self, source: socket.socket, to: socket.socket, piece: int, pause_s: float) -> None:
        try:
            while data := source.recv(piece):
                if self.frozen.is_set():
                    while self.frozen.is_set():
                        time.sleep(0.01)
                    return  # what was under way in a line that was cut is gone
                to.sendall(data)
                time.sleep(pause_s)
        except OSError:
            pass
        finally:
            to.close()


def test_a_slow_broker_and_a_line_that_is_cut_without_a_word_lose_nothing(
    tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    monkeypatch.setattr("drivers.mqtt_connection.KEEPALIVE_S", 1)
    line = Trickle(mosquitto.port, piece=7, pause_s=0.001)  # packets in pieces of seven bytes
    site = write_site(tmp_path / "site", line.url)
    try:
        with collecting(site) as collector:
            until(lambda: broker_of(collector).state == "up")
            publish(mosquitto, range(1, 101))
            until(lambda: broker_of(collector).counters.get("acknowledged", 0) == 100)
            line.frozen.set()
            publish(mosquitto, range(101, 151))
            until(lambda: broker_of(collector).state == "down")
            line.frozen.clear()
            until(lambda: set(stored(site)) == set(range(1, 151)))
        lost = len(set(range(1, 151)) - set(stored(site)))
        assert Counter(stored(site)) == Counter(range(1, 151))
    finally:
        line.close()
    fault_row(
        "a broker that trickles seven bytes at a time, then a line that is cut without a word",
        "read as it comes; a dead line is seen within two keepalives (60 s) and the broker asked again",
        lost,
        "fault event",
        chapter="broker",
    )


def test_two_collectors_divide_the_work_and_a_kill_loses_and_doubles_nothing(
    tmp_path: Path, mosquitto: Mosquitto, fault_row: Any
) -> None:
    stateful = '[[instruments]]\nid = "s"\nprofile = "test.plain"\nconnection = "broker"\naddress = "s"\ntaken_by = "a"\n'
    sites = {}
    for name in ("a", "b"):
        group = f'share_group = "g"\nclient_id = "{name}"'
        sites[name] = write_site(tmp_path / name, mosquitto.url, group, stateful)

    def start(name: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "dodac", "run", "--site", str(sites[name])], stderr=log
        )
        log.close()
        return process

    def present(name: str) -> bool:
        text = (mosquitto.folder / "mosquitto.log").read_text("utf-8", errors="replace")
        return f" as {name} " in text

    running = {name: start(name) for name in sites}
    try:
        until(lambda: present("a") and present("b"), 20)
        time.sleep(0.5)
        for n in range(1, 301, 10):
            publish(mosquitto, range(n, n + 10))
            if n == 101:
                running["a"].send_signal(signal.SIGKILL)
                running["a"].wait()
            if n == 201:
                running["a"] = start("a")
        publish(mosquitto, range(1, 51), "plant/s")
        until(lambda: set(stored(sites["a"]) + stored(sites["b"])) == set(range(1, 301)), 30)
        until(lambda: set(stored(sites["a"], "s")) == set(range(1, 51)), 30)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGINT)
            process.wait(30)
    shares = {name: stored(site) for name, site in sites.items()}
    assert min(len(share) for share in shares.values()) > 30, {n: len(s) for n, s in shares.items()}
    assert Counter(shares["a"] + shares["b"]) == Counter(range(1, 301))
    assert stored(sites["b"], "s") == []
    assert Counter(stored(sites["a"], "s")) == Counter(range(1, 51))
    fault_row(
        "one of two collectors of a group (share_group) killed",
        "the other goes on; what the broker kept for it comes at its next start; taken_by stays with one",
        len(set(range(1, 301)) - set(shares["a"] + shares["b"])),
        "",
        chapter="broker",
    )


def test_a_slow_disk_makes_the_broker_hold_the_rest(
    tmp_path: Path,
    mosquitto_factory: Callable[..., Mosquitto],
    monkeypatch: pytest.MonkeyPatch,
    fault_row: Any,
) -> None:
    broker = mosquitto_factory()
    site = write_site(tmp_path / "site", broker.url)
    commit = Journal.commit
    one_read = (1 << 16) // 150  # messages

    def slow(self: Journal, items: Any) -> Any:
        time.sleep(0.02)
        return commit(self, items)

    monkeypatch.setattr(Journal, "commit", slow)
    collector = Collector(load_site(site), SystemClock(), window=50, wait_s=5)
    collector.start()
    try:
        until(lambda: broker_of(collector).state == "up")
        flying, queued = [], []
        publish(broker, range(1, 6001), pad=120)  # what the broker has told the meters it has
        held = 6000 - broker_of(collector).counters.get("messages", 0)
        while _taken(broker_of(collector).counters) < 6000:
            counters = broker_of(collector).counters
            flying.append(counters.get("messages", 0) - counters.get("acknowledged", 0))
            queued.append(collector.status().ingest.queued)
            time.sleep(0.005)
        collector.flush()
        assert collector.ledger().balanced()
    finally:
        collector.stop()
    assert held > 2000  # by the broker, while the disk was slow
    assert max(flying) <= 2 * 50 + 2 * one_read
    assert max(queued) <= 2 * 50 + one_read
    assert stored(site) == list(range(1, 6001))
    fault_row(
        "a disk slower than the meters send",
        "two groups and one read of the network are taken at most, and not acknowledged; the broker keeps the rest",
        0,
        "",
        chapter="broker",
    )
