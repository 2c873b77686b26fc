"""The one way in: everything measured passes here and is acknowledged only once it is on disk."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final

from collector._commit import Spool, commit_all
from collector._ingest_parts import Done, Entry, IngestStatus, Queue, Tally, weight_of
from collector._log import FirstTimes, log_event
from collector.ledger import UNKNOWN, SourceCount
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import DeadLetter, Event, EventKind, Repeat
from dodac.samples import Layout, Sample
from store import Item, Outcome

__all__ = ["SOURCE", "Ingest", "IngestStatus"]

log = logging.getLogger("dodac.collector")

Key = tuple[str, str]

SOURCE: Final = "collector"
_WORTH: Final = 512  # items that are worth a commit of their own, however many more are coming
_TURN_S: Final = 1.0  # an idle thread turns so often, for the watch


class Ingest:
    """Takes samples from any thread, commits them in groups from one thread of its own.

    A group is committed when 512 items wait (or `window`, if that is less), when nothing new came for
    `idle_ms`, or `group_ms` after its first item, whichever is first. While one group of at most `window`
    is being committed, at most `window` more may wait: then the callers block. Payloads that are kept
    whole weigh more than one item, so that the memory is bounded too. `done` callbacks run after the commit that
    holds their items, in the order received. When storage fails, the group is kept and tried again
    (`retry_s` = first and longest pause): nothing is acknowledged, nothing is lost. `on_event` is told
    of each event after its commit, from the thread that commits.
    """

    def __init__(
        self,
        journal: Spool,
        clock: Clock,
        *,
        window: int = 4096,
        group_ms: int = 100,
        idle_ms: int = 10,
        retry_s: tuple[float, float] = (0.5, 30.0),
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._window = window
        self._worth = min(window, _WORTH)
        self._group_s = group_ms / 1000
        self._idle_s = idle_ms / 1000
        self._retry_s = retry_s
        self._on_event = on_event
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._queue = Queue()
        self._batch: list[Entry] = []
        self._known: set[int] = set()
        self._tally: dict[Key, Tally] = {}
        self._first = FirstTimes()
        self._closed = False
        self._abandon = False
        self._refused = 0
        self._fault = ""
        self._commits = 0
        self.turned_ns = 0
        self._thread: threading.Thread | None = None

    # -- the way in ------------------------------------------------------------------------------

    def layout(self, layout: Layout) -> None:
        """Announces a layout; telling it again is free."""
        if layout.id in self._known:
            return
        with self._lock:
            if layout.id not in self._known:
                self._known.add(layout.id)
                self._queue.layouts.append(layout)

    def sample(self, sample: Sample, *, source: str, done: Done | None = None) -> None:
        """Queues one sample; blocks while the window is full."""
        self._put(Entry(source, (sample,), done, {sample.instrument: 1}))
        self._first.sample(sample, source)

    def samples(self, samples: Iterable[Sample], *, source: str, done: Done | None = None) -> None:
        """Queues many samples; `done` is called once, after the commit that holds the last of them."""
        size = max(1, self._window // 4)
        source_of = iter(samples)
        chunk = list(islice(source_of, size))
        while True:
            following = list(islice(source_of, size)) if len(chunk) == size else []
            keys = Counter([sample.instrument for sample in chunk])
            self._put(Entry(source, chunk, None if following else done, keys))
            self._first.samples(chunk, keys, source)
            if not following:
                return
            chunk = following

    def dead_letter(self, letter: DeadLetter, *, done: Done | None = None) -> None:
        """Queues a payload that could not become samples; blocks while the window is full."""
        self._put(Entry(letter.source, (letter,), done, {letter.instrument or UNKNOWN: 1}))
        self._first.letter(letter)

    def repeats(self, repeats: Sequence[Repeat], *, source: str, done: Done | None = None) -> None:
        """Queues what is in the journal already: it is counted, and acknowledged after what was before it."""
        keys = Counter([repeat.instrument or UNKNOWN for repeat in repeats])
        self._put(Entry(source, repeats, done, keys))

    def receipts(self, session: str) -> bytes:
        """What the journal keeps of a session's receipts."""
        return self._journal.receipts(session)

    def newest_ns(self, instrument: str) -> int | None:
        """The newest time an instrument has a sample of."""
        return self._journal.newest_ns(instrument)

    def event(self, event: Event) -> None:
        """Queues an event and writes its log line; never blocks, so that any thread may report."""
        with self._lock:
            if self._closed:
                return
            done = None if self._on_event is None else partial(self._on_event, event)
            self._append(Entry(event.source or SOURCE, (event,), done, {}))
        log_event(event)

    def _put(self, entry: Entry) -> None:
        count, weight = len(entry.items), weight_of(entry.items)
        with self._lock:
            while self._queue.weight and self._queue.weight + weight > self._window and not self._closed:
                self._queue.pressed = True
                self._work.notify()
                self._room.wait()
            if self._closed:
                if not self._refused:
                    log.warning(
                        "ingest: %s sent samples after the stop; they are not acknowledged", entry.source
                    )
                self._refused += count
                return
            for instrument, number in entry.keys.items():
                self._of(instrument, entry.source).received += number
            self._queue.weight += weight
            self._append(entry)

    def _append(self, entry: Entry) -> None:
        was_empty = not self._queue.entries
        self._queue.entries.append(entry)
        # waking the commit thread for every sample would cost more than the sample
        if was_empty or self._queue.weight >= self._worth:
            self._work.notify()

    def _of(self, instrument: str, source: str) -> Tally:
        key = (instrument, source)
        tally = self._tally.get(key)
        if tally is None:
            tally = self._tally[key] = Tally()
        return tally

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that commits."""
        return self._thread

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the commit thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Takes nothing more, commits what waits, ends the thread.

        Gives False when storage did not take everything within `timeout_s`: what is left was never
        acknowledged and stands in the ledger as in flight.
        """
        with self._lock:
            self._closed = True
            self._room.notify_all()
            self._work.notify_all()
        thread = self._thread
        if thread is None:
            return not self._queue.entries
        thread.join(timeout_s)
        with self._lock:
            self._abandon = True
            self._work.notify_all()
        thread.join(1.0)
        with self._lock:
            left = sum(len(entry.items) for entry in (*self._batch, *self._queue.entries))
        if left:
            log.error(
                "ingest: %d items could not be stored before the stop (%s)", left, self._fault or "busy"
            )
        return left == 0

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until everything queued so far is committed; False when that takes longer."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while self._queue.entries or self._batch:
                rest = deadline - time.monotonic()
                if rest <= 0 or self._thread is None:
                    return False
                self._settled.wait(rest)
        return True

    def counts(self) -> tuple[SourceCount, ...]:
        """Counts per instrument and source, taken together; in flight is counted, not derived."""
        with self._lock:
            flying: Counter[Key] = Counter()
            for entry in (*self._batch, *self._queue.entries):
                for instrument, number in entry.keys.items():
                    flying[instrument, entry.source] += number
            return tuple(
                SourceCount(
                    instrument=key[0],
                    source=key[1],
                    received=tally.received,
                    committed=tally.committed,
                    duplicate=tally.duplicate,
                    conflict=tally.conflict,
                    dead_letter=tally.dead_letter,
                    in_flight=flying[key],
                )
                for key, tally in sorted(self._tally.items())
            )

    def status(self) -> IngestStatus:
        """What the way in is doing."""
        with self._lock:
            running = self._thread is not None and self._thread.is_alive()
            state = "fault" if self._fault else "up" if running else "stopped"
            queued = sum(len(entry.items) for entry in (*self._batch, *self._queue.entries))
            return IngestStatus(state, queued, self._commits, self._fault, self._refused)

    # -- the commit thread -----------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._lock:
                self.turned_ns = self._clock.monotonic_ns()
                while not self._queue.entries and not self._closed:
                    self._work.wait(_TURN_S)
                    self.turned_ns = self._clock.monotonic_ns()
                if not self._queue.entries or self._abandon:
                    return
                self._gather()
                batch, layouts = list(self._queue.entries), self._queue.layouts
                self._queue = Queue()
                self._batch = batch
                self._room.notify_all()
            if not self._store(batch, layouts):
                return
            for entry in batch:
                if entry.done is not None:
                    try:
                        entry.done()
                    except Exception:
                        log.exception("ingest: acknowledging to %s failed", entry.source)
            with self._lock:
                self._settled.notify_all()

    def _gather(self) -> None:
        """Waits (lock held) until the group is worth a commit."""
        queue = self._queue
        deadline = time.monotonic() + self._group_s
        seen = -1
        while (
            queue.weight < self._worth and not (self._closed or queue.pressed) and len(queue.entries) != seen
        ):
            rest = deadline - time.monotonic()
            if rest <= 0:
                return
            seen = len(queue.entries)
            self._work.wait(min(self._idle_s, rest))

    def _store(self, batch: Sequence[Entry], layouts: Sequence[Layout]) -> bool:
        """Commits a group, however long storage takes; False when told to give up."""
        items = [(entry.source, item) for entry in batch for item in entry.items]
        # after the items they are of, in the same transaction
        told = [(entry.source, getattr(entry.done, "receipt", None)) for entry in batch]
        items += [(source, receipt) for source, receipt in told if receipt is not None]
        pause_s, longest_s = self._retry_s
        fault_ns = 0
        while True:
            try:
                for layout in layouts:
                    self._journal.layout(layout)
                outcomes = commit_all(self._journal, items)
                break
            except Exception as error:  # noqa: BLE001  (whatever it is: this thread must not end, and nothing is given up)
                if not fault_ns:
                    fault_ns = self._clock.now_ns()
                    self._fault_starts(error, len(items))
                with self._lock:
                    # waiting on purpose, told as a fault: to the watch it is turning
                    self.turned_ns = self._clock.monotonic_ns() + round(pause_s * SECOND_NS)
                    if not self._abandon:
                        self._work.wait(pause_s)
                    if self._abandon:
                        return False
                pause_s = min(pause_s * 2, longest_s)
        self._count(batch, outcomes)
        if fault_ns:
            self._fault_ends(fault_ns)
        return True

    def _count(self, batch: Sequence[Entry], outcomes: Sequence[Outcome | None]) -> None:
        with self._lock:
            self._commits += 1
            plain = outcomes.count(Outcome.COMMITTED) == len(outcomes)
            place = 0
            for entry in batch:
                size = len(entry.items)
                if plain and size and isinstance(entry.items[0], Sample):
                    for instrument, number in entry.keys.items():
                        self._of(instrument, entry.source).committed += number
                else:
                    for item, outcome in zip(entry.items, outcomes[place : place + size], strict=True):
                        self._count_one(entry.source, item, outcome)
                place += size
            self._batch = []

    def _count_one(self, source: str, item: Item, outcome: Outcome | None) -> None:
        if isinstance(item, DeadLetter):
            self._of(item.instrument or UNKNOWN, source).dead_letter += 1
        elif isinstance(item, Repeat):
            self._of(item.instrument or UNKNOWN, source).duplicate += 1
        elif isinstance(item, Sample):
            tally = self._of(item.instrument, source)
            if outcome is None:
                tally.dead_letter += 1
            else:
                tally.add(outcome)

    def _fault_starts(self, error: Exception, kept: int) -> None:
        text = f"the journal can't be written: {error}"
        with self._lock:
            self._fault = text
        told = f"{text} ({kept} items kept, trying again)"
        self._report(Event(self._clock.now_ns(), EventKind.FAULT_START, told, SOURCE))

    def _fault_ends(self, since_ns: int) -> None:
        now_ns = self._clock.now_ns()
        with self._lock:
            self._fault = ""
        text = f"the journal is written again after {(now_ns - since_ns) / 1e9:.1f} s; nothing that was taken in is lost"
        self._report(Event(now_ns, EventKind.FAULT_END, text, SOURCE))

    def _report(self, event: Event) -> None:
        # the commit thread's own events are stored even while it drains for the stop
        with self._lock:
            self._append(Entry(SOURCE, (event,), None, {}))
        log_event(event)
