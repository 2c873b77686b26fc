"""A test by switching in the register: lots frozen before anybody measures, the saving computed again from the meter."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Refusal
from analysis.isolation import Stated, on_off_saving, switching_schedule
from audit import Option, Register
from audit.benefits import results_of
from audit.isolated import Agreed, IsolatedPlan, ReadAs, Switching, Tool
from dodac.cli import main
from dodac.clock import HOUR_NS, ManualClock, parse_time_ns
from dodac.errors import ConfigError, IntegrityError
from dodac.samples import Layout
from reports import render_tests_html
from store import Journal, JournalStore

ZONE = "Asia/Ho_Chi_Minh"
FANS = Layout("fans", ("energy_interval_kwh",))
PLAN = IsolatedPlan(
    id="trim-onoff", option="boiler-trim", ipmvp_option="A", test="on_off", resource="electricity", unit="kWh",
    boundary_en="fans", boundary_vi="quạt", zone=ZONE, reporting=("2026-07-01", "2027-06-30"),
    instruments=(Tool("EM7", "energy_interval_kwh", limit_pct=1.0),),
    agreed=(Agreed("hours", 6_000.0, 300.0, "h", "shift plan", "Lan, Minh", "2026-04-20"),),
    switching=Switching(("fans", "energy_interval_kwh"), "2026-05-04", 16, 7, washout_hours=2.0),
)  # fmt: skip


def amounts() -> pd.Series:
    lots = switching_schedule(pd.Timestamp("2026-05-04", tz=ZONE), 16, seed=7, washout_hours=2.0).frame
    hours = pd.date_range("2026-05-04", periods=16 * 24, freq="h", tz=ZONE)
    on = np.repeat(lots["on"].to_numpy(), 24)
    draw = np.random.default_rng(5)
    return pd.Series(50.0 - 8.0 * on + np.repeat(draw.normal(0, 1.0, 16), 24), index=hours)


@pytest.fixture
def fans(tmp_path):
    def made(change=0.0):
        path = tmp_path / f"fans{change:g}.db"
        with Journal.open(path) as journal:
            journal.layout(FANS)
            items = [
                ("t", FANS.sample(hour.tz_convert("UTC").as_unit("ns").value + HOUR_NS // 2, {"energy_interval_kwh": value}, span_ns=HOUR_NS))
                for hour, value in (amounts() + np.where(np.arange(384) == 100, change, 0.0)).items()
            ]  # fmt: skip
            journal.commit(items)
        return JournalStore(path)

    return made


@pytest.fixture
def register(tmp_path, option: Option) -> Register:
    found = Register(tmp_path / "onoff.db", ManualClock(parse_time_ns("2026-04-25", ZONE)))
    found.add_option(option)
    found.isolated.add_plan(PLAN)
    return found


def verified(register, store):
    register.isolated.freeze(PLAN.id, (), ReadAs(), store)
    return register.isolated.verify(PLAN.id, (), ReadAs(), store)


def test_the_register_keeps_what_analysis_gives_and_computes_it_again(register, fans):
    with fans() as store:
        found = verified(register, store)
        assert register.isolated.case(found.id, store).verified == found
        assert register.isolated.verify(PLAN.id, (), ReadAs(), store) == found
    schedule = switching_schedule(pd.Timestamp("2026-05-04", tz=ZONE), 16, seed=7, washout_hours=2.0)
    hourly = on_off_saving(pd.DataFrame({"energy": amounts()}), schedule)
    assert found.before - found.after == pytest.approx(hourly.saving_per_hour)
    assert (found.share, found.p_value) == (pytest.approx(hourly.fraction), hourly.p_value)
    year = hourly.over_year(Stated(6_000.0, 300.0, "shift plan", "h"))
    assert found.saving == pytest.approx(year.saving)
    assert abs(found.saving - 48_000.0) < found.half_width
    # the meter's 1 % is in it besides
    assert found.half_width > 0.999 * year.uncertainty.half_width
    assert [line.source for line in found.budget].count("EM7/energy_interval_kwh/class") == 1
    assert (found.evidence_class, found.test.sources[0].evidence[0].samples) == ("measured", 384)
    assert [finding.code for finding in found.findings if "late" in finding.code] == []


def test_the_lots_are_in_the_register_before_anything_is_measured(register):
    frozen = register.isolated.freeze(PLAN.id, (), ReadAs(), None)
    drawn = switching_schedule(pd.Timestamp("2026-05-04", tz=ZONE), 16, seed=7, washout_hours=2.0).frame["on"]
    assert [on for _, on in frozen.lots] == drawn.tolist()
    assert frozen.lots[0][0] == "2026-05-04T00:00:00+07:00"


def test_a_reading_that_changed_since_is_found(register, fans):
    with fans() as store:
        found = verified(register, store)
    with fans(3.0) as store, pytest.raises(IntegrityError, match="not what was read"):
        register.isolated.case(found.id, store)


def test_too_little_of_the_test_is_no_saving(register, fans):
    late = replace(PLAN, id="late", switching=replace(PLAN.switching, start="2026-05-16"))
    register.isolated.add_plan(late)
    with fans() as store:
        register.isolated.freeze("late", (), ReadAs(), store)
        found = register.isolated.verify("late", (), ReadAs(), store)
    assert isinstance(found, Refusal)
    assert found.code == "too_few_periods"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"switching": None}, "nothing says when"),
        ({"switching": replace(PLAN.switching, periods=15)}, "whole number of blocks"),
        ({"switching": replace(PLAN.switching, start="monday")}, "no local moment"),
        ({"switching": replace(PLAN.switching, seed=-1)}, "can't be"),
        ({"switching": replace(PLAN.switching, periods=10**9)}, "can't be"),
        ({"switching": replace(PLAN.switching, period_hours=1e300)}, "can't be"),
        ({"switching": replace(PLAN.switching, washout_hours=20.0)}, "washout"),
        ({"switching": replace(PLAN.switching, energy=("fans", "power_w"))}, "counts no kWh"),
        ({"switching": replace(PLAN.switching, interval="day")}, "none of 15min"),
        ({"agreed": ()}, "agreed hours"),
        ({"ipmvp_option": "B"}, "agreed hours"),
        ({"instruments": ()}, "how wrong energy_interval_kwh"),
        ({"instruments": (Tool("EM7", "energy_interval_kwh", limit=1.0),)}, "limit_pct"),
    ],
)
def test_a_test_that_cannot_be_is_refused_by_its_key(register, change, said):
    with pytest.raises(ConfigError, match=said):
        register.isolated.add_plan(replace(PLAN, id="other", **change))


def test_on_the_command_line_in_the_table_and_in_both_reports(register, fans, tmp_path, capsys):
    text = """id = "fan-lots"
