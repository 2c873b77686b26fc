"""The text side of interval files: encoding, delimiter, header, rows."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import nearest
from dodac.units import canonical_unit

_DELIMITERS: Final = (";", "\t", ",", "|")
_WORDS: Final = {";": "semicolon", "\t": "tab", ",": "comma", "|": "bar"}
_HEAD_LINES: Final = 60  # a block of metadata before the header may be this long
_BRACKETS: Final = re.compile(r"^(.*?)\s*[\[(]\s*([^\])]+?)\s*[\])]\s*$")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file: rows[i] is (line, cells), stamps[i] the text of its time.

    places: where each column asked for stands; header: the names found there.
    """

    header: tuple[str, ...]
    places: tuple[int, ...]
    rows: list[tuple[int, Sequence[str]]]
    stamps: list[str]
    refused: list[tuple[int, str]]
    guesses: tuple[str, ...]

    @property
    def lines(self) -> list[int]:
        """The line of each row in the file."""
        return [line for line, _ in self.rows]


def read_table(
    path: Path,
    columns: Sequence[str],
    time_column: str | None,
    delimiter: str | None,
    *,
    format_told: bool = False,
) -> Table:
    """Splits a file into rows of the right width.

    format_told: the caller knows how times are written, which may look like numbers.

    Raises DataError when it can't be read or has no rows, ConfigError for a column that is not there.
    """
    text, guesses = _text(path)
    lines = text.splitlines()
    time_names = _time_names(time_column)
    found, sign = _find_header(lines, columns, time_names, delimiter)
    if found is None:
        raise _no_header(lines, sign, columns, time_names, path)
    top, header = found
    if delimiter is None:
        guesses.append(f"delimiter: {_WORDS.get(sign, sign)}")
    if top:
        guesses.append(f"header: line {top + 1}; {top} lines above it were left out")
    while header and not header[-1]:
        header.pop()
    places = tuple(_place(header, name) for name in columns)
    width = len(header)
    if len(set(places)) != len(places):
        raise ConfigError(
            "one column is asked for twice.", Where(file=str(path), line=top + 1), f"Columns: {header}."
        )
    rows: list[tuple[int, Sequence[str]]] = []
    refused: list[tuple[int, str]] = []
    for number, line in enumerate(lines[top + 1 :], start=top + 2):
        if not line or line.isspace():
            continue
        if '"' in line:
            try:
                cells = next(csv.reader([line], delimiter=sign, strict=True))
            except (csv.Error, StopIteration):
                refused.append((number, "a quotation mark is not closed"))
                continue
        else:
            cells = line.split(sign)
        if len(cells) != width:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            if len(cells) != width:
                refused.append((number, f"{len(cells)} fields, the header has {width}"))
                continue
        rows.append((number, cells))
    if rows and _is_units_row(rows[0][1], places):
        rows.pop(0)
        guesses.append("the row under the header holds units and was left out")
    if time_names:
        time_places = [_place(header, name) for name in time_names]
    else:
        time_places = [_first_times(rows, places, path, told=format_told)]
        guesses.append(f'time column: "{header[time_places[0]]}"')
    if len(time_places) == 1:
        place = time_places[0]
        stamps = [cells[place].strip() for _, cells in rows]
    else:
        stamps = [" ".join(cells[p].strip() for p in time_places).strip() for _, cells in rows]
    if not rows:
        raise DataError("the file has a header and no rows that can be used.", Where(file=str(path)))
    return Table(tuple(header), places, rows, stamps, refused, tuple(guesses))


def _text(path: Path) -> tuple[str, list[str]]:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise ConfigError("there is no such file.", Where(file=str(path))) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file can't be read: {error}.", Where(file=str(path))) from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
        if b"\x00" in data:
            raise DataError(
                "this is not a text file (it holds zero bytes).",
                Where(file=str(path)),
                "Export it as CSV first.",
            )
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["encoding: not UTF-8, read as Latin-1"]


