"""collector: schedule, ingest, ledger, forwarder, and the commands around them."""

from collector.collector import Collector, CollectorStatus
from collector.forwarder import Forwarder, Sink, SinkStatus
from collector.ingest import Ingest, IngestStatus
from collector.ledger import Ledger, SinkCount, SourceCount
from collector.schedule import Ticks, next_tick

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
