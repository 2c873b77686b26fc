"""The refusals and findings of readings, efficiencies and limits: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from analysis.results import Finding, Refusal

_LOSSES_VI = {
    "dry_flue_gas": "khói khô",
    "fuel_hydrogen": "hydro trong nhiên liệu",
    "fuel_moisture": "ẩm của nhiên liệu",
    "air_moisture": "ẩm của không khí",
    "co": "CO",
    "radiation": "bức xạ",
    "unburnt_fly_ash": "cháy không hết trong tro bay",
    "unburnt_bottom_ash": "cháy không hết trong xỉ",
    "sensible_ash": "nhiệt của tro xỉ",
    "unaccounted": "không xác định",
    "blowdown": "xả đáy",
    "condensation": "ngưng tụ",
}
_BASES_VI = {"net": "thấp", "gross": "cao"}


def comma(value: float, form: str) -> str:
    """A number in a format, with the decimal comma of Vietnamese."""
    return format(value, form).replace(".", ",")


def no_flue_gas(o2_pct: float) -> Refusal:
    """O₂ that is air, negative or missing."""
    return Refusal(
        "no_flue_gas",
        f"O₂ of {o2_pct:.1f} vol% is no flue gas: the probe is in air, leaks, or is not zeroed.",
        f"O₂ {comma(o2_pct, '.1f')} vol% không phải khói lò: đầu đo ở ngoài không khí, bị hở, hoặc chưa chỉnh không.",
        {"o2_pct": o2_pct},
    )


def co2_impossible(co2_pct: float, co2_max_pct: float) -> Refusal:
    """CO₂ that this fuel can't give."""
    return Refusal(
        "co2_impossible",
        f"CO₂ of {co2_pct:.1f} vol% can't be with this fuel (0 … {co2_max_pct:.1f}): wrong fuel, or a fault of the "
        "analyser.",
        f"CO₂ {comma(co2_pct, '.1f')} vol% không thể có với nhiên liệu này (0 … {comma(co2_max_pct, '.1f')}): chọn sai nhiên liệu, "
        "hoặc máy đo lỗi.",
        {"co2_pct": co2_pct, "co2_max_pct": co2_max_pct},
    )


def neither_o2_nor_co2() -> Refusal:
    """A reading without either gas."""
    return Refusal(
        "missing_value",
        "Neither O₂ nor CO₂ was measured: there is nothing to tell the excess air by.",
        "Không đo O₂ cũng không đo CO₂: không có gì để tính hệ số không khí thừa.",
    )


def missing_value() -> Refusal:
    """A temperature or the CO is not a number."""
    return Refusal(
        "missing_value",
        "A temperature or the CO of this reading is missing.",
        "Thiếu nhiệt độ hoặc CO trong lần đo này.",
    )


def flue_not_hot(t_flue_c: float, t_air_c: float) -> Refusal:
    """The flue gas is colder than the air."""
    return Refusal(
        "flue_not_hot",
        f"The flue gas ({t_flue_c:.1f} °C) is not hotter than the air ({t_air_c:.1f} °C): the burner is off, or "
        "the probes are swapped (testo's German AT is the flue gas, its English AT the air).",
        f"Khói ({comma(t_flue_c, '.1f')} °C) không nóng hơn không khí ({comma(t_air_c, '.1f')} °C): lò không đốt hoặc cắm nhầm đầu đo "
        "(AT tiếng Đức của testo là khói, AT tiếng Anh là không khí).",
        {"t_flue_c": t_flue_c, "t_air_c": t_air_c},
    )


def temperature_impossible(t_c: float) -> Refusal:
    """A temperature no flue and no air has."""
    return Refusal(
        "temperature_impossible",
        f"A temperature of {t_c:.0f} °C can't be here: is it in °F or K, or is the probe broken?",
        f"Nhiệt độ {comma(t_c, '.0f')} °C không thể có ở đây: có phải là °F hoặc K, hay đầu đo hỏng?",
        {"t_c": t_c},
    )


def negative_co(co_ppm: float) -> Refusal:
    """CO far below zero."""
    return Refusal(
        "negative_co",
        f"CO of {co_ppm:.0f} ppm is below zero: the cell is not zeroed.",
        f"CO {comma(co_ppm, '.0f')} ppm nhỏ hơn không: cảm biến chưa chỉnh không.",
        {"co_ppm": co_ppm},
    )


