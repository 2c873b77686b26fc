"""Selection on a year of bills or months: what a dozen rows can carry, and what simplicity may cost."""

import numpy as np
import pandas as pd
import pytest

from analysis import MeterData, meter_data, predict
from analysis.baselines.degrees import degree_columns
from analysis.baselines.select import select, trials


def weather(swing: float, seed: int = 1) -> pd.Series:
    """Hourly °C of two years that start cold."""
    random = np.random.default_rng(seed)
    index = pd.date_range("2021-01-01", "2022-12-31 23:00", freq="h")
    season = -swing * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 15) / 365.25)
    day = -4.0 * np.cos(2 * np.pi * (index.hour.to_numpy() - 3) / 24)
    slow = np.repeat(random.normal(0.0, 2.0, len(index) // 24), 24)
    return pd.Series(13.0 + season + day + slow, index=index)


def bills(hourly: pd.Series, months: int, *, cooling: float, noise: float = 0.0) -> pd.DataFrame:
    """Bills of a house: 10 kWh a day, 1 for each K·d of heating below 16 °C, `cooling` above 19 °C."""
    kwh = (10.0 + 1.0 * np.maximum(16.0 - hourly, 0.0) + cooling * np.maximum(hourly - 19.0, 0.0)) / 24.0
    rows = pd.DataFrame({"energy": kwh, "temperature": hourly}).resample(f"{months}MS")
    frame = rows.agg({"energy": "sum", "temperature": "mean"})
    frame["days"] = rows["energy"].size() / 24.0
    frame["energy"] *= 1.0 + np.random.default_rng(2).normal(0.0, noise, len(frame))
    return degree_columns(hourly, frame)


def data_of(frame: pd.DataFrame) -> MeterData:
    return meter_data(frame, unit="kWh", interval="bill", temperature="temperature")


def fixed(data: MeterData) -> list[str]:
    return [trial.name for trial in trials(data) if "balance_heating" in trial.options]


def test_six_bills_of_a_house_that_heats_and_cools_are_no_mean():
    frame = bills(weather(9.0), 2, cooling=1.5, noise=0.01)
    before, after = frame["2021":"2021"], frame["2022":"2022"]
    picked = select(data_of(before), allow_short=True)
    assert picked.chosen == "hdd-cdd: balance_heating=15.5, balance_cooling=18.0"
    assert picked.model is not None
    assert float(predict(picked.model, after).sum()) == pytest.approx(float(after["energy"].sum()), rel=0.01)


def test_two_warm_bills_of_six_make_no_slope_up():
    hourly = weather(9.0)
    hourly[~hourly.index.month.isin([7, 8])] = np.minimum(hourly, 17.0)
    assert not fixed(data_of(bills(hourly, 2, cooling=1.5)["2021":"2021"]))


def test_balance_points_are_searched_where_the_rows_suffice():
    assert not fixed(data_of(bills(weather(9.0), 1, cooling=1.5)["2021":"2021"]))


def test_months_and_bills_are_not_given_a_line_free_to_fall_on_both_sides():
    kinds = {trial.kind for trial in trials(data_of(bills(weather(9.0), 1, cooling=1.5)["2021":"2021"]))}
    assert "4p" not in kinds
    assert kinds >= {"mean", "2p", "3p-heating", "3p-cooling", "5p", "hdd", "cdd", "hdd-cdd"}


def test_one_cold_bill_is_no_reason_to_forget_the_weather():
    """The gain of the weather lies in one or two months, which then are the standard error too."""
    index = pd.date_range("2021-01-01", periods=12, freq="MS")
    temperature = np.array([0.0, 18.0, 19.0, 20.0, 22.0, 23.0, 24.0, 23.0, 21.0, 20.0, 19.0, 12.0])
    energy = 1000.0 + 20.0 * np.maximum(17.0 - temperature, 0.0)
    energy += np.random.default_rng(6).normal(0.0, 40.0, 12)
    frame = pd.DataFrame({"energy": energy, "temperature": temperature}, index=index)
    data = meter_data(frame, unit="kWh", interval="month", temperature="temperature")
    picked = select(data)
    mean = next(each for each in picked.candidates if each.name == "mean")
    assert mean.worse_by <= 1.0
    assert picked.chosen != "mean"
    assert mean.why is not None
    assert mean.why.code == "less_accurate"
    assert "simplicity may cost 5 %" in mean.why.en
    assert "đổi lấy 5 %" in mean.why.vi
