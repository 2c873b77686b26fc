"""Full selection of a baseline for a daily year: every candidate fitted and cross-validated over blocks.

Run: python benchmarks/selection.py
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from _machine import describe

from analysis import MeterData, meter_data
from analysis.baselines.degrees import degree_columns
from analysis.baselines.select import select


def plant(seed: int) -> pd.DataFrame:
    """A year of a plant: cooling, production on working days, Sundays, hourly temperatures as degree-hours."""
    random = np.random.default_rng(seed)
    hours = pd.date_range("2023-01-01", periods=24 * 365, freq="h", tz="Asia/Ho_Chi_Minh")
    warm = 26.0 + 4.0 * np.cos(2 * np.pi * (hours.day_of_year.to_numpy() - 130) / 365.25)
    celsius = pd.Series(warm + 3.0 * np.sin(2 * np.pi * (hours.hour.to_numpy() - 9) / 24), index=hours)
    celsius += np.repeat(random.normal(0.0, 1.5, 365), 24)
    frame = pd.DataFrame({"temperature": celsius.resample("D").mean()})
    work = pd.DatetimeIndex(frame.index).day_of_week.to_numpy() < 6
    frame["tonnes"] = np.where(work, random.uniform(30.0, 70.0, 365), 0.0)
    hot = np.maximum(frame["temperature"] - 24.0, 0.0)
    frame["energy"] = 300.0 + 8.0 * frame["tonnes"] + 25.0 * hot + random.normal(0.0, 25.0, 365)
    frame["day_type"] = np.where(work, "normal", "sunday")
    return degree_columns(celsius, frame)


def data(frame: pd.DataFrame) -> MeterData:
    """The frame as selection takes it."""
    return meter_data(
        frame,
        unit="kWh",
        interval="day",
        temperature="temperature",
        drivers=("tonnes",),
        categories=("day_type",),
    )


def main() -> None:
    """Prints the machine and the median time of a full selection without and with degree-hours."""
    print(describe())
    frame = plant(1)
    plain = frame[[name for name in frame.columns if not str(name).startswith(("hdd_", "cdd_"))]]
    for label, given in (("daily year", data(plain)), ("daily year with degree-hours", data(frame))):
        times = []
        for _ in range(11):
            begin = time.perf_counter()
            picked = select(given)
            times.append(time.perf_counter() - begin)
        print(
            f"{label}: {len(picked.candidates)} candidates, {np.median(times):.3f} s, chosen {picked.chosen}"
        )


if __name__ == "__main__":
    main()
