"""Messages read in groups are the ones that paho would have read one by one, in the same order."""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from drivers import _mqtt_wire as wire
from drivers._mqtt_large import KEPT, WHOLE, Cut
from drivers._mqtt_wire import Arrived, WireClient, misfit


class Socket:
    """A connection that gives its bytes in the pieces we choose, then what `end` says."""

    def __init__(self, data: bytes, cuts: Sequence[int], end: bytes | Exception = b"") -> None:
        edges = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
        self.pieces = [data[a:b] for a, b in pairwise(edges)]
        self.end = end
        self.sent = b""

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            if isinstance(self.end, Exception):
                raise self.end
            return self.end
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def close(self) -> None:
        pass


def packet(head: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return bytes([head]) + length + body


def publish(topic: bytes, payload: bytes, mid: int, qos: int, retain: bool, dup: bool) -> bytes:
    number = struct.pack("!H", mid) if qos else b""
    head = 0x30 | dup << 3 | qos << 1 | retain
    return packet(head, struct.pack("!H", len(topic)) + topic + number + payload)


def heard(data: bytes, cuts: Sequence[int], *, grouped: bool) -> list[Any]:
    """Everything a client tells of a stream, in order, until the stream ends."""
    told: list[Any] = []
    client = WireClient("c", lambda _client, arrived: told.extend(arrived))
    client.grouped = grouped
    client.on_unsubscribe = lambda _c, _u, mid, *_: told.append(("unsubscribed", mid))
    client.on_disconnect = lambda *_: told.append("lost")
    client._sock = Socket(data, cuts)  # type: ignore[assignment]
    for _ in range(100 + 20 * len(data)):
        if client._sock is None:
            return told
        client.loop_read()
    raise AssertionError("the stream has no end")


def of_qos_0_and_1(told: list[Any]) -> list[Any]:
    """paho tells a message of QoS 2 later than we do, or never."""
    return [one for one in told if not isinstance(one, Arrived) or one.qos < 2]


def mid_of(message: bytes) -> int:
    """The packet identifier of a PUBLISH of QoS 2."""
    body = next(place for place in range(1, 5) if message[place] < 0x80) + 1
    at = body + 2 + int.from_bytes(message[body : body + 2], "big")
    return int.from_bytes(message[at : at + 2], "big")


TOPICS = st.sampled_from([b"a", b"plant/m1", "nhà/máy".encode(), b"\xff\xfe", b"x" * 300])
MESSAGES = st.builds(
    publish,
    TOPICS,
    st.one_of(st.binary(max_size=40), st.binary(min_size=127, max_size=140), st.just(b"z" * 20_000)),
    st.integers(1, 65535),
    st.sampled_from([0, 1, 1, 1, 2]),
    st.booleans(),
    st.booleans(),
)
OTHERS = st.one_of(
    st.integers(1, 65535).map(lambda mid: packet(0xB0, struct.pack("!H", mid))),  # UNSUBACK
    st.just(packet(0xD0, b"")),  # PINGRESP
    st.integers(1, 65535).map(lambda mid: packet(0x62, struct.pack("!H", mid))),  # PUBREL
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.one_of(MESSAGES, MESSAGES, OTHERS), max_size=12), st.lists(st.integers(0, 50_000), max_size=8)
)
def test_no_message_is_lost_or_moved_however_the_stream_is_cut(packets: list[bytes], cuts: list[int]) -> None:
    data = b"".join(packets)
    ours = heard(data, cuts, grouped=True)
    assert of_qos_0_and_1(ours) == of_qos_0_and_1(heard(data, cuts, grouped=False))
    assert ours[-1] == "lost"
    assert [one.mid for one in ours if isinstance(one, Arrived) and one.qos == 2] == [
        mid_of(one) for one in packets if one[0] & 0xF6 == 0x34
    ]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(MESSAGES, max_size=3),
    st.binary(min_size=1, max_size=12),
    st.lists(st.integers(0, 500), max_size=4),
)
def test_rubbish_ends_the_connection_where_paho_would_end_it(
    packets: list[bytes], rubbish: bytes, cuts: list[int]
) -> None:
    data = b"".join(packets) + rubbish
    ours = heard(data, cuts, grouped=True)
    assert of_qos_0_and_1(ours) == of_qos_0_and_1(heard(data, cuts, grouped=False))


def test_what_comes_before_another_packet_is_told_before_it() -> None:
    one, two = (publish(b"t", b"x", mid, 1, False, False) for mid in (1, 2))
    told = heard(one + packet(0xB0, b"\0\x09") + two, [], grouped=True)
    assert told == [
        Arrived("t", b"x", 1, 1, False, False),
        ("unsubscribed", 9),
        Arrived("t", b"x", 2, 1, False, False),
        "lost",
    ]


