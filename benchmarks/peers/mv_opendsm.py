"""OpenDSM on the tables of mv_peers.py: accuracy on the second year, times; JSON on standard output.

Run with the Python of its own environment: python mv_opendsm.py FOLDER REPEATS
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
from opendsm import eemeter as em  # noqa: E402


def table(folder: Path, name: str) -> pd.DataFrame:
    """One CSV of the folder in OpenDSM's shape: °F, zoned."""
    frame = pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True)
    frame.index = pd.DatetimeIndex(frame.index).tz_localize("UTC")
    return pd.DataFrame({"temperature": frame["temperature"] * 1.8 + 32.0, "observed": frame["energy"]})


def run(folder: Path, step: str, repeats: int) -> tuple[list[float], float]:
    """CV(RMSE), NMBE (%) of the second year, and the median processor time of data classes, fit and prediction."""
    before, after = table(folder, f"{step}_before"), table(folder, f"{step}_after")
    baseline_data: Any = em.HourlyBaselineData if step == "hour" else em.DailyBaselineData
    reporting_data: Any = em.HourlyReportingData if step == "hour" else em.DailyReportingData
    times = []
    found = pd.DataFrame()
    for _ in range(repeats + 1):
        begin = time.process_time()
        model: Any = em.HourlyModel() if step == "hour" else em.DailyModel()
        model.fit(baseline_data(before, is_electricity_data=True), ignore_disqualification=True)
        found = model.predict(reporting_data(after, is_electricity_data=True), ignore_disqualification=True)
        times.append(time.process_time() - begin)
    error = (after["observed"] - found["predicted"].reindex(after.index)).dropna()
    mean = float(after["observed"][error.index].mean())
    accuracy = [100 * float(np.sqrt((error**2).mean())) / mean, 100 * float(error.mean()) / mean]
    return accuracy, 1e3 * float(np.median(times[1:]))


def main() -> None:
    """Fits and times both models."""
    folder, repeats = Path(sys.argv[1]), int(sys.argv[2])
    found: dict[str, object] = {}
    for step in ("hour", "day"):
        try:
            found[step], found[f"{step}_ms"] = run(folder, step, repeats)
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            found[f"{step}_error"] = f"{type(error).__name__}: {error}"[:200]
    sys.stdout.write("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
