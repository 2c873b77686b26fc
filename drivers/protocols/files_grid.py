"""Files as rows of cells, whatever they are made of; gone through as often as needed, never held whole."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from drivers.protocols.files_text import Text

DELIMITERS: Final = (";", "\t", ",", "|")
# a field in quotation marks may run over so many lines; beyond, the mark is taken as not closed
_MOST_LINES: Final = 20

Row = tuple[int, list[str] | None]
"""Line and cells; None where a quotation mark is not closed."""


class Exact(str):
    """A number that was stored as one, written with a point: nothing of it is to be guessed."""

    __slots__ = ()


class Percent(Exact):
    """A number that is shown as a percentage: what is shown, without its sign."""

    __slots__ = ()


class Rows(Protocol):
    """Rows from the top; blank lines are left out.

    width: set it to the number of columns of the table one is in: only a row of that width may hold a
    field that runs over lines.
    """

    width: int

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """A file (or one sheet of it) as rows.

    sign: the delimiter, "" where there is none. notes: what was guessed. facts: what the format itself
    says of the instrument. kind: the name of a format that is known by itself. times: its columns of
    times. date_order: as FileSpec.date_format.
    """

    path: Path
    rows: Callable[[], Rows]
    sign: str = ""
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    times: tuple[str, ...] = ()
    date_order: str | None = None
    stamp: Literal["start", "end", "instant"] | None = None


class CsvRows:
    """Rows of a text whose cells stand between delimiters."""

    def __init__(self, lines: Iterator[str], sign: str) -> None:
        self.width = 0
        self._lines = lines
        self._sign = sign
        self._ahead: deque[str] = deque()
        self._number = 0

    def __iter__(self) -> Iterator[Row]:
        sign, ahead, lines = self._sign, self._ahead, self._lines
        while True:
            line = ahead.popleft() if ahead else next(lines, None)
            if line is None:
                return
            self._number = number = self._number + 1
            if not line or line.isspace():
                continue
            if '"' in line:
                yield number, self._quoted(line)
            else:
                yield number, line.split(sign)

    def _quoted(self, line: str) -> list[str] | None:
        """The cells of a row with quotation marks; None when one is not closed."""
        taken = [line]
        for used in range(1, _MOST_LINES + 1):
            if used > 1:
                while len(self._ahead) < used - 1:
                    more = next(self._lines, None)
                    if more is None:
                        return None
                    self._ahead.append(more)
                taken.append(self._ahead[used - 2])
            try:
                cells = next(csv.reader(["\n".join(taken)], delimiter=self._sign, strict=True))
            except (csv.Error, StopIteration):
                continue
            # over several lines it must be a whole row: else one mark too many would swallow good rows
            if used == 1 or len(cells) == self.width:
                for _ in range(used - 1):
                    self._ahead.popleft()
                self._number += used - 1
                return cells
        return None


def csv_grid(text: Text, sign: str) -> Grid:
    """A text file with one delimiter."""
    return Grid(text.path, lambda: CsvRows(text.lines(), sign), sign, text.notes)
