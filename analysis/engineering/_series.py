"""Interval amounts as numbers on equal steps, or an error that says what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dodac.errors import DataError

_UNEQUAL = 0.01


@dataclass(frozen=True)
class Steps:
    """Amounts per interval: starts, values (NaN where nothing was read), step in hours, rows that are absent."""

    index: pd.DatetimeIndex
    values: np.ndarray
    step_h: float
    absent: int

    @property
    def good(self) -> np.ndarray:
        """Where there is a reading."""
        good: np.ndarray = np.isfinite(self.values)
        return good

    @property
    def missing(self) -> int:
        """Intervals between the first and the last without a reading, as NaN or as no row at all."""
        return int(np.sum(~self.good)) + self.absent

    @property
    def expected(self) -> int:
        """Intervals between the first and the last."""
        return len(self.values) + self.absent

    @property
    def runs(self) -> np.ndarray:
        """Number of the unbroken run each interval is in (an absent row ends a run)."""
        seconds = np.diff(self.index.as_unit("s").asi8)
        return np.concatenate([[0], np.cumsum(seconds > (1 + _UNEQUAL) * 3600.0 * self.step_h)])

    def rolling(self, width: int) -> np.ndarray:
        """Sum over the last `width` intervals of one run; NaN where one has no reading or the run is younger."""
        sums = np.full(len(self.values), np.nan)
        if len(self.values) >= width:
            windows = np.lib.stride_tricks.sliding_window_view(self.values, width)
            runs = self.runs
            whole = runs[width - 1 :] == runs[: len(runs) - width + 1]
            sums[width - 1 :] = np.where(whole, windows.sum(axis=1), np.nan)
        return sums


def steps(amounts: pd.Series, what: str, *, hourly: bool = False) -> Steps:
    """The amounts of equal intervals, index = starts in order.

    Raises DataError naming `what`: no series, no times, one row, times that repeat or go back, steps
    shorter than the usual one, steps over an hour where `hourly`, values that are no numbers.
    """
    if not isinstance(amounts, pd.Series):
        raise DataError(f"{what} is no series.", todo=f'Give one column: frame["{what}"].')
    index = amounts.index
    if not isinstance(index, pd.DatetimeIndex) or index.hasnans or len(index) < 2:
        raise DataError(f"{what} has no times as its index.", todo="Give two or more starts of intervals.")
    if not index.is_monotonic_increasing or not index.is_unique:
        raise DataError(
            f"the times of {what} repeat or are not in order.",
            todo="Sort them, keep each once; local times of an autumn change need their zone.",
        )
    seconds = np.diff(index.as_unit("s").asi8)
    usual = float(np.median(seconds))
    if usual <= 0.0 or np.any(seconds < (1 - _UNEQUAL) * usual):
        raise DataError(
            f"the steps of {what} are not equal.", todo="Bring it to one interval first (analysis.prepare)."
        )
    if hourly and usual > 3600.0:
        raise DataError(
            f"{what} comes every {usual / 3600.0:g} hours; this needs intervals of an hour or less.",
            todo="Use 30-minute or hourly values.",
        )
    try:
        values = amounts.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"{what} holds words, not numbers.", todo="Convert the column to numbers.") from None
    values = np.where(np.isfinite(values), values, np.nan)
    return Steps(index, values, usual / 3600.0, int(np.sum(np.round(seconds / usual) - 1)))


def local_days(index: pd.DatetimeIndex) -> None:
    """Raise DataError for UTC times where the local day or month counts."""
    if str(index.tz) == "UTC":
        raise DataError("UTC has no local days.", todo='Call tz_convert("Asia/Ho_Chi_Minh") first.')
