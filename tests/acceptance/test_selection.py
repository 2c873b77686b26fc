"""Baselines chosen blind, on the training year alone: what they give on the year they never saw."""

from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from analysis import MeterData, Model, Savings, avoided_energy, day_types, meter_data, predict
from analysis.baselines.degrees import degree_columns
from analysis.baselines.select import select


def chosen(data: MeterData, figure, label: str) -> Model:
    started = perf_counter()
    picked = select(data)
    figure(f"{label}: chosen of {len(picked.candidates)}", picked.chosen, "")
    figure(f"{label}: seconds", perf_counter() - started, "below 1 for a daily year")
    assert picked.model is not None
    assert all(each.refused or each.why for each in picked.candidates)
    return picked.model


def celsius(folder: Path) -> pd.Series:
    fahrenheit = pd.read_csv(folder / "il-electricity-cdd-hdd-tempF.csv.gz", index_col=0).iloc[:, 0]
    fahrenheit.index = pd.to_datetime(fahrenheit.index, utc=True).tz_convert("America/Chicago")
    return (fahrenheit - 32.0) * 5.0 / 9.0


def test_the_simulated_saving_of_ten_percent_by_days(shared, figure):
    # exactly 10 % saved after the blackout of 2016-12-26…2017-01-04; temperatures are hourly
    folder = shared / "mv" / "eemeter-samples"
    energy = pd.read_csv(folder / "il-electricity-cdd-hdd-daily.csv.gz", index_col="start")["value"]
    energy.index = pd.to_datetime(energy.index, utc=True).tz_convert("America/Chicago")
    hourly = celsius(folder)
    frame = degree_columns(
        hourly, pd.DataFrame({"energy": energy, "temperature": hourly.resample("D").mean()})
    )
    data = meter_data(frame["2015-12-27":"2016-12-25"], unit="kWh", interval="day", temperature="temperature")
    saved = avoided_energy(chosen(data, figure, "eemeter il daily"), frame["2017-01-05":"2018-01-04"])
    assert isinstance(saved, Savings)
    figure("eemeter il daily: saving %", 100.0 * saved.fraction, "10 ± 1.3")
    figure("eemeter il daily: ± %", 100.0 * saved.uncertainty.half_width / saved.adjusted_baseline, "")
    assert saved.fraction == pytest.approx(0.10, abs=0.013)
    assert saved.low < 0.10 * saved.adjusted_baseline < saved.high


def test_the_simulated_saving_of_ten_percent_by_bills(shared, figure):
    folder = shared / "mv" / "eemeter-samples"
    hourly = celsius(folder)
    for name in ("billing_monthly", "billing_bimonthly"):
        bills = pd.read_csv(folder / f"il-electricity-cdd-hdd-{name}.csv.gz", index_col="start")["value"]
        bills.index = pd.to_datetime(bills.index, utc=True).tz_convert("America/Chicago")
        starts = bills.index.tz_localize(None)
        days = np.append(np.diff(starts.as_unit("s").asi8) / 86_400.0, np.nan)
        frame = pd.DataFrame({"energy": bills, "days": days}).iloc[:-1]
        frame = degree_columns(hourly, frame)
        before = frame[frame.index < "2016-12-26"].iloc[-(12 if name == "billing_monthly" else 6) :]
        after = frame[frame.index >= "2017-01-04"].iloc[: len(before)]
        data = meter_data(before, unit="kWh", interval="bill")
        picked = select(data, allow_short=True)
        figure(f"eemeter il {name}: chosen of {len(picked.candidates)}", picked.chosen or "none", "")
        if picked.model is None:
            assert picked.refusal is not None
            continue
        saved = avoided_energy(picked.model, after)
        if isinstance(saved, Savings):
            figure(f"eemeter il {name}: saving %", 100.0 * saved.fraction, "10")
            half = saved.uncertainty.half_width / saved.adjusted_baseline
            figure(f"eemeter il {name}: ± %", 100.0 * half, "")
            assert abs(saved.fraction - 0.10) < half


def test_a_year_of_an_office_is_predicted_by_what_was_chosen_on_the_year_before(shared, figure):
    folder = shared / "mv" / "rethinking"

    def days(part: str) -> pd.DataFrame:
        total, weather = (
            pd.read_csv(folder / f"b01_{part}_{what}.csv", index_col=0, parse_dates=True)[column]
            for what, column in (("consumption", "total"), ("weather", "temperature"))
        )
        hours = total.resample("D").count()
        frame = pd.DataFrame({"energy": total.resample("D").sum().where(hours >= 23)})
        frame["temperature"] = weather.resample("D").mean()
        frame["day_type"] = day_types(pd.DatetimeIndex(frame.index), "CN")
        return frame

    data = meter_data(
        days("train"), unit="kWh", interval="day", temperature="temperature", categories=("day_type",)
    )
    after = days("test")
    error = (after["energy"] - predict(chosen(data, figure, "b01 daily"), after)).dropna()
    mean = float(after["energy"][error.index].mean())
    cv = 100.0 * float(np.sqrt(np.mean(error**2))) / mean
    figure("b01 daily, selected: CV(RMSE) of the next year %", cv, "at most 11.7")
    assert cv <= 11.7
