"""Words of monitoring: warnings, persistence, refusals."""

from __future__ import annotations

from analysis._coverage_words import unit_en, unit_vi
from analysis.results import Finding, Refusal
from dodac.words import number_text, significant_text


def fading(since: str, lost: float, share: float, unit: str, interval: str) -> Finding:
    """The saving is less than it was."""
    return Finding(
        "saving_fades",
        f"Since about {since} the saving is {significant_text(lost)} {unit} a {unit_en(interval, 1)} smaller: "
        f"{number_text(100 * share)} % of it is gone.",
        f"Từ khoảng {since}, mức tiết kiệm giảm {significant_text(lost, 3, 'vi')} {unit} mỗi {unit_vi(interval)}: "
        f"đã mất {number_text(100 * share)} %.",
        {"since": since, "lost": lost, "share": share, "unit": unit},
    )


def drifting(since: str, change: float, share: float, unit: str, interval: str) -> Finding:
    """Energy has left its baseline."""
    more = ("more", "tăng") if change > 0 else ("less", "giảm")
    return Finding(
        "energy_drift",
        f"Since about {since} {significant_text(abs(change))} {unit} a {unit_en(interval, 1)} "
        f"({number_text(100 * abs(share), 1)} %) {more[0]} is used than the baseline explains.",
        f"Từ khoảng {since}, tiêu thụ {more[1]} {significant_text(abs(change), 3, 'vi')} {unit} mỗi {unit_vi(interval)} "
        f"({number_text(100 * abs(share), 1, 'vi')} %) so với đường cơ sở.",
        {"since": since, "change": change, "share": share, "unit": unit},
    )


def lower_part(first: str, last: str, before: float, now: float) -> Finding:
    """A later part of the period saves clearly less than the first."""
    return Finding(
        "not_persistent",
        f"The saving went from {number_text(100 * before, 1)} % in {first} to {number_text(100 * now, 1)} % in {last}, "
        "more than their uncertainties explain.",
        f"Mức tiết kiệm giảm từ {number_text(100 * before, 1, 'vi')} % ({first}) còn {number_text(100 * now, 1, 'vi')} % "
        f"({last}), vượt quá độ không đảm bảo.",
        {"first": first, "last": last, "before": before, "now": now},
    )


def refuse_reference(needed: int, there: int, interval: str) -> Refusal:
    """Too short a time to know what usual is."""
    more = max(needed - there, 0)
    return Refusal(
        "too_few_to_watch",
        f"{number_text(needed)} {unit_en(interval, needed)} needed before a saving can be watched, "
        f"{number_text(there)} there: {number_text(more)} more.",
        f"Cần {number_text(needed, 0, 'vi')} {unit_vi(interval)} để theo dõi, hiện có {number_text(there, 0, 'vi')}: "
        f"còn thiếu {number_text(more, 0, 'vi')}.",
        {"needed": needed, "there": there, "missing": more},
    )


def refuse_no_saving(fraction: float) -> Refusal:
    """What is not there can't fade."""
    return Refusal(
        "nothing_to_watch",
        f"The reference time saves {number_text(100 * fraction, 1)} %, within its noise: there is no saving to watch.",
        f"Giai đoạn tham chiếu chỉ tiết kiệm {number_text(100 * fraction, 1, 'vi')} %, trong phạm vi nhiễu: không có mức "
        "tiết kiệm để theo dõi.",
        {"fraction": fraction},
    )
