"""Where tables begin: the header among words about the instrument, its units, its columns of times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_dates import is_named_date, split_stamp
from drivers.protocols.files_grid import Grid, Row
from drivers.protocols.files_names import find_place, no_column
from drivers.protocols.files_units import file_unit, is_foreign
from drivers.protocols.files_words import is_time_word, known_words, plain, vocabulary

HEAD_ROWS: Final = 200  # what stands above the header may be this long
_DATE: Final = re.compile(r"^\s*'?(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8})(?P<rest>[T \t,]+\S.*)?\s*$")
_TURNED: Final = re.compile(
    r"^\s*\d{1,2}:\d{2}\S*(\s*(am|pm|sa|ch))?,?\s+\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\s*$", re.IGNORECASE
)
_NO_CLOCK: Final = re.compile(r"[T \t,]+00?:00(:00([.,]0+)?)?\s*")
_CLOCK: Final = re.compile(r"^\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*(am|pm|sa|ch))?\s*$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"^[+−-]?\d[\d.,\u00a0 ]*([eE][+-]?\d+)?$")
_LONGEST: Final = 200  # what is longer is no time
_LOOKS: Final = 500  # so many rows with a time show which columns hold them


def is_date(cell: str) -> bool:
    """True for a cell that begins with a date, or with a time of day and a date after it."""
    if len(cell) >= _LONGEST:
        return False
    return bool(_DATE.match(cell) or _TURNED.match(cell)) or (
        cell[:1].isdigit() and is_named_date(split_stamp(cell.strip())[0])
    )


def holds_time_of_day(cell: str) -> bool:
    """True for a date with a time of day in the same cell."""
    return is_date(cell) and bool(split_stamp(cell.strip())[1])


@dataclass(frozen=True, slots=True)
class Header:
    """A header row: its line (0: the format gave it), names, and the cells of all rows above it."""

    line: int
    names: tuple[str, ...]
    above: tuple[tuple[int, tuple[str, ...]], ...] = ()


def trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    """Cells without outer spaces, and without empty ones at the end."""
    names = [cell.strip().strip("'").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def head_rows(grid: Grid) -> list[Row]:
    """The first rows of a file."""
    return list(islice(iter(grid.rows()), HEAD_ROWS))


def find_header(rows: Sequence[Row], wanted: Sequence[str]) -> Header | None:
    """The first row that names every wanted column, or some of them above rows of numbers.

    A later block may name the others. Rows that hold a date are data: of a file without a header,
    columns are named by number. A row that holds a number and no word of times ("O2;3", a limit) is a header
    only where there is no other.
    """
    return _found_header(rows, wanted, bare=True) or _found_header(rows, wanted, bare=False)


def _found_header(rows: Sequence[Row], wanted: Sequence[str], *, bare: bool) -> Header | None:
    best: tuple[int, int] = (0, -1)
    first: int | None = None
    numbers = all(name.isdecimal() for name in wanted)
    for place, (_, cells) in enumerate(rows):
        names = trimmed(cells or ())
        if len(names) < 2:
            continue
        if any(map(is_date, names)):
            if numbers and best[0] == 0:
                width = len(names)
                return Header(0, tuple(str(n) for n in range(1, width + 1)), _above(rows, place))
            continue
        if numbers and not any(is_time_word(name) or name in wanted for name in names):
            continue
        if bare and any(map(_NUMBER.match, names)) and not any(map(is_time_word, names)):
            continue
        count = sum(find_place(names, name) is not None for name in wanted)
        if first is None and 0 < count < len(wanted) and _data_below(rows, place):
            first = place
        if count > best[0]:
            best = (count, place)
            if count == len(wanted):
                break
    if best[0] == 0 and numbers:
        for place, (_, cells) in enumerate(rows):
            names = trimmed(cells or ())
            if len(names) > 1 and all(find_place(names, name) is not None for name in wanted):
                best = (len(wanted), place)
                break
    if best[0] == 0:
        return None
    # a table whose columns are but some of those wanted is a table too: its rows are not to be passed over
    place = best[1] if first is None else min(first, best[1])
    line, cells = rows[place]
    return Header(line, trimmed(cells or ()), _above(rows, place))


def _above(rows: Sequence[Row], place: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
    return tuple((line, trimmed(cells or ())) for line, cells in rows[:place])


def guess_header(rows: Sequence[Row]) -> Header | None:
    """The row with most known words; where no word is known, the one above the first row with a date."""
    scored = [
        (known_words(names) + 2 * _data_below(rows, place), -place, place)
        for place, (_, cells) in enumerate(rows)
        if len(names := trimmed(cells or ())) > 1 and not any(map(is_date, names))
    ]
    best = max(scored, default=(0, 0, 0))
    # the first that is as good as a header can be: one that comes later, with more words, is of another table
    best = next((s for s in scored if s[0] >= 4 and _data_below(rows, s[2])), best)
    if best[0] >= 3 or (best[0] and len(rows) == 1):
        return Header(rows[best[2]][0], trimmed(rows[best[2]][1] or ()), _above(rows, best[2]))
    for place, (_, cells) in enumerate(rows):
        if any(map(is_date, cells or ())) and len(trimmed(cells or ())) > 1:
            width = len(trimmed(cells or ()))
            for above in range(place - 1, -1, -1):
                names = trimmed(rows[above][1] or ())
                if len(names) > 1 and len(names) >= width - 1 and not is_units_row(names):
                    return Header(rows[above][0], names, _above(rows, above))
            return None
    if best[0]:
        return Header(rows[best[2]][0], trimmed(rows[best[2]][1] or ()), _above(rows, best[2]))
    return None


def _data_below(rows: Sequence[Row], place: int) -> bool:
    """True when the next row, units apart, is as wide and holds a number or a date."""
    width = len(trimmed(rows[place][1] or ()))
    for _, cells in rows[place + 1 : place + 3]:
        names = trimmed(cells or ())
        if names and is_units_row(names):
            continue
        numbers = any(is_date(cell) or _NUMBER.match(cell) for cell in names)
        return len(names) <= width and len(names) * 2 > width and numbers
    return False


def is_units_row(cells: Sequence[str]) -> bool:
    """True for a row of units: at least one, and nothing else but words that are none of numbers or dates."""
    units = 0
    for cell in cells:
        text = cell.strip()
        if not text:
            continue
        if any(sign.isdigit() for sign in text[:1]) or is_date(text):
            return False
        if (file_unit(text) is not None and text not in ("-", "--")) or is_foreign(text):
            units += 1
        elif not re.fullmatch(r"[\[(]?[^\d;]{1,14}[\])]?", text):
            return False
    return units > 0


def time_places(
    rows: Iterator[list[str]], header: Sequence[str], taken: Sequence[int], where: Where, *, told: bool
) -> tuple[int, ...]:
    """The columns that hold the times: the first with dates, and one with times of day where these stand apart.

    told: how times are written is known and may be anything: then the first column left, and one more
    when both names are of date and time. Raises ConfigError when no column looks like a time.
    """
    table = vocabulary()
    width = len(header)
    free = [place for place in range(width) if place not in taken]
    words = [plain(name) for name in header]
    free = [place for place in free if words[place] not in table.elapsed] or free
    if told and free:
        named = [place for place in free if is_time_word(header[place])]
        return ((named or free)[0],)
    dates, full, midnights, clocks = ([0] * width for _ in range(4))
    count = 0
    for cells in rows:
        if not count and is_units_row(cells):
            continue
        count += 1
        for place in free:
            if place >= len(cells):
                continue
            cell = cells[place]
            if is_date(cell):
                dates[place] += 1
                full[place] += holds_time_of_day(cell)
                midnights[place] += bool(_NO_CLOCK.search(cell))
            elif ":" in cell and _CLOCK.match(cell):
                clocks[place] += 1
        if max(dates, default=0) >= _LOOKS:
            break
    best = max(dates, default=0)
    if not best or (best < min(3, count) and best * 2 <= count):
        raise ConfigError(
            "no column looks like a time.",
            where,
            "Name the column that holds the time stamps (--time); seconds since 1970 are --date-format unix_s.",
        )
    first = next(place for place in free if dates[place] * 2 > best)
    apart = [place for place in free if clocks[place] * 2 > best]
    named = [place for place in apart if words[place] in table.clocks]
    if full[first] * 2 <= dates[first] and apart:
        return first, (named or apart)[0]
    if midnights[first] == dates[first] and named:
        return first, named[0]
    return (first,)


def is_data(cells: Sequence[str]) -> bool:
    """True for a row that holds a date and a number: no words about the instrument."""
    return len(cells) > 2 and any(map(is_date, cells)) and any(map(_NUMBER.match, cells))


def no_header(rows: Sequence[Row], wanted: Sequence[str], grid: Grid) -> ConfigError | DataError:
    """The fault of a file in which no row names a wanted column."""
    guess = guess_header(rows)
    names = guess.names if guess else max((trimmed(cells or ()) for _, cells in rows), key=len, default=())
    line = guess.line if guess else next((n for n, cells in rows if trimmed(cells or ()) == names), None)
    where = Where(file=str(grid.path), line=line)
    missing = next((name for name in wanted if find_place(names, name) is None), None)
    if missing is None:
        return ConfigError("no header row holds all columns asked for.", where)
    return no_column(missing, names, where)


def is_closing(cells: Sequence[str], times: Sequence[int]) -> bool:
    """True for a row that closes a table and is none of it: totals, an average, a note in one cell."""
    full = [cell.strip() for cell in cells if cell.strip()]
    if not full:
        return True  # nothing between delimiters is what a table program leaves below its last row
    if any(sign.isdigit() for sign in full[0][:1]) or is_date(full[0]):
        return False
    stamp = " ".join(cells[place].strip() for place in times if place < len(cells)).strip()
    words = plain(stamp or full[0]).split()
    table = vocabulary()
    if any(" ".join(words[:size]) in table.totals for size in (1, 2)):
        return True
    return len(full) == 1 and len(words) > 1 and full[0][0].isalpha()
