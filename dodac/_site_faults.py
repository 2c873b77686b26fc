"""What pydantic finds wrong in a site file, in one sentence with file, line and the nearest key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from dodac._toml_lines import line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest

Loc = tuple[str | int, ...]

_KINDS: Final = ("serial", "tcp", "mqtt", "file")

# what to write instead, by pydantic's name of the fault
_WRITE: Final[dict[str, str]] = {
    "string_type": "Write a text in quotes (a string).",
    "int_type": "Write a whole number (an integer) without quotes.",
    "int_from_float": "Write a whole number (an integer).",
    "date_type": "Write a date without quotes, e.g. 2026-03-02.",
    "date_from_datetime_inexact": "Write a date without a time, e.g. 2026-03-02.",
    "dict_type": "Write a table, e.g. [connections.bus1].",
    "model_type": "Write a table of keys.",
    "model_attributes_type": "Write a table of keys.",
    "tuple_type": "Begin each instrument with [[instruments]].",
}


def config_error(
    error: ValidationError,
    data: dict[str, Any],
    lines: dict[Loc, int],
    path: Path,
    model_at: Callable[[Loc, str | None], type[BaseModel]],
) -> ConfigError:
    """The fault to tell first. `model_at` gives the model whose keys are valid around a location."""
    # a misspelt key is both unknown and missing: the unknown one can name its nearest
    first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    loc = _in_file(tuple(first["loc"]))
    kind = _kind(data, loc)
    dotted = ".".join(str(word) for word in loc)
    where = Where(file=str(path), line=line_of(lines, loc) or 1)
    key = str(loc[-1]) if loc else ""
    known = [field.alias or name for name, field in model_at(loc, kind).model_fields.items()]
    match first["type"]:
        case "extra_forbidden":
            near = nearest(key, known)
            todo = f'Did you mean "{near}"?' if near else f"Known here: {', '.join(known)}."
            return ConfigError(f'unknown key "{dotted}".', where, todo)
        case "missing":
            return ConfigError(f'the key "{dotted}" is missing.', where, "Add it.")
        case "union_tag_invalid":
            where = Where(file=str(path), line=line_of(lines, (*loc, "kind")))
            near = nearest(str(kind), _KINDS)
            todo = f'Did you mean "{near}"?' if near else f"Write one of: {', '.join(_KINDS)}."
            return ConfigError(f'"{dotted}.kind": there is no kind "{kind}".', where, todo)
        case "union_tag_not_found":
            return ConfigError(
                f'the key "{dotted}.kind" is missing.', where, f"Add kind = one of: {', '.join(_KINDS)}."
            )
        case _:
            return _wrong_value(first, dotted, where)


def _wrong_value(first: Any, dotted: str, where: Where) -> ConfigError:
    given = first.get("input")
    message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    secret = "password" in message
    shown = "" if secret or isinstance(given, dict | list | tuple) else f" (it is {_short(given)})"
    match first["type"]:
        case "value_error":
            # most of our own validators repeat the value themselves
            named = isinstance(given, str) and f'"{given}"' in message
            return ConfigError(f'"{dotted}"{"" if named else shown}: {message}', where)
        case "literal_error" | "enum":
            words = [word for word in message.replace(" or ", ", ").replace("'", "").split(", ") if word]
            near = nearest(given, words) if isinstance(given, str) else None
            todo = (f'Did you mean "{near}"? ' if near else "") + f"Write one of: {', '.join(words)}."
            return ConfigError(f'"{dotted}": this can\'t be {_short(given)}.', where, todo)
        case "string_pattern_mismatch" if "ratio" in dotted:
            return ConfigError(f'"{dotted}": this is no ratio{shown}.', where, 'Write e.g. "400/5".')
        case "string_pattern_mismatch":
            todo = 'Use small letters, digits, "-", "." and "_", a letter or digit first.'
            return ConfigError(f'"{dotted}": this can\'t be an id{shown}.', where, todo)
        case kind if kind in _WRITE:
            return ConfigError(f'"{dotted}" has the wrong type{shown}.', where, _WRITE[kind])
        case _:
            return ConfigError(f'"{dotted}": it should be {message}{shown}.', where)


def _in_file(loc: Loc) -> Loc:
    """A location without what pydantic puts in: the connection's kind, the branch of a union."""
    if len(loc) > 2 and loc[0] == "connections" and loc[2] in _KINDS:
        loc = (*loc[:2], *loc[3:])
    if len(loc) > 3 and loc[0] == "instruments" and loc[2] == "address":
        loc = loc[:3]
    return tuple(word for word in loc if word != "[key]")


def _kind(data: dict[str, Any], loc: Loc) -> str | None:
    """The kind of the connection a location is in."""
    tables = data.get("connections")
    table = tables.get(loc[1]) if isinstance(tables, dict) and len(loc) > 1 else None
    given = table.get("kind") if isinstance(table, dict) else None
    return None if given is None else str(given)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        return "very long"
    return text if len(text) <= 60 else text[:57] + "…"
