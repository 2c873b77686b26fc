"""MQTT QoS 1 into the durable journal: messages/s, as a ratio to peers that empty the same queue in the same run.

Each round, every reader has a session of its own in a real Mosquitto, in which the same messages wait
before any of them starts. The collector is the real one (site file, profile, FULL sync) in a process of
its own; its rate counts from the first message to the acknowledgement of the last one; afterwards its
journal is read back and every message must be there once, with its values. The peers: plain paho that
only acknowledges; the sketch one writes first; and Telegraf into InfluxDB 2, where a `telegraf` is on
PATH. --soak holds full rate for a while and prints the memory each minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _mqtt_telegraf as telegraf
from _machine import describe
from _mqtt_broker import HOST, TOPIC, Publisher, broker, open_session, payload
from _mqtt_readers import child

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
{more}
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

_AHEAD = 40_000  # messages that may wait in the broker during a soak


def site(folder: Path, port: int, client: str, more: str = "") -> Path:
    """A site folder with one meter on that broker."""
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "bench.ten-values.yaml").write_text(PROFILE, encoding="utf-8")
    text = SITE.format(host=HOST, port=port, client=client, topic=TOPIC, more=more)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    return folder


def reader(kind: str, port: int, client: str, messages: int, folder: Path) -> dict[str, Any]:
    """What one reader took, in a process of its own."""
    words = [sys.executable, __file__, "--child", kind, str(port), client, str(messages), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} failed:\n{done.stderr[-2000:]}{done.stdout[-500:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def verify(folder: Path, first: int, messages: int) -> None:
    """Every message is in the journal once, with its time and values; else the benchmark fails."""
    from dodac.site import load_site
    from store import JournalStore

    store = JournalStore(load_site(folder / "site.toml").journal_path)
    number = first
    for sample in store.samples("meter", 0, 1 << 62):
        said = json.loads(payload(number))
        if (sample.time_ns, sample.flags) != (said["t"] * 1_000_000, ()) or sample.values != tuple(
            float(said[key]) for key in "abcdefghij"
        ):
            raise SystemExit(f"message {number} is not in the journal as it was sent: {sample}")
        number += 1
    store.close()
    if number != first + messages:
        raise SystemExit(f"{number - first} of {messages} messages are in the journal")


def measure(options: argparse.Namespace, place: Path) -> dict[str, list[dict[str, Any]]]:
    """The figures of every reader and round."""
    found: dict[str, list[dict[str, Any]]] = {"bare": [], "naive": [], "dodac": []}
    with broker(place, options.inflight) as port:
        publisher = Publisher(port)
        for number in range(options.rounds):
            for kind in found:
                open_session(port, f"{kind}-{number}")
            first = number * options.messages
            publisher.publish(first, options.messages)
            for kind, figures in found.items():
                folder = place / f"{kind}{number}"
                folder.mkdir()
                if kind == "dodac":
                    site(folder, port, f"{kind}-{number}")
                figures.append(reader(kind, port, f"{kind}-{number}", options.messages, folder))
                if kind == "dodac":
                    verify(folder, first, options.messages)
        publisher.close()
    return found


def with_telegraf(options: argparse.Namespace, place: Path) -> Iterator[tuple[str, float]]:
    """Telegraf's rates into a real InfluxDB 2, with each of its buffers."""
    module = telegraf.servers()
    influxd = module.find_program("influxd")
    if influxd is None:
        raise SystemExit("Telegraf needs an InfluxDB 2 to write to: .ci/build-influxd.sh builds one")
    server = module.InfluxServer(influxd, place / "influxd")
    server.start()
    try:
        with broker(place, options.inflight) as port:
            for disk in (False, True):
                name = "telegraf, disk buffer" if disk else "telegraf, memory buffer"
                open_session(port, f"telegraf-{disk}")
                publisher = Publisher(port)
                publisher.publish(0, options.messages)
                publisher.close()
                bucket = {"orgID": server.org_id, "name": f"bench-{disk}", "retentionRules": []}
                server.request("POST", "/api/v2/buckets", bucket)
                target = module.InfluxBucket(server, f"bench-{disk}")
                yield name, telegraf.rate(port, f"telegraf-{disk}", options.messages, target, disk=disk)
    finally:
        server.stop()


def soak(options: argparse.Namespace, place: Path) -> int:
    """Holds full rate for so many minutes and prints rate and memory each minute."""
    with broker(place, options.inflight) as port:
        open_session(port, "soak")
        folder = site(place / "soak", port, "soak", options.more)
        words = [sys.executable, __file__, "--child", "soak", str(port), "soak", str(1 << 60), str(folder)]
        publisher, sent, acknowledged = Publisher(port), 0, 0
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            begin = minute = time.monotonic()
            before, peak = 0, 0.0
            for line in process.stdout:
                told = json.loads(line)
                acknowledged, peak = told["acknowledged"], max(peak, told["memory_mb"])
                now = time.monotonic()
                if now - minute >= 60:
                    rate = (acknowledged - before) / (now - minute)
                    _say(f"{(now - begin) / 60:5.1f} min {rate:8.0f} messages/s {told['memory_mb']:7.1f} MB")
                    minute, before = now, acknowledged
                if now - begin >= options.soak * 60:
                    break
                # what it takes in a second, and some to spare: the queue never runs dry
                more = max(0, acknowledged + _AHEAD * 2 - sent)
                publisher.publish(sent, more)
                sent += more
        finally:
            process.terminate()
            process.wait(30)
        publisher.close()
    _say(f"{acknowledged} messages acknowledged; memory at its highest {peak:.1f} MB")
    return 0


def _minutes(text: str) -> float:
    return float(text.removesuffix("m"))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Prints the machine, the rates, their ratios and the memory."""
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300_000, help="that wait in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="best of so many (%(default)s)")
    parser.add_argument("--inflight", type=int, default=1000, help="the broker's max_inflight_messages")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    parser.add_argument(
        "--soak", type=_minutes, metavar="MINUTES", help="hold full rate for so long instead, e.g. 30m"
    )
    parser.add_argument(
        "--more", default="", help="lines to add to the site file, e.g. limits of the journal"
    )
    options = parser.parse_args()
    _say(describe())
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Path(name)
        if options.soak:
            return soak(options, place)
        found = measure(options, place)
        rates = {kind: max(options.messages / one["seconds"] for one in them) for kind, them in found.items()}
        if telegraf.program() is not None:
            rates.update(with_telegraf(options, place))
    _say(
        f"{options.messages} messages of {len(payload(0))} bytes with ten values wait in the broker, "
        f"at most {options.inflight} unacknowledged; best of {options.rounds} rounds"
    )
    names = {
        "dodac": "into the journal, acknowledged after the commit",
        "naive": "a sketch: paho, msgspec, 1000 rows a commit",
        "bare": "bare paho, acknowledged only",
    }
    for kind in ("dodac", *(kind for kind in rates if kind != "dodac")):
        ratio = "" if kind == "dodac" else f"   dodac is {rates['dodac'] / rates[kind]:5.2f} of it"
        _say(f"{names.get(kind, kind):50} {rates[kind]:8.0f} messages/s{ratio}")
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(found["bare"], found["dodac"], strict=True)]
    _say(f"ratio to bare paho in each round: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    memory = max(found["dodac"], key=lambda one: one["peak_mb"])
    _say(
        f"memory of the collector: at most {memory['peak_mb']:.0f} MB, at the end {memory['memory_mb']:.0f} MB"
    )
    _say("every message was read back from the journal: each once, values and times equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
