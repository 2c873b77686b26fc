"""The columns of every line-like baseline: constant, temperature or hinges at balance points, extras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from analysis._frames import Bools, Floats, numbers
from analysis.baselines._extras import extras
from analysis.data import DAYS_COLUMN, Interval

CONSTANT: Final = "constant"
TEMPERATURE: Final = "temperature"
_BY_LENGTH: Final = (Interval.MONTH, Interval.BILL)


def row_days(frame: pd.DataFrame, settings: Mapping[str, object]) -> Floats:
    """What a row's terms are multiplied with: its days for months and bills, 1 for equal intervals.

    1 as well where the model is one of totals (per_day False): a constant a bill, whatever its length.
    """
    if Interval(cast("str", settings["interval"])) not in _BY_LENGTH or not settings["per_day"]:
        return np.ones(len(frame))
    if DAYS_COLUMN in frame.columns:
        days = numbers(frame, DAYS_COLUMN)
        days[days <= 0.0] = np.nan
        return days
    return pd.DatetimeIndex(frame.index).days_in_month.to_numpy(dtype="float64")


def hinge(side: str, temperature: Floats, balance: float | Floats) -> Floats:
    """Kelvin below (heating) or above (cooling) a balance point, not below 0."""
    gap = balance - temperature if side == "heating" else temperature - balance
    return np.maximum(gap, 0.0)


def extra_columns(settings: Mapping[str, object], frame: pd.DataFrame) -> tuple[list[str], Floats, Bools]:
    """Names, values of a whole row (rows × names) and the rows with words the baseline never had.

    Amounts (production, …) are the row's own; means (`averages`) and levels count with their days.
    """
    known = cast("dict[str, Any]", settings)
    found = extras(settings, frame, known["interval"])
    days = row_days(frame, settings)
    amounts = {name for name in known["drivers"] if name not in known["averages"]}
    columns = found.columns.copy()
    for place, name in enumerate(found.names):
        if not _is_amount(name, amounts):
            columns[:, place] *= days
    return list(found.names), columns, found.unknown


def _is_amount(name: str, amounts: set[str]) -> bool:
    for driver in amounts:
        if name == f"driver.{driver}" or name.endswith(f"*{driver}"):
            return True
        if name.startswith(f"lag.{driver}.") and name[len(f"lag.{driver}.") :].isdigit():
            return True
    return False


def heat_columns(settings: Mapping[str, object], frame: pd.DataFrame) -> tuple[list[str], list[Floats]]:
    """Names and values of the temperature terms of a whole row: none, a line, or hinges.

    hinges: [{side, balance_c, column}]: `column` (degree-days of the interval, K·d) is an amount;
    without it the hinge is on the mean temperature of the interval. After the hinges come their
    tangents ("balance.heating", …) with coefficient 0: by how much the model moves for one kelvin of the
    balance point, so that its uncertainty is in the covariance (Muggeo 2003, Statistics in Medicine 22).
    """
    known = cast("dict[str, Any]", settings)
    days = row_days(frame, settings)
    names: list[str] = []
    columns: list[Floats] = []
    if known["line"]:
        names.append(TEMPERATURE)
        columns.append(numbers(frame, known["temperature"]) * days)
    for each in known["hinges"]:
        names.append(each["side"])
        if each.get("column"):
            columns.append(numbers(frame, each["column"]))
        else:
            gap = hinge(each["side"], numbers(frame, known["temperature"]), each["balance_c"])
            columns.append(gap * days)
    for name, column in tangents(settings, frame):
        names.append(name)
        columns.append(column)
    return names, columns


def tangents(settings: Mapping[str, object], frame: pd.DataFrame) -> list[tuple[str, Floats]]:
    """d(energy of the row)/d(balance point) for each balance point that lies on the mean temperature."""
    known = cast("dict[str, Any]", settings)
    found: dict[str, Floats] = {}
    for each in known["hinges"]:
        slope = each.get("slope")
        if each.get("column") or slope is None:
            continue
        temperature = numbers(frame, known["temperature"])
        beyond = hinge(each["side"], temperature, each["balance_c"]) > 0.0
        sign = 1.0 if each["side"] == "heating" else -1.0
        moved = np.where(beyond, sign * slope, 0.0) * row_days(frame, settings)
        moved[np.isnan(temperature)] = np.nan
        # two hinges at one balance point (4P) move together
        name = f"balance.{each['point']}"
        found[name] = found[name] + moved if name in found else moved
    return list(found.items())


def design(settings: dict[str, object], frame: pd.DataFrame) -> Floats:
    """The design matrix of a frame (rows × terms) with the columns of the baseline.

    Rows are of the whole interval (a bill's terms times its days). NaN where a driver, a category or
    the temperature is missing, or a category has a word that the baseline never had. Raises DataError
    for a missing column.
    """
    days = row_days(frame, settings)
    names, heat = heat_columns(settings, frame)
    more, extra, unknown = extra_columns(settings, frame)
    matrix = np.column_stack([days, *heat, extra]) if len(frame) else np.empty((0, 1 + len(heat) + len(more)))
    place = {name: number for number, name in enumerate([CONSTANT, *names, *more])}
    chosen: Floats = matrix[:, [place[name] for name in cast("list[str]", settings["columns"])]]
    chosen[unknown | np.isnan(matrix).any(axis=1)] = np.nan
    return chosen
