"""Reads the dated tables that ship with dodac: factors, tariffs, limits, profiles; each row with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from dodac.errors import ConfigError

Row = Mapping[str, Any]

# read: seen in the source named; computed: from what was read; remembered: not to be relied on until
# it is checked, and a report says so; agreed: a convention of this project or of a programme
CHECKED: Final = ("read", "computed", "remembered", "agreed")
_COMMON: Final = ("source", "checked", "taken")


@cache
def table(name: str) -> tuple[Row, ...]:
    """The rows of analysis/tables/NAME.toml, in the file's order.

    Each row has source, checked (one of CHECKED) and taken (date), given in the row or once in the
    file's [table]. Raises ConfigError naming row and key for a file that breaks that.
    """
    return rows_of(files("analysis").joinpath("tables", f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def rows_of(text: str, name: str) -> tuple[Row, ...]:
    """The rows of a table given as TOML text, checked as `table` does; a plant's own table uses it too."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}.") from None
    shared = {key: data.get("table", {}).get(key) for key in _COMMON}
    found = []
    for place, row in enumerate(data.get("rows", []), 1):
        whole = {**{key: value for key, value in shared.items() if value is not None}, **row}
        for key in _COMMON:
            if not whole.get(key):
                raise ConfigError(
                    f'{name}: row {place} has no "{key}".', todo="Say where the figure is from."
                )
        if whole["checked"] not in CHECKED:
            raise ConfigError(
                f'{name}: row {place}: checked = "{whole["checked"]}".', todo=f"Write one of: {CHECKED}."
            )
        for key in ("valid_from", "valid_to"):
            if key in whole and not isinstance(whole[key], date):
                raise ConfigError(f"{name}: row {place}: {key} is no date.", todo="Write 2025-05-10.")
        found.append(whole)
    return tuple(found)


def in_force(rows: Sequence[Row], day: date) -> tuple[Row, ...]:
    """The rows whose valid_from … valid_to (both included, an absent end is open) hold a day."""
    return tuple(
        row for row in rows if row.get("valid_from", date.min) <= day <= row.get("valid_to", date.max)
    )
