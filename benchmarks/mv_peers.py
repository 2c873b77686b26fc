"""Accuracy and time of baselines beside CAMBER and OpenDSM, on the same data in the same run.

Run: python benchmarks/mv_peers.py [--opendsm] [--venv FOLDER] [--data FOLDER]

The peers are installed with pip into environments of their own under --venv (kept for the next run;
OpenDSM takes 1.2 GB, so it is asked for). The data are rethinking's building b01 where --data has it
(2016 to fit, 2017 to compare), else a plant made up here. Peers get temperature and energy; dodac
also knows China's public holidays, which the peers have no place for. Everybody has one BLAS thread;
milliseconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import os

# for everybody the same, and so that two processes do not share each other's cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from _machine import describe

from analysis import Model, Savings, avoided_energy, day_types, fit, fit_towt_daily, meter_data, predict

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data" / "mv" / "rethinking"
PEERS = {"camber": ["camber-toolkit"], "opendsm": ["opendsm", "multimethod<2", "pandas<3"]}
IMPORTS = {"camber": "import camber.mandv.towt, camber.mandv.models", "opendsm": "import opendsm.eemeter"}


def building(folder: Path, part: str) -> pd.DataFrame:
    """A year of hours of b01, its weather read past the empty stamp."""
    energy = pd.read_csv(folder / f"b01_{part}_consumption.csv", index_col=0, parse_dates=True)["total"]
    weather = pd.read_csv(folder / f"b01_{part}_weather.csv", index_col=0, parse_dates=True)["temperature"]
    weather = weather[weather.index.notna()]
    return pd.DataFrame({"energy": energy, "temperature": weather.reindex(energy.index)})


def made_up(year: int) -> pd.DataFrame:
    """A year of hours of an office: weekdays 7 to 19, cooling above 22 °C with a day's delay."""
    random = np.random.default_rng(year)
    index = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h")
    hour = index.hour.to_numpy()
    swing = np.repeat(random.normal(0.0, 2.5, len(index) // 24), 24)
    t = 18.0 + 9.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 200) / 365.25) + swing
    t = t + 4.0 * np.cos(2 * np.pi * (hour - 15) / 24)
    felt = pd.Series(t).ewm(alpha=1 / 24, adjust=False).mean().to_numpy()
    busy = (index.day_of_week.to_numpy() < 5) & (hour >= 7) & (hour < 19)
    busy &= (day_types(index, "CN") == "normal").to_numpy()
    energy = np.where(busy, 250.0 + 20.0 * np.maximum(felt - 22.0, 0.0), 110.0)
    return pd.DataFrame(
        {"energy": energy * random.normal(1.0, 0.06, len(index)), "temperature": t}, index=index
    )


def days_of(hours: pd.DataFrame) -> pd.DataFrame:
    """Sums and means of days with at least 23 hours and a temperature."""
    days = hours.resample("D").agg({"energy": "sum", "temperature": "mean"})
    return days[hours["energy"].resample("D").count() >= 23].dropna()


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with China's day types."""
    words = day_types(pd.DatetimeIndex(frame.index), "CN", make_up=True)
    return frame.assign(day_type=words.to_numpy())


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """The median processor time of a call after one to warm up (the machine may be busy)."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return 1e3 * float(np.median(times))


def errors(model: Model, after: pd.DataFrame) -> tuple[float, float]:
    """CV(RMSE) and NMBE, % of the mean."""
    error = (after["energy"] - predict(model, after)).dropna()
    mean = float(after["energy"][error.index].mean())
    return 100 * float(np.sqrt((error**2).mean())) / mean, 100 * float(error.mean()) / mean


def fitted(frame: pd.DataFrame, interval: str, kind: str) -> Model:
    """A baseline of that kind with its defaults."""
    data = meter_data(
        frame, unit="kWh", interval=interval, temperature="temperature", categories=["day_type"]
    )
    model = fit(data, kind)
    assert isinstance(model, Model), model
    return model


def saved(before: pd.DataFrame, after: pd.DataFrame, kind: str = "towt-daily") -> Savings:
    """A daily baseline, the saving and its analytic uncertainty."""
    result = avoided_energy(fitted(before, "day", kind), after)
    assert isinstance(result, Savings), result
    return result


def meter_year(seed: int) -> float:
    """One synthetic meter: two years made, fitted, compared; the saving."""
    random = np.random.default_rng(seed)
    index = pd.date_range("2023-01-01", periods=731, freq="D")
    t = 26.5 + 4.0 * np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25)
    t = t + random.normal(0.0, 1.5, len(index))
    work = np.where(index.day_of_week.to_numpy() < 6, 1.0, 0.4)
    energy = work * (1000.0 + 20.0 * np.maximum(t - 25.0, 0.0)) + random.normal(0.0, 30.0, len(index))
    frame = pd.DataFrame({"energy": energy, "temperature": t}, index=index)
    model = fit_towt_daily(frame.iloc[:365])
    assert isinstance(model, Model)
    result = avoided_energy(model, frame.iloc[365:])
    assert isinstance(result, Savings)
    return result.saving


def many_meters(count: int, processes: int) -> float:
    """Seconds for `count` daily meter-years over some processes, their start included."""
    begin = time.perf_counter()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(meter_year, range(count), chunksize=max(1, count // (4 * processes))))
    assert len(found) == count
    return time.perf_counter() - begin


def python_of(folder: Path, peer: str) -> Path | None:
    """The peer's Python, installed on first use; None (said) when that fails."""
    python = folder / peer / "bin" / "python"
    done = folder / peer / "installed"
    if not done.exists():
        venv.create(folder / peer, with_pip=True, clear=True)
        made = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *PEERS[peer]],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            print(f"{peer} could not be installed: {made.stderr.strip().splitlines()[-1:]}")
            return None
        done.write_text("yes\n", encoding="utf-8")
    return python


