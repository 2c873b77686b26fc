"""Values of a plan's TOML as what they are: each reader says what it wants when it gets something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Any, Final, TypeVar, cast

from audit.isolated import Agreed, Switching, Tool
from audit.records import Metering, Money
from dodac.quantities import nearest

T = TypeVar("T")
Readers = dict[str, Callable[[Any], Any]]


_MOST: Final = 1e100


class WrongKindError(ValueError):
    """A value of the wrong kind; the message says which kind is right, `path` where in the key's value."""

    def __init__(self, words: str, *path: str | int) -> None:
        super().__init__(words)
        self.path = path


def table_of(value: Any, keys: Sequence[str], words: str, *path: str | int) -> dict[str, Any]:
    """A table with just these keys; a wrong one names its nearest."""
    if not isinstance(value, dict):
        raise WrongKindError(words, *path)
    for key in value:
        if key not in keys:
            near = nearest(key, keys)
            told = f'unknown key "{key}"; did you mean "{near}"?' if near else f'unknown key "{key}"; {words}'
            raise WrongKindError(told, *path, key)
    missing = [key for key in keys if key not in value]
    if missing:
        raise WrongKindError(f'the key "{missing[0]}" is missing; {words}', *path)
    return value


def text_of(value: Any) -> str:
    """A text in quotes, without spaces around it."""
    if not isinstance(value, str):
        raise WrongKindError("write a text in quotes")
    return value.strip()


def number_of(value: Any) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongKindError("write a number")
    return float(value)


def finite_of(value: Any) -> float:
    """A number that an amount can be: TOML knows inf, nan and whole numbers of any length."""
    if isinstance(value, int | float) and not -_MOST < value < _MOST:
        raise WrongKindError("write a number that an amount can be")
    return number_of(value)


def date_of(value: Any) -> str:
    """A date without a time, as 2026-01-31."""
    if isinstance(value, datetime):
        raise WrongKindError('write a date without a time, as "2026-01-31"')
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(text_of(value)).isoformat()
    except ValueError:
        raise WrongKindError('write a date as "2026-01-31"') from None


def period_of(value: Any) -> tuple[str, str]:
    """Two dates: from and to."""
    if not isinstance(value, list) or len(value) != 2:
        raise WrongKindError('write two dates: ["2026-01-01", "2026-12-31"]')
    return date_of(value[0]), date_of(value[1])


def channel_of(value: Any) -> tuple[str, str]:
    """The two parts of "instrument:channel"."""
    instrument, colon, channel = text_of(value).partition(":")
    if not colon or not instrument or not channel:
        raise WrongKindError('write "instrument:channel", e.g. "main-meter:energy_import_kwh"')
    return instrument, channel


def drivers_of(value: Any) -> dict[str, tuple[str, str]]:
    """A table of names and channels."""
    if not isinstance(value, dict) or not value:
        raise WrongKindError('write a table: temperature = "weather:temperature_c"')
    return {name: inside(channel_of, item, name) for name, item in value.items()}


def inside(reader: Callable[[Any], T], value: Any, *path: str | int) -> T:
    """What a reader makes of a value inside another; its fault names the place."""
    try:
        return reader(value)
    except WrongKindError as error:
        raise WrongKindError(str(error), *path, *error.path) from None


def money_of(value: Any) -> Money:
    """An amount with its currency and the date of the price."""
    words = 'write { amount = 1899, currency = "VND", price_date = "2026-01-01" }'
    table = table_of(value, ("amount", "currency", "price_date"), words)
    return Money(
        inside(number_of, table["amount"], "amount"),
        inside(text_of, table["currency"], "currency"),
        inside(date_of, table["price_date"], "price_date"),
    )


def exclude_of(value: Any) -> tuple[tuple[str, str, str], ...]:
    """Spans that are left out, each with its reason."""
    words = 'write a list of { from = "2026-02-01", to = "2026-02-03", why = "…" }'
    if not isinstance(value, list):
        raise WrongKindError(words)
    found = []
    for place, item in enumerate(value):
        table = table_of(item, ("from", "to", "why"), words, place)
        start, end = (inside(date_of, table[key], place, key) for key in ("from", "to"))
        found.append((start, end, inside(text_of, table["why"], place, "why")))
    return tuple(found)


