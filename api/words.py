"""Words of the pages in Vietnamese and English, side by side so that none is missing."""

from __future__ import annotations

from typing import Final

from api._alarm_words import ALARM_WORDS
from api._form_words import FORM_WORDS
from dodac.samples import Reason
from dodac.words import LANGUAGES, Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "live": ("Trực tiếp", "Live"),
    "savings": ("Mức tiết kiệm", "Savings"),
    "other_language": ("English", "Tiếng Việt"),
    "lost": ("Mất kết nối – đang thử lại…", "Connection lost – trying again…"),
    "no_journal": (
        "Chưa có nhật ký đo. Hãy chạy: dodac run",
        "There is no journal yet. Run: dodac run",
    ),
    "no_instruments": ("Chưa có thiết bị đo nào.", "There is no instrument yet."),
    "no_data": ("Chưa có số liệu", "No data yet"),
    "more": ("Các kênh khác ({count})", "Other channels ({count})"),
    "site_wide": ("Toàn địa điểm", "Site"),
    "good": ("tốt", "good"),
    "old": ("quá hạn", "old"),
    "ago": ("trước", "ago"),
    "just_now": ("vừa xong", "just now"),
    "seconds": ("giây", "s"),
    "minutes": ("phút", "min"),
    "hours": ("giờ", "h"),
    "days": ("ngày", "days"),
    "course": ("Diễn biến gần đây: {name}", "Recent course: {name}"),
    "serial": ("số seri {number}", "serial no. {number}"),
    "no_savings": ("Chưa có mức tiết kiệm nào được kiểm chứng.", "No saving has been verified yet."),
    "no_savings_hint": (
        "Đăng ký giải pháp và kế hoạch, chốt đường cơ sở, rồi kiểm chứng: dodac audit --help",
        "Register an option and a plan, freeze the baseline, then verify: dodac audit --help",
    ),
    "open_report": ("Mở báo cáo", "Open the report"),
    "figures": ("Số liệu JSON", "Figures as JSON"),
    "back": ("Tất cả mức tiết kiệm", "All savings"),
    "months": ("Theo tháng", "By month"),
    "findings": ("Lưu ý", "Caveats"),
    "sign_in": ("Đăng nhập", "Sign in"),
    "token": ("Mã truy cập", "Access token"),
    "wrong_token": ("Mã truy cập không đúng.", "That is not the access token."),
    "error_404": ("Không tìm thấy", "Not found"),
    "error_other": ("Có lỗi", "Something is wrong"),
    "home": ("Về trang chính", "To the first page"),
    "footer": ("Đo tại chỗ, không cần Internet.", "Measured on site, no internet needed."),
    "q_no_answer": ("không trả lời", "no answer"),
    "q_crc": ("lỗi CRC", "checksum error"),
    "q_late_answer": ("trả lời muộn", "late answer"),
    "q_exception": ("thiết bị từ chối", "refused by the instrument"),
    "q_sentinel": ("thiết bị báo không có giá trị", "not-a-value mark"),
    "q_out_of_range": ("ngoài dải đo", "out of range"),
    "q_rate": ("thay đổi quá nhanh", "changes too fast"),
    "q_counter_fall": ("bộ đếm giảm", "counter fell"),
    "q_device_status": ("thiết bị chưa sẵn sàng", "instrument not ready"),
    "q_clock": ("sai đồng hồ", "clock fault"),
    "q_time_unknown": ("không rõ thời gian", "time unknown"),
    "q_stale": ("giá trị quá hạn", "stale value"),
    "q_decode": ("không giải mã được", "can't be decoded"),
    "q_conflict": ("mâu thuẫn", "conflicting"),
    "q_withdrawn": ("đã rút lại", "taken back"),
    "alarms": ("Đang có {count} cảnh báo", "Alarms that stand: {count}"),
    **ALARM_WORDS,
    **FORM_WORDS,
}

WORDS: Final[dict[str, dict[Language, str]]] = {
    key: dict(zip(LANGUAGES, pair, strict=True)) for key, pair in _WORDS.items()
}


def say(key: str, language: Language, **values: object) -> str:
    """The words of a key with {names} filled in.

    Raises KeyError for a key that is not in the catalogue.
    """
    words = WORDS[key][language]
    return words.format(**values) if values else words


def reason_text(reason: str, language: Language) -> str:
    """Why a reading is not good, for people."""
    entry = WORDS.get(f"q_{reason}")
    return entry[language] if entry is not None else reason


def script_words(language: Language) -> dict[str, str]:
    """What the live page's script needs."""
    keys = ("good", "old", "ago", "just_now", "seconds", "minutes", "hours", "days", "lost")
    return {key: WORDS[key][language] for key in (*keys, *(f"q_{reason.value}" for reason in Reason))}
