"""What gateways, echoes and floods do to a reader: refused with a reason, never taken for a value."""

from __future__ import annotations

import ast
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import drivers
from dodac.clock import ManualClock, SystemClock
from dodac.samples import Reason, Sample
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.profile import ModbusProfile
from drivers.protocols import modbus, modbus_identity
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import SimulatedBus, SimulatedUnit


def meter() -> ModbusProfile:
    found = load_profile("eastron.sdm120")
    assert isinstance(found, ModbusProfile)
    return found


VALUES = dict.fromkeys(meter().channels, 100.0) | {"frequency_hz": 50.0, "power_factor": 0.9}
Twist = Callable[[bytes, bytes], list[bytes]]
"""From the request and its right answer to what is sent, piece by piece."""


@contextmanager
def gateway(twist: Twist, *, framing: str = "tcp", address: int = 3) -> Iterator[TcpLink]:
    """A gateway in front of one meter that sends what `twist` makes of each answer, 3 ms between pieces."""
    unit = SimulatedUnit(meter(), lambda: VALUES, address)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            client, _ = server.accept()
            with client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while request := client.recv(300):
                    if framing == "rtu":
                        answer = modbus.rtu(address, unit.answer_pdu(request[1:-2]))
                    else:
                        number = int.from_bytes(request[:2], "big")
                        answer = modbus.mbap(number, request[6], unit.answer_pdu(request[7:]))
                    for piece in twist(request, answer):
                        client.sendall(piece)
                        time.sleep(0.003)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    host, port = server.getsockname()
    link = TcpLink(host, port)
    link.open()
    try:
        yield link
    finally:
        link.close()
        server.close()
        thread.join(timeout=5)


def read(
    link: Any, framing: Any = "tcp", address: int = 3, timeout_s: float = 1.0
) -> tuple[Sample, ModbusReader]:
    clock = SystemClock()
    reader = ModbusReader("m", meter(), address, clock, framing=framing)
    return reader.read(Bus(link, clock, timeout_s=timeout_s, late_guard_s=0.05)), reader


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_an_answer_in_single_bytes_is_put_together(framing: str) -> None:
    def single(_: bytes, answer: bytes) -> list[bytes]:
        return [answer[:1], answer[1:5], answer[5:6], answer[6:9], answer[9:]]

    with gateway(single, framing=framing) as link:
        sample, _ = read(link, framing)
    assert not sample.flags


