"""What choosing a baseline's rows has to say: codes, English, Vietnamese, data."""

from __future__ import annotations

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def short_window(months: int) -> Finding:
    """Less than a year."""
    return Finding(
        "window_short",
        f"The baseline window is {months} months: not every season is seen.",
        f"Kỳ cơ sở chỉ {months} tháng: không thấy đủ các mùa.",
        {"months": months},
    )


def part_of_a_year(months: int) -> Finding:
    """Some seasons more often than others."""
    return Finding(
        "window_not_whole_years",
        f"The baseline window is {months} months, not whole years: some seasons count more than others.",
        f"Kỳ cơ sở {months} tháng không tròn năm: có mùa được tính nhiều hơn mùa khác.",
        {"months": months},
    )


def begins_late(wanted: str, there: str, days: float) -> Finding:
    """Less is there than the window asks for."""
    return Finding(
        "window_begins_late",
        f"The window begins on {wanted}, the data on {there}: {number(days)} days are missing.",
        f"Kỳ cơ sở bắt đầu {wanted}, số liệu từ {there}: thiếu {number(days)} ngày.",
        {"wanted": wanted, "there": there, "missing": days},
    )


def season(first: str, last: str, rows: int, of: int, years: int) -> Finding:
    """The same time of year was taken."""
    return Finding(
        "same_season",
        f"The reporting period is part of a year: {rows} of {of} baseline rows, those from {first} to {last} (day-month) "
        f"of {years} calendar years, are compared with it.",
        f"Kỳ báo cáo chỉ là một phần năm: dùng {rows} trong {of} dòng của kỳ cơ sở, từ {first} đến {last} (ngày-tháng) "
        f"của {years} năm lịch.",
        {"first": first, "last": last, "rows": rows, "of": of, "years": years},
    )


def refuse_no_rows(start: str, end: str) -> Refusal:
    """Nothing in the window."""
    return Refusal(
        "window_empty",
        f"There are no data from {start} to {end}.",
        f"Không có số liệu từ {start} đến {end}.",
        {"start": start, "end": end},
    )


def refuse_no_season(first: str, last: str) -> Refusal:
    """The baseline never saw that season."""
    return Refusal(
        "season_missing",
        f"The baseline has no rows of the reporting period's time of year ({first} to {last}, day-month).",
        f"Kỳ cơ sở không có số liệu của mùa trong kỳ báo cáo ({first} đến {last}, ngày-tháng).",
        {"first": first, "last": last},
    )
