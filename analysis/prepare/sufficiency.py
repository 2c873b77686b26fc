"""Are there enough data for a baseline? Rules of programmes as data, each with what is needed and what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Bools, numbers
from analysis._tables import Row, table
from analysis.data import Interval, MeterData
from analysis.prepare import _sufficiency_words as words
from analysis.prepare.series import flag_outliers, oddities
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest

DEFAULT_PROFILE: Final = "dodac"


def profiles() -> tuple[str, ...]:
    """The profiles of tables/sufficiency.toml."""
    return tuple(dict.fromkeys(str(row["profile"]) for row in table("sufficiency")))


def sufficiency(
    data: MeterData, profile: str = DEFAULT_PROFILE, *, rules: Sequence[Row] | None = None
) -> tuple[Finding, ...]:
    """What a profile finds wanting in a baseline's data: one finding a rule that is broken.

    profile: "dodac", "caltrack", "ipmvp" or "sep"; rules: a plant's own rows instead
    (`analysis._tables.rows_of`). Every finding's data say profile, rule, needed, there, missing,
    severity ("fail" or "warn"), source and how that was checked. An empty tuple: all is met.
    Raises ConfigError for an unknown profile or rule.
    """
    if rules is None:
        rows = [row for row in table("sufficiency") if row["profile"] == profile]
        if not rows:
            near = nearest(profile, profiles())
            todo = f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(profiles())}."
            raise ConfigError(f'there is no profile "{profile}" of sufficiency.', todo=todo)
    else:
        rows = list(rules)
    found: list[Finding] = list(oddities(data.y, data.energy))
    if any(one.code == "nothing_measured" for one in found) or not len(data.frame):
        return tuple(found) or (words.no_rows(data.energy),)
    known: Bools = np.isfinite(data.y)
    if "used" in data.frame.columns:
        known = known & (data.frame["used"].to_numpy() == True)  # noqa: E712 (also for object columns)
    if any(row["rule"] == "zero_is_missing" for row in rows):
        zeros = known & (data.y == 0.0)
        known = known & ~zeros
        if zeros.any():
            found.append(words.zeros_missing(int(zeros.sum()), profile))
    complete: Bools = known & data.used if _drivers(data) else known
    for row in rows:
        intervals = row.get("intervals")
        if intervals is not None and data.interval not in intervals:
            continue
        rule = str(row["rule"])
        check = _RULES.get(rule)
        if check is None:
            raise ConfigError(
                f'there is no rule "{rule}" of sufficiency.', todo=f"Write one of: {', '.join(_RULES)}."
            )
        found += check(data, complete, row)
    codes: set[tuple[str, str]] = set()
    kept = []
    for one in found:
        key = (one.code, str(one.data.get("rule", "")) + str(one.data.get("month", "")))
        if key not in codes:
            codes.add(key)
            kept.append(one)
    return tuple(kept)


def day_share(profile: str) -> float | None:
    """The share of a day's hours from which a profile scales amounts up to the day; None: it does not."""
    for row in table("sufficiency"):
        if row["profile"] == profile and row["rule"] == "day_share_min":
            return float(row["limit"])
    return None


def not_enough(findings: Sequence[Finding]) -> Refusal | None:
    """The first failing rule as a refusal (with how many more fail); None when none fails."""
    failing = [
        one
        for one in findings
        if one.data.get("severity") == "fail" or one.code in ("nothing_measured", "no_rows")
    ]
    if not failing:
        return None
    first = failing[0]
    return Refusal(first.code, first.en, first.vi, {**first.data, "failing": len(failing)})


def _drivers(data: MeterData) -> bool:
    return data.temperature is not None or bool(data.drivers)


def _span(data: MeterData) -> float:
    index = data.index
    return (index[-1] - index[0]).total_seconds() / 86_400 + float(data.days[-1])


def _span_days(data: MeterData, _known: Bools, row: Row) -> list[Finding]:
    there = _span(data)
    # a leap day or a day of 23 hours is no day too few
    return [words.too_short(row, there)] if round(there, 1) < float(row["limit"]) else []


