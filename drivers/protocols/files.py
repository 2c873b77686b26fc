"""Files of readings: CSV of a logger, an analyser, a utility or a building system becomes samples, row by row.

Every row that can't be used is listed with its line and the reason; everything that was guessed
(delimiter, decimal sign, date order, interval, units) is said in words. A file is gone through several
times and never held whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from dodac.clock import DAY_NS
from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import Kind, channel
from dodac.samples import Layout, Sample
from dodac.units import conversion
from drivers.protocols.files_columns import columns_of, statuses_of
from drivers.protocols.files_csv import Table
from drivers.protocols.files_dates import DateOrder, order_words
from drivers.protocols.files_doubts import check_zone, doubts
from drivers.protocols.files_facts import named_facts, trigger_of
from drivers.protocols.files_interval import (
    Interval,
    check_interval,
    infer_interval,
    midnights_of_old_date,
    parse_interval,
)
from drivers.protocols.files_numbers import DECIMAL_WORDS, DecimalSign, NumberReader
from drivers.protocols.files_open import open_grids
from drivers.protocols.files_pick import header_of
from drivers.protocols.files_rows import Rows
from drivers.protocols.files_spec import (
    MISSING,
    SENTINELS,
    FileCounts,
    FileReading,
    FileSpec,
    RefusedRow,
    Stamp,
    TakenColumn,
)
from drivers.protocols.files_time import StampReader, Stamps, Walls, check_clock, check_format

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

_MOST_REFUSED = 200_000


def read_interval_file(path: Path | str, spec: FileSpec) -> FileReading:
    """Reads a file of rows with times into samples.

    A row's interval [start, end) becomes time_ns = its middle and span_ns = its length; a stamp
    "instant" has no length. Values beyond a channel's range, sentinels, and readings that a status
    column speaks against, are flagged readings. With stamp "end", rows at 00:00 that carry the date of
    the day just gone (they jump back by a day less one interval) are read as 24:00 of that date.
    Raises ConfigError for a column, channel, unit or zone that does not exist, DataError when the
    file can't be read or its dates, numbers or intervals can be read in two ways.
    """
    path = Path(path)
    _check_spec(spec)
    walls = Walls(_zone(spec.zone))
    if spec.date_format is not None:
        check_format(spec.date_format, path)
    grids = open_grids(path, delimiter=spec.delimiter, encoding=spec.encoding, sheet=spec.sheet)
    path = grids[0].path
    before = _fingerprint(path)
    odd_times = spec.date_format is not None and spec.date_format not in ("ymd", "dmy", "mdy")
    table = Table(
        grids,
        [name for name, _, _ in spec.columns],
        spec.time_column,
        [name for name, _ in spec.statuses],
        delimiter=spec.delimiter,
        format_told=odd_times,
    )
    guesses = table.guesses
    order, signs, parts = DateOrder(), DecimalSign(), array("B")
    ordered = spec.date_format is not None or table.grid.date_order is not None or table.relative
    for line, block, cells in table.scan():
        parts.append(block.part)
        if not ordered:
            order.take(line, block.stamp(cells))
        if spec.decimal is None:
            for place in block.places:
                if place is not None:
                    signs.take(cells[place])
    numbers = _numbers(spec, signs, path, guesses)
    columns = {block.line: columns_of(spec, table, block, guesses) for block in table.blocks}
    top = table.blocks[0]
    reader = _reader(spec, table, order, walls, path, guesses)
    for line, block, cells in table.rows():
        reader.take(line, block.stamp(cells))
        if len(reader.refused) > _MOST_REFUSED:
            raise _too_many(reader.refused[0], path)
    stamps = reader.stamps(guesses)
    check_clock(stamps, path)
    check_zone([top.names[place] for place in top.times], stamps, walls, path)
    stamp = _stamp(spec, table, reader, guesses)
    if not len(stamps.wall):
        first = table.refused[0]
        raise DataError(
            f"no row can be used ({len(table.refused)} refused); the first: {first.reason}.",
            Where(file=str(path), line=first.line),
        )
    interval = _interval(spec, stamp, stamps, reader, path, guesses)
    if interval is not None:
        stamps = _old_midnights(stamp, stamps, interval, walls, guesses)
    layout = Layout(spec.instrument, tuple(name for _, name, _ in spec.columns))
    rows = Rows(
        table, stamps, layout, columns, statuses_of(spec, table, guesses), numbers, walls=walls,
        interval=interval, stamp=stamp, sentinels=spec.sentinels, parts=np.frombuffer(parts, dtype=np.uint8),
    )  # fmt: skip
    rows.judge()
    for refused in (table.refused, reader.refused):
        for row in refused:
            rows.refused.add(row.line, row.reason)
    rows.refused.sort()
    if len(rows.refused) > _MOST_REFUSED:
        raise _too_many(rows.refused[0], path)

    def read() -> Iterator[Sample]:
        yield from rows.samples()
        if _fingerprint(path) != before:
            raise DataError(
                "the file was changed while it was read.", Where(file=str(path)), "Import it again."
            )

    return FileReading(
        path=path,
        layout=layout,
        read=read,
        refused=rows.refused,
        guesses=tuple(guesses),
        interval="instant" if interval is None else str(interval),
        counts=FileCounts(
            rows=table.count,
            samples=rows.good,
            refused=len(rows.refused),
            repeated=rows.repeated,
            empty=rows.empty,
            flagged=len(rows.doubted),
            backward=stamps.backward,
        ),
        left_out=rows.left_out,
        doubted=rows.doubted,
        columns=tuple(
            TakenColumn(_shown(table, n), c.channel.name, c.unit, c.scale, c.offset)
            for n, c in enumerate(columns[top.line])
        ),
        aside=table.no_rows(),
        unused=table.unused(),
        facts=named_facts(table.facts) if table.grid.kind != "Kyoritsu KEW" else dict(table.facts),
        warnings=tuple(doubts(rows, stamps, len(table.blocks))),
        first_ns=rows.first_ns,
        last_ns=rows.last_ns,
        latest_start_ns=rows.latest_start_ns,
    )


def _shown(table: Table, number: int) -> str:
    block = next(b for b in table.blocks if b.places[number] is not None)
    return block.names[block.places[number] or 0]


def _too_many(first: RefusedRow, path: Path) -> DataError:
    return DataError(
        f"more than {_MOST_REFUSED} rows can't be used; the first: {first.reason}.",
        Where(file=str(path), line=first.line),
        "Is it the right file, and are the options right?",
    )


def _fingerprint(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _check_spec(spec: FileSpec) -> None:
    if not spec.columns:
        raise ConfigError("no column is mapped to a channel.", todo="Map at least one: COLUMN=CHANNEL.")
    if spec.stamp not in (None, "start", "end", "middle", "instant"):
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


def _numbers(spec: FileSpec, signs: DecimalSign, path: Path, guesses: list[str]) -> NumberReader:
    decimal = spec.decimal
    if decimal is None:
        decimal = signs.sign(path)
        guesses.append(f"decimal sign: {DECIMAL_WORDS[decimal]}")
    return NumberReader.of(decimal, spec.missing)


def _reader(
    spec: FileSpec, table: Table, order: DateOrder, walls: Walls, path: Path, guesses: list[str]
) -> StampReader:
    if spec.date_format == "relative" or table.relative:
        return StampReader("relative", walls, _trigger(spec, table, walls, path, guesses))
    if spec.date_format is not None:
        return StampReader(spec.date_format, walls)
    if table.grid.date_order is not None:
        return StampReader(table.grid.date_order, walls)
    found, evidence = order.order(path)
    guesses.append(f"date order: {order_words(found)}{evidence}")
    return StampReader(found, walls)


def _trigger(spec: FileSpec, table: Table, walls: Walls, path: Path, guesses: list[str]) -> int:
    """UTC of the moment that relative stamps count from."""
    text = spec.trigger if spec.trigger is not None else trigger_of(table.facts)
    if text is None:
        raise ConfigError(
            "the stamps are seconds, and the file does not say from when.",
            Where(file=str(path)),
            'Say it: --trigger "2026-03-01 08:00:00".',
        )
    reader = StampReader("ymd", walls)
    reader.take(0, text)
    if len(reader.refused):
        raise ConfigError(
            f'the trigger time "{text[:40]}" can\'t be read as year-month-day.',
            Where(file=str(path)),
            'Say it: --trigger "2026-03-01 08:00:00".',
        )
    guesses.append(f"stamps are seconds from {text} (year-month-day)")
    return int(reader.stamps([]).utc[0])


def _stamp(spec: FileSpec, table: Table, reader: StampReader, guesses: list[str]) -> Stamp:
    """Which moment of its interval a stamp names: as told, as the format says, as 24:00 shows, else its start."""
    if spec.stamp is not None:
        return spec.stamp
    if table.grid.stamp is not None:
        return table.grid.stamp
    if reader.has_24:
        guesses.append("stamps name the end of their intervals: one is 24:00, where none begins")
        return "end"
    guesses.append("stamps are taken as the start of their intervals (else say --stamp)")
    return "start"


def _interval(
    spec: FileSpec, stamp: Stamp, stamps: Stamps, reader: StampReader, path: Path, guesses: list[str]
) -> Interval | None:
    if stamp == "instant":
        if spec.interval is not None:
            raise ConfigError("instants have no interval.", todo="Leave the interval out, or the stamp.")
        kinds = {channel(name).kind for _, name, _ in spec.columns}
        if Kind.INTERVAL in kinds:
            raise ConfigError(
                "an amount of an interval can't be stamped with an instant.",
                todo='Say which moment of the interval the stamps name: "start", "end" or "middle".',
            )
        return None
    if not stamps.good.any():
        first = reader.refused[0]
        raise DataError(
            f"no row has a time stamp that can be read; the first: {first.reason}.",
            Where(file=str(path), line=first.line),
            "Name the right column (--time) or how it is written (--date-format).",
        )
    if spec.interval is None:
        return infer_interval(stamps, path, guesses)
    try:
        given = parse_interval(spec.interval)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    check_interval(given, stamps, stamp, path, guesses)
    return given


def _old_midnights(
    stamp: Stamp, stamps: Stamps, interval: Interval, walls: Walls, guesses: list[str]
) -> Stamps:
    jumps, always = midnights_of_old_date(stamps, interval)
    if not jumps:
        return stamps
    if stamp != "end":
        guesses.append(
            f"{len(jumps)} rows at 00:00 jump back by a day: the stamps look like ends of intervals whose "
            "00:00 carries the old date; if so, say --stamp end"
        )
        return stamps
    places = np.flatnonzero(stamps.good & (stamps.wall % DAY_NS == 0)).tolist() if always else jumps
    for place in places:
        moved = int(stamps.wall[place]) + DAY_NS
        stamps.wall[place] = moved
        stamps.utc[place] = walls.utc(moved)
    guesses.append(f"{len(places)} rows at 00:00 carry the date of the day just gone: read as 24:00 of it")
    return stamps
