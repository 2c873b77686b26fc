"""What series of amounts and means gave to say: codes, English, Vietnamese, data."""

from __future__ import annotations

import pandas as pd

from analysis.prepare._counter_words import duplicates_equal, rows_out_of_order
from analysis.results import Finding, Refusal
from dodac.words import number_text as number
from dodac.words import significant_text

__all__ = ["duplicates_equal", "rows_out_of_order"]


def duplicates_conflict(count: int, example: str) -> Finding:
    """One time, two values."""
    return Finding(
        "duplicates_conflict",
        f"{count} times have different values (first: {example}); none of them is used. Are there two meters in the file?",
        f"Có {count} thời điểm có các giá trị khác nhau (đầu tiên: {example}); không dùng. Tệp có số liệu của hai công tơ?",
        {"times": count, "example": example},
    )


def scaled_up(count: int, share: float) -> Finding:
    """Amounts scaled to the whole interval."""
    return Finding(
        "scaled_up",
        f"{count} intervals covered to {number(100 * share)} % or more are scaled up to the whole interval.",
        f"Có {count} khoảng đo đủ từ {number(100 * share)} % được quy đổi lên cả khoảng.",
        {"intervals": count, "from": share},
    )


def partial_intervals(count: int, of: int, least: float) -> Finding:
    """Intervals measured in part."""
    return Finding(
        "partial_intervals",
        f"{count} of {of} intervals are covered to less than {number(100 * least, 1)} %; they have no value.",
        f"{count} trong {of} khoảng chỉ có số liệu dưới {number(100 * least, 1, 'vi')} %; để trống.",
        {"intervals": count, "of": of, "least": least},
    )


def outliers(name: str, count: int, of: int, rule: str, limit: float) -> Finding:
    """Values far from the others."""
    return Finding(
        "outliers",
        f'{count} of {of} values of "{name}" are outliers by the rule {rule} (limit {significant_text(limit, 4)}); '
        "they are flagged and kept.",
        f'{count} trong {of} giá trị "{name}" là ngoại lai theo quy tắc {rule} '
        f"(ngưỡng {significant_text(limit, 4, 'vi')}); được đánh dấu, không loại bỏ.",
        {"column": name, "outliers": count, "of": of, "rule": rule, "limit": limit},
    )


def nothing_measured(name: str, rows: int) -> Finding:
    """No number at all."""
    return Finding(
        "nothing_measured",
        f'"{name}" has no value in any of {rows} rows.',
        f'"{name}" không có giá trị nào trong {rows} dòng.',
        {"column": name, "rows": rows},
    )


def all_zero(name: str, rows: int) -> Finding:
    """A meter that never counted."""
    return Finding(
        "all_zero",
        f'"{name}" is zero in all {rows} rows.',
        f'"{name}" bằng 0 trong cả {rows} dòng.',
        {"column": name, "rows": rows},
    )


def constant(name: str, value: float, rows: int) -> Finding:
    """One value for ever."""
    return Finding(
        "constant",
        f'"{name}" is {significant_text(value, 6)} in all {rows} rows.',
        f'"{name}" là {significant_text(value, 6, "vi")} trong cả {rows} dòng.',
        {"column": name, "value": value, "rows": rows},
    )


def negative(name: str, count: int, of: int) -> Finding:
    """Amounts below zero."""
    return Finding(
        "negative",
        f'{count} of {of} values of "{name}" are below zero: fed out, a swapped meter, or a correction?',
        f'{count} trong {of} giá trị "{name}" nhỏ hơn 0: phát ngược, đấu ngược công tơ, hay điều chỉnh?',
        {"column": name, "rows": count, "of": of},
    )


def interpolated(count: int, longest: pd.Timedelta) -> Finding:
    """Short gaps of a gauge bridged."""
    hours = longest.total_seconds() / 3600
    return Finding(
        "interpolated",
        f"{count} values of a gauge lie in gaps of at most {hours:g} hours and are bridged by straight lines.",
        f"Có {count} giá trị nằm trong khoảng thiếu không quá {hours:g} giờ, được nội suy tuyến tính.",
        {"values": count, "hours": hours},
    )


def gaps_listed(name: str, count: int, hours: float, longest: float) -> Finding:
    """Stretches without a value."""
    return Finding(
        "gaps",
        f'"{name}" has {count} gaps of {significant_text(hours, 4)} hours in all; the longest has '
        f"{significant_text(longest, 4)}.",
        f'"{name}" có {count} khoảng thiếu, tổng {significant_text(hours, 4, "vi")} giờ; dài nhất '
        f"{significant_text(longest, 4, 'vi')} giờ.",
        {"column": name, "gaps": count, "hours": hours, "longest_hours": longest},
    )


def refuse_nothing(name: str) -> Refusal:
    """Nothing to prepare."""
    return Refusal(
        "no_rows",
        f'"{name}" has no row with a time and a value.',
        f'"{name}" không có dòng nào đủ thời gian và giá trị.',
        {"column": name},
    )


def refuse_irregular(name: str, share: float) -> Refusal:
    """No usual step."""
    return Refusal(
        "irregular",
        f'The rows of "{name}" have no usual distance (only {number(100 * share)} % share one): say what they are '
        "(bills? readings of a counter?).",
        f'Các dòng của "{name}" không cách đều (chỉ {number(100 * share)} % cùng khoảng cách): hãy cho biết là hóa đơn '
        "hay chỉ số công tơ.",
        {"column": name, "share": share},
    )


def refuse_too_coarse(name: str, step: str, wanted: str) -> Refusal:
    """Values can't be made finer."""
    return Refusal(
        "too_coarse",
        f'"{name}" has one value in {step}: it can\'t be spread over intervals of one {wanted}.',
        f'"{name}" chỉ có một giá trị mỗi {step}: không thể chia nhỏ theo {wanted}.',
        {"column": name, "step": step, "wanted": wanted},
    )


def refuse_zones_differ(name: str) -> Refusal:
    """One series has a zone, the other has none."""
    return Refusal(
        "zones_differ",
        f'"{name}" and the energy: the stamps of one have a time zone, those of the other have none. Say the zone.',
        f'"{name}" và năng lượng: một bên có múi giờ, bên kia không. Hãy khai múi giờ.',
        {"column": name},
    )
