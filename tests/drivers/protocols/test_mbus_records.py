"""M-Bus frames and records, on vectors of our own."""

from __future__ import annotations

import contextlib
import math
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.protocols.mbus_frame import (
    LongFrame,
    MbusRefusal,
    Refusal,
    find_ack,
    find_long,
    long_frame,
    parse_long,
    req_ud2,
    select_secondary,
    snd_nke,
)
from drivers.protocols.mbus_records import Function, Record, decode_frame, decode_records
from drivers.protocols.mbus_vife import words

HEADER = bytes.fromhex("78563412 8310 01 04 05 00 0000")


def answer(records: str | bytes, *, ci: int = 0x72, header: bytes = HEADER, address: int = 1) -> bytes:
    data = bytes.fromhex(records) if isinstance(records, str) else records
    return long_frame(0x08, address, ci, header + data)


def one(records: str | bytes) -> Record:
    found = decode_frame(answer(records)).records
    assert len(found) == 1
    return found[0]


def refusal(frame: bytes) -> MbusRefusal:
    with pytest.raises(MbusRefusal) as caught:
        decode_frame(frame)
    return caught.value


# ---- frames


def test_requests_are_the_bytes_a_meter_expects() -> None:
    assert snd_nke(5) == bytes.fromhex("10 40 05 45 16")
    assert req_ud2(5, True) == bytes.fromhex("10 7B 05 80 16")
    assert req_ud2(5, False) == bytes.fromhex("10 5B 05 60 16")
    assert select_secondary(bytes.fromhex("78 56 34 12 FF FF FF FF")) == bytes.fromhex(
        "68 0B 0B 68 53 FD 52 78 56 34 12 FF FF FF FF B2 16"
    )


@given(st.binary(max_size=252), st.integers(0, 255), st.integers(0, 255))
def test_a_long_frame_comes_back_as_it_went(data: bytes, address: int, ci: int) -> None:
    assert parse_long(long_frame(0x08, address, ci, data)) == LongFrame(0x08, address, ci, data)


@given(st.data())
def test_no_single_wrong_byte_passes_as_a_frame(data: st.DataObject) -> None:
    frame = bytearray(answer("04 13 87 D6 12 00"))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MbusRefusal):
        decode_frame(bytes(frame))


def test_an_answer_is_found_in_noise_and_only_from_the_meter_that_was_asked() -> None:
    frame = answer("04 13 87 D6 12 00", address=7)
    noise = b"\x00\x68\xff\x68\x68"
    assert find_long(noise + frame, 7) == (len(noise), len(noise) + len(frame))
    assert find_long(noise + frame, 8) is None
    assert find_long(frame[:-1], 7) is None
    assert find_long(frame, None) == (0, len(frame))


