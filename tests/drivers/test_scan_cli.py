"""dodac scan as a command: what it prints can be pasted into a site file, and every end has its exit code."""

from __future__ import annotations

import argparse
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.errors import Exit
from dodac.site import parse_site
from drivers._simulate import plausible
from drivers.catalogue import load_profile, load_profiles
from drivers.profile import ModbusProfile, MqttJsonProfile, Profile, SparkplugProfile
from drivers.protocols.mbus_frame import long_frame
from drivers.scan_broker import Topic, fits, shape
from drivers.scan_cli import scan
from drivers.scan_toml import beside
from drivers.scan_words import what_else
from drivers.simulator import SimulatedAsciiUnit, SimulatedBus, SimulatedUnit
from drivers.simulator.mbus import SimulatedMbusMeter

PROFILES = list(load_profiles().values())


def unit(id: str = "eastron.sdm630", kind: type[SimulatedUnit] = SimulatedUnit) -> SimulatedUnit:
    profile = load_profile(id)
    assert isinstance(profile, ModbusProfile)
    values = plausible(profile, 3.0)
    return kind(profile, lambda: values)


def line(units: dict[int, SimulatedUnit], frame: str = "8N1") -> SimulatedBus:
    return SimulatedBus(units, 115200, frame=frame, latency_s=0.002)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_scan_prints_tables_that_a_site_file_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with line({3: unit("tuf-2000m"), 4: unit("abb.b23")}) as bus:
        words = [bus.path, "--units", "1-5", "--baud", "115200", "--frame", "8N1", "--wait", "0.03"]
        assert scan(words) == Exit.OK
    out, err = capsys.readouterr()
    assert "unit   3  115200 8N1  data" in out
    assert "requests in" in err
    tables = out[out.index("[connections.bus1]") :]
    site = parse_site(f'[site]\nid = "s"\ncompany = "c"\n{tables}', Path("site.toml"))
    assert [(i.profile, i.address) for i in site.instruments] == [("tuf-2000m", 3), ("abb.b23", 4)]


