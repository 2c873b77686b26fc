"""What the wiring check is told and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Status(StrEnum):
    """ok; finding: something is wrong; open: it can't be told from these readings, and the text says why."""

    OK = "ok"
    FINDING = "finding"
    OPEN = "open"


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, what came out, and the words' key with its numbers."""

    name: str
    status: Status
    text: str
    values: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What the technician and the site file say.

    wires: 3 for two current transformers (Aron), 1 for a single phase. generation: can power flow out
    here? None: not said. rated_a: primary rating; rated_secondary_a: 5 or 1 A. ratio: the site's ct_ratio
    as one number; multiplied: dodac applies it (the profile's values are secondary). clamp: amperes by
    phase, measured with a clamp. resolution_kwh: the step of the energy counter.
    """

    wires: Literal[1, 3, 4] = 4
    generation: bool | None = None
    rated_a: float | None = None
    rated_secondary_a: float = 5.0
    ratio: float | None = None
    multiplied: bool = False
    secondary_side: bool = False
    clamp: Mapping[int, float] = field(default_factory=dict)
    resolution_kwh: float | None = None


@dataclass(frozen=True)
class Moment:
    """The good values of one reading, and when it was taken (any clock that runs evenly)."""

    seconds: float
    values: Mapping[str, float]


def phases(mean: Mapping[str, float], stem: str, unit: str) -> dict[int, float]:
    """A quantity by phase, where it was read."""
    return {n: mean[f"{stem}_l{n}_{unit}"] for n in (1, 2, 3) if f"{stem}_l{n}_{unit}" in mean}


def factor_text(value: float) -> str:
    """A factor for people."""
    return f"{value:.3g}"