def test_an_acknowledgement_inside_a_late_frame_is_none() -> None:
    request = snd_nke(1)
    assert find_ack(b"\xe5", request) == (0, 1)
    assert find_ack(request + b"\xe5", request) == (5, 6)  # an adapter that echoes
    assert find_ack(bytes.fromhex("68 0A 0A 68 08 01 72 E5"), request) is None


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", Refusal.FRAME),
        (b"\xe5", Refusal.FRAME),
        (bytes.fromhex("10 08 01 09 16"), Refusal.FRAME),
        (bytes.fromhex("68 03 04 68 08 01 72 7B 16"), Refusal.FRAME),
        (bytes.fromhex("68 03 03 68 08 01 72 7C 16"), Refusal.CHECKSUM),
        (long_frame(0x53, 1, 0x72, HEADER), Refusal.NOT_AN_ANSWER),
        (long_frame(0x08, 1, 0x42, HEADER), Refusal.UNKNOWN_CI),
        (long_frame(0x08, 1, 0x72, HEADER[:7]), Refusal.PREMATURE_END),
        (long_frame(0x08, 1, 0x73, HEADER), Refusal.PREMATURE_END),
        (long_frame(0x08, 1, 0x70, b"\x08"), Refusal.APPLICATION_BUSY),
        (long_frame(0x08, 1, 0x70, b"\x05"), Refusal.APPLICATION_ERROR),
        (long_frame(0x08, 1, 0x70, b""), Refusal.APPLICATION_ERROR),
        (long_frame(0x08, 1, 0x6E, HEADER[8:] + b"\x08"), Refusal.APPLICATION_BUSY),
        (long_frame(0x08, 1, 0x6F, HEADER + b"\x04"), Refusal.APPLICATION_ERROR),
        (long_frame(0x08, 1, 0x71, b"\x01"), Refusal.ALARM),
        (long_frame(0x08, 1, 0x75, HEADER + b"\x01"), Refusal.ALARM),
        (answer("2F 2F 04 13", header=HEADER[:10] + b"\x00\x05"), Refusal.ENCRYPTED),
        (answer("04 13 01 02 03 04", header=HEADER[:10] + b"\x10\x08"), Refusal.ENCRYPTED),
        (answer("04 13 01 02 03 04", header=HEADER[:10] + b"\x00\x09"), Refusal.ENCRYPTED),
        (answer("04 13 01 02 03 04", header=HEADER[:10] + b"\x00\x0a"), Refusal.ENCRYPTED),
        (answer("04"), Refusal.PREMATURE_END),
        (answer("84"), Refusal.PREMATURE_END),
        (answer("04 93"), Refusal.PREMATURE_END),
        (answer("04 13 01 02 03"), Refusal.PREMATURE_END),
        (answer("0D 78"), Refusal.PREMATURE_END),
        (answer("0D 78 05 41"), Refusal.PREMATURE_END),
        (answer("02 7C 05 41 42"), Refusal.PREMATURE_END),
        (answer("84" + "80" * 10 + "00 13"), Refusal.TOO_MANY_DIFE),
        (answer("04" + "93" + "FC" * 10 + "00 00"), Refusal.TOO_MANY_VIFE),
        (answer("0D 78 FB 00"), Refusal.RESERVED),
        (answer("3F 13 00"), Refusal.RESERVED),
    ],
)
def test_what_is_no_answer_is_refused_with_its_reason(frame: bytes, reason: Refusal) -> None:
    assert refusal(frame).reason == reason


# ---- values


@pytest.mark.parametrize(
    ("records", "value"),
    [
        ("01 13 FF", -0.001),
        ("02 13 01 80", -32.767),
        ("01 13 80", -0.128),
        ("03 13 FF FF FF", -0.001),
        ("04 13 87 D6 12 00", 1234.567),
        ("06 13 87 D6 12 00 00 80", (0x800000000000 * -1 + 1234567) / 1000),
        ("07 13 87 D6 12 00 00 00 00 00", 1234.567),
        ("09 13 42", 0.042),
        ("0A 13 34 12", 1.234),
        ("0B 13 56 34 12", 123.456),
        ("0C 13 78 56 34 12", 12345.678),
        ("0E 13 12 90 78 56 34 12", 123456789.012),
        ("0A 5B 05 F0", -5.0),  # F in front: minus
        ("0C 13 01 00 00 F0", -0.001),
        ("05 5B" + struct.pack("<f", 21.5).hex(), 21.5),
        ("0D 13 C3 56 34 12", 123.456),
        ("0D 13 D3 56 34 12", -123.456),
        ("0D 13 E2 D2 04", 1.234),
    ],
)
def test_every_number_format_gives_its_value(records: str, value: float) -> None:
    assert one(records).value == value
    assert one(records).fault is None


