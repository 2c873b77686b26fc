"""What `dodac import` reads a file as: a table with its columns, bills, a log of lines, TJF."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector._import_words import Column, meaning_text, option
from dodac.errors import ConfigError, DodacError, Where
from dodac.quantities import CHANNELS, Kind, channel
from dodac.units import canonical_unit
from drivers.profile import LineProfile
from drivers.protocols.files import FileReading, FileSpec, header_of, read_interval_file
from drivers.protocols.files_bill_rows import ENERGY, TARIFF
from drivers.protocols.files_bill_spec import BillSpec
from drivers.protocols.files_bills import read_bills
from drivers.protocols.files_csv import Table
from drivers.protocols.files_grid import Grid
from drivers.protocols.files_logs import is_tjf, read_line_log, read_tjf_file
from drivers.protocols.files_names import bare_names, listed_names
from drivers.protocols.files_open import open_grids
from drivers.protocols.files_words import Meaning, meanings, plain, vocabulary

DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
_SURE = ("Kyoritsu KEW", "MicroCEM")
"""Formats whose columns are no guess."""


_COUNTED = {"electricity": ENERGY, "water": "volume_interval_m3", "gas": "gas_interval_nm3"}
"""What bills of a measurement are about, when no column of amounts says it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was read, and how its columns were found.

    guessed: they were guessed from their names, and must be given (or taken with --guessed) to import.
    meanings: what the words of the header mean, those left out and those to be decided too.
    """

    reading: FileReading
    columns: tuple[Column, ...]
    guessed: bool
    meanings: tuple[Meaning, ...]

    @property
    def to_decide(self) -> list[Meaning]:
        """Columns that mean two things, or one channel with another column."""
        given = {name for name, _, _ in self.columns}
        return [m for m in self.meanings if m.choices and m.column not in given]


def parse_column(text: str) -> Column:
    """ "NAME=CHANNEL[:UNIT]" as (name, channel, unit or None).

    Raises ConfigError for another shape, an unknown channel or an unknown unit.
    """
    name, sign, rest = text.rpartition("=")
    target, _, unit = rest.partition(":")
    if not sign or not name.strip() or not target.strip():
        raise ConfigError(
            f'--column "{text}" has another shape.', todo="Write NAME=CHANNEL or NAME=CHANNEL:UNIT."
        )
    try:
        found = channel(target.strip()).name
        if unit.strip():
            canonical_unit(unit)
    except ValueError as error:
        raise ConfigError(f'--column "{text}": {error}') from None
    return name.strip(), found, unit.strip() or None


def take(args: argparse.Namespace, instrument: str, zone: str) -> Taken:
    """Reads the file that the command names, as what it is.

    Raises ConfigError when its columns are not given and not sure (unless args.preview), DodacErrors of
    the readers.
    """
    path: Path = args.file
    columns = tuple(parse_column(text) for text in args.column)
    if args.register is not None:
        channel_or_fault(args.register)
    if args.profile is not None:
        return Taken(
            read_line_log(path, instrument, _line_profile(args.profile), zone, args.date_format),
            (),
            False,
            (),
        )
    if not columns and not args.bills and is_tjf(path):
        return Taken(read_tjf_file(path, instrument, zone), (), False, ())
    args.delimiter = DELIMITERS.get(args.delimiter, args.delimiter)
    found: tuple[Meaning, ...] = ()
    guessed = False
    if not columns or (args.bills and not _has_dates(args)):
        found, columns, guessed = _guess(args, path, columns)
    if args.bills:
        return Taken(read_bills(path, _bill_spec(args, instrument, zone, columns)), columns, guessed, found)
    return Taken(
        read_interval_file(path, _file_spec(args, instrument, zone, columns)), columns, guessed, found
    )


def _line_profile(name: str) -> LineProfile:
    from drivers import load_profile

    profile = load_profile(name)
    if not isinstance(profile, LineProfile):
        raise ConfigError(f'"{name}" is not an instrument that prints lines.', todo="Leave --profile out.")
    return profile


def _guess(
    args: argparse.Namespace, path: Path, given: tuple[Column, ...]
) -> tuple[tuple[Meaning, ...], tuple[Column, ...], bool]:
    """What the header's words mean; fills in the dates of bills."""
    grids = open_grids(path, delimiter=args.delimiter, encoding=args.encoding, sheet=args.sheet)
    grid, header = header_of(grids)
    names_of, units = _all_names(grids, header.names, args)
    found = tuple(meanings(names_of, units))
    if args.bills:
        _fill_bill_columns(args, names_of)
        found = tuple(m for m in found if not _is_bill_word(m.column))
    columns = given or tuple((m.column, m.channel, m.unit) for m in found if m.channel is not None)
    where = Where(file=str(grid.path), line=header.line or None)
    names = listed_names(header.names)
    undecided = [m for m in found if m.choices]
    if not columns and not (args.bills and args.old):
        decide = " ".join(meaning_text(m) for m in undecided)
        raise ConfigError(
            f"no column is named, and none of {names} is a word that dodac knows for sure.",
            where,
            f"Say what each column is: --column NAME=CHANNEL[:UNIT]. {decide}".strip(),
        )
    sure = bool(given) or grid.kind in _SURE
    if not sure and not args.preview:
        if not args.guessed:
            raise ConfigError(
                f"no column is named; the file has {names}.",
                where,
                f"If it means this, add: {' '.join(option(c) for c in columns)} (try it with --preview), or --guessed.",
            )
        if undecided:
            raise ConfigError(
                f"not every column can be guessed: {'; '.join(meaning_text(m) for m in undecided)}.",
                where,
                "Name the columns yourself: --column NAME=CHANNEL.",
            )
    return found, columns, not sure


