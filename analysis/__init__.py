"""analysis: pure numbers, from frames to baselines, savings and combustion; it opens nothing."""

from analysis.calendars import calendar_version, day_types
from analysis.combustion import Combustion, FlueGas, InstrumentLimits, at_reference_o2, siegert
from analysis.fuels import FUELS, Fuel, fuel
from analysis.results import Finding, FitStatistics, Model, Refusal, Savings, Uncertainty
from analysis.savings import avoided_energy
from analysis.towt import design, fit_towt_daily, predict
from analysis.uncertainty import DEFAULT_METHOD, METHODS

__all__ = [
    "DEFAULT_METHOD",
    "FUELS",
    "METHODS",
    "Combustion",
    "Finding",
    "FitStatistics",
    "FlueGas",
    "Fuel",
    "InstrumentLimits",
    "Model",
    "Refusal",
    "Savings",
    "Uncertainty",
    "at_reference_o2",
    "avoided_energy",
    "calendar_version",
    "day_types",
    "design",
    "fit_towt_daily",
    "fuel",
    "predict",
    "siegert",
]
