"""Findings and refusals of savings of any kind and interval: stable codes, English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis._coverage_words import unit_en, unit_vi
from analysis._notes import _vi
from analysis.results import Finding, Refusal
from dodac.words import number_text as number

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


def clipped(rows: int, interval: str) -> Finding:
    """Predictions below zero, set to zero."""
    return Finding(
        "clipped",
        f"For {rows} {unit_en(interval, rows)} the model gave less than zero; zero is used.",
        f"Có {rows} {unit_vi(interval)} mô hình cho giá trị âm; đã lấy bằng 0.",
        {"days": rows, "interval": interval},
    )


def strong_memory(rho: float, independent: float, interval: str) -> Finding:
    """Residuals that follow one another leave few independent intervals."""
    return Finding(
        "strong_memory",
        f"Residuals follow one another closely (ρ = {number(rho, 2)}): "
        f"the baseline is worth {number(independent)} independent {unit_en(interval)}.",
        f"Phần dư tự tương quan mạnh (ρ = {number(rho, 2, 'vi')}): "
        f"kỳ cơ sở chỉ tương đương {number(independent)} {unit_vi(interval)} độc lập.",
        {"rho": rho, "n_effective": independent},
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
