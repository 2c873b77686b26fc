"""Packed history: how fast it is read, how few bytes it takes, against bare reads of the same rows in one run.

Three parts, each can be left out: reading a million samples of ten channels (--rows 0), the demo plant's year
(--no-plant), and a real InfluxDB 2 where influxd is there (--influx-rows 0). Every reading happens in a
process of its own, those of one round one after the other; the best of each counts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from _machine import describe

from dodac.clock import DAY_NS, SECOND_NS
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from store import InfluxSink, InfluxStore, InfluxTarget, Journal, JournalStore, Tags, line

CHANNELS = (
    "voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "current_l1_a", "current_l2_a", "current_l3_a",
    "power_w", "power_factor", "frequency_hz", "energy_import_kwh",
)  # fmt: skip
METER = Layout("meter-1", CHANNELS)
T0 = 1_790_000_000 * SECOND_NS // DAY_NS * DAY_NS
FOREVER = 1 << 62
# what a frame needs of a row, in the order in which it needs it
BARE = (
    "SELECT time_ns, part, span_ns, layout, present, flags, body FROM samples "
    "WHERE instrument = 1 ORDER BY time_ns, part"
)


def meter(count: int, step_ns: int, chance: random.Random) -> list[Sample]:
    """Samples as a polled three-phase meter gives them: few digits, noise, a little jitter of the clock."""
    energy, found = 1000.0, []
    for n in range(count):
        energy += chance.random() * 0.02
        values = (
            *(round(230 + chance.gauss(0, 1), 1) for _ in range(3)),
            *(round(40 + chance.gauss(0, 1), 2) for _ in range(3)),
            float(round(18_000 + chance.gauss(0, 200))),
            round(0.93 + chance.gauss(0, 0.005), 3),
            round(50 + chance.gauss(0, 0.02), 2),
            round(energy, 2),
        )
        found.append(
            METER.sample(
                T0 + n * step_ns + chance.randrange(3_000_000), dict(zip(CHANNELS, values, strict=True)),
                span_ns=chance.randrange(100_000_000),
            )
        )  # fmt: skip
    return found


def pack(path: Path) -> float:
    """Packs everything in a journal; gives the seconds of processor time."""
    with Journal.open(path) as journal:
        begin = time.process_time()
        while journal.pack(FOREVER, whole=False):
            pass
        return time.process_time() - begin


def bytes_of(path: Path) -> int:
    """Bytes of a journal's pages that hold something."""
    compact = path.with_name(path.name + "-compact")
    db = sqlite3.connect(path)
    db.execute("VACUUM INTO ?", (str(compact),))
    db.close()
    size = compact.stat().st_size
    compact.unlink()
    return size


# readings, each in a process of its own


def bare(path: Path) -> object:
    """A frame from the rows themselves, with nothing but sqlite3, numpy and pandas."""
    import numpy as np
    import pandas as pd

    db = sqlite3.connect(path)
    rows = db.execute(BARE).fetchall()
    db.close()
    times = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.frombuffer(b"".join([row[6] for row in rows]), "<f8").reshape(len(rows), len(CHANNELS))
    index = pd.DatetimeIndex(times.view("datetime64[ns]"), name="time").tz_localize("UTC")
    return pd.DataFrame(values, index=index, columns=list(CHANNELS))


def series(path: Path) -> object:
    """The same through the query interface."""
    with JournalStore(path) as store:
        return store.series("meter-1", CHANNELS, 0, FOREVER)


def one_channel(path: Path) -> object:
    """Steps of one channel, as a report asks for them."""
    with JournalStore(path) as store:
        return store.intervals("meter-1", "energy_import_kwh", T0, T0 + 400 * DAY_NS, "1D")


def alone(what: str, path: Path) -> dict[str, float]:
    """One reading in a process of its own: seconds, and seconds of processor time."""
    found = subprocess.run(
        [sys.executable, __file__, "--alone", what, str(path)], capture_output=True, check=True
    )
    return dict(json.loads(found.stdout))


def reading(rows: int, step_s: int, rounds: int, folder: Path) -> dict[str, object]:
    """Seconds of the readings and bytes a value, for one meter read every so many seconds."""
    fresh, packed = folder / f"fresh-{step_s}.db", folder / f"packed-{step_s}.db"
    chance = random.Random(1)
    with Journal.open(fresh) as journal:
        journal.layout(METER)
        samples = meter(rows, step_s * SECOND_NS, chance)
        for first in range(0, rows, 5000):
            journal.commit([("bench", sample) for sample in samples[first : first + 5000]])
    del samples
    shutil.copy(fresh, packed)
    seconds = pack(packed)
    plan = {
        "bare": ("bare", fresh), "fresh": ("series", fresh), "packed": ("series", packed),
        "fresh_counter_days": ("one_channel", fresh), "packed_counter_days": ("one_channel", packed),
    }  # fmt: skip
    found: dict[str, list[dict[str, float]]] = {name: [] for name in plan}
    for _ in range(rounds):
        for name, (what, path) in plan.items():
            found[name].append(alone(what, path))
    best = {name: min(times, key=lambda one: one["cpu_s"])["cpu_s"] for name, times in found.items()}
    values = rows * len(CHANNELS)
    return {
        "every_s": step_s,
        "rows": rows,
        "cpu_s": {name: round(one, 3) for name, one in best.items()},
        "wall_s": {name: round(min(one["s"] for one in times), 3) for name, times in found.items()},
        "fresh_to_bare": round(best["fresh"] / best["bare"], 2),
        "packed_to_bare": round(best["packed"] / best["bare"], 2),
        "bytes_a_value": {
            "fresh": round(bytes_of(fresh) / values, 2),
            "packed": round(bytes_of(packed) / values, 2),
        },
        "pack_us_a_value": round(seconds / values * 1e6, 2),
    }


