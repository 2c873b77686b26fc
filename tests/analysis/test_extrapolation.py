"""A baseline speaks only for what it has seen: each driver's range, and their combinations."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, design, fit_towt_daily
from analysis.extrapolation import (
    graded_coverage,
    joint_coverage,
    leverage,
    leverage_coverage,
    sep_range,
)


@pytest.fixture
def frame(plant) -> pd.DataFrame:
    return plant(noise=20.0, production=True)


@pytest.fixture
def model(frame) -> Model:
    fitted = fit_towt_daily(frame, drivers=["tonnes"])
    assert isinstance(fitted, Model)
    return fitted


def ranged(model: Model, low: float, high: float, sd: float = 1.0) -> Model:
    return replace(model, settings={**model.settings, "ranges": {"tonnes": [low, high, sd]}})


def test_inside_the_range_there_is_nothing_to_say(model):
    assert graded_coverage(ranged(model, 0.0, 10.0), "tonnes", np.array([0.0, 5.0, 10.0])) == []
    assert graded_coverage(ranged(model, 0.0, 10.0), "tonnes", np.array([])) == []


@pytest.mark.parametrize(
    ("outside", "value", "grade"),
    [(1, 10.5, None), (5, 10.5, "moderate"), (40, 10.5, "severe"), (1, 13.0, "severe")],
)
def test_grades_go_by_share_and_by_reach(model, outside, value, grade):
    values = np.full(200, 5.0)
    values[:outside] = value
    found = graded_coverage(ranged(model, 0.0, 10.0), "tonnes", values)
    assert [item.code for item in found] == ([f"extrapolation_{grade}"] if grade else [])


def test_few_rows_with_most_of_the_energy_outside_are_severe(model):
    values, energy = np.full(200, 5.0), np.ones(200)
    values[:4], energy[:4] = 10.5, 50.0
    (finding,) = graded_coverage(ranged(model, 0.0, 10.0), "tonnes", values, energy)
    assert finding.code == "extrapolation_severe"
    assert finding.data["energy_share"] == pytest.approx(200.0 / 396.0)


def test_a_plant_elsewhere_is_refused_and_told_what_is_missing(model):
    found = graded_coverage(ranged(model, 0.0, 10.0), "tonnes", np.full(168, 12.0))
    assert isinstance(found, Refusal)
    assert found.data["unseen"] == "10.0 … 12.0"
    assert "168 of 168 days" in found.en
    assert "168 trên 168 ngày" in found.vi
    hours = graded_coverage(replace(ranged(model, 0.0, 10.0), interval="hour"), "tonnes", np.full(9, 12.0))
    assert isinstance(hours, Refusal)
    assert "9 of 9 hours" in hours.en


def test_the_mean_just_outside_is_refused_though_sep_would_allow_it(model):
    values = np.concatenate([np.full(60, 10.0), np.full(40, 10.6)])
    wide = ranged(model, 0.0, 10.0, sd=3.0)
    assert isinstance(graded_coverage(wide, "tonnes", values), Refusal)
    assert not sep_range(wide, "tonnes", values)
    assert sep_range(wide, "tonnes", values, baseline_mean=5.0)
    assert not sep_range(wide, "tonnes", values, baseline_mean=1.0)


def test_leverage_of_the_baseline_adds_up_to_its_terms(model, frame):
    own = leverage(model, design(model, frame))
    assert np.sum(own) == pytest.approx(model.statistics.p)
    assert np.max(own) <= 1.0 + 1e-9
    assert leverage_coverage(model, design(model, frame), design(model, frame)) == []


def test_heat_seen_only_while_the_plant_stood_still_is_no_heat_at_work(plant):
    baseline = plant(noise=20.0, production=True)
    hot = baseline["temperature"] > 28.0
    baseline.loc[hot, "tonnes"] = 0.0
    fitted = fit_towt_daily(baseline, drivers=["tonnes"])
    assert isinstance(fitted, Model)
    after = plant(start="2024-01-01", seed=5, noise=20.0, production=True)
    for name in ("temperature", "tonnes"):  # each driver alone keeps to its range
        after[name] = after[name].clip(baseline[name].min(), baseline[name].max())
        assert graded_coverage(fitted, name, after[name].to_numpy()) == []
    pair = [item for item in joint_coverage(fitted, baseline, after) if item.code == "unseen_combination"]
    assert len(pair) == 1
    assert pair[0].data["first_low"] > 28.0
    assert pair[0].data["second_low"] > 0.0


def test_the_same_plant_a_year_later_has_no_unseen_combination(model, frame, plant):
    after = plant(start="2024-01-01", seed=9, noise=20.0, production=True)
    assert not [item for item in joint_coverage(model, frame, after) if item.code == "unseen_combination"]
    assert joint_coverage(model, frame, frame) == []


def test_far_combinations_are_severe_by_leverage(model, frame):
    rows = design(model, frame)
    far = rows.copy()
    far[:, model.terms.index("driver.tonnes")] += 500.0
    (finding,) = leverage_coverage(model, far, rows)
    assert finding.code == "joint_extrapolation_severe"
    assert leverage_coverage(model, rows[:0], rows) == []
