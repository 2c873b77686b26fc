"""The words of audit's results in Vietnamese and English."""

from __future__ import annotations

from dodac.words import Language

_WORDS: dict[str, dict[Language, str]] = {
    "baseline": {"en": "Baseline", "vi": "Đường cơ sở"},
    "fit": {
        "en": "  R² {r2}   CV(RMSE) {cv} %   {n} {rows}, {p} terms, ρ {rho}",
        "vi": "  R² {r2}   CV(RMSE) {cv} %   {n} {rows}, {p} hệ số, ρ {rho}",
    },
    "reporting": {"en": "Reporting period", "vi": "Kỳ báo cáo"},
    "of_backcast": {
        "en": "Backcast: the plant of the reporting period in the baseline period",
        "vi": "Tính ngược: nhà máy của kỳ báo cáo trong điều kiện kỳ cơ sở",
    },
    "of_normalised": {"en": "At fixed conditions", "vi": "Ở điều kiện cố định"},
    "adjusted": {"en": "  adjusted baseline", "vi": "  đường cơ sở hiệu chỉnh"},
    "measured": {"en": "  measured", "vi": "  đo được"},
    "saving": {"en": "  saving", "vi": "  tiết kiệm"},
    "confidence": {"en": "at {share} % confidence", "vi": "với độ tin cậy {share} %"},
    "days": {
        "en": "  {n} {rows} used, {left} left out",
        "vi": "  {n} {rows} được dùng, {left} {rows} loại trừ",
    },
    "unadjusted": {
        "en": "  without the decisions about events ({n}): {amount}",
        "vi": "  không kể các quyết định về sự kiện ({n}): {amount}",
    },
    "candidates": {"en": "Models tried, best first", "vi": "Các mô hình đã thử, tốt nhất trước"},
    "smallest": {
        "en": "The smallest saving it can show in a year: {amount} {unit} ({share} %) {confidence}",
        "vi": "Mức tiết kiệm nhỏ nhất nhận ra được trong một năm: {amount} {unit} ({share} %) {confidence}",
    },
    "validity": {"en": "Judged by {profile}: {verdict}", "vi": "Đánh giá theo {profile}: {verdict}"},
    "passed": {"en": "passed", "vi": "đạt"},
    "failed": {"en": "not passed", "vi": "không đạt"},
    "not_judged": {
        "en": "can't be judged without a saving",
        "vi": "chưa đánh giá được khi chưa có mức tiết kiệm",
    },
    "chosen": {
        "en": "  {name}, of {n} models tried. {why}",
        "vi": "  {name}, trong {n} mô hình đã thử. {why}",
    },
    "gaps": {
        "en": "Intervals of the baseline period without a reading: {gaps} (of {n}).",
        "vi": "Số khoảng của kỳ cơ sở không có số đo: {gaps} (trong {n}).",
    },
    "next": {"en": "What next", "vi": "Việc tiếp theo"},
    "parts": {"en": "  made of: {parts}", "vi": "  gồm: {parts}"},
    "methods": {
        "en": "Uncertainty by method (± {unit})",
        "vi": "Độ không đảm bảo đo theo từng phương pháp (± {unit})",
    },
    "findings": {"en": "To know", "vi": "Lưu ý"},
    "refused": {"en": "No number: {text}", "vi": "Không có kết quả: {text}"},
}


_ROWS: dict[str, dict[Language, str]] = {
    "15min": {"en": "quarter-hours", "vi": "khoảng 15 phút"},
    "30min": {"en": "half-hours", "vi": "khoảng 30 phút"},
    "hour": {"en": "hours", "vi": "giờ"},
    "day": {"en": "days", "vi": "ngày"},
    "week": {"en": "weeks", "vi": "tuần"},
    "month": {"en": "months", "vi": "tháng"},
    "bill": {"en": "bills", "vi": "hoá đơn"},
}


def word(key: str, language: Language, **values: object) -> str:
    """One line of the interface in a language."""
    return _WORDS[key][language].format(**values)


def rows_of(interval: str, language: Language) -> str:
    """The rows of an interval as a word in the plural: days, hours, bills."""
    known = _ROWS.get(interval)
    return interval if known is None else known[language]
