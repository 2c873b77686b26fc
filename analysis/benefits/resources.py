"""The columns of the benefit table, and amounts saved in their units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from analysis.benefits._words import refuse, refuse_missing
from analysis.benefits.figures import EvidenceClass, Figure, believable
from analysis.results import Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest
from dodac.units import canonical_unit, conversion


@dataclass(frozen=True)
class Column:
    """One column of the benefit table."""

    id: str
    unit: str
    en: str
    vi: str


def _columns(*rows: tuple[str, str, str, str]) -> dict[str, Column]:
    return {row[0]: Column(*row) for row in rows}


RESOURCES: Final = _columns(
    ("electricity", "MWh", "electricity", "điện"),
    ("coal", "t", "coal", "than"),
    ("fuel_oil", "t", "fuel oil", "dầu FO"),
    ("diesel", "t", "diesel", "dầu DO"),
    ("lpg", "t", "LPG", "khí hoá lỏng LPG"),
    ("natural_gas", "Nm3", "natural gas", "khí thiên nhiên"),
    ("biomass", "t", "biomass", "sinh khối"),
    ("water", "m3", "water", "nước"),
    ("waste_water", "m3", "waste water", "nước thải"),
    ("materials", "t", "materials", "nguyên liệu, hoá chất"),
    ("solid_waste", "t", "solid waste", "chất thải rắn"),
)
EMISSIONS: Final = _columns(
    ("dust", "t", "dust", "bụi"),
    ("so2", "t", "SO₂", "SO₂"),
    ("nox", "t", "NOx", "NOx"),
    ("co2", "t", "CO₂, fossil", "CO₂ hoá thạch"),
    ("co2_biogenic", "t", "CO₂, biogenic", "CO₂ sinh học"),
    ("toe", "TOE", "oil equivalent", "dầu tương đương"),
)
COLUMNS: Final = {**RESOURCES, **EMISSIONS}
FUELS: Final = ("coal", "fuel_oil", "diesel", "lpg", "natural_gas", "biomass")
_LIQUIDS: Final = ("fuel_oil", "diesel", "lpg")


@dataclass(frozen=True)
class Amount:
    """What an option saves of one resource, in the column's unit; negative where it takes more.

    grade: which row of the factor tables the fuel is ("anthracite", "wood"); None: as `Factors` says.
    """

    resource: str
    figure: Figure
    grade: str | None = None


def amount(
    resource: str,
    value: float,
    unit: str,
    evidence: EvidenceClass | str,
    *,
    half_width: float | None = None,
    shared: Mapping[str, float] | None = None,
    grade: str | None = None,
    density_kg_l: float | None = None,
    increase: bool = False,
) -> Amount | Refusal:
    """An amount saved, brought to the unit of its column.

    value, half_width and shared (source id → half width, for one meter behind several amounts) are in
    `unit`. More use than before is negative and must be meant: increase=True (a fuel switch, more power
    for a filter). Liquids in litres or m3 need density_kg_l. Gas must be in Nm3: m3 of the line say
    nothing without pressure and temperature. Refused (with `resource` in its data): NaN, infinity,
    beyond belief, a negative value not meant, a volume without density. Raises ConfigError for an unknown
    resource, unit or evidence class, and for a value that is text.
    """
    made = _amount(resource, value, unit, evidence, half_width, shared, grade, density_kg_l, increase)
    return replace(made, data={**made.data, "resource": resource}) if isinstance(made, Refusal) else made


def _amount(
    resource: str,
    value: float,
    unit: str,
    evidence: EvidenceClass | str,
    half_width: float | None,
    shared: Mapping[str, float] | None,
    grade: str | None,
    density_kg_l: float | None,
    increase: bool,
) -> Amount | Refusal:
    column = RESOURCES.get(resource)
    if column is None:
        near = nearest(resource, RESOURCES)
        todo = f'Did you mean "{near}"?' if near else f"Known: {', '.join(RESOURCES)}."
        raise ConfigError(f'"{resource}" is no column of the benefit table.', todo=todo)
    try:
        evidence = EvidenceClass(evidence)
    except ValueError:
        raise ConfigError(
            f'"{evidence}" is no evidence class.', todo=f"Write one of: {', '.join(EvidenceClass)}."
        ) from None
    widths = {**(shared or {}), "": half_width or 0.0}
    for number in (value, *widths.values()):
        if isinstance(number, bool) or not hasattr(number, "__float__"):
            raise ConfigError(f"{column.en}: {number!r} is no number.", todo="Convert it to a number first.")
    value = float(value)
    scale = _scale(column, unit, density_kg_l)
    if isinstance(scale, Refusal):
        return scale
    if not all(believable(number * max(scale, 1.0) * 1e3) for number in (value, *widths.values())):
        return refuse(
            "not_a_number",
            f"{column.en}: {value} {unit} is no amount.",
            f"{column.vi}: {value} {unit} không phải là số lượng hợp lệ.",
        )
    if half_width is not None and half_width < 0:
        return refuse(
            "negative_uncertainty",
            f"{column.en}: an uncertainty below zero.",
            f"{column.vi}: độ không đảm bảo âm.",
            half_width=half_width,
        )
    if value < 0 and not increase:
        return refuse(
            "negative_saving",
            f"{column.en}: {value:g} {unit} is more use, not a saving. If the option is meant to take more "
            "(a fuel switch), say so: increase.",
            f"{column.vi}: {value:g} {unit} là dùng thêm, không phải tiết kiệm. Nếu giải pháp thực sự dùng thêm "
            "(chuyển đổi nhiên liệu), hãy khai báo tăng.",
            value=value,
            unit=unit,
        )
    if value > 0 and increase:
        return refuse(
            "increase_above_zero",
            f"{column.en}: an increase is written below zero, {value:g} {unit} is not.",
            f"{column.vi}: phần dùng thêm phải ghi số âm, {value:g} {unit} thì không.",
            value=value,
            unit=unit,
        )
    figure = Figure(
        value * scale,
        column.unit,
        evidence,
        None if half_width is None else half_width * scale,
        {source: width * scale for source, width in (shared or {}).items()},
    )
    return Amount(resource, figure, grade)


def _scale(column: Column, unit: str, density_kg_l: float | None) -> float | Refusal:
    """Factor from `unit` to the column's."""
    try:
        known = canonical_unit(unit)
        if column.id in _LIQUIDS and known in ("l", "m3"):
            if density_kg_l is None:
                return refuse_missing(
                    f"The density of {column.en} (kg/l)", f"khối lượng riêng của {column.vi} (kg/l)"
                )
            if not (math.isfinite(density_kg_l) and density_kg_l > 0):
                raise ConfigError(f"a density of {density_kg_l} kg/l is none.")
            return conversion(known, "m3").scale * density_kg_l
        if column.id == "natural_gas" and known in ("l", "m3"):
            return refuse(
                "gas_not_normal",
                "Natural gas in m3 of the line: bring it to Nm3 with pressure and temperature first.",
                "Khí thiên nhiên tính theo m3 trên đường ống: cần quy về Nm3 theo áp suất và nhiệt độ.",
                unit=unit,
            )
        return conversion(known, column.unit).scale
    except ValueError as error:
        raise ConfigError(f"{column.en}: {error}") from None
