"""Student's t against printed tables."""

import math

import pytest

from analysis._student import t_quantile, t_two_sided, t_upper_tail


# two-sided 90, 95, 99 %; NIST/SEMATECH e-Handbook §1.3.6.7.2
@pytest.mark.parametrize(
    ("dof", "t90", "t95", "t99"),
    [
        (1, 6.314, 12.706, 63.657),
        (2, 2.920, 4.303, 9.925),
        (5, 2.015, 2.571, 4.032),
        (10, 1.812, 2.228, 3.169),
        (30, 1.697, 2.042, 2.750),
        (100, 1.660, 1.984, 2.626),
    ],
)
def test_the_quantile_is_the_printed_one(dof, t90, t95, t99):
    for confidence, printed in ((0.90, t90), (0.95, t95), (0.99, t99)):
        assert t_two_sided(confidence, dof) == pytest.approx(printed, abs=6e-4)


def test_closed_forms_hold():
    assert t_quantile(0.975, 1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-9)
    assert t_quantile(0.95, 2) == pytest.approx(0.9 * math.sqrt(2 / (4 * 0.95 * 0.05)), rel=1e-9)
    assert t_quantile(0.95, 1e7) == pytest.approx(1.6448536269514722, rel=1e-6)


def test_a_quantile_and_its_tail_belong_together():
    for dof in (0.5, 1.0, 3.7, 88.7, 2000.0):
        for probability in (0.501, 0.75, 0.95, 0.999):
            t = t_quantile(probability, dof)
            assert t_upper_tail(t, dof) == pytest.approx(1 - probability, rel=1e-8)
            assert t_quantile(1 - probability, dof) == pytest.approx(-t, rel=1e-8)
    assert t_quantile(0.5, 3) == 0.0


@pytest.mark.parametrize(("probability", "dof"), [(0.0, 3), (1.0, 3), (0.9, 0.0), (0.9, math.nan)])
def test_nonsense_is_refused(probability, dof):
    with pytest.raises(ValueError, match="degrees"):
        t_quantile(probability, dof)
