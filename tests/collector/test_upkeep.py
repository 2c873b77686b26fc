"""A running collector keeps its journal small, whole and cheap for its disk, and says when it can't."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from collector._clock_trust import Trust
from collector._upkeep import PLACE, Plan, Upkeep, plan_of
from collector._written import DAYS, Written, of_text
from collector.collector import Collector
from dodac.clock import DAY_NS, HOUR_NS, ManualClock, SystemClock
from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import ConfigError
from dodac.samples import Layout
from dodac.site import parse_site
from store import Journal, JournalStore, Limits

METER = Layout("meter1", ("power_w", "energy_import_kwh"))
SITE = '[site]\nid = "x"\ncompany = "y"\ntimezone = "UTC"\n'


class _Machine:
    """A journal, a clock that is moved by hand, and the events that were told."""

    def __init__(self, folder: Path, plan: Plan, sinks: tuple[str, ...] = ()) -> None:
        self.journal = Journal.open(folder / "journal.db")
        self.journal.layout(METER)
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.upkeep = Upkeep(self.journal, self.clock, self.events.append, plan, sinks)
        self.count = 0

    def put(self, count: int, step_s: float = 10.0, raw: bytes | None = None) -> None:
        for _ in range(0, count, 200):
            samples = []
            for _ in range(200):
                self.clock.advance(step_s)
                values = {"power_w": 1.0, "energy_import_kwh": float(self.count)}
                samples.append(("bus", METER.sample(self.clock.now_ns(), values, raw=raw)))
                self.count += 1
            self.journal.commit(samples)

    def alarms(self) -> list[str]:
        return [event.text for event in self.events if event.kind is EventKind.ALARM]


def test_a_full_journal_is_told_before_it_drops_and_once(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_bytes=4_000_000)))
    raw = bytes(range(256)) * 2
    seen = 0
    while not machine.journal.counts().dropped:
        machine.put(200, raw=raw)
        machine.upkeep.hold_size()
        seen = seen or (len(machine.alarms()) and machine.journal.counts().dropped == 0)
    for _ in range(10):
        machine.put(200, raw=raw)
        machine.upkeep.hold_size()
    assert seen
    (alarm,) = machine.alarms()
    assert "nothing else has them" in alarm
    assert "max_size" in alarm
    assert "dodac store backup" in alarm
    machine.journal.close()


def test_a_journal_full_of_what_a_server_has_is_no_alarm(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_bytes=4_000_000)), ("influx",))
    while not machine.journal.counts().dropped:
        machine.put(200, raw=bytes(500))
        machine.journal.mark_ranges("influx", [(1, machine.journal.last_seq())], "delivered")
        machine.upkeep.hold_size()
    assert machine.alarms() == []
    assert machine.journal.sink_counts("influx").dropped == 0
    machine.journal.close()


def test_old_samples_are_packed_each_hour_and_those_that_wait_are_not(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(), ("influx",))
    machine.put(40_000)
    machine.journal.mark_ranges("influx", [(1, 9000)], "delivered")
    machine.clock.advance(2 * 86_400)
    machine.upkeep.turn()
    with machine.journal.upkeep() as (db, _):
        packed = db.execute("SELECT total(count) FROM blocks").fetchone()[0]
    assert packed == 9000
    assert machine.journal.counts().samples == 40_000
    machine.journal.close()


def test_max_age_is_applied_each_hour(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_age_ns=2 * HOUR_NS), pack_after_ns=90 * DAY_NS))
    machine.put(2000)
    machine.upkeep.turn()
    assert machine.journal.counts().samples == 720 + 1
    machine.put(200)
    machine.upkeep.turn()
    assert machine.journal.counts().samples == 921  # not yet
    machine.clock.advance(3600)
    machine.upkeep.turn()
    assert machine.journal.counts().samples == 360 + 1
    machine.journal.close()


@pytest.mark.parametrize("years", [1, 30, 74])
def test_a_clock_that_is_years_ahead_drops_nothing_for_its_age(tmp_path: Path, years: int) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_age_ns=2 * DAY_NS), pack_after_ns=9000 * DAY_NS))
    machine.put(2000)
    for _ in range(3):
        machine.upkeep.turn()
        machine.put(400)
    right = machine.clock.now_ns()
    machine.clock.jump(years * 365 * 86_400)
    for _ in range(20):  # hours: also what is read by that clock counts
        machine.put(200)
        machine.clock.advance(1600)
        machine.upkeep.turn()
    (alarm,) = machine.alarms()
    assert "max_age" in alarm
    kept = {s.time_ns for _, s in machine.journal.read_after(0, 100_000)}
    since = machine.clock.now_ns() - years * 365 * DAY_NS
    assert min(kept) <= right
    assert all(since - 2 * DAY_NS - HOUR_NS <= time_ns for time_ns in kept)  # the limit went on by the second
    machine.clock.jump(-years * 365 * 86_400)
    machine.put(200)
    count = machine.journal.counts().samples
    machine.clock.advance(3601)
    machine.upkeep.turn()
    assert machine.journal.counts().samples > count - 600
    machine.journal.close()


def test_a_clock_already_ahead_when_the_collector_starts_drops_nothing_for_its_age(tmp_path: Path) -> None:
    plan = Plan(Limits(max_age_ns=2 * DAY_NS), pack_after_ns=9000 * DAY_NS)
    machine = _Machine(tmp_path, plan)
    machine.put(2000)
    machine.clock.jump(10 * 365 * 86_400)
    for _ in range(5):
        again = Upkeep(machine.journal, machine.clock, machine.events.append, plan)
        again.turn()
        machine.clock.advance(3600)
        again.turn()
    assert machine.journal.counts().samples == 2000
    machine.journal.close()


def test_months_without_power_are_believed_when_ntp_leads_the_clock_or_after_a_week(tmp_path: Path) -> None:
    plan = Plan(Limits(max_age_ns=2 * DAY_NS), pack_after_ns=9000 * DAY_NS)
    for trust, hours in ((Trust.SYNCED, 1), (Trust.FREE, 7 * 24)):
        folder = tmp_path / trust.name
        folder.mkdir()
        machine = _Machine(folder, plan)
        machine.put(200, step_s=1)
        machine.clock.jump(90 * 86_400)
        upkeep = Upkeep(machine.journal, machine.clock, machine.events.append, plan, (), lambda t=trust: t)  # type: ignore[misc]
        first = machine.journal.counts().samples
        gone = None
        for hour in range(200):
            upkeep.turn()
            if gone is None and machine.journal.counts().samples < first:
                gone = hour
            machine.clock.advance(3600)
        # with a week to stand, two days have passed by the second before
        assert gone == min(hours, 2 * 24)
        machine.journal.close()


def test_a_clock_that_was_never_set_drops_nothing_for_its_age(tmp_path: Path) -> None:
    plan = Plan(Limits(max_age_ns=2 * HOUR_NS))
    machine = _Machine(tmp_path, plan)
    machine.put(200)
    machine.clock.jump(90 * 86_400)
    upkeep = Upkeep(machine.journal, machine.clock, machine.events.append, plan, (), lambda: Trust.NONE)
    upkeep.turn()
    assert machine.journal.counts().samples == 200
    machine.journal.close()


def test_packing_for_hours_keeps_the_size_and_is_not_taken_for_stuck(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_bytes=4_000_000)))
    limits = machine.upkeep._plan.limits
    machine.put(30_000)
    machine.clock.advance(3 * 86_400)
    turned: list[int] = []
    whole = machine.journal.pack

    def slow(before_ns: int, sinks: Sequence[str] = ()) -> int:
        moved = whole(before_ns, sinks, limit=500)
        machine.clock.advance(600)
        turned.append(machine.clock.monotonic_ns() - machine.upkeep.turned_ns)
        if moved:
            machine.put(400, raw=random.Random(moved).randbytes(300))
        return moved

    machine.journal.pack = slow  # type: ignore[method-assign, assignment]
    machine.upkeep.pack()
    assert len(turned) > 20
    assert max(turned) < 5000 * 1_000_000_000
    assert limits.against(machine.upkeep._keeper.space()) <= 4_000_000
    machine.journal.close()


@pytest.mark.parametrize("what", ["letters", "events"])
def test_a_flood_of_dead_letters_or_events_pushes_no_sample_out(tmp_path: Path, what: str) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_bytes=6_000_000)))
    machine.put(10_000)
    noise = random.Random(5)
    for _ in range(40):
        now_ns = machine.clock.now_ns()
        letters = [DeadLetter(now_ns, "mqtt", "topic", noise.randbytes(4000), "no JSON") for _ in range(100)]
        events = [Event(now_ns, EventKind.NOTE, noise.randbytes(2000).hex(), "x") for _ in range(100)]
        machine.journal.commit([("mqtt", item) for item in (letters if what == "letters" else events)])
        machine.clock.advance(1)
        machine.upkeep.hold_size()
        assert machine.journal.counts().size_bytes < 6_000_000
    assert machine.journal.counts().samples == 10_000
    machine.journal.close()


def test_a_program_that_reads_for_long_is_told_once(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan(Limits(max_bytes=4_000_000)))
    with JournalStore(machine.journal.path) as store, store._snapshot() as read:
        read("SELECT count(*) FROM samples", ())
        for _ in range(50):
            machine.put(200, raw=bytes(range(250)))
            machine.upkeep.hold_size()
    told = [text for text in machine.alarms() if "another program" in text]
    assert len(told) == 1
    machine.put(200)
    machine.upkeep.hold_size()
    assert machine.journal.counts().size_bytes < 4_000_000
    machine.journal.close()


def test_a_damaged_row_is_found_by_the_full_check_and_told(tmp_path: Path) -> None:
    machine = _Machine(tmp_path, Plan())
    machine.put(400)
    machine.upkeep.check()
    assert machine.alarms() == []
    assert json.loads(machine.journal.facts()[PLACE]["check"])["count"] == 0
    with machine.journal.upkeep() as (db, _):
        db.execute("UPDATE samples SET span_ns = 7 WHERE seq = 50")
    machine.upkeep.check()
    (alarm,) = machine.alarms()
    assert "seq 50" in alarm
    assert json.loads(machine.journal.facts()[PLACE]["check"])["count"] == 1
    machine.journal.close()


def test_the_check_takes_a_tenth_of_the_time_and_ends_when_the_collector_stops(tmp_path: Path) -> None:
    class Slow(ManualClock):
        """Every look at the clock takes a second of work."""

        slept = worked = 0.0

        def monotonic_ns(self) -> int:
            self.advance(1)
            self.worked += 1
            return super().monotonic_ns()

        def wait(self, event: object, seconds: float) -> bool:
            self.slept += seconds
            return False

    machine = _Machine(tmp_path, Plan())
    machine.put(12_000)
    slow = Slow()
    upkeep = Upkeep(machine.journal, slow, machine.events.append, Plan())
    upkeep.check()
    assert slow.slept >= 2 * slow.worked
    upkeep.stop()
    seen = len(machine.journal.facts()[PLACE]["check"])
    upkeep.check()
    assert len(machine.journal.facts()[PLACE]["check"]) == seen
    machine.journal.close()


def test_more_bytes_a_day_than_the_card_should_take_are_told_once_a_day(tmp_path: Path) -> None:
    io = tmp_path / "io"
    io.write_text("rchar: 1\nread_bytes: 5\nwrite_bytes: 1000\ncancelled_write_bytes: 0\n")
    machine = _Machine(tmp_path, Plan(per_day=5_000_000))
    machine.upkeep.written = Written(machine.clock, "UTC", "", io)
    for total in (4_000_000, 6_000_000, 7_000_000):
        io.write_text(f"read_bytes: 5\nwrite_bytes: {total}\n")
        machine.clock.advance(61)
        machine.upkeep.turn()
    (alarm,) = machine.alarms()
    assert "6.00 MB" in alarm
    assert "5.00 MB" in alarm
    machine.clock.advance(86_400)
    io.write_text("read_bytes: 5\nwrite_bytes: 7000500\n")
    machine.upkeep.turn()
    assert len(machine.alarms()) == 1
    kept = json.loads(machine.journal.facts()[PLACE]["written"])
    assert sorted(kept.values()) == [500, 6_999_000]
    machine.journal.close()


def test_bytes_written_are_added_to_those_of_an_earlier_run_of_the_day(tmp_path: Path) -> None:
    io = tmp_path / "io"
    clock = ManualClock()
    io.write_text("a: 1\nwrite_bytes: 100\n")
    first = Written(clock, "UTC", "", io)
    io.write_text("a: 1\nwrite_bytes: 350\n")
    assert first.count() == 250
    io.write_text("a: 1\nwrite_bytes: 10\n")  # a new process
    again = Written(clock, "UTC", first.as_text(), io)
    io.write_text("a: 1\nwrite_bytes: 30\n")
    assert again.count() == 270
    for _ in range(DAYS + 5):
        clock.advance(86_400)
        again.count()
    assert len(again.days) == DAYS
    assert of_text("[]") == of_text("x") == {}
    assert not Written(clock, "UTC", "", tmp_path / "none").known


@pytest.mark.parametrize(
    ("told", "said"), [("", None), ('max_size = "1MB"', "too small"), ('max_age = "90d"', None)]
)
def test_limits_of_the_site_file_are_checked_at_the_start(
    tmp_path: Path, told: str, said: str | None
) -> None:
    site = parse_site(f"{SITE}[store]\n{told}\n", tmp_path / "site.toml")
    if said is None:
        assert plan_of(site).limits.max_age_ns == (90 * DAY_NS if told else None)
        assert plan_of(site).pack_after_ns == DAY_NS
        return
    with pytest.raises(ConfigError, match=said) as fault:
        plan_of(site)
    assert "site.toml:6" in str(fault.value)


def test_readings_wait_for_one_another_where_a_card_shall_be_spared(tmp_path: Path) -> None:
    text = SITE + '[store]\njournal = "j.db"\n[collector]\ngroup = "30s"\n'
    collector = Collector(parse_site(text, tmp_path / "site.toml"), SystemClock(), connections=[])
    collector.start()
    collector.inbox.layout(METER)
    for number in range(5):
        collector.inbox.sample(METER.sample(number, {"power_w": 1.0}), source="bus")
        time.sleep(0.03)
    assert collector.status().ingest.commits == 0
    assert collector.stop()
    with Journal.open(tmp_path / "j.db") as journal:
        assert journal.counts().samples == 5
    with pytest.raises(ConfigError, match="at most"):
        parse_site(SITE + '[collector]\ngroup = "2min"\n', tmp_path / "site.toml")
