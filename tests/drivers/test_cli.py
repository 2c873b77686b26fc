"""The commands profiles, read and simulate as a technician types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dodac.cli import main
from dodac.clock import SystemClock
from dodac.site import parse_site
from drivers import load_profiles, open_connections


def test_the_list_names_every_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("id ")
    assert "eastron.sdm630" in out
    assert main(["profiles", "--json"]) == 0
    assert {row["id"] for row in json.loads(capsys.readouterr().out)} >= {"fuji.zpa", "tuf-2000m"}


def test_a_profile_is_shown_with_its_caveats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "show", "fuji.zpa"]) == 0
    out = capsys.readouterr().out
    assert "o2_pct" in out
    assert "Over-range" in out
    assert "source:" in out
    assert main(["profiles", "show", "fuji.zpa", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["link"]["baud"] == [38400]


def test_an_unknown_profile_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "show", "tuf-2000x"]) == 2
    assert 'Did you mean "tuf-2000m"?' in capsys.readouterr().err
    assert main(["profiles", "show"]) == 2


def test_profiles_can_be_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["profiles", "check"]) == 0
    assert "eastron.sdm630: 3 tests pass" in capsys.readouterr().out
    folder = tmp_path / "profiles"
    folder.mkdir()
    source = Path(__file__).parents[2] / "drivers/profiles/flue_gas/generic.modbus-thermocouple.yaml"
    text = source.read_text(encoding="utf-8").replace("185.3", "185.4")
    (folder / "generic.modbus-thermocouple.yaml").write_text(text, encoding="utf-8")
    assert main(["profiles", "check", "--site", str(tmp_path)]) == 1
    assert "expected 185.4" in capsys.readouterr().out


def test_simulate_and_read_work_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "simulate",
        "eastron.sdm630",
        "--unit",
        "3",
        "--baud",
        "19200",
        "--value",
        "power_w=4321",
        "--seconds",
        "120",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "dodac", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as simulator:
        assert simulator.stdout is not None
        port = simulator.stdout.readline().strip()
        (tmp_path / "site.toml").write_text(
            f"""[site]
id = "s"
company = "c"
[connections.bus]
kind = "serial"
port = "{port}"
baud = 19200
timeout = "2s"
late_guard = "100ms"
[[instruments]]
id = "meter"
profile = "eastron.sdm630"
connection = "bus"
address = 3
[[instruments]]
id = "nobody"
profile = "eastron.sdm630"
connection = "bus"
address = 9
""",
            encoding="utf-8",
        )
        site = str(tmp_path / "site.toml")
        try:
            assert main(["read", "meter", "--site", site, "--json"]) == 0
            found = {r["channel"]: r for r in json.loads(capsys.readouterr().out)["readings"]}
            assert found["power_w"] == {
                "channel": "power_w", "value": 4321.0, "unit": "W", "raw": "45 87 08 00", "flag": None,
            }  # fmt: skip
            assert main(["read", "meter", "--site", site]) == 0
            assert "45 87 08 00" in capsys.readouterr().out
            assert main(["read", "nobody", "--site", site]) == 3
            assert "no answer" in capsys.readouterr().err
            assert main(["read", "meterr", "--site", site]) == 2
        finally:
            simulator.terminate()
            simulator.wait(timeout=10)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eastron.sdm63"], "Did you mean"),
        (["eastron.sdm630", "--unit", "0"], "1 to 247"),
        (["eastron.sdm630", "--value", "power=1"], 'no channel "power"'),
        (["eastron.sdm630", "--value", "power_w=much"], "is no value"),
        (["eastron.sdm630", "--value", "power_w=nan"], "is no value"),
        (["eastron.sdm630", "--baud", "-5"], "no line speed"),
        (["eastron.sdm630", "--seconds", "nan"], "no length of time"),
        (["eastron.sdm630", "--seconds", "-1"], "no length of time"),
    ],
)
def test_simulate_says_what_is_wrong(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("id", sorted(load_profiles()))
def test_what_profiles_show_says_for_the_site_file_can_be_pasted(
    id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profiles", "show", id]) == 0
    text = capsys.readouterr().out.partition("in the site file\n")[2].replace("WORD", "plug1")
    site = parse_site(f'[site]\nid = "s"\ncompany = "c"\n{text}', tmp_path / "site.toml")
    (connection,) = open_connections(site, SystemClock())
    assert connection.instruments == ("my-meter",)


def test_an_mqtt_meter_that_is_asked_says_what_to_do_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text(
        '[site]\nid = "s"\ncompany = "c"\n[connections.broker]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n'
        '[[instruments]]\nid = "m"\nprofile = "generic.mqtt-json"\nconnection = "broker"\ntopic = "t"\n',
        encoding="utf-8",
    )
    assert main(["read", "m", "--site", str(tmp_path)]) == 2
    assert "an MQTT connection brings readings by itself" in capsys.readouterr().err
