"""Meters that run backwards at noon: what the sun feeds back is neither cut off nor kept quiet."""

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Savings, avoided_energy, fit, meter_data, predict


def net(days: int, start: str) -> pd.DataFrame:
    """A shop with panels: 10 kWh an hour less up to 18 at noon, more in the warm."""
    index = pd.date_range(start, periods=24 * days, freq="h")
    random = np.random.default_rng(3)
    hour = index.hour.to_numpy()
    temperature = 26.0 + 4.0 * np.sin(2 * np.pi * (hour - 9) / 24) + random.normal(0.0, 1.0, len(index))
    sun = 18.0 * np.maximum(np.sin(np.pi * (hour - 6) / 12), 0.0) * (np.abs(hour - 12) <= 6)
    energy = 10.0 + 0.5 * np.maximum(temperature - 24.0, 0.0) - sun + random.normal(0.0, 1.0, len(index))
    return pd.DataFrame({"energy": energy, "temperature": temperature}, index=index)


@pytest.mark.parametrize("kind", ["towt-hourly", "2p"])
def test_what_is_fed_back_is_predicted_as_it_is_told_and_counted_in_the_saving(kind):
    before, after = net(365, "2022-01-01"), net(365, "2023-01-01")
    model = fit(meter_data(before, unit="kWh", interval="hour", temperature="temperature"), kind)
    assert isinstance(model, Model)
    assert "negative_rows" in {said.code for said in model.findings}
    expected = predict(model, after)
    assert float(expected.sum()) == pytest.approx(float(after["energy"].sum()), rel=0.02)
    saved = avoided_energy(model, after)
    assert isinstance(saved, Savings)
    assert saved.adjusted_baseline == pytest.approx(float(expected.sum()), rel=1e-9)


@pytest.mark.parametrize("kind", ["towt-daily", "towt-daily-smoothed"])
def test_days_below_zero_are_told(kind):
    hours = net(365, "2022-01-01")
    days = hours.resample("D").agg({"energy": "sum", "temperature": "mean"})
    days.loc[days.index.day_of_week == 6, "energy"] -= 150.0
    model = fit(meter_data(days, unit="kWh", interval="day", temperature="temperature"), kind)
    assert isinstance(model, Model)
    assert "negative_rows" in {said.code for said in model.findings}
    assert float(predict(model, days).sum()) == pytest.approx(float(days["energy"].sum()), rel=1e-6)


def test_a_meter_that_never_ran_backwards_is_not_predicted_to():
    frame = net(365, "2022-01-01")
    frame["energy"] = np.maximum(frame["energy"], 0.0)
    model = fit(meter_data(frame, unit="kWh", interval="hour", temperature="temperature"), "towt-hourly")
    assert isinstance(model, Model)
    assert float(predict(model, frame).min()) == 0.0
