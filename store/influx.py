"""An InfluxDB: where it is, and writing prebuilt lines to it through influxdb-client's HTTP layer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from dodac.errors import ConfigError, DodacError, Where
from store._influx_http import LOADING, Answer, Http, gzipped
from store._influx_version import Server, Versions

if TYPE_CHECKING:
    from influxdb_client.client.influxdb_client import InfluxDBClient

    from dodac.site import InfluxConfig, Site

TIMEOUT_MS: Final = 30_000
CONNECT_MS: Final = 5_000
"""A host that swallows everything must not hold up the one that tries longer than this."""
LONGEST_WAIT_S: Final = 600.0

# how InfluxDB 1, 2 and 3 begin what they say of single points
_OF_POINTS: Final = re.compile(
    r"unable to parse|partial write|field type conflict|conflict|dropped|line protocol|max key length|column type"
    r"|invalid field|invalid tag",
    re.IGNORECASE,
)
_RETENTION: Final = re.compile(r"retention policy|retention period", re.IGNORECASE)
_FUTURE: Final = re.compile("upper bound", re.IGNORECASE)
_NAMES_PLACE: Final = re.compile(
    r"(bucket|database|organi[sz]ation|org).*not found|not found.*database", re.IGNORECASE
)
_FIELD: Final = re.compile(r"[ ,]([^ ,=]+)=")


@dataclass(frozen=True, slots=True)
class InfluxTarget:
    """A bucket of an InfluxDB (1: a database); token and password never show in repr, logs or errors.

    version: "auto" asks the server, "1", "2" and "3" do not. retention_policy: of InfluxDB 1, "" for
    the database's own. ca_file: PEM file of the authority that signed the server's certificate.
    """

    url: str
    bucket: str
    org: str
    token: str = field(repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    version: str = "auto"
    retention_policy: str = ""
    ca_file: str = ""

    @classmethod
    def of_site(cls, site: Site, config: InfluxConfig | None = None) -> Self:
        """The bucket that a site file names: [influxdb], or another of its sinks.

        Raises ConfigError when it names none, or a secret can't be read or others may read it.
        """
        config = config or site.influxdb
        if config is None:
            raise ConfigError("this site has no InfluxDB.", Where(file=str(site.path)), "Add [influxdb].")
        return cls(
            url=config.url,
            bucket=config.bucket,
            org=config.org,
            token=site.secret(config.token_file) if config.token_file is not None else "",
            user=config.user or "",
            password=site.secret(config.password_file) if config.password_file is not None else "",
            version=config.version,
            retention_policy=config.retention_policy,
            ca_file=str(site.folder / config.ca_file) if config.ca_file is not None else "",
        )

    def client(self) -> InfluxDBClient:
        """A new client: no retries and no redirects of its own (the forwarder decides)."""
        with LOADING:
            from influxdb_client.client.influxdb_client import InfluxDBClient

        return InfluxDBClient(
            url=self.url,
            token=self.token,
            org=self.org,
            timeout=(CONNECT_MS, TIMEOUT_MS),
            enable_gzip=True,
            retries=False,
            ssl_ca_cert=self.ca_file or None,
        )

    def hide(self, text: str) -> str:
        """The text without token and password."""
        for secret in (self.token, self.password):
            text = text.replace(secret, "•••") if secret else text
        return text


class WriteKind(StrEnum):
    """What a server made of a batch of lines.

    bad_line: it names a point that it can't take. refused: it takes the batch for wrong and names no
    point. missing: no such bucket, database or page. elsewhere: what answers is no line-protocol server.
    """

    ACCEPTED = "accepted"
    BAD_LINE = "bad_line"
    REFUSED = "refused"
    BEYOND_RETENTION = "beyond_retention"
    AUTH = "auth"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A write's outcome.

    ok: every line stands in the database. bad_line and beyond_retention: good lines of the batch may
    stand there too (writing them again changes nothing). retry_after_s: what the server asked for,
    ten minutes at most.
    """

    ok: bool
    kind: WriteKind
    retry_after_s: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """Lines with the request body made of them, so that it can be made while another is on its way."""

    lines: Sequence[str]
    body: bytes = field(repr=False)


