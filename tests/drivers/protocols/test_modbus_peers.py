"""Servers that are not ours (pymodbus, libmodbus) read by our driver and by mbpoll: the same values."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import os
import re
import select
import struct
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SystemClock
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.links import Link
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_identity import read_identity
from drivers.protocols.modbus_reader import ModbusReader

UNIT = 3
SIZE = 400
RTU_BAUD = 19200


def profile() -> ModbusProfile:
    found = load_profile("eastron.sdm630")
    assert isinstance(found, ModbusProfile)
    assert {(c.table, c.type, c.order) for c in found.channels.values()} == {("input", "f32", "ABCD")}
    return found


def truth() -> dict[str, float]:
    values = {name: 100.0 + place / 8 for place, name in enumerate(profile().channels)}
    small = {"frequency_hz": 50.25, **{name: 0.5 for name in values if name.startswith("power_factor")}}
    return {name: small.get(name, value) for name, value in values.items()}


def registers() -> list[int]:
    words = [0] * SIZE
    values = truth()
    for name, channel in profile().channels.items():
        raw = struct.pack(">f", values[name] / channel.scale)
        words[channel.address], words[channel.address + 1] = struct.unpack(">2H", raw)
    return words


@contextmanager
def wire() -> Iterator[tuple[str, str]]:
    """Two pseudo-terminals joined by a cable: what is written to one is read from the other."""
    pairs = [os.openpty() for _ in range(2)]
    for _, slave in pairs:
        tty.setraw(slave)
    left, right = pairs[0][0], pairs[1][0]
    stopping = threading.Event()

    def relay() -> None:
        while not stopping.is_set():
            for here in select.select([left, right], [], [], 0.05)[0]:
                os.write(right if here == left else left, os.read(here, 4096))

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        stopping.set()
        thread.join(timeout=5)
        for fd in (fd for pair in pairs for fd in pair):
            os.close(fd)


@contextmanager
def pymodbus_server(make: Callable[[Any], Any]) -> Iterator[Any]:
    """A server of pymodbus in a thread; make: from its device to the server object."""
    from pymodbus.simulator import DataType, SimData, SimDevice

    device = SimDevice(UNIT, [SimData(0, values=registers(), datatype=DataType.REGISTERS)])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        server = make(device)
        await server.serve_forever(background=True)
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        loop.close()


class Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1: eight numbers, then the tables."""

    _fields_ = [
        ("counts_and_starts", ctypes.c_int * 8),
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16)),
    ]


@contextmanager
def libmodbus_server(port: str) -> Iterator[None]:
    """A server of libmodbus, in C, on a serial port."""
    name = ctypes.util.find_library("modbus")
    if name is None:
        pytest.skip("libmodbus is not on this machine (apt-get install libmodbus5)")
    library = ctypes.CDLL(name)
    pointer = ctypes.c_void_p
    library.modbus_new_rtu.restype = library.modbus_mapping_new.restype = pointer
    context = pointer(library.modbus_new_rtu(port.encode(), RTU_BAUD, ctypes.c_char(b"N"), 8, 1))
    mapping = pointer(library.modbus_mapping_new(0, 0, 0, SIZE))
    inputs = ctypes.cast(mapping, ctypes.POINTER(Mapping)).contents.tab_input_registers
    for place, word in enumerate(registers()):
        inputs[place] = word
    assert library.modbus_set_slave(context, UNIT) == 0
    library.modbus_set_indication_timeout(context, 0, 100_000)
    assert library.modbus_connect(context) == 0
    stopping = threading.Event()

    def serve() -> None:
        heard = (ctypes.c_uint8 * 260)()
        while not stopping.is_set():
            length = library.modbus_receive(context, heard)
            if length > 0:
                library.modbus_reply(context, heard, length, mapping)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=5)
        library.modbus_close(context)
        library.modbus_mapping_free(mapping)
        library.modbus_free(context)


def ours(link: Link, framing: Any, byte_s: float = 0.0) -> dict[str, float]:
    link.open()
    reader = ModbusReader("m", profile(), UNIT, SystemClock(), framing=framing)
    sample = reader.read(Bus(link, SystemClock(), byte_s=byte_s), everything=True)
    link.close()
    assert not sample.flags, reader.fault_text
    return dict(zip(reader.layout.channels, sample.values, strict=True))


