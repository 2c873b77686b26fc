"""An InfluxDB: where it is, and writing prebuilt lines to it through influxdb-client."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from dodac.errors import ConfigError, Where

if TYPE_CHECKING:
    from influxdb_client.client.influxdb_client import InfluxDBClient

    from dodac.site import Site

TIMEOUT_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class InfluxTarget:
    """A bucket of an InfluxDB; the token never shows in repr, logs or errors."""

    url: str
    bucket: str
    org: str
    token: str = field(repr=False)

    @classmethod
    def of_site(cls, site: Site) -> Self:
        """The bucket that a site file names.

        Raises ConfigError when it names none, or its token file can't be read or others may read it.
        """
        config = site.influxdb
        if config is None:
            raise ConfigError("this site has no InfluxDB.", Where(file=str(site.path)), "Add [influxdb].")
        token = site.secret(config.token_file) if config.token_file is not None else ""
        return cls(url=config.url, bucket=config.bucket, org=config.org, token=token)

    def client(self) -> InfluxDBClient:
        """A new client: gzip on, no retries of its own (the forwarder decides)."""
        from influxdb_client.client.influxdb_client import InfluxDBClient

        return InfluxDBClient(
            url=self.url,
            token=self.token,
            org=self.org,
            timeout=TIMEOUT_MS,
            enable_gzip=True,
            retries=False,
        )

    def hide(self, text: str) -> str:
        """The text without the token."""
        return text.replace(self.token, "•••") if self.token else text


class WriteKind(StrEnum):
    """What a server made of a batch of lines."""

    ACCEPTED = "accepted"
    BAD_LINE = "bad_line"
    BEYOND_RETENTION = "beyond_retention"
    AUTH = "auth"
    MISSING = "missing"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A write's outcome.

    ok: every line stands in the database. bad_line and beyond_retention: good lines of the batch may
    stand there too (writing them again changes nothing). retry_after_s: what the server asked for.
    """

    ok: bool
    kind: WriteKind
    retry_after_s: float | None = None
    message: str = ""


class InfluxSink:
    """Writes line protocol to a bucket, one request a call; any thread may call it."""

    def __init__(self, target: InfluxTarget) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._client: InfluxDBClient | None = None
        self._api: Any = None

    def write(self, lines: Sequence[str]) -> WriteResult:
        """Writes lines with ns times and says how it went; never raises for a server's fault."""
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        if not lines:
            return WriteResult(True, WriteKind.ACCEPTED)
        try:
            self._writer().write(
                bucket=self._target.bucket, org=self._target.org, record="\n".join(lines).encode()
            )
        except ApiException as error:
            status = int(error.status or 0)
            said = message_of(error.body) or str(error.reason or f"HTTP {status}")
            return classify(status, dict(error.headers or {}), self._target.hide(said))
        except (HTTPError, OSError) as error:
            return WriteResult(False, WriteKind.UNREACHABLE, None, self._target.hide(short(error)))
        return WriteResult(True, WriteKind.ACCEPTED)

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()  # type: ignore[no-untyped-call]
            self._client = self._api = None

    def _writer(self) -> Any:
        with self._lock:
            if self._api is None:
                from influxdb_client.client.write_api import SYNCHRONOUS

                self._client = self._target.client()
                self._api = self._client.write_api(write_options=SYNCHRONOUS)
            return self._api


def classify(status: int, headers: Mapping[str, str], message: str) -> WriteResult:
    """What an HTTP status and message of a write mean (InfluxDB 2 API, /api/v2/write)."""
    kind = WriteKind.BUSY
    if status in (400, 422):
        retention = "retention policy" in message.lower()
        kind = WriteKind.BEYOND_RETENTION if retention else WriteKind.BAD_LINE
    elif status in (401, 403):
        kind = WriteKind.AUTH
    elif status == 404:
        kind = WriteKind.MISSING
    elif status == 413:
        kind = WriteKind.TOO_LARGE
    elif status == 0:
        kind = WriteKind.UNREACHABLE
    elif status not in (408, 429) and status < 500:
        kind = WriteKind.BAD_LINE
    after = None
    if kind is WriteKind.BUSY:
        text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
        after = float(text) if text.strip().isdigit() else None
    return WriteResult(False, kind, after, message)


def message_of(body: str | bytes | None) -> str:
    """The message of an error body, which is JSON on InfluxDB 2."""
    if not body:
        return ""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    try:
        told = json.loads(body)
    except ValueError:
        return body.strip()[:500]
    if isinstance(told, dict):
        return str(told.get("message") or told.get("error") or "")[:500]
    return body.strip()[:500]


def short(error: BaseException) -> str:
    """The innermost sentence of a connection fault."""
    # urllib3 wraps the cause
    reason = getattr(error, "reason", None) or error
    return str(reason).splitlines()[0][:300] if str(reason) else type(error).__name__
