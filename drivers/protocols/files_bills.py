"""Bills of electricity, water and fuel: amounts of a period with two dates, registers, and their cost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dodac.clock import DAY_NS
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import CHANNELS
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from dodac.units import canonical_unit, conversion
from drivers.protocols.files_bill_dates import Period, PeriodReader, find_bounds, period_words
from drivers.protocols.files_bill_rows import (
    ENERGY,
    TARIFF,
    Bill,
    Found,
    add_register,
    add_tariff,
    merge_hours,
    put_in_order,
)
from drivers.protocols.files_bill_spec import (
    BillSpec,
    checked_columns,
    date_columns,
    number_columns,
    roles_text,
)
from drivers.protocols.files_block import Block
from drivers.protocols.files_csv import Table
from drivers.protocols.files_grid import Exact
from drivers.protocols.files_numbers import DECIMAL_WORDS, DecimalSign, NumberReader
from drivers.protocols.files_open import open_grids
from drivers.protocols.files_spec import FileReading, RowList, TakenColumn, held
from drivers.protocols.files_time import Walls
from drivers.protocols.files_units import file_unit, is_foreign, split_name
from drivers.protocols.files_words import CURRENCIES, plain, vocabulary

_ESTIMATED: Final = frozenset(
    (
        "x",
        "1",
        "yes",
        "y",
        "true",
        "e",
        "est",
        "estimate",
        "estimated",
        "co",
        "uoc tinh",
        "tam tinh",
        "geschatzt",
        "ja",
    )
)
_THOUSANDS: Final = {
    "nghin": 1e3,
    "ngan": 1e3,
    "1000": 1e3,
    "1 000": 1e3,
    "k": 1e3,
    "trieu": 1e6,
    "million": 1e6,
    "ty": 1e9,
}
_MOST_ROWS: Final = 100_000
_SUFFIXED: Final = re.compile(r"^([+−-]?\d[\d.,\u00a0\u202f ]*?)\s*([^\d\s.,].*)$")


def read_bills(path: Path | str, spec: BillSpec) -> FileReading:
    """Reads a file of bills: one sample a bill, its interval the billed period in whole local days.

    Raises ConfigError for a column, channel or unit that does not exist, DataError when the file can't
    be read or its dates, numbers or periods can be read in two ways.
    """
    path = Path(path)
    names = checked_columns(spec)
    grids = open_grids(path, delimiter=spec.delimiter, encoding=spec.encoding, sheet=spec.sheet)
    dates = date_columns(spec)
    table = Table(grids, names, dates, (), delimiter=spec.delimiter, format_told=True)
    guesses = table.guesses
    guesses.append(roles_text(spec))
    rows = _rows(spec, table, names)
    signs, periods = DecimalSign(strict=True), PeriodReader(spec, Walls(ZoneInfo(spec.zone)), path)
    for line, block, cells in rows:
        for column in number_columns(spec):
            signs.take(_number_text(_cell(cells, block, names, column)))
        periods.look(line, [cells[place] for place in block.times])
    decimal = spec.decimal or signs.sign(path)
    guesses.append(f"decimal sign: {DECIMAL_WORDS[decimal]}")
    numbers = NumberReader.of(decimal, spec.missing)
    periods.decide(guesses)
    scales = {name: _scale(spec, table, name, target, told, guesses) for name, target, told in spec.columns}
    found = Found()
    for line, block, cells in rows:
        _take(spec, names, scales, numbers, periods, found, line, block, cells)
    for row in table.refused:
        found.refused.add(row.line, row.reason)
    currency, money = _currency(spec, table, guesses)
    if spec.tariff_column:
        merge_hours(found)
    bounds = spec.bounds or find_bounds([(b.line, b.period) for b in found.bills], path, guesses)
    found.bills = [replace_period(bill, periods.bounded(bill.period, bounds)) for bill in found.bills]
    put_in_order(found)
    layout = Layout(spec.instrument, _channels(spec, found, guesses))
    walls = Walls(ZoneInfo(spec.zone))
    samples = [_sample(bill, layout, walls) for bill in found.bills]
    if found.bills:
        guesses.append(f"{len(found.bills)} bills, {period_words(found.bills[0].period)} the first")
    return held(
        path, layout, samples, found.refused, rows=table.count - rows.skipped, guesses=guesses,
        interval="billing periods", left_out=found.left_out, doubted=_doubted(found.bills, samples),
        columns=tuple(TakenColumn(n, t, scales[n][0], scales[n][1], 0.0) for n, t, _ in spec.columns),
        aside=table.no_rows(),
        unused=table.unused(), facts=dict(table.facts), warnings=tuple(found.warnings),
        events=tuple(_events(spec, found.bills, samples, (currency, money), path)),
    )  # fmt: skip


def replace_period(bill: Bill, period: Period) -> Bill:
    """The bill with its period's last day decided."""
    return replace(bill, period=period)


