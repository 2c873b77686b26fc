"""A field box on a UPS: mains away is told, and the collector ends cleanly before the battery is empty."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector._power import PowerWatch
from collector._socket import look
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind

SITE = """
[site]
id = "box"
company = "c"
timezone = "UTC"
[connections.spare]
kind = "tcp"
host = "127.0.0.1"
port = 9
[[instruments]]
id = "meter"
profile = "eastron.sdm630"
connection = "spare"
address = 1
[collector]
power_file = "{power}"
power_grace = "300ms"
"""


def _watch(file: Path) -> tuple[PowerWatch, ManualClock, list[Event], list[str]]:
    clock, events, stops = ManualClock(), [], []
    watch = PowerWatch(str(file), 60 * SECOND_NS, clock, events.append, lambda: stops.append("stop"))
    return watch, clock, events, stops


def test_the_mains_is_told_when_it_goes_and_comes_and_a_short_dip_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "online"
    file.write_text("1\n")
    watch, clock, events, stops = _watch(file)
    watch.look()
    assert events == []
    file.write_text("0\n")
    watch.look()
    clock.advance(59)
    watch.look()
    file.write_text("1\n")
    clock.advance(30)
    watch.look()
    assert [event.kind for event in events] == [EventKind.FAULT_START, EventKind.FAULT_END]
    assert "back after 89 s" in events[1].text
    assert stops == []


def test_mains_that_stays_away_stops_the_collector_once(tmp_path: Path) -> None:
    file = tmp_path / "online"
    file.write_text("0\n")
    watch, clock, events, stops = _watch(file)
    for _ in range(200):
        watch.look()
        clock.advance(1)
    assert stops == ["stop"]
    assert [event.kind for event in events] == [EventKind.FAULT_START, EventKind.NOTE]


def test_a_clock_that_is_set_does_not_shorten_the_grace(tmp_path: Path) -> None:
    file = tmp_path / "online"
    file.write_text("0")
    watch, clock, _, stops = _watch(file)
    watch.look()
    clock.jump(86_400)
    watch.look()
    assert stops == []


@pytest.mark.parametrize("content", [None, "", "yes", "\xff"])
def test_a_file_that_says_nothing_is_an_alarm_and_never_a_stop(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "online"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    watch, clock, events, stops = _watch(file)
    for _ in range(100):
        watch.look()
        clock.advance(1)
    assert [event.kind for event in events] == [EventKind.ALARM]
    assert str(file) in events[0].text
    file.write_text("1")
    watch.look()
    assert events[-1].kind is EventKind.NOTE
    assert stops == []


def test_of_several_supplies_one_that_is_there_is_enough(tmp_path: Path) -> None:
    for name, text in (("AC", "0"), ("USB", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "online").write_text(text)
    watch, _, events, _ = _watch(tmp_path / "*" / "online")
    watch.look()
    assert events == []
    (tmp_path / "USB" / "online").write_text("0")
    watch.look()
    assert [event.kind for event in events] == [EventKind.FAULT_START]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("way", ["power", "SIGPWR", "SIGTERM"])
def test_a_signal_or_the_mains_ends_dodac_run_with_everything_stored_and_code_0(
    tmp_path: Path, way: str, fault_row: Any
) -> None:
    power = tmp_path / "online"
    power.write_text("1")
    (tmp_path / "site.toml").write_text(SITE.format(power=power))
    journal = tmp_path / "data" / "journal.db"
    command = [sys.executable, "-m", "dodac", "run", "--site", str(tmp_path)]
    said = tmp_path / "said"
    with said.open("wb") as words, subprocess.Popen(command, stderr=words) as process:
        end = time.monotonic() + 60
        while "until Ctrl-C" not in said.read_text():
            assert time.monotonic() < end
            time.sleep(0.02)
        # a look at a file of the kernel may hang: it is watched like every loop
        until(lambda: "power" in {loop["name"] for loop in (look(journal).picture or {}).get("loops", [])})
        if way == "power":
            power.write_text("0")
        else:
            process.send_signal(getattr(signal, way))
        assert process.wait(20) == 0
    # closed with a checkpoint: nothing is left in a WAL
    assert not journal.with_name("journal.db-wal").exists()
    db = sqlite3.connect(journal)
    watched = db.execute("SELECT text FROM events WHERE source LIKE 'watch %'").fetchall()
    assert watched == []  # what ends because it shall is not missed
    kinds = [
        kind for (kind,) in db.execute("SELECT kind FROM events WHERE source = 'collector' ORDER BY seq")
    ]
    told = [text for (text,) in db.execute("SELECT text FROM events WHERE source = 'power' ORDER BY seq")]
    db.close()
    assert kinds[0] == "start"
    assert kinds[-1] == "stop"
    assert len(told) == (2 if way == "power" else 0)
    fault_row(
        "the mains stays away longer than power_grace, or SIGPWR, or SIGTERM",
        "everything is committed, the journal closed with a checkpoint, exit code 0",
        0,
        "events of the mains going and of the stop",
        chapter="power",
    )
