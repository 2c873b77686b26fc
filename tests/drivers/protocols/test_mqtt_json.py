"""JSON payloads as readings; pure."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import parse_time_ns
from dodac.samples import Flag, Reason
from drivers.catalogue import load_profile
from drivers.profile import ADAPTER, MqttJsonProfile
from drivers.protocols.message import MqttRefusal
from drivers.protocols.mqtt_json import MqttJsonDecoder, time_of


def profile(**changes: Any) -> MqttJsonProfile:
    data: dict[str, Any] = {
        "id": "t.meter",
        "maker": "t",
        "models": ["t"],
        "kind": "electricity",
        "evidence": {"map": ["own"]},
        "protocol": "mqtt_json",
        "topic": "t/{address}",
        "channels": {
            "power_w": {"path": "em.0.kw", "unit": "kW"},
            "energy_import_kwh": {"path": "total.wh", "unit": "Wh", "sentinel": [-1]},
            "voltage_l1_v": {"path": "u.l1", "scale": 0.1, "range": [80, 300]},
        },
        "tests": [{"payload": "{}", "expect": {"power_w": 1}}],
        **changes,
    }
    found = ADAPTER.validate_json(json.dumps(data))
    assert isinstance(found, MqttJsonProfile)
    return found


def decode(payload: Any, **changes: Any) -> tuple[dict[str, float], dict[str, Flag]]:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    found = MqttJsonDecoder(profile(**changes)).decode(text.encode())
    return dict(found.values), {flag.channel: flag for flag in found.flags}


def test_paths_scales_and_units_give_canonical_values() -> None:
    values, flags = decode({"em": [{"kw": 1.5}], "total": {"wh": 12345}, "u": {"l1": 2301}})
    assert values == {"power_w": 1500.0, "energy_import_kwh": 12.345, "voltage_l1_v": pytest.approx(230.1)}
    assert not flags


def test_a_path_that_is_missing_leaves_its_channel_absent() -> None:
    assert decode({"em": [{"kw": 1}], "total": 5, "u": []}) == ({"power_w": 1000.0}, {})


def test_a_key_that_holds_dots_is_found_as_it_stands() -> None:
    assert decode({"em.0.kw": 2})[0] == {"power_w": 2000.0}


@pytest.mark.parametrize(
    "bad", ["null", "NaN", "Infinity", '"12"', "true", "[]", "{}", "1e999", "1" + "0" * 400]
)
def test_what_is_no_number_is_flagged_and_never_a_value(bad: str) -> None:
    values, flags = decode(f'{{"total": {{"wh": {bad}}}}}')
    assert values == {}
    assert flags["energy_import_kwh"].reason == Reason.DECODE


def test_sentinels_and_impossible_values_are_flagged_with_what_was_read() -> None:
    _, flags = decode({"total": {"wh": -1}, "u": {"l1": 65535}})
    assert flags["energy_import_kwh"] == Flag("energy_import_kwh", Reason.SENTINEL, -1.0)
    assert flags["voltage_l1_v"].reason == Reason.OUT_OF_RANGE
    assert flags["voltage_l1_v"].value == pytest.approx(6553.5)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff\xfe", b"5", b"null", b"{} {}", b"[" * 100_000, b"{}", b"[]"]
)
def test_what_can_not_become_readings_is_refused_with_a_reason(payload: bytes) -> None:
    with pytest.raises(MqttRefusal) as caught:
        MqttJsonDecoder(profile()).decode(payload)
    assert str(caught.value)


def test_a_partial_payload_of_an_overlay_profile_is_no_fault() -> None:
    found = MqttJsonDecoder(profile(overlay=True)).decode(b'{"wifi": {"rssi": -60}}')
    assert not found.values
    assert not found.flags


@pytest.mark.parametrize(
    ("form", "payload", "time_ns"),
    [
        ("unix_s", '{"t": 1790000000.123456789}', 1790000000_123456789),
        ("unix_s", '{"t": 1790000000}', 1790000000_000000000),
        ("unix_s", '{"t": "1790000000.5"}', 1790000000_500000000),
        ("unix_ms", '{"t": 1790000000123.456789}', 1790000000_123456789),
        ("unix_us", '{"t": 1790000000123456.789}', 1790000000_123456789),
        ("unix_us", '{"t": 1790000000123456}', 1790000000_123456000),
        ("unix_ns", '{"t": 1790000000123456789}', 1790000000_123456789),
        ("unix_ns", '{"t": "1790000000123456789"}', 1790000000_123456789),
        ("iso", '{"t": "2026-09-21T13:33:20.123456789Z"}', 1789997600_123456789),
        ("iso", '{"t": "2026-09-21T20:33:20,123456789+07:00"}', 1789997600_123456789),
        ("iso_local", '{"t": "2026-09-21T20:33:20"}', 1789997600_000000000),
        ("iso_local", '{"t": "2026-09-21 13:33:20+00:00"}', 1789997600_000000000),
    ],
)
def test_a_payloads_own_time_is_kept_to_the_last_nanosecond(form: str, payload: str, time_ns: int) -> None:
    decoder = MqttJsonDecoder(
        profile(time={"path": "t", "format": form}, overlay=True), zone="Asia/Ho_Chi_Minh"
    )
    assert decoder.decode(payload.encode()).time_ns == time_ns


@given(st.integers(1, 2**63 - 2))
def test_every_nanosecond_survives_the_payload(time_ns: int) -> None:
    seconds, rest = divmod(time_ns, 10**9)
    payload = f'{{"em": [{{"kw": 1.25}}], "t": {seconds}.{rest:09d}}}'
    decoder = MqttJsonDecoder(profile(time={"path": "t", "format": "unix_s"}))
    found = decoder.decode(payload.encode())
    assert found.time_ns == time_ns
    assert found.values == {"power_w": 1250.0}


@pytest.mark.parametrize(
    ("form", "stamp"),
    [
        ("unix_s", None),
        ("unix_s", True),
        ("unix_s", "now"),
        ("unix_s", "NaN"),
        ("unix_s", "1e400"),
        ("unix_s", -5),
        ("unix_s", {}),
        ("iso", 5),
        ("iso", "2026-09-21T13:33:20"),  # no offset: nobody knows which zone
        ("iso", "2026-13-01T00:00:00Z"),
        ("iso", "0001-01-01T00:00:00+14:00"),
        ("iso", "yesterday"),
    ],
)
def test_a_time_that_is_none_says_why_and_keeps_the_readings(form: str, stamp: object) -> None:
    decoder = MqttJsonDecoder(profile(time={"path": "t", "format": form}))
    found = decoder.decode(json.dumps({"em": [{"kw": 1}], "t": stamp}).encode())
    assert found.time_ns is None
    assert found.time_fault
    assert found.values == {"power_w": 1000.0}


def test_nanoseconds_and_microseconds_since_1970_are_exact_too() -> None:
    from zoneinfo import ZoneInfo

    assert time_of(1790000000123456789, "unix_ns", ZoneInfo("UTC")) == 1790000000123456789
    assert time_of(1790000000123456, "unix_us", ZoneInfo("UTC")) == 1790000000123456000
    assert parse_time_ns("2026-09-21T13:33:20+00:00", "UTC") == 1789997600_000000000


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["em", "0", "kw", "total", "wh", "u", "l1", "t"]), inner, max_size=4
            )
        ),
    )
)
def test_no_json_at_all_raises_anything_but_a_refusal(data: Any) -> None:
    for form in ("unix_s", "iso_local"):
        decoder = MqttJsonDecoder(profile(time={"path": "t", "format": form}))
        with contextlib.suppress(MqttRefusal):
            decoder.decode(json.dumps(data).encode())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_no_bytes_at_all_raise_anything_but_a_refusal(payload: bytes) -> None:
    with contextlib.suppress(MqttRefusal):
        MqttJsonDecoder(profile()).decode(payload)


def test_a_number_beyond_all_bounds_spoils_its_reading_and_not_the_message() -> None:
    # fuzzing found decimal.InvalidOperation in the thread of the broker
    decoder = MqttJsonDecoder(load_profile("generic.mqtt-array"))  # type: ignore[arg-type]
    found = decoder.decode(b"[1795327210.125, 1e9999999999999999999, 3.2, 0.5]")
    assert [flag.reason for flag in found.flags] == [Reason.DECODE]
    assert len(found.values) == 2
    assert found.time_ns == 1_795_327_210_125_000_000
    # Python reads no integer of so many digits, the short way takes no note of a number nobody asked for
    payload = b'{"serial": %s, "power_w": 5, "time": "2026-11-22T06:00:00Z"}' % (b"1" * 5000)
    plain = MqttJsonDecoder(load_profile("generic.mqtt-json"))  # type: ignore[arg-type]
    assert plain.decode(payload).values == {"power_w": 5.0}
    assert not plain.decode(payload.replace(b"serial", b"voltage_l1_v")).flags[1:]
