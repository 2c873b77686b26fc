"""Faults of SQLite and the disk, told as StorageError: what, where, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dodac.errors import StorageError, Where

_TODO: Final = (
    ("full", "the disk is full.", "Free some space; the collector goes on by itself."),
    ("no space", "the disk is full.", "Free some space; the collector goes on by itself."),
    ("quota", "the disk quota is used up.", "Free some space; the collector goes on by itself."),
    ("file too large", "the file may not grow (a limit of its size).", "Raise the limit (ulimit -f)."),
    ("too many open files", "no file descriptors are left.", "Raise the limit (ulimit -n, LimitNOFILE=)."),
    ("input/output", "the disk reports an error.", "Check the disk (dmesg) and its cable or card."),
    ("readonly", "the file can't be written.", "Check the rights of the file and its folder."),
    ("read-only", "the file can't be written.", "Check the rights of the file and its folder."),
    ("unable to open", "the file can't be opened.", "Check that the folder is there and its rights."),
    ("permission denied", "there is no permission for it.", "Check the rights of the file and its folder."),
    ("locked", "another program holds the file.", "Stop the other program, e.g. a second dodac run."),
    ("i/o error", "the disk reports an error.", "Check the disk (dmesg) and its cable or card."),
    ("malformed", "the file is damaged.", "dodac run sets it aside and saves the rest."),
    ("not a database", "the file is damaged.", "dodac run sets it aside and saves the rest."),
)  # fmt: skip

_NOTHING_FREE: Final = 64 * 1024

_DAMAGE: Final = (
    "malformed",
    "not a database",
    "no such table",
    "no such column",
    "could not decode",
    "user-defined function",
)


UNREADABLE: Final = (sqlite3.DatabaseError, ValueError, TypeError, KeyError, MemoryError)
"""What reading a damaged file may raise: SQLite's message may hold bytes of it, a length may be any."""


def is_damage(error: BaseException) -> bool:
    """True when SQLite says that the file's content is not what it should be."""
    if isinstance(error, UnicodeDecodeError):
        return True
    said = str(error).lower()
    return isinstance(error, sqlite3.DatabaseError) and any(word in said for word in _DAMAGE)


def is_nonsense(error: BaseException) -> bool:
    """The same of what reading a file raised: also that its rows can't be made sense of (ValueError, KeyError …)."""
    return is_damage(error) or not isinstance(error, sqlite3.Error | OSError | MemoryError)


def _full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NOTHING_FREE
    except OSError:
        return False


def _no_descriptors() -> bool:
    try:
        os.close(os.open("/", os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


_PASSING: Final = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EMFILE,
    errno.ENFILE,
    errno.EROFS,
    errno.EIO,
)


def may_pass(error: StorageError) -> bool:
    """True for a fault that may end by itself or by somebody's hand while we wait: no room, no descriptors.

    A file that is another's, a missing right, or another process that writes it are not: these are told at once.
    """
    cause = error.__cause__
    if isinstance(cause, OSError):
        return cause.errno in _PASSING
    said = str(cause).lower()
    words = ("full", "i/o error", "readonly", "read-only", "unable to open")
    return isinstance(cause, sqlite3.OperationalError) and any(word in said for word in words)


@contextmanager
def storage_error(path: Path) -> Iterator[None]:
    """Turns faults of SQLite and the file system inside the block into StorageError."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        said = "malformed" if isinstance(error, UnicodeDecodeError) else str(error).lower()
        if "i/o error" in said and _full(path):
            said = "full"  # SQLite tells what it could not make longer, not why
        if "unable to open" in said and _no_descriptors():
            said = "too many open files"
        for word, what, todo in _TODO:
            if word in said:
                raise StorageError(what, Where(file=str(path)), todo) from error
        raise StorageError(f"the store failed: {error}.", Where(file=str(path))) from error
