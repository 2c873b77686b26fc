"""Who answers: names are read whole, in order, and never from another device or another question."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.clock import ManualClock
from drivers.bus import Bus
from drivers.profile import DeviceText
from drivers.protocols import modbus
from drivers.protocols import modbus_identity as identity
from drivers.protocols.modbus_serial import ascii_body, ascii_frame

METER = {0: b"Maker", 1: b"PC-31", 2: b"v1.05", 4: b"Energy meter", 5: b"EM 31"}
OWN = {0x80: b"S/N 0042", 0x81: bytes(3)}


def listed(
    level: int, objects: dict[int, bytes], *, follows: int | None = None, conformity: int = 2
) -> bytes:
    more = bytes((0xFF, follows)) if follows is not None else b"\0\0"
    body = b"".join(bytes((number, len(data))) + data for number, data in objects.items())
    return bytes((43, 14, level, conformity)) + more + bytes((len(objects),)) + body


class Named:
    """A unit that knows its names; `most` objects fit into one answer of it."""

    def __init__(
        self, objects: dict[int, bytes], *, most: int = 99, server_id: bytes = b"", conformity: int = 2
    ):
        self.address = 7
        self.objects = objects
        self.most = most
        self.server_id = server_id
        self.conformity = conformity
        self.asked: list[bytes] = []

    def request_length(self, buffer: bytes) -> int | None:
        return len(buffer)

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        if request[0] != self.address:
            return None
        return modbus.rtu(self.address, self.pdu(request[1:-2]))

    def of_another(self, answer: bytes) -> bytes:
        return modbus.rtu(9, answer[1:-2])

    def pdu(self, asked: bytes) -> bytes:
        self.asked.append(asked)
        if asked[0] == 17 and self.server_id:
            return bytes((17, len(self.server_id))) + self.server_id
        if asked[0] != 43 or not self.objects:
            return bytes((asked[0] | 0x80, 1))
        last = {1: 2, 2: 0x7F, 3: 0xFF}[asked[2]]
        here = [n for n in self.objects if asked[3] <= n <= last]
        rest = here[self.most :]
        told = {n: self.objects[n] for n in here[: self.most]}
        return listed(asked[2], told, follows=rest[0] if rest else None, conformity=self.conformity)


class AsciiNamed(Named):
    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        body = ascii_body(request)
        return (
            None if body is None or body[0] != self.address else ascii_frame(self.address, self.pdu(body[1:]))
        )


class Gateway(Named):
    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        number = int.from_bytes(request[:2], "big")
        return modbus.mbap(number, request[6], self.pdu(request[7:])) if request[6] == self.address else None


def line(loop_link: Any, unit: Named, faults: Callable[[int], Any] = lambda _: []) -> Bus:
    clock = ManualClock()
    return Bus(loop_link(clock, {7: unit}, faults), clock, timeout_s=1.0, late_guard_s=2.0)


@pytest.mark.parametrize("most", [1, 2, 99])
@pytest.mark.parametrize(("framing", "kind"), [("rtu", Named), ("ascii", AsciiNamed), ("tcp", Gateway)])
def test_a_meter_tells_its_names_however_many_answers_it_takes(
    loop_link: Any, framing: Any, kind: type[Named], most: int
) -> None:
    found = identity.read_identity(line(loop_link, kind(METER, most=most)), 7, framing=framing)
    assert found is not None
    assert found.objects == METER
    assert found.texts == {
        "vendor": "Maker", "product_code": "PC-31", "revision": "v1.05", "product_name": "Energy meter", "model_name": "EM 31",
    }  # fmt: skip
    assert str(found) == "Maker Energy meter EM 31 PC-31, v1.05"


def test_a_makers_own_example_reads_as_the_manual_says() -> None:
    """KBR multicomp F144, manual 25359 p. 64: the request and answer printed there, check sums and all."""
    assert modbus.rtu(1, identity.device_id_pdu()).hex(" ") == "01 2b 0e 01 00 70 77"
    answer = bytes.fromhex(
        "01 2B 0E 01 01 00 00 03 00 08 4B 42 52 20 47 6D 62 48 01 12 6D 75 6C 74 69 63 6F 6D"
    )
    answer += bytes.fromhex("70 20 46 31 34 34 2D 33 20 20 02 09 20 32 2E 30 30 72 30 31 36 CD DB")
    assert identity.find_rtu(answer, 1, 43, identity.device_id_length) == (0, len(answer))
    told = identity.Identity(identity.device_id(answer[1:-2]).objects)
    assert told.texts == {"vendor": "KBR GmbH", "product_code": "multicomp F144-3", "revision": "2.00r016"}


def test_another_model_is_doubted_by_its_name_and_a_silent_one_is_not() -> None:
    known = identity.Identity({0: b"Schneider Electric", 1: b"METSEPM3255"})
    wanted: dict[DeviceText, str] = {
        "vendor": "schneider.*",
        "product_code": ".*EM3[123]5[05].*",
        "model_name": "iEM.*",
    }
    (doubt,) = identity.doubts(known, wanted)
    assert doubt == 'product_code reads "METSEPM3255", expected .*EM3[123]5[05].*'
    assert identity.doubts(identity.Identity({1: b"A9MEM3155"}), wanted) == []


def test_a_meters_own_objects_are_read_where_wanted(loop_link: Any) -> None:
    bus = line(loop_link, Named(METER | OWN, conformity=0x83))
    found = identity.read_identity(bus, 7, level="extended")
    assert found is not None
    assert found.objects == METER | OWN
    assert found.texts["object_80h"] == "S/N 0042"
    assert "object_81h" not in found.texts  # no text


def test_a_higher_level_than_the_meter_has_is_not_asked(loop_link: Any) -> None:
    unit = Named({n: METER[n] for n in (0, 1, 2)}, conformity=1)
    found = identity.read_identity(line(loop_link, unit), 7, level="extended")
    assert found is not None
    assert {asked[2] for asked in unit.asked} == {1}


def test_a_meter_without_names_tells_its_server_id(loop_link: Any) -> None:
    unit = Named({}, server_id=b"\x01\xffMeter 5")
    found = identity.read_identity(line(loop_link, unit), 7)
    assert found is not None
    assert (found.server_id, str(found)) == (b"\x01\xffMeter 5", "Meter 5")
    assert identity.read_identity(line(loop_link, Named({})), 7) is None  # refuses both


def test_the_names_of_another_unit_are_nobodys(loop_link: Any) -> None:
    from drivers.simulator import Fault

    bus = line(loop_link, Named(METER), lambda _: [Fault("wrong_unit")])
    assert identity.read_identity(bus, 7) is None


def test_names_that_come_too_late_are_not_taken_for_the_next_question(loop_link: Any) -> None:
    from drivers.simulator import Fault

    late = [Fault("late", seconds=3.5)]
    bus = line(loop_link, Named(METER, server_id=b"\x01\xff"), lambda _: [late.pop()] if late else [])
    found = identity.read_identity(bus, 7)
    assert found is not None  # the list came while 17 was asked, and only 17's answer counts
    assert not found.objects
    assert found.server_id == b"\x01\xff"


def test_a_list_that_never_ends_is_left(loop_link: Any) -> None:
    class Endless(Named):
        def pdu(self, asked: bytes) -> bytes:
            self.asked.append(asked)
            if asked[0] != 43:
                return bytes((asked[0] | 0x80, 1))
            return listed(asked[2], {asked[3]: b"x"}, follows=min(255, asked[3] + 1))

    unit = Endless(METER)
    assert identity.read_identity(line(loop_link, unit), 7) is None
    assert len(unit.asked) < 140  # the line asks a unit twice for each request


@pytest.mark.parametrize(
    "pdu",
    [
        listed(2, {0: b"A"}),  # another level than asked
        listed(1, {0: b"A"})[:-1],  # shorter than it says
        listed(1, {0: b"A"}) + b"\0",
        bytes((43, 13, 1, 1, 0, 0, 0)),  # another kind of function 43
        bytes((43, 14, 1, 9, 0, 0, 0)),  # no such conformity
        bytes((43, 14, 1, 1, 7, 0, 0)),  # neither more nor no more
        bytes((43, 14, 1, 1, 0, 0, 2, 0, 1, 65, 0, 1, 66)),  # an object twice
        listed(1, {1: b"A"}, follows=1),
        b"",
        bytes((17, 1, 0)),
    ],
)
def test_what_is_no_answer_is_refused(pdu: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|twice|follow"):
        identity.device_id(pdu)


def test_a_refusal_keeps_its_code() -> None:
    with pytest.raises(modbus.ModbusException, match="illegal function"):
        identity.device_id(bytes((0xAB, 1)))
    with pytest.raises(modbus.ModbusException, match="device busy"):
        identity.server_id(bytes((0x91, 6)))


objects = st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=10)


@given(objects, st.binary(max_size=12), st.binary(max_size=12), st.integers(1, 247))
def test_a_list_is_found_in_a_noisy_line_and_reads_as_it_was_written(
    told: dict[int, bytes], before: bytes, after: bytes, unit: int
) -> None:
    told = dict(sorted(told.items()))
    pdu = listed(1, told, conformity=0x81)
    frame = modbus.rtu(unit, pdu)
    place = identity.find_rtu(before + frame + after, unit, 43, identity.device_id_length)
    assert place is not None
    found = (before + frame + after)[slice(*place)]
    if found == frame:
        assert identity.device_id(found[1:-2]).objects == told
    assert identity.find_rtu(frame[:-1], unit, 43, identity.device_id_length) is None
    mbap = modbus.mbap(5, unit, pdu)
    assert identity.find_mbap(mbap, 5, unit, 43, identity.device_id_length) == (0, len(mbap))
    assert identity.find_mbap(mbap, 6, unit, 43, identity.device_id_length) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    for parse in (identity.device_id, identity.server_id):
        try:
            parse(data)
        except (ValueError, modbus.ModbusException):
            continue
    for find in (identity.find_rtu, identity.find_ascii):
        find(data, 1, 43, identity.device_id_length)
    identity.find_mbap(data, 1, 1, 17, identity.server_id_length)
