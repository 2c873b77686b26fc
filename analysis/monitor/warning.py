"""Early warning: a saving that fades, or energy that leaves its baseline, with a stated rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Floats, numbers, used_mask
from analysis._memory import inflation, memory_of
from analysis.data import Interval, MeterData
from analysis.events._rows import interval_of, rows_of
from analysis.events._segments import noise_of, outliers
from analysis.models import predict
from analysis.monitor import _words as words
from analysis.monitor.charts import Cusum, cusum, long_run_factor, mean_run_length
from analysis.results import Finding, Model, Refusal, Savings
from dodac.errors import ConfigError

_REFERENCE: Final = {Interval.DAY: 60, Interval.WEEK: 12, Interval.MONTH: 6, Interval.BILL: 6}
_LEAST_REFERENCE: Final = 6
_LEAST_AFTER: Final = 1


@dataclass(frozen=True)
class Watch:
    """What a watch says at the end of its data.

    alarm: is the chart beyond its limit at the end of the data, or has it been (alarm_at: first
    time); since: where the change began; change: mean of the watched quantity since then against
    what was usual (unit an interval); share: of the usual saving (fading) or energy (drift).
    false_per_year: rate of false alarms the limit was set for; delay: intervals after which a change of
    the size looked for is found on average. chart: of the watched quantity.
    """

    alarm: bool
    alarm_at: str
    since: str
    change: float
    share: float
    interval: str
    unit: str
    false_per_year: float
    delay: float
    chart: Cusum
    findings: tuple[Finding, ...]


def watch_saving(
    savings: Savings,
    *,
    model: Model | None = None,
    reference: int | None = None,
    lost_share: float = 1 / 3,
    false_per_year: float = 0.1,
    interval: Interval | str | None = None,
) -> Watch | Refusal:
    """Does a saving fade?

    savings: unadjusted or adjusted, of hours (taken as days), days, weeks or months. reference: number of
    intervals at the start (counted in days, weeks, months) in which the saving is what it should be
    (60 days, 12 weeks or 6 months when not given); its fraction of the expected energy is the usual
    one, less one standard error, so that a lucky start raises no alarm. model: the saving's baseline, whose
    noise then counts (and the reference's, if larger), so that later data don't move earlier alarms;
    without it noise is from all the data. lost_share: part of the saving
    whose loss is looked for. false_per_year: alarms a year when nothing fades, by Siegmund's
    approximation; measured rates in docs/decisions/0025-event-detection.md.
    """
    _check(false_per_year, lost_share)
    frame = savings.frame
    step = Interval(interval) if interval is not None else interval_of(pd.DatetimeIndex(frame.index))
    table = pd.DataFrame(
        {"measured": frame["measured"], "expected": frame["adjusted_baseline"], "used": frame["used"]}
    )
    excess, expected, _, times = rows_of(table, step)
    step = _daily(step)
    kept = ~np.isnan(excess)
    saving, expected, times = -excess[kept], expected[kept], times[kept]
    count = reference if reference is not None else _REFERENCE[step]
    if count < _LEAST_REFERENCE:
        raise ConfigError(f"a reference of {count} intervals makes no sense.", todo="Give 6 or more.")
    if len(saving) < count + _LEAST_AFTER:
        return words.refuse_reference(count + _LEAST_AFTER, len(saving), step.value)
    base = float(np.sum(expected[:count]))
    if base <= 0.0:
        return words.refuse_no_saving(0.0)
    fraction = float(np.sum(saving[:count])) / base
    rest = saving - fraction * expected
    sd, rho = _noise(rest, times, step, count)
    if model is not None:
        sd, rho = _of_model(model)
        sd = max(sd, float(np.std(outliers(rest[:count], 10)[1], ddof=1)))
    error = sd * math.sqrt(long_run_factor(rho) * count) / base
    usual = (fraction - error) * float(np.mean(expected))
    if usual <= 0.0:
        return words.refuse_no_saving(fraction)
    x = saving - (fraction - error) * expected
    x[:count] = np.nan  # the reference is no evidence against itself
    watched = pd.Series(x, index=times)
    chart = _chart(watched, sd, rho, lost_share * usual, step, false_per_year)
    place = _first(chart, "low")
    start = _since(chart, "low", place)
    change = float(np.nanmean(x[start:])) if place is not None else 0.0
    share = -change / usual if place is not None else 0.0
    since = _day(times[start]) if place is not None else ""
    found = [words.fading(since, -change, share, savings.unit, step.value)] if place is not None else []
    return Watch(
        alarm=place is not None,
        alarm_at=_day(times[place]) if place is not None else "",
        since=since,
        change=change,
        share=share,
        interval=step.value,
        unit=savings.unit,
        false_per_year=false_per_year,
        delay=_delay(chart, sd, rho, lost_share * usual),
        chart=chart,
        findings=tuple(found),
    )


def watch_energy(
    model: Model, frame: pd.DataFrame | MeterData, *, shift_share: float = 0.05, false_per_year: float = 0.1
) -> Watch | Refusal:
    """Has energy left its baseline, up or down, without anybody having told of a measure?

    frame: new data with the model's columns. shift_share: lasting change looked for, as a part of the
    expected energy. Noise is the baseline's own (every memory that its residuals allow, where it has kept one); its level may be wrong by one
    standard error. Both sides together give false_per_year false alarms, at the same reservation as in `watch_saving`.
    """
    _check(false_per_year, shift_share)
    frame = frame.frame if isinstance(frame, MeterData) else frame
    energy = numbers(frame, str(model.settings["energy"]))
    expected: Floats = np.asarray(predict(model, frame), dtype=np.float64)
    used = used_mask(frame, [energy, expected])
    table = pd.DataFrame({"measured": energy, "expected": expected, "used": used}, index=frame.index)
    excess, usual, _, times = rows_of(table, Interval(model.interval))
    step = _daily(Interval(model.interval))
    kept = ~np.isnan(excess)
    if not kept.any():
        return words.refuse_reference(1, 0, step.value)
    x, usual, times = excess[kept], usual[kept], times[kept]
    sd, rho = _remembered(model)
    level = float(np.mean(usual))
    if sd <= 0.0 or level <= 0.0:
        return words.refuse_no_saving(0.0)
    rows_a_day = max(86_400 / (Interval(model.interval).seconds or 86_400), 1.0)
    error = sd * math.sqrt(long_run_factor(rho) * rows_a_day / model.statistics.n)
    watched = pd.Series(x, index=times)
    chart = _chart(watched, sd, rho, shift_share * level, step, false_per_year / 2.0, error)
    sides = {side: _first(chart, side) for side in ("high", "low")}
    found = {side: place for side, place in sides.items() if place is not None}
    side = min(found, key=lambda name: found[name]) if found else "high"
    place = found.get(side)
    start = _since(chart, side, place)
    change = float(np.mean(x[start:])) if place is not None else 0.0
    since = _day(times[start]) if place is not None else ""
    share = change / float(np.mean(usual[start:])) if place is not None else 0.0
    return Watch(
        alarm=place is not None,
        alarm_at=_day(times[place]) if place is not None else "",
        since=since,
        change=change,
        share=share,
        interval=step.value,
        unit=model.unit,
        false_per_year=false_per_year,
        delay=_delay(chart, sd, rho, shift_share * level),
        chart=chart,
        findings=(words.drifting(since, change, share, model.unit, step.value),) if place is not None else (),
    )


def _chart(
    values: pd.Series[float],
    sd: float,
    rho: float,
    shift: float,
    step: Interval,
    false_per_year: float,
    error: float = 0.0,
) -> Cusum:
    run = step.per_year / false_per_year
    return cusum(values, target=0.0, sd=sd, rho=rho, shift=shift, mean_run=run, target_error=error)


def _noise(rest: Floats, times: pd.DatetimeIndex, step: Interval, count: int) -> tuple[float, float]:
    """sd and ρ of the reference, and of all the data by differences: the larger memory counts."""
    usual = float(step.seconds or 30.4375 * 86_400)
    follows = np.diff(times.as_unit("s").asi8) < 1.5 * usual
    _, tame = outliers(rest, 10 if step is Interval.DAY else 4)
    noise = noise_of(tame, follows)
    first = float(np.std(tame[:count], ddof=1))
    return max(noise.sd, first, 1e-12 * float(np.max(np.abs(rest), initial=1.0))), noise.rho


def _of_model(model: Model) -> tuple[float, float]:
    """The baseline's noise, brought from hours to days by AR(1)."""
    s = model.statistics
    seconds = Interval(model.interval).seconds
    if seconds is None or seconds >= 86_400:
        return s.rmse, s.rho
    n, rho = 86_400 // seconds, min(s.rho, 0.99)
    # the sum of n values with memory ρ, and the memory of neighbouring sums
    total = n + 2.0 * sum((n - lag) * rho**lag for lag in range(1, n))
    cross = sum((n - abs(lag - n)) * rho**lag for lag in range(1, 2 * n))
    return s.rmse * math.sqrt(total), min(cross / total, 0.99)


def _remembered(model: Model) -> tuple[float, float]:
    """The baseline's noise with the long-run variance of all memories its residuals allow: one ρ is known too low."""
    sd, rho = _of_model(model)
    memory = memory_of(model)
    if memory is None:
        return sd, rho
    variance = sum(point.weight * point.variance for point in memory.points)
    if variance <= 0.0:
        return sd, rho
    kappas = inflation(
        np.array([point.rho for point in memory.points]), np.array([point.share for point in memory.points])
    )
    long_run = sum(
        point.weight * point.variance * float(kappa)
        for point, kappa in zip(memory.points, kappas, strict=True)
    )
    kappa = long_run / variance
    return max(sd, math.sqrt(variance)), max(rho, (kappa - 1.0) / (kappa + 1.0))


def _first(chart: Cusum, side: str) -> int | None:
    over = np.flatnonzero(chart.frame[side].to_numpy() > chart.decision)
    return int(over[0]) if len(over) else None


def _since(chart: Cusum, side: str, place: int | None) -> int:
    """The interval after the last zero of the sum before its alarm (Page's estimate of the change)."""
    if place is None:
        return 0
    zeros = np.flatnonzero(chart.frame[side].to_numpy()[: place + 1] == 0.0)
    return int(zeros[-1]) + 1 if len(zeros) else 0


def _delay(chart: Cusum, sd: float, rho: float, shift: float) -> float:
    wide = sd * math.sqrt(long_run_factor(rho))
    return mean_run_length(chart.reference / wide, chart.decision / wide, shift=shift / wide)


def _daily(step: Interval) -> Interval:
    return Interval.DAY if step.seconds is not None and step.seconds < 86_400 else step


def _check(false_per_year: float, share: float) -> None:
    if not 0.0 < false_per_year <= 12.0:
        raise ConfigError(f"{false_per_year} false alarms a year make no sense.", todo="Give e.g. 0.1.")
    if not 0.0 < share <= 1.0:
        raise ConfigError(f"a share of {share} makes no sense.", todo="Give e.g. 0.33.")


def _day(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%d")