@pytest.mark.parametrize(
    ("records", "quantity", "unit", "value"),
    [
        ("01 00 01", "energy", "Wh", 0.001),
        ("01 07 01", "energy", "Wh", 10_000),
        ("01 0F 01", "energy", "J", 1e7),
        ("01 1B 05", "mass", "kg", 5),
        ("01 22 02", "on_time", "s", 7200),
        ("01 27 01", "operating_time", "s", 86_400),
        ("01 2E 01", "power", "W", 1000),
        ("01 33 01", "power", "J/h", 1000),
        ("01 3E 01", "volume_flow", "m3/h", 1),
        ("01 47 01", "volume_flow", "m3/min", 1),
        ("01 4F 01", "volume_flow", "m3/s", 0.01),
        ("01 53 01", "mass_flow", "kg/h", 1),
        ("01 5A 01", "flow_temperature", "degC", 0.1),
        ("01 5F 01", "return_temperature", "degC", 1),
        ("01 61 01", "temperature_difference", "K", 0.01),
        ("01 67 01", "external_temperature", "degC", 1),
        ("01 6B 01", "pressure", "bar", 1),
        ("01 6E 01", "heat_cost", "HCA", 1),
        ("01 FD 48 01", "voltage", "V", 0.1),
        ("01 FD 59 01", "current", "A", 0.001),
        ("01 FD 17 01", "error_flags", "", 1),
        ("01 FD 6C 01", "battery_operating_time", "s", 3600),
        ("01 FB 00 01", "energy", "Wh", 100_000),
        ("01 FB 01 01", "energy", "Wh", 1_000_000),
        ("01 FB 09 01", "energy", "J", 1e9),
        ("01 FB 11 01", "volume", "m3", 1000),
        ("01 FB 1A 64", "relative_humidity", "%", 10),
        ("01 FB 2F 32", "frequency", "Hz", 50),
        ("01 FB 74 05", "temperature_limit", "degC", 0.005),
        ("01 FD 1F 01", "remote_control", "", 1),
        ("01 FD 23 01", "tariff_and_subunit", "", 1),
        ("01 FD 3D 02", "transmission_period", "s", 120),
        ("01 FD 74 02", "battery_remaining", "s", 172_800),
        ("01 FB 02 01", "reactive_energy", "kvarh", 1),
        ("01 FB 05 01", "apparent_energy", "kVAh", 10),
        ("01 FB 0D 01", "energy", "cal", 1e6),
        ("01 FB 15 01", "reactive_power", "var", 10),
        ("01 FB 29 01", "power", "W", 1e6),
        ("01 FB 2A 0A", "phase_voltages", "deg", 1),
        ("01 FB 31 01", "power", "J/h", 1e9),
        ("01 FB 37 01", "apparent_power", "VA", 1000),
        ("01 93 70 01", "volume", "m3", 1e-9),  # factor 10^-6
        ("01 93 7D 01", "volume", "m3", 1),  # factor 1000
        ("01 93 7B 01", "volume", "m3", 0.002),  # one unit of the VIF more
        ("02 FC 03 48 52 25 74 0A 1A", "%RH", "", 66.66),
        ("01 FD 7C 01", "reserved_fd_7c", "Reserved", 1),
        ("01 7B 01", "reserved_7b", "Reserved", 1),
        ("01 FB 3C 01", "reserved_fb_3c", "Reserved", 1),
    ],
)
def test_every_meaning_gives_its_quantity_and_unit(
    records: str, quantity: str, unit: str, value: float
) -> None:
    record = one(records)
    assert (record.quantity, record.unit, record.value) == (quantity, unit, value)


def test_storage_tariff_and_subunit_are_put_together_from_all_extensions() -> None:
    record = one("D4 B1 52 13 01 00 00 00")
    # DIF D4: maximum, storage bit 1; DIFE B1: storage 1, tariff 3; DIFE 52: storage 2, tariff 1, subunit 1
    assert (record.function, record.storage, record.tariff, record.subunit) == (
        Function.MAXIMUM, 1 + 2 * 1 + 32 * 2, 3 + 4 * 1, 2,
    )  # fmt: skip


def test_a_record_that_means_something_else_says_so() -> None:
    assert one("01 90 28 0B").modifiers == b"\x28"  # volume per pulse
    assert one("02 AC FF 01 09 00").modifiers == b"\x7f\x01"  # the maker's own code: here phase 1
    assert one("01 93 70 01").modifiers == b""  # a factor changes nothing but the number


