"""What time stamps gave to say: codes, English, Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results import Finding, Refusal

_ORDER = {
    "dmy": ("day-month-year", "ngày-tháng-năm"),
    "mdy": ("month-day-year", "tháng-ngày-năm"),
    "ymd": ("year-month-day", "năm-tháng-ngày"),
}
_SIDE = {"start": ("start", "đầu"), "end": ("end", "cuối")}


def order_found(order: str, example: str) -> Finding:
    """No day above 12, but only one order is evenly spaced."""
    en, vi = _ORDER[order]
    return Finding(
        "date_order_found",
        f'Dates such as "{example}" are read as {en}: only so are the rows evenly spaced.',
        f'Ngày như "{example}" được đọc là {vi}: chỉ như vậy các dòng mới cách đều nhau.',
        {"order": order, "example": example},
    )


def unreadable(rows: int, example: str) -> Finding:
    """Stamps that are none."""
    return Finding(
        "stamps_unreadable",
        f'{rows} rows have a stamp that is no time (e.g. "{example}"); they are left out.',
        f'Có {rows} dòng ghi thời gian không đọc được (ví dụ "{example}"); đã bỏ.',
        {"rows": rows, "example": example},
    )


def midnight_old_date(rows: int) -> Finding:
    """00:00 with the date of the day it ends."""
    return Finding(
        "midnight_old_date",
        f"{rows} rows at 00:00 carry the date of the day that ends there; they are put one day later.",
        f"Có {rows} dòng 00:00 ghi ngày của hôm trước; đã chuyển sang ngày sau.",
        {"rows": rows},
    )


def empty_filled(rows: int) -> Finding:
    """An empty stamp with one possible place."""
    return Finding(
        "empty_stamp_filled",
        f"{rows} rows without a time lie where only one time is left; they get it.",
        f"Có {rows} dòng thiếu thời gian nằm ở vị trí chỉ có thể là một thời điểm; đã điền.",
        {"rows": rows},
    )


def empty_left_out(rows: int) -> Finding:
    """An empty stamp that can't be placed."""
    return Finding(
        "empty_stamp_left_out",
        f"{rows} rows without a time can't be placed; they are left out.",
        f"Có {rows} dòng thiếu thời gian không xác định được; đã bỏ.",
        {"rows": rows},
    )


def side_found(side: str, how: str) -> Finding:
    """The stamps say themselves which side they tell."""
    en, vi = _SIDE[side]
    return Finding(
        "stamp_side_found",
        f"Stamps tell the {en} of their interval: only so the file holds whole days.",
        f"Thời gian ghi là thời điểm {vi} khoảng đo: chỉ như vậy tệp mới gồm các ngày trọn vẹn.",
        {"side": side, "how": how},
    )


def side_assumed(side: str) -> Finding:
    """Nothing says which side."""
    en, vi = _SIDE[side]
    return Finding(
        "stamp_side_assumed",
        f'Nothing says whether stamps tell the start or the end of their interval; {en} is taken. Say side="end" if not.',
        f'Không rõ thời gian ghi là đầu hay cuối khoảng đo; tạm coi là {vi}. Nếu không đúng, khai side="end".',
        {"side": side},
    )


def other_zone(rows: int, of: int, zone: str) -> Finding:
    """Offsets that are not the zone's."""
    return Finding(
        "other_zone",
        f"{rows} of {of} stamps have the offset of another zone; they are converted to {zone}.",
        f"{rows} trong {of} thời điểm có múi giờ khác; đã đổi sang {zone}.",
        {"rows": rows, "of": of, "zone": zone},
    )


def autumn_twice(days: int) -> Finding:
    """The hour that is there twice."""
    return Finding(
        "autumn_hour_twice",
        f"On {days} days the hour at the end of summer time is there twice: the first is summer time.",
        f"Có {days} ngày giờ cuối mùa hè lặp lại hai lần: lần đầu là giờ mùa hè.",
        {"days": days},
    )


