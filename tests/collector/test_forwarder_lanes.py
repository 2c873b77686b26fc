"""A backlog of any size delays no new reading, and a thin line stays usable while it drains."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from collector.collector import Collector, influx_sinks
from collector.facts import sink_configs
from collector.forwarder import Forwarder
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.samples import Layout
from dodac.site import parse_site
from store import InfluxSink, InfluxTarget, Journal, Tags, WriteKind, WriteResult

OK = WriteResult(True, WriteKind.ACCEPTED)
AWAY = WriteResult(False, WriteKind.UNREACHABLE, message="refused")


def tags(instrument: str) -> Tags:
    return Tags("company", "site", "asset", instrument, Measurement.ELECTRICITY)


class Sink:
    """Takes everything, and does `during` while a batch is on its way."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.answers: list[WriteResult] = []
        self.during: Any = None

    def write(self, lines: Sequence[str]) -> WriteResult:
        answer = self.answers.pop(0) if self.answers else OK
        if answer.ok:
            self.calls.append([int(text.rsplit(" ", 1)[1]) for text in lines])
        if self.during is not None:
            self.during(len(self.calls))
        return answer


class Bench:
    def __init__(self, journal: Journal, kit: Any, **options: Any) -> None:
        journal.layout(kit.layout)
        self.journal, self.kit = journal, kit
        self.sink, self.clock, self.events = Sink(), ManualClock(), list[Event]()
        self.options = options
        self.start()

    def start(self) -> None:
        self.forwarder = Forwarder(
            self.journal, "influx", self.sink, self.clock, tags, self.events.append,
            company="company", site="site", jitter=lambda: 1.0, **self.options,
        )  # fmt: skip

    def commit(self, numbers: Sequence[int]) -> None:
        self.journal.commit([("bus", self.kit.make(number)) for number in numbers])

    def numbers(self, call: int) -> list[int]:
        return [(time_ns - self.kit.t0) // SECOND_NS for time_ns in self.sink.calls[call]]


def test_a_reading_that_comes_while_a_batch_is_on_its_way_is_in_the_next_request(
    journal: Journal, kit: Any
) -> None:
    bench = Bench(journal, kit, batch=50)
    bench.commit(range(1000))
    bench.start()
    came: list[int] = []

    def live(call: int) -> None:
        if call < 12:
            bench.sink.during, keep = None, bench.sink.during
            bench.commit([5000 + call])
            came.append(call)
            bench.sink.during = keep

    bench.sink.during = live
    while not bench.forwarder.step():
        pass
    assert len(came) >= 10
    for call in came:
        assert 5000 + call in bench.numbers(call) or 5000 + call in bench.numbers(call + 1)
    sent = [number for call in range(len(bench.sink.calls)) for number in bench.numbers(call)]
    assert len(sent) == len(set(sent)) == 1000 + len(came)
    assert bench.forwarder.counts().delivered == len(sent)


def test_readings_that_come_faster_than_the_forwarder_looks_are_never_left_behind(
    journal: Journal, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(journal, kit, batch=50)
    bench.commit(range(2000))
    bench.start()
    number = [5000]
    last_seq = journal.last_seq

    def and_some_more() -> int:
        top = last_seq()
        some = 1 + number[0] % 4
        bench.commit(range(number[0], number[0] + some))  # between the look at the end and the reading
        number[0] += some
        return top

    monkeypatch.setattr(journal, "last_seq", and_some_more)
    for _ in range(20):
        assert not bench.forwarder.step()
    assert bench.forwarder.counts().waiting > 500
    sent = {n for call in range(len(bench.sink.calls)) for n in bench.numbers(call)}
    # what came in the last look is the next one's; nothing older is left behind
    assert set(range(5000, number[0] - 4)) <= sent


def test_a_burst_larger_than_a_batch_goes_before_the_backlog(journal: Journal, kit: Any) -> None:
    bench = Bench(journal, kit, batch=50)
    bench.commit(range(1000))
    bench.start()
    bench.forwarder.step()
    bench.commit(range(5000, 5200))
    bench.sink.calls.clear()
    for _ in range(4):
        bench.forwarder.step()
    first = [n for call in range(4) for n in bench.numbers(call)]
    assert sorted(first) == list(range(5000, 5200))
    while not bench.forwarder.step():
        pass
    assert bench.forwarder.counts().delivered == 1200


def test_the_backlog_goes_from_its_new_end_to_its_old_one(journal: Journal, kit: Any) -> None:
    bench = Bench(journal, kit, batch=100)
    bench.commit(range(1000))
    while not bench.forwarder.step():
        pass
    assert [bench.numbers(call)[0] for call in range(10)] == list(range(900, -100, -100))
    assert all(bench.numbers(call) == sorted(bench.numbers(call)) for call in range(10))


def test_a_bounded_backlog_leaves_the_line_to_new_readings(journal: Journal, kit: Any) -> None:
    bench = Bench(journal, kit, backlog_per_s=20)
    bench.commit(range(1000))
    bench.start()
    assert bench.forwarder.step() > 0  # nothing may go yet
    for second in range(1, 11):
        bench.clock.advance(1)
        bench.commit([5000 + second])
        bench.forwarder.step()
        assert 5000 + second in bench.numbers(-1)
    old = [n for call in range(len(bench.sink.calls)) for n in bench.numbers(call) if n < 5000]
    assert len(old) == 200
    assert sorted(old) == list(range(800, 1000))
    bench.clock.advance(3600)  # what was not used is not saved up
    bench.forwarder.step()
    assert len(bench.numbers(-1)) == 20


def test_marks_stay_a_few_rows_and_memory_stays_flat_while_a_backlog_drains(
    journal: Journal, kit: Any
) -> None:
    bench = Bench(journal, kit, batch=500)
    for start in range(0, 10_000, 5000):
        bench.commit(range(start, start + 5000))
    bench.start()
    number, largest, marks = 100_000, 0, 0
    tracemalloc.start()
    try:
        while not bench.forwarder.step():
            bench.sink.calls.clear()
            number += 1
            bench.commit([number])
            largest = max(largest, tracemalloc.get_traced_memory()[0])
            with sqlite3.connect(journal.path) as db:
                marks = max(marks, db.execute("SELECT count(*) FROM marks").fetchone()[0])
            if number > 100_200:
                break
    finally:
        tracemalloc.stop()
    assert bench.forwarder.counts().waiting <= 1
    assert marks <= 3
    assert largest < 8_000_000


def test_what_a_server_took_last_is_sent_again_when_it_comes_back_and_only_that(
    journal: Journal, kit: Any
) -> None:
    bench = Bench(journal, kit, batch=50)
    bench.commit(range(100))
    while not bench.forwarder.step():
        pass
    bench.clock.advance(60)
    bench.commit(range(100, 150))
    while not bench.forwarder.step():
        pass
    bench.commit([500])
    bench.sink.answers = [AWAY, AWAY]
    assert [bench.forwarder.step() for _ in range(2)] == [1, 2]
    bench.sink.calls.clear()
    while not bench.forwarder.step():
        pass
    assert bench.numbers(0) == [500]  # the new one first
    again = [n for call in range(1, len(bench.sink.calls)) for n in bench.numbers(call)]
    assert sorted(again) == list(range(100, 150))
    assert (bench.forwarder.counts().delivered, bench.forwarder.counts().waiting) == (151, 0)


SITE = """
[site]
id = "plant"
company = "acme"
timezone = "UTC"
[influxdb]
url = "http://127.0.0.1:1"
bucket = "field"
[sinks.old]
url = "http://127.0.0.1:2"
bucket = "field"
retention_policy = "year"
version = "1"
backlog_per_s = 7
[[instruments]]
id = "building"
measurement = "electricity"
"""


def test_every_sink_of_the_site_file_has_a_name_that_stays_and_an_account(tmp_path: Path) -> None:
    site = parse_site(SITE, tmp_path / "site.toml")
    names = ["http://127.0.0.1:1/field", "http://127.0.0.1:2/field/year"]
    assert list(sink_configs(site)) == [name for name, _ in influx_sinks(site)] == names
    collector = Collector(site, ManualClock(), connections=[])
    assert [status.sink for status in collector.status().sinks] == names
    layout = Layout("building", ("power_w",))
    collector.journal.layout(layout)
    collector.journal.commit([("x", layout.sample(1_790_000_000 * SECOND_NS, {"power_w": 1.0}))])
    assert [row.waiting for row in collector.ledger().sinks] == [1, 1]
    collector.stop()
    twice = SITE.replace("127.0.0.1:2", "127.0.0.1:1").replace('retention_policy = "year"\n', "")
    with pytest.raises(ConfigError, match="same bucket") as caught:
        sink_configs(parse_site(twice, tmp_path / "site.toml"))
    assert caught.value.where is not None
    assert caught.value.where.line == 10


@pytest.mark.servers
def test_a_new_token_in_its_file_is_taken_without_a_restart(
    tmp_path: Path, influxdb: Any, journal: Journal, kit: Any
) -> None:
    """Tokens are rotated; the collector asked once at its start and then knocked with the old one for ever."""
    secret = tmp_path / "influx"
    secret.write_text("revoked")
    secret.chmod(0o600)
    text = SITE[: SITE.index("[sinks.old]")].replace("http://127.0.0.1:1", influxdb.url)
    text = text.replace('"field"', f'"{influxdb.bucket}"\norg = "{influxdb.org}"\ntoken_file = "influx"')
    ((_, sink),) = influx_sinks(parse_site(text, tmp_path / "site.toml"))
    bench = Bench(journal, kit)
    bench.sink = sink  # type: ignore[assignment]
    bench.start()
    bench.commit(range(5))
    assert bench.forwarder.step() == 60
    secret.write_text("")  # an editor that is not done yet
    assert bench.forwarder.step() == 60
    secret.unlink()
    assert bench.forwarder.step() == 60
    secret.write_text(influxdb.token + "\n")
    secret.chmod(0o600)
    assert bench.forwarder.step() == 0
    assert bench.forwarder.counts().delivered == 5
    assert [event.kind for event in bench.events] == [EventKind.ALARM, EventKind.FAULT_END]


@pytest.mark.servers
def test_an_outage_is_drained_while_live_readings_go_first(journal: Journal, kit: Any, influxdb: Any) -> None:
    """A hundredth of seven days at 10 samples a second; benchmarks/drain.py --outage 7 is the whole of it."""
    journal.layout(kit.layout)
    away = InfluxTarget("http://127.0.0.1:1", influxdb.bucket, influxdb.org, influxdb.token)
    clock, events = ManualClock(), list[Event]()
    options = {"company": "company", "site": "site", "jitter": lambda: 1.0}
    forwarder = Forwarder(journal, "influx", InfluxSink(away), clock, tags, events.append, **options)
    rows = 60_480
    for start in range(0, rows, 10_000):
        journal.commit([("bus", kit.make(n)) for n in range(start, min(rows, start + 10_000))])
        clock.advance(forwarder.step())
    assert forwarder.counts().waiting == rows
    assert len(events) == 1
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    forwarder = Forwarder(journal, "influx", InfluxSink(target), clock, tags, events.append, **options)
    number = 500_000
    while forwarder.counts().waiting > 1:
        number += 1
        journal.commit([("bus", kit.make(number))])
        forwarder.step()
        if number % 5 == 0:  # in the database when the step is over, however much still waits
            asked = "SELECT power_w FROM electricity WHERE time = "
            assert influxdb.influxql(f"{asked}{kit.t0 + number * SECOND_NS}")
    live = number - 500_000
    assert forwarder.counts().delivered + forwarder.counts().waiting == rows + live
    while forwarder.counts().waiting:
        forwarder.step()
    (count,) = influxdb.influxql("SELECT count(power_w) FROM electricity")
    assert count["count"] == rows + live