def test_how_long_a_limit_was_passed_is_no_flow() -> None:
    """rscada/libmbus shows the seconds as m3/h; see docs/decisions/0011."""
    below, above = one("04 BE 50 40 E2 01 00"), one("02 BE 5E 03 00")
    assert (below.quantity, below.unit, below.value, below.modifiers) == (
        "volume_flow",
        "s",
        123_456,
        b"\x50",
    )
    assert (above.unit, above.value, above.modifiers) == ("s", 10_800, b"\x5e")
    assert [r.value for r in decode_frame(answer("04 BE 50 40 E2 01 00 02 3B 05 00")).records] == [
        123_456,
        0.005,
    ]


def test_when_a_maximum_was_reached_is_a_date_and_no_temperature() -> None:
    """rscada/libmbus shows the bits of the date as 40 million degrees; see docs/decisions/0011."""
    record = one("14 DA 6F 17 2E CC 13")
    assert (record.quantity, record.text, record.value) == ("flow_temperature", "2014-03-12T14:23:00", None)


def test_a_value_the_meter_itself_calls_wrong_carries_a_fault() -> None:
    assert one("01 93 15 00").fault == "no data"
    assert one("0A 5B AA AA").fault == "digits that are not decimal"
    assert one("05 5B 00 00 C0 7F").fault == "not a number"
    assert one("05 5B 00 00 C0 7F").value is None


@pytest.mark.parametrize(
    ("records", "text", "fault"),
    [
        ("02 6C BF 1C", "2013-12-31", None),
        ("04 6D 17 2E CC 13", "2014-03-12T14:23:00", None),
        ("06 6D 1E 17 0E CC 13 00", "2014-03-12T14:23:30", None),
        ("03 6D 1E 17 0E", "14:23:30", None),
        ("02 6C 00 00", None, "no date set"),
        ("02 6C FF FF", None, "no date set"),
        ("04 6D 97 2E CC 13", None, "the meter's clock is not valid"),
        ("04 6D 3F 2E CC 13", None, "no date set"),
        ("04 6D 17 4E CC 13", "2014-03-12T14:23:00", None),  # a century of 2 is no 2114
        ("04 6D 17 0E C1 BC", "1994-12-01T14:23:00", None),
        ("02 6C FF FC", "2027-12-31", "this day of every year"),
        ("04 6D 00 00 E1 F1", "2027-01-01T00:00:00", "this day of every year"),
        ("03 6D 3F 3F 1F", None, "no date set"),
        ("06 6D 1E 97 0E CC 13 00", None, "the meter's clock is not valid"),
        ("07 6D 1E 17 0E CC 13 00 00 00", "2014-03-12T14:23:30", None),
        ("02 FD 30 BF 1C", "2013-12-31", None),
        ("02 EC 7E BF 1C", "2013-12-31", None),
    ],
)
def test_dates_of_every_type_are_read_in_the_meters_own_time(
    records: str, text: str | None, fault: str | None
) -> None:
    assert (one(records).text, one(records).fault) == (text, fault)


def test_summer_time_is_told_with_a_date() -> None:
    assert [one(r).summer for r in ("04 6D 17 2E CC 13", "04 6D 17 AE CC 13")] == [False, True]
    assert [one(r).summer for r in ("06 6D 1E 17 0E CC 13 00", "06 6D DE 17 0E CC 13 00")] == [False, True]
    assert one("06 6D DE 17 0E CC 13 00").text == "2014-03-12T14:23:30"


@pytest.mark.parametrize(
    "records", ["02 13 00 80", "03 13 00 00 80", "04 13 00 00 00 80", "07 13" + "00" * 7 + "80"]
)
def test_the_lowest_number_is_the_sign_for_no_value(records: str) -> None:
    assert one(records).fault == "the sign for no value"


def test_a_number_said_to_have_no_sign_has_none() -> None:
    assert one("02 93 FC 11 FF FF").value == 65.535  # VIFE 7C 11
    assert one("02 93 FC 11 FF FF").modifiers == b""
    assert one("04 93 FC 12 00 00 00 80").value == 2_147_483.648


