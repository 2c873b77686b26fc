"""What is done to a journal's file by hand: how it stands, a copy of it, its return, and giving space back."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dodac.clock import iso_utc
from dodac.contracts import Event, EventKind
from dodac.durable import sync
from dodac.errors import ConfigError, IntegrityError, StorageError, Where
from dodac.sizes import size_text
from store import _schema as schema
from store._accounts import last_seq_of
from store._backup import Progress, copy_whole, need_room, nobody, stamp
from store._faults import is_damage, storage_error
from store._files import JournalFiles, real, refuse_a_strangers_file, size_of
from store._policy import Space, space_of
from store._rows import event_row
from store._sinks import Sinks
from store._sums import insert
from store._verify import verify_rows

_INCREMENTAL: Final = 2
_STEP: Final = 1000  # pages


@dataclass(frozen=True, slots=True)
class Standing:
    """How a journal's file stands.

    fresh, packed: samples in rows and in blocks. unseen: bytes of a WAL that can't be read on a disk that
    can't be written. shrinks: free pages can be given back without writing the file anew. beside: name and
    bytes of old copies in its folder (set aside after damage, before an upgrade, replaced by a restore).
    """

    version: int
    fresh: int
    packed: int
    blocks: int
    block_bytes: int
    first_ns: int | None
    last_ns: int | None
    space: Space
    on_disk: int
    unseen: int
    shrinks: bool
    beside: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a journal's file holds, and what is wrong with it."""

    version: int
    samples: int
    events: int
    dead_letters: int
    first_ns: int | None
    last_ns: int | None
    findings: tuple[str, ...]


def standing_of(path: Path) -> Standing:
    """Reads it; StorageError when the file can't be read."""
    path = real(path)
    with storage_error(path), closing(schema.connect(path, read_only=True)) as db:
        wal = path.with_name(path.name + "-wal")
        frozen = schema.is_frozen(path)
        first, last = _times(db)
        fresh = int(db.execute("SELECT count(*) FROM samples").fetchone()[0])
        blocks, packed, size = (
            db.execute("SELECT count(*), total(count), total(length(body)) FROM blocks").fetchone()
            if schema.version_of(db) > 1
            else (0, 0, 0)
        )
        return Standing(
            version=schema.version_of(db),
            fresh=fresh,
            packed=int(packed),
            blocks=blocks,
            block_bytes=int(size),
            first_ns=first,
            last_ns=last,
            space=space_of(db, path),
            on_disk=size_of(path),
            unseen=wal.stat().st_size if frozen and wal.exists() else 0,
            shrinks=_shrinks(db),
            beside=_beside(path),
        )


def verify_file(path: Path, progress: Progress = nobody) -> Verified:
    """Reads a whole journal or copy: structure, every row and block against its sum, no number missing.

    Raises StorageError when there is none, when it is something else, or is of a later version.
    """
    if not path.exists():
        raise StorageError(
            "there is no such file.", Where(file=str(path)), "Name a journal or a copy of one."
        )
    with storage_error(path):
        refuse_a_strangers_file(path)
    try:
        with closing(schema.connect(path, read_only=True)) as db:
            version = schema.version_of(db)
            if version > schema.VERSION:
                raise StorageError(
                    f"this journal has version {version}, this dodac knows up to {schema.VERSION}.",
                    Where(file=str(path)),
                    "Install the newer dodac.",
                )
            if version == 0:
                raise StorageError("this file holds no journal.", Where(file=str(path)), "Name another one.")
            packed = "(SELECT total(count) FROM blocks)" if version > 1 else "0"
            samples, events, letters = db.execute(
                f"SELECT (SELECT count(*) FROM samples) + {packed}, (SELECT count(*) FROM events), "  # noqa: S608
                "(SELECT count(*) FROM dead_letters)"
            ).fetchone()
            pieces = int(db.execute("SELECT count(*) FROM samples").fetchone()[0])
            if version > 1:
                pieces += int(db.execute("SELECT count(*) FROM blocks").fetchone()[0])
            first, last = _times(db)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            with storage_error(path):
                raise
        return Verified(0, 0, 0, 0, None, None, (f"structure: {error}",))

    def told(seen: int) -> bool:
        progress(seen, pieces)
        return True

    findings = tuple(verify_rows(path, pause=told))
    return Verified(version, int(samples), events, letters, first, last, findings)


