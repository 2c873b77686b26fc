"""A simulated home (eemeter samples) that saves exactly 10 %: hours, days, monthly and two-monthly bills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import MeterData, Model, fit, meter_data, predict
from analysis.baselines.degrees import degree_columns
from analysis.baselines.select import select

Figure = Callable[[str, "float | str", str], None]
FILES = {
    "hour": "hourly",
    "day": "daily",
    "monthly bills": "billing_monthly",
    "two-monthly bills": "billing_bimonthly",
}
# before and after the blackout of 2016-12-26…2017-01-04; bills: whole ones, at most 380 days
BEFORE, AFTER = ("2015-12-27", "2016-12-25"), ("2017-01-05", "2018-01-04")


def read(folder: Path, name: str) -> pd.Series:
    """One column of a file, in the home's local time."""
    table = pd.read_csv(folder / f"il-electricity-cdd-hdd-{name}.csv.gz", index_col=0)
    local = pd.to_datetime(table.index, utc=True).tz_convert("America/Chicago")
    return table.iloc[:, 0].set_axis(local)


def pair(folder: Path, what: str) -> tuple[MeterData, pd.DataFrame]:
    """Baseline and reporting frame, with degree-hours of the hourly temperature."""
    energy = read(folder, FILES[what])
    celsius = (read(folder, "tempF") - 32.0) * 5.0 / 9.0
    if what == "hour":
        frame = pd.DataFrame({"energy": energy, "temperature": celsius.reindex(energy.index)})
        before, after, interval = frame[slice(*BEFORE)], frame[slice(*AFTER)], "hour"
    elif what == "day":
        frame = pd.DataFrame({"energy": energy, "temperature": celsius.resample("D").mean()})
        before, after = (degree_columns(celsius, frame[slice(*span)]) for span in (BEFORE, AFTER))
        interval = "day"
    else:
        starts = energy.index.tz_localize(None).normalize()
        days = (starts[1:] - starts[:-1]).days
        frame = pd.DataFrame({"energy": energy.to_numpy()[:-1], "days": days}, index=energy.index[:-1])
        mean = [
            celsius[a : b - pd.Timedelta("1h")].mean()
            for a, b in zip(energy.index, energy.index[1:], strict=False)
        ]
        frame["temperature"] = mean
        before = frame[(starts[1:] <= pd.Timestamp("2016-12-26"))]
        before = before[(before["days"][::-1].cumsum() <= 380)[::-1]]
        after = frame[starts[:-1] >= pd.Timestamp(AFTER[0])]
        after = after[after["days"].cumsum() <= 380]
        before, after, interval = degree_columns(celsius, before), degree_columns(celsius, after), "bill"
    data = meter_data(before, unit="kWh", interval=interval, temperature="temperature")
    return data, after


def saving(model: Model | None, after: pd.DataFrame) -> float:
    """The saving in % of the adjusted baseline."""
    assert isinstance(model, Model), model
    adjusted = predict(model, after)
    whole = adjusted.notna() & after["energy"].notna()
    return 100.0 * float(1.0 - after["energy"][whole].sum() / adjusted[whole].sum())


@pytest.mark.parametrize("default", ["hdd-cdd", "select"])
def test_the_saving_of_ten_percent_is_found_by_one_default(
    shared: Path, figure: Figure, default: str
) -> None:
    folder = shared / "mv" / "eemeter-samples"
    if not folder.is_dir():
        pytest.skip(f"no samples at {folder}")
    errors = []
    for what in FILES:
        data, after = pair(folder, what)
        # 6 two-monthly bills are a whole year, and fewer than the rows usually asked for
        options = {"allow_short": True} if data.interval == "bill" else {}
        if default == "select":
            chosen = select(data, **options)
            model, name = chosen.model, f"select: {chosen.chosen}"
        else:
            found = fit(data, "hdd-cdd", **options)
            model, name = found if isinstance(found, Model) else None, "hdd-cdd"
        percent = saving(model, after)
        figure(f"eemeter {what}, saving %, {name}", percent, "10")
        errors.append(abs(percent - 10.0))
    mean = sum(errors) / len(errors)
    figure(f"eemeter mean absolute error, points, {default}", mean, "at most 1.3")
    assert mean <= 1.3
