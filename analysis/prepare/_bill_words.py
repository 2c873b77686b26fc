"""What a table of bills gave to say: codes, English, Vietnamese, data."""

from __future__ import annotations

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def no_date(rows: int) -> Finding:
    """Bills without a usable period."""
    return Finding(
        "bills_without_dates",
        f"{rows} bills have no date, or end before they start; they are left out.",
        f"Có {rows} hóa đơn thiếu ngày hoặc ngày cuối trước ngày đầu; đã bỏ.",
        {"bills": rows},
    )


def same_date(day: str, *, same: bool) -> Finding:
    """Two rows of one date."""
    extra = "they count once" if same else "neither amount is used"
    extra_vi = "chỉ tính một lần" if same else "không dùng giá trị nào"
    return Finding(
        "bill_date_twice",
        f"Two bills have the date {day}: {extra}.",
        f"Hai hóa đơn cùng ngày {day}: {extra_vi}.",
        {"date": day, "same": int(same)},
    )


def first_without_start(day: str, value: float) -> Finding:
    """The first bill's period is not known."""
    return Finding(
        "first_bill_without_start",
        f"The first bill (read on {day}) has no read before it: its length is not known and it is left out.",
        f"Hóa đơn đầu (đọc ngày {day}) không có lần đọc trước: không biết số ngày, đã bỏ.",
        {"date": day, "value": value},
    )


def last_without_end(day: str) -> Finding:
    """The last bill's end is not known."""
    return Finding(
        "last_bill_without_end",
        f"The last bill (from {day}) has no end: it is left out.",
        f"Hóa đơn cuối (từ {day}) không có ngày kết thúc: đã bỏ.",
        {"date": day},
    )


def same_bill(count: int) -> Finding:
    """The same bill again."""
    return Finding(
        "bill_twice",
        f"{count} bills are there twice; they count once.",
        f"Có {count} hóa đơn trùng; chỉ tính một lần.",
        {"bills": count},
    )


def overlap(count: int, days: float) -> Finding:
    """Bills that overlap."""
    return Finding(
        "bills_overlap",
        f"{count} bills overlap one another (by up to {number(days)} days): none of them is used. Two meters in one table?",
        f"Có {count} hóa đơn chồng nhau (tới {number(days)} ngày): không dùng. Bảng có hai công tơ?",
        {"bills": count, "days": days},
    )


def missing_bill(start: str, end: str, days: float) -> Finding:
    """A time without a bill."""
    return Finding(
        "bill_missing",
        f"There is no bill from {start} to {end} ({number(days)} days).",
        f"Không có hóa đơn từ {start} đến {end} ({number(days)} ngày).",
        {"start": start, "end": end, "days": days},
    )


def estimated_joined(count: int) -> Finding:
    """Estimated bills joined."""
    return Finding(
        "estimated_joined",
        f"{count} estimated bills are joined with those that follow, up to a real read.",
        f"Có {count} hóa đơn tạm tính được gộp với kỳ sau, đến lần đọc thật.",
        {"bills": count},
    )


def estimated_dropped(count: int, most: int) -> Finding:
    """Estimated bills with no real read in time."""
    return Finding(
        "estimated_left_out",
        f"{count} bills are left out: estimated, with no real read within {most} days, or settling such ones.",
        f"Bỏ {count} hóa đơn: tạm tính mà không có lần đọc thật trong {most} ngày, hoặc quyết toán cho các kỳ đó.",
        {"bills": count, "days": most},
    )


def bimonthly(days: float) -> Finding:
    """Bills of two months."""
    return Finding(
        "bimonthly",
        f"Bills are of {number(days)} days: two months each.",
        f"Hóa đơn dài {number(days)} ngày: hai tháng một kỳ.",
        {"days": days},
    )


def odd_lengths(count: int, usual: float, low: float, high: float) -> Finding:
    """Bills much shorter or longer than usual."""
    return Finding(
        "bill_lengths",
        f"{count} bills are much shorter or longer than the usual {number(usual)} days ({number(low)} to {number(high)}).",
        f"Có {count} hóa đơn ngắn hoặc dài hơn nhiều so với {number(usual)} ngày thông thường ({number(low)} đến {number(high)}).",
        {"bills": count, "usual": usual, "low": low, "high": high},
    )


def amount_missing(name: str, count: int, of: int) -> Finding:
    """A driver missing for bills."""
    return Finding(
        "amount_missing",
        f'"{name}" has no reading, or an empty one, in {count} of {of} bills; those have no value.',
        f'"{name}" thiếu số liệu trong {count} trên {of} hóa đơn; để trống.',
        {"column": name, "bills": count, "of": of},
    )


def refuse_no_bills(rows: int) -> Refusal:
    """No bill can be used."""
    return Refusal(
        "no_bills",
        f"None of {rows} bills has a known period and amount.",
        f"Không hóa đơn nào trong {rows} hóa đơn có đủ kỳ và lượng.",
        {"bills": rows},
    )
