"""The one thing dodac ever publishes: a Sparkplug node is asked for its birth, where the site allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, Clock
from drivers.profile import MqttProfile, SparkplugProfile

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_FIRST_S: Final = 60
_LONGEST_S: Final = 3600


def command_topic(profile: MqttProfile, address: int | str | None) -> str | None:
    """Where a Sparkplug node takes requests; None for other formats."""
    if not isinstance(profile, SparkplugProfile):
        return None
    from drivers.protocols.sparkplug import Address

    return Address.parse(str(address)).command_topic


class Rebirths:
    """Rebirth requests: at most one a minute a node, ever rarer (to one an hour) while none is followed.

    clock: monotonic for the pauses, UTC for the time in the request.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[str, tuple[int, float]] = {}  # node → last (monotonic ns), pause after it (s)

    def ask(self, client: Client, topic: str) -> bool:
        """Publishes a request (QoS 0, not retained), unless one went out a short time ago."""
        from drivers.protocols.sparkplug_wire import rebirth_request

        now_ns = self._clock.monotonic_ns()
        last = self._asked.get(topic)
        if last is not None and now_ns - last[0] < last[1] * SECOND_NS:
            return False
        self._asked[topic] = now_ns, min(2 * last[1], _LONGEST_S) if last is not None else _FIRST_S
        client.publish(topic, rebirth_request(self._clock.now_ns() // 1_000_000), qos=0, retain=False)
        return True

    def born(self, topic: str) -> None:
        """The node was born: the next request need not wait longer than the first pause."""
        last = self._asked.get(topic)
        if last is not None:
            self._asked[topic] = last[0], _FIRST_S
