"""A counter that begins again from 0 does so where its register or its display ends, in the channel's unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodac.site import load_site
from drivers import load_profile
from drivers.profile import ModbusChannel
from drivers.protocols.modbus_map import Ratios
from drivers.rollover import rollover, rollover_facts, rollovers

SITE = """
[site]
id = "s"
company = "c"

[connections.bus]
kind = "serial"
port = "/dev/null"

[[instruments]]
id = "m"
asset = "a"
profile = "acrel.adl3000"
connection = "bus"
address = 1
ct_ratio = "400/5"
"""


@pytest.mark.parametrize(
    ("profile", "channel", "top"),
    [
        ("peacefair.pzem-016", "energy_import_kwh", 2**32 / 1000),  # Wh on the wire: not 4.3 TWh
        ("acrel.adl3000", "energy_import_kwh", 2**32 / 100),
        ("carlo-gavazzi.em340", "energy_import_kwh", 2**31 / 10),  # a signed register ends at half
        ("eastron.sdm220", "energy_import_kwh", 100_000),  # the display ends before the register
        ("decentlab.dl-dlr2-002", "pulses", 2**32),
    ],
)
def test_a_register_ends_in_the_unit_of_the_channel(profile: str, channel: str, top: float) -> None:
    assert rollovers(load_profile(profile), Ratios())[channel] == pytest.approx(top, rel=1e-12)


def test_behind_a_transformer_the_end_is_as_many_times_higher() -> None:
    found = rollovers(load_profile("acrel.adl3000"), Ratios.stated("400/5", "22000/110"))
    assert found["energy_import_kwh"] == pytest.approx(2**32 / 100 * 80 * 200)


def test_a_display_that_ends_early_does_so_behind_transformers_too() -> None:
    spec = ModbusChannel(table="input", address=0, type="f32", rollover=100_000.0, side="secondary")
    assert rollover("energy_import_kwh", spec, 80.0) == 8_000_000.0


def test_what_says_nothing_of_its_end_is_left_open() -> None:
    assert rollovers(load_profile("eastron.sdm630"), Ratios()) == {}  # floats
    assert rollovers(load_profile("abb.b23"), Ratios()) == {}  # 64 bits: never
    assert "power_w" not in rollovers(load_profile("acrel.adl3000"), Ratios())


def test_the_journal_is_told_where_an_instruments_counters_begin_again(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    site = load_site(tmp_path)
    told = rollover_facts(site, site.instruments[0])["rollovers"].split()
    assert f"energy_import_kwh={2**32 / 100 * 80!r}" in told
