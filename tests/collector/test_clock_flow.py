"""A whole collector whose clock jumps: what is in the journal afterwards, with drivers that stamp as they always do."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from collector import Collector
from dodac.clock import SECOND_NS
from dodac.contracts import EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import FIRST_REVISION, Layout, Reason, TimeSource
from dodac.site import parse_site
from drivers.connection import ConnectionStatus
from store import Journal, JournalStore

T0 = 1_790_000_000 * SECOND_NS


class Watch:
    """Wall time that the test moves, over real monotonic time made twenty times faster."""

    def __init__(self, start_ns: int) -> None:
        self._began = time.monotonic_ns()
        self.ahead_ns = start_ns

    def monotonic_ns(self) -> int:
        return (time.monotonic_ns() - self._began) * 20

    def now_ns(self) -> int:
        return self.monotonic_ns() + self.ahead_ns

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / 20)


class Meter:
    """A polled connection without a line: it answers at once and stamps with the clock it was given."""

    polled = True
    id = "bus"
    instruments = ("m1",)

    def __init__(self, clock: Watch) -> None:
        self.layout = Layout("m1", ("power_w",))
        self.clock = clock
        self.count = 0
        self.inbox: Inbox | None = None

    def layouts(self) -> tuple[Layout, ...]:
        return (self.layout,)

    def measurement(self, instrument: str) -> Measurement:
        return Measurement.ELECTRICITY

    def start(self, inbox: Inbox) -> None:
        inbox.layout(self.layout)
        self.inbox = inbox

    def poll(self, instrument: str, due_ns: int) -> bool:
        assert self.inbox is not None
        self.count += 1
        sample = self.layout.sample(self.clock.now_ns(), {"power_w": float(self.count)})
        self.inbox.sample(sample, source=self.id)
        return True

    def stop(self) -> None:
        pass

    def status(self) -> ConnectionStatus:
        return ConnectionStatus(self.id, "up", {}, {})


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def run(path: Path, watch: Watch, jumps: list[float], settings: str = "") -> Meter:
    site = parse_site(
        f'[site]\nid = "s"\ncompany = "c"\n[connections.bus]\nkind = "serial"\nport = "/dev/p"\n'
        f'[[instruments]]\nid = "m1"\nprofile = "eastron.sdm630"\nconnection = "bus"\nevery = "1s"\n{settings}',
        path / "site.toml",
    )
    meter = Meter(watch)
    collector = Collector(site, watch, connections=[meter])
    collector.start()
    try:
        for jump in [*jumps, 0.0]:
            wanted = meter.count + 8
            until(lambda wanted=wanted: meter.count >= wanted)  # type: ignore[misc]
            watch.ahead_ns += round(jump * SECOND_NS)
        assert collector.flush()
        ticks = collector.status().ticks["m1"]
        assert ticks.due == ticks.sent + ticks.missed
        assert collector.ledger().balanced()
    finally:
        collector.stop()
    return meter


@pytest.mark.parametrize("jumps", [[-3600.0], [3600.0, -3600.0], [-30.0, -30.0, 86400.0]])
def test_live_times_go_forward_and_every_jump_is_one_event(tmp_path: Path, jumps: list[float]) -> None:
    meter = run(tmp_path, Watch(T0), jumps)
    with Journal.open(tmp_path / "data" / "journal.db") as journal:
        # in the order they came
        rows = [
            s for _, s in journal.read_after(0, 10_000) if not (s.raw or b"").startswith(b'{"clock_moved"')
        ]
        told = [
            e.data["jump_s"] for _, e in journal.events_after(0, 10_000) if e.kind is EventKind.CLOCK_JUMP
        ]
    assert len(rows) == meter.count
    assert all(a.time_ns < b.time_ns for a, b in itertools.pairwise(rows))
    assert told == pytest.approx(jumps, abs=0.5)


def test_a_start_in_1970_ends_with_every_reading_at_its_right_time(tmp_path: Path) -> None:
    watch = Watch(5 * SECOND_NS)
    meter = run(tmp_path, watch, [(T0 - 5 * SECOND_NS) / SECOND_NS, 0.0])
    store = JournalStore(tmp_path / "data" / "journal.db")
    try:
        frame = store.series("m1", ["power_w"], 0, 2**62)
        early = [s for s in store.samples("m1", 0, T0 - 1) if s.part < FIRST_REVISION]
    finally:
        store.close()
    assert frame["power_w"].tolist() == [float(n + 1) for n in range(meter.count)]
    assert frame.index.asi8[0] >= T0
    assert frame.index.is_monotonic_increasing
    assert len(early) >= 8
    assert {s.time_source for s in early} == {TimeSource.UNKNOWN}
    assert {f.reason for s in early for f in s.flags} == {Reason.TIME_UNKNOWN}


def test_jitter_moves_the_ticks_of_an_instrument_by_the_same_part_at_every_start(tmp_path: Path) -> None:
    offsets = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        site = parse_site(
            '[site]\nid = "s"\ncompany = "c"\n[collector]\njitter = "5s"\n[connections.bus]\nkind = "serial"\n'
            'port = "/dev/p"\n[[instruments]]\nid = "m1"\nprofile = "eastron.sdm630"\nconnection = "bus"\n'
            'every = "10s"\n',
            tmp_path / name / "site.toml",
        )
        collector = Collector(site, Watch(T0), connections=[Meter(Watch(T0))])
        offsets.append(collector._schedule._offsets["m1"])
        collector.stop()
    assert offsets[0] == offsets[1]
    assert 0 <= offsets[0] < 5 * SECOND_NS
