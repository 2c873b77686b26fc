"""One decision of a person about one event, checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Bools
from dodac.errors import ConfigError
from dodac.quantities import nearest

METHODS: Final = ("indicator", "engineering", "exclude", "submeter", "calendar", "none")
PERIODS: Final = ("baseline", "reporting")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Entry:
    """One decision of a person about one event.

    by, at, why: who, on which date (ISO), for what reason; evidence: document, photo, invoice number.
    method: "indicator" (the level change of the data themselves), "engineering" (amount ± half_width
    calculated by the person), "submeter" (measured by another meter), "exclude" (the interval is left out
    on both sides), "calendar" (the baseline as it would be with another week: `week`) or "none" (looked
    at, nothing is adjusted). start, end: local dates, both
    included; end "" goes on. amount: in all, added to the adjusted baseline (positive: the event made
    the plant use more, so that the saving was hidden), half_width at confidence. meter: of "submeter",
    uncertainty: its relative half width at the same confidence; removed: the submetered load existed
    in the baseline and is gone. week: of "calendar", pairs of weekday and the weekday it is worked like since,
    both in English (("wednesday", "sunday") for a new rest day).
    """

    id: str
    by: str
    at: str
    why: str
    method: str
    period: str
    start: str
    end: str = ""
    evidence: str = ""
    amount: float = 0.0
    half_width: float = math.nan
    confidence: float = 0.9
    meter: str = ""
    uncertainty: float = math.nan
    removed: bool = False
    week: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in ("id", "by", "at", "why", "start"):
            if not str(getattr(self, name)).strip():
                raise ConfigError(f'an entry of the ledger has no "{name}".', todo="Say who, when and why.")
        if self.method not in METHODS:
            raise ConfigError(
                f'there is no method "{self.method}".', todo=f"Choose one of: {', '.join(METHODS)}."
            )
        if self.period not in PERIODS:
            raise ConfigError(
                f'there is no period "{self.period}".', todo=f"Choose one of: {', '.join(PERIODS)}."
            )
        _date(self.at[:10], self.id)
        _date(self.start, self.id)
        if self.end and _date(self.end, self.id) < _date(self.start, self.id):
            raise ConfigError(f"{self.id}: ends on {self.end}, before it starts on {self.start}.")
        if self.method == "engineering" and not (
            math.isfinite(self.amount) and 0.0 <= self.half_width < math.inf
        ):
            raise ConfigError(
                f"{self.id}: an engineering amount needs its ± as well.", todo="Give half_width."
            )
        if self.method == "submeter" and not (self.meter and 0.0 <= self.uncertainty < math.inf):
            raise ConfigError(f"{self.id}: name the meter and its relative uncertainty.")
        self._check_week()
        if not 0.5 < self.confidence < 1.0:
            raise ConfigError(f"{self.id}: a confidence of {self.confidence} makes no sense.")

    def _check_week(self) -> None:
        if (self.method == "calendar") != bool(self.week):
            raise ConfigError(
                f'{self.id}: the method "calendar" and "week" belong together.',
                todo='Write week = { wednesday = "sunday", sunday = "wednesday" }.',
            )
        if self.method == "calendar" and self.period != "reporting":
            raise ConfigError(
                f'{self.id}: "calendar" adjusts a reporting period, not a baseline.',
                todo="Use indicator or exclude for the baseline.",
            )
        for word in (word for pair in self.week for word in pair):
            if word not in WEEKDAYS:
                near = nearest(word, WEEKDAYS)
                todo = f'Did you mean "{near}"?' if near else f"Choose of: {', '.join(WEEKDAYS)}."
                raise ConfigError(f'{self.id}: "{word}" is no weekday (in week).', todo=todo)
        days = [day for day, _ in self.week]
        if len(set(days)) < len(days):
            raise ConfigError(f"{self.id}: a weekday is in week twice.")

    def covers(self, index: pd.DatetimeIndex) -> Bools:
        """Which intervals (local starts) lie within the event."""
        days = index.tz_localize(None) if index.tz is not None else index
        inside = days >= pd.Timestamp(self.start)
        if self.end:
            inside &= days < pd.Timestamp(self.end) + pd.Timedelta(days=1)
        return np.asarray(inside, dtype=np.bool_)


def _date(value: str, id: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.isoformat() != value:
        raise ConfigError(f'{id}: "{value}" is no date.', todo="Write 2026-05-10.")
    return found
