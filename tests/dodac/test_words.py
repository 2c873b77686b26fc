"""Numbers as each language writes them."""

import math

import pytest

from dodac.words import number_text, plain_text, significant_text


@pytest.mark.parametrize(
    ("value", "digits", "language", "text"),
    [
        (1250.5, 1, "en", "1,250.5"),
        (1250.5, 1, "vi", "1.250,5"),
        (-0.04, 1, "en", "0.0"),
        (-12.0, 0, "vi", "−12"),
        (math.nan, 2, "vi", "–"),
    ],
)
def test_a_number_reads_as_the_reader_writes_it(value, digits, language, text):
    assert number_text(value, digits, language) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(408_141.594, "408,000"), (12.345, "12.3"), (0.01234, "0.0123"), (0.0, "0.00"), (999.6, "1,000")],
)
def test_significant_figures_do_not_feign_accuracy(value, text):
    assert significant_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (230.10000610351562, "230.1"),
        (12345678.9, "12345678.9"),  # what the meter's face shows, to be compared with it
        (34277777.7777778, "34277777.7778"),
        (-1234567.0, "-1234567"),
        (0.00012, "0.00012"),
    ],
)
def test_a_long_counter_is_shown_with_all_its_figures(value: float, text: str) -> None:
    assert plain_text(value) == text
