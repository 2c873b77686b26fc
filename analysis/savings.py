"""Avoided energy and backcast: a model against what was measured, never without uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis import _saving_words as words
from analysis._combined import check_method, combined, sensitivities
from analysis._frames import Floats, day_text
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
    check_method(method, confidence)
    rows = rows_of(model, frame)
    if isinstance(rows, Refusal):
        return rows
    total, spent = rows.total(rows.model), rows.total(rows.measured)
    if total <= 0.0:
        return notes.refuse_no_baseline(total)
    added = sum(each.amount for each in adjustments)
    if total + added <= 0.0:
        return notes.refuse_no_baseline(total + added)
    moved = sensitivities(instruments, total, spent)
    chosen, others = _uncertainties(model, rows, total, confidence, method, instruments, moved, adjustments)
    found = [*rows.findings, *memory_findings(model, chosen, others, method)]
    if adjustments:
        found.append(words.adjusted(added, len(adjustments), model.unit))
    saving = total + added - spent
    return _savings(
        "avoided",
        model,
        rows,
        (rows.model, rows.measured),
        (total + added, spent, saving),
        (chosen, others),
        found,
        moved,
        adjustments,
    )


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
    check_method(method, confidence)
    rows = rows_of(model, frame)
    if isinstance(rows, Refusal):
        return rows
    before, now = rows.total(rows.measured), rows.total(rows.model)
    added = sum(each.amount for each in adjustments)
    if before + added <= 0.0:
        return notes.refuse_no_baseline(before + added)
    moved = sensitivities(instruments, before, now)
    chosen, others = _uncertainties(model, rows, now, confidence, method, instruments, moved, adjustments)
    found = [*rows.findings, *memory_findings(model, chosen, others, method)]
    if adjustments:
        found.append(words.adjusted(added, len(adjustments), model.unit))
    return _savings(
        "backcast",
        model,
        rows,
        (rows.measured, rows.model),
        (before + added, now, before + added - now),
        (chosen, others),
        found,
        moved,
        adjustments,
    )


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


def _savings(
    kind: str,
    model: Model,
    rows: Rows,
    sides: tuple[Floats, Floats],
    sums: tuple[float, float, float],
    uncertainties: tuple[Uncertainty, tuple[Uncertainty, ...]],
    findings: Sequence[Finding],
    moved: dict[str, float],
    adjustments: Sequence[Adjustment],
) -> Savings:
    """The result; sides: (adjusted baseline, measured) of each row; sums: the same and the saving."""
    chosen, others = uncertainties
    saving = sums[2]
    found = list(findings)
    if chosen.half_width >= abs(saving):
        found.append(notes.not_significant(saving, chosen.half_width))
    count = int(np.sum(rows.used))
    return Savings(
        method=kind,
        unit=model.unit,
        start=day_text(rows.index[0]),
        end=day_text(rows.index[-1]),
        adjusted_baseline=sums[0],
        measured=sums[1],
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
