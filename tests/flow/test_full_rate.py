"""At full rate too, no acknowledgement leaves before its message is in the journal, and all leave in order."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto, free_port

from collector import Collector
from dodac.clock import HOUR_NS, SystemClock
from dodac.site import load_site
from store import JournalStore

pytestmark = pytest.mark.servers

MESSAGES = 6000
START_MS = 1_790_000_000_000

SITE = """
[site]
id = "rate"
company = "c"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
client_id = "rate"
[[instruments]]
id = "meter"
profile = "test.rate"
connection = "broker"
topic = "meter"
"""

PROFILE = """
id: test.rate
maker: t
models: [t]
kind: electricity
evidence: {map: [own]}
protocol: mqtt_json
topic: meter
time: {path: t, format: unix_ms, max_skew_s: 4000000000}
channels:
  power_w: {path: p}
tests:
  - {payload: '{"t":1790000000000,"p":1}', expect: {power_w: 1}, time: "2026-09-21T14:13:20Z"}
"""


class Tap:
    """Stands between the collector and the broker and asks the journal's file at each acknowledgement."""

    def __init__(self, broker: Mosquitto, journal: Path) -> None:
        self.port = free_port()
        self._broker = broker
        self._journal = journal
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.sent: list[int] = []  # times of messages as they came to the collector
        self._times: dict[int, int] = {}
        self.acknowledged: list[int] = []
        self.too_early: list[int] = []
        self._looked = 0  # acknowledgements found in the file
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        ours, _ = self._listener.accept()
        self._listener.close()
        theirs = socket.create_connection((self._broker.host, self._broker.port))
        down = threading.Thread(target=self._pump, args=(theirs, ours, self._published), daemon=True)
        down.start()
        self._pump(ours, theirs, self._acknowledged)
        down.join(10)
        ours.close()
        theirs.close()

    def _pump(self, source: socket.socket, target: socket.socket, look: Callable[[bytes], None]) -> None:
        data = b""
        try:
            while more := source.recv(1 << 16):
                data, first = data + more, 0
                for head, body, first in _packets(data):  # noqa: B007  (where the rest begins)
                    look(bytes([head]) + body)
                look(b"")
                data = data[first:]
                target.sendall(more)
        except OSError:
            pass  # the test is over
        finally:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)

    def _published(self, packet: bytes) -> None:
        if packet and packet[0] & 0xF0 == 0x30:
            size = struct.unpack_from("!H", packet, 1)[0]
            mid = struct.unpack_from("!H", packet, 3 + size)[0]
            self._times[mid] = json.loads(packet[5 + size :])["t"] * 1_000_000
            self.sent.append(self._times[mid])

    def _acknowledged(self, packet: bytes) -> None:
        if packet and packet[0] == 0x40:
            self.acknowledged.append(self._times[struct.unpack("!H", packet[1:])[0]])
            return
        if packet or not self.acknowledged:
            return
        # all of one read: none of them is passed on before this
        first_ns = START_MS * 1_000_000
        store = JournalStore(self._journal)  # reads what is packed by now too
        kept = {sample.time_ns for sample in store.samples("meter", first_ns, first_ns + HOUR_NS)}
        store.close()
        self.too_early += [time_ns for time_ns in self.acknowledged[self._looked :] if time_ns not in kept]
        self._looked = len(self.acknowledged)


def _packets(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 0
    while at + 2 <= len(data):
        length, shift, body = 0, 0, at + 1
        while body < len(data):
            length |= (data[body] & 0x7F) << shift
            shift += 7
            body += 1
            if data[body - 1] < 0x80:
                break
        else:
            return
        if body + length > len(data):
            return
        yield data[at], data[body : body + length], body + length
        at = body + length


def wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_no_acknowledgement_leaves_before_its_message_is_in_the_file(
    tmp_path: Path, mosquitto_factory: Callable[..., Mosquitto]
) -> None:
    broker = mosquitto_factory("max_inflight_messages 500\nmax_queued_messages 0")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "test.rate.yaml").write_text(PROFILE)
    (tmp_path / "site.toml").write_text(SITE.format(port=broker.port))
    journal = load_site(tmp_path / "site.toml").journal_path
    tap = Tap(broker, journal)
    session = Client(CallbackAPIVersion.VERSION2, client_id="rate", clean_session=False)
    there = threading.Event()
    session.on_connect = lambda *_: session.subscribe("meter", 1)
    session.on_subscribe = lambda *_: there.set()
    session.connect(broker.host, broker.port)
    session.loop_start()
    assert there.wait(10)
    session.disconnect()
    session.loop_stop()
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.max_inflight_messages_set(2000)
    sender.connect(broker.host, broker.port)
    sender.loop_start()
    sent = [sender.publish("meter", json.dumps({"t": START_MS + n, "p": n}), qos=1) for n in range(MESSAGES)]
    for info in sent:
        info.wait_for_publish(30)
    sender.disconnect()
    sender.loop_stop()

    (tmp_path / "site.toml").write_text(SITE.format(port=tap.port))
    collector = Collector(load_site(tmp_path / "site.toml"), SystemClock())
    collector.start()
    try:
        wait(lambda: len(tap.acknowledged) >= MESSAGES)
        totals = collector.ledger().totals()
    finally:
        collector.stop()
        tap.thread.join(20)
    assert tap.too_early == []
    assert tap.sent == [(START_MS + n) * 1_000_000 for n in range(MESSAGES)]
    assert tap.acknowledged == tap.sent
    assert (totals.committed, totals.duplicate) == (MESSAGES, 0)
