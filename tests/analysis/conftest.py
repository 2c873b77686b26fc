"""A plant whose consumption is known: daily energy from temperature, weekday, Tết and noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Plant = Callable[..., pd.DataFrame]


def plant(
    start: str = "2023-01-01",
    days: int = 365,
    *,
    seed: int = 1,
    noise: float = 0.0,
    rho: float = 0.0,
    saving: float = 0.0,
    production: bool = False,
    zone: str = "Asia/Ho_Chi_Minh",
) -> pd.DataFrame:
    """Mon–Sat at work: 1 000 + 20 per K above 25 °C; Sunday 400 + 5 per K; AR(1) noise of sd `noise`."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=days, freq="D", tz=zone)
    turn = 2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25
    temperature = 26.5 + 4.0 * np.cos(turn) + random.normal(0.0, 1.5, days)
    work = index.day_of_week.to_numpy() < 6
    hot = np.maximum(temperature - 25.0, 0.0)
    energy = np.where(work, 1000.0 + 20.0 * hot, 400.0 + 5.0 * hot)
    frame = pd.DataFrame({"energy": energy, "temperature": temperature}, index=index)
    if production:
        frame["tonnes"] = np.where(work, 50.0 + random.normal(0.0, 8.0, days), 0.0)
        frame["energy"] += 6.0 * frame["tonnes"]
    error = random.normal(0.0, 1.0, days)
    for day in range(1, days):
        error[day] = rho * error[day - 1] + np.sqrt(1.0 - rho**2) * error[day]
    frame["energy"] = frame["energy"] * (1.0 - saving) + noise * error
    return frame


@pytest.fixture(name="plant")
def _plant() -> Plant:
    return plant