def no_efficiency_left(efficiency_pct: float) -> Refusal:
    """Losses above the heat that goes in."""
    return Refusal(
        "losses_above_all",
        f"The losses come to more than the heat of the fuel (efficiency {efficiency_pct:.0f} %): a reading, the air "
        "leaking in, or the fuel is wrong.",
        f"Tổng tổn thất lớn hơn nhiệt của nhiên liệu (hiệu suất {comma(efficiency_pct, '.0f')} %): số đo, không khí lọt, "
        "hoặc nhiên liệu sai.",
        {"efficiency_pct": efficiency_pct},
    )


def too_much_oxygen(o2_pct: float, limit_pct: float) -> Refusal:
    """No correction to reference oxygen above this O₂."""
    return Refusal(
        "too_much_oxygen",
        f"O₂ is {o2_pct:.1f} vol%: above {limit_pct:.0f} vol% nothing is stated at "
        "reference oxygen. Look for false air, or measure at load.",
        f"O₂ là {comma(o2_pct, '.1f')} vol%: trên {comma(limit_pct, '.0f')} vol% không quy đổi về oxy chuẩn. "
        "Hãy tìm chỗ lọt khí, hoặc đo khi lò có tải.",
        {"o2_pct": o2_pct, "limit_pct": limit_pct},
    )


def value_impossible(what: str, value: float) -> Refusal:
    """A given figure that is missing, negative or too large."""
    return Refusal(
        "value_impossible",
        f"{what} = {value:g} can't be: give a number on the scale the documentation names.",
        f"{what} = {comma(value, 'g')} là không thể: hãy nhập giá trị theo đơn vị nêu trong tài liệu.",
        {"what": what, "value": value},
    )


def co_impossible(co_ppm: float) -> Refusal:
    """More CO than any flue gas holds."""
    return Refusal(
        "co_impossible",
        f"CO of {co_ppm:.0f} ppm is more than a flue gas can hold: is it in another unit, or is the cell overloaded?",
        f"CO {comma(co_ppm, '.0f')} ppm cao hơn mức có thể có trong khói: có sai đơn vị, hoặc cảm biến quá tải không?",
        {"co_ppm": co_ppm},
    )


def co_in_percent(co_ppm: float) -> Finding:
    """CO below one ppm but not zero: no analyser shows that, a percentage does."""
    return Finding(
        "co_unit",
        f"CO of {co_ppm:g} ppm: analysers show whole ppm. Is it percent ({co_ppm * 1e4:.0f} ppm)?",
        f"CO {comma(co_ppm, 'g')} ppm: máy đo chỉ hiện số nguyên ppm. Có phải là phần trăm ({comma(co_ppm * 1e4, '.0f')} ppm) không?",
        {"co_ppm": co_ppm},
    )


def diluted(o2_pct: float) -> Finding:
    """Far more air than a burner at load has."""
    return Finding(
        "diluted",
        f"O₂ of {o2_pct:.1f} vol% is far above that of a burner at load: look for false air. "
        "The loss is uncertain by 2 points or more here.",
        f"O₂ {comma(o2_pct, '.1f')} vol% cao hơn nhiều so với lò có tải: hãy tìm chỗ lọt khí. "
        "Tổn thất ở đây có sai số từ 2 điểm phần trăm trở lên.",
        {"o2_pct": o2_pct},
    )


def gases_disagree(co2_pct: float, expected_pct: float) -> Finding:
    """CO₂ measured is not the one that O₂ and the fuel give."""
    return Finding(
        "gases_disagree",
        f"CO₂ is {co2_pct:.1f} vol%, O₂ and the fuel say {expected_pct:.1f}: false air between the probes, the wrong "
        "fuel, much CO, or an analyser out of adjustment.",
        f"CO₂ đo được {comma(co2_pct, '.1f')} vol%, còn O₂ và nhiên liệu cho {comma(expected_pct, '.1f')}: có khí lọt, chọn sai nhiên "
        "liệu, nhiều CO, hoặc máy đo lệch.",
        {"co2_pct": co2_pct, "expected_pct": expected_pct},
    )


def condensing(gain_pct: float, dew_c: float) -> Finding:
    """The flue gas is below its dew point, and the gain counts only where the water does condense."""
    return Finding(
        "condensing",
        f"The flue gas is below its dew point ({dew_c:.0f} °C): {gain_pct:.1f} % is added for condensation. That "
        "is true only where condensate does leave the boiler.",
        f"Khói nằm dưới điểm sương ({comma(dew_c, '.0f')} °C): cộng thêm {comma(gain_pct, '.1f')} % do ngưng tụ. Chỉ đúng khi thực tế "
        "có nước ngưng chảy ra khỏi lò.",
        {"gain_pct": gain_pct, "dew_c": dew_c},
    )


