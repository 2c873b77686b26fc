"""Numbers as people type them: decimal comma or point, groups of thousands, a unit behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\t"), " ") | {0x2212: "-", 0x2019: "'"}
_SHAPE: Final = re.compile(r"([+-]?) ?(\d[\d.,' ]*\d|\d|[.,]\d+) ?([^\d\s.,'+-].{0,15})?", re.ASCII)
_NO_UNIT: Final = re.compile(r"[eE][+-]?\d|[xX_/]")  # 1e3, 0x10, 1_000, 1/2
_SPACED: Final = re.compile(r"(\d{1,3}(?:[ ']\d{3})+)(?:[.,](\d+))?", re.ASCII)
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Number:
    """What a text may mean: one number, or two when its sign may part thousands or decimals.

    unit: what is written behind it, as it stands; may be empty.
    """

    meanings: tuple[Decimal, ...]
    unit: str = ""


def parse_number(text: str) -> Number | None:
    """The number in a text; None when there is none, or more than one.

    "7,2" and "7.2" are the same. "1.234" and "12,500" may mean thousands or decimals: both are given,
    the decimal number first. "0,125", "1234,567" and "1.234,5" mean one thing.
    """
    match = _SHAPE.fullmatch(text.translate(_SPACES).strip())
    if match is None:
        return None
    sign, digits, unit = match.groups()
    if unit and _NO_UNIT.match(unit):
        return None
    if sum(letter.isdigit() for letter in digits) > _MOST_DIGITS:
        return None
    found = _meanings(digits)
    minus = sign == "-"
    values = tuple(-Decimal(word) if minus else Decimal(word) for word in found)
    return Number(values, (unit or "").strip()) if values else None


def _meanings(digits: str) -> list[str]:
    """The plain decimal texts that a run of digits and signs can stand for."""
    if " " in digits or "'" in digits:
        spaced = _SPACED.fullmatch(digits)
        if spaced is None:
            return []
        whole = spaced[1].replace(" ", "").replace("'", "")
        return [f"{whole}.{spaced[2]}" if spaced[2] else whole]
    points, commas = digits.count("."), digits.count(",")
    if not points and not commas:
        return [digits]
    decimal = "." if digits.rfind(".") > digits.rfind(",") else ","
    group = "," if decimal == "." else "."
    whole, _, rest = digits.rpartition(decimal)
    if points and commas:
        good = digits.count(decimal) == 1 and _grouped(whole, group)
        return [f"{whole.replace(group, '')}.{rest}"] if good else []
    if points + commas > 1:
        return [digits.replace(decimal, "")] if _grouped(digits, decimal) else []
    if len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        return [f"{whole}.{rest}", whole + rest]
    return [f"{whole or '0'}.{rest}"]


def _grouped(digits: str, sign: str) -> bool:
    first, *others = digits.split(sign)
    return 1 <= len(first) <= 3 and bool(others) and all(len(other) == 3 for other in others)


def plain(number: Decimal) -> str:
    """A number as text that parse_number reads in one way only: three decimals get a fourth."""
    text = f"{number:f}"
    _, point, rest = text.partition(".")
    return f"{text}0" if point and len(rest) == 3 else text
