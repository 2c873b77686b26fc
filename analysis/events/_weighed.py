"""Weighs each change against noise of short or long memory, and finds abrupt ones that stand out of slow noise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np

from analysis._frames import Floats
from analysis.events._shapes import Piece

# memories that are tried: (1 − ρB)(1 − B)^d
_RHO: Final = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.93, 0.97)
_D: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.48)
# twice the log-likelihood that a change is worth: of the few that were cut, and of all places and lengths
_GAIN: Final = 10.0
_ABRUPT_GAIN: Final = 14.0
# a wave of a year has two amplitudes, its gain by chance is larger than a level's
_WAVE_GAIN: Final = 3.0
_MOST_ROWS: Final = 1100
_MOST_ABRUPT: Final = 4


def weighed(
    y: Floats, pieces: list[Piece], per_year: float, strictness: float
) -> tuple[list[Piece], list[Piece]]:
    """The pieces that noise alone does not explain, and those that a noise with long memory explains as well.

    y: series; per_year: rows of a year. Twice the log-likelihood (`_fit`) with a piece has to exceed that
    without it by 10, the memory (ρ and fractional d) fitted anew on both sides, so that what rises and falls slowly by itself
    is no step (steps and long memory are confused otherwise: Diebold and Inoue 2001, Journal of
    Econometrics 105); and that of a wave of one year in its place by 7. The weakest goes first. A change of the week's pattern is not weighed.
    """
    kept = list(pieces)
    lost: list[Piece] = []
    waves = _waves(len(y), per_year)
    while True:
        asked = [piece for piece in kept if piece.kind != "pattern"]
        if not asked or _still(y):
            return kept, sorted(lost, key=lambda piece: piece.start)
        whole = _fit(y, [_column(piece, len(y)) for piece in kept])[0]
        gains = []
        for piece in asked:
            rest = [_column(other, len(y)) for other in kept if other is not piece]
            gains.append(_gain(y, whole, rest, waves))
        weakest = int(np.argmin(gains))
        if gains[weakest] >= _GAIN * strictness:
            return kept, sorted(lost, key=lambda piece: piece.start)
        lost.append(asked[weakest])
        kept.remove(asked[weakest])


def abrupt(
    whole: Floats, y: Floats, pieces: list[Piece], least: int, per_year: float, strictness: float
) -> list[Piece]:
    """Further changes whose edges stand out of a noise with memory, however slow it is.

    Each stretch [a, b) of at least `least` rows, and each to the end, as a level of its own by generalised least squares under
    the memory fitted without it; the best one counts when its gain (as in `weighed`) exceeds 2 ln n + 14, and the
    next is sought. Not with more than 1 100 rows. whole: the series with its wild values, of which sizes are taken.
    """
    n = len(y)
    found: list[Piece] = []
    if n > _MOST_ROWS or _still(y):
        return found
    price = (2.0 * math.log(n) + _ABRUPT_GAIN) * strictness
    waves = _waves(n, per_year)
    while len(found) < _MOST_ABRUPT:
        columns = [_column(piece, n) for piece in [*pieces, *found]]
        start, end = _sharpest(y, columns, _fit(y, columns)[1], least)
        inside = np.zeros(n, dtype=np.bool_)
        inside[start:end] = True
        change = float(np.mean(whole[inside]) - np.mean(y[~inside]))
        piece = Piece("temporary" if end < n else "step", start, end, change, n - (end - start))
        gain = _gain(y, _fit(y, [*columns, _column(piece, n)])[0], columns, waves)
        taken = any(
            other.start < end and start < other.end and not (other.lasting or end == n)
            for other in [*pieces, *found]
        )
        if gain < price or taken:
            break
        found.append(piece)
    return found


def _gain(y: Floats, whole: float, rest: list[Floats], waves: list[Floats]) -> float:
    """What a piece adds to `rest`, or to `rest` with a wave of a year, if that is less."""
    gain = whole - _fit(y, rest)[0]
    return min(gain, whole - _fit(y, rest + waves)[0] + _WAVE_GAIN) if waves else gain


def _still(y: Floats) -> bool:
    return float(np.ptp(y)) <= 1e-9 * max(float(np.max(np.abs(y))), 1e-30)


def _waves(n: int, per_year: float) -> list[Floats]:
    """A wave of one year, when half of one can be seen."""
    turn = 2.0 * np.pi * np.arange(n) / per_year
    return [np.cos(turn), np.sin(turn)] if n >= 0.5 * per_year else []


def _column(piece: Piece, n: int) -> Floats:
    column = np.zeros(n)
    if piece.kind in ("ramp", "drift"):
        column[:] = np.clip((np.arange(n) - piece.start) / max(piece.end - 1 - piece.start, 1), 0.0, 1.0)
    else:
        column[piece.start : piece.end] = 1.0
    return column


@lru_cache(maxsize=8)
def _weights(n: int) -> tuple[Floats, Floats]:
    """1/spectrum of each memory at the cosines' frequencies (memories × n − 1), and Σ ln spectrum."""
    w = np.pi * np.arange(1, n) / n
    logs = [
        -np.log(1.0 - 2.0 * rho * np.cos(w) + rho**2) - 2.0 * d * np.log(2.0 * np.sin(w / 2.0))
        for rho in _RHO
        for d in _D
    ]
    table = np.array(logs)
    return np.exp(-table), np.sum(table, axis=1)


