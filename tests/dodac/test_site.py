"""The site file: each mistake gives one message with file, line and the nearest key."""

from pathlib import Path

import pytest

from dodac.errors import ConfigError, Exit
from dodac.site import load_site, parse_site

GOOD = """\
[site]
id = "cu-chi"
company = "bia-sai-gon"
name = "Nhà máy bia Củ Chi"

[connections.bus1]
kind = "serial"
port = "/dev/ttyUSB0"
baud = 9600

[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:1883"

[[instruments]]
id = "boiler1-power"
asset = "boiler1"
profile = "eastron.sdm630"
connection = "bus1"
address = 3
every = "10s"
ct_ratio = "400/5"
calibration = { date = 2026-03-02, due = 2027-03-02 }

[[instruments]]
id = "boiler1-flue"
profile = "fuji.zpa"
connection = "bus1"
address = 4

[[instruments]]
id = "weather"
measurement = "ambient"
"""


def fault(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_site(text, Path("site.toml"))
    assert caught.value.exit_code == Exit.USAGE
    return caught.value


def test_a_good_file_loads_with_zone_paths_and_calibration():
    site = parse_site(GOOD, Path("plant/site.toml"))
    assert site.site.timezone == "Asia/Ho_Chi_Minh"
    assert site.journal_path == Path("plant/data/journal.db")
    assert site.instrument("boiler1-power").calibration.due.year == 2027
    assert site.instrument("boiler1-power").every_ns == 10_000_000_000


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("baud = 9600", "bauds = 9600", 9, ["connections.bus1.bauds", 'mean "baud"']),
        ("baud = 9600", 'baud = "9600"', 9, ["connections.bus1.baud", "integer"]),
        ("address = 3", "adress = 3", 20, ["adress", 'mean "address"']),
        ("address = 4", "address = 3", 29, ["address 3", "boiler1-power", "line 20"]),
        ('id = "boiler1-flue"', 'id = "boiler1-power"', 26, ["given twice", "line 16"]),
        ('connection = "bus1"\naddress = 4', 'connection = "bus2"\naddress = 4', 28, ["bus2", 'mean "bus1"']),
        ('kind = "mqtt"', 'kind = "mqqt"', 12, ["mqqt", 'mean "mqtt"']),
        ('measurement = "ambient"', 'measurement = "weather"', 33, ["ambient"]),
        ('measurement = "ambient"', "", 31, ["profile", "measurement"]),
        ('every = "10s"', 'every = "10"', 21, ["10", "duration"]),
        ("due = 2027-03-02", "dew = 2027-03-02", 23, ["calibration.dew", 'mean "due"']),
        ('id = "cu-chi"', 'id = "Củ Chi"', 2, ["site.id"]),
        ('company = "bia-sai-gon"', "", 1, ["company", "missing"]),
        ('company = "bia-sai-gon"', 'compny = "bia-sai-gon"', 3, ["compny", 'mean "company"']),
        ("[[instruments]]", "[[instrument]]", 15, ["instrument", 'mean "instruments"']),
        ("[site]", "[site", 1, ["not TOML"]),
        ("mqtt://127", "http://127", 13, ["mqtt://"]),
        ("mqtt://127", "mqtt://a:geheim@127", 13, ["password_file"]),
        ('name = "Nhà máy bia Củ Chi"', 'timezone = "Asia/Saigonn"', 4, ["time zone"]),
        ('kind = "mqtt"\n', "", 11, ['"connections.broker.kind" is missing', "serial, tcp, mqtt, file"]),
        ("mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:99999", 13, ["connections.broker.url", "65535"]),
        ("mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:0", 13, ["connections.broker.url", "65535"]),
        ("address = 3", "address = true", 20, ['"instruments.0.address"', "it is True"]),
        ("address = 3", 'address = 3\ntopic = "a/b"', 21, ["only MQTT", "address"]),
        ("address = 4", 'address = "3"', 29, ["address 3", "boiler1-power", "line 20"]),
        ('ct_ratio = "400/5"', 'ct_ratio = "400:5"', 22, ["ct_ratio", "400/5"]),
        ('ct_ratio = "400/5"', 'ct_ratio = "400/0"', 22, ["ct_ratio", "above zero"]),
        ("due = 2027-03-02", "due = 2025-03-02", 23, ["before the calibration"]),
        ('every = "10s"', 'every = "99999999999d"', 21, ["hundred years"]),
        ('every = "10s"', "every = 10", 21, ["every", "in quotes", "it is 10"]),
        ('measurement = "ambient"', 'measurement = "ambint"', 33, ['mean "ambient"']),
        (
            'measurement = "ambient"',
            'measurement = "ambient"\nconnection = "bus1"',
            34,
            ["serial", "profile"],
        ),
        (
            'kind = "mqtt"\nurl = "mqtt://127.0.0.1:1883"',
            'kind = "serial"\nport = "/dev/ttyUSB0"',
            13,
            ["/dev/ttyUSB0", "bus1"],
        ),
        (
            'kind = "mqtt"\nurl = "mqtt://127.0.0.1:1883"',
            'kind = "tcp"\nhost = "http://127.0.0.1"',
            13,
            ["connections.broker.host", "192.168.1.50"],
        ),
        ("[connections.bus1]", "[connections.Bus1]", 6, ["connections.Bus1", "small letters"]),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_key(old, new, line, words):
    assert old in GOOD
    error = fault(GOOD.replace(old, new, 1))
    assert error.where.line == line, str(error)
    assert error.where.file == "site.toml"
    for word in words:
        assert word in str(error)


def test_a_password_in_the_url_is_not_repeated_in_the_message():
    error = fault(GOOD.replace("mqtt://127", "mqtt://a:geheim@127", 1))
    assert "geheim" not in str(error)


def test_a_missing_secret_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(
        GOOD.replace('url = "mqtt', 'password_file = "secrets/broker"\nurl = "mqtt', 1), encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    assert caught.value.where.line == 13
    assert "secrets/broker" in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(GOOD, encoding="utf-8")
    secret = tmp_path / "token"
    secret.write_text("s3cret\n", encoding="utf-8")
    secret.chmod(0o640)  # the group is others too
    site = load_site(path)
    with pytest.raises(ConfigError, match="chmod 600"):
        site.secret("token")
    secret.chmod(0o600)
    assert site.secret("token") == "s3cret"
    secret.write_bytes(b"\n")
    with pytest.raises(ConfigError, match="empty"):
        site.secret("token")
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        site.secret("token")


def test_no_such_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="dodac init"):
        load_site(tmp_path / "nowhere.toml")


def test_a_misspelt_instrument_names_the_nearest():
    site = parse_site(GOOD, Path("site.toml"))
    with pytest.raises(ConfigError, match='mean "boiler1-flue"'):
        site.instrument("boiler1-flu")


def test_a_file_that_is_not_text_gives_one_message(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="can't be read"):
        load_site(path)


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_site(path).instrument("boiler1-flue").address == 4


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(GOOD.replace("Nhà máy bia Củ Chi", "Nhà máy").encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        load_site(path)
    assert caught.value.where.line == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[site]\nid = ", 2),
        ("[site]\nid = 'a'\n\n[site]\n", 4),
        ("a = " + "[" * 5000, None),
        ("a = " + "9" * 5000, None),
    ],
)
def test_what_is_no_toml_is_one_message_with_a_line_where_there_is_one(text, line):
    error = fault(text)
    assert "not TOML" in str(error)
    assert error.where.line == line