def _missing_days(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    days = data.days
    window = max(_span(data), 0.0)
    missing = window - float(days[known].sum())
    return [words.missing_days(row, missing, window)] if missing > float(row["limit"]) + 1e-6 else []


def _missing_share(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    window = _span(data)
    share = 1 - float(data.days[known].sum()) / window if window > 0 else 1.0
    return [words.missing_share(row, share)] if share > float(row["limit"]) + 1e-9 else []


def _intervals(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    there = int(np.sum(known))
    return [words.too_few(row, there, data.interval)] if there < int(row["limit"]) else []


def _month_share(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    months = data.index.tz_localize(None).to_period("M")
    days = pd.Series(np.where(known, data.days, 0.0), index=months).groupby(level=0).sum()
    wanted = pd.period_range(months[0], months[-1], freq="M")
    have = days.reindex(wanted, fill_value=0.0)
    share = have.to_numpy() / wanted.days_in_month.to_numpy()
    return [
        words.month_thin(row, str(month), float(one))
        for month, one in zip(wanted, share, strict=True)
        if one < float(row["limit"]) - 1e-9
    ]


def _months_of_year(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    there = _months_seen(data, known)
    missing = sorted(set(range(1, 13)) - there)
    return [words.months_missing(row, len(there), missing)] if len(there) < int(row["limit"]) else []


def _months_seen(data: MeterData, known: Bools) -> set[int]:
    """Months of the year that measured rows lie in; a bill counts for the month that holds its middle."""
    index = data.index
    if data.interval in (Interval.MONTH, Interval.BILL):
        index = index + pd.to_timedelta(data.days / 2, unit="D")
    return set(pd.DatetimeIndex(index).month.to_numpy()[known].tolist())


def _temperature_gap(data: MeterData, _known: Bools, row: Row) -> list[Finding]:
    seconds = data.interval.seconds
    if data.temperature is None or seconds is None:
        return []
    t = numbers(data.frame, data.temperature)
    here = data.index[np.isfinite(t)]
    if len(here) < 2:
        return [words.temperature_gap(row, _span(data) * 24)]
    longest = float(np.diff(here.as_unit("s").asi8).max()) / 3600 - seconds / 3600
    return [words.temperature_gap(row, longest)] if longest > float(row["limit"]) + 1e-9 else []


def _bill_days_min(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    short = (data.days < float(row["limit"])) & known
    return (
        [words.bill_length(row, int(short.sum()), float(data.days[short].min()), short=True)]
        if short.any()
        else []
    )


def _bill_days_max(data: MeterData, known: Bools, row: Row) -> list[Finding]:
    kept = known
    if not kept.any():
        return []
    bimonthly = float(np.median(data.days[kept])) > 45
    limit = float(row.get("limit_bimonthly", row["limit"]) if bimonthly else row["limit"])
    long = (data.days > limit) & kept
    return (
        [
            words.bill_length(
                {**row, "limit": limit}, int(long.sum()), float(data.days[long].max()), short=False
            )
        ]
        if long.any()
        else []
    )


def _extreme(data: MeterData, _known: Bools, row: Row) -> list[Finding]:
    del row
    return flag_outliers(pd.Series(data.y / data.days, index=data.index), name=data.energy)[1]


def _negative(data: MeterData, _known: Bools, row: Row) -> list[Finding]:
    del row
    return [one for one in oddities(data.y, data.energy) if one.code == "negative"]


def _nothing(_data: MeterData, _known: Bools, _row: Row) -> list[Finding]:
    """Rules that are applied where the data are made."""
    return []


_RULES: Final[dict[str, Callable[[MeterData, Bools, Row], list[Finding]]]] = {
    "span_days_min": _span_days,
    "missing_days_max": _missing_days,
    "missing_share_max": _missing_share,
    "intervals_min": _intervals,
    "month_share_min": _month_share,
    "months_of_year_min": _months_of_year,
    "temperature_gap_hours_max": _temperature_gap,
    "bill_days_min": _bill_days_min,
    "bill_days_max": _bill_days_max,
    "extreme_iqr": _extreme,
    "negative_share_max": _negative,
    "zero_is_missing": _nothing,
    "day_share_min": _nothing,
}
