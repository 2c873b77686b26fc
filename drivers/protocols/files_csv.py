"""The tables of a file: one or more blocks, each with its header, gone through row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_block import Block
from drivers.protocols.files_facts import facts_above, trigger_of
from drivers.protocols.files_grid import Grid
from drivers.protocols.files_head import is_closing, is_data, is_date, is_units_row, time_places, trimmed
from drivers.protocols.files_names import (
    bare_names,
    check_once,
    find_place,
    listed_names,
    no_column,
    other_unit,
    unit_column,
)
from drivers.protocols.files_pick import first_header
from drivers.protocols.files_spec import RowList
from drivers.protocols.files_units import split_name
from drivers.protocols.files_words import is_elapsed_word, is_time_word, plain

_WORDS: Final = {";": "semicolon", "\t": "tab", ",": "comma", "|": "bar"}
_MOST_BLOCKS: Final = 200
_MOST_PENDING: Final = 200


class Table:
    """The rows of all blocks. `scan` goes through them for the first time, `rows` any time after."""

    def __init__(
        self,
        grids: Sequence[Grid],
        columns: Sequence[str],
        time_column: str | tuple[str, ...] | None,
        statuses: Sequence[str] = (),
        *,
        delimiter: str | None = None,
        format_told: bool = False,
    ) -> None:
        """Finds the first header.

        Raises ConfigError for a column that is in none, DataError when the file has no rows.
        """
        self.columns, self._told = tuple(columns), format_told
        self.relative = False
        self._time_names = grids[0].times if time_column is None else _time_names(time_column)
        self.grid, header = first_header(grids, (*columns, *self._time_names, *statuses))
        self.guesses: list[str] = list(self.grid.notes)
        if delimiter is None and self.grid.sign:
            self.guesses.append(f"delimiter: {_WORDS.get(self.grid.sign, self.grid.sign)}")
        self.header = header
        self.facts = {**facts_above(header.above), **self.grid.facts}
        self.statuses = tuple(statuses) or status_columns(header.names, self.columns)
        self.refused = RowList()
        self.aside: set[int] = {line for line, _ in header.above}
        self.count = 0
        for line, cells in header.above:
            if is_data(cells):
                self.count += 1
                self.refused.add(line, "a row above the header")
        self._over = {row.line for row in self.refused}
        self._say_header()
        self._times: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._after = max(header.line, max(self.aside, default=0))
        self.blocks = [self._block(header.line, header.names)]

    def _say_header(self) -> None:
        names, above = self.header.names, len(self.header.above)
        if self.header.line == 0 and not self.grid.kind:
            self.guesses.append(f"no header: {len(names)} columns by number")
        elif above:
            self.guesses.append(f"header: line {self.header.line}; {above} lines above it are no data")
        for name in (*self.columns, *self._time_names):
            check_once(names, name, self._where(self.header.line))

    def _where(self, line: int | None = None) -> Where:
        return Where(file=str(self.grid.path), line=line or None)

    def _block(self, line: int, names: tuple[str, ...]) -> Block:
        places = tuple(find_place(names, name) for name in self.columns)
        if hasattr(self, "blocks"):  # the same column with another unit: "P (W)" below "P (kW)"
            places = tuple(
                other_unit(names, name) if place is None else place
                for name, place in zip(self.columns, places, strict=True)
            )
        there = [place for place in places if place is not None]
        if len(set(there)) != len(there):
            raise ConfigError(
                "one column is asked for twice.", self._where(line), f"Columns: {listed_names(names)}."
            )
        statuses = tuple(find_place(names, name) for name in self.statuses)
        times = self._times_of(line, names, [*there, *(p for p in statuses if p is not None)])
        parts = {tuple(p is None for p in b.places): b.part for b in getattr(self, "blocks", [])}
        part = parts.setdefault(tuple(p is None for p in places), len(parts))
        beside = tuple(unit_column(names, place) for place in places)
        return Block(line, names, places, statuses, times, part, beside=beside if any(beside) else ())

    def _times_of(self, line: int, names: tuple[str, ...], taken: list[int]) -> tuple[int, ...]:
        if names in self._times:
            return self._times[names]
        if self._time_names:
            found = [find_place(names, name) for name in self._time_names]
            if None in found:
                missing = self._time_names[found.index(None)]
                raise no_column(missing, names, self._where(line))
            times = tuple(place for place in found if place is not None)
        else:
            times = self._found_times(line, names, taken)
            told = " + ".join(f'"{names[place]}"' for place in times)
            words = f"time column: {told}" if len(times) == 1 else f"time columns: {told}"
            if words not in self.guesses:
                self.guesses.append(words)
        self._times[names] = times
        return times

    def _found_times(self, line: int, names: tuple[str, ...], taken: list[int]) -> tuple[int, ...]:
        if next(self._below(line, len(names)), None) is None:
            return ((next((n for n in range(len(names)) if n not in taken), 0)),)  # scan tells why
        below = self._below(line, len(names))
        try:
            return time_places(below, names, taken, self._where(line), told=self._told)
        except ConfigError:
            # seconds from the moment a logger was triggered
            clocks = [n for n, name in enumerate(names) if n not in taken and is_elapsed_word(name)]
            if not clocks or trigger_of(self.facts) is None:
                raise
            self.relative = True
            return (clocks[0],)

    def _below(self, line: int, width: int) -> Iterator[list[str]]:
        """Rows under a header that are as wide as it."""
        rows = self.grid.rows()
        rows.width = width
        for number, cells in rows:
            if number > line and cells is not None and number not in self.aside:
                _fit(cells, width)
                if len(cells) == width:
                    yield cells

    # -- the first time through --------------------------------------------------------------------

    def scan(self) -> Iterator[tuple[int, Block, list[str]]]:
        """Line, block and cells of each row; finds further blocks, refuses rows of another width.

        Raises DataError when there is no row at all, ConfigError for a column that no block has.
        """
        rows = self.grid.rows()
        block = self.blocks[0]
        rows.width = len(block.names)
        waiting: list[tuple[int, list[str], str]] = []
        units_next = True
        for line, cells in rows:
            if line <= block.line or line in self.aside:
                continue
            if cells is None:
                self.count += 1
                self.refused.add(line, "a quotation mark is not closed")
                continue
            if len(cells) != rows.width:
                _fit(cells, rows.width)
            fits = len(cells) == rows.width
            stamp = cells[block.times[0]] if fits else ""
            if fits and stamp[:1].isdigit():
                yield from self._given(waiting, block)
                self.count += 1
                units_next = False
                yield line, block, cells
                continue
            if units_next and fits and is_units_row(cells):
                units = {n: c.strip() for n, c in zip(block.names, cells, strict=True) if c.strip()}
                block = self.blocks[-1] = replace(block, units=units)
                self.aside.add(line)
                self.guesses.append(f"line {line} holds units")
                units_next = False
                continue
            if self._is_header(cells):
                self._set_aside(waiting)
                block = self._block(line, trimmed(cells))
                self._add(block)
                rows.width = len(block.names)
                waiting, units_next = [], True
                continue
            if is_closing(cells, block.times):
                self.aside.add(line)
                if sum(map(bool, names := trimmed(cells))) == 1:
                    self._learn([(line, names)])
                continue
            waiting.append((line, cells, "" if fits else _width_words(cells, rows.width)))
            if len(waiting) > _MOST_PENDING or any(sign.isdigit() for sign in stamp):
                yield from self._given(waiting, block)
        yield from self._given(waiting, block)
        self._check_end()

    def _given(
        self, waiting: list[tuple[int, list[str], str]], block: Block
    ) -> Iterator[tuple[int, Block, list[str]]]:
        """Rows that were no heading of a further block after all."""
        for line, cells, reason in waiting:
            self.count += 1
            if reason:
                self.refused.add(line, reason)
            else:
                yield line, block, cells
        waiting.clear()

    def _set_aside(self, waiting: list[tuple[int, list[str], str]]) -> None:
        """Words above the header of a further block; what holds a date is a broken row, not a word."""
        above = []
        for line, cells, reason in waiting:
            if reason and any(map(is_date, cells[:2])):
                self.count += 1
                self.refused.add(line, reason)
            else:
                self.aside.add(line)
                above.append((line, trimmed(cells)))
        self._learn(above)

    def _learn(self, above: Sequence[tuple[int, tuple[str, ...]]]) -> None:
        for key, value in facts_above(above).items():
            if self.facts.setdefault(key, value) != value:
                self.facts[key] = f"{self.facts[key]}; {value}"[:400]

    def _is_header(self, cells: Sequence[str]) -> bool:
        names = trimmed(cells)
        if len(names) < 2 or any(map(is_date, names)):
            return False
        if any(names == block.names for block in self.blocks):
            return True
        wanted = [name for name in self.columns if not name.isdecimal()]
        if any(bare_names(names) == bare_names(block.names) for block in self.blocks):
            return True
        if not any(find_place(names, name) is not None for name in wanted):
            return False
        if self._time_names:
            return all(find_place(names, name) is not None for name in self._time_names)
        return any(is_time_word(name) for name in names)

    def _add(self, block: Block) -> None:
        if len(self.blocks) >= _MOST_BLOCKS:
            raise DataError(
                f"the file has more than {_MOST_BLOCKS} headers.", self._where(block.line), "Split it."
            )
        self.blocks.append(block)

    def _check_end(self) -> None:
        top = self.header
        for place, name in enumerate(self.columns):
            if all(block.places[place] is None for block in self.blocks):
                raise no_column(name, top.names, self._where(top.line))
        if not self.count:
            raise DataError("the file has a header and no rows.", self._where())
        if len(self.blocks) > 1:
            lines = ", ".join(str(block.line) for block in self.blocks[:10])
            more = f" and {len(self.blocks) - 10} more" if len(self.blocks) > 10 else ""
            self.guesses.append(f"{len(self.blocks)} tables, headers on lines {lines}{more}")

    def no_rows(self) -> tuple[int, ...]:
        """Lines that are no rows: headers, units, words about the instrument."""
        return tuple(sorted((self.aside - self._over) | {block.line for block in self.blocks if block.line}))

    def unused(self) -> tuple[str, ...]:
        """Columns that no block's readings, times or states come from."""
        names: dict[str, None] = {}
        for block in self.blocks:
            used = {*block.places, *block.statuses, *block.times}
            names.update((n, None) for place, n in enumerate(block.names) if n and place not in used)
        return tuple(names)

    # -- any time after ----------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[int, Block, list[str]]]:
        """The same rows as `scan` gave."""
        rows = self.grid.rows()
        block, following = self.blocks[0], self.blocks[1:]
        rows.width = width = len(block.names)
        for line, cells in rows:
            if line <= block.line or line in self.aside:
                continue
            if following and line == following[0].line:
                block = following.pop(0)
                rows.width = width = len(block.names)
                continue
            if cells is None:
                continue
            if len(cells) != width:
                _fit(cells, width)
            if len(cells) == width:
                yield line, block, cells


def status_columns(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Columns such as "O2 Status" that say whether a column asked for is valid."""
    wanted = {
        plain(split_name(names[place])[0]) for c in columns if (place := find_place(names, c)) is not None
    }
    return tuple(name for name in names if plain(name).removesuffix(" status") in wanted - {plain(name)})


def _fit(cells: list[str], width: int) -> None:
    while len(cells) > width and not cells[-1].strip():
        cells.pop()


def _width_words(cells: Sequence[str], width: int) -> str:
    many = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
    return f"{many}, the header has {width}"


def _time_names(time_column: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(time_column, tuple):
        return time_column
    return tuple(part.strip() for part in time_column.split("+")) if "+" in time_column else (time_column,)
