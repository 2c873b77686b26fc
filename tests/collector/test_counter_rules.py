"""A counter that misbehaves never becomes consumption, and what was held is not lost when it was right."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector._counter_rules import CounterRules
from dodac.clock import HOUR_NS, SECOND_NS
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


def _exchange(time_ns: int, start: float, **more: Any) -> Event:
    data = {"end.energy_import_kwh": 100.0, "start.energy_import_kwh": start, **more}
    return Event(time_ns, EventKind.EXCHANGE, "exchanged", "exchange", "m", data=data)


@pytest.mark.parametrize("told_after", [2, 3, 4])
def test_an_exchange_that_was_told_needs_no_proof_whether_before_or_after_the_work(told_after: int) -> None:
    rules, events, stored = CounterRules(LAYOUT), [], {}
    for number, value in enumerate((99.0, 99.5, 100.0, 7.0, 7.5, 8.0), start=1):
        found = rules.judged(LAYOUT.sample(number * TEN_S, {"energy_import_kwh": value}))
        for sample in [] if found is None else [*found.corrections, found.sample]:
            stored[sample.time_ns] = sample
        events += [] if found is None else found.events
        if number == told_after:
            rules.tell(_exchange(told_after * TEN_S, 7.0))
    assert events == []
    assert not any(sample.flags for sample in stored.values())


def test_only_the_counters_that_an_exchange_names_begin_again() -> None:
    layout = Layout("m", ("energy_import_kwh", "energy_export_kwh"))
    rules = CounterRules(layout)
    rules.judged(layout.sample(1, {"energy_import_kwh": 100.0, "energy_export_kwh": 50.0}))
    rules.tell(_exchange(2, 7.0))
    found = rules.judged(layout.sample(3, {"energy_import_kwh": 7.0, "energy_export_kwh": 0.0}))
    assert found is not None
    assert [flag.channel for flag in found.sample.flags] == ["energy_export_kwh"]
    rules = CounterRules(LAYOUT)
    rules.judged(LAYOUT.sample(1, {"energy_import_kwh": 100.0}))
    rules.tell(_exchange(2, 7.0))
    rules.tell(_exchange(2, 7.0, withdrawn=1))
    found = rules.judged(LAYOUT.sample(3, {"energy_import_kwh": 7.0}))
    assert found is not None
    assert found.sample.flags


def test_an_exchange_opens_the_gate_once_and_not_before_its_time() -> None:
    def reasons(told_at: int, *values: float) -> list[list[Reason]]:
        rules, found = CounterRules(LAYOUT), []
        for number, value in enumerate(values, start=1):
            if number == 4:
                rules.tell(_exchange(told_at, 7.0))
            judged = rules.judged(LAYOUT.sample(number * HOUR_NS, {"energy_import_kwh": value}))
            found.append([flag.reason for flag in judged.sample.flags] if judged else [])
        return found

    held = [Reason.COUNTER_FALL]
    # it was seen before it was told: a dip later is a dip
    assert reasons(3 * HOUR_NS, 100, 7, 7.5, 8, 7.2, 8.5) == [[], held, [], [], held, []]
    assert reasons(9 * HOUR_NS, 98, 99, 100, 7, 100.5) == [[], [], [], held, []]
    assert reasons(5 * HOUR_NS, 98, 99, 100, 7, 7.5) == [[]] * 5
    assert reasons(-60 * HOUR_NS, 98, 99, 100, 7, 100.5) == [[], [], [], held, []]


def test_zeros_near_the_top_are_no_rollover_once_the_old_count_is_back() -> None:
    told = Told(998, 999, 0, 0, 0, 999.5, 999.6, tops={"energy_import_kwh": 1000.0})
    assert [event.kind for event in told.events] == [EventKind.ROLLOVER] * 2
    first, second = told.events
    assert second.time_ns == first.time_ns
    assert (second.data["end.energy_import_kwh"], second.data["withdrawn"]) == (1000.0, 1)
    assert told.good(told.now)[-2:] == [999.5, 999.6]
    for low in (1, 9):  # a reset that was none: no alarm tells that the old count is consumption
        told = Told(498, 499, 500, 501, *([0.0] * (low + 1)), 501.5, 502)
        assert [event.kind for event in told.events] == [EventKind.ALARM, EventKind.NOTE]
        assert "no consumption" in told.events[-1].text
        assert told.good(told.now)[-2:] == [501.5, 502]


@pytest.mark.parametrize(
    ("readings", "known"),
    [
        # a meter that was exchanged while the collector was away for three hours: its pace could have gone round
        ((100, 101, 102, 103, *[None] * 1080, 0.5, 1.5), {}),
        # it can go round more than once in that time
        ((640, 641, 642, 643, *[None] * 1080, 5, 6), {"limits": {"energy_import_kwh": 400.0}}),
    ],
)
def test_a_rollover_that_can_not_be_known_is_not_made_up(
    readings: tuple[float | None, ...], known: dict[str, Any]
) -> None:
    told = Told(*readings, tops={"energy_import_kwh": 655.36}, **known)
    assert [event.kind for event in told.events] == [EventKind.ALARM]
    assert "not known" in told.events[0].text


def test_a_rollover_within_an_hour_without_readings_is_still_known() -> None:
    told = Told(630, 630.1, 630.2, 630.3, *[None] * 360, 10.9, 11, tops={"energy_import_kwh": 655.36})
    assert [event.kind for event in told.events] == [EventKind.ROLLOVER]


def test_a_meter_that_renews_its_total_each_minute_raises_no_alarm_at_full_load() -> None:
    idle = [10 + 0.1 * (n // 6) for n in range(60)]
    full = [idle[-1] + 1.67 * ((n + 5) // 6) for n in range(240)]
    told = Told(*idle, *full, limits={"energy_import_kwh": 105.0})
    assert told.events == []
    assert told.corrections <= 1  # nearly all pass at once
    assert None not in told.good(told.now)
    seldom = Told(0, 1, 2, 3, 3, 3, 3, 3, 7, 7, limits={"energy_import_kwh": 360.0})
    assert seldom.corrections == 1
    assert seldom.events == []


def test_a_total_that_is_loaded_late_does_not_blind_the_rules_to_spikes() -> None:
    told = Told(0, 41_000, 41_001, 41_002, 41_003, 500_000, 41_004)
    assert told.good(told.now) == [0, 41_000, 41_001, 41_002, 41_003, None, 41_004]


def test_a_count_that_was_lost_for_days_is_not_back_because_something_leaps_that_high() -> None:
    low = [0.01 * n for n in range(60)]
    told = Told(97, 98, 99, 100, *low, 101, 101.01, step_ns=HOUR_NS)
    assert [event.kind for event in told.events] == [EventKind.ALARM, EventKind.ALARM]
    assert "stays there" in told.events[1].text


def test_readings_that_never_follow_one_another_are_told_once() -> None:
    falling = [100.0 - n for n in range(40)]
    told = Told(*falling)
    assert [event.kind for event in told.events] == [EventKind.ALARM]
    assert "10 readings in a row" in told.events[0].text
    too_fast = Told(*(float(10 * n) for n in range(40)), limits={"energy_import_kwh": 60.0})
    assert [event.kind for event in too_fast.events] == [EventKind.ALARM]
    assert "max_rate" in too_fast.events[0].text


def test_a_held_message_that_a_broker_sends_again_stays_what_it_was() -> None:
    rules = CounterRules(LAYOUT)
    samples = [LAYOUT.sample(n, {"energy_import_kwh": v}) for n, v in ((1, 100.0), (2, 0.0), (3, 100.5))]
    first = [rules.judged(sample) for sample in samples]
    for number, sample in enumerate(samples[1:], start=1):
        again = rules.judged(sample)
        assert (again.sample if again else sample) == (first[number].sample if first[number] else sample)
    held = CounterRules(LAYOUT)
    held.judged(samples[0])
    one, two = held.judged(samples[1]), held.judged(samples[1])
    assert one is not None
    assert two is not None
    assert one.sample == two.sample
    found = held.judged(LAYOUT.sample(4, {"energy_import_kwh": 0.5}))
    assert found is not None
    assert len(found.corrections) == 1


def test_a_part_that_comes_after_the_held_one_is_not_hidden_by_its_correction() -> None:
    rules = CounterRules(LAYOUT)
    rules.judged(LAYOUT.sample(1, {"energy_import_kwh": 100.0}))
    rules.judged(LAYOUT.sample(2, {"energy_import_kwh": 0.0}))
    rules.judged(LAYOUT.sample(2, {"power_w": 5.0}, part=1))
    found = rules.judged(LAYOUT.sample(3, {"energy_import_kwh": 0.5}))
    assert found is not None
    assert found.corrections == []


def test_what_was_held_when_the_collector_stopped_is_still_promoted() -> None:
    rules = CounterRules(LAYOUT)
    good = LAYOUT.sample(TEN_S, {"energy_import_kwh": 100.0})
    rules.judged(good)
    held = rules.judged(LAYOUT.sample(2 * TEN_S, {"power_w": 4.0, "energy_import_kwh": 0.0}, raw=b"x"))
    assert held is not None
    fresh = CounterRules(LAYOUT)
    fresh.remember([(good, LAYOUT), (held.sample, LAYOUT)])
    found = fresh.judged(LAYOUT.sample(3 * TEN_S, {"energy_import_kwh": 0.5}))
    assert found is not None
    (promoted,) = found.corrections
    assert (promoted.values, promoted.raw, promoted.flags) == ((4.0, 0.0), b"x", ())
    back = LAYOUT.sample(3 * TEN_S, {"energy_import_kwh": 100.5})
    later = CounterRules(LAYOUT)
    later.remember([(good, LAYOUT), (held.sample, LAYOUT), (back, LAYOUT)])
    sent_again = LAYOUT.sample(2 * TEN_S, {"power_w": 4.0, "energy_import_kwh": 0.0}, raw=b"x")
    found = later.judged(sent_again)
    assert found is not None
    assert found.sample == held.sample


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
