"""Control charts for energy: CUSUM, individuals and EWMA, with limits that know the noise's memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Floats
from dodac.errors import ConfigError

# Siegmund (1985): what a discrete random walk overshoots its boundary by, both ends together
_OVERSHOOT: Final = 1.166


@dataclass(frozen=True)
class ControlChart:
    """frame: value, plotted, centre, lower, upper, out (bool) by interval; kind, sd and rho it was made with."""

    kind: str
    frame: pd.DataFrame
    sd: float
    rho: float

    @property
    def out(self) -> tuple[str, ...]:
        """Starts of the intervals outside the limits."""
        return tuple(str(moment) for moment in self.frame.index[self.frame["out"]])


@dataclass(frozen=True)
class Cusum:
    """A tabular CUSUM. frame: value, high, low (unit), alarm (bool) by interval.

    reference: k, allowed drift an interval; decision: h, the limit (both in the unit of the values).
    mean_run: intervals from one false alarm to the next by Siegmund's approximation, one-sided.
    """

    frame: pd.DataFrame
    target: float
    reference: float
    decision: float
    mean_run: float

    @property
    def v_mask(self) -> tuple[float, float]:
        """The same chart as a V-mask: lead distance (intervals, h/k) and slope of its arms (unit an interval, k).

        Source: NIST/SEMATECH e-Handbook of Statistical Methods 6.3.2.3; BS 5703 / ISO 7870-4.
        """
        return self.decision / self.reference, self.reference


def long_run_factor(rho: float) -> float:
    """(1 + ρ)/(1 − ρ): how much more the mean of AR(1) noise wanders than that of independent values."""
    bounded = min(max(rho, 0.0), 0.99)
    return (1.0 + bounded) / (1.0 - bounded)


def mean_run_length(k: float, h: float, shift: float = 0.0) -> float:
    """Intervals to an alarm of a one-sided CUSUM (k, h, shift in standard deviations of one interval).

    (exp(2Δb) − 1 − 2Δb)/(2Δ²) with Δ = k − shift and b = h + 1.166 (Siegmund 1985, Sequential Analysis;
    Montgomery, Introduction to Statistical Quality Control, section on CUSUM design); b² at Δ = 0.
    """
    b, drift = h + _OVERSHOOT, k - shift
    if abs(drift * b) < 1e-6:
        return b * b
    power = 2.0 * drift * b
    if power > 700.0:
        return math.inf
    return (math.exp(power) - 1.0 - power) / (2.0 * drift * drift)


def decision_interval(k: float, mean_run: float) -> float:
    """The h (standard deviations) at which a one-sided CUSUM gives a false alarm every `mean_run` intervals."""
    if not (k > 0.0 and mean_run > 1.0):
        raise ConfigError(f"a CUSUM with k = {k} and a mean run of {mean_run} intervals makes no sense.")
    low, high = 0.0, 1.0
    while mean_run_length(k, high) < mean_run:
        low, high = high, 2.0 * high
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if mean_run_length(k, middle) < mean_run else (low, middle)
    return high


def cusum(
    values: pd.Series[float],
    *,
    target: float,
    sd: float,
    rho: float = 0.0,
    shift: float,
    mean_run: float,
    target_error: float = 0.0,
) -> Cusum:
    """A two-sided tabular CUSUM of values against a target.

    values: by interval, NaN is passed over; target, sd (one interval), shift (the lasting change to be
    found): unit of the values; rho: memory of the noise: sd counts as sd·√((1 + ρ)/(1 − ρ)), which is
    what sums of AR(1) noise wander by. k is half the shift, h such that each side gives a false alarm
    every `mean_run` intervals. target_error: what the target itself may be wrong by, which is added to k.
    Source: Page 1954 (Biometrika 41), Montgomery as in `mean_run_length`.
    """
    _positive(sd=sd, shift=shift)
    wide = sd * math.sqrt(long_run_factor(rho))
    k = 0.5 * shift / wide
    h = decision_interval(k, mean_run)
    x: Floats = np.asarray(values, dtype=np.float64)
    high, low = np.zeros(len(x)), np.zeros(len(x))
    above = below = 0.0
    reference = k * wide + target_error
    for place, value in enumerate(x.tolist()):
        if not math.isnan(value):
            above = max(0.0, above + value - target - reference)
            below = max(0.0, below - value + target - reference)
        high[place], low[place] = above, below
    limit = h * wide
    frame = pd.DataFrame(
        {"value": x, "high": high, "low": low, "alarm": (high > limit) | (low > limit)}, index=values.index
    )
    return Cusum(frame, target, reference, limit, mean_run_length(k, h))


def individuals_chart(
    values: pd.Series[float], *, target: float, sd: float, width: float = 3.0
) -> ControlChart:
    """Single values within target ± width·sd.

    sd is the whole standard deviation of one interval, not the one from moving ranges, which memory makes
    too small (Montgomery, section on autocorrelated process data).
    """
    _positive(sd=sd, width=width)
    x: Floats = np.asarray(values, dtype=np.float64)
    return _chart("individuals", values, x, target, width * sd, sd, 0.0)


def ewma_chart(
    values: pd.Series[float],
    *,
    target: float,
    sd: float,
    rho: float = 0.0,
    weight: float = 0.2,
    width: float = 3.0,
) -> ControlChart:
    """Exponentially weighted means within limits for AR(1) noise.

    z = λ·x + (1 − λ)·z, λ = weight. Var z = sd²·λ/(2 − λ)·(1 + ρ(1 − λ))/(1 − ρ(1 − λ)) (Schmid 1997,
    Annals of Statistics 25(3); ρ = 0: Roberts 1959). A NaN leaves z as it is.
    """
    _positive(sd=sd, width=width)
    if not 0.0 < weight <= 1.0:
        raise ConfigError(f"an EWMA weight of {weight} makes no sense.", todo="Give e.g. 0.2.")
    x: Floats = np.asarray(values, dtype=np.float64)
    smooth, state = np.empty(len(x)), target
    for place, value in enumerate(x.tolist()):
        if not math.isnan(value):
            state = weight * value + (1.0 - weight) * state
        smooth[place] = state
    kept = min(max(rho, 0.0), 0.99) * (1.0 - weight)
    variance = sd**2 * weight / (2.0 - weight) * (1.0 + kept) / (1.0 - kept)
    return _chart("ewma", values, smooth, target, width * math.sqrt(variance), sd, rho)


def _chart(
    kind: str, values: pd.Series[float], plotted: Floats, target: float, half: float, sd: float, rho: float
) -> ControlChart:
    frame = pd.DataFrame(
        {
            "value": values.to_numpy(dtype="float64"),
            "plotted": plotted,
            "centre": target,
            "lower": target - half,
            "upper": target + half,
            "out": np.abs(plotted - target) > half,
        },
        index=values.index,
    )
    return ControlChart(kind, frame, sd, rho)


def _positive(**given: float) -> None:
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ConfigError(f"{name} = {value} makes no chart.", todo="Give a number above 0.")
