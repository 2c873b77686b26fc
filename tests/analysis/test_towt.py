"""The baseline model: what it recovers, what it leaves out and says, what it refuses."""

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Refusal, design, fit_towt_daily, predict
from analysis.baselines._towt_columns import knots, occupied_weekdays, segments_of
from dodac.errors import DataError


def fitted(result: Model | Refusal) -> Model:
    assert isinstance(result, Model), result
    return result


def codes(model: Model) -> list[str]:
    return [finding.code for finding in model.findings]


def test_a_plant_that_follows_the_model_is_recovered(plant):
    model = fitted(fit_towt_daily(plant()))
    assert model.statistics.r2 > 0.999
    assert model.settings["occupied"] == [0, 1, 2, 3, 4, 5]
    assert (model.start, model.end) == ("2023-01-01", "2023-12-31")
    assert model.findings == ()


def test_the_blocks_are_the_same_as_two_regressions_apart(plant):
    frame = plant(noise=30.0)
    model = fitted(fit_towt_daily(frame))
    weekday = frame.index.day_of_week.to_numpy()
    t, y = frame["temperature"].to_numpy(), frame["energy"].to_numpy()
    edges = knots(t, 6, 20)
    apart = np.empty(len(y))
    for group in (range(6), range(6, 7)):
        mine = np.isin(weekday, list(group))
        matrix = np.column_stack(
            [segments_of(t[mine], edges), *[(weekday[mine] == day).astype(float) for day in group]]
        )
        apart[mine] = matrix @ np.linalg.lstsq(matrix, y[mine], rcond=None)[0]
    np.testing.assert_allclose(predict(model, frame), apart, rtol=1e-9)


def test_knots_part_the_days_into_equal_counts():
    days = np.arange(1.0, 121.0)
    # 120 days at 1…120 in 6 segments of 20
    assert knots(days, 6, 1) == [20.0, 40.0, 60.0, 80.0, 100.0]
    # 20 days lie above 100, only 19 below 20: that knot goes
    assert knots(days, 6, 20) == [40.0, 60.0, 80.0, 100.0]
    assert knots(days, 6, 30) == [40.0, 60.0, 80.0]
    assert len(knots(np.arange(1.0, 31.0), 6, 20)) == 1


def test_segments_add_up_to_the_temperature():
    t = np.array([-5.0, 3.0, 12.0, 20.0, 31.0])
    np.testing.assert_allclose(segments_of(t, [0.0, 10.0, 25.0]).sum(axis=1), t)


def test_a_weekday_is_occupied_when_the_plain_line_gives_too_little_on_it():
    weekday = np.tile(np.arange(7), 52)
    t = np.full(364, 14.0) + np.linspace(-3, 3, 364)
    y = np.where(weekday < 5, 100.0, 20.0)
    assert occupied_weekdays(t, y, weekday, 0.65) == [0, 1, 2, 3, 4]


def test_production_counts_as_a_driver(plant):
    frame = plant(production=True, noise=5.0)
    without = fitted(fit_towt_daily(frame))
    model = fitted(fit_towt_daily(frame, drivers=["tonnes"]))
    per_tonne = model.coefficients[model.terms.index("driver.tonnes")]
    assert per_tonne == pytest.approx(6.0, abs=0.15)
    assert model.statistics.cv_rmse < without.statistics.cv_rmse / 3


def test_tet_has_its_own_level_and_does_not_pull_the_working_days(plant):
    frame = plant()
    frame["day_type"] = "normal"
    tet = frame.index[(frame.index >= "2023-01-19") & (frame.index < "2023-01-29")]
    frame.loc[tet, "day_type"] = "tet"
    frame.loc[tet, "energy"] = 150.0
    model = fitted(fit_towt_daily(frame, day_type="day_type"))
    np.testing.assert_allclose(predict(model, frame)[tet], 150.0, atol=15.0)
    monday = frame[(frame.index.day_of_week == 0) & (frame["day_type"] == "normal")]
    np.testing.assert_allclose(predict(model, monday), monday["energy"], atol=5.0)


def test_a_rare_day_type_is_merged_and_said(plant):
    frame = plant()
    frame["day_type"] = "normal"
    frame.loc[frame.index[[0, 120, 121, 245]], "day_type"] = "holiday"
    frame.loc[frame.index[[20, 21]], "day_type"] = "tet"
    model = fitted(fit_towt_daily(frame, day_type="day_type"))
    assert codes(model) == ["few_special_days"]
    assert model.findings[0].data == {"day_type": "tet", "days": 2, "into": "holiday"}


def test_days_with_a_gap_are_left_out_and_counted(plant):
    frame = plant(noise=20.0)
    frame["used"] = True
    frame.iloc[10, frame.columns.get_loc("energy")] = np.nan
    frame.iloc[11, frame.columns.get_loc("energy")] = np.inf
    frame.iloc[12, frame.columns.get_loc("used")] = False
    frame.iloc[12, frame.columns.get_loc("energy")] = 1e9
    model = fitted(fit_towt_daily(frame))
    assert model.statistics.n == 362
    assert model.findings[0].data == {"left_out": 3, "days": 365}
    assert model.statistics.r2 > 0.9


