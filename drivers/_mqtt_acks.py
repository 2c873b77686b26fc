"""Which MQTT messages are not yet acknowledged, and whether a message may have waited for us."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, Clock

if TYPE_CHECKING:
    from paho.mqtt.client import Client

    from drivers._mqtt_wire import WireClient

IDLE_NS: Final = SECOND_NS // 5
_ASK_NS: Final = IDLE_NS // 10  # at most every 20 ms while messages stream in
FENCE: Final = "dodac/never-subscribed"


class Acks:
    """The acknowledgements owed on the connection in force.

    An identifier means something on the connection it came on only: after a loss nothing of before is
    acknowledged any more, the broker sends it again.

    After a connection to an existing session, messages may have waited for us. A broker keeps messages
    back only while as many as it allows are unacknowledged, so what waited is all here when nothing came
    for 200 ms while nothing was unacknowledged. On a busy connection such silence never comes: there we
    ask the broker something harmless (to end a subscription that is none). It answers in order, so its
    answer tells how many it had sent and not seen acknowledged: when those are none, or fewer than ever
    before on this connection, it keeps nothing back. Two such answers 200 ms apart end the burst too.
    (Held to be so by brokers that work off one client's packets in order, as Mosquitto does.)
    """

    def __init__(self, clock: Clock, counters: Counter[str]) -> None:
        self._clock = clock
        self._counters = counters
        self._changed = threading.Condition()
        self._generation = 0
        self._owed = 0
        self._burst = False
        self._quiet_since_ns = self._asked_ns = 0
        self._received = self._acked = self._most = 0
        self._fence: tuple[int, int] | None = None  # identifier, acknowledged before it
        self._empty_since_ns: int | None = None
        self._seen: int | None = None  # the identifier of the last answer

    def connected(self, client: Client, session_present: bool) -> None:
        """A new connection; session_present: the broker may hold messages for us."""
        with self._changed:
            self._forget()
            self._burst = session_present
            self._quiet_since_ns = self._clock.monotonic_ns()
            self._ask(client)

    def lost(self) -> None:
        """The connection is gone."""
        with self._changed:
            self._forget()

    def _forget(self) -> None:
        self._generation += 1
        self._owed = self._received = self._acked = self._most = 0
        self._fence = self._empty_since_ns = self._seen = None
        self._changed.notify_all()

    def _ask(self, client: Client) -> None:
        if self._burst and self._fence is None:
            now_ns = self._clock.monotonic_ns()
            if self._owed and now_ns - self._asked_ns < _ASK_NS:
                return
            self._asked_ns = now_ns
            fault, mid = client.unsubscribe(FENCE)
            self._fence = (mid, self._acked) if not fault and mid is not None else None

    def answered(self, client: Client, mid: int) -> None:
        """The broker answered the question with that identifier."""
        with self._changed:
            self._seen = mid
            self._changed.notify_all()
            if self._fence is None or self._fence[0] != mid:
                return
            (_, acked), self._fence = self._fence, None
            unacknowledged = self._received - acked
            empty = not unacknowledged or unacknowledged < self._most
            self._most = max(self._most, unacknowledged)
            now_ns = self._clock.monotonic_ns()
            if empty and self._empty_since_ns is None:
                self._empty_since_ns = now_ns
            elif empty and self._empty_since_ns is not None and now_ns - self._empty_since_ns >= IDLE_NS:
                self._burst = False
            if self._acked > acked:
                self._ask(client)  # it has not seen these acknowledgements yet: silence proves nothing

    def may_have_waited(self) -> bool:
        """Whether the message that has just come may be older than now."""
        with self._changed:
            quiet_ns = self._clock.monotonic_ns() - self._quiet_since_ns
            quiet = self._owed == 0 and self._fence is None and quiet_ns >= IDLE_NS
            if self._burst and quiet:
                self._burst = False
            return self._burst

    def touch(self, client: Client) -> None:
        """A message has been dealt with: silence counts from now."""
        with self._changed:
            self._quiet_since_ns = self._clock.monotonic_ns()
            if not self._owed:
                self._ask(client)

    def take(self, client: WireClient, mid: int) -> Callable[[], None]:
        """Notes a message of QoS 2 as owed; gives what tells the broker that it is on disk."""
        return self._owe(client, 1, lambda: client.received(mid))

    def take_all(self, client: WireClient, mids: Sequence[int]) -> Callable[[], None] | None:
        """Notes messages of QoS 1 as owed, in the order they came: they are acknowledged together."""
        return self._owe(client, len(mids), lambda: client.acknowledge(mids)) if mids else None

    def _owe(self, client: Client, count: int, acknowledge: Callable[[], object]) -> Callable[[], None]:
        with self._changed:
            self._owed += count
            self._received += count
            self._most = max(self._most, self._owed)
            generation = self._generation

        def done() -> None:
            with self._changed:
                if generation != self._generation:
                    self._counters["not_acknowledged"] += count
                    return
                acknowledge()
                self._counters["acknowledged"] += count
                self._owed -= count
                self._acked += count
                self._ask(client)
                self._quiet_since_ns = self._clock.monotonic_ns()
                self._changed.notify_all()

        return done

    def wait_for_all(self, timeout_s: float) -> bool:
        """Waits until nothing is owed; False when something still is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._owed == 0, timeout=timeout_s)

    def wait_until_seen(self, client: Client, timeout_s: float) -> bool:
        """Waits until the broker has seen what was acknowledged; False when it has not said so.

        A connection that is closed while something of the broker's is unread is reset, and what the broker
        had not read by then is lost with it.
        """
        with self._changed:
            if not self._acked:
                return True
            generation = self._generation
            fault, mid = client.unsubscribe(FENCE)
            if fault or mid is None:
                return False
            self._changed.wait_for(
                lambda: self._seen == mid or generation != self._generation, timeout=timeout_s
            )
            return self._seen == mid
