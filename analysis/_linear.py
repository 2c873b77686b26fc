"""Least squares with all that uncertainty and selection need: covariance, memory, left-out blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.results import FitStatistics

Floats = NDArray[np.float64]

# a column this close (relative to its length) to a combination of earlier ones carries no information
_DEPENDENT = 1e-9
# Cholesky pivots (relative, squared) above this leave no doubt that columns are independent
_SURE = 1e-8
# from here on the normal equations with one step of refinement save most of the time of a QR
_LARGE = 200_000


@dataclass(frozen=True)
class LinearFit:
    """coefficients (p), covariance s²(X'WX)⁻¹ (p × p), residuals y − ŷ (n), statistics.

    condition: of the columns scaled to length one (1: orthogonal, above 30: hard to part).
    """

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    statistics: FitStatistics
    condition: float = 1.0


def independent_columns(matrix: Floats) -> list[int]:
    """Indices of the columns that are no combination of columns before them."""
    norms = np.linalg.norm(matrix, axis=0)
    keep = [place for place in range(matrix.shape[1]) if norms[place] > 0]
    if keep and len(matrix) > len(keep) and _surely_independent(matrix[:, keep] / norms[keep]):
        return keep
    while keep:
        scaled = matrix[:, keep] / norms[keep]
        if len(keep) > len(scaled):
            keep = keep[: len(scaled)]
            continue
        diagonal = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
        weak = np.flatnonzero(diagonal < _DEPENDENT)
        if not len(weak):
            break
        # only the first is sure: what follows was judged with a wrong direction in the basis
        del keep[int(weak[0])]
    return keep


def _surely_independent(scaled: Floats) -> bool:
    try:
        lower = np.linalg.cholesky(scaled.T @ scaled)
    except np.linalg.LinAlgError:
        return False
    return bool(np.min(np.diag(lower)) ** 2 > _SURE)


def lag1(residuals: Floats, follows: NDArray[np.bool_] | None = None) -> float:
    """Lag-1 autocorrelation, over pairs of neighbouring intervals only, not below 0.

    follows[i]: interval i + 1 comes right after interval i (length n − 1); None: all do.
    """
    products = residuals[1:] * residuals[:-1]
    if follows is not None:
        products = products[follows]
    power = float(np.mean(residuals**2)) if len(residuals) else 0.0
    if not len(products) or power <= 0.0:
        return 0.0
    return float(min(max(float(np.mean(products)) / power, 0.0), 0.999))


def fit_linear(
    matrix: Floats,
    y: Floats,
    follows: NDArray[np.bool_] | None = None,
    *,
    weights: Floats | None = None,
    searched: int = 0,
) -> LinearFit:
    """Least squares of full column rank, ordinary or weighted.

    matrix: n × p with n > p + searched; y: n; weights: n, of mean about 1, ∝ 1/variance of a row;
    searched: parameters found outside (balance points), counted in p. Statistics as in ASHRAE
    Guideline 14: rmse = sqrt(SSE/(n − p)) with SSE = Σ w (y − ŷ)², nmbe = Σ(y − ŷ)/((n − p)·mean).
    """
    n, p = matrix.shape
    root = None if weights is None else np.sqrt(weights)
    rows, wanted = (matrix, y) if root is None else (matrix * root[:, None], y * root)
    coefficients, inverse_gram, condition = _solve(rows, wanted)
    residuals = y - matrix @ coefficients
    shown = residuals if root is None else residuals * root
    p += searched
    sse = float(shown @ shown)
    mean = float(np.mean(y))
    spread = y - (mean if weights is None else float(np.average(y, weights=weights)))
    total = float(np.sum(spread**2 if weights is None else weights * spread**2))
    variance = sse / (n - p)
    r2 = 1.0 - sse / total if total > 0 else 0.0
    rmse = float(np.sqrt(variance))
    statistics = FitStatistics(
        n=n,
        p=p,
        r2=r2,
        adjusted_r2=1.0 - (1.0 - r2) * (n - 1) / (n - p),
        rmse=rmse,
        cv_rmse=rmse / abs(mean) if mean else float("inf"),
        nmbe=float(np.sum(residuals)) / ((n - p) * mean) if mean else 0.0,
        rho=lag1(shown, follows),
    )
    return LinearFit(coefficients, variance * inverse_gram, residuals, statistics, condition)


def _solve(matrix: Floats, y: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients, (X'X)⁻¹, and the condition of the scaled columns."""
    scale = np.linalg.norm(matrix, axis=0)
    if matrix.size >= _LARGE:
        gram = (matrix.T @ matrix) / np.outer(scale, scale)
        lower = np.linalg.cholesky(gram) if _positive(gram) else None
        if lower is not None and np.min(np.diag(lower)) ** 2 > _SURE:
            inverse = np.linalg.inv(gram)
            coefficients = inverse @ (matrix.T @ y / scale) / scale
            # one step of refinement brings back the digits that squaring lost
            coefficients = coefficients + inverse @ (matrix.T @ (y - matrix @ coefficients) / scale) / scale
            return coefficients, inverse / np.outer(scale, scale), _condition(gram)
    q, r = np.linalg.qr(matrix / scale)
    inverse = np.linalg.inv(r) / scale[:, None]
    return inverse @ (q.T @ y), inverse @ inverse.T, _condition(r.T @ r)


def _positive(gram: Floats) -> bool:
    return bool(np.linalg.eigvalsh(gram)[0] > _SURE)


def _condition(gram: Floats) -> float:
    values = np.linalg.eigvalsh(gram)
    return float(np.sqrt(values[-1] / max(float(values[0]), 1e-300)))


def leverages(matrix: Floats, weights: Floats | None = None) -> Floats:
    """The diagonal of the hat matrix (n): near 1 where one row alone decides a term."""
    rows = matrix if weights is None else matrix * np.sqrt(weights)[:, None]
    q = np.linalg.qr(rows / np.linalg.norm(rows, axis=0))[0]
    found: Floats = np.sum(q**2, axis=1)
    return found


def left_out_errors(
    matrix: Floats, y: Floats, blocks: NDArray[np.int_], weights: Floats | None = None
) -> Floats:
    """y − ŷ of each row, with the coefficients fitted without the row's whole block (n).

    blocks: n numbers 0 … k − 1. Exact without refitting: the normal equations of all rows minus those
    of the block (a rank-|block| downdate). NaN where only the row's own block knows a term that the
    row has: nothing can be said about it. Source: Cook and Weisberg 1982 (deletion formulas for
    groups of rows); Racine 2000, Journal of Econometrics 99 (h-block cross-validation).
    """
    root = None if weights is None else np.sqrt(weights)
    rows, wanted = (matrix, y) if root is None else (matrix * root[:, None], y * root)
    coefficients = left_out_coefficients(rows[None], wanted, blocks)[0][0]
    errors: Floats = y - np.einsum("np,np->n", matrix, coefficients[blocks])
    errors[unjudged(matrix, blocks)] = np.nan
    return errors


def left_out_coefficients(stack: Floats, y: Floats, blocks: NDArray[np.int_]) -> tuple[Floats, Floats]:
    """Coefficients without each block (g × k × p) for a stack of designs (g × n × p), and the SSE of
    the other rows with them (g × k).

    A direction that only the block knows gets (nearly) nothing: see `unjudged`.
    """
    count = int(blocks.max()) + 1
    scale = np.linalg.norm(stack, axis=1)
    scale = np.where(scale > 0.0, scale, 1.0)
    scaled = stack / scale[:, None, :]
    order = np.argsort(blocks, kind="stable")
    edges = np.searchsorted(blocks[order], np.arange(count))
    gram = np.empty((len(stack), count, stack.shape[2], stack.shape[2]))
    right = np.empty((len(stack), count, stack.shape[2]))
    ends = [*edges[1:], len(order)]
    for block, (low, high) in enumerate(zip(edges, ends, strict=True)):
        part = scaled[:, order[low:high], :]
        gram[:, block] = part.transpose(0, 2, 1) @ part
        right[:, block] = y[order[low:high]] @ part
    without = gram.sum(axis=1, keepdims=True) - gram
    # far below any real information, far above rounding: keeps what a block alone knows solvable
    without += 1e-10 * np.eye(stack.shape[2])
    wanted = right.sum(axis=1, keepdims=True) - right
    solved = np.linalg.solve(without, wanted[..., None])[..., 0]
    power = np.array([float(y[order[a:b]] @ y[order[a:b]]) for a, b in zip(edges, ends, strict=True)])
    sse: Floats = (np.sum(power) - power) - np.einsum("gkp,gkp->gk", solved, wanted)
    return solved / scale[:, None, :], np.maximum(sse, 0.0)


def unjudged(matrix: Floats, blocks: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Rows with a term that no other block has (a level of a category seen in one block only)."""
    count = int(blocks.max()) + 1
    present = matrix != 0.0
    seen = np.stack([present[blocks == block].sum(axis=0) for block in range(count)])
    alone = seen == seen.sum(axis=0, keepdims=True)
    found: NDArray[np.bool_] = np.any(present & alone[blocks], axis=1)
    return found
