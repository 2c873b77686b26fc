"""Whatever the readings look like: a model and its saving, a reasoned refusal, or a data error; nothing else."""

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Model, Refusal, Savings, avoided_energy, fit_towt_daily

VALUES = st.one_of(
    st.floats(-1e6, 1e6, allow_subnormal=False), st.sampled_from([0.0, math.nan, math.inf, -math.inf, 27.0])
)
WORDS = st.sampled_from(["normal", "normal", "normal", "holiday", "tet", "shutdown"])


@st.composite
def frames(draw: st.DrawFn, start: str) -> pd.DataFrame:
    days = draw(st.integers(0, 90))
    index = pd.date_range(start, periods=days, freq="D", tz=draw(st.sampled_from(["UTC", "Europe/Berlin"])))
    columns = {
        name: draw(st.lists(VALUES, min_size=days, max_size=days)) for name in ("energy", "temperature")
    }
    if draw(st.booleans()):
        # few values, many ties: the knots and columns collapse
        columns["temperature"] = [
            round(value, -5) if math.isfinite(value) else value for value in columns["temperature"]
        ]
    frame = pd.DataFrame(columns, index=index, dtype="float64")
    frame["day_type"] = pd.Series(
        draw(st.lists(WORDS, min_size=days, max_size=days)), index=index, dtype=object
    )
    frame["used"] = draw(st.lists(st.booleans(), min_size=days, max_size=days))
    keep = draw(st.lists(st.booleans(), min_size=days, max_size=days))
    return frame[np.array(keep, dtype=bool) | draw(st.booleans())]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(frames("2023-01-01"), frames("2024-01-01"))
def test_any_readings_give_a_number_or_a_reason(before, after):
    result = fit_towt_daily(before, day_type="day_type", allow_short=True)
    if isinstance(result, Refusal):
        assert result.en
        assert result.vi
        return
    assert isinstance(result, Model)
    assert result.statistics.n > result.statistics.p > 0
    assert np.isfinite(result.coefficients).all()
    saving = avoided_energy(result, after)
    if isinstance(saving, Savings):
        assert math.isfinite(saving.saving)
        assert saving.uncertainty.half_width >= 0.0
        assert saving.intervals + saving.excluded == len(after)
    else:
        assert saving.en
