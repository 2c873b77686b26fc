"""One record, one text: digests mean the same on every machine."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import canonical, plain, record, sha256
from audit.records import FrozenBaseline, Option, Plan
from dodac.errors import IntegrityError


# RFC 8785 appendix B
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x444B1AE4D6E2EF4E, "999999999999999700000"),
        (0x444B1AE4D6E2EF50, "1e+21"),
        (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0x41B3DE4355555553, "333333333.3333332"),
        (0xBECBF647612F3696, "-0.0000033333333333333333"),
        (0x43143FF3C1CB0959, "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_standard_prints_them(bits, text):
    import struct

    assert canonical(struct.unpack(">d", struct.pack(">Q", bits))[0]) == text


def test_keys_are_sorted_by_utf_16_and_nothing_is_escaped_that_need_not_be():
    data = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "ö": 7}
    order = ["\\r", "1", "\u0080", "ö", "\u20ac", "\U0001f600", "\ufb33"]
    assert [part.split('"')[1] for part in canonical(data)[1:-1].split(",")] == order
    assert canonical({"b": [True, None, "đo"], "a": {}}) == '{"a":{},"b":[true,null,"đo"]}'


@settings(derandomize=True, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_itself(value):
    assert float(json.loads(canonical(value))) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1, object(), {1: 2}])
def test_what_is_no_json_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_a_time_in_nanoseconds_survives(option, plan):
    from dataclasses import replace

    kept = replace(option, registered_ns=1_790_000_000_123_456_789)
    assert record(Option, json.loads(canonical(plain(kept)))) == kept
    assert record(Plan, json.loads(canonical(plain(plan)))) == plan
    assert sha256(plain(kept)) != sha256(plain(option))


def test_an_entry_of_another_shape_is_an_integrity_error(option):
    body = plain(option)
    with pytest.raises(IntegrityError, match="newer dodac"):
        record(Option, {**body, "colour": "red"})
    with pytest.raises(IntegrityError):
        record(FrozenBaseline, body)
    del body["id"]
    with pytest.raises(IntegrityError):
        record(Option, body)


def test_a_number_of_numpy_is_a_number():
    assert canonical({"p": np.float64(0.05)}) == '{"p":0.05}'
