"""Both languages are whole, and say the same things."""

import re
import string
from pathlib import Path

import pytest

from dodac.words import LANGUAGES
from reports._tables import gap_text, term_text
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


def test_the_coverage_the_report_claims_is_the_one_that_was_measured() -> None:
    # the report said 87–90 % where the measured table says 88–91 %
    page = (ROOM.parent / "docs/explanation/savings.md").read_text(encoding="utf-8")
    # daily, known ρ above 0: | case | ρ | exact_memory | exact | g14 | … |
    rows = re.findall(
        r"^\| daily 365/(\d+),[^|]*\| (0\.\d+) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|", page, re.MULTILINE
    )
    assert len(rows) == 12
    exact = [float(row[2]) for row in rows]
    g14_year = [float(row[3]) for row in rows if row[0] == "365"]
    for language in LANGUAGES:
        words = say("why_exact_memory", language)
        assert f"{min(exact):.0f}–{max(exact):.0f} %" in words
        assert f"{min(g14_year):.0f}–{max(g14_year):.0f} %" in words


def test_every_gap_a_vietnamese_report_can_show_has_its_words() -> None:
    told = set()
    for room in ("drivers", "collector", "store"):
        for path in (ROOM.parent / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            told |= set(re.findall(r"EventKind\.GAP,\s*(?:text=)?\"([^\"]+)\"", text))
    assert len(told) >= 3
    for words in told:
        assert gap_text(f"main-power: {words}", "en") == f"main-power: {words}"
        assert gap_text(f"main-power: {words}", "vi") != f"main-power: {words}", words
    assert gap_text("a note of somebody", "vi") == "a note of somebody"


def test_every_term_of_the_daily_model_has_vietnamese_words() -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    terms = [f"weekday.{day}" for day in days] + ["day_type.holiday", "day_type.tet"]
    terms += [f"{group}.temperature_{part}" for group in ("occupied", "unoccupied") for part in (1, 6)]
    for term in [*terms, "driver.output"]:
        assert term_text(term, "en") == term
        assert not re.search(r"[._]", term_text(term, "vi")), term
    assert term_text("driver.shifts", "vi") == "shifts"
