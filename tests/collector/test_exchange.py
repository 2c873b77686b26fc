"""A meter that was exchanged: the technician's two readings reach the journal, whoever has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector import Collector
from collector.exchange import Exchange, ExchangeDesk, Waiting, read_back, spool_of
from collector.ingest import Ingest
from dodac.cli import main
from dodac.clock import HOUR_NS, ManualClock, SystemClock, parse_time_ns
from dodac.contracts import EventKind
from dodac.samples import Layout
from dodac.site import Site, load_site
from store import Journal, JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "en"
[[instruments]]
id = "water"
measurement = "water"
serial_number = "1"
"""
METER = Layout("water", ("volume_m3", "flow_m3h"))
T0 = parse_time_ns("2026-11-20T08:00:00", "Asia/Ho_Chi_Minh")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE)
    site = load_site(tmp_path / "site.toml")
    site.journal_path.parent.mkdir()
    with Journal.open(site.journal_path) as journal:
        journal.layout(METER)
        values = [500.0, 501.0, 502.0, 7.5, 8.5, 9.5]
        journal.commit(
            [("file", METER.sample(T0 + n * HOUR_NS, {"volume_m3": v})) for n, v in enumerate(values)]
        )
    return site


def _amount(site: Site) -> float:
    with JournalStore(site.journal_path) as store:
        frame = store.intervals("water", "volume_m3", T0, T0 + 5 * HOUR_NS, "1h", "Asia/Ho_Chi_Minh")
    return float(frame["value"].sum())


def _run(site: Site, *args: str) -> int:
    return main(["exchange", "water", "--site", str(site.path), *args])


def test_consumption_across_an_exchange_is_that_of_both_meters(site: Site, capsys: Any) -> None:
    assert _amount(site) == pytest.approx(4.0)  # the hour of the exchange is not known
    assert _run(site, "--list") == 0
    assert "No exchange is recorded" in capsys.readouterr().err
    code = _run(site, "--at", "2026-11-20T10:30", "--old", "502,4", "--new", "7", "--serial", "17-B")
    assert code == 0
    out = capsys.readouterr()
    assert "volume_m3 502.4 → 7 m3" in out.out
    assert "serial_number" in out.err
    assert _amount(site) == pytest.approx(2 + 0.4 + 0.5 + 2)
    assert _run(site, "--list") == 0
    assert "17-B" in capsys.readouterr().out
    assert list(spool_of(site).waiting()) == []
    # a mistake is taken back, and nothing was edited
    assert _run(site, "--at", "2026-11-20T10:30", "--withdraw") == 0
    assert _amount(site) == pytest.approx(4.0)
    with JournalStore(site.journal_path) as store:
        assert len(store.counter_events("water")) == 2


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--at", "2026-11-20T10:30", "--old", "499", "--new", "7"], 1, "below the one of"),
        (["--at", "2026-11-20T10:30", "--old", "502.4", "--new", "8"], 1, "above the one of"),
        (["--at", "2026-11-20T10:30", "--old", "502400", "--new", "7"], 1, "Look at unit"),
        (["--at", "2026-11-20T10:30", "--old", "502.4", "--new", "-7"], 1, "no readings"),
        (["--at", "2026-11-20T10:30", "--old", "1.234", "--new", "7"], 2, "not one number"),
        (["--at", "2026-11-20T10:30", "--old", "502"], 2, "two readings"),
        (["--at", "2026-11-20T10:30", "--old", "flow_m3h=3", "--new", "flow_m3h=1"], 1, "no counter"),
        (["--at", "2026-11-20T10:30", "--old", "x=3", "--new", "x=1"], 1, "no counter"),
        (["--at", "tomorrow", "--old", "502", "--new", "7"], 2, "no time"),
        (["--at", "25:00:00", "--old", "502", "--new", "7"], 2, "08:30 of today"),
        (["--at", "2199-01-01T00:00", "--old", "502", "--new", "7"], 1, "is to come"),
        (["--old", "502", "--new", "7"], 2, "Give --at"),
        (["--at", "2026-11-20T11:31", "--withdraw"], 1, "no exchange is recorded"),
    ],
)
def test_what_can_not_be_is_said_and_nothing_is_recorded(
    site: Site, capsys: Any, args: list[str], code: int, words: str
) -> None:
    assert _run(site, *args) == code
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err
    with JournalStore(site.journal_path) as store:
        assert store.counter_events("water") == []
    assert list(spool_of(site).waiting()) == []


