"""The host's clock of a running collector: what it starts from, who looks at it, what is noted of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from collector._alive import CURSOR as ALIVE
from collector._clock import SOURCE, HostClock
from collector._clock_fix import DOUBT, Fixer
from collector._clock_inbox import ClockInbox, is_moved, noted
from collector._clock_parts import Decision, read
from collector._clock_trust import Mode, SystemTrust, Trust, boot_id
from dodac.clock import Clock, iso_utc
from dodac.contracts import Event, EventKind, Inbox
from dodac.errors import StorageError
from dodac.samples import FIRST_REVISION, TimeSource

if TYPE_CHECKING:
    from collector.ingest import Ingest
    from store import Journal

log = logging.getLogger("dodac.collector")

FACTS: Final = "#clock"
"""Under this name, which no instrument can have, stands what the last run knew of the host's clock."""
_NEWEST_ROWS: Final = 2000
_LOOK_S: Final = 1.0


def floor_of(journal: Journal) -> int:
    """The newest time that a live reading, or the note of a running collector, has; 0 when there is none.

    What a correction has moved away counts no more.
    """
    last = journal.last_seq()
    rows = [sample for _, sample in journal.read_after(max(0, last - _NEWEST_ROWS), _NEWEST_ROWS)]
    moved = {(s.instrument, s.time_ns) for s in rows if s.part >= FIRST_REVISION and is_moved(s.raw)}
    live = [
        sample.time_ns
        for sample in rows
        if sample.part < FIRST_REVISION
        and (sample.time_source is TimeSource.HOST or noted(sample.raw) is not None)
        and not (sample.raw or b"").startswith(b'{"channels"')
        and (sample.instrument, sample.time_ns) not in moved
    ]
    return max([journal.cursor(ALIVE), *live])


class ClockKeeper:
    """Owns the host clock and the corrections of one collector; see HostClock."""

    def __init__(self, journal: Journal, ingest: Ingest, clock: Clock, mode: Mode = "auto") -> None:
        self._journal = journal
        self._ingest = ingest
        self._clock = clock
        self.boot = boot_id(clock)
        self._fixer = Fixer(journal, ingest, clock)
        self._noted = ""
        self.host = HostClock(
            clock,
            SystemTrust(clock, mode),
            boot=self.boot,
            floor_ns=floor_of(journal),
            seq=journal.last_seq,
            report=self._report,
            decide=self._fixer.decide,
        )
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def inbox(self, behind: Inbox) -> ClockInbox:
        """The way in for a live connection."""
        return ClockInbox(behind, self.host, self._fixer.doubt, self._ingest)

    def start(self) -> None:
        """Tells what is wrong with the clock, takes up corrections that a kill broke off, and watches."""
        self.host.start()
        self._fixer.start()
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
            self.host.look()

    def _report(self, event: Event) -> None:
        self._ingest.event(event)
        if event.source == SOURCE and event.kind in (EventKind.FAULT_START, EventKind.FAULT_END):
            self._note(event.text if event.kind is EventKind.FAULT_START else "", event.time_ns)

    def _note(self, fault: str | None = None, since_ns: int = 0) -> None:
        if fault is not None:
            self._noted = f"{fault} (since {iso_utc(since_ns)} by that clock)" if fault else ""
        facts = {"trust": self.host.trust.name.lower(), "boot": self.boot, "fault": self._noted}
        try:
            self._journal.set_facts(FACTS, facts)
        except StorageError as error:
            log.debug("the state of the clock could not be noted: %s", error)
