"""What a person decides about an event counts, is registered, and both figures are shown."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis import KINDS, Interval, Refusal
from analysis.events.detection import Detection
from audit import FrozenBaseline, VerifiedSaving
from audit._events_cli import events_of
from audit.decisions import Decision
from audit.planfile import read_decision
from dodac.cli import main
from dodac.errors import ConfigError, DataError
from dodac.samples import Layout
from store import Journal, JournalStore

OVENS = Layout("ovens", ("energy_interval_kwh",))


def decision(**changes: object) -> Decision:
    base = Decision(
        id="ovens", plan="trim-plan", by="Lan", at="2025-02-03", why="four test ovens were hired",
        method="engineering", period="reporting", start="2024-06-01", end="2024-06-30",
        amount=9000.0, half_width=600.0, evidence="invoice 117",
    )  # fmt: skip
    return replace(base, **changes)


@pytest.fixture
def ready(register, option, plan):
    plan = replace(plan, static_factors=(("lines", "1", "3"),))
    register.add_option(option)
    register.add_plan(plan)
    return register


def verified(result):
    assert isinstance(result, VerifiedSaving)
    return result


def test_an_engineering_amount_is_added_with_its_uncertainty_and_both_savings_are_kept(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    before = verified(ready.verify(plan.id, store))
    assert (before.unadjusted, before.decisions) == (None, ())
    ready.add_decision(decision())
    after = verified(ready.verify(plan.id, store))
    assert after.saving == pytest.approx(before.saving + 9000.0)
    assert after.unadjusted == pytest.approx(before.saving)
    assert after.half_width == pytest.approx((before.half_width**2 + 600.0**2) ** 0.5, rel=1e-6)
    assert len(after.decisions) == 1
    # both can be shown again, each with the decisions of its own time
    assert ready.case(before.id, store).savings.saving == pytest.approx(before.saving)
    assert ready.case(after.id, store).savings.saving == pytest.approx(after.saving)


def test_a_corrected_decision_leaves_the_earlier_saving_as_it_was(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(decision())
    first = verified(ready.verify(plan.id, store))
    with pytest.raises(DataError, match="already"):
        ready.add_decision(decision(amount=5000.0))
    ready.add_decision(decision(amount=5000.0), why="the invoice was for fewer days")
    second = verified(ready.verify(plan.id, store))
    assert first.saving - second.saving == pytest.approx(4000.0)
    assert ready.case(first.id, store).savings.saving == pytest.approx(first.saving)


def test_an_excluded_event_counts_on_neither_side(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(decision(method="exclude", amount=0.0, half_width=None))
    assert verified(ready.verify(plan.id, store)).excluded == 30


def test_a_decision_about_the_baseline_needs_another_baseline(ready, plan, store):
    first = ready.freeze_baseline(plan.id, store)
    ready.add_decision(
        decision(method="indicator", period="baseline", start="2023-05-01", end="2023-05-31", half_width=None)
    )
    with pytest.raises(DataError, match="changed after trim-plan-b1 was frozen"):
        ready.verify(plan.id, store)
    second = ready.freeze_baseline(plan.id, store, why="an event was found")
    assert isinstance(first, FrozenBaseline)
    assert isinstance(second, FrozenBaseline)
    assert "driver.event.ovens" in second.terms
    assert len(second.decisions) == 1
    saving = verified(ready.verify(plan.id, store))
    assert ready.case(saving.id, store).savings.saving == pytest.approx(saving.saving)


def test_a_submeter_says_what_was_added(ready, plan, store, journal_path, write):
    days = pd.date_range("2024-06-01", periods=30, freq="D", tz="Asia/Ho_Chi_Minh").tz_convert("UTC")
    with Journal.open(journal_path) as journal:
        journal.layout(OVENS)
        span = 86_400 * 10**9
        items = [
            ("t", OVENS.sample(day.value + span // 2, {"energy_interval_kwh": 200.0}, span_ns=span))
            for day in days.as_unit("ns")
        ]
        journal.commit(items)
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(
        decision(
            method="submeter",
            meter="ovens:energy_interval_kwh",
            uncertainty=0.02,
            amount=0.0,
            half_width=None,
        )
    )
    saving = verified(ready.verify(plan.id, JournalStore(journal_path)))
    assert saving.unadjusted is not None
    assert saving.saving - saving.unadjusted == pytest.approx(6000.0)
    submeter = ready.decisions(plan.id)[0]
    ready.add_decision(replace(submeter, end="2024-07-05"), why="they stayed longer")
    refused = ready.verify(plan.id, JournalStore(journal_path))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.data["missing"]) == ("submeter_incomplete", 5)
    ready.add_decision(replace(submeter, meter="oven:energy_interval_kwh"), why="the other meter")
    with pytest.raises(DataError, match="oven"):
        ready.verify(plan.id, JournalStore(journal_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "2022-01-01", "end": "2022-02-01"}, "outside the reporting period"),
        ({"method": "guess"}, "no method"),
        ({"half_width": None}, "its ±"),
        ({"factor": "shifts", "value": "2"}, "no static factor"),
        ({"method": "submeter", "meter": "ovens", "uncertainty": 0.02}, "instrument:channel"),
        ({"by": ""}, '"by"'),
        ({"id": "two words"}, "one word"),
    ],
)
def test_a_decision_that_can_not_be_carried_out_is_refused(ready, changes, words):
    with pytest.raises(ConfigError, match=words):
        ready.add_decision(decision(**changes))


def test_a_decision_of_no_plan_is_refused(ready):
    with pytest.raises(DataError, match="no plan"):
        ready.add_decision(decision(plan="other"))


TOML = """id = "ovens"
plan = "trim-plan"
by = "Lan"
at = 2025-02-03
why = "four test ovens were hired"
method = "engineering"
period = "reporting"
start = 2024-06-01
end = 2024-06-30
amount = 9000
half_width = 600
factor = "lines"
value = "4"
"""


def test_events_and_decisions_from_the_command_line(ready, plan, journal_path, tmp_path, capsys):
    path = tmp_path / "ovens.toml"
    path.write_text(TOML, encoding="utf-8")
    assert read_decision(path).amount == 9000.0
    words = ["--journal", str(journal_path), "--register", str(ready.path)]
    assert main(["audit", "add-decision", str(path), *words]) == 0
    assert main(["audit", "freeze", plan.id, *words]) == 0
    capsys.readouterr()
    assert main(["audit", "events", plan.id, *words]) == 0
    said = capsys.readouterr().out
    assert "Events in the baseline" in said
    assert "Events in the reporting period" in said
    assert main(["audit", "events", plan.id, *words, "--json", "--language", "vi"]) == 0
    assert '"baseline"' in capsys.readouterr().out
    path.write_text(TOML.replace('method = "engineering"', 'method = "enginering"'), encoding="utf-8")
    assert main(["audit", "add-decision", str(path), *words]) == 2
    assert "ovens.toml:6:" in capsys.readouterr().err


DAILY = [kind.id for kind in KINDS.values() if Interval.DAY in kind.intervals]


@pytest.mark.parametrize("kind", [*DAILY, "auto"])
def test_a_baseline_of_every_kind_is_frozen_and_verified(register, option, plan, store, kind):
    plan = replace(plan, model=kind)
    register.add_option(option)
    register.add_plan(plan)
    if kind == "ratio":
        with pytest.raises(ConfigError, match="needs one driver"):
            register.freeze_baseline(plan.id, store)
        return
    frozen = register.freeze_baseline(plan.id, store)
    if kind in ("hdd", "cdd", "hdd-cdd"):
        # where no balance point lies within the temperatures, a refusal is the answer
        assert isinstance(frozen, FrozenBaseline | Refusal)
        if isinstance(frozen, Refusal):
            return
    assert isinstance(frozen, FrozenBaseline)
    saving = verified(register.verify(plan.id, store))
    assert register.case(saving.id, store).savings.saving == pytest.approx(saving.saving)
    assert saving.half_width > 0


def test_files_that_hold_other_keys_are_refused(tmp_path: Path):
    path = tmp_path / "d.toml"
    path.write_text(TOML + "amout = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match='"amout"'):
        read_decision(path)


def test_an_event_of_the_baseline_with_its_own_column_leaves_reporting_events_to_be_seen(ready, plan, store):
    ready.add_decision(
        decision(method="indicator", period="baseline", start="2023-05-01", end="2023-05-31", half_width=None)
    )
    found = events_of(ready, plan.id, store)
    assert all(isinstance(one, Detection) for one in found.values())
    assert set(found) == {"baseline", "reporting"}


def test_events_are_looked_for_before_anything_was_reported(ready, plan, store):
    ready.add_plan(replace(plan, id="later", reporting=("2026-01-01", "2026-12-31")))
    assert set(events_of(ready, "later", store)) == {"baseline"}


def test_a_correction_never_moves_a_decision_to_another_plan(ready, plan, store):
    ready.add_plan(replace(plan, id="other"))
    ready.add_decision(decision())
    with pytest.raises(DataError, match='about plan "trim-plan" already'):
        ready.add_decision(decision(plan="other"), why="meant the other")
    assert len(ready.decisions(plan.id)) == 1


def test_a_correction_word_for_word_the_same_counts_once(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(decision())
    ready.add_decision(decision(), why="signed again")
    saving = verified(ready.verify(plan.id, store))
    assert ready.case(saving.id, store).savings.saving == pytest.approx(saving.saving)


def test_the_saving_with_everything_in_stands_beside_one_with_an_event_left_out(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    whole = verified(ready.verify(plan.id, store))
    ready.add_decision(decision(method="exclude", amount=0.0, half_width=None))
    part = verified(ready.verify(plan.id, store))
    assert part.unadjusted == pytest.approx(whole.saving)
    assert part.saving < whole.saving
    ready.add_decision(decision(id="hall", start="2024-08-01", end="2024-08-07", amount=1000.0))
    both = verified(ready.verify(plan.id, store))
    assert both.unadjusted == pytest.approx(whole.saving)
    assert both.saving == pytest.approx(part.saving + 1000.0)
    ready.add_decision(
        decision(id="look", method="none", amount=0.0, half_width=None, start="2024-10-01", end="")
    )
    assert verified(ready.verify(plan.id, store)).saving == pytest.approx(both.saving)


def test_amounts_for_days_left_out_or_counted_twice_are_refused(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(decision())
    ready.add_decision(
        decision(
            id="out", method="exclude", amount=0.0, half_width=None, start="2024-06-20", end="2024-07-02"
        )
    )
    refused = ready.verify(plan.id, store)
    assert isinstance(refused, Refusal)
    assert refused.code == "decisions_overlap"


def test_another_week_is_a_decision_that_can_be_verified_again(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    week = (("sunday", "wednesday"), ("wednesday", "sunday"))
    ready.add_decision(
        decision(method="calendar", amount=0.0, half_width=None, week=week, start="2024-06-01", end="")
    )
    saving = verified(ready.verify(plan.id, store))
    # the plant did not change its rest day, and there were as many Sundays as Wednesdays
    assert abs(saving.saving - saving.unadjusted) < 1500.0
    assert saving.saving != saving.unadjusted
    assert ready.case(saving.id, store).savings.saving == pytest.approx(saving.saving)
    assert ready.decisions(plan.id)[0].week == week


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "submeter", "meter": "weather:temperature_c", "uncertainty": 0.02}, "is in degC"),
        ({"method": "submeter", "meter": "ovens:energy_kw", "uncertainty": 0.02}, "no channel"),
        (
            {"method": "submeter", "meter": "ovens:energy_interval_kwh", "uncertainty": float("inf")},
            "relative",
        ),
        ({"half_width": float("inf")}, "its ±"),
        ({"factor": "lines"}, "belong together"),
        ({"start": "20240601"}, "no date"),
        ({"end": "2024-06-30 and more"}, "no date"),
        ({"method": "calendar"}, "belong together"),
        ({"week": (("sunday", "friday"),)}, "belong together"),
        ({"method": "calendar", "week": (("sonday", "friday"),)}, 'mean "sunday"'),
        ({"method": "calendar", "week": (("sunday", "friday"), ("sunday", "monday"))}, "twice"),
    ],
)
def test_a_decision_whose_amount_could_not_be_added_is_refused_at_once(ready, changes, words):
    with pytest.raises(ConfigError, match=words):
        ready.add_decision(decision(**changes))


def test_who_decided_and_why_stands_beside_the_figure(ready, plan, store):
    ready.freeze_baseline(plan.id, store)
    ready.add_decision(decision())
    ready.add_decision(
        decision(
            id="out", method="exclude", amount=0.0, half_width=None, start="2024-08-01", end="2024-08-03"
        )
    )
    found = {finding.code: finding for finding in verified(ready.verify(plan.id, store)).findings}
    assert "four test ovens were hired (Lan, 2025-02-03)" in found["adjusted"].en
    assert "loại khỏi kỳ từ 2024-08-01 đến 2024-08-03" in found["event_excluded"].vi


def test_a_time_of_day_is_not_cut_off_in_silence(tmp_path: Path):
    path = tmp_path / "d.toml"
    path.write_text(TOML.replace("start = 2024-06-01", "start = 2024-06-01T12:00:00"), encoding="utf-8")
    with pytest.raises(ConfigError, match="without a time"):
        read_decision(path)


def test_the_week_is_read_from_a_file(tmp_path: Path):
    path = tmp_path / "d.toml"
    text = TOML.replace('method = "engineering"', 'method = "calendar"')
    path.write_text(text + 'week = { wednesday = "sunday", sunday = "wednesday" }\n', encoding="utf-8")
    assert read_decision(path).week == (("wednesday", "sunday"), ("sunday", "wednesday"))
    path.write_text(text + 'week = "sunday"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match='"week"'):
        read_decision(path)


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1" + "0" * 400])
def test_an_amount_that_is_no_number_is_refused_with_its_line(tmp_path, number):
    path = tmp_path / "decision.toml"
    words = 'id = "d"\nplan = "p"\nby = "N"\nat = "2024-08-01"\nwhy = "w"\nmethod = "exclude"\nperiod = "reporting"\n'
    path.write_text(f'{words}start = "2024-05-01"\nhalf_width = {number}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"decision.toml:9: .*write a number"):
        read_decision(path)
