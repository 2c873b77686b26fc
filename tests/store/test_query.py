"""The same call gives the same frame, whether the journal or InfluxDB answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dodac.clock import HOUR_NS, MINUTE_NS, SECOND_NS, parse_time_ns
from dodac.contracts import Event, EventKind
from dodac.errors import DataError
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample

T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
FILE = Layout("file, 'x' 1", ("energy_interval_kwh", "temperature_c"))
ZONE = "Asia/Ho_Chi_Minh"


def _counter(values: list[float], step_ns: int = 15 * MINUTE_NS, start: int = T0) -> list[Sample]:
    return [METER.sample(start + n * step_ns, {"energy_import_kwh": v}) for n, v in enumerate(values)]


def test_good_values_come_back_and_doubtful_ones_never_do(world: Any) -> None:
    samples = [
        METER.sample(T0, {"power_w": 1.5, "energy_import_kwh": 0.1 + 0.2, "frequency_hz": 50.0}),
        METER.sample(T0 + 1, {"power_w": 2.0}),
        METER.sample(T0 + 2, {"power_w": 3.0}, flags=[Flag("frequency_hz", Reason.SENTINEL, 65535.0)]),
        METER.sample(T0 + 3, {}, flags=[Flag("power_w", Reason.NO_ANSWER)]),
        METER.sample(T0 + 9, {"power_w": 9.0}),
    ]
    store = world.fill([METER, FILE], samples)
    frame = store.series("meter-1", ["power_w", "frequency_hz", "energy_import_kwh"], T0, T0 + 9)
    expected = pd.DataFrame(
        {
            "power_w": [1.5, 2.0, 3.0],
            "frequency_hz": [50.0, math.nan, math.nan],
            "energy_import_kwh": [0.1 + 0.2, math.nan, math.nan],
        },
        index=pd.DatetimeIndex(
            np.array([T0, T0 + 1, T0 + 2], dtype="datetime64[ns]"), name="time"
        ).tz_localize("UTC"),
    )
    pd.testing.assert_frame_equal(frame, expected)
    assert store.instruments() == ("meter-1",)
    assert store.channels("meter-1") == ("energy_import_kwh", "frequency_hz", "power_w")
    assert store.channels("nobody") == ()


def test_rows_without_a_value_asked_for_are_left_out_and_nothing_is_an_empty_frame(world: Any) -> None:
    store = world.fill([METER], [METER.sample(T0, {"power_w": 1.0})])
    for instrument, channels in (("meter-1", ["frequency_hz"]), ("nobody", ["power_w"])):
        frame = store.series(instrument, channels, T0, T0 + 1)
        assert list(frame.columns) == channels
        assert frame.empty
        assert str(frame.index.dtype) == "datetime64[ns, UTC]"
        assert frame.dtypes.iloc[0] == np.float64
    with pytest.raises(DataError, match="energy_import_kwh"):
        store.series("meter-1", ["energy_import_kw"], T0, T0 + 1)


def test_two_samples_a_nanosecond_apart_stay_two(world: Any) -> None:
    store = world.fill([METER], [METER.sample(T0, {"power_w": 1.0}), METER.sample(T0 + 1, {"power_w": 2.0})])
    frame = store.series("meter-1", ["power_w"], T0, T0 + 2)
    assert frame.index.view("int64").tolist() == [T0, T0 + 1]
    assert frame["power_w"].tolist() == [1.0, 2.0]


def test_parts_of_one_time_do_not_overwrite_each_other(world: Any) -> None:
    store = world.fill(
        [METER], [METER.sample(T0, {"power_w": 1.0}), METER.sample(T0, {"power_w": 2.0}, part=1)]
    )
    assert store.series("meter-1", ["power_w"], T0, T0 + 1)["power_w"].tolist() == [1.0, 2.0]


def test_a_corrected_amount_is_counted_once_and_the_old_one_stays_to_be_seen(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    month = {"span_ns": 24 * HOUR_NS}
    bill = [
        FILE.sample(start + 12 * HOUR_NS, {"energy_interval_kwh": value}, part=part, **month)
        for value, part in ((2400.0, 0), (24000.0, FIRST_REVISION), (240.0, FIRST_REVISION + 1))
    ]
    store = world.fill([FILE], [*bill, FILE.sample(start + 25 * HOUR_NS, {"temperature_c": 30.0})])
    frame = store.series(FILE.instrument, ["energy_interval_kwh"], start, start + 24 * HOUR_NS)
    assert frame["energy_interval_kwh"].tolist() == [240.0]
    hours = store.intervals(
        FILE.instrument, "energy_interval_kwh", start, start + 24 * HOUR_NS, "1h", zone=ZONE
    )
    assert hours["value"].tolist() == pytest.approx([10.0] * 24)
    later = store.intervals(
        FILE.instrument, "energy_interval_kwh", start + 20 * HOUR_NS, start + 24 * HOUR_NS, "1h", zone=ZONE
    )
    assert later["value"].tolist() == pytest.approx([10.0] * 4)
    assert len(list(store.samples(FILE.instrument, start, start + 24 * HOUR_NS))) == 3


def test_what_was_withdrawn_counts_no_more_until_it_is_typed_again(world: Any) -> None:
    channel, name = "energy_interval_kwh", FILE.instrument
    withdrawn = [Flag(channel, Reason.WITHDRAWN, 2400.0), Flag("temperature_c", Reason.WITHDRAWN, 30.0)]
    day, span = T0 + 12 * HOUR_NS, 24 * HOUR_NS
    rows = [
        FILE.sample(day, {channel: 2400.0, "temperature_c": 30.0}, span_ns=span),
        FILE.sample(day, {}, flags=withdrawn, span_ns=span, part=FIRST_REVISION),
        FILE.sample(day + span, {channel: 240.0}, span_ns=span),
    ]
    store = world.fill([FILE], rows)
    window = (T0, T0 + 2 * span)
    assert store.series(name, [channel], *window)[channel].dropna().tolist() == [240.0]
    assert store.series(name, ["temperature_c"], *window)["temperature_c"].dropna().tolist() == []
    days = store.intervals(name, channel, *window, "24h", zone="UTC")
    assert days["coverage"].tolist()[0] < 1
    assert days["value"].sum() == pytest.approx(240.0)
    later = store.intervals(name, channel, T0 + 20 * HOUR_NS, T0 + 24 * HOUR_NS, "1h", zone="UTC")
    assert later["value"].isna().all()
    assert [sample.part for sample in store.samples(name, *window)] == [0, FIRST_REVISION, 0]
    again = FILE.sample(day, {channel: 260.0}, span_ns=span, part=FIRST_REVISION + 1)
    store = world.fill([FILE], [again])
    assert store.series(name, [channel], *window)[channel].dropna().tolist() == [260.0, 240.0]


def test_flags_tell_channel_reason_and_value_as_read(world: Any) -> None:
    first = METER.sample(T0, {"power_w": 5.0})
    samples = [
        first,
        METER.sample(T0, {"power_w": 6.0}),
        METER.sample(T0, {"power_w": 7.0}),
        METER.sample(T0 + 5, {}, flags=[Flag("power_w", Reason.CRC), Flag("frequency_hz", Reason.RATE, 9.0)]),
    ]
    store = world.fill([METER], samples)
    frame = store.flags("meter-1", T0, T0 + 6)
    assert list(frame.columns) == ["time", "channel", "reason", "value"]
    assert frame["channel"].tolist() == ["power_w", "power_w", "frequency_hz", "power_w"]
    assert frame["reason"].tolist() == ["conflict", "conflict", "rate", "crc"]
    assert frame["value"].fillna(-1).tolist() == [6.0, 7.0, 9.0, -1.0]
    assert store.series("meter-1", ["power_w"], T0, T0 + 6)["power_w"].tolist() == [5.0]
    empty = store.flags("nobody", T0, T0 + 6)
    assert empty.dtypes.tolist() == frame.dtypes.tolist()


def test_samples_come_back_with_their_values_spans_and_flags(world: Any) -> None:
    samples = [
        METER.sample(T0, {"power_w": 5.0}, span_ns=SECOND_NS),
        METER.sample(T0 + 1, {"frequency_hz": 50.0}, flags=[Flag("power_w", Reason.CRC)]),
    ]
    store = world.fill([METER], samples)
    found = list(store.samples("meter-1", T0, T0 + 2))
    layouts = store.layouts() if hasattr(store, "facts") else store.layouts("meter-1")
    for sample, original in zip(found, samples, strict=True):
        assert (sample.time_ns, sample.span_ns, sample.flags) == (
            original.time_ns,
            original.span_ns,
            original.flags,
        )
        names = layouts[sample.layout].channels
        good = {name: v for name, v in zip(names, sample.values, strict=True) if not math.isnan(v)}
        assert good == {n: v for n, v in zip(METER.channels, original.values, strict=True) if v == v}


def test_events_come_back_and_a_gap_is_found_by_its_end_too(world: Any) -> None:
    events = [
        Event(T0, EventKind.GAP, 'no answer,\n "quoted" \\ ü', "bus1", "meter-1", T0 + 100, {"missed": 3}),
        Event(T0 + 50, EventKind.NOTE, "in between"),
        Event(T0 + 200, EventKind.START, "later", "collector"),
    ]
    store = world.fill([METER], [], events)
    assert store.events(T0 + 50, T0 + 200) == events[:2]
    assert store.events(T0 + 100, T0 + 201) == events[2:]
    assert store.events(T0, T0 + 50) == events[:1]


def test_energy_is_shared_out_between_the_readings_around_a_step(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    # readings at minute 5, 20, 35 … : 4 kWh each quarter of an hour
    store = world.fill([METER], _counter([100.0 + 4.0 * n for n in range(200)], start=start - 10 * MINUTE_NS))
    frame = store.intervals("meter-1", "energy_import_kwh", start, start + 3 * HOUR_NS, "1h", zone=ZONE)
    assert frame["value"].to_numpy() == pytest.approx([16.0, 16.0, 16.0])
    assert frame["coverage"].tolist() == [1.0, 1.0, 1.0]
    assert frame.index[0] == pd.Timestamp("2026-03-01", tz=ZONE)
    assert str(frame.index.tz) == ZONE


@pytest.mark.parametrize("zeros", [1, 2, 40])
def test_a_counter_that_reads_zero_for_a_while_consumes_nothing_extra(world: Any, zeros: int) -> None:
    values = [40_000.0 + n for n in range(96)]
    values[30 : 30 + zeros] = [0.0] * zeros
    start = parse_time_ns("2026-03-01T00:00", "UTC")
    store = world.fill([METER], _counter(values, start=start))
    frame = store.intervals("meter-1", "energy_import_kwh", start, start + 24 * HOUR_NS, "1D")
    assert frame["value"].sum() == pytest.approx(95.0)
    assert (frame["value"] >= 0).all()


def test_a_zero_just_outside_the_window_does_not_reach_into_it(world: Any) -> None:
    values = [40_000.0 + n for n in range(96)]
    values[47] = 0.0
    store = world.fill([METER], _counter(values))
    step = 15 * MINUTE_NS
    left = store.intervals("meter-1", "energy_import_kwh", T0, T0 + 47 * step, "1D")
    right = store.intervals("meter-1", "energy_import_kwh", T0 + 47 * step, T0 + 95 * step, "1D")
    assert left["value"].sum() + right["value"].sum() == pytest.approx(95.0)


def test_a_reset_leaves_missing_coverage_and_never_negative_energy(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    values = [5_000.0 + n for n in range(48)] + [float(n) for n in range(49)]
    store = world.fill([METER], _counter(values, start=start))
    frame = store.intervals("meter-1", "energy_import_kwh", start, start + 24 * HOUR_NS, "1h", zone=ZONE)
    assert frame["value"].sum() == pytest.approx(47 + 48)
    assert (frame["value"] >= 0).all()
    assert frame["coverage"].tolist() == [1.0] * 11 + [0.75] + [1.0] * 12


def test_a_long_gap_counts_inside_one_step_and_is_not_guessed_across_two(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    samples = [
        s for n, s in enumerate(_counter([float(n) for n in range(193)], start=start)) if not 20 < n < 60
    ]
    store = world.fill([METER], samples)
    days = store.intervals("meter-1", "energy_import_kwh", start, start + 48 * HOUR_NS, "1D", zone=ZONE)
    assert days["value"].tolist() == pytest.approx([96.0, 96.0])
    assert days["coverage"].tolist() == [1.0, 1.0]
    hours = store.intervals("meter-1", "energy_import_kwh", start, start + 24 * HOUR_NS, "1h", zone=ZONE)
    assert hours["value"].isna().sum() == 10
    assert hours["value"].sum() == pytest.approx(96 - 40)


def test_interval_amounts_are_summed_and_split_at_local_midnight(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    length = 60 * MINUTE_NS
    first = start - 30 * MINUTE_NS
    samples = [
        FILE.sample(first + n * length + length // 2, {"energy_interval_kwh": 2.0}, span_ns=length)
        for n in range(24)
    ]
    store = world.fill([FILE], samples)
    frame = store.intervals(
        FILE.instrument, "energy_interval_kwh", first, start + 24 * HOUR_NS, "1D", zone=ZONE
    )
    assert frame["value"].tolist() == pytest.approx([1.0, 47.0])
    assert frame["coverage"].tolist() == pytest.approx([0.5 / 24, 23.5 / 24])


def test_means_weigh_readings_by_the_time_they_speak_for(world: Any) -> None:
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    samples = [
        FILE.sample(start + 30 * MINUTE_NS, {"temperature_c": 20.0}, span_ns=60 * MINUTE_NS),
        FILE.sample(start + 65 * MINUTE_NS, {"temperature_c": 30.0}, span_ns=10 * MINUTE_NS),
    ]
    store = world.fill([FILE], samples)
    frame = store.intervals(FILE.instrument, "temperature_c", start, start + 2 * HOUR_NS, "2h", zone=ZONE)
    assert frame["value"].tolist() == pytest.approx([(20 * 60 + 30 * 10) / 70])
    assert frame["coverage"].tolist() == pytest.approx([70 / 120])


def test_polled_gauges_are_averaged_and_an_outage_shows_in_the_coverage(world: Any) -> None:
    step = 10 * SECOND_NS
    start = parse_time_ns("2026-03-01T00:00", ZONE)
    samples = [
        METER.sample(start + n * step, {"power_w": 100.0 + n}) for n in range(720) if not 360 <= n < 540
    ]
    store = world.fill([METER], samples)
    frame = store.intervals("meter-1", "power_w", start, start + 2 * HOUR_NS, "1h", zone=ZONE)
    assert frame["value"].iloc[0] == pytest.approx(100 + 359 / 2, abs=0.6)
    assert frame["value"].iloc[1] == pytest.approx(100 + (540 + 719) / 2, abs=2.0)
    assert frame["coverage"].tolist() == pytest.approx([1.0, 0.5], abs=0.01)


def test_an_empty_window_has_its_steps_with_no_value(world: Any) -> None:
    store = world.fill([METER], _counter([1.0, 2.0]))
    later = T0 + 1000 * HOUR_NS
    for channel in ("energy_import_kwh", "power_w"):
        frame = store.intervals("meter-1", channel, later, later + 2 * HOUR_NS, "15min")
        assert frame["value"].isna().all()
        assert (frame["coverage"] == 0).all()
        assert len(frame) in (8, 9)


@pytest.mark.parametrize(("step", "zone"), [("1w", "UTC"), ("0min", "UTC"), ("1h", "Mars/Base"), ("", "UTC")])
def test_a_step_or_zone_that_is_none_is_refused_in_words(world: Any, step: str, zone: str) -> None:
    store = world.fill([METER], _counter([1.0, 2.0]))
    with pytest.raises(DataError, match="is not a"):
        store.intervals("meter-1", "energy_import_kwh", T0, T0 + HOUR_NS, step, zone=zone)


def _known(kind: EventKind, time_ns: int, **data: float) -> Event:
    numbers = {name.replace("__", ".", 1): value for name, value in data.items()}
    return Event(time_ns, kind, "the meter was exchanged", "exchange", "meter-1", data=numbers)


def test_what_went_through_both_meters_counts_when_one_was_exchanged(world: Any) -> None:
    # old meter 500 … 503, taken out at 503.5; the new one began at 12 and shows 12.5, 13.5 …
    samples = _counter([500, 501, 502, 503, 12.5, 13.5, 14.5, 15.5])
    moment = T0 + 3 * 15 * MINUTE_NS + 8 * MINUTE_NS
    told = _known(EventKind.EXCHANGE, moment, end__energy_import_kwh=503.5, start__energy_import_kwh=12.0)
    store = world.fill([METER], samples, [told])
    frame = store.intervals("meter-1", "energy_import_kwh", T0, T0 + 105 * MINUTE_NS, "15min")
    assert frame["value"].sum() == pytest.approx(7.0)
    assert frame["coverage"].tolist()[1:-1] == pytest.approx([1.0] * (len(frame) - 2))


def test_a_rollover_that_was_seen_loses_nothing_and_one_of_another_channel_changes_nothing(
    world: Any,
) -> None:
    samples = _counter([999_998, 999_999, 0, 1, 2])
    roll = _known(
        EventKind.ROLLOVER, T0 + 30 * MINUTE_NS, end__energy_import_kwh=1e6, start__energy_import_kwh=0.0
    )
    other = _known(
        EventKind.EXCHANGE,
        T0 + 15 * MINUTE_NS,
        end__reactive_energy_kvarh=7.0,
        start__reactive_energy_kvarh=0.0,
    )
    store = world.fill([METER], samples, [roll, other])
    frame = store.intervals("meter-1", "energy_import_kwh", T0, T0 + HOUR_NS, "15min")
    assert frame["value"].sum() == pytest.approx(4.0)
    assert frame["coverage"].sum() == pytest.approx(4.0)


def test_an_exchange_recorded_by_mistake_is_taken_back_and_one_outside_changes_nothing(world: Any) -> None:
    samples = _counter([5, 6, 7, 8, 9])
    wrong = {"end__energy_import_kwh": 700.0, "start__energy_import_kwh": 0.0}
    events = [
        _known(EventKind.EXCHANGE, T0 + 20 * MINUTE_NS, **wrong),
        _known(EventKind.EXCHANGE, T0 + 20 * MINUTE_NS, withdrawn=1, **wrong),
        _known(EventKind.EXCHANGE, T0 - 5 * MINUTE_NS, **wrong),
        _known(EventKind.EXCHANGE, T0 + 300 * MINUTE_NS, **wrong),
    ]
    store = world.fill([METER], samples, events)
    frame = store.intervals("meter-1", "energy_import_kwh", T0, T0 + HOUR_NS, "15min")
    assert frame["value"].sum() == pytest.approx(4.0)


def test_what_is_told_of_one_moment_and_meter_all_counts(world: Any) -> None:
    """Both counters of a meter begin again at one moment; an exchange is taken back and told anew."""
    both = ("energy_import_kwh", "energy_export_kwh")
    layout = Layout("meter-1", both)
    readings = [(998, 88), (999, 89), (0, 0), (1, 1), (50, 2), (51, 3)]
    samples = [
        layout.sample(T0 + n * 15 * MINUTE_NS, dict(zip(both, map(float, pair), strict=True)))
        for n, pair in enumerate(readings)
    ]
    roll, swap = T0 + 30 * MINUTE_NS, T0 + 55 * MINUTE_NS
    told = {"end__energy_import_kwh": 1.6, "start__energy_import_kwh": 49.5}
    events = [
        _known(EventKind.ROLLOVER, roll, end__energy_import_kwh=1000.0, start__energy_import_kwh=0.0),
        _known(EventKind.ROLLOVER, roll, end__energy_export_kwh=90.0, start__energy_export_kwh=0.0),
        _known(EventKind.EXCHANGE, swap, **told),
        _known(EventKind.EXCHANGE, swap, withdrawn=1, **told),
        _known(EventKind.EXCHANGE, swap, **{**told, "end__energy_import_kwh": 1.5}),
    ]
    store = world.fill([layout], samples, events)
    amounts = [
        store.intervals("meter-1", name, T0, T0 + 75 * MINUTE_NS, "15min")["value"].sum() for name in both
    ]
    assert amounts == pytest.approx([1 + 1 + 1 + 0.5 + 0.5 + 1, 1 + 1 + 1 + 1 + 1])
