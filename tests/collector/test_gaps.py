"""Faults that outlive a run: their gaps are told by the next one."""

from __future__ import annotations

from typing import Any

import pytest

from collector._gaps import gaps_of_standing_faults
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from store import Journal

MEMBERS = {"bus1": ("meter1", "meter2"), "bus2": ("meter3",)}
NOW = 1000


def at(
    time_ns: int, kind: EventKind, source: str = "bus1", instrument: str | None = None
) -> tuple[str, Event]:
    return source, Event(time_ns, kind, "", source, instrument)


def told(journal: Any) -> list[tuple[int, str | None, int | None]]:
    return [(e.time_ns, e.instrument, e.end_ns) for e in gaps_of_standing_faults(journal, MEMBERS, NOW)]


def test_a_meter_that_died_before_a_restart_leaves_its_gap(journal: Journal) -> None:
    # dead on Friday, the box restarted on Sunday, an answer on Monday: Friday to Sunday had no gap
    journal.commit([at(1, EventKind.START, "collector"), at(5, EventKind.FAULT_START, "bus1", "meter1")])
    assert told(journal) == [(5, "meter1", NOW)]


def test_a_lost_line_is_a_gap_of_each_of_its_instruments(journal: Journal) -> None:
    journal.commit([at(5, EventKind.FAULT_START), at(7, EventKind.FAULT_START, "bus1", "meter2")])
    assert sorted(told(journal)) == [(5, "meter1", NOW), (5, "meter2", NOW)]


def test_faults_that_ended_or_hide_no_readings_leave_no_gap(journal: Journal) -> None:
    journal.commit(
        [
            at(5, EventKind.FAULT_START, "bus2"),
            at(6, EventKind.FAULT_END, "bus2"),
            at(7, EventKind.FAULT_START, "sink x"),
            at(8, EventKind.FAULT_START, "collector"),
        ]
    )
    assert told(journal) == []


def test_gaps_are_told_again_until_a_start_stands_behind_them(journal: Journal) -> None:
    # a run killed before its first commit must not swallow them
    journal.commit([at(1, EventKind.START, "collector"), at(5, EventKind.FAULT_START, "bus2")])
    assert told(journal) == told(journal) == [(5, "meter3", NOW)]
    journal.commit([at(9, EventKind.START, "collector")])
    assert told(journal) == []
    journal.commit([at(10, EventKind.FAULT_START, "bus2")])
    assert told(journal) == [(10, "meter3", NOW)]


def test_a_full_disk_at_the_start_does_not_keep_the_gaps_back(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([at(5, EventKind.FAULT_START, "bus2")])

    def full(_name: str, _seq: int) -> None:
        raise StorageError("the disk is full.")

    monkeypatch.setattr(journal, "set_cursor", full)
    assert told(journal) == [(5, "meter3", NOW)]
