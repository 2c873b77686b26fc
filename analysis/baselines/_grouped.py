"""Ridge least squares of rows that share a slot of the day: normal equations from small blocks.

A design of hour-of-week levels and slopes by hour has hundreds of columns, but a row touches a few
of them, and all rows of one slot touch the same ones. So each cell (day class × slot) has a small
matrix of its own, and its Gram matrix is spread over the columns of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis._frames import Bools, Floats
from analysis._linear import lag1
from analysis.baselines._hours import Ints
from analysis.results import FitStatistics

# a column this close (share of its square) to a combination of others carries no information
_DEPENDENT = 1e-9


@dataclass(frozen=True)
class Cell:
    """A full row = reduced row @ spread, at these columns of the design; zero elsewhere."""

    columns: Ints
    spread: Floats


@dataclass(frozen=True)
class Rows:
    """Reduced rows (n × r), and the number of each row's cell."""

    reduced: Floats
    cell: Ints


@dataclass(frozen=True)
class RidgeFit:
    """coefficients (p), covariance (p × p), residuals (n), statistics; edf: effective degrees of freedom.

    covariance: s² A⁻¹(X′W²X + Λ)A⁻¹ with A = X′WX + Λ; without weights s² A⁻¹, the variance of the
    prediction error when a penalised coefficient is a random one with variance s²/λ (Henderson
    1975; as the Bayesian interval of Nychka 1988 and Wood 2006): it holds the ridge's bias too.
    """

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    statistics: FitStatistics
    edf: float


def parts_of(key: Ints, count: int) -> tuple[Ints, Ints]:
    """Order of rows by key (0 … count − 1), and where each key begins (count + 1 bounds)."""
    order = np.argsort(key, kind="stable").astype(np.int64)
    bounds = np.searchsorted(key[order], np.arange(count + 1)).astype(np.int64)
    return order, bounds


def dense(rows: Rows, cells: Sequence[Cell], terms: int) -> Floats:
    """The whole design, n × terms."""
    full = np.zeros((len(rows.cell), terms))
    order, bounds = parts_of(rows.cell, len(cells))
    for number, cell in enumerate(cells):
        mine = order[bounds[number] : bounds[number + 1]]
        if len(mine):
            full[mine[:, None], cell.columns] = rows.reduced[mine] @ cell.spread
    return full


def times(rows: Rows, cells: Sequence[Cell], coefficients: Floats) -> Floats:
    """design @ coefficients without making the design."""
    weights = np.stack([cell.spread @ coefficients[cell.columns] for cell in cells])
    found: Floats = np.einsum("ij,ij->i", rows.reduced, weights[rows.cell])
    return found


def gram(rows: Rows, y: Floats, weights: Floats | None, cells: Sequence[Cell], terms: int) -> Floats:
    """(terms + 1)²: X′WX with X′Wy as last row and column, y′Wy in the corner."""
    table = np.column_stack([rows.reduced, y])
    order, bounds = parts_of(rows.cell, len(cells))
    table = table[order]
    heavy = table if weights is None else table * weights[order][:, None]
    found = np.zeros((terms + 1, terms + 1))
    for number, cell in enumerate(cells):
        low, high = bounds[number], bounds[number + 1]
        if low == high:
            continue
        small = heavy[low:high].T @ table[low:high]
        places = np.append(cell.columns, terms)
        spread = np.zeros((len(small), len(places)))
        spread[:-1, :-1] = cell.spread
        spread[-1, -1] = 1.0
        found[np.ix_(places, places)] += spread.T @ small @ spread
    return found


def dependent(matrix: Floats, extras: Ints) -> list[int]:
    """Of these columns, in order, those that are combinations of all others and of extras before them."""
    if not len(extras):
        return []
    base = np.setdiff1d(np.arange(len(matrix)), extras)
    inner = matrix[np.ix_(base, base)]
    cross = matrix[np.ix_(base, extras)]
    left = matrix[np.ix_(extras, extras)] - cross.T @ np.linalg.solve(inner, cross)
    size = np.diag(matrix)[extras]
    dropped = []
    for place in range(len(extras)):
        pivot = left[place, place]
        if pivot <= _DEPENDENT * size[place] or size[place] <= 0.0:
            dropped.append(int(extras[place]))
            continue
        left = left - np.outer(left[:, place], left[place]) / pivot
    return dropped


