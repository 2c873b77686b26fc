"""The refusals and findings of combustion: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from analysis.results import Finding, Refusal


def no_flue_gas(o2_pct: float) -> Refusal:
    """O₂ that is air, negative or missing."""
    return Refusal(
        "no_flue_gas",
        f"O₂ of {o2_pct:.1f} vol% is no flue gas: the probe is in air, leaks, or is not zeroed.",
        f"O₂ {o2_pct:.1f} vol% không phải khói lò: đầu đo ở ngoài không khí, bị hở, hoặc chưa chỉnh không.",
        {"o2_pct": o2_pct},
    )


def co2_impossible(co2_pct: float, co2_max_pct: float) -> Refusal:
    """CO₂ that this fuel can't give."""
    return Refusal(
        "co2_impossible",
        f"CO₂ of {co2_pct:.1f} vol% can't be with this fuel (0 … {co2_max_pct:.1f}): wrong fuel, or a fault of the "
        "analyser.",
        f"CO₂ {co2_pct:.1f} vol% không thể có với nhiên liệu này (0 … {co2_max_pct:.1f}): chọn sai nhiên liệu, "
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
        f"Khói ({t_flue_c:.1f} °C) không nóng hơn không khí ({t_air_c:.1f} °C): lò không đốt hoặc cắm nhầm đầu đo "
        "(AT tiếng Đức của testo là khói, AT tiếng Anh là không khí).",
        {"t_flue_c": t_flue_c, "t_air_c": t_air_c},
    )


def temperature_impossible(t_c: float) -> Refusal:
    """A temperature no flue and no air has."""
    return Refusal(
        "temperature_impossible",
        f"A temperature of {t_c:.0f} °C can't be here: is it in °F or K, or is the probe broken?",
        f"Nhiệt độ {t_c:.0f} °C không thể có ở đây: có phải là °F hoặc K, hay đầu đo hỏng?",
        {"t_c": t_c},
    )


def negative_co(co_ppm: float) -> Refusal:
    """CO far below zero."""
    return Refusal(
        "negative_co",
        f"CO of {co_ppm:.0f} ppm is below zero: the cell is not zeroed.",
        f"CO {co_ppm:.0f} ppm nhỏ hơn không: cảm biến chưa chỉnh không.",
        {"co_ppm": co_ppm},
    )


def no_efficiency_left(efficiency_pct: float) -> Refusal:
    """Losses above the heat that goes in."""
    return Refusal(
        "losses_above_all",
        f"The losses come to more than the heat of the fuel (efficiency {efficiency_pct:.0f} %): a reading, the air "
        "leaking in, or the fuel is wrong.",
        f"Tổng tổn thất lớn hơn nhiệt của nhiên liệu (hiệu suất {efficiency_pct:.0f} %): số đo, không khí lọt, "
        "hoặc nhiên liệu sai.",
        {"efficiency_pct": efficiency_pct},
    )


def too_much_oxygen(o2_pct: float, limit_pct: float) -> Refusal:
    """No correction to reference oxygen above this O₂."""
    return Refusal(
        "too_much_oxygen",
        f"O₂ is {o2_pct:.1f} vol%: above {limit_pct:.0f} vol% nothing is stated at "
        "reference oxygen. Look for false air, or measure at load.",
        f"O₂ là {o2_pct:.1f} vol%: trên {limit_pct:.0f} vol% không quy đổi về oxy chuẩn. "
        "Hãy tìm chỗ lọt khí, hoặc đo khi lò có tải.",
        {"o2_pct": o2_pct, "limit_pct": limit_pct},
    )


def no_siegert_constants(fuel: str, fuel_vi: str, method: str) -> Refusal:
    """No source gives constants for that fuel by that maker."""
    return Refusal(
        "no_siegert_constants",
        f"No Siegert constants of {method} for {fuel}, and none are made up: use bs845 or the indirect method, "
        "which go by the fuel's analysis.",
        f"Không có hằng số Siegert của {method} cho {fuel_vi} và không tự đặt ra: hãy dùng bs845 hoặc phương pháp "
        "gián tiếp, tính theo thành phần nhiên liệu.",
        {"fuel": fuel, "method": method},
    )


