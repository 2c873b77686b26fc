"""Options A and B: what was stipulated shows, what was not measured is refused, the interval holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.isolation import (
    Measured,
    Method,
    OptionSaving,
    Side,
    Stated,
    compare_tests,
    measured,
    option_a,
    option_b,
    scale_to_year,
)
from analysis.metrology import Chain, Distribution, ElectricityMeter, LoadPoint, meter_chain
from analysis.results import Refusal
from dodac.errors import ConfigError, DataError


def lamps(at: dict[str, float]) -> float:
    return (at["kw_before"] - at["kw_after"]) * at["hours"]


def chain(id: str = "m") -> Chain:
    found = meter_chain(ElectricityMeter(id, "1"), profile=[LoadPoint(1.0, 1.0)])
    assert isinstance(found, Chain)
    return found


def saving(found: OptionSaving | Refusal) -> OptionSaving:
    assert isinstance(found, OptionSaving), found
    return found


BEFORE = measured("kw_before", [10.1, 10.0, 9.9], chain=chain())
AFTER = measured("kw_after", [4.0, 4.1, 3.9], chain=chain())
HOURS = Stated(4000.0, 400.0, "shift plan 2026, ±10 %", "h")


def test_a_lighting_measure_by_option_a_comes_out_as_by_hand() -> None:
    """(10 − 4) kW × 4 000 h = 24 000 kWh; class 1 meter on both sides, scatter of three, hours ±10 % as limits."""
    found = saving(option_a(lamps, {"kw_before": BEFORE, "kw_after": AFTER}, {"hours": HOURS}, unit="kWh"))
    assert found.saving == pytest.approx(24_000.0)
    scatter = 4000.0 * 0.1 / math.sqrt(3.0)
    meter = 4000.0 * 6.0 * 0.01 / math.sqrt(3.0)
    hours = 6.0 * 400.0 / math.sqrt(3.0)
    assert found.budget.standard == pytest.approx(math.sqrt(2 * scatter**2 + meter**2 + hours**2), rel=1e-6)
    assert found.stipulated_share == pytest.approx(hours**2 / found.budget.standard**2)
    assert found.stipulated["hours"].basis.startswith("shift plan")
    assert "stipulated_dominates" in {note.code for note in found.findings}
    assert found.low < found.saving < found.high
    assert found.ipmvp_option == "A"


def test_option_b_wants_everything_measured() -> None:
    both = {"kw_before": BEFORE, "kw_after": AFTER}
    refused = option_b(lamps, both, {"hours": HOURS}, unit="kWh")
    assert isinstance(refused, Refusal)
    assert refused.code == "stipulated_in_b"
    hours = measured("hours", [3990.0, 4010.0, 4000.0])
    found = saving(option_b(lamps, {**both, "hours": hours}, unit="kWh"))
    assert found.stipulated_share == 0.0
    assert found.uncertainty.half_width < saving(option_a(lamps, both, {"hours": HOURS}, unit="kWh")).uncertainty.half_width  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        (Stated(4000.0, None, "shift plan"), "uncertainty_not_stated"),
        (Stated(4000.0, 400.0, " "), "uncertainty_not_stated"),
    ],
)
def test_a_stipulated_figure_without_uncertainty_or_basis_is_refused(stated: Stated, code: str) -> None:
    found = option_a(lamps, {"kw_before": BEFORE, "kw_after": AFTER}, {"hours": stated}, unit="kWh")
    assert isinstance(found, Refusal)
    assert found.code == code


def test_nothing_measured_too_little_measured_and_no_result_are_refused() -> None:
    nothing = option_a(lamps, {}, {"hours": HOURS}, unit="kWh")
    assert isinstance(nothing, Refusal)
    assert nothing.code == "nothing_measured"
    two = measured("kw", [1.0, 2.0, math.nan])
    assert isinstance(two, Refusal)
    assert isinstance(
        option_a(lamps, {"kw_before": two, "kw_after": AFTER}, {"hours": HOURS}, unit="kWh"), Refusal
    )
    zero = measured("kw", [0.0, 0.0, 0.0])
    assert isinstance(zero, Measured)
    division = option_a(lambda at: 1.0 / at["kw"], {"kw": zero}, {"hours": HOURS}, unit="kWh")
    assert isinstance(division, Refusal)
    assert division.code == "no_result"
    with pytest.raises(ConfigError, match="kw_after"):
        option_a(lamps, {"kw_before": BEFORE}, {"hours": HOURS}, unit="kWh")


@pytest.mark.parametrize(
    "formula", [lambda at: None, lambda at: (-at["k"]) ** 0.5, lambda at: math.log(-at["k"]), lambda at: math.exp(1e6 * at["k"])]
)  # fmt: skip
def test_a_formula_that_fails_is_a_reason_and_no_traceback(formula: object) -> None:
    found = option_a(formula, {"k": measured("k", [1.0, 2.0, 3.0])}, {"h": HOURS}, unit="kWh")  # type: ignore[arg-type]
    assert isinstance(found, Refusal)
    assert found.code == "no_result"


def test_identical_figures_without_an_instrument_give_no_saving() -> None:
    """Three copied figures and no meter: ± 0 would be a lie."""
    bare = {"kw": measured("kw", [5.0, 5.0, 5.0])}
    found = option_b(lambda at: 10.0 * at["kw"], bare, unit="kWh")
    assert isinstance(found, Refusal)
    assert found.code == "no_uncertainty"
    scatter = saving(
        option_b(lambda at: 10.0 * at["kw"], {"kw": measured("kw", [5.0, 5.1, 4.9, math.nan])}, unit="kWh")
    )
    assert {"instrument_not_stated", "values_left_out"} <= {note.code for note in scatter.findings}


def test_scatter_of_two_parameters_never_cancels_because_they_bear_one_name() -> None:
    same = {"kw_before": measured("kw", [10.1, 10.0, 9.9]), "kw_after": measured("kw", [10.1, 10.0, 9.9])}
    found = saving(option_b(lambda at: at["kw_before"] - at["kw_after"], same, unit="kW"))
    assert found.budget.standard == pytest.approx(math.sqrt(2.0) * 0.1 / math.sqrt(3.0))


def test_zero_and_negative_savings_say_so() -> None:
    same = saving(option_a(lamps, {"kw_before": BEFORE, "kw_after": BEFORE}, {"hours": HOURS}, unit="kWh"))
    assert same.saving == 0.0
    assert "not_significant" in {note.code for note in same.findings}
    worse = saving(option_a(lamps, {"kw_before": AFTER, "kw_after": BEFORE}, {"hours": HOURS}, unit="kWh"))
    assert worse.saving < 0.0
    assert "negative_saving" in {note.code for note in worse.findings}


def test_two_stipulated_figures_of_one_source_are_one_error() -> None:
    one = {
        "a": Stated(100.0, 10.0, "one book", source="book"),
        "b": Stated(100.0, 10.0, "one book", source="book"),
    }
    two = {"a": Stated(100.0, 10.0, "one book"), "b": Stated(100.0, 10.0, "another")}
    formula = lambda at: at["kw_before"] * (at["a"] + at["b"])  # noqa: E731
    joint = saving(option_a(formula, {"kw_before": BEFORE}, one, unit="kWh"))
    apart = saving(option_a(formula, {"kw_before": BEFORE}, two, unit="kWh"))
    assert joint.budget.standard > apart.budget.standard
    assert joint.stipulated_share > 0.5


def test_a_saved_share_becomes_a_year_only_with_a_stated_amount(boiler_pair: tuple) -> None:
    before, after, method = boiler_pair
    pair = compare_tests(before, after, method)
    assert not isinstance(pair, Refusal)
    assert isinstance(scale_to_year(pair, unit="MWh"), Refusal)
    assert isinstance(scale_to_year(pair, Stated(1000.0, None, "bills"), unit="MWh"), Refusal)
    fuel = Stated(75.0, 3.0, "fuel per tonne of steam, bills 2025", "kg/t", Distribution.NORMAL)
    steam = Stated(30_000.0, 1_500.0, "planned steam 2026", "t", Distribution.NORMAL)
    year = saving(scale_to_year(pair, fuel, steam, unit="kg"))
    assert year.saving == pytest.approx(pair.fraction * 75.0 * 30_000.0)
    relative = (pair.budget.standard / pair.fraction) ** 2 + (1.5 / 75.0) ** 2 + (750.0 / 30_000.0) ** 2
    assert year.budget.standard == pytest.approx(year.saving * math.sqrt(relative), rel=1e-6)
    assert year.stipulated_share > 0.0


def coverage(option: str, reps: int, seed: int, n: int = 3) -> float:
    """How often a nominal 90 % interval holds the truth: scatter, one class 1 meter on both sides, hours ±10 %."""
    draw = np.random.default_rng(seed)
    truth, hits = (10.0 - 4.0) * 4000.0, 0
    shared = chain()
    for _ in range(reps):
        gain = 1.0 + draw.uniform(-0.01, 0.01)
        parts = {
            "kw_before": measured(
                "kw_before", (gain * (10.0 + draw.normal(0, 0.3, n))).tolist(), chain=shared
            ),
            "kw_after": measured("kw_after", (gain * (4.0 + draw.normal(0, 0.2, n))).tolist(), chain=shared),
        }
        if option == "A":
            hours = {"hours": Stated(4000.0 + draw.uniform(-200, 200), 200.0, "plan")}
            found = option_a(lamps, parts, hours, unit="kWh")
        else:
            parts["hours"] = measured("hours", draw.normal(4000.0, 60.0, n).tolist())
            found = option_b(lamps, parts, unit="kWh")
        found = saving(found)
        hits += found.low <= truth <= found.high
    return hits / reps


@pytest.mark.parametrize("option", ["A", "B"])
def test_the_intervals_of_both_options_hold_what_they_promise(option: str) -> None:
    """500 seeded cases: nominal 90 % holds the truth in 86 to 95 %."""
    assert 0.86 <= coverage(option, 500, 5) <= 0.95


@pytest.mark.soak
@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("option", ["A", "B"])
def test_the_intervals_of_both_options_hold_it_over_3000_draws(option: str, n: int) -> None:
    assert 0.88 <= coverage(option, 3000, 6, n) <= 0.93


@pytest.mark.parametrize("amount", [0.0, -5.0, float("nan"), float("inf")])
def test_a_year_of_nothing_is_no_saving(boiler_pair: tuple[Side, Side, Method], amount: float) -> None:
    pair = compare_tests(*boiler_pair)
    assert not isinstance(pair, Refusal)
    found = scale_to_year(pair, Stated(amount, 1.0, "bills"), unit="Nm3")
    assert isinstance(found, Refusal)
    assert found.code == "amount_range"


def test_a_figure_that_is_measured_and_agreed_is_asked_about() -> None:
    """The agreed one would silently take the place of the measured one."""
    meter = measured("kw", [1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match='"kw" is both'):
        option_a(lambda at: at["kw"], {"kw": meter}, {"kw": Stated(10.0, 1.0, "plan")}, unit="kWh")


def test_a_measurement_that_the_formula_never_reads_measures_nothing() -> None:
    meter = measured("kw", [1.0, 2.0, 3.0])
    found = option_a(lambda at: at["h"], {"kw": meter}, {"h": Stated(10.0, 1.0, "plan")}, unit="kWh")
    assert isinstance(found, Refusal)
    assert found.code == "nothing_measured"


def test_text_among_values_and_numpy_divisions_give_reasons() -> None:
    with pytest.raises(DataError, match='"kw" is no number'):
        measured("kw", ["1.0", "off", "2.0"])  # type: ignore[list-item]
    meter = measured("kw", np.array([1.0, 2.0, 3.0]))  # type: ignore[arg-type]
    found = option_a(lambda at: np.float64(1.0) / np.float64(at["kw"] - 2.0), {"kw": meter}, {}, unit="kWh")
    assert isinstance(found, Refusal)
    assert found.code == "no_result"
