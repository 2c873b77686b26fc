"""The ledger of non-routine adjustments: who decided what, why and how; and what it does to a saving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analysis._combined import coverage
from analysis._frames import numbers, used_mask
from analysis._linear import independent_columns
from analysis._notes import not_significant, refuse_no_baseline
from analysis.events import _ledger_words as words
from analysis.events._calendar import by_calendar
from analysis.events._entry import Entry
from analysis.events._overlap import overlapping
from analysis.events._segments import noise_of, outliers
from analysis.events.detection import Detection, Event
from analysis.models import design
from analysis.results import (
    Adjustment,
    Finding,
    Model,
    Refusal,
    Savings,
    Uncertainty,
    UncertaintyPart,
)
from analysis.uncertainty import independent_days
from dodac.errors import ConfigError

_INDICATOR_CONFIDENCE: Final = 0.9
_DOUBT: Final = "not_significant"


@dataclass(frozen=True)
class StaticFactor:
    """Something that drives energy but is taken as unchanged: floor area, lines, shifts, set points."""

    name: str
    unit: str
    baseline_value: float | str
    note: str = ""


@dataclass(frozen=True)
class FactorChange:
    """A static factor that changed: to what, since when, told by whom; entry: the decision about it."""

    factor: str
    value: float | str
    since: str
    by: str
    entry: str = ""


@dataclass(frozen=True)
class Ledger:
    """All decisions, and the static factors with their changes, of one plan."""

    entries: tuple[Entry, ...] = ()
    factors: tuple[StaticFactor, ...] = ()
    changes: tuple[FactorChange, ...] = ()

    def __post_init__(self) -> None:
        ids = [entry.id for entry in self.entries]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ConfigError(f'the entry "{twice[0]}" is in the ledger twice.')
        names = {factor.name for factor in self.factors}
        for change in self.changes:
            if change.factor not in names:
                raise ConfigError(f'there is no static factor "{change.factor}".', todo="Enter it first.")
            if change.entry and change.entry not in ids:
                raise ConfigError(f'there is no entry "{change.entry}" in the ledger.')

    def of(self, period: str, *methods: str) -> tuple[Entry, ...]:
        """The entries of a period, of these methods (or all)."""
        return tuple(
            entry
            for entry in self.entries
            if entry.period == period and (not methods or entry.method in methods)
        )

    def findings(self, detection: Detection | None = None) -> list[Finding]:
        """What nobody has decided on: changed static factors, and proposed events."""
        found = [
            words.factor_changed(change.factor, change.value, change.since)
            for change in self.changes
            if not change.entry
        ]
        if detection is not None:
            found += [words.undecided(event.en, event.vi, event.start) for event in self.undecided(detection)]
        return found

    def undecided(self, detection: Detection) -> tuple[Event, ...]:
        """Proposed events whose start no entry of their period holds or touches."""
        return tuple(event for event in detection.events if not any(answers(e, event) for e in self.entries))


def without_excluded(frame: pd.DataFrame, ledger: Ledger, period: str) -> pd.DataFrame:
    """A copy of a frame with `used` False in the excluded events of a period ("baseline", "reporting")."""
    changed = frame.copy()
    kept = (
        changed["used"].to_numpy() == True  # noqa: E712  (also for object columns)
        if "used" in changed
        else np.ones(len(changed), dtype=np.bool_)
    )
    for entry in ledger.of(period, "exclude"):
        kept = kept & ~entry.covers(pd.DatetimeIndex(changed.index))
    changed["used"] = kept
    return changed


def with_indicators(frame: pd.DataFrame, ledger: Ledger) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A copy of a baseline frame with a 0/1 column for each indicator entry of the baseline, and its names.

    Fit with these names as further drivers: the event gets a level of its own, with its uncertainty in
    the covariance. Give the reporting frame the same columns: 0 where the event is over, 1 where it lasts.
    """
    changed = frame.copy()
    names = []
    for entry in ledger.of("baseline", "indicator"):
        name = f"event.{entry.id}"
        changed[name] = entry.covers(pd.DatetimeIndex(changed.index)).astype(np.float64)
        names.append(name)
    return changed, tuple(names)


