"""Frames that people make by accident: columns twice, words and fillers as numbers, bills that overlap, exact plants."""

import numpy as np
import pandas as pd
import pytest

from analysis import MeterData, Model, Refusal, Savings, avoided_energy, fit, meter_data
from analysis.baselines.select import Trial, select
from dodac.errors import DataError


def year(seed: int = 31) -> pd.DataFrame:
    """A plant that cools above 23 °C and makes nothing on Sundays."""
    random = np.random.default_rng(seed)
    index = pd.date_range("2022-01-01", periods=365, freq="D")
    warm = 25.0 + 6.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 196) / 365.25)
    temperature = warm + random.normal(0.0, 1.5, 365)
    rest = index.day_of_week.to_numpy() == 6
    tonnes = np.where(rest, 0.0, random.uniform(30.0, 60.0, 365))
    energy = 300.0 + 6.0 * tonnes + 15.0 * np.maximum(temperature - 23.0, 0.0) + np.where(rest, -90.0, 0.0)
    return pd.DataFrame(
        {
            "energy": energy + random.normal(0.0, 20.0, 365),
            "temperature": temperature,
            "tonnes": tonnes,
            "day_type": np.where(rest, "rest", "normal"),
        },
        index=index,
    )


def bills() -> pd.DataFrame:
    frame = year().resample("MS").agg({"energy": "sum", "temperature": "mean", "tonnes": "sum"})
    return frame.assign(days=frame.index.days_in_month.astype("float64"))


def data(frame: pd.DataFrame, interval: str = "day") -> MeterData:
    words = ("day_type",) if interval == "day" else ()
    return meter_data(
        frame,
        unit="kWh",
        interval=interval,
        temperature="temperature",
        drivers=("tonnes",),
        categories=words,
    )


@pytest.mark.parametrize("column", ["energy", "temperature", "tonnes", "day_type"])
def test_a_column_that_is_there_twice_is_named(column):
    frame = year()
    with pytest.raises(DataError, match=f'"{column}" is there more than once'):
        data(pd.concat([frame, frame[[column]]], axis=1))


def test_words_in_used_are_no_quiet_exclusion_of_everything():
    with pytest.raises(DataError, match='"used"'):
        fit(data(year().assign(used="yes")), "mean")


def test_used_with_empty_cells_leaves_those_rows_out():
    kept = pd.array([True, pd.NA, True, True, True] * 73, dtype="boolean")
    model = fit(data(year().assign(used=kept)), "regression", allow_short=True)
    assert isinstance(model, Model)
    assert model.statistics.n == 292


def test_power_as_complex_numbers_is_no_energy():
    with pytest.raises(DataError, match="not numbers"):
        data(year().assign(energy=lambda frame: frame["energy"] * (1.0 + 0.2j)))


@pytest.mark.parametrize("column", ["energy", "tonnes"])
def test_a_filler_beyond_every_unit_is_refused_before_its_square_overflows(column):
    with pytest.raises(DataError, match=f'the column "{column}" holds .* which no meter shows'):
        data(year().assign(**{column: year()[column] * 1e200}))
    frame = year()
    frame[column] *= 1e90
    for kind in ("mean", "ratio", "regression", "3p-cooling", "towt-daily"):
        found = fit(data(frame), kind)
        assert isinstance(found, Refusal)
        assert found.code == "impossible_number"
        assert found.data["column"] == column
    picked = select(data(frame))
    assert picked.refusal is not None
    assert picked.refusal.code == "impossible_number"


def test_bills_that_last_into_the_next_one_are_told_as_dates_of_the_wrong_end():
    frame = bills()
    frame.loc[frame.index[3], "days"] = 61.0
    with pytest.raises(DataError, match=r"2022-04-01 has 61 days, but the next one starts 30 days later"):
        data(frame, "bill")
    # the day of reading may be counted in both
    assert data(bills().assign(days=lambda rows: rows["days"] + 1.0), "bill")


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_day_or_two_say_how_many_are_needed_also_where_a_short_baseline_is_allowed(rows):
    picked = select(data(year().iloc[:rows]), allow_short=True)
    assert picked.refusal is not None
    assert picked.refusal.data["needed"] == 30
    assert picked.refusal.data["missing"] == 30 - rows


