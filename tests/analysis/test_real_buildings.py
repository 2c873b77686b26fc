"""Real and simulated buildings of other projects, where their files are here: known truth, known accuracy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Savings, avoided_energy, day_types, fit_towt_daily, predict

DATA = Path(__file__).parents[3] / "shared" / "data" / "mv"
here = pytest.mark.skipif(not DATA.is_dir(), reason=f"the buildings' files are not here: {DATA}")


def b01(part: str, country: str | None) -> pd.DataFrame:
    """Daily sums of a Chinese office building (hebes-io/rethinking b01)."""
    folder = DATA / "rethinking"
    total = pd.read_csv(folder / f"b01_{part}_consumption.csv", index_col=0, parse_dates=True)["total"]
    weather = pd.read_csv(folder / f"b01_{part}_weather.csv", index_col=0, parse_dates=True)["temperature"]
    hours = total.resample("D").count()
    frame = pd.DataFrame({"energy": total.resample("D").sum().where(hours >= 23)})
    frame["temperature"] = weather.resample("D").mean()
    frame["day_type"] = day_types(pd.DatetimeIndex(frame.index), country)
    return frame


# the project's own runs (mv.md §2.1): 15.67 and +4.04 % without holidays, 11.69 and +4.09 % with them
@here
@pytest.mark.parametrize(("country", "cv", "bias"), [(None, 15.67, 4.04), ("CN", 11.69, 4.09)])
def test_holidays_make_the_next_year_better_predicted(country, cv, bias):
    model = fit_towt_daily(b01("train", country), day_type="day_type")
    assert isinstance(model, Model)
    after = b01("test", country)
    error = (after["energy"] - predict(model, after)).dropna()
    mean = after["energy"][error.index].mean()
    assert 100 * np.sqrt((error**2).mean()) / mean == pytest.approx(cv, abs=0.25)
    assert 100 * error.mean() / mean == pytest.approx(bias, abs=0.25)


@here
def test_the_true_saving_of_a_simulated_home_lies_inside_the_interval():
    # eemeter samples: exactly 10 % saved after the blackout of 2016-12-26…2017-01-04
    folder = DATA / "eemeter-samples"
    energy = pd.read_csv(folder / "il-electricity-cdd-hdd-daily.csv.gz", index_col="start")["value"]
    fahrenheit = pd.read_csv(folder / "il-electricity-cdd-hdd-tempF.csv.gz", index_col=0)["tempF"]
    for series in (energy, fahrenheit):
        series.index = pd.to_datetime(series.index, utc=True).tz_convert("America/Chicago")
    frame = pd.DataFrame({"energy": energy, "temperature": ((fahrenheit - 32) * 5 / 9).resample("D").mean()})
    model = fit_towt_daily(frame["2015-12-27":"2016-12-25"])
    assert isinstance(model, Model)
    result = avoided_energy(model, frame["2017-01-05":"2018-01-04"])
    assert isinstance(result, Savings)
    assert result.low / result.adjusted_baseline < 0.10 < result.high / result.adjusted_baseline
