"""Paths into JSON, and what counts as a number there; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Literal

DecimalMark = Literal["point", "comma"]

_WORD: Final = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_TEXT_NUMBER: Final[dict[DecimalMark, re.Pattern[str]]] = {
    "point": re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$", re.ASCII),
    # no thousands: "1.234" may be either, so a point is no number here
    "comma": re.compile(r"^[+-]?(\d+(,\d*)?|,\d+)$", re.ASCII),
}
_LONGEST: Final = 64  # characters of a number in text


class Absent:
    """Nothing stands at a path."""


class Many(list[Any]):
    """What stands at a path with a star: any number of things."""


ABSENT: Final = Absent()


def words_of(path: str) -> tuple[str, ...]:
    """The words of a dotted path; "$" is the payload itself.

    A word is a key of an object, a place of a list (0 first), "*" for each of them, or "[key=value]" for
    the element of a list that says so of itself.
    """
    if path == "$":
        return ()
    return tuple(_WORD.findall(path)) if "[" in path else tuple(path.split("."))


def follow(data: Any, words: Sequence[str], whole: str) -> Any:
    """What stands at a path (Many where it has a star), else ABSENT; a key may itself hold dots."""
    if isinstance(data, dict) and whole in data:
        return data[whole]
    here = data
    for place, word in enumerate(words):
        if word == "*" and not (isinstance(here, dict) and "*" in here):
            if not isinstance(here, dict | list):
                return ABSENT
            parts = here.values() if isinstance(here, dict) else here
            rest = words[place + 1 :]
            found = (follow(part, rest, "\0") for part in parts)
            flat = Many()
            for part in found:
                if isinstance(part, Many):
                    flat += part
                elif part is not ABSENT:
                    flat.append(part)
            return flat or ABSENT
        here = _step(here, word)
        if here is ABSENT:
            return ABSENT
    return here


def _step(here: Any, word: str) -> Any:
    if isinstance(here, dict):
        return here.get(word, ABSENT)
    if isinstance(here, list):
        if word.startswith("[") and "=" in word:
            key, _, value = word[1:-1].partition("=")
            return next((e for e in here if isinstance(e, dict) and str(e.get(key)) == value), ABSENT)
        if word.isdecimal() and len(word) < 10 and int(word) < len(here):
            return here[int(word)]
    return ABSENT


def number_of(found: Any, text: DecimalMark | None = None) -> float | None:
    """A number as float; None for what is none (null, truth values, lists, NaN, beyond all bounds).

    text: numbers may also come as text with this decimal mark.
    """
    if text is not None and isinstance(found, str):
        word = found.strip()
        if len(word) > _LONGEST or not _TEXT_NUMBER[text].match(word):
            return None
        found = Decimal(word.replace(",", "."))
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return None
    try:
        number = float(found)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def total_of(parts: Sequence[Any], text: DecimalMark | None = None) -> float | None:
    """The sum of numbers; None when there is none, or any of them is no number: no total without all."""
    numbers = [number_of(part, text) for part in parts]
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return None
    try:
        return math.fsum(known)
    except OverflowError:
        return None
