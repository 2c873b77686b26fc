"""The search of balance points: every pair of a grid at once, then finer around the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis._frames import Bools, Floats
from analysis._linear import left_out_coefficients

_COARSE: Final = 61
_FINE: Final = 21
_ROUNDS: Final = 3


@dataclass(frozen=True)
class Shape:
    """Which hinges, whether they share one balance point, and whether their slopes must be above 0."""

    heating: bool
    cooling: bool
    together: bool = False
    signs: bool = True


@dataclass(frozen=True)
class Best:
    """places: the balance of heating and cooling (nan: none); sse: of the weighted rows."""

    heating: float
    cooling: float
    sse: float


Columns = Callable[[str, Floats], Floats]
"""side and balances (g) → weighted hinge columns (n × g)."""


class Residual:
    """The rows with everything but temperature taken out (Frisch, Waugh and Lovell)."""

    def __init__(self, base: Floats, y: Floats) -> None:
        norms = np.linalg.norm(base, axis=0) if base.shape[1] else np.ones(0)
        self.q = np.linalg.qr(base / norms)[0] if base.shape[1] else base
        self.y = self.out(y[:, None])[:, 0]
        self.yy = float(self.y @ self.y)

    def out(self, columns: Floats) -> Floats:
        """Columns less what the base says of them."""
        found: Floats = columns - self.q @ (self.q.T @ columns)
        return found


def one_hinge(residual: Residual, columns: Floats, signs: bool) -> tuple[Floats, Floats]:
    """(SSE, slope) for each of g hinges; SSE is inf where the slope has the wrong sign."""
    clean = residual.out(columns)
    power = np.einsum("ng,ng->g", clean, clean)
    raw = np.einsum("ng,ng->g", columns, columns)
    ok = power > 1e-9 * np.maximum(raw, 1e-300)
    slope = np.where(ok, residual.y @ clean / np.where(ok, power, 1.0), 0.0)
    sse = residual.yy - slope**2 * power
    bad = ~ok | ((slope <= 0.0) if signs else False)
    return np.where(bad, np.inf, sse), slope


def two_hinges(residual: Residual, heating: Floats, cooling: Floats, signs: bool, paired: bool) -> Floats:
    """SSE for each pair (g × g), or for hinges of the same place (g) when paired; inf for wrong signs."""
    h, c = residual.out(heating), residual.out(cooling)
    bh, bc = residual.y @ h, residual.y @ c
    hh, cc = np.einsum("ng,ng->g", h, h), np.einsum("ng,ng->g", c, c)
    if paired:
        hc = np.einsum("ng,ng->g", h, c)
    else:
        hc, hh, bh = h.T @ c, hh[:, None], bh[:, None]
    determinant = hh * cc - hc**2
    ok = determinant > 1e-9 * np.maximum(hh * cc, 1e-300)
    safe = np.where(ok, determinant, 1.0)
    slope_h = (bh * cc - bc * hc) / safe
    slope_c = (bc * hh - bh * hc) / safe
    sse = residual.yy - (slope_h * bh + slope_c * bc)
    bad = ~ok
    if signs:
        bad = bad | (slope_h <= 0.0) | (slope_c <= 0.0)
    found: Floats = np.where(bad, np.inf, sse)
    return found


def best_of(
    residual: Residual,
    shape: Shape,
    columns: Columns,
    grid: Floats,
    between: Callable[[Floats, Floats], Bools],
) -> Best | None:
    """The best place(s) on one grid of balance points; None when no place has the right signs.

    between(heating, cooling): which pairs may be balance points together?
    """
    if shape.together:
        sse = two_hinges(residual, columns("heating", grid), columns("cooling", grid), shape.signs, True)
        at = int(np.argmin(sse))
        return Best(float(grid[at]), float(grid[at]), float(sse[at])) if np.isfinite(sse[at]) else None
    if shape.heating and shape.cooling:
        return best_pair(residual, shape, columns, grid, grid, between)
    side = "heating" if shape.heating else "cooling"
    sse, _ = one_hinge(residual, columns(side, grid), shape.signs)
    at = int(np.argmin(sse))
    if not np.isfinite(sse[at]):
        return None
    place = float(grid[at])
    return Best(
        place if shape.heating else float("nan"), place if shape.cooling else float("nan"), float(sse[at])
    )


def best_pair(
    residual: Residual,
    shape: Shape,
    columns: Columns,
    low: Floats,
    high: Floats,
    between: Callable[[Floats, Floats], Bools],
) -> Best | None:
    sse = two_hinges(residual, columns("heating", low), columns("cooling", high), shape.signs, False)
    sse = np.where(between(low[:, None], high[None, :]), sse, np.inf)
    at = np.unravel_index(int(np.argmin(sse)), sse.shape)
    if not np.isfinite(sse[at]):
        return None
    return Best(float(low[at[0]]), float(high[at[1]]), float(sse[at]))


def search(
    residual: Residual,
    shape: Shape,
    columns: Columns,
    low: float,
    high: float,
    between: Callable[[Floats, Floats], Bools],
) -> Best | None:
    """The best balance point(s) in [low, high], to about a ten-thousandth of the range.

    Exhaustive on a grid, then three times finer around the best of it: the sum of squares of a broken
    line is smooth between neighbouring temperatures (Hudson 1966, JASA 61), with several dips over
    the whole range, which the grid tells apart.
    """
    grid = np.linspace(low, high, _COARSE)
    found = best_of(residual, shape, columns, grid, between)
    step = (high - low) / (_COARSE - 1)
    for _ in range(_ROUNDS):
        if found is None or step <= 0.0:
            break
        near = [
            np.clip(np.linspace(place - step, place + step, _FINE), low, high)
            for place in (found.heating, found.cooling)
        ]
        if shape.heating and shape.cooling and not shape.together:
            finer = best_pair(residual, shape, columns, near[0], near[1], between)
        else:
            finer = best_of(residual, shape, columns, near[0 if shape.heating else 1], between)
        if finer is not None and finer.sse <= found.sse:
            found = finer
        step *= 2.0 / (_FINE - 1)
    return found


def left_out(
    base: Floats, y: Floats, stack: Floats, hinges: int, blocks: NDArray[np.int_], signs: bool
) -> Floats:
    """Predictions of the rows of each block by the best of a stack of hinges chosen without that block (n).

    base: n × k and y: n, weighted; stack: g × n × hinges. The choice itself is cross-validated: each
    block has the balance point that the other blocks want, by exact downdates of the normal equations.
    Where no hinge has the right sign without a block, the base alone predicts it.
    """
    whole = np.concatenate([stack, np.broadcast_to(base, (len(stack), *base.shape))], axis=2)
    coefficients, sse = left_out_coefficients(whole, y, blocks)
    if signs:
        sse = np.where(np.all(coefficients[:, :, :hinges] > 0.0, axis=2), sse, np.inf)
    chosen = np.argmin(sse, axis=0)
    known = np.isfinite(sse[chosen, np.arange(sse.shape[1])])
    mine = coefficients[chosen, np.arange(len(chosen))]
    found: Floats = np.einsum("np,np->n", whole[chosen[blocks], np.arange(len(y))], mine[blocks])
    if not known.all():
        plain = left_out_coefficients(base[None], y, blocks)[0][0]
        flat = np.einsum("np,np->n", base, plain[blocks])
        found = np.where(known[blocks], found, flat)
    return found
