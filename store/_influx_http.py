"""One request to a line-protocol server through influxdb-client's HTTP layer: nothing followed, nothing retried."""

from __future__ import annotations

import base64
import gzip
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from store.influx import InfluxTarget

LOADING: Final = threading.Lock()
"""Held while the client is loaded: its modules import one another, and two sinks that begin together would meet
them half loaded (an ImportError that lasts a minute)."""
_POOL: Final = re.compile(r"^HTTPS?Connection(Pool)?\([^)]*\): ")
_GZIP_LEVEL: Final = 1  # half the size of none at a tenth of level 9's time; the line is rarely the limit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an HTTP status with its headers (names in lower case) and body.

    status 0: no whole answer came, and `fault` says why. trust: the fault is the server's certificate.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    fault: str = ""
    trust: bool = False

    @property
    def ok(self) -> bool:
        """True for a 2xx of a database; a page of a portal or proxy that says 200 is none."""
        return 200 <= self.status < 300 and not self.page

    @property
    def page(self) -> bool:
        """True when the body is a web page."""
        html = "html" in self.headers.get("content-type", "").lower()
        return bool(self.body) and (html or self.body.lstrip()[:1] == b"<")


class Http:
    """The connections to one server; any thread may call it. The login goes in a header, never in a URL."""

    def __init__(self, target: InfluxTarget) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._client: Any = None
        login = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
        self._login = f"Basic {login}" if target.user else f"Token {target.token}"
        # on the machine itself packing takes longer than what it saves
        near = urlsplit(target.url).hostname in ("127.0.0.1", "localhost", "::1")
        self._packing = "identity" if near else "gzip"
        self._login_needed = bool(target.user or target.token)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        lines: bytes | None = None,
        form: Mapping[str, str] | None = None,
        accept: str = "application/json",
        timeout_ms: int | None = None,
    ) -> Answer:
        """Sends a request with gzipped lines or a form; never raises for what the other side does.

        A connection that the server closed while it was idle is opened once more: writes of the same
        lines may be repeated, and queries too.
        """
        headers = {"Accept": accept, "Accept-Encoding": self._packing}
        if self._login_needed:
            headers["Authorization"] = self._login
        options: dict[str, Any] = {}
        if timeout_ms is not None:
            options["_request_timeout"] = timeout_ms
        if lines is not None:
            headers |= {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
            options["body"] = lines
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            options["post_params"] = dict(form)
        first = self._once(method, path, query, headers, options)
        if first.status == 0 and first.fault.startswith("the server closed the connection"):
            return self._once(method, path, query, headers, options)
        return first

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Answer:
        with LOADING:
            from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError, ProtocolError

        try:
            rest = self._rest()
        except OSError as error:  # an SSLError is one
            why = error.strerror or str(error)
            return Answer(0, {}, b"", f"ca_file {self._target.ca_file} can't be used: {why}", trust=True)
        try:
            response = rest.request(
                method,
                self._target.url + path,
                headers=dict(headers),
                query_params=dict(query),
                _preload_content=False,
                **options,
            )
            return Answer(response.status, _lower(response.headers), response.data)
        except ApiException as error:
            if error.status:
                return Answer(int(error.status), _lower(error.headers or {}), _bytes(error.body))
            said = str(error.reason or "").replace("\n", ": ")
            return Answer(0, {}, b"", self._target.hide(said)[:300], trust="CERTIFICATE_VERIFY" in said)
        except ProtocolError as error:
            closed = "Remote end closed" in str(error) or "reset by peer" in str(error)
            words = "the server closed the connection" if closed else "the answer broke off"
            return Answer(0, {}, b"", f"{words}: {self._target.hide(short(error))}")
        except (HTTPError, OSError) as error:
            return Answer(0, {}, b"", self._target.hide(short(error)))

    def _rest(self) -> Any:
        with self._lock:
            if self._client is None:
                if self._target.ca_file:
                    import ssl

                    # where urllib3 meets it, it says no more than "No such file"
                    ssl.create_default_context(cafile=self._target.ca_file)
                self._client = self._target.client()
            return self._client.api_client.rest_client


def gzipped(body: bytes) -> bytes:
    """A body as it goes over the line."""
    return gzip.compress(body, _GZIP_LEVEL)


def short(error: BaseException) -> str:
    """The innermost sentence of a connection fault."""
    # urllib3 wraps the cause
    reason = getattr(error, "reason", None) or error
    text = str(reason).splitlines()[0] if str(reason) else type(error).__name__
    return _POOL.sub("", text)[:300]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
