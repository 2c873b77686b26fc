"""The words of report and charts in Vietnamese and English, side by side so that none is missing."""

from __future__ import annotations

from typing import Final

from dodac.words import LANGUAGES, Language
from reports._words_body import BODY
from reports._words_charts import CHARTS
from reports._words_intervals import INTERVALS
from reports._words_tests import TESTS

_ALL: Final[dict[str, tuple[str, str]]] = {**CHARTS, **BODY, **INTERVALS, **TESTS}

# key → language → words; each entry is written as (Vietnamese, English)
WORDS: Final[dict[str, dict[Language, str]]] = {
    key: dict(zip(LANGUAGES, pair, strict=True)) for key, pair in _ALL.items()
}


def say(key: str, language: Language, **values: object) -> str:
    """The words of a key with {names} filled in.

    Raises KeyError for a key that is not in the catalogue.
    """
    words = WORDS[key][language]
    return words.format(**values) if values else words


def say_or(key: str, language: Language, otherwise: str) -> str:
    """The words of a key that may not be known (a reason, a fact's name), else the text itself."""
    entry = WORDS.get(key)
    return entry[language] if entry is not None else otherwise


def rows_words(interval: str, language: Language) -> dict[str, str]:
    """The words of a plan's interval for texts with {rows}, {one} and {head} in them."""
    return {kind: say(f"{kind}_{interval}", language) for kind in ("rows", "one", "head")}
