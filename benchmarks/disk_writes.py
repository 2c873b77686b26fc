"""Bytes a day that the journal makes a disk write: 100 instruments of ten channels, every 10 s, by how they are grouped.

Run: python benchmarks/disk_writes.py [FOLDER on the disk that is asked about] [--seconds 3600]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from dodac.samples import Layout, Sample
from dodac.sizes import size_text
from store import Journal

INSTRUMENTS = 100
EVERY_S = 10
CHANNELS = (
    "voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "current_l1_a", "current_l2_a", "current_l3_a",
    "power_w", "power_factor", "frequency_hz", "energy_import_kwh",
)  # fmt: skip
T0 = 1_790_000_000 * 10**9


def written() -> int:
    """What the kernel says this process made the disk write."""
    return int(Path("/proc/self/io").read_text().split("\nwrite_bytes:")[1].split()[0])


def one_day(folder: Path, group: int, seconds: int) -> tuple[float, float, float, int]:
    """Bytes a day, bytes a sample in the file, commits/s that were possible, and commits of `seconds` of samples."""
    layouts = [Layout(f"meter-{n}", CHANNELS) for n in range(INSTRUMENTS)]
    path = folder / f"journal-{group}.db"
    rng = random.Random(1)
    before, begun, commits = written(), time.monotonic(), 0
    with Journal.open(path) as journal:
        for layout in layouts:
            journal.layout(layout)
        samples: list[tuple[str, Sample]] = []
        for tick in range(0, seconds, EVERY_S):
            for place, layout in enumerate(layouts):
                values = {name: round(rng.uniform(1, 400), 2) for name in CHANNELS}
                time_ns = T0 + tick * 10**9 + place * (EVERY_S * 10**9 // INSTRUMENTS)
                samples.append(("bus", layout.sample(time_ns, values, span_ns=40_000_000)))
            while len(samples) >= group:
                journal.commit(samples[:group])
                samples = samples[group:]
                commits += 1
            journal.set_cursor("collector/alive", T0 + tick)
    took = time.monotonic() - begun
    count = INSTRUMENTS * seconds // EVERY_S
    return (written() - before) * 86_400 / seconds, path.stat().st_size / count, commits / took, commits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=None)
    parser.add_argument("--seconds", type=int, default=3600)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        rows = [(group, *one_day(Path(name), group, args.seconds)) for group in (1, 10, 100, 300)]
    sys.stdout.write(
        "samples in a commit | commits a day | written a day | for each byte kept | commits/s possible\n"
    )
    for group, day, kept, rate, commits in rows:
        stays = kept * INSTRUMENTS * 86_400 / EVERY_S
        sys.stdout.write(
            f"{group:19} | {commits * 86_400 // args.seconds:13} | {size_text(round(day)):>13} | {day / stays:18.1f} | {rate:.0f}\n"
        )
    sys.stdout.write(f"kept a day, before packing: {size_text(round(stays))}\n")


if __name__ == "__main__":
    main()
