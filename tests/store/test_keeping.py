"""A copy of a journal is on the disk before it has its name, and links lead where they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dodac.errors import StorageError
from dodac.samples import Layout
from store import Journal, JournalStore, keeping, versions

T0 = 1_790_000_000_000_000_000
METER = Layout("meter", ("power_w",))


def _put(path: Path, first: int, last: int) -> None:
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit(
            [("bus", METER.sample(T0 + n * 10**10, {"power_w": float(n)})) for n in range(first, last)]
        )


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What goes to the disk for good, in order: a sync with the bytes there, or a name that is taken."""
    seen: list[tuple[str, str, int]] = []
    fsync, replace = os.fsync, Path.replace

    def note(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").readlink()
        fsync(fd)
        seen.append(("sync", path.name if path.is_file() else str(path), path.stat().st_size))

    def take(self: Path, target: Path) -> Path:
        seen.append(("name", target.name, self.stat().st_size))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "replace", take)
    return seen


@pytest.mark.parametrize("what", ["backup", "restore", "rewrite", "downgrade", "upgrade"])
def test_a_copy_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_is_told(
    tmp_path: Path, steps: list[tuple[str, str, int]], what: str
) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    _put(path, 0, 500)
    keeping.backup(path, copy)
    if what in ("downgrade", "upgrade"):
        copy.unlink()
    if what == "upgrade":
        versions.go_back(path, tmp_path / "before.db")
    steps.clear()
    do: dict[str, Any] = {
        "backup": lambda: keeping.backup(path, copy, force=True),
        "restore": lambda: keeping.restore(path, copy),
        "rewrite": lambda: keeping.rewrite(path, lambda _: None),
        "downgrade": lambda: versions.go_back(path, copy),
        "upgrade": lambda: versions.come_forward(path, copy),
    }
    do[what]()
    name = path.name if what in ("restore", "rewrite") else copy.name
    taken = max(place for place, (kind, which, _) in enumerate(steps) if (kind, which) == ("name", name))
    size = steps[taken][2]
    assert size > 20_000
    assert any(kind == "sync" and bytes_ == size for kind, _, bytes_ in steps[:taken])
    assert any(kind == "sync" and which == str(tmp_path) for kind, which, _ in steps[taken:])


def test_a_journal_behind_a_link_keeps_its_files_beside_itself(tmp_path: Path) -> None:
    disk = tmp_path / "ssd"
    disk.mkdir()
    link, usb, copy = tmp_path / "journal.db", tmp_path / "to-usb.db", tmp_path / "ssd" / "copy.db"
    link.symlink_to(disk / "journal.db")
    usb.symlink_to(copy)
    _put(link, 0, 300)
    with Journal.open(link), pytest.raises(StorageError, match="another dodac process"):
        Journal.open(disk / "journal.db")  # one writer, by whatever name
    keeping.backup(link, usb)
    keeping.backup(link, usb, force=True)
    _put(link, 300, 600)
    keeping.restore(link, usb)
    keeping.rewrite(link, lambda _: None)
    versions.go_back(link)
    versions.come_forward(link)
    assert link.is_symlink()
    assert usb.is_symlink()
    assert {entry.name for entry in tmp_path.iterdir()} == {"journal.db", "to-usb.db", "ssd"}
    with JournalStore(link) as store:
        assert len(store.read_after(0, 1000)) == 300
    assert keeping.standing_of(link).on_disk > 20_000


def test_two_restores_within_a_second_keep_both_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    _put(path, 0, 10)
    keeping.backup(path, copy)
    monkeypatch.setattr(keeping, "stamp", lambda: "now")
    kept = {keeping.restore(path, copy) for _ in range(3)}
    assert len(kept) == 3
    assert all(one is not None and one.exists() for one in kept)


def test_a_copy_that_was_killed_takes_no_room_for_ever(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    _put(path, 0, 2000)
    kill = (
        "import os, sys; from pathlib import Path; from store import keeping; "
        "keeping.backup(Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda *_: os._exit(9))"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", kill, path, copy], check=False)
        assert done.returncode == 9
        assert len(list(tmp_path.glob(".copy.db.part-*"))) == 1  # of the last one only
    assert not copy.exists()
    going, old = tmp_path / f".copy.db.part-{os.getppid()}", tmp_path / ".copy.db.part-1"
    going.touch()  # its process lives
    old.touch()
    os.utime(old, (1, 1))  # another program has its number by now
    keeping.backup(path, copy)
    assert list(tmp_path.glob(".*")) == [going]
