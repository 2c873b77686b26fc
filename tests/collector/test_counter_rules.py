"""A counter that misbehaves never becomes consumption, and what was held is not lost when it was right."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector._counter_rules import CounterRules
from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample

LAYOUT = Layout("m", ("power_w", "energy_import_kwh"))
TEN_S = 10 * SECOND_NS


class Told:
    """Readings given to the rules every ten seconds, and what came of them."""

    def __init__(self, *readings: float | None, step_ns: int = TEN_S, **known: Any) -> None:
        rules = CounterRules(LAYOUT, **known)
        self.first: dict[int, Sample] = {}
        self.now: dict[int, Sample] = {}
        self.events: list[Event] = []
        self.corrections = 0
        for number, value in enumerate(readings, start=1):
            if value is None:
                continue
            sample = LAYOUT.sample(
                number * step_ns, {"power_w": -value, "energy_import_kwh": value}, raw=b"%d" % number
            )
            found = rules.judged(sample)
            out = sample if found is None else found.sample
            self.first[number] = self.now[number] = out
            if found is not None:
                self.events += found.events
                for one in found.corrections:
                    place = one.time_ns // step_ns
                    assert one.part > self.now[place].part
                    assert one.part >= FIRST_REVISION
                    self.now[place] = one
                    self.corrections += 1

    def good(self, which: dict[int, Sample]) -> list[float | None]:
        return [None if math.isnan(s.values[1]) else s.values[1] for s in which.values()]


@pytest.mark.parametrize(
    ("readings", "at_once", "in_the_end", "kinds"),
    [
        ((100, 0, 101), [100, None, 101], [100, None, 101], []),  # a transient zero
        ((100, 0, 101, 0, 102), [100, None, 101, None, 102], [100, None, 101, None, 102], []),
        ((100, 0, 0.5, 1), [100, None, 0.5, 1], [100, 0, 0.5, 1], ["alarm"]),  # seen twice: set back
        ((100, 50, 40, 41), [100, None, None, 41], [100, None, 40, 41], ["alarm"]),  # still falling
        ((100, 99.99995, 100), [100, 99.99995, 100], [100, 99.99995, 100], []),  # a step of the mantissa
        ((1, 2, 3, 4, 9e6, 5), [1, 2, 3, 4, None, 5], [1, 2, 3, 4, None, 5], []),  # a spike
        ((1, 2, 3, 4, 9e6, 9e6 + 1), [1, 2, 3, 4, None, 9e6 + 1], [1, 2, 3, 4, 9e6, 9e6 + 1], ["alarm"]),
        ((1, 2, 3, 4, 9e6, 0, 5), [1, 2, 3, 4, None, None, 5], [1, 2, 3, 4, None, None, 5], []),
        ((1, 2, 3, 4, 104, 204), [1, 2, 3, 4, None, 204], [1, 2, 3, 4, 104, 204], []),  # a machine started
        ((1, 2, 3, 4, 4, 4, 5), [1, 2, 3, 4, 4, 4, 5], [1, 2, 3, 4, 4, 4, 5], []),  # whole units
        ((0, 41_000, 41_001), [0, 41_000, 41_001], [0, 41_000, 41_001], []),  # nothing known yet: see store
    ],
)
def test_falls_and_leaps_are_held_until_the_next_reading_says_what_they_were(
    readings: tuple[float, ...],
    at_once: list[float | None],
    in_the_end: list[float | None],
    kinds: list[str],
) -> None:
    told = Told(*readings)
    assert told.good(told.first) == at_once
    assert told.good(told.now) == in_the_end
    assert [event.kind.value for event in told.events] == kinds


def test_what_was_read_stays_with_its_reason_whatever_became_of_it() -> None:
    told = Told(100, 0, 0.5)
    held, promoted = told.first[2], told.now[2]
    assert held.flags == (Flag("energy_import_kwh", Reason.COUNTER_FALL, 0.0),)
    assert (held.values[0], held.raw, held.part) == (0.0, b"2", 0)
    assert (promoted.values, promoted.raw, promoted.flags) == ((0.0, 0.0), b"2", ())
    spike = Told(1, 2, 3, 4, 9e6, 5).first[5]
    assert spike.flags == (Flag("energy_import_kwh", Reason.RATE, 9e6),)


def test_a_limit_that_is_known_holds_from_the_first_reading_on() -> None:
    told = Told(100, 150, 100.01, limits={"energy_import_kwh": 10.0})  # 10 kWh an hour
    assert told.good(told.now) == [100, None, 100.01]
    far = Told(100, 150, 150.01, limits={"energy_import_kwh": 10.0})
    assert far.good(far.now) == [100, 150, 150.01]
    assert "faster than max_rate" in far.events[0].text
    # a counter of whole units rises by one at a reading, however slow it is
    whole = Told(*(float(n // 400) for n in range(2000)), limits={"energy_import_kwh": 1.0})
    assert whole.corrections == 0


def test_a_rollover_is_told_from_a_reset_and_says_where_it_began_again() -> None:
    tops = {"energy_import_kwh": 1000.0}
    rolled = Told(998, 999, 0, 1, tops=tops)
    assert [event.kind for event in rolled.events] == [EventKind.ROLLOVER]
    data = rolled.events[0].data
    assert (data["end.energy_import_kwh"], data["start.energy_import_kwh"]) == (1000.0, 0.0)
    assert rolled.events[0].time_ns == 3 * TEN_S
    for readings in ((500, 501, 0, 1), (998, 999, 600, 601)):
        reset = Told(*readings, tops=tops)
        assert [event.kind for event in reset.events] == [EventKind.ALARM], readings
        assert "dodac exchange" in reset.events[0].text


def test_a_reading_that_failed_says_nothing_about_the_counter() -> None:
    rules = CounterRules(LAYOUT)
    assert rules.judged(LAYOUT.sample(1, {"energy_import_kwh": 100.0})) is not None
    failed = LAYOUT.sample(2, {}, flags=[Flag("energy_import_kwh", Reason.CRC)])
    assert rules.judged(failed) is None
    fallen = rules.judged(LAYOUT.sample(3, {"energy_import_kwh": 3.0}))
    assert fallen is not None
    assert [flag.reason for flag in fallen.sample.flags] == [Reason.COUNTER_FALL]


def test_samples_of_the_past_and_corrections_pass_as_they_are() -> None:
    rules = CounterRules(LAYOUT)
    rules.judged(LAYOUT.sample(100, {"energy_import_kwh": 100.0}))
    assert rules.judged(LAYOUT.sample(50, {"energy_import_kwh": 3.0})) is None
    assert rules.judged(LAYOUT.sample(200, {"energy_import_kwh": 3.0}, part=FIRST_REVISION)) is None


def test_a_correction_never_hides_another_sample_of_its_moment() -> None:
    rules = CounterRules(LAYOUT)
    rules.judged(LAYOUT.sample(1, {"energy_import_kwh": 100.0}))
    rules.judged(LAYOUT.sample(2, {"power_w": 1.0}))
    held = rules.judged(LAYOUT.sample(2, {"energy_import_kwh": 0.0}, part=1))
    assert held is not None
    assert held.sample.flags
    found = rules.judged(LAYOUT.sample(3, {"energy_import_kwh": 0.5}))
    assert found is not None
    assert found.corrections == []
    assert found.sample.values[1] == 0.5


def test_after_an_exchange_the_next_reading_begins_a_new_count() -> None:
    rules = CounterRules(LAYOUT)
    rules.judged(LAYOUT.sample(1, {"energy_import_kwh": 100.0}))
    rules.forget()
    found = rules.judged(LAYOUT.sample(2, {"energy_import_kwh": 3.0}))
    assert found is not None
    assert found.sample.flags == ()


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.lists(st.floats(0.1, 2.0), min_size=20, max_size=80),
    st.sets(st.integers(6, 78), max_size=5),
    st.sampled_from([0.0, 0.5, 1e9]),
)
def test_lone_zeros_and_spikes_never_pass_and_nothing_else_is_lost(
    rises: list[float], faults: set[int], wrong: float
) -> None:
    value, true = 1000.0, {}
    for place, rise in enumerate(rises, start=1):
        value += rise
        true[place] = value
    alone = {place for place in faults if place < len(true) and not {place - 1, place + 1} & faults}
    told = Told(*(wrong if place in alone else right for place, right in true.items()))
    passed = told.good(told.now)
    assert passed == [None if place in alone else right for place, right in true.items()]
