"""Which factors a programme chooses: grades, the plant's laboratory, proxies, tables of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from analysis._tables import Row
from analysis.benefits.resources import RESOURCES, Column
from analysis.results import Finding
from dodac.errors import ConfigError
from dodac.quantities import nearest

GRID_KINDS: Final = ("combined_margin", "inventory")
POLLUTANTS: Final = ("dust", "so2", "nox")


@dataclass(frozen=True)
class PlantFuel:
    """What a plant's laboratory or supplier says of a fuel; it goes before every table.

    ncv_gj: GJ per t (gas: per Nm3), net; co2_kg_gj: kg CO2 per GJ net; sulphur_pct, ash_pct: percent of
    the mass as fired; removed_pct: pollutant → percent kept back by filter or scrubber.
    """

    source: str
    ncv_gj: float | None = None
    co2_kg_gj: float | None = None
    sulphur_pct: float | None = None
    ash_pct: float | None = None
    removed_pct: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("ncv_gj", "co2_kg_gj"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"{name} = {value} of {self.source} is not above zero.")
        for name, value in (
            ("sulphur_pct", self.sulphur_pct),
            ("ash_pct", self.ash_pct),
            *self.removed_pct.items(),
        ):
            if value is not None and not 0 <= value <= 100:
                raise ConfigError(f"{name} = {value} of {self.source} is no percentage.")


@dataclass(frozen=True)
class Factors:
    """The choice of factors behind one benefit table.

    grid_kind: "combined_margin", "inventory" or None (the official factor, whatever its kind);
    grid_proxy: id of the row that stands in where no official factor covers a year; grades and
    toe_grades: resource → row of factors_ipcc and factors_toe (a TOE row that is named here stands in,
    as a proxy, for periods before its letter); air: (resource, pollutant) → row of
    factors_air; plant: resource → laboratory values; confidence: of all half widths of the table;
    grid_rows …: a programme's own tables (analysis._tables.rows_of) instead of those of dodac.
    """

    grid_kind: str | None = None
    grid_proxy: str | None = None
    grades: Mapping[str, str] = field(default_factory=dict)
    toe_grades: Mapping[str, str] = field(default_factory=dict)
    air: Mapping[tuple[str, str], str] = field(default_factory=dict)
    plant: Mapping[str, PlantFuel] = field(default_factory=dict)
    confidence: float = 0.90
    grid_rows: tuple[Row, ...] | None = None
    ipcc_rows: tuple[Row, ...] | None = None
    toe_rows: tuple[Row, ...] | None = None
    air_rows: tuple[Row, ...] | None = None

    def __post_init__(self) -> None:
        if self.grid_kind not in (None, *GRID_KINDS):
            raise ConfigError(
                f'"{self.grid_kind}" is no kind of grid factor.',
                todo=f"Write one of: {', '.join(GRID_KINDS)}.",
            )
        if not 0 < self.confidence < 1:
            raise ConfigError(f"a confidence of {self.confidence} is not between 0 and 1.")
        for resource in (*self.grades, *self.toe_grades, *self.plant, *(key[0] for key in self.air)):
            column_of(resource)


@dataclass(frozen=True)
class Factor:
    """A factor as it was used: `half_width` at the table's confidence, None or 0 where none is stated."""

    id: str
    value: float
    unit: str
    source: str
    half_width: float | None = None
    biogenic: bool = False
    findings: tuple[Finding, ...] = ()


def column_of(resource: str) -> Column:
    """The column of a resource; ConfigError with the nearest name otherwise."""
    if resource not in RESOURCES:
        near = nearest(resource, RESOURCES)
        todo = f'Did you mean "{near}"?' if near else f"Known: {', '.join(RESOURCES)}."
        raise ConfigError(f'"{resource}" is no column of the benefit table.', todo=todo)
    return RESOURCES[resource]
