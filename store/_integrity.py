"""What a start checks, how a damaged journal is set aside and saved, and the full check."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from store import _schema as schema
from store._faults import is_damage, storage_error
from store._files import JournalFiles
from store._ranges import Range, Ranges, runs
from store._rows import RESCUE_SAMPLE, SELECT_SAMPLES, is_sound, layouts_of
from store._sinks import GONE

_COPIED: Final = (
    "names", "layouts", "conflicts", "events", "dead_letters", "tallies", "facts", "marks", "cursors",
)  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """What a start found wrong.

    rebuild: the file itself can't be trusted. lost: ranges of seq that are gone.
    aside: where the damaged file was put.
    """

    what: str
    rebuild: bool
    mark: int = 0
    lost: tuple[Range, ...] = ()
    saved: int = 0
    aside: Path | None = None
    tables: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """One line for people."""
        gone = sum(last - first + 1 for first, last in self.lost)
        words = [f"The journal was damaged ({self.what}): {gone} stored samples are gone"]
        if self.lost:
            words.append(f"(seq {', '.join(_span(r) for r in self.lost[:5])}{' …' * (len(self.lost) > 5)})")
        if self.aside is not None:
            words.append(f"; {self.saved} were saved, the damaged file is kept as {self.aside.name}")
        if self.tables:
            words.append(f"; incomplete besides: {', '.join(self.tables)}")
        return " ".join(words).replace(" ;", ";") + "."

    def data(self) -> Mapping[str, str | int | float]:
        """The same for programs."""
        data: dict[str, str | int | float] = {
            "lost": sum(last - first + 1 for first, last in self.lost),
            "saved": self.saved,
        }
        if self.lost:
            data["first_lost_seq"] = self.lost[0][0]
            data["last_lost_seq"] = self.lost[-1][1]
        if self.aside is not None:
            data["aside"] = self.aside.name
        return data


def _span(span: Range) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}–{span[1]}"


def check_tail(files: JournalFiles, count: int) -> Damage | None:
    """Looks at the last rows and the mark of an existing journal; None when all is well."""
    mark = files.read_mark()
    if not files.path.exists():
        if mark == 0:
            return None
        return Damage("its file is missing", rebuild=False, mark=mark, lost=((1, mark),))
    note = files.damage_note()
    if note is not None:
        return Damage(note, rebuild=True, mark=mark)
    try:
        with storage_error(files.path):
            db = _open_checked(files.path)
    except _DamagedError as error:
        return Damage(str(error), rebuild=True, mark=mark)
    try:
        if schema.version_of(db) == 0:
            return _emptied(db, mark)
        rows = db.execute(SELECT_SAMPLES + "ORDER BY seq DESC LIMIT ?", (count,)).fetchall()
        if any(not is_sound(row) for row in rows):
            return Damage("rows do not match their check sums", rebuild=True, mark=mark)
        for table in _COPIED:
            db.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our own table names
        sequence = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
        told = max(mark, sequence[0] if sequence else 0)
        known = Ranges(db.execute(GONE))
        last = max(rows[0][0] if rows else 0, max((end for _, end in known), default=0))
        if told > last:
            return Damage("its end was cut off", rebuild=False, mark=mark, lost=((last + 1, told),))
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return Damage(str(error), rebuild=True, mark=mark)
        with storage_error(files.path):
            raise
    finally:
        db.close()
    return None


class _DamagedError(Exception):
    """The file is not a sound database."""


def _open_checked(path: Path) -> sqlite3.Connection:
    db = None
    try:
        db = schema.connect(path)
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if db is not None:
            db.close()
        if is_damage(error):
            raise _DamagedError(str(error)) from error
        raise
    return db


def _emptied(db: sqlite3.Connection, mark: int) -> Damage | None:
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables or mark == 0:
        return None  # a new journal, or another program's file: prepare() tells
    return Damage("its content is gone", rebuild=False, mark=mark, lost=((1, mark),))


def salvage(files: JournalFiles, damage: Damage) -> Damage:
    """Sets the damaged file aside, copies over what can be read, and says what could not."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = files.path.with_name(f"{files.path.name}.damaged-{stamp}")
    with storage_error(files.path):
        for old in files.beside():
            suffix = old.name.removeprefix(files.path.name)
            if suffix == "-shm":
                old.unlink()
            else:
                old.rename(aside.with_name(aside.name + suffix))
        new = schema.connect(files.path)
        try:
            schema.prepare(new, files.path)
            new.execute("BEGIN IMMEDIATE")
            seqs, top, broken = _copy(aside, new, damage.mark)
            gone = new.execute(GONE).fetchall()
            new.execute("COMMIT")
        finally:
            new.close()
        files.clear_note()
    known = Ranges([*runs(seqs), *gone])
    top = max(top, damage.mark, max(seqs, default=0))
    lost = tuple(known.gaps(1, top)) if top else ()
    return Damage(damage.what, True, damage.mark, lost, len(seqs), aside, tuple(broken))