def test_one_read_serves_many_messages_and_one_packet_acknowledges_them() -> None:
    groups: list[int] = []
    client = WireClient("c", lambda _client, arrived: groups.append(len(arrived)))
    sock = Socket(b"".join(publish(b"t", b"x", mid, 1, False, False) for mid in range(1, 301)), [])
    client._sock = sock  # type: ignore[assignment]
    assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert groups == [300]
    client._thread = object()  # type: ignore[assignment]  # as when the network thread runs: it sends
    client.acknowledge(range(1, 301))
    assert len(client._out_packet) == 1
    assert client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert sock.sent == b"".join(b"\x40\x02" + struct.pack("!H", mid) for mid in range(1, 301))


def test_a_message_of_qos_2_is_not_told_as_received_before_it_is_stored() -> None:
    told: list[Arrived] = []
    client = WireClient("c", lambda _client, arrived: told.extend(arrived))
    publish2 = publish(b"t", b"x", 9, 2, False, False)
    sock = Socket(publish2 + publish2 + packet(0x62, b"\0\x07"), [3], BlockingIOError())
    client._sock = sock  # type: ignore[assignment]
    client.loop_read()
    client.loop_read()
    client.loop_write()
    assert [(one.mid, one.qos) for one in told] == [(9, 2), (9, 2)]
    assert sock.sent == b"\x70\x02\0\x07"  # PUBCOMP of what was received earlier; no PUBREC yet
    client.received(9)
    client.loop_write()
    assert sock.sent[4:] == b"\x50\x02\0\x09"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(WHOLE, WHOLE + 300_000),
    st.sampled_from([b"t", "nhà máy/điện kế".encode(), b"\xff", b"x" * 65_535]),
    st.sampled_from([0, 1, 2]),
    st.lists(st.integers(0, WHOLE + 400_000), max_size=6),
)
def test_a_message_too_large_to_be_decoded_is_never_whole_in_memory(
    size: int, topic: bytes, qos: int, cuts: list[int]
) -> None:
    payload = bytes(range(251)) * (size // 251 + 1)
    small = publish(b"t", b"small", 5, 1, False, False)
    data = small + publish(topic, payload, 7, qos, False, True) + small
    ours = heard(data, cuts, grouped=True)
    assert [one.mid for one in ours[:-1]] == [5, 7 if qos else 0, 5]
    found = ours[1]
    assert found.cut == Cut(len(payload), hashlib.sha256(payload).hexdigest())
    assert found.payload == payload[:KEPT]
    assert (found.qos, found.dup, found.retain) == (qos, True, False)
    assert found.topic == (None if topic == b"\xff" else topic.decode())


def test_half_a_message_of_a_lost_connection_is_not_the_start_of_the_next() -> None:
    told: list[Arrived] = []
    client = WireClient("c", lambda _client, arrived: told.extend(arrived))
    whole = publish(b"t", b"payload", 7, 1, False, False)
    client._sock = Socket(whole[:9], [], BlockingIOError())  # type: ignore[assignment]
    client.loop_read()
    client._host, client._port = "127.0.0.1", 1
    with pytest.raises(OSError):
        client.reconnect()  # nobody there; what was half-read is forgotten all the same
    client._sock = Socket(whole, [])  # type: ignore[assignment]
    client.loop_read()
    assert [one.mid for one in told] == [7]


def test_half_of_a_large_message_of_a_lost_connection_is_not_the_start_of_the_next() -> None:
    told: list[Arrived] = []
    client = WireClient("c", lambda _client, arrived: told.extend(arrived))
    large = publish(b"t", b"x" * (WHOLE + 9), 7, 1, False, False)
    client._sock = Socket(large[:200_000], [], BlockingIOError())  # type: ignore[assignment]
    for _ in range(8):
        client.loop_read()
    client._host, client._port = "127.0.0.1", 1
    with pytest.raises(OSError):
        client.reconnect()
    client._sock = Socket(publish(b"t", b"next", 8, 1, False, False), [])  # type: ignore[assignment]
    client.loop_read()
    assert [one.mid for one in told] == [8]


def test_the_installed_paho_is_as_we_know_it() -> None:
    assert misfit() is None
    # what we call through its own loop, so a renamed method would be passed by silently
    source = Client._loop.__code__.co_names
    assert "loop_read" in source
    assert "_sock_recv" in Client._packet_read.__code__.co_names


def test_another_paho_is_told_and_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Later(Client):
        def _packet_queue(self, packet: bytes) -> MQTTErrorCode:  # type: ignore[override]
            raise NotImplementedError

    later = misfit(Later)
    assert later is not None
    assert "_packet_queue" in later
    monkeypatch.setattr(wire, "misfit", lambda: later)
    told: list[Arrived] = []
    with caplog.at_level(logging.WARNING):
        client = WireClient("c", lambda _client, arrived: told.extend(arrived))
    assert "one by one" in caplog.text
    assert not client.grouped
    sock = Socket(publish(b"t", b"x", 5, 1, False, False), [])
    client._sock = sock  # type: ignore[assignment]
    client.loop_read()
    assert told == [Arrived("t", b"x", 5, 1, False, False)]
    client.acknowledge([5])
    client.loop_write()
    assert sock.sent == b"\x40\x02\0\x05"
