"""One analysis of `dodac analyse`: frames, model, saving, verdicts, events, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from audit._saving_kinds import Seen, saving_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Finding, Model, Refusal, Savings
    from analysis.baselines.select import Selection
    from analysis.events.detection import Detection
    from analysis.planning import Detectable
    from analysis.validity import Verdict
    from audit.records import Plan
    from dodac.contracts import Store

_SHORT: Final = ("too_few_rows", "too_few_days")


@dataclass(frozen=True)
class Wanted:
    """What is asked of an analysis beside its plan; reporting: is there a reporting period at all?"""

    reporting: bool
    kind: str
    normal_year: tuple[str, str] | None
    method: str
    profiles: tuple[str, ...]
    events: bool
    allow_short: bool


@dataclass(frozen=True)
class Study:
    """What an analysis gave; rows: intervals of the baseline period, gaps: of how many a channel has no reading."""

    model: Model | Refusal
    savings: Savings | Refusal | None
    selection: Selection | None
    rows: int
    gaps: Mapping[str, int]
    verdicts: tuple[Verdict, ...] = ()
    events: dict[str, Detection | Refusal] | None = None
    smallest: Detectable | None = None
    steps: tuple[Finding, ...] = ()

    @property
    def refusal(self) -> Refusal | None:
        """The first of baseline and saving that could not be had."""
        from analysis import Refusal

        return next((part for part in (self.model, self.savings) if isinstance(part, Refusal)), None)


def study_of(store: Store, plan: Plan, wanted: Wanted) -> Study:
    """Fits the plan's model on what the store holds and gives the saving that is wanted.

    Raises DataError for an instrument or channel that is not there, ConfigError for an option that
    does not fit the data.
    """
    from analysis import Refusal
    from analysis.validity import validity
    from audit.metering import instruments_of
    from audit.models import chosen_of, fit_plan, select_plan
    from audit.plans import AUTO

    before = _seen(store, plan, plan.baseline)
    after = _seen(store, plan, plan.reporting) if wanted.reporting else None
    conditions = _seen(store, plan, wanted.normal_year) if wanted.normal_year else None
    gaps = {name: int(before.frame[name].isna().sum()) for name in ("energy", *plan.drivers)}
    gaps = {name: count for name, count in gaps.items() if count}
    selection: Selection | None = None
    if plan.model == AUTO:
        selection = select_plan(plan, before.frame, allow_short=wanted.allow_short)
        model = chosen_of(selection)
    else:
        model = fit_plan(plan, before.frame, allow_short=wanted.allow_short)
    study = Study(model, None, selection, len(before.frame), gaps)
    if isinstance(model, Refusal):
        return _with_steps(study, plan, wanted)
    savings: Savings | Refusal | None = None
    if after is not None:
        parts, told = instruments_of(plan.metering, plan.energy[0])
        savings = saving_of(
            wanted.kind, plan, model, before, after, conditions,
            method=wanted.method, instruments=parts, allow_short=wanted.allow_short,
        )  # fmt: skip
        if not isinstance(savings, Refusal):
            savings = replace(savings, findings=(*savings.findings, *told))
    known = None if isinstance(savings, Refusal) else savings
    study = replace(
        study,
        savings=savings,
        verdicts=tuple(validity(model, profile, savings=known) for profile in wanted.profiles),
        events=_events(plan, model, known if wanted.kind == "avoided" else None, before, after)
        if wanted.events
        else None,
        smallest=_smallest(model, plan.confidence),
    )
    return _with_steps(study, plan, wanted)


def _seen(store: Store, plan: Plan, period: tuple[str, str]) -> Seen:
    from audit.periods import period_frame, weather_before

    return Seen(period_frame(store, plan, period), weather_before(store, plan, period))


def _smallest(model: Model, confidence: float) -> Detectable | None:
    """What a year after this baseline, in its own mean conditions, could show at all."""
    from analysis.planning import Detectable, smallest_saving

    found = smallest_saving(model, confidence=confidence)
    return found if isinstance(found, Detectable) and math.isfinite(found.fraction) else None


def _events(
    plan: Plan, model: Model, savings: Savings | None, before: Seen, after: Seen | None
) -> dict[str, Detection | Refusal]:
    from analysis.events.detection import baseline_events, savings_events

    def types(frame: pd.DataFrame) -> pd.Series[str] | None:
        return frame["day_type"] if plan.holidays else None

    found = {"baseline": baseline_events(model, before.frame, day_types=types(before.frame))}
    if savings is not None and after is not None:
        found["reporting"] = savings_events(savings, interval=plan.interval, day_types=types(after.frame))
    return found


def _with_steps(study: Study, plan: Plan, wanted: Wanted) -> Study:
    return replace(study, steps=tuple(_steps(study, plan, wanted)))


def _steps(study: Study, plan: Plan, wanted: Wanted) -> list[Finding]:
    """What to do next, the most urgent first."""
    from analysis import Finding, Refusal

    steps = []
    short = study.refusal is not None and study.refusal.code in _SHORT and not wanted.allow_short
    if short:
        steps.append(
            Finding(
                "allow_short",
                "Add readings, or fit what is there with --allow-short: the result then says which seasons it never saw.",
                "Bổ sung số liệu, hoặc thêm --allow-short để lập đường cơ sở từ số liệu hiện có: kết quả sẽ nêu rõ những mùa còn thiếu.",
            )
        )
    if not plan.drivers:
        steps.append(
            Finding(
                "name_drivers",
                "Only the energy was named. Name what drives it: --temperature for the weather, --driver for production.",
                "Mới chỉ có số liệu năng lượng. Hãy khai báo yếu tố ảnh hưởng: --temperature cho thời tiết, --driver cho sản lượng.",
            )
        )
    if isinstance(study.model, Refusal):
        return steps
    if any(verdict.passed is False for verdict in study.verdicts):
        steps.append(
            Finding(
                "improve_baseline",
                "A threshold is not met: look for a driver that is missing (--driver), for events (--events), or take another baseline period.",
                "Có ngưỡng chưa đạt: hãy tìm yếu tố ảnh hưởng còn thiếu (--driver), tìm sự kiện bất thường (--events), hoặc chọn kỳ cơ sở khác.",
            )
        )
    if any(getattr(found, "events", ()) for found in (study.events or {}).values()):
        steps.append(
            Finding(
                "decide_events",
                "Ask the plant what happened at each event; what is decided is registered with dodac audit add-decision.",
                "Hỏi nhà máy về từng sự kiện; quyết định được ghi vào sổ bằng dodac audit add-decision.",
            )
        )
    if not wanted.reporting:
        steps.append(
            Finding(
                "report",
                "Before anything is built, register option and plan and freeze the baseline (dodac audit); afterwards --reporting FROM..TO gives the saving.",
                "Trước khi thi công, hãy đăng ký giải pháp, kế hoạch và chốt đường cơ sở (dodac audit); sau đó --reporting TỪ..ĐẾN cho mức tiết kiệm.",
            )
        )
    elif study.refusal is None:
        steps.append(
            Finding(
                "register",
                "Nothing was registered. A saving for others to rely on is verified with dodac audit (docs/how-to/verify-a-saving.md).",
                "Chưa ghi gì vào sổ. Mức tiết kiệm để người khác tin cậy cần được kiểm chứng bằng dodac audit (docs/how-to/verify-a-saving.md).",
            )
        )
    return steps
