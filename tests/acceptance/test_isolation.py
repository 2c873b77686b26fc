"""Instruments and isolated measures: full-load examples, and how often intervals hold the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.isolation import (
    Run,
    Side,
    SteadyRuns,
    compare_tests,
    on_off_saving,
    siegert_efficiency,
    switching_schedule,
)
from analysis.metrology import (
    Accuracy,
    Chain,
    ElectricityMeter,
    Instrument,
    LoadPoint,
    Transformer,
    meter_chain,
)
from analysis.results import Refusal

Figure = Callable[[str, float | str, str], None]


@pytest.mark.parametrize(
    ("label", "meter", "ct", "wanted"),
    [
        ("direct, class 1", ElectricityMeter("m", "1"), None, 1.15),
        ("CT 0.5 and 0.5S", ElectricityMeter("m", "0.5S", "ct"), Transformer("t", "0.5"), 0.82),
        ("CT 1 and class 1", ElectricityMeter("m", "1", "ct"), Transformer("t", "1"), 1.63),
    ],
)
def test_metering_chains_at_full_load(
    figure: Figure, label: str, meter: ElectricityMeter, ct: Transformer | None, wanted: float
) -> None:
    found = meter_chain(meter, ct=ct, profile=[LoadPoint(1.0, 1.0)])
    assert isinstance(found, Chain)
    figure(f"metering chain {label}, ± % at k = 2", found.expanded_pct(), f"{wanted}")
    assert found.expanded_pct() == pytest.approx(wanted, abs=0.006)


def _runs(day: str, values: np.ndarray) -> SteadyRuns:
    runs = []
    for hour, row in enumerate(values):
        start = pd.Timestamp(day) + pd.Timedelta(hours=hour)
        means = dict(zip(("o2_pct", "t_flue_c", "t_air_c"), row.tolist(), strict=True))
        runs.append(Run(start, start + pd.Timedelta(minutes=10), 20, {**means, "load": 4.0}))
    return SteadyRuns("boiler", tuple(runs))


@pytest.mark.parametrize("same", [True, False], ids=["one analyser", "two analysers"])
def test_a_boiler_pair_covers_the_truth(figure: Figure, same: bool) -> None:
    draw = np.random.default_rng(2026)
    limits = np.array([0.3, 2.0, 1.0])
    sides = (np.array([8.0, 240.0, 30.0]), np.array([4.0, 215.0, 30.0]))
    method = siegert_efficiency("natural_gas")
    eta = [
        method.function(dict(zip(("o2_pct", "t_flue_c", "t_air_c"), side.tolist(), strict=True)))
        for side in sides
    ]
    assert not any(isinstance(value, Refusal) for value in eta)
    truth = 1.0 - eta[0] / eta[1]  # type: ignore[operator]
    hits, reps = 0, 300
    for _ in range(reps):
        first = draw.uniform(-limits, limits)
        errors = (first, first if same else draw.uniform(-limits, limits))
        pair = []
        for place, day in enumerate(("2026-03-02", "2026-04-02")):
            serial = "A" if same else f"A{place}"
            tool = tuple(
                Instrument(serial, channel, Accuracy(limit), drift=0.0 if same else None)
                for channel, limit in zip(("o2_pct", "t_flue_c", "t_air_c"), limits.tolist(), strict=True)
            )
            scatter = draw.normal(0.0, [0.15, 1.5, 0.3], (3, 3))
            pair.append(Side(_runs(day, sides[place] + errors[place] + scatter), tool))
        found = compare_tests(pair[0], pair[1], method)
        assert not isinstance(found, Refusal)
        hits += found.low <= truth <= found.high
    share = 100.0 * hits / reps
    figure(
        f"boiler pair, 3 runs a side, {'one analyser' if same else 'two analysers'}: coverage of 90 %, %",
        share,
        "85–96",
    )
    assert 85.0 <= share <= 96.0


def test_the_smallest_change_a_boiler_pair_can_show(figure: Figure) -> None:
    """Three runs a side at 8 and 4 % O2; ±0.3 vol%, 2 K, 1 K; fluegas.md §5: 0.7 points for a spot pair."""
    scatter = np.array([[-0.1, -1.0, -0.2], [0.0, 0.0, 0.0], [0.1, 1.0, 0.2]])
    found = {}
    for label, second, day, drift in (
        ("one day, one analyser", "A", "2026-03-02 12:00", None),
        ("a month apart, drift not stated", "A", "2026-04-02", None),
        ("a month apart, drift stated as 0", "A", "2026-04-02", 0.0),
        ("two analysers", "B", "2026-04-02", None),
    ):
        sides = []
        for serial, when, middle in (
            ("A", "2026-03-02", [8.0, 240.0, 30.0]),
            (second, day, [4.0, 215.0, 30.0]),
        ):
            tool = tuple(
                Instrument(serial, channel, Accuracy(limit), drift=drift)
                for channel, limit in (("o2_pct", 0.3), ("t_flue_c", 2.0), ("t_air_c", 1.0))
            )
            sides.append(Side(_runs(when, np.array(middle) + scatter), tool))
        pair = compare_tests(sides[0], sides[1], siegert_efficiency("natural_gas"))
        assert not isinstance(pair, Refusal)
        found[label] = pair.smallest_change
        figure(
            f"smallest change, boiler pair, {label}, points", pair.smallest_change, "below 0.71 (spot pair)"
        )
        assert pair.spot_pair == pytest.approx(0.707, abs=0.001)
    same, silent, stated, two = found.values()
    assert same == pytest.approx(stated)
    assert silent == pytest.approx(two)
    assert same < silent < 0.707


def test_an_on_off_test_covers_the_truth(figure: Figure) -> None:
    draw, hits, reps = np.random.default_rng(7), 0, 200
    for seed in range(reps):
        plan = switching_schedule("2026-03-02", 24, seed=seed)
        assert not isinstance(plan, Refusal)
        index = pd.date_range("2026-03-02", periods=24 * 24, freq="h")
        noise = np.zeros(len(index))
        shock = draw.normal(0.0, math.sqrt(1.0 - 0.95**2), len(index))
        for hour in range(1, len(index)):
            noise[hour] = 0.95 * noise[hour - 1] + shock[hour]
        on = np.repeat(plan.frame["on"].to_numpy(), 24)
        found = on_off_saving(
            pd.DataFrame({"energy": 100.0 - 8.0 * on + 10.0 * noise}, index=index), plan, draws=99
        )
        assert not isinstance(found, Refusal)
        hits += abs(found.saving_per_hour - 8.0) <= found.uncertainty.half_width
    share = 100.0 * hits / reps
    figure("on/off, 24 days, hourly ρ 0.95: coverage of 90 %, %", share, "84–96")
    assert 84.0 <= share <= 96.0
