"""Options and plans written as TOML: strict, every fault with its line and the nearest key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from datetime import date
from pathlib import Path
from typing import Any

from audit.plans import check_option, check_plan
from audit.records import Money, Option, Plan
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest


class _WrongKindError(ValueError):
    """A value of the wrong kind; the message says which kind is right."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongKindError("write a text in quotes")
    return value.strip()


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongKindError("write a number")
    return float(value)


def _date(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(_text(value)).isoformat()
    except ValueError:
        raise _WrongKindError('write a date as "2026-01-31"') from None


def _period(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise _WrongKindError('write two dates: ["2026-01-01", "2026-12-31"]')
    return _date(value[0]), _date(value[1])


def _channel(value: Any) -> tuple[str, str]:
    instrument, colon, channel = _text(value).partition(":")
    if not colon or not instrument or not channel:
        raise _WrongKindError('write "instrument:channel", e.g. "main-meter:energy_import_kwh"')
    return instrument, channel


def _drivers(value: Any) -> dict[str, tuple[str, str]]:
    if not isinstance(value, dict) or not value:
        raise _WrongKindError('write a table: temperature = "weather:temperature_c"')
    return {name: _channel(item) for name, item in value.items()}


def _money(value: Any) -> Money:
    if not isinstance(value, dict) or set(value) != {"amount", "currency", "price_date"}:
        raise _WrongKindError('write { amount = 1899, currency = "VND", price_date = "2026-01-01" }')
    return Money(_number(value["amount"]), _text(value["currency"]), _date(value["price_date"]))


def _exclude(value: Any) -> tuple[tuple[str, str, str], ...]:
    words = 'write a list of { from = "2026-02-01", to = "2026-02-03", why = "…" }'
    if not isinstance(value, list):
        raise _WrongKindError(words)
    found = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"from", "to", "why"}:
            raise _WrongKindError(words)
        found.append((_date(item["from"]), _date(item["to"]), _text(item["why"])))
    return tuple(found)


Readers = dict[str, Callable[[Any], Any]]

_OPTION: Readers = {"investment": _money}
_PLAN: Readers = {
    "energy": _channel,
    "drivers": _drivers,
    "baseline": _period,
    "blackout": _period,
    "reporting": _period,
    "confidence": _number,
    "price": _money,
    "exclude": _exclude,
}
# a plan may leave these out; the record itself has no default for them
_PLAN_DEFAULTS: dict[str, object] = {
    "model": "towt-daily",
    "holidays": None,
    "blackout": None,
    "confidence": 0.9,
    "price": None,
}


def read_option(path: Path) -> Option:
    """The option of a TOML file; ConfigError with file, line and nearest key otherwise."""
    found = Option(**_read(path, "option", fields(Option), _OPTION, {}))
    _checked(path, lambda: check_option(found))
    return found


def read_plan(path: Path) -> Plan:
    """The plan of a TOML file; ConfigError with file, line and nearest key otherwise."""
    found = Plan(**_read(path, "plan", fields(Plan), _PLAN, _PLAN_DEFAULTS))
    _checked(path, lambda: check_plan(found))
    return found


def _checked(path: Path, check: Callable[[], None]) -> None:
    try:
        check()
    except ConfigError as error:
        raise ConfigError(error.what, Where(file=str(path)), error.todo) from None


def _read(
    path: Path, word: str, keys: Sequence[Field[Any]], readers: Readers, defaults: dict[str, object]
) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"there is no such {word} file.", Where(file=str(path))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {word} file can't be read: {error}.", Where(file=str(path))) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}.", Where(file=str(path))) from None
    lines = key_lines(text)
    known = {key.name: key for key in keys if key.name != "registered_ns"}
    values: dict[str, Any] = dict(defaults)
    for key, value in data.items():
        where = Where(file=str(path), line=line_of(lines, (key,)) or 1)
        if key not in known:
            near = nearest(key, known)
            todo = f'Did you mean "{near}"?' if near else f"Known here: {', '.join(known)}."
            raise ConfigError(f'unknown key "{key}".', where, todo)
        reader: Callable[[Any], Any] = readers.get(key, _text)
        try:
            values[key] = reader(value)
        except _WrongKindError as error:
            raise ConfigError(f'"{key}": {error}.', where) from None
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f'the key "{name}" is missing.', Where(file=str(path)), "Add it.")
    return values
