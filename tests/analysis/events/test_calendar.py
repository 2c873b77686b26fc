"""A plant that rests on other days is held against the same number of rest days."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit, meter_data
from analysis.events import Entry, Ledger, adjustments
from dodac.errors import ConfigError

SINCE = "2024-07-01"
SWAP = (("sunday", "wednesday"), ("wednesday", "sunday"))


def plant(start: str, days: int, seed: int, *, zone: str | None = None) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=days, freq="D", tz=zone)
    temperature = 26.0 + 4.0 * np.sin(np.arange(days) / 58.0) + random.normal(0.0, 1.0, days)
    return pd.DataFrame({"temperature": temperature, "noise": random.normal(0.0, 20.0, days)}, index=index)


def with_energy(frame: pd.DataFrame, rests: np.ndarray, share: float = 1.0) -> pd.DataFrame:
    work = 1000.0 + 20.0 * (frame["temperature"] - 20.0)
    energy = np.where(rests, 300.0, work) * share + frame["noise"]
    return frame.assign(energy=energy).drop(columns="noise")


@pytest.fixture(params=[None, "Europe/Berlin"])
def case(request):
    before = plant("2023-01-01", 365, 1, zone=request.param)
    before = with_energy(before, before.index.day_of_week == 6)
    # the day of rest moves from Sunday to Wednesday
    after = plant("2024-01-01", 265, 2, zone=request.param)
    moved = after.index >= pd.Timestamp(SINCE, tz=request.param)
    rests = np.where(moved, after.index.day_of_week == 2, after.index.day_of_week == 6)
    after = with_energy(after, rests, 0.9)
    model = fit(meter_data(before, unit="kWh", interval="day", temperature="temperature"), "towt-daily")
    assert isinstance(model, Model)
    return model, after


def entry(**changes) -> Entry:
    base = Entry("week", "Lan", "2024-08-01", "new shift plan", "calendar", "reporting", SINCE, week=SWAP)
    return replace(base, **changes)


def amount_of(model, after, *entries):
    saving = avoided_energy(model, after)
    assert isinstance(saving, Savings)
    return saving, adjustments(saving, Ledger(entries), model=model, frame=after)


def test_the_saving_is_that_of_the_measure_alone(case):
    model, after = case
    # some more Wednesdays than Sundays among the days that count, so that the week itself weighs
    index = after.index
    last = after[index.day_of_week == 6].index[-2:]
    after = after.assign(used=~index.isin(last))
    saving, (one,) = amount_of(model, after, entry())
    whole = avoided_energy(model, after, adjustments=(one,))
    assert isinstance(whole, Savings)
    work = 1000.0 + 20.0 * (after["temperature"] - 20.0)
    inside = after["used"] & (index.strftime("%Y-%m-%d") >= SINCE)
    lost, won = (inside & (index.day_of_week == day) for day in (2, 6))
    truth = float(np.sum(300.0 - work[lost]) + np.sum(work[won] - 300.0))
    assert truth < -1500.0
    assert one.amount == pytest.approx(truth, abs=2.0 * one.half_width)
    assert abs(whole.fraction - 0.1) < 0.003 < abs(saving.fraction - 0.1)
    assert 0.0 < one.half_width < whole.uncertainty.half_width


def test_weekdays_told_one_way_make_more_days_of_rest(case):
    model, after = case
    _, (one,) = amount_of(model, after, entry(week=(("saturday", "sunday"),)))
    saturdays = int(np.sum((after.index.day_of_week == 5) & (after.index.strftime("%Y-%m-%d") >= SINCE)))
    assert one.amount == pytest.approx(-saturdays * 820.0, rel=0.1)
    assert "weekdays" in one.en
    assert "lịch tuần" in one.vi


def test_what_says_nothing_is_refused(case):
    model, after = case
    for changes in ({"start": "2026-01-01"}, {"week": (("sunday", "sunday"),)}):
        _, refused = amount_of(model, after, entry(**changes))
        assert isinstance(refused, Refusal)
        assert refused.code == "calendar_without_effect"
    months = after.resample("MS").agg({"energy": "sum", "temperature": "mean"})
    months = pd.concat([months.set_axis(months.index - pd.DateOffset(years=1)), months])
    by_month = fit(meter_data(months, unit="kWh", interval="month", temperature="temperature"), "mean")
    assert isinstance(by_month, Model)
    _, refused = amount_of(by_month, months, entry())
    assert isinstance(refused, Refusal)


def test_the_same_days_are_not_adjusted_twice(case):
    model, after = case
    _, refused = amount_of(model, after, entry(), entry(id="other", method="indicator", week=()))
    assert isinstance(refused, Refusal)
    assert refused.code == "decisions_overlap"
    _, both = amount_of(
        model, after, entry(), entry(id="load", method="engineering", week=(), amount=10.0, half_width=1.0)
    )
    assert isinstance(both, tuple)


def test_a_week_belongs_to_a_reporting_period():
    with pytest.raises(ConfigError, match="not a baseline"):
        entry(period="baseline")


def test_memory_of_the_baseline_widens_the_amount(case):
    model, after = case
    _, (plain,) = amount_of(model, after, entry())
    slow = replace(model, statistics=replace(model.statistics, rho=0.8))
    _, (wide,) = amount_of(slow, after, entry())
    assert wide.half_width > 2.0 * plain.half_width
    assert wide.amount == plain.amount
