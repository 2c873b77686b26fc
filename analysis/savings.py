"""Avoided energy and backcast: a model against what was measured, never without uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis import _saving_words as words
from analysis._combined import check_method, combined, sensitivities
from analysis._coverage_words import own_period, wrong_order
from analysis._frames import day_text
from analysis._memory import memory_of
from analysis._saving_memory import memory_findings
from analysis._saving_rows import Rows, rows_of, saving_frame
from analysis.data import MeterData
from analysis.results import Adjustment, Finding, InstrumentPart, Model, Refusal, Savings, Uncertainty
from analysis.uncertainty import ALWAYS, DEFAULT_METHOD, METHODS

_MONTH_DAYS = 30.4375


def avoided_energy(
    model: Model,
    frame: pd.DataFrame | MeterData,
    *,
    confidence: float = 0.9,
    method: str = DEFAULT_METHOD,
    instruments: Sequence[InstrumentPart] = (),
    adjustments: Sequence[Adjustment] = (),
) -> Savings | Refusal:
    """The saving of a reporting period against a baseline (IPMVP 2012 §4.5.3, avoided energy).

    frame: as for the fit, with the same columns and interval; `used` False leaves a row out. Rows
    with a gap, or of a kind the baseline never had, are left out and counted, never filled. `others`
    holds the remaining methods (the bootstrap only when asked for). instruments: what the meters
    themselves may be wrong by; adjustments: non-routine ones, added to the adjusted baseline and to
    the uncertainty. Refused when no row can be used, or when a driver has left the baseline's range
    (its mean, or most rows). Raises DataError for a frame that is no table of the model's interval,
    ConfigError for an unknown method or a confidence outside (0.5, 1).
    """
    return _saving_of("avoided", model, frame, confidence, method, instruments, adjustments)


def backcast(
    model: Model,
    frame: pd.DataFrame | MeterData,
    *,
    confidence: float = 0.9,
    method: str = DEFAULT_METHOD,
    instruments: Sequence[InstrumentPart] = (),
    adjustments: Sequence[Adjustment] = (),
) -> Savings | Refusal:
    """The saving when the model is of the reporting period: baseline measured − model at its conditions.

    model: fitted on the time after the measure; frame: the baseline period with its energy. In the
    result adjusted_baseline is what was measured before, measured is what the plant of today would
    have used then. Source: IPMVP 2012 §4.5.3 (backcasting); SEP M&V protocol 2019. As
    `avoided_energy` otherwise.
    """
    return _saving_of("backcast", model, frame, confidence, method, instruments, adjustments)


def _saving_of(
    kind: str,
    model: Model,
    frame: pd.DataFrame | MeterData,
    confidence: float,
    method: str,
    instruments: Sequence[InstrumentPart],
    adjustments: Sequence[Adjustment],
) -> Savings | Refusal:
    """What one side used more than the other: the model is the side before (avoided) or after (backcast)."""
    check_method(method, confidence)
    rows = rows_of(model, frame)
    if isinstance(rows, Refusal):
        return rows
    sides = (rows.model, rows.measured) if kind == "avoided" else (rows.measured, rows.model)
    before, after = (rows.total(side) for side in sides)
    if kind == "avoided" and before <= 0.0:
        return notes.refuse_no_baseline(before)
    added = sum(each.amount for each in adjustments)
    if before + added <= 0.0:
        return notes.refuse_no_baseline(before + added)
    moved = sensitivities(instruments, before, after)
    total = rows.total(rows.model)
    chosen, others = _uncertainties(model, rows, total, confidence, method, instruments, moved, adjustments)
    found = [*rows.findings, *_in_time(kind, model, rows), *memory_findings(model, chosen, others, method)]
    if adjustments:
        found.append(words.adjusted(added, len(adjustments), model.unit))
    saving = before + added - after
    if chosen.half_width >= abs(saving):
        found.append(notes.not_significant(saving, chosen.half_width))
    count = int(np.sum(rows.used))
    return Savings(
        method=kind,
        unit=model.unit,
        start=day_text(rows.index[0]),
        end=day_text(rows.index[-1]),
        adjusted_baseline=before + added,
        measured=after,
        saving=saving,
        uncertainty=chosen,
        others=others,
        intervals=count,
        excluded=len(rows.index) - count,
        findings=tuple(found),
        frame=saving_frame(rows.index, rows.used, *sides),
        adjustments=tuple(adjustments),
        instruments=moved,
    )


def _in_time(kind: str, model: Model, rows: Rows) -> list[Finding]:
    """Does the period lie where this kind of saving supposes it, apart from the model's own?"""
    start, end = model.start[:10], model.end[:10]
    index = rows.index[rows.used]
    first, last = day_text(index[0]), day_text(index[-1])
    if last < start or first > end:
        astray = last < start if kind == "avoided" else first > end
        return [wrong_order(kind, start, end)] if astray else []
    days = index.strftime("%Y-%m-%d")
    shared = int(np.sum((days >= start) & (days <= end)))
    return [own_period(shared, len(days), model.interval, start, end)] if shared else []


def _uncertainties(
    model: Model,
    rows: Rows,
    total: float,
    confidence: float,
    method: str,
    instruments: Sequence[InstrumentPart],
    moved: dict[str, float],
    adjustments: Sequence[Adjustment],
) -> tuple[Uncertainty, tuple[Uncertainty, ...]]:
    months = months_of(rows)
    names = [name for name in dict.fromkeys([method, *ALWAYS]) if memory_of(model) or name != "exact_memory"]
    if method not in names:
        # an older frozen baseline: plain `exact` stands in for the default
        method = "exact"
    every = {
        name: combined(
            METHODS[name](model, rows.design[rows.used], total, months, confidence, rows.worth),
            instruments,
            moved,
            adjustments,
        )
        for name in names
    }
    chosen = every.pop(method)
    return chosen, tuple(every.values())


def months_of(rows: Rows) -> int:
    """Whole months that the period lasts, at least one (not calendar names: 18 months are 18)."""
    days = (rows.index[-1] - rows.index[0]).total_seconds() / 86_400.0 + float(rows.days[-1])
    return max(1, round(days / _MONTH_DAYS))
