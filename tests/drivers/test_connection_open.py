"""A site file's connections: what does not fit is said before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodac.clock import SystemClock
from dodac.errors import ConfigError, InstrumentError
from dodac.site import Site, parse_site
from drivers import open_connections, read_once
from drivers.catalogue import load_profile
from drivers.profile import ModbusProfile
from drivers.simulator import SimulatedBus, SimulatedUnit

HEAD = '[site]\nid = "s"\ncompany = "c"\n'


def site(body: str, folder: Path = Path()) -> Site:
    return parse_site(HEAD + body, folder / "site.toml")


def one(connection: str, instrument: str) -> str:
    return f'[connections.a]\n{connection}\n[[instruments]]\nid = "m"\nconnection = "a"\n{instrument}\n'


def test_a_serial_line_with_two_meters_opens_as_one_connection() -> None:
    body = one('kind = "serial"\nport = "/dev/null"', 'profile = "eastron.sdm630"\naddress = 3')
    body += '[[instruments]]\nid = "w"\nconnection = "a"\nprofile = "tuf-2000m"\naddress = 4\n'
    (line,) = open_connections(site(body), SystemClock())
    assert line.instruments == ("m", "w")
    assert line.polled
    assert [layout.instrument for layout in line.layouts()] == ["m", "w"]
    assert line.measurement("w") == "water"


@pytest.mark.parametrize(
    ("connection", "instrument", "words"),
    [
        ('kind = "serial"\nport = "x"', 'profile = "eastron.sdm631"', 'Did you mean "eastron.sdm630"'),
        ('kind = "serial"\nport = "x"', 'profile = "eastron.sdm630"\naddress = 300', "from 1 to 247"),
        ('kind = "serial"\nport = "x"', 'profile = "eastron.sdm630"\naddress = "three"', "from 1 to 247"),
        ('kind = "mqtt"\nurl = "mqtt://h:1883"', 'profile = "eastron.sdm630"', "speaks modbus"),
        ('kind = "serial"\nport = "x"', 'profile = "generic.mbus-water"\naddress = 300', "no M-Bus address"),
        (
            'kind = "serial"\nport = "x"',
            'profile = "eastron.sdm630"\nmeasurement = "water"',
            "measures electricity, not water",
        ),
        ('kind = "mqtt"\nurl = "mqtt://h:1883"', 'profile = "tasmota.energy"\ntopic = ""', "no MQTT topic"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(connection: str, instrument: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        open_connections(site(one(connection, instrument)), SystemClock())
    assert words in str(error.value)
    assert error.value.where.instrument == "m"
    assert error.value.where.line is not None
    assert error.value.where.line >= 7


def test_a_profile_on_a_file_connection_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="takes no profile") as error:
        site(one('kind = "file"', 'profile = "eastron.sdm630"'))
    assert error.value.where.line == 9


def test_two_protocols_on_one_line_are_refused() -> None:
    body = one('kind = "serial"\nport = "x"', 'profile = "eastron.sdm630"\naddress = 3')
    body += '[[instruments]]\nid = "w"\nconnection = "a"\nprofile = "generic.mbus-water"\naddress = 4\n'
    with pytest.raises(ConfigError, match=r'"a" speaks modbus \(instrument m\)'):
        open_connections(site(body), SystemClock())


def test_a_line_of_seven_bits_can_t_carry_modbus_rtu() -> None:
    body = one('kind = "serial"\nport = "x"\nframe = "7E1"', 'profile = "eastron.sdm630"\naddress = 3')
    with pytest.raises(ConfigError, match="8 data bits") as error:
        open_connections(site(body), SystemClock())
    assert error.value.where.line == 7


def test_asking_an_mqtt_instrument_tells_first_what_does_not_fit() -> None:
    body = one('kind = "mqtt"\nurl = "mqtt://h:1883"', 'profile = "eastron.sdm630"')
    with pytest.raises(ConfigError, match="speaks modbus"):
        read_once(site(body), "m", SystemClock())


def test_a_port_that_is_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("")
    body = one(f'kind = "serial"\nport = "{tmp_path}/port"', 'profile = "eastron.sdm630"')
    with pytest.raises(InstrumentError, match="not a serial port"):
        read_once(site(body), "m", SystemClock())


def test_two_meters_that_both_default_to_address_one_are_refused() -> None:
    body = one('kind = "serial"\nport = "x"', 'profile = "eastron.sdm630"')
    body += '[[instruments]]\nid = "w"\nconnection = "a"\nprofile = "tuf-2000m"\naddress = 1\n'
    with pytest.raises(ConfigError, match="is taken by"):
        open_connections(site(body), SystemClock())


def test_a_profile_of_ones_own_beside_the_site_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    template = Path("drivers/profiles/flue_gas/generic.modbus-thermocouple.yaml")
    text = (Path(__file__).parents[2] / template).read_text(encoding="utf-8")
    text = text.replace("id: generic.modbus-thermocouple", "id: boiler.thermo")
    (tmp_path / "profiles" / "boiler.thermo.yaml").write_text(text, encoding="utf-8")
    body = one('kind = "serial"\nport = "x"', 'profile = "boiler.thermo"')
    (line,) = open_connections(site(body, tmp_path), SystemClock())
    assert line.layouts()[0].channels == ("t_flue_c", "t_air_c")


def test_reading_once_gives_every_channel_with_its_bytes() -> None:
    profile = load_profile("tuf-2000m")
    assert isinstance(profile, ModbusProfile)
    values = {"flow_m3h": 12.5, "volume_m3": 1000.25, "signal_quality_pct": 80.0}
    with SimulatedBus({1: SimulatedUnit(profile, lambda: values)}, baud=19200) as line:
        connection = (
            f'kind = "serial"\nport = "{line.path}"\nbaud = 19200\ntimeout = "300ms"\nlate_guard = "100ms"'
        )
        here = site(one(connection, 'profile = "tuf-2000m"\naddress = 1'))
        sample, layout = read_once(here, "m", SystemClock())
        assert dict(zip(layout.channels, sample.values, strict=True)) == pytest.approx(values)
        assert sample.raw
        line.fault(1, "dead")
        with pytest.raises(InstrumentError, match="no answer"):
            read_once(here, "m", SystemClock())


def test_reading_a_port_that_is_not_there_is_an_instrument_fault() -> None:
    here = site(one('kind = "serial"\nport = "/dev/not-there"', 'profile = "tuf-2000m"'))
    with pytest.raises(InstrumentError, match="no such port"):
        read_once(here, "m", SystemClock())
