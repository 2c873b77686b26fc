"""store: the journal (SQLite), InfluxDB, and one query interface over both."""

from store.journal import Counts, Item, Journal, Outcome, SinkCounts, SinkState

__all__ = ["Counts", "Item", "Journal", "Outcome", "SinkCounts", "SinkState"]
