"""Printouts of analysers kept as text: below a date and a time, one quantity on each line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from dodac.errors import DataError, Where
from drivers.protocols.files_dates import split_stamp
from drivers.protocols.files_facts import fact_in
from drivers.protocols.files_grid import Grid, Row
from drivers.protocols.files_head import is_date
from drivers.protocols.files_text import Text
from drivers.protocols.files_units import file_unit, is_foreign, split_name
from drivers.protocols.files_words import is_time_word, plain, vocabulary

_MOST_LINES: Final = 5_000
_FEWEST: Final = 3  # so many quantities make a printout
_TIME: Final = "Date and time"
_EDGE: Final = " \t;:=|_.'\""
_NUMBER: Final = re.compile(
    r"(?<![\w.,/:-])[-+−]?\d[\d.,]*(?![\w,/:]|\.\d|-\d)|(?<!\S)(?:-{2,}|\*{2,}|N/A|OFL)(?!\S)"
)
_CLOCK: Final = re.compile(r"(?<!\S)\d{1,2}:\d{2}(?::\d{2})?(?:\s?(?:am|pm|sa|ch))?(?!\S)", re.IGNORECASE)
_DAY: Final = re.compile(
    r"(?<!\S)(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[-/. ][^\W\d_]{3,9}\.?[-/. ]\d{2,4})(?!\S)"
)


@dataclass(slots=True)
class _Moment:
    """One printout: its first line, date, time of day, and values with their lines by name."""

    line: int
    day: str = ""
    clock: str = ""
    values: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        if not self.day or not self.clock:
            return f"{self.day} without a time" if self.day else ""
        return f"{self.day} {self.clock}"


def print_grid(text: Text) -> Grid | None:
    """The moments of a printout as rows of a table; None for a file that is none.

    Raises DataError for a printout of which not every value has its own name and moment.
    """
    lines = list(islice(text.lines(), _MOST_LINES + 1))
    if len(lines) > _MOST_LINES:
        return None
    moments, words = _moments(lines, Where(file=str(text.path)))
    if sum(_is_table_row(raw) for _, raw in words) > 1:
        return None
    names = list(dict.fromkeys(name for moment in moments for name in moment.values))
    known = {name for name in names if _is_known(name)}
    if len(known) < _FEWEST or not any(moment.day for moment in moments):
        return None
    header = [_TIME, *names]
    rows = [(0, header)]
    rows += [(m.line, [m.stamp, *(m.values.get(name, (0, ""))[1] for name in names)]) for m in moments]
    facts, other = _facts(words)
    notes = [*text.notes, f"a printout: {len(moments)} times of measurement, one quantity a line"]
    if other:
        notes.append(f"lines that hold a number and were not read: {', '.join(map(str, other[:20]))}")
    return Grid(
        text.path, lambda: _Printed(rows), "", tuple(notes), facts, "printout", (_TIME,), None, "instant"
    )


class _Printed:
    """The rows of a printout's table; cells are copied, since who reads them may cut them."""

    def __init__(self, rows: list[tuple[int, list[str]]]) -> None:
        self.width = 0
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for line, cells in self._rows:
            yield line, list(cells)


