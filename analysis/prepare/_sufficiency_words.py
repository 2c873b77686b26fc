"""What is wanting in a baseline's data: codes, English, Vietnamese, needed and there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.data import Interval
from analysis.results import Finding
from dodac.words import LANGUAGES
from dodac.words import number_text as number

Row = Mapping[str, Any]

_UNITS = {
    Interval.QUARTER_HOUR: ("quarter hours", "khoảng 15 phút"),
    Interval.HALF_HOUR: ("half hours", "khoảng 30 phút"),
    Interval.HOUR: ("hours", "giờ"),
    Interval.DAY: ("days", "ngày"),
    Interval.WEEK: ("weeks", "tuần"),
    Interval.MONTH: ("months", "tháng"),
    Interval.BILL: ("bills", "hóa đơn"),
}


def _data(row: Row, needed: float, there: float, **more: float | str) -> dict[str, float | int | str]:
    return {
        "profile": str(row.get("profile", "")), "rule": str(row["rule"]), "needed": needed, "there": there,
        "missing": max(needed - there, 0), "severity": str(row.get("severity", "warn")),
        "source": str(row["source"]), "checked": str(row["checked"]), **more,
    }  # fmt: skip


def too_few(row: Row, there: int, interval: Interval) -> Finding:
    """Not enough intervals."""
    needed = int(row["limit"])
    en, vi = _UNITS[interval]
    return Finding(
        "too_few_intervals",
        f"{_thousands(needed)} {en} needed, {_thousands(there)} there: {_thousands(needed - there)} more.",
        f"Cần {number(needed, 0, 'vi')} {vi}, hiện có {number(there, 0, 'vi')}: còn thiếu {number(needed - there, 0, 'vi')}.",
        _data(row, needed, there, interval=str(interval)),
    )


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def too_short(row: Row, there: float) -> Finding:
    """The period is too short."""
    needed = float(row["limit"])
    # 364.6 days are not 365, and what is missing is not nothing
    digits = 0 if round(there, 1) == round(there) else 1
    en, vi = ((number(there, digits, way), number(needed - there, digits, way)) for way in LANGUAGES[::-1])
    return Finding(
        "period_too_short",
        f"{number(needed)} days needed, the data span {en[0]}: {en[1]} more.",
        f"Cần {number(needed, 0, 'vi')} ngày, số liệu chỉ trải {vi[0]} ngày: còn thiếu {vi[1]}.",
        _data(row, needed, there),
    )


def missing_days(row: Row, missing: float, window: float) -> Finding:
    """Too many days without data."""
    limit = float(row["limit"])
    return Finding(
        "days_missing",
        f"{number(missing)} of {number(window)} days have no data (energy, temperature or a driver); "
        f"at most {number(limit)} may be missing.",
        f"Thiếu số liệu {number(missing)} trong {number(window)} ngày (năng lượng, nhiệt độ hoặc biến); tối đa {number(limit)}.",
        {**_data(row, limit, missing), "missing": missing, "window": window},
    )


def missing_share(row: Row, share: float) -> Finding:
    """Too large a share without data."""
    limit = float(row["limit"])
    return Finding(
        "share_missing",
        f"{number(100 * share, 1)} % of the period has no data; at most {number(100 * limit)} % may be missing.",
        f"{number(100 * share, 1, 'vi')} % thời gian không có số liệu; tối đa {number(100 * limit)} %.",
        {**_data(row, limit, share), "missing": share},
    )


def month_thin(row: Row, month: str, share: float) -> Finding:
    """A month with too little."""
    limit = float(row["limit"])
    return Finding(
        "month_thin",
        f"{month} has {number(100 * share)} % of its hours; {number(100 * limit)} % are needed.",
        f"Tháng {month} chỉ có {number(100 * share)} % số giờ; cần {number(100 * limit)} %.",
        _data(row, limit, share, month=month),
    )


def months_missing(row: Row, there: int, months: Sequence[int]) -> Finding:
    """Months of the year never seen."""
    text = ", ".join(str(one) for one in months)
    return Finding(
        "months_missing",
        f"{there} of 12 months of the year are there; none of: {text}.",
        f"Chỉ có {there} trong 12 tháng của năm; thiếu tháng: {text}.",
        _data(row, int(row["limit"]), there, months=text),
    )


def temperature_gap(row: Row, hours: float) -> Finding:
    """Too long without a temperature."""
    limit = float(row["limit"])
    return Finding(
        "temperature_gap",
        f"{number(hours, 1)} hours in a row have no temperature; at most {number(limit)} may be bridged.",
        f"Thiếu nhiệt độ {number(hours, 1, 'vi')} giờ liên tục; chỉ được nội suy tối đa {number(limit)} giờ.",
        {**_data(row, limit, hours), "missing": hours},
    )


def bill_length(row: Row, count: int, worst: float, *, short: bool) -> Finding:
    """Bills too short or too long."""
    limit = float(row["limit"])
    en = "shorter" if short else "longer"
    vi = "ngắn" if short else "dài"
    return Finding(
        "bill_too_short" if short else "bill_too_long",
        f"{count} bills are {en} than {number(limit)} days (one has {number(worst)}).",
        f"Có {count} hóa đơn {vi} hơn {number(limit)} ngày (có kỳ {number(worst)} ngày).",
        _data(row, limit, worst, bills=count),
    )


def zeros_missing(count: int, profile: str) -> Finding:
    """Zeros count as missing under this profile."""
    return Finding(
        "zeros_count_as_missing",
        f"{count} intervals of zero count as missing under the profile {profile} (electricity).",
        f"Có {count} khoảng bằng 0 được coi là thiếu theo bộ quy tắc {profile} (điện).",
        {"intervals": count, "profile": profile},
    )


def no_rows(name: str) -> Finding:
    """An empty table."""
    return Finding(
        "no_rows",
        f'"{name}" has no rows.',
        f'"{name}" không có dòng nào.',
        {"column": name, "severity": "fail"},
    )
