"""The hourly baseline: what it recovers, how it shares and shrinks, what it refuses, and its arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Model, Refusal, design, fit, meter_data, predict
from analysis.baselines._grouped import Rows, dense, gram, solve, times
from analysis.baselines._hour_layout import layout, rows_of
from analysis.baselines._hours import day_groups, group_label, hats, quantile_knots, smoothed
from dodac.errors import ConfigError

Works = Callable[..., pd.DataFrame]


def works(
    days: int = 365,
    *,
    step: str = "h",
    seed: int = 1,
    noise: float = 1.0,
    lag_h: float = 0.0,
    zone: str = "Asia/Ho_Chi_Minh",
) -> pd.DataFrame:
    """A plant at work Mon–Sat 7–18 (60 kW, 2 per K above 25 °C), else 10 kW; Tết and holidays shut."""
    random = np.random.default_rng(seed)
    index = pd.date_range(
        "2023-01-01",
        periods=days * 24 * (pd.Timedelta("1h") // pd.Timedelta(1, unit=step))
        if step == "h"
        else days * 86_400 // int(pd.Timedelta(step).total_seconds()),
        freq=step,
        tz=zone,
    )
    hour = index.hour.to_numpy() + index.minute.to_numpy() / 60
    season = 4.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25)
    swing = np.repeat(random.normal(0.0, 2.0, days + 1), len(index) // days + 1)[: len(index)]
    t = 26.5 + season + swing + 3.0 * np.cos(2 * np.pi * (hour - 14) / 24)
    seconds = int((index[1] - index[0]).total_seconds())
    felt = smoothed(t, index, lag_h, seconds)
    busy = (index.day_of_week.to_numpy() < 6) & (hour >= 7) & (hour < 18)
    day = np.full(len(index), "normal", dtype=object)
    date = index.strftime("%m-%d")
    day[(date >= "01-20") & (date <= "01-28")] = "tet"
    day[np.isin(date, ["04-30", "05-01", "09-02"])] = "holiday"
    busy &= day == "normal"
    energy = np.where(busy, 60.0 + 2.0 * np.maximum(felt - 25.0, 0.0), 10.0)
    energy = np.where(day == "tet", 4.0, energy) * seconds / 3600.0
    energy = energy + random.normal(0.0, noise, len(index)) * seconds / 3600.0
    return pd.DataFrame({"energy": energy, "temperature": t, "day_type": day}, index=index)


def fitted(
    frame: pd.DataFrame, interval: str = "hour", *, drivers: tuple[str, ...] = (), **options: object
) -> Model:
    names = [name for name in ("day_type", "shift") if name in frame.columns]
    data = meter_data(
        frame, unit="kWh", interval=interval, temperature="temperature", drivers=drivers, categories=names
    )
    model = fit(data, "towt-hourly", **options)
    assert isinstance(model, Model), model
    return model


def error(model: Model, frame: pd.DataFrame) -> float:
    return float(np.sqrt(np.nanmean((frame["energy"] - predict(model, frame)) ** 2)))


def test_a_plant_that_follows_the_clock_and_the_weather_is_recovered():
    frame = works(noise=1.0)
    model = fitted(frame)
    assert model.settings["groups"] == [[0, 1, 2, 3, 4, 5], [6]]
    assert model.settings["occupied"] == [1, 0]
    # slopes bend between nodes two hours apart, so the start of work is not quite met
    assert 0.95 < model.statistics.rmse < 1.2
    assert error(model, works(seed=2, noise=0.0)) < 0.8
    assert model.interval == "hour"
    assert model.residuals is not None
    assert len(model.residuals) == model.statistics.n == 8760


def test_stored_heat_is_found_where_there_is_some_and_only_there():
    assert fitted(works(lag_h=24.0, noise=0.5)).settings["smoothing_h"] == 24.0
    heavy, light = works(lag_h=24.0, noise=0.5), works(seed=2, lag_h=24.0, noise=0.5)
    assert error(fitted(heavy), light) < 0.8 * error(fitted(heavy, smoothing_h=0), light)


def test_tet_is_shut_although_the_week_says_work():
    model = fitted(works())
    after = works(seed=3, noise=0.0)
    tet = after[after["day_type"] == "tet"]
    # a Sunday has 10; nine days of Tết in the baseline count as nine against one that it is a Sunday
    assert predict(model, tet).mean() == pytest.approx(4.6, abs=0.3)


def test_a_special_day_seen_once_is_half_a_sunday():
    frame = works()
    frame["day_type"] = "normal"
    once = frame.index.strftime("%m-%d") == "03-15"
    frame.loc[once, "day_type"] = "holiday"
    frame.loc[once, "energy"] = 40.0
    holiday = predict(fitted(frame), frame)[once].mean()
    # a Sunday has 10: one odd day of 40 goes half of the way
    assert holiday == pytest.approx(25.0, abs=2.0)


def test_a_weekend_day_worked_in_exchange_counts_as_a_working_day():
    frame = works()
    model = fitted(frame)
    sunday = frame[frame.index.strftime("%Y-%m-%d") == "2023-06-18"].assign(day_type="make_up")
    assert predict(model, sunday).iloc[10] > 50.0
    assert predict(model, sunday.assign(day_type="normal")).iloc[10] < 15.0


def test_what_the_baseline_never_had_is_not_predicted():
    frame = works()
    model = fitted(frame[(frame.index.day_of_week != 6) | (frame["day_type"] != "normal")], min_days=250)
    after = works(seed=2)
    after.iloc[100, after.columns.get_loc("day_type")] = "flood"
    after.iloc[200, after.columns.get_loc("temperature")] = np.nan
    left = np.isnan(predict(model, after).to_numpy())
    sundays = (after.index.day_of_week == 6) & (after["day_type"] == "normal")
    np.testing.assert_array_equal(np.flatnonzero(left), np.union1d(np.flatnonzero(sundays), [100, 200]))


def test_production_and_shift_count_beside_the_clock():
    frame = works(noise=0.5)
    random = np.random.default_rng(5)
    frame["tonnes"] = 1e6 + np.where(frame["energy"] > 20.0, random.uniform(2.0, 6.0, len(frame)), 0.0)
    frame["shift"] = np.where(random.random(len(frame)) < 0.3, "night", "normal")
    frame["energy"] += 3.0 * (frame["tonnes"] - 1e6) + 5.0 * (frame["shift"] == "night")
    model = fitted(frame, drivers=("tonnes",))
    found = dict(zip(model.terms, model.coefficients, strict=True))
    # the large constant of the counter of tonnes must not cost digits
    assert found["driver.tonnes"] == pytest.approx(3.0, abs=0.03)
    assert found["shift.night"] == pytest.approx(5.0, abs=0.05)


def test_a_driver_that_says_what_the_clock_says_is_named_and_left_out():
    frame = works()
    frame["open"] = (frame.index.hour.to_numpy() >= 12).astype(float)
    model = fitted(frame, drivers=("open",))
    assert "driver.open" not in model.terms
    assert "collinear" in [finding.code for finding in model.findings]
    assert np.isfinite(model.covariance).all()
    assert np.isfinite(predict(model, frame)).all()


@pytest.mark.parametrize("interval", ["15min", "30min"])
def test_parts_of_an_hour_add_up_to_the_same_day(interval):
    frame = works(step=interval, noise=0.2)
    model = fitted(frame, interval)
    hours = frame.resample("h").agg({"energy": "sum", "temperature": "mean", "day_type": "first"})
    days = predict(model, frame).resample("D").sum()
    np.testing.assert_allclose(days, predict(fitted(hours), hours).resample("D").sum(), rtol=0.01, atol=3.0)


def test_weights_make_the_end_of_the_baseline_count():
    frame = works()
    grown = frame.index > frame.index[0] + pd.Timedelta(days=180)
    frame.loc[grown, "energy"] *= 1.2
    recent = frame[frame.index > frame.index[-1] - pd.Timedelta(days=30)]
    plain, weighted = fitted(frame), fitted(frame, weight_days=14.0)
    assert error(weighted, recent) < 0.75 * error(plain, recent)
    assert np.linalg.eigvalsh(weighted.covariance)[0] > -1e-9


# the arithmetic


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_normal_equations_by_cell_are_those_of_the_whole_design(seed, weighted):
    """A second implementation: QR of the dense design with the penalty as rows of its own."""
    frame = works(days=70, seed=seed)
    frame["tonnes"] = np.random.default_rng(seed).uniform(0.0, 9.0, len(frame))
    options = {"allow_short": True, "smoothing_h": 24.0, "weight_days": 30.0 if weighted else None}
    model = fitted(frame, drivers=("tonnes",), **options)
    chosen = model.settings
    plan = layout(chosen, ("driver.tonnes",))
    keep = np.array(chosen["keep"])
    matrix, y = design(model, frame), frame["energy"].to_numpy()
    age = (len(y) - 1 - np.arange(len(y))) / 24.0
    w = 1.0 / (1.0 + (age / 30.0) ** 2) if weighted else np.ones(len(y))
    w /= w.mean()
    rows = np.vstack([matrix * np.sqrt(w)[:, None], np.diag(np.sqrt(plan.penalty[keep]))])
    wanted = np.concatenate([y * np.sqrt(w), np.zeros(len(keep))])
    q, r = np.linalg.qr(rows)
    coefficients = np.linalg.solve(r, q.T @ wanted)
    np.testing.assert_allclose(matrix @ model.coefficients, matrix @ coefficients, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(model.coefficients, coefficients, rtol=1e-6, atol=1e-6)
    inverse = np.linalg.inv(r.T @ r)
    edf = float(np.trace(inverse @ (matrix.T @ (w[:, None] * matrix))))
    residuals = y - matrix @ coefficients
    variance = float(w @ residuals**2) / (len(y) - edf)
    middle = matrix.T @ ((w**2)[:, None] * matrix) + np.diag(plan.penalty[keep])
    np.testing.assert_allclose(model.covariance, variance * inverse @ middle @ inverse, rtol=1e-5, atol=1e-10)
    assert model.statistics.p == int(np.ceil(edf - 1e-9))


def test_without_a_penalty_the_cells_give_ordinary_least_squares():
    frame = works(days=200)
    model = fitted(frame, min_days=100, smoothing_h=0)
    rows, unknown, _ = rows_of(model.settings, frame)
    assert not unknown.any()
    plan = layout(model.settings, ())
    terms = len(plan.names)
    y = frame["energy"].to_numpy()
    full = dense(rows, plan.cells, terms)
    live = np.flatnonzero(np.abs(full).sum(axis=0) > 0)
    matrix = gram(rows, y, None, plan.cells, terms)
    np.testing.assert_allclose(matrix[:-1, :-1], full.T @ full, rtol=1e-9, atol=1e-7)
    tiny = np.full(terms, 1e-9)
    found = solve(rows, y, plan.cells, tiny, matrix, live, np.ones(len(y) - 1, dtype=bool))
    np.testing.assert_allclose(times(rows, plan.cells, found.coefficients), full @ found.coefficients)
    exact = full[:, live] @ np.linalg.lstsq(full[:, live], y, rcond=None)[0]
    np.testing.assert_allclose(full @ found.coefficients, exact, rtol=1e-6, atol=1e-5)
    assert Rows(rows.reduced[:1], rows.cell[:1]).reduced.shape[0] == 1


def test_hats_part_the_day_and_wrap_around_midnight():
    for slots, nodes in ((24, 12), (48, 6), (24, 24)):
        weights = hats(slots, nodes)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        assert (weights >= 0.0).all()
        # each node has the same share of the day
        np.testing.assert_allclose(weights.sum(axis=0), slots / nodes)


def test_smoothing_follows_a_step_as_a_first_order_lag_does():
    index = pd.date_range("2024-01-01", periods=240, freq="h")
    t = np.where(np.arange(240) < 48, 10.0, 20.0)
    felt = smoothed(t, index, 24.0, 3600)
    assert felt[47] == pytest.approx(10.0)
    # after one time constant 1 − 1/e of the step
    assert felt[71] == pytest.approx(20.0 - 10.0 * np.exp(-1.0))
    assert felt[-1] == pytest.approx(20.0, abs=0.01)
    np.testing.assert_array_equal(smoothed(t, index, 0.0, 3600), t)


def test_smoothing_goes_by_time_not_by_row():
    index = pd.date_range("2024-01-01", periods=96, freq="h")
    t = 15.0 + 5.0 * np.sin(np.arange(96) / 9.0)
    gap = t.copy()
    gap[40:46] = np.nan
    whole = smoothed(gap, index, 12.0, 3600)
    there = ~np.isnan(gap)
    assert np.isnan(whole[40:46]).all()
    np.testing.assert_allclose(smoothed(gap[there], index[there], 12.0, 3600), whole[there])


def test_weekdays_are_one_group_only_while_chance_explains_the_difference():
    random = np.random.default_rng(2)
    index = pd.date_range("2024-01-01", periods=8736, freq="h")
    slot, weekday = index.hour.to_numpy(), index.day_of_week.to_numpy()
    t = 15.0 + random.normal(0.0, 5.0, len(index))
    y = np.where(weekday < 5, 100.0, 40.0) + 10.0 * (weekday == 0) * (slot == 6) * 20 / 10
    y = y + np.where(weekday == 5, 25.0, 0.0) + random.normal(0.0, 6.0, len(index))
    groups, levels = day_groups(slot, weekday, t, y, 24)
    assert groups == [[0], [1, 2, 3, 4], [5], [6]]
    assert levels[1] == pytest.approx(100.0, abs=2.0)
    same, _ = day_groups(slot, weekday, t, 50.0 + random.normal(0.0, 6.0, len(index)), 24)
    assert same == [[0, 1, 2, 3, 4, 5, 6]]
    assert [group_label(group) for group in groups] == ["mon", "tue-fri", "sat", "sun"]


def test_equal_temperatures_make_one_knot():
    assert quantile_knots(np.full(100, 27.0), 4) == [27.0]
    assert quantile_knots(np.arange(100.0), 4) == [24.75, 49.5, 74.25]


# what is refused, and bad input


def refused(frame: pd.DataFrame, **options: object) -> Refusal:
    data = meter_data(frame, unit="kWh", interval="hour", temperature="temperature", categories=["day_type"])
    found = fit(data, "towt-hourly", **options)
    assert isinstance(found, Refusal), found
    return found


def test_a_week_is_no_hourly_baseline_and_the_missing_hours_are_told():
    found = refused(works(days=7), allow_short=True)
    assert (found.data["needed"], found.data["rows"]) == (1440, 168)
    assert "1 272" in found.en.replace("\u202f", " ") or found.data["missing"] == 1272


@pytest.mark.parametrize(("value", "code"), [(0.0, "all_zero"), (5.0, "constant"), (np.nan, "too_few_rows")])
def test_a_meter_that_says_nothing_gives_no_baseline(value, code):
    frame = works()
    frame["energy"] = value
    assert refused(frame).code == code


def test_a_meter_that_feeds_in_is_refused():
    frame = works()
    frame["energy"] *= -1.0
    assert refused(frame).code == "not_consumed"


def test_one_temperature_all_year_still_gives_the_week():
    frame = works()
    frame["temperature"] = 27.0
    model = fitted(frame)
    assert np.isfinite(model.covariance).all()
    assert error(model, frame) < 10.0


def test_numbers_of_any_size_give_the_same_model():
    frame = works()
    big = frame.assign(energy=frame["energy"] * 1e12)
    np.testing.assert_allclose(predict(fitted(big), frame) / 1e12, predict(fitted(frame), frame), rtol=1e-7)


def test_summer_time_shifts_no_profile():
    frame = works(zone="Europe/Berlin")
    model = fitted(frame)
    assert error(model, frame) < 1.6
    assert model.statistics.n == len(frame)


@pytest.mark.parametrize(
    "options",
    [
        {"smoothing_h": -1.0},
        {"smoothing_h": ()},
        {"smoothing_h": 1000.0},
        {"pieces": 1},
        {"nodes": (1, 12)},
        {"ridge": 0.0},
        {"weight_days": 0.0},
        {"lags": {"temperature": [0]}},
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(options):
    with pytest.raises(ConfigError):
        fitted(works(days=70), allow_short=True, **options)


def test_a_frozen_model_rebuilds_the_same_design_from_plain_data():
    import json

    frame = works()
    model = fitted(frame)
    again = json.loads(json.dumps(model.settings))
    from analysis.baselines.towt_hourly import design as of_settings

    np.testing.assert_array_equal(of_settings(again, frame), design(model, frame))


def test_without_a_temperature_it_is_a_model_of_the_week():
    frame = works().drop(columns="temperature")
    model = fit(meter_data(frame, unit="kWh", interval="hour", categories=["day_type"]), "towt-hourly")
    assert isinstance(model, Model), model
    assert {term.split(".")[0] for term in model.terms} == {"profile", "day_type"}
    monday = frame[(frame.index.day_of_week == 0) & (frame["day_type"] == "normal")]
    means = monday["energy"].groupby(monday.index.hour).mean()
    found = predict(model, monday).groupby(monday.index.hour).mean()
    np.testing.assert_allclose(found, means, atol=2.0)


@pytest.mark.parametrize("as_type", [int, bool])
def test_a_night_shift_by_number_is_a_category_whatever_its_column_is_called(as_type):
    frame = works().drop(columns="day_type")
    night = np.isin(frame.index.day_of_year.to_numpy() // 7 % 3, [1]) & (frame.index.hour.to_numpy() < 6)
    frame["energy"] += 20.0 * night
    frame["day_type"] = night.astype(as_type)
    model = fitted(frame)
    assert model.settings["day_type"] is None
    (place,) = (number for number, name in enumerate(model.terms) if name.startswith("day_type."))
    assert abs(model.coefficients[place]) == pytest.approx(20.0, abs=1.0)


def test_an_hour_that_was_never_measured_is_not_predicted():
    frame = works()
    frame.loc[frame.index.hour == 3, "energy"] = np.nan
    model = fitted(frame)
    found = predict(model, works(seed=2))
    assert found[found.index.hour == 3].isna().all()
    assert found[found.index.hour != 3].notna().all()


def test_rows_on_both_sides_of_a_gap_are_no_neighbours():
    frame = works()
    frame.loc["2023-06-05":"2023-06-11", "energy"] = np.nan
    model = fitted(frame.drop(index=frame.index[3000:3010]))
    assert model.follows is not None
    assert int(np.sum(~model.follows)) == 2


def test_a_day_beside_a_holiday_is_taken_for_its_weekday_and_corrected():
    frame = works()
    monday = np.isin(frame.index.strftime("%m-%d"), ["05-08"])
    frame.loc[monday, "day_type"] = "before_holiday"
    model = fitted(frame)
    profile = predict(model, frame)[monday]
    # 60 kW by day as on other Mondays, not the 10 of a Sunday half corrected
    assert profile.iloc[9:16].mean() == pytest.approx(frame.loc[monday, "energy"].iloc[9:16].mean(), rel=0.05)
