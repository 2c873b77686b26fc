"""Student's t without scipy: the quantile for any real number of degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_EPS = 1e-16


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c = 1.0
    d = 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _EPS * 4:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _beta_regularised(a: float, b: float, x: float) -> float:
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def t_upper_tail(t: float, dof: float) -> float:
    """P(T > t) for t ≥ 0 with `dof` degrees of freedom (DLMF 8.17; Abramowitz and Stegun 26.7.1)."""
    return 0.5 * _beta_regularised(dof / 2.0, 0.5, dof / (dof + t * t))


@lru_cache(maxsize=256)
def t_quantile(probability: float, dof: float) -> float:
    """The t that a Student variable stays below with `probability`.

    probability in (0, 1); dof > 0, may be fractional. Relative error below 1e-9.
    Raises ValueError outside these.
    """
    if not 0.0 < probability < 1.0 or not dof > 0.0:
        raise ValueError(f"t quantile of probability {probability} with {dof} degrees of freedom")
    if probability == 0.5:
        return 0.0
    tail = min(probability, 1.0 - probability)
    low, high = 0.0, 2.0 * NormalDist().inv_cdf(1.0 - tail) + 1.0
    while t_upper_tail(high, dof) > tail:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if t_upper_tail(middle, dof) > tail:
            low = middle
        else:
            high = middle
        if high - low < 1e-12 * high:
            break
    t = 0.5 * (low + high)
    return t if probability > 0.5 else -t


def t_two_sided(confidence: float, dof: float) -> float:
    """The t that |T| stays below with `confidence`."""
    return t_quantile(0.5 + confidence / 2.0, dof)
