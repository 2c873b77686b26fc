"""The findings and refusals of isolated measures: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def load_differs(side: str, start: str, load: float, low: float, high: float) -> Finding:
    """A run left out because its load does not match."""
    side_vi = {"before": "trước", "after": "sau"}[side]
    return Finding(
        "load_differs",
        f"The run of {start} ({side}) is left out: its load of {number(load, 2)} is outside {number(low, 2)} to "
        f"{number(high, 2)}.",
        f"Bỏ lượt đo {start} ({side_vi}): tải {number(load, 2, 'vi')} nằm ngoài {number(low, 2, 'vi')} đến "
        f"{number(high, 2, 'vi')}.",
        {"side": side, "start": start, "load": load, "low": low, "high": high},
    )


def no_scatter(side: str, n: int) -> Finding:
    """Runs that agree to the last digit."""
    side_vi = {"before": "trước", "after": "sau"}[side]
    return Finding(
        "no_scatter",
        f"All {n} runs {side} give the same value: real runs scatter. Were figures copied?",
        f"Cả {n} lượt đo {side_vi} cho cùng một giá trị: đo thật phải có phân tán. Có phải số liệu bị chép lại?",
        {"side": side, "runs": n},
    )


def not_shown(change: float, smallest: float, unit: str) -> Finding:
    """A change that this pair of measurements can't tell from none."""
    return Finding(
        "change_not_shown",
        f"The change of {number(change, 2)} {unit} is within what this pair of measurements can show "
        f"(±{number(smallest, 2)} {unit}): it can't be told apart from none.",
        f"Thay đổi {number(change, 2, 'vi')} {unit} nhỏ hơn mức mà cặp phép đo này phân biệt được "
        f"(±{number(smallest, 2, 'vi')} {unit}): không thể phân biệt với không thay đổi.",
        {"change": change, "smallest": smallest, "unit": unit},
    )


def below_spot_pair(change: float, limit: float) -> Finding:
    """A change that one spot reading a side could never show."""
    return Finding(
        "below_spot_pair",
        f"The change of {number(change, 2)} points is below {number(limit, 2)} points (√2 times the analyser's margin): one "
        "spot reading on each side could not show it; what may show it here are the separated runs and the limits stated for "
        "the instruments.",
        f"Thay đổi {number(change, 2, 'vi')} điểm nhỏ hơn {number(limit, 2, 'vi')} điểm (√2 lần sai số máy đo): một cặp lần đo "
        "đơn lẻ không thể hiện được; ở đây chỉ có thể nhờ đo nhiều lượt tách biệt và giới hạn sai số đã nêu của máy đo.",
        {"change": change, "limit": limit},
    )


def drift_unknown(instruments: Sequence[str], smallest: float, stable: float, unit: str) -> Finding:
    """The same instrument on two days, with nothing said of what it did in between."""
    text = ", ".join(instruments)
    return Finding(
        "drift_unknown",
        f"{text}: nothing is said of its drift between the days, so its errors on the two days are taken as not the same "
        f"(smallest change {number(smallest, 2)} {unit}). Checked with test gas or a reference on both days, with its drift "
        f"stated, this pair could show {number(stable, 2)} {unit} at best.",
        f"{text}: chưa nêu độ trôi giữa hai ngày, nên sai số hai ngày được coi là không giống nhau (thay đổi nhỏ nhất phân biệt "
        f"được: {number(smallest, 2, 'vi')} {unit}). Nếu kiểm tra bằng khí chuẩn hoặc chuẩn đối chiếu ở cả hai ngày và nêu độ "
        f"trôi, cặp phép đo này tốt nhất có thể phân biệt {number(stable, 2, 'vi')} {unit}.",
        {
            "instruments": text,
            "count": len(instruments),
            "smallest": smallest,
            "stable": stable,
            "unit": unit,
        },
    )


