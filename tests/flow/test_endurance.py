"""The whole system for a while: kills and outages in turn, real servers, and every reading accounted for at the end."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from drivers import load_profile
from drivers.simulator import SimulatedBus, SimulatedUnit
from store import InfluxStore, InfluxTarget, JournalStore

FROM_NS, TO_NS = 0, 1 << 62

SITE = """
[site]
id = "endurance"
company = "test"

[connections.line]
kind = "serial"
port = "{port}"
baud = 38400
timeout = "300ms"
late_guard = "300ms"

[connections.broker]
kind = "mqtt"
url = "{broker}"

[[instruments]]
id = "polled"
profile = "eastron.sdm630"
connection = "line"
address = 1
every = "500ms"

[[instruments]]
id = "streamed"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/data"

[influxdb]
url = "{url}"
org = "{org}"
bucket = "{bucket}"
token_file = "token"
"""


class Gateway:
    """A meter that publishes its own count and remembers what the broker acknowledged."""

    def __init__(self, host: str, port: int, every_s: float) -> None:
        self.acknowledged: set[int] = set()
        self.every_s = every_s
        self._sent: dict[int, int] = {}
        self._stop = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_queued_messages_set(0)
        self._client.on_publish = lambda _client, _userdata, mid, *_: self._early.add(mid)
        self._early: set[int] = set()
        self._client.connect_async(host, port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number, last_ms = 0, 0
        while not self._stop.wait(self.every_s):
            number += 1
            last_ms = max(time.time_ns() // 1_000_000, last_ms + 1)  # two readings never share a time
            when = datetime.fromtimestamp(last_ms / 1000, UTC).isoformat(timespec="milliseconds")
            body = {"time": when, "power_w": 1000.0, "energy_import_kwh": float(number)}
            self._sent[self._client.publish("plant/data", json.dumps(body), qos=1).mid] = number
            self._settle()

    def _settle(self) -> None:
        for mid in list(self._early & self._sent.keys()):
            self._early.discard(mid)
            self.acknowledged.add(self._sent.pop(mid))

    def stop(self) -> None:
        """Publishes no more and waits until everything sent is acknowledged."""
        self._stop.set()
        self._thread.join()
        wait_until(lambda: self._settle() or not self._sent, "the broker acknowledges what was sent")
        self._client.disconnect()
        self._client.loop_stop()


class Run:
    """`dodac run` in a process of its own that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("a") as log:
            words = [sys.executable, "-m", "dodac", "run", "--site", str(self.folder / "site.toml")]
            self.process = subprocess.Popen(words, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def report(self) -> dict:
        words = [sys.executable, "-m", "dodac", "status", "--json", "--site", str(self.folder / "site.toml")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def resident_kb(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


def wait_until(true: Callable[[], object], what: str, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not in {seconds:g} s: {what}"
        time.sleep(0.05)


def everything_is_delivered(run: Run) -> Callable[[], bool]:
    def look() -> bool:
        report = run.report()
        sinks = report["ledger"]["sinks"] if report else []
        return bool(sinks) and not report["open_faults"] and not any(sink["waiting"] for sink in sinks)

    return look


@pytest.mark.servers
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("rounds", "calm_s"), [(1, 0), pytest.param(6, 240, marks=pytest.mark.soak)], ids=["short", "long"]
)
def test_kills_and_outages_lose_no_acknowledged_reading(mosquitto, influxdb, tmp_path, rounds, calm_s):
    profile = load_profile("eastron.sdm630")
    unit = SimulatedUnit(profile, lambda: dict.fromkeys(profile.channels, 1.0) | {"frequency_hz": 50.0}, 1)
    chance = random.Random(rounds)
    with SimulatedBus({1: unit}, baud=38400) as line:
        server = {"url": influxdb.url, "org": influxdb.org, "bucket": influxdb.bucket}
        text = SITE.format(port=line.path, broker=mosquitto.url, **server)
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        (tmp_path / "token").write_text(influxdb.token, encoding="utf-8")
        (tmp_path / "token").chmod(0o600)
        open_session(mosquitto.host, mosquitto.port)
        run = Run(tmp_path)
        gateway = Gateway(mosquitto.host, mosquitto.port, every_s=0.02)

        def killed_while(server) -> None:
            run.kill()
            server.stop()
            server.start()
            run.start()

        acts: list[Callable[[], object]] = [
            lambda: (run.kill(), run.start()),
            lambda: (mosquitto.stop(), time.sleep(0.5), mosquitto.start()),
            lambda: (influxdb.kill(), time.sleep(0.5), influxdb.start()),
            lambda: line.fault(1, "unplug", seconds=0.7),
            lambda: line.fault(1, "crc", count=2),
            lambda: killed_while(mosquitto),
        ]
        for _ in range(rounds):
            for act in chance.sample(acts, len(acts)):
                act()
                time.sleep(chance.uniform(0.2, 1.0))
        if calm_s:
            gateway.every_s = 0.003
            check_that_nothing_grows(run, calm_s)
        gateway.stop()
        wait_until(everything_is_delivered(run), "all samples are in InfluxDB")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(30) == 0
    assert "Traceback" not in log_of(tmp_path)
    ledger = run.report()["ledger"]
    assert ledger["balanced"]
    assert all(not sink["rejected"] and not sink["expired"] for sink in ledger["sinks"])
    check_the_stores(tmp_path / "data" / "journal.db", influxdb, gateway.acknowledged)


def log_of(folder: Path) -> str:
    return (folder / "log").read_text(encoding="utf-8")


def open_session(host: str, port: int) -> None:
    """The session of `dodac run`, before anybody publishes: a broker keeps nothing for one that never was."""
    there = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="dodac-endurance-broker", clean_session=False)
    client.on_connect = lambda *_: client.subscribe("plant/data", 1)
    client.on_subscribe = lambda *_: there.set()
    client.connect(host, port)
    client.loop_start()
    assert there.wait(30)
    client.disconnect()
    client.loop_stop()


def check_that_nothing_grows(run: Run, seconds: float) -> None:
    """Memory and open files of a calm run: caches fill in the first half, after that nothing may grow."""
    time.sleep(seconds / 2)
    files, before_kb = run.open_files(), run.resident_kb()
    time.sleep(seconds / 2)
    assert abs(run.open_files() - files) <= 2
    assert run.resident_kb() - before_kb < 2_000


def check_the_stores(journal: Path, influxdb, acknowledged: set[int]) -> None:
    here = JournalStore(journal)
    there = InfluxStore(InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token))
    for instrument in ("polled", "streamed"):
        channels = here.channels(instrument)
        ours = here.series(instrument, channels, FROM_NS, TO_NS)
        assert len(ours)
        assert ours.equals(there.series(instrument, channels, FROM_NS, TO_NS)[list(ours.columns)])
        assert here.flags(instrument, FROM_NS, TO_NS).equals(there.flags(instrument, FROM_NS, TO_NS))
    counts = here.series("streamed", ["energy_import_kwh"], FROM_NS, TO_NS)["energy_import_kwh"]
    assert len(acknowledged) > 100
    assert acknowledged <= {int(count) for count in counts}
    here.close()
    there.close()
