"""What `dodac test` found, as lines for people and as JSON for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from audit._arguments import write_json
from dodac.errors import Exit
from dodac.words import Language, number_text

if TYPE_CHECKING:
    from analysis import Finding, Refusal
    from analysis.isolation import OptionSaving, PairSaving, Run, Side, SteadyRuns

WORDS: Final[dict[str, dict[Language, str]]] = {
    "before": {"en": "Before", "vi": "Trước"},
    "after": {"en": "After", "vi": "Sau"},
    "runs": {"en": "{n} steady runs, {needed} are needed", "vi": "{n} lượt đo ổn định, cần {needed}"},
    "run": {"en": "  {start} to {end}  {samples:>4} samples", "vi": "  {start} đến {end}  {samples:>4} mẫu"},
    "not": {"en": "  not counted ({n}×): {text}", "vi": "  không tính ({n}×): {text}"},
    "result": {
        "en": "{name}: {before} → {after} {unit}",
        "vi": "{name}: {before} → {after} {unit}",
    },
    "n": {"en": "  of {b} runs before and {a} after", "vi": "  từ {b} lượt đo trước và {a} lượt sau"},
    "efficiency net": {"en": "Efficiency (net calorific value)", "vi": "Hiệu suất (theo nhiệt trị thấp)"},
    "efficiency gross": {"en": "Efficiency (gross calorific value)", "vi": "Hiệu suất (theo nhiệt trị cao)"},
    "specific power": {"en": "Specific power", "vi": "Suất tiêu hao điện riêng"},
    "specific energy": {"en": "Specific energy", "vi": "Suất tiêu hao năng lượng"},
    "saved": {
        "en": "{what} saved per unit of output: {share} ± {width} % at {confidence} % confidence",
        "vi": "{what} tiết kiệm trên một đơn vị đầu ra: {share} ± {width} %, độ tin cậy {confidence} %",
    },
    "fuel": {"en": "Fuel", "vi": "Nhiên liệu"},
    "electricity": {"en": "Electricity", "vi": "Điện"},
    "smallest": {
        "en": "Smallest change this pair can show: {value} {unit}",
        "vi": "Thay đổi nhỏ nhất cặp phép đo này phân biệt được: {value} {unit}",
    },
    "stable": {
        "en": "  with instruments shown not to have drifted: {value}",
        "vi": "  nếu chứng minh được thiết bị không trôi: {value}",
    },
    "spot": {
        "en": "  one spot reading on each side: {value}",
        "vi": "  nếu mỗi bên chỉ đo một lần: {value}",
    },
    "points": {"en": "points of efficiency", "vi": "điểm hiệu suất"},
    "shown": {"en": "The change is shown.", "vi": "Thay đổi đã được chứng tỏ."},
    "not_shown": {
        "en": "The change is NOT shown: it can't be told from none.",
        "vi": "Thay đổi CHƯA được chứng tỏ: không phân biệt được với không thay đổi.",
    },
    "year": {"en": "Of a year's {amount} {unit}", "vi": "Trong một năm dùng {amount} {unit}"},
    "findings": {"en": "To know", "vi": "Lưu ý"},
    "refused": {"en": "No number: {text}", "vi": "Không có kết quả: {text}"},
}
_UNITS: Final = {
    "o2_pct": ("O₂", "vol%", 2), "t_flue_c": ("t", "°C", 1), "t_air_c": ("t₀", "°C", 1), "co_ppm": ("CO", "ppm", 0),
    "power_kw": ("P", "kW", 2), "flow_nm3_min": ("V̇", "Nm³/min", 2), "flow_m3_h": ("V̇", "m³/h", 2),
    "pressure_bar": ("p", "bar", 2),
}  # fmt: skip


def run_lines(found: SteadyRuns, language: Language) -> list[str]:
    """The runs of a test, and by reason what does not count."""
    lines = []
    for run in found.runs:
        means = "  ".join(
            f"{sign} {number_text(run.means[name], digits, language)} {unit}"
            for name, (sign, unit, digits) in _UNITS.items()
            if math.isfinite(run.means.get(name, math.nan))
        )
        load = run.means.get("load")
        means += f"  {_load(language)} {number_text(load, 2, language)}" if load is not None else ""
        text = WORDS["run"][language].format(
            start=f"{run.start:%Y-%m-%d %H:%M}", end=f"{run.end:%H:%M}", samples=run.samples
        )
        lines.append(f"{text}  {means}")
    by_code: dict[str, list[Finding]] = {}
    for finding in found.refused:
        by_code.setdefault(finding.code, []).append(finding)
    lines += [
        WORDS["not"][language].format(n=len(group), text=text_of(group[0], language))
        for group in by_code.values()
    ]
    return lines


def _load(language: Language) -> str:
    return "tải" if language == "vi" else "load"


def result_lines(pair: PairSaving, shown: bool, language: Language) -> list[str]:
    """Both figures, the saved share and the smallest change to be seen."""

    def number(value: float, digits: int = 2) -> str:
        return number_text(value, digits, language)

    boiler = pair.method == "efficiency"
    unit = WORDS["points"][language] if boiler else pair.unit
    lines = [
        WORDS["result"][language].format(
            name=WORDS[f"{pair.method} {pair.basis}" if boiler else pair.method][language], before=number(pair.before), after=number(pair.after), unit=pair.unit
        ),
        WORDS["n"][language].format(b=pair.n_before, a=pair.n_after),
        WORDS["saved"][language].format(
            what=WORDS["fuel" if boiler else "electricity"][language], share=number(100 * pair.fraction),
            width=number(100 * pair.half_width), confidence=number(100 * pair.confidence, 0),
        ),
        WORDS["smallest"][language].format(value=number(pair.smallest_change), unit=unit),
    ]  # fmt: skip
    if pair.smallest_change_stable < pair.smallest_change:
        lines.append(WORDS["stable"][language].format(value=number(pair.smallest_change_stable)))
    if pair.spot_pair is not None:
        lines.append(WORDS["spot"][language].format(value=number(pair.spot_pair)))
    return [*lines, WORDS["shown" if shown else "not_shown"][language]]


def finding_lines(findings: Sequence[Finding], language: Language) -> list[str]:
    """What is to be known."""
    found = [f"  - {text_of(finding, language)}" for finding in findings]
    return [WORDS["findings"][language], *found] if found else []


def year_line(year: OptionSaving, amount: float, language: Language) -> str:
    """What the share is of a year's energy."""
    of = WORDS["year"][language].format(amount=number_text(amount, 0, language), unit=year.unit)
    half = year.uncertainty.half_width
    # two figures of what is not known
    digits = max(0, 1 - math.floor(math.log10(half))) if half > 0.0 else 0
    width = number_text(half, digits, language)
    return f"{of}: {number_text(year.saving, digits, language)} ± {width} {year.unit}"