def _moments(lines: list[str], where: Where) -> tuple[list[_Moment], list[tuple[int, str]]]:
    """Moments, and the lines that are neither a value nor a time."""
    moments: list[_Moment] = []
    words: list[tuple[int, str]] = []
    clash: DataError | None = None  # two dates with nothing below them are no printout
    for number, raw in enumerate(lines, start=1):
        line = " ".join(raw.replace("\u00a0", " ").split())
        if not line.strip(_EDGE + "-*"):
            continue
        when = _when(line)
        if when is not None:
            now = moments[-1] if moments and not moments[-1].values else _Moment(number)
            if moments and moments[-1].values and not moments[0].day:
                return [], []  # dates below their values: which belong together can't be told
            for name, said in zip(("day", "clock"), when, strict=True):
                if said and getattr(now, name) not in ("", said):
                    clash = clash or DataError(
                        f'"{getattr(now, name)}" and "{said}" stand above the same values.',
                        Where(file=where.file, line=number),
                        "Leave the one that is not the time of the measurement out.",
                    )
                if said:
                    setattr(now, name, said)
            if not moments or moments[-1] is not now:
                moments.append(now)
            continue
        value = _value(line)
        if value is None:
            words.append((number, raw))
            continue
        if clash is not None:
            raise clash
        name, said = value
        if not moments:
            moments.append(_Moment(number))
        before = moments[-1].values.setdefault(name, (number, said))
        if before != (number, said) and before[1] != said:
            raise DataError(
                f'"{name}" stands on lines {before[0]} and {number} with no date between them.',
                Where(file=where.file, line=number),
                "Leave out the one that is not to be read, or give each printout its date and time.",
            )
    return [moment for moment in moments if moment.values], words


def _when(line: str) -> tuple[str, str] | None:
    """The date and the time of day of a line that holds nothing else but words of times."""
    flat = line.replace(";", " ").replace("|", " ").replace(",", " ").replace("\t", " ")
    day, clock = _DAY.search(flat), _CLOCK.search(flat)
    said = day[0] if day is not None and is_date(day[0]) else ""
    if not said and clock is None:
        return None
    rest = flat.replace(said, " ", 1) if said else flat
    rest = _CLOCK.sub(" ", rest, count=1).strip(_EDGE + "/-+")
    for word in re.split(r"[:=/]|\s{2,}", rest):
        if word.strip() and not is_time_word(word) and not is_time_word(rest):
            return None
    date = split_stamp(said)[0] if said else ""
    return date, clock[0] if clock else ""


def _value(line: str) -> tuple[str, str] | None:
    """Name (with its unit) and number of a line such as "O2 5.4 %", "CO ppm: 25" or "3.4 % O2"."""
    found = list(_NUMBER.finditer(line))
    if len(found) != 1:
        return None
    (number,) = found
    left, right = line[: number.start()].strip(_EDGE), line[number.end() :].strip(_EDGE)
    if not left:
        unit, _, left = right.partition(" ")
        right, left = unit, left.strip(_EDGE)
        if not left or not _is_unit(right):
            return None
    if len(left) > 40 or (right and not _is_unit(right)):
        return None
    left = " ".join(re.split(r"[;|\t]", left)).strip()
    name = f"{left} [{right}]" if right else left
    if is_time_word(left) or not (_is_known(name) or (right and left[:1].isalpha())):
        return None
    return name, number[0]


def _is_table_row(raw: str) -> bool:
    """True for a line of three numbers, dates or times: what stands above it are words about a table."""
    cells: list[str] = re.split(r"[;,|\t]|\s{2,}", raw)
    return sum(cell.strip()[:1].isdigit() for cell in cells) > 2


def _is_unit(text: str) -> bool:
    return file_unit(text) is not None or is_foreign(text)


def _is_known(name: str) -> bool:
    table = vocabulary()
    words = {plain(name), plain(split_name(name)[0])}
    return any(word in table.channels or word in table.two_senses or word in table.known for word in words)


def _facts(words: list[tuple[int, str]]) -> tuple[dict[str, str], list[int]]:
    """What other lines say of the instrument, and those that hold a number on its own."""
    facts: dict[str, str] = {}
    other = []
    for number, raw in words:
        parts = [part.strip(_EDGE) for part in re.split(r"\s{2,}|[;:=|\t]", raw.strip()) if part.strip(_EDGE)]
        if len(parts) == 1 and number == words[0][0]:
            facts["model"] = parts[0][:100]
        elif len(parts) == 2 and parts[0][:1].isalpha() and len(parts[0]) <= 40 and len(facts) < 100:
            facts.setdefault(parts[0], parts[1][:200])
        elif (fact := fact_in(raw)) is not None:
            facts.setdefault(fact[0], fact[1][:200])
        elif _NUMBER.search(raw):
            other.append(number)
    return facts, other
