"""Findings and refusals of savings of any kind and interval: stable codes, English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis._coverage_words import unit_en, unit_vi
from analysis._notes import _vi
from analysis.results import Finding, Refusal
from dodac.words import number_text as number
from dodac.words import significant_text

# ± this much wider than by the plain formula is said
_WIDER = 1.3
_CAUSES = {
    "excluded": ("excluded", "được loại trừ"),
    "no_energy": ("no energy reading", "thiếu số liệu năng lượng"),
}


def left_out(causes: Mapping[str, int], left: int, total: int, interval: str) -> Finding:
    """Rows that count in neither sum, by cause: excluded, no_energy, or the name of a driver without value."""
    en, vi = [], []
    for cause, count in causes.items():
        words = _CAUSES.get(cause, (f"no {cause}", f"thiếu {_vi([cause])}"))
        en.append(f"{words[0]}: {count}")
        vi.append(f"{words[1]}: {count}")
    data: dict[str, float | int | str] = {"left_out": left, "days": total, "interval": interval}
    data |= {f"cause.{cause}": count for cause, count in causes.items()}
    return Finding(
        "days_left_out",
        f"{left} of {total} {unit_en(interval, total)} are left out ({'; '.join(en)}).",
        f"{left} trong {total} {unit_vi(interval)} không được dùng ({'; '.join(vi)}).",
        data,
    )


def unknown(words: Sequence[str], rows: int, interval: str) -> Finding:
    """Rows of a kind the baseline never had."""
    text = ", ".join(words)
    named_en = f" ({text})" if text else ""
    named_vi = f" ({_vi(words)})" if text else ""
    return Finding(
        "unknown_days",
        f"{rows} {unit_en(interval, rows)} are left out: the baseline has none of their kind{named_en}.",
        f"{rows} {unit_vi(interval)} không được dùng: kỳ cơ sở không có loại này{named_vi}.",
        {"days": rows, "kinds": text, "interval": interval},
    )


def absent(category: str, words: Sequence[str]) -> Finding:
    """Levels of a category that the reporting period never had."""
    text = ", ".join(words)
    return Finding(
        "day_type_absent",
        f"The reporting period has nothing of {category} {text}, the baseline has: it is no typical year.",
        f"Kỳ báo cáo không có {_vi([category])} {_vi(words)} như kỳ cơ sở: không phải một năm điển hình.",
        {"kinds": text, "category": category},
    )


def below_zero(rows: int, amount: float, unit: str, interval: str) -> Finding:
    """Rows whose model is below zero: kept, because zeros in their place would be a saving that is none."""
    size, size_vi = significant_text(amount, 3), significant_text(amount, 3, "vi")
    return Finding(
        "below_zero",
        f"For {rows} {unit_en(interval, rows)} the model gives less than zero ({size} {unit} in all); they count as they "
        "are, so that the total is not lifted.",
        f"Có {rows} {unit_vi(interval)} mô hình cho giá trị âm (tổng {size_vi} {unit}); vẫn tính nguyên giá trị để "
        "không làm tăng tổng.",
        {"rows": rows, "amount": amount, "interval": interval},
    )


def strong_memory(
    rho: float, independent: float, interval: str, wider: float, period: tuple[str, str]
) -> Finding:
    """Residuals that stay on one side leave few independent intervals: why ± is wide, and what to do.

    wider: ± over that of the plain formula; period: first and last day of the model's data.
    """
    en = vi = ""
    if wider >= _WIDER:
        en = f" and ± is {number(wider, 1)} times as wide as by the plain formula"
        vi = f", ± rộng gấp {number(wider, 1, 'vi')} lần công thức đơn giản"
    return Finding(
        "strong_memory",
        f"Residuals of the model of {period[0]} … {period[1]} stay on one side for long (ρ = {number(rho, 2)}): "
        f"that period is worth {number(independent)} independent {unit_en(interval, round(independent))}{en}. "
        "Often the model lacks a driver, or the plant changed within the period: look for events there, "
        "add the driver, or choose another period.",
        f"Phần dư của mô hình kỳ {period[0]} … {period[1]} lệch lâu về một phía (ρ = {number(rho, 2, 'vi')}): "
        f"kỳ này chỉ tương đương {number(independent, 0, 'vi')} {unit_vi(interval)} độc lập{vi}. "
        "Thường do mô hình thiếu một biến, hoặc nhà máy đã thay đổi trong kỳ đó: hãy tìm sự kiện trong kỳ, "
        "bổ sung biến còn thiếu, hoặc chọn kỳ khác.",
        {"rho": rho, "n_effective": independent, "wider": wider},
    )


def long_memory(probability: float, period: tuple[str, str]) -> Finding:
    """Residuals that wander as if they never forgot: ± is too narrow for that."""
    share, share_vi = number(100.0 * probability), number(100.0 * probability, 0, "vi")
    return Finding(
        "long_memory",
        f"Residuals of the model of {period[0]} … {period[1]} wander over weeks and months as errors do that never "
        f"quite fade (probability {share} %). If they are such, ± is too narrow: simulated intervals of nominal "
        "90 % held the truth in 55 to 80 of 100 cases. Often the model lacks a driver or misses the seasons: add "
        "the driver, try another model, or watch the saving for longer.",
        f"Phần dư của mô hình kỳ {period[0]} … {period[1]} trôi dạt qua nhiều tuần, nhiều tháng như loại sai số gần "
        f"như không bao giờ tắt (xác suất {share_vi} %). Nếu đúng vậy thì ± quá hẹp: khi mô phỏng, khoảng danh nghĩa "
        "90 % chỉ chứa giá trị đúng trong 55 đến 80 trên 100 trường hợp. Thường do mô hình thiếu một biến hoặc chưa "
        "theo được mùa: hãy bổ sung biến, thử mô hình khác, hoặc theo dõi mức tiết kiệm lâu hơn.",
        {"probability": probability},
    )


def few_rows(rows: int, needed: int, interval: str) -> Finding:
    """So few rows that they can't tell how long errors last."""
    return Finding(
        "few_rows",
        f"{rows} {unit_en(interval, rows)} can't show how long the errors of a model last: ± holds what it "
        "promises only when the errors of neighbours have little in common (correlation up to about 0.4). "
        f"Use daily data, or at least {needed} {unit_en(interval)}.",
        f"{rows} {unit_vi(interval)} không đủ để biết sai số của mô hình kéo dài bao lâu: ± chỉ đúng khi sai số "
        "của các kỳ liền nhau ít liên quan (hệ số tương quan đến khoảng 0,4). Hãy dùng số liệu ngày, hoặc ít nhất "
        f"{needed} {unit_vi(interval)}.",
        {"rows": rows, "needed": needed, "interval": interval},
    )


