"""A polled line with its own thread: reads by deadline, faults told once, silent units tried again."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason, Sample
from drivers._connection import Connection, ConnectionStatus
from drivers._stations import LINE_REASONS, Station, without_line_faults
from drivers._turns import Turn, Turns
from drivers.bus import Bus, Reader, SlowReader
from drivers.links import LineSettings, LinkDown

__all__ = ["Connection", "ConnectionStatus", "PolledConnection"]

_GARBLES: Final = frozenset({Reason.CRC, Reason.LATE_ANSWER})
_GARBLED: Final = 3
_BACKOFF_MAX_S: Final = 60.0
_REOPEN_MAX_S: Final = 30.0


class PolledConnection:
    """One line with one thread: reads are queued by deadline, a silent unit holds up no other.

    A failed read gives one sample with flags and one fault_start event; while the fault lasts the
    unit is probed after 2, 2, 4, 8 … 60 s and nothing is repeated; then come a fault_end and a gap.
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
        self._stations = {r.layout.instrument: Station(r, measurement) for r, measurement in readers}
        self._settings = dict(settings or {})
        self._turns = Turns()
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._state: Literal["up", "down", "starting"] = "starting"
        self._down_ns: int | None = None
        self._reopen_s = 0.0
        self._reopen_ns = 0
        self._counters: Counter[str] = Counter()
        self._turned_ns = 0

    @property
    def turned_ns(self) -> int:
        """Monotonic time at which the line's thread last went on: at a turn of its loop, or inside a read."""
        return max(self._turned_ns, self._bus.moved_ns)

    @property
    def thread(self) -> threading.Thread | None:
        """The line's thread."""
        return self._thread

    def layouts(self) -> tuple[Layout, ...]:
        """The layouts of this line's instruments."""
        return tuple(station.reader.layout for station in self._stations.values())

    def measurement(self, instrument: str) -> Measurement:
        """Which measurement an instrument belongs to."""
        return self._stations[instrument].measurement

    def intervals(self, instrument: str) -> dict[str, int]:
        """Channels of an instrument that are read more seldom than it is polled, with their intervals in ns."""
        times = getattr(self._stations[instrument].reader, "times", None)
        return dict(times.every) if times is not None else {}

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
            station.wanted(due_ns)
            if station.served:
                self._counters["missed_ticks"] += 1
                return False
            self._turns.read(due_ns, instrument)
            missed, station.queued = station.queued, True
            self._counters["missed_ticks"] += missed
            self._wake.notify()
        return not missed

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
        for station in self._stations.values():
            if missed := getattr(getattr(station.reader, "times", None), "missed", 0):
                counters["slow_missed"] = counters.get("slow_missed", 0) + missed
        times = {n: t.summary() for n, t in list(self._bus.turnarounds.items())}
        if (hurried := getattr(self._bus.link, "low_latency", None)) is not None:
            counters["low_latency"] = int(hurried)
        good = {n: s.last_good_ns for n, s in self._stations.items() if s.last_good_ns is not None}
        known = {n: t for n, t in times.items() if t is not None}
        return ConnectionStatus(self.id, self._state, counters, good, known)

    # ---- the line's thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turned_ns = self._clock.monotonic_ns()
            self._keep_open()
            with self._wake:
                turn = self._next()
                if turn is None:
                    self._wake.wait(timeout=0.2 if self._state == "up" else 0.05)
                    continue
                self._stations[turn.instrument].served = turn.kind != "slow"
            self._do(turn)
        self._bus.link.close()

    def _next(self) -> Turn | None:
        """What to do now; called with the lock."""
        now_ns = self._clock.now_ns()
        expected = [due for s in self._stations.values() if (due := s.expected_ns(now_ns)) is not None]
        idle_ns = min(expected) - now_ns if expected else None
        return self._turns.next(self._to_probe, self._takes_ns, idle_ns, self._clock.monotonic_ns())

    def _do(self, turn: Turn) -> None:
        station = self._stations[turn.instrument]
        try:
            if turn.kind == "slow":
                self._serve_slow(station)
            else:
                self._serve(station)
        except Exception as error:  # noqa: BLE001  (one instrument's surprise must not end the line's thread)
            self._surprise(station, error)
        finally:
            if turn.kind != "slow":
                with self._wake:
                    station.queued = station.served = False

    def _takes_ns(self, turn: Turn) -> int:
        if turn.kind == "slow":
            return max(self._stations[turn.instrument].slow_took_ns, default=0)
        return round((self._bus.timeout_s + self._bus.quiet_s) * SECOND_NS)

    def _to_probe(self, instrument: str) -> bool:
        """True when serving this instrument may cost a timeout: it was silent and is to be tried again."""
        station = self._stations[instrument]
        return bool(station.failures) and self._clock.monotonic_ns() >= station.retry_ns

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

    def _serve(self, station: Station) -> None:
        if self._state != "up":
            self._flag_once(station)
            return
        if station.failures and self._clock.monotonic_ns() < station.retry_ns:
            return
        self._bus.unit = station.reader.layout.instrument
        try:
            if (settings := self._settings.get(self._bus.unit)) is not None:
                self._bus.use(settings)
            if station.failures and not station.reader.probe(self._bus):
                self._back_off(station)
                return
            reader = station.reader
            before = self._bus.counters["requests"]
            apart = reader if isinstance(reader, SlowReader) and reader.started else None
            sample = apart.read_fast(self._bus) if apart is not None else reader.read(self._bus)
            if apart is None:  # one block of slow channels takes about as long as one of all
                asked = self._bus.counters["requests"] - before
                station.slow_took_ns.append(sample.span_ns // max(1, asked))
        except LinkDown as error:
            self._link_down(str(error))
            self._flag_once(station)
            return
        self._take(station, sample)
        if apart is not None and not station.failures and apart.slow_due():
            with self._wake:
                self._turns.slow(reader.layout.instrument, self._clock.monotonic_ns())

    def _serve_slow(self, station: Station) -> None:
        """Reads slow channels of an instrument that answered just now."""
        reader = station.reader
        if self._state != "up" or station.failures or not isinstance(reader, SlowReader):
            return
        self._bus.unit = reader.layout.instrument
        start_ns = self._clock.monotonic_ns()
        try:
            if (settings := self._settings.get(self._bus.unit)) is not None:
                self._bus.use(settings)
            sample = reader.read_slow(self._bus)
        except LinkDown as error:
            self._link_down(str(error))
            self._flag_once(station)
            return
        station.slow_took_ns.append(self._clock.monotonic_ns() - start_ns)
        if sample.present:
            station.answers = True
            self._take(station, sample)
            station.answers = False
        if any(flag.reason == Reason.NO_ANSWER for flag in sample.flags):
            # these channels, or the whole unit? its next read begins with a probe, when nobody else waits
            station.failures, station.retry_ns = 1, self._clock.monotonic_ns()
        elif reader.slow_due():
            with self._wake:
                self._turns.slow(reader.layout.instrument, self._clock.monotonic_ns())

    def _take(self, station: Station, sample: Sample) -> None:
        """Gives a sample on, and tells what began or ended with it."""
        refused = station.reader.refused_channels - station.refused
        if refused:
            station.refused |= refused
            words = f"the instrument refuses {', '.join(sorted(refused))}: left out until the next start"
            self._tell(EventKind.ALARM, words, station)
        bad = [f for f in sample.flags if f.reason in LINE_REASONS and f.channel not in refused]
        good = station.answers or any(value == value for value in sample.values)
        if bad:
            # where nothing at all came, the next good sample ends the fault, whatever it carries
            station.failed = (station.failed | {f.channel for f in bad}) if good else set()
            if station.fault_ns is None:
                station.fault_ns = sample.time_ns
                self._deliver(sample)
            elif (rest := without_line_faults(sample, station.reader.layout)).present:
                self._deliver(rest)
            if not station.fault_told:
                station.fault_told = True
                words = station.reader.fault_text or bad[0].reason.value
                self._tell(EventKind.FAULT_START, words, station, time_ns=sample.time_ns)
            if good:
                station.failures = station.garbled = 0
                return
            station.garbled += 1
            silent = any(f.reason == Reason.NO_ANSWER for f in bad)
            # one damaged answer is read again at its next time; a unit that only babbles costs timeouts too
            if silent or (station.garbled >= _GARBLED and any(f.reason in _GARBLES for f in bad)):
                self._back_off(station)
            return
        self._deliver(sample)
        station.garbled = 0
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

    def _back_off(self, station: Station) -> None:
        # within the guard an answer may still come: the unit is left alone, the others are not
        wait_s = max(min(2.0**station.failures, _BACKOFF_MAX_S), self._bus.late_guard_s)
        station.failures += 1
        station.retry_ns = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
        self._counters["backoffs"] += 1

    def _flag_once(self, station: Station) -> None:
        """The line is down: one flagged sample per instrument; the line's own event says why."""
        if station.fault_ns is not None:
            return
        layout = station.reader.layout
        now = station.fault_ns = self._clock.now_ns()
        flags = [Flag(channel, Reason.NO_ANSWER) for channel in layout.channels]
        self._deliver(layout.sample(now, {}, flags=flags))

    def _surprise(self, station: Station, error: Exception) -> None:
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
        self, kind: EventKind, text: str, station: Station | None = None, time_ns: int | None = None
    ) -> None:
        instrument = station.reader.layout.instrument if station is not None else None
        self._event(Event(time_ns or self._clock.now_ns(), kind, text, self.id, instrument))

    def _event(self, event: Event) -> None:
        if self._inbox is not None:
            # a store that is closing must not keep the line's thread from ending
            with contextlib.suppress(RuntimeError):
                self._inbox.event(event)
