"""When what comes over MQTT is of now again, and when it may still have waited for us."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable

import pytest

from dodac.clock import ManualClock
from drivers._mqtt_acks import IDLE_NS, Acks

STEP_S = 0.01


class Broker:
    """A broker with a window of unacknowledged messages; what we send reaches it after `away` steps.

    careless: what it sends on the connection does not count for the window, as with Mosquitto 2.0.11.
    """

    def __init__(
        self, clock: ManualClock, window: int, backlog: int, away: int = 0, *, careless: bool = False
    ) -> None:
        self.clock, self.window, self.away = clock, window, away
        self.queue: deque[str] = deque(["old"] * backlog)
        self.acks = Acks(clock, Counter())
        self.room = window
        self.careless = careless
        self.mid = 0
        self.fences = 0
        self.to_broker: deque[tuple[int, str, int]] = deque()
        self.to_us: deque[tuple[int, str, int]] = deque()
        self.step_no = 0
        self.owed: list[Callable[[], None] | None] = []
        self.taken: list[tuple[str, bool]] = []

    # the client's side
    def unsubscribe(self, topic: str) -> tuple[int, int]:
        self.fences += 1
        self.to_broker.append((self.step_no + self.away, "fence", 1000 + self.fences))
        return 0, 1000 + self.fences

    def acknowledge(self, mids: list[int]) -> None:
        self.to_broker.extend((self.step_no + self.away, "ack", mid) for mid in mids)

    def connect(self) -> None:
        self._send()
        if self.careless:
            self.room = self.window
        self.acks.connected(self, True)  # type: ignore[arg-type]

    def _send(self) -> None:
        while self.queue and self.room:
            self.room -= 1
            self.mid += 1
            self.to_us.append((self.step_no + self.away, self.queue.popleft(), self.mid))

    def step(self, fresh: int = 0, commit: bool = True) -> None:
        """10 ms: new messages come to the broker, packets travel, and what we have is committed."""
        self.step_no += 1
        self.clock.advance(STEP_S)
        self.queue.extend(["new"] * fresh)
        self._send()
        while self.to_broker and self.to_broker[0][0] <= self.step_no:
            _, kind, number = self.to_broker.popleft()
            if kind == "ack":
                self.room = min(self.room + 1, self.window)
                self._send()
            else:
                self.to_us.append((self.step_no + self.away, "fence", number))
        while self.to_us and self.to_us[0][0] <= self.step_no:
            _, kind, number = self.to_us.popleft()
            if kind == "fence":
                self.acks.answered(self, number)  # type: ignore[arg-type]
                continue
            self.taken.append((kind, self.acks.may_have_waited()))
            self.owed.append(self.acks.take_all(self, [number]))  # type: ignore[arg-type]
            self.acks.touch(self)  # type: ignore[arg-type]
        if commit:
            owed, self.owed = self.owed, []
            for done in owed:
                assert done is not None
                done()


@pytest.mark.parametrize("away", [0, 3, 60])
@pytest.mark.parametrize("window", [1, 2, 20])
@pytest.mark.parametrize("backlog", [1, 20, 21, 120])
@pytest.mark.parametrize("per_commit", [1, 25])
@pytest.mark.parametrize("careless", [False, True])
def test_nothing_that_waited_is_ever_taken_for_new(
    away: int, window: int, backlog: int, per_commit: int, *, careless: bool
) -> None:
    broker = Broker(ManualClock(), window, backlog, away, careless=careless)
    broker.connect()
    for step in range(300 * (1 + 2 * away) * per_commit // window + 500):
        broker.step(fresh=step % 7 == 0, commit=step % per_commit == 0)
    old = [waited for kind, waited in broker.taken if kind == "old"]
    assert old == [True] * backlog


@pytest.mark.parametrize("window", [20, 1000])
@pytest.mark.parametrize("backlog", [0, 3, 300])
@pytest.mark.parametrize("away", [0, 5])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_readings_are_good_again_soon_after_a_restart_on_a_busy_connection(
    window: int, backlog: int, away: int, share: float
) -> None:
    # 20 to 90 messages a second leave no silence of 200 ms: a meter without a clock stayed doubtful for ever
    chance = random.Random(1)
    broker = Broker(ManualClock(), window, backlog, away)
    broker.connect()
    for _ in range(500 + (1 + 2 * away) * backlog // 10):
        broker.step(fresh=chance.random() < share)
    assert broker.taken[-1] == ("new", False)
    asked = broker.fences
    for _ in range(50):
        broker.step(fresh=1)
    assert broker.fences == asked  # nothing more is asked once it is known


def test_a_thousand_messages_a_second_are_good_again_soon_too() -> None:
    broker = Broker(ManualClock(), 1000, 5000)
    broker.connect()
    for step in range(300):
        broker.step(fresh=7 + step % 5, commit=step % 10 == 0)
    assert broker.taken[-1] == ("new", False)


def test_messages_without_acknowledgement_are_good_again_too() -> None:
    clock = ManualClock()
    broker = Broker(clock, 20, 0)
    broker.connect()
    for _ in range(2 * IDLE_NS // round(STEP_S * 1e9)):
        broker.step()
        waited = broker.acks.may_have_waited()
        assert broker.acks.take_all(broker, []) is None  # type: ignore[arg-type]
        broker.acks.touch(broker)  # type: ignore[arg-type]
    assert not waited


def test_a_line_slower_than_200_ms_does_not_make_the_queue_look_empty() -> None:
    broker = Broker(ManualClock(), 1, 5, away=30)  # over a mobile network: 0.6 s there and back
    broker.connect()
    for _ in range(600):
        broker.step()
    assert broker.taken == [("old", True)] * 5
