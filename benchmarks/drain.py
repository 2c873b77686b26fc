"""Drain of a backlog into a real InfluxDB 2: the forwarder against bare POSTs of the same lines, in one run.

The bare POSTs have their lines built, joined and gzipped beforehand, and go one after the other over
one connection; the forwarder reads the journal, builds lines, compresses, sends and marks. Rounds
alternate, each into a bucket of its own; the best of each counts.

--outage DAYS: a server that is away for so long, at 10 samples/s in compressed time with a journal
held to --max-size, then the drain while live samples go on coming at 10 a second: bytes, what the
limit took, and how soon each live sample stands in the database.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import importlib.util
import json
import resource
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

from _machine import describe

from collector.forwarder import BATCH, Forwarder
from dodac.clock import SystemClock
from dodac.contracts import Event
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from dodac.sizes import size_bytes
from store import InfluxSink, InfluxTarget, Journal, Keeper, Limits, Tags, line

CHANNELS = (
    "voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "current_l1_a", "current_l2_a", "current_l3_a",
    "power_w", "power_factor", "frequency_hz", "energy_import_kwh",
)  # fmt: skip
T0 = 1_790_000_000_000_000_000
INSTRUMENTS = 10


def servers() -> ModuleType:
    """tests/servers.py, which starts a real InfluxDB 2."""
    path = Path(__file__).parent.parent / "tests" / "servers.py"
    spec = importlib.util.spec_from_file_location("servers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = module
    spec.loader.exec_module(module)
    return module


@cache
def tags(instrument: str) -> Tags:
    """Tags of the benchmark's meters."""
    return Tags("bench", "bench", "asset", instrument, Measurement.ELECTRICITY)


def fill(journal: Journal, rows: int) -> list[str]:
    """Stores the backlog and gives its lines, newest first."""
    layouts = [Layout(f"meter-{n}", CHANNELS) for n in range(INSTRUMENTS)]
    for layout in layouts:
        journal.layout(layout)
    lines: list[str] = []
    for first in range(0, rows, 5000):
        batch = []
        for n in range(first, min(rows, first + 5000)):
            layout = layouts[n % INSTRUMENTS]
            second = T0 + n // INSTRUMENTS * 1_000_000_000
            # what a meter says has few digits: 230.41 V, 12.07 A
            values = {c: round(200 + 30 * k + (n * 7919 % 1000) / 100, 2) for k, c in enumerate(CHANNELS)}
            sample = layout.sample(second, values)
            batch.append(("bench", sample))
            lines.append(line(sample, layout, tags(layout.instrument)))
        journal.commit(batch)
    return lines[::-1]


def post_all(url: str, path: str, token: str, bodies: list[bytes]) -> float:
    """Seconds for all bodies, one after the other."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {
        "Authorization": f"Token {token}",
        "Content-Encoding": "gzip",
        "Content-Type": "text/plain; charset=utf-8",
    }
    begin = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 204:
            raise SystemExit(f"InfluxDB answered {answer.status}")
    return time.perf_counter() - begin


def drain(journal: Journal, name: str, target: InfluxTarget) -> float:
    """Seconds until a new sink has everything."""
    forwarder = Forwarder(
        journal, name, InfluxSink(target), SystemClock(), tags, lambda _: None, company="bench", site="bench"
    )
    begin = time.perf_counter()
    while not forwarder.step():
        pass
    seconds = time.perf_counter() - begin
    count = forwarder.counts()
    if count.waiting or count.rejected:
        raise SystemExit(f"not everything went: {count}")
    return seconds


def outage(folder: Path, server: Any, days: float, max_size: int) -> dict[str, object]:
    """Fills a journal through an outage and drains it with live samples coming in."""
    rows = round(days * 864_000)
    first_ns = time.time_ns() - rows * 100_000_000
    layouts = [Layout(f"meter-{n}", CHANNELS) for n in range(INSTRUMENTS)]
    server.request(
        "POST", "/api/v2/buckets", {"orgID": server.org_id, "name": "outage", "retentionRules": []}
    )
    sink = InfluxSink(InfluxTarget(server.url, "outage", server.org, server.token))
    largest = dropped = 0
    told: list[Event] = []
    with Journal.open(folder / "outage.db") as journal:
        for layout in layouts:
            journal.layout(layout)
        keeper = Keeper(journal, Limits(max_bytes=max_size), ["outage"])

        def make(n: int, time_ns: int) -> tuple[str, Sample]:
            values = {c: round(200 + 30 * k + (n * 7919 % 1000) / 100, 2) for k, c in enumerate(CHANNELS)}
            return "bench", layouts[n % INSTRUMENTS].sample(time_ns, values)

        begin = time.perf_counter()
        for start in range(0, rows, 5000):
            span = range(start, min(rows, start + 5000))
            journal.commit([make(n, first_ns + n * 100_000_000) for n in span])
            if start % 100_000 == 0:
                dropped += keeper.by_size().samples
                largest = max(largest, keeper.disk_bytes())
        dropped += keeper.by_size().samples
        largest = max(largest, keeper.disk_bytes())
        filled_s = time.perf_counter() - begin
        forwarder = Forwarder(
            journal, "outage", sink, SystemClock(), tags, told.append, company="bench", site="bench"
        )
        before = forwarder.counts()
        seen = Live(server)
        begin = time.perf_counter()
        forwarder.start()
        number = rows
        while forwarder.counts().waiting > 20:
            now_ns = time.time_ns()
            journal.commit([make(number, now_ns)])
            if number % 5 == 0:
                seen.look(f"meter-{number % INSTRUMENTS}", now_ns)
            number += 1
            time.sleep(0.1)
        drained_s = time.perf_counter() - begin
        seen.wait()
        forwarder.stop()
        after = forwarder.counts()
    return {
        "samples": rows,
        "filled_s": round(filled_s, 1),
        "max_size": max_size,
        "largest_bytes": largest,
        "dropped_by_limit": dropped,
        "waiting_before": before.waiting,
        "delivered": after.delivered,
        "balanced": after.balanced,
        "drained_s": round(drained_s, 1),
        "live_samples": len(seen.delays_s),
        "live_visible_max_s": round(max(seen.delays_s, default=0.0), 3),
        "live_visible_median_s": round(sorted(seen.delays_s)[len(seen.delays_s) // 2], 3)
        if seen.delays_s
        else 0,
        "live_later_than_2_s": sum(delay > 2 for delay in seen.delays_s),
        "sink_events": [event.text for event in told],
        "rss_max_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class Live:
    """Asks the database for single samples until each is there."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._threads: list[threading.Thread] = []
        self.delays_s: list[float] = []

    def look(self, instrument: str, time_ns: int) -> None:
        """Starts to ask for one sample."""
        thread = threading.Thread(target=self._ask, args=(instrument, time_ns))
        thread.start()
        self._threads.append(thread)

    def wait(self) -> None:
        """Until all were seen."""
        for thread in self._threads:
            thread.join()

    def _ask(self, instrument: str, time_ns: int) -> None:
        where = f"instrument = '{instrument}' AND time = {time_ns}"
        query = f"SELECT power_w FROM electricity WHERE {where}"  # noqa: S608
        path = "/query?" + urlencode({"db": "outage", "rp": "autogen", "q": query, "epoch": "ns"})
        while time.time_ns() < time_ns + 60_000_000_000:
            if "series" in self._server.request("GET", path)["results"][0]:
                break
            time.sleep(0.02)
        self.delays_s.append((time.time_ns() - time_ns) / 1e9)


