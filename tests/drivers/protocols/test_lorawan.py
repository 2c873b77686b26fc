"""LoRaWAN uplinks: every moment with its own time, nothing counted twice, losses told."""

from __future__ import annotations

import base64
import contextlib
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import parse_time_ns
from dodac.contracts import EventKind
from dodac.samples import Layout, Reason, TimeSource
from drivers import load_profile, load_profiles
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.catalogue import parse_profile
from drivers.golden import check
from drivers.profile import LorawanProfile
from drivers.protocols.lorawan import LorawanDecoder
from drivers.protocols.lorawan_uplink import OtherEvent, Uplink, parse_uplink
from drivers.protocols.message import Message, MqttRefusal

NET = parse_time_ns("2026-11-22T06:00:05Z", "UTC") + 123_456_789
W1 = load_profile("axioma.qalcosonic-w1").tests[0].payload  # type: ignore[union-attr]
EM300 = "01755C05E10A000A0000409A44"


def decoder(id: str) -> LorawanDecoder:
    profile = load_profile(id)
    assert isinstance(profile, LorawanProfile)
    return LorawanDecoder(profile)


def chirpstack(payload: str, port: int, count: int, name: str = "", **more: Any) -> bytes:
    told = {
        "deduplicationId": name or f"3ac7e3c4-{count}",
        "time": "2026-11-22T06:00:05.123456789+00:00",
        "deviceInfo": {"devEui": "24e124136b502217", "deviceName": "w"},
        "fCnt": count,
        "fPort": port,
        "data": base64.b64encode(bytes.fromhex(payload)).decode(),
        "rxInfo": [{"rssi": -95}],
    }
    return json.dumps({**told, **more}).encode()


def things(data: str, **inner: Any) -> bytes:
    uplink = {
        "session_key_id": "AYx",
        "frm_payload": base64.b64encode(bytes.fromhex(data)).decode(),
        "received_at": "2026-11-22T06:00:05.123456789Z",
        **inner,
    }
    return json.dumps({"end_device_ids": {"device_id": "w"}, "uplink_message": uplink}).encode()


def kinds(message: Message) -> list[tuple[EventKind, int | None]]:
    return [(notice.kind, notice.since_ns) for notice in message.notices]


def test_a_days_uplink_gives_24_totals_an_hour_apart_at_the_meters_time() -> None:
    found = decoder("axioma.qalcosonic-w1").message("", chirpstack(W1, 100, 7)).samples
    times = [decoded.time_ns or 0 for decoded in found]
    assert len(found) == 24
    assert {b - a for a, b in pairwise(times)} == {3600 * 10**9}
    assert times[-1] == parse_time_ns("2026-11-22T06:00:00Z", "UTC")
    totals = [decoded.values["volume_m3"] for decoded in found]
    assert totals == sorted(totals)
    assert {decoded.time_source for decoded in found} == {TimeSource.DEVICE}


@pytest.mark.parametrize("off_s", [86_400, -82_800])
def test_a_meter_whose_clock_is_wrong_gives_no_readings_at_its_times(off_s: int) -> None:
    w1 = decoder("axioma.qalcosonic-w1")
    late = bytes.fromhex(W1)
    late = late[:1] + (int.from_bytes(late[1:5], "little") + off_s).to_bytes(4, "little") + late[5:]
    layout = Layout("w", ("volume_m3",))
    parts = set()
    for place, decoded in enumerate(w1.message("", chirpstack(late.hex(), 100, 7)).samples):
        arrival = Arrival(NET, waited=False, retained=False)
        stamp = stamp_of(decoded, w1.profile.max_skew_s, arrival)
        part = part_of(layout, decoded, stamp, place, partial=False)
        sample = stamped(layout, decoded, b"", stamp, arrival, part)
        assert [flag.reason for flag in sample.flags] == [Reason.TIME_UNKNOWN]
        parts.add((sample.time_ns, sample.part))
    assert len(parts) == 24  # none hides another in the journal


def test_stored_points_come_once_and_the_live_reading_has_the_networks_time() -> None:
    stored = "21CE108A016B22017B00020 00A000A0000209A44".replace(" ", "")
    found = decoder("milesight.em300-di").message("", chirpstack(stored * 3 + EM300, 85, 1)).samples
    assert [decoded.values["volume_m3"] for decoded in found] == [1233.0, 1234.0]
    assert [decoded.history for decoded in found] == [True, False]
    assert (found[1].time_ns, found[1].time_source) == (NET, TimeSource.NETWORK)


def test_uplinks_lost_by_radio_are_a_gap_and_one_told_twice_is_none() -> None:
    em300 = decoder("milesight.em300-di")
    assert kinds(em300.message("", chirpstack(EM300, 85, 10))) == []
    assert kinds(em300.message("", chirpstack(EM300, 85, 11))) == []
    assert kinds(em300.message("", chirpstack(EM300, 85, 15))) == [(EventKind.GAP, NET)]
    # the broker sends two of them again after a break
    assert kinds(em300.message("", chirpstack(EM300, 85, 11))) == []
    assert kinds(em300.message("", chirpstack(EM300, 85, 15))) == []
    assert kinds(em300.message("", chirpstack(EM300, 85, 0))) == [(EventKind.NOTE, None)]
    assert kinds(em300.message("", chirpstack(EM300, 85, 1))) == []


