"""Results as words for people (Vietnamese and English) and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from analysis import Finding, Model, Refusal, Savings, Uncertainty
from audit._print_words import rows_of, word
from audit.canonical import plain
from dodac.words import Language, number_text

if TYPE_CHECKING:
    from analysis.baselines.select import Selection
    from analysis.planning import Detectable
    from analysis.validity import Verdict

__all__ = [
    "analysis_text", "finding_lines", "model_data", "refusal_data", "refusal_text", "rows_of", "savings_data",
    "selection_data", "text_of", "uncertainty_data", "verdict_data", "word",
]  # fmt: skip


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
    next_steps: Sequence[str] = (),
) -> str:
    """A saving when there is one, and its baseline, for a terminal.

    selection: the candidates, when the model was chosen among several; verdicts: of profiles;
    smallest: what the baseline can show at all; next_steps: lines that stand above the details.
    """
    lines = [] if savings is None else _saving_lines(savings, rows_of(model.interval, language), language)
    lines += _baseline_lines(model, language)
    if selection is not None:
        best = next((each for each in selection.candidates if each.name == selection.chosen), None)
        why = text_of(best.why, language) if best is not None and best.why is not None else ""
        lines.append(word("chosen", language, n=len(selection.candidates), name=selection.chosen, why=why))
    lines += _smallest_lines(smallest, language)
    lines += _verdict_lines(verdicts, language)
    findings = [("", finding) for finding in model.findings]
    if savings is not None:
        # both periods may say the same words
        findings = [
            *((word("baseline", language), finding) for finding in model.findings),
            *((word("reporting", language), finding) for finding in savings.findings),
        ]
    lines += [*finding_lines(findings, language), *next_steps]
    if savings is not None:
        lines += _method_lines(savings, language)
    lines += _candidate_lines(selection, language)
    return "\n".join(lines) + "\n"


def _saving_lines(savings: Savings, rows: str, language: Language) -> list[str]:
    def number(value: float, digits: int = 0) -> str:
        return number_text(value, digits, language)

    unit, chosen = savings.unit, savings.uncertainty
    confidence = word("confidence", language, share=number(100 * chosen.confidence))
    width = max(len(word(key, language)) for key in ("adjusted", "measured", "saving"))
    share = number(100 * savings.fraction, 2)
    half = number(100 * chosen.half_width / abs(savings.adjusted_baseline), 2)
    amounts = {
        "adjusted": f"{number(savings.adjusted_baseline):>16} {unit}",
        "measured": f"{number(savings.measured):>16} {unit}",
        "saving": f"{number(savings.saving):>16} {unit} ± {number(chosen.half_width)} {confidence} "
        f"({share} ± {half} %)",
    }
    head = f"of_{savings.method}" if savings.method in ("backcast", "normalised") else "reporting"
    return [
        f"{word(head, language)} {savings.start} … {savings.end}",
        *(f"{word(key, language):<{width}}{amount}" for key, amount in amounts.items()),
        word("days", language, n=savings.intervals, left=savings.excluded, rows=rows),
        *_part_lines(chosen, language),
    ]


def _baseline_lines(model: Model, language: Language) -> list[str]:
    fit = model.statistics
    return [
        f"{word('baseline', language)} {model.start} … {model.end} ({model.kind})",
        word(
            "fit",
            language,
            r2=number_text(fit.r2, 6, language),
            cv=number_text(100 * fit.cv_rmse, 2, language),
            n=fit.n,
            p=fit.p,
            rho=number_text(fit.rho, 3, language),
            rows=rows_of(model.interval, language),
        ),
    ]


def _smallest_lines(smallest: Detectable | None, language: Language) -> list[str]:
    if smallest is None:
        return []
    confidence = number_text(100 * smallest.confidence, 0, language)
    return [
        word(
            "smallest",
            language,
            amount=number_text(smallest.amount, 0, language),
            unit=smallest.unit,
            share=number_text(100 * smallest.fraction, 2, language),
            confidence=word("confidence", language, share=confidence),
        )
    ]


def _verdict_lines(verdicts: Sequence[Verdict], language: Language) -> list[str]:
    """What each profile says, with failed rules, notes, and limits that nobody checked against their source."""
    names = {True: "passed", False: "failed", None: "not_judged"}
    lines = []
    for verdict in verdicts:
        judged = word(names[verdict.passed], language)
        lines.append(word("validity", language, profile=verdict.profile, verdict=judged))
        lines += [
            f"  - {text_of(finding, language).removeprefix(f'{verdict.profile}: ')}"
            for finding in verdict.findings()
        ]
    return lines


def _part_lines(chosen: Uncertainty, language: Language) -> list[str]:
    if not chosen.parts:
        return []
    parts = ", ".join(f"{part.id} ± {number_text(part.half_width, 0, language)}" for part in chosen.parts)
    return [word("parts", language, parts=parts)]


def _method_lines(savings: Savings, language: Language) -> list[str]:
    return [
        word("methods", language, unit=savings.unit),
        *(
            f"  {method.method:<14}{number_text(method.half_width, 0, language):>14}   "
            f"{(language == 'vi' and method.source_vi) or method.source}"
            for method in (savings.uncertainty, *savings.others)
        ),
    ]


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
        "interval": model.interval,
        "start": model.start,
        "end": model.end,
        **plain(model.statistics),
        "coefficients": {
            name: float(value) for name, value in zip(model.terms, model.coefficients, strict=True)
        },
        "settings": plain(model.settings),
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
