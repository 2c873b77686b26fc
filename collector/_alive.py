"""A note in the journal that the collector is running, so that the next start can tell the gap."""

from __future__ import annotations

import logging
import threading
from typing import Final, Protocol

from dodac.clock import Clock
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Sample

log = logging.getLogger("dodac.collector")

CURSOR: Final = "collector/alive"
EVERY_S: Final = 10.0


class Notebook(Protocol):
    """The part of the journal that keeps the note."""

    def cursor(self, name: str) -> int: ...

    def set_cursor(self, name: str, seq: int) -> None: ...

    def last_seq(self) -> int: ...

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]: ...


class Alive:
    """Notes the time every ten seconds and at the stop."""

    def __init__(self, journal: Notebook, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def gap(self) -> Event | None:
        """The time since the last note, or since a sample stored after it; None in a new journal."""
        noted_ns = self._journal.cursor(CURSOR)
        if not noted_ns:
            return None
        now_ns = self._clock.now_ns()
        last = self._journal.read_after(self._journal.last_seq() - 1, 1)
        if last and noted_ns < last[0][1].time_ns < now_ns:
            noted_ns = last[0][1].time_ns
        if noted_ns >= now_ns:
            return None  # the clock was set back: how long it was cannot be known
        return Event(noted_ns, EventKind.GAP, "dodac run was not running", "collector", end_ns=now_ns)

    def start(self) -> None:
        """Starts the thread; the first note is made at once."""
        self._note()
        self._thread = threading.Thread(target=self._run, name="alive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread with a last note."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
            self._note()

    def _run(self) -> None:
        while not self._clock.wait(self._stop, EVERY_S):
            self._note()

    def _note(self) -> None:
        try:
            self._journal.set_cursor(CURSOR, self._clock.now_ns())
        except StorageError as error:
            log.debug("the time could not be noted: %s", error)
