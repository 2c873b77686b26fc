"""What a person tells of wrong times while dodac run has the journal: it waits beside it and is taken up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from collector._clock_fix import as_text, decision_id, of_text
from collector._clock_parts import Decision
from drivers._spool import Spool

log = logging.getLogger("dodac.collector")

_NAME: Final = "clock"


def spool_of(journal: Path) -> Spool:
    """Where it waits: NAME-clock beside the journal."""
    return Spool(journal.with_name(f"{journal.stem}-clock"))


def tell(journal: Path, decision: Decision) -> None:
    """Keeps a decision for the process that has the journal; on return it is on disk. Raises OSError."""
    id_ = decision_id(decision)
    name = "".join(sign if sign.isalnum() else "-" for sign in id_)
    spool_of(journal).put(_NAME, name, as_text([(id_, decision)]).encode())


def take(journal: Path, decide: Callable[[Decision], None], kept: Callable[[], None]) -> int:
    """Gives what waits to `decide`; a file goes when `kept` says that it is in the journal. Gives how many."""
    spool, count = spool_of(journal), 0
    for item in spool.waiting():
        found = [] if item.fault else of_text(item.raw.decode(errors="replace"))
        if not found:
            log.warning("%s is set aside: %s", item.path, item.fault or "it is no correction of times")
            spool.set_aside(item.path, item.fault or "it is no correction of times")
            continue
        for _, decision in found:
            decide(decision)
        kept()
        spool.remove(item.path)
        count += len(found)
    return count
