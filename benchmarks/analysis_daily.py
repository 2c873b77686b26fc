"""Daily fit and saving with uncertainty, as a ratio to bare numpy least squares of the same design.

Run: python benchmarks/analysis_daily.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from _machine import describe

from analysis import Model, Savings, avoided_energy, design, fit_towt_daily


def year(start: str, seed: int) -> pd.DataFrame:
    """A year of daily energy and temperature with Sundays off."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=365, freq="D", tz="Asia/Ho_Chi_Minh")
    temperature = 26.5 + 4.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25)
    temperature = temperature + random.normal(0.0, 1.5, 365)
    work = np.where(index.day_of_week.to_numpy() < 6, 1.0, 0.4)
    energy = work * (1000.0 + 20.0 * np.maximum(temperature - 25.0, 0.0)) + random.normal(0.0, 30.0, 365)
    return pd.DataFrame({"energy": energy, "temperature": temperature}, index=index)


def median_ms(call: Callable[[], object], repeats: int = 201) -> float:
    """The median time of a call in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def main() -> None:
    """Prints the machine, the two times and their ratio."""
    before, after = year("2023-01-01", 1), year("2024-01-01", 2)
    model = fit_towt_daily(before)
    assert isinstance(model, Model)
    matrix, y = design(model, before), before["energy"].to_numpy()

    def whole() -> object:
        fitted = fit_towt_daily(before)
        assert isinstance(fitted, Model)
        result = avoided_energy(fitted, after)
        assert isinstance(result, Savings)
        return result

    def bare() -> object:
        return np.linalg.lstsq(matrix, y, rcond=None)

    ours, numpy_alone = median_ms(whole), median_ms(bare)
    print(describe())
    print(f"daily fit + saving + three uncertainties: {ours:.2f} ms")
    print(f"numpy lstsq of the same design:           {numpy_alone:.2f} ms")
    print(f"ratio: {ours / numpy_alone:.1f}")


if __name__ == "__main__":
    main()
