"""collector: schedule, ingest, ledger, forwarder."""

from collector.ingest import Ingest, IngestStatus
from collector.ledger import Ledger, SinkCount, SourceCount
from collector.schedule import next_tick

__all__ = ["Ingest", "IngestStatus", "Ledger", "SinkCount", "SourceCount", "next_tick"]
