"""Where the interface reads from: the journal followed from outside, and the register's cases."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final, Protocol

from audit import Register, SavingCase, VerifiedSaving
from audit.isolated import IsolatedCase, IsolatedSaving
from dodac.clock import Clock
from dodac.errors import StorageError
from store import JournalStore


class Journals:
    """The journal for questions: opened when it is there, and again when it appears later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._store: JournalStore | None = None

    def store(self) -> JournalStore:
        """The open journal; StorageError when there is none."""
        with self._lock:
            if self._store is not None and not self._store.in_place:
                self._store.close()
                self._store = None
            if self._store is None:
                self._store = JournalStore(self.path)
            return self._store

    def store_or_none(self) -> JournalStore | None:
        """The open journal, or None when there is none yet."""
        try:
            return self.store()
        except StorageError:
            return None

    def if_there(self) -> JournalStore | None:
        """The open journal, or None before the first sample; StorageError when it can't be read.

        An entry is held against what is stored: what can't be read is not nothing.
        """
        return self.store() if self.path.is_file() and self.path.stat().st_size else None

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
    def tested(self) -> tuple[IsolatedSaving, ...]: ...
    def tested_case(self, id: str) -> IsolatedCase: ...


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

    def tested(self) -> tuple[IsolatedSaving, ...]:
        """All savings by tests (options A and B), newest first; none without a register."""
        if not self._path.exists():
            return ()
        return tuple(reversed(Register(self._path, self._clock).isolated.savings()))

    def tested_case(self, id: str) -> IsolatedCase:
        """The case of a saving by tests, computed again; IntegrityError when its figures are no longer those registered."""
        store = self._journals.if_there()
        facts = {} if store is None else store.facts()
        return Register(self._path, self._clock).isolated.case(id, store, facts)

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
