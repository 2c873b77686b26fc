"""Budgets: the GUM's own example, Monte Carlo beside every formula, sources that are shared or not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrology import (
    Contribution,
    budget,
    from_expanded,
    from_limit,
    from_values,
    propagate,
    sensitivities,
)
from dodac.errors import ConfigError, DataError


def test_the_end_gauge_of_the_gum_comes_out() -> None:
    """JCGM 100:2008, H.1.6: u_c 32 nm, ν_eff 16.7, U99 93 nm (k 2.92 at ν = 16; 2.91 interpolated)."""
    lines = [
        Contribution("standard", "calibration of the standard", 25.0, dof=18),
        Contribution("difference", "measured difference", 9.7, dof=25.6),
        Contribution("expansion", "difference in expansion", 2.9, dof=50),
        Contribution("temperature", "difference in temperature", 16.6, dof=2),
    ]
    found = budget(50_000_838.0, lines, unit="nm", confidence=0.99)
    assert found.standard == pytest.approx(32.0, abs=0.5)
    assert found.dof == pytest.approx(16.7, abs=0.3)
    assert found.half_width == pytest.approx(93.0, abs=1.5)


def test_limits_certificates_and_scatter_become_standard_uncertainties() -> None:
    assert from_limit("a", "a", 3.0).standard == pytest.approx(3.0 / math.sqrt(3.0))
    from analysis.metrology import Distribution

    assert from_limit("a", "a", 3.0, distribution=Distribution.TRIANGULAR).standard == pytest.approx(
        3.0 / math.sqrt(6.0)
    )
    assert from_expanded("a", "a", 0.4, k=2.0).standard == pytest.approx(0.2)
    scatter = from_values("a", "a", [1.0, 2.0, 3.0, 4.0])
    assert scatter.standard == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2.0)
    assert scatter.dof == 3.0


def test_one_analyser_on_both_sides_of_a_difference_cancels_and_two_do_not() -> None:
    same = budget(0.0, [Contribution("a", "before", 0.3, -1.0), Contribution("a", "after", 0.3, 1.0)])
    two = budget(0.0, [Contribution("a", "before", 0.3, -1.0), Contribution("b", "after", 0.3, 1.0)])
    assert same.standard == pytest.approx(0.0, abs=1e-12)
    assert two.standard == pytest.approx(0.3 * math.sqrt(2.0))
    alike = budget(0.0, [Contribution("a", "x", 0.3, 1.0), Contribution("a", "y", 0.4, 1.0)])
    assert alike.standard == pytest.approx(0.7)


def test_shares_of_the_variance_add_up() -> None:
    found = budget(1.0, [Contribution("a", "a", 3.0), Contribution("b", "b", 4.0)])
    assert sum(part.share for part in found.sources) == pytest.approx(1.0)
    assert found.standard == pytest.approx(5.0)
    assert found.half_width == pytest.approx(1.6449 * 5.0, rel=1e-3)


def test_few_runs_widen_the_interval_as_student_says() -> None:
    found = budget(0.0, [from_values("runs", "runs", [1.0, 2.0, 3.0])], confidence=0.9)
    assert found.dof == pytest.approx(2.0)
    assert found.k == pytest.approx(2.919986, rel=1e-5)


def test_a_budget_of_nothing_is_zero_and_not_an_error() -> None:
    found = budget(5.0, [])
    assert found.half_width == 0.0
    assert math.isinf(found.dof)
    tiny = budget(0.0, [Contribution("a", "a", 1e-200, dof=2)])
    assert math.isfinite(tiny.k)


def _product(at: dict[str, float]) -> float:
    return at["power"] * at["hours"] / at["eta"]


def test_monte_carlo_agrees_with_the_propagated_budget() -> None:
    """JCGM 101: draw every source, run the function, compare standard deviation and 90 % interval."""
    values = {"power": 40.0, "hours": 6000.0, "eta": 0.85}
    errors = {
        "power": [from_limit("meter", "meter", 0.6), from_limit("ct", "ratio", 0.4)],
        "hours": [from_expanded("shift book", "hours", 400.0)],
        "eta": [from_limit("analyser", "eta", 0.01)],
    }
    found = propagate(_product, values, errors, unit="kWh")  # type: ignore[arg-type]
    draw = np.random.default_rng(7)
    n = 200_000
    power = 40.0 + draw.uniform(-0.6, 0.6, n) + draw.uniform(-0.4, 0.4, n)
    hours = 6000.0 + draw.normal(0.0, 200.0, n)
    eta = 0.85 + draw.uniform(-0.01, 0.01, n)
    result = power * hours / eta
    assert found.standard == pytest.approx(float(np.std(result)), rel=0.01)
    inside = np.mean(np.abs(result - found.value) <= found.half_width)
    assert float(inside) == pytest.approx(0.9, abs=0.01)


def test_a_source_shared_by_two_inputs_is_one_error_as_monte_carlo_has_it() -> None:
    values = {"before": 100.0, "after": 80.0}
    line = [from_expanded("meter", "meter", 4.0)]
    found = propagate(lambda at: 1.0 - at["after"] / at["before"], values, {"before": line, "after": line})
    error = np.random.default_rng(3).normal(0.0, 2.0, 200_000)
    result = 1.0 - (80.0 + error) / (100.0 + error)
    assert found.standard == pytest.approx(float(np.std(result)), rel=0.01)
    apart = propagate(
        lambda at: 1.0 - at["after"] / at["before"],
        values,
        {"before": line, "after": [from_expanded("other", "meter", 4.0)]},
    )
    assert apart.standard > 5.0 * found.standard


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0.0, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=8))
def test_independent_sources_never_add_up_to_more_than_shared_ones(pairs: list[tuple[float, float]]) -> None:
    apart = budget(0.0, [Contribution(str(i), "x", u, c) for i, (u, c) in enumerate(pairs)])
    together = budget(0.0, [Contribution("one", "x", u, abs(c)) for u, c in pairs])
    assert apart.standard <= together.standard * (1 + 1e-9) + 1e-12


def test_sensitivities_of_a_straight_line_are_its_slopes() -> None:
    found = sensitivities(
        lambda at: 3.0 * at["x"] - 2.0 * at["y"], {"x": 1.0, "y": 2.0}, {"x": 0.1, "y": 0.0}
    )
    assert found == {"x": pytest.approx(3.0), "y": 0.0}


def test_what_is_no_number_is_told_and_not_carried_on() -> None:
    with pytest.raises(DataError):
        from_values("a", "a", [1.0])
    with pytest.raises(DataError):
        from_values("a", "a", [1.0, math.nan])
    with pytest.raises(ConfigError):
        from_limit("a", "a", -1.0)
    with pytest.raises(ConfigError):
        from_expanded("a", "a", 1.0, k=0.0)
    with pytest.raises(ConfigError):
        budget(0.0, [], confidence=1.0)
    with pytest.raises(DataError):
        budget(0.0, [Contribution("a", "a", math.nan)])
    with pytest.raises(ConfigError, match="no input"):
        propagate(lambda at: at["x"], {"x": 1.0}, {"y": [Contribution("a", "a", 1.0)]})
    with pytest.raises(DataError):
        propagate(lambda at: math.nan, {"x": 1.0}, {})