def adjustments(
    savings: Savings,
    ledger: Ledger,
    *,
    model: Model,
    frame: pd.DataFrame,
    submeters: Mapping[str, pd.Series[float]] | None = None,
) -> tuple[Adjustment, ...] | Refusal:
    """The amounts that the reporting period's entries add to the adjusted baseline, each with its ±.

    savings: unadjusted, its frame says which intervals count; model, frame: what it was computed from (an
    indicator carries the baseline's own error too); submeters: meter → energy by interval
    (unit of the saving, index as the frame's). Refused when an indicator has too little beside it to be
    held against, a submeter lacks intervals, an entry lies outside the period, or two entries would count the same energy twice. Source: IPMVP application guide on non-routine events
    and adjustments (EVO 2020), section on methods; amounts here are dodac's own reading of it.
    """
    index = pd.DatetimeIndex(savings.frame.index)
    twice = overlapping(ledger.of("reporting"), index)
    if twice is not None:
        return words.refuse_overlap(*twice)
    found = []
    for entry in ledger.of("reporting", "indicator", "engineering", "submeter", "calendar"):
        if entry.method != "calendar" and not entry.covers(index).any():
            return words.refuse_outside(entry, savings.start, savings.end)
        if entry.method == "engineering":
            one: Adjustment | Refusal = Adjustment(
                entry.id,
                entry.amount,
                entry.half_width,
                *_words_of(entry, entry.amount, savings.unit),
                entry.confidence,
            )
        elif entry.method == "submeter":
            one = _submetered(savings, entry, submeters or {})
        elif entry.method == "calendar":
            one = by_calendar(savings, entry, model, frame)
        else:
            others = [other for other in ledger.of("reporting") if other is not entry]
            one = _by_indicator(savings, entry, others, model, frame)
        if isinstance(one, Refusal):
            return one
        found.append(one)
    return tuple(found)


def adjusted(savings: Savings, amounts: Sequence[Adjustment]) -> Savings | Refusal:
    """The saving with the adjustments: a new result; the unadjusted one stays as it is.

    Amounts are added to the adjusted baseline; their uncertainties, brought to the saving's confidence
    by the normal distribution, are added in quadrature: an indicator or a calendar amount is a difference
    between intervals, in which the level's error, most of the saving's, cancels. Refused when they leave no
    adjusted baseline above zero.
    """
    total = sum(amount.amount for amount in amounts)
    if savings.adjusted_baseline + total <= 0.0:
        return refuse_no_baseline(savings.adjusted_baseline + total)
    saving = savings.saving + total
    uncertainty = _wider(savings.uncertainty, amounts)
    found = [*(one for one in savings.findings if one.code != _DOUBT), *told(amounts, savings.unit)]
    if uncertainty.half_width >= abs(saving):
        found.append(not_significant(saving, uncertainty.half_width))
    return replace(
        savings,
        adjusted_baseline=savings.adjusted_baseline + total,
        saving=saving,
        uncertainty=uncertainty,
        others=tuple(_wider(other, amounts) for other in savings.others),
        findings=tuple(found),
        adjustments=(*savings.adjustments, *amounts),
    )


def _wider(alone: Uncertainty, amounts: Sequence[Adjustment]) -> Uncertainty:
    """An uncertainty with a part for each adjustment."""
    if not amounts:
        return alone
    added = [
        UncertaintyPart(
            "adjustment", one.id, one.half_width * coverage(alone.confidence) / coverage(one.confidence)
        )
        for one in amounts
    ]
    half = math.hypot(alone.half_width, *(part.half_width for part in added))
    before = alone.parts or (UncertaintyPart("model", alone.method, alone.half_width),)
    return replace(alone, half_width=half, parts=(*before, *added))


def told(amounts: Sequence[Adjustment], unit: str, left_out: Sequence[Entry] = ()) -> tuple[Finding, ...]:
    """Each decision in a figure in words: amount, method, who and why; and what was left out."""
    return (*(words.adjusted(one, unit) for one in amounts), *(words.excluded(entry) for entry in left_out))


