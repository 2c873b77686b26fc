"""The report says all that an auditor must see, alone, the same way every time."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from analysis import Finding
from audit import Money, Option, SavingCase
from dodac.words import LANGUAGES, Language
from reports import headline, month_rows, render_html

NOW_NS = 1_790_000_000_000_000_000
ZONE = "Asia/Ho_Chi_Minh"
VOID = {"meta", "br", "link", "input"}


class _Balance(HTMLParser):
    """Checks that tags close in order, and collects the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _text(html: str) -> str:
    parser = _Balance()
    parser.feed(html)
    assert parser.open == []
    return re.sub(r"\s+", " ", " ".join(parser.words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_inputs_give_the_same_bytes(case: SavingCase, language: Language) -> None:
    assert render_html(case, language, NOW_NS, ZONE) == render_html(case, language, NOW_NS, ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_needs_nothing_from_outside(case: SavingCase, language: Language) -> None:
    html = render_html(case, language, NOW_NS, ZONE)
    assert "<script" not in html
    assert "<link" not in html
    assert not re.search(r"(src|href)=", html)
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert f'<html lang="{language}">' in html


def test_an_auditor_finds_every_part_in_english(case: SavingCase) -> None:
    text = _text(render_html(case, "en", NOW_NS, ZONE))
    for words in (
        "295,000 ± 20,000 kWh", "9.15 ± 0.63 %", "575,000,000 ± 40,000,000 VND", "at 1,950 VND per kWh, price of 1 Jun 2026",
        "90 %", "275,000 to 315,000 kWh", "1 Jul 2025 – 30 Jun 2026", "362 days used, 3 left out", "verified",
        "serial number: 17110042", "calibrated: 2 Mar 2026", "profile: eastron.sdm630",
        "C – whole facility", "Whole brewery, main incomer TR1", "before the works began (12 days)",
        "weekday.monday", "driver.production", "CV(RMSE)", "is within 25 %",
        "ASHRAE Guideline 14", "Sun and Baltazar", "used here", "effective n",
        "Coverage", "362 of 365 days", "CT replaced", "main-power: no_answer", "by the plan",
        "69,888 (12)", case.verified.data_digest, case.baseline.data_digest, case.verified.evidence[0].digest,
        "dodac report --site site.toml sv-2026-001",
        "Jul 2025", "Jun 2026", "Whole period",
    ):  # fmt: skip
        assert words in text, words


def test_an_auditor_finds_every_part_in_vietnamese(case: SavingCase) -> None:
    text = _text(render_html(case, "vi", NOW_NS, ZONE))
    for words in (
        "295.000 ± 20.000 kWh", "9,15 ± 0,63 %", "Mức tiết kiệm", "Đường cơ sở", "Độ không đảm bảo đo", "đã kiểm chứng",
        "khoảng tin cậy: 275.000 đến 315.000 kWh", "Lắp biến tần cho máy nén lạnh", "số seri: 17110042",
        "01/07/2025 – 30/06/2026", "Kế hoạch đo lường và kiểm chứng", "Chất lượng số liệu", "07/2025", "Cả kỳ",
        "trước khi thi công giải pháp (12 ngày)", "thứ Hai", "Chủ nhật", "nhiệt độ, đoạn 1, ngày làm việc", "R² hiệu chỉnh",
        "Việt Nam, có Tết Nguyên đán", "bình phương tối thiểu: κ",
    ):  # fmt: skip
        assert words in text, words
    for english in (
        "Savings verification", "Uncertainty", "Baseline", "left out", "verified", "weekday", "occupied", "day_type",
        "least squares", "factor", "days_left_out",
    ):  # fmt: skip
        assert english not in text


def test_no_number_is_left_unformatted(case: SavingCase) -> None:
    for language in LANGUAGES:
        text = _text(render_html(case, language, NOW_NS, ZONE))
        assert " nan" not in text
        assert "None" not in text
        assert "{" not in text.split("@page")[-1].split("</style>")[-1].rsplit("}", 1)[-1]


def test_what_somebody_typed_can_not_become_markup(case: SavingCase) -> None:
    evil = "<img src=x onerror=alert(1)>"
    option = replace(case.option, name_en=evil, description_en=evil)
    finding = Finding("x", evil, evil)
    verified = replace(case.verified, findings=(finding,))
    html = render_html(replace(case, option=option, verified=verified), "en", NOW_NS, ZONE)
    assert "<img" not in html


def test_a_saving_within_its_uncertainty_is_not_called_a_saving(make_case: Callable[..., SavingCase]) -> None:
    weak = make_case(saved=0.0)
    head = headline(weak, "en")
    text = _text(render_html(weak, "en", NOW_NS, ZONE))
    assert head["proven"] == ""
    assert "No saving is proven" in text
    assert "avoided" not in text.split("2 The measure")[0].split("Summary")[1].split("kWh")[-1]


def test_a_plan_registered_too_late_is_said(case: SavingCase) -> None:
    late = replace(case.plan, registered_ns=case.verified.verified_ns)
    assert "the plan was not registered beforehand" in render_html(
        replace(case, plan=late), "en", NOW_NS, ZONE
    )
    unknown = replace(case.plan, blackout=None)
    assert "no dates of the works were given" in render_html(replace(case, plan=unknown), "en", NOW_NS, ZONE)


def test_no_price_means_no_money_and_no_payback(case: SavingCase) -> None:
    bare = replace(
        case,
        plan=replace(case.plan, price=None),
        verified=replace(case.verified, money=None, money_half_width=None),
    )
    text = _text(render_html(bare, "en", NOW_NS, ZONE))
    assert "No energy price was given" in text
    assert "payback" not in text


def test_payback_is_a_range_and_never_mixes_currencies(case: SavingCase) -> None:
    assert "36 to 41 months" not in _text(
        render_html(
            replace(case, option=replace(case.option, investment=Money(75_000.0, "USD", "2025-05-01"))),
            "en",
            NOW_NS,
            ZONE,
        )
    )
    assert isinstance(case.option, Option)
    assert re.search(r"\d+ to \d+ months", _text(render_html(case, "en", NOW_NS, ZONE)))


def test_the_month_table_ends_with_the_headline(case: SavingCase) -> None:
    rows = month_rows(case, "en")
    head = headline(case, "en")
    assert len(rows) == 13
    assert rows[-1][4] == f"{head['saving']} ± {head['half_width']}"


def test_the_site_is_called_by_its_name(case: SavingCase) -> None:
    html = render_html(case, "vi", NOW_NS, ZONE, "Nhà máy bia Củ Chi")
    assert "· Nhà máy bia Củ Chi</p>" in html
    assert "· bia-sai-gon, cu-chi</p>" in render_html(case, "vi", NOW_NS, ZONE)


def test_the_saving_without_decisions_and_the_parts_of_its_uncertainty_are_shown(case):
    from dataclasses import replace

    from analysis.results import UncertaintyPart

    assert "Without the decisions" not in render_html(case, "en", NOW_NS, ZONE)
    chosen = replace(
        case.savings.uncertainty,
        parts=(
            UncertaintyPart("model", "exact_memory", 900.0),
            UncertaintyPart("instrument", "main/ct", 120.0),
        ),
    )
    told = replace(
        case,
        verified=replace(case.verified, unadjusted=12_345.0),
        savings=replace(case.savings, uncertainty=chosen),
    )
    page = render_html(told, "en", NOW_NS, ZONE)
    assert "saving would be 12,345 kWh" in page
    assert "main/ct ± 120 kWh" in page
    assert "12.345 kWh" in render_html(told, "vi", NOW_NS, ZONE)
