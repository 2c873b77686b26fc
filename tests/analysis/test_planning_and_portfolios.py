"""How long to measure, and many savings as one, against draws of their own: the ± foreseen is the ± that comes."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from analysis import Model, Savings, Uncertainty, avoided_energy, fit, meter_data
from analysis.planning import Detectable, months_needed, smallest_saving
from analysis.portfolios import portfolio
from analysis.results import InstrumentPart, UncertaintyPart

Z90 = NormalDist().inv_cdf(0.95)


def plant(seed, start: str, days: int, rho: float, saved: float) -> tuple[pd.DataFrame, float]:
    """Daily energy of tonnes with AR(1) errors of 60 kWh, and the energy that the measure saves."""
    random = np.random.default_rng(seed)
    tonnes = random.normal(60.0, 10.0, days)
    shocks = random.normal(0.0, 60.0, days) * np.array([1.0, *[math.sqrt(1.0 - rho**2)] * (days - 1)])
    error = np.zeros(days)
    for day in range(days):
        error[day] = shocks[day] + (rho * error[day - 1] if day else 0.0)
    energy = 500.0 + 8.0 * tonnes
    frame = pd.DataFrame(
        {"energy": energy * (1.0 - saved) + error, "tonnes": tonnes},
        index=pd.date_range(start, periods=days, freq="D"),
    )
    return frame, float(energy.sum() * saved)


def fitted(frame: pd.DataFrame) -> Model:
    model = fit(meter_data(frame, unit="kWh", interval="day", drivers=["tonnes"]), "regression")
    assert isinstance(model, Model)
    return model


def saving_of(model: Model, frame: pd.DataFrame) -> Savings:
    found = avoided_energy(model, meter_data(frame, unit="kWh", interval="day", drivers=["tonnes"]))
    assert isinstance(found, Savings)
    return found


def foreseen(model: Model, months: float, **more) -> Detectable:
    found = smallest_saving(model, months=months, **more)
    assert isinstance(found, Detectable)
    return found


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("months", [1, 3, 12, 24])
def test_the_interval_foreseen_is_the_interval_that_comes(months, rho):
    model = fitted(plant([1, months], "2022-01-01", 365, rho, 0.0)[0])
    after, _ = plant([2, months], "2023-01-01", round(months * 30.4375), rho, 0.08)
    came = saving_of(model, after).uncertainty.half_width
    assert foreseen(model, months).half_width == pytest.approx(came, rel=0.03)


def test_a_saving_shows_in_the_months_it_was_promised_in_and_not_a_month_before():
    model = fitted(plant(3, "2022-01-01", 365, 0.6, 0.0)[0])
    for fraction in (0.02, 0.04, 0.08):
        months = months_needed(model, fraction)
        assert months is not None
        assert foreseen(model, months).fraction <= fraction
        if months > 1:
            assert foreseen(model, months - 1).fraction > fraction
        after, true = plant([4, months], "2023-01-01", round(months * 30.4375), 0.6, fraction)
        shown = saving_of(model, after)
        assert shown.uncertainty.half_width <= true * 1.05


@pytest.mark.soak
@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("months", [1, 3, 12, 24])
def test_nine_of_ten_savings_lie_within_the_interval_foreseen(months, rho):
    draws, inside = 600, 0
    for draw in range(draws):
        model = fitted(plant([77, months, draw, 0], "2022-01-01", 365, rho, 0.0)[0])
        after, true = plant([77, months, draw, 1], "2023-01-01", round(months * 30.4375), rho, 0.08)
        inside += abs(saving_of(model, after).saving - true) <= foreseen(model, months).half_width
    # 600 draws: a standard error of 1.2 %
    assert inside / draws == pytest.approx(0.90, abs=0.04)


def member(place: int, parts: dict[tuple[str, str], float], moved: dict[str, float]) -> Savings:
    """A saving of 1000 with given half widths at 90 % by kind and id, and what sources move it by."""
    made = tuple(UncertaintyPart(kind, name, half) for (kind, name), half in parts.items())
    whole = math.hypot(*(part.half_width for part in made))
    return Savings(
        "avoided", "kWh", "2023-01-01", "2023-12-31", 10_000.0, 9_000.0, 1_000.0 + place,
        Uncertainty("exact", 0.9, whole, 300.0, "here", parts=made), (), 365, 0, (), pd.DataFrame(), (), moved,
    )  # fmt: skip


def spread(members: list[Savings], groups: list[list[int]], draws: int = 400_000) -> float:
    """Half width at 90 % of the sum, by drawing each error: models apart or as one, sources and adjustments as one."""
    random = np.random.default_rng(11)
    total = np.zeros(draws)
    of_group = {place: number for number, group in enumerate(groups) for place in group}
    errors: dict[object, np.ndarray] = {}

    def error(key: object) -> np.ndarray:
        return errors.setdefault(key, random.normal(0.0, 1.0, draws))

    for place, one in enumerate(members):
        for part in one.uncertainty.parts:
            if part.kind == "model":
                total += part.half_width / Z90 * error(("group", of_group.get(place, f"alone {place}")))
            elif part.kind == "instrument":
                total += one.instruments[part.id] * error(part.id)
            else:
                total += part.half_width / Z90 * error(part.id)
    return float(Z90 * np.std(total))


MODELS = [
    member(
        place,
        {
            ("model", "exact"): 80.0 + 10.0 * place,
            ("instrument", "reference"): Z90 * 20.0,
            ("instrument", f"meter-{place}"): Z90 * 15.0,
            **({("adjustment", "new hall"): 60.0} if place in (2, 5) else {}),
        },
        # one member lies on the other side of the reference: what it adds there, it takes here
        {"reference": -20.0 if place == 7 else 20.0, f"meter-{place}": 15.0},
    )
    for place in range(8)
]


@pytest.mark.parametrize("shared", [[], [[0, 1]], [[0, 1, 2], [4, 6]], [list(range(8))]])
def test_a_portfolio_is_as_uncertain_as_its_drawn_sum(shared):
    found = portfolio(MODELS, shared=shared)
    assert found.uncertainty.half_width == pytest.approx(spread(MODELS, shared), rel=0.006)
    assert found.saving == pytest.approx(sum(one.saving for one in MODELS))
    # never below the independent sum, never above everything in one direction
    ends = [
        math.sqrt(sum(one.uncertainty.half_width**2 for one in MODELS)),
        sum(one.uncertainty.half_width for one in MODELS),
    ]
    assert ends[0] * 0.99 < found.uncertainty.half_width < ends[1]


def test_a_reference_that_moves_two_members_apart_cancels():
    pair = [
        member(0, {("model", "exact"): 1.0, ("instrument", "scale"): Z90 * 50.0}, {"scale": 50.0}),
        member(1, {("model", "exact"): 1.0, ("instrument", "scale"): Z90 * 50.0}, {"scale": -50.0}),
    ]
    assert portfolio(pair).uncertainty.half_width == pytest.approx(math.sqrt(2.0))
    assert portfolio([pair[0], pair[0]]).uncertainty.half_width == pytest.approx(
        math.hypot(math.sqrt(2.0), Z90 * 100.0)
    )


def test_a_member_without_parts_counts_with_its_whole_interval():
    plain = replace(
        MODELS[0], uncertainty=replace(MODELS[0].uncertainty, parts=(), half_width=100.0), instruments={}
    )
    assert portfolio([plain] * 4).uncertainty.half_width == pytest.approx(200.0)
    assert portfolio([plain] * 4, shared=[range(4)]).uncertainty.half_width == pytest.approx(400.0)


@pytest.mark.soak
@pytest.mark.parametrize("reference", [0.0, 0.01])
def test_nine_of_ten_programme_totals_lie_within_their_interval(reference):
    sites, draws, inside = 6, 300, 0
    for draw in range(draws):
        shared = np.random.default_rng([55, draw]).normal(0.0, reference) if reference else 0.0
        savings, true = [], 0.0
        for site in range(sites):
            before, _ = plant([56, draw, site], "2022-01-01", 365, 0.5, 0.0)
            after, saved = plant([57, draw, site], "2023-01-01", 365, 0.5, 0.08)
            for frame in (before, after):  # one reference calibrated all meters: all err alike
                frame["energy"] *= 1.0 + shared
            parts = [InstrumentPart("reference", reference, reference)] if reference else []
            data = meter_data(after, unit="kWh", interval="day", drivers=["tonnes"])
            found = avoided_energy(fitted(before), data, instruments=parts)
            assert isinstance(found, Savings)
            savings.append(found)
            true += saved
        inside += abs(portfolio(savings).saving - true) <= portfolio(savings).uncertainty.half_width
    # 300 draws: a standard error of 1.7 %
    assert inside / draws == pytest.approx(0.90, abs=0.05)
