"""Which models selection tries on given data: kinds, subsets of drivers, calendars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final

import numpy as np

from analysis._frames import numbers
from analysis._tables import Row, table
from analysis.baselines._fit import limits as known_limits
from analysis.baselines.degrees import degree_grid
from analysis.data import Interval, MeterData
from analysis.models import KINDS

# beyond so many subsets of drivers the broken lines see only none, one, all but one, all
_MANY: Final = 16
_DEGREES: Final = {"hdd": ("hdd",), "cdd": ("cdd",), "hdd-cdd": ("hdd", "cdd")}


@dataclass(frozen=True)
class Trial:
    """One model to try: kind, the drivers and categories it gets, further options of its fit."""

    kind: str
    drivers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """ "3p-cooling: tonnes, day_type, weekday"."""
        parts = [*self.drivers, *self.categories, *(["weekday"] if self.options.get("weekday") else [])]
        rest = [f"{key}={value}" for key, value in self.options.items() if key not in ("weekday", "driver")]
        return f"{self.kind}: {', '.join([*parts, *rest])}" if parts or rest else self.kind

    def data(self, data: MeterData) -> MeterData:
        """The data with just the drivers and categories of this trial."""
        return replace(data, drivers=self.drivers, categories=self.categories)


def limits() -> Row:
    """The row of the table with `per_parameter` and `vif`."""
    return next(row for row in table("candidates") if "vif" in row)


def trials(data: MeterData) -> tuple[Trial, ...]:
    """The default list for data of an interval (analysis/tables/candidates.toml), simple ones first."""
    found: dict[str, Trial] = {}
    for row in table("candidates"):
        fixed = _fixed_points(row, data)
        if str(data.interval) not in row["intervals"] or fixed is None:
            continue
        for kind in row["kinds"]:
            if not possible(kind, data):
                continue
            for drivers in _subsets(row, kind, data.drivers):
                for categories, options in _calendars(row["calendars"], data):
                    trial = Trial(kind, drivers, categories, options | fixed)
                    if not (kind == "regression" and not (drivers or categories or options)):
                        found.setdefault(trial.name, trial)
    return tuple(found.values())


def possible(kind: str, data: MeterData) -> bool:
    """Has the data what the kind needs, and would it be more than another kind by another name?"""
    known = KINDS.get(kind)
    if known is None or data.interval not in known.intervals:
        return False
    if kind in _DEGREES:
        columns = all(len(degree_grid(data.frame.columns, prefix)[1]) for prefix in _DEGREES[kind])
        # degree-days of a daily mean are what change points are already
        by_hour = data.interval.seconds is not None and data.interval.seconds < 86_400
        return columns or (by_hour and data.temperature is not None)
    return data.temperature is not None or not known.temperature


def _fixed_points(row: Row, data: MeterData) -> dict[str, float] | None:
    """The balance points that a row of the list fixes; None where it is not for these data.

    As with searched ones, a slope needs enough rows with degree-days: two warm bills of six make one up.
    """
    if "below_rows" not in row:
        return {}
    used = data.used
    if int(np.sum(used)) >= row["below_rows"]:
        return None
    side = int(known_limits(data.interval)["side"])
    points = {}
    for prefix, which in (("hdd", "balance_heating"), ("cdd", "balance_cooling")):
        names = degree_grid(data.frame.columns, prefix, row[which])[1]
        if not names or int(np.sum(numbers(data.frame, names[0])[used] > 0.0)) < side:
            return None
        points[which] = row[which]
    return points


def _subsets(row: Row, kind: str, drivers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    every, most = tuple(drivers), min(row.get("most", len(drivers)), len(drivers))
    if row["drivers"] == "none":
        yield ()
    elif row["drivers"] == "each":
        yield from ((name,) for name in every)
    elif row["drivers"] == "all":
        yield every
    else:
        sets = [subset for size in range(most + 1) for subset in combinations(every, size)]
        if len(sets) > _MANY and kind != "regression":
            sets = [subset for subset in sets if len(subset) in (0, 1, most, len(every) - 1)][: 2 * _MANY]
        yield from sets


def _calendars(words: Sequence[str], data: MeterData) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    days = data.interval.seconds is not None and data.interval is not Interval.WEEK
    seen = []
    for word in words:
        weekday = "weekday" in word and "weekday" not in data.categories
        if weekday and not days:
            continue
        each = (data.categories if "types" in word else (), weekday)
        # without categories "types" is "none", and "types+weekday" is "weekday"
        if each not in seen:
            seen.append(each)
            yield each[0], {"weekday": True} if weekday else {}
