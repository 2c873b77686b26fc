"""What the levels of a series amount to: lasting steps, temporary changes, ramps and drifts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from analysis._frames import Floats

_BACK: Final = 0.5
_GRID: Final = 24


@dataclass(frozen=True)
class Piece:
    """kind, start and end (index, end excluded), change against the time around, rows it is held against."""

    kind: str
    start: int
    end: int
    change: float
    around: int

    @property
    def lasting(self) -> bool:
        """Does it go on to the end of the data?"""
        return self.kind in ("step", "drift", "pattern")


def shapes(y: Floats, places: list[int], price: float, least: int) -> list[Piece]:
    """The pieces between cuts, read in order.

    A level that goes back to where it was is temporary (within half of its change); cuts in one
    direction are a ramp when a straight rise explains them at less price.
    """
    edges = [0, *places, len(y)]
    levels = [float(np.mean(y[a:b])) for a, b in pairwise(edges)]
    sizes = [b - a for a, b in pairwise(edges)]
    found: list[Piece] = []
    base, weight, number = levels[0], sizes[0], 1
    while number < len(levels):
        start, end = edges[number], edges[number + 1]
        change = levels[number] - base
        if number + 1 < len(levels) and abs(levels[number + 1] - base) <= _BACK * abs(change):
            after, count = levels[number + 1], sizes[number + 1]
            base = (base * weight + after * count) / (weight + count)
            weight += count
            found.append(Piece("temporary", start, end, levels[number] - base, weight))
            number += 2
            continue
        run = number
        while run + 1 < len(levels) and (levels[run + 1] - levels[run]) * change > 0:
            run += 1
        ramp = _ramp(y, edges[number - 1], edges[run + 1], edges[number : run + 1], price, least)
        if ramp is not None:
            first, last, rise = ramp
            kind = "drift" if last >= len(y) else "ramp"
            found.append(Piece(kind, first, last if kind == "ramp" else len(y), rise, weight))
            base, weight, number = levels[run], sizes[run], run + 1
            continue
        found.append(Piece("step", start, len(y), change, weight))
        base, weight, number = levels[number], sizes[number], number + 1
    return found


def with_turns(y: Floats, pieces: list[Piece], turns: list[int], near: int) -> list[Piece]:
    """The pieces with each change of the week's pattern: joined to the step beside it, or on its own."""
    found = list(pieces)
    for number, turn in enumerate(turns):
        steps = [piece for piece in found if piece.kind == "step" and abs(piece.start - turn) <= near]
        if steps:
            closest = min(steps, key=lambda piece: abs(piece.start - turn))
            found[found.index(closest)] = replace(closest, kind="pattern", start=turn)
            continue
        before = turns[number - 1] if number else 0
        after = turns[number + 1] if number + 1 < len(turns) else len(y)
        change = float(np.mean(y[turn:after]) - np.mean(y[before:turn]))
        found.append(Piece("pattern", turn, len(y), change, turn - before))
    return found


def _ramp(
    y: Floats, left: int, right: int, steps: list[int], price: float, least: int
) -> tuple[int, int, float] | None:
    """Start, end and rise of a straight rise between two levels, when it is the cheaper story."""
    part = y[left:right]
    n = len(part)
    if n < 3 * least:
        return None
    edges = [0, *(step - left for step in steps), n]
    flat = sum(float(np.sum((part[a:b] - np.mean(part[a:b])) ** 2)) for a, b in pairwise(edges))
    times = np.arange(n, dtype=np.float64)
    marks = np.unique(np.linspace(0, n - 1, _GRID).astype(int))
    best: tuple[float, int, int, float] | None = None
    for first in marks:
        for last in marks:
            if last - first < 3 * least:
                continue
            rise = np.clip((times - first) / (last - first), 0.0, 1.0)
            rise -= np.mean(rise)
            power = float(rise @ rise)
            slope = float(rise @ part) / power
            error = float(np.sum((part - np.mean(part)) ** 2)) - slope**2 * power
            # an end of its own has to be worth something: else it goes on to the end
            error += 0.0 if last == n - 1 else 0.5 * price
            if best is None or error < best[0]:
                best = (error, int(first), int(last), slope)
    if best is None or best[0] + 0.5 * price >= flat + (len(steps) - 1) * price:
        return None
    return left + best[1], left + best[2] + 1, best[3]