def mbpolls(program: Path, *where: str) -> dict[str, float]:
    """All channels as mbpoll prints them, fifty floats a request."""
    found: dict[int, float] = {}
    for first in range(0, SIZE, 100):
        done = subprocess.run(
            [
                program,
                "-a",
                str(UNIT),
                "-t",
                "3:float",
                "-B",
                "-0",
                "-r",
                str(first),
                "-c",
                "50",
                "-1",
                "-q",
                *where,
            ],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        lines = re.findall(r"^\[(\d+)\]:\s+([-\d.eE+]+)", done.stdout, re.MULTILINE)
        assert len(lines) == 50, done.stdout + done.stderr
        found |= {int(address): float(value) for address, value in lines}
    return {name: found[channel.address] for name, channel in profile().channels.items()}


def agree(mine: dict[str, float], theirs: dict[str, float]) -> None:
    assert mine == pytest.approx(truth())
    scales = {name: channel.scale for name, channel in profile().channels.items()}
    printed = {name: value * scales[name] for name, value in theirs.items()}
    assert printed == pytest.approx(mine, rel=1e-5)  # mbpoll prints six digits


def test_our_driver_and_mbpoll_read_the_same_from_a_pymodbus_server_over_tcp(
    require: Callable[[str], Path],
) -> None:
    from pymodbus.server import ModbusTcpServer

    program = require("mbpoll")
    with pymodbus_server(lambda device: ModbusTcpServer(device, address=("127.0.0.1", 0))) as server:
        port = server.transport.sockets[0].getsockname()[1]
        agree(ours(TcpLink("127.0.0.1", port), "tcp"), mbpolls(program, "-p", str(port), "127.0.0.1"))


@pytest.mark.parametrize("peer", ["pymodbus", "libmodbus"])
def test_our_driver_and_mbpoll_read_the_same_from_a_peer_on_a_serial_line(
    require: Callable[[str], Path], peer: str
) -> None:
    from pymodbus.server import ModbusSerialServer

    program = require("mbpoll")
    with ExitStack() as stack:
        far, near = stack.enter_context(wire())
        if peer == "pymodbus":
            stack.enter_context(
                pymodbus_server(lambda device: ModbusSerialServer(device, port=far, baudrate=RTU_BAUD))
            )
        else:
            stack.enter_context(libmodbus_server(far))
        mine = ours(SerialLink(near, RTU_BAUD), "rtu", 10 / RTU_BAUD)
        agree(mine, mbpolls(program, "-m", "rtu", "-b", str(RTU_BAUD), "-P", "none", near))


def test_our_driver_reads_a_pymodbus_server_in_ascii() -> None:
    from pymodbus import FramerType
    from pymodbus.server import ModbusSerialServer

    with wire() as (far, near):
        settings: dict[str, Any] = {"port": far, "baudrate": RTU_BAUD, "framer": FramerType.ASCII}
        with pymodbus_server(lambda device: ModbusSerialServer(device, **settings)):
            assert ours(SerialLink(near, RTU_BAUD), "ascii", 10 / RTU_BAUD) == pytest.approx(truth())


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_the_names_of_a_pymodbus_server_are_read_as_it_was_given_them(framing: Any) -> None:
    from pymodbus import FramerType, ModbusDeviceIdentification
    from pymodbus.server import ModbusTcpServer

    names = {
        "VendorName": "Maker", "ProductCode": "PC-31", "MajorMinorRevision": "1.05", "ProductName": "Meter",
        "ModelName": "EM 31", "VendorUrl": "http://maker", "UserApplicationName": "x" * 200,
    }  # fmt: skip
    described: Any = ModbusDeviceIdentification
    identity = described(info_name=names)
    framer = FramerType.RTU if framing == "rtu" else FramerType.SOCKET

    def make(device: Any) -> Any:
        return ModbusTcpServer(device, framer=framer, identity=identity, address=("127.0.0.1", 0))

    with pymodbus_server(make) as server:
        link = TcpLink("127.0.0.1", server.transport.sockets[0].getsockname()[1])
        link.open()
        bus = Bus(link, SystemClock(), timeout_s=2.0, late_guard_s=0.1)
        found = read_identity(bus, UNIT, framing=framing)
        link.close()
    assert found is not None
    assert found.texts == {
        "vendor": "Maker", "product_code": "PC-31", "revision": "1.05", "vendor_url": "http://maker",
        "product_name": "Meter", "model_name": "EM 31", "user_application": "x" * 200,
    }  # fmt: skip
