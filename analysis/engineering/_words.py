"""Findings and refusals of plant engineering: stable codes, English and Vietnamese, data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.results import Finding, Refusal
from dodac.words import number_text, plain_text

Data = dict[str, float | int | str]


def plain_vi(value: float) -> str:
    """A number as Vietnamese writes it, ungrouped."""
    return plain_text(value).replace(".", ",")


def not_a_number(name: str) -> Refusal:
    """A quantity that is missing or no number."""
    return Refusal(
        "missing_value", f"{name} is missing or no number.", f"Thiếu {name} hoặc giá trị không phải là số.",
        {"name": name},
    )  # fmt: skip


def out_of_range(name: str, value: float, wanted_en: str, wanted_vi: str) -> Refusal:
    """A quantity that can't be."""
    data: Data = {"name": name}
    if math.isfinite(value):
        data["value"] = value
    return Refusal(
        "out_of_range", f"{name} = {plain_text(value)}: it must be {wanted_en}.",
        f"{name} = {plain_vi(value)}: phải {wanted_vi}.", data,
    )  # fmt: skip


def checked(low: float = 0.0, *, above: bool = False, **values: float) -> Refusal | None:
    """The first of the values that is no number or below `low` (`above`: or equal to it), as a refusal."""
    for name, value in values.items():
        if not math.isfinite(value):
            return not_a_number(name)
        if value < low or (above and value == low):
            more, vi = ("above", "lớn hơn") if above else ("at least", "không nhỏ hơn")
            return out_of_range(name, value, f"{more} {low:g}", f"{vi} {plain_vi(low)}")
    return None


def no_tariff(what: str, day: str) -> Refusal:
    """A period that no table covers."""
    return Refusal(
        "no_tariff",
        f"No {what} is known for {day}. Add the plant's own rows, or choose a period that is covered.",
        f"Không có {what} cho ngày {day}. Hãy thêm bảng giá của nhà máy, hoặc chọn kỳ có bảng giá.",
        {"what": what, "day": day},
    )


def gaps(left_out: int, total: int) -> Finding:
    """Intervals without a reading."""
    return Finding(
        "intervals_missing",
        f"{left_out} of {total} intervals have no reading and are left out; nothing is put in their place.",
        f"{left_out} trong {total} khoảng không có số liệu và được bỏ qua; không điền thay.",
        {"left_out": left_out, "intervals": total},
    )


def shared_out(count: int) -> Finding:
    """Intervals that two bands share."""
    return Finding(
        "interval_across_bands",
        f"{count} intervals lie across a change of band and are shared out by time: use intervals of 30 minutes.",
        f"{count} khoảng nằm vắt qua hai khung giờ và được chia theo thời gian: nên dùng số liệu 30 phút.",
        {"intervals": count},
    )


def negative(count: int) -> Finding:
    """Intervals that ran backwards."""
    return Finding(
        "negative_intervals",
        f"{count} intervals are below zero: export, backflow or a meter connected the wrong way.",
        f"{count} khoảng có giá trị âm: phát ngược, chảy ngược hoặc đồng hồ đấu ngược.",
        {"intervals": count},
    )


def refuse_negative(count: int) -> Refusal:
    """Energy below zero has no price in a tariff of what is drawn."""
    return Refusal(
        "negative_energy",
        f"{count} intervals are below zero: these prices hold for energy drawn. Give the import register alone, "
        "export apart.",
        f"{count} khoảng có giá trị âm: biểu giá này chỉ áp dụng cho điện mua vào. Hãy dùng riêng chỉ số mua, "
        "tách phần phát ngược.",
        {"intervals": count},
    )


def looks_like_gauge(p_bar_abs: float) -> Finding:
    """An absolute pressure that no gas line has."""
    return Finding(
        "looks_like_gauge",
        f"{p_bar_abs:g} bar absolute is below the atmosphere: if it was read from a gauge, add the atmosphere "
        "(absolute_bar).",
        f"{plain_vi(p_bar_abs)} bar tuyệt đối thấp hơn áp suất khí quyển: nếu đọc từ áp kế, hãy cộng áp suất khí quyển "
        "(absolute_bar).",
        {"p_bar_abs": p_bar_abs},
    )


