"""The numbers of interval files: one decimal sign for the whole file, grouped thousands, cells without one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from dodac.errors import DataError, Where
from drivers.protocols.files_grid import Exact

DECIMAL_WORDS: Final = {",": "comma", ".": "point"}
# "0.125" is no group of thousands: in a file of commas it is a fault, not 125
_GROUPED: Final = {
    ".": re.compile(r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$"),
    ",": re.compile(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$"),
}
_SPACED: Final = re.compile(r"^[+-]?[1-9]\d{0,2}([ \u00a0\u202f']\d{3})+([.,]\d*)?$")
_SPACES: Final = re.compile(r"[ \u00a0\u202f']")


_NOTHING: Final = re.compile(r"[-–—.*<>\s]+")
_THOUSANDS: Final = re.compile(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")


class DecimalSign:
    """Finds the decimal sign of a file from all its numbers.

    strict: where every number with a point has three digits after it, ask, whatever else there is.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._votes: Counter[str] = Counter()
        self._comma = self._point = ""
        self._whole = self._decided = False
        self._strict = strict

    def take(self, cell: str) -> None:
        """Looks at one cell."""
        if isinstance(cell, Exact):
            return
        if "," not in cell:
            if "." in cell:
                self._with_point(cell.strip())
            elif not self._whole:
                self._whole = cell.strip().isdecimal()
            return
        text = cell.strip()
        self._comma = self._comma or text
        head, _, tail = text.rpartition(",")
        if "." in text:
            self._votes["." if text.rindex(".") > text.rindex(",") else ","] += 1
        elif head.count(","):
            self._votes["."] += 1
        elif len(tail) != 3 or not tail.isdecimal() or head.lstrip("+-") in ("0", "") or len(head) > 4:
            self._votes[","] += 1

    def _with_point(self, text: str) -> None:
        if self._decided or not text[-1:].isdecimal():
            return
        if not _THOUSANDS.match(text):
            self._decided = True  # only a decimal point can stand so
        elif text.count(".") > 1:
            self._votes[","] += 1
        else:
            self._point = self._point or text

    def sign(self, path: Path) -> Literal[".", ","]:
        """ "," when some cell can only be read so, "." when some cell can only be read otherwise.

        Raises DataError when "1,234" or "1.234" could be both.
        """
        todo = 'Say which: --decimal "," or --decimal ".".'
        if self._votes:
            return "," if self._votes[","] > self._votes["."] else "."
        if self._comma:
            raise DataError(
                f'"{self._comma}" can be read as a decimal comma or as thousands.',
                Where(file=str(path)),
                todo,
            )
        if self._point and not self._decided and (self._whole or self._strict):
            raise DataError(
                f'"{self._point}" can be read as a decimal point or as thousands.',
                Where(file=str(path)),
                todo,
            )
        return "."


@dataclass(frozen=True, slots=True)
class NumberReader:
    """Reads numbers with one decimal sign for the whole file."""

    decimal: str
    missing: frozenset[str]

    @classmethod
    def of(cls, decimal: str, missing: Iterable[str]) -> NumberReader:
        """A reader for a sign, with the texts that stand for no reading."""
        return cls(decimal, frozenset(word.casefold() for word in missing))

    def is_missing(self, text: str) -> bool:
        """True for a cell without a reading."""
        return not text or bool(_NOTHING.fullmatch(text)) or text.casefold() in self.missing

    def __call__(self, cell: str) -> float | None:
        """The number of a cell, None where there is none; ValueError for anything else."""
        if isinstance(cell, Exact):
            return _finite(float(cell), cell)
        text = cell.strip()
        if not text or (text[0] not in "0123456789" and self.is_missing(text)):
            return None
        if self.decimal == "." and "," not in text and "_" not in text:
            try:
                value = float(text)
            except ValueError:
                value = self._slow(text)
        else:
            value = self._slow(text)
        return _finite(value, text)

    def _slow(self, text: str) -> float:
        plain = text.replace("−", "-")
        if _SPACED.match(plain):
            plain = _SPACES.sub("", plain)
        other = "," if self.decimal == "." else "."
        if other in plain:
            if not _GROUPED[self.decimal].match(plain):
                raise ValueError(f'"{_short(text)}" is not a number (decimal {DECIMAL_WORDS[self.decimal]})')
            plain = plain.replace(other, "")
        try:
            if "_" in plain:
                raise ValueError
            return float(plain.replace(self.decimal, "."))
        except ValueError:
            raise ValueError(f'"{_short(text)}" is not a number') from None


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f'"{_short(text)}" is not a number')
    return value


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
