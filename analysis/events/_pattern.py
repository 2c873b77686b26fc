"""Where the pattern of the week changes: another rest day, another shift plan, at the same mean or not."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Floats
from analysis.events._segments import cuts, noise_of, outliers, spread

_WEEKS: Final = 3
# a change this much smaller than the largest is what that one does in another season
_SHADOW: Final = 1.0 / 3.0


def whole_days(y: Floats, days: pd.DatetimeIndex) -> tuple[Floats, pd.DatetimeIndex]:
    """Every day from the first to the last; one without a value gets its weekday's of the weeks around."""
    civil = pd.DatetimeIndex([str(day)[:10] for day in days])
    every = pd.date_range(civil[0], civil[-1], freq="D")
    found: Floats = np.array(pd.Series(y, index=civil).reindex(every), dtype=np.float64)
    for place in np.flatnonzero(np.isnan(found)):
        near = [place + shift for shift in (-21, -14, -7, 7, 14, 21) if 0 <= place + shift < len(found)]
        values = found[near][~np.isnan(found[near])]
        found[place] = np.median(values) if len(values) else np.nanmedian(y)
    return found, every


def pattern_cuts(y: Floats, weekday: NDArray[np.int_], material: float) -> list[int]:
    """First index of each piece with another pattern of the week.

    y: daily values; weekday: 0–6 of each. The slow part (mean of the 7 values around) is taken out, the
    rest is fitted with seven levels a piece, by dynamic programming as `cuts` does; noise from
    differences over a week (no pattern disturbs them); a piece has at least three weeks. A change costs
    (2 ln n + 26) noise variances: 26 is what seven levels of pure noise gain at most in 0.1 %
    (chi-square with 7 degrees of freedom, 24.3) and a little more. material: patterns that differ by less
    (root mean square of the weekdays' levels, unit of y), or by less than two standard deviations of what
    they leave, are one pattern: a summer that weighs on workdays only is no new shift plan.
    """
    n, least = len(y), 7 * _WEEKS
    if n < 2 * least + 7:
        return []
    flat = _without_levels(y)
    kernel = np.ones(7) / 7.0
    padded = np.concatenate([np.full(3, np.mean(flat[:7])), flat, np.full(3, np.mean(flat[-7:]))])
    fast = flat - np.convolve(padded, kernel, mode="valid")
    scale = spread(fast[7:] - fast[:-7]) / math.sqrt(2.0)
    if scale <= 0.0:
        return []
    price = (2.0 * math.log(n) + 26.0) * scale**2
    onehot = np.eye(7)[weekday]
    sums = np.vstack([np.zeros(7), np.cumsum(onehot * fast[:, None], axis=0)])
    counts = np.vstack([np.zeros(7), np.cumsum(onehot, axis=0)])
    square = np.concatenate([[0.0], np.cumsum(fast**2)])
    best = np.full(n + 1, np.inf)
    best[0] = -price
    last = np.zeros(n + 1, dtype=np.int64)
    for end in range(least, n + 1):
        starts = slice(0, end - least + 1)
        size = np.maximum(counts[end] - counts[starts], 1.0)
        explained = np.sum((sums[end] - sums[starts]) ** 2 / size, axis=1)
        value = best[starts] + square[end] - square[starts] - explained + price
        place = int(np.argmin(value))
        best[end], last[end] = value[place], place
    found, end = [], n
    while end > 0:
        if last[end] > 0:
            found.append(int(last[end]))
        end = int(last[end])
    return _moved(y, weekday, _clear(fast, weekday, found[::-1], material))


