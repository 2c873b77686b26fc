"""Targets with their own basis, classes of reduction, and the threshold of key energy users."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from analysis._tables import Row, table
from analysis.benefits._words import refuse, refuse_missing
from analysis.benefits.indicators import specific
from analysis.results import Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest

BASES: Final = ("absolute", "per_unit")


@dataclass(frozen=True)
class Target:
    """A change aimed at, in percent, on its own basis: of the quantity ("absolute") or "per_unit" of product."""

    id: str
    en: str
    vi: str
    of: str
    change_pct: float
    basis: str


@dataclass(frozen=True)
class TargetResult:
    """What came of a target: the change on its basis; reached when it is at least as far."""

    target: Target
    change_pct: float
    reached: bool


def target(id: str, rows: tuple[Row, ...] | None = None) -> Target:
    """A target of programme_rules.toml, or of a programme's own rows; ConfigError for an unknown one."""
    found = {row["id"]: row for row in rows or table("programme_rules") if row["kind"] == "target"}
    if id not in found:
        near = nearest(id, found)
        raise ConfigError(
            f'there is no target "{id}".',
            todo=f'Did you mean "{near}"?' if near else f"Known: {', '.join(found)}.",
        )
    row = found[id]
    if row["basis"] not in BASES:
        raise ConfigError(f"target {id}: basis {row['basis']!r} is none of {BASES}.")
    return Target(id, row["en"], row["vi"], row["of"], float(row["change_pct"]), row["basis"])


def check_target(
    aim: Target,
    before: float,
    after: float,
    product_before: float | None = None,
    product_after: float | None = None,
) -> TargetResult | Refusal:
    """A target on its own basis; one per unit of product is refused without the product of both years.

    Refused too for values that are none or below zero.
    """
    if aim.basis == "per_unit":
        if product_before is None or product_after is None:
            return refuse_missing(
                f"The output of both years ({aim.en} is per unit of product)",
                f"sản lượng của cả hai năm ({aim.vi} tính trên một đơn vị sản phẩm)",
            )
        one, two = specific(before, product_before), specific(after, product_after)
        if isinstance(one, Refusal):
            return one
        if isinstance(two, Refusal):
            return two
        before, after = one, two
    if not (math.isfinite(before) and math.isfinite(after) and before > 0 and after >= 0):
        return refuse_missing(
            f"A value above zero before, and one of zero or more after ({aim.en}),",
            f"giá trị ban đầu lớn hơn 0 và giá trị sau không âm ({aim.vi})",
        )
    change = 100 * (after / before - 1)
    reached = change <= aim.change_pct or math.isclose(change, aim.change_pct, abs_tol=1e-9)
    return TargetResult(aim, change, reached)


def reduction_class(
    changes_pct: Mapping[str, float | None], rows: tuple[Row, ...] | None = None
) -> str | None:
    """The class a programme counts a company in, by its best change per unit of product.

    changes_pct: energy, material, fuel, … → change per unit of product (negative: less; None: not
    known). "over-5": one of them fell by more than 5 %; None: nothing fell, or nothing is known.
    """
    known = [-change for change in changes_pct.values() if change is not None and math.isfinite(change)]
    best = max(known, default=0.0)
    classes = [row for row in rows or table("programme_rules") if row["kind"] == "reduction_class"]
    for row in sorted(classes, key=lambda row: -row["above_pct"]):
        if best > row["above_pct"] and not math.isclose(best, row["above_pct"], abs_tol=1e-9):
            return str(row["id"])
    return None


def key_energy_user(
    toe_per_year: float, what: str, day: date, rows: tuple[Row, ...] | None = None
) -> bool | Refusal:
    """Does a site reach the threshold of a key energy user ("industry" 1 000, "building" 500 TOE a year)?

    Decree 21/2011/NĐ-CP, article 6 (Circular 25/2020/TT-BCT: audit every three years, yearly report on
    dataenergy.vn). Refused before the decree and for a number that is none; ConfigError for an unknown kind.
    """
    found = {row["id"]: row for row in rows or table("programme_rules") if row["kind"] == "key_energy_user"}
    if what not in found:
        raise ConfigError(f'"{what}" is no kind of energy user.', todo=f"Write one of: {', '.join(found)}.")
    row = found[what]
    if not math.isfinite(toe_per_year) or toe_per_year < 0:
        return refuse_missing("A yearly consumption in TOE", "mức tiêu thụ năm tính bằng TOE")
    if day < row["valid_from"] or day > row.get("valid_to", date.max):
        return refuse(
            "rule_not_in_force",
            f"No threshold of key energy users is in force on {day} ({row['document']}).",
            f"Ngày {day} chưa có ngưỡng cơ sở sử dụng năng lượng trọng điểm ({row['document']}).",
            day=str(day),
        )
    return bool(toe_per_year >= row["toe_per_year"])
