"""`dodac audit watch`: does a verified saving last? By quarter or half-year, with early warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.canonical import plain
from dodac.words import Language, number_text, significant_text

if TYPE_CHECKING:
    from analysis import Refusal
    from analysis.monitor import Persistence, Watch
    from audit.register import Register
    from dodac.contracts import Store

_WORDS: dict[str, dict[Language, str]] = {
    "head": {"en": "Saving by {by}, against {baseline}", "vi": "Tiết kiệm theo {by}, so với {baseline}"},
    "quarter": {"en": "quarter", "vi": "quý"},
    "half": {"en": "half-year", "vi": "nửa năm"},
    "part": {"en": "in part", "vi": "chưa đủ kỳ"},
    "fades": {
        "en": "Early warning: the saving fades since {since} ({share} % of it is gone).",
        "vi": "Cảnh báo sớm: mức tiết kiệm giảm dần từ {since} (đã mất {share} %).",
    },
    "lasts": {
        "en": "No early warning; a loss of a third would be found after about {delay} {rows} (false alarms: {rate} a year).",
        "vi": "Không có cảnh báo sớm; nếu mất một phần ba sẽ phát hiện sau khoảng {delay} {rows} (báo nhầm: {rate} lần/năm).",
    },
}


def watch_of(
    register: Register, plan_id: str, store: Store, by: str
) -> tuple[str, Persistence, Watch | Refusal]:
    """The last frozen baseline's id, the parts of the reporting period so far, and the early warning.

    Raises DataError without a frozen baseline.
    """
    from analysis import Refusal
    from analysis.monitor import persistence, watch_saving
    from audit.decisions import decided, ledger_of, saving_with
    from audit.models import model_of, warmed
    from audit.periods import period_frame

    plan = register.plan(plan_id)
    baseline = register.frozen(plan.id)
    decisions = register.decisions(plan.id)
    model, _ = warmed(model_of(baseline), plan, store, plan.reporting[0])
    frame = period_frame(store, plan, plan.reporting)
    prepared, _ = decided(frame, ledger_of(plan, decisions), "reporting")
    known = prepared["used"].to_numpy(dtype=bool)
    if known.any():
        # a period that is not over yet ends with its last reading
        prepared = prepared.iloc[: int(known.nonzero()[0][-1]) + 1]
    parts = persistence(model, prepared, by=by, confidence=plan.confidence)
    both = saving_with(plan, model, prepared, (), store, plan.confidence)
    watch = both if isinstance(both, Refusal) else watch_saving(both[0], model=model, interval=plan.interval)
    return baseline.id, parts, watch


def watch_text(found: tuple[str, Persistence, Watch | Refusal], by: str, language: Language) -> str:
    """Parts and warning for a terminal."""
    from analysis import Refusal
    from audit._print import finding_lines, refusal_text, rows_of

    baseline, parts, watch = found
    lines = [_WORDS["head"][language].format(by=_WORDS[by][language], baseline=baseline)]
    for part in parts.parts:
        note = "" if part.whole else f"  ({_WORDS['part'][language]})"
        if isinstance(part.saving, Refusal):
            lines.append(f"  {part.name}  {refusal_text(part.saving, language).rstrip()}{note}")
            continue
        saving = part.saving
        half = saving.uncertainty.half_width
        share = number_text(100 * saving.fraction, 1, language)
        share_half = number_text(100 * half / saving.adjusted_baseline, 1, language)
        amount = (
            f"{number_text(saving.saving, 0, language)} ± {significant_text(half, 3, language)} {saving.unit}"
        )
        lines.append(f"  {part.name}  {amount}  ({share} ± {share_half} %){note}")
    if isinstance(watch, Refusal):
        lines.append(refusal_text(watch, language).rstrip())
    elif watch.alarm:
        share = number_text(100 * watch.share, 0, language)
        lines.append(_WORDS["fades"][language].format(since=watch.since, share=share))
    else:
        delay = number_text(watch.delay, 0, language)
        rate = number_text(watch.false_per_year, 1, language)
        rows = rows_of(watch.interval, language)
        lines.append(_WORDS["lasts"][language].format(delay=delay, rows=rows, rate=rate))
    findings = [("", finding) for finding in parts.findings]
    return "\n".join([*lines, *finding_lines(findings, language)]) + "\n"


def watch_data(found: tuple[str, Persistence, Watch | Refusal]) -> dict[str, Any]:
    """Parts and warning as plain data."""
    from analysis import Refusal
    from audit._print import refusal_data, savings_data

    baseline, parts, watch = found
    rows = []
    for part in parts.parts:
        saving = part.saving
        told = {"refusal": refusal_data(saving)} if isinstance(saving, Refusal) else savings_data(saving)
        rows.append({"name": part.name, "start": part.start, "end": part.end, "whole": part.whole, **told})
    warning = (
        {"refusal": refusal_data(watch)}
        if isinstance(watch, Refusal)
        else {
            "alarm": watch.alarm,
            "alarm_at": watch.alarm_at,
            "since": watch.since,
            "change": watch.change,
            "share": watch.share,
            "false_per_year": watch.false_per_year,
            "findings": plain(watch.findings),
        }
    )
    return {"baseline": baseline, "parts": rows, "findings": plain(parts.findings), "warning": warning}
