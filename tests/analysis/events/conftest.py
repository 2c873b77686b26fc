"""Series of measured and expected energy with known events in noise with memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Series = Callable[..., pd.DataFrame]


def noise(n: int, rho: float, random: np.random.Generator) -> np.ndarray:
    """AR(1) of unit variance."""
    shocks = random.normal(size=n)
    found = np.empty(n)
    found[0] = shocks[0]
    for place in range(1, n):
        found[place] = rho * found[place - 1] + np.sqrt(1.0 - rho**2) * shocks[place]
    return found


def series(
    n: int = 365,
    *,
    seed: int = 1,
    rho: float = 0.5,
    sd: float = 0.05,
    start: str = "2023-01-01",
    freq: str = "D",
) -> pd.DataFrame:
    """Expected 1 000 an interval with a season, measured with AR(1) noise of sd 5 %."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=n, freq=freq)
    expected = 1000.0 + 100.0 * np.sin(np.arange(n) * 2 * np.pi / 365.0)
    measured = expected + 1000.0 * sd * noise(n, rho, random)
    return pd.DataFrame({"measured": measured, "expected": expected, "used": True}, index=index)


@pytest.fixture(name="series")
def _series() -> Series:
    return series
