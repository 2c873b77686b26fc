"""store: the journal (SQLite), InfluxDB, and one query interface over both."""

from store._accounts import Accounts, Counts
from store._batch import Item, Outcome
from store._faults import may_pass
from store._frames import counting
from store._keeper import Keeper
from store._outgoing import Outgoing
from store._policy import Dropped, Limits, Space
from store._sinks import SinkCounts, SinkState
from store.influx import InfluxSink, InfluxTarget, WriteKind, WriteResult
from store.influx_store import InfluxStore
from store.journal import Journal
from store.journal_store import JournalStore
from store.lines import Tags, event_line, flag_lines, line
from store.saving_lines import SavingMeasurement, SavingPoint, SavingTags, saving_lines

__all__ = [
    "Accounts",
    "Counts",
    "Dropped",
    "InfluxSink",
    "InfluxStore",
    "InfluxTarget",
    "Item",
    "Journal",
    "JournalStore",
    "Keeper",
    "Limits",
    "Outcome",
    "Outgoing",
    "SavingMeasurement",
    "SavingPoint",
    "SavingTags",
    "SinkCounts",
    "SinkState",
    "Space",
    "Tags",
    "WriteKind",
    "WriteResult",
    "counting",
    "event_line",
    "flag_lines",
    "line",
    "may_pass",
    "saving_lines",
]
