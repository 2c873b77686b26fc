"""An adjustment has an author, a reason and an uncertainty, and never happens by itself."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit_towt_daily
from analysis.events import (
    Entry,
    FactorChange,
    Ledger,
    StaticFactor,
    adjusted,
    adjustments,
    savings_events,
    with_indicators,
    without_excluded,
)
from analysis.portfolios import portfolio
from dodac.errors import ConfigError

EVENT = 200


def entry(**changes) -> Entry:
    given = {
        "id": "nre1", "by": "Lan", "at": "2025-01-10", "why": "second shift since July", "method": "indicator",
        "period": "reporting", "start": "2024-07-19",
    }  # fmt: skip
    return Entry(**{**given, **changes})


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0))
    assert isinstance(fitted, Model)
    return fitted


@pytest.fixture
def after(plant) -> pd.DataFrame:
    """A saving of 10 %, hidden from 19 July by a load of 150 kWh a day that is none of the measure's doing."""
    frame = plant(start="2024-01-01", days=366, seed=8, noise=30.0, saving=0.10)
    frame.iloc[EVENT:, 0] += 150.0
    return frame


@pytest.fixture
def saving(model, after) -> Savings:
    found = avoided_energy(model, after)
    assert isinstance(found, Savings)
    return found


@pytest.fixture
def decide(model, after, saving):
    """adjustments() of the saving for one or more entries."""

    def call(*entries: Entry, **options):
        return adjustments(saving, Ledger(entries), model=model, frame=after, **options)

    return call


def one(amounts):
    assert isinstance(amounts, tuple), amounts
    assert len(amounts) == 1
    return amounts[0]


def test_detection_alone_changes_no_figure(saving, decide):
    before = saving.saving
    assert savings_events(saving).events
    assert decide() == ()
    assert adjusted(saving, ()).saving == before


@pytest.mark.parametrize("missing", ["by", "at", "why", "id", "start"])
def test_an_entry_without_author_date_or_reason_is_refused(missing):
    with pytest.raises(ConfigError, match=missing):
        entry(**{missing: " "})


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "guess"},
        {"period": "later"},
        {"start": "soon"},
        {"end": "2024-01-01"},
        {"method": "engineering", "amount": 100.0},
        {"method": "submeter", "meter": "press"},
        {"confidence": 1.0},
    ],
)
def test_a_wrong_entry_says_what_is_wrong(wrong):
    with pytest.raises(ConfigError):
        entry(**wrong)


def test_an_entry_is_never_changed():
    with pytest.raises(FrozenInstanceError):
        entry().why = "other"  # type: ignore[misc]


def test_the_indicator_carries_the_error_of_the_baseline(model, after, saving, decide):
    surer = one(decide(entry()))
    unsure = replace(model, covariance=model.covariance * 400.0)
    amounts = adjustments(saving, Ledger((entry(),)), model=unsure, frame=after)
    assert one(amounts).half_width > 2.0 * surer.half_width


def test_the_indicator_gives_back_the_load_that_came(decide):
    amount = one(decide(entry()))
    truth = 150.0 * (366 - EVENT)
    assert amount.amount == pytest.approx(truth, abs=amount.half_width)
    assert amount.half_width < 0.2 * truth
    assert "Lan" in amount.en
    assert "second shift" in amount.en


def test_both_savings_stand_side_by_side_and_the_adjusted_one_is_wider(saving, decide, plant):
    amount = one(decide(entry()))
    both = adjusted(saving, (amount,))
    truth = 0.10 * float(plant(start="2024-01-01", days=366, seed=8)["energy"].sum())
    assert saving.high < truth
    assert both.low < truth < both.high
    assert both.saving == pytest.approx(saving.saving + amount.amount)
    assert both.adjusted_baseline - both.measured == pytest.approx(both.saving)
    assert both.uncertainty.half_width == pytest.approx(
        np.hypot(saving.uncertainty.half_width, amount.half_width)
    )
    assert "adjusted" in {item.code for item in both.findings}
    assert saving.adjustments == ()


def test_an_engineering_amount_brings_its_own_uncertainty(saving, decide):
    by_hand = entry(method="engineering", amount=25_000.0, half_width=5_000.0, confidence=0.68)
    both = adjusted(saving, (one(decide(by_hand)),))
    scaled = 5_000.0 * 1.6449 / 0.9945
    assert both.uncertainty.half_width == pytest.approx(
        np.hypot(saving.uncertainty.half_width, scaled), rel=1e-3
    )


