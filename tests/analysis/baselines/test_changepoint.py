"""Change points and degree-days: known plants come out again, on any interval, with production beside."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from analysis import Interval, Model, Refusal, design, fit, meter_data, predict
from analysis.baselines.degrees import degree_columns

SEEDS = range(100, 112)


def weather(days: int, seed: int, start: str = "2022-01-01", mean: float = 15.0) -> pd.Series:
    """Daily temperature of a place with winter and summer, with a memory of days."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=days, freq="D")
    step = random.normal(0.0, 1.6, days)
    drift = np.zeros(days)
    for day in range(1, days):
        drift[day] = 0.7 * drift[day - 1] + step[day]
    return pd.Series(mean - 11.0 * np.cos(2 * np.pi * (index.day_of_year - 15) / 365.25) + drift, index=index)


def true_energy(kind: str, t: np.ndarray) -> np.ndarray:
    cold, hot = np.maximum(13.0 - t, 0.0), np.maximum(t - 19.0, 0.0)
    return {
        "2p": 400.0 + 12.0 * t,
        "3p-heating": 500.0 + 20.0 * cold,
        "3p-cooling": 500.0 + 25.0 * hot,
        "4p": 500.0 + 8.0 * np.maximum(16.0 - t, 0.0) + 22.0 * np.maximum(t - 16.0, 0.0),
        "5p": 500.0 + 20.0 * cold + 25.0 * hot,
    }[kind]


def plant(kind: str, seed: int, *, noise: float = 15.0, days: int = 365, start: str = "2022-01-01"):
    t = weather(days, seed, start)
    random = np.random.default_rng(seed + 9000)
    # production on week days only
    work = t.index.day_of_week < 5
    tonnes = np.where(work, random.uniform(20.0, 60.0, days), 0.0)
    energy = true_energy(kind, t.to_numpy()) + 6.0 * tonnes + noise * random.normal(size=days)
    return pd.DataFrame({"energy": energy, "temperature": t, "tonnes": tonnes}, index=t.index)


def fitted(frame: pd.DataFrame, kind: str, interval: str = "day", **options: object) -> Model:
    data = meter_data(frame, unit="kWh", interval=interval, temperature="temperature", drivers=("tonnes",))
    found = fit(data, kind, **options)
    assert isinstance(found, Model), found
    return found


def term(model: Model, name: str) -> float:
    return float(model.coefficients[model.terms.index(name)])


def balances(model: Model) -> dict[str, float]:
    return {each["side"]: each["balance_c"] for each in model.settings["hinges"]}


@pytest.mark.parametrize("kind", ["2p", "3p-heating", "3p-cooling", "4p", "5p"])
def test_a_known_plant_comes_out_again(kind):
    slopes = {
        "2p": {"temperature": 12.0},
        "3p-heating": {"heating": 20.0},
        "3p-cooling": {"cooling": 25.0},
        "4p": {"heating": 8.0, "cooling": 22.0},
        "5p": {"heating": 20.0, "cooling": 25.0},
    }[kind]
    places = {"heating": 13.0, "cooling": 19.0} if kind != "4p" else {"heating": 16.0, "cooling": 16.0}
    for seed in SEEDS:
        model = fitted(plant(kind, seed), kind)
        assert term(model, "driver.tonnes") == pytest.approx(6.0, abs=0.25)
        for name, slope in slopes.items():
            assert term(model, name) == pytest.approx(slope, abs=3.0), (seed, name)
        for side, place in balances(model).items():
            assert place == pytest.approx(places[side], abs=1.2), (seed, side)
        assert model.statistics.rmse == pytest.approx(15.0, rel=0.15)


@pytest.mark.parametrize("kind", ["3p-heating", "3p-cooling", "4p", "5p"])
def test_without_noise_the_balance_point_is_exact(kind):
    model = fitted(plant(kind, 7, noise=0.0), kind)
    wanted = {"4p": {16.0}}.get(kind, {13.0, 19.0})
    for place in balances(model).values():
        assert min(abs(place - each) for each in wanted) < 0.02
    assert model.statistics.cv_rmse < 1e-3


def test_balance_points_count_as_parameters():
    frame = plant("5p", 5)
    counts = {
        kind: fitted(frame, kind).statistics.p for kind in ("2p", "3p-heating", "3p-cooling", "4p", "5p")
    }
    # constant, slope(s), tonnes, balance point(s)
    assert counts == {"2p": 3, "3p-heating": 4, "3p-cooling": 4, "4p": 5, "5p": 6}
    fixed = fitted(frame, "5p", balance_heating=13.0, balance_cooling=19.0)
    assert fixed.statistics.p == 4
    assert balances(fixed) == {"heating": 13.0, "cooling": 19.0}


