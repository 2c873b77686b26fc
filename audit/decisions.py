"""Decisions about non-routine events, as the register keeps them, and what they do to a plan's frames."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from analysis import DEFAULT_METHOD, Model, Refusal, Savings, avoided_energy
from analysis.events import (
    Entry,
    FactorChange,
    Ledger,
    StaticFactor,
    adjustments,
    with_indicators,
    without_excluded,
)
from analysis.events.ledger import told as decisions_told
from audit.metering import instruments_of
from audit.periods import period_frame
from audit.records import Plan
from dodac.contracts import Store
from dodac.errors import ConfigError, DataError
from dodac.quantities import CHANNELS, Kind, nearest

# methods that change a figure; "none" does not
_CHANGING: Final = ("exclude", "engineering", "submeter", "indicator", "calendar")
_METER: Final = re.compile(r"[^:\s]+:[^:\s]+")


@dataclass(frozen=True)
class Decision:
    """What a person decided about one event of a plan; see `analysis.events.ledger.Entry` for the fields.

    half_width, uncertainty: None where the method needs none; meter: "instrument:channel" of a submeter.
    factor, value: the static factor that changed with the event, and to what ("" when none did). week: of
    the method "calendar", pairs of weekday and the weekday it is worked like since.
    """

    id: str
    plan: str
    by: str
    at: str
    why: str
    method: str
    period: str
    start: str
    end: str = ""
    evidence: str = ""
    amount: float = 0.0
    half_width: float | None = None
    confidence: float = 0.9
    meter: str = ""
    uncertainty: float | None = None
    removed: bool = False
    factor: str = ""
    value: str = ""
    week: tuple[tuple[str, str], ...] = ()
    registered_ns: int = 0

    def entry(self) -> Entry:
        """The entry of the ledger; raises ConfigError for one that can't be carried out."""
        return Entry(
            self.id, self.by, self.at, self.why, self.method, self.period, self.start, self.end,
            self.evidence, self.amount, math.nan if self.half_width is None else self.half_width,
            self.confidence, self.meter, math.nan if self.uncertainty is None else self.uncertainty,
            self.removed, self.week,
        )  # fmt: skip


def check_decision(decision: Decision, plan: Plan, registered: Sequence[Decision] = ()) -> None:
    """Raises ConfigError for a decision that does not fit its plan: dates, meter, static factor.

    DataError when its id is one of another plan's: a correction would take it from there.
    """
    entry = decision.entry()
    for other in registered:
        if other.id == decision.id and other.plan != decision.plan:
            raise DataError(
                f'decision "{decision.id}" is about plan "{other.plan}" already.',
                todo="Give the new one another id; a correction keeps its plan.",
            )
    if not all(letter.isalnum() or letter in "._-" for letter in decision.id):
        raise ConfigError(
            f'decision "{decision.id}": the id must be one word.', todo='Use letters, digits, "._-".'
        )
    span = plan.baseline if entry.period == "baseline" else plan.reporting
    if decision.start > span[1] or (decision.end and decision.end < span[0]):
        raise ConfigError(
            f'decision "{decision.id}": {decision.start}..{decision.end or "…"} lies outside the '
            f"{entry.period} period {span[0]}..{span[1]}.",
            todo="Correct the dates, or the period it belongs to.",
        )
    if decision.method == "submeter" and not _METER.fullmatch(decision.meter):
        raise ConfigError(
            f'decision "{decision.id}": meter = "{decision.meter}".', todo='Write "instrument:channel".'
        )
    if decision.method == "submeter":
        _check_meter(decision, plan)
    if bool(decision.factor) != bool(decision.value):
        raise ConfigError(
            f'decision "{decision.id}": factor and value belong together.',
            todo="Say what changed, and to what.",
        )
    factors = {name for name, _, _ in plan.static_factors}
    if decision.factor and decision.factor not in factors:
        raise ConfigError(
            f'decision "{decision.id}": the plan has no static factor "{decision.factor}".',
            todo=f"It has: {', '.join(sorted(factors)) or 'none'}.",
        )


