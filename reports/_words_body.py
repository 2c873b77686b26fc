"""Words of the report's text and tables: key → (Vietnamese, English)."""

from __future__ import annotations

from typing import Final

BODY: Final[dict[str, tuple[str, str]]] = {
    "report": ("Báo cáo kiểm chứng mức tiết kiệm", "Savings verification report"),
    "report_no": ("Báo cáo số {id}", "Report {id}"),
    "written": ("Lập lúc {when} bằng dodac {version}", "Written {when} by dodac {version}"),
    # 1 summary
    "h_summary": ("Tóm tắt", "Summary"),
    "saving": ("Mức tiết kiệm", "Saving"),
    "no_saving": ("Chưa chứng minh được mức tiết kiệm", "No saving is proven"),
    "no_saving_why": (
        "Độ không đảm bảo bằng hoặc lớn hơn mức tiết kiệm: kết quả không khác không một cách có ý nghĩa.",
        "The uncertainty is as large as the saving or larger: the result does not differ from zero.",
    ),
    "of_baseline": ("so với đường cơ sở hiệu chỉnh", "of the adjusted baseline"),
    "money": ("Giá trị bằng tiền", "Worth"),
    "money_none": ("Chưa khai báo đơn giá năng lượng", "No energy price was given"),
    "price_of": ("đơn giá {price}/{unit}, ngày {date}", "at {price} per {unit}, price of {date}"),
    "confidence": ("Độ tin cậy", "Confidence"),
    "interval": ("khoảng tin cậy: {low} đến {high} {unit}", "confidence interval: {low} to {high} {unit}"),
    "period": ("Kỳ báo cáo", "Reporting period"),
    "days_used": ("{used} ngày được dùng, {excluded} ngày loại trừ", "{used} days used, {excluded} left out"),
    "evidence_class": ("Cấp bằng chứng", "Evidence class"),
    "class_verified": ("đã kiểm chứng", "verified"),
    "class_measured": ("đo được", "measured"),
    "class_estimated": ("ước tính", "estimated"),
    "class_reported": ("tự báo cáo", "reported"),
    "summary_text": (
        ("Giải pháp “{option}” tại {asset} đã tránh được {saving} {unit} trong kỳ từ {start} đến {end}, so với "
        "mức tiêu thụ mà đường cơ sở cho biết lẽ ra phải có ở cùng điều kiện vận hành."),
        ("The measure “{option}” at {asset} avoided {saving} {unit} between {start} and {end}, against what the "
        "baseline says would have been used under the same conditions."),
    ),
    "payback": ("Thời gian hoàn vốn giản đơn", "Simple payback"),
    "payback_value": (
        "{low} đến {high} tháng (theo khoảng tin cậy; kỳ báo cáo {days} ngày)",
        "{low} to {high} months (over the confidence interval; reporting period of {days} days)",
    ),
    # 2 measure and instruments
    "h_measured": ("Giải pháp và thiết bị đo", "The measure and the instruments"),
    "option": ("Giải pháp", "Measure"),
    "description": ("Mô tả", "Description"),
    "company": ("Doanh nghiệp", "Company"),
    "site": ("Địa điểm", "Site"),
    "asset": ("Thiết bị, hệ thống", "Asset"),
    "investment": ("Vốn đầu tư", "Investment"),
    "price_date": ("giá ngày {date}", "price of {date}"),
    "instrument": ("Thiết bị đo", "Instrument"),
    "use": ("Đại lượng", "Used for"),
    "use_energy": ("năng lượng: {channel}", "energy: {channel}"),
    "use_driver": ("{driver}: {channel}", "{driver}: {channel}"),
    "facts": ("Thông tin thiết bị", "Facts"),
    "no_facts": ("chưa khai báo", "not stated"),
    "driver_temperature": ("nhiệt độ", "temperature"),
    "driver_production": ("sản lượng", "production"),
    "driver_output": ("sản lượng", "output"),
    "fact_profile": ("cấu hình", "profile"),
    "fact_measurement": ("loại đo", "kind"),
    "fact_asset": ("thiết bị", "asset"),
    "fact_name": ("tên", "name"),
    "fact_serial_number": ("số seri", "serial number"),
    "fact_accuracy_class": ("cấp chính xác", "accuracy class"),
    "fact_ct_ratio": ("tỷ số biến dòng", "CT ratio"),
    "fact_vt_ratio": ("tỷ số biến áp", "VT ratio"),
    "fact_calibration": ("hiệu chuẩn", "calibration"),
    "fact_calibration_date": ("ngày hiệu chuẩn", "calibrated"),
    "fact_calibration_due": ("hạn hiệu chuẩn", "calibration due"),
    "fact_calibration_laboratory": ("phòng thử nghiệm", "laboratory"),
    "fact_calibration_certificate": ("giấy chứng nhận", "certificate"),
    "fact_laboratory": ("phòng thử nghiệm", "laboratory"),
    "fact_certificate": ("giấy chứng nhận", "certificate"),
    "fact_maker": ("hãng sản xuất", "maker"),
    "fact_model": ("kiểu máy", "model"),
    "fact_firmware": ("phần mềm", "firmware"),
    "kind_electricity": ("điện", "electricity"),
    "kind_flue_gas": ("khói thải", "flue gas"),
    "kind_water": ("nước", "water"),
    "kind_heat": ("nhiệt", "heat"),
    "kind_gas": ("khí", "gas"),
    "kind_steam": ("hơi", "steam"),
    "kind_ambient": ("môi trường", "ambient"),
    "kind_production": ("sản xuất", "production"),
    # 3 plan
    "h_plan": ("Kế hoạch đo lường và kiểm chứng", "Measurement and verification plan"),
    "plan": ("Kế hoạch", "Plan"),
    "ipmvp_option": ("Phương án IPMVP", "IPMVP option"),
    "ipmvp_A": ("A – cô lập giải pháp, đo thông số chính", "A – retrofit isolation, key parameter measured"),
    "ipmvp_B": ("B – cô lập giải pháp, đo mọi thông số", "B – retrofit isolation, all parameters measured"),
    "ipmvp_C": ("C – toàn cơ sở", "C – whole facility"),
    "boundary": ("Ranh giới đo", "Measurement boundary"),
    "baseline_period": ("Kỳ cơ sở", "Baseline period"),
    "blackout_period": ("Thời gian thi công", "Works"),
    "adjustment": ("Cơ sở hiệu chỉnh", "Basis of adjustment"),
    "adjustment_text": (
        "năng lượng tránh được ở điều kiện của kỳ báo cáo (IPMVP)",
        "avoided energy at the conditions of the reporting period (IPMVP)",
    ),
    "drivers": ("Biến ảnh hưởng", "Drivers"),
    "holidays": ("Lịch nghỉ lễ", "Holiday calendar"),
    "none": ("không", "none"),
    "registered": ("Đăng ký lúc", "Registered"),
    "before_measure": (
        "trước khi thi công giải pháp ({days} ngày)",
        "before the works began ({days} days)",
    ),
    "after_measure": (
        "sau khi thi công đã bắt đầu: kế hoạch không được đăng ký trước",
        "after the works had begun: the plan was not registered beforehand",
    ),
    "no_blackout": ("chưa khai báo thời gian thi công", "no dates of the works were given"),
    "span": ("từ {start} đến {end}", "{start} to {end}"),
    # 4 baseline
    "h_baseline": ("Đường cơ sở", "Baseline"),
    "model": ("Mô hình", "Model"),
    "model_towt-daily": (
        "hồi quy theo thứ trong tuần và nhiệt độ, số liệu ngày (TOWT)",
        "daily time-of-week-and-temperature regression (TOWT)",
    ),
    "frozen": ("Chốt lúc", "Frozen"),
    "frozen_note": (
        "Đường cơ sở được chốt trước khi đọc số liệu của kỳ báo cáo.",
        "The baseline was frozen before data of the reporting period were read.",
    ),
    "statistic": ("Chỉ tiêu", "Statistic"),
    "value": ("Giá trị", "Value"),
    "meaning": ("Ý nghĩa", "Meaning"),
    "stat_n": ("số ngày dùng để lập mô hình", "days the model was fitted on"),
    "stat_p": ("số hệ số", "coefficients"),
    "stat_r2": ("hệ số xác định", "coefficient of determination"),
    "stat_adjusted_r2": ("hệ số xác định hiệu chỉnh", "adjusted coefficient of determination"),
    "stat_rmse": ("sai số chuẩn của một ngày", "standard error of one day"),
    "stat_cv_rmse": ("sai số chuẩn so với trung bình", "standard error over the mean"),
    "stat_nmbe": ("sai lệch trung bình chuẩn hóa", "normalised mean bias"),
    "stat_rho": ("tự tương quan bậc 1 của phần dư", "lag-1 autocorrelation of residuals"),
    "validity_ok": (
        "CV(RMSE) = {cv} không vượt 25 %, ngưỡng thường dùng cho mô hình toàn cơ sở (ASHRAE Guideline 14, kỳ báo cáo từ 12 tháng).",
        "CV(RMSE) = {cv} is within 25 %, the usual bound for whole-facility models (ASHRAE Guideline 14, 12 months and more).",
    ),
    "validity_poor": (
        "CV(RMSE) = {cv} vượt 25 %, ngưỡng thường dùng cho mô hình toàn cơ sở (ASHRAE Guideline 14, kỳ báo cáo từ 12 tháng).",
        "CV(RMSE) = {cv} is above 25 %, the usual bound for whole-facility models (ASHRAE Guideline 14, 12 months and more).",
    ),
    "coefficients": ("Bảng hệ số", "Coefficients"),
    "term": ("Số hạng", "Term"),
    "coefficient": ("Hệ số", "Coefficient"),
    "standard_error": ("Sai số chuẩn", "Standard error"),
    "t_value": ("t", "t"),
    "se_note": (
        "Sai số chuẩn đã nhân √κ vì tự tương quan của phần dư; t = hệ số / sai số chuẩn.",
        "Standard errors include √κ for the autocorrelation of residuals; t = coefficient / standard error.",
    ),
    "digest_data": ("Mã băm số liệu kỳ cơ sở (SHA-256)", "Digest of the baseline's data (SHA-256)"),
    # 5 savings
    "h_savings": ("Mức tiết kiệm theo thời gian", "The saving over time"),
    "month": ("Tháng", "Month"),
    "days": ("Ngày", "Days"),
    "adjusted_baseline": ("Đường cơ sở hiệu chỉnh", "Adjusted baseline"),
    "measured": ("Đo được", "Measured"),
    "cumulative": ("Lũy kế", "Cumulative"),
    "total": ("Cả kỳ", "Whole period"),
    "months_note": (
        ("± của từng tháng không cộng dồn được: một phần thuộc về hệ số mô hình và chung cho mọi tháng. "
        "Ngày trong ngoặc là số ngày loại trừ."),
        ("The ± of single months don't add up: part of each belongs to the model's coefficients and is common "
        "to all months. Days in brackets were left out."),
    ),
    "meter_note": (
        ("Sai số của công tơ: sai số ngẫu nhiên đã nằm trong phần dư của mô hình; sai số hệ thống của cùng một "
        "công tơ nhân đều cả hai kỳ và không nằm trong ± nêu trên."),
        ("Meter error: its random part is already in the model's residuals; a systematic error of the same meter "
        "scales both periods alike and is not part of the ± above."),
    ),
    # 6 uncertainty
    "h_uncertainty": ("Độ không đảm bảo đo", "Uncertainty"),
    "method": ("Phương pháp", "Method"),
    "half_width": ("± ở độ tin cậy {confidence}", "± at {confidence} confidence"),
    "relative": ("± so với mức tiết kiệm", "± of the saving"),
    "n_effective": ("n hiệu dụng", "effective n"),
    "source": ("Nguồn", "Source"),
    "default": ("dùng trong báo cáo", "used here"),
    "method_exact": ("bình phương tối thiểu đầy đủ, có tự tương quan", "full least squares with autocorrelation"),
    "method_g14": ("ASHRAE Guideline 14", "ASHRAE Guideline 14"),
    "method_sun_baltazar": ("Sun và Baltazar", "Sun and Baltazar"),
    "why_exact": (
        ("Phương pháp này được dùng vì trong mô phỏng với phần dư tự tương quan, khoảng 90 % của nó chứa giá trị thật "
        "trong 87–90 % trường hợp; công thức ASHRAE Guideline 14 thường cho khoảng quá hẹp (83–86 % với một năm số liệu ngày)."),
        ("It is used because in simulations with autocorrelated residuals its 90 % interval held the true value in "
        "87–90 % of cases; the formula of ASHRAE Guideline 14 tends to be too narrow (83–86 % with a year of daily data)."),
    ),
    "why_other": (
        "Phương pháp này được chọn khi kiểm chứng; các phương pháp khác nêu để so sánh.",
        "This method was chosen at verification; the others are given for comparison.",
    ),
    # 7 data quality
    "h_quality": ("Chất lượng số liệu", "Data quality"),
    "coverage": ("Độ phủ", "Coverage"),
    "coverage_row": ("{used} trên {all} ngày ({share})", "{used} of {all} days ({share})"),
    "excluded": ("Khoảng thời gian thiếu hoặc loại trừ", "Spans missing or left out"),
    "from": ("Từ", "From"),
    "to": ("Đến", "To"),
    "why": ("Lý do", "Why"),
    "by_plan": ("theo kế hoạch", "by the plan"),
    "by_gap": ("thiếu số liệu", "data missing"),
    "nothing_excluded": ("Không có khoảng nào thiếu hoặc bị loại trừ.", "Nothing is missing or was left out."),
    "never_filled": (
        "Ngày thiếu số liệu được loại trừ và đếm, không bao giờ được nội suy.",
        "Days without data are left out and counted, never filled in.",
    ),
    # 8 findings
    "h_findings": ("Lưu ý khi sử dụng kết quả", "Findings and caveats"),
    "no_findings": ("Không có lưu ý nào.", "There are none."),
    "of_baseline_period": ("đường cơ sở", "baseline"),
    "of_reporting_period": ("kỳ báo cáo", "reporting period"),
    # 9 evidence
    "h_evidence": ("Bằng chứng", "Evidence"),
    "samples": ("Mẫu đo", "Samples"),
    "flagged": ("bị gắn cờ", "flagged"),
    "first": ("Đầu tiên", "First"),
    "last": ("Cuối cùng", "Last"),
    "digest": ("Mã băm SHA-256", "SHA-256 digest"),
    "channel": ("Kênh đo", "Channel"),
    "digest_reporting": ("Mã băm số liệu kỳ báo cáo", "Digest of the reporting period's data"),
    "verified_at": ("Kiểm chứng lúc", "Verified"),
    "check_again": ("Cách kiểm tra lại", "How to check it again"),
    "check_text": (
        (
            "Trên máy có nhật ký đo và sổ đăng ký của địa điểm: lệnh đầu tính lại mọi con số từ mẫu đo và dừng với mã "
            "thoát 5 nếu có sai khác; lệnh thứ hai in bản ghi đã đăng ký; lệnh thứ ba kiểm chứng lại và cho đúng bản "
            "ghi ấy nếu không có gì thay đổi."
        ),
        (
            "On a machine with the site's journal and register: the first command computes every figure again from "
            "the samples and stops with exit code 5 if one differs; the second prints the registered entry; the "
            "third verifies again and gives that same entry when nothing has changed."
        ),
    ),
    "unsigned": (
        "Các mã băm cho biết số liệu có bị thay đổi hay không khi so với bản báo cáo này; chúng chưa được ký số.",
        "The digests tell whether data changed since this report was printed; they are not signed.",
    ),
}  # fmt: skip
