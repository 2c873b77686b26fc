"""IEC 62056-21: a register is taken for current, whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_profile
from drivers.profile import Iec62056Profile
from drivers.protocols import iec62056, iec62056_submeter
from drivers.protocols.iec62056_receive import Iec62056Receiver, readings
from drivers.protocols.received import Refused

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "meters" / "iec62056-dsmr_parser-MIT"


def named(id: str) -> Iec62056Profile:
    profile = load_profile(id)
    assert isinstance(profile, Iec62056Profile)
    return profile


def pushed(body: str) -> bytes:
    data = body.replace("\n", "\r\n").encode("latin-1") + b"!"
    return data + f"{iec62056.crc16(data):04X}\r\n".encode()


def read_out(body: str) -> bytes:
    block = body.replace("\n", "\r\n").encode("latin-1") + b"!\r\n\x03"
    return b"/DDC5OWN\r\n\x02" + block + bytes((iec62056.bcc(block),))


GOLDEN = named("generic.dsmr-p1").tests[0].telegram.replace("\n", "\r\n").encode()
READOUT = named("generic.iec62056-electricity").tests[0].telegram.replace("\n", "\r\n").encode("latin-1")


def reason(data: bytes, id: str = "generic.dsmr-p1") -> str:
    with pytest.raises(Refused) as refusal:
        readings(named(id), data)
    return refusal.value.reason.value


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, len(GOLDEN) - 1), st.integers(0, 7))
def test_one_wrong_bit_of_a_telegram_is_never_another_value(place: int, bit: int) -> None:
    right = readings(named("generic.dsmr-p1"), GOLDEN).values
    wrong = GOLDEN[:place] + bytes((GOLDEN[place] ^ 1 << bit,)) + GOLDEN[place + 1 :]
    with contextlib.suppress(Refused):
        assert readings(named("generic.dsmr-p1"), wrong).values == right  # a letter of the sum in small


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, len(READOUT) - 1), st.integers(0, 7))
def test_one_wrong_bit_of_a_readout_is_never_another_value(place: int, bit: int) -> None:
    profile = named("generic.iec62056-electricity")
    right = readings(profile, READOUT).values
    wrong = READOUT[:place] + bytes((READOUT[place] ^ 1 << bit,)) + READOUT[place + 1 :]
    with contextlib.suppress(Refused):
        assert readings(profile, wrong).values == right  # a letter of the identification


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_random_bytes_raise_only_the_refusal(data: bytes) -> None:
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1"))
    for message, _ in receiver.take(b"/XXX5\r\n" + data + b"!0000\r\n"):
        with contextlib.suppress(Refused):
            receiver.decode(message)
    for check in ("none", "bcc", "crc16"):
        for head in (b"", b"/XXX5\r\n", b"/XXX5\r\n\x02"):
            with contextlib.suppress(Refused):
                iec62056.parse(head + data, check)


def test_stored_values_are_never_current_ones() -> None:
    """1.8.0*1 is the register at the end of last month: an energy of a month would be lost or doubled."""
    profile = named("generic.iec62056-electricity")
    only = read_out(
        "1.8.0*1(001.00*kWh)\n1.8.0*02(002.00*kWh)\n1.8.0&3(003.00*kWh)\n1.8.0*0(5*kWh)\n1.8.0*00(6*kWh)\n2.8.0(7*kWh)\n"
    )
    assert readings(profile, only).values == {"energy_export_kwh": 7.0}
    both = read_out("1.8.0*1(001.00*kWh)\n1.8.0*255(004.00*kWh)\n")
    assert readings(profile, both).values == {"energy_import_kwh": 4.0}


def test_a_total_of_two_tariffs_is_none_while_one_is_missing() -> None:
    both = readings(named("generic.dsmr-p1"), pushed("/DDC5X\n\n1-0:1.8.1(100*kWh)\n1-0:1.8.2(20*kWh)\n"))
    assert both.values == {"energy_import_kwh": 120.0}
    one = readings(named("generic.dsmr-p1"), pushed("/DDC5X\n\n1-0:1.8.1(100*kWh)\n1-0:32.7.0(230*V)\n"))
    assert one.values == {"voltage_l1_v": 230.0}
    assert [(flag.channel, flag.reason.value) for flag in one.flags] == [("energy_import_kwh", "decode")]


@pytest.mark.parametrize("line", [
    "1.8.0(000123.45)",  # no unit
    "1.8.0(013925.5*)",
    "1.8.0(12.5*kvarh)",
    "1.8.0(12.5*kXh)",
    "1.8.0(12,5*kWh)",
    "1.8.0(12.5*kWh)(11-01)",
    "1.8.0()",
    "1.8.0(12.5*kWh)\n1-0:1.8.0(13.5*kWh)",  # which one?
])  # fmt: skip
def test_what_can_t_be_told_is_flagged(line: str) -> None:
    received = readings(named("generic.iec62056-electricity"), read_out(line + "\n2.8.0(1*kWh)\n"))
    assert received.values == {"energy_export_kwh": 1.0}
    assert [(f.channel, f.reason.value) for f in received.flags] == [("energy_import_kwh", "decode")]


def test_units_of_the_wire_are_converted_and_a_missing_one_comes_from_the_profile() -> None:
    received = readings(
        named("generic.iec62056-electricity"),
        read_out("1.8.0(1.5*MWh)\n3.8.0(2500*varh)\n16.7.0(2.5*kW)\n13.7.0(0.9)\n14.7(49.98*Hz)\n"),
    )
    assert received.values == pytest.approx(
        {"energy_import_kwh": 1500, "reactive_import_kvarh": 2.5, "power_w": 2500, "power_factor": 0.9,
         "frequency_hz": 49.98}
    )  # fmt: skip
    assert not received.flags


def test_wake_bytes_and_an_echo_before_a_telegram_do_no_harm() -> None:
    profile = named("generic.iec62056-electricity")
    right = readings(profile, READOUT).values
    assert readings(profile, b"\x7f\x7f/?!\r\n\x7f" + READOUT).values == right
    assert readings(profile, READOUT.replace(b"\x02", b"\x7f\x7f\x02")).values == right


@pytest.mark.parametrize(("data", "why"), [
    (b"", "decode"),
    (GOLDEN[:-4], "crc"),
    (GOLDEN[:-10], "decode"),
    (GOLDEN[40:], "decode"),
    (pushed("/DDC5X\n\n"), "decode"),
    (pushed("/DDC5X\n\n(12)\n"), "decode"),
    (pushed("/DDC5X\n\n1-0:1.8.1(12\n"), "decode"),
    (pushed("/DDC5X\n\n0-0:96.1.1(1)\n"), "decode"),
    (READOUT, "crc"),
])  # fmt: skip
def test_what_is_no_whole_telegram_is_refused(data: bytes, why: str) -> None:
    assert reason(data) == why


@pytest.mark.parametrize("data", [READOUT[:-1], READOUT[:-1] + b"\x00", READOUT[:60], GOLDEN])
def test_a_readout_without_its_block_check_is_refused(data: bytes) -> None:
    assert reason(data, "generic.iec62056-electricity") == "crc" or b"!" not in data


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 200), max_size=20))
def test_telegrams_are_cut_out_however_the_bytes_come(sizes: list[int]) -> None:
    stream = GOLDEN[-50:] + b"\r\n" + GOLDEN + b"\r\n\x00\xff" + GOLDEN[:100] + GOLDEN + b"\r\n"
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1"))
    found: list[bytes] = []
    for size in [*sizes, len(stream)]:
        found += [message for message, _ in receiver.take(stream[:size])]
        stream = stream[size:]
    assert [message.strip() for message in found] == [GOLDEN, GOLDEN]


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_telegram_torn_in_its_check_sum_does_not_take_the_next_one_with_it(lost: int) -> None:
    whole = GOLDEN + b"\r\n"
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1"))
    found = [message for message, _ in receiver.take(whole[: -2 - lost] + whole + whole)]
    assert [message.strip() for message in found] == [GOLDEN, GOLDEN]


@pytest.mark.parametrize(("line", "value"), [("1.5*kVArh", 1.5), ("1.5*kVARh", 1.5), ("1500*VArh", 1.5)])
def test_reactive_energy_in_a_makers_own_spelling_is_read(line: str, value: float) -> None:
    received = readings(named("generic.iec62056-electricity"), read_out(f"3.8.0({line})\n"))
    assert received.values == {"reactive_import_kvarh": value}


def test_a_pushed_block_is_whole_only_with_its_check() -> None:
    receiver = Iec62056Receiver("m", named("generic.iec62056-electricity"))
    assert receiver.take(READOUT[:-1]) == []
    assert receiver.take(READOUT[-1:] + b"\x7f/DD") == [(READOUT, 4)]
    assert receiver.idle()


def corpus(name: str) -> list[bytes]:
    path = CORPUS / f"TELEGRAM_{name}.txt"
    if not path.is_file():
        if os.environ.get("DODAC_REQUIRE_DATA") == "1":
            pytest.fail(f"{path} is required here and is not there.")
        pytest.skip(f"{path} is not there: real telegrams are not tried")
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1"))
    return [message for message, _ in receiver.take(path.read_bytes())]


@pytest.mark.parametrize(("name", "expected"), [
    ("V5", {"energy_import_kwh": 6.825, "energy_export_kwh": 2.444, "power_w": 244, "power_l3_w": 142,
            "voltage_l3_v": 229.0, "current_l3_a": 0.86}),
    ("FLUVIUS_V171", {"energy_import_kwh": 15.792, "energy_export_kwh": 0.011, "power_w": 0, "voltage_l1_v": 234.7}),
    ("ISKRA_IE", {"energy_import_kwh": 20.363, "energy_export_kwh": 20.563, "power_w": -100, "power_l1_w": -10}),
    ("V5_TWO_MBUS", {"power_w": 111, "voltage_l1_v": 229.9, "current_l3_a": 1.0}),
])  # fmt: skip
def test_real_telegrams_pass_their_check_sum_and_give_their_values(
    name: str, expected: dict[str, Any]
) -> None:
    (message,) = corpus(name)
    received = readings(named("generic.dsmr-p1"), message)
    assert {n: received.values[n] for n in expected} == pytest.approx(expected)
    assert not received.flags
    damaged = message.replace(b"1-0:1.7.0(0", b"1-0:1.7.0(9")
    assert damaged != message
    assert reason(damaged) == "crc"


def test_a_real_telegram_without_check_sum_is_refused_unless_the_profile_allows_it() -> None:
    (message,) = corpus("V3")
    assert reason(message) == "crc"
    telegram = iec62056.parse(message, "none")
    assert [i.groups for i in telegram.current("1-0:1.8.1")] == [("12345.678*kWh",)]
    gas = next(i for i in telegram.items if i.code == "0-1:24.3.0")
    assert gas.groups[-1] == "00001.001"  # a value on a line of its own belongs to the code before


def test_a_real_check_sum_without_its_leading_zero_is_right() -> None:
    (message,) = corpus("UNPADDED_CRC")
    assert iec62056.parse(message, "crc16").current("0-1:24.2.1")


def test_codes_with_255_are_current_in_a_real_telegram() -> None:
    telegram = iec62056.parse(corpus("ESY5Q3DA1004_V304")[0], "none")
    assert [i.groups for i in telegram.current("1-0:1.7.0")] == [("001688.21*W",)]


# ---- meters behind a P1 port


def behind(lines: str, sent: str = "0-0:1.0.0(261122074510W)\n") -> tuple[float | None, str | None]:
    """What is read of the gas meter: value, and why it is flagged."""
    received = readings(
        named("generic.dsmr-p1-gas"), pushed(f"/DDC5X\n\n{sent}1-0:1.7.0(1*kW)\n1-0:2.7.0(0*kW)\n{lines}")
    )
    flags = {flag.channel: flag.reason.value for flag in received.flags}
    return received.values.get("volume_m3"), flags.get("volume_m3")


@pytest.mark.parametrize(("lines", "found"), [
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500W)(00107.250*m3)\n", (107.25, None)),
    ("0-2:24.1.0(003)\n0-2:24.2.3(261122074500W)(00107.250*m3)\n", (107.25, None)),
    ("0-1:24.1.0(007)\n0-1:24.2.1(261122074500W)(00107.250*m3)\n", (None, None)),  # water
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122064011W)(00107.250*m3)\n", (107.25, None)),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122064009W)(00107.250*m3)\n", (None, "stale")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122084500S)(00107.250*m3)\n", (107.25, None)),  # the same hour, said in summer time
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500S)(00107.250*m3)\n", (107.25, None)),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122075500W)(00107.250*m3)\n", (None, "time_unknown")),  # in the future
    ("0-1:24.1.0(003)\n0-1:24.2.1(700101010000W)(00000.000*m3)\n", (None, "time_unknown")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(632525252525W)(00000.000*m3)\n", (None, "time_unknown")),
    ("0-1:24.1.0(003)\n0-1:24.2.1()(00107.250*m3)\n", (None, "time_unknown")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500)(00107.250*m3)\n", (None, "time_unknown")),  # whose time?
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500W)(00107.250)\n", (None, "decode")),  # of what?
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500W)(00107.250*GJ)\n", (None, "decode")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500W)\n", (None, "decode")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(261122074500W)(1*m3)\n0-2:24.1.0(003)\n0-2:24.2.1(261122074500W)(2*m3)\n", (None, "decode")),
    ("0-1:24.1.0(003)\n0-1:24.2.1(700101010000W)(00000000)\n0-2:24.1.0(003)\n0-2:24.2.1(261122074500W)(2*m3)\n", (2.0, None)),
    ("0-1:24.1.0(x)\n0-1:24.2.1(261122074500W)(1*m3)\n", (None, None)),
])  # fmt: skip
def test_a_gas_meters_value_is_taken_only_with_its_own_time(
    lines: str, found: tuple[float | None, str | None]
) -> None:
    """An old value booked as now, or a dead meter's zero, would put gas into the wrong hour."""
    assert behind(lines) == found


