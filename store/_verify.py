"""The full check of a journal: SQLite's structure, every row's and block's sum, and that no seq is missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from dodac.errors import IntegrityError
from store import _blocks as blocks
from store import _schema as schema
from store import _sums
from store._accounts import last_seq_of
from store._blocks_read import SELECT_BLOCKS
from store._faults import UNREADABLE, storage_error
from store._integrity import span_text
from store._ranges import Ranges, runs
from store._rows import SELECT_SAMPLES, is_sound, layouts_of
from store._sinks import GONE, Sinks

Pause = Callable[[int], bool]
"""Told between pieces how many rows and blocks were looked at; may wait; False ends the check early."""

_BLOCKS_PAGE = 200


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


def verify_rows(path: Path, page: int = 5000, pause: Pause = at_once) -> list[str]:
    """Checks a journal that another thread or process may be writing; gives findings in words.

    Each piece is read in a transaction of its own, so that the WAL need not grow meanwhile.
    """
    pace = _Pace(pause)
    findings: list[str] = []
    with storage_error(path):
        db = schema.connect(path, read_only=True)
    db.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        findings += [
            f"structure: {text}" for (text,) in db.execute("PRAGMA integrity_check(20)") if text != "ok"
        ]
        pace.after(0)
        findings += _samples(db, page, pace)
        if schema.version_of(db) >= 2:
            for table in _sums.SUMMED:
                findings += _summed(db, table)
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
