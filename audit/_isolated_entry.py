"""The entry that a computed saving by option A or B becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit._isolated_sum import Computed
from audit._isolated_switch import Switched
from audit._late import ahead, late
from audit.isolated import BudgetLine, FrozenTest, IsolatedPlan, IsolatedSaving, ReadTest
from dodac import __version__


def entry_of(
    id: str, plan: IsolatedPlan, frozen: FrozenTest, test: ReadTest, found: Computed | Switched, now_ns: int
) -> IsolatedSaving:
    """The entry of a saving: figures, interval, budget, class, findings."""
    saving, figures = found.saving, _figures(found)
    half = saving.uncertainty.half_width
    share = saving.stipulated_share
    first = plan.switching.start[:10] if plan.switching is not None else test.runs[0].start[:10]
    return IsolatedSaving(
        id=id,
        plan=plan.id,
        baseline=frozen.id,
        verified_ns=now_ns,
        start=plan.reporting[0],
        end=plan.reporting[1],
        unit=saving.unit,
        ipmvp_option=plan.ipmvp_option,
        saving=saving.saving,
        half_width=half,
        confidence=plan.confidence,
        coverage_factor=saving.budget.k,
        stipulated_share=share,
        evidence_class="verified" if plan.ipmvp_option == "B" else "estimated" if share > 0.5 else "measured",
        test=test,
        budget=tuple(BudgetLine(part.source, part.effect, part.share) for part in saving.budget.sources),
        findings=(
            *saving.findings,
            *late(plan.zone, plan.registered_ns, frozen.frozen_ns, plan.blackout, (first, first)),
            *ahead(plan.zone, now_ns, plan.reporting),
        ),
        version=__version__,
        **figures,
        money=None if plan.price is None else replace(plan.price, amount=saving.saving * plan.price.amount),
        money_half_width=None if plan.price is None else half * plan.price.amount,
    )


def _figures(found: Computed | Switched) -> dict[str, Any]:
    """What was compared before and after, where something was."""
    if isinstance(found, Switched):
        hourly = found.hourly
        if not hourly.fraction:
            return {"p_value": hourly.p_value}
        off = hourly.saving_per_hour / hourly.fraction
        half = hourly.uncertainty.half_width / off
        return {
            "figure": "mean rate", "figure_unit": f"{hourly.unit}/h", "before": off, "after": off - hourly.saving_per_hour,
            "share": hourly.fraction, "share_half_width": half, "smallest_share": half, "p_value": hourly.p_value,
        }  # fmt: skip
    pair = found.pair
    if pair is None:
        return {}
    return {
        "figure": pair.method, "figure_unit": pair.unit, "before": pair.before, "after": pair.after,
        "share": pair.fraction, "share_half_width": pair.half_width, "smallest_share": pair.smallest_fraction,
    }  # fmt: skip
