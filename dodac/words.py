"""Words for people in Vietnamese and English, and numbers as each language writes them."""

from __future__ import annotations

import math
from typing import Final, Literal

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")


def number_text(value: float, digits: int = 0, language: Language = "en") -> str:
    """A number with grouping: 1,250.5 in English, 1.250,5 in Vietnamese; "–" for NaN."""
    if math.isnan(value):
        return "–"
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.replace("-", "")
    text = text.replace("-", "−")
    if language == "vi":
        text = text.translate(str.maketrans(",.", ".,"))
    return text


def significant_text(value: float, figures: int = 3, language: Language = "en") -> str:
    """A number with about `figures` significant figures and grouping."""
    if math.isnan(value):
        return "–"
    size = 0 if value == 0 else math.floor(math.log10(abs(value)))
    digits = max(0, figures - 1 - size)
    if size >= figures:
        return number_text(round(value, figures - 1 - size), 0, language)
    return number_text(value, digits, language)


def plain_text(value: float) -> str:
    """A reading as a terminal shows it: seven figures, and all of a long counter, as on the meter's face."""
    return f"{value:.{7 if abs(value) < 1e6 else 12}g}"
