"""A collector's clock, way in and journal under a clock in hand, with meters that know the right time."""

from __future__ import annotations

from pathlib import Path

from collector._clock import HostClock
from collector._clock_fix import Fixer
from collector._clock_inbox import ClockInbox
from collector._clock_keeper import floor_of, peak_of
from collector._clock_parts import Past
from collector._clock_trust import SystemTrust, Trust
from collector.ingest import Ingest
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind
from dodac.samples import FIRST_REVISION, Layout, Sample
from store import Journal, JournalStore

T0 = 1_790_000_000 * SECOND_NS
LAYOUT = Layout("meter1", ("power_w", "energy_import_kwh"))


class Bench:
    """A collector's clock, way in and journal, with meters that are read on a schedule by a clock in hand."""

    def __init__(self, path: Path, start_ns: int = T0, *, boot: str = "boot1", boot_ns: int = 0) -> None:
        self.path = path
        self.clock = ManualClock(start_ns)
        self.clock._monotonic_ns = boot_ns
        self.synced = False
        self.count = 0
        self.truth: list[tuple[int, float]] = []  # what an observer with a good watch would have written
        self.true_offset_ns = 0  # right time minus monotonic time
        self.past = self.left = ""
        self.open(boot)

    def open(self, boot: str) -> None:
        self.journal = Journal.open(self.path)
        self.ingest = Ingest(self.journal, self.clock, group_ms=1)
        self.ingest.start()
        self.fixer = Fixer(self.journal, self.ingest, self.clock)
        plain = SystemTrust(self.clock)
        self.host = HostClock(
            self.clock,
            lambda wall_ns: Trust.SYNCED if self.synced and plain(wall_ns) else plain(wall_ns),
            boot=boot,
            floor_ns=floor_of(self.journal),
            peak_ns=peak_of(self.journal, self.clock.now_ns()),
            past=Past.of_text(self.past),
            seq=self.journal.last_seq,
            report=self.ingest.event,
            decide=self.fixer.decide,
            note=self.note,
        )
        self.inbox = ClockInbox(self.ingest, self.host, self.fixer.doubt)
        self.inbox.layout(LAYOUT)
        self.fixer.take_up(self.left)
        self.host.start()

    def note(self) -> None:
        self.past, self.left = self.host.past.as_text(), self.fixer.as_text()

    def poll(self, value: float | None = None) -> None:
        """One read: 40 ms from request to answer."""
        self.count += 1
        value = float(self.count) if value is None else value
        sent_ns = self.clock.now_ns()
        self.truth.append((self.clock.monotonic_ns() + 20_000_000 + self.true_offset_ns, value))
        self.clock.advance(0.04)
        sample = LAYOUT.sample(
            sent_ns + 20_000_000,
            {"power_w": value, "energy_import_kwh": value},
            span_ns=40_000_000,
            raw=b"answer",
        )
        self.inbox.sample(sample, source="bus")

    def polls(self, count: int, every_s: float = 10.0, *, uneven: bool = False) -> None:
        """uneven: as real ones, no two at the same fraction of a second."""
        for _ in range(count):
            self.poll()
            more_s = self.count * 7919 % 1_000_003 * 1e-9 if uneven else 0.0
            self.clock.advance(every_s - 0.04 + more_s)

    def settle(self) -> None:
        self.host.look()
        self.fixer.carry_out()
        assert self.ingest.flush()

    def close(self) -> None:
        assert self.ingest.stop()
        self.journal.close()

    def stored(self) -> list[Sample]:
        self.settle()
        return [sample for _, sample in self.journal.read_after(0, 1_000_000)]

    def live(self) -> list[Sample]:
        """What was taken live, in the order it came."""
        return [
            s
            for s in self.stored()
            if s.part < FIRST_REVISION and not (s.raw or b"").startswith(b'{"clock_moved"')
        ]

    def series(self) -> list[tuple[int, float]]:
        self.settle()
        store = JournalStore(self.path)
        try:
            frame = store.series("meter1", ["power_w"], 0, 2**62)
        finally:
            store.close()
        return list(zip(frame.index.asi8.tolist(), frame["power_w"].tolist(), strict=True))

    def events(self, kind: EventKind) -> list[Event]:
        assert self.ingest.flush()
        return [event for _, event in self.journal.events_after(0, 10_000) if event.kind is kind]

    def restart(self, *, away_s: float = 30.0, jump_s: float = 0.0, synced: bool | None = None) -> None:
        """The process ends, as by a kill, and another begins in the same boot; meanwhile wall time may move."""
        self.close()
        self.clock.advance(away_s)
        self.clock.jump(jump_s)
        self.synced = self.synced if synced is None else synced
        self.open(self.host.boot)

    def lose_events(self) -> None:
        """The next events are lost: the process is killed before they are stored."""
        self.fixer._way_in.event = lambda event: None  # type: ignore[method-assign]
