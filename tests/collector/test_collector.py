"""A whole collector: what starts, goes on beside faults, and stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from collector import Collector
from collector._report import open_faults
from dodac.clock import SystemClock
from dodac.contracts import Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Layout
from dodac.site import Site, load_site, parse_site
from drivers import ConnectionStatus
from drivers.simulator.testo_http import SimulatedTesto300
from store import JournalStore, WriteKind, WriteResult

SITE = """
[site]
id = "plant"
company = "acme"
timezone = "UTC"

[connections.bus1]
kind = "serial"
port = "/dev/null"

[[instruments]]
id = "meter1"
asset = "boiler1"
profile = "fake"
connection = "bus1"
every = "20ms"
serial_number = "17"
ct_ratio = "400/5"
calibration = { date = 2026-03-02, laboratory = "Lab" }

[[instruments]]
id = "building"
measurement = "electricity"
"""

FLUE = """
[site]
id = "plant"
company = "acme"
timezone = "Asia/Ho_Chi_Minh"

[connections.analyser]
kind = "http"
host = "127.0.0.1"
port = {port}

[[instruments]]
id = "flue"
profile = "testo.300-http"
connection = "analyser"
every = "200ms"
"""


class FakeConnection:
    """A polled line whose instrument answers at once, unless told otherwise."""

    polled = True

    def __init__(self, id: str = "bus1", instruments: tuple[str, ...] = ("meter1",)) -> None:
        self.id = id
        self.instruments = instruments
        self.inbox: Inbox | None = None
        self.fails_to_start = False
        self.hangs = threading.Event()
        self.hangs.set()
        self._layouts = {name: Layout(name, ("power_w",)) for name in instruments}
        self.polls = 0

    def layouts(self) -> tuple[Layout, ...]:
        return tuple(self._layouts.values())

    def measurement(self, instrument: str) -> Measurement:
        return Measurement.ELECTRICITY

    def start(self, inbox: Inbox) -> None:
        if self.fails_to_start:
            raise OSError("no such port")
        self.inbox = inbox

    def poll(self, instrument: str, due_ns: int) -> bool:
        self.polls += 1
        if self.inbox is not None:
            sample = self._layouts[instrument].sample(time.time_ns(), {"power_w": 1.0})
            self.inbox.sample(sample, source=self.id)
        return True

    def stop(self) -> None:
        self.hangs.wait(30)

    def status(self) -> ConnectionStatus:
        return ConnectionStatus(self.id, "up", {"polls": self.polls}, {})


class FakeSink:
    def __init__(self, result: WriteResult) -> None:
        self.result = result
        self.lines: list[str] = []

    def write(self, lines: Sequence[str]) -> WriteResult:
        if self.result.ok:
            self.lines += lines
        return self.result


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
def make(site: Site) -> Iterator[Callable[..., Collector]]:
    made: list[Collector] = []

    def build(*connections: FakeConnection, **options: Any) -> Collector:
        made.append(Collector(site, SystemClock(), connections=connections, **options))
        return made[-1]

    yield build
    for collector in made:
        collector.stop()


def test_readings_reach_journal_and_sink_and_the_ledger_balances(
    make: Callable[..., Collector], site: Site, kit: Any
) -> None:
    sink = FakeSink(WriteResult(True, WriteKind.ACCEPTED))
    collector = make(FakeConnection(), extra_sinks=[("fake", sink)])
    collector.start()
    kit.until(lambda: collector.ledger().totals().committed >= 5)
    assert collector.ledger().balanced()
    assert collector.stop()
    ledger = collector.ledger()
    assert ledger.balanced()
    assert ledger.totals().in_flight == 0
    assert ledger.sinks[0].waiting == 0
    assert ledger.sinks[0].delivered == ledger.totals().committed
    power = [text for text in sink.lines if text.startswith("electricity,asset=boiler1,company=acme,")]
    assert len(power) == ledger.totals().committed
    store = JournalStore(site.journal_path)
    kinds = [event.kind for event in store.events(0, 1 << 62)]
    facts = store.facts()
    store.close()
    assert kinds == [EventKind.START, EventKind.STOP]
    assert facts["meter1"]["measurement"] == "electricity"
    assert facts["meter1"]["calibration_date"] == "2026-03-02"
    assert facts["building"]["measurement"] == "electricity"


def test_a_port_that_is_not_there_stops_nothing_else(make: Callable[..., Collector], kit: Any) -> None:
    broken = FakeConnection("bus0", ())
    broken.fails_to_start = True
    collector = make(broken, FakeConnection())
    collector.start()
    kit.until(lambda: collector.ledger().totals().committed >= 3)
    kinds = [event.kind for _, event in collector.journal.events_after(0, 10)]
    assert EventKind.ALARM in kinds


def test_a_dead_server_stops_nothing_and_everything_waits_for_it(
    make: Callable[..., Collector], kit: Any
) -> None:
    sink = FakeSink(WriteResult(False, WriteKind.UNREACHABLE, message="refused"))
    collector = make(FakeConnection(), extra_sinks=[("fake", sink)])
    collector.start()
    kit.until(lambda: collector.ledger().totals().committed >= 5)
    kit.until(lambda: collector.status().sinks[0].state == "down")
    start = time.monotonic()
    assert collector.stop()
    assert time.monotonic() - start < 20
    ledger = collector.ledger()
    assert ledger.balanced()
    assert ledger.sinks[0].waiting == ledger.totals().committed


def test_a_connection_that_hangs_does_not_keep_the_collector_from_stopping(
    make: Callable[..., Collector],
    kit: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("collector.collector._STOP_S", 0.2)
    hanging = FakeConnection()
    hanging.hangs.clear()
    collector = make(hanging)
    collector.start()
    kit.until(lambda: collector.ledger().totals().committed >= 1)
    start = time.monotonic()
    assert collector.stop()
    assert time.monotonic() - start < 20
    assert "left behind: stop bus1" in caplog.text
    hanging.hangs.set()


def test_a_server_that_never_answers_does_not_keep_the_collector_from_stopping(
    make: Callable[..., Collector], kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Silent(FakeSink):
        def write(self, lines: Sequence[str]) -> WriteResult:
            answered.wait(30)
            return self.result

    answered = threading.Event()
    collector = make(
        FakeConnection(), extra_sinks=[("silent", Silent(WriteResult(True, WriteKind.ACCEPTED)))]
    )
    collector.start()
    kit.until(lambda: collector.ledger().totals().committed >= 1)
    start = time.monotonic()
    assert collector.stop()
    assert time.monotonic() - start < 20
    assert "left behind: silent" in caplog.text
    answered.set()
    kit.until(lambda: not collector._forwarders[0].busy)
    assert collector.ledger().balanced()
    assert "Traceback" not in caplog.text


def test_status_tells_of_every_part(make: Callable[..., Collector], kit: Any) -> None:
    collector = make(FakeConnection())
    collector.start()
    kit.until(lambda: collector.status().ticks["meter1"].sent >= 3)
    status = collector.status()
    assert status.running
    assert status.ingest.state == "up"
    assert status.connections[0].counters["polls"] >= 3
    assert status.ticks["meter1"].due == status.ticks["meter1"].sent + status.ticks["meter1"].missed


def test_the_time_between_two_runs_is_told_as_a_gap(
    make: Callable[..., Collector], site: Site, kit: Any
) -> None:
    first = make(FakeConnection())
    first.start()
    kit.until(lambda: first.ledger().totals().committed >= 1)
    first.stop()
    stopped_ns = time.time_ns()
    second = make(FakeConnection())
    second.start()
    assert second.flush()
    started_ns = time.time_ns()
    second.stop()
    store = JournalStore(site.journal_path)
    (gap,) = [event for event in store.events(0, 1 << 62) if event.kind is EventKind.GAP]
    store.close()
    assert gap.end_ns is not None
    assert stopped_ns - 2 * 10**9 < gap.time_ns < stopped_ns < gap.end_ns < started_ns


def test_a_fault_standing_at_the_stop_is_told_as_a_gap_by_the_next_run(
    make: Callable[..., Collector], site: Site, kit: Any
) -> None:
    first = make(FakeConnection())
    first.start()
    died_ns = time.time_ns()
    first.inbox.event(Event(died_ns, EventKind.FAULT_START, "no answer", "bus1", "meter1"))
    first.stop()
    second = make(FakeConnection())
    second.start()
    assert second.flush()
    second.stop()
    store = JournalStore(site.journal_path)
    gaps = [event for event in store.events(0, 1 << 62) if event.kind is EventKind.GAP]
    store.close()
    assert [(gap.time_ns, gap.instrument) for gap in gaps if gap.instrument] == [(died_ns, "meter1")]


def test_a_report_can_name_the_fuel_an_analyser_was_set_to(tmp_path: Path, kit: Any) -> None:
    with SimulatedTesto300(lambda: {"o2_pct": 6.2}, serial_number="61300001") as analyser:
        site = parse_site(FLUE.format(port=analyser.port), tmp_path / "site.toml")
        collector = Collector(site, SystemClock())
        collector.start()
        kit.until(lambda: "fuel" in collector.journal.facts()["flue"])
        facts = collector.journal.facts()["flue"]
        assert collector.stop()
    said = {name: facts[name] for name in ("fuel", "fuel_id", "model", "firmware", "serial_number")}
    assert said == {
        "fuel": "Erdgas",
        "fuel_id": "104",
        "model": "t300",
        "firmware": "1.09",
        "serial_number": "61300001",
    }
    assert facts["measurement"] == "flue_gas"  # not the analyser's own word


def test_what_the_site_file_says_of_an_instrument_stays(make: Callable[..., Collector], kit: Any) -> None:
    collector = make(FakeConnection())
    collector.start()
    heard = {"serial_number": "99", "model": "X1", "measurement": "MEAS", "line": 3}
    collector.inbox.event(Event(time.time_ns(), EventKind.ALARM, "", "bus1", "meter1", data={"fuel": "oil"}))
    collector.inbox.event(Event(time.time_ns(), EventKind.NOTE, "it says", "bus1", "meter1", data=heard))
    kit.until(lambda: "model" in collector.journal.facts()["meter1"])
    facts = collector.journal.facts()["meter1"]
    assert (facts["serial_number"], facts["model"], facts["measurement"]) == ("17", "X1", "electricity")
    assert not {"line", "fuel"} & set(facts)


def test_a_restart_forgets_faults_that_it_did_not_see_itself() -> None:
    def at(time_ns: int, kind: EventKind, source: str = "bus1") -> Event:
        return Event(time_ns, kind, "", source)

    start = at(0, EventKind.START, "collector")
    fault, end = at(1, EventKind.FAULT_START), at(2, EventKind.FAULT_END)
    assert open_faults([start, fault]) == (fault,)
    assert open_faults([start, fault, end]) == ()
    assert open_faults([start, fault, start]) == ()
    assert open_faults([fault, at(2, EventKind.FAULT_END, "bus2")]) == (fault,)


def test_the_journal_knows_where_an_instruments_counters_begin_again(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        '[site]\nid = "s"\ncompany = "c"\n[connections.bus]\nkind = "serial"\nport = "/dev/ttyAway"\n'
        '[[instruments]]\nid = "m"\nasset = "a"\nprofile = "acrel.adl3000"\nconnection = "bus"\naddress = 1\n'
        'ct_ratio = "400/5"\n'
    )
    site = load_site(tmp_path)
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        rollovers = collector.journal.facts()["m"]["rollovers"]
    finally:
        collector.stop()
    assert f"energy_import_kwh={2**32 / 100 * 80!r}" in rollovers.split()