@pytest.mark.parametrize(("records", "modifiers", "saying"), [
    ("02 93 22 05 00", "22", ("per hour",)),
    ("02 93 12 05 00", "12", ("average",)),
    ("02 93 3C 05 00", "3C", ("backward only",)),
    ("02 93 BE 7E 05 00", "3E 7E", ("at base conditions", "future")),
    ("02 93 48 05 00", "48", ("upper limit",)),
    ("02 93 49 05 00", "49", ("times above the upper limit",)),
    ("02 93 5D 05 00", "5D", ("duration of the last time above the limit",)),
    ("02 93 62 05 00", "62", ("duration of the first time of it",)),
    ("02 FD C9 FC 01 05 00", "7C01", ("phase L1",)),
    ("02 FD C9 FC 85 70 05 00", "7C05", ("L1 to L2",)),  # and a factor after it
    ("02 AC FF 81 02 05 00", "7F 01 02", ("the maker's own code 0102",)),
    ("02 93 30 05 00", "30", ("per kWh",)),
    ("02 93 FC 77 05 00", "7C77", ("code 7C77",)),
])  # fmt: skip
def test_what_changes_a_value_is_told_in_words(records: str, modifiers: str, saying: tuple[str, ...]) -> None:
    record = one(records)
    assert record.modifiers == bytes.fromhex(modifiers)
    assert words(record.modifiers) == saying


def test_a_factor_after_a_phase_still_counts() -> None:
    assert one("02 FD C8 FC 81 71 E8 03").value == pytest.approx(0.001)  # 1000 · 0.1 V · 1e-5


@pytest.mark.parametrize(("code", "fault"), [
    ("01", "too many DIFE"), ("0D", "illegal VIF exponent"), ("15", "no data"), ("16", "overflow"),
    ("17", "underflow"), ("18", "data error"), ("1C", "premature end of record"), ("10", "error 10"), ("00", None),
])  # fmt: skip
def test_an_error_of_a_record_is_told_by_name(code: str, fault: str | None) -> None:
    assert one(f"01 93 {code} 05").fault == fault


def test_several_readings_in_one_field_are_never_one_number() -> None:
    """A compact profile of 14 bytes would else be a volume of 10^33 m3."""
    record = one("0D 93 1F E4 11 22 33 44")
    assert (record.value, record.text, record.modifiers) == (None, "44 33 22 11", b"\x1f")
    assert one("04 FD 72 01 02 03 04").value is None  # when summer time begins and ends
    assert one("04 FD 72 01 02 03 04").text == "04 03 02 01"


def test_text_reads_from_left_to_right() -> None:
    assert one("0D FD 0B 05 31 32 48 46 57").text == "WFH21"
    assert (
        one("0D 7C 03 42 41 43 F0" + bytes(range(16)).hex()).text == bytes(range(15, -1, -1)).hex(" ").upper()
    )


def test_fillers_makers_data_and_more_telegrams_are_told_apart() -> None:
    telegram = decode_frame(answer("2F 2F 01 13 05 2F 2F 0F 01 02 13"))
    assert [record.value for record in telegram.records] == [0.005]
    assert (telegram.makers, telegram.more) == (b"\x01\x02\x13", False)
    assert decode_frame(answer("01 13 05 1F")).more
    assert decode_frame(answer("")).records == ()


def test_the_header_says_who_answers() -> None:
    header = decode_frame(answer("01 13 05")).header
    assert header is not None
    assert (header.identification, header.manufacturer, header.version) == ("12345678", "DDC", 1)
    assert header.medium_name == "heat (return)"


def test_most_significant_byte_first_is_read_as_such() -> None:
    header = bytes.fromhex("12345678 1083 01 04 05 00 0000")
    telegram = decode_frame(answer("04 13 00 12 D6 87", ci=0x76, header=header))
    assert telegram.header is not None
    assert (telegram.header.identification, telegram.header.manufacturer) == ("12345678", "DDC")
    assert telegram.records[0].value == 1234.567


