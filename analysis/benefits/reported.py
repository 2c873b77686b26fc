"""What stands behind a total that somebody reported: which named factors give what, and what is implied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from analysis._tables import table
from analysis.benefits.choices import Factors, PlantFuel
from analysis.benefits.emissions import co2
from analysis.benefits.factors import grid_factor
from analysis.benefits.figures import Total, believable
from analysis.benefits.resources import FUELS, Amount
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError
from dodac.words import number_text as number
from dodac.words import significant_text as significant


@dataclass(frozen=True)
class Combination:
    """One named set of factors: the CO2 it gives and how far that is from the reported total.

    fuels: names of the fuel factors; grid: id of the grid factor; grid_proxy: is it none of the period;
    implied_grid_t_mwh: the grid factor at which these fuels give the reported total.
    """

    fuels: str
    grid: str
    grid_proxy: bool
    co2_t: float
    difference_t: float
    difference_pct: float
    implied_grid_t_mwh: float | None


@dataclass(frozen=True)
class Explanation:
    """A reported total beside what named factors give: grid factors of the period first, then proxies.

    Within both, the nearest first: among many combinations some come near by chance, above all with the
    grid of another year, which nobody could have used then.

    official_grid: the refusal where no official factor covers the period, else None.
    """

    reported_t: float
    combinations: tuple[Combination, ...]
    official_grid: Refusal | None
    findings: tuple[Finding, ...]

    @property
    def nearest(self) -> Combination:
        """The nearest with a grid factor of the period, or of all where there is none."""
        return self.combinations[0]


def explain_reported(
    amounts: Sequence[Amount | Refusal],
    start: date,
    end: date,
    reported_t: float,
    *,
    plants: Mapping[str, Mapping[str, PlantFuel]] | None = None,
    factors: Factors | None = None,
) -> Explanation:
    """Which factors give which fossil CO2, and why that differs from a reported total.

    Every grade of coal in factors_ipcc with every grid factor: the official ones of the period, else those
    named for it or, with a proxy flag, all others. plants: name → laboratory values to try besides ("NCV
    21 GJ/t"). The nearest combination is no proof of what was used: several can come equally near.
    Raises ConfigError without amounts that have CO2 or for a reported total that is not above zero, and
    DataError for an amount that was refused.
    """
    if not (believable(reported_t) and reported_t > 0):
        raise ConfigError(f"a reported total of {reported_t} t is none.")
    for one in amounts:
        if isinstance(one, Refusal):
            raise DataError(one.en, todo="Mend the amount first.")
    whole = [one for one in amounts if isinstance(one, Amount)]
    base = factors or Factors()
    official = grid_factor(start, end, replace(base, grid_proxy=None))
    power = [one for one in whole if one.resource == "electricity"]
    # a stated grade would win over each grade tried, whose name would then be a lie
    fuels = [replace(one, grade=None) for one in whole if one.resource in FUELS and one.resource != "biomass"]
    if not power and not fuels:
        raise ConfigError("none of these amounts has fossil CO2.", todo="Give electricity or fuels.")
    mwh = sum(one.figure.value for one in power)
    grids = _grids(official, start, end, base) if power else [("", False, 0.0)]
    found: list[Combination] = []
    for name, choice in _fuel_sets(fuels, base, plants or {}):
        cell, _ = co2(fuels, start, end, choice)
        if fuels and (not isinstance(cell, Total) or not cell.complete):
            continue
        burnt = cell.value if isinstance(cell, Total) else 0.0
        implied = (reported_t - burnt) / mwh if mwh else None
        for grid, proxy, value in grids:
            made = burnt + mwh * value
            difference = made - reported_t
            found.append(
                Combination(name, grid, proxy, made, difference, 100 * difference / reported_t, implied)
            )
    if not found:
        raise ConfigError(
            "no set of factors covers all of these fuels.", todo="Add rows or the plant's own values."
        )
    found.sort(key=lambda one: (one.grid_proxy, abs(one.difference_t)))
    findings = [_says(found, reported_t)]
    if isinstance(official, Refusal) and power:
        findings.insert(0, Finding("no_official_grid_factor", official.en, official.vi, official.data))
    return Explanation(
        reported_t, tuple(found), official if isinstance(official, Refusal) else None, tuple(findings)
    )


def implied_per_unit(reported_t: float, quantity: float) -> float | None:
    """kg of a reported emission per unit of what gave it; None without a quantity.

    483 t of dust from 19 113 t of coal are 25 kg/t: to be held beside the rows of factors_air.
    """
    return 1000 * reported_t / quantity if quantity > 0 and believable(reported_t) else None


def implied_sulphur_pct(reported_so2_t: float, fuel_t: float, kg_per_t_and_pct: float) -> float | None:
    """Sulphur content (%) at which a fuel gives a reported SO2: 1000·SO2 / (fuel · per_sulphur)."""
    divisor = fuel_t * kg_per_t_and_pct
    return 1000 * reported_so2_t / divisor if divisor > 0 and believable(reported_so2_t) else None


def _fuel_sets(
    fuels: Sequence[Amount], base: Factors, plants: Mapping[str, Mapping[str, PlantFuel]]
) -> list[tuple[str, Factors]]:
    """Named choices of fuel factors: each grade of each fuel that has several, alone and with each plant."""
    rows = table("factors_ipcc") if base.ipcc_rows is None else base.ipcc_rows
    resources = list(
        dict.fromkeys(one.resource for one in fuels if one.resource not in ("electricity", "biomass"))
    )
    grades = [[row["id"] for row in rows if row["resource"] == resource] for resource in resources]
    sets: list[tuple[str, Factors]] = []
    # with no fuel at all the product is one empty choice: electricity alone
    for chosen in product(*(names for names in grades if names)):
        known = [resource for resource, names in zip(resources, grades, strict=True) if names]
        choice = replace(base, grades={**base.grades, **dict(zip(known, chosen, strict=True))})
        several = [
            name for name, names in zip(chosen, (n for n in grades if n), strict=True) if len(names) > 1
        ]
        name = "IPCC 2006" + (f" ({', '.join(several)})" if several else "")
        sets.append((name, choice))
        sets += [
            (f"{name}, {plant}", replace(choice, plant={**base.plant, **values}))
            for plant, values in plants.items()
        ]
    return sets


def _grids(official: object, start: date, end: date, base: Factors) -> list[tuple[str, bool, float]]:
    """(id, is a proxy, t/MWh) of the grid factors to try."""
    rows = table("factors_grid") if base.grid_rows is None else base.grid_rows
    if not isinstance(official, Refusal):
        factor = grid_factor(start, end, replace(base, grid_proxy=None))
        return [] if isinstance(factor, Refusal) else [(factor.id, False, factor.value)]
    return [
        (row["id"], not (row["valid_from"] <= start and end <= row["valid_to"]), row["value"]) for row in rows
    ]


def _made(one: Combination) -> float:
    return one.co2_t


def _says(found: Sequence[Combination], reported_t: float) -> Finding:
    """The nearest and the ends of the range in words."""
    near, low, far = found[0], min(found, key=_made), max(found, key=_made)
    grid, grid_vi = "", ""
    if near.implied_grid_t_mwh is not None:
        grid = f"; with those fuels the reported total implies {number(near.implied_grid_t_mwh, 3)} t/MWh of the grid"
        grid_vi = f"; với nhiên liệu đó, số báo cáo ứng với {number(near.implied_grid_t_mwh, 3, 'vi')} t/MWh của lưới điện"
    return Finding(
        "reported_explained",
        f"{significant(reported_t, 5)} t were reported. Nearest: {near.fuels} with {near.grid or 'no grid'} gives "
        f"{significant(near.co2_t, 5)} t ({number(near.difference_pct, 1)} %){grid}. The {len(found)} named "
        f"combinations go from {significant(low.co2_t, 5)} to {significant(far.co2_t, 5)} t. Which one was "
        "used can't be told from the total.",
        f"Số báo cáo là {significant(reported_t, 5, 'vi')} t. Gần nhất: {near.fuels} với {near.grid or 'không có lưới'} "
        f"cho {significant(near.co2_t, 5, 'vi')} t ({number(near.difference_pct, 1, 'vi')} %){grid_vi}. {len(found)} tổ "
        f"hợp có tên cho từ {significant(low.co2_t, 5, 'vi')} đến {significant(far.co2_t, 5, 'vi')} t. Không thể "
        "suy từ con số tổng ra hệ số nào đã được dùng.",
        {"reported_t": reported_t, "nearest_t": near.co2_t, "combinations": len(found)},
    )
