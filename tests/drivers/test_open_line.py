"""Several speeds on one port: each unit is asked at its own, and nothing of one is heard by the next."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SystemClock
from dodac.errors import ConfigError
from dodac.site import Site, parse_site
from drivers import open_connections, read_once
from drivers.catalogue import load_profile
from drivers.links import LineSettings
from drivers.profile import ModbusProfile
from drivers.protocols import modbus
from drivers.simulator import SimulatedUnit

HEAD = '[site]\nid = "s"\ncompany = "c"\n'


def site(
    port: str, *instruments: str, line: str = 'baud = 9600\ntimeout = "300ms"\nlate_guard = "100ms"'
) -> Site:
    body = f'[connections.a]\nkind = "serial"\nport = "{port}"\n{line}\n'
    body += "".join(
        f'[[instruments]]\nid = "m{n}"\nconnection = "a"\n{text}\n' for n, text in enumerate(instruments, 1)
    )
    return parse_site(HEAD + body, Path("site.toml"))


def meter(address: int, more: str = "") -> str:
    return f'profile = "eastron.sdm120"\naddress = {address}\n{more}'


@contextmanager
def port_of(speeds: dict[int, tuple[int, int]], heard: list[tuple[int, int, int]]) -> Iterator[str]:
    """A port on which each unit hears only its own speed and stop bits; heard: (unit, speed, stop bits)."""
    profile = load_profile("eastron.sdm120")
    assert isinstance(profile, ModbusProfile)
    values = dict.fromkeys(profile.channels, 100.0) | {"frequency_hz": 50.0, "power_factor": 0.9}
    units = {unit: SimulatedUnit(profile, lambda: values, unit) for unit in speeds}
    master, slave = os.openpty()
    tty.setraw(slave)
    stopping = threading.Event()

    def serve() -> None:
        came = b""
        while not stopping.is_set():
            if not select.select([master], [], [], 0.05)[0]:
                continue
            came += os.read(master, 4096)
            while len(came) >= 8:
                request, came = came[:8], came[8:]
                attributes = termios.tcgetattr(master)
                now = (attributes[4], 2 if attributes[2] & termios.CSTOPB else 1)
                heard.append((request[0], *now))
                if now == speeds[request[0]] and modbus.rtu_whole(request):
                    os.write(master, units[request[0]].answer(request) or b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stopping.set()
        thread.join(timeout=5)
        os.close(master)
        os.close(slave)


def test_units_of_several_speeds_and_frames_share_one_port(
    inbox: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    speeds = {1: (termios.B9600, 1), 2: (termios.B19200, 1), 3: (termios.B2400, 2)}
    heard: list[tuple[int, int, int]] = []
    with port_of(speeds, heard) as port:
        meters = meter(1), meter(2, "baud = 19200"), meter(3, 'baud = 2400\nframe = "8N2"')
        (line,) = open_connections(site(port, *meters), SystemClock())
        line.start(inbox)
        for due in range(3):
            for unit in ("m1", "m2", "m3"):
                assert line.poll(unit, due)
            eventually(lambda due=due: all(len(inbox.of(m)) > due for m in ("m1", "m2", "m3")))  # type: ignore[misc]
        line.stop()
        assert read_once(site(port, *meters), "m3", SystemClock())[0].flags == ()
    assert not any(sample.flags for unit in ("m1", "m2", "m3") for sample in inbox.of(unit))
    assert {(unit, *speeds[unit]) for unit in speeds} == set(heard)
    assert line.status().counters["line_changes"] >= 8


def test_parity_of_its_own_survives_a_port_that_keeps_none(inbox: Any, eventually: Any) -> None:
    """A pty drops parity and answers EINVAL to a second wish for it: two units of 8E1 still take turns."""
    heard: list[tuple[int, int, int]] = []
    with port_of({1: (termios.B9600, 1), 2: (termios.B19200, 1)}, heard) as port:
        own = meter(1, 'frame = "8E1"'), meter(2, 'baud = 19200\nframe = "8O1"')
        (line,) = open_connections(site(port, *own), SystemClock())
        line.start(inbox)
        for due in range(3):
            assert line.poll("m1", due)
            assert line.poll("m2", due)
            eventually(lambda due=due: all(len(inbox.of(m)) > due for m in ("m1", "m2")))
        line.stop()
    assert not any(sample.flags for unit in ("m1", "m2") for sample in inbox.of(unit))


def test_a_byte_takes_its_time_by_speed_and_frame() -> None:
    assert LineSettings(9600, "8N1").byte_s == pytest.approx(10 / 9600)
    assert LineSettings(2400, "8E1").byte_s == pytest.approx(11 / 2400)
    assert LineSettings(300, "7E1").byte_s == pytest.approx(10 / 300)
    assert LineSettings(300, "8N2").byte_s == pytest.approx(11 / 300)


@pytest.mark.parametrize(
    ("port", "own", "words", "line"),
    [
        ("x", 'frame = "7E1"', "Modbus RTU needs 8 data bits, not 7E1", 15),
        ("socket://h:1", "baud = 19200", "19200 8N1 is not the connection's setting", 15),
        ("socket://h:1", 'frame = "8E1"', "9600 8E1 is not the connection's setting", 15),
    ],
)
def test_what_a_line_cannot_carry_is_said_with_its_line(port: str, own: str, words: str, line: int) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        open_connections(site(port, meter(1, own)), SystemClock())
    assert error.value.where.line == line


def test_a_broadcast_is_nobodys_address_but_a_tcp_device_may_be_unit_0_or_255() -> None:
    with pytest.raises(ConfigError, match="from 1 to 247, not 0") as error:
        open_connections(site("x", meter(0)), SystemClock())
    assert "broadcast" in error.value.todo
    for address in (0, 255):
        body = f'[connections.a]\nkind = "tcp"\nhost = "h"\n[[instruments]]\nid = "m"\nconnection = "a"\n{meter(address)}'
        (line,) = open_connections(parse_site(HEAD + body, Path("site.toml")), SystemClock())
        assert line.instruments == ("m",)
