"""Findings and refusals of the baselines: stable codes, English, Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analysis.results import Finding, Refusal
from dodac.words import number_text as number

_INTERVALS_VI: Final = {
    "15min": "khoảng 15 phút",
    "30min": "khoảng 30 phút",
    "hour": "giờ",
    "day": "ngày",
    "week": "tuần",
    "month": "tháng",
    "bill": "kỳ hóa đơn",
}
_INTERVALS_EN: Final = {
    "15min": "quarter-hours",
    "30min": "half-hours",
    "hour": "hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "bill": "bills",
}
_DAYS_VI: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_DAYS_EN: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SIDES_VI: Final = {"heating": "sưởi (trời lạnh)", "cooling": "làm mát (trời nóng)", "both": "cả hai phía"}


def rows_called(interval: str) -> tuple[str, str]:
    """What many rows of an interval are called, in English and Vietnamese."""
    return _INTERVALS_EN[interval], _INTERVALS_VI[interval]


def few_of_level(category: str, word: str, count: int, into: str) -> Finding:
    """A word of a category too rare to have its own level."""
    return Finding(
        "few_of_level",
        f'"{category}" is "{word}" in only {count} rows of the baseline; they count as "{into}".',
        f'"{category}" chỉ có giá trị "{word}" ở {count} dòng của kỳ cơ sở; được tính như "{into}".',
        {"category": category, "word": word, "rows": count, "into": into},
    )


def unknown_level(category: str, words: Sequence[str], rows: int) -> Finding:
    """Rows with a word that the baseline never had: the model says nothing of them."""
    text = ", ".join(words)
    return Finding(
        "unknown_level",
        f'{rows} rows are left out: in the baseline "{category}" was never {text}.',
        f'{rows} dòng không được dùng: trong kỳ cơ sở "{category}" chưa bao giờ là {text}.',
        {"category": category, "words": text, "rows": rows},
    )


def rows_left_out(left_out: int, total: int, interval: str) -> Finding:
    """Rows of the period without a whole measurement, or excluded by the plan."""
    return Finding(
        "rows_left_out",
        f"{left_out} of {total} {_INTERVALS_EN[interval]} are left out (gaps in the data, or excluded).",
        f"{left_out} trong {total} {_INTERVALS_VI[interval]} không được dùng (thiếu số liệu hoặc được loại trừ).",
        {"left_out": left_out, "rows": total},
    )


def short_rows(rows: int, needed: int, interval: str) -> Finding:
    """A baseline that does not see a whole year."""
    return Finding(
        "short_baseline",
        f"The baseline has {rows} {_INTERVALS_EN[interval]}; {needed} are wanted so that every season is seen.",
        f"Đường cơ sở chỉ có {rows} {_INTERVALS_VI[interval]}; cần {needed} để thấy đủ các mùa.",
        {"rows": rows, "needed": needed},
    )


def driver_missing_on(driver: str, weekday: int, rows: int) -> Finding:
    """A driver that is never there on one day of the week, as if nobody wrote it down."""
    return Finding(
        "driver_missing_on_weekday",
        f'"{driver}" is missing on all {rows} {_DAYS_EN[weekday]}: the baseline does not speak for them. '
        "If nothing is made on that day, write 0 instead of leaving it empty.",
        f'"{driver}" không có số liệu vào mọi {_DAYS_VI[weekday]} ({rows} ngày): đường cơ sở không áp dụng '
        "cho các ngày đó. Nếu ngày đó không sản xuất, hãy ghi 0 thay vì để trống.",
        {"driver": driver, "weekday": weekday, "rows": rows},
    )


def negative_rows(rows: int, total: int) -> Finding:
    """A meter that sometimes counts backwards."""
    return Finding(
        "negative_rows",
        f"{rows} of {total} rows of energy are below zero: is something fed back (solar, regeneration)?",
        f"{rows} trong {total} dòng năng lượng là số âm: có nguồn phát ngược (điện mặt trời, hãm tái sinh) không?",
        {"rows": rows, "of": total},
    )


def negative_base(value: float, unit: str) -> Finding:
    """A fixed part below zero: no plant gives energy while it stands still."""
    return Finding(
        "negative_base",
        f"The fixed part of the model is {number(value, 1)} {unit}, below zero: the line is bent, or a driver is missing.",
        f"Phần cố định của mô hình là {number(value, 1, 'vi')} {unit}, nhỏ hơn 0: quan hệ không tuyến tính, "
        "hoặc thiếu một yếu tố ảnh hưởng.",
        {"value": value},
    )


def negative_driver(name: str, value: float) -> Finding:
    """More of a driver and less energy."""
    return Finding(
        "negative_driver",
        f'More "{name}" goes with less energy (coefficient {number(value, 4)}): is that physically so?',
        f'"{name}" tăng thì năng lượng giảm (hệ số {number(value, 4, "vi")}): về mặt vật lý có đúng không?',
        {"driver": name, "coefficient": value},
    )


def saturates(low: float, high: float, balance: float) -> Finding:
    """A four-parameter line that gets flatter: equipment at its limit, or a wrong driver."""
    return Finding(
        "saturates",
        f"Above {number(balance, 1)} °C energy rises by {number(high, 2)} per K, below by {number(low, 2)}: "
        "it flattens, as equipment at its limit does.",
        f"Trên {number(balance, 1, 'vi')} °C năng lượng tăng {number(high, 2, 'vi')} mỗi K, dưới đó "
        f"{number(low, 2, 'vi')}: đường bị bẹt, như khi thiết bị chạy hết công suất.",
        {"below": low, "above": high, "balance_c": balance},
    )


def balance_at_edge(side: str, balance: float) -> Finding:
    """The best balance point lies where the search ends: the data don't show it."""
    return Finding(
        "balance_at_edge",
        f"The {side} balance point {number(balance, 1)} °C is at the edge of what the data can show.",
        f"Điểm cân bằng {_SIDES_VI[side]} {number(balance, 1, 'vi')} °C nằm ở mép của khoảng mà số liệu cho thấy.",
        {"side": side, "balance_c": balance},
    )


