"""Least squares with everything uncertainty needs: dropped columns named, covariance, lag-1 memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.results import FitStatistics

Floats = NDArray[np.float64]

# a column this close (relative to its length) to a combination of earlier ones carries no information
_DEPENDENT = 1e-9


@dataclass(frozen=True)
class LinearFit:
    """coefficients (p), covariance s²(X'X)⁻¹ (p × p), residuals (n), statistics."""

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    statistics: FitStatistics


def independent_columns(matrix: Floats) -> list[int]:
    """Indices of the columns that are no combination of columns before them."""
    keep = list(range(matrix.shape[1]))
    norms = np.linalg.norm(matrix, axis=0)
    keep = [place for place in keep if norms[place] > 0]
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


def fit_linear(matrix: Floats, y: Floats, follows: NDArray[np.bool_] | None = None) -> LinearFit:
    """Ordinary least squares by QR on scaled columns.

    matrix: n × p of full column rank with n > p; y: n. Statistics as in ASHRAE Guideline 14:
    rmse = sqrt(SSE/(n − p)), nmbe = Σ(y − ŷ)/((n − p)·mean).
    """
    n, p = matrix.shape
    scale = np.linalg.norm(matrix, axis=0)
    q, r = np.linalg.qr(matrix / scale)
    inverse = np.linalg.inv(r) / scale[:, None]
    coefficients = inverse @ (q.T @ y)
    residuals = y - matrix @ coefficients
    sse = float(residuals @ residuals)
    mean = float(np.mean(y))
    total = float(np.sum((y - mean) ** 2))
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
        rho=lag1(residuals, follows),
    )
    return LinearFit(coefficients, variance * (inverse @ inverse.T), residuals, statistics)
