"""Exchanged meters that were told: which readings belong to which."""

from __future__ import annotations

from typing import Final

import numpy as np

from dodac.counters._judge import Floats, Ints

_NEAR_NS: Final = 3_600_000_000_000  # a technician's clock may be off by so much

Swap = tuple[int, float, float]
"""Moment (ns), the old meter's last reading, the new one's first."""


def new_meter_only(time: Ints, value: Floats, ids: Ints, swaps: list[Swap], reasons: dict[int, str]) -> Ints:
    """Less the readings beside an exchange that are below the new meter's first one and no old count either."""
    keep = np.ones(len(ids), dtype=bool)
    for moment, _, new in swaps:
        v = value[ids]
        start = int(np.searchsorted(time[ids], moment))
        if not start or not (v[start:] >= new).any():
            continue
        low = (v < new) & (v < v[:start].max())
        first = start
        while first and low[first - 1]:
            first -= 1
        last = start + int(np.argmax(v[start:] >= new))
        places = first + np.flatnonzero(low[first:last])
        reasons.update(dict.fromkeys(ids[places].tolist(), "dip"))
        keep[places] = False
    return ids[keep]


def places_of(
    time: Ints, value: Floats, swaps: list[Swap]
) -> tuple[frozenset[int], dict[int, tuple[float, float]]]:
    """The reading after which each exchange took place: by the leap itself, up to an hour from the time told."""
    places: dict[int, tuple[float, float]] = {}
    for moment, old, new in swaps:
        near = np.flatnonzero((time[:-1] <= moment + _NEAR_NS) & (time[1:] >= moment - _NEAR_NS))
        if not len(near):
            continue
        # the step whose ends lie best at the two readings that were written down
        off = [abs(value[one] - old) + abs(value[one + 1] - new) for one in near]
        places[int(near[int(np.argmin(off))])] = (old, new)
    return frozenset(places), places
