"""An MQTT broker as a connection: nothing is acknowledged before it is on disk."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import DeadLetter, Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason, Sample
from dodac.site import InstrumentConfig, MqttConnection, Site
from drivers._mqtt_acks import Acks
from drivers._mqtt_config import address_of, is_filter, tls_context, topic_of
from drivers._mqtt_decoders import decoder_of, limits_of
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.connection import ConnectionStatus
from drivers.profile import MqttProfile
from drivers.protocols.message import Message, MessageDecoder, MqttRefusal

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

_KEEPALIVE_S: Final = 60
RECONNECT_S: tuple[int, int] = (1, 60)  # first and longest pause between attempts


@dataclass
class _Station:
    """One instrument, as the connection sees it; touched under the connection's lock only."""

    layout: Layout
    decoder: MessageDecoder
    topic: str
    silence_s: float
    skew_s: float | None
    partial: bool
    heard_ns: int = 0  # monotonic
    last_good_ns: int | None = None
    fault_ns: int | None = None
    silent: bool = False


def _station(site: Site, item: InstrumentConfig, profile: MqttProfile) -> _Station:
    skew_s, partial = limits_of(profile)
    topic = topic_of(site, item, profile)  # checks the address too
    return _Station(
        Layout(item.id, tuple(profile.channels)),
        decoder_of(profile, site.site.timezone, item.address),
        topic,
        profile.link.silence_s,
        skew_s,
        partial,
    )


