"""Evidence of two years of 15-minute samples from a journal, as a ratio to SHA-256 of as many digests.

Run: python benchmarks/audit_evidence.py
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path

from _machine import describe

from audit.evidence import evidence_of
from audit.records import Plan
from dodac.clock import MINUTE_NS, parse_time_ns
from dodac.samples import Layout
from store import Journal, JournalStore

COUNT = 70_080


def main() -> None:
    """Fills a journal, then times the evidence of one instrument."""
    layout = Layout("main", ("power_w", "energy_import_kwh", "voltage_l1_v"))
    plan = Plan(
        "p", "o", "C", "", "", ("main", "energy_import_kwh"), {"temperature": ("main", "power_w")},
        "towt-daily", None, "UTC", ("2023-01-01", "2024-12-31"), None, ("2025-01-01", "2025-12-31"), 0.9, None,
    )  # fmt: skip
    start = parse_time_ns("2023-01-01", "UTC")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        with Journal.open(path) as journal:
            journal.layout(layout)
            for first in range(0, COUNT, 10_000):
                journal.commit(
                    [
                        (
                            "b",
                            layout.sample(
                                start + n * 15 * MINUTE_NS,
                                {
                                    "power_w": 4000.0 + n % 7,
                                    "energy_import_kwh": float(n),
                                    "voltage_l1_v": 230.0,
                                },
                            ),
                        )
                        for n in range(first, min(first + 10_000, COUNT))
                    ]
                )
        store = JournalStore(path)
        begin = time.perf_counter()
        found = evidence_of(store, plan, plan.baseline)
        ours = time.perf_counter() - begin
        store.close()
    assert found[0].samples == COUNT
    block = bytes(200)
    begin = time.perf_counter()
    for _ in range(COUNT):
        hashlib.sha256(block).digest()
    bare = time.perf_counter() - begin
    print(describe())
    print(f"evidence of {COUNT} samples: {ours:.2f} s ({1e6 * ours / COUNT:.1f} µs a sample)")
    print(f"sha256 of as many 200-byte blocks: {bare:.2f} s")
    print(f"ratio: {ours / bare:.1f}")


if __name__ == "__main__":
    main()
