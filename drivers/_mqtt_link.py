"""The connection to a broker: how it comes, goes and is refused, told once each; the rest is messages."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import EventKind
from drivers._mqtt_acks import Acks
from drivers._mqtt_stations import Topics
from drivers._mqtt_watch import MqttWatch
from drivers._mqtt_words import connect_words, kicked_words, refused_words, tls_words

if TYPE_CHECKING:
    from paho.mqtt.client import Client

RECONNECT_S: tuple[int, int] = (1, 60)  # first and longest pause between attempts
SETTLED_S: Final = 90  # a connection that lasts so long is no flicker
KICKED: Final = 3  # flickers until somebody else is suspected
_ASK_AGAIN_S: Final = 60  # topics that were refused
_ANSWER_S: Final = 60  # a broker that takes us answers our subscription within it


class BrokerLink:
    """paho's callbacks but for messages: state, faults, subscriptions, pauses between attempts.

    session: told whether the broker has a session of ours; gives False when one that had messages is gone.
    """

    def __init__(
        self,
        address: tuple[str, int],
        client_id: str,
        user: str | None,
        topics: Topics,
        watch: MqttWatch,
        acks: Acks,
        counters: Counter[str],
        clock: Clock,
        session: Callable[[bool], bool],
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._user = user
        self._topics = topics
        self._watch = watch
        self._acks = acks
        self._counters = counters
        self._clock = clock
        self._session = session
        self.state: Literal["up", "down", "starting"] = "starting"
        self.stopping = threading.Event()
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._taken_ns: int | None = None  # since when the broker has us
        self._flickers = 0
        self._asked: dict[int, tuple[str, ...]] = {}
        self._refused: tuple[str, ...] = ()
        self._ask_ns = 0

    def attach(self, client: Client) -> None:
        """Makes a client's connection ours."""
        self._client = client
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_unsubscribe = lambda client, _userdata, mid, *_: self._acks.answered(client, mid)

    def look(self) -> None:
        """Called every second or so: a connection that lasts, topics that may be taken now."""
        client, now_ns, since_ns = self._client, self._clock.monotonic_ns(), self._taken_ns
        if since_ns is None or client is None:
            return
        if self._flickers and self.state == "up" and now_ns - since_ns > SETTLED_S * SECOND_NS:
            self._flickers = 0
            client.reconnect_delay_set(*RECONNECT_S)
            self._watch.broker_there(self._address[0])
        if self._asked and self.state != "up" and now_ns - self._ask_ns > _ANSWER_S * SECOND_NS:
            self._ask_ns = now_ns
            self._lost(f"the broker {self._address[0]} takes us but does not answer our subscription")
        if self._refused and now_ns - self._ask_ns > _ASK_AGAIN_S * SECOND_NS:
            self._subscribe(client, self._refused)

    def _subscribe(self, client: Client, filters: tuple[str, ...]) -> None:
        self._ask_ns = self._clock.monotonic_ns()
        with self._lock:  # the answer may be here before we know its number
            _, mid = client.subscribe([(name, 1) for name in filters])
            if mid is not None:
                self._asked[mid] = filters

    # ---- callbacks, from the network thread

    def _on_connect(self, client: Client, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._lost(refused_words(str(reason), self._user))
            return
        self._taken_ns = self._clock.monotonic_ns()
        self._asked.clear()
        self._counters["connects"] += 1
        if not self._session(bool(flags.session_present)):
            self._counters["sessions_lost"] += 1
            self._watch.session_lost()
        self._subscribe(client, self._topics.filters)
        self._acks.connected(client, bool(flags.session_present))

    def _on_subscribe(self, _client: Client, _userdata: Any, mid: int, reasons: Any, _props: Any) -> None:
        """Until the broker has taken the subscription, what is published is not for us."""
        with self._lock:
            filters = self._asked.pop(mid, ())
        if not filters:
            return  # of an earlier connection
        answers = dict(zip(filters, reasons, strict=False))
        refused = tuple(name for name, reason in answers.items() if reason.is_failure)
        self._refused = refused
        self._counters["topics_refused"] = len(refused)
        for name, reason in answers.items():
            if not reason.is_failure and reason.value == 0:
                text = f'the broker gives "{name}" with QoS 0 only: what is sent while we are away is lost'
                self._watch.tell(EventKind.ALARM, text)
        if len(refused) == len(self._topics.filters):
            self._lost(f"the broker {self._address[0]} refuses our topics: may this user read them?")
            return
        self.state = "up"
        if self._flickers < KICKED:
            self._watch.broker_there(self._address[0])
        self._watch.topics_refused({name: self._topics.of(name) for name in refused}, asked=filters)

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:
        # paho calls this while it handles the error, which it does not hand over
        self._lost(connect_words(sys.exc_info()[1], *self._address))

    def _on_disconnect(
        self, client: Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._acks.lost()
        if self.stopping.is_set():
            return
        host, port = self._address
        since_ns, self._taken_ns = self._taken_ns, None
        if since_ns is None:
            # with TLS 1.3 a broker refuses our certificate after the handshake
            ended = getattr(client, "ended", None)
            words = tls_words(str(ended)) if ended is not None else None
            self._lost(
                f"the broker {host}:{port} ended the connection before it took us: {words or ended or reason}"
            )
            return
        if self._clock.monotonic_ns() - since_ns <= SETTLED_S * SECOND_NS:
            self._flickers += 1
            # paho begins with the first pause again each time a broker takes us
            first_s, longest_s = RECONNECT_S
            pause_s = min(longest_s, first_s * 2 ** (self._flickers - 1))
            client.reconnect_delay_set(pause_s, longest_s)
        if self._flickers >= KICKED:
            self._lost(kicked_words(self._client_id, self._flickers))
        else:
            why = "the connection ended" if str(reason) == "Unspecified error" else reason
            self._lost(f"the broker {host} is lost: {why}")

    def _lost(self, text: str) -> None:
        self.state = "down"
        self._counters["broker_faults"] += 1
        self._watch.broker_lost(text)
