"""The refusals and findings of fuels and their figures: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from analysis.combustion._words import comma
from analysis.results import Finding, Refusal


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


def no_carbon(fuel: str, fuel_vi: str) -> Refusal:
    """A fuel without carbon, where the method goes by CO₂."""
    return Refusal(
        "no_carbon",
        f"{fuel} has no carbon, and this method goes by the CO₂ of the flue gas: use the indirect method with O₂.",
        f"{fuel_vi} không có cacbon, còn phương pháp này dựa vào CO₂ trong khói: hãy dùng phương pháp gián tiếp với O₂.",
        {"fuel": fuel},
    )


def analysis_sum(total_pct: float) -> Refusal:
    """Parts of a fuel that do not add up."""
    return Refusal(
        "analysis_sum",
        f"The parts of the analysis add up to {total_pct:.2f} %, not to 100 %: a part is missing, or is on "
        "another basis (as received, dry, dry and ash-free).",
        f"Tổng các thành phần là {comma(total_pct, '.2f')} %, không phải 100 %: thiếu một thành phần, hoặc khác cơ sở "
        "(làm việc, khô, khô không tro).",
        {"total_pct": total_pct},
    )


def analysis_impossible(what: str, value: float) -> Refusal:
    """A part or heating value that no fuel has."""
    return Refusal(
        "analysis_impossible",
        f"{what} = {value:g} can't be in an analysis of fuel.",
        f"{what} = {comma(value, 'g')} không thể có trong kết quả phân tích nhiên liệu.",
        {"what": what, "value": value},
    )


def net_above_gross(net_mj_kg: float, gross_mj_kg: float) -> Refusal:
    """Heating values given the wrong way round."""
    return Refusal(
        "net_above_gross",
        f"The net heating value ({net_mj_kg:g} MJ/kg) is above the gross one ({gross_mj_kg:g} MJ/kg), which can't be: "
        "exchanged, or on different bases (as received, dry)?",
        f"Nhiệt trị thấp ({comma(net_mj_kg, 'g')} MJ/kg) lớn hơn nhiệt trị cao ({comma(gross_mj_kg, 'g')} MJ/kg), điều này không thể: "
        "có bị đổi chỗ, hoặc khác cơ sở (làm việc, khô) không?",
        {"net_mj_kg": net_mj_kg, "gross_mj_kg": gross_mj_kg},
    )


def hhv_estimated(hhv_mj_kg: float) -> Finding:
    """The heating value is an estimate from the elements."""
    return Finding(
        "heating_value_estimated",
        f"The heating value ({hhv_mj_kg:.1f} MJ/kg) is estimated from the elements (Channiwala and Parikh): some 1.5 % "
        "off on the average, 5 % for one fuel. A calorimeter's value should replace it.",
        f"Nhiệt trị ({comma(hhv_mj_kg, '.1f')} MJ/kg) được ước tính theo thành phần (Channiwala và Parikh): sai trung bình "
        "khoảng 1,5 %, với từng nhiên liệu có thể 5 %. Nên thay bằng kết quả đo nhiệt lượng kế.",
        {"hhv_mj_kg": hhv_mj_kg},
    )


def heating_values_disagree(given_mj_kg: float, computed_mj_kg: float) -> Finding:
    """Gross and net value given do not differ by the water of the fuel."""
    return Finding(
        "heating_values_disagree",
        f"The net heating value given ({given_mj_kg:.2f} MJ/kg) is not the one that hydrogen and moisture give "
        f"({computed_mj_kg:.2f}): one of the four figures is wrong or on another basis.",
        f"Nhiệt trị thấp đã cho ({comma(given_mj_kg, '.2f')} MJ/kg) khác giá trị tính theo hydro và độ ẩm "
        f"({comma(computed_mj_kg, '.2f')}): một trong bốn số sai hoặc khác cơ sở.",
        {"given_mj_kg": given_mj_kg, "computed_mj_kg": computed_mj_kg},
    )


def hhv_unlikely(hhv_mj_kg: float, estimate_mj_kg: float) -> Finding:
    """The heating value given does not fit the elements given."""
    return Finding(
        "heating_value_unlikely",
        f"The heating value ({hhv_mj_kg:.1f} MJ/kg) is far from what the elements give ({estimate_mj_kg:.1f} by "
        "Channiwala and Parikh): are both as received? gross, not net? MJ, not kcal?",
        f"Nhiệt trị ({comma(hhv_mj_kg, '.1f')} MJ/kg) khác xa giá trị tính theo thành phần ({comma(estimate_mj_kg, '.1f')} theo "
        "Channiwala và Parikh): cả hai có cùng cơ sở làm việc, nhiệt trị cao, đơn vị MJ không?",
        {"hhv_mj_kg": hhv_mj_kg, "estimate_mj_kg": estimate_mj_kg},
    )


def remembered(what: str, what_vi: str = "") -> Finding:
    """A figure that nobody has checked against its source."""
    return Finding(
        "remembered",
        f"Not checked against the official text: {what}. It must be before it is relied on.",
        f"Chưa đối chiếu với văn bản gốc: {what_vi or what}. Phải đối chiếu trước khi sử dụng.",
        {"what": what},
    )


def remembered_fuel(name: str, name_vi: str) -> Finding:
    """A fuel whose figures nobody has checked."""
    return remembered(f"figures of the fuel {name}", f"số liệu của nhiên liệu {name_vi}")
