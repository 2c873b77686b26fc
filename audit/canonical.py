"""Canonical JSON (RFC 8785) of records, and records back from it: what digests are taken over."""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from dodac.errors import IntegrityError

T = TypeVar("T")

# RFC 8785 numbers are IEEE doubles: larger integers (times in ns) travel as strings
_SAFE = 2**53


def canonical(value: object) -> str:
    """The one JSON text of plain data: keys sorted by UTF-16, numbers as ECMAScript prints them.

    Raises ValueError for NaN, infinities, integers beyond 2^53 and anything that is not JSON.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            if abs(value) > _SAFE:
                raise ValueError(f"{value} does not fit a JSON number; write it as text.")
            return str(value)
        case float():
            # a float of numpy prints itself with its type
            return _number(float(value))
        case str():
            return _string(value)
        case list() | tuple():
            return "[" + ",".join(canonical(item) for item in value) + "]"
        case dict():
            keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
            return "{" + ",".join(f"{_string(key)}:{canonical(value[key])}" for key in keys) + "}"
        case _:
            raise ValueError(f"{type(value).__name__} is not JSON.")


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a JSON key must be text, not {value!r}.")
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMAScript's Number::toString, which RFC 8785 §3.2.2.3 asks for."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number.")
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value)!r}e0".split("e")[:2]
    whole, _, part = mantissa.partition(".")
    digits = (whole + ("" if part == "0" else part)).lstrip("0")
    point = len(whole.lstrip("0")) + int(exponent)
    if not whole.lstrip("0"):
        point = int(exponent) - (len(part) - len(part.lstrip("0")))
    digits = digits.rstrip("0")
    count = len(digits)
    sign = "-" if value < 0 else ""
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


def sha256(value: object) -> str:
    """Hex SHA-256 of the canonical JSON of plain data."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def plain(value: object) -> Any:
    """A record as plain data; integer fields named …_ns become text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: str(getattr(value, field.name))
            if field.name.endswith("_ns")
            else plain(getattr(value, field.name))
            for field in fields(value)
        }
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def record(cls: type[T], data: object) -> T:
    """The record that `plain` made plain; keys it does not know are an error.

    Raises IntegrityError when the data don't fit the record.
    """
    try:
        return typing.cast("T", _build(cls, data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            f"a stored {cls.__name__} can't be read: {error}.", todo="Was it written by a newer dodac?"
        ) from None


def _build(kind: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        strange = set(data) - set(hints)
        if strange:
            raise KeyError(f"unknown fields {sorted(strange)}")
        return kind(
            **{
                name: int(item) if name.endswith("_ns") else _build(hints[name], item)
                for name, item in data.items()
            }
        )
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in data)
        return tuple(_build(inner, item) for inner, item in zip(arguments, data, strict=True))
    if origin is dict:
        return {key: _build(arguments[1], item) for key, item in data.items()}
    if origin is types.UnionType or origin is typing.Union:
        if data is None:
            return None
        inner = [argument for argument in arguments if argument is not types.NoneType]
        return _build(inner[0], data) if len(inner) == 1 else data
    if kind is float:
        return float(data)
    return data