def test_half_a_year_is_no_baseline_unless_asked_for(plant):
    frame = plant(days=168)
    refused = fit_towt_daily(frame)
    assert isinstance(refused, Refusal)
    assert refused.data == {"needed": 330, "days": 168, "missing": 162}
    assert "330" in refused.en
    assert "168" in refused.vi
    model = fitted(fit_towt_daily(frame, allow_short=True))
    assert codes(model) == ["short_baseline", "months_missing"]


@pytest.mark.parametrize(("value", "code"), [(0.0, "all_zero"), (812.5, "constant")])
def test_a_meter_that_never_moves_gives_no_baseline(plant, value, code):
    frame = plant()
    frame["energy"] = value
    refused = fit_towt_daily(frame)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_a_meter_that_counts_backwards_is_refused(plant):
    frame = plant(noise=5.0)
    frame["energy"] *= -1.0
    refused = fit_towt_daily(frame)
    assert isinstance(refused, Refusal)
    assert refused.code == "not_consumed"


def test_as_many_terms_as_days_is_refused(plant):
    frame = plant(days=35, noise=5.0)
    names = [f"driver_{number}" for number in range(35)]
    frame[names] = np.random.default_rng(4).normal(size=(35, 35))
    refused = fit_towt_daily(frame, drivers=names, allow_short=True)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many_terms"


@pytest.mark.parametrize("days", [0, 1, 29])
def test_a_few_days_are_never_a_baseline(plant, days):
    refused = fit_towt_daily(plant(days=days, noise=5.0), allow_short=True)
    assert isinstance(refused, Refusal)
    assert refused.data == {"needed": 30, "days": days, "missing": 30 - days}


def test_nothing_but_special_days_is_refused(plant):
    frame = plant()
    frame["day_type"] = "holiday"
    refused = fit_towt_daily(frame, day_type="day_type")
    assert isinstance(refused, Refusal)
    assert refused.code == "no_normal_days"


def test_a_column_that_says_nothing_new_is_named_and_dropped(plant):
    frame = plant(production=True, noise=10.0)
    frame["kilograms"] = 1000.0 * frame["tonnes"]
    model = fitted(fit_towt_daily(frame, drivers=["tonnes", "kilograms"]))
    assert "driver.kilograms" not in model.terms
    (finding,) = model.findings
    assert finding.code == "collinear"
    assert finding.data["terms"] == "driver.kilograms"
    assert np.isfinite(model.covariance).all()


def test_one_temperature_all_year_still_gives_weekday_levels(plant):
    frame = plant()
    frame["temperature"] = 27.0
    model = fitted(fit_towt_daily(frame))
    assert codes(model) == ["collinear"]
    assert set(model.terms) >= {"weekday.monday", "weekday.sunday"}


def _text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(energy=["12,5"] + ["7"] * (len(frame) - 1))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_text, "not numbers"),
        (lambda frame: frame.iloc[::-1], "not in order"),
        (lambda frame: pd.concat([frame, frame.iloc[-1:]]), "more than once"),
        (lambda frame: frame.drop(columns="temperature"), 'no column "temperature"'),
        (lambda frame: frame.reset_index(drop=True), "no dates"),
        (lambda frame: frame.set_axis([pd.NaT, *frame.index[1:]]), "no date"),
    ],
)
def test_a_table_that_is_no_daily_data_is_refused_in_words(plant, spoil, words):
    with pytest.raises(DataError, match=words):
        fit_towt_daily(spoil(plant()))


def test_numbers_read_as_objects_are_still_numbers(plant):
    frame = plant(noise=10.0)
    same = fitted(fit_towt_daily(frame.astype(object)))
    np.testing.assert_allclose(same.coefficients, fitted(fit_towt_daily(frame)).coefficients)


def test_a_weekday_the_baseline_never_had_is_not_predicted(plant):
    frame = plant()
    model = fitted(fit_towt_daily(frame[frame.index.day_of_week != 6], min_days=300))
    expected = frame.index.day_of_week == 6
    np.testing.assert_array_equal(np.isnan(predict(model, frame).to_numpy()), expected)
    np.testing.assert_array_equal(np.isnan(design(model, frame)).any(axis=1), expected)


def test_a_prediction_is_never_below_zero(plant):
    frame = plant()
    model = fitted(fit_towt_daily(frame))
    frame["temperature"] = -500.0
    assert (predict(model, frame) >= 0.0).all()


def test_memory_is_counted_between_neighbouring_days_only(plant):
    frame = plant(noise=40.0, rho=0.8, seed=3)
    whole = fitted(fit_towt_daily(frame)).statistics.rho
    assert 0.55 < whole < 0.9
    # every other day left out: no neighbours, so nothing is known of the memory
    frame["used"] = np.arange(len(frame)) % 2 == 0
    assert fitted(fit_towt_daily(frame, allow_short=True)).statistics.rho == 0.0


def test_summer_time_does_not_break_the_row_of_days(plant):
    model = fitted(fit_towt_daily(plant(zone="Europe/Berlin", noise=40.0, rho=0.8, seed=3)))
    same = fitted(fit_towt_daily(plant(zone="UTC", noise=40.0, rho=0.8, seed=3)))
    assert model.statistics.rho == pytest.approx(same.statistics.rho)
