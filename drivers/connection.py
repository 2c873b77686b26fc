"""Connections: a polled line with its own thread, and what every connection owes the collector."""

from __future__ import annotations

import contextlib
import heapq
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason, Sample
from drivers.bus import Bus, Reader
from drivers.counters import CounterWatch
from drivers.links import LineSettings, LinkDown

_LINE_REASONS: Final = frozenset({Reason.NO_ANSWER, Reason.CRC, Reason.LATE_ANSWER, Reason.EXCEPTION})
_BACKOFF_MAX_S: Final = 60.0
_REOPEN_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection's state, its counters, and the last good time (UTC ns) of each instrument."""

    id: str
    state: Literal["up", "down", "starting"]
    counters: Mapping[str, int]
    last_good_ns: Mapping[str, int]


class Connection(Protocol):
    """A way to instruments: a serial line, a gateway, a broker.

    `start` never raises because a port or a broker is away: it tells an event and tries again.
    `poll` (polled connections) queues a read and returns at once; False means that one is still
    queued: a missed tick. `stop` joins the threads.
    """

    @property
    def id(self) -> str: ...
    @property
    def instruments(self) -> tuple[str, ...]: ...
    @property
    def polled(self) -> bool: ...
    def layouts(self) -> tuple[Layout, ...]: ...
    def measurement(self, instrument: str) -> Measurement: ...
    def start(self, inbox: Inbox) -> None: ...
    def poll(self, instrument: str, due_ns: int) -> bool: ...
    def stop(self) -> None: ...
    def status(self) -> ConnectionStatus: ...


@dataclass
class _Station:
    """One instrument on the line, as the line's thread sees it."""

    reader: Reader
    measurement: Measurement
    queued: bool = False
    last_good_ns: int | None = None
    fault_ns: int | None = None
    fault_told: bool = False
    failures: int = 0
    retry_ns: int = 0
    refused: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    counters: CounterWatch = field(init=False)

    def __post_init__(self) -> None:
        self.counters = CounterWatch(self.reader.layout)


