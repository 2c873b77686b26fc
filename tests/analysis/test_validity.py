"""A programme's thresholds are data with a source, judged for any model, and never mixed up."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import Model, Savings, avoided_energy, fit, fit_towt_daily, meter_data
from analysis._linear import fit_linear
from analysis._tables import rows_of, table
from analysis.significance import f_test, f_upper_tail, p_values
from analysis.validity import baseline_days, profiles, validity
from dodac.errors import ConfigError


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0, production=True), drivers=["tonnes"])
    assert isinstance(fitted, Model)
    return fitted


def line(x: np.ndarray, y: np.ndarray, name: str = "tonnes") -> Model:
    """A model of months with one driver."""
    fitted = fit_linear(np.column_stack([np.ones(len(x)), x]), y)
    settings: dict[str, object] = {"drivers": [name], "temperature": None, "ranges": {}}
    return Model(
        "regression", "kWh", ("intercept", f"driver.{name}"), fitted.coefficients, fitted.covariance,
        fitted.statistics, settings, "2023-01-01", "2023-12-01", interval="month",
    )  # fmt: skip


def rule(verdict, statistic: str):
    return next(rule for rule in verdict.rules if rule.statistic == statistic)


@pytest.mark.parametrize(
    ("variables", "critical"), [(1, 3.2850), (2, 3.0065), (3, 2.9238), (4, 2.9605), (5, 3.1075)]
)
def test_f_critical_values_are_those_lbnl_prints_for_twelve_months(variables, critical):
    # https://enpilite.lbl.gov/valid-model-requirements, p = 0.10
    assert f_upper_tail(critical, variables, 12 - variables - 1) == pytest.approx(0.10, abs=2e-5)


def test_f_with_one_variable_is_the_square_of_its_t():
    random = np.random.default_rng(3)
    x = random.normal(50.0, 8.0, 12)
    fitted = line(x, 100.0 + 2.0 * x + random.normal(0.0, 20.0, 12))
    f, p = f_test(fitted)
    t = fitted.coefficients[1] / np.sqrt(fitted.covariance[1, 1])
    assert f == pytest.approx(t**2)
    assert p == pytest.approx(p_values(fitted)["tonnes"])


def test_sep_refuses_a_driver_that_explains_nothing_and_takes_one_that_does():
    random = np.random.default_rng(4)
    x, noise = random.normal(50.0, 8.0, 12), random.normal(0.0, 5.0, 12)
    assert validity(line(x, 100.0 + 2.0 * x + noise), "sep").passed
    nothing = validity(line(x, 100.0 + noise), "sep")
    assert not nothing.passed
    assert {found.statistic for found in nothing.failed} >= {"f_p", "largest_p", "r2"}
    falling = validity(line(x, 900.0 - 2.0 * x + noise), "sep")
    assert falling.passed  # a negative slope is said, and is no reason to fail
    assert rule(falling, "negative_slopes").passed is False
    assert "validity_note" in {found.code for found in falling.findings()}


def test_r2_is_a_note_where_evo_says_it_is_no_test(model):
    weak = replace(model, statistics=replace(model.statistics, r2=0.2))
    assert rule(validity(weak, "ipmvp"), "r2").note
    assert "r2" not in {found.statistic for found in validity(weak, "ipmvp").failed}
    assert not [found for found in validity(weak, "dodac").rules if found.statistic == "r2"]


@pytest.mark.parametrize(("months", "limit"), [(6, 0.20), (12, 0.25), (60, 0.25), (72, 0.30)])
def test_guideline_14_limits_go_by_the_length_of_the_reporting_period(model, months, limit):
    verdict = validity(model, "ashrae14", reporting_months=months)
    assert rule(verdict, "cv_rmse").limit == limit
    assert len([found for found in verdict.rules if found.statistic == "cv_rmse"]) == 1


def test_limits_of_simulations_are_never_held_against_a_regression(model):
    assert not [name for name in profiles() if "simulation" in name]
    with pytest.raises(ConfigError, match="simulations"):
        validity(model, "ashrae14-simulation-hourly")


def test_a_rule_about_the_saving_waits_for_the_saving(plant, model):
    verdict = validity(model, "ashrae14-performance")
    assert rule(verdict, "fsu_68").passed is None
    assert "not judged" in verdict.rules[0].en
    assert verdict.passed is None
    after = plant(start="2024-01-01", seed=2, noise=30.0, production=True, saving=0.1)
    saving = avoided_energy(model, after)
    assert isinstance(saving, Savings)
    judged = rule(validity(model, "ashrae14-performance", savings=saving), "fsu_68")
    assert judged.passed is True
    # 68 % of Student's t is about 0.6 of the 90 % half width
    assert judged.value == pytest.approx(
        saving.uncertainty.half_width / saving.saving * 0.9957 / 1.6491, rel=0.01
    )
    assert rule(validity(model, "ipmvp", savings=saving), "two_se").passed is True
    none = avoided_energy(model, plant(start="2024-01-01", seed=2, noise=30.0, production=True))
    assert isinstance(none, Savings)
    assert not validity(model, "dodac", savings=none).passed


def test_a_bad_building_fails_dodacs_default_with_value_limit_and_source(model):
    bad = replace(model, statistics=replace(model.statistics, cv_rmse=0.41))
    verdict = validity(bad)
    assert not verdict.passed
    (failed,) = verdict.failed
    assert (failed.value, failed.limit) == (0.41, 0.25)
    assert failed.source
    assert failed.en == "CV(RMSE) 41.0 % fails (≤ 25.0 %)."
    assert failed.vi == "CV(RMSE) 41,0 % không đạt (≤ 25,0 %)."
    assert validity(bad, "caltrack").passed


def test_limits_only_remembered_say_so(model):
    assert "remembered" in {found.code for found in validity(model, "ashrae14").findings()}
    assert "remembered" not in {found.code for found in validity(model, "sep").findings()}
    assert all(row["source"] and row["checked"] for row in table("validity"))


def test_a_plants_own_profile_is_judged_like_the_others(model):
    own = rows_of(
        '[table]\ntaken = 2026-01-01\nsource = "contract 12/2026"\nchecked = "agreed"\n'
        '[[rows]]\nprofile = "contract"\nstatistic = "cv_rmse"\nop = "<"\nlimit = 0.001\n',
        "own.toml",
    )
    assert not validity(model, "contract", rows=own).passed
    with pytest.raises(ConfigError, match="contract"):
        validity(model, "contract")
    with pytest.raises(ConfigError, match='Did you mean "sep"'):
        validity(model, "sepp")


@pytest.mark.parametrize("profile", profiles())
def test_every_profile_judges_every_model_without_a_fault(profile, model, plant):
    short = fit_towt_daily(plant(days=60, noise=200.0), allow_short=True)
    assert isinstance(short, Model)
    for one in (model, short):
        verdict = validity(one, profile)
        assert all(found.en and found.vi for found in verdict.rules)
    assert not validity(short).passed


def test_days_of_baseline_are_days_for_every_interval(model):
    assert baseline_days(model) == 365.0
    hours = replace(model, interval="hour", statistics=replace(model.statistics, n=8760))
    assert baseline_days(hours) == 365.0
    months = replace(model, interval="month", statistics=replace(model.statistics, n=12))
    assert baseline_days(months) == pytest.approx(365.25)


def test_a_perfect_fit_is_no_division_by_zero():
    x = np.arange(12.0)
    perfect = line(x, 3.0 * x + 1.0)
    assert f_test(perfect)[1] < 1e-6
    assert validity(perfect, "sep").passed


def test_kinds_without_a_driver_or_with_a_balance_point_are_judged_by_what_they_have(plant):
    frame = plant(noise=30.0, production=True)
    nothing = fit(meter_data(frame, unit="kWh", interval="day"), "mean")
    assert isinstance(nothing, Model)
    assert p_values(nothing) == {}
    assert validity(nothing, "sep").passed is False
    assert validity(nothing, "ipmvp").passed is None
    data = meter_data(frame, unit="kWh", interval="day", temperature="temperature", drivers=["tonnes"])
    cooling = fit(data, "3p-cooling")
    assert isinstance(cooling, Model)
    slope = cooling.terms.index("cooling")
    t = cooling.coefficients[slope] / np.sqrt(cooling.covariance[slope, slope])
    n, p = cooling.statistics.n, cooling.statistics.p
    assert p_values(cooling)["temperature"] == pytest.approx(f_upper_tail(t**2, 1, n - p))