class _rows:  # noqa: N801  (used as a function that can be gone through again)
    """The rows that are meant: the first time through finds the blocks of the file."""

    def __init__(self, spec: BillSpec, table: Table, names: list[str]) -> None:
        self._spec, self._table, self._names = spec, table, names
        self._scanned = False
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[int, Block, list[str]]]:
        rows = self._table.rows() if self._scanned else self._table.scan()
        kept = 0
        for line, block, cells in rows:
            if any(_cell(cells, block, self._names, name).strip() != text for name, text in self._spec.where):
                if not self._scanned:
                    self._table.aside.add(line)
                    self.skipped += 1
                continue
            kept += 1
            if kept > _MOST_ROWS:
                raise DataError(
                    f"more than {_MOST_ROWS} bills.", Where(file=str(self._table.grid.path), line=line)
                )
            yield line, block, cells
        if not kept and self._spec.where:
            said = " and ".join(f'{name} = "{text}"' for name, text in self._spec.where)
            raise DataError(f"no row has {said}.", Where(file=str(self._table.grid.path)))
        self._scanned = True


def _cell(cells: Sequence[str], block: Block, names: Sequence[str], name: str) -> str:
    place = block.places[names.index(name)]
    return "" if place is None else cells[place]


def _number_text(cell: str, unit: str | None = None) -> str:
    """A cell without the currency, or the column's own unit, that stands after its number."""
    match = None if isinstance(cell, Exact) or len(cell) > 100 else _SUFFIXED.match(cell.strip())
    if match is None:
        return cell
    said = file_unit(match[2])
    money = (plain(match[2]) or match[2]) in CURRENCIES
    return match[1] if money or (said is not None and unit in (None, said)) else cell


def _scale(
    spec: BillSpec, table: Table, name: str, target: str, told: str | None, guesses: list[str]
) -> tuple[str, float]:
    """Unit of a column and the factor to the channel's."""
    unit = CHANNELS[target].unit
    block = table.blocks[0]
    place = block.places[checked_columns(spec).index(name)]
    if told is not None:
        return canonical_unit(told), conversion(told, unit).scale
    header = block.names[place] if place is not None else name
    text = split_name(header)[1] or block.units.get(header, "")
    said = file_unit(text)
    where = Where(file=str(table.grid.path), line=block.line, channel=target)
    todo = f"Say what the numbers are in: --column {name}={target}:UNIT."
    if is_foreign(text):
        raise ConfigError(f'"{name}" is in {text}, which can\'t be turned into {unit}.', where, todo)
    if said is None:
        if text.strip("_- "):
            guesses.append(f'"{name}": "{text}" is no unit that is known, taken as {unit}')
        return unit, 1.0
    try:
        step = conversion(said, unit)
    except ValueError:
        raise ConfigError(
            f'"{name}" is in {said}, which can\'t be turned into {unit}.', where, todo
        ) from None
    if said != unit:
        guesses.append(f'"{name}": unit {said} from the header')
    return said, step.scale


def _take(
    spec: BillSpec,
    names: list[str],
    scales: Mapping[str, tuple[str, float]],
    numbers: NumberReader,
    periods: PeriodReader,
    found: Found,
    line: int,
    block: Block,
    cells: list[str],
) -> None:
    def number(name: str | None) -> float | None:
        if name is None:
            return None
        try:
            return numbers(_number_text(_cell(cells, block, names, name), scales.get(name, ("", 1.0))[0]))
        except ValueError as error:
            raise ValueError(f'column "{name}": {error}') from None

    try:
        period = periods.read(line, [cells[place] for place in block.times])
        amounts = {}
        for name, target, _ in spec.columns:
            value = number(name)
            if value is not None:
                amounts[target] = value * scales[name][1]
        readings = (number(spec.old_column), number(spec.new_column), number(spec.factor_column))
        if spec.factor_column and readings[2] is None and spec.register not in amounts:
            raise ValueError(f'column "{spec.factor_column}": no number, so the readings give no amount')
        add_register(spec.register, line, readings, amounts, found)
        cost = number(spec.cost_column)
    except ValueError as error:
        found.refused.add(line, str(error))
        return
    if period is None:
        found.left_out.add(line, "the reading before it is not in the file: say --first-from DATE to use it")
        return
    if spec.tariff_column:
        hours = plain(_cell(cells, block, names, spec.tariff_column))
        whole = hours in ("", "tong", "tong cong", "total")
        counted = ENERGY if whole else vocabulary().channels.get(hours, "")
        if counted not in (ENERGY, *TARIFF):
            words = f'column "{spec.tariff_column}": "{hours[:40]}" is no hours of the tariff'
            found.refused.add(line, words)
            return
        if ENERGY in amounts:
            amounts[counted] = amounts.pop(ENERGY)
    else:
        add_tariff(line, amounts, found)
    if not amounts:
        found.left_out.add(line, "no value" if cost is None else "no amount, only money")
        return
    for name, value in amounts.items():
        if value < 0:
            found.warnings.append(f"line {line}: {name} is {value:g}: an adjustment")
    said = plain(_cell(cells, block, names, spec.estimated_column)) if spec.estimated_column else ""
    estimated = said in _ESTIMATED
    if estimated:
        found.warnings.append(f"line {line}: an estimated reading")
    found.bills.append(Bill(line, period, amounts, cost, estimated))


