"""Received of expected, per channel: what is missed, flagged or not due is told apart, through restarts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector._completeness import PLACE, ChannelDay, Completeness, expected_of, ticks_between
from dodac.clock import DAY_NS, MINUTE_NS, SECOND_NS, ManualClock
from dodac.contracts import EventKind
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason
from dodac.site import parse_site
from store import Journal, JournalStore

LAYOUT = Layout("meter1", ("power_w", "energy_import_kwh"))
T0 = 1_790_000_000 * SECOND_NS // DAY_NS * DAY_NS  # a midnight in UTC
EVERY = {"meter1": {"": 10 * SECOND_NS, "energy_import_kwh": 60 * SECOND_NS}}


class Day:
    """A journal, a clock that starts at a midnight, and the counts."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.journal.layout(LAYOUT)
        self.clock = ManualClock(T0)
        self.counts = self.anew()

    def anew(self) -> Completeness:
        return Completeness(self.journal, self.clock, "UTC", lambda: EVERY)

    def store(self, first: int, last: int, **made: Any) -> None:
        """Samples at the ticks first … last − 1; the counter in each sixth."""
        samples = []
        for tick in range(first, last):
            values = {"power_w": 1.0, **({"energy_import_kwh": 1.0} if tick % 6 == 0 else {})}
            flags = made.get("flags", ())
            bad = {flag.channel for flag in flags}
            good = {name: value for name, value in values.items() if name not in bad}
            part = made.get("part", 0)
            samples.append(("bus1", LAYOUT.sample(T0 + tick * 10 * SECOND_NS, good, flags=flags, part=part)))
        self.journal.commit(samples)

    def at(self, minutes: float) -> dict[str, ChannelDay]:
        """The counts that many minutes after midnight."""
        self.clock.advance((T0 + round(minutes * MINUTE_NS) - self.clock.now_ns()) / SECOND_NS)
        self.counts.run()
        return {row.channel: row for row in self.counts.days() if row.day == "2026-09-21"}


@pytest.fixture
def day(journal: Journal) -> Day:
    return Day(journal)


def test_missed_flagged_and_not_due_are_told_apart(day: Day) -> None:
    day.at(0)
    day.store(0, 180)
    day.store(200, 300)
    day.store(300, 360, flags=[Flag("power_w", Reason.OUT_OF_RANGE, 9e9)])
    found = day.at(60.2)
    power, energy = found["power_w"], found["energy_import_kwh"]
    assert (power.expected, power.good, power.flagged, power.missed) == (361, 280, 60, 21)
    assert (energy.expected, energy.good, energy.flagged, energy.missed) == (60, 56, 0, 4)
    assert power.complete == pytest.approx(280 / 361)


def test_what_came_since_the_last_count_is_not_called_missed(day: Day) -> None:
    day.at(0)
    day.store(0, 61)
    before = day.at(10.2)
    day.store(61, 66)
    day.clock.advance(50)  # counted once a minute, looked at in between
    assert {row.channel: row for row in day.counts.days()} == before
    assert before["power_w"].missed == 0


def test_a_meter_that_never_answered_is_wholly_missed(day: Day) -> None:
    day.at(0)
    found = day.at(60)
    # no sample has told its channels yet, but one of them has an interval of its own
    assert found["energy_import_kwh"].missed == 59
    assert found["energy_import_kwh"].complete == 0.0


def test_corrections_are_no_further_readings(day: Day) -> None:
    day.at(0)
    day.store(0, 60)
    day.store(0, 60, part=FIRST_REVISION)
    assert day.at(10.2)["power_w"].good == 60


def test_a_restart_counts_nothing_twice_and_leaves_nothing_out(day: Day) -> None:
    day.at(0)
    day.store(0, 60)
    before = day.at(10.2)
    day.store(60, 120)  # after the last note: killed before it was counted
    day.counts.close()
    day.counts = day.anew()
    after = day.at(20.2)
    assert before["power_w"].good == 60
    assert (after["power_w"].good, after["power_w"].missed) == (120, 1)
    day.counts.close()


def test_the_time_that_dodac_did_not_run_is_missed(day: Day) -> None:
    day.at(0)
    day.store(0, 60)
    day.at(10.2)
    day.counts.keep()
    day.counts = day.anew()
    assert day.at(60.2)["power_w"].missed == 361 - 60


def test_a_day_that_has_ended_is_kept_in_the_journal_once(day: Day) -> None:
    day.at(0)
    day.store(0, 8640)
    day.at(24 * 60 - 1)
    assert day.at(24 * 60 + 5) != {}, "what is late may still come"
    assert day.at(24 * 60 + 11) == {}
    day.counts = day.anew()
    day.at(24 * 60 + 30)
    with JournalStore(day.journal.path) as store:
        (note,) = [event for event in store.events(0, 1 << 62) if event.kind is EventKind.NOTE]
    assert (note.instrument, note.data["day"]) == ("meter1", "2026-09-21")
    assert note.data["power_w"] == "8640 good of 8640, 0 missed, 0 flagged"
    assert note.data["energy_import_kwh"] == "1440 good of 1440, 0 missed, 0 flagged"
    assert "100.0 %" in note.text
    day.counts.close()


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"since":"x","days":{}}', '{"since":1,"days":{"x":{}}}'])
def test_counts_that_can_not_be_read_are_counted_anew(day: Day, kept: str) -> None:
    day.journal.set_facts(PLACE, {"seq": "nonsense", "meter1": kept})
    day.store(0, 10)
    day.counts = day.anew()
    assert day.at(2)["energy_import_kwh"].good == 0
    day.store(12, 13)
    assert day.at(3)["power_w"].good == 1
    day.counts.close()


def test_ticks_are_those_of_the_schedule() -> None:
    ten = 10 * SECOND_NS
    assert ticks_between(T0, T0 + DAY_NS, ten) == 8640
    assert ticks_between(T0 + 1, T0 + ten, ten) == 0
    assert ticks_between(T0 + 1, T0 + ten + 1, ten) == 1
    assert ticks_between(T0 + ten, T0, ten) == 0


def test_streamed_instruments_are_expected_only_where_the_site_says_how_often(
    tmp_path: Path, kit: Callable[..., Any]
) -> None:
    del kit
    text = """
[site]
id = "a"
company = "b"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1"
[[instruments]]
id = "told"
profile = "generic.mqtt-json"
connection = "broker"
topic = "a/told"
every = "1min"
[[instruments]]
id = "not-told"
profile = "generic.mqtt-json"
connection = "broker"
topic = "a/not"
"""
    site = parse_site(text, tmp_path / "site.toml")
    assert expected_of(site, []) == {"told": {"": MINUTE_NS}}
