"""Findings and refusals of plant engineering: stable codes, English and Vietnamese, data."""

from __future__ import annotations

import math

from analysis.results import Finding, Refusal

Data = dict[str, float | int | str]


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
        "out_of_range", f"{name} = {value:g}: it must be {wanted_en}.",
        f"{name} = {value:g}: phải {wanted_vi}.", data,
    )  # fmt: skip


def checked(low: float = 0.0, *, above: bool = False, **values: float) -> Refusal | None:
    """The first of the values that is no number or below `low` (`above`: or equal to it), as a refusal."""
    for name, value in values.items():
        if not math.isfinite(value):
            return not_a_number(name)
        if value < low or (above and value == low):
            more, vi = ("above", "lớn hơn") if above else ("at least", "không nhỏ hơn")
            return out_of_range(name, value, f"{more} {low:g}", f"{vi} {low:g}")
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