def autumn_once(rows: int) -> Finding:
    """Rows of that hour that can't be placed."""
    return Finding(
        "autumn_hour_once",
        f"{rows} rows lie in the hour that is there twice at the end of summer time, and nothing says in which; "
        "they are left out. If the logger keeps winter time all year, all stamps before it are an hour off: give its "
        'offset as the zone (e.g. "Etc/GMT-1" for UTC+1).',
        f"Có {rows} dòng nằm trong giờ bị lặp lúc kết thúc giờ mùa hè, không rõ lần nào; đã bỏ. Nếu thiết bị ghi luôn "
        "giữ giờ mùa đông, mọi thời gian trước đó lệch một giờ: hãy khai múi giờ cố định của thiết bị (ví dụ "
        '"Etc/GMT-1" cho UTC+1).',
        {"rows": rows},
    )


def no_summer_time(rows: int, zone: str) -> Finding:
    """A logger that does not change its clock."""
    return Finding(
        "no_summer_time",
        f"{rows} rows lie in the hour that {zone} skips in spring: the logger knows no summer time, and all its stamps "
        "are taken as standard time.",
        f"Có {rows} dòng nằm trong giờ bị bỏ qua mùa xuân của {zone}: thiết bị ghi không đổi giờ mùa hè, "
        "mọi thời điểm được hiểu là giờ chuẩn.",
        {"rows": rows, "zone": zone},
    )


def refuse_mixed_offsets(with_offset: int, rows: int) -> Refusal:
    """Some stamps with an offset, some without."""
    return Refusal(
        "mixed_offsets",
        f"{with_offset} of {rows} stamps have an offset from UTC and the others have none: it can't be told what "
        "those are.",
        f"{with_offset} trong {rows} thời điểm có múi giờ, số còn lại không có: không xác định được.",
        {"with_offset": with_offset, "rows": rows},
    )


def refuse_zone_needed(minutes: Sequence[int]) -> Refusal:
    """Several offsets, and no zone told."""
    text = ", ".join(f"{one / 60:+g} h" for one in minutes)
    return Refusal(
        "zone_needed",
        f"The stamps have several offsets from UTC ({text}): say the zone of the plant.",
        f"Các thời điểm có nhiều múi giờ ({text}): hãy khai múi giờ của nhà máy.",
        {"offsets": text, "count": len(minutes)},
    )


def refuse_unreadable(bad: int, rows: int, example: str) -> Refusal:
    """Most of the column is no time."""
    return Refusal(
        "stamps_unreadable",
        f'{bad} of {rows} stamps are no times (e.g. "{example}").',
        f'{bad} trong {rows} thời điểm không đọc được (ví dụ "{example}").',
        {"bad": bad, "rows": rows, "example": example},
    )


def refuse_impossible(bad: int, rows: int, order: str, example: str) -> Refusal:
    """Days that are not in the calendar."""
    en, vi = _ORDER[order]
    return Refusal(
        "dates_impossible",
        f'{bad} of {rows} dates can\'t be read as {en} (e.g. "{example}").',
        f'{bad} trong {rows} ngày không thể đọc theo {vi} (ví dụ "{example}").',
        {"bad": bad, "rows": rows, "order": order},
    )


def refuse_dates_contradict(pair: str) -> Refusal:
    """Dates of two orders in one file."""
    return Refusal(
        "dates_contradict",
        f"The dates contradict one another ({pair}): two orders of day and month are in one file. Export it again with one.",
        f"Các ngày mâu thuẫn nhau ({pair}): tệp có hai kiểu ghi ngày tháng. Hãy xuất lại với một kiểu.",
        {"pair": pair},
    )


def refuse_dates_ambiguous(example: str) -> Refusal:
    """Day or month first?"""
    return Refusal(
        "dates_ambiguous",
        f'Every date, such as "{example}", can be read with the day or the month first. Say order="dmy" or "mdy".',
        f'Mọi ngày, như "{example}", đều có thể đọc ngày trước hoặc tháng trước. Hãy khai order="dmy" hoặc "mdy".',
        {"example": example},
    )
