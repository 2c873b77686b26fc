"""The findings and refusals of metrology: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def remembered(references: Sequence[str]) -> Finding:
    """Limits that nobody has held against the text of the standard yet."""
    text = "; ".join(references)
    return Finding(
        "remembered",
        f"These limits of error are from memory and wait to be checked: {text}.",
        f"Các giới hạn sai số này được nhớ lại, chưa đối chiếu với văn bản gốc: {text}.",
        {"references": text, "count": len(references)},
    )


def expired(instrument: str, due: date, day: date) -> Finding:
    """A certificate that was no longer in force on the day of the measurement."""
    return Finding(
        "calibration_expired",
        f"The calibration of {instrument} ran out on {due.isoformat()}, before the measurement of {day.isoformat()}: "
        "its certificate does not count.",
        f"Hiệu chuẩn của {instrument} đã hết hạn ngày {due.isoformat()}, trước lần đo ngày {day.isoformat()}: "
        "không dùng giấy chứng nhận này.",
        {"instrument": instrument, "due": due.isoformat(), "day": day.isoformat()},
    )


def not_yet(instrument: str, made: date, day: date) -> Finding:
    """A certificate made after the measurement."""
    return Finding(
        "calibration_later",
        f"The certificate of {instrument} is of {made.isoformat()}, after the measurement of {day.isoformat()}: "
        "it says what the instrument was like afterwards.",
        f"Giấy chứng nhận của {instrument} cấp ngày {made.isoformat()}, sau lần đo ngày {day.isoformat()}: "
        "chỉ cho biết tình trạng thiết bị về sau.",
        {"instrument": instrument, "made": made.isoformat(), "day": day.isoformat()},
    )


def undated(instrument: str) -> Finding:
    """A certificate that can't be held against the day of the measurement."""
    return Finding(
        "calibration_undated",
        f"It can't be seen whether the calibration of {instrument} was in force: a date is missing.",
        f"Không kiểm tra được hiệu chuẩn của {instrument} còn hiệu lực hay không: thiếu ngày tháng.",
        {"instrument": instrument},
    )


def known_error(instrument: str, error_pct: float) -> Finding:
    """An error the certificate states and nobody corrected."""
    return Finding(
        "known_error",
        f"The certificate of {instrument} states an error of {number(error_pct, 2)} % that is not corrected in the "
        "readings; it is added to the uncertainty.",
        f"Giấy chứng nhận của {instrument} nêu sai số {number(error_pct, 2, 'vi')} % nhưng số đo chưa hiệu chính; "
        "sai số này được cộng vào độ không đảm bảo đo.",
        {"instrument": instrument, "error_pct": error_pct},
    )


def below_guarantee(instrument: str, share: float) -> Finding:
    """Part of the energy or volume at loads for which the class promises nothing."""
    return Finding(
        "without_guarantee",
        f"{number(100 * share, 1)} % of what {instrument} counted was outside the range of its class (load, flow or "
        "power factor); that part is taken as known to ±100 %.",
        f"{number(100 * share, 1, 'vi')} % lượng do {instrument} ghi nằm ngoài phạm vi của cấp chính xác (tải, lưu lượng "
        "hoặc hệ số công suất); phần này coi như chỉ biết đến ±100 %.",
        {"instrument": instrument, "share": share},
    )


def burden_unknown(instrument: str, low: float, high: float) -> Finding:
    """A transformer's class holds only within a range of burdens."""
    return Finding(
        "burden_unknown",
        f"The burden of {instrument} is not stated; its class holds from {number(100 * low)} to {number(100 * high)} % "
        "of the rated burden.",
        f"Chưa nêu phụ tải thứ cấp của {instrument}; cấp chính xác chỉ đúng từ {number(100 * low)} đến "
        f"{number(100 * high)} % phụ tải định mức.",
        {"instrument": instrument, "low": low, "high": high},
    )


def phase_assumed(instrument: str, minutes: float) -> Finding:
    """A class that states no phase error."""
    return Finding(
        "phase_assumed",
        f"The class of {instrument} states no phase error; {number(minutes)} minutes are assumed until its data sheet "
        "says otherwise.",
        f"Cấp chính xác của {instrument} không quy định sai số góc; tạm lấy {number(minutes)} phút cho đến khi có số liệu "
        "của nhà sản xuất.",
        {"instrument": instrument, "phase_min": minutes},
    )


def refuse_no_class(instrument: str) -> Refusal:
    """Nothing is known of an instrument's errors."""
    return Refusal(
        "no_accuracy_class",
        f"{instrument} has neither an accuracy class nor a certificate in force: its uncertainty is unknown. "
        "Read the class from its plate.",
        f"{instrument} không có cấp chính xác và không có giấy chứng nhận còn hiệu lực: chưa biết độ không đảm bảo đo. "
        "Hãy đọc cấp chính xác trên nhãn máy.",
        {"instrument": instrument},
    )


def refuse_unknown_class(instrument: str, given: str, known: Sequence[str]) -> Refusal:
    """A class nobody has limits for."""
    text = ", ".join(known)
    return Refusal(
        "unknown_class",
        f'There are no limits of error for {instrument} of class "{given}"; known are: {text}.',
        f'Không có giới hạn sai số cho {instrument} cấp "{given}"; các cấp đã có: {text}.',
        {"instrument": instrument, "class": given, "known": text},
    )


def refuse_burden(instrument: str, burden: float, low: float, high: float) -> Refusal:
    """A burden outside what the class is stated for."""
    return Refusal(
        "burden_outside_class",
        f"{instrument} carries {number(100 * burden)} % of its rated burden; its class holds from {number(100 * low)} "
        f"to {number(100 * high)} %.",
        f"{instrument} mang {number(100 * burden)} % phụ tải định mức; cấp chính xác chỉ đúng từ {number(100 * low)} "
        f"đến {number(100 * high)} %.",
        {"instrument": instrument, "burden": burden, "low": low, "high": high},
    )


def refuse_unguaranteed(instrument: str, share: float, limit: float) -> Refusal:
    """Too much was counted where the class promises nothing."""
    return Refusal(
        "without_guarantee",
        f"{number(100 * share)} % of what {instrument} counted was outside the range of its class; with more than "
        f"{number(100 * limit)} % there is no budget. Use a smaller meter or transformer, or a certificate at that load.",
        f"{number(100 * share)} % lượng do {instrument} ghi nằm ngoài phạm vi của cấp chính xác; trên "
        f"{number(100 * limit)} % thì không lập được bảng độ không đảm bảo đo. Hãy dùng thiết bị nhỏ hơn, hoặc hiệu chuẩn ở mức tải đó.",
        {"instrument": instrument, "share": share, "limit": limit},
    )


def refuse_no_load(instrument: str) -> Refusal:
    """A profile without any energy or flow."""
    return Refusal(
        "no_load_profile",
        f"The load profile of {instrument} holds no energy: there is nothing to weigh its errors by.",
        f"Biểu đồ phụ tải của {instrument} không có điện năng: không có gì để tính trọng số sai số.",
        {"instrument": instrument},
    )
