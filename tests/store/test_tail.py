"""A page beside the collector sees each sample once, in the order of arrival."""

import sqlite3
from pathlib import Path

from dodac.samples import Layout
from store import Journal
from store.tail import JournalTail

POWER = Layout("power", ("power_w", "energy_import_kwh"))


def test_a_follower_reads_what_the_writer_commits_once_and_in_order(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        tail = JournalTail(tmp_path / "j.db")
        assert tail.last_seq() == 0
        assert tail.read_after(0, 10) == []
        journal.layout(POWER)
        sent = [POWER.sample(time_ns, {"power_w": float(time_ns)}) for time_ns in (30, 10, 20)]
        journal.commit([("bus", sample) for sample in sent])
        assert tail.read_after(0, 2) == [(1, sent[0]), (2, sent[1])]
        assert tail.read_after(2, 10) == [(3, sent[2])]
        assert tail.last_seq() == journal.last_seq() == 3
        journal.commit([("bus", sent[0])])
        assert tail.tallies() == {("power", "bus"): {"committed": 3, "duplicate": 1}}
        assert tail.tallies() == journal.tallies()
        tail.close()


def test_a_damaged_row_is_left_out_and_the_next_ones_still_come(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        journal.layout(POWER)
        journal.commit([("bus", POWER.sample(time_ns, {"power_w": 1.0})) for time_ns in (1, 2, 3)])
    db = sqlite3.connect(tmp_path / "j.db")
    db.execute("UPDATE samples SET body = zeroblob(length(body)) WHERE seq = 2")
    db.commit()
    db.close()
    tail = JournalTail(tmp_path / "j.db")
    assert [seq for seq, _ in tail.read_after(0, 10)] == [1, 3]
    tail.close()
