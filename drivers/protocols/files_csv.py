"""The table of interval files: delimiter, header, columns, the column of times."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import nearest
from dodac.units import canonical_unit
from drivers.protocols.files_text import read_lines, records

_DELIMITERS: Final = (";", "\t", ",", "|")
_WORDS: Final = {";": "semicolon", "\t": "tab", ",": "comma", "|": "bar", ".": "point"}
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
    lines, guesses = read_lines(path)
    if not any(line.strip() for line in lines):
        raise DataError("the file is empty.", Where(file=str(path)))
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
    for name in (*columns, *time_names):
        _check_once(header, name, Where(file=str(path), line=top + 1))
    places = tuple(_place(header, name) for name in columns)
    width = len(header)
    if len(set(places)) != len(places):
        raise ConfigError(
            "one column is asked for twice.",
            Where(file=str(path), line=top + 1),
            f"Columns: {_names(header)}.",
        )
    refused: list[tuple[int, str]] = []
    rows = list(records(lines, top + 1, sign, width, refused))
    if not rows:
        raise _no_rows(refused, path)
    if _is_units_row(rows[0][1], places):
        del rows[0]
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
    return Table(tuple(header), places, rows, stamps, refused, tuple(guesses))


def _no_rows(refused: Sequence[tuple[int, str]], path: Path) -> DataError:
    if not refused:
        return DataError("the file has a header and no rows.", Where(file=str(path)))
    line, reason = refused[0]
    return DataError(
        f"no row can be used ({len(refused)} refused); the first: {reason}.", Where(file=str(path), line=line)
    )


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


def _check_once(header: Sequence[str], name: str, where: Where) -> None:
    same = [str(place) for place, cell in enumerate(header, start=1) if cell == name]
    if len(same) > 1:
        raise ConfigError(
            f'{len(same)} columns are called "{name}".', where, f"Name one by its number: {', '.join(same)}."
        )


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
    assert widest is not None  # noqa: S101  (the file is not empty)
    top = widest[2]
    header = _split(lines[top], sign)
    for name in (*time_names, *columns):
        if _find(header, name) is None:
            near = nearest(name, header)
            known = _names(header)
            todo = f'Did you mean "{near}"? ' if near else ""
            return ConfigError(
                f'there is no column "{name}".',
                Where(file=str(path), line=top + 1),
                f"{todo}Columns: {known}.",
            )
    return ConfigError("no header row holds all columns asked for.", Where(file=str(path)))


def _names(header: Sequence[str]) -> str:
    return ", ".join(f'"{cell}"' for cell in header if cell)


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
    free = [place for place in range(len(rows[0][1]) if rows else 0) if place not in taken]
    if told and free:
        return free[0]
    # all rows, so that a file with a broken beginning is still read: its rows are refused one by one
    hits = {place: sum(1 for _, cells in rows if _TIME_LIKE.match(cells[place])) for place in free}
    best = max(hits.values(), default=0)
    if best >= min(3, len(rows)) and best > 0:
        return next(place for place in free if hits[place] * 2 > best)
    raise ConfigError(
        "no column looks like a time.",
        Where(file=str(path), line=rows[0][0] if rows else None),
        "Name the column that holds the time stamps (--time); seconds since 1970 are --date-format unix_s.",
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


def header_of(path: Path) -> tuple[str, ...]:
    """The names in the first line that holds more than one cell.

    Raises ConfigError or DataError when the file can't be read or has no such line.
    """
    lines, _ = read_lines(path)
    for line in lines[:_HEAD_LINES]:
        delimiter = max(_DELIMITERS, key=line.count)
        if line.count(delimiter):
            return tuple(_split(line, delimiter))
    raise DataError("no header line with several columns was found.", Where(file=str(path)))
