"""The simulated line against real peers: pyserial's port, mbpoll, pymodbus; and real time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SystemClock
from dodac.quantities import Measurement
from drivers.bus import Bus
from drivers.catalogue import load_profile, load_profiles
from drivers.connection import PolledConnection
from drivers.links import LinkDown
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import FAULTS, SimulatedBus, SimulatedGateway, SimulatedUnit


def meter() -> ModbusProfile:
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    return profile


VALUES = {name: 100.0 + place for place, name in enumerate(meter().channels)}
FACTORS = [name for name in VALUES if name.startswith("power_factor")]
VALUES |= {"frequency_hz": 50.0, **dict.fromkeys(FACTORS, 0.9)}


def good(reader: ModbusReader, sample: Any) -> dict[str, float]:
    return {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}


@pytest.fixture
def line() -> Iterator[SimulatedBus]:
    units = {
        3: SimulatedUnit(meter(), lambda: VALUES),
        4: SimulatedUnit(
            meter(), lambda: {n: v + 0.5 for n, v in VALUES.items()} | dict.fromkeys(FACTORS, 0.5)
        ),
    }
    with SimulatedBus(units, baud=9600) as bus:
        yield bus


def opened(line: SimulatedBus, **words: float) -> Bus:
    link = SerialLink(line.path, line.baud)
    link.open()
    return Bus(link, SystemClock(), **{"timeout_s": 0.25, "late_guard_s": 0.1, "byte_s": 10 / 9600, **words})


def test_a_meter_is_read_at_the_lines_real_speed(line: SimulatedBus) -> None:
    bus = opened(line)
    reader = ModbusReader("m", meter(), 3, SystemClock())
    sample = reader.read(bus)
    bus.link.close()
    assert good(reader, sample) == pytest.approx(VALUES)
    # two requests of 8 bytes, answers of 41 and 61 bytes, twice 30 ms of thinking
    assert 0.17 < sample.span_ns / 1e9 < 0.8


def test_an_address_without_a_meter_is_silence(line: SimulatedBus) -> None:
    bus = opened(line)
    reader = ModbusReader("m", meter(), 9, SystemClock())
    sample = reader.read(bus)
    bus.link.close()
    assert not good(reader, sample)
    assert "no answer" in reader.fault_text


def test_a_late_answer_on_a_real_port_is_not_taken_for_the_next_one(line: SimulatedBus) -> None:
    """The answer comes while the next request is on the wire: other libraries shift all values by one."""
    bus = opened(line, timeout_s=0.2, late_guard_s=0.05)
    readers = [ModbusReader(f"m{n}", meter(), n, SystemClock()) for n in (3, 4)]
    line.fault(3, "late", seconds=0.45)
    seen = 0
    for _ in range(4):
        for reader in readers:
            sample = reader.read(bus)
            offset = 0.0 if reader.unit == "3" else 0.5
            for name, value in good(reader, sample).items():
                seen += 1
                expected = 0.5 if name in FACTORS and offset else VALUES[name] + offset
                assert value == pytest.approx(expected)
    bus.link.close()
    assert seen > 100
    assert bus.counters["timeouts"] >= 1


def test_another_line_speed_gets_no_answer(line: SimulatedBus) -> None:
    link = SerialLink(line.path, 19200)
    link.open()
    reader = ModbusReader("m", meter(), 3, SystemClock())
    assert not good(reader, reader.read(Bus(link, SystemClock(), timeout_s=0.15, late_guard_s=0.0)))
    link.close()


def test_unplugging_and_plugging_in_again_is_survived(
    line: SimulatedBus, inbox: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    clock = SystemClock()
    link = SerialLink(line.path, 9600)
    bus = Bus(link, clock, timeout_s=0.3, late_guard_s=0.1, byte_s=10 / 9600)
    connection = PolledConnection(
        "bus", bus, [(ModbusReader("m", meter(), 3, clock), Measurement.ELECTRICITY)], clock
    )
    connection.start(inbox)

    def polled(condition: Callable[[], bool]) -> Callable[[], bool]:
        def step() -> bool:
            connection.poll("m", time.time_ns())
            return condition()

        return step

    try:
        eventually(polled(lambda: any(not s.flags for s in inbox.of("m"))))
        line.fault(3, "unplug", seconds=0.3)
        eventually(polled(lambda: connection.status().state == "down"))
        eventually(polled(lambda: inbox.kinds("m")[-1:] == ["gap"]))
    finally:
        connection.stop()
    assert inbox.kinds(None)[:2] == ["fault_start", "fault_end"]


def test_every_fault_can_be_asked_for(line: SimulatedBus) -> None:
    for kind in FAULTS:
        line.fault(3, kind, count=1, seconds=0.0)
    with pytest.raises(ValueError, match="not a fault"):
        line.fault(3, "fire")
    with pytest.raises(ValueError, match="no unit 7"):
        line.fault(7, "crc")
    line.clear(3)


@pytest.mark.parametrize("profile_id", [p.id for p in load_profiles().values() if p.protocol == "modbus"])
def test_every_modbus_profile_reads_back_what_its_simulator_says(loop_link: Any, profile_id: str) -> None:
    from dodac.clock import ManualClock
    from drivers._simulate import plausible

    profile = load_profile(profile_id)
    assert isinstance(profile, ModbusProfile)
    clock = ManualClock()
    values = plausible(profile, 12.0)
    link = loop_link(clock, {1: SimulatedUnit(profile, lambda: values)})
    reader = ModbusReader("m", profile, 1, clock)
    sample = reader.read(Bus(link, clock), everything=True)
    assert not sample.flags
    read = good(reader, sample)
    assert set(read) == set(values)
    for name, value in values.items():
        step = profile.channels[name].resolution or 0.0
        assert read[name] == pytest.approx(value, rel=1e-3, abs=max(0.51, step / 2)), name
    assert reader.identify(Bus(link, clock)) == []


def test_mbpoll_reads_the_same_values(line: SimulatedBus) -> None:
    program = shutil.which("mbpoll")
    if program is None:
        if os.environ.get("DODAC_REQUIRE_SERVERS") == "1":
            pytest.fail("mbpoll is required here and is not installed.")
        pytest.skip("mbpoll is not installed (apt install mbpoll)")
    words = [
        "-m",
        "rtu",
        "-a",
        "3",
        "-b",
        "9600",
        "-P",
        "none",
        "-t",
        "3:float",
        "-B",
        "-0",
        "-r",
        "0",
        "-c",
        "3",
        "-1",
        "-q",
    ]
    done = subprocess.run(
        [program, *words, line.path], capture_output=True, text=True, timeout=20, check=False
    )
    values = [float(v) for v in re.findall(r"^\[\d+\]:\s+([-\d.eE+]+)", done.stdout, re.MULTILINE)]
    assert values == pytest.approx([100.0, 101.0, 102.0]), done.stdout + done.stderr


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_pymodbus_and_our_reader_agree_over_tcp(framing: str) -> None:
    from pymodbus import FramerType
    from pymodbus.client import ModbusTcpClient

    units = {3: SimulatedUnit(meter(), lambda: VALUES)}
    with SimulatedGateway(units, framing) as gateway:  # type: ignore[arg-type]
        host, port = gateway.start()
        framer = FramerType.SOCKET if framing == "tcp" else FramerType.RTU
        client = ModbusTcpClient(host, port=port, framer=framer, timeout=2)
        assert client.connect()
        answer = client.read_input_registers(0, count=6, device_id=3)
        peer = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
        client.close()
        link = TcpLink(host, port)
        link.open()
        reader = ModbusReader("m", meter(), 3, SystemClock(), framing=framing)  # type: ignore[arg-type]
        sample = reader.read(Bus(link, SystemClock(), timeout_s=1.0))
        link.close()
    assert good(reader, sample) == pytest.approx(VALUES)
    assert peer == pytest.approx(list(good(reader, sample).values())[:3])


def test_a_gateway_that_closes_is_a_line_that_is_down() -> None:
    gateway = SimulatedGateway({3: SimulatedUnit(meter(), lambda: VALUES)})
    host, port = gateway.start()
    gateway.stop()
    with pytest.raises(LinkDown, match="refused"):
        TcpLink(host, port).open()


def test_a_stopped_line_leaves_nothing_behind(line: SimulatedBus) -> None:
    folder = Path(line.path).parent
    line.stop()
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="not started"):
        _ = line.path
