"""Numbers as an auditor of each language reads them; no digit more than the ± allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import Money
from reports.formats import (
    day_text,
    larger_unit,
    moment_text,
    money_text,
    percent_text,
    plus_minus,
    unit_text,
)


def test_a_saving_has_no_more_digits_than_its_uncertainty_allows() -> None:
    assert plus_minus(295_071.2, 19_847.4, "en") == ("295,000", "20,000")
    assert plus_minus(295_071.2, 1_984.7, "vi") == ("295.100", "2.000")
    assert plus_minus(1.23456, 0.0123, "vi") == ("1,235", "0,012")


@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e12))
def test_rounding_never_moves_a_saving_by_more_than_a_tenth_of_its_uncertainty(
    value: float, half: float
) -> None:
    text, _ = plus_minus(value, half, "en")
    rounded = float(text.replace(",", "").replace("−", "-"))
    assert abs(rounded - value) <= max(half / 10, 5e-4) * 1.001


def test_money_is_never_without_its_currency() -> None:
    assert (
        money_text(Money(575_388_928.0, "VND", "2026-06-01"), "vi", 38_702_400.0)
        == "575.000.000 ± 39.000.000 VND"
    )
    assert money_text(Money(1950.0, "VND", "2026-06-01"), "vi") == "1.950 VND"
    assert money_text(Money(0.085, "USD", "2026-06-01"), "en") == "0.085 USD"


def test_dates_are_written_as_each_language_does() -> None:
    assert day_text("2026-03-05", "vi") == "05/03/2026"
    assert day_text("2026-03-05 14:30", "en") == "5 Mar 2026 14:30"
    assert day_text("KT3-0123", "en") == "KT3-0123"
    assert moment_text(1_790_000_000_000_000_000, "Asia/Ho_Chi_Minh", "vi") == "21/09/2026 21:13:20 UTC+07:00"
    assert moment_text(0, "UTC", "vi") == "–"


@pytest.mark.parametrize(
    ("unit", "largest", "expected"),
    [("kWh", 19_999.0, ("kWh", 1.0)), ("kWh", 20_000.0, ("MWh", 1000.0)), ("m3", 1e9, ("m3", 1.0))],
)
def test_an_axis_takes_the_unit_that_can_be_read(
    unit: str, largest: float, expected: tuple[str, float]
) -> None:
    assert larger_unit(unit, largest) == expected


def test_units_and_percentages_are_those_of_the_language() -> None:
    assert unit_text("degC", "vi") == "°C"
    assert percent_text(0.0912, "vi") == "9,1 %"
    assert percent_text(0.0912, "en") == "9.1 %"
