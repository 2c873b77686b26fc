"""Between the journal and real InfluxDB 1.6 and 2 stands a proxy that does everything wrong: every sample arrives once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import Fault

from collector.forwarder import Forwarder
from dodac.clock import ManualClock, SystemClock
from dodac.contracts import Event, EventKind
from dodac.quantities import Measurement
from dodac.samples import Layout
from store import InfluxSink, InfluxTarget, Journal, Tags, WriteKind

pytestmark = pytest.mark.servers

T0 = 1_790_000_000_000_000_000
LAYOUT = Layout("meter1", ("power_w", "energy_import_kwh"))
PAGE = b"<html><head><title>Welcome</title></head><body>Please log in</body></html>"
STRANGER = b"""{"code":"invalid","message":"unable to parse 'weather,town=hue rain 17': missing fields"}"""


def tags(instrument: str) -> Tags:
    return Tags("bia", "cu-chi", "boiler1", instrument, Measurement.ELECTRICITY)


def time_of(number: int) -> int:
    """Seconds apart, and a nanosecond of its own each."""
    return T0 + number * 1_000_000_001


def target_of(server: Any, url: str = "") -> InfluxTarget:
    url = url or server.url
    if hasattr(server, "token"):
        return InfluxTarget(url, server.bucket, server.org, server.token)
    if hasattr(server, "user"):
        return InfluxTarget(url, server.bucket, "", "", user=server.user, password=server.password)
    return InfluxTarget(url, server.bucket, "", "")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as opened:
        opened.layout(LAYOUT)
        yield opened


def commit(journal: Journal, numbers: Sequence[int], layout: Layout = LAYOUT) -> None:
    journal.commit(
        [("bus", layout.sample(time_of(n), {"power_w": 0.1 * n, "energy_import_kwh": n})) for n in numbers]
    )


def until(condition: Callable[[], bool]) -> None:
    """Waits for what the other thread does."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


class Way:
    """A forwarder from a journal to one server, stepped by hand; `url` is the server's or a proxy's."""

    def __init__(self, journal: Journal, server: Any, url: str = "", batch: int = 5000) -> None:
        self.server = server
        self.events: list[Event] = []
        self.sink = InfluxSink(target_of(server, url))
        self.forwarder = Forwarder(
            journal, f"{server.url}/{server.bucket}", self.sink, ManualClock(), tags, self.events.append,
            company="bia", site="cu-chi", batch=batch, jitter=lambda: 1.0,
        )  # fmt: skip

    def drain(self, timeout_s: float = 30.0) -> None:
        end = time.monotonic() + timeout_s
        while self.forwarder.counts().waiting:
            self.forwarder.step()
            assert time.monotonic() < end, self.forwarder.status()

    def fates(self) -> tuple[int, int, int, int]:
        count = self.forwarder.counts()
        assert count.balanced
        return count.delivered, count.waiting, count.rejected, count.expired

    def stored(self, instrument: str = "meter1") -> list[int]:
        """Times of the points in the database, to the nanosecond."""
        rows = self.server.influxql(f"SELECT power_w FROM electricity WHERE instrument = '{instrument}'")  # noqa: S608
        return [row["time"] for row in rows]


@dataclass(frozen=True)
class Case:
    """A fault, what the forwarder is while it lasts, and the pauses it makes."""

    name: str
    fault: Fault
    state: str
    what: str
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0)


