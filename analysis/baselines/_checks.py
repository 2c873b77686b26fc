"""What no meter and no weather gives, checked once for every kind of baseline."""

from __future__ import annotations

import numpy as np

from analysis._frames import numbers
from analysis._tables import table
from analysis.baselines import _words as words
from analysis.data import MeterData
from analysis.results import Refusal


def implausible(data: MeterData) -> Refusal | None:
    """Why these data can have no baseline of any kind: numbers beyond any unit, one row that holds
    most of all energy, or air in °F.

    Shares and limits: analysis/tables/baselines.toml, interval "any".
    """
    known = next(row for row in table("baselines") if row["interval"] == "any")
    used = data.used
    for name in (data.energy, *data.drivers):
        values = np.abs(numbers(data.frame, name)[used])
        if len(values) and float(np.max(values)) > known["largest"]:
            at = int(np.argmax(values))
            when = f"{data.index[used][at]:%Y-%m-%d %H:%M}"
            return words.refuse_impossible_number(name, when, float(values[at]), known["largest"])
    y = np.abs(data.y[used])
    total = float(np.sum(y))
    if len(y) > 3 and total > 0.0:
        at = int(np.argmax(y))
        if float(y[at]) > known["dominates"] * total:
            row = data.index[used][at]
            value = float(data.y[used][at])
            return words.refuse_one_row_dominates(data.energy, f"{row:%Y-%m-%d %H:%M}", value, y[at] / total)
    if data.temperature is not None and len(y):
        values = numbers(data.frame, data.temperature)[used]
        low, high = known["t_low_c"], known["t_high_c"]
        worst = float(values[np.argmax(np.abs(values - (low + high) / 2.0))])
        if not low <= worst <= high:
            return words.refuse_impossible_temperature(data.temperature, worst, low, high)
    return None
