"""Persistence: the saving of each quarter or half-year on its own, each with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import pandas as pd

from analysis._saving_rows import frame_of, index_of
from analysis.data import MeterData
from analysis.monitor import _words as words
from analysis.results import Finding, Model, Refusal, Savings
from analysis.savings import avoided_energy
from dodac.errors import ConfigError

_MONTHS: Final = {"quarter": 3, "half": 6}
# of reports in which nothing fades, all later parts together (Bonferroni)
_FALSE: Final = 0.05


@dataclass(frozen=True)
class Part:
    """One quarter or half-year: its saving with uncertainty, or why there is none. name: "2024-Q3", "2024-H2".

    whole: does the data span all of it? A part is never multiplied up to a year.
    """

    name: str
    start: str
    end: str
    whole: bool
    saving: Savings | Refusal


@dataclass(frozen=True)
class Persistence:
    """The parts in order, and what they say together."""

    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]


def persistence(
    model: Model, frame: pd.DataFrame | MeterData, *, by: str = "quarter", confidence: float = 0.9
) -> Persistence:
    """The avoided energy of each calendar quarter ("quarter") or half-year ("half") of a reporting period.

    frame: as for `avoided_energy`; each part is judged by the same baseline on its own rows, with its own
    uncertainty and extrapolation grades. A part that saves less than the first one, beyond both
    uncertainties (falsely in at most one report in twenty), gives the finding not_persistent. Raises ConfigError for another division.
    """
    if by not in _MONTHS:
        raise ConfigError(f'there is no division by "{by}".', todo="Choose quarter or half.")
    frame = frame_of(frame)
    index = index_of(frame, model, measured=True)
    months = _MONTHS[by]
    number = (index.month.to_numpy() - 1) // months
    keys = index.year.to_numpy() * 10 + number
    parts = []
    for key in np.unique(keys):
        rows = keys == key
        year, place = divmod(int(key), 10)
        name = f"{year}-{'Q' if by == 'quarter' else 'H'}{place + 1}"
        times = index[rows]
        first = pd.Timestamp(year=year, month=place * months + 1, day=1)
        after = first + pd.DateOffset(months=months)
        # one interval's grace at each end: stamps are starts
        step = _step(index)
        civil = times.tz_localize(None) if times.tz is not None else times
        whole = bool(civil[0] < first + step and civil[-1] + 1.5 * step >= after)
        parts.append(
            Part(
                name,
                str(civil[0])[:10],
                str(civil[-1])[:10],
                whole,
                avoided_energy(model, frame[rows], confidence=confidence),
            )
        )
    return Persistence(tuple(parts), tuple(_falls(parts)))


def _falls(parts: list[Part]) -> list[Finding]:
    known = [(part.name, part.saving) for part in parts if isinstance(part.saving, Savings)]
    if len(known) < 2:
        return []
    name, first = known[0]
    half = first.uncertainty.half_width / first.adjusted_baseline
    normal = NormalDist()
    strict = normal.inv_cdf(1.0 - _FALSE / (len(known) - 1))
    strict /= normal.inv_cdf(0.5 + first.uncertainty.confidence / 2.0)
    for later_name, later in reversed(known[1:]):
        doubt = strict * math.hypot(half, later.uncertainty.half_width / later.adjusted_baseline)
        if later.fraction < first.fraction - doubt:
            return [words.lower_part(name, later_name, first.fraction, later.fraction)]
    return []


def _step(index: pd.DatetimeIndex) -> pd.Timedelta:
    if len(index) < 2:
        return pd.Timedelta(days=1)
    return pd.Timedelta(seconds=float(np.median(np.diff(index.as_unit("s").asi8))))
