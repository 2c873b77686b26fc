"""Local times without offset in a zone with summer time: the spring gap, the autumn hour that is there twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.prepare import _stamp_words as words
from analysis.results import Finding
from dodac.errors import ConfigError

Ints = NDArray[np.int64]

_NAT = pd.NaT.value


def localise(wall: Ints, zone: str, step: int) -> tuple[Ints, list[Finding]]:
    """UTC (ns) of local times in the order of the file, and what was found.

    A stamp in the spring gap can't be: a logger that writes some knows no summer time, and all its
    stamps are the zone's standard time. In autumn the first time an hour is there it is summer time,
    after a step back winter time; an hour that is there once only can't be placed and is left out (NaT).
    """
    index = pd.DatetimeIndex(wall.astype("datetime64[ns]"))
    try:
        early = index.tz_localize(zone, ambiguous=np.ones(len(index), dtype=bool), nonexistent="NaT")
        late = index.tz_localize(zone, ambiguous=np.zeros(len(index), dtype=bool), nonexistent="NaT")
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{zone}" is not a time zone.', todo='Write e.g. "Asia/Ho_Chi_Minh".') from None
    timed = wall != _NAT
    gone = timed & early.isna()
    first, second = _utc(early), _utc(late)
    twice = timed & ~gone & (first != second)
    if gone.any():
        return _standard(wall, zone, int(gone.sum()))
    if not twice.any():
        return first, []
    found = first.copy()
    findings: list[Finding] = []
    left_out = 0
    days = pd.DatetimeIndex(wall[twice].astype("datetime64[ns]")).normalize().asi8
    places = np.flatnonzero(twice)
    told = 0
    for day in np.unique(days):
        rows = places[days == day]
        own = wall[rows]
        back = np.flatnonzero(np.diff(own) <= 0)
        if len(back) == 1:
            found[rows[back[0] + 1 :]] = second[rows[back[0] + 1 :]]
            told += 1
        elif len(back) == 0:
            placed = _place(found, rows, first, second, step)
            if placed is None:
                found[rows] = _NAT
                left_out += len(rows)
            else:
                found[rows] = placed
        elif len(own) == 2 * len(np.unique(own)) and (own[0::2] == own[1::2]).all():
            # each moment's two rows one after the other
            found[rows[1::2]] = second[rows[1::2]]
            told += 1
        else:
            found[rows] = _NAT
            left_out += len(rows)
    if told:
        findings.append(words.autumn_twice(told))
    if left_out:
        findings.append(words.autumn_once(left_out))
    return found, findings


def _place(found: Ints, rows: Ints, first: Ints, second: Ints, step: int) -> Ints | None:
    """The hour that is there once, where the rows before and after leave one place for it."""
    before = found[rows[0] - 1] if rows[0] > 0 else _NAT
    after = found[rows[-1] + 1] if rows[-1] + 1 < len(found) else _NAT
    early = before != _NAT and first[rows[0]] - before == step
    late = after != _NAT and after - second[rows[-1]] == step
    if early and not late:
        return np.asarray(first[rows], dtype=np.int64)
    if late and not early:
        return np.asarray(second[rows], dtype=np.int64)
    return None


def _standard(wall: Ints, zone: str, rows: int) -> tuple[Ints, list[Finding]]:
    year = pd.Timestamp(int(wall[wall != _NAT][0])).year
    offsets = [pd.Timestamp(year=year, month=month, day=15, tz=zone).utcoffset() for month in (1, 7)]
    standard = min(one for one in offsets if one is not None)
    shift = int(standard.total_seconds()) * 1_000_000_000
    return np.where(wall == _NAT, _NAT, wall - shift), [words.no_summer_time(rows, zone)]


def _utc(index: pd.DatetimeIndex) -> Ints:
    return np.asarray(index.tz_convert("UTC").tz_localize(None).as_unit("ns").asi8, dtype=np.int64)
