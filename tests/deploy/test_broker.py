"""deploy/mosquitto: the broker's configuration on a real Mosquitto."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def broker(require, tmp_path):
    """A Mosquitto on our configuration, with a collector and one meter as users."""
    from servers import Mosquitto, find_program

    program = require("mosquitto")
    folder = tmp_path / "broker"
    folder.mkdir()
    passwd = folder / "passwd"
    passwd.write_text("dodac:collector\nkit-07:meter\n", "utf-8")
    hasher = find_program("mosquitto_passwd")
    assert hasher is not None
    subprocess.run([hasher, "-U", passwd], check=True)
    acl = folder / "acl"
    acl.write_bytes((DEPLOY / "mosquitto/acl").read_bytes())
    acl.chmod(0o600)
    ours = (DEPLOY / "mosquitto/mosquitto.conf").read_text("utf-8")

    broker = Mosquitto(program, folder)
    config = folder / "mosquitto.conf"
    user = [line for line in config.read_text("utf-8").splitlines() if line.startswith("user ")]
    # only places differ: the listener, our files, and the user who may read them
    ours = ours.replace("listener 1883\n", f"listener {broker.port} 127.0.0.1\n")
    ours = ours.replace("/run/secrets/mosquitto-passwd", str(passwd))
    ours = ours.replace("/mosquitto/config/acl", str(acl)).replace("/mosquitto/data/", f"{folder}/")
    assert "/mosquitto/" not in "".join(line for line in ours.splitlines() if not line.startswith("#"))
    config.write_text("\n".join([ours, *user, ""]), "utf-8")
    broker.start()
    yield broker
    broker.stop()


class Client:
    """A paho client that remembers what came."""

    def __init__(self, broker, user: str | None, password: str = "", session: str = "") -> None:
        self.refused: bool | None = None
        self.got: list[tuple[str, bytes]] = []
        self._answered, self._subscribed, self._came = (threading.Event() for _ in range(3))
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=session, clean_session=not session
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert self._answered.wait(5)

    def _on_connect(self, _client, _data, _flags, reason, _properties) -> None:
        self.refused = reason.is_failure
        self._answered.set()

    def _on_message(self, _client, _data, message) -> None:
        self.got.append((message.topic, message.payload))
        if message.topic.endswith("/end"):
            self._came.set()

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, qos=1)
        assert self._subscribed.wait(5)

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def wait_end(self) -> None:
        assert self._came.wait(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.mark.servers
def test_a_stranger_is_not_let_in(broker):
    for user, password in ((None, ""), ("dodac", "wrong"), ("nobody", "x")):
        client = Client(broker, user, password)
        client.close()
        assert client.refused


@pytest.mark.servers
def test_a_refused_message_does_not_throw_its_sender_out(broker):
    """max_queued_messages 0 did that on Mosquitto 2.0.11."""
    meter = Client(broker, "kit-07", "meter")
    meter.publish("meters/kit-08/power", b"forged")
    meter.publish("meters/kit-07/power", b"18.2")
    meter.close()


@pytest.mark.servers
def test_a_meter_writes_under_its_own_name_only_and_the_collector_writes_nowhere(broker):
    collector = Client(broker, "dodac", "collector")
    collector.subscribe("#")
    meter = Client(broker, "kit-07", "meter")
    assert not meter.refused
    meter.publish("meters/kit-08/power", b"forged")
    collector.publish("meters/kit-07/switch", b"off")
    meter.publish("meters/kit-07/power", b"18.2")
    meter.publish("meters/kit-07/end", b"")
    collector.wait_end()
    assert collector.got == [("meters/kit-07/power", b"18.2"), ("meters/kit-07/end", b"")]
    for client in (meter, collector):
        client.close()


@pytest.mark.servers
def test_a_thousand_and_more_messages_wait_for_a_collector_that_was_away(broker):
    config = (DEPLOY / "mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    assert "max_queued_messages 1000000" in config  # the default of 1000 drops the rest silently
    assert "max_inflight_messages 1000" in config  # the default of 20 caps a 100 ms commit at 200/s
    away = Client(broker, "dodac", "collector", session="collector")
    away.subscribe("meters/#")
    away.close()
    meter = Client(broker, "kit-07", "meter")
    for number in range(1500):
        meter._client.publish("meters/kit-07/power", str(number).encode(), qos=1)
    meter.publish("meters/kit-07/end", b"")
    meter.close()
    back = Client(broker, "dodac", "collector", session="collector")
    back.wait_end()
    back.close()
    payloads = [payload for _, payload in back.got]
    assert payloads == [*(str(number).encode() for number in range(1500)), b""]