@pytest.mark.parametrize(
    ("change", "column"),
    [({"day_type": None}, "day_type"), ({"used": False}, "used"), ({"tonnes": np.nan}, "tonnes")],
)
def test_the_column_that_leaves_no_row_is_named(change, column):
    picked = select(data(year().assign(**change)))
    assert picked.refusal is not None
    assert picked.refusal.data["column"] == column
    assert f'"{column}"' in picked.refusal.en


@pytest.mark.parametrize("interval", ["month", "bill"])
def test_months_and_bills_are_not_called_days(interval):
    for energy in (0.0, 5.0, -5.0 - bills()["energy"]):
        found = fit(data(bills().assign(energy=energy), interval), "regression", allow_short=True)
        assert isinstance(found, Refusal)
        assert interval in found.en
        assert " day" not in found.en
        assert "ngày" not in found.vi


@pytest.mark.parametrize(
    "words", [lambda rest: rest.astype(int), lambda rest: rest, lambda rest: rest.astype(float)]
)
def test_shifts_as_numbers_or_yes_and_no_are_no_untypical_year(words):
    # the same year on both sides has every level of the baseline
    frame = year().assign(day_type=lambda rows: words(rows["day_type"] == "rest"))
    model = fit(data(frame), "3p-cooling")
    saved = avoided_energy(model, frame.assign(energy=frame["energy"] * 0.9))
    assert isinstance(saved, Savings)
    assert saved.intervals == 365
    assert not [said.en for said in saved.findings if "day_type" in said.en]


def test_a_plant_without_noise_is_no_reason_for_more_terms():
    frame = year()
    frame["energy"] = 100.0 + 2.0 * frame["tonnes"]
    picked = select(data(frame))
    assert picked.chosen == "regression: tonnes"


def uneven(seed: int, lengths: list[int]) -> pd.DataFrame:
    """Bills of the plant's days, of the lengths given."""
    frame = pd.concat([year(seed), year(seed + 1), year(seed + 2)])
    label = np.repeat(np.arange(len(lengths)), lengths)
    grouped = frame.iloc[: len(label)].groupby(label)
    found = grouped.agg({"energy": "sum", "temperature": "mean", "tonnes": "sum"})
    found.index = pd.date_range("2022-01-01", periods=len(label))[np.cumsum([0, *lengths[:-1]])]
    return found.assign(days=np.array(lengths, dtype="float64"))


def test_a_bill_of_three_months_is_long_not_outside_the_range():
    before = uneven(40, [28, 31, 33, 30, 29, 32, 30, 31, 28, 33, 30, 30, 31, 29, 28, 32, 30, 31, 33, 30])
    model = fit(data(before, "bill"), "regression")
    assert isinstance(model, Model)
    saved = avoided_energy(model, uneven(50, [90, 30, 20, 62, 91, 72]))
    assert isinstance(saved, Savings)
    assert not [said.en for said in saved.findings if "extrapolation" in said.code]
    # twice the production a day is outside, and named as what it is
    more = uneven(50, [90, 30, 20, 62, 91, 72]).assign(tonnes=lambda rows: 1.5 * rows["tonnes"])
    beyond = avoided_energy(model, more)
    assert isinstance(beyond, Refusal)
    assert "tonnes / days" in beyond.en


def test_the_error_of_bills_on_unseen_bills_is_that_of_weighted_refits_by_hand():
    # noise of a bill ∝ its days: weight 1/days in every refit, and in the mean of the squared errors
    lengths = [20, 62, 31, 28, 75, 30, 33, 14, 60, 31, 45, 30, 90, 22, 29, 31]
    rows = uneven(60, lengths)
    picked = select(data(rows, "bill"), candidates=[Trial("regression", ("tonnes",)), Trial("mean")])
    days, y = rows["days"].to_numpy(), rows["energy"].to_numpy()
    for name, matrix in (
        ("mean", days[:, None]),
        ("regression: tonnes", np.column_stack([days, rows["tonnes"].to_numpy()])),
    ):
        errors = np.empty(len(y))
        for out in range(len(y)):
            kept = np.arange(len(y)) != out
            root = 1.0 / np.sqrt(days[kept])
            found = np.linalg.lstsq(matrix[kept] * root[:, None], y[kept] * root, rcond=None)[0]
            errors[out] = y[out] - matrix[out] @ found
        wanted = np.sqrt(np.average(errors**2, weights=1.0 / days))
        mine = next(each for each in picked.candidates if each.name == name)
        assert mine.rmse_cv == pytest.approx(wanted, rel=1e-6)