def one_row_decides(leverage: float, when: str) -> Finding:
    """A row so far from all others that it alone draws the line."""
    return Finding(
        "one_row_decides",
        f"The row of {when} alone decides a term of the model (leverage {number(leverage, 2)}): check its drivers.",
        f"Riêng dòng {when} quyết định một hệ số của mô hình (leverage {number(leverage, 2, 'vi')}): "
        "hãy kiểm tra các biến của dòng này.",
        {"leverage": leverage, "row": when},
    )


def refuse_too_few_rows(
    rows: int, needed: int, interval: str, empty: tuple[str, int] | None = None
) -> Refusal:
    """Not enough whole rows for a baseline; empty: the column with the fewest values, and how many."""
    missing = max(needed - rows, 0)
    more_en = f' "{empty[0]}" has only {empty[1]} values.' if empty else ""
    more_vi = f' "{empty[0]}" chỉ có {empty[1]} giá trị.' if empty else ""
    data: dict[str, float | int | str] = {"needed": needed, "rows": rows, "missing": missing}
    if empty:
        data |= {"column": empty[0], "values": empty[1]}
    return Refusal(
        "too_few_rows",
        f"A baseline needs {needed} {_INTERVALS_EN[interval]}, {rows} are there: {missing} more.{more_en}",
        f"Đường cơ sở cần {needed} {_INTERVALS_VI[interval]}, hiện có {rows}: còn thiếu {missing}.{more_vi}",
        data,
    )


def refuse_one_row_dominates(column: str, when: str, value: float, share: float) -> Refusal:
    """One row holds most of the whole period: a glitch, a reset, a wrong unit."""
    return Refusal(
        "one_row_dominates",
        f'"{column}" of {when} ({value:.6g}) is {number(100 * share, 1)} % of the whole period: '
        "no plant does that. Correct the row or leave it out.",
        f'"{column}" của {when} ({value:.6g}) chiếm {number(100 * share, 1, "vi")} % cả kỳ: '
        "không nhà máy nào như vậy. Hãy sửa hoặc loại dòng này.",
        {"row": when, "value": value, "share": share},
    )


