"""A threshold is met on its own side and on no other: models a hair to each side of every published limit."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Savings, Uncertainty, avoided_energy, fit, meter_data
from analysis._tables import rows_of, table
from analysis.results import FitStatistics
from analysis.validity import profiles, validity
from dodac.errors import ConfigError

ROWS = [row for row in table("validity") if row.get("applies_to") != "simulation"]
HAIR = 1e-6


def t_tail_two(t: float, dof: int) -> float:
    """P(|T| > t) by adding up the density: no code in common with analysis._student."""
    # x = tan(u) makes the tail finite: ∫ f(x) dx = ∫ f(tan u)/cos² u du
    u = np.linspace(math.atan(t), math.pi / 2 - 1e-9, 20_001)
    x = np.tan(u)
    log = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - 0.5 * math.log(dof * math.pi)
    density = np.exp(log - (dof + 1) / 2 * np.log1p(x * x / dof)) / np.cos(u) ** 2
    return 2.0 * float(np.trapezoid(density, u))


@cache
def t_of_p(p: float, dof: int) -> float:
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail_two(middle, dof) > p else (low, middle)
    return low


def model(
    n=12, p=2, *, t=30.0, r2=0.9, cv=0.05, nmbe=0.0, rho=0.0, slope=1.0, interval="month", extra=None
) -> Model:
    """One driver whose t is t (and a second of t = extra); the statistics as given."""
    terms = ("intercept", "driver.tonnes") + (("driver.shifts",) if extra is not None else ())
    ts = [30.0, t, *([extra] if extra is not None else [])]
    drivers = ["tonnes", "shifts"][: len(terms) - 1]
    return Model(
        "regression", "kWh", terms, np.array([1.0, slope, 1.0])[: len(terms)],
        np.diag([1.0 / value**2 for value in ts]),
        FitStatistics(n, p, r2, r2, 1.0, cv, nmbe, rho),
        {"drivers": drivers, "temperature": None}, "2023-01-01", "2023-12-31", interval=interval,
    )  # fmt: skip


def saving(ratio: float, *, half: float = 10.0, dof: float = 10.0, months: int = 12) -> Savings:
    """A saving of ratio · half width at 90 %; dof of the model above."""
    index = pd.date_range("2024-01-01", periods=months, freq="MS")
    return Savings(
        "avoided", "kWh", "2024-01-01", str(index[-1].date()), 1000.0, 1000.0 - ratio * half, ratio * half,
        Uncertainty("exact", 0.9, half, dof + 2.0, "here"), (), months, 0, (), pd.DataFrame(index=index),
    )  # fmt: skip


def of_value(statistic: str, value: float) -> tuple[Model, Savings | None]:
    """A model (and saving) whose statistic has that value, by formulas of its own."""
    match statistic:
        case "cv_rmse":
            return model(cv=value), None
        case "abs_nmbe":
            return model(nmbe=-value), None
        case "r2":
            return model(r2=value), None
        case "baseline_days":
            return model(n=round(value), interval="day"), None
        case "independent_per_term":
            # n′ = n(1 − ρ)/(1 + ρ) = value · p
            ratio = value * 2 / 365
            return model(n=365, rho=(1 - ratio) / (1 + ratio), interval="day"), None
        case "f_p":  # one variable: F = t², R² = F/(F + dof)
            f = t_of_p(value, 10) ** 2
            return model(r2=f / (f + 10)), None
        case "largest_p":
            return model(n=13, p=3, extra=t_of_p(value, 10)), None
        case "smallest_p":
            return model(t=t_of_p(value, 10)), None
        case "t_smallest":
            return model(n=13, p=3, extra=value), None
        case "negative_slopes":
            return model(slope=-1.0 if value > 0 else 1.0), None
        case "fsu":
            return model(), saving(1.0 / value)
        case "fsu_68":  # half width at 68 % is t68/t90 of that at 90 %
            return model(), saving(t_of_p(0.32, 10) / t_of_p(0.10, 10) / value)
        case "two_se":
            return model(), saving(value / t_of_p(0.10, 10))
    raise AssertionError(f"no model for {statistic}: add one")


def verdict_of(row, value: float):
    made, saved = of_value(row["statistic"], value)
    months = row.get("months_min", 6)
    found = validity(made, row["profile"], savings=saved, reporting_months=months)
    return next(rule for rule in found.rules if rule.statistic == row["statistic"])


def inside(row) -> tuple[float, float]:
    """Values just on the good and just on the bad side of a row's limit."""
    limit = float(row["limit"])
    step = 1.0 if row["statistic"] in ("baseline_days", "negative_slopes") else max(HAIR, 3e-5 * limit)
    down, up = limit - step, limit + step
    return (down, up) if row["op"] in ("<", "<=") else (up, down)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['profile']}-{row['statistic']}-{row['limit']}")
def test_a_model_a_hair_inside_a_limit_passes_and_one_a_hair_outside_fails(row):
    good, bad = inside(row)
    assert verdict_of(row, good).passed is True
    failed = verdict_of(row, bad)
    assert failed.passed is False
    assert failed.value == pytest.approx(bad, rel=2e-5, abs=1e-9)
    # who reads it sees why: the value is never printed like its limit
    shown = failed.en.removesuffix(").").split(" fails (")
    assert shown[0].split()[-1 if "%" not in shown[0] else -2] != shown[1].split()[1], failed.en