WRONG: dict[str, tuple[Twist, str]] = {
    "another transaction": (lambda _, a: [bytes((a[0] ^ 0x80, a[1])) + a[2:]], "another request's number"),
    "unit 0": (lambda _, a: [a[:6] + b"\x00" + a[7:]], "from unit 0 instead of 3"),
    "unit 255": (lambda _, a: [a[:6] + b"\xff" + a[7:]], "unit 255 instead of 3"),
    "another unit": (lambda _, a: [a[:6] + b"\x04" + a[7:]], "unit 4 instead of 3"),
    "another table": (lambda _, a: [a[:7] + b"\x03" + a[8:]], "function 3 instead of 4"),
    "a count that lies": (lambda _, a: [a[:8] + bytes((a[8] - 2,)) + a[9:]], "62 data bytes instead of 64"),
    "a longer answer": (
        lambda _, a: [a[:4] + bytes((0, a[5] + 2, a[6], a[7], a[8] + 2)) + a[9:] + b"\0\0"],
        "data bytes instead of",
    ),
    "another protocol": (lambda _, a: [a[:2] + b"\x12\x34" + a[4:]], "no valid answer"),
    "an echo": (lambda r, _: [r], "only an echo"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_gateway_that_answers_wrongly_gives_no_value_but_a_reason(case: str) -> None:
    twist, words = WRONG[case]
    with gateway(twist) as link:
        sample, reader = read(link, timeout_s=0.1)
    assert all(value != value for value in sample.values)
    assert words in reader.fault_text
    assert {flag.reason for flag in sample.flags} <= {Reason.CRC, Reason.NO_ANSWER}


@pytest.mark.parametrize("address", [0, 255])
def test_a_device_that_is_the_gateway_itself_is_read_as_unit_0_or_255(address: int) -> None:
    with gateway(lambda _, answer: [answer], address=address) as link:
        sample, _ = read(link, address=address)
    assert not sample.flags


def test_answers_to_older_requests_in_one_lump_are_passed_over() -> None:
    def lump(request: bytes, answer: bytes) -> list[bytes]:
        old = [bytes((9, n)) + answer[2:9] + bytes(len(answer) - 9) for n in range(4)]
        return [b"".join(old) + answer]

    with gateway(lump) as link:
        sample, _ = read(link)
    assert not sample.flags


class Flood:
    """A link on which a megabyte of noise waits before the meter can be heard."""

    name = "flood"

    def __init__(self, clock: ManualClock, noise: bytes) -> None:
        self.clock = clock
        self.noise = noise
        self.unit = SimulatedUnit(meter(), lambda: VALUES, 3)
        self.ready = b""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.ready = self.unit.answer(data) or b""

    def read(self, timeout_s: float) -> bytes:
        if self.noise:
            chunk, self.noise = self.noise[:4096], self.noise[4096:]
            self.clock.advance(0.0001)
            return chunk
        ready, self.ready = self.ready, b""
        self.clock.advance(0.0 if ready else timeout_s)
        return ready


@pytest.mark.parametrize("framing", ["rtu", "ascii"])
def test_a_megabyte_of_noise_leaves_the_bus_working(framing: Any) -> None:
    """Each piece was searched together with all before it: a megabyte took minutes."""
    clock = ManualClock()
    noise = random.Random(3).randbytes(500_000) + b":" * 250_000 + b"\x03\x04" * 125_000
    link = Flood(clock, noise)
    bus = Bus(link, clock, timeout_s=1.0, late_guard_s=2.0)
    reader = ModbusReader("m", meter(), 3, clock, framing=framing)
    start = time.monotonic()
    # the noise that waits before a request is discarded, what comes after it is searched
    link.noise, rest = b"", noise
    write = link.write

    def late(data: bytes) -> None:
        nonlocal rest
        link.noise, rest = rest, b""
        write(data)

    link.write = late  # type: ignore[method-assign]
    reader.read(bus)
    link.noise = noise
    for _ in range(2):
        clock.advance(60)
        sample = reader.read(bus)
    assert time.monotonic() - start < 40
    if framing == "rtu":
        assert not sample.flags
    assert bus.counters["discarded_bytes"] >= 1_900_000


def test_noise_on_a_real_port_leaves_the_bus_working() -> None:
    clock = SystemClock()
    with SimulatedBus({3: SimulatedUnit(meter(), lambda: VALUES)}, baud=19200, latency_s=0.005) as line:
        link = SerialLink(line.path, 19200)
        link.open()
        bus = Bus(link, clock, timeout_s=0.3, late_guard_s=0.1, byte_s=10 / 19200)
        reader = ModbusReader("m", meter(), 3, clock)
        for _ in range(3):
            line.fault(3, "noise")
            assert not reader.read(bus).flags
        link.close()


def test_nothing_but_reading_can_be_built() -> None:
    """Drivers never write to an instrument: no function builds a request of another Modbus function."""
    for function in set(range(256)) - {1, 2, 3, 4}:
        with pytest.raises(ValueError, match="only 1–4"):
            modbus.read_pdu(function, 0, 1)
    assert modbus_identity.server_id_pdu()[0] == 17
    assert modbus_identity.device_id_pdu()[:2] == bytes((43, 14))
    built = {"read_pdu", "device_id_pdu", "server_id_pdu"}
    folder = Path(drivers.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if path.parent.name == "simulator":
            continue
        assert {name for name in names if name.endswith("_pdu") and not name.startswith("_")} <= built | {
            "answer_pdu"
        }, path
        words = (
            "write_register",
            "write_coil",
            "write_single",
            "write_multiple",
            "mask_write",
            "set_register",
        )
        assert not [name for name in names if name.startswith(words)], path
        # frames of Modbus are put together in its own modules only
        uses = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        if not path.name.startswith("modbus") and "modbus.read_pdu" not in uses:
            assert not uses & {"modbus.rtu", "modbus.mbap", "ascii_frame"}, path


def opened(framing: str, data: bytes) -> bytes:
    """The PDU of a request."""
    if framing == "ascii":
        return bytes.fromhex(data[3:-4].decode())
    return data[7:] if framing == "tcp" else data[1:-2]


@pytest.mark.parametrize("framing", ["rtu", "ascii", "tcp"])
def test_what_readers_send_is_a_closed_list(framing: Any) -> None:
    """Every byte that leaves, whatever comes back: read, probe, identify, names."""
    sent: list[bytes] = []
    chance = random.Random(5)

    class Ear:
        name = "ear"

        def open(self) -> None: ...

        def close(self) -> None: ...

        def write(self, data: bytes) -> None:
            sent.append(data)

        def read(self, timeout_s: float) -> bytes:
            clock.advance(timeout_s)
            return chance.randbytes(chance.randrange(30)) if chance.random() < 0.3 else b""

    clock = ManualClock()
    bus = Bus(Ear(), clock)
    for name in ("eastron.sdm630", "schneider.iem3000", "carlo-gavazzi.em340"):
        profile = load_profile(name)
        assert isinstance(profile, ModbusProfile)
        reader = ModbusReader("m", profile, 9, clock, framing=framing)
        for _ in range(5):
            reader.read(bus, everything=True)
            reader.probe(bus)
            reader.identify(bus)
            modbus_identity.read_identity(bus, 9, framing=framing)
            clock.advance(70)
    functions = {opened(framing, data)[0] for data in sent}
    assert functions <= {1, 2, 3, 4, 17, 43}
    assert {3, 4, 17, 43} <= functions
