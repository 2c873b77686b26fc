"""The journal's own accounts, read while another process may be writing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store import _schema as schema
from store._faults import storage_error
from store._ranges import Ranges
from store.journal import Counts, SinkCounts, SinkState
from store.journal_store import JournalStore


@dataclass(frozen=True, slots=True)
class JournalView:
    """Counts of a journal at one moment.

    tallies: since the journal began, (instrument, source) → outcome → samples.
    last_ns: instrument → time of its newest sample (UTC).
    """

    counts: Counts
    tallies: Mapping[tuple[str, str], Mapping[str, int]]
    sinks: Mapping[str, SinkCounts]
    last_ns: Mapping[str, int]


def view_journal(path: Path) -> JournalView:
    """Reads a journal's accounts in one read transaction.

    Raises StorageError when there is no journal, it is of another version, or it can't be read.
    """
    path = Path(path)
    JournalStore(path).close()  # says what to do when there is no journal or one of another version
    with storage_error(path):
        db = schema.connect(path, read_only=True)
        try:
            db.execute("BEGIN")
            return _view(path, lambda sql: db.execute(sql).fetchall())
        finally:
            db.close()


def _view(path: Path, read: Any) -> JournalView:
    per = dict(read(
        "SELECT names.name, count(*) FROM samples JOIN names ON names.id = samples.instrument GROUP BY 1"
    ))  # fmt: skip
    last = dict(read(
        "SELECT name, (SELECT max(time_ns) FROM samples WHERE instrument = names.id) FROM names"
    ))  # fmt: skip
    tallies: dict[tuple[str, str], dict[str, int]] = {}
    for instrument, source, outcome, count in read("SELECT instrument, source, outcome, count FROM tallies"):
        tallies.setdefault((instrument, source), {})[outcome] = count
    top = read("SELECT seq FROM sqlite_sequence WHERE name = 'samples'")
    lost = Ranges(read("SELECT first, last FROM marks WHERE sink = '' AND state = 'lost'"))
    newest = max(top[0][0] if top else 0, max((end for _, end in lost), default=0))
    marked: dict[str, dict[SinkState, Ranges]] = {}
    for sink, state, first, end in read("SELECT sink, state, first, last FROM marks WHERE sink <> ''"):
        states = marked.setdefault(sink, {kind: Ranges() for kind in SinkState})
        states[SinkState(state)].add(first, end)
    sinks = {}
    for sink, states in marked.items():
        kept = {state: len(known) - known.overlap(lost) for state, known in states.items()}
        sinks[sink] = SinkCounts(
            delivered=kept[SinkState.DELIVERED],
            rejected=kept[SinkState.REJECTED],
            expired=kept[SinkState.EXPIRED],
            waiting=newest - len(lost) - sum(kept.values()),
        )
    files = [path, path.with_name(path.name + "-wal")]
    counts = Counts(
        samples=sum(per.values()),
        events=read("SELECT count(*) FROM events")[0][0],
        dead_letters=read("SELECT count(*) FROM dead_letters")[0][0],
        lost=len(lost),
        size_bytes=sum(file.stat().st_size for file in files if file.exists()),
        per_instrument=per,
    )
    return JournalView(counts, tallies, sinks, {name: ns for name, ns in last.items() if ns is not None})
