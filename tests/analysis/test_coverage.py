"""The default interval holds the truth as often as it says: simulation, quick here and at length in soak."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis import Model, Savings, avoided_energy, design, fit_towt_daily, memory_of

sys.path.append(str(Path(__file__).parents[1]))
from coverage_cases import (
    Case,
    autoregressive,
    fractional,
    half_widths,
    one_driver,
    simulate,
)

DAILY = [(0.0, 365), (0.5, 365), (0.8, 182), (0.95, 365), (0.95, 90)]


@pytest.mark.parametrize(("rho", "days"), DAILY)
def test_nine_in_ten_intervals_of_daily_data_hold_the_truth(rho, days):
    case = Case("", "day", one_driver(365, 0), one_driver(days, 365), autoregressive(rho), rho)
    shown = simulate(case, 1500, seed=11)
    assert 87.5 <= shown.share["exact_memory"] <= 93.0
    assert shown.oracle is not None
    assert shown.width["exact_memory"] <= 1.3 * shown.oracle


def test_nine_in_ten_intervals_of_hourly_data_hold_the_truth():
    case = Case("", "hour", one_driver(8760, 0, 24), one_driver(8760, 8760, 24), autoregressive(0.95), 0.95)
    assert 86.0 <= simulate(case, 400, seed=12).share["exact_memory"] <= 94.0


def test_errors_that_remember_two_days_are_covered():
    case = Case("", "day", one_driver(365, 0), one_driver(365, 365), autoregressive(0.5, 0.3))
    shown = simulate(case, 1200, seed=13)
    assert shown.share["exact_memory"] >= 86.0
    # what the correction is for
    assert shown.share["exact"] < 80.0


def test_errors_that_never_fade_are_told_and_those_that_do_are_not(plant):
    wander = fractional(0.4)(np.random.default_rng(6), 365, 1)[:, 0]
    after = plant(start="2024-01-01", seed=2, noise=20.0, rho=0.3)
    for added, told in ((60.0 * wander / wander.std(), True), (np.zeros(365), False)):
        frame = plant(noise=20.0, rho=0.3)
        frame["energy"] += added
        model = fit_towt_daily(frame)
        assert isinstance(model, Model)
        frozen = replace(model, residuals=None, basis=None, memory=memory_of(model))
        for one in (model, frozen):
            result = avoided_energy(one, after)
            assert isinstance(result, Savings)
            found = [finding for finding in result.findings if finding.code == "long_memory"]
            assert bool(found) is told
            if told:
                assert "55 to 80 of 100" in found[0].en
                assert "trôi dạt" in found[0].vi


def test_the_simulated_intervals_are_those_a_saving_is_given(plant):
    before, after = plant(noise=60.0, rho=0.7), plant(start="2024-01-01", seed=2, noise=60.0, rho=0.7)
    model = fit_towt_daily(before)
    assert isinstance(model, Model)
    case = Case("", "day", design(model, before), design(model, after), autoregressive(0.7))
    quick = half_widths(case, np.asarray(model.residuals)[:, None])
    result = avoided_energy(model, after)
    for given in (*result.others, result.uncertainty):
        # the fractional formulas take the reporting period's mean for the baseline's in the simulation
        near = 0.002 if given.method.startswith("exact") else 0.03
        assert quick[given.method][0] == pytest.approx(given.half_width, rel=near), given.method
