"""Coverage of the intervals by simulation: designs, noises, and every method over many draws at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import Model, design, fit_towt_daily
from analysis._memory import (
    _columns,
    cosines,
    grid,
    judged,
    mixture_half_width,
    rows_per_block,
    variance_of_sum,
)
from analysis._student import t_two_sided
from analysis.uncertainty import sun_baltazar_factor

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Floats]

CONFIDENCE = 0.9
_BATCH_NUMBERS = 6_000_000


def autoregressive(*phi: float) -> Noise:
    """AR noise of unit variance (after a burn-in of 600), rows × draws."""

    def draw(random: np.random.Generator, rows: int, draws: int) -> Floats:
        error = random.standard_normal((rows + 600, draws))
        for row in range(len(phi), len(error)):
            for lag, weight in enumerate(phi, start=1):
                error[row] += weight * error[row - lag]
        return error[600:]

    return draw


def slow_under_white(rho: float, share: float) -> Noise:
    """AR(1) that makes `share` of the variance, and white noise: drift under a day's chance."""

    def draw(random: np.random.Generator, rows: int, draws: int) -> Floats:
        slow = autoregressive(rho)(random, rows, draws) * math.sqrt((1.0 - rho**2) * share)
        return slow + math.sqrt(1.0 - share) * random.standard_normal((rows, draws))

    return draw


def fractional(d: float) -> Noise:
    """Long memory: the spectrum rises as frequency^(−2d) down to a cycle of four times the series."""

    def draw(random: np.random.Generator, rows: int, draws: int) -> Floats:
        long = 4 * rows
        frequency = np.fft.rfftfreq(long)
        power = np.zeros(len(frequency))
        power[1:] = (2.0 * np.sin(np.pi * frequency[1:])) ** (-2.0 * d)
        wave = random.standard_normal((len(power), draws)) + 1j * random.standard_normal((len(power), draws))
        found: Floats = np.fft.irfft(wave * np.sqrt(power)[:, None], long, axis=0)[:rows]
        return found

    return draw


@dataclass(frozen=True)
class Case:
    """One line of the table: baseline design, reporting design, noise; rho where the oracle knows it."""

    name: str
    interval: str
    before: Floats
    after: Floats
    noise: Noise
    rho: float | None = None


@dataclass(frozen=True)
class Shown:
    """Share of intervals that held the truth (%) and median width, by method; oracle: width knowing ρ."""

    share: dict[str, float]
    width: dict[str, float]
    oracle: float | None


