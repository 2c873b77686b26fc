"""Cuts a noisy series into levels: robust noise and memory, then least squares with a price per cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis._frames import Bools, Floats
from analysis._linear import lag1

# a normal distribution's standard deviation from its median absolute deviation
_MAD: Final = 1.4826
# modified z-score beyond which Iglewicz and Hoaglin (1993) call a value an outlier
OUTLIER_Z: Final = 3.5
_BLOCK: Final = 14
_MOST_MEMORY: Final = 0.97


@dataclass(frozen=True)
class Noise:
    """sd: standard deviation of one interval; rho: lag-1 memory; long_run: variance of a mean times n."""

    sd: float
    rho: float
    long_run: float


def spread(values: Floats) -> float:
    """1.4826 · MAD: a standard deviation that a few wild values don't move."""
    if not len(values):
        return 0.0
    return _MAD * float(np.median(np.abs(values - np.median(values))))


def running_median(y: Floats, half: int) -> Floats:
    """The median of the 2·half + 1 values around each (fewer at the ends)."""
    padded = np.concatenate([np.full(half, np.nan), y, np.full(half, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.nanmedian(windows, axis=1), dtype=np.float64)


def outliers(y: Floats, half: int) -> tuple[Bools, Floats]:
    """Values far from the median around them, and the series with them pulled in to the fence.

    Modified z-score above 3.5 (Iglewicz and Hoaglin 1993, ASQC Basic References 16). A lasting
    change moves the median along and is no outlier.
    """
    middle = running_median(y, half)
    scale = spread(y - middle)
    if scale <= 0.0:
        return np.zeros(len(y), dtype=np.bool_), y
    fence = OUTLIER_Z * scale
    far = np.abs(y - middle) > fence
    return far, np.clip(y, middle - fence, middle + fence)


def noise_of(y: Floats, follows: Bools) -> Noise:
    """Noise and memory that steps in the level hardly move.

    From differences of neighbours (a step is in one of them), outliers pulled in before: Var(y[t+1] − y[t]) = 2σ²(1 − ρ) and
    Var(y[t+2] − y[t]) = 2σ²(1 − ρ²), hence 1 + ρ (Chakar, Lebarbier, Lévy-Leduc and Robin 2017,
    Bernoulli 23(2) 1408–1447); never above the plain lag-1 autocorrelation, which steps only raise. Memory longer than AR(1) shows in differences of means over 14
    intervals (robustly scaled): the larger of both long-run variances counts. follows: as in `Model`.
    """
    one = np.diff(y)[follows]
    two = (y[2:] - y[:-2])[follows[1:] & follows[:-1]] if len(y) > 2 else np.array([])
    first = float(np.mean(one**2)) if len(one) else 0.0
    second = float(np.mean(two**2)) if len(two) else first
    if first <= 0.0:
        return Noise(0.0, 0.0, 0.0)
    rho = min(max(second / first - 1.0, 0.0), lag1(y - np.mean(y), follows), _MOST_MEMORY)
    variance = first / (2.0 * (1.0 - rho))
    long_run = variance * (1.0 + rho) / (1.0 - rho)
    blocks = len(y) // _BLOCK
    if blocks >= 8:
        means = y[: blocks * _BLOCK].reshape(blocks, _BLOCK).mean(axis=1)
        long_run = max(long_run, spread(np.diff(means)) ** 2 / 2.0 * _BLOCK)
    return Noise(math.sqrt(variance), rho, long_run)


def cuts(y: Floats, price: float, least: int) -> list[int]:
    """Where the level changes: the cuts that make Σ(y − level)² + price · number of cuts smallest.

    y: series; price: in the square of its unit; least: shortest piece. Exact, by dynamic
    programming over the last cut (Jackson et al. 2005, IEEE Signal Processing Letters 12(2) 105–108,
    optimal partitioning). Gives the first index of each new piece.
    """
    n = len(y)
    if n < 2 * least:
        return []
    total = np.concatenate([[0.0], np.cumsum(y)])
    square = np.concatenate([[0.0], np.cumsum(y * y)])
    best = np.full(n + 1, np.inf)
    best[0] = -price
    last = np.zeros(n + 1, dtype=np.int64)
    for end in range(least, n + 1):
        starts = np.arange(0, end - least + 1)
        size = end - starts
        cost = square[end] - square[starts] - (total[end] - total[starts]) ** 2 / size
        value = best[starts] + cost + price
        place = int(np.argmin(value))
        best[end], last[end] = value[place], starts[place]
    found = []
    end = n
    while end > 0:
        start = int(last[end])
        if start > 0:
            found.append(start)
        end = start
    return found[::-1]


def refined(y: Floats, cut: int, left: int, right: int, rho: float, reach: int) -> int:
    """The cut moved, by up to `reach`, to where generalised least squares with AR(1) errors puts it.

    left, right: the pieces' ends, y[left:cut] and y[cut:right]. Yesterday's error is known from
    yesterday's value, so that the jump itself stands out of a slow noise.
    """
    places = range(max(left + 2, cut - reach), min(right - 2, cut + reach) + 1)
    part = y[left:right]
    whitened = np.concatenate([[math.sqrt(1.0 - rho**2) * part[0]], part[1:] - rho * part[:-1]])
    ones = np.concatenate([[math.sqrt(1.0 - rho**2)], np.full(len(part) - 1, 1.0 - rho)])
    best, chosen = np.inf, cut
    for place in places:
        step = np.zeros(len(part))
        step[place - left :] = 1.0 - rho
        step[place - left] = 1.0
        x = np.column_stack([ones, step])
        solution = np.linalg.solve(x.T @ x, x.T @ whitened)
        error = whitened - x @ solution
        sse = float(error @ error)
        if sse < best - 1e-12 * abs(best if np.isfinite(best) else sse):
            best, chosen = sse, place
    return chosen
