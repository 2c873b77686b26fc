"""Each formula by hand, and what an interval owes an auditor: it never shrinks when less is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis import Model, avoided_energy, design, fit_towt_daily, memory_of
from analysis._memory import mixture_half_width, remembered, variance_of_sum
from analysis._student import t_two_sided
from analysis.results import FitStatistics, Memory, MemoryPoint
from analysis.uncertainty import (
    bootstrap,
    exact,
    exact_memory,
    g14,
    independent_days,
    noise_half_widths,
    of_sums,
    standard_errors,
    sun_baltazar,
    sun_baltazar_factor,
)
from dodac.errors import DataError


def statistics(n: int = 365, p: int = 2, rho: float = 0.5) -> FitStatistics:
    return FitStatistics(n, p, 0.9, 0.9, 50.0, 0.05, 0.0, rho)


def model_with(fit: FitStatistics, memory: Memory | None = None, interval: str = "day") -> Model:
    covariance = np.diag([4.0, 0.25])
    return Model(
        "test",
        "kWh",
        ("a", "b"),
        np.zeros(2),
        covariance,
        fit,
        {},
        "",
        "",
        interval=interval,
        memory=memory,
    )


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
    # a Vietnamese reader takes 1.393 for more than a thousand
    assert "hệ số 1,393" in sun_baltazar(model, rows, 1e5, 12, 0.9).source_vi
    variance = 3.0 * (100**2 * 4.25 + 100 * 50.0**2)
    assert exact(model, rows, 1e5, 12, 0.9).half_width == pytest.approx(t * math.sqrt(variance))


def test_the_factor_of_sun_and_baltazar_follows_the_interval():
    # CalTRACK 2.0 §4.3.2.4: daily, monthly, and 1.26 kept for hourly data
    assert sun_baltazar_factor("day", 12) == pytest.approx(1.39250)
    assert sun_baltazar_factor("month", 12) == pytest.approx(1.30558)
    assert sun_baltazar_factor("bill", 12) == sun_baltazar_factor("month", 12)
    assert sun_baltazar_factor("hour", 12) == 1.26


def test_without_memory_the_averaged_interval_is_students():
    memory = Memory(1, 363.0, (MemoryPoint(1.0, 0.0, 1.0, 2500.0),))
    found = exact_memory(model_with(statistics(rho=0.0), memory), np.ones((100, 2)), 1e5, 12, 0.9)
    by_hand = t_two_sided(0.9, 363) * math.sqrt(100**2 * 4.25 + 100 * 2500.0)
    assert found.half_width == pytest.approx(by_hand, rel=1e-5)
    assert found.n_effective == pytest.approx(365)


def test_one_memory_by_hand():
    memory = Memory(1, 50.0, (MemoryPoint(1.0, 0.5, 1.0, 3000.0),))
    found = exact_memory(model_with(statistics(), memory), np.ones((100, 2)), 1e5, 12, 0.9)
    # Σ of 100 AR(1) errors: lag by lag
    noise = sum((100 - abs(lag)) * 0.5 ** abs(lag) for lag in range(-99, 100)) * 3000.0
    kappa = sum((365 - abs(lag)) * 0.5 ** abs(lag) for lag in range(-364, 365)) / 365
    parameters = kappa * 3000.0 / 2500.0 * 100**2 * 4.25
    assert found.half_width == pytest.approx(t_two_sided(0.9, 50) * math.sqrt(parameters + noise), rel=1e-5)
    assert found.n_effective == pytest.approx(365 / 3)


def test_scatter_alone_is_a_saving_without_parameters():
    memory = Memory(1, 50.0, (MemoryPoint(0.4, 0.5, 1.0, 3000.0), MemoryPoint(0.6, 0.9, 0.5, 4000.0)))
    for method, kept in (("exact_memory", memory), ("exact", memory), ("exact_memory", None)):
        model = model_with(statistics(), kept)
        found = noise_half_widths(model, [0.0, 7.0, 365.0], 0.9, method)
        wanted = [of_sums(model, np.zeros(2), ((1.0, m),), 0.9, method).half_width for m in (0, 7, 365)]
        assert found == pytest.approx(wanted)


def test_standard_errors_carry_the_memory_of_the_errors():
    plain = standard_errors(model_with(statistics(rho=0.5)))
    assert plain == pytest.approx(np.sqrt([3.0 * 4.0, 3.0 * 0.25]))
    memory = Memory(1, 363.0, (MemoryPoint(1.0, 0.0, 1.0, 2 * 50.0**2),))
    assert standard_errors(model_with(statistics(rho=0.5), memory)) == pytest.approx(np.sqrt([8.0, 0.5]))


def test_the_sum_of_lasting_errors_lag_by_lag():
    for share in (1.0, 0.4):
        lags = [abs(lag) for lag in range(-29, 30)]
        wanted = sum((30 - lag) * (1.0 if lag == 0 else share * 0.8**lag) for lag in lags)
        found = variance_of_sum(np.array([0.8]), np.array([share]), 30)
        assert found[0] == pytest.approx(wanted)


def test_two_memories_are_averaged_not_added():
    weight, deviation = np.array([[0.5], [0.5]]), np.array([[1.0], [3.0]])
    half = float(mixture_half_width(weight, deviation, 40.0, 0.9)[0])
    assert t_two_sided(0.9, 40) < half < 3.0 * t_two_sided(0.9, 40)
    alone = mixture_half_width(np.ones((1, 1)), np.array([[2.0]]), 7.0, 0.9)
    assert float(alone[0]) == pytest.approx(2.0 * t_two_sided(0.9, 7), rel=1e-5)


def test_the_averaged_interval_is_found_with_few_degrees_of_freedom_too():
    for dof in (1.0, 2.0, 3.5, 9.0, 400.0, 9000.0):
        half = mixture_half_width(np.ones((1, 1)), np.ones((1, 1)), dof, 0.9)
        assert float(half[0]) == pytest.approx(t_two_sided(0.9, dof), rel=2e-3)


def test_errors_that_fit_exactly_have_no_width():
    memory = remembered(np.ones((365, 1)), np.zeros(365))
    found = exact_memory(
        replace(model_with(replace(statistics(), rmse=0.0), memory), covariance=np.zeros((2, 2))),
        np.ones((90, 2)),
        1e5,
        3,
        0.9,
    )
    assert found.half_width == 0.0


def test_hours_are_judged_by_whole_days():
    # a cycle of the day in the residuals is no memory of days
    cycle = np.tile(np.sin(np.arange(24) / 24 * 2 * np.pi), 365)
    noise = np.random.default_rng(3).standard_normal(8760)
    plain = remembered(np.ones((8760, 1)), noise, 24)
    with_cycle = remembered(np.ones((8760, 1)), noise + 3.0 * cycle, 24)
    assert plain == with_cycle or [point.rho for point in plain.points] == [
        point.rho for point in with_cycle.points
    ]


def test_a_frozen_memory_gives_the_interval_of_the_fit(plant):
    model = fit_towt_daily(plant(noise=60.0, rho=0.6))
    assert isinstance(model, Model)
    frozen = replace(model, residuals=None, follows=None, basis=None, memory=memory_of(model))
    frame = plant(start="2024-01-01", seed=2, noise=60.0, rho=0.6, saving=0.1)
    now, later = avoided_energy(model, frame), avoided_energy(frozen, frame)
    assert now.uncertainty == later.uncertainty
    assert now.others == later.others


def test_a_baseline_of_an_earlier_dodac_says_that_its_interval_is_the_plain_one(plant):
    model = fit_towt_daily(plant(noise=60.0, rho=0.6))
    assert isinstance(model, Model)
    old = replace(model, residuals=None, follows=None, basis=None)
    result = avoided_energy(old, plant(start="2024-01-01", seed=2, noise=60.0, rho=0.6))
    assert result.uncertainty.method == "exact"
    assert "no_memory" in {finding.code for finding in result.findings}
    assert "exact_memory" not in {other.method for other in result.others}


def test_the_bootstrap_is_repeatable_and_near_the_exact_interval(plant):
    model = fit_towt_daily(plant(noise=60.0, rho=0.5))
    assert isinstance(model, Model)
    rows = design(model, plant(start="2024-01-01", seed=2))
    first, second = (bootstrap(model, rows, 1e5, 12, 0.9) for _ in range(2))
    assert first == second
    assert first.half_width == pytest.approx(exact(model, rows, 1e5, 12, 0.9).half_width, rel=0.25)


def test_the_bootstrap_of_a_frozen_baseline_is_refused_in_words(plant):
    model = fit_towt_daily(plant(noise=60.0))
    assert isinstance(model, Model)
    frozen = replace(model, residuals=None, basis=None, memory=memory_of(model))
    with pytest.raises(DataError, match="keeps no residuals"):
        avoided_energy(frozen, plant(start="2024-01-01"), method="bootstrap")


def test_searched_balance_points_cost_degrees_of_freedom():
    # six bills, three columns and two searched balance points leave one degree of freedom
    residuals = np.array([3.0, -2.0, 1.0, -4.0, 2.5, -0.5])
    basis = np.column_stack([np.ones(6), np.arange(6.0), np.arange(6.0) ** 2])
    assert remembered(basis, residuals, 1, 3).dof == 3
    assert remembered(basis, residuals, 1, 5).dof == 1
