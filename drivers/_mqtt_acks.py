"""Which MQTT messages are not yet acknowledged, and whether a message may have waited for us."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, Clock

if TYPE_CHECKING:
    from paho.mqtt.client import Client

IDLE_NS: Final = SECOND_NS // 5


class Acks:
    """The acknowledgements owed on the connection in force.

    An identifier means something on the connection it came on only: after a loss nothing of before is
    acknowledged any more, the broker sends it again. After a connection to an existing session,
    messages may have waited for us until nothing came for 200 ms while nothing was unacknowledged:
    a broker sends only so many unacknowledged messages, so silence before that proves nothing.
    """

    def __init__(self, clock: Clock, counters: Counter[str]) -> None:
        self._clock = clock
        self._counters = counters
        self._changed = threading.Condition()
        self._generation = 0
        self._owed = 0
        self._burst = False
        self._quiet_since_ns = 0

    def connected(self, session_present: bool) -> None:
        """A new connection; session_present: the broker may hold messages for us."""
        with self._changed:
            self._forget()
            self._burst = session_present
            self._quiet_since_ns = self._clock.monotonic_ns()

    def lost(self) -> None:
        """The connection is gone."""
        with self._changed:
            self._forget()

    def _forget(self) -> None:
        self._generation += 1
        self._owed = 0
        self._changed.notify_all()

    def may_have_waited(self) -> bool:
        """Whether the message that has just come may be older than now."""
        with self._changed:
            quiet_ns = self._clock.monotonic_ns() - self._quiet_since_ns
            if self._burst and self._owed == 0 and quiet_ns >= IDLE_NS:
                self._burst = False
            return self._burst

    def touch(self) -> None:
        """A message has been dealt with: silence counts from now."""
        with self._changed:
            self._quiet_since_ns = self._clock.monotonic_ns()

    def take(self, client: Client, mid: int, qos: int) -> Callable[[], None] | None:
        """Notes a message as owed; gives what acknowledges it once it is on disk."""
        if qos == 0:
            return None
        with self._changed:
            self._owed += 1
            generation = self._generation

        def done() -> None:
            with self._changed:
                if generation != self._generation:
                    self._counters["not_acknowledged"] += 1
                    return
                client.ack(mid, qos)
                self._counters["acknowledged"] += 1
                self._owed -= 1
                self._quiet_since_ns = self._clock.monotonic_ns()
                self._changed.notify_all()

        return done

    def wait_for_all(self, timeout_s: float) -> bool:
        """Waits until nothing is owed; False when something still is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._owed == 0, timeout=timeout_s)
