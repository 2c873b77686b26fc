"""Health, ledger and metrics over HTTP: what the running collector is doing, and nothing to strangers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api import create_app
from api.collector_view import CollectorView
from collector import Collector
from collector.health import Seen
from dodac.clock import ManualClock, SystemClock
from dodac.contracts import DeadLetter, Event, EventKind
from dodac.samples import Layout
from dodac.site import Site, parse_site
from store import Journal

TOKEN = "a-token-long-enough-for-anyone"
KNOWN = {"authorization": f"Bearer {TOKEN}"}
LAYOUT = Layout("meter1", ("power_w",))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    text = '[site]\nid = "a"\ncompany = "b"\nlanguage = "en"\n'
    return parse_site(text, tmp_path / "site.toml")


@pytest.fixture
def collector(site: Site) -> Iterator[Collector]:
    made = Collector(site, SystemClock(), connections=[])
    made.start()
    made.inbox.layout(LAYOUT)
    for number in range(10):
        made.inbox.sample(LAYOUT.sample(number, {"power_w": 1.0}), source="bus1")
    made.inbox.dead_letter(DeadLetter(0, "broker", "a/b", b"?", "unknown device"))
    assert made.flush()
    yield made
    made.stop()


def _client(site: Site) -> TestClient:
    return TestClient(
        create_app(site, host="0.0.0.0", token=TOKEN),  # noqa: S104
        base_url="http://plant.local:8321",
        follow_redirects=False,
    )


@pytest.mark.usefixtures("collector")
def test_strangers_learn_one_word_and_no_details(site: Site) -> None:
    client = _client(site)
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    told = client.get("/api/health").json()
    assert told["status"] == "ok"
    assert not any(told[name] for name in ("collector", "faults", "loops", "ingest", "disk", "sinks"))
    for path in ("/metrics", "/api/ledger", "/api/collector"):
        assert client.get(path).status_code in (303, 401), path
        assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code in (303, 401)


def test_a_scraper_without_the_token_is_told_401_and_not_sent_to_a_form(site: Site) -> None:
    answer = _client(site).get("/metrics")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_collector_that_hangs_keeps_one_request_and_not_every_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    hangs, looking = threading.Event(), threading.Event()

    def look(_: Path) -> Seen:
        looks.append(1)
        if len(looks) > 1:
            looking.set()
            assert hangs.wait(10)
            return Seen(silent=True)
        return Seen({"ledger": {}, "faults": []})

    monkeypatch.setattr("api.collector_view.look", look)
    clock = ManualClock()
    view = CollectorView(site.journal_path, clock)
    assert view.health()["status"] == "ok"
    clock.advance(2)
    waits = threading.Thread(target=view.seen)
    waits.start()
    assert looking.wait(10)
    assert view.health()["status"] == "ok"  # as it was seen last, at once
    hangs.set()
    waits.join()
    clock.advance(5)
    assert view.health()["faults"][0]["code"] == "collector_silent"
    assert len(looks) == 2  # each look at one that hangs takes seconds
    clock.advance(20)
    view.seen()
    assert len(looks) == 3


def test_without_a_collector_health_is_a_fault_and_says_so_to_who_may_know(site: Site) -> None:
    client = _client(site)
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (503, "fault\n")
    told = client.get("/api/health", headers=KNOWN).json()
    assert told["status"] == "ok", "the page itself is well"
    assert told["collector"] == "fault"
    assert told["faults"][0]["code"] == "collector_away"
    assert client.get("/api/collector", headers=KNOWN).status_code == 404
    assert "dodac_collector_up 0.0" in client.get("/metrics", headers=KNOWN).text


@pytest.mark.usefixtures("collector")
def test_who_has_the_token_sees_every_loop_the_disk_and_the_ledger(site: Site) -> None:
    client = _client(site)
    told = client.get("/api/health", headers=KNOWN).json()
    assert (told["collector"], told["faults"]) == ("ok", [])
    assert {loop["name"] for loop in told["loops"]} >= {"ingest", "care"}
    assert told["disk"]["last_seq"] == 10
    assert told["ingest"]["state"] == "up"
    found = client.get("/api/ledger", headers=KNOWN).json()
    assert (found["running"], found["balanced"]) == (True, True)
    unknown, meter = found["rows"]
    assert (unknown["instrument"], unknown["dead_letter"]) == ("", 1)
    assert (meter["received"], meter["committed"], meter["in_flight"]) == (10, 10, 0)
    assert client.get("/api/collector", headers=KNOWN).json()["site"] == "a"


@pytest.mark.usefixtures("collector")
def test_prometheus_reads_the_metrics_with_the_token(site: Site) -> None:
    answer = _client(site).get("/metrics", headers=KNOWN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (sample,) = [s for s in families["dodac_samples_committed"].samples if s.labels["instrument"] == "meter1"]
    assert sample.value == 10
    assert all(re.fullmatch(r"dodac_[a-z_]+", name) for name in families)
    assert TOKEN not in answer.text


def test_the_counts_do_not_fall_when_the_collector_ends(site: Site, collector: Collector) -> None:
    def received() -> dict[tuple[str, str], int]:
        rows = _client(site).get("/api/ledger", headers=KNOWN).json()["rows"]
        return {(row["instrument"], row["source"]): row["received"] for row in rows}

    while_running = received()
    collector.stop()
    assert received() == while_running
    Journal.open(site.journal_path).close()


METER = """
[site]
id = "a"
company = "b"
language = "en"
timezone = "UTC"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1"
[[instruments]]
id = "meter1"
profile = "generic.mqtt-json"
connection = "broker"
topic = "a/b"
"""


def test_the_live_page_shows_what_stands_in_both_languages(tmp_path: Path) -> None:
    site = parse_site(METER, tmp_path / "site.toml")
    away = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/").text
    assert "does not run: nothing new comes in" in away
    assert (
        "không chạy" in TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/?lang=vi").text
    )
    collector = Collector(site, SystemClock(), connections=[])
    collector.start()
    started = SystemClock().now_ns()
    client = TestClient(create_app(site), base_url="http://127.0.0.1:8321")
    assert "Alarms that stand" not in client.get("/").text
    fault = Event(started, EventKind.FAULT_START, 'no answer <b>"', "bus1", "meter1")
    collector.inbox.event(fault)
    assert collector.flush()
    page = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/").text
    assert "Alarms that stand: 1" in page
    assert "Readings of this instrument are missing or doubtful. Check its power" in page
    assert '<small lang="en">no answer &lt;b&gt;' in page
    strip = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/alarms?lang=vi").text
    assert strip.strip().startswith("<details")
    assert "Đang có 1 cảnh báo" in strip
    assert "Hãy kiểm tra nguồn, dây nối" in strip  # what to do, in the technician's language
    for source in ("sink http://db/field", "clock", "power", "broker", "watch connection broker"):
        collector.inbox.event(Event(started, EventKind.FAULT_START, "the English words", source))
    assert collector.flush()
    strip = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/alarms?lang=vi").text
    assert strip.count("<li>") == strip.count('<small lang="en">') == 6  # each has words of both languages
    for source in ("sink http://db/field", "clock", "power", "broker", "watch connection broker"):
        collector.inbox.event(Event(started + 1, EventKind.FAULT_END, "over", source))
    collector.inbox.event(Event(started + 1, EventKind.FAULT_END, "answers again", "bus1", "meter1"))
    assert collector.flush()
    page = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/").text
    assert "Alarms that stand" not in page
    collector.stop()


def test_a_site_that_is_only_typed_into_misses_no_collector(site: Site) -> None:
    page = TestClient(create_app(site), base_url="http://127.0.0.1:8321").get("/").text
    assert "does not run" not in page
