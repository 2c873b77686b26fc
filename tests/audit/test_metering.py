"""The energy meter's own accuracy counts in the saving's uncertainty, once, and is checked with the plan."""

from dataclasses import replace

import pytest

from audit import VerifiedSaving
from audit.metering import instruments_of
from audit.planfile import read_plan
from audit.records import Metering
from dodac.errors import ConfigError

CHAIN = Metering(meter_class="0.5S", load=0.6, power_factor=0.9, ct_class="0.5")


def saving(register, option, plan, store):
    register.add_option(option)
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    found = register.verify(plan.id, store)
    assert isinstance(found, VerifiedSaving)
    return found


def test_the_same_meter_on_both_sides_widens_the_saving_by_its_share_only(
    register, option, plan, store, tmp_path, clock
):
    from audit import Register

    bare = saving(register, option, plan, store)
    other = Register(tmp_path / "other.sqlite", clock)
    whole = saving(other, option, replace(plan, metering=CHAIN), store)
    parts, told = instruments_of(CHAIN, "main")
    share = sum(part.baseline**2 for part in parts) ** 0.5
    added = (whole.half_width**2 - bare.half_width**2) ** 0.5
    assert added == pytest.approx(1.645 * share * bare.saving, rel=0.02)
    assert whole.saving == bare.saving
    assert {finding.code for finding in told} <= {finding.code for finding in whole.findings}
    # computed again for a report, with the meter
    assert other.case(whole.id, store).savings.uncertainty.half_width == pytest.approx(whole.half_width)


def test_no_meter_no_part():
    assert instruments_of(None, "main") == ((), ())


@pytest.mark.parametrize(
    ("metering", "words"),
    [
        (replace(CHAIN, meter_class="7"), "7"),
        (replace(CHAIN, ct_class="9P"), "9P"),
        (replace(CHAIN, load=-1.0), "load"),
        (replace(CHAIN, power_factor=2.0), "power factor"),
    ],
)
def test_a_plate_that_can_not_be_is_refused_with_the_plan(register, option, plan, metering, words):
    register.add_option(option)
    with pytest.raises(ConfigError) as error:
        register.add_plan(replace(plan, metering=metering))
    assert words in str(error.value)


PLAN = """id = "p"
option = "boiler-trim"
ipmvp_option = "C"
boundary_en = "plant"
boundary_vi = "nhà máy"
energy = "main:energy_interval_kwh"
zone = "Asia/Ho_Chi_Minh"
baseline = ["2023-01-01", "2023-12-31"]
reporting = ["2024-02-01", "2025-01-31"]
interval = "week"
model = "auto"
static_factors = [{ name = "lines", unit = "1", value = "3" }]
metering = { meter_class = "1", load = 0.5, power_factor = 0.85 }
[drivers]
temperature = "weather:temperature_c"
"""


def test_metering_interval_and_factors_are_read_from_a_file(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    plan = read_plan(path)
    assert plan.metering == Metering("1", 0.5, 0.85)
    assert (plan.interval, plan.model) == ("week", "auto")
    assert plan.static_factors == (("lines", "1", "3"),)
    path.write_text(PLAN.replace("meter_class", "class"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plan.toml:13"):
        read_plan(path)
    path.write_text(PLAN.replace('"week"', '"fortnight"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plan.toml:10"):
        read_plan(path)


def test_a_class_of_meters_behind_transformers_asks_for_theirs():
    with pytest.raises(ConfigError, match="behind current transformers") as told:
        instruments_of(Metering("0.5S", 0.5, 0.9), "main")
    assert "--ct-class" in told.value.todo
    assert instruments_of(Metering("0.5S", 0.5, 0.9, ct_class="0.5"), "main")[0]
