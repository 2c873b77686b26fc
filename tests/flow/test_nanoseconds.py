"""Times of devices to the nanosecond, from the message over Mosquitto and the journal into InfluxDB and back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector import Collector
from dodac.clock import SECOND_NS, SystemClock
from dodac.site import load_site
from store import InfluxStore, InfluxTarget, JournalStore

PROFILE = """
id: {id}
maker: dodac tests
models: [{id}]
kind: electricity
evidence: {{map: [written for this test]}}
protocol: mqtt_json
topic: "ns/{{address}}"
time: {{path: t, format: {format}, max_skew_s: 3600}}
link: {{silence_s: 3600}}
channels:
  power_w: {{path: v}}
tests:
  - payload: '{{"t": {example}, "v": 12.5}}'
    time: "2026-09-21T13:33:20.123456789Z"
    expect: {{power_w: 12.5}}
"""
EXAMPLE_NS = 1_789_997_600_123_456_789
HANOI = timezone(timedelta(hours=7))


def _iso(time_ns: int, zone: timezone, tail: str) -> str:
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, zone)
    return f'"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % SECOND_NS:09d}{tail}"'


FORMS: dict[str, tuple[str, Callable[[int], str]]] = {
    "ns": ("unix_ns", str),
    "ns-text": ("unix_ns", lambda t: f'"{t}"'),
    "us": ("unix_us", lambda t: f"{t // 1000}.{t % 1000:03d}"),
    "ms": ("unix_ms", lambda t: f"{t // 10**6}.{t % 10**6:06d}"),
    "s": ("unix_s", lambda t: f"{t // 10**9}.{t % 10**9:09d}"),
    "iso": ("iso", lambda t: _iso(t, UTC, "Z")),
    "iso-offset": ("iso", lambda t: _iso(t, HANOI, "+07:00")),
    "iso-local": ("iso_local", lambda t: _iso(t, HANOI, "")),
}


def _site(folder: Path, url: str, influx: object) -> Path:
    (folder / "profiles").mkdir()
    instruments = []
    for name, (form, text) in FORMS.items():
        profile = PROFILE.format(id=f"ns.{name}", format=form, example=text(EXAMPLE_NS))
        (folder / "profiles" / f"ns.{name}.yaml").write_text(profile)
        instruments.append(
            f'[[instruments]]\nid = "{name}"\nprofile = "ns.{name}"\nconnection = "broker"\naddress = "{name}"\n'
        )
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(influx.token)  # type: ignore[attr-defined]
    path = folder / "site.toml"
    path.write_text(
        f'[site]\nid = "ns"\ncompany = "test"\n[connections.broker]\nkind = "mqtt"\nurl = "{url}"\n'
        + "".join(instruments)
        + f'[influxdb]\nurl = "{influx.url}"\nbucket = "{influx.bucket}"\norg = "{influx.org}"\n'  # type: ignore[attr-defined]
        + 'token_file = "token"\n'
    )
    return path


def _until(condition: Callable[[], bool], words: str, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, words
        time.sleep(0.05)


@pytest.mark.servers
@pytest.mark.parametrize("count", [250, pytest.param(25_000, marks=pytest.mark.soak)])
def test_messages_a_nanosecond_apart_are_all_there_with_their_own_times(
    mosquitto, influxdb, tmp_path: Path, count: int
) -> None:
    # where JSON numbers become float64, times less than 256 ns apart fall onto one
    site = load_site(_site(tmp_path, mosquitto.url, influxdb))
    first_ns = (time.time_ns() // SECOND_NS) * SECOND_NS - 1  # over the end of a second
    times = range(first_ns, first_ns + count)
    total = count * len(FORMS)
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        _until(lambda: collector.status().connections[0].state == "up", "the broker was not reached", 20)
        for name, (_, text) in FORMS.items():
            lines = "".join(f'{{"t": {text(t)}, "v": {place}}}\n' for place, t in enumerate(times))
            subprocess.run(
                [
                    "mosquitto_pub", "-h", mosquitto.host, "-p", str(mosquitto.port), "-q", "1", "-l",
                    "-t", f"ns/{name}",
                ],
                input=lines.encode(), check=True, timeout=300,
            )  # fmt: skip
        _until(lambda: collector.journal.last_seq() >= total, "not all reached the journal", 300)
        _until(
            lambda: all(sink.delivered >= total for sink in collector.ledger().sinks),
            "not all reached InfluxDB",
            300,
        )
        assert collector.ledger().balanced()
    finally:
        collector.stop()
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    for store in (JournalStore(site.journal_path), InfluxStore(target)):
        for name in FORMS:
            frame = store.series(name, ["power_w"], first_ns, first_ns + count)
            assert frame.index.asi8.tolist() == list(times), (type(store).__name__, name)
            assert frame["power_w"].tolist() == [float(place) for place in range(count)]
        store.close()