def _cosines(x: Floats) -> Floats:
    """Orthonormal cosine transform (DCT-II) of the columns, without the constant: no jump from end to start."""
    n = len(x)
    folded = np.concatenate([x[::2], x[1::2][::-1]])
    turned = np.exp(-0.5j * np.pi * np.arange(n) / n).reshape(-1, *[1] * (x.ndim - 1))
    found: Floats = math.sqrt(2.0 / n) * np.real(np.fft.fft(folded, axis=0) * turned)[1:]
    return found


def _fit(y: Floats, columns: list[Floats]) -> tuple[float, int]:
    """Twice the log-likelihood (Whittle 1953, on cosines) of y with these columns at the best memory, and its place.

    The columns' sizes by generalised least squares, the noise's variance profiled out.
    """
    n = len(y)
    weights, logs = _weights(n)
    seen = _cosines(y)
    left = weights @ seen**2
    if columns:
        x = _cosines(np.column_stack(columns))
        square = np.einsum("gj,ja,jb->gab", weights, x, x, optimize=True)
        # equal columns share their size
        square += 1e-10 * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(len(columns))
        cross = (weights * seen) @ x
        left = left - np.sum(cross * np.linalg.solve(square, cross[..., None])[..., 0], axis=1)
    least = 1e-12 * float(np.mean(seen**2))
    values = -(n - 1) * np.log(np.maximum(left / (n - 1), least)) - logs
    best = int(np.argmax(values))
    return float(values[best]), best


def _sharpest(y: Floats, columns: list[Floats], memory: int, least: int) -> tuple[int, int]:
    """Start and end of the stretch whose own level explains most under a memory."""
    n = len(y)
    root = np.sqrt(_weights(n)[0][memory])[:, None]
    # column k of a lower triangle of ones: a level from row k on
    levels = np.column_stack([_cosines(np.tri(n)), np.zeros(n - 1)]) * root
    rest = _cosines(y) * root[:, 0]
    if columns:
        q = np.linalg.qr(_cosines(np.column_stack(columns)) * root)[0]
        levels, rest = levels - q @ (q.T @ levels), rest - q @ (q.T @ rest)
    cross, square = levels.T @ rest, levels.T @ levels
    own = np.diagonal(square)
    power = np.maximum(own[:, None] + own[None, :] - 2.0 * square, 1e-9 * float(np.max(own)))
    gain = np.triu((cross[:, None] - cross[None, :]) ** 2 / power, least)
    gain[:least] = 0.0
    gain[:, n - least + 1 : n] = 0.0
    first, last = divmod(int(np.argmax(gain)), n + 1)
    return first, last