def test_a_search_by_brute_force_finds_no_better_balance_points():
    frame = plant("5p", 31)
    model = fitted(frame, "5p")
    y, t, tonnes = (frame[name].to_numpy() for name in ("energy", "temperature", "tonnes"))
    best = np.inf
    for low in np.arange(8.0, 18.0, 0.25):
        for high in np.arange(low + 0.5, 26.0, 0.25):
            matrix = np.column_stack(
                [np.ones(len(y)), np.maximum(low - t, 0.0), np.maximum(t - high, 0.0), tonnes]
            )
            error = y - matrix @ np.linalg.lstsq(matrix, y, rcond=None)[0]
            best = min(best, float(error @ error))
    mine = float(model.residuals @ model.residuals)
    assert mine <= best * (1 + 1e-9)


def test_a_plant_that_heats_is_no_plant_that_cools():
    frame = plant("3p-heating", 3)
    data = meter_data(frame, unit="kWh", interval="day", temperature="temperature", drivers=("tonnes",))
    found = fit(data, "3p-cooling")
    assert isinstance(found, Refusal)
    assert found.code == "wrong_sign"
    both = fit(data, "5p")
    assert isinstance(both, Refusal) or term(both, "cooling") < 3.0


def test_a_flattening_line_is_told_as_equipment_at_its_limit():
    frame = plant("2p", 8)
    frame["energy"] = 400.0 + 20.0 * np.minimum(frame["temperature"], 18.0) + 6.0 * frame["tonnes"]
    frame["energy"] += np.random.default_rng(1).normal(0.0, 10.0, len(frame))
    model = fitted(frame, "4p")
    assert "saturates" in {said.code for said in model.findings}
    assert balances(model)["heating"] == pytest.approx(18.0, abs=0.5)


def test_no_spread_of_temperature_leaves_no_place_for_a_balance_point():
    frame = plant("3p-cooling", 9)
    data = meter_data(frame.assign(temperature=25.0), unit="kWh", interval="day", temperature="temperature")
    found = fit(data, "3p-cooling")
    assert isinstance(found, Refusal)
    assert found.code == "no_room_for_balance_point"


@pytest.mark.parametrize(("freq", "interval"), [("W-MON", "week"), ("MS", "month")])
def test_three_years_of_weeks_or_months_give_the_plant_again(freq, interval):
    daily = plant("3p-heating", 21, days=1096, start="2021-01-04")
    frame = daily.resample(freq, label="left", closed="left").agg(
        {"energy": "sum", "temperature": "mean", "tonnes": "sum"}
    )
    frame = frame.iloc[1:-1]
    model = fitted(frame, "3p-heating", interval)
    per = 7.0 if interval == "week" else 1.0
    assert term(model, "heating") / per == pytest.approx(20.0, abs=2.5)
    assert term(model, "driver.tonnes") == pytest.approx(6.0, abs=1.0)
    assert design(model, frame) @ model.coefficients == pytest.approx(frame["energy"].to_numpy(), rel=0.06)


def test_bills_of_any_length_give_values_a_day_and_totals_of_a_bill():
    daily = plant("3p-heating", 22, days=800, noise=20.0)
    random = np.random.default_rng(2)
    lengths = random.integers(25, 36, 24)
    edges = np.concatenate([[0], np.cumsum(lengths)])
    rows = [
        {
            "energy": daily["energy"].iloc[a:b].sum(),
            "temperature": daily["temperature"].iloc[a:b].mean(),
            "tonnes": daily["tonnes"].iloc[a:b].sum(),
            "days": float(b - a),
        }
        for a, b in pairwise(edges)
    ]
    frame = pd.DataFrame(rows, index=daily.index[edges[:-1]])
    model = fitted(frame, "3p-heating", "bill")
    # degrees of a bill's mean temperature miss the cold days of a mild bill: a wide tolerance
    assert term(model, "constant") == pytest.approx(500.0, rel=0.12)
    assert term(model, "heating") == pytest.approx(20.0, abs=3.0)
    longer = frame.iloc[[3]].assign(days=frame["days"].iloc[3] * 2, tonnes=frame["tonnes"].iloc[3] * 2)
    twice = float(predict(model, longer).iloc[0])
    assert twice == pytest.approx(2.0 * float(predict(model, frame.iloc[[3]]).iloc[0]), rel=1e-9)


