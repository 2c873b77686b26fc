"""Norms (định mức) and benchmarks of specific consumption by sector, in force on a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from analysis._tables import Row, in_force, table
from analysis.benefits._words import refuse, remembered_factor
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest
from dodac.units import conversion

# hectolitres are the brewers' unit and no instrument's, so dodac.units has none
_HECTOLITRE_M3: Final = 0.1
_UNITS_VI: Final = {"million l/year": "triệu lít/năm", "t/year": "tấn/năm"}


@dataclass(frozen=True)
class Norm:
    """A specific consumption aimed at: value in unit (MJ/hl), with its document and its days."""

    id: str
    kind: str
    sector: str
    product: str
    en: str
    vi: str
    value: float
    unit: str
    valid_from: date
    valid_to: date | None
    document: str
    source: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class NormComparison:
    """A specific consumption in the norm's unit, and how far above (+) or below (−) the norm, in percent."""

    norm: Norm
    value: float
    above_pct: float

    @property
    def met(self) -> bool:
        """Not above the norm."""
        return self.value <= self.norm.value


def norms_of(product: str | None = None, rows: Sequence[Row] | None = None) -> tuple[Row, ...]:
    """All rows of the library, or those of one product; ConfigError for a product it does not know."""
    found = tuple(table("norms") if rows is None else rows)
    if product is None:
        return found
    own = tuple(row for row in found if row["product"] == product)
    if not own:
        products = {row["product"] for row in found}
        near = nearest(product, products)
        raise ConfigError(
            f'the library has no norm of "{product}".',
            todo=f'Did you mean "{near}"?' if near else f"Known: {', '.join(sorted(products))}.",
        )
    return own


def norm(
    product: str,
    day: date,
    capacity: float | None = None,
    *,
    kind: str = "norm",
    per: str | None = None,
    rows: Sequence[Row] | None = None,
) -> Norm | Refusal:
    """The norm (or benchmark) of a product on a day.

    capacity: of the plant, in the row's capacity_unit, where the norm is by size; per: the unit wanted,
    where a product has norms of several quantities ("MJ/hl", "hl/hl"). Refused: no row in force (naming
    the nearest), a norm whose figure was not seen, a size that is missing or covered by no row.
    """
    own = [
        row
        for row in norms_of(product, rows)
        if row["kind"] == kind and (per is None or _same_quantity(row["unit"], per))
    ]
    current = in_force(own, day)
    if not current:
        known = ", ".join(f"{row['id']} ({_days(row)})" for row in own) or "–"
        return refuse(
            "norm_not_in_force",
            f"No {kind} of {product} is in force on {day}. Known: {known}.",
            f"Không có {'định mức' if kind == 'norm' else 'mức so sánh'} nào cho {product} có hiệu lực ngày {day}. "
            f"Hiện có: {known}.",
            product=product,
            day=str(day),
        )
    sized = [row for row in current if "capacity_unit" in row]
    if sized and capacity is None:
        unit = sized[0].get("capacity_unit", "")
        return refuse(
            "norm_by_size",
            f"The {kind} of {product} is by size of plant: give its capacity ({unit}).",
            f"Định mức của {product} phụ thuộc quy mô: hãy nhập công suất ({_UNITS_VI.get(unit, unit)}).",
            product=product,
            unit=unit,
        )
    fitting = [row for row in current if _fits(row, capacity)]
    if len({row["unit"] for row in fitting}) > 1:
        units = ", ".join(row["unit"] for row in fitting)
        raise ConfigError(f"{product} has {kind}s of several quantities ({units}).", todo="Say which: per=…")
    if not fitting:
        return refuse(
            "norm_size_not_covered",
            f"No {kind} of {product} covers a capacity of {capacity:g}.",
            f"Không có định mức của {product} cho công suất {capacity:g}.",
            product=product,
            capacity=capacity or 0.0,
        )
    row = fitting[-1]
    if "value" not in row:
        return refuse(
            "norm_figure_not_seen",
            f"{row['document']} sets a norm of {row['en']}, but its figure was not seen: enter it in a table of "
            "your own.",
            f"{row['document']} có định mức cho {row['vi']} nhưng dodac chưa có số liệu: hãy nhập vào bảng riêng.",
            document=row["document"],
            norm=row["id"],
        )
    findings = (remembered_factor(row["id"], row["source"]),) if row["checked"] == "remembered" else ()
    return Norm(
        row["id"],
        kind,
        row["sector"],
        product,
        row["en"],
        row["vi"],
        float(row["value"]),
        row["unit"],
        row["valid_from"],
        row.get("valid_to"),
        row["document"],
        row["source"],
        findings,
    )


def against(value: float, unit: str, aim: Norm) -> NormComparison | Refusal:
    """A specific consumption (kWh/t, MJ/hl …) beside a norm, in the norm's unit.

    Units convert by numerator and denominator; ConfigError when they don't. Only final energy converts:
    how a sector's norm counts steam or primary energy is the document's, not this function's.
    """
    if not (math.isfinite(value) and value >= 0):
        return refuse("not_a_number", "No specific consumption.", "Chưa có suất tiêu hao.")
    own = value * _scale(unit, aim.unit)
    return NormComparison(aim, own, 100 * (own / aim.value - 1))


def _fits(row: Row, capacity: float | None) -> bool:
    if capacity is None:
        return True
    return bool(
        row.get("capacity_from", -math.inf) <= capacity <= row.get("capacity_to", math.inf)
        and row.get("capacity_above", -math.inf) < capacity < row.get("capacity_below", math.inf)
    )


def _days(row: Row) -> str:
    return f"{row['valid_from']} – {row.get('valid_to', '…')}"


def _same_quantity(unit: str, other: str) -> bool:
    try:
        _scale(unit, other)
    except ConfigError:
        return False
    return True


def _scale(unit: str, wanted: str) -> float:
    """Factor between two units of the shape energy/product."""
    if unit == wanted:
        return 1.0
    (top, _, bottom), (top_wanted, _, bottom_wanted) = unit.partition("/"), wanted.partition("/")
    if not bottom or not bottom_wanted:
        raise ConfigError(f'"{unit}" is no specific consumption.', todo="Write kWh/t, MJ/hl, m3/t …")
    return _factor(top, top_wanted) / _factor(bottom, bottom_wanted)


def _factor(unit: str, wanted: str) -> float:
    scale = 1.0
    if unit == "hl":
        unit, scale = "m3", _HECTOLITRE_M3
    if wanted == "hl":
        wanted, scale = "m3", scale / _HECTOLITRE_M3
    try:
        made = conversion(unit, wanted)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return made.scale * scale
