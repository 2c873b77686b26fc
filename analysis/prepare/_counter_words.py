"""What preparing a counter's readings has to say: codes, English, Vietnamese, data."""

from __future__ import annotations

import pandas as pd

from analysis.results import Finding
from dodac.words import significant_text

_LEFT_OUT = {
    "spike": ("too high between its neighbours", "cao bất thường so với số trước và sau"),
    "dip": ("too low between its neighbours", "thấp bất thường so với số trước và sau"),
    "unclear": (
        "against one another, and it can't be told which is wrong",
        "mâu thuẫn nhau, không xác định được số nào sai",
    ),
    "foreign": ("not of this count (another total, zero, or an error value)", "không thuộc dãy chỉ số này"),
    "unit": (
        "the count in another unit (a power of 10 times it)",
        "chỉ số theo đơn vị khác (gấp hoặc chia cho lũy thừa của 10)",
    ),
    "negative": ("below zero", "nhỏ hơn 0"),
    "stuck": ("repeated while the meter went on counting", "lặp lại trong khi công tơ vẫn đếm"),
}


def readings_left_out(reason: str, count: int) -> Finding:
    """Readings that can't be believed."""
    en, vi = _LEFT_OUT[reason]
    return Finding(
        f"readings_{reason}",
        f"{count} readings are left out: {en}.",
        f"Bỏ {count} chỉ số: {vi}.",
        {"readings": count},
    )


def empty_readings(count: int) -> Finding:
    """Rows without a time or a number."""
    return Finding(
        "empty_readings",
        f"{count} rows have no reading or no time.",
        f"Có {count} dòng không có chỉ số hoặc không có thời gian.",
        {"rows": count},
    )


def clock_went_back(jumps: int, rows: int) -> Finding:
    """Stamps that go back while the register goes on."""
    return Finding(
        "clock_went_back",
        f"The clock was put back {jumps} times while the register went on; {rows} rows with times in doubt are left out.",
        f"Đồng hồ bị lùi {jumps} lần trong khi chỉ số vẫn tăng; bỏ {rows} dòng có thời gian không chắc chắn.",
        {"jumps": jumps, "rows": rows},
    )


def rows_out_of_order(count: int) -> Finding:
    """Late rows."""
    return Finding(
        "rows_out_of_order",
        f"{count} rows came late; they are put in the order of their times.",
        f"Có {count} dòng đến muộn; đã sắp xếp lại theo thời gian.",
        {"rows": count},
    )


def duplicates_equal(count: int) -> Finding:
    """The same row again."""
    return Finding(
        "duplicates_equal",
        f"{count} rows say again what another row says; they count once.",
        f"Có {count} dòng trùng hoàn toàn; chỉ tính một lần.",
        {"rows": count},
    )


def duplicates_conflict(count: int) -> Finding:
    """One time, two values."""
    return Finding(
        "duplicates_conflict",
        f"{count} times have two different values; none of them is used. Are there two meters in the file?",
        f"Có {count} thời điểm có hai giá trị khác nhau; không dùng giá trị nào. Tệp có số liệu của hai công tơ?",
        {"times": count},
    )


def rollover(moment: pd.Timestamp, amount: float, told: bool) -> Finding:
    """The register went round."""
    extra = "" if told else " Where it begins again was found from the readings."
    extra_vi = "" if told else " Giá trị quay vòng được suy ra từ số liệu."
    return Finding(
        "rollover" if told else "rollover_found",
        f"The register went round before {moment:%Y-%m-%d %H:%M}; {significant_text(amount, 4)} was counted across it."
        + extra,
        f"Chỉ số quay vòng trước {moment:%Y-%m-%d %H:%M}; lượng qua điểm quay vòng là {significant_text(amount, 4, 'vi')}."
        + extra_vi,
        {"time": moment.isoformat(), "amount": amount},
    )


def new_count(start: pd.Timestamp, end: pd.Timestamp) -> Finding:
    """A reset, an exchanged meter, or a leap."""
    return Finding(
        "new_count",
        f"A new count begins between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} (reset, exchanged meter, or a leap "
        "too fast to be consumption): what was used in between is not known. Tell the exchange if there was one.",
        f"Dãy chỉ số mới bắt đầu giữa {start:%Y-%m-%d %H:%M} và {end:%Y-%m-%d %H:%M} (về 0, thay công tơ, hoặc nhảy số): "
        "không biết lượng tiêu thụ trong khoảng này. Nếu đã thay công tơ, hãy khai báo.",
        {"start": start.isoformat(), "end": end.isoformat()},
    )


def exchange_does_not_fit(old: float, before: float, new: float, after: float) -> Finding:
    """The readings written down at an exchange don't fit those around it."""
    return Finding(
        "exchange_does_not_fit",
        f"The exchange that was told ({old:g} → {new:g}) does not fit the readings around it ({before:g} and {after:g}).",
        f"Lần thay công tơ đã khai ({old:g} → {new:g}) không khớp các chỉ số trước và sau ({before:g} và {after:g}).",
        {"old": old, "before": before, "new": new, "after": after},
    )


def gaps(count: int, total: float) -> Finding:
    """Stretches with a known total and an unknown spread."""
    return Finding(
        "gaps",
        f"{count} stretches without readings hold {significant_text(total, 4)} in all; it is not spread over their "
        "intervals.",
        f"Có {count} khoảng thiếu chỉ số, tổng cộng {significant_text(total, 4, 'vi')}; không phân bổ vào từng khoảng đo.",
        {"gaps": count, "total": total},
    )
