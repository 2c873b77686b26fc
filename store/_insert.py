"""Rows of samples written many at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final

from store._codec import Row
from store._rows import INSERT_SAMPLE

_HEAD, _ONE = INSERT_SAMPLE.split("VALUES ")
_WIDTH: Final = _ONE.count("?")
# rows of one statement: a few sizes, so that each is prepared once
_SIZES: Final = tuple((size, f"{_HEAD}VALUES {','.join([_ONE] * size)}") for size in (256, 32))


def insert_samples(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Writes rows; the caller holds the transaction.

    Python lets other threads run while SQLite works on a statement and waits for them after it: with a
    statement a row, a commit beside a busy thread takes more than twice as long.
    """
    most = db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // _WIDTH
    first = 0
    for size, statement in _SIZES:
        while size <= min(most, len(rows) - first):
            db.execute(statement, list(chain.from_iterable(rows[first : first + size])))
            first += size
    if first < len(rows):
        db.executemany(INSERT_SAMPLE, rows[first:])