def test_what_is_pasted_beside_the_example_of_init_takes_no_name_from_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`dodac init`, scan, paste: the file had bus1 twice, and said so in the words of a parser."""
    own = '[site]\nid = "s"\ncompany = "c"\n[connections.bus1]\nkind = "serial"\nport = "/dev/x"\nframe = "8N1"\n'
    own += '[[instruments]]\nid = "unit-3"\nprofile = "tuf-2000m"\nconnection = "bus1"\naddress = 1\n'
    (tmp_path / "site.toml").write_text(own)
    with line({3: unit("tuf-2000m")}) as bus:
        words = [bus.path, "--units", "3", "--baud", "115200", "--frame", "8N1", "--wait", "0.03"]
        assert scan([*words, "--site", str(tmp_path)]) == Exit.OK
    out = capsys.readouterr().out
    site = parse_site(own + out[out.index("[connections.") :], Path("site.toml"))
    assert [(i.id, i.connection) for i in site.instruments] == [("unit-3", "bus1"), ("unit-3-2", "bus2")]


@pytest.mark.parametrize(
    "text", ["", "no TOML [", "connections = 3\ninstruments = [1]", "[connections]\nbus2 = 1"]
)
def test_tables_are_as_they_are_beside_a_file_that_says_nothing(text: str, tmp_path: Path) -> None:
    tables = '[connections.bus1]\nkind = "serial"\n\n[[instruments]]\nid = "unit-3"\nconnection = "bus1"\n'
    (tmp_path / "site.toml").write_text(text)
    assert beside(tables, tmp_path) == tables
    assert beside(tables, tmp_path / "none.toml") == tables


@pytest.mark.parametrize(
    ("words", "hints", "not_hints"),
    [
        ([], ["--units 1-247", "--framing ascii", "--protocol mbus", "dodac sniff"], []),
        (["--all"], ["--framing ascii"], ["--units"]),
        (["--framing", "ascii"], ["--units"], ["--framing"]),
        (["--protocol", "mbus", "--no-secondary", "--units", "3"], ["leave --protocol out"], ["--framing"]),
    ],
)
def test_where_nothing_answers_it_says_what_to_try(
    words: list[str], hints: list[str], not_hints: list[str]
) -> None:
    args = argparse.Namespace(target="/dev/x", protocol="modbus", framing=None, units=None, all=False)
    for option, value in itertools.pairwise([*words, ""]):
        if option.startswith("--"):
            setattr(args, option[2:], value if value and not value.startswith("--") else True)
    said = what_else(args)
    assert all(hint in said for hint in hints)
    assert not any(hint in said for hint in not_hints)


def test_scan_gives_json_and_says_when_nothing_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with line({3: unit()}) as bus:
        words = [bus.path, "--baud", "115200", "--frame", "8N1", "--wait", "0.02", "--json"]
        assert scan([*words, "--units", "3"]) == Exit.OK
        found = json.loads(capsys.readouterr().out)
        assert scan([*words, "--units", "5-6"]) == Exit.FINDING
        empty = json.loads(capsys.readouterr().out)
    assert found["found"][0]["profiles"][0]["profile"] == "eastron.sdm630"
    assert found["complete"] is True
    assert empty["found"] == []


def test_all_goes_on_after_the_first_setting_with_units(capsys: pytest.CaptureFixture[str]) -> None:
    """Two meters of different speeds on one line: only --all finds both."""
    units = {2: unit("eastron.sdm72"), 3: unit("eastron.sdm72")}
    with SimulatedBus(units, 57600, frame="8N1", own={3: (115200, "8N1")}, latency_s=0.002) as bus:
        words = [bus.path, "--baud", "57600,115200", "--frame", "8N1", "--wait", "0.03", "--units", "1-4"]
        assert scan([*words, "--no-probe", "--json"]) == Exit.OK
        one = json.loads(capsys.readouterr().out)
        assert scan([*words, "--no-probe", "--json", "--all"]) == Exit.OK
        both = json.loads(capsys.readouterr().out)
    assert len(one["found"]) == 1
    assert [(row["unit"], row["baud"]) for row in both["found"]] == [(2, 57600), (3, 115200)]
    site = parse_site(
        f'[site]\nid = "s"\ncompany = "c"\n{both["site"]}'.replace(
            '# profile = ""', 'profile = "eastron.sdm72"'
        ),
        Path("site.toml"),
    )
    assert [(i.address, i.baud) for i in site.instruments] == [(2, None), (3, 115200)]


def test_scan_of_a_port_that_is_away_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(["/dev/ttyUSB77"]) == Exit.INSTRUMENT
    assert "no such port" in capsys.readouterr().err
    assert scan(["/dev/null"]) == Exit.INSTRUMENT  # which everybody has open
    assert "this is not a serial port" in capsys.readouterr().err
    assert scan(["127.0.0.1:1"]) == Exit.INSTRUMENT


def test_scan_finds_mbus_meters_and_their_profile(capsys: pytest.CaptureFixture[str]) -> None:
    header = bytes.fromhex("78563412") + bytes.fromhex("7704 1407 01 00 0000".replace(" ", ""))
    meter = SimulatedMbusMeter(
        [long_frame(0x08, 5, 0x72, header + bytes.fromhex("0413 E8030000".replace(" ", "")))]
    )
    with SimulatedBus({5: meter}, 2400, bits=11, latency_s=0.005) as bus:
        words = [bus.path, "--protocol", "mbus", "--units", "4-5", "--no-secondary"]
        assert scan([*words, "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert [row["primary"] for row in found["found"]] == [5]
    assert "generic.mbus-water" in found["found"][0]["profiles"]
    assert "address = 5" in found["site"]
    assert found["seconds"] > 0.3  # one address without a meter is waited for
    parse_site(f'[site]\nid = "s"\ncompany = "c"\n{found["site"]}', Path("site.toml"))


def test_scan_hears_an_analyser_that_tells_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    from drivers.protocols.testo_beacon import BEACON_PORT

    beacon = {"DeviceName": "testo 300", "HttpServerPort": "55000", "SerialNumber": "61349163"}
    done = threading.Event()

    def tell() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not done.wait(0.02):
                sock.sendto(json.dumps(beacon).encode(), ("127.0.0.1", BEACON_PORT))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        assert scan(["beacons", "--seconds", "0.2"]) == Exit.OK
    finally:
        done.set()
        thread.join()
    out = capsys.readouterr().out
    assert "testo 300  serial number 61349163  at 127.0.0.1:54000" in out
    site = out[out.index("[connections.") :]
    parse_site(f'[site]\nid = "s"\ncompany = "c"\n{site}', Path("site.toml"))


@pytest.fixture
def talking(mosquitto: Any) -> Iterator[Callable[[dict[str, bytes]], str]]:
    """Publishes messages again and again; gives the broker's URL."""
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="plant")
    client.connect(mosquitto.host, mosquitto.port)
    client.loop_start()
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def talk(messages: dict[str, bytes]) -> str:
        def repeat() -> None:
            while not ended.wait(0.05):
                for topic, payload in messages.items():
                    client.publish(topic, payload)

        threads.append(threading.Thread(target=repeat, daemon=True))
        threads[-1].start()
        return f"mqtt://{mosquitto.host}:{mosquitto.port}"

    yield talk
    ended.set()
    for thread in threads:
        thread.join()
    client.disconnect()
    client.loop_stop()


