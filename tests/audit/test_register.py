"""The register keeps what was written, in the order it was written, and notices any change."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from analysis import Refusal
from audit import FrozenBaseline, Money, Register, VerifiedSaving
from audit.canonical import plain
from audit.periods import window_ns
from dodac.clock import DAY_NS, parse_time_ns
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, DataError, IntegrityError, StorageError
from dodac.samples import Layout

ZONE = "Asia/Ho_Chi_Minh"
MAIN = Layout("main", ("energy_interval_kwh",))


@pytest.fixture
def frozen(register, option, plan, store) -> FrozenBaseline:
    register.add_option(option)
    register.add_plan(plan)
    baseline = register.freeze_baseline(plan.id, store)
    assert isinstance(baseline, FrozenBaseline)
    return baseline


def verified(result) -> VerifiedSaving:
    assert isinstance(result, VerifiedSaving), result
    return result


def test_what_is_registered_comes_back_the_same(register, option, plan, clock):
    kept_option, kept_plan = register.add_option(option), register.add_plan(plan)
    again = Register(register.path, clock)
    assert again.options() == (kept_option,)
    assert again.plans() == (kept_plan,)
    assert kept_plan.registered_ns == clock.now_ns()
    assert again.option(option.id).investment == Money(250e6, "VND", "2023-11-01")


def test_an_empty_register_is_no_error_and_makes_no_file(register):
    assert register.options() == register.plans() == register.baselines() == register.savings() == ()
    assert not register.path.exists()


def test_a_plan_without_its_option_is_refused(register, plan, option):
    with pytest.raises(DataError, match='no option "boiler-trim"'):
        register.add_plan(plan)
    register.add_option(option)
    with pytest.raises(DataError, match='Did you mean "boiler-trim"'):
        register.add_plan(replace(plan, option="boiler-trm"))


def test_an_entry_is_never_changed_but_corrected_by_a_new_one(register, option):
    register.add_option(option)
    with pytest.raises(DataError, match="already"):
        register.add_option(replace(option, status="dropped"))
    register.add_option(replace(option, status="dropped"), why="stopped by the company")
    first, second = register.entries()
    assert (second.version, second.why, second.corrects) == (2, "stopped by the company", first.digest)
    assert [found.status for found in register.options()] == ["dropped"]


def test_the_saving_is_verified_against_the_frozen_baseline(register, plan, store, frozen, clock):
    assert frozen.id == "trim-plan-b1"
    assert frozen.statistics.r2 > 0.95
    assert frozen.evidence[0].samples == 365
    clock.advance(500 * 86_400)
    result = verified(register.verify(plan.id, store))
    truth = 0.1 / 0.9 * result.measured
    assert abs(result.saving - truth) < result.half_width
    assert result.money == Money(result.saving * 1899.0, "VND", "2024-01-01")
    assert result.money_half_width == pytest.approx(result.half_width * 1899.0)
    assert (result.intervals, result.excluded, result.baseline) == (366, 0, frozen.id)
    assert {item.instrument: item.samples for item in result.evidence} == {"main": 366, "weather": 366}
    assert register.savings() == (result,)
    assert {finding.code for finding in result.findings}.isdisjoint({"plan_late", "baseline_late"})


def test_verifying_again_with_nothing_changed_gives_the_same_entry(register, plan, store, frozen, clock):
    first = verified(register.verify(plan.id, store))
    clock.advance(3600)
    assert register.verify(plan.id, store) == first
    assert len(register.savings()) == 1


def test_a_plan_that_came_after_the_fact_says_so(register, option, plan, store, clock):
    clock.advance(400 * 86_400)
    register.add_option(option)
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    codes = {finding.code for finding in verified(register.verify(plan.id, store)).findings}
    assert codes >= {"plan_late", "baseline_late"}


def test_no_saving_without_a_frozen_baseline(register, option, plan, store):
    register.add_option(option)
    register.add_plan(plan)
    with pytest.raises(DataError, match="no frozen baseline"):
        register.verify(plan.id, store)


def test_a_baseline_whose_readings_changed_is_not_used(register, plan, store, frozen, write):
    # a reading of 2023 comes in later: the day is claimed twice
    noon = parse_time_ns("2023-06-07T13:00", ZONE)
    write(MAIN.sample(noon, {"energy_interval_kwh": 1.0}, span_ns=DAY_NS))
    with pytest.raises(IntegrityError, match="not those that baseline"):
        register.verify(plan.id, store)
    again = register.freeze_baseline(plan.id, store, why="late reading found")
    assert isinstance(again, FrozenBaseline)
    assert again.id == "trim-plan-b2"
    assert again.statistics.n == 364
    assert verified(register.verify(plan.id, store)).baseline == "trim-plan-b2"


def test_a_second_baseline_needs_a_reason(register, plan, store, frozen):
    with pytest.raises(DataError, match="already"):
        register.freeze_baseline(plan.id, store)
    assert register.baselines() == (frozen,)


def test_a_corrected_plan_needs_a_new_baseline(register, plan, store, frozen):
    register.add_plan(replace(plan, confidence=0.8), why="programme's level")
    with pytest.raises(DataError, match="corrected after"):
        register.verify(plan.id, store)


def test_a_refused_baseline_is_not_registered(register, option, plan, store):
    register.add_option(option)
    register.add_plan(replace(plan, baseline=("2023-01-01", "2023-06-30")))
    refused = register.freeze_baseline(plan.id, store)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_few_days"
    assert register.baselines() == ()


def test_excluded_days_count_in_neither_period(register, option, plan, store):
    register.add_option(option)
    out = (("2023-03-01", "2023-03-10", "flood"), ("2024-06-01", "2024-06-03", "meter exchanged"))
    register.add_plan(replace(plan, exclude=out))
    baseline = register.freeze_baseline(plan.id, store)
    assert isinstance(baseline, FrozenBaseline)
    assert baseline.statistics.n == 355
    assert verified(register.verify(plan.id, store)).excluded == 3


def test_the_case_shows_the_registered_figures(register, plan, store, frozen, write):
    start_ns, _ = window_ns(ZONE, ("2024-05-01", "2024-05-01"))
    gap = Event(start_ns, EventKind.GAP, "meter away", instrument="main", end_ns=start_ns + DAY_NS // 2)
    write(gap, replace(gap, instrument="someone-else"))
    saving = verified(register.verify(plan.id, store))
    case = register.case(saving.id, store, {"main": {"serial number": "17110042"}, "other": {}})
    assert case.savings.saving == saving.saving
    assert case.savings.uncertainty.half_width == saving.half_width
    assert case.instruments == {"main": {"serial number": "17110042"}, "weather": {}}
    assert case.gaps == (("2024-05-01 00:00", "2024-05-01 12:00", "main: meter away"),)
    assert list(case.baseline_frame.columns) == ["measured", "model", "temperature", "used"]
    residual = case.baseline_frame["measured"] - case.baseline_frame["model"]
    assert float(np.sqrt((residual**2).sum() / (365 - frozen.statistics.p))) == pytest.approx(
        frozen.statistics.rmse
    )
    assert case.option.id == "boiler-trim"


def test_a_case_whose_readings_changed_is_not_shown(register, plan, store, frozen, write):
    saving = verified(register.verify(plan.id, store))
    noon = parse_time_ns("2024-06-07T13:00", ZONE)
    write(MAIN.sample(noon, {"energy_interval_kwh": 1.0}, span_ns=DAY_NS))
    with pytest.raises(IntegrityError, match="not those that saving"):
        register.case(saving.id, store)


def test_a_case_keeps_the_plan_its_baseline_was_frozen_for(register, plan, store, frozen):
    saving = verified(register.verify(plan.id, store))
    register.add_plan(replace(plan, boundary_en="boiler house"), why="wording")
    assert register.case(saving.id, store).plan.boundary_en == "whole plant"


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE entries SET body = replace(body, 'implemented', 'idea') WHERE kind = 'option'",
        "UPDATE entries SET registered_ns = registered_ns - 1 WHERE kind = 'plan'",
        "DELETE FROM entries WHERE kind = 'option'",
        "UPDATE entries SET why = 'because' WHERE seq = 2",
    ],
)
def test_a_changed_or_missing_entry_is_noticed(register, option, plan, spoil):
    register.add_option(option)
    register.add_plan(plan)
    with sqlite3.connect(register.path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(spoil)
    connection.close()
    connection = sqlite3.connect(register.path)
    connection.execute("DROP TRIGGER entries_stay")
    connection.execute("DROP TRIGGER entries_are_kept")
    connection.execute(spoil)
    connection.commit()
    connection.close()
    with pytest.raises(IntegrityError, match="is not what was registered"):
        register.plans()


def test_a_file_that_is_no_register_is_a_storage_fault(register, option):
    register.path.write_text("not a database, but long enough to be looked at as one" * 20, encoding="utf-8")
    with pytest.raises(StorageError, match="can't be used"):
        register.options()
    with pytest.raises(StorageError, match="can't be used"):
        register.add_option(option)


def test_a_register_of_a_newer_dodac_is_left_alone(register, option):
    register.add_option(option)
    connection = sqlite3.connect(register.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="newer dodac"):
        register.options()


def test_two_writers_never_break_the_chain(register, option):
    names = [f"option-{number}" for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: register.add_option(replace(option, id=name)), names))
    assert {found.id for found in register.options()} == set(names)
    assert len(register.entries()) == 24


WRITER = """
import sys
from pathlib import Path
from audit import _sql
for number in range(12):
    for register in range(6):
        with _sql.appending(Path(sys.argv[1]) / f"{register}.sqlite") as (rows, new):
            new.append(_sql.Row("option", f"{sys.argv[2]}-{number}", 1, "", "{}", "", "", "", "", 1))
