"""Cut at every byte of the tail, one flipped byte in every page: the start succeeds, and what is gone is told."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from damaged_journals import ROWS, T0, Case, originals

from store import Journal

SYNC_FREE = Path("/dev/shm")  # noqa: S108 - what a sync costs is not what is tried here


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SYNC_FREE if SYNC_FREE.is_dir() else None) as made:
        yield Path(made)


def _cut(case: Case, name: str, lengths: range) -> None:
    for length in lengths:
        path = case.path()
        os.truncate(path.with_name(name), length)
        case.check(path, f"{name} cut at {length}", wholly=length % 16 == 0)


def _flip(case: Case, name: str, page: int, head: int, places: list[int], values: tuple[int, ...]) -> None:
    size = (case.original / name).stat().st_size
    for begin in range(head, size, page):
        for place in places:
            for value in values:
                at = begin + place % page
                path = case.path()
                with path.with_name(name).open("r+b") as file:
                    file.seek(at)
                    (byte,) = file.read(1)
                    file.seek(at)
                    file.write(bytes([byte ^ value]))
                case.check(path, f"{name} byte {at} ^ {value}")


def test_a_wal_cut_at_every_byte_of_its_tail_starts_with_the_rows_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    original = originals(folder, 512, monkeypatch)["wal"]
    case = Case(folder, original)
    size = (original / "j.db-wal").stat().st_size
    _cut(case, "j.db-wal", range(size - 540, size))
    fault_row(
        "damage: the WAL is cut at every byte of its last page",
        "starts with every row before the cut, and those that stand whole behind it",
        case.most_lost,
        "DAMAGE event with count and seq, GAP with the times around",
        chapter="disk",
    )


def test_a_file_cut_at_every_byte_of_its_tail_starts_with_the_rows_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    original = originals(folder, 512, monkeypatch)["closed"]
    case = Case(folder, original)
    size = (original / "j.db").stat().st_size
    _cut(case, "j.db", range(size - 520, size))
    assert case.told == case.cases
    fault_row(
        "damage: the closed file is cut at every byte of its last page",
        "set aside, every whole row is saved page by page",
        case.most_lost,
        "DAMAGE event with count and seq, GAP with the times around",
        chapter="disk",
    )


@pytest.mark.parametrize("which", ["closed", "wal"])
def test_one_flipped_byte_in_each_page_loses_at_most_its_row_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, which: str, fault_row: Any
) -> None:
    original = originals(folder, 4096, monkeypatch)[which]
    case = Case(folder, original)
    spread = random.Random(5)
    if which == "closed":
        _flip(case, "j.db", 4096, 0, [0, 3, 4, 6, 9, 18, 4095, 4000, spread.randrange(4096)], (0xFF,))
    else:
        _flip(case, "j.db-wal", 4120, 32, [5, 24 + 3, 24 + spread.randrange(4096)], (0xFF,))
        _flip(case, "j.db-wal", 10**9, 0, list(range(32)), (0x01,))
    assert case.most_lost <= 1, case.most_lost
    fault_row(
        f"damage: one flipped byte in each page of the {'file' if which == 'closed' else 'WAL'}",
        "found by row sums, the mark of the last row or SQLite; every other row is saved page by page",
        case.most_lost,
        "DAMAGE event with count and seq, GAP with the times around",
        chapter="disk",
    )


def test_a_flipped_byte_in_packed_history_loses_at_most_its_block_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    original = originals(folder, 4096, monkeypatch)["closed"]
    with Journal.open(original / "j.db") as journal:
        while journal.pack(T0 + 2 * ROWS, whole=False, limit=20):
            pass
        sizes = [count for (count,) in journal._read("SELECT count FROM blocks")]
        assert sizes
        assert journal.verify() == []
    case = Case(folder, original)
    _flip(case, "j.db", 4096, 0, [0, 4, 9, 300, 4000, 4090], (0xFF,))
    assert case.most_lost <= max(sizes)
    fault_row(
        "damage: flipped bytes in each page of a journal whose history is packed",
        "a block that does not match its sum is gone, every other block and row is saved",
        case.most_lost,
        "DAMAGE event with count and seq, GAP with the times around",
        chapter="disk",
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", ["closed", "wal"])
def test_every_byte_of_the_tail_and_sixty_bytes_of_every_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    original = originals(folder, 4096, monkeypatch)[which]
    case = Case(folder, original)
    name, page, head = ("j.db", 4096, 0) if which == "closed" else ("j.db-wal", 4120, 32)
    size = (original / name).stat().st_size
    _cut(case, name, range(size - 2 * page, size))
    spread = random.Random(7)
    _flip(case, name, page, head, [*range(32), *(spread.randrange(page) for _ in range(32))], (0xFF, 0x01))
    assert case.most_lost <= 1, case.most_lost


def test_two_damages_at_once_are_both_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = originals(folder, 4096, monkeypatch)["closed"]
    case = Case(folder, original)
    spread = random.Random(11)
    size = (original / "j.db").stat().st_size
    for number in range(60):
        path = case.path()
        data = bytearray(path.read_bytes())
        for _ in range(2):
            data[spread.randrange(size)] ^= 1 << spread.randrange(8)
        path.write_bytes(bytes(data))
        if number % 3 == 0:
            path.with_name("j.db-mark").write_bytes(b"no mark")
        if number % 3 == 1:
            path.with_name("j.db-mark").unlink()
        if number % 2:
            path.with_name("j.db-shm").write_bytes(spread.randbytes(32768))
            path.with_name("j.db-lock").unlink()
        case.check(path, f"case {number}")
    assert case.most_lost <= 2