def test_what_the_things_stack_leaves_out_is_zero() -> None:
    uplink = parse_uplink(things(EM300, f_port=85))
    assert isinstance(uplink, Uplink)
    assert (uplink.count, uplink.port, uplink.time_ns) == (0, 85, NET)
    em300 = decoder("milesight.em300-di")
    assert len(em300.message("", things(EM300, f_port=85)).samples) == 1
    assert kinds(em300.message("", things(EM300, f_port=85, f_cnt=2))) == [(EventKind.GAP, NET)]
    assert em300.message("", things("")).samples == ()  # no payload, port 0: the network's own
    assert em300.message("", things(EM300, f_port=2)).samples == ()  # not the port of readings


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "not JSON"),
        (b"[" * 99_999, "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not an uplink"),
        (b'{"deviceInfo": {}, "joinEui": ""}', "not an uplink"),
        (chirpstack("", 85, 1, data="%%%"), "base64"),
        (chirpstack("", 85, 1, data=5), "base64"),
        (chirpstack(EM300, 85, -1), "fCnt"),
        (chirpstack(EM300, 85, True), "fCnt"),
        (chirpstack("0177", 85, 1), "not known"),
        (chirpstack("05E10A", 85, 1), "cut short"),
    ],
)
def test_what_is_no_uplink_is_refused_with_a_reason(payload: bytes, words: str) -> None:
    with pytest.raises(MqttRefusal, match=words):
        decoder("milesight.em300-di").message("", payload)


PROFILES = {p.id: p for p in load_profiles().values() if isinstance(p, LorawanProfile)}


