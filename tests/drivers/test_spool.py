"""Entries on their way: whole and on disk once told, whatever is killed; damage never blocks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drivers import _spool
from drivers._photos import MAX_PHOTO, Photos
from drivers._spool import Spool, write_durably

_WRITER = """
import sys
from pathlib import Path
from drivers._spool import Spool
spool = Spool(Path(sys.argv[1]))
for number in range(100_000):
    spool.put("gauge", f"{number:08d}", b"entry %d " % number * 40)
    print(number, flush=True)
"""


def test_what_was_acknowledged_is_whole_after_a_kill(tmp_path: Path) -> None:
    for round_ in range(3):
        folder = tmp_path / str(round_)
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(5 + 7 * round_)]
            os.kill(writer.pid, signal.SIGKILL)
            told += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
        waiting = list(Spool(folder).waiting())
        assert all(not item.fault for item in waiting)
        kept = {int(item.path.name.split(".")[1]) for item in waiting}
        assert set(told) <= kept
        assert len(kept) - len(told) in (0, 1)  # the one on disk that nobody was told of


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_fault_on_the_way_to_disk_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path)
    spool.put("gauge", "earlier1", b"one")
    if step == "fsync":
        monkeypatch.setattr(_spool.os, "fsync", fails)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", fails)
    else:
        monkeypatch.setattr(_spool.os, "fdopen", fails)
    with pytest.raises(OSError, match="No space"):
        spool.put("gauge", "second22", b"two")
    monkeypatch.undo()
    assert [item.raw for item in spool.waiting()] == [b"one"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1] and data[:20],
        lambda data: b"",
        lambda data: b"\0" * len(data),
        lambda data: data.replace(b"7", b"8", 1),
        lambda data: data * 3000,
    ],
    ids=["torn", "empty", "zeros", "changed", "huge"],
)
def test_a_damaged_file_is_told_and_can_be_set_aside(tmp_path: Path, spoil: object) -> None:
    spool = Spool(tmp_path)
    path = spool.put("gauge", "abcdef01", b'{"value": 7}')
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    spool.put("gauge", "abcdef02", b"good")
    first, second = spool.waiting()
    assert "damaged" in first.fault
    assert not second.fault
    spool.set_aside(first.path, first.fault)
    assert [item.raw for item in spool.waiting()] == [b"good"]
    assert spool.refused("gauge") == [("abcdef01", first.fault)]
    assert (tmp_path / "refused" / path.name).exists()


def test_entries_of_an_instrument_are_not_those_of_one_whose_name_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for instrument in ("gauge", "gauge.two"):
        spool.set_aside(spool.put(instrument, "abcdef01", b"x"), f"of {instrument}")
    assert spool.refused("gauge") == [("abcdef01", "of gauge")]
    assert spool.refused("gauge.two") == [("abcdef01", "of gauge.two")]


def test_other_files_in_the_spool_are_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "none-yet")
    assert list(spool.waiting()) == []
    spool.put("gauge", "abcdef01", b"x")
    (spool.folder / ".gauge.abcdef02.json.7-ff").write_bytes(b"half")
    (spool.folder / "readme.txt").write_text("mine")
    (spool.folder / "folder.json").mkdir()
    assert [item.raw for item in spool.waiting()] == [b"x"]
    spool.remove(spool.folder / "gone.json")


def test_nobody_else_may_read_an_entry(tmp_path: Path) -> None:
    path = Spool(tmp_path).put("gauge", "abcdef01", b"x")
    assert path.stat().st_mode & 0o007 == 0
    write_durably(tmp_path / "x", b"")
    assert (tmp_path / "x").stat().st_mode & 0o117 == 0


JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_a_photo_is_kept_once_under_its_digest(tmp_path: Path, data: bytes, kind: str) -> None:
    photos = Photos(tmp_path)
    photo = photos.keep(data)
    assert (photo.kind, photo.size) == (kind, len(data))
    assert photos.keep(data) == photo == photos.find(photo.sha256)
    (path,) = tmp_path.iterdir()
    assert path.stem == photo.sha256
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o117 == 0


@pytest.mark.parametrize(
    "data", [b"", b"<svg onload=alert(1)>", b"GIF89a", b"#!/bin/sh", b"RIFF\x10\0\0\0WAVE", b"\xff\xd9" * 9]
)
def test_what_is_no_picture_is_not_kept(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match="kind"):
        Photos(tmp_path).keep(data)
    with pytest.raises(ValueError, match="size"):
        Photos(tmp_path).keep(JPEG + bytes(MAX_PHOTO))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 64, "AB" * 32, "g" * 64])
def test_a_photos_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    assert Photos(tmp_path).find(name) is None


def test_what_a_kill_left_half_written_does_not_fill_the_disk(tmp_path: Path) -> None:
    """Killed a hundred times, a box had four such files; photos are up to 8 MB each."""
    spool, photos = Spool(tmp_path / "s"), Photos(tmp_path / "p")
    for folder in (spool.folder, photos.folder):
        folder.mkdir()
        for name, age_s in (
            (".kit.abcdef01.json.123-0a1b2c3d", 7200),
            (".new.json.12-0a1b2c3d", 10),
            (".git", 7200),
        ):
            (folder / name).write_bytes(b"half")
            os.utime(folder / name, (time.time() - age_s,) * 2)
    spool.put("kit", "abcdef02", b"{}")
    photos.keep(b"\xff\xd8\xff" + bytes(9))
    for folder in (spool.folder, photos.folder):
        assert sorted(p.name for p in folder.iterdir() if p.name[0] == ".") == [
            ".git",
            ".new.json.12-0a1b2c3d",
        ]
