"""`dodac doctor`: each thing that can be wrong has its line, and a line says what to do."""

from __future__ import annotations

import json
import os
import pty
import socket
import ssl
import string
import time
from pathlib import Path

import pytest

from collector import _doctor_data, _doctor_machine, _doctor_net, _doctor_ports
from collector._doctor import Check, Line, examine
from collector._doctor_words import AREAS, SIGNS, TEXTS, area, sentence, sign, todo
from dodac.cli import main
from dodac.errors import ConfigError
from dodac.site import MqttConnection, load_site
from drivers._spool import Spool
from drivers.simulator import SimulatedBus
from store import Journal
from tests.servers import Mosquitto

HEAD = '[site]\nid = "s"\ncompany = "c"\nlanguage = "en"\n'


def site_of(folder: Path, text: str = "") -> Path:
    (folder / "site.toml").write_text(HEAD + text, encoding="utf-8")
    return folder


def codes(lines: object) -> list[str]:
    return [line.text for line in lines]  # type: ignore[attr-defined]


def test_everything_away_is_told_within_ten_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site_of(
        tmp_path,
        '[connections.bus]\nkind = "serial"\nport = "/dev/ttyUSB99"\n[connections.gw]\nkind = "tcp"\nhost = "127.0.0.1"\n'
        'port = 1\n[connections.b]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n[influxdb]\nurl = "http://127.0.0.1:1"\n'
        '[[instruments]]\nid = "m"\nprofile = "eastron.sdm630"\nconnection = "bus"\n',
    )
    start = time.monotonic()
    assert main(["doctor", "--site", str(tmp_path), "--json"]) == 1
    assert time.monotonic() - start < 50
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "bad"
    bad = {row["code"]: row for row in told["lines"] if row["status"] == "bad"}
    assert set(bad) == {"port_missing", "tcp_away", "influx_away"}
    assert all(row["todo"] for row in bad.values())


def test_a_look_that_hangs_or_fails_does_not_hide_the_others() -> None:
    def hang() -> list[Line]:
        time.sleep(60)
        return []

    def fail() -> list[Line]:
        raise RuntimeError("odd machine")

    def refuse() -> list[Line]:
        raise ConfigError("no token.", None, "Make one.")

    good = Line("memory", "", "ok", "memory_ok", {"free": 1})
    start = time.monotonic()
    lines = examine(
        [Check("network", "gw", hang), Check("clock", "", fail), Check("secret", "", refuse),
         Check("memory", "", lambda: [good])],
        deadline_s=0.2,
    )  # fmt: skip
    assert time.monotonic() - start < 30
    assert codes(lines) == ["no_answer", "surprise", "told", "memory_ok"]
    assert "Make one." in sentence(lines[2], "en")


