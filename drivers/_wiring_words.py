"""What the wiring check says, in Vietnamese and English."""

from __future__ import annotations

from typing import Final

from dodac.words import Language
from drivers._wiring_types import Check

LABELS: Final[dict[str, tuple[str, str]]] = {
    "readings": ("số đọc", "readings"),
    "voltage": ("điện áp", "voltage"),
    "frequency": ("tần số", "frequency"),
    "scale": ("thang đo", "scale"),
    "ratio": ("tỉ số biến dòng", "CT ratio"),
    "current": ("dòng điện", "current"),
    "direction": ("chiều và pha", "direction and phase"),
    "sum": ("tổng các pha", "sum of phases"),
    "energy": ("điện năng", "energy"),
}
SIGNS: Final[dict[str, tuple[str, str]]] = {
    "ok": ("đạt", "ok"),
    "finding": ("SAI", "WRONG"),
    "open": ("chưa rõ", "open"),
}

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "no_readings": ("Không có số đọc tốt nào.", "There is not one good reading."),
    "voltage_unread": (
        "Cấu hình không có kênh điện áp pha: không kiểm tra được.",
        "The profile has no phase voltages: they can't be checked.",
    ),
    "voltage_ok": ("{volts} V.", "{volts} V."),
    "voltage_secondary": (
        ("{volts} V không phải điện áp lưới hạ áp, mà như phía thứ cấp của biến điện áp. Nếu có biến điện áp, hãy ghi"
        " vt_ratio (ví dụ 22000/110) trong tệp site, hoặc cài tỉ số trong đồng hồ."),
        ("{volts} V is no low-voltage mains but what voltage transformers give. Where there are some, write vt_ratio"
        " (22000/110, say) into the site file, or set the ratio in the meter."),
    ),
    "voltage_lost": (
        "{volts} V: pha {phases} mất điện áp. Kiểm tra cầu chì và dây áp.",
        "{volts} V: {phases} has no voltage. Check its fuse and lead.",
    ),
    "voltage_uneven": (
        "{volts} V lệch nhau {spread} %. Kiểm tra dây trung tính và các đầu nối áp.",
        "{volts} V, {spread} % apart. Check the neutral and the voltage leads.",
    ),
    "voltage_same": (
        "{volts} V, nhưng giữa pha {pair} chỉ có {between} V: hai dây áp nằm trên cùng một pha.",
        "{volts} V, but only {between} V between {pair}: two leads are on the same phase.",
    ),
    "frequency_ok": ("{hertz} Hz.", "{hertz} Hz."),
    "frequency_odd": (
        "{hertz} Hz không phải tần số lưới. Kiểm tra cấu hình (thứ tự từ) và mẫu đồng hồ.",
        "{hertz} Hz is no mains frequency. Check the profile (word order) and the model.",
    ),
    "scale_apart": (
        ("{phases}: công suất bằng {factor} lần U·I, điều không thể có. Tỉ số được nhân cho đại lượng này mà không cho"
        " đại lượng kia, hoặc cấu hình sai."),
        ("{phases}: the power is {factor} times U·I, which can't be. The ratio is applied to one and not to the other,"
        " or the profile is another model's."),
    ),
    "clamp_unread": (
        "Đồng hồ không cho dòng pha L{phase}: không so được.",
        "The meter gives no current of L{phase}: nothing to compare.",
    ),
    "clamp_ok": (
        "L{phase}: {amps} A, ampe kìm {clamp} A: đúng tỉ số.",
        "L{phase}: {amps} A, clamp {clamp} A: the ratio is right.",
    ),
    "scaled_twice": (
        ("L{phase}: {amps} A, ampe kìm {clamp} A: lớn gấp {factor}. Đồng hồ đã tự nhân tỉ số {ratio}:"
        " bỏ ct_ratio trong tệp site, hoặc đặt tỉ số trong đồng hồ về 1."),
        ("L{phase}: {amps} A, clamp {clamp} A: {factor} times too much. The meter multiplies by {ratio} already:"
        " take ct_ratio out of the site file, or set the meter's own ratio to 1."),
    ),
    "not_scaled": (
        ("L{phase}: {amps} A, ampe kìm {clamp} A: thiếu tỉ số {ratio}. Đặt tỉ số trong đồng hồ, hoặc dùng cấu hình"
        " có giá trị thứ cấp."),
        ("L{phase}: {amps} A, clamp {clamp} A: the ratio {ratio} is missing. Set it in the meter, or use a profile with"
        " secondary values."),
    ),
    "clamp_apart": (
        ("L{phase}: {amps} A, ampe kìm {clamp} A: sai {factor} lần. Xem tỉ số trên nhãn biến dòng, số vòng dây xuyên"
        " và cài đặt của đồng hồ."),
        ("L{phase}: {amps} A, clamp {clamp} A: a factor of {factor}. Look at the transformer's plate, the turns through"
        " it, and the meter's setting."),
    ),
    "ratio_apart": (
        ("L{phase}: {amps} A, ampe kìm {clamp} A: sai {factor} lần. Tệp site nhân với {ratio}; đúng ra khoảng {right},"
        " như biến dòng {plate}. Xem nhãn biến dòng và số vòng dây xuyên, rồi sửa ct_ratio."),
        ("L{phase}: {amps} A, clamp {clamp} A: a factor of {factor}. The site file multiplies by {ratio}; about {right}"
        " would be right, as of a {plate} transformer. Look at its plate and the turns through it, then correct ct_ratio."),
    ),
    "scaled_twice_seen": (
        ("{amps} A vượt quá biến dòng {rated} A: có lẽ đồng hồ đã tự nhân tỉ số rồi. Đo bằng ampe kìm rồi chạy lại với"
        " --clamp."),
        ("{amps} A is more than the transformer's {rated} A: the meter seems to multiply by the ratio already. Measure"
        " with a clamp and run again with --clamp."),
    ),
    "above_rating": (
        "{amps} A vượt quá biến dòng {rated} A: tỉ số cài trong đồng hồ không phải của biến dòng này.",
        "{amps} A is more than the transformer's {rated} A: the ratio set in the meter is not this transformer's.",
    ),
    "ratio_missing": (
        "Đồng hồ cho giá trị thứ cấp ({amps} A) và tệp site không có ct_ratio. Nếu có biến dòng, hãy ghi ct_ratio.",
        ("The meter gives secondary values ({amps} A) and the site file has no ct_ratio. Where there are transformers,"
        " write it."),
    ),
    "ratio_unused": (
        ("Đồng hồ phải tự biết tỉ số {ratio}; số đọc {amps} A không cho biết nó có được cài hay không. Đo bằng ampe kìm:"
        " --clamp 1=…"),
        ("The meter must know the ratio {ratio} itself; {amps} A do not tell whether it is set. Measure with a clamp:"
        " --clamp 1=…"),
    ),
    "clamp_wanted": (
        "Số đọc được nhân với {ratio} ({amps} A). Đồng hồ có tự nhân nữa không thì chỉ ampe kìm cho biết: --clamp 1=…",
        "Readings are multiplied by {ratio} ({amps} A). Whether the meter does it too only a clamp tells: --clamp 1=…",
    ),
    "direction_unread": (
        "Cấu hình không có U, I và P theo pha: không xét được chiều.",
        "The profile has no U, I and P by phase: directions can't be judged.",
    ),
    "load_small": (
        "Tải quá nhỏ ({amps} A, cần ít nhất {least} A): không kết luận về chiều được. Chạy lại khi có tải.",
        "The load is too small ({amps} A, at least {least} A are needed) to judge directions. Run again under load.",
    ),
    "current_idle": (
        "{phases} không có dòng trong khi pha khác có tải: không có tải, hay biến dòng bị hở hoặc nối tắt? Dùng ampe kìm.",
        "{phases} shows no current while others carry load: no load, or a transformer open or shorted? Use a clamp.",
    ),
    "looks_like_two": (
        "Phần tử giữa không đo công suất dù có dòng: giống mạch ba dây hai biến dòng. Chạy lại với --wires 3.",
        ("The middle element measures no power though current flows: this looks like three wires with two transformers."
        " Run again with --wires 3."),
    ),
    "no_power": (
        "Có dòng nhưng gần như không có công suất ({factors}): máy biến áp không tải, hoặc mọi biến dòng lệch một pha.",
        "Current flows but hardly any power ({factors}): an idle transformer, or every CT is one phase off.",
    ),
    "all_leading": (
        "Mọi pha đều vượt trước nhiều ({factors}): bù dư, hoặc mọi biến dòng lệch một pha. Cắt tụ bù rồi chạy lại.",
        ("Every phase leads far ({factors}): too much compensation, or every CT is one phase off. Switch the capacitors"
        " off and run again."),
    ),
    "angles_apart": (
        "Góc của các pha khác nhau nhiều hơn tải thường có ({factors}): kiểm tra thứ tự và chiều biến dòng bằng ampe kìm.",
        "The phases' angles differ more than loads usually do ({factors}): check order and direction of the CTs by hand.",
    ),
    "direction_ok": ("Hệ số công suất {factors}.", "Power factors {factors}."),
    "two_ok": (
        "Hai biến dòng, hai phần tử lệch nhau 60° như phải có ({factors}).",
        "Two transformers, the elements 60° apart as they must be ({factors}).",
    ),
    "one_element": (
        "Chỉ một phần tử có tải ({factors}): không xét được sơ đồ hai biến dòng.",
        "Only one element carries load ({factors}): the two can't be compared.",
    ),
    "two_unclear": (
        "Góc của hai phần tử ({factors}) không hợp với sơ đồ nào: đo lại khi tải ổn định, kiểm tra bằng tay.",
        "The angles of the two elements ({factors}) fit no wiring: repeat under a steady load, check by hand.",
    ),
    "export_ok": (
        "Công suất đi ra ({factors}), như đã cho biết là có thể.",
        "Power flows out ({factors}), as you said it can.",
    ),
    "all_negative": (
        ("Mọi pha đều âm ({factors}): đang phát điện ra, hay tất cả biến dòng ngược? Trả lời bằng --generation yes hoặc no."
        "{cause_text}"),
        ("Every phase is negative ({factors}): is power flowing out, or are all CTs turned round? Answer with"
        " --generation yes or no.{cause_text}"),
    ),
    "mixed_generation": (
        "{phases} âm ({factors}): nguồn phát nằm trên pha đó, hay biến dòng ngược? Tắt nguồn phát rồi chạy lại.{cause_text}",
        ("{phases} is negative ({factors}): does the generator feed that phase, or is its CT turned round? Switch it off"
        " and run again.{cause_text}"),
    ),
    "mixed_signs": (
        "{phases} âm trong khi pha khác dương ({factors}).{cause_text} Nếu có nguồn phát một pha, thêm --generation yes.",
        ("{phases} is negative while others are positive ({factors}).{cause_text} With a single-phase generator on site,"
        " add --generation yes."),
    ),
    "wired_wrong": (
        "Hệ số công suất {factors} không hợp với tải nào.{cause_text}",
        "Power factors {factors} fit no load.{cause_text}",
    ),
    "sum_small": ("Công suất quá nhỏ để cộng ({phases} W).", "Too little power to add up ({phases} W)."),
    "sum_ok": ("{phases} W, tổng của đồng hồ {total} W.", "{phases} W, the meter's total {total} W."),
    "sum_absolute": (
        ("Tổng {total} W là tổng các giá trị tuyệt đối, các pha cộng lại là {phases} W: đồng hồ tính cả chiều ngược là"
        " tiêu thụ."),
        ("The total {total} W adds the sizes, the phases add up to {phases} W: the meter counts the reverse direction as"
        " consumption."),
    ),
    "sum_apart": (
        "Các pha cộng lại {phases} W, tổng của đồng hồ {total} W: cấu hình sai hoặc các số không cùng thang.",
        "The phases add up to {phases} W, the meter's total is {total} W: the profile is wrong, or the scales differ.",
    ),
    "energy_small": (
        "Trong {seconds} s số đếm phải tăng {want} kWh: ít hơn bước của nó. Cần khoảng {needed} s (--seconds).",
        ("In {seconds} s the counter should move {want} kWh: too little for its step. About {needed} s are needed"
        " (--seconds)."),
    ),
    "energy_ok": ("{got} kWh trong {seconds} s, công suất cho {want} kWh.", "{got} kWh in {seconds} s, the power gives {want} kWh."),
    "energy_apart": (
        ("Số đếm tăng {got} kWh trong {seconds} s, công suất cho {want} kWh (hệ số {factor}): thang của công suất hoặc của"
        " điện năng sai."),
        ("The counter moved {got} kWh in {seconds} s, the power gives {want} kWh (a factor of {factor}): the scale of power"
        " or of energy is wrong."),
    ),
}  # fmt: skip

