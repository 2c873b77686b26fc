"""One group into the journal: storage faults go up, an item the journal can't take is set aside alone."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from typing import Final, Protocol

from dodac.contracts import DeadLetter
from dodac.errors import StorageError
from dodac.samples import Layout, Sample
from store import Item, Outcome

log = logging.getLogger("dodac.collector")

# what a store may raise when the disk is full, locked, read-only or gone: the group is kept
STORAGE_FAULTS: Final = (StorageError, sqlite3.Error, OSError)

_LARGEST_NS: Final = 2**63 - 1  # what SQLite's integers hold


class Spool(Protocol):
    """The part of the journal that ingest writes to."""

    def layout(self, layout: Layout) -> object: ...

    def commit(self, items: Sequence[tuple[str, Item]]) -> list[Outcome]: ...

    def receipts(self, session: str) -> bytes: ...

    def newest_ns(self, instrument: str) -> int | None: ...


def commit_all(journal: Spool, items: Sequence[tuple[str, Item]]) -> list[Outcome | None]:
    """Commits a group in one transaction and gives each item's outcome.

    When the journal refuses the content of an item, the group is halved until that item is alone; it
    goes to the dead letters with the reason, and its outcome is None. Storage faults are raised.
    """
    try:
        return list(journal.commit(items))
    except STORAGE_FAULTS:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, this item is set aside and told)
        if len(items) > 1:
            middle = len(items) // 2
            return [*commit_all(journal, items[:middle]), *commit_all(journal, items[middle:])]
        source, item = items[0]
        log.error("the journal can't take an item of %s: %s: %s", source, type(error).__name__, error)
        if isinstance(item, Sample):
            reason = f"not storable: {type(error).__name__}: {error}"
            time_ns = max(-_LARGEST_NS, min(item.time_ns, _LARGEST_NS))
            letter = DeadLetter(time_ns, source, "sample", repr(item).encode(), reason, item.instrument)
            journal.commit([(source, letter)])
        return [None]
