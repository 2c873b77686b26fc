"""Charts alarm as rarely as they say, also when the noise remembers."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.monitor import cusum, decision_interval, ewma_chart, individuals_chart, mean_run_length
from dodac.errors import ConfigError


def noise(n: int, rho: float, seed: int) -> np.ndarray:
    shocks = np.random.default_rng(seed).normal(size=n)
    found = np.empty(n)
    found[0] = shocks[0]
    for place in range(1, n):
        found[place] = rho * found[place - 1] + math.sqrt(1.0 - rho**2) * shocks[place]
    return found


def days(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.date_range("2024-01-01", periods=len(values), freq="D"))


@pytest.mark.parametrize(
    ("k", "h", "shift", "published"),
    [(0.5, 5.0, 0.0, 930.0), (0.5, 4.0, 0.0, 336.0), (0.5, 5.0, 1.0, 10.4), (0.5, 4.0, 1.0, 8.38)],
)
def test_run_lengths_are_near_the_published_ones(k, h, shift, published):
    # two-sided ARL 465/168 at shift 0 is one-sided 930/336 (Montgomery; NIST handbook 6.3.2.3.1, h = 4 and 5)
    assert mean_run_length(k, h, shift) == pytest.approx(published, rel=0.03)


def test_the_decision_interval_gives_the_run_length_asked_for():
    for k in (0.1, 0.25, 0.5, 1.0):
        for wanted in (50.0, 370.0, 3650.0):
            assert mean_run_length(k, decision_interval(k, wanted)) == pytest.approx(wanted, rel=1e-6)
    assert mean_run_length(1.0, 500.0) == math.inf
    with pytest.raises(ConfigError):
        decision_interval(0.0, 100.0)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_a_cusum_alarms_no_more_often_than_it_says(rho):
    x = noise(40_000, rho, 5)
    chart = cusum(days(x[:10]), target=0.0, sd=1.0, rho=rho, shift=1.0, mean_run=400.0)
    high, alarms = 0.0, 0
    for value in x.tolist():
        high = max(0.0, high + value - chart.reference)
        if high > chart.decision:
            alarms, high = alarms + 1, 0.0
    assert len(x) / max(alarms, 1) > 300.0


def test_the_sums_are_pages_and_gaps_are_passed_over():
    values = days(np.array([1.0, 3.0, np.nan, 2.0, -9.0]))
    chart = cusum(values, target=1.0, sd=1.0, shift=1.0, mean_run=100.0)
    assert chart.reference == pytest.approx(0.5)
    assert chart.frame["high"].tolist() == pytest.approx([0.0, 1.5, 1.5, 2.0, 0.0])
    assert chart.frame["low"].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 9.5])
    assert chart.frame["alarm"].tolist() == [False, False, False, False, True]


def test_the_v_mask_raises_the_same_alarms():
    x = noise(400, 0.0, 9)
    x[250:] += 1.0
    chart = cusum(days(x), target=0.0, sd=1.0, shift=1.0, mean_run=1000.0)
    lead, slope = chart.v_mask
    assert lead * slope == pytest.approx(chart.decision)
    total = np.concatenate([[0.0], np.cumsum(x)])
    # an arm is left behind when some earlier sum lies further away than h + k for each interval between
    steps = np.arange(len(total))
    reach = np.abs(total[:, None] - total[None, :]) - slope * (steps[:, None] - steps[None, :])
    masked = [bool(np.any(reach[end, :end] > lead * slope)) for end in range(1, len(total))]
    assert masked.index(True) == int(np.flatnonzero(chart.frame["alarm"])[0])


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_ewma_limits_hold_what_a_normal_value_holds(rho):
    chart = ewma_chart(days(noise(60_000, rho, 3)), target=0.0, sd=1.0, rho=rho, weight=0.2, width=2.0)
    assert float(chart.frame["out"].mean()) == pytest.approx(0.0455, abs=0.01)
    blind = ewma_chart(days(noise(60_000, rho, 3)), target=0.0, sd=1.0, weight=0.2, width=2.0)
    assert (
        rho == 0.0 or float(blind.frame["out"].mean()) > 0.15
    )  # limits that know no memory alarm all the time


def test_individuals_name_what_is_out():
    values = noise(100, 0.3, 4)
    values[60] = 8.0
    chart = individuals_chart(days(values), target=0.0, sd=1.0)
    assert [day[:10] for day in chart.out] == ["2024-03-01"]


@pytest.mark.parametrize("wrong", [{"sd": 0.0}, {"sd": math.nan}, {"width": -1.0}])
def test_limits_of_nothing_are_refused(wrong):
    with pytest.raises(ConfigError):
        individuals_chart(days(np.zeros(3)), **{"target": 0.0, "sd": 1.0, **wrong})
    with pytest.raises(ConfigError):
        ewma_chart(days(np.zeros(3)), target=0.0, sd=1.0, weight=0.0)


def test_a_target_that_may_be_wrong_raises_no_alarm_for_its_own_error():
    off = pd.Series(np.full(400, 0.3))
    options = {"target": 0.0, "sd": 1.0, "shift": 0.4, "mean_run": 1000.0}
    assert cusum(off, **options).frame["alarm"].any()
    told = cusum(off, **options, target_error=0.3)
    assert not told.frame["alarm"].any()
    assert told.decision == pytest.approx(cusum(off, **options).decision)
