"""The journal's tables, their version, and the way forward from older versions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dodac.durable import sync
from dodac.errors import StorageError, Where
from store._backup import copy_whole
from store._sums import NUMBERED, SUMMED, add_function, fill

VERSION: Final = 2
PATIENCE_S: Final = 10.0
"""So long a statement waits for another connection's lock."""
APPLICATION_ID: Final = 0x646F6463  # "dodc"

_TABLES: Final = """
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, crc INTEGER);
CREATE TABLE layouts (
    number INTEGER PRIMARY KEY, layout INTEGER NOT NULL UNIQUE, instrument INTEGER NOT NULL, channels TEXT NOT NULL,
    crc INTEGER
);
CREATE TABLE samples (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument INTEGER NOT NULL, time_ns INTEGER NOT NULL, part INTEGER NOT NULL,
    layout INTEGER NOT NULL, span_ns INTEGER NOT NULL, source INTEGER NOT NULL,
    present BLOB, body BLOB NOT NULL, flags BLOB, raw BLOB, crc INTEGER NOT NULL
);
CREATE UNIQUE INDEX samples_key ON samples (instrument, time_ns, part);
CREATE TABLE conflicts (
    instrument INTEGER NOT NULL, time_ns INTEGER NOT NULL, base INTEGER NOT NULL, digest BLOB NOT NULL,
    part INTEGER NOT NULL, crc INTEGER, PRIMARY KEY (instrument, time_ns, base, digest)
) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL, end_ns INTEGER, kind TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL,
    instrument TEXT, data TEXT NOT NULL, crc INTEGER
);
CREATE INDEX events_time ON events (time_ns);
CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL, source TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    reason TEXT NOT NULL, instrument TEXT, crc INTEGER
);
CREATE TABLE tallies (
    instrument TEXT NOT NULL, source TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,
    crc INTEGER, PRIMARY KEY (instrument, source, outcome)
) WITHOUT ROWID;
CREATE TABLE facts (
    instrument TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, crc INTEGER,
    PRIMARY KEY (instrument, name)
) WITHOUT ROWID;
CREATE TABLE marks (
    sink TEXT NOT NULL, state TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    reason TEXT NOT NULL, crc INTEGER, PRIMARY KEY (sink, state, first)
) WITHOUT ROWID;
CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, crc INTEGER) WITHOUT ROWID;
"""

# column blocks of old samples: those of one instrument and layout within an hour, or a day where they are few
# present: channels that any of the samples carries, NULL for all; crc: CRC32C of the other columns but id
_BLOCKS: Final = """
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, instrument INTEGER NOT NULL, layout INTEGER NOT NULL,
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    count INTEGER NOT NULL, present BLOB, form INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL
);
CREATE INDEX blocks_time ON blocks (instrument, first_ns, last_ns, layout, count, present);
CREATE INDEX blocks_seq ON blocks (first_seq, last_seq);
"""


# names and layouts once more, on pages of their own: one bad page must not make samples unreadable
_SPARE: Final = """
CREATE TABLE layouts_spare (
    number INTEGER PRIMARY KEY, layout INTEGER NOT NULL, instrument INTEGER NOT NULL, channels TEXT NOT NULL,
    name TEXT NOT NULL, crc INTEGER
);
"""

# of messages that were stored lately: what is sent again is recognised; crc: of session and body
_RECEIPTS: Final = """
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL
);
"""


# where a journal was once brought back to version 1, these say what it was before
KIND_OF_2: Final = "kind_of_2"
DROPPED_OF_2: Final = "dropped: "


def _to_2(db: sqlite3.Connection) -> None:
    """Version 1 had no column blocks, no spare layouts, and check sums of samples only."""
    add_function(db)
    _run(db, _BLOCKS + _SPARE + _RECEIPTS)
    place = f"$.{KIND_OF_2}"
    db.execute(
        "UPDATE events SET kind = json_extract(data, ?), data = json_remove(data, ?) WHERE data LIKE ?",
        (place, place, f'%"{KIND_OF_2}"%'),
    )
    db.execute(
        "UPDATE marks SET state = 'dropped', reason = substr(reason, ?) "
        "WHERE sink = '' AND state = 'lost' AND substr(reason, 1, ?) = ?",
        (len(DROPPED_OF_2) + 1, len(DROPPED_OF_2), DROPPED_OF_2),
    )
    for table in SUMMED:
        if table != "layouts_spare":
            db.execute(f"ALTER TABLE {table} ADD COLUMN crc INTEGER")
        if table not in NUMBERED:
            db.execute(fill(table))
    db.execute(
        "INSERT INTO layouts_spare (number, layout, instrument, channels, name) "
        "SELECT number, layout, instrument, channels, name FROM layouts JOIN names ON names.id = instrument"
    )
    db.execute(fill("layouts_spare"))


