"""Slow noise is told and not proposed; an abrupt change in slow noise is found nevertheless."""

import numpy as np
import pandas as pd
import pytest

from analysis.events import Detection, detect


def found(frame: pd.DataFrame) -> Detection:
    result = detect(frame, interval="day", unit="kWh")
    assert isinstance(result, Detection), result
    return result


def long_memory(n: int, d: float, seed: int) -> np.ndarray:
    """Fractional noise (1 − B)^−d of unit variance, from its moving average over 3 000 values."""
    lags = np.arange(1, 3000)
    weights = np.concatenate([[1.0], np.cumprod((lags - 1 + d) / lags)])
    shocks = np.random.default_rng(seed).normal(size=n + len(weights) - 1)
    return np.convolve(shocks, weights, mode="valid") / np.sqrt(np.sum(weights**2))


def test_a_week_of_more_is_found_and_dated_in_noise_that_lasts(series):
    hits = 0
    for seed in range(10):
        frame = series(seed=seed, rho=0.8)
        frame.iloc[150:157, 0] += 200.0
        events = found(frame).events
        hits += [(event.kind, event.start) for event in events] == [("temporary", "2023-05-31")]
    assert hits >= 8


def test_noise_with_long_memory_is_seldom_an_event_and_is_told(series):
    proposed = told = 0
    for seed in range(20):
        frame = series()
        frame["measured"] = frame["expected"] + 50.0 * long_memory(365, 0.3, seed)
        result = found(frame)
        proposed += bool(result.events)
        told += "changes_unclear" in {finding.code for finding in result.findings}
    assert proposed <= 7
    assert told >= 1


def test_a_wave_of_a_year_is_no_staircase(series):
    false = 0
    for seed in range(15):
        frame = series(seed=seed, rho=0.4)
        frame["measured"] += 30.0 * np.sin(2 * np.pi * np.arange(365) / 365.0 + seed)
        false += bool(found(frame).events)
    assert false <= 5


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_unit_changes_no_event(series, scale):
    frame = series(seed=4, rho=0.7)
    frame.iloc[100:130, 0] += 180.0
    told = [(event.kind, event.start, event.end) for event in found(frame).events]
    frame[["measured", "expected"]] *= scale
    assert told
    assert [(event.kind, event.start, event.end) for event in found(frame).events] == told
