"""One HTTP server in the local network, asked by GET: bounded in time and size, redirects not followed."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
import zlib
from dataclasses import dataclass
from typing import Any, Final

from drivers.links._link import LinkDown
from drivers.links.tcp import words_of

MAX_BODY: Final = 2_000_000
_PIECE: Final = 65_536


class HttpFault(Exception):  # noqa: N818  (a finding about an answer)
    """No usable answer: kind is silent (nothing in time), damaged (cut off, garbled) or refused."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The body of an answer with status 200."""

    body: bytes


class HttpLink:
    """Asks one host and port; every request has its own connection, and ends by `timeout_s` in all."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.name = f"http://{host}:{port}"
        self._place = (host, port)
        self._timeout_s = timeout_s

    def open(self) -> None:
        """Sees whether the instrument takes a connection; LinkDown says what is wrong."""
        self._connect(time.monotonic() + self._timeout_s).close()

    def close(self) -> None:
        """Nothing stays open between requests."""

    def write(self, data: bytes) -> None:  # noqa: ARG002  (the contract's signature)
        """HTTP has no bytes of its own: use get."""
        raise io.UnsupportedOperation("HTTP is asked by get.")

    def read(self, timeout_s: float) -> bytes:  # noqa: ARG002  (the contract's signature)
        """HTTP has no bytes of its own: use get."""
        raise io.UnsupportedOperation("HTTP is asked by get.")

    def get(self, path: str) -> HttpAnswer:
        """The answer to GET; raises LinkDown without a connection, HttpFault without a good answer."""
        deadline = time.monotonic() + self._timeout_s
        host, port = self._place
        connection = http.client.HTTPConnection(host, port)
        connection.sock = self._connect(deadline)
        try:
            connection.request(
                "GET",
                path,
                headers={"Accept": "application/json", "Accept-Encoding": "gzip", "Connection": "close"},
            )
            with connection.getresponse() as response:
                return HttpAnswer(_body(response, path))
        except TimeoutError:
            raise HttpFault("silent", f"no whole answer to GET {path} within {self._timeout_s:g} s") from None
        except http.client.BadStatusLine:
            raise HttpFault("damaged", f"what answers GET {path} does not speak HTTP") from None
        except http.client.HTTPException as error:
            words = f"the answer to GET {path} is damaged ({type(error).__name__})"
            raise HttpFault("damaged", words) from None
        except (OSError, ValueError) as error:
            words = words_of(error) if isinstance(error, OSError) else "its form is none of HTTP"
            raise HttpFault("damaged", f"the answer to GET {path} broke off: {words}") from None
        finally:
            connection.close()

    def _connect(self, deadline: float) -> DeadlineSocket:
        host, port = self._place
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise LinkDown(f"{self.name}: {words_of(error)}") from None
        last: OSError = OSError("no address")
        for family, kind, proto, _, address in places:
            sock = DeadlineSocket(family, kind, proto, deadline=deadline)
            try:
                sock.connect(address)
            except OSError as error:
                sock.close()
                last = error
                continue
            return sock
        raise LinkDown(f"{self.name}: {words_of(last)}")


class DeadlineSocket(socket.socket):
    """A socket of which all reads and writes together end by a deadline: a slow drip can't hold us."""

    def __init__(
        self, family: int, kind: int, proto: int, *, deadline: float, fileno: int | None = None
    ) -> None:
        super().__init__(family, kind, proto, fileno)
        self._deadline = deadline

    def connect(self, address: Any) -> None:
        self._count_down()
        super().connect(address)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._count_down()
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self._count_down()
        return super().recv_into(buffer, nbytes, flags)

    def _count_down(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)


def _body(response: http.client.HTTPResponse, path: str) -> bytes:
    if 300 <= response.status < 400:
        to = _printable(response.getheader("Location", ""))
        raise HttpFault("refused", f"GET {path} is sent on to {to or 'another place'}: that is not followed")
    if response.status != 200:
        words = _printable(response.reason)
        todo = ": is it the right instrument, and the right port?" if response.status == 404 else ""
        raise HttpFault("refused", f"GET {path} is answered with {response.status} {words}{todo}")
    coding = response.getheader("Content-Encoding", "identity").strip().casefold()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise HttpFault("refused", f"the answer to GET {path} is packed as {_printable(coding)}")
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise HttpFault("refused", f"the answer to GET {path} is longer than {MAX_BODY} bytes")
    if response.length:
        raise http.client.IncompleteRead(b"")
    data = b"".join(pieces)
    return _unpacked(data, path) if coding in ("gzip", "x-gzip") else data


def _unpacked(data: bytes, path: str) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        body = unpack.decompress(data, MAX_BODY + 1)
    except zlib.error:
        raise HttpFault("damaged", f"the packed answer to GET {path} is damaged") from None
    if len(body) > MAX_BODY:
        raise HttpFault("refused", f"the answer to GET {path} is longer than {MAX_BODY} bytes when unpacked")
    if not unpack.eof:
        raise HttpFault("damaged", f"the packed answer to GET {path} broke off")
    return body


def _printable(text: str) -> str:
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8", "replace")
    return "".join(sign for sign in text if sign.isprintable())[:80]
