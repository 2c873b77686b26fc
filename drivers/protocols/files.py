"""Interval files: CSV of a logger, a utility or a building system becomes samples, row by row.

Every row that can't be used is listed with its line and the reason; everything that was guessed
(delimiter, decimal sign, date order, interval) is said in words.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from dodac.clock import DAY_NS
from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import CHANNELS, Kind, channel
from dodac.samples import Layout
from dodac.units import canonical_unit, conversion
from drivers.protocols.files_csv import Table, header_of, read_table, unit_in_header
from drivers.protocols.files_interval import (
    Interval,
    check_interval,
    infer_interval,
    midnights_of_old_date,
    parse_interval,
)
from drivers.protocols.files_numbers import NumberReader
from drivers.protocols.files_rows import Column, Rows
from drivers.protocols.files_spec import (
    MISSING,
    SENTINELS,
    FileCounts,
    FileReading,
    FileSpec,
    RefusedRow,
    Stamp,
)
from drivers.protocols.files_time import StampReader, Stamps, Walls

__all__ = [
    "MISSING",
    "SENTINELS",
    "FileCounts",
    "FileReading",
    "FileSpec",
    "RefusedRow",
    "Stamp",
    "header_of",
    "read_interval_file",
]


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
    if stamps.backward * 2 > len(table.rows):
        guesses.append("the newest row stands first")
        stamps = reader.read_upwards(table.lines, table.stamps)
    refused.extend(RefusedRow(line, reason) for line, reason in stamps.refused)
    interval = _interval(spec, stamps, path, guesses)
    if interval is not None:
        stamps = _old_midnights(spec, stamps, interval, reader.walls, guesses)
    layout = Layout(spec.instrument, tuple(c.channel.name for c in columns))
    rows = Rows(spec, layout, columns, numbers, reader.walls, interval)
    samples = tuple(rows.samples(table, stamps, refused))
    refused.sort(key=lambda row: row.line)
    counts = FileCounts(
        rows=len(table.rows) + len(table.refused),
        samples=len(samples),
        refused=len(refused),
        repeated=rows.repeated,
        empty=rows.empty,
        flagged=len(rows.doubted),
        backward=stamps.backward,
    )
    text = "instant" if interval is None else str(interval)
    left_out, doubted = tuple(rows.left_out), tuple(rows.doubted)
    return FileReading(path, layout, samples, tuple(refused), tuple(guesses), text, counts, left_out, doubted)


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


def _columns(spec: FileSpec, table: Table, guesses: list[str]) -> list[Column]:
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
        columns.append(Column(place, found, step.scale, step.offset))
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
        line, reason = stamps.refused[0]
        raise DataError(
            f"no row has a time stamp that can be read; the first: {reason}.",
            Where(file=str(path), line=line),
            "Name the right column (--time) or how it is written (--date-format).",
        )
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
            "00:00 carries the old date; if so, say --stamp end"
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
