"""CAMBER on the tables of mv_peers.py: accuracy on the second year, times; JSON on standard output.

Run with the Python of its own environment: python mv_camber.py FOLDER REPEATS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from camber.mandv.models import best_model
from camber.mandv.stats import avoided_energy_savings, fit_stats
from camber.mandv.towt import fit_towt


def table(folder: Path, name: str) -> pd.DataFrame:
    """One CSV of the folder, indexed by time."""
    return pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True).dropna(
        subset=["energy", "temperature"]
    )


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """The median processor time of a call after one to warm up (the machine may be busy)."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return 1e3 * float(np.median(times))


def errors(measured: np.ndarray, predicted: np.ndarray) -> list[float]:
    """CV(RMSE) and NMBE, % of the mean."""
    error, mean = measured - predicted, measured.mean()
    return [100 * float(np.sqrt(np.mean(error**2)) / mean), 100 * float(error.mean() / mean)]


def main() -> None:
    """Fits and times both models."""
    folder, repeats = Path(sys.argv[1]), int(sys.argv[2])
    hours, after = table(folder, "hour_before"), table(folder, "hour_after")

    def hourly() -> tuple[object, np.ndarray]:
        model = fit_towt(hours["energy"], hours["temperature"])
        return model, np.asarray(model.predict(after.index, after["temperature"]))

    days, later = table(folder, "day_before"), table(folder, "day_after")

    def daily() -> tuple[object, object]:
        t, y = days["temperature"].to_numpy(), days["energy"].to_numpy()
        model = best_model(t, y, time_index=days.index)
        stats = fit_stats(
            y, model.predict(t), len(model.coeffs) + len(model.change_points), time_index=days.index
        )
        saving = avoided_energy_savings(
            model, later["temperature"].to_numpy(), later["energy"].to_numpy(), cv_rmse=stats.cv_rmse,
            n_baseline=len(y), p_baseline=len(model.coeffs) + len(model.change_points), rho=stats.rho_lag1, kernel="exact",
        )  # fmt: skip
        return model, saving

    model, _ = daily()
    sys.stdout.write(
        json.dumps(
            {
                "hour": errors(after["energy"].to_numpy(), hourly()[1]),
                "day": errors(
                    later["energy"].to_numpy(), np.asarray(model.predict(later["temperature"].to_numpy()))
                ),
                "hour_ms": median_ms(hourly, repeats),
                "day_ms": median_ms(daily, repeats),
            }
        )
    )


if __name__ == "__main__":
    main()
