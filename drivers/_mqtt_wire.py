"""paho's client reading many messages at a time and sending acknowledgements joined."""

from __future__ import annotations

import inspect
import logging
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from drivers._mqtt_large import WHOLE, Cut, Large

log = logging.getLogger("dodac.mqtt")

_READ: Final = 1 << 16  # bytes a read: some 400 short messages, handed over together
_TOPICS: Final = 4096  # topics whose text is remembered
_PUBLISH: Final = 0x30
_PUBACK: Final = 0x40
_PUBREC: Final = 0x50
_PUBREL: Final = b"\x62\x02"
_PUBCOMP: Final = 0x70

# what we stand on inside paho: name → its parameters (looked at in paho-mqtt 2.1 and 2.2)
_INSIDE: Final = {
    "loop_read": ["self", "max_packets"],
    "_sock_recv": ["self", "bufsize"],
    "_packet_queue": ["self", "command", "packet", "mid", "qos", "info"],
}


class Arrived(NamedTuple):
    """A published message; topic None: it is not UTF-8; cut: only the begin of its payload is here."""

    topic: str | None
    payload: bytes
    mid: int
    qos: int
    retain: bool
    dup: bool
    cut: Cut | None = None


def misfit(kind: type[Client] = Client) -> str | None:
    """What of paho is not as we know it, in words; None when all is."""
    for name, parameters in _INSIDE.items():
        found = getattr(kind, name, None)
        if found is None:
            return f"it has no {name}"
        if list(inspect.signature(found).parameters) != parameters:
            return f"{name} takes other parameters"
    return None


