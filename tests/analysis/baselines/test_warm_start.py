"""A short reporting period in winter is not wrong because its frame knows nothing of the days before."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Model, avoided_energy, fit, meter_data, predict
from analysis.baselines._hours import smoothed
from analysis.baselines.warm_start import start_settings, warmed, with_weather_before
from dodac.errors import DataError


def furnace(step: str = "D", seed: int = 5) -> pd.DataFrame:
    """Two years of a hall heated by what 60 hours of weather left in its walls; cold spells of days."""
    random = np.random.default_rng(seed)
    index = pd.date_range("2022-01-01", "2023-12-31 23:00", freq="h", tz="Asia/Ho_Chi_Minh")
    days = len(index) // 24
    spell = np.zeros(days)
    for day in range(1, days):
        spell[day] = 0.8 * spell[day - 1] + random.normal(0.0, 2.5)
    t = 16.0 - 9.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 15) / 365.25)
    t = t + np.repeat(spell, 24) + 3.0 * np.cos(2 * np.pi * (index.hour.to_numpy() - 15) / 24)
    felt = smoothed(t, index, 60.0, 3600)
    energy = 100.0 + 8.0 * np.maximum(22.0 - felt, 0.0) + random.normal(0.0, 2.0, len(index))
    frame = pd.DataFrame({"energy": energy, "temperature": t}, index=index)
    return frame if step == "h" else frame.resample("D").agg({"energy": "sum", "temperature": "mean"})


def year(frame: pd.DataFrame, interval: str) -> Model:
    kind = "towt-hourly" if interval == "hour" else "towt-daily-smoothed"
    data = meter_data(frame.loc["2022"], unit="kWh", interval=interval, temperature="temperature")
    found = fit(data, kind)
    assert isinstance(found, Model), found
    assert found.settings["smoothing_h"] > 0.0  # type: ignore[operator]
    return found


CASES = [("D", "day", 1), ("h", "hour", 24)]


def of_weeks(model: Model, frame: pd.DataFrame, per_day: int, *, before: int = 0) -> float:
    """RMS of a week's total against the same week seen within the whole year, in %."""
    whole, apart = predict(model, frame.loc["2023"]), []
    for day in range(20, 350, 10):
        week = frame.loc["2023"].iloc[day * per_day : (day + 7) * per_day]
        told = model
        if before:
            earlier = frame.loc["2023", "temperature"].iloc[(day - before) * per_day : day * per_day]
            told = with_weather_before(model, earlier)
        apart.append(predict(told, week).sum() / whole[week.index].sum() - 1.0)
    return 100.0 * float(np.sqrt(np.mean(np.square(apart))))


@pytest.mark.parametrize(("step", "interval", "per_day"), CASES)
def test_a_week_alone_is_nearer_to_the_week_within_its_year(step, interval, per_day):
    frame = furnace(step)
    model = year(frame, interval)
    before = {key: value for key, value in model.settings.items() if key != "smoothing_start"}
    by_first_day = of_weeks(replace(model, settings=before), frame, per_day)
    assert of_weeks(model, frame, per_day) < 0.8 * by_first_day
    assert of_weeks(model, frame, per_day, before=12) < 0.1 * by_first_day


@pytest.mark.parametrize(("step", "interval", "per_day"), CASES)
@pytest.mark.parametrize("naive", [False, True])
def test_a_frame_that_follows_the_baseline_goes_on_where_it_ended(step, interval, per_day, naive):
    frame = furnace(step)
    model = year(frame, interval)
    after = frame.loc["2023-01-01":"2023-01-07"]
    through = predict(model, frame)[after.index].to_numpy()
    shown = after.tz_localize(None) if naive else after
    np.testing.assert_allclose(predict(model, shown).to_numpy(), through, rtol=2e-4)
    told = with_weather_before(model, frame.loc["2022-12", "temperature"])
    np.testing.assert_allclose(predict(told, after).to_numpy(), through, rtol=2e-4)