def test_the_hour_that_comes_twice_is_told_by_its_letter() -> None:
    before = iec62056_submeter.moment("261025023000S")
    after = iec62056_submeter.moment("261025023000W")
    assert before is not None
    assert after is not None
    assert (after.standard - before.standard).total_seconds() == 3600
    assert iec62056_submeter.moment("269999999999W") is None


def test_an_old_telegram_tells_value_and_unit_in_brackets_of_their_own() -> None:
    lines = "/DDC4 X\n\n0-1:24.1.0(03)\n0-1:24.3.0(261122070000)(00)(60)(1)(0-1:24.2.1)(m3)\n(00107.250)\n!\n"
    telegram = iec62056.parse(lines.replace("\n", "\r\n").encode())
    (gas,) = iec62056_submeter.submeters(telegram, 3)
    assert gas.printed == (107.25, "m3")
    assert gas.time is not None
    assert gas.age_s(telegram) is None  # the telegram itself has no time


# ---- what a meter says of itself, and forms of lines


@pytest.mark.parametrize(("register", "well"), [
    ("F.F(00)", True), ("F.F(00000000)", True), ("F.F()", True), ("F.F.0(0000)", True), ("1-0:F.F(00)", True),
    ("F.F(01)", False), ("F.F(00000080)", False), ("1-0:F.F.0(A)", False),
])  # fmt: skip
def test_a_meter_that_says_it_is_broken_gives_no_good_reading(register: str, well: bool) -> None:
    profile = named("generic.iec62056-electricity")
    data = read_out(f"{register}\n1.8.0(7*kWh)\n")
    received = readings(profile, data)
    assert received.values == ({"energy_import_kwh": 7.0} if well else {})
    assert [(f.reason.value, f.value) for f in received.flags] == ([] if well else [("device_status", 7.0)])
    link = profile.link.model_copy(update={"ignore_errors": True})
    assert readings(profile.model_copy(update={"link": link}), data).values == {"energy_import_kwh": 7.0}


