"""What stands below a benefit table: every finding, every factor with its source, a reported total explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analysis._tables import Row, table
from analysis.benefits.choices import POLLUTANTS, Factors
from analysis.benefits.figures import Total
from analysis.benefits.reported import Explanation, implied_per_unit
from analysis.benefits.resources import EMISSIONS, FUELS, Amount
from analysis.benefits.table import BenefitRow, OptionResult
from analysis.results import Finding, Refusal
from dodac.words import Language, number_text, significant_text

_CHECKED: Final = {
    "remembered": ("remembered, not checked", "ghi theo trí nhớ, chưa đối chiếu"),
    "computed": ("computed from what was read", "tính từ số liệu đã đọc"),
    "agreed": ("a convention", "quy ước"),
}
_NEAREST: Final = 5


def told(rows: Sequence[BenefitRow]) -> list[Finding | Refusal]:
    """Findings of rows and of their figures, and what is missing from figures that are not whole; each once."""
    found: dict[tuple[str, str], Finding | Refusal] = {}
    for row in rows:
        items: list[Finding | Refusal] = list(row.findings)
        for cell in (*row.cells.values(), *row.normal_year.values()):
            if isinstance(cell, Total):
                items += [*cell.findings, *cell.refused]
        for item in items:
            found.setdefault((item.code, item.en), item)
    return list(found.values())


def factor_lines(rows: Sequence[BenefitRow], factors: Factors, language: Language) -> list[str]:
    """One line per factor behind the rows: its figure, its document or source, and how it is known."""
    used = [name for row in rows for name in (*row.factors, *_compared(row))]
    names = dict.fromkeys(part for name in used for part in name.split("+"))
    return [_factor(name, factors, language) for name in names]


def _compared(row: BenefitRow) -> list[str]:
    """Factors of figures that a stated one stands for."""
    found = [str(finding.data["factors"]) for finding in row.findings if finding.code == "given_differs"]
    return [name for text in found for name in text.split(", ") if name]


def explained_lines(
    result: OptionResult, explanation: Explanation, factors: Factors, language: Language
) -> list[str]:
    """A reported CO2 beside what named factors give, and what reported SO2, NOx and dust would mean per t of coal."""
    vi = language == "vi"
    lines = [finding.vi if vi else finding.en for finding in explanation.findings]
    named = [one for one in explanation.combinations if one.grid_proxy and one.grid == factors.grid_proxy]
    for one in dict.fromkeys([*explanation.combinations[:_NEAREST], *named]):
        grid = f", {one.grid}" + (
            " (proxy)" if one.grid_proxy and not vi else " (thay thế)" if one.grid_proxy else ""
        )
        implied = "–" if one.implied_grid_t_mwh is None else number_text(one.implied_grid_t_mwh, 3, language)
        words = "số báo cáo ứng với lưới điện" if vi else "the reported total implies a grid of"
        lines.append(
            f"{one.fuels}{grid if one.grid else ''}: {number_text(one.co2_t, 0, language)} t "
            f"({'+' if one.difference_pct > 0 else ''}{number_text(one.difference_pct, 1, language)} %); "
            f"{words} {implied} t/MWh"
        )
    return lines + list(_implied(result, factors, language))


def _implied(result: OptionResult, factors: Factors, language: Language) -> Iterator[str]:
    """A reported pollutant over the coal, beside the rows that could give it; only where coal is the fuel of note."""
    coal = sum(
        one.figure.value for one in result.amounts if isinstance(one, Amount) and one.resource == "coal"
    )
    solids = [one for one in result.amounts if isinstance(one, Amount) and one.resource in FUELS]
    if coal <= 0 or not solids:
        return
    rows = table("factors_air") if factors.air_rows is None else factors.air_rows
    for pollutant in POLLUTANTS:
        given = result.given.get(pollutant)
        per_t = None if given is None else implied_per_unit(given.value, coal)
        if per_t is None or given is None:
            continue
        beside = "; ".join(
            f"{row['id']} {_air(row, language)}"
            for row in rows
            if row["resource"] == "coal" and row["pollutant"] == pollutant
        )
        name = EMISSIONS[pollutant].vi if language == "vi" else EMISSIONS[pollutant].en
        reported, each = (significant_text(value, 3, language) for value in (given.value, per_t))
        if language == "vi":
            yield f"{name}: {reported} t báo cáo, nếu chỉ do than thì là {each} kg/t than. Hệ số hiện có: {beside}."
        else:
            yield f"{name}: {reported} t were reported; from coal alone that is {each} kg per t. Factors known: {beside}."


def _factor(name: str, factors: Factors, language: Language) -> str:
    if name.startswith("plant "):
        plant = factors.plant.get(name.removeprefix("plant "))
        return f"{name}: {plant.source if plant else '?'}"
    toe = name.startswith("toe ")
    for rows, own, figure in (
        ("factors_grid", factors.grid_rows, _grid),
        ("factors_ipcc", factors.ipcc_rows, _carbon),
        ("factors_toe", factors.toe_rows, _toe),
        ("factors_air", factors.air_rows, _air),
    ):
        if toe != (rows == "factors_toe"):
            continue
        for row in table(rows) if own is None else own:
            if row["id"] == name.removeprefix("toe "):
                checked = _CHECKED.get(row["checked"])
                known = f" [{checked[language == 'vi']}]" if checked else ""
                source = "; ".join(str(row[key]) for key in ("document", "source") if row.get(key))
                return f"{name}: {figure(row, language)}; {source}{known}"
    return f"{name}: ?"


def _grid(row: Row, language: Language) -> str:
    kinds = {"combined_margin": ("combined margin", "biên kết hợp"), "inventory": ("inventory", "kiểm kê")}
    return f"{number_text(row['value'], 4, language)} t CO2/MWh ({kinds[row['kind']][language == 'vi']})"


def _carbon(row: Row, language: Language) -> str:
    return f"{number_text(row['ncv_gj_t'], 1, language)} GJ/t · {number_text(row['co2_kg_tj'] / 1000, 1, language)} kg CO2/GJ"


def _toe(row: Row, language: Language) -> str:
    return f"{number_text(row['toe'], 4, language)} TOE/{row['unit']}"


def _air(row: Row, language: Language) -> str:
    parts = [
        f"{significant_text(row[key], 3, language)}{letter}"
        for key, letter in (("base", ""), ("per_sulphur", "·S"), ("per_ash", "·A"))
        if row[key]
    ]
    unit = "kg/Nm3" if row["resource"] == "natural_gas" else "kg/t"
    return f"{' + '.join(parts)} {unit}"
