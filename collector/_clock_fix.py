"""Corrections of wrong times: decided once, told as an event, appended; what a kill broke off is gone on with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from collector._clock_inbox import is_moved, moved, moved_boot_ns, moved_by, noted
from collector._clock_parts import Decision
from collector._clock_words import SOURCE
from dodac.clock import SECOND_NS, Clock, iso_utc
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from dodac.samples import FIRST_REVISION, Layout, Reason, Sample, TimeSource

log = logging.getLogger("dodac.collector")

DOUBT: Final = "collector/clock-doubt"
"""The seq before the first sample without a good clock that no correction has moved; 0 when there is none."""
_DECIDED: Final = "collector/clock-decided"
_PIECE: Final = 500
_FLUSH_S: Final = 60.0


class Book(Protocol):
    """The part of the journal that is read and noted in."""

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]: ...

    def last_seq(self) -> int: ...

    def layouts(self) -> dict[int, Layout]: ...

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]: ...

    def cursor(self, name: str) -> int: ...

    def set_cursor(self, name: str, seq: int) -> None: ...


class WayIn(Protocol):
    """The part of ingest that corrections go through."""

    def samples(self, samples: list[Sample], *, source: str) -> None: ...

    def event(self, event: Event) -> None: ...

    def flush(self, timeout_s: float = 10.0) -> bool: ...


class Fixer:
    """Carries out decisions, on a thread of its own or at once (run).

    A decision is an event before anything is moved, and another one when all is: a collector that was
    killed between them goes on with the same decision. What was written already is a duplicate then.
    """

    def __init__(self, journal: Book, way_in: WayIn, clock: Clock) -> None:
        self._journal = journal
        self._way_in = way_in
        self._clock = clock
        self._todo: list[tuple[str, Decision]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._noted = False
        self._thread: threading.Thread | None = None

    def decide(self, decision: Decision) -> None:
        """Tells of a decision; the thread carries it out."""
        if decision.unknown_only and (since := self._journal.cursor(DOUBT)):
            # without a good clock since an earlier start in the same boot
            decision = replace(decision, begin_ns=0, seq=max(0, min(decision.seq, since - 1)))
        id = decision_id(decision)  # noqa: A001
        self._way_in.event(_event(decision, id, self._clock.now_ns()))
        with self._wake:
            self._todo.append((id, decision))
            self._wake.notify()

    def take_up(self, left: str = "") -> None:
        """Takes up what an earlier run left undone; left: as_text() of it."""
        undone = self._undone()
        for id, decision in of_text(left):  # noqa: A001
            # decided, and killed before the event of it was stored; it moves nothing twice
            if id not in {name for name, _ in undone}:
                self._way_in.event(_event(decision, id, self._clock.now_ns()))
                undone.append((id, decision))
        with self._wake:
            self._todo = [*undone, *self._todo]

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="clock fix", daemon=True)
        self._thread.start()

    def as_text(self) -> str:
        """What is decided and not carried out; "" for nothing."""
        with self._wake:
            return as_text(self._todo)

    def stop(self) -> None:
        """Ends the thread; what is not done is done after the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(2.0)

    def carry_out(self) -> int:
        """Carries out all that was decided; gives how many samples got another time."""
        total = 0
        while not self._stopping:
            with self._wake:
                if not self._todo:
                    break
                id, decision = self._todo[0]  # noqa: A001
            total += self._carry_out(id, decision)
            with self._wake:
                self._todo.pop(0)
        return total

    def doubt(self) -> None:
        """Notes from where on samples without a good clock may stand."""
        if self._noted:
            return
        # a disk that takes nothing must not keep the sample out: it is noted with the next one
        with contextlib.suppress(StorageError):
            if not self._journal.cursor(DOUBT):
                self._journal.set_cursor(DOUBT, self._journal.last_seq() + 1)
            self._noted = True

    # ---- inside

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._todo and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
            try:
                self.carry_out()
            except Exception as error:
                log.warning("times can't be corrected now, tried again in a minute: %s", error)
                log.debug("times", exc_info=True)
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, 60.0)

    def _carry_out(self, id: str, decision: Decision) -> int:
        self._way_in.flush(_FLUSH_S)  # what was taken before the decision is in the journal now
        count = 0
        piece: list[Sample] = []
        last_seq = self._journal.last_seq()
        by = hashlib.sha256(id.encode()).hexdigest()[:12]
        for old, layout, right_ns in wrong_ones(self._journal, decision, last_seq, by):
            if self._stopping:
                return count
            boot_ns = right_ns - decision.offset_ns if decision.boot else None
            piece += moved(old, layout, right_ns, by, boot_ns)
            count += 1
            if len(piece) >= _PIECE:
                self._way_in.samples(piece, source=SOURCE)
                piece = []
        if piece:
            self._way_in.samples(piece, source=SOURCE)
        if not self._way_in.flush(_FLUSH_S):
            return count  # told as done after the next start
        text = f"{count} samples have their right time now: {decision.why}"
        data: dict[str, str | int | float] = {"clock": "done", "id": id, "count": count}
        self._way_in.event(Event(self._clock.now_ns(), EventKind.NOTE, text, SOURCE, data=data))
        if decision.unknown_only:
            self._noted = False
            self._journal.set_cursor(DOUBT, 0)
        return count

    def _undone(self) -> list[tuple[str, Decision]]:
        seq = first = self._journal.cursor(_DECIDED)
        open_ones: dict[str, tuple[int, Decision]] = {}
        while rows := self._journal.events_after(seq, 1000):
            for place, event in rows:
                if event.source == SOURCE and event.data.get("clock") == "decided":
                    open_ones[str(event.data["id"])] = (place, _of_data(event.data))
                elif event.source == SOURCE and event.data.get("clock") == "done":
                    open_ones.pop(str(event.data["id"]), None)
            seq = rows[-1][0]
        begin = min((place - 1 for place, _ in open_ones.values()), default=seq)
        if begin > first:
            self._journal.set_cursor(_DECIDED, begin)
        return [(name, decision) for name, (_, decision) in open_ones.items()]