class MqttStream:
    """The instruments that publish on one broker, each in its own format.

    QoS 1, a fixed client id and a session that outlives us; each message is acknowledged after the
    commit that holds it, in the order received, on the connection it came on (otherwise the broker
    sends it again). A full inbox blocks the network thread, so the broker holds the rest.

    Whose time: the payload's own where the profile names it and the clock is believable; else ours,
    unless the message may have waited for us: one flagged as a duplicate, or one of the burst after a
    connection to an existing session, which ends when the broker has shown that it keeps nothing
    back (see Acks). Those are flagged time_unknown. Retained messages are flagged stale.
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
        self._stations = {item.id: _station(site, item, profile) for item, profile in members}
        self._by_topic: dict[str, list[_Station]] = {}
        for station in self._stations.values():
            self._by_topic.setdefault(station.topic, []).append(station)
        self._filters = [topic for topic in self._by_topic if is_filter(topic)]
        self._address = address_of(config)
        self._client_id = config.client_id or f"dodac-{site.site.id}-{id}"
        self._tls = tls_context(site, config) if config.url.startswith("mqtts:") else None
        self._password = site.secret(config.password_file) if config.password_file else None
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._counters: Counter[str] = Counter()
        self._state: Literal["up", "down", "starting"] = "starting"
        self._down_ns: int | None = None
        self._acks = Acks(clock, self._counters)
        self._client: Client | None = None
        self._watch: threading.Thread | None = None
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
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        now = self._clock.monotonic_ns()
        for station in self._stations.values():
            station.heard_ns = now
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=False,
            manual_ack=True,
        )
        if self._config.user is not None:
            client.username_pw_set(self._config.user, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_unsubscribe = lambda client, _userdata, mid, *_: self._acks.answered(client, mid)
        client.connect_async(*self._address, keepalive=_KEEPALIVE_S)
        self._client = client
        client.loop_start()
        self._watch = threading.Thread(target=self._watch_silence, name=f"mqtt {self.id}", daemon=True)
        self._watch.start()

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
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.join(timeout=5)
        self._acks.lost()
        with self._lock:
            self._state = "down"

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        with self._lock:
            good = {n: s.last_good_ns for n, s in self._stations.items() if s.last_good_ns is not None}
            return ConnectionStatus(self.id, self._state, dict(self._counters), good)

    # ---- the broker comes and goes

    def _on_connect(self, client: Client, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._broker_lost(f"the broker refuses us: {reason}")
            return
        client.subscribe([(self._subscription(topic), 1) for topic in self._by_topic])
        self._acks.connected(client, bool(flags.session_present))
        with self._lock:
            self._state = "up"
            for station in self._stations.values():
                station.heard_ns = self._clock.monotonic_ns()
            was_down, self._down_ns = self._down_ns, None
            self._counters["connects"] += 1
        if was_down is not None:
            self._tell(EventKind.FAULT_END, f"the broker {self._address[0]} is back")

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:
        self._broker_lost(f"the broker {self._address[0]}:{self._address[1]} can't be reached")

    def _on_disconnect(
        self, _client: Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._acks.lost()
        if not self._stopping.is_set():
            self._broker_lost(f"the broker {self._address[0]} is lost: {reason}")

    def _broker_lost(self, text: str) -> None:
        with self._lock:
            self._state = "down"
            self._counters["broker_faults"] += 1
            if self._down_ns is not None:
                return
            self._down_ns = self._clock.now_ns()
            fresh = [s for s in self._stations.values() if s.fault_ns is None]
            for station in fresh:
                station.fault_ns = self._down_ns
        self._tell(EventKind.FAULT_START, text)
        for station in fresh:
            self._flag_all(station)

    def _subscription(self, topic: str) -> str:
        group = self._config.share_group
        return f"$share/{group}/{topic}" if group else topic

    # ---- messages

    def _on_message(self, client: Client, _userdata: Any, message: MQTTMessage) -> None:
        now_ns = self._clock.now_ns()
        if self._stopping.is_set() or self._inbox is None:
            return  # not acknowledged: the broker keeps it
        waited = self._acks.may_have_waited() or bool(message.dup)
        self._counters["messages"] += 1
        done = self._acks.take(client, message.mid, message.qos)
        # a collector that is closing takes nothing: the broker keeps it
        with contextlib.suppress(RuntimeError):
            self._take(message, now_ns, waited, done)
        self._acks.touch(client)

    def _take(self, message: MQTTMessage, now_ns: int, waited: bool, done: Callable[[], None] | None) -> None:
        assert self._inbox is not None  # noqa: S101  (set before the network thread starts)
        stations, topic = self._stations_of(message)
        payload = bytes(message.payload)
        if not stations:
            reason = "no instrument of the site file has this topic"
            self._dead(DeadLetter(now_ns, self.id, topic, payload, reason), done)
            return
        arrival = Arrival(now_ns, waited, bool(message.retain))
        for station in stations:
            # what several instruments take from one message is acknowledged with the last of it
            last = done if station is stations[-1] else None
            try:
                found = station.decoder.message(topic, payload)
            except MqttRefusal as refusal:
                instrument = station.layout.instrument
                self._dead(DeadLetter(now_ns, self.id, topic, payload, str(refusal), instrument), last)
                continue
            samples = self._samples(station, found, payload, arrival)
            if len(samples) == 1:
                self._inbox.sample(samples[0], source=self.id, done=last)
            else:
                self._inbox.samples(samples, source=self.id, done=last)
            for note in found.notices:
                self._tell(note.kind, note.text, station, time_ns=note.since_ns, end_ns=note.until_ns)
            if not message.retain:
                self._heard(station, samples)

    def _samples(self, station: _Station, found: Message, payload: bytes, arrival: Arrival) -> list[Sample]:
        samples = []
        for place, decoded in enumerate(found.samples):
            stamp = stamp_of(decoded, station.skew_s, arrival)
            if stamp.clock_refused:
                self._counters["clock_refused"] += 1
            part = part_of(station.layout, decoded, stamp, place, partial=station.partial)
            samples.append(stamped(station.layout, decoded, payload, stamp, arrival, part))
        return samples

    def _dead(self, letter: DeadLetter, done: Callable[[], None] | None) -> None:
        assert self._inbox is not None  # noqa: S101
        self._counters["dead_letters"] += 1
        self._inbox.dead_letter(letter, done=done)

    def _stations_of(self, message: MQTTMessage) -> tuple[list[_Station], str]:
        """Who takes a message: those with its topic, else those of the first filter that fits."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return [], "(a topic that is not UTF-8)"
        stations = self._by_topic.get(topic)
        if stations is None and self._filters:
            from paho.mqtt.client import topic_matches_sub

            fitting = next((f for f in self._filters if topic_matches_sub(f, topic)), None)
            stations = self._by_topic[fitting] if fitting is not None else None
        return stations or [], topic

    # ---- silence

    def _heard(self, station: _Station, samples: Sequence[Sample]) -> None:
        good = [sample.time_ns for sample in samples if any(value == value for value in sample.values)]
        gap: tuple[int, int] | None = None
        with self._lock:
            station.heard_ns = self._clock.monotonic_ns()
            silent, station.silent = station.silent, False
            if good:
                since_ns = station.last_good_ns if station.last_good_ns is not None else station.fault_ns
                # what a device stored fills the gap: it ends with the first reading after the fault
                later = [time_ns for time_ns in good if since_ns is not None and time_ns > since_ns]
                if station.fault_ns is not None and since_ns is not None and later:
                    gap = since_ns, min(later)
                station.fault_ns = None
                station.last_good_ns = max(*good, station.last_good_ns or 0)
        if silent:
            self._tell(EventKind.FAULT_END, "sends again", station)
        if gap is not None:
            self._tell(EventKind.GAP, "no readings", station, time_ns=gap[0], end_ns=gap[1])

    def _watch_silence(self) -> None:
        # a member of a shared subscription can't know what the others are sent
        if self._config.share_group is not None:
            return
        shortest = min(station.silence_s for station in self._stations.values())
        while not self._clock.wait(self._stopping, min(1.0, shortest / 4)):
            self.check_silence()

    def check_silence(self) -> None:
        """Tells once of each instrument that has sent nothing for longer than its profile allows."""
        now = self._clock.monotonic_ns()
        for station in self._stations.values():
            limit_s = station.silence_s
            with self._lock:
                late = now - station.heard_ns > limit_s * SECOND_NS
                if self._state != "up" or station.silent or not late:
                    continue
                station.silent = True
                fresh = station.fault_ns is None
                if fresh:
                    station.fault_ns = self._clock.now_ns()
            self._tell(EventKind.FAULT_START, f"no message for {limit_s:g} s", station)
            if fresh:
                self._flag_all(station)

    def _flag_all(self, station: _Station) -> None:
        """One sample with every channel flagged, when a fault starts."""
        if self._inbox is None or station.fault_ns is None or self._config.share_group is not None:
            return
        flags = [Flag(name, Reason.NO_ANSWER) for name in station.layout.channels]
        with contextlib.suppress(RuntimeError):
            self._inbox.sample(station.layout.sample(station.fault_ns, {}, flags=flags), source=self.id)

    def _tell(
        self,
        kind: EventKind,
        text: str,
        station: _Station | None = None,
        *,
        time_ns: int | None = None,
        end_ns: int | None = None,
    ) -> None:
        if self._inbox is not None:
            instrument = station.layout.instrument if station is not None else None
            when = self._clock.now_ns() if time_ns is None else time_ns
            with contextlib.suppress(RuntimeError):
                self._inbox.event(Event(when, kind, text, self.id, instrument, end_ns))
