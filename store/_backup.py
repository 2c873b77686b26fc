"""Copies of a journal: made while it is written, checked, and put in its place again."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dodac.durable import sync
from dodac.errors import StorageError, Where
from dodac.sizes import size_text
from store._faults import storage_error

Progress = Callable[[int, int], None]
"""Told how much of how much is done."""

_PAGES: Final = 2000
_QUIET_S: Final = 3600.0
_ROOM: Final = 16 << 20  # what is left to the rest of the machine


def nobody(_done: int, _of: int) -> None:
    """Tells nobody how far it is."""


def need_room(folder: Path, size: int, what: str, todo: str = "name a place on another disk") -> None:
    """Raises StorageError, before anything is written, when a folder's disk has no room for so many bytes."""
    with storage_error(folder):
        free = shutil.disk_usage(folder).free
    if free < size + _ROOM:
        raise StorageError(
            f"{what} needs {size_text(size)}, and the disk has {size_text(free)} free; nothing was changed.",
            Where(file=str(folder)),
            f"Free some space, or {todo}.",
        )


def copy_whole(
    source: sqlite3.Connection,
    target: Path,
    progress: Progress = nobody,
    todo: str = "name a place on another disk",
) -> None:
    """Writes the whole database of a connection, as of one moment, to a file of its own: safe on return.

    The copy takes its name only when it is whole (mode 0600, WAL inside, both file and folder synced).
    The source may be written by another process meanwhile; it is held for reading until the end.
    """
    made = target.with_name(f".{target.name}.part-{os.getpid()}")
    size = _bytes(source)
    _clear(target)
    need_room(target.parent, size, "a copy of the journal", todo)
    begun = not source.in_transaction
    try:
        with storage_error(target):
            os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            if begun:
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment is now
            copy = sqlite3.connect(made, isolation_level=None)
            try:
                copy.execute("PRAGMA synchronous = OFF")  # one sync at the end is enough: it has no name yet
                source.backup(copy, pages=_PAGES, progress=lambda _, left, of: progress(of - left, of))
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, to be carried anywhere
            finally:
                copy.close()
            sync(made)
            made.replace(target)
            sync(target.parent)
    finally:
        if begun and source.in_transaction:
            source.execute("ROLLBACK")
        for suffix in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                made.with_name(made.name + suffix).unlink()


def _clear(target: Path) -> None:
    """Takes away what a copy that was killed left behind: its process is gone, or wrote nothing for an hour."""
    # no lock tells it: on a network disk that would be in SQLite's way
    for part in target.parent.glob(f".{glob.escape(target.name)}.part-*"):
        with contextlib.suppress(OSError, ValueError):
            if not _lives(int(part.name.rsplit("-", 1)[1])) or time.time() - part.stat().st_mtime > _QUIET_S:
                part.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def stamp() -> str:
    """The time now, for the name of a file that is kept: 20261122T064501Z."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _bytes(db: sqlite3.Connection) -> int:
    pages, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    return pages * size
