"""Samples: what is absent, what is bad, and what evidence is taken over."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.quantities import CHANNELS, Kind, channel
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource

LAYOUT = Layout("boiler1-power", ("power_w", "energy_import_kwh", "frequency_hz"))


def test_a_partial_sample_leaves_channels_absent_not_bad():
    sample = LAYOUT.sample(1_000, {"power_w": 18_250.0})
    assert sample.present == 0b001
    assert sample.flags == ()
    assert math.isnan(sample.values[1])


def test_a_bad_reading_is_present_flagged_and_never_a_number():
    flag = Flag("frequency_hz", Reason.SENTINEL, 65535.0)
    sample = LAYOUT.sample(1_000, {"power_w": 1.0}, flags=[flag])
    assert sample.present == 0b101
    assert math.isnan(sample.values[2])
    assert sample.flags == (flag,)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_silent_nan_is_refused_as_a_good_value(value):
    with pytest.raises(ValueError, match="not finite"):
        LAYOUT.sample(1_000, {"power_w": value})


def test_a_reading_cannot_be_good_and_flagged():
    with pytest.raises(ValueError, match="both good and flagged"):
        LAYOUT.sample(1_000, {"power_w": 1.0}, flags=[Flag("power_w", Reason.RATE)])


def test_an_unknown_channel_is_refused():
    with pytest.raises(KeyError):
        LAYOUT.sample(1_000, {"volume_m3": 1.0})


def test_layout_ids_depend_on_content_only():
    assert Layout("a", ("power_w",)).id == Layout("a", ("power_w",)).id
    assert Layout("a", ("power_w",)).id != Layout("b", ("power_w",)).id
    assert Layout("a", ("power_w", "frequency_hz")).id != Layout("a", ("frequency_hz", "power_w")).id
    assert 0 <= Layout("a", ("power_w",)).id < 2**48


@given(st.integers(0, 2**62), st.integers(0, 2**40))
def test_an_intervals_start_and_length_come_back_to_the_nanosecond(start_ns, span_ns):
    sample = LAYOUT.sample(start_ns + span_ns // 2, {"power_w": 1.0}, span_ns=span_ns)
    assert (sample.start_ns, sample.end_ns) == (start_ns, start_ns + span_ns)


@pytest.mark.parametrize(
    "change",
    [
        {"time_ns": 1_001},
        {"span_ns": 1},
        {"instrument": "boiler2-power"},
        {"values": (2.0, math.nan, math.nan)},
        {"present": 0b011},
        {"time_source": TimeSource.DEVICE},
        {"flags": (Flag("frequency_hz", Reason.CRC),)},
        {"raw": b"\x01"},
        {"part": 1},
        {"layout": 7},
    ],
)
def test_evidence_sees_any_change_of_a_sample(change):
    sample = LAYOUT.sample(1_000, {"power_w": 1.0})
    assert dataclasses.replace(sample, **change).digest() != sample.digest()


def test_the_digest_of_a_sample_stays_what_earlier_reports_printed():
    sample = LAYOUT.sample(
        1_790_000_000_000_000_001,
        {"power_w": 18_250.0, "energy_import_kwh": 12_345.678},
        flags=[Flag("frequency_hz", Reason.OUT_OF_RANGE, 500.0)],
        raw=b"\x01\x04",
    )
    assert sample.digest().hex().startswith("c1212be3ff6ee4b8")


def test_every_channel_has_both_names_a_unit_and_a_range():
    for name, item in CHANNELS.items():
        assert item.name == name
        assert item.vi, name
        assert item.en, name
        assert item.low < item.high
        assert item.in_range((max(item.low, -1) + min(item.high, 1)) / 2) or item.kind is not Kind.INTERVAL


def test_a_misspelt_channel_names_the_nearest():
    with pytest.raises(ValueError, match="energy_import_kwh"):
        channel("energy_import_kw")


def test_samples_are_small_and_frozen():
    sample = LAYOUT.sample(1_000, {"power_w": 1.0})
    assert isinstance(sample, Sample)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.time_ns = 2
