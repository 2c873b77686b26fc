"""A block gives every bit of its samples back, and tells when it can not."""

from __future__ import annotations

import contextlib
import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dodac.errors import IntegrityError
from dodac.samples import Flag, Layout, Reason, TimeSource
from store import _blocks as blocks
from store import _blocks_ints as ints
from store import _blocks_values as columns
from store import _codec as codec

METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
T0 = 1_790_000_000_000_000_000
_NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
_STEPS = st.integers(-3, 3)


def _single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


# what instruments give: decimals, scaled integers, floats of 32 bits, and anything at all
_VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 0.1 + 0.2]),
    st.decimals(-99999, 99999, places=3).map(float),
    st.integers(-(10**6), 10**6).map(lambda n: n * 0.1),
    st.integers(-(10**6), 10**6).map(lambda n: _single(n / 10)),
)
_COLUMNS = st.one_of(
    st.lists(_VALUES, min_size=1, max_size=40),
    st.lists(st.integers(0, 9999).map(lambda n: n / 100), min_size=9, max_size=40),
    st.lists(st.integers(0, 9999).map(lambda n: n * 0.01), min_size=9, max_size=40),
    st.lists(st.integers(0, 9999).map(lambda n: _single(n / 100)), min_size=9, max_size=40),
)


def _bits(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@given(
    st.one_of(st.lists(_NUMBERS, max_size=30), st.lists(_STEPS, max_size=90)),
    st.sampled_from([(0,), (0, 1), (0, 1, 2)]),
)
@example([-(1 << 63), (1 << 63) - 1, -(1 << 63)], (0, 1, 2))
@example([], (0, 1, 2))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_whole_numbers_come_back_whatever_they_are(numbers: list[int], orders: tuple[int, ...]) -> None:
    data = ints.encode(numbers, orders)
    assert ints.decode(data, len(numbers)) == numbers
    assert ints.decode_array(data, len(numbers)).tolist() == numbers


@given(_COLUMNS)
@example([0.0, -0.0, 0.0])
@example([math.nan, 1.0])
@example([struct.unpack("<d", b"\x01\x02\x00\x00\x00\x00\xf4\x7f")[0]])
@example([math.inf, -math.inf])
@example([1e300, 1.0])
@settings(deadline=None, derandomize=True, max_examples=600)
def test_values_come_back_bit_by_bit_with_and_without_numpy(values: list[float]) -> None:
    data = columns.encode(array("d", values))
    assert _bits(columns.decode(data, len(values))) == _bits(values)
    assert columns.decode_array(data, len(values)).tobytes() == _bits(values)


@given(st.lists(_COLUMNS, min_size=1, max_size=6))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_a_channel_of_several_blocks_is_read_at_once_just_as_block_by_block(some: list[list[float]]) -> None:
    pieces = [(b"before" + columns.encode(array("d", values)), len(values), 6) for values in some]
    assert columns.decode_arrays(pieces).tobytes() == b"".join(_bits(values) for values in some)


@given(
    st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=30), min_size=1, max_size=6),
    st.sampled_from([0, 1, 2]),
)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_whole_numbers_of_several_blocks_too(some: list[list[int]], order: int) -> None:
    pieces = [(ints.encode(numbers, (min(order, len(numbers)),)), len(numbers), 0) for numbers in some]
    assert ints.decode_arrays(pieces).tolist() == [number for numbers in some for number in numbers]


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda n: (2300 + n % 7) / 10, 1.0),
        (lambda n: (2300 + n % 7) * 0.1, 1.0),
        (lambda n: _single((2300 + n % 7) / 10), 1.0),
        (lambda n: 1234.5 + n * 0.25, 0.2),
        (lambda n: 7.0, 0.1),
    ],
    ids=["decimal", "scaled", "float32", "counter", "constant"],
)
def test_what_instruments_send_takes_a_byte_a_value_or_less(make: Any, most: float) -> None:
    assert len(columns.encode(array("d", [make(n) for n in range(360)]))) <= most * 360


@st.composite
def _rows(draw: st.DrawFn) -> list[codec.Row]:
    """Rows as the journal writes them: parts, conflicts, flags, raw, absent channels, gaps in seq."""
    found = []
    keys = draw(
        st.sets(st.tuples(st.integers(0, 20), st.sampled_from([0, 1, 2048, 4096])), min_size=1, max_size=12)
    )
    seq = draw(st.integers(1, 1 << 40))
    plain = draw(st.booleans())
    for second, part in sorted(keys):
        seq += draw(st.integers(1, 5))
        values = {}
        flags = []
        for name in METER.channels:
            state = 0 if plain else draw(st.integers(0, 3))
            if state == 0:
                values[name] = draw(_VALUES)
            elif state == 1:
                value = draw(st.one_of(st.none(), st.floats()))
                flags += [
                    Flag(name, reason, value) for reason in draw(st.sets(st.sampled_from(Reason), min_size=1))
                ]
        sample = METER.sample(
            T0 + second * draw(st.sampled_from([1, 10**9])) + second, values, flags=flags,
            span_ns=draw(st.integers(0, 1 << 40)), time_source=draw(st.sampled_from(TimeSource)),
            raw=draw(st.one_of(st.none(), st.binary(max_size=40))), part=part,
        )  # fmt: skip
        found.append(codec.encode(sample, METER, seq, 3, 7))
    return sorted(found, key=lambda row: (row[2], row[3]))


