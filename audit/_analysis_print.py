"""One analysis for people, the saving first, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis import Refusal, Savings
from audit._print import (
    analysis_text,
    model_data,
    refusal_data,
    savings_data,
    selection_data,
    text_of,
    verdict_data,
    word,
)
from audit.canonical import plain
from dodac.words import Language

if TYPE_CHECKING:
    from audit._analysis import Study


def study_text(study: Study, language: Language) -> str:
    """What an analysis gave, for a terminal: the saving, the baseline, its validity, warnings, next steps, details.

    A refusal is not in it: see `refused_text`.
    """
    from audit._events_cli import proposals_text

    if isinstance(study.model, Refusal):
        return ""
    savings = None if isinstance(study.savings, Refusal) else study.savings
    text = analysis_text(
        study.model, savings, language,
        selection=study.selection, verdicts=study.verdicts, smallest=study.smallest, next_steps=_steps(study, language),
    )  # fmt: skip
    return text + proposals_text(study.events, study.model.unit, language) if study.events else text


def refused_text(study: Study, language: Language) -> str:
    """Why there is no number, which channel has gaps, and what to do; nothing when there is a number."""
    if study.refusal is None:
        return ""
    lines = [word("refused", language, text=text_of(study.refusal, language))]
    if study.gaps and isinstance(study.model, Refusal):
        thin = ", ".join(f"{name} {count}" for name, count in study.gaps.items())
        lines.append(word("gaps", language, gaps=thin, n=study.rows))
    if isinstance(study.model, Refusal):
        lines += _steps(study, language)
    return "\n".join(lines) + "\n"


def study_data(study: Study, notes: Sequence[str]) -> dict[str, Any]:
    """What an analysis gave as plain data; the keys: docs/reference/analysis-json.md."""
    from audit._events_cli import events_data

    data: dict[str, Any] = {"read": list(notes), "rows": study.rows, "gaps": dict(study.gaps)}
    if study.selection is not None:
        data["selection"] = selection_data(study.selection)
    if not isinstance(study.model, Refusal):
        data["baseline"] = model_data(study.model)
        data["validity"] = [verdict_data(verdict) for verdict in study.verdicts]
    if study.smallest is not None:
        data["smallest_saving"] = plain(study.smallest)
    if isinstance(study.savings, Savings):
        data["saving"] = savings_data(study.savings)
    if study.refusal is not None:
        data["refusal"] = refusal_data(study.refusal)
    if study.events is not None:
        data["events"] = events_data(study.events)
    data["next"] = plain(study.steps)
    return data


def _steps(study: Study, language: Language) -> list[str]:
    return (
        [word("next", language), *(f"  - {text_of(step, language)}" for step in study.steps)]
        if study.steps
        else []
    )
