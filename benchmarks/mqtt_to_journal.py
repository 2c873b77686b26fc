"""Messages/s from a real broker into the journal, beside a bare paho loop that only acknowledges, in one run.

Both read the same messages (132 bytes of JSON, ten values, QoS 1) that wait in a persistent session of
their own when they connect. Needs Mosquitto. Run: python benchmarks/mqtt_to_journal.py
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from _machine import describe
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from collector import Collector
from dodac.clock import SystemClock
from dodac.site import load_site

TOPIC = "bench/meter"
HOST = "127.0.0.1"
BEGIN_S = 1_790_000_000
WAIT_S = 300.0

SITE = """
[site]
id = "bench"
company = "bench"

[connections.broker]
kind = "mqtt"
url = "mqtt://{host}:{port}"
client_id = "{client}"

[[instruments]]
id = "meter"
profile = "bench.ten-values"
connection = "broker"
topic = "{topic}"
"""

PROFILE = """
id: bench.ten-values
maker: none
models: [ten values with short keys]
kind: electricity
evidence: {map: [this benchmark]}
protocol: mqtt_json
topic: "{address}"
time: {path: t, format: unix_ms, max_skew_s: 4000000000}
channels:
  voltage_l1_v: {path: a}
  voltage_l2_v: {path: b}
  voltage_l3_v: {path: c}
  current_l1_a: {path: d}
  current_l2_a: {path: e}
  current_l3_a: {path: f}
  power_w: {path: g}
  power_factor: {path: h}
  frequency_hz: {path: i}
  energy_import_kwh: {path: j, kind: counter}
tests:
  - {payload: '{"t":1790000000000,"a":230.1}', expect: {voltage_l1_v: 230.1}, time: "2026-09-21T14:13:20Z"}
"""


def payload(number: int) -> bytes:
    """One message of exactly 132 bytes."""
    text = (
        f'{{"t":{BEGIN_S * 1000 + number},"a":230.14,"b":229.87,"c":231.02,"d":12.345,"e":11.987,'
        f'"f":12.101,"g":8345.6,"h":0.967,"i":50.01,"j":{880412 + number * 0.0001:.4f}}}'
    )
    return text.ljust(132).encode()


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A Mosquitto of our own, set as deploy/ sets it; gives its port."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    program = shutil.which("mosquitto", path=path)
    if program is None:
        raise SystemExit("Mosquitto is not on this machine: apt-get install mosquitto")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} {HOST}\nallow_anonymous true\nmax_inflight_messages 1000\n"
        "max_queued_messages 1000000\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with suppress(OSError):
                socket.create_connection((HOST, port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def client(name: str) -> Client:
    return Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, manual_ack=True)


def open_session(port: int, name: str) -> None:
    """Makes the broker keep what comes for this client id."""
    there = threading.Event()
    one = client(name)
    one.on_connect = lambda *_: one.subscribe(TOPIC, 1)
    one.on_subscribe = lambda *_: there.set()
    one.connect(HOST, port)
    one.loop_start()
    if not there.wait(10):
        raise SystemExit("the broker did not take a subscription")
    one.disconnect()
    one.loop_stop()


def publish(port: int, first: int, messages: int) -> None:
    """Publishes and waits until the broker has acknowledged every message."""
    left = threading.Semaphore(0)
    one = Client(CallbackAPIVersion.VERSION2, client_id="bench-meter")
    one.max_inflight_messages_set(1000)
    one.on_publish = lambda *_: left.release()
    one.connect(HOST, port)
    one.loop_start()
    for number in range(first, first + messages):
        one.publish(TOPIC, payload(number), qos=1)
    for _ in range(messages):
        left.acquire()
    one.disconnect()
    one.loop_stop()


def bare(port: int, name: str, messages: int) -> float:
    """Messages/s of a loop that acknowledges each message at once and keeps nothing."""
    count, done = 0, threading.Event()

    def on_message(one: Client, _userdata: object, message: MQTTMessage) -> None:
        nonlocal count
        one.ack(message.mid, message.qos)
        count += 1
        if count == messages:
            done.set()

    one = client(name)
    one.on_message = on_message
    begin = time.perf_counter()
    one.connect(HOST, port)
    one.loop_start()
    if not done.wait(WAIT_S):
        raise SystemExit(f"only {count} of {messages} messages came")
    seconds = time.perf_counter() - begin
    one.disconnect()
    one.loop_stop()
    return messages / seconds


def journal(port: int, name: str, messages: int, folder: Path) -> float:
    """Messages/s until the collector has committed and acknowledged the last one."""
    folder.mkdir()
    (folder / "profiles").mkdir()
    (folder / "profiles" / "bench.ten-values.yaml").write_text(PROFILE, encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(SITE.format(host=HOST, port=port, client=name, topic=TOPIC), encoding="utf-8")
    collector = Collector(load_site(path), SystemClock())
    begin = time.perf_counter()
    collector.start()
    _until(lambda: _acknowledged(collector) >= messages)
    seconds = time.perf_counter() - begin
    totals = collector.ledger().totals()
    collector.stop()
    if totals.committed != messages:
        raise SystemExit(f"{messages} messages gave {totals}")
    return messages / seconds


def _acknowledged(collector: Collector) -> int:
    return sum(status.counters.get("acknowledged", 0) for status in collector.status().connections)


def _until(true: Callable[[], bool]) -> None:
    end = time.perf_counter() + WAIT_S
    while not true():
        if time.perf_counter() > end:
            raise SystemExit("the messages did not all come")
        time.sleep(0.005)


def main() -> int:
    """Prints the machine, both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    options = parser.parse_args()
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as place, broker(Path(place)) as port:
        for number in range(options.rounds):
            for name in ("bare", "dodac"):
                open_session(port, f"{name}-{number}")
            publish(port, number * options.messages, options.messages)
            theirs.append(bare(port, f"bare-{number}", options.messages))
            ours.append(journal(port, f"dodac-{number}", options.messages, Path(place) / f"site{number}"))
    print(describe())
    print(
        f"{options.messages} messages of {len(payload(0))} bytes with ten values, {options.rounds} rounds, median"
    )
    print(f"into the journal, acknowledged {statistics.median(ours):8.0f} messages/s")
    print(f"bare paho, acknowledged only   {statistics.median(theirs):8.0f} messages/s")
    print(f"ratio                          {statistics.median(ours) / statistics.median(theirs):8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
