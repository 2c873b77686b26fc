"""SIGKILL at any moment: what the broker was told is stored is stored, once; what comes again is recognised."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers import Mosquitto

from store import Journal, JournalStore

pytestmark = pytest.mark.servers
HERE = Path(__file__).parent

SITE = """
[site]
id = "{name}"
company = "test"

[connections.broker]
kind = "mqtt"
url = "{url}"
{more}

[[instruments]]
id = "timed"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/timed"

[[instruments]]
id = "untimed"
profile = "test.plain"
connection = "broker"
topic = "plant/untimed"

[[instruments]]
id = "broken"
profile = "test.plain"
connection = "broker"
topic = "plant/broken"
"""

PLAIN = """
id: test.plain
maker: t
models: [t]
kind: electricity
evidence: {map: [own]}
protocol: mqtt_json
topic: "plant/{address}"
link: {silence_s: 600}
channels:
  energy_import_kwh: {path: e}
tests:
  - {payload: '{"e": 1}', expect: {energy_import_kwh: 1}}
"""

KILLS = 210
FAULT = 0  # what a sample without a reading counts as (the broker was away at a start); numbers begin at 1
KINDS = ("timer", "write", "committed", "acknowledging", "acknowledged", "checkpoint", "pack")


def write_site(folder: Path, url: str, more: str = "", name: str = "kills") -> Path:
    (folder / "profiles").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "test.plain.yaml").write_text(PLAIN, encoding="utf-8")
    (folder / "site.toml").write_text(SITE.format(url=url, more=more, name=name), encoding="utf-8")
    return folder


class Publisher:
    """A process of its own that knows what the broker acknowledged to it."""

    def __init__(self, broker: Mosquitto, file: Path, rate: int) -> None:
        self._file = file
        command: list[Any] = [sys.executable, HERE / "counting_publisher.py", broker.host, broker.port, file]
        self._process = subprocess.Popen([*map(str, command), str(rate), "publisher"], stdin=subprocess.PIPE)

    def acknowledged(self) -> set[int]:
        text = self._file.read_text("ascii") if self._file.exists() else ""
        return {int(line) for line in text.split("\n")[:-1]}

    def stop(self) -> set[int]:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return self.acknowledged()


class Runs:
    """`dodac run` over and over; see killed_collector.py."""

    def __init__(self, site: Path, log: Path) -> None:
        command = [sys.executable, HERE / "killed_collector.py", site, log]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def kill(self, kind: str, count: int, delay: float) -> str:
        self._write(f"{kind} {count} {delay}")
        return self._read()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A run that ends in peace."""
        self._write("end 0 0")
        try:
            yield
        finally:
            self._write("now")
            assert self._read() == "end exit 0"

    def close(self) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # with the run it may have forked
            self._process.communicate()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def numbers(journal: Path, instrument: str) -> Counter[int]:
    """How often each number is stored, whatever its readings are flagged with."""
    found: Counter[int] = Counter()
    for sample in JournalStore(journal).samples(instrument, 0, 1 << 62):
        values = [
            *(v for v in sample.values if v == v),
            *(f.value for f in sample.flags if f.value is not None),
        ]
        found.update([int(value) for value in values] or [FAULT])
    return found


def letters(journal: Path) -> Counter[int]:
    with Journal.open(journal) as opened:
        rows = opened._db.execute("SELECT payload FROM dead_letters").fetchall()
    return Counter(int(bytes(payload).split()[1]) for (payload,) in rows)


