"""VERIFI's eight stored models: those that its data give again, those they don't, and better ones with reasons.

VERIFI (ORNL-AMO) spreads each bill over the days back to the reading before and sums them by month, then fits
totals of twelve months without weights. 0.003412… MMBtu a kWh is 3.6 MJ / 1055.06 MJ; electricity counts
three times (site to source).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Model, fit, meter_data, predict
from analysis.baselines.select import select

MMBTU_PER_KWH = 3.6 / 1055.06

# meter of each group where its name differs; by how far coefficients agree; factor that the file lacks
METERS = {"Electricity - Roasting": "Electricity - Roast", "NG - Roasting": "Natural Gas - Roast"}
AGREE = {
    ("HQ (Simple)", "Natural Gas"): 1e-9,
    ("Roasting (Advanced)", "Natural Gas"): 1e-9,
    ("Roasting (Advanced)", "Electricity"): 1e-7,
    ("Roasting (Advanced)", "Electricity - Roasting"): 2e-4,
    ("Roasting (Advanced)", "NG - Roasting"): 2e-4,
    ("Peanuts (Average)", "Natural Gas"): 1e-6,
}
# its gas bills were converted with a heating value 0.19 % above the one in the file
HEATING_VALUE = {("Peanuts (Average)", "Natural Gas"): 1.0019474196689344}


@pytest.fixture(scope="module")
def verifi(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    folder = shared / "mv" / "verifi-example"
    return (
        pd.read_csv(folder / "meter_readings.csv", parse_dates=["read_date"]),
        pd.read_csv(folder / "predictors.csv"),
        pd.read_csv(folder / "reference_models.csv"),
    )


def months(readings: pd.DataFrame) -> pd.Series:
    """Bills spread back over their days, summed by month."""
    readings = readings.sort_values("read_date")
    days = pd.Series(0.0, index=pd.date_range("2021-11-01", "2026-05-31"))
    dates, energy = readings["read_date"].to_list(), readings["energy"].to_numpy()
    for before, after, amount in zip(dates[:-1], dates[1:], energy[1:], strict=True):
        span = pd.date_range(before + pd.Timedelta(days=1), after)
        days[span] += amount / len(span)
    return days.resample("MS").sum()


def frame_of(verifi, facility: str, group: str) -> pd.DataFrame:
    readings, predictors, _ = verifi
    meter = METERS.get(group, group)
    mine = readings[(readings.facility == facility) & (readings.meter == meter)]
    factor = MMBTU_PER_KWH * 3.0 if mine.unit.iloc[0] == "kWh" else 1.0
    frame = pd.DataFrame({"energy": months(mine) * factor * HEATING_VALUE.get((facility, group), 1.0)})
    table = predictors[predictors.facility == facility]
    stamps = pd.to_datetime({"year": table.year, "month": table.month, "day": 1})
    wide = table.assign(stamp=stamps).pivot(index="stamp", columns="predictor", values="amount")
    frame = frame.join(wide)
    frame.index = pd.DatetimeIndex(frame.index)
    return frame


def year_of(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    return frame[frame.index.year == year]


def stored(verifi, row) -> Model:
    frame = year_of(frame_of(verifi, row.facility, row.group), row.model_year)
    names = row.predictors.split("|")
    data = meter_data(frame, unit="MMBtu", interval="month", drivers=names)
    found = fit(data, "regression", per_day=False)
    assert isinstance(found, Model)
    return found


def test_six_of_the_eight_stored_models_come_out_again(verifi, figure):
    found = 0
    for row in verifi[2].itertuples():
        key = (row.facility, row.group)
        model = stored(verifi, row)
        wanted = [float(value) for value in row.coef.split("|")]
        gap = float(np.max(np.abs(model.coefficients / np.array(wanted) - 1.0)))
        figure(f"verifi {row.facility} {row.group} {row.model_year}: coefficients off by", gap, "")
        if key not in AGREE:
            # both use "CDD Generated (60F)", probably made anew from weather since: neither
            # another way of spreading bills nor another window or shift gives their R² and coefficients
            assert "CDD Generated" in row.predictors
            assert gap > 0.1
            continue
        assert gap < AGREE[key]
        assert model.statistics.r2 == pytest.approx(row.R2, abs=2e-5)
        assert model.statistics.adjusted_r2 == pytest.approx(row.adjR2, abs=2e-5)
        found += 1
    figure("verifi: stored models reproduced", f"{found} of 8", "those reproducible")
    assert found == 6


def with_own_solar(verifi, frame: pd.DataFrame) -> pd.DataFrame:
    """Since March 2024 panels feed the roasters: what they give is missing from the meter of the grid."""
    readings = verifi[0]
    solar = months(readings[readings.meter == "Electricity - Solar"]) * MMBTU_PER_KWH * 3.0
    return frame.assign(energy=frame["energy"] + solar.reindex(frame.index).fillna(0.0))


def next_year_cv(model: Model, after: pd.DataFrame) -> float:
    error = after["energy"] - predict(model, after)
    return 100.0 * float(np.sqrt(np.mean(error**2)) / after["energy"].mean())


def test_a_better_model_is_offered_with_reasons(verifi, figure):
    # better: values a day weighted by days; up to 24 months to the end of the model year, not a calendar
    # year; the roasters' own solar power inside the boundary
    theirs, ours = [], []
    for row in verifi[2].itertuples():
        if row.model_year >= 2025:
            continue
        frame = frame_of(verifi, row.facility, row.group)
        before = frame[(frame.index >= "2022-01") & (frame.index < f"{row.model_year + 1}-01")].iloc[-24:]
        drivers = [name for name in frame.columns if name != "energy"]
        picked = select(meter_data(before, unit="MMBtu", interval="month", drivers=drivers))
        assert picked.model is not None
        assert all(each.refused or each.why for each in picked.candidates)
        after = year_of(frame, row.model_year + 1)
        stored_cv = next_year_cv(stored(verifi, row), after)
        if row.group == "Electricity - Roasting":
            figure(
                "verifi roasting electricity: chosen, own solar left out",
                next_year_cv(picked.model, after),
                "",
            )
            after = with_own_solar(verifi, after)
        cv = next_year_cv(picked.model, after)
        theirs.append(stored_cv)
        ours.append(cv)
        figure(
            f"verifi {row.facility} {row.group}: next year's CV %, stored → {picked.chosen}",
            f"{stored_cv:.2f} → {cv:.2f}",
            "",
        )
    figure("verifi: mean CV of the next year %, stored forms", float(np.mean(theirs)), "")
    figure("verifi: mean CV of the next year %, chosen", float(np.mean(ours)), "below the stored")
    assert np.mean(ours) < 0.5 * np.mean(theirs)
    without = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if other < 20.0]
    assert np.mean([mine for mine, _ in without]) < np.mean([other for _, other in without])
