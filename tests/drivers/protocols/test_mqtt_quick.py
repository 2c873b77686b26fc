"""The short way of a plain JSON message gives what the long way gives, or leaves the message to it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import SECOND_NS
from dodac.samples import Layout, Sample
from drivers import load_profiles
from drivers._mqtt_quick import quick_sample
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.profile import MqttJsonProfile
from drivers.protocols.message import MqttRefusal
from drivers.protocols.mqtt_json import MqttJsonDecoder
from drivers.protocols.mqtt_quick import quick_of

T0 = 1_790_000_000
NOW_NS = T0 * SECOND_NS


def profile(time: str = "unix_ms", path: str = "t", **channels: dict[str, Any]) -> MqttJsonProfile:
    made: dict[str, Any] = {
        "id": "test.quick",
        "maker": "t",
        "models": ["t"],
        "kind": "electricity",
        "evidence": {"map": ["own"]},
        "protocol": "mqtt_json",
        "topic": "t",
        "channels": channels
        or {
            "power_w": {"path": "p"},
            "voltage_l1_v": {"path": "a.v"},
            "current_l1_a": {"path": "a.i", "unit": "mA"},
            "energy_import_kwh": {"path": "e", "scale": 0.1, "sentinel": [-1]},
        },
        "tests": [{"payload": "{}", "expect": {"power_w": 1}}],
    }
    if time:
        made["time"] = {"path": path, "format": time}
    return MqttJsonProfile.model_validate_json(json.dumps(made))


NUMBERS = st.one_of(
    st.integers(-10, 300),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 400),
    st.sampled_from([-0.0, -1, -1.0, 10**30, 2**63, 5e-324, 0.1 + 0.2]),
)
ODD = st.one_of(NUMBERS, NUMBERS, NUMBERS, st.none(), st.booleans(), st.text(max_size=3), st.just([1]))
TIMES = st.one_of(
    st.integers(T0 * 1000 - 400_000, T0 * 1000 + 400_000),
    st.floats(T0 * 1000.0 - 10, T0 * 1000.0 + 10),
    st.sampled_from([0, -5, 10**25, "1790000000000", None, True, 1e400]),
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "p": ODD,
        "e": ODD,
        "a": st.one_of(st.fixed_dictionaries({}, optional={"v": ODD, "i": ODD, "x": ODD}), ODD),
        "a.v": NUMBERS,
        "t": TIMES,
        "name": st.text(max_size=5),
        "more": st.one_of(st.lists(ODD, max_size=2), st.dictionaries(st.text(max_size=2), ODD, max_size=2)),
    },
)


def check(found: MqttJsonProfile, payload: bytes, zone: str = "UTC") -> bool:
    """True when the short way took it; it then gave exactly what the long way gives."""
    layout = Layout("m", tuple(found.channels))
    skew_s = found.time.max_skew_s if found.time is not None else None
    quick = quick_sample(layout, found, zone, skew_s)
    assert quick is not None
    took = False
    for waited in (False, True):
        ours = quick(payload, NOW_NS, waited)
        if ours is None:
            continue
        took = True
        decoded = MqttJsonDecoder(found, zone).decode(payload)
        arrival = Arrival(NOW_NS, waited, retained=False)
        stamp = stamp_of(decoded, skew_s, arrival)
        part = part_of(layout, decoded, stamp, 0, partial=False)
        long = stamped(layout, decoded, payload, stamp, arrival, part)
        assert repr(ours) == repr(long)  # NaN is not equal to itself, -0.0 is equal to 0.0
    return took


@settings(max_examples=400, deadline=None, derandomize=True)
@given(MESSAGES, st.sampled_from(["unix_ms", ""]))
def test_the_short_way_never_gives_another_sample(message: dict[str, Any], form: str) -> None:
    check(profile(form), json.dumps(message).encode())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(MESSAGES, st.integers(0, 200), st.binary(max_size=3))
def test_a_damaged_message_is_never_taken_by_the_short_way_alone(
    message: dict[str, Any], at: int, put: bytes
) -> None:
    text = json.dumps({"p": 5, **message}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    payload = text[: at % len(text)] + put + text[at % len(text) + len(put) :]
    try:
        check(profile("unix_ms"), payload)
    except MqttRefusal:
        raise AssertionError(f"refused by the long way: {payload!r}") from None


def test_plain_messages_take_the_short_way() -> None:
    ours = profile("unix_ms")
    assert check(ours, b'{"p":5.5,"a":{"v":230,"i":1200},"e":7,"t":1790000000001}')
    assert check(ours, b'{"p":-0.0,"t":1790000000001}')
    assert check(ours, '{"p":1,"tên":"nhà máy","t":1790000000001}'.encode())
    assert check(ours, b'{"p":1,"p":2,"t":1790000000001.25}')
    assert check(profile(""), b'{"p":5.5}')
    either = profile("", power_w={"path": "p", "text": "comma", "combine": "sum", "null": "absent"})
    assert check(either, b'{"p":5.5}')
    assert not check(either, b'{"p":"5,5"}')
    assert not check(either, b'{"p":[1,2]}')
    assert not check(profile("", power_w={"path": "p"}, voltage_l1_v={"path": "u"}), b'{"p":null,"u":1}')
    iso = profile("iso_local")
    assert check(iso, b'{"p":5.5,"t":"2026-09-21T21:13:20"}', "Asia/Ho_Chi_Minh")
    # the hour that comes twice when summer time ends: which it was, the long way tells
    assert not check(iso, b'{"p":5.5,"t":"2026-10-25T02:30:00"}', "Europe/Berlin")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"p":null,"t":1790000000001}',
        b'{"p":"5","t":1790000000001}',
        b'{"p":true,"t":1790000000001}',
        b'{"p":1e12,"t":1790000000001}',  # out of range
        b'{"e":-1,"t":1790000000001}',  # a sentinel
        b'{"a.v":1,"a":{"v":2},"t":1790000000001}',  # the key with dots goes before the path
        b'{"p":1}',  # no time
        b'{"p":1,"t":1500000000000}',  # a time nobody believes
        b'{"p":1,"name":"\xff","t":1790000000001}',
        b'{"t":1790000000001}',
        b"[1]",
        b"",
    ],
)
def test_what_is_unusual_goes_the_long_way(payload: bytes) -> None:
    assert not check(profile("unix_ms"), payload)


@pytest.mark.parametrize("number", [1790000000123456789, 1790000000123456790, 1790000000123456791])
def test_a_time_is_kept_to_the_nanosecond(number: int) -> None:
    quick = quick_of(profile("unix_ns"))
    assert quick is not None
    found = quick(b'{"p":1,"t":%d}' % number)
    assert found is not None
    assert found[2] == number
    seconds = quick_of(profile("unix_s"))
    assert seconds is not None
    found = seconds(b'{"p":1,"t":%d.%09d}' % divmod(number, SECOND_NS))
    assert found is not None
    assert found[2] == number


def test_paths_that_only_the_long_way_knows_have_no_short_way() -> None:
    for spec in ({"path": "$"}, {"path": "a.*"}, {"path": "a.0"}, {"path": "p", "topic": "t"}):
        assert quick_of(profile("", power_w=spec)) is None
    assert quick_of(profile("", power_w={"path": "a"}, voltage_l1_v={"path": "a.v"})) is None
    assert quick_of(profile("unix_ms", "p", power_w={"path": "p"})) is None


def test_two_channels_of_one_path_and_odd_keys_are_read() -> None:
    both = profile("", voltage_l1_v={"path": "u"}, voltage_l2_v={"path": "u"}, power_w={"path": "em1:0.p-q"})
    assert check(both, b'{"u":230,"em1:0":{"p-q":9}}')


def test_golden_messages_of_the_library_come_out_the_same_on_both_ways() -> None:
    took = 0
    for found in load_profiles().values():
        if not isinstance(found, MqttJsonProfile) or quick_of(found) is None or found.overlay:
            continue
        quick, decoder = quick_of(found), MqttJsonDecoder(found)
        for test in found.tests:
            plain = quick(test.payload.encode()) if quick is not None else None
            if plain is not None:
                took += 1
                long = decoder.decode(test.payload.encode(), test.topic or "")
                good = {n: v for n, v in zip(found.channels, plain[0], strict=True) if not math.isnan(v)}
                assert (good, (), plain[2]) == (long.values, long.flags, long.time_ns)
    assert took


def test_a_sample_of_the_short_way_is_a_sample() -> None:
    quick = quick_sample(Layout("m", ("power_w",)), profile("", power_w={"path": "p"}), "UTC", None)
    assert quick is not None
    assert isinstance(quick(b'{"p":1}', NOW_NS, False), Sample)
    assert quick(b'{"p":1}', NOW_NS, True) is None  # whose time would it be?
