"""`dodac audit events`: what looks like a non-routine event in a plan's data, and what was decided about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from audit.canonical import plain
from dodac.quantities import CHANNELS
from dodac.words import Language, significant_text

if TYPE_CHECKING:
    from analysis import Refusal
    from analysis.events.detection import Detection, Event
    from audit.register import Register
    from dodac.contracts import Store

_WORDS: dict[str, dict[Language, str]] = {
    "baseline": {"en": "Events in the baseline", "vi": "Sự kiện trong kỳ cơ sở"},
    "reporting": {"en": "Events in the reporting period", "vi": "Sự kiện trong kỳ báo cáo"},
    "none": {
        "en": "  no event stands out (a lasting change of {change} an interval would be seen)",
        "vi": "  không thấy sự kiện bất thường (sẽ thấy được thay đổi kéo dài từ {change} mỗi khoảng)",
    },
    "undecided": {
        "en": "    nobody has decided: dodac audit add-decision FILE",
        "vi": "    chưa có quyết định: dodac audit add-decision TỆP",
    },
    "decided": {"en": "    decided: {ids}", "vi": "    đã quyết định: {ids}"},
}


def events_of(register: Register, plan_id: str, store: Store) -> dict[str, Detection | Refusal]:
    """Proposed events of a plan's baseline, and of its reporting period when there is a saving yet."""
    from analysis import Refusal
    from analysis.events.detection import baseline_events, savings_events
    from audit.decisions import decided, ledger_of, saving_with
    from audit.models import fit_plan, warmed
    from audit.periods import period_frame

    plan = register.plan(plan_id)
    decisions = register.decisions(plan.id)
    frame = period_frame(store, plan, plan.baseline)
    prepared, events = decided(frame, ledger_of(plan, decisions), "baseline")
    model = fit_plan(plan, prepared, events)
    if isinstance(model, Refusal):
        return {"baseline": model}
    days = prepared["day_type"] if plan.holidays else None
    found: dict[str, Detection | Refusal] = {"baseline": baseline_events(model, prepared, day_types=days)}
    report = period_frame(store, plan, plan.reporting)
    if report["used"].any():
        # with the columns of events in the baseline, without what was decided about this period: it is looked at whole
        before = tuple(found for found in decisions if found.period == "baseline")
        started, _ = warmed(model, plan, store, plan.reporting[0])
        both = saving_with(plan, started, report, before, store, plan.confidence)
        if isinstance(both, Refusal):
            found["reporting"] = both
        else:
            days = report["day_type"] if plan.holidays else None
            found["reporting"] = savings_events(both[0], interval=plan.interval, day_types=days)
    return found


def events_text(
    found: dict[str, Detection | Refusal], register: Register, plan_id: str, language: Language
) -> str:
    """The events of a plan for a terminal, each with what was decided about it."""
    from analysis.events.ledger import answers
    from audit.decisions import ledger_of

    plan = register.plan(plan_id)
    ledger = ledger_of(plan, register.decisions(plan_id))

    def decided(event: Event) -> str:
        ids = ", ".join(entry.id for entry in ledger.entries if answers(entry, event))
        return _WORDS["decided" if ids else "undecided"][language].format(ids=ids)

    return proposals_text(found, CHANNELS[plan.energy[1]].unit, language, decided)


def proposals_text(
    found: dict[str, Detection | Refusal],
    unit: str,
    language: Language,
    decided: Callable[[Event], str] | None = None,
) -> str:
    """Proposed events for a terminal; decided: a further line for each."""
    from analysis import Refusal
    from audit._print import refusal_text, text_of

    lines = []
    for period, detection in found.items():
        lines.append(_WORDS[period][language])
        if isinstance(detection, Refusal):
            lines.append("  " + refusal_text(detection, language).rstrip())
            continue
        if not detection.events:
            change = significant_text(detection.smallest_step, 3, language)
            lines.append(_WORDS["none"][language].format(change=f"{change} {unit}"))
        for event in detection.events:
            lines.append(f"  - {event.vi if language == 'vi' else event.en}")
            if decided is not None:
                lines.append(decided(event))
        lines += [f"  {text_of(finding, language)}" for finding in detection.findings]
    return "\n".join(lines) + "\n"


def events_data(found: dict[str, Detection | Refusal]) -> dict[str, Any]:
    """The events as plain data."""
    return {period: plain(detection) for period, detection in found.items()}
