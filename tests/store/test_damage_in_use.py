"""Files of an open journal are deleted, replaced or overwritten: it goes on without a restart and loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import EventKind
from dodac.errors import StorageError
from dodac.samples import Layout
from store import Journal, JournalStore

T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))


def _replace(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"somebody's notes")


def _older_copy(path: Path) -> None:
    """What a restored backup without its WAL looks like."""
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


ACTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "file": ("the journal's file is deleted", Path.unlink),
    "wal": ("the journal's WAL is deleted", lambda path: path.with_name("j.db-wal").unlink()),
    "index": ("the WAL's index is deleted", lambda path: path.with_name("j.db-shm").unlink()),
    "mark": ("the mark of the last row is deleted", lambda path: path.with_name("j.db-mark").unlink()),
    "lock": ("the lock file is deleted", lambda path: path.with_name("j.db-lock").unlink()),
    "folder": ("the journal's folder is deleted", lambda path: shutil.rmtree(path.parent)),
    "moved": ("the journal's folder is moved", lambda path: path.parent.rename(path.parent.with_name("m"))),
    "replaced": ("the journal's file is replaced by another", _replace),
    "older": ("the journal's file is replaced by an older copy", _older_copy),
}


@pytest.mark.parametrize("act", sorted(ACTS))
def test_what_happens_to_the_files_of_an_open_journal_loses_nothing(
    tmp_path: Path, act: str, fault_row: Any
) -> None:
    fault, do = ACTS[act]
    path = tmp_path / "data" / "j.db"
    journal = Journal.open(path)
    journal.layout(METER)
    journal.set_facts("meter-1", {"asset": "boiler1"})
    acknowledged: list[int] = []

    def put(count: int) -> None:
        for _ in range(count):
            n = len(acknowledged)
            journal.commit([("bus", METER.sample(T0 + n + k, {"power_w": float(n + k)})) for k in range(5)])
            acknowledged.extend(range(n, n + 5))

    put(40)
    journal.mark("influx", range(1, 100), "delivered")
    do(path)
    put(40)
    # a kill at this moment: what stands on the disk is all that is left
    shutil.copytree(path.parent, tmp_path / "killed")
    journal.close()
    for left in (tmp_path / "killed" / "j.db", path):
        with Journal.open(left) as again:
            rows = again.read_after(0, 10_000)
            lost = len(set(acknowledged) - {sample.time_ns - T0 for _, sample in rows})
            assert lost == 0
            assert [seq for seq, _ in rows] == list(range(1, len(acknowledged) + 1))
            assert again.verify() == []
            assert again.facts() == {"meter-1": {"asset": "boiler1"}}
            assert again.sink_counts("influx").delivered == 99
            alarms = [event for _, event in again.events_after(0, 10) if event.kind is EventKind.ALARM]
            assert len(alarms) == 1
            assert "while it was open" in alarms[0].text
    fault_row(
        f"{fault} while dodac run works",
        "written again, whole, from what is still open, with the next group; strangers are set aside",
        lost,
        "ALARM event",
        chapter="disk",
    )


def test_a_folder_that_cant_be_made_again_keeps_everything_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "data" / "j.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit([("bus", METER.sample(T0, {"power_w": 1.0}))])
        shutil.rmtree(path.parent)
        path.parent.write_text("a file where the folder should be")
        for _ in range(3):
            with pytest.raises(StorageError):
                journal.commit([("bus", METER.sample(T0 + 1, {"power_w": 1.0}))])
        path.parent.unlink()
        journal.commit([("bus", METER.sample(T0 + 1, {"power_w": 1.0}))])
        assert [seq for seq, _ in journal.read_after(0, 10)] == [1, 2]
    with Journal.open(path) as journal:
        assert journal.counts().samples == 2


def test_damage_met_by_a_commit_is_put_right_by_the_next_one(tmp_path: Path, fault_row: Any) -> None:
    path = tmp_path / "j.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        for first in range(0, 1000, 100):
            journal.commit(
                [("bus", METER.sample(T0 + n, {"power_w": float(n)})) for n in range(first, first + 100)]
            )
    with Journal.open(path) as journal:
        with path.open("r+b") as file:  # the pages of the unique index and of the samples
            for page in range(5, 15):
                file.seek(4096 * page)
                file.write(b"\xa5" * 8)
        refused = 0
        for n in range(1000, 1010):
            item = METER.sample(T0 + n, {"power_w": float(n)})
            while True:
                try:
                    journal.commit([("bus", item)])
                    break
                except StorageError:
                    refused += 1
                    assert refused < 5
        journal.verify()
        journal.commit([("bus", METER.sample(T0 + 1010, {"power_w": 1.0}))])
        assert journal.verify() == []
        assert journal.counts().samples + journal.counts().lost == 1011
        lost = journal.counts().lost
        assert any(event.kind is EventKind.DAMAGE for _, event in journal.events_after(0, 10))
    assert len(list(JournalStore(path).samples("meter-1", 0, T0 * 2))) == 1011 - lost
    fault_row(
        "ten pages of the journal are damaged while dodac run works",
        "what met it is kept and tried again; the file is set aside, rebuilt page by page, and collecting goes on",
        lost,
        "DAMAGE event",
        chapter="disk",
    )
