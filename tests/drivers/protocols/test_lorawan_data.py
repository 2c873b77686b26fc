"""The description of a payload in a profile: every number from its own bits, or a reason."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dodac.samples import Reason
from drivers._profile_payload import Form, Step
from drivers.protocols.lorawan_data import PayloadDecoder
from drivers.protocols.lorawan_points import Point
from drivers.protocols.message import MqttRefusal

T = 1_795_326_600


def decode(data: str, *forms: dict[str, Any], port: int = 1) -> tuple[Point, ...]:
    return unread(data, *forms, port=port)[0]


def unread(data: str, *forms: dict[str, Any], port: int = 1) -> tuple[tuple[Point, ...], str]:
    made = [Form.model_validate(form, strict=False) for form in forms]
    return PayloadDecoder(made).decode(bytes.fromhex(data), port)


def one(data: str, **field: Any) -> float | Reason:
    (point,) = decode(data, {"fields": {"x": field}})
    return point.faults["x"] if "x" in point.faults else point.values["x"]


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        ("ff85", {"type": "i16"}, -123),
        ("85ff", {"type": "i16", "order": "little"}, -123),
        ("000102", {"type": "u24"}, 258),
        ("fffffe", {"type": "i24"}, -2),
        ("00020001", {"type": "u32", "order": "low_word_first"}, 65538),
        ("4131", {"type": "u16", "mask": 0x0FF0}, 0x13),
        ("f0", {"type": "i8", "mask": 0xF0}, -1),
        ("ffffffffffffff00", {"type": "i64"}, -256),
        ("41480000", {"type": "f32"}, 12.5),
        ("0000484100", {"at": 0, "type": "f32", "order": "little"}, 12.5),
        ("0134", {"type": "u16", "scale": 0.1}, 30.8),
        ("0134", {"type": "u16", "minus": 300, "scale": 0.5, "offset": -40}, -36),
        ("0134", {"type": "u16", "sentinel": [308]}, Reason.SENTINEL),
        ("7fc00000", {"type": "f32"}, Reason.DECODE),
        ("00", {"type": "u8", "steps": [{"over": 1}]}, Reason.DECODE),
        ("00", {"type": "u8", "steps": [{"steinhart": (1.0, 1.0, 1.0)}]}, Reason.DECODE),
        (
            "02",
            {"type": "u8", "steps": [{"polynomial": (1, 2, 3)}, {"plus": 3}, {"per": 2}, {"times": 4}]},
            40,
        ),
        ("05", {"type": "u8", "faulty": [{"at": 0, "mask": 4, "one_of": [4]}]}, Reason.DEVICE_STATUS),
    ],
)
def test_a_number_is_read_from_its_own_bits(data: str, field: dict[str, Any], value: float | Reason) -> None:
    found = one(data, **field)
    assert found == value if isinstance(value, Reason) else found == pytest.approx(value)


@settings(deadline=None)
@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from(["big", "little"]), st.integers(0, 9))
def test_what_an_encoder_wrote_is_read_back(value: int, order: str, before: int) -> None:
    data = b"\xaa" * before + struct.pack(("<" if order == "little" else ">") + "i", value) + b"\x55"
    assert one(data.hex(), at=before, type="i32", order=order) == value


@given(st.floats(0.001, 0.999), st.floats(1, 1e5))
def test_a_resistor_is_found_behind_its_divider(ratio: float, r: float) -> None:
    raw = round(ratio * 2**24)
    found = one(f"{raw:06x}", type="u24", steps=[{"per": 2**24}, {"divider": r}])
    share = raw / 2**24
    assert math.isclose(float(found), r * share / (1 - share), rel_tol=1e-9)


BLOCKS: dict[str, Any] = {
    "order": "little",
    "blocks": {
        "keys": {
            "01": {"length": 2, "fields": {"t": {"type": "i16", "scale": 0.1}}},
            "02": {"length": 6, "time": {}, "fields": {"t": {"at": 4, "type": "i16", "scale": 0.1}}},
            "03": {"length": 4, "time": {}},
            "04": {"length": 3},
            "05": {"end": True},
        }
    },
}


def test_stored_moments_come_by_their_times_before_what_is_measured_now() -> None:
    stamp = struct.pack("<I", T).hex(), struct.pack("<I", T - 600).hex()
    found = decode(f"01B5FF02{stamp[0]}0A0002{stamp[1]}1400", BLOCKS)
    assert [(p.time_ns, dict(p.values)) for p in found] == [
        ((T - 600) * 10**9, {"t": 2.0}),
        (T * 10**9, {"t": 1.0}),
        (None, {"t": -7.5}),
    ]
    # a block with a time alone says when what follows was; none or an empty slot says nothing
    assert decode(f"03{stamp[0]}010A00", BLOCKS)[0].time_ns == T * 10**9
    assert decode("0300000000010A00", BLOCKS)[0].time_ns is None
    assert decode("02FFFFFFFF0A00", BLOCKS) == ()


@pytest.mark.parametrize(
    ("data", "values", "told"),
    [
        ("040000000 10A00".replace(" ", ""), {"t": 1.0}, ""),
        ("010A0005FFFF", {"t": 1.0}, ""),
        ("010A0009", {"t": 1.0}, "09, which is not known"),
        ("010A0001", {"t": 1.0}, "01, which is cut short"),
        ("010A00010B00", {"t": 1.1}, ""),
    ],
)
def test_what_stands_before_an_unknown_block_is_read_and_the_rest_told(
    data: str, values: dict[str, float], told: str
) -> None:
    (point,), text = unread(data, BLOCKS)
    assert point.values == values
    assert told in text
    assert bool(told) == bool(text)


@pytest.mark.parametrize("data", ["", "09", "01", "010A"])
def test_nothing_that_can_be_read_is_refused_with_its_place(data: str) -> None:
    with pytest.raises(MqttRefusal, match=r"byte|cut short"):
        decode(data, BLOCKS)


GROUPS: dict[str, Any] = {
    "starts": "02",
    "groups": {
        "flags_at": 1,
        "start": 3,
        "groups": [
            {"words": 2, "fields": {"a": {"type": "u16"}, "b": {"at": 2, "type": "u16"}}},
            {"words": 1, "fields": {"c": {"type": "u16"}}},
        ],
    },
}


def test_groups_that_are_not_there_are_absent_and_further_ones_told() -> None:
    assert decode("020003000100020003", GROUPS)[0].values == {"a": 1, "b": 2, "c": 3}
    assert decode("0200020003", GROUPS)[0].values == {"c": 3}
    points, told = unread("0200060003FFFF", GROUPS)
    assert points[0].values == {"c": 3}
    assert "flags 0006" in told
    points, told = unread("02000300010002", GROUPS)
    assert points[0].values == {"a": 1, "b": 2}
    assert "ends before" in told
    with pytest.raises(MqttRefusal, match="cut short"):
        decode("0200030001", GROUPS)


def test_records_are_read_to_the_last_whole_one() -> None:
    form = {"records": {"start": 1, "length": 6, "time": {}, "fields": {"x": {"at": 4, "type": "u16"}}}}
    record = struct.pack(">IH", T, 7).hex()
    points, told = unread(f"00{record}{record[:6]}", form)
    assert [(p.time_ns, p.values["x"]) for p in points] == [(T * 10**9, 7)]
    assert "inside a stored record" in told
    with pytest.raises(MqttRefusal, match="no whole record"):
        decode("00FFFF", form)


def test_the_first_form_that_fits_is_taken_and_a_strange_message_refused() -> None:
    forms = (
        {"ports": [5], "length": 1},
        {
            "ports": [5],
            "length": (2, 3),
            "where": [{"at": 1, "mask": 0x0F, "one_of": [1]}],
            "fields": {"x": {"type": "u8"}},
        },
        {"ports": [5], "starts": "AA", "fields": {"x": {"at": 1, "type": "u8"}}},
    )
    assert decode("00", *forms, port=5) == ()
    assert decode("07F1", *forms, port=5)[0].values == {"x": 7}
    assert decode("AA02", *forms, port=5)[0].values == {"x": 2}
    assert decode("AA02", *forms, port=6) == ()  # a port of other things
    with pytest.raises(MqttRefusal, match="no message of this model has 2 bytes from bb02 on port 5"):
        decode("BB02", *forms, port=5)


def test_two_sensors_behind_one_pattern_are_a_conflict_unless_they_agree() -> None:
    form = {"blocks": {"keys": {"..67": {"length": 1, "fields": {"t": {"type": "u8"}}}}}}
    assert decode("01670501 6705".replace(" ", ""), form)[0].faults == {}
    assert decode("016705026705", form)[0].faults == {}
    assert decode("016705026706", form)[0].faults == {"t": Reason.CONFLICT}


@pytest.mark.parametrize(
    "form",
    [
        {"fields": {"x": {"type": "u8", "mask": 0x100}}},
        {"fields": {"x": {"type": "f32", "mask": 1}}},
        {"fields": {"x": {"type": "u24", "order": "low_word_first"}}},
        {"blocks": {"keys": {"01": {}, "0203": {}}}},
        {"blocks": {"keys": {"1": {}}}},
        {"blocks": {"keys": {"01": {"length": 1, "fields": {"x": {"type": "u16"}}}}}},
        {"blocks": {"keys": {"01": {"length": -1}}}},
        {"groups": {"flags_at": 0, "start": 2, "groups": [{"words": 1, "fields": {"x": {"type": "u32"}}}]}},
        {"records": {"length": 4, "time": {"at": 1}, "fields": {"x": {"type": "u8"}}}},
        {"starts": "0G"},
    ],
)
def test_a_description_that_can_not_be_meant_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Form.model_validate(form, strict=False)


def test_a_step_says_one_thing() -> None:
    with pytest.raises(ValidationError, match="a step is one of"):
        Step.model_validate({"times": 1.0, "plus": 2.0})
