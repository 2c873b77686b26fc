"""Options A and B in the register: tests are frozen and verified, and a verifier finds all that the saving stands on."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Refusal
from analysis.isolation import Side, Stated, compare_tests, scale_to_year, siegert_efficiency, steady_runs
from analysis.metrology import Accuracy, Instrument
from audit import Money, Option, Register
from audit._isolated_read import files_beside
from audit._test_sources import source_of
from audit.benefits import results_of
from audit.isolated import Agreed, IsolatedPlan, IsolatedSaving, ReadAs, Tool
from dodac.cli import main
from dodac.clock import ManualClock, parse_time_ns
from dodac.errors import ConfigError, DataError, IntegrityError

ZONE = "Asia/Ho_Chi_Minh"
LIMITS = {"o2_pct": 0.3, "t_flue_c": 2.0, "t_air_c": 1.0}
GAS = Agreed(
    "gas_2025", 78_000.0, 3_000.0, "Nm3", "gas bills 2025", "Lan (plant), Minh (auditor)", "2026-02-20"
)


def boiler(day: str, o2: float, flue: float, seed: int, hours: tuple[int, ...] = (9, 10, 11)) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    pieces = []
    for hour in hours:
        index = pd.date_range(f"{day} {hour}:00", periods=24, freq="30s")
        pieces.append(
            pd.DataFrame(
                {
                    "o2_pct": o2 + draw.normal(0, 0.1) + draw.normal(0, 0.02, 24),
                    "t_flue_c": flue + draw.normal(0, 1.0) + draw.normal(0, 0.3, 24),
                    "t_air_c": 30.0,
                    "load": 4.0 + draw.normal(0, 0.02, 24),
                },
                index=index,
            )
        )
    return pd.concat(pieces)


BEFORE, AFTER = boiler("2026-03-02", 8.0, 240.0, 1), boiler("2026-04-02", 4.0, 215.0, 2)


@pytest.fixture
def plan() -> IsolatedPlan:
    return IsolatedPlan(
        id="tune-plan", option="boiler-trim", ipmvp_option="A", test="pair", kind="boiler", fuel="natural_gas",
        resource="natural_gas", unit="Nm3", boundary_en="boiler 1", boundary_vi="lò hơi 1", zone=ZONE,
        blackout=("2026-03-09", "2026-03-10"), reporting=("2026-04-01", "2027-03-31"),
        instruments=tuple(Tool("SN0815", channel, limit, drift=0.1) for channel, limit in LIMITS.items()),
        agreed=(GAS,), price=Money(12_000.0, "VND", "2026-03-01"),
    )  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(parse_time_ns("2026-02-25", ZONE))


@pytest.fixture
def register(tmp_path: Path, clock: ManualClock, option: Option) -> Register:
    found = Register(tmp_path / "data" / "register.db", clock)
    found.add_option(option)
    return found


def given(tmp_path: Path, name: str, frame: pd.DataFrame):
    frame.to_csv(tmp_path / name, index_label="time")
    return [source_of(str(tmp_path / name), "--test")]


@pytest.fixture
def verified(register: Register, plan: IsolatedPlan, tmp_path: Path, clock: ManualClock) -> IsolatedSaving:
    register.isolated.add_plan(plan)
    register.isolated.freeze(plan.id, given(tmp_path, "before.csv", BEFORE), ReadAs(), None)
    clock.advance(60 * 86_400.0)
    found = register.isolated.verify(plan.id, given(tmp_path, "after.csv", AFTER), ReadAs(), None)
    assert isinstance(found, IsolatedSaving), found
    return found


def test_the_register_keeps_the_saving_that_analysis_gives(verified: IsolatedSaving):
    tools = tuple(Instrument("SN0815", name, Accuracy(limit), drift=0.1) for name, limit in LIMITS.items())
    sides = [Side(steady_runs(frame, "boiler"), tools) for frame in (BEFORE, AFTER)]
    pair = compare_tests(*sides, siegert_efficiency("natural_gas"))
    year = scale_to_year(pair, Stated(78_000.0, 3_000.0, "gas bills 2025", "Nm3"), unit="Nm3")
    assert verified.saving == pytest.approx(year.saving)
    assert verified.half_width == pytest.approx(year.uncertainty.half_width)
    assert verified.coverage_factor == pytest.approx(year.budget.k)
    assert verified.share == pytest.approx(pair.fraction)
    assert verified.money.amount == pytest.approx(12_000.0 * year.saving)
    assert sum(line.share for line in verified.budget) == pytest.approx(1.0)


def test_a_verifier_finds_runs_files_agreed_figures_and_class_in_the_entry(
    verified: IsolatedSaving, register: Register, tmp_path: Path
):
    [frozen] = register.isolated.baselines()
    for test, name in ((frozen.test, "before.csv"), (verified.test, "after.csv")):
        [source] = test.sources
        assert (source.name, source.sha256) == (
            name,
            hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
        )
        assert [run.samples for run in test.runs] == [20, 20, 20]
    assert frozen.test.runs[0].start == "2026-03-02T09:00:00+07:00"
    assert register.isolated.plan_of(verified).agreed == (GAS,)
    assert (verified.evidence_class, verified.confidence) == ("measured", 0.9)
    assert [finding.code for finding in verified.findings] == ["period_ahead"]


def test_a_saving_mostly_agreed_is_an_estimate_and_no_measurement(register, plan, tmp_path, clock):
    wide = replace(plan, agreed=(replace(GAS, plus_minus=20_000.0),))
    register.isolated.add_plan(wide)
    register.isolated.freeze(plan.id, given(tmp_path, "before.csv", BEFORE), ReadAs(), None)
    clock.advance(60 * 86_400.0)
    found = register.isolated.verify(plan.id, given(tmp_path, "after.csv", AFTER), ReadAs(), None)
    assert (found.evidence_class, found.stipulated_share > 0.5) == ("estimated", True)


def test_years_later_the_case_is_computed_again_without_the_technicians_files(
    verified: IsolatedSaving, register: Register, tmp_path: Path
):
    for name in ("before.csv", "after.csv"):
        (tmp_path / name).unlink()
    case = register.isolated.case(verified.id, None)
    assert (case.verified, case.plan.id) == (verified, "tune-plan")
    assert register.isolated.verify("tune-plan", (), ReadAs(), None) == verified


def test_a_changed_or_lost_file_is_found(verified: IsolatedSaving, register: Register):
    kept = files_beside(register.path) / f"{verified.test.sources[0].sha256}.csv"
    text = kept.read_text()
    kept.write_text(text.replace("2026-04-02 09:00:30", "2026-04-02 09:00:31"))
    with pytest.raises(IntegrityError, match="not the one that was read"):
        register.isolated.case(verified.id, None)
    kept.unlink()
    with pytest.raises(IntegrityError, match="gone"):
        register.isolated.verify("tune-plan", (), ReadAs(), None)


def test_a_plan_corrected_after_freezing_needs_a_new_frozen_test(register, plan, tmp_path):
    register.isolated.add_plan(plan)
    before = given(tmp_path, "before.csv", BEFORE)
    register.isolated.freeze(plan.id, before, ReadAs(), None)
    register.isolated.add_plan(replace(plan, confidence=0.95), why="the programme's level")
    after = given(tmp_path, "after.csv", AFTER)
    with pytest.raises(DataError, match="corrected after"):
        register.isolated.verify(plan.id, after, ReadAs(), None)
    with pytest.raises(DataError, match="frozen test already"):
        register.isolated.freeze(plan.id, before, ReadAs(), None)
    register.isolated.freeze(plan.id, before, ReadAs(), None, why="plan corrected")
    assert register.isolated.verify(plan.id, after, ReadAs(), None).confidence == 0.95


def test_too_few_runs_and_a_test_during_the_works_are_no_baseline(register, plan, tmp_path):
    register.isolated.add_plan(plan)
    few = given(tmp_path, "few.csv", boiler("2026-03-02", 8.0, 240.0, 1, (9, 10)))
    found = register.isolated.freeze(plan.id, few, ReadAs(), None)
    assert isinstance(found, Refusal)
    assert found.code == "too_few_runs"
    during = given(tmp_path, "during.csv", boiler("2026-03-09", 8.0, 240.0, 1))
    with pytest.raises(DataError, match="the works of 2026-03-09"):
        register.isolated.freeze(plan.id, during, ReadAs(), None)
    assert not register.isolated.baselines()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"agreed": ()}, "saved share is no energy"),
        ({"agreed": (replace(GAS, plus_minus=0.0),)}, "no uncertainty"),
        ({"agreed": (replace(GAS, by=" "),)}, "by is empty"),
        ({"agreed": (replace(GAS, unit="MWh"),)}, "is in MWh"),
        ({"ipmvp_option": "B"}, "option A"),
        ({"fuel": ""}, "needs its fuel"),
        ({"unit": "kWh"}, "no unit of natural gas"),
        ({"instruments": ()}, "nothing says how wrong o2_pct"),
        ({"instruments": (Tool("X", "o2_pct"),)}, "limits of error"),
        ({"blackout": ("2026-03-09", "2026-04-10")}, "after the reporting period"),
        ({"test": "pear"}, 'there is no "pear"'),
        ({"test": "formula", "formula": "open('x')", "measured": {}}, "more in it than"),
        ({"test": "formula", "formula": "a * gas_2025", "measured": {}}, "neither measured nor agreed"),
        ({"test": "formula", "formula": "1+" * 400 + "1", "measured": {}}, "801 characters"),
        ({"test": "formula", "formula": "9" * 480, "measured": {}}, '"gas_2025"'),
        ({"agreed": (replace(GAS, value=float("nan")),)}, "nan is no amount"),
        ({"confidence": float("nan")}, "between 0.5 and 0.99"),
        ({"instruments": (Tool("X", "o2_pct", drift=float("inf"), limit=1.0),)}, "a drift of inf"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_by_its_key(register, plan, change, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        register.isolated.add_plan(replace(plan, **change))


def compressor(day: str, power: float, flow: float, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    index = pd.DatetimeIndex(
        np.concatenate(
            [pd.date_range(f"{day} {hour}:00", periods=24, freq="30s") for hour in (9, 10, 11, 13)]
        )
    )
    return pd.DataFrame(
        {
            "power_kw": power + draw.normal(0, 0.3, len(index)),
            "flow_nm3_min": flow + draw.normal(0, 0.05, len(index)),
        },
        index=index,
    )


def of_compressor(plan: IsolatedPlan, **changes: object) -> IsolatedPlan:
    return replace(
        plan, id="leaks-plan", kind="compressor", fuel="", resource="electricity", unit="kWh", test="formula",
        formula="(kw_before / flow_before - kw_after / flow_after) * air",
        measured={
            "kw_before": ("before", "power_kw"), "kw_after": ("after", "power_kw"),
            "flow_before": ("before", "flow_nm3_min"), "flow_after": ("after", "flow_nm3_min"),
        },
        instruments=(Tool("EM4", "power_kw", limit_pct=1.0, drift=0.0), Tool("FM1", "flow_nm3_min", limit_pct=2.0, drift=0.0)),
        agreed=(Agreed("air", 50_000.0, 5_000.0, "Nm3·h/min", "production plan", "Lan, Minh", "2026-02-20"),),
        **changes,
    )  # fmt: skip


def test_option_a_by_a_formula_is_the_sum_done_by_hand(register, plan, tmp_path, clock):
    register.isolated.add_plan(of_compressor(plan))
    register.isolated.freeze(
        "leaks-plan", given(tmp_path, "b.csv", compressor("2026-03-02", 75.0, 10.0, 1)), ReadAs(), None
    )
    clock.advance(60 * 86_400.0)
    found = register.isolated.verify(
        "leaks-plan", given(tmp_path, "a.csv", compressor("2026-04-02", 66.0, 10.0, 2)), ReadAs(), None
    )
    # (7.5 − 6.6) kW/(Nm³/min) × 50 000; air ±10 % rectangular, meters 1 and 2 % of the difference
    assert found.saving == pytest.approx(45_000.0, rel=0.02)
    standard = 45_000.0 * np.hypot(0.1, np.hypot(0.01, 0.02)) / np.sqrt(3.0)
    assert found.half_width / found.coverage_factor == pytest.approx(standard, rel=0.05)
    assert found.before is None
    assert register.isolated.case(found.id, None).verified == found


def test_option_b_agrees_nothing_and_is_verified(register, plan, tmp_path, clock):
    plan_b = of_compressor(plan, ipmvp_option="B", boundary_en="compressor")
    with pytest.raises(ConfigError, match="option B measures every figure"):
        register.isolated.add_plan(plan_b)
    register.isolated.add_plan(
        replace(
            plan_b, agreed=(), formula="(kw_before - kw_after) * 24 * 365",
            measured={key: plan_b.measured[key] for key in ("kw_before", "kw_after")},
        )
    )  # fmt: skip
    register.isolated.freeze(
        "leaks-plan", given(tmp_path, "b.csv", compressor("2026-03-02", 75.0, 10.0, 1)), ReadAs(), None
    )
    clock.advance(60 * 86_400.0)
    found = register.isolated.verify(
        "leaks-plan", given(tmp_path, "a.csv", compressor("2026-04-02", 66.0, 7.0, 2)), ReadAs(), None
    )
    assert found.evidence_class == "verified"
    assert found.stipulated_share == 0.0
    assert "loads_differ" in [finding.code for finding in found.findings]


def test_the_benefit_table_shows_it_with_its_own_class_and_never_twice(verified, register, plan):
    [result] = results_of(register)
    [amount] = result.amounts
    assert (amount.resource, str(amount.figure.evidence)) == ("natural_gas", "measured")
    assert amount.figure.value == pytest.approx(verified.saving)


def test_commands_for_meters_say_that_a_plan_goes_by_tests(verified, register, tmp_path, capsys):
    with pytest.raises(DataError, match="plan of tests"):
        register.plan("tune-plan")
    place = ["--register", str(register.path), "--journal", str(tmp_path / "none.db")]
    for words in (
        ["freeze", "tune-plan", "--test", str(tmp_path / "no.csv")],
        ["verify", "tune-plan", "--test", "x"],
    ):
        assert main(["audit", *words, *place]) == 2
        assert "Traceback" not in capsys.readouterr().err


def test_a_register_written_before_tests_were_entries_opens_unchanged(register, option):
    assert register.isolated.plans() == register.isolated.savings() == ()
    assert register.options()[0].id == option.id
    with pytest.raises(DataError, match="no test plan"):
        register.isolated.freeze("tune-plan", (), ReadAs(), None)


PLAN = """id = "tune-plan"
option = "boiler-trim"
ipmvp_option = "A"
test = "pair"
kind = "boiler"
fuel = "natural_gas"
resource = "natural_gas"
unit = "Nm3"
boundary_en = "boiler 1"
boundary_vi = "lò hơi 1"
zone = "Asia/Ho_Chi_Minh"
reporting = ["2026-04-01", "2027-03-31"]
[[instruments]]
id = "SN0815"
channel = "o2_pct"
profile = "en-50379-2"
[[instruments]]
id = "SN0815"
channel = "t_flue_c"
limit = 2.0
[[instruments]]
id = "SN0815"
channel = "t_air_c"
limit_pct = 3.0
[[agreed]]
name = "gas_2025"
value = 78000
plus_minus = 3000
unit = "Nm3"
basis = "gas bills 2025"
by = "Lan, Minh"
at = 2026-02-20
"""


def test_on_the_command_line_from_plan_to_case(register, tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    BEFORE.to_csv(tmp_path / "before.csv", index_label="time")
    AFTER.to_csv(tmp_path / "after.csv", index_label="time")
    place = ["--register", str(register.path), "--journal", str(tmp_path / "none.db")]
    assert main(["audit", "add-plan", str(tmp_path / "plan.toml"), *place]) == 0
    assert main(["audit", "freeze", "tune-plan", *place]) == 2
    assert "--test FILE" in capsys.readouterr().err
    assert main(["audit", "freeze", "tune-plan", "--test", str(tmp_path / "before.csv"), *place]) == 0
    assert main(["audit", "verify", "tune-plan", "--test", str(tmp_path / "after.csv"), *place]) == 0
    assert "agreed by Lan, Minh on 2026-02-20" in capsys.readouterr().out
    assert main(["audit", "case", "tune-plan-s1", *place, "--language", "vi"]) == 0
    assert "Phép đo trước khi thực hiện giải pháp" in capsys.readouterr().out
    assert main(["audit", "list", *place]) == 0
    assert "tune-plan-s1  3,1" in capsys.readouterr().out
    assert main(["audit", "show", "tune-plan-s1", *place]) == 0
    assert json.loads(capsys.readouterr().out)[0]["body"]["test"]["sources"][0]["name"] == "after.csv"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("plus_minus = 3000", "plusminus = 3000", 28),
        ("limit = 2.0", 'limit = "two"', 20),
        ('kind = "boiler"', 'kind = "boilr"', 5),
        ("value = 78000", "value = 1" + "0" * 400, 27),
    ],
)
def test_a_slip_in_the_plan_is_told_with_its_line(tmp_path, old, new, line, register, capsys):
    (tmp_path / "plan.toml").write_text(PLAN.replace(old, new), encoding="utf-8")
    place = ["--register", str(register.path), "--journal", str(tmp_path / "none.db")]
    assert main(["audit", "add-plan", str(tmp_path / "plan.toml"), *place]) == 2
    assert f"plan.toml:{line}" in capsys.readouterr().err
