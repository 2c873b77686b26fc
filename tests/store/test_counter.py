"""Counters that misbehave: no fault of a meter ever becomes energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import HOUR_NS, MINUTE_NS
from dodac.quantities import Kind
from store._counter import believable_rises
from store._intervals import per_step

T0 = 1_790_000_000_000_000_000
STEP = 15 * MINUTE_NS


def _amounts(values: list[float], step: int = HOUR_NS) -> tuple[np.ndarray, np.ndarray]:
    times = T0 + np.arange(len(values)) * STEP
    marks = np.arange(T0, times[-1] + step, step)
    return per_step(
        Kind.COUNTER,
        times,
        np.zeros(len(times), np.int64),
        np.array(values, float),
        marks,
        T0,
        int(marks[-1]),
    )


def _rises(values: list[float] | np.ndarray, times: np.ndarray | None = None) -> tuple[float, int]:
    """The sum of what is known, and how many readings lie off the count that is kept."""
    when = T0 + np.arange(len(values)) * STEP if times is None else times
    (found,) = believable_rises(when, np.array(values, float))
    return float(np.nansum(found.amount)), len(found.left_out)


@pytest.mark.parametrize(
    ("values", "used", "left_out"),
    [
        ([5, 6, 0, 7, 8], 3, 1),  # zero once
        ([5, 6, 0, 0, 0, 0, 0, 0, 7, 8], 3, 6),  # zero for long, back by one jump
        ([5, 6, 9999, 7, 8], 3, 1),  # spike
        ([5, 6, 5.9, 7, 8], 3, 2),  # a jitter: either of two may be wrong
        ([500, 501, 0, 1, 2, 3, 4, 5], 1 + 5, 0),  # reset
        ([998, 999, 1, 2, 3, 4, 5], 1 + 4, 0),  # rollover
        ([50, 60, 0, 10, 20, 30, 40, 50, 60, 70], 10 + 70, 0),  # grows back
        ([7, 8, 0], 1, 1),  # not known yet: no amount, no negative
    ],
)
def test_falls_are_told_apart(values: list[float], used: float, left_out: int) -> None:
    assert _rises(values) == (pytest.approx(used), left_out)


def test_a_meter_that_starts_at_zero_before_its_total_is_loaded_consumes_nothing() -> None:
    value, coverage = _amounts([0.0, 41_000.0, 41_001.0, 41_002.0, 41_003.0])
    assert np.nansum(value) == pytest.approx(3.0)
    assert coverage[0] == pytest.approx(0.75)


@given(
    st.lists(st.floats(0.0, 5.0), min_size=30, max_size=200),
    st.sets(st.integers(1, 198), max_size=6),
    st.sampled_from([0.0, 1e9]),
)
@settings(deadline=None, derandomize=True)
def test_single_wrong_readings_anywhere_never_add_energy(
    rises: list[float], places: set[int], wrong: float
) -> None:
    truth = 40_000.0 + np.cumsum(rises)
    seen = truth.copy()
    for place in places:
        if place < len(seen) - 1:
            seen[place] = wrong
    value, coverage = _amounts(seen.tolist())
    assert (value[~np.isnan(value)] >= 0).all()
    assert np.nansum(value) <= truth[-1] - truth[0] + 1e-6
    assert ((coverage >= 0) & (coverage <= 1)).all()


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=80))
@settings(deadline=None, derandomize=True)
def test_any_counter_readings_at_all_give_no_negative_energy(values: list[float]) -> None:
    value, coverage = _amounts(values)
    assert (value[~np.isnan(value)] >= 0).all()
    assert (np.isnan(value) == (coverage == 0)).all()


LONG = 3000
RUN = [0.5 * n for n in range(200)]


def _total(values: list[float]) -> float:
    value, coverage = _amounts(values)
    assert ((coverage >= 0) & (coverage <= 1)).all()
    return float(np.nansum(value))


def test_a_dip_of_thousands_of_readings_is_left_out_when_the_old_total_is_back() -> None:
    # beyond 2 000 readings the dip was taken for a reset, and the jump back for 41 000 kWh
    values = [41_000.0 + n for n in range(50)] + [3.0] * LONG + [41_060.0 + n for n in range(50)]
    assert _total(values) == pytest.approx(49 + 49)
    assert _rises(values) == (pytest.approx(49 + 60 - 49 + 49), LONG)


def test_a_meter_that_counted_a_little_before_its_old_total_came_back_books_only_what_it_counted() -> None:
    # counts on from zero, then loads a total older than the last one seen: never 40 990 kWh
    values = [41_000.0 + n for n in range(50)] + RUN + [40_990.0 + 0.5 * n for n in range(50)]
    assert _total(values) == pytest.approx(49 + 99.5 + 24.5)


def test_an_older_total_that_comes_and_goes_is_no_consumption() -> None:
    low = [8_000.0 + 0.1 * n for n in range(100)]
    values = [12_000.0 + 0.1 * n for n in range(100)] + low + [11_990.0 + 0.1 * n for n in range(50)]
    assert _total(values) == pytest.approx(9.9 + 9.9 + 4.9)


def test_a_window_that_begins_inside_the_dip_does_not_book_the_way_back() -> None:
    values = [5.0 + 0.1 * n for n in range(40)] + [41_000.0 + 0.1 * n for n in range(40)]
    assert _total(values) == pytest.approx(3.9 + 3.9)


def test_a_new_meter_that_reaches_the_old_total_in_a_long_gap_keeps_what_it_counted_before() -> None:
    # its own pace explains the rise: a reset followed by honest consumption is no dip
    before, after = [1_000.0 + n for n in range(10)], [4.0 * n for n in range(100)]
    times = T0 + np.concatenate((np.arange(110), np.arange(110, 130) + 150)) * STEP
    values = np.array(before + after + [1_010.0 + 4 * n for n in range(20)])
    assert _rises(values, times) == (pytest.approx(9 + values[-1]), 0)


def test_a_machine_that_starts_after_a_reset_does_not_undo_the_reset() -> None:
    # 49 kWh of standby after the reset, then quick steps past the old total, more than could be chance: honest, all
    quick = [105.0 + 6 * n for n in range(5)]
    values = [70.0 + n for n in range(31)] + [50.0 + 0.01 * n for n in range(4900)] + quick
    assert _total(values) == pytest.approx(30 + quick[-1] - 50)


def test_a_young_meter_whose_machine_starts_keeps_its_consumption() -> None:
    values = [2.0 + 0.01 * n for n in range(40)] + [2.4 + 5.0 * n for n in range(40)]
    assert _total(values) == pytest.approx(values[-1] - values[0])
    assert _total([1.0] * 20 + [2.0] * 20) == pytest.approx(1.0)


@given(
    st.lists(st.floats(0.1, 5.0), min_size=30, max_size=120),
    st.integers(1, 28),
    st.integers(1, 400),
    st.sampled_from([0.0, 0.7, 12.0]),
    st.floats(-30.0, 30.0),
)
@settings(deadline=None, derandomize=True)
def test_a_stretch_of_a_wrong_total_of_any_length_never_adds_energy(
    rises: list[float], place: int, length: int, wrong: float, off: float
) -> None:
    truth = 40_000.0 + np.cumsum(rises)
    values = [*truth[:place], *[wrong] * length, *(truth[place:] + off)]
    assert _total(values) <= truth[-1] - truth[0] + abs(off) + 1e-6


def test_a_counter_that_only_falls_is_judged_in_good_time() -> None:
    used, _ = _rises(np.arange(100_000, 0, -1).astype(float))
    assert used == 0.0
