"""The benefit table: one row per option."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from analysis.benefits._words import (
    classes_mixed,
    given_differs,
    refuse_missing,
    refuse_not_a_year,
)
from analysis.benefits.appraisals import Appraisal, Discount, appraise
from analysis.benefits.choices import POLLUTANTS, Factors
from analysis.benefits.emissions import air, co2, toe
from analysis.benefits.exchange import ExchangeRate, converted
from analysis.benefits.figures import EVIDENCE_VI, Cell, Figure, Total, total
from analysis.benefits.finance import simple_payback_months
from analysis.benefits.indicators import SpecificConsumption
from analysis.benefits.resources import COLUMNS, FUELS, RESOURCES, Amount
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.money import Money
from dodac.quantities import nearest

YEAR_DAYS: Final = (365, 366)
_FOSSIL: Final = ("dust", "so2", "nox", "co2", "toe")
_MADE_OF: Final = {
    "electricity": ("co2", "toe"),
    "biomass": ("dust", "so2", "nox", "co2_biogenic", "toe"),
    **dict.fromkeys((fuel for fuel in FUELS if fuel != "biomass"), _FOSSIL),
}


@dataclass(frozen=True)
class OptionResult:
    """What one option gave, before factors.

    amounts and saving: of the period start … end (both included) as it was; normal_year and
    saving_per_year: of a normal year (normalised savings, a design figure), never made from the period;
    given: column → figure that somebody states (a reported CO2), kept instead of the computed one, which
    is then shown beside it; meter: what measured it, so that sums know which options share one; refused: amounts that could not be had, so that sums know.
    """

    id: str
    start: date
    end: date
    amounts: tuple[Amount | Refusal, ...] = ()
    normal_year: tuple[Amount | Refusal, ...] = ()
    investment: Money | None = None
    saving: Money | None = None
    saving_per_year: Money | None = None
    given: Mapping[str, Figure] = field(default_factory=dict)
    specific: tuple[SpecificConsumption, ...] = ()
    company: str = ""
    province: str = ""
    programme: str = ""
    meter: str = ""


@dataclass(frozen=True)
class BenefitRow:
    """One option or one sum: cells by column id (see COLUMNS), period-actual and normal year apart.

    A cell is a Total (by evidence class), a Refusal with its reason, or None where there is nothing.
    payback_months: simple, of yearly saving; options: how many are in it; appraisal: over a life, where
    one was asked for.
    """

    id: str
    start: date
    end: date
    cells: Mapping[str, Cell]
    normal_year: Mapping[str, Cell]
    investment: Money | Refusal
    saving: Money | Refusal
    saving_per_year: Money | Refusal
    payback_months: float | Refusal
    findings: tuple[Finding, ...]
    options: int = 1
    specific: tuple[SpecificConsumption, ...] = ()
    company: str = ""
    province: str = ""
    programme: str = ""
    meter: str = ""
    appraisal: Appraisal | Refusal | None = None

    @property
    def factors(self) -> tuple[str, ...]:
        """Ids of all factors behind the row's figures."""
        names = [
            name
            for cell in (*self.cells.values(), *self.normal_year.values())
            if isinstance(cell, Total)
            for name in cell.factors
        ]
        return tuple(dict.fromkeys(names))


