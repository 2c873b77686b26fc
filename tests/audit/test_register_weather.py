"""Stored heat in the register: a period's first rows go on from the weather before it, where the store has it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import audit.register
from analysis import predict
from analysis.baselines.warm_start import with_weather_before
from audit import Register, VerifiedSaving
from audit.models import model_of
from audit.periods import period_frame
from dodac.errors import IntegrityError
from dodac.samples import Layout
from store import Journal, JournalStore

ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture
def heavy(tmp_path):
    """A building that remembers the weather of some days; the reporting period is ten days, half a year later."""
    days = pd.date_range("2023-01-01", "2024-07-10", tz=ZONE)
    rng = np.random.default_rng(3)
    season = 8 * np.sin(2 * np.pi * (days.day_of_year.to_numpy() - 110) / 365)
    air = 20 + season + np.cumsum(rng.normal(0, 1.5, len(days))) % 5
    slow = pd.Series(air).ewm(halflife=2).mean().to_numpy()
    use = 1000 + 40 * slow + rng.normal(0, 5, len(days))
    layouts = {
        "main": Layout("main", ("energy_interval_kwh",)),
        "weather": Layout("weather", ("temperature_c",)),
    }
    day_ns = 86_400 * 10**9

    def made(name, weather_from):
        with Journal.open(tmp_path / name) as journal:
            items = []
            for layout in layouts.values():
                journal.layout(layout)
            for day, energy, degrees in zip(days, use, air, strict=True):
                middle = day.tz_convert("UTC").as_unit("ns").value + day_ns // 2
                items.append(
                    ("t", layouts["main"].sample(middle, {"energy_interval_kwh": energy}, span_ns=day_ns))
                )
                if f"{day:%Y-%m-%d}" < "2024-01-01" or f"{day:%Y-%m-%d}" >= weather_from:
                    items.append(
                        ("t", layouts["weather"].sample(middle, {"temperature_c": degrees}, span_ns=day_ns))
                    )
            journal.commit(items)
        return JournalStore(tmp_path / name)

    return made


@pytest.fixture
def plan(plan):
    return replace(plan, model="towt-daily-smoothed", reporting=("2024-07-01", "2024-07-10"), blackout=None)


def verified_in(register, option, plan, store):
    register.add_option(option)
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    found = register.verify(plan.id, store)
    assert isinstance(found, VerifiedSaving), found
    return found


def test_the_first_rows_of_a_period_know_the_weather_before_it(
    heavy, register, option, plan, tmp_path, clock
):
    with heavy("whole.db", "2024-01-01") as store:
        found = verified_in(register, option, plan, store)
        year = period_frame(store, plan, ("2024-01-01", "2024-07-10"))
        model = with_weather_before(model_of(register.baselines()[0]), year["temperature"].iloc[:1])
        expected = predict(model, year)[plan.reporting[0] :].sum()
        assert found.adjusted_baseline == pytest.approx(expected, rel=2e-4)
        assert register.case(found.id, store).verified == found
        assert register.verify(plan.id, store) == found
    assert len(found.weather_before) == 64
    assert "weather_before_unknown" not in [finding.code for finding in found.findings]
    with heavy("short.db", "2024-07-01") as store:
        guessed = verified_in(Register(tmp_path / "other.db", clock), option, plan, store)
    assert guessed.weather_before == ""
    assert "weather_before_unknown" in [finding.code for finding in guessed.findings]
    assert abs(guessed.adjusted_baseline / expected - 1) > abs(found.adjusted_baseline / expected - 1)


def test_a_saving_verified_without_it_is_computed_again_as_it_was(heavy, register, option, plan, monkeypatch):
    with heavy("whole.db", "2024-01-01") as store:
        with monkeypatch.context() as old:
            old.setattr(audit.register, "warmed", lambda model, *_: (model, ""))
            found = verified_in(register, option, plan, store)
        assert register.case(found.id, store).verified == found
        anew = register.verify(plan.id, store)
    assert (anew.id, anew.weather_before != "") == ("trim-plan-s2", True)


def test_weather_that_changed_since_is_found(heavy, register, option, plan):
    with heavy("whole.db", "2024-01-01") as store:
        found = verified_in(register, option, plan, store)
    with (
        heavy("gap.db", "2024-06-25") as store,
        pytest.raises(IntegrityError, match="the weather before 2024-07-01"),
    ):
        register.case(found.id, store)