def test_a_folder_or_a_huge_file_is_no_site_file(tmp_path):
    (tmp_path / "site.toml").mkdir()
    with pytest.raises(ConfigError, match="folder"):
        load_site(tmp_path)
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 5_000_000)
    with pytest.raises(ConfigError, match="larger"):
        load_site(huge)


def test_a_secret_in_influxdb_s_url_is_not_repeated_in_the_message():
    error = fault(GOOD + '[influxdb]\nurl = "http://a:geheim@127.0.0.1:8086"\n')
    assert "token_file" in str(error)
    assert "geheim" not in str(error)


def test_instruments_behind_two_names_of_one_gateway_can_t_share_an_address():
    gateway = '[connections.{}]\nkind = "tcp"\nhost = "{}"\n'
    meter = '[[instruments]]\nid = "{}"\nprofile = "eastron.sdm630"\nconnection = "{}"\naddress = 7\n'
    text = GOOD + gateway.format("a", "gw.local") + gateway.format("b", "GW.local")
    error = fault(text + meter.format("m1", "a") + meter.format("m2", "b"))
    assert 'taken by "m1"' in str(error)


def test_serial_frames_through_one_gateway_are_asked_for_by_one_connection():
    """Two threads on the line behind a transparent gateway would take each other's answers."""
    gateway = '[connections.{}]\nkind = "tcp"\nhost = "{}"\nport = 4001\nframing = "{}"\n'
    error = fault(GOOD + gateway.format("a", "gw.local", "rtu") + gateway.format("b", "GW.local", "rtu"))
    assert 'has the port of "a": gw.local:4001' in str(error)
    assert "One line is one connection" in str(error)
    numbered = GOOD + gateway.format("a", "gw.local", "tcp") + gateway.format("b", "gw.local", "tcp")
    assert set(parse_site(numbered, Path("site.toml")).connections) >= {"a", "b"}


def test_journal_and_register_in_one_file_are_refused(tmp_path):
    error = fault(GOOD + '[store]\njournal = "a.db"\nregister = "a.db"\n')
    assert error.where.line == 36
    path = tmp_path / "site.toml"
    path.write_text(GOOD + '[store]\njournal = "."\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="folder"):
        load_site(path)


def test_a_serial_line_is_rtu_unless_it_says_ascii():
    assert parse_site(GOOD, Path("site.toml")).connections["bus1"].framing == "rtu"
    spoken = GOOD.replace("baud = 9600", 'framing = "ascii"')
    assert parse_site(spoken, Path("site.toml")).connections["bus1"].framing == "ascii"
    assert fault(spoken.replace("ascii", "asci")).where.line == 9
