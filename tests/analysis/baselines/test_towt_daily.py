"""What the daily baseline can have beyond the peer's: stored heat, days worked in exchange, categories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import KINDS, Model, day_types, design, fit, fit_towt_daily, meter_data, predict
from analysis.baselines._hours import smoothed
from dodac.errors import ConfigError


def fitted(found: object) -> Model:
    assert isinstance(found, Model), found
    return found


def heavy(plant, **options):
    """The plant of conftest whose cooling follows a temperature smoothed over 48 hours."""
    frame = plant(noise=10.0, **options)
    felt = smoothed(frame["temperature"].to_numpy(), frame.index, 48.0, 86_400)
    work = frame.index.day_of_week.to_numpy() < 6
    frame["energy"] += np.where(work, 60.0, 10.0) * np.maximum(felt - 25.0, 0.0)
    return frame


def test_stored_heat_is_chosen_by_left_out_blocks_and_predicts_the_next_year_better(plant):
    frame, after = heavy(plant), heavy(plant, seed=2)
    model = fitted(fit_towt_daily(frame, smoothing_h=(0, 24, 48, 96)))
    assert model.settings["smoothing_h"] == 48.0
    plain = fitted(fit_towt_daily(frame))
    errors = [
        float(np.sqrt(np.mean((after["energy"] - predict(each, after)) ** 2))) for each in (model, plain)
    ]
    assert errors[0] < 0.6 * errors[1]
    assert any(term.startswith("occupied.smoothed_") for term in model.terms)


def test_a_light_plant_keeps_the_plain_model(plant):
    frame = plant(noise=20.0)
    model = fitted(fit_towt_daily(frame, smoothing_h=(0, 24, 48)))
    plain = fitted(fit_towt_daily(frame))
    assert model.settings["smoothing_h"] == 0.0
    assert model.terms == plain.terms
    np.testing.assert_array_equal(model.coefficients, plain.coefficients)


def test_the_kind_with_stored_heat_tries_several_time_constants(plant):
    data = meter_data(heavy(plant), unit="kWh", interval="day", temperature="temperature")
    model = fitted(fit(data, "towt-daily-smoothed"))
    assert model.kind == "towt-daily-smoothed"
    assert set(model.settings["smoothing_tried"]) == {"0", "24", "48", "72"}
    assert KINDS["towt-daily-smoothed"].vi
    np.testing.assert_allclose(
        design(model, data.frame) @ model.coefficients, data.y - model.residuals, rtol=1e-9
    )


def test_stored_heat_needs_no_whole_row_of_days(plant):
    frame = heavy(plant)
    frame.loc[frame.index[100:104], "temperature"] = np.nan
    model = fitted(fit_towt_daily(frame, smoothing_h=48.0))
    assert model.statistics.n == 361
    assert np.isnan(predict(model, frame)).sum() == 4


def test_a_weekend_day_worked_in_exchange_counts_as_a_working_day(plant):
    frame = plant(noise=10.0)
    frame["day_type"] = "normal"
    sundays = frame.index[frame.index.day_of_week == 6][10:12]
    frame.loc[sundays, "day_type"] = "make_up"
    frame.loc[sundays, "energy"] += 600.0
    model = fitted(fit_towt_daily(frame, day_type="day_type"))
    assert model.findings == ()
    assert not any("make_up" in term for term in model.terms)
    after = plant(seed=2)
    after["day_type"] = np.where(after.index.day_of_week == 6, "make_up", "normal")
    assert predict(model, after).min() > 900.0


def test_an_operating_mode_has_its_level_beside_the_day_type(plant):
    frame = plant(noise=10.0)
    frame["day_type"] = day_types(pd.DatetimeIndex(frame.index), "VN")
    frame["mode"] = np.where(np.arange(365) % 3 == 0, "two lines", "one line")
    frame["energy"] += 300.0 * (frame["mode"] == "two lines")
    data = meter_data(
        frame, unit="kWh", interval="day", temperature="temperature", categories=["mode", "day_type"]
    )
    model = fitted(fit(data, "towt-daily"))
    found = dict(zip(model.terms, model.coefficients, strict=True))
    assert found["driver.mode.two lines"] == pytest.approx(300.0, abs=12.0)
    assert model.settings["day_type"] == "day_type"
    strange = frame.assign(mode="three lines")
    assert np.isnan(predict(model, strange)).all()


@pytest.mark.parametrize("hours", [-1.0, (), 500.0])
def test_a_time_constant_that_makes_no_sense_is_refused_in_words(plant, hours):
    with pytest.raises(ConfigError, match="smoothing_h"):
        fit_towt_daily(plant(), smoothing_h=hours)


def test_china_names_the_days_it_works_in_exchange():
    # General Office of the State Council: arrangements of public holidays 2015, 2016 and 2017
    days = pd.date_range("2015-01-01", "2017-12-31")
    types = day_types(days, "CN", make_up=True)
    worked = [f"{day:%Y-%m-%d}" for day in days[types == "make_up"]]
    assert worked == [
        *("2015-01-04", "2015-02-15", "2015-02-28", "2015-09-06", "2015-10-10"),
        *("2016-02-06", "2016-02-14", "2016-06-12", "2016-09-18", "2016-10-08", "2016-10-09"),
        *("2017-01-22", "2017-02-04", "2017-04-01", "2017-05-27", "2017-09-30"),
    ]
    assert (days[types == "make_up"].day_of_week >= 5).all()
    assert "make_up" not in set(day_types(days, "CN"))
    # the weekdays off in exchange are holidays
    assert types["2016-02-12"] == types["2017-05-29"] == "holiday"


@pytest.mark.parametrize("as_type", [int, bool, str, float])
def test_a_shift_by_number_or_truth_has_its_level_and_is_no_day_type(plant, as_type):
    frame = plant(noise=10.0)
    night = np.arange(len(frame)) % 3 == 0
    frame["energy"] += 200.0 * night
    frame["day_type"] = "normal"
    frame["night"] = pd.Series(night.astype(int), index=frame.index).astype(as_type)
    data = meter_data(
        frame, unit="kWh", interval="day", temperature="temperature", categories=["night", "day_type"]
    )
    model = fitted(fit(data, "towt-daily"))
    assert model.settings["day_type"] == "day_type"
    (term,) = (place for place, name in enumerate(model.terms) if name.startswith("driver.night."))
    assert abs(model.coefficients[term]) == pytest.approx(200.0, rel=0.05)
    alone = meter_data(frame, unit="kWh", interval="day", temperature="temperature", categories=["night"])
    assert fitted(fit(alone, "towt-daily")).settings["day_type"] is None


def test_settings_have_the_keys_that_every_kind_has(plant):
    settings = fitted(fit_towt_daily(plant())).settings
    assert settings["categories"] == []
    assert settings["levels"] == settings["merged"] == {}
    older = {key: settings[key] for key in settings if key not in ("categories", "levels", "merged")}
    frame = plant(seed=4)
    np.testing.assert_array_equal(
        design(replace(fitted(fit_towt_daily(plant())), settings=older), frame),
        design(fitted(fit_towt_daily(plant())), frame),
    )


@pytest.mark.parametrize("seed", range(5))
def test_working_days_that_differ_by_chance_alone_share_their_slopes(plant, seed):
    frame = heavy(plant, seed=seed + 10)
    frame["energy"] += np.random.default_rng(seed).normal(0.0, 60.0, len(frame))
    data = meter_data(frame, unit="kWh", interval="day", temperature="temperature")
    # by the line, chance picks a few of the six; their slopes then serve Sundays too
    assert fitted(fit(data, "towt-daily-smoothed")).settings["occupied"] == [0, 1, 2, 3, 4, 5]


def test_a_rule_for_occupied_days_that_is_none_is_told(plant):
    with pytest.raises(ConfigError, match="occupied"):
        fit_towt_daily(plant(), occupied="busy")


def test_days_on_both_sides_of_a_gap_are_no_neighbours(plant):
    frame = plant()
    frame.iloc[100:104, frame.columns.get_loc("energy")] = np.nan
    model = fitted(fit_towt_daily(frame.drop(index=frame.index[200])))
    assert model.follows is not None
    assert int(np.sum(~model.follows)) == 2
