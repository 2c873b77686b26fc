"""The kinds of saving that `dodac analyse` gives: avoided, backcast, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Model, Refusal, Savings
    from analysis.results import InstrumentPart
    from audit.records import Plan

KINDS: Final = ("avoided", "backcast", "normalised")


@dataclass(frozen=True)
class Seen:
    """A period's frame (`audit.periods.period_frame`), and the weather just before it where that is known."""

    frame: pd.DataFrame
    weather: pd.Series | None = None


def saving_of(
    kind: str,
    plan: Plan,
    model: Model,
    before: Seen,
    after: Seen,
    conditions: Seen | None,
    *,
    method: str,
    instruments: Sequence[InstrumentPart] = (),
    allow_short: bool = False,
) -> Savings | Refusal:
    """A saving of one kind from what was seen in both periods.

    backcast and normalised fit the reporting period as well, with the plan's model (chosen anew where it
    is "auto"). conditions: of a normalised saving; None: those of the baseline period. Raises ConfigError
    for an unknown kind.
    """
    from analysis import Refusal, avoided_energy, backcast, normalised
    from audit.models import fit_plan

    if kind not in KINDS:
        raise ConfigError(f'there is no kind of saving "{kind}".', todo=f"Choose one of: {', '.join(KINDS)}.")
    confidence = plan.confidence
    if kind == "avoided":
        return avoided_energy(
            _warm(model, after), after.frame, confidence=confidence, method=method, instruments=instruments
        )
    today = fit_plan(plan, after.frame, allow_short=allow_short)
    if isinstance(today, Refusal):
        return today
    if kind == "backcast":
        return backcast(
            _warm(today, before), before.frame, confidence=confidence, method=method, instruments=instruments
        )
    year = before if conditions is None else conditions
    return normalised(
        _warm(model, year),
        _warm(today, year),
        year.frame,
        confidence=confidence,
        method=method,
        instruments=instruments,
    )


def _warm(model: Model, seen: Seen) -> Model:
    """The model with the weather before a period, unless its own period ends just there: it knows that weather."""
    if seen.weather is None or f"{seen.weather.index[-1]:%Y-%m-%d}" == model.end:
        return model
    from analysis.baselines.warm_start import with_weather_before

    return with_weather_before(model, seen.weather)
