"""The register's SQL: one append-only table of entries, each chained to the one before."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from dodac.errors import StorageError, Where

T = TypeVar("T")

SCHEMA_VERSION: Final = 1
_WAIT_S: Final = 10.0

_SCHEMA: Final = f"""
CREATE TABLE entries (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    version       INTEGER NOT NULL,
    why           TEXT NOT NULL,
    body          TEXT NOT NULL,
    body_sha256   TEXT NOT NULL,
    corrects      TEXT NOT NULL,
    previous      TEXT NOT NULL,
    digest        TEXT NOT NULL,
    registered_ns INTEGER NOT NULL,
    UNIQUE (kind, id, version)
);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
PRAGMA user_version = {SCHEMA_VERSION};
"""

_COLUMNS: Final = "kind, id, version, why, body, body_sha256, corrects, previous, digest, registered_ns"


@dataclass(frozen=True)
class Row:
    """One entry as it stands in the table.

    body: canonical JSON; corrects: digest of the entry this one supersedes, or ""; previous: digest
    of the entry before it.
    """

    kind: str
    id: str
    version: int
    why: str
    body: str
    body_sha256: str
    corrects: str
    previous: str
    digest: str
    registered_ns: int


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        said = str(error)
        if "not a database" in said or "no such table" in said:
            todo = "Name the register with --register, or correct the site file."
            raise StorageError(
                "the register can't be used: this is another kind of file, left as it is.",
                Where(file=str(path)),
                todo,
            ) from None
        if path.is_dir():
            raise StorageError("this is a folder.", Where(file=str(path)), "Name a file in it.") from None
        raise StorageError(
            f"the register can't be used: {error}.",
            Where(file=str(path)),
            "Check the path, its rights and the space on the disk.",
        ) from None


def _patiently(act: Callable[[], T]) -> T:
    """Does what may find the file locked, again and again for ten seconds.

    SQLite's own waiting does not cover the change to WAL, nor the moment in which the last connection
    takes the WAL away: there it says "locked" at once.
    """
    end = time.monotonic() + _WAIT_S
    while True:
        try:
            return act()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(0.02)


def _begun(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StorageError(
                f"a newer dodac wrote this register (schema {version}, this one knows {SCHEMA_VERSION}).",
                Where(file=str(path)),
                "Use that version of dodac.",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _rows(connection: sqlite3.Connection) -> list[Row]:
    found = connection.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY seq")  # noqa: S608  (constant)
    return [Row(*values) for values in found]


def read(path: Path) -> list[Row]:
    """All entries in the order they were made; none when the file is not there yet."""
    if not path.exists():
        return []

    def whole() -> list[Row]:
        with closing(_connect(path)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                return []
            return _rows(connection)

    with _faults(path):
        return _patiently(whole)


@contextmanager
def appending(path: Path) -> Iterator[tuple[list[Row], list[Row]]]:
    """One write transaction: gives (entries so far, list to put new ones into); commits at the end."""
    with _faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_patiently(lambda: _begun(path))) as connection:
            try:
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in _statements(_SCHEMA):
                        connection.execute(statement)
                new: list[Row] = []
                yield _rows(connection), new
                connection.executemany(
                    f"INSERT INTO entries ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
                    [
                        (r.kind, r.id, r.version, r.why, r.body, r.body_sha256, r.corrects, r.previous, r.digest,
                         r.registered_ns)
                        for r in new
                    ],
                )  # fmt: skip
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise


def _statements(script: str) -> list[str]:
    """The statements of a script, for one transaction (executescript would commit by itself)."""
    found, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part.strip())
            part = ""
    return found