def imports_s(python: Path | str, *statements: str, repeats: int = 11) -> list[float]:
    """Median processor seconds of whole processes that import something, taken in turn."""
    times: list[list[float]] = [[] for _ in statements]
    for _ in range(repeats):
        for statement, taken in zip(statements, times, strict=True):
            before = os.times()
            subprocess.run([python, "-c", statement], check=True, cwd=HERE.parent, capture_output=True)
            after = os.times()
            taken.append(
                after.children_user + after.children_system - before.children_user - before.children_system
            )
    return [float(np.median(taken[1:])) for taken in times]


def ran(python: Path, peer: str, folder: str, repeats: int) -> dict[str, object]:
    """What a peer's script says of the tables in a folder."""
    script = HERE / "peers" / f"mv_{peer}.py"
    done = subprocess.run([python, script, folder, str(repeats)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1:]}
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def line(name: str, hour: object, day: object, times: dict[str, object]) -> None:
    """One row of the table."""

    def two(pair: object) -> str:
        return f"{pair[0]:6.2f} / {pair[1]:+5.2f}" if isinstance(pair, (list, tuple)) else f"{'–':>14}"

    def ms(value: object) -> str:
        return f"{value:9.1f}" if isinstance(value, float) else f"{'–':>9}"

    print(f"{name:<34}{two(hour)}  {two(day)}  {ms(times.get('hour_ms'))}  {ms(times.get('day_ms'))}")


def main() -> None:
    """Prints the machine, a table of accuracy and time, ratios, imports and a thousand meters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opendsm", action="store_true", help="OpenDSM too (1.2 GB, a minute's install)")
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache" / "dodac-peers")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of rethinking's b01 files")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--meters", type=int, default=1000)
    options = parser.parse_args()
    real = (options.data / "b01_train_consumption.csv").exists()
    before = building(options.data, "train") if real else made_up(2016)
    after = building(options.data, "test") if real else made_up(2017)
    day_before, day_after = days_of(before), days_of(after)
    print(describe())
    print("data: " + ("rethinking b01, 2016 fitted, 2017 compared" if real else "a made-up office"))
    print(f"{'':<34}{'hour CV / NMBE %':>14}{'day CV / NMBE %':>16}  {'hour ms':>9}  {'day ms':>9}")
    asked = ["camber", *(["opendsm"] if options.opendsm else [])]
    theirs: dict[str, dict[str, object]] = {}
    pythons: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as folder:
        tables = {
            "hour_before": before,
            "hour_after": after,
            "day_before": day_before,
            "day_after": day_after,
        }
        for name, frame in tables.items():
            frame.to_csv(Path(folder) / f"{name}.csv")
        for peer in asked:
            python = python_of(options.venv, peer)
            if python is not None:
                pythons[peer] = python
                theirs[peer] = ran(python, peer, folder, 3 if peer == "opendsm" else options.repeats)
                line(peer, theirs[peer].get("hour"), theirs[peer].get("day"), theirs[peer])
                for key in ("error", "hour_error", "day_error"):
                    if key in theirs[peer]:
                        print(f"  {key}: {theirs[peer][key]}")
    before, after, day_before, day_after = (typed(x) for x in (before, after, day_before, day_after))
    ours: dict[str, dict[str, object]] = {}
    for kind in ("towt-daily", "towt-daily-smoothed"):
        ours[kind] = {
            "hour_ms": median_ms(
                lambda: predict(fitted(before, "hour", "towt-hourly"), after), options.repeats
            ),
            "day_ms": median_ms(lambda kind=kind: saved(day_before, day_after, kind), options.repeats),
        }
        line(
            f"dodac (towt-hourly, {kind[5:]})",
            errors(fitted(before, "hour", "towt-hourly"), after),
            errors(fitted(day_before, "day", kind), day_after),
            ours[kind],
        )
    camber = theirs.get("camber", {})
    for kind, times in ours.items():
        for step, wanted in (("day", 0.25), ("hour", 0.6)):
            peer_ms, mine = camber.get(f"{step}_ms"), times[f"{step}_ms"]
            if isinstance(peer_ms, float) and isinstance(mine, float):
                print(f"{kind}, {step}: {mine / peer_ms:.2f} of CAMBER's time (wanted: at most {wanted})")
    bare, own = imports_s(sys.executable, "import numpy, pandas", "import analysis")
    print(
        f"import analysis {own:.2f} s, numpy and pandas {bare:.2f} s: {own / bare:.2f} (wanted: at most 1.3)"
    )
    for peer, python in pythons.items():
        print(f"import of {peer}: {imports_s(python, IMPORTS[peer], repeats=4)[0]:.2f} s")
    print(
        f"{options.meters} daily meter-years on two processes: {many_meters(options.meters, 2):.1f} s (wanted: under 10)"
    )


if __name__ == "__main__":
    main()
