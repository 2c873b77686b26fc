"""Why a candidate was chosen, passed over or refused: stable codes, English, Vietnamese, data."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.results import Finding, Refusal
from dodac.words import number_text as number


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def chosen(best: bool, worse: float, dearest: float) -> Finding:
    """The one that is used."""
    if best:
        return Finding(
            "chosen",
            "Chosen: the least error on unseen blocks, and no simpler model comes near.",
            "Được chọn: sai số nhỏ nhất trên các khối chưa dùng để lập mô hình, không mô hình đơn giản hơn nào gần bằng.",
            {"worse_by": worse},
        )
    return Finding(
        "chosen",
        f"Chosen: the simplest model within one standard error of the best ({number(worse, 2)}) and {_percent(dearest)} of its error.",
        "Được chọn: mô hình đơn giản nhất trong phạm vi một sai số chuẩn so với mô hình tốt nhất "
        f"({number(worse, 2, 'vi')}), sai số cao hơn không quá {_percent(dearest)}.",
        {"worse_by": worse},
    )


def too_dear(excess: float, dearest: float) -> Finding:
    """Within one standard error, which is wide, and still too large an error."""
    return Finding(
        "less_accurate",
        f"Its error on unseen blocks is {_percent(excess)} above the best: simplicity may cost {_percent(dearest)}.",
        f"Sai số trên các khối chưa dùng cao hơn mô hình tốt nhất {_percent(excess)}; đơn giản hơn chỉ được phép đổi lấy {_percent(dearest)}.",
        {"excess": excess},
    )


def no_better(parameters: int, least: int, name: str) -> Finding:
    """Within one standard error, with more parameters."""
    return Finding(
        "no_better_than_simpler",
        f"{parameters} parameters and no clear gain over {name} with {least}.",
        f"{parameters} tham số nhưng không tốt hơn rõ rệt so với {name} ({least} tham số).",
        {"parameters": parameters, "least": least, "chosen": name},
    )


def as_simple(name: str) -> Finding:
    """As few parameters as the chosen one, with a larger error."""
    return Finding(
        "as_simple_but_worse",
        f"As simple as {name}, with an error that is no smaller.",
        f"Đơn giản như {name} và sai số không nhỏ hơn.",
        {"chosen": name},
    )


def less_accurate(worse: float) -> Finding:
    """Clearly worse on unseen blocks."""
    return Finding(
        "less_accurate",
        f"Its error on unseen blocks is {number(worse, 1)} standard errors above the best.",
        f"Sai số trên các khối chưa dùng cao hơn mô hình tốt nhất {number(worse, 1, 'vi')} sai số chuẩn.",
        {"worse_by": worse},
    )


def few_rows_a_parameter(rows: int, parameters: int, needed: float) -> Finding:
    """Too many parameters for the data."""
    return Finding(
        "few_rows_a_parameter",
        f"{rows} rows for {parameters} parameters; {number(needed)} a parameter are wanted.",
        f"{rows} dòng cho {parameters} tham số; cần {number(needed)} dòng cho mỗi tham số.",
        {"rows": rows, "parameters": parameters, "needed": needed},
    )


def inflated(one: str, other: str, factor: float) -> Finding:
    """Drivers that move together: their effects can't be parted."""
    return Finding(
        "drivers_move_together",
        f'"{one}" and "{other}" move together (variance inflation {factor:.3g}): '
        "their effects can't be told apart.",
        f'"{one}" và "{other}" thay đổi cùng nhau (hệ số phóng đại phương sai {factor:.3g}): '
        "không tách được ảnh hưởng của từng biến.",
        {"one": one, "other": other, "factor": factor},
    )


def not_judged(rows: int, total: int) -> Finding:
    """Terms that only one block knows."""
    return Finding(
        "blocks_cannot_judge",
        f"{rows} of {total} rows have a level that only their own block knows: it can't be tested.",
        f"{rows} trong {total} dòng có mức chỉ xuất hiện trong khối của chúng: không thể kiểm tra.",
        {"rows": rows, "of": total},
    )


def rows_unjudged(rows: int, total: int) -> Finding:
    """Rows such as Tết, one event a year, that say nothing in the comparison."""
    return Finding(
        "rows_not_compared",
        f"{rows} of {total} rows are not compared: only their own block knows their day type (as with Tết).",
        f"{rows} trong {total} dòng không tham gia so sánh: loại ngày chỉ có trong khối của chúng (như Tết).",
        {"rows": rows, "of": total},
    )


def can_not_read(reason: str) -> Finding:
    """A kind that asks more of the columns than others do."""
    return Finding(
        "cannot_read",
        f"This kind can't use the data: {reason}",
        f"Loại mô hình này không dùng được số liệu: {reason}",
        {"reason": reason},
    )


def one_block_decides(start: str, end: str, share: float) -> Finding:
    """Most of the error of the chosen model lies in one block: an outage or an event, not a driver."""
    return Finding(
        "one_block_decides",
        f"{number(100 * share)} % of the squared error lies between {start} and {end}: "
        "look for an outage or an event there before trusting the choice.",
        f"{number(100 * share)} % sai số bình phương nằm trong khoảng {start} đến {end}: "
        "hãy kiểm tra sự cố hoặc sự kiện trong thời gian đó trước khi tin vào lựa chọn.",
        {"start": start, "end": end, "share": share},
    )


def nothing_explains() -> Finding:
    """No driver does better than the mean."""
    return Finding(
        "no_driver_helps",
        "No driver predicts better than the mean: what moves this meter is not among the data.",
        "Không biến nào dự báo tốt hơn giá trị trung bình: yếu tố ảnh hưởng không có trong số liệu.",
    )


def refuse_all(codes: Mapping[str, int]) -> Refusal:
    """No candidate is left."""
    text = ", ".join(f"{code} ({count})" for code, count in sorted(codes.items()))
    return Refusal(
        "no_model",
        f"No model is good enough to be a baseline: {text}.",
        f"Không có mô hình nào đủ tốt làm đường cơ sở: {text}.",
        dict(codes),
    )
