"""The steel plant of UCI by the clock alone: no temperature, nine months fitted, the last three compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import Model, day_types, fit, meter_data, predict
from analysis.prepare import Stamps, read_stamps

Figure = Callable[[str, "float | str", str], None]


def test_a_plant_driven_by_orders_is_hardly_known_by_the_clock(shared: Path, figure: Figure) -> None:
    table = pd.read_csv(shared / "mv" / "steel-uci" / "Steel_industry_data.csv", encoding="utf-8-sig")
    stamps = read_stamps(table["date"], zone="Asia/Seoul")
    assert isinstance(stamps, Stamps)
    frame = pd.DataFrame({"energy": table["Usage_kWh"].to_numpy()}, index=stamps.start)
    frame["day_type"] = day_types(pd.DatetimeIndex(frame.index), "KR").to_numpy()
    before, after = frame[:"2018-09-30"], frame["2018-10-01":]
    errors = {}
    for label, names in (("time of week", []), ("and public holidays", ["day_type"])):
        data = meter_data(before, unit="kWh", interval="15min", categories=names)
        model = fit(data, "towt-hourly", min_days=270)
        assert isinstance(model, Model), model
        error = (after["energy"] - predict(model, after)).dropna()
        errors[label] = 100 * float(np.sqrt((error**2).mean()) / after["energy"].mean())
        figure(f"steel-uci CV(RMSE) %, {label}", errors[label], "71.7 (hour-of-week means)")
    assert errors["and public holidays"] < errors["time of week"] < 71.7
