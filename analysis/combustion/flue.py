"""Flue-gas loss and net efficiency by Siegert's formula (EN 50379), by testo's and by Bacharach's constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from analysis.combustion import _fuel_words as fuel_words
from analysis.combustion import _words as words
from analysis.combustion._given import above, within
from analysis.combustion.composition import LATENT_MJ_KG, NORMAL_VOLUME, WATER
from analysis.combustion.efficiency import Efficiency, InstrumentLimits, expanded, slopes, standard_of
from analysis.combustion.fuels import AIR_BASE_PCT, TESTO, Fuel, Siegert
from analysis.combustion.library import fuel
from analysis.combustion.reading import FlueGas, findings_of, gases_of, unusable
from analysis.combustion.stoichiometry import saturation_hpa, stoichiometry
from analysis.results import Finding, Refusal, Uncertainty

# O₂ of air in the formulas of Bacharach, Kane and QCVN 19; testo's Siegert constants belong to 21
AIR_O2_PCT: Final = 20.9
SIEGERT_O2_BASE_PCT: Final = AIR_BASE_PCT[TESTO]
Maker = Literal["testo", "bacharach"]


@dataclass(frozen=True)
class Combustion:
    """What a flue-gas reading says, on the net calorific value (net basis).

    q_a_pct: flue-gas loss without condensation; co_loss_pct: loss by unburnt CO (None: no CO, or no
    constant); condensation_gain_pct: heat of water that condenses below the dew point (None: the
    fuel's elements are not known, or not asked for); efficiency_pct = 100 − q_a − co_loss + gain, also with its
    basis and losses as `efficiency`; air_ratio and excess_air_pct by the maker's simple
    formula, excess_air_exact_pct by the fuel's stoichiometry; co_air_free_ppm: CO at 0 % O₂ (base
    20.9); dew_point_c of the water vapour (air dry unless its humidity is given). Losses by radiation,
    ash, unburnt carbon and blow-down are not in it.
    """

    fuel: str
    basis: Literal["net"]
    method: str
    q_a_pct: float
    co_loss_pct: float | None
    condensation_gain_pct: float | None
    efficiency_pct: float
    efficiency: Efficiency
    o2_pct: float
    co2_pct: float
    air_ratio: float
    excess_air_pct: float
    excess_air_exact_pct: float | None
    co_air_free_ppm: float | None
    dew_point_c: float | None
    uncertainty: Uncertainty | None
    findings: tuple[Finding, ...]
    source: str


def co2_from_o2(o2_pct: float, co2_max_pct: float, base_pct: float = SIEGERT_O2_BASE_PCT) -> float:
    """CO₂ of dry flue gas, vol%: CO₂max (base − O₂)/base; testo: base 21, Bacharach, Kane and IMR: 20.9."""
    within(-base_pct, base_pct, o2_pct=o2_pct)
    return co2_max_pct * (base_pct - o2_pct) / base_pct


def air_ratio(o2_pct: float, base_pct: float = SIEGERT_O2_BASE_PCT) -> float:
    """λ = base/(base − O₂) (testo 21, Bacharach 20.9); for natural gas about a tenth of the excess too high."""
    above(0.0, base_less_o2=base_pct - o2_pct)
    return base_pct / (base_pct - o2_pct)


def co_undiluted_ppm(co_ppm: float, o2_pct: float, base_pct: float = AIR_O2_PCT) -> float:
    """CO at 0 % O₂, ppm: CO base/(base − O₂) (Bacharach 20.9; testo, as CO λ, 21)."""
    above(0.0, base_less_o2=base_pct - o2_pct)
    return co_ppm * base_pct / (base_pct - o2_pct)


def siegert_loss_pct(o2_pct: float, t_flue_c: float, t_air_c: float, constants: Siegert) -> float:
    """Flue-gas loss qA = (T_flue − T_air)(A2/(base − O₂) + B), % of the net heat input (Siegert)."""
    above(0.0, base_less_o2=constants.base_pct - o2_pct)
    return (t_flue_c - t_air_c) * (constants.a2 / (constants.base_pct - o2_pct) + constants.b)


def siegert_loss_from_co2_pct(co2_pct: float, t_flue_c: float, t_air_c: float, constants: Siegert) -> float:
    """Flue-gas loss qA = (T_flue − T_air)(A1/CO₂ + B), A1 = A2 CO₂max/base, % of the net heat input."""
    above(0.0, co2_pct=co2_pct)
    return (t_flue_c - t_air_c) * (constants.a1 / co2_pct + constants.b)


def siegert(
    reading: FlueGas,
    fuel_id: str | Fuel,
    *,
    limits: InstrumentLimits | None = None,
    confidence: float = 0.9,
    method: Maker = "testo",
    condensing: bool = True,
    humidity_kg_kg: float = 0.0,
) -> Combustion | Refusal:
    """Flue-gas loss and net efficiency of a burner by Siegert's formula, from O₂, or CO₂ where O₂ is None.

    fuel_id: a fuel of FUELS, or the plant's own. limits: with them the efficiency gets an uncertainty
    from the instrument alone (not from sampling or unsteady load). method: whose constants and O₂ base
    (testo 21, Bacharach 20.9). condensing: below the dew point the heat of the water that condenses is
    added: by the fuel's hydrogen, moisture and the air's humidity (testo calls it Kk and does not publish
    its formula; Bacharach's own is the constant Kf below T0 − 1.2 O₂). Refused where the reading is no
    flue gas, where the flue is not hotter than the air, where a number is missing, or where no
    constants are known. Raises ConfigError for an unknown fuel.
    Source: testo 330-1 manual p. 54; Bacharach Fyrite Tech 50 app. A; EN 50379 names the same quantity.
    """
    chosen = fuel(fuel_id)
    constants = chosen.siegert.get(method)
    if constants is None:
        return fuel_words.no_siegert_constants(chosen.en, chosen.vi, method)
    refusal = unusable(reading, constants.co2_max_pct)
    if refusal is not None:
        return refusal
    o2, co2 = gases_of(reading, constants.co2_max_pct, constants.base_pct)
    if reading.o2_pct is not None:
        q_a = siegert_loss_pct(o2, reading.t_flue_c, reading.t_air_c, constants)
    else:
        q_a = siegert_loss_from_co2_pct(co2, reading.t_flue_c, reading.t_air_c, constants)
    co_loss, air_free = _unburnt(reading, chosen, o2, co2)
    exact, dew = _by_elements(chosen, o2, humidity_kg_kg)
    gain = _gain_pct(reading, chosen, constants, o2, method, humidity_kg_kg) if condensing else None
    value = 100.0 - q_a - (co_loss or 0.0) + (gain or 0.0)
    if not value > 0.0:
        return words.no_efficiency_left(value)
    found = [*findings_of(reading, o2, constants.co2_max_pct, constants.base_pct), *chosen.findings]
    if gain:
        found.append(words.condensing(gain, dew or constants.t0_c - 1.2 * o2))
    if reading.co_ppm is not None and co_loss is None:
        found.append(words.co_not_in_it())
    again = {"method": method, "condensing": condensing, "humidity_kg_kg": humidity_kg_kg}
    sensitivities = slopes(lambda at: _again(reading, chosen, constants, at, again), _inputs(reading))
    standard = {} if limits is None else standard_of(sensitivities, limits)
    counted = {"dry_flue_gas"} | ({"co"} if co_loss is not None else set())
    counted |= {"condensation"} if gain is not None else set()
    by = f"Siegert {method}, from {'O2' if reading.o2_pct is not None else 'CO2'}"
    whole = Efficiency(value, "net", frozenset(counted), by, chosen.id, sensitivities, standard)
    ratio = air_ratio(o2, constants.base_pct)
    return Combustion(
        fuel=chosen.id,
        basis="net",
        method=method,
        q_a_pct=q_a,
        co_loss_pct=co_loss,
        condensation_gain_pct=gain,
        efficiency_pct=value,
        efficiency=whole,
        o2_pct=o2,
        co2_pct=co2,
        air_ratio=ratio,
        excess_air_pct=100.0 * (ratio - 1.0),
        excess_air_exact_pct=exact,
        co_air_free_ppm=air_free,
        dew_point_c=dew,
        uncertainty=None if limits is None else expanded(whole.standard_uncertainty_pct, confidence),
        findings=tuple(found),
        source=chosen.source,
    )


def condensation_gain_pct(
    chosen: Fuel,
    excess_air_pct: float,
    t_flue_c: float,
    humidity_kg_kg: float = 0.0,
    pressure_hpa: float = 1013.25,
) -> float | Refusal:
    """Heat of the water that condenses when the flue gas leaves saturated at t_flue, % of the net heat input.

    0 above the dew point; ConfigError for a number that can't be. Source: balance of the water vapour, Magnus, 2.442 MJ/kg (25 °C).
    """
    if chosen.elements is None or chosen.lhv_mj_kg is None:
        return fuel_words.no_analysis(chosen.en, chosen.vi)
    within(-90.0, 2500.0, t_flue_c=t_flue_c)
    above(0.0, pressure_hpa=pressure_hpa)
    gas = stoichiometry(chosen.elements)
    vapour = gas.water_vapour_m3_kg(excess_air_pct, humidity_kg_kg)
    dry = gas.dry_gas_m3_kg + excess_air_pct / 100.0 * gas.air_m3_kg
    saturated = saturation_hpa(t_flue_c)
    if saturated >= pressure_hpa:
        return 0.0
    stays = dry * saturated / (pressure_hpa - saturated)
    condensed_kg = max(vapour - stays, 0.0) / NORMAL_VOLUME * WATER
    return 100.0 * condensed_kg * LATENT_MJ_KG / chosen.lhv_mj_kg


def _unburnt(reading: FlueGas, chosen: Fuel, o2: float, co2: float) -> tuple[float | None, float | None]:
    if reading.co_ppm is None:
        return None, None
    co = max(reading.co_ppm, 0.0)
    air_free = co_undiluted_ppm(co, o2)
    if chosen.k4 is None:
        return None, air_free
    return chosen.k4 * (co / 1e4) / (co / 1e4 + co2), air_free


def _by_elements(chosen: Fuel, o2: float, humidity_kg_kg: float) -> tuple[float | None, float | None]:
    if chosen.elements is None:
        return None, None
    gas = stoichiometry(chosen.elements)
    excess = gas.excess_air_pct(o2)
    return excess, gas.dew_point_c(excess, humidity_kg_kg)


def _gain_pct(
    reading: FlueGas, chosen: Fuel, constants: Siegert, o2: float, method: str, humidity_kg_kg: float
) -> float | None:
    if method != TESTO:
        below = constants.kf_pct > 0.0 and reading.t_flue_c < constants.t0_c - 1.2 * o2
        return constants.kf_pct if below else 0.0
    if chosen.elements is None:
        return None
    excess = stoichiometry(chosen.elements).excess_air_pct(o2)
    gain = condensation_gain_pct(chosen, excess, reading.t_flue_c, humidity_kg_kg)
    return None if isinstance(gain, Refusal) else gain


def _inputs(reading: FlueGas) -> dict[str, float]:
    gas = {"co2_pct": reading.co2_pct or 0.0} if reading.o2_pct is None else {"o2_pct": reading.o2_pct}
    return {**gas, "t_flue_c": reading.t_flue_c, "t_air_c": reading.t_air_c}


def _again(
    reading: FlueGas,
    chosen: Fuel,
    constants: Siegert,
    at: Mapping[str, float],
    settings: Mapping[str, object],
) -> float:
    """The efficiency at changed inputs, past the edges of plausibility too, so that slopes exist there."""
    moved = replace(reading, **at)
    o2, co2 = gases_of(moved, constants.co2_max_pct, constants.base_pct)
    rise = moved.t_flue_c - moved.t_air_c
    by_gas = (
        constants.a1 / co2 if moved.o2_pct is None else constants.a2 / (constants.base_pct - o2)
    ) + constants.b
    co_loss, _ = _unburnt(moved, chosen, o2, co2)
    gain = None
    if settings["condensing"]:
        gain = _gain_pct(
            moved, chosen, constants, o2, str(settings["method"]), float(str(settings["humidity_kg_kg"]))
        )
    return 100.0 - rise * by_gas - (co_loss or 0.0) + (gain or 0.0)
