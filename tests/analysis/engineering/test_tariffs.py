"""Electricity is priced by the bands and prices of its own date, and never where no table holds."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Refusal
from analysis._tables import rows_of
from analysis.engineering.tariffs import (
    BANDS,
    EnergyCost,
    band_minutes,
    energy_cost,
    tariff,
)
from dodac.errors import ConfigError, DataError
from dodac.money import Money

ZONE = "Asia/Ho_Chi_Minh"


def half_hours(start, days, kwh=1.0):
    index = pd.date_range(start, periods=48 * days, freq="30min", tz=ZONE)
    return pd.Series(kwh, index=index)


def cost(energy, **more):
    found = energy_cost(energy, voltage_kv=more.pop("voltage_kv", 22.0), **more)
    assert isinstance(found, EnergyCost)
    return found


def kwh(found):
    return {band.band: band.energy_kwh for band in found.bands}


def test_a_weekday_under_the_new_hours():
    # 963/QĐ-BCT from 22 April 2026: peak 17:30–22:30, off-peak 00:00–06:00; 23 April 2026 is a Thursday
    found = cost(half_hours("2026-04-23", 1))
    assert kwh(found) == pytest.approx({"normal": 26, "peak": 10, "offpeak": 12})
    assert found.total.amount == pytest.approx(26 * 1833 + 10 * 3398 + 12 * 1190)
    assert (found.total.currency, found.total.price_date) == ("VND", "2026-04-23")
    assert found.documents == ("1279/QĐ-BCT",)
    assert found.findings == ()


def test_a_weekday_under_the_old_hours_and_the_day_of_the_change():
    # before: peak 9:30–11:30 and 17:00–20:00, off-peak 22:00–04:00
    assert kwh(cost(half_hours("2026-04-21", 1))) == pytest.approx({"normal": 26, "peak": 10, "offpeak": 12})
    old, new = band_minutes(date(2026, 4, 21)), band_minutes(date(2026, 4, 22))
    assert [BANDS[old[60 * hour]] for hour in (3, 4, 10, 12, 18, 22)] == [
        "offpeak", "normal", "peak", "normal", "peak", "offpeak",
    ]  # fmt: skip
    assert [BANDS[new[60 * hour]] for hour in (3, 5, 10, 18, 22, 23)] == [
        "offpeak", "offpeak", "normal", "peak", "peak", "normal",
    ]  # fmt: skip


def test_sunday_has_no_peak():
    assert kwh(cost(half_hours("2026-04-26", 1)))["peak"] == 0.0
    assert kwh(cost(half_hours("2026-04-19", 1)))["peak"] == 0.0


def test_hourly_values_across_half_past_five_are_shared_and_said():
    index = pd.date_range("2026-04-23", periods=24, freq="h", tz=ZONE)
    found = cost(pd.Series(2.0, index=index))
    assert kwh(found) == pytest.approx({"normal": 26, "peak": 10, "offpeak": 12})
    assert [finding.code for finding in found.findings] == ["interval_across_bands"]
    assert found.findings[0].data["intervals"] == 2


def test_gaps_are_left_out_and_counted():
    energy = half_hours("2026-04-23", 2)
    energy.iloc[5:9] = np.nan
    found = cost(energy)
    assert found.energy_kwh == 92.0
    assert found.findings[0].code == "intervals_missing"
    assert isinstance(energy_cost(energy * np.nan, voltage_kv=22.0), Refusal)


def test_a_day_that_no_table_covers_is_refused():
    found = energy_cost(half_hours("2025-05-09", 2), voltage_kv=22.0)
    assert isinstance(found, Refusal)
    assert found.data["day"] == "2025-05-09"


@pytest.mark.parametrize(
    ("voltage", "peak"), [(0.4, 3640), (6.0, 3508), (22.0, 3398), (35.0, 3398), (110.0, 3266), (220.0, 3266)]
)
def test_the_voltage_chooses_the_price(voltage, peak):
    row = tariff("production", voltage, date(2026, 1, 1))
    assert not isinstance(row, Refusal)
    assert row["peak"] == peak


def test_an_unknown_customer_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="no kind of customer"):
        tariff("produktion", 22.0, date(2026, 1, 1))


def test_a_plants_own_contract_counts_instead():
    own = rows_of(
        '[[rows]]\nid="park"\ncustomer="park"\nvoltage_from_kv=0.0\ncurrency="VND"\nnormal=2000.0\n'
        'offpeak=2000.0\npeak=2000.0\nsource="contract 12/2026"\nchecked="read"\ntaken=2026-01-01\n',
        "own.toml",
    )
    found = cost(half_hours("2015-01-07", 1), customer="park", prices=own)
    assert found.total.amount == pytest.approx(48 * 2000)
    assert found.average_per_kwh == pytest.approx(2000)
    # the hours of January 2015 are those seen in print for April by assumption, and that is said
    assert [finding.code for finding in found.findings] == ["first_day_unknown"]
    later = cost(half_hours("2025-06-03", 1), customer="park", prices=own)
    assert later.findings == ()


def test_what_is_no_time_of_day_is_refused():
    daily = pd.Series(1.0, index=pd.date_range("2026-04-23", periods=5, freq="D"))
    with pytest.raises(DataError, match="hour or less"):
        energy_cost(daily, voltage_kv=22.0)
    with pytest.raises(DataError, match="no times"):
        energy_cost(pd.Series([1.0, 2.0]), voltage_kv=22.0)


@given(st.dates(date(2025, 5, 10), date(2027, 1, 1)), st.floats(0.1, 1e5))
def test_bands_share_out_all_of_the_energy(day, amount):
    found = cost(half_hours(day.isoformat(), 1, amount))
    assert sum(kwh(found).values()) == pytest.approx(48 * amount)


def test_a_price_that_is_only_remembered_says_so():
    own = rows_of(
        '[[rows]]\nid="old"\ncustomer="park"\nvoltage_from_kv=0.0\ncurrency="VND"\nnormal=1.0\noffpeak=1.0\n'
        'peak=1.0\nsource="somebody"\nchecked="remembered"\ntaken=2026-01-01\n',
        "own.toml",
    )
    found = cost(half_hours("2025-06-03", 2), customer="park", prices=own)
    assert [(finding.code, finding.data["row"]) for finding in found.findings] == [("remembered", "old")]


def test_a_price_that_changes_within_the_period_counts_from_its_day():
    def row(name, price, span):
        return (
            f'[[rows]]\nid="{name}"\ncustomer="park"\nvoltage_from_kv=0.0\ncurrency="VND"\nnormal={price}\n'
            f'offpeak={price}\npeak={price}\nsource="contract {name}"\nchecked="read"\ntaken=2026-01-01\n{span}\n'
        )

    text = row("a", 1000.0, "valid_to=2026-04-21") + row("b", 2000.0, "valid_from=2026-04-22")
    found = cost(half_hours("2026-04-21", 3), customer="park", prices=rows_of(text, "own.toml"))
    assert found.total == Money(48 * 1000.0 + 96 * 2000.0, "VND", "2026-04-23")
    assert found.documents == ("contract a", "contract b")


@pytest.mark.parametrize(
    ("day", "normal", "document"),
    [
        ("2015-04-01", 1405, "2256/QĐ-BCT"),
        ("2017-11-30", 1405, "2256/QĐ-BCT"),
        ("2017-12-01", 1452, "4495/QĐ-BCT"),
        ("2019-03-19", 1452, "4495/QĐ-BCT"),
        ("2019-03-20", 1555, "648/QĐ-BCT"),
        ("2023-05-03", 1555, "648/QĐ-BCT"),
        ("2025-05-10", 1833, "1279/QĐ-BCT"),
    ],
)
def test_a_price_counts_from_its_first_day_to_the_day_before_the_next(day, normal, document):
    found = cost(half_hours(day, 1))
    assert found.documents == (document,)
    (band,) = [band for band in found.bands if band.band == "normal"]
    assert band.amount == pytest.approx(band.energy_kwh * normal)


@pytest.mark.parametrize("day", ["2015-03-31", "2023-05-04", "2024-10-11", "2025-05-09"])
def test_days_whose_decision_was_not_seen_are_refused(day):
    assert isinstance(energy_cost(half_hours(day, 1), voltage_kv=22.0), Refusal)


def test_a_day_after_the_table_was_taken_says_so():
    assert cost(half_hours("2026-11-22", 1)).findings == ()
    said = cost(half_hours("2026-11-23", 2)).findings
    assert [finding.data["row"] for finding in said] == ["production-22kv", "vn-2026-04"]
    assert {(finding.code, finding.data["taken"]) for finding in said} == {
        ("price_may_have_changed", "2026-11-22")
    }


def test_a_business_price_of_2019_that_is_only_remembered_says_so():
    found = cost(half_hours("2019-04-03", 1), customer="business", voltage_kv=0.4)
    assert [finding.code for finding in found.findings] == ["remembered"]


def test_a_low_voltage_price_of_2018_was_not_seen_and_is_refused():
    assert isinstance(tariff("production", 0.4, date(2018, 6, 1)), Refusal)
