"""The daily time-of-week-and-temperature baseline: fit, design and predict.

Sources: Mathieu, Price, Kiliccote, Piette (2011), IEEE Trans. Smart Grid 2(3) 507–518; day types and
knots as the public package nmecr (kW-Labs, MIT) chooses them for daily data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import _notes as notes
from analysis._frames import Bools, Floats, check_index, day_text, numbers, used_mask
from analysis._linear import fit_linear, independent_columns, left_out_errors
from analysis.baselines import _words as words
from analysis.baselines._extras import as_words, extra_settings
from analysis.baselines._hours import day_groups, occupied_groups, quantile_knots
from analysis.baselines._towt_columns import (
    WORKED,
    all_columns,
    among,
    category_columns,
    design,
    knots,
    occupied_weekdays,
    setting,
    slow_temperature,
    tells_day_type,
    type_words,
)
from analysis.baselines.warm_start import start_settings, with_last
from analysis.data import MeterData, meter_data
from analysis.results import Finding, Model, Refusal
from dodac.errors import ConfigError

__all__ = ["design", "fit", "fit_towt_daily"]

KIND = "towt-daily"
BY_LINE, BY_LEVEL = "above_line", "level"
SMOOTHED = "towt-daily-smoothed"
SMOOTHING_H = (0.0, 24.0, 48.0, 72.0)
MIN_DAYS = 330
_SHORTEST_DAYS = 30
_FEW_SPECIAL_DAYS = 3
_POOR_CV_RMSE = 0.25
_BLOCK_DAYS = 14
_SMOOTHED_PIECES = 4


def fit(data: MeterData, kind: str = KIND, **options: Any) -> Model | Refusal:
    """`fit_towt_daily` on a `MeterData`; options: as there.

    The day type is the first category with words of day types ("normal", "holiday", …), "day_type"
    before others; further categories (shift, mode) have a level for each word. The kind
    "towt-daily-smoothed" chooses a smoothed temperature beside the day's own, and takes days as occupied
    by their level, unless told otherwise.
    """
    if kind == SMOOTHED:
        options.setdefault("smoothing_h", SMOOTHING_H)
        options.setdefault("occupied", BY_LEVEL)
    named = sorted(data.categories, key=lambda name: name != "day_type")
    special = next((name for name in named if tells_day_type(data.frame, name)), None)
    found = fit_towt_daily(
        data.frame,
        energy=data.energy,
        temperature=data.temperature or "temperature",
        drivers=data.drivers,
        day_type=special,
        categories=[name for name in data.categories if name != special],
        unit=data.unit,
        **options,
    )
    return (
        replace(found, kind=kind, findings=(*data.findings, *found.findings))
        if isinstance(found, Model)
        else found
    )


def fit_towt_daily(
    frame: pd.DataFrame,
    *,
    energy: str = "energy",
    temperature: str = "temperature",
    drivers: Sequence[str] = (),
    day_type: str | None = None,
    unit: str = "kWh",
    segments: int = 6,
    min_points: int = 20,
    occupied_share: float = 0.65,
    min_days: int = MIN_DAYS,
    allow_short: bool = False,
    smoothing_h: float | Sequence[float] = 0.0,
    categories: Sequence[str] = (),
    occupied: str = BY_LINE,
) -> Model | Refusal:
    """Fits a daily baseline, or says why there is none.

    frame: one row a local day (DatetimeIndex); columns energy (in `unit` a day), temperature (°C,
    mean of the day), each further driver (linear: production, hours, …), optionally day_type (words,
    "normal" for usual days; "make_up" and "working" are rest days worked, which count as a working
    weekday) and `used` (False leaves a day out). smoothing_h: time constant (hours) of a smoothed
    temperature beside the day's own, or several of which the one with the least error on left-out
    blocks of 14 days is taken; 0 for none. categories: further columns of words (operating mode, shift),
    a level for each. occupied: how weekdays with slopes of their own are found: "above_line" (Mathieu
    et al., nmecr: above a line of heating and cooling on more than occupied_share of them), which gives
    other weekdays in another year where working days differ little; "level": above the middle of the
    levels at equal temperature, weekdays being one group while chance explains the difference. Days with a gap are left out and
    counted. Refused with fewer than `min_days` whole days (allow_short: 30), a meter that never
    moves or does not consume, or no more days than terms. Raises DataError when the frame is no daily table.
    """
    index = check_index(frame)
    y = numbers(frame, energy)
    t = numbers(frame, temperature)
    extra = {name: numbers(frame, name) for name in drivers}
    types = type_words(frame, day_type)
    used = used_mask(frame, [y, t, *extra.values()])
    for name in categories:
        used &= as_words(frame, name) != ""
    days = int(np.sum(used))
    refusal = _refusal(y[used], days, min_days, allow_short, energy)
    if refusal is not None:
        return refusal
    findings: list[Finding] = []
    if days < len(frame):
        findings.append(notes.days_left_out(len(frame) - days, len(frame)))
    if days < min_days:
        findings.append(notes.short_baseline(days, min_days))
    below = int(np.sum(y[used] < 0.0))
    if below:
        findings.append(words.negative_rows(below, days))
    findings += _season(index[used])
    y, t, types = y[used], t[used], types[used]
    extra = {name: values[used] for name, values in extra.items()}
    weekday = index.day_of_week.to_numpy()[used]
    working = among(types, WORKED)
    types = np.where(working, "normal", types)
    specials, merged = _special_days(types, findings)
    normal = ~working & np.array([merged.get(word, word) == "normal" for word in types], dtype=np.bool_)
    if not normal.any():
        return notes.refuse_no_normal_days(days)
    settings: dict[str, object] = {
        "energy": energy,
        "temperature": temperature,
        "drivers": list(drivers),
        "day_type": day_type,
        "knots_c": knots(t, segments, min_points),
        "occupied": _occupied(occupied, t[normal], y[normal], weekday[normal], occupied_share),
        "weekdays": [day for day in range(7) if np.any(weekday[normal] == day)],
        "categories": [],
        "levels": {},
        "merged": {},
        "day_types": specials,
        "merged_day_types": merged,
        "segments": segments,
        "min_points": min_points,
        "occupied_share": occupied_share,
        "ranges": {
            name: [float(np.min(v)), float(np.max(v)), float(np.std(v))]
            for name, v in {temperature: t, **extra}.items()
        },
    }
    # the commonest kind of working day: the middle one of the week's
    busy = setting(settings, "occupied") or setting(settings, "weekdays")
    settings["work_day"] = busy[len(busy) // 2]
    weekday = np.where(working, busy[len(busy) // 2], weekday)
    if categories:
        data = meter_data(frame, unit=unit, interval="day", energy=energy, categories=categories)
        found, said = extra_settings(data, used, drivers=[])
        settings |= {key: found[key] for key in ("categories", "levels", "merged")}
        extra |= {name: values[used] for name, values in category_columns(settings, frame)[0].items()}
        findings += said
    names, matrix, _ = _with_smoothed(
        settings, smoothing_h, index, used, numbers(frame, temperature), t, weekday, types, extra, y
    )
    keep = independent_columns(matrix)
    dropped = [name for place, name in enumerate(names) if place not in keep]
    if dropped:
        findings.append(notes.collinear(dropped))
    if days <= len(keep):
        return notes.refuse_too_many_terms(days, len(keep))
    settings["columns"] = [names[place] for place in keep]
    follows = _follows(index, used)
    fitted = fit_linear(matrix[:, keep], y, follows)
    if fitted.statistics.cv_rmse > _POOR_CV_RMSE:
        findings.append(notes.poor_fit(fitted.statistics.cv_rmse, _POOR_CV_RMSE))
    return Model(
        kind=KIND,
        unit=unit,
        terms=tuple(names[place] for place in keep),
        coefficients=fitted.coefficients,
        covariance=fitted.covariance,
        statistics=fitted.statistics,
        settings=settings,
        start=day_text(index[0]),
        end=day_text(index[-1]),
        findings=tuple(findings),
        residuals=fitted.residuals,
        follows=follows,
        basis=matrix[:, keep],
    )


def _with_smoothed(
    settings: dict[str, object],
    smoothing_h: float | Sequence[float],
    index: pd.DatetimeIndex,
    used: Bools,
    whole: Floats,
    t: Floats,
    weekday: NDArray[np.int_],
    types: NDArray[np.object_],
    extra: dict[str, Floats],
    y: Floats,
) -> tuple[list[str], Floats, Bools]:
    """The columns, with the smoothed temperature that predicts left-out blocks of 14 days best."""
    tried = [float(h) for h in ([smoothing_h] if isinstance(smoothing_h, int | float) else smoothing_h)]
    if not tried or min(tried) < 0.0 or max(tried) > 240.0:
        raise ConfigError(f"smoothing_h {tried}.", todo="Give hours between 0 and 240.")
    if tried == [0.0]:
        return all_columns(settings, t, weekday, types, extra)
    days = index.as_unit("s").asi8[used]
    blocks = np.unique((days - days[0]) // (_BLOCK_DAYS * 86_400), return_inverse=True)[1]
    errors, found, knots_of, starts = [], [], [], []
    for hours in tried:
        settings["smoothing_h"] = hours
        starts.append(start_settings(whole, index, hours, 86_400))
        settings["smoothing_start"] = starts[-1]
        slow = slow_temperature(settings, whole, index)
        slow = None if slow is None else slow[used]
        settings["smoothed_knots_c"] = [] if slow is None else quantile_knots(slow, _SMOOTHED_PIECES)
        knots_of.append(settings["smoothed_knots_c"])
        found.append(all_columns(settings, t, weekday, types, extra, slow))
        if len(tried) > 1:
            matrix = found[-1][1]
            left = left_out_errors(matrix[:, independent_columns(matrix)], y, blocks)
            errors.append(float(np.nanmean(left**2)))
    best = int(np.argmin(errors)) if len(tried) > 1 else 0
    settings["smoothing_h"], settings["smoothed_knots_c"] = tried[best], knots_of[best]
    settings["smoothing_start"] = with_last(starts[best], whole, index, tried[best], 86_400)
    if len(tried) > 1:
        settings["smoothing_tried"] = {
            f"{hours:g}": round(float(np.sqrt(error)), 6) for hours, error in zip(tried, errors, strict=True)
        }
    return found[best]


def _occupied(rule: str, t: Floats, y: Floats, weekday: NDArray[np.int_], share: float) -> list[int]:
    if rule == BY_LINE:
        return occupied_weekdays(t, y, weekday, share)
    if rule != BY_LEVEL:
        raise ConfigError(f'occupied "{rule}".', todo=f'Give "{BY_LINE}" or "{BY_LEVEL}".')
    groups, levels = day_groups(np.zeros(len(y), dtype=np.int64), weekday, t, y, 1)
    busy = occupied_groups(levels)
    return sorted(day for group, one in zip(groups, busy, strict=True) if one for day in group)


def _refusal(y: Floats, days: int, min_days: int, allow_short: bool, energy: str) -> Refusal | None:
    needed = min(min_days, _SHORTEST_DAYS) if allow_short else min_days
    if days < needed:
        return notes.refuse_too_few_days(days, needed)
    if not np.any(y):
        return notes.refuse_all_zero(energy, days)
    if float(np.ptp(y)) <= 1e-9 * float(np.max(np.abs(y))):
        return notes.refuse_constant(energy, float(y[0]), days)
    if float(np.mean(y)) <= 0.0:
        return notes.refuse_not_consumed(energy, float(np.mean(y)))
    return None


def _season(days: pd.DatetimeIndex) -> list[Finding]:
    """A month of the year with no day at all leaves a season unseen."""
    seen = set(days.month.to_numpy().tolist())
    missing = [month for month in range(1, 13) if month not in seen]
    return [notes.months_missing(missing)] if missing else []


def _special_days(types: NDArray[np.object_], findings: list[Finding]) -> tuple[list[str], dict[str, str]]:
    """Day types with a column of their own; rare ones are merged ("tet" into "holiday", else "normal")."""
    counts = {word: int(np.sum(types == word)) for word in sorted(set(types.tolist())) if word != "normal"}
    common = [word for word, count in counts.items() if count >= _FEW_SPECIAL_DAYS]
    merged: dict[str, str] = {}
    for word, count in counts.items():
        if word not in common:
            merged[word] = "holiday" if "holiday" in common else "normal"
            findings.append(notes.few_special_days(word, count, merged[word]))
    return common, merged


def _follows(index: pd.DatetimeIndex, used: Bools) -> Bools:
    """For each used day but the last: is the next used one its neighbour?"""
    # rounding: days of a zone with summer time are 23 or 25 hours apart
    ordinal = np.round((index.as_unit("s").asi8 - index.as_unit("s").asi8[0]) / 86_400.0).astype(np.int64)
    step: Bools = np.diff(ordinal[used]) == 1
    return step