def no_memory() -> Finding:
    """A baseline frozen before memories were kept."""
    return Finding(
        "no_memory",
        "The baseline was frozen without the memory of its errors: the plain exact interval is used, "
        "which is too narrow when errors last.",
        "Đường cơ sở được chốt khi chưa lưu tự tương quan của sai số: dùng khoảng exact đơn giản, "
        "khoảng này quá hẹp khi sai số kéo dài.",
    )


def projected(rows: int, interval: str) -> Finding:
    """Both sides come from models: the expected saving of the given conditions."""
    return Finding(
        "projected",
        f"Both sides are models at {rows} given {unit_en(interval, rows)}: the saving to be expected there, "
        "with the uncertainty of the models, not what any one year will show.",
        f"Cả hai phía là mô hình tại {rows} {unit_vi(interval)} cho trước: mức tiết kiệm kỳ vọng, với độ không "
        "đảm bảo của mô hình, không phải của một năm cụ thể.",
        {"rows": rows, "interval": interval},
    )


def adjusted(amount: float, count: int, unit: str) -> Finding:
    """Non-routine adjustments are in the figure."""
    return Finding(
        "adjusted",
        f"{count} non-routine adjustments change the adjusted baseline by {number(amount, 1)} {unit} in all.",
        f"{count} điều chỉnh không thường xuyên làm đường cơ sở hiệu chỉnh thay đổi tổng cộng "
        f"{number(amount, 1, 'vi')} {unit}.",
        {"amount": amount, "count": count},
    )


def independent(members: int) -> Finding:
    """A sum of savings whose models count as independent of one another."""
    return Finding(
        "models_independent",
        f"The models of the {members} savings count as independent. Savings on one baseline, or of one meter "
        "in successive periods, are not: name them as shared, which adds their ±.",
        f"Mô hình của {members} khoản tiết kiệm được coi là độc lập. Các khoản dùng chung một đường cơ sở, hoặc "
        "của cùng một công tơ trong các kỳ nối tiếp, thì không độc lập: hãy khai báo là dùng chung để cộng thẳng "
        "các ±.",
        {"members": members},
    )


def shared_baselines(groups: int, members: int) -> Finding:
    """Members whose models are one error: their ± add."""
    return Finding(
        "models_shared",
        f"{members} of the savings stand on {groups} shared baselines or meters: the ± of their models are added, "
        "which is the most they can be together.",
        f"{members} khoản tiết kiệm dùng chung {groups} đường cơ sở hoặc công tơ: các ± của mô hình được cộng "
        "thẳng, là mức lớn nhất có thể.",
        {"groups": groups, "members": members},
    )


def refuse_no_rows(total: int, interval: str) -> Refusal:
    """A period without a single usable row."""
    return Refusal(
        "no_reporting_days",
        f"None of the {total} {unit_en(interval, total)} of the reporting period can be used.",
        f"Không dùng được {unit_vi(interval)} nào trong {total} {unit_vi(interval)} của kỳ báo cáo.",
        {"days": total, "interval": interval},
    )


def refuse_no_model_energy(total: float) -> Refusal:
    """The model of the chain's middle gives nothing at the baseline's conditions."""
    return Refusal(
        "no_adjusted_baseline",
        "The model gives no energy above zero for the conditions of the other period: there is nothing to "
        "scale.",
        "Mô hình không cho năng lượng lớn hơn 0 ở điều kiện của kỳ kia: không có gì để quy đổi.",
        {"adjusted_baseline": total},
    )


def refuse_units(first: str, second: str) -> Refusal:
    """Two models that can't be subtracted."""
    return Refusal(
        "units_differ",
        f"The models speak of different energies or intervals: {first} and {second}.",
        f"Hai mô hình dùng đơn vị hoặc khoảng đo khác nhau: {first} và {second}.",
        {"first": first, "second": second},
    )
