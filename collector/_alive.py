"""Notes in the journal while the collector runs: that it does, and how fast its instruments answer."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from dodac.clock import Clock
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Sample

if TYPE_CHECKING:
    from drivers import ConnectionStatus

log = logging.getLogger("dodac.collector")

CURSOR: Final = "collector/alive"
EVERY_S: Final = 10.0
TURNAROUND: Final = "#turnaround"
"""Under this name, which no instrument can have, stands each instrument's turnaround: it is no fact for reports."""
FACTS_EVERY: Final = 30
"""Facts are written at the sixth note, at every thirtieth from then on (five minutes), and at the stop."""


class Notebook(Protocol):
    """The part of the journal that keeps the note."""

    def cursor(self, name: str) -> int: ...

    def set_cursor(self, name: str, seq: int) -> None: ...

    def last_seq(self) -> int: ...

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]: ...

    def set_facts(self, instrument: str, facts: Mapping[str, str]) -> None: ...


def turnaround_facts(status: Iterable[ConnectionStatus]) -> dict[str, str]:
    """How fast each polled instrument answers and how often too late, as JSON text by instrument."""
    return {
        instrument: json.dumps(found.as_dict())
        for connection in status
        for instrument, found in connection.turnaround.items()
    }


class Alive:
    """Notes the time every ten seconds and at the stop; seldom also the instruments' turnaround.

    chore: what else is to be done every ten seconds; it raises nothing.
    """

    def __init__(
        self,
        journal: Notebook,
        clock: Clock,
        turnaround: Callable[[], Mapping[str, str]] = dict,
        chore: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._turnaround = turnaround
        self._chore = chore
        self._told: Mapping[str, str] = {}
        self._notes = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.turned_ns = clock.monotonic_ns()

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, once it was started."""
        return self._thread

    def gap(self, since: Callable[[int], int] = lambda ns: ns) -> Event | None:
        """The time since the last note, or since a sample stored after it; None in a new journal.

        since: when a time of an earlier run was, by the clock as it is set now.
        """
        noted_ns = self._journal.cursor(CURSOR)
        if not noted_ns:
            return None
        now_ns = self._clock.now_ns()
        last = self._journal.read_after(self._journal.last_seq() - 1, 1)
        if last and noted_ns < last[0][1].time_ns < now_ns:
            noted_ns = last[0][1].time_ns
        noted_ns = since(noted_ns)
        if noted_ns >= now_ns:
            return None  # the clock was set back before a reboot: how long it was cannot be known
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
            self._note_facts()

    def _run(self) -> None:
        while not self._clock.wait(self._stop, EVERY_S):
            self.turned_ns = self._clock.monotonic_ns()
            self._note()
            self._chore()
            self._notes += 1
            if self._notes % FACTS_EVERY == 6:
                self._note_facts()

    def _note(self) -> None:
        try:
            self._journal.set_cursor(CURSOR, self._clock.now_ns())
        except StorageError as error:
            log.debug("the time could not be noted: %s", error)

    def _note_facts(self) -> None:
        found = dict(self._turnaround())
        try:
            if found != self._told:
                self._journal.set_facts(TURNAROUND, found)
        except StorageError as error:
            log.debug("the instruments' turnaround could not be noted: %s", error)
        else:
            self._told = found
