"""A simulated testo 300: an HTTP server and its UDP calls, on this machine only."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from zoneinfo import ZoneInfo

from dodac.clock import Clock, SystemClock

HTTP_FAULTS: Final[dict[str, str]] = {
    "missing": "404: the path is not there",
    "redirect": "302: another place is named",
    "page": "a web page instead of a measurement",
    "cut": "the connection ends in the middle of the body",
    "silent": "the connection is taken and nothing is said",
    "drip": "one byte of the body every twentieth of a second, without end",
    "drip_head": "one byte of the head every twentieth of a second, without end",
    "huge": "a body that never ends",
    "bomb": "a small packed body that unpacks to gigabytes",
    "noise": "what comes is not HTTP",
    "error": "the instrument's own error document",
    "frozen": "the measurement is over: its time stands still",
}
"""Every kind of fault and what it means."""

_FORMS: Final = {
    "o2_pct": ("O2", "O2", "%", "UNIT_PERCENT"),
    "co2_pct": ("CO2", "CO2", "%", "UNIT_PERCENT"),
    "co_ppm": ("CO", "CO_Dil", "ppm", "UNIT_PPM"),
    "no_ppm": ("NO", "NO_Dil", "ppm", "UNIT_PPM"),
    "t_flue_c": ("FT", "T_Flue", "°C", "UNIT_DEG_C"),
    "t_air_c": ("AT", "T_Air", "°C", "UNIT_DEG_C"),
    "draught_pa": ("Draught", "P_Draft", "Pa", "UNIT_PA"),
}


class SimulatedTesto300:
    """Serves /data and /deviceInfo on 127.0.0.1; its clock is `clock` in `zone`, without saying the zone.

    values: canonical channel → number, or None for an invalid value. fault: one of HTTP_FAULTS, as long as
    it is set. coding: "", "gzip" or "chunked". asked: requests by "METHOD path".
    """

    def __init__(
        self,
        values: Callable[[], Mapping[str, float | None]],
        *,
        zone: str = "UTC",
        serial_number: str = "61300001",
        clock: Clock | None = None,
    ) -> None:
        self.values = values
        self.serial_number = serial_number
        self.coding = ""
        self._fault, self._passing, self._until = "", "", 0.0
        self.asked: Counter[str] = Counter()
        self._zone = ZoneInfo(zone)
        self._clock = clock or SystemClock()
        self._frozen = ""
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def fault(self) -> str:
        """The fault that is shown just now; "" for none."""
        return self._passing if time.monotonic() < self._until else self._fault

    @fault.setter
    def fault(self, kind: str) -> None:
        self._fault, self._until = kind, 0.0

    def show(self, kind: str, seconds: float) -> None:
        """Shows a fault for so long."""
        self._passing, self._until = kind, time.monotonic() + seconds

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> int:
        """Begins to serve; gives the port."""
        simulated = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    simulated._answer(self)
                except OSError:
                    self.close_connection = True

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  (counted, so that tests see them)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._stopping.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="simulated testo 300", daemon=True
        )
        self._thread.start()
        return self.port

    def stop(self) -> None:
        """Ends serving."""
        self._stopping.set()
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def call_every(self, seconds: float, port: int) -> None:
        """Sends its UDP call again and again, from a thread of its own, until it is stopped."""

        def calling() -> None:
            while not self._stopping.wait(seconds):
                self.call(port)

        threading.Thread(target=calling, name="simulated testo 300 calls", daemon=True).start()

    def call(self, port: int) -> None:
        """Sends one UDP call to a port of this machine; the port that it names is to be ignored."""
        said = {
            "DeviceId": "300",
            "DeviceName": "testo 300",
            "FirmwareVersion": "1.09",
            "HttpServerIPv4": "127.0.0.1",
            "HttpServerIPv6": "",
            "HttpServerPort": "55000",
            "Serial": self.serial_number,
            "SerialNumber": self.serial_number,
        }
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(json.dumps(said).encode(), ("127.0.0.1", port))

    def document(self) -> bytes:
        """The measurement as it is now."""
        if self.fault == "error":
            error = {"errorcode": 2, "name": "TjfError_NoMeasurementsAvailable"}
            return json.dumps({"errors": [error], "schemaVersion": "1.0.4"}).encode()
        now = datetime.fromtimestamp(self._clock.now_ns() // 1_000_000_000, self._zone)
        stamp = now.replace(tzinfo=None).isoformat()
        self._frozen = stamp = (self._frozen or stamp) if self.fault == "frozen" else stamp
        channels = []
        for name, value in self.values().items():
            label, xmlid, unit, unit_id = _FORMS[name]
            entry = {
                "value": 4294967295 if value is None else value,
                "description": "----" if value is None else f"{value:.1f}".replace(".", ","),
                "timeStamp": stamp,
                "additionalData": [
                    {"name": "dilutionFactor", "value": 1},
                    {"name": "noxflag", "value": False},
                ],
            }
            kind = {"name": label, "xmlid": xmlid}
            channels.append({"type": kind, "unit": {"name": unit, "xmlid": unit_id}, "values": [entry]})
        fuel = {"name": "Fuel", "id": 104, "description": "Erdgas\0", "values": []}
        device = {"name": "t300", "serial": int(self.serial_number), "firmwareVersion": "1.09"}
        whole = {"channels": channels, "device": device, "properties": [fuel], "timeStamp": stamp}
        return json.dumps(whole, ensure_ascii=False).encode()

    # ---- one request, in a thread of the server

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked[f"{handler.command} {handler.path}"] += 1
        handler.close_connection = True
        if self.fault in ("silent", "drip", "drip_head", "huge", "noise"):
            self._endless(handler)
            return
        if handler.path not in ("/data", "/api/data/live", "/deviceInfo") or self.fault == "missing":
            self._send(handler, 404, b"not here")
        elif self.fault == "redirect":
            self._send(handler, 302, b"", {"Location": f"http://127.0.0.1:{self.port}/deviceInfo"})
        elif handler.path == "/deviceInfo":
            self._send(handler, 200, b'{"app": "t300", "version": "9.22.0.0"}')
        elif self.fault == "page":
            self._send(handler, 200, b"<html><body>Sign in to the network</body></html>")
        elif self.fault == "bomb":
            packed = gzip.compress(bytes(40_000_000), 9)
            self._send(handler, 200, packed, {"Content-Encoding": "gzip"})
        elif self.fault == "cut":
            body = self.document()
            self._send(handler, 200, body[: len(body) // 2], {"Content-Length": str(len(body))})
        elif self.coding == "gzip":
            self._send(handler, 200, gzip.compress(self.document()), {"Content-Encoding": "gzip"})
        elif self.coding == "chunked":
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            body = self.document()
            for start in range(0, len(body), 100):
                piece = body[start : start + 100]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.write(b"0\r\n\r\n")
        else:
            self._send(handler, 200, self.document())

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        heads: Mapping[str, str] | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(heads or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def _endless(self, handler: BaseHTTPRequestHandler) -> None:
        if self.fault == "noise":
            handler.wfile.write(b"\x00\xff\x17 this is no HTTP \r\n" * 3)
            return
        if self.fault in ("drip", "huge"):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        if self.fault == "drip_head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        piece = b" " * 65_536 if self.fault == "huge" else b" "
        while self.fault not in ("", "silent") and not self._stopping.is_set():
            handler.wfile.write(piece)
            if self.fault != "huge":
                self._stopping.wait(0.05)
        self._stopping.wait(5.0 if self.fault == "silent" else 0.0)
