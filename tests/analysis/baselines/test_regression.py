"""Mean, specific consumption and regression: hand-computed numbers, modes, shifts, lags, weights of bills."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, design, fit, meter_data, predict
from analysis.baselines._extras import earlier
from dodac.errors import DodacError


def days(n: int = 365, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    index = pd.date_range("2023-01-01", periods=n, freq="D", tz="Asia/Ho_Chi_Minh")
    frame = pd.DataFrame({"tonnes": random.uniform(20.0, 60.0, n)}, index=index)
    frame["temperature"] = 27.0 + 4.0 * np.cos(2 * np.pi * index.day_of_year / 365.25)
    frame["mode"] = np.where(random.random(n) < 0.3, "cleaning", "brewing")
    frame["energy"] = 200.0 + 7.0 * frame["tonnes"] + random.normal(0.0, 5.0, n)
    return frame


def data(frame: pd.DataFrame, **words: object):
    return meter_data(frame, **{"unit": "kWh", "interval": "day", **words})


def by_name(model: Model) -> dict[str, float]:
    return dict(zip(model.terms, model.coefficients.tolist(), strict=True))


def test_specific_consumption_is_the_least_squares_ratio():
    frame = days()
    model = fit(data(frame, drivers=("tonnes",)), "ratio")
    assert isinstance(model, Model)
    x, y = frame["tonnes"].to_numpy(), frame["energy"].to_numpy()
    assert by_name(model) == {"driver.tonnes": pytest.approx(float(x @ y / (x @ x)))}
    fixed = fit(data(frame, drivers=("tonnes",)), "ratio", fixed=True)
    assert isinstance(fixed, Model)
    assert by_name(fixed)["constant"] == pytest.approx(200.0, abs=3.0)
    assert by_name(fixed)["driver.tonnes"] == pytest.approx(7.0, abs=0.1)


def test_the_mean_of_bills_weights_each_bill_with_its_days():
    index = pd.to_datetime(["2023-01-01", "2023-01-31", "2023-03-07", "2023-04-03"])
    frame = pd.DataFrame(
        {"energy": [300.0, 385.0, 243.0, 320.0], "days": [30.0, 35.0, 27.0, 32.0]}, index=index
    )
    model = fit(data(frame, interval="bill"), "mean", min_rows=3)
    assert isinstance(model, Model)
    # Σ energy / Σ days is the weighted mean when a bill's noise grows with its days
    assert by_name(model)["constant"] == pytest.approx(1248.0 / 124.0)
    assert (design(model, frame) @ model.coefficients).sum() == pytest.approx(1248.0)
    total = fit(data(frame, interval="bill"), "mean", min_rows=3, per_day=False)
    assert isinstance(total, Model)
    assert by_name(total)["constant"] == pytest.approx(312.0)


def test_an_operating_mode_has_its_own_level_and_its_own_slope():
    frame = days()
    cleaning = (frame["mode"] == "cleaning").to_numpy()
    frame["energy"] += np.where(cleaning, 90.0 - 3.0 * frame["tonnes"], 0.0)
    words = {"drivers": ("tonnes",), "categories": ("mode",)}
    model = fit(data(frame, **words), "regression", interactions=[("mode", "tonnes")])
    assert isinstance(model, Model)
    found = by_name(model)
    assert found["mode.cleaning"] == pytest.approx(90.0, abs=6.0)
    assert found["mode.cleaning*tonnes"] == pytest.approx(-3.0, abs=0.15)
    assert found["driver.tonnes"] == pytest.approx(7.0, abs=0.1)


def test_heat_that_comes_a_day_late_is_seen_by_a_lag():
    frame = days()
    frame["temperature"] += np.random.default_rng(4).normal(0.0, 3.0, len(frame))
    yesterday = frame["temperature"].shift(1)
    frame["energy"] += 8.0 * yesterday.fillna(27.0)
    words = {"drivers": ("tonnes",), "temperature": "temperature"}
    model = fit(data(frame, **words), "regression", temperature=True, lags={"temperature": [1]})
    assert isinstance(model, Model)
    found = by_name(model)
    assert found["lag.temperature.1"] == pytest.approx(8.0, abs=0.3)
    assert found["temperature"] == pytest.approx(0.0, abs=0.3)
    assert model.statistics.n == len(frame) - 1
    gap = frame.drop(frame.index[100])
    assert np.isnan(predict(model, gap).iloc[100])


def test_the_day_before_is_the_day_before_across_summer_time():
    index = pd.date_range("2023-03-24", periods=5, freq="D", tz="Europe/Berlin")
    assert earlier(np.arange(5.0), index, 1, "day")[1:].tolist() == [0.0, 1.0, 2.0, 3.0]
    some = index[[0, 1, 3, 4]]
    shifted = earlier(np.array([0.0, 1.0, 3.0, 4.0]), some, 1, "day")
    assert np.isnan(shifted[[0, 2]]).all()
    assert shifted[[1, 3]].tolist() == [0.0, 3.0]


def test_rare_words_are_merged_and_told_tet_into_holidays():
    frame = days()
    kind = np.full(len(frame), "normal", dtype=object)
    kind[10:20], kind[30], kind[40] = "holiday", "tet", "flood"
    frame["day_type"] = kind
    model = fit(data(frame, drivers=("tonnes",), categories=("day_type",)), "regression")
    assert isinstance(model, Model)
    assert model.settings["levels"] == {"day_type": ["normal", "holiday"]}
    assert model.settings["merged"] == {"day_type": {"flood": "normal", "tet": "holiday"}}
    assert sorted(s.data["word"] for s in model.findings if s.code == "few_of_level") == ["flood", "tet"]
    later = frame.iloc[:3].assign(day_type=["tet", "normal", "strike"])
    found = predict(model, later)
    assert np.isfinite(found.iloc[:2]).all()
    assert np.isnan(found.iloc[2])


def test_settings_rebuild_the_same_design_after_a_round_through_json():
    frame = days()
    words = {"drivers": ("tonnes",), "categories": ("mode",), "temperature": "temperature"}
    for kind, options in (
        ("regression", {"interactions": [("mode", "tonnes")], "weekday": True}),
        ("5p", {"lags": {"tonnes": [1, 2]}}),
        ("ratio", {}),
    ):
        frame["energy"] += np.maximum(frame["temperature"] - 28.0, 0.0) * 20.0
        frame["energy"] += np.maximum(25.0 - frame["temperature"], 0.0) * 20.0
        model = fit(data(frame, **words), kind, **options)
        assert isinstance(model, Model), model
        again = json.loads(json.dumps(model.settings, allow_nan=False))
        import dataclasses

        frozen = dataclasses.replace(model, settings=again)
        assert design(frozen, frame) == pytest.approx(design(model, frame), nan_ok=True)


def test_more_production_and_less_energy_is_questioned():
    frame = days()
    frame["energy"] = 900.0 - 5.0 * frame["tonnes"]
    model = fit(data(frame, drivers=("tonnes",)), "regression")
    assert isinstance(model, Model)
    assert "negative_driver" in {said.code for said in model.findings}


def test_one_wild_row_of_production_is_told():
    frame = days()
    frame.iloc[50, frame.columns.get_loc("tonnes")] = 1e12
    model = fit(data(frame, drivers=("tonnes",)), "regression")
    assert isinstance(model, Model)
    assert "one_row_decides" in {said.code for said in model.findings}


def test_production_below_zero_has_no_specific_consumption():
    frame = days()
    frame.iloc[5, frame.columns.get_loc("tonnes")] = -10.0
    found = fit(data(frame, drivers=("tonnes",)), "ratio")
    assert isinstance(found, Refusal)
    assert found.code == "negative_production"
    nothing = fit(data(frame.assign(tonnes=0.0), drivers=("tonnes",)), "ratio")
    assert isinstance(nothing, Refusal)
    assert nothing.code == "driver_constant"


def test_a_short_baseline_is_refused_with_what_is_missing_or_told_when_allowed():
    frame = days(100)
    found = fit(data(frame, drivers=("tonnes",)), "regression")
    assert isinstance(found, Refusal)
    assert found.data == {"needed": 330, "rows": 100, "missing": 230}
    model = fit(data(frame, drivers=("tonnes",)), "regression", allow_short=True)
    assert isinstance(model, Model)
    assert {"short_baseline", "months_missing"} <= {said.code for said in model.findings}


def test_more_terms_than_rows_are_refused():
    frame = days(8)
    for number in range(8):
        frame[f"d{number}"] = np.random.default_rng(number).normal(size=8)
    found = fit(data(frame, drivers=[f"d{number}" for number in range(8)]), "regression", min_rows=8)
    assert isinstance(found, Refusal)
    assert found.code == "too_many_terms"


@pytest.mark.parametrize(
    "options",
    [
        {"drivers": ("steam",)},
        {"lags": {"steam": [1]}},
        {"lags": {"tonnes": [0]}},
        {"interactions": [("mode", "steam")]},
        {"colour": 3},
        {"averages": ("steam",)},
    ],
)
def test_options_that_name_nothing_are_told(options):
    with pytest.raises(DodacError):
        fit(data(days(), drivers=("tonnes",), categories=("mode",)), "regression", **options)


def test_an_average_of_a_bill_counts_with_its_days():
    index = pd.date_range("2022-01-01", periods=24, freq="MS")
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"occupancy": random.uniform(0.3, 0.9, 24)}, index=index)
    frame["energy"] = (100.0 + 50.0 * frame["occupancy"]) * index.days_in_month
    model = fit(data(frame, interval="month", drivers=("occupancy",)), "regression", averages=("occupancy",))
    assert isinstance(model, Model)
    assert by_name(model) == {
        "constant": pytest.approx(100.0),
        "driver.occupancy": pytest.approx(50.0),
    }
