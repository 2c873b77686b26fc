"""A thread that hangs in a read that never returns: seen, told, replaced; the others go on, nothing is lost."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collector import Collector, _care
from collector._report import live_ledger, read_report
from collector._socket import look
from dodac.clock import SystemClock
from dodac.contracts import EventKind
from dodac.samples import Layout
from dodac.site import Site, load_site, parse_site
from drivers import open_connections
from drivers.simulator.testo_http import SimulatedTesto300
from store import Journal, JournalStore, WriteKind, WriteResult

SITE = """
[site]
id = "plant"
company = "acme"
timezone = "UTC"

[connections.one]
kind = "http"
host = "127.0.0.1"
port = {one}

[connections.two]
kind = "http"
host = "127.0.0.1"
port = {two}

[[instruments]]
id = "flue1"
profile = "testo.300-http"
connection = "one"
every = "200ms"

[[instruments]]
id = "flue2"
profile = "testo.300-http"
connection = "two"
every = "200ms"
"""
FOREVER = 1 << 62
VALUES = {"o2_pct": 5.0, "t_flue_c": 180.0}


class Manager:
    """A service manager's socket, emptied all the time."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (text := self.socket.recv(4096).decode()) != "end":
            self.heard.append(text)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(b"end", self.socket.getsockname())
        self._thread.join(5)
        self.socket.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector._watch.TURN_S", 0.05)
    monkeypatch.setattr("collector._care._LINE_S", 0.6)
    monkeypatch.setattr("collector._care._COMMIT_S", 1.0)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield made
    made.close()


def stored(site: Site, instrument: str) -> int:
    with JournalStore(site.journal_path) as store:
        return sum(1 for _ in store.samples(instrument, 0, FOREVER))


@pytest.mark.usefixtures("quick")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # SystemExit ends it quietly
def test_a_connection_that_hangs_is_replaced_and_the_others_never_notice(
    tmp_path: Path, manager: Manager, kit: Any, fault_row: Callable[..., None]
) -> None:
    with SimulatedTesto300(lambda: VALUES) as one, SimulatedTesto300(lambda: VALUES) as two:
        (tmp_path / "site.toml").write_text(SITE.format(one=one.port, two=two.port), encoding="utf-8")
        site = load_site(tmp_path / "site.toml")
        connections = open_connections(site, SystemClock())
        hanging = next(c for c in connections if c.id == "one")
        free = threading.Event()
        hangs = threading.Event()
        link = hanging._bus.link  # type: ignore[attr-defined]
        get = link.get

        def never_returns(path: str) -> Any:
            if hangs.is_set():
                free.wait(60)
            return get(path)

        link.get = never_returns
        collector = Collector(site, SystemClock(), connections=connections)
        collector.start()
        kit.until(lambda: manager.heard != [] and manager.heard[0].startswith("READY=1"))
        kit.until(lambda: collector.flush() and stored(site, "flue1") > 2 and stored(site, "flue2") > 2)
        hangs.set()
        kit.until(lambda: any(state.restarts for state in collector._care.watch.states()), 15)
        before = stored(site, "flue1"), stored(site, "flue2")
        kit.until(lambda: stored(site, "flue1") > before[0] + 2 and stored(site, "flue2") > before[1] + 2, 15)
        assert next(c for c in collector.parts().connections if c.id == "one") is not hanging
        # the thread that was given up wakes: it may say nothing any more
        free.set()
        thread = hanging.thread  # type: ignore[attr-defined]
        if thread is not None:
            thread.join(10)
            assert not thread.is_alive()
        ledger = collector.ledger()
        assert ledger.balanced()
        assert collector.stop()
        total = collector.ledger().totals()
        assert total.received == total.committed == stored(site, "flue1") + stored(site, "flue2")
    with JournalStore(site.journal_path) as store:
        events = store.events(0, FOREVER)
    watched = [event for event in events if event.source == "watch connection one"]
    assert [event.kind for event in watched] == [EventKind.ALARM, EventKind.FAULT_END]
    gaps = [e for e in events if e.kind is EventKind.GAP and e.instrument == "flue1"]
    (gap,) = [e for e in gaps if "hung" in e.text]
    assert gap.end_ns is not None
    assert gap.end_ns > gap.time_ns
    assert not [e for e in events if e.instrument == "flue2" and e.kind is EventKind.GAP]
    assert manager.heard.count("WATCHDOG=1") > 10
    assert "STOPPING=1" in manager.heard
    fault_row(
        "a connection's thread hangs in a read that never returns",
        "alarm with its stack in the log, a fresh connection in its place, the others go on",
        total.received - total.committed,
        "GAP of the instruments on that connection",
        chapter="instruments",
    )


