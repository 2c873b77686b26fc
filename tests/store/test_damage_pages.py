"""Whole pages gone bad, as cards and disks make them: zeroed, garbage, in another's place, half written; and version 1."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damaged_journals import METER, ROWS, T0, Case, fill, originals

from dodac.contracts import DeadLetter, Event, EventKind
from store import Journal, _sums
from store._verify import verify_rows
from store.versions import go_back

PAGE = 4096
SYNC_FREE = Path("/dev/shm")  # noqa: S108 - what a sync costs is not what is tried here

Act = Callable[[bytearray, int, random.Random], None]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SYNC_FREE if SYNC_FREE.is_dir() else None) as made:
        yield Path(made)


def _put(data: bytearray, page: int, content: bytes) -> None:
    data[page * PAGE : page * PAGE + len(content)] = content


def _zero(data: bytearray, page: int, _: random.Random) -> None:
    _put(data, page, bytes(PAGE))


def _garbage(data: bytearray, page: int, chance: random.Random) -> None:
    _put(data, page, chance.randbytes(PAGE))


def _half(data: bytearray, page: int, _: random.Random) -> None:
    _put(data, page, bytes(data[page * PAGE : page * PAGE + PAGE // 2]) + b"\xff" * (PAGE // 2))


def _swap(data: bytearray, page: int, chance: random.Random) -> None:
    other = chance.randrange(len(data) // PAGE)
    one, two = (bytes(data[n * PAGE : (n + 1) * PAGE]) for n in (page, other))
    _put(data, page, two)
    _put(data, other, one)


def _taken_out(data: bytearray, page: int, _: random.Random) -> None:
    del data[page * PAGE : (page + 1) * PAGE]


ACTS: dict[str, tuple[Act, str]] = {
    "zero": (_zero, "each page of the journal zeroed in turn, as worn SD cards give them"),
    "garbage": (_garbage, "each page of the journal filled with garbage in turn"),
    "half": (_half, "the second half of each page of the journal lost in turn"),
    "swap": (_swap, "each page of the journal changed places with another (misdirected writes)"),
    "taken out": (_taken_out, "each page of the journal taken out in turn, the rest moved up"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_page_gone_bad_is_told_and_the_rows_of_the_other_pages_are_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, act: str, fault_row: Any
) -> None:
    do, fault = ACTS[act]
    original = originals(folder, PAGE, monkeypatch)["closed"]
    case, chance = Case(folder, original), random.Random(3)
    for page in range((original / "j.db").stat().st_size // PAGE):
        path = case.path()
        data = bytearray(path.read_bytes())
        do(data, page, chance)
        path.write_bytes(data)
        case.check(path, f"page {page + 1}: {act}")
    fault_row(
        f"damage: {fault}",
        "set aside; every row that stands whole on another page is saved (all these rows stood on one)",
        case.most_lost,
        "DAMAGE event with count and seq, GAP with the times around",
        chapter="disk",
    )


def _first_version(folder: Path) -> Path:
    """The same journal as version 1 had it, with its mark."""
    with Journal.open(folder / "one" / "j.db") as journal:
        fill(journal)
    go_back(folder / "one" / "j.db")
    shutil.rmtree(folder / "original", ignore_errors=True)
    (folder / "original").mkdir()
    for name in ("j.db", "j.db-mark"):
        shutil.copy(folder / "one" / name, folder / "original" / name)
    return folder / "original"


def test_a_flipped_byte_in_a_journal_of_version_1_never_stops_the_upgrade_nor_changes_a_row(
    folder: Path, fault_row: Any
) -> None:
    # its small tables have no check sums: a layout's id and what a column may hold stand for them
    case = Case(folder, _first_version(folder), sums=False)
    size = (case.original / "j.db").stat().st_size
    chance = random.Random(9)
    for begin in range(0, size, PAGE):
        for place in (0, 4, 4000, PAGE - 1, PAGE - 12, chance.randrange(PAGE)):
            path = case.path()
            data = bytearray(path.read_bytes())
            data[begin + place] ^= chance.choice((0xFF, 1, 0x80))
            path.write_bytes(data)
            case.check(path, f"byte {begin + place}")
    assert case.most_lost <= ROWS - ROWS // 6 + 1, "more than the samples of one instrument"
    fault_row(
        "damage: flipped bytes in each page of a journal of version 1, met at the upgrade",
        "samples by their sums, layouts by their ids (one wrong byte of a name is put right), "
        "other rows where they can't be what was written; the head of a layout's row takes that instrument's samples",
        case.most_lost,
        "DAMAGE event; a changed letter in the text of an old event or of a count's source is not noticed",
        chapter="keeping",
    )


def test_rows_without_a_sum_are_held_against_what_they_may_be(folder: Path) -> None:
    # a page of layouts in the place of the page of dead letters was read as letters, of version 1
    assert _sums.is_sound("dead_letters", (1, "mqtt", "a/b", b"{", "not JSON", None, None))
    assert not _sums.is_sound("dead_letters", (1753401, "1", '["power_w"]', "meter-1", "28", None, None))
    assert not _sums.is_sound("events", (1, None, "no kind", "a", "b", None, "{}", None))
    assert not _sums.is_sound("events", (1, None, "note", "a", "b", None, "{", None))


@pytest.mark.parametrize("table", ["events", "dead_letters"])
def test_last_events_or_letters_that_an_old_page_hides_are_told(folder: Path, table: str) -> None:
    # a write that the disk never did: the page is sound, and older than the rest
    path = folder / "j.db"
    with Journal.open(path) as journal:
        fill(journal)
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        db.execute(f"DELETE FROM {table} WHERE seq > 3")  # noqa: S608 - our own names
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    older = path.read_bytes()[(root - 1) * PAGE : root * PAGE]
    assert data[(root - 1) * PAGE : root * PAGE] != older
    data[(root - 1) * PAGE : root * PAGE] = older
    path.write_bytes(data)
    assert f"{table}: the last rows are missing" in verify_rows(path)
    with Journal.open(path) as journal:
        assert journal.counts().samples == ROWS + 1
        (told,) = (event for _, event in journal.events_after(0, 1000) if event.kind is EventKind.DAMAGE)
        assert table in str(told.data["incomplete"])
        assert journal.verify() == []


@pytest.mark.parametrize("kind", ["event", "letter"])
def test_events_and_letters_that_went_with_the_end_of_the_wal_are_told(folder: Path, kind: str) -> None:
    # the mark knew the last sample only: an acknowledged message that was no sample went in silence
    with Journal.open(folder / "live" / "j.db") as journal:
        fill(journal)
        journal.checkpoint()
        shutil.copytree(folder / "live", folder / "case")
        other = (
            Event(T0, EventKind.NOTE, "a", "bus") if kind == "event" else DeadLetter(T0, "m", "t", b"", "r")
        )
        journal.commit([("bus", other)])
        shutil.copy(folder / "live" / "j.db-mark", folder / "case" / "j.db-mark")
    for told in (1, 1):  # once
        with Journal.open(folder / "case" / "j.db") as journal:
            found = [event for _, event in journal.events_after(0, 1000) if event.kind is EventKind.DAMAGE]
            assert len(found) == told
            assert {"event": "events", "letter": "dead_letters"}[kind] in str(found[0].data["incomplete"])
            assert journal.counts().lost == 0
            assert journal.verify() == []


def test_a_layout_whose_name_is_gone_from_a_sound_page_is_rebuilt_and_can_be_told_again(folder: Path) -> None:
    # the row of the layout stood in the way: nothing of that instrument could be stored any more
    path = folder / "j.db"
    with Journal.open(path) as journal:
        fill(journal)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM names")
        db.execute("DELETE FROM layouts_spare")
        db.commit()
    assert "layouts: a layout or its instrument's name is not what was written" in verify_rows(path)
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit([("bus", METER.sample(T0 + 10**6, {"power_w": 1.0}))])
        assert journal.counts().lost == ROWS + 1
        assert journal.verify() == []


def test_a_tree_that_leads_in_a_circle_ends_the_full_check(folder: Path) -> None:
    # an inner page that names one child twice gave the same rows for ever
    path = folder / "j.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        for first in range(0, 3000, 500):
            journal.commit(
                [("bus", METER.sample(T0 + n, {"power_w": 1.0})) for n in range(first, first + 500)]
            )
        root = journal._db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'samples'").fetchone()[0]
    data = bytearray(path.read_bytes())
    begin = (root - 1) * PAGE
    assert data[begin] == 5, "an inner page"
    cells = int.from_bytes(data[begin + 3 : begin + 5], "big")
    places = [int.from_bytes(data[begin + 12 + 2 * n : begin + 14 + 2 * n], "big") for n in range(cells)]
    first_child = bytes(data[begin + places[0] : begin + places[0] + 4])
    data[begin + 8 : begin + 12] = first_child  # the last child is the first again
    path.write_bytes(data)
    found: list[int] = []
    said = verify_rows(path, page=100, pause=lambda seen: bool(found.append(seen)) or len(found) < 2000)
    assert len(found) < 1000, "it never came to an end"
    assert said
    with Journal.open(path) as journal:
        journal.verify()
        journal.set_cursor("x", 1)
        assert journal.verify() == []
        assert journal.counts().samples + journal.counts().lost == 3000
