"""Modbus ASCII from site file to value, against an independent client, and under every fault of the line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import ManualClock, SystemClock
from dodac.errors import ConfigError
from dodac.site import Site, parse_site
from drivers import open_connections, read_once
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import Fault, SimulatedAsciiUnit, SimulatedBus

VALUES = {"flow_m3h": 12.5, "volume_m3": 1000.25, "signal_quality_pct": 80.0}


def profile(name: str = "tuf-2000m") -> ModbusProfile:
    found = load_profile(name)
    assert isinstance(found, ModbusProfile)
    return found


def site(port: str, words: str = 'framing = "ascii"', meter: str = "tuf-2000m") -> Site:
    return parse_site(
        '[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\n'
        f'port = "{port}"\nbaud = 19200\ntimeout = "500ms"\nlate_guard = "100ms"\n{words}\n'
        f'[[instruments]]\nid = "m"\nconnection = "a"\nprofile = "{meter}"\naddress = 1\n',
        Path("site.toml"),
    )


@pytest.fixture
def line() -> Iterator[SimulatedBus]:
    with SimulatedBus({1: SimulatedAsciiUnit(profile(), lambda: VALUES)}, baud=19200) as line:
        yield line


@pytest.mark.parametrize("frame", ["8N1", "7E1"])
def test_a_meter_that_speaks_ascii_is_read_as_the_site_file_says(line: SimulatedBus, frame: str) -> None:
    sample, layout = read_once(site(line.path, f'framing = "ascii"\nframe = "{frame}"'), "m", SystemClock())
    assert dict(zip(layout.channels, sample.values, strict=True)) == pytest.approx(VALUES)
    assert sample.raw is not None
    assert sample.raw.startswith(b":01")


def test_pymodbus_reads_the_same_from_the_simulated_meter(line: SimulatedBus) -> None:
    from pymodbus import FramerType
    from pymodbus.client import ModbusSerialClient

    client = ModbusSerialClient(line.path, framer=FramerType.ASCII, baudrate=19200, timeout=1)
    assert client.connect()
    spec = profile().channels["flow_m3h"]
    read = {"holding": client.read_holding_registers, "input": client.read_input_registers}[spec.table]
    words = read(spec.address, count=2, device_id=1).registers
    client.close()
    order = "big" if spec.order == "ABCD" else "little"
    assert (
        client.convert_from_registers(words, client.DATATYPE.FLOAT32, word_order=order) == VALUES["flow_m3h"]
    )


def test_seven_bits_and_ascii_are_refused_where_they_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="needs 8 data bits") as error:
        open_connections(site("x", 'frame = "7E1"'), SystemClock())
    assert 'framing = "ascii"' in error.value.todo
    with pytest.raises(ConfigError, match="is one of Modbus") as error:
        open_connections(site("x", meter="generic.mbus-water"), SystemClock())
    assert error.value.where.line == 10
    with pytest.raises(ConfigError, match="is one of Modbus"):
        read_once(site("x", meter="generic.mbus-water"), "m", SystemClock())


KINDS = ("late", "late", "crc", "truncated", "noise", "echo", "exception", "wrong_unit", "dead")


@pytest.mark.parametrize("seed", range(6))
def test_no_fault_passes_a_wrong_value_as_good_in_ascii(loop_link: Any, seed: int) -> None:
    chance = random.Random(seed)
    clock = ManualClock()
    names = ("tuf-2000m", "eastron.sdm630")
    truth = {
        unit: {name: 60.0 + unit + place / 8 for place, name in enumerate(profile(key).channels)}
        | {"frequency_hz": 50.0, "power_factor": 0.5, "signal_quality_pct": 80.0}
        for unit, key in enumerate(names, 1)
    }

    def faults(_: int) -> list[Fault]:
        if chance.random() > 0.3:
            return []
        return [Fault(chance.choice(KINDS), seconds=chance.choice((0.5, 1.05, 1.5, 2.5, 3.5, 6.0)))]

    units = {
        unit: SimulatedAsciiUnit(profile(key), lambda unit=unit: truth[unit])  # type: ignore[misc]
        for unit, key in enumerate(names, 1)
    }
    bus = Bus(loop_link(clock, units, faults, seed=seed), clock, late_guard_s=chance.choice((0.0, 0.3, 2.0)))
    readers = {
        unit: ModbusReader(f"m{unit}", profile(key), unit, clock, framing="ascii")
        for unit, key in enumerate(names, 1)
    }
    given = 0
    for _ in range(100):
        unit = chance.choice((1, 2))
        sample = readers[unit].read(bus)
        for name, value in zip(readers[unit].layout.channels, sample.values, strict=True):
            if value == value:
                given += 1
                assert value == pytest.approx(truth[unit][name], rel=1e-6), name
        clock.advance(chance.choice((0.0, 0.1, 1.0)))
    assert given > 200
