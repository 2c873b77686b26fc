"""What a person decides about an event counts, is registered, and both figures are shown."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis import KINDS, Interval, Refusal
from audit import FrozenBaseline, VerifiedSaving
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
