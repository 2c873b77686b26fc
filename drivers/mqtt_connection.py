"""An MQTT broker as a connection: nothing is acknowledged before it is on disk."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from dodac.clock import Clock
from dodac.contracts import DeadLetter, EventKind, Inbox
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.samples import Layout, Reason, Sample
from dodac.site import InstrumentConfig, MqttConnection, Site
from drivers._mqtt_acks import Acks
from drivers._mqtt_config import address_of, tls_context
from drivers._mqtt_group import Group
from drivers._mqtt_rebirth import Rebirths
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers._mqtt_stations import MqttStation, Topics, station_of
from drivers._mqtt_watch import MqttWatch
from drivers.connection import ConnectionStatus
from drivers.profile import MqttProfile
from drivers.protocols.message import Birth, Message, MqttRefusal

if TYPE_CHECKING:
    from paho.mqtt.client import Client

    from drivers._mqtt_wire import Arrived, WireClient

_KEEPALIVE_S: Final = 60
_LARGEST: Final = 1 << 20  # bytes of a payload that is decoded
_KEPT: Final = 1 << 16  # bytes of a larger one that are kept, with the reason
RECONNECT_S: tuple[int, int] = (1, 60)  # first and longest pause between attempts


class MqttStream:
    """The instruments that publish on one broker, each in its own format.

    QoS 1, a fixed client id and a session that outlives us; each message is acknowledged after the
    commit that holds it, in the order received, on the connection it came on (otherwise the broker
    sends it again). A full inbox blocks the network thread, so the broker holds the rest.

    Whose time: the payload's own where the profile names it and the clock is believable; else ours,
    unless the message may have waited for us: one flagged as a duplicate, or one of the burst after a
    connection to an existing session, which ends when the broker has shown that it keeps nothing
    back (see Acks). Those are flagged time_unknown. Retained messages are flagged stale.

    Nothing is published, but for requests for a Sparkplug node's birth where the site allows them.
    """

    polled = False

    def __init__(
        self,
        site: Site,
        id: str,
        config: MqttConnection,
        members: Sequence[tuple[InstrumentConfig, MqttProfile]],
        clock: Clock,
    ) -> None:
        self.id = id
        self.instruments = tuple(item.id for item, _ in members)
        self._clock = clock
        self._config = config
        self._kinds = {item.id: profile.kind for item, profile in members}
        self._stations = {item.id: station_of(site, item, profile) for item, profile in members}
        if config.share_group is not None and any(s.command for s in self._stations.values()):
            raise ConfigError(
                "Sparkplug can't be read on a shared subscription: births and data would be divided.",
                site.where("connections", id, "share_group"),
                "Give Sparkplug instruments a connection of their own without share_group.",
            )
        self._topics = Topics(self._stations.values())
        self._address = address_of(config)
        self._client_id = config.client_id or f"dodac-{site.site.id}-{id}"
        self._tls = tls_context(site, config) if config.url.startswith("mqtts:") else None
        self._password = site.secret(config.password_file) if config.password_file else None
        self._stopping = threading.Event()
        self._counters: Counter[str] = Counter()
        self._state: Literal["up", "down", "starting"] = "starting"
        self._acks = Acks(clock, self._counters)
        self._watch = MqttWatch(id, self._stations, clock, shared=config.share_group is not None)
        self._rebirths = Rebirths(clock) if config.rebirth_requests else None
        self._client: Client | None = None
        self._watching: threading.Thread | None = None
        self._inbox: Inbox | None = None

    # ---- what every connection owes

    def layouts(self) -> tuple[Layout, ...]:
        """The layouts of the instruments on this broker."""
        return tuple(station.layout for station in self._stations.values())

    def measurement(self, instrument: str) -> Measurement:
        """Which measurement an instrument belongs to."""
        return self._kinds[instrument]

    def poll(self, instrument: str, due_ns: int) -> bool:  # noqa: ARG002  (the contract's signature)
        """Instruments on a broker send by themselves: nothing to ask."""
        return False

    def start(self, inbox: Inbox) -> None:
        """Connects in the background; a broker that is away is told as an event and tried again."""
        from drivers._mqtt_wire import WireClient

        self._inbox = self._watch.inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        self._watch.listening()
        client = WireClient(self._client_id, self._on_messages)
        if self._config.user is not None:
            client.username_pw_set(self._config.user, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_unsubscribe = lambda client, _userdata, mid, *_: self._acks.answered(client, mid)
        client.connect_async(*self._address, keepalive=_KEEPALIVE_S)
        self._client = client
        client.loop_start()
        self._watching = threading.Thread(
            target=self._watch.run, args=(self._stopping,), name=f"mqtt {self.id}", daemon=True
        )
        self._watching.start()

    def stop(self, patience_s: float = 2.0) -> None:
        """Takes nothing more, lets what was taken be acknowledged (up to patience_s), disconnects."""
        client, self._client = self._client, None
        if client is None:
            return
        self._stopping.set()
        self._acks.wait_for_all(patience_s)
        client.disconnect()
        # a store that takes nothing keeps the network thread: it must not keep us
        ending = threading.Thread(target=client.loop_stop, name=f"mqtt {self.id} end", daemon=True)
        ending.start()
        ending.join(timeout=5)
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.join(timeout=5)
        self._acks.lost()
        self._state = "down"

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        return ConnectionStatus(self.id, self._state, dict(self._counters), self._watch.last_good())

    def check_silence(self) -> None:
        """Tells once of each instrument that has sent nothing for longer than its profile allows."""
        self._watch.check_silence()

    # ---- the broker comes and goes

    def _on_connect(self, client: Client, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._broker_lost(f"the broker refuses us: {reason}")
            return
        client.subscribe(self._topics.subscriptions(self._config.share_group))
        self._acks.connected(client, bool(flags.session_present))
        self._counters["connects"] += 1

    def _on_subscribe(self, _client: Client, _userdata: Any, _mid: int, reasons: Any, _props: Any) -> None:
        """Until the broker has taken the subscription, what is published is not for us."""
        if all(reason.is_failure for reason in reasons):
            self._broker_lost(f"the broker {self._address[0]} refuses our topics: may this user read them?")
            return
        self._state = "up"
        self._watch.broker_there(self._address[0])

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:
        self._broker_lost(f"the broker {self._address[0]}:{self._address[1]} can't be reached")

    def _on_disconnect(
        self, _client: Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._acks.lost()
        if not self._stopping.is_set():
            self._broker_lost(f"the broker {self._address[0]} is lost: {reason}")

    def _broker_lost(self, text: str) -> None:
        self._state = "down"
        self._counters["broker_faults"] += 1
        self._watch.broker_lost(text)

    # ---- messages

    def _on_messages(self, client: WireClient, arrived: Sequence[Arrived]) -> None:
        """What one read of the network thread brought, in order."""
        if self._stopping.is_set() or self._inbox is None:
            return  # not acknowledged: the broker keeps it
        burst = self._acks.may_have_waited()
        self._counters["messages"] += len(arrived)
        group = Group(self.id, client, self._inbox, self._acks, self._watch)
        # a collector that is closing takes nothing: the broker keeps it
        with contextlib.suppress(RuntimeError):
            for message in arrived:
                self._take(client, message, burst or message.dup, group)
            group.hand_over()
        self._acks.touch(client)

    def _take(self, client: WireClient, message: Arrived, waited: bool, group: Group) -> None:
        now_ns = self._clock.now_ns()
        payload = message.payload
        topic, stations = message.topic, self._topics.stations(message.topic)
        if len(stations) == 1 and not message.retain and len(payload) <= _LARGEST:
            quick = stations[0].quick
            sample = quick(payload, now_ns, waited) if quick is not None else None
            if sample is not None:
                group.add(stations[0], sample)
                group.owe(message)
                return
        if topic is None:
            topic = "(a topic that is not UTF-8)"
        if not stations:
            reason = "no instrument of the site file has this topic"
            self._dead(DeadLetter(now_ns, self.id, topic, payload, reason), group)
        arrival = Arrival(now_ns, waited, message.retain)
        for station in stations:
            try:
                found = _decoded(station, topic, payload)
            except MqttRefusal as refusal:
                instrument = station.layout.instrument
                self._dead(DeadLetter(now_ns, self.id, topic, payload, str(refusal), instrument), group)
                self._ask_birth(client, station, refusal.birth)
                continue
            samples, clock_off_ns = self._samples(station, found, payload, arrival)
            group.take(samples)
            if found.notices or clock_off_ns is not None:
                group.hand_over()  # what is told comes after the samples it is about
            for note in found.notices:
                self._watch.tell(note.kind, note.text, station, time_ns=note.since_ns, end_ns=note.until_ns)
            self._ask_birth(client, station, found.birth)
            if clock_off_ns is not None and not message.retain:
                self._watch.heard(station, samples, clock_off_ns)
            elif not message.retain:
                group.hears(station, samples)
        group.owe(message)

    def _samples(
        self, station: MqttStation, found: Message, payload: bytes, arrival: Arrival
    ) -> tuple[list[Sample], int | None]:
        """Its samples, and how far the clock that stamped them is off, where that spoils them all."""
        samples, off_ns, fine = [], None, False
        for place, decoded in enumerate(found.samples):
            stamp = stamp_of(decoded, station.skew_s, arrival)
            if stamp.clock_refused:
                self._counters["clock_refused"] += 1
            if stamp.doubt == Reason.CLOCK and decoded.values:
                said_ns = decoded.sent_ns if decoded.sent_ns is not None else decoded.time_ns
                off_ns = None if said_ns is None else said_ns - arrival.now_ns
            fine = fine or (stamp.doubt is None and bool(decoded.values))
            part = part_of(station.layout, decoded, stamp, place, partial=station.partial)
            samples.append(stamped(station.layout, decoded, payload, stamp, arrival, part))
        return samples, None if fine else off_ns

    def _dead(self, letter: DeadLetter, group: Group) -> None:
        self._counters["dead_letters"] += 1
        if len(letter.payload) > _LARGEST:
            words = f"{letter.reason} (its first {_KEPT} of {len(letter.payload)} bytes are kept)"
            kept = letter.payload[:_KEPT]
            letter = DeadLetter(letter.time_ns, letter.source, letter.topic, kept, words, letter.instrument)
        group.letter(letter)

    def _ask_birth(self, client: Client, station: MqttStation, birth: Birth | None) -> None:
        """A Sparkplug node is asked for its birth when it is missed, where the site allows it."""
        if self._rebirths is None or station.command is None or birth is None:
            return
        if birth == "told":
            self._rebirths.born(station.command)
        elif self._rebirths.ask(client, station.command):
            self._counters["rebirth_requests"] += 1
            self._watch.tell(EventKind.NOTE, "the edge node was asked for its birth (NCMD)", station)


def _decoded(station: MqttStation, topic: str, payload: bytes) -> Message:
    if len(payload) > _LARGEST:
        raise MqttRefusal(f"larger than {_LARGEST} bytes")
    return station.decoder.message(topic, payload)
