"""A saving that fades is told with date and size; one that lasts raises an alarm as rarely as stated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit_towt_daily
from analysis.monitor import Watch, watch_energy, watch_saving
from dodac.errors import ConfigError


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0, rho=0.3))
    assert isinstance(fitted, Model)
    return fitted


def after(plant, fade_from: int | None = None, lost: float = 0.06, **changes) -> pd.DataFrame:
    """A year with a saving of 10 %; from a day on only 10 % less `lost`."""
    options = {"start": "2024-01-01", "days": 366, "seed": 2, "noise": 30.0, "rho": 0.3, **changes}
    frame = plant(**{**options, "saving": 0.10})
    if fade_from is not None:
        less = plant(**{**options, "saving": 0.10 - lost})
        frame.iloc[fade_from:] = less.iloc[fade_from:]
    return frame


def saving(model, frame) -> Savings:
    found = avoided_energy(model, frame)
    assert isinstance(found, Savings)
    return found


def watched(savings: Savings, **options) -> Watch:
    found = watch_saving(savings, **options)
    assert isinstance(found, Watch), found
    return found


def test_a_saving_that_fades_is_told_since_when_and_how_much(plant, model):
    found = watched(saving(model, after(plant, fade_from=200)))
    assert found.alarm
    assert 0 <= (pd.Timestamp(found.alarm_at) - pd.Timestamp("2024-07-19")).days <= 40
    assert abs((pd.Timestamp(found.since) - pd.Timestamp("2024-07-19")).days) <= 15
    assert found.share == pytest.approx(0.6, abs=0.25)
    (finding,) = found.findings
    assert finding.code == "saving_fades"
    assert found.since in finding.vi


def test_the_reference_is_no_evidence_against_itself(plant, model):
    frame = after(plant)
    # three weeks of the reference without any saving: the usual one is lower for it, and later ones lie above
    frame.iloc[35:56, 0] /= 0.9
    found = watched(saving(model, frame), model=model)
    assert not found.alarm
    assert not found.chart.frame[["low", "high"]].iloc[:60].any(axis=None)


def test_a_saving_that_lasts_raises_no_alarm(plant, model):
    found = watched(saving(model, after(plant)))
    assert not found.alarm
    assert found.findings == ()
    assert found.delay < 60


def test_with_its_baseline_an_alarm_is_not_moved_by_later_data(plant, model):
    frame = after(plant, fade_from=200)
    early = watched(saving(model, frame.iloc[:300]), model=model)
    late = watched(saving(model, frame), model=model)
    assert early.alarm
    assert abs((pd.Timestamp(early.alarm_at) - pd.Timestamp(late.alarm_at)).days) <= 3
    assert not watched(saving(model, after(plant)), model=model).alarm


def test_a_reference_too_short_says_how_much_is_missing(plant, model):
    short = watch_saving(saving(model, after(plant).iloc[:40]))
    assert isinstance(short, Refusal)
    assert (short.data["needed"], short.data["there"], short.data["missing"]) == (61, 40, 21)


def test_without_a_saving_there_is_nothing_to_watch(plant, model):
    none = plant(start="2024-01-01", days=366, seed=2, noise=30.0, rho=0.3, saving=-0.02)
    refused = watch_saving(saving(model, none))
    assert isinstance(refused, Refusal)
    assert refused.code == "nothing_to_watch"


def synthetic(years: int, rho: float, seed: int, fraction: float = 0.1) -> Savings:
    """A saving of 10 % of 1 000 a day in AR(1) noise of sd 50, made directly."""
    random = np.random.default_rng(seed)
    n = 365 * years
    error = random.normal(size=n)
    for place in range(1, n):
        error[place] = rho * error[place - 1] + np.sqrt(1.0 - rho**2) * error[place]
    expected = 1000.0 + 100.0 * np.sin(np.arange(n) * 2 * np.pi / 365.0)
    gone = fraction * expected + 50.0 * error
    frame = pd.DataFrame(
        {"measured": expected - gone, "adjusted_baseline": expected, "saving": gone, "cumulative": gone.cumsum(),
         "used": True},
        index=pd.date_range("2024-01-01", periods=n, freq="D"),
    )  # fmt: skip
    return replace(_EMPTY, frame=frame)


_EMPTY = Savings(
    "avoided",
    "kWh",
    "2024-01-01",
    "2024-12-31",
    1.0,
    1.0,
    0.0,
    None,
    (),
    0,
    0,
    (),
    pd.DataFrame(),  # type: ignore[arg-type]
)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_false_alarms_come_no_more_often_than_stated(rho):
    alarms = sum(watched(synthetic(1, rho, seed)).alarm for seed in range(40))
    assert alarms <= 10  # 0.1 a year stated: 3 to 4 expected of 40 years


@pytest.mark.soak
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.8])
def test_the_stated_rate_of_false_alarms_is_kept_over_many_years(rho):
    found = [watch_saving(synthetic(1, rho, seed)) for seed in range(500)]
    assert sum(isinstance(one, Watch) for one in found) >= 490
    assert sum(isinstance(one, Watch) and one.alarm for one in found) / 500 <= 0.13


def test_hours_and_months_are_watched_as_days_are(plant):
    whole = synthetic(3, 0.3, 3)
    frame = whole.frame.copy()
    frame.iloc[600:, frame.columns.get_loc("measured")] += 80.0
    monthly = frame[["measured", "adjusted_baseline", "saving"]].resample("MS").sum()
    monthly["used"] = True
    by_month = watched(replace(whole, frame=monthly), lost_share=0.5)
    assert by_month.alarm
    assert by_month.interval == "month"
    assert by_month.since[:7] in ("2025-07", "2025-08", "2025-09", "2025-10")
    hours = pd.date_range("2024-01-01", periods=24 * 365, freq="h")
    hourly = pd.DataFrame({"adjusted_baseline": 40.0, "measured": 36.0, "used": True}, index=hours)
    hourly["measured"] += np.random.default_rng(1).normal(0.0, 2.0, len(hours))
    hourly.iloc[24 * 200 :, 1] += 3.0
    by_hour = watched(replace(whole, frame=hourly))
    assert by_hour.interval == "day"
    assert abs((pd.Timestamp(by_hour.since) - pd.Timestamp("2024-07-19")).days) <= 5


def test_energy_that_leaves_its_baseline_is_told_with_its_direction(plant, model):
    new = plant(start="2024-01-01", days=200, seed=4, noise=30.0, rho=0.3)
    calm = watch_energy(model, new)
    assert isinstance(calm, Watch)
    assert not calm.alarm
    for sign in (1.0, -1.0):
        moved = new.copy()
        moved.iloc[100:, 0] += sign * 100.0
        found = watch_energy(model, moved)
        assert isinstance(found, Watch)
        assert found.alarm
        assert found.change == pytest.approx(sign * 100.0, abs=30.0)
        assert abs((pd.Timestamp(found.since) - pd.Timestamp("2024-04-10")).days) <= 10
        assert ("more" if sign > 0 else "less") in found.findings[0].en


def test_nothing_measured_is_refused(plant, model):
    blank = plant(start="2024-01-01", days=50)
    blank["energy"] = np.nan
    assert isinstance(watch_energy(model, blank), Refusal)


@pytest.mark.parametrize("wrong", [{"false_per_year": 0.0}, {"lost_share": 1.5}])
def test_a_rate_or_share_that_makes_no_sense_is_named(wrong, plant, model):
    with pytest.raises(ConfigError):
        watch_saving(saving(model, after(plant)), **wrong)


@pytest.mark.soak
@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.13), (0.5, 0.13), (0.9, 0.13)])
def test_a_plant_that_did_not_change_is_seldom_said_to_have_left_its_baseline(plant, rho, most):
    alarms = 0
    for seed in range(0, 300, 2):
        fitted = fit_towt_daily(plant(seed=seed, noise=50.0, rho=rho))
        new = plant(start="2024-01-01", seed=seed + 1, noise=50.0, rho=rho)
        found = watch_energy(fitted, new)
        alarms += isinstance(found, Watch) and found.alarm
    assert alarms / 150 <= most
