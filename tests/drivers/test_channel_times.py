"""Channels with intervals of their own: read when their time has come, on whole multiples, absent otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodac.clock import MINUTE_NS, SECOND_NS, ManualClock
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.site import Site, parse_site
from drivers._channel_times import ChannelTimes, channel_times
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.connection import PolledConnection
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import SimulatedUnit


def site(instrument: str) -> Site:
    return parse_site(
        f"""
[site]
id = "s"
company = "c"
[connections.bus]
kind = "serial"
port = "/dev/ttyUSB0"
[connections.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1"
[[instruments]]
id = "m1"
{instrument}
""",
        Path("site.toml"),
    )


def times(instrument: str) -> dict[str, int]:
    found = site(instrument)
    item = found.instruments[0]
    assert item.profile is not None
    return channel_times(found, item, load_profile(item.profile))


SDM = 'profile = "eastron.sdm630"\nconnection = "bus"\n'


def test_slow_channels_and_single_ones_have_the_intervals_of_the_site_file() -> None:
    plain = times(SDM)
    assert set(plain.values()) == {MINUTE_NS}
    found = times(SDM + 'slow = "5min"\nintervals = { energy_import_kwh = "15min", voltage_l12_v = "10s" }')
    assert found["energy_import_kwh"] == 15 * MINUTE_NS
    assert found["power_demand_w"] == 5 * MINUTE_NS
    assert "voltage_l12_v" not in found  # as often as the rest
    assert "power_w" not in found


@pytest.mark.parametrize(
    ("instrument", "words"),
    [
        (SDM + 'intervals = { energy_importt_kwh = "15min" }', 'no channel "energy_importt_kwh"'),
        (SDM + 'intervals = { o2_pct = "15min" }', 'has no channel "o2_pct"'),
        (SDM + 'every = "1min"\nintervals = { power_w = "10s" }', "the instrument is read every 1min"),
        (SDM + 'every = "1min"\nslow = "10s"', "slow channels can't be read every 10s"),
        (
            'profile = "tasmota.energy"\nconnection = "broker"\naddress = "a"\nslow = "5min"',
            "gives all its channels at once",
        ),
    ],
)
def test_an_interval_that_can_not_be_is_told_with_its_line(instrument: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        times(instrument)
    assert caught.value.where.line is not None


def test_an_instrument_without_any_channel_at_its_own_pace_is_refused() -> None:
    profile = load_profile("eastron.sdm630")
    all_of_them = ", ".join(f'{name} = "15min"' for name in profile.channels)  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="every channel has an interval"):
        times(SDM + f"intervals = {{ {all_of_them} }}")


def test_intervals_that_passed_unread_are_counted_and_a_jump_is_not() -> None:
    watch = ChannelTimes({"a": MINUTE_NS})
    watch.asked(["a"], 0)
    assert not watch.any_due(MINUTE_NS - 1)
    assert watch.any_due(MINUTE_NS)
    watch.asked(["a"], 4 * MINUTE_NS)
    assert watch.missed == 3
    watch.asked(["a"], 10_000 * MINUTE_NS)
    watch.asked(["a"], 2 * MINUTE_NS)
    assert watch.missed == 3
    assert watch.any_due(MINUTE_NS)


def test_on_a_line_each_channel_comes_on_its_own_grid_and_only_what_is_due_is_asked_for(
    loop_link: Any, inbox: Any
) -> None:
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    clock = ManualClock()
    values = dict.fromkeys(profile.channels, 100.0) | {"frequency_hz": 50.0}
    values |= {name: 0.9 for name in values if name.startswith("power_factor")}
    link = loop_link(clock, {1: SimulatedUnit(profile, lambda: values)}, lambda _: [])
    intervals = times(SDM + 'slow = "5min"\nintervals = { energy_import_kwh = "15min" }')
    reader = ModbusReader("m1", profile, 1, clock, intervals=intervals)
    line = PolledConnection("bus", Bus(link, clock), [(reader, Measurement.ELECTRICITY)], clock)
    line._inbox = inbox
    line._keep_open()
    assert line.intervals("m1")["energy_import_kwh"] == 15 * MINUTE_NS
    tick = 10 * SECOND_NS
    due = (clock.now_ns() // (15 * MINUTE_NS) + 1) * 15 * MINUTE_NS
    start = due
    while due < start + 60 * MINUTE_NS:
        clock.advance((due - clock.now_ns()) / SECOND_NS)
        line.poll("m1", due)
        while (turn := line._next()) is not None:
            line._do(turn)
        due += tick
    place = reader.layout.index

    def minutes(name: str) -> list[int]:
        found = [s.start_ns for s in inbox.of("m1") if s.present >> place[name] & 1]
        return sorted({(time_ns - start) // MINUTE_NS for time_ns in found})

    assert len([s for s in inbox.of("m1") if s.present >> place["power_w"] & 1]) == 360
    assert minutes("power_demand_w") == list(range(0, 60, 5))
    assert minutes("energy_import_kwh") == [0, 15, 30, 45]
    assert not any(s.flags for s in inbox.of("m1"))  # absent is not bad
    carried = [s for s in inbox.of("m1") if s.present >> place["energy_import_kwh"] & 1]
    assert len(carried) == 4
    assert line.status().counters.get("slow_missed", 0) == 0
