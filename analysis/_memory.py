"""How long the errors of a baseline last: what their residuals allow, with its likelihood."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from analysis._frames import Floats
from analysis.data import Interval
from analysis.results import Memory, MemoryPoint, Model

# sub-daily residuals are summed to these many rows before their memory is judged: the cycle of the
# day goes, what lasts for days stays; the first that leaves enough blocks is taken
_PER_BLOCK = {
    Interval.QUARTER_HOUR: (96, 24, 4, 1),
    Interval.HALF_HOUR: (48, 12, 2, 1),
    Interval.HOUR: (24, 6, 1),
}
_ENOUGH_BLOCKS = 30
_NEGLIGIBLE = 1e-3
# draws at once up to which memory allows all points of the grid together
_FEW_DRAWS = 4
# prior weights of no memory and of plain AR(1); the rest is for AR(1) under noise that has no memory
_NONE_SHARE = 0.3
_PLAIN_SHARE = 0.575
_LOWEST_RHO = -0.5
# prior weight of fractional noise against all of these; fewer blocks can't tell it from errors that fade
_ENDLESS_SHARE = 0.05
_ENDLESS_BLOCKS = 90
_HIGHEST_ORDER = 0.45


def rows_per_block(interval: str, n: int, terms: int) -> int:
    """How many used rows are summed before memory is judged: a day's of sub-daily data, else one."""
    choices = _PER_BLOCK.get(Interval(interval), (1,))
    return next((size for size in choices if n // size >= terms + _ENOUGH_BLOCKS), choices[-1])


def memory_of(model: Model) -> Memory | None:
    """The memory of a model's errors: the frozen one, or found from its residuals; None without either."""
    if model.memory is not None:
        return model.memory
    if model.residuals is None:
        return None
    kept: Memory | None = model.__dict__.get("_memory")
    if kept is None:
        basis = model.basis() if callable(model.basis) else model.basis
        if basis is not None and basis.shape[0] != len(model.residuals):
            basis = None
        # a year of hours has more terms (times of the week) than its days can tell apart
        size = rows_per_block(model.interval, len(model.residuals), min(model.statistics.p, 40))
        kept = remembered(basis, model.residuals, size, model.statistics.p)
        # found once: nothing of the model changes
        model.__dict__["_memory"] = kept
    return kept


def remembered(basis: Floats | None, residuals: Floats, per_block: int = 1, terms: int = 1) -> Memory:
    """Which memories the residuals of a least-squares fit allow, each with its weight.

    basis: the design of the fit (n × p), in the order of `residuals` (n); None: unknown, then as many
    of the slowest columns as there are `terms`, eight at most. terms: parameters of the model,
    searched ones too. The error of a block of `per_block` rows (L) is taken as σ²·((1 − a)·white +
    a·AR(1) of ρ); every (ρ, a) of a grid is weighted by the restricted likelihood of the residuals
    (Patterson and Thompson 1971; σ integrated out), which accounts for what the fitted
    terms took from slow errors, so that neither ρ nor σ² is biased low. The likelihood is written in
    cosines (type II: nearly the eigenvectors of such errors; Whittle 1953). A gap is closed: the rows
    on its sides count as neighbours, as they do in the reporting period.
    """
    blocks = len(residuals) // per_block
    first = len(residuals) - blocks * per_block
    summed = residuals[first:].reshape(blocks, per_block).sum(axis=1)
    columns = _columns(basis, blocks, per_block, first, terms)
    dof = blocks - columns.shape[1]
    if dof < 1 or not np.any(summed):
        power = float(np.mean(summed**2)) if blocks else 0.0
        return Memory(per_block, max(float(dof), 1.0), (MemoryPoint(1.0, 0.0, 1.0, power),))
    waves = cosines(summed[:, None])
    prior = grid(blocks, per_block)[-1]
    known, count = _spectra(blocks, per_block), len(prior)
    orders, order_prior = _endless_spectra(blocks)
    # once for both families: it is what a saving waits for
    likelihood, variance = _likelihood(columns, waves, np.concatenate([known, orders]))
    weight, variance = _weights(likelihood[:count], prior), variance[:count]
    # parameters that were searched (balance points) are no columns, but cost degrees of freedom all the same
    searched = 0 if basis is None else max(terms - basis.shape[1], 0)
    left = max(dof - searched, 1)
    variance, dof = variance * (dof / left), left
    keep = weight[:, 0] > _NEGLIGIBLE / len(weight)
    rho, share, _ = grid(blocks, per_block)
    points = zip(
        weight[keep, 0] / np.sum(weight[keep, 0]), rho[keep], share[keep], variance[keep, 0], strict=True
    )
    found = tuple(MemoryPoint(*map(float, point)) for point in points)
    endless = 0.0
    if blocks >= _ENDLESS_BLOCKS:
        shares = prior / np.sum(prior) * (1.0 - _ENDLESS_SHARE), order_prior * _ENDLESS_SHARE
        endless = float(np.sum(_weights(likelihood, np.concatenate(shares))[count:]))
    return Memory(per_block, float(dof), found, endless)


def judged(columns: Floats, waves: Floats, per_block: int = 1) -> tuple[Floats, Floats]:
    """Weight and variance of each point of the grid (points × draws) for cosines of block sums.

    columns: orthonormal basis of the fitted terms in cosines (blocks × terms); waves: the residuals'
    cosines, one column a draw (blocks × draws).
    """
    blocks = len(columns)
    likelihood, variance = _likelihood(columns, waves, _spectra(blocks, per_block))
    return _weights(likelihood, grid(blocks, per_block)[-1]), variance


def _weights(likelihood: Floats, prior: Floats) -> Floats:
    """What each point weighs after the residuals were seen (points × draws); 1 in all."""
    whole = likelihood + np.log(prior)[:, None]
    weight = np.exp(whole - np.max(whole, axis=0))
    found: Floats = weight / np.sum(weight, axis=0)
    return found


def _likelihood(columns: Floats, waves: Floats, spectra: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the restricted likelihood (σ integrated out) and variance, spectra × draws."""
    blocks, p = columns.shape
    inverse = 1.0 / spectra
    upper = np.triu_indices(p)
    products = inverse @ (columns[:, upper[0]] * columns[:, upper[1]])
    normal = np.zeros((len(spectra), p, p))
    normal[:, upper[0], upper[1]] = products
    normal[:, upper[1], upper[0]] = products
    factor = np.linalg.cholesky(normal)
    squares = waves * waves
    rest = inverse @ squares
    if waves.shape[1] <= _FEW_DRAWS:
        # one call for all points instead of one each: a third of the time of a daily saving
        side = np.linalg.solve(factor, np.matmul(columns.T, inverse[:, :, None] * waves))
        rest -= np.sum(side * side, axis=1)
    else:
        for place, lower in enumerate(factor):
            side = np.linalg.solve(lower, (columns * inverse[place][:, None]).T @ waves)
            rest[place] -= np.sum(side * side, axis=0)
    rest = np.maximum(rest, 1e-12 * np.sum(squares, axis=0))
    dof = blocks - p
    known = 0.5 * np.sum(np.log(inverse), axis=1)
    known -= np.sum(np.log(np.diagonal(factor, axis1=1, axis2=2)), axis=1)
    likelihood: Floats = known[:, None] - 0.5 * dof * np.log(rest)
    variance: Floats = rest / dof
    return likelihood, variance


def variance_of_sum(rho: Floats, share: Floats, blocks: float | Floats) -> Floats:
    """Variance of the sum of `blocks` errors of unit variance; ρ below 0 counts as none."""
    rho = np.maximum(rho, 0.0)
    lasting = blocks * (1.0 + rho) / (1.0 - rho) - 2.0 * rho * (1.0 - rho**blocks) / (1.0 - rho) ** 2
    found: Floats = (1.0 - share) * blocks + share * lasting
    return found


def inflation(rho: Floats, share: Floats) -> Floats:
    """κ: how much more the sum of many errors varies than if they had no memory; 1 for ρ below 0."""
    rho = np.maximum(rho, 0.0)
    found: Floats = 1.0 - share + share * (1.0 + rho) / (1.0 - rho)
    return found


def mixture_half_width(weight: Floats, deviation: Floats, dof: float, confidence: float) -> Floats:
    """The h (one a draw) that Σ weight · P(|t_dof| · deviation ≤ h) = confidence; points × draws."""
    t, probability = _student_table(dof)
    low, high = np.zeros(weight.shape[1]), np.max(deviation, axis=0) * float(t[-1])
    for _ in range(50):
        middle = 0.5 * (low + high)
        # a deviation of zero is inside any interval
        inside = np.interp(middle / np.maximum(deviation, 1e-300), t, probability, right=1.0)
        short = np.sum(weight * inside, axis=0) < confidence
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    found: Floats = 0.5 * (low + high)
    return found


@lru_cache(maxsize=64)
def _student_table(dof: float) -> tuple[Floats, Floats]:
    """t and P(|T| ≤ t): with t = sqrt(ν)·tan θ the density is cos^(ν−1) θ."""
    # beyond 14 deviations nothing is left, unless ν is small
    end = min(0.5 * math.pi, 14.0 / math.sqrt(dof))
    angle = np.linspace(0.0, end, 4001)
    density = np.exp((dof - 1.0) * np.log(np.maximum(np.cos(angle), 1e-300)))
    if dof <= 1.0:
        density = np.ones_like(angle)
    steps = np.zeros_like(angle)
    steps[1:] = np.cumsum(0.5 * (density[1:] + density[:-1]))
    probability = steps / steps[-1]
    t = math.sqrt(dof) * np.tan(np.minimum(angle, 0.5 * math.pi - 1e-6))
    return t, probability


@lru_cache(maxsize=16)
def grid(blocks: int, per_block: int = 1) -> tuple[Floats, Floats, Floats]:
    """ρ, share of the part with memory, and prior weight of each point.

    Flat in ρ. ρ ends at 1 − 2/blocks (κ < blocks): what lasts longer than the baseline is a level to it, and
    no residual tells of it. Sums of L rows with AR(1) errors are no AR(1) series: their share is above 1.
    """
    node, weight = np.polynomial.legendre.leggauss(18)
    below, below_weight = np.polynomial.legendre.leggauss(4)
    some, some_weight = np.polynomial.legendre.leggauss(5)
    node, weight = (node + 1.0) / 2.0, weight / 2.0
    node = node * (1.0 - 2.0 / max(blocks, 4))
    below, below_weight = (below + 1.0) / 2.0 * _LOWEST_RHO, below_weight / 2.0 * -_LOWEST_RHO
    some, some_weight = (some + 1.0) / 2.0, some_weight / 2.0
    rho = [np.zeros(1), np.concatenate([below, node])]
    share = [np.ones(1), np.concatenate([np.ones(len(below)), _share_of_sums(node, per_block)])]
    prior = [np.array([_NONE_SHARE]), _PLAIN_SHARE * np.concatenate([below_weight, weight])]
    for part, part_weight in zip(some, some_weight, strict=True):
        rho.append(node)
        share.append(np.full(len(node), part))
        prior.append((1.0 - _PLAIN_SHARE - _NONE_SHARE) * part_weight * weight)
    return np.concatenate(rho), np.concatenate(share), np.concatenate(prior)


def _share_of_sums(rho: Floats, per_block: int) -> Floats:
    """First autocorrelation of sums of L rows of AR(1) errors over ρ, their own decay from sum to sum.

    Source: Tiao 1972, Biometrika 59 (temporal aggregation): such sums are ARMA(1, 1).
    """
    of_row = rho ** (1.0 / per_block)
    variance = variance_of_sum(of_row, np.ones_like(rho), per_block)
    first = of_row * (1.0 - rho) ** 2 / (1.0 - of_row) ** 2
    found: Floats = first / variance / rho
    return found


@lru_cache(maxsize=8)
def _spectra(blocks: int, per_block: int) -> Floats:
    """The variance of each cosine of unit errors, for each point of the grid (points × blocks)."""
    rho, share, _ = grid(blocks, per_block)
    angle = np.pi * np.arange(blocks) / blocks
    persistent = (1.0 - rho**2)[:, None] / (1.0 - 2.0 * np.outer(rho, np.cos(angle)) + (rho**2)[:, None])
    found: Floats = (1.0 - share)[:, None] + share[:, None] * persistent
    return found


@lru_cache(maxsize=8)
def _endless_spectra(blocks: int) -> tuple[Floats, Floats]:
    """The variance of each cosine of fractional noise (orders × blocks), and the prior weight of each order.

    Density ∝ order, from 0 to 0.45: small ones are next to no memory. Source: Granger and Joyeux 1980,
    Journal of Time Series Analysis 1.
    """
    node, weight = np.polynomial.legendre.leggauss(6)
    order, weight = (node + 1.0) / 2.0 * _HIGHEST_ORDER, weight * (node + 1.0)
    angle = np.pi * np.arange(blocks) / blocks
    found = np.empty((len(order), blocks))
    found[:, 1:] = (2.0 * np.sin(angle[1:] / 2.0)) ** (-2.0 * order[:, None])
    # no end at 0: the mean up to half a step
    found[:, 0] = (0.5 * np.pi / blocks) ** (-2.0 * order) / (1.0 - 2.0 * order)
    return found, weight / np.sum(weight)


def cosines(values: Floats) -> Floats:
    """The orthonormal cosine transform (type II) of each column."""
    n = len(values)
    folded = np.fft.rfft(np.concatenate([values, values[::-1]]), axis=0)[:n]
    turned = folded * np.exp(-0.5j * np.pi * np.arange(n) / n)[:, None]
    found: Floats = turned.real / math.sqrt(2.0 * n)
    found[0] /= math.sqrt(2.0)
    return found


def _columns(basis: Floats | None, blocks: int, per_block: int, first: int, terms: int) -> Floats:
    """An orthonormal basis, in cosines, of what the fitted terms can do to sums of blocks."""
    if basis is None:
        return np.eye(blocks)[:, : min(terms, 8, max(blocks // 4, 1))]
    summed = basis[first:]
    if per_block > 1:
        summed = summed.reshape(blocks, per_block, basis.shape[1]).sum(axis=1)
    length = np.linalg.norm(summed, axis=0)
    summed = summed[:, length > 0.0] / length[length > 0.0]
    if not summed.shape[1]:
        return np.eye(blocks)[:, :1]
    left, size, _ = np.linalg.svd(summed, full_matrices=False)
    kept: Floats = left[:, size > 1e-8 * size[0]]
    return cosines(kept)
