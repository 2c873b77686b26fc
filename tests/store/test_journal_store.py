"""A page beside the collector sees each sample once, in the order of arrival, and never a stale file."""

import sqlite3
import threading
from pathlib import Path

import pytest

from dodac.errors import StorageError
from dodac.samples import Layout
from store import Journal, JournalStore, SinkState, _schema

POWER = Layout("power", ("power_w", "energy_import_kwh"))
WATER = Layout("water", ("volume_m3",))


def _written(path: Path, times: tuple[int, ...] = (1, 2, 3)) -> Path:
    with Journal.open(path) as journal:
        journal.layout(POWER)
        journal.commit([("bus", POWER.sample(time_ns, {"power_w": 1.0})) for time_ns in times])
    return path


def _spoil(path: Path, where: str) -> None:
    db = sqlite3.connect(path)
    db.execute(f"UPDATE samples SET body = zeroblob(length(body)) WHERE {where}")  # noqa: S608
    db.commit()
    db.close()


def test_a_follower_reads_what_the_writer_commits_once_and_in_order(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        store = JournalStore(tmp_path / "j.db")
        assert store.last_seq() == 0
        assert store.read_after(0, 10) == []
        journal.layout(POWER)
        sent = [POWER.sample(time_ns, {"power_w": float(time_ns)}) for time_ns in (30, 10, 20)]
        journal.commit([("bus", sample) for sample in sent])
        assert store.read_after(0, 2) == [(1, sent[0]), (2, sent[1])]
        assert store.read_after(2, 10) == [(3, sent[2])]
        assert store.last_seq() == journal.last_seq() == 3
        journal.commit([("bus", sent[0])])
        assert store.tallies() == {("power", "bus"): {"committed": 3, "duplicate": 1}}
        assert store.tallies() == journal.tallies()
        store.close()


def test_damaged_rows_are_passed_over_however_many_and_the_next_ones_still_come(tmp_path: Path) -> None:
    # a batch of nothing but damaged rows once looked like the end: the page stood still for ever
    path = _written(tmp_path / "j.db", tuple(range(1, 10)))
    _spoil(path, "seq BETWEEN 2 AND 8")
    store = JournalStore(path)
    assert [seq for seq, _ in store.read_after(0, 3)] == [1]
    assert [seq for seq, _ in store.read_after(1, 3)] == [9]
    assert store.read_after(9, 3) == []
    store.close()


def test_the_newest_of_each_instrument_is_found_in_spite_of_damage_and_clocks_ahead(tmp_path: Path) -> None:
    # a damaged newest row once ended the live page's task without a word
    path = tmp_path / "j.db"
    with Journal.open(path) as journal:
        journal.layout(POWER)
        journal.layout(WATER)
        power = [POWER.sample(time_ns, {"power_w": float(time_ns)}) for time_ns in (10, 20, 30, 10**18)]
        journal.commit([("bus", sample) for sample in power])
        journal.commit([("bus", WATER.sample(5, {"volume_m3": 1.0}))])
    _spoil(path, "time_ns = 30")
    store = JournalStore(path)
    assert {sample.instrument: sample.time_ns for sample in store.newest(1000)} == {"power": 20, "water": 5}
    assert [sample.time_ns for sample in store.newest(1 << 62)] == [10**18, 5]
    store.close()


def test_a_journal_that_is_just_being_made_is_no_journal_yet(tmp_path: Path) -> None:
    # the reader said "the journal has version 0, this dodac reads 1" and sent the user to upgrade it
    path = tmp_path / "j.db"
    db = _schema.connect(path)
    with pytest.raises(StorageError, match="there is no journal here"):
        JournalStore(path)
    _schema.prepare(db, path)
    db.close()
    assert JournalStore(path).read_after(0, 1) == []


def test_a_journal_stands_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    # a page asked for while the first entry was stored found half a journal and answered 503
    faults: list[str] = []

    def look(path: Path, done: threading.Event) -> None:
        while not done.is_set():
            if path.exists():
                try:
                    JournalStore(path).close()
                except StorageError as error:
                    faults.append(str(error))

    for number in range(30):
        path, done = tmp_path / f"{number}.db", threading.Event()
        reader = threading.Thread(target=look, args=(path, done))
        reader.start()
        _written(path, (7,))
        done.set()
        reader.join()
    assert faults == []
    assert not list(tmp_path.glob("*-new"))


def test_a_journal_that_was_replaced_is_never_read_on_as_if_it_were_current(tmp_path: Path) -> None:
    # after damage the old file lives on under another name; a reader that had it open showed its last values
    path = _written(tmp_path / "j.db")
    store = JournalStore(path)
    assert store.in_place
    for name in ("j.db", "j.db-wal", "j.db-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / name.replace("j.db", "aside.db"))
    assert not store.in_place
    _written(path, (7,))
    with pytest.raises(StorageError, match="replaced"):
        store.read_after(0, 10)
    store.close()


def test_the_reader_tells_the_same_accounts_as_the_writer(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        journal.layout(POWER)
        journal.layout(WATER)
        journal.set_facts("power", {"serial_number": "1"})
        journal.commit([("bus", POWER.sample(t, {"power_w": float(t)})) for t in range(1, 7)])
        journal.mark("influx", [1, 2, 3], SinkState.DELIVERED)
        journal.mark("influx", [4], SinkState.REJECTED, "too odd")
        store = JournalStore(tmp_path / "j.db")
        accounts = store.accounts()
        assert accounts.counts == journal.counts()
        assert accounts.tallies == journal.tallies()
        assert dict(accounts.sinks) == {"influx": journal.sink_counts("influx")}
        assert dict(accounts.last_ns) == {"power": 6}
        assert store.facts() == journal.facts()
        store.close()
