"""Words of proposed events and of the ledger: stable codes, English and Vietnamese."""

from __future__ import annotations

from typing import Final

from analysis._coverage_words import unit_en, unit_vi
from analysis.results import Finding, Refusal
from dodac.words import number_text, significant_text

KINDS: Final = {
    "step": ("a lasting change", "thay đổi kéo dài"),
    "pattern": ("another pattern of the week", "thay đổi lịch tuần"),
    "temporary": ("a temporary change", "thay đổi tạm thời"),
    "outage": ("an outage", "ngừng hoạt động"),
    "ramp": ("a gradual change", "thay đổi dần"),
    "drift": ("a drift that goes on to the end", "trôi dần đến cuối kỳ"),
}


def event(
    kind: str, interval: str, unit: str, start: str, end: str, change: float, half: float
) -> tuple[str, str]:
    """What was seen, when and how much, as a proposal."""
    en, vi = KINDS[kind]
    more = ("more", "tăng") if change > 0 else ("less", "giảm")
    until = "" if kind in ("step", "drift", "pattern") else f" to {end}"
    until_vi = "" if not until else f" đến {end}"
    size, doubt = significant_text(abs(change), 3), significant_text(half, 2)
    size_vi, doubt_vi = significant_text(abs(change), 3, "vi"), significant_text(half, 2, "vi")
    text = (
        f"{en[0].upper()}{en[1:]} from {start}{until}: {size} ± {doubt} {unit} a {unit_en(interval, 1)} {more[0]} "
        "than the model explains. Find out why before anything is adjusted."
    )
    text_vi = (
        f"{vi[0].upper()}{vi[1:]} từ {start}{until_vi}: {more[1]} {size_vi} ± {doubt_vi} {unit} mỗi "
        f"{unit_vi(interval)} so với mô hình. Hãy tìm nguyên nhân trước khi hiệu chỉnh."
    )
    return text, text_vi


def proposed(count: int, period: str) -> Finding:
    """Events stand in the data and nobody has decided on them."""
    where = {"baseline": "kỳ cơ sở", "reporting": "kỳ báo cáo"}[period]
    return Finding(
        "events_proposed",
        f"{count} possible non-routine events in the {period} period; none is adjusted before a person decides.",
        f"Có {count} sự kiện bất thường khả dĩ trong {where}; không tự hiệu chỉnh khi chưa có người quyết định.",
        {"events": count, "period": period},
    )


def outliers(count: int, total: int, interval: str, dates: str) -> Finding:
    """Single wild values: flagged, kept."""
    return Finding(
        "outliers",
        f"{count} of {total} {unit_en(interval, total)} are far from those around them ({dates}); they are kept.",
        f"{count} trong {total} {unit_vi(interval)} lệch xa so với xung quanh ({dates}); vẫn được giữ lại.",
        {"outliers": count, "of": total, "dates": dates},
    )


def slow(count: int, starts: str) -> Finding:
    """Changes that may be events and may be slow noise: told, not proposed."""
    return Finding(
        "changes_unclear",
        f"Since {starts} the level differs, but slow noise would look the same: told, not proposed as an event. "
        "A known cause at this date would make it one.",
        f"Từ {starts} mức tiêu thụ có khác, nhưng dao động chậm cũng cho kết quả như vậy: chỉ thông báo, không đề xuất là sự "
        "kiện. Nếu biết nguyên nhân vào ngày này thì đó là sự kiện.",
        {"changes": count, "since": starts},
    )


def left_out(count: int, interval: str) -> Finding:
    """Rows that are not looked at: holidays, Tết, gaps."""
    return Finding(
        "events_not_searched",
        f"{count} {unit_en(interval, count)} (holidays, Tết, gaps) are not searched for events.",
        f"{count} {unit_vi(interval)} (ngày lễ, Tết, thiếu số liệu) không được xét sự kiện.",
        {"rows": count},
    )


def refuse_short(needed: int, there: int, interval: str) -> Refusal:
    """Too little to tell an event from noise."""
    more = max(needed - there, 0)
    return Refusal(
        "too_few_for_events",
        f"{number_text(needed)} {unit_en(interval, needed)} needed to look for events, {number_text(there)} there: "
        f"{number_text(more)} more.",
        f"Cần {number_text(needed, 0, 'vi')} {unit_vi(interval)} để tìm sự kiện, hiện có "
        f"{number_text(there, 0, 'vi')}: còn thiếu {number_text(more, 0, 'vi')}.",
        {"needed": needed, "there": there, "missing": more, "interval": interval},
    )
