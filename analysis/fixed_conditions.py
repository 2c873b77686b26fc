"""Savings from models on both sides: at fixed conditions, and chained over a long time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis import _saving_words as words
from analysis._combined import check_method, combined, sensitivities
from analysis._frames import Floats, day_text
from analysis._saving_memory import memory_findings
from analysis._saving_rows import Rows, rows_of, saving_frame
from analysis.data import MeterData
from analysis.results import Finding, InstrumentPart, Model, Refusal, Savings, Uncertainty
from analysis.uncertainty import DEFAULT_METHOD, of_sums

# only these know what the parameters alone are worth
PROJECTING: Final = ("exact_memory", "exact")


def normalised(
    before: Model,
    after: Model,
    conditions: pd.DataFrame | MeterData,
    *,
    confidence: float = 0.9,
    method: str = DEFAULT_METHOD,
    instruments: Sequence[InstrumentPart] = (),
) -> Savings | Refusal:
    """The saving at fixed conditions: both models in the same (normal) year (IPMVP 2012 §4.5.3, Eq. 1b).

    before, after: fitted on the baseline and on the reporting period; conditions: a frame with the
    drivers of both; no energy is needed. It is the saving to be expected of those conditions, so that
    only the errors of the two models' parameters count, as independent ones: U² = U₁² + U₂². Rows
    that one of them can't speak for are left out of both. Refused when conditions leave the range of
    either, or when units differ. Raises ConfigError for a method without a projection (g14,
    sun_baltazar, bootstrap), DataError for a frame that is no table of the models' interval.
    """
    check_method(method, confidence, PROJECTING)
    if (before.unit, before.interval) != (after.unit, after.interval):
        return words.refuse_units(f"{before.unit}/{before.interval}", f"{after.unit}/{after.interval}")
    old, new = (rows_of(model, conditions, measured=False) for model in (before, after))
    if isinstance(old, Refusal):
        return old
    if isinstance(new, Refusal):
        return new
    used = old.used & new.used
    if not used.any():
        return words.refuse_no_rows(len(used), before.interval)
    total, spent = float(np.sum(old.model[used])), float(np.sum(new.model[used]))
    if total <= 0.0:
        return notes.refuse_no_baseline(total)
    moved = sensitivities(instruments, total, spent)

    def each(name: str) -> list[Uncertainty]:
        return [
            of_sums(model, np.sum(rows.design[used], axis=0), (), confidence, name)
            for model, rows in ((before, old), (after, new))
        ]

    def uncertainty(name: str) -> Uncertainty:
        parts = each(name)
        # the plainer of the two names the method: one of them may have no memory kept
        named = min(parts, key=lambda part: PROJECTING[::-1].index(part.method))
        both = replace(
            named,
            half_width=math.hypot(*(part.half_width for part in parts)),
            n_effective=min(part.n_effective for part in parts),
        )
        return combined(both, instruments, moved, ())

    told = [
        memory_findings(model, own, (plain,), method)
        for model, own, plain in zip((before, after), each(method), each("exact"), strict=True)
    ]
    found = [words.projected(int(np.sum(used)), before.interval), *_once(old.findings, new.findings, *told)]
    frame = saving_frame(old.index, used, old.model, new.model)
    return _result("normalised", before.unit, frame, (total, spent), uncertainty, method, found, moved)


def chained(
    model: Model,
    baseline: pd.DataFrame | MeterData,
    reporting: pd.DataFrame | MeterData,
    *,
    confidence: float = 0.9,
    method: str = DEFAULT_METHOD,
    instruments: Sequence[InstrumentPart] = (),
) -> Savings | Refusal:
    """The saving over a long time by a model from between: adjusted baseline = E_b · Ê_r / Ê_b.

    model: fitted on a period between the two; baseline, reporting: frames of the first and the last
    period, with energy. Ê: the model at their conditions; the baseline's measured energy E_b is
    scaled by what the model makes of the change of conditions. For when conditions have moved so far
    that no model of one end reaches the other. Uncertainty: parameters with weights
    (E_b/Ê_b)(g_r − (Ê_r/Ê_b) g_b), the noise of both measured sums. The frame holds the reporting
    period. Source: SEP M&V protocol for industry 2012 §3.1.3 (chaining), SEnPI = (E_r/Ê_r)(Ê_b/E_b) = 1 − fraction;
    the formula as remembered. Refused and raised as in `normalised`.
    """
    check_method(method, confidence, PROJECTING)
    first, last = rows_of(model, baseline), rows_of(model, reporting)
    if isinstance(first, Refusal):
        return first
    if isinstance(last, Refusal):
        return last
    base, base_model = first.total(first.measured), first.total(first.model)
    spent, last_model = last.total(last.measured), last.total(last.model)
    if base_model <= 0.0 or last_model <= 0.0:
        return words.refuse_no_model_energy(min(base_model, last_model))
    ratio, level = last_model / base_model, base / base_model
    total = base * ratio
    if total <= 0.0:
        return notes.refuse_no_baseline(total)
    moved = sensitivities(instruments, total, spent)
    g = level * (_sum_of(last) - ratio * _sum_of(first))

    def alone(name: str) -> Uncertainty:
        return of_sums(model, g, ((ratio, first.worth), (1.0, last.worth)), confidence, name)

    def uncertainty(name: str) -> Uncertainty:
        return combined(alone(name), instruments, moved, ())

    told = memory_findings(model, alone(method), (alone("exact"),), method)
    found = _once(first.findings, last.findings, told)
    frame = saving_frame(last.index, last.used, last.model * level, last.measured)
    return _result("chained", model.unit, frame, (total, spent), uncertainty, method, found, moved)


def _sum_of(rows: Rows) -> Floats:
    found: Floats = np.sum(rows.design[rows.used], axis=0)
    return found


def _once(*groups: Sequence[Finding]) -> list[Finding]:
    """Findings of several periods, each code with its data once."""
    seen: dict[str, Finding] = {}
    for finding in (finding for group in groups for finding in group):
        seen.setdefault(f"{finding.code} {sorted(finding.data.items(), key=str)}", finding)
    return list(seen.values())


def _result(
    kind: str,
    unit: str,
    frame: pd.DataFrame,
    sums: tuple[float, float],
    uncertainty: Callable[[str], Uncertainty],
    method: str,
    findings: Sequence[Finding],
    moved: dict[str, float],
) -> Savings:
    results = {name: uncertainty(name) for name in dict.fromkeys([method, *PROJECTING])}
    chosen = results.pop(method)
    found = list(findings)
    saving = sums[0] - sums[1]
    if chosen.half_width >= abs(saving):
        found.append(notes.not_significant(saving, chosen.half_width))
    used = frame["used"].to_numpy()
    return Savings(
        method=kind,
        unit=unit,
        start=day_text(frame.index[0]),
        end=day_text(frame.index[-1]),
        adjusted_baseline=sums[0],
        measured=sums[1],
        saving=saving,
        uncertainty=chosen,
        others=tuple(other for other in results.values() if other.method != chosen.method),
        intervals=int(np.sum(used)),
        excluded=int(np.sum(~used)),
        findings=tuple(found),
        frame=frame,
        instruments=moved,
    )