def refuse_impossible_number(column: str, when: str, value: float, limit: float) -> Refusal:
    """No unit gives such a number: a filler, or bytes read wrongly."""
    return Refusal(
        "impossible_number",
        f'"{column}" of {when} is {value:.6g}: beyond {limit:g} no unit of measurement gives such a number. '
        "Correct the row or leave it out.",
        f'"{column}" của {when} là {value:.6g}: không đơn vị đo nào cho số lớn hơn {limit:g}. '
        "Hãy sửa hoặc loại dòng này.",
        {"column": column, "row": when, "value": value, "limit": limit},
    )


def refuse_impossible_temperature(column: str, value: float, low: float, high: float) -> Refusal:
    """No weather on earth, or degrees Fahrenheit."""
    return Refusal(
        "impossible_temperature",
        f'"{column}" has {number(value, 1)} °C, outside {number(low)} to {number(high)} °C: is it in °F?',
        f'"{column}" có giá trị {number(value, 1, "vi")} °C, ngoài khoảng {number(low)} đến {number(high)} °C: '
        "có phải đơn vị °F?",
        {"value": value, "low": low, "high": high},
    )


def refuse_wrong_sign(side: str) -> Refusal:
    """No balance point at which energy rises as it gets colder (heating) or hotter (cooling)."""
    what = {
        "heating": "colder days don't use more energy",
        "cooling": "hotter days don't use more energy",
        "both": "energy does not rise towards both cold and heat",
    }[side]
    return Refusal(
        "wrong_sign",
        f"No balance point fits this model: {what}.",
        f"Không có điểm cân bằng phù hợp: năng lượng không tăng về phía {_SIDES_VI[side]}.",
        {"side": side},
    )


def refuse_no_room(points: int, needed: int, spread: float) -> Refusal:
    """Too little spread of temperature, or too few rows, to have points on every side of a balance point."""
    return Refusal(
        "no_room_for_balance_point",
        f"A balance point needs {needed} rows on each side; {points} rows over {number(spread, 1)} K "
        "leave no place for it.",
        f"Điểm cân bằng cần {needed} dòng mỗi phía; {points} dòng trên khoảng {number(spread, 1, 'vi')} K "
        "không đủ chỗ.",
        {"rows": points, "needed": needed, "spread_k": spread},
    )


def refuse_too_many(rows: int, terms: int, interval: str) -> Refusal:
    """As many unknowns as rows."""
    return Refusal(
        "too_many_terms",
        f"The model has {terms} parameters and only {rows} {_INTERVALS_EN[interval]}: it would fit anything.",
        f"Mô hình có {terms} tham số mà chỉ có {rows} {_INTERVALS_VI[interval]}: sẽ khớp với mọi số liệu.",
        {"terms": terms, "rows": rows},
    )


def refuse_nothing_varies(columns: Sequence[str]) -> Refusal:
    """No driver of the model moves."""
    text = ", ".join(columns)
    return Refusal(
        "driver_constant",
        f"{text} never changes in the baseline: nothing can be said about its effect.",
        f"{text} không thay đổi trong kỳ cơ sở: không xác định được ảnh hưởng của nó.",
        {"drivers": text},
    )


def refuse_not_proportional(name: str, value: float) -> Refusal:
    """A specific consumption that is not above zero."""
    return Refusal(
        "ratio_not_positive",
        f'Energy per "{name}" comes out as {number(value, 4)}: there is no specific consumption.',
        f'Năng lượng trên mỗi "{name}" là {number(value, 4, "vi")}: không có suất tiêu hao.',
        {"driver": name, "ratio": value},
    )


def refuse_negative_driver_values(name: str, rows: int) -> Refusal:
    """Production below zero."""
    return Refusal(
        "negative_production",
        f'"{name}" is below zero in {rows} rows: production can\'t be. Is it a correction of another row?',
        f'"{name}" nhỏ hơn 0 ở {rows} dòng: sản lượng không thể âm. Có phải là dòng điều chỉnh?',
        {"driver": name, "rows": rows},
    )
