"""Checks a daily frame before any arithmetic: index, columns, numbers; and reads its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dodac.errors import DataError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


# beyond these a square is no number any more; no meter of any unit comes near
_MOST: Final = 1e100
_LEAST: Final = 1e-100


def check_table(frame: object) -> None:
    """Raises DataError for what is no table at all: an array, a single column, nothing."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"this is no table but {'nothing' if frame is None else f'a {type(frame).__name__}'}.",
            todo="Give a pandas DataFrame whose index is the local start of each interval.",
        )


def check_index(frame: pd.DataFrame) -> pd.DatetimeIndex:
    """The frame's index, when it is one of days in order.

    Raises DataError when it is no DatetimeIndex, is not sorted, or names a day twice.
    """
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the table has no dates as its index.", todo="Give a DatetimeIndex of local days.")
    if index.hasnans:
        raise DataError("a row has no date.", todo="Remove it or correct its date.")
    if not index.is_monotonic_increasing:
        raise DataError("the days are not in order.", todo="Sort the table by date first.")
    wall = index if index.tz is None else index.tz_localize(None)
    # numbers of days: a normalised index would have its frequency inferred, which takes longer than a fit
    days = wall.as_unit("s").asi8 // 86_400
    again = np.flatnonzero(np.diff(days) == 0)
    if len(again):
        twice = index[again[0]]
        raise DataError(
            f"the day {twice.date()} is there more than once.", todo="Keep one row a day (sum or mean)."
        )
    return index


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A column as float64, NaN where nothing was measured; infinities count as NaN.

    Raises DataError when the column is missing, is there twice, holds text, or numbers that no arithmetic stands.
    """
    check_table(frame)
    if column not in frame.columns:
        have = ", ".join(str(name) for name in frame.columns)
        raise DataError(f'there is no column "{column}".', todo=f"The table has: {have}.")
    series = frame[column]
    if series.ndim != 1:
        raise DataError(f'the column "{column}" is there more than once.', todo="Keep one of them.")
    if series.dtype.kind not in "fiub":
        try:
            if series.dtype.kind == "c":
                raise TypeError
            values = series.astype("float64").to_numpy()
        except (TypeError, ValueError):
            words = [value for value in series if isinstance(value, str)]
            shown = f' (e.g. "{words[0]}")' if words else ""
            raise DataError(
                f'the column "{column}" is not numbers{shown}.', todo="Read it as numbers first."
            ) from None
    else:
        values = series.to_numpy(dtype="float64", na_value=np.nan)
    clean: Floats = np.array(values, dtype=np.float64)
    known = np.isfinite(clean)
    clean[~known] = np.nan
    largest = float(np.max(np.abs(clean), initial=0.0, where=known))
    if largest > _MOST or 0.0 < largest < _LEAST:
        raise DataError(
            f'the column "{column}" holds {largest:.3g}, which no meter shows.',
            todo="Correct it, or choose another unit.",
        )
    return clean


def used_mask(frame: pd.DataFrame, columns: Sequence[Floats]) -> Bools:
    """True where `used` is not False and every column has a number.

    Raises DataError for words in `used` ("yes"): none of them would count as True.
    """
    mask = np.ones(len(frame), dtype=np.bool_)
    if "used" in frame.columns:
        kept = frame["used"]
        if kept.ndim != 1 or any(isinstance(each, str) for each in _odd(kept)):
            raise DataError(
                'the column "used" is there more than once, or holds words.',
                todo="Give one of True and False.",
            )
        if isinstance(kept.dtype, pd.BooleanDtype):
            kept = kept.fillna(False)
        mask &= kept.to_numpy() == True  # noqa: E712  (also for object columns)
    for values in columns:
        mask &= ~np.isnan(values)
    return mask


def _odd(kept: pd.Series) -> Sequence[object]:
    """The values that can be words: of a column that is no bool or number."""
    return [] if kept.dtype.kind in "biuf" else kept.tolist()


def day_text(moment: pd.Timestamp) -> str:
    """The local date of an index entry."""
    return moment.strftime("%Y-%m-%d")
