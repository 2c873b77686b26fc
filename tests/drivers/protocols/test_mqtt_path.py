"""Paths into JSON and what counts as a number: never a guess, never more than what stands there."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.samples import Flag, Reason
from drivers.profile import ADAPTER, MqttJsonProfile
from drivers.protocols.message import MqttRefusal
from drivers.protocols.mqtt_json import MqttJsonDecoder
from drivers.protocols.mqtt_path import ABSENT, Many, follow, number_of, total_of, words_of

DATA = {
    "emeters": [{"power": 1}, {"power": 2}, {}],
    "sensors": [{"id": "t.1", "v": 5}, {"id": 7, "v": 6}],
    "a.b": 9,
    "*": 3,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("emeters.1.power", 2),
        ("emeters.9.power", ABSENT),
        ("emeters.٣.power", ABSENT),
        ("emeters.99999999999999999999.power", ABSENT),
        ("emeters.*.power", [1, 2]),
        ("emeters.*.volt", ABSENT),
        ("sensors.[id=t.1].v", 5),
        ("sensors[id=7].v", 6),
        ("sensors.[id=8].v", ABSENT),
        ("sensors.[v].v", ABSENT),
        ("a.b", 9),
        ("*", 3),
        ("a.b.c", ABSENT),
    ],
)
def test_a_path_leads_to_what_stands_there_and_nowhere_else(path: str, found: Any) -> None:
    got = follow(DATA, words_of(path), path)
    if found is ABSENT:
        assert got is ABSENT
    else:
        assert got == found
        assert isinstance(got, Many) == ("*." in path)


@pytest.mark.parametrize(
    ("found", "mark", "number"),
    [
        (5, None, 5.0),
        (Decimal("5.5"), None, 5.5),
        (True, None, None),
        (None, None, None),
        ("12.5", None, None),
        ("12.5", "point", 12.5),
        (" -1.5e3 ", "point", -1500.0),
        ("12,5", "point", None),
        ("12,5", "comma", 12.5),
        ("1.234", "comma", None),
        ("1.234,5", "comma", None),
        ("NaN", "point", None),
        ("inf", "point", None),
        ("1_000", "point", None),
        ("٣", "point", None),
        ("", "point", None),
        ("1" * 65, "point", None),
        (float("nan"), None, None),
        (10**400, None, None),
        ("1e999", "point", None),
    ],
)
def test_text_is_a_number_only_where_the_profile_says_so(found: Any, mark: Any, number: float | None) -> None:
    assert number_of(found, mark) == number


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32).map(float))
def test_a_number_in_text_is_the_number_itself(value: float) -> None:
    assert number_of(repr(value), "point") == value


def test_no_total_without_all_its_parts() -> None:
    assert total_of([1, Decimal("2.5")]) == 3.5
    assert total_of([1, None]) is None
    assert total_of([]) is None
    assert total_of(["1,5", "2"], "comma") == 3.5
    assert total_of([1.7e308, 1.7e308]) is None


def profile(**channel: Any) -> MqttJsonProfile:
    told = {
        "id": "t.meter",
        "maker": "t",
        "models": ["t"],
        "kind": "electricity",
        "evidence": {"map": ["own"]},
        "protocol": "mqtt_json",
        "topic": "t/{address}/a",
        "also": [
            {"topic": "t/{address}/b", "under": "in.it"},
            {"topic": "t/{address}/c", "stands_at": "x.y"},
        ],
        "channels": {"power_w": channel},
        "tests": [{"payload": "{}", "expect": {"power_w": 1}}],
    }
    found = ADAPTER.validate_json(json.dumps(told))
    assert isinstance(found, MqttJsonProfile)
    return found


def test_several_things_at_one_path_are_no_reading_unless_they_are_to_be_summed() -> None:
    payload = b'{"e": [{"p": 1.5}, {"p": 2}]}'
    assert MqttJsonDecoder(profile(path="e.*.p", combine="sum")).decode(payload).values == {"power_w": 3.5}
    assert MqttJsonDecoder(profile(path="e.*.p")).decode(payload).flags == (Flag("power_w", Reason.DECODE),)


def test_null_of_a_sensor_that_is_not_there_is_absent_where_the_profile_says_so() -> None:
    payload = b'{"p": null}'
    assert MqttJsonDecoder(profile(path="p")).decode(payload).flags[0].reason == Reason.DECODE
    with pytest.raises(MqttRefusal, match="none of the profile's paths"):
        MqttJsonDecoder(profile(path="p", null="absent")).decode(payload)


def test_other_topics_of_a_model_bring_the_same_values_in_their_own_shape() -> None:
    decoder = MqttJsonDecoder(profile(path="x.y.p"))
    assert decoder.decode(b'{"x": {"y": {"p": 1}}}', "t/1/a").values == {"power_w": 1}
    assert decoder.decode(b'{"in": {"it": {"x": {"y": {"p": 2}}}}}', "t/1/b").values == {"power_w": 2}
    assert decoder.decode(b'{"p": 3}', "t/1/c").values == {"power_w": 3}
    with pytest.raises(MqttRefusal):
        decoder.decode(b'{"x": {"y": {"p": 1}}}', "t/1/b")


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=30)
    | st.integers()
    | st.decimals()
    | st.floats()
    | st.sampled_from(["1e999999", "-1e-999999"]),
    st.sampled_from(["iso", "iso_local", "unix_s", "unix_ns"]),
)
def test_any_time_is_one_or_none_and_no_fault_of_ours(stamp: Any, form: str) -> None:
    told = profile(path="p").model_dump(mode="json")
    told["time"] = {"path": "t", "format": form}
    found = ADAPTER.validate_json(json.dumps(told))
    assert isinstance(found, MqttJsonProfile)
    text = str(stamp) if isinstance(stamp, Decimal) else json.dumps(stamp)
    try:
        decoded = MqttJsonDecoder(found, "Asia/Ho_Chi_Minh").decode(f'{{"p": 1, "t": {text}}}'.encode())
    except MqttRefusal:
        return
    assert (decoded.time_ns is None) == bool(decoded.time_fault)
    assert decoded.time_ns is None or 0 < decoded.time_ns < 2**63


def test_tasmotas_old_way_to_write_a_time_is_read_in_the_sites_zone() -> None:
    told = profile(path="p").model_dump(mode="json")
    told["time"] = {"path": "t", "format": "iso_local"}
    found = ADAPTER.validate_json(json.dumps(told))
    assert isinstance(found, MqttJsonProfile)
    decoder = MqttJsonDecoder(found, "Asia/Ho_Chi_Minh")
    dotted = decoder.decode(b'{"p": 1, "t": "2026.11.22 13:00:10"}')
    assert dotted.time_ns == decoder.decode(b'{"p": 1, "t": "2026-11-22T13:00:10"}').time_ns
    assert dotted.time_ns == 1_795_327_210_000_000_000
