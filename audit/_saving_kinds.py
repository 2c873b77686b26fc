"""The kinds of saving that `dodac analyse` gives: avoided, backcast, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Model, Refusal, Savings
    from analysis.results import InstrumentPart
    from audit.records import Plan

KINDS: Final = ("avoided", "backcast", "normalised")


def saving_of(
    kind: str,
    plan: Plan,
    model: Model,
    before: pd.DataFrame,
    after: pd.DataFrame,
    conditions: pd.DataFrame | None,
    *,
    method: str,
    instruments: Sequence[InstrumentPart] = (),
    allow_short: bool = False,
) -> Savings | Refusal:
    """A saving of one kind from the frames of both periods.

    backcast and normalised fit the reporting period as well, with the plan's model (chosen anew where it
    is "auto"). conditions: of a normalised saving; None: those of the baseline period. Raises ConfigError
    for an unknown kind.
    """
    from analysis import Refusal, avoided_energy, backcast, normalised
    from audit.models import fit_plan

    if kind not in KINDS:
        raise ConfigError(f'there is no kind of saving "{kind}".', todo=f"Choose one of: {', '.join(KINDS)}.")
    if kind == "avoided":
        return avoided_energy(
            model, after, confidence=plan.confidence, method=method, instruments=instruments
        )
    today = fit_plan(plan, after, allow_short=allow_short)
    if isinstance(today, Refusal):
        return today
    if kind == "backcast":
        return backcast(today, before, confidence=plan.confidence, method=method, instruments=instruments)
    return normalised(
        model,
        today,
        before if conditions is None else conditions,
        confidence=plan.confidence,
        method=method,
        instruments=instruments,
    )
