"""A line in memory with virtual time, and an inbox that keeps what it is given."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import DeadLetter, Event
from dodac.samples import Layout, Sample
from drivers.links import LinkDown
from drivers.simulator import Fault, LineUnit
from drivers.simulator.faults import OF_THE_IMAGE, distort


class LoopLink:
    """Units behind a link in virtual time: one unit answers one request after another."""

    name = "loop"

    def __init__(
        self,
        clock: ManualClock,
        units: Mapping[int, LineUnit],
        faults: Callable[[int], list[Fault]] = lambda _: [],
        latency_s: float = 0.03,
        seed: int = 1,
    ) -> None:
        self.clock = clock
        self.units = dict(units)
        for address, unit in self.units.items():
            unit.address = address
        self.faults = faults
        self.latency_s = latency_s
        self.requests: list[bytes] = []
        self.absent = False
        self._chance = random.Random(seed)
        self._due: list[tuple[int, bytes]] = []
        self._free_ns: dict[int, int] = {}

    def open(self) -> None:
        if self.absent:
            raise LinkDown("loop: there is no such port")

    def close(self) -> None:
        self._due.clear()

    def write(self, data: bytes) -> None:
        if self.absent:
            raise LinkDown("loop: the device was unplugged")
        self.requests.append(data)
        for address, unit in self.units.items():
            if unit.answer(data) is None:
                continue
            struck = self.faults(address)
            kinds = [fault.kind for fault in struck]
            answer = unit.answer(data, OF_THE_IMAGE & set(kinds))
            assert answer is not None
            if "wrong_unit" in kinds:
                answer = unit.of_another(answer)
            sent = distort(data, answer, kinds, self._chance)
            if sent is None:
                continue
            late_s = sum(fault.seconds for fault in struck if fault.kind == "late")
            now = self.clock.monotonic_ns()
            due = max(now + round((self.latency_s + late_s) * SECOND_NS), self._free_ns.get(address, 0))
            self._free_ns[address] = due + SECOND_NS // 100
            self._due.append((due, sent))
            self._due.sort(key=lambda item: item[0])

    def read(self, timeout_s: float) -> bytes:
        if self.absent:
            raise LinkDown("loop: the device was unplugged")
        now = self.clock.monotonic_ns()
        if self._due and self._due[0][0] <= now + round(timeout_s * SECOND_NS):
            due, data = self._due.pop(0)
            self.clock.advance(max(0, due - now) / SECOND_NS)
            return data
        self.clock.advance(timeout_s)
        return b""


@dataclass
class ListInbox:
    """Keeps layouts, samples and events in lists."""

    layouts: list[Layout] = field(default_factory=list)
    taken: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def layout(self, layout: Layout) -> None:
        self.layouts.append(layout)

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None:
        with self.lock:
            self.taken.append(sample)
        if done is not None:
            done()

    def samples(
        self, samples: Iterable[Sample], *, source: str, done: Callable[[], None] | None = None
    ) -> None:
        for sample in samples:
            self.sample(sample, source=source)
        if done is not None:
            done()

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None:
        self.letters.append(letter)

    def event(self, event: Event) -> None:
        with self.lock:
            self.events.append(event)

    def of(self, instrument: str) -> list[Sample]:
        with self.lock:
            return [sample for sample in self.taken if sample.instrument == instrument]

    def kinds(self, instrument: str | None) -> list[str]:
        with self.lock:
            return [event.kind.value for event in self.events if event.instrument == instrument]


@pytest.fixture
def inbox() -> ListInbox:
    return ListInbox()


@pytest.fixture
def loop_link() -> type[LoopLink]:
    return LoopLink


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that another thread does, at most ten seconds."""

    def wait(condition: Callable[[], bool], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.005)

    return wait
