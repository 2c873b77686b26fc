"""The findings and refusals of on/off tests: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def periods_left_out(count: int, total: int) -> Finding:
    """Switching periods without enough readings or drivers."""
    return Finding(
        "periods_left_out",
        f"{count} of {total} switching periods are left out (gaps, or alone in their block).",
        f"Bỏ {count} trong {total} chu kỳ bật/tắt (thiếu số liệu, hoặc không còn cặp trong khối).",
        {"left_out": count, "periods": total},
    )


def not_followed(count: int, total: int) -> Finding:
    """Periods in which the plant was not switched as drawn by lot."""
    return Finding(
        "schedule_not_followed",
        f"In {count} of {total} periods the plant was not switched as drawn; they count as drawn, which makes the saving "
        "look smaller, never larger by choice.",
        f"Trong {count} trên {total} chu kỳ, thiết bị không được bật/tắt đúng như bốc thăm; vẫn tính theo bốc thăm, nên mức tiết "
        "kiệm có thể bị tính thấp đi chứ không bị chọn lọc.",
        {"count": count, "periods": total},
    )


def state_unknown(count: int, total: int) -> Finding:
    """Periods in which nobody recorded whether the measure was on."""
    return Finding(
        "state_unknown",
        f"In {count} of {total} periods it was not recorded whether the measure was on; they count as drawn.",
        f"Trong {count} trên {total} chu kỳ, không ghi lại giải pháp có được bật hay không; vẫn tính theo bốc thăm.",
        {"count": count, "periods": total},
    )


def driver_dropped(names: Sequence[str]) -> Finding:
    """Drivers that say nothing within the blocks."""
    text = ", ".join(names)
    return Finding(
        "collinear",
        f"Left out of the adjustment, because they don't vary or repeat what is there: {text}.",
        f"Không dùng để hiệu chỉnh vì không thay đổi hoặc trùng với biến đã có: {text}.",
        {"terms": text, "count": len(names)},
    )


def refuse_schedule(why: str, why_vi: str) -> Refusal:
    """A schedule that can't be drawn as asked."""
    return Refusal("schedule_impossible", why, why_vi)


def refuse_few_periods(on: int, off: int, needed: int) -> Refusal:
    """Too few switching periods."""
    return Refusal(
        "too_few_periods",
        f"{needed} whole periods on and {needed} off are needed, {on} on and {off} off are there.",
        f"Cần {needed} chu kỳ bật và {needed} chu kỳ tắt đủ số liệu, hiện có {on} bật và {off} tắt.",
        {"on": on, "off": off, "needed": needed},
    )


def refuse_nothing_moves(energy: str) -> Refusal:
    """A meter that reads the same on and off, to the last digit."""
    return Refusal(
        "constant",
        f'"{energy}" is the same in every period, on or off: no meter of a running plant does that.',
        f'"{energy}" bằng nhau trong mọi chu kỳ, bật hay tắt: công tơ của nhà máy đang chạy không thể như vậy.',
        {"energy": energy},
    )


def refuse_not_separable() -> Refusal:
    """On and off can't be told from blocks and drivers."""
    return Refusal(
        "not_separable",
        "On and off can't be told apart from the drivers: a driver follows the switch.",
        "Không tách được trạng thái bật/tắt khỏi các yếu tố ảnh hưởng: có yếu tố thay đổi theo công tắc.",
    )


def refuse_unreachable(wanted: float, periods: int) -> Refusal:
    """A precision no sensible number of periods gives."""
    return Refusal(
        "precision_unreachable",
        f"±{number(wanted, 3)} would need more than {number(periods)} periods: make them longer, or adjust for more drivers.",
        f"Để đạt ±{number(wanted, 3, 'vi')} cần hơn {number(periods, 0, 'vi')} chu kỳ: hãy kéo dài chu kỳ hoặc hiệu chỉnh thêm yếu tố.",
        {"wanted": wanted, "periods": periods},
    )


def refuse_not_consumed(energy: str, mean: float) -> Refusal:
    """A meter that counts backwards while the measure is off."""
    return Refusal(
        "not_consumed",
        f'"{energy}" averages {number(mean, 2)} an hour with the measure off: nothing is used that could be saved. '
        "Are terminals swapped, or is it an export channel?",
        f'"{energy}" trung bình {number(mean, 2, "vi")} mỗi giờ khi tắt giải pháp: không có tiêu thụ để tiết kiệm. '
        "Đấu ngược cực tính, hay đây là kênh điện phát?",
        {"energy": energy, "mean": mean},
    )