def test_a_submeter_counts_only_what_it_saw(saving, decide):
    load = pd.Series(150.0, index=saving.frame.index)
    metered = entry(method="submeter", meter="shift 2", uncertainty=0.02)
    amount = one(decide(metered, submeters={"shift 2": load}))
    assert amount.amount == pytest.approx(150.0 * 166)
    assert amount.half_width == pytest.approx(0.02 * amount.amount)
    gone = entry(method="submeter", meter="shift 2", uncertainty=0.02, removed=True)
    assert one(decide(gone, submeters={"shift 2": load})).amount == pytest.approx(-150.0 * 166)
    refused = decide(metered, submeters={"shift 2": load.iloc[:-10]})
    assert isinstance(refused, Refusal)
    assert (refused.data["needed"], refused.data["there"], refused.data["missing"]) == (166, 156, 10)
    with pytest.raises(ConfigError, match="shift 2"):
        decide(metered)


def test_an_excluded_event_is_left_out_on_both_sides(model, after, decide):
    frame = without_excluded(after, Ledger((entry(method="exclude"),)), "reporting")
    assert "used" not in after.columns
    found = avoided_energy(model, frame)
    assert isinstance(found, Savings)
    assert found.intervals == EVENT
    assert found.fraction == pytest.approx(0.10, abs=0.01)
    assert decide(entry(method="exclude")) == ()


def test_an_event_in_the_baseline_gets_a_level_of_its_own(plant):
    frame = plant(noise=30.0)
    frame.iloc[100:160, 0] += 300.0
    ledger = Ledger((entry(period="baseline", start="2023-04-11", end="2023-06-09"),))
    changed, names = with_indicators(frame, ledger)
    assert names == ("event.nre1",)
    assert changed["event.nre1"].sum() == 60
    model = fit_towt_daily(changed, drivers=list(names))
    assert isinstance(model, Model)
    level = model.coefficients[model.terms.index("driver.event.nre1")]
    assert level == pytest.approx(300.0, abs=20.0)


def test_an_indicator_with_nothing_beside_it_is_refused(decide):
    refused = decide(entry(start="2024-01-01"))
    assert isinstance(refused, Refusal)
    assert refused.code == "indicator_without_comparison"


def test_what_nobody_decided_is_said(saving):
    events = savings_events(saving)
    factor = StaticFactor("shifts", "per day", 1)
    change = FactorChange("shifts", 2, "2024-07-19", "Lan")
    codes = [item.code for item in Ledger((), (factor,), (change,)).findings(events)]
    assert codes == ["static_factor_changed", "event_undecided"]
    decided = Ledger(
        (entry(method="none"),), (factor,), (FactorChange("shifts", 2, "2024-07-19", "Lan", "nre1"),)
    )
    assert decided.findings(events) == []


def test_a_ledger_that_contradicts_itself_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        Ledger((entry(), entry()))
    with pytest.raises(ConfigError, match="static factor"):
        Ledger(changes=(FactorChange("shifts", 2, "2024-07-19", "Lan"),))
    with pytest.raises(ConfigError, match="no entry"):
        Ledger((), (StaticFactor("a", "", 1),), (FactorChange("a", 2, "2024-07-19", "Lan", "x"),))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "engineering", "amount": 5000.0, "half_width": 10.0, "start": "2030-01-01"},
        {"method": "engineering", "amount": 5000.0, "half_width": 10.0, "start": "2020-01-01", "end": "2020-02-01"},
        {"method": "submeter", "meter": "x", "uncertainty": 0.01, "start": "2030-01-01"},
        {"method": "indicator", "start": "2030-01-01"},
    ],
)  # fmt: skip
def test_an_amount_for_days_outside_the_period_is_in_no_saving(decide, changes):
    refused = decide(entry(**changes))
    assert isinstance(refused, Refusal)
    assert refused.code == "decision_outside_period"
    assert "2024-01-01 to 2024-12-31" in refused.en


def test_an_adjusted_saving_keeps_its_parts_and_says_when_nothing_is_left(saving, decide):
    by_hand = entry(method="engineering", amount=50.0 - saving.saving, half_width=300.0)
    both = adjusted(saving, (one(decide(by_hand)),))
    assert isinstance(both, Savings)
    assert [(part.kind, part.id) for part in both.uncertainty.parts] == [
        ("model", saving.uncertainty.method),
        ("adjustment", "nre1"),
    ]
    assert both.uncertainty.half_width == pytest.approx(np.hypot(saving.uncertainty.half_width, 300.0))
    assert "not_significant" in {finding.code for finding in both.findings}
    # one decision about two meters is one error: its ± add
    sure = sum(2 * part.half_width for part in both.uncertainty.parts if part.kind == "adjustment")
    of_two = portfolio([both, both]).uncertainty.parts
    assert [part.half_width for part in of_two if part.kind == "adjustment"] == [pytest.approx(sure)]
    too_much = entry(method="engineering", amount=-2.0 * saving.adjusted_baseline, half_width=1.0)
    assert isinstance(adjusted(saving, (one(decide(too_much)),)), Refusal)
