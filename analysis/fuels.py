"""Fuel constants of the Siegert formula, each with its source and the date it was taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dodac.errors import ConfigError
from dodac.quantities import nearest


@dataclass(frozen=True)
class Fuel:
    """What the flue-gas formulas need of a fuel (net calorific basis).

    a2, b: Siegert constants for O₂ (qA in % per K, O₂ in vol%, base 21); co2_max_pct: CO₂ of dry flue
    gas without excess air, vol%; o2_reference_pct: reference O₂ that emission values are stated at;
    k4: constant of the loss by unburnt CO (None where no source gives one; for wood and anthracite it is
    on the gross value, so the loss is a tenth or less too low); checked: "read" in the
    source or "remembered" (then not to be relied on); taken: the date it was taken over.
    """

    id: str
    en: str
    vi: str
    a2: float
    b: float
    co2_max_pct: float
    o2_reference_pct: float
    k4: float | None
    source: str
    checked: str
    taken: str


_TESTO = "testo 330-1 instruction manual, fuel parameters (Siegert constants)"
_IMR = _TESTO + "; CO loss constant: IMR 2800 manual p. 42"
_KANE = _TESTO + "; CO loss constant: BS 845 as printed by Kane (KM9106 manual p. 66, FAQ 362)"
_TAKEN = "2026-11-22"


def _fuel(
    id: str,
    en: str,
    vi: str,
    a2: float,
    b: float,
    co2_max_pct: float,
    o2_reference_pct: float,
    k4: float | None = None,
    source: str = _TESTO,
) -> Fuel:
    return Fuel(id, en, vi, a2, b, co2_max_pct, o2_reference_pct, k4, source, "read", _TAKEN)


FUELS: Final[dict[str, Fuel]] = {
    fuel.id: fuel
    for fuel in (
        _fuel("natural_gas", "natural gas", "khí thiên nhiên", 0.660, 0.009, 11.8, 3.0, 32.0, _IMR),
        _fuel(
            "light_oil", "light fuel oil, diesel", "dầu nhẹ, dầu diesel", 0.680, 0.007, 15.4, 3.0, 48.0, _IMR
        ),
        _fuel("lpg", "LPG", "khí hoá lỏng LPG", 0.630, 0.008, 13.7, 3.0),
        _fuel("wood", "wood, pellets", "củi, viên nén gỗ", 0.765, 0.0, 20.3, 13.0, 65.0, _KANE),
        _fuel("briquette", "briquettes", "than bánh", 0.833, 0.0, 18.9, 8.0),
        _fuel("lignite", "lignite", "than nâu", 0.955, 0.0, 19.8, 8.0),
        _fuel("anthracite", "anthracite", "than antraxit", 0.758, 0.0, 20.5, 8.0, 65.0, _KANE),
        _fuel("coke_oven_gas", "coke-oven gas", "khí lò cốc", 0.600, 0.011, 10.3, 3.0),
        _fuel("town_gas", "town gas", "khí đô thị", 0.630, 0.011, 13.6, 3.0),
    )
}


def fuel(id: str) -> Fuel:
    """The fuel of that id; ConfigError naming the nearest one otherwise."""
    found = FUELS.get(id)
    if found is None:
        near = nearest(id, FUELS)
        todo = f'Did you mean "{near}"?' if near else f"Known fuels: {', '.join(FUELS)}."
        raise ConfigError(f'there is no fuel "{id}".', todo=todo)
    return found
