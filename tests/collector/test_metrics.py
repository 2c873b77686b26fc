"""Metrics: what Prometheus reads is what the ledger says, whatever the names are."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector import Collector
from collector._metrics import metrics_text
from collector._socket import Seen
from collector.ledger import Ledger, SinkCount, SourceCount
from dodac.clock import SECOND_NS, SystemClock
from dodac.errors import ConfigError
from dodac.site import parse_site

NOW = 1_790_000_100 * SECOND_NS
ODD = 'file:tháng "1"\\nới\n{a="b"}.csv'
LEDGER = Ledger(
    (
        SourceCount("", "broker", received=4, dead_letter=4),
        SourceCount("meter1", ODD, received=10, committed=6, duplicate=1, conflict=1, dead_letter=1, in_flight=1),
    ),
    (SinkCount("http://a:8086/field", committed=7, delivered=3, waiting=2, rejected=1, expired=1),),
)  # fmt: skip
PICTURE: dict[str, Any] = {
    "started": "2026-09-21T14:13:20.123456789Z",
    "ledger": LEDGER.as_dict(),
    "ingest": {"commits": 5, "fault": "", "state": "up"},
    "faults": [],
    "alarms": [{}],
    "journal": {"last_seq": 7, "size_bytes": 4096, "free_bytes": 10**9, "age_s": 0.0},
    "sinks": [{"sink": "http://a:8086/field", "state": "down", "oldest_waiting_s": 12.5}],
    "ticks": {"meter1": {"due": 9, "sent": 8, "missed": 1}},
    "connections": [
        {"id": "bus1", "state": "up", "counters": {"late": 2, "low_latency": 1},
         "last_good": {"meter1": "2026-09-21T14:13:20Z"}},
    ],
    "loops": [{"name": "ingest", "state": "stuck", "silent_s": 61.5, "restarts": 0}],
}  # fmt: skip


def values(seen: Seen, ledger: Ledger = LEDGER) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics_text(seen, ledger, NOW).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is told twice"
            found[key] = sample.value
    return found


def test_the_metrics_are_the_ledger() -> None:
    found = values(Seen(PICTURE))
    row = (("instrument", "meter1"), ("source", ODD))
    assert found["dodac_samples_received_total", row] == 10
    parts = [
        found[f"dodac_samples_{name}", row]
        for name in ("committed_total", "duplicate_total", "conflict_total", "dead_letter_total", "in_flight")
    ]
    assert sum(parts) == 10
    assert found["dodac_samples_dead_letter_total", (("instrument", ""), ("source", "broker"))] == 4
    sink = (("sink", "http://a:8086/field"),)
    assert found["dodac_sink_samples_delivered_total", sink] == 3
    assert found["dodac_sink_samples_waiting", sink] == 2
    assert found["dodac_sink_oldest_waiting_seconds", sink] == 12.5
    assert found["dodac_sink_up", sink] == 0
    assert found["dodac_ledger_balanced", ()] == 1


def test_the_running_collector_is_told_too() -> None:
    found = values(Seen(PICTURE))
    assert found["dodac_collector_up", ()] == 1
    assert found["dodac_ticks_missed_total", (("instrument", "meter1"),)] == 1
    assert found["dodac_connection_counts_total", (("connection", "bus1"), ("what", "late"))] == 2
    assert ("dodac_connection_counts_total", (("connection", "bus1"), ("what", "low_latency"))) not in found
    assert found["dodac_last_sample_age_seconds", (("instrument", "meter1"),)] == 100
    assert found["dodac_loop_stuck", (("loop", "ingest"),)] == 1
    assert found["dodac_loop_silent_seconds", (("loop", "ingest"),)] == 61.5
    assert found["dodac_journal_size_bytes", ()] == 4096
    assert found["dodac_standing_faults", ()] == 1


@pytest.mark.parametrize("seen", [Seen(), Seen(silent=True)])
def test_without_a_collector_the_counts_stay_and_up_is_0(seen: Seen) -> None:
    found = values(seen)
    assert found["dodac_collector_up", ()] == 0
    assert found["dodac_samples_received_total", (("instrument", "meter1"), ("source", ODD))] == 10
    assert not any(name.startswith("dodac_loop") for name, _ in found)


def test_a_disk_that_does_not_answer_leaves_its_metrics_out() -> None:
    found = values(Seen({**PICTURE, "journal": None, "sinks": []}))
    assert ("dodac_journal_size_bytes", ()) not in found
    assert found["dodac_collector_up", ()] == 1


def test_a_ledger_that_does_not_add_up_is_seen_by_the_scraper() -> None:
    off = Ledger((SourceCount("a", "b", received=2, committed=1),))
    assert values(Seen(PICTURE), off)["dodac_ledger_balanced", ()] == 0


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_a_box_without_the_page_answers_a_scraper_of_its_own(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = f'[site]\nid = "a"\ncompany = "b"\n[collector]\nmetrics = "127.0.0.1:{port}"\n'
    site = parse_site(text, tmp_path / "site.toml")
    collector = Collector(site, SystemClock(), connections=[])
    collector.start()
    assert get(port, "/health") == (200, "ok\n")
    status, told = get(port, "/metrics?x=1")
    assert status == 200
    assert "dodac_collector_up 1.0" in told
    assert get(port, "/etc/passwd")[0] == 404
    assert get(port, "/metrics", host="evil.example")[0] == 400
    collector.stop()
    with pytest.raises(OSError, match="refused"):
        get(port, "/health")


def test_a_port_that_is_taken_is_an_alarm_and_the_plant_is_read(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = f'[site]\nid = "a"\ncompany = "b"\n[collector]\nmetrics = "127.0.0.1:{port}"\n'
        collector = Collector(parse_site(text, tmp_path / "site.toml"), SystemClock(), connections=[])
        collector.start()
        assert collector.flush()
        (alarm,) = [one for one in collector.picture()["alarms"] if one["source"] == "metrics"]
        assert "can't listen on" in alarm["text"]
        assert collector.picture()["ingest"]["state"] == "up"
        collector.stop()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9321", "192.168.1.4:9321", "127.0.0.1", "127.0.0.1:0", ":9321", "a:b"]
)
def test_metrics_without_a_token_stay_on_this_machine(tmp_path: Path, address: str) -> None:
    text = f'[site]\nid = "a"\ncompany = "b"\n[collector]\nmetrics = "{address}"\n'
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1"):
        parse_site(text, tmp_path / "site.toml")
