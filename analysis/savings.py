"""Avoided energy: the adjusted baseline minus what was measured, never without its uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import _notes as notes
from analysis._frames import Bools, Floats, check_index, day_text, day_words, numbers, used_mask
from analysis.baselines._towt_columns import WEEKDAYS, setting
from analysis.models import design
from analysis.results import Finding, Model, Refusal, Savings
from analysis.uncertainty import DEFAULT_METHOD, METHODS, independent_days
from dodac.errors import ConfigError

_YEAR_DAYS = 330
_MODERATE_SHARE = 0.01
_SEVERE_SHARE = 0.10
_SEVERE_REACH = 0.20
_STRONG_RHO = 0.7


def avoided_energy(
    model: Model, frame: pd.DataFrame, *, confidence: float = 0.9, method: str = DEFAULT_METHOD
) -> Savings | Refusal:
    """The saving of a reporting period against a baseline (IPMVP 2012 §4.5.3, avoided energy).

    frame: as for the fit, with the same columns; `used` False leaves a day out. Days with a gap, or
    of a kind the baseline never had, are left out and counted, never filled. `others` holds the
    remaining methods. Refused when no day can be used, or when a driver has left the baseline's
    range (its mean, or most days). Raises DataError for a frame that is no daily table,
    ConfigError for an unknown method or a confidence outside (0.5, 1).
    """
    if method not in METHODS:
        raise ConfigError(f'there is no method "{method}".', todo=f"Choose one of: {', '.join(METHODS)}.")
    if not 0.5 < confidence < 1.0:
        raise ConfigError(f"a confidence of {confidence} makes no sense.", todo="Give e.g. 0.9.")
    index = check_index(frame)
    measured = numbers(frame, setting(model.settings, "energy"))
    rows = design(model, frame)
    drivers = {name: numbers(frame, name) for name in setting(model.settings, "ranges")}
    whole = used_mask(frame, [measured, *drivers.values()])
    known = ~np.isnan(rows).any(axis=1)
    used = whole & known
    m = int(np.sum(used))
    if m == 0:
        return notes.refuse_no_days(len(frame))
    found: list[Finding] = []
    for name, values in drivers.items():
        graded = _extrapolation(model, name, values[used])
        if isinstance(graded, Refusal):
            return graded
        found += graded
    linear = rows @ model.coefficients
    adjusted = np.maximum(linear, 0.0)
    total, spent = float(np.sum(adjusted[used])), float(np.sum(measured[used]))
    if total <= 0.0:
        return notes.refuse_no_baseline(total)
    months = _months(index)
    results = {
        name: function(model, rows[used], total, months, confidence) for name, function in METHODS.items()
    }
    chosen = results.pop(method)
    found += _findings(model, frame, index, whole, used, linear)
    saving = total - spent
    if chosen.half_width >= abs(saving):
        found.append(notes.not_significant(saving, chosen.half_width))
    return Savings(
        method="avoided",
        unit=model.unit,
        start=day_text(index[0]),
        end=day_text(index[-1]),
        adjusted_baseline=total,
        measured=spent,
        saving=saving,
        uncertainty=chosen,
        others=tuple(results.values()),
        intervals=m,
        excluded=len(frame) - m,
        findings=tuple(found),
        frame=_frame(index, measured, adjusted, used),
    )


def _frame(index: pd.DatetimeIndex, measured: Floats, adjusted: Floats, used: Bools) -> pd.DataFrame:
    saving = np.where(used, adjusted - measured, np.nan)
    return pd.DataFrame(
        {
            "measured": measured,
            "adjusted_baseline": adjusted,
            "saving": saving,
            "cumulative": np.cumsum(np.nan_to_num(saving)),
            "used": used,
        },
        index=index,
    )


def _months(index: pd.DatetimeIndex) -> int:
    """Whole months that the period lasts, at least one (not calendar names: 18 months are 18)."""
    days = (index[-1] - index[0]).total_seconds() / 86_400.0 + 1.0
    return max(1, round(days / 30.4375))


def _findings(
    model: Model, frame: pd.DataFrame, index: pd.DatetimeIndex, whole: Bools, used: Bools, linear: Floats
) -> list[Finding]:
    found: list[Finding] = []
    words = day_words(frame, setting(model.settings, "day_type"))
    strange = whole & ~used
    if not whole.all():
        found.append(notes.days_left_out(int(np.sum(~whole)), len(frame)))
    if strange.any():
        weekday = index.day_of_week.to_numpy()
        kinds = sorted(
            {
                WEEKDAYS[weekday[place]] if words[place] == "normal" else str(words[place])
                for place in np.flatnonzero(strange)
            }
        )
        found.append(notes.unknown_days(kinds, int(np.sum(strange))))
    merged = setting(model.settings, "merged_day_types")
    seen = {merged.get(word, word) for word in words.tolist()}
    had = set(setting(model.settings, "day_types"))
    if "tet" in had and "tet" not in seen:
        found.append(notes.tet_in_one_period("baseline"))
    if "tet" in seen and "tet" not in had:
        found.append(notes.tet_in_one_period("reporting"))
    absent = sorted(had - seen - {"tet"})
    if absent:
        found.append(notes.absent_days(absent))
    m = int(np.sum(used))
    if m < _YEAR_DAYS:
        found.append(notes.partial_year(m, _YEAR_DAYS))
    below = int(np.sum(linear[used] < 0.0))
    if below:
        found.append(notes.clipped(below))
    if model.statistics.rho > _STRONG_RHO:
        found.append(notes.strong_memory(model.statistics.rho, independent_days(model.statistics)))
    return found


def _extrapolation(model: Model, name: str, values: Floats) -> list[Finding] | Refusal:
    """How far a driver leaves what the baseline saw of it.

    moderate: more than 1 % of days outside; severe: more than 10 % of days, or a day outside by more
    than a fifth of the range; refused: most days outside, or the mean outside the range (the first
    half of the range rule of DOE's Superior Energy Performance, M&V protocol 2019).
    """
    low, high, _ = setting(model.settings, "ranges")[name]
    width = high - low
    slack = 1e-9 * max(abs(low), abs(high), 1.0)
    reach = np.maximum(np.maximum(low - values, values - high), 0.0)
    outside = int(np.sum(reach > slack))
    mean = float(np.mean(values))
    if outside > len(values) / 2 or not (low - slack <= mean <= high + slack):
        return notes.refuse_extrapolation(name, mean, low, high, outside, len(values))
    share = outside / len(values)
    if share > _SEVERE_SHARE or float(np.max(reach)) > max(_SEVERE_REACH * width, slack):
        return [notes.extrapolation(name, "severe", outside, len(values), low, high)]
    if share > _MODERATE_SHARE:
        return [notes.extrapolation(name, "moderate", outside, len(values), low, high)]
    return []
