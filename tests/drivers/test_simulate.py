"""Any profile can be served, with any fault, and what is served is what is read."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from dodac.cli import main
from dodac.clock import SystemClock
from dodac.errors import ConfigError
from dodac.site import Site, load_site
from drivers import load_profile, load_profiles
from drivers._simulate import Options, simulation
from drivers.connection_open import open_connections, read_with
from drivers.profile import Iec62056Profile, LineProfile, MbusProfile, ModbusProfile, Profile
from drivers.simulator.electric import WIRING_FAULTS
from drivers.simulator.faults import FAULTS
from drivers.simulator.publisher import SimulatedPublisher

ALL = load_profiles()
POLLED = sorted(
    p.id
    for p in ALL.values()
    if isinstance(p, ModbusProfile | MbusProfile)
    or (isinstance(p, Iec62056Profile) and p.link.mode == "readout")
)
MQTT = sorted(p.id for p in ALL.values() if p.protocol in ("mqtt_json", "sparkplug"))
# codecs have tests of their own; here the uplink around the payload counts
MQTT += sorted(p.id for p in ALL.values() if p.protocol == "lorawan")[::8]
HEAD = '[site]\nid = "s"\ncompany = "c"\n'


def site_of(folder: Path, tables: str) -> Site:
    (folder / "site.toml").write_text(HEAD + tables, encoding="utf-8")
    return load_site(folder)


def fast(profile: Profile, **more: object) -> Options:
    baud = None if isinstance(profile, Iec62056Profile) else 115_200
    return Options(baud=baud, latency_s=0.0, **more)  # type: ignore[arg-type]


def test_every_polled_profile_reads_back_what_is_served(tmp_path: Path) -> None:
    wrong = []
    for one in POLLED:
        profile = ALL[one]
        if isinstance(profile, Iec62056Profile):
            continue  # 300 baud: once below
        made = simulation(profile, fast(profile), lambda: 10.0)
        made.served.start()
        try:
            site = site_of(tmp_path, made.site())
            sample, reader, doubts = read_with(site, "my-meter", SystemClock())
        finally:
            made.served.stop()
        values = dict(zip(reader.layout.channels, sample.values, strict=True))
        wrong += [f"{one}: {doubt}" for doubt in doubts]
        for name, expected in made.expected().items():
            if name not in profile.channels:
                continue
            step = abs(profile.channels[name].scale) * 1000 if isinstance(profile, ModbusProfile) else 0.0
            if not math.isclose(values[name], expected, rel_tol=2e-3, abs_tol=max(1e-6, step)):
                wrong.append(f"{one} {name}: {values[name]} for {expected}, flags {sample.flags[:2]}")
    assert wrong == []


def test_a_meter_that_is_signed_on_to_reads_back_what_is_served(tmp_path: Path) -> None:
    profile = ALL["generic.iec62056-electricity"]
    made = simulation(profile, Options(baud=9600))
    made.served.start()
    try:
        site = site_of(tmp_path, made.site())
        sample, reader, _ = read_with(site, "my-meter", SystemClock())
    finally:
        made.served.stop()
    values = dict(zip(reader.layout.channels, sample.values, strict=True))
    assert {name: values[name] for name in made.expected()} == pytest.approx(dict(made.expected()))


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's RFC 2217 client
@pytest.mark.parametrize("over", ["tcp", "tcp-rtu", "rfc2217"])
def test_a_profile_is_served_over_other_roads(over: str, tmp_path: Path) -> None:
    profile = ALL["eastron.sdm630"]
    made = simulation(profile, fast(profile, over=over, unit=7), lambda: 10.0)
    made.served.start()
    try:
        sample, reader, _ = read_with(site_of(tmp_path, made.site()), "my-meter", SystemClock())
    finally:
        made.served.stop()
    values = dict(zip(reader.layout.channels, sample.values, strict=True))
    assert values["power_w"] == pytest.approx(made.expected()["power_w"], rel=1e-6)


def test_modbus_ascii_is_served(tmp_path: Path) -> None:
    profile = ALL["eastron.sdm120"]
    made = simulation(profile, fast(profile, framing="ascii"), lambda: 10.0)
    made.served.start()
    try:
        sample, _, _ = read_with(site_of(tmp_path, made.site()), "my-meter", SystemClock())
    finally:
        made.served.stop()
    assert not sample.flags


@pytest.mark.parametrize("id", sorted(set(ALL) - set(POLLED)))
def test_what_sends_by_itself_is_served_and_its_site_tables_are_right(id: str, tmp_path: Path) -> None:
    profile = ALL[id]
    try:
        made = simulation(profile, Options(broker="mqtt://127.0.0.1:1"))
    except ConfigError as error:  # forms and files have nothing to serve
        assert "nothing can serve" in str(error)  # noqa: PT017
        return
    if isinstance(profile, LineProfile | Iec62056Profile):
        made.served.start()
    try:
        site = site_of(tmp_path, made.site())
        assert open_connections(site, SystemClock())
    finally:
        made.served.stop()


HEARD = sorted(p.id for p in ALL.values() if p.protocol in ("line", "testo_http") or p.protocol == "iec62056")


@pytest.mark.parametrize("id", [one for one in HEARD if one not in POLLED])
def test_what_sends_by_itself_or_answers_over_http_is_read(id: str, tmp_path: Path) -> None:
    profile = ALL[id]
    try:
        made = simulation(profile, Options(every_s=0.05, baud=115_200))
    except ConfigError as error:
        assert "nothing can serve" in str(error)  # noqa: PT017
        return
    made.served.start()
    try:
        sample, reader, _ = read_with(site_of(tmp_path, made.site()), "my-meter", SystemClock())
        expected = made.expected()
    finally:
        made.served.stop()
    values = dict(zip(reader.layout.channels, sample.values, strict=True))
    golden = [test.expect for test in profile.tests] if profile.protocol != "testo_http" else [expected]
    read = {name: value for name, value in values.items() if value == value}
    assert any(
        read == pytest.approx({n: v for n, v in one.items() if n in profile.channels}, rel=2e-3)
        for one in golden
    )


@pytest.mark.parametrize("id", MQTT)
def test_published_messages_give_the_golden_values(
    id: str, tmp_path: Path, mosquitto, inbox, eventually
) -> None:
    profile = ALL[id]
    made = simulation(profile, Options(broker=mosquitto.url, every_s=0.05))
    (connection,) = open_connections(site_of(tmp_path, made.site()), SystemClock())
    connection.start(inbox)
    try:
        eventually(lambda: connection.status().state == "up")
        made.served.start()
        eventually(lambda: bool(inbox.of("my-meter")))
    finally:
        made.served.stop()
        connection.stop()
    assert inbox.of("my-meter")[0].present


def test_a_share_of_answers_is_late_or_broken(tmp_path: Path) -> None:
    profile = ALL["eastron.sdm120"]
    made = simulation(profile, fast(profile, faults=("crc:1",)), lambda: 1.0)
    made.served.start()
    try:
        with pytest.raises(Exception, match=r"check sum|CRC|crc|answer"):
            read_with(site_of(tmp_path, made.site()), "my-meter", SystemClock())
    finally:
        made.served.stop()


def test_counters_roll_over(tmp_path: Path) -> None:
    profile = load_profile("peacefair.pzem-016")
    now = [0.0]
    made = simulation(profile, fast(profile, faults=("rollover",)), lambda: now[0])
    high = made.expected()["energy_import_kwh"]
    now[0] = 10.0
    assert made.expected()["energy_import_kwh"] < 1 < high


@pytest.mark.parametrize("id", ["peacefair.pzem-016", "eastron.sdm220", "acrel.adl3000"])
def test_a_counter_that_rolls_over_is_served_as_it_is_told(id: str, tmp_path: Path) -> None:
    profile = load_profile(id)
    made = simulation(profile, fast(profile, faults=("rollover",)), lambda: 0.0)
    made.served.start()
    try:
        sample, reader, _ = read_with(site_of(tmp_path, made.site()), "my-meter", SystemClock())
    finally:
        made.served.stop()
    read = dict(zip(reader.layout.channels, sample.values, strict=True))["energy_import_kwh"]
    assert read == pytest.approx(made.expected()["energy_import_kwh"], rel=1e-6)


@pytest.mark.parametrize("fault", [*FAULTS, "rollover", *WIRING_FAULTS])
def test_every_fault_can_be_asked_for(fault: str) -> None:
    more = {"ct": "400/5"} if fault == "scaled_twice" else {}
    profile = ALL["peacefair.pzem-016" if fault == "rollover" else "acrel.adl3000"]
    made = simulation(profile, fast(profile, faults=(fault,), **more))
    made.served.start()
    made.tick()
    made.served.stop()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eastron.sdm630", "--fault", "lat"], 'Did you mean "late"?'),
        (["eastron.sdm630", "--fault", "late:2"], "above 0 and at most 1"),
        (["eastron.sdm630", "--fault", "ct_reversed:7"], "other phases"),
        (["eastron.sdm630", "--fault", "scaled_twice"], "--ct 400/5"),
        (["eastron.sdm630", "--fault", "torn"], "no fault that this instrument can show"),
        (["eastron.sdm630", "--ct", "400"], "no ratio"),
        (["fuji.zpa", "--fault", "ct_reversed:1"], "fault of power meters"),
        (["eastron.sdm630", "--fault", "rollover"], "begin again"),
        (["generic.mbus-water", "--value", "volume_m3=1"], "golden values"),
        (["generic.mbus-water", "--unit", "200"], "come from address"),
        (["tasmota.energy"], "--broker"),
        (["tasmota.energy", "--broker", "http://x"], "no broker"),
        (["eastron.sdm630", "--over", "tcp", "--fault", "crc"], "serial line"),
    ],
)
def test_what_cannot_be_simulated_is_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words]) == 2
    assert message in capsys.readouterr().err


def test_json_tells_where_and_what_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "eastron.sdm630", "--seconds", "0.1", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["site"].startswith("[connections.simulated]")
    assert f'port = "{told["where"]}"' in told["site"]
    assert "[connections.simulated]" in err


def test_a_silent_or_torn_publisher_is_just_that() -> None:
    talker = SimulatedPublisher(ALL["tasmota.energy"], "mqtt://127.0.0.1:1")  # type: ignore[arg-type]
    json.loads(talker.next_messages(time.time())[0][1])
    talker.fault("dead")
    assert talker.next_messages(time.time()) == []
    talker.fault("torn")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(talker.next_messages(time.time())[0][1])
    talker.fault("twice")
    assert len(talker.next_messages(time.time())) == 2
