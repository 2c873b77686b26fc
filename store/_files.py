"""The files of a journal: the database, its lock, and the mark of the last committed row."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from dodac.durable import sync
from dodac.errors import StorageError, Where
from store import _schema as schema
from store._codec import crc32c
from store._faults import storage_error

_MARK = struct.Struct("<4sqI")
_MAGIC = b"dodm"
_OTHERS = struct.Struct("<4sqqI")  # behind the mark: the last event and the last dead letter
_MAGIC_OTHERS = b"dode"
_SQLITE: Final = b"SQLite format 3\x00"
_HEADER: Final = 72
_NAMES: Final = {"": "file", "-wal": "WAL", "-shm": "WAL index", "-lock": "lock", "-mark": "mark"}
_IDS = struct.Struct(">I4xI")  # at 60: user version, vacuum mode, application id


@dataclass(frozen=True, slots=True)
class Note:
    """What was found wrong, and the name that the damaged file gets ("" when that is not decided)."""

    what: str
    aside: str = ""


class JournalFiles:
    """A journal's paths and its exclusive lock.

    The mark stands in a file of its own (PATH-mark) and is written after each commit without a
    sync: it is never ahead of the database by itself, so a database behind its mark has lost rows.
    """

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd
        self._mark_fd = os.open(path.with_name(path.name + "-mark"), os.O_RDWR | os.O_CREAT, 0o644)
        self._places: dict[str, tuple[int, int] | None] = {}

    @classmethod
    def lock(cls, path: Path, wait_s: float = 0.0) -> Self:
        """Takes the lock of a journal, making its folder; waits so long for another process to give it up.

        Raises StorageError when another process has it, the folder can't be written, or the file is
        somebody else's.
        """
        with storage_error(path):
            path = real(path)
            refuse_a_strangers_file(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path.with_name(path.name + "-lock"), os.O_RDWR | os.O_CREAT, 0o644)
            try:
                end = time.monotonic() + wait_s
                while not _locked(fd, last=time.monotonic() >= end):
                    time.sleep(0.01)
                return cls(path, fd)
            except BlockingIOError:
                os.close(fd)
                raise StorageError(
                    "another dodac process writes this journal.",
                    Where(file=str(path)),
                    "Stop it first (dodac run or dodac import), or use another journal file.",
                ) from None
            except BaseException:
                os.close(fd)
                raise

    def release(self) -> None:
        """Gives the lock back."""
        for fd in (self._mark_fd, self._lock_fd):
            with contextlib.suppress(OSError):
                os.close(fd)

    def note_places(self) -> None:
        """Remembers which files the names stand for now; after the first reading of an opened database."""
        self._places = {name: _inode(self._named(name)) for name in _NAMES}

    def moved(self) -> str:
        """What became of the files since they were opened, in words; nothing when all are in place.

        SQLite would go on writing into a file that no longer has a name, and a kill would take it all.
        """
        for name, words in _NAMES.items():
            known, now = self._places.get(name), _inode(self._named(name))
            if now != known:
                if known is None:
                    self._places[name] = now  # SQLite makes its WAL with the first transaction
                else:
                    return f"the journal's {words} was {'deleted' if now is None else 'replaced'}"
        return ""

    def database_moved(self) -> bool:
        """True when the name no longer stands for the file that was opened."""
        return _inode(self.path) != self._places[""]

    def renew(self) -> None:
        """Makes folder, lock and mark again where they are gone; what is open stays open until then.

        Raises StorageError when another process has taken the lock meanwhile.
        """
        if self._places["-lock"] == _inode(self._named("-lock")) and self._places["-mark"] == _inode(
            self._named("-mark")
        ):
            return
        fresh = self.lock(self.path) if self._places["-lock"] != _inode(self._named("-lock")) else None
        if fresh is not None:
            self.release()
            self._lock_fd, self._mark_fd = fresh._lock_fd, fresh._mark_fd  # noqa: SLF001 - of our own class
        else:
            os.close(self._mark_fd)
            self._mark_fd = os.open(self._named("-mark"), os.O_RDWR | os.O_CREAT, 0o644)
        for name in ("-lock", "-mark"):
            self._places[name] = _inode(self._named(name))

    def clear_sidecars(self) -> None:
        """Puts away a WAL and its index that are not of the database that was just closed."""
        stamp = time.time_ns()
        for name in ("-wal", "-shm"):
            left = self._named(name)
            if left.exists() and left.stat().st_size and name == "-wal":
                left.rename(left.with_name(f"{self.path.name}.replaced-{stamp}{name}"))
            else:
                left.unlink(missing_ok=True)

    def _named(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def write_mark(self, seq: int, others: tuple[int, int] | None = None) -> None:
        """Notes the last committed seq; others: those of events and dead letters, where they changed."""
        body = _MAGIC + seq.to_bytes(8, "little", signed=True)
        mark = body + crc32c(body).to_bytes(4, "little")
        if others is not None:
            body = _MAGIC_OTHERS + b"".join(last.to_bytes(8, "little", signed=True) for last in others)
            mark += body + crc32c(body).to_bytes(4, "little")
        # the commit stands whether or not the mark does: a lost mark only weakens the next start's check
        with contextlib.suppress(OSError):
            os.pwrite(self._mark_fd, mark, 0)

    def read_mark(self) -> int:
        """The last committed seq as noted, 0 when there is no sound note."""
        data = os.pread(self._mark_fd, _MARK.size, 0)
        if len(data) != _MARK.size:
            return 0
        magic, seq, crc = _MARK.unpack(data)
        return int(seq) if magic == _MAGIC and crc == crc32c(data[:12]) else 0

    def read_others(self) -> tuple[int, int]:
        """The last event and the last dead letter as noted, 0 when there is no sound note."""
        data = os.pread(self._mark_fd, _OTHERS.size, _MARK.size)
        if len(data) != _OTHERS.size:
            return 0, 0
        magic, event, letter, crc = _OTHERS.unpack(data)
        return (event, letter) if magic == _MAGIC_OTHERS and crc == crc32c(data[:-4]) else (0, 0)

    def forget_others(self) -> None:
        """Takes the note of events and dead letters away: another file comes in the journal's place."""
        os.ftruncate(self._mark_fd, _MARK.size)

    def note_damage(self, what: str, aside: str = "") -> None:
        """Leaves a note that the file must be rebuilt; aside: the name that the damaged file gets."""
        with contextlib.suppress(OSError):
            self.write_note(Note(what, aside))

    def write_note(self, note: Note) -> None:
        """The same, on the disk when it returns; raises OSError."""
        with self._note.open("w", encoding="utf-8") as file:
            file.write(f"{note.aside}\n{note.what}")
            file.flush()
            os.fsync(file.fileno())
        sync(self.path.parent)

    def damage_note(self) -> Note | None:
        """The note left by note_damage, if any."""
        try:
            aside, _, what = self._note.read_text(encoding="utf-8", errors="replace").partition("\n")
        except OSError:
            return None
        named = aside.startswith(f"{self.path.name}.damaged-") and "/" not in aside
        return Note(what or "its file was damaged", aside if named else "")

    def clear_note(self) -> None:
        """Takes the note away."""
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + "-damage")

    @property
    def kept_wal(self) -> Path:
        """A copy of the WAL: SQLite writes over frames that it no longer reads, and takes the WAL away."""
        return self.path.with_name(self.path.name + "-wal-kept")

    def keep_wal(self) -> None:
        """Copies a WAL that was left behind; without room for it only what SQLite reads can be saved."""
        wal = self.path.with_name(self.path.name + "-wal")
        self.drop_wal()
        if wal.exists() and wal.stat().st_size:
            try:
                shutil.copyfile(wal, self.kept_wal)
            except OSError:
                self.drop_wal()

    def drop_wal(self) -> None:
        """Takes the copy away."""
        with contextlib.suppress(OSError):
            self.kept_wal.unlink(missing_ok=True)

    def beside(self) -> list[Path]:
        """The database and SQLite's own files beside it, those that are there."""
        names = ("", "-wal", "-shm")
        return [p for p in (self.path.with_name(self.path.name + name) for name in names) if p.exists()]


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def size_of(path: Path) -> int:
    """Bytes of a journal's database and its WAL."""
    size = 0
    for file in (path, path.with_name(path.name + "-wal")):
        with contextlib.suppress(FileNotFoundError):  # the WAL goes when the writer closes
            size += file.stat().st_size
    return size


