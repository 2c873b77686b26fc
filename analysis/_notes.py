"""The findings and refusals of analysis: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results import Finding, Refusal
from dodac.words import number_text as number

# day types and drivers as people call them; a plan's own driver names stay as they are
_VI = {
    "normal": "ngày thường",
    "holiday": "ngày lễ",
    "tet": "Tết",
    "temperature": "nhiệt độ",
    "production": "sản lượng",
    "output": "sản lượng",
    "measured": "năng lượng đo được",
}

# what rows are called unless told otherwise
_DAYS = ("days", "ngày")


def _vi(words: Sequence[str]) -> str:
    return ", ".join(_VI.get(word, word) for word in words)


def days_left_out(left_out: int, total: int) -> Finding:
    """Days of the period without a whole reading, or excluded by the plan."""
    return Finding(
        "days_left_out",
        f"{left_out} of {total} days are left out (gaps in the data, or excluded).",
        f"{left_out} trong {total} ngày không được dùng (thiếu số liệu hoặc được loại trừ).",
        {"left_out": left_out, "days": total},
    )


def short_baseline(days: int, needed: int) -> Finding:
    """A baseline that does not see a whole year."""
    return Finding(
        "short_baseline",
        f"The baseline has {days} days; {needed} are wanted so that every season is seen.",
        f"Đường cơ sở chỉ có {days} ngày; cần {needed} ngày để thấy đủ các mùa.",
        {"days": days, "needed": needed},
    )


def months_missing(months: Sequence[int]) -> Finding:
    """Months of the year that the baseline never saw."""
    text = ", ".join(str(month) for month in months)
    return Finding(
        "months_missing",
        f"The baseline has no day in these months of the year: {text}.",
        f"Đường cơ sở không có ngày nào trong các tháng: {text}.",
        {"months": text, "count": len(months)},
    )


def few_special_days(word: str, count: int, into: str) -> Finding:
    """A day type too rare to have its own level."""
    return Finding(
        "few_special_days",
        f'Day type "{word}" has only {count} days in the baseline; they count as "{into}".',
        f'Loại ngày "{_vi([word])}" chỉ có {count} ngày trong kỳ cơ sở; được tính như "{_vi([into])}".',
        {"day_type": word, "days": count, "into": into},
    )


def collinear(names: Sequence[str]) -> Finding:
    """Columns that say nothing the others don't."""
    text = ", ".join(names)
    return Finding(
        "collinear",
        f"Left out of the model, because other terms already say the same: {text}.",
        f"Bỏ khỏi mô hình vì các biến khác đã thể hiện: {text}.",
        {"terms": text, "count": len(names)},
    )


def poor_fit(cv_rmse: float, limit: float) -> Finding:
    """CV(RMSE) beyond what screening rules accept."""
    return Finding(
        "poor_fit",
        f"CV(RMSE) is {number(100 * cv_rmse, 1)} %, above {number(100 * limit)} %: "
        "something that drives consumption is missing from the model.",
        f"CV(RMSE) là {number(100 * cv_rmse, 1, 'vi')} %, trên {number(100 * limit)} %: "
        "mô hình còn thiếu yếu tố ảnh hưởng đến tiêu thụ.",
        {"cv_rmse": cv_rmse, "limit": limit},
    )


def partial_year(days: int, wanted: int) -> Finding:
    """A saving that does not speak for a year."""
    return Finding(
        "partial_year",
        f"The saving is of {days} days, not of a year; it must not be scaled up to one.",
        f"Mức tiết kiệm chỉ của {days} ngày, không phải một năm; không được nhân lên cả năm.",
        {"days": days, "wanted": wanted},
    )


def not_significant(saving: float, half_width: float) -> Finding:
    """The interval holds zero."""
    return Finding(
        "not_significant",
        "The saving is smaller than its uncertainty: it can't be told apart from none.",
        "Mức tiết kiệm nhỏ hơn độ không đảm bảo đo: không thể phân biệt với không tiết kiệm.",
        {"saving": saving, "half_width": half_width},
    )


