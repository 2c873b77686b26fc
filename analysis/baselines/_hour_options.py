"""What the hourly model is asked for and given: options, weights, blocks, and data it can't do with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis._frames import Bools, Floats
from analysis.baselines import _words as words
from analysis.baselines._hours import Ints
from analysis.data import MeterData
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError

# 60 days: below that a week's profile and the weather can't be told apart
_SHORTEST_DAYS: Final = 60
_BLOCK_DAYS: Final = 14
_FOLDS: Final = 5


@dataclass(frozen=True)
class Options:
    """The options of `fit`, checked."""

    pieces: int
    nodes: tuple[int, int]
    smoothing_h: tuple[float, ...]
    ridge: float
    special_ridge: float
    weight_days: float | None


def options_of(
    pieces: int,
    nodes: tuple[int, int],
    smoothing_h: float | Sequence[float],
    ridge: float,
    special_ridge: float,
    weight_days: float | None,
) -> Options:
    """The options, checked; ConfigError for ones that make no sense."""
    tried = tuple(
        float(hours) for hours in ([smoothing_h] if isinstance(smoothing_h, int | float) else smoothing_h)
    )
    if not tried or min(tried) < 0.0 or max(tried) > 240.0:
        raise ConfigError(f"smoothing_h {list(tried)}.", todo="Give hours between 0 and 240.")
    if pieces < 2 or min(nodes) < 2 or max(nodes) > 24:
        raise ConfigError(f"pieces {pieces}, nodes {list(nodes)}.", todo="Give 2 and more; nodes at most 24.")
    if ridge <= 0.0 or special_ridge <= 0.0:
        raise ConfigError("a ridge must be above zero.", todo="Give e.g. 0.1.")
    if weight_days is not None and weight_days <= 0.0:
        raise ConfigError(f"weight_days {weight_days}.", todo="Give days above zero, e.g. 14.")
    return Options(pieces, (int(nodes[0]), int(nodes[1])), tried, ridge, special_ridge, weight_days)


def weights_of(index: pd.DatetimeIndex, scale: float | None) -> Floats | None:
    """1/(1 + (age/scale)²) with mean 1, age in days before the last row; None without a scale."""
    if scale is None:
        return None
    seconds = index.as_unit("s").asi8
    age = (seconds[-1] - seconds) / 86_400.0
    weights: Floats = 1.0 / (1.0 + (age / scale) ** 2)
    return weights / float(np.mean(weights))


def folds_of(index: pd.DatetimeIndex) -> Ints:
    """Blocks of 14 days dealt out in turn to at most five folds, at least two."""
    at = (index.as_unit("s").asi8 - index.as_unit("s").asi8[0]) // (_BLOCK_DAYS * 86_400)
    folds = max(2, min(_FOLDS, int(at[-1]) + 1))
    fold: Ints = (at % folds).astype(np.int64)
    return fold


def refusal_of(data: MeterData, y: Floats, per_day: int, min_days: int, allow_short: bool) -> Refusal | None:
    """Why there can be no baseline: too few rows, a meter that says nothing or does not consume."""
    needed = (min(min_days, _SHORTEST_DAYS) if allow_short else min_days) * per_day
    if len(y) < needed:
        return words.refuse_too_few_rows(len(y), needed, str(data.interval))
    if not np.any(y):
        return notes.refuse_all_zero(data.energy, len(y) // per_day)
    if float(np.ptp(y)) <= 1e-9 * float(np.max(np.abs(y))):
        return notes.refuse_constant(data.energy, float(y[0]), len(y) // per_day)
    if float(np.mean(y)) <= 0.0:
        return notes.refuse_not_consumed(data.energy, float(np.mean(y)))
    return None


def coverage_of(data: MeterData, used: Bools, per_day: int, min_days: int) -> list[Finding]:
    """What the period lacks: rows left out, less than wanted, months never seen; rows that feed back."""
    found: list[Finding] = []
    rows = int(np.sum(used))
    below = int(np.sum(data.y[used] < 0.0))
    if below:
        found.append(words.negative_rows(below, rows))
    if rows < len(used):
        found.append(words.rows_left_out(len(used) - rows, len(used), str(data.interval)))
    if rows < min_days * per_day:
        found.append(words.short_rows(rows, min_days * per_day, str(data.interval)))
    missing = sorted(set(range(1, 13)) - set(data.index.month.to_numpy()[used].tolist()))
    if missing:
        found.append(notes.months_missing(missing))
    return found
