"""Logs of boiler tests whose efficiency is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from analysis.isolation import Method, Side, siegert_efficiency, steady_runs
from analysis.metrology import Accuracy, Instrument
from analysis.results import Refusal

Log = Callable[..., pd.DataFrame]


def boiler_log(
    day: str = "2026-03-02",
    *,
    runs: int = 3,
    o2: float = 6.0,
    flue: float = 220.0,
    air: float = 30.0,
    load: float = 4.0,
    scatter: float = 0.0,
    gap_min: float = 30.0,
    minutes: float = 12.0,
    step_s: float = 30.0,
    noise: float = 0.02,
    seed: int = 1,
    loads: Sequence[float] | None = None,
) -> pd.DataFrame:
    """`runs` stretches of samples of `minutes`, `gap_min` apart; each run shifted by scatter (vol% O2, ×10 K flue)."""
    draw = np.random.default_rng(seed)
    pieces = []
    start = pd.Timestamp(day) + pd.Timedelta(hours=9)
    for run in range(runs):
        count = int(minutes * 60 / step_s)
        index = start + pd.to_timedelta(np.arange(count) * step_s, unit="s")
        shift = draw.normal(0.0, 1.0, 2) * scatter
        pieces.append(
            pd.DataFrame(
                {
                    "o2_pct": o2 + shift[0] + noise * draw.normal(size=count),
                    "t_flue_c": flue + 10 * shift[1] + 10 * noise * draw.normal(size=count),
                    "t_air_c": air + np.zeros(count),
                    "load": (load if loads is None else loads[run])
                    * (1 + noise * draw.normal(size=count) / 4),
                },
                index=index,
            )
        )
        start = index[-1] + pd.Timedelta(minutes=gap_min)
    return pd.concat(pieces)


@pytest.fixture(name="boiler_log")
def _boiler_log() -> Log:
    return boiler_log


@pytest.fixture
def boiler_pair() -> tuple[Side, Side, Method]:
    """8 % → 4 % O2 with one analyser, three runs a side."""
    limits = {"o2_pct": 0.3, "t_flue_c": 2.0, "t_air_c": 1.0}
    tool = tuple(Instrument("A", channel, Accuracy(limit)) for channel, limit in limits.items())
    sides = []
    for day, o2, flue, seed in (("2026-03-02", 8.0, 240.0, 1), ("2026-04-02", 4.0, 215.0, 2)):
        found = steady_runs(boiler_log(day, o2=o2, flue=flue, scatter=0.05, seed=seed), "boiler")
        assert not isinstance(found, Refusal)
        sides.append(Side(found, tool))
    return sides[0], sides[1], siegert_efficiency("natural_gas")
