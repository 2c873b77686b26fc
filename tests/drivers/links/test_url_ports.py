"""pyserial URLs as the port of a serial connection: raw TCP (socket://) and RFC 2217 (rfc2217://)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from serial.rfc2217 import PortManager

from dodac.clock import SystemClock
from dodac.errors import InstrumentError
from dodac.site import Site, parse_site
from drivers import read_once
from drivers.catalogue import load_profile
from drivers.links import LinkDown
from drivers.links.serial import SerialLink
from drivers.profile import ModbusProfile
from drivers.simulator import SimulatedGateway, SimulatedUnit

VALUES = {"flow_m3h": 12.5, "volume_m3": 1000.25, "signal_quality_pct": 80.0}


def unit() -> SimulatedUnit:
    profile = load_profile("tuf-2000m")
    assert isinstance(profile, ModbusProfile)
    return SimulatedUnit(profile, lambda: VALUES)


def site(port: str) -> Site:
    return parse_site(
        '[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\n'
        f'port = "{port}"\nbaud = 19200\nframe = "8E1"\ntimeout = "500ms"\nlate_guard = "100ms"\n'
        '[[instruments]]\nid = "m"\nconnection = "a"\nprofile = "tuf-2000m"\naddress = 1\n',
        Path("site.toml"),
    )


def listen(link: SerialLink) -> None:
    """Ten seconds of listening."""
    for _ in range(100):
        link.read(0.1)


class Rfc2217Server:
    """One client at a time: pyserial's own port manager, with a simulated meter behind it.

    settings: what the client asked of the far port.
    """

    def __init__(self) -> None:
        self.settings = serial.serial_for_url("loop://", timeout=0)
        self._unit = unit()
        self._client: socket.socket | None = None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def hang_up(self) -> None:
        """Ends the client's connection."""
        if self._client is not None:
            self._client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(timeout=5)
        self.settings.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._server.accept()
            self._client = client
            with client, client.makefile("wb", buffering=0) as out:
                manager = PortManager(self.settings, out)
                heard = b""
                while data := client.recv(1024):
                    heard += b"".join(manager.filter(data))
                    while len(heard) >= 8:
                        answer = self._unit.answer(heard[:8])
                        heard = heard[8:]
                        if answer is not None:
                            client.sendall(b"".join(manager.escape(answer)))


@pytest.fixture
def far() -> Iterator[Rfc2217Server]:
    server = Rfc2217Server()
    yield server
    server.close()


def test_a_meter_behind_a_raw_socket_is_read_through_pyserial() -> None:
    with SimulatedGateway({1: unit()}, "rtu") as gateway:
        host, port = gateway.start()
        sample, layout = read_once(site(f"socket://{host}:{port}"), "m", SystemClock())
    assert dict(zip(layout.channels, sample.values, strict=True)) == pytest.approx(VALUES)


@pytest.mark.filterwarnings(
    "ignore:set(Daemon|Name):DeprecationWarning"
)  # pyserial 3.5's own, when it connects
def test_a_meter_behind_an_rfc2217_server_is_read_with_the_site_s_line_settings(far: Rfc2217Server) -> None:
    sample, layout = read_once(site(f"rfc2217://127.0.0.1:{far.port}"), "m", SystemClock())
    assert dict(zip(layout.channels, sample.values, strict=True)) == pytest.approx(VALUES)
    assert (far.settings.baudrate, far.settings.parity, far.settings.bytesize) == (19200, "E", 8)


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
def test_a_server_that_hangs_up_is_a_line_that_is_down(far: Rfc2217Server) -> None:
    link = SerialLink(f"rfc2217://127.0.0.1:{far.port}", 9600)
    link.open()
    assert link.read(0.0) == b""
    far.hang_up()
    with pytest.raises(LinkDown, match="the other side closed the connection"):
        listen(link)
    link.close()


def test_a_raw_socket_that_is_closed_is_a_line_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = SerialLink(f"socket://127.0.0.1:{server.getsockname()[1]}")
        link.open()
        server.accept()[0].close()
        with pytest.raises(LinkDown, match="the other side closed the connection"):
            listen(link)
        link.close()


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_a_server_that_is_away_is_an_instrument_fault_in_words(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InstrumentError, match=rf"{scheme}://127.0.0.1:{port}: .*refused"):
        read_once(site(f"{scheme}://127.0.0.1:{port}"), "m", SystemClock())


def test_an_unknown_scheme_is_said() -> None:
    with pytest.raises(InstrumentError, match="carrier-pigeon"):
        read_once(site("carrier-pigeon://roof"), "m", SystemClock())