def _currency(spec: BillSpec, table: Table, guesses: list[str]) -> tuple[str, float]:
    """The currency of the costs, and how much of it one of their numbers is (nghìn đồng: 1000)."""
    if spec.cost_column is None:
        return "", 1.0
    block = table.blocks[0]
    place = block.places[checked_columns(spec).index(spec.cost_column)]
    header = block.names[place] if place is not None else ""
    text = split_name(header)[1] or block.units.get(header, "")
    word = plain(text) or text.strip()
    many = next((name for name in _THOUSANDS if word.startswith(f"{name} ")), "")
    scale = _THOUSANDS.get(many, 1.0)
    if many:
        word = word.removeprefix(many).strip()
        guesses.append(f'"{spec.cost_column}" is in {text}: its numbers are multiplied by {scale:,.0f}')
    if spec.currency is not None:
        if not (len(spec.currency) == 3 and spec.currency.isalpha() and spec.currency.isupper()):
            raise ConfigError(
                f'"{spec.currency}" is not a currency.', todo='Write its three letters, e.g. "VND".'
            )
        return spec.currency, scale
    said = CURRENCIES.get(word, "")
    if not said:
        raise ConfigError(
            f'the file does not say in which currency "{spec.cost_column}" is.',
            Where(file=str(table.grid.path), line=block.line),
            "Say it: --currency VND.",
        )
    guesses.append(f'"{spec.cost_column}": {said}, from the header')
    return said, scale


def _channels(spec: BillSpec, found: Found, guesses: list[str]) -> tuple[str, ...]:
    asked = [target for _, target, _ in spec.columns]
    made = dict.fromkeys(name for bill in found.bills for name in bill.amounts)
    for name in made:
        if name not in asked:
            how = "the sum of the tariff's hours"
            if spec.tariff_column and name in TARIFF:
                how = "from the rows of its hours"
            elif spec.old_column and name == spec.register:
                how = "(new − old) · factor"
            guesses.append(f"{name} is {how}")
    return tuple(dict.fromkeys([*asked, *made])) or (spec.register,)


def _sample(bill: Bill, layout: Layout, walls: Walls) -> Sample:
    start, end = walls.utc(bill.period.start * DAY_NS), walls.utc(bill.period.end * DAY_NS)
    good = {name: value for name, value in bill.amounts.items() if CHANNELS[name].in_range(value)}
    flags = [Flag(n, Reason.OUT_OF_RANGE, v) for n, v in bill.amounts.items() if n not in good]
    span = end - start
    return layout.sample(
        start + span // 2, good, flags=flags, span_ns=span, time_source=TimeSource.DEVICE, part=bill.part
    )


def _doubted(bills: Sequence[Bill], samples: Sequence[Sample]) -> RowList:
    doubted = RowList()
    for bill, sample in zip(bills, samples, strict=True):
        if sample.flags:
            doubted.add(
                bill.line, ", ".join(f"{f.channel} {f.reason.value} ({f.value:g})" for f in sample.flags)
            )
    return doubted


def _events(
    spec: BillSpec, bills: Sequence[Bill], samples: Sequence[Sample], money: tuple[str, float], path: Path
) -> Iterator[Event]:
    """Money has no channel: it is kept as an event of the period, with currency and price date."""
    for bill, sample in zip(bills, samples, strict=True):
        if bill.cost is None and not bill.estimated:
            continue
        days = period_words(bill.period)
        data: dict[str, str | int | float] = {"from": days.split(" – ")[0], "to": days.split(" – ")[-1]}
        text = f"bill {days}"
        if bill.cost is not None:
            data.update(cost=bill.cost * money[1], currency=money[0], price_date=data["to"])
            text += f": {bill.cost * money[1]:.2f} {money[0]}"
        if bill.estimated:
            data["estimated"] = 1
            text += " (estimated reading)"
        yield Event(
            sample.start_ns, EventKind.NOTE, text, f"file:{path.name}", spec.instrument, sample.end_ns, data
        )
