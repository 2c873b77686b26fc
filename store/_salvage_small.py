"""The small tables of a damaged journal: names, layouts, events, counts and marks, as far as they can be had."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

from store import _sums
from store._carve import FIRST
from store._faults import UNREADABLE
from store._plausible import is_plausible, layout_of, mended

Row = tuple[Any, ...]

# tables whose rows change: of several copies that are found the greatest in this column is the last
_GROWING: Final = {"tallies": 3, "marks": 3, "cursors": 1}
_KEYS: Final = {"tallies": 3, "marks": 3, "cursors": 1, "facts": 2, "conflicts": 4}


def copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str, first_version: bool) -> str:
    """Copies the sound rows of a small table; gives what is wrong with the others."""
    columns = ", ".join(_sums.SUMMED[table])
    numbered = table in _sums.NUMBERED
    names = f"seq, {columns}" if numbered else columns
    put = _put(table)
    bad, whole = 0, True
    sql = f"SELECT {names}{'' if first_version else ', crc'} FROM {table} "  # noqa: S608 - our own names
    for order in ("ASC", "DESC"):  # what lies behind an unreadable page is reached from the other end
        bad = 0
        try:
            for row in old.execute(sql + f"ORDER BY 1 {order}"):
                told = (*row, None) if first_version else row
                if first_version and not numbered:
                    told = (*row, _sums.row_sum(table, *row))
                sound = _sums.is_sound(table, told[1:] if numbered else told)
                if first_version and not numbered:
                    sound = is_plausible(table, row)
                if not sound or (new.execute(put, told).rowcount == 0 and whole):
                    bad += 1
            return f"{bad} damaged rows" if bad else "" if whole else "unreadable pages"
        except UNREADABLE:
            whole = False
    return "unreadable pages"


def is_cut_short(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> bool:
    """True when rows at the end of a numbered table are missing: its page is another one, or an older one."""
    try:
        row = old.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    except UNREADABLE:
        return True
    last = new.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0  # noqa: S608 - our own names
    return row is not None and isinstance(row[0], int) and last < row[0]


def has_rows(db: sqlite3.Connection, table: str) -> bool:
    """True when a table is not empty."""
    return db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # noqa: S608 - our own names


def _put(table: str) -> str:
    columns = _sums.SUMMED[table]
    names = ("seq", *columns, "crc") if table in _sums.NUMBERED else (*columns, "crc")
    places = ", ".join("?" * len(names))
    return f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - ours


def tops(db: sqlite3.Connection) -> dict[str, int]:
    """The last seq of events and dead letters: only later ones are taken from pages, what was dropped is not."""
    return {
        table: db.execute(f"SELECT min(seq) FROM {table}").fetchone()[0] or 0  # noqa: S608 - our own names
        for table in _sums.NUMBERED
    }


def best(found: Iterable[tuple[str, Row]], from_seq: dict[str, int]) -> Iterator[tuple[str, Row]]:
    """Rows of small tables, of several copies of one the last."""
    newest: dict[tuple[object, ...], Row] = {}
    for table, row in found:
        if table not in _sums.SUMMED:
            continue
        if table in _sums.NUMBERED:
            if row[0] >= from_seq.get(table, 0):
                yield table, row
            continue
        key = (table, *row[: _KEYS.get(table, 1)])
        grows = _GROWING.get(table)
        if key not in newest or grows is None or row[grows] > newest[key][grows]:
            newest[key] = row
    for key, row in newest.items():
        yield str(key[0]), row


def put_small(db: sqlite3.Connection, rows: Iterable[tuple[str, Row]]) -> None:
    for table, row in rows:
        done = db.execute(_put(table), row).rowcount
        grows = _GROWING.get(table)
        if not done and grows is not None:
            key = [f"{name} = ?" for name in _sums.SUMMED[table][: _KEYS[table]]]
            column = _sums.SUMMED[table][grows]
            db.execute(
                f"UPDATE {table} SET {column} = ?, crc = ? WHERE {' AND '.join(key)} AND {column} < ?",  # noqa: S608
                (row[grows], row[-1], *row[: len(key)], row[grows]),
            )


def layouts_from_spare(new: sqlite3.Connection) -> None:
    for number, layout, instrument, channels, name in new.execute(
        "SELECT number, layout, instrument, channels, name FROM layouts_spare"
    ).fetchall():
        new.execute(_sums.insert("names", "INSERT OR IGNORE"), (instrument, name))
        row = (number, layout, instrument, channels)
        new.execute(_sums.insert("layouts", "INSERT OR IGNORE"), row)
    for row in new.execute(
        "SELECT number, layout, instrument, channels, name FROM layouts JOIN names ON names.id = instrument"
    ).fetchall():
        new.execute(_sums.insert("layouts_spare", "INSERT OR IGNORE"), row)


def mend_layouts(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copies layouts of version 1 that are not what their id says, put right; gives how many are given up.

    They have no check sums there and stand only once.
    """
    names = {name for (name,) in new.execute("SELECT name FROM names").fetchall()}
    for table in ("tallies", "facts", "events"):
        sql = f"SELECT DISTINCT instrument FROM {table}"  # noqa: S608 - our own names
        names |= {name for (name,) in new.execute(sql).fetchall() if name}
    given_up = 0
    try:
        rows = old.execute(
            "SELECT number, layout, instrument, CAST(channels AS BLOB), CAST(name AS BLOB) FROM layouts "
            "LEFT JOIN names ON names.id = instrument"
        ).fetchall()
    except UNREADABLE:
        return 0
    for number, layout_id, instrument, channels, name in rows:
        if layout_of(layout_id, name, channels) is not None:
            continue
        new.execute("DELETE FROM layouts WHERE number = ?", (number,))
        found = mended(layout_id, name or b"", channels or b"", sorted(names))
        if found is None:
            given_up += 1
            continue
        row = (number, found.id, instrument, json.dumps(found.channels))
        new.execute(_sums.insert("layouts", "INSERT OR REPLACE"), row)
        new.execute(_sums.insert("names", "INSERT OR REPLACE"), (instrument, found.instrument))
    return given_up


def layouts_of_first(new: sqlite3.Connection, found: Iterable[tuple[str, Row]]) -> None:
    """Puts layouts and names of version 1 from rows that pages hold: those that a layout's id proves."""
    layouts: list[Row] = []
    names: dict[int, set[str]] = {}
    for table, row in found:
        if table == FIRST + "names":
            names.setdefault(row[0], set()).add(row[1])
        elif table == FIRST + "layouts":
            layouts.append(row)
    for number, layout_id, instrument, channels in layouts:
        for name in names.get(instrument, ()):
            if layout_of(layout_id, name, channels) is not None:
                new.execute(_sums.insert("names", "INSERT OR IGNORE"), (instrument, name))
                row = (number, layout_id, instrument, channels)
                new.execute(_sums.insert("layouts", "INSERT OR IGNORE"), row)
