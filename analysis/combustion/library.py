"""The library of fuels: the rows of tables/fuels.toml, read when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from analysis._tables import Row, table
from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion.composition import gas_mixture, hhv_estimate_mj_kg, lhv_from_hhv, ultimate
from analysis.combustion.fuels import AIR_BASE_PCT, Fuel, Siegert, unlikely, with_gas
from analysis.results import Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest


def _of_row(row: Row) -> Fuel:
    constants = {
        maker: Siegert(**{key: float(value) for key, value in given.items()}, base_pct=AIR_BASE_PCT[maker])
        for maker, given in row.get("siegert", {}).items()
    }
    found = Fuel(
        id=row["id"],
        en=row["en"],
        vi=row["vi"],
        kind=row["kind"],
        source=row["source"],
        checked=row["checked"],
        taken=str(row["taken"]),
        siegert=constants,
        k4=row.get("k4"),
        o2_reference_pct=row.get("o2_reference_pct"),
        ipcc=row.get("ipcc", ""),
        biogenic=row.get("biogenic", False),
        findings=(fuel_words.remembered_fuel(row["en"], row["vi"]),)
        if row["checked"] == "remembered" or row.get("remembered")
        else (),
    )
    if "gas" in row:
        mixture = gas_mixture({gas: float(value) for gas, value in row["gas"].items()})
        if isinstance(mixture, Refusal):
            raise ConfigError(f'fuels.toml: "{row["id"]}": {mixture.en}')
        return with_gas(found, mixture)
    if "ultimate" in row:
        elements = ultimate(**row["ultimate"])
        if isinstance(elements, Refusal):
            raise ConfigError(f'fuels.toml: "{row["id"]}": {elements.en}')
        gross = float(row["hhv_mj_kg"])
        return replace(
            found,
            elements=elements,
            hhv_mj_kg=gross,
            lhv_mj_kg=lhv_from_hhv(gross, elements),
            findings=(*found.findings, *unlikely(gross, hhv_estimate_mj_kg(elements))),
        )
    return found


@cache
def _library() -> Mapping[str, Fuel]:
    return {row["id"]: _of_row(row) for row in table("fuels")}


class _Fuels(Mapping[str, Fuel]):
    """The library, read when it is first asked for."""

    def __getitem__(self, id: str) -> Fuel:
        return _library()[id]

    def __iter__(self) -> Iterator[str]:
        return iter(_library())

    def __len__(self) -> int:
        return len(_library())


FUELS: Final[Mapping[str, Fuel]] = _Fuels()


def fuel(id: str | Fuel) -> Fuel:
    """The fuel of that id (a Fuel passes through); ConfigError naming the nearest one otherwise."""
    if isinstance(id, Fuel):
        return id
    found = FUELS.get(id)
    if found is None:
        near = nearest(id, FUELS)
        todo = f'Did you mean "{near}"?' if near else f"Known fuels: {', '.join(FUELS)}."
        raise ConfigError(f'there is no fuel "{id}".', todo=todo)
    return found