def co_not_in_it() -> Finding:
    """CO was measured, but no constant turns it into a loss."""
    return Finding(
        "co_without_constant",
        "No source gives a constant for the CO loss of this fuel: it is not in the efficiency.",
        "Không có nguồn cho hằng số tổn thất CO của nhiên liệu này: hiệu suất chưa trừ tổn thất CO.",
    )


def efficiency_range(value: float) -> Refusal:
    """An efficiency outside (0, 115] %."""
    return Refusal(
        "efficiency_range",
        f"An efficiency of {value:.1f} % can't be.",
        f"Hiệu suất {comma(value, '.1f')} % là không thể.",
        {"efficiency_pct": value},
    )


def basis_differs(before: str, after: str) -> Refusal:
    """Gross against net."""
    return Refusal(
        "basis_differs",
        f"One efficiency is on the {before}, the other on the {after} heating value: they can't be compared.",
        f"Một hiệu suất tính theo nhiệt trị {_BASES_VI[before]}, hiệu suất kia theo nhiệt trị {_BASES_VI[after]}: "
        "không so sánh được.",
        {"before": before, "after": after},
    )


def losses_differ(before: frozenset[str], after: frozenset[str]) -> Refusal:
    """Losses counted on one side alone."""
    only_before, only_after = ", ".join(sorted(before - after)), ", ".join(sorted(after - before))
    vi_before, vi_after = (
        ", ".join(_LOSSES_VI.get(name, name) for name in sorted(side))
        for side in (before - after, after - before)
    )
    return Refusal(
        "losses_differ",
        f"The two efficiencies do not count the same losses (only before: {only_before or '-'}; only after: "
        f"{only_after or '-'}): the difference would be no saving.",
        f"Hai hiệu suất không tính cùng các tổn thất (chỉ trước: {vi_before or '-'}; chỉ sau: "
        f"{vi_after or '-'}): chênh lệch không phải là tiết kiệm.",
        {"only_before": only_before, "only_after": only_after},
    )


def method_differs(before: str, after: str) -> Refusal:
    """Two ways of calculating, or two fuels' constants, on the two sides."""
    return Refusal(
        "method_differs",
        f"The two efficiencies come by different methods or fuels ({before}; {after}): state both by one.",
        f"Hai hiệu suất tính theo phương pháp hoặc nhiên liệu khác nhau ({before}; {after}): hãy dùng cùng một cách.",
        {"before": before, "after": after},
    )


def not_told_apart(difference: float, half_width: float) -> Finding:
    """The change is inside the uncertainty."""
    return Finding(
        "not_told_apart",
        f"The saving ({difference:.2%}) is smaller than its uncertainty (± {half_width:.2%}): this pair of "
        "measurements can't tell it from nothing.",
        f"Mức tiết kiệm ({comma(difference, '.2%')}) nhỏ hơn độ không đảm bảo (± {comma(half_width, '.2%')}): cặp phép đo này không "
        "phân biệt được với không tiết kiệm.",
        {"fraction": difference, "half_width": half_width},
    )


def no_output(value: float) -> Refusal:
    """Fuel or output that is not above zero."""
    return Refusal(
        "no_output",
        f"Fuel use and output must be above zero ({value:g} given): a saving is stated per steam or product.",
        f"Lượng nhiên liệu và sản lượng phải lớn hơn không (đã cho {comma(value, 'g')}): tiết kiệm được tính theo hơi hoặc "
        "sản phẩm.",
        {"value": value},
    )


def no_limit(pollutant: str, regulation: str, known: str) -> Refusal:
    """The table has no limit for that case; known: what it does hold."""
    return Refusal(
        "no_limit",
        f"The tables hold no limit of {regulation} for {pollutant} in this case. They hold: {known}.",
        f"Bảng số liệu không có giới hạn của {regulation} cho {pollutant} trong trường hợp này. Bảng có: {known}.",
        {"pollutant": pollutant, "regulation": regulation},
    )


def needs(what: str, what_vi: str) -> Refusal:
    """A statement that can't be made without one more figure."""
    return Refusal("missing_value", f"{what} is needed for this.", f"Cần có {what_vi}.", {"what": what})


def wet_basis() -> Refusal:
    """A concentration in wet gas where the limit is dry."""
    return Refusal(
        "wet_gas",
        "The concentration is in wet gas and the limit in dry gas: dry it first (dry_from_wet).",
        "Nồng độ đo trong khói ẩm còn giới hạn theo khói khô: hãy quy về khói khô trước (dry_from_wet).",
    )
