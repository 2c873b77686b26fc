"""Results as words for people (Vietnamese and English) and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from analysis import Finding, Model, Refusal, Savings, Uncertainty
from audit.canonical import plain
from dodac.words import Language, number_text

if TYPE_CHECKING:
    from analysis.baselines.select import Selection
    from analysis.planning import Detectable
    from analysis.validity import Verdict

_WORDS: dict[str, dict[Language, str]] = {
    "baseline": {"en": "Baseline", "vi": "Đường cơ sở"},
    "fit": {
        "en": "  R² {r2}   CV(RMSE) {cv} %   {n} {rows}, {p} terms, ρ {rho}",
        "vi": "  R² {r2}   CV(RMSE) {cv} %   {n} {rows}, {p} hệ số, ρ {rho}",
    },
    "reporting": {"en": "Reporting period", "vi": "Kỳ báo cáo"},
    "of_backcast": {
        "en": "Backcast: the plant of the reporting period in the baseline period",
        "vi": "Tính ngược: nhà máy của kỳ báo cáo trong điều kiện kỳ cơ sở",
    },
    "of_normalised": {"en": "At fixed conditions", "vi": "Ở điều kiện cố định"},
    "adjusted": {"en": "  adjusted baseline", "vi": "  đường cơ sở hiệu chỉnh"},
    "measured": {"en": "  measured", "vi": "  đo được"},
    "saving": {"en": "  saving", "vi": "  tiết kiệm"},
    "confidence": {"en": "at {share} % confidence", "vi": "với độ tin cậy {share} %"},
    "days": {
        "en": "  {n} {rows} used, {left} left out",
        "vi": "  {n} {rows} được dùng, {left} {rows} loại trừ",
    },
    "unadjusted": {
        "en": "  without the decisions about events ({n}): {amount}",
        "vi": "  không kể các quyết định về sự kiện ({n}): {amount}",
    },
    "candidates": {"en": "Models tried, best first", "vi": "Các mô hình đã thử, tốt nhất trước"},
    "smallest": {
        "en": "The smallest saving it can show in a year: {amount} {unit} ({share} %) {confidence}",
        "vi": "Mức tiết kiệm nhỏ nhất nhận ra được trong một năm: {amount} {unit} ({share} %) {confidence}",
    },
    "validity": {"en": "Judged by {profile}: {verdict}", "vi": "Đánh giá theo {profile}: {verdict}"},
    "passed": {"en": "passed", "vi": "đạt"},
    "failed": {"en": "not passed", "vi": "không đạt"},
    "parts": {"en": "  made of: {parts}", "vi": "  gồm: {parts}"},
    "methods": {
        "en": "Uncertainty by method (± {unit})",
        "vi": "Độ không đảm bảo đo theo từng phương pháp (± {unit})",
    },
    "findings": {"en": "To know", "vi": "Lưu ý"},
    "refused": {"en": "No number: {text}", "vi": "Không có kết quả: {text}"},
}


_ROWS: dict[str, dict[Language, str]] = {
    "15min": {"en": "quarter-hours", "vi": "khoảng 15 phút"},
    "30min": {"en": "half-hours", "vi": "khoảng 30 phút"},
    "hour": {"en": "hours", "vi": "giờ"},
    "day": {"en": "days", "vi": "ngày"},
    "week": {"en": "weeks", "vi": "tuần"},
    "month": {"en": "months", "vi": "tháng"},
    "bill": {"en": "bills", "vi": "hoá đơn"},
}


def word(key: str, language: Language, **values: object) -> str:
    """One line of the interface in a language."""
    return _WORDS[key][language].format(**values)


def rows_of(interval: str, language: Language) -> str:
    """The rows of an interval as a word in the plural: days, hours, bills."""
    known = _ROWS.get(interval)
    return interval if known is None else known[language]


def text_of(item: Finding | Refusal, language: Language) -> str:
    """A finding or refusal in a language."""
    return item.vi if language == "vi" else item.en


def refusal_text(refusal: Refusal, language: Language) -> str:
    """A refusal as one line."""
    return word("refused", language, text=text_of(refusal, language)) + "\n"


def finding_lines(findings: Iterable[tuple[str, Finding]], language: Language) -> list[str]:
    """Findings, each with the period it is about ("" for none), under a heading; nothing when there are none."""
    listed = [f"  - {about and about + ': '}{text_of(finding, language)}" for about, finding in findings]
    return [word("findings", language), *listed] if listed else []


def analysis_text(
    model: Model,
    savings: Savings | None,
    language: Language,
    *,
    selection: Selection | None = None,
    verdicts: Sequence[Verdict] = (),
    smallest: Detectable | None = None,
) -> str:
    """A baseline, and a saving when there is one, for a terminal.

    selection: the candidates, when the model was chosen among several; verdicts: of profiles;
    smallest: what the baseline can show at all.
    """

    def number(value: float, digits: int = 0) -> str:
        return number_text(value, digits, language)

    fit = model.statistics
    lines = [
        f"{word('baseline', language)} {model.start} … {model.end} ({model.kind})",
        word(
            "fit",
            language,
            r2=number(fit.r2, 6),
            cv=number(100 * fit.cv_rmse, 2),
            n=fit.n,
            p=fit.p,
            rho=number(fit.rho, 3),
            rows=rows_of(model.interval, language),
        ),
    ]
    lines += _candidate_lines(selection, language)
    if smallest is not None:
        lines.append(
            word(
                "smallest",
                language,
                amount=number(smallest.amount),
                unit=smallest.unit,
                share=number(100 * smallest.fraction, 2),
                confidence=word("confidence", language, share=number(100 * smallest.confidence)),
            )
        )
    lines += _verdict_lines(verdicts, language)
    findings = [("", finding) for finding in model.findings]
    if savings is not None:
        unit, chosen = savings.unit, savings.uncertainty
        confidence = word("confidence", language, share=number(100 * chosen.confidence))
        width = max(len(_WORDS[key][language]) for key in ("adjusted", "measured", "saving"))
        amounts = {
            "adjusted": f"{number(savings.adjusted_baseline):>16} {unit}",
            "measured": f"{number(savings.measured):>16} {unit}",
            "saving": f"{number(savings.saving):>16} {unit} ± {number(chosen.half_width)} {confidence} "
            f"({number(100 * savings.fraction, 2)} %)",
        }
        head = f"of_{savings.method}" if f"of_{savings.method}" in _WORDS else "reporting"
        lines += [f"{word(head, language)} {savings.start} … {savings.end}"]
        lines += [f"{word(key, language):<{width}}{amount}" for key, amount in amounts.items()]
        lines += [
            word(
                "days",
                language,
                n=savings.intervals,
                left=savings.excluded,
                rows=rows_of(model.interval, language),
            ),
            *_part_lines(chosen, language),
            word("methods", language, unit=unit),
        ]
        lines += [
            f"  {method.method:<14}{number(method.half_width):>14}   "
            f"{(language == 'vi' and method.source_vi) or method.source}"
            for method in (chosen, *savings.others)
        ]
        # both periods may say the same words
        findings = [
            *((word("baseline", language), finding) for finding in model.findings),
            *((word("reporting", language), finding) for finding in savings.findings),
        ]
    return "\n".join([*lines, *finding_lines(findings, language)]) + "\n"


def _candidate_lines(selection: Selection | None, language: Language) -> list[str]:
    if selection is None:
        return []
    lines = [word("candidates", language)]
    for each in selection.candidates:
        error = (
            number_text(100 * each.cv_rmse_cv, 2, language) + " %" if math.isfinite(each.cv_rmse_cv) else "–"
        )
        mark = "→" if each.name == selection.chosen else " "
        reasons = (*each.refused, *((each.why,) if each.why else ()))
        why = text_of(reasons[0], language) if reasons else ""
        lines.append(f"  {mark} {each.name:<34} {error:>9}  {each.parameters:>3}  {why}".rstrip())
    return lines


def _verdict_lines(verdicts: Sequence[Verdict], language: Language) -> list[str]:
    lines = []
    for verdict in verdicts:
        judged = word("passed" if verdict.passed else "failed", language)
        lines.append(word("validity", language, profile=verdict.profile, verdict=judged))
        lines += [f"  - {rule.vi if language == 'vi' else rule.en}" for rule in verdict.failed]
    return lines


def _part_lines(chosen: Uncertainty, language: Language) -> list[str]:
    if not chosen.parts:
        return []
    parts = ", ".join(f"{part.id} ± {number_text(part.half_width, 0, language)}" for part in chosen.parts)
    return [word("parts", language, parts=parts)]


def selection_data(selection: Selection) -> dict[str, Any]:
    """The candidates with their errors and reasons as plain data."""
    return {
        "chosen": selection.chosen,
        "blocks": selection.blocks,
        "rows": selection.rows,
        "candidates": [
            {
                "name": each.name,
                "kind": each.kind,
                "parameters": each.parameters,
                "cv_rmse_cv": each.cv_rmse_cv if math.isfinite(each.cv_rmse_cv) else None,
                "refused": plain(each.refused),
                "why": None if each.why is None else plain(each.why),
            }
            for each in selection.candidates
        ],
    }


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A profile's verdict as plain data; a value that can't be had is null."""
    rules = [
        {**plain(rule), "value": rule.value if math.isfinite(rule.value) else None} for rule in verdict.rules
    ]
    return {"profile": verdict.profile, "passed": verdict.passed, "rules": rules}