def test_degree_days_of_bills_see_the_cold_days_that_a_mean_hides():
    daily = plant("3p-heating", 23, days=800, noise=5.0)
    monthly = daily.resample("MS").agg({"energy": "sum", "tonnes": "sum"}).iloc[:24]
    frame = degree_columns(daily["temperature"], monthly)
    data = meter_data(frame, unit="kWh", interval="month", drivers=("tonnes",))
    model = fit(data, "hdd")
    assert isinstance(model, Model)
    assert term(model, "heating") == pytest.approx(20.0, abs=1.0)
    assert balances(model)["heating"] == pytest.approx(13.0, abs=1.0)
    by_mean = fitted(
        monthly.assign(temperature=daily["temperature"].resample("MS").mean()), "3p-heating", "month"
    )
    assert model.statistics.rmse < by_mean.statistics.rmse


def test_degree_hours_of_a_day_see_the_cold_night():
    random = np.random.default_rng(5)
    hours = pd.date_range("2022-01-01", periods=24 * 365, freq="h", tz="Europe/Berlin")
    day = weather(366, 6).to_numpy()[(np.arange(len(hours)) // 24)]
    swing = 6.0 * np.sin(2 * np.pi * (hours.hour.to_numpy() - 9) / 24)
    t = pd.Series(day + swing, index=hours)
    energy = (500.0 / 24 + 20.0 / 24 * np.maximum(13.0 - t, 0.0)).resample("D").sum()
    energy += random.normal(0.0, 2.0, len(energy))
    frame = pd.DataFrame({"energy": energy, "temperature": t.resample("D").mean()})
    by_hour = fit(
        meter_data(degree_columns(t, frame), unit="kWh", interval="day", temperature="temperature"), "hdd"
    )
    by_day = fit(meter_data(frame, unit="kWh", interval="day", temperature="temperature"), "hdd")
    assert isinstance(by_hour, Model)
    assert isinstance(by_day, Model)
    assert balances(by_hour)["heating"] == pytest.approx(13.0, abs=0.51)
    assert term(by_hour, "heating") == pytest.approx(20.0, abs=0.7)
    assert by_hour.statistics.rmse < by_day.statistics.rmse


def test_the_interval_of_a_prediction_holds_the_search_of_the_balance_point():
    """Spread of the predicted yearly sum over many plants against the model's own covariance."""
    t = weather(365, 77)
    after = weather(365, 78).to_frame("temperature")
    truth = true_energy("3p-cooling", t.to_numpy())
    random = np.random.default_rng(0)
    totals, own = [], []
    for _ in range(120):
        frame = pd.DataFrame({"energy": truth + 60.0 * random.normal(size=365), "temperature": t})
        model = fit(meter_data(frame, unit="kWh", interval="day", temperature="temperature"), "3p-cooling")
        assert isinstance(model, Model)
        g = design(model, after).sum(axis=0)
        totals.append(float(g @ model.coefficients))
        own.append(float(np.sqrt(g @ model.covariance @ g)))
    assert "balance.cooling" in model.terms
    assert np.mean(own) == pytest.approx(np.std(totals), rel=0.25)


@pytest.mark.parametrize("interval", list(Interval))
def test_degree_kinds_say_which_columns_they_need(interval):
    from dodac.errors import ConfigError

    index = pd.date_range("2022-01-01", periods=400, freq="D")
    if interval.seconds is not None:
        index = pd.date_range("2022-01-03", periods=400, freq=f"{interval.seconds}s")
    frame = pd.DataFrame({"energy": np.arange(400.0) % 7 + 5.0, "days": 30.0}, index=index)
    if interval.seconds is None:
        frame = frame.iloc[::31]
    with pytest.raises(ConfigError, match="hdd"):
        fit(meter_data(frame, unit="kWh", interval=interval), "hdd")


def test_a_rising_line_gets_no_heating_that_saves_energy_in_the_cold():
    frame = plant("2p", 12)
    data = meter_data(frame, unit="kWh", interval="day", temperature="temperature", drivers=("tonnes",))
    found = fit(data, "5p")
    if isinstance(found, Refusal):
        assert found.code == "wrong_sign"
        return
    assert term(found, "heating") > 0.0
    assert term(found, "cooling") > 0.0


def test_a_balance_point_leaves_ten_days_on_its_side():
    # the three hottest days are wild: a line through them alone would be the best fit of all
    frame = plant("3p-heating", seed=61)
    hottest = frame["temperature"].nlargest(3).index
    frame.loc[hottest, "energy"] += 2000.0
    model = fitted(frame, "3p-cooling")
    assert int((frame["temperature"] >= balances(model)["cooling"]).sum()) >= 10
    free = fitted(frame, "3p-cooling", side=1)
    assert int((frame["temperature"] > balances(free)["cooling"]).sum()) < 10
