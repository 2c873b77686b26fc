"""grafana-api behind our adapter, against what Grafana 13 documents."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from pathlib import Path

import pytest

from dashboards.cli import dashboards
from dashboards.grafana import Grafana
from dodac.cli import main
from dodac.errors import ConfigError, Exit, StorageError


def _fake_module():
    spec = importlib.util.spec_from_file_location("fake_grafana", Path(__file__).parent / "fake_grafana.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_grafana"] = module
    spec.loader.exec_module(module)
    return module


FAKE = _fake_module()


@pytest.fixture(params=["", "/grafana"])
def fake(request):
    server = FAKE.FakeGrafana(request.param)
    yield server
    server.stop()


@pytest.fixture
def grafana(fake):
    with Grafana(fake.url, FAKE.TOKEN) as client:
        yield client


def test_a_dashboard_lands_in_its_folder_and_not_in_general(fake, grafana):
    folder = grafana.ensure_folder("dodac", "dodac")
    url = grafana.put_dashboard({"uid": "dodac-live", "title": "Live", "tags": ["dodac"]}, folder.uid)
    assert url == "/d/dodac-live/x"
    assert fake.folder_of == {"dodac-live": "dodac"}


def test_sending_twice_replaces_and_a_renamed_folder_keeps_its_name(fake, grafana):
    fake.folders["dodac"] = "Nhà máy của tôi"
    for title in ("first", "second"):
        folder = grafana.ensure_folder("dodac", "dodac")
        grafana.put_dashboard({"uid": "dodac-live", "title": title, "tags": []}, folder.uid)
    assert folder.title == "Nhà máy của tôi"
    stored = grafana.dashboard("dodac-live")
    assert stored is not None
    assert stored["title"] == "second"
    assert grafana.dashboard("nowhere") is None


def test_words_with_spaces_and_signs_are_found(fake, grafana):
    grafana.put_dashboard({"uid": "a", "title": "Lò hơi & khói 100%", "tags": ["dodac"]}, "")
    grafana.put_dashboard({"uid": "b", "title": "Other", "tags": []}, "")
    (found,) = grafana.search("hơi & khói 100%")
    assert found.uid == "a"
    assert [one.uid for one in grafana.search(tag="dodac")] == ["a"]


def test_a_datasource_is_known_by_name_and_never_asked_by_number(fake, grafana):
    assert grafana.datasource_uid("dodac") is None
    assert grafana.create_datasource({"name": "dodac", "uid": "dodac-influxdb", "type": "influxdb"}) == (
        "dodac-influxdb"
    )
    assert grafana.datasource_uid("dodac") == "dodac-influxdb"
    assert all("/datasources/7" not in request and "/id/" not in request for request in fake.requests)


def test_a_span_is_marked_in_milliseconds_on_the_dashboard_of_that_uid(fake, grafana):
    grafana.annotate("measure installed", 1_790_000_000_123_456_789, 1_790_000_060_000_000_000,
                     dashboard_uid="dodac-savings")  # fmt: skip
    (made,) = fake.annotations
    assert (made["time"], made["timeEnd"]) == (1_790_000_000_123, 1_790_000_060_000)
    assert made["dashboardUID"] == "dodac-savings"


def test_a_wrong_token_says_what_to_get(fake):
    with Grafana(fake.url, "wrong") as grafana, pytest.raises(ConfigError, match="refuses the token") as told:
        grafana.ensure_folder("dodac", "dodac")
    assert "wrong" not in str(told.value)


def test_a_grafana_that_fails_or_is_away_is_one_sentence(fake, grafana):
    fake.status = 500
    with pytest.raises(StorageError, match="on fire"):
        grafana.search("x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = Grafana(f"http://127.0.0.1:{taken.getsockname()[1]}", "t", timeout_s=0.5)
        with away, pytest.raises(StorageError, match="can't be reached"):
            away.search("x")
    with pytest.raises(ConfigError, match="no address"):
        Grafana("localhost:3000", "t")
    with pytest.raises(ConfigError, match="secrets"):
        Grafana("http://admin:admin@localhost:3000", "t")


@pytest.fixture
def files(tmp_path):
    token = tmp_path / "grafana-token"
    token.write_text(f"{FAKE.TOKEN}\n", "utf-8")
    token.chmod(0o600)
    influx = tmp_path / "influx"
    influx.write_text("influx-secret\n", "utf-8")
    influx.chmod(0o600)
    file = tmp_path / "site.toml"
    file.write_text(
        '[site]\nid = "a"\ncompany = "b"\n[influxdb]\nurl = "http://h:8086"\ntoken_file = "influx"\n', "utf-8"
    )
    return ["--site", str(file), "--token-file", str(token)]


def test_push_sends_both_dashboards_and_says_when_the_datasource_is_missing(fake, files, capsys):
    assert dashboards(["push", "--url", fake.url, *files]) == Exit.OK
    told = capsys.readouterr()
    assert set(fake.dashboards) == {"dodac-live", "dodac-savings"}
    assert set(fake.folder_of.values()) == {"dodac"}
    assert "stay empty" in told.err
    assert f"{fake.url}/d/dodac-live" in told.out


def test_push_creates_the_datasource_when_asked_and_prints_no_secret(fake, files, capsys):
    assert dashboards(["push", "--url", fake.url, "--with-datasource", "--json", *files]) == Exit.OK
    told = capsys.readouterr()
    assert json.loads(told.out)["datasource"] == "dodac-influxdb"
    assert fake.datasources["dodac"]["jsonData"]["dbName"] == "dodac"
    assert "influx-secret" not in told.out + told.err


def test_a_token_file_that_others_may_read_is_refused(fake, files, capsys):
    Path(files[-1]).chmod(0o644)
    assert main(["dashboards", "push", "--url", fake.url, *files]) == Exit.USAGE
    assert "chmod 600" in capsys.readouterr().err
    assert fake.requests == []


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "http://", "http://h:abc", "http://h:99999", "http://h:0", "http://[::1"]
)
def test_an_address_that_is_none_is_one_message(url):
    with pytest.raises(ConfigError, match="no address of Grafana"):
        Grafana(url, "token")