def no_analysis(fuel: str, fuel_vi: str) -> Refusal:
    """The fuel's elements or its heating value are not known."""
    return Refusal(
        "no_analysis",
        f"The elements or the heating value of {fuel} are not known: give the laboratory's analysis.",
        f"Chưa biết thành phần hoặc nhiệt trị của {fuel_vi}: hãy nhập kết quả phòng thí nghiệm.",
        {"fuel": fuel},
    )


def analysis_sum(total_pct: float) -> Refusal:
    """Parts of a fuel that do not add up."""
    return Refusal(
        "analysis_sum",
        f"The parts of the analysis add up to {total_pct:.2f} %, not to 100 %: a part is missing, or is on "
        "another basis (as received, dry, dry and ash-free).",
        f"Tổng các thành phần là {total_pct:.2f} %, không phải 100 %: thiếu một thành phần, hoặc khác cơ sở "
        "(làm việc, khô, khô không tro).",
        {"total_pct": total_pct},
    )


def analysis_impossible(what: str, value: float) -> Refusal:
    """A part or heating value that no fuel has."""
    return Refusal(
        "analysis_impossible",
        f"{what} = {value:g} can't be in an analysis of fuel.",
        f"{what} = {value:g} không thể có trong kết quả phân tích nhiên liệu.",
        {"what": what, "value": value},
    )


def hhv_estimated(hhv_mj_kg: float) -> Finding:
    """The heating value is Dulong's estimate."""
    return Finding(
        "heating_value_estimated",
        f"The heating value ({hhv_mj_kg:.1f} MJ/kg) is estimated by Dulong's formula: some 2 % off for coal, more "
        "for biomass. A calorimeter's value should replace it.",
        f"Nhiệt trị ({hhv_mj_kg:.1f} MJ/kg) được ước tính theo công thức Dulong: sai khoảng 2 % với than, nhiều "
        "hơn với sinh khối. Nên thay bằng kết quả đo nhiệt lượng kế.",
        {"hhv_mj_kg": hhv_mj_kg},
    )


def heating_values_disagree(given_mj_kg: float, computed_mj_kg: float) -> Finding:
    """Gross and net value given do not differ by the water of the fuel."""
    return Finding(
        "heating_values_disagree",
        f"The net heating value given ({given_mj_kg:.2f} MJ/kg) is not the one that hydrogen and moisture give "
        f"({computed_mj_kg:.2f}): one of the four figures is wrong or on another basis.",
        f"Nhiệt trị thấp đã cho ({given_mj_kg:.2f} MJ/kg) khác giá trị tính theo hydro và độ ẩm "
        f"({computed_mj_kg:.2f}): một trong bốn số sai hoặc khác cơ sở.",
        {"given_mj_kg": given_mj_kg, "computed_mj_kg": computed_mj_kg},
    )


def hhv_unlikely(hhv_mj_kg: float, dulong_mj_kg: float) -> Finding:
    """The heating value given does not fit the elements given."""
    return Finding(
        "heating_value_unlikely",
        f"The heating value ({hhv_mj_kg:.1f} MJ/kg) is far from what the elements give ({dulong_mj_kg:.1f} by "
        "Dulong): are both as received? gross, not net? MJ, not kcal?",
        f"Nhiệt trị ({hhv_mj_kg:.1f} MJ/kg) khác xa giá trị tính theo thành phần ({dulong_mj_kg:.1f} theo "
        "Dulong): cả hai có cùng cơ sở làm việc, nhiệt trị cao, đơn vị MJ không?",
        {"hhv_mj_kg": hhv_mj_kg, "dulong_mj_kg": dulong_mj_kg},
    )


def remembered(what: str) -> Finding:
    """A figure that nobody has checked against its source."""
    return Finding(
        "remembered",
        f"Not checked against the official text: {what}. It must be before it is relied on.",
        f"Chưa đối chiếu với văn bản gốc: {what}. Phải đối chiếu trước khi sử dụng.",
        {"what": what},
    )


