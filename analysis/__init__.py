"""analysis: pure numbers, from frames to baselines, savings and combustion; it opens nothing."""

from typing import TYPE_CHECKING, Final

from analysis.data import Interval, MeterData, meter_data
from analysis.models import KINDS, design, fit, predict
from analysis.results import Finding, FitStatistics, Model, Refusal, Savings, Uncertainty

if TYPE_CHECKING:
    from analysis._memory import memory_of
    from analysis.baselines.towt import fit_towt_daily
    from analysis.calendars import calendar_version, day_types
    from analysis.combustion import (
        FUELS,
        Combustion,
        FlueGas,
        Fuel,
        InstrumentLimits,
        at_reference_o2,
        fuel,
        siegert,
    )
    from analysis.fixed_conditions import chained, normalised
    from analysis.planning import months_needed, smallest_saving
    from analysis.portfolios import portfolio
    from analysis.savings import avoided_energy, backcast
    from analysis.uncertainty import DEFAULT_METHOD, METHODS

__all__ = [
    "DEFAULT_METHOD",
    "FUELS",
    "KINDS",
    "METHODS",
    "Combustion",
    "Finding",
    "FitStatistics",
    "FlueGas",
    "Fuel",
    "InstrumentLimits",
    "Interval",
    "MeterData",
    "Model",
    "Refusal",
    "Savings",
    "Uncertainty",
    "at_reference_o2",
    "avoided_energy",
    "backcast",
    "calendar_version",
    "chained",
    "day_types",
    "design",
    "fit",
    "fit_towt_daily",
    "fuel",
    "memory_of",
    "meter_data",
    "months_needed",
    "normalised",
    "portfolio",
    "predict",
    "siegert",
    "smallest_saving",
]

# read when first asked for: nobody needs all of them
_LATER: Final = {
    **dict.fromkeys(
        ("FUELS", "Combustion", "FlueGas", "Fuel", "InstrumentLimits", "at_reference_o2", "fuel", "siegert"),
        "combustion",
    ),
    "DEFAULT_METHOD": "uncertainty",
    "METHODS": "uncertainty",
    "avoided_energy": "savings",
    "backcast": "savings",
    "calendar_version": "calendars",
    "chained": "fixed_conditions",
    "day_types": "calendars",
    "fit_towt_daily": "baselines.towt",
    "memory_of": "_memory",
    "months_needed": "planning",
    "normalised": "fixed_conditions",
    "portfolio": "portfolios",
    "smallest_saving": "planning",
}


def __getattr__(name: str) -> object:
    """The names of `_LATER`, from their modules."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'analysis' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(f"analysis.{module}"), name)
    globals()[name] = value
    return value
