"""Sparkplug B: an alias without its birth is never a reading, and every loss is told."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.contracts import EventKind
from dodac.samples import Reason
from drivers import load_profile
from drivers.profile import SparkplugProfile
from drivers.protocols.message import MqttRefusal
from drivers.protocols.sparkplug import Address, SparkplugDecoder
from drivers.protocols.sparkplug_wire import Metric, decode

T = 1_795_327_210_000
DOUBLE = 10


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def put(field: int, value: float | bytes | str) -> bytes:
    """One field: whole numbers as varint, floats as 64 bits, the rest by length."""
    if isinstance(value, float):
        return varint(field << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def metric(
    value: float | None = None,
    *,
    name: str = "",
    alias: int | None = None,
    kind: int = 0,
    ms: int | None = T,
    historical: bool = False,
    quality: int | None = None,
) -> bytes:
    out = put(1, name) if name else b""
    out += put(2, alias) if alias is not None else b""
    out += put(3, ms) if ms is not None else b""
    out += put(4, kind) if kind else b""
    out += put(5, 1) if historical else b""
    if quality is not None:
        out += put(9, put(1, "Quality") + put(2, put(1, 3) + put(3, quality)))
    if value is None:
        return out + put(7, 1)
    return out + (put(11, value) if isinstance(value, int) else put(13, value))


def payload(seq: int | None, *metrics: bytes, ms: int = T) -> bytes:
    return put(1, ms) + b"".join(put(2, m) for m in metrics) + (put(3, seq) if seq is not None else b"")


def node(kind: str) -> str:
    return f"spBv1.0/g/{kind}/n"


def device(kind: str, name: str = "d") -> str:
    return f"spBv1.0/g/{kind}/n/{name}"


NBIRTH = payload(0, metric(3, name="bdSeq", kind=8))
DBIRTH = payload(
    1,
    metric(800.0, name="power_w", alias=10, kind=DOUBLE),
    metric(12.5, name="energy_import_kwh", alias=11, kind=DOUBLE),
)


def fresh(*, born: bool = True) -> SparkplugDecoder:
    profile = load_profile("generic.sparkplug")
    assert isinstance(profile, SparkplugProfile)
    decoder = SparkplugDecoder(profile, Address.parse("g/n/d"))
    if born:
        assert decoder.message(node("NBIRTH"), NBIRTH).samples == ()
        (first,) = decoder.message(device("DBIRTH"), DBIRTH).samples
        assert first.values == {"power_w": 800.0, "energy_import_kwh": 12.5}
        assert first.time_ns == T * 1_000_000
    return decoder


def values(decoder: SparkplugDecoder, topic: str, data: bytes) -> list[dict[str, float]]:
    return [dict(sample.values) for sample in decoder.message(topic, data).samples]


def test_an_alias_is_a_reading_only_after_the_birth_that_names_it() -> None:
    data = payload(2, metric(810.0, alias=10))
    decoder = fresh(born=False)
    with pytest.raises(MqttRefusal, match="before the node's birth"):
        decoder.message(device("DDATA"), data)
    with pytest.raises(MqttRefusal, match="before its node's"):
        decoder.message(device("DBIRTH"), DBIRTH)
    decoder.message(node("NBIRTH"), NBIRTH)
    with pytest.raises(MqttRefusal, match="before the device's birth"):
        decoder.message(device("DDATA"), payload(1, metric(810.0, alias=10)))
    assert values(fresh(), device("DDATA"), data) == [{"power_w": 810.0}]
    with pytest.raises(MqttRefusal, match="alias 99"):
        fresh().message(device("DDATA"), payload(2, metric(1.0, alias=99)))


def test_a_new_birth_of_the_node_forgets_the_old_aliases() -> None:
    decoder = fresh()
    decoder.message(node("NBIRTH"), NBIRTH)
    with pytest.raises(MqttRefusal, match="before the device's birth"):
        decoder.message(device("DDATA"), payload(1, metric(810.0, alias=10)))
    swapped = payload(1, metric(5.5, name="energy_import_kwh", alias=10, kind=DOUBLE))
    decoder.message(device("DBIRTH"), swapped)
    assert values(decoder, device("DDATA"), payload(2, metric(6.5, alias=10))) == [{"energy_import_kwh": 6.5}]


def test_after_a_lost_message_aliases_are_not_trusted_until_the_next_birth() -> None:
    decoder = fresh()
    with pytest.raises(MqttRefusal, match="unsure until the next birth"):
        decoder.message(device("DDATA"), payload(5, metric(810.0, alias=10)))
    named = decoder.message(device("DDATA"), payload(6, metric(811.0, name="power_w", kind=DOUBLE)))
    assert named.samples[0].values == {"power_w": 811.0}
    assert [notice.text for notice in named.notices] == [
        "messages of the edge node are lost (sequence 1 → 5)"
    ]
    with pytest.raises(MqttRefusal, match="unsure"):
        decoder.message(device("DDATA"), payload(7, metric(812.0, alias=10)))
    decoder.message(node("NBIRTH"), NBIRTH)
    decoder.message(device("DBIRTH"), DBIRTH)
    assert values(decoder, device("DDATA"), payload(2, metric(813.0, alias=10))) == [{"power_w": 813.0}]


def test_the_sequence_wraps_counts_the_whole_node_and_may_repeat() -> None:
    decoder = fresh()
    for seq in (*range(2, 256), 0, 1, 1, 2):
        other = decoder.message(device("DDATA", "other"), payload(seq, metric(1.0, alias=77)))
        assert other.samples == () == other.notices
    assert values(decoder, device("DDATA"), payload(3, metric(820.0, alias=10))) == [{"power_w": 820.0}]


def test_stored_values_keep_their_own_times_and_are_told_as_history() -> None:
    found = fresh().message(
        device("DDATA"),
        payload(
            2,
            metric(820.0, alias=10),
            metric(790.0, alias=10, ms=T - 7_200_000, historical=True),
            metric(12.75, alias=11, ms=T),
            metric(791.0, alias=10, ms=T - 3_600_000, historical=True),
        ),
    )
    assert [((s.time_ns or 0) // 1_000_000 - T, s.history, dict(s.values)) for s in found.samples] == [
        (-7_200_000, True, {"power_w": 790.0}),
        (-3_600_000, True, {"power_w": 791.0}),
        (0, False, {"power_w": 820.0, "energy_import_kwh": 12.75}),
    ]


def test_null_bad_quality_and_wrong_types_are_flagged() -> None:
    bad = (
        metric(None, alias=10),
        metric(13.0, alias=11, quality=500),
        metric(math.nan, name="frequency_hz", kind=DOUBLE),
        metric(5, name="current_l1_a", kind=DOUBLE),  # a whole number where a double was announced
    )
    (sample,) = fresh().message(device("DDATA"), payload(2, *bad)).samples
    assert {flag.channel: flag.reason for flag in sample.flags} == {
        "power_w": Reason.DECODE,
        "energy_import_kwh": Reason.DEVICE_STATUS,
        "frequency_hz": Reason.DECODE,
        "current_l1_a": Reason.DECODE,
    }
    assert not sample.values


def test_a_death_flags_every_channel_once_and_a_birth_tells_the_gap() -> None:
    decoder = fresh()
    old_will = payload(None, metric(2, name="bdSeq", kind=8))
    assert decoder.message(node("NDEATH"), old_will).samples == ()
    death = decoder.message(node("NDEATH"), payload(None, metric(3, name="bdSeq", kind=8)))
    assert {flag.reason for flag in death.samples[0].flags} == {Reason.NO_ANSWER}
    assert death.samples[0].time_ns is None
    assert [notice.kind for notice in death.notices] == [EventKind.FAULT_START]
    assert decoder.message(node("NDEATH"), payload(None)).notices == ()
    with pytest.raises(MqttRefusal, match="before the node's birth"):
        decoder.message(device("DDATA"), payload(2, metric(1.0, alias=10)))
    decoder.message(node("NBIRTH"), NBIRTH)
    later = payload(1, metric(700.0, name="power_w", alias=10, kind=DOUBLE, ms=T + 60_000))
    back = decoder.message(device("DBIRTH"), later)
    assert [(n.kind, n.since_ns, n.until_ns) for n in back.notices] == [
        (EventKind.FAULT_END, None, None),
        (EventKind.GAP, T * 1_000_000, (T + 60_000) * 1_000_000),
    ]


def test_a_device_that_dies_alone_is_told_and_commands_of_others_are_nothing() -> None:
    decoder = fresh()
    assert decoder.message(device("DCMD"), b"anything").samples == ()
    assert len(decoder.message(device("DDEATH"), payload(2)).samples) == 1
    with pytest.raises(MqttRefusal, match="before the device's birth"):
        decoder.message(device("DDATA"), payload(3, metric(1.0, alias=10)))


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        *((1, 0xFF, -1), (2, 0xFFFF, -1), (3, 0xFFFFFFFF, -1), (4, 2**64 - 1, -1), (2, 0x7FFF, 32767)),
        *((3, 2**64 - 5, -5), (5, 200, 200), (8, 2**63, 2.0**63)),
    ],
)
def test_whole_numbers_have_the_sign_of_their_datatype(kind: int, sent: int, value: float) -> None:
    (found,) = decode(payload(1, metric(sent, alias=1, kind=kind))).metrics
    assert found.number(0) == value
    assert found.number(DOUBLE) == value  # the message's own datatype counts


def test_texts_and_truth_values_are_no_numbers() -> None:
    assert Metric(value=1, whole=True, datatype=11).number(0) is None
    assert Metric(value=1, whole=True).number(0) is None


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\x0a\x05ab", b"\x00", b"\x0b", b"\x08" + b"\xff" * 11, b"\x12\x03\x0a\x01\xff"]
)
def test_bytes_that_are_no_payload_are_refused(bad: bytes) -> None:
    with pytest.raises(MqttRefusal, match="no Sparkplug payload"):
        fresh().message(device("DDATA"), bad)


@pytest.mark.parametrize(
    "topic", ["x", "spBv1.0/g/DDATA/n", "spBv1.0/g/NDATA/n/d", "spBv1.0/g/XDATA/n", "spBv1.0/g/NOTHING/n"]
)
def test_topics_that_are_none_are_refused(topic: str) -> None:
    with pytest.raises(MqttRefusal):
        fresh().message(topic, NBIRTH)


@pytest.mark.parametrize("text", ["", "g", "g/n/d/e", "g//d", "g/+/d", "g/n/#", "/n"])
def test_an_address_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="GROUP/NODE/DEVICE"):
        Address.parse(text)


_PART = st.binary(max_size=12) | st.builds(
    metric,
    st.none() | st.floats() | st.integers(0, 2**64 - 1),
    name=st.sampled_from(["", "power_w", "bdSeq", "x"]),
    alias=st.none() | st.sampled_from([10, 11, 99]),
    kind=st.integers(0, 40),
    ms=st.none() | st.sampled_from([0, T, 2**63, 2**64 - 1]),
    historical=st.booleans(),
    quality=st.none() | st.integers(0, 600),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    node("NBIRTH"),
                    device("DBIRTH"),
                    device("DDATA"),
                    node("NDATA"),
                    node("NDEATH"),
                    device("DDEATH"),
                ]
            ),
            st.binary(max_size=40)
            | st.builds(
                lambda seq, parts: payload(seq, *parts), st.integers(0, 300), st.lists(_PART, max_size=4)
            ),
        ),
        max_size=8,
    )
)
def test_any_messages_give_readings_or_refusals_and_nothing_else(messages: list[tuple[str, bytes]]) -> None:
    decoder = fresh()
    for topic, data in messages:
        with contextlib.suppress(MqttRefusal):
            for sample in decoder.message(topic, data).samples:
                assert all(math.isfinite(value) for value in sample.values.values())
                assert not set(sample.values) & {flag.channel for flag in sample.flags}


def test_a_birth_is_missed_only_when_data_can_not_be_read_surely() -> None:
    decoder = fresh(born=False)
    assert decoder.message("spBv1.0/STATE/scada", b"ONLINE").birth is None
    data = payload(2, metric(810.0, alias=10))
    with pytest.raises(MqttRefusal) as refused:
        decoder.message(device("DDATA"), data)
    assert refused.value.birth == "missed"
    # another device's data before the births tell the same
    assert decoder.message(device("DDATA", "other"), data).birth == "missed"
    assert decoder.message(node("NBIRTH"), NBIRTH).birth is None
    assert decoder.message(device("DBIRTH"), DBIRTH).birth == "told"
    assert decoder.message(device("DDATA"), data).birth is None
    lost = decoder.message(device("DDATA", "other"), payload(9, metric(1.0, alias=77)))
    assert lost.birth == "missed"  # what was lost may have been a birth with other aliases
    assert decoder.message(device("DDEATH"), payload(10)).birth is None
    assert decoder.message(device("DDATA", "other"), payload(11, metric(1.0, alias=77))).birth is None


def test_messages_sent_again_after_a_break_are_no_lost_ones() -> None:
    decoder = fresh()
    sent = [(device("DDATA"), payload(seq, metric(800.0 + seq, alias=10))) for seq in (2, 3, 4)]
    first = [values(decoder, topic, data) for topic, data in sent]
    # the broker saw no acknowledgement of any of them
    assert [values(decoder, topic, data) for topic, data in sent] == first
    after = decoder.message(device("DDATA"), payload(5, metric(805.0, alias=10)))
    assert (after.samples[0].values, after.notices) == ({"power_w": 805.0}, ())
