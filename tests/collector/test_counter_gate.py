"""The rules of counters stand before the journal, whatever road a reading came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from collector._counter_gate import CounterGate, counter_gate
from collector.ingest import Ingest
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind
from dodac.samples import Layout, Reason
from dodac.site import parse_site
from store import Journal, JournalStore

METER = Layout("m", ("power_w", "energy_import_kwh"))
AIR = Layout("air", ("temperature_c",))
T0 = 1_790_000_000 * SECOND_NS
SITE = """[site]
id = "a"
company = "b"
[[instruments]]
id = "m"
measurement = "electricity"
max_rate = { energy_import_kwh = 3600 }
"""


@pytest.fixture
def way(tmp_path: Path) -> Callable[..., tuple[CounterGate, Ingest, Journal]]:
    site = parse_site(SITE, tmp_path / "site.toml")

    def start() -> tuple[CounterGate, Ingest, Journal]:
        journal = Journal.open(tmp_path / "j.db")
        ingest = Ingest(journal, ManualClock(T0), idle_ms=1, on_event=lambda event: gate.heard(event))
        gate = counter_gate(site, {"m": {"rollovers": "energy_import_kwh=1000.0"}}, ingest, journal)
        ingest.start()
        gate.layout(METER)
        gate.layout(AIR)
        return gate, ingest, journal

    return start


def _send(gate: CounterGate, *energies: float, first: int = 0) -> None:
    for number, energy in enumerate(energies, start=first):
        gate.sample(METER.sample(T0 + number * SECOND_NS, {"energy_import_kwh": energy}), source="bus")


def _stop(ingest: Ingest, journal: Journal) -> None:
    assert ingest.stop()
    assert all(row.balanced for row in ingest.counts())
    journal.close()


def test_series_holds_what_was_right_once_and_flags_what_was_not(
    way: Callable[..., tuple[CounterGate, Ingest, Journal]], tmp_path: Path
) -> None:
    gate, ingest, journal = way()
    gate.samples([AIR.sample(T0 + n, {"temperature_c": -n}) for n in range(3)], source="air")
    _send(gate, 10, 11, 0, 12, 900, 13, 3, 4)
    _stop(ingest, journal)
    with JournalStore(tmp_path / "j.db") as store:
        frame = store.series("m", ["energy_import_kwh"], T0, T0 + 10**12)
        assert frame["energy_import_kwh"].tolist() == [10, 11, 12, 13, 3, 4]
        reasons = store.flags("m", T0, T0 + 10**12)["reason"].tolist()
        assert reasons == [Reason.COUNTER_FALL.value, Reason.RATE.value, Reason.COUNTER_FALL.value]
        assert len(store.series("air", ["temperature_c"], T0, T0 + 10)) == 3


def test_a_restart_knows_where_the_counters_stood(
    way: Callable[..., tuple[CounterGate, Ingest, Journal]], tmp_path: Path
) -> None:
    gate, ingest, journal = way()
    _send(gate, 998, 999)
    _stop(ingest, journal)
    gate, ingest, journal = way()
    _send(gate, 0, 1, first=2)
    _stop(ingest, journal)
    with JournalStore(tmp_path / "j.db") as store:
        assert [e.kind for e in store.events(T0, T0 + 10**12)] == [EventKind.ROLLOVER]
        frame = store.intervals("m", "energy_import_kwh", T0, T0 + 3 * SECOND_NS, "15min")
        assert frame["value"].sum() == pytest.approx(3.0)


def test_after_an_exchange_was_recorded_the_new_meters_first_reading_counts(
    way: Callable[..., tuple[CounterGate, Ingest, Journal]], tmp_path: Path
) -> None:
    gate, ingest, journal = way()
    _send(gate, 500, 501)
    ends = {"end.energy_import_kwh": 501.5, "start.energy_import_kwh": 7.0}
    ingest.event(Event(T0 + 2 * SECOND_NS, EventKind.EXCHANGE, "exchanged", "exchange", "m", data=ends))
    assert ingest.flush()
    _send(gate, 7.5, 8.5, first=3)
    _stop(ingest, journal)
    with JournalStore(tmp_path / "j.db") as store:
        assert store.flags("m", T0, T0 + 10**12).empty
        frame = store.intervals("m", "energy_import_kwh", T0, T0 + 4 * SECOND_NS, "15min")
        assert frame["value"].sum() == pytest.approx(1 + 0.5 + 0.5 + 1)


def test_where_a_counter_stood_is_known_after_its_history_was_packed_and_under_another_layout(
    way: Callable[..., tuple[CounterGate, Ingest, Journal]], tmp_path: Path
) -> None:
    gate, ingest, journal = way()
    _send(gate, 997, 998, 999)
    # the counter is in few messages: those after it hold power only
    powers = [METER.sample(T0 + (10 + n) * SECOND_NS, {"power_w": 1.0}) for n in range(40)]
    gate.samples(powers, source="bus")
    assert ingest.stop()
    assert journal.pack(T0 + 10**15, limit=1000, whole=False) == 43
    journal.close()
    gate, ingest, journal = way()
    wider = Layout("m", ("power_w", "voltage_l1_v", "energy_import_kwh"))
    gate.layout(wider)
    for number, value in ((60, 0.0), (61, 999.5)):
        gate.sample(wider.sample(T0 + number * SECOND_NS, {"energy_import_kwh": value}), source="bus")
    _stop(ingest, journal)
    with JournalStore(tmp_path / "j.db") as store:
        flags = store.flags("m", T0, T0 + 10**12)
        assert flags["reason"].tolist() == [Reason.COUNTER_FALL.value]


def test_an_exchange_told_while_the_collector_was_away_raises_no_alarm_at_its_start(
    way: Callable[..., tuple[CounterGate, Ingest, Journal]], tmp_path: Path
) -> None:
    gate, ingest, journal = way()
    _send(gate, 500, 501)
    _stop(ingest, journal)
    ends = {"end.energy_import_kwh": 501.5, "start.energy_import_kwh": 7.0}
    with Journal.open(tmp_path / "j.db") as journal:
        told = Event(T0 + 2 * SECOND_NS, EventKind.EXCHANGE, "exchanged", "exchange", "m", data=ends)
        journal.commit([("exchange", told)])
    gate, ingest, journal = way()
    _send(gate, 7.5, 8.5, first=3)
    _stop(ingest, journal)
    with JournalStore(tmp_path / "j.db") as store:
        assert [e.kind for e in store.events(T0, T0 + 10**12)] == [EventKind.EXCHANGE]
        assert store.flags("m", T0, T0 + 10**12).empty
