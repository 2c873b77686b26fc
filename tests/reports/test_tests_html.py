"""The report of a saving by tests: what was measured, what agreed and by whom, the ± with k, and the class."""

import re
from dataclasses import replace

import pytest

from analysis.results import Finding
from audit import Money, Option
from audit.isolated import (
    Agreed,
    BudgetLine,
    CountedRun,
    FrozenTest,
    IsolatedCase,
    IsolatedPlan,
    IsolatedSaving,
    ReadAs,
    ReadTest,
    TakenFrom,
    Tool,
)
from dodac.words import LANGUAGES, Language
from reports import headline_of_tests, render_tests_html

ZONE = "Asia/Ho_Chi_Minh"
SHA = "0bff91906a2c5e2170805a2e7490e2ab7edbc0768c4e429200a5c512a4b07f70"


def _test(name: str, day: str, o2: float) -> ReadTest:
    runs = tuple(
        CountedRun(f"{day}T{hour:02d}:00:00+07:00", f"{day}T{hour:02d}:09:30+07:00", 20, {"o2_pct": o2, "t_flue_c": 240.0, "load": 4.0})
        for hour in (9, 10, 11)
    )  # fmt: skip
    left = (Finding("unsteady", "O₂ moved by ±0.8.", "O₂ dao động ±0,8."),)
    return ReadTest((TakenFrom(name, None, SHA),), ReadAs(), runs, left, (), "d" * 64)


@pytest.fixture
def tested() -> IsolatedCase:
    plan = IsolatedPlan(
        id="tune-plan", option="tune", ipmvp_option="A", test="pair", kind="boiler", fuel="natural_gas",
        resource="natural_gas", unit="Nm3", boundary_en="boiler 1 & burner", boundary_vi="lò hơi 1", zone=ZONE,
        reporting=("2026-04-01", "2027-03-31"), instruments=(Tool("SN<0815>", "o2_pct", 0.3, drift=0.1), Tool("SN1", "t_flue_c", limit_pct=1.0)),
        agreed=(Agreed("gas_2025", 78_000.0, 3_000.5, "Nm3", "gas bills", "Lan, Minh", "2026-02-20"),),
        price=Money(12_000.0, "VND", "2026-03-01"),
    )  # fmt: skip
    saving = IsolatedSaving(
        id="tune-plan-s1", plan=plan.id, baseline="tune-plan-b1", verified_ns=1, start="2026-04-01", end="2027-03-31",
        unit="Nm3", ipmvp_option="A", saving=3_180.0, half_width=178.0, confidence=0.9, coverage_factor=1.66,
        stipulated_share=0.43, evidence_class="measured", test=_test("after.csv", "2026-04-02", 4.0),
        budget=(BudgetLine("agreed: gas_2025", 70.6, 0.43), BudgetLine("SN<0815>/o2_pct/class before", -61.9, 0.35), BudgetLine("scatter after", 34.0, 0.22)),
        findings=(Finding("period_ahead", "Not over.", "Chưa kết thúc."),), version="0.1.0", figure="efficiency",
        figure_unit="%", before=87.45, after=91.17, share=0.0408, share_half_width=0.0017, smallest_share=0.0017,
        money=Money(38_157_701.0, "VND", "2026-03-01"), money_half_width=2_140_000.0,
    )  # fmt: skip
    option = Option("tune", "Boiler tuned", "Chỉnh lò hơi", "acme", "p1", "boiler1", "implemented")
    frozen = FrozenTest("tune-plan-b1", plan.id, 1, "e" * 64, _test("before.csv", "2026-03-02", 8.0), "0.1.0")
    return IsolatedCase(option, plan, frozen, saving, {"analyser1": {"serial_number": "7"}})


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("</style>")[2]))


def test_a_reader_finds_the_saving_with_its_k_and_class_and_who_agreed_what(tested):
    text = _text(render_tests_html(tested, "en", 1, ZONE))
    for words in (
        "3,180 ± 180 Nm³", "coverage factor k = 1.66", "measured", "option A: the key parameter was measured",
        "gas_2025 78,000 ± 3,000.5 Nm³ gas bills Lan, Minh, 20 Feb 2026", "43 % of the variance",
        "87.45 → 91.17 %", "4.08 ± 0.17 %", "± 0.300 vol%", "± 1.00 % of reading", "not stated", SHA,
        "O₂ moved by ±0.8.", "Not over.", "agreed: gas_2025 70.6 43.0 %", "limits of error (before the measure)",
        "dodac audit case --site site.toml tune-plan-s1", "serial number: 7",
    ):  # fmt: skip
        assert words in text, words
    assert "boiler 1 &amp; burner" in render_tests_html(tested, "en", 1, ZONE)


def test_the_vietnamese_report_has_no_english_left(tested):
    text = _text(render_tests_html(tested, "vi", 1, ZONE))
    for words in (
        "3.180 ± 180 Nm³", "hệ số phủ k = 1,66", "đo được", "78.000 ± 3.000,5 Nm³", "thỏa thuận: gas_2025",
        "phân tán giữa các lượt đo: sau giải pháp", "giới hạn sai số (trước giải pháp)", "lò hơi", "Chưa kết thúc.",
    ):  # fmt: skip
        assert words in text, words
    for words in ("measure", " before ", "agreed", "scatter", "Nm3 "):
        assert words not in text, words


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_shown_is_no_saving(tested, language: Language):
    weak = replace(tested, verified=replace(tested.verified, half_width=4_000.0))
    assert headline_of_tests(weak, language)["proven"] == ""
    assert render_tests_html(weak, language, 1, ZONE).count('class="warn"') == 1


def test_a_formula_and_option_b_are_told(tested):
    plan = replace(
        tested.plan,
        ipmvp_option="B",
        test="formula",
        formula="(kw_before - kw_after) * 8760",
        agreed=(),
        kind="compressor",
    )
    saving = replace(
        tested.verified, ipmvp_option="B", evidence_class="verified", before=None, after=None, share=None,
        share_half_width=None, smallest_share=None, money=None, money_half_width=None,
    )  # fmt: skip
    text = _text(
        render_tests_html(replace(tested, plan=replace(plan, price=None), verified=saving), "en", 1, ZONE)
    )
    assert "(kw_before - kw_after) * 8760" in text
    assert "Every figure was measured." in text
    assert "option B: every parameter was measured" in text