SLOW = (60.0, 60.0, 60.0)
KEPT = "everything is kept, one alarm, tried once a minute"
LATER = "everything is kept, tried again after 1 to 60 s"
CASES = [
    Case("a proxy answers 400 with a web page", Fault(400, {"Content-Type": "text/html"}, PAGE), "alarm", KEPT, SLOW),
    Case("a 400 that names a line which is not ours", Fault(400, {}, STRANGER), "alarm", KEPT, SLOW),
    Case("a 422 that names no line", Fault(422, {}, b'{"message":"unprocessable"}'), "alarm", KEPT, SLOW),
    Case("401", Fault(401, {}, b'{"message":"unauthorized access"}'), "alarm", KEPT, SLOW),
    Case("403", Fault(403, {}, b"no"), "alarm", KEPT, SLOW),
    Case("404 after the version was detected", Fault(404, {}, b"404 page not found"), "alarm", KEPT, SLOW),
    Case("the bucket is gone (404)", Fault(404, {}, b'{"message":"bucket \\"x\\" not found"}'), "alarm", KEPT, SLOW),
    Case("405", Fault(405, {}, b"method not allowed"), "alarm", KEPT, SLOW),
    Case("413, even for one reading", Fault(413, {}, b"too large"), "alarm", KEPT, SLOW),
    Case(
        "429 with Retry-After in seconds", Fault(429, {"Retry-After": "17"}), "down",
        "everything is kept, tried again when the server said", (17.0, 17.0, 17.0),
    ),
    Case(
        "503 with a Retry-After of an hour", Fault(503, {"Retry-After": "3600"}), "down",
        "everything is kept, tried again after ten minutes at most, and that is said", (600.0, 600.0, 600.0),
    ),
    Case("500", Fault(500, {}, b'{"error":"timeout"}'), "down", LATER),
    Case("503", Fault(503), "down", LATER),
    Case("a gateway's 502 as a web page", Fault(502, {"Content-Type": "text/html"}, PAGE), "down", LATER),
    Case("a portal answers 200 with a web page", Fault(200, {"Content-Type": "text/html"}, PAGE), "alarm", KEPT, SLOW),
    Case("half an answer", Fault(200, how="half"), "down", LATER),
    Case("half of a refusal", Fault(400, how="half"), "down", LATER),
    Case("no answer: the connection closes", Fault(how="close"), "down", LATER),
    Case("no answer: silence", Fault(how="nothing"), "down", LATER, (1.0, 2.0)),
    Case("written, and the answer lost", Fault(how="close", pass_on=True), "down", "the same lines are sent again: the same points"),
    Case("written, then silence", Fault(how="nothing", pass_on=True), "down", "the same lines are sent again: the same points", (1.0, 2.0)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_sample_arrives_once_whatever_a_proxy_answers(
    case: Case,
    journal: Journal,
    influxdb: Any,
    influxdb1: Any,
    fault_proxy: Any,
    fault_row: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = case.fault.how == "nothing"
    if silent:
        monkeypatch.setattr("store.influx.TIMEOUT_MS", 250)
    lost = 0
    for server, start in ((influxdb, 0), (influxdb1, 600)):
        proxy = fault_proxy(server.url)
        way = Way(journal, server, proxy.url)
        commit(journal, range(start, start + 300))
        way.drain()
        proxy.fault = case.fault
        commit(journal, range(start + 300, start + 600))
        pauses = tuple(way.forwarder.step() for _ in case.pauses)
        assert pauses == case.pauses
        assert way.forwarder.status().state == case.state, way.forwarder.status()
        assert way.fates() == (start + 300, 300, 0, 0)
        assert proxy.spoiled >= len(pauses)
        proxy.fault = None
        way.drain()
        assert way.fates() == (start + 600, 0, 0, 0)
        assert way.stored() == [time_of(n) for n in range(start + 600)]
        lost += start + 600 - len(way.stored())
        kinds = [event.kind for event in way.events]
        first = EventKind.ALARM if case.state == "alarm" else EventKind.FAULT_START
        # on a busy machine the server itself may be slower than the short patience of this test
        assert kinds[:1] + kinds[-1:] == [first, EventKind.FAULT_END]
        assert silent or len(kinds) == 2
        way.sink.close()
    named = (
        "ALARM, then FAULT_END of the sink" if case.state == "alarm" else "FAULT_START, FAULT_END of the sink"
    )
    fault_row(f"InfluxDB 1.6 and 2: {case.name}", case.what, lost, named, chapter="influxdb")


def test_a_redirect_never_takes_the_token_to_another_server(
    journal: Journal, influxdb: Any, fault_proxy: Any, fault_row: Callable[..., None]
) -> None:
    stranger, proxy = fault_proxy(influxdb.url), fault_proxy(influxdb.url)
    way = Way(journal, influxdb, proxy.url)
    commit(journal, range(10))
    proxy.fault = Fault(307, {"Location": f"{stranger.url}/api/v2/write?precision=ns"})
    assert way.forwarder.step() == 60
    assert stranger.logins == []
    assert "redirects to" in way.forwarder.status().message
    assert way.fates() == (0, 10, 0, 0)
    proxy.fault = None
    way.drain()
    assert way.stored() == [time_of(n) for n in range(10)]
    fault_row(
        "InfluxDB: a redirect to another host", "not followed, the token stays; everything is kept", 0,
        "ALARM, then FAULT_END of the sink", chapter="influxdb",
    )  # fmt: skip


def test_a_connection_that_was_closed_while_idle_is_no_fault(
    journal: Journal, influxdb: Any, fault_proxy: Any
) -> None:
    proxy = fault_proxy(influxdb.url)
    way = Way(journal, influxdb, proxy.url)
    for start in range(0, 50, 10):
        commit(journal, range(start, start + 10))
        proxy.fault = Fault(204, how="closed after", pass_on=True)
        way.drain()
    assert way.events == []
    assert way.fates() == (50, 0, 0, 0)
    assert way.stored() == [time_of(n) for n in range(50)]


@pytest.mark.parametrize("version", ["influxdb", "influxdb1"])
def test_a_type_conflict_sets_only_the_bad_lines_aside(
    version: str, journal: Journal, request: pytest.FixtureRequest, fault_row: Callable[..., None]
) -> None:
    server = request.getfixturevalue(version)
    odd = Layout("meter9", ("frequency_hz",))
    journal.layout(odd)
    # somebody else wrote a text under our field's name
    server.write([f'electricity,instrument=other frequency_hz="fifty" {T0}'])
    for start in range(0, 900, 9):
        commit(journal, range(start, start + 9))
        journal.commit([("bus", odd.sample(time_of(start), {"frequency_hz": 50.0}))])
    way = Way(journal, server)
    way.drain()
    assert way.fates() == (900, 0, 100, 0)
    assert way.stored() == [time_of(n) for n in range(900)]
    reasons = {row[0] for row in journal._read("SELECT reason FROM marks WHERE state = 'rejected'")}
    assert all("frequency_hz" in reason for reason in reasons)
    assert len(reasons) < 15  # in stretches, not one by one
    assert way.events == []
    name = {"influxdb": "InfluxDB 2", "influxdb1": "InfluxDB 1.6"}[version]
    fault_row(
        f"{name}: a field has another type there (type conflict)",
        "halved until the bad lines are alone, those are set aside with the server's message, the others delivered",
        900 - len(way.stored()), "rejected in the ledger, one log line", chapter="influxdb",
    )  # fmt: skip


@pytest.mark.parametrize("version", ["influxdb", "influxdb1"])
def test_exactly_what_is_beyond_retention_expires(
    version: str, journal: Journal, request: pytest.FixtureRequest, fault_row: Callable[..., None]
) -> None:
    server = request.getfixturevalue(version)
    if version == "influxdb1":
        server.keep("1h")
    else:
        found = server.server.request("GET", f"/api/v2/buckets?name={server.bucket}")["buckets"][0]
        rules = [{"type": "expire", "everySeconds": 3600, "shardGroupDurationSeconds": 3600}]
        server.server.request("PATCH", f"/api/v2/buckets/{found['id']}", {"retentionRules": rules})
    now = time.time_ns()
    ages_s = [n * 20 for n in range(1, 170)] + [n * 20 for n in range(190, 900)]  # none at the border
    times = sorted((now - age * 1_000_000_000 for age in ages_s), key=lambda t: t % 1009)  # in any order
    journal.commit([("bus", LAYOUT.sample(t, {"power_w": 1.0, "energy_import_kwh": 2.0})) for t in times])
    way = Way(journal, server, batch=200)
    way.drain()
    delivered, waiting, rejected, expired = way.fates()
    assert (delivered + expired, waiting, rejected) == (len(times), 0, 0)
    spans = journal._read("SELECT first, last FROM marks WHERE state = 'delivered'")
    taken = sorted(times[seq - 1] for first, last in spans for seq in range(first, last + 1))
    stored = way.stored()
    assert taken == stored
    # a server takes what is a little older too while its piece of time (here an hour) is still there
    young = [t for t in times if t > now - 3600 * 1_000_000_000]
    assert set(young) <= set(stored)
    assert min(stored) > now - 2 * 3600 * 1_000_000_000
    assert way.events == []
    name = {"influxdb": "InfluxDB 2", "influxdb1": "InfluxDB 1.6"}[version]
    fault_row(
        f"{name}: points older than its retention", "those alone expire, the younger of the batch are delivered",
        len(set(young) - set(stored)), "expired in the ledger, kept in the journal", chapter="influxdb",
    )  # fmt: skip


@pytest.mark.parametrize("version", ["influxdb", "influxdb1", "victoria"])
def test_a_server_killed_and_started_again_in_the_middle_has_everything_once(
    version: str, journal: Journal, request: pytest.FixtureRequest, fault_row: Callable[..., None]
) -> None:
    server = request.getfixturevalue(version)
    way = Way(journal, server, batch=40)
    ended = threading.Event()

    def forward() -> None:
        while not ended.is_set():
            way.forwarder.step()
            ended.wait(0.001)

    thread = threading.Thread(target=forward)
    thread.start()
    try:
        for batch in range(20):
            commit(journal, range(batch * 100, batch * 100 + 100))
            if batch == 8:
                until(lambda: way.forwarder.counts().delivered >= 200)
                server.kill()
            if batch == 14:
                until(lambda: way.forwarder.status().state == "down")
                server.start()
    finally:
        ended.set()
        thread.join()
    way.drain()
    while way.forwarder.step() == 0:
        """What the server had before the kill is sent once more."""
    assert way.fates() == (2000, 0, 0, 0)
    if version == "victoria":
        found = server.points("electricity_power_w")
        assert sorted(found) == [time_of(n) // 1_000_000 for n in range(2000)]
    else:
        assert way.stored() == [time_of(n) for n in range(2000)]
        found = dict.fromkeys(way.stored(), 0.0)
    assert [event.kind for event in way.events] == [EventKind.FAULT_START, EventKind.FAULT_END]
    name = {"influxdb": "InfluxDB 2", "influxdb1": "InfluxDB 1.6", "victoria": "VictoriaMetrics"}[version]
    fault_row(
        f"{name} killed (SIGKILL) and started again in the middle", f"{LATER}; its last 15 seconds are sent once more", 2000 - len(found),
        "FAULT_START, FAULT_END of the sink",
        chapter="influxdb",
    )  # fmt: skip


KILLED = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from collector.forwarder import Forwarder
from dodac.clock import SystemClock
from dodac.quantities import Measurement
from store import InfluxSink, InfluxTarget, Journal, Tags

told = json.loads(sys.argv[2])
sink = InfluxSink(InfluxTarget(told["url"], told["bucket"], told["org"], told["token"]))
write, count = sink.write, [0]
def written(lines):
    result = write(lines)
    count[0] += 1
    if count[0] == told["kill_after"]:
        os.kill(os.getpid(), signal.SIGKILL)  # the server has it, the journal does not know yet
    return result
sink.write = written
tags = lambda name: Tags("bia", "cu-chi", "boiler1", name, Measurement.ELECTRICITY)
with Journal.open(Path(told["journal"])) as journal:
    forwarder = Forwarder(journal, told["name"], sink, SystemClock(), tags, print, company="bia", site="cu-chi", batch=50)
    while forwarder.counts().waiting:
        forwarder.step()
"""


def test_a_kill_between_write_and_mark_sends_the_same_points_again(
    tmp_path: Path, influxdb: Any, fault_row: Callable[..., None]
) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        journal.layout(LAYOUT)
        commit(journal, range(500))
    told = {"url": influxdb.url, "bucket": influxdb.bucket, "org": influxdb.org, "token": influxdb.token,
            "journal": str(path), "name": f"{influxdb.url}/{influxdb.bucket}"}  # fmt: skip
    root = str(Path(__file__).parents[2])
    for kill_after in (1, 3):
        command = [sys.executable, "-c", KILLED, root, json.dumps({**told, "kill_after": kill_after})]
        ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, timeout=60, check=False)
        assert ended.returncode == -signal.SIGKILL
    with Journal.open(path) as journal:
        way = Way(journal, influxdb)
        assert way.fates() == (100, 400, 0, 0)  # one more batch stands in the database
        assert len(way.stored()) == 150
        way.drain()
        assert way.fates() == (500, 0, 0, 0)
        assert way.stored() == [time_of(n) for n in range(500)]
        fault_row(
            "the collector is killed (SIGKILL) between a write to InfluxDB and its mark",
            "the next start sends the same lines again: the same points", 500 - len(way.stored()),
            "", chapter="influxdb",
        )  # fmt: skip


def test_three_servers_at_once_keep_their_own_cursors(
    journal: Journal, influxdb: Any, influxdb1: Any, victoria: Any
) -> None:
    commit(journal, range(500))
    ways = [Way(journal, influxdb, batch=70), Way(journal, influxdb1, batch=130)]
    ways[0].drain()
    influxdb1.stop()
    assert ways[1].forwarder.step() > 0
    commit(journal, range(500, 700))
    ways[0].drain()
    assert [way.fates() for way in ways] == [(700, 0, 0, 0), (0, 700, 0, 0)]
    influxdb1.start()
    late = Way(journal, victoria)  # added to the site later: it gets the whole history
    ways.append(late)
    for way in ways:
        way.drain()
        assert way.fates() == (700, 0, 0, 0)
    assert ways[0].stored() == ways[1].stored() == [time_of(n) for n in range(700)]
    points = victoria.points("electricity_power_w")
    assert points == {time_of(n) // 1_000_000: pytest.approx(0.1 * n) for n in range(700)}


def test_a_missing_database_is_never_made_and_the_alarm_says_what_to_create(
    journal: Journal, influxdb1: Any, fault_row: Callable[..., None]
) -> None:
    commit(journal, range(20))
    name = influxdb1.bucket
    influxdb1.server.query(f'DROP DATABASE "{name}"')
    way = Way(journal, influxdb1)
    assert way.forwarder.step() == 60
    assert way.fates() == (0, 20, 0, 0)
    assert name in way.forwarder.status().message
    assert "create the bucket" in way.events[0].text
    made = influxdb1.server.query("SHOW DATABASES")[0]["series"][0].get("values", [])
    assert [name] not in made
    influxdb1.server.query(f'CREATE DATABASE "{name}"')
    way.drain()
    assert way.stored() == [time_of(n) for n in range(20)]
    fault_row(
        "InfluxDB 1.6: the database is not there", "never made silently; everything is kept, tried once a minute", 0,
        "ALARM that says which one to create", chapter="influxdb",
    )  # fmt: skip


def test_a_server_of_another_version_at_the_same_address_is_found_out(
    journal: Journal, influxdb: Any, influxdb1: Any, fault_proxy: Any
) -> None:
    proxy = fault_proxy(influxdb1.url)
    sink = InfluxSink(
        InfluxTarget(proxy.url, influxdb1.bucket, "", "", user=influxdb1.user, password=influxdb1.password)
    )
    line = f"m,a=b power_w=1.0 {T0}"
    assert sink.write([line]).ok
    proxy.server = influxdb.url
    assert sink.write([line]).kind is WriteKind.AUTH  # InfluxDB 2 answers /write too, and knows no such user
    sink.close()
    other = InfluxSink(target_of(influxdb, proxy.url))
    assert other.write([line]).ok
    proxy.server = influxdb1.url
    assert other.write([line]).kind in (WriteKind.AUTH, WriteKind.MISSING)
    other.close()


def test_a_clock_of_the_machine_is_enough_for_the_whole_way(journal: Journal, influxdb1: Any) -> None:
    commit(journal, range(50))
    forwarder = Forwarder(
        journal, "one", InfluxSink(target_of(influxdb1)), SystemClock(), tags, lambda _: None, company="a", site="b"
    )  # fmt: skip
    forwarder.start()
    end = time.monotonic() + 10
    while forwarder.counts().waiting and time.monotonic() < end:
        time.sleep(0.01)
    assert forwarder.stop()
    assert forwarder.counts().delivered == 50
