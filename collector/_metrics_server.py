"""/metrics and /health of dodac run itself, for a box without dodac serve: this machine only, off unless set."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any, Final

from collector._metrics import content_type, metrics_text
from collector._report import live_ledger
from collector._socket import Picture, Seen, health_of
from dodac.clock import Clock
from dodac.errors import ConfigError

log = logging.getLogger("dodac.collector")

_CLIENT_S: Final = 5.0


class MetricsServer:
    """Answers on one address from threads of its own.

    Raises ConfigError when the address is taken.
    """

    def __init__(self, address: str, picture: Callable[[], Picture], clock: Clock) -> None:
        host, _, port = address.rpartition(":")

        class Handler(_Handler):
            def answer(self, path: str) -> tuple[int, str, bytes]:
                return _answer(path, picture, clock)

        try:
            self._server = ThreadingHTTPServer((host, int(port)), Handler)
        except OSError as error:
            raise ConfigError(
                f"[collector] metrics can't listen on {address}: {error.strerror or error}.",
                todo="Take another port, or leave it out: dodac serve has /metrics too.",
            ) from None
        self._server.daemon_threads = True
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Starts answering."""
        run = self._server.serve_forever
        self._thread = threading.Thread(target=run, args=(0.2,), name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it and frees the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(2.0)
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = _CLIENT_S
    server_version = "dodac"
    sys_version = ""

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a path."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """The standard library's name for it."""
        # a page of another site that points its name at 127.0.0.1 must not read us (DNS rebinding)
        ours = _is_loopback(self.headers.get("host", ""))
        status, kind, body = (
            self.answer(self.path.partition("?")[0]) if ours else (400, "text/plain", b"unknown host\n")
        )
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Each scrape in the log would bury what matters."""
        log.debug("metrics: %s", format % args)


def _answer(path: str, picture: Callable[[], Picture], clock: Clock) -> tuple[int, str, bytes]:
    if path not in ("/metrics", "/health"):
        return 404, "text/plain", b"there are /metrics and /health\n"
    seen = Seen(picture())
    assert seen.picture is not None  # noqa: S101  (just taken)
    if path == "/metrics":
        return 200, content_type(), metrics_text(seen, live_ledger(seen.picture), clock.now_ns())
    word = str(health_of(seen)["status"])
    return (200 if word == "ok" else 503), "text/plain", f"{word}\n".encode()


def _is_loopback(header: str) -> bool:
    host = header.rpartition(":")[0] if not header.endswith("]") and ":" in header else header
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
