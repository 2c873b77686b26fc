"""Entries on their way to the journal: one file each, whole and on disk before anybody is told so."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dodac.durable import sync

MAX_ENTRY: Final = 64_000
_PART: Final = re.compile(r"\..+\.\d+-[0-9a-f]{8}")
_LEFT_BEHIND_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of the spool: its entry, or what is wrong with it."""

    path: Path
    raw: bytes
    fault: str = ""


def write_durably(path: Path, data: bytes, mode: int = 0o640) -> None:
    """Writes a file that is there whole or not at all, and is on disk on return.

    Raises OSError; what was begun is taken away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync(path.parent)


def sweep(folder: Path) -> None:
    """Takes away what a process that was killed while it wrote left behind; what can't go, stays."""
    with contextlib.suppress(OSError):
        for item in os.scandir(folder):
            if item.name.startswith(".") and _PART.fullmatch(item.name):
                with contextlib.suppress(OSError):
                    if time.time() - item.stat().st_mtime > _LEFT_BEHIND_S:
                        Path(item.path).unlink()


@dataclass(frozen=True, slots=True)
class SpoolState:
    """How many entries wait, how long the oldest did, and how many were set aside as no entries."""

    waiting: int = 0
    refused: int = 0
    oldest_s: float = 0.0


class Spool:
    """The folder in which entries wait until they are in the journal; several processes may share it.

    A file holds the entry and a line with its SHA-256. It goes only when the journal has the entry
    (remove), or, damaged, into the folder "refused" with a note of the reason (set_aside).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def beside(cls, journal: Path) -> Spool:
        """The spool of a journal: NAME-entries beside it."""
        return cls(journal.with_name(f"{journal.stem}-entries"))

    def path(self, instrument: str, id: str) -> Path:
        """Where an entry waits; ValueError for a name that would lead elsewhere."""
        name = f"{instrument}.{id}.json"
        if "/" in name or "\0" in name or name.startswith("."):
            raise ValueError(f"{name!r} is no name of an entry")
        return self.folder / name

    def hold(self) -> int:
        """Waits until no other process checks an entry; the handle to close when done. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / ".turn", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def put(self, instrument: str, id: str, raw: bytes) -> Path:
        """Keeps an entry; on return it is on disk. The same one again changes nothing.

        Raises OSError when it can't be written.
        """
        path = self.path(instrument, id)
        sweep(self.folder)
        write_durably(path, raw + b"\n" + hashlib.sha256(raw).hexdigest().encode() + b"\n")
        return path

    def waiting(self) -> Iterator[Waiting]:
        """Every entry that waits, by file name; files under way are left out. Raises OSError."""
        for path in self._entries(self.folder):
            # taken by another process since
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                yield self._read(path)

    @staticmethod
    def _read(path: Path) -> Waiting:
        with path.open("rb") as file:
            data = file.read(MAX_ENTRY + 200)
        raw, _, end = data.removesuffix(b"\n").rpartition(b"\n")
        if hashlib.sha256(raw).hexdigest().encode() != end:
            return Waiting(path, data, "the file is damaged: its check sum does not fit")
        return Waiting(path, raw)

    def remove(self, path: Path) -> None:
        """Takes an entry out that the journal has; not synced, for twice in the journal is once."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()

    def set_aside(self, path: Path, reason: str) -> None:
        """Moves a file that can't become a sample to "refused", with the reason beside it."""
        folder = self.folder / "refused"
        folder.mkdir(exist_ok=True)
        # the reason first: a crash in between leaves the file where it is found again
        write_durably(folder / f"{path.name}.reason.txt", f"{reason}\n".encode())
        with contextlib.suppress(FileNotFoundError):
            path.replace(folder / path.name)
            sync(self.folder)

    def state(self) -> SpoolState:
        """What lies here now. Raises OSError."""
        ages = []
        for path in self._entries(self.folder):
            with contextlib.suppress(FileNotFoundError):  # taken by another process since
                ages.append(time.time() - path.stat().st_mtime)
        refused = len(self._entries(self.folder / "refused"))
        return SpoolState(len(ages), refused, max(0.0, *ages) if ages else 0.0)

    @staticmethod
    def _entries(folder: Path) -> list[Path]:
        """The files of entries in a folder, by name; those under way are left out."""
        try:
            found = [p for p in folder.iterdir() if p.suffix == ".json" and not p.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(found)

    def refused(self, instrument: str) -> list[tuple[str, str]]:
        """(id, reason) of an instrument's entries that were set aside."""
        found = []
        for path in sorted((self.folder / "refused").glob(f"{instrument}.*.json.reason.txt")):
            with contextlib.suppress(OSError):
                entry = path.name.removesuffix(".json.reason.txt").removeprefix(f"{instrument}.")
                if "." not in entry:  # else it is of another instrument, whose id goes on
                    found.append((entry, path.read_text(encoding="utf-8", errors="replace").strip()))
        return found
