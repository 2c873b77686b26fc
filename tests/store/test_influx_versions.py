"""Which server it is decides how it is written and read; what only looks like one gets nothing."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dodac.errors import StorageError
from store import InfluxSink, InfluxStore, InfluxTarget, WriteKind
from store._influx_version import server_of
from store.influx import classify, message_of, names_line, retry_after

LINE = "electricity,instrument=meter1 power_w=1.5 1790000000000000001"


class _Pretender:
    """Answers /ping and /health as told, takes writes on `writes`, and remembers what came."""

    def __init__(
        self, ping: dict[str, str], health: str = "", writes: str = "/api/v2/write", status: int = 204
    ) -> None:
        self.paths: list[str] = []
        self.logins: list[str | None] = []
        self.ping, self.health, self.writes, self.status = ping, health, writes, status
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                found = self.path == "/ping" or bool(outer.health)
                self.send_response(204 if self.path == "/ping" else 200 if found else 404)
                for name, value in outer.ping.items():
                    self.send_header(name, value)
                body = b"" if self.path == "/ping" else outer.health.encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.paths.append(self.path)
                outer.logins.append(self.headers.get("Authorization"))
                self.send_response(outer.status if self.path.startswith(outer.writes) else 404)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def pretend() -> Iterator[Callable[..., _Pretender]]:
    made: list[_Pretender] = []

    def make(*args: Any, **kwargs: Any) -> _Pretender:
        made.append(_Pretender(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize(
    ("ping", "health", "path"),
    [
        ({"X-Influxdb-Version": "1.6.7~rc0"}, "", "/write?db=field&precision=ns&rp=year"),
        ({"X-Influxdb-Version": "1.7.11"}, "", "/write?db=field&precision=ns&rp=year"),
        ({"X-Influxdb-Version": "1.8.10"}, "", "/api/v2/write?org=plant&bucket=field%2Fyear&precision=ns"),
        ({"X-Influxdb-Version": "v2.7.12"}, "", "/api/v2/write?org=plant&bucket=field&precision=ns"),
        ({"X-Influxdb-Version": "3.0.1"}, "", "/api/v2/write?org=plant&bucket=field&precision=ns"),
        (
            {"X-Influxdb-Version": "dev"},
            '{"name":"influxdb","status":"pass","version":"dev"}',
            "/api/v2/write?org=plant&bucket=field&precision=ns",
        ),
        ({}, '{"name":"influxdb","status":"pass","version":"1.8.3"}', "/api/v2/write?org=plant&bucket=field%2Fyear&precision=ns"),
        ({}, "OK", "/api/v2/write?org=plant&bucket=field&precision=ns"),
    ],
)  # fmt: skip
def test_each_version_is_written_its_own_way_and_asked_for_once(
    pretend: Any, ping: dict[str, str], health: str, path: str
) -> None:
    server = pretend(ping, health, writes="/")
    sink = InfluxSink(InfluxTarget(server.url, "field", "plant", "secret", retention_policy="year"))
    assert [sink.write([LINE]).kind for _ in range(3)] == [WriteKind.ACCEPTED] * 3
    sink.close()
    assert [seen for seen in server.paths if "write" in seen] == [path] * 3
    assert server.paths.count("/ping") == 1
    assert set(server.logins) == {"Token secret"}


def test_the_version_of_the_site_file_asks_nothing(pretend: Any) -> None:
    server = pretend({"X-Influxdb-Version": "2.7.0"}, writes="/")
    sink = InfluxSink(InfluxTarget(server.url, "field", "", "", user="u", password="p", version="1"))
    assert sink.write([LINE]).ok
    sink.close()
    assert server.paths == ["/write?db=field&precision=ns"]
    assert server.logins == ["Basic dTpw"]
    assert "dTpw" not in " ".join(server.paths)


def test_a_server_that_hides_its_version_is_written_where_the_page_is(pretend: Any) -> None:
    server = pretend({}, writes="/write")
    sink = InfluxSink(InfluxTarget(server.url, "field", "plant", ""))
    assert [sink.write([LINE]).kind for _ in range(3)] == [WriteKind.ACCEPTED] * 3
    sink.close()
    writes = [path.partition("?")[0] for path in server.paths if "write" in path]
    assert writes == ["/api/v2/write", "/write", "/write", "/write"]


def test_a_server_that_was_upgraded_is_asked_again_after_a_404(pretend: Any) -> None:
    server = pretend({"X-Influxdb-Version": "1.6.7"}, writes="/write")
    sink = InfluxSink(InfluxTarget(server.url, "field", "plant", "t"))
    assert sink.write([LINE]).ok
    server.ping, server.writes = {"X-Influxdb-Version": "2.7.12"}, "/api/v2/write"
    assert sink.write([LINE]).ok
    server.writes = "/nothing"
    asked = server.paths.count("/ping")
    assert sink.write([LINE]).kind is WriteKind.MISSING
    assert server.paths.count("/ping") == asked + 1
    sink.close()


def test_versions_are_read_from_what_servers_say() -> None:
    found = {text: server_of(text) for text in ("1.6.7~rc0", "v1.8.10", "2.0.0-beta.1", "3.0", "dev", "")}
    assert {text: (s.major, s.api) if s else None for text, s in found.items()} == {
        "1.6.7~rc0": (1, 1), "v1.8.10": (1, 2), "2.0.0-beta.1": (2, 2), "3.0": (3, 2), "dev": None, "": None,
    }  # fmt: skip


def test_retry_after_is_a_number_or_a_date_and_has_a_cap_that_is_told() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert retry_after("17") == 17
    assert retry_after("Sun, 22 Nov 2026 12:02:00 GMT", now) == 120
    assert retry_after("Sun, 22 Nov 2026 11:00:00 GMT", now) == 0
    assert [retry_after(text) for text in ("", "soon", "-5", "1e9", "Sun, 99 Nov 2026")] == [None] * 5
    result = classify(429, {"retry-after": "86400"}, "slow down")
    assert result.retry_after_s == 600
    assert "86400" in result.message


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("unable to parse 'electricity,instrument=meter1 power_w=1.5 179': missing fields", True),
        ('partial write: field type conflict: input field "power_w" on measurement "electricity" is type float', True),
        ("partial write of line protocol occurred; invalid column type for column 'power_w'", True),
        ("unable to parse 'weather,town=hue rain 17': missing fields", False),
        ("bad request", False),
        ("invalid power supply", False),
    ],
)  # fmt: skip
def test_a_message_names_our_line_or_it_sets_nothing_aside(message: str, named: bool) -> None:
    assert names_line(message, LINE) is named


def test_what_influxdb_3_says_of_single_lines_is_in_the_message() -> None:
    body = {
        "error": "partial write of line protocol occurred",
        "data": [{"original_line": LINE, "line_number": 1, "error_message": "invalid column type"}],
    }
    text = message_of(json.dumps(body))
    assert names_line(text, LINE)
    assert "invalid column type" in text
    assert classify(400, {}, text).kind is WriteKind.BAD_LINE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, WriteKind.ELSEWHERE), (302, WriteKind.ELSEWHERE), (307, WriteKind.ELSEWHERE), (402, WriteKind.ELSEWHERE),
        (405, WriteKind.ELSEWHERE), (407, WriteKind.AUTH), (408, WriteKind.BUSY), (410, WriteKind.ELSEWHERE),
        (415, WriteKind.ELSEWHERE), (418, WriteKind.ELSEWHERE), (451, WriteKind.ELSEWHERE), (502, WriteKind.BUSY),
        (504, WriteKind.BUSY), (507, WriteKind.BUSY), (511, WriteKind.AUTH), (599, WriteKind.BUSY),
    ],
)  # fmt: skip
def test_no_status_but_400_and_422_speaks_of_lines(status: int, kind: WriteKind) -> None:
    assert classify(status, {}, "unable to parse").kind is kind


def test_a_point_too_far_in_the_future_is_a_bad_line_and_expires_nothing() -> None:
    said = "partial write: dropped 1 points outside retention policy of duration 0s - … violates a Write Window Upper Bound … dropped=1"
    assert classify(422, {}, said).kind is WriteKind.BAD_LINE


def test_a_wrong_certificate_is_an_alarm_and_the_right_authority_opens(
    tmp_path: Path, require: Callable[[str], Path]
) -> None:
    for name in ("good", "other"):
        command = [
            require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.crt",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    server = _Pretender({"X-Influxdb-Version": "2.7.12"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "good.crt", tmp_path / "good.key")
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    try:
        for authority, kind in (
            ("", WriteKind.AUTH),
            ("other.crt", WriteKind.AUTH),
            ("good.crt", WriteKind.ACCEPTED),
        ):
            ca_file = str(tmp_path / authority) if authority else ""
            sink = InfluxSink(InfluxTarget(url, "field", "plant", "secret", ca_file=ca_file))
            result = sink.write([LINE])
            sink.close()
            assert result.kind is kind, result
            assert result.ok or "certificate" in result.message.lower()
        assert server.logins == ["Token secret"]  # nobody else was shown it
    finally:
        server.stop()


@pytest.mark.servers
def test_the_versions_of_real_servers(influxdb: Any, influxdb1: Any, victoria: Any) -> None:
    told = {}
    for server in (influxdb, influxdb1, victoria):
        store = InfluxStore(InfluxTarget(server.url, server.bucket, "", ""))
        told[type(server).__name__] = store.version()
        store.close()
    assert told["Influx1Database"].startswith("1.6")
    assert told["Victoria"] == "unknown"
    store = InfluxStore(InfluxTarget(victoria.url, "field", "", ""))
    for ask in (
        store.instruments,
        lambda: store.events(0, 1),
        lambda: store.series("meter1", ["power_w"], 0, 1),
    ):
        with pytest.raises(StorageError, match="no InfluxQL"):
            ask()
    store.close()
    victoria.stop()
    store = InfluxStore(InfluxTarget(victoria.url, "field", "", ""))
    with pytest.raises(StorageError, match="can't be reached"):
        store.version()
    store.close()


@pytest.mark.servers
def test_a_wrong_password_and_a_missing_database_say_what_to_do(influxdb1: Any) -> None:
    target = InfluxTarget(influxdb1.url, influxdb1.bucket, "", "", user=influxdb1.user, password="wrong")
    store = InfluxStore(target)
    with pytest.raises(StorageError, match="401") as caught:
        store.instruments()
    assert "user and password_file" in caught.value.todo
    assert "wrong" not in str(caught.value)
    store.close()
    missing = InfluxStore(
        InfluxTarget(influxdb1.url, "none", "", "", user=influxdb1.user, password=influxdb1.password)
    )
    with pytest.raises(StorageError, match="none") as caught:
        missing.events(0, 1)
    assert 'CREATE DATABASE "none"' in caught.value.todo
    missing.close()
