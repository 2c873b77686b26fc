"""What meters and adjustments add to a saving's uncertainty, and sums over many savings."""

import math
from dataclasses import replace

import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit_towt_daily
from analysis._student import t_two_sided
from analysis.portfolios import portfolio
from analysis.results import Adjustment, InstrumentPart
from dodac.errors import ConfigError, DataError

Z90 = 1.6448536


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0, rho=0.3))
    assert isinstance(fitted, Model)
    return fitted


@pytest.fixture
def after(plant):
    return plant(start="2024-01-01", seed=2, noise=30.0, rho=0.3, saving=0.10)


def saving(result: Savings | Refusal) -> Savings:
    assert isinstance(result, Savings), result
    return result


def parts(result: Savings) -> dict[str, float]:
    return {part.id: part.half_width for part in result.uncertainty.parts}


def test_the_same_meter_before_and_after_scales_the_saving_and_no_more(model, after):
    alone = saving(avoided_energy(model, after))
    whole = saving(avoided_energy(model, after, instruments=[InstrumentPart("meter", 0.005, 0.005)]))
    assert parts(whole)["meter"] == pytest.approx(Z90 * 0.005 * alone.saving)
    assert whole.uncertainty.half_width == pytest.approx(
        math.hypot(alone.uncertainty.half_width, Z90 * 0.005 * alone.saving)
    )
    # the usual mistake: √2 · class · energy
    assert parts(whole)["meter"] < 0.1 * math.sqrt(2.0) * Z90 * 0.005 * alone.measured


def test_another_meter_after_the_works_counts_on_the_energy(model, after):
    instruments = [InstrumentPart("old", 0.005, 0.0), InstrumentPart("new", 0.0, 0.005)]
    whole = saving(avoided_energy(model, after, instruments=instruments))
    assert parts(whole)["old"] == pytest.approx(Z90 * 0.005 * whole.adjusted_baseline)
    assert parts(whole)["new"] == pytest.approx(Z90 * 0.005 * whole.measured)
    assert whole.instruments["old"] > 0.0 > whole.instruments["new"]


def test_two_parts_of_one_source_are_one_error(model, after):
    split = [InstrumentPart("ct", 0.004, 0.0), InstrumentPart("ct", 0.0, 0.004)]
    together = [InstrumentPart("ct", 0.004, 0.004)]
    first = saving(avoided_energy(model, after, instruments=split))
    assert first.uncertainty == saving(avoided_energy(model, after, instruments=together)).uncertainty


def test_a_source_known_from_few_readings_is_expanded_with_t(model, after):
    whole = saving(avoided_energy(model, after, instruments=[InstrumentPart("lab", 0.0, 0.01, dof=4.0)]))
    assert parts(whole)["lab"] == pytest.approx(t_two_sided(0.9, 4) * 0.01 * whole.measured)


def test_every_method_holds_the_instruments(model, after):
    plain = saving(avoided_energy(model, after))
    whole = saving(avoided_energy(model, after, instruments=[InstrumentPart("new", 0.0, 0.02)]))
    for without, with_meter in zip(plain.others, whole.others, strict=True):
        assert with_meter.half_width > without.half_width


def test_a_meter_error_that_is_no_number_is_refused(model, after):
    with pytest.raises(ConfigError, match="no number"):
        avoided_energy(model, after, instruments=[InstrumentPart("meter", math.nan, 0.0)])


def test_an_adjustment_moves_the_saving_and_widens_it(model, after):
    plain = saving(avoided_energy(model, after))
    event = Adjustment(
        "line-4", 5000.0, 1200.0, "A fourth line runs since March.", "Dây chuyền 4 chạy từ tháng 3."
    )
    result = saving(avoided_energy(model, after, adjustments=[event]))
    assert result.saving == pytest.approx(plain.saving + 5000.0)
    assert result.adjusted_baseline == pytest.approx(plain.adjusted_baseline + 5000.0)
    assert result.uncertainty.half_width == pytest.approx(math.hypot(plain.uncertainty.half_width, 1200.0))
    assert result.adjustments == (event,)
    assert "adjusted" in {finding.code for finding in result.findings}


def test_an_adjustment_without_uncertainty_is_refused(model, after):
    with pytest.raises(ConfigError, match="no amount with an uncertainty"):
        avoided_energy(model, after, adjustments=[Adjustment("x", 5000.0, math.nan, "", "")])


def test_a_portfolio_of_independent_savings_adds_in_quadrature(model, after):
    one = saving(avoided_energy(model, after))
    total = portfolio([one] * 4)
    assert total.saving == pytest.approx(4 * one.saving)
    assert total.uncertainty.half_width == pytest.approx(2 * one.uncertainty.half_width)
    assert total.relative_uncertainty == pytest.approx(one.uncertainty.half_width / one.saving / 2)
    assert total.fraction == pytest.approx(one.fraction)


def test_savings_on_one_baseline_do_not_thin_its_error_out(model, after):
    first, second = (saving(avoided_energy(model, part)) for part in (after[:180], after[180:]))
    apart, together = portfolio([first, second]), portfolio([first, second], shared=[(0, 1)])
    wanted = first.uncertainty.half_width + second.uncertainty.half_width
    assert together.uncertainty.half_width == pytest.approx(wanted)
    # the whole year at once lies between the two
    whole = saving(avoided_energy(model, after)).uncertainty.half_width
    assert apart.uncertainty.half_width < whole < together.uncertainty.half_width
    assert [finding.code for finding in apart.findings] == ["models_independent"]
    assert [finding.code for finding in together.findings] == ["models_shared"]
    three = portfolio([first, second, saving(avoided_energy(model, after))], shared=[(0, 1)])
    assert three.uncertainty.half_width == pytest.approx(math.hypot(wanted, whole))
    assert [finding.code for finding in three.findings] == ["models_shared", "models_independent"]


@pytest.mark.parametrize("shared", [[(0, 2)], [(0, 1), (1,)], [(-1, 0)]])
def test_a_group_of_members_that_are_not_there_is_refused(model, after, shared):
    one = saving(avoided_energy(model, after))
    with pytest.raises(ConfigError, match="shared"):
        portfolio([one, one], shared=shared)


def test_one_reference_meter_for_all_is_not_averaged_away(model, after):
    shared = [InstrumentPart("reference", 0.01, 0.01)]
    own = [[InstrumentPart(f"meter-{place}", 0.01, 0.01)] for place in range(9)]
    together = portfolio([saving(avoided_energy(model, after, instruments=shared)) for _ in range(9)])
    apart = portfolio([saving(avoided_energy(model, after, instruments=each)) for each in own])
    of = {part.id: part.half_width for part in together.uncertainty.parts}
    assert of["reference"] == pytest.approx(Z90 * 0.01 * together.saving)
    assert together.uncertainty.half_width > apart.uncertainty.half_width


def test_sums_over_units_or_confidences_are_refused(model, after):
    one = saving(avoided_energy(model, after))
    with pytest.raises(DataError, match="different units"):
        portfolio([one, replace(one, unit="m3")])
    with pytest.raises(ConfigError, match="different confidences"):
        portfolio([one, saving(avoided_energy(model, after, confidence=0.8))])
    with pytest.raises(DataError, match="no saving"):
        portfolio([])
