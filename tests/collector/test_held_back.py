"""A journal that takes nothing holds back who reads: memory stays bounded, and what is not read is a named gap."""

from __future__ import annotations

import queue
import threading
from itertools import pairwise
from typing import Any

from collector.ingest import Ingest
from collector.schedule import Schedule
from dodac.clock import SystemClock
from dodac.contracts import Event, EventKind
from dodac.samples import Sample

EVERY_NS = 20_000_000


class _Line:
    """A line with one instrument: one read at a time, from a thread of its own, as a bus does it."""

    def __init__(self, kit: Any, ingest: Ingest) -> None:
        self._kit = kit
        self._ingest = ingest
        self._due: queue.Queue[int | None] = queue.Queue(1)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def poll(self, _instrument: str, due_ns: int) -> bool:
        try:
            self._due.put_nowait(due_ns)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while (due_ns := self._due.get()) is not None:
            sample = self._kit.layout.sample(due_ns, {"power_w": 1.0})
            self._ingest.sample(sample, source="bus")

    def stop(self) -> None:
        self._due.put(None)
        self.thread.join(5)


def test_readings_that_a_full_disk_holds_back_are_a_counted_gap_and_memory_stays_bounded(
    kit: Any, fault_row: Any
) -> None:
    journal = kit.flaky()
    window = 10
    ingest = Ingest(journal, SystemClock(), window=window, group_ms=5, retry_s=(0.01, 0.02))
    ingest.start()
    line = _Line(kit, ingest)
    schedule = Schedule({"meter1": EVERY_NS}, line.poll, SystemClock(), ingest.event)
    schedule.start()
    kit.until(lambda: len(journal.items) >= 5)
    journal.broken = True
    most = 0

    def missed() -> int:
        nonlocal most
        most = max(most, sum(count.in_flight for count in ingest.counts()))
        return int(schedule.ticks()["meter1"].missed)

    kit.until(lambda: missed() >= 20)
    journal.broken = False
    kit.until(lambda: any(event.kind is EventKind.GAP for event in _events(journal)))
    schedule.stop()
    line.stop()
    assert ingest.stop()
    assert most <= 2 * window + 1
    (count,) = ingest.counts()
    assert count.balanced
    times = [item.time_ns for item in journal.items if isinstance(item, Sample)]
    assert count.received == len(times)
    (gap,) = [event for event in _events(journal) if event.kind is EventKind.GAP]
    assert gap.end_ns is not None
    holes = [(a, b) for a, b in pairwise(times) if b - a > 3 * EVERY_NS]
    assert holes
    assert all(gap.time_ns <= a + EVERY_NS and b <= gap.end_ns for a, b in holes), "each hole lies in the gap"
    assert gap.data["missed"] >= 20
    fault_row(
        "the disk takes nothing for longer than the window holds, with polled instruments",
        "sources are held back, memory stays bounded; instruments are read again as soon as there is room",
        count.received - len(times),
        "readings that were due meanwhile: one GAP event per instrument with start, end and count",
        chapter="disk",
    )


def _events(journal: Any) -> list[Event]:
    return [item for item in journal.items if isinstance(item, Event)]
