"""A TCP connection to a gateway or an instrument."""

from __future__ import annotations

import contextlib
import os
import select
import socket

from drivers.links._link import LinkDown


class TcpLink:
    """Host and port; connecting takes at most `connect_s`."""

    def __init__(self, host: str, port: int, connect_s: float = 5.0) -> None:
        self.name = f"{host}:{port}"
        self._place = (host, port)
        self._connect_s = connect_s
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connects; LinkDown says what is wrong."""
        self.close()
        try:
            sock = socket.create_connection(self._place, timeout=self._connect_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self._connect_s)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no server can have
            raise LinkDown(f"{self.name}: {words_of(error)}") from None
        self._socket = sock

    def close(self) -> None:
        """Closes the connection; never raises."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()

    def write(self, data: bytes) -> None:
        """Sends all bytes; LinkDown when the other side is gone."""
        try:
            self._open_socket().sendall(data)
        except OSError as error:
            raise LinkDown(f"{self.name}: {words_of(error)}") from None

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting up to timeout_s; LinkDown when the other side closed."""
        sock = self._open_socket()
        try:
            if not select.select([sock], [], [], max(0.0, timeout_s))[0]:
                return b""
            data = sock.recv(4096)
        except (OSError, ValueError) as error:
            raise LinkDown(f"{self.name}: {words_of(error)}") from None
        if not data:
            raise LinkDown(f"{self.name}: the other side closed the connection")
        return data

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise LinkDown(f"{self.name}: not connected")
        return self._socket


def words_of(error: BaseException) -> str:
    """What a failed connection means, for people."""
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    if isinstance(error, UnicodeError):
        return "this is no host name"
    return getattr(error, "strerror", None) or str(error)
