"""The full check finds what is wrong in pieces too, where SQLite's own check would take minutes in one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dodac.contracts import Event, EventKind
from dodac.samples import Layout
from store import Journal
from store._verify import verify_rows

T0 = 1_790_000_000_000_000_000 // 86_400_000_000_000 * 86_400_000_000_000
METER = Layout("meter", ("power_w",))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit(
            [("bus", METER.sample(T0 + n * 10**10, {"power_w": float(n)})) for n in range(1200)]
            + [("bus", Event(T0 + n, EventKind.NOTE, "x", "bus")) for n in range(50)]
        )
        while journal.pack(T0 + 2 * 3_600 * 10**9):
            pass
    return path


def _behind_the_index(path: Path, index: str, statement: str) -> None:
    """Runs a statement that SQLite does not bring to an index."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (kept,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_master WHERE name = ?", (index,))
        db.execute("PRAGMA writable_schema = RESET")
        db.execute(statement)
        table = kept.split(" ON ")[1].split(" ")[0]
        db.execute("PRAGMA writable_schema = ON")
        db.execute("INSERT INTO sqlite_master VALUES ('index', ?, ?, ?, ?)", (index, table, root, kept))
        db.execute("PRAGMA writable_schema = RESET")


def test_a_sound_journal_is_sound_in_pieces(filled: Path) -> None:
    seen: list[int] = []
    assert verify_rows(filled, page=100, pause=lambda n: seen.append(n) is None, whole=0) == []
    assert len(seen) > 12
    assert verify_rows(filled, page=100, pause=lambda _: False, whole=0) == []


@pytest.mark.parametrize("whole", [None, 0])
@pytest.mark.parametrize(
    ("index", "statement"),
    [
        ("samples_key", "UPDATE samples SET time_ns = time_ns + 1 WHERE seq = 1000"),
        ("samples_key", "DELETE FROM samples WHERE seq = 1000"),
        ("blocks_time", "UPDATE blocks SET first_ns = first_ns - 1 WHERE id = 2"),
        ("blocks_seq", "UPDATE blocks SET last_seq = last_seq + 1 WHERE id = 1"),
        ("events_time", "UPDATE events SET time_ns = 5 WHERE seq = 7"),
    ],
)
def test_a_row_that_its_index_does_not_lead_to_is_found(
    filled: Path, index: str, statement: str, whole: int | None
) -> None:
    assert verify_rows(filled, whole=None) == []
    _behind_the_index(filled, index, statement)
    findings = verify_rows(filled, page=100, whole=whole)
    assert any("structure" in finding and index in finding for finding in findings), findings