@pytest.mark.parametrize(("step", "interval", "per_day"), CASES)
def test_the_rows_of_the_fit_are_rebuilt_and_an_older_baseline_still_speaks(step, interval, per_day):
    frame = furnace(step)
    model = year(frame, interval)
    before = frame.loc["2022"]
    assert model.residuals is not None
    np.testing.assert_allclose(
        predict(model, before).to_numpy(), (before["energy"] - model.residuals).to_numpy(), rtol=1e-9
    )
    assert (
        json.loads(json.dumps(model.settings, allow_nan=False))["smoothing_start"]
        == model.settings["smoothing_start"]
    )
    older = {key: value for key, value in model.settings.items() if key != "smoothing_start"}
    assert predict(replace(model, settings=older), frame.loc["2023"]).notna().all()


def test_a_period_so_short_that_the_guess_counts_says_so():
    frame = furnace()
    model = year(frame, "day")

    def codes(model: Model, frame: pd.DataFrame) -> set[str]:
        return {each.code for each in avoided_energy(model, frame).findings}

    short = frame.loc["2023-05-01":"2023-05-14"]
    assert "weather_before_unknown" in codes(model, short)
    told = with_weather_before(model, frame.loc["2023-04-15":"2023-04-30", "temperature"])
    assert "weather_before_unknown" not in codes(told, short)
    assert "weather_before_unknown" not in codes(model, frame.loc["2023-01-01":"2023-01-14"])
    assert "weather_before_unknown" not in codes(model, frame.loc["2023"])


def test_a_model_without_stored_heat_needs_no_weather_before():
    frame = furnace()
    data = meter_data(frame.loc["2022"], unit="kWh", interval="day", temperature="temperature")
    model = fit(data, "towt-daily")
    assert with_weather_before(model, frame["temperature"]) is model


def test_weather_that_is_none_is_told_in_words():
    frame = furnace()
    model = year(frame, "day")
    with pytest.raises(DataError, match="times in order"):
        with_weather_before(model, frame["temperature"].iloc[::-1])
    with pytest.raises(DataError, match="no number"):
        with_weather_before(model, frame["temperature"] * np.nan)


@pytest.mark.parametrize(("step", "interval", "per_day"), CASES)
def test_a_prediction_never_looks_at_the_energy_or_at_later_rows(step, interval, per_day):
    frame = furnace(step)
    model = year(frame, interval)
    after = frame.loc["2023"]
    whole = predict(model, after)
    np.testing.assert_array_equal(predict(model, after.drop(columns="energy")), whole)
    np.testing.assert_array_equal(predict(model, after.assign(energy=-1e12)), whole)
    first = after.iloc[: 40 * per_day]
    np.testing.assert_allclose(predict(model, first), whole[first.index], rtol=1e-12)
    # a frame with holes: later weather does not leak back, and what is there is near
    holes = after[np.random.default_rng(3).random(len(after)) > 0.2]
    assert np.nanmax(np.abs(predict(model, holes) / whole[holes.index] - 1.0)) < 0.3


@pytest.mark.parametrize(("step", "interval", "per_day"), CASES)
def test_rows_out_of_order_or_there_twice_are_told_and_pieces_of_a_day_are_predicted(step, interval, per_day):
    frame = furnace(step)
    model = year(frame, interval)
    after = frame.loc["2023"]
    for wrong in (
        after.iloc[::-1],
        pd.concat([after, after.iloc[-1:]]),
        after.sample(frac=1.0, random_state=1),
    ):
        with pytest.raises(DataError):
            predict(model, wrong)
    with pytest.raises(DataError):
        predict(model, after.reset_index(drop=True))
    for piece in (
        after.iloc[:0],
        after.iloc[3:4],
        after.iloc[per_day * 5 + per_day // 2 :],
        after.iloc[:per_day],
    ):
        found = predict(model, piece)
        assert found.notna().all()
        assert len(found) == len(piece)


def test_one_hot_hour_is_not_taken_for_the_weather_of_the_days_before():
    frame = furnace("h").loc["2022"]
    index, t = pd.DatetimeIndex(frame.index), frame["temperature"].to_numpy()
    start = start_settings(t, index, 60.0, 3600)
    at = slice(3600, 3624)

    def first(rows: int, more: float) -> float:
        part = slice(at.start, at.start + rows)
        return float(warmed(start, t[part] + more, index[part], 60.0, 3600)[0])

    # the row itself counts 1/60; what it says of the days before, a day's worth more with 24 rows
    assert first(1, 10.0) - first(1, 0.0) < 1.0
    assert first(24, 10.0) - first(24, 0.0) > 4.0
