"""Rows of a file become samples; every row that does not is listed with its line and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose, isfinite, nan
from typing import TYPE_CHECKING, Final

from dodac.quantities import Channel, Kind, channel
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from dodac.units import conversion
from drivers.protocols.files_block import Block
from drivers.protocols.files_csv import Table
from drivers.protocols.files_grid import Percent
from drivers.protocols.files_interval import Interval
from drivers.protocols.files_numbers import NumberReader
from drivers.protocols.files_spec import RowList, Stamp
from drivers.protocols.files_time import NO_TIME_NS, Stamps, Walls
from drivers.protocols.files_units import file_unit, is_foreign

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SUFFIXED: Final = re.compile(r"^([-+−]?[\d.,\u00a0\u202f' ]*\d)\s*([^\d\s.,].*)$")
_LONGEST: Final = 100  # what is longer is no number with a unit
_Value = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """How the numbers of a column become the channel's unit: canonical = value · scale + offset."""

    channel: Channel
    unit: str
    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class Status:
    """A status column: texts that mean good (without case), and the channels it speaks for."""

    good: frozenset[str]
    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A row that gives a sample: time, values as read, and the channels that a status speaks against."""

    line: int
    block: Block
    wall: int
    utc: int
    values: _Value
    bad: frozenset[int]


class Rising:
    """Whether amounts never fall, row after row: then they are the readings of a meter, not amounts."""

    __slots__ = ("_last", "falls", "rises")

    def __init__(self) -> None:
        self.rises = self.falls = 0
        self._last = nan

    def take(self, value: float) -> None:
        """The next amount."""
        self.rises += value > self._last
        self.falls += value < self._last
        self._last = value

    @property
    def is_meter(self) -> bool:
        """True when at least 20 rows rise and none falls; in a file with the newest row first, the other way round."""
        return max(self.rises, self.falls) >= 20 and min(self.rises, self.falls) == 0


class Rows:
    """Turns rows into samples; the first time through lists those that give none.

    columns: by block line, since a further block may have other units.
    """

    def __init__(
        self,
        table: Table,
        stamps: Stamps,
        layout: Layout,
        columns: Mapping[int, Sequence[Column]],
        statuses: Sequence[Status],
        numbers: NumberReader,
        *,
        walls: Walls,
        interval: Interval | None,
        stamp: Stamp,
        sentinels: Sequence[float],
        parts: npt.NDArray[np.uint8],
    ) -> None:
        self.refused, self.left_out, self.doubted = RowList(), RowList(), RowList()
        self.repeated = self.empty = self.good = 0
        self.negative: dict[str, int] = {}
        self.rising = {c.name: Rising() for c in map(channel, layout.channels) if c.kind is Kind.INTERVAL}
        self.numbers_of: dict[str, int] = {}
        self.first_ns = self.last_ns = self.latest_start_ns = 0
        self._table, self._stamps, self._layout, self._columns = table, stamps, layout, columns
        self._statuses, self._numbers, self._walls = statuses, numbers, walls
        self._interval, self._stamp = interval, stamp
        self._sentinels = tuple(sentinels)
        self._twice = _twice(stamps, parts)

    # -- the first time through ----------------------------------------------------------------------

    def judge(self) -> None:
        """Goes through all rows: counts, refusals, doubts; makes no samples."""
        for row in self._rows(self.refused, self.left_out):
            self.good += 1
            start, end = self._bounds(row)
            if self.good == 1:
                self.first_ns, self.last_ns, self.latest_start_ns = start, end, start
            self.first_ns, self.last_ns = min(start, self.first_ns), max(end, self.last_ns)
            self.latest_start_ns = max(start, self.latest_start_ns)
            good, flags = self._readings(row)
            for name, value in good.items():
                if value < 0:
                    self.negative[name] = self.negative.get(name, 0) + 1
                self.numbers_of[name] = self.numbers_of.get(name, 0) + 1
                if name in self.rising:
                    self.rising[name].take(value)
            if flags:
                said = ", ".join(f"{flag.channel} {flag.reason.value}{_value(flag)}" for flag in flags)
                self.doubted.add(row.line, said)

    def samples(self) -> Iterator[Sample]:
        """The samples in file order."""
        for row in self._rows(None, None):
            start, end = self._bounds(row)
            good, flags = self._readings(row)
            span = end - start
            yield self._layout.sample(
                start + span // 2,
                good,
                flags=flags,
                span_ns=span,
                time_source=TimeSource.DEVICE,
                part=row.block.part,
            )

    def _rows(self, refused: RowList | None, left_out: RowList | None) -> Iterator[Judged]:
        seen: dict[tuple[int, int], tuple[int, _Value]] = {}
        walls, utcs = self._stamps.wall, self._stamps.utc
        for place, (line, block, cells) in enumerate(self._table.rows()):
            wall = int(walls[place])
            if wall == NO_TIME_NS:
                continue
            columns = self._columns[block.line]
            try:
                values = self._values(cells, block, columns)
            except ValueError as error:
                if refused is not None:
                    refused.add(line, str(error))
                continue
            bad = self._bad(cells, block) if self._statuses else frozenset()
            if all(value is None for value in values) and not bad:
                if left_out is not None:
                    self.empty += 1
                    left_out.add(line, "no value")
                continue
            utc = int(utcs[place])
            if utc in self._twice:
                before = seen.setdefault((block.part, utc), (line, values))
                if before[0] != line:
                    self._again(line, before, values, refused, left_out)
                    continue
            yield Judged(line, block, wall, utc, values, bad)

    def _again(
        self,
        line: int,
        before: tuple[int, _Value],
        values: _Value,
        refused: RowList | None,
        left_out: RowList | None,
    ) -> None:
        if refused is None or left_out is None:
            return
        if before[1] == values:
            self.repeated += 1
            left_out.add(line, f"says again what line {before[0]} says")
        else:
            refused.add(line, f"line {before[0]} has the same stamp with another value")

    def _values(self, cells: Sequence[str], block: Block, columns: Sequence[Column]) -> _Value:
        numbers = self._numbers
        values: list[float | None] = []
        for column, place in zip(columns, block.places, strict=True):
            if place is None:
                values.append(None)
                continue
            cell = cells[place]
            try:
                values.append(numbers(cell))
            except ValueError as error:
                values.append(self._with_unit(cell, column, block.names[place], error))
            if cell.__class__ is Percent:
                _check_unit("%", column, block.names[place])
        for column, place, beside in zip(columns, block.places, block.beside, strict=False):
            if beside is not None and place is not None and cells[beside].strip():
                _check_unit(cells[beside].strip(), column, block.names[place])
        return tuple(values)

    def _with_unit(self, cell: str, column: Column, name: str, error: ValueError) -> float | None:
        """The number of a cell such as "12.5 kW" in a column of kW."""
        match = _SUFFIXED.match(cell.strip()) if len(cell) < _LONGEST else None
        unit = file_unit(match[2]) if match else None
        if match is None or unit is None:
            raise ValueError(f'column "{name}": {error}')
        if unit != column.unit and not _same_scale(unit, column):
            raise ValueError(f'column "{name}": "{cell.strip()[:40]}" is in {unit}, not {column.unit}')
        try:
            return self._numbers(match[1])
        except ValueError:
            raise ValueError(f'column "{name}": {error}') from None

    def _bad(self, cells: Sequence[str], block: Block) -> frozenset[int]:
        bad: set[int] = set()
        for status, place in zip(self._statuses, block.statuses, strict=True):
            if place is not None and cells[place].strip().casefold() not in status.good:
                bad.update(n for n in status.channels if block.places[n] is not None)
        return frozenset(bad)

    def _is_sentinel(self, read: float) -> bool:
        # 4294967295 comes as 4.29497E+09 too, and -1E38 as a float32
        far = not -4e9 < read < 4e9
        return read in self._sentinels or (
            far and any(isclose(read, s, rel_tol=1e-6) for s in self._sentinels)
        )

    # -- one row -------------------------------------------------------------------------------------

    def _bounds(self, row: Judged) -> tuple[int, int]:
        if self._interval is None:
            return row.utc, row.utc
        return self._interval.bounds(row.wall, row.utc, self._stamp, self._walls)

    def _readings(self, row: Judged) -> tuple[dict[str, float], list[Flag]]:
        good: dict[str, float] = {}
        flags: list[Flag] = []
        for place, (column, read) in enumerate(zip(self._columns[row.block.line], row.values, strict=True)):
            name = column.channel.name
            if read is None:
                if place in row.bad:
                    flags.append(Flag(name, Reason.DEVICE_STATUS))
                continue
            value = read * column.scale + column.offset
            if self._is_sentinel(read):
                flags.append(Flag(name, Reason.SENTINEL, read))
            elif place in row.bad:
                flags.append(Flag(name, Reason.DEVICE_STATUS, value if isfinite(value) else None))
            elif column.channel.in_range(value):
                good[name] = value
            else:
                flags.append(Flag(name, Reason.OUT_OF_RANGE, value if isfinite(value) else None))
        return good, flags


def _same_scale(unit: str, column: Column) -> bool:
    """True for another word of the same unit: % where vol% is meant."""
    try:
        step = conversion(unit, column.channel.unit)
    except ValueError:
        return False
    return (step.scale, step.offset) == (column.scale, column.offset)


def _check_unit(text: str, column: Column, name: str) -> None:
    """Raises ValueError when the cell beside a number says another unit than the column has."""
    unit = file_unit(text)
    if is_foreign(text) or (unit is not None and unit != column.unit and not _same_scale(unit, column)):
        raise ValueError(f'column "{name}": the number is in {unit or text[:20]}, not {column.unit}')


def _twice(stamps: Stamps, parts: npt.NDArray[np.uint8]) -> frozenset[int]:
    """Times that come more than once among the rows of one part."""
    import numpy as np

    found: set[int] = set()
    for part in np.unique(parts):
        times = stamps.utc[stamps.good & (parts == part)]
        if bool((times[1:] > times[:-1]).all()):
            continue
        times.sort()
        found.update(int(time) for time in times[1:][times[1:] == times[:-1]])
    return frozenset(found)


def _value(flag: Flag) -> str:
    return "" if flag.value is None else f" ({flag.value:g})"
