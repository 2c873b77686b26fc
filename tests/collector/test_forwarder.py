"""The way to a sink: nothing is lost, only the bad line is set aside, live readings go first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector._delivery import dropped_count
from collector.forwarder import Forwarder
from dodac.clock import SECOND_NS, ManualClock, SystemClock
from dodac.contracts import Event, EventKind
from dodac.quantities import Measurement
from dodac.samples import Flag, Reason
from store import InfluxSink, InfluxTarget, Journal, Tags, WriteKind, WriteResult

OK = WriteResult(True, WriteKind.ACCEPTED)


def tags(instrument: str) -> Tags | None:
    if instrument == "stranger":
        return None
    return Tags("company", "site", "asset", instrument, Measurement.ELECTRICITY)


class FakeSink:
    """A server that can be away, refuse marked lines, have a size limit, and forget old points."""

    def __init__(self) -> None:
        self.answers: list[WriteResult] = []
        self.bad = re.compile(r"power_w=-")
        self.limit = 10**9
        self.keeps_after_ns = 0
        self.lines: dict[str, int] = {}
        self.calls: list[list[str]] = []

    def write(self, lines: Sequence[str]) -> WriteResult:
        self.calls.append(list(lines))
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.ok:
                return answer
        if len(lines) > self.limit:
            return WriteResult(False, WriteKind.TOO_LARGE, message="too large")
        bad = [text for text in lines if self.bad.search(text)]
        old = [text for text in lines if int(text.rsplit(" ", 1)[1]) < self.keeps_after_ns]
        for text in lines:
            if text not in bad and text not in old:
                self.lines[text] = self.lines.get(text, 0) + 1
        if bad:
            return WriteResult(False, WriteKind.BAD_LINE, message=f"type conflict dropped={len(bad)}")
        if old:
            message = f"partial write: points beyond retention policy dropped={len(old)}"
            return WriteResult(False, WriteKind.BEYOND_RETENTION, message=message)
        return OK


class Bench:
    """A journal, a fake sink and a forwarder that is stepped by hand."""

    def __init__(self, journal: Journal, kit: Any, **options: Any) -> None:
        self.journal, self.kit = journal, kit
        journal.layout(kit.layout)
        self.sink = FakeSink()
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.forwarder = self.again(**options)

    def again(self, **options: Any) -> Forwarder:
        self.forwarder = Forwarder(
            self.journal, "influx", self.sink, self.clock, tags, self.events.append,
            company="company", site="site", jitter=lambda: 1.0, **options,
        )  # fmt: skip
        return self.forwarder

    def commit(self, *numbers: int, power: float = 1000.0) -> None:
        self.journal.commit([("bus", self.kit.make(number, power)) for number in numbers])

    def drain(self, steps: int = 50) -> None:
        for _ in range(steps):
            if self.forwarder.step():
                return

    def counts(self) -> tuple[int, int, int, int]:
        count = self.forwarder.counts()
        assert count.balanced
        return count.delivered, count.waiting, count.rejected, count.expired


@pytest.fixture
def bench(journal: Journal, kit: Any) -> Bench:
    return Bench(journal, kit)


def test_stored_samples_reach_the_sink_once_with_their_tags(bench: Bench) -> None:
    bench.commit(*range(10))
    bench.drain()
    assert bench.counts() == (10, 0, 0, 0)
    assert set(bench.sink.lines.values()) == {1}
    first = min(bench.sink.lines)
    assert first.startswith("electricity,asset=asset,company=company,instrument=meter1,site=site ")
    assert f"energy_import_kwh=0.0 {bench.kit.t0}" in first
    bench.drain()
    assert len(bench.sink.calls) == 1


def test_a_restart_sends_nothing_twice(bench: Bench) -> None:
    bench.commit(*range(5))
    bench.drain()
    bench.again()
    bench.commit(*range(5, 8))
    bench.drain()
    assert bench.counts() == (8, 0, 0, 0)
    assert set(bench.sink.lines.values()) == {1}


def test_only_the_bad_line_is_set_aside_with_the_servers_message(bench: Bench, journal: Journal) -> None:
    bench.commit(*range(100))
    bench.commit(100, power=-5.0)
    bench.commit(*range(101, 200))
    bench.drain()
    assert bench.counts() == (199, 0, 1, 0)
    rejected = journal._read("SELECT first, last, reason FROM marks WHERE state = 'rejected'")
    assert rejected == [(101, 101, "type conflict dropped=1")]
    assert len(bench.sink.calls) < 20


def test_live_readings_go_before_the_backlog(journal: Journal, kit: Any) -> None:
    bench = Bench(journal, kit, batch=10)
    bench.commit(*range(100))
    bench.forwarder.step()
    bench.commit(500)
    bench.forwarder.step()
    assert f" {kit.t0 + 500 * SECOND_NS}" in bench.sink.calls[1][-1]
    bench.drain()
    assert bench.counts() == (101, 0, 0, 0)


def test_points_beyond_retention_are_expired_as_a_range_and_the_young_ones_delivered(bench: Bench) -> None:
    bench.sink.keeps_after_ns = bench.kit.t0 + 40 * SECOND_NS
    bench.commit(*range(100))
    bench.drain()
    assert bench.counts() == (60, 0, 0, 40)
    assert len(bench.sink.calls) == 2  # the young ones once more: only a 2xx says that they are there


def test_a_batch_too_large_is_halved_and_later_batches_start_smaller(bench: Bench) -> None:
    bench.sink.limit = 30
    bench.commit(*range(100))
    bench.drain()
    assert bench.counts() == (100, 0, 0, 0)
    bench.sink.calls.clear()
    bench.commit(*range(100, 160))
    bench.drain()
    assert bench.counts() == (160, 0, 0, 0)


@pytest.mark.parametrize("kind", [WriteKind.UNREACHABLE, WriteKind.BUSY])
def test_an_absent_server_is_asked_ever_more_slowly_and_told_of_twice(bench: Bench, kind: WriteKind) -> None:
    bench.commit(1, 2, 3)
    bench.sink.answers = [WriteResult(False, kind, message="refused")] * 9
    pauses = [bench.forwarder.step() for _ in range(9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert bench.counts() == (0, 3, 0, 0)
    assert bench.forwarder.status().state == "down"
    bench.clock.advance(120)
    bench.drain()
    assert bench.counts() == (3, 0, 0, 0)
    assert [event.kind for event in bench.events] == [EventKind.FAULT_START, EventKind.FAULT_END]
    assert "after 120 s" in bench.events[1].text


def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(bench: Bench) -> None:
    bench.commit(1)
    bench.sink.answers = [WriteResult(False, WriteKind.BUSY, 17.0, "slow down")]
    assert bench.forwarder.step() == 17


@pytest.mark.parametrize("kind", [WriteKind.AUTH, WriteKind.MISSING])
def test_a_wrong_token_or_bucket_keeps_everything_and_raises_one_alarm(bench: Bench, kind: WriteKind) -> None:
    bench.commit(1, 2, 3)
    bench.sink.answers = [WriteResult(False, kind, message="unauthorized")] * 3
    assert [bench.forwarder.step() for _ in range(3)] == [60, 60, 60]
    assert bench.counts() == (0, 3, 0, 0)
    assert [event.kind for event in bench.events] == [EventKind.ALARM]
    bench.drain()
    assert bench.counts() == (3, 0, 0, 0)
    assert [event.kind for event in bench.events] == [EventKind.ALARM, EventKind.FAULT_END]


def test_a_server_lost_in_the_middle_of_halving_loses_nothing(bench: Bench) -> None:
    bench.commit(*range(50))
    bench.commit(50, power=-1.0)
    bench.commit(*range(51, 100))
    down = WriteResult(False, WriteKind.UNREACHABLE, message="gone")
    bench.sink.answers = [OK, OK, down]
    bench.drain()
    assert bench.counts()[1] > 0
    bench.drain()
    assert bench.counts() == (99, 0, 1, 0)


def test_flags_and_events_are_sent_too(bench: Bench, journal: Journal) -> None:
    flagged = bench.kit.layout.sample(
        bench.kit.t0, {"power_w": 5.0}, flags=[Flag("energy_import_kwh", Reason.SENTINEL, 9e9)]
    )
    journal.commit([("bus", flagged), ("x", Event(bench.kit.t0, EventKind.GAP, "gone", "bus1", "meter1"))])
    bench.drain()
    names = sorted(text.split(",")[0] for text in bench.sink.lines)
    assert names == ["electricity", "event", "reading_flag"]
    assert bench.counts() == (1, 0, 0, 0)
    bench.drain()
    assert set(bench.sink.lines.values()) == {1}


@pytest.mark.servers
def test_two_events_of_one_moment_and_source_both_stand_in_the_database(
    bench: Bench, journal: Journal, influxdb: Any
) -> None:
    """InfluxDB keeps one point a time and tags: the second of two exchanges typed in at once took the first's place."""
    moment = bench.kit.t0
    for text in ("first", "second", "third"):  # one comes later, and in another batch
        journal.commit([("x", Event(moment, EventKind.NOTE, text, "bus", "meter1"))])
        journal.commit([("x", Event(moment, EventKind.NOTE, text, "bus"))])
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    for _ in range(2):  # sent again, they are the same points
        journal.set_cursor("influx/events", 0)
        bench.sink = InfluxSink(target)  # type: ignore[assignment]
        bench.again()
        bench.drain()
    found = influxdb.influxql("SELECT * FROM event")
    assert sorted(row["text"] for row in found) == ["first", "first", "second", "second", "third", "third"]


