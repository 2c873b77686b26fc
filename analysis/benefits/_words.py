"""The findings and refusals of benefits: stable codes, words in English and Vietnamese, data."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results import Finding, Refusal
from dodac.words import number_text as number
from dodac.words import significant_text as significant


def proxy_factor(name: str, period: str, why: str, why_vi: str) -> Finding:
    """A factor that was not made for the period."""
    return Finding(
        "proxy_factor",
        f"{name} stands in as a named proxy for {period}: {why}.",
        f"{name} được dùng thay cho {period}: {why_vi}.",
        {"factor": name, "period": period},
    )


def remembered_factor(name: str, source: str) -> Finding:
    """A factor nobody has checked in its source yet."""
    return Finding(
        "remembered",
        f"{name} is remembered, not checked in its source ({source}).",
        f"{name} ghi theo trí nhớ, chưa đối chiếu với nguồn ({source}).",
        {"factor": name},
    )


def remembered_limits(name: str) -> Finding:
    """A factor whose ± nobody has checked in its source."""
    return Finding(
        "remembered_limits",
        f"The uncertainty of {name} comes from limits that are remembered, not checked in their source.",
        f"Độ không đảm bảo của {name} lấy từ các giới hạn ghi theo trí nhớ, chưa đối chiếu với nguồn.",
        {"factor": name},
    )


def agreed_density(name: str, density_kg_nm3: float) -> Finding:
    """A gas whose density is a convention."""
    return Finding(
        "agreed_density",
        f"{name}: a density of {number(density_kg_nm3, 2)} kg/Nm3 is a convention of dodac; the supplier's analysis "
        "gives the plant's own.",
        f"{name}: khối lượng riêng {number(density_kg_nm3, 2, 'vi')} kg/Nm3 là quy ước của dodac; nên dùng phân tích "
        "của nhà cung cấp khí.",
        {"factor": name, "density_kg_nm3": density_kg_nm3},
    )


def inferred_kind(names: Sequence[str], kind: str, kind_vi: str) -> Finding:
    """Grid factors of which no letter says what kind they are."""
    text = ", ".join(names)
    return Finding(
        "kind_inferred",
        f"That {text} is a {kind} is inferred from the ministry's method report and from its size; no letter prints it.",
        f"{text} là hệ số {kind_vi} chỉ là suy ra từ báo cáo phương pháp của Bộ và từ độ lớn; công văn không ghi rõ.",
        {"factors": text},
    )


def partial_emission(what: str, what_vi: str, missing: Sequence[str], missing_vi: Sequence[str]) -> Finding:
    """Some fuels have no factor, so the figure is not the whole."""
    text = ", ".join(missing)
    return Finding(
        "partial_emission",
        f"{what} is not of everything: no factor for {text}.",
        f"{what_vi} chưa đủ: thiếu hệ số cho {', '.join(missing_vi)}.",
        {"missing": text, "count": len(missing)},
    )


def given_differs(column: str, given: float, computed: float, unit: str, factors: Sequence[str]) -> Finding:
    """What somebody reported is not what the factors give."""
    part = 100 * (computed - given) / abs(given) if given else 100.0
    text = ", ".join(factors)
    return Finding(
        "given_differs",
        f"{column}: {significant(given, 5)} {unit} was given; {text} give {significant(computed, 5)} "
        f"({number(part, 1)} %).",
        f"{column}: số được báo cáo là {significant(given, 5, 'vi')} {unit}; tính theo {text} là "
        f"{significant(computed, 5, 'vi')} ({number(part, 1, 'vi')} %).",
        {
            "column": column,
            "given": given,
            "computed": computed,
            "difference_pct": part,
            "factors": text,
        },
    )


def classes_mixed(classes: Sequence[str], classes_vi: Sequence[str]) -> Finding:
    """A sum over several evidence classes."""
    text, vi = ", ".join(classes), ", ".join(classes_vi)
    return Finding(
        "classes_mixed",
        f"The sum holds figures of several evidence classes ({text}); each is shown apart.",
        f"Tổng gồm số liệu có mức chứng cứ khác nhau ({vi}); từng mức được ghi riêng.",
        {"classes": text},
    )


def periods_differ(first: str, last: str) -> Finding:
    """Period-actual figures of different periods in one sum."""
    return Finding(
        "periods_differ",
        f"The options' periods differ ({first} to {last}): period figures add up, but speak for no one year.",
        f"Kỳ của các giải pháp khác nhau ({first} đến {last}): tổng theo kỳ không đại diện cho một năm.",
        {"first": first, "last": last},
    )


def payback_partial(counted: int, total: int) -> Finding:
    """Options without investment or yearly saving are not in the portfolio's payback."""
    return Finding(
        "payback_partial",
        f"Payback is of {counted} of {total} options; the others lack investment or yearly saving.",
        f"Thời gian hoàn vốn tính cho {counted} trong {total} giải pháp; các giải pháp còn lại thiếu vốn đầu tư "
        "hoặc mức tiết kiệm năm.",
        {"counted": counted, "options": total},
    )


