"""Which wiring fault explains the angles that a meter's elements see: every fault is tried, the simplest kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_CAPACITIVE: Final = -35.0
_INDUCTIVE: Final = 80.0
"""Angles that loads of a plant have, degrees by which the current lags."""
_USUAL: Final = (-20.0, 73.0)
_SPREAD: Final = 75.0
_TWO_APART: Final = 40.0


@dataclass(frozen=True)
class Element:
    """What one measuring element sees; var is None where its sign is not known; size in VA."""

    phase: int
    volts: float
    amps: float
    watts: float
    var: float | None
    size: float

    @property
    def factor(self) -> float:
        """Power factor with the sign of the power."""
        return max(-1.0, min(1.0, self.watts / self.size)) if self.size else 0.0

    @property
    def angle(self) -> float:
        """Degrees by which the current lags, -180 to 180; without var: 0 to 180."""
        if self.var is None:
            return math.degrees(math.acos(self.factor))
        return math.degrees(math.atan2(self.var, self.watts))

    def angles(self) -> tuple[float, ...]:
        """The angles that fit what is known."""
        return (self.angle,) if self.var is not None else (self.angle, -self.angle)


@dataclass(frozen=True)
class Cause:
    """An explanation: its faults ("reversed 1", "crossed 1-2", "rotated"), and how unlikely it is."""

    faults: tuple[str, ...]
    weight: int
    spread: float


def causes_of_three(elements: Mapping[int, Element]) -> list[Cause]:
    """Explanations of elements that each should see their own phase, the likeliest first."""
    found = []
    phases = tuple(elements)
    # crossed voltage leads turn the angles the other way than crossed transformers do
    for order, way in itertools.product(itertools.permutations((1, 2, 3)), (1, -1)):
        moved = [n for n in (1, 2, 3) if order[n - 1] != n]
        if any(n not in elements for n in moved):
            continue  # what carries no current can't be judged
        if way < 0 and len(moved) != 2:
            continue
        for turned in _subsets(phases):
            shift = {n: way * 120.0 * (order[n - 1] - n) + (180.0 if n in turned else 0.0) for n in phases}
            fit = _fits(elements, shift)
            if fit is None:
                continue
            spread, usual = fit
            faults = [f"reversed {n}" for n in turned]
            if len(moved) == 2:
                faults.append(f"crossed {moved[0]}-{moved[1]}")
            elif len(moved) == 3:
                faults.append("rotated")
            # all turned round is one mistake made three times
            weight = (2 if len(turned) == 3 else len(turned)) + (len(moved) + 1) // 2
            found.append(Cause(tuple(faults), weight if usual else weight + 1, spread))
    found = [cause for n, cause in enumerate(found) if cause.faults not in [c.faults for c in found[:n]]]
    return sorted(found, key=lambda cause: (cause.weight, cause.spread))


def _fits(elements: Mapping[int, Element], shift: Mapping[int, float]) -> tuple[float, bool] | None:
    """The spread of the loads' angles under a wiring and whether they are usual ones; None: no such load."""
    best: tuple[float, bool] | None = None
    for seen in itertools.product(*(element.angles() for element in elements.values())):
        real = [_turn(angle - shift[n]) for n, angle in zip(elements, seen, strict=True)]
        spread = max(real) - min(real)
        good = min(real) >= _CAPACITIVE and max(real) <= _INDUCTIVE and spread <= _SPREAD
        if good and (best is None or spread < best[0]):
            best = spread, min(real) >= _USUAL[0] and max(real) <= _USUAL[1]
    return best


def causes_of_two(elements: Mapping[int, Element]) -> list[Cause]:
    """Explanations of the two elements of a three-wire meter (U12·I1 and U32·I3), the likeliest first."""
    first, second = (elements[n] for n in sorted(elements))
    found = []
    for crossed, sequence in itertools.product((False, True), (1, -1)):
        # the angle each element adds to the load's
        shift = (-90.0, 90.0) if crossed else (30.0, -30.0)
        shift = (shift[0] * sequence, shift[1] * sequence)
        for turned in _subsets((first.phase, second.phase)):
            spread = _fits_two(first, second, shift, turned)
            if spread is None:
                continue
            faults = [f"reversed {n}" for n in turned]
            faults += [f"crossed {first.phase}-{second.phase}"] if crossed else []
            faults += ["sequence"] if sequence < 0 else []
            found.append(Cause(tuple(faults), len(faults), spread))
    return sorted(found, key=lambda cause: (cause.weight, cause.spread))


def _fits_two(
    first: Element, second: Element, shift: tuple[float, float], turned: Sequence[int]
) -> float | None:
    best: float | None = None
    for one, other in itertools.product(first.angles(), second.angles()):
        a = _turn(one - shift[0] - (180.0 if first.phase in turned else 0.0))
        b = _turn(other - shift[1] - (180.0 if second.phase in turned else 0.0))
        spread = abs(_turn(a - b))
        middle = _turn(b + _turn(a - b) / 2)
        good = spread <= _TWO_APART and _CAPACITIVE <= middle <= _INDUCTIVE
        if good and (best is None or spread < best):
            best = spread
    return best


def _subsets(items: Sequence[int]) -> list[tuple[int, ...]]:
    return [chosen for size in range(len(items) + 1) for chosen in itertools.combinations(items, size)]


def _turn(angle: float) -> float:
    """The same angle between -180 and 180 degrees."""
    return (angle + 180.0) % 360.0 - 180.0