_CAUSES: Final[dict[str, tuple[str, str]]] = {
    "reversed": (
        "biến dòng L{0} ngược chiều: đổi chỗ hai dây S1 và S2 (k và l) của nó",
        "the CT of L{0} is turned round: exchange its two wires S1 and S2 (k and l)",
    ),
    "crossed": (
        "dòng và áp của L{0} lẫn nhau: đổi chỗ hai biến dòng, hoặc hai dây áp",
        "current and voltage of L{0} are mixed up: exchange the two CTs, or the two voltage leads",
    ),
    "rotated": (
        "mọi biến dòng lệch sang pha bên cạnh: dời cả ba đôi dây biến dòng sang pha kế, thử cả hai hướng",
        "every CT is on the next phase: move all three pairs of CT wires on by one phase, one way or the other",
    ),
    "sequence": (
        "thứ tự pha ngược: đổi chỗ hai dây áp",
        "the phases rotate the other way: exchange two voltage leads",
    ),
}
_CARE: Final = (
    " Nối tắt thứ cấp biến dòng trước khi tháo dây của nó: hở mạch khi có tải sinh điện áp nguy hiểm.",
    " Short a CT's secondary before taking its wires off: open under load it makes a deadly voltage.",
)


def label(check: Check, language: Language) -> str:
    """The name of what was looked at."""
    return LABELS[check.name][language == "en"]


def sign(check: Check, language: Language) -> str:
    """The outcome as one word."""
    return SIGNS[check.status.value][language == "en"]


def sentence(check: Check, language: Language) -> str:
    """What came out, with its evidence and what to do."""
    values = {**check.values, "cause_text": _causes(str(check.values.get("causes", "")), language)}
    return TEXTS[check.text][language == "en"].format(**values)


def _causes(codes: str, language: Language) -> str:
    if not codes:
        return ""
    english = language == "en"
    told = []
    for cause in codes.split("|"):
        parts = []
        for fault in cause.split("+"):
            name, _, phases = fault.partition(" ")
            parts.append(
                _CAUSES[name][english].format(phases.replace("-", (" and L" if english else " và L")))
            )
        told.append(("; and " if english else "; và ").join(parts))
    joined = (". Or: " if english else ". Hoặc: ").join(told)
    return f" {'Most likely' if english else 'Có lẽ'}: {joined}.{_CARE[english]}"