def test_short_and_missing_headers_are_read() -> None:
    assert decode_frame(answer("01 13 05", ci=0x7A, header=b"\x05\x00\x00\x00")).records[0].value == 0.005
    assert decode_frame(answer("01 13 05", ci=0x78, header=b"")).header is None


def test_fixed_data_give_two_counters_with_their_units() -> None:
    # status 00: decimal, present values; units 05 (kWh) and 29 (l); medium 4 = heat
    data = bytes.fromhex("93929190 10 00 05 69 31650000 69000000")
    heat, volume = decode_frame(long_frame(0x08, 1, 0x73, data)).records
    assert (heat.value, heat.unit, heat.storage) == (6531, "kWh", 0)
    assert (volume.value, volume.unit, volume.storage) == (69, "l", 0)
    # status 03: binary, stored at the fixed date; the second counter's unit is that of the first
    data = bytes.fromhex("78563412 0A 03 E9 7E 01000000 FFFFFFFF")
    first, second = decode_frame(long_frame(0x08, 1, 0x73, data)).records
    assert (first.value, first.unit, first.storage) == (1, "l", 1)
    assert (second.value, second.unit, second.storage) == (-1, "l", 1)


def test_a_fixed_medium_of_the_second_mode_is_gas_and_no_cooling() -> None:
    data = bytes.fromhex("00000001 0A 00 A9 BE 00000123 00000099")  # medium A, most significant byte first
    header = decode_frame(long_frame(0x08, 1, 0x77, data)).header
    assert header is not None
    assert header.medium_name == "gas"


# ---- whatever comes


@settings(deadline=None, max_examples=400)
@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_a_refusal(data: bytes) -> None:
    for attempt in (decode_frame, decode_records):
        with contextlib.suppress(MbusRefusal):
            attempt(data)
    find_long(data, 1)


@settings(deadline=None, max_examples=600)
@given(st.sampled_from([0x72, 0x73, 0x76, 0x77, 0x78, 0x7A, 0x70]), st.binary(max_size=250))
def test_random_content_in_a_good_frame_raises_nothing_but_a_refusal(ci: int, data: bytes) -> None:
    with contextlib.suppress(MbusRefusal):
        decode_frame(long_frame(0x08, 1, ci, data))


WHOLE = bytes.fromhex(
    "0C7834120000 0406 55BC0000 142B 40FA0000 025B5500 046D 172ECC13 426CBF1C 01FD1700 02FC0348522574 1A00"
    " 0D93BE1FE411223344 84A0D052 13 01000000 05FDC9FC01 0AD7E542 0DFD0B 05 3132484657 1F 01"
)


@settings(deadline=None, max_examples=600, derandomize=True)
@given(st.data())
def test_a_frame_damaged_before_its_checksum_was_made_raises_nothing_but_a_refusal(
    data: st.DataObject,
) -> None:
    """A meter with a fault of its own: bytes changed, left out or put in, and the checksum is right."""
    content = bytearray(HEADER + WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                content[place] = data.draw(st.integers(0, 255))
            case 1:
                del content[place]
            case _:
                content.insert(place, data.draw(st.integers(0, 255)))
    with contextlib.suppress(MbusRefusal):
        for record in decode_frame(long_frame(0x08, 1, 0x72, bytes(content))).records:
            assert record.value is None or math.isfinite(record.value)
            words(record.modifiers)


def test_a_megabyte_of_starting_bytes_costs_no_time() -> None:
    begin = time.process_time()
    came = b""
    for _ in range(250):
        came += b"\x68" * 4096
        assert find_long(came, 1) is None
    frame = answer("01 13 05")
    assert find_long(came + frame, 1) == (len(came), len(came) + len(frame))
    assert time.process_time() - begin < 5


@settings(deadline=None, max_examples=300)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 7))
def test_a_number_is_scaled_with_one_rounding_only(raw: int, exponent: int) -> None:
    record = one(bytes((0x04, 0x10 + exponent)) + raw.to_bytes(4, "little", signed=True))
    assert record.value == float(f"{raw}e{exponent - 6}")