def wait_for(true: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def all_there(journal: Path, acknowledged: set[int]) -> bool:
    timed = set(numbers(journal, "timed"))
    untimed = set(numbers(journal, "untimed"))
    return all(n in (timed if n % 2 else untimed) for n in acknowledged if n % 50)


def check(folder: Path, acknowledged: set[int]) -> dict[str, int]:
    """What was stored: nothing lost, nothing twice, the accounts add up, the file is sound."""
    path = folder / "data" / "journal.db"
    stored = {name: numbers(path, name) for name in ("timed", "untimed")}
    broken = letters(path)
    of = {n: broken if n % 50 == 0 else stored["timed" if n % 2 else "untimed"] for n in acknowledged}
    lost = [n for n in acknowledged if not of[n][n]]
    with Journal.open(path) as journal:
        assert journal.verify() == []
        tallies = journal.tallies()
        assert journal.counts().lost == 0
    rows = {name: sum(counts.values()) for name, counts in stored.items()}
    for name, count in rows.items():
        tally = tallies[name, "broker"]
        assert tally["committed"] + tally.get("conflict", 0) == count, (name, tally)
    assert tallies["broken", "broker"]["dead_letter"] == sum(broken.values())
    command = [sys.executable, "-m", "dodac", "status", "--json", "--site", folder]
    answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert json.loads(answer.stdout)["ledger"]["balanced"], answer.stdout
    twice = {name: sum(c - 1 for n, c in counts.items() if n != FAULT) for name, counts in stored.items()}
    return {
        "acknowledged": len(acknowledged),
        "lost": len(lost),
        "timed_twice": twice["timed"],
        "untimed_twice": twice["untimed"],
        "broken_twice": sum(c - 1 for c in broken.values()),
        "untimed_recognised": tallies["untimed", "broker"].get("duplicate", 0),
        "timed_recognised": tallies["timed", "broker"].get("duplicate", 0),
        "log_tracebacks": (folder / "log").read_text("utf-8").count("Traceback"),
    }


class Victim:
    """A collector that is killed many times, on a thread of its own, and what it was killed by."""

    def __init__(self, folder: Path, broker: Mosquitto, name: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.runs = Runs(write_site(folder, broker.url, name=name), folder / "log")
        self.places: Counter[str] = Counter()

    def listens(self) -> bool:
        log = self.folder / "log"
        return log.exists() and "1 connections" in log.read_text("utf-8")

    def die(self, kills: int, seed: int) -> None:
        chance = random.Random(seed)
        for number in range(kills):
            kind = KINDS[number % len(KINDS)]
            delay = chance.uniform(0, 0.25 if kind == "timer" else 0.1 if kind == "pack" else 0.004)
            self.places[self.runs.kill(kind, chance.randint(1, 4), delay)] += 1


def kill_many(folder: Path, broker: Mosquitto, kills: int, seed: int) -> dict[str, int]:
    """Two collectors that both want everything, killed beside one another: a run waits more than it works."""
    victims = [Victim(folder / name, broker, name) for name in ("a", "b")]
    publisher = None
    try:
        with ExitStack() as both:  # the sessions are there before anything is published
            for victim in victims:
                both.enter_context(victim.runs.whole())
            wait_for(lambda: all(victim.listens() for victim in victims))
            time.sleep(0.3)
            publisher = Publisher(broker, folder / "acknowledged", rate=300)
            wait_for(lambda: len(publisher.acknowledged()) > 200)
        with ThreadPoolExecutor(len(victims)) as pool:
            dying = [
                pool.submit(victim.die, kills // len(victims), seed + 1000 * place)
                for place, victim in enumerate(victims)
            ]
            for one in dying:
                one.result()
        acknowledged = publisher.stop()
        with ExitStack() as both:
            for victim in victims:
                both.enter_context(victim.runs.whole())
            journals = [victim.folder / "data" / "journal.db" for victim in victims]
            wait_for(lambda: all(all_there(journal, acknowledged) for journal in journals))
            time.sleep(0.5)
    finally:
        if publisher is not None and publisher._process.poll() is None:
            publisher._process.kill()
        for victim in victims:
            victim.runs.close()
    found: Counter[str] = Counter()
    for victim in victims:
        assert set(victim.places) == {f"{kind} {signal.SIGKILL:d}" for kind in KINDS}, victim.places
        found.update(check(victim.folder, acknowledged))
    assert sum(sum(victim.places.values()) for victim in victims) == kills
    return dict(found)


def good(found: dict[str, int]) -> None:
    assert found["lost"] == 0, found
    assert found["timed_twice"] == 0, found
    assert found["untimed_twice"] == 0, found
    assert found["untimed_recognised"] > 20, found
    assert found["log_tracebacks"] == 0, found


@pytest.mark.timeout(400)
def test_200_kills_lose_nothing_that_was_acknowledged_and_store_nothing_twice(
    tmp_path: Path, mosquitto: Mosquitto, fault_row: Any
) -> None:
    found = kill_many(tmp_path, mosquitto, KILLS, seed=5)
    good(found)
    fault_row(
        f"{KILLS} SIGKILLs: at random, between write and commit, commit and PUBACK, in checkpoint and packing",
        "goes on at the next start; what the broker sends again is recognised (device time, or receipt) and "
        "counted as a duplicate; nothing is stored twice",
        found["lost"],
        "",
        chapter="power",
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_kills_lose_nothing(tmp_path: Path, mosquitto: Mosquitto, seed: int) -> None:
    good(kill_many(tmp_path, mosquitto, KILLS, seed=100 + seed))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_broker_and_collector_that_end_in_turn(
    tmp_path: Path, mosquitto_factory: Callable[..., Mosquitto], fault_row: Any, how: str
) -> None:
    """A broker that is stopped saves what it holds; what a killed one had not saved is gone there, whatever we do."""
    broker = mosquitto_factory("autosave_interval 1", "autosave_on_changes false")
    site = write_site(tmp_path, broker.url)
    chance = random.Random(7)
    runs = Runs(site, tmp_path / "log")
    publisher = None
    try:
        with runs.whole():
            wait_for(
                lambda: (
                    (tmp_path / "log").exists() and "1 connections" in (tmp_path / "log").read_text("utf-8")
                )
            )
            time.sleep(0.3)
            publisher = Publisher(broker, tmp_path / "acknowledged", rate=200)
            wait_for(lambda: len(publisher.acknowledged()) > 100)
        for _ in range(6):
            for kind in chance.sample(["timer", "committed", "acknowledged"], 2):
                runs.kill(kind, 1, chance.uniform(0.05, 0.2))
            (broker.stop if how == "stopped" else broker.kill)()
            if chance.random() < 0.5:
                runs.kill("timer", 1, chance.uniform(0.05, 0.2))  # it starts while the broker is away
            broker.start()
        with runs.whole():
            heard = len(publisher.acknowledged())
            wait_for(lambda: len(publisher.acknowledged()) > heard + 100)
            acknowledged = publisher.stop()
            if how == "stopped":
                wait_for(lambda: all_there(tmp_path / "data" / "journal.db", acknowledged))
            time.sleep(1)
    finally:
        if publisher is not None and publisher._process.poll() is None:
            publisher._process.kill()
        runs.close()
    found = check(tmp_path, acknowledged)
    assert found["timed_twice"] == 0, found
    assert found["log_tracebacks"] == 0, found
    newest = sorted(n for n in acknowledged if n % 50)[-20:]
    assert all_there(tmp_path / "data" / "journal.db", set(newest)), "it goes on after the last start"
    if how == "stopped":
        assert found["lost"] == 0, found
    fault_row(
        f"broker {how} and collector killed in turn, six times",
        "goes on with what the broker has; device-timed messages are stored once",
        0,
        ""
        if how == "stopped"
        else "what the broker itself had not saved (autosave) is not known to anybody behind it",
        chapter="power",
    )