@given(_rows())
@settings(deadline=None, derandomize=True, max_examples=250)
def test_any_rows_of_a_layout_come_back_as_they_were(rows: list[codec.Row]) -> None:
    block = blocks.encode(rows, METER)
    assert blocks.rows_of(block, METER) == rows
    assert blocks.seqs_of(block, METER) == [row[0] for row in rows]
    assert (block.first_ns, block.last_ns, block.samples) == (rows[0][2], rows[-1][2], len(rows))
    flagged = [(row[2], row[3], row[9]) for row in rows if row[9] is not None]
    assert blocks.flags_of(block, METER) == flagged
    wanted = ("frequency_hz", "co2_pct", "power_w")
    times, spans, parts, values = blocks.arrays_of([block], METER, wanted)
    samples = [codec.decode(row, METER) for row in rows]
    assert times.tolist() == [sample.time_ns for sample in samples]
    assert spans.tolist() == [sample.span_ns for sample in samples]
    assert parts.tolist() == [sample.part for sample in samples]
    expected = np.array([[sample.values[2], math.nan, sample.values[0]] for sample in samples])
    assert values.tobytes() == expected.tobytes() or np.array_equal(values, expected, equal_nan=True)


def test_the_digest_that_evidence_is_made_of_is_the_same_from_a_block() -> None:
    samples = [
        METER.sample(T0 + n, {"power_w": n / 3}, flags=[Flag("frequency_hz", Reason.CRC, -0.0)], raw=b"\x01")
        for n in range(5)
    ]
    rows = [codec.encode(sample, METER, n + 1, 1, 1) for n, sample in enumerate(samples)]
    back = [codec.decode(row, METER) for row in blocks.rows_of(blocks.encode(rows, METER), METER)]
    assert [sample.digest() for sample in back] == [sample.digest() for sample in samples]


def _block() -> blocks.Block:
    samples = [
        METER.sample(
            T0 + n * 10**9, {"power_w": n / 3} if n % 3 else {"frequency_hz": 50.0, "power_w": 1.0},
            flags=[Flag("energy_import_kwh", Reason.CRC)] * (n % 2), raw=b"abc" if n == 4 else None,
        )
        for n in range(20)
    ]  # fmt: skip
    return blocks.encode([codec.encode(s, METER, n + 1, 1, 1) for n, s in enumerate(samples)], METER)


def test_one_flipped_bit_anywhere_in_a_block_is_found() -> None:
    block = _block()
    for bit in range(0, 8 * len(block.body), 3):
        body = bytearray(block.body)
        body[bit >> 3] ^= 1 << (bit & 7)
        spoiled = block._replace(body=bytes(body))
        for read in (blocks.rows_of, blocks.seqs_of, blocks.flags_of):
            with pytest.raises(IntegrityError, match=r"20 samples \(seq 1–20\)"):
                read(spoiled, METER)
    for field in ("instrument", "layout", "first_ns", "last_ns", "first_seq", "last_seq", "samples", "form"):
        with pytest.raises(IntegrityError):
            blocks.rows_of(block._replace(**{field: getattr(block, field) + 1}), METER)


@given(st.data())
@settings(deadline=None, derandomize=True, max_examples=150)
def test_a_body_of_anything_is_refused_in_words_even_when_its_check_sum_fits(data: st.DataObject) -> None:
    block = _block()
    body = bytearray(block.body)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body) - 1)) :]
    spoiled = block._replace(body=bytes(body))
    spoiled = spoiled._replace(crc=blocks.block_crc(spoiled))
    for read in (blocks.rows_of, lambda b, _: blocks.arrays_of([b], METER, METER.channels)):
        with contextlib.suppress(IntegrityError):
            read(spoiled, METER)


def test_rows_that_another_program_wrote_are_not_packed() -> None:
    row = codec.encode(METER.sample(T0, {"power_w": 1.0}), METER, 1, 1, 1)
    full = codec.encode(METER.sample(T0, dict.fromkeys(METER.channels, 1.0)), METER, 1, 1, 1)
    for wrong in (
        (*row[:7], b"\x07", *row[8:]),  # more channels than values
        (*full[:7], b"\x07", *full[8:]),  # presence where none is written
        (*full[:8], full[8] + b"\x00" * 8, *full[9:]),
        (*row[:11], 1),  # its check sum is wrong
    ):
        with pytest.raises(ValueError, match="row"):
            blocks.encode([wrong], METER)
