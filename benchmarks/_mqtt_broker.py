"""A Mosquitto with messages waiting in it: the broker, the sessions and a publisher that counts."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

TOPIC = "bench/meter"
HOST = "127.0.0.1"
BEGIN_S = 1_790_000_000
_WINDOW = 500  # messages sent before the broker's answers are read


def payload(number: int) -> bytes:
    """One message of exactly 132 bytes; no two have the same time."""
    text = (
        f'{{"t":{BEGIN_S * 1000 + number},"a":230.14,"b":229.87,"c":231.02,"d":12.345,"e":11.987,'
        f'"f":12.101,"g":8345.6,"h":0.967,"i":50.01,"j":{880412 + number * 0.0001:.4f}}}'
    )
    return text.ljust(132).encode()


@contextmanager
def broker(folder: Path, inflight: int = 1000) -> Iterator[int]:
    """A Mosquitto of our own that keeps any number of messages; gives its port."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    program = shutil.which("mosquitto", path=path)
    if program is None:
        raise SystemExit("Mosquitto is not on this machine: apt-get install mosquitto")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} {HOST}\nallow_anonymous true\nmax_inflight_messages {inflight}\n"
        "max_queued_messages 0\nmax_queued_bytes 0\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with suppress(OSError):
                socket.create_connection((HOST, port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def client(name: str) -> Client:
    """Plain paho with a session that stays, acknowledging by hand."""
    return Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, manual_ack=True)


def open_session(port: int, name: str) -> None:
    """Makes the broker keep what comes for this client id."""
    there = threading.Event()
    one = client(name)
    one.on_connect = lambda *_: one.subscribe(TOPIC, 1)
    one.on_subscribe = lambda *_: there.set()
    one.connect(HOST, port)
    one.loop_start()
    if not there.wait(10):
        raise SystemExit("the broker did not take a subscription")
    one.disconnect()
    one.loop_stop()


class Publisher:
    """Publishes with QoS 1 on a socket of its own and counts what the broker has acknowledged.

    (Debian's `mosquitto_pub -q 1 -l` ends after a third of 100 000 lines, and paho sends 10 000 a second.)
    """

    def __init__(self, port: int, name: str = "bench-meter") -> None:
        self._socket = socket.create_connection((HOST, port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = name.encode()
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(text)) + text
        self._socket.sendall(bytes([0x10, len(body)]) + body)
        if self._read(4)[3] != 0:
            raise SystemExit("the broker refuses the publisher")
        self._mid = 0

    def publish(self, first: int, messages: int) -> None:
        """Sends messages number first …; all are with the broker when it returns."""
        topic = struct.pack("!H", len(TOPIC)) + TOPIC.encode()
        for begin in range(first, first + messages, _WINDOW):
            parts, count = [], min(_WINDOW, first + messages - begin)
            for number in range(begin, begin + count):
                self._mid = self._mid % 65535 + 1
                body = topic + struct.pack("!H", self._mid) + payload(number)
                parts.append(b"\x32" + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body)
            self._socket.sendall(b"".join(parts))
            answers = self._read(4 * count)
            if answers[::4] != b"\x40" * count:
                raise SystemExit("the broker did not acknowledge what was published")

    def close(self) -> None:
        """Says goodbye."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise SystemExit("the broker closed the publisher's connection")
            data += more
        return data
