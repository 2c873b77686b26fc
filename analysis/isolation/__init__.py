"""Isolated measures: options A and B, before and after by tests, randomised on/off."""

from analysis.isolation.methods import (
    Method,
    boiler_efficiency,
    bs845_efficiency,
    load_unload_specific_power,
    power,
    siegert_efficiency,
    specific_energy,
    specific_power,
)
from analysis.isolation.options import (
    Measured,
    OptionSaving,
    Stated,
    measured,
    option_a,
    option_b,
    scale_to_year,
)
from analysis.isolation.pair import PairSaving, Side, compare_tests
from analysis.isolation.schedule import SwitchingSchedule, periods_needed, switching_schedule
from analysis.isolation.steady import Run, SteadyRuns, runs_from_rows, steady_rules, steady_runs
from analysis.isolation.switching import OnOffSaving, on_off_saving

__all__ = [
    "Measured",
    "Method",
    "OnOffSaving",
    "OptionSaving",
    "PairSaving",
    "Run",
    "Side",
    "Stated",
    "SteadyRuns",
    "SwitchingSchedule",
    "boiler_efficiency",
    "bs845_efficiency",
    "compare_tests",
    "load_unload_specific_power",
    "measured",
    "on_off_saving",
    "option_a",
    "option_b",
    "periods_needed",
    "power",
    "runs_from_rows",
    "scale_to_year",
    "siegert_efficiency",
    "specific_energy",
    "specific_power",
    "steady_rules",
    "steady_runs",
    "switching_schedule",
]
