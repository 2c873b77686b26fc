"""What a row of a plan speaks for, as words: key → (Vietnamese, English)."""

from __future__ import annotations

from typing import Final

INTERVALS: Final[dict[str, tuple[str, str]]] = {
    # several of them; the heading of their column; one of them; an amount for each
    "rows_15min": ("khoảng 15 phút", "quarter-hours"),
    "rows_30min": ("khoảng 30 phút", "half-hours"),
    "rows_hour": ("giờ", "hours"),
    "rows_day": ("ngày", "days"),
    "rows_week": ("tuần", "weeks"),
    "rows_month": ("tháng", "months"),
    "rows_bill": ("hóa đơn", "bills"),
    "head_15min": ("Số khoảng 15 phút", "Quarter-hours"),
    "head_30min": ("Số khoảng 30 phút", "Half-hours"),
    "head_hour": ("Số giờ", "Hours"),
    "head_day": ("Ngày", "Days"),
    "head_week": ("Số tuần", "Weeks"),
    "head_month": ("Số tháng", "Months"),
    "head_bill": ("Số hóa đơn", "Bills"),
    "one_15min": ("khoảng 15 phút", "quarter-hour"),
    "one_30min": ("khoảng 30 phút", "half-hour"),
    "one_hour": ("giờ", "hour"),
    "one_day": ("ngày", "day"),
    "one_week": ("tuần", "week"),
    "one_month": ("tháng", "month"),
    "one_bill": ("kỳ hóa đơn", "bill"),
}  # fmt: skip
