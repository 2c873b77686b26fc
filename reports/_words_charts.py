"""Words of the charts: key → (Vietnamese, English)."""

from __future__ import annotations

from typing import Final

CHARTS: Final[dict[str, tuple[str, str]]] = {
    "chart_timeline": ("Năng lượng đo được so với đường cơ sở", "Measured energy against the baseline"),
    "chart_timeline_desc": (
        (
            "Trung bình 7 ngày của năng lượng đo được và của đường cơ sở; vùng giữa hai đường trong kỳ báo cáo "
            "là mức tiết kiệm, tổng cộng {saving}."
        ),
        (
            "Seven-day means of measured energy and of the baseline; the area between the two lines in the "
            "reporting period is the saving, {saving} in total."
        ),
    ),
    "chart_rows_desc": (
        (
            "Năng lượng đo được và đường cơ sở của từng {one}; vùng giữa hai đường trong kỳ báo cáo là mức tiết kiệm, "
            "tổng cộng {saving}."
        ),
        (
            "Measured energy and the baseline of each {one}; the area between the two lines in the reporting period is "
            "the saving, {saving} in total."
        ),
    ),
    "chart_cusum": ("Tiết kiệm lũy kế (CUSUM)", "Cumulative saving (CUSUM)"),
    "chart_cusum_desc": (
        "Mức tiết kiệm cộng dồn theo {one}, kèm khoảng tin cậy rộng dần; cuối kỳ là {saving}.",
        "The saving added up {one} by {one} with its widening confidence band; {saving} at the end.",
    ),
    "chart_signature": ("Đặc tính năng lượng theo nhiệt độ (kỳ cơ sở)", "Energy signature (baseline period)"),
    "chart_signature_desc": (
        "Mỗi điểm là một {one} của kỳ cơ sở; đường là giá trị mô hình trung bình ở nhiệt độ đó.",
        "Each dot is a {one} of the baseline period; the line is the model's mean at that temperature.",
    ),
    "chart_bars": ("Trước và sau, cùng điều kiện kỳ báo cáo", "Before and after, at reporting conditions"),
    "chart_bars_desc": (
        "Đường cơ sở hiệu chỉnh {base}; đo được {measured}; tiết kiệm {saving}.",
        "Adjusted baseline {base}; measured {measured}; saving {saving}.",
    ),
    "legend_measured": ("Đo được, trung bình 7 ngày", "Measured, 7-day mean"),
    "legend_measured_rows": ("Đo được, từng {one}", "Measured, each {one}"),
    "legend_day": ("từng ngày", "single days"),
    "legend_adjusted": ("Đường cơ sở hiệu chỉnh", "Adjusted baseline"),
    "legend_model": ("Mô hình trong kỳ cơ sở", "Model in the baseline period"),
    "legend_saving": ("Tiết kiệm", "Saving"),
    "legend_gap": ("Thiếu hoặc loại trừ", "Missing or excluded"),
    "legend_cusum": ("Tiết kiệm lũy kế", "Cumulative saving"),
    "legend_band": ("Khoảng tin cậy {confidence}", "{confidence} confidence band"),
    "legend_working": ("Ngày làm việc", "Working days"),
    "legend_working_model": ("mô hình, ngày làm việc", "model, working days"),
    "legend_rows": ("từng {rows}", "single {rows}"),
    "legend_rows_model": ("mô hình", "model"),
    "legend_other": ("Ngày nghỉ", "Days off"),
    "axis_per": ("{unit}/{one}", "{unit} per {one}"),
    "axis_temperature": (
        "nhiệt độ ngoài trời trung bình {one}, °C",
        "mean outdoor temperature of the {one}, °C",
    ),
    "zone_baseline": ("Kỳ cơ sở", "Baseline period"),
    "zone_blackout": ("Thi công", "Works"),
    "zone_reporting": ("Kỳ báo cáo", "Reporting period"),
    "mark_tet": ("Tết", "Tết"),
    "bar_adjusted": ("Đường cơ sở hiệu chỉnh", "Adjusted baseline"),
    "bar_measured": ("Đo được", "Measured"),
    "bar_saving": ("Tiết kiệm", "Saving"),
    "meter_class": ("theo cấp chính xác", "accuracy class"),
    "meter_unknown": ("± chưa khai báo", "± not stated"),
}
