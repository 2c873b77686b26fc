"""Analysers on Modbus: states that flip in the middle of a read, and the address that any sensor answers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import ManualClock, SystemClock
from dodac.errors import ConfigError
from dodac.samples import Reason, Sample
from dodac.site import parse_site
from drivers import open_connections
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.protocols.modbus_serial import RTU

Image = dict[tuple[int, int], int]


class Analyser:
    """A link on which an analyser answers out of an image that changes before the n-th answer."""

    name = "line"

    def __init__(self, clock: ManualClock, image: Image) -> None:
        self.clock = clock
        self.image = image
        self.before: dict[int, Callable[[Image], None]] = {}
        self.silent: set[int] = set()
        self.asked = 0
        self._waiting = b""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        if self.asked in self.before:
            self.before[self.asked](self.image)
        number, self.asked = self.asked, self.asked + 1
        if number in self.silent:
            return
        function, address, count = struct.unpack(">BHH", data[1:6])
        values = [self.image.get((function, address + n), 0) for n in range(count)]
        if function <= 2:
            packed = sum(bit << n for n, bit in enumerate(values)).to_bytes((count + 7) // 8, "little")
        else:
            packed = struct.pack(f">{count}H", *values)
        self._waiting = RTU.frame(data[0], bytes((function, len(packed))) + packed)

    def read(self, timeout_s: float) -> bytes:
        data, self._waiting = self._waiting, b""
        self.clock.advance(0.001 if data else timeout_s)
        return data


def fuji() -> Image:
    """CO2 12.34 %, CO 87 ppm and O2 6.25 %, all well."""
    numbers = [1234, 2, 0, 87, 0, 1, 625, 2, 0]
    return {(4, place): number for place, number in enumerate(numbers)}


def read(image: Image, profile: str = "fuji.zpa", **change: Any) -> Sample:
    loaded = load_profile(profile)
    assert isinstance(loaded, ModbusProfile)
    clock = ManualClock()
    link = Analyser(clock, image)
    link.before, link.silent = change.get("before", {}), change.get("silent", set())
    reader = ModbusReader("x", loaded, 1, clock)
    return reader.read(Bus(link, clock, timeout_s=0.2, late_guard_s=0.1))


def reasons(sample: Sample) -> set[Reason]:
    return {flag.reason for flag in sample.flags}


def test_a_quiet_analyser_is_read_with_its_state_before_and_after() -> None:
    sample = read(fuji())
    assert sample.values == pytest.approx((12.34, 87.0, 6.25))


@pytest.mark.parametrize("register", [0x30, 0x3B, 0x3C])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_state_that_begins_during_the_read_gives_no_readings(register: int, before: int) -> None:
    sample = read(fuji(), before={before: lambda image: image.update({(4, register): 1})})
    assert reasons(sample) == {Reason.DEVICE_STATUS}
    assert not any(value == value for value in sample.values)


@pytest.mark.parametrize("before", [1, 2])
def test_a_state_that_ends_during_the_read_gives_no_readings(before: int) -> None:
    zeroing = fuji() | {(4, 0x30): 1}
    sample = read(zeroing, before={before: lambda image: image.update({(4, 0x30): 0})})
    assert reasons(sample) == {Reason.DEVICE_STATUS}


@pytest.mark.parametrize("silent", [{0}, {2}])
def test_a_state_that_can_not_be_read_gives_no_readings(silent: set[int]) -> None:
    sample = read(fuji(), silent=silent)
    assert reasons(sample) == {Reason.NO_ANSWER}
    assert not any(value == value for value in sample.values)


def test_servomex_bits_are_read_on_both_sides_too() -> None:
    image: Image = {}
    for place, (number, gas) in enumerate(((6.25, 0x4F787967), (0.01, 0x434F2020), (11.5, 0x434F8220))):
        # value, three words of name, two of unit: as the profile's golden frames have them
        words = struct.unpack(">7H", struct.pack(">fIHI", number, gas, 0, 0x20252000))
        image |= {(4, 7 * place + n): word for n, word in enumerate(words)}
    assert [v for v in read(dict(image), "servomex.4100").values if v == v]
    for before in (0, 1, 2, 3):
        warming = read(dict(image), "servomex.4100", before={before: lambda i: i.update({(2, 3): 1})})
        o2 = next(flag for flag in warming.flags if flag.channel == "o2_pct")
        assert o2.reason == Reason.DEVICE_STATUS, before


def test_a_sensor_alone_on_the_line_is_reached_at_the_address_of_any() -> None:
    head = '[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\nport = "x"\n'
    one = '[[instruments]]\nid = "{id}"\nconnection = "a"\nprofile = "senseair.co2"\naddress = {address}\n'
    alone = parse_site(head + one.format(id="room", address=254), Path("site.toml"))
    assert open_connections(alone, SystemClock())
    two = parse_site(
        head + one.format(id="room", address=254) + one.format(id="hall", address=2), Path("site.toml")
    )
    with pytest.raises(ConfigError, match="all sensors answer at once"):
        open_connections(two, SystemClock())
    other = parse_site(head + one.format(id="room", address=253), Path("site.toml"))
    with pytest.raises(ConfigError, match="from 1 to 247"):
        open_connections(other, SystemClock())
