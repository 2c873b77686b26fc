"""Counters that fall are held back until a second reading says the same."""

from __future__ import annotations

import pytest

from dodac.samples import Flag, Layout, Reason
from drivers.counters import CounterWatch

LAYOUT = Layout("m", ("power_w", "energy_import_kwh"))


def told(*readings: float) -> list[float | None]:
    """What each reading is passed as: its value, or None when it was flagged."""
    watch = CounterWatch(LAYOUT)
    found: list[float | None] = []
    for time_ns, value in enumerate(readings, start=1):
        sample = watch.checked(LAYOUT.sample(time_ns, {"power_w": -value, "energy_import_kwh": value}))
        energy = sample.values[1]
        found.append(energy if energy == energy else None)
        assert sample.values[0] == -value  # what may fall is left alone
        if energy != energy:
            assert sample.flags == (Flag("energy_import_kwh", Reason.COUNTER_FALL, value),)
    return found


@pytest.mark.parametrize(
    ("readings", "passed"),
    [
        ((100, 0, 101), [100, None, 101]),
        ((100, 0, 0.5, 1), [100, None, 0.5, 1]),  # seen twice: a reset
        ((100, 50, 40, 41), [100, None, None, 41]),  # still falling: not twice the same
        ((100, 0, 101, 0, 102), [100, None, 101, None, 102]),
        ((100, 99.99995, 100), [100, 99.99995, 100]),  # one step of a single-precision mantissa
    ],
)
def test_a_fall_counts_only_when_it_is_seen_twice(
    readings: tuple[float, ...], passed: list[float | None]
) -> None:
    assert told(*readings) == passed


def test_a_reading_that_failed_says_nothing_about_the_counter() -> None:
    watch = CounterWatch(LAYOUT)
    watch.checked(LAYOUT.sample(1, {"energy_import_kwh": 100.0}))
    failed = LAYOUT.sample(2, {}, flags=[Flag("energy_import_kwh", Reason.CRC)])
    assert watch.checked(failed) is failed
    fallen = watch.checked(LAYOUT.sample(3, {"energy_import_kwh": 3.0}))
    assert [flag.reason for flag in fallen.flags] == [Reason.COUNTER_FALL]
