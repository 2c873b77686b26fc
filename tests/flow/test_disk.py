"""A disk that is full, read-only, gone or sick under dodac run: nothing acknowledged is lost, and it goes on by itself."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import EventKind
from dodac.samples import Layout
from store import Journal

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "tests" / "store" / "native"
T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh"))

_CHILD = """
import os, sys, threading, time
from pathlib import Path
from collector._log import log_to_stderr
from collector.ingest import Ingest
from dodac.clock import SystemClock
from dodac.samples import Layout
from store import Journal

path = Path(sys.argv[1])
log_to_stderr()
meter = Layout("meter-1", ("power_w", "energy_import_kwh"))
journal = Journal.open(path)
ingest = Ingest(journal, SystemClock(), window=200, group_ms=20, retry_s=(0.05, 0.2))
ingest.start()
ingest.layout(meter)
closing = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), closing.set()), daemon=True).start()
n = 0
while not closing.is_set():
    sample = meter.sample(1_790_000_000_000_000_000 + n, {"power_w": float(n), "energy_import_kwh": n / 8})
    ingest.sample(sample, source="bus", done=lambda n=n: os.write(1, b"%d\\n" % n))
    n += 1
    time.sleep(0.002)
sys.exit(0 if ingest.stop() and (journal.close() or True) else 3)
"""


class Collecting:
    """A process that collects, what it acknowledged, and what it said."""

    def __init__(self, folder: Path, shim: Path | None = None) -> None:
        self.path = folder / "data" / "j.db"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.control = folder / "control"
        self.log = folder / "log"
        self._acks = folder / "acks"
        env = dict(os.environ)
        if shim is not None:
            env |= {"LD_PRELOAD": str(shim), "FAIL_FOLDER": str(self.path.parent)}
            env["FAIL_CONTROL"] = str(self.control)
        with self._acks.open("wb") as acks, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(self.path)],
                cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=acks, stderr=log,
            )  # fmt: skip

    def acked(self) -> int:
        lines = self._acks.read_bytes().split(b"\n")[:-1]
        assert lines == [b"%d" % n for n in range(len(lines))], "acknowledged in the order received"
        return len(lines)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 20
        while not true():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"{what} never came\n{self.said()}"
            time.sleep(0.01)

    def runs(self, more: int = 60) -> None:
        before = self.acked()
        self.until(lambda: self.acked() >= before + more, "another group")

    def stops(self) -> None:
        """Waits until the fault is told and nothing is acknowledged any more."""
        self.until(lambda: "the journal can't be written" in self.said(), "the alarm")
        before = self.acked()
        time.sleep(0.3)
        assert self.acked() == before, "acknowledged what can't have been stored"

    def kill(self) -> int:
        """Ends it as a power failure would; gives how many acknowledged samples are gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        acked = self.acked()
        with Journal.open(self.path) as journal:
            rows = {sample.time_ns - T0: sample for _, sample in journal.read_after(0, 10**6)}
            for n, sample in rows.items():
                said = METER.sample(T0 + n, {"power_w": float(n), "energy_import_kwh": n / 8})
                assert sample.canonical() == said.canonical()
            assert sorted(rows) == list(range(len(rows))), "a hole, and no gap tells of it"
            assert journal.verify() == []
            assert journal.counts().lost == 0
            self.events = [event for _, event in journal.events_after(0, 1000)]
        return len(set(range(acked)) - rows.keys())


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        if os.environ.get("DODAC_REQUIRE_SERVERS") == "1":
            pytest.fail("no C compiler (cc)")
        pytest.skip("no C compiler (cc)")
    built = tmp_path_factory.mktemp("shim") / "fail_calls.so"
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", built, NATIVE / "fail_calls.c", "-ldl"], check=True
    )
    return built


@pytest.fixture
def collecting(tmp_path: Path, shim: Path) -> Iterator[Collecting]:
    made = Collecting(tmp_path, shim)
    try:
        made.runs()
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
        made.process.communicate()


