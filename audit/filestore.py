"""Columns of table files as a store of readings, so that a file is analysed as a site's journal is."""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from dodac.errors import ConfigError, DataError, DodacError, Where
from dodac.quantities import CHANNELS
from dodac.units import canonical_unit, conversion

if TYPE_CHECKING:
    from dodac.samples import Layout, Sample
    from drivers.protocols.files_spec import Stamp
    from store import JournalStore

# what a column of amounts may be; the first that its unit can become counts
_AMOUNTS: Final = (
    "energy_interval_kwh",
    "volume_interval_m3",
    "gas_interval_nm3",
    "fuel_interval_kg",
    "output_units",
)
# the register behind an amount, for files that hold readings of a counter
_REGISTERS: Final = {
    "energy_interval_kwh": "energy_import_kwh",
    "volume_interval_m3": "volume_m3",
    "gas_interval_nm3": "gas_nm3",
}
_BATCH: Final = 5_000
# what means nothing without a file
FILE_OPTIONS: Final = ("time", "stamp", "length", "date_format", "decimal", "sheet", "counter", "keep_good")
# the words of dodac import → those of dodac analyse
_TODO: Final = {
    "Say it, e.g. --interval 1d.": "Say it, e.g. --length 1d.",
    "Say the interval (--interval), or that the stamps are instants (--stamp instant).": "Say the length of the rows "
    "(--length 1d); for readings of a meter's counter say --counter.",
    "Name columns by number: --column 2=CHANNEL.": "Name columns by number, e.g. --energy 2.",
}
_UNIT: Final = re.compile(r"If the numbers are in (\S+) all the same")


@dataclass(frozen=True)
class Column:
    """A column of one of the files: its name in the header and its unit, where that is told."""

    name: str
    unit: str | None = None


@dataclass(frozen=True)
class TableFiles:
    """The files and how their times are written; None is found from the file (see `dodac import`).

    counter: the interval of the analysis when the energy column holds readings of a counter, else None.
    """

    paths: tuple[Path, ...]
    zone: str
    time: str | None = None
    stamp: Stamp | None = None
    length: str | None = None
    date_format: str | None = None
    decimal: Literal[".", ","] | None = None
    sheet: str | None = None
    keep_good: bool = False
    counter: str | None = None


def add_files(parser: argparse.ArgumentParser) -> None:
    """The arguments that `files_of` reads."""
    group = parser.add_argument_group(
        "readings from files instead of a journal",
        "CSV or XLSX; --energy, --temperature and --driver then name columns: COLUMN[:UNIT]",
    )
    group.add_argument(
        "--file", action="append", type=Path, default=[], help="a table with times; repeatable"
    )
    group.add_argument("--time", metavar="NAME", help="the column of times (default: found)")
    group.add_argument(
        "--stamp", choices=("start", "end", "middle"), help="which moment of its interval a row's time names"
    )
    group.add_argument("--length", metavar="15min", help="of the rows: 15min, 1h, 1d, 1mo (default: found)")
    group.add_argument("--date-format", help="ymd, dmy, mdy or a strptime pattern (default: found)")
    group.add_argument("--decimal", choices=(".", ","), help="the decimal sign (default: found)")
    group.add_argument("--sheet", help="of a workbook")
    group.add_argument(
        "--counter", action="store_true", help="the energy column holds readings of a counter, not amounts"
    )
    group.add_argument(
        "--keep-good", action="store_true", help="use the good rows of a file with broken ones"
    )


def files_of(arguments: argparse.Namespace, zone: str) -> TableFiles:
    """The files that a command was told."""
    return TableFiles(
        tuple(arguments.file),
        zone,
        arguments.time,
        arguments.stamp,
        arguments.length,
        arguments.date_format,
        arguments.decimal,
        arguments.sheet,
        arguments.keep_good,
        arguments.interval if arguments.counter else None,
    )


def column(text: str, option: str) -> Column:
    """COLUMN or COLUMN:UNIT; what follows the last colon counts only when it is a unit.

    Raises ConfigError for an empty name.
    """
    name, colon, unit = text.rpartition(":")
    if colon and name.strip():
        try:
            return Column(name.strip(), canonical_unit(unit.strip()))
        except ValueError:
            pass
    if not text.strip():
        raise ConfigError(f"{option}: there is no column without a name.")
    return Column(text.strip())


def channel_for(role: str, wanted: Column) -> str:
    """The channel that a role's column becomes: a temperature, an amount by its unit, else a plain number.

    Raises ConfigError for energy in a unit that is no amount.
    """
    if role == "temperature":
        return "temperature_c"
    if role != "energy":
        return "output_units"
    for name in _AMOUNTS:
        if wanted.unit is None or _fits(wanted.unit, CHANNELS[name].unit):
            return name
    raise ConfigError(
        f'--energy: "{wanted.unit}" is no unit of an amount.',
        todo="Write e.g. kWh, MWh, GJ, m3, Nm3, kg or t.",
    )