def main() -> int:
    """Prints or returns as JSON: lines/s of both, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=200_000, help="samples of ten channels (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="best of so many (default %(default)s)")
    parser.add_argument("--outage", type=float, metavar="DAYS", help="an outage of so many days instead")
    parser.add_argument(
        "--max-size", default="400MB", help="of the journal in the outage (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        module = servers()
        server = module.InfluxServer(module.require_program("influxd"), folder / "influxd")
        server.start()
        bare, ours, cpu_us = [], [], []
        try:
            if args.outage is not None:
                told = outage(folder, server, args.outage, size_bytes(args.max_size))
                words = "".join(f"{name:24}{value}\n" for name, value in told.items())
                sys.stdout.write(json.dumps(told) + "\n" if args.json else f"{describe()}\n{words}")
                return 0
            with Journal.open(folder / "journal.db") as journal:
                lines = fill(journal, args.rows)
                bodies = [
                    gzip.compress("\n".join(lines[first : first + BATCH][::-1]).encode(), 1)
                    for first in range(0, len(lines), BATCH)
                ]
                for n in range(args.rounds):
                    for kind in ("bare", "ours"):
                        bucket = f"{kind}{n}"
                        server.request(
                            "POST",
                            "/api/v2/buckets",
                            {"orgID": server.org_id, "name": bucket, "retentionRules": []},
                        )
                        if kind == "bare":
                            path = f"/api/v2/write?org={server.org}&bucket={bucket}&precision=ns"
                            bare.append(args.rows / post_all(server.url, path, server.token, bodies))
                        else:
                            target = InfluxTarget(server.url, bucket, server.org, server.token)
                            begin = time.process_time()
                            ours.append(args.rows / drain(journal, bucket, target))
                            cpu_us.append((time.process_time() - begin) / args.rows * 1e6)
        finally:
            server.stop()
    found = {
        "rows": args.rows,
        "bare_lines_per_s": round(max(bare)),
        "forwarder_lines_per_s": round(max(ours)),
        "ratio": round(max(ours) / max(bare), 3),
        "forwarder_cpu_us_per_line": round(min(cpu_us), 1),
        "ratios": [round(b / a, 3) for a, b in zip(bare, ours, strict=True)],
    }
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    sys.stdout.write(
        f"{describe()}\n{args.rows} samples of {len(CHANNELS)} channels, batches of {BATCH}\n"
        f"bare POSTs   {found['bare_lines_per_s']:>8} lines/s\n"
        f"forwarder    {found['forwarder_lines_per_s']:>8} lines/s, "
        f"{found['forwarder_cpu_us_per_line']} µs of processor time a line\n"
        f"ratio        {found['ratio']:>8}   (rounds: {', '.join(map(str, found['ratios']))})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