"""


def test_processes_that_begin_a_register_at_once_all_write(tmp_path):
    # SQLite says "locked" at once while another connection turns a new file to WAL, or closes it as the last
    started = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name]) for name in "abcdef"]
    assert [process.wait(60) for process in started] == [0] * 6
    for register in range(6):
        with sqlite3.connect(tmp_path / f"{register}.sqlite") as db:
            assert db.execute("SELECT count(*) FROM entries").fetchone() == (72,)
        db.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "magic"}, "no model"),
        ({"zone": "Asia/Hanoi"}, "not a time zone"),
        ({"confidence": 90.0}, "confidence"),
        ({"energy": ("main", "power_w")}, "momentary"),
        ({"energy": ("main", "energy_kwh")}, "Did you mean"),
        ({"drivers": {}}, "needs a temperature"),
        ({"drivers": {"temperature": ("weather", "mass_kg")}}, "no temperature"),
        ({"baseline": ("2023-01-01", "2023-02-30")}, "not a date"),
        ({"baseline": ("2023-12-31", "2023-01-01")}, "is after"),
        ({"baseline": ("2023-01-01", "2024-02-01"), "blackout": None}, "baseline ends"),
        ({"blackout": ("2023-12-31", "2024-01-31")}, "lies in the"),
        ({"ipmvp_option": "E"}, "none of A, B, C"),
        ({"price": Money(0.0, "VND", "2024-01-01")}, "no price"),
        ({"id": "two words"}, "one word"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(register, option, plan, change, words):
    register.add_option(option)
    with pytest.raises(ConfigError, match=words):
        register.add_plan(replace(plan, **change))


def test_an_option_with_an_unknown_status_is_refused(register, option):
    with pytest.raises(ConfigError, match='Did you mean "implemented"'):
        register.add_option(replace(option, status="implement"))


def test_a_plan_of_an_earlier_dodac_still_holds_its_baseline(register, option, plan, store, monkeypatch):
    from audit import _chain

    def without_interval(entry: object) -> dict[str, object]:
        body = plain(entry)
        body.pop("interval", None)
        return body

    register.add_option(option)
    with monkeypatch.context() as patch:
        patch.setattr(_chain, "plain", without_interval)
        register.add_plan(plan)
    assert '"interval"' not in next(row.body for row in register.entries() if row.kind == "plan")
    register.freeze_baseline(plan.id, store)
    saving = verified(register.verify(plan.id, store))
    assert register.case(saving.id, store).plan.interval == "day"
