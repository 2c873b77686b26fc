"""store: the journal (SQLite), InfluxDB, and one query interface over both."""

from store.influx import InfluxSink, InfluxTarget, WriteKind, WriteResult
from store.influx_store import InfluxStore
from store.journal import Counts, Item, Journal, Outcome, SinkCounts, SinkState
from store.journal_store import JournalStore
from store.lines import Tags, event_line, flag_lines, line

__all__ = [
    "Counts",
    "InfluxSink",
    "InfluxStore",
    "InfluxTarget",
    "Item",
    "Journal",
    "JournalStore",
    "Outcome",
    "SinkCounts",
    "SinkState",
    "Tags",
    "WriteKind",
    "WriteResult",
    "event_line",
    "flag_lines",
    "line",
]