def backup(path: Path, target: Path, *, force: bool = False, progress: Progress = nobody) -> Verified:
    """Copies a journal, also while it is written, and reads the whole copy afterwards.

    Raises ConfigError when the target is there already (force: it is replaced, at the end), StorageError
    when there is no journal or no room, IntegrityError when the copy, and so the journal, has faults; then
    the copy stays.
    """
    if target.is_dir():
        raise ConfigError("this is a folder.", Where(file=str(target)), "Name a file in it.")
    if target.exists() and not target.is_file():  # a device or a pipe would be replaced by a file
        raise ConfigError("this is no file.", Where(file=str(target)), "Name a file.")
    if target.exists() and (target.samefile(path) or not force):
        todo = "Name another file." if target.samefile(path) else "Name another file, or add --force."
        raise ConfigError("this file is there already.", Where(file=str(target)), todo)
    if not real(target.absolute()).parent.is_dir():
        raise ConfigError("there is no such folder.", Where(file=str(target.parent)), "Make it first.")
    must_be_journal(path)
    with storage_error(path), closing(schema.connect(path, read_only=True)) as db:
        copy_whole(db, real(target.absolute()), progress)
    found = verify_file(target, progress)
    if found.findings:
        raise IntegrityError(
            f"the copy is made, and it has {len(found.findings)} faults that the journal has too; the first: "
            f"{found.findings[0]}.",
            Where(file=str(target)),
            "Start dodac run again: it saves what can be read. Keep the copies you have.",
        )
    return found


def restore(path: Path, source: Path, progress: Progress = nobody) -> Path | None:
    """Puts a copy in the place of a journal; gives where the old file is kept, None when there was none.

    Raises IntegrityError for a copy with faults, StorageError when another process has the journal or
    there is no room; then nothing was changed. Numbers that the old journal gave out are not given again.
    """
    found = verify_file(source, progress)
    if found.findings:
        raise IntegrityError(
            f"this copy has {len(found.findings)} faults; the first: {found.findings[0]}. Nothing was changed.",
            Where(file=str(source)),
            "Use another copy.",
        )
    files = JournalFiles.lock(path)
    path = files.path
    try:
        if path.exists() and path.samefile(source):
            raise ConfigError("this is the journal itself.", Where(file=str(source)), "Name a copy of it.")
        made = path.with_name(path.name + "-restored")
        old_top = max(files.read_mark(), _close_old(path))
        with storage_error(source), closing(schema.connect(source, read_only=True)) as db:
            copy_whole(db, made)
        kept = _free_name(path) if path.exists() else None
        with storage_error(path):
            if found.version == schema.VERSION:
                _note_return(made, old_top, source, kept, found.last_ns)
            if kept is not None:
                made.chmod(path.stat().st_mode & 0o777)
                os.link(path, kept)
                wal = path.with_name(path.name + "-wal")
                if wal.exists():
                    wal.rename(kept.with_name(kept.name + "-wal"))
            for name in ("-wal", "-shm", "-damage"):
                path.with_name(path.name + name).unlink(missing_ok=True)
            files.forget_others()
            made.replace(path)
            sync(path.parent)
        return kept
    finally:
        files.release()


def shrink(path: Path, progress: Progress = nobody) -> bool:
    """Gives the free pages of a journal back to the disk, in small steps; also while it is written.

    False when the file was made without what that needs: rewrite() then.
    """
    with storage_error(path), closing(schema.connect(path)) as db:
        if not _shrinks(db):
            return False
        of = int(db.execute("PRAGMA freelist_count").fetchone()[0])
        while left := int(db.execute("PRAGMA freelist_count").fetchone()[0]):
            progress(max(0, of - left), of)
            db.execute(f"PRAGMA incremental_vacuum({_STEP})").fetchall()
            if int(db.execute("PRAGMA freelist_count").fetchone()[0]) >= left:
                break
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            time.sleep(0)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return True


