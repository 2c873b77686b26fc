"""Every kind of baseline on data that meters really send: a reason or a right answer, never a traceback or NaN."""

import numpy as np
import pandas as pd
import pytest

from analysis import (
    KINDS,
    Interval,
    Model,
    Refusal,
    Savings,
    avoided_energy,
    design,
    fit,
    meter_data,
    predict,
)
from dodac.errors import DodacError


def interval_of(kind: str) -> Interval:
    intervals = KINDS[kind].intervals
    return Interval.DAY if Interval.DAY in intervals else Interval.HOUR


def good(interval: Interval, days: int = 365, seed: int = 3) -> pd.DataFrame:
    """A plant with weather, production and day types; hourly or daily."""
    random = np.random.default_rng(seed)
    step = "h" if interval is Interval.HOUR else "D"
    rows = days * (24 if interval is Interval.HOUR else 1)
    index = pd.date_range("2023-01-01", periods=rows, freq=step, tz="Asia/Ho_Chi_Minh")
    turn = 2 * np.pi * index.day_of_year.to_numpy() / 365.25
    daily = 20.0 - 9.0 * np.cos(turn)
    swing = 4.0 * np.sin(2 * np.pi * (index.hour.to_numpy() - 9) / 24.0) if interval is Interval.HOUR else 0.0
    temperature = daily + swing + random.normal(0.0, 1.5, rows)
    work = index.day_of_week.to_numpy() < 6
    output = np.where(work, 40.0 + random.normal(0.0, 6.0, rows), 0.0)
    energy = 300.0 + 5.0 * output + 8.0 * np.maximum(temperature - 22.0, 0.0)
    energy += 6.0 * np.maximum(14.0 - temperature, 0.0) + random.normal(0.0, 12.0, rows)
    return pd.DataFrame(
        {
            "energy": energy,
            "temperature": temperature,
            "tonnes": output,
            "day_type": np.where(work, "normal", "sunday"),
        },
        index=index,
    )


def attempt(frame: pd.DataFrame, kind: str, **options: object) -> Model | Refusal | DodacError:
    try:
        data = meter_data(
            frame,
            unit="kWh",
            interval=interval_of(kind),
            temperature="temperature",
            drivers=("tonnes",),
            categories=("day_type",),
        )
        return fit(data, kind, **options)
    except DodacError as error:
        return error


def constant(frame):
    return frame.assign(energy=512.0)


def zero(frame):
    return frame.assign(energy=0.0)


def negative(frame):
    return frame.assign(energy=-frame["energy"])


def nothing(frame):
    return frame.assign(energy=np.nan)


def spike(frame):
    energy = frame["energy"].copy()
    energy.iloc[100] = 1e12
    return frame.assign(energy=energy)


def words(frame):
    return frame.assign(energy=["n/a"] * len(frame))


def unsorted(frame):
    return frame.iloc[::-1]


def two_zones(frame):
    stamps = [*frame.index[:100], *frame.index[100:].tz_convert("Europe/Berlin")]
    return frame.set_axis(pd.Index(stamps, dtype=object))


def fahrenheit(frame):
    return frame.assign(temperature=frame["temperature"] * 1.8 + 32.0 + 40.0)


