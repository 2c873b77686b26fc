"""Words of the ledger: what was decided, what is undecided, and why an amount is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analysis.results import Adjustment, Finding, Refusal
from dodac.words import number_text, significant_text

if TYPE_CHECKING:
    from analysis.events._entry import Entry

_METHODS: Final = {
    "indicator": ("from the data by an indicator", "từ số liệu bằng biến chỉ thị"),
    "engineering": ("by engineering calculation", "bằng tính toán kỹ thuật"),
    "submeter": ("measured by a submeter", "đo bằng công tơ phụ"),
    "exclude": ("left out", "loại khỏi kỳ"),
    "calendar": (
        "from the baseline with its weekdays as they are worked now",
        "từ đường cơ sở với lịch tuần mới",
    ),
    "none": ("not adjusted", "không hiệu chỉnh"),
}


def entry(method: str, by: str, at: str, why: str, amount: float, unit: str) -> tuple[str, str]:
    """One adjustment: how much, by what method, who decided and why."""
    en, vi = _METHODS[method]
    return (
        f"{significant_text(amount, 4)} {unit} added to the adjusted baseline, {en}: {why} ({by}, {at}).",
        f"Cộng {significant_text(amount, 4, 'vi')} {unit} vào đường cơ sở hiệu chỉnh, {vi}: {why} ({by}, {at}).",
    )


def adjusted(one: Adjustment, unit: str) -> Finding:
    """An adjustment that is in the figure."""
    return Finding(
        "adjusted",
        f"Adjustment {one.id}: {one.en}",
        f"Hiệu chỉnh {one.id}: {one.vi}",
        {"id": one.id, "amount": one.amount, "half_width": one.half_width, "unit": unit},
    )


def excluded(one: Entry) -> Finding:
    """An event that is in neither sum."""
    return Finding(
        "event_excluded",
        f"Decision {one.id}: {one.start} to {one.end or 'the end'} left out: {one.why} ({one.by}, {one.at}).",
        f"Quyết định {one.id}: loại khỏi kỳ từ {one.start} đến {one.end or 'hết kỳ'}: {one.why} ({one.by}, {one.at}).",
        {"id": one.id, "start": one.start, "end": one.end},
    )


def factor_changed(name: str, value: float | str, since: str) -> Finding:
    """A static factor changed and nobody has decided what that means."""
    return Finding(
        "static_factor_changed",
        f"The static factor {name} is {value} since {since}; nobody has decided yet whether that needs an adjustment.",
        f"Yếu tố tĩnh {name} là {value} từ {since}; chưa có quyết định có cần hiệu chỉnh hay không.",
        {"factor": name, "value": value, "since": since},
    )


def undecided(en: str, vi: str, start: str) -> Finding:
    """An event was proposed and nobody has decided."""
    return Finding(
        "event_undecided",
        f"Nobody has decided on this yet: {en}",
        f"Chưa có quyết định về sự kiện: {vi}",
        {"start": start},
    )


def refuse_indicator(id: str, inside: int, beside: int, needed: int) -> Refusal:
    """An indicator needs time without the event to be held against."""
    return Refusal(
        "indicator_without_comparison",
        f"{id}: an indicator needs 3 intervals within the event and {number_text(needed)} beside it; there are "
        f"{number_text(inside)} and {number_text(beside)}. Measure or calculate the amount instead.",
        f"{id}: biến chỉ thị cần 3 khoảng trong sự kiện và {number_text(needed, 0, 'vi')} khoảng ngoài sự kiện; hiện có "
        f"{number_text(inside, 0, 'vi')} và {number_text(beside, 0, 'vi')}. Hãy đo hoặc tính toán.",
        {"id": id, "inside": inside, "beside": beside, "needed": needed},
    )


def refuse_submeter(id: str, meter: str, needed: int, there: int) -> Refusal:
    """A submeter with gaps does not say how much."""
    return Refusal(
        "submeter_incomplete",
        f"{id}: {number_text(needed)} intervals of {meter} needed, {number_text(there)} there: "
        f"{number_text(needed - there)} more.",
        f"{id}: cần {number_text(needed, 0, 'vi')} khoảng đo của {meter}, hiện có {number_text(there, 0, 'vi')}: "
        f"còn thiếu {number_text(needed - there, 0, 'vi')}.",
        {"id": id, "meter": meter, "needed": needed, "there": there, "missing": needed - there},
    )


_CALENDAR: Final = {
    "interval": (
        "weekdays can't be told apart in weeks, months or bills. Calculate the amount instead.",
        "không phân biệt được ngày trong tuần với số liệu tuần, tháng hoặc hóa đơn. Hãy tính toán mức hiệu chỉnh.",
    ),
    "unknown": (
        "the baseline never had one of these weekdays, so nothing is known of it. Calculate the amount instead.",
        "kỳ cơ sở không có một trong các ngày này trong tuần nên không có căn cứ. Hãy tính toán mức hiệu chỉnh.",
    ),
    "alike": (
        "the baseline expects the same on these weekdays, or none of them is in the event. Correct week or dates.",
        "đường cơ sở dự báo như nhau cho các ngày này, hoặc sự kiện không có các ngày đó. Hãy sửa week hoặc thời gian.",
    ),
}


def refuse_calendar(id: str, reason: str) -> Refusal:
    """Another week says nothing with this baseline."""
    en, vi = _CALENDAR[reason]
    return Refusal("calendar_without_effect", f"{id}: {en}", f"{id}: {vi}", {"id": id, "reason": reason})


def refuse_outside(one: Entry, first: str, last: str) -> Refusal:
    """An amount for days that the saving does not hold."""
    end, end_vi = one.end or "the end", one.end or "hết kỳ"
    return Refusal(
        "decision_outside_period",
        f"{one.id}: {one.start} to {end} lies outside the period of the saving ({first} to {last}). "
        "Correct the dates, or report the period that holds the event.",
        f"{one.id}: từ {one.start} đến {end_vi} nằm ngoài kỳ tính tiết kiệm ({first} đến {last}). Hãy sửa thời gian, hoặc báo "
        "cáo kỳ có chứa sự kiện.",
        {"id": one.id, "start": one.start, "end": one.end, "first": first, "last": last},
    )


def refuse_overlap(first: str, second: str) -> Refusal:
    """Two decisions about the same days that would count energy twice, or for days that are left out."""
    return Refusal(
        "decisions_overlap",
        f"{first} and {second} share days on which only one of them can count (an indicator holds all that "
        "changed; what is left out has no amount). Correct the dates or the method of one.",
        f"{first} và {second} trùng ngày, trong khi chỉ một quyết định được tính cho các ngày đó (biến chỉ thị đã gồm mọi "
        "thay đổi; phần đã loại khỏi kỳ không có mức hiệu chỉnh). Hãy sửa thời gian hoặc phương pháp.",
        {"first": first, "second": second},
    )