option = "boiler-trim"
ipmvp_option = "A"
test = "on_off"
resource = "electricity"
unit = "kWh"
boundary_en = "fans"
boundary_vi = "quạt"
zone = "Asia/Ho_Chi_Minh"
reporting = ["2026-07-01", "2027-06-30"]
[switching]
energy = "fans:energy_interval_kwh"
start = "2026-05-04"
periods = 16
seed = 7
washout_hours = 2
[[instruments]]
id = "EM7"
channel = "energy_interval_kwh"
limit_pct = 1.0
[[agreed]]
name = "hours"
value = 6000
plus_minus = 300
unit = "h"
basis = "shift plan"
by = "Lan, Minh"
at = 2026-04-20
"""
    (tmp_path / "lots.toml").write_text(text, encoding="utf-8")
    fans().close()
    place = ["--register", str(register.path), "--journal", str(tmp_path / "fans0.db")]
    assert main(["audit", "add-plan", str(tmp_path / "lots.toml"), *place]) == 0
    assert main(["audit", "freeze", "fan-lots", *place]) == 0
    assert "Lots drawn: on in 8 of 16 periods" in capsys.readouterr().out
    assert main(["audit", "verify", "fan-lots", *place]) == 0
    assert "Share of all drawings that show as much by chance: 0.0" in capsys.readouterr().out
    assert main(["audit", "verify", "fan-lots", "--test", str(tmp_path / "lots.toml"), *place]) == 2
    assert "Leave --test out" in capsys.readouterr().err
    with JournalStore(tmp_path / "fans0.db") as store:
        case = register.isolated.case("fan-lots-s1", store)
    assert "Lots drawn (frozen before measuring)" in render_tests_html(case, "en", 1, ZONE)
    assert "Lịch bốc thăm (chốt trước khi đo)" in render_tests_html(case, "vi", 1, ZONE)
    assert [str(one.figure.evidence) for result in results_of(register) for one in result.amounts] == [
        "measured"
    ]
