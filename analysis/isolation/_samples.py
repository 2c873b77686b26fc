"""A technician's samples as arrays: numbers, times, stretches without gaps, fast logs averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats, numbers
from dodac.errors import DataError


@dataclass(frozen=True)
class Samples:
    """Samples (or means of a fast log's): minutes and stamps of the first and last reading of each, how many
    readings it is the mean of, channels, and where stretches without gaps begin (with the end of all)."""

    first_min: Floats
    last_min: Floats
    first: pd.DatetimeIndex
    last: pd.DatetimeIndex
    count: NDArray[np.int64]
    columns: Mapping[str, Floats]
    known: Mapping[str, Floats]
    edges: tuple[int, ...]


def times_of(frame: pd.DataFrame) -> pd.DatetimeIndex:
    """The index as times in order.

    Raises DataError when it is not, or when two columns bear one name.
    """
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the samples have no times as their index.", todo="Give a DatetimeIndex.")
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise DataError("the samples are not in order of time, or a time is missing or there twice.")
    if not frame.columns.is_unique:
        twice = str(frame.columns[frame.columns.duplicated()][0])
        raise DataError(f'the column "{twice}" is there twice.', todo="Keep one of them.")
    return index


def columns_of(frame: pd.DataFrame, needed: list[str]) -> dict[str, Floats]:
    """The needed channels, which must be numbers, and all others that are; notes and names are passed over."""
    found = {name: numbers(frame, name) for name in needed}
    for name in frame.columns:
        if name != "run" and name not in found and frame[name].dtype.kind in "fiub":
            found[str(name)] = numbers(frame, str(name))
    return found


def samples_of(
    index: pd.DatetimeIndex,
    columns: Mapping[str, Floats],
    keep: Bools,
    marks: NDArray[np.int64] | None,
    gap_min: float,
    average_s: float,
) -> Samples:
    """The kept rows; where they come faster than average_s, means over that time within each stretch."""
    nanoseconds = index.as_unit("ns").asi8
    minutes = (nanoseconds[keep] - nanoseconds[0]) / 60e9
    stamps = index[keep]
    new = np.ones(len(minutes), dtype=np.bool_)
    new[1:] = np.diff(minutes) > gap_min
    if marks is not None:
        new[1:] |= np.diff(marks[keep]) != 0
    begin = minutes[np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))]
    apart = new.copy()
    if len(minutes) > 1 and 60.0 * float(np.median(np.diff(minutes))) < average_s - 1e-6:
        place = np.floor(60.0 * (minutes - begin) / average_s + 1e-6)
        apart[1:] |= np.diff(place) != 0
    else:
        apart[:] = True
    starts = np.flatnonzero(apart)
    ends = np.append(starts[1:], len(minutes)) - 1
    count = ends - starts + 1
    means: dict[str, Floats] = {}
    known: dict[str, Floats] = {}
    for name, values in columns.items():
        kept = values[keep]
        fine = np.isfinite(kept)
        known[name] = np.add.reduceat(fine.astype("float64"), starts)
        total = np.add.reduceat(np.where(fine, kept, 0.0), starts)
        means[name] = np.where(known[name] > 0, total / np.maximum(known[name], 1.0), np.nan)
    edges = (*np.flatnonzero(new[starts]).tolist(), len(starts))
    return Samples(
        minutes[starts], minutes[ends], stamps[starts], stamps[ends], count.astype("int64"), means, known, edges
    )  # fmt: skip
