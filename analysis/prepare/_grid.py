"""The intervals of local time (quarter hours to months), and amounts shared out over them."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Floats
from analysis.data import Interval
from dodac.errors import ConfigError

Ints = NDArray[np.int64]

_FREQUENCY: Final = {Interval.WEEK: "7D", Interval.MONTH: "MS"}


def grid_edges(
    time_ns: Ints, interval: Interval, zone: str | None, aware: bool
) -> tuple[Ints, pd.DatetimeIndex]:
    """Edges (ns; UTC when aware) of the intervals that hold the times, and their local starts.

    One more edge than starts. Quarter hours to hours count from each local midnight; days, weeks
    (from Monday) and months are local, with 23 or 25 hours where the clock changes.
    """
    if not len(time_ns):
        return np.zeros(1, dtype=np.int64), pd.DatetimeIndex([], tz=zone if aware else None)
    first, last = int(time_ns.min()), int(time_ns.max())
    if last > first:
        last -= 1  # a reading on an edge ends the interval before it
    days = _days(_local(first, zone, aware), _local(last, zone, aware), interval)
    if aware:
        local = days.tz_localize(
            _zone(zone), ambiguous=np.ones(len(days), dtype=bool), nonexistent="shift_forward"
        )
        marks = local.tz_convert("UTC").as_unit("ns").asi8
    else:
        marks = days.as_unit("ns").asi8
    seconds = interval.seconds
    if seconds is not None and seconds < 86_400:
        length = seconds * 1_000_000_000
        # a day longer by half an hour (Lord Howe) has no hour of half an hour: its last one is longer
        marks = np.concatenate([*(_cut(a, b, length) for a, b in pairwise(marks.tolist())), marks[-1:]])
    low = max(int(np.searchsorted(marks, first, side="right")) - 1, 0)
    high = int(np.searchsorted(marks, last, side="right"))
    edges = np.asarray(marks[low : high + 1], dtype=np.int64)
    labels = pd.DatetimeIndex(edges[:-1].astype("datetime64[ns]"))
    if aware:
        labels = labels.tz_localize("UTC").tz_convert(_zone(zone))
    return edges, labels


def _cut(start: int, end: int, length: int) -> Ints:
    return start + length * np.arange(max((end - start) // length, 1), dtype=np.int64)


def _zone(zone: str | None) -> str:
    return zone or "UTC"


def _local(ns: int, zone: str | None, aware: bool) -> pd.Timestamp:
    moment = pd.Timestamp(ns)
    if not aware:
        return moment
    try:
        return moment.tz_localize("UTC").tz_convert(_zone(zone)).tz_localize(None)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{zone}" is not a time zone.', todo='Write e.g. "Asia/Ho_Chi_Minh".') from None


def _days(first: pd.Timestamp, last: pd.Timestamp, interval: Interval) -> pd.DatetimeIndex:
    start, end = first.normalize(), last.normalize()
    if interval is Interval.MONTH:
        return pd.date_range(start.replace(day=1), end + pd.DateOffset(months=1), freq="MS", unit="ns")
    if interval is Interval.WEEK:
        start -= pd.Timedelta(days=start.weekday())
        return pd.date_range(start, end + pd.Timedelta(days=7), freq="7D", unit="ns")
    return pd.date_range(start, end + pd.Timedelta(days=1), freq="D", unit="ns")


def share_out(begin: Ints, end: Ints, amount: Floats, edges: Ints) -> tuple[Floats, Floats]:
    """Sums of amounts, by overlap, and the covered share of each interval; amounts where nothing is covered: NaN."""
    count = len(edges) - 1
    if not len(begin) or count < 1:
        return np.full(max(count, 0), np.nan), np.zeros(max(count, 0))
    first = np.searchsorted(edges, begin, side="right") - 1
    last = np.searchsorted(edges, end, side="left") - 1
    pieces = np.maximum(last - first + 1, 1)
    row = np.repeat(np.arange(len(begin)), pieces)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    step = np.clip(first[row] + offset, 0, count - 1)
    overlap = (np.minimum(end[row], edges[step + 1]) - np.maximum(begin[row], edges[step])).astype(np.float64)
    overlap = np.maximum(overlap, 0.0)
    length = np.maximum((end - begin)[row], 1).astype(np.float64)
    share = np.where(pieces[row] == 1, 1.0, overlap / length)
    total = np.bincount(step, weights=amount[row] * share, minlength=count)
    covered = np.bincount(step, weights=overlap, minlength=count) / np.diff(edges)
    return np.where(covered > 0, total, np.nan), np.minimum(covered, 1.0)
