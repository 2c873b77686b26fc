"""What a test compares: an efficiency from flue gas, a specific power, kW; each with its direction and basis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.isolation import _words as words
from analysis.results import Finding, Refusal

if TYPE_CHECKING:
    from analysis.combustion import BS845, Combustion, FlueGas


def _none_found(means: Mapping[str, float]) -> tuple[Finding, ...]:  # noqa: ARG001 - a figure with nothing to add
    return ()


@dataclass(frozen=True)
class Method:
    """A figure made from the means of a run.

    function: means of the channels → figure (in `unit`), or why there is none; channels: those it reads;
    better: "more" (an efficiency: saved share of fuel is 1 − before/after) or "less" (a specific
    consumption: 1 − after/before). basis ("net", "gross", "per Nm³") and losses (those counted) must be
    the same on both sides. findings: what there is to know of a figure made from these means (a fuel whose
    data are from memory, a diluted sample).
    """

    name: str
    unit: str
    channels: tuple[str, ...]
    better: Literal["more", "less"]
    function: Callable[[Mapping[str, float]], float | Refusal]
    basis: str = ""
    losses: tuple[str, ...] = ()
    findings: Callable[[Mapping[str, float]], tuple[Finding, ...]] = _none_found


def boiler_efficiency(
    function: Callable[[Mapping[str, float]], float | Refusal],
    *,
    basis: str,
    losses: tuple[str, ...],
    channels: tuple[str, ...] = ("o2_pct", "t_flue_c", "t_air_c"),
    findings: Callable[[Mapping[str, float]], tuple[Finding, ...]] = _none_found,
) -> Method:
    """A boiler's efficiency (%) by any combustion function of run means, with its basis and the losses it counts."""
    return Method("efficiency", "%", channels, "more", function, basis, tuple(sorted(losses)), findings)


def siegert_efficiency(
    fuel_id: str, *, with_co: bool = False, condensing: bool = False, wet_o2: bool = False
) -> Method:
    """Net efficiency by Siegert's flue-gas loss (analysis.combustion.siegert): o2_pct, t_flue_c, t_air_c, co_ppm.

    condensing: count the gain below the dew point. wet_o2: o2_pct is of the wet gas (a zirconia probe in the
    duct) and is turned into dry by the fuel's analysis (dry air taken); CO stays as given. Radiation, blow-down and unburnt solids are in
    neither side. Raises ConfigError for an unknown fuel when it is first used.
    """
    from analysis.combustion import siegert

    def computed(means: Mapping[str, float]) -> Combustion | Refusal:
        reading = _reading(means, with_co, fuel_id if wet_o2 else None)
        return reading if isinstance(reading, Refusal) else siegert(reading, fuel_id, condensing=condensing)

    def efficiency(means: Mapping[str, float]) -> float | Refusal:
        found = computed(means)
        return found if isinstance(found, Refusal) else found.efficiency_pct

    losses = ("dry_flue_gas", *(("co",) if with_co else ()), *(("condensation",) if condensing else ()))
    return boiler_efficiency(
        efficiency, basis="net", losses=losses, channels=_gases(with_co), findings=_findings_of(computed)
    )


def bs845_efficiency(
    fuel_id: str,
    *,
    with_co: bool = False,
    basis: Literal["gross", "net"] = "gross",
    wet_o2: bool = False,
) -> Method:
    """Efficiency by BS 845 (analysis.combustion.bs845), which goes by the fuel's analysis: also biomass and coal.

    Channels and wet_o2 as in `siegert_efficiency`. Raises ConfigError for an unknown fuel when it is first used.
    """
    from analysis.combustion import bs845

    def computed(means: Mapping[str, float]) -> BS845 | Refusal:
        reading = _reading(means, with_co, fuel_id if wet_o2 else None)
        return reading if isinstance(reading, Refusal) else bs845(reading, fuel_id)

    def efficiency(means: Mapping[str, float]) -> float | Refusal:
        found = computed(means)
        if isinstance(found, Refusal):
            return found
        return (found.gross if basis == "gross" else found.net).value_pct

    losses = ("dry_flue_gas", *(("co",) if with_co else ()))
    wet = ("fuel_hydrogen", "fuel_moisture") if basis == "gross" else ()
    return boiler_efficiency(
        efficiency,
        basis=basis,
        losses=losses + wet,
        channels=_gases(with_co),
        findings=_findings_of(computed),
    )


def _gases(with_co: bool) -> tuple[str, ...]:
    return ("o2_pct", "t_flue_c", "t_air_c", *(("co_ppm",) if with_co else ()))


def _reading(means: Mapping[str, float], with_co: bool, wet_fuel: str | None) -> FlueGas | Refusal:
    """The reading of a run; wet_fuel: the fuel by whose analysis wet O₂ becomes dry."""
    from analysis.combustion import FlueGas, fuel, stoichiometry

    o2: float | Refusal = means["o2_pct"]
    if wet_fuel is not None:
        elements = fuel(wet_fuel).elements
        if elements is None:
            return words.refuse_wet_o2(wet_fuel)
        o2 = stoichiometry(elements).dry_o2_from_wet_pct(means["o2_pct"])
    if isinstance(o2, Refusal):
        return o2
    return FlueGas(o2, means["t_flue_c"], means["t_air_c"], means["co_ppm"] if with_co else None)


def _findings_of(
    computed: Callable[[Mapping[str, float]], Combustion | BS845 | Refusal],
) -> Callable[[Mapping[str, float]], tuple[Finding, ...]]:
    def findings(means: Mapping[str, float]) -> tuple[Finding, ...]:
        found = computed(means)
        return () if isinstance(found, Refusal) else found.findings

    return findings


def specific_power() -> Method:
    """A compressor's specific power in kW per Nm³/min, from power_kw and flow_nm3_min (ISO 1217 names the quantity)."""
    return Method(
        "specific power", "kW/(Nm³/min)", ("power_kw", "flow_nm3_min"), "less",
        lambda means: _ratio(means["power_kw"], means["flow_nm3_min"]), "per Nm³/min",
    )  # fmt: skip


def load_unload_specific_power() -> Method:
    """Specific power of a load/unload compressor: mean power over mean delivery, with the share of time at load.

    channels: power_load_kw, power_unload_kw, load_share (0…1), flow_load_nm3_min; kW per Nm³/min delivered
    = (P_load·x + P_unload·(1 − x))/(Q·x).
    """

    def function(means: Mapping[str, float]) -> float | Refusal:
        share = means["load_share"]
        power = means["power_load_kw"] * share + means["power_unload_kw"] * (1.0 - share)
        return _ratio(power, means["flow_load_nm3_min"] * share)

    channels = ("power_load_kw", "power_unload_kw", "load_share", "flow_load_nm3_min")
    return Method("specific power", "kW/(Nm³/min)", channels, "less", function, "per Nm³/min")


def specific_energy() -> Method:
    """A pump's or fan's kWh per m³ at the measured flow, from power_kw and flow_m3_h."""
    return Method(
        "specific energy", "kWh/m³", ("power_kw", "flow_m3_h"), "less",
        lambda means: _ratio(means["power_kw"], means["flow_m3_h"]), "per m³",
    )  # fmt: skip


def power() -> Method:
    """Plain kW at matched loads, from power_kw."""
    return Method("power", "kW", ("power_kw",), "less", lambda means: means["power_kw"])


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else float("nan")
