"""The whole way with real servers: Mosquitto → paho → collector → journal and InfluxDB 2 → InfluxQL → one saving."""

import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit import Money, Option, Plan, Register
from collector import Collector
from dodac.clock import ManualClock, SystemClock
from dodac.contracts import EventKind
from dodac.site import load_site
from drivers.plant import STEP_NS, Plant
from store import InfluxStore, InfluxTarget, JournalStore

SITE = """
[site]
id = "flow"
company = "test"
timezone = "Asia/Ho_Chi_Minh"

[connections.broker]
kind = "mqtt"
url = "{mqtt}"

[[instruments]]
id = "main-power"
profile = "flow.meter"
connection = "broker"
topic = "flow/main-power"

[[instruments]]
id = "weather"
profile = "flow.weather"
connection = "broker"
topic = "flow/weather"

[influxdb]
url = "{influx}"
bucket = "{bucket}"
org = "{org}"
token_file = "token"
"""

PROFILE = """
id: {id}
maker: dodac tests
models: [{id}]
kind: {kind}
evidence: {{map: [written for this test]}}
protocol: mqtt_json
topic: "flow/{{address}}"
time: {{path: t, format: unix_ms, max_skew_s: 1.0e+9}}
link: {{silence_s: 3600}}
channels:
  {channel}: {{path: v}}
tests:
  - payload: '{{"t": 1735689600000, "v": 12.5}}'
    expect: {{{channel}: 12.5}}
"""

EVERY = 12  # of the plant's quarter hours: a message each three hours


def wait_until(true, what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def site_folder(folder: Path, mqtt: str, influx) -> Path:
    profiles = folder / "profiles"
    profiles.mkdir()
    for name, kind, channel in (
        ("flow.meter", "electricity", "energy_import_kwh"),
        ("flow.weather", "ambient", "temperature_c"),
    ):
        text = PROFILE.format(id=name, kind=kind, channel=channel)
        (profiles / f"{name}.yaml").write_text(text, encoding="utf-8")
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(influx.token, encoding="utf-8")
    site = SITE.format(mqtt=mqtt, influx=influx.url, bucket=influx.bucket, org=influx.org)
    (folder / "site.toml").write_text(site, encoding="utf-8")
    return folder / "site.toml"


def messages(plant: Plant) -> list[tuple[str, str]]:
    rows = []
    for step in range(EVERY - 1, len(plant.energy_kwh), EVERY):
        t_ms = (plant.start_ns + (step + 1) * STEP_NS) // 1_000_000
        middle_ms = t_ms - EVERY * STEP_NS // 2_000_000
        mean = float(plant.temperature_c[step - EVERY + 1 : step + 1].mean())
        rows.append(("flow/main-power", json.dumps({"t": t_ms, "v": float(plant.energy_kwh[step])})))
        rows.append(("flow/weather", json.dumps({"t": middle_ms, "v": round(mean, 6)})))
    return rows


def publish(host: str, port: int, rows: list[tuple[str, str]]) -> None:
    import paho.mqtt.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="flow-publisher")
    client.max_inflight_messages_set(200)
    client.connect(host, port)
    client.loop_start()
    last = None
    for topic, payload in rows:
        last = client.publish(topic, payload, qos=1)
    assert last is not None
    last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def verified(store, folder: Path, plant: Plant):
    clock = ManualClock(plant.start_ns)
    register = Register(folder, clock)
    register.add_option(Option("option", "An option", "Một giải pháp", "test", "flow", "plant", "planned"))
    periods = plant.periods
    texts = [
        (first.isoformat(), last.isoformat())
        for first, last in (periods.baseline, periods.blackout, periods.reporting)
    ]
    register.add_plan(
        Plan(
            id="plan",
            option="option",
            ipmvp_option="C",
            boundary_en="site",
            boundary_vi="nhà máy",
            energy=("main-power", "energy_import_kwh"),
            drivers={"temperature": ("weather", "temperature_c")},
            model="towt-daily",
            holidays="VN",
            zone="Asia/Ho_Chi_Minh",
            baseline=texts[0],
            blackout=texts[1],
            reporting=texts[2],
            confidence=0.9,
            price=Money(1_899.0, "VND", "2025-05-10"),
        )
    )
    clock.advance(366 * 86_400)
    register.freeze_baseline("plan", store)
    clock.advance(400 * 86_400)
    return register.verify("plan", store)


