"""Avoided energy: the known saving comes back, days are never made up, doubt is said."""

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, Savings, avoided_energy, fit, fit_towt_daily, meter_data
from analysis.results import InstrumentPart
from dodac.errors import ConfigError


def saving(result: Savings | Refusal) -> Savings:
    assert isinstance(result, Savings), result
    return result


def codes(result: Savings) -> set[str]:
    return {finding.code for finding in result.findings}


@pytest.fixture
def model(plant) -> Model:
    fitted = fit_towt_daily(plant(noise=30.0, rho=0.3))
    assert isinstance(fitted, Model)
    return fitted


def after(plant, **changes):
    return plant(start="2024-01-01", seed=2, noise=30.0, rho=0.3, **{"saving": 0.10, **changes})


def test_a_known_saving_lies_inside_its_interval(plant, model):
    result = saving(avoided_energy(model, after(plant)))
    truth = 0.10 * float(after(plant, saving=0.0)["energy"].sum())
    assert result.low < truth < result.high
    assert result.fraction == pytest.approx(0.10, abs=0.01)
    assert result.intervals == 365
    assert result.excluded == 0


def test_the_frame_adds_up_to_the_totals(plant, model):
    result = saving(avoided_energy(model, after(plant)))
    frame = result.frame
    assert frame["saving"].sum() == pytest.approx(result.saving)
    assert frame["cumulative"].iloc[-1] == pytest.approx(result.saving)
    assert result.adjusted_baseline - result.measured == pytest.approx(result.saving)


def test_a_day_with_a_gap_is_left_out_on_both_sides(plant, model):
    frame = after(plant)
    frame.iloc[5:15, frame.columns.get_loc("energy")] = np.nan
    frame["used"] = True
    frame.iloc[20, frame.columns.get_loc("used")] = False
    result = saving(avoided_energy(model, frame))
    assert (result.intervals, result.excluded) == (354, 11)
    assert "days_left_out" in codes(result)
    whole = saving(avoided_energy(model, after(plant)))
    left_out = [*range(5, 15), 20]
    assert result.saving == pytest.approx(whole.saving - whole.frame["saving"].iloc[left_out].sum())


def test_every_method_is_given_beside_the_chosen_one(plant, model):
    usual = saving(avoided_energy(model, after(plant)))
    by_g14 = saving(avoided_energy(model, after(plant), method="g14"))
    assert usual.uncertainty.method == "exact_memory"
    assert {other.method for other in usual.others} == {"exact", "g14", "sun_baltazar"}
    assert by_g14.uncertainty in usual.others
    assert all(method.source for method in (usual.uncertainty, *usual.others))


def test_more_confidence_is_a_wider_interval(plant, model):
    widths = [
        saving(avoided_energy(model, after(plant), confidence=share)).uncertainty.half_width
        for share in (0.68, 0.9, 0.95)
    ]
    assert widths == sorted(widths)


def test_a_saving_smaller_than_its_uncertainty_says_so(plant, model):
    assert "not_significant" in codes(saving(avoided_energy(model, after(plant, saving=0.0))))
    assert "not_significant" not in codes(saving(avoided_energy(model, after(plant))))


def test_a_quarter_is_not_a_year(plant, model):
    result = saving(avoided_energy(model, after(plant, days=90)))
    assert "partial_year" in codes(result)


def test_weather_beyond_the_baseline_is_graded(plant, model):
    frame = after(plant)
    hottest = model.settings["ranges"]["temperature"][1]
    frame.iloc[:10, frame.columns.get_loc("temperature")] = hottest + 0.5
    assert "extrapolation_moderate" in codes(saving(avoided_energy(model, frame)))
    frame.iloc[:60, frame.columns.get_loc("temperature")] = hottest + 0.5
    assert "extrapolation_severe" in codes(saving(avoided_energy(model, frame)))
    frame["temperature"] += 20.0
    refused = avoided_energy(model, frame)
    assert isinstance(refused, Refusal)
    assert refused.code == "extrapolation"


def test_weather_beyond_the_baseline_widens_the_exact_interval(plant, model):
    frame = after(plant)
    usual = saving(avoided_energy(model, frame))
    frame.iloc[:100, frame.columns.get_loc("temperature")] = model.settings["ranges"]["temperature"][1] + 2.0
    hot = saving(avoided_energy(model, frame))
    assert hot.uncertainty.half_width > 1.1 * usual.uncertainty.half_width


def test_tet_in_one_period_only_is_told(plant):
    before, now = plant(noise=10.0), after(plant)
    for frame in (before, now):
        frame["day_type"] = "normal"
    before.iloc[20:30, before.columns.get_loc("day_type")] = "tet"
    with_tet = fit_towt_daily(before, day_type="day_type")
    assert isinstance(with_tet, Model)
    result = saving(avoided_energy(with_tet, now))
    assert [f.data for f in result.findings if f.code == "tet_in_one_period"] == [{"only": "baseline"}]
    before["day_type"], now["day_type"] = "normal", "normal"
    now.iloc[40:50, now.columns.get_loc("day_type")] = "tet"
    without = fit_towt_daily(before, day_type="day_type")
    assert isinstance(without, Model)
    result = saving(avoided_energy(without, now))
    assert codes(result) >= {"tet_in_one_period", "unknown_days"}
    assert result.excluded == 10


