"""Watching over a saving: charts, persistence by quarter, early warning."""

from analysis.monitor.charts import (
    ControlChart,
    Cusum,
    cusum,
    decision_interval,
    ewma_chart,
    individuals_chart,
    mean_run_length,
)
from analysis.monitor.persistence import Part, Persistence, persistence
from analysis.monitor.warning import Watch, watch_energy, watch_saving

__all__ = [
    "ControlChart",
    "Cusum",
    "Part",
    "Persistence",
    "Watch",
    "cusum",
    "decision_interval",
    "ewma_chart",
    "individuals_chart",
    "mean_run_length",
    "persistence",
    "watch_energy",
    "watch_saving",
]