def rewrite(path: Path, say: Callable[[str], None]) -> None:
    """Writes a journal anew without its free pages; what it needs of the disk is asked for first.

    Raises StorageError when another process has it or there is no room; then nothing was changed.
    """
    files = JournalFiles.lock(path)
    path = files.path
    made = path.with_name(path.name + "-compact")
    try:
        with storage_error(path), closing(schema.connect(path)) as db:
            used = space_of(db, path).used
            need_room(path.parent, used, "writing the journal anew")
            say(f"{path} is written anew: {size_text(used)} beside it for that time.")
            made.unlink(missing_ok=True)
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("VACUUM INTO ?", (str(made),))
            with closing(sqlite3.connect(made, isolation_level=None)) as new:
                if _rows(new) != _rows(db):
                    raise IntegrityError(
                        "the journal's rows do not all come over; nothing was changed.",
                        Where(file=str(path)),
                        "Check it: dodac store check.",
                    )
            made.chmod(path.stat().st_mode & 0o777)
            sync(made)
            if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StorageError(
                    "another program reads the journal.",
                    Where(file=str(path)),
                    "Stop dodac serve for a moment.",
                )
        with storage_error(path):
            for name in ("-wal", "-shm"):
                path.with_name(path.name + name).unlink(missing_ok=True)
            made.replace(path)
            sync(path.parent)
    finally:
        made.unlink(missing_ok=True)
        files.release()


# inside


def _free_name(path: Path) -> Path:
    made = path.with_name(f"{path.name}.replaced-{stamp()}")
    while made.exists():  # twice within a second
        made = made.with_name(made.name + "-1")
    return made


def must_be_journal(path: Path) -> None:
    """Raises StorageError where there is no journal, or another program's file."""
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        raise StorageError("there is no journal here.", Where(file=str(path)), "Collect first: dodac run.")
    with storage_error(path):
        refuse_a_strangers_file(path)


def _beside(path: Path) -> tuple[tuple[str, int], ...]:
    found = [
        other
        for kind in ("damaged", "version", "replaced")
        for other in path.parent.glob(f"{path.name}.{kind}-*")
    ]
    return tuple(sorted((other.name, other.stat().st_size) for other in found))


def _shrinks(db: sqlite3.Connection) -> bool:
    return int(db.execute("PRAGMA auto_vacuum").fetchone()[0]) == _INCREMENTAL


def _rows(db: sqlite3.Connection) -> list[int]:
    tables = [
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    return [int(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in tables]  # noqa: S608


def _times(db: sqlite3.Connection) -> tuple[int | None, int | None]:
    """First and last time of any sample, by the index of each instrument."""
    rows = db.execute(
        "SELECT (SELECT min(time_ns) FROM samples WHERE instrument = names.id), "
        "(SELECT max(time_ns) FROM samples WHERE instrument = names.id) FROM names"
    ).fetchall()
    if schema.version_of(db) > 1:
        rows += db.execute("SELECT min(first_ns), max(last_ns) FROM blocks").fetchall()
    known = [row for row in rows if row[0] is not None]
    return (min(row[0] for row in known), max(row[1] for row in known)) if known else (None, None)


def _close_old(path: Path) -> int:
    """Brings the old journal's WAL into its file, where it can be read; its last seq, 0 else."""
    if not path.exists():
        return 0
    with suppress(sqlite3.Error, StorageError), closing(schema.connect(path)) as db:
        top = last_seq_of(lambda sql, _: db.execute(sql).fetchall(), Sinks(db))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return top
    return 0


def _note_return(made: Path, old_top: int, source: Path, kept: Path | None, last_ns: int | None) -> None:
    """Notes in the copy what of the old journal it does not have: its numbers are not given out again."""
    now = time.time_ns()
    with closing(schema.connect(made)) as db:
        sinks = Sinks(db)
        top = last_seq_of(lambda sql, _: db.execute(sql).fetchall(), sinks)
        gone = max(0, old_top - top)
        words = (
            f"restored from {source.name}, whose last sample is of {iso_utc(last_ns) if last_ns else 'never'}"
        )
        if gone:
            words += f"; {gone} samples stored after it are not here"
            words += f", they are in {kept.name}" if kept is not None else ""
        event = Event(
            min(last_ns or now, now),
            EventKind.GAP,
            words,
            "journal",
            None,
            now,
            {"lost": gone, "from": source.name},
        )
        db.execute("BEGIN IMMEDIATE")
        # of messages of another time: what is sent again may not be in this copy
        db.execute("DELETE FROM receipts")
        if gone:
            sinks.lose([(top + 1, old_top)], "restored from a copy").write(db)
        db.execute(insert("events"), event_row(event))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