def _by_indicator(
    savings: Savings, entry: Entry, others: Sequence[Entry], model: Model, table: pd.DataFrame
) -> Adjustment | Refusal:
    """The coefficient of a 0/1 column in a regression of the saving on expected energy, times its intervals.

    The measure's own saving may have a fixed part and a part in proportion to the expected energy. ± from
    the long-run variance of what is left, so that memory counts, and from the baseline's coefficients,
    which err alike on the same days of both. Intervals of other entries are left out.
    """
    frame = savings.frame
    index = pd.DatetimeIndex(frame.index)
    used = used_mask(frame, [numbers(frame, "saving"), numbers(frame, "adjusted_baseline")])
    inside = entry.covers(index) & used
    beside = used & ~inside
    for other in others:
        beside &= ~other.covers(index)
    count, around = int(np.sum(inside)), int(np.sum(beside))
    if count < 3 or around < max(14, count // 4):
        return words.refuse_indicator(entry.id, count, around, max(14, count // 4))
    rows = inside | beside
    saving, expected = numbers(frame, "saving")[rows], numbers(frame, "adjusted_baseline")[rows]
    mark = inside[rows].astype(np.float64)
    matrix = np.column_stack([mark, np.ones(len(mark)), expected - np.mean(expected)])
    matrix = matrix[:, independent_columns(matrix)]
    inverse = np.linalg.inv(matrix.T @ matrix)
    coefficients = inverse @ (matrix.T @ saving)
    rest = saving - matrix @ coefficients
    _, tame = outliers(rest, 10)
    noise = noise_of(tame, np.diff(np.flatnonzero(rows)) == 1)
    variance = max(noise.long_run, float(np.var(rest)))
    contrast = (inverse @ matrix.T)[0] @ design(model, table)[rows]
    kappa = model.statistics.n / independent_days(model.statistics)
    spread = variance * float(inverse[0, 0]) + kappa * float(contrast @ model.covariance @ contrast)
    half = coverage(_INDICATOR_CONFIDENCE) * math.sqrt(spread) * count
    amount = -float(coefficients[0]) * count
    return Adjustment(entry.id, amount, half, *_words_of(entry, amount, savings.unit), _INDICATOR_CONFIDENCE)


def _submetered(
    savings: Savings, entry: Entry, submeters: Mapping[str, pd.Series[float]]
) -> Adjustment | Refusal:
    """What another meter counted within the event, with the sign of a load that came or went."""
    series = submeters.get(entry.meter)
    if series is None:
        have = ", ".join(submeters) or "none"
        raise ConfigError(f'{entry.id}: there is no submeter "{entry.meter}".', todo=f"Given: {have}.")
    index = pd.DatetimeIndex(savings.frame.index)
    inside = entry.covers(index) & savings.frame["used"].to_numpy(dtype=np.bool_)
    values = series.reindex(index).to_numpy(dtype="float64")[inside]
    there, needed = int(np.sum(np.isfinite(values))), len(values)
    if there < needed or not needed:
        return words.refuse_submeter(entry.id, entry.meter, needed, there)
    amount = float(np.sum(values)) * (-1.0 if entry.removed else 1.0)
    return Adjustment(
        entry.id,
        amount,
        abs(amount) * entry.uncertainty,
        *_words_of(entry, amount, savings.unit),
        entry.confidence,
    )


def _words_of(entry: Entry, amount: float, unit: str) -> tuple[str, str]:
    return words.entry(entry.method, entry.by, entry.at, entry.why, amount, unit)


def answers(entry: Entry, event: Event) -> bool:
    """Is a decision about an event: of its period, and on no later or earlier dates?"""
    if entry.period != event.period:
        return False
    starts_in_time = pd.Timestamp(entry.start) <= pd.Timestamp(event.latest)
    ends_late_enough = not entry.end or pd.Timestamp(entry.end) >= pd.Timestamp(event.earliest)
    return bool(starts_in_time and ends_late_enough)
