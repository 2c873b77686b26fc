"""Rows of an interval file become samples; every row that does not is listed with its line and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from dodac.quantities import Channel
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers.protocols.files_csv import Table
from drivers.protocols.files_interval import Interval
from drivers.protocols.files_numbers import NumberReader
from drivers.protocols.files_spec import FileSpec, RefusedRow
from drivers.protocols.files_time import Stamps, Walls


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column stands and how its numbers become the channel's unit."""

    place: int
    channel: Channel
    scale: float
    offset: float


class Rows:
    """Turns rows into samples and counts what was not turned."""

    def __init__(
        self,
        spec: FileSpec,
        layout: Layout,
        columns: list[Column],
        numbers: NumberReader,
        walls: Walls,
        interval: Interval | None,
    ) -> None:
        self.repeated = self.empty = 0
        self.left_out: list[RefusedRow] = []
        self.doubted: list[RefusedRow] = []
        self._spec, self._layout, self._columns = spec, layout, columns
        self._numbers, self._walls, self._interval = numbers, walls, interval
        self._seen: dict[int, tuple[int, tuple[float | None, ...]]] = {}

    def samples(self, table: Table, stamps: Stamps, refused: list[RefusedRow]) -> Iterator[Sample]:
        """The samples of all rows in file order; refused rows are added to `refused`."""
        for (line, cells), wall, utc in zip(table.rows, stamps.wall, stamps.utc, strict=True):
            if wall is None:
                continue
            try:
                values = tuple(self._numbers(cells[column.place]) for column in self._columns)
            except ValueError:
                refused.append(RefusedRow(line, self._first_fault(cells, table)))
                continue
            if all(value is None for value in values):
                self.empty += 1
                self.left_out.append(RefusedRow(line, "no value"))
                continue
            before = self._seen.get(utc)
            if before is not None:
                if before[1] == values:
                    self.repeated += 1
                    self.left_out.append(RefusedRow(line, f"says again what line {before[0]} says"))
                else:
                    refused.append(
                        RefusedRow(line, f"line {before[0]} has the same stamp with another value")
                    )
                continue
            self._seen[utc] = (line, values)
            yield self._sample(line, wall, utc, values)

    def _first_fault(self, cells: Sequence[str], table: Table) -> str:
        for column in self._columns:
            try:
                self._numbers(cells[column.place])
            except ValueError as error:
                return f'column "{table.header[column.place]}": {error}'
        return "a number can't be read"

    def _sample(self, line: int, wall: int, utc: int, values: tuple[float | None, ...]) -> Sample:
        if self._interval is None:
            start = end = utc
        else:
            start, end = self._interval.bounds(wall, utc, self._spec.stamp, self._walls)
        good: dict[str, float] = {}
        flags: list[Flag] = []
        for column, read in zip(self._columns, values, strict=True):
            if read is None:
                continue
            value = read * column.scale + column.offset
            if read in self._spec.sentinels:
                flags.append(Flag(column.channel.name, Reason.SENTINEL, read))
            elif column.channel.in_range(value):
                good[column.channel.name] = value
            else:
                flags.append(
                    Flag(column.channel.name, Reason.OUT_OF_RANGE, value if isfinite(value) else None)
                )
        if flags:
            said = ", ".join(f"{flag.channel} {flag.reason.value}{_value(flag)}" for flag in flags)
            self.doubted.append(RefusedRow(line, said))
        span = end - start
        return self._layout.sample(
            start + span // 2, good, flags=flags, span_ns=span, time_source=TimeSource.DEVICE
        )


def _value(flag: Flag) -> str:
    return "" if flag.value is None else f" ({flag.value:g})"
