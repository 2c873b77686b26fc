"""The simulated meter is read by the driver itself, in every mode, and its faults are told as what they are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dodac.clock import SystemClock
from dodac.samples import Layout, Sample
from dodac.site import parse_site
from drivers import read_once
from drivers.catalogue import load_profile
from drivers.profile import Iec62056Profile
from drivers.protocols import iec62056
from drivers.simulator.iec62056 import SimulatedIec62056Meter


def profile(id: str = "generic.iec62056-electricity") -> Iec62056Profile:
    found = load_profile(id)
    assert isinstance(found, Iec62056Profile)
    return found


def telegram(ident: str) -> bytes:
    body = b"F.F(00)\r\n1.8.0(012345.67*kWh)\r\n2.8.0(0000.500*kWh)\r\n!\r\n\x03"
    return f"/{ident}\r\n\x02".encode() + body + bytes((iec62056.bcc(body),))


def read(
    path: str, id: str = "generic.iec62056-electricity", baud: int = 9600, frame: str = "7E1"
) -> tuple[Sample, Layout]:
    site = f'[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\nport = "{path}"\nbaud = {baud}\nframe = "{frame}"\n'
    site += f'[[instruments]]\nid = "m"\nconnection = "a"\nprofile = "{id}"\n'
    return read_once(parse_site(site, Path("site.toml")), "m", SystemClock())


def values(read: tuple[Sample, Layout]) -> dict[str, float]:
    sample, layout = read
    return {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}


@pytest.mark.parametrize("ident", ["DDC6OWN", "DDC OWN", "DDCFOWN"])  # modes C, A, B
def test_each_mode_is_read_at_its_own_speeds(ident: str) -> None:
    with SimulatedIec62056Meter(profile(), telegram=telegram(ident), baud=9600, reaction_s=0.05) as meter:
        got = read(meter.path)
    assert values(got) == {"energy_import_kwh": 12345.67, "energy_export_kwh": 0.5}
    assert not got[0].flags
    assert (meter.signed_on, meter.printed) == (1, 1)


def test_a_digit_changed_on_the_way_is_asked_for_again() -> None:
    with SimulatedIec62056Meter(profile(), telegram=telegram("DDC6OWN"), baud=9600, reaction_s=0.02) as meter:
        meter.fault("crc")
        meter.fault("noise")
        meter.fault("echo")
        got = read(meter.path)
    assert values(got)["energy_import_kwh"] == 12345.67
    assert meter.printed == 2


def test_a_client_at_another_speed_is_not_heard() -> None:
    with SimulatedIec62056Meter(profile(), telegram=telegram("DDC6OWN"), baud=9600) as meter:
        fd = os.open(meter.path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"/?!\r\n")  # a pty's own 38 400 baud
        time.sleep(0.2)
        os.close(fd)
    assert meter.signed_on == 0


def test_a_pushing_meter_sends_its_telegram_again_and_again() -> None:
    with SimulatedIec62056Meter(profile("generic.dsmr-p1"), every_s=0.2) as meter:
        got = read(meter.path, "generic.dsmr-p1", 115200, "8N1")
    assert values(got)["power_w"] == 350


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="truncated"):
        SimulatedIec62056Meter(profile()).fault("sad")