def analysed(site: Path, plant: Plant, *more: str) -> dict:
    """What `dodac analyse --json` prints."""
    periods = plant.periods
    words = ["--site", str(site), "--energy", "main-power:energy_import_kwh", "--json", "--holidays", "VN"]
    words += ["--temperature", "weather:temperature_c", "--model", "towt-daily"]
    words += ["--baseline", f"{periods.baseline[0]}..{periods.baseline[1]}"]
    words += ["--reporting", f"{periods.reporting[0]}..{periods.reporting[1]}", *more]
    command = [sys.executable, "-m", "dodac", "analyse", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.servers
def test_the_saving_is_the_same_from_the_journal_and_through_influxql(mosquitto, influxdb, tmp_path):
    site = load_site(site_folder(tmp_path, mosquitto.url, influxdb))
    plant = Plant(dt.date(2026, 6, 30))
    rows = messages(plant)
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        wait_until(lambda: collector.status().connections[0].state == "up", "the broker was not reached")
        publish(mosquitto.host, mosquitto.port, rows)
        wait_until(lambda: collector.journal.last_seq() >= len(rows), "not all messages reached the journal")

        def delivered() -> bool:
            ledger = collector.ledger()
            return all(sink.delivered >= len(rows) and not sink.waiting for sink in ledger.sinks)

        wait_until(delivered, "not all samples reached InfluxDB")
        ledger = collector.ledger()
        assert ledger.balanced()
    finally:
        collector.stop()
    here = verified(JournalStore(site.journal_path), tmp_path / "here.db", plant)
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    there = verified(InfluxStore(target), tmp_path / "there.db", plant)
    assert there.saving == pytest.approx(here.saving, rel=1e-12)
    assert there.half_width == pytest.approx(here.half_width, rel=1e-12)
    assert there.measured == pytest.approx(here.measured, rel=1e-12)
    assert here.intervals > 350
    commands = [analysed(site.path, plant), analysed(site.path, plant, "--influxdb")]
    assert commands[0]["saving"]["saving"] == pytest.approx(here.saving, rel=1e-9)
    assert commands[1]["saving"]["saving"] == pytest.approx(here.saving, rel=1e-9)
    # the simulated truth: the chain finds a saving of the right size
    assert here.saving == pytest.approx(plant.true_saving_kwh(), rel=0.25)


@pytest.mark.servers
def test_nothing_is_lost_while_broker_and_database_are_away(mosquitto, influxdb, tmp_path):
    site = load_site(site_folder(tmp_path, mosquitto.url, influxdb))
    plant = Plant(dt.date(2026, 6, 30))
    rows = messages(plant)[:600]
    influxdb.stop()  # the server is down when collecting starts
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        wait_until(lambda: collector.status().connections[0].state == "up", "the broker was not reached")
        publish(mosquitto.host, mosquitto.port, rows[:300])
        wait_until(
            lambda: collector.journal.last_seq() >= 300, "the journal has to fill without the database"
        )
        mosquitto.kill()
        wait_until(lambda: collector.status().connections[0].state == "down", "a lost broker has to be seen")
        mosquitto.start()
        wait_until(lambda: collector.status().connections[0].state == "up", "the broker is back")
        publish(mosquitto.host, mosquitto.port, rows[300:])
        wait_until(lambda: collector.journal.last_seq() >= 600, "messages after the broker came back")
        influxdb.start()
        wait_until(
            lambda: all(s.delivered >= 600 for s in collector.ledger().sinks),
            "the database has to catch up",
            90,
        )
        assert collector.ledger().balanced()
        events = JournalStore(site.journal_path).events(0, 2**62)
    finally:
        collector.stop()
        if not influxdb.running:
            influxdb.start()
    kinds = [event.kind for event in events if event.source == "broker"]
    assert kinds.count(EventKind.FAULT_START) == kinds.count(EventKind.FAULT_END) == 1
    assert EventKind.GAP in kinds


FAST_PROFILE = """
id: fast.meter
maker: dodac tests
models: [one]
kind: electricity
evidence: {{map: [written for this test]}}
protocol: mqtt_json
topic: "fast/{{address}}"
time: {{path: t, format: {format}, max_skew_s: 1.0e+9}}
link: {{silence_s: 3600}}
channels:
  power_w: {{path: v}}
tests:
  - payload: '{{"t": {example}, "v": 12.5}}'
    time: "2026-09-21T13:33:20.000001Z"
    expect: {{power_w: 12.5}}
"""

FAST_NS = 1_789_997_600_123_456_000
FAST_EXAMPLE = {"unix_ns": 1_789_997_600_000_001_000, "unix_us": 1_789_997_600_000_001}


@pytest.mark.servers
@pytest.mark.parametrize(("format", "unit_ns"), [("unix_ns", 1), ("unix_us", 1000)])
def test_two_messages_next_to_each_other_in_time_stay_two(
    mosquitto, influxdb, tmp_path: Path, format: str, unit_ns: int
) -> None:
    # a float64 of nanoseconds since 1970 is 256 ns coarse: neighbours would fall onto one time
    (tmp_path / "profiles").mkdir()
    profile = FAST_PROFILE.format(format=format, example=FAST_EXAMPLE[format])
    (tmp_path / "profiles" / "fast.meter.yaml").write_text(profile)
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text(influxdb.token)
    (tmp_path / "site.toml").write_text(
        f"""
[site]
id = "fast"
company = "test"
[connections.broker]
kind = "mqtt"
url = "{mosquitto.url}"
[[instruments]]
id = "fast-power"
profile = "fast.meter"
connection = "broker"
topic = "fast/power"
[influxdb]
url = "{influxdb.url}"
bucket = "{influxdb.bucket}"
org = "{influxdb.org}"
token_file = "token"
"""
    )
    site = load_site(tmp_path / "site.toml")
    times = [FAST_NS + place * unit_ns for place in range(5)]
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        wait_until(lambda: collector.status().connections[0].state == "up", "the broker was not reached")
        publish(
            mosquitto.host,
            mosquitto.port,
            [("fast/power", json.dumps({"t": t // unit_ns, "v": float(n)})) for n, t in enumerate(times)],
        )
        wait_until(lambda: collector.journal.last_seq() >= 5, "not all messages reached the journal")
        wait_until(
            lambda: all(sink.delivered >= 5 for sink in collector.ledger().sinks),
            "not all samples reached InfluxDB",
        )
    finally:
        collector.stop()
    target = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    for store in (JournalStore(site.journal_path), InfluxStore(target)):
        found = store.series("fast-power", ["power_w"], times[0], times[-1] + 1)
        assert found.index.asi8.tolist() == times
        assert found["power_w"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
        store.close()
