"""Cut at every byte of the tail, one flipped byte in every page: the start succeeds, and what is gone is told."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
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
SYNC_FREE = Path("/dev/shm")  # noqa: S108 - what a sync costs is not what is tried here


def _item(n: int) -> Any:
    if n % 6 == 5:
        flags = (Flag("co_ppm", Reason.SENTINEL, 9999.0),)
        return FLUE.sample(T0 + n, {"o2_pct": n / 8}, flags=flags, raw=b"\x02O2 %d\x03" % n)
    return METER.sample(T0 + n, {"power_w": float(n), "energy_import_kwh": n / 3, "frequency_hz": 50.0})


def _fill(journal: Journal) -> None:
    journal.layout(METER)
    journal.layout(FLUE)
    journal.set_facts("meter-1", {"asset": "boiler1", "serial_number": "17110042"})
    for first in range(0, ROWS, 6):
        event = Event(T0 + first, EventKind.NOTE, f"note {first}", "bus", "meter-1", data={"n": first})
        letter = DeadLetter(T0 + first, "mqtt", "a/b", b"{%d" % first, "not JSON")
        rows = [("bus", _item(n)) for n in range(first, first + 6)]
        journal.commit([*rows, ("bus", event), ("mqtt", letter)])
        journal.mark("influx", range(1, first // 2 + 2), "delivered")
        journal.set_cursor("influx/events", first)
    journal.commit([("bus", METER.sample(T0 + 1, {"power_w": 1e6}))])  # a conflict is kept, seq ROWS + 1


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SYNC_FREE if SYNC_FREE.is_dir() else None) as made:
        yield Path(made)


def _originals(base: Path, page_size: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The same journal killed with its last commits in the WAL, and closed."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "create", _of_page_size(page_size))
        journal = Journal.open(base / "live" / "j.db")
        _fill(journal)
        shutil.copytree(base / "live", base / "wal")
        journal.close()
        shutil.copytree(base / "live", base / "closed")
    return {"wal": base / "wal", "closed": base / "closed"}


def _of_page_size(size: int) -> Any:
    def create(path: Path) -> None:
        if not path.exists():
            db = sqlite3.connect(path, isolation_level=None)
            db.execute(f"PRAGMA page_size = {size}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            schema._write_tables(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.close()

    return create


def _state(journal: Journal) -> dict[str, Any]:
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
    """One damaged copy: opens it and holds what must be true of any damage."""

    def __init__(self, folder: Path, original: Path) -> None:
        self.original = original
        self.base = folder / "case"
        with Journal.open(_copied(original, self.base)) as journal:
            self.whole = _state(journal)
        self.cases = 0
        self.told = 0
        self.most_lost = 0

    def path(self) -> Path:
        return _copied(self.original, self.base)

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
                assert told or _state(journal) == self.whole, f"{what}: it changed and nobody says so"
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


def _copied(original: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(original, target)
    return target / "j.db"


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
    original = _originals(folder, 512, monkeypatch)["wal"]
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
    original = _originals(folder, 512, monkeypatch)["closed"]
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
    original = _originals(folder, 4096, monkeypatch)[which]
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
    original = _originals(folder, 4096, monkeypatch)["closed"]
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
    original = _originals(folder, 4096, monkeypatch)[which]
    case = Case(folder, original)
    name, page, head = ("j.db", 4096, 0) if which == "closed" else ("j.db-wal", 4120, 32)
    size = (original / name).stat().st_size
    _cut(case, name, range(size - 2 * page, size))
    spread = random.Random(7)
    _flip(case, name, page, head, [*range(32), *(spread.randrange(page) for _ in range(32))], (0xFF, 0x01))
    assert case.most_lost <= 1, case.most_lost


def test_two_damages_at_once_are_both_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = _originals(folder, 4096, monkeypatch)["closed"]
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