def document_of(
    pair: PairSaving, sides: Sequence[Side], year: OptionSaving | None, shown: bool, notes: Sequence[str]
) -> dict[str, Any]:
    """The comparison as JSON has it."""
    names = (
        "method", "unit", "basis", "losses", "before", "after", "change", "fraction", "half_width", "confidence",
        "n_before", "n_after", "load_before", "load_after", "smallest_change", "smallest_change_stable",
        "smallest_fraction", "spot_pair",
    )  # fmt: skip
    document: dict[str, Any] = {name: getattr(pair, name) for name in names}
    document["change_shown"] = shown
    document["sources"] = [
        {"source": part.source, "effect": part.effect, "share": part.share} for part in pair.budget.sources
    ]
    if year is not None:
        document["year"] = {
            "saving": year.saving, "half_width": year.uncertainty.half_width, "unit": year.unit,
            "stated_share": year.stipulated_share,
        }  # fmt: skip
    document["findings"] = [asdict(finding) for finding in (pair if year is None else year).findings]
    document["tests"] = {
        name: plain_runs(side.runs) for name, side in zip(("before", "after"), sides, strict=True)
    }
    document["read"] = list(notes)
    return document


def plain_runs(found: SteadyRuns) -> dict[str, Any]:
    """Runs and what does not count, as JSON has them."""
    return {
        "runs": [_plain_run(run) for run in found.runs],
        "not_counted": [asdict(finding) for finding in found.refused],
        "run_findings": [asdict(finding) for finding in found.findings],
    }


def _plain_run(run: Run) -> dict[str, Any]:
    means = {name: value for name, value in run.means.items() if math.isfinite(value)}
    moved = dict(run.moved)
    return {
        "start": run.start.isoformat(), "end": run.end.isoformat(), "samples": run.samples,
        "means": means, "moved": moved,
    }  # fmt: skip


def refused(refusal: Refusal, as_json: bool, language: Language, sides: Sequence[Side] = ()) -> int:
    """Says why there is no number; the exit code."""
    if as_json:
        tests = {name: plain_runs(side.runs) for name, side in zip(("before", "after"), sides, strict=False)}
        write_json({"refused": asdict(refusal), "tests": tests})
    else:
        sys.stdout.write(WORDS["refused"][language].format(text=text_of(refusal, language)) + "\n")
    return Exit.FINDING


def text_of(item: Finding | Refusal, language: Language) -> str:
    """The words of a finding or refusal."""
    return item.vi if language == "vi" else item.en