class PolledConnection:
    """One line with one thread: reads are queued by deadline, a silent unit holds up no other.

    A failed read gives one sample with flags and one fault_start event; while the fault lasts the
    unit is probed after 1, 2, 4 … 60 s and nothing is repeated; then come a fault_end and a gap.
    settings: the line's speed and frame by instrument, where they have their own.
    """

    polled = True

    def __init__(
        self,
        id: str,
        bus: Bus,
        readers: Sequence[tuple[Reader, Measurement]],
        clock: Clock,
        settings: Mapping[str, LineSettings] | None = None,
    ) -> None:
        self.id = id
        self.instruments = tuple(reader.layout.instrument for reader, _ in readers)
        self._bus = bus
        self._clock = clock
        self._stations = {r.layout.instrument: _Station(r, measurement) for r, measurement in readers}
        self._settings = dict(settings or {})
        self._queue: list[tuple[int, str]] = []
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._state: Literal["up", "down", "starting"] = "starting"
        self._down_ns: int | None = None
        self._reopen_s = 0.0
        self._reopen_ns = 0
        self._counters: Counter[str] = Counter()

    def layouts(self) -> tuple[Layout, ...]:
        """The layouts of this line's instruments."""
        return tuple(station.reader.layout for station in self._stations.values())

    def measurement(self, instrument: str) -> Measurement:
        """Which measurement an instrument belongs to."""
        return self._stations[instrument].measurement

    def start(self, inbox: Inbox) -> None:
        """Starts the line's thread; an absent port is told as an event and tried again."""
        self._inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=f"bus {self.id}", daemon=True)
        self._thread.start()

    def poll(self, instrument: str, due_ns: int) -> bool:
        """Queues a read; False when one of this instrument is still waiting (a missed tick)."""
        station = self._stations[instrument]
        with self._wake:
            if station.queued:
                self._counters["missed_ticks"] += 1
                return False
            station.queued = True
            heapq.heappush(self._queue, (due_ns, instrument))
            self._wake.notify()
        return True

    def stop(self) -> None:
        """Ends the thread after the request on the line, and closes the line."""
        self._stopping.set()
        with self._wake:
            self._wake.notify_all()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=self._bus.timeout_s * 4 + self._bus.late_guard_s + 5)
        self._bus.link.close()

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        counters = {**self._bus.counters, **self._counters}
        good = {n: s.last_good_ns for n, s in self._stations.items() if s.last_good_ns is not None}
        return ConnectionStatus(self.id, self._state, counters, good)

    # ---- the line's thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._keep_open()
            with self._wake:
                if not self._queue:
                    self._wake.wait(timeout=0.2 if self._state == "up" else 0.05)
                    continue
                _, instrument = heapq.heappop(self._queue)
            station = self._stations[instrument]
            try:
                self._serve(station)
            except Exception as error:  # noqa: BLE001  (one instrument's surprise must not end the line's thread)
                self._surprise(station, error)
            finally:
                with self._wake:
                    station.queued = False
        self._bus.link.close()

    def _keep_open(self) -> None:
        """Opens the line when it is down and it is time to try."""
        if self._state == "up" or self._clock.monotonic_ns() < self._reopen_ns:
            return
        try:
            self._bus.link.open()
        except LinkDown as error:
            self._link_down(str(error))
            return
        self._state, self._reopen_s = "up", 0.0
        if self._down_ns is not None:
            self._tell(EventKind.FAULT_END, f"{self._bus.link.name} is back")
            self._down_ns = None

    def _link_down(self, text: str) -> None:
        self._bus.link.close()
        self._state = "down"
        self._reopen_s = min(max(0.25, self._reopen_s * 2), _REOPEN_MAX_S)
        self._reopen_ns = self._clock.monotonic_ns() + round(self._reopen_s * SECOND_NS)
        self._counters["link_down"] += 1
        if self._down_ns is None:
            self._down_ns = self._clock.now_ns()
            self._tell(EventKind.FAULT_START, text)

    def _serve(self, station: _Station) -> None:
        if self._state != "up":
            self._flag_once(station)
            return
        if station.failures and self._clock.monotonic_ns() < station.retry_ns:
            return
        try:
            if (settings := self._settings.get(station.reader.layout.instrument)) is not None:
                self._bus.use(settings)
            if station.failures and not station.reader.probe(self._bus):
                self._back_off(station)
                return
            sample = station.reader.read(self._bus)
        except LinkDown as error:
            self._link_down(str(error))
            self._flag_once(station)
            return
        self._take(station, station.counters.checked(sample))

    def _take(self, station: _Station, sample: Sample) -> None:
        refused = station.reader.refused_channels - station.refused
        if refused:
            station.refused |= refused
            words = f"the instrument refuses {', '.join(sorted(refused))}: left out until the next start"
            self._tell(EventKind.ALARM, words, station)
        bad = [f for f in sample.flags if f.reason in _LINE_REASONS and f.channel not in refused]
        good = any(value == value for value in sample.values)
        if bad:
            # where nothing at all came, the next good sample ends the fault, whatever it carries
            station.failed = (station.failed | {f.channel for f in bad}) if good else set()
            if station.fault_ns is None:
                station.fault_ns = sample.time_ns
                self._deliver(sample)
            elif good:
                self._deliver(_without(sample, station.reader.layout))
            if not station.fault_told:
                station.fault_told = True
                words = station.reader.fault_text or bad[0].reason.value
                self._tell(EventKind.FAULT_START, words, station, time_ns=sample.time_ns)
            if good:
                station.failures = 0
            elif any(f.reason == Reason.NO_ANSWER for f in bad):
                self._back_off(station)
            return
        self._deliver(sample)
        place = station.reader.layout.index
        station.failed -= station.refused | {n for n in station.failed if sample.present >> place[n] & 1}
        if station.failed:
            # what failed was not due this time: the fault lasts until it is read again
            station.failures = 0
            return
        if station.fault_ns is not None:
            start_ns = station.last_good_ns or station.fault_ns
            if station.fault_told:
                self._tell(EventKind.FAULT_END, "answers again", station, time_ns=sample.time_ns)
            self._event(
                Event(
                    time_ns=start_ns,
                    kind=EventKind.GAP,
                    text="no readings",
                    source=self.id,
                    instrument=sample.instrument,
                    end_ns=sample.time_ns,
                )
            )
        station.fault_ns, station.fault_told, station.failures = None, False, 0
        station.last_good_ns = sample.time_ns

    def _back_off(self, station: _Station) -> None:
        wait_s = min(2.0**station.failures, _BACKOFF_MAX_S)
        station.failures += 1
        station.retry_ns = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
        self._counters["backoffs"] += 1

    def _flag_once(self, station: _Station) -> None:
        """The line is down: one flagged sample per instrument; the line's own event says why."""
        if station.fault_ns is not None:
            return
        layout = station.reader.layout
        now = station.fault_ns = self._clock.now_ns()
        flags = [Flag(channel, Reason.NO_ANSWER) for channel in layout.channels]
        self._deliver(layout.sample(now, {}, flags=flags))

    def _surprise(self, station: _Station, error: Exception) -> None:
        self._counters["surprises"] += 1
        if station.fault_ns is None:
            station.fault_ns, station.fault_told = self._clock.now_ns(), True
            layout = station.reader.layout
            flags = [Flag(channel, Reason.DECODE) for channel in layout.channels]
            self._deliver(layout.sample(station.fault_ns, {}, flags=flags))
            self._tell(EventKind.FAULT_START, f"{type(error).__name__}: {error}", station)
        self._back_off(station)

    def _deliver(self, sample: Sample) -> None:
        self._counters["samples"] += 1
        if self._inbox is not None:
            self._inbox.sample(sample, source=self.id)

    def _tell(
        self, kind: EventKind, text: str, station: _Station | None = None, time_ns: int | None = None
    ) -> None:
        instrument = station.reader.layout.instrument if station is not None else None
        self._event(Event(time_ns or self._clock.now_ns(), kind, text, self.id, instrument))

    def _event(self, event: Event) -> None:
        if self._inbox is not None:
            # a store that is closing must not keep the line's thread from ending
            with contextlib.suppress(RuntimeError):
                self._inbox.event(event)


def _without(sample: Sample, layout: Layout) -> Sample:
    """The sample with channels that failed on the line absent instead of flagged again."""
    values = {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}
    flags = [flag for flag in sample.flags if flag.reason not in _LINE_REASONS]
    return layout.sample(
        sample.time_ns,
        values,
        flags=flags,
        span_ns=sample.span_ns,
        time_source=sample.time_source,
        raw=sample.raw,
        part=sample.part,
    )
