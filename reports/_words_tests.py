"""Words of the report of a saving by tests (options A and B): key → (Vietnamese, English)."""

from __future__ import annotations

from typing import Final

TESTS: Final[dict[str, tuple[str, str]]] = {
    "tests_h_agreed": ("Giá trị thỏa thuận, không đo", "Agreed, not measured"),
    "tests_h_tests": ("Các phép đo", "The tests"),
    "tests_h_result": ("Kết quả và độ không đảm bảo đo", "Result and uncertainty"),
    "tests_summary": (
        "Giải pháp “{option}” ({asset}) tiết kiệm {saving} {unit} trong kỳ {period}, theo phép đo trước và sau giải pháp.",
        "The measure “{option}” at {asset} saves {saving} {unit} in {period}, by tests before and after it.",
    ),
    "tests_share": ("Tỷ lệ tiết kiệm", "Saved share"),
    "tests_least": ("mức nhỏ nhất cặp phép đo nhận ra được: {least}", "the least this pair of tests can show: {least}"),
    "tests_k": ("hệ số phủ k = {k}", "coverage factor k = {k}"),
    "tests_machine": ("Loại máy", "Machine"),
    "tests_boiler": ("lò hơi", "boiler"),
    "tests_compressor": ("máy nén khí", "air compressor"),
    "tests_pump": ("bơm", "pump"),
    "tests_fan": ("quạt", "fan"),
    "tests_computed": ("Cách tính", "How it is computed"),
    "tests_pair_boiler": (
        "1 − η trước/η sau ({method}, {fuel}), nhân với các giá trị thỏa thuận",
        "1 − η before/η after ({method}, {fuel}), times the agreed amounts",
    ),
    "tests_pair_other": (
        "1 − suất tiêu hao sau/suất tiêu hao trước, nhân với các giá trị thỏa thuận",
        "1 − specific consumption after/before, times the agreed amounts",
    ),
    "tests_on_off": (
        "bật tắt theo bốc thăm, hồi quy theo từng chu kỳ có mức riêng mỗi khối, nhân với số giờ thỏa thuận",
        "switched on and off by lot; regression of whole periods with a level a block, times the agreed hours",
    ),
    "tests_lots": ("Lịch bốc thăm (chốt trước khi đo)", "Lots drawn (frozen before measuring)"),
    "tests_meters": ("Công tơ trong thời gian bật tắt", "Meters while it was switched"),
    "tests_period": ("Chu kỳ từ", "Period from"),
    "tests_state": ("Trạng thái", "State"),
    "tests_on": ("bật", "on"),
    "tests_off": ("tắt", "off"),
    "tests_chance": ("Tỷ lệ bốc thăm cho kết quả như vậy do ngẫu nhiên", "Share of drawings that show as much by chance"),
    "figure_mean rate": ("Mức tiêu thụ trung bình, tắt → bật", "Mean rate, off → on"),
    "tests_name": ("Đại lượng", "Figure"),
    "tests_basis": ("Căn cứ", "Where it is from"),
    "tests_by": ("Người thỏa thuận", "Agreed by"),
    "tests_share_of_variance": (
        "{share} phương sai của kết quả nằm ở các giá trị này.",
        "{share} of the variance of the result lies in these figures.",
    ),
    "tests_none_agreed": ("Mọi giá trị đều được đo.", "Every figure was measured."),
    "tests_before": ("Trước giải pháp", "Before the measure"),
    "tests_after": ("Sau giải pháp", "After the measure"),
    "tests_run": ("Lượt đo", "Run"),
    "tests_not_counted": ("Không tính", "Not counted"),
    "tests_limits": ("Giới hạn sai số", "Limits of error"),
    "tests_drift": ("Trôi giữa hai lần đo", "Drift between the tests"),
    "tests_of_reading": ("{limit} % giá trị đo", "{limit} % of reading"),
    "tests_not_stated": ("chưa khai báo", "not stated"),
    "tests_both": ("cả hai bên", "both sides"),
    "tests_side": ("Bên đo", "Side"),
    "tests_source": ("Nguồn sai số", "Source of error"),
    "tests_effect": ("Độ không đảm bảo chuẩn ({unit})", "Standard uncertainty ({unit})"),
    "tests_variance": ("Phần của phương sai", "Share of the variance"),
    "tests_agreed_source": ("thỏa thuận: {name}", "agreed: {name}"),
    "tests_scatter": ("phân tán giữa các lượt đo: {name}", "scatter of runs: {name}"),
    "tests_class": ("{instrument}, {channel}: giới hạn sai số{side}", "{instrument}, {channel}: limits of error{side}"),
    "tests_drifted": ("{instrument}, {channel}: trôi giữa hai lần đo", "{instrument}, {channel}: drift between the tests"),
    "tests_gum": (
        "Độ không đảm bảo đo theo JCGM 100:2008: các nguồn chung cộng có dấu, các nguồn độc lập cộng bình phương.",
        "Uncertainty by JCGM 100:2008: shared sources add with their signs, independent ones in quadrature.",
    ),
    "tests_frozen_note": (
        "Phép đo trước được chốt trong sổ đăng ký trước khi đọc phép đo sau.",
        "The test before was frozen in the register before the one after was read.",
    ),
    "tests_why_measured": (
        "phương án A: thông số chính được đo, phần còn lại được thỏa thuận", "option A: the key parameter was measured, the rest agreed",
    ),
    "tests_why_estimated": (
        "phương án A: hơn một nửa phương sai nằm ở giá trị thỏa thuận", "option A: more than half of the variance is agreed, not measured",
    ),
    "tests_why_verified": ("phương án B: mọi thông số được đo", "option B: every parameter was measured"),
    "tests_check_text": (
        ("Trên máy có sổ đăng ký (và thư mục tệp đi kèm) của địa điểm: lệnh đầu tính lại mọi con số và dừng với mã thoát 5 "
        "nếu có sai khác; lệnh thứ hai in bản ghi đã đăng ký; lệnh thứ ba cho đúng bản ghi ấy nếu không có gì thay đổi."),
        ("On a machine with the site's register and the folder of files beside it: the first command computes every figure "
        "again and stops with exit code 5 if one differs; the second prints the registered entry; the third gives that "
        "same entry when nothing has changed."),
    ),
    "figure_efficiency": ("Hiệu suất", "Efficiency"),
    "figure_specific power": ("Suất tiêu hao điện riêng", "Specific power"),
    "figure_specific energy": ("Suất tiêu hao năng lượng", "Specific energy"),
    "run_load": ("tải", "load"),
    "run_flow_nm3_min": ("lưu lượng, Nm³/min", "flow, Nm³/min"),
    "run_flow_m3_h": ("lưu lượng, m³/h", "flow, m³/h"),
    "run_power_kw": ("công suất, kW", "power, kW"),
    "run_pressure_bar": ("áp suất, bar", "pressure, bar"),
}  # fmt: skip
