"""Each quarter stands for itself, with its own uncertainty, and is never multiplied."""

import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit_towt_daily, meter_data
from analysis.monitor import persistence
from dodac.errors import ConfigError


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0))
    assert isinstance(fitted, Model)
    return fitted


def test_the_quarters_add_up_to_the_year_and_each_is_less_sure(plant, model):
    frame = plant(start="2024-01-01", days=366, seed=8, noise=30.0, saving=0.1)
    year = avoided_energy(model, frame)
    assert isinstance(year, Savings)
    found = persistence(model, meter_data(frame, unit="kWh", interval="day", temperature="temperature"))
    assert [part.name for part in found.parts] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    assert all(part.whole for part in found.parts)
    quarters = [part.saving for part in found.parts]
    assert all(isinstance(one, Savings) for one in quarters)
    assert sum(one.saving for one in quarters) == pytest.approx(year.saving)
    for one in quarters:
        assert one.fraction == pytest.approx(0.1, abs=0.02)
        assert one.uncertainty.half_width / one.saving > year.uncertainty.half_width / year.saving
        assert "partial_year" in {item.code for item in one.findings}
    assert found.findings == ()


def test_a_half_year_in_part_is_named_as_such(plant, model):
    frame = plant(start="2024-02-10", days=200, seed=2, noise=30.0, saving=0.1)
    found = persistence(model, frame, by="half")
    assert [(part.name, part.whole) for part in found.parts] == [("2024-H1", False), ("2024-H2", False)]


def test_a_saving_that_does_not_last_is_said(plant, model):
    frame = plant(start="2024-01-01", days=366, seed=2, noise=30.0, saving=0.1)
    frame.iloc[274:] = plant(start="2024-01-01", days=366, seed=2, noise=30.0, saving=0.03).iloc[274:]
    (finding,) = persistence(model, frame).findings
    assert finding.code == "not_persistent"
    assert finding.data["last"] == "2024-Q4"


def test_a_quarter_without_data_is_a_refusal_among_the_others(plant, model):
    frame = plant(start="2024-01-01", days=366, seed=2, noise=30.0, saving=0.1)
    frame.iloc[91:182, 0] = float("nan")
    parts = persistence(model, frame).parts
    assert isinstance(parts[1].saving, Refusal)
    assert isinstance(parts[0].saving, Savings)


def test_another_division_is_named(plant, model):
    with pytest.raises(ConfigError, match="quarter or half"):
        persistence(model, plant(), by="week")
