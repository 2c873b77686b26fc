"""A broker that takes its time to take our subscription, or refuses it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dodac.clock import SystemClock
from dodac.site import load_site
from drivers import open_connections
from drivers.mqtt_connection import MqttStream

Eventually = Callable[..., None]
SITE = """
[site]
id = "p"
company = "c"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
[[instruments]]
id = "m"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/m"
"""


class Doorkeeper:
    """One client at a time: lets it in, and answers its subscription when `let` is set, with `code`.

    sends: what follows that answer. hurried: something came within 0.3 s of an UNSUBSCRIBE, before its answer.
    """

    def __init__(self, code: int, sends: bytes = b"") -> None:
        self.asked, self.let = threading.Event(), threading.Event()
        self.kinds: list[int] = []
        self.hurried = False
        self._code, self._sends = code, sends
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.let.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            client, _ = self._server.accept()
            with client:
                while packet := self._packet(client):
                    kind, body = packet
                    self.kinds.append(kind)
                    if kind == 1:  # CONNECT
                        client.sendall(bytes((0x20, 2, 0, 0)))
                    elif kind == 8:  # SUBSCRIBE: its number, then each topic with the quality wanted
                        self.asked.set()
                        self.let.wait(10)
                        client.sendall(bytes((0x90, 3)) + body[:2] + bytes((self._code,)) + self._sends)
                    elif kind == 10:  # UNSUBSCRIBE
                        self.hurried |= 4 in self.kinds and bool(select.select([client], [], [], 0.3)[0])
                        client.sendall(bytes((0xB0, 2)) + body[:2])
        except OSError:
            return

    @staticmethod
    def _packet(client: socket.socket) -> tuple[int, bytes] | None:
        head = client.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            return None
        return head[0] >> 4, client.recv(head[1], socket.MSG_WAITALL)  # all of ours are short


def stream(folder: Path, port: int) -> MqttStream:
    (folder / "site.toml").write_text(SITE.format(port=port), encoding="utf-8")
    (found,) = open_connections(load_site(folder), SystemClock())
    assert isinstance(found, MqttStream)
    return found


def test_until_the_broker_took_our_topics_the_line_is_not_up(
    tmp_path: Path, inbox: Any, eventually: Eventually
) -> None:
    """What is published before that is not for us: "up" was said too early."""
    broker = Doorkeeper(code=1)
    line = stream(tmp_path, broker.port)
    line.start(inbox)
    try:
        assert broker.asked.wait(10)
        assert line.status().state == "starting"
        broker.let.set()
        eventually(lambda: line.status().state == "up")
        assert inbox.events == []
    finally:
        line.stop(patience_s=0.2)
        broker.close()


def test_a_broker_that_refuses_our_topics_is_a_fault_in_words(
    tmp_path: Path, inbox: Any, eventually: Eventually
) -> None:
    broker = Doorkeeper(code=0x80)
    broker.let.set()
    line = stream(tmp_path, broker.port)
    line.start(inbox)
    try:
        eventually(lambda: inbox.events)
        assert "refuses our topics" in inbox.events[0].text
        assert line.status().state == "down"
    finally:
        line.stop(patience_s=0.2)
        broker.close()


def test_what_was_acknowledged_is_not_lost_with_a_connection_we_end(
    tmp_path: Path, inbox: Any, eventually: Eventually
) -> None:
    """An answer that we left unread resets the connection, and the broker sends again what is stored."""
    topic, payload = b"plant/m", b'{"active_power_w": 1}'
    body = len(topic).to_bytes(2) + topic + b"\0\x07" + payload
    broker = Doorkeeper(1, bytes((0x32, len(body))) + body)
    broker.let.set()
    line = stream(tmp_path, broker.port)
    line.start(inbox)
    try:
        eventually(lambda: line.status().counters.get("acknowledged") == 1)
        line.stop(patience_s=5)
        eventually(lambda: broker.kinds[-1] == 14)
        assert broker.kinds[broker.kinds.index(4) + 1 :] == [10, 14]  # PUBACK, a question, DISCONNECT
        assert not broker.hurried
    finally:
        line.stop(patience_s=0.2)
        broker.close()
