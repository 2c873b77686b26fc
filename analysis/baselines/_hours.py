"""Features of intervals shorter than a day: slots, day groups, hats over the day, smoothed temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats
from analysis.baselines._extras import as_words
from analysis.baselines._towt_columns import WEEKDAYS, segments_of

Ints = NDArray[np.int64]

NORMAL: Final = "normal"


def slots_of(index: pd.DatetimeIndex, slots: int) -> Ints:
    """The place of each interval in its day, 0 … slots − 1 (local time)."""
    minute = index.hour.to_numpy() * 60 + index.minute.to_numpy()
    found: Ints = (minute * slots // 1440).astype(np.int64)
    return found


def hats(slots: int, nodes: int) -> Floats:
    """slots × nodes: straight lines between nodes spread evenly over the day, which is a circle."""
    middle = (np.arange(slots) + 0.5) * nodes / slots
    apart = np.abs((middle[:, None] - np.arange(nodes) - 0.5 + nodes / 2) % nodes - nodes / 2)
    return np.maximum(1.0 - apart, 0.0)


def words_of(frame: pd.DataFrame, column: str) -> tuple[Ints, list[str]]:
    """A category as numbers of words (−1 where there is none) and the words.

    Raises ConfigError when the column is missing.
    """
    if column not in frame.columns:
        as_words(frame, column)
    codes, uniques = pd.factorize(frame[column])
    words = as_words(pd.DataFrame({column: pd.Series(uniques, dtype=object)}), column)
    return codes.astype(np.int64), [str(word) for word in words]


def smoothed(
    temperature: Floats, index: pd.DatetimeIndex, hours: float, seconds: int, start: float | None = None
) -> Floats:
    """Temperature as a heavy building feels it: a first-order lag with a time constant in hours.

    temperature: °C, NaN where not measured; seconds: length of an interval. Gaps let the older
    values fade. start: its value before the first row (analysis.baselines.warm_start has a good
    one); None: the mean of the first day that was measured. NaN where the temperature is.
    """
    if hours <= 0.0 or not len(temperature):
        return temperature.copy()
    # rounding: days of a zone with summer time are 23 or 25 hours apart
    places = np.round((index.as_unit("s").asi8 - index.as_unit("s").asi8[0]) / seconds).astype(np.int64)
    known = np.flatnonzero(~np.isnan(temperature))
    if not len(known):
        return temperature.copy()
    grid = np.full(int(places[-1]) + 2, np.nan)
    grid[0] = np.mean(temperature[known[: max(1, 86_400 // seconds)]]) if start is None else start
    grid[places + 1] = temperature
    share = 1.0 - float(np.exp(-seconds / (3600.0 * hours)))
    lagged = pd.Series(grid).ewm(alpha=share, adjust=False, ignore_na=False).mean().to_numpy()
    return np.where(np.isnan(temperature), np.nan, lagged[places + 1])


def quantile_knots(values: Floats, pieces: int) -> list[float]:
    """Inner temperatures (°C) that part the intervals into pieces of equal count, at least one."""
    found = np.quantile(values, np.arange(1, pieces) / pieces) if pieces > 1 else np.array([np.mean(values)])
    # to 1/1000 K: knots nearer than that are one
    return sorted({round(float(knot), 3) for knot in found})


def pieces_of(values: Floats, knots: Sequence[float], scale: float) -> Floats:
    """Temperature cut at the knots, each piece zero at its lower end, in units of `scale` K."""
    cut = segments_of(values, list(knots))
    cut[:, 0] -= knots[0]
    return cut / scale


def day_groups(
    slot: Ints, weekday: NDArray[np.int_], temperature: Floats, y: Floats, slots: int
) -> tuple[list[list[int]], list[float]]:
    """Weekdays with one profile, and each group's mean level at equal temperature (unit of y).

    Weekdays are merged while their profiles differ no more than chance would. Profiles are taken at equal temperature (a line below 10 °C and above 18.3 °C in each slot). Two
    groups of n1 and n2 days are merged while n1·n2/(n1+n2)·Σ(difference²) is below log(days) times
    the sum of the slots' residual variances (the Bayesian criterion with a whole profile as one
    quantity, because the hours of a day are anything but independent).
    """
    days = [day for day in range(7) if np.any(weekday == day)]
    profiles = np.zeros((len(days), slots))
    noise = 0.0
    weight = np.array([np.sum(weekday == day) / slots for day in days])
    for place in range(slots):
        mine = slot == place
        if not mine.any():
            continue
        levels = (weekday[mine][:, None] == np.array(days)).astype(np.float64)
        line = np.column_stack(
            [levels, np.minimum(temperature[mine] - 10.0, 0.0), np.maximum(temperature[mine] - 18.3, 0.0)]
        )
        gram = line.T @ line
        gram[np.diag_indices_from(gram)] += 1e-6 * max(1.0, float(np.trace(gram)) / len(gram))
        solved = np.linalg.solve(gram, line.T @ y[mine])
        profiles[:, place] = solved[: len(days)]
        left = y[mine] - line @ solved
        noise += float(left @ left) / max(1, int(np.sum(mine)) - line.shape[1])
    limit = noise * float(np.log(max(2.0, float(np.sum(weight)))))
    groups = [[place] for place in range(len(days))]
    means = [profiles[place] for place in range(len(days))]
    while len(groups) > 1:
        best, pair = np.inf, (0, 0)
        for a in range(len(groups)):
            for b in range(a + 1, len(groups)):
                na, nb = weight[groups[a]].sum(), weight[groups[b]].sum()
                apart = float(na * nb / (na + nb) * np.sum((means[a] - means[b]) ** 2))
                if apart < best:
                    best, pair = apart, (a, b)
        if best > limit:
            break
        a, b = pair
        joined = groups[a] + groups[b]
        means[a] = np.average(profiles[joined], axis=0, weights=weight[joined])
        groups[a] = joined
        del groups[b], means[b]
    found = sorted(
        (sorted(days[place] for place in group), float(np.mean(mean)))
        for group, mean in zip(groups, means, strict=True)
    )
    return [group for group, _ in found], [level for _, level in found]


def group_label(days: Sequence[int]) -> str:
    """The name of a group of weekdays: "mon-fri", "sat", "mon+wed"."""
    short = [WEEKDAYS[day][:3] for day in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{short[0]}-{short[-1]}"
    return "+".join(short)


def occupied_groups(levels: Sequence[float]) -> list[bool]:
    """Groups above the middle between the highest and the lowest level; a single group is occupied."""
    middle = (min(levels) + max(levels)) / 2.0
    return [level >= middle for level in levels]


def neighbours(index: pd.DatetimeIndex, used: Bools, seconds: int) -> Bools:
    """For each used interval but the last: is the next used one its neighbour?"""
    at = index.as_unit("s").asi8[used]
    close: Bools = np.diff(at) == seconds
    return close
