"""CO2, SO2, NOx, dust and TOE of what options save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from analysis.benefits._words import partial_emission
from analysis.benefits.choices import Factor, Factors
from analysis.benefits.factors import air_factor, carbon_factor, grid_factor, toe_factor
from analysis.benefits.figures import Cell, Figure, Total, total
from analysis.benefits.resources import EMISSIONS, FUELS, RESOURCES, Amount
from analysis.results import Refusal


def co2(
    amounts: Sequence[Amount], start: date, end: date, factors: Factors | None = None
) -> tuple[Cell, Cell]:
    """Fossil and biogenic CO2 (t) of amounts saved in a period.

    Electricity by the grid factor of the period, fuels by their carbon (2006 IPCC Guidelines, volume 2,
    chapter 2); biogenic CO2 is never added to fossil. None where no amount has CO2.
    """
    fossil: list[Figure | Refusal] = []
    biogenic: list[Figure | Refusal] = []
    for one in amounts:
        if one.resource == "electricity":
            factor = grid_factor(start, end, factors)
        elif one.resource in FUELS:
            factor = carbon_factor(one.resource, one.grade, factors)
        else:
            continue
        where = biogenic if one.resource == "biomass" else fossil
        where.append(_figure(one, factor, "t"))
    return _cell("co2", fossil), _cell("co2_biogenic", biogenic)


def air(amounts: Sequence[Amount], pollutant: str, factors: Factors | None = None) -> Cell:
    """t of dust, so2 or nox of the fuels saved, at the plant's own stack (not at power stations)."""
    return _over(amounts, pollutant, FUELS, lambda one: air_factor(one.resource, pollutant, factors))


def toe(amounts: Sequence[Amount], start: date, factors: Factors | None = None) -> Cell:
    """Tonnes of oil equivalent of electricity and fuels in a period from `start` (letter 3505/BCT-KHCN)."""
    energy = ("electricity", *FUELS)
    return _over(amounts, "toe", energy, lambda one: toe_factor(one.resource, one.grade, factors, start))


def _over(
    amounts: Iterable[Amount],
    column: str,
    resources: tuple[str, ...],
    find: Callable[[Amount], Factor | Refusal],
) -> Cell:
    unit = EMISSIONS[column].unit
    return _cell(column, [_figure(one, find(one), unit) for one in amounts if one.resource in resources])


def _figure(one: Amount, factor: Factor | Refusal, unit: str) -> Figure | Refusal:
    if isinstance(factor, Refusal):
        return replace(factor, data={**factor.data, "resource": one.resource})
    made = one.figure.times(factor.value, unit, factor.id, factor.half_width)
    return replace(made, findings=(*made.findings, *factor.findings))


def _cell(column: str, items: list[Figure | Refusal]) -> Cell:
    """The sum; where some amounts have no factor, it says of which it is not."""
    cell = total(items)
    if isinstance(cell, Total) and cell.refused:
        missing = [RESOURCES[str(refusal.data["resource"])] for refusal in cell.refused]
        words = partial_emission(
            EMISSIONS[column].en,
            EMISSIONS[column].vi,
            list(dict.fromkeys(one.en for one in missing)),
            list(dict.fromkeys(one.vi for one in missing)),
        )
        return replace(cell, findings=(*cell.findings, words))
    return cell
