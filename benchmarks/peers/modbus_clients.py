"""One Modbus client that reads the values of a list over and over; run by late_answers.py in its own process.

Imports nothing of dodac for the peers: they run in an environment of their own. The first line on stdin
is the job as JSON; every further line asks for a cycle, answered by its values (null: none) as a JSON list.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

Value = float | None
Cycles = Iterator[list[Value]]


def pymodbus(job: dict[str, Any]) -> Cycles:
    """The synchronous client as its documentation opens it: three retries, everything else by default."""
    from pymodbus.client import ModbusSerialClient
    from pymodbus.exceptions import ModbusException

    client = ModbusSerialClient(job["port"], baudrate=job["baud"], timeout=job["timeout_s"])
    client.connect()

    def read(unit: int, address: int) -> Value:
        try:
            answer = client.read_input_registers(address, count=2, device_id=unit)
            if answer.isError():
                return None
            return float(client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32))
        except ModbusException:
            client.connect()
            return None

    yield from _loop(job, read)


def minimalmodbus(job: dict[str, Any]) -> Cycles:
    """One Instrument for each unit on the shared port."""
    import minimalmodbus as library
    import serial

    units = {}
    for unit, _ in job["registers"]:
        if unit not in units:
            units[unit] = library.Instrument(job["port"], unit)
            units[unit].serial.baudrate = job["baud"]
            units[unit].serial.timeout = job["timeout_s"]

    def read(unit: int, address: int) -> Value:
        try:
            return float(units[unit].read_float(address, functioncode=4))
        except (library.ModbusException, serial.SerialException, ValueError):
            return None

    yield from _loop(job, read)


def tmodbus(job: dict[str, Any]) -> Cycles:
    """The asynchronous RTU client with its defaults."""
    import asyncio

    from tmodbus import create_async_rtu_client
    from tmodbus.exceptions import TModbusError

    loop = asyncio.new_event_loop()
    client = create_async_rtu_client(job["port"], unit_id=1, timeout=job["timeout_s"], baudrate=job["baud"])
    loop.run_until_complete(client.connect())

    def read(unit: int, address: int) -> Value:
        try:
            words = loop.run_until_complete(client.for_unit_id(unit).read_input_registers(address, 2))
        except (TModbusError, TimeoutError, OSError):
            return None
        return _float(words)

    yield from _loop(job, read)


def dodac(job: dict[str, Any]) -> Cycles:
    """The project's own reader, with its planned blocks."""
    from dodac.clock import SystemClock
    from drivers.bus import Bus
    from drivers.catalogue import load_profile
    from drivers.links.serial import SerialLink
    from drivers.profile import ModbusProfile
    from drivers.protocols.modbus_reader import ModbusReader

    profile = load_profile(job["profile"])
    assert isinstance(profile, ModbusProfile)
    clock = SystemClock()
    link = SerialLink(job["port"], job["baud"])
    link.open()
    bus = Bus(link, clock, timeout_s=job["timeout_s"], late_guard_s=job["guard_s"], byte_s=10 / job["baud"])
    places = {channel.address: name for name, channel in profile.channels.items()}
    readers = {unit: ModbusReader(f"meter{unit}", profile, unit, clock) for unit, _ in job["registers"]}
    while True:
        samples = {unit: reader.read(bus, everything=True) for unit, reader in readers.items()}
        cycle: list[Value] = []
        for unit, address in job["registers"]:
            value = samples[unit].values[readers[unit].layout.index[places[address]]]
            cycle.append(value if value == value else None)
        yield cycle


def _loop(job: dict[str, Any], read: Callable[[int, int], Value]) -> Cycles:
    while True:
        yield [read(unit, address) for unit, address in job["registers"]]


def _float(words: list[int]) -> Value:
    if len(words) != 2:
        return None
    (value,) = struct.unpack(">f", struct.pack(">2H", *words))
    return float(value)


CLIENTS = {"dodac": dodac, "pymodbus": pymodbus, "minimalmodbus": minimalmodbus, "tmodbus": tmodbus}


def main() -> int:
    """Runs the job on stdin until stdin ends."""
    job = json.loads(sys.stdin.readline())
    cycles = CLIENTS[job["client"]](job)
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(next(cycles)) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