def diluted(o2_pct: float) -> Finding:
    """Far more air than a burner at load has."""
    return Finding(
        "diluted",
        f"O₂ of {o2_pct:.1f} vol% is far above that of a burner at load: look for false air. "
        "The loss is uncertain by 2 points or more here.",
        f"O₂ {o2_pct:.1f} vol% cao hơn nhiều so với lò có tải: hãy tìm chỗ lọt khí. "
        "Tổn thất ở đây có sai số từ 2 điểm phần trăm trở lên.",
        {"o2_pct": o2_pct},
    )


def gases_disagree(co2_pct: float, expected_pct: float) -> Finding:
    """CO₂ measured is not the one that O₂ and the fuel give."""
    return Finding(
        "gases_disagree",
        f"CO₂ is {co2_pct:.1f} vol%, O₂ and the fuel say {expected_pct:.1f}: false air between the probes, the wrong "
        "fuel, much CO, or an analyser out of adjustment.",
        f"CO₂ đo được {co2_pct:.1f} vol%, còn O₂ và nhiên liệu cho {expected_pct:.1f}: có khí lọt, chọn sai nhiên "
        "liệu, nhiều CO, hoặc máy đo lệch.",
        {"co2_pct": co2_pct, "expected_pct": expected_pct},
    )


def condensing(gain_pct: float, dew_c: float) -> Finding:
    """The flue gas is below its dew point, and the gain counts only where the water does condense."""
    return Finding(
        "condensing",
        f"The flue gas is below its dew point ({dew_c:.0f} °C): {gain_pct:.1f} % is added for condensation. That "
        "is true only where condensate does leave the boiler.",
        f"Khói nằm dưới điểm sương ({dew_c:.0f} °C): cộng thêm {gain_pct:.1f} % do ngưng tụ. Chỉ đúng khi thực tế "
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
        f"Hiệu suất {value:.1f} % là không thể.",
        {"efficiency_pct": value},
    )


def basis_differs(before: str, after: str) -> Refusal:
    """Gross against net."""
    return Refusal(
        "basis_differs",
        f"One efficiency is on the {before}, the other on the {after} heating value: they can't be compared.",
        f"Một hiệu suất tính theo nhiệt trị {before}, hiệu suất kia theo {after}: không so sánh được.",
        {"before": before, "after": after},
    )


def losses_differ(only_before: str, only_after: str) -> Refusal:
    """Losses counted on one side alone."""
    return Refusal(
        "losses_differ",
        f"The two efficiencies do not count the same losses (only before: {only_before or '-'}; only after: "
        f"{only_after or '-'}): the difference would be no saving.",
        f"Hai hiệu suất không tính cùng các tổn thất (chỉ trước: {only_before or '-'}; chỉ sau: "
        f"{only_after or '-'}): chênh lệch không phải là tiết kiệm.",
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
        f"Mức tiết kiệm ({difference:.2%}) nhỏ hơn độ không đảm bảo (± {half_width:.2%}): cặp phép đo này không "
        "phân biệt được với không tiết kiệm.",
        {"fraction": difference, "half_width": half_width},
    )


def no_output(value: float) -> Refusal:
    """Fuel or output that is not above zero."""
    return Refusal(
        "no_output",
        f"Fuel use and output must be above zero ({value:g} given): a saving is stated per steam or product.",
        f"Lượng nhiên liệu và sản lượng phải lớn hơn không (đã cho {value:g}): tiết kiệm được tính theo hơi hoặc "
        "sản phẩm.",
        {"value": value},
    )


def no_limit(pollutant: str, regulation: str) -> Refusal:
    """The table has no limit for that case."""
    return Refusal(
        "no_limit",
        f"The tables hold no limit of {regulation} for {pollutant} in this case.",
        f"Bảng số liệu không có giới hạn của {regulation} cho {pollutant} trong trường hợp này.",
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


def remembered_fuel(name: str) -> Finding:
    """A fuel whose figures nobody has checked."""
    return remembered(f"figures of the fuel {name}")
