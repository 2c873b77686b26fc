"""Which line-protocol server answers at a URL, and therefore how it is written and read."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from store._influx_http import Answer, Http
    from store.influx import InfluxTarget

_PING_MS: Final = 5_000
_NUMBER: Final = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Server:
    """What answers: its major version (0: it did not say), the API to write with (1: /write, 2: /api/v2/write).

    version: the text for people. sure: False when the API is a guess. fault: why nobody could be asked;
    trust: that is the server's certificate.
    """

    version: str
    major: int
    api: int
    sure: bool
    fault: str = ""
    trust: bool = False

    def write_path(self, target: InfluxTarget) -> tuple[str, dict[str, str]]:
        """Path and query of a write with ns times."""
        policy = target.retention_policy
        if self.api == 1:
            query = {"db": target.bucket, "precision": "ns"}
            return "/write", query | ({"rp": policy} if policy else {})
        # 1.8 takes DATABASE/POLICY for a bucket; 2 and 3 have no policies of this kind
        bucket = f"{target.bucket}/{policy}" if self.major == 1 and policy else target.bucket
        return "/api/v2/write", {"org": target.org, "bucket": bucket, "precision": "ns"}

    def query_fields(self, target: InfluxTarget) -> dict[str, str]:
        """Database and policy of an InfluxQL query."""
        if self.major in (1, 3):
            policy = target.retention_policy if self.major == 1 else ""
            return {"db": target.bucket} | ({"rp": policy} if policy else {})
        # the mapping that InfluxDB 2 gives every bucket by itself
        return {"db": target.bucket, "rp": "autogen"}


_GUESS: Final = Server("unknown", 0, 2, sure=False)


class Versions:
    """Asks once and remembers; any thread may call it."""

    def __init__(self, target: InfluxTarget, http: Http) -> None:
        self._target = target
        self._http = http
        self._lock = threading.Lock()
        self._known: Server | None = None

    def server(self, *, again: bool = False) -> Server:
        """The server; asked when it is not known yet, or `again`. A guess (the 2 API) when it does not say."""
        said = self._target.version
        if said != "auto":
            return Server(said, int(said), 1 if said == "1" else 2, sure=True)
        with self._lock:
            if self._known is None or again:
                found = self.asked()
                if found.fault:
                    return found  # the next call asks again
                self._known = found
            return self._known

    def learn(self, server: Server) -> None:
        """Takes what a write has shown."""
        with self._lock:
            self._known = server

    def asked(self) -> Server:
        """What the server says at this moment, also where the site file says which it is."""
        ping = self._http.ask("GET", "/ping", {}, timeout_ms=_PING_MS)
        if ping.status == 0:
            return Server("away", 0, 2, sure=False, fault=ping.fault, trust=ping.trust)
        told = ping.headers.get("x-influxdb-version", "")
        found = server_of(told)
        if found is not None:
            return found
        health = self._http.ask("GET", "/health", {}, timeout_ms=_PING_MS)
        return _of_health(health, told)


def server_of(version: str) -> Server | None:
    """The server of a version text such as "1.6.7~rc0", "1.8.10", "v2.7.12" or "3.0.1"; None when it has no number."""
    number = _NUMBER.match(version.strip())
    if number is None:
        return None
    major, minor = int(number[1]), int(number[2])
    return Server(version.strip(), major, 1 if (major, minor) < (1, 8) else 2, sure=True)


def _of_health(health: Answer, told: str) -> Server:
    """A build without a number ("dev") is told by the page that only 1.8 and later have."""
    try:
        page = json.loads(health.body)
    except ValueError:
        return _GUESS
    if not isinstance(page, dict) or page.get("name") != "influxdb":
        return _GUESS
    version = str(page.get("version") or told or "2")
    return server_of(version) or Server(version, 2, 2, sure=True)
