"""analysis: pure numbers, from frames to baselines, savings and combustion; it opens nothing."""

from typing import TYPE_CHECKING

from analysis._memory import memory_of
from analysis.baselines.towt import fit_towt_daily
from analysis.calendars import calendar_version, day_types
from analysis.data import Interval, MeterData, meter_data
from analysis.models import KINDS, design, fit, predict
from analysis.normalised import chained, normalised
from analysis.planning import months_needed, smallest_saving
from analysis.portfolio import portfolio
from analysis.results import Finding, FitStatistics, Model, Refusal, Savings, Uncertainty
from analysis.savings import avoided_energy, backcast
from analysis.uncertainty import DEFAULT_METHOD, METHODS

if TYPE_CHECKING:
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

_OF_COMBUSTION = frozenset(
    ("FUELS", "Combustion", "FlueGas", "Fuel", "InstrumentLimits", "at_reference_o2", "fuel", "siegert")
)


def __getattr__(name: str) -> object:
    """The names of combustion, read when first asked for: most who import analysis burn nothing."""
    if name in _OF_COMBUSTION:
        from analysis import combustion

        return getattr(combustion, name)
    raise AttributeError(f"module 'analysis' has no attribute '{name}'")
