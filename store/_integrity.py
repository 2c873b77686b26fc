"""What a start checks of a journal: its last rows, the small tables, and how far it should reach."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from store import _schema as schema
from store import _sums
from store._blocks import Block
from store._blocks_read import SELECT_BLOCKS
from store._faults import UNREADABLE, is_damage, is_nonsense, storage_error
from store._files import JournalFiles
from store._plausible import is_plausible
from store._ranges import Range
from store._rows import SELECT_SAMPLES, is_sound, layouts_of
from store._sinks import GONE

TAIL_BLOCKS: Final = 4
_HEAD: Final = 100
_FORMATS: Final = slice(18, 20)  # file format versions for writing and reading: 1 or, with a WAL, 2


@dataclass(frozen=True)
class Damage:
    """What a start found wrong.

    rebuild: the file itself can't be trusted. lost: ranges of seq that are gone; saved: samples that are
    not. aside: where the damaged file was put. told: the event stands in the journal already.
    """

    what: str
    rebuild: bool
    mark: int = 0
    lost: tuple[Range, ...] = ()
    saved: int = 0
    aside: Path | None = None
    tables: tuple[str, ...] = field(default=())
    told: bool = False

    def text(self) -> str:
        """One line for people."""
        gone = sum(last - first + 1 for first, last in self.lost)
        words = [f"The journal was damaged ({self.what}): {gone} stored samples are gone"]
        if self.lost:
            words.append(
                f"(seq {', '.join(span_text(r) for r in self.lost[:5])}{' …' * (len(self.lost) > 5)})"
            )
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
        if self.tables:
            data["incomplete"] = ", ".join(self.tables)
        return data


def span_text(span: Range) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}–{span[1]}"


def check_tail(files: JournalFiles, count: int) -> Damage | None:
    """Looks at the last rows, the small tables and the mark of an existing journal; None when all is well."""
    mark = files.read_mark()
    note = files.damage_note()
    if note is not None:
        return Damage(note.what, rebuild=True, mark=mark)
    if not files.path.exists():
        if mark == 0 and not files.beside():
            return None
        if files.beside():  # a WAL without its file: what is in it is saved
            return Damage("its file is missing", rebuild=True, mark=mark)
        return Damage("its file is missing", rebuild=False, mark=mark, lost=((1, mark),))
    files.keep_wal()
    try:
        with storage_error(files.path):
            db = _open_checked(files.path)
    except _DamagedError as error:
        return Damage(str(error), rebuild=True, mark=mark)
    try:
        version = schema.version_of(db)
        if version == 0:
            return _emptied(db, mark)
        what = _unsound(db, version, count)
        if what:
            return Damage(what, rebuild=True, mark=mark)
        if version >= 2:
            for table in _sums.NUMBERED:
                if _sums.is_cut_short(db, table):
                    return Damage(f"the last rows of {table} are missing", rebuild=True, mark=mark)
        stands, gone = _reach(db, version)
        found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
        sequence = found[0] if found else 0
        if sequence < stands or max(stands, gone) == mark < sequence:
            return Damage("the number of its last row is damaged", rebuild=True, mark=mark)
        last, told = max(stands, gone), max(mark, sequence)
        if told > last and db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            # rows may only be hidden: nothing is called lost that can still be reached
            return Damage("its end is missing and its structure is damaged", rebuild=True, mark=mark)
        missing = _sums.behind(db, files.read_others()) if version >= 2 else ()
        if told > last or missing:
            lost = ((last + 1, told),) if told > last else ()
            return Damage("its end was cut off", rebuild=False, mark=mark, lost=lost)
    except UNREADABLE as error:
        if is_nonsense(error):
            return Damage(str(error), rebuild=True, mark=mark)
        with storage_error(files.path):
            raise
    finally:
        db.close()
    files.drop_wal()
    return None


def _reach(db: sqlite3.Connection, version: int) -> tuple[int, int]:
    """The last seq that stands in a table, and the last that is noted as gone; 0 for none."""
    tops = [db.execute("SELECT max(seq) FROM samples").fetchone()[0]]
    if version >= 2:
        tops.append(db.execute("SELECT max(last_seq) FROM blocks").fetchone()[0])
    return max(top or 0 for top in tops), max((last for _, last in db.execute(GONE)), default=0)


def _unsound(db: sqlite3.Connection, version: int, count: int) -> str:
    """What is wrong with the last rows and the small tables, in words; nothing when they are sound."""
    rows = db.execute(SELECT_SAMPLES + "ORDER BY seq DESC LIMIT ?", (count,)).fetchall()
    if any(not is_sound(row) for row in rows):
        return "rows do not match their check sums"
    if len(layouts_of(db)) < db.execute("SELECT count(*) FROM layouts").fetchone()[0]:
        return "a layout or its instrument's name is not what was written"
    if version < 2:
        return _implausible(db)
    for table, columns in _sums.SUMMED.items():
        order = "ORDER BY seq DESC LIMIT ?" if table in _sums.NUMBERED else "LIMIT ?"
        sql = f"SELECT {', '.join(columns)}, crc FROM {table} {order}"  # noqa: S608 - as above
        if any(
            not _sums.is_sound(table, row)
            for row in db.execute(sql, (count if table in _sums.NUMBERED else 100_000,))
        ):
            return f"rows of {table} do not match their check sums"
    for row in db.execute(SELECT_BLOCKS + "ORDER BY id DESC LIMIT ?", (TAIL_BLOCKS,)):
        if not Block(*row).is_sound():
            return "a block does not match its check sum"
    return ""


def _implausible(db: sqlite3.Connection) -> str:
    """What can't be true in the small tables of version 1, which have no check sums; looked at once, wholly."""
    for table, columns in _sums.SUMMED.items():
        if table == "layouts_spare":
            continue
        rows = db.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - our own table names
        if not all(is_plausible(table, row) for row in rows):
            return f"rows of {table} can't be what was written"
    last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
    if db.execute("SELECT 1 FROM marks WHERE last > ?", (last[0] if last else 0,)).fetchone():
        return "rows of marks can't be what was written"
    return ""


class _DamagedError(Exception):
    """The file is not a sound database."""


def _open_checked(path: Path) -> sqlite3.Connection:
    db = None
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if len(head) == _HEAD and not set(head[_FORMATS]) <= {1, 2}:
        raise _DamagedError("its header is damaged")  # SQLite would take it for a file that can't be written
    try:
        db = schema.connect(path)
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UNREADABLE as error:
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
