"""One version back: a journal as the dodac before this one reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from dodac.errors import StorageError, Where
from store import _schema as schema
from store._backup import Progress, copy_whole, need_room, nobody
from store._blocks import Block, rows_of
from store._blocks_read import SELECT_BLOCKS
from store._faults import storage_error
from store._files import JournalFiles, real, refuse_a_strangers_file
from store._rows import INSERT_SAMPLE, layouts_of
from store._sums import SUMMED
from store.journal import Journal

VERSION: Final = schema.VERSION
"""The version of the tables that this dodac writes."""

_BLOCKS_AT_ONCE: Final = 50

# what version 1 had; the rest of version 2 is made anew when the journal comes forward again
_TABLES_1: Final = frozenset(
    {
        "names",
        "layouts",
        "samples",
        "conflicts",
        "events",
        "dead_letters",
        "tallies",
        "facts",
        "marks",
        "cursors",
    }
)
_KINDS_1: Final = (
    "start", "stop", "fault_start", "fault_end", "gap", "clock_jump", "import", "damage", "alarm", "note",
)  # fmt: skip


def _to_1(db: sqlite3.Connection) -> None:
    """Without blocks (unpacked before), sums of the small tables, and event kinds that version 1 does not know."""
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name not in _TABLES_1 and not name.startswith("sqlite_"):
            db.execute(f"DROP TABLE {name}")
    for table in SUMMED.keys() & _TABLES_1:
        db.execute(f"ALTER TABLE {table} DROP COLUMN crc")
    holders = ",".join("?" * len(_KINDS_1))
    db.execute(
        f"UPDATE events SET data = json_set(data, '$.{schema.KIND_OF_2}', kind), kind = 'note' "  # noqa: S608 - ours
        f"WHERE kind NOT IN ({holders})",
        _KINDS_1,
    )
    db.execute(
        "UPDATE marks SET state = 'lost', reason = ? || reason WHERE sink = '' AND state = 'dropped'",
        (schema.DROPPED_OF_2,),
    )


# version → what brings it to the one before, inside one transaction, once nothing is packed
BACK: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {2: _to_1}


def go_back(path: Path, copy: Path | None = None, progress: Progress = nobody) -> int:
    """Brings a journal one version back, after a copy of it is made; gives the version it has now.

    copy: where to, by default beside it as NAME.version-N. Blocks become rows again, some at a time: whatever
    ends it, the file is whole and of one of the two versions, and the same command goes on. Raises
    StorageError when another process has the journal, there is no room, or there is no older version.
    """
    if not path.exists():
        raise StorageError("there is no journal here.", Where(file=str(path)), "Name another one.")
    path = real(path)
    _must_be_newest(path)
    with Journal.open(path) as journal:
        version = VERSION
        with journal.upkeep() as (db, _):
            layouts = layouts_of(db)
            packed = db.execute(
                "SELECT layout, total(count), total(length(body)) FROM blocks GROUP BY 1"
            ).fetchall()
        need = sum(
            int(count) * (8 * len(layouts[layout].channels) + 80) + 4 * int(size)
            for layout, count, size in packed
        )
        target = copy or path.with_name(f"{path.name}.version-{version}")
        need_room(path.parent, need, "unpacking the journal", "drop old samples first ([store] max_age)")
        with closing(schema.connect(path, read_only=True)) as reader:
            copy_whole(reader, target, todo="make it elsewhere: dodac store downgrade --copy FILE")
        need_room(
            path.parent,
            need,
            "unpacking the journal",
            "name a place for the copy on another disk: --copy FILE",
        )
        left = sum(int(count) for _, count, _ in packed)
        of = left
        while left:
            progress(of - left, of)
            with journal.upkeep() as (db, _):
                rows = db.execute(f"{SELECT_BLOCKS} ORDER BY id LIMIT ?", (_BLOCKS_AT_ONCE,)).fetchall()
                for row in rows:
                    block = Block(*row)
                    db.executemany(INSERT_SAMPLE, rows_of(block, layouts[block.layout]))
                    db.execute("DELETE FROM blocks WHERE id = ?", (block.id,))
                    left -= block.samples
            if not rows:
                break
        with journal.upkeep() as (db, _):
            if db.execute("SELECT count(*) FROM blocks").fetchone()[0]:
                raise StorageError(
                    "some blocks could not be unpacked.", Where(file=str(path)), "Run it again."
                )
            BACK[version](db)
            db.execute(f"PRAGMA user_version = {version - 1}")
    return version - 1


def come_forward(path: Path, copy: Path | None = None) -> int:
    """Brings an older journal to this dodac's version, as dodac run does; gives the version it had.

    copy: where the copy of before goes to, by default beside it as NAME.version-N.
    """
    if not path.exists():
        raise StorageError("there is no journal here.", Where(file=str(path)), "Name another one.")
    files = JournalFiles.lock(path)
    path = files.path
    try:
        with closing(schema.connect(path)) as db:
            before = schema.version_of(db)
            schema.prepare(db, path, copy=copy)
    finally:
        files.release()
    return before


def _must_be_newest(path: Path) -> None:
    with storage_error(path):
        refuse_a_strangers_file(path)
        with closing(schema.connect(path, read_only=True)) as db:
            version = schema.version_of(db)
    if version != schema.VERSION:
        raise StorageError(
            f"the journal has version {version}; this dodac brings version {schema.VERSION} one back.",
            Where(file=str(path)),
            "There is nothing to do." if version == schema.VERSION - 1 else "Use the dodac of that version.",
        )
