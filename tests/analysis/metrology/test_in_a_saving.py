"""Instruments in a whole-building saving: one meter counts once, an exchanged one twice."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import pytest

from analysis import avoided_energy, fit_towt_daily
from analysis.metrology import Chain, ElectricityMeter, LoadPoint, instrument_parts, meter_chain
from analysis.results import Model, Savings

Plant = Callable[..., pd.DataFrame]


def meter(id: str) -> Chain:
    found = meter_chain(ElectricityMeter(id, "2"), profile=[LoadPoint(1.0, 1.0)])
    assert isinstance(found, Chain)
    return found


def test_a_meter_kept_scales_the_saving_and_an_exchanged_one_weighs_on_both_periods(plant: Plant) -> None:
    model = fit_towt_daily(plant(noise=30.0), energy="energy", temperature="temperature", unit="kWh")
    assert isinstance(model, Model)
    after = plant("2024-01-01", noise=30.0, saving=0.1, seed=2)
    found = {}
    for name, parts in (
        ("none", ()),
        ("same", instrument_parts(meter("m"), meter("m"))),
        ("two", instrument_parts(meter("m"), meter("n"))),
    ):
        saving = avoided_energy(model, after, confidence=0.9, instruments=parts)
        assert isinstance(saving, Savings)
        found[name] = saving
    half = {name: one.uncertainty.half_width for name, one in found.items()}
    assert half["none"] < half["same"] < half["two"]
    u = 0.02 / math.sqrt(3.0)
    one = found["none"]
    # second way: what the meter adds, in quadrature, at the normal factor of 90 %
    same = math.sqrt(half["same"] ** 2 - half["none"] ** 2)
    two = math.sqrt(half["two"] ** 2 - half["none"] ** 2)
    assert same == pytest.approx(1.645 * u * one.saving, rel=0.05)
    assert two == pytest.approx(1.645 * u * math.hypot(one.adjusted_baseline, one.measured), rel=0.05)
