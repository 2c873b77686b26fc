"""Sends what the journal holds to a sink, newest first, and keeps account of every sample's fate."""

from __future__ import annotations

import logging
import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from collector.facts import TagSource
from collector.ledger import SinkCount
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Layout, Sample
from store import SinkCounts, SinkState, WriteKind, WriteResult, event_line, flag_lines, line

log = logging.getLogger("dodac.collector")

Row = tuple[int, Sample]

BATCH: Final = 2000
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0
_IDLE_S: Final = 0.25
_EVENTS: Final = 500


_HALVE: Final = frozenset((WriteKind.BAD_LINE, WriteKind.TOO_LARGE))
_DROPPED: Final = re.compile(r"dropped[=: ]+(\d+)")


class Sink(Protocol):
    """Takes line protocol; never raises for what the other side says."""

    def write(self, lines: Sequence[str]) -> WriteResult: ...


class Outbox(Protocol):
    """The part of the journal that a forwarder reads and marks."""

    def waiting(self, sink: str, limit: int, newest_first: bool = True) -> list[Row]: ...

    def mark(self, sink: str, seqs: Sequence[int], state: SinkState | str, reason: str = "") -> None: ...

    def sink_counts(self, sink: str) -> SinkCounts: ...

    def layouts(self) -> Mapping[int, Layout]: ...

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]: ...

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


class _PauseError(Exception):
    """The sink takes nothing now; nothing of the batch is marked."""

    def __init__(self, result: WriteResult) -> None:
        super().__init__(result.message)
        self.result = result