def _check_meter(decision: Decision, plan: Plan) -> None:
    """A submeter counts energy in the unit of the plan's meter, or its sum can't be added."""
    channel = decision.meter.partition(":")[2]
    if channel not in CHANNELS:
        near = nearest(channel, CHANNELS)
        raise ConfigError(
            f'decision "{decision.id}": meter = "{decision.meter}": there is no channel "{channel}".',
            todo=f'Did you mean "{near}"?' if near else "",
        )
    unit, wanted = CHANNELS[channel].unit, CHANNELS[plan.energy[1]].unit
    if unit != wanted or CHANNELS[channel].kind is Kind.GAUGE:
        raise ConfigError(
            f'decision "{decision.id}": meter = "{decision.meter}" is in {unit}; the plan\'s energy in {wanted}.',
            todo="Name a counter or amount of that unit, or calculate (engineering).",
        )


def ledger_of(plan: Plan, decisions: Sequence[Decision]) -> Ledger:
    """The ledger of a plan: its static factors, and what was decided."""
    return Ledger(
        entries=tuple(decision.entry() for decision in decisions),
        factors=tuple(StaticFactor(name, unit, value) for name, unit, value in plan.static_factors),
        changes=tuple(
            FactorChange(decision.factor, decision.value, decision.start, decision.by, decision.id)
            for decision in decisions
            if decision.factor
        ),
    )


def decided(frame: pd.DataFrame, ledger: Ledger, period: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A frame of `period_frame` with what was decided about it: excluded intervals, events as 0/1 columns.

    period: "baseline" or "reporting". Gives the frame and the names of the columns, which are drivers
    of the fit.
    """
    return with_indicators(without_excluded(frame, ledger, period), ledger)


def saving_with(
    plan: Plan,
    model: Model,
    frame: pd.DataFrame,
    decisions: Sequence[Decision],
    store: Store,
    confidence: float,
    method: str = DEFAULT_METHOD,
) -> tuple[Savings, float | None] | Refusal:
    """The saving of a reporting frame with what was decided about it, and as it is without that.

    The second is None when nothing was decided that changes the figure, or when there is none without
    the decisions. Raises DataError when a submeter is not there.
    """
    ledger = ledger_of(plan, decisions)
    prepared, _ = decided(frame, ledger, "reporting")
    parts, told = instruments_of(plan.metering, plan.energy[0])
    plain = avoided_energy(model, prepared, confidence=confidence, method=method, instruments=parts)
    if isinstance(plain, Refusal):
        return plain
    amounts = adjustments(
        plain, ledger, model=model, frame=prepared, submeters=_submeters(plan, ledger, store)
    )
    if isinstance(amounts, Refusal):
        return amounts
    if not ledger.of("reporting", *_CHANGING):
        return replace(plain, findings=(*plain.findings, *told)), None
    bare = avoided_energy(
        model, with_indicators(frame, ledger)[0], confidence=confidence, method=method, instruments=parts
    )
    whole = plain
    if amounts:
        again = avoided_energy(
            model, prepared, confidence=confidence, method=method, instruments=parts, adjustments=amounts
        )
        if isinstance(again, Refusal):
            return again
        whole = again
    without = None if isinstance(bare, Refusal) else bare.saving
    said = decisions_told(amounts, whole.unit, ledger.of("reporting", "exclude"))
    return replace(whole, findings=(*whole.findings, *said, *told)), without


def _submeters(plan: Plan, ledger: Ledger, store: Store) -> dict[str, pd.Series[float]]:
    found = {}
    for entry in ledger.of("reporting", "submeter"):
        instrument, _, channel = entry.meter.partition(":")
        apart = replace(plan, energy=(instrument, channel), drivers={})
        frame = period_frame(store, apart, plan.reporting)
        found[entry.meter] = frame["energy"].where(frame["used"])
    return found
