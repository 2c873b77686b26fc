"""A simulated gateway: the same units over TCP, with Modbus TCP or RTU frames."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from typing import Literal, Self

from drivers.protocols import modbus
from drivers.simulator.units import SimulatedUnit


class SimulatedGateway:
    """Units by address on 127.0.0.1.

    absent: the exception that an address without a unit answers with (gateways: 10 or 11); None: silence.
    absent_s: how long it waits for such a unit; requests that come meanwhile wait too.
    """

    def __init__(
        self,
        units: Mapping[int, SimulatedUnit],
        framing: Literal["tcp", "rtu"] = "tcp",
        absent: int | None = None,
        absent_s: float = 0.0,
    ) -> None:
        self.units = dict(units)
        for address, unit in self.units.items():
            unit.address = address
        self.framing = framing
        self.absent = absent
        self.absent_s = absent_s
        self._server: socketserver.ThreadingTCPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self, port: int = 0) -> tuple[str, int]:
        """Listens; gives host and port."""
        gateway = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                gateway._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        host, number = self._server.server_address[:2]
        return str(host), int(number)

    def stop(self) -> None:
        """Ends listening; open connections end with their clients."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, sock: socket.socket) -> None:
        heard = b""
        with contextlib.suppress(OSError):
            while data := sock.recv(4096):
                heard += data
                while (request := self._request(heard)) is not None:
                    length, answer = request
                    heard = heard[length:]
                    if answer is not None:
                        sock.sendall(answer)

    def _request(self, heard: bytes) -> tuple[int, bytes | None] | None:
        """Length and answer of the request at the start of a buffer, or None: more is needed."""
        if self.framing == "rtu":
            size = {17: 4, 43: 7}.get(heard[1], 8) if len(heard) > 1 else 8
            if len(heard) < size:
                return None
            if not modbus.rtu_whole(heard[:size]):
                return 1, None
            unit = self._unit(heard[0])
            refused = None if self.absent is None else modbus.rtu(heard[0], self._refusal(heard[1]))
            return size, unit.answer(heard[:size]) if unit is not None else refused
        if len(heard) < 8 or len(heard) < 6 + int.from_bytes(heard[4:6], "big"):
            return None
        unit = self._unit(heard[6])
        length = 6 + int.from_bytes(heard[4:6], "big")
        number = int.from_bytes(heard[:2], "big")
        if unit is None:
            refused = None if self.absent is None else modbus.mbap(number, heard[6], self._refusal(heard[7]))
            return length, refused
        return length, modbus.mbap(number, heard[6], unit.answer_pdu(heard[7:length]))

    def _unit(self, address: int) -> SimulatedUnit | None:
        every = (unit for unit in self.units.values() if unit.every_address)
        unit = self.units.get(address) or next(every, None)
        if unit is None:
            time.sleep(self.absent_s)
        return unit

    def _refusal(self, function: int) -> bytes:
        return bytes((function | 0x80, self.absent or 0))