def wrong_ones(
    journal: Book, decision: Decision, last_seq: int, by: str
) -> Iterator[tuple[Sample, Layout, int]]:
    """The samples a decision is for, their layouts, and their right times.

    What is withdrawn already is left alone, and so is what this decision (by) has written itself: a withdrawal
    and what stands for it are always written together.
    """
    layouts = journal.layouts()
    rows = partial(_rows, journal, decision.seq, last_seq)
    gone = {
        (sample.instrument, sample.time_ns, sample.part - FIRST_REVISION)
        for sample in rows()
        if sample.part >= FIRST_REVISION and is_moved(sample.raw)
    }
    for sample in rows():
        if (sample.instrument, sample.time_ns, sample.part) in gone or moved_by(sample.raw) == by:
            continue
        right_ns = _right_ns(sample, decision)
        if right_ns is not None and right_ns != sample.time_ns:
            yield sample, layouts[sample.layout], right_ns


def _rows(journal: Book, seq: int, last_seq: int) -> Iterator[Sample]:
    while seq < last_seq and (rows := journal.read_after(seq, 2000)):
        for place, sample in rows:
            if place > last_seq:
                return
            yield sample
        seq = rows[-1][0]


def _right_ns(sample: Sample, decision: Decision) -> int | None:
    if sample.part >= FIRST_REVISION:
        return None
    note = noted(sample.raw)
    if note is not None:
        if note.boot != decision.boot or (decision.unknown_only and note.doubt is not Reason.TIME_UNKNOWN):
            return None
        boot_ns = note.boot_ns
    elif decision.wrong_ns == decision.offset_ns or sample.time_source is not TimeSource.HOST:
        return None
    elif (sample.raw or b"").startswith(b'{"channels"'):
        return None  # what a person typed in has the person's time
    elif is_moved(sample.raw):
        # moved to a time that is known to be wrong by now
        known = moved_boot_ns(sample.raw)
        boot_ns = sample.time_ns - decision.wrong_ns if known is None else known
        if abs(sample.time_ns - boot_ns - decision.wrong_ns) > SECOND_NS:
            return None  # by another setting of the clock, which was right
    elif decision.after_ns < sample.time_ns <= decision.until_ns:
        return sample.time_ns - decision.wrong_ns + decision.offset_ns
    else:
        return None
    if not decision.begin_ns <= boot_ns <= decision.end_ns:
        return None
    return boot_ns + decision.offset_ns


def _event(decision: Decision, id: str, now_ns: int) -> Event:
    first_ns, last_ns = decision.begin_ns + decision.offset_ns, decision.end_ns + decision.offset_ns
    shift = (decision.offset_ns - decision.wrong_ns) / 1e9
    by = f" by {shift:+.3f} s" if shift else ""
    text = (
        f"readings of {iso_utc(max(first_ns, 0))} to {iso_utc(max(last_ns, 0))} are moved{by}: {decision.why}"
    )
    data: dict[str, str | int | float] = {
        "clock": "decided",
        "id": id,
        "boot": decision.boot,
        "begin_ns": decision.begin_ns,
        "end_ns": decision.end_ns,
        "offset_ns": decision.offset_ns,
        "wrong_ns": decision.wrong_ns,
        "after_ns": decision.after_ns,
        "until_ns": decision.until_ns,
        "seq": decision.seq,
        "why": decision.why,
        "unknown_only": int(decision.unknown_only),
    }
    return Event(now_ns, EventKind.NOTE, text, SOURCE, data=data)


def decision_id(decision: Decision) -> str:
    """The name of a decision: the same one, told again, moves nothing twice."""
    return f"{decision.boot}/{decision.begin_ns}-{decision.end_ns}/{decision.offset_ns}"


def as_text(decisions: Sequence[tuple[str, Decision]]) -> str:
    """Decisions with their names for keeping; "" for none."""
    said = [_event(decision, name, 0).data for name, decision in decisions]
    return json.dumps(said, separators=(",", ":")) if said else ""


def of_text(text: str) -> list[tuple[str, Decision]]:
    """What as_text() kept; none where it can't be read."""
    try:
        return [(str(said["id"]), _of_data(said)) for said in json.loads(text or "[]")]
    except (ValueError, KeyError, TypeError):
        return []


def _of_data(said: Mapping[str, str | int | float]) -> Decision:
    return Decision(
        str(said["boot"]),
        int(said["begin_ns"]),
        int(said["end_ns"]),
        int(said["offset_ns"]),
        int(said["wrong_ns"]),
        int(said["seq"]),
        str(said["why"]),
        int(said["after_ns"]),
        int(said["until_ns"]),
        unknown_only=bool(said["unknown_only"]),
    )