def real(path: Path) -> Path:
    """Where a link leads to: a journal's other files, and what takes its place, belong beside the file itself."""
    return path.resolve() if path.is_symlink() else path


def refuse_a_strangers_file(path: Path) -> None:
    """Raises StorageError for a file that never was a journal.

    A mistyped name must not make us set a user's own file (or the audit register) aside as a damaged
    journal. One with a mark beside it was a journal, whatever it holds now.
    """
    where = Where(file=str(path))
    if path.is_dir():
        raise StorageError("this is a folder, not a journal.", where, "Name a file in it.")
    if path.with_name(path.name + "-mark").exists() or not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if head and not head.startswith(_SQLITE):
        raise StorageError(
            "this file is not a journal; it is left as it is.",
            where,
            f"Name another file. If it is a journal that was damaged, say so with: touch {path}-mark",
        )
    if len(head) == _HEADER:
        version, ours = _IDS.unpack_from(head, 60)
        # a journal that is just being made may have both still in its WAL, and then its tables too
        if ours != schema.APPLICATION_ID and ((ours, version) != (0, 0) or _has_tables(path)):
            raise StorageError(
                "this is a database of another program; it is left as it is.", where, "Name another file."
            )


def _has_tables(path: Path) -> bool:
    """True when the main file, whatever its WAL holds, has tables; nothing is written beside it."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return False  # damaged: for the checks of the journal to tell


def _locked(fd: int, *, last: bool) -> bool:
    """Tries the lock; BlockingIOError when the last try fails."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if last:
            raise
        return False
    return True
