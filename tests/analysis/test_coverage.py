"""The default interval holds the truth as often as it says: simulation, quick here and at length in soak."""

import sys
from pathlib import Path

import numpy as np
import pytest

from analysis import Model, avoided_energy, design, fit_towt_daily

sys.path.append(str(Path(__file__).parents[1]))
from coverage_cases import (
    Case,
    autoregressive,
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