def uncertainty_data(uncertainty: Uncertainty) -> dict[str, Any]:
    """An uncertainty as plain data."""
    return dict(plain(uncertainty))


def refusal_data(refusal: Refusal) -> dict[str, Any]:
    """A refusal as plain data."""
    return dict(plain(refusal))


def model_data(model: Model) -> dict[str, Any]:
    """A baseline's statistics, terms and coefficients as plain data."""
    return {
        "kind": model.kind,
        "unit": model.unit,
        "start": model.start,
        "end": model.end,
        **plain(model.statistics),
        "coefficients": {
            name: float(value) for name, value in zip(model.terms, model.coefficients, strict=True)
        },
        "findings": plain(model.findings),
    }


def savings_data(savings: Savings) -> dict[str, Any]:
    """A saving with every method's uncertainty as plain data."""
    fraction = savings.fraction
    return {
        "method": savings.method,
        "unit": savings.unit,
        "start": savings.start,
        "end": savings.end,
        "adjusted_baseline": savings.adjusted_baseline,
        "measured": savings.measured,
        "saving": savings.saving,
        "fraction": fraction if math.isfinite(fraction) else None,
        "half_width": savings.uncertainty.half_width,
        "confidence": savings.uncertainty.confidence,
        "uncertainty": uncertainty_data(savings.uncertainty),
        "others": [uncertainty_data(other) for other in savings.others],
        "intervals": savings.intervals,
        "excluded": savings.excluded,
        "findings": plain(savings.findings),
    }