def plant_year(folder: Path) -> dict[str, object]:
    """Bytes a value of the demo plant's last year, fresh and packed."""
    from drivers.plant import LAYOUTS, Plant

    last = dt.date(2026, 6, 30)
    plant = Plant(last)
    path = folder / "plant.db"
    rows = values = 0
    with Journal.open(path) as journal:
        for layout in LAYOUTS:
            journal.layout(layout)
        for batch in plant.batches(last - dt.timedelta(days=364), last):
            rows += len(batch)
            values += sum(sample.present.bit_count() for sample in batch)
            journal.commit([("bench", sample) for sample in batch])
    fresh = bytes_of(path)
    with Journal.open(path) as journal:
        before = [sample.digest() for _, sample in journal.read_after(0, rows)]
        while journal.pack(FOREVER):
            pass
        if [sample.digest() for _, sample in journal.read_after(0, rows)] != before:
            raise SystemExit("packing changed a sample")
    return {
        "samples": rows,
        "values": values,
        "fresh_bytes_a_value": round(fresh / values, 2),
        "packed_bytes_a_value": round(bytes_of(path) / values, 2),
    }


def influx(rows: int, rounds: int, folder: Path) -> dict[str, object]:
    """series() from a real InfluxDB 2 against the bare download of the same CSV."""
    from drain import servers

    module = servers()
    try:
        program = module.require_program("influxd")
    except module.pytest.skip.Exception as missing:
        return {"left out": str(missing)}
    server = module.InfluxServer(program, folder / "influxd")
    server.start()
    try:
        bucket = {"orgID": server.org_id, "name": "history", "retentionRules": []}
        server.request("POST", "/api/v2/buckets", bucket)
        target = InfluxTarget(server.url, "history", server.org, server.token)
        tags = Tags("bench", "bench", "main", "meter-1", Measurement.ELECTRICITY)
        lines = [line(sample, METER, tags) for sample in meter(rows, 10 * SECOND_NS, random.Random(1))]
        sink = InfluxSink(target)
        for first in range(0, rows, 5000):
            result = sink.write([text for text in lines[first : first + 5000] if text])
            if not result.ok:
                raise SystemExit(f"InfluxDB answered {result}")
        sink.close()
        fields = ", ".join(f'"{name}"' for name in CHANNELS)
        query = f"SELECT {fields} FROM electricity WHERE instrument = 'meter-1'"  # noqa: S608 - InfluxQL, ours
        place = "/query?" + urlencode({"db": "history", "epoch": "ns", "q": query})
        headers = {"Authorization": f"Token {server.token}", "Accept": "application/csv"}
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=300)
        best = {"download": float("inf"), "series": float("inf")}
        size = 0
        for _ in range(rounds):
            begin = time.perf_counter()
            connection.request("GET", place, headers=headers)
            size = len(connection.getresponse().read())
            best["download"] = min(best["download"], time.perf_counter() - begin)
            store = InfluxStore(target)
            begin = time.perf_counter()
            frame = store.series("meter-1", CHANNELS, T0, T0 + 4000 * DAY_NS)
            best["series"] = min(best["series"], time.perf_counter() - begin)
            store.close()
            if len(frame) != rows:
                raise SystemExit(f"{len(frame)} rows of {rows}")
    finally:
        server.stop()
    return {
        "rows": rows,
        "csv_bytes": size,
        "s": {name: round(one, 2) for name, one in best.items()},
        "series_to_download": round(best["series"] / best["download"], 2),
    }


def main() -> int:
    """Prints the machine and one JSON line a part."""
    if "--alone" in sys.argv:
        import pandas  # noqa: F401 - its import is not the reading's time

        what, path = sys.argv[-2:]
        begin, cpu = time.perf_counter(), time.process_time()
        {"bare": bare, "series": series, "one_channel": one_channel}[what](Path(path))
        took = {"s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}
        sys.stdout.write(json.dumps(took))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, nargs="*", default=[1, 10], help="seconds between samples")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-plant", action="store_true")
    parser.add_argument("--influx-rows", type=int, default=200_000)
    options = parser.parse_args()
    sys.stdout.write(describe() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        for step_s in options.every if options.rows else ():
            sys.stdout.write(json.dumps(reading(options.rows, step_s, options.rounds, Path(folder))) + "\n")
            sys.stdout.flush()
        if not options.no_plant:
            sys.stdout.write(json.dumps({"plant_year": plant_year(Path(folder))}) + "\n")
            sys.stdout.flush()
        if options.influx_rows:
            sys.stdout.write(
                json.dumps({"influxdb2": influx(options.influx_rows, options.rounds, Path(folder))}) + "\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
