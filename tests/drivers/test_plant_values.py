"""The demo's instruments show a value on every channel that their profiles read."""

from __future__ import annotations

import datetime as dt

import pytest

from dodac.clock import ManualClock
from drivers.catalogue import load_profile
from drivers.plant import Plant
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_map import ModbusMap
from drivers.simulator import SimulatedUnit
from drivers.wiring import Known, Moment, Status, diagnose


@pytest.mark.parametrize(
    ("show", "profile_id"), [("power", "eastron.sdm630"), ("water", "tuf-2000m"), ("gas", "fuji.zpa")]
)
def test_the_demo_shows_no_channel_without_a_value(show: str, profile_id: str) -> None:
    profile = load_profile(profile_id)
    assert isinstance(profile, ModbusProfile)
    clock = ManualClock()
    values = Plant(dt.date(2026, 11, 21)).live(clock)[show]
    for _ in range(5):
        image = SimulatedUnit(profile, values).image()
        read, flags = ModbusMap(profile).decode(image, profile.channels)
        assert not flags
        assert set(read) == set(profile.channels)
        clock.advance(13)


def test_the_demos_power_meter_is_wired_right() -> None:
    clock = ManualClock()
    values = Plant(dt.date(2026, 11, 21)).live(clock)["power"]
    moments = []
    for second in range(5):
        moments.append(Moment(float(second), dict(values())))
        clock.advance(1)
    assert [check.text for check in diagnose(moments, Known()) if check.status is Status.FINDING] == []
    assert sum(moments[0].values[f"power_l{n}_w"] for n in (1, 2, 3)) == pytest.approx(
        moments[0].values["power_w"]
    )
