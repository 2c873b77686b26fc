"""The indicator set of resource efficient and cleaner production (UNIDO, UNEP): productivity and intensity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from analysis.benefits._words import refuse
from analysis.benefits.resources import Column
from analysis.results import Finding, Refusal

USES: Final = {
    "energy_gj": Column("energy_gj", "GJ", "energy use", "năng lượng sử dụng"),
    "materials_t": Column("materials_t", "t", "materials use", "nguyên liệu sử dụng"),
    "water_m3": Column("water_m3", "m3", "water use", "nước sử dụng"),
}
POLLUTION: Final = {
    "co2_t": Column("co2_t", "t", "air emissions, as CO₂", "phát thải khí, tính theo CO₂"),
    "waste_water_m3": Column("waste_water_m3", "m3", "waste water", "nước thải"),
    "waste_t": Column("waste_t", "t", "waste", "chất thải"),
}
_SET_REMEMBERED: Final = Finding(
    "remembered",
    "The indicator set is remembered; the pages of UNIDO and UNEP (2010) that define it were not seen.",
    "Bộ chỉ số ghi theo trí nhớ; chưa đối chiếu với tài liệu của UNIDO và UNEP (2010).",
    {"document": "Enterprise-level indicators for resource productivity and pollution intensity"},
)


@dataclass(frozen=True)
class PlantYear:
    """A year of a plant: output in product_unit, and what it took and gave off; None where not known."""

    product: float
    product_unit: str
    energy_gj: float | None = None
    materials_t: float | None = None
    water_m3: float | None = None
    co2_t: float | None = None
    waste_water_m3: float | None = None
    waste_t: float | None = None


@dataclass(frozen=True)
class RecpIndicator:
    """One indicator of the set, absolute and relative, before and after.

    findings: that the set itself is remembered; kind: "productivity" (output per use; more is better) or "intensity" (pollution per output; less is
    better); change_pct: of the relative one; absolute_change_pct: of the use or pollution itself.
    """

    id: str
    kind: str
    unit: str
    before: float
    after: float
    change_pct: float
    absolute_change_pct: float
    better: bool
    findings: tuple[Finding, ...] = (_SET_REMEMBERED,)


def recp(before: PlantYear, after: PlantYear) -> dict[str, RecpIndicator | Refusal]:
    """The six indicators by id; a Refusal where a figure is missing or zero.

    Resource productivity is product output over energy, materials and water use; pollution intensity is
    air emissions, waste water and waste over product output (UNIDO and UNEP 2010: Enterprise-level
    indicators for resource productivity and pollution intensity; remembered, its pages were not seen).
    Outputs must be in one unit.
    """
    if before.product_unit != after.product_unit:
        reason = refuse(
            "definition_differs",
            f"Output is in {before.product_unit} before and {after.product_unit} after: not comparable.",
            f"Sản lượng trước tính bằng {before.product_unit}, sau tính bằng {after.product_unit}: không so sánh được.",
        )
        return dict.fromkeys((*USES, *POLLUTION), reason)
    return {
        **{name: _indicator(column, "productivity", before, after) for name, column in USES.items()},
        **{name: _indicator(column, "intensity", before, after) for name, column in POLLUTION.items()},
    }


def _indicator(column: Column, kind: str, before: PlantYear, after: PlantYear) -> RecpIndicator | Refusal:
    first, second = getattr(before, column.id), getattr(after, column.id)
    numbers = (before.product, after.product, first, second)
    # an intensity of zero after is a result; a productivity over zero is none
    wanted = (before.product, after.product, first, *((second,) if kind == "productivity" else ()))
    if any(one is None or not math.isfinite(one) or one < 0 for one in numbers) or not all(wanted):
        return refuse(
            "missing",
            f"{column.en} or output is missing or zero.",
            f"Thiếu số liệu {column.vi} hoặc sản lượng, hoặc bằng 0.",
            what=column.id,
        )
    if kind == "productivity":
        unit = f"{before.product_unit}/{column.unit}"
        one, two = before.product / first, after.product / second
    else:
        unit = f"{column.unit}/{before.product_unit}"
        one, two = first / before.product, second / after.product
    change = 100 * (two / one - 1)
    better = change > 0 if kind == "productivity" else change < 0
    return RecpIndicator(column.id, kind, unit, one, two, change, 100 * (second / first - 1), better)
