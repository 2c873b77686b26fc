"""Analysers over HTTP and USB by the site file: opened, asked once, and refused in words where they do not fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SystemClock
from dodac.errors import ConfigError, InstrumentError
from dodac.site import Site, parse_site
from drivers import open_connections, read_once
from drivers.read_cli import read
from drivers.simulator.testo_http import SimulatedTesto300

HEAD = '[site]\nid = "s"\ncompany = "c"\n'
GAS = {"o2_pct": 6.25, "co_ppm": 87.0, "t_flue_c": 184.25}


def text(port: int, more: str = "", profile: str = "testo.300-http") -> str:
    return (
        f'{HEAD}[connections.a]\nkind = "http"\nhost = "127.0.0.1"\nport = {port}\ntimeout = "2s"\n'
        f'[[instruments]]\nid = "kiln"\nconnection = "a"\nprofile = "{profile}"\n{more}\n'
    )


def site(body: str, folder: Path = Path()) -> Site:
    return parse_site(body, folder / "site.toml")


def usb(more: str = "") -> Site:
    return site(
        f'{HEAD}[connections.u]\nkind = "usb"\n{more}\n'
        '[[instruments]]\nid = "stack"\nconnection = "u"\nprofile = "testo.350-usb"\n'
    )


@pytest.mark.parametrize("profile", ["testo.300-http", "testo.smart-http"])
def test_an_analyser_in_the_network_is_collected_over_its_own_thread(
    inbox: Any, eventually: Callable[[Callable[[], bool]], None], profile: str
) -> None:
    with SimulatedTesto300(lambda: GAS, zone="Asia/Ho_Chi_Minh") as testo:
        (line,) = open_connections(site(text(testo.port, profile=profile)), SystemClock())
        assert line.measurement("kiln") == "flue_gas"
        line.start(inbox)
        try:
            eventually(lambda: line.status().state == "up")
            assert line.poll("kiln", 0)
            eventually(lambda: bool(inbox.of("kiln")))
        finally:
            line.stop()
    (sample,) = inbox.of("kiln")
    assert sorted(v for v in sample.values if v == v) == sorted(GAS.values())


def test_read_shows_the_values_and_who_said_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SimulatedTesto300(lambda: GAS, zone="Asia/Ho_Chi_Minh") as testo:
        path = tmp_path / "site.toml"
        path.write_text(text(testo.port, 'serial_number = "61300001"'), encoding="utf-8")
        assert read(["kiln", "--site", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {r["channel"]: r["value"] for r in said["readings"]} == GAS
    assert said["notes"] == ["t300, serial number 61300001, firmware 1.09, fuel Erdgas"]


def test_read_says_what_another_serial_number_and_an_absent_instrument_are() -> None:
    with SimulatedTesto300(lambda: GAS) as testo:
        port = testo.port
        with pytest.raises(InstrumentError, match="61300001, not 9 of the site file"):
            read_once(site(text(port, 'serial_number = "9"')), "kiln", SystemClock())
    with pytest.raises(InstrumentError, match="refused"):
        read_once(site(text(port)), "kiln", SystemClock())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (text(1, profile="eastron.sdm630"), "speaks modbus"),
        (text(1, profile="testo.350-usb"), "kind http"),
        (
            text(1).replace('kind = "http"\nhost = "127.0.0.1"', 'kind = "tcp"\nhost = "127.0.0.1"'),
            "testo_http",
        ),
        (
            text(1) + '[[instruments]]\nid = "second"\nconnection = "a"\nprofile = "testo.300-http"\n',
            "has kiln already",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        open_connections(site(body), SystemClock())
    assert caught.value.where.line is not None


def test_without_pyusb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usb.core", None)
    with pytest.raises(ConfigError) as caught:
        open_connections(usb(), SystemClock())
    assert "pip install 'dodac[usb]'" in caught.value.todo


def test_a_plug_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    core = pytest.importorskip("usb.core", reason="the extra usb is not installed")
    monkeypatch.setattr(core, "find", lambda **_: iter(()))
    with pytest.raises(InstrumentError, match="plugged in"):
        read_once(usb(), "stack", SystemClock())
    with pytest.raises(InstrumentError, match="testo 61500001"):
        read_once(usb('serial_number = "61500001"'), "stack", SystemClock())
    monkeypatch.setattr(core, "find", _no_backend(core))
    with pytest.raises(InstrumentError, match="libusb is missing"):
        read_once(usb(), "stack", SystemClock())


def _no_backend(core: Any) -> Callable[..., Any]:
    def find(**_: object) -> Any:
        raise core.NoBackendError("No backend available")

    return find
