"""An MQTT broker as a connection: nothing is acknowledged before it is on disk."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import DeadLetter, EventKind, Inbox, Memory, Repeat
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.samples import Layout, Reason, Sample, TimeSource
from dodac.site import InstrumentConfig, MqttConnection, Site
from drivers._mqtt_acks import Acks
from drivers._mqtt_config import address_of, client_id_of
from drivers._mqtt_group import Group, Past
from drivers._mqtt_large import DECODED
from drivers._mqtt_letters import Letters, shortened
from drivers._mqtt_link import BrokerLink
from drivers._mqtt_login import Login
from drivers._mqtt_rebirth import Rebirths
from drivers._mqtt_receipts import Remembered
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers._mqtt_stations import MqttStation, Topics, station_of
from drivers._mqtt_watch import MqttWatch
from drivers.connection import ConnectionStatus
from drivers.profile import MqttProfile
from drivers.protocols.message import Birth, Message, MqttRefusal

if TYPE_CHECKING:
    from paho.mqtt.client import Client

    from drivers._mqtt_wire import Arrived, WireClient

KEEPALIVE_S = 30  # a line that is half open is seen within twice that
log = logging.getLogger("dodac.mqtt")

_EXACTLY_ONCE: Final = 2
_TIMED: Final = (TimeSource.DEVICE, TimeSource.NETWORK)


class MqttStream:
    """The instruments that publish on one broker, each in its own format.

    QoS 1, a fixed client id and a session that outlives us; each message is acknowledged after the
    commit that holds it, in the order received, on the connection it came on (otherwise the broker
    sends it again). A full inbox blocks the network thread, so the broker holds the rest.

    Whose time: the payload's own where the profile names it and the clock is believable; else ours,
    unless the message may have waited for us: one flagged as a duplicate, or one of the burst after a
    connection to an existing session, which ends when the broker has shown that it keeps nothing
    back (see Acks). Those are flagged time_unknown. Retained messages are flagged stale. What is sent again
    though it is stored is recognised by its receipt (see Remembered) and counted as a duplicate.

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
        self._kinds = {item.id: profile.kind for item, profile in members}
        self._stations = {item.id: station_of(site, item, profile) for item, profile in members}
        self._topics = Topics(self._stations.values(), config.share_group)
        if (both := self._topics.crossing()) is not None:
            raise ConfigError(
                f'"{both[0]}" is shared with other collectors and "{both[1]}" is not: some messages would come twice.',
                site.where("connections", id, "share_group"),
                "Give topics that do not cross, or taken_by to both instruments.",
            )
        self._address = address_of(config)
        self._client_id = client_id_of(site, id, config)
        self._login = Login(site, config)
        self._counters: Counter[str] = Counter()
        self._acks = Acks(clock, self._counters)
        self._watch = MqttWatch(id, self._stations, clock)
        self._link = BrokerLink(
            self._address,
            self._client_id,
            config.user,
            self._topics,
            self._watch,
            self._acks,
            self._counters,
            clock,
            self._begin,
        )
        self._watch.look = self._link.look
        self._stopping = self._link.stopping
        self._past = Past(f"{id} {self._client_id}@{config.url}", Remembered())
        self._letters = Letters(self._stopping)
        self._rebirths = Rebirths(clock) if config.rebirth_requests else None
        self._client: WireClient | None = None
        self._watching: threading.Thread | None = None
        self._inbox: Inbox | None = None

    @property
    def turned_ns(self) -> int:
        """Monotonic time at which the network thread last turned; an attempt to connect may take a minute."""
        client = self._client
        return 0 if client is None else client.turned_ns

    @property
    def thread(self) -> threading.Thread | None:
        """The network thread."""
        return None if self._client is None else self._client.thread

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

    def remember(self, memory: Memory) -> None:
        """Before start: who knows what earlier runs have stored."""
        self._past.memory = self._watch.memory = memory

    def start(self, inbox: Inbox) -> None:
        """Connects in the background; a broker that is away is told as an event and tried again."""
        from drivers._mqtt_wire import WireClient

        self._inbox = self._watch.inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        told = b"" if self._past.memory is None else self._past.memory.receipts(self._past.session)
        self._past.known = Remembered(told)
        self._watch.listening()
        client = WireClient(self._client_id, self._on_messages, self._clock.monotonic_ns)
        self._login.attach(client)
        self._link.attach(client)
        client.connect_async(*self._address, keepalive=KEEPALIVE_S)
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
        until_ns = self._clock.monotonic_ns() + int(patience_s * SECOND_NS)
        self._acks.wait_for_all(patience_s)
        self._acks.wait_until_seen(client, max(1.0, (until_ns - self._clock.monotonic_ns()) / SECOND_NS))
        client.disconnect()
        # a store that takes nothing keeps the network thread: it must not keep us
        ending = threading.Thread(target=client.loop_stop, name=f"mqtt {self.id} end", daemon=True)
        ending.start()
        ending.join(timeout=5)
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.join(timeout=5)
        self._acks.lost()
        self._link.state = "down"

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        return ConnectionStatus(self.id, self._link.state, dict(self._counters), self._watch.last_good())

    def check_silence(self) -> None:
        """Tells once of each instrument that has sent nothing for longer than its profile allows."""
        self._watch.check_silence()

    def _begin(self, session_present: bool) -> bool:
        """A connection begins; False when the broker has lost a session of which we had messages."""
        known = self._past.known
        if session_present or self._past.memory is None:
            return True
        lost = known.any
        known.begin()
        return not lost

    # ---- messages

    def _on_messages(self, client: WireClient, arrived: Sequence[Arrived]) -> None:
        """What one read of the network thread brought, in order."""
        if self._stopping.is_set() or self._inbox is None:
            return  # not acknowledged: the broker keeps it
        burst = self._acks.may_have_waited()
        self._counters["messages"] += len(arrived)
        group = Group(self.id, client, self._inbox, self._acks, self._watch, self._past)
        # a collector that is closing takes nothing: the broker keeps it
        with contextlib.suppress(RuntimeError):
            self._take_all(client, arrived, burst, group)
            group.hand_over()
        self._acks.touch(client)

    def _take_all(self, client: WireClient, arrived: Sequence[Arrived], burst: bool, group: Group) -> None:
        """Plain messages in a loop of their own: at full rate each call would be felt."""
        now_ns, stations_of, add = self._clock.now_ns, self._topics.stations, group.add
        for message in arrived:
            topic, payload, mid, qos, retain, dup, _ = message
            stations = stations_of(topic)
            if len(stations) == 1 and qos < _EXACTLY_ONCE and not retain and not dup:
                quick = stations[0].quick
                sample = quick(payload, now_ns(), burst) if quick is not None else None
                if sample is not None:
                    timed = sample.time_source in _TIMED
                    if qos and timed:
                        add(stations[0], sample, mid)
                    else:
                        group.take((sample,))
                        group.hears(stations[0], (sample,))
                        group.owe(message, timed=timed)
                    continue
            group.remember()
            self._take(client, message, burst or dup, group)

    def _take(self, client: WireClient, message: Arrived, waited: bool, group: Group) -> None:
        now_ns = self._clock.now_ns()
        payload = message.payload
        topic, stations = message.topic, self._topics.stations(message.topic)
        again = message.dup and message.qos > 0 and self._past.known.has(topic, payload, message.mid)
        if topic is None:
            topic = "(a topic that is not UTF-8)"
        repeats: list[Repeat] = []
        timed = bool(stations)
        if not stations:
            reason = "no instrument of the site file has this topic"
            self._dead(
                DeadLetter(now_ns, self.id, topic, payload, reason), message, group, repeats, again=again
            )
        arrival = Arrival(now_ns, waited, message.retain)
        for station in stations:
            instrument = station.layout.instrument
            try:
                found = _decoded(station, topic, message)
            except MqttRefusal as refusal:
                timed = False
                letter = DeadLetter(now_ns, self.id, topic, payload, str(refusal), instrument)
                self._dead(letter, message, group, repeats, again=again)
                self._ask_birth(client, station, refusal.birth)
                continue
            self._ask_birth(client, station, found.birth)
            if again:  # decoded all the same: what comes after it may need it
                repeats += [Repeat(instrument)] * len(found.samples)
                continue
            samples, clock_off_ns = self._samples(station, found, payload, arrival)
            timed = timed and all(sample.time_source in _TIMED for sample in samples)
            group.take(samples)
            if found.notices or clock_off_ns is not None:
                group.hand_over()  # what is told comes after the samples it is about
            for note in found.notices:
                self._watch.tell(note.kind, note.text, station, time_ns=note.since_ns, end_ns=note.until_ns)
            if clock_off_ns is not None and not message.retain:
                self._watch.heard(station, samples, clock_off_ns)
            elif not message.retain:
                group.hears(station, samples)
        if again:
            self._counters["redelivered"] += 1
            group.repeat(message, repeats)
        else:
            group.owe(message, timed=timed)

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

    def _dead(
        self, letter: DeadLetter, message: Arrived, group: Group, repeats: list[Repeat], *, again: bool
    ) -> None:
        if again:
            repeats.append(Repeat(letter.instrument))
            return
        self._counters["dead_letters"] += 1
        letter = shortened(letter, message.cut)
        group.letter(letter, self._letters.room(len(letter.payload)))

    def _ask_birth(self, client: Client, station: MqttStation, birth: Birth | None) -> None:
        """A Sparkplug node is asked for its birth when it is missed, where the site allows it."""
        if self._rebirths is None or station.command is None or birth is None:
            return
        if birth == "told":
            self._rebirths.born(station.command)
        elif self._rebirths.ask(client, station.command):
            self._counters["rebirth_requests"] += 1
            self._watch.tell(EventKind.NOTE, "the edge node was asked for its birth (NCMD)", station)


def _decoded(station: MqttStation, topic: str, message: Arrived) -> Message:
    payload = message.payload
    if message.cut is not None or len(payload) > DECODED:
        raise MqttRefusal(f"larger than {DECODED} bytes")
    try:
        return station.decoder.message(topic, payload)
    except MqttRefusal:
        raise
    except Exception as error:
        log.debug("%s", topic, exc_info=True)
        raise MqttRefusal(f"it could not be decoded: {type(error).__name__}: {error}") from None
