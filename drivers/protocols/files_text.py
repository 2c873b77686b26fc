"""The bytes of interval files: packing, encoding, line ends, and fields in quotation marks."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dodac.errors import ConfigError, DataError, Where

# a field in quotation marks may run over so many lines; beyond, the mark is taken as not closed
_MOST_LINES: Final = 20
_OFFICE: Final = b"PK\x03\x04"


def read_lines(path: Path) -> tuple[list[str], list[str]]:
    """The lines of a text file (as an editor counts them) and what was guessed of it in words.

    Raises ConfigError when it is not there, DataError when it can't be read or is no text.
    """
    text, guesses = _text(path)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    elif len(lines) > 1:
        guesses.append(f"line {len(lines)} has no line end: if the file was cut there, its last value is too")
    return lines, guesses


def _text(path: Path) -> tuple[str, list[str]]:
    where = Where(file=str(path))
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise ConfigError("there is no such file.", where) from None
    except IsADirectoryError:
        raise ConfigError("this is a folder.", where, "Name a file in it.") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise DataError(f"the file can't be read: {why}.", where) from None
    if data[:4] == _OFFICE:
        raise DataError("this is a workbook or a ZIP archive, not text.", where, "Export it as CSV first.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # a file cut within a sign still has all its lines but the last
        return data.decode("utf-16", errors="replace"), []
    if b"\x00" in data:
        line = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise DataError(
            "this is not a text file (it holds zero bytes).",
            Where(file=str(path), line=line),
            "Export it as CSV first; in a torn log, remove these bytes.",
        )
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("latin-1"), [f"encoding: line {line} is not UTF-8, all read as Latin-1"]


def records(
    lines: Sequence[str], start: int, sign: str, width: int, refused: list[tuple[int, str]]
) -> Iterator[tuple[int, Sequence[str]]]:
    """(line, cells) of each row from lines[start] on; rows of another width go to `refused`.

    A row whose field in quotation marks runs over several lines is named by its first.
    """
    place = start
    while place < len(lines):
        line, number = lines[place], place + 1
        place += 1
        if not line or line.isspace():
            continue
        if '"' in line:
            found, used = _quoted(lines, place - 1, sign, width)
            if found is None:
                refused.append((number, "a quotation mark is not closed"))
                continue
            cells: list[str] = found
            place += used - 1
        else:
            cells = line.split(sign)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            many = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            refused.append((number, f"{many}, the header has {width}"))
            continue
        yield number, cells


def _quoted(lines: Sequence[str], place: int, sign: str, width: int) -> tuple[list[str] | None, int]:
    """The cells of a row with quotation marks and how many lines it takes; None when one is not closed."""
    for used in range(1, _MOST_LINES + 1):
        if place + used > len(lines):
            break
        try:
            cells = next(csv.reader(["\n".join(lines[place : place + used])], delimiter=sign, strict=True))
        except (csv.Error, StopIteration):
            continue
        # over several lines it must be a whole row: else one mark too many would swallow good rows
        if used == 1 or len(cells) == width:
            return cells, used
    return None, 1