def _split(line: str, sign: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        cells = line.split(sign)
    return [cell.strip() for cell in cells]


def _time_names(time_column: str | None) -> tuple[str, ...]:
    if time_column is None:
        return ()
    return tuple(part.strip() for part in time_column.split("+")) if "+" in time_column else (time_column,)


def _bare(name: str) -> str:
    match = _BRACKETS.match(name)
    return (match.group(1) if match else name).strip().casefold()


def _find(header: Sequence[str], name: str) -> int | None:
    """A column by its name, then without regard to case, then without its unit, then by number."""
    if name in header:
        return header.index(name)
    folded = [cell.casefold() for cell in header]
    if name.strip().casefold() in folded:
        return folded.index(name.strip().casefold())
    bare = [_bare(cell) for cell in header]
    if bare.count(name.strip().casefold()) == 1:
        return bare.index(name.strip().casefold())
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return int(name) - 1
    return None


def _place(header: Sequence[str], name: str) -> int:
    place = _find(header, name)
    if place is None:  # the header was chosen because it holds every name
        raise ConfigError(f'there is no column "{name}".')
    return place


def _find_header(
    lines: Sequence[str], columns: Sequence[str], time_names: Sequence[str], delimiter: str | None
) -> tuple[tuple[int, list[str]] | None, str]:
    for sign in (delimiter,) if delimiter else _DELIMITERS:
        for top, line in enumerate(lines[:_HEAD_LINES]):
            if sign not in line and len(columns) + len(time_names) > 1:
                continue
            cells = _split(line, sign)
            if len(cells) > 1 and all(_find(cells, name) is not None for name in (*columns, *time_names)):
                return (top, cells), sign
    return None, delimiter or _likely_delimiter(lines)


def _likely_delimiter(lines: Sequence[str]) -> str:
    counts = {sign: Counter(line.count(sign) for line in lines[:_HEAD_LINES]) for sign in _DELIMITERS}

    def score(sign: str) -> int:
        return max((times for many, times in counts[sign].items() if many > 0), default=0)

    return max(_DELIMITERS, key=score)


def _no_header(
    lines: Sequence[str], sign: str, columns: Sequence[str], time_names: Sequence[str], path: Path
) -> ConfigError | DataError:
    widest = max(
        ((len(_split(line, sign)), -top, top) for top, line in enumerate(lines[:_HEAD_LINES])), default=None
    )
    if widest is None:
        return DataError("the file is empty.", Where(file=str(path)))
    top = widest[2]
    header = _split(lines[top], sign)
    for name in (*time_names, *columns):
        if _find(header, name) is None:
            near = nearest(name, header)
            known = ", ".join(f'"{cell}"' for cell in header if cell)
            todo = f'Did you mean "{near}"? ' if near else ""
            return ConfigError(
                f'there is no column "{name}".',
                Where(file=str(path), line=top + 1),
                f"{todo}Columns: {known}.",
            )
    return ConfigError("no header row holds all columns asked for.", Where(file=str(path)))


def _is_units_row(cells: Sequence[str], places: Sequence[int]) -> bool:
    def is_unit(text: str) -> bool:
        try:
            canonical_unit(text.strip().strip("[]()"))
        except ValueError:
            return False
        return bool(text.strip()) and not any(sign.isdigit() for sign in text.strip()[:1])

    return all(is_unit(cells[place]) for place in places)


_TIME_LIKE: Final = re.compile(r"^\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(\D.*)?$|^\s*\d{8}([T ]\d{4,6})?\s*$")


def _first_times(
    rows: Sequence[tuple[int, Sequence[str]]], taken: Sequence[int], path: Path, *, told: bool
) -> int:
    """The first column that holds times; with a format told that can be any, the first one left."""
    head = rows[:200]
    for place in range(len(head[0][1]) if head else 0):
        if place not in taken:
            if told:
                return place
            hits = sum(1 for _, cells in head if _TIME_LIKE.match(cells[place]))
            if hits * 2 > len(head):
                return place
    raise ConfigError(
        "no column looks like a time.", Where(file=str(path)), "Name the column that holds the time stamps."
    )


def unit_in_header(name: str) -> str | None:
    """The unit that a column's name carries: "Energy [MWh]", "Energy (MWh)" or "Energy_MWh"."""
    match = _BRACKETS.match(name)
    word = match.group(2) if match else name.rsplit("_", 1)[1] if "_" in name else ""
    if not match and len(word) < 2:
        return None
    try:
        return canonical_unit(word) if word else None
    except ValueError:
        return None