FAULTS = {
    "full": (f"write {errno.ENOSPC}", "the disk is full", "the disk is full (ENOSPC at every write)"),
    "read-only": (
        f"write {errno.EROFS}\nopen {errno.EROFS}\n",
        "the disk reports an error|can't be written",
        "the disk turns read-only (EROFS)",
    ),
    "sick": (f"write {errno.EIO}", "the disk reports an error", "the disk reports errors at writes (EIO)"),
    "sync": (
        f"sync {errno.EIO}",
        "the disk reports an error",
        "the disk reports an error at syncs (EIO from fsync)",
    ),
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_sick_disk_stops_acknowledging_with_an_alarm_and_goes_on_without_a_restart(
    collecting: Collecting, kind: str, fault_row: Any
) -> None:
    control, words, fault = FAULTS[kind]
    collecting.control.write_text(control)
    collecting.stops()
    assert any(word in collecting.said() for word in words.split("|")), collecting.said()
    collecting.control.unlink()
    collecting.runs()
    assert "the journal is written again" in collecting.said()
    assert collecting.said().count("fault_start") == 1, "told once"
    lost = collecting.kill()
    kinds = [event.kind for event in collecting.events]
    assert lost == 0
    assert kinds.count(EventKind.FAULT_START) == kinds.count(EventKind.FAULT_END) == 1
    fault_row(
        f"{fault} while dodac run works",
        "acknowledges nothing, keeps what it has, holds back its sources, tries again; goes on without a restart",
        lost,
        "FAULT_START and FAULT_END events, one log line each; `ingest` in fault in the status",
        chapter="disk",
    )


def test_reads_that_fail_stop_nothing_or_are_told_and_pass(collecting: Collecting, fault_row: Any) -> None:
    # at the next start as well: nothing is set aside because the disk did not answer
    collecting.control.write_text(f"read {errno.EIO}")
    time.sleep(0.5)
    collecting.control.unlink()
    collecting.runs()
    lost = collecting.kill()
    assert lost == 0
    fault_row(
        "the disk reports errors at reads (EIO) while dodac run works",
        "what is written needs no read; what is read is told and tried again",
        lost,
        "FAULT_START and FAULT_END events where a commit met it",
        chapter="disk",
    )


def test_a_start_on_a_disk_that_gives_no_answer_sets_nothing_aside(tmp_path: Path, shim: Path) -> None:
    made = Collecting(tmp_path, shim)
    made.runs()
    lost = made.kill()
    made.process.communicate()
    made.control.write_text(f"read {errno.EIO}")
    again = Collecting(tmp_path, shim)
    assert again.process.wait(30) != 0
    again.process.communicate()
    assert "the disk reports an error" in again.said()
    assert not list(again.path.parent.glob("*damaged*"))
    made.control.unlink()
    with Journal.open(made.path) as journal:
        assert journal.counts().lost == lost == 0
        assert journal.verify() == []


def test_a_file_that_may_not_grow_is_told_and_goes_on_when_it_may(
    collecting: Collecting, fault_row: Any
) -> None:
    _, hard = resource.prlimit(collecting.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(collecting.process.pid, resource.RLIMIT_FSIZE, (1000, hard))
    collecting.stops()
    resource.prlimit(collecting.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    collecting.runs()
    lost = collecting.kill()
    assert lost == 0
    fault_row(
        "files may not grow any more (RLIMIT_FSIZE) while dodac run works",
        "as with a full disk",
        lost,
        "FAULT_START and FAULT_END events",
        chapter="disk",
    )


def test_exhausted_descriptors_stop_nothing_even_when_the_journal_is_deleted_meanwhile(
    collecting: Collecting, fault_row: Any
) -> None:
    soft, hard = resource.prlimit(collecting.process.pid, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{collecting.process.pid}/fd").iterdir()))
    resource.prlimit(collecting.process.pid, resource.RLIMIT_NOFILE, (used, hard))
    collecting.runs()  # what is open is enough
    collecting.path.unlink()
    collecting.stops()
    resource.prlimit(collecting.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    collecting.runs()
    lost = collecting.kill()
    assert lost == 0
    assert EventKind.ALARM in [event.kind for event in collecting.events]
    fault_row(
        "no file descriptors are left (RLIMIT_NOFILE), and the journal is deleted on top",
        "collecting goes on with what is open; the deleted journal is written again once descriptors are free",
        lost,
        "FAULT_START, FAULT_END and ALARM events",
        chapter="disk",
    )


@pytest.mark.parametrize("what", ["file", "folder", "wal"])
def test_a_deleted_journal_is_there_again_with_the_next_group(
    collecting: Collecting, what: str, fault_row: Any
) -> None:
    path = collecting.path
    if what == "folder":
        path.parent.rename(path.parent.with_name("put-away"))
    else:
        path.with_name("j.db" if what == "file" else "j.db-wal").unlink()
    collecting.runs()
    assert path.exists()
    assert "while it was open" in collecting.said()
    lost = collecting.kill()
    assert lost == 0
    assert [event.kind for event in collecting.events].count(EventKind.ALARM) == 1
    fault_row(
        f"the journal's {what} is taken away while samples come in, and then the process is killed",
        "the next group finds it, writes everything again, and only then is acknowledged",
        lost,
        "ALARM event",
        chapter="disk",
    )
