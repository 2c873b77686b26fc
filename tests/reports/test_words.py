"""Both languages are whole, and say the same things."""

import re
import string
from pathlib import Path

import pytest

from dodac.words import LANGUAGES
from reports.words import WORDS, say, say_or

ROOM = Path(__file__).parents[2] / "reports"


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_no_word_is_missing_in_a_language(key: str) -> None:
    assert set(WORDS[key]) == set(LANGUAGES)
    assert all(text.strip() for text in WORDS[key].values())
    assert _names(WORDS[key]["vi"]) == _names(WORDS[key]["en"])


def test_every_word_the_report_asks_for_is_in_the_catalogue() -> None:
    asked: set[str] = set()
    for path in [*ROOM.glob("*.py"), *ROOM.glob("templates/*.html")]:
        asked |= set(re.findall(r"\bsay\(\s*\"([a-z_]+)\"", path.read_text(encoding="utf-8")))
    assert len(asked) > 80
    assert asked <= set(WORDS)


def test_a_number_put_into_words_stays_whole() -> None:
    assert say("interval", "vi", low="1", high="2", unit="kWh") == "khoảng tin cậy: 1 đến 2 kWh"
    with pytest.raises(KeyError):
        say("no_such_key", "vi")


def test_a_word_unknown_to_the_catalogue_is_printed_as_it_is() -> None:
    assert say_or("driver_shifts", "vi", "shifts") == "shifts"
