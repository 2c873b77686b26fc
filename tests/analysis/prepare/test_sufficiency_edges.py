"""Every rule of sufficiency with data one interval to each side of it, and words that say what is still wanted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis._tables import table
from analysis.data import Interval, MeterData, meter_data
from analysis.prepare import sufficiency

ROWS = [
    row
    for row in table("sufficiency")
    if row["rule"] not in ("zero_is_missing", "day_share_min", "extreme_iqr")
]
FREQ = {"15min": "15min", "30min": "30min", "hour": "h", "day": "D", "week": "W-MON", "month": "MS"}


def made(interval: str, count: int, holes=(), days=None, temperature=None) -> MeterData:
    freq = FREQ.get(interval)
    starts = (
        pd.date_range("2025-01-01", periods=count, freq=freq)
        if freq
        else pd.DatetimeIndex(
            pd.Timestamp("2025-01-01") + pd.to_timedelta(np.r_[0, np.cumsum(days)[:-1]], "D")
        )
    )
    frame = pd.DataFrame({"energy": 10 + np.random.default_rng(1).random(len(starts))}, index=starts)
    frame.iloc[list(holes), 0] = np.nan
    if days is not None:
        frame["days"] = np.asarray(days, dtype=float)
    if temperature is not None:
        frame["temperature"] = temperature
    return meter_data(
        frame, unit="kWh", interval=interval, temperature=None if temperature is None else "temperature"
    )


def sides(row) -> tuple[MeterData, MeterData] | None:
    """Data just inside and just outside a row's limit; None where an interval can't come near it."""
    rule, limit = row["rule"], row["limit"]
    interval = row.get("intervals", ["day"])[0]
    match rule:
        case "span_days_min":
            return made("day", limit), made("day", limit - 1)
        case "missing_days_max":
            return made("day", 365, range(50, 50 + limit)), made("day", 365, range(50, 51 + limit))
        case "missing_share_max":  # of 370 days a tenth is 37
            return made("day", 370, range(50, 87)), made("day", 370, range(50, 88))
        case "intervals_min":
            return made(interval, limit), made(interval, limit - 1)
        case "month_share_min":  # January has 744 hours: 74 may be missing
            return made("hour", 8760, range(100, 174)), made("hour", 8760, range(100, 175))
        case "months_of_year_min":
            return made("day", 335), made("day", 334)  # the first of December, and the day before
        case "temperature_gap_hours_max":
            warm = np.full(366 * 24, 20.0)
            inside, outside = warm.copy(), warm.copy()
            inside[100 : 100 + limit] = outside[100 : 101 + limit] = np.nan
            return made("hour", len(warm), temperature=inside), made("hour", len(warm), temperature=outside)
        case "bill_days_min":
            return made("bill", 12, days=[limit, *[34] * 11]), made("bill", 12, days=[limit - 1, *[34] * 11])
        case "bill_days_max":
            return made("bill", 12, days=[limit, *[32] * 11]), made("bill", 12, days=[limit + 1, *[32] * 11])
        case "negative_share_max":
            good, bad = made("day", 365), made("day", 365)
            bad.frame.iloc[5, 0] = -1.0
            return good, bad
    raise AssertionError(f"no data for {rule}: add some")


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['profile']}-{row['rule']}-{row.get('intervals', ['all'])[0]}"
)
def test_one_interval_to_each_side_of_a_rule(row):
    good, bad = sides(row)

    def broken(data: MeterData) -> list:
        if row["rule"] == "negative_share_max":
            return [one for one in sufficiency(data, row["profile"]) if one.code == "negative"]
        return [one for one in sufficiency(data, row["profile"]) if one.data.get("rule") == row["rule"]]

    assert broken(good) == []
    (said,) = broken(bad)
    assert said.en
    assert said.vi
    if row["rule"] != "negative_share_max":
        assert said.data["severity"] == row["severity"]
        assert said.data["checked"] == row["checked"]


@pytest.mark.parametrize(("hours", "there"), [(8751, "364.6"), (8740, "364.2"), (8016, "334")])
def test_a_period_short_by_hours_never_says_that_nothing_is_missing(hours, there):
    (said,) = [one for one in sufficiency(made("hour", hours), "ipmvp") if one.code == "period_too_short"]
    assert f"the data span {there}:" in said.en
    assert not said.en.endswith(": 0 more.")
    assert not said.vi.endswith("thiếu 0.")


def test_bills_of_two_months_have_a_limit_of_their_own():
    assert not [
        one for one in sufficiency(made("bill", 6, days=[61] * 6), "caltrack") if one.code == "bill_too_long"
    ]
    assert [
        one
        for one in sufficiency(made("bill", 6, days=[71, *[61] * 5]), "caltrack")
        if one.code == "bill_too_long"
    ]


@pytest.mark.parametrize("interval", [Interval.HOUR, Interval.DAY, Interval.MONTH])
def test_a_refusal_says_how_much_more_of_what(interval):
    (said,) = [one for one in sufficiency(made(str(interval), 5), "dodac") if one.code == "too_few_intervals"]
    assert said.data["missing"] == said.data["needed"] - 5
    assert f"{said.data['missing']:,}".replace(",", " ") in said.en
