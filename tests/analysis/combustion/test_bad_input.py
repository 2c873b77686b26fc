"""Readings, analyses and settings that can't be: a reason or a named error, never a silent number or a bare traceback."""

import math
from dataclasses import fields, is_dataclass

import pytest

from analysis.combustion import (
    AshLosses,
    Concentration,
    FlueGas,
    InstrumentLimits,
    KFactors,
    acid_dew_point_c,
    against_limit,
    air_ratio,
    at_reference_o2,
    bs845,
    co2_from_o2,
    co_undiluted_ppm,
    condensation_gain_pct,
    direct_efficiency,
    dry_from_wet,
    evaporation_ratio,
    fuel,
    fuel_for_heat,
    gas_mixture,
    humidity_kg_kg,
    indirect,
    nox_as_no2,
    own_fuel,
    reference_o2_factor,
    siegert,
    simple_excess_air_pct,
    stoichiometry,
    tuning_saving,
    ultimate,
    water_dew_point_c,
)
from analysis.combustion import furnaces as f
from analysis.results import Refusal
from dodac.errors import DodacError

OIL = fuel("heavy_oil").elements
GAS = stoichiometry(OIL)
LIMITS = InstrumentLimits()
READING = FlueGas(6.0, 180.0, 30.0)
BOILERS = [
    indirect(OIL, 1e4, FlueGas(o2, t, 30.0), limits=LIMITS).efficiency for o2, t in ((8, 220), (4, 180))
]
PPM = Concentration("co", 100.0, "ppm", o2_pct=6.0)
STRANGE = (math.nan, math.inf, -math.inf, -1.0, 0.0, 20.9, 20.95, 21.0, 50.0, 100.0, 1e12, -1e12, 1e-300)


def furnace(**given):
    parts = {
        "t_flue_c": 300.0,
        "excess_air_pct": 20.0,
        "t_air_c": 30.0,
        "t_fuel_c": 30.0,
        "t_ambient_c": 20.0,
    }
    return f.solid_fuel_available_heat(OIL, **parts | given)


