"""dodac run on a small disk of its own that is full at the start and fills up again: it waits, tells, and goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import EventKind
from drivers import load_profile
from drivers.simulator import SimulatedBus, SimulatedUnit
from store import Journal

SITE = """
[site]
id = "small-disk"
company = "test"
timezone = "Asia/Ho_Chi_Minh"

[connections.bus]
kind = "serial"
port = "{port}"
baud = 38400

[[instruments]]
id = "meter"
profile = "eastron.sdm630"
connection = "bus"
address = 1
every = "500ms"

[store]
journal = "{journal}"
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, int, Path]]:
    """A tmpfs of 4 MB in a mount namespace: where it is inside, the process that holds it, where we see it."""
    inside = tmp_path / "disk"
    inside.mkdir()
    mount = f"mount -t tmpfs -o size=4m none {inside} && echo ready && exec sleep 600"
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root may mount a disk of its own; tests/flow/test_disk.py tries the same otherwise")
    holder = subprocess.Popen(["unshare", "-m", "sh", "-c", mount], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        if holder.stdout.readline().strip() != "ready":
            pytest.skip("no mounts in this container; tests/flow/test_disk.py tries the same otherwise")
        yield inside, holder.pid, Path(f"/proc/{holder.pid}/root{inside}")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def _until(true: Callable[[], object], log: Path, what: str) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, f"{what} never came\n{log.read_text()}"
        time.sleep(0.05)


def _fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def test_a_full_disk_at_the_start_and_later_is_told_and_waited_for(
    small_disk: tuple[Path, int, Path], tmp_path: Path, fault_row: Any
) -> None:
    inside, holder, disk = small_disk
    _fill(disk)
    profile = load_profile("eastron.sdm630")
    unit = SimulatedUnit(profile, lambda: dict.fromkeys(profile.channels, 1.0) | {"frequency_hz": 50.0}, 1)
    log = tmp_path / "log"
    with SimulatedBus({1: unit}, baud=38400) as bus:
        site = tmp_path / "site.toml"
        site.write_text(SITE.format(port=bus.path, journal=inside / "j.db"), encoding="utf-8")
        with log.open("wb") as err:
            command = ["nsenter", "-t", str(holder), "-m", f"--wd={Path.cwd()}"]
            process = subprocess.Popen(
                [*command, sys.executable, "-m", "dodac", "run", "--site", str(site)], stderr=err, stdout=err
            )
        try:
            _until(lambda: "the disk is full" in log.read_text(), log, "the alarm at the start")
            assert "tried again" in log.read_text()
            (disk / "filler").unlink()
            _until(lambda: "first bus meter" in log.read_text(), log, "the first reading")
            time.sleep(1.2)
            _fill(disk)
            _until(lambda: "the journal can't be written" in log.read_text(), log, "the alarm")
            time.sleep(1)
            (disk / "filler").unlink()
            _until(lambda: "is written again" in log.read_text(), log, "the end of the alarm")
            time.sleep(0.7)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
        text = log.read_text()
        assert code == 0, text
        assert "Traceback" not in text
        assert text.count("fault_start collector: the journal") == 1, text
    shutil.copytree(disk, tmp_path / "copy")
    with Journal.open(tmp_path / "copy" / "j.db") as journal:
        rows = journal.read_after(0, 10_000)
        times = [sample.time_ns for _, sample in rows]
        committed = journal.tallies()["meter", "bus"]["committed"]
        kinds = [event.kind for _, event in journal.events_after(0, 1000)]
        assert journal.verify() == []
    # no tick is missing in silence: the samples taken while the disk was full are there
    assert max(b - a for a, b in pairwise(times)) < 1_600_000_000, text
    assert kinds.count(EventKind.FAULT_START) == kinds.count(EventKind.FAULT_END) == 1
    fault_row(
        "the disk is full when dodac run starts, and again while it works (a tmpfs of 4 MB)",
        "at the start: says so once and begins when there is room; later: keeps what it read and stores it then",
        committed - len(rows),
        "one line at the start; FAULT_START and FAULT_END events",
        chapter="disk",
    )
