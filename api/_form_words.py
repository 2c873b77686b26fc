"""Words of the pages on which readings are typed, in Vietnamese and English."""

from __future__ import annotations

from typing import Final

FORM_WORDS: Final[dict[str, tuple[str, str]]] = {
    "enter": ("Nhập tay", "By hand"),
    "enter_title": ("Nhập số liệu", "Type readings"),
    "enter_none": (
        'Chưa có biểu mẫu nào: thêm [connections.hand], kind = "manual", và thiết bị có profile = "manual.…".',
        'There is no form yet: add [connections.hand], kind = "manual", and instruments with profile = "manual.…".',
    ),
    "all_forms": ("Tất cả biểu mẫu", "All forms"),
    "last_value": ("Lần trước {value} · {time}", "Last {value} · {time}"),
    "usual": ("thường {low}\u00a0…\u00a0{high}", "usually {low}\u00a0…\u00a0{high}"),
    "needed": ("bắt buộc", "needed"),
    "read_at": ("Lúc đọc", "Read at"),
    "now": ("bây giờ", "now"),
    "other_time": ("Giờ khác", "Other time"),
    "from_time": ("Từ lúc", "From"),
    "to_time": ("Đến lúc", "To"),
    "from_day": ("Từ ngày", "From day"),
    "to_day": ("Đến hết ngày", "To the end of"),
    "operator": ("Người đọc", "Read by"),
    "note": ("Ghi chú", "Note"),
    "unit_of": ("Đơn vị: {name}", "Unit: {name}"),
    "take_photo": ("Chụp ảnh", "Take a photo"),
    "take_photo_needed": ("Chụp ảnh (bắt buộc)", "Take a photo (needed)"),
    "photo_there": ("Có ảnh – chụp lại", "Photo taken – again"),
    "photo_large": (
        "Ảnh lớn hơn 8 MB hoặc không phải JPEG, PNG, WebP.",
        "The photo is larger than 8 MB, or no JPEG, PNG or WebP.",
    ),
    "save": ("Lưu", "Save"),
    "yes_save": ("Đúng, lưu", "Right, save"),
    "change": ("Sửa lại", "Change it"),
    "saved_stored": ("Đã lưu vào nhật ký đo", "Saved in the journal"),
    "saved_waiting": ("Máy chủ đã giữ, sắp ghi vào nhật ký", "Kept by the server, soon in the journal"),
    "saved_phone": (
        "Chưa gửi được: đã giữ trong điện thoại, sẽ tự gửi",
        "Not sent yet: kept in this phone, will be sent",
    ),
    "state_stored": ("đã ghi", "stored"),
    "state_waiting": ("máy chủ đã giữ", "kept by the server"),
    "state_phone": ("chờ gửi, trong điện thoại", "waits in this phone"),
    "state_ask": ("cần xác nhận", "to be confirmed"),
    "state_refused": ("không nhận", "not accepted"),
    "state_corrected": ("đã được sửa", "corrected"),
    "sign_in_again": ("Hãy đăng nhập lại để gửi.", "Sign in again to send."),
    "open_again": ("Mở lại", "Open again"),
    "throw_away": ("Xóa", "Throw away"),
    "correct": ("Sửa", "Correct"),
    "correcting": (
        "Đang sửa lần nhập {time}. Giờ giữ nguyên.",
        "Correcting the entry of {time}. Its time stays.",
    ),
    "recent": ("Đã nhập gần đây", "Entered lately"),
    "in_phone": ("Trong điện thoại này", "In this phone"),
    "nothing_yet": ("Chưa có gì.", "Nothing yet."),
    "photo": ("Ảnh", "Photo"),
    "offline": ("Không có kết nối: cứ nhập, sẽ gửi sau.", "No connection: go on, it is sent later."),
    "phone_full": (
        "Điện thoại không giữ được số liệu này: hãy ghi ra giấy.",
        "This phone can't keep the entry: write it down on paper.",
    ),
    "bad_number": ("Không phải là một số.", "That is not a number."),
    "js_range": ("Ngoài dải {low} … {high}: đọc lại.", "Outside {low} … {high}: read it again."),
    "js_unusual": ("Khác thường (thường {low} … {high}).", "Unusual (usually {low} … {high})."),
    "js_empty": ("Chưa nhập giá trị nào.", "No value was typed."),
    "wrong_form": ("Biểu mẫu gửi lên không đọc được.", "What was sent can't be read as this form."),
}

SCRIPT_KEYS: Final = (
    "saved_stored", "saved_waiting", "saved_phone", "state_phone", "state_ask", "state_refused", "sign_in_again",
    "open_again", "throw_away", "yes_save", "change", "photo_there", "take_photo", "photo_large", "offline", "phone_full",
    "bad_number", "js_range", "js_unusual", "js_empty", "now",
)  # fmt: skip
