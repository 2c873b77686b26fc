"""Drain of a backlog into a real InfluxDB 2: the forwarder against bare POSTs of the same lines, in one run.

The bare POSTs have their lines built, joined and gzipped beforehand, and go one after the other over
one connection; the forwarder reads the journal, builds lines, compresses, sends and marks. Rounds
alternate, each into a bucket of its own; the best of each counts.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import importlib.util
import json
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from _machine import describe

from collector.forwarder import BATCH, Forwarder
from dodac.clock import SystemClock
from dodac.quantities import Measurement
from dodac.samples import Layout
from store import InfluxSink, InfluxTarget, Journal, Tags, line

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


def main() -> int:
    """Prints or returns as JSON: lines/s of both, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=200_000, help="samples of ten channels (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="best of so many (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        module = servers()
        server = module.InfluxServer(module.require_program("influxd"), folder / "influxd")
        server.start()
        bare, ours = [], []
        try:
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
                            ours.append(args.rows / drain(journal, bucket, target))
        finally:
            server.stop()
    found = {
        "rows": args.rows,
        "bare_lines_per_s": round(max(bare)),
        "forwarder_lines_per_s": round(max(ours)),
        "ratio": round(max(ours) / max(bare), 3),
        "ratios": [round(b / a, 3) for a, b in zip(bare, ours, strict=True)],
    }
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    sys.stdout.write(
        f"{describe()}\n{args.rows} samples of {len(CHANNELS)} channels, batches of {BATCH}\n"
        f"bare POSTs   {found['bare_lines_per_s']:>8} lines/s\n"
        f"forwarder    {found['forwarder_lines_per_s']:>8} lines/s\n"
        f"ratio        {found['ratio']:>8}   (rounds: {', '.join(map(str, found['ratios']))})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
