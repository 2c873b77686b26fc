"""Readings that are the count in another unit: Wh for kWh, litres for m³, a decimal point that moved."""

from __future__ import annotations

from typing import Final

import numpy as np

from dodac.counters._judge import Bools, Floats, Ints

_LEAP: Final = 5.0  # times: a change of unit is at least such a step
_POWERS: Final = (-3, 3, -1, 1, -2, 2)
_STRETCHES: Final = 2000  # what leaps more often than that is no counter
_MOST: Final = 2 / 3  # of the readings: so many say which unit is the right one
_MANY: Final = 12
_BACK: Final = 12  # stretches looked back for the one that a stretch goes on from
_FAR: Final = 48  # readings: what lies between two stretches that are compared
_LOOK: Final = 1000  # readings
_LOOSE: Final = 0.5  # of the count: the same where it goes on in its own unit
_NEAR: Final = 0.05  # of the count: if more than that can be used in between, a power of 10 is no sign
_DIGITS: Final = 200  # of the register: with fewer the same figures are chance
_ROUNDED: Final = 0.001  # of the count: lost where the other unit is shown with as many decimals


def other_unit(value: Floats, time: Ints) -> Bools:
    """Readings that go on from those before them in a unit that is a power of 10 of theirs.

    The unit of two thirds of the readings is taken for the right one; where no unit has so many, all are
    found. A reset or another meter that begins within a thousandth of such a power of the old count is
    taken for a change of unit too.
    """
    found = np.zeros(len(value), dtype=bool)
    if len(value) < 4:
        return found
    up, down = np.abs(value[1:]), np.abs(value[:-1])
    leap = (up > _LEAP * down) | (down > _LEAP * up)
    starts = np.concatenate(([0], np.flatnonzero(leap) + 1))
    if not 1 < len(starts) <= _STRETCHES:
        return found
    ends = np.concatenate((starts[1:], [len(value)]))
    counts = ends - starts
    power = np.zeros(len(starts), dtype=np.int64)
    longest = int(np.argmax(counts))
    usual = _fastest(value, time, slice(int(starts[longest]), int(ends[longest])))
    for b in range(1, len(starts)):
        near: list[tuple[int, int]] = []  # stretches that it may go on from, and by which power
        for a in range(b - 1, max(b - 1 - _BACK, -1), -1):
            if counts[a] < 3:
                continue
            k = _power(value, time, slice(int(starts[a]), int(ends[a])), int(starts[b]), usual)
            if k == 0 or (k is not None and starts[b] - ends[a] <= _FAR):
                near.append((a, k))
        near = [one for one in near if counts[one[0]] >= _MANY] or near
        same = [a for a, k in near if k == 0]
        if same:
            power[b] = power[same[0]]
            # the count is back: what lies between was in another unit
            for a, k in near:
                if a > same[0] and k and counts[b] >= _MANY:
                    power[a] = power[b] - k
        elif near:
            a, k = max(near, key=lambda one: int(counts[one[0]]))
            power[b] = power[a] + k
    kinds, where = np.unique(power, return_inverse=True)
    if len(kinds) > 1:
        readings = np.bincount(where, weights=counts)
        sure = bool(readings.max() >= _MOST * len(value))
        found = np.repeat((power != kinds[int(np.argmax(readings))]) | (not sure), counts)
    return found


def _fastest(value: Floats, time: Ints, where: slice) -> float:
    v, t = value[where][-_LOOK:], time[where][-_LOOK:]
    rates = np.sort(np.diff(v) / np.maximum(np.diff(t), 1))
    if not len(rates):
        return 0.0
    return float(rates[-4] if len(rates) >= _MANY else rates[-1])  # a few may be faults


def _power(value: Floats, time: Ints, before: slice, first: int, usual: float) -> int | None:
    """By which power of 10 a reading goes on from a stretch; 0 in its own unit, None when by none.

    usual: how fast the count rises where the stretch stands still.
    """
    fastest = _fastest(value, time, before) or usual
    last, between = float(value[before.stop - 1]), float(time[first] - time[before.stop - 1])
    most = 3 * fastest * between
    if last <= 0 or not 0 < most < _LOOSE * last:
        return None
    if -_ROUNDED * last <= value[first] - last <= most:
        return 0
    if most >= _NEAR * last:
        return None
    steps = np.abs(np.diff(value[first : first + 96]))
    digit = float(np.min(steps[steps > 0], initial=np.inf))
    for k in _POWERS:
        off = value[first] / 10.0**k - last
        if -_ROUNDED * last <= off <= most + _ROUNDED * last and last * 10.0**k >= _DIGITS * digit:
            return k
    return None