def _all_names(
    grids: Sequence[Grid], first: Sequence[str], args: argparse.Namespace
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of all tables of the file, and the units that rows of their own give."""
    known = [m.column for m in meanings(first)] or [name for name in first if name][-1:]
    times = args.time or (first[0] if args.bills else None)
    try:
        table = Table(grids, list(dict.fromkeys(known)), times, delimiter=args.delimiter)
        deque(table.scan(), maxlen=0)
    except DodacError:
        return tuple(first), {}  # the reader proper tells what is wrong
    names = dict.fromkeys(name for block in table.blocks for name in block.names)
    units = {name: unit for block in table.blocks for name, unit in block.units.items()}
    bare = set(bare_names(first))  # what differs in its unit only is the same column
    return (*first, *(n for n in names if n not in first and not bare & {*bare_names((n,))})), units


def _has_dates(args: argparse.Namespace) -> bool:
    return bool(args.from_column or args.to_column or args.read or args.month or args.delivered)


def _is_bill_word(name: str) -> bool:
    return any(plain(name) in words for words in vocabulary().bills.values())


def _fill_bill_columns(args: argparse.Namespace, header: Sequence[str]) -> None:
    """Columns of dates, registers and money by their names, where none was given."""
    from drivers.protocols.files_units import split_name

    words = vocabulary().bills

    def named(role: str) -> str | None:
        return next(
            (name for name in header if {plain(name), plain(split_name(name)[0])} & words[role]), None
        )

    if not _has_dates(args):
        args.from_column, args.to_column = named("from"), named("to")
        if not (args.from_column and args.to_column):
            args.from_column = args.to_column = None
            args.read = named("read")
            args.delivered = None if args.read else named("delivered")
            args.month = None if args.read or args.delivered else named("month")
    if not (args.old or args.new) and named("old") and named("new"):
        args.old, args.new, args.factor = named("old"), named("new"), args.factor or named("factor")
    args.cost = args.cost or named("cost")
    args.hours = args.hours or named("tariff")
    args.estimated = args.estimated or named("estimated")


def _bill_spec(args: argparse.Namespace, instrument: str, zone: str, columns: tuple[Column, ...]) -> BillSpec:
    where = []
    for text in args.where:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError(f'--where "{text}" has another shape.', todo="Write COLUMN=TEXT.")
        where.append((name.strip(), value.strip()))
    register = _register(args, columns)
    return BillSpec(
        instrument=instrument, columns=columns, zone=zone, from_column=args.from_column,
        to_column=args.to_column, read_column=args.read, month_column=args.month,
        delivered_column=args.delivered, bounds=args.bounds, first_from=args.first_from, old_column=args.old,
        new_column=args.new, factor_column=args.factor, register=register, cost_column=args.cost,
        currency=args.currency, estimated_column=args.estimated, tariff_column=args.hours, where=tuple(where),
        date_format=args.date_format, delimiter=args.delimiter, decimal=args.decimal,
        encoding=args.encoding, sheet=args.sheet,
    )  # fmt: skip


def _register(args: argparse.Namespace, columns: tuple[Column, ...]) -> str:
    """What the readings of the billed meter count: as told, as the bill's own amount, as the measurement.

    Raises ConfigError when nothing says it.
    """
    if args.register is not None:
        return channel_or_fault(args.register)
    amounts = {target for _, target, _ in columns if CHANNELS[target].kind is Kind.INTERVAL}
    if not args.old or amounts & {ENERGY, *TARIFF}:
        return ENERGY
    if len(amounts) == 1:
        return amounts.pop()
    if not amounts and args.measurement in _COUNTED:
        return _COUNTED[args.measurement]
    raise ConfigError(
        f'nothing says what the readings in "{args.old}" and "{args.new}" count.',
        Where(file=str(args.file)),
        "Say it: --register CHANNEL, e.g. --register volume_interval_m3.",
    )


def channel_or_fault(name: str) -> str:
    """The name of a channel that is. Raises ConfigError."""
    try:
        return channel(name).name
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _file_spec(args: argparse.Namespace, instrument: str, zone: str, columns: tuple[Column, ...]) -> FileSpec:
    statuses = []
    for text in args.status:
        name, sign, good = text.rpartition("=")
        if not sign:
            raise ConfigError(f'--status "{text}" has another shape.', todo="Write COLUMN=GOOD[,GOOD].")
        statuses.append((name.strip(), tuple(word.strip() for word in good.split(","))))
    if args.where:
        raise ConfigError("--where picks rows of bills.", todo="Add --bills, or leave it out.")
    return FileSpec(
        instrument=instrument, columns=columns, zone=zone, time_column=args.time, stamp=args.stamp,
        interval=args.interval, date_format=args.date_format, delimiter=args.delimiter,
        decimal=args.decimal, encoding=args.encoding, statuses=tuple(statuses), sheet=args.sheet,
        trigger=args.trigger,
    )  # fmt: skip