def solve(
    rows: Rows,
    y: Floats,
    cells: Sequence[Cell],
    penalty: Floats,
    matrix: Floats,
    keep: Ints,
    follows: Bools,
    weights: Floats | None = None,
    heavy: Floats | None = None,
) -> RidgeFit:
    """Ridge least squares from a Gram matrix of `gram`.

    penalty: Λ's diagonal (terms); keep: columns in use (the others get coefficient and variance 0);
    heavy: X′W²X (as `gram` makes it with squared weights) when there are weights. Weights must have
    mean 1. statistics.p: effective degrees of freedom tr(A⁻¹X′WX), rounded up.
    """
    inner = matrix[np.ix_(keep, keep)]
    system = inner + np.diag(penalty[keep])
    scale = 1.0 / np.sqrt(np.diag(system))
    scaled = system * scale[:, None] * scale
    lower = np.linalg.inv(np.linalg.cholesky(scaled)) * scale
    inverse = lower.T @ lower
    coefficients = np.zeros(len(penalty))
    right = matrix[keep, -1]
    solved = lower.T @ (lower @ right)
    # one step of refinement brings the normal equations to what QR gives
    solved += lower.T @ (lower @ (right - system @ solved))
    coefficients[keep] = solved
    residuals = y - times(rows, cells, coefficients)
    n = len(y)
    edf = float(np.sum(inverse * inner))
    weighted = residuals if weights is None else residuals * np.sqrt(weights)
    sse = float(weighted @ weighted)
    variance = sse / max(n - edf, 1.0)
    if heavy is None:
        small = variance * inverse
    else:
        middle = heavy[np.ix_(keep, keep)] + np.diag(penalty[keep])
        small = variance * (inverse @ middle @ inverse)
    covariance = np.zeros((len(penalty), len(penalty)))
    covariance[np.ix_(keep, keep)] = (small + small.T) / 2.0
    return RidgeFit(coefficients, covariance, residuals, _statistics(y, residuals, sse, edf, follows), edf)


def _statistics(y: Floats, residuals: Floats, sse: float, edf: float, follows: Bools) -> FitStatistics:
    n, p = len(y), math.ceil(edf - 1e-9)
    mean = float(np.mean(y))
    plain = float(residuals @ residuals)
    total = float(np.sum((y - mean) ** 2))
    r2 = 1.0 - plain / total if total > 0 else 0.0
    rmse = math.sqrt(sse / max(n - edf, 1.0))
    return FitStatistics(
        n=n,
        p=p,
        r2=r2,
        adjusted_r2=1.0 - (1.0 - r2) * (n - 1) / max(n - p, 1),
        rmse=rmse,
        cv_rmse=rmse / abs(mean) if mean else float("inf"),
        nmbe=float(np.sum(residuals)) / (max(n - p, 1) * mean) if mean else 0.0,
        rho=lag1(residuals, follows),
    )


def block_error(rows: Rows, y: Floats, fold: Ints, folds: int, cells: int, ridge: Floats) -> float:
    """Sum of squared errors on left-out blocks, each cell a ridge regression of its own.

    rows.reduced: columns as they are in each cell; ridge: penalty of each column. All from the Gram
    matrices of (cell, fold), so that comparing several ways to smooth costs milliseconds.
    """
    table = np.column_stack([rows.reduced, y])
    width = table.shape[1]
    order, bounds = parts_of(rows.cell * folds + fold, cells * folds)
    table = table[order]
    small = np.zeros((cells * folds, width, width))
    for number in range(cells * folds):
        low, high = bounds[number], bounds[number + 1]
        if high > low:
            small[number] = table[low:high].T @ table[low:high]
    grams = small.reshape(cells, folds, width, width)
    train = grams.sum(axis=1, keepdims=True) - grams
    inner = train[..., :-1, :-1] + np.diag(ridge)
    solved = np.linalg.solve(inner, train[..., :-1, -1:])[..., 0]
    out = grams[..., :-1, :-1]
    error = (
        grams[..., -1, -1]
        - 2.0 * np.einsum("cfi,cfi->cf", solved, grams[..., :-1, -1])
        + np.einsum("cfi,cfij,cfj->cf", solved, out, solved)
    )
    return float(np.sum(np.maximum(error, 0.0)))
