"""Units: a wrong factor here would be a wrong figure everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.units import _UNITS, canonical_unit, conversion


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (212.0, "°F", "degC", 100.0),
        (-40.0, "degF", "degC", -40.0),
        (273.15, "K", "degC", 0.0),
        (1.0, "GJ", "kWh", 277.777_777_8),
        (1.0, "kcal", "J", 4186.8),
        (60.0, "l/min", "m3/h", 3.6),
        (1.0, "l/s", "m3/h", 3.6),
        (5.0, "mbar", "Pa", 500.0),
        (2.5, "MWh", "kWh", 2500.0),
        (0.5, "vol%", "ppm", 5000.0),
        (10.0, "kg/cm²", "bar", 9.80665),
        (100.0, "psi", "bar", 6.894_757_293),
        (1.2, "g/L", "mg/l", 1200.0),
        (1.5, "mS/cm", "µS/cm", 1500.0),
    ],
)
def test_a_reading_in_another_unit_keeps_its_meaning(value, source, target, expected):
    assert conversion(source, target)(value) == pytest.approx(expected, rel=1e-9)


def test_kilowatts_never_pass_as_kilowatt_hours():
    with pytest.raises(ValueError, match="don't convert"):
        conversion("kW", "kWh")


def test_an_unknown_unit_is_named():
    with pytest.raises(ValueError, match="furlong"):
        canonical_unit("furlong")


@given(st.sampled_from(sorted(_UNITS)), st.sampled_from(sorted(_UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_again_is_the_same_reading(a, b, value):
    if _UNITS[a][0] != _UNITS[b][0]:
        return
    back = conversion(b, a)(conversion(a, b)(value))
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)
