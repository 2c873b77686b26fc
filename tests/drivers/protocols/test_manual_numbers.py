"""Numbers as people type them: none is taken for another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.units import canonical_unit
from dodac.words import number_text
from drivers.protocols.manual_numbers import parse_number, plain


@pytest.mark.parametrize(
    ("text", "meanings", "unit"),
    [
        ("7,2", ["7.2"], ""),
        ("7.2", ["7.2"], ""),
        (" 1,2 mg/l ", ["1.2"], "mg/l"),
        ("-12", ["-12"], ""),
        ("−0,5", ["-0.5"], ""),
        ("+3", ["3"], ""),
        (",5", ["0.5"], ""),
        ("0,125", ["0.125"], ""),
        ("1234,567", ["1234.567"], ""),
        ("1.234,5", ["1234.5"], ""),
        ("1,234.5", ["1234.5"], ""),
        ("1.234.567", ["1234567"], ""),
        ("1 234 567,8", ["1234567.8"], ""),
        ("1\u202f234", ["1234"], ""),
        ("1'234.5", ["1234.5"], ""),
        ("12.345", ["12.345", "12345"], ""),
        ("12,500 kWh", ["12.500", "12500"], "kWh"),
        ("00785", ["785"], ""),
        ("85 °C", ["85"], "°C"),
        ("5%", ["5"], "%"),
    ],
)
def test_a_number_means_what_its_writer_means(text: str, meanings: list[str], unit: str) -> None:
    number = parse_number(text)
    assert number is not None
    assert list(number.meanings) == [Decimal(m) for m in meanings]
    assert number.unit == unit


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1,2,3", "1.2.3", "12.34.567", "1,23.456,7", "1 23", "7,2 8,1", "--5", "1e5", "nan", "inf", "٣", "7,",
     "1" * 40, "12 345 6", "5 mg/l 3", "²", "1E+3", "1/2", "0x10", "1_000", "7٫2"],
)  # fmt: skip
def test_what_is_no_number_is_never_guessed(text: str) -> None:
    number = parse_number(text)
    if number is not None:
        # what stands behind a number is its unit: the form refuses one that is none
        with pytest.raises(ValueError, match="known unit"):
            canonical_unit(number.unit)


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_a_choice_that_was_offered_means_one_thing(value: Decimal) -> None:
    for places in range(5):
        word = plain(round(value, places))
        number = parse_number(word)
        assert number is not None
        assert number.meanings == (round(value, places),)


@given(st.floats(-1e9, 1e9), st.integers(0, 2), st.sampled_from(["vi", "en"]))
def test_what_a_page_prints_can_be_typed_again(value: float, digits: int, language: str) -> None:
    number = parse_number(number_text(value, digits, language))  # type: ignore[arg-type]
    assert number is not None
    assert Decimal(f"{value:.{digits}f}") in number.meanings


@given(st.text(max_size=40))
def test_no_text_breaks_the_form(text: str) -> None:
    number = parse_number(text)
    assert number is None or 1 <= len(number.meanings) <= 2
