"""Findings and refusals about what a baseline has seen, and the words for numbers of intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from analysis._notes import _vi
from analysis.results import Finding, Refusal
from dodac.words import number_text as number

_UNITS: Final[Mapping[str, tuple[str, str, str]]] = {
    "15min": ("quarter of an hour", "quarters of an hour", "khoảng 15 phút"),
    "30min": ("half hour", "half hours", "khoảng 30 phút"),
    "hour": ("hour", "hours", "giờ"),
    "day": ("day", "days", "ngày"),
    "week": ("week", "weeks", "tuần"),
    "month": ("month", "months", "tháng"),
    "bill": ("bill", "bills", "kỳ hóa đơn"),
}
_GRADE_VI: Final = {"moderate": "vừa", "severe": "nặng"}


def unit_en(interval: str, count: float = 2) -> str:
    """ "day" or "days" for one or more intervals of a model."""
    one, more, _ = _UNITS.get(interval, ("interval", "intervals", "khoảng"))
    return one if count == 1 else more


def unit_vi(interval: str) -> str:
    """The Vietnamese word, which has one form."""
    return _UNITS.get(interval, ("", "", "khoảng"))[2]


def outside(name: str, grade: str, interval: str, facts: Mapping[str, float | int | str]) -> Finding:
    """Reporting rows beyond what the baseline saw of a driver; facts: days, of, low, high, from, to, …"""
    count, total = int(facts["days"]), int(facts["of"])
    low, high = float(facts["low"]), float(facts["high"])
    reached, up_to = float(facts["reached_low"]), float(facts["reached_high"])
    energy = float(facts.get("energy_share", float("nan")))
    share_en = f" ({number(100 * energy, 1)} % of the energy)" if energy == energy else ""
    share_vi = f" ({number(100 * energy, 1, 'vi')} % năng lượng)" if energy == energy else ""
    return Finding(
        f"extrapolation_{grade}",
        f"{count} of {total} {unit_en(interval, total)}{share_en} have {name} outside the baseline's range "
        f"({number(low, 1)} to {number(high, 1)}; {number(reached, 1)} to {number(up_to, 1)} now): "
        f"{grade} extrapolation.",
        f"{count} trong {total} {unit_vi(interval)}{share_vi} có {_vi([name])} nằm ngoài phạm vi của kỳ cơ sở "
        f"({number(low, 1, 'vi')} đến {number(high, 1, 'vi')}; nay từ {number(reached, 1, 'vi')} đến "
        f"{number(up_to, 1, 'vi')}): ngoại suy mức {_GRADE_VI[grade]}.",
        {"driver": name, **facts},
    )


def refuse_outside(
    name: str,
    interval: str,
    facts: Mapping[str, float | int | str],
    unseen: Sequence[tuple[float, float]],
) -> Refusal:
    """The plant runs where the baseline never was; `unseen`: the levels to be measured."""
    missing = ", ".join(f"{number(start, 1)} … {number(end, 1)}" for start, end in unseen)
    missing_vi = ", ".join(f"{number(start, 1, 'vi')} … {number(end, 1, 'vi')}" for start, end in unseen)
    count, total = int(facts["days"]), int(facts["of"])
    low, high, mean = float(facts["low"]), float(facts["high"]), float(facts["mean"])
    return Refusal(
        "extrapolation",
        f"{name} averages {number(mean, 1)} in the reporting period and is outside the baseline's range "
        f"({number(low, 1)} to {number(high, 1)}) on {count} of {total} {unit_en(interval, total)}: the baseline "
        f"can't say what would have been used. Missing: baseline data with {name} {missing}.",
        f"Trong kỳ báo cáo, {_vi([name])} trung bình là {number(mean, 1, 'vi')} và nằm ngoài phạm vi của kỳ cơ sở "
        f"({number(low, 1, 'vi')} đến {number(high, 1, 'vi')}) trong {count} trên {total} {unit_vi(interval)}: "
        "đường cơ sở không cho biết được mức tiêu thụ lẽ ra phải có. Còn thiếu: số liệu kỳ cơ sở với "
        f"{_vi([name])} {missing_vi}.",
        {"driver": name, **facts, "unseen": missing},
    )


def far_rows(grade: str, interval: str, count: int, total: int, most: float, seen: float) -> Finding:
    """Rows whose combination of drivers the baseline never had, though each driver alone was seen."""
    return Finding(
        f"joint_extrapolation_{grade}",
        f"{count} of {total} {unit_en(interval, total)} combine drivers as the baseline never did "
        f"(leverage up to {number(most, 3)}, in the baseline at most {number(seen, 3)}): {grade} extrapolation.",
        f"{count} trong {total} {unit_vi(interval)} có tổ hợp các yếu tố mà kỳ cơ sở chưa từng có "
        f"(đòn bẩy đến {number(most, 3, 'vi')}, trong kỳ cơ sở nhiều nhất {number(seen, 3, 'vi')}): "
        f"ngoại suy mức {_GRADE_VI[grade]}.",
        {"rows": count, "of": total, "leverage": most, "baseline_leverage": seen},
    )


def unseen_pair(first: str, second: str, interval: str, facts: Mapping[str, float | int | str]) -> Finding:
    """Two drivers whose combination has no baseline row; facts: rows, of, the corner's four limits."""
    count, total = int(facts["rows"]), int(facts["of"])
    limits = [float(facts[key]) for key in ("first_low", "first_high", "second_low", "second_high")]
    en = [number(value, 1) for value in limits]
    vi = [number(value, 1, "vi") for value in limits]
    return Finding(
        "unseen_combination",
        f"{count} of {total} {unit_en(interval, total)} have {first} and {second} in combinations the baseline "
        f"never had, most of them {first} {en[0]} to {en[1]} with {second} {en[2]} to {en[3]}.",
        f"{count} trong {total} {unit_vi(interval)} có {_vi([first])} và {_vi([second])} ở tổ hợp mà kỳ cơ sở chưa "
        f"từng có, nhiều nhất là {_vi([first])} {vi[0]} đến {vi[1]} cùng {_vi([second])} {vi[2]} đến {vi[3]}.",
        {"first": first, "second": second, **facts},
    )


def own_period(rows: int, total: int, interval: str, start: str, end: str) -> Finding:
    """A saving of days that the model was fitted to: they can't show one."""
    return Finding(
        "overlaps_own_model",
        f"{rows} of {total} {unit_en(interval, total)} lie within the time that the model was fitted to ({start} to {end}): "
        "the model follows them, so that the saving is drawn towards zero and its ± does not hold. Part the periods.",
        f"{rows} trong {total} {unit_vi(interval)} nằm trong thời gian dùng để lập mô hình ({start} đến {end}): mô hình bám theo các "
        "số liệu này nên mức tiết kiệm bị kéo về 0 và độ không đảm bảo không còn đúng. Hãy tách hai kỳ.",
        {"rows": rows, "of": total, "start": start, "end": end},
    )


def wrong_order(kind: str, start: str, end: str) -> Finding:
    """The period lies on the other side of the model's time than this kind of saving supposes."""
    side, side_vi = ("before", "trước") if kind == "avoided" else ("after", "sau")
    return Finding(
        "periods_in_wrong_order",
        f"The period lies {side} the time of the model ({start} to {end}), so that a saving here is a rise since. "
        "Check which period is which.",
        f"Kỳ này nằm {side_vi} thời gian lập mô hình ({start} đến {end}), nên “tiết kiệm” ở đây là mức tăng về sau. Hãy kiểm tra lại "
        "các kỳ.",
        {"start": start, "end": end},
    )
