"""Journal.commit against a bare sqlite3 executemany of the same rows, in one run: rows/s and ratio."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from _machine import describe

from dodac.samples import Layout
from store import Journal, JournalStore
from store import _codec as codec
from store import _schema as schema
from store._rows import INSERT_SAMPLE

CHANNELS = (
    "voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "current_l1_a", "current_l2_a", "current_l3_a",
    "power_w", "power_factor", "frequency_hz", "energy_import_kwh",
)  # fmt: skip
T0 = 1_790_000_000_000_000_000


def run(rows: int, batch: int, folder: Path) -> dict[str, float]:
    """Rows per second of both, and the seconds of the queries users wait for."""
    layout = Layout("meter-1", CHANNELS)
    samples = [
        layout.sample(T0 + n * 1_000_000_000, {c: n + k / 7 for k, c in enumerate(CHANNELS)})
        for n in range(rows)
    ]
    packed = [codec.encode(sample, layout, n + 1, 1, 1) for n, sample in enumerate(samples)]

    path = folder / "bare.db"
    db = schema.connect(path)
    schema.prepare(db, path)
    begin = time.perf_counter()
    for first in range(0, rows, batch):
        db.execute("BEGIN")
        db.executemany(INSERT_SAMPLE, packed[first : first + batch])
        db.execute("COMMIT")
    bare = rows / (time.perf_counter() - begin)
    db.close()

    with Journal.open(folder / "journal.db") as journal:
        journal.layout(layout)
        begin = time.perf_counter()
        for first in range(0, rows, batch):
            journal.commit([("bench", sample) for sample in samples[first : first + batch]])
        ours = rows / (time.perf_counter() - begin)
        size = journal.counts().size_bytes

        quarter = Layout("file-1", ("energy_interval_kwh", "temperature_c"))
        journal.layout(quarter)
        length = 900 * 1_000_000_000
        journal.commit(
            [
                (
                    "import",
                    quarter.sample(
                        T0 + n * length, {"energy_interval_kwh": 1.0, "temperature_c": 20.0}, span_ns=length
                    ),
                )
                for n in range(70_080)
            ]
        )
        import pandas  # noqa: F401 - its import is not the query's time

        store = JournalStore(journal.path)
        begin = time.perf_counter()
        store.intervals("file-1", "energy_interval_kwh", T0, T0 + 70_080 * length, "1D", "Asia/Ho_Chi_Minh")
        daily = time.perf_counter() - begin
        store.close()
    return {
        "commit_rows_per_s": round(ours),
        "bare_sqlite_rows_per_s": round(bare),
        "ratio": round(ours / bare, 3),
        "bytes_per_row": round(size / rows, 1),
        "two_years_of_quarters_to_days_s": round(daily, 3),
    }


def main() -> int:
    """Prints the machine and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sys.stdout.write(describe() + "\n")
        sys.stdout.write(json.dumps(run(options.rows, options.batch, Path(folder))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
