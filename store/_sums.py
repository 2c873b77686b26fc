"""Check sums of the journal's small tables: every row carries one, so that a flipped bit is found and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from store._codec import crc32c
from store._plausible import is_plausible

Value = int | str | bytes | None

SUMMED: Final[Mapping[str, tuple[str, ...]]] = {
    "names": ("id", "name"),
    "layouts": ("number", "layout", "instrument", "channels"),
    "layouts_spare": ("number", "layout", "instrument", "channels", "name"),
    "conflicts": ("instrument", "time_ns", "base", "digest", "part"),
    "events": ("time_ns", "end_ns", "kind", "text", "source", "instrument", "data"),
    "dead_letters": ("time_ns", "source", "topic", "payload", "reason", "instrument"),
    "tallies": ("instrument", "source", "outcome", "count"),
    "facts": ("instrument", "name", "value"),
    "marks": ("sink", "state", "first", "last", "reason"),
    "cursors": ("name", "seq"),
}
"""Table → the columns under its column `crc`, in the table's order (a seq that SQLite gives is not one)."""

NUMBERED: Final = ("events", "dead_letters")
"""Tables whose rows have a seq before these columns; rows of version 1 have no sum there (NULL)."""


def row_sum(table: str, *columns: Value) -> int:
    """CRC32C over a table's name and a row's columns; also the SQL function row_sum of every connection."""
    parts = [table.encode()]
    for value in columns:
        match value:
            case None:
                parts.append(b"-")
            case int():
                parts.append(b"i%d" % value)
            case str():
                text = value.encode("utf-8", "surrogatepass")
                parts.append(b"s%d:" % len(text) + text)
            case _:
                parts.append(b"b%d:" % len(value) + value)
    return crc32c(b"\x00".join(parts))


def add_function(db: sqlite3.Connection) -> None:
    """Makes row_sum known to a connection."""
    db.create_function("row_sum", -1, row_sum, deterministic=True)


def insert(table: str, how: str = "INSERT") -> str:
    """The statement that puts one row of a table with its sum; values in the order of SUMMED."""
    columns = SUMMED[table]
    return (
        f"{how} INTO {table} ({', '.join(columns)}, crc) "
        f"VALUES ({', '.join(_places(len(columns)))}, {_sum_of(table, _places(len(columns)))}) "
    )


def replaced(table: str, column: str) -> str:
    """The tail of an insert that replaces one column of a row that is there."""
    values = [f"excluded.{name}" for name in SUMMED[table]]
    return f"ON CONFLICT DO UPDATE SET {column} = excluded.{column}, crc = {_sum_of(table, values)}"


def added(table: str, column: str) -> str:
    """The tail of an insert that adds to one column; a row that is damaged keeps its wrong sum, to be found."""
    before = _sum_of(table, SUMMED[table])
    values = [f"{name} + excluded.{name}" if name == column else name for name in SUMMED[table]]
    return (
        f"ON CONFLICT DO UPDATE SET {column} = {column} + excluded.{column}, "
        f"crc = CASE WHEN crc IS {before} THEN {_sum_of(table, values)} ELSE crc END"
    )


def fill(table: str) -> str:
    """The statement that gives every row of a table its sum."""
    return f"UPDATE {table} SET crc = {_sum_of(table, SUMMED[table])}"  # noqa: S608 - our own table names


def is_sound(table: str, row: Sequence[Any]) -> bool:
    """True when a row (columns of SUMMED and then its sum) is what was written."""
    *columns, told = row
    if told is None and table in NUMBERED:
        return is_plausible(table, columns)  # of version 1
    try:
        return bool(row_sum(table, *columns) == told)
    except TypeError:
        return False


def text_or_bytes(data: bytes) -> str | bytes:
    """A text factory for damaged files: what is no text stays bytes, and so never fits a check sum."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def last_numbers(db: sqlite3.Connection) -> tuple[int, int]:
    """The last seq that stands in each table of NUMBERED, 0 for none."""
    events, letters = db.execute(
        "SELECT (SELECT max(seq) FROM events), (SELECT max(seq) FROM dead_letters)"
    ).fetchone()
    return events or 0, letters or 0


def behind(db: sqlite3.Connection, noted: tuple[int, int]) -> tuple[str, ...]:
    """The tables of NUMBERED whose last rows are not there, by what was noted of them."""
    stand = last_numbers(db)
    return tuple(table for table, last, told in zip(NUMBERED, stand, noted, strict=True) if last < told)


def is_cut_short(db: sqlite3.Connection, table: str) -> bool:
    """True when the last rows of a numbered table are missing (none that limits take): its page is another, or older."""
    last, told = db.execute(
        f"SELECT (SELECT max(seq) FROM {table}), (SELECT seq FROM sqlite_sequence WHERE name = '{table}')"  # noqa: S608
    ).fetchone()
    return (last or 0) < (told or 0)


def _places(count: int) -> list[str]:
    return [f"?{place}" for place in range(1, count + 1)]


def _sum_of(table: str, values: Sequence[str]) -> str:
    return f"row_sum('{table}', {', '.join(values)})"
