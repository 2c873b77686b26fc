"""The intervals hold what they promise: coverage by simulation, and each formula by hand."""

import math

import numpy as np
import pytest

from analysis import Model, Savings, avoided_energy, fit_towt_daily
from analysis._student import t_two_sided
from analysis.results import FitStatistics
from analysis.uncertainty import exact, g14, independent_days, sun_baltazar


def statistics(n: int = 365, p: int = 2, rho: float = 0.5) -> FitStatistics:
    return FitStatistics(n, p, 0.9, 0.9, 50.0, 0.05, 0.0, rho)


def model_with(fit: FitStatistics) -> Model:
    return Model("test", "kWh", ("a", "b"), np.zeros(2), np.diag([4.0, 0.25]), fit, {}, "", "")


def test_memory_lowers_the_number_of_independent_days():
    assert independent_days(statistics(rho=0.0)) == 365
    assert independent_days(statistics(rho=0.5)) == pytest.approx(365 / 3)
    assert independent_days(statistics(rho=-0.4)) == 365
    assert independent_days(statistics(p=19, rho=0.999)) == 20


def test_the_formulas_by_hand():
    model, rows = model_with(statistics()), np.ones((100, 2))
    n_effective = 365 / 3
    t = t_two_sided(0.9, n_effective - 2)
    by_hand = t * 1.26 * 0.05 * math.sqrt(3.0 * (1 + 2 / n_effective) / 100) * 1e5
    assert g14(model, rows, 1e5, 12, 0.9).half_width == pytest.approx(by_hand)
    factor = -0.00024 * 144 + 0.03535 * 12 + 1.00286
    assert factor == pytest.approx(1.3925, abs=1e-4)
    assert sun_baltazar(model, rows, 1e5, 12, 0.9).half_width == pytest.approx(by_hand / 1.26 * factor)
    variance = 3.0 * (100**2 * 4.25 + 100 * 50.0**2)
    assert exact(model, rows, 1e5, 12, 0.9).half_width == pytest.approx(t * math.sqrt(variance))


def coverage(plant, repeats: int, rho: float, method: str, seed: int) -> float:
    inside = 0
    for number in range(repeats):
        before = plant(seed=seed + 2 * number, noise=60.0, rho=rho)
        now = plant(start="2024-01-01", seed=seed + 2 * number + 1, noise=60.0, rho=rho, saving=0.0)
        model = fit_towt_daily(before)
        assert isinstance(model, Model)
        # the truth is known: nothing was saved, whatever the noise says
        result = avoided_energy(model, now, method=method)
        assert isinstance(result, Savings)
        inside += result.low <= 0.0 <= result.high
    return 100.0 * inside / repeats


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_an_interval_at_90_percent_holds_the_truth_about_90_times_in_100(plant, rho):
    assert 85.0 <= coverage(plant, 250, rho, "exact", seed=1000) <= 94.0


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("method", "rho", "low", "high"),
    [
        ("exact", 0.0, 87.0, 92.5),
        ("exact", 0.5, 86.0, 92.5),
        ("exact", 0.8, 81.0, 92.0),
        ("g14", 0.5, 78.0, 89.0),
    ],
)
def test_coverage_at_length(plant, method, rho, low, high):
    share = coverage(plant, 2000, rho, method, seed=50_000)
    assert low <= share <= high, f"{method}, rho {rho}: {share:.1f} %"
