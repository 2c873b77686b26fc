"""The numbers of interval files: one decimal sign for the whole file, grouped thousands, cells without one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dodac.errors import DataError, Where

_WORDS: Final = {",": "comma", ".": "point"}
_GROUPED: Final = {
    ".": re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"),
    ",": re.compile(r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"),
}
_SPACED: Final = re.compile(r"^[+-]?\d{1,3}([ \u00a0\u202f']\d{3})+([.,]\d*)?$")
_SPACES: Final = re.compile(r"[ \u00a0\u202f']")


@dataclass(frozen=True, slots=True)
class NumberReader:
    """Reads numbers with one decimal sign for the whole file."""

    decimal: str
    missing: frozenset[str]

    @classmethod
    def of(
        cls,
        cells: Iterable[str],
        decimal: str | None,
        missing: Iterable[str],
        path: Path,
        guesses: list[str],
    ) -> NumberReader:
        """Finds the decimal sign from all cells; DataError when "1,234" could be both."""
        if decimal is None:
            decimal = _decimal_sign([text.strip() for text in cells if "," in text], path)
            guesses.append(f"decimal sign: {_WORDS[decimal]}")
        return cls(decimal, frozenset(word.casefold() for word in missing))

    def __call__(self, cell: str) -> float | None:
        """The number of a cell, None where there is none; ValueError for anything else."""
        text = cell.strip()
        if not text or text.casefold() in self.missing:
            return None
        if self.decimal == "." and "," not in text and "_" not in text:
            try:
                value = float(text)
            except ValueError:
                value = self._slow(text)
        else:
            value = self._slow(text)
        if not math.isfinite(value):
            raise ValueError(f'"{_short(text)}" is not a number')
        return value

    def _slow(self, text: str) -> float:
        plain = text.replace("−", "-")
        if _SPACED.match(plain):
            plain = _SPACES.sub("", plain)
        other = "," if self.decimal == "." else "."
        if other in plain:
            if not _GROUPED[self.decimal].match(plain):
                raise ValueError(f'"{_short(text)}" is not a number (decimal {_WORDS[self.decimal]})')
            plain = plain.replace(other, "")
        try:
            if "_" in plain:
                raise ValueError
            return float(plain.replace(self.decimal, "."))
        except ValueError:
            raise ValueError(f'"{_short(text)}" is not a number') from None


def _decimal_sign(with_comma: Sequence[str], path: Path) -> str:
    """ "," when some cell can only be read so, "." when some cell can only be read otherwise."""
    if not with_comma:
        return "."
    votes: Counter[str] = Counter()
    for text in with_comma:
        head, _, tail = text.rpartition(",")
        if "." in text:
            votes["." if text.rindex(".") > text.rindex(",") else ","] += 1
        elif head.count(","):
            votes["."] += 1
        elif len(tail) != 3 or not tail.isdecimal() or head.lstrip("+-") in ("0", "") or len(head) > 4:
            votes[","] += 1
    if not votes:
        raise DataError(
            f'"{with_comma[0]}" can be read as a decimal comma or as thousands.',
            Where(file=str(path)),
            'Say which: --decimal "," or --decimal ".".',
        )
    return votes.most_common(1)[0][0]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
