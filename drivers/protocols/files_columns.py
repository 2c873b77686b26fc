"""Columns of a table as channels: their units, and the states that speak for them."""

from __future__ import annotations

from dodac.errors import ConfigError, Where
from dodac.quantities import CHANNELS
from dodac.units import canonical_unit, conversion
from drivers.protocols.files_block import Block
from drivers.protocols.files_csv import Table
from drivers.protocols.files_names import find_place
from drivers.protocols.files_rows import Column, Status
from drivers.protocols.files_spec import FileSpec
from drivers.protocols.files_units import file_unit, is_foreign, split_name
from drivers.protocols.files_words import plain

GOOD_STATUS = ("V", "OK", "VALID", "GOOD")


def columns_of(spec: FileSpec, table: Table, block: Block, guesses: list[str]) -> list[Column]:
    columns = []
    for number, ((name, target, told), place) in enumerate(zip(spec.columns, block.places, strict=True)):
        found = CHANNELS[target]
        unit = canonical_unit(found.unit if told is None else told)
        if place is not None and (told is None or _first_said(table, number, block) == unit):
            unit = _own_unit(name, block, place, unit, target, table, guesses)
        step = conversion(unit, found.unit)
        columns.append(Column(found, unit, step.scale, step.offset))
    return columns


def _first_said(table: Table, number: int, block: Block) -> str | None:
    """The unit that the first table gives a column, for a further one: told alike, each keeps its own."""
    first = next(each for each in table.blocks if each.places[number] is not None)
    place = first.places[number]
    if first.line == block.line or place is None:
        return None
    name = first.names[place]
    return file_unit(split_name(name)[1]) or file_unit(first.units.get(name, ""))


def _own_unit(
    name: str, block: Block, place: int, unit: str, target: str, table: Table, guesses: list[str]
) -> str:
    """The unit that the header or the row of units gives a column, else the channel's.

    Raises ConfigError for a unit that can't become the channel's.
    """
    text = split_name(block.names[place])[1]
    if file_unit(text) is None and not is_foreign(text):
        text = block.units.get(block.names[place], "") or text
    said = file_unit(text)
    where = Where(file=str(table.grid.path), line=block.line or None, channel=target)
    todo = f"If the numbers are in {unit} all the same, say so: --column {name}={target}:{unit}."
    if is_foreign(text):
        raise ConfigError(f'"{name}" is in {text}, which can\'t be turned into {unit}.', where, todo)
    if said is None or said == unit:
        if said is None and text.strip("_- 1"):
            guesses.append(f'"{name}": "{text}" is no unit that is known, taken as {unit}')
        return unit
    try:
        conversion(said, unit)
    except ValueError:
        raise ConfigError(
            f'"{name}" is in {said}, which can\'t be turned into {unit}.', where, todo
        ) from None
    words = f'"{name}": unit {said} from the header'
    if words not in guesses:
        guesses.append(words)
    return said


def statuses_of(spec: FileSpec, table: Table, guesses: list[str]) -> list[Status]:
    told = dict(spec.statuses)
    names = table.blocks[0].names
    bare = []
    for name, _, _ in spec.columns:
        place = find_place(names, name)
        bare.append(plain(split_name(names[place] if place is not None else name)[0]))
    statuses = []
    for name in table.statuses:
        prefix = plain(name).removesuffix(" status")
        own = tuple(n for n, word in enumerate(bare) if word == prefix)
        good = told.get(name, GOOD_STATUS)
        statuses.append(Status(frozenset(text.casefold() for text in good), own or tuple(range(len(bare)))))
        if name not in told:
            words = ", ".join(spec.columns[n][0] for n in own)
            guesses.append(f'"{name}" speaks for {words}: {", ".join(good)} are good, all else is flagged')
    return statuses
