"""Lines of text: a reading comes from a whole, checked line in a known unit, or with its reason."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import parse_time_ns
from dodac.errors import ConfigError
from dodac.samples import Reason
from drivers.catalogue import load_profile, load_profiles, parse_profile
from drivers.golden import check
from drivers.profile import ADAPTER, LineProfile
from drivers.protocols.line import LineDecoder, LineReceiver, checksum
from drivers.protocols.received import Refused

CAPTURED = (
    b" 06-10-20;09:17:58;  ;S1S1S1S1;05;I1;Oxygen;20.379; % ;    ;  ; ; ;I2;CO    ; 0.084; % ;    ;  ; ; ;"
    b"I3;CO2   ; 0.247; % ;    ;  ; ; ;E1;||||||;   0.0; mA;    ;  ; ; ;E2;||||||;   0.0; mA;    ;  ; ; ;2A36;"
)


def named(id: str) -> LineProfile:
    profile = load_profile(id)
    assert isinstance(profile, LineProfile)
    return profile


def profile(**changes: Any) -> LineProfile:
    data: dict[str, Any] = {
        "id": "x",
        "maker": "x",
        "models": ["x"],
        "kind": "ambient",
        "evidence": {"map": ["x"]},
        "protocol": "line",
        "line": {"delimiter": ",", "fields": 2},
        "channels": {"temperature_c": {"field": 0}},
        "tests": [{"line": "1,2", "expect": {"temperature_c": 1}}],
    }
    found = ADAPTER.validate_python({**data, **changes}, strict=False)
    assert isinstance(found, LineProfile)
    return found


def reason(decoder: LineDecoder, line: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        decoder.decode(line)
    return refusal.value.reason.value


def test_the_captured_line_of_a_real_analyser_gives_its_values_and_checksum() -> None:
    assert checksum("sum16", CAPTURED[1:-5]) == "2A36"
    received = LineDecoder(named("servomex.4100-ascii")).decode(CAPTURED)
    assert received is not None
    assert received.values == pytest.approx({"o2_pct": 20.379, "co_ppm": 840.0, "co2_pct": 0.247})
    assert not received.flags


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, len(CAPTURED) - 1), st.integers(1, 255))
def test_one_wrong_byte_of_a_checked_line_is_never_another_value(place: int, bits: int) -> None:
    line = CAPTURED[:place] + bytes((CAPTURED[place] ^ bits,)) + CAPTURED[place + 1 :]
    try:
        received = LineDecoder(named("servomex.4100-ascii")).decode(line)
    except Refused:
        return
    assert received is not None  # the case of a digit of the checksum
    assert received.values == pytest.approx({"o2_pct": 20.379, "co_ppm": 840.0, "co2_pct": 0.247})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(CAPTURED) - 1))
def test_a_torn_line_is_refused_wherever_it_breaks(place: int) -> None:
    decoder = LineDecoder(named("servomex.4100-ascii"))
    assert reason(decoder, CAPTURED[:place]) in ("crc", "decode")
    if place:
        assert reason(decoder, CAPTURED[place:]) in ("crc", "decode")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.binary(max_size=300),
    st.sampled_from([p for p in load_profiles() if load_profile(p).protocol == "line"]),
)
def test_random_bytes_raise_only_the_refusal(data: bytes, id: str) -> None:
    receiver = LineReceiver("m", named(id))
    receiver.reset(synced=True)
    for message, after in receiver.take(data + b"\r\n"):
        assert 0 <= after <= len(data) + 2
        with contextlib.suppress(Refused):
            receiver.decode(message)


def test_maintenance_is_good_and_every_other_letter_is_not() -> None:
    decoder = LineDecoder(named("servomex.multiexact"))
    for status, good in [("", True), ("M", True), ("F", False), ("S", False), ("FM", False), ("?", False)]:
        received = decoder.decode(f"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; {status} ;".encode())
        assert received is not None
        if good:
            assert received.values == {"o2_pct": 20.3}
        else:
            assert [(f.channel, f.reason, f.value) for f in received.flags] == [
                ("o2_pct", Reason.DEVICE_STATUS, 20.3)
            ]


@pytest.mark.parametrize("line", [
    b"19/01/05 ; 14:50:25 ; O2 ; 20.3",
    b"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; %",
    b"19/01/05 ; 14:50:25 ;",
    b"",
])  # fmt: skip
def test_a_line_of_another_shape_is_refused(line: bytes) -> None:
    assert reason(LineDecoder(named("servomex.multiexact")), line) == "decode"


def test_two_lines_glued_by_a_lost_end_are_no_reading() -> None:
    for place in range(1, 40):
        line = b"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; ;"[:place] + b"19/01/05 ; 14:50:35 ; O2 ; 20.9 ; % ; ;"
        try:
            received = LineDecoder(named("servomex.multiexact")).decode(line)
        except Refused:
            continue
        assert received is not None
        assert received.values in ({}, {"o2_pct": 20.9}, {"o2_pct": 20.3})


def test_a_line_of_one_model_is_no_line_of_its_sister() -> None:
    assert (
        reason(LineDecoder(named("servomex.minimp")), b"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; ;") == "decode"
    )


def test_ppm_and_percent_are_told_apart_on_the_line() -> None:
    decoder = LineDecoder(named("teledyne.3000t"))
    for line, value in [
        (b"ST, 80.00 PPM, RA-LO 0-100 PPM, AL-1 DISABLED, AL-2 ON,", 0.008),
        (b"ST, 6.35 %, RF-HI 0-10 %,", 6.35),
        (b"ST, 6.35 %, RA-CAL 0-25 %", 6.35),
    ]:
        received = decoder.decode(line)
        assert received is not None
        assert received.values == pytest.approx({"o2_pct": value})


@pytest.mark.parametrize(("line", "flag"), [
    (b"ST, 80.00 PPB, RA-LO 0-100 PPM,", "decode"),
    (b"ST, 80.00, RA-LO 0-100 PPM,", "decode"),
    (b"ST, 8O.00 PPM, RA-LO 0-100 PPM,", "decode"),
    (b"ST, 80.00 PPM, RA-LO 0-10", "decode"),  # torn inside the range
    (b"ST, 1e999 PPM, RA-LO 0-100 PPM,", "decode"),
    (b"ST, 100.1 PPM, RA-LO 0-100 PPM,", "out_of_range"),
    (b"ST, 26 %, RA-CAL 0-50 %,", "out_of_range"),
])  # fmt: skip
def test_an_unknown_unit_or_a_value_beyond_the_range_is_no_reading(line: bytes, flag: str) -> None:
    received = LineDecoder(named("teledyne.3000t")).decode(line)
    assert received is not None
    assert not received.values
    assert [f.reason.value for f in received.flags] == [flag]


def test_the_heading_after_power_up_is_no_fault() -> None:
    assert LineDecoder(named("teledyne.3000t")).decode(b"Teledyne Model 3000T Oxygen Analyzer") is None


def test_a_count_of_blocks_that_is_wrong_is_refused_though_the_checksum_is_right() -> None:
    body = CAPTURED[1:-5].replace(b";05;", b";04;")
    line = b" " + body + checksum("sum16", body).encode() + b";"
    assert reason(LineDecoder(named("servomex.4100-ascii")), line) == "decode"


def test_a_unit_where_none_is_expected_is_no_reading() -> None:
    made = profile()
    for line in (b"21.5 K,3", b"21.5 degC,3"):
        received = LineDecoder(made).decode(line)
        assert received is not None
        assert [(f.channel, f.reason) for f in received.flags] == [("temperature_c", Reason.DECODE)]
    received = LineDecoder(named("servomex.multiexact")).decode(b"19/01/05 ; 14:50:25 ; O2 ; 20.3 % ; % ; ;")
    assert received is not None
    assert [f.reason for f in received.flags] == [Reason.DECODE]


def test_a_status_speaks_for_its_own_channels_and_must_be_there_where_it_is_required() -> None:
    made = profile(
        line={"delimiter": ",", "fields": 3},
        channels={"temperature_c": {"field": 0}, "humidity_pct": {"field": 1}},
        status=[
            {"field": 2, "allowed": "0", "required": True, "text": "probe", "channels": ["temperature_c"]}
        ],
        tests=[{"line": "1,2,0", "expect": {"temperature_c": 1, "humidity_pct": 2}}],
    )
    for state in (b"1", b"", b" "):
        received = LineDecoder(made).decode(b"21.5,40," + state)
        assert received is not None
        assert received.values == {"humidity_pct": 40}
        assert [(f.channel, f.reason) for f in received.flags] == [("temperature_c", Reason.DEVICE_STATUS)]
    received = LineDecoder(made).decode(b"21.5,40,0")
    assert received is not None
    assert not received.flags


def test_two_blocks_that_claim_one_channel_are_no_reading() -> None:
    line = b"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; ; O2 ; 5.1 ; % ; ;"
    received = LineDecoder(named("servomex.multiexact")).decode(line)
    assert received is not None
    assert [(f.channel, f.reason.value) for f in received.flags] == [("o2_pct", "decode")]


def test_sentinel_decimal_comma_and_time_of_the_line() -> None:
    made = profile(
        line={"delimiter": ";", "fields": 4, "decimal": ","},
        time={"fields": [0, 1], "format": "%d.%m.%Y %H:%M:%S"},
        channels={
            "temperature_c": {"field": 2, "sentinel": ["---"]},
            "humidity_pct": {"field": 3, "sentinel": ["---"]},
        },
    )
    received = LineDecoder(made, "Asia/Ho_Chi_Minh").decode(b"22.11.2026;14:00:05;31,5;---")
    assert received is not None
    assert received.values == {"temperature_c": 31.5}
    assert [f.reason.value for f in received.flags] == ["sentinel"]
    assert received.time_ns == parse_time_ns("2026-11-22T07:00:05", "UTC")
    wrong = LineDecoder(made).decode(b"22.13.2026;14:00:05;31,5;40")
    assert wrong is not None
    assert wrong.time_ns is None
    assert wrong.time_fault


@pytest.mark.parametrize(("rule", "line"), [
    ({"rule": "xor8", "mark": "*", "covers_mark": False}, b"$21.5,3*07"),
    ({"rule": "sum8"}, b"$21.5,3,51"),
    ({"rule": "sum8", "covers_start": True}, b"$21.5,3,75"),
])  # fmt: skip
def test_the_rules_of_checksums(rule: dict[str, Any], line: bytes) -> None:
    made = profile(line={"start": "$", "delimiter": ",", "fields": 2, "checksum": rule})
    decoder = LineDecoder(made)
    received = decoder.decode(line)
    assert received is not None
    assert received.values == {"temperature_c": 21.5}
    assert reason(decoder, line.replace(b"21", b"22")) == "crc"
    assert reason(decoder, line[: len(b"$21.5,3")]) == "crc"


def test_a_stream_joined_midway_begins_with_the_next_whole_line() -> None:
    """The rest of a number is a number too: "21.5,3" joined late reads 1.5."""
    receiver = LineReceiver("m", profile())
    receiver.reset(synced=False)
    assert receiver.take(b"1.5,3\r\n22.5,3\r") == [(b"22.5,3", 0)]
    assert receiver.take(b"\n\r\n23") == []
    assert receiver.take(b".5,3\n24,5\r\nx") == [(b"23.5,3", 7), (b"24,5", 1)]
    assert receiver.idle()
    assert not receiver.idle()


def test_a_line_without_end_costs_no_memory_and_the_next_one_is_read() -> None:
    receiver = LineReceiver("m", profile(line={"delimiter": ",", "fields": 2, "max_length": 50}))
    receiver.reset(synced=True)
    for _ in range(1000):
        assert receiver.take(b"7" * 1000) == []
        assert len(receiver._buffer) <= 50
    assert receiver.take(b"1,2\r\n3,4\r\n") == [(b"3,4", 0)]


def test_an_own_terminator() -> None:
    receiver = LineReceiver("m", profile(line={"delimiter": ",", "fields": 2, "terminator": "\x03"}))
    receiver.reset(synced=True)
    assert receiver.take(b"1,2\x033,\r\n4\x03") == [(b"1,2", 6), (b"3,\r\n4", 0)]


def test_the_page_on_adding_an_instrument_that_prints_is_right() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "add-an-instrument-that-prints.md"
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    made = parse_profile(text, Path("acme.ox-2.yaml"))
    assert check(made) == []
    assert isinstance(made, LineProfile)
    assert f"```text\n{made.tests[0].line}\n```" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("old", "new", "words"), [
    ("unit_field: 3", "unit_field: 9", "no field 9: the last one is 4"),
    ("{field: 4, allowed", "{field: 4, block: true, allowed", "the line has no blocks"),
    ("field: 2,", "field: 2, side: secondary,", "does not know transformers"),
    ("field: 2,", "field: 2, scale: 0,", "scale of 0"),
    ('units: {"%": vol%, ppm: ppm}', "span_field: 1", "give units"),
    ('"%": vol%', '"%": kWh', "they don't convert"),
])  # fmt: skip
def test_a_mistake_in_a_profile_is_told_with_its_line(old: str, new: str, words: str) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "add-an-instrument-that-prints.md"
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert old in text
    with pytest.raises(ConfigError) as error:
        parse_profile(text.replace(old, new), Path("acme.ox-2.yaml"))
    assert words in str(error.value)
    assert (error.value.where.line or 0) > 10