def _payload(profile: Profile) -> bytes:
    assert isinstance(profile, MqttJsonProfile)
    return profile.tests[0].payload.encode()


def test_scan_of_a_broker_knows_the_shapes_of_its_topics(
    talking: Callable[[dict[str, bytes]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    profiles = load_profiles()
    messages: dict[str, bytes] = {"plant/line1": b"21.5", "shellies/abc/relay/0": b"on"}
    messages["tele/boiler/SENSOR"] = (
        b'{"Time":"2026-11-22T13:00:10","ENERGY":{"Total":412.6,"Power":842,"Voltage":231,"Current":3.7}}'
    )
    messages["shellypro3em-1/events/rpc"] = _payload(profiles["shelly.pro-3em"])
    spark = profiles["generic.sparkplug"]
    assert isinstance(spark, SparkplugProfile)
    birth = spark.tests[0].messages[0]
    messages[birth.topic] = bytes.fromhex(birth.payload)
    url = talking(messages)
    assert scan([url, "--seconds", "0.6", "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    rows = {row["topic"]: row for row in found["found"]}
    assert set(rows) == set(messages)
    assert rows["tele/boiler/SENSOR"]["profiles"][0]["profile"] == "tasmota.energy"
    assert rows["shellypro3em-1/events/rpc"]["profiles"][0]["profile"] == "shelly.pro-3em"
    assert "a number" in rows["plant/line1"]["shape"]
    assert any("Sparkplug" in row["shape"] for row in rows.values())
    assert rows["plant/line1"]["per_minute"] > 60
    site = parse_site(f'[site]\nid = "s"\ncompany = "c"\n{found["site"]}', Path("site.toml"))
    assert {i.address for i in site.instruments} >= {"boiler", "shellypro3em-1"}


def test_scan_of_a_broker_that_is_away_or_refuses_says_so(
    mosquitto_factory: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert scan(["mqtt://127.0.0.1:1", "--seconds", "1"]) == Exit.INSTRUMENT
    (tmp_path / "none").touch()
    broker = mosquitto_factory("allow_anonymous false", f"password_file {tmp_path / 'none'}")
    assert scan([f"mqtt://{broker.host}:{broker.port}", "--seconds", "1"]) == Exit.INSTRUMENT
    assert "the broker says" in capsys.readouterr().err


def test_scan_finds_modbus_ascii_units(capsys: pytest.CaptureFixture[str]) -> None:
    with line({3: unit("eastron.sdm72", SimulatedAsciiUnit)}, "7E1") as bus:
        words = [bus.path, "--framing", "ascii", "--baud", "115200", "--units", "1-4", "--wait", "0.03"]
        assert scan(words) == Exit.OK
    out = capsys.readouterr().out
    assert "unit   3  115200 7E1" in out
    site = parse_site(
        f'[site]\nid = "s"\ncompany = "c"\n{out[out.index("[connections") :]}', Path("site.toml")
    )
    assert site.connections["bus1"].framing == "ascii"  # type: ignore[union-attr]


@given(
    st.text(alphabet="abcspBv1.0/+#teleSENSORupv3devices", max_size=40),
    st.one_of(
        st.binary(max_size=80),
        st.sampled_from([b"{}", b"[1]", b'{"ENERGY":[]}', b"null", b"NaN", b'{"a":1e999}']),
    ),
)
@settings(deadline=None, max_examples=60)
def test_no_message_on_a_broker_ends_a_scan(topic: str, payload: bytes) -> None:
    heard = Topic(topic, 1, False, len(payload), [payload])
    assert isinstance(fits(heard, PROFILES), list)
    assert shape(heard)