def mounted_anew(clamps: Sequence[str], smallest: float, stable: float, unit: str) -> Finding:
    """A clamp put on at both visits, with nothing said of its having stayed."""
    text = ", ".join(clamps)
    return Finding(
        "mounted_anew",
        f"{text}: clamped on anew at each visit, so its errors on the two days are taken as not the same (smallest change "
        f"{number(smallest, 2)} {unit}). Left in place between the tests, and said so, this pair could show "
        f"{number(stable, 2)} {unit} at best.",
        f"{text}: được kẹp lại ở mỗi lần đo, nên sai số hai ngày được coi là không giống nhau (thay đổi nhỏ nhất phân biệt "
        f"được: {number(smallest, 2, 'vi')} {unit}). Nếu để nguyên tại chỗ giữa hai lần đo và nêu rõ điều đó, cặp phép đo này "
        f"tốt nhất có thể phân biệt {number(stable, 2, 'vi')} {unit}.",
        {
            "instruments": text,
            "count": len(clamps),
            "smallest": smallest,
            "stable": stable,
            "unit": unit,
        },
    )


def worse(change: float, unit: str) -> Finding:
    """After the measure it is worse than before."""
    return Finding(
        "negative_saving",
        f"After the measure more is used than before (change {number(change, 2)} {unit}).",
        f"Sau giải pháp mức tiêu thụ cao hơn trước (thay đổi {number(change, 2, 'vi')} {unit}).",
        {"change": change, "unit": unit},
    )


def stipulated_dominates(share: float) -> Finding:
    """Most of the uncertainty is in figures nobody measured."""
    return Finding(
        "stipulated_dominates",
        f"{number(100 * share)} % of the variance is in stipulated figures: measuring them would help most.",
        f"{number(100 * share)} % phương sai nằm ở các giá trị quy ước: đo các giá trị này sẽ có ích nhất.",
        {"share": share},
    )


def refuse_few_runs(side: str, runs: int, needed: int, why: str = "", why_vi: str = "") -> Refusal:
    """Too few separated steady runs on one side."""
    side_vi = {"before": "trước", "after": "sau"}[side]
    return Refusal(
        "too_few_runs",
        f"{needed} separated steady runs are needed {side} the measure, {runs} are there: {needed - runs} more. {why}".strip(),
        f"Cần {needed} lượt đo ổn định, tách biệt {side_vi} giải pháp, hiện có {runs}: còn thiếu {needed - runs}. {why_vi}".strip(),
        {"side": side, "runs": runs, "needed": needed, "missing": needed - runs},
    )


def refuse_loads(before: float, after: float, limit_pct: float) -> Refusal:
    """The two sides were measured at different loads."""
    return Refusal(
        "loads_not_matched",
        f"The loads don't match: {number(before, 2)} before, {number(after, 2)} after (±{number(limit_pct)} % is allowed). "
        "Measure again at the load of before.",
        f"Tải không khớp: {number(before, 2, 'vi')} trước, {number(after, 2, 'vi')} sau (cho phép ±{number(limit_pct)} %). "
        "Hãy đo lại ở mức tải như trước.",
        {"before": before, "after": after, "limit_pct": limit_pct},
    )


def refuse_basis(before: str, after: str) -> Refusal:
    """Net against gross."""
    return Refusal(
        "basis_differs",
        f'The efficiencies are on different bases ("{before}" and "{after}"): they can\'t be compared.',
        f'Hai hiệu suất tính trên cơ sở khác nhau ("{before}" và "{after}"): không so sánh được.',
        {"before": before, "after": after},
    )


def refuse_losses(before: str, after: str) -> Refusal:
    """A loss counted on one side only."""
    return Refusal(
        "losses_differ",
        f"The losses are not treated alike: {before or 'none'} before, {after or 'none'} after.",
        f"Các tổn thất không được tính như nhau: trước {before or 'không có'}, sau {after or 'không có'}.",
        {"before": before, "after": after},
    )


def refuse_order(before: str, after: str) -> Refusal:
    """The runs after the measure are not after those before it."""
    return Refusal(
        "sides_overlap",
        f"The runs after ({after}) begin before those before have ended ({before}).",
        f"Các lượt đo sau ({after}) bắt đầu trước khi các lượt đo trước kết thúc ({before}).",
        {"before": before, "after": after},
    )


def refuse_value(side: str, value: float) -> Refusal:
    """A specific power or an efficiency that is not above zero."""
    return Refusal(
        "value_range",
        f"The value {side} the measure is {number(value, 3)}: nothing can be compared with it.",
        f"Giá trị {({'before': 'trước', 'after': 'sau'})[side]} giải pháp là {number(value, 3, 'vi')}: không so sánh được.",
        {"side": side, "value": value},
    )


