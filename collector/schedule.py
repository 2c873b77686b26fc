"""When each instrument is read: on a grid of whole intervals, missed ticks counted, never bunched."""

from __future__ import annotations

import hashlib
import heapq
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from collector._clock import HostClock
from collector._clock_trust import Trust
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind

log = logging.getLogger("dodac.collector")

Poll = Callable[[str, int], bool]

_LONGEST_WAIT_NS: Final = SECOND_NS
FIRST_NS: Final = 10 * SECOND_NS
"""An instrument whose first grid time is further away than this is also read at the start."""


def next_tick(after_ns: int, every_ns: int, offset_ns: int = 0) -> int:
    """The first grid time later than `after_ns`: `offset_ns` after a multiple of `every_ns` since 1970 UTC.

    Raises ValueError when `every_ns` is not positive.
    """
    if every_ns <= 0:
        raise ValueError(f"an interval of {every_ns} ns is not positive.")
    return ((after_ns - offset_ns) // every_ns + 1) * every_ns + offset_ns


def missed_gap(instrument: str, first_ns: int, end_ns: int, count: int) -> Event:
    """The gap that a run of missed ticks leaves."""
    text = f"{count} readings were due and could not be taken: its line or the journal was busy"
    return Event(first_ns, EventKind.GAP, text, "schedule", instrument, end_ns=end_ns, data={"missed": count})


def ticks_missed(due_ns: int, now_ns: int, every_ns: int) -> int:
    """How many whole intervals after `due_ns` have also passed by `now_ns`: they are not made up for."""
    return max(0, (now_ns - due_ns) // every_ns)


def jitter_ns(name: str, jitter: int, every_ns: int) -> int:
    """How long after its grid time a name's ticks come: the same at every start, less than `jitter` and `every_ns`.

    Names are spread evenly, so that many collectors do not ask at the same moment.
    """
    width = min(jitter, every_ns)
    if width <= 0:
        return 0
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % width


NAMED: Final = 3
"""Ticks missed in a row that are told as a gap; fewer are counted only."""


@dataclass(slots=True)
class Ticks:
    """One instrument's count: due = sent + missed."""

    due: int = 0
    sent: int = 0
    missed: int = 0


class Schedule:
    """Polls every instrument on its grid from one thread, a slow one also at the start.

    `poll(instrument, due_ns)` must return at once; False means that an earlier read is still queued,
    which counts as a missed tick. A wall-clock jump gives one CLOCK_JUMP event; ticks go on from the
    new time, and what was due before it is counted. offsets: how long after the grid an instrument's ticks
    come. host: who watches the clock; without one the schedule does it by itself.
    """

    def __init__(
        self,
        intervals: Mapping[str, int],
        poll: Poll,
        clock: Clock,
        report: Callable[[Event], None],
        *,
        offsets: Mapping[str, int] | None = None,
        host: HostClock | None = None,
    ) -> None:
        self._intervals = dict(intervals)
        self._poll = poll
        self._clock = clock
        self._report = report
        self._offsets = dict(offsets or {})
        self._host = host
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ticks = {instrument: Ticks() for instrument in self._intervals}
        self._failing: set[str] = set()
        self._missing: dict[
            str, tuple[int, int]
        ] = {}  # instrument → first tick of a run of missed ones, count
        self.turned_ns = 0

    @property
    def thread(self) -> threading.Thread | None:
        """The thread; None without instruments."""
        return self._thread

    def start(self) -> None:
        """Starts the thread; without instruments it does nothing."""
        if self._thread is None and self._intervals:
            self._thread = threading.Thread(target=self.run, name="schedule", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_LONGEST_WAIT_NS / SECOND_NS + 1)
        now_ns = self._clock.now_ns()
        for instrument, (first_ns, count) in self._missing.items():
            if count >= NAMED and first_ns < now_ns:
                self._report(missed_gap(instrument, first_ns, now_ns, count))
        self._missing.clear()

    def ticks(self) -> dict[str, Ticks]:
        """Counts per instrument."""
        with self._lock:
            return {name: Ticks(t.due, t.sent, t.missed) for name, t in self._ticks.items()}

    def run(self) -> None:
        """The loop of the thread; returns after stop()."""
        clock = self._clock
        host = self._host
        if host is None:
            host = HostClock(clock, lambda _: Trust.FREE, report=self._report_jump)
        jumps = host.look()
        start_ns = clock.now_ns()
        before_ns, before_boot_ns = start_ns, clock.monotonic_ns()
        heap = self._grid(start_ns)
        for due_ns, instrument in list(heap):
            if due_ns - start_ns > FIRST_NS:
                self._tick(instrument, start_ns, 0)
        while not self._stop.is_set():
            seen = host.look()
            now_ns, boot_ns = clock.now_ns(), clock.monotonic_ns()
            self.turned_ns = boot_ns
            if seen != jumps:
                jumps = seen
                self._miss(heap, before_ns + boot_ns - before_boot_ns)
                heap = self._grid(now_ns)
            before_ns, before_boot_ns = now_ns, boot_ns
            while heap and heap[0][0] <= now_ns:
                due_ns, instrument = heapq.heappop(heap)
                every_ns = self._intervals[instrument]
                missed = ticks_missed(due_ns, now_ns, every_ns)
                self._tick(instrument, due_ns + missed * every_ns, missed)
                heapq.heappush(heap, (self._next(instrument, now_ns), instrument))
            wait_ns = min(heap[0][0] - clock.now_ns(), _LONGEST_WAIT_NS)
            if wait_ns > 0:
                clock.wait(self._stop, wait_ns / SECOND_NS)

    def _report_jump(self, event: Event) -> None:
        if event.kind is EventKind.CLOCK_JUMP:
            self._report(event)

    def _grid(self, now_ns: int) -> list[tuple[int, str]]:
        heap = [(self._next(name, now_ns), name) for name in self._intervals]
        heapq.heapify(heap)
        return heap

    def _next(self, instrument: str, now_ns: int) -> int:
        return next_tick(now_ns, self._intervals[instrument], self._offsets.get(instrument, 0))

    def _miss(self, heap: list[tuple[int, str]], until_ns: int) -> None:
        """Counts what was due by the old time and was not asked for when the clock jumped."""
        with self._lock:
            for due_ns, instrument in heap:
                if due_ns < until_ns:
                    missed = 1 + ticks_missed(due_ns, until_ns, self._intervals[instrument])
                    self._ticks[instrument].due += missed
                    self._ticks[instrument].missed += missed

    def _tick(self, instrument: str, due_ns: int, missed: int) -> None:
        try:
            sent = self._poll(instrument, due_ns)
        except Exception:
            sent = False
            if instrument not in self._failing:
                self._failing.add(instrument)
                log.exception("%s: the poll could not be queued", instrument)
        else:
            self._failing.discard(instrument)
        with self._lock:
            ticks = self._ticks[instrument]
            ticks.due += missed + 1
            ticks.missed += missed + (0 if sent else 1)
            ticks.sent += 1 if sent else 0
        self._name_gap(instrument, due_ns, missed, sent=sent)

    def _name_gap(self, instrument: str, due_ns: int, missed: int, *, sent: bool) -> None:
        """A run of missed ticks is told as one gap when it is over: a busy line, a journal that takes nothing."""
        first_ns, count = self._missing.get(instrument, (due_ns - missed * self._intervals[instrument], 0))
        count += missed + (0 if sent else 1)
        if not sent:
            self._missing[instrument] = (first_ns, count)
            return
        self._missing.pop(instrument, None)
        if count >= NAMED:
            if self._host is not None:
                first_ns = min(self._host.since(first_ns), due_ns)  # the clock may have been set meanwhile
            self._report(missed_gap(instrument, first_ns, due_ns, count))