def without_pattern(y: Floats, weekday: NDArray[np.int_], places: list[int]) -> Floats:
    """The series with each piece's pattern of the week taken out; its level stays."""
    flat = y.copy()
    edges = [0, *places, len(y)]
    for start, end in pairwise(edges):
        part, days = y[start:end], weekday[start:end]
        # a slow change inside the piece must not leak into the pattern
        weeks = np.arange(start, end) // 7
        slow = np.array([np.median(part[weeks == week]) for week in np.unique(weeks)])
        rest = part - slow[np.searchsorted(np.unique(weeks), weeks)]
        levels = _levels(rest, days)
        flat[start:end] -= (levels - np.average(levels, weights=np.bincount(days, minlength=7)))[days]
    return flat


def _without_levels(y: Floats) -> Floats:
    """The series without its lasting levels and lone wild days: the edges of an outage are no pattern."""
    _, calm = outliers(y, 10)
    noise = noise_of(calm, np.ones(len(y) - 1, dtype=np.bool_))
    price = (2.0 * math.log(len(y)) + 4.0) * noise.long_run
    flat = y.copy()
    for start, end in pairwise([0, *cuts(calm, price, 7), len(y)]):
        flat[start:end] -= np.median(y[start:end])
    return _tame(flat)


def _tame(y: Floats) -> Floats:
    """Days far from the same weekday both of the three weeks before and of the three after are pulled in.

    A day of a new pattern is near to those that follow, and stays.
    """
    sides = []
    for shifts in ((7, 14, 21), (-7, -14, -21)):
        moved = np.full((3, len(y)), np.nan)
        for row, shift in enumerate(shifts):
            if shift > 0:
                moved[row, shift:] = y[:-shift]
            else:
                moved[row, :shift] = y[-shift:]
        middle = np.full(len(y), np.nan)
        some = ~np.isnan(moved).all(axis=0)
        middle[some] = np.nanmedian(moved[:, some], axis=0)
        sides.append(middle)
    before = np.where(np.isnan(sides[0]), sides[1], sides[0])
    after = np.where(np.isnan(sides[1]), sides[0], sides[1])
    fence = 5.0 * spread(y - before)
    return np.clip(y, np.minimum(before, after) - fence, np.maximum(before, after) + fence)


def _clear(y: Floats, weekday: NDArray[np.int_], places: list[int], material: float) -> list[int]:
    """The cuts between patterns that really differ; the weakest goes first."""
    found = list(places)
    while found:
        edges = [0, *found, len(y)]
        parts = [(y[a:b], weekday[a:b]) for a, b in pairwise(edges)]
        shapes = [_levels(part, days) for part, days in parts]
        rest = np.concatenate([part - shape[days] for (part, days), shape in zip(parts, shapes, strict=True)])
        sizes = [float(np.sqrt(np.mean((b - a) ** 2))) for a, b in pairwise(shapes)]
        least = max(material, 2.0 * float(np.std(rest)), _SHADOW * max(sizes))
        weakest = int(np.argmin(sizes))
        if sizes[weakest] >= least:
            break
        del found[weakest]
    return found


def _levels(y: Floats, weekday: NDArray[np.int_]) -> Floats:
    return np.array([np.median(y[weekday == day]) if np.any(weekday == day) else 0.0 for day in range(7)])


def _moved(y: Floats, weekday: NDArray[np.int_], places: list[int]) -> list[int]:
    """Each cut moved by up to a week to where two patterns with levels of their own fit best."""
    found = list(places)
    for number, place in enumerate(places):
        left = found[number - 1] if number else 0
        right = places[number + 1] if number + 1 < len(places) else len(y)
        costs = {
            moved: _cost(y[left:moved], weekday[left:moved]) + _cost(y[moved:right], weekday[moved:right])
            for moved in range(max(left + 7, place - 7), min(right - 7, place + 7) + 1)
        }
        found[number] = min(costs, key=lambda moved: costs[moved]) if costs else place
    return found


def _cost(y: Floats, weekday: NDArray[np.int_]) -> float:
    counts = np.maximum(np.bincount(weekday, minlength=7), 1)
    sums = np.bincount(weekday, weights=y, minlength=7)
    return float(np.sum(y * y) - np.sum(sums**2 / counts))
