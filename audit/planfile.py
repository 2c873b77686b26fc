"""Options, plans and decisions written as TOML: strict, every fault with its line and the nearest key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from audit._isolated_checks import check_isolated_plan
from audit.decisions import Decision
from audit.isolated import Agreed, IsolatedPlan, Tool
from audit.plans import check_option, check_plan
from audit.records import Metering, Money, Option, Plan
from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest

T = TypeVar("T")
Readers = dict[str, Callable[[Any], Any]]


_MOST: Final = 1e100


class _WrongKindError(ValueError):
    """A value of the wrong kind; the message says which kind is right, `path` where in the key's value."""

    def __init__(self, words: str, *path: str | int) -> None:
        super().__init__(words)
        self.path = path


def _table(value: Any, keys: Sequence[str], words: str, *path: str | int) -> dict[str, Any]:
    """A table with just these keys; a wrong one names its nearest."""
    if not isinstance(value, dict):
        raise _WrongKindError(words, *path)
    for key in value:
        if key not in keys:
            near = nearest(key, keys)
            told = f'unknown key "{key}"; did you mean "{near}"?' if near else f'unknown key "{key}"; {words}'
            raise _WrongKindError(told, *path, key)
    missing = [key for key in keys if key not in value]
    if missing:
        raise _WrongKindError(f'the key "{missing[0]}" is missing; {words}', *path)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongKindError("write a text in quotes")
    return value.strip()


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongKindError("write a number")
    return float(value)


def _finite(value: Any) -> float:
    """A number that an amount can be: TOML knows inf, nan and whole numbers of any length."""
    if isinstance(value, int | float) and not -_MOST < value < _MOST:
        raise _WrongKindError("write a number that an amount can be")
    return _number(value)


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        raise _WrongKindError('write a date without a time, as "2026-01-31"')
    if isinstance(value, date):
        return value.isoformat()
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
    return {name: _at(_channel, item, name) for name, item in value.items()}


def _at(reader: Callable[[Any], T], value: Any, *path: str | int) -> T:
    """What a reader makes of a value inside another; its fault names the place."""
    try:
        return reader(value)
    except _WrongKindError as error:
        raise _WrongKindError(str(error), *path, *error.path) from None


def _money(value: Any) -> Money:
    words = 'write { amount = 1899, currency = "VND", price_date = "2026-01-01" }'
    table = _table(value, ("amount", "currency", "price_date"), words)
    return Money(
        _at(_number, table["amount"], "amount"),
        _at(_text, table["currency"], "currency"),
        _at(_date, table["price_date"], "price_date"),
    )


def _exclude(value: Any) -> tuple[tuple[str, str, str], ...]:
    words = 'write a list of { from = "2026-02-01", to = "2026-02-03", why = "…" }'
    if not isinstance(value, list):
        raise _WrongKindError(words)
    found = []
    for place, item in enumerate(value):
        table = _table(item, ("from", "to", "why"), words, place)
        start, end = (_at(_date, table[key], place, key) for key in ("from", "to"))
        found.append((start, end, _at(_text, table["why"], place, "why")))
    return tuple(found)


def _factors(value: Any) -> tuple[tuple[str, str, str], ...]:
    words = 'write a list of { name = "lines", unit = "1", value = "3" }'
    if not isinstance(value, list):
        raise _WrongKindError(words)
    found = []
    for place, item in enumerate(value):
        table = _table(item, ("name", "unit", "value"), words, place)
        name, unit, amount = (_at(_text, table[key], place, key) for key in ("name", "unit", "value"))
        found.append((name, unit, amount))
    return tuple(found)


def _metering(value: Any) -> Metering:
    words = 'write { meter_class = "0.5S", ct_class = "0.5", load = 0.6, power_factor = 0.9 }'
    optional = {"ct_class": "", "vt_class": ""}
    if not isinstance(value, dict):
        raise _WrongKindError(words)
    table = _table(
        {**optional, **value}, ("meter_class", "ct_class", "vt_class", "load", "power_factor"), words
    )
    return Metering(
        meter_class=_at(_text, table["meter_class"], "meter_class"),
        load=_at(_number, table["load"], "load"),
        power_factor=_at(_number, table["power_factor"], "power_factor"),
        ct_class=_at(_text, table["ct_class"], "ct_class"),
        vt_class=_at(_text, table["vt_class"], "vt_class"),
    )


def _agreed(value: Any) -> tuple[Agreed, ...]:
    return _records(
        value, Agreed, {"value": _finite, "plus_minus": _finite, "at": _date},
        "write [[agreed]] with name, value, plus_minus, unit, basis, by, at",
    )  # fmt: skip


