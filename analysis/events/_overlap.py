"""Decisions that would count the same energy twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from analysis.events._entry import Entry

# of two entries on the same days: what the first does to what the second says
_TWICE = {
    "indicator": ("indicator", "engineering", "submeter", "calendar"),
    "calendar": ("calendar",),
    "exclude": ("engineering",),
}


def overlapping(entries: Sequence[Entry], index: pd.DatetimeIndex) -> tuple[str, str] | None:
    """The ids of two entries of one period that can't both count on the days they share; None when all can.

    An indicator holds all that changed on its days, another amount for them is counted twice; a
    calculated amount for days that are left out is an amount for nothing. Amounts for separate loads (calculated,
    submetered) may share days.
    """
    for first, second in permutations(entries, 2):
        if second.method in _TWICE.get(first.method, ()) and np.any(
            first.covers(index) & second.covers(index)
        ):
            return first.id, second.id
    return None
