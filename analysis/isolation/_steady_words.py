"""The findings of steady runs: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from analysis.results import Finding, Refusal
from dodac.words import number_text as number

_CHANNEL_VI = {
    "o2_pct": "O₂",
    "t_flue_c": "nhiệt độ khói",
    "t_air_c": "nhiệt độ không khí",
    "load": "tải",
    "power_kw": "công suất",
    "flow_nm3_min": "lưu lượng khí nén",
    "flow_m3_h": "lưu lượng",
    "pressure_bar": "áp suất",
}


def channel_vi(channel: str) -> str:
    """A channel as Vietnamese readers call it."""
    return _CHANNEL_VI.get(channel, channel)


def stretch_short(start: str, minutes: float, needed: float) -> Finding:
    """A stretch of samples too short to show a steady state."""
    return Finding(
        "stretch_short",
        f"The samples from {start} last {number(minutes, 1)} of the {number(needed)} minutes a run needs.",
        f"Các mẫu từ {start} chỉ kéo dài {number(minutes, 1, 'vi')} trong {number(needed)} phút cần cho một lượt đo.",
        {"start": start, "minutes": minutes, "needed": needed},
    )


def few_samples(start: str, samples: int, needed: int) -> Finding:
    """Too few samples to see whether anything moved."""
    return Finding(
        "few_samples",
        f"The window from {start} has {samples} samples, {needed} are needed to see whether it was steady.",
        f"Khoảng đo từ {start} có {samples} mẫu, cần {needed} mẫu để biết có ổn định hay không.",
        {"start": start, "samples": samples, "needed": needed},
    )


def unsteady(start: str, channel: str, moved: float, band: float) -> Finding:
    """No window of the stretch was steady; the best one, and what moved in it."""
    return Finding(
        "unsteady",
        f"From {start} on nothing was steady: in the best window {channel} moved by ±{number(moved, 2)}, "
        f"±{number(band, 2)} is allowed.",
        f"Từ {start} không có khoảng nào ổn định: ở khoảng tốt nhất, {channel_vi(channel)} dao động "
        f"±{number(moved, 2, 'vi')}, cho phép ±{number(band, 2, 'vi')}.",
        {"start": start, "channel": channel, "moved": moved, "band": band},
    )


def too_close(start: str, minutes: float, needed: float) -> Finding:
    """A stretch so soon after a run that it is the same run."""
    return Finding(
        "too_close",
        f"The samples from {start} begin {number(minutes, 1)} minutes after a run; {number(needed)} minutes must lie "
        "between two: they are the same run.",
        f"Các mẫu từ {start} bắt đầu {number(minutes, 1, 'vi')} phút sau lượt đo trước; hai lượt phải cách nhau "
        f"{number(needed)} phút: coi là cùng một lượt.",
        {"start": start, "minutes": minutes, "needed": needed},
    )


def too_much_oxygen(start: str, o2_pct: float, limit: float) -> Finding:
    """A stretch in which the probe saw more air than flue gas."""
    return Finding(
        "too_much_oxygen",
        f"From {start} on O₂ was {number(o2_pct, 1)} vol%, above {number(limit)} %: false air, or no load.",
        f"Từ {start}, O₂ là {number(o2_pct, 1, 'vi')} vol%, trên {number(limit)} %: lọt khí hoặc lò không tải.",
        {"start": start, "o2_pct": o2_pct, "limit": limit},
    )


def too_little_oxygen(start: str, o2_pct: float, limit: float) -> Finding:
    """Less oxygen than any boiler burns with: a fraction taken for per cent, or no flue gas."""
    return Finding(
        "too_little_oxygen",
        f"From {start} on O₂ was {number(o2_pct, 2)} vol%, below {number(limit, 1)} %: is it written as a fraction "
        "(0.06 for 6 %), or was the probe not in the flue gas?",
        f"Từ {start}, O₂ là {number(o2_pct, 2, 'vi')} vol%, dưới {number(limit, 1, 'vi')} %: có phải ghi dạng thập phân "
        "(0,06 thay cho 6 %), hay đầu đo không nằm trong khói?",
        {"start": start, "o2_pct": o2_pct, "limit": limit},
    )


def copied(start: str, earlier: str) -> Finding:
    """A run whose readings are those of another one to the last digit."""
    return Finding(
        "copied_run",
        f"The readings from {start} are those from {earlier} to the last digit: one run copied, it counts once.",
        f"Các số đo từ {start} trùng từng chữ số với số đo từ {earlier}: một lượt đo bị chép lại, chỉ tính một lần.",
        {"start": start, "earlier": earlier},
    )


def frozen(start: str, samples: int) -> Finding:
    """A run in which no reading moved at all."""
    return Finding(
        "readings_frozen",
        f"In the run of {start} all {samples} samples are the same: did the instrument hold its display?",
        f"Trong lượt đo {start}, cả {samples} mẫu đều giống nhau: máy đo có đang giữ (hold) số hiển thị không?",
        {"start": start, "samples": samples},
    )


def partly_read(start: str, channel: str, read: int, samples: int) -> Finding:
    """A channel beside the steady ones that was read in a part of a run only."""
    return Finding(
        "partly_read",
        f"In the run of {start} {channel} was read in {read} of {samples} samples; its mean is of those. If it went "
        "beyond its range in the others, the mean is too low.",
        f"Trong lượt đo {start}, {channel_vi(channel)} chỉ đọc được ở {read} trong {samples} mẫu; trị trung bình tính từ các "
        "mẫu đó. Nếu các mẫu còn lại vượt thang đo thì trị trung bình bị thấp.",
        {"start": start, "channel": channel, "read": read, "samples": samples},
    )


def not_running(start: str, channel: str) -> Finding:
    """A stretch without load."""
    return Finding(
        "not_running",
        f"From {start} on {channel} was not above zero: the machine was not at load.",
        f"Từ {start}, {channel_vi(channel)} không lớn hơn 0: máy không mang tải.",
        {"start": start, "channel": channel},
    )


def steady_not_shown(kind: str) -> Finding:
    """Runs written down by hand, one figure each."""
    return Finding(
        "steady_not_shown",
        "The runs were written down as one figure each: that the plant was steady is the technician's word.",
        "Mỗi lượt đo chỉ ghi một giá trị: trạng thái ổn định là theo lời kỹ thuật viên.",
        {"kind": kind},
    )


def refuse_channel(channel: str, kind: str) -> Refusal:
    """A channel without which the test says nothing."""
    return Refusal(
        "channel_missing",
        f'A test of a {kind} needs "{channel}" in every run.',
        f"Phép đo này cần {channel_vi(channel)} trong mọi lượt đo.",
        {"channel": channel, "kind": kind},
    )