def test_a_site_file_with_a_mistake_is_a_line_and_the_machine_is_looked_at_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site_of(tmp_path, "colour = 1\n")
    assert main(["doctor", "--site", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert 'site.toml:5: unknown key "site.colour"' in out
    assert "disk" in out


# ---- machine


def test_clocks(tmp_path: Path) -> None:
    there = tmp_path / "rtc"
    there.touch()
    assert codes(_doctor_machine.clock(year=1970)) == ["clock_year"]
    assert codes(_doctor_machine.clock(year=2026, state=5, rtc=there)) == ["clock_free"]
    assert codes(_doctor_machine.clock(year=2026, state=0, rtc=there)) == ["clock_ok"]
    assert codes(_doctor_machine.clock(year=2026, state=0, rtc=tmp_path / "no")) == [
        "clock_ok",
        "clock_no_rtc",
    ]


def test_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(_doctor_machine.disk(tmp_path / "not" / "there", wanted_mb=1)) in (
        ["disk_ok"],
        ["disk_slow"],
    )
    assert codes(_doctor_machine.disk(tmp_path, wanted_mb=10**12)) == ["disk_full"]
    free_mb = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize // 1_000_000
    monkeypatch.setattr(_doctor_machine, "_write_ms", lambda _folder: 10.0)
    assert codes(_doctor_machine.disk(tmp_path, wanted_mb=free_mb * 2)) == ["disk_low"]
    monkeypatch.setattr(_doctor_machine, "_write_ms", lambda _folder: 900.0)
    assert codes(_doctor_machine.disk(tmp_path, wanted_mb=1)) == ["disk_slow"]

    def refused(_folder: Path) -> float:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_doctor_machine, "_write_ms", refused)
    assert codes(_doctor_machine.disk(tmp_path, wanted_mb=1)) == ["disk_no_write"]


def test_memory(tmp_path: Path) -> None:
    info = tmp_path / "meminfo"
    for free_kb, code in ((900_000, "memory_ok"), (100_000, "memory_low"), (30_000, "memory_low")):
        info.write_text(f"MemTotal: 1000000 kB\nMemAvailable: {free_kb} kB\n")
        assert codes(_doctor_machine.memory(info)) == [code]
    assert _doctor_machine.memory(tmp_path / "none") == []


# ---- ports


def test_ports(tmp_path: Path) -> None:
    with SimulatedBus({}) as line:
        # the simulator is this process: nobody else holds it
        assert codes(_doctor_ports.serial_port("bus", line.path)) == ["port_ok"]
    assert codes(_doctor_ports.serial_port("bus", str(tmp_path))) == ["port_odd"]
    plain = tmp_path / "file"
    plain.touch()
    assert codes(_doctor_ports.serial_port("bus", str(plain))) == ["port_odd"]
    assert codes(_doctor_ports.serial_port("bus", "/dev/null")) == ["port_odd"]
    (missing,) = _doctor_ports.serial_port("bus", "/dev/ttyUSB99")
    assert "Plug" in todo(missing, "en")


def test_a_port_without_permission_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    try:
        monkeypatch.setattr(os, "access", lambda *_: False)
        (line,) = _doctor_ports.serial_port("bus", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert line.text == "port_denied"
    assert "usermod -aG" in todo(line, "en")


def test_a_port_that_another_program_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    try:
        monkeypatch.setattr(
            _doctor_ports, "_holder", lambda _path: (4711, ["minicom", "-D", "-P", "hunter2"])
        )
        (line,) = _doctor_ports.serial_port("bus", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert line.text == "port_held"
    assert "minicom" in sentence(line, "en")
    assert "hunter2" not in str(line)  # a command line may hold a password


def test_a_slow_adapter_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0" / "device").mkdir(parents=True)
    timer = tmp_path / "ttyUSB0" / "device" / "latency_timer"
    for ms, code in (("16\n", "latency_long"), ("1\n", "latency_ok")):
        timer.write_text(ms)
        assert codes(_doctor_ports._latency("bus", Path("/dev/ttyUSB0"), tmp_path)) == [code]
    assert _doctor_ports._latency("bus", Path("/dev/ttyS0"), tmp_path) == []


def test_gateways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert codes(_doctor_ports.gateway("gw", "127.0.0.1", port)) == ["tcp_ok"]
        assert codes(_doctor_ports.serial_port("gw", f"rfc2217://127.0.0.1:{port}")) == ["tcp_ok"]
    assert codes(_doctor_ports.gateway("gw", "127.0.0.1", port)) == ["tcp_away"]
    assert codes(_doctor_ports.gateway("gw", "no.such.host.invalid", 502)) == ["tcp_away"]


# ---- broker, certificates, InfluxDB


def test_a_broker_with_room_is_well_and_one_as_installed_is_not(tmp_path: Path, mosquitto, require) -> None:
    site_of(tmp_path, f'[connections.b]\nkind = "mqtt"\nurl = "{mosquitto.url}"\n')
    site = load_site(tmp_path)
    config = site.connections["b"]
    assert isinstance(config, MqttConnection)
    found = _doctor_net.broker(site, "b", config, [str(mosquitto.folder / "mosquitto.conf")])
    assert codes(found) == ["broker_ok", "broker_in_flight_ok", "broker_queue_ok"]
    assert codes(_doctor_net.broker(site, "b", config, []))[-1] == "broker_queue_unseen"
    tight = Mosquitto(
        require("mosquitto"), tmp_path / "tight", ["max_inflight_messages 20", "max_queued_messages 1000"]
    )
    tight.start()
    try:
        site_of(tmp_path, f'[connections.b]\nkind = "mqtt"\nurl = "{tight.url}"\n')
        site = load_site(tmp_path)
        config = site.connections["b"]
        assert isinstance(config, MqttConnection)
        found = _doctor_net.broker(site, "b", config, [str(tight.folder / "mosquitto.conf")])
    finally:
        tight.stop()
    assert codes(found) == ["broker_ok", "broker_in_flight", "broker_queue"]
    assert "200 messages/s" in sentence(found[1], "en")


def test_a_wrong_password_is_told_and_never_shown(
    tmp_path: Path, require, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "passwd").touch(mode=0o600)
    strict = Mosquitto(require("mosquitto"), tmp_path / "strict", [f"password_file {tmp_path / 'passwd'}"])
    config = strict.folder / "mosquitto.conf"
    config.write_text(config.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    strict.start()
    secret = tmp_path / "broker"
    secret.write_text("hunter2-do-not-show\n")
    secret.chmod(0o600)
    site_of(
        tmp_path,
        f'[connections.b]\nkind = "mqtt"\nurl = "{strict.url}"\nuser = "kit"\npassword_file = "broker"\n',
    )
    try:
        assert main(["doctor", "--site", str(tmp_path)]) == 1
    finally:
        strict.stop()
    out = capsys.readouterr().out
    assert "refuses" in out
    assert "hunter2" not in out
    secret.chmod(0o644)
    assert main(["doctor", "--site", str(tmp_path), "--json"]) == 1
    out = capsys.readouterr().out
    assert "chmod 600" in out
    assert "hunter2" not in out


def test_a_thing_that_is_no_broker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_doctor_net, "_WAIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        site_of(
            tmp_path, f'[connections.b]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:{server.getsockname()[1]}"\n'
        )
        site = load_site(tmp_path)
        config = site.connections["b"]
        assert isinstance(config, MqttConnection)
        assert codes(_doctor_net.broker(site, "b", config)) == ["broker_silent"]


def test_certificates_are_told_before_they_end() -> None:
    cert = {"notAfter": "Dec  1 12:00:00 2026 GMT"}
    end = ssl.cert_time_to_seconds(cert["notAfter"])
    for days, code in ((90, "cert_ok"), (9, "cert_soon"), (-3, "cert_over")):
        assert codes(_doctor_net.certificate("b", cert, end - days * 86_400)) == [code]
    assert _doctor_net.certificate("b", {}) == []


def test_a_server_of_a_version_that_is_told_is_asked_all_the_same(tmp_path: Path) -> None:
    # it was said to answer because the site file named its version
    site = load_site(
        site_of(tmp_path, '[sinks.old]\nurl = "http://127.0.0.1:1"\nbucket = "b"\nversion = "1"\n')
    )
    assert codes(_doctor_net.influxdb(site, site.sinks["old"])) == ["influx_away"]


def test_an_influxdb_that_answers_and_a_token_that_does_not_open_it(tmp_path: Path, influxdb) -> None:
    token = tmp_path / "token"
    token.write_text(influxdb.token)
    token.chmod(0o600)
    text = f'[influxdb]\nurl = "{influxdb.url}"\nbucket = "{influxdb.bucket}"\norg = "{influxdb.org}"\ntoken_file = "token"\n'
    site_of(tmp_path, text)
    assert codes(_doctor_net.influxdb(load_site(tmp_path))) == ["influx_ok", "bucket_ok"]
    token.write_text("wrong-token-0815")
    found = _doctor_net.influxdb(load_site(tmp_path))
    assert codes(found) == ["influx_ok", "bucket_bad"]
    assert "0815" not in sentence(found[1], "en")


def test_each_sink_has_its_line_and_a_missing_database_or_write_only_server_is_told(
    tmp_path: Path, influxdb1, victoria
) -> None:
    (tmp_path / "password").write_text(influxdb1.password)
    (tmp_path / "password").chmod(0o600)
    one = f'url = "{influxdb1.url}"\nuser = "{influxdb1.user}"\npassword_file = "password"\n'
    text = f'[sinks.old]\n{one}bucket = "{influxdb1.bucket}"\n[sinks.gone]\n{one}bucket = "none"\n'
    site_of(tmp_path, f'{text}[sinks.fast]\nurl = "{victoria.url}"\n')
    site = load_site(tmp_path)
    found = {name: _doctor_net.influxdb(site, config) for name, config in site.sinks.items()}
    assert {name: codes(lines)[-1] for name, lines in found.items()} == {
        "old": "bucket_ok",
        "gone": "bucket_bad",
        "fast": "bucket_unread",
    }
    assert 'CREATE DATABASE "none"' in sentence(found["gone"][1], "en")
    assert influxdb1.password not in "".join(
        sentence(line, "en") for lines in found.values() for line in lines
    )


# ---- data


def test_entries_that_wait_or_were_set_aside_are_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert codes(_doctor_data.entries(path)) == ["entries_ok"]
    spool = Spool.beside(path)
    kept = spool.put("kit", "abcdef01", b"{}")
    assert codes(_doctor_data.entries(path)) == ["entries_waiting"]
    with Journal.open(path):
        assert codes(_doctor_data.entries(path)) == ["entries_ok"]
        os.utime(kept, (1, 1))
        assert codes(_doctor_data.entries(path)) == ["entries_stuck"]
    spool.set_aside(kept, "damaged")
    (line,) = _doctor_data.entries(path)
    assert (line.text, line.values) == ("entries_refused", {"count": 1})
    assert ".reason.txt" in todo(line, "en")


def test_journals(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert codes(_doctor_data.journal(path)) == ["journal_new"]
    path.touch()  # as SQLite leaves it on a full disk
    assert codes(_doctor_data.journal(path)) == ["journal_new"]
    with Journal.open(path):
        assert codes(_doctor_data.journal(path)) == ["journal_written"]
    assert codes(_doctor_data.journal(path)) == ["journal_ok"]
    data = bytearray(path.read_bytes())
    data[4096 : 4096 + 2000] = b"\xff" * 2000
    path.write_bytes(bytes(data))
    lines = examine([Check("journal", "", lambda: _doctor_data.journal(path))])
    assert lines[0].status == "bad"


def test_an_instrument_that_does_not_fit_its_connection_is_a_line(tmp_path: Path) -> None:
    site_of(
        tmp_path,
        '[connections.gw]\nkind = "tcp"\nhost = "127.0.0.1"\n'
        '[[instruments]]\nid = "m"\nprofile = "generic.mbus-water"\nconnection = "gw"\n',
    )
    found = _doctor_data.instruments(load_site(tmp_path))
    assert codes(found) == ["profile_untried", "told"]
    assert "framing" in sentence(found[1], "en")


def test_every_line_has_words_in_both_languages() -> None:
    for vietnamese, english in TEXTS.values():
        for one, other in zip(vietnamese, english, strict=True):
            fields = [{f for _, f, _, _ in string.Formatter().parse(text) if f} for text in (one, other)]
            assert fields[0] == fields[1]
            assert bool(one) == bool(other)
    line = Line("clock", "", "bad", "clock_year", {"year": 1970})
    assert (area(line, "vi"), sign(line, "vi")) == (AREAS["clock"][0], SIGNS["bad"][0])
