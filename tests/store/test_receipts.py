"""Receipts of messages: there exactly when their messages are, and never so many that they fill the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodac.contracts import Receipt, Repeat
from dodac.errors import DataError
from dodac.samples import Layout
from store import Journal, Outcome
from store._receipts import KEPT, SESSIONS
from store.keeping import backup, restore

LAYOUT = Layout("m", ("power_w",))


def test_a_receipt_is_there_after_a_restart_with_the_sample_it_is_of(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        journal.layout(LAYOUT)
        for number in range(1000):
            sample = LAYOUT.sample(number + 1, {"power_w": 1.0})
            journal.commit([("b", sample), ("b", Receipt("s", number.to_bytes(10, "big")))])
        journal.commit([("b", Receipt("other", b"x"))])
    with Journal.open(tmp_path / "j.db") as journal:
        assert journal.receipts("s") == b"".join(n.to_bytes(10, "big") for n in range(1000))
        assert journal.receipts("other") == b"x"
        assert journal.receipts("none") == b""
        assert (journal.newest_ns("m"), journal.newest_ns("n")) == (1000, None)
        journal.commit([("b", Receipt("s", b"after"))])
        assert journal.receipts("s").endswith(b"after")


def test_a_receipt_of_a_commit_that_failed_is_not_there(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        journal.layout(LAYOUT)
        journal.commit([("b", Receipt("s", b"first"))])
        stranger = Layout("other", ("power_w",)).sample(1, {"power_w": 1.0})
        with pytest.raises(DataError):
            journal.commit([("b", Receipt("s", b"lost")), ("b", stranger)])
        journal.commit([("b", Receipt("s", b"second"))])
        assert journal.receipts("s") == b"firstsecond"


@pytest.mark.parametrize("size", [10, 3000, 40_960])
def test_receipts_do_not_fill_the_disk(tmp_path: Path, size: int) -> None:
    each = max(1, 1000 // size)  # receipts a commit
    with Journal.open(tmp_path / "j.db") as journal:
        commits = 4 * KEPT // (size * each)
        for number in range(commits):
            journal.commit([("b", Receipt("s", number.to_bytes(size, "big"))) for _ in range(each)])
        found = journal.receipts("s")
    assert KEPT <= len(found) <= 1.1 * KEPT + 2 * size
    assert found[-size:] == (commits - 1).to_bytes(size, "big")


def test_sessions_of_long_ago_do_not_fill_the_disk_and_the_last_ones_stay(tmp_path: Path) -> None:
    for number in range(2 * SESSIONS):
        with Journal.open(tmp_path / "j.db") as journal:
            journal.commit([("b", Receipt(f"s{number}", b"y"))])
            journal.commit([("b", Receipt("steady", b"x"))] if number % 60 == 0 else [])
    with Journal.open(tmp_path / "j.db") as journal:
        rows = journal._db.execute("SELECT count(DISTINCT session) FROM receipts").fetchone()[0]
        assert rows == SESSIONS
        assert journal.receipts("s0") == b""
        assert journal.receipts("steady")
        assert journal.receipts(f"s{2 * SESSIONS - 1}") == b"y"


def test_a_session_that_speaks_is_not_forgotten_for_others(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        for number in range(2 * SESSIONS):
            journal.commit([("b", Receipt("steady", b"x")), ("b", Receipt(f"s{number}", b"y"))])
        assert journal.receipts("steady") == b"x" * 2 * SESSIONS


def test_damaged_receipts_are_none_so_that_nothing_is_taken_for_stored(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        journal.commit([("b", Receipt("s", b"abc"))])
        journal._db.execute("UPDATE receipts SET body = x'616264'")
        assert journal.receipts("s") == b""


def test_what_is_there_already_is_counted_as_a_duplicate(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.db") as journal:
        assert journal.commit([("b", Repeat("m")), ("b", Repeat(None))]) == [Outcome.DUPLICATE] * 2
        assert journal.tallies() == {("m", "b"): {"duplicate": 1}, ("", "b"): {"duplicate": 1}}


def test_a_salvaged_journal_takes_no_message_for_stored_that_may_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with Journal.open(path) as journal:
        journal.layout(LAYOUT)
        for number in range(300):
            sample = LAYOUT.sample(number + 1, {"power_w": 1.0})
            journal.commit([("b", sample), ("b", Receipt("s", number.to_bytes(10, "big")))])
        root = journal._db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    with Journal.open(path) as journal:
        assert list(tmp_path.glob("j.db.damaged-*"))
        assert len(journal.read_after(0, 1000)) == 300
        assert journal.receipts("s") == b""


def test_a_restored_journal_takes_no_message_for_stored_that_it_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with Journal.open(path) as journal:
        journal.layout(LAYOUT)
        journal.commit([("b", LAYOUT.sample(1, {"power_w": 1.0})), ("b", Receipt("s", b"before"))])
        backup(path, tmp_path / "copy.db")
        journal.commit([("b", LAYOUT.sample(2, {"power_w": 1.0})), ("b", Receipt("s", b"after"))])
    restore(path, tmp_path / "copy.db")
    with Journal.open(path) as journal:
        assert len(journal.read_after(0, 10)) == 1
        assert journal.receipts("s") == b""