def factors_of(value: Any) -> tuple[tuple[str, str, str], ...]:
    """Static factors: name, unit, value."""
    words = 'write a list of { name = "lines", unit = "1", value = "3" }'
    if not isinstance(value, list):
        raise WrongKindError(words)
    found = []
    for place, item in enumerate(value):
        table = table_of(item, ("name", "unit", "value"), words, place)
        name, unit, amount = (inside(text_of, table[key], place, key) for key in ("name", "unit", "value"))
        found.append((name, unit, amount))
    return tuple(found)


def metering_of(value: Any) -> Metering:
    """The plates of a meter and its transformers."""
    words = 'write { meter_class = "0.5S", ct_class = "0.5", load = 0.6, power_factor = 0.9 }'
    optional = {"ct_class": "", "vt_class": ""}
    if not isinstance(value, dict):
        raise WrongKindError(words)
    table = table_of(
        {**optional, **value}, ("meter_class", "ct_class", "vt_class", "load", "power_factor"), words
    )
    return Metering(
        meter_class=inside(text_of, table["meter_class"], "meter_class"),
        load=inside(number_of, table["load"], "load"),
        power_factor=inside(number_of, table["power_factor"], "power_factor"),
        ct_class=inside(text_of, table["ct_class"], "ct_class"),
        vt_class=inside(text_of, table["vt_class"], "vt_class"),
    )


def agreed_of(value: Any) -> tuple[Agreed, ...]:
    """Figures that were agreed."""
    return records_of(
        value, Agreed, {"value": finite_of, "plus_minus": finite_of, "at": date_of},
        "write [[agreed]] with name, value, plus_minus, unit, basis, by, at",
    )  # fmt: skip


def tools_of(value: Any) -> tuple[Tool, ...]:
    """Instruments with their limits of error."""
    numbers: Readers = dict.fromkeys(("limit", "limit_pct", "drift"), finite_of)
    return records_of(
        value, Tool, numbers, "write [[instruments]] with id, channel and limit, limit_pct or profile"
    )


def whole_of(value: Any) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongKindError("write a whole number")
    return value


def switching_of(value: Any) -> Switching:
    """A test by switching."""
    words = 'write [switching] with energy = "meter:energy_import_kwh", start, periods, seed'
    readers: Readers = {"energy": channel_of, "drivers": drivers_of}
    readers |= dict.fromkeys(("periods", "seed", "block"), whole_of)
    readers |= dict.fromkeys(("period_hours", "washout_hours"), finite_of)
    return records_of([value], Switching, readers, words)[0]


def records_of(value: Any, cls: type[T], readers: Readers, words: str) -> tuple[T, ...]:
    """A list of tables as records of a class; keys that have a default may be left out."""
    if not isinstance(value, list):
        raise WrongKindError(words)
    known = [key.name for key in fields(cast("Any", cls))]
    optional = {
        key.name: key.default if key.default_factory is MISSING else key.default_factory()
        for key in fields(cast("Any", cls))
        if key.default is not MISSING or key.default_factory is not MISSING
    }
    found = []
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise WrongKindError(words, place)
        table = table_of({**optional, **item}, tuple(known), words, place)
        told = {key: inside(readers.get(key, text_of), table[key], place, key) for key in item}
        found.append(cls(**{**optional, **told}))
    return tuple(found)


def flag_of(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise WrongKindError("write true or false")
    return value


def week_of(value: Any) -> tuple[tuple[str, str], ...]:
    """Weekdays and the weekday each is worked like."""
    if not isinstance(value, dict) or not value:
        raise WrongKindError('write { wednesday = "sunday", sunday = "wednesday" }')
    return tuple((day, text_of(like)) for day, like in value.items())