def benefits(
    option: OptionResult,
    factors: Factors | None = None,
    rates: Sequence[ExchangeRate] = (),
    discount: Discount | None = None,
) -> BenefitRow:
    """The row of one option.

    Payback is 12 · investment / saving of a normal year; where only a period's saving is there, the period
    must be one year (365 or 366 days): a quarter is never multiplied by four. The grid factor of the normal
    year is that of the period. Raises ConfigError for a period that ends before it starts and for given
    figures in unknown columns or units.
    """
    if option.end < option.start:
        raise ConfigError(f"{option.id}: the period ends ({option.end}) before it starts ({option.start}).")
    findings: list[Finding] = []
    cells = _cells(option.amounts, option, factors)
    for column, figure in option.given.items():
        if column not in COLUMNS:
            near = nearest(column, COLUMNS)
            raise ConfigError(
                f'{option.id}: "{column}" is no column of the benefit table.',
                todo=f'Did you mean "{near}"?' if near else "",
            )
        if figure.unit != COLUMNS[column].unit:
            raise ConfigError(f"{option.id}: {column} is in {COLUMNS[column].unit}, not {figure.unit}.")
        computed = cells[column]
        if (
            isinstance(computed, Total)
            and computed.complete
            and not math.isclose(computed.value, figure.value)
        ):
            findings.append(
                given_differs(column, figure.value, computed.value, figure.unit, computed.factors)
            )
            findings += computed.findings
        cells[column] = total([figure])
    yearly = _yearly(option)
    investment = _known(option.investment, "The investment", "vốn đầu tư")
    return BenefitRow(
        option.id,
        option.start,
        option.end,
        cells,
        _cells(option.normal_year, option, factors),
        investment,
        _known(option.saving, "The saving of the period", "mức tiết kiệm của kỳ"),
        yearly,
        payback(investment, yearly, rates),
        (*findings, *mixed(cells.values())),
        specific=option.specific,
        company=option.company,
        province=option.province,
        programme=option.programme,
        meter=option.meter,
        appraisal=_appraisal(investment, yearly, rates, discount),
    )


def _cells(
    amounts: Sequence[Amount | Refusal], option: OptionResult, factors: Factors | None
) -> dict[str, Cell]:
    whole = [one for one in amounts if isinstance(one, Amount)]
    refused = [one for one in amounts if isinstance(one, Refusal)]
    cells: dict[str, Cell] = {
        column: total(
            [
                *(one.figure for one in whole if one.resource == column),
                *(one for one in refused if one.data.get("resource") == column),
            ]
        )
        for column in RESOURCES
    }
    fossil, biogenic = co2(whole, option.start, option.end, factors)
    cells |= {pollutant: air(whole, pollutant, factors) for pollutant in POLLUTANTS}
    cells |= {"co2": fossil, "co2_biogenic": biogenic, "toe": toe(whole, option.start, factors)}
    for one in refused:  # an amount that could not be had is missing from whatever it would have given
        for column in _MADE_OF.get(str(one.data.get("resource")), ()):
            cells[column] = total([cells[column], one])
    return cells


def _yearly(option: OptionResult) -> Money | Refusal:
    if option.saving_per_year is not None or option.saving is None:
        return _known(option.saving_per_year, "The saving per year", "mức tiết kiệm năm")
    days = (option.end - option.start).days + 1
    return _known(option.saving, "", "") if days in YEAR_DAYS else refuse_not_a_year(days)


def _known(money: Money | None, what: str, what_vi: str) -> Money | Refusal:
    """Money that is an amount, or why it is none."""
    return refuse_missing(what, what_vi) if money is None else converted(money, money.currency)


def payback(
    investment: Money | Refusal, yearly: Money | Refusal, rates: Sequence[ExchangeRate]
) -> float | Refusal:
    """Simple payback in months, or the first reason why there is none."""
    if isinstance(investment, Refusal):
        return investment
    if isinstance(yearly, Refusal):
        return yearly
    return simple_payback_months(investment, yearly, rates)


def _appraisal(
    investment: Money | Refusal,
    yearly: Money | Refusal,
    rates: Sequence[ExchangeRate],
    discount: Discount | None,
) -> Appraisal | Refusal | None:
    if discount is None:
        return None
    if isinstance(investment, Refusal):
        return investment
    if isinstance(yearly, Refusal):
        return yearly
    return appraise(
        investment,
        yearly,
        discount.life_years,
        rate_pct=discount.rate_pct,
        escalation_pct=discount.escalation_pct,
        terms=discount.terms,
        rates=rates,
    )


def mixed(cells: Iterable[Cell]) -> tuple[Finding, ...]:
    """One finding over all cells that hold several evidence classes."""
    classes = {
        part.evidence for cell in cells if isinstance(cell, Total) and cell.mixed for part in cell.parts
    }
    known = sorted(classes)
    return (classes_mixed(known, [EVIDENCE_VI[one] for one in known]),) if classes else ()
