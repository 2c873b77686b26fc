"""Sends what the journal holds to a sink, newest first, and keeps account of every sample's fate."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from collector._delivery import Delivery, Parcel, PauseError, Unit
from collector._lanes import Lanes, Recent, Row
from collector.facts import TagSource
from collector.ledger import SinkCount
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Layout
from store import Outgoing, SinkCounts, SinkState, WriteKind, WriteResult, event_line

log = logging.getLogger("dodac.collector")

BATCH: Final = 5000
_FEWEST: Final = 100
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0
_IDLE_S: Final = 0.25
_EVENTS: Final = 500
_OWN: Final = 60
_BREATH: Final = 500

_TODO: Final = {
    WriteKind.AUTH: "check token_file, or user and password_file, and ca_file",
    WriteKind.MISSING: "create the bucket (InfluxDB 1: the database) on the server, or correct url, org and bucket",
    WriteKind.ELSEWHERE: "check url: what answers there is no InfluxDB",
    WriteKind.REFUSED: "it refuses everything and names no reading: check url and version, and any proxy before it",
    WriteKind.TOO_LARGE: "it takes not even one reading: check the size limit of the server or proxy",
    WriteKind.BAD_LINE: "it refuses everything: check url and version",
}


class Sink(Protocol):
    """Takes line protocol; never raises for what the other side says.

    One with a method pack(text) gets what that made of lines parted by line feeds, instead of the lines.
    """

    def write(self, lines: Sequence[str]) -> WriteResult: ...


class Outbox(Protocol):
    """The part of the journal that a forwarder reads and marks."""

    def waiting_rows(
        self, sink: str, limit: int, newest_first: bool = True, before: int | None = None
    ) -> list[Row]: ...

    def mark(self, sink: str, seqs: Sequence[int], state: SinkState | str, reason: str = "") -> None: ...

    def last_seq(self) -> int: ...

    def rows_between(self, first: int, last: int) -> list[Row]: ...

    def sink_counts(self, sink: str) -> SinkCounts: ...

    def layout_numbers(self) -> Mapping[int, Layout]: ...

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]: ...

    def event_parts(self, first: int, last: int) -> Mapping[int, int]: ...

    def cursor(self, name: str) -> int: ...

    def set_cursor(self, name: str, seq: int) -> None: ...


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """A sink: "up", "down" (tried again by itself) or "alarm" (somebody must act), and the last message."""

    sink: str
    state: str
    message: str
    counts: SinkCount
    since_ns: int


class Forwarder:
    """One sink's thread; a second one makes the next batch while a full one is on its way.

    A server that went away is sent its last seconds once more when it is back: one that was killed may
    have forgotten what it had acknowledged. New samples go first, the backlog from its new end, at most
    backlog_per_s of it a second. What the sink took is delivered; a line it can't take is halved out of
    its batch and kept as rejected with the sink's message; points beyond its retention are expired; while
    it is away, full or refuses our token, everything waits in the journal. State lives in the journal, so
    a restart goes on where it was.
    """

    def __init__(
        self,
        journal: Outbox,
        name: str,
        sink: Sink,
        clock: Clock,
        tags: TagSource,
        report: Callable[[Event], None],
        *,
        company: str,
        site: str,
        batch: int = BATCH,
        backlog_per_s: int | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._name = name
        self._clock = clock
        self._outgoing = Outgoing(journal.layout_numbers, tags)
        self._report = report
        self._of = company, site
        self._batch = batch
        self._size = batch
        self._jitter = jitter
        self._stop = threading.Event()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._pack = getattr(sink, "pack", _lines_of)
        self._lanes = Lanes(journal, name, clock, self._parcel, backlog_per_s)
        self._samples = Delivery(self._post, self._mark, self._too_large)
        self._notes = Delivery(self._post, self._mark_events, lambda _: None)
        self._state = "up"
        self._message = ""
        self._since_ns = clock.now_ns()
        self._failures = 0
        self._rejected = 0
        self._recent = Recent(clock)
        self.turned_ns = 0
        self._own: deque[tuple[str, ...]] = deque(maxlen=_OWN)

    def start(self) -> None:
        """Starts the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name=f"forward {self._name}", daemon=True)
            self._thread.start()

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, once it was started."""
        return self._thread

    @property
    def name(self) -> str:
        """The sink's name."""
        return self._name

    @property
    def busy(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, drain_s: float = 2.0) -> bool:
        """Sends what waits for up to `drain_s` when the sink is up, then ends the thread.

        Gives False when a request to the sink still hangs; what it holds stays in the journal.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(drain_s)
            self._halt.set()
            self._thread.join(1.0)
        return not self.busy

    def counts(self) -> SinkCount:
        """What became of the journal's samples at this sink."""
        known = self._journal.sink_counts(self._name)
        return SinkCount(
            sink=self._name,
            committed=known.delivered + known.waiting + known.rejected + known.expired + known.dropped,
            delivered=known.delivered,
            waiting=known.waiting,
            rejected=known.rejected,
            expired=known.expired,
            dropped=known.dropped,
        )

    def status(self) -> SinkStatus:
        """What the sink is doing."""
        return SinkStatus(self._name, self._state, self._message, self.counts(), self._since_ns)

    # -- the thread ------------------------------------------------------------------------------

    def run(self) -> None:
        """The loop of the thread; returns after stop()."""
        while not self._halt.is_set():
            pause_s = self.step()
            if self._stop.is_set() and (pause_s or self._state != "up"):
                return
            if pause_s:
                self._turns(pause_s)
                self._clock.wait(self._stop, pause_s)

    def step(self) -> float:
        """Sends a batch of live samples or backlog, and one of events; gives the seconds to wait before the next."""
        self._turns()
        try:
            moved = self._send_samples() + self._send_events() + self._send_own()
        except PauseError as pause:
            return self._paused(pause)
        except StorageError as error:
            # the journal's own fault is ingest's to tell; here it only means to wait
            log.debug("forwarder %s: the journal can't be read or marked: %s", self._name, error)
            self._lanes.forget()
            return _FIRST_S
        except Exception as error:
            self._lanes.forget()
            if self._halt.is_set():
                return _LONGEST_S  # the journal was closed while a request hung
            if self._state != "alarm":
                log.exception("forwarder %s failed; trying again", self._name)
            self._to_state("alarm", f"{type(error).__name__}: {error}")
            return _LONGEST_S
        return 0.0 if moved else _IDLE_S

    def note(self, lines: Sequence[str]) -> None:
        """Lines that are no samples and stand in no ledger: the last hour of them waits for a sink that is away."""
        self._own.append(tuple(lines))

    def _send_own(self) -> int:
        if not self._own:
            return 0
        self._turns()
        lines = self._own[0]
        result = self._sink.write(lines)
        if not result.ok and result.kind not in (
            WriteKind.BAD_LINE,
            WriteKind.TOO_LARGE,
            WriteKind.BEYOND_RETENTION,
            WriteKind.REFUSED,
        ):
            raise PauseError(result)
        if not result.ok:
            log.debug("sink %s refused what the collector says of itself: %s", self._name, result.message)
        if self._own and self._own[0] is lines:
            self._own.popleft()
        return 1

    def _send_samples(self) -> int:
        batches = self._lanes.next(self._size)
        for batch in batches:
            full = batch is batches[-1] and len(batch.seqs) >= self._size and not self._lanes.limited
            ahead = _Aside(partial(self._lanes.look_ahead, batch.seqs, self._size)) if full else None
            try:
                self._samples.send(batch)
            finally:
                if ahead is not None and not ahead.done():
                    self._lanes.forget()
        if batches:
            self._size = min(self._batch, self._size * 2)
        return sum(len(batch.seqs) for batch in batches) + self._send_again()

    def _send_again(self) -> int:
        """Sends a piece of what a server that went away may have forgotten."""
        span = self._recent.next(self._batch) if self._state == "up" else None
        if span is None:
            return 0
        first, last = span
        self._samples.send(self._parcel(self._journal.rows_between(first, last)))
        self._recent.sent(span)
        return 1

    def _parcel(self, rows: Sequence[Row]) -> Parcel:
        """A request of rows; those whose instrument has no known measurement are set aside."""
        known, strange = self._outgoing.sendable(rows)
        if strange:
            reason = "no measurement is known for this instrument"
            self._mark([row[0] for row in strange], SinkState.REJECTED, reason)
        pieces = []
        for first in range(0, len(known), _BREATH):
            pieces.append(self._outgoing.text(known[first : first + _BREATH]))
            time.sleep(0)  # the thread that sends must not wait for the interpreter
        text = "\n".join(filter(None, pieces))
        return Parcel(
            [row[0] for row in known], self._pack(text) if text else None, partial(self._units, known)
        )

    def _units(self, rows: Sequence[Row]) -> list[Unit]:
        return [Unit(row[0], row[2], row[4], self._outgoing.lines(row)) for row in rows]

    def _post(self, lines: Any) -> WriteResult:
        self._turns()
        result = self._sink.write(lines)
        if result.ok or result.kind is WriteKind.BEYOND_RETENTION:
            self._up()
        return result

    def _mark(self, seqs: Sequence[int], state: SinkState, reason: str) -> None:
        self._journal.mark(self._name, seqs, state, reason)
        if state is SinkState.DELIVERED:
            self._recent.took(seqs)
        if state is not SinkState.REJECTED:
            return
        before, self._rejected = self._rejected, self._rejected + len(seqs)
        # one line for the first, then for every tenfold: a bad profile must not fill the log
        if len(str(before)) < len(str(self._rejected)) or before == 0:
            log.warning(
                "sink %s refused a sample of %s (%d refused so far): %s",
                self._name,
                self._instrument(seqs[0]),
                self._rejected,
                reason,
            )

    def _instrument(self, seq: int) -> str:
        rows = self._journal.rows_between(seq, seq)
        return self._outgoing.instrument(rows[0]) if rows else "?"

    def _too_large(self, units: int) -> None:
        self._size = max(1, units // 4)  # doubled again when the batch is through

    def _send_events(self) -> int:
        cursor_name = f"{self._name}/events"
        cursor = self._journal.cursor(cursor_name)
        events = self._journal.events_after(cursor, _EVENTS)
        if not events:
            return 0
        parts = self._journal.event_parts(events[0][0], events[-1][0])
        units = [
            Unit(seq, event.time_ns, 0, (event_line(event, *self._of, seq, parts.get(seq, 0)),))
            for seq, event in events
        ]
        self._notes.send(Parcel([unit.seq for unit in units], None, lambda: units))
        self._journal.set_cursor(cursor_name, events[-1][0])
        return len(events)

    def _mark_events(self, seqs: Sequence[int], state: SinkState, reason: str) -> None:
        if state is SinkState.REJECTED:
            log.warning(
                "sink %s refused the event %d, it stays in the journal: %s", self._name, seqs[0], reason
            )

    # -- state -----------------------------------------------------------------------------------

    def _turns(self, ahead_s: float = 0.0) -> None:
        """Goes on (monotonic time, for the watch); a pause that is meant counts as turning."""
        self.turned_ns = self._clock.monotonic_ns() + round(ahead_s * SECOND_NS)

    def _paused(self, pause: PauseError) -> float:
        result = pause.result
        message = result.message or result.kind.value
        self._lanes.forget()
        if result.kind in _TODO:
            self._to_state("alarm", message, _TODO[result.kind])
            return _LONGEST_S
        # a batch that a slow line or a limit breaks off gets through in smaller ones
        self._size = max(min(_FEWEST, self._batch), self._size // 2)
        self._to_state("down", message)
        self._failures += 1
        if result.kind is WriteKind.UNREACHABLE:
            self._recent.away()
        if result.retry_after_s is not None:
            return max(_FIRST_S, result.retry_after_s)
        longest = min(_LONGEST_S, _FIRST_S * float(1 << min(self._failures - 1, 10)))
        return max(_FIRST_S, longest * (0.5 + 0.5 * self._jitter()))

    def _up(self) -> None:
        self._failures = 0
        if self._state != "up":
            self._to_state("up", "")

    def _to_state(self, state: str, message: str, todo: str = "") -> None:
        """Changes the state: one log line and one event for a change, none while it lasts."""
        if state == self._state:
            self._message = message
            return
        now_ns = self._clock.now_ns()
        seconds = (now_ns - self._since_ns) / SECOND_NS
        self._state, self._message, self._since_ns = state, message, now_ns
        source = f"sink {self._name}"
        if state == "up":
            text = f"takes readings again after {seconds:.0f} s"
            self._report(Event(now_ns, EventKind.FAULT_END, text, source))
            return
        text = f"does not take readings, everything is kept: {message}"
        if state == "alarm":
            text += f" ({todo})" if todo else ""
            self._report(Event(now_ns, EventKind.ALARM, text, source, data={"state": "start"}))
        else:
            self._report(Event(now_ns, EventKind.FAULT_START, text, source))


def _lines_of(text: str) -> list[str]:
    return text.split("\n")


class _Aside:
    """A job on a thread of its own; what fails there is done again in turn."""

    def __init__(self, job: Callable[[], None]) -> None:
        self._failed = False
        self._job = job
        self._thread = threading.Thread(target=self._run, name="forward ahead", daemon=True)
        self._thread.start()

    def done(self) -> bool:
        """Waits for the end; False when it failed."""
        self._thread.join()
        return not self._failed

    def _run(self) -> None:
        try:
            self._job()
        except Exception:
            self._failed = True
            log.debug("the next batch could not be made ahead", exc_info=True)
