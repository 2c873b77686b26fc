"""What a server says about a write decides what happens to the lines; tokens stay out of sight."""

from __future__ import annotations

import gzip
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import pytest

from dodac.errors import StorageError
from store import InfluxSink, InfluxStore, InfluxTarget, WriteKind

TOKEN = "very-secret-token"


class _Server:
    """Answers every request with one status, headers and body, and keeps the last request."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        outer = self
        self.seen: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, data))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

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
def server() -> Iterator[Callable[..., _Server]]:
    made: list[_Server] = []

    def make(status: int, body: bytes = b"", **headers: str) -> _Server:
        made.append(_Server(status, {k.replace("_", "-"): v for k, v in headers.items()}, body))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize(
    ("status", "said", "headers", "kind", "after"),
    [
        (204, "", {}, WriteKind.ACCEPTED, None),
        (400, "unable to parse 'x': missing fields", {}, WriteKind.BAD_LINE, None),
        (422, 'field type conflict: input field \\"a\\"', {}, WriteKind.BAD_LINE, None),
        (
            422,
            "partial write: points beyond retention policy dropped=1",
            {},
            WriteKind.BEYOND_RETENTION,
            None,
        ),
        (401, "unauthorized access", {}, WriteKind.AUTH, None),
        (403, "forbidden", {}, WriteKind.AUTH, None),
        (404, 'bucket \\"x\\" not found', {}, WriteKind.MISSING, None),
        (413, "too large", {}, WriteKind.TOO_LARGE, None),
        (429, "slow down", {"Retry_After": "7"}, WriteKind.BUSY, 7.0),
        (503, "queue is full", {}, WriteKind.BUSY, None),
        (500, "oops", {"Retry_After": "soon"}, WriteKind.BUSY, None),
    ],
)
def test_each_answer_of_a_server_has_its_kind(
    server: Any, status: int, said: str, headers: dict[str, str], kind: WriteKind, after: float | None
) -> None:
    body = f'{{"code":"x","message":"{said}"}}'.encode() if said else b""
    running = server(status, body, **headers)
    sink = InfluxSink(InfluxTarget(running.url, "field", "org", TOKEN))
    result = sink.write(["m,a=b c=1.0 1", "m,a=b c=2.0 2"])
    sink.close()
    assert (result.ok, result.kind, result.retry_after_s) == (status == 204, kind, after)
    assert result.message == said.replace('\\"', '"')
    ((path, data),) = running.seen
    assert "precision=ns" in path
    assert gzip.decompress(data).decode() == "m,a=b c=1.0 1\nm,a=b c=2.0 2"


def test_a_server_that_is_away_is_unreachable_and_not_an_exception(server: Any) -> None:
    running = server(204)
    target = InfluxTarget(running.url, "field", "org", TOKEN)
    running.stop()
    sink = InfluxSink(target)
    result = sink.write(["m a=1.0 1"])
    assert (result.ok, result.kind) == (False, WriteKind.UNREACHABLE)
    assert "refused" in result.message
    sink.close()
    store = InfluxStore(target)
    with pytest.raises(StorageError, match="can't be reached"):
        store.instruments()
    store.close()


def test_the_token_is_in_no_repr_message_or_log(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    running = server(401, f'{{"message":"bad token {TOKEN}"}}'.encode())
    target = InfluxTarget(running.url, "field", "org", TOKEN)
    sink = InfluxSink(target)
    result = sink.write(["m a=1.0 1"])
    store = InfluxStore(target)
    with pytest.raises(StorageError) as caught:
        store.instruments()
    sink.close()
    store.close()
    said = " ".join((repr(target), str(target), result.message, repr(result), str(caught.value), caplog.text))
    assert TOKEN not in said
    assert caught.value.__cause__ is None
    assert caught.value.todo


def test_a_real_server_accepts_refuses_and_is_recognised(influxdb: Any) -> None:
    good = InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token)
    cases = [
        (good, "m,a=b c=1.0 1000", WriteKind.ACCEPTED),
        (good, 'm,a=b c="text" 1001', WriteKind.BAD_LINE),
        (good, "nonsense", WriteKind.BAD_LINE),
        (InfluxTarget(good.url, good.bucket, good.org, "wrong"), "m c=1.0 1", WriteKind.AUTH),
        (InfluxTarget(good.url, "no-bucket", good.org, good.token), "m c=1.0 1", WriteKind.MISSING),
    ]
    for target, text, kind in cases:
        sink = InfluxSink(target)
        result = sink.write([text])
        sink.close()
        assert result.kind is kind, result
        assert bool(result.message) == (kind is not WriteKind.ACCEPTED)


def test_points_older_than_the_bucket_keeps_are_told_apart_from_bad_lines(influxdb: Any) -> None:
    made = influxdb.server.request(
        "POST",
        "/api/v2/buckets",
        {
            "orgID": influxdb.server.org_id,
            "name": f"{influxdb.bucket}-short",
            "retentionRules": [{"type": "expire", "everySeconds": 3600}],
        },
    )
    sink = InfluxSink(InfluxTarget(influxdb.url, made["name"], influxdb.org, influxdb.token))
    result = sink.write(["m c=1.0 1000000000000000000"])
    sink.close()
    influxdb.server.request("DELETE", f"/api/v2/buckets/{made['id']}")
    assert result.kind is WriteKind.BEYOND_RETENTION


def test_a_host_that_swallows_everything_costs_one_patience_and_no_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A black-holed address took 35 s a try: 5 for the question of its version and 30 for a batch nobody heard."""
    monkeypatch.setattr("store._influx_version._PING_MS", 100)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        heard: list[bytes] = []
        sink = InfluxSink(InfluxTarget(f"http://127.0.0.1:{deaf.getsockname()[1]}", "b", "o", "t"))
        result = sink.write(["m x=1 1"])
        assert result.kind is WriteKind.UNREACHABLE
        deaf.settimeout(0.2)
        try:
            while True:
                line, _ = deaf.accept()
                line.settimeout(0.2)
                heard.append(line.recv(1000))
                line.close()
        except TimeoutError:
            pass
        assert [words.split(b" ")[:2] for words in heard] == [[b"GET", b"/ping"]]


