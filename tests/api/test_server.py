"""The server: real HTTP, real journal, ends at once with pages open, says when its port is taken."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import Server, create_app
from dodac.cli import main
from dodac.errors import ConfigError, Exit
from dodac.samples import Layout
from dodac.site import Site, parse_site
from store import Journal

TEXT = '[site]\nid = "a"\ncompany = "b"\n[store]\njournal = "journal.db"\n'
POWER = Layout("power", ("power_w",))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(TEXT, encoding="utf-8")
    return parse_site(TEXT, tmp_path / "site.toml")


@pytest.fixture
def journal(site: Site) -> Iterator[Journal]:
    with Journal.open(site.journal_path) as made:
        made.layout(POWER)
        yield made


class Stream:
    """A page's view of /api/live over a real socket."""

    def __init__(self, url: str, last_id: int | None = None) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=40)
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        self._connection.request("GET", "/api/live", headers=headers)
        self.answer = self._connection.getresponse()

    def next(self, event: str) -> dict[str, object]:
        """The data of the next event of that name."""
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError
            if line.strip() == f"event: {event}".encode():
                found: dict[str, object] = json.loads(self.answer.readline().removeprefix(b"data: "))
                return found

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def test_a_new_sample_reaches_an_open_page_by_itself(site: Site, journal: Journal) -> None:
    server = Server(create_app(site))
    url = server.start()
    try:
        stream = Stream(url)
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["content-encoding"] is None
        stream.next("snapshot")
        journal.commit([("test", POWER.sample(time.time_ns(), {"power_w": 1234.5}))])
        data = stream.next("sample")
        assert data["values"] == {"power_w": 1234.5}
        stream.close()
        journal.commit([("test", POWER.sample(time.time_ns(), {"power_w": 2.0}))])
        back = Stream(url, last_id=1)
        assert back.next("sample")["seq"] == 2
        back.close()
    finally:
        server.stop()


def test_the_server_ends_at_once_with_a_page_open(site: Site, journal: Journal) -> None:
    server = Server(create_app(site))
    stream = Stream(server.start())
    stream.next("snapshot")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 20  # a page stays open for hours
    with pytest.raises((EOFError, OSError)):
        stream.next("sample")
    stream.close()


def test_a_busy_port_is_one_message(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is in use"):
            Server(create_app(site), port=port).start()
        assert main(["serve", "--site", str(site.path), "--port", str(port)]) == Exit.USAGE
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "is in use" in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--port", "99999"], "is no port"),
        (["--host", "0.0.0.0"], "no access token"),  # noqa: S104
        (["--host", "no.such.host.invalid", "--token-file", "token"], "is no address"),
        (["--token-file", "missing"], "can't be read"),
        (["--token-file", "open"], "others may read"),
    ],
)
def test_bad_options_are_one_message(
    site: Site,
    words: list[str],
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(site.folder)
    for name, mode in (("token", 0o600), ("open", 0o644)):
        Path(name).write_text("a-token-long-enough-for-anyone")
        Path(name).chmod(mode)
    assert main(["serve", *words]) == Exit.USAGE
    err = capsys.readouterr().err
    assert part in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_cleanly_with_a_page_open(site: Site, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "dodac", "serve", "--site", str(site.path), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        stream = Stream(url)
        stream.next("snapshot")
        process.send_signal(number)
        assert process.wait(10) == Exit.OK
        assert "Traceback" not in process.stderr.read()
        stream.close()