class WireClient(Client):
    """A session that stays (MQTT 3.1.1, acknowledged by hand) whose messages come in groups.

    on_messages is called from the network thread with what one read brought, in order. paho reads a
    packet byte by byte and sends each acknowledgement with a call of its own, which costs more than
    all we do with a message; here one read serves many packets. Only PUBLISH and PUBREL packets are taken
    out; every other packet goes through paho, in its turn. Where paho is not as we know it, everything
    does, message by message (told in the log).

    QoS 2 is never asked for, but a subscription that another program left in our session may bring it:
    such a message is told when it comes and received() after the commit, where paho would do so before.
    """

    def __init__(
        self,
        client_id: str,
        on_messages: Callable[[WireClient, Sequence[Arrived]], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, manual_ack=True
        )
        fault = misfit()
        if fault is not None:
            log.warning("mqtt: messages are read one by one, as paho does: %s", fault)
        self.grouped = fault is None
        self._on_messages = on_messages
        self._rest = bytearray()
        self._needed = 0  # bytes of _rest that the first packet in it needs
        self._large: Large | None = None
        self._fed: bytes | None = None
        self.ended: OSError | None = None  # what ended the last connection, where it was an error
        self._topic_texts: dict[bytes, str | None] = {}
        self.on_message = self._one
        self._monotonic_ns = monotonic_ns
        self.turned_ns = monotonic_ns()

    @property
    def thread(self) -> threading.Thread | None:
        """The network thread."""
        return self._thread

    def loop_misc(self) -> MQTTErrorCode:
        """Called at each turn of the network thread, at least once a second while there is a connection."""
        self.turned_ns = self._monotonic_ns()
        return super().loop_misc()

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledges messages of QoS 1, in that order."""
        if not self.grouped:
            for mid in mids:
                self.ack(mid, 1)
        elif mids:
            packet = b"".join([_puback(_PUBACK, 2, mid) for mid in mids])
            self._packet_queue(_PUBACK, packet, mids[-1], 1)

    def received(self, mid: int) -> None:
        """Tells the broker that a message of QoS 2 is stored; it need not be sent again."""
        if self.grouped:
            self._packet_queue(_PUBREC, _puback(_PUBREC, 2, mid), mid, 1)
        else:
            self.ack(mid, 2)

    def reconnect(self) -> MQTTErrorCode:
        """As paho does; what an old connection left half-read is forgotten.

        An attempt is a turn too: while a broker is away there is no other.
        """
        self.turned_ns = self._monotonic_ns()
        self._rest.clear()
        self._needed = 0
        self._large = None
        self.ended = None
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Reads once and deals with every whole packet that is here."""
        if not self.grouped:
            return super().loop_read(max_packets)
        try:
            data = super()._sock_recv(_READ)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError as error:
            self.ended = error
            data = b""
        if not data:
            return super().loop_read(max_packets)  # the connection's end: paho meets it too
        if self._large is not None:
            data = self._swallow(self._large, data)
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            data = bytes(self._rest)
            self._rest.clear()
        return self._packets(data)

    def _sock_recv(self, bufsize: int) -> bytes:
        fed = self._fed
        if fed is None:
            return super()._sock_recv(bufsize)
        if not fed:
            raise BlockingIOError
        self._fed = fed[bufsize:]
        return fed[:bufsize]

    def _packets(self, data: bytes) -> MQTTErrorCode:
        found: list[Arrived] = []
        at, end = 0, len(data)
        while at < end:
            body, stop = _bounds(data, at)
            if not stop or stop > end:
                if stop - body > WHOLE and data[at] & 0xF0 == _PUBLISH and data[at] & 6 != 6:
                    self._large = Large(data[at], stop - body)
                    self._large.take(data, body)
                else:
                    self._rest += data[at:]
                    self._needed = stop - at
                break
            message = self._published(data, data[at], body, stop)
            if message is not None:
                found.append(message)
            elif data[at:body] == _PUBREL and stop - body == 2:
                # what it is about was stored before it was told as received
                self._packet_queue(_PUBCOMP, bytes((_PUBCOMP, 2)) + data[body:stop], 0, 1)
            else:
                # in its turn: what came before it has been handed over
                self._hand_over(found)
                found = []
                code = self._through_paho(data[at:stop])
                if code or self._sock is None:
                    return code
            at = stop
        self._hand_over(found)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _published(self, data: bytes, head: int, body: int, stop: int) -> Arrived | None:
        """A PUBLISH; None for what paho deals with."""
        if head & 0xF0 != _PUBLISH or head & 6 == 6 or body + 2 > stop:
            return None
        topic_end = body + 2 + (data[body] << 8 | data[body + 1])
        mid = 0
        start = topic_end
        if head & 6:
            start += 2
            if start > stop:
                return None
            mid = data[topic_end] << 8 | data[topic_end + 1]
        if start > stop or topic_end == body + 2:
            return None
        topic = data[body + 2 : topic_end]
        try:
            text = self._topic_texts[topic]
        except KeyError:
            text = self._text(topic)
        return Arrived(text, data[start:stop], mid, head >> 1 & 3, bool(head & 1), bool(head & 8))

    def _swallow(self, large: Large, data: bytes) -> bytes:
        """Gives it what is its own; what comes after it is given back."""
        end = large.take(data)
        if not large.left:
            self._large = None
            topic, mid, payload, cut = large.parts()
            head = large.head
            arrived = Arrived(_utf8(topic), payload, mid, head >> 1 & 3, bool(head & 1), bool(head & 8), cut)
            self._hand_over([arrived])
        return data[end:]

    def _text(self, topic: bytes) -> str | None:
        if len(self._topic_texts) >= _TOPICS:
            self._topic_texts.clear()
        text = self._topic_texts[topic] = _utf8(topic)
        return text

    def _hand_over(self, found: Sequence[Arrived]) -> None:
        if found:
            self._on_messages(self, found)

    def _through_paho(self, packet: bytes) -> MQTTErrorCode:
        self._fed = packet
        try:
            return super().loop_read()
        finally:
            self._fed = None

    def _one(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = None
        payload = bytes(message.payload)
        arrived = Arrived(topic, payload, message.mid, message.qos, bool(message.retain), bool(message.dup))
        self._on_messages(self, [arrived])


_puback = struct.Struct("!BBH").pack


def _utf8(topic: bytes) -> str | None:
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return None


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where a packet's body begins and ends; (0, 0) when its length is not here yet.

    A length of more than four bytes is none: its packet ends there, and paho refuses it.
    """
    length = shift = 0
    for place in range(at + 1, min(at + 6, len(data))):
        byte = data[place]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return place + 1, place + 1 + length
        shift += 7
    return (len(data), len(data)) if len(data) >= at + 6 else (0, 0)