@pytest.mark.parametrize("content", [None, "", "no certificate\n"])
def test_a_ca_file_that_is_none_is_an_alarm_that_names_it_and_needs_no_restart(
    content: str | None, tmp_path: Path
) -> None:
    """It was told as "No such file or directory" of a server that is away, and tried for ever."""
    place = tmp_path / "ca.pem"
    if content is not None:
        place.write_text(content)
    sink = InfluxSink(InfluxTarget("https://127.0.0.1:1", "b", "o", "t", ca_file=str(place)))
    result = sink.write(["m x=1 1"])
    assert result.kind is WriteKind.AUTH
    assert str(place) in result.message
    place.write_text(Path(certifi.where()).read_text(encoding="utf-8"), encoding="utf-8")
    assert sink.write(["m x=1 1"]).kind is WriteKind.UNREACHABLE


_TOGETHER = """
import sys, threading, time
from store import InfluxSink, InfluxTarget


class Slow:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("influxdb_client"):
            time.sleep(0.002)


sys.meta_path.insert(0, Slow())
target = InfluxTarget(url="http://127.0.0.1:9", bucket="b", org="o", token="t", version="2")
said = []


def run(name, call):
    try:
        call()
        said.append(name)
    except Exception as error:
        said.append(repr(error))


one = threading.Thread(target=run, args=("sent", lambda: InfluxSink(target).write(["a b=1 1"])))
two = threading.Thread(target=run, args=("made", target.client))
one.start()
time.sleep(0.07)
two.start()
one.join()
two.join()
print(*sorted(said))
"""


def test_two_sinks_that_begin_together_on_a_slow_card_both_send() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TOGETHER], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["made", "sent"]