def test_an_event_the_sink_refuses_does_not_block_the_others(bench: Bench, journal: Journal) -> None:
    bench.sink.bad = re.compile("poison")
    events = [Event(bench.kit.t0 + n, EventKind.NOTE, "poison" if n == 7 else "fine") for n in range(20)]
    journal.commit([("x", event) for event in events])
    bench.drain()
    assert len(bench.sink.lines) == 19


def test_an_instrument_without_a_measurement_does_not_block_the_others(
    bench: Bench, journal: Journal
) -> None:
    layout = type(bench.kit.layout)("stranger", ("power_w",))
    journal.layout(layout)
    journal.commit([("file", layout.sample(bench.kit.t0, {"power_w": 1.0}))])
    bench.commit(1, 2)
    bench.drain()
    assert bench.counts() == (2, 0, 1, 0)


def test_the_count_of_dropped_points_is_read_from_the_message() -> None:
    assert dropped_count("partial write: points beyond retention policy dropped=12") == 12
    assert dropped_count("points beyond retention policy") is None


# what it says of retention must fit what it kept, so the script leaves that to the fake itself
_ANSWERS = [kind for kind in WriteKind if kind is not WriteKind.BEYOND_RETENTION]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    script=st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.sampled_from(_ANSWERS)), max_size=12),
    batch=st.integers(1, 40),
)
def test_whatever_the_server_answers_every_sample_has_one_fate(
    kit: Any,
    tmp_path_factory: pytest.TempPathFactory,
    script: list[tuple[int, bool, WriteKind]],
    batch: int,
) -> None:
    with Journal.open(tmp_path_factory.mktemp("j") / "journal.db") as journal:
        bench = Bench(journal, kit, batch=batch)
        made = 0
        for count, bad, kind in script:
            bench.commit(*range(made, made + count), power=-1.0 if bad else 1.0)
            made += count
            bench.sink.answers = [WriteResult(kind is WriteKind.ACCEPTED, kind, message="dropped=1")]
            bench.forwarder.step()
            assert sum(bench.counts()) == made
        bench.sink.answers = []
        bench.drain(steps=500)
        delivered, waiting, rejected, expired = bench.counts()
        assert (waiting, delivered + rejected + expired) == (0, made)
        sent = {int(text.rsplit(" ", 1)[1]) for text in bench.sink.lines}
        assert len(sent) == delivered


