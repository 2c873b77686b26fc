"""Real servers for tests: a Mosquitto and an InfluxDB 2 of our own on free loopback ports.

Fixtures: `mosquitto` (a fresh broker per test), `influxdb` (one server per session, a fresh bucket
per test), `require` (a program's path, e.g. require("chromium")). What is missing is skipped with a
message; with DODAC_REQUIRE_SERVERS=1 it fails instead. More of them stand in line_servers.py.
"""

# ruff: noqa: S310  (only our own loopback servers are asked)

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

HOW_TO_GET = {
    "mosquitto": "apt-get install mosquitto",
    "influxd": ".ci/build-influxd.sh builds it (about ten minutes), or set DODAC_INFLUXD to an InfluxDB 2.7 influxd",
    "influxd-1.6": "apt-get install influxdb",
    "victoria-metrics": "apt-get install victoria-metrics",
    "chromium": "apt-get install chromium",
    "mbpoll": "apt-get install mbpoll",
    "systemd-analyze": "apt-get install systemd",
}


def find_program(name: str) -> Path | None:
    """Where a program stands on this machine, or None.

    influxd: only $DODAC_INFLUXD and our own cache count, since a Debian influxd is 1.6; that one is
    asked for as influxd-1.6.
    """
    if name == "influxd":
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dodac-testbed"
        cache = Path(os.environ.get("DODAC_CACHE") or cache)
        found = os.environ.get("DODAC_INFLUXD") or str(cache / "influxd" / "influxd")
        return Path(found) if os.access(found, os.X_OK) else None
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    program = shutil.which(name.removesuffix("-1.6"), path=path)
    return Path(program) if program else None


def require_program(name: str) -> Path:
    """The program's path; skips the test when it is missing, fails it under DODAC_REQUIRE_SERVERS=1."""
    program = find_program(name)
    if program is not None:
        return program
    words = f"{name} is not on this machine; {HOW_TO_GET.get(name, 'install it')}"
    if os.environ.get("DODAC_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{words} (DODAC_REQUIRE_SERVERS=1)", pytrace=False)
    pytest.skip(words)


def free_port() -> int:
    """A loopback TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server process: started, awaited until it answers, stopped; its output is kept in a file."""

    def __init__(self, command: Sequence[str | Path], log: Path, ready: Callable[[], bool]) -> None:
        self._command = [str(word) for word in command]
        self._log = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = 30.0) -> None:
        if self.running:
            return
        command = self._command
        setpriv = shutil.which("setpriv")
        if setpriv and threading.current_thread() is threading.main_thread():
            # a pytest that is killed leaves no server behind
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + timeout
        while not self._ready():
            if not self.running or time.monotonic() > end:
                self.kill()
                words = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._command[0]} did not start:\n{words}")
            time.sleep(0.01)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(sign)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Mosquitto:
    """A real broker on a free loopback port; its session state survives stop() and start().

    `kill` is SIGKILL: what the broker had not yet saved to its own file is lost.
    """

    def __init__(self, program: Path, folder: Path, settings: Sequence[str] = ()) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 1000000",
            "max_inflight_messages 1000",
            "log_dest stderr",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it drops to a user who can't write our folder
        config.write_text("\n".join([*lines, *settings]) + "\n", encoding="utf-8")
        self._process = Server([program, "-c", config], folder / "mosquitto.log", self._answers)

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Starts the broker on its port and returns when it takes connections."""
        self._process.start()

    def stop(self) -> None:
        """Ends the broker as an operator would; it saves its sessions and queues."""
        self._process.stop()

    def kill(self) -> None:
        """Ends the broker with SIGKILL."""
        self._process.kill()

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=0.5).close()
        except OSError:
            return False
        return True


class InfluxServer:
    """A real InfluxDB 2 with an organisation and an operator token; see InfluxBucket for tests."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.org = "dodac-tests"
        self.token = secrets.token_urlsafe(32)
        self.org_id = ""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        options = {
            "bolt-path": folder / "influxd.bolt",
            "sqlite-path": folder / "influxd.sqlite",
            "engine-path": folder / "engine",
            "http-bind-address": f"127.0.0.1:{port}",
            "log-level": "error",
        }
        command: list[str | Path] = [program, "--reporting-disabled"]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._process = Server(command, folder / "influxd.log", self._answers)

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Starts the server; the first time also sets up organisation and token."""
        self._process.start(timeout=60)
        if not self.org_id:
            answer = self.request(
                "POST",
                "/api/v2/setup",
                {
                    "username": "tests",
                    "password": secrets.token_urlsafe(16),
                    "org": self.org,
                    "bucket": "first",
                    "token": self.token,
                },
            )
            self.org_id = answer["org"]["id"]

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """One JSON request with the operator token; the answer's JSON, or None when it is empty."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return bool(json.loads(answer.read())["status"] == "pass")
        except (OSError, ValueError):
            return False


class InfluxBucket:
    """What a test gets: the session's server with an empty bucket of its own."""

    def __init__(self, server: InfluxServer, bucket: str) -> None:
        self.server = server
        self.bucket = bucket
        self.url, self.token, self.org = server.url, server.token, server.org

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

    def write(self, lines: Sequence[str]) -> None:
        """Writes line protocol (nanoseconds) by a plain request, past the code under test."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/write?org={self.org}&bucket={self.bucket}&precision=ns",
            method="POST",
            data="\n".join(lines).encode(),
            headers={"Authorization": f"Token {self.token}"},
        )
        urllib.request.urlopen(request, timeout=20).close()

    def influxql(self, query: str) -> list[dict[str, Any]]:
        """The rows of an InfluxQL query by a plain request, tags and columns in one dict per row."""
        from urllib.parse import urlencode

        answer = self.server.request(
            "GET", "/query?" + urlencode({"db": self.bucket, "rp": "autogen", "q": query, "epoch": "ns"})
        )
        rows: list[dict[str, Any]] = []
        for result in answer["results"]:
            if "error" in result:
                raise ValueError(result["error"])
            for series in result.get("series", ()):
                head = {"_name": series["name"], **series.get("tags", {})} if "name" in series else {}
                rows += [
                    {**head, **dict(zip(series["columns"], row, strict=True))} for row in series["values"]
                ]
        return rows


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """require("chromium"): the program's path, or this test is skipped (or fails, under the variable)."""
    return require_program


@pytest.fixture
def mosquitto_factory(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """mosquitto_factory(*settings): more brokers, each with further lines for its configuration."""
    program = require_program("mosquitto")
    brokers: list[Mosquitto] = []

    def make(*settings: str) -> Mosquitto:
        broker = Mosquitto(program, tmp_path / f"mosquitto{len(brokers)}", settings)
        brokers.append(broker)
        broker.start()
        return broker

    yield make
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mosquitto(mosquitto_factory: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker of this test alone: host, port, url, stop(), start(), kill()."""
    return mosquitto_factory()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """The session's InfluxDB 2."""
    server = InfluxServer(require_program("influxd"), tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influxdb(influx_server: InfluxServer) -> Iterator[InfluxBucket]:
    """An empty bucket on a running InfluxDB 2: url, token, org, bucket, stop(), start(), kill()."""
    influx_server.start()
    name = f"test-{secrets.token_hex(6)}"
    made = influx_server.request(
        "POST", "/api/v2/buckets", {"orgID": influx_server.org_id, "name": name, "retentionRules": []}
    )
    yield InfluxBucket(influx_server, name)
    influx_server.start()
    influx_server.request("DELETE", f"/api/v2/buckets/{made['id']}")