def counted_twice(first: str, second: str, meter: str) -> Finding:
    """Two options on one meter at the same time: what it shows of one holds the other's saving."""
    return Finding(
        "counted_twice",
        f"{first} and {second} were measured by the same meter ({meter}) at the same time: each saving may hold the "
        "other's, and the sum may count it twice. Register one plan for both, or take one's saving out of the other's "
        "baseline.",
        f"{first} và {second} được đo bằng cùng một đồng hồ ({meter}) trong cùng thời gian: mức tiết kiệm này có thể đã "
        "gồm mức tiết kiệm kia, tổng có thể tính hai lần. Hãy đăng ký một kế hoạch chung, hoặc trừ phần của giải pháp "
        "này khỏi đường cơ sở của giải pháp kia.",
        {"first": first, "second": second, "meter": meter},
    )


def invested_once(names: Sequence[str]) -> Finding:
    """An option stands in several rows with the same investment."""
    text = ", ".join(names)
    return Finding(
        "invested_once",
        f"The investment of {text} stands in several rows and counts once.",
        f"Vốn đầu tư của {text} được ghi ở nhiều dòng và chỉ tính một lần.",
        {"options": text},
    )


def ratio_inferred(name: str, ratio: float) -> Finding:
    """A restatement with a ratio nobody printed."""
    return Finding(
        "ratio_inferred",
        f"Restated with an inferred ratio ({name} = {number(ratio, 3)}); it is printed nowhere.",
        f"Quy đổi bằng tỷ lệ suy ra ({name} = {number(ratio, 3, 'vi')}); không có trong tài liệu gốc.",
        {"ratio": ratio},
    )


def refuse(code: str, en: str, vi: str, **data: float | str) -> Refusal:
    """A refusal of this sub-package."""
    return Refusal(code, en, vi, dict(data))


def refuse_no_factor(what: str, what_vi: str, known: Sequence[str], known_vi: Sequence[str] = ()) -> Refusal:
    """No factor covers it; the named ones are offered."""
    text, vi = ", ".join(known), ", ".join(known_vi or known)
    return refuse(
        "no_factor",
        f"No factor for {what}." + (f" Name one as a proxy: {text}." if text else " Give the plant's own."),
        f"Không có hệ số cho {what_vi}."
        + (f" Hãy chỉ định hệ số thay thế: {vi}." if vi else " Hãy nhập hệ số riêng của nhà máy."),
        what=what,
        known=text,
    )


def refuse_choose(resource: str, resource_vi: str, what: str, what_vi: str, known: Sequence[str]) -> Refusal:
    """Several factors would do, and they differ too much to guess."""
    text = ", ".join(known)
    return refuse(
        "choose_factor",
        f"{resource}: several {what} factors differ; choose one of {text}.",
        f"{resource_vi}: có nhiều hệ số {what_vi} khác nhau; hãy chọn một: {text}.",
        resource=resource,
        known=text,
    )


def refuse_no_analysis(factor: str, what: str) -> Refusal:
    """A factor needs what only the fuel's analysis tells."""
    vi = {"sulphur": "lưu huỳnh", "ash": "tro"}[what]
    return refuse(
        "no_analysis",
        f"{factor} needs the {what} of the fuel in percent of mass; none is given.",
        f"{factor} cần hàm lượng {vi} của nhiên liệu (% khối lượng); chưa có.",
        factor=factor,
        needs=what,
    )


def refuse_no_saving(amount: float, currency: str) -> Refusal:
    """An investment that never comes back."""
    return refuse(
        "no_saving",
        f"The yearly saving is {significant(amount)} {currency}: the investment is not paid back.",
        f"Mức tiết kiệm năm là {significant(amount, 3, 'vi')} {currency}: không hoàn được vốn.",
        saving=amount,
        currency=currency,
    )


def refuse_missing(what: str, what_vi: str) -> Refusal:
    """Something wanted was not given."""
    return refuse("missing", f"{what} is not given.", f"Chưa có {what_vi}.", what=what)


def refuse_not_a_year(days: int) -> Refusal:
    """A saving of part of a year, and none of a normal year."""
    return refuse(
        "not_a_year",
        f"The saving is of {days} days; a payback needs the saving of a normal year, never a scaled-up period.",
        f"Mức tiết kiệm chỉ của {days} ngày; thời gian hoàn vốn cần mức tiết kiệm của một năm chuẩn, không nhân kỳ "
        "lên cả năm.",
        days=days,
    )


def refuse_currencies(first: str, second: str, day: str) -> Refusal:
    """Two currencies and no rate of the day."""
    return refuse(
        "no_exchange_rate",
        f"No exchange rate between {first} and {second} for {day}: give one with its date.",
        f"Không có tỷ giá giữa {first} và {second} cho ngày {day}: hãy nhập tỷ giá kèm ngày.",
        base=first,
        quote=second,
        day=day,
    )