def _tools(value: Any) -> tuple[Tool, ...]:
    numbers: Readers = dict.fromkeys(("limit", "limit_pct", "drift"), _finite)
    return _records(
        value, Tool, numbers, "write [[instruments]] with id, channel and limit, limit_pct or profile"
    )


def _records(value: Any, cls: type[T], readers: Readers, words: str) -> tuple[T, ...]:
    """A list of tables as records of a class; keys that have a default may be left out."""
    if not isinstance(value, list):
        raise _WrongKindError(words)
    known: dict[str, Any] = {key.name: key.default for key in fields(cast("Any", cls))}
    optional = {name: default for name, default in known.items() if default is not MISSING}
    found = []
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise _WrongKindError(words, place)
        table = _table({**optional, **item}, tuple(known), words, place)
        told = {key: _at(readers.get(key, _text), table[key], place, key) for key in item}
        found.append(cls(**{**optional, **told}))
    return tuple(found)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongKindError("write true or false")
    return value


def _week(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not value:
        raise _WrongKindError('write { wednesday = "sunday", sunday = "wednesday" }')
    return tuple((day, _text(like)) for day, like in value.items())


Lines = dict[tuple[str | int, ...], int]

_OPTION: Readers = {"investment": _money}
_PLAN: Readers = {
    "energy": _channel,
    "drivers": _drivers,
    "baseline": _period,
    "blackout": _period,
    "reporting": _period,
    "confidence": _finite,
    "price": _money,
    "exclude": _exclude,
    "static_factors": _factors,
    "metering": _metering,
}
_TESTS: Readers = {
    "instruments": _tools,
    "agreed": _agreed,
    "measured": _drivers,
    "wet_o2": _flag,
    "with_co": _flag,
    "density_kg_l": _finite,
    **{key: _PLAN[key] for key in ("blackout", "reporting", "confidence", "price")},
}
_DECISION: Readers = {
    "at": _date,
    "start": _date,
    "end": _date,
    "amount": _finite,
    "half_width": _finite,
    "confidence": _finite,
    "uncertainty": _finite,
    "removed": _flag,
    "week": _week,
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
    values, lines = _read(path, "option", fields(Option), _OPTION, {})
    found = Option(**values)
    _checked(path, lines, lambda: check_option(found))
    return found


def read_plan(path: Path) -> Plan | IsolatedPlan:
    """The plan of a TOML file, one of tests when it has the key `test`; ConfigError with file, line and nearest key."""
    if "test" in parse_toml(read_toml_text(path, "plan"), path):
        values, lines = _read(path, "plan", fields(IsolatedPlan), _TESTS, {})
        tests = IsolatedPlan(**values)
        _checked(path, lines, lambda: check_isolated_plan(tests))
        return tests
    values, lines = _read(path, "plan", fields(Plan), _PLAN, _PLAN_DEFAULTS)
    found = Plan(**values)
    _checked(path, lines, lambda: check_plan(found))
    return found


def read_decision(path: Path) -> Decision:
    """The decision of a TOML file; ConfigError with file, line and nearest key otherwise."""
    values, lines = _read(path, "decision", fields(Decision), _DECISION, {})
    found = Decision(**values)
    _checked(path, lines, found.entry)
    return found


def _checked(path: Path, lines: Lines, check: Callable[[], object]) -> None:
    try:
        check()
    except ConfigError as error:
        raise ConfigError(
            error.what, Where(file=str(path), line=_line(lines, error.what)), error.todo
        ) from None


def _line(lines: Lines, what: str) -> int | None:
    """The line of the first key that a sentence of the checks names."""
    said = re.sub(r'^(plan|option|decision) "[^"]*": ', "", what)
    path = said.partition(":")[0].split(".")
    if (path[0],) in lines:
        return line_of(lines, path)
    by_name = {str(key[-1]): number for key, number in reversed(lines.items())}
    return next((by_name[word] for word in re.findall(r"\w+", said) if word in by_name), None)


def _read(
    path: Path, word: str, keys: Sequence[Field[Any]], readers: Readers, defaults: dict[str, object]
) -> tuple[dict[str, Any], Lines]:
    text = read_toml_text(path, word)
    data = parse_toml(text, path)
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
            where = Where(file=str(path), line=line_of(lines, (key, *error.path)) or 1)
            inside = f" (in {'.'.join(str(part) for part in (key, *error.path))})" if error.path else ""
            told = f"{error}{inside}"
            raise ConfigError(
                f'"{key}": {told}' if told.endswith("?") else f'"{key}": {told}.', where
            ) from None
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f'the key "{name}" is missing.', Where(file=str(path)), "Add it.")
    return values, lines
