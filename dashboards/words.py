"""Titles and labels of the dashboards in Vietnamese and English."""

from __future__ import annotations

from typing import Final

from dodac.words import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    # key: (vi, en)
    "folder": ("dodac", "dodac"),
    "live": ("Nhà máy trực tiếp", "Live plant"),
    "live_about": (
        "Giá trị đo hiện tại và tình trạng thu thập của một địa điểm.",
        "Present values of a site and how its collection is doing.",
    ),
    "savings": ("Mức tiết kiệm", "Savings"),
    "savings_about": (
        "Mức tiết kiệm đã kiểm chứng so với đường cơ sở, kèm độ không đảm bảo đo.",
        "Verified savings against the baseline, with their uncertainty.",
    ),
    "company": ("Doanh nghiệp", "Company"),
    "site": ("Địa điểm", "Site"),
    "asset": ("Thiết bị", "Asset"),
    "instrument": ("Thiết bị đo", "Instrument"),
    "option": ("Giải pháp", "Option"),
    "plan": ("Kế hoạch đo lường và kiểm chứng", "Plan"),
    "verification": ("Lần kiểm chứng", "Verification"),
    "now": ("Hiện tại", "Now"),
    "course": ("Diễn biến", "Course"),
    "collection": ("Tình trạng thu thập", "State of collection"),
    "power": ("Công suất điện", "Electric power"),
    "energy_hour": ("Điện năng mỗi giờ", "Energy per hour"),
    "water": ("Lưu lượng nước", "Water flow"),
    "o2": ("O₂ trong khói", "O₂ in flue gas"),
    "co": ("CO trong khói", "CO in flue gas"),
    "t_flue": ("Nhiệt độ khói", "Flue gas temperature"),
    "temperatures": ("Nhiệt độ khói và không khí cấp", "Flue gas and combustion air"),
    "flue": ("khói", "flue gas"),
    "air": ("không khí", "air"),
    "flags_count": ("Giá trị nghi ngờ trong khoảng", "Doubtful readings in range"),
    "rate": ("Số mẫu mỗi 10 phút", "Samples per 10 minutes"),
    "rate_about": (
        "Một đường nằm ngang là tốt; chỗ trống là mất dữ liệu.",
        "A level line is good; a hole is data that never came.",
    ),
    "missed": ("Số lần đọc bị thiếu hôm nay", "Readings missed today"),
    "missed_about": (
        "Lịch đo chờ mà không có; không tính giá trị bị gắn cờ. Về 0 lúc nửa đêm.",
        "What the schedule expected and did not come, flagged readings apart. Back to 0 at midnight.",
    ),
    "waiting": ("Mẫu chờ gửi", "Samples waiting to be sent"),
    "waiting_about": (
        "Còn trong nhật ký đo, chưa đến máy chủ này; không mất.",
        "In the journal and not yet at this server; not lost.",
    ),
    "latest": ("Giá trị tốt gần nhất", "Latest good reading"),
    "flags": ("Giá trị nghi ngờ", "Doubtful readings"),
    "flags_about": (
        "Giá trị bị gắn cờ không bao giờ được tính vào tổng.",
        "Flagged readings never count in any total.",
    ),
    "events": ("Sự kiện", "Events"),
    "when": ("Thời điểm", "Time"),
    "value": ("Giá trị", "Value"),
    "channel": ("Kênh đo", "Channel"),
    "reason": ("Lý do", "Reason"),
    "kind": ("Loại", "Kind"),
    "text": ("Nội dung", "What"),
    "source": ("Nguồn", "Source"),
    "saving": ("Tiết kiệm", "Saving"),
    "share": ("Tỷ lệ tiết kiệm", "Saving, share of the baseline"),
    "plus_minus": ("Độ không đảm bảo đo ±", "Uncertainty ±"),
    "measured": ("Đo được", "Measured"),
    "adjusted": ("Đường cơ sở hiệu chỉnh", "Adjusted baseline"),
    "per_day": ("Điện năng mỗi ngày: đo được và đường cơ sở", "Energy per day: measured and baseline"),
    "per_day_about": (
        "Đường cơ sở là mức tiêu thụ lẽ ra đã có nếu không có giải pháp, ở thời tiết và sản lượng thực tế.",
        "The baseline is what would have been used without the measure, at the real weather and output.",
    ),
    "saving_day": ("Tiết kiệm mỗi ngày", "Saving per day"),
    "cumulative": ("Tiết kiệm lũy kế", "Cumulative saving"),
    "cumulative_about": (
        "Dải ở cuối kỳ là khoảng tin cậy đã kiểm chứng; trước đó, bề rộng dải tỷ lệ với căn bậc hai của số ngày.",
        "At the end the band is the verified interval; before it, it follows the square root of the days.",
    ),
    "low": ("Cận dưới", "Low"),
    "high": ("Cận trên", "High"),
    "by_month": ("Theo tháng", "By month"),
    "month": ("Tháng", "Month"),
    "days": ("Số ngày được tính", "Days counted"),
    "verified": ("Các lần kiểm chứng", "Verifications"),
    "start": ("Từ ngày", "From"),
    "end": ("Đến ngày", "To"),
    "method": ("Phương pháp", "Method"),
    "confidence": ("Độ tin cậy", "Confidence"),
    "money": ("Giá trị tiền", "Money"),
    "currency": ("Tiền tệ", "Currency"),
}


def word(key: str, language: Language) -> str:
    """The words of a key; KeyError when there are none."""
    vi, en = _WORDS[key]
    return vi if language == "vi" else en