@contextmanager
def store_of_files(
    files: TableFiles, columns: Mapping[str, Column], notes: list[str]
) -> Iterator[JournalStore]:
    """A store in which each role is an instrument with the channel of `channel_for`; gone at the end.

    notes: gets what was guessed and which rows were not used. Raises ConfigError for a column that
    no file has, DataError when a file can't be read without guessing (with its line).
    """
    from dodac.samples import Layout
    from store import Journal, JournalStore

    with tempfile.TemporaryDirectory(prefix="dodac-analyse-") as folder:
        path = Path(folder) / "journal.db"
        with Journal.open(path) as journal:
            for role, wanted in columns.items():
                layout = Layout(role, (channel_for(role, wanted),))
                journal.layout(layout)
                batch = []
                if role == "energy" and files.counter is not None:
                    read = _amounts(files, wanted, layout, notes)
                else:
                    read = _samples(files, role, wanted, notes)
                good = False
                for sample in read:
                    good = good or not math.isnan(sample.values[0])
                    batch.append((str(files.paths[0].name), sample))
                    if len(batch) == _BATCH:
                        journal.commit(batch)
                        batch = []
                journal.commit(batch)
                if not good:
                    raise DataError(
                        f'the column "{wanted.name}" has no number that counts{_why(notes)}.',
                        todo="Name another column, or correct the file.",
                    )
        store = JournalStore(path)
        try:
            yield store
        finally:
            store.close()


def _why(notes: Sequence[str]) -> str:
    """What was last said of rows without a number."""
    told = [note for note in notes if "rows not" in note]
    return f" ({told[-1]})" if told else ""


def _amounts(files: TableFiles, wanted: Column, layout: Layout, notes: list[str]) -> Iterator[Sample]:
    """What a counter's readings say of each interval of the analysis; what is not sure is left out and told."""
    import numpy as np
    import pandas as pd

    from analysis.prepare import counter_intervals

    name = channel_for("energy", wanted)
    register = _REGISTERS.get(name)
    if register is None:
        raise ConfigError(f'there is no counter of "{CHANNELS[name].unit}".', todo="Leave --counter out.")
    readings = [
        (sample.time_ns, sample.values[0])
        for sample in _samples(files, "energy", wanted, notes, register)
        if not np.isnan(sample.values[0])
    ]
    if len(readings) < 2:
        raise DataError("a counter needs two readings or more.")
    index = pd.DatetimeIndex([time for time, _ in readings], tz="UTC").as_unit("ns").tz_convert(files.zone)
    found = counter_intervals(
        pd.Series([value for _, value in readings], index=index), str(files.counter), zone=files.zone
    )
    notes += [f"counter: {finding.en}" for finding in found.findings]
    starts = pd.DatetimeIndex(found.frame.index).as_unit("ns").asi8
    steps = np.append(np.diff(starts), np.median(np.diff(starts)) if len(starts) > 1 else 0).astype(np.int64)
    for start, span, amount in zip(starts.tolist(), steps.tolist(), found.frame["amount"], strict=True):
        if np.isfinite(amount) and span > 0:
            yield layout.sample(start + span // 2, {name: float(amount)}, span_ns=span)


def _samples(
    files: TableFiles, role: str, wanted: Column, notes: list[str], register: str | None = None
) -> Iterator[Sample]:
    from drivers.protocols.files import FileSpec, read_interval_file

    name = register or channel_for(role, wanted)
    # a driver is a plain number: tonnes, hours, a share, whatever its header says
    unit = "units" if name == "output_units" else wanted.unit
    spec = FileSpec(
        role,
        ((wanted.name, name, unit),),
        zone=files.zone,
        time_column=files.time,
        stamp="instant" if register else files.stamp,
        interval=None if register else files.length,
        date_format=files.date_format,
        decimal=files.decimal,
        sheet=files.sheet,
    )
    missing: DodacError | None = None
    for path in files.paths:
        try:
            found = read_interval_file(path, spec)
        except DodacError as error:
            if not error.what.startswith("there is no column"):
                raise _in_words(error, role, wanted) from None
            missing = missing or _in_words(error, role, wanted)
            continue
        if found.refused and not files.keep_good:
            first = found.refused[0]
            count = "1 row" if len(found.refused) == 1 else f"{len(found.refused)} rows"
            raise DataError(
                f"{count} can't be used; line {first.line}: {first.reason}.",
                Where(file=str(path)),
                "Correct the file, or say --keep-good to go on without them.",
            )
        told = [*found.guesses, *found.warnings]
        for rows, what in ((found.refused, "not used"), (found.doubted, "not counted as readings")):
            if rows:
                told.append(f"rows {what}: {len(rows)}, the first in line {rows[0].line}: {rows[0].reason}")
        notes += [line for line in (f"{path.name}: {text}" for text in told) if line not in notes]
        return found.read()
    raise missing or ConfigError("no file is named.", todo="Write --file building.csv.")


def _in_words(error: DodacError, role: str, wanted: Column) -> DodacError:
    """A fault of a file in the words of this command: its options, and no channel that nobody named."""
    todo = _TODO.get(error.todo, error.todo)
    taken = _UNIT.match(todo)
    if taken is not None:
        option = role if role in ("energy", "temperature") else f"driver {role}="
        name = f'--{option}{"" if option.endswith("=") else " "}"{wanted.name}:'
        todo = f'Say what the numbers are in, e.g. {name}{taken[1]}".'
    return type(error)(error.what, Where(file=error.where.file, line=error.where.line), todo)


def _fits(unit: str, target: str) -> bool:
    try:
        conversion(unit, target)
    except ValueError:
        return False
    return True
