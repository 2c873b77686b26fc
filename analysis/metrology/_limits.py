"""Looks up what the tables of electricity meters and transformers allow at a load."""

from __future__ import annotations

import math
from typing import Final

from analysis._tables import Row, table
from analysis.metrology.devices import ElectricityMeter, LoadPoint

# power factors above this are tested at 1, below the standard's second point there is no limit
UNITY: Final = 0.995


def with_edges(row: Row, connection: str) -> tuple[Row, Row]:
    """A MID class with the currents its limits begin at, and the row of its least current."""
    edges = [one for one in table("accuracy_electricity") if one["connection"] == connection]
    least = next(one for one in edges if (one["quantity"], one["class"]) == ("minimum-current", row["class"]))
    full = next(one for one in edges if one["quantity"] == "transitional-current")
    return {**row, "minimum": float(least["load"]), "transitional": float(full["load"])}, least


def assumed_phase() -> Row:
    """What is assumed of a clamp whose class states no phase error."""
    return next(row for row in table("accuracy_transformers") if row["kind"] == "ct-phase")


def meter_limit(row: Row, point: LoadPoint, meter: ElectricityMeter, ambient_c: float) -> float | None:
    """Limit in % of reading at a load, or None where the class gives none."""
    factor = point.power_factor
    if meter.quantity == "reactive":
        factor = math.sqrt(max(0.0, 1.0 - factor**2))
    if "bands" in row:
        if factor < 0.5 or point.load < row["minimum"]:
            return None
        for band in row["bands"]:
            if float(band["t_low"]) <= ambient_c <= float(band["t_high"]):
                above = point.load >= row["transitional"]
                return float(band["transitional" if above else "minimum"])
        return None
    if factor < 0.5:
        return None
    found = []
    for pf in (1.0,) if factor >= UNITY else (1.0, 0.5):
        steps = [step for step in row["limits"] if step["pf"] == pf and point.load >= step["load"]]
        if not steps:
            return None
        found.append(float(max(steps, key=lambda step: float(step["load"]))["pct"]))
    return max(found)
