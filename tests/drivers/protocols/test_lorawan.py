"""LoRaWAN uplinks: every moment with its own time, nothing counted twice, losses told."""

from __future__ import annotations

import base64
import contextlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import parse_time_ns
from dodac.contracts import EventKind
from dodac.samples import Layout, Reason, TimeSource
from drivers import load_profile
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.profile import LorawanProfile
from drivers.protocols.lorawan import CODECS, LorawanDecoder, parse_uplink
from drivers.protocols.message import Message, MqttRefusal

CORPUS = Path("/work/shared/data/meters")
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


@pytest.mark.parametrize("codec", sorted(CODECS))
@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data())
def test_any_bytes_give_points_or_a_refusal_and_nothing_else(codec: str, data: st.DataObject) -> None:
    heads = [b"", b"\x1e", b"\x1e\x04\x06", b"\x05\xe1", b"\x21\xce", b"\x20\xce", bytes.fromhex(W1)[:10]]
    payload = data.draw(st.sampled_from(heads)) + data.draw(st.binary(max_size=60))
    with contextlib.suppress(MqttRefusal):
        for point in CODECS[codec](payload):
            assert all(value == value for value in point.values.values())


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


# ---- the corpus: every case of the codecs we have


def _cases(name: str) -> list[dict[str, Any]]:
    path = CORPUS / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


TTN = _cases("lorawan-ttn-MIT/examples.jsonl")
CHIRP = _cases("lorawan-chirpstack-MIT/decode_tests.jsonl")
OURS = {"axioma/qalcosonic-w1", "elvaco/cmi4160", "milesight-iot/em300-di", "milesight/em300-sld-zld"}


def _model(case: dict[str, Any]) -> str:
    if "codec" in case:
        return f"{case['source'].split('/')[1]}/{case['codec']}"
    return str(case["source"]).removeprefix("vendor/").removesuffix("-codec.yaml")


def test_public_payloads_decode_to_their_published_values(capsys: pytest.CaptureFixture[str]) -> None:
    cases = TTN + CHIRP
    if not cases:
        pytest.skip(f"no payloads at {CORPUS}")
    ours = [case for case in cases if _model(case) in OURS]
    for case in ours:
        data, want = bytes.fromhex(case["hex"]), case["expected"]
        match _model(case):
            case "axioma/qalcosonic-w1":
                points = CODECS["axioma_w1"](data)
                totals = [point.values["volume_m3"] for point in points]
                steps = [b - a for a, b in pairwise(totals)]
                assert steps == pytest.approx(want["deltas_m3"], abs=1e-9)
                assert (totals[0], totals[-1]) == (want["log_volume_m3"], want["current_volume_m3"])
                assert totals[-1] - totals[0] == pytest.approx(want["history_total_m3"])
                assert points[-1].time_ns == parse_time_ns(want["timestamp_utc"], "UTC")
                assert not points[-1].faults  # status 0
            case "elvaco/cmi4160":
                (point,) = CODECS["mbus_records"](data)
                names = {
                    "energy_kwh": "energy_kwh",
                    "volume_m3": "volume_m3",
                    "flow_m3h": "volume_flow_m3h",
                    "flow_temperature": "flow_temperature_c",
                    "return_temperature": "return_temperature_c",
                }
                for theirs, name in names.items():
                    assert point.values[name] == pytest.approx(want[theirs])
                assert point.values["power_w"] == pytest.approx(1000 * want["power_kw"])
            case "milesight-iot/em300-di":
                (point,) = CODECS["milesight_em300"](data)
                assert point.values == {"battery_pct": want["battery"], "pulses": want["pulse"]}
            case _ if "report_interval" in want["data"]:
                assert CODECS["milesight_em300"](data) == ()  # an answer to a setting: no readings
            case _:
                (point,) = CODECS["milesight_em300"](data)
                for theirs, name in {"battery": "battery_pct", "temperature": "temperature_c"}.items():
                    assert point.values[name] == pytest.approx(want["data"][theirs])
                assert point.values["humidity_pct"] == want["data"]["humidity"]
    assert {_model(case) for case in ours} == OURS
    with capsys.disabled():
        print(f"\nLoRaWAN corpus: {len(ours)} of {len(cases)} public payloads are of codecs we have")  # noqa: T201