def test_one_who_is_sure_is_believed(site: Site) -> None:
    assert _run(site, "--at", "2026-11-20T10:30", "--old", "499", "--new", "7", "--yes") == 0
    with JournalStore(site.journal_path) as store:
        assert len(store.counter_events("water")) == 1


def test_while_the_collector_has_the_journal_an_exchange_waits_and_is_taken_in_once(
    site: Site, capsys: Any
) -> None:
    clock = SystemClock()
    with Journal.open(site.journal_path) as journal:
        ingest = Ingest(journal, clock, idle_ms=1, on_event=lambda event: waiting.heard(event))
        waiting = Waiting(site, clock, ingest)
        ingest.start()
        assert _run(site, "--at", "2026-11-20T10:30", "--old", "502.4", "--new", "7") == 0
        assert "dodac run stores it" in capsys.readouterr().err
        assert len(list(spool_of(site).waiting())) == 1
        waiting.look()
        waiting.look()  # it is under way
        assert ingest.flush()
        assert list(spool_of(site).waiting()) == []
        waiting.look()
        assert ingest.stop()
    assert _amount(site) == pytest.approx(2 + 0.4 + 0.5 + 2)
    with JournalStore(site.journal_path) as store:
        assert len(store.counter_events("water")) == 1


def test_a_file_that_is_no_exchange_is_set_aside_and_told(site: Site) -> None:
    clock = ManualClock(T0)
    spool = spool_of(site)
    spool.put("water", "0123456789", b"{}")
    spool.put("water", "9123456789", b'{"counters": []}')
    (spool.folder / "water.aaaaaaaa.json").write_text("torn")
    with Journal.open(site.journal_path) as journal:
        ingest = Ingest(journal, clock, idle_ms=1)
        ingest.start()
        Waiting(site, clock, ingest).look()
        assert ingest.stop()
        events = [event for _, event in journal.events_after(0, 10)]
    assert [event.kind for event in events] == [EventKind.ALARM] * 3
    assert list(spool.waiting()) == []
    assert spool.state().refused == 3


def test_an_exchange_reads_back_as_it_was_told() -> None:
    told = Exchange("0123456789", "water", T0 + 1, {"volume_m3": (0.1 + 0.2, 7.0)}, "s", "Lan", "mưa", True)
    assert read_back(told.raw()) == told
    assert json.loads(told.raw())["time"].endswith("Z")


def test_a_running_collector_takes_exchanges_in(site: Site) -> None:
    desk = ExchangeDesk(site, SystemClock(), lambda: JournalStore(site.journal_path))
    collector = Collector(site, SystemClock(), connections=[])
    collector.start()
    told = Exchange("0123456789", "water", T0 + 2 * HOUR_NS + 1, {"volume_m3": (502.4, 7.0)})
    assert desk.take(told).state == "waiting"
    collector._alive._chore()
    assert collector.flush()
    assert collector.stop()
    with JournalStore(site.journal_path) as store:
        assert [e.kind for e in store.counter_events("water")] == [EventKind.EXCHANGE]


def test_two_exchanges_in_one_gap_are_held_against_each_other(site: Site, capsys: Any) -> None:
    assert _run(site, "--at", "2026-11-20T10:20", "--old", "502.2", "--new", "0") == 0
    assert _run(site, "--at", "2026-11-20T10:40", "--old", "0.3", "--new", "7.2") == 0
    assert _amount(site) == pytest.approx(2 + 0.2 + 0.3 + 0.3 + 2)
    assert _run(site, "--at", "2026-11-20T10:30", "--old", "0.4", "--new", "5") == 1
    assert "first reading 5 m3 is above the one of 2026-11-20 10:40:00: 0.3" in capsys.readouterr().err


def test_an_exchange_that_is_sent_twice_is_recorded_once(site: Site) -> None:
    desk = ExchangeDesk(site, SystemClock(), lambda: JournalStore(site.journal_path))
    told = Exchange("0123456789", "water", T0 + 2 * HOUR_NS + 1, {"volume_m3": (502.4, 7.0)}, note="mưa")
    assert desk.take(told).state == "stored"
    assert desk.take(told).state == "stored"
    with JournalStore(site.journal_path) as store:
        assert len(store.counter_events("water")) == 1
    assert desk.last_reading("water", "volume_m3") == (T0 + 5 * HOUR_NS, 9.5)
