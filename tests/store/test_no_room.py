"""No room in the middle of packing, a rebuild, a backup, an upgrade …: told, nothing lost, and the same again goes on."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from damaged_journals import METER, T0

from dodac.errors import DodacError, StorageError
from store import Journal, Keeper, Limits
from store.keeping import backup, restore, rewrite
from store.versions import go_back

SYNC_FREE = Path("/dev/shm")  # noqa: S108 - what a sync costs is not what is tried here
ROWS = 1200
STEPS = 8


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SYNC_FREE if SYNC_FREE.is_dir() else None) as made:
        yield Path(made)


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _pack(path: Path) -> None:
    with Journal.open(path) as journal:
        while journal.pack(T0 + 2 * ROWS, limit=200, whole=False):
            pass


def _open(path: Path) -> None:
    Journal.open(path).close()


def _drop(path: Path) -> None:
    with Journal.open(path) as journal:
        Keeper(journal, Limits(max_age_ns=1), []).by_age(T0 + ROWS // 2)


ACTS: dict[str, Callable[[Path], object]] = {
    "packing": _pack,
    "a rebuild of a damaged journal": _open,
    "a backup": lambda path: backup(path, path.with_name("copy.db"), force=True),
    "an upgrade": _open,
    "going one version back": go_back,
    "a restore": lambda path: restore(path, path.with_name("b.db")),
    "writing anew": lambda path: rewrite(path, lambda _: None),
    "dropping by age": _drop,
}


def _original(folder: Path, act: str) -> Path:
    path = folder / "original" / "j.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        for first in range(0, ROWS, 200):
            journal.commit(
                [("bus", METER.sample(T0 + n, {"power_w": float(n)})) for n in range(first, first + 200)]
            )
        if act == "going one version back":
            journal.pack(T0 + ROWS // 2, whole=False)
    backup(path, path.with_name("b.db"))
    if act == "an upgrade":
        go_back(path)
        path.with_name("j.db.version-2").unlink()
    if act.startswith("a rebuild"):
        with closing(sqlite3.connect(path)) as db:
            root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'samples_key'").fetchone()[0]
        data = bytearray(path.read_bytes())
        data[4096 * (root - 1) : 4096 * root] = bytes(4096)
        path.write_bytes(data)
    return path.parent


def _attempt(do: Callable[[Path], object], path: Path) -> DodacError | None:
    try:
        do(path)
    except DodacError as error:
        return error
    return None


@pytest.mark.parametrize("act", ACTS)
def test_no_room_in_the_middle_is_told_and_the_same_again_goes_on(
    folder: Path, act: str, fault_row: Any
) -> None:
    original, do = _original(folder, act), ACTS[act]
    largest = max(file.stat().st_size for file in original.iterdir())
    told, missing = 0, 0
    for step in range(STEPS):
        case = folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        shutil.copytree(original, case)
        path = case / "j.db"
        with _files_of_at_most(1024 + largest * step * 3 // (2 * STEPS)):
            error = _attempt(do, path)
        if error is not None:
            told += 1
            assert isinstance(error, StorageError), error
            assert error.todo, error
            do(path)
        missing = max(missing, _look(path))
        assert not list(case.glob("*-rebuilt*")), "half a file is left"
        assert not list(case.glob(".*part*")), "half a copy is left"
    assert told
    fault_row(
        f"no room for a file in the middle of {act}",
        "told with what to do; the journal stays or is finished at the next try",
        missing,
        chapter="keeping",
    )


def _look(path: Path) -> int:
    """Opens it with room again; gives how many samples are gone, those apart that were dropped."""
    with Journal.open(path) as journal:
        counts = journal.counts()
        assert counts.lost == 0
        assert journal.verify() == []
        rows = journal.read_after(0, 2 * ROWS)
        assert all(sample.values[0] == sample.time_ns - T0 for _, sample in rows)
        return ROWS - len(rows) - counts.dropped
