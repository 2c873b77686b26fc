"""The fixtures that other tests stand on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.servers
def test_a_broker_stopped_and_started_keeps_what_it_queued(mosquitto):
    import threading

    import paho.mqtt.client as mqtt

    def session() -> mqtt.Client:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="keeps", clean_session=False)
        client.connect(mosquitto.host, mosquitto.port)
        return client

    subscribed = threading.Event()
    client = session()
    client.on_subscribe = lambda *_: subscribed.set()
    client.loop_start()
    client.subscribe("a/b", qos=1)
    assert subscribed.wait(5)
    client.disconnect()
    client.loop_stop()

    sender = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    sender.connect(mosquitto.host, mosquitto.port)
    sender.loop_start()
    sender.publish("a/b", b"7", qos=1).wait_for_publish(5)
    sender.disconnect()
    sender.loop_stop()

    mosquitto.stop()
    assert not mosquitto.running
    mosquitto.start()

    got: list[bytes] = []
    arrived = threading.Event()
    client = session()
    client.on_message = lambda _client, _data, message: (got.append(message.payload), arrived.set())
    client.loop_start()
    assert arrived.wait(5)
    client.disconnect()
    client.loop_stop()
    assert got == [b"7"]


@pytest.mark.servers
def test_each_test_has_a_bucket_of_its_own_and_a_restart_keeps_it(influxdb):
    assert influxdb.influxql("SHOW MEASUREMENTS") == []
    influxdb.write(["water,site=a flow_m3h=2.5 1790000000000000000"])
    influxdb.stop()
    influxdb.start()
    (row,) = influxdb.influxql('SELECT flow_m3h FROM "water"')
    assert (row["time"], row["flow_m3h"]) == (1790000000000000000, 2.5)


@pytest.mark.parametrize(("required", "outcome"), [("0", "skipped"), ("1", "errors")])
def test_a_missing_server_is_skipped_unless_servers_are_required(tmp_path, required, outcome):
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "docs").mkdir()
    shared = [*(ROOT / "tests").glob("*.py"), ROOT / "docs/make_faults.py"]
    for path in shared:
        copied = tmp_path / path.relative_to(ROOT)
        copied.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    test = tests / "test_missing.py"
    test.write_text("def test_needs_it(influxdb):\n    pass\n", encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", str(tests)],
        env={"DODAC_REQUIRE_SERVERS": required, "DODAC_INFLUXD": "/nowhere/influxd", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert f"1 {outcome.removesuffix('s')}" in answer.stdout
    assert "influxd is not on this machine" in answer.stdout
