"""Numbers in registers: each order undoes itself, and the wire's examples read as they should."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.profile import NumberType, Order
from drivers.protocols import modbus_values as values

ORDERS: list[Order] = ["ABCD", "CDAB", "BADC", "DCBA"]
INTEGERS = list(values.BOUNDS)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("type", INTEGERS)
@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=25)
def test_integers_come_back_in_every_order(type: NumberType, order: Order, data: st.DataObject) -> None:
    # beyond 2**53 a float64 can't hold every integer: the driver's numbers are floats
    low, high = values.BOUNDS[type]
    number = data.draw(st.integers(max(low, -(2**53)), min(high, 2**53)))
    assert values.decode(values.encode(number, type, order), type, order) == number


@pytest.mark.parametrize("order", ORDERS)
@given(st.floats(width=32, allow_nan=False))
@settings(derandomize=True, deadline=None)
def test_floats_come_back_in_every_order(order: Order, number: float) -> None:
    assert values.decode(values.encode(number, "f32", order), "f32", order) == number
    assert values.decode(values.encode(number, "f64", order), "f64", order) == number


def test_the_four_orders_of_one_number() -> None:
    plain = struct.pack(">f", 36.625)
    a, b, c, d = (plain[i : i + 1] for i in range(4))
    wire = {"ABCD": a + b + c + d, "CDAB": c + d + a + b, "BADC": b + a + d + c, "DCBA": d + c + b + a}
    for order in ORDERS:
        assert values.decode(wire[order], "f32", order) == 36.625


def test_a_clamp_on_meters_bytes_read_as_its_display() -> None:
    assert values.decode(bytes.fromhex("80 6B 42 12"), "f32", "CDAB") == pytest.approx(36.6254, abs=1e-4)


def test_bits_are_the_pattern_a_manual_prints() -> None:
    assert values.bits(bytes.fromhex("FF FF 7F FF"), "CDAB") == 0x7FFFFFFF
    assert values.encode_bits(0x7FFFFFFF, "i32", "CDAB") == bytes.fromhex("FF FF 7F FF")
    assert math.isnan(values.decode(values.encode_bits(0x7FC00000, "f32"), "f32"))
