"""Memory and time of `dodac import` for a long logger file: gone through in pieces, never held whole.

python benchmarks/import_file.py [MEGABYTES]   (44 by default; the whole of it took 1.2 GB before)
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIMIT_MB = 200


def write(path: Path, megabytes: float) -> int:
    """A file of one reading a second; gives the number of its rows."""
    at, rows = datetime(2024, 1, 1, tzinfo=UTC), 0
    with path.open("w", encoding="ascii") as file:
        file.write("time,kWh\n")
        while file.tell() < megabytes * 1e6:
            for _ in range(10_000):
                file.write(f"{at:%Y-%m-%d %H:%M:%S},{rows % 97}\n")
                at += timedelta(seconds=1)
                rows += 1
    return rows


def main() -> None:
    """Prints rows, seconds and the peak of memory of import and of importing again."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 44.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.csv"
        rows = write(path, megabytes)
        words = [
            sys.executable, "-m", "dodac", "import", str(path), "--journal", f"{folder}/j.db", "--instrument", "logger",
            "--measurement", "electricity", "--column", "kWh=energy_interval_kwh", "--timezone", "UTC",
        ]  # fmt: skip
        print(f"{path.stat().st_size / 1e6:.0f} MB, {rows:,} rows")
        for label, more in (("preview", ["--preview"]), ("import", []), ("again", [])):
            begun = time.perf_counter()
            subprocess.run([*words, *more], check=True, capture_output=True)
            seconds = time.perf_counter() - begun
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{label:8} {seconds:6.1f} s  {rows / seconds:9,.0f} rows/s  peak so far {peak:4.0f} MB")
        assert peak < LIMIT_MB, f"{peak:.0f} MB"


if __name__ == "__main__":
    main()
