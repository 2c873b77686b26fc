"""Messages handed over: what is acknowledged when, on which connection, and what is taken for stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dodac.clock import SystemClock
from dodac.contracts import Repeat
from dodac.site import load_site
from drivers import open_connections
from drivers._mqtt_acks import Acks
from drivers._mqtt_wire import Arrived
from drivers.mqtt_connection import MqttStream

SITE = """
[site]
id = "p"
company = "c"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[instruments]]
id = "m"
profile = "generic.mqtt-json"
connection = "broker"
topic = "m"
"""


class Client:
    """Writes down what the broker would be told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def acknowledge(self, mids: Sequence[int]) -> None:
        self.told += mids

    def received(self, mid: int) -> None:
        self.told.append(("received", mid))

    def unsubscribe(self, _topic: str) -> tuple[int, None]:
        return 1, None


class Slow:
    """An inbox whose disk is slow: commit() is when what is here is stored."""

    def __init__(self) -> None:
        self.stored = 0
        self.repeated = 0
        self.waiting: list[Callable[[], None]] = []

    def sample(self, sample: Any, *, source: str, done: Callable[[], None] | None = None) -> None:
        self.samples((sample,), source=source, done=done)

    def samples(self, samples: Any, *, source: str, done: Callable[[], None] | None = None) -> None:
        self.stored += len(tuple(samples))
        if done is not None:
            self.waiting.append(done)

    def repeats(self, repeats: Sequence[Repeat], *, source: str) -> None:
        self.repeated += len(repeats)

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done()


def stream(folder: Path, inbox: Slow) -> MqttStream:
    (folder / "site.toml").write_text(SITE, "utf-8")
    (found,) = open_connections(load_site(folder), SystemClock())
    assert isinstance(found, MqttStream)
    found._inbox = inbox  # type: ignore[assignment]
    found._past.memory = inbox  # type: ignore[assignment]
    return found


def message(mid: int, qos: int = 1, *, dup: bool = False) -> Arrived:
    return Arrived("m", b'{"power_w": 5}', mid, qos, False, dup)


def test_nothing_is_acknowledged_before_its_commit_whatever_its_qos(tmp_path: Path) -> None:
    inbox, client = Slow(), Client()
    line = stream(tmp_path, inbox)
    line._on_messages(client, [message(1), message(2, 2), message(3)])  # type: ignore[arg-type]
    assert inbox.stored == 3
    assert client.told == []
    inbox.commit()
    assert client.told == [1, ("received", 2), 3]


def test_a_new_message_with_an_old_number_and_an_old_content_is_stored(tmp_path: Path) -> None:
    inbox, client = Slow(), Client()
    line = stream(tmp_path, inbox)
    line._on_messages(client, [message(mid) for mid in range(1, 101)])  # type: ignore[arg-type]
    line._on_messages(client, [message(100, dup=True)])  # type: ignore[arg-type]
    assert (inbox.stored, inbox.repeated) == (100, 1)
    line._on_messages(client, [message(100)])  # type: ignore[arg-type]  # a meter that stands still
    assert (inbox.stored, inbox.repeated) == (101, 1)


def test_a_message_of_a_lost_connection_is_not_acknowledged_on_the_next() -> None:
    counters: Counter[str] = Counter()
    acks, client = Acks(SystemClock(), counters), Client()
    acks.connected(client, session_present=True)  # type: ignore[arg-type]
    done = acks.take_all(client, [7, 8])  # type: ignore[arg-type]
    acks.lost()
    acks.connected(client, session_present=True)  # type: ignore[arg-type]
    assert done is not None
    done()
    assert client.told == []  # there 7 may be another message by now
    assert counters["not_acknowledged"] == 2
    assert acks.wait_for_all(0)
