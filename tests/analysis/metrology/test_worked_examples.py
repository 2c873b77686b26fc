"""Worked budgets printed by others: the GUM's correlated example, budgets of laboratories with their slips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.metrology import Contribution, budget, from_expanded, from_limit, from_values, propagate

# JCGM 100:2008, table H.2: five sets of V (V), I (mA), φ (rad)
SETS = (
    (5.007, 19.663, 1.0456),
    (4.994, 19.639, 1.0438),
    (5.005, 19.640, 1.0468),
    (4.990, 19.685, 1.0428),
    (4.999, 19.678, 1.0433),
)
WANTED = {"r": (127.732, 0.071), "x": (219.847, 0.295), "z": (254.260, 0.236)}


def _of(name: str, v: float, i: float, phi: float) -> float:
    turned = {"r": math.cos(phi), "x": math.sin(phi), "z": 1.0}[name]
    return v / (i * 1e-3) * turned


@pytest.mark.parametrize("name", WANTED)
def test_an_impedance_by_sets_of_readings(name: str) -> None:
    """JCGM 100:2008, H.2.4, approach 2: what varies together is computed set by set, and its scatter is that of the result."""
    values = [_of(name, *one) for one in SETS]
    line = from_values("sets", name, values)
    value, standard = WANTED[name]
    assert math.fsum(values) / len(values) == pytest.approx(value, abs=0.001)
    assert line.standard == pytest.approx(standard, abs=0.001)


@pytest.mark.parametrize("name", WANTED)
def test_an_impedance_by_correlated_inputs(name: str) -> None:
    """H.2.3, approach 1 with r −0.36, 0.86, −0.65: correlations between 0 and 1 are parts shared (a Cholesky factor)."""
    means, standard = (4.9990, 19.6610, 1.04446), (0.0032, 0.0095, 0.00075)
    r = np.array([[1.0, -0.36, 0.86], [-0.36, 1.0, -0.65], [0.86, -0.65, 1.0]])
    shares = np.linalg.cholesky(r) * np.array(standard)[:, None]
    errors = {
        key: [Contribution(f"part {j}", key, abs(u), math.copysign(1.0, u)) for j, u in enumerate(row) if u]
        for key, row in zip("vip", shares.tolist(), strict=True)
    }
    found = propagate(
        lambda at: _of(name, at["v"], at["i"], at["p"]), dict(zip("vip", means, strict=True)), errors
    )
    assert found.value == pytest.approx(WANTED[name][0], abs=0.001)
    # the correlations are printed to two digits (gtc.readthedocs.io GUM_H2 gets 0.070, 0.30, 0.24)
    assert found.standard == pytest.approx(WANTED[name][1], rel=0.02)


def test_a_flow_meter_certificate_with_its_resolution() -> None:
    # elsmar.com 61808: at 5 kg U = 0.2 % (k 2), resolution 0.001 kg, repeatability 0.01 %. It prints 0.01 kg for 0.2 % of 5 kg
    # over 2, which is 0.005: its U of 0.02 kg is twice what it computes
    found = budget(
        5.0,
        [
            from_expanded("certificate", "U", 0.002 * 5.0),
            from_limit("meter", "resolution", 0.0005),
            Contribution("runs", "repeatability", 0.0005),
        ],
        unit="kg",
        confidence=0.9545,
    )
    assert found.standard == pytest.approx(math.sqrt(0.005**2 + 0.00029**2 + 0.0005**2), rel=1e-3)
    assert found.half_width == pytest.approx(0.0101, abs=1e-4)


def test_the_scatter_of_six_readings_has_five_degrees_of_freedom() -> None:
    # scribd.com/document/667833818: s = 0.1032796 of 6 readings; it divides by √5 and counts 4 degrees: 0.046188
    line = from_values("gauge", "readings", [29.8, 29.8, 29.8, 30.0, 29.8, 30.0])
    assert line.standard == pytest.approx(0.1032796 / math.sqrt(6.0), rel=1e-6)
    assert line.dof == 5.0
