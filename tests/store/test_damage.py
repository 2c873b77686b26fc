"""A damaged or cut journal still starts, keeps what can be read, and says what is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import EventKind
from dodac.errors import IntegrityError, StorageError
from dodac.samples import Layout
from store import Journal, JournalStore
from store._faults import storage_error

T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
ROWS = 600


def _sample(n: int) -> object:
    return METER.sample(T0 + n, {"power_w": float(n), "energy_import_kwh": n / 3, "frequency_hz": 50.0})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A journal killed with everything in its WAL, and one closed with everything in the file."""
    base = tmp_path_factory.mktemp("originals")
    journal = Journal.open(base / "live" / "journal.db")
    journal.layout(METER)
    for first in range(0, ROWS, 20):
        journal.commit([("bus", _sample(n)) for n in range(first, first + 20)])
    shutil.copytree(base / "live", base / "wal")
    journal.close()
    shutil.copytree(base / "live", base / "closed")
    return {"wal": base / "wal", "closed": base / "closed"}


def _copy(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "case", dirs_exist_ok=True)
    return tmp_path / "case" / "journal.db"


def _open_and_check(path: Path) -> tuple[int, int]:
    """Rows kept and rows told lost, after checking that each kept one is what was written."""
    with Journal.open(path) as journal:
        rows = journal.read_after(0, 2 * ROWS)
        for seq, sample in rows:
            assert sample.canonical() == _sample(seq - 1).canonical()  # type: ignore[attr-defined]
        damage = [event for _, event in journal.events_after(0, 10) if event.kind is EventKind.DAMAGE]
        lost = sum(int(event.data["lost"]) for event in damage)
        assert journal.counts().lost == lost
        # the journal goes on, and no seq is ever used twice
        journal.layout(METER)
        journal.commit([("bus", METER.sample(T0 + 10 * ROWS, {"power_w": 1.0}))])
        assert journal.last_seq() == ROWS + 1
        assert journal.verify() == []
        assert sum(vars_of(journal)) == journal.counts().samples
    with Journal.open(path) as journal:  # told once
        again = [event for _, event in journal.events_after(0, 10) if event.kind is EventKind.DAMAGE]
        assert len(again) == len(damage)
    return len(rows), lost


def vars_of(journal: Journal) -> tuple[int, int, int, int]:
    counts = journal.sink_counts("influx")
    return counts.delivered, counts.rejected, counts.expired, counts.waiting


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.333, 0.5, 0.77, 0.9, 0.99, 0.999, 1.0])
def test_a_wal_cut_anywhere_starts_with_the_earlier_rows_and_tells_the_rest(
    folders: dict[str, Path], tmp_path: Path, share: float
) -> None:
    path = _copy(folders["wal"], tmp_path)
    wal = path.with_name("journal.db-wal")
    os.truncate(wal, int(wal.stat().st_size * share))
    kept, lost = _open_and_check(path)
    assert kept + lost == ROWS
    assert kept >= int(ROWS * share) - 40 or share <= 0.1
    assert (lost == 0) == (share == 1.0)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.83, 0.95, 0.999, 1.0])
def test_a_file_cut_anywhere_starts_with_what_can_be_read_and_tells_the_rest(
    folders: dict[str, Path], tmp_path: Path, share: float
) -> None:
    path = _copy(folders["closed"], tmp_path)
    os.truncate(path, int(path.stat().st_size * share))
    kept, lost = _open_and_check(path)
    assert kept + lost == ROWS
    assert (lost == 0) == (share == 1.0)
    if 0 < share < 1:
        assert len(list(path.parent.glob("journal.db.damaged-*Z"))) == 1


@pytest.mark.parametrize("offset", [0, 100, 5000, 20_000, 40_000, 60_000, -2000])
def test_bytes_overwritten_anywhere_never_stop_the_start(
    folders: dict[str, Path], tmp_path: Path, offset: int
) -> None:
    path = _copy(folders["closed"], tmp_path)
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        file.write(b"\xa5" * 600)
    with Journal.open(path) as journal:
        for seq, sample in journal.read_after(0, 2 * ROWS):
            assert sample.canonical() == _sample(seq - 1).canonical()  # type: ignore[attr-defined]
        damaged = [event for _, event in journal.events_after(0, 10) if event.kind is EventKind.DAMAGE]
        found = journal.verify()
        assert found or damaged or journal.counts().samples == ROWS


