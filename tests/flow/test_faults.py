"""Bad days: each fault is one line when it starts and one when it ends, and stops nothing else."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dodac.contracts import EventKind
from dodac.errors import StorageError
from drivers import load_profile
from drivers.simulator import SimulatedBus, SimulatedUnit
from store import JournalStore

SITE = """
[site]
id = "bad-day"
company = "test"
timezone = "Asia/Ho_Chi_Minh"

[connections.bus]
kind = "serial"
port = "{port}"
baud = 38400
timeout = "500ms"
late_guard = "300ms"

[connections.missing-port]
kind = "serial"
port = "{folder}/no-such-port"

[connections.missing-broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:9"

[[instruments]]
id = "healthy"
profile = "eastron.sdm630"
connection = "bus"
address = 1
every = "1s"

[[instruments]]
id = "faulty"
profile = "eastron.sdm630"
connection = "bus"
address = 2
every = "1s"

[[instruments]]
id = "no-port"
profile = "eastron.sdm630"
connection = "missing-port"
address = 1
every = "1s"

[[instruments]]
id = "no-broker"
profile = "generic.mqtt-json"
connection = "missing-broker"
topic = "x"

[influxdb]
url = "http://127.0.0.1:9"
"""

VALUES = {"voltage_l1_v": 230.0, "power_w": 1_234.0, "frequency_hz": 50.0, "energy_import_kwh": 99.5}


def unit(address: int) -> SimulatedUnit:
    profile = load_profile("eastron.sdm630")
    return SimulatedUnit(profile, lambda: dict.fromkeys(profile.channels, 1.0) | VALUES, address)


@pytest.fixture
def bus():
    with SimulatedBus({1: unit(1), 2: unit(2)}, baud=38400) as line:
        yield line


def collect(folder: Path, bus: SimulatedBus, acts) -> tuple[str, JournalStore]:
    """Runs `dodac run` in a process of its own while `acts` does things to the line; stderr and the journal."""
    site = folder / "site.toml"
    site.write_text(SITE.format(port=bus.path, folder=folder), encoding="utf-8")
    log = folder / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "dodac", "run", "--site", str(site)], stderr=stderr)
    try:
        acts(lambda: JournalStore(folder / "data" / "journal.db"))
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
    text = log.read_text(encoding="utf-8")
    assert code == 0, text
    assert "Traceback" not in text
    return text, JournalStore(folder / "data" / "journal.db")


def good(store: JournalStore, instrument: str) -> int:
    return len(store.series(instrument, ["power_w"], 0, 2**62))


def until(true, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except StorageError as error:  # the journal is not there yet
            last = error
        else:
            last = None
        assert time.monotonic() < end, f"waited in vain ({last})"
        time.sleep(0.1)


def started(journal) -> None:
    until(lambda: good(journal(), "faulty") >= 2)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dead", "no_answer"),
        ("truncated", "no_answer|crc|decode"),
        ("exception", "exception"),
        ("crc", "crc"),
    ],
)
def test_a_sick_meter_is_told_once_flagged_with_its_reason_and_stops_no_other(bus, tmp_path, kind, reason):
    def acts(journal):
        started(journal)
        bus.fault(2, kind, seconds=60.0)
        until(lambda: len(journal().flags("faulty", 0, 2**62)) > 0)
        # the other meter on the same line goes on while this one is sick, however slow the machine
        before = good(journal(), "healthy")
        until(lambda: good(journal(), "healthy") >= before + 3)
        bus.clear(2)
        sick_from = good(journal(), "faulty")
        until(lambda: good(journal(), "faulty") >= sick_from + 2)

    text, store = collect(tmp_path, bus, acts)
    flags = store.flags("faulty", 0, 2**62)
    assert set(flags["reason"]) <= set(reason.split("|")), flags
    assert store.flags("healthy", 0, 2**62).empty
    lines = [
        line
        for line in text.splitlines()
        if "faulty" in line and ("fault_start" in line or "fault_end" in line)
    ]
    assert len(lines) == 2, text
    events = [event for event in store.events(0, 2**62) if event.instrument == "faulty"]
    assert [e.kind for e in events if e.kind in (EventKind.FAULT_START, EventKind.FAULT_END)] == [
        EventKind.FAULT_START,
        EventKind.FAULT_END,
    ]
    # a line kept busy by the sick one may cost turns too: that is told by the schedule, as another gap
    gaps = [event for event in events if event.kind is EventKind.GAP and event.source == "bus"]
    assert len(gaps) == 1
    assert gaps[0].end_ns is not None
    assert gaps[0].end_ns > gaps[0].time_ns


def test_a_missing_port_broker_and_database_are_one_line_each_and_the_rest_is_collected(bus, tmp_path):
    def acts(journal):
        until(lambda: good(journal(), "healthy") >= 6)

    text, store = collect(tmp_path, bus, acts)
    assert good(store, "healthy") >= 6
    for word in ("no-such-port", "127.0.0.1:9"):
        assert word in text
    for source in ("missing-port", "missing-broker"):
        starts = [line for line in text.splitlines() if re.search(rf"fault_start {source}\b", line)]
        assert len(starts) == 1, text
    assert "no-such-port" in text


def test_an_adapter_pulled_out_and_put_back_goes_on_by_itself(bus, tmp_path):
    def acts(journal):
        started(journal)
        before = good(journal(), "healthy")
        bus.fault(1, "unplug", seconds=1.0)
        until(lambda: good(journal(), "healthy") >= before + 4)

    text, store = collect(tmp_path, bus, acts)
    kinds = [event.kind for event in store.events(0, 2**62) if event.source == "bus"]
    assert kinds.count(EventKind.FAULT_START) == kinds.count(EventKind.FAULT_END), text
    assert EventKind.GAP in kinds
