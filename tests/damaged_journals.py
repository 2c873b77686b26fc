"""Small journals to be damaged, and what must be true of them afterwards: for tests/store/test_damage_*.py."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Flag, Layout, Reason
from store import Journal
from store import _schema as schema

T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
FLUE = Layout("boiler1-flue", ("o2_pct", "co_ppm"))
ROWS = 48


def item(n: int) -> Any:
    if n % 6 == 5:
        flags = (Flag("co_ppm", Reason.SENTINEL, 9999.0),)
        return FLUE.sample(T0 + n, {"o2_pct": n / 8}, flags=flags, raw=b"\x02O2 %d\x03" % n)
    return METER.sample(T0 + n, {"power_w": float(n), "energy_import_kwh": n / 3, "frequency_hz": 50.0})


def fill(journal: Journal) -> None:
    journal.layout(METER)
    journal.layout(FLUE)
    journal.set_facts("meter-1", {"asset": "boiler1", "serial_number": "17110042"})
    for first in range(0, ROWS, 6):
        event = Event(T0 + first, EventKind.NOTE, f"note {first}", "bus", "meter-1", data={"n": first})
        letter = DeadLetter(T0 + first, "mqtt", "a/b", b"{%d" % first, "not JSON")
        rows = [("bus", item(n)) for n in range(first, first + 6)]
        journal.commit([*rows, ("bus", event), ("mqtt", letter)])
        journal.mark("influx", range(1, first // 2 + 2), "delivered")
        journal.set_cursor("influx/events", first)
    journal.commit([("bus", METER.sample(T0 + 1, {"power_w": 1e6}))])  # a conflict is kept, seq ROWS + 1


def originals(base: Path, page_size: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The same journal killed with its last commits in the WAL, and closed."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "create", of_page_size(page_size))
        journal = Journal.open(base / "live" / "j.db")
        fill(journal)
        shutil.copytree(base / "live", base / "wal")
        journal.close()
        shutil.copytree(base / "live", base / "closed")
    return {"wal": base / "wal", "closed": base / "closed"}


def of_page_size(size: int) -> Any:
    def create(path: Path) -> None:
        if not path.exists():
            db = sqlite3.connect(path, isolation_level=None)
            db.execute(f"PRAGMA page_size = {size}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            schema._write_tables(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.close()

    return create


def state(journal: Journal) -> dict[str, Any]:
    """Everything that a reader can have of a journal."""
    letters = journal._read("SELECT seq, time_ns, source, topic, payload, reason FROM dead_letters")
    kinds = (EventKind.DAMAGE, EventKind.GAP)
    return {
        "samples": {seq: sample.canonical() for seq, sample in journal.read_after(0, 10 * ROWS)},
        "events": [row for row in journal.events_after(0, 1000) if row[1].kind not in kinds],
        "letters": letters,
        "tallies": journal.tallies(),
        "facts": journal.facts(),
        "sink": journal.sink_counts("influx"),
        "cursor": journal.cursor("influx/events"),
        "layouts": journal.layouts(),
    }


class Case:
    """One damaged copy after the other: opens it and holds what must be true of any damage."""

    def __init__(self, folder: Path, original: Path, *, sums: bool = True) -> None:
        """sums: every row of it has a check sum, so that no change may go unnoticed."""
        self.original = original
        self.sums = sums
        self.base = folder / "case"
        with Journal.open(copied(original, self.base)) as journal:
            self.whole = state(journal)
        self.cases = 0
        self.told = 0
        self.most_lost = 0

    def path(self) -> Path:
        return copied(self.original, self.base)

    def check(self, path: Path, what: str, *, wholly: bool = True) -> None:
        """wholly: also the full check, a commit, and a second start."""
        with Journal.open(path) as journal:
            try:
                told = self._look(journal, what)
            except StorageError:  # reading met it: the next commit puts it right
                journal.set_cursor("y", 1)
                told = self._look(journal, what)
                assert told, what
            found = journal.verify() if wholly and not told else []
            if found:  # the next commit puts it right
                journal.set_cursor("x", 1)
                told = self._look(journal, what)
                assert told, what
            if wholly:
                assert journal.verify() == [], what
                assert told or not self.sums or state(journal) == self.whole, (
                    f"{what}: it changed and nobody says so"
                )
                journal.layout(METER)
                assert journal.commit([("bus", METER.sample(T0 + 10**6, {"power_w": 1.0}))]), what
                assert journal.last_seq() == len(self.whole["samples"]) + 1, what
                sink = journal.sink_counts("influx")
                stood = sink.delivered + sink.rejected + sink.expired + sink.waiting
                assert stood == journal.counts().samples, what
        self.cases += 1
        self.told += bool(told)
        if told and wholly:
            with Journal.open(path) as journal:  # told once
                again = [e for _, e in journal.events_after(0, 1000) if e.kind is EventKind.DAMAGE]
                assert len(again) == len(told), what

    def _look(self, journal: Journal, what: str) -> list[Event]:
        told = [event for _, event in journal.events_after(0, 1000) if event.kind is EventKind.DAMAGE]
        lost = sum(int(event.data["lost"]) for event in told)
        rows = {seq: sample.canonical() for seq, sample in journal.read_after(0, 10 * ROWS)}
        for seq, canonical in rows.items():
            assert self.whole["samples"][seq] == canonical, f"{what}: a row that was never written"
        assert len(rows) + lost == len(self.whole["samples"]) or not told, what
        assert journal.counts().lost == lost, what
        self.most_lost = max(self.most_lost, lost)
        return told


def copied(original: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(original, target)
    return target / "j.db"
