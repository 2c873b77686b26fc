"""The numbers that page and report derive from one saving: months, growing ±, lines to draw."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from audit.records import SavingCase

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MEAN_DAYS: Final = 7  # one whole week: no weekday is counted more than another


@dataclass(frozen=True)
class Month:
    """One calendar month of the reporting period; energies and half width in the saving's unit."""

    year: int
    month: int
    intervals: int
    excluded: int
    adjusted_baseline: float
    measured: float
    saving: float
    half_width: float
    cumulative: float

    @property
    def fraction(self) -> float:
        """saving / adjusted baseline."""
        return self.saving / self.adjusted_baseline if self.adjusted_baseline else math.nan


def half_widths_of(case: SavingCase, intervals: Sequence[float]) -> list[float]:
    """± of the saving summed over each count of intervals; over all of them it is the stated ±.

    The scatter of single intervals grows as analysis says (`noise_half_widths`, with the memory of the
    errors); the rest (coefficients, meters, adjustments) is one error for all and grows with the time.
    Scatter alone above the stated ± (a formula that is too narrow) is scaled down to it.
    """
    from analysis.uncertainty import noise_half_widths
    from audit.models import model_of

    stated = case.savings.uncertainty
    if not (stated.half_width > 0 and math.isfinite(stated.half_width)):
        return [stated.half_width if count else 0.0 for count in intervals]
    whole = max(1, case.savings.intervals)
    scatter = noise_half_widths(
        model_of(case.baseline), [*intervals, whole], stated.confidence, stated.method
    ).tolist()
    last = scatter.pop()
    scale = min(1.0, stated.half_width / last) if last > 0 else 1.0
    rest = max(0.0, stated.half_width**2 - (scale * last) ** 2)
    return [
        math.hypot(scale * part, math.sqrt(rest) * count / whole)
        for part, count in zip(scatter, intervals, strict=True)
    ]


def months(case: SavingCase) -> tuple[Month, ...]:
    """The saving by calendar month; sums are over the intervals used."""
    frame = case.savings.frame
    rows: list[Month] = []
    running = 0.0
    keys = [(stamp.year, stamp.month) for stamp in frame.index]
    parts = [(key, frame[[each == key for each in keys]]) for key in sorted(set(keys))]
    chosen = [part[part["used"].astype(bool)] for _, part in parts]
    widths = half_widths_of(case, [len(used) for used in chosen])
    for ((year, month), part), used, width in zip(parts, chosen, widths, strict=True):
        saving = float(used["saving"].sum())
        running += saving
        rows.append(
            Month(
                year=year,
                month=month,
                intervals=len(used),
                excluded=len(part) - len(used),
                adjusted_baseline=float(used["adjusted_baseline"].sum()),
                measured=float(used["measured"].sum()),
                saving=saving,
                half_width=width,
                cumulative=running,
            )
        )
    return tuple(rows)


def day_numbers(index: pd.Index) -> np.ndarray:
    """Local wall time of an index as days since 1970, for the x axis."""
    import pandas as pd

    times = pd.DatetimeIndex(index)
    if times.tz is not None:
        times = times.tz_localize(None)
    numbers: np.ndarray = times.to_numpy(dtype="datetime64[s]").astype("int64") / 86_400
    return numbers


def day_number(day: str | date) -> float:
    """A local date, or the date part of a text, as days since 1970."""
    if isinstance(day, str):
        day = date.fromisoformat(day[:10])
    return float((day - date(1970, 1, 1)).days)


def is_long(interval: str) -> bool:
    """Does a row speak for more than a day?"""
    return interval in ("week", "month", "bill")


def chart_interval(interval: str) -> str:
    """What a point of a chart speaks for: hours are drawn as days, bills (of unlike lengths) as their mean day."""
    return interval if interval in ("week", "month") else "day"


def chart_rows(frame: pd.DataFrame, interval: str) -> pd.DataFrame:
    """A frame as charts draw it, one row a point, with the local days that each row covers as `length`."""
    import numpy as np
    import pandas as pd

    rows = by_day(frame)
    starts = day_numbers(rows.index)
    steps = np.diff(starts)
    if not is_long(interval):
        lengths = np.ones(len(rows))
    elif interval == "month":
        lengths = pd.DatetimeIndex(rows.index).days_in_month.to_numpy(dtype="float64")
    else:
        usual = 7.0 if interval == "week" else float(np.median(steps)) if len(steps) else 30.0
        # a bill that is missing does not make the one before it longer
        lengths = np.append(np.minimum(steps, 1.5 * usual), usual) if len(rows) else steps
    rows = rows.assign(length=lengths)
    if interval == "bill":
        for name in ("measured", "model", "adjusted_baseline"):
            if name in rows.columns:
                rows[name] = rows[name] / rows["length"]
    return rows


def by_day(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of hours as one row a local day for charts; one of days or longer as it is.

    Amounts are summed, other columns averaged; a day is used when all of its intervals are.
    """
    import pandas as pd

    dates = pd.DatetimeIndex(frame.index).normalize()
    if dates.is_unique:
        return frame
    amounts = {"measured", "model", "adjusted_baseline", "saving"}
    parts = {
        str(name): "all" if name == "used" else "sum" if name in amounts else "mean"
        for name in frame.columns
        if name == "used" or pd.api.types.is_numeric_dtype(frame[name])
    }
    days: pd.DataFrame = frame[list(parts)].groupby(dates).agg(parts)
    return days


def used_values(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column with NaN where the interval was not used."""
    values: pd.Series = frame[column].astype("float64").where(frame["used"].astype(bool))
    return values


def weekly_mean(values: pd.Series) -> pd.Series:
    """The centred mean of a week of daily values; NaN with fewer than six of them, and where the day itself is not used."""
    mean: pd.Series = values.rolling(MEAN_DAYS, center=True, min_periods=MEAN_DAYS - 1).mean()
    return mean.where(values.notna())


def tet_spans(case: SavingCase, first: date, last: date) -> list[tuple[date, date]]:
    """First and last day of each Tết inside [first, last], by the plan's calendar."""
    import pandas as pd

    from analysis import day_types

    kinds = day_types(pd.date_range(first, last, freq="D"), case.plan.holidays)
    spans: list[tuple[date, date]] = []
    for stamp in kinds.index[kinds == "tet"]:
        day = stamp.date()
        if spans and (day - spans[-1][1]).days == 1:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def meter_class_percent(case: SavingCase) -> float | None:
    """The accuracy class of the energy meter in percent, when its facts state one."""
    facts = case.instruments.get(case.plan.energy[0], {})
    match = re.match(r"^\s*(?:class\s*)?(\d+(?:[.,]\d+)?)\s*[sS]?\b", facts.get("accuracy_class", ""))
    return float(match.group(1).replace(",", ".")) if match else None


def excluded_spans(case: SavingCase) -> list[tuple[str, str, str]]:
    """(from, to, why) of what was left out or missing: the plan's exclusions, then gaps, in time order."""
    return sorted([*case.plan.exclude, *case.gaps])