def refuse_no_uncertainty(name: str) -> Refusal:
    """A stipulated figure without its uncertainty."""
    return Refusal(
        "uncertainty_not_stated",
        f'"{name}" is stipulated without its uncertainty and basis: a saving made from it would look surer than it is.',
        f'"{name}" được quy ước mà không nêu độ không đảm bảo và cơ sở: mức tiết kiệm tính từ đó sẽ có vẻ chắc chắn hơn thực tế.',
        {"name": name},
    )


def refuse_wet_o2(fuel: str) -> Refusal:
    """Wet oxygen, and a fuel nobody analysed."""
    return Refusal(
        "wet_o2_needs_analysis",
        f'"{fuel}" has no analysis, so that the oxygen of wet gas can\'t be turned into that of dry gas. Measure dry gas.',
        f'"{fuel}" không có thành phần nguyên tố nên không quy đổi được O₂ của khói ẩm sang khói khô. Hãy đo khói khô.',
        {"fuel": fuel},
    )


def refuse_amount(name: str, value: float) -> Refusal:
    """A yearly amount that is none."""
    return Refusal(
        "amount_range",
        f"{name} is {number(value, 2)}: a saved share makes energy only of an amount above zero.",
        f"{name} là {number(value, 2, 'vi')}: phần trăm tiết kiệm chỉ quy ra năng lượng khi lượng sử dụng lớn hơn 0.",
        {"name": name, "value": str(value)},
    )


def refuse_nothing_measured() -> Refusal:
    """Option A without a measured key parameter."""
    return Refusal(
        "nothing_measured",
        "Nothing is measured: option A needs at least the key parameter measured; all else is an estimate.",
        "Chưa đo gì: phương án A cần đo ít nhất thông số chính; nếu không chỉ là ước tính.",
    )


def refuse_stipulated_in_b(names: Sequence[str]) -> Refusal:
    """Option B with something nobody measured."""
    text = ", ".join(names)
    return Refusal(
        "stipulated_in_b",
        f"Option B measures every parameter; stipulated here: {text}. Call it option A, or measure them.",
        f"Phương án B phải đo mọi thông số; ở đây quy ước: {text}. Hãy gọi là phương án A, hoặc đo chúng.",
        {"names": text},
    )


def refuse_formula() -> Refusal:
    """A formula that gives no number at the measured values."""
    return Refusal(
        "no_result",
        "The formula gives no number at these values or within their uncertainty (a division by zero?).",
        "Công thức không cho kết quả tại các giá trị này hoặc trong khoảng sai số của chúng (chia cho 0?).",
    )


def refuse_missing(name: str) -> Refusal:
    """A measured parameter without usable values."""
    return Refusal(
        "value_missing",
        f'"{name}" has fewer than three usable values.',
        f'"{name}" có ít hơn ba giá trị dùng được.',
        {"name": name},
    )


def values_left_out(name: str, count: int, total: int) -> Finding:
    """Runs in which a parameter was not measured."""
    return Finding(
        "values_left_out",
        f'{count} of {total} values of "{name}" are no numbers and are left out.',
        f'{count} trong {total} giá trị của "{name}" không phải là số và được bỏ qua.',
        {"name": name, "left_out": count, "values": total},
    )


def instrument_not_stated(name: str) -> Finding:
    """A measured parameter of which only the scatter is known."""
    return Finding(
        "instrument_not_stated",
        f'Nothing is said of what "{name}" was measured with: only its scatter is in the uncertainty.',
        f'Chưa nêu "{name}" được đo bằng thiết bị nào: độ không đảm bảo chỉ gồm độ phân tán.',
        {"name": name},
    )


def refuse_no_spread() -> Refusal:
    """Identical figures and no instrument error left: no uncertainty can be given."""
    return Refusal(
        "no_uncertainty",
        "The runs don't scatter and no instrument error is left: there is nothing to say how sure the saving is. "
        "Were figures copied? State the instruments and repeat the runs.",
        "Các lượt đo không phân tán và không còn sai số thiết bị: không thể nói mức tiết kiệm chắc chắn đến đâu. "
        "Có phải số liệu bị chép lại? Hãy nêu thiết bị đo và đo lại.",
    )
