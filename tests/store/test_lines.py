"""Lines that InfluxDB reads back as exactly the floats, tags and times that were measured."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason
from store import Tags, event_line, flag_lines, line

T0 = 1_790_000_000_000_000_000
METER = Layout("boiler1-power", ("power_w", "energy_import_kwh"))
TAGS = Tags("bia-sai-gon", "cu-chi", "boiler1", "boiler1-power", Measurement.ELECTRICITY)


def test_a_line_has_the_schema_of_the_design() -> None:
    sample = METER.sample(T0, {"power_w": 18250, "energy_import_kwh": 12345.68})
    assert line(sample, METER, TAGS) == (
        "electricity,asset=boiler1,company=bia-sai-gon,instrument=boiler1-power,site=cu-chi "
        "power_w=18250.0,energy_import_kwh=12345.68 1790000000000000000"
    )


def test_only_good_values_are_written_and_spans_from_a_second_on() -> None:
    flagged = METER.sample(T0, {"power_w": 1.0}, flags=[Flag("energy_import_kwh", Reason.CRC)], span_ns=999)
    assert line(flagged, METER, TAGS).endswith("site=cu-chi power_w=1.0 1790000000000000000")
    spanned = METER.sample(T0, {"power_w": 1.0}, span_ns=900 * SECOND_NS)
    assert line(spanned, METER, TAGS).endswith(" power_w=1.0,span_s=900.0 1790000000000000000")
    nothing = METER.sample(T0, {}, flags=[Flag("power_w", Reason.NO_ANSWER)])
    assert line(nothing, METER, TAGS) == ""
    second = METER.sample(T0, {"power_w": 1.0}, part=2)
    assert ",instrument=boiler1-power,site=cu-chi,part=2 power_w" in line(second, METER, TAGS)


def test_flags_of_one_time_differ_in_their_tags_so_that_none_overwrites() -> None:
    sample = METER.sample(
        T0, {}, flags=[Flag("power_w", Reason.RATE, 9.5), Flag("energy_import_kwh", Reason.NO_ANSWER)], part=1
    )
    first, second = flag_lines(sample, TAGS, 7)
    assert first == (
        "reading_flag,asset=boiler1,channel=power_w,company=bia-sai-gon,instrument=boiler1-power,part=1,"
        "reason=rate,site=cu-chi seq=7.0,value=9.5 1790000000000000000"
    )
    assert second.endswith("reason=no_answer,site=cu-chi seq=7.0 1790000000000000000")
    infinite = METER.sample(T0, {}, flags=[Flag("power_w", Reason.DECODE, float("inf"))])
    assert "value" not in flag_lines(infinite, TAGS, 1)[0]


def test_texts_of_events_are_escaped() -> None:
    event = Event(T0, EventKind.NOTE, 'say "hi"\\', "bus 1", data={"n": 1})
    assert event_line(event, "c", "s", 3) == (
        'event,company=c,kind=note,site=s,source=bus\\ 1 data="{\\"n\\": 1}",seq=3.0,'
        'text="say \\"hi\\"\\\\" 1790000000000000000'
    )


_TAG = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(_TAG, _TAG, _FLOAT, _FLOAT), min_size=1, max_size=8))
@settings(
    deadline=None,
    derandomize=True,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_real_server_gives_back_what_the_line_said(
    influxdb: Any, rows: list[tuple[str, str, float, float]]
) -> None:
    _round_trip.counter += 1
    asset = f"run{_round_trip.counter}"
    lines, expected = [], []
    for number, (company, site, power, energy) in enumerate(rows):
        tags = Tags(company, site, asset, "boiler1-power", Measurement.ELECTRICITY)
        sample = METER.sample(T0 + number, {"power_w": power, "energy_import_kwh": energy})
        lines.append(line(sample, METER, tags))
        shown = [text.replace("\\", "/") for text in (company, site)]
        expected.append((T0 + number, *shown, power, energy))
    influxdb.write(lines)
    found = influxdb.influxql(f"SELECT * FROM electricity WHERE asset = '{asset}'")  # noqa: S608 - our own words
    assert [
        (r["time"], r["company"], r["site"], float(r["power_w"]), float(r["energy_import_kwh"]))
        for r in found
    ] == expected


class _round_trip:  # noqa: N801 - a counter over hypothesis' examples, which share one bucket
    counter = 0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
def test_every_float_in_a_line_reads_back_as_the_same_float(values: list[float]) -> None:
    layout = Layout("m", ("power_w", "frequency_hz"))
    text = line(layout.sample(T0, dict(zip(layout.channels, values, strict=True))), layout, TAGS)
    fields = text.split(" ")[1].split(",")
    assert [float(field.split("=")[1]).hex() for field in fields] == [value.hex() for value in values]
