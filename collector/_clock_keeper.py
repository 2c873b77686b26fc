"""The host's clock of a running collector: what it starts from, who looks at it, what is noted of it."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final

from collector._alive import CURSOR as ALIVE
from collector._clock import HostClock
from collector._clock_fix import DOUBT, Fixer
from collector._clock_inbox import ClockInbox, is_moved, noted
from collector._clock_parts import Decision, Past, read
from collector._clock_told import take
from collector._clock_trust import Mode, SystemTrust, Trust, boot_id
from collector._clock_words import SOURCE
from dodac.clock import DAY_NS, Clock, iso_utc
from dodac.contracts import Event, EventKind, Inbox
from dodac.errors import StorageError
from dodac.samples import FIRST_REVISION, TimeSource

if TYPE_CHECKING:
    from collector.ingest import Ingest
    from store import Journal

log = logging.getLogger("dodac.collector")

FACTS: Final = "#clock"
"""Under this name, which no instrument can have, stands what the last run knew of the host's clock."""
PAST: Final = "#clock-past"
"""Under this name stands what a later run in the same boot goes on from."""
_NEWEST_ROWS: Final = 2000
_LOOK_S: Final = 1.0


def floor_of(journal: Journal) -> int:
    """The newest time that a live reading, or the note of a running collector, has; 0 when there is none.

    What a correction has moved away counts no more.
    """
    live = (time_ns for time_ns, gone in _live_times(journal) if not gone)
    return max([journal.cursor(ALIVE), *live])


def peak_of(journal: Journal, now_ns: int) -> int:
    """The newest time that was given live, moved away or not; 0 when there is none.

    Those moved away from more than a day ahead are left out: it would take years to stay behind them.
    """
    return max(
        (time_ns for time_ns, gone in _live_times(journal) if not gone or time_ns <= now_ns + DAY_NS),
        default=0,
    )


def _live_times(journal: Journal) -> list[tuple[int, bool]]:
    """The times of the newest live readings, and whether a correction has moved them away."""
    last = journal.last_seq()
    rows = [sample for _, sample in journal.read_after(max(0, last - _NEWEST_ROWS), _NEWEST_ROWS)]
    moved = {(s.instrument, s.time_ns) for s in rows if s.part >= FIRST_REVISION and is_moved(s.raw)}
    return [
        (sample.time_ns, (sample.instrument, sample.time_ns) in moved)
        for sample in rows
        if sample.part < FIRST_REVISION
        and (sample.time_source is TimeSource.HOST or noted(sample.raw) is not None)
        and not (sample.raw or b"").startswith(b'{"channels"')
    ]


class ClockKeeper:
    """Owns the host clock and the corrections of one collector; see HostClock."""

    def __init__(self, journal: Journal, ingest: Ingest, clock: Clock, mode: Mode = "auto") -> None:
        self._journal = journal
        self._ingest = ingest
        self._clock = clock
        self.boot = boot_id(clock)
        self._fixer = Fixer(journal, ingest, clock)
        self._noted = ""
        known = journal.facts().get(PAST, {})
        self._decided = self._left = known.get("decisions", "")
        self.host = HostClock(
            clock,
            SystemTrust(clock, mode),
            boot=self.boot,
            floor_ns=floor_of(journal),
            peak_ns=peak_of(journal, clock.now_ns()),
            past=Past.of_text(known.get("past", "")),
            seq=journal.last_seq,
            report=self._report,
            decide=self._fixer.decide,
            note=self._note,
        )
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.turned_ns = 0

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that looks at the clock."""
        return self._thread

    def inbox(self, behind: Inbox) -> ClockInbox:
        """The way in for a live connection."""
        return ClockInbox(behind, self.host, self._fixer.doubt, self._ingest)

    def start(self) -> None:
        """Tells what is wrong with the clock, takes up corrections that a kill broke off, and watches."""
        self._fixer.take_up(self._left)
        self._fixer.start()
        self.host.start()
        if self.host.trust is not Trust.NONE and self._journal.cursor(DOUBT):
            # an earlier run in this boot had no good clock; this one has
            wall_ns, boot_ns = read(self._clock)
            offset_ns = wall_ns - boot_ns
            why = "the clock is good now"
            last = self._journal.last_seq()
            self._fixer.decide(
                Decision(self.boot, 0, boot_ns, offset_ns, offset_ns, last, why, unknown_only=True)
            )
        self._note()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the threads."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
        self._fixer.stop()

    def start_data(self) -> dict[str, str | int | float]:
        """What the event of a start says of the clock: by it the times of a run can be reckoned later."""
        wall_ns, boot_ns = read(self._clock)
        trust = self.host.trust.name.lower()
        return {"boot": self.boot, "boot_ns": boot_ns, "wall_ns": wall_ns, "trust": trust}

    def _run(self) -> None:
        # real seconds: a clock that is handed in moves when it is told
        while not self._stop.wait(_LOOK_S):
            self.turned_ns = self._clock.monotonic_ns()
            self.host.look()
            self._take_told()
            if self._fixer.as_text() != self._decided:
                self._note()

    def _take_told(self) -> None:
        """What a person told (dodac clock) while this process has the journal."""
        try:
            take(self._journal.path, self._fixer.decide, self._stored)
        except OSError as error:
            log.debug("what was told of the clock could not be read: %s", error)

    def _stored(self) -> None:
        if not self._ingest.flush(_LOOK_S):
            raise OSError("the journal takes nothing")

    def _report(self, event: Event) -> None:
        self._ingest.event(event)
        if event.kind is EventKind.CLOCK_JUMP and self.host.trust is not Trust.NONE:
            # a time of the wrong clock must not hold back the next run
            with contextlib.suppress(StorageError):
                self._journal.set_cursor(ALIVE, self._clock.now_ns())
        if event.source == SOURCE and event.kind in (EventKind.FAULT_START, EventKind.FAULT_END):
            self._note(event.text if event.kind is EventKind.FAULT_START else "", event.time_ns)

    def _note(self, fault: str | None = None, since_ns: int = 0) -> None:
        if fault is not None:
            self._noted = f"{fault} (since {iso_utc(since_ns)} by that clock)" if fault else ""
        self._decided = self._fixer.as_text()
        facts = {"trust": self.host.trust.name.lower(), "boot": self.boot, "fault": self._noted}
        try:
            self._journal.set_facts(PAST, {"past": self.host.past.as_text(), "decisions": self._decided})
            self._journal.set_facts(FACTS, facts)
        except StorageError as error:
            log.debug("the state of the clock could not be noted: %s", error)
