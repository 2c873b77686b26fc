"""Columns found by their names: as written, without case, without their unit, by number."""

from __future__ import annotations

from collections.abc import Sequence

from dodac.errors import ConfigError, Where
from dodac.quantities import nearest
from drivers.protocols.files_units import split_name
from drivers.protocols.files_words import plain


def find_place(header: Sequence[str], name: str) -> int | None:
    """A column by its name, then without regard to case, then without its unit, then by number."""
    if name in header:
        return header.index(name)
    folded = [cell.casefold() for cell in header]
    wanted = name.strip().casefold()
    if wanted in folded:
        return folded.index(wanted)
    bare = [split_name(cell)[0].casefold() for cell in header]
    if bare.count(wanted) == 1:
        return bare.index(wanted)
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return int(name) - 1
    return None


def bare_names(header: Sequence[str]) -> tuple[str, ...]:
    """The names of a header without their units."""
    return tuple(split_name(name)[0].casefold() for name in header)


def other_unit(header: Sequence[str], name: str) -> int | None:
    """The one column of a further table that has another unit in its name: "P (W)" for "P (kW)"."""
    wanted = split_name(name)[0].casefold()
    bare = bare_names(header)
    return bare.index(wanted) if bare.count(wanted) == 1 else None


def unit_column(header: Sequence[str], place: int | None) -> int | None:
    """The column right of another one that holds the units of its cells: "CH1 Unit", "Đơn vị"."""
    if place is None or place + 1 >= len(header):
        return None
    words = plain(header[place + 1])
    return place + 1 if words.removesuffix("s").endswith(("unit", "einheit", "don vi")) else None


def check_once(header: Sequence[str], name: str, where: Where) -> None:
    """Raises ConfigError when two columns have the name asked for."""
    same = [str(place) for place, cell in enumerate(header, start=1) if cell == name]
    if len(same) > 1:
        raise ConfigError(
            f'{len(same)} columns are called "{name}".', where, f"Name one by its number: {', '.join(same)}."
        )


def listed_names(header: Sequence[str]) -> str:
    """Names of columns for a message, however many and long they are."""
    names = [name for name in header if name]
    more = f" and {len(names) - 60} more" if len(names) > 60 else ""
    return ", ".join(f'"{name[:60]}"' for name in names[:60]) + more


def no_column(name: str, header: Sequence[str], where: Where) -> ConfigError:
    """The fault of a name that no header holds, with the nearest one."""
    near = nearest(name, header)
    todo = f'Did you mean "{near}"? ' if near else ""
    return ConfigError(f'there is no column "{name}".', where, f"{todo}Columns: {listed_names(header)}.")