def test_a_reporting_period_without_a_day_is_refused(plant, model):
    frame = after(plant)
    frame["used"] = False
    refused = avoided_energy(model, frame)
    assert isinstance(refused, Refusal)
    assert refused.code == "no_reporting_days"


def test_an_unknown_method_or_confidence_is_said(plant, model):
    with pytest.raises(ConfigError, match="no method"):
        avoided_energy(model, after(plant), method="magic")
    with pytest.raises(ConfigError, match="confidence"):
        avoided_energy(model, after(plant), confidence=90.0)


def test_some_days_far_beyond_the_baseline_are_refused_by_their_mean(plant, model):
    frame = after(plant)
    hottest = model.settings["ranges"]["temperature"][1]
    frame.iloc[:150, frame.columns.get_loc("temperature")] = hottest + 100.0
    refused = avoided_energy(model, frame)
    assert isinstance(refused, Refusal)
    assert refused.code == "extrapolation"


def test_a_year_has_twelve_months_and_a_quarter_three(plant, model):
    for days, months in ((365, 12), (91, 3), (10, 1)):
        result = saving(avoided_energy(model, after(plant).iloc[:days]))
        widths = {other.method: other.half_width for other in result.others}
        factor = -0.00024 * months**2 + 0.03535 * months + 1.00286
        assert widths["sun_baltazar"] / widths["g14"] == pytest.approx(factor / 1.26)


def test_a_wide_interval_says_why_and_what_to_do(plant):
    # the plant changes by 8 % within the baseline: no driver of the model knows it
    frame = plant(noise=20.0)
    frame.iloc[80:, frame.columns.get_loc("energy")] *= 1.08
    model = fit_towt_daily(frame)
    assert isinstance(model, Model)
    for parts in ((), (InstrumentPart("meter", 0.1, 0.0),)):
        result = saving(avoided_energy(model, after(plant), instruments=parts))
        (found,) = [finding for finding in result.findings if finding.code == "strong_memory"]
        assert float(found.data["wider"]) > 1.5
        assert "the plant changed within the period: look for events" in found.en
        assert "hãy tìm sự kiện" in found.vi
        assert model.start[:10] in found.en


def test_a_baseline_of_white_noise_has_nothing_to_say_of_memory(plant, model):
    assert not {"strong_memory", "few_rows", "no_memory"} & codes(saving(avoided_energy(model, after(plant))))


def test_a_dozen_months_say_that_they_can_not_show_a_memory():
    random = np.random.default_rng(4)
    months = pd.date_range("2023-01-01", periods=36, freq="MS")
    frame = pd.DataFrame({"energy": 1000.0 + random.normal(0.0, 20.0, 36)}, index=months)
    for rows, told in ((12, True), (24, False)):
        data = meter_data(frame[:rows], unit="kWh", interval="month", energy="energy")
        model = fit(data, "mean")
        assert isinstance(model, Model)
        found = saving(avoided_energy(model, frame[24:]))
        assert ("few_rows" in codes(found)) is told
        assert "strong_memory" not in codes(found)


def test_days_near_zero_make_no_saving_out_of_nothing():
    # a plant of six days on, two off, that turn through the week: on days off the line runs below zero on cold days;
    # zeros in their place lifted the baseline by 3 %
    def year(start: str, turn: int, random: np.random.Generator) -> pd.DataFrame:
        days = np.arange(365) + turn
        warm = 26.0 + 5.0 * np.cos(np.arange(365) / 58.0) + random.normal(0.0, 1.5, 365)
        work = days % 8 < 6
        energy = np.where(
            work, 1000.0 + 25.0 * np.maximum(warm - 24.0, 0.0) + random.normal(0.0, 40.0, 365), 15.0
        )
        frame = {"energy": energy, "temperature": warm, "shift": days % 8}
        return pd.DataFrame(frame, index=pd.date_range(start, periods=365, freq="D"))

    shares = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        both = [
            meter_data(
                year(start, turn, random),
                unit="kWh",
                interval="day",
                temperature="temperature",
                categories=["shift"],
            )
            for start, turn in (("2023-01-01", 0), ("2024-01-01", 3))
        ]
        found = avoided_energy(fit(both[0], "towt-daily"), both[1])
        assert isinstance(found, Savings)
        assert "below_zero" in {finding.code for finding in found.findings}
        assert found.low < 0.0 < found.high
        shares.append(found.fraction)
    assert abs(float(np.mean(shares))) < 0.004


def test_a_period_within_the_baselines_own_time_says_so(plant, model):
    inside = avoided_energy(model, plant(noise=30.0, rho=0.3))
    after = avoided_energy(model, plant(start="2024-01-01", seed=2, noise=30.0, rho=0.3))
    before = avoided_energy(model, plant(start="2021-01-01", seed=3, noise=30.0, rho=0.3))
    found = [
        {finding.code for finding in one.findings} & {"overlaps_own_model", "periods_in_wrong_order"}
        for one in (inside, after, before)
    ]
    assert found == [{"overlaps_own_model"}, set(), {"periods_in_wrong_order"}]