@pytest.mark.servers
def test_a_real_influxdb_gets_everything_but_the_conflicting_line_and_survives_a_restart(
    journal: Journal, kit: Any, influxdb: Any
) -> None:
    influxdb.write([f"electricity,instrument=meter1 power_w=1.0 {kit.t0}"])
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    events: list[Event] = []
    forwarder = Forwarder(
        journal, "influx", InfluxSink(target), SystemClock(), tags, events.append, company="c", site="s"
    )
    odd = type(kit.layout)("meter2", ("frequency_hz",))
    journal.layout(kit.layout)
    journal.layout(odd)
    # a text field where ours is a number: the server answers 422 for that line only
    influxdb.write([f'electricity,instrument=other frequency_hz="fifty" {kit.t0}'])
    journal.commit([("bus", kit.make(number)) for number in range(300)])
    journal.commit([("bus", odd.sample(kit.t0, {"frequency_hz": 50.0}))])
    forwarder.start()
    try:
        kit.until(lambda: forwarder.counts().waiting == 0, 20)
        count = forwarder.counts()
        assert (count.delivered, count.rejected, count.balanced) == (300, 1, True)
        influxdb.stop()
        journal.commit([("bus", kit.make(number)) for number in range(300, 400)])
        kit.until(lambda: forwarder.status().state == "down", 20)
        assert forwarder.counts().waiting == 100
        influxdb.start()
        kit.until(lambda: forwarder.counts().waiting == 0, 30)
    finally:
        assert forwarder.stop()
    rows = influxdb.influxql("SELECT count(power_w) FROM electricity WHERE site = 'site'")
    assert rows[0]["count"] == 400
    assert [event.kind for event in events] == [EventKind.FAULT_START, EventKind.FAULT_END]
    (reason,) = journal._read("SELECT reason FROM marks WHERE state = 'rejected'")
    assert "frequency_hz" in reason[0]


@pytest.mark.servers
def test_a_real_influxdb_that_keeps_an_hour_expires_what_is_older(
    journal: Journal, kit: Any, influxdb: Any
) -> None:
    server = influxdb.server
    found = server.request("GET", f"/api/v2/buckets?name={influxdb.bucket}")["buckets"][0]
    rules = [{"type": "expire", "everySeconds": 3600, "shardGroupDurationSeconds": 3600}]
    server.request("PATCH", f"/api/v2/buckets/{found['id']}", {"retentionRules": rules})
    now_s = SystemClock().now_ns() // SECOND_NS - kit.t0 // SECOND_NS
    journal.layout(kit.layout)
    journal.commit([("bus", kit.make(now_s - 86_400 * 2 + number)) for number in range(50)])
    journal.commit([("bus", kit.make(now_s - 60 + number)) for number in range(50)])
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    forwarder = Forwarder(
        journal, "influx", InfluxSink(target), SystemClock(), tags, lambda _: None, company="c", site="s"
    )
    while not forwarder.step():
        pass
    count = forwarder.counts()
    assert (count.delivered, count.expired, count.waiting, count.rejected) == (50, 50, 0, 0)
