"""A year of 100 instruments at 10 s in a journal: bytes on the disk and time to pack, from a measured week.

Fewer instruments (--instruments) are scaled up to 100, and the line that is printed says how many there were.

Every sample goes through Journal.commit and Journal.pack, day after day, and packing runs while one more
sample is committed every few milliseconds: the longest of those commits tells what packing costs who collects.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from _machine import describe
from history import CHANNELS, T0, bytes_of

from dodac.clock import DAY_NS, HOUR_NS, SECOND_NS
from dodac.samples import Layout, Sample, TimeSource
from store import Journal

FULL = (1 << len(CHANNELS)) - 1
DIGITS = (1, 1, 1, 2, 2, 2, 0, 3, 2, 2)
MEANS = (230.0, 230.0, 230.0, 40.0, 40.0, 40.0, 18_000.0, 0.93, 50.0, 0.0)
NOISE = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 200.0, 0.005, 0.02, 0.0)


def hour(
    layouts: list[Layout], begin_ns: int, step_ns: int, energy: list[float], chance: np.random.Generator
) -> Iterator[list[Sample]]:
    """An hour of all instruments in the order in which they answer, a minute a list."""
    count = HOUR_NS // step_ns
    columns = []
    for place, layout in enumerate(layouts):
        values = chance.normal(MEANS, NOISE, (count, len(CHANNELS)))
        values[:, -1] = energy[place] + np.cumsum(chance.random(count) * 0.02)
        energy[place] = float(values[-1, -1])
        for column, digits in enumerate(DIGITS):
            values[:, column] = np.round(values[:, column], digits)
        times = (
            begin_ns + np.arange(count) * step_ns + place * 7_000_000 + chance.integers(0, 3_000_000, count)
        )
        spans = chance.integers(20_000_000, 100_000_000, count)
        columns.append((layout, times.tolist(), spans.tolist(), values.tolist()))
    minute = max(1, 60 * SECOND_NS // step_ns)
    for first in range(0, count, minute):
        yield [
            Sample(layout.instrument, times[n], spans[n], TimeSource.HOST, layout.id, tuple(values[n]), FULL)
            for n in range(first, min(first + minute, count))
            for layout, times, spans, values in columns
        ]


class Beside:
    """One sample committed every few milliseconds, and how long the slowest took."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._layout = Layout("beside", ("power_w",))
        journal.layout(self._layout)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.took: list[float] = []

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            sample = self._layout.sample(T0 + 4000 * DAY_NS + time.monotonic_ns(), {"power_w": 1.0})
            begin = time.perf_counter()
            self._journal.commit([("beside", sample)])
            self.took.append(time.perf_counter() - begin)


def main() -> int:
    """Prints the machine and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--instruments", type=int, default=20, help="scaled up to 100 (default %(default)s)")
    parser.add_argument("--every", type=int, default=10, help="seconds")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    options = parser.parse_args()
    chance = np.random.default_rng(1)
    layouts = [Layout(f"meter-{n}", CHANNELS) for n in range(options.instruments)]
    energy = [1000.0] * len(layouts)
    rows = 0
    cpu = wall = 0.0
    moves = 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "journal.db"
        with Journal.open(path) as journal:
            for layout in layouts:
                journal.layout(layout)
            beside = Beside(journal)
            for day in range(options.days + 1):
                if day < options.days:
                    for n in range(24):
                        begin_ns = T0 + day * DAY_NS + n * HOUR_NS
                        for samples in hour(layouts, begin_ns, options.every * SECOND_NS, energy, chance):
                            rows += len(samples)
                            journal.commit([("bench", sample) for sample in samples])
                    largest = journal.counts().size_bytes
                with beside:
                    begin, cpu_begin = time.perf_counter(), time.process_time()
                    # whole hours that are more than a day old, as dodac run does; at the end the last day too
                    while journal.pack(T0 + day * DAY_NS):
                        moves += 1
                    wall += time.perf_counter() - begin
                    cpu += time.process_time() - cpu_begin
            if journal.counts().samples != rows + len(beside.took):
                raise SystemExit(f"{journal.counts().samples} samples of {rows}")
        db = sqlite3.connect(path)
        (packed,) = db.execute("SELECT total(count) FROM blocks").fetchone()
        db.close()
        size = bytes_of(path)
    year = 365 / options.days * 100 / options.instruments
    found = {
        "days": options.days,
        "instruments": options.instruments,
        "samples": rows,
        "packed": int(packed),
        "bytes_a_value": round(size / rows / len(CHANNELS), 2),
        "gigabytes_a_year_of_100": round(size * year / 1e9, 2),
        "largest_file_megabytes": round(largest / 1e6),
        "packing_cpu_s": round(cpu, 1),
        "packing_cpu_minutes_a_year_of_100": round(cpu * year / 60, 1),
        "packing_us_a_value": round(cpu / rows / len(CHANNELS) * 1e6, 2),
        "packing_wall_s": round(wall, 1),
        "transactions": moves,
        "commits_beside": len(beside.took),
        "slowest_commits_beside_ms": [round(1000 * one) for one in sorted(beside.took)[-3:]],
        "median_commit_beside_ms": round(1000 * float(np.median(beside.took)), 1),
    }
    sys.stdout.write(describe() + "\n" + json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
