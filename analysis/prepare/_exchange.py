"""Exchanged meters that were told: when, and what both showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dodac.counters import Swap
from dodac.errors import ConfigError


@dataclass(frozen=True)
class Exchange:
    """A meter that was exchanged: when, the old one's last reading, the new one's first."""

    time: pd.Timestamp
    old: float
    new: float


def in_order(exchanges: Sequence[Exchange], index: pd.DatetimeIndex) -> list[Swap]:
    """Moment (ns), old and new reading of each, in order; ConfigError where only one side has a zone."""
    found = []
    for one in exchanges:
        moment = pd.Timestamp(one.time)
        if (moment.tzinfo is None) != (index.tz is None):
            raise ConfigError(
                "the time of an exchange and those of the readings: one has a zone, the other has none."
            )
        found.append((int(moment.as_unit("ns").value), one.old, one.new))
    return sorted(found)
