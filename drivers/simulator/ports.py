"""Ports that a simulated line is read through: a pseudo-terminal, or RFC 2217 on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
import termios
import tty
from pathlib import Path
from typing import Any, Final, Protocol

from drivers.simulator.wire import Setting

_SPEEDS: Final = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
}


class Port(Protocol):
    """Our side of a port: what the client sends, how it is set, and bytes to it.

    waits_on: what `select` is asked about. read: the bytes that have come. setting: as the client has
    opened it, as far as that can be seen. plug_in, pull_out: the adapter comes and goes.
    """

    path: str

    def plug_in(self, baud: int) -> None: ...
    def pull_out(self) -> None: ...
    def remove(self) -> None: ...
    def waits_on(self) -> list[int]: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def setting(self) -> Setting: ...


class PtyPort:
    """A pseudo-terminal behind a link that keeps its name.

    Linux strips parity and 7 bits from a pty's settings, and keeps the rest: speed, stop bits, PARODD
    (odd parity) and INPCK, which dodac and libmodbus set with any parity. Without either the client
    counts as set to no parity: pyserial alone does not show even parity here; RFC 2217 does.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dodac-line-"))
        self.path = str(self._folder / "port")
        self._master = self._slave = -1

    def plug_in(self, baud: int) -> None:
        """Makes the pseudo-terminal, set to the line's own speed."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        attributes = termios.tcgetattr(self._slave)
        attributes[0] &= ~termios.INPCK
        attributes[4] = attributes[5] = getattr(termios, f"B{baud}", termios.B9600)
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        flags = fcntl.fcntl(self._master, fcntl.F_GETFL)
        fcntl.fcntl(self._master, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        port = Path(self.path)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(self._slave))

    def pull_out(self) -> None:
        """The pseudo-terminal and its name are gone."""
        Path(self.path).unlink(missing_ok=True)
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._master = self._slave = -1

    def remove(self) -> None:
        """Leaves nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def waits_on(self) -> list[int]:
        """The master side; see Port."""
        return [self._master]

    def read(self) -> bytes:
        """What the client wrote; see Port."""
        with contextlib.suppress(BlockingIOError, OSError):
            return os.read(self._master, 4096)
        return b""

    def write(self, data: bytes) -> None:
        """Bytes that nobody fetches are lost, as on a real line."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._master, data)

    def setting(self) -> Setting:
        """As the client has set it, as far as a pty keeps it."""
        inputs, _, control, _, speed, *_ = termios.tcgetattr(self._master)
        parity = "O" if control & termios.PARODD else "E" if inputs & termios.INPCK else "N"
        return Setting(_SPEEDS.get(speed, 0), 8, parity, 2 if control & termios.CSTOPB else 1)


class Rfc2217Port:
    """A server on 127.0.0.1 that tells exactly how its one client has set the far port."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.path = f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"
        self._client: socket.socket | None = None
        self._manager: Any = None
        self._far: Any = None

    def plug_in(self, baud: int) -> None:
        """The port behind the server, at the line's own speed until a client sets another."""
        import serial

        self._far = serial.serial_for_url("loop://", timeout=0, baudrate=baud)

    def pull_out(self) -> None:
        """The client is hung up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def remove(self) -> None:
        """The server is closed."""
        self._server.close()

    def waits_on(self) -> list[int]:
        """The client's connection, and the door for one; see Port."""
        return [self._server.fileno(), *([self._client.fileno()] if self._client is not None else [])]

    def read(self) -> bytes:
        """What the client sent, without the words about settings; see Port."""
        from serial.rfc2217 import PortManager

        with contextlib.suppress(BlockingIOError):
            client, _ = self._server.accept()
            self.pull_out()
            client.settimeout(2.0)
            self._client = client
            out: Any = _Out(client)  # it only writes to it
            self._manager = PortManager(self._far, out)
            return b""
        if self._client is None:
            return b""
        try:
            self._client.setblocking(False)
            came = self._client.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            came = b""
        finally:
            self._client.settimeout(2.0)
        if not came:
            self.pull_out()
            return b""
        return b"".join(self._manager.filter(came))

    def write(self, data: bytes) -> None:
        """Bytes to the client, if there is one."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.sendall(b"".join(self._manager.escape(data)))

    def setting(self) -> Setting:
        """As the client has set the far port."""
        far = self._far
        return Setting(far.baudrate, far.bytesize, far.parity, int(far.stopbits))


class _Out:
    """What pyserial's port manager writes its answers to."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._client.sendall(data)
