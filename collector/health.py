"""What other rooms may ask about the collector: its picture, its ledger, whether it is well, its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector._metrics import content_type, metrics_text
from collector._report import ledger_of, live_ledger
from collector._socket import Picture, Seen, health_of, look
from collector.facts import sink_configs

if TYPE_CHECKING:
    from collector.ledger import Ledger
    from dodac.site import Site
    from store import JournalStore

Health = dict[str, Any]

__all__ = ["Health", "Picture", "Seen", "content_type", "health_of", "ledger", "look", "metrics_text"]


def ledger(seen: Seen, store: JournalStore | None, site: Site) -> Ledger:
    """The ledger since the journal began: the running collector's, else as the journal holds it."""
    if seen.picture is not None:
        return live_ledger(seen.picture)
    from collector.ledger import Ledger

    if store is None:
        return Ledger()
    return ledger_of(store.accounts(), list(sink_configs(site)))