def _run(db: sqlite3.Connection, statements: str) -> None:
    # executescript would commit on its own: statement by statement keeps it one transaction
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


# version → what brings it to the next one, inside one transaction
MIGRATIONS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {1: _to_2}


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that leaves transactions to the caller and may change threads under a lock."""
    mode = "rwc" if not read_only else "ro&immutable=1" if is_frozen(path) else "ro"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE_S)
    pragmas = (
        ("query_only = ON",)
        if read_only
        else (
            "auto_vacuum = INCREMENTAL",  # of a new file: what is dropped can be given back to the disk
            "journal_mode = WAL",
            "synchronous = FULL",
            "wal_autocheckpoint = 2000",
            "journal_size_limit = 67108864",
        )
    )
    try:
        add_function(db)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
    except BaseException:  # a damaged file fails here
        db.close()
        raise
    return db


def empty_wal(db: sqlite3.Connection) -> bool:
    """Brings the WAL into the file and makes it empty; False, at once, when a reader still needs it.

    SQLite's own patience with readers would hold up whoever wants to commit.
    """
    db.execute("PRAGMA busy_timeout = 0")
    try:
        return bool(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    finally:
        db.execute(f"PRAGMA busy_timeout = {round(PATIENCE_S * 1000)}")


def is_frozen(path: Path) -> bool:
    """True for a file on a disk that can't be written: SQLite can't make the WAL's index there.

    Then the file is read as it stands, and what only its WAL holds is not seen.
    """
    try:
        frozen = bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False
    return frozen and not path.with_name(path.name + "-shm").exists()


def create(path: Path) -> None:
    """Makes an empty journal where there is no file: it stands under its name only when it is whole.

    A reader that comes while it is made finds no journal, never half a one; a power cut leaves none.
    """
    if path.exists():
        return
    made = path.with_name(path.name + "-new")
    made.unlink(missing_ok=True)
    db = sqlite3.connect(made, isolation_level=None)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA synchronous = FULL")
        _write_tables(db)
        db.execute("PRAGMA journal_mode = WAL")  # who opens it first need not change it
    finally:
        db.close()
    made.rename(path)
    sync(path.parent)


def _write_tables(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    _run(db, _TABLES + _BLOCKS + _SPARE + _RECEIPTS)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def version_of(db: sqlite3.Connection) -> int:
    """The version of a file's tables; 0 before the transaction that makes them."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def prepare(
    db: sqlite3.Connection,
    path: Path,
    migrations: Mapping[int, Callable[[sqlite3.Connection], None]] = MIGRATIONS,
    target: int = VERSION,
    copy: Path | None = None,
) -> None:
    """Creates the tables of a new journal, or brings an older one forward after a copy of it is made.

    copy: where to, by default beside it as NAME.version-N. A step is one transaction: whatever ends it,
    the file is of the one version or the other. Raises StorageError when the file is of a later version
    or is another program's database, and before anything is changed when there is no room for the copy.
    """
    version = version_of(db)
    where = Where(file=str(path))
    if version == 0:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StorageError(
                "this is a database of another program.", where, "Name another file for the journal."
            )
        _write_tables(db)
        return
    if version > target:
        raise StorageError(
            f"the journal has version {version}, this dodac knows up to {target}.",
            where,
            "Install the newer dodac, or use it to go back: dodac store downgrade.",
        )
    while version < target:
        beside = path.with_name(f"{path.name}.version-{version}")
        copy_whole(db, copy or beside, todo="make it elsewhere: dodac store upgrade --copy FILE")
        db.execute("BEGIN IMMEDIATE")
        try:
            migrations[version](db)
            version += 1
            db.execute(f"PRAGMA user_version = {version}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
