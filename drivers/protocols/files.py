"""Interval files: CSV of a logger, a utility or a building system becomes samples, row by row.

Every row that can't be used is listed with its line and the reason; everything that was guessed
(delimiter, decimal sign, date order, interval) is said in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from dodac.clock import DAY_NS
from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import CHANNELS, Channel, Kind, channel
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from dodac.units import canonical_unit, conversion
from drivers.protocols.files_csv import Table, read_table, unit_in_header
from drivers.protocols.files_interval import (
    Interval,
    check_interval,
    infer_interval,
    midnights_of_old_date,
    parse_interval,
)
from drivers.protocols.files_numbers import NumberReader
from drivers.protocols.files_time import StampReader, Stamps, Walls

Stamp = Literal["start", "end", "middle", "instant"]

MISSING: tuple[str, ...] = (
    "", "-", "--", "---", "----", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "OFL", "?",
)  # fmt: skip
SENTINELS: tuple[float, ...] = (4294967295.0, -1e38)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """How a file of interval data is to be read; what is None is found from the file and said.

    columns: (column in the header, canonical channel, unit or None); without a unit the header's own
      ("Energy [MWh]", "Energy_MWh") counts, else the channel's. A column may be a number from 1.
    time_column: its name, or two names joined by "+" (date and time apart); None: the first column
      that holds times. stamp: which moment of the interval the stamp names. interval: "15min", "1h",
      "1d" (calendar days of `zone`), "1mo" (calendar months). date_format: "ymd", "dmy", "mdy",
      "unix_s", "unix_ms" or a strptime pattern. missing: cells that mean no reading.
    """

    instrument: str
    columns: tuple[tuple[str, str, str | None], ...]
    zone: str = "Asia/Ho_Chi_Minh"
    time_column: str | None = None
    stamp: Stamp = "start"
    interval: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = MISSING
    sentinels: tuple[float, ...] = SENTINELS


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not used: its line in the file and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class FileCounts:
    """rows = samples + refused + repeated + empty.

    repeated: the same stamp with the same values again; empty: a stamp without any value;
    flagged: samples with a flagged reading; backward: rows stamped before the row above them.
    """

    rows: int
    samples: int
    refused: int
    repeated: int
    empty: int
    flagged: int
    backward: int


@dataclass(frozen=True, slots=True)
class FileReading:
    """What a file gave: samples of one instrument in file order, refused rows, and what was guessed."""

    path: Path
    layout: Layout
    samples: tuple[Sample, ...]
    refused: tuple[RefusedRow, ...]
    guesses: tuple[str, ...]
    interval: str
    counts: FileCounts


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    channel: Channel
    scale: float
    offset: float


def read_interval_file(path: Path | str, spec: FileSpec) -> FileReading:
    """Reads a CSV file of interval data into samples.

    A row's interval [start, end) becomes time_ns = its middle and span_ns = its length; a stamp
    "instant" has no length. Values beyond a channel's range, and sentinels, are flagged readings.
    With stamp "end", rows at 00:00 that carry the date of the day just gone (they jump back by a
    day less one interval) are read as 24:00 of that date.
    Raises ConfigError for a column, channel, unit or zone that does not exist, DataError when the
    file can't be read or its dates, numbers or intervals can be read in two ways.
    """
    path = Path(path)
    _check_spec(spec)
    zone = _zone(spec.zone)
    names = [name for name, _, _ in spec.columns]
    odd_times = spec.date_format is not None and spec.date_format not in ("ymd", "dmy", "mdy")
    table = read_table(path, names, spec.time_column, spec.delimiter, format_told=odd_times)
    guesses = list(table.guesses)
    columns = _columns(spec, table, guesses)
    refused: list[RefusedRow] = [RefusedRow(line, reason) for line, reason in table.refused]
    numbers = NumberReader.of(
        (cells[c.place] for _, cells in table.rows for c in columns),
        spec.decimal,
        set(spec.missing),
        path,
        guesses,
    )
    reader = StampReader.of(table.stamps, spec.date_format, zone, path, guesses)
    stamps = reader.read(table.lines, table.stamps)
    refused.extend(RefusedRow(line, reason) for line, reason in stamps.refused)
    interval = _interval(spec, stamps, path, guesses)
    if interval is not None:
        stamps = _old_midnights(spec, stamps, interval, reader.walls, guesses)
    layout = Layout(spec.instrument, tuple(c.channel.name for c in columns))
    rows = _Rows(spec, layout, columns, numbers, reader.walls, interval)
    samples = tuple(rows.samples(table, stamps, refused))
    refused.sort(key=lambda row: row.line)
    counts = FileCounts(
        rows=len(table.rows) + len(table.refused),
        samples=len(samples),
        refused=len(refused),
        repeated=rows.repeated,
        empty=rows.empty,
        flagged=rows.flagged,
        backward=stamps.backward,
    )
    text = "instant" if interval is None else str(interval)
    return FileReading(path, layout, samples, tuple(refused), tuple(guesses), text, counts)


def _check_spec(spec: FileSpec) -> None:
    if not spec.columns:
        raise ConfigError("no column is mapped to a channel.", todo="Map at least one: COLUMN=CHANNEL.")
    if spec.stamp not in ("start", "end", "middle", "instant"):
        raise ConfigError(f'a stamp can\'t be "{spec.stamp}".', todo="Write start, end, middle or instant.")
    seen: set[str] = set()
    for _, name, unit in spec.columns:
        where = Where(instrument=spec.instrument, channel=name)
        if name in seen:
            raise ConfigError("two columns are mapped to this channel.", where)
        seen.add(name)
        try:
            conversion(unit if unit is not None else channel(name).unit, channel(name).unit)
        except ValueError as error:
            raise ConfigError(str(error), where) from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{name}" is not a time zone.', todo='Write e.g. "Asia/Ho_Chi_Minh".') from None


def _columns(spec: FileSpec, table: Table, guesses: list[str]) -> list[_Column]:
    columns = []
    for (name, target, told), place in zip(spec.columns, table.places, strict=True):
        found = CHANNELS[target]
        unit = found.unit if told is None else told
        said = unit_in_header(table.header[place]) if told is None else None
        if said is not None and said != canonical_unit(unit):
            try:
                conversion(said, unit)
            except ValueError:
                guesses.append(f'"{name}": the header says {said}, taken as {unit}')
            else:
                unit = said
                guesses.append(f'"{name}": unit {said} from the header')
        step = conversion(unit, found.unit)
        columns.append(_Column(place, found, step.scale, step.offset))
    return columns


def _interval(spec: FileSpec, stamps: Stamps, path: Path, guesses: list[str]) -> Interval | None:
    if spec.stamp == "instant":
        if spec.interval is not None:
            raise ConfigError("instants have no interval.", todo="Leave the interval out, or the stamp.")
        kinds = {channel(name).kind for _, name, _ in spec.columns}
        if Kind.INTERVAL in kinds:
            raise ConfigError(
                "an amount of an interval can't be stamped with an instant.",
                todo='Say which moment of the interval the stamps name: "start", "end" or "middle".',
            )
        return None
    if all(wall is None for wall in stamps.wall):
        raise DataError("no row has a time stamp that can be read.", Where(file=str(path)))
    if spec.interval is None:
        return infer_interval(stamps, path, guesses)
    try:
        given = parse_interval(spec.interval)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    check_interval(given, stamps, spec.stamp, path, guesses)
    return given


def _old_midnights(
    spec: FileSpec, stamps: Stamps, interval: Interval, walls: Walls, guesses: list[str]
) -> Stamps:
    jumps, always = midnights_of_old_date(stamps, interval)
    if not jumps:
        return stamps
    if spec.stamp != "end":
        guesses.append(
            f"{len(jumps)} rows at 00:00 jump back by a day: the stamps look like ends of intervals whose "
            "00:00 carries the old date; if so, say that they are ends"
        )
        return stamps
    places = (
        [place for place, wall in enumerate(stamps.wall) if wall is not None and wall % DAY_NS == 0]
        if always
        else jumps
    )
    wall, utc = list(stamps.wall), list(stamps.utc)
    for place in places:
        moved = wall[place]
        if moved is not None:
            wall[place] = moved + DAY_NS
            utc[place] = walls.utc(moved + DAY_NS)
    guesses.append(f"{len(places)} rows at 00:00 carry the date of the day just gone: read as 24:00 of it")
    return Stamps(wall, utc, stamps.refused, stamps.backward)


class _Rows:
    """Turns rows into samples and counts what was not turned."""

    def __init__(
        self,
        spec: FileSpec,
        layout: Layout,
        columns: list[_Column],
        numbers: NumberReader,
        walls: Walls,
        interval: Interval | None,
    ) -> None:
        self.repeated = self.empty = self.flagged = 0
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
                continue
            before = self._seen.get(utc)
            if before is not None:
                if before[1] == values:
                    self.repeated += 1
                else:
                    refused.append(
                        RefusedRow(line, f"line {before[0]} has the same stamp with another value")
                    )
                continue
            self._seen[utc] = (line, values)
            yield self._sample(wall, utc, values)

    def _first_fault(self, cells: Sequence[str], table: Table) -> str:
        for column in self._columns:
            try:
                self._numbers(cells[column.place])
            except ValueError as error:
                return f'column "{table.header[column.place]}": {error}'
        return "a number can't be read"

    def _sample(self, wall: int, utc: int, values: tuple[float | None, ...]) -> Sample:
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
        self.flagged += bool(flags)
        span = end - start
        return self._layout.sample(
            start + span // 2, good, flags=flags, span_ns=span, time_source=TimeSource.DEVICE
        )