def test_damage_met_while_writing_is_repaired_by_the_next_start(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    path = _copy(folders["closed"], tmp_path)
    with Journal.open(path) as journal:
        page, size = journal._db.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master "
            "WHERE name = 'tallies'"
        ).fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(bytes(data))
    assert _open_and_check(path) == (ROWS, 0)


def test_one_changed_value_is_found_by_its_check_sum(folders: dict[str, Path], tmp_path: Path) -> None:
    path = _copy(folders["closed"], tmp_path)
    data = bytearray(path.read_bytes())
    place = data.rfind(_sample(599).canonical()[36:60])  # type: ignore[attr-defined]
    assert place > 0
    data[place] ^= 1
    path.write_bytes(bytes(data))
    kept, lost = _open_and_check(path)
    assert (kept, lost) == (ROWS - 1, 1)


def test_a_journal_whose_file_is_gone_says_how_much_it_had(folders: dict[str, Path], tmp_path: Path) -> None:
    path = _copy(folders["closed"], tmp_path)
    path.unlink()
    assert _open_and_check(path) == (0, ROWS)


@pytest.mark.parametrize(
    ("tables", "left"),
    [
        (["layouts"], ROWS),
        (["names"], ROWS),
        (["names", "layouts"], ROWS),
        (["layouts_spare"], ROWS),
        (["layouts", "layouts_spare"], 0),
        (["names", "layouts_spare"], 0),
    ],
)
def test_layouts_stand_twice_and_rows_whose_layout_is_gone_are_never_read_by_another(
    folders: dict[str, Path], tmp_path: Path, tables: list[str], left: int
) -> None:
    path = _copy(folders["closed"], tmp_path)
    data = bytearray(path.read_bytes())
    for table in tables:
        page, size = _root(folders["closed"] / "journal.db", table)
        data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(bytes(data))
    assert _open_and_check(path) == (left, ROWS - left)


def _root(path: Path, table: str) -> tuple[int, int]:
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    found = db.execute(
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = ?",
        (table,),
    ).fetchone()
    db.close()
    return int(found[0]), int(found[1])


