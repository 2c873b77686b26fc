"""Where the interface reads from: the journal followed from outside, and the register's cases."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from pathlib import Path
from typing import Final, Protocol

from audit import Register, SavingCase, VerifiedSaving
from dodac.clock import DAY_NS, HOUR_NS, Clock
from dodac.errors import StorageError
from dodac.samples import Sample
from store.tail import JournalTail

_LOOK_BACK_NS: Final = (HOUR_NS, DAY_NS, 30 * DAY_NS, 400 * DAY_NS, 20_000 * DAY_NS)


class NewestTail(JournalTail):
    """A journal's tail that also finds the newest sample of each instrument."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path)
        self._clock = clock

    def newest(self) -> list[Sample]:
        """The newest sample of every instrument, looked for in growing windows back from now."""
        now_ns = self._clock.now_ns()
        found: list[Sample] = []
        for instrument in self.instruments():
            for back_ns in _LOOK_BACK_NS:
                last = deque(self.samples(instrument, now_ns - back_ns, now_ns + DAY_NS), maxlen=1)
                if last:
                    found.append(last[0])
                    break
        return found


class Journals:
    """The journal for questions: opened when it is there, and again when it appears later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._store: JournalTail | None = None

    def store(self) -> JournalTail:
        """The open journal; StorageError when there is none."""
        with self._lock:
            if self._store is None:
                self._store = JournalTail(self.path)
            return self._store

    def store_or_none(self) -> JournalTail | None:
        """The open journal, or None when there is none yet."""
        try:
            return self.store()
        except StorageError:
            return None

    def close(self) -> None:
        """Closes the journal."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


class Cases(Protocol):
    """Verified savings and their cases."""

    def savings(self) -> tuple[VerifiedSaving, ...]: ...
    def case(self, id: str) -> SavingCase: ...


class RegisterCases:
    """Cases of the register, computed again from the readings once and then kept for a while."""

    KEPT: Final = 8

    def __init__(self, path: Path, journals: Journals, clock: Clock) -> None:
        self._path, self._journals, self._clock = path, journals, clock
        self._lock = threading.Lock()
        self._cases: OrderedDict[str, SavingCase] = OrderedDict()

    def savings(self) -> tuple[VerifiedSaving, ...]:
        """All verified savings, newest first; none without a register."""
        if not self._path.exists():
            return ()
        return tuple(reversed(Register(self._path, self._clock).savings()))

    def case(self, id: str) -> SavingCase:
        """The case of a saving; IntegrityError when its figures are no longer those registered."""
        with self._lock:
            known = self._cases.get(id)
            if known is not None:
                self._cases.move_to_end(id)
                return known
            store = self._journals.store()
            case = Register(self._path, self._clock).case(id, store, store.facts())
            self._cases[id] = case
            while len(self._cases) > self.KEPT:
                self._cases.popitem(last=False)
            return case