class Forwarder:
    """One sink's thread.

    What the sink took is delivered; a line it can't take is halved out of its batch and kept as
    rejected with the sink's message; points beyond its retention are expired; while it is away, full
    or refuses our token, everything waits in the journal. State lives in the journal, so a restart
    goes on where it was.
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
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._name = name
        self._clock = clock
        self._tags = tags
        self._report = report
        self._company, self._site = company, site
        self._batch = batch
        self._size = batch
        self._jitter = jitter
        self._stop = threading.Event()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._layouts: Mapping[int, Layout] = {}
        self._state = "up"
        self._message = ""
        self._since_ns = clock.now_ns()
        self._failures = 0
        self._rejected = 0
        self.turned_ns = 0

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
        """Sends one batch of samples and one of events; gives the seconds to wait before the next."""
        self._turns()
        try:
            moved = self._send_samples() + self._send_events()
        except _PauseError as pause:
            return self._paused(pause)
        except StorageError as error:
            # the journal's own fault is ingest's to tell; here it only means to wait
            log.debug("forwarder %s: the journal can't be read or marked: %s", self._name, error)
            return _FIRST_S
        except Exception as error:
            if self._halt.is_set():
                return _LONGEST_S  # the journal was closed while a request hung
            if self._state != "alarm":
                log.exception("forwarder %s failed; trying again", self._name)
            self._to_state("alarm", f"{type(error).__name__}: {error}")
            return _LONGEST_S
        return 0.0 if moved else _IDLE_S

    def _send_samples(self) -> int:
        rows = self._journal.waiting(self._name, self._size)
        if not rows:
            return 0
        self._layouts = self._journal.layouts()
        # servers take points in time order best; which rows come first was decided by waiting()
        rows.sort(key=lambda row: row[1].time_ns)
        known = [row for row in rows if self._known(row)]
        lines = [self._lines(row) for row in known]
        self._write(known, lines)
        self._size = min(self._batch, self._size * 2)
        return len(rows)

    def _known(self, row: Row) -> bool:
        seq, sample = row
        if self._tags(sample.instrument) is not None:
            return True
        self._reject(seq, sample, "no measurement is known for this instrument")
        return False

    def _lines(self, row: Row) -> list[str]:
        seq, sample = row
        tags = self._tags(sample.instrument)
        assert tags is not None  # noqa: S101  (checked by _known)
        text = line(sample, self._layouts[sample.layout], tags)
        lines = [text] if text else []
        if sample.flags:
            lines += flag_lines(sample, tags, seq)
        return lines

    def _write(self, rows: Sequence[Row], lines: Sequence[Sequence[str]]) -> None:
        """Writes rows of lines and marks them; halves what the sink can't take whole."""
        if not rows:
            return
        flat = [text for of_row in lines for text in of_row]
        if not flat:
            self._mark(rows, SinkState.DELIVERED)
            return
        self._turns()
        result = self._sink.write(flat)
        if result.ok:
            self._mark(rows, SinkState.DELIVERED)
            self._up()
        elif result.kind is WriteKind.BEYOND_RETENTION:
            self._up()
            self._expire(rows, lines, dropped_count(result.message, len(flat)), result)
        elif result.kind in _HALVE and len(rows) > 1:
            if result.kind is WriteKind.TOO_LARGE:
                self._size = max(1, len(rows) // 2)
            middle = len(rows) // 2
            self._write(rows[:middle], lines[:middle])
            self._write(rows[middle:], lines[middle:])
        elif result.kind in _HALVE:
            self._up()
            self._reject(*rows[0], result.message or result.kind.value)
        else:
            raise _PauseError(result)

    def _expire(
        self, rows: Sequence[Row], lines: Sequence[Sequence[str]], dropped: int, result: WriteResult
    ) -> None:
        """Retention takes the oldest points; the server has the others already."""
        order = sorted(range(len(rows)), key=lambda place: rows[place][1].time_ns)
        old: list[Row] = []
        young: list[Row] = []
        gone = 0
        for place in order:
            if gone < dropped:
                gone += len(lines[place])
                old.append(rows[place])
            else:
                young.append(rows[place])
        self._mark(old, SinkState.EXPIRED, result.message)
        self._mark(young, SinkState.DELIVERED)

    def _mark(self, rows: Sequence[Row], state: SinkState, reason: str = "") -> None:
        if rows:
            self._journal.mark(self._name, [seq for seq, _ in rows], state, reason)

    def _reject(self, seq: int, sample: Sample, message: str) -> None:
        self._journal.mark(self._name, [seq], SinkState.REJECTED, message)
        self._rejected += 1
        # one line for the first, then for every tenfold: a bad profile must not fill the log
        if self._rejected in (1, 10, 100, 1000, 10_000, 100_000, 1_000_000):
            log.warning(
                "sink %s refused a sample of %s (%d refused so far): %s",
                self._name,
                sample.instrument,
                self._rejected,
                message,
            )

    def _send_events(self) -> int:
        cursor_name = f"{self._name}/events"
        cursor = self._journal.cursor(cursor_name)
        events = self._journal.events_after(cursor, _EVENTS)
        if not events:
            return 0
        self._write_events([(seq, event_line(e, self._company, self._site, seq)) for seq, e in events])
        self._journal.set_cursor(cursor_name, events[-1][0])
        return len(events)

    def _write_events(self, events: Sequence[tuple[int, str]]) -> None:
        for part in self._halved(events):
            log.warning("sink %s refused the event %d; it stays in the journal", self._name, part)

    def _halved(self, events: Sequence[tuple[int, str]]) -> Iterator[int]:
        """Writes events; gives the seq of each that the sink can't take even alone."""
        result = self._sink.write([text for _, text in events])
        if result.ok or result.kind is WriteKind.BEYOND_RETENTION:
            self._up()
        elif result.kind not in _HALVE:
            raise _PauseError(result)
        elif len(events) == 1:
            self._up()
            yield events[0][0]
        else:
            middle = len(events) // 2
            yield from self._halved(events[:middle])
            yield from self._halved(events[middle:])

    def _turns(self, ahead_s: float = 0.0) -> None:
        """Goes on (monotonic time, for the watch); a pause that is meant counts as turning."""
        self.turned_ns = self._clock.monotonic_ns() + round(ahead_s * SECOND_NS)

    # -- state -----------------------------------------------------------------------------------

    def _paused(self, pause: _PauseError) -> float:
        result = pause.result
        message = result.message or result.kind.value
        if result.kind in (WriteKind.AUTH, WriteKind.MISSING):
            self._to_state("alarm", message)
            return _LONGEST_S
        self._to_state("down", message)
        self._failures += 1
        if result.retry_after_s is not None:
            return max(_FIRST_S, result.retry_after_s)
        longest = min(_LONGEST_S, _FIRST_S * float(1 << min(self._failures - 1, 10)))
        return max(_FIRST_S, longest * (0.5 + 0.5 * self._jitter()))

    def _up(self) -> None:
        self._failures = 0
        if self._state != "up":
            self._to_state("up", "")

    def _to_state(self, state: str, message: str) -> None:
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
            text += " (check url, org, bucket and token)"
            self._report(Event(now_ns, EventKind.ALARM, text, source, data={"state": "start"}))
        else:
            self._report(Event(now_ns, EventKind.FAULT_START, text, source))


def dropped_count(message: str, lines: int) -> int:
    """How many of `lines` the server says it dropped ("… dropped=3 …"); all of them when it does not say."""
    found = _DROPPED.search(message)
    return min(int(found.group(1)), lines) if found else lines
