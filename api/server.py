"""A server in a thread or in the foreground that ends cleanly, pages open or not."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn
from fastapi import FastAPI

from dodac.errors import ConfigError

if TYPE_CHECKING:
    from api.live import Hub

_START_S: Final = 15.0
_GRACE_S: Final = 3


class _Uvicorn(uvicorn.Server):
    """Ends the live streams first: uvicorn waits for open answers, and those have no end of their own."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hub: Hub | None = getattr(getattr(self.config.app, "state", None), "hub", None)
        if hub is not None:
            hub.close()
        await super().shutdown(sockets)


class Server:
    """Serves an application on host and port; port 0 takes a free one."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app, self._host, self._port = app, host, port
        self._socket: socket.socket | None = None
        self._server: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens; the address a browser takes."""
        port = self._socket.getsockname()[1] if self._socket is not None else self._port
        host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(self._host, self._host)  # noqa: S104 - only recognised
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def bind(self) -> str:
        """Takes the port and gives the URL; ConfigError when it is busy or the host is not ours."""
        if self._socket is None:
            self._socket = _listen(self._host, self._port)
        return self.url

    def start(self) -> str:
        """Serves in a thread of its own; gives the URL once requests are answered."""
        url = self.bind()
        self._server = self._make()
        sockets = [self._socket] if self._socket is not None else None
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": sockets}, name="dodac-server", daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_S / 0.02)):
            if self._server.started:
                return url
            if not self._thread.is_alive():
                break
            waited.wait(0.02)
        self.stop()
        raise ConfigError(f"the page did not start on {url}.", todo="See the lines above.")

    def stop(self) -> None:
        """Ends the streams, answers what is under way, and frees the port."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_GRACE_S + 5)
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(self) -> None:
        """Serves in this thread until Ctrl-C or a signal."""
        self.bind()
        self._server = self._make()
        earlier = signal.signal(signal.SIGTERM, _interrupt)
        try:
            # uvicorn raises the signal again once everything is closed
            with contextlib.suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._socket] if self._socket is not None else None)
        finally:
            signal.signal(signal.SIGTERM, earlier)
            self.stop()

    def _make(self) -> _Uvicorn:
        return _Uvicorn(
            uvicorn.Config(
                self._app,
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=_GRACE_S,
                server_header=False,
                # what a proxy says about the client is believed from this machine only
                forwarded_allow_ips="127.0.0.1",
            )
        )


def _interrupt(_number: int, _frame: object) -> None:
    """systemd's SIGTERM ends the command as Ctrl-C does."""
    raise KeyboardInterrupt


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigError(f'"{host}" is no address of a machine: {error.strerror}.') from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} on {host} is in use.",
                todo="Is dodac serve running already? Choose another: --port 0 takes a free one.",
            ) from None
        raise ConfigError(f"can't listen on {host}:{port}: {error.strerror}.") from None
    listening.set_inheritable(False)
    return listening
