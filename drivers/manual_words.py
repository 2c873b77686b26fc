"""What a form says to a person, in Vietnamese and English: names, questions and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dodac.clock import local_text
from dodac.quantities import CHANNELS
from dodac.words import Language, number_text
from drivers._profile_manual import ManualProfile, Words
from drivers.protocols.manual import Finding

_UNITS: Final[dict[str, str]] = {
    "degC": "°C", "degF": "°F", "m3": "m³", "m3/h": "m³/h", "Nm3": "Nm³", "uS/cm": "µS/cm", "kgf/cm2": "kgf/cm²",
    "vol%": "%", "1": "", "pH": "",
}  # fmt: skip
_UNITS_OF: Final[dict[str, dict[Language, str]]] = {
    "units": {"vi": "sản phẩm", "en": "units"},
    "l": {"vi": "lít", "en": "l"},
    "t": {"vi": "tấn", "en": "t"},
}

# what is refused
_REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("{name}: chưa nhập.", "{name} is missing."),
    "empty": ("Chưa nhập giá trị nào.", "No value was typed."),
    "unknown": ('Biểu mẫu này không có ô "{name}".', 'This form has no field "{name}".'),
    "not_a_number": (
        '{name}: "{text}" không phải là một số. Ví dụ: 7,2',
        '{name}: "{text}" is not a number. Write e.g. 7.2',
    ),
    "unit": (
        '{name}: không đổi được đơn vị "{text}" sang {unit}.',
        '{name}: the unit "{text}" can\'t be turned into {unit}.',
    ),
    "out_of_range": (
        "{name}: {value} {unit} nằm ngoài dải cho phép {low} … {high} {unit}. Hãy đọc lại.",
        "{name}: {value} {unit} is outside {low} … {high} {unit}. Read it again.",
    ),
    "future": (
        "Thời điểm {time} ở tương lai. Kiểm tra ngày và giờ.",
        "The time {time} is in the future. Check date and time.",
    ),
    "too_old": (
        "Thời điểm {time} quá xa trong quá khứ. Kiểm tra năm.",
        "The time {time} is too long ago. Check the year.",
    ),
    "order": ("Kết thúc kỳ phải sau lúc bắt đầu.", "The end of the period must be after its start."),
    "long": ("Kỳ dài hơn {days} ngày. Kiểm tra ngày.", "The period is longer than {days} days. Check the dates."),
    "overlap": (
        "Kỳ này trùng với lần nhập từ {time} đến {until}: lượng sẽ bị tính hai lần. Nếu nhập sai, hãy sửa lần đó.",
        "This period overlaps the entry from {time} to {until}: it would be counted twice. Correct that one if it is wrong.",
    ),
    "taken": (
        "Đã có số liệu lúc {time}. Nếu nhập sai, hãy sửa lần đó; nếu đọc lần nữa, hãy đổi giờ.",
        "There is an entry at {time} already. Correct it if it is wrong; for another reading change the time.",
    ),
    "photo_missing": ("Cần chụp ảnh.", "A photo is needed."),
    "photo_gone": ("Không thấy ảnh trên máy chủ; hãy chụp lại.", "The photo is not on the server; take it again."),
    "photo_none": ("Biểu mẫu này không nhận ảnh.", "This form takes no photo."),
    "corrects_gone": (
        "Không tìm thấy lần nhập cần sửa.",
        "The entry to be corrected is not there.",
    ),
    "withdraws_gone": ("Không tìm thấy lần nhập cần rút lại.", "The entry to be withdrawn is not there."),
    "withdraws_old": (
        "Lần nhập này đã được sửa hoặc rút lại rồi. Hãy tải lại trang.",
        "This entry was corrected or withdrawn already. Load the list again.",
    ),
    "corrects_moved": (
        "Khi sửa phải giữ nguyên thời điểm {time}.",
        "A correction keeps the time of what it corrects: {time}.",
    ),
    "corrects_less": (
        "{name}: khi sửa phải nhập lại mọi giá trị đã có.",
        "{name}: a correction gives every value again.",
    ),
}  # fmt: skip
# what is asked before it is taken
_QUESTIONS: Final[dict[str, tuple[str, str]]] = {
    "unusual": (
        "{name}: {value} {unit} khác thường (thường {low} … {high} {unit}). Đúng không?",
        "{name}: {value} {unit} is unusual (usually {low} … {high} {unit}). Is it right?",
    ),
    "finer": (
        "{name}: thang đo chỉ có bước {step} {unit}. Giữ số này?",
        "{name}: the scale has steps of {step} {unit}. Keep this number?",
    ),
    "fell": (
        "{name}: {value} {unit} nhỏ hơn lần trước ({other} {unit}, {time}). Đã thay đồng hồ, hay đọc nhầm?",
        "{name}: {value} {unit} is less than before ({other} {unit}, {time}). Was the meter exchanged, or misread?",
    ),
    "above_later": (
        "{name}: {value} {unit} lớn hơn lần đọc sau đó ({other} {unit}, {time}). Đã thay đồng hồ, hay đọc nhầm?",
        "{name}: {value} {unit} is more than a later reading ({other} {unit}, {time}). Was the meter exchanged, or misread?",
    ),
    "leap": (
        "{name}: từ {other} ({time}) lên {value} {unit}, nhanh gấp {times} lần bình thường. Đúng không?",
        "{name}: from {other} ({time}) to {value} {unit} is {times} times the usual rise. Is it right?",
    ),
    "sum": (
        "{name}: tổng là {value} {unit}, nhưng cộng các phần được {other} {unit}. Giữ như vậy?",
        "{name}: the total is {value} {unit}, but its parts add up to {other} {unit}. Keep it?",
    ),
    "ambiguous": (
        "{name}: dấu chấm/phẩy là phần thập phân hay hàng nghìn? Chọn số đúng.",
        "{name}: does the sign part decimals or thousands? Choose the right number.",
    ),
    "old": ("Số liệu của {time}: đã lâu. Ngày có đúng không?", "This is of {time}: long ago. Is the date right?"),
}  # fmt: skip
CODES: Final = {**_REFUSALS, **_QUESTIONS}


def unit_words(unit: str, language: Language) -> str:
    """A unit as people write it."""
    known = _UNITS_OF.get(unit)
    return known[language] if known is not None else _UNITS.get(unit, unit)


def of(words: Words, language: Language) -> str:
    """The words of a profile in one language."""
    return words.vi if language == "vi" else words.en


def channel_name(profile: ManualProfile, channel: str, language: Language) -> str:
    """What a field is called: the profile's label, else the channel's name."""
    spec = profile.channels.get(channel)
    if spec is not None and spec.label is not None:
        return of(spec.label, language)
    known = CHANNELS.get(channel)
    return channel if known is None else known.vi if language == "vi" else known.en


def number_words(value: float, language: Language) -> str:
    """A number as short as it can be without losing what was typed."""
    text = f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1e9 else f"{value:.0f}"
    _, _, decimals = text.partition(".")
    return number_text(value, len(decimals), language)


def choice_words(choice: str, language: Language) -> str:
    """One of a finding's choices, its thousands not parted: beside 12,345 it is plain that 12345 is the other."""
    whole, point, decimals = choice.partition(".")
    if len(decimals) == 4 and decimals.endswith("0"):  # written so that it means one thing only
        decimals = decimals[:3]
    return f"{whole}{',' if language == 'vi' else '.'}{decimals}" if point else whole


def finding_text(finding: Finding, profile: ManualProfile, zone: str, language: Language) -> str:
    """A finding in words."""
    facts: dict[str, object] = {"name": channel_name(profile, finding.channel, language)}
    for key, value in finding.facts.items():
        facts[key] = _fact(key, value, zone, language)
        if key in ("time_ns", "until_ns"):
            facts[key.removesuffix("_ns")] = facts[key]
    text = CODES[finding.code][0 if language == "vi" else 1]
    return " ".join(text.format_map(facts).replace(" )", ")").replace(" .", ".").replace(" ,", ",").split())


def _fact(key: str, value: str | float, zone: str, language: Language) -> str:
    if isinstance(value, str):
        return unit_words(value, language) if key == "unit" else value
    if key in ("time_ns", "until_ns"):
        return local_text(int(value), zone, "%d/%m/%Y %H:%M" if language == "vi" else "%Y-%m-%d %H:%M")
    if key == "times":
        return number_text(value, 0, language)
    return number_words(value, language)


def both(finding: Finding, profile: ManualProfile, zone: str) -> Mapping[Language, str]:
    """A finding in both languages."""
    return {
        "vi": finding_text(finding, profile, zone, "vi"),
        "en": finding_text(finding, profile, zone, "en"),
    }
