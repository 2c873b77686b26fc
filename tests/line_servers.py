"""The other real servers that take line protocol: Debian's InfluxDB 1.6 and VictoriaMetrics.

Fixtures: `influxdb1` (one server per session with users required, a fresh database per test) and
`victoria` (a fresh server per test). Both have url, start(), stop() and kill(); see servers.py.
"""

# ruff: noqa: S310  (only our own loopback servers are asked)

from __future__ import annotations

import base64
import json
import secrets
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from servers import Server, free_port, require_program


class Influx1Server:
    """A real InfluxDB 1.6 of Debian that lets in only its own administrator; see Influx1Database for tests."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.user = "tests"
        self.password = secrets.token_urlsafe(16)
        port, rpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "influxdb.conf"
        config.write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = true
log-enabled = false
""",
            encoding="utf-8",
        )
        self._made = False
        self._process = Server([program, "-config", config], folder / "influxd.log", self._answers)

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Starts the server; the first time also makes its administrator."""
        self._process.start()
        if not self._made:
            text = f"CREATE USER \"{self.user}\" WITH PASSWORD '{self.password}' WITH ALL PRIVILEGES"
            self.query(text, login=False)
            self._made = True

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def query(self, text: str, database: str = "", *, login: bool = True) -> list[dict[str, Any]]:
        """Runs InfluxQL by a plain request; gives the results' list."""
        answer = json.loads(
            self.ask("/query?" + urlencode({"db": database, "q": text, "epoch": "ns"}), b"", login)
        )
        for result in answer["results"]:
            if "error" in result:
                raise ValueError(result["error"])
        return list(answer["results"])

    def ask(self, path: str, body: bytes, login: bool = True) -> bytes:
        """One POST with the administrator's name and password; the answer's body."""
        login_text = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login_text}"} if login else {}
        request = urllib.request.Request(f"{self.url}{path}", method="POST", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1) as answer:
                return bool(answer.status == 204)
        except OSError:
            return False


class Influx1Database:
    """What a test gets: the session's InfluxDB 1.6 with an empty database of its own (bucket = database)."""

    def __init__(self, server: Influx1Server, database: str) -> None:
        self.server = server
        self.bucket = database
        self.url, self.user, self.password = server.url, server.user, server.password

    @property
    def running(self) -> bool:
        return self.server.running

    def start(self) -> None:
        """Starts the server again on the same port with the same data."""
        self.server.start()

    def stop(self) -> None:
        """Stops the server; what it acknowledged is kept."""
        self.server.stop()

    def kill(self) -> None:
        """Ends the server with SIGKILL."""
        self.server.kill()

    def keep(self, duration: str) -> None:
        """Changes how long the database keeps points, e.g. "1h"."""
        self.server.query(
            f'ALTER RETENTION POLICY "autogen" ON "{self.bucket}" DURATION {duration} SHARD DURATION 1h'
        )

    def write(self, lines: Sequence[str]) -> None:
        """Writes line protocol (nanoseconds) by a plain request, past the code under test."""
        self.server.ask(
            "/write?" + urlencode({"db": self.bucket, "precision": "ns"}), "\n".join(lines).encode()
        )

    def influxql(self, query: str) -> list[dict[str, Any]]:
        """The rows of an InfluxQL query by a plain request, tags and columns in one dict per row."""
        return [
            {"_name": series.get("name"), **series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
            for result in self.server.query(query, self.bucket)
            for series in result.get("series", ())
            for row in series["values"]
        ]  # fmt: skip


class Victoria:
    """A real VictoriaMetrics: takes line protocol, keeps milliseconds, answers no InfluxQL."""

    def __init__(self, program: Path, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.bucket = "field"
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            program,
            f"-storageDataPath={folder}/data",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-loggerLevel=ERROR",
            "-memory.allowedBytes=64MiB",
        ]
        self._process = Server(command, folder / "victoria-metrics.log", self._answers)

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Starts the server, again with the same data."""
        self._process.start()

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        """Ends the server with SIGKILL; what it held in memory for the last second is lost."""
        self._process.kill()

    def points(self, metric: str) -> dict[int, float]:
        """Every point of a metric, e.g. electricity_power_w: time in ms → value."""
        self._get("/internal/force_flush")
        found: dict[int, float] = {}
        for row in self._get("/api/v1/export?" + urlencode({"match[]": metric})).splitlines():
            told = json.loads(row)
            found.update(zip(told["timestamps"], told["values"], strict=True))
        return found

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=20) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        try:
            return self._get("/health") == b"OK"
        except OSError:
            return False


@pytest.fixture(scope="session")
def influx1_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx1Server]:
    """The session's InfluxDB 1.6."""
    server = Influx1Server(require_program("influxd-1.6"), tmp_path_factory.mktemp("influxd1"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influxdb1(influx1_server: Influx1Server) -> Iterator[Influx1Database]:
    """An empty database on a running InfluxDB 1.6: url, bucket, user, password, start(), stop(), kill()."""
    influx1_server.start()
    name = f"test-{secrets.token_hex(6)}"
    influx1_server.query(f'CREATE DATABASE "{name}"')
    yield Influx1Database(influx1_server, name)
    influx1_server.start()
    influx1_server.query(f'DROP DATABASE "{name}"')


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    """A running VictoriaMetrics of this test alone: url, points(), start(), stop(), kill()."""
    server = Victoria(require_program("victoria-metrics"), tmp_path / "victoria")
    server.start()
    yield server
    server.stop()