WAYS = {
    "testo": lambda reading: siegert(reading, "light_oil", limits=LIMITS),
    "bacharach": lambda reading: siegert(reading, "light_oil", limits=LIMITS, method="bacharach"),
    "bs845": lambda reading: bs845(reading, "heavy_oil", limits=LIMITS),
    "indirect": lambda reading: indirect(OIL, 1e4, reading, limits=LIMITS),
}
BY_O2 = {"o2_pct": 6.0, "t_flue_c": 180.0, "t_air_c": 30.0, "co_ppm": 50.0}
BY_CO2 = BY_O2 | {"o2_pct": None, "co2_pct": 10.0}
ASKED = {
    **{
        f"{by}, {gas}, {name}": lambda x, way=way, name=name, given=given: way(FlueGas(**given | {name: x}))
        for by, way in WAYS.items()
        for gas, given in {"by O2": BY_O2, "by CO2": BY_CO2}.items()
        for name in ("o2_pct", "co2_pct", "t_flue_c", "t_air_c", "co_ppm")
    },
    **{
        f"indirect {name}": lambda x, name=name: indirect(OIL, 1e4, READING, **{name: x})
        for name in (
            "humidity_kg_kg",
            "cp_gas",
            "cp_vapour",
            "evaporation",
            "heat_of_co",
            "radiation_pct",
            "unaccounted_pct",
            "blowdown_pct",
            "excess_air_pct",
            "dry_gas_kg_kg",
            "theoretical_air_kg",
        )
    },
    **{
        f"ash {name}": lambda x, name=name: indirect(OIL, 1e4, READING, ash=AshLosses(**{name: x}))
        for name in ("gcv_fly_kcal_kg", "fly_share", "gcv_bottom_kcal_kg", "bottom_share")
    },
    "gcv": lambda x: indirect(OIL, x, READING),
    "air humidity": lambda x: siegert(READING, "natural_gas", humidity_kg_kg=x),
    "limit of error": lambda x: siegert(READING, "natural_gas", limits=InstrumentLimits(o2_pct=x)),
    "confidence": lambda x: siegert(READING, "natural_gas", limits=LIMITS, confidence=x),
    **{
        f"K {name}": lambda x, name=name: bs845(
            READING, "heavy_oil", factors=KFactors(**{"k1_gross": 0.5, "k1_net": 0.55, "k2": 15.8, "k3": 6.0, name: x})
        )
        for name in ("k1_gross", "k1_net", "k2", "k3", "k4")
    },
    **{
        f"stoichiometry.{name}": lambda x, name=name: getattr(GAS, name)(x)
        for name in (
            "excess_air_pct",
            "o2_dry_pct",
            "co2_pct",
            "excess_air_from_co2_pct",
            "water_vapour_m3_kg",
            "water_vapour_pct",
            "dry_o2_from_wet_pct",
            "dew_point_c",
        )
    },
    "wet O2 in damp air": lambda x: GAS.dry_o2_from_wet_pct(3.0, x),
    "dew point at a pressure": lambda x: GAS.dew_point_c(10.0, 0.0, x),
    "condensation at": lambda x: condensation_gain_pct(fuel("natural_gas"), 10.0, x),
    "condensation with": lambda x: condensation_gain_pct(fuel("natural_gas"), x, 40.0),
    "water dew point": water_dew_point_c,
    "humidity at": lambda x: humidity_kg_kg(x, 50.0),
    "humidity of": lambda x: humidity_kg_kg(20.0, x),
    "acid in": lambda x: acid_dew_point_c(x, 10.0),
    "acid of": lambda x: acid_dew_point_c(10.0, x),
    "acid at": lambda x: acid_dew_point_c(10.0, 10.0, x),
    "reference of": lambda x: at_reference_o2(x, 6.0, 3.0),
    "reference from": lambda x: at_reference_o2(100.0, x, 3.0),
    "reference to": lambda x: at_reference_o2(100.0, 6.0, x),
    "factor": lambda x: reference_o2_factor(x, 3.0),
    "nox": nox_as_no2,
    "no2": lambda x: nox_as_no2(50.0, x),
    "no2 share": lambda x: nox_as_no2(50.0, no2_share=x),
    "wet gas": lambda x: dry_from_wet(Concentration("co", 10.0, "ppm", o2_pct=5.0, dry=False), x),
    "limit, flow": lambda x: against_limit(PPM, regulation="qcvn19-2009", column="B", flow_m3_h=x, zone=3),
    "limit, zone": lambda x: against_limit(PPM, regulation="qcvn19-2009", column="B", flow_m3_h=1e3, zone=x),
    "limit, value": lambda x: against_limit(
        Concentration("co", x, "ppm", o2_pct=6.0), regulation="qcvn19-2009", column="B", flow_m3_h=1e3, zone=3
    ),
    "limit, o2": lambda x: against_limit(
        Concentration("co", 50.0, "ppm", o2_pct=x), regulation="qcvn19-2024", column="B", capacity_t_h=5.0
    ),
    "direct": lambda x: direct_efficiency(x, 660.0, 80.0, 1e4),
    "direct, steam": lambda x: direct_efficiency(14.0, x, 80.0, 1e4),
    "direct, gcv": lambda x: direct_efficiency(14.0, 660.0, 80.0, x),
    "steam": lambda x: evaporation_ratio(BOILERS[0], x, 80.0, 1e4),
    "steam, gcv": lambda x: evaporation_ratio(BOILERS[0], 660.0, 80.0, x),
    "heat": lambda x: fuel_for_heat(x, 80.0, 40.0),
    "heat at": lambda x: fuel_for_heat(1.0, x, 40.0),
    "heat of": lambda x: fuel_for_heat(1.0, 80.0, x),
    **{
        f"tuning {name}": lambda x, name=name: tuning_saving(
            *BOILERS, **{"fuel_before": 100.0, "output_before": 10.0, name: x}
        )
        for name in ("fuel_before", "output_before", "output_after", "confidence", "fuel_meter_pct")
    },
    "co2 from": lambda x: co2_from_o2(x, 11.8),
    "lambda": air_ratio,
    "undiluted": lambda x: co_undiluted_ppm(50.0, x),
    "simple excess": simple_excess_air_pct,
    "moisture": lambda x: fuel("wood").with_moisture(x, source="s", taken="2026"),
    "gross": lambda x: own_fuel("x", OIL, hhv_mj_kg=x, source="s", taken="2026"),
    "net": lambda x: own_fuel("x", OIL, lhv_mj_kg=x, source="s", taken="2026"),
    "gas": lambda x: gas_mixture({"ch4": x, "co2": 1.0}),
    "carbon": lambda x: ultimate(c=x, h=5.0, ash=10.0),
    **{f"furnace {name}": lambda x, name=name: furnace(**{name: x}) for name in (
        "t_flue_c", "excess_air_pct", "t_air_c", "t_fuel_c", "t_ambient_c", "air_moisture_pct", "t_ash_c"
    )},
    "available, flue": lambda x: f.available_heat_pct(x, 30.0, 20.0),
    "available, excess": lambda x: f.available_heat_pct(500.0, 30.0, x),
    "furnace after": lambda x: f.furnace_improvement((6.0, 500.0, 30.0), (3.0, x, 30.0), 10.0),
    "furnace input": lambda x: f.furnace_improvement((6.0, 500.0, 30.0), (3.0, 400.0, 30.0), x),
    "oxygen in air": lambda x: f.oxygen_enrichment((21.0, 900.0, 6.0, 100.0), (x, 900.0, 3.0, 100.0), 10.0),
    "oxygen in flue": lambda x: f.oxygen_enrichment((21.0, 900.0, x, 100.0), (50.0, 900.0, 3.0, 100.0), 10.0),
    "exhaust": lambda x: f.exhaust_losses(x, 50.0),
    "wall": lambda x: f.wall_loss_kw(x, 30.0, 90.0, 1.0),
    "wall at": lambda x: f.wall_loss_kw(10.0, 30.0, x, 1.0),
    "wall in wind": lambda x: f.wall_loss_kw(10.0, 30.0, 90.0, x),
    "opening": lambda x: f.opening_loss_kw(x, 900.0, 30.0, 0.7),
    "opening at": lambda x: f.opening_loss_kw(1.0, x, 30.0, 0.7),
    "opening seen": lambda x: f.opening_loss_kw(1.0, 900.0, 30.0, x),
    "view": lambda x: f.opening_view_factor(x, 0.2),
    "view of": lambda x: f.slot_view_factor(0.2, x, 0.3),
    "cooling": lambda x: f.gas_cooling_loss_kw(x, 30.0, 80.0),
    "cooling to": lambda x: f.gas_cooling_loss_kw(10.0, 30.0, x),
    "gas values": lambda x: f.gas_values({"ch4": x, "co2": 5.0}),
}  # fmt: skip


def numbers_in(value):
    if isinstance(value, float):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from numbers_in(getattr(value, part.name))
    elif isinstance(value, dict):
        for part in value.values():
            yield from numbers_in(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from numbers_in(part)


@pytest.mark.parametrize("question", ASKED.values(), ids=list(ASKED))
def test_no_strange_number_gives_a_silent_answer_or_a_traceback(question):
    for strange in STRANGE:
        try:
            found = question(strange)
        except DodacError:
            continue
        if isinstance(found, Refusal):
            assert found.code
            assert found.en != found.vi
        else:
            assert all(math.isfinite(number) for number in numbers_in(found)), (strange, found)