@pytest.mark.usefixtures("quick")
def test_no_loop_of_a_collector_that_works_is_called_stuck(
    tmp_path: Path, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Server:
        def write(self, lines: Sequence[str]) -> WriteResult:
            return WriteResult(ok=True, kind=WriteKind.ACCEPTED)

    monkeypatch.setattr("collector._care.MINUTE_S", 0.1)
    monkeypatch.setattr("collector._alive.EVERY_S", 0.1)
    with SimulatedTesto300(lambda: VALUES) as one, SimulatedTesto300(lambda: VALUES) as two:
        (tmp_path / "site.toml").write_text(SITE.format(one=one.port, two=two.port), encoding="utf-8")
        site = load_site(tmp_path / "site.toml")
        collector = Collector(site, SystemClock(), extra_sinks=[("server", Server())])
        collector.start()
        started = {loop.name: loop.turned_ns() for loop in collector._care.watch._loops()}
        assert {"ingest", "schedule", "connection one", "sink server", "alive", "care", "upkeep"} <= set(
            started
        )

        def all_turn() -> bool:
            return all(loop.turned_ns() > started[loop.name] for loop in collector._care.watch._loops())

        kit.until(all_turn, 15)
        assert collector.stop()


@pytest.mark.usefixtures("quick")
def test_a_commit_that_hangs_silences_the_watchdog_and_is_told_by_the_picture(
    tmp_path: Path,
    manager: Manager,
    kit: Any,
    monkeypatch: pytest.MonkeyPatch,
    fault_row: Callable[..., None],
) -> None:
    (tmp_path / "site.toml").write_text(SITE.format(one=9, two=10), encoding="utf-8")
    site = load_site(tmp_path / "site.toml")
    collector = Collector(site, SystemClock(), connections=[])
    free = threading.Event()
    commit = Journal.commit

    def hangs(self: Journal, items: Any) -> Any:
        free.wait(60)
        return commit(self, items)

    collector.start()
    kit.until(lambda: "WATCHDOG=1" in manager.heard)
    assert collector.flush()
    monkeypatch.setattr(Journal, "commit", hangs)
    collector.inbox.layout(kit.layout)
    acknowledged: list[int] = []
    for number in range(5):
        collector.inbox.sample(kit.make(number), source="bus1", done=partial(acknowledged.append, number))
    kit.until(lambda: any(fault["code"] == "loop_stuck" for fault in collector.picture()["faults"]), 15)
    heard = manager.heard.count("WATCHDOG=1")
    turned = threading.Event()
    turned.wait(0.5)
    assert manager.heard.count("WATCHDOG=1") == heard
    assert not acknowledged
    assert collector.ledger_now().totals().in_flight == 5
    free.set()
    kit.until(lambda: acknowledged == [0, 1, 2, 3, 4])
    kit.until(lambda: manager.heard.count("WATCHDOG=1") > heard)
    assert collector.stop()
    assert stored(site, "meter1") == 5
    fault_row(
        "a commit hangs for minutes (disk)",
        "no WATCHDOG=1 is sent, so systemd starts the process again; what was not acknowledged is sent again",
        5 - stored(site, "meter1"),
        "alarm of the watch, in the log with the stack",
        chapter="disk",
    )


def test_a_full_disk_is_told_and_never_taken_for_a_hanging_thread(
    tmp_path: Path, manager: Manager, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is full and every source waits: ending the process would not make room on the disk."""
    monkeypatch.setattr("collector._watch.TURN_S", 0.05)
    monkeypatch.setattr("collector._care._LINE_S", 0.5)
    with SimulatedTesto300(lambda: VALUES) as one, SimulatedTesto300(lambda: VALUES) as two:
        (tmp_path / "site.toml").write_text(SITE.format(one=one.port, two=two.port), encoding="utf-8")
        site = load_site(tmp_path / "site.toml")
        collector = Collector(site, SystemClock(), window=2)
        full = True
        commit = Journal.commit

        def fails(self: Journal, items: Any) -> Any:
            if full:
                raise OSError(28, "No space left on device")
            return commit(self, items)

        monkeypatch.setattr(Journal, "commit", fails)
        collector.start()
        kit.until(lambda: sum(state.state == "held up" for state in collector._care.watch.states()) == 2, 20)
        assert [fault["code"] for fault in collector.picture()["faults"]] == ["journal_fault"]
        heard = manager.heard.count("WATCHDOG=1")
        kit.until(lambda: manager.heard.count("WATCHDOG=1") > heard + 3)
        full = False
        kit.until(lambda: stored(site, "flue1") > 2, 20)
        assert all(state.restarts == 0 for state in collector._care.watch.states())
        assert collector.stop()


def test_a_thread_that_was_replaced_ends_at_its_next_word(kit: Any) -> None:
    class Inbox:
        def __init__(self) -> None:
            self.taken: list[Any] = []

        def sample(self, sample: Any, *, source: str) -> None:
            self.taken.append(sample)

    inner = Inbox()
    door = _care.Door(inner)  # type: ignore[arg-type]
    door.sample(kit.make(1), source="bus1")
    assert door.sample == inner.sample  # no call of its own stands between
    door.shut()
    after: list[str] = []

    def goes_on() -> None:
        try:
            door.sample(kit.make(2), source="bus1")
        except Exception:  # noqa: BLE001  (as the loops of lines do)
            after.append("went on")
        except SystemExit:
            return
        after.append("went on")

    thread = threading.Thread(target=goes_on)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert not after
    assert len(inner.taken) == 1


def test_dodac_run_tells_systemd_that_it_is_ready_and_that_it_stops(
    tmp_path: Path, manager: Manager, kit: Any
) -> None:
    (tmp_path / "site.toml").write_text(SITE.format(one=9, two=10), encoding="utf-8")
    command = [sys.executable, "-m", "dodac", "run", "--site", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        kit.until(lambda: any(text.startswith("READY=1\nSTATUS=") for text in manager.heard), 20)
        seen = look(tmp_path / "data" / "journal.db")
        assert seen.picture is not None
        assert seen.picture["pid"] == process.pid
        assert {loop["name"] for loop in seen.picture["loops"]} >= {
            "ingest", "schedule", "connection one", "connection two", "upkeep", "alive", "care",
        }  # fmt: skip
        kit.until(lambda: "WATCHDOG=1" in manager.heard)
    finally:
        process.terminate()
        _, words = process.communicate(timeout=20)
    assert process.returncode == 0, words
    kit.until(lambda: "STOPPING=1" in manager.heard)
    assert not look(tmp_path / "data" / "journal.db").running


def test_a_collector_that_was_killed_is_nobody_and_its_journal_still_adds_up(
    tmp_path: Path, kit: Any
) -> None:
    with SimulatedTesto300(lambda: VALUES) as one, SimulatedTesto300(lambda: VALUES) as two:
        (tmp_path / "site.toml").write_text(SITE.format(one=one.port, two=two.port), encoding="utf-8")
        journal = tmp_path / "data" / "journal.db"
        received = 0
        for _ in range(3):
            command = [sys.executable, "-m", "dodac", "run", "--site", str(tmp_path)]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

            def moves(more_than: int = received + 3) -> bool:
                picture = look(journal).picture
                if picture is None:
                    return False
                assert picture["ledger"]["balanced"]
                return live_ledger(picture).totals().received > more_than

            kit.until(moves, 20)
            process.kill()
            process.wait(10)
            assert not look(journal).running
            report = read_report(journal, load_site(tmp_path / "site.toml"))
            totals = report.ledger.totals()
            assert report.ledger.balanced()
            assert totals.committed + totals.conflict == report.samples
            assert totals.received > received, "the counts of earlier runs are kept"
            received = totals.received


@pytest.mark.usefixtures("manager")
def test_a_request_to_a_server_that_never_ends_is_left_behind_and_nothing_is_lost(
    tmp_path: Path, kit: Any, monkeypatch: pytest.MonkeyPatch, fault_row: Callable[..., None]
) -> None:
    monkeypatch.setattr("collector._watch.TURN_S", 0.05)
    monkeypatch.setattr("collector._care._SINK_S", 0.8)
    (tmp_path / "site.toml").write_text(SITE.format(one=9, two=10), encoding="utf-8")
    free = threading.Event()
    hangs = threading.Event()

    class Server:
        def __init__(self) -> None:
            self.lines: list[str] = []

        def write(self, lines: Sequence[str]) -> WriteResult:
            if hangs.is_set() and threading.current_thread() is first:
                free.wait(60)
            self.lines += lines
            return WriteResult(ok=True, kind=WriteKind.ACCEPTED)

    server = Server()
    site = load_site(tmp_path / "site.toml")
    collector = Collector(site, SystemClock(), connections=[], extra_sinks=[("server", server)])
    collector.start()
    (hanging,) = collector.parts().forwarders
    first = hanging.thread
    assert first is not None
    collector.journal.set_facts("flue1", {"measurement": "flue_gas"})
    layout = Layout("flue1", ("o2_pct",))
    collector.inbox.layout(layout)
    hangs.set()
    for number in range(20):
        collector.inbox.sample(layout.sample(number, {"o2_pct": 5.0}), source="one")
    kit.until(lambda: collector.parts().forwarders[0] is not hanging, 15)
    kit.until(lambda: collector.ledger().sinks[0].waiting == 0, 15)
    # the one that was given up wakes: the same lines again, the same marks again
    free.set()
    first.join(10)
    assert not first.is_alive()
    (sink,) = collector.ledger().sinks
    assert (sink.delivered, sink.waiting, sink.balanced) == (20, 0, True)
    assert len({line for line in server.lines if "o2_pct" in line}) == 20
    assert collector.stop()
    fault_row(
        "a request to the server never ends",
        "alarm, a fresh request in another thread, nothing is lost or counted twice",
        20 - sink.delivered,
        chapter="influxdb",
    )


def test_every_thread_that_works_for_the_collector_is_watched(tmp_path: Path, kit: Any) -> None:
    text = """
[site]
id = "plant"
company = "acme"

[connections.hand]
kind = "manual"

[[instruments]]
id = "kit"
profile = "manual.water-kit"
connection = "hand"
"""
    site = parse_site(text, tmp_path / "site.toml")
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        known = {state.name for state in collector._care.watch.states()}
        assert known == {"ingest", "connection hand", "clock", "upkeep", "alive", "care"}
        hand = collector.parts().connections[0]
        before = hand.turned_ns  # type: ignore[attr-defined]
        kit.until(lambda: hand.turned_ns > before, 10)  # type: ignore[attr-defined]
    finally:
        assert collector.stop()
