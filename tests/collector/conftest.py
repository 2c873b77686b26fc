"""Fakes of the rooms around the collector."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dodac.clock import SECOND_NS
from dodac.errors import StorageError
from dodac.samples import Layout, Sample
from store import Item, Journal, Outcome

T0 = 1_790_000_000 * SECOND_NS
LAYOUT = Layout("meter1", ("power_w", "energy_import_kwh"))


def _shared(name: str) -> None:
    """A file of this folder that several tests import by its name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_shared("clock_bench")


def make(number: int, power: float = 1000.0, layout: Layout = LAYOUT) -> Sample:
    """The sample of second `number`."""
    return layout.sample(T0 + number * SECOND_NS, {"power_w": power, "energy_import_kwh": float(number)})


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Waits for something other threads do; fails when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


class FlakyJournal:
    """A journal in memory whose disk can be full, and whose commits can be held."""

    def __init__(self) -> None:
        self.groups: list[list[tuple[str, Item]]] = []
        self.broken = False
        self.attempts = 0
        self.layouts: list[Layout] = []
        self.gate = threading.Event()
        self.gate.set()
        self._keys: dict[tuple[str, int], Sample] = {}

    @property
    def items(self) -> list[Item]:
        return [item for group in self.groups for _, item in group]

    def layout(self, layout: Layout) -> None:
        self.layouts.append(layout)

    def commit(self, items: Sequence[tuple[str, Item]]) -> list[Outcome]:
        assert self.gate.wait(10)
        self.attempts += 1
        if self.broken:
            raise StorageError("the disk is full.")
        self.groups.append(list(items))
        return [self._outcome(item) for _, item in items]

    def _outcome(self, item: Item) -> Outcome:
        if not isinstance(item, Sample):
            return Outcome.COMMITTED
        before = self._keys.setdefault((item.instrument, item.time_ns), item)
        if before is item:
            return Outcome.COMMITTED
        return Outcome.DUPLICATE if before.digest() == item.digest() else Outcome.CONFLICT


@dataclass(frozen=True)
class Kit:
    """What the tests of this room share (test folders are no packages, so they can't import it)."""

    layout: Layout = LAYOUT
    t0: int = T0
    make: Callable[..., Sample] = make
    until: Callable[..., None] = until
    flaky: type[FlakyJournal] = FlakyJournal


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as opened:
        yield opened
