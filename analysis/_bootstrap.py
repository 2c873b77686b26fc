"""The block bootstrap of a saving's error: residuals drawn in runs, so that their memory stays."""

from __future__ import annotations

import math

import numpy as np

from analysis._frames import Floats
from analysis._memory import rows_per_block
from analysis.results import Model
from dodac.errors import DataError

_DRAWS = 2000
_SEED = 20_261_122


def half_width(model: Model, rows: Floats, confidence: float) -> tuple[float, int]:
    """± of the sum over `rows` (reporting design, m × p) and the length of the blocks in intervals.

    Circular moving blocks (Künsch 1989, Annals of Statistics 17; Politis and Romano 1992) of residuals
    scaled by sqrt(n/(n − p)) are laid end to end, once as the errors of the baseline (they move the
    coefficients by (X′X)⁻¹X′u) and once as those of the reporting period; the half width is the
    quantile of |error|. Sub-daily rows are drawn in whole days. Length: (2ρ²/(1 − ρ²)²)^⅓ n^⅓ blocks
    (Carlstein 1986 for AR(1)), at least one, at most a quarter of the period. Same seed, same answer.
    Raises DataError for a model without residuals or design.
    """
    basis = model.basis() if callable(model.basis) else model.basis
    residuals = model.residuals
    if residuals is None or basis is None or len(basis) != len(residuals):
        raise DataError(
            "this baseline keeps no residuals, so nothing can be drawn from them.",
            todo="Choose another method, or fit the baseline again from its data.",
        )
    n, p = len(residuals), model.statistics.p
    step = rows_per_block(model.interval, n, 1)
    count = n // step
    summed = residuals[n - count * step :].reshape(count, step).sum(axis=1)
    scaled = residuals * math.sqrt(n / max(n - p, 1))
    g = np.sum(rows, axis=0)
    # c′u is what errors u of the baseline do to the adjusted baseline's sum
    per_row = model.statistics.rmse**2
    pull = basis @ (model.covariance @ g) / per_row if per_row > 0.0 else np.zeros(n)
    length = min(_block_length(summed), max(count // 4, 1)) * step
    random = np.random.default_rng(_SEED)
    m = len(rows)
    before = _drawn(scaled, pull, length, random)
    after = _drawn(scaled, np.ones(m), length, random)
    return float(np.quantile(np.abs(before - after), confidence)), length


def _block_length(values: Floats) -> int:
    power = float(values @ values)
    rho = float(values[1:] @ values[:-1]) / power if power > 0.0 else 0.0
    rho = min(max(rho, 0.0), 0.99)
    ideal = (2.0 * rho**2 / (1.0 - rho**2) ** 2) ** (1 / 3) * len(values) ** (1 / 3)
    return max(1, round(float(ideal)))


def _drawn(values: Floats, pull: Floats, length: int, random: np.random.Generator) -> Floats:
    """pull′u for `_DRAWS` series u of len(pull) made of runs of `values` (circular)."""
    n, m = len(values), len(pull)
    runs = -(-m // length)
    padded = np.zeros(runs * length)
    padded[:m] = pull
    circle = np.concatenate([values, values[: length - 1]]) if length > 1 else values
    window = np.lib.stride_tricks.sliding_window_view(circle, length)
    total = np.zeros(_DRAWS)
    for weights in padded.reshape(runs, length):
        # every start's pull at once, then draw starts
        total += (window @ weights)[random.integers(0, n, _DRAWS)]
    return total
