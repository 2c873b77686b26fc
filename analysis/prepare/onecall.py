"""From raw series to data for a baseline in one call: stamps, order, gaps, intervals, outliers, all told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data import Interval, MeterData, meter_data
from analysis.prepare import _series_words as words
from analysis.prepare._exchange import Exchange
from analysis.prepare.counters import counter_intervals
from analysis.prepare.series import (
    KINDS,
    flag_outliers,
    gauge_by_minute,
    interpolate_gauge,
    oddities,
    one_row_a_time,
    resample,
)
from analysis.prepare.stamps import read_stamps
from analysis.prepare.sufficiency import day_share
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError

_REGULAR: Final = 0.5
_EVEN: Final = 0.9
_MOMENTS: Final = pd.Timedelta(hours=1)  # readings of a station: CalTRACK 2.0, 2.3.4
_DAY: Final = (pd.Timedelta(hours=20), pd.Timedelta(hours=28))
_BRIDGED: Final = pd.Timedelta(hours=6)  # of temperature: CalTRACK 2.0, 2.2.4.1


def prepare(
    energy: pd.Series[float],
    interval: Interval | str,
    *,
    unit: str,
    kind: str = "amount",
    zone: str | None = None,
    side: str | None = None,
    order: str | None = None,
    temperature: pd.Series[float] | None = None,
    drivers: Mapping[str, pd.Series[float]] | None = None,
    driver_kinds: Mapping[str, str] | None = None,
    top: float | None = None,
    max_rate_per_h: float | None = None,
    exchanges: Sequence[Exchange] = (),
    min_coverage: float | None = None,
    outliers: str | None = "caltrack-extreme",
    profile: str | None = None,
) -> MeterData | Refusal:
    """`MeterData` of one interval from raw series with any stamps, or why there is none.

    energy, temperature, drivers: series whose index is stamps as they were recorded: text, datetimes,
    with or without zone, in any order. kind: of the energy: "amount" of each interval, "counter" (readings of a
    register; top, max_rate_per_h and exchanges as `counter_intervals` takes them) or "gauge" (a mean
    power, stays a mean). driver_kinds: "amount" (default) or "gauge". zone, side, order: as `read_stamps`
    takes them, for all series. min_coverage: as `resample`. outliers: rule that flags (column
    "energy_outlier"), None for none; nothing is dropped. profile: one that scales short days up
    ("caltrack").

    Temperature gaps of up to 6 hours are bridged; energy and amounts never are. The findings of the result tell all
    that was found, repaired, left out. Raises ConfigError and DataError for wrong use: a word among the
    numbers, another kind, an unknown zone.
    """
    wanted = Interval(interval)
    if kind not in (*KINDS, "counter"):
        raise ConfigError(f'"{kind}" is no kind of series.', todo='Write "amount", "counter" or "gauge".')
    if wanted is Interval.BILL:
        raise ConfigError("bills are made with bills_frame().")
    fill = day_share(profile) if profile is not None and wanted is Interval.DAY else None
    findings: list[Finding] = []
    stamps = (zone, side, order)
    if kind == "counter":
        made = _counter(energy, wanted, stamps, (top, max_rate_per_h, exchanges, min_coverage), findings)
    else:
        made = _values(energy, wanted, "energy", kind, stamps, (min_coverage, fill), findings)
    if isinstance(made, Refusal):
        return made
    frame = made.rename(columns={"value": "energy"})
    others: dict[str, tuple[pd.Series[float], str]] = {}
    if temperature is not None:
        others["temperature"] = (temperature, "gauge")
    for name, series in (drivers or {}).items():
        if name in ("energy", "coverage", "temperature"):
            raise ConfigError(f'a driver can\'t be called "{name}".')
        others[name] = (series, (driver_kinds or {}).get(name, "amount"))
    for name, (series, its_kind) in others.items():
        so_far = list(findings)
        found = _values(series, wanted, name, its_kind, stamps, (min_coverage, None), findings)
        if isinstance(found, Refusal):
            return found
        own, other = frame.index.tz, found.index.tz  # type: ignore[attr-defined]
        if zone is None and own is not None and other is not None and str(own) != str(other):
            # the days of the energy count: a series of another zone is cut at them too
            findings = so_far
            found = _values(
                series, wanted, name, its_kind, (str(own), side, order), (min_coverage, None), findings
            )
            if isinstance(found, Refusal):
                return found
        if (found.index.tz is None) != (frame.index.tz is None):  # type: ignore[attr-defined]
            return words.refuse_zones_differ(name)
        frame[name] = found["value"].reindex(frame.index)
    frame = _whole_grid(frame, wanted)
    findings += oddities(frame["energy"].to_numpy(), "energy")
    if outliers is not None:
        flags, told = flag_outliers(frame["energy"], outliers, name="energy")
        frame["energy_outlier"] = flags
        findings += told
    return meter_data(
        frame, unit=unit, interval=wanted, temperature="temperature" if temperature is not None else None,
        drivers=list(drivers or {}), findings=_once(findings),
    )  # fmt: skip


def _started(
    series: pd.Series[float], name: str, stamps: tuple[str | None, str | None, str | None], findings: list[Finding],
    side: str | None,
) -> tuple[pd.Series[float], pd.Timedelta | None] | Refusal:  # fmt: skip
    zone, _, order = stamps
    if not len(series):
        return words.refuse_nothing(name)
    found = read_stamps(series.index, zone=zone, order=order, side=side)
    if isinstance(found, Refusal):
        return found
    findings += found.findings
    return pd.Series(series.to_numpy(), index=found.start, name=name), found.step


def _counter(
    energy: pd.Series[float], wanted: Interval, stamps: tuple[str | None, str | None, str | None],
    how: tuple[float | None, float | None, Sequence[Exchange], float | None], findings: list[Finding],
) -> pd.DataFrame | Refusal:  # fmt: skip
    # a reading is of a moment: its stamp has no side
    started = _started(energy, "energy", stamps, findings, "start")
    if isinstance(started, Refusal):
        return started
    top, rate, exchanges, least = how
    more: dict[str, Any] = {} if least is None else {"min_coverage": least}
    found = counter_intervals(
        started[0], wanted, zone=stamps[0], top=top, max_rate_per_h=rate, exchanges=exchanges, **more
    )
    findings += found.findings
    if not len(found.frame) or found.frame["amount"].isna().all():
        return words.refuse_nothing("energy")
    return found.frame[["amount", "coverage"]].rename(columns={"amount": "value"})


def _values(
    series: pd.Series[float], wanted: Interval, name: str, kind: str, stamps: tuple[str | None, str | None, str | None],
    cover: tuple[float | None, float | None], findings: list[Finding],
) -> pd.DataFrame | Refusal:  # fmt: skip
    if kind not in KINDS:
        raise ConfigError(f'"{kind}" is no kind of series.', todo='Write "amount" or "gauge".')
    started = _started(series, name, stamps, findings, stamps[1])
    if isinstance(started, Refusal):
        return started
    clean, told = one_row_a_time(started[0], name)
    findings += told
    clean = clean[clean.index.notna()]
    if not clean.notna().any():
        return words.refuse_nothing(name)
    step = started[1] or pd.Timedelta(seconds=wanted.seconds or 86_400)
    months = step >= pd.Timedelta(days=27)
    steps = np.diff(pd.DatetimeIndex(clean.index).as_unit("ns").asi8)
    near = np.abs(steps - step.value) <= (0.12 if months else 0.05) * step.value
    share = float(np.mean(near | (steps % step.value == 0))) if len(steps) else 1.0
    if kind == "gauge" and share < _EVEN and np.median(steps) <= _MOMENTS.value:
        clean, step = gauge_by_minute(clean, max_gap=_MOMENTS), pd.Timedelta(minutes=1)
    elif share < _REGULAR:
        return words.refuse_irregular(name, share)
    if _DAY[0] <= step <= _DAY[1] and wanted in (Interval.DAY, Interval.WEEK, Interval.MONTH):
        clean, told = _days(clean, name)
        findings += told
        step = pd.Timedelta(days=1)
    if months:
        return _monthly(clean, wanted, name)
    if wanted.seconds is not None and step.total_seconds() > wanted.seconds:
        return words.refuse_too_coarse(name, str(step), str(wanted))
    if kind == "gauge" and step <= pd.Timedelta(hours=1):
        clean, bridged = interpolate_gauge(clean, step=step, max_gap=_BRIDGED)
        findings += bridged
    found = resample(
        clean, wanted, step=step, kind=kind, zone=stamps[0], min_coverage=cover[0], fill_from=cover[1]
    )
    findings += found.findings
    if found.gaps:
        hours = [(end - start).total_seconds() / 3600 for start, end in found.gaps]
        findings.append(words.gaps_listed(name, len(hours), sum(hours), max(hours)))
    return found.frame


def _days(clean: pd.Series[float], name: str) -> tuple[pd.Series[float], list[Finding]]:
    """Values of a day each belong to the local day that holds their middle (decision 10)."""
    index = pd.DatetimeIndex(clean.index)
    plain = index.tz_localize(None) if index.tz is not None else index
    days = (plain + pd.Timedelta(hours=12)).normalize()
    if index.tz is not None:
        days = days.tz_localize(
            index.tz, ambiguous=np.ones(len(days), dtype=bool), nonexistent="shift_forward"
        )
    return one_row_a_time(pd.Series(clean.to_numpy(), index=days, name=name), name)


def _monthly(clean: pd.Series[float], wanted: Interval, name: str) -> pd.DataFrame | Refusal:
    """Values that are monthly already."""
    if wanted is not Interval.MONTH:
        return words.refuse_too_coarse(name, "a month", str(wanted))
    index = pd.DatetimeIndex(clean.index)
    starts = index.normalize() - pd.to_timedelta(index.day - 1, unit="D")
    if not starts.is_unique:
        return words.refuse_irregular(name, 0.0)
    found = pd.DataFrame({"value": clean.to_numpy(), "coverage": 1.0}, index=starts)
    found.loc[found["value"].isna(), "coverage"] = 0.0
    return found


def _whole_grid(frame: pd.DataFrame, wanted: Interval) -> pd.DataFrame:
    """A row for every interval from the first to the last, so that what is missing is seen."""
    if wanted is not Interval.MONTH or len(frame) < 2:
        return frame
    index = pd.DatetimeIndex(frame.index)
    whole = pd.date_range(index[0], index[-1], freq="MS")
    return frame.reindex(whole)


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    seen: list[Finding] = []
    for one in findings:
        if one not in seen:
            seen.append(one)
    return tuple(seen)