@pytest.mark.parametrize("row", [row for row in ROWS if row["statistic"] in ("cv_rmse", "abs_nmbe", "r2", "baseline_days")],
    ids=lambda row: f"{row['profile']}-{row['statistic']}-{row['limit']}",
)  # fmt: skip
def test_the_limit_itself_is_judged_as_its_source_writes_it(row):
    assert verdict_of(row, float(row["limit"])).passed is (row["op"] in ("<=", ">="))


def test_sep_wants_p_below_its_limits_and_not_at_them():
    # enpilite.lbl.gov/valid-model-requirements: "less than 0.10", "less than 0.2"
    ops = {row["statistic"]: row["op"] for row in ROWS if row["profile"] == "sep"}
    assert (ops["f_p"], ops["largest_p"], ops["smallest_p"]) == ("<", "<", "<")


def test_a_saving_of_nothing_is_not_larger_than_twice_its_error():
    for none in (0.0, -5.0):
        found = validity(model(), "ipmvp", savings=saving(none))
        rule = next(rule for rule in found.rules if rule.statistic == "two_se")
        assert (rule.passed, found.passed) == (False, False)
    zero = validity(model(), "dodac", savings=saving(0.0))
    (said,) = [found for found in zero.findings() if found.data.get("statistic") == "fsu"]
    assert said.data["value"] == "∞"  # data of findings go into JSON, which has no infinity


def test_twelve_monthly_readings_are_twelve_months():
    index = pd.date_range("2022-01-01", periods=24, freq="MS")
    random = np.random.default_rng(5)
    tonnes = random.uniform(50.0, 100.0, 24)
    frame = pd.DataFrame(
        {"energy": 1000 + 20 * tonnes + random.normal(0, 10, 24), "tonnes": tonnes}, index=index
    )
    data = [
        meter_data(part, unit="kWh", interval="month", drivers=["tonnes"])
        for part in (frame[:12], frame[12:])
    ]
    fitted = fit(data[0], "regression")
    assert isinstance(fitted, Model)
    year = avoided_energy(fitted, data[1])
    assert isinstance(year, Savings)
    limit = next(
        rule for rule in validity(fitted, "ashrae14", savings=year).rules if rule.statistic == "cv_rmse"
    ).limit
    assert limit == 0.25  # 12 to 60 months; 0.20 is for less


@pytest.mark.parametrize(
    ("interval", "start", "last", "rows", "limit"),
    [
        ("day", "2024-01-01", "2024-12-30", 365, 0.25),
        ("day", "2024-01-01", "2024-11-30", 335, 0.20),
        ("hour", "2024-01-01", "2024-12-31", 8784, 0.25),
        ("week", "2024-01-01", "2024-12-23", 52, 0.25),
        ("bill", "2024-01-05", "2024-12-06", 12, 0.25),
        ("month", "2024-01-01", "2024-11-01", 11, 0.20),
        ("month", "2024-01-01", "2028-12-01", 60, 0.25),
        ("month", "2024-01-01", "2029-01-01", 61, 0.30),
    ],
)
def test_the_length_of_the_period_is_counted_for_every_interval(interval, start, last, rows, limit):
    made = replace(saving(3.0), start=start, end=last, frame=pd.DataFrame(index=range(rows)))
    found = validity(model(interval=interval), "ashrae14", savings=made)
    assert next(rule for rule in found.rules if rule.statistic == "cv_rmse").limit == limit


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('statistic = "cvrmse"\nop = "<"\nlimit = 0.2', "statistic"),
        ('statistic = "cv_rmse"\nop = "=<"\nlimit = 0.2', "op"),
        ('statistic = "cv_rmse"\nop = "<"', "limit"),
        ('statistic = "cv_rmse"\nop = "<"\nlimit = "a fifth"', "limit"),
    ],
)
def test_a_plants_own_profile_with_a_slip_says_where(line, message):
    own = rows_of(
        f'[[rows]]\nprofile = "own"\n{line}\nsource = "contract"\nchecked = "agreed"\ntaken = 2026-01-01\n',
        "own.toml",
    )
    with pytest.raises(ConfigError, match=message):
        validity(model(), "own", rows=own)


def test_every_statistic_that_a_table_may_use_can_be_judged():
    own = rows_of(
        '[[rows]]\nprofile = "own"\nstatistic = "n_per_term"\nop = ">="\nlimit = 6\n'
        'source = "contract"\nchecked = "agreed"\ntaken = 2026-01-01\n', "own.toml"
    )  # fmt: skip
    assert validity(model(n=12, p=2), "own", rows=own).passed
    assert not validity(model(n=11, p=2), "own", rows=own).passed


@pytest.mark.parametrize("profile", profiles())
def test_a_remembered_limit_is_said_in_both_languages_and_a_read_one_is_not(profile):
    remembered = [row for row in ROWS if row["profile"] == profile and row["checked"] == "remembered"]
    said = [
        found
        for found in validity(model(), profile, reporting_months=12).findings()
        if found.code == "remembered"
    ]
    assert bool(said) == bool(remembered)
    assert all(found.en and found.vi for found in said)
