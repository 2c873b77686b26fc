"""A proxy before a real line-protocol server that can do everything a proxy or a line does wrong.

Fixture: `fault_proxy(url)` gives a FaultProxy; its `fault` decides what happens to the next writes.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Fault:
    """What happens to a write.

    status: answered with it, the server hears nothing. pass_on: the server gets the write and its
    answer is lost. how: "whole" answer, "half" of one, "nothing" until the client gives up, "close"
    without a byte, "closed after" a whole answer that promised to keep the connection open.
    """

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    how: str = "whole"
    pass_on: bool = False


class FaultProxy:
    """Passes everything on to a server, and writes as `fault` says; counts what it spoiled."""

    def __init__(self, url: str) -> None:
        self.server = url
        self.fault: Fault | None = None
        self.spoiled = 0
        self.logins: list[str | None] = []
        self._ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.logins.append(self.headers.get("Authorization"))
                fault = outer.fault
                if fault is None or "write" not in self.path:
                    outer.pass_on(self, body)
                    return
                outer.spoiled += 1
                if fault.pass_on:
                    outer.ask(self, body)
                outer.spoil(self, fault)

            def do_GET(self) -> None:
                outer.pass_on(self, b"")

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        class Listener(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that gave up is meant."""

        self._http = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The server's own answer."""
        parts = urlsplit(self.server)
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            line.request(handler.command, handler.path, body, dict(handler.headers.items()))
            answer = line.getresponse()
            kept = {
                n: v for n, v in answer.getheaders() if n.lower() not in ("transfer-encoding", "connection")
            }
            return answer.status, kept, answer.read()
        finally:
            line.close()

    def pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Gives the client the server's answer; 502 when there is none."""
        try:
            self._answer(handler, *self.ask(handler, body))
        except OSError:
            self._answer(handler, 502, {}, b"no server")

    def spoil(self, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
        """Does what the fault says."""
        if fault.how == "nothing":
            self._ended.wait(20)
        elif fault.how == "half":
            text = f"HTTP/1.1 {fault.status} Half\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
            handler.wfile.write(text.encode())
        elif fault.how != "close":
            self._answer(handler, fault.status, fault.headers, fault.body)
        if fault.how != "whole":
            handler.close_connection = True

    def stop(self) -> None:
        """Ends the proxy and what still hangs in it."""
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _answer(
        self, handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "date", "server"):
                handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 204:
            handler.wfile.write(body)


@pytest.fixture
def fault_proxy() -> Iterator[Callable[[str], FaultProxy]]:
    """fault_proxy(url): a proxy before the server at url."""
    made: list[FaultProxy] = []

    def make(url: str) -> FaultProxy:
        made.append(FaultProxy(url))
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop()
