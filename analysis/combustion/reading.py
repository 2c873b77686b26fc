"""A flue-gas reading, and whether it is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Final

from analysis.combustion import _words as words
from analysis.results import Finding, Refusal

_HIGHEST_O2_PCT: Final = 20.5
_DILUTED_O2_PCT: Final = 16.0
_GASES_DIFFER_PCT: Final = 1.0
_LOWEST_CO_PPM: Final = -20.0
_HIGHEST_CO_PPM: Final = 200_000.0


@dataclass(frozen=True)
class FlueGas:
    """One steady reading: O₂ and CO₂ (vol%, dry), flue and combustion-air temperature (°C), CO (ppm, dry).

    o2_pct None: only CO₂ was measured. A probe that measures O₂ in the wet gas (zirconia) is not dry:
    bring it over with Stoichiometry.dry_o2_from_wet_pct first.
    """

    o2_pct: float | None
    t_flue_c: float
    t_air_c: float
    co_ppm: float | None = None
    co2_pct: float | None = None


def impossible_o2(o2_pct: float) -> Refusal | None:
    """O₂ that is no flue gas."""
    return None if math.isfinite(o2_pct) and 0.0 <= o2_pct < _HIGHEST_O2_PCT else words.no_flue_gas(o2_pct)


def unusable(reading: FlueGas, co2_max_pct: float) -> Refusal | None:
    """Why a reading gives no efficiency; None where it does."""
    given = (reading.o2_pct, reading.co2_pct, reading.co_ppm)
    if not all(isinstance(value, Real) for value in (reading.t_flue_c, reading.t_air_c)) or not all(
        value is None or isinstance(value, Real) for value in given
    ):
        return words.missing_value()
    if reading.o2_pct is None and reading.co2_pct is None:
        return words.neither_o2_nor_co2()
    if reading.o2_pct is not None:
        refusal = impossible_o2(reading.o2_pct)
        if refusal is not None:
            return refusal
    if reading.co2_pct is not None and not 0.0 < reading.co2_pct <= co2_max_pct * 1.03:
        return words.co2_impossible(reading.co2_pct, co2_max_pct)
    if not all(math.isfinite(v) for v in (reading.t_flue_c, reading.t_air_c, reading.co_ppm or 0.0)):
        return words.missing_value()
    for value in (reading.t_flue_c, reading.t_air_c):
        if not -60.0 < value < 2500.0:
            return words.temperature_impossible(value)
    if reading.t_flue_c <= reading.t_air_c:
        return words.flue_not_hot(reading.t_flue_c, reading.t_air_c)
    if reading.co_ppm is not None and reading.co_ppm < _LOWEST_CO_PPM:
        return words.negative_co(reading.co_ppm)
    if reading.co_ppm is not None and reading.co_ppm > _HIGHEST_CO_PPM:
        return words.co_impossible(reading.co_ppm)
    return None


def gases_of(reading: FlueGas, co2_max_pct: float, base_pct: float) -> tuple[float, float]:
    """O₂ and CO₂ of the reading, the one that was not measured from the other: CO₂ = CO₂max (base − O₂)/base."""
    if reading.o2_pct is not None:
        computed = co2_max_pct * (base_pct - reading.o2_pct) / base_pct
        return reading.o2_pct, computed if reading.co2_pct is None else reading.co2_pct
    co2 = reading.co2_pct or 0.0
    return max(base_pct * (1.0 - co2 / co2_max_pct), 0.0), co2


def findings_of(reading: FlueGas, o2_pct: float, co2_max_pct: float, base_pct: float) -> tuple[Finding, ...]:
    """Too much air, CO that looks like percent, or gases that contradict one another."""
    found = [words.diluted(o2_pct)] if o2_pct > _DILUTED_O2_PCT else []
    if reading.co_ppm is not None and 0.0 < reading.co_ppm < 1.0:
        found.append(words.co_in_percent(reading.co_ppm))
    if reading.o2_pct is not None and reading.co2_pct is not None:
        expected = co2_max_pct * (base_pct - reading.o2_pct) / base_pct
        if abs(expected - reading.co2_pct) > _GASES_DIFFER_PCT:
            found.append(words.gases_disagree(reading.co2_pct, expected))
    return tuple(found)