def no_meter_uncertainty(names: Sequence[str]) -> Finding:
    """Meters in a balance that nobody said how wrong they may be."""
    text = ", ".join(names)
    return Finding(
        "uncertainty_not_given",
        f"No uncertainty is given for {text}: they count as exact, so ± is too small.",
        f"Chưa có độ không đảm bảo đo của {text}: được coi là chính xác tuyệt đối, nên ± quá nhỏ.",
        {"streams": text, "count": len(names)},
    )


def few_nights(nights: int) -> Finding:
    """Too few nights to tell a leak."""
    return Finding(
        "few_nights",
        f"Nights seen: {nights}; three or more tell a leak from a forgotten tap.",
        f"Mới có {nights} đêm; cần từ ba đêm để phân biệt rò rỉ với vòi quên khoá.",
        {"nights": nights},
    )


def below_q1(starting_flow_m3h: float, median_m3h: float) -> Finding:
    """A flow below what a water meter guarantees."""
    return Finding(
        "below_q1",
        f"The flow is below Q1 = {starting_flow_m3h:g} m³/h: the meter guarantees no figure there.",
        f"Lưu lượng nhỏ hơn Q1 = {plain_vi(starting_flow_m3h)} m³/h: đồng hồ không bảo đảm con số này.",
        {"q1_m3h": starting_flow_m3h, "median_m3h": median_m3h},
    )


def few_pulses(pulse_m3: float, median_m3h: float) -> Finding:
    """An hour that holds few pulses."""
    return Finding(
        "few_pulses",
        f"An hour holds few pulses of {pulse_m3:g} m³: its figure is good to ±{pulse_m3:g} m³/h only.",
        f"Mỗi giờ chỉ có ít xung {plain_vi(pulse_m3)} m³: con số chỉ đúng trong phạm vi ±{plain_vi(pulse_m3)} m³/h.",
        {"pulse_m3": pulse_m3, "median_m3h": median_m3h},
    )


def register_fell(first: float, last: float) -> Refusal:
    """A counter that shows less than before."""
    return Refusal(
        "register_fell",
        f"The counter fell from {plain_text(first)} to {plain_text(last)}: it ran over (give its digits), was exchanged or misread.",
        f"Chỉ số giảm từ {plain_vi(first)} xuống {plain_vi(last)}: công tơ quay vòng (hãy cho biết số chữ số), đã thay hoặc đọc sai.",
        {"first": first, "last": last},
    )


def power_factor_rounded(factor: float, limit: float) -> Finding:
    """A power factor that only rounding lifts to the limit."""
    return Finding(
        "power_factor_rounded",
        f"cos φ is {factor:.4f}, below {limit:g}; rounded to two digits it meets it and nothing is charged. Look "
        "at the bill.",
        f"cos φ bằng {number_text(factor, 4, 'vi')}, dưới {plain_vi(limit)}; làm tròn hai chữ số thì đạt nên không tính tiền phản kháng. Hãy "
        "đối chiếu với hoá đơn.",
        {"power_factor": factor, "limit": limit},
    )


def remembered(name: str, source: str) -> Finding:
    """A price or hours that nobody has checked in their source yet."""
    return Finding(
        "remembered",
        f"{name} is remembered, not checked in its source ({source}).",
        f"{name} ghi theo trí nhớ, chưa đối chiếu với nguồn ({source}).",
        {"row": name},
    )


def may_have_changed(name: str, taken: str) -> Finding:
    """A day after the table was made: a later decision would not be in it."""
    return Finding(
        "price_may_have_changed",
        f"{name} was taken from its source on {taken}; a later decision on prices or hours would not be in it.",
        f"{name} được lấy từ nguồn ngày {taken}; quyết định ban hành sau ngày đó (nếu có) chưa được cập nhật.",
        {"row": name, "taken": taken},
    )


def first_day_unknown(name: str, known_from: str) -> Finding:
    """A row used for days of which nobody has seen that it held."""
    return Finding(
        "first_day_unknown",
        f"The hours {name} are known to hold from {known_from}; that they held before is assumed. Compare with a bill.",
        f"Khung giờ {name} chỉ được xác nhận từ {known_from}; trước đó là giả định. Hãy đối chiếu với hoá đơn.",
        {"row": name, "known_from": known_from},
    )
