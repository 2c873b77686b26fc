"""The full check of a journal: SQLite's structure, every row's and block's sum, and that no seq is missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from dodac.errors import IntegrityError
from store import _blocks as blocks
from store import _schema as schema
from store import _sums
from store._accounts import last_seq_of
from store._blocks_read import SELECT_BLOCKS
from store._faults import UNREADABLE, storage_error
from store._files import size_of
from store._integrity import span_text
from store._ranges import Ranges, runs
from store._rows import SELECT_SAMPLES, is_sound, layouts_of
from store._sinks import GONE, Sinks

Pause = Callable[[int], bool]
"""Told between pieces how many rows and blocks were looked at; may wait; False ends the check early."""

WHOLE: Final = 512 << 20
"""Bytes of a journal whose structure SQLite checks in one statement beside a collector: a longer one can't be paced."""

_BLOCKS_PAGE = 200
_INDEXES: Final = (
    ("samples", "samples_key", "seq", ("instrument", "time_ns", "part")),
    ("blocks", "blocks_time", "id", ("instrument", "first_ns", "last_ns", "layout", "count")),
    ("blocks", "blocks_seq", "id", ("first_seq", "last_seq")),
    ("events", "events_time", "seq", ("time_ns",)),
)


def at_once(_seen: int) -> bool:
    """No pause."""
    return True


class _EndedError(Exception):
    """The check was told to end."""


class _Pace:
    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._seen = 0

    def after(self, count: int) -> None:
        self._seen += count
        if not self._pause(self._seen):
            raise _EndedError


def verify_rows(path: Path, page: int = 5000, pause: Pause = at_once, whole: int | None = None) -> list[str]:
    """Checks a journal that another thread or process may be writing; gives findings in words.

    Each piece is read in a transaction of its own, so that the WAL need not grow meanwhile. whole: bytes above
    which SQLite's own check, one long statement, is left out and each row is looked up in its indexes instead.
    """
    pace = _Pace(pause)
    findings: list[str] = []
    with storage_error(path):
        db = schema.connect(path, read_only=True)
    db.text_factory = _sums.text_or_bytes
    try:
        if whole is None or size_of(path) <= whole:
            check = db.execute("PRAGMA integrity_check(20)")
            findings += [f"structure: {text}" for (text,) in check if text != "ok"]
            pace.after(0)
        else:
            for table, index, key, columns in _INDEXES:
                if table != "blocks" or schema.version_of(db) >= 2:
                    findings += _indexed(db, table, index, key, columns, page, pace)
        findings += _samples(db, page, pace)
        if schema.version_of(db) >= 2:
            if len(layouts_of(db)) < db.execute("SELECT count(*) FROM layouts").fetchone()[0]:
                findings.append("layouts: a layout or its instrument's name is not what was written")
            for table in _sums.SUMMED:
                findings += _summed(db, table)
                if table in _sums.NUMBERED and _sums.is_cut_short(db, table):
                    findings.append(f"{table}: the last rows are missing")
                pace.after(0)
            findings += _blocks(db, pace)
            findings += _missing(db)
    except _EndedError:
        pass
    except UNREADABLE as error:
        findings.append(f"structure: {error}")
    finally:
        db.close()
    return findings


def _samples(db: sqlite3.Connection, page: int, pace: _Pace) -> Iterator[str]:
    seq = 0
    while True:
        rows = db.execute(SELECT_SAMPLES + "WHERE seq > ? ORDER BY seq LIMIT ?", (seq, page)).fetchall()
        if not rows:
            return
        bad = [row[0] for row in rows if not is_sound(row)]
        for run in runs(bad):
            yield f"samples seq {span_text(run)}: the check sum does not match"
        if rows[-1][0] <= seq:  # a damaged tree may give the same rows for ever
            yield f"samples seq {seq}: the rows behind it are out of order"
            return
        seq = rows[-1][0]
        pace.after(len(rows))


def _indexed(
    db: sqlite3.Connection, table: str, index: str, key: str, columns: Sequence[str], page: int, pace: _Pace
) -> Iterator[str]:
    """Rows that their index does not lead to, and an index that leads to more than there is."""
    same = " AND ".join(f"b.{name} = a.{name}" for name in (*columns, key))
    sql = (
        f"SELECT max({key}), count(*), total(NOT EXISTS (SELECT 1 FROM {table} AS b INDEXED BY {index} "  # noqa: S608
        f"WHERE {same})) FROM (SELECT * FROM {table} NOT INDEXED WHERE {key} > ? ORDER BY {key} LIMIT ?) AS a"
    )
    last, astray = -1, 0
    while True:
        top, count, wrong = db.execute(sql, (last, page)).fetchone()
        if not count or top <= last:
            break
        last, astray = top, astray + int(wrong)
        pace.after(0)
    rows, entries = db.execute(
        f"SELECT (SELECT count(*) FROM {table} NOT INDEXED), "  # noqa: S608 - our own names
        f"(SELECT count(*) FROM {table} INDEXED BY {index})"
    ).fetchone()
    pace.after(0)
    if astray:
        yield f"structure: {astray} rows of {table} are missing from index {index}"
    elif rows != entries:
        yield f"structure: wrong # of entries in index {index}"


def _summed(db: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = ", ".join(_sums.SUMMED[table])
    for place, row in enumerate(db.execute(f"SELECT {columns}, crc FROM {table}")):  # noqa: S608 - ours
        if not _sums.is_sound(table, row):
            yield f"{table} row {place + 1}: the check sum does not match"


def _blocks(db: sqlite3.Connection, pace: _Pace) -> Iterator[str]:
    last = -1
    while True:
        rows = db.execute(SELECT_BLOCKS + "WHERE id > ? ORDER BY id LIMIT ?", (last, _BLOCKS_PAGE)).fetchall()
        if not rows:
            return
        for row in rows:
            block = blocks.Block(*row)
            if not block.is_sound():
                seqs = span_text((block.first_seq, block.last_seq))
                yield f"block {block.id} of {block.samples} samples (seq {seqs}): the check sum does not match"
        if rows[-1][0] <= last:
            yield f"block {last}: the blocks behind it are out of order"
            return
        last = rows[-1][0]
        pace.after(len(rows))


def _missing(db: sqlite3.Connection) -> Iterator[str]:
    """Numbers up to the last that stand nowhere and are not noted as gone: all of one moment.

    When as many stand as should, none is missing: only else each is looked for.
    """
    db.execute("BEGIN")
    try:
        known = Ranges(db.execute(GONE))
        rows, packed = db.execute(
            "SELECT (SELECT count(*) FROM samples NOT INDEXED), (SELECT total(count) FROM blocks NOT INDEXED)"
        ).fetchone()
        if rows + int(packed) + len(known) == last_seq_of(
            lambda sql, _: db.execute(sql).fetchall(), Sinks(db)
        ):
            return
        layouts = layouts_of(db)
        top = last_seq_of(lambda sql, _: db.execute(sql).fetchall(), Sinks(db))
        for (seq,) in db.execute("SELECT seq FROM samples ORDER BY seq"):
            known.add(seq, seq)
        for row in db.execute(SELECT_BLOCKS + "ORDER BY first_seq"):
            block = blocks.Block(*row)
            try:
                for first, last in runs(blocks.seqs_of(block, layouts[block.layout])):
                    known.add(first, last)
            except (IntegrityError, KeyError):
                known.add(block.first_seq, block.last_seq)  # told already
    finally:
        db.execute("COMMIT")
    for gap in known.gaps(1, top):
        yield f"samples seq {span_text(gap)}: not there, and nothing tells of it"