def test_a_history_code_with_a_point_is_no_current_value() -> None:
    only = read_out("1-0:1.8.0.1(001.00*kWh)\n1-0:2.8.0.255(7*kWh)\n")
    assert readings(named("generic.iec62056-electricity"), only).values == {"energy_export_kwh": 7.0}


def test_line_ends_and_lines_that_adapters_make_do_no_harm() -> None:
    free = named("generic.dsmr-p1-v3")
    body = b"1-0:1.7.0(1*kW)\r\n1-0:2.7.0(0*kW)\r\n!\r\n"
    for data in (
        b"/ESY5Q3 V3.04\r\n\r\n" + body + b"  25803103\r\n\xff\xff\r\n",
        b"/ESY5Q3\n\n" + body.replace(b"\r", b""),
    ):
        assert readings(free, data).values == {"power_w": 1000.0}
        assert [m[:4] for m, _ in Iec62056Receiver("m", free).take(data)] == [b"/ESY"]


def test_a_unit_with_a_stroke_does_not_break_a_telegram() -> None:
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1-v3"))
    data = (
        b"/DDC4 X\r\n\r\n6.27(0.12*m3/h)\r\n6.33(1.2*m3/min)\r\n1-0:1.7.0(1*kW)\r\n1-0:2.7.0(0*kW)\r\n!\r\n"
    )
    ((message, _),) = receiver.take(data)
    assert readings(named("generic.dsmr-p1-v3"), message).values == {"power_w": 1000.0}


@pytest.mark.parametrize(
    "pattern", [b"!", b"/!", b"/aaa(", b"/aaa5\r\n!", b"\x7f", b"/aaa5" + b"(" * 60 + b"\r\n!\n"]
)
def test_a_megabyte_of_what_looks_like_a_telegram_costs_neither_time_nor_memory(pattern: bytes) -> None:
    receiver = Iec62056Receiver("m", named("generic.dsmr-p1"))
    data = pattern * (1_000_000 // len(pattern))
    begin = time.process_time()
    for start in range(0, len(data), 1000):
        for message, _ in receiver.take(data[start : start + 1000]):
            with contextlib.suppress(Refused):
                receiver.decode(message)
    assert time.process_time() - begin < 5
    assert len(receiver._buffer) < 70_000
    assert [m.strip() for m, _ in receiver.take(b"\r\n!\r\n" + GOLDEN + b"\r\n")][-1] == GOLDEN
