"""What deploy/ promises, as far as it can be held to it without Docker: see also test_broker.py."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from dodac.errors import ConfigError
from dodac.site import load_site

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
UNITS = sorted(DEPLOY.glob("*.service"))


@pytest.fixture(params=sorted(SERVICES))
def service(request):
    return SERVICES[request.param]


def test_every_image_is_pinned_to_a_release(service):
    assert re.search(r":\d+\.\d+\.\d+$", service["image"]), service["image"]


def test_no_port_is_open_beyond_this_machine(service):
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert "network_mode" not in service
    assert not service.get("privileged", False)


def test_no_container_can_gain_rights(service):
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    # InfluxDB's entry point is the one that writes outside its volumes
    assert service.get("read_only") or service["image"].startswith("influxdb:")


def test_no_secret_stands_in_the_compose_file(service):
    for name, value in (service.get("environment") or {}).items():
        if re.search(r"PASSWORD|TOKEN|SECRET", name):
            assert name.endswith("_FILE")
            assert value.startswith("/run/secrets/")
            mounted = [s if isinstance(s, str) else s["source"] for s in service["secrets"]]
            assert Path(value).name in mounted


def test_what_a_service_names_is_defined_and_its_files_are_there(service):
    for mount in service.get("volumes", ()):
        source = mount.split(":")[0]
        if source.startswith("."):
            # site.toml is the one a person makes, from the example
            name = "site.example.toml" if source == "./site.toml" else source
            assert (DEPLOY / name).is_file(), mount
            assert mount.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]
    for secret in service.get("secrets", ()):
        assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]
    assert set(service.get("depends_on", ())) <= set(SERVICES)


def test_grafana_finds_the_files_that_dodac_writes_for_it():
    command = " ".join(SERVICES["dashboards"]["command"])
    folder = SERVICES["grafana"]["environment"]["GF_PATHS_PROVISIONING"]
    assert f"--mount={folder}/dashboards" in command
    (written,) = (v for v in SERVICES["dashboards"]["volumes"] if v.startswith("grafana-provisioning:"))
    (read,) = (v for v in SERVICES["grafana"]["volumes"] if v.startswith("grafana-provisioning:"))
    assert written.split(":")[1] == read.split(":")[1] == str(Path(folder).parent)
    token = re.search(r"--token-path=(\S+)", command)
    assert token is not None
    assert Path(token.group(1)).name in SERVICES["grafana"]["secrets"]


def test_the_commands_of_the_services_and_units_are_dodacs_own():
    from dashboards.cli import _parser
    from dodac.cli import COMMANDS

    known = {command.name for command in COMMANDS}
    used = [s["command"] for s in SERVICES.values() if s["image"].startswith("dodac:")]
    used += [
        re.search(r"^ExecStart=\S+ (.*)$", u.read_text("utf-8"), re.MULTILINE).group(1).split() for u in UNITS
    ]
    assert len(used) == 5
    assert {words[0] for words in used} <= known
    _parser().parse_args(SERVICES["dashboards"]["command"][1:])


@pytest.fixture
def secrets(tmp_path):
    """What make-secrets.sh makes."""
    if os.geteuid() != 0:
        pytest.skip("make-secrets.sh gives files to other users and needs root")
    folder = tmp_path / "secrets"
    subprocess.run([DEPLOY / "make-secrets.sh", folder], check=True, capture_output=True)
    return folder


@pytest.mark.servers
def test_make_secrets_makes_every_secret_once_for_its_reader_alone(require, secrets):
    require("mosquitto")
    named = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert {path.name for path in secrets.iterdir()} == named
    before = {path: path.read_text("utf-8") for path in secrets.iterdir()}
    for path, text in before.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(text.strip()) >= 40
    owners = {path.name: path.stat().st_uid for path in before}
    assert owners["influx-token"] == owners["mqtt-password"] == owners["page-token"] == 10001
    assert owners["influx-token-grafana"] == owners["grafana-admin-password"] == 472
    assert owners["mosquitto-passwd"] == 1883
    password = before[secrets / "mqtt-password"].strip()
    assert password not in before[secrets / "mosquitto-passwd"]  # only its hash
    subprocess.run([DEPLOY / "make-secrets.sh", secrets], check=True, capture_output=True)
    assert {path: path.read_text("utf-8") for path in secrets.iterdir()} == before


def test_the_example_site_loads_and_every_model_in_it_is_known(tmp_path):
    from drivers import load_profile

    (tmp_path / "site.toml").write_bytes((DEPLOY / "site.example.toml").read_bytes())
    with pytest.raises(ConfigError, match=r"secrets/(influx|page)-token"):
        load_site(tmp_path)
    (tmp_path / "secrets").mkdir()
    for name in ("influx-token", "page-token"):
        (tmp_path / "secrets" / name).write_text("x", "utf-8")
    site = load_site(tmp_path)
    for instrument in site.instruments:
        if instrument.profile is not None:
            assert load_profile(instrument.profile).id == instrument.profile
    assert site.journal_path.is_relative_to("/var/lib/dodac")
    assert site.register_path.is_relative_to("/var/lib/dodac")
    assert site.influxdb is not None
    environment = SERVICES["influxdb"]["environment"]
    assert site.influxdb.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert site.influxdb.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
    mounted = {secret["target"] for secret in SERVICES["dodac"]["secrets"]}
    assert f"/etc/dodac/{site.influxdb.token_file}" in mounted
    assert f"/etc/dodac/{site.serve.token_file}" in mounted


def test_the_image_is_built_from_files_that_are_there_and_holds_every_room():
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = []
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _target = line.split()
        copied += sources
    assert all((ROOT / source).exists() for source in copied)
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(rooms["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8")
    assert {line[1:] for line in allowed.splitlines() if line.startswith("!")} == set(copied)
    assert "--require-hashes" in text
    assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)
    assert all(re.search(r":\d", image) for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))


@pytest.mark.servers
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit(require, unit, tmp_path):
    program = require("systemd-analyze")
    dodac = tmp_path / "dodac"
    dodac.write_text("#!/bin/sh\n", "utf-8")
    dodac.chmod(0o755)
    # systemd looks whether the program is there
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text("utf-8").replace("/opt/dodac/bin/dodac", str(dodac)), "utf-8")
    answer = subprocess.run([program, "verify", copy], capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    assert unit.name not in answer.stderr, answer.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_comes_back_by_itself_and_can_write_only_its_state(unit):
    text = unit.read_text("utf-8")
    for line in ("Restart=always", "StartLimitIntervalSec=0", "User=dodac", "ProtectSystem=strict",
                 "StateDirectory=dodac", "NoNewPrivileges=yes", "CapabilityBoundingSet="):  # fmt: skip
        assert line in text.splitlines()
    assert "ReadWritePaths" not in text
    assert ("SupplementaryGroups=dialout" in text) == ("dodac run" in text)


def test_the_collector_is_started_when_its_loops_run_and_ended_when_one_hangs():
    unit = (DEPLOY / "dodac.service").read_text("utf-8")
    assert "\nType=notify\n" in unit
    assert "\nNotifyAccess=main\n" in unit
    (seconds,) = re.findall(r"^WatchdogSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) >= 30, "the watch tells each second; a busy machine may be late"
    assert "AF_UNIX" in unit, "the notify socket and the socket of dodac status"


def test_the_containers_health_is_the_collectors_own_word():
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "HEALTHCHECK" in image
    for words in (image, " ".join(SERVICES["dodac"]["healthcheck"]["test"])):
        assert "--health" in words


@pytest.mark.parametrize("script", [".ci/run", ".ci/build-influxd.sh", "deploy/make-secrets.sh"])
def test_scripts_parse_and_can_be_run(script):
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shell = "bash" if "bash" in path.read_text("utf-8").splitlines()[0] else "sh"
    subprocess.run([shell, "-n", path], check=True)
