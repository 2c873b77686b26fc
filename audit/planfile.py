"""Options, plans and decisions written as TOML: strict, every fault with its line and the nearest key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from audit._isolated_checks import check_isolated_plan
from audit._plan_values import (
    Readers,
    WrongKindError,
    agreed_of,
    channel_of,
    date_of,
    drivers_of,
    exclude_of,
    factors_of,
    finite_of,
    flag_of,
    metering_of,
    money_of,
    period_of,
    switching_of,
    text_of,
    tools_of,
    week_of,
)
from audit.decisions import Decision
from audit.isolated import IsolatedPlan
from audit.plans import check_option, check_plan
from audit.records import Option, Plan
from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest

Lines = dict[tuple[str | int, ...], int]

_OPTION: Readers = {"investment": money_of}
_PLAN: Readers = {
    "energy": channel_of,
    "drivers": drivers_of,
    "baseline": period_of,
    "blackout": period_of,
    "reporting": period_of,
    "confidence": finite_of,
    "price": money_of,
    "exclude": exclude_of,
    "static_factors": factors_of,
    "metering": metering_of,
}
_TESTS: Readers = {
    "instruments": tools_of,
    "agreed": agreed_of,
    "measured": drivers_of,
    "wet_o2": flag_of,
    "with_co": flag_of,
    "density_kg_l": finite_of,
    "switching": switching_of,
    **{key: _PLAN[key] for key in ("blackout", "reporting", "confidence", "price")},
}
_DECISION: Readers = {
    "at": date_of,
    "start": date_of,
    "end": date_of,
    "amount": finite_of,
    "half_width": finite_of,
    "confidence": finite_of,
    "uncertainty": finite_of,
    "removed": flag_of,
    "week": week_of,
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
        reader: Callable[[Any], Any] = readers.get(key, text_of)
        try:
            values[key] = reader(value)
        except WrongKindError as error:
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