def one_driver(rows: int, first: int, per_day: int = 1, seed: int = 7) -> Floats:
    """Level and one driver: a year's wave of temperature with weather (and a day's wave of hours)."""
    random = np.random.default_rng([seed, first])
    day = (first + np.arange(rows)) / per_day
    weather = np.repeat(random.normal(0.0, 3.0, rows // per_day + 2), per_day)[:rows]
    heat = 15.0 + 10.0 * np.sin(2.0 * np.pi * day / 365.0) + weather
    if per_day > 1:
        heat = heat + 4.0 * np.sin(2.0 * np.pi * day)
    return np.column_stack([np.ones(rows), heat])


def towt_designs() -> tuple[Floats, Floats]:
    """Two years of a daily plant with production as `towt-daily` sees them (terms: weekdays, heat, tonnes)."""
    frames = []
    for start in ("2023-01-01", "2024-01-01"):
        index = pd.date_range(start, periods=365, freq="D", tz="Asia/Ho_Chi_Minh")
        random = np.random.default_rng(index[0].year)
        turn = 2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25
        heat = 26.5 + 4.0 * np.cos(turn) + random.normal(0.0, 1.5, 365)
        work = index.day_of_week.to_numpy() < 6
        tonnes = np.where(work, 50.0 + random.normal(0.0, 8.0, 365), 0.0)
        energy = np.where(work, 1000.0 + 20.0 * np.maximum(heat - 25.0, 0.0), 400.0) + 6.0 * tonnes
        energy += random.normal(0.0, 30.0, 365)
        frames.append(pd.DataFrame({"energy": energy, "temperature": heat, "tonnes": tonnes}, index=index))
    model = fit_towt_daily(frames[0], drivers=["tonnes"])
    assert isinstance(model, Model)
    return design(model, frames[0]), design(model, frames[1])


def simulate(case: Case, draws: int, seed: int) -> Shown:
    """Every method on `draws` simulated pairs of periods in which nothing was saved."""
    random = np.random.default_rng(seed)
    n, m = len(case.before), len(case.after)
    g = case.after.sum(axis=0)
    errors, halves = [], []
    pull = np.linalg.solve(case.before.T @ case.before, case.before.T)
    for some in _batches(draws, n + m):
        u = case.noise(random, n + m, some)
        moved = pull @ u[:n]
        errors.append(g @ moved - u[n:].sum(axis=0))
        halves.append(half_widths(case, u[:n] - case.before @ moved))
    error = np.abs(np.concatenate(errors))
    by_method = {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}
    oracle = None
    if case.rho is not None:
        extent = float(g @ np.linalg.solve(case.before.T @ case.before, g))
        kappa = (1.0 + case.rho) / (1.0 - case.rho)
        deviation = math.sqrt(kappa * (extent + m) / (1.0 - case.rho**2))
        oracle = t_two_sided(CONFIDENCE, n - case.before.shape[1]) * deviation
    return Shown(
        {name: 100.0 * float(np.mean(error <= half)) for name, half in by_method.items()},
        {name: float(np.median(half)) for name, half in by_method.items()},
        oracle,
    )


def half_widths(case: Case, residuals: Floats) -> dict[str, Floats]:
    """The half width of each method for residuals in columns, one a draw."""
    n, p = case.before.shape
    m = len(case.after)
    g = case.after.sum(axis=0)
    extent = float(g @ np.linalg.solve(case.before.T @ case.before, g))
    power = np.sum(residuals**2, axis=0)
    s2 = power / (n - p)
    rho = np.sum(residuals[1:] * residuals[:-1], axis=0) / (n - 1) / (power / n)
    kappa = (1.0 + np.clip(rho, 0.0, 0.999)) / (1.0 - np.clip(rho, 0.0, 0.999))
    independent = np.maximum(n / kappa, p + 1.0)
    t = _t(independent - p)
    common = t * np.sqrt(s2 * n / independent * (1.0 + 2.0 / independent) * m)
    days = m * {"day": 1.0, "hour": 1.0 / 24.0, "month": 30.4375}[case.interval]
    factor = sun_baltazar_factor(case.interval, max(1, round(days / 30.4375)))
    return {
        "exact_memory": _with_memory(case, residuals, s2 * extent, s2),
        "exact": t * np.sqrt(n / independent * s2 * (extent + m)),
        "g14": 1.26 * common,
        "sun_baltazar": factor * common,
    }


def _with_memory(case: Case, residuals: Floats, parameters: Floats, s2: Floats) -> Floats:
    n, p = case.before.shape
    size = rows_per_block(case.interval, n, min(p, 40))
    blocks = n // size
    first = n - blocks * size
    columns = _columns(case.before, blocks, size, first, p)
    summed = residuals[first:].reshape(blocks, size, residuals.shape[1]).sum(axis=1)
    weight, variance = judged(columns, cosines(summed), size)
    rho, share, _ = grid(blocks, size)
    kappa = variance_of_sum(rho, share, n / size) / (n / size)
    total = kappa[:, None] * variance / (size * s2) * parameters
    total = total + variance * variance_of_sum(rho, share, len(case.after) / size)[:, None]
    return mixture_half_width(weight, np.sqrt(total), float(blocks - columns.shape[1]), CONFIDENCE)


def _t(dof: Floats) -> Floats:
    """t quantiles by interpolation in 1/dof (exact to 1e-4)."""
    known = np.concatenate([np.geomspace(0.9, 60.0, 160), np.geomspace(61.0, 20_000.0, 60)])
    value = np.array([t_two_sided(CONFIDENCE, float(one)) for one in known])
    found: Floats = np.interp(-1.0 / dof, -1.0 / known, value)
    return found


def _batches(draws: int, rows: int) -> Iterator[int]:
    size = max(1, min(draws, _BATCH_NUMBERS // rows))
    while draws > 0:
        yield min(size, draws)
        draws -= size


def table_cases(towt: tuple[Floats, Floats]) -> list[Case]:
    """The lines of the table in docs/explanation/savings.md; towt: designs of the daily plant's two years."""
    found = []
    for days in (365, 182, 90):
        for rho in (0.0, 0.5, 0.8, 0.95):
            pair = one_driver(365, 0), one_driver(days, 365)
            found.append(Case(f"daily 365/{days}, 2 terms", "day", *pair, autoregressive(rho), rho))
    for rho in (0.0, 0.5, 0.8, 0.95):
        pair = one_driver(8760, 0, 24), one_driver(8760, 8760, 24)
        found.append(Case("hourly 8760/8760, 2 terms", "hour", *pair, autoregressive(rho), rho))
    for rho in (0.0, 0.5, 0.8, 0.95):
        name = f"daily 365/365, towt-daily, {towt[0].shape[1]} terms"
        found.append(Case(name, "day", *towt, autoregressive(rho), rho))
    year = one_driver(365, 0), one_driver(365, 365)
    found.append(Case("daily, AR(2) 0.5, 0.3", "day", *year, autoregressive(0.5, 0.3)))
    found.append(Case("daily, AR(2) 1.2, -0.4", "day", *year, autoregressive(1.2, -0.4)))
    found.append(Case("daily, 40 % of AR(1) 0.9 in white", "day", *year, slow_under_white(0.9, 0.4)))
    found.append(Case("daily, fractional d = 0.2", "day", *year, fractional(0.2)))
    months = [
        one_driver(days, first).reshape(-1, 30, 2).sum(axis=1) for days, first in ((720, 0), (360, 720))
    ]
    for rho in (0.0, 0.3):
        found.append(Case("monthly 24/12, 2 terms", "month", *months, autoregressive(rho), rho))
    return found