def tet_in_one_period(only: str) -> Finding:
    """Tết is one event a year and is needed in both periods."""
    where = {"baseline": "kỳ cơ sở", "reporting": "kỳ báo cáo"}[only]
    return Finding(
        "tet_in_one_period",
        f"Tết lies only in the {only} period; the two periods don't see the same year.",
        f"Tết chỉ nằm trong {where}; hai kỳ không phản ánh cùng một năm.",
        {"only": only},
    )


def refuse_too_few_days(days: int, needed: int) -> Refusal:
    """Not enough whole days for a baseline."""
    return Refusal(
        "too_few_days",
        f"A baseline needs {needed} whole days, {days} are there: {max(needed - days, 0)} more.",
        f"Đường cơ sở cần {needed} ngày đủ số liệu, hiện có {days}: còn thiếu {max(needed - days, 0)}.",
        {"needed": needed, "days": days, "missing": max(needed - days, 0)},
    )


def refuse_all_zero(column: str, days: int, rows: tuple[str, str] = _DAYS) -> Refusal:
    """A meter that never counted; rows: what the intervals are called, English and Vietnamese."""
    return Refusal(
        "all_zero",
        f'"{column}" is zero on all {days} {rows[0]}: the meter counted nothing.',
        f'"{_vi([column])}" bằng 0 trong cả {days} {rows[1]}: công tơ không đếm.',
        {"days": days},
    )


def refuse_constant(column: str, value: float, days: int, rows: tuple[str, str] = _DAYS) -> Refusal:
    """A meter that gives one value for ever; rows as in `refuse_all_zero`."""
    return Refusal(
        "constant",
        f'"{column}" is {number(value, 3)} on all {days} {rows[0]}: no meter of a running plant does that.',
        f'"{_vi([column])}" là {number(value, 3, "vi")} trong cả {days} {rows[1]}: công tơ của nhà máy đang chạy '
        "không thể như vậy.",
        {"value": value, "days": days},
    )


def refuse_not_consumed(column: str, mean: float, rows: tuple[str, str] = _DAYS) -> Refusal:
    """A meter that on the whole counts backwards; rows as in `refuse_all_zero`."""
    return Refusal(
        "not_consumed",
        f'"{column}" averages {number(mean, 1)} a {rows[0].removesuffix("s")}: the meter feeds out more than it takes. '
        "Are its terminals swapped, or is it an export channel?",
        f'"{_vi([column])}" trung bình {number(mean, 1, "vi")} mỗi {rows[1]}: công tơ ghi chiều phát nhiều hơn chiều nhận. '
        "Đấu ngược cực tính, hay đây là kênh điện phát?",
        {"mean": mean},
    )


def refuse_no_normal_days(days: int) -> Refusal:
    """Nothing but special days."""
    return Refusal(
        "no_normal_days",
        f"All {days} days are special days; a baseline needs usual ones.",
        f"Cả {days} ngày đều là ngày đặc biệt; đường cơ sở cần ngày bình thường.",
        {"days": days},
    )


def refuse_too_many_terms(days: int, terms: int) -> Refusal:
    """As many unknowns as days."""
    return Refusal(
        "too_many_terms",
        f"The model has {terms} terms and only {days} days: it would fit anything.",
        f"Mô hình có {terms} hệ số mà chỉ có {days} ngày số liệu: sẽ khớp với mọi số liệu.",
        {"terms": terms, "days": days},
    )


def refuse_no_baseline(total: float) -> Refusal:
    """The adjusted baseline is nothing, so there is nothing to save from."""
    return Refusal(
        "no_adjusted_baseline",
        "The adjusted baseline is not above zero: there is nothing to save from.",
        "Đường cơ sở hiệu chỉnh không lớn hơn 0: không có gì để tiết kiệm.",
        {"adjusted_baseline": total},
    )
