"""A serial line or socket with one instrument that sends by itself: lines and telegrams as samples."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal

from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers._device_clock import agrees, off_data, off_words
from drivers._stream import WAIT_S, Stream, sample_of
from drivers.connection import ConnectionStatus
from drivers.links import LinkDown
from drivers.protocols.received import Received, Refused

_REOPEN_MAX_S: Final = 30.0


class StreamConnection:
    """One instrument that sends by itself, with its own thread.

    A message that can't become readings gives one flagged sample and a fault_start; so does silence.
    While the fault lasts nothing is repeated; with the next good message come a fault_end and a gap.
    The device's own time is taken when it agrees with our clock and goes forward, else ours.
    """

    polled = False

    def __init__(self, id: str, stream: Stream) -> None:
        self.id = id
        self._stream = stream
        self._receiver = stream.receiver
        self._clock = stream.clock
        self.instruments = (self._receiver.layout.instrument,)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._state: Literal["up", "down", "starting"] = "starting"
        self._counters: Counter[str] = Counter()
        self._last_ns = 0
        self._last_good_ns: int | None = None
        self._heard_ns = 0
        self._down_ns: int | None = None
        self._fault_ns: int | None = None
        self._fault_told = False
        self._clock_told = False
        self.turned_ns = 0

    @property
    def thread(self) -> threading.Thread | None:
        """The line's thread."""
        return self._thread

    def layouts(self) -> tuple[Layout, ...]:
        """The layout of the instrument on this line."""
        return (self._receiver.layout,)

    def measurement(self, instrument: str) -> Measurement:  # noqa: ARG002  (the contract's signature)
        """Which measurement the instrument belongs to."""
        return self._receiver.kind

    def poll(self, instrument: str, due_ns: int) -> bool:  # noqa: ARG002  (the contract's signature)
        """It sends by itself: nothing to ask."""
        return False

    def start(self, inbox: Inbox) -> None:
        """Starts listening; an absent port is told as an event and tried again."""
        self._inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        self._heard_ns = self._clock.monotonic_ns()
        self._thread = threading.Thread(target=self._run, name=f"stream {self.id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes the line."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=5)
        self._stream.link.close()

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        counters = {**self._stream.counters, **self._counters}
        good = {} if self._last_good_ns is None else {self.instruments[0]: self._last_good_ns}
        return ConnectionStatus(self.id, self._state, counters, good)

    # ---- the line's thread

    def _run(self) -> None:
        pause_s = 0.25
        while not self._stopping.is_set():
            self.turned_ns = self._clock.monotonic_ns()
            if self._state != "up" and not self._open():
                self._clock.wait(self._stopping, pause_s)
                pause_s = min(pause_s * 2, _REOPEN_MAX_S)
                continue
            pause_s = 0.25
            try:
                self.step(WAIT_S)
            except LinkDown as error:
                self._link_down(str(error))
            except Exception as error:  # noqa: BLE001  (a surprise must not end the line's thread)
                self._surprise(error)
        self._stream.link.close()

    def _open(self) -> bool:
        try:
            self._stream.open()
        except LinkDown as error:
            self._link_down(str(error))
            return False
        self._state = "up"
        self._heard_ns = self._clock.monotonic_ns()
        if self._down_ns is not None:
            self._tell(EventKind.FAULT_END, f"{self._stream.link.name} is back", of_line=True)
            self._down_ns = None
        return True

    def _link_down(self, text: str) -> None:
        self._stream.link.close()
        self._state = "down"
        self._counters["link_down"] += 1
        if self._down_ns is None:
            self._down_ns = self._clock.now_ns()
            self._tell(EventKind.FAULT_START, text, of_line=True)
            self._fault(Reason.NO_ANSWER, self._down_ns)

    def _surprise(self, error: Exception) -> None:
        if self._stopping.is_set():
            return  # a collector that is closing takes nothing more
        self._counters["surprises"] += 1
        with contextlib.suppress(RuntimeError):
            self._fault(Reason.DECODE, self._clock.now_ns(), f"{type(error).__name__}: {error}")
        self._clock.wait(self._stopping, WAIT_S)

    def step(self, wait_s: float) -> None:
        """Listens once and delivers what came; raises LinkDown."""
        messages = self._stream.listen(wait_s)
        now = self._clock.monotonic_ns()
        for message, end_ns, waited in messages:
            self._take(message, end_ns, waited)
        if messages:
            self._heard_ns = now
        elif now - self._heard_ns > self._receiver.silence_s * SECOND_NS:
            self._heard_ns = now
            words = f"nothing came for {self._receiver.silence_s:g} s"
            self._fault(Reason.NO_ANSWER, self._clock.now_ns(), words)

    def _take(self, message: bytes, end_ns: int, waited: bool) -> None:
        try:
            received = self._receiver.decode(message)
        except Refused as refusal:
            self._counters["refused"] += 1
            self._fault(refusal.reason, end_ns, refusal.text, message)
            return
        if received is None:
            self._counters["ignored"] += 1
            return
        sample = self._stamped(received, message, end_ns, waited)
        self._last_ns = sample.time_ns
        self._deliver(sample)
        self._well(sample)

    def _stamped(self, received: Received, message: bytes, end_ns: int, waited: bool) -> Sample:
        time_ns, source = self._time(received, end_ns, waited)
        return sample_of(self._receiver.layout, received, message, time_ns, source)

    def _time(self, received: Received, end_ns: int, waited: bool) -> tuple[int, TimeSource]:
        if received.time_ns is not None and agrees(received.time_ns, end_ns, received.max_skew_s):
            if self._clock_told:
                self._clock_told = False
                self._tell(EventKind.NOTE, "the instrument's own time is right again")
            if received.time_ns > self._last_ns:
                return received.time_ns, TimeSource.DEVICE
        elif received.time_ns is not None or received.time_fault is not None:
            self._counters["clock_refused"] += 1
            if not self._clock_told:
                self._clock_told = True
                words, off = received.time_fault or "", {}
                if received.time_ns is not None and not words:
                    words = f"its clock {off_words(received.time_ns - end_ns)}; set it"
                    off = off_data(received.time_ns - end_ns)
                self._tell(EventKind.NOTE, f"the instrument's own time is not taken: {words}", data=off)
        return end_ns, TimeSource.UNKNOWN if waited else TimeSource.HOST

    # ---- faults

    def _fault(self, reason: Reason, time_ns: int, text: str = "", raw: bytes | None = None) -> None:
        """A fault starts: one flagged sample, and an event unless the line's own says it already."""
        if self._fault_ns is None:
            self._fault_ns = time_ns
            layout = self._receiver.layout
            flags = [Flag(channel, reason) for channel in layout.channels]
            self._deliver(layout.sample(time_ns, {}, flags=flags, raw=raw))
        if text and not self._fault_told:
            self._fault_told = True
            self._tell(EventKind.FAULT_START, text, time_ns=time_ns)

    def _well(self, sample: Sample) -> None:
        if self._fault_ns is not None:
            start_ns = self._last_good_ns if self._last_good_ns is not None else self._fault_ns
            if self._fault_told:
                self._tell(EventKind.FAULT_END, "sends again", time_ns=sample.time_ns)
            if sample.time_ns > start_ns:
                self._tell(EventKind.GAP, "no readings", time_ns=start_ns, end_ns=sample.time_ns)
        self._fault_ns, self._fault_told = None, False
        self._last_good_ns = sample.time_ns

    def _deliver(self, sample: Sample) -> None:
        self._counters["samples"] += 1
        if self._inbox is not None:
            self._inbox.sample(sample, source=self.id)

    def _tell(
        self,
        kind: EventKind,
        text: str,
        *,
        of_line: bool = False,
        time_ns: int | None = None,
        end_ns: int | None = None,
        data: Mapping[str, str | int | float] | None = None,
    ) -> None:
        if self._inbox is None:
            return
        instrument = None if of_line else self.instruments[0]
        when = self._clock.now_ns() if time_ns is None else time_ns
        # a store that is closing must not keep the line's thread from ending
        with contextlib.suppress(RuntimeError):
            self._inbox.event(Event(when, kind, text, self.id, instrument, end_ns, data or {}))