class InfluxSink:
    """Writes line protocol to a bucket, one request a call; any thread may call it.

    Takes InfluxDB 1.6 to 3 and what speaks like them; which one it is, the server says. renew: asked
    for the target again when the server refuses the login, so that a new token in its file is enough.
    """

    def __init__(self, target: InfluxTarget, renew: Callable[[], InfluxTarget] | None = None) -> None:
        self._renew = renew
        self._take(target)

    def _take(self, target: InfluxTarget) -> None:
        self._target = target
        self._http = Http(target)
        self._versions = Versions(target, self._http)

    def pack(self, text: str) -> Packed:
        """Lines parted by line feeds, made ready for write()."""
        # of the lines only one that is alone is ever looked at
        return Packed(text.split("\n", 1), gzipped(text.encode()))

    def write(self, lines: Sequence[str] | Packed) -> WriteResult:
        """Writes lines with ns times and says how it went; never raises for a server's fault."""
        if not lines:
            return WriteResult(True, WriteKind.ACCEPTED)
        packed = lines if isinstance(lines, Packed) else Packed(lines, gzipped("\n".join(lines).encode()))
        body = packed.body
        server = self._versions.server()
        if server.fault:
            # a batch would wait for the same silence once more
            return self._said(Answer(0, {}, b"", server.fault, server.trust), packed.lines)
        answer = self._post(server, body)
        if answer.status == 404 and not _NAMES_PLACE.search(message_of(answer.body)):
            # another server may stand there since it was asked, or it never said which one it is
            now = self._versions.server(again=True)
            if not now.sure:
                now = Server("unknown", 0, 3 - server.api, sure=False)
            if now.api != server.api:
                answer = self._post(now, body)
                if answer.status != 404:
                    self._versions.learn(now)
        if answer.ok:
            return WriteResult(True, WriteKind.ACCEPTED)
        result = self._said(answer, packed.lines)
        if result.kind is WriteKind.AUTH and self._renewed():
            return self.write(packed)
        return result

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _renewed(self) -> bool:
        """True when there is another login than the one that was refused; ca_file is read again in any case."""
        self._http.close()
        try:
            target = self._renew() if self._renew is not None else self._target
        except DodacError:
            return False  # the file is being written; the next try looks again
        if target == self._target:
            return False
        self._take(target)
        return True

    def _post(self, server: Server, body: bytes) -> Answer:
        path, query = server.write_path(self._target)
        return self._http.ask("POST", path, query, lines=body)

    def _said(self, answer: Answer, lines: Sequence[str]) -> WriteResult:
        if answer.status == 0:
            kind = WriteKind.AUTH if answer.trust else WriteKind.UNREACHABLE
            return WriteResult(False, kind, None, answer.fault)
        message = self._target.hide(message_of(answer.body) or f"HTTP {answer.status}")
        if answer.page:
            message = f"HTTP {answer.status} with a web page: {' '.join(message.split())[:120]}"
        elif answer.status in range(300, 400):
            place = self._target.hide(answer.headers.get("location", ""))
            message = f"HTTP {answer.status}: redirects to {place or 'nowhere'}, which is not followed"
        result = classify(answer.status, answer.headers, message)
        if answer.page and result.kind in (WriteKind.BAD_LINE, WriteKind.BEYOND_RETENTION):
            return WriteResult(False, WriteKind.REFUSED, None, message)
        if result.kind is WriteKind.BAD_LINE and len(lines) == 1 and not names_line(message, lines[0]):
            return WriteResult(False, WriteKind.REFUSED, None, message)
        return result


def classify(status: int, headers: Mapping[str, str], message: str) -> WriteResult:
    """What an HTTP status and message of a write mean (InfluxDB 1.6 to 3, VictoriaMetrics)."""
    kind = WriteKind.ELSEWHERE
    if status in (400, 422):
        kind = WriteKind.BAD_LINE if _OF_POINTS.search(message) else WriteKind.REFUSED
        if _RETENTION.search(message) and not _FUTURE.search(message):
            kind = WriteKind.BEYOND_RETENTION
    elif status in (401, 403, 407, 511):
        kind = WriteKind.AUTH
    elif status == 404 or (status == 500 and "retention policy not found" in message):
        kind = WriteKind.MISSING
    elif status == 413:
        kind = WriteKind.TOO_LARGE
    elif status in (408, 425, 429) or status >= 500:
        kind = WriteKind.BUSY
    elif status == 0:
        kind = WriteKind.UNREACHABLE
    if kind is not WriteKind.BUSY:
        return WriteResult(False, kind, None, message)
    asked = retry_after(next((value for name, value in headers.items() if name.lower() == "retry-after"), ""))
    if asked is not None and asked > LONGEST_WAIT_S:
        message += f" (asks for {asked:.0f} s, tried again after {LONGEST_WAIT_S:.0f} s)"
    return WriteResult(False, kind, None if asked is None else min(asked, LONGEST_WAIT_S), message)


def retry_after(text: str, now: datetime | None = None) -> float | None:
    """The seconds of a Retry-After header: a number, or a date (RFC 9110); None when it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def names_line(message: str, line: str) -> bool:
    """True when a server's message speaks of this line: its beginning, its measurement or one of its fields."""
    if line[:60] in message:
        return True
    words = set(re.findall(r"[^\s\"'`,:;()\[\]{}]+", message))
    head = re.split(r"(?<!\\)[ ,]", line, maxsplit=1)[0]
    return head in words or not words.isdisjoint(_FIELD.findall(line))


def message_of(body: str | bytes | None) -> str:
    """The message of an error body: JSON on InfluxDB, in 1.x {"error": …}, in 3 with a line for each point."""
    if not body:
        return ""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    try:
        told = json.loads(body)
    except ValueError:
        return body.strip()[:500]
    if not isinstance(told, dict):
        return body.strip()[:500]
    text = str(told.get("message") or told.get("error") or "")
    data: Any = told.get("data")
    points = [data] if isinstance(data, dict) else data if isinstance(data, list) else []
    for point in points[:3]:
        if isinstance(point, dict):
            text += f"; {point.get('error_message', '')}: {str(point.get('original_line', ''))[:150]}"
    return text[:500]