REFUSED = {
    "constant": (constant, {"constant"}),
    "zero": (zero, {"all_zero"}),
    "negative": (negative, {"not_consumed"}),
    "nothing": (nothing, {"too_few_rows", "too_few_days", "too_few_hours"}),
    "one day": (lambda frame: frame.iloc[: 24 if len(frame) > 1000 else 1], {"too_few_rows", "too_few_days"}),
    "one spike of 1e12": (spike, {"one_row_dominates"}),
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("case", list(REFUSED))
def test_what_no_plant_can_send_is_refused_with_its_reason(kind, case):
    change, codes = REFUSED[case]
    found = attempt(change(good(interval_of(kind))), kind)
    assert isinstance(found, Refusal), found
    assert found.code in codes | {f"too_few_{unit}" for unit in ("rows", "days", "hours")} & codes
    assert found.en
    assert found.vi


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("change", [words, unsorted, two_zones])
def test_what_is_no_table_of_times_is_told_in_one_sentence(kind, change):
    found = attempt(change(good(interval_of(kind))), kind)
    assert isinstance(found, DodacError)
    assert str(found)


@pytest.mark.parametrize("kind", list(KINDS))
def test_two_years_of_nothing_say_how_much_is_missing(kind):
    found = attempt(nothing(good(interval_of(kind), days=730)), kind)
    assert isinstance(found, Refusal)
    assert any(isinstance(value, int) and value > 0 for value in found.data.values())


@pytest.mark.parametrize("kind", list(KINDS))
def test_large_units_change_nothing_but_the_unit(kind):
    frame = good(interval_of(kind))
    model = attempt(frame, kind)
    large = attempt(frame.assign(energy=frame["energy"] * 1e12), kind)
    if isinstance(model, Refusal):
        assert isinstance(large, Refusal)
        return
    assert isinstance(large, Model)
    assert large.statistics.cv_rmse == pytest.approx(model.statistics.cv_rmse, rel=1e-6)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_copy_of_a_driver_is_left_out_by_name(kind):
    frame = good(interval_of(kind))
    frame["tonnes_again"] = 2.0 * frame["tonnes"]
    data = meter_data(
        frame,
        unit="kWh",
        interval=interval_of(kind),
        temperature="temperature",
        drivers=("tonnes", "tonnes_again"),
        categories=("day_type",),
    )
    options = {"driver": "tonnes"} if kind == "ratio" else {}
    model = fit(data, kind, **options)
    if kind in ("mean", "ratio"):
        return
    assert isinstance(model, Model), model
    assert any(said.code == "collinear" and "tonnes_again" in str(said.data) for said in model.findings)
    assert np.isfinite(model.coefficients).all()
    assert np.isfinite(model.covariance).all()


@pytest.mark.parametrize("kind", list(KINDS))
def test_production_that_nobody_writes_down_on_sundays_is_told(kind):
    frame = good(interval_of(kind))
    frame.loc[frame.index.day_of_week == 6, "tonnes"] = np.nan
    found = attempt(frame, kind)
    if isinstance(found, Refusal):
        assert found.en
        return
    assert isinstance(found, Model)
    assert np.isfinite(found.coefficients).all()
    if kind != "mean":
        codes = {said.code for said in found.findings}
        assert codes & {"driver_missing_on_weekday", "rows_left_out", "days_left_out"}
        sunday = frame[frame.index.day_of_week == 6]
        assert predict(found, sunday).isna().all()


@pytest.mark.parametrize("kind", list(KINDS))
def test_fahrenheit_is_not_taken_for_celsius(kind):
    found = attempt(fahrenheit(good(interval_of(kind))), kind)
    assert isinstance(found, Refusal)
    assert found.code == "impossible_temperature"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_good_year_gives_finite_numbers_for_another_year(kind):
    frame = good(interval_of(kind))
    model = attempt(frame, kind)
    assert isinstance(model, Model), model
    other = good(interval_of(kind), seed=11)
    rows = design(model, other)
    assert np.isfinite(rows).all()
    assert np.isfinite(predict(model, other)).all()
    assert np.isfinite(model.covariance).all()
    assert model.residuals is not None
    assert model.follows is not None
    assert len(model.follows) == len(model.residuals) - 1 == model.statistics.n - 1
    for key in ("energy", "temperature", "drivers", "ranges"):
        assert key in model.settings


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_word_the_baseline_never_had_gives_no_number(kind):
    frame = good(interval_of(kind))
    model = attempt(frame, kind)
    assert isinstance(model, Model)
    other = frame.iloc[: len(frame) // 2].copy()
    other["day_type"] = "flood"
    knows = bool(model.settings.get("categories")) or "day_type" in str(model.settings.get("day_type"))
    # mean and specific consumption know no categories, so that no word can be new to them
    assert knows == (kind not in ("mean", "ratio"))
    assert bool(predict(model, other).isna().all()) == knows


REPORTED = {
    "good": lambda frame: frame,
    "constant": constant,
    "zero": zero,
    "nothing": nothing,
    "one day": lambda frame: frame.iloc[: 24 if len(frame) > 1000 else 1],
    "no production on Sundays": lambda frame: frame.assign(
        tonnes=frame["tonnes"].where(frame.index.day_of_week != 6)
    ),
    "unknown words": lambda frame: frame.assign(day_type="flood"),
    "words": words,
    "unsorted": unsorted,
    "two zones": two_zones,
    "no rows": lambda frame: frame.iloc[:0],
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("case", list(REPORTED))
def test_a_saving_never_stands_without_its_uncertainty(kind, case):
    model = attempt(good(interval_of(kind)), kind)
    assert isinstance(model, Model)
    after = good(interval_of(kind), seed=12)
    after.index = after.index + pd.Timedelta(days=365)
    try:
        found = avoided_energy(model, REPORTED[case](after))
    except DodacError:
        assert case in ("words", "unsorted", "two zones", "no rows")
        return
    if isinstance(found, Refusal):
        assert found.en
        assert found.vi
        assert case != "good"
        return
    assert isinstance(found, Savings)
    assert np.isfinite([found.saving, found.uncertainty.half_width, found.adjusted_baseline]).all()
    assert found.uncertainty.half_width > 0.0
    assert found.intervals > 0
