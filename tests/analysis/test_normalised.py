"""Savings with models on both sides: fixed conditions, backcast, chains; and what could be shown at all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import (
    Model,
    Refusal,
    Savings,
    avoided_energy,
    fit,
    fit_towt_daily,
    memory_of,
    meter_data,
)
from analysis.fixed_conditions import chained, normalised
from analysis.planning import Detectable, months_needed, smallest_saving
from analysis.results import InstrumentPart
from analysis.savings import backcast
from dodac.errors import ConfigError, DataError


def fitted(frame) -> Model:
    found = fit_towt_daily(frame)
    assert isinstance(found, Model)
    return found


def saving(result: Savings | Refusal) -> Savings:
    assert isinstance(result, Savings), result
    return result


def codes(result: Savings) -> set[str]:
    return {finding.code for finding in result.findings}


@pytest.fixture
def before(plant):
    return plant(noise=30.0, rho=0.4)


@pytest.fixture
def after(plant):
    return plant(start="2024-01-01", seed=2, noise=30.0, rho=0.4, saving=0.10)


@pytest.fixture
def normal_year(plant):
    # no energy: nothing is measured in a normal year
    return plant(start="2022-01-01", seed=5).drop(columns="energy")


def test_a_normal_year_gives_the_saving_of_its_own_conditions(plant, before, after, normal_year):
    result = saving(normalised(fitted(before), fitted(after), normal_year))
    truth = 0.10 * float(plant(start="2022-01-01", seed=5)["energy"].sum())
    assert result.method == "normalised"
    assert result.low < truth < result.high
    assert "projected" in codes(result)
    assert {other.method for other in result.others} == {"exact"}
    assert result.frame["saving"].sum() == pytest.approx(result.saving)


def test_a_projection_holds_the_errors_of_both_models(before, after, normal_year):
    old, new = fitted(before), fitted(after)
    both = saving(normalised(old, new, normal_year)).uncertainty.half_width
    same = saving(normalised(old, old, normal_year)).uncertainty.half_width
    assert both > 0.0
    # two models of one scatter: √2 of one
    assert both == pytest.approx(same, rel=0.25)


def test_a_projection_needs_a_method_that_knows_the_parameters(before, after, normal_year):
    with pytest.raises(ConfigError, match="no method"):
        normalised(fitted(before), fitted(after), normal_year, method="g14")


def test_models_of_different_units_are_not_subtracted(before, after, normal_year):
    refused = normalised(fitted(before), replace(fitted(after), unit="m3"), normal_year)
    assert isinstance(refused, Refusal)
    assert refused.code == "units_differ"


def test_a_normal_year_beyond_either_model_is_refused(before, after, normal_year):
    normal_year["temperature"] += 30.0
    refused = normalised(fitted(before), fitted(after), normal_year)
    assert isinstance(refused, Refusal)


def test_a_backcast_finds_the_saving_from_the_other_end(before, after):
    result = saving(backcast(fitted(after), before))
    truth = 0.10 * float(before["energy"].sum())
    assert result.method == "backcast"
    assert result.low < truth < result.high
    assert result.adjusted_baseline == pytest.approx(before["energy"].sum())
    assert result.fraction == pytest.approx(0.10, abs=0.015)


def test_a_backcast_is_the_mirror_of_an_avoided_energy(before, after):
    model = fitted(after)
    there, back = saving(avoided_energy(model, before)), saving(backcast(model, before))
    assert back.saving == pytest.approx(-there.saving)
    assert back.uncertainty.half_width == pytest.approx(there.uncertainty.half_width)


def test_a_chain_over_a_middle_year_finds_the_saving(plant, before):
    middle = plant(start="2024-01-01", seed=3, noise=30.0, rho=0.4, saving=0.06)
    last = plant(start="2025-01-01", seed=4, noise=30.0, rho=0.4, saving=0.15)
    result = saving(chained(fitted(middle), before, last))
    assert result.method == "chained"
    assert result.fraction == pytest.approx(0.15, abs=0.02)
    truth = 0.15 * float(plant(start="2025-01-01", seed=4)["energy"].sum())
    assert result.low < truth < result.high
    assert result.frame["saving"].sum() == pytest.approx(result.saving)


def test_a_chain_from_the_baseline_itself_is_its_avoided_energy(before, after):
    # the model is of the baseline: E_b = Ê_b, nothing is scaled
    model = fitted(before)
    direct, chain = saving(avoided_energy(model, after)), saving(chained(model, before, after))
    assert chain.saving == pytest.approx(direct.saving, rel=1e-6)


def test_a_chain_over_unlike_meters_counts_both(plant, before, after):
    meters = [InstrumentPart("old", 0.01, 0.0), InstrumentPart("new", 0.0, 0.01)]
    with_meters = saving(chained(fitted(before), before, after, instruments=meters))
    assert {part.id for part in with_meters.uncertainty.parts} == {"exact_memory", "old", "new"}


def test_a_baseline_says_what_it_could_show(before):
    model = fitted(before)
    year, quarter = smallest_saving(model), smallest_saving(model, months=3.0)
    assert isinstance(year, Detectable)
    assert isinstance(quarter, Detectable)
    assert 0.0 < year.fraction < quarter.fraction < 0.1
    strict = smallest_saving(model, precision=0.5)
    assert isinstance(strict, Detectable)
    assert strict.amount == pytest.approx(2.0 * year.amount)


def test_what_could_be_shown_is_the_half_width_of_such_a_year(plant, before):
    model = fitted(before)
    conditions = plant(start="2024-01-01", seed=2).drop(columns="energy")
    foreseen = smallest_saving(model, conditions)
    assert isinstance(foreseen, Detectable)
    given = saving(avoided_energy(model, plant(start="2024-01-01", seed=2, noise=30.0, rho=0.4)))
    assert foreseen.half_width == pytest.approx(given.uncertainty.half_width)
    assert foreseen.months == pytest.approx(12.0, abs=0.1)


def test_small_savings_need_more_months_and_the_smallest_never_show(before):
    model = fitted(before)
    few, many = months_needed(model, 0.08), months_needed(model, 0.03)
    assert few is not None
    assert many is not None
    assert few <= many
    assert months_needed(model, 1e-4) is None
    with pytest.raises(ConfigError, match="above 0"):
        months_needed(model, 0.0)


def test_a_frozen_baseline_wants_conditions_to_plan_with(before):
    model = fitted(before)
    frozen = replace(model, residuals=None, basis=None, memory=memory_of(model))
    with pytest.raises(DataError, match="no conditions"):
        smallest_saving(frozen)
    assert isinstance(smallest_saving(frozen, before), Detectable)


def test_no_row_that_both_models_know_is_a_refusal(before, after, normal_year):
    normal_year["temperature"] = np.nan
    refused = normalised(fitted(before), fitted(after), normal_year)
    assert isinstance(refused, Refusal)
    assert refused.code == "no_reporting_days"


def test_a_plant_that_changed_within_a_model_is_told_of_its_normal_year(plant, before, normal_year):
    frame = plant(start="2024-01-01", seed=2, noise=20.0)
    frame.iloc[80:, frame.columns.get_loc("energy")] *= 1.08
    early, late = fitted(before), fitted(frame)
    for result in (normalised(early, late, normal_year), normalised(late, early, normal_year)):
        told = [finding for finding in saving(result).findings if finding.code == "strong_memory"]
        assert len(told) == 1
        assert late.start[:10] in told[0].en


@pytest.mark.parametrize("days", [30, 61])
def test_a_year_of_bills_is_a_year_however_long_a_bill_is(days):
    random = np.random.default_rng(1)
    index = pd.date_range("2020-01-01", periods=24, freq=f"{days}D")
    energy = 100.0 * days + random.normal(0.0, 30.0, 24) * days**0.5
    frame = pd.DataFrame({"energy": energy, "days": float(days)}, index=index)
    model = fit(meter_data(frame, unit="kWh", interval="bill", energy="energy"), "mean")
    assert isinstance(model, Model)
    found = smallest_saving(model)
    assert isinstance(found, Detectable)
    assert found.amount / found.fraction == pytest.approx(100.0 * 365.25, rel=0.02)