def _copy(aside: Path, new: sqlite3.Connection, mark: int) -> tuple[list[int], int, list[str]]:
    """Copies readable rows; gives their seqs, the highest seq the old file names, incomplete tables."""
    seqs: list[int] = []
    broken: list[str] = []
    top = mark
    old = sqlite3.connect(aside, isolation_level=None)
    try:
        with contextlib.suppress(sqlite3.DatabaseError):
            # a file shorter than its header says opens only like this
            old.execute("PRAGMA writable_schema = ON")
            row = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
            told = row[0] if row and isinstance(row[0], int) else 0
            # a number that no file of this size can have reached is damage itself
            top = max(top, min(told, mark + aside.stat().st_size // 16))
        for table in _COPIED:
            rows, whole = _rows_of(old, table)
            if rows:
                holders = ",".join("?" * len(rows[0]))
                new.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({holders})", rows)  # noqa: S608 - ours
            if not whole:
                broken.append(table)
        # a row whose layout is gone can't be read, and its number may be given to another layout
        known = layouts_of(new).keys()
        seqs += [
            row[0]
            for row in _readable(old, top)
            if is_sound(row) and row[4] in known and new.execute(RESCUE_SAMPLE, row).rowcount == 1
        ]
    finally:
        old.close()
    return seqs, top, broken


def _rows_of(old: sqlite3.Connection, table: str) -> tuple[list[tuple[Any, ...]], bool]:
    """The rows of a small table as far as they can be read, and whether that is all."""
    rows: list[tuple[Any, ...]] = []
    try:
        for row in old.execute(f"SELECT * FROM {table}"):  # noqa: S608 - our own table names
            rows.append(row)  # noqa: PERF402 - what was read before a fault counts
    except sqlite3.DatabaseError:
        return rows, False
    return rows, True


def _readable(old: sqlite3.Connection, top: int) -> Iterator[tuple[Any, ...]]:
    """Rows of samples that SQLite still reaches: halves a range until the unreadable part is alone.

    A damaged tree may give rows of other ranges, or the same ones for ever: only rows that go
    on inside the range count, and not more than it can hold.
    """
    stack = [(1, top)] if top > 0 else []
    while stack:
        first, last = stack.pop()
        reached, room = first - 1, last - first + 1
        try:
            for row in old.execute(SELECT_SAMPLES + "WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last)):
                room -= 1
                if room < 0:
                    break
                if isinstance(row[0], int) and reached < row[0] <= last:
                    reached = row[0]
                    yield row
            else:
                continue
        except sqlite3.DatabaseError:
            pass
        first = reached + 1
        if first < last:
            middle = (first + last) // 2
            stack.append((middle + 1, last))
            stack.append((first, middle))


def verify_rows(path: Path, page: int = 5000) -> list[str]:
    """Checks SQLite's structure and every row's CRC; gives findings in words."""
    findings: list[str] = []
    with storage_error(path):
        db = schema.connect(path, read_only=True)
    try:
        findings += [
            f"structure: {text}" for (text,) in db.execute("PRAGMA integrity_check(20)") if text != "ok"
        ]
        seq = 0
        while True:
            rows = db.execute(SELECT_SAMPLES + "WHERE seq > ? ORDER BY seq LIMIT ?", (seq, page)).fetchall()
            if not rows:
                break
            bad = [row[0] for row in rows if not is_sound(row)]
            findings += [f"samples seq {_span(run)}: the check sum does not match" for run in runs(bad)]
            seq = rows[-1][0]
    except sqlite3.DatabaseError as error:
        findings.append(f"structure: {error}")
    finally:
        db.close()
    return findings