@settings(derandomize=True, deadline=None, max_examples=1500)
@given(st.data())
def test_any_bytes_give_points_or_a_refusal_and_nothing_else(data: st.DataObject) -> None:
    profile = PROFILES[data.draw(st.sampled_from(sorted(PROFILES)))]
    test = data.draw(st.sampled_from(profile.tests))
    payload = bytearray(bytes.fromhex(test.payload))
    for _ in range(data.draw(st.integers(0, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    told = bytes(payload[:cut]) + data.draw(st.binary(max_size=30))
    made = json.loads(test.object) if test.object else None
    port = data.draw(st.sampled_from([test.port, 1, 223]))
    decoder = LorawanDecoder(profile)
    with contextlib.suppress(MqttRefusal):
        points, _ = decoder.points(Uplink("", port, 0, told, NET, made))
        for decoded in decoder.readings(points, NET):
            assert all(math.isfinite(value) for value in decoded.values.values())
            assert not set(decoded.values) & {flag.channel for flag in decoded.flags}


@pytest.mark.parametrize(
    ("topic", "told", "kind"),
    [
        ("application/a/device/1/event/join", {"deviceInfo": {}, "devAddr": "00"}, "join"),
        ("", {"deviceInfo": {}, "devAddr": "00"}, "join"),
        ("", {"deviceInfo": {}, "queueItemId": "1", "acknowledged": True}, "ack"),
        ("", {"deviceInfo": {}, "downlinkId": 1, "txInfo": {}}, "txack"),
        ("", {"deviceInfo": {}, "margin": 5, "batteryLevel": 88}, "status"),
        ("x/event/location", {"deviceInfo": {}}, "location"),
        ("", {"deviceInfo": {}, "level": "ERROR", "code": "UPLINK_F_CNT", "description": "x"}, "log"),
        ("v3/a@t/devices/w/join", {"end_device_ids": {}, "join_accept": {}}, "join"),
        ("v3/a@t/devices/w/down/sent", {"end_device_ids": {}, "downlink_sent": {}}, "sent"),
        ("", {"end_device_ids": {}, "downlink_ack": {}}, "downlink_ack"),
    ],
)
def test_joins_and_acknowledgements_are_no_readings_and_no_fault(topic: str, told: Any, kind: str) -> None:
    payload = json.dumps(told).encode()
    found = parse_uplink(payload, topic)
    assert isinstance(found, OtherEvent)
    assert found.kind == kind
    message = decoder("milesight.em300-di").message(topic, payload)
    assert message.samples == ()
    assert [notice.kind for notice in message.notices] == [EventKind.NOTE] * (kind in ("join", "log"))


def test_an_uplink_of_another_device_on_a_topic_too_wide_is_never_ours() -> None:
    profile = load_profile("milesight.em300-di")
    assert isinstance(profile, LorawanProfile)
    ours = LorawanDecoder(profile, "24E124136B502217")
    assert ours.message("", chirpstack(EM300, 85, 1)).samples
    with pytest.raises(MqttRefusal, match="another device"):
        ours.message("", chirpstack(EM300, 85, 2, deviceInfo={"devEui": "24e124136b502218"}))
    other = {"end_device_ids": {"dev_eui": "24E124136B502218"}, "uplink_message": {"f_port": 85}}
    with pytest.raises(MqttRefusal, match="another device"):
        ours.message("", json.dumps(other).encode())


def test_chirpstack_3_is_read_too() -> None:
    told = {
        "applicationID": "1",
        "devEUI": "JOEkE2tQIhc=",
        "rxInfo": [{"time": None}, {"time": "2026-11-22T06:00:05.123456789Z"}],
        "fCnt": 7,
        "fPort": 85,
        "data": base64.b64encode(bytes.fromhex(EM300)).decode(),
        "objectJSON": '{"battery": 92}',
    }
    (found,) = decoder("milesight.em300-di").message("", json.dumps(told).encode()).samples
    assert found.values == {"volume_m3": 1234.0}
    assert (found.time_ns, found.time_source) == (NET, TimeSource.NETWORK)


OBJECT = """
id: own.decoded
maker: t
models: [t]
kind: electricity
evidence: {map: [own]}
protocol: lorawan
codec: object
channels:
  power_w: {field: "values.power.value", unit: kW}
  energy_import_kwh: {field: [t1, t2], unit: Wh, kind: counter}
tests:
  - {object: '{"values": {"power": {"value": 1.5}}, "t1": 1000, "t2": 500}', expect: {power_w: 1500, energy_import_kwh: 1.5}}
"""


def test_what_the_network_server_decoded_is_read_by_path() -> None:
    profile = parse_profile(OBJECT, Path("own.decoded.yaml"))
    assert isinstance(profile, LorawanProfile)
    assert check(profile) == []
    own = LorawanDecoder(profile)
    made = {"values": {"power": {"value": 2}}, "t1": 3000, "t2": 1}
    (found,) = own.message("", chirpstack("", 5, 1, data=None, object=made)).samples
    assert found.values == {"power_w": 2000.0, "energy_import_kwh": 3.001}
    inner = {"uplink_message": {"f_port": 5, "decoded_payload": {"t1": 5}}, "end_device_ids": {}}
    (found,) = own.message("", json.dumps(inner).encode()).samples
    assert [(flag.channel, flag.reason) for flag in found.flags] == [("energy_import_kwh", Reason.DECODE)]
    bare = {"deviceInfo": {}, "fPort": 5, "object": {"values": {"power": {"value": 3}}}}
    (found,) = own.message("", json.dumps(bare).encode()).samples
    assert found.values == {"power_w": 3000.0}
    with pytest.raises(MqttRefusal, match="none of the profile's paths"):
        own.message("", chirpstack("", 5, 2, object={"x": 1}))
    # a profile of the device's bytes says what is missing
    with pytest.raises(MqttRefusal, match="not the device's bytes"):
        decoder("milesight.em300-di").message("", chirpstack("", 85, 3, object={"water": 5}))


def test_a_block_nobody_knows_is_told_once_and_what_stands_before_it_is_read() -> None:
    em300 = decoder("milesight.em300-di")
    notices = []
    for count in (1, 2):
        found = em300.message("", chirpstack(EM300 + "77AA00", 85, count))
        assert found.samples[0].values == {"volume_m3": 1234.0}
        notices += [notice.text for notice in found.notices]
    assert notices == ["a payload was read up to the block 77aa, which is not known"]


@settings(derandomize=True, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["deviceInfo", "fCnt", "fPort", "data", "time", "uplink_message", "deduplicationId"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.just({"f_cnt": []}),
    )
)
def test_any_envelope_gives_an_uplink_or_a_refusal_and_nothing_else(told: dict[str, Any]) -> None:
    with contextlib.suppress(MqttRefusal):
        decoder("elvaco.cmi4160").message("", json.dumps(told).encode())


@pytest.mark.parametrize("other", [
    "44 06 01 00 00 00",  # of the month before (storage 1)
    "84 10 06 01 00 00 00",  # of tariff 1
    "84 40 06 01 00 00 00",  # of the second meter behind the module
    "04 86 3B 01 00 00 00",  # forward only
    "14 06 01 00 00 00",  # a maximum
    "34 06 01 00 00 00",  # held back
])  # fmt: skip
def test_another_register_of_a_heat_meter_is_not_its_reading(other: str) -> None:
    payload = f"1E {other} 04 06 39 30 00 00"
    (found,) = decoder("elvaco.cmi4160").message("", chirpstack(payload, 2, 1)).samples
    assert (dict(found.values), found.flags) == ({"heat_kwh": 12345}, ())


def test_hourly_steps_with_an_unknown_multiplier_are_no_volumes() -> None:
    data = bytes.fromhex(W1)
    with pytest.raises(MqttRefusal, match="multiplier"):
        decoder("axioma.qalcosonic-w1").message("", chirpstack((data[:-1] + b"\x04").hex(), 100, 1))