def test_a_row_that_changed_on_the_disk_is_not_given_out_as_a_sample(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    path = _copy(folders["closed"], tmp_path)
    data = bytearray(path.read_bytes())
    place = data.rfind(_sample(10).canonical()[36:60])  # type: ignore[attr-defined]
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with Journal.open(path, tail=100) as journal:
        assert journal.verify() == ["samples seq 11: the check sum does not match"]
    store = JournalStore(path)
    with pytest.raises(IntegrityError, match="row 11 "):
        list(store.samples("meter-1", T0, T0 + ROWS))
    store.close()
    assert _open_and_check(path) == (ROWS - 1, 1)


def test_damage_that_the_full_check_finds_is_put_right_by_the_next_commit_without_a_restart(
    folders: dict[str, Path], tmp_path: Path, fault_row: Any
) -> None:
    path = _copy(folders["closed"], tmp_path)
    data = bytearray(path.read_bytes())
    data[data.rfind(_sample(10).canonical()[36:60])] ^= 1  # type: ignore[attr-defined]
    path.write_bytes(bytes(data))
    with Journal.open(path, tail=100) as journal:
        assert journal.verify() == ["samples seq 11: the check sum does not match"]
        journal.commit([("bus", METER.sample(T0 + 10 * ROWS, {"power_w": 1.0}))])
        assert journal.verify() == []
        assert journal.counts().samples == ROWS
        assert journal.counts().lost == 1
        events = [event for _, event in journal.events_after(0, 10)]
        gap = next(event for event in events if event.kind is EventKind.GAP)
        assert (gap.time_ns, gap.end_ns) == (T0 + 9, T0 + 11)
        told = next(event for event in events if event.kind is EventKind.DAMAGE)
    fault_row(
        "an old row of the journal is damaged on the disk while dodac run works",
        "the full check in the background finds it; the file is set aside, rebuilt, and collecting goes on",
        int(told.data["lost"]),
        "DAMAGE event with its seq, GAP with the times around it",
        chapter="disk",
    )


_CHILD = """
import sys
from pathlib import Path
from dodac.samples import Layout
from store import Journal
meter = Layout("meter-1", ("power_w",))
with Journal.open(Path(sys.argv[1])) as journal:
    journal.layout(meter)
    n = journal.last_seq()
    while True:
        journal.commit([("bus", meter.sample(n + k, {"power_w": float(n + k)})) for k in range(7)])
        n += 7
        sys.stdout.write(f"{n}\\n")
        sys.stdout.flush()
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path, fault_row: Any) -> None:
    path = tmp_path / "journal.db"
    missing = 0
    for kills in range(1, 5):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        assert child.stdout is not None
        for _ in range(20 * kills):
            line = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().splitlines()
        child.stdout.close()
        child.wait()
        acked = int(([line.strip()] + [word for word in rest if word])[-1])
        with Journal.open(path) as journal:
            rows = journal.read_after(0, 1_000_000)
            missing += max(0, acked - len(rows))
            assert missing == 0
            assert [sample.time_ns for _, sample in rows] == list(range(len(rows)))
            assert journal.counts().lost == 0
            assert journal.verify() == []
    fault_row(
        "the process that writes the journal is killed (SIGKILL) in a commit",
        "the next start finds every commit that had returned, whole",
        missing,
        chapter="power",
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", ["wal", "closed"])
def test_a_cut_at_any_of_many_bytes_starts(folders: dict[str, Path], tmp_path: Path, which: str) -> None:
    name = "journal.db-wal" if which == "wal" else "journal.db"
    size = (folders[which] / name).stat().st_size
    for number, length in enumerate(range(0, size, 97)):
        path = _copy(folders[which], tmp_path / str(number))
        os.truncate(path.with_name(name), length)
        kept, lost = _open_and_check(path)
        assert kept + lost == ROWS
        shutil.rmtree(tmp_path / str(number))


def test_a_mistyped_journal_name_leaves_the_users_own_file_as_it_is(tmp_path):
    path = tmp_path / "bills.xlsx"
    path.write_bytes(b"PK\x03\x04 a workbook, not a journal")
    with pytest.raises(StorageError, match="not a journal"):
        Journal.open(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bills.xlsx"]
    assert path.read_bytes().startswith(b"PK")


@pytest.mark.parametrize("made", ["register", "other", "other with an id"])
def test_a_database_of_another_program_is_never_set_aside(tmp_path, made):
    # a journal name that met the audit register set it aside as a damaged journal
    path = tmp_path / "data.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE entries (seq INTEGER)")
    if made != "other":
        db.execute("PRAGMA user_version = 1" if made == "register" else "PRAGMA application_id = 7")
    db.commit()
    db.close()
    before = path.read_bytes()
    for opened in (Journal.open, JournalStore, Journal.open):
        with pytest.raises(StorageError, match="another program"):
            opened(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["data.db"]


def test_a_folder_or_a_text_file_is_no_journal_to_read(tmp_path):
    with pytest.raises(StorageError, match="folder"):
        JournalStore(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(StorageError, match="not a journal"):
        JournalStore(tmp_path / "a.csv")


def test_a_rebuilt_journal_is_told_in_one_line(folders, tmp_path, caplog):
    path = _copy(folders["closed"], tmp_path)
    os.truncate(path, 5000)
    Journal.open(path).close()
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert "was damaged" in told[0]


def test_a_right_that_is_missing_is_said_without_an_error_number(tmp_path):
    with pytest.raises(StorageError, match="no permission") as caught, storage_error(tmp_path):
        raise PermissionError(13, "Permission denied", str(tmp_path))
    assert "Errno" not in str(caught.value)
