"""collector: schedule, ingest, ledger, forwarder, and the commands around them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.collector import Collector, CollectorStatus
    from collector.forwarder import Forwarder, Sink, SinkStatus
    from collector.ingest import Ingest, IngestStatus
    from collector.ledger import Ledger, SinkCount, SourceCount
    from collector.schedule import Ticks, next_tick

_HOMES = {
    "Collector": "collector.collector",
    "CollectorStatus": "collector.collector",
    "Forwarder": "collector.forwarder",
    "Ingest": "collector.ingest",
    "IngestStatus": "collector.ingest",
    "Ledger": "collector.ledger",
    "Sink": "collector.forwarder",
    "SinkCount": "collector.ledger",
    "SinkStatus": "collector.forwarder",
    "SourceCount": "collector.ledger",
    "Ticks": "collector.schedule",
    "next_tick": "collector.schedule",
}

__all__ = [
    "Collector",
    "CollectorStatus",
    "Forwarder",
    "Ingest",
    "IngestStatus",
    "Ledger",
    "Sink",
    "SinkCount",
    "SinkStatus",
    "SourceCount",
    "Ticks",
    "next_tick",
]


def __getattr__(name: str) -> Any:
    # loaded when first used: a container asks for the health each minute, on a small computer
    if name not in _HOMES:
        raise AttributeError(f"module 'collector' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
